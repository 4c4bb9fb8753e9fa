"""Expand captured values: constants, containers, partials, bound methods, modules.

Plain values count by value identity. Containers that hold code become nodes, so that
dispatch tables and cycles need nothing special. Every step of a table is data: which
values it handles, and how they are expanded.
"""

from __future__ import annotations

import collections
import contextlib
import contextvars
import functools
import pathlib
import types
from collections.abc import Callable
from typing import Any

from assetctl.assets.definition import SourceDef
from assetctl.assets.read_options import options_text
from assetctl.lineage.facts.kinds import SymbolKind
from assetctl.lineage.identity.code.described import text_of
from assetctl.lineage.identity.code.instances import expand_instance, link_all
from assetctl.lineage.identity.code.links import Reach
from assetctl.lineage.identity.code.origins import (
    PROJECT,
    foreign_name,
    is_a,
    is_any,
    is_native_function,
    module_file,
)
from assetctl.lineage.identity.code.shown import Shown, is_plain, looks_like_path
from assetctl.lineage.identity.code.symbols import Node
from assetctl.lineage.identity.code.syntax import Reading
from assetctl.lineage.identity.values.identify import write_value
from assetctl.lineage.identity.values.walk import type_name


def expand_value(reach: Reach, node: Node) -> None:
    """Fill in the node of anything that is neither a function nor a class."""
    value = node.subject
    node.kind = SymbolKind.VALUE
    node.source = lambda: text_of(value, reach.world.hidden, reach.world.relative)
    if _names_subclasses(value):
        node.findings.reading |= Reading.SUBCLASSES
    for handles, expand in _KINDS:
        if handles(value):
            expand(reach, node, value)
            return
    expand_instance(reach, node, value)


def _names_subclasses(value: object) -> bool:
    """Say whether a value is a way to the subclasses of a class, or its name, to be asked for later."""
    if type(value) is str:
        return value == _SUBCLASSES
    return type(value) in _ATTRIBUTES_IN_C and getattr(value, "__name__", "") == _SUBCLASSES


_SUBCLASSES = "__subclasses__"
_ATTRIBUTES_IN_C = (types.MethodDescriptorType, types.BuiltinFunctionType)


def _plain(reach: Reach, node: Node, value: object) -> None:
    node.write(lambda out: write_value(out.tag("value"), value))


def _text(reach: Reach, node: Node, value: str) -> None:
    """Write text that is an absolute path: relative, if it lies in the project."""
    relative = reach.world.relative(value)
    is_path = looks_like_path(value) and relative != value
    node.write(lambda out: out.tag("path" if is_path else "value").text(relative if is_path else value))


def _path(reach: Reach, node: Node, value: pathlib.PurePath) -> None:
    text = str(value)
    node.write(lambda out: out.tag("path").text(reach.world.relative(text)))


def _sequence(reach: Reach, node: Node, value: Any) -> None:
    items = list(type(value).__iter__(value))
    node.write(lambda out: out.tag(type(value).__name__).length(len(items)))
    link_all(reach, node, "item", items)


def _set(reach: Reach, node: Node, value: Any) -> None:
    node.write(lambda out: out.tag(type(value).__name__).length(len(value)))
    node.is_orderless = True
    for item in value:
        node.link("member", reach.target(item, f"{node.name}{{}}", node.where))


def _mapping(reach: Reach, node: Node, value: Any) -> None:
    pairs = list(value.items())
    node.write(lambda out: out.tag(type(value).__name__).length(len(pairs)))
    for index, (key, item) in enumerate(pairs):
        name = (
            f"{node.name}[{Shown(reach.world.hidden).repr(key)}]"
            if type(key) is str or type(key) is int
            else f"{node.name}[...]"
        )
        node.link(f"key {index}", reach.target(key, f"{node.name} key", node.where))
        node.link(f"item {index}", reach.target(item, name, node.where))
    if type(value) is collections.defaultdict:
        node.link("default_factory", reach.target(value.default_factory, "", node.where))


def _module(reach: Reach, node: Node, value: types.ModuleType) -> None:
    """Write a module passed on as a value: all of a first-party one, the name of any other."""
    names = object.__getattribute__(value, "__dict__")
    name = names.get("__name__", "")
    origin = reach.note_origin(node, value)
    node.kind, node.name = SymbolKind.VALUE, str(name)
    if origin.kind != PROJECT:
        package, _ = foreign_name(value)
        node.kind = None
        node.write(lambda out: out.tag("foreign module").text(package))
        return
    node.findings.modules.append(str(name))
    node.write(lambda out: out.tag("module"))
    file = module_file(name)
    if file is not None and not file.endswith(".py"):
        digest = reach.world.file_digest(file)
        node.write(lambda out: out.tag("extension").text(digest or ""))
        return
    for key in sorted(key for key in names if key in _SEEN_OF_MODULES or not _is_special(key)):
        node.link(f"name {key}", reach.target(names[key], f"{name}.{key}", node.where))


_SEEN_OF_MODULES = frozenset({"__all__", "__getattr__", "__dir__"})


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _method(reach: Reach, node: Node, value: types.MethodType) -> None:
    node.write(lambda out: out.tag("bound method"))
    node.link("function", reach.target(value.__func__, f"{node.name}.__func__", node.where))
    node.link("self", reach.target(value.__self__, f"{node.name}.__self__", node.where))


