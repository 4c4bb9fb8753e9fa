"""Say which assets a selection means: parse its text, then resolve it against a graph.

Pure. What a selection needs to know about stored data (`stale`, `failed`, `missing`) is
asked for only when a term needs it, through the function handed in. Every term that
names nothing is reported, all at once; a state that holds for no asset is no mistake.

    name:stale                                         an asset by its name, even if that is a word of this grammar
    model  +model  model+  2+model  model+2  +model+   names, with upstreams and downstreams
    @model                                             downstreams, and everything those need
    stg_*  raw/*                                       globs; `*` also matches `/`
    tag:tier=gold  tag:tier  group:g  owner:o          what a declaration says
    kind:source  kind:asset  kind:K                    sources, computed assets, a declared kind
    path:pipeline/features.py                          the file, folder or glob it is declared in
    stale  failed  missing  state:fresh                what a plan says now
    a b   means either; a,b means both
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from assetctl.assets.definition import AssetOptions, SourceDef
from assetctl.assets.errors import Problem, SelectionError
from assetctl.assets.hints import similar, suggestion
from assetctl.assets.ids import AssetKey
from assetctl.lineage.graph.asset_graph import AssetGraph

States = Callable[[], Mapping[AssetKey, Collection[str]]]

STATES = ("stale", "failed", "missing")  # may be written alone
EVERY_STATE = ("fresh", "stale", "undecided", "failed", "missing", "restorable", "held", "pinned")
METHODS = ("name", "tag", "group", "kind", "owner", "path", "state")

_ALL = -1  # every hop
_TERM = re.compile(r"(?P<at>@)?(?:(?P<up>\d*)\+)?(?P<body>.+?)(?:\+(?P<down>\d*))?", re.DOTALL)
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Term:
    """One term. `method` is one of `METHODS`, "name" if none is written; `up` and `down` count hops, -1 means all of them."""

    text: str
    method: str
    value: str
    up: int = 0
    down: int = 0
    is_at: bool = False


def parse(selection: Sequence[str]) -> tuple[tuple[Term, ...], ...]:
    """Return a union of intersections of terms.

    Raises:
        SelectionError: with every term that cannot be read.
    """
    problems: list[Problem] = []
    union = []
    if any(not argument.strip() for argument in selection):
        problems.append(Problem("bad-selection", "a selection is empty", hint="omit it to select everything"))
    for word in (word for argument in selection for word in argument.split()):
        terms = [_parse_term(text, word, problems) for text in word.split(",")]
        union.append(tuple(term for term in terms if term is not None))
    if problems:
        raise SelectionError(*problems)
    return tuple(union)


def resolve(
    graph: AssetGraph, selection: Sequence[str], exclude: Sequence[str], states: States
) -> tuple[AssetKey, ...]:
    """Return the keys that a selection means, in graph order; an empty one means every key.

    Raises:
        SelectionError: with every term that cannot be read or names nothing.
    """
    problems: list[Problem] = []
    world = _World(graph, states)
    chosen = _evaluate(world, selection, problems)
    left_out = _evaluate(world, exclude, problems)
    if problems:
        raise SelectionError(*problems)
    keys = set(graph.order) if chosen is None else chosen
    return tuple(key for key in graph.order if key in keys and key not in (left_out or ()))


def upstreams(graph: AssetGraph, keys: Iterable[AssetKey], n_hops: int = _ALL) -> set[AssetKey]:
    """Return the keys and what they read, up to a number of hops (-1: all)."""
    return _spread(keys, graph.upstream, n_hops)


def downstreams(graph: AssetGraph, keys: Iterable[AssetKey], n_hops: int = _ALL) -> set[AssetKey]:
    """Return the keys and what reads them, up to a number of hops (-1: all)."""
    return _spread(keys, lambda key: graph.downstream.get(key, ()), n_hops)


class _World:
    """A graph, and the states of its assets once a term asks for them."""

    def __init__(self, graph: AssetGraph, states: States) -> None:
        self.graph = graph
        self._ask = states
        self._states: Mapping[AssetKey, Collection[str]] | None = None

    def in_state(self, state: str) -> set[AssetKey]:
        if self._states is None:
            self._states = self._ask()
        return {key for key, held in self._states.items() if state in held}

    def options(self, key: AssetKey) -> AssetOptions | SourceDef:
        return self.graph.sources[key] if key in self.graph.sources else self.graph.steps[key].declaration.options

    def values(self, method: str) -> dict[str, set[AssetKey]]:
        """Return what a method can be asked for, and the keys each value stands for."""
        keys_by_value: dict[str, set[AssetKey]] = {}
        for key in self.graph.order:
            for value in self._values_of(key, method):
                keys_by_value.setdefault(value, set()).add(key)
        return keys_by_value

    def _values_of(self, key: AssetKey, method: str) -> Iterable[str]:
        options = self.options(key)
        match method:
            case "tag":
                return [text for k, v in options.tags.items() for text in (k, f"{k}={v}")]
            case "group":
                return [options.group] if options.group else []
            case "owner":
                return options.owners
            case "kind":
                return ["source"] if isinstance(options, SourceDef) else ["asset", *options.kinds]
            case _:
                return [self.graph.where[key].rpartition(":")[0] or self.graph.where[key]]


def _parse_term(text: str, word: str, problems: list[Problem]) -> Term | None:
    match = _TERM.fullmatch(text)
    if match is None or match["body"].strip("@+") == "":
        hint = (
            "write `a,b` for what is in both, `a b` for either" if "," in word else "write it as `+model` or `model+`"
        )
        problems.append(Problem("bad-selection", f"selection `{word}` names no asset", hint=hint))
        return None
    up, down = _hops(match["up"]), _hops(match["down"])
    if match["at"] and (up or down):
        problems.append(
            Problem(
                "bad-selection", f"selection `{text}` uses `@` together with `+`", hint="`@` already reaches both ways"
            )
        )
        return None
    method, colon, value = match["body"].partition(":")
    if not colon:
        return Term(text, "name", match["body"], up, down, bool(match["at"]))
    flaw = _flaw(method, value, text)
    if flaw is not None:
        problems.append(flaw)
        return None
    return Term(text, method, value, up, down, bool(match["at"]))


def _hops(text: str | None) -> int:
    if text is None:
        return 0
    return int(text) if text else _ALL


def _flaw(method: str, value: str, text: str) -> Problem | None:
    if method not in METHODS:
        known = ", ".join(f"{m}:" for m in METHODS)
        hint = suggestion(f"{near}:{value}" for near in similar(method, METHODS))
        return Problem("bad-selection", f"selection `{text}`: there is no `{method}:`", (("known", known),), hint)
    if not value:
        return Problem("bad-selection", f"selection `{text}` names no {method}", hint=f"write it as `{method}:NAME`")
    if method == "state" and value not in EVERY_STATE:
        return Problem(
            "bad-selection", f"selection `{text}`: there is no state `{value}`", (("known", ", ".join(EVERY_STATE)),)
        )
    return None


def _evaluate(world: _World, selection: Sequence[str], problems: list[Problem]) -> set[AssetKey] | None:
    """Return the keys of a selection, None if it has no term."""
    try:
        union = parse(selection)
    except SelectionError as error:
        problems.extend(error.problems)
        return None
    if not union:
        return None
    keys: set[AssetKey] = set()
    for intersection in union:
        both = set(world.graph.order)
        for term in intersection:
            both &= _reach(world.graph, term, _matches(world, term, problems))
        keys |= both
    return keys


def _reach(graph: AssetGraph, term: Term, matched: set[AssetKey]) -> set[AssetKey]:
    if term.is_at:
        return upstreams(graph, downstreams(graph, matched))
    return upstreams(graph, matched, term.up) | downstreams(graph, matched, term.down)


def _spread(
    keys: Iterable[AssetKey], neighbours: Callable[[AssetKey], Iterable[AssetKey]], n_hops: int
) -> set[AssetKey]:
    reached = set(keys)
    edge = set(reached)
    while edge and n_hops != 0:
        edge = {n for key in edge for n in neighbours(key)} - reached
        reached |= edge
        n_hops -= 1
    return reached


def _matches(world: _World, term: Term, problems: list[Problem]) -> set[AssetKey]:
    if term.method == "state":
        return world.in_state(term.value)
    if term.method == "name":
        return _named(world, term, problems)
    values = world.values(term.method)
    if term.method == "path":
        matches = {key for path, keys in values.items() if _is_under(path, term.value) for key in keys}
    else:
        matches = {key for value, keys in values.items() if fnmatchcase(value, term.value) for key in keys}
    if not matches:
        problems.append(_nothing(term, values))
    return matches


def _named(world: _World, term: Term, problems: list[Problem]) -> set[AssetKey]:
    keys = world.graph.where
    if term.value in keys:
        if term.value in STATES and not term.text.lstrip("@+0123456789").startswith("name:"):
            problems.append(_two_meanings(term.value))
        return {AssetKey(term.value)}
    if term.value in STATES:
        return world.in_state(term.value)
    if _GLOB.search(term.value):
        matches = {key for key in keys if fnmatchcase(key, term.value)}
        if not matches:
            problems.append(
                Problem("nothing-selected", f"no asset matches `{term.value}`", hint="list them with `assetctl ls`")
            )
        return matches
    problems.append(_unknown(term.value, keys))
    return set()


def _two_meanings(word: str) -> Problem:
    return Problem(
        "bad-selection",
        f"`{word}` is the name of an asset, and means every asset in that state",
        hint=f"write `name:{word}` for the asset, `state:{word}` for the state",
    )


def _unknown(name: str, keys: Iterable[str]) -> Problem:
    known = sorted(keys)
    near = similar(name, [*known, *STATES], limit=3)
    # The part after the last `/` is what people remember of a nested key.
    near = near or [key for key in known if key.rpartition("/")[2] == name][:3]
    hint = suggestion(near) or "list them with `assetctl ls`"
    return Problem("unknown-asset", f"there is no asset `{name}`", hint=hint)


def _nothing(term: Term, values: Mapping[str, set[AssetKey]]) -> Problem:
    shown = ", ".join(sorted(values)[:8]) + (", ..." if len(values) > 8 else "")
    what = {"path": "declared in", "owner": "owned by"}.get(term.method, f"of {term.method}")
    return Problem(
        "nothing-selected",
        f"no asset is {what} `{term.value}`",
        ((f"{term.method}s", shown or "none are declared"),),
        suggestion(f"{term.method}:{near}" for near in similar(term.value, values)),
    )


def _is_under(path: str, asked: str) -> bool:
    asked = asked.removeprefix("./")
    return fnmatchcase(path, asked) or path == asked or path.startswith(asked.rstrip("/") + "/")
