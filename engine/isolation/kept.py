"""What one kind of state that a step may leave behind needs: saving it, and putting it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of state of this process.

    `save` is asked before a step, `put_back` is given the answer after it, and changes nothing
    that is as it was. Both are called only while the module `library` is loaded; of one that
    the step loaded itself, `after_import` gives what `save` would have given then; without it
    nothing is done. `is_for_storing`: storing a value relies on it, so that it is put back as
    soon as the function has returned, rather than when all is stored.
    """

    name: str
    save: Callable[[], Any]
    put_back: Callable[[Any], None]
    library: str = "sys"
    after_import: Callable[[], Any] | None = None
    is_for_storing: bool = False


def setting(name: str, get: Callable[[], Any], put: Callable[[Any], object], library: str = "sys", **more: Any) -> Kept:
    """Return a kind of state that one function answers and another one sets."""

    def put_back(was: Any) -> None:
        if get() != was:
            put(was)

    return Kept(name, get, put_back, library, **more)
