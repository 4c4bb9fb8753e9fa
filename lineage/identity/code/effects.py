"""Find the statements of a module that may be run for their effect, and what calling its functions may change."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assetctl.lineage.identity.code.bindings import DEFINITIONS, Names, executed, names_bound
from assetctl.lineage.identity.code.scopes import chain_of
from assetctl.lineage.identity.code.touches import Finder, Touch, Use, evaluated_by

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that may be run for its effect, after those that bind what it reads more than once."""

    nodes: tuple[ast.stmt, ...]
    touches: tuple[Touch, ...]


def statements_with_effects(tree: ast.Module) -> list[Statement]:
    """Return the module's statements that may be run for their effect, in order."""
    finder = Finder(names_bound(tree.body), None)
    statements: list[Statement] = []
    bindings: dict[str, list[ast.stmt]] | None = None
    for node in tree.body:
        touches = finder.touches([node])
        if touches:
            bindings = _bindings(tree) if bindings is None else bindings
            statements.append(Statement(tuple(_with_rebound(node, bindings)), touches))
    return statements


def function_touches(node: _Function, module: Names, is_method: bool, use: Use = Use.CALL) -> tuple[Touch, ...]:
    """Return what calling a function of a module may change, or applying it, or what it returns, as a decorator.

    A method's first argument is its own, and what a decorator is given to decorate is the module's.
    """
    own = int(is_method) + (use is Use.APPLY)
    return tuple(dict.fromkeys(_called(node, module, Names(), own, with_returned=use is Use.MAKE)))


def _called(node: _Function, module: Names, around: Names, own: int, *, with_returned: bool) -> Iterator[Touch]:
    """Yield what calling a function may change, with the functions inside of it that it calls (or returns).

    `around` are the names of the function around it; so many of its first parameters are the module's own.
    """
    body: Sequence[ast.stmt] = [ast.Expr(node.body)] if isinstance(node, ast.Lambda) else node.body
    local = names_bound(body)
    args = node.args
    for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
        if arg is not None:
            local.values[arg.arg] = []
    for statement in body:
        for inner in ast.walk(statement):
            if isinstance(inner, ast.Global):
                for name in inner.names:
                    local.values.pop(name, None)
    for first in [*args.posonlyargs, *args.args][:own]:
        local.values[first.arg] = [None]
    local = Names({**around.imports, **local.imports}, {**around.values, **local.values})
    yield from Finder(module, local).touches(body)
    for inner, is_returned in _inner_functions(body):
        if with_returned or not is_returned:
            yield from _called(inner, module, local, 1, with_returned=False)


def _inner_functions(body: Sequence[ast.stmt]) -> Iterator[tuple[_Function, bool]]:
    """Yield the functions that a body defines and calls; those that it only returns are marked."""
    called: set[str] = set()
    returned: set[str] = set()
    for statement in executed(body):
        value = statement.value if isinstance(statement, ast.Return) else None
        if isinstance(value, ast.Lambda):
            yield value, True
        returned.update(chain_of(value)[:1])
        calls = [one.func for one in evaluated_by(statement) if isinstance(one, ast.Call)]
        called.update(func.id for func in calls if isinstance(func, ast.Name))
    for statement in executed(body):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name in called | returned:
            yield statement, statement.name not in called


def _bindings(tree: ast.Module) -> dict[str, list[ast.stmt]]:
    """Return the module's statements that bind each name to a value, nested ones by the outermost."""
    bindings: dict[str, list[ast.stmt]] = {}
    for statement in tree.body:
        if not isinstance(statement, DEFINITIONS):
            for name in names_bound([statement]).values:
                bindings.setdefault(name, []).append(statement)
    return bindings


def _with_rebound(node: ast.stmt, bindings: dict[str, list[ast.stmt]]) -> list[ast.stmt]:
    """Return a statement after those that bind what it reads, where a name is bound more than once.

    A name that is bound once still is, when the module was imported, what the statement read.
    """
    kept: list[ast.stmt] = [node]
    queue = [node]
    while queue:
        loads = {n.id for n in ast.walk(queue.pop()) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        for name in sorted(loads):
            before = bindings.get(name, ())
            for statement in before if len(before) > 1 else ():
                if statement not in kept:
                    kept.append(statement)
                    queue.append(statement)
    return sorted(kept, key=lambda statement: statement.lineno)
