"""Say whether a text is one query that only reads, judged by DuckDB's own tree of it.

What is let through is a list of what reads; everything else is refused:

- one statement, which DuckDB's parser calls a `SELECT` (in all its forms) and can show as a tree
- in the tree, only nodes and table functions of the lists below; a `WITH` may hold an `INSERT`,
  and a table function may write a log
- files that are named in the text itself, so that the connection can be closed to all others

`EXPLAIN` is taken off word by word and put back before what was judged, so that nothing can hide
between it and its statement. A `PIVOT` that finds its columns by itself is several statements to
DuckDB; it is judged as the one it would be if its columns were written out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from assetctl.assets.errors import Problem, SelectionError
from assetctl.storage.lineage_store.folding import Connection
from assetctl.storage.schema.views import AS_OF, POINTS

_QUERIES = frozenset(("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"))
_RELATIONS = frozenset(
    ("BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "PIVOT", "SHOW_REF", "CTE")
)
_FILE_FUNCTIONS = frozenset(
    [
        "glob",
        "parquet_bloom_probe",
        "parquet_file_metadata",
        "parquet_full_metadata",
        "parquet_kv_metadata",
        "parquet_metadata",
        "parquet_scan",
        "parquet_schema",
        "read_blob",
        "read_csv",
        "read_csv_auto",
        "read_json",
        "read_json_auto",
        "read_json_objects",
        "read_json_objects_auto",
        "read_ndjson",
        "read_ndjson_auto",
        "read_ndjson_objects",
        "read_parquet",
        "read_text",
        "sniff_csv",
    ]
)
_TABLE_FUNCTIONS = _FILE_FUNCTIONS.union(
    [
        "duckdb_columns",
        "duckdb_constraints",
        "duckdb_databases",
        "duckdb_functions",
        "duckdb_indexes",
        "duckdb_keywords",
        "duckdb_schemas",
        "duckdb_tables",
        "duckdb_types",
        "duckdb_views",
        "generate_series",
        "histogram",
        "histogram_values",
        "icu_calendar_names",
        "json_each",
        "json_tree",
        "pg_timezone_names",
        "pragma_collations",
        "pragma_platform",
        "pragma_show",
        "pragma_table_info",
        "pragma_version",
        "range",
        "repeat",
        "repeat_row",
        "summary",
        "unnest",
    ],
    (f"{table}_{point}" for table in AS_OF for point in POINTS),
)
_REFUSED_FUNCTIONS = frozenset(
    ["current_setting", "currval", "getenv", "getvariable", "nextval", "setseed", "setval", "sleep_ms", "write_log"]
)
"""Of those that give one value: the ones that change something, wait, or tell of more than data."""

_EXPLAIN_WORDS = frozenset(
    ["analyze", "format", "json", "text", "html", "graphviz", "yaml", "mermaid", "default", "true", "false", ",", "="]
)
_PIVOTS = frozenset(("pivot", "pivot_wider"))
_AFTER_PIVOT = frozenset(("using", "group", "order", "limit", "offset", "union", "except", "intersect", "where"))


@dataclass(frozen=True, slots=True)
class Token:
    """A word or sign of a query: its place in bytes, in lower case, and how many parentheses are open around it."""

    start: int
    end: int
    text: str
    depth: int


class Tokenize(Protocol):
    """Splits a query as DuckDB does: where each word and sign begins, in bytes, and its kind."""

    def __call__(self, query: str, /) -> Sequence[tuple[int, Any]]: ...


@dataclass(frozen=True, slots=True)
class Query:
    """A text that only reads: as it may be executed, and the names and texts in it that may be files."""

    text: str
    tables: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()

    def with_files_of(self, others: Sequence[Query]) -> Query:
        """Return this query, naming also what others name."""
        tables = self.tables.union(*(other.tables for other in others))
        return Query(self.text, tables, self.files.union(*(other.files for other in others)))


def checked(con: Connection, tokenize: Tokenize, sql: str) -> Query:
    """Return what may be executed of a text.

    Raises:
        SelectionError: it is not one statement that only reads; the message names what it is.
        duckdb.Error: it is no SQL.
    """
    statements = con.extract_statements(sql)
    if len(statements) != 1:
        how_many = "no statement" if not statements else f"{len(statements)} statements"
        raise SelectionError(
            Problem("not-one-statement", f"this is {how_many}; `sql` answers one at a time", (("query", sql),))
        )
    kind = statements[0].type.name
    tokens = _tokens(tokenize, sql)
    if tokens and tokens[0].text == "explain":
        prefix, start = _explain(tokens)
        inner = checked(con, tokenize, sql.encode("utf-8", "replace")[start:].decode())
        return Query(f"{prefix}\n{inner.text}", inner.tables, inner.files)
    if kind == "SELECT":
        return _of_tree(con, sql, sql)
    if kind == "MULTI":
        return _pivot(con, tokenize, sql)
    raise _writes(kind.replace("_", " "), sql)


def _pivot(con: Connection, tokenize: Tokenize, sql: str) -> Query:
    """Judge a query with a `PIVOT` that finds its columns by itself, as if they were written out."""
    static, column_queries = _with_columns_written_out(_tokens(tokenize, sql), sql)
    try:
        kinds = [statement.type.name for statement in con.extract_statements(static)]
        inner = [checked(con, tokenize, query) for query in column_queries]
    except SelectionError:
        raise
    except Exception:  # noqa: BLE001  DuckDB's parser refuses it: it cannot be judged
        kinds, inner = [], []
    if kinds != ["SELECT"]:
        raise _writes(
            kinds[0].replace("_", " ") if len(kinds) == 1 and kinds != ["MULTI"] else "several statements", sql
        )
    return _of_tree(con, static, sql).with_files_of(inner)


def _of_tree(con: Connection, judged: str, sql: str) -> Query:
    (text,) = con.execute("SELECT json_serialize_sql(?::VARCHAR)", [judged]).fetchall()[0]
    tree = json.loads(text)
    if tree["error"] or len(tree["statements"]) != 1:
        raise _writes(f"a statement that cannot be judged ({tree.get('error_message', 'not one query')})", sql)
    tables: set[str] = set()
    files: set[str] = set()
    for node in _nodes(tree["statements"][0]["node"]):
        flaw = _flaw(node)
        if flaw is not None:
            raise _writes(flaw, sql)
        if node.get("type") == "BASE_TABLE":
            tables.add(node["table_name"])
        elif node.get("type") == "TABLE_FUNCTION" and _name_of(node["function"]) in _FILE_FUNCTIONS:
            files.update(_file_names(node["function"], sql))
    return Query(sql, frozenset(tables), frozenset(files))


def _nodes(value: object) -> Iterator[Mapping[str, Any]]:
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _flaw(node: Mapping[str, Any]) -> str | None:
    """Return what a part of the tree does besides reading, or None."""
    kind = node.get("type")
    if isinstance(kind, str) and "class" not in node:
        if kind.endswith("_NODE") and kind not in _QUERIES:
            return kind.removesuffix("_NODE").removesuffix("_QUERY").replace("_", " ")
        if "sample" in node and "alias" in node and kind not in _RELATIONS:
            return f"a query with {kind.replace('_', ' ')}"
    if kind == "TABLE_FUNCTION" and "function" in node and _name_of(node["function"]) not in _TABLE_FUNCTIONS:
        return f"a query with the function `{_name_of(node['function'])}`, which `sql` does not know as one that reads"
    if "function_name" in node and _name_of(node) in _REFUSED_FUNCTIONS:
        return f"a query with the function `{_name_of(node)}`"
    return None


def _name_of(function: Mapping[str, Any]) -> str:
    return str(function.get("function_name", "")).lower()


def _file_names(function: Mapping[str, Any], sql: str) -> set[str]:
    """Return the files that a table function is asked to read."""
    arguments = function.get("arguments") or [{"expression": None}]
    names = _texts(arguments[0].get("expression"))
    if names is None:
        problem = "the name of a file is written out in a query; it cannot be computed"
        raise SelectionError(Problem("file-outside", problem, (("query", sql),)))
    return names


def _texts(expression: Any) -> set[str] | None:
    """Return the texts that an argument consists of; None if it is anything but a text or a list of them."""
    match expression:
        case {"class": "CONSTANT", "literal": {"kind": "STRING", "text": str(text)}}:
            return {text}
        case {"class": "COLUMN_REF", "column_names": [str(text)]}:  # in double quotes, which DuckDB takes too
            return {text}
        case {"class": "FUNCTION", "function_name": "list_value", "arguments": list(items)}:
            each = [_texts(item.get("expression")) for item in items]
            return None if any(one is None for one in each) else {text for one in each for text in one or ()}
    return None


def _writes(what: str, sql: str) -> SelectionError:
    hint = "`-o FILE` writes the rows of a query to a file; `assetctl get ASSET -o FILE` hands out a copy of an asset"
    return SelectionError(Problem("query-writes", f"`sql` only reads, and this is {what}", (("query", sql),), hint))


# --- words and signs -------------------------------------------------------------------


def _tokens(tokenize: Tokenize, sql: str) -> list[Token]:
    data = sql.encode("utf-8", "replace")
    starts = [(start, kind.name) for start, kind in tokenize(data.decode())]
    tokens: list[Token] = []
    depth = 0
    for n, (start, kind) in enumerate(starts):
        end = starts[n + 1][0] if n + 1 < len(starts) else len(data)
        text = data[start:end].decode("utf-8", "replace").rstrip()
        if kind == "comment":
            continue
        depth -= text in (")", "]", "}")
        is_word = kind in ("keyword", "operator", "identifier") and not text.startswith('"')
        tokens.append(Token(start, start + len(text.encode()), text.lower() if is_word else "", depth))
        depth += text in ("(", "[", "{")
    return tokens


def _explain(tokens: Sequence[Token]) -> tuple[str, int]:
    """Return an `EXPLAIN` with its options as we write it, and where what it explains begins."""
    words = ["EXPLAIN"]
    at = 1
    if len(tokens) > at and tokens[at].text == "analyze":
        words.append("ANALYZE")
        at += 1
    if len(tokens) > at and tokens[at].text == "(":
        depth = tokens[at].depth
        end = next((n for n in range(at + 1, len(tokens)) if tokens[n].depth == depth), at)
        options = [token.text for token in tokens[at + 1 : end]]
        if options and all(option in _EXPLAIN_WORDS for option in options):
            words.append(f"({' '.join(options)})")
            at = end + 1
    return " ".join(words), tokens[at].start if len(tokens) > at else tokens[-1].end


def _with_columns_written_out(tokens: Sequence[Token], sql: str) -> tuple[str, list[str]]:
    """Return a query in which each `PIVOT … ON` has a list of values, and the queries that stood for one."""
    data = sql.encode("utf-8", "replace")
    edits: list[tuple[int, int, str]] = []
    queries: list[str] = []
    for n, token in enumerate(tokens):
        if token.text in _PIVOTS:
            for first, last in _columns_of_pivot(tokens, n):
                edits.extend(_written_out(tokens[first:last], data, queries))
    for start, end, text in sorted(edits, reverse=True):
        data = data[:start] + text.encode() + data[end:]
    return data.decode("utf-8", "replace"), queries


def _columns_of_pivot(tokens: Sequence[Token], at: int) -> Iterator[tuple[int, int]]:
    """Yield from where to where each column of a pivot's `ON` goes."""
    depth = tokens[at].depth
    on: int | None = None
    end = len(tokens)
    for n in range(at + 1, len(tokens)):
        token = tokens[n]
        if token.depth < depth or token.text == ";" or (on is not None and _ends_columns(token, depth)):
            end = n
            break
        if token.depth == depth and token.text == "on":  # the last one: those of joins come before
            on = n
    if on is None:
        return
    first = on + 1
    for n in range(first, end + 1):
        if n == end or (tokens[n].depth == depth and tokens[n].text == ","):
            if n > first:
                yield first, n
            first = n + 1


def _ends_columns(token: Token, depth: int) -> bool:
    return token.depth == depth and token.text in _AFTER_PIVOT


def _written_out(column: Sequence[Token], data: bytes, queries: list[str]) -> Iterator[tuple[int, int, str]]:
    depth = column[0].depth
    is_in = next((n for n, token in enumerate(column) if token.text == "in" and token.depth == depth), None)
    if is_in is None:
        yield column[0].start, column[0].start, "("
        yield column[-1].end, column[-1].end, ") IN (0)"
    elif column[is_in + 1 :] and column[is_in + 1].text == "(":
        inside = column[is_in + 2 : -1]
        if inside and inside[0].text in ("select", "from", "with", "values", "("):
            queries.append(data[inside[0].start : inside[-1].end].decode("utf-8", "replace"))
            yield inside[0].start, inside[-1].end, "0"
        yield column[0].start, column[0].start, "("
        yield column[is_in].start, column[is_in].start, ") "
