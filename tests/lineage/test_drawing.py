"""Lineage pictures: what they say about each asset, in every format, as text."""

from __future__ import annotations

import pytest

from assetctl.assets.collect import Declared
from assetctl.assets.decorator import asset
from assetctl.assets.definition import SourceDef, SourceShape
from assetctl.assets.ids import AssetKey
from assetctl.lineage.deciding.decide import Action, StepDecision
from assetctl.lineage.deciding.plan import Plan, PlannedAsset
from assetctl.lineage.deciding.reasons import (
    Change,
    CodeChanged,
    ConfigChanged,
    NeverMaterialized,
    ObservedChanged,
    OutputMissing,
    SourceChanged,
    UpstreamChanged,
)
from assetctl.lineage.deciding.staleness import Fresh, Stale, Undecided
from assetctl.lineage.facts.records import CodeVersion, Definition, Digest, Inputs, Undeclared
from assetctl.lineage.graph.asset_graph import build_graph
from assetctl.lineage.pictures.drawing import LineageView, state_of, view_lineage
from assetctl.lineage.pictures.nodes import LOOKS, Node


def _graph():
    def clean(flights): ...
    def features(clean): ...
    def model(features): ...
    def report(model): ...

    def declared(key, declaration):
        return Declared(AssetKey(key), declaration, f"pipeline.py:{len(key)}", key)

    return build_graph(
        [
            declared("flights", SourceDef("flights.csv", SourceShape.FILE, group="raw")),
            declared("clean", asset(clean, group='prep "<1>"')),
            declared("features", asset(features, group='prep "<1>"')),
            declared("model", asset(model)),
            declared("report", asset(report)),
        ]
    )


GRAPH = _graph()
_DEFINITION = Definition(Digest("b3:0"), CodeVersion("b3:1"), {}, {}, {})


def planned(key, verdict, action) -> PlannedAsset:
    step = GRAPH.steps[AssetKey(key)]
    decision = StepDecision(step, action, {step.key: verdict}, Inputs(_DEFINITION, ()), None, None, {})
    return PlannedAsset(step.key, verdict, action, action is Action.RESTORE, (), decision)


def stale(*reasons) -> Stale:
    return Stale(reasons)


PLAN = Plan(
    (
        planned("clean", stale(ConfigChanged((Change("limit", "1", '"</script>"'),)), SourceChanged(AssetKey("flights"), "a", "b", ("x",))), Action.RUN),
        planned("features", Undecided((AssetKey("clean"),)), Action.MAYBE),
        planned("model", Fresh(), Action.KEEP),
        planned("report", stale(NeverMaterialized()), Action.RUN),
    )
)  # fmt: skip


@pytest.fixture
def view() -> LineageView:
    return view_lineage(GRAPH, PLAN, GRAPH.order)


@pytest.mark.parametrize(
    ("verdict", "action", "state"),
    [
        (Fresh(), Action.KEEP, "fresh"),
        (Undecided((AssetKey("clean"),)), Action.MAYBE, "undecided"),
        (stale(CodeChanged("a", "b")), Action.RUN, "stale"),
        (stale(NeverMaterialized()), Action.RUN, "missing"),
        (stale(OutputMissing()), Action.RUN, "missing"),
        (stale(CodeChanged("a", "b")), Action.RESTORE, "restorable"),
        (stale(CodeChanged("a", "b")), Action.HELD, "held"),
    ],
)
def test_an_asset_has_one_state(verdict, action, state):
    assert state_of(planned("model", verdict, action)) == state
    assert state in LOOKS


def test_a_change_is_marked_where_it_happened_and_nowhere_else(view):
    assert {node.key for node in view.nodes if node.is_changed} == {"flights", "clean"}
    assert next(n for n in view.nodes if n.key == "flights").why == "content changed (x)"


def test_a_downstream_of_a_change_is_not_marked_itself():
    plan = Plan((planned("model", stale(UpstreamChanged(AssetKey("features"), "a", "b")), Action.RUN),))
    (node,) = [n for n in view_lineage(GRAPH, plan, GRAPH.order).nodes if n.key == "model"]
    assert (node.is_changed, node.why, node.lines) == (False, "upstream `features` changed", ("▲ stale",))


def test_a_view_holds_the_assets_asked_for_and_the_edges_among_them():
    view = view_lineage(GRAPH, None, [AssetKey("model"), AssetKey("flights"), AssetKey("clean")])
    assert [n.key for n in view.nodes] == ["flights", "clean", "model"]
    assert view.edges == (("flights", "clean"),)
    assert {n.state for n in view.nodes} == {"source", "unknown"}


@pytest.mark.parametrize(
    ("depth", "keys"),
    [(0, ["report"]), (1, ["model", "report"]), (2, ["features", "model", "report"]), (9, list(GRAPH.order))],
)
def test_depth_counts_hops_from_what_was_selected(view, depth, keys):
    narrowed = view.within(depth, [AssetKey("report")])
    assert [n.key for n in narrowed.nodes] == keys
    assert len(narrowed.edges) == len(keys) - 1


def test_json_lists_nodes_in_graph_order_and_edges_by_name(view):
    document = view.to_json()
    assert document["schema"] == "assetctl.lineage/1"
    assert [n["key"] for n in document["nodes"]] == list(GRAPH.order)
    assert document["nodes"][2] == {
        "key": "features",
        "kind": "asset",
        "group": 'prep "<1>"',
        "state": "undecided",
        "changed": False,
        "why": "if clean changes",
    }
    assert {"from": "flights", "to": "clean"} in document["edges"]


