"""`judge` as a table: every reason by itself, their order, and the three verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assetctl.assets.ids import Target
from assetctl.lineage.deciding import reasons as r
from assetctl.lineage.deciding.provenance import provenance_of
from assetctl.lineage.deciding.staleness import Demand, Fresh, Memory, Served, Stale, Undecided, Verdict, judge
from assetctl.lineage.facts.records import (
    CheckRan,
    CodeVersion,
    ColumnDigest,
    DataVersion,
    Definition,
    Digest,
    Input,
    Inputs,
    MaterializationId,
    Materialized,
    Output,
    Pinned,
    Position,
    Purpose,
    RunId,
    StepFailed,
    Trace,
    ValueIdentity,
)
from assetctl.lineage.facts.snapshot import OutputState, Recorded

A, S = Target.parse("a"), Target.parse("s")
DEFINITION = Definition(Digest("def1"), CodeVersion("code1"), {"codec": "json"}, {"k": "1"}, {"numpy": "2.0"})
READS_A = Input("a", A, Digest("v1"), DataVersion("v1"))
READS_S = Input("s", S, Digest("s1"), DataVersion("s1"), is_source=True)
CURRENT = Inputs(DEFINITION, (READS_A, READS_S))


def recorded(inputs: Inputs = CURRENT, **changes: Any) -> Recorded:
    provenance = provenance_of(inputs)
    assert provenance is not None
    output = Output(Target.parse("x"), ValueIdentity(DataVersion("d1"), "json"), "json/1", None, 1)
    fact = Materialized(MaterializationId("m"), RunId("run"), Target.parse("x"), provenance, (output,), "2026", 1.0)
    return Recorded(Position(1, "seg"), replace(fact, **changes), output)


def changed(**parts: Any) -> Inputs:
    """Return the current inputs with another definition; its digest differs as it would."""
    return Inputs(replace(DEFINITION, digest=Digest("def2"), **parts), CURRENT.inputs)


FAILURE = StepFailed(RunId("run"), Target.parse("x"), provenance_of(CURRENT).digest, "ValueError", "no", "2026", 1.0)  # type: ignore[union-attr]
REFUSED = CheckRan(
    RunId("run"), Target.parse("x"), "ok", Digest("c"), DataVersion("d1"), False, True, "bad", {}, "2026"
)


@pytest.mark.parametrize(
    ("current", "memory", "demand", "expected"),
    [
        pytest.param(CURRENT, Memory(None), Demand(), (r.NeverMaterialized(),), id="never materialized"),
        pytest.param(
            changed(code=CodeVersion("code2")),
            Memory(recorded()),
            Demand(),
            (r.CodeChanged("code1", "code2"),),
            id="code",
        ),
        pytest.param(
            changed(spec={"codec": "csv"}),
            Memory(recorded()),
            Demand(),
            (r.BuildSpecChanged((r.Change("codec", "json", "csv"),)),),
            id="build spec",
        ),
        pytest.param(
            changed(config={"k": "true", "new": "2"}),
            Memory(recorded()),
            Demand(),
            (r.ConfigChanged((r.Change("k", "1", "true"), r.Change("new", None, "2"))),),
            id="config, also by type alone",
        ),
        pytest.param(
            changed(environment={}),
            Memory(recorded()),
            Demand(),
            (r.EnvironmentChanged((r.Change("numpy", "2.0", None),)),),
            id="environment",
        ),
        pytest.param(
            Inputs(DEFINITION, (READS_A,)),
            Memory(recorded()),
            Demand(),
            (r.UpstreamRemoved(S, "s"),),
            id="upstream removed",
        ),
        pytest.param(
            CURRENT,
            Memory(recorded(Inputs(DEFINITION, (READS_S,)))),
            Demand(),
            (r.UpstreamAdded(A, "a"),),
            id="upstream added",
        ),
        pytest.param(
            Inputs(DEFINITION, (replace(READS_A, version=Digest("v2"), data_version=DataVersion("v2")), READS_S)),
            Memory(recorded()),
            Demand(),
            (r.UpstreamChanged(A, "v1", "v2"),),
            id="upstream changed",
        ),
        pytest.param(
            Inputs(DEFINITION, (READS_A, replace(READS_S, version=Digest("s2"), data_version=DataVersion("s2")))),
            Memory(recorded()),
            Demand(),
            (r.SourceChanged(S, "s1", "s2"),),
            id="source changed",
        ),
        pytest.param(
            CURRENT,
            Memory(recorded(), OutputState.MISSING),
            Demand(wanted=True),
            (r.OutputMissing(),),
            id="output missing",
        ),
        pytest.param(
            CURRENT,
            Memory(recorded(), OutputState.CORRUPT),
            Demand(wanted=True),
            (r.OutputCorrupt(),),
            id="output corrupt",
        ),
        pytest.param(
            CURRENT,
            Memory(recorded(trace=Trace.INPUT_CHANGED)),
            Demand(),
            (r.InputChangedDuringRun(),),
            id="input changed",
        ),
        pytest.param(
            CURRENT,
            Memory(recorded(trace=Trace.CODE_CHANGED)),
            Demand(),
            (r.InputChangedDuringRun(in_code=True),),
            id="captured value changed",
        ),
        pytest.param(
            CURRENT,
            Memory(recorded(), failure=FAILURE),
            Demand(),
            (r.LastAttemptFailed("ValueError", "no", "2026"),),
            id="last attempt failed",
        ),
        pytest.param(
            CURRENT, Memory(recorded(), failed_checks=(REFUSED,)), Demand(), (r.CheckFailed("ok", "bad"),), id="check"
        ),
        pytest.param(CURRENT, Memory(recorded()), Demand(forced=True), (r.Forced(),), id="forced"),
        pytest.param(
            CURRENT,
            Memory(recorded()),
            Demand(undecidable=("x.py:1 LOG",)),
            (r.Undecidable(("x.py:1 LOG",)),),
            id="undecidable",
        ),
    ],
)
def test_each_reason(current, memory, demand, expected):
    assert judge(current, memory, demand) == Stale(expected)


def test_nothing_different_is_fresh():
    assert judge(CURRENT, Memory(recorded()), Demand()) == Fresh()


def test_a_missing_output_nobody_wants_is_fresh():
    assert judge(CURRENT, Memory(recorded(), OutputState.MISSING), Demand()) == Fresh()


def test_a_failure_on_other_inputs_does_not_count():
    other = replace(FAILURE, provenance=provenance_of(changed(config={})).digest)  # type: ignore[union-attr]
    assert judge(CURRENT, Memory(recorded(), failure=other), Demand()) == Fresh()


def test_an_unknown_upstream_is_undecided_and_lists_all_it_waits_for():
    unknown = tuple(replace(i, version=None, data_version=None) for i in CURRENT.inputs)
    verdict: Verdict = judge(Inputs(DEFINITION, unknown), Memory(recorded()), Demand())
    assert verdict == Undecided((A, S))


def test_a_known_difference_wins_over_an_unknown_upstream():
    current = Inputs(
        changed(config={"k": "2"}).definition, (replace(READS_A, version=None, data_version=None), READS_S)
    )
    assert isinstance(judge(current, Memory(recorded()), Demand()), Stale)


def test_all_reasons_are_reported_in_the_fixed_order():
    current = Inputs(
        replace(DEFINITION, digest=Digest("d2"), code=CodeVersion("c2"), spec={}, config={}, environment={}),
        (
            replace(READS_A, name="new"),
            replace(READS_S, version=Digest("s2")),
        ),
    )
    memory = Memory(
        recorded(trace=Trace.INPUT_CHANGED), OutputState.MISSING, failed_checks=(REFUSED,), observed_changed=("x.yaml",)
    )
    verdict = judge(current, memory, Demand(forced=True, wanted=True, undecidable=("x",)))
    assert isinstance(verdict, Stale)
    order = list(r.KINDS)
    places = [order.index(type(reason)) for reason in verdict.reasons]
    assert places == sorted(places) and len(places) == 13


def test_changed_columns_are_named_where_both_versions_are_known():
    def table(version: str, **columns: str) -> ValueIdentity:
        digests = tuple(ColumnDigest(n, "int64", Digest(d)) for n, d in columns.items())
        return ValueIdentity(DataVersion(version), "arrow.Table", 3, digests)

    new = replace(READS_A, version=Digest("v2"), data_version=DataVersion("v2"))
    verdict = judge(
        Inputs(DEFINITION, (new, READS_S)),
        Memory(recorded(), columns={(A, DataVersion("v1")): table("v1", x="1", y="1")}),
        Demand(),
        {(A, DataVersion("v2")): table("v2", x="1", y="2", z="3")},
    )
    assert verdict == Stale((r.UpstreamChanged(A, "v1", "v2", ("y", "z")),))


PIN = Pinned(Target.parse("x"), MaterializationId("m"), DataVersion("d1"), Purpose.SERVE, "2026-02-01", "why")
EDITED = changed(code=CodeVersion("code2"))
OTHER = replace(PIN, data_version=DataVersion("d0"))
WANTED = Demand(wanted=True)


@pytest.mark.parametrize(
    ("current", "memory", "demand", "expected"),
    [
        pytest.param(CURRENT, Memory(recorded(), pin=PIN), Demand(), Fresh(Served(PIN, ())), id="as it was"),
        pytest.param(
            EDITED,
            Memory(recorded(), pin=PIN),
            Demand(undecidable=("p.py:1 x",)),
            Fresh(Served(PIN, (r.CodeChanged("code1", "code2"), r.Undecidable(("p.py:1 x",))))),
            id="edited",
        ),
        pytest.param(
            Inputs(DEFINITION, (replace(READS_A, version=None, data_version=None), READS_S)),
            Memory(recorded(), pin=PIN),
            Demand(),
            Fresh(Served(PIN, ())),
            id="upstream not known yet",
        ),
        pytest.param(
            CURRENT,
            Memory(recorded(), failed_checks=(REFUSED,), pin=PIN),
            Demand(),
            Fresh(Served(PIN, (r.CheckFailed("ok", "bad"),))),
            id="a check says no",
        ),
        pytest.param(
            EDITED, Memory(recorded(), OutputState.MISSING, pin=PIN), WANTED, Stale((r.OutputMissing(),)), id="missing"
        ),
        pytest.param(
            CURRENT, Memory(recorded(), OutputState.CORRUPT, pin=PIN), WANTED, Stale((r.OutputCorrupt(),)), id="corrupt"
        ),
        pytest.param(
            CURRENT,
            Memory(recorded(), OutputState.MISSING, pin=PIN),
            Demand(),
            Fresh(Served(PIN, (), OutputState.MISSING)),
            id="missing, and not wanted",
        ),
        pytest.param(
            CURRENT,
            Memory(recorded(), pin=OTHER),
            Demand(),
            Stale((r.PinNotPublished("d0", "d1"),)),
            id="another since",
        ),
        pytest.param(
            CURRENT, Memory(None, pin=PIN), Demand(), Stale((r.PinNotPublished("d1", "nothing"),)), id="nothing there"
        ),
    ],
)
def test_a_pin_is_part_of_the_verdict(current: Inputs, memory: Memory, demand: Demand, expected: Verdict) -> None:
    assert judge(current, memory, demand) == expected


@pytest.mark.parametrize("kind", list(r.KINDS), ids=list(r.KINDS.values()))
def test_every_reason_has_a_sentence_and_json(kind):
    values: dict[str, Any] = {
        "changes": (r.Change("k", "1", None),),
        "columns": ("x",),
        "what": ("x.py:1 f",),
        "kinds": ("file",),
        "in_code": False,
    }
    fields = {name: values.get(name, "text") for name in getattr(kind, "__dataclass_fields__", {})}
    reason = kind(**fields)
    assert r.describe(reason)
    assert r.to_json(reason)["kind"] == r.KINDS[kind]
