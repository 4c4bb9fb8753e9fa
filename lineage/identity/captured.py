"""Expand captured values: constants, containers, instances, partials, bound methods, modules.

Plain values count by value identity. Containers and instances that hold code become
nodes, so that dispatch tables and cycles need nothing special. What holds no state that
code can see (locks, loggers, streams) counts by its type; what has no identity is
undecidable, and says so.
"""

from __future__ import annotations

import collections
import concurrent.futures
import functools
import io
import logging
import os
import pathlib
import reprlib
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

from assetctl.assets.definition import SourceDef
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.links import Reach
from assetctl.lineage.identity.origins import (
    DISTRIBUTION,
    PROJECT,
    class_attributes,
    foreign_name,
    is_a,
    is_any,
    module_file,
)
from assetctl.lineage.identity.symbols import FORMAT, Node
from assetctl.lineage.identity.values import Unencodable, write_value
from assetctl.lineage.identity.walk import mro, state_of, type_name

_SCALARS = frozenset(map(id, (type(None), bool, int, float, complex, bytes, type(Ellipsis), type(NotImplemented))))
_PLAIN_CONTAINERS = frozenset(map(id, (list, tuple, set, frozenset)))
_STATELESS: tuple[type, ...] = (
    type(threading.Lock()),
    type(threading.RLock()),
    threading.Condition,
    threading.Semaphore,
    threading.Event,
    threading.Barrier,
    threading.local,
    threading.Thread,
    logging.Logger,
    logging.Handler,
    logging.LoggerAdapter,
    concurrent.futures.Executor,
    io.IOBase,
    weakref.ref,
    weakref.WeakKeyDictionary,
    weakref.WeakValueDictionary,
    weakref.WeakSet,
    type(os.environ),
)
_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = _SHOWN.maxlong = 200
_SHOWN.maxlist = _SHOWN.maxtuple = _SHOWN.maxdict = _SHOWN.maxset = _SHOWN.maxfrozenset = 20
_SHOWN_LENGTH = 200


def expand_value(reach: Reach, node: Node) -> None:
    """Fill in the node of anything that is neither a function nor a class."""
    value = node.subject
    node.kind = "value"
    node.source = lambda: shown(value)
    for handles, expand in _KINDS:
        if handles(value):
            expand(reach, node, value)
            return
    if reach.note_origin(node, value).kind != PROJECT:
        _by_type(reach, node, value) if is_any(value, *_STATELESS) else _foreign(reach, node, value)
    elif any(reach.origins.of_class(base).kind == DISTRIBUTION for base in mro(type(value))):
        _foreign(reach, node, value)
    else:
        _instance(reach, node, value)


def shown(value: object) -> str:
    """Return a short text for a value, calling nothing of an unknown class."""
    if not is_plain(value):
        return f"<{type_name(type(value))}>"
    return _SHOWN.repr(value)[:_SHOWN_LENGTH]


def is_plain(value: object) -> bool:
    """Say whether a value is made of Python's own scalars and containers alone; paths as text are not plain."""
    stack: list[object] = [value]
    seen: set[int] = set()
    while stack:
        item = stack.pop()
        kind = type(item)
        if id(kind) in _SCALARS or id(item) in seen:
            continue
        if kind is str:
            if _looks_like_path(item):  # type: ignore[arg-type]
                return False
            continue
        if kind is not dict and id(kind) not in _PLAIN_CONTAINERS:
            return False
        seen.add(id(item))
        inside: Any = item
        if kind is dict:
            stack.extend(inside.keys())
            inside = inside.values()
        if not set(map(id, map(type, inside))) <= _SCALARS:
            stack.extend(inside)
    return True


def _looks_like_path(text: str) -> bool:
    return text[:1] == "/" or text[1:3] == ":\\"


def _plain(reach: Reach, node: Node, value: object) -> None:
    node.write(lambda out: write_value(out.tag("value"), value))


def _text(reach: Reach, node: Node, value: str) -> None:
    """Write text that is an absolute path: relative, if it lies in the project."""
    relative = reach.world.relative(value)
    is_path = _looks_like_path(value) and relative != value
    node.write(lambda out: out.tag("path" if is_path else "value").text(relative if is_path else value))


def _path(reach: Reach, node: Node, value: pathlib.PurePath) -> None:
    text = str(value)
    node.write(lambda out: out.tag("path").text(reach.world.relative(text)))


def _by_type(reach: Reach, node: Node, value: object) -> None:
    package, name = foreign_name(type(value))
    node.write(lambda out: out.tag("by type").text(package).text(name))


