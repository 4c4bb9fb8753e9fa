"""Which changeable parts of a value are reached by more than one way: a change of one shows in the other.

The walk that hashes a value does not tell `[a, a]` from `[a, copy of a]`; whoever changes the first item of what
they were given does. So where parts are shared, the ways to them count on top. Objects of libraries are not looked
into: nobody changes what two of their own fields share.
"""

from __future__ import annotations

import array
import collections
import enum
import itertools
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from assetctl.lineage.facts.records import Digest
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.python_values import ENCODERS, family, step_of
from assetctl.lineage.identity.values.walk import FORMAT, mro, state_of, type_name

_CHANGEABLE = (
    bytearray, memoryview, array.array, list, dict, set, collections.deque, types.SimpleNamespace,
)  # fmt: skip
_FIXED = frozenset(
    (*(cls for cls in ENCODERS if not issubclass(cls, _CHANGEABLE)), types.MethodType, types.ModuleType)
) - {tuple, frozenset}
_FIXED_OF_LIBRARIES = frozenset((
    "numpy.generic", "numpy.dtype", "numpy.ufunc", "pandas.Timestamp", "pandas.Timedelta", "pandas.Interval", "pandas.Period",
    "pandas._libs.tslibs.timestamps.Timestamp", "pandas._libs.tslibs.timedeltas.Timedelta",
    "pandas._libs.interval.Interval", "pandas._libs.tslibs.period.Period", "pandas._libs.tslibs.nattype.NaTType",
    "pandas._libs.missing.NAType", "pandas.core.indexes.base.Index", "pandas.Index",
    "pandas.core.dtypes.base.ExtensionDtype", "pandas.api.extensions.ExtensionDtype",
))  # fmt: skip

Edge = tuple[str, object]
PartsOf = Callable[[object], Iterable[Edge]]


def sharing_digest(value: object, parts_of: PartsOf = lambda value: ()) -> Digest | None:
    """Return the digest of all ways to shared changeable parts; None if there are no such parts.

    `parts_of` says what is in objects that are not looked into otherwise.
    """
    ways = shared_ways(value, parts_of)
    if not ways:
        return None
    out = Framed(FORMAT).tag("shared").length(len(ways))
    for paths in ways:
        out.length(len(paths))
        for path in paths:
            out.text(path)
    return out.hexdigest()


def shared_ways(value: object, parts_of: PartsOf = lambda value: ()) -> list[tuple[str, ...]]:
    """Return for each changeable part reached more than once the paths to it, all sorted.

    A part that holds itself is no such part: where a way leads back is in the value's own digest.
    """
    search = _Search(parts_of)
    search.go(value)
    return search.ways()


class _Search:
    def __init__(self, parts_of: PartsOf) -> None:
        self._parts_of = parts_of
        self._first: dict[int, tuple[int | None, str]] = {}  # id -> (id of the one it was first found in, step)
        self._again: dict[int, list[tuple[int, str]]] = {}
        self._held: dict[int, list[int]] = {}  # of what cannot be changed itself: what it holds
        self._kept: list[object] = []  # everything whose id is a key stays alive
        self._fixed: dict[type, bool] = {}

    def go(self, value: object) -> None:
        """Look at everything in a value once; no recursion."""
        if _is_fixed(type(value)):
            return
        self._first[id(value)] = (None, "")
        self._kept.append(value)
        if not _is_changeable(value):
            self._held[id(value)] = []
        stack = [(id(value), self._edges(value))]
        above = {id(value)}
        while stack:
            holder, edges = stack[-1]
            edge = next(edges, None)
            if edge is None:
                stack.pop()
                above.discard(holder)
                continue
            step, part = edge
            key = id(part)
            if holder in self._held:
                self._held[holder].append(key)
            if key in self._first:
                if key not in above:
                    self._again.setdefault(key, []).append((holder, step))
                continue
            self._first[key] = (holder, step)
            self._kept.append(part)
            if not _is_changeable(part):
                self._held[key] = []
            above.add(key)
            stack.append((key, self._edges(part)))

    def _edges(self, value: object) -> Iterator[Edge]:
        fixed = self._fixed
        for step, part in itertools.chain(_parts(value), self._parts_of(value)):
            cls = type(part)
            if cls not in fixed:
                fixed[cls] = _is_fixed(cls)
            if not fixed[cls]:
                yield step, part

    def ways(self) -> list[tuple[str, ...]]:
        """Return the paths to what was found more than once and can be changed, or holds what can."""
        shared = [key for key in self._again if self._can_change(key)]
        return sorted(tuple(sorted(self._paths(key))) for key in shared)

    def _paths(self, key: int) -> Iterator[str]:
        for holder, step in (self._first[key], *self._again[key]):
            yield self._path(holder) + step

    def _path(self, key: int | None) -> str:
        steps: list[str] = []
        while key is not None:
            key, step = self._first[key]
            steps.append(step)
        return "".join(reversed(steps))

    def _can_change(self, key: int) -> bool:
        waiting, seen = [key], set[int]()
        while waiting:
            one = waiting.pop()
            if one not in self._held:
                return True
            if one not in seen:
                seen.add(one)
                waiting.extend(self._held[one])
        return False


