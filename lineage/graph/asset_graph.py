"""The graph of declared assets: steps, sources, checks, and who reads whom.

Pure and immutable. `build_graph` either returns a graph that can be planned or raises
one `DeclarationError` holding every problem of every declaration.
"""

from __future__ import annotations

import dataclasses
import heapq
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assetctl.assets.collect import Declared
from assetctl.assets.definition import AssetDef, AssetOptions, CheckDef, SourceDef
from assetctl.assets.errors import DeclarationError, Problem
from assetctl.assets.hints import did_you_mean
from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.assets.read_options import options_text
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.graph.bindings import Gathered, Read, parameters_of, read_signature

_TABLE_FORMS = frozenset((Form.ARROW, Form.PANDAS, Form.POLARS, Form.READER, Form.NUMPY))


@dataclass(frozen=True, slots=True)
class Binding:
    """An edge: a parameter that reads an upstream, or ("deps:KEY") an upstream that is waited for."""

    name: str
    upstream: AssetKey
    wanted: Wanted
    is_source: bool
    aliases: tuple[AssetKey, ...] = ()  # earlier names of the upstream
    options: str = ""  # how a source's file is read, where it is read as a table

    @property
    def target(self) -> Target:
        """What it reads, where that is the upstream as a whole."""
        return whole(self.upstream)

    @property
    def is_read(self) -> bool:
        return not self.name.startswith("deps:")

    @property
    def reads_table(self) -> bool:
        return self.is_read and (self.wanted.form in _TABLE_FORMS or bool(self.wanted.columns))

    @property
    def family(self) -> Form:
        """The form whose library reads a source's table for it: Arrow's, where none is asked for."""
        return self.wanted.form.family if self.wanted.form in _TABLE_FORMS else Form.ARROW


@dataclass(frozen=True, slots=True)
class Step:
    """One function call and the assets it produces. Its key is its first output's."""

    key: AssetKey
    outputs: tuple[AssetKey, ...]
    declaration: AssetDef
    bindings: tuple[Binding, ...]
    config: Mapping[str, Any]
    context: tuple[str, ...]
    where: str
    name: str
    former: Mapping[AssetKey, tuple[AssetKey, ...]] = field(default_factory=dict)  # names its outputs had, oldest first
    gathered: Mapping[str, Gathered] = field(default_factory=dict)  # what arrives together, by parameter

    @property
    def target(self) -> Target:
        """What the step is known by when it materializes its assets as a whole."""
        return whole(self.key)

    @property
    def targets(self) -> tuple[Target, ...]:
        """What it materializes, where that is its assets as a whole; in the order of `outputs`."""
        return tuple(map(whole, self.outputs))

    @property
    def first_names(self) -> tuple[AssetKey, ...]:
        """The oldest name of each output: what identity goes by, so that a new name changes nothing."""
        return tuple(self.former[key][0] if self.former.get(key) else key for key in self.outputs)

    @property
    def upstream(self) -> tuple[AssetKey, ...]:
        """Keys of everything it reads or waits for, each once, in declared order."""
        return tuple(dict.fromkeys(b.upstream for b in self.bindings))


@dataclass(frozen=True, slots=True)
class Check:
    """A check of one asset, by name; its own definition decides when its answer is reused."""

    name: str
    asset: AssetKey
    declaration: CheckDef
    where: str
    wanted: Wanted
    parameter: str


@dataclass(frozen=True, slots=True)
class AssetGraph:
    """`order` lists every key, sources included, upstreams first, ties by key."""

    steps: Mapping[AssetKey, Step]  # by asset key; all outputs of a step share it
    sources: Mapping[AssetKey, SourceDef]
    checks: Mapping[AssetKey, tuple[Check, ...]]
    order: tuple[AssetKey, ...]
    where: Mapping[AssetKey, str]
    downstream: Mapping[AssetKey, tuple[AssetKey, ...]] = field(default_factory=dict)

    def upstream(self, key: AssetKey) -> tuple[AssetKey, ...]:
        step = self.steps.get(key)
        return step.upstream if step is not None else ()

    def ancestry(self, keys: Iterable[AssetKey]) -> frozenset[AssetKey]:
        """Return the keys, all their upstreams, and the other outputs of every step among them."""
        reached: set[AssetKey] = set()
        waiting = list(keys)
        while waiting:
            key = waiting.pop()
            if key in reached:
                continue
            reached.add(key)
            step = self.steps.get(key)
            if step is not None:
                waiting.extend(step.outputs)
                waiting.extend(step.upstream)
        return frozenset(reached)