def _link_all(reach: Reach, node: Node, label: str, items: list[object]) -> None:
    for index, item in enumerate(items):
        node.link(f"{label} {index}", reach.target(item, f"{node.name}[{index}]", node.where))


def _sequence(reach: Reach, node: Node, value: Any) -> None:
    items = list(type(value).__iter__(value))
    node.write(lambda out: out.tag(type(value).__name__).length(len(items)))
    _link_all(reach, node, "item", items)


def _set(reach: Reach, node: Node, value: Any) -> None:
    node.write(lambda out: out.tag(type(value).__name__).length(len(value)))
    node.is_orderless = True
    for item in value:
        node.link("member", reach.target(item, f"{node.name}{{}}", node.where))


def _mapping(reach: Reach, node: Node, value: Any) -> None:
    pairs = list(value.items())
    node.write(lambda out: out.tag(type(value).__name__).length(len(pairs)))
    for index, (key, item) in enumerate(pairs):
        name = f"{node.name}[{key!r}]" if type(key) is str or type(key) is int else f"{node.name}[...]"
        node.link(f"key {index}", reach.target(key, f"{node.name} key", node.where))
        node.link(f"item {index}", reach.target(item, name, node.where))
    if type(value) is collections.defaultdict:
        node.link("default_factory", reach.target(value.default_factory, "", node.where))


def _module(reach: Reach, node: Node, value: types.ModuleType) -> None:
    """Write a module passed on as a value: all of a first-party one, the name of any other."""
    names = object.__getattribute__(value, "__dict__")
    name = names.get("__name__", "")
    origin = reach.note_origin(node, value)
    node.kind, node.name = "value", str(name)
    if origin.kind != PROJECT:
        package, _ = foreign_name(value)
        node.kind = ""
        node.write(lambda out: out.tag("foreign module").text(package))
        return
    node.write(lambda out: out.tag("module"))
    file = module_file(name)
    if file is not None and not file.endswith(".py"):
        digest = reach.world.file_digest(file)
        node.write(lambda out: out.tag("extension").text(digest or ""))
        return
    for key in sorted(key for key in names if not (key.startswith("__") and key.endswith("__") and key != "__all__")):
        node.link(f"name {key}", reach.target(names[key], f"{name}.{key}", node.where))


def _method(reach: Reach, node: Node, value: types.MethodType) -> None:
    node.write(lambda out: out.tag("bound method"))
    node.link("function", reach.target(value.__func__, f"{node.name}.__func__", node.where))
    node.link("self", reach.target(value.__self__, f"{node.name}.__self__", node.where))


def _builtin(reach: Reach, node: Node, value: types.BuiltinFunctionType) -> None:
    """Write a function in C: of a library by name, of a first-party extension by its file."""
    node.kind = ""
    owner = value.__self__
    package, name = foreign_name(value)
    node.name = f"{package}.{name}"
    origin = reach.note_origin(node, value)
    file = module_file(value.__module__ or "") if origin.kind == PROJECT else None
    digest = reach.world.file_digest(file) if file is not None else None
    node.write(lambda out: out.tag("built-in").text(package).text(name).text(digest or ""))
    if owner is not None and not is_a(owner, types.ModuleType):
        node.link("self", reach.target(owner, f"{node.name}.__self__", node.where))


def _partial(reach: Reach, node: Node, value: functools.partial[Any]) -> None:
    """Link what a partial holds; the asset's own function stays that inside of one."""
    node.write(lambda out: out.tag("partial"))
    node.link("function", reach.target(value.func, "", node.where, node.root))
    _link_all(reach, node, "argument", list(value.args))
    for key in sorted(value.keywords):
        node.link(f"keyword {key}", reach.target(value.keywords[key], f"{node.name}({key})", node.where))


def _cached(reach: Reach, node: Node, value: Any) -> None:
    node.write(lambda out: write_value(out.tag("cache"), value.cache_parameters()))
    node.link("__wrapped__", reach.target(value.__wrapped__, "", node.where, node.root))


def _parts(*names: str) -> Callable[[Reach, Node, Any], None]:
    """Expand by attributes that a class of the standard library defines."""

    def expand(reach: Reach, node: Node, value: Any) -> None:
        node.kind = ""
        node.write(lambda out: out.tag(type(value).__name__))
        for name in names:
            node.link(name, reach.target(getattr(value, name), f"{node.name}.{name}", node.where))

    return expand


def _declared_source(reach: Reach, node: Node, value: SourceDef) -> None:
    node.write(lambda out: out.tag("source").text(value.shape).text(value.path))


