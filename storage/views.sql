-- The parts of the documented schema that are questions about its tables. Written by hand; their columns are
-- the classes `Asset`, `Run` and `SymbolRow` of storage/tables.py. Tables are named without their schema, which DuckDB looks up
-- where the view lies: so the views work under whatever name the file is attached.

CREATE VIEW lineage.assets AS
WITH published AS (
    SELECT asset, false AS is_source, data_version, kind, n_rows, size_bytes, id AS materialization_id, run_id,
           started_at AS recorded_at, counter, segment, published AS counts
    FROM materializations
    UNION ALL
    SELECT asset, true, data_version, kind, n_rows, size_bytes, NULL, run_id, observed_at, counter, segment, true
    FROM observations
),
totals AS (SELECT asset, count(*) AS n_records FROM published GROUP BY asset),
ended AS (
    SELECT asset, max({'counter': counter, 'segment': segment}) AS place FROM (
        SELECT asset, counter, segment FROM forgotten UNION ALL SELECT old_asset, counter, segment FROM renames)
    GROUP BY asset
),
latest AS (
    SELECT published.* FROM published LEFT JOIN ended ON ended.asset = published.asset
    WHERE counts AND (place IS NULL OR {'counter': counter, 'segment': segment} > place)
    QUALIFY row_number() OVER (PARTITION BY published.asset ORDER BY counter DESC, segment DESC) = 1
)
SELECT totals.asset, coalesce(latest.is_source, false) AS is_source, latest.data_version, latest.kind, latest.n_rows,
       latest.size_bytes, latest.materialization_id, latest.run_id, latest.recorded_at, totals.n_records,
       latest.counter, latest.segment
FROM totals LEFT JOIN latest ON latest.asset = totals.asset;

CREATE VIEW lineage.runs AS
WITH events AS (
    SELECT run_id, min(started_at) AS started_at, max(finished_at) AS finished_at, max(status) AS status,
           max(duration_s) AS duration_s, max(command) AS command, max(selection) AS selection,
           max(branch) AS branch, max("commit") AS "commit"
    FROM run_events GROUP BY run_id
),
counts AS (
    SELECT run_id, count(*) FILTER (outcome = 'materialized') AS n_materialized,
           count(*) FILTER (outcome = 'reused') AS n_reused, count(*) FILTER (outcome = 'failed') AS n_failed
    FROM steps GROUP BY run_id
)
SELECT events.run_id, coalesce(events.status, 'unfinished') AS status, events.started_at, events.finished_at,
       events.duration_s, events.command, events.selection, events.branch, events."commit", coalesce(counts.n_materialized, 0) AS n_materialized,
       coalesce(counts.n_reused, 0) AS n_reused, coalesce(counts.n_failed, 0) AS n_failed
FROM events LEFT JOIN counts ON counts.run_id = events.run_id;

CREATE VIEW lineage.symbols AS
WITH texts AS (SELECT digest, any_value(text) AS text FROM symbol_texts GROUP BY digest)
SELECT uses.counter, uses.segment, uses.ordinal, uses.code_version, uses.name, uses.kind, uses.digest, uses.defined_in,
       uses.via, coalesce(texts.text, uses.short_source) AS source
FROM symbol_uses uses LEFT JOIN texts ON texts.digest = uses.text_digest;

CREATE MACRO lineage.materializations_as_of(moment) AS TABLE
WITH ended AS (
    SELECT asset, max({'counter': counter, 'segment': segment}) AS place FROM (
        SELECT asset, counter, segment FROM lineage.forgotten WHERE forgotten_at <= CAST(moment AS TIMESTAMPTZ)
        UNION ALL
        SELECT old_asset, counter, segment FROM lineage.renames WHERE renamed_at <= CAST(moment AS TIMESTAMPTZ))
    GROUP BY asset
)
SELECT made.* FROM lineage.materializations made LEFT JOIN ended ON ended.asset = made.asset
WHERE published AND started_at <= CAST(moment AS TIMESTAMPTZ)
      AND (place IS NULL OR {'counter': counter, 'segment': segment} > place)
QUALIFY row_number() OVER (PARTITION BY made.asset ORDER BY counter DESC, segment DESC) = 1;
