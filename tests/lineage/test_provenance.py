"""What a provenance covers, and which version a parameter reads, as tables of literals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assetctl.assets.ids import AssetKey, PartitionKey
from assetctl.lineage.deciding.provenance import fan_in_of, provenance_of, resolve_input, resolve_inputs
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import (
    CodeVersion,
    ColumnDigest,
    DataVersion,
    Definition,
    Digest,
    Input,
    Inputs,
    ValueIdentity,
)
from assetctl.lineage.graph.asset_graph import Binding

A, B, OLD = AssetKey("a"), AssetKey("b"), AssetKey("old")
DEFINITION = Definition(Digest("b3:d1"), CodeVersion("b3:c1"), {}, {}, {})
READS_A = Input("first", A, Digest("b3:1"), DataVersion("b3:1"))
READS_B = Input("second", B, Digest("b3:2"), DataVersion("b3:2"))
WAITS_A = replace(READS_A, name="deps:a")


def digest(*inputs: Input, definition: Definition = DEFINITION) -> str | None:
    made_from = provenance_of(Inputs(definition, inputs))
    return None if made_from is None else made_from.digest


# --- what counts -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "golden"),
    [
        ((), "b3:8c877be500c38b51379b74ec48034f0e749b07bea0ed7dce0db40e31f64c75c7"),
        ((READS_A, READS_B), "b3:94c0d191294fddc2af05953fa1fe19611e1bf02cf3c5a3beaa98822558089cc5"),
        ((WAITS_A,), "b3:6c4c43df2882d40bdecacd9fc9ddaa9bdb554140b0ed3d793d3527fcbea19855"),
    ],
)
def test_digests_stay_what_they_are(inputs, golden):
    assert digest(*inputs) == golden


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((READS_A,), id="an input less"),
        pytest.param((replace(READS_A, name="third"), READS_B), id="the parameter's name"),
        pytest.param((replace(READS_A, upstream=AssetKey("c")), READS_B), id="the upstream's key"),
        pytest.param((replace(READS_A, version=Digest("b3:9")), READS_B), id="the version read"),
        pytest.param(
            (replace(READS_A, version=READS_B.version), replace(READS_B, version=READS_A.version)),
            id="which parameter reads which version",
        ),
        pytest.param((replace(READS_A, name="deps:a"), READS_B), id="waited for, no longer read"),
        pytest.param((replace(READS_A, aliases=(OLD,)), READS_B), id="the upstream's first name"),
    ],
)
def test_what_an_input_is_counts(other):
    assert digest(*other) not in (None, digest(READS_A, READS_B))


@pytest.mark.parametrize(
    "same",
    [
        pytest.param((READS_B, READS_A), id="the order of the inputs"),
        pytest.param((replace(READS_A, data_version=DataVersion("b3:8")), READS_B), id="what is not read of the data"),
        pytest.param((replace(READS_A, is_source=True), READS_B), id="that it is a source"),
        pytest.param((replace(READS_A, columns=("x",)), READS_B), id="which columns, beyond their version"),
        pytest.param((replace(READS_A, classes=(("m:C", Digest("b3:7")),)), READS_B), id="classes, beyond the version"),
    ],
)
def test_what_else_is_known_of_an_input_does_not_count(same):
    assert digest(*same) == digest(READS_A, READS_B)


def test_the_digest_of_the_definition_counts_and_nothing_else_of_it():
    assert digest(READS_A, definition=replace(DEFINITION, digest=Digest("b3:d2"))) != digest(READS_A)
    assert digest(READS_A, definition=replace(DEFINITION, config={"k": "1"})) == digest(READS_A)


@pytest.mark.parametrize(("was", "now"), [("first", "first"), ("deps:a", "deps:now")])
def test_an_upstream_goes_by_its_first_name_so_that_a_new_one_changes_nothing(was, now):
    renamed = replace(READS_A, name=now, upstream=AssetKey("now"), aliases=(A, OLD))
    assert digest(renamed) == digest(replace(READS_A, name=was))


@pytest.mark.parametrize(
    "unknown", [(replace(READS_A, version=None), READS_B), (READS_A, replace(READS_B, version=None))]
)
def test_there_is_none_while_any_version_is_unknown(unknown):
    assert digest(*unknown) is None


def test_it_keeps_what_it_was_made_of():
    made_from = provenance_of(Inputs(DEFINITION, (READS_B, READS_A)))
    assert (made_from.definition, made_from.inputs) == (DEFINITION, (READS_B, READS_A))


# --- which version is read -------------------------------------------------------------


def table(version: str, n_rows: int = 2, *, unordered: bool = False, **columns: str) -> ValueIdentity:
    described = tuple(
        ColumnDigest(n.replace("index_", "index:"), "int64", Digest(f"b3:{d}")) for n, d in columns.items()
    )
    return ValueIdentity(DataVersion(f"b3:{version}"), "arrow.Table", n_rows, described, unordered=unordered)


def read(value, *columns: str, name: str = "p", form: str = "stored", is_source: bool = False, parsed=None):
    binding = Binding(name, A, Wanted(Form(form), columns), is_source)
    return resolve_input(binding, value, parsed or {}, lambda cls: Digest(f"b3:code of {cls}"))


TABLE = table("t1", x="x1", y="y1")


@pytest.mark.parametrize(
    ("columns", "other", "is_same"),
    [
        pytest.param((), table("t2", x="x1", y="y1"), False, id="all of it is read"),
        pytest.param(("x",), table("t2", x="x1", y="y2"), True, id="another column changed"),
        pytest.param(("x",), table("t2", x="x1", z="z1"), True, id="another column came or went"),
        pytest.param(("x",), table("t2", y="y1", x="x1"), True, id="the columns changed places"),
        pytest.param(("x",), table("t2", x="x2", y="y1"), False, id="the column changed"),
        pytest.param(("x", "y"), table("t2", x="x1", y="y2"), False, id="one of the columns changed"),
        pytest.param(("x",), table("t2", 3, x="x1", y="y1"), False, id="there are more rows"),
        pytest.param(("x",), table("t2", x="x1", y="y1", index_0="i1"), False, id="an index came"),
        pytest.param(("x", "z"), table("t2", x="x1", y="y2"), False, id="a column that is not there"),
        pytest.param(("x",), table("t2", x="x1", y="y2", unordered=True), False, id="rows in no order"),
        pytest.param(("x",), None, False, id="not known yet"),
    ],
)
def test_a_parameter_reads_the_version_of_its_columns(columns, other, is_same):
    assert (read(TABLE, *columns).version == read(other, *columns).version) is is_same


def test_the_index_is_read_with_any_column():
    was, edited = (table("t1", x="x1", y="y1", index_0=index) for index in ("i1", "i2"))
    assert read(was, "x").version != read(edited, "x").version


def test_columns_in_another_order_are_another_version():
    assert read(TABLE, "x", "y").version != read(TABLE, "y", "x").version


@pytest.mark.parametrize(
    ("value", "columns"),
    [
        pytest.param(TABLE, (), id="no columns wanted"),
        pytest.param(TABLE, ("x", "z"), id="a column that is not there"),
        pytest.param(table("t1", x="x1", unordered=True), ("x",), id="rows in no order"),
        pytest.param(ValueIdentity(DataVersion("b3:t1"), "json"), ("x",), id="no table"),
    ],
)
def test_where_columns_do_not_tell_the_whole_is_read(value, columns):
    assert read(value, *columns).version == "b3:t1"


def test_the_whole_data_version_is_kept_beside_what_is_read():
    assert read(TABLE, "x").data_version == "b3:t1"
    assert (read(None).version, read(None).data_version) == (None, None)


@pytest.mark.parametrize(
    ("known", "version"),
    [
        pytest.param({"form": "pandas", "is_source": True}, "b3:parsed", id="a source read as a table"),
        pytest.param({"form": "path", "is_source": True}, "b3:bytes", id="a source read as a path"),
        pytest.param({"form": "polars", "is_source": True}, "b3:other", id="a source that another library reads"),
        pytest.param({"form": "reader", "is_source": True}, None, id="a source that a third library reads"),
        pytest.param({"form": "arrow"}, "b3:bytes", id="an asset's file, which Arrow reads"),
        pytest.param({"name": "deps:a", "form": "pandas", "is_source": True}, "b3:bytes", id="a source waited for"),
    ],
)
def test_a_source_that_is_read_as_a_table_has_the_version_of_its_table(known, version):
    whole = ValueIdentity(DataVersion("b3:bytes"), "file")
    parsed = {Form.PANDAS: table("parsed"), Form.POLARS: table("other")}
    assert read(whole, parsed=parsed, **known).version == version


def test_an_assets_file_that_a_library_reads_is_told_from_what_arrow_reads_of_it():
    made, stored = (ValueIdentity(DataVersion("b3:bytes"), kind) for kind in ("file", "pandas.DataFrame"))
    versions = [read(made, form=form).version for form in ("stored", "path", "arrow", "reader", "pandas", "polars")]
    assert versions[:4] == ["b3:bytes"] * 4
    assert len(set(versions)) == 3
    assert read(made, form="numpy").version == read(made, form="pandas").version
    assert read(stored, form="polars").version == "b3:bytes"


def test_of_columns_with_one_name_the_whole_is_read():
    levels = [ColumnDigest("index:", "int64", Digest(f"b3:{level}")) for level in "pq"]
    twice = replace(TABLE, columns=(*levels, *TABLE.columns))
    assert read(twice, "x").version == "b3:t1"
    named = replace(TABLE, columns=(*TABLE.columns, ColumnDigest("y", "int64", Digest("b3:y2"))))
    assert read(named, "y").version == "b3:t1" != read(named, "x").version


def test_a_source_whose_table_was_not_parsed_is_not_known():
    assert read(ValueIdentity(DataVersion("b3:bytes"), "file"), form="arrow", is_source=True).version is None


# --- classes within a value ------------------------------------------------------------

POINT = ValueIdentity(DataVersion("b3:t1"), "pickle", classes=("m:Point", "m:Line"))


def test_the_code_of_classes_within_a_value_is_part_of_what_is_read():
    assert read(POINT).classes == (("m:Point", "b3:code of m:Point"), ("m:Line", "b3:code of m:Line"))
    edited = resolve_input(Binding("p", A, Wanted(), False), POINT, {}, lambda cls: Digest("b3:edited"))
    assert len({read(POINT).version, edited.version, "b3:t1"}) == 3
    assert read(POINT).data_version == edited.data_version == "b3:t1"


def test_who_only_waits_runs_no_code_of_classes():
    assert (read(POINT, name="deps:a").classes, read(POINT, name="deps:a").version) == ((), "b3:t1")


# --- all inputs of a step --------------------------------------------------------------


def test_inputs_are_sorted_by_name_and_each_reads_its_own_upstream():
    bindings = [
        Binding("z", A, Wanted(), False, (OLD,)),
        Binding("b", B, Wanted(), False),
        Binding("deps:c", A, Wanted(), False),
    ]
    values = {A: table("of a"), B: None}
    inputs = resolve_inputs(bindings, values, {}, lambda cls: Digest(""))
    assert [(i.name, i.upstream, i.version, i.aliases) for i in inputs] == [
        ("b", B, None, ()),
        ("deps:c", A, "b3:of a", ()),
        ("z", A, "b3:of a", (OLD,)),
    ]


# --- partitions ------------------------------------------------------------------------


def test_without_partitions_the_digest_is_what_releases_without_partitions_gave():
    hexes = {name: Digest("b3:" + name * 64) for name in "dc12"}
    definition = Definition(hexes["d"], CodeVersion(hexes["c"]), {"codec": "json"}, {"n": "1"}, {})
    reads = Input("x", AssetKey("raw/x"), hexes["1"], DataVersion(hexes["1"]))
    waits = Input("deps:ready", AssetKey("ready"), hexes["2"], DataVersion(hexes["2"]))
    assert digest(reads, waits, definition=definition) == (
        "b3:08dffd143e7c087c231c33fe40beba0209156cea4c360e18fbe8fe9f10aabb5a"
    )
    assert digest(definition=definition) == "b3:755377acee18d0cd133d06de77c0b86f17ff8f863b2ded87acff4e86941ff629"


def test_the_partition_made_and_the_partitions_read_count():
    march, april = PartitionKey("2013-03"), PartitionKey("2013-04")
    all_of_them = fan_in_of({march: Digest("b3:1"), april: Digest("b3:2")})
    made_from = [
        Inputs(DEFINITION, (READS_A,)),
        Inputs(DEFINITION, (READS_A,), march),
        Inputs(DEFINITION, (READS_A,), april),
        Inputs(DEFINITION, (replace(READS_A, partition=march),)),
        Inputs(DEFINITION, (replace(READS_A, partition=march),), march),
        Inputs(DEFINITION, (replace(READS_A, version=all_of_them.digest, fan_in=all_of_them),)),
        Inputs(DEFINITION, (replace(READS_A, version=all_of_them.digest),)),
    ]
    digests = [made.digest for made in map(provenance_of, made_from) if made is not None]
    assert len(set(digests)) == len(made_from)


def test_many_partitions_are_one_input_whatever_their_order():
    march, april = PartitionKey("2013-03"), PartitionKey("2013-04")
    both = fan_in_of({march: Digest("b3:1"), april: Digest("b3:2")})
    assert both == fan_in_of({april: Digest("b3:2"), march: Digest("b3:1")})
    assert both.n == 2
    others = [
        {march: Digest("b3:1")},
        {march: Digest("b3:2"), april: Digest("b3:1")},
        {march: Digest("b3:1"), april: Digest("b3:3")},
        {march: Digest("b3:1"), PartitionKey("2013-05"): Digest("b3:2")},
    ]
    assert both.digest not in {fan_in_of(other).digest for other in others}