def build_graph(declared: Sequence[Declared]) -> AssetGraph:
    """Bind declarations to one another.

    Raises:
        DeclarationError: with every unknown upstream, duplicate key, unusable signature
            and cycle found.
    """
    problems: list[Problem] = []
    where = _keys(declared, problems)
    sources = {d.key: d.declaration for d in declared if isinstance(d.declaration, SourceDef) and d.key is not None}
    steps: dict[AssetKey, Step] = {}
    for item in declared:
        if isinstance(item.declaration, AssetDef):
            step = _step(item, item.declaration, where, sources, problems)
            steps.update({key: step for key in step.outputs if key not in steps})
    steps = _with_aliases(steps, {})
    checks = _checks(declared, where, problems)
    order = _order(steps, sources, where, problems)
    if problems:
        raise DeclarationError(*problems)
    downstream: dict[AssetKey, list[AssetKey]] = {}
    for key in order:
        for upstream in steps[key].upstream if key in steps else ():
            downstream.setdefault(upstream, []).append(key)
    return AssetGraph(steps, sources, checks, order, where, {k: tuple(v) for k, v in downstream.items()})


def with_former_names(graph: AssetGraph, recorded: Mapping[AssetKey, tuple[AssetKey, ...]]) -> AssetGraph:
    """Return the graph with the names that were recorded for its assets, besides the aliases that are declared."""
    return dataclasses.replace(graph, steps=_with_aliases(graph.steps, recorded)) if recorded else graph


def keys_of(item: Declared) -> tuple[AssetKey, ...]:
    """Return the asset keys a declaration stands for."""
    if isinstance(item.declaration, AssetDef) and item.declaration.options.outs:
        return tuple(AssetKey(out) for out in item.declaration.options.outs)
    return () if item.key is None else (item.key,)


def _keys(declared: Sequence[Declared], problems: list[Problem]) -> dict[AssetKey, str]:
    where: dict[AssetKey, str] = {}
    for item in declared:
        for key in keys_of(item):
            if key in where:
                problems.append(
                    Problem(
                        "duplicate-asset",
                        f"asset `{key}` is declared twice",
                        (("first", where[key]), ("again", item.where)),
                        "rename one of the functions, or give one of them `key=...`",
                    )
                )
            where.setdefault(key, item.where)
    return where


def _step(
    item: Declared,
    declaration: AssetDef,
    where: Mapping[AssetKey, str],
    sources: Mapping[AssetKey, SourceDef],
    problems: list[Problem],
) -> Step:
    outputs = keys_of(item)
    signature = read_signature(declaration.compute, declaration.options, where.keys())
    problems.extend(_located(problem, item) for problem in signature.problems)
    bindings = [_read_binding(read, sources) for read in signature.reads]
    for dependency in declaration.options.deps:
        key = _dependency_key(dependency, item, where, problems)
        if key is not None and f"deps:{key}" not in {b.name for b in bindings}:
            bindings.append(Binding(f"deps:{key}", key, Wanted(), key in sources))
    return Step(
        key=outputs[0],
        outputs=outputs,
        declaration=declaration,
        bindings=tuple(bindings),
        config=signature.config,
        context=signature.context,
        where=item.where,
        name=item.name,
        gathered=signature.gathered,
    )


def _with_aliases(
    steps: Mapping[AssetKey, Step], recorded: Mapping[AssetKey, tuple[AssetKey, ...]]
) -> dict[AssetKey, Step]:
    """Tell every binding the earlier names of its upstream, so that renaming one changes no reader.

    A step gets those of its outputs; declared aliases count only where there is a single output.
    """
    earlier = {k: tuple(map(AssetKey, s.declaration.options.aliases)) for k, s in steps.items()}
    former = {k: _merged(earlier.get(k, ()), recorded.get(k, ())) for k in earlier.keys() | recorded.keys()}
    if not any(former.values()):
        return dict(steps)
    known: dict[AssetKey, Step] = {}
    for step in {s.key: s for s in steps.values()}.values():
        bindings = tuple(dataclasses.replace(b, aliases=former.get(b.upstream, ())) for b in step.bindings)
        names = recorded if step.declaration.options.outs else former
        own = {key: names[key] for key in step.outputs if names.get(key)}
        is_same = own == step.former and all(
            b.aliases == w.aliases for b, w in zip(bindings, step.bindings, strict=True)
        )
        renamed = step if is_same else dataclasses.replace(step, bindings=bindings, former=own)
        known.update(dict.fromkeys(step.outputs, renamed))
    return known


def _merged(declared: tuple[AssetKey, ...], recorded: tuple[AssetKey, ...]) -> tuple[AssetKey, ...]:
    """Return all names, oldest first; declared names that were never recorded come before the recorded ones."""
    return (*(name for name in declared if name not in recorded), *recorded)


def _read_binding(read: Read, sources: Mapping[AssetKey, SourceDef]) -> Binding:
    is_source = read.upstream in sources
    wanted = read.wanted
    if is_source and not wanted.columns and wanted.form is Form.STORED:
        wanted = Wanted(Form.PATH)
    elif is_source and wanted.columns and wanted.form is Form.STORED:
        wanted = Wanted(Form.ARROW, wanted.columns)
    binding = Binding(read.parameter, read.upstream, wanted, is_source)
    if is_source and binding.reads_table:
        options = options_text(sources[read.upstream].options)
        return replace(binding, options=options) if options else binding
    return binding


