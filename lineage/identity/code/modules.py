"""Make symbols of the statements that modules run for their effect on something that is not their own.

`np.random.seed(1)`, `os.environ["TZ"] = "UTC"`, a method put on `pd.DataFrame`: no name leads to such a
statement, and yet it shapes what all code does that runs after it. So they belong to all code of the module, and
of modules that import it. A statement that fills the module's own objects does not: it counts where these are read.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

from assetctl.assets.definition import AssetDef, CheckDef
from assetctl.lineage.facts.kinds import SymbolKind
from assetctl.lineage.identity.code.classes import descriptor_parts
from assetctl.lineage.identity.code.links import Reach
from assetctl.lineage.identity.code.lookup import MISSING, Namespace, absolute_module, follow, function_namespace
from assetctl.lineage.identity.code.origins import (
    DISTRIBUTION,
    PROJECT,
    STDLIB,
    TOOL,
    class_attributes,
    class_module,
    class_name,
    is_a,
    is_any,
    is_module,
    module_file,
)
from assetctl.lineage.identity.code.reads import Import, Reads
from assetctl.lineage.identity.code.sources import StatementSource
from assetctl.lineage.identity.code.symbols import FORMAT, Node
from assetctl.lineage.identity.code.texts import merged
from assetctl.lineage.identity.code.touches import Touch, Use
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.identify import has_identity
from assetctl.lineage.identity.values.walk import mro, state_of

_LOGGING = frozenset({"logging", "structlog", "loguru"})
_ONLY_DECORATE = frozenset(
    {"attr", "attrs", "pydantic", "pytest", "hypothesis", "numba", "typing_extensions", "beartype"}
)
"""Libraries whose decorators change what they decorate, and hand it out again, but keep it nowhere."""

_SETTERS = ("set", "reset", "seed", "register", "unregister", "enable", "disable", "use", "install", "patch")
_MUTATORS = frozenset({"pop", "popitem", "setdefault", "configure", "activate"})
_MADE_BY = ("__new__", "__init__", "__post_init__")
_NOT_BY_USE = frozenset({*_MADE_BY, "__call__", "__init_subclass__", "__set_name__", "__del__", "__prepare__"})
_DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType, types.WrapperDescriptorType)


class ModuleStatements:
    """What stands for a module's statements in the symbol graph."""

    __slots__ = ("sources",)

    def __init__(self, sources: list[StatementSource]) -> None:
        self.sources = sources


