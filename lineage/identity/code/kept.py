"""Write what is known of a file's text as bytes that can be kept, and read them again.

A first line holds the digest of the rest, and the rest names the text it is about: anything
damaged, truncated or about another text counts as absent. The bytes are JSON, so reading
them never runs code.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from assetctl.lineage.identity.code.reads import Import, Key, Read, Reads
from assetctl.lineage.identity.code.syntax import Reading
from assetctl.lineage.identity.code.texts import (
    ClassPlace,
    ClassText,
    Decorator,
    FileText,
    FunctionPlace,
    FunctionText,
    Piece,
    StatementPlace,
)
from assetctl.lineage.identity.code.touches import Touch, Use
from assetctl.lineage.identity.encode import digest_bytes

_FORM = 4  # of the bytes; what has another form counts as absent
_Row = list[Any]


def write_file_text(text_digest: str, file_text: FileText) -> bytes:
    """Return what is known of a text as bytes."""
    body = {
        "form": _FORM,
        "text": text_digest,
        "functions": [[p.first, p.name, p.class_name, p.span, p.body] for p in file_text.functions],
        "classes": [[p.qualname, p.class_name, p.first, p.last] for p in file_text.classes],
        "bindings": file_text.bindings,
        "imports": [[one.module, one.attribute, one.level] for one in file_text.imports],
        "statements": [[p.spans, _touch_rows(p.touches)] for p in file_text.statements],
        "function_texts": {n: _function_row(one) for n, one in file_text.function_texts.items()},
        "class_texts": {n: _class_row(one) for n, one in file_text.class_texts.items()},
        "statement_texts": {
            n: [_text(one.syntax), _reads_row(one.reads)] for n, one in file_text.statement_texts.items()
        },
        "function_touches": {use: _touch_rows(touches) for use, touches in file_text.function_touches.items()},
    }
    # Lone surrogates stand in names and constants of some sources, so that this is ASCII.
    payload = json.dumps(body, separators=(",", ":")).encode("ascii")
    return digest_bytes(payload).encode() + b"\n" + payload


def read_file_text(text_digest: str, stored: bytes) -> FileText | None:
    """Return what is known of a text, or None if these bytes are not whole or about another text."""
    checksum, _, payload = stored.partition(b"\n")
    if checksum != digest_bytes(payload).encode():
        return None
    body = json.loads(payload)
    if body.get("form") != _FORM or body["text"] != text_digest:
        return None
    return FileText(
        [
            FunctionPlace(first, name, around, tuple(span), _span(inner))
            for first, name, around, span, inner in body["functions"]
        ],
        [ClassPlace(*row) for row in body["classes"]],
        body["bindings"],
        [Import(*row) for row in body["imports"]],
        [
            StatementPlace(tuple([(first, last) for first, last in spans]), _touches(rows))
            for spans, rows in body["statements"]
        ],
        {int(n): _function(row) for n, row in body["function_texts"].items()},
        {int(n): _class(row) for n, row in body["class_texts"].items()},
        {int(n): Piece(_bytes(syntax), _reads(reads)) for n, (syntax, reads) in body["statement_texts"].items()},
        {use: _touches(rows) for use, rows in body["function_touches"].items()},
    )


def _touch_rows(touches: Sequence[Touch]) -> list[_Row]:
    return [[touch.use.value, *touch.chain] for touch in touches]


def _touches(rows: list[_Row]) -> tuple[Touch, ...]:
    return tuple([Touch(tuple(row[1:]), Use(row[0])) for row in rows])


def _span(row: list[int] | None) -> tuple[int, int, int, int] | None:
    return None if row is None else (row[0], row[1], row[2], row[3])


def _function_row(one: FunctionText) -> _Row:
    return [_text(one.syntax), _reads_row(one.reads), [_decorator_row(d) for d in one.decorators]]


def _function(row: _Row) -> FunctionText:
    return FunctionText(_bytes(row[0]), _reads(row[1]), tuple([_decorator(d) for d in row[2]]))


def _class_row(one: ClassText) -> _Row:
    pieces = [[_text(piece.syntax), _reads_row(piece.reads)] for piece in (one.keywords, one.fields)]
    return [[_decorator_row(d) for d in one.decorators], *pieces, sorted(one.bindings), sorted(one.definitions)]


def _class(row: _Row) -> ClassText:
    keywords, fields = (Piece(_bytes(syntax), _reads(reads)) for syntax, reads in row[1:3])
    return ClassText(tuple([_decorator(d) for d in row[0]]), keywords, fields, frozenset(row[3]), frozenset(row[4]))


def _decorator_row(one: Decorator) -> _Row:
    return [one.chain, one.line, _text(one.syntax), _reads_row(one.reads)]


def _decorator(row: _Row) -> Decorator:
    return Decorator(tuple(row[0]), row[1], _bytes(row[2]), _reads(row[3]))


def _reads_row(reads: Reads) -> _Row:
    return [int(reads.reading), *(_read_row(read) for read in reads.names)]


def _reads(row: _Row) -> Reads:
    return Reads(tuple([_read(one) for one in row[1:]]), Reading(row[0]) if row[0] else Reading.NOTHING)


def _read_row(read: Read) -> _Row:
    key = None if read.key is None else [read.key.text, read.key.chain]
    imported = None if read.imported is None else [read.imported.module, read.imported.attribute, read.imported.level]
    row: _Row = [read.chain, read.line, read.use, key, read.after, imported, read.is_annotation]
    return row if any(row[3:]) else row[: 2 if read.use == "value" else 3]  # most have only these


def _read(row: _Row) -> Read:
    if len(row) <= 3:
        return Read(tuple(row[0]), *row[1:])
    chain, line, use, key, after, imported, is_annotation = row
    return Read(
        tuple(chain),
        line,
        use,
        None if key is None else Key(key[0], tuple(key[1])),
        tuple(after),
        None if imported is None else Import(*imported),
        is_annotation,
    )


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")
