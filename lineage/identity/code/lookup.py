"""Look names up in live objects, as the code that reads them would, running as little as possible.

Only modules are looked into: what a class or an instance holds counts as a whole.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass

from assetctl.lineage.identity.code.origins import is_module
from assetctl.lineage.identity.code.reads import Import, Key, Read

MISSING = object()
"""There is no such name now; the code would raise, or something defines it later."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a chain of names leads: the object, how many names it took, and the modules passed."""

    value: object
    taken: int
    modules: tuple[types.ModuleType, ...] = ()


class Namespace:
    """The names a function sees from outside: its closure, its globals, the builtins."""

    def __init__(self, global_names: Mapping[str, object], closure: Mapping[str, object]) -> None:
        self.global_names = global_names
        self.closure = closure

    def name(self, name: str) -> object:
        """Return what a name is now, or MISSING."""
        if name in self.closure:
            return self.closure[name]
        if name in self.global_names:
            return self.global_names[name]
        return builtins.__dict__.get(name, MISSING)

    def reach(self, read: Read) -> Reached:
        """Follow a read through modules to the first object that is not one."""
        if read.imported is None:
            return follow(self.name(read.chain[0]), read.chain[1:])
        module = absolute_module(read.imported, self.global_names)
        rest = read.chain[1:] if read.use != "import" else ()
        loaded = sys.modules.get(module)
        if loaded is None:
            return Reached(MISSING, 0)
        attribute = (read.imported.attribute,) if read.imported.attribute else ()
        reached = follow(loaded, (*attribute, *rest))
        return Reached(reached.value, max(0, reached.taken - len(attribute)), reached.modules)

    def text(self, key: Key | None) -> str | None:
        """Return the text that a key stands for, or None if only running the code would tell."""
        if key is None or key.text is not None:
            return None if key is None else key.text
        reached = follow(self.name(key.chain[0]), key.chain[1:])
        return reached.value if type(reached.value) is str and reached.taken == len(key.chain) - 1 else None


def function_namespace(fn: types.FunctionType) -> Namespace:
    """Return the namespace of a live function."""
    closure: dict[str, object] = {}
    for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=False):
        try:
            closure[name] = cell.cell_contents
        except ValueError:
            closure[name] = MISSING  # not assigned yet
    return Namespace(fn.__globals__, closure)


def follow(value: object, names: tuple[str, ...]) -> Reached:
    """Take attributes while the object is a module."""
    taken = 0
    modules: list[types.ModuleType] = []
    while is_module(value):
        modules.append(value)
        if taken == len(names) or names[taken] == "__dict__":
            break
        attribute = module_attribute(value, names[taken])
        if attribute is MISSING:
            return Reached(MISSING, taken, tuple(modules))
        value, taken = attribute, taken + 1
    return Reached(value, taken, tuple(modules))


def module_attribute(module: types.ModuleType, name: str) -> object:
    """Return a module's attribute; a module's own `__getattr__` is asked, as an import would."""
    if name in module.__dict__:
        return module.__dict__[name]
    loaded = sys.modules.get(f"{module.__name__}.{name}")
    if loaded is not None:
        return loaded
    if "__getattr__" not in module.__dict__ and type(module) is types.ModuleType:
        return MISSING
    try:
        return getattr(module, name)
    except Exception:  # noqa: BLE001  (whatever a lazy module raises, the name is not there now)
        return MISSING


def absolute_module(imported: Import, global_names: Mapping[str, object]) -> str:
    """Return the absolute name of the module that an import statement names."""
    if not imported.level:
        return imported.module
    package = global_names.get("__package__") or str(global_names.get("__name__", "")).rpartition(".")[0]
    try:
        return importlib.util.resolve_name("." * imported.level + imported.module, str(package))
    except ImportError:
        return imported.module


def import_now(name: str) -> str:
    """Import a module that code would import when it runs; return what went wrong, "" if nothing did."""
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001  (a module may raise anything; the caller reports it)
        return f"{type(error).__name__}: {error}"
    return ""


def providing_module(name: str) -> tuple[str, str | None] | None:
    """Return the outermost module with a file (no namespace package) on the way to a name, and its file.

    Imports nothing but namespace packages. None: there is no such module.
    """
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        prefix = ".".join(parts[:length])
        loaded = sys.modules.get(prefix)
        if loaded is not None and loaded.__dict__.get("__file__"):
            return prefix, loaded.__dict__["__file__"]
        try:
            spec = importlib.util.find_spec(prefix)
        except (ImportError, ValueError, AttributeError):
            return (prefix, None) if loaded is not None else None
        if spec is None:
            return None
        if spec.origin is not None:
            return prefix, spec.origin if spec.has_location else None
    return name, None
