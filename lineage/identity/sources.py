"""Find the syntax of a live function or class, and prove that it is the syntax it came from.

The text is compiled again and compared with the live code object. What does not match
(the file changed after import, a patched code object, no text at all) has no syntax
here, and is identified by its code object; the text on disk is never believed instead.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_FUTURE_FLAGS = 0x1FF0000  # the compiler flags of `from __future__` imports, as code objects carry them


@dataclass(frozen=True, slots=True)
class Found:
    """A function's or class's node, the class around it ("" if none) and the file it stands in."""

    node: ast.AST
    class_name: str
    file: SourceFile

    def text(self) -> str:
        """Return its source text, decorators included."""
        start, end = first_line(self.node), getattr(self.node, "end_lineno", 0)
        if isinstance(self.node, ast.Lambda):
            return ast.get_source_segment(self.file.text, self.node) or ""
        return "".join(self.file.lines[start - 1 : end])


class SourceFile:
    """One parsed file: its functions, classes, top-level bindings and compiled code."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.lines = text.splitlines(keepends=True)
        self.tree = ast.parse(text)
        self._functions: dict[tuple[int, str], list[Found]] = {}
        self._classes: dict[str, list[Found]] = {}
        self._codes: dict[int, dict[tuple[int, str], list[types.CodeType]]] = {}
        self._bindings: dict[str, int] | None = None
        self._index()

    def function(self, code: types.CodeType) -> Found | None:
        """Return the node that this very code object was compiled from."""
        place = (code.co_firstlineno, code.co_name)
        candidates = self._functions.get(place, [])
        if not candidates or not any(code == twin for twin in self._twins(code, place)):
            return None
        return candidates[0] if len(candidates) == 1 else _innermost(candidates, code)

    def classes(self, qualname: str) -> list[Found]:
        """Return every class statement of this qualified name, in order of the file."""
        return self._classes.get(qualname, [])

    def line_of(self, name: str) -> int | None:
        """Return the line of the last top-level statement that binds a name."""
        if self._bindings is None:
            self._bindings = {}
            for statement in self.tree.body:
                for node in _own_nodes(statement):
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                        self._bindings[node.id] = statement.lineno
        return self._bindings.get(name)

    def _twins(self, code: types.CodeType, place: tuple[int, str]) -> Iterable[types.CodeType]:
        yield from self._compiled(0).get(place, ())
        flags = code.co_flags & _FUTURE_FLAGS
        if flags:  # a notebook cell inherits the future imports of earlier cells
            yield from self._compiled(flags).get(place, ())

    def _compiled(self, flags: int) -> dict[tuple[int, str], list[types.CodeType]]:
        if flags not in self._codes:
            table: dict[tuple[int, str], list[types.CodeType]] = {}
            stack = [compile(self.text, self.name, "exec", flags=flags, dont_inherit=True)]
            while stack:
                code = stack.pop()
                table.setdefault((code.co_firstlineno, code.co_name), []).append(code)
                stack.extend(const for const in code.co_consts if isinstance(const, types.CodeType))
            self._codes[flags] = table
        return self._codes[flags]

    def _index(self) -> None:
        stack: list[tuple[ast.AST, str, str]] = [(self.tree, "", "")]
        while stack:
            node, prefix, class_name = stack.pop()
            inner_prefix, inner_class = prefix, class_name
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
                found = Found(node, class_name, self)
                self._functions.setdefault((first_line(node), name), []).append(found)
                inner_prefix = f"{prefix}{name}.<locals>."
            elif isinstance(node, ast.ClassDef):
                self._classes.setdefault(prefix + node.name, []).append(Found(node, class_name, self))
                inner_prefix, inner_class = f"{prefix}{node.name}.", node.name
            children = list(ast.iter_child_nodes(node))
            stack.extend((child, inner_prefix, inner_class) for child in reversed(children))


class Sources:
    """Parsed files by name, each read and parsed once."""

    def __init__(self, read: Callable[[str], str | None]) -> None:
        self._read = read
        self._files: dict[str, SourceFile | None] = {}

    def file(self, name: str) -> SourceFile | None:
        """Return a file parsed, or None if it has no text that Python can parse."""
        if name not in self._files:
            text = self._read(name)
            self._files[name] = None if text is None else _parse(name, text)
        return self._files[name]

    def function(self, code: types.CodeType) -> Found | None:
        """Return the node that a live code object was compiled from, or None if that cannot be proved."""
        file = self.file(code.co_filename)
        return None if file is None else file.function(code)


def first_line(node: ast.AST) -> int:
    """Return the line a code object gives as its first: that of the first decorator, if any."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    line: int = min([node.lineno, *(d.lineno for d in decorators)])  # type: ignore[attr-defined]
    return line


def _parse(name: str, text: str) -> SourceFile | None:
    try:
        return SourceFile(name, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # nothing live can have come from it as it stands


def _own_nodes(statement: ast.stmt) -> Iterable[ast.AST]:
    """Yield the nodes of a statement that run when it runs, not those of functions and classes in it."""
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield node
            stack.extend(ast.iter_child_nodes(node))


def _innermost(candidates: list[Found], code: types.CodeType) -> Found | None:
    """Choose among lambdas of one line the one whose body holds all positions of the code."""
    places = [p for p in list(code.co_positions()) if None not in p and p[2] != p[3]]
    if not places:
        return None
    start = min((p[0], p[2]) for p in places)
    end = max((p[1], p[3]) for p in places)
    holding = []
    for found in candidates:
        body: ast.expr = found.node.body  # type: ignore[attr-defined]
        if (body.lineno, body.col_offset) <= start and end <= (body.end_lineno, body.end_col_offset):
            size = ((body.end_lineno or 0) - body.lineno, (body.end_col_offset or 0) - body.col_offset)
            holding.append((*size, found))
    return min(holding, key=lambda row: row[:2])[2] if holding else None
