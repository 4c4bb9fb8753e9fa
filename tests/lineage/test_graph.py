"""The graph: who reads whom, the order, and every problem reported at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from assetctl.assets.checks import check
from assetctl.assets.collect import Declared
from assetctl.assets.columns import columns
from assetctl.assets.context import Context
from assetctl.assets.decorator import asset
from assetctl.assets.errors import DeclarationError, SelectionError
from assetctl.assets.ids import AssetKey
from assetctl.assets.sources import source
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.graph.asset_graph import AssetGraph, build_graph, with_former_names
from assetctl.lineage.graph.configure import configure


def graph_of(**declarations: Any) -> AssetGraph:
    collected = []
    for name, declared in declarations.items():
        has_key = not getattr(getattr(declared, "options", None), "outs", ()) and not hasattr(declared, "blocking")
        collected.append(
            Declared(AssetKey.from_name(name) if has_key else None, declared, f"p.py:{len(collected) + 1}", name)
        )
    return build_graph(collected)


def messages(build: Callable[[], object]) -> list[str]:
    with pytest.raises((DeclarationError, SelectionError)) as caught:
        build()
    return [problem.message for problem in caught.value.problems]


def test_parameters_name_upstreams_and_two_underscores_stand_for_a_slash():
    graph = graph_of(raw__flights=asset(lambda: 1), clean=asset(lambda raw__flights: 1))
    assert graph.upstream(AssetKey("clean")) == ("raw/flights",)
    assert graph.downstream[AssetKey("raw/flights")] == ("clean",)


def test_order_puts_upstreams_first_and_breaks_ties_by_key():
    graph = graph_of(c=asset(lambda a: 1), b=asset(lambda a: 1), a=asset(lambda: 1), z=asset(lambda: 1))
    assert graph.order == ("a", "b", "c", "z")


def test_defaults_are_config_unless_they_are_code():
    def model(features, depth: int = 3, names=("a", "b"), callback=len):
        return depth

    graph = graph_of(features=asset(lambda: 1), model=asset(model))
    assert graph.steps[AssetKey("model")].config == {"depth": 3, "names": ("a", "b")}


def test_ins_config_and_context_decide_what_a_parameter_means():
    def adopted(shuttles, parameters, context: Context):
        return 1

    graph = graph_of(
        clean__shuttles=asset(lambda: 1),
        adopted=asset(adopted, ins={"shuttles": "clean/shuttles"}, config={"parameters": {"k": 1}}),
    )
    step = graph.steps[AssetKey("adopted")]
    assert (step.upstream, step.config, step.context) == (("clean/shuttles",), {"parameters": {"k": 1}}, ("context",))


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (pa.Table, Wanted(Form.ARROW)),
        (pd.DataFrame, Wanted(Form.PANDAS)),
        (np.ndarray, Wanted(Form.NUMPY)),
        (Path, Wanted(Form.PATH)),
        (pa.RecordBatchReader, Wanted(Form.READER)),
        (Annotated[pa.Table, columns("x", "y")], Wanted(Form.ARROW, ("x", "y"))),
        (int, Wanted(Form.STORED)),
        ("pd.DataFrame", Wanted(Form.PANDAS)),
        ("SomethingUnknown", Wanted(Form.STORED)),
    ],
)
def test_annotations_say_how_an_input_is_wanted(annotation, expected):
    def reader(a):
        return a

    reader.__annotations__["a"] = annotation
    graph = graph_of(a=asset(lambda: 1), reader=asset(reader))
    assert graph.steps[AssetKey("reader")].bindings[0].wanted == expected


def test_a_file_source_is_handed_over_as_a_path_unless_a_table_is_asked_for():
    def as_path(s):
        return s

    def as_table(s: pa.Table):
        return s

    graph = graph_of(s=source.file("x.csv"), as_path=asset(as_path), as_table=asset(as_table))
    assert graph.steps[AssetKey("as_path")].bindings[0].wanted.form is Form.PATH
    assert graph.steps[AssetKey("as_table")].bindings[0].reads_table


def test_star_args_declare_no_upstream():
    graph = graph_of(a=asset(lambda *args, **kwargs: 1))
    assert graph.upstream(AssetKey("a")) == ()


def test_several_outputs_share_one_step_that_has_the_first_one_s_key():
    graph = graph_of(split=asset(lambda: (1, 2), outs=["train", "test"]))
    step = graph.steps[AssetKey("train")]
    assert step is graph.steps[AssetKey("test")]
    assert (step.key, step.outputs, step.name) == ("train", ("train", "test"), "split")
    assert graph.ancestry([AssetKey("test")]) == {"train", "test"}


def test_all_problems_are_reported_at_once_with_place_and_hint():
    def build():
        graph_of(
            orders=asset(lambda: 1),
            daily=asset(lambda order: 1),
            a=asset(lambda b: 1),
            b=asset(lambda a: 1),
            waits=asset(lambda: 1, deps=["nowhere"]),
        )

    with pytest.raises(DeclarationError) as caught:
        build()
    problems = {problem.message: problem for problem in caught.value.problems}
    unknown = problems["asset `daily` reads `order`, which is not declared"]
    assert unknown.hint == "did you mean `orders`?"
    assert ("declared in", "p.py:2") in unknown.facts
    assert "assets depend on each other in a cycle: b → a → b" in problems
    assert any("waits for `nowhere`" in message for message in problems)


def test_two_cycles_are_two_problems_and_what_hangs_on_them_is_none():
    problems = messages(
        lambda: graph_of(
            a=asset(lambda b: 1), b=asset(lambda a: 1), c=asset(lambda d: 1), d=asset(lambda c: 1), e=asset(lambda a: 1)
        )
    )
    assert len(problems) == 2


def test_a_duplicate_key_names_both_places():
    twice = [
        Declared(AssetKey("a"), asset(lambda: 1), "one.py:1", "a"),
        Declared(AssetKey("a"), asset(lambda: 2), "two.py:7", "a"),
    ]
    with pytest.raises(DeclarationError) as caught:
        build_graph(twice)
    assert caught.value.problems[0].facts == (("first", "one.py:1"), ("again", "two.py:7"))


@pytest.mark.parametrize(
    ("declaration", "complaint"),
    [
        (asset(lambda other=1: 1), "has a default for `other`, and an asset of that name exists"),
        (asset(lambda x, /: 1), "positional-only"),
        (asset(lambda: 1, ins={"nope": "other"}), "names `nope` in `ins`"),
        (asset(lambda: 1, secret=["token"]), "names `token` in `secret`"),
        (asset(lambda x: 1, ins={"x": "gone"}), "reads `gone`"),
    ],
)
def test_signatures_that_cannot_work(declaration, complaint):
    (message,) = messages(lambda: graph_of(other=asset(lambda: 1), bad=declaration))
    assert complaint in message


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (
            lambda x, /: x,
            "remove the `/` from its parameters; a function that is not yours is called from one of your own",
        ),
        (math.sqrt, "call it in a function of your own, whose parameters have names"),
        (len, "call it in a function of your own, whose parameters have names"),
        (str.upper, "call it in a function of your own, whose parameters have names"),
    ],
)
def test_what_takes_its_parameters_by_position_says_how_it_can_be_an_asset_all_the_same(function, hint):
    with pytest.raises(DeclarationError) as caught:
        graph_of(bad=asset(function))
    assert caught.value.problems[0].hint == hint


def test_a_check_takes_one_value_of_a_declared_asset():
    good = asset(lambda: 1)
    assert graph_of(good=good, ok=check(asset=good)(lambda value: True)).checks[AssetKey("good")][0].name == "ok"
    assert (
        "takes 2 required parameters"
        in messages(lambda: graph_of(good=good, bad=check(asset=good)(lambda a, b: True)))[0]
    )
    assert "which is not a declared asset" in messages(lambda: graph_of(bad=check(asset="gone")(lambda v: True)))[0]


def model(rate: float = 0.1, depth: int = 3, name: str = "x", flags: tuple[str, ...] = ("a",), seed=None):
    return rate


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("model.rate=0.5", {"rate": 0.5}),
        ("model.rate=1", {"rate": 1.0}),
        ("model.depth=true", {"depth": True}),
        ('model.depth="1"', {"depth": "1"}),
        ("model.name=5", {"name": "5"}),
        ('model.name="quoted"', {"name": "quoted"}),
        ('model.flags=["b","c"]', {"flags": ("b", "c")}),
        ("model.seed=7", {"seed": 7}),
        ("model.seed=anything", {"seed": "anything"}),
        ("model.rate=None", {"rate": None}),
    ],
)
def test_config_can_be_set(assignment, expected):
    graph = configure(graph_of(model=asset(model)), [assignment])
    config = graph.steps[AssetKey("model")].config
    assert {name: config[name] for name in expected} == expected
    assert [type(config[name]) for name in expected] == [type(value) for value in expected.values()]


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("model", "not of the form"),
        ("model.rate", "not of the form"),
        ("modle.rate=1", "there is no asset `modle`"),
        ("model.rat=1", "has no config parameter `rat`"),
        ("model.depth=deep", "is not a number"),
    ],
)
def test_config_that_does_not_fit_is_refused(assignment, complaint):
    assert complaint in messages(lambda: configure(graph_of(model=asset(model)), [assignment]))[0]


def recorded(**names: str) -> dict[AssetKey, tuple[AssetKey, ...]]:
    return {AssetKey(now): tuple(map(AssetKey, former.split())) for now, former in names.items()}


def test_recorded_names_reach_readers_and_steps_after_those_that_are_declared():
    graph = graph_of(
        new=asset(lambda: 1, aliases=["oldest"]),
        reads=asset(lambda new: 1),
        waits=asset(lambda: 1, deps=["new"]),
        other=asset(lambda: 1),
    )
    named = with_former_names(graph, recorded(new="old older"))
    assert named.steps[AssetKey("new")].former == {"new": ("oldest", "old", "older")}
    assert [b.aliases for key in ("reads", "waits") for b in named.steps[AssetKey(key)].bindings] == [
        ("oldest", "old", "older")
    ] * 2
    assert named.steps[AssetKey("new")].first_names == ("oldest",)
    assert named.steps[AssetKey("other")] is graph.steps[AssetKey("other")]
    assert with_former_names(graph, {}) is graph


def test_a_declared_alias_that_is_recorded_too_keeps_the_recorded_order():
    graph = graph_of(new=asset(lambda: 1, aliases=["b"]))
    assert with_former_names(graph, recorded(new="a b")).steps[AssetKey("new")].former == {"new": ("a", "b")}


def test_outputs_have_names_of_their_own_and_sources_have_too():
    graph = graph_of(
        split=asset(lambda: 1, outs=["train", "test"]), rows=source.file("x"), reads=asset(lambda rows, test: 1)
    )
    named = with_former_names(graph, recorded(test="judge", rows="table"))
    assert named.steps[AssetKey("train")].first_names == ("train", "judge")
    assert {b.upstream: b.aliases for b in named.steps[AssetKey("reads")].bindings} == {
        "rows": ("table",),
        "test": ("judge",),
    }


# --- several upstreams for one parameter, and for `**kwargs` -----------------------------


def gathering(fn: Callable[..., Any], ins: Any, **options: Any) -> Any:
    graph = graph_of(x=asset(lambda: 1), y=asset(lambda: 2), total=asset(fn, ins=ins, **options))
    return graph.steps[AssetKey("total")]


def list_of(parts: list[pd.DataFrame]) -> int:
    return 1


def dict_of(parts: dict[str, pl.DataFrame]) -> int:  # type: ignore[name-defined]  # noqa: F821
    return 1


def columns_of(parts: Annotated[list[pa.Table], columns("a")]) -> int:
    return 1


def tables_of(**tables: pa.Table) -> int:
    return 1


@pytest.mark.parametrize(
    ("fn", "ins", "names", "wanted", "text"),
    [
        (list_of, {"parts": ["x", "y"]}, ["parts[0]", "parts[1]"], Wanted(Form.PANDAS), {"parts": "list of 2"}),
        (list_of, {"parts": ("x", "x")}, ["parts[0]", "parts[1]"], Wanted(Form.PANDAS), {"parts": "list of 2"}),
        (list_of, {"parts": []}, [], None, {"parts": "list of 0"}),
        (list_of, {"parts": {}}, [], None, {"parts": "dict of []"}),
        (dict_of, {"parts": {"b": "x", "a": "y"}}, ['parts["b"]', 'parts["a"]'], Wanted(Form.POLARS),
         {"parts": 'dict of ["b", "a"]'}),
        (columns_of, {"parts": ["x", "y"]}, ["parts[0]", "parts[1]"], Wanted(Form.ARROW, ("a",)), {"parts": "list of 2"}),
        (lambda parts: 1, {"parts": ["x"]}, ["parts[0]"], Wanted(), {"parts": "list of 1"}),
        (tables_of, {"b": "x", "a": "y"}, ["b", "a"], Wanted(Form.ARROW), {"**tables": 'dict of ["b", "a"]'}),
        (tables_of, {"clean/x": "x"}, ["clean/x"], Wanted(Form.ARROW), {"**tables": 'dict of ["clean/x"]'}),
        (lambda x, **others: 1, {"more": ["y"]}, ["x", "more[0]"], Wanted(),
         {"more": "list of 1", "**others": 'dict of ["more"]'}),
    ],
)  # fmt: skip
def test_ins_may_name_many(fn: Any, ins: Any, names: list[str], wanted: Wanted | None, text: dict[str, str]) -> None:
    step = gathering(fn, ins)
    assert [binding.name for binding in step.bindings] == names
    assert {binding.wanted for binding in step.bindings} == ({wanted} if wanted else set())
    assert {name: gathered.text for name, gathered in step.gathered.items()} == text


def test_config_beyond_the_parameters_goes_to_kwargs_too():
    step = gathering(lambda **settings: 1, {"rows": "x"}, config={"b": 1, "a": [2]})
    assert step.config == {"a": [2], "b": 1}
    assert step.upstream == ("x",)


@pytest.mark.parametrize(
    ("fn", "ins", "message"),
    [
        (lambda parts: 1, {"parts": ["x", "zz"]}, "reads `zz`, which is not declared"),
        (lambda parts: 1, {"parts": {"k": "z__z"}}, "reads `z/z`, which is not declared"),
        (lambda parts: 1, {"parts": ["x", ["y"]]}, "names a `list` in `ins` as upstream of `parts[1]`"),
        (lambda parts: 1, {"parts": 3}, "names a `int` in `ins` as upstream of `parts`"),
        (lambda parts: 1, {"parts": {1: "x"}}, "names a `dict` in `ins` as upstream of `parts`"),
        (lambda **tables: 1, {"orders": "zz"}, "reads `zz`, which is not declared"),
        (lambda **tables: 1, {"tables": ["x"]}, "names `tables` in `ins`, which is `**tables`"),
        (lambda *tables: 1, {"tables": ["x"]}, "names `tables` in `ins`, which is `*tables`"),
        (lambda **tables: 1, {"deps:x": "x"}, "names 'deps:x' in `ins`, which is no name"),
        (lambda **tables: 1, {"a[0]": "x"}, "names 'a[0]' in `ins`, which is no name"),
    ],
)
def test_what_ins_cannot_name_is_said(fn: Any, ins: Any, message: str) -> None:
    assert messages(lambda: gathering(fn, ins)) == [f"asset `total` {message}"]


def test_a_secret_that_nothing_would_be_given_is_refused():
    assert messages(lambda: gathering(lambda **settings: 1, {}, secret=["token"])) == [
        "asset `total` names `token` in `secret`, which is not one of its parameters"
    ]
    assert gathering(lambda **settings: 1, {}, config={"token": "t"}, secret=["token"]).config == {"token": "t"}
