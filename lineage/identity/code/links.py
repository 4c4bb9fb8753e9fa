"""Turn what syntax reads into edges of the symbol graph, by looking at live objects.

This is also where reads with a meaning of their own are recognised: environment
variables, computed imports, `eval`, and functions that read docstrings or annotations.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import os
import sys
import types
import typing
from dataclasses import replace
from typing import assert_never

from assetctl.assets.compute import Compute, PythonFunction
from assetctl.assets.definition import AssetDef, CheckDef
from assetctl.lineage.facts.ports import CodeWorld, Origin
from assetctl.lineage.identity.code.lookup import (
    MISSING,
    Namespace,
    Reached,
    absolute_module,
    import_now,
    providing_module,
)
from assetctl.lineage.identity.code.origins import DISTRIBUTION, PROJECT, TOOL, Origins, is_a, is_any, is_module
from assetctl.lineage.identity.code.reads import Import, Key, Read, Reads
from assetctl.lineage.identity.code.sources import Sources
from assetctl.lineage.identity.code.symbols import Graph, Node, Root, Shown
from assetctl.lineage.identity.code.syntax import Reading

_ENVIRONMENT_METHODS = frozenset({"get", "pop", "setdefault", "__getitem__", "__contains__"})
_READERS = {
    id(inspect.signature): Reading.ANNOTATIONS,
    id(inspect.getfullargspec): Reading.ANNOTATIONS,
    id(inspect.get_annotations): Reading.ANNOTATIONS,
    id(typing.get_type_hints): Reading.ANNOTATIONS,
    id(inspect.getdoc): Reading.DOCS,
}
_ANNOTATION = (Reading.NOTHING, Reading.ANNOTATIONS)
_SPECIAL_MODULES = frozenset({"os", "sys", "importlib", "builtins", "inspect", "typing"})
_EXECUTORS = {id(builtins.eval): "eval", id(builtins.exec): "exec"}
_NAMESPACES = {id(builtins.globals): "globals", id(builtins.locals): "locals", id(builtins.vars): "vars"}
_IMPORTERS = {id(importlib.import_module): "import_module", id(builtins.__import__): "__import__"}


def subject_of(compute: Compute) -> object:
    """Return the object that stands for a way of computing: what its code version is made from."""
    match compute:
        case PythonFunction(fn):
            return fn
        case _:
            assert_never(compute)


class Reach:
    """What expanding a node needs: the graph, the sources, whose code is whose, and the world."""

    def __init__(self, world: CodeWorld, graph: Graph) -> None:
        self.world = world
        self.graph = graph
        self.origins = Origins(world)
        self.sources = Sources(world)
        self._shown_files: dict[str, str] = {}

    def target(self, value: object, name: str, where: str, root: Root | None = None) -> Node | None:
        """Return the node of a value; None for what never counts (assetctl's own)."""
        if type(value) is AssetDef or type(value) is CheckDef:
            value = subject_of(value.compute)
        value = self.world.original(value)
        if self.origin(value).kind == TOOL:
            return None
        return self.graph.node(value, name, where, root)

    def origin(self, value: object) -> Origin:
        """Say whose a value is."""
        value = self.world.original(value)
        if type(value) is types.FunctionType:
            return self.origins.of_function(value)
        if is_a(value, type):
            return self.origins.of_class(value)
        if is_module(value):
            name = object.__getattribute__(value, "__dict__").get("__name__", "")
            return self.origins.of_module(name)
        return self.origins.of_other(value)

    def note_origin(self, node: Node, value: object) -> Origin:
        """Say whose a value is, and record its distribution with the node."""
        origin = self.origin(value)
        if origin.kind == DISTRIBUTION:
            node.findings.distributions[origin.distribution] = origin.version
        return origin

    def link_reads(self, node: Node, reads: Reads, space: Namespace, file: str, prefix: str = "") -> None:
        """Add an edge for everything read, in an order that does not depend on the text."""
        if reads.reading:
            node.findings.reading |= reads.reading
        for read in sorted(reads.names, key=_order):
            Linker(self, node, space, file, prefix).link(read)

    def place(self, file: str, line: int) -> str:
        if file not in self._shown_files:
            self._shown_files[file] = self.world.relative(file)
        return f"{self._shown_files[file]}:{line}"


def _order(read: Read) -> tuple[object, ...]:
    key = read.key or Key()
    imported = read.imported or Import("")
    names = (imported.module, imported.attribute, imported.level)
    return (read.chain, read.use, names, read.after, key.text or "", key.chain, read.is_annotation, read.line)


class Linker:
    """Links the reads of one node, seen from one namespace."""

    def __init__(self, reach: Reach, node: Node, space: Namespace, file: str, prefix: str) -> None:
        self.reach = reach
        self.node = node
        self.space = space
        self.file = file
        self.prefix = prefix

    def link(self, read: Read) -> None:
        """Add what one read reaches."""
        if read.imported is not None and not self._is_first_party(read, read.imported):
            return
        reached = self.space.reach(read)
        reached = replace(reached, value=self.reach.world.original(reached.value))
        for module in reached.modules:
            kind = self.reach.note_origin(self.node, module).kind
            if kind == TOOL:
                return
            if kind == PROJECT and read.imported is not None:
                self.node.findings.modules.append(module.__name__)
        if reached.value is MISSING:
            self._foreign_module(read, reached)
        elif not self._special(read, reached):
            self._edge(read, reached)

    # --- ordinary edges ---------------------------------------------------------------

    def _edge(self, read: Read, reached: Reached) -> None:
        value = reached.value
        if read.use in {"getattr", "import"}:
            changed = self._getattr_or_import(read, reached)
            if changed is None:
                return
            read = changed
        if self._is_plain_builtin(read, value):
            return
        if self._foreign_module(read, reached):
            return
        name = self._name(read, reached)
        label = self.prefix + ".".join(read.chain[: reached.taken + 1])
        root = self.node.root if value is wrapped(self.node.subject) else None
        if read.chain == ("__file__",) and type(value) is str:
            value = self.reach.world.relative(value)
            self.reach.graph.adopt(value)
        where = self._where(read, reached)
        target = self.reach.target(value, name, where, root)
        self.node.link(label, target, Shown(name, where), only=_ANNOTATION[read.is_annotation])

    def _getattr_or_import(self, read: Read, reached: Reached) -> Read | None:
        """Return what a `getattr` or a local import reads, or None if that is dealt with."""
        value = reached.value
        if read.use == "getattr" and self.space.name("getattr") is not getattr:
            return replace(read, use="value")
        if not is_module(value):
            return read
        if read.use == "import":
            return None  # only what is read from it counts
        text = self.space.text(read.key)
        if text is not None and len(read.chain) == reached.taken + 1:
            self.link(replace(read, chain=(*read.chain, text), use="value", key=None))
            return None
        return read

    def _is_plain_builtin(self, read: Read, value: object) -> bool:
        name = read.chain[0]
        if name in self.space.closure or name in self.space.global_names or read.imported is not None:
            return False
        if builtins.__dict__.get(name) is not value:
            return False
        is_own = type(value) is types.BuiltinFunctionType and value.__self__ is builtins
        return is_own or self.reach.origin(value).kind != PROJECT

    def _foreign_module(self, read: Read, reached: Reached) -> bool:
        """Link what is found in someone else's module by the module's name: the rest is in the syntax."""
        for module in reached.modules:
            if self.reach.origin(module).kind == PROJECT:
                continue
            patched = is_any(reached.value, types.FunctionType, type)
            if patched and self.reach.origin(reached.value).kind == PROJECT:
                return False
            if reached.value is not MISSING:
                self.reach.note_origin(self.node, reached.value)
            label = self.prefix + ".".join(read.chain[: 1 + reached.modules.index(module)])
            target = self.reach.target(module, module.__name__, "")
            self.node.link(label, target, only=_ANNOTATION[read.is_annotation])
            if is_a(reached.value, type):  # its subclasses may be first-party
                scanned = self.reach.target(reached.value, "", "")
                self.node.link(f"{label} class", scanned, only=Reading.SUBCLASSES)
            return True
        return False

    def _name(self, read: Read, reached: Reached) -> str:
        names = read.chain[: reached.taken + 1]
        if reached.modules:
            return ".".join((reached.modules[-1].__name__, names[-1]))
        if names[0] in self.space.closure:
            return f"{self.node.name}.{names[0]}"
        module = self.space.global_names.get("__name__")
        return f"{module}.{names[0]}" if isinstance(module, str) else names[0]

    def _where(self, read: Read, reached: Reached) -> str:
        """Return the line that binds a global name, else the line that reads it; a function knows its own."""
        if type(reached.value) is types.FunctionType:
            return self.reach.place(self.file, read.line)
        file, names = self.file, self.space.global_names
        if reached.modules:
            file, names = reached.modules[-1].__dict__.get("__file__") or file, reached.modules[-1].__dict__
        source = self.reach.sources.file(file) if file == names.get("__file__") else None
        line = source.line_of(read.chain[reached.taken]) if source is not None else None
        return self.reach.place(self.file, read.line) if line is None else self.reach.place(file, line)

    # --- imports that only running would do -------------------------------------------

    def _is_first_party(self, read: Read, imported: Import) -> bool:
        """Record whose a locally imported module is; import a first-party one, as the code will.

        Someone else's module is not looked into, so that it does not matter whether it
        is loaded already: its name is in the syntax.
        """
        module = absolute_module(imported, self.space.global_names)
        provider = providing_module(module)
        if provider is None:
            return False
        origin = self.reach.origins.of_module(*provider)
        if origin.kind == DISTRIBUTION:
            self.node.findings.distributions[origin.distribution] = origin.version
        if origin.kind != PROJECT:
            return module in _SPECIAL_MODULES
        failure = import_now(module)
        if failure and not any(f" import of {module} (" in known for known in self.node.findings.undecidable):
            self.node.findings.undecidable.append(f"{self._line(read)} import of {module} ({failure})")
        return not failure

    # --- reads with a meaning of their own ---------------------------------------------

    def _line(self, read: Read) -> str:
        return self.reach.place(self.file, read.line)

    def _dynamic(self, read: Read, what: str) -> bool:
        self.node.findings.dynamic.append(f"{self._line(read)} {what}")
        return True

    def _special(self, read: Read, reached: Reached) -> bool:
        """Handle a read that is more than a read; say whether it is done with."""
        value, rest = reached.value, read.chain[reached.taken + 1 :]
        if id(value) in _READERS:
            self.node.findings.reading |= _READERS[id(value)]
        if value is os.environ or value is getattr(os, "environb", None):
            self._environment(read, rest)
            return True
        if value is os.getenv or value is getattr(os, "getenvb", None):
            self._environment(read, ("get",))
            return False
        if id(value) in _EXECUTORS:
            return self._dynamic(read, _EXECUTORS[id(value)])
        if id(value) in _NAMESPACES:
            return self._namespace(read, _NAMESPACES[id(value)])
        if id(value) in _IMPORTERS:
            return self._computed_import(read, _IMPORTERS[id(value)])
        if value is sys.modules:
            text = self.space.text(read.key)
            if text is None:
                return self._dynamic(read, "sys.modules") if read.use == "item" else True
            self._module(read, text, ())
            return True
        return False

    def _environment(self, read: Read, rest: tuple[str, ...]) -> None:
        is_lookup = read.use in {"item", "member"} if not rest else rest[0] in _ENVIRONMENT_METHODS
        name = self.space.text(read.key) if is_lookup else None
        if name is not None:
            self.node.findings.variables[name] = self.reach.world.variable(name)

    def _namespace(self, read: Read, function: str) -> bool:
        text = self.space.text(read.key)
        if read.use == "namespace" and text is not None:
            if function == "globals":
                self.link(Read((text,), read.line))
            return True
        if read.use == "namespace" or (function == "globals" and read.use in {"call", "value"}):
            return self._dynamic(read, f"{function}()")
        return True

    def _computed_import(self, read: Read, function: str) -> bool:
        text = self.space.text(read.key) if read.use == "call" else None
        if text is None:
            return self._dynamic(read, function)
        self._module(read, text, read.after)
        return True

    def _module(self, read: Read, name: str, after: tuple[str, ...]) -> None:
        bare = name.lstrip(".")
        level = len(name) - len(bare)
        imported = Import(absolute_module(Import(bare, "", level), self.space.global_names))
        chain = (read.chain[0], *after)
        self.link(Read(chain, read.line, "value", imported=imported, is_annotation=read.is_annotation))


def wrapped(fn: object) -> object:
    """Return what a function says it wraps, or `MISSING`."""
    return fn.__dict__.get("__wrapped__", MISSING) if type(fn) is types.FunctionType else MISSING
