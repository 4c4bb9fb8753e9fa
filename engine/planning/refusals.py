"""What a plan is refused for before anything is decided, and what the person's own probes say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from assetctl.assets.errors import DeclarationError, Problem, SelectionError
from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.lineage.deciding.decide import Identified, Request
from assetctl.lineage.facts.records import Pinned
from assetctl.lineage.facts.snapshot import Snapshot
from assetctl.lineage.graph.asset_graph import AssetGraph


def refuse_dynamic(graph: AssetGraph, identified: Mapping[AssetKey, Identified]) -> None:
    """Refuse code whose control flow cannot be resolved, as the project's setting asks."""
    problems = [
        Problem(
            "dynamic-code",
            f"asset `{key}` has code that cannot be followed",
            (("declared in", graph.steps[key].where), *(("at", place) for place in identity.code.dynamic)),
            'name what it uses in `code_deps`, or set `dynamic = "warn"` or "always" in pyproject.toml',
        )
        for key, identity in identified.items()
        if identity.code.dynamic
    ]
    if problems:
        raise DeclarationError(*problems)


def refuse_nothing(graph: AssetGraph, entries: Sequence[str]) -> None:
    """Refuse to plan for a project that declares no asset: what was meant was not found."""
    if not graph.steps:
        raise DeclarationError(
            Problem(
                "nothing-declared",
                "this project declares no assets, so there is nothing to build",
                (("looked in", ", ".join(entries)), ("sources", str(len(graph.sources)))),
                "put `@asset` above a function in one of these files, or name the right ones under `assets`",
            )
        )


def gone_outside(graph: AssetGraph, keys: Collection[AssetKey]) -> set[AssetKey]:
    """Return the assets whose own probe says that what they did outside is not there any more."""
    steps = {graph.steps[key].key: graph.steps[key] for key in keys if key in graph.steps}  # some are sources now
    probes = [(step, step.declaration.options.exists) for step in steps.values()]
    return {key for step, exists in probes if exists is not None and not exists() for key in step.outputs}


def require_recorded(graph: AssetGraph, request: Request, borders: Collection[AssetKey], snapshot: Snapshot) -> None:
    """Refuse to act on assets whose upstreams are left alone and were never materialized."""
    missing = sorted(u for u in borders if u in graph.steps and whole(u) not in snapshot.latest)
    if missing:
        raise SelectionError(
            *(
                Problem(
                    "never-materialized",
                    f"`{key}` was never materialized, and this selection leaves it alone",
                    (("read by", ", ".join(sorted(t for t in request.scope if key in graph.upstream(t.asset)))),),
                    f"build it first with `assetctl materialize {key}`",
                )
                for key in missing
            )
        )


def spare_pinned(graph: AssetGraph, request: Request, pins: Mapping[Target, Pinned]) -> Request:
    """Return the request without forcing what is pinned; refuse it where a person selected that.

    Raises:
        SelectionError: with every pinned asset that was selected together with `--force`.
    """
    pinned = {output for key in pins if key.asset in graph.steps for output in graph.steps[key.asset].targets}
    forced = sorted(request.forced & pinned)
    if forced and request.named:
        raise SelectionError(
            *(
                Problem(
                    "pinned",
                    f"`{key}` is pinned, so it is not forced",
                    (("pinned to", pin.data_version), ("since", pin.pinned_at)),
                    f"lift the pin with `assetctl rollback {key} --lift`, or leave it out with `--exclude {key}`",
                )
                for key in forced
                for pin in (pins.get(key) or next(pins[o] for o in graph.steps[key.asset].targets if o in pins),)
            )
        )
    return replace(request, forced=request.forced - pinned)
