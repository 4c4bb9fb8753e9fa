"""Write JSON documents to stdout; `engine/documents/` makes them."""

from __future__ import annotations

import json
import sys

from assetctl.engine.answers.plain_json import plain


def write_json(document: object) -> None:
    """Write one document to stdout, indented, in ASCII (so that no locale can spoil it)."""
    sys.stdout.write(json.dumps(plain(document), indent=2, allow_nan=False) + "\n")


def write_line(document: object) -> None:
    """Write one document as one line, at once: somebody may be reading along."""
    sys.stdout.write(json.dumps(plain(document), allow_nan=False) + "\n")
    sys.stdout.flush()
