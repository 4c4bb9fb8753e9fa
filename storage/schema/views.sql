-- The parts of the documented schema that are questions about its tables, in SQL that DuckDB and PostgreSQL both
-- understand; storage/schema/views.py makes each of them a view, and asks some of them "as of" an earlier moment. Written by
-- hand; the columns are those of the classes `Asset`, `Run`, `SymbolRow` and `Moment` of storage/schema/tables.py. Tables are
-- named without their schema: both look them up where the view lies.

-- view assets
WITH recorded AS (
    SELECT asset, partition, false AS is_source, data_version, kind, n_rows, size_bytes, id AS materialization_id, run_id,
           started_at AS recorded_at, counter, segment, published AS counts
    FROM materializations
    UNION ALL
    SELECT asset, partition, true, data_version, kind, n_rows, size_bytes, NULL, run_id, observed_at, counter, segment, true
    FROM observations
),
totals AS (SELECT asset, count(*) AS n_records FROM recorded GROUP BY asset),
endings AS (
    SELECT asset, partition, counter, segment FROM forgotten
    UNION ALL
    SELECT old_asset, '', counter, segment FROM renames
),
ranked AS (
    SELECT recorded.*, row_number() OVER (
        PARTITION BY recorded.asset ORDER BY recorded.counter DESC, recorded.segment DESC) AS nth
    FROM recorded
    WHERE counts AND NOT EXISTS (
        SELECT 1 FROM endings WHERE endings.asset = recorded.asset AND endings.partition IN ('', recorded.partition)
            AND (endings.counter, endings.segment) > (recorded.counter, recorded.segment))
),
latest AS (SELECT * FROM ranked WHERE nth = 1)
SELECT totals.asset, coalesce(latest.is_source, false) AS is_source, latest.data_version, latest.kind, latest.n_rows,
       latest.size_bytes, latest.materialization_id, latest.run_id, latest.recorded_at, totals.n_records,
       latest.counter, latest.segment
FROM totals LEFT JOIN latest ON latest.asset = totals.asset;

-- view runs
WITH events AS (
    SELECT run_id, min(started_at) AS started_at, max(finished_at) AS finished_at, max(status) AS status,
           max(duration_s) AS duration_s, max(command) AS command, max(selection) AS selection,
           max(branch) AS branch, max("commit") AS "commit"
    FROM run_events GROUP BY run_id
),
counts AS (
    SELECT run_id, count(*) FILTER (WHERE outcome = 'materialized') AS n_materialized,
           count(*) FILTER (WHERE outcome = 'reused') AS n_reused,
           count(*) FILTER (WHERE outcome = 'failed') AS n_failed
    FROM steps GROUP BY run_id
)
SELECT events.run_id, coalesce(events.status, 'unfinished') AS status, events.started_at, events.finished_at,
       events.duration_s, events.command, events.selection, events.branch, events."commit",
       coalesce(counts.n_materialized, 0) AS n_materialized, coalesce(counts.n_reused, 0) AS n_reused,
       coalesce(counts.n_failed, 0) AS n_failed
FROM events LEFT JOIN counts ON counts.run_id = events.run_id;

-- view symbols
WITH texts AS (SELECT digest, min(text) AS text FROM symbol_texts GROUP BY digest)
SELECT uses.counter, uses.segment, uses.ordinal, uses.code_version, uses.name, uses.kind, uses.digest, uses.defined_in,
       uses.via, coalesce(texts.text, uses.short_source) AS source
FROM symbol_uses AS uses LEFT JOIN texts ON texts.digest = uses.text_digest;

-- view moments
SELECT counter, segment, CASE WHEN outcome <> 'failed' AND duration_s BETWEEN 0 AND 1e9
                              THEN recorded_at + duration_s * INTERVAL '1 second' ELSE recorded_at END AS recorded_at
FROM steps
UNION ALL SELECT counter, segment, coalesce(finished_at, started_at) FROM run_events
UNION ALL SELECT counter, segment, ran_at FROM checks
UNION ALL SELECT counter, segment, observed_at FROM observations
UNION ALL SELECT counter, segment, recorded_at FROM pins
UNION ALL SELECT DISTINCT counter, segment, forgotten_at FROM forgotten
UNION ALL SELECT counter, segment, renamed_at FROM renames;

-- question materializations
WITH endings AS (
    SELECT asset, partition, counter, segment FROM forgotten
    UNION ALL
    SELECT old_asset, '', counter, segment FROM renames
),
ranked AS (
    SELECT made.counter, made.segment, made.asset, row_number() OVER (
        PARTITION BY made.asset, made.partition ORDER BY made.counter DESC, made.segment DESC) AS nth
    FROM materializations AS made
    WHERE made.published AND NOT EXISTS (
        SELECT 1 FROM endings WHERE endings.asset = made.asset AND endings.partition IN ('', made.partition)
            AND (endings.counter, endings.segment) > (made.counter, made.segment))
)
SELECT made.* FROM materializations AS made
JOIN ranked ON ranked.counter = made.counter AND ranked.segment = made.segment AND ranked.asset = made.asset
WHERE ranked.nth = 1;
