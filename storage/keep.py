"""Which recorded versions keep their bytes: the rules of cleaning up, as a pure function of the records.

Whatever the rules, these keep them: the latest published version of every asset that
exists, and what was made but not published since. Records themselves are never removed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from assetctl.assets.ids import AssetKey
from assetctl.storage.references import Version

_DAY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class KeepRules:
    """Which versions keep their bytes. With neither of the first two, all that was recorded is kept.

    `keep_last`: this many different values of each asset, newest first. `younger_than_s`:
    versions made in the last so many seconds. A version is kept if either rule keeps it.
    `drop_removed`: assets that are no longer declared keep nothing. `grace_s`: blobs
    without a record are left alone for so many seconds.
    """

    keep_last: int | None = None
    younger_than_s: float | None = None
    drop_removed: bool = False
    grace_s: float = _DAY_S


@dataclass(frozen=True, slots=True)
class Keeping:
    """What the rules say of each recorded version; those dropped come with the reason, in words."""

    kept: tuple[Version, ...]
    dropped: tuple[tuple[Version, str], ...]


def judge_versions(
    versions: Iterable[Version], declared: Collection[AssetKey] | None, rules: KeepRules, now: float
) -> Keeping:
    """Return which versions keep their bytes. `declared` are the assets that exist (None: all that were recorded).

    `now` is seconds since 1970: age decides how long bytes are kept, never what is true.
    """
    kept: list[Version] = []
    dropped: list[tuple[Version, str]] = []
    for asset, of_asset in _by_asset(versions).items():
        exists = declared is None or asset in declared
        keeping = set(map(id, _kept_versions(of_asset, exists=exists, rules=rules, now=now)))
        why = _reason(asset, exists=exists, rules=rules)
        for version in of_asset:
            if id(version) in keeping:
                kept.append(version)
            else:
                dropped.append((version, why))
    return Keeping(tuple(kept), tuple(dropped))


def _by_asset(versions: Iterable[Version]) -> dict[AssetKey, list[Version]]:
    found: dict[AssetKey, list[Version]] = {}
    for version in versions:
        found.setdefault(version.output.asset, []).append(version)
    return found


def _kept_versions(versions: list[Version], *, exists: bool, rules: KeepRules, now: float) -> list[Version]:
    """Return the versions of one asset that keep their bytes."""
    if rules.drop_removed and not exists:
        return []
    if rules.keep_last is None and rules.younger_than_s is None:
        return versions
    newest_first = sorted(versions, key=lambda version: version.position, reverse=True)
    values = list(dict.fromkeys(version.output.blob for version in newest_first))
    last = set(values[: rules.keep_last or 0])
    keeping = []
    is_past_latest = False
    for version in newest_first:
        if not is_past_latest or version.output.blob in last or _is_young(version, rules, now):
            keeping.append(version)
        is_past_latest = is_past_latest or version.materialization.published
    return keeping


def _is_young(version: Version, rules: KeepRules, now: float) -> bool:
    if rules.younger_than_s is None:
        return False
    try:
        made = datetime.fromisoformat(version.materialization.started_at).timestamp()
    except ValueError:
        return True  # of unknown age
    return now - made < rules.younger_than_s


def _reason(asset: AssetKey, *, exists: bool, rules: KeepRules) -> str:
    if rules.drop_removed and not exists:
        return f"`{asset}` is no longer declared"
    return f"an earlier version of `{asset}` that no rule keeps"