def test_text_says_state_upstreams_and_why_of_each_asset(view):
    assert view.to_text() == (
        "◊ flights   source            (content changed (x))\n"
        '▲ clean     stale             ← flights  (config changed: limit 1 → "</script>"; source `flights` changed (column x))\n'
        "? features  undecided         ← clean  (if clean changes)\n"
        "● model     fresh             ← features\n"
        "○ report    not materialized  ← model  (never materialized)\n"
    )


def test_dot_escapes_what_people_wrote_and_marks_the_change(view):
    dot = view.to_dot()
    assert "<script" not in dot
    assert "</script" not in dot
    assert "<B>prep &quot;&lt;1&gt;&quot;</B>" in dot
    clean = next(line for line in dot.splitlines() if line.strip().startswith("clean ["))
    assert "penwidth=3" in clean
    assert LOOKS["stale"].fill in clean
    assert "limit 1 → &quot;&lt;/script&gt;&quot;" in clean
    model = next(line for line in dot.splitlines() if line.strip().startswith("model ["))
    assert "penwidth=1.2" in model
    assert "changed here" in dot
    assert "held by a check" not in dot, "the legend lists only states that occur"


def test_a_control_character_never_reaches_a_picture():
    node = Node(AssetKey("a"), "asset", "g\x1b[31m", "stale", True, "why\x00")
    view = LineageView((node,), ())
    assert all(c.isprintable() or c in "\n\t" for c in view.to_dot() + view.to_mermaid())


def test_a_large_picture_is_laid_out_in_haste(view):
    many = tuple(Node(AssetKey(f"a{n}"), "asset", None, "fresh") for n in range(501))
    assert "splines=line" in LineageView(many, ()).to_dot()
    assert "splines=line" not in view.to_dot()


def test_mermaid_numbers_nodes_and_codes_what_could_be_syntax(view):
    lines = view.to_mermaid().splitlines()
    assert lines[0] == "flowchart LR"
    assert "  n0 --> n1" in lines
    assert '    n0("clean<br/>▲ stale<br/>config changed: limit 1 → #34;#60;/script#62;#34;; source `…"):::stale' in [
        line.replace("#59;", ";").replace("#96;", "`") for line in lines
    ]
    assert "  class n0 changed" in lines
    assert any(line.startswith("  classDef undecided fill:") for line in lines)


def test_the_same_picture_is_drawn_whatever_the_order_of_nodes(view):
    other = LineageView(tuple(reversed(view.nodes)), tuple(reversed(view.edges)))
    assert other.to_dot() == view.to_dot()
    assert other.to_mermaid() == view.to_mermaid()


def test_a_notebook_shows_a_picture_only_where_one_can_be_rendered(view):
    from assetctl.assets.errors import EnvironmentFault

    def refuse(dot, form):
        raise EnvironmentFault.of("no-drawing-program", "no program")

    def drawn(dot, form):
        return f"<{form}>".encode()

    text = {"text/plain": view.to_text()}
    assert view._repr_mimebundle_() == text
    assert view_lineage(GRAPH, PLAN, GRAPH.order, refuse)._repr_mimebundle_().keys() == text.keys()
    assert view_lineage(GRAPH, PLAN, GRAPH.order, drawn)._repr_mimebundle_() == {
        "image/svg+xml": "<svg>",
        **text,
    }


RATES = Undeclared("file", "data/my rates:1.csv", Digest("b3:2"))


def with_undeclared(changed: bool = False) -> LineageView:
    reasons = stale(ObservedChanged((RATES.name,))) if changed else Fresh()
    steps = (
        planned("clean", reasons, Action.RUN if changed else Action.KEEP),
        planned("features", Fresh(), Action.KEEP),
    )
    code = (Undeclared("symbol", "helpers:f", Digest("b3:3")), Undeclared("module", "helpers:", Digest("b3:4")))
    used = {AssetKey("clean"): (RATES, *code), AssetKey("features"): (RATES,)}
    return view_lineage(GRAPH, Plan(steps), list(map(AssetKey, ("flights", "clean", "features"))), None, used)


def test_what_is_used_without_being_declared_is_drawn_as_what_it_is_and_code_is_not():
    view = with_undeclared()
    assert [n.key for n in view.nodes] == ["file data/my rates:1.csv", "flights", "clean", "features"]
    assert view.to_text().splitlines()[0] == "◌ file data/my rates:1.csv  used, not declared"
    assert "← file data/my rates:1.csv, flights" in view.to_text()
    assert view.to_json()["undeclared"] == [
        {"kind": "file", "name": "data/my rates:1.csv", "changed": False, "used_by": ["clean", "features"]}
    ]
    assert [node["key"] for node in view.to_json()["nodes"]] == ["flights", "clean", "features"]
    assert view.to_json()["edges"] == [{"from": "clean", "to": "features"}, {"from": "flights", "to": "clean"}]
    assert view.to_dot().count("style=dashed]") == 2
    assert '"file data/my rates:1.csv"' not in view.to_dot()  # a colon would begin a port
    assert ">" in next(line for line in view.to_mermaid().splitlines() if "rates" in line)


def test_an_undeclared_file_that_changed_is_where_the_change_began():
    (rates, *_) = with_undeclared(changed=True).nodes
    assert (rates.is_changed, rates.lines) == (True, ("◌ used, not declared", "changed since it was used"))


def test_undeclared_things_are_as_far_away_as_what_uses_them():
    view = with_undeclared()
    assert [n.key for n in view.within(0, [AssetKey("features")]).nodes] == ["features"]
    assert "file data/my rates:1.csv" in [n.key for n in view.within(1, [AssetKey("features")]).nodes]
