"""The lineage schema as SQLModel tables: one definition for DuckDB here and PostgreSQL for teams.

Every row comes from one fact of the journal, named by `counter` and `segment`, so the tables
can always be made again. `assets`, `runs` and `symbols` are views (`storage/schema/views.sql`); their classes
below only read. Importing this module costs most of a second, so nothing that plans or
runs does: they use `storage/schema/ddl.sql`, which a test keeps equal to it. What each column
means is in `docs/lineage-schema.md`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Double, MetaData, text
from sqlalchemy.orm import registry, relationship
from sqlmodel import Field, Relationship, SQLModel

SCHEMA = "lineage"
VIEW = {"is_view": True}

_registry = registry(metadata=MetaData(schema=SCHEMA))  # apart from the person's own models


class LineageModel(SQLModel, registry=_registry):
    """Base of every table here; `LineageModel.metadata` is the whole schema."""

    metadata: ClassVar[MetaData] = _registry.metadata


def _moment(*, nullable: bool = False) -> Any:
    return Field(sa_type=DateTime(timezone=True), nullable=nullable)


def _big(*, primary_key: bool = False, nullable: bool = False) -> Any:
    return Field(sa_type=BigInteger, primary_key=primary_key, nullable=nullable)


def _exact(*, nullable: bool = False) -> Any:
    return Field(sa_type=Double, nullable=nullable)  # a plain float would be kept in four bytes


def _partition(*, primary_key: bool = False) -> Any:
    return Field(primary_key=primary_key, sa_column_kwargs={"server_default": text("''")})


class FactRow(LineageModel, table=True):
    __tablename__ = "facts"
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    kind: str
    payload: str | None


class FoldedSegment(LineageModel, table=True):
    __tablename__ = "folded"
    segment: str = Field(primary_key=True)
    seen_bytes: int = _big()
    size_bytes: int = _big()


class Meta(LineageModel, table=True):
    __tablename__ = "meta"
    name: str = Field(primary_key=True)
    value: str


class InputRow(LineageModel, table=True):
    __tablename__ = "inputs"
    materialization_id: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    step: str
    partition: str = _partition()
    upstream: str
    upstream_partition: str = _partition()
    n_partitions: int | None = _big(nullable=True)
    version: str | None
    data_version: str | None
    is_source: bool
    column_names: str
    counter: int = _big()
    segment: str


class ColumnRow(LineageModel, table=True):
    __tablename__ = "columns"
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    asset: str = Field(primary_key=True)
    partition: str = _partition()
    ordinal: int = Field(primary_key=True)
    data_version: str
    name: str
    type: str
    digest: str
    materialization_id: str | None


class Materialization(LineageModel, table=True):
    __tablename__ = "materializations"
    id: str = Field(primary_key=True)
    asset: str = Field(primary_key=True)
    partition: str = _partition()
    step: str
    run_id: str
    data_version: str
    blob: str | None
    codec: str
    size_bytes: int = _big()
    n_rows: int | None = _big(nullable=True)
    kind: str
    basis: str
    provenance: str
    definition: str
    code_version: str
    published: bool
    trace: str
    origin: str | None
    started_at: datetime | None = _moment(nullable=True)
    duration_s: float = _exact()
    is_inline: bool
    output_index: int
    python: str
    platform: str
    counter: int = _big()
    segment: str

    inputs: list[InputRow] = Relationship(
        sa_relationship=relationship(
            "InputRow",
            primaryjoin="Materialization.id == foreign(remote(InputRow.materialization_id))",
            viewonly=True,
            order_by="InputRow.name",
        )
    )
    columns: list[ColumnRow] = Relationship(
        sa_relationship=relationship(
            "ColumnRow",
            primaryjoin=(
                "and_(Materialization.counter == foreign(remote(ColumnRow.counter)),"
                " Materialization.segment == foreign(remote(ColumnRow.segment)),"
                " Materialization.asset == foreign(remote(ColumnRow.asset)))"
            ),
            viewonly=True,
            order_by="ColumnRow.ordinal",
        )
    )


class RunEvent(LineageModel, table=True):
    __tablename__ = "run_events"
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    run_id: str
    started_at: datetime | None = _moment(nullable=True)
    command: str | None
    selection: str | None
    finished_at: datetime | None = _moment(nullable=True)
    status: str | None
    duration_s: float | None = _exact(nullable=True)
    branch: str | None
    commit: str | None


class StepRow(LineageModel, table=True):
    __tablename__ = "steps"
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    run_id: str
    step: str
    partition: str = _partition()
    outcome: str
    materialization_id: str | None
    provenance: str
    recorded_at: datetime | None = _moment(nullable=True)
    duration_s: float = _exact()
    error_type: str | None
    message: str | None
    reasons: str
    figures: str
    links: str


class CheckRow(LineageModel, table=True):
    __tablename__ = "checks"
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    run_id: str
    asset: str
    partition: str = _partition()
    name: str
    definition: str
    data_version: str
    passed: bool
    blocking: bool
    message: str
    ran_at: datetime | None = _moment(nullable=True)


class MetricRow(LineageModel, table=True):
    __tablename__ = "metrics"
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    value: float = _exact()
    run_id: str
    asset: str
    partition: str = _partition()
    materialization_id: str | None
    check_name: str | None
    recorded_at: datetime | None = _moment(nullable=True)


class SymbolUse(LineageModel, table=True):
    __tablename__ = "symbol_uses"
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    code_version: str
    name: str
    kind: str
    digest: str
    defined_in: str
    via: str
    short_source: str
    text_digest: str | None


class SymbolTextRow(LineageModel, table=True):
    __tablename__ = "symbol_texts"
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    digest: str
    text: str


class Observation(LineageModel, table=True):
    __tablename__ = "observations"
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    run_id: str
    asset: str
    partition: str = _partition()
    data_version: str
    kind: str
    basis: str
    n_rows: int | None = _big(nullable=True)
    size_bytes: int = _big()
    observed_at: datetime | None = _moment(nullable=True)


class DecisionRow(LineageModel, table=True):
    __tablename__ = "decisions"
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    asset: str = Field(primary_key=True)
    partition: str = _partition(primary_key=True)
    run_id: str
    action: str
    reasons: str


class ForgottenRow(LineageModel, table=True):
    __tablename__ = "forgotten"
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    asset: str = Field(primary_key=True)
    partition: str = _partition(primary_key=True)
    forgotten_at: datetime | None = _moment(nullable=True)
    command: str


class PinRow(LineageModel, table=True):
    __tablename__ = "pins"
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    asset: str
    partition: str = _partition()
    purpose: str
    is_lifted: bool
    materialization_id: str | None
    data_version: str | None
    recorded_at: datetime | None = _moment(nullable=True)
    note: str


class RenameRow(LineageModel, table=True):
    __tablename__ = "renames"
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    old_asset: str
    new_asset: str
    renamed_at: datetime | None = _moment(nullable=True)


class Asset(LineageModel, table=True):
    """A view: every asset and source that was ever recorded, with its latest published version."""

    __tablename__ = "assets"
    __table_args__ = {"info": VIEW}  # SQLAlchemy reads a plain dict
    asset: str = Field(primary_key=True)
    is_source: bool
    data_version: str | None
    kind: str | None
    n_rows: int | None = _big(nullable=True)
    size_bytes: int | None = _big(nullable=True)
    materialization_id: str | None
    run_id: str | None
    recorded_at: datetime | None = _moment(nullable=True)
    n_records: int = _big()
    counter: int | None = _big(nullable=True)
    segment: str | None


class SymbolRow(LineageModel, table=True):
    """A view: the symbols of each code version, each with its text."""

    __tablename__ = "symbols"
    __table_args__ = {"info": VIEW}
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    ordinal: int = Field(primary_key=True)
    code_version: str
    name: str
    kind: str
    digest: str
    defined_in: str
    via: str
    source: str


class Run(LineageModel, table=True):
    """A view: every run, its end where it has one."""

    __tablename__ = "runs"
    __table_args__ = {"info": VIEW}
    run_id: str = Field(primary_key=True)
    status: str
    started_at: datetime | None = _moment(nullable=True)
    finished_at: datetime | None = _moment(nullable=True)
    duration_s: float | None = _exact(nullable=True)
    command: str | None
    selection: str | None
    branch: str | None
    commit: str | None
    n_materialized: int = _big()
    n_reused: int = _big()
    n_failed: int = _big()


class Moment(LineageModel, table=True):
    """A view: when each fact that has a time was recorded; beneath everything "as of"."""

    __tablename__ = "moments"
    __table_args__ = {"info": VIEW}
    counter: int = _big(primary_key=True)
    segment: str = Field(primary_key=True)
    recorded_at: datetime | None = _moment(nullable=True)
