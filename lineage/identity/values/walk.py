"""Walk through a value of any depth, writing what it is into a framed hash.

Every compound value is hashed by itself and its parent writes the digest, so sharing
does not show (`[a, a]` is `[copy, copy]`) and a value reached a thousand times is
hashed once. Cycles are strongly connected groups (Tarjan's algorithm): inside a group
a second visit writes the distance back, so the digest of a closed group depends on
nothing outside of it. No Python recursion, and no hook of the value's own class is
called: no `__eq__`, `__hash__`, `__repr__`, `__reduce__`, no property.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from assetctl.lineage.facts.records import Digest, ValueIdentity
from assetctl.lineage.identity.encode import Framed

FORMAT = "av/1"

Refer = Callable[[object, Framed], bool]
"""Write a reference to a value that has an identity elsewhere (code); False when it has none."""

Child = tuple[Framed, object, str]
"""Where to write, what to write, and its step in the path from its parent ("[3]", ".x")."""

_MRO = type.__dict__["__mro__"]
_FLAGS = type.__dict__["__flags__"]


class Unencodable(Exception):
    """A value, or something inside of it, has no defined identity.

    `where` is the path to it inside the value ("" for the value itself), `type_name`
    the qualified name of its type.
    """

    def __init__(self, where: str, type_name: str) -> None:
        super().__init__(f"{type_name} at {where or 'the top'} has no defined identity")
        self.where = where
        self.type_name = type_name


@dataclass(frozen=True, slots=True)
class Encoder:
    """How values of one type are written.

    A leaf's `write` writes at once and returns None; a compound's is a generator of
    children, resumed after each child was written. `whole`: it also decides about
    instances of subclasses, and may refuse. `identify` gives the whole identity of a
    value that has more to it than a digest (the columns of a table). `after_code`: where
    code refers to what it captured, its own reference goes first.
    """

    write: Callable[[Walk, Framed, Any], Iterator[Child] | None]
    is_compound: bool = False
    whole: bool = False
    identify: Callable[[Any, bool], ValueIdentity] | None = None
    after_code: bool = False


Lookup = Callable[[type], tuple[Encoder, bool] | None]
"""Find the encoder for a class; the flag says whether an instance's own class and state must be added."""


@dataclass(slots=True)
class _Frame:
    value: object
    children: Iterator[Child]
    inner: Framed
    outer: Framed
    step: str
    position: int
    lowest: int


def mro(cls: type) -> tuple[type, ...]:
    """Return a class's method resolution order without asking its metaclass."""
    order: tuple[type, ...] = _MRO.__get__(cls)
    return order


def is_of(cls: type, *packages: str) -> bool:
    """Say whether a class comes from one of some packages, or is built in: nobody's subclass of theirs."""
    module = type.__dict__["__module__"].__get__(cls)
    return not _FLAGS.__get__(cls) & HEAP_TYPE or (isinstance(module, str) and module.partition(".")[0] in packages)


HEAP_TYPE = 1 << 9  # set for classes made by a `class` statement


def type_name(cls: type) -> str:
    """Return the qualified name of a class; of built-in ones without the module."""
    module = type.__dict__["__module__"].__get__(cls)
    name: str = type.__dict__["__qualname__"].__get__(cls)
    return f"{module}.{name}" if isinstance(module, str) and module != "builtins" else name


