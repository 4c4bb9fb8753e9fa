"""Examine stored bytes: which are missing, corrupt, set aside or unrecorded, and what could be tidied up.

Missing bytes of earlier versions are not reported: they were cleaned up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import BlobDigest, Fact, Position
from assetctl.storage.care.findings import ERROR, NOTE, WARNING, Finding
from assetctl.storage.care.gc import orphans, stray_writes
from assetctl.storage.care.verify import Damage, Use, read_again, take_inventory
from assetctl.storage.state.layout import Layout
from assetctl.storage.values.references import References, foreign_files, stored_files, versions_in

_Facts = Sequence[tuple[Position, Fact]]


def blob_findings(layout: Layout, *, full: bool) -> Iterator[Finding]:
    """Yield blobs that are missing or corrupt, by their size or, if `full`, by their hash."""
    stored = take_inventory(layout, None)
    damages = [damage for damage in stored.damages if damage.uses]
    if full:
        damages += read_again(stored.pieces, lambda _n_bytes: None)
    for damage in damages:
        if damage.path.parent == layout.quarantine:
            continue  # a finding of its own
        use = _worst_hit(damage)
        others = {other.target for other in damage.uses} - {use.target}
        whose = f"`{use.target}`" + "".join(f", `{asset}`" for asset in sorted(others))
        build = f"`assetctl materialize {use.target}{'' if damage.is_plain else ' --force'}`"
        if damage.is_missing:
            hint = f"{build} builds it again; what was made from it stays fresh"
            yield Finding(WARNING, f"the stored bytes of {whose} are missing", str(damage.path), hint)
        else:
            hint = f"{build} builds it again" if use.is_latest else "nothing to do if that version is not needed"
            version = "" if use.is_latest else f" (version {use.data_version[:11]}, not the latest)"
            what = f"the stored bytes of {whose}{version} are not what was recorded: {damage.what}"
            yield Finding(ERROR, what, str(damage.path), hint)


def _worst_hit(damage: Damage) -> Use:
    return max(damage.uses, key=lambda use: use.is_latest)


def quarantine_findings(layout: Layout, facts: _Facts) -> Iterator[Finding]:
    """Yield what was found corrupt and set aside: an error while nothing has taken its place."""
    if not layout.quarantine.is_dir():
        return
    references = References(layout)
    owners: dict[str, Target] = {}
    stored = stored_files(layout)
    for version in versions_in(facts):
        owners.update({digest.removeprefix("b3:"): version.output.target for digest in references.of(version)})
    for path in sorted(layout.quarantine.iterdir()):
        asset = owners.get(path.name)
        if asset is not None and BlobDigest(f"b3:{path.name}") not in stored:
            hint = f"`assetctl materialize {asset}` builds them again; delete this file once you have looked at it"
            yield Finding(ERROR, f"the stored bytes of `{asset}` were corrupt and were set aside", str(path), hint)
        else:
            hint = "what it belonged to was built again, or has no record; delete it once you have looked at it"
            yield Finding(NOTE, "corrupt bytes that were set aside", str(path), hint)


def tidiness_findings(layout: Layout, facts: _Facts) -> Iterator[Finding]:
    """Yield blobs without a record, unfinished writes, and files that are not ours."""
    references = References(layout)
    recorded = {digest for version in versions_in(facts) for digest in references.of(version)}
    without_record = list(orphans(layout, recorded))
    tidy = "`assetctl gc` shows what can go, and removes it when told to"
    if without_record:
        size = sum(file.size_bytes for file in without_record)
        what = f"{len(without_record)} stored blobs have no record ({size} bytes)"
        yield Finding(NOTE, what, str(layout.blobs), tidy)
    for stray in stray_writes(layout, time.time()):
        yield Finding(NOTE, stray.why, str(stray.path), tidy)
    for path in foreign_files(layout):
        yield Finding(WARNING, "a file that assetctl did not put there", str(path), "move it out of the store")
