"""What a shape is: files with marks, the alternatives that edits put there, and which assets each reaches.

In every text, and in every file's name, `$me` is the name of this occurrence, `$up` the key of an asset of another
shape, and `$name` the current alternative of the knob `name`. A file whose name comes out empty, or ends in a slash,
is not there.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

Content = str | bytes


@dataclass(frozen=True)
class Knob:
    """A place in the files of a shape, what it may say, and the assets (by local name) that this reaches."""

    alternatives: tuple[str, ...]
    reaches: tuple[str, ...] = ()

    @property
    def is_neutral(self) -> bool:
        return not self.reaches


def knob(alternatives: str, reaches: str) -> Knob:
    """Make a knob from alternatives between bars, and local names between spaces; `-` is the empty alternative."""
    parts = [part.strip() for part in alternatives.split("|")]
    return Knob(tuple("" if part == "-" else part for part in parts), tuple(reaches.split()))


def neutral(alternatives: str) -> Knob:
    return knob(alternatives, "")


class Shape:
    """A kind of code or data that people write; subclasses say the files, the knobs and what is offered to others.

    `uses` says which assets call a function of the module `shared`: `num` is called by each that reads `$up`.
    `made` turns the text of a file into the bytes that are written, where that is not the text itself.
    """

    files: ClassVar[Mapping[str, str]] = {}
    knobs: ClassVar[Mapping[str, Knob]] = {}
    offers: ClassVar[str] = ""  # local names of assets whose value is plain
    reads_up: ClassVar[str] = ""  # local names of assets that read `$up`
    scales: ClassVar[str] = ""  # local names of assets that call `shared.scale`
    variables: ClassVar[Mapping[str, str]] = {}  # environment
    made: ClassVar[Mapping[str, Callable[[str], bytes]]] = {}  # by the ending of the file's name
    reads_all_variables: ClassVar[str] = ""  # local names of assets that look at the whole environment
    data: ClassVar[tuple[str, ...]] = ()  # endings of names of Python files that are read, not imported
    is_plain: ClassVar[bool] = True  # calling its functions gives what a build gives
    needs_python: ClassVar[tuple[int, int]] = (3, 11)

    def __init__(self, me: str, up: str) -> None:
        self.me = me
        self.up = up
        self.at = dict.fromkeys(self.knobs, 0)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.me}, up={self.up}, {self.at})"

    def key(self, local: str) -> str:
        return f"{self.me}_{local}"

    def keys(self, locals_: str) -> set[str]:
        return {self.key(local) for local in locals_.split()}

    def reached(self, name: str) -> set[str]:
        """Return the keys that turning a knob reaches."""
        return {self.key(local) for local in self.knobs[name].reaches}

    def texts(self) -> dict[str, Content]:
        """Return the files as they are now."""
        told = {name: knob.alternatives[self.at[name]] for name, knob in self.knobs.items()}
        told |= {"me": self.me, "up": self.up}
        filled = {_fill(name, told): _fill(text, told) for name, text in self.files.items()}
        return {name: self._made(name, text) for name, text in filled.items() if name and not name.endswith("/")}

    def environment(self) -> dict[str, str]:
        told = {name: knob.alternatives[self.at[name]] for name, knob in self.knobs.items()} | {"me": self.me}
        return {_fill(name, told): _fill(text, told) for name, text in self.variables.items()}

    def _made(self, name: str, text: str) -> Content:
        make = next((make for ending, make in self.made.items() if name.endswith(ending)), None)
        return text if make is None else make(text)


def _fill(text: str, told: Mapping[str, str]) -> str:
    filled = string.Template(text).substitute(told)
    return string.Template(filled).substitute(told) if "$" in filled else filled
