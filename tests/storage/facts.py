"""Facts for tests, written short."""

from __future__ import annotations

from assetctl.assets.ids import AssetKey
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.lineage.records import (
    BlobDigest,
    CheckRan,
    CodeVersion,
    ColumnDigest,
    DataVersion,
    Definition,
    Digest,
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
    RunId,
    SourceObserved,
    StepFailed,
    Trace,
    Unpinned,
    ValueIdentity,
)

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
    return Output(AssetKey(asset), value(text, columns), "json", blob, len(text), inline)


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
        step=AssetKey(step),
        provenance=Provenance(provenance_of(of), definition, inputs),
        outputs=outputs or (output(step, text),),
        started_at=WHEN,
        duration_s=0.25,
        published=published,
        trace=trace,
    )


def failed(step: str, *, of: str = "p1", run: str = "run1") -> StepFailed:
    return StepFailed(RunId(run), AssetKey(step), provenance_of(of), "ValueError", "no", WHEN, 0.5)


def checked(asset: str, text: str, *, check: str = "ok", passed: bool = True) -> CheckRan:
    return CheckRan(
        RunId("run1"),
        AssetKey(asset),
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
    return SourceObserved(RunId("run1"), AssetKey(asset), value(text, columns), 12, WHEN)


def forgotten(*assets: str) -> Forgotten:
    return Forgotten(tuple(map(AssetKey, assets)), WHEN, f"rm {' '.join(assets)}")


def pinned(fact: Materialized, purpose: Purpose = Purpose.SERVE, *, asset: str = "", note: str = "") -> Pinned:
    """A pin of the (named, else first) output of a materialization."""
    found = next(o for o in fact.outputs if o.asset == (asset or fact.outputs[0].asset))
    return Pinned(found.asset, fact.id, found.value.version, purpose, WHEN, note)


def unpinned(asset: str, fact: Materialized | None = None, purpose: Purpose = Purpose.SERVE) -> Unpinned:
    return Unpinned(AssetKey(asset), purpose, fact.id if fact is not None else None, WHEN)


def renamed(old: str, new: str) -> Renamed:
    return Renamed(AssetKey(old), AssetKey(new), WHEN)
