"""What this process does with a person's code at the moment, told to the process that watches over it.

It is written where that process reads it even if this one is gone without a word. Nothing is
imported at the top: it is loaded before anything else (see `cli/watched.py`).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap
    from types import TracebackType

_LENGTH = 2  # bytes that say how long the text is


class Told:
    """Memory that both processes see; None where nobody watches."""

    memory: mmap.mmap | None = None

    @classmethod
    def write(cls, text: str) -> None:
        if cls.memory is not None:
            data = text.encode(errors="replace")[: len(cls.memory) - _LENGTH]
            cls.memory[: _LENGTH + len(data)] = len(data).to_bytes(_LENGTH) + data

    @classmethod
    def read(cls) -> str:
        if cls.memory is None:
            return ""
        end = _LENGTH + int.from_bytes(cls.memory[:_LENGTH])
        return cls.memory[_LENGTH:end].decode(errors="replace")


class under_way:  # noqa: N801  used as a context manager; `contextlib` takes longer to import than this file
    """Say what is being done while the block runs."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._before = ""

    def __enter__(self) -> None:
        self._before = Told.read()
        Told.write(self._what)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        Told.write(self._before)
