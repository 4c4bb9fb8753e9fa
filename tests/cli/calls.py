"""Call the command line in this process, as a shell would: words in; exit code, stdout and stderr out."""

from __future__ import annotations

import io
import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assetctl.cli.main import main


@dataclass(frozen=True)
class Said:
    """What one call answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def call(*words: str | Path) -> Said:
    """Run `assetctl WORDS` and return what it said."""
    streams, handler, path = (sys.stdout, sys.stderr), signal.getsignal(signal.SIGTERM), list(sys.path)
    out, err = _stream(), _stream()
    sys.stdout, sys.stderr = out, err
    try:
        code = main([str(word) for word in words])
    finally:
        sys.stdout, sys.stderr = streams
        signal.signal(signal.SIGTERM, handler)
        sys.path[:] = path
        sys.modules.pop("pipeline", None)  # a shell's next call would begin without it
    return Said(code, _text(out), _text(err))