def _dependency_key(
    dependency: object, item: Declared, where: Mapping[AssetKey, str], problems: list[Problem]
) -> AssetKey | None:
    text = dependency if isinstance(dependency, str) else getattr(dependency, "__name__", str(dependency))
    key = AssetKey(text) if isinstance(dependency, str) else AssetKey.from_name(text)
    if key in where:
        return key
    problem = Problem("unknown-upstream", f"waits for `{key}`, which is not declared", hint=_nearest(key, where))
    problems.append(_located(problem, item))
    return None


def _nearest(name: str, where: Mapping[AssetKey, str]) -> str:
    return did_you_mean(name, where) or "declare it, or take it out here"


def _located(problem: Problem, item: Declared) -> Problem:
    kind = "check" if isinstance(item.declaration, CheckDef) else "asset"
    label = item.key or item.name
    facts = (("declared in", item.where), *problem.facts)
    return replace(problem, message=f"{kind} `{label}` {problem.message}", facts=facts)


def _checks(
    declared: Sequence[Declared], where: Mapping[AssetKey, str], problems: list[Problem]
) -> dict[AssetKey, tuple[Check, ...]]:
    by_declaration = {id(d.declaration): d for d in declared}
    checks: dict[AssetKey, tuple[Check, ...]] = {}
    for item in declared:
        if not isinstance(item.declaration, CheckDef):
            continue
        target = item.declaration.asset
        if isinstance(target, str):
            keys: tuple[AssetKey, ...] = (AssetKey(target),) if AssetKey(target) in where else ()
        else:
            keys = keys_of(by_declaration[id(target)]) if id(target) in by_declaration else ()
        if len(keys) != 1:
            what = "is not a declared asset" if not keys else "has several outputs; name one by its key"
            name = getattr(target, "__name__", str(target))
            hint = 'a key is a text: `asset="key"`' if keys else _nearest(name, where)
            problems.append(_located(Problem("bad-check", f"asks about `{name}`, which {what}", hint=hint), item))
            continue
        check = _check(item, item.declaration, keys[0], problems)
        if check is not None:
            checks[keys[0]] = (*checks.get(keys[0], ()), check)
    return checks


def _check(item: Declared, declaration: CheckDef, key: AssetKey, problems: list[Problem]) -> Check | None:
    parameters = parameters_of(declaration.compute)
    open_ended = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    required = [n for n, p in parameters.items() if p.default is p.empty and p.kind not in open_ended]
    if len(required) != 1:
        problem = Problem(
            "bad-check",
            f"takes {len(required)} required parameters, a check takes one: the value of `{key}`",
            hint=f"write `def {item.name}({key.name}): ...`",
        )
        problems.append(_located(problem, item))
        return None
    options = AssetOptions(ins={required[0]: key})
    signature = read_signature(declaration.compute, options, (key,))
    wanted = signature.reads[0].wanted if signature.reads else Wanted()
    name = declaration.name or item.name
    return Check(name, key, declaration, item.where, wanted, required[0])


def _order(
    steps: Mapping[AssetKey, Step],
    sources: Mapping[AssetKey, SourceDef],
    where: Mapping[AssetKey, str],
    problems: list[Problem],
) -> tuple[AssetKey, ...]:
    """Return keys upstreams first, ties by key; report every asset on a cycle as one problem per cycle."""
    known = [*sources, *steps]
    waiting = {k: {u for u in steps[k].upstream if u in steps or u in sources} if k in steps else set() for k in known}
    readers: dict[AssetKey, list[AssetKey]] = {}
    for key, upstreams in waiting.items():
        for upstream in upstreams:
            readers.setdefault(upstream, []).append(key)
    ready = [key for key in known if not waiting[key]]
    heapq.heapify(ready)
    order: list[AssetKey] = []
    while ready:
        key = heapq.heappop(ready)
        order.append(key)
        for reader in readers.get(key, ()):
            waiting[reader].discard(key)
            if not waiting[reader]:
                heapq.heappush(ready, reader)
    left = {k: v for k, v in waiting.items() if v}
    while left:
        cycle = _cycle(left)
        problems.append(
            Problem(
                "cyclic-assets",
                f"assets depend on each other in a cycle: {' → '.join((*cycle, cycle[0]))}",
                tuple((key, where[key]) for key in cycle),
                "break it: remove one of these parameters, or split the asset",
            )
        )
        left = _without(left, cycle)
    return tuple(order)


def _cycle(waiting: Mapping[AssetKey, set[AssetKey]]) -> list[AssetKey]:
    """Follow upstreams from the smallest key until one repeats; data flows in the order returned."""
    key, path = min(waiting), [min(waiting)]
    while True:
        key = min(u for u in waiting[key] if u in waiting)
        if key in path:
            return list(reversed(path[path.index(key) :]))
        path.append(key)


def _without(waiting: Mapping[AssetKey, set[AssetKey]], cycle: list[AssetKey]) -> dict[AssetKey, set[AssetKey]]:
    """Drop a reported cycle and all that only waited for it; other cycles stay."""
    left = {k: {u for u in v if u not in cycle} for k, v in waiting.items() if k not in cycle}
    while True:
        done = {k for k, v in left.items() if not v}
        if not done:
            return left
        left = {k: {u for u in v if u not in done} for k, v in left.items() if k not in done}
