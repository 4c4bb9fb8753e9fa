"""Selections as a table: text in, keys out, on one small graph."""

from __future__ import annotations

import pytest

from assetctl.assets.collect import Declared
from assetctl.assets.decorator import asset
from assetctl.assets.definition import SourceDef, SourceShape
from assetctl.assets.errors import SelectionError
from assetctl.assets.ids import AssetKey
from assetctl.lineage.graph.asset_graph import AssetGraph, build_graph
from assetctl.lineage.graph.selection import downstreams, parse, resolve, upstreams


def _declared(key, where, fn=None, **options):
    declaration = asset(fn, **options) if fn is not None else SourceDef("f.csv", SourceShape.FILE, **options)
    return Declared(AssetKey(key), declaration, where, key)


@pytest.fixture(scope="module")
def graph() -> AssetGraph:
    """raw/flights, raw/weather → clean → features → model → report; weather_stats hangs off raw/weather."""

    def clean(raw__flights, raw__weather): ...
    def features(clean): ...
    def model(features): ...
    def report(model): ...
    def weather_stats(raw__weather): ...

    return build_graph(
        [
            _declared("raw/flights", "pipeline/raw.py:3", tags={"tier": "bronze"}),
            _declared("raw/weather", "pipeline/raw.py:4", owners=["team:sky"]),
            _declared("clean", "pipeline/prep.py:9", clean, tags={"tier": "silver", "pii": "no"}, group="prep"),
            _declared("features", "pipeline/prep.py:20", features, tags={"tier": "gold"}, group="prep"),
            _declared("model", "train.py:5", model, kinds=["sklearn"], owners=["team:ml"]),
            _declared("report", "train.py:30", report),
            _declared("weather_stats", "pipeline/prep.py:40", weather_stats),
        ]
    )


STATES = {
    AssetKey("features"): {"stale"},
    AssetKey("model"): {"undecided"},
    AssetKey("weather_stats"): {"stale", "missing"},
}


def select(graph, *selection, exclude=()) -> list[str]:
    return list(resolve(graph, selection, exclude, lambda: STATES))


EVERYTHING = ["raw/flights", "raw/weather", "clean", "features", "model", "report", "weather_stats"]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ((), EVERYTHING),
        (("*",), EVERYTHING),
        (("model",), ["model"]),
        (("+model",), ["raw/flights", "raw/weather", "clean", "features", "model"]),
        (("features+",), ["features", "model", "report"]),
        (("2+model",), ["clean", "features", "model"]),
        (("clean+1",), ["clean", "features"]),
        (("0+model",), ["model"]),
        (("1+features+1",), ["clean", "features", "model"]),
        (("+features+",), ["raw/flights", "raw/weather", "clean", "features", "model", "report"]),
        (("@weather_stats",), ["raw/weather", "weather_stats"]),
        (("@raw/flights",), ["raw/flights", "raw/weather", "clean", "features", "model", "report"]),
        (("raw/*",), ["raw/flights", "raw/weather"]),
        (("raw/*+1",), ["raw/flights", "raw/weather", "clean", "weather_stats"]),
        (("tag:tier",), ["raw/flights", "clean", "features"]),
        (("tag:tier=gold",), ["features"]),
        (("tag:tier=*l*",), ["clean", "features"]),
        (("group:prep",), ["clean", "features"]),
        (("owner:team:ml",), ["model"]),
        (("kind:source",), ["raw/flights", "raw/weather"]),
        (("kind:asset",), ["clean", "features", "model", "report", "weather_stats"]),
        (("kind:sklearn+",), ["model", "report"]),
        (("path:train.py",), ["model", "report"]),
        (("path:pipeline",), ["raw/flights", "raw/weather", "clean", "features", "weather_stats"]),
        (("path:./pipeline/p*.py",), ["clean", "features", "weather_stats"]),
        (("stale",), ["features", "weather_stats"]),
        (("missing",), ["weather_stats"]),
        (("failed",), []),
        (("stale+",), ["features", "model", "report", "weather_stats"]),
        (("state:undecided",), ["model"]),
        (("model", "clean"), ["clean", "model"]),
        (("model clean",), ["clean", "model"]),
        (("+model,group:prep",), ["clean", "features"]),
        (("stale,tag:tier", "report"), ["features", "report"]),
    ],
)
def test_a_selection_means_these_assets_in_graph_order(graph, selection, expected):
    assert select(graph, *selection) == expected


