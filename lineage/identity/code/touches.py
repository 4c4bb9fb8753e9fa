"""Find what statements may change: assignments, calls, decorators, classes, and what is entered or computed with.

Syntax alone decides what never counts: imports, definitions, names bound to values, printing and logging.
What depends on the live objects (is this name bound to a dict of this module, or to a library's state?) is
left as a `Touch`, for `modules` to decide. In doubt a statement has an effect.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from assetctl.lineage.identity.code.bindings import DEFINITIONS, Names, executed, expressions_of, names_bound
from assetctl.lineage.identity.code.scopes import chain_of

_HARMLESS_MODULES = frozenset({"logging", "structlog", "loguru", "assetctl", "typing", "typing_extensions"})
_HARMLESS_CALLS = frozenset({("warnings", "warn"), ("time", "sleep")})
_HARMLESS_BUILTINS = frozenset(
    {"print", "len", "repr", "hash", "id", "isinstance", "issubclass", "callable", "hasattr"}
)
_CALLING_BUILTINS = frozenset({"map", "filter", "min", "max", "sorted"})
_OWN_NAMESPACES = frozenset({"globals", "locals", "vars"})
_OWN_VALUES = (ast.Constant, ast.JoinedStr, ast.List, ast.Dict, ast.Set, ast.Tuple, ast.ListComp, ast.DictComp)


class Use(StrEnum):
    """What a statement does with what its names lead to."""

    FOREIGN = "foreign"  # changes what is certainly not the module's own
    CHANGE = "change"  # assigns into it
    METHOD = "method"  # calls its method (the last name) and drops the result
    CALL = "call"  # calls it and drops the result
    RUN = "run"  # calls it and keeps the result
    DECORATE = "decorate"  # defines the first name under a decorator, the other names
    CHAIN = "chain"  # calls a method (the last name) of what calling the other names hands out
    APPLY = "apply"  # applies it as a decorator
    MAKE = "make"  # calls it, and applies what that hands out as a decorator
    CREATE = "create"  # makes the class of this name
    USE = "use"  # enters it, iterates over it, or evaluates an operator or an attribute of it


@dataclass(frozen=True, slots=True)
class Touch:
    """Something that a statement may change: the names that lead to it, and how it is used."""

    chain: tuple[str, ...]
    use: Use


_FOREIGN = Touch((), Use.FOREIGN)


class Finder:
    """Collects what statements may change, seen from a module's own names or from a function's inside of it."""

    def __init__(self, module: Names, local: Names | None, *, is_class_body: bool = False) -> None:
        self._module = module
        self._local = local
        self._is_class_body = is_class_body
        self._touches: dict[Touch, None] = {}

    def touches(self, body: Iterable[ast.stmt]) -> tuple[Touch, ...]:
        self._touches = {}
        for statement in executed(body):
            visit = _VISITS.get(type(statement))
            if visit is not None:
                visit(self, statement)
            for expression in evaluated_by(statement):
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
            self._use(node.target)

    def delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._into(target)

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        if self._local is not None and not self._is_class_body:
            return
        for decorator in node.decorator_list:
            chain = chain_of(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if not chain or self._is_builtin(chain[0]):
                continue
            self._add(chain, Use.MAKE if isinstance(decorator, ast.Call) else Use.APPLY)
            if self._local is None and self._origin(ast.Name(chain[0], ast.Load())) == _FOREIGN:
                self._add((node.name, *chain), Use.DECORATE)
        if isinstance(node, ast.ClassDef):
            if self._local is None:
                self._add((node.name,), Use.CREATE)
            inside = Finder(self._module, names_bound(node.body), is_class_body=True).touches(node.body)
            self._touches.update(dict.fromkeys(inside))

    def enter(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self._use(item.context_expr)

    def iterate(self, node: ast.For | ast.AsyncFor) -> None:
        self._use(node.iter)

    def drop(self, node: ast.Expr) -> None:
        """Note the calls of an expression whose result nobody keeps."""
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Call):
            self._dropped(value)
            return
        for inner in expressions_of(node):
            if isinstance(inner, ast.Call):
                self._dropped(inner)
            else:
                self._use(inner)

    def _use(self, used: ast.expr) -> None:
        """Note an object whose class may do anything when it is entered, iterated over or computed with."""
        chain = chain_of(used.func if isinstance(used, ast.Call) else used)
        if chain and not self._is_builtin(chain[0]) and not self._is_local(chain[0]):
            self._add(chain, Use.USE)

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
        maker = _maker(call.func)
        if (
            maker
            and isinstance(call.func, ast.Attribute)
            and not self._is_builtin(maker[0])
            and not self._is_local(maker[0])
        ):
            self._add((*maker, call.func.attr), Use.CHAIN)
        if not chain or self._is_builtin(chain[0]):
            for called in call.args[:1] if chain[:1] and chain[0] in _CALLING_BUILTINS else ():
                if chain_of(called):
                    self._run(ast.Call(called, [], []))
            return
        if self._is_local(chain[0]):
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
            is_seen_live = (
                self._local is not None and not self._is_class_body
            )  # by the function around, or imported with *
            return Touch((name, *rest), Use.CHANGE) if is_seen_live else _FOREIGN
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

    def _is_local(self, name: str) -> bool:
        return self._local is not None and (name in self._local.values or name in self._local.imports)

    def _is_builtin(self, name: str) -> bool:
        is_bound = name in self._module.imports or name in self._module.values
        if self._local is not None:
            is_bound = is_bound or name in self._local.imports or name in self._local.values
        return not is_bound and hasattr(builtins, name)


def evaluated_by(statement: ast.stmt) -> Iterator[ast.expr]:
    """Yield the expressions that a statement evaluates; of a definition all but annotations and decorators' own calls."""
    if not isinstance(statement, DEFINITIONS):
        yield from expressions_of(statement)
        return
    evaluated: list[ast.expr | None] = []
    for decorator in statement.decorator_list:
        if isinstance(decorator, ast.Call):
            evaluated += [*decorator.args, *(keyword.value for keyword in decorator.keywords)]
    if isinstance(statement, ast.ClassDef):
        evaluated += [*statement.bases, *(keyword.value for keyword in statement.keywords)]
    else:
        evaluated += [*statement.args.defaults, *statement.args.kw_defaults]
    for expression in evaluated:
        if expression is not None:
            yield from expressions_of(ast.Expr(expression))


def _maker(func: ast.expr) -> tuple[str, ...]:
    """Return the names that are called first in `Names(...).method(...).func`, () if there is no such call."""
    made: tuple[str, ...] = ()
    while isinstance(func, ast.Attribute | ast.Call):
        made = chain_of(func.func) if isinstance(func, ast.Call) else made
        func = func.func if isinstance(func, ast.Call) else func.value
    return made


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
    ast.Assign: Finder.assign,
    ast.AnnAssign: Finder.assign_one,
    ast.AugAssign: Finder.assign_one,
    ast.Delete: Finder.delete,
    ast.Expr: Finder.drop,
    ast.With: Finder.enter,
    ast.AsyncWith: Finder.enter,
    ast.For: Finder.iterate,
    ast.AsyncFor: Finder.iterate,
    ast.FunctionDef: Finder.define,
    ast.AsyncFunctionDef: Finder.define,
    ast.ClassDef: Finder.define,
}