class Modules:
    """The nodes of modules that have statements with effects, each module looked at once."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._nodes: dict[str, Node | None] = {}
        self._imports: dict[str, tuple[str, ...]] = {}
        self._verdicts: dict[tuple[object, ...], bool] = {}

    def reached_through(self, names: Iterable[str]) -> list[Node]:
        """Return the nodes of these modules and of all that they import, in the order in which they are imported."""
        order: dict[str, None] = {}
        begun: set[str] = set()
        for name in names:
            stack: list[tuple[str, Iterator[str]]] = [("", iter((name,)))]
            while stack:
                current, waiting = stack[-1]
                inner = next(waiting, None)
                if inner is None:
                    stack.pop()
                    order.setdefault(current)
                elif inner not in begun:
                    begun.add(inner)
                    stack.append((inner, iter(self._imported_by(inner))))
        nodes = [self._node(name) for name in order if name]
        return [node for node in nodes if node is not None]

    def _imported_by(self, name: str) -> tuple[str, ...]:
        """Return the first-party modules that are imported before a module's own statements are done."""
        if name not in self._imports:
            file = self._file(name)
            texts = None if file is None else self._reach.sources.file(file)
            imports: dict[str, None] = {}
            for wanted in texts.texts.imports if texts is not None else ():
                imports.update(dict.fromkeys(self._loaded(wanted, name)))
            parent = name.rpartition(".")[0]
            before = (parent,) if parent and self._file(parent) else ()
            self._imports[name] = (*before, *imports)
        return self._imports[name]

    def _loaded(self, wanted: Import, importer: str) -> Iterator[str]:
        module = absolute_module(wanted, vars(sys.modules[importer]) if importer in sys.modules else {})
        for name in (module, f"{module}.{wanted.attribute}") if wanted.attribute else (module,):
            if self._file(name) is not None:
                yield name

    def _file(self, name: str) -> str | None:
        """Return the file of a loaded first-party module, None of any other."""
        file = module_file(name)
        return file if file is not None and self._reach.origins.of_module(name).kind == PROJECT else None

    # --- the node of one module -------------------------------------------------------

    def _node(self, name: str) -> Node | None:
        if name not in self._nodes:
            file = self._file(name)
            source = self._reach.sources.file(file) if file is not None else None
            candidates = source.statements() if source is not None else []
            space = Namespace(vars(sys.modules[name]), {}) if candidates else Namespace({}, {})
            sources = [one for one in candidates if any(self._counts(touch, space, 0) for touch in one.place.touches)]
            self._nodes[name] = self._made(name, sources) if sources else None
        return self._nodes[name]

    def _made(self, name: str, sources: list[StatementSource]) -> Node:
        subject = ModuleStatements(sources)
        first = sources[0]
        return self._reach.graph.node(
            subject, f"{name}.<module>", self._reach.place(first.file.name, first.place.spans[-1][0])
        )

    # --- whether a statement counts ---------------------------------------------------

    def _counts(self, touch: Touch, space: Namespace, depth: int) -> bool:
        """Say whether something that a statement touches is not the module's own."""
        if touch.use is Use.FOREIGN:
            return True
        key = (touch, id(space.global_names), *map(id, space.closure.values()))
        if key not in self._verdicts:
            self._verdicts[key] = False  # of a function that calls itself: the rest of it decides
            self._verdicts[key] = self._decide(touch, space, depth)
        return self._verdicts[key]

    def _decide(self, touch: Touch, space: Namespace, depth: int) -> bool:
        if touch.use is Use.DECORATE:
            return self._is_kept_elsewhere(touch, space)
        if touch.use is Use.CHANGE:
            changed = _value_of(space, touch.chain)
            return not self._is_own(changed, space) or self._acts_when_used(changed, depth)
        if touch.use is Use.METHOD:
            owner = _value_of(space, touch.chain[:-1])
            if not self._is_own(owner, space):
                return True
            method = _attribute_of(owner, touch.chain[-1])
            return type(method) is types.FunctionType and self._has_effects(method, depth)
        called = _value_of(space, touch.chain)
        if touch.use is Use.CHAIN:
            return self._runs_effects(called, depth, otherwise=False)
        if touch.use is Use.USE:
            return self._acts_when_used(called, depth)
        if touch.use is Use.CREATE:
            return is_a(called, type) and self._is_made_with_effects(called, depth)
        if touch.use is Use.APPLY or touch.use is Use.MAKE:
            return self._runs_effects(called, depth, otherwise=False, use=touch.use)
        if touch.use is Use.CALL:
            return self._runs_effects(called, depth, otherwise=True)
        is_change = _sounds_like_a_change(touch.chain) and not self._is_own(_value_of(space, touch.chain[:-1]), space)
        return is_change if called is MISSING else self._runs_effects(called, depth, otherwise=is_change)

    def _runs_effects(self, called: object, depth: int, *, otherwise: bool, use: Use = Use.CALL) -> bool:
        """Say whether a call runs first-party code that has effects; of other code that is not known."""
        while isinstance(called, functools.partial | types.MethodType):
            called = called.func if isinstance(called, functools.partial) else called.__func__
        if type(called) is AssetDef or type(called) is CheckDef or self._reach.origin(called).kind == TOOL:
            return False
        inner = _own_attributes(called).get("__wrapped__")
        if inner is not None and self._runs_effects(inner, depth, otherwise=False, use=use):
            return True
        if type(called) is types.FunctionType and self._reach.origin(called).kind == PROJECT:
            return self._has_effects(called, depth, use=use)
        if inner is not None:
            return otherwise and self._reach.origin(inner).kind != PROJECT
        if self._reach.origin(called).kind != PROJECT or called is MISSING:
            return otherwise
        if is_a(called, type):
            names = (*_MADE_BY, "__call__") if use is Use.MAKE else _MADE_BY
            makers = [_attribute_of(called, name) for name in names]
            return self._any_has_effects([*makers, _attribute_of(type(called), "__call__")], depth)
        return otherwise or self._any_has_effects(
            [_attribute_of(type(called), "__call__"), *state_of(called).values()], depth
        )

    def _any_has_effects(self, functions: Iterable[object], depth: int) -> bool:
        return any(type(fn) is types.FunctionType and self._has_effects(fn, depth) for fn in functions)

    def _acts_when_used(self, used: object, depth: int) -> bool:
        """Say whether a first-party object, or what a class makes, does something when it is entered or computed with."""
        cls = used if is_a(used, type) else type(used)
        if used is MISSING or is_any(used, types.FunctionType, types.ModuleType):
            return False
        if self._reach.origin(cls).kind != PROJECT:
            return False
        held = {name: value for base in reversed(mro(cls)) for name, value in class_attributes(base)}
        special = [value for name, value in held.items() if _is_special(name) or type(value) is property]
        return self._any_has_effects([part for value in special for part in descriptor_parts(value)], depth)

    def _is_made_with_effects(self, cls: Any, depth: int) -> bool:
        """Say whether making a class does something: in its metaclass, in what it derives from, or in what it holds."""
        makers = [_attribute_of(type(cls), name) for name in ("__new__", "__init__", "__prepare__")]
        makers += [_attribute_of(base, "__init_subclass__") for base in mro(cls)[1:]]
        for _, value in class_attributes(cls):
            if not is_any(value, types.FunctionType, type, *_DESCRIPTORS) and self._reach.origin(value).kind == PROJECT:
                makers.append(_attribute_of(type(value), "__set_name__"))
        return self._any_has_effects(makers, depth)

    def _has_effects(self, fn: types.FunctionType, depth: int, *, use: Use = Use.CALL) -> bool:
        if self._reach.origin(fn).kind != PROJECT:
            return False
        source = self._reach.sources.function(fn.__code__)
        if source is None or depth > _DEEPEST:
            return source is not None
        space = function_namespace(fn)
        return any(self._counts(touch, space, depth + 1) for touch in source.touches(use))

    def _is_kept_elsewhere(self, touch: Touch, space: Namespace) -> bool:
        """Say whether a library's decorator handed out just what it was given: then it did so for its effect."""
        name, chain = touch.chain[0], touch.chain[1:]
        reached = follow(space.name(chain[0]), chain[1:])
        kinds = {self._reach.origin(module).kind for module in reached.modules}
        kinds.add(PROJECT if reached.value is MISSING else self._reach.origin(reached.value).kind)
        if DISTRIBUTION not in kinds and STDLIB in kinds and not _sounds_like_a_change(chain):
            return False
        if kinds <= {PROJECT, TOOL}:
            return False
        owner = reached.modules[0].__name__ if reached.modules else str(getattr(reached.value, "__module__", ""))
        if owner.partition(".")[0] in _ONLY_DECORATE:
            return False
        given, module = space.name(name), space.global_names.get("__name__")
        if type(given) is types.FunctionType:
            return given.__globals__ is space.global_names and given.__code__.co_name == name
        return is_a(given, type) and class_module(given) == module and class_name(given) == name

    def _is_own(self, value: object, space: Namespace) -> bool:
        """Say whether what is done to a value shows wherever the value is read."""
        if value is MISSING:
            return False
        if is_module(value):
            return value.__dict__ is space.global_names
        if self._reach.origin(value).kind in {PROJECT, TOOL} or has_identity(type(value)):
            return not is_any(value, types.FunctionType, type) or self._reach.origin(value).kind in {PROJECT, TOOL}
        return any(class_module(base).partition(".")[0] in _LOGGING for base in mro(type(value)))


