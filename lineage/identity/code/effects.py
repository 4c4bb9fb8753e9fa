"""Find the statements of a module that may be run for their effect, and what each of them may change.

Syntax alone decides what never counts: imports, definitions, names bound to values, printing and logging.
What depends on the live objects (is this name bound to a dict of this module, or to a library's state?) is
left as a `Touch`, for `modules` to decide. In doubt a statement has an effect.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from assetctl.lineage.identity.code.bindings import DEFINITIONS, Names, executed, expressions_of, names_bound
from assetctl.lineage.identity.code.scopes import chain_of

_HARMLESS_MODULES = frozenset({"logging", "structlog", "loguru", "assetctl", "typing", "typing_extensions"})
_HARMLESS_CALLS = frozenset({("warnings", "warn"), ("time", "sleep")})
_HARMLESS_BUILTINS = frozenset(
    {"print", "len", "repr", "hash", "id", "isinstance", "issubclass", "callable", "hasattr"}
)
_OWN_NAMESPACES = frozenset({"globals", "locals", "vars"})
_OWN_VALUES = (ast.Constant, ast.JoinedStr, ast.List, ast.Dict, ast.Set, ast.Tuple, ast.ListComp, ast.DictComp)
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Use(StrEnum):
    """What a statement does with what its names lead to."""

    FOREIGN = "foreign"  # changes what is certainly not the module's own
    CHANGE = "change"  # assigns into it
    METHOD = "method"  # calls its method (the last name) and drops the result
    CALL = "call"  # calls it and drops the result
    RUN = "run"  # calls it and keeps the result
    DECORATE = "decorate"  # defines the first name under a decorator, the other names


@dataclass(frozen=True, slots=True)
class Touch:
    """Something that a statement may change: the names that lead to it, and how it is used."""

    chain: tuple[str, ...]
    use: Use


_FOREIGN = Touch((), Use.FOREIGN)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that may be run for its effect, after those that bind what it reads more than once."""

    nodes: tuple[ast.stmt, ...]
    touches: tuple[Touch, ...]


def statements_with_effects(tree: ast.Module) -> list[Statement]:
    """Return the module's statements that may be run for their effect, in order."""
    finder = _Finder(names_bound(tree.body), None)
    statements: list[Statement] = []
    bindings: dict[str, list[ast.stmt]] | None = None
    for node in tree.body:
        touches = finder.touches([node])
        if touches:
            bindings = _bindings(tree) if bindings is None else bindings
            statements.append(Statement(tuple(_with_rebound(node, bindings)), touches))
    return statements


def function_touches(node: _Function, module: Names, is_method: bool) -> tuple[Touch, ...]:
    """Return what calling a function of a module may change."""
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
    first = [*args.posonlyargs, *args.args][:1]
    if is_method and first:
        local.values[first[0].arg] = [None]
    return _Finder(module, local).touches(body)


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