def test_excluded_assets_are_left_out(graph):
    assert select(graph, "+model", exclude=["raw/* group:prep"]) == ["model"]
    assert select(graph, exclude=["+model"]) == ["report", "weather_stats"]


def test_what_is_selected_and_excluded_is_left_out(graph):
    assert select(graph, "model", exclude=["model"]) == []


def test_states_are_asked_for_only_when_a_term_needs_them(graph):
    def refuse():
        raise AssertionError("asked")

    assert resolve(graph, ["+model"], ["report"], refuse)[-1] == "model"
    with pytest.raises(AssertionError):
        resolve(graph, ["stale"], [], refuse)


def test_an_asset_called_like_a_state_is_said_with_its_method():
    def stale(): ...

    graph = build_graph([_declared("stale", "a.py:1", stale)])
    with pytest.raises(SelectionError) as raised:
        resolve(graph, ["stale"], [], dict)
    assert raised.value.problems[0].hint == "write `name:stale` for the asset, `state:stale` for the state"
    assert resolve(graph, ["name:stale"], [], dict) == ("stale",)
    assert resolve(graph, ["+name:stale+"], [], dict) == ("stale",)
    assert resolve(graph, ["state:stale"], [], dict) == ()


@pytest.mark.parametrize(
    ("term", "message", "hint"),
    [
        ("modle", "there is no asset `modle`", "did you mean `model`?"),
        ("+featurs+", "there is no asset `featurs`", "did you mean `features`?"),
        ("flights", "there is no asset `flights`", "did you mean `raw/flights`?"),
        ("zzz", "there is no asset `zzz`", "list them with `assetctl ls`"),
        ("stg_*", "no asset matches `stg_*`", "list them with `assetctl ls`"),
        ("tag:teir", "no asset is of tag `teir`", "did you mean `tag:tier`?"),
        ("group:prp", "no asset is of group `prp`", "did you mean `group:prep`?"),
        ("path:train", "no asset is declared in `train`", "did you mean `path:train.py`?"),
        ("gruop:prep", "selection `gruop:prep`: there is no `gruop:`", "did you mean `group:prep`?"),
        ("tag:", "selection `tag:` names no tag", "write it as `tag:NAME`"),
        ("state:old", "selection `state:old`: there is no state `old`", None),
        ("+", "selection `+` names no asset", "write it as `+model` or `model+`"),
        ("model,", "selection `model,` names no asset", "write `a,b` for what is in both, `a b` for either"),
        ("@model+", "selection `@model+` uses `@` together with `+`", "`@` already reaches both ways"),
    ],
)
def test_a_term_that_names_nothing_says_what_was_meant(graph, term, message, hint):
    with pytest.raises(SelectionError) as caught:
        select(graph, term)
    assert [(p.message, p.hint) for p in caught.value.problems] == [(message, hint)]


def test_every_bad_term_is_reported_at_once(graph):
    with pytest.raises(SelectionError) as caught:
        select(graph, "modle", "group:nope", "model", exclude=["reprot"])
    assert len(caught.value.problems) == 3
    with pytest.raises(SelectionError) as caught:
        parse(["+", "bad:x", "fine"])
    assert len(caught.value.problems) == 2


def test_hops_can_be_counted_from_code(graph):
    assert upstreams(graph, [AssetKey("model")], 1) == {"model", "features"}
    assert downstreams(graph, [AssetKey("clean")]) == {"clean", "features", "model", "report"}
