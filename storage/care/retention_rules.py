"""Which recorded versions keep their bytes: the retention rules, as a pure function of the records.

Whatever the rules say, three kinds of versions keep them: those that a person pinned, the
latest published version of every asset that exists, and those made since but not published. A
renamed asset is one asset. Forgotten versions keep nothing. Records themselves are never removed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from assetctl.assets.ids import AssetKey, Target
from assetctl.lineage.facts.moments import moment_of
from assetctl.lineage.facts.records import Fact, Forgotten, Materialized, Position, Renamed, RunId, RunStarted
from assetctl.lineage.facts.retention import is_among, pins_in_force
from assetctl.storage.values.references import Version, versions_in

_DAY_S = 24 * 3600.0
_Branches = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class KeepRules:
    """Which versions keep their bytes. With none of the first three, all that was recorded is kept.

    `keep_last`: this many different values of each asset, newest first. `younger_than_s`:
    versions made in the last so many seconds. `branches`: for each of these git branches,
    the version of each asset that was published last on it, or at a commit that it holds.
    A version is kept if any rule keeps it. `drop_removed`: assets that are no longer
    declared keep nothing but what is pinned. `grace_s`: blobs without a record are left
    alone for so many seconds.
    """

    keep_last: int | None = None
    younger_than_s: float | None = None
    branches: _Branches | None = None
    drop_removed: bool = False
    grace_s: float = _DAY_S

    @property
    def has_limit(self) -> bool:
        return not (self.keep_last is None and self.younger_than_s is None and self.branches is None)


@dataclass(frozen=True, slots=True)
class Keeping:
    """What the rules say of each recorded version, under the name its asset has now; those dropped with the reason."""

    kept: tuple[tuple[Target, Version], ...]
    dropped: tuple[tuple[Target, Version, str], ...]


@dataclass(slots=True)
class _Histories:
    """The versions of each asset under its present name, oldest first, and those that were forgotten."""

    of: dict[Target, list[Version]] = field(default_factory=dict)
    forgotten: list[tuple[Target, Version]] = field(default_factory=list)


def judge_versions(
    facts: Sequence[tuple[Position, Fact]], declared: Mapping[AssetKey, AssetKey] | None, rules: KeepRules, now: float
) -> Keeping:
    """Return which versions keep their bytes.

    `declared` maps the assets that exist, and their earlier names, to their keys (None:
    all that were recorded exist). `now` is seconds since 1970: age decides how long bytes
    are kept, never what is true.
    """
    ordered = sorted(facts, key=lambda placed: placed[0])
    histories = _histories(ordered, declared or {})
    pinned = {pin.materialization_id for pin in pins_in_force(ordered)}
    runs = {fact.run_id: fact for _, fact in ordered if isinstance(fact, RunStarted)}
    kept: list[tuple[Target, Version]] = []
    dropped = [(key, version, f"`{key}` was forgotten") for key, version in histories.forgotten]
    for target, versions in histories.of.items():
        exists = declared is None or target.asset in declared
        if rules.drop_removed and not exists:
            keeping, why = [], f"`{target}` is no longer declared"
        else:
            keeping, why = (
                _kept_versions(versions, runs, rules, now),
                f"an earlier version of `{target}` that no rule keeps",
            )
        chosen = {id(version) for version in keeping}
        for version in versions:
            if id(version) in chosen or version.materialization.id in pinned:
                kept.append((target, version))
            else:
                dropped.append((target, version, why))
    return Keeping(tuple(kept), tuple(dropped))


def _histories(ordered: Iterable[tuple[Position, Fact]], names: Mapping[AssetKey, AssetKey]) -> _Histories:
    histories = _Histories()
    of = histories.of
    for position, fact in ordered:
        match fact:
            case Materialized():
                for version in versions_in([(position, fact)]):
                    of.setdefault(_present(version.output.target, names), []).append(version)
            case Renamed(old, new):
                before, after = names.get(old, old), names.get(new, new)
                for target in [target for target in of if target.asset == before]:
                    moved = of.pop(target)
                    of.setdefault(Target(after, target.partition_key), []).extend(moved)
            case Forgotten(targets):
                present = {_present(target, names): target for target in targets}
                for target in [target for target in of if is_among(target, present.keys())]:
                    named = present.get(target, target)
                    histories.forgotten.extend((named, version) for version in of.pop(target))
            case _:
                continue
    for versions in of.values():
        versions.sort(key=lambda version: version.position)
    return histories


def _present(target: Target, names: Mapping[AssetKey, AssetKey]) -> Target:
    return Target(names.get(target.asset, target.asset), target.partition_key)


def _kept_versions(
    versions: list[Version], runs: Mapping[RunId, RunStarted], rules: KeepRules, now: float
) -> list[Version]:
    """Return the versions of one asset that the rules keep."""
    if not rules.has_limit:
        return versions
    newest_first = versions[::-1]
    values = list(dict.fromkeys(version.output.blob for version in newest_first))
    last = set(values[: rules.keep_last or 0])
    last |= {version.output.blob for version in _on_branches(newest_first, runs, rules.branches or {})}
    keeping = []
    is_past_latest = False
    for version in newest_first:
        if not is_past_latest or version.output.blob in last or _is_young(version, rules, now):
            keeping.append(version)
        is_past_latest = is_past_latest or version.materialization.published
    return keeping


def _on_branches(
    newest_first: Collection[Version], runs: Mapping[RunId, RunStarted], branches: _Branches
) -> Iterable[Version]:
    """Yield, for each branch, the version that was published last on it."""
    for branch, commits in branches.items():
        for version in newest_first:
            run = runs.get(version.materialization.run_id)
            is_there = run is not None and (run.branch == branch or run.commit in commits)
            if is_there and version.materialization.published:
                yield version
                break


def _is_young(version: Version, rules: KeepRules, now: float) -> bool:
    if rules.younger_than_s is None:
        return False
    made = moment_of(version.materialization.started_at)
    return made is None or now - made.timestamp() < rules.younger_than_s  # None: of unknown age
