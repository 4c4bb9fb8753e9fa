"""How an asset is computed, as declared: the one place where the ways of computing are listed.

A way of computing is data. Three places say what follows from it, each with one `match`:
`lineage/graph/bindings.py` what it reads, `lineage/identity/code/links.py` what its code
version is made from, `engine/steps/perform.py` how it is carried out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Any


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """A function, or anything else that can be called; its parameters say what it is given."""

    fn: Callable[..., Any]

    @property
    def module(self) -> str | None:
        """The name of the module that it says it is from."""
        return getattr(self.fn, "__module__", None)

    @property
    def where(self) -> str:
        """The file and line of its code, or of the code that it wraps."""
        code = _code_of(self.fn)
        return "(no source)" if code is None else f"{code.co_filename}:{code.co_firstlineno}"


Compute = PythonFunction  # a union, as soon as there is a second way


def _code_of(fn: Callable[..., Any]) -> CodeType | None:
    own: CodeType | None = getattr(fn, "__code__", None)
    if own is not None:
        return own
    wrapped = getattr(fn, "__wrapped__", None) or getattr(fn, "func", None)
    return getattr(wrapped, "__code__", None) or getattr(type(fn).__call__, "__code__", None)
