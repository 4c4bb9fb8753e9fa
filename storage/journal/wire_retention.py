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


def read_forgotten(fields: Json) -> Forgotten:
    assets = fields["assets"]
    partitions = fields.get("partitions", [None] * len(assets))
    targets = tuple([read_target(asset, partition) for asset, partition in zip(assets, partitions, strict=True)])
    return Forgotten(targets, fields["forgotten_at"], fields["command"])


def pinned_to_json(fact: Pinned) -> Json:
    return {
        "asset": fact.target.asset,
        "materialization": fact.materialization_id,
        "data_version": fact.data_version,
        "purpose": fact.purpose.value,
        "pinned_at": fact.pinned_at,
        **without_defaults(note=fact.note, partition=fact.target.partition_key),
    }


def read_pinned(fields: Json) -> Pinned:
    return Pinned(
        read_target(fields["asset"], fields.get("partition")),
        MaterializationId(fields["materialization"]),
        DataVersion(fields["data_version"]),
        Purpose(fields["purpose"]),
        fields["pinned_at"],
        fields.get("note", ""),
    )


def unpinned_to_json(fact: Unpinned) -> Json:
    return {
        "asset": fact.target.asset,
        "purpose": fact.purpose.value,
        "unpinned_at": fact.unpinned_at,
        **without_defaults(materialization=fact.materialization_id, partition=fact.target.partition_key),
    }


def read_unpinned(fields: Json) -> Unpinned:
    made = fields.get("materialization")
    return Unpinned(
        read_target(fields["asset"], fields.get("partition")),
        Purpose(fields["purpose"]),
        None if made is None else MaterializationId(made),
        fields["unpinned_at"],
    )


def renamed_to_json(fact: Renamed) -> Json:
    return {"old": fact.old, "new": fact.new, "renamed_at": fact.renamed_at}


def read_renamed(fields: Json) -> Renamed:
    return Renamed(read_key(fields["old"]), read_key(fields["new"]), fields["renamed_at"])