_DEEPEST = 60  # calls inside of calls; what is nested deeper counts


def expand_statements(reach: Reach, node: Node) -> None:
    """Fill in the node of a module's statements."""
    subject = node.subject
    assert isinstance(subject, ModuleStatements)
    described = [one.described() for one in subject.sources]
    node.kind = SymbolKind.STATEMENTS
    node.source = lambda: "".join(dict.fromkeys(one.text() for one in subject.sources))
    out = Framed(FORMAT).tag("statements").length(len(described))
    for piece in described:
        out.raw(piece.syntax)
    digest = out.raw_digest()
    node.body = lambda reading: digest
    file, module = subject.sources[0].file.name, node.name.removesuffix(".<module>")
    reads: Reads = merged([piece.reads for piece in described])
    reach.link_reads(node, reads, Namespace(vars(sys.modules[module]), {}), file)


def _value_of(space: Namespace, chain: tuple[str, ...]) -> object:
    """Return what a chain of names leads to, asking no object; MISSING if only running the code would tell."""
    if not chain:
        return MISSING
    reached = follow(space.name(chain[0]), chain[1:])
    value = reached.value
    for name in chain[1 + reached.taken :]:
        value = _attribute_of(value, name)
    return value


def _attribute_of(value: object, name: str) -> object:
    if value is MISSING:
        return MISSING
    if not is_any(value, type, types.FunctionType):
        state = state_of(value)
        if name in state:
            return state[name]
    for base in mro(value if is_a(value, type) else type(value)):
        own = dict(class_attributes(base))
        if name in own:
            held = own[name]
            return held.__func__ if type(held) is staticmethod or type(held) is classmethod else held
    return MISSING


def _own_attributes(value: object) -> dict[str, object]:
    if type(value) is functools._lru_cache_wrapper or type(value) is types.FunctionType:
        return value.__dict__
    return {}


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and name not in _NOT_BY_USE


def _sounds_like_a_change(chain: tuple[str, ...]) -> bool:
    """Say whether a library's function is called as one that changes something and returns what was before."""
    name = chain[-1].lower()
    is_setting = name.startswith("setting") or name == "set"
    return name in _MUTATORS or (name.startswith(_SETTERS) and not is_setting and name != "user")
