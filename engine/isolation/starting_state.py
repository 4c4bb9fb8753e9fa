"""The state of this process that a step starts from, and that it is put back to when the step is over.

Everything that is kept is in one table, by kind; docs/decisions/0029-a-step-starts-from-the-state-after-import.md
says why, and what is not kept.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar, Self

from assetctl.engine.isolation.interpreter import INTERPRETER
from assetctl.engine.isolation.kept import Kept
from assetctl.engine.isolation.libraries import LIBRARIES
from assetctl.engine.isolation.randomness import RANDOMNESS
from assetctl.engine.isolation.standard_library import STANDARD_LIBRARY

KEPT: tuple[Kept, ...] = (*STANDARD_LIBRARY, *INTERPRETER, *RANDOMNESS, *LIBRARIES)
_FOR_STORING = tuple(kept for kept in KEPT if kept.is_for_storing)


class StartingState:
    """Saved when it is entered, put back when it is left.

    with StartingState() as start:
        value = function()
        start.before_storing()
        store(value)

    `lost` are the kinds that could not be put back, once in the life of this process.
    """

    lost: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        self._saved: dict[str, Any] = {}

    def __enter__(self) -> Self:
        loaded = sys.modules
        self._saved = {kept.name: kept.save() for kept in KEPT if kept.library in loaded}
        return self

    def before_storing(self) -> None:
        """Put back what storing relies on; figures and their settings are still as the step left them."""
        for kept in _FOR_STORING:
            self._put_back(kept)

    def __exit__(self, *error: object) -> None:
        for kept in KEPT:
            self._put_back(kept)

    def _put_back(self, kept: Kept) -> None:
        if kept.library not in sys.modules:
            return
        if kept.name in self._saved:
            was = self._saved[kept.name]
        elif kept.after_import is not None:
            was = kept.after_import()
        else:
            return
        try:
            kept.put_back(was)
        except Exception:  # noqa: BLE001  a folder that was deleted, a locale that is gone: the rest is put back
            self.lost.add(kept.name)
