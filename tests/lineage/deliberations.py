"""One small graph, and what may be known of it, as literals.

Source `s` → `a` → one step that makes both `x` and `y` → `b`, which reads `y`. `w` waits for `a`, and
`c` reads `w` and `y`.
Every asset holds "1" where nothing else is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from assetctl.assets.collect import Declared
from assetctl.assets.decorator import asset
from assetctl.assets.definition import SourceDef, SourceShape
from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.lineage.deciding.decide import Deliberation, Identified, Observation, Question, Request, StepDecision
from assetctl.lineage.deciding.provenance import provenance_of, resolve_inputs
from assetctl.lineage.facts.records import (
    BlobDigest,
    CheckRan,
    CodeIdentity,
    CodeVersion,
    Definition,
    Digest,
    Inputs,
    Materialized,
    Output,
    Pinned,
    Position,
    ProvenanceDigest,
    StepFailed,
    ValueIdentity,
)
from assetctl.lineage.facts.snapshot import OutputState, Recorded, Snapshot
from assetctl.lineage.graph.asset_graph import AssetGraph, Step, build_graph
from tests.storage import facts

S, A, X, Y, B, W, C = (Target.parse(name) for name in "saxybwc")
THEN = "then"  # the code version of an earlier format, which means what "v1" means


def _graph() -> AssetGraph:
    def a(s): ...
    def split(a): ...
    def b(y): ...
    def w(): ...
    def c(w, y): ...

    return build_graph(
        [
            Declared(S.asset, SourceDef("s.csv", SourceShape.FILE), "house.py:1", "s"),
            Declared(A.asset, asset(a), "house.py:2", "a"),
            Declared(None, asset(split, outs=["x", "y"]), "house.py:3", "split"),
            Declared(B.asset, asset(b), "house.py:4", "b"),
            Declared(W.asset, asset(w, deps=["a"]), "house.py:5", "w"),
            Declared(C.asset, asset(c), "house.py:6", "c"),
        ]
    )


GRAPH = _graph()
_STEPS = (A, X, B, W, C)


def step(key: str) -> Step:
    return GRAPH.steps[AssetKey(key)]


def decide(asked: Deliberation, of: Step) -> StepDecision:
    return asked.decide(of)


def by_provenance(made: Iterable[Materialized]) -> dict[tuple[Target, ProvenanceDigest], Materialized]:
    """Materializations as traces; of equal provenance the last counts."""
    return {(m.step, m.provenance.digest): m for m in made}


def identities(outputs: Iterable[Output]) -> dict[Target, ValueIdentity | None]:
    """What readers get of these outputs."""
    return {output.target: output.value for output in outputs}


def definition(code: str = "v1") -> Definition:
    return Definition(facts.digest(f"definition {code}"), CodeVersion(code), {}, {}, {})


def class_code(name: str) -> Digest:
    return facts.digest("code of a class")


def output(asset_key: str, text: str = "1") -> Output:
    """An output whose bytes are no other asset's, though the data may be."""
    return replace(facts.output(asset_key, text), blob=BlobDigest(facts.digest(f"blob {asset_key} {text}")))


def made(key: str, text: str = "1", *, code: str = "v1", reads: Mapping[str, str] | None = None, **other: Any):
    """What a step made: all its outputs hold `text`; `reads` says what its upstreams held."""
    by = step(key)
    values = {whole(upstream): facts.value((reads or {}).get(upstream, "1")) for upstream in by.upstream}
    provenance = provenance_of(Inputs(definition(code), resolve_inputs(by.bindings, values, {}, class_code)))
    outputs = tuple(output(of, text) for of in by.outputs)
    return replace(facts.made(by.key, text, of=code, outputs=outputs), provenance=provenance, **other)


EVERYTHING = tuple(made(key) for key in _STEPS)


def deliberation(
    *recorded: Materialized,
    traces: Iterable[Materialized] = (),
    failures: Iterable[StepFailed] = (),
    answers: Iterable[CheckRan] = (),
    pins: Iterable[Pinned] = (),
    states: Mapping[str, OutputState] | None = None,
    settled: Mapping[str, str] | None = None,
    sources: Mapping[str, str] | None = None,
    code: Mapping[str, CodeIdentity] | None = None,
    checks: Mapping[str, Collection[str]] | None = None,
    scope: Collection[str] = "saxybwc",
    named: Collection[str] = (),
    forced: Collection[str] = (),
    gone: Collection[str] = (),
    used: Mapping[str, Digest] | None = None,
) -> Deliberation:
    """A deliberation over records in this order; readers get what is `settled`, and nothing else is yet.

    `code` is the code of steps that are not at "v1", `checks` names the checks of assets, `used`
    holds the digests that undeclared files have now.
    """
    latest = {o.target: Recorded(Position(n, "s"), m, o) for n, m in enumerate(recorded, 1) for o in m.outputs}
    question = Question(
        graph=GRAPH,
        request=Request(_targets(scope), _targets(named), _targets(forced)),
        identified={key.asset: _identified(key, code or {}, checks or {}) for key in _STEPS},
        observed={S: Observation(facts.value((sources or {}).get("s", "1")), 1)},
        snapshot=Snapshot(
            latest=latest,
            failures={f.step: f for f in failures},
            checks={(ran.definition, ran.data_version): ran for ran in answers},
            pins={pin.target: pin for pin in pins},
        ),
        states={Target.parse(key): state for key, state in (states or {}).items()},
        class_code=class_code,
        current_digest=lambda undeclared: (used or {}).get(undeclared.name),
    )
    asked = Deliberation(question, by_provenance(traces))
    asked.known.missed_outside(_targets(gone))
    asked.known.deliver(identities(output(key, text) for key, text in (settled or {}).items()))
    return asked


def _targets(keys: Collection[str]) -> frozenset[Target]:
    return frozenset(map(Target.parse, keys))


def _identified(key: str, code: Mapping[str, CodeIdentity], checks: Mapping[str, Collection[str]]) -> Identified:
    by_asset = {o: {n: facts.digest(f"check {n}") for n in checks.get(o, ())} for o in step(key).outputs}
    its = code.get(key, CodeIdentity(CodeVersion("v1")))
    former = (definition(THEN).digest,) if its.version == "v1" else ()
    return Identified(its, definition(its.version), by_asset, former)
