"""Plans of literals for the tests that show them."""

from __future__ import annotations

from assetctl.assets.collect import Declared
from assetctl.assets.decorator import asset
from assetctl.assets.definition import SourceDef, SourceShape
from assetctl.assets.ids import Target
from assetctl.lineage.deciding.decide import Action, StepDecision
from assetctl.lineage.deciding.plan import Plan, PlannedAsset
from assetctl.lineage.deciding.reasons import Change, CheckFailed, CodeChanged, ConfigChanged, UpstreamChanged
from assetctl.lineage.deciding.staleness import Fresh, Stale, Undecided, Verdict
from assetctl.lineage.facts.records import CodeVersion, Definition, Digest, Inputs
from assetctl.lineage.graph.asset_graph import AssetGraph, build_graph

DEFINITION = Definition(Digest("b3:0"), CodeVersion("b3:1"), {}, {}, {})


def shop() -> AssetGraph:
    """orders.csv → clean → (train, test) → model → report; customers stands alone."""

    def clean(orders): ...
    def split(clean): ...
    def model(train): ...
    def report(model, test): ...
    def customers(): ...
    def totals(clean): ...

    def declared(key, declaration):
        return Declared(Target.parse(key) if key else None, declaration, "shop.py:1", key or "split")

    return build_graph(
        [
            declared("orders", SourceDef("orders.csv", SourceShape.FILE)),
            declared("clean", asset(clean)),
            declared(None, asset(split, outs=["train", "test"])),
            declared("model", asset(model)),
            declared("report", asset(report)),
            declared("customers", asset(customers)),
            declared("totals", asset(totals)),
        ]
    )


def planned(
    graph: AssetGraph, key: str, verdict: Verdict, action: Action, checks: tuple[str, ...] = ()
) -> PlannedAsset:
    step = graph.steps[Target.parse(key)]
    decision = StepDecision(step, action, {Target.parse(key): verdict}, Inputs(DEFINITION, ()), None, None, {})
    return PlannedAsset(Target.parse(key), verdict, action, action is Action.RESTORE, checks, decision)


def busy_plan() -> Plan:
    """One step of each kind."""
    graph = shop()
    clean, train, test = Target.parse("clean"), Target.parse("train"), Target.parse("test")
    return Plan(
        (
            planned(graph, "customers", Fresh(), Action.KEEP, ("no_nulls",)),
            planned(
                graph,
                "clean",
                Stale(
                    (CodeChanged("b3:a", "b3:b"), ConfigChanged((Change("limit", "1", "2"),)), CheckFailed("c", "m"))
                ),
                Action.RUN,
            ),
            planned(graph, "train", Undecided((clean,)), Action.MAYBE),
            planned(graph, "test", Undecided((clean,)), Action.MAYBE),
            planned(graph, "model", Stale((UpstreamChanged(train, "b3:a", "b3:b", ("x", "y")),)), Action.RESTORE),
            planned(graph, "report", Undecided((test,)), Action.MAYBE),
            planned(graph, "totals", Fresh(), Action.KEEP),
        )
    )


def fresh_plan() -> Plan:
    graph = shop()
    return Plan(tuple(planned(graph, key, Fresh(), Action.KEEP) for key in ("clean", "model")))


def held_plan() -> Plan:
    graph = shop()
    return Plan((planned(graph, "model", Stale((CheckFailed("no_nulls", "3 nulls"),)), Action.HELD),))
