"""`docs/errors.md` as tests read it: what each code leads to."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
LISTED = re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE)
EXIT_CODES = {
    code: frozenset(map(int, exits.split(",")))
    for code, exits in re.findall(r"^\| `([\w-]+)` \| ([\d, ]+) \| [^|]+ \| [^|]+ \|$", PAGE, re.MULTILINE)
}
"""By code; a row that lacks its meaning, or what to do, is not in here."""