class _Finder:
    """Collects what statements may change, seen from a module's own names or from a function's inside of it."""

    def __init__(self, module: Names, local: Names | None) -> None:
        self._module = module
        self._local = local
        self._touches: dict[Touch, None] = {}

    def touches(self, body: Iterable[ast.stmt]) -> tuple[Touch, ...]:
        self._touches = {}
        for statement in executed(body):
            visit = _VISITS.get(type(statement))
            if visit is not None:
                visit(self, statement)
            if not isinstance(statement, DEFINITIONS):
                for expression in expressions_of(statement):
                    if isinstance(expression, ast.Call):
                        self._run(expression)
        return tuple(self._touches)

    def _add(self, chain: tuple[str, ...], use: Use) -> None:
        self._touches[Touch(chain, use)] = None

    # --- statements -------------------------------------------------------------------

    def assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._into(target)
        if all(isinstance(target, ast.Name) and not target.id.strip("_") for target in node.targets):
            self.drop(ast.Expr(node.value))

    def assign_one(self, node: ast.AugAssign | ast.AnnAssign) -> None:
        self._into(node.target)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            origin = self._origin(node.target)
            if origin == _FOREIGN:
                self._touches[_FOREIGN] = None

    def delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._into(target)

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        if self._local is not None:
            return
        for decorator in node.decorator_list:
            chain = chain_of(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if chain and self._origin(ast.Name(chain[0], ast.Load())) == _FOREIGN:
                self._add((node.name, *chain), Use.DECORATE)

    def drop(self, node: ast.Expr) -> None:
        """Note the calls of an expression whose result nobody keeps."""
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Call):
            self._dropped(value)
            return
        for inner in expressions_of(node):
            if isinstance(inner, ast.Call):
                self._dropped(inner)

    def _into(self, target: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self._into(item)
        elif isinstance(target, ast.Starred):
            self._into(target.value)
        elif isinstance(target, ast.Attribute | ast.Subscript):
            self._change(target.value)

    def _change(self, owner: ast.expr) -> None:
        origin = self._origin(owner)
        if origin is not None:
            self._touches[origin] = None

    # --- calls ------------------------------------------------------------------------

    def _dropped(self, call: ast.Call) -> None:
        if isinstance(call.func, ast.Name):
            self._dropped_name(call, call.func)
            return
        if not isinstance(call.func, ast.Attribute):
            self._touches[_FOREIGN] = None
            return
        chain = chain_of(call.func)
        if chain and (self._imported(chain[0]), *chain[1:]) in _HARMLESS_CALLS:
            return
        origin = self._origin(call.func.value)
        if origin is not None and origin.use is Use.CHANGE:
            self._add((*origin.chain, call.func.attr), Use.METHOD)
        elif origin is not None:
            self._touches[origin] = None

    def _dropped_name(self, call: ast.Call, name: ast.Name) -> None:
        if self._is_builtin(name.id):
            if name.id in {"setattr", "delattr"} and call.args:
                self._change(call.args[0])
            elif name.id == "exec":  # what it defines is seen where it is read
                for namespace in call.args[1:2]:
                    self._change(namespace)
            elif name.id not in _HARMLESS_BUILTINS:
                self._touches[_FOREIGN] = None
            return
        origin = self._origin(name)
        if origin is not None and origin.use is Use.CHANGE:
            self._add(origin.chain, Use.CALL)
        elif origin is not None:
            self._touches[origin] = None
        elif self._local is not None and name.id in self._local.values:
            self._touches[_FOREIGN] = None  # what a local name is bound to may do anything

    def _run(self, call: ast.Call) -> None:
        """Note a call whose result is used: only what it runs can tell whether it has an effect."""
        chain = chain_of(call.func)
        if not chain or self._is_builtin(chain[0]):
            return
        if self._local is not None and (chain[0] in self._local.values or chain[0] in self._local.imports):
            return
        if self._imported(chain[0]).partition(".")[0] not in _HARMLESS_MODULES:
            self._add(chain, Use.RUN)

    # --- whose something is -----------------------------------------------------------

    def _origin(self, owner: ast.expr) -> Touch | None:
        """Say what changing an object touches: None if it is certainly the module's own."""
        names: list[str] = []
        base = owner
        while isinstance(base, ast.Attribute | ast.Subscript):
            if isinstance(base, ast.Subscript):
                if _is_own_module(base):
                    return None
                names.clear()
            else:
                names.append(base.attr)
            base = base.value
        if isinstance(base, ast.Name):
            return self._origin_of_name(base.id, tuple(reversed(names)), ())
        if isinstance(base, ast.Call):
            return self._origin_of_result(base)
        return None if isinstance(base, _OWN_VALUES) else _FOREIGN

    def _origin_of_result(self, call: ast.Call) -> Touch | None:
        if isinstance(call.func, ast.Name) and self._is_builtin(call.func.id):
            is_own = call.func.id in _OWN_NAMESPACES and not call.args
            return None if is_own or call.func.id == "super" else _FOREIGN
        inner = self._origin(call.func)
        return None if inner is None and self._imported(_root(call.func)) else _FOREIGN

    def _origin_of_name(self, name: str, rest: tuple[str, ...], seen: tuple[str, ...]) -> Touch | None:
        local = self._local
        if local is not None and name in local.imports:
            return self._origin_of_import(local.imports[name])
        if local is not None and name in local.values:
            values = local.values[name]
            if not values:
                return _FOREIGN  # a parameter
            return self._origin_of_values(name, values, seen) if name not in seen else None
        if name in self._module.imports:
            return self._origin_of_import(self._module.imports[name])
        if name not in self._module.values:
            return _FOREIGN
        if name not in seen and self._origin_of_values(name, self._module.values[name], seen) == _FOREIGN:
            return _FOREIGN
        return Touch((name, *rest), Use.CHANGE)

    def _origin_of_values(self, name: str, values: Iterable[ast.expr | None], seen: tuple[str, ...]) -> Touch | None:
        """Say whether a name is another name for something that is not the module's own."""
        for value in values:
            called = value.func if isinstance(value, ast.Call) else None
            alias = (
                value if called is None else called if chain_of(called)[-1:] and _gets(chain_of(called)[-1]) else None
            )
            chain = chain_of(alias)
            if chain and chain[0] != name and self._origin_of_name(chain[0], (), (*seen, name)) == _FOREIGN:
                return _FOREIGN
        return None

    def _origin_of_import(self, dotted: str) -> Touch | None:
        return None if dotted.partition(".")[0] in _HARMLESS_MODULES else _FOREIGN

    def _imported(self, name: str) -> str:
        if self._local is not None and name in self._local.imports:
            return self._local.imports[name]
        return self._module.imports.get(name, "")

    def _is_builtin(self, name: str) -> bool:
        is_bound = name in self._module.imports or name in self._module.values
        if self._local is not None:
            is_bound = is_bound or name in self._local.imports or name in self._local.values
        return not is_bound and hasattr(builtins, name)


def _gets(name: str) -> bool:
    """Say whether a function's name says that it hands out something that exists already."""
    return name.startswith("get") or name in {"gca", "gcf", "current", "instance"}


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_own_module(node: ast.Subscript) -> bool:
    """Say whether an expression is `sys.modules[__name__]`."""
    is_key = isinstance(node.slice, ast.Name) and node.slice.id == "__name__"
    return is_key and chain_of(node.value)[-1:] == ("modules",)


_VISITS: dict[type, Callable[..., None]] = {
    ast.Assign: _Finder.assign,
    ast.AnnAssign: _Finder.assign_one,
    ast.AugAssign: _Finder.assign_one,
    ast.Delete: _Finder.delete,
    ast.Expr: _Finder.drop,
    ast.FunctionDef: _Finder.define,
    ast.AsyncFunctionDef: _Finder.define,
    ast.ClassDef: _Finder.define,
}
