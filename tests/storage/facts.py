"""Facts for tests, written short."""

from __future__ import annotations

from dataclasses import replace

from assetctl.assets.ids import AssetKey, PartitionKey, Target
from assetctl.lineage.facts.records import (
    BlobDigest,
    CheckRan,
    CodeRecorded,
    CodeVersion,
    ColumnDigest,
    DataVersion,
    Decision,
    Definition,
    Digest,
    Fact,
    FanIn,
    Forgotten,
    Input,
    MaterializationId,
    Materialized,
    Output,
    Pinned,
    Provenance,
    ProvenanceDigest,
    Purpose,
    Renamed,
    RunFinished,
    RunId,
    RunStarted,
    SourceObserved,
    StepFailed,
    Symbol,
    SymbolText,
    Trace,
    Undeclared,
    Unpinned,
    ValueIdentity,
)
from assetctl.lineage.identity.encode import digest_bytes

WHEN = "2026-01-02T03:04:05.000006+00:00"


def digest(text: str) -> Digest:
    return digest_bytes(text.encode())


def version(text: str) -> DataVersion:
    return DataVersion(digest("value " + text))


def provenance_of(text: str) -> ProvenanceDigest:
    return ProvenanceDigest(digest("provenance " + text))


def value(text: str, columns: tuple[str, ...] = ()) -> ValueIdentity:
    if not columns:
        return ValueIdentity(version(text), "json", classes=("helpers:Point",))
    described = tuple(ColumnDigest(name, "int64", digest(name + text)) for name in columns)
    return ValueIdentity(version(text), "arrow.Table", 3, described)


def output(asset: str, text: str, *, columns: tuple[str, ...] = (), inline: bytes | None = None) -> Output:
    blob = BlobDigest(digest("blob " + text))
    return Output(Target.parse(asset), value(text, columns), "json", blob, len(text), inline)


def read(name: str, upstream: str, text: str, *, is_source: bool = False, columns: tuple[str, ...] = ()) -> Input:
    return Input(name, AssetKey(upstream), digest(text), version(text), is_source, columns)


def made(
    step: str,
    text: str,
    *,
    of: str = "p1",
    inputs: tuple[Input, ...] = (),
    outputs: tuple[Output, ...] = (),
    published: bool = True,
    trace: Trace = Trace.SOUND,
    run: str = "run1",
) -> Materialized:
    """A materialization of `step` whose one output holds `text`, made from provenance `of`."""
    definition = Definition(digest("def " + of), CodeVersion(digest("code " + of)), {"codec": "json"}, {"n": "1"}, {})
    return Materialized(
        id=MaterializationId(f"m-{step}-{text}-{of}-{run}"),
        run_id=RunId(run),
        step=Target.parse(step),
        provenance=Provenance(provenance_of(of), definition, inputs, Target.parse(step).partition_key),
        outputs=outputs or (output(step, text),),
        started_at=WHEN,
        duration_s=0.25,
        published=published,
        trace=trace,
    )


def failed(step: str, *, of: str = "p1", run: str = "run1") -> StepFailed:
    return StepFailed(RunId(run), Target.parse(step), provenance_of(of), "ValueError", "no", WHEN, 0.5)


def checked(asset: str, text: str, *, check: str = "ok", passed: bool = True) -> CheckRan:
    return CheckRan(
        RunId("run1"),
        Target.parse(asset),
        check,
        digest("check " + check),
        version(text),
        passed,
        True,
        "",
        {"n": 1.5},
        WHEN,
    )


def observed(asset: str, text: str, *, columns: tuple[str, ...] = ()) -> SourceObserved:
    return SourceObserved(RunId("run1"), Target.parse(asset), value(text, columns), 12, WHEN)


def forgotten(*assets: str) -> Forgotten:
    return Forgotten(tuple(map(Target.parse, assets)), WHEN, f"rm {' '.join(assets)}")


def pinned(fact: Materialized, purpose: Purpose = Purpose.SERVE, *, asset: str = "", note: str = "") -> Pinned:
    """A pin of the (named, else first) output of a materialization."""
    held = next(o for o in fact.outputs if o.target == (asset or fact.outputs[0].target))
    return Pinned(held.target, fact.id, held.value.version, purpose, WHEN, note)


def unpinned(asset: str, fact: Materialized | None = None, purpose: Purpose = Purpose.SERVE) -> Unpinned:
    return Unpinned(Target.parse(asset), purpose, fact.id if fact is not None else None, WHEN)


def renamed(old: str, new: str) -> Renamed:
    return Renamed(AssetKey(old), AssetKey(new), WHEN)


def facts_of_partitions() -> list[Fact]:
    """Facts of every kind that can name a partition."""
    read_one = replace(read("m", "m", "1"), partition=PartitionKey("2013-01"))
    read_all = replace(read("k", "k", "1"), data_version=None, fan_in=FanIn(12, digest("twelve")))
    first = made("m[2013-01]", "1", outputs=(output("m[2013-01]", "1", columns=("x",)),))
    return [
        observed("s[2013-01]", "7", columns=("x",)),
        first,
        made("m[2013-02]", "2", of="p2", inputs=(read_one,)),
        made("m[a/b|c]", "3", of="p3"),
        made("t", "4", of="p4", inputs=(read_all, read_one)),
        failed("m[2013-03]"),
        checked("m[2013-01]", "1"),
        pinned(first),
        unpinned("m[2013-01]", first),
        pinned(first, Purpose.KEEP),
        forgotten("m[2013-02]", "c"),
        RunFinished(RunId("run3"), WHEN, "succeeded", 1.0, (Decision(Target.parse("m[2013-01]"), "fresh", ()),)),
    ]


def every_fact() -> list[Fact]:
    """Facts of every kind, with every sort of materialization: published, held back, restored, unsound."""
    symbols = (Symbol("a.fn", "function", digest("sym"), "a.py:1", "", "", digest("text")),)
    reasons = ({"kind": "code_changed"},)
    first = made("a", "1", outputs=(output("a", "1", columns=("x", "y")), output("b", "1", inline=b"7")))
    second = made("a", "2", of="p2", inputs=(read("s", "s", "1", is_source=True), read("b", "b", "1", columns=("x",))))
    return [
        RunStarted(RunId("run1"), WHEN, ("a",), "materialize a"),
        observed("s", "1", columns=("x",)),
        SymbolText(digest("text"), "def fn(): ..."),
        CodeRecorded(CodeVersion(digest("code p1")), symbols),
        first,
        checked("a", "1"),
        failed("c"),
        RunFinished(RunId("run1"), WHEN, "failed", 1.5, (Decision(Target.parse("a"), "materialized", reasons),)),
        RunStarted(RunId("run2"), WHEN, (), "materialize"),
        replace(second, metrics={"auc": 0.5}, figures={"roc": BlobDigest(digest("svg"))}, links={"mlflow": "http://x"}),
        replace(second, id=MaterializationId("m-restored"), origin=second.id, reasons=reasons),
        made("a", "3", of="p3", published=False),
        checked("a", "3", passed=False),
        made("c", "1", trace=Trace.INPUT_CHANGED),
        replace(made("c", "2", of="p9"), undeclared=(Undeclared("file", "x.csv", digest("x")),)),
        observed("s", "2"),
        forgotten("c"),
        pinned(first),
        pinned(second, Purpose.KEEP, note="the one of the paper"),
        unpinned("a", first),
        renamed("e", "d"),
        *facts_of_partitions(),
        RunFinished(RunId("run2"), WHEN, "succeeded", 2.5, (Decision(Target.parse("a"), "fresh", ()),)),
    ]
