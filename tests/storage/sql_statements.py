"""Statements of every kind that DuckDB has, wrapped in each other, on files and folders of every kind."""

from __future__ import annotations

import random
from collections.abc import Iterator

INSIDE = ["inside.csv", "./inside.csv", "new.csv", "*.csv", "sub/new.parquet", "inside.duckdb", "inside.json"]
OUTSIDE = ["../outside.csv", "{outside}", "sub/../../outside.csv", "link.csv", "/proc/self/environ", "{port}/x.csv",
           "file://{outside}", "../*.csv", "/etc/passwd", "~/.bashrc", "s3://bucket/x.parquet", ".assetctl/lineage.duckdb"]  # fmt: skip
READERS = ["read_csv", "read_csv_auto", "read_parquet", "read_text", "read_blob", "read_json", "glob", "sniff_csv",
           "parquet_metadata", "read_duckdb", "read_ndjson", "parquet_schema"]  # fmt: skip
EFFECTS = ["enable_logging(storage = 'file', storage_path = {file})", "enable_profiling(save_location = {file})",
           "checkpoint()", "force_checkpoint()", "query({text})", "json_execute_serialized_sql(json_serialize_sql({text}))",
           "truncate_duckdb_logs()", "create_external_resource()", "duckdb_secrets()", "which_secret({file}, 's3')",
           "query_table({file})", "duckdb_settings()"]  # fmt: skip
SCALARS = ["write_log({file})", "setseed(0.5)", "nextval({file})", "getenv('HOME')", "current_setting('temp_directory')",
           "1", "count(*)", "upper({file})", "random()"]  # fmt: skip
COMMENTS = ["", "", "", " /* ) */ ", " -- copy\n", " /* /* */ */ ", "\t", " --)\n"]


class Statements:
    """Makes statements from a seed; `places` are what the names in braces above stand for."""

    def __init__(self, seed: int, places: dict[str, str]) -> None:
        self._random = random.Random(seed)
        self._places = places

    def __iter__(self) -> Iterator[str]:
        while True:
            yield self._statement(3)

    def _one(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _file(self) -> str:
        name = self._random.choice(INSIDE if self._random.random() < 0.5 else OUTSIDE)
        for place, value in self._places.items():
            name = name.replace("{" + place + "}", value)
        if self._random.random() < 0.1:
            half = len(name) // 2
            return f"'{name[:half]}' || '{name[half:]}'"
        return f"'{name}'"

    def _c(self) -> str:
        return self._random.choice(COMMENTS)

    def _table(self, depth: int) -> str:
        kind = self._random.randrange(8)
        if kind < 2:
            return self._one("t", "t", "lineage.facts", "store.lineage.facts", "duckdb_tables()")
        if kind < 4:
            return f"{self._one(*READERS)}({self._c()}{self._file()})"
        if kind < 5:
            name = self._file()
            return name if "||" not in name else "t"
        if kind < 6:
            text = "'" + self._statement(0).replace("'", "''") + "'"
            return self._one(*EFFECTS).format(file=self._file(), text=text)
        return f"({self._query(depth - 1)})" if depth else "t"

    def _query(self, depth: int) -> str:
        table = self._table(depth)
        scalar = self._one(*SCALARS).format(file=self._file())
        cte = self._one("insert into t values (1) returning *", "from t", "delete from t returning *", f"from {table}")
        return self._one(
            f"select{self._c()} {scalar} from {table}",
            f"from {table}",
            f"with a as ({cte}) from a" if depth else "select 1",
            f"with a as ({cte}) {self._statement(depth - 1)}" if depth > 1 else "values (1)",
            f"pivot{self._c()} {table} on a using count(*)",
            f"pivot {table} on a in (select a from {self._table(0)}) using {scalar}",
            f"select * from (pivot {table} on a, b group by c)",
            f"unpivot {table} on a",
            f"summarize {table}",
            f"describe {table}",
            f"from t where exists (from {table}) union all by name from t",
        )

    def _statement(self, depth: int) -> str:
        query = self._query(max(depth - 1, 0))
        file = self._file()
        inner = self._statement(depth - 1) if depth > 0 else "insert into t values (1)"
        return self._c() + self._one(
            query,
            query,
            f"explain{self._c()} {inner}",
            f"explain analyze{self._c()} {inner}",
            f"explain (analyze{self._c()}) {inner}",
            f"explain (analyze, format json) {inner}",
            f"copy ({query}) to {file}",
            f"copy ({query}) to {file} (format csv, use_tmp_file false)",
            f"copy t to {file}",
            f"copy t from {file}",
            f"export database {file}",
            f"import database {file}",
            f"attach {file} as other",
            f"create or replace table t2 as {query}",
            f"create view v as {query}",
            f"create secret (type s3)",  # noqa: F541
            f"insert into store.lineage.facts {query}",
            "delete from store.lineage.facts",
            "update store.lineage.facts set counter = 1",
            "merge into t using t as s on true when matched then delete",
            "drop table store.lineage.facts",
            f"{inner};{self._c()}{inner}",
            f"{query};{self._c()}",
            f"({query})",
            f"prepare p as {inner}",
            "execute p",
            f"call {self._one(*EFFECTS).format(file=file, text=file)}",
            f"pragma {self._one('database_list', 'enable_profiling', 'force_checkpoint')}",
            f"set {self._one('temp_directory', 'secret_directory', 'allowed_directories', 'log_query_path')} = {file}",
            f"{self._one('install', 'load')} {self._one('httpfs', 'sqlite', file)}",
            "vacuum",
            "checkpoint store",
            f"use {self._one('memory', 'store')}",
            "begin",
            "commit",
        )
