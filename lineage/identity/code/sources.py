"""Find the syntax of a live function or class, and prove that it is the syntax it came from.

The code that was made from the text when it was imported is compared with the live code
object. What does not match (the file changed after import, a patched code object, no
text at all) has no syntax here, and is identified by its code object; the text on disk
is never believed instead.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Iterable
from dataclasses import dataclass

from assetctl.lineage.facts.ports import CodeWorld
from assetctl.lineage.identity.code.bindings import names_bound
from assetctl.lineage.identity.code.effects import function_touches
from assetctl.lineage.identity.code.kept import read_file_text, write_file_text
from assetctl.lineage.identity.code.syntax import FunctionNode, Reading, function_syntax, node_syntax
from assetctl.lineage.identity.code.texts import (
    ClassPlace,
    ClassText,
    FileNodes,
    FileText,
    FunctionPlace,
    FunctionText,
    Piece,
    StatementPlace,
    describe_class,
    describe_file,
    describe_function,
    describe_statement,
)
from assetctl.lineage.identity.code.touches import Touch, Use
from assetctl.lineage.identity.encode import digest_bytes

_FUTURE_FLAGS = 0x1FF0000  # the compiler flags of `from __future__` imports, as code objects carry them
_Codes = dict[tuple[int, str], list[types.CodeType]]


@dataclass(frozen=True, slots=True)
class FunctionSource:
    """A function of a file: its place, and its syntax when asked."""

    file: SourceFile
    number: int
    place: FunctionPlace

    @property
    def is_lambda(self) -> bool:
        return self.place.body is not None

    def described(self) -> FunctionText:
        """Return what identity takes from it where neither docstrings nor annotations are read."""
        known = self.file.texts.function_texts
        if self.number not in known:
            known[self.number] = describe_function(self.node(), self.place.class_name)
            self.file.has_news = True
        return known[self.number]

    def node(self) -> FunctionNode:
        return self.file.nodes().functions[self.number]

    def touches(self, use: Use = Use.CALL) -> tuple[Touch, ...]:
        """Return what calling it may change, or applying it, or what it returns, as a decorator."""
        known, key = self.file.texts.function_touches, f"{use} {self.number}"
        if key not in known:
            is_method = bool(self.place.class_name)
            names = names_bound(self.file.nodes().tree.body)
            known[key] = function_touches(self.node(), names, is_method, use)
            self.file.has_news = True
        return known[key]

    def syntax(self, reading: Reading) -> bytes:
        """Return signature and body."""
        return function_syntax(self.node(), reading) if reading else self.described().syntax

    def decorator_syntax(self, number: int, reading: Reading) -> bytes:
        """Return one decorator."""
        if not reading:
            return self.described().decorators[number].syntax
        return node_syntax(self.node().decorator_list[number], reading)  # type: ignore[union-attr]

    def text(self) -> str:
        """Return its source text, decorators included."""
        line, column, last, end_column = self.place.span
        if not self.is_lambda:
            return "".join(self.file.lines()[self.place.first - 1 : last])
        node = ast.Pass(lineno=line, col_offset=column, end_lineno=last, end_col_offset=end_column)
        return ast.get_source_segment(self.file.text, node) or ""


@dataclass(frozen=True, slots=True)
class ClassSource:
    """A class statement of a file: its place, and its syntax when asked."""

    file: SourceFile
    number: int
    place: ClassPlace

    def described(self) -> ClassText:
        """Return what identity takes from it where neither docstrings nor annotations are read."""
        known = self.file.texts.class_texts
        if self.number not in known:
            known[self.number] = describe_class(self.node(), self.place.class_name)
            self.file.has_news = True
        return known[self.number]

    def node(self) -> ast.ClassDef:
        return self.file.nodes().classes[self.number]

    def decorator_syntax(self, number: int, reading: Reading) -> bytes:
        """Return one decorator."""
        if not reading:
            return self.described().decorators[number].syntax
        return node_syntax(self.node().decorator_list[number], reading)

    def text(self) -> str:
        """Return its source text, decorators included."""
        return "".join(self.file.lines()[self.place.first - 1 : self.place.last])


@dataclass(frozen=True, slots=True)
class StatementSource:
    """A statement of a file that may be run for its effect: its place, and its syntax when asked."""

    file: SourceFile
    number: int
    place: StatementPlace

    def described(self) -> Piece:
        """Return what identity takes from it where neither docstrings nor annotations are read."""
        known = self.file.texts.statement_texts
        if self.number not in known:
            known[self.number] = describe_statement(self.file.nodes().statements[self.number])
            self.file.has_news = True
        return known[self.number]

    def text(self) -> str:
        """Return its source text, after that of the statements that bind what it reads."""
        lines = self.file.lines()
        return "".join("".join(lines[first - 1 : last]).rstrip("\n") + "\n" for first, last in self.place.spans)


class SourceFile:
    """One file: its functions, classes and top-level bindings; parsed only if something of its text is unknown."""

    def __init__(self, name: str, text: str, code: types.CodeType | None, kept: FileText | None) -> None:
        self.name = name
        self.text = text
        self.has_news = kept is None
        self._code = code
        self._lines: list[str] | None = None
        self._nodes: FileNodes | None = None
        self._codes: dict[int, _Codes] = {}
        self._by_code: dict[int, tuple[types.CodeType, FunctionSource | None]] = {}
        if kept is None:
            kept, self._nodes = describe_file(ast.parse(text))
        self.texts = kept
        self._functions: dict[tuple[int, str], list[FunctionSource]] = {}
        self._classes: dict[str, list[ClassSource]] = {}
        for number, place in enumerate(kept.functions):
            self._functions.setdefault((place.first, place.name), []).append(FunctionSource(self, number, place))
        for number, at in enumerate(kept.classes):
            self._classes.setdefault(at.qualname, []).append(ClassSource(self, number, at))

    def function(self, code: types.CodeType) -> FunctionSource | None:
        """Return the function that this very code object was compiled from."""
        if id(code) not in self._by_code:
            place = (code.co_firstlineno, code.co_name)
            candidates = self._functions.get(place, [])
            if not candidates or not any(code is twin or code == twin for twin in self._twins(code, place)):
                return None
            source = candidates[0] if len(candidates) == 1 else _innermost(candidates, code)
            self._by_code[id(code)] = code, source  # the code is kept alive, so that its id stays its own
        return self._by_code[id(code)][1]

    def classes(self, qualname: str) -> list[ClassSource]:
        """Return every class statement of this qualified name, in order of the file."""
        return self._classes.get(qualname, [])

    def line_of(self, name: str) -> int | None:
        """Return the line of the last top-level statement that binds a name."""
        return self.texts.bindings.get(name)

    def lines(self) -> list[str]:
        if self._lines is None:
            self._lines = self.text.splitlines(keepends=True)
        return self._lines

    def statements(self) -> list[StatementSource]:
        """Return the top-level statements that may be run for their effect, in order of the file."""
        return [StatementSource(self, number, place) for number, place in enumerate(self.texts.statements)]

    def nodes(self) -> FileNodes:
        """Return the nodes of what has a place, by number of the place."""
        if self._nodes is None:
            _, self._nodes = describe_file(ast.parse(self.text))
        return self._nodes

    def _twins(self, code: types.CodeType, place: tuple[int, str]) -> Iterable[types.CodeType]:
        yield from self._compiled(0).get(place, ())
        flags = code.co_flags & _FUTURE_FLAGS
        if flags:  # a notebook cell inherits the future imports of earlier cells
            yield from self._compiled(flags).get(place, ())

    def _compiled(self, flags: int) -> _Codes:
        if flags not in self._codes:
            table: _Codes = {}
            made = self._code if not flags else None
            stack = [made or compile(self.text, self.name, "exec", flags=flags, dont_inherit=True)]
            while stack:
                code = stack.pop()
                table.setdefault((code.co_firstlineno, code.co_name), []).append(code)
                stack.extend([const for const in code.co_consts if type(const) is types.CodeType])
            self._codes[flags] = table
        return self._codes[flags]


class Sources:
    """Files by name, each read once, and parsed only where what was kept of its text does not suffice."""

    def __init__(self, world: CodeWorld) -> None:
        self._world = world
        self._files: dict[str, SourceFile | None] = {}

    def file(self, name: str) -> SourceFile | None:
        """Return a file, or None if it has no text that Python can parse."""
        if name not in self._files:
            text = self._world.source(name)
            self._files[name] = None if text is None else self._open(name, text)
        return self._files[name]

    def function(self, code: types.CodeType) -> FunctionSource | None:
        """Return the function that a live code object was compiled from, or None if that cannot be proved."""
        file = self.file(code.co_filename)
        return None if file is None else file.function(code)

    def keep(self) -> None:
        """Hand what was learned from texts to the world, for the next time."""
        for file in self._files.values():
            key = self._key(file.name) if file is not None and file.has_news else ""
            if file is not None and key:
                file.has_news = False
                self._world.keep(key, write_file_text(_digest(file.text), file.texts))

    def _open(self, name: str, text: str) -> SourceFile | None:
        key = self._key(name)
        stored = self._world.kept(key) if key else None
        kept = None if stored is None else read_file_text(_digest(text), stored)
        try:
            return SourceFile(name, text, self._world.compiled(name), kept)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None  # nothing live can have come from it as it stands

    def _key(self, name: str) -> str:
        """Return the key to keep a file under; "" if it is no module's: all cells of a notebook share one name."""
        shown = self._world.relative(name)
        return digest_bytes(shown.encode("utf-8", "surrogatepass")) if shown.endswith(".py") else ""


def _digest(text: str) -> str:
    return digest_bytes(text.encode("utf-8", "surrogatepass"))


def _innermost(candidates: list[FunctionSource], code: types.CodeType) -> FunctionSource | None:
    """Choose among lambdas of one line the one whose body holds all positions of the code."""
    places = [p for p in list(code.co_positions()) if None not in p and p[2] != p[3]]
    if not places:
        return None
    start = min((p[0], p[2]) for p in places)
    end = max((p[1], p[3]) for p in places)
    holding = []
    for source in candidates:
        if source.place.body is None:
            continue
        line, column, last, end_column = source.place.body
        if (line, column) <= start and end <= (last, end_column):
            holding.append((last - line, end_column - column, source))
    return min(holding, key=lambda row: row[:2])[2] if holding else None
