"""Follow the statements that run when a module is imported or a function is called: what they import and bind."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from assetctl.lineage.identity.code.scopes import chain_of

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(slots=True)
class Names:
    """The names that a module or a function binds: those it imports, with the dotted name; the values of others."""

    imports: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[ast.expr | None]] = field(default_factory=dict)

    def bind(self, target: ast.AST | None, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self.values.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self.bind(item, None)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, None)

    def add_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                self.imports[alias.asname or alias.name.partition(".")[0]] = alias.name
            else:
                self.imports[alias.asname or alias.name] = f"{'.' * node.level}{node.module or ''}.{alias.name}"

    def add_statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self.bind(target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            self.bind(node.target, node.value)
        elif isinstance(node, ast.For | ast.AsyncFor):
            self.bind(node.target, None)
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                self.bind(item.optional_vars, None)


def names_bound(body: Iterable[ast.stmt]) -> Names:
    """Return the names that statements bind when they run."""
    names = Names()
    for node in executed(body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.add_import(node)
        elif isinstance(node, DEFINITIONS):
            names.values.setdefault(node.name, []).append(None)
        else:
            names.add_statement(node)
        for inner in expressions_of(node):
            if isinstance(inner, ast.NamedExpr):
                names.bind(inner.target, inner.value)
    return names


def imported_modules(tree: ast.Module) -> list[tuple[str, str, int]]:
    """Return what a module imports while it is imported itself, in order: module, name in it ("" if none), level."""
    imports: dict[tuple[str, str, int], None] = {}
    for node in executed(tree.body):
        if isinstance(node, ast.Import):
            imports.update(dict.fromkeys((alias.name, "", 0) for alias in node.names))
        elif isinstance(node, ast.ImportFrom):
            imports.update(dict.fromkeys((node.module or "", alias.name, node.level) for alias in node.names))
    return list(imports)


def executed(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a body runs, nested ones too."""
    for statement in body:
        yield statement
        if not isinstance(statement, DEFINITIONS):
            yield from executed(_nested(statement))


def _nested(statement: ast.stmt) -> Iterator[ast.stmt]:
    """Yield the statements inside a compound one, but for those that only a script or a type checker runs."""
    if isinstance(statement, ast.If) and _is_never_true(statement.test):
        yield from statement.orelse
        return
    for name in ("body", "orelse", "finalbody"):
        yield from getattr(statement, name, ())
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield from part.body


def _is_never_true(test: ast.expr) -> bool:
    """Say whether a condition is `__name__ == "__main__"` or `TYPE_CHECKING`."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
        sides = (test.left, test.comparators[0])
        is_name = any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)
        return is_name and any(isinstance(side, ast.Constant) and side.value == "__main__" for side in sides)
    return chain_of(test)[-1:] == ("TYPE_CHECKING",)


def expressions_of(statement: ast.stmt) -> Iterator[ast.expr]:
    """Yield the expressions that a statement itself evaluates, nested ones too, but no bodies of functions."""
    stack: list[ast.AST] = [
        child for child in ast.iter_child_nodes(statement) if not isinstance(child, ast.stmt | ast.ExceptHandler)
    ]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.expr):
            yield node
        if not isinstance(node, ast.Lambda | ast.stmt | ast.match_case):
            stack.extend(ast.iter_child_nodes(node))