def _builtin(reach: Reach, node: Node, value: Any) -> None:
    """Write a function in C: of a library by name, of a first-party extension by its file."""
    node.kind = None
    owner = getattr(value, "__self__", None)
    package, name = foreign_name(value)
    node.name = f"{package}.{name}"
    origin = reach.note_origin(node, value)
    file = module_file(value.__module__ or "") if origin.kind == PROJECT else None
    digest = reach.world.file_digest(file) if file is not None else None
    node.write(lambda out: out.tag("built-in").text(package).text(name).text(digest or ""))
    if owner is not None and not is_a(owner, types.ModuleType):
        node.link("self", reach.target(owner, f"{node.name}.__self__", node.where))


def _partial(reach: Reach, node: Node, value: functools.partial[Any]) -> None:
    """Link what a partial holds; inside one, the asset's own function is still the asset's own."""
    node.write(lambda out: out.tag("partial"))
    node.link("function", reach.target(value.func, "", node.where, node.root))
    link_all(reach, node, "argument", list(value.args))
    for key in sorted(value.keywords):
        node.link(f"keyword {key}", reach.target(value.keywords[key], f"{node.name}({key})", node.where))


def _cached(reach: Reach, node: Node, value: Any) -> None:
    node.write(lambda out: write_value(out.tag("cache"), value.cache_parameters()))
    node.link("__wrapped__", reach.target(value.__wrapped__, "", node.where, node.root))


def _parts(*names: str) -> Callable[[Reach, Node, Any], None]:
    """Expand by attributes that a class of the standard library defines."""

    def expand(reach: Reach, node: Node, value: Any) -> None:
        node.kind = None
        node.write(lambda out: out.tag(type(value).__name__))
        for name in names:
            node.link(name, reach.target(getattr(value, name), f"{node.name}.{name}", node.where))

    return expand


def _named_type(value: object) -> bool:
    """Say whether a value gives a name to types: an alias, a `NewType`, a bounded `TypeVar`."""
    kind = type_name(type(value)).replace("typing_extensions.", "typing.")
    if kind == "typing.TypeVar":
        variable: Any = value
        return variable.__bound__ is not None or bool(variable.__constraints__)
    return kind in {"typing.TypeAliasType", "typing.NewType"}


def _type(reach: Reach, node: Node, value: Any) -> None:
    """Write the types that a name stands for; pickling would keep its name alone."""
    node.write(lambda out: out.tag(type(value).__name__).text(str(value.__name__)))
    for name in ("__value__", "__type_params__", "__supertype__", "__bound__", "__constraints__"):
        try:
            part = getattr(value, name, None)
        except Exception as error:  # noqa: BLE001  an alias is evaluated here, and its expression may raise anything
            node.findings.undecidable.append(f"{node.where} {node.name} ({type(error).__name__}: {error})")
            continue
        reach.graph.adopt(part)
        node.link(name, reach.target(part, f"{node.name}.{name}", node.where))


def _context_variable(reach: Reach, node: Node, value: contextvars.ContextVar[Any]) -> None:
    """Write a context variable: its name, its default, and what it is set to."""
    node.write(lambda out: out.tag("context variable").text(value.name))
    contexts = {"default": contextvars.Context(), "value": contextvars.copy_context()}
    for label, context in contexts.items():
        with contextlib.suppress(LookupError):
            node.link(label, reach.target(context.run(value.get), f"{node.name}.get()", node.where))


def _declared_source(reach: Reach, node: Node, value: SourceDef) -> None:
    node.write(lambda out: out.tag("source").text(value.shape).text(value.path))
    if value.options:
        node.write(lambda out: out.tag("options").text(options_text(value.options)))


def _exactly(*kinds: type) -> Callable[[object], bool]:
    known = frozenset(map(id, kinds))
    return lambda value: id(type(value)) in known


def _of_kind(*kinds: type) -> Callable[[object], bool]:
    return lambda value: is_any(value, *kinds)


_KINDS: tuple[tuple[Callable[[object], bool], Callable[[Reach, Node, Any], None]], ...] = (
    (is_plain, _plain),
    (_exactly(str), _text),
    (_exactly(list, tuple, collections.deque), _sequence),
    (_exactly(set, frozenset), _set),
    (
        _exactly(dict, collections.OrderedDict, collections.defaultdict, collections.Counter, types.MappingProxyType),
        _mapping,
    ),
    (_of_kind(types.ModuleType), _module),
    (_exactly(types.MethodType), _method),
    (_exactly(types.BuiltinFunctionType), _builtin),
    (_exactly(functools.partial), _partial),
    (_exactly(functools._lru_cache_wrapper), _cached),
    (_exactly(staticmethod, classmethod), _parts("__func__")),
    (_exactly(property), _parts("fget", "fset", "fdel")),
    (_exactly(functools.cached_property), _parts("func")),
    (_exactly(functools.partialmethod), _parts("func", "args", "keywords")),
    (_exactly(functools.singledispatchmethod), _parts("dispatcher", "func")),
    (_exactly(SourceDef), _declared_source),
    (_exactly(contextvars.ContextVar), _context_variable),
    (_named_type, _type),
    (is_native_function, _builtin),
    (
        _exactly(pathlib.Path, pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath, pathlib.PureWindowsPath),
        _path,
    ),
)
