"""Say whose an object is, and what other people's objects are called.

First-party code is walked; of everything else only a name that is equal on every
Python version and platform counts, and the version of its distribution.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any, TypeGuard, TypeVar

from assetctl.lineage.facts.ports import CodeWorld, Origin, OriginKind
from assetctl.lineage.identity.values.walk import mro, type_name

PROJECT, STDLIB, DISTRIBUTION, TOOL = OriginKind.PROJECT, OriginKind.STDLIB, OriginKind.DISTRIBUTION, OriginKind.TOOL
_CLASS_MAKERS = frozenset({"types", "abc", "collections", "dataclasses", "enum", "typing"})
_OS_MODULES = {"posixpath": "os.path", "ntpath": "os.path", "posix": "os", "nt": "os"}
_NEVER_MODULES = frozenset(map(id, (types.FunctionType, types.BuiltinFunctionType, type, int, str, list, dict, tuple)))

_Kind = TypeVar("_Kind")


def is_a(value: object, kind: type[_Kind]) -> TypeGuard[_Kind]:
    """Say whether a value is of a class, without asking it or its class."""
    cls = type(value)
    if cls is kind:
        return True
    for base in mro(cls):  # noqa: SIM110  (a loop: this runs for every read of every function)
        if base is kind:
            return True
    return False


def is_module(value: object) -> TypeGuard[types.ModuleType]:
    """Say whether a value is a module, without asking it; quick for what most names are."""
    return id(type(value)) not in _NEVER_MODULES and is_a(value, types.ModuleType)


def is_any(value: object, *kinds: type) -> bool:
    """Say whether a value is of one of these classes, without asking it or its class."""
    wanted = set(map(id, kinds))
    return not wanted.isdisjoint(map(id, mro(type(value))))


def is_native_function(value: object) -> TypeGuard[Any]:
    """Say whether a value is a function in C of a type that no module names and nothing pickles, as nanobind has one.

    Such a function lies in its module under its own name, by itself or wrapped.
    """
    cls = type(value)
    if class_module(cls) in sys.modules:
        return False
    parts = [(name, part) for base in mro(cls) if base is not object for name, part in class_attributes(base)]
    if any(name == "__reduce__" or type(part) is types.FunctionType for name, part in parts):
        return False
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if type(module) is not str or type(name) is not str:
        return False
    held: object = sys.modules.get(module)
    for part in name.split("."):
        held = getattr(held, part, None)
    return held is value or getattr(held, "__wrapped__", None) is value


class Origins:
    """Origins of modules, functions and classes, each asked of the world once."""

    def __init__(self, world: CodeWorld) -> None:
        self._world = world
        self._known: dict[tuple[str, str | None], Origin] = {}
        self._functions: dict[tuple[int, str], tuple[types.FunctionType, Origin]] = {}
        self._classes: dict[int, tuple[type, Origin]] = {}

    def of_module(self, name: str, file: str | None = None) -> Origin:
        """Return the origin of a module by its name (and file, if it is not loaded)."""
        key = (name, file or module_file(name))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._world.origin(*key)
        return known

    def of_function(self, fn: types.FunctionType) -> Origin:
        """Return the origin of a Python function: by its code's file, else by its module."""
        key = (id(fn.__globals__), fn.__code__.co_filename)
        known = self._functions.get(key)
        if known is None:
            known = self._functions[key] = fn, self._of_function(fn)  # alive, so that its globals keep their id
        return known[1]

    def _of_function(self, fn: types.FunctionType) -> Origin:
        file = fn.__code__.co_filename
        if not file.startswith("<"):
            name = _text(fn.__globals__.get("__name__"))
            loaded = module_file(name)
            return self.of_module(name if loaded is not None and loaded == file else "", file)
        name = _text(fn.__globals__.get("__name__"))
        frozen = file.startswith("<frozen ")
        return self.of_module(name, file if frozen else None)

    def of_class(self, cls: type) -> Origin:
        """Return the origin of a class, by the module that it says it is from."""
        known = self._classes.get(id(cls))
        if known is None:
            known = self._classes[id(cls)] = cls, self._of_class(cls)
        return known[1]

    def _of_class(self, cls: type) -> Origin:
        module = class_module(cls)
        if not module and not any(type(value) is types.FunctionType for _, value in class_attributes(cls)):
            return self.of_module("builtins")  # a type in C that does not say where it is from
        if module in _CLASS_MAKERS and class_name(cls) not in getattr(sys.modules.get(module), "__dict__", {}):
            return self.of_module("")  # made by a call: nobody set the name of the caller's module
        return self.of_module(module)

    def of_other(self, value: object) -> Origin:
        """Return the origin of a built-in function or an instance, by its module or its class's."""
        if type(value) is types.BuiltinFunctionType or is_native_function(value):
            owner = getattr(value, "__self__", None)
            name = value.__module__ or (owner.__name__ if isinstance(owner, types.ModuleType) else "builtins")
            return self.of_module(name)
        return self.of_class(type(value))


def module_file(name: str) -> str | None:
    """Return the file of a loaded module, None if it has none or is not loaded."""
    module = sys.modules.get(name)
    if module is None:
        return None
    file = getattr(module, "__dict__", {}).get("__file__")
    return file if isinstance(file, str) else None


def class_module(cls: type) -> str:
    """Return the module a class says it is from, without asking its metaclass."""
    return _text(type.__dict__["__module__"].__get__(cls))


def _text(name: object) -> str:
    return name if isinstance(name, str) else ""


def class_bases(cls: type) -> tuple[type, ...]:
    """Return a class's bases, without asking its metaclass."""
    bases: tuple[type, ...] = type.__dict__["__bases__"].__get__(cls)
    return bases


def class_name(cls: type) -> str:
    """Return a class's qualified name, without asking its metaclass."""
    name: str = type.__dict__["__qualname__"].__get__(cls)
    return name


def public_module(name: str) -> str:
    """Return the part of a foreign module's name that does not move between versions and platforms."""
    name = _OS_MODULES.get(name, name)
    top = name.partition(".")[0]
    return top.lstrip("_") or top


def foreign_name(value: object) -> tuple[str, str]:
    """Return (package, qualified name) of someone else's function, class or instance."""
    if is_a(value, type):
        return public_module(class_module(value)), class_name(value)
    if is_a(value, types.ModuleType):
        name = value.__dict__.get("__name__", "")
        return _OS_MODULES.get(name, name), ""
    if is_a(value, types.FunctionType) or is_a(value, types.BuiltinFunctionType):
        return public_module(value.__module__ or "builtins"), value.__qualname__
    if is_native_function(value):
        return public_module(value.__module__ or "builtins"), value.__qualname__
    return public_module(class_module(type(value))), type_name(type(value)).rpartition(".")[2]


def class_attributes(cls: type) -> Iterator[tuple[str, object]]:
    """Yield a class's own attributes, without asking its metaclass."""
    yield from type.__dict__["__dict__"].__get__(cls).items()