def _instance(reach: Reach, node: Node, value: object) -> None:
    """Write an instance of a first-party class: its class, what a built-in base holds, its attributes."""
    node.write(lambda out: out.tag("instance"))
    node.link("class", reach.target(type(value), "", node.where))
    for base, take in _BASES:
        if is_a(value, base):
            content = take(value)
            reach.graph.adopt(content)
            node.link("content", reach.target(content, f"{node.name}[...]", node.where))
            break
    _link_state(reach, node, state_of(value))


def _link_state(reach: Reach, node: Node, state: dict[str, object]) -> None:
    for name in sorted(key for key in state if type(key) is str):
        node.link(f"attribute {name}", reach.target(state[name], f"{node.name}.{name}", node.where))


def _base_items(value: Any, base: Any = list) -> list[object]:
    """Return the items that a built-in base class holds, whatever the subclass says."""
    return [*base.__iter__(value)]


_BASES: tuple[tuple[type, Callable[[Any], object]], ...] = (
    (dict, lambda value: dict(dict.items(value))),
    (list, _base_items),
    (tuple, lambda value: tuple(_base_items(value, tuple))),
    (set, lambda value: set(_base_items(value, set))),
    (frozenset, lambda value: frozenset(_base_items(value, frozenset))),
    (str, str.__str__),
    (bytes, lambda value: bytes.__getitem__(value, slice(None))),
    (int, int.__index__),
    (float, float.__float__),
    (functools.partial, lambda value: functools.partial(value.func, *value.args, **value.keywords)),
    (BaseException, BaseException.args.__get__),  # type: ignore[attr-defined]
    (pathlib.PurePath, lambda value: pathlib.PurePath(*value.parts)),
)


def _foreign(reach: Reach, node: Node, value: object) -> None:
    """Write an instance of someone else's class: by value identity, else by state, else it is undecidable."""
    referred: list[object] = []

    def refer(inner: object, out: Framed) -> bool:
        is_code = is_any(inner, type, types.FunctionType, types.BuiltinFunctionType, types.MethodType)
        if inner is value or (not is_code and reach.origin(inner).kind != PROJECT):
            return False
        referred.append(inner)
        out.tag("reference").integer(len(referred))
        return True

    try:
        out = Framed(FORMAT).tag("value")
        write_value(out, value, refer)
    except Unencodable as refused:
        _by_state(reach, node, value, refused)
        return
    digest = out.raw_digest()
    node.body = lambda reading: digest
    _link_all(reach, node, "reference", referred)


def _by_state(reach: Reach, node: Node, value: object, refused: Unencodable) -> None:
    package, name = foreign_name(type(value))
    if reach.origin(value).kind == PROJECT:
        _instance(reach, node, value)
        return
    state = state_of(value) if _has_python_state(value) else {}
    if state and not _says_its_state(type(value)):
        node.write(lambda out: out.tag("foreign instance").text(package).text(name))
        _link_state(reach, node, state)
        return
    parts = _reduced(value)
    if parts is None and state:
        node.write(lambda out: out.tag("foreign instance").text(package).text(name))
        _link_state(reach, node, state)
        return
    if parts is None:
        node.write(lambda out: out.tag("undecidable").text(package).text(name))
        node.findings.undecidable.append(f"{node.where} {node.name} ({type_name(type(value))})")
        return
    node.write(lambda out: out.tag("foreign instance").text(package).text(name))
    reach.graph.adopt(parts)
    node.link("parts", reach.target(parts, node.name, node.where))


def _has_python_state(value: object) -> bool:
    """Say whether a value has attributes that Python code gave it, not only fields of a type in C."""
    names = [name for base in mro(type(value)) for name, _ in class_attributes(base)]
    return "__dict__" in names or "__slots__" in names


def _says_its_state(cls: type) -> bool:
    """Say whether a class defines what pickling keeps of it."""
    own = [name for base in mro(cls) if base is not object for name, _ in class_attributes(base)]
    return any(name in own for name in ("__reduce__", "__reduce_ex__", "__getstate__"))


def _reduced(value: object) -> object:
    """Return what pickling would keep of a library's object, or None if it refuses or is alive."""
    if is_any(value, types.GeneratorType, types.CoroutineType, types.FrameType, types.AsyncGeneratorType):
        return None
    try:
        parts = value.__reduce_ex__(4)
    except Exception:  # noqa: BLE001  (an object may refuse in any way it likes)
        return None
    if isinstance(parts, str):
        return parts
    kept = tuple(list(part) if hasattr(part, "__next__") else part for part in parts)
    return None if any(part is value for part in kept[1:]) else kept


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
    (
        _exactly(pathlib.Path, pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath, pathlib.PureWindowsPath),
        _path,
    ),
)
