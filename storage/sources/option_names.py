"""What one library calls an option, another calls otherwise: the names of the same thing, for hints."""

from __future__ import annotations

from collections.abc import Collection

from assetctl.assets.hints import similar

_SAME = (
    ("sep", "delimiter", "separator"),
    ("quotechar", "quote_char"),
    ("escapechar", "escape_char"),
    ("doublequote", "double_quote"),
    ("dtype", "schema_overrides", "column_types", "dtypes"),
    ("usecols", "columns", "include_columns"),
    ("names", "new_columns", "column_names"),
    ("header", "has_header", "autogenerate_column_names"),
    ("skiprows", "skip_rows"),
    ("nrows", "n_rows", "max_rows"),
    ("na_values", "null_values"),
    ("decimal", "decimal_comma", "decimal_point"),
    ("comment", "comment_char", "comment_prefix"),
    ("parse_dates", "try_parse_dates", "timestamp_parsers"),
    ("skip_blank_lines", "ignore_empty_lines"),
    ("lineterminator", "eol_char"),
    ("on_bad_lines", "truncate_ragged_lines", "ignore_errors"),
    ("sheet_name", "sheet", "sheet_id"),
    ("sql", "query"),
)


def nearest(name: str, known: Collection[str]) -> str | None:
    """Return the option among `known` that is probably meant by a name of another library, or by a misspelt one."""
    meant = _same(name) or similar(name, (*known, *(other for names in _SAME for other in names)))
    return next((near for word in meant for near in (word, *_same(word)) if near in known), None)


def _same(name: str) -> tuple[str, ...]:
    return next((names for names in _SAME if name in names), ())
