"""The kinds of things that facts name, and how a recorded name becomes one of them."""

from __future__ import annotations

from enum import StrEnum


class SymbolKind(StrEnum):
    """What a symbol is."""

    FUNCTION = "function"
    CLASS = "class"
    VALUE = "value"
    CODE = "code"  # a function without a source text that provably is its own
    STATEMENTS = "statements"  # those of a module that are run for their effect


LOST_LOOK = "a look that could not be noted"  # the name of what the recorder failed at begins so


class UndeclaredKind(StrEnum):
    """What a step was seen to use, and what its name is made of: of a path, as it is relative to the project root."""

    FILE = "file"  # a file's bytes
    FOLDER = "folder"  # names and bytes of all files below it
    LISTING = "listing"  # the names in a folder
    ENTRIES = "entries"  # the names in a folder, with sizes and times
    PLACE = "place"  # what is there: nothing, a file or a folder
    SIZE = "size"
    TIME = "time"  # when it was changed last
    MODE = "mode"  # what is there, and who may do what with it
    LINK = "link"  # what a symbolic link leads to, as it is written in it; or that there is none
    VARIABLE = "variable"  # the name of an environment variable; "*" for all of them
    SYMBOL = "symbol"  # "module:qualname"
    MODULE = "module"  # "module:"
    CODEC = "codec"  # "module:qualname" of a codec of the project's own
    UNSEEN = "unseen"  # something that watching cannot look into, in words; it never counts, and is told

    @property
    def runs_code(self) -> bool:
        """Whether comparing it imports a module of the project."""
        return self in (UndeclaredKind.SYMBOL, UndeclaredKind.MODULE, UndeclaredKind.CODEC)


class RunStatus(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What a run did about a target."""

    MATERIALIZED = "materialized"
    RESTORED = "restored"
    FRESH = "fresh"
    FAILED = "failed"
    SKIPPED = "skipped"


_SYMBOL_KINDS = {kind.value: kind for kind in SymbolKind}
_RUN_STATUSES = {status.value: status for status in RunStatus}
_UNDECLARED_KINDS = {kind.value: kind for kind in UndeclaredKind}


def symbol_kind(text: str) -> SymbolKind | str:
    """Return the kind that a recorded text names; one that only a later release knows stays text."""
    return _SYMBOL_KINDS.get(text, text)


def undeclared_kind(text: str) -> UndeclaredKind | str:
    """Return the kind that a recorded text names; one that only a later release knows stays text."""
    return _UNDECLARED_KINDS.get(text, text)


def run_status(text: str) -> RunStatus | str:
    """Return the status that a recorded text names; one that only a later release knows stays text."""
    return _RUN_STATUSES.get(text, text)
