"""Entries: what a shared cache holds about one provenance, as a file that can be verified.

A file is a JSON object with a format name, the signer's public key, a signature, and a
`body`, which is text: the signature covers exactly the bytes of that text, framed behind
the format's name, and never a JSON that was written anew. The body holds one
`Materialized` fact as the journal writes it, and the size of every blob that it needs.

This file only checks the form: an entry is well-formed or refused; `trust.py` says what may be used.

| may be wrong                          | noticed by |
|---------------------------------------|------------|
| the file's bytes                      | its name is their digest |
| format, JSON, types, digests, paths   | `read_entry` |
| what it answers (step, provenance)    | `trust.flaw_as_answer` |
| who wrote it                          | `trust.flaw_of_origin` |
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from assetctl.assets.ids import Target
from assetctl.lineage.facts.records import BlobDigest, Materialized, Output, ProvenanceDigest
from assetctl.lineage.identity.encode import digest_bytes, field_bytes
from assetctl.storage.codecs.registry import FOLDER as FOLDER_CODEC
from assetctl.storage.codecs.registry import NONE
from assetctl.storage.journal.wire import from_json, to_json
from assetctl.storage.state.malformed import MALFORMED

FORMAT = "assetctl.entry/1"
ENTRIES = "entries-v1"
MOST_BYTES = 16 << 20
_DIGEST = re.compile(r"b3:[0-9a-f]{64}")
_CODEC = re.compile(r"[a-z0-9-]{1,40}/[0-9]{1,3}(:\.[^/\\\x00-\x1f]{1,60})?")
_IDENTIFIER = re.compile(r"[0-9a-z]{26}")
_LONGEST_NAME = 120


class BadEntry(Exception):
    """The bytes are not an entry, or contradict themselves; the message is shown to people."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What some machine made of one provenance. `key` is "" where nobody signed it.

    `sizes` gives the bytes of every blob that the fact needs, a folder's files included.
    """

    fact: Materialized
    sizes: Mapping[BlobDigest, int]
    body: bytes
    key: str = ""
    signature: bytes = b""

    @property
    def message(self) -> bytes:
        """The bytes that a signature covers."""
        return message_of(self.body)


def message_of(body: bytes) -> bytes:
    return field_bytes(b"F", FORMAT.encode()) + field_bytes(b"b", body)


def entry_folder(step: Target, provenance: ProvenanceDigest) -> str:
    """Return where the entries of one provenance lie: readable, and different where case does not count."""
    short = digest_bytes(step.encode()).removeprefix("b3:")[:16]
    return f"{ENTRIES}/{step.replace('/', '+')[:_LONGEST_NAME]}.{short}/{provenance.removeprefix('b3:')}"


def entry_name(data: bytes) -> str:
    """Return what the file of these bytes is called."""
    return digest_bytes(data).removeprefix("b3:") + ".json"


def write_entry(
    fact: Materialized, sizes: Mapping[BlobDigest, int], sign: Callable[[bytes], tuple[str, bytes]] | None
) -> bytes:
    """Return an entry's file. `sign` gives the public key and the signature of a message."""
    body = json.dumps({"fact": to_json(fact), "blobs": dict(sizes)}, separators=(",", ":"))
    document = {"format": FORMAT, "body": body}
    if sign is not None:
        key, signature = sign(message_of(body.encode()))
        document |= {"key": key, "signature": base64.b64encode(signature).decode()}
    return json.dumps(document).encode()


def read_entry(data: bytes) -> Entry:
    """Return what an entry's file says, whole and well-formed; whether to believe it is not decided here.

    Raises:
        BadEntry: it is damaged, of a format that is not known, or contradicts itself.
    """
    try:
        document = json.loads(data)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            stated_format = document.get("format") if isinstance(document, dict) else None
            raise BadEntry(f"it is of an unknown format ({str(stated_format)[:40]!r})")
        body = document["body"].encode()
        content = json.loads(body)
        fact = from_json(content["fact"])
        sizes = {BlobDigest(digest): size for digest, size in content["blobs"].items()}
        signature = base64.b64decode(document.get("signature", ""), validate=True)
        entry = Entry(_materialized(fact), sizes, body, _text(document.get("key", "")), signature)
        for flaw in _flaws(entry):
            raise BadEntry(flaw)
    except BadEntry:
        raise
    except MALFORMED as cause:
        raise BadEntry(f"it cannot be read ({type(cause).__name__})") from cause
    return entry


def needed_blobs(fact: Materialized) -> set[BlobDigest]:
    """Return the blobs that a fact names itself; the files of a folder are named by its manifest."""
    outputs = {o.blob for o in fact.outputs if o.blob is not None and o.inline is None}
    return outputs | {BlobDigest(digest) for digest in fact.figures.values()}


def is_digest(text: object) -> bool:
    return _matches(_DIGEST, text)


def _matches(pattern: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None


def _materialized(fact: object) -> Materialized:
    if not isinstance(fact, Materialized):
        raise BadEntry("it holds no materialization")
    return fact


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadEntry("a text in it is none")
    return value


def _flaws(entry: Entry) -> Iterator[str]:
    """Yield what no correct run could have written in an entry."""
    fact = entry.fact
    if not all(is_digest(d) and type(n) is int and n >= 0 for d, n in entry.sizes.items()):
        yield "its list of blobs is not one of digests and sizes"
    if not needed_blobs(fact) <= entry.sizes.keys():
        yield "it does not list every blob that it needs"
    if not is_digest(fact.provenance.digest) or not is_digest(fact.provenance.definition.digest):
        yield "its provenance has no digest"
    if not all(_matches(_IDENTIFIER, text) for text in (fact.id, fact.origin or fact.id)):
        yield "its id is none"
    texts = (fact.run_id, fact.started_at, fact.python, fact.platform, *fact.links, *fact.links.values(), *fact.figures)
    if not all(isinstance(text, str) for text in texts):
        yield "a text in it is none"
    for output in fact.outputs:
        yield from _output_flaws(output, entry.sizes)
    for used in fact.undeclared:
        if not is_inside(used.name) or not is_digest(used.digest):
            yield "what it was seen to use lies outside the project"


def _output_flaws(output: Output, sizes: Mapping[BlobDigest, int]) -> Iterator[str]:
    value = output.value
    if not _matches(_CODEC, output.codec):
        yield "the name of a codec is none"
    if (output.blob is None) != (output.codec == NONE) or (output.blob is not None and not is_digest(output.blob)):
        yield "an output has no bytes"
    if output.inline is not None and str(digest_bytes(output.inline)) != output.blob:
        yield "the bytes within it have another hash"
    is_one_blob = output.inline is None and output.codec != FOLDER_CODEC
    if is_one_blob and output.blob is not None and sizes.get(output.blob) != output.size_bytes:
        yield "an output has two sizes"
    digests: tuple[Any, ...] = (value.version, *(column.digest for column in value.columns))
    texts: tuple[Any, ...] = (value.kind, value.basis, *value.classes)
    named: tuple[Any, ...] = tuple(text for column in value.columns for text in (column.name, column.type))
    if not all(map(is_digest, digests)) or not all(isinstance(text, str) for text in (*texts, *named)):
        yield "the identity of an output is none"


def is_inside(name: object) -> bool:
    """Say whether a text is the relative path of something inside the folder it belongs to."""
    if not isinstance(name, str) or "\x00" in name:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
