"""What identity takes from the syntax of a function or class, as plain values that can be kept.

Everything here follows from the text alone, so that it may be remembered under the text:
no live object is looked at. Syntax is kept as it counts where neither docstrings nor
annotations are read; for other readings the file is parsed.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from assetctl.lineage.identity.code.bindings import imported_modules
from assetctl.lineage.identity.code.effects import Statement, statements_with_effects
from assetctl.lineage.identity.code.reads import Import, Read, Reads
from assetctl.lineage.identity.code.scopes import (
    chain_of,
    class_bindings,
    expression_reads,
    function_reads,
    statement_reads,
)
from assetctl.lineage.identity.code.syntax import FunctionNode, Reading, function_syntax, node_syntax, nodes_syntax
from assetctl.lineage.identity.code.touches import Touch


@dataclass(frozen=True, slots=True)
class Decorator:
    """One decorator: the names it is reached by, () if computed; its bytes (`node_syntax`) and what it reads."""

    chain: tuple[str, ...]
    line: int
    syntax: bytes
    reads: Reads


@dataclass(frozen=True, slots=True)
class Piece:
    """Statements or keywords of a class: their bytes (`nodes_syntax`) and what they read."""

    syntax: bytes
    reads: Reads


@dataclass(frozen=True, slots=True)
class FunctionText:
    """A function's signature and body as bytes (`function_syntax`), what they read, its decorators."""

    syntax: bytes
    reads: Reads
    decorators: tuple[Decorator, ...]


@dataclass(frozen=True, slots=True)
class ClassText:
    """A class statement: `fields` are the statements that become fields if something turns them into fields.

    `bindings` are the names that the body binds, `definitions` those of functions and
    classes anywhere in it.
    """

    decorators: tuple[Decorator, ...]
    keywords: Piece
    fields: Piece
    bindings: frozenset[str]
    definitions: frozenset[str]


@dataclass(frozen=True, slots=True)
class FunctionPlace:
    """Where a function stands; `first` is the line its code object gives (that of its first decorator).

    `span` and, for a lambda, `body` are (line, column, end line, end column), columns in bytes.
    """

    first: int
    name: str
    class_name: str
    span: tuple[int, int, int, int]
    body: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class ClassPlace:
    """Where a class statement stands, by qualified name; `class_name` is the class around it."""

    qualname: str
    class_name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class StatementPlace:
    """Where a statement stands that may be run for its effect, and what it may change.

    `spans` are first and last lines: its own, after those of the statements that bind what it reads.
    """

    spans: tuple[tuple[int, int], ...]
    touches: tuple[Touch, ...]


