"""Expand instances: first-party ones by class and state, others by value identity or state.

Nothing of a first-party object is called. What holds no state that code can see (locks,
loggers, streams) counts by its type; what has no identity is undecidable, and says so.
"""

from __future__ import annotations

import concurrent.futures
import functools
import io
import logging
import os
import pathlib
import sys
import threading
import types
import warnings
import weakref
from collections.abc import Callable
from typing import Any

from assetctl.lineage.identity.code.described import described, state_text
from assetctl.lineage.identity.code.links import Reach
from assetctl.lineage.identity.code.origins import DISTRIBUTION, PROJECT, class_attributes, foreign_name, is_any
from assetctl.lineage.identity.code.symbols import FORMAT, Node
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.identify import write_value
from assetctl.lineage.identity.values.walk import Unencodable, mro, state_of, type_name

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

# They hold whole namespaces of modules to look annotations up in; the names that annotations read are edges already.
_RESOLVERS = frozenset({("pydantic", "NsResolver")})
# The attributes that the rest is made from, where the rest holds addresses of objects.
_MADE_FROM = {("pydantic", "TypeAdapter"): ("_type", "_config")}
# numba's compiled functions (`njit`, `vectorize`, `guvectorize`): the Python function, and what the decorator was told.
_OF_COMPILED = ("py_func", "targetoptions", "locals", "signature", "identity", "_dispatcher", "gufunc_builder")


def expand_instance(reach: Reach, node: Node, value: object) -> None:
    """Fill in the node of an instance of a class that has no form of its own."""
    if reach.note_origin(node, value).kind != PROJECT:
        name = foreign_name(type(value))
        if name in _MADE_FROM:
            _by_type(reach, node, value)
            _link_state(reach, node, {key: known for key, known in state_of(value).items() if key in _MADE_FROM[name]})
        elif name[0] == "numba" and any(key in state_of(value) for key in _OF_COMPILED):
            _by_type(reach, node, value)
            _link_state(reach, node, {key: known for key, known in state_of(value).items() if key in _OF_COMPILED})
        elif name in _RESOLVERS or is_any(value, *_STATELESS) or _is_shared_generator(value):
            _by_type(reach, node, value)
        else:
            _foreign(reach, node, value)
    elif any(reach.origins.of_class(base).kind == DISTRIBUTION for base in mro(type(value))):
        _foreign(reach, node, value)
    else:
        _instance(reach, node, value)


def link_all(reach: Reach, node: Node, label: str, items: list[object]) -> None:
    """Link items by position."""
    for index, item in enumerate(items):
        node.link(f"{label} {index}", reach.target(item, f"{node.name}[{index}]", node.where))


def _is_shared_generator(value: object) -> bool:
    """Say whether a value is the generator of all of a process, which `from random import random` holds.

    Its state differs between processes. What seeds it is a statement with effects, and counts as one.
    """
    shared = (("random", "_inst"), ("numpy.random.mtrand", "_rand"))
    return any(value is getattr(sys.modules.get(module), name, None) for module, name in shared)


def _by_type(reach: Reach, node: Node, value: object) -> None:
    package, name = foreign_name(type(value))
    node.write(lambda out: out.tag("by type").text(package).text(name))


def _instance(reach: Reach, node: Node, value: object) -> None:
    """Write an instance of a first-party class: its class, what a built-in base holds, its attributes."""
    node.write(lambda out: out.tag("instance"))
    node.link("class", reach.target(type(value), "", node.where))
    for base, take in _BASES:
        if is_any(value, base):
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
    world = reach.world
    node.source = lambda: (
        described(value, world.hidden, world.relative) or state_text(value, world.hidden, world.relative)
    )
    link_all(reach, node, "reference", referred)


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
    """Return what pickling would keep of a library's object, or None if it refuses or is running code."""
    if is_any(value, types.GeneratorType, types.CoroutineType, types.FrameType, types.AsyncGeneratorType):
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # a warning that it will refuse in future is no refusal
            parts = value.__reduce_ex__(4)
    except Exception:  # noqa: BLE001  (an object may refuse in any way it likes)
        return None
    if isinstance(parts, str):
        return parts
    made_from, items = parts[:3], parts[3:5]  # the items are iterators made for this call
    kept = (*made_from, *(None if part is None else list(part) for part in items))
    return None if any(part is value for part in kept[1:]) else kept
