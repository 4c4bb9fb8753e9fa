"""What a person decides about stored versions, as JSON: forgetting, pins, new names; `storage/journal/wire.py` puts it together."""

from __future__ import annotations

from assetctl.lineage.facts.records import DataVersion, Forgotten, MaterializationId, Pinned, Purpose, Renamed, Unpinned
from assetctl.storage.journal.wire_parts import Json, read_key, read_target, without_defaults


def forgotten_to_json(fact: Forgotten) -> Json:
    partitions = [target.partition_key for target in fact.targets]
    return {
        "assets": [target.asset for target in fact.targets],
        "forgotten_at": fact.forgotten_at,
        "command": fact.command,
        **without_defaults(partitions=partitions if any(partitions) else None),
    }


def read_forgotten(found: Json) -> Forgotten:
    assets = found["assets"]
    partitions = found.get("partitions", [None] * len(assets))
    targets = tuple([read_target(asset, partition) for asset, partition in zip(assets, partitions, strict=True)])
    return Forgotten(targets, found["forgotten_at"], found["command"])


def pinned_to_json(fact: Pinned) -> Json:
    return {
        "asset": fact.target.asset,
        "materialization": fact.materialization_id,
        "data_version": fact.data_version,
        "purpose": fact.purpose.value,
        "pinned_at": fact.pinned_at,
        **without_defaults(note=fact.note, partition=fact.target.partition_key),
    }


def read_pinned(found: Json) -> Pinned:
    return Pinned(
        read_target(found["asset"], found.get("partition")),
        MaterializationId(found["materialization"]),
        DataVersion(found["data_version"]),
        Purpose(found["purpose"]),
        found["pinned_at"],
        found.get("note", ""),
    )


def unpinned_to_json(fact: Unpinned) -> Json:
    return {
        "asset": fact.target.asset,
        "purpose": fact.purpose.value,
        "unpinned_at": fact.unpinned_at,
        **without_defaults(materialization=fact.materialization_id, partition=fact.target.partition_key),
    }


def read_unpinned(found: Json) -> Unpinned:
    made = found.get("materialization")
    return Unpinned(
        read_target(found["asset"], found.get("partition")),
        Purpose(found["purpose"]),
        None if made is None else MaterializationId(made),
        found["unpinned_at"],
    )


def renamed_to_json(fact: Renamed) -> Json:
    return {"old": fact.old, "new": fact.new, "renamed_at": fact.renamed_at}


def read_renamed(found: Json) -> Renamed:
    return Renamed(read_key(found["old"]), read_key(found["new"]), found["renamed_at"])