@dataclass(slots=True)
class FileText:
    """One file: the places of its functions and classes in order, the lines that bind top-level names.

    `imports` are the modules that it imports itself, `statements` those that may be run for their effect.
    `function_texts`, `class_texts`, `statement_texts` and `function_touches` are what was asked for so far, by
    number of the place; the last by how the function is used, too.
    """

    functions: list[FunctionPlace] = field(default_factory=list)
    classes: list[ClassPlace] = field(default_factory=list)
    bindings: dict[str, int] = field(default_factory=dict)
    imports: list[Import] = field(default_factory=list)
    statements: list[StatementPlace] = field(default_factory=list)
    function_texts: dict[int, FunctionText] = field(default_factory=dict)
    class_texts: dict[int, ClassText] = field(default_factory=dict)
    statement_texts: dict[int, Piece] = field(default_factory=dict)
    function_touches: dict[str, tuple[Touch, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileNodes:
    """The syntax of a file, by number of the places in its `FileText`."""

    tree: ast.Module
    functions: list[FunctionNode]
    classes: list[ast.ClassDef]
    statements: list[Statement]


def describe_function(node: FunctionNode, class_name: str) -> FunctionText:
    """Return what identity takes from a function."""
    written = [] if isinstance(node, ast.Lambda) else node.decorator_list
    decorators = tuple(_decorator(one, class_name) for one in written)
    return FunctionText(function_syntax(node, Reading.NOTHING), function_reads(node, class_name), decorators)


def describe_class(node: ast.ClassDef, class_name: str) -> ClassText:
    """Return what identity takes from a class statement; `class_name` is the class around it."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return ClassText(
        tuple(_decorator(one, class_name) for one in node.decorator_list),
        _piece(counted_keywords(node), class_name),
        _piece(field_statements(node), class_name),
        class_bindings(node),
        frozenset(inner.name for inner in ast.walk(node) if isinstance(inner, kinds)),
    )


def describe_statement(statement: Statement) -> Piece:
    """Return what identity takes from a statement that is run for its effect."""
    return Piece(nodes_syntax(statement.nodes, Reading.NOTHING), statement_reads(statement.nodes))


def counted_keywords(node: ast.ClassDef) -> list[ast.keyword]:
    """Return a class statement's keywords except the metaclass, which is seen live."""
    return [keyword for keyword in node.keywords if keyword.arg != "metaclass"]


def field_statements(statement: ast.ClassDef) -> list[ast.stmt]:
    """Return the statements of a class body that make fields: all but methods, docstrings and `pass`."""
    skipped = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass)
    return [
        s
        for s in statement.body
        if not isinstance(s, skipped) and not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
    ]


def describe_file(tree: ast.Module) -> tuple[FileText, FileNodes]:
    """Return the places of a file, and the nodes that stand there in the same order."""
    imports = [Import(*imported) for imported in imported_modules(tree)]
    statements = statements_with_effects(tree)
    places = [StatementPlace(tuple([_lines(node) for node in one.nodes]), one.touches) for one in statements]
    file_text = FileText(bindings=_bindings(tree), imports=imports, statements=places)
    functions: list[FunctionNode] = []
    classes: list[ast.ClassDef] = []
    stack: list[tuple[ast.AST, str, str]] = [(tree, "", "")]
    while stack:
        node, prefix, class_name = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            place = _function_place(node, class_name)
            file_text.functions.append(place)
            functions.append(node)
            prefix = f"{prefix}{place.name}.<locals>."
        elif isinstance(node, ast.ClassDef):
            last = node.end_lineno or node.lineno
            file_text.classes.append(ClassPlace(prefix + node.name, class_name, _first_line(node), last))
            classes.append(node)
            prefix, class_name = f"{prefix}{node.name}.", node.name
        stack.extend([(child, prefix, class_name) for child in _children(node)])
    return file_text, FileNodes(tree, functions, classes, statements)


def merged(reads: Sequence[Reads]) -> Reads:
    """Return several reads as one."""
    names: dict[Read, None] = {}
    reading = Reading.NOTHING
    for one in reads:
        names.update(dict.fromkeys(one.names))
        reading |= one.reading
    return Reads(tuple(names), reading)


def _decorator(node: ast.expr, class_name: str) -> Decorator:
    chain = chain_of(node.func if isinstance(node, ast.Call) else node)
    return Decorator(chain, node.lineno, node_syntax(node, Reading.NOTHING), expression_reads([node], class_name))


def _piece(nodes: Sequence[ast.AST], class_name: str) -> Piece:
    return Piece(nodes_syntax(nodes, Reading.NOTHING), expression_reads(nodes, class_name))


def _function_place(node: FunctionNode, class_name: str) -> FunctionPlace:
    if isinstance(node, ast.Lambda):
        return FunctionPlace(node.lineno, "<lambda>", class_name, _span(node), _span(node.body))
    return FunctionPlace(_first_line(node), node.name, class_name, _span(node))


def _span(node: ast.expr | ast.stmt) -> tuple[int, int, int, int]:
    return (node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)


def _lines(node: ast.stmt) -> tuple[int, int]:
    is_definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    return (_first_line(node) if is_definition else node.lineno, node.end_lineno or node.lineno)  # type: ignore[arg-type]


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    """Return the line a code object gives as its first: that of the first decorator, if any."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _children(node: ast.AST) -> list[ast.AST]:
    """Return a node's children except names and constants, last first."""
    children: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            children.extend([item for item in value if isinstance(item, ast.AST)])
        elif isinstance(value, ast.AST) and type(value) not in _LEAVES:
            children.append(value)
    children.reverse()
    return children


_LEAVES = frozenset({ast.Name, ast.Constant, ast.Load, ast.Store, ast.Del})


def _bindings(tree: ast.Module) -> dict[str, int]:
    """Return the line of the last top-level statement that binds each name."""
    lines: dict[str, int] = {}
    for statement in tree.body:
        stack: list[ast.AST] = [statement]
        while stack:
            node = stack.pop()
            if isinstance(node, ast.Name):
                if isinstance(node.ctx, ast.Store):
                    lines[node.id] = statement.lineno
            elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
                stack.extend(ast.iter_child_nodes(node))
    return lines