class Walk:
    """One traversal. Encoders get it to write classes and small leaves, and to refuse."""

    def __init__(self, lookup: Lookup, refer: Refer | None) -> None:
        self.refer = refer
        self._lookup = lookup
        self._encodings: dict[int, tuple[Encoder, bool] | None] = {}
        self._closed: dict[int, Digest] = {}
        self._unsettled: list[int] = []
        self._position: dict[int, int] = {}
        self._lowest: dict[int, int] = {}
        self._kept: list[object] = []  # everything whose id is a key above stays alive
        self._frames: list[_Frame] = []
        self._step = ""  # of the leaf being written

    def write(self, out: Framed, value: object) -> None:
        """Write a value and everything in it."""
        self._visit(out, value, "")
        while self._frames:
            child = next(self._frames[-1].children, None)
            if child is None:
                self._leave()
            else:
                self._visit(*child)

    def leaf(self, out: Framed, value: object) -> bool:
        """Write a value if it is a leaf of a known exact type; say whether it was."""
        encoding = self._find(type(value))
        if encoding is None or encoding[0].is_compound or encoding[0].whole or encoding[1]:
            return False
        encoding[0].write(self, out, value)
        return True

    def class_of(self, out: Framed, cls: type) -> None:
        """Write a class: as the caller refers to it, else by its qualified name."""
        if self.refer is None or not self.refer(cls, out):
            out.tag("class").text(type_name(cls))

    def named(self, out: Framed, value: object, name: tuple[str, str]) -> None:
        """Write a class or function that can be found again under its module and qualified name."""
        if self.refer is not None and self.refer(value, out):
            return
        bound: object = sys.modules.get(name[0])
        for part in name[1].split("."):
            bound = getattr(bound, part, None)
        if bound is not value:
            self.refuse(value)
        out.tag("named").text(name[0]).text(name[1])

    def refuse(self, value: object, step: str = "") -> None:
        """Raise Unencodable for a value inside the one being written."""
        raise Unencodable("".join(frame.step for frame in self._frames) + self._step + step, type_name(type(value)))

    def _find(self, cls: type) -> tuple[Encoder, bool] | None:
        try:
            return self._encodings[id(cls)]
        except KeyError:
            self._kept.append(cls)
            encoding = self._encodings[id(cls)] = self._lookup(cls)
            return encoding

    def _visit(self, out: Framed, value: object, step: str) -> None:
        encoding = self._find(type(value))
        if encoding is None:
            if self.refer is None or not self.refer(value, out):
                self.refuse(value, step)
            return
        encoder, is_subclass = encoding
        if encoder.after_code and self.refer is not None and self.refer(value, out):
            return
        if not encoder.is_compound and not is_subclass:
            self._step = step
            encoder.write(self, out, value)
            self._step = ""
            return
        key = id(value)
        if key in self._closed:
            out.child(self._closed[key])
        elif key in self._position:
            self._write_back(out, key)
        else:
            self._enter(out, value, step, encoding)

    def _enter(self, out: Framed, value: object, step: str, encoding: tuple[Encoder, bool]) -> None:
        encoder, is_subclass = encoding
        inner = Framed(FORMAT)
        children = _instance(self, inner, value, encoder) if is_subclass else encoder.write(self, inner, value)
        position = len(self._unsettled)
        self._unsettled.append(id(value))
        self._position[id(value)] = position
        self._kept.append(value)
        self._frames.append(_Frame(value, children or iter(()), inner, out, step, position, position))

    def _write_back(self, out: Framed, key: int) -> None:
        frame = self._frames[-1]
        out.tag("back").integer(frame.position - self._position[key])
        frame.lowest = min(frame.lowest, self._lowest.get(key, self._position[key]))

    def _leave(self) -> None:
        frame = self._frames.pop()
        digest = frame.inner.hexdigest()
        frame.outer.child(digest)
        key = id(frame.value)
        parent = self._frames[-1] if self._frames else None
        if frame.lowest == frame.position:  # nothing in it looks outside: the digest holds anywhere
            self._forget_from(frame.position)
            self._closed[key] = digest
            return
        self._lowest[key] = frame.lowest
        assert parent is not None
        parent.lowest = min(parent.lowest, frame.lowest)
        if frame.outer is not parent.inner:  # a member of a set: its siblings must not see it, their order is chance
            self._forget_from(frame.position)

    def _forget_from(self, position: int) -> None:
        for key in self._unsettled[position:]:
            del self._position[key]
            self._lowest.pop(key, None)
        del self._unsettled[position:]


def _instance(walk: Walk, out: Framed, value: object, encoder: Encoder) -> Iterator[Child]:
    """Write an instance of a subclass: its class, what its base holds, and its own attributes."""
    out.tag("instance")
    walk.class_of(out, type(value))
    children = encoder.write(walk, out, value)
    if children is not None:
        yield from children
    yield from write_state(walk, out, value)


def write_state(walk: Walk, out: Framed, value: object) -> Iterator[Child]:
    """Write an instance's attributes by name, from its `__dict__` and slots; cached properties do not count."""
    state = state_of(value)
    out.length(len(state))
    for name in sorted(state):
        out.text(name)
        yield out, state[name], f".{name}"


def state_of(value: object) -> dict[str, object]:
    """Return an instance's attributes, from its `__dict__` and slots, without those that only cache."""
    cls = type(value)
    state: dict[str, object] = {}
    try:
        state.update(object.__getattribute__(value, "__dict__"))
    except AttributeError:
        state.clear()  # an instance of slots only
    fields = class_attribute(cls, "__dataclass_fields__")
    for base in mro(cls):
        members = type.__dict__["__dict__"].__get__(base)
        for name, member in members.items():
            if name in _OFFSETS:  # the interpreter's own fields, of types in C: they hold addresses
                continue
            if type(member) is _MemberDescriptor and (_FLAGS.__get__(base) & HEAP_TYPE or not name.startswith("__")):
                _add_slot(state, name, member, value)
            elif type_name(type(member)).endswith("cached_property") and not (type(fields) is dict and name in fields):
                state.pop(name, None)
    return state


_OFFSETS = frozenset({"__dictoffset__", "__vectorcalloffset__", "__weaklistoffset__"})


def _add_slot(state: dict[str, object], name: str, member: Any, value: object) -> None:
    try:
        held = member.__get__(value, type(value))
    except AttributeError:
        return  # a slot that was never set
    while name in state:  # a slot of the same name further up the bases, or an attribute beside the slot
        name += "'"
    state[name] = held


def class_attribute(cls: type, name: str) -> Any:
    """Return an attribute from the class bodies, without asking the metaclass."""
    for base in mro(cls):
        members = type.__dict__["__dict__"].__get__(base)
        if name in members:
            return members[name]
    return None


class _Slots:
    __slots__ = ("member",)


_MemberDescriptor = type(_Slots.__dict__["member"])
