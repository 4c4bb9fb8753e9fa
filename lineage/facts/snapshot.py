"""What the lineage store remembers, as the planner reads it.

All of it is derived from the facts in `lineage/facts/records.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from assetctl.assets.ids import AssetKey, Target
from assetctl.lineage.facts.records import (
    CheckRan,
    DataVersion,
    Digest,
    Materialized,
    Output,
    Pinned,
    Position,
    ProvenanceDigest,
    SourceObserved,
    StepFailed,
    ValueIdentity,
)


class OutputState(Enum):
    """Whether an output's bytes can be read."""

    PRESENT = "present"
    MISSING = "missing"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The latest published materialization of one target.

    `materialization` is shared by all outputs of a step; `output` is this asset's.
    """

    position: Position
    materialization: Materialized
    output: Output


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the lineage store knew at one moment, for the targets asked about.

    `failures` holds a step's last failed attempt when it is newer than the step's latest
    materialization. `checks` answers (check definition, data version) with the latest
    result. `columns` gives the columns of every upstream version that a latest
    materialization was made from. `observed` is the last observed value of each source.
    `pins` holds the pin to serve that is in force; `names` the earlier names of all assets that
    were renamed, by their present one, oldest first. What was recorded of an asset before it
    was forgotten, or before its name was given up, is in none of them but `columns`.
    """

    latest: Mapping[Target, Recorded] = field(default_factory=dict)
    failures: Mapping[Target, StepFailed] = field(default_factory=dict)
    checks: Mapping[tuple[Digest, DataVersion], CheckRan] = field(default_factory=dict)
    columns: Mapping[tuple[Target, DataVersion], ValueIdentity] = field(default_factory=dict)
    observed: Mapping[Target, SourceObserved] = field(default_factory=dict)
    pins: Mapping[Target, Pinned] = field(default_factory=dict)
    names: Mapping[AssetKey, tuple[AssetKey, ...]] = field(default_factory=dict)


Traces = Mapping[tuple[Target, ProvenanceDigest], Materialized]
"""Sound materializations of steps by (first output, provenance), the newest of each; candidates included.

One of whose outputs was forgotten since is none."""


def versions_read(materialized: Materialized) -> list[tuple[Target, DataVersion]]:
    """Return the upstream versions that a materialization was made from."""
    return [
        (given.target, given.data_version) for given in materialized.provenance.inputs if given.data_version is not None
    ]