def _is_fixed(cls: type) -> bool:
    """Say whether nothing can be changed in instances of a class, or found in them."""
    if cls in _FIXED:
        return True
    names = {type_name(base) for base in mro(cls)}
    root = type_name(cls).partition(".")[0]
    return root == "pyarrow" or any(base is enum.Enum for base in mro(cls)) or not names.isdisjoint(_FIXED_OF_LIBRARIES)


def _is_changeable(value: object) -> bool:
    cls = type(value)
    if cls is list or cls is dict:
        return True
    if cls is tuple or cls is frozenset:
        return False
    if issubclass(cls, tuple | frozenset) and not state_of(value):
        return False
    parameters = getattr(cls, "__dataclass_params__", None)
    return not (parameters is not None and parameters.frozen)


def _parts(value: object) -> Iterable[Edge]:
    """Return what a container, or an instance of a class of a person's, holds."""
    cls = type(value)
    if cls is list:
        yield from _numbered(value)  # type: ignore[arg-type]
        return
    if isinstance(value, dict):
        keys: list[Any] = list(dict.keys(value))
        items: list[Any] = list(dict.values(value))
        if set(map(type, keys)) - _FIXED:
            yield from ((".keys()", key) for key in keys)
        if set(map(type, items)) - _FIXED:
            yield from ((step_of(key), item) for key, item in zip(keys, items, strict=True))
    elif issubclass(cls, list | tuple | collections.deque):
        yield from _numbered(list(_PLAIN_ITER[_base(cls)](value)))
    elif issubclass(cls, set | frozenset):
        yield from (("{...}", member) for member in _PLAIN_ITER[_base(cls)](value))
    elif type_name(cls) == "numpy.ndarray":
        yield from _of_array(value, "")
    elif type_name(cls).startswith("pandas.") and hasattr(value, "columns") and hasattr(value, "iloc"):
        for place in range(len(value.columns)):
            yield from _of_array(value.iloc[:, place], f"[{place}]")
    elif type_name(cls).startswith("pandas.") and hasattr(value, "iloc"):
        yield from _of_array(value, "")
    else:
        yield from _of_library(value)
    if cls not in _BUILT_IN and (family(cls) is not None or _base(cls) is not None):
        yield from ((f".{name}", item) for name, item in sorted(state_of(value).items()))


def _of_library(value: Any) -> Iterator[Edge]:
    """Return what a person put into an object of a library: parts of a module, attributes of a graph, fields of a model."""
    bases = {type_name(base) for base in mro(type(value))}
    if "torch.nn.modules.module.Module" in bases:
        for held in ("_parameters", "_buffers", "_modules"):
            yield from ((f".{name}", part) for name, part in getattr(value, held).items())
    elif "networkx.classes.graph.Graph" in bases:
        yield ".graph", value.graph
        yield from ((f".nodes{step_of(node)}", about) for node, about in value.nodes(data=True))
        yield from ((f".edges[{place}]", edge[-1]) for place, edge in enumerate(value.edges(data=True)))
    elif "pydantic.main.BaseModel" in bases:
        yield from ((f".{name}", item) for name, item in sorted(state_of(value).items()))


def _of_array(values: Any, step: str) -> Iterator[Edge]:
    if getattr(values.dtype, "kind", "") == "O" and type(values.dtype).__module__.startswith("numpy"):
        cells = values if hasattr(values, "reshape") else values.to_numpy()
        yield from ((step + place, item) for place, item in _numbered(cells.reshape(-1).tolist()))


def _numbered(items: list[Any]) -> Iterable[Edge]:
    if set(map(type, items)) <= _FIXED:  # most long lists
        return ()
    return ((f"[{place}]", item) for place, item in enumerate(items))


_PLAIN_ITER: dict[Any, Any] = {
    base: base.__iter__ for base in (dict, list, tuple, set, frozenset, collections.deque, types.SimpleNamespace)
    if hasattr(base, "__iter__")
}  # fmt: skip
_BUILT_IN = frozenset(
    (dict, list, tuple, set, frozenset, collections.deque, collections.OrderedDict, collections.defaultdict, collections.Counter)
)  # fmt: skip


def _base(cls: type) -> type | None:
    """Return the built-in class whose content an instance has."""
    bases = (dict, list, tuple, set, frozenset, collections.deque, types.SimpleNamespace)
    return next((base for base in bases if issubclass(cls, base)), None)
