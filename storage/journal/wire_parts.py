"""The parts of facts as JSON: values, provenance and outputs, shared by `storage/journal/wire.py`.

Writing omits exactly what reading puts back: fields that have their default value.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import Any

from assetctl.assets.ids import AssetKey, PartitionKey, Target
from assetctl.lineage.facts.records import (
    BlobDigest,
    CodeVersion,
    ColumnDigest,
    DataVersion,
    Definition,
    Digest,
    FanIn,
    Input,
    Output,
    Provenance,
    ProvenanceDigest,
    ValueIdentity,
)

Json = dict[str, Any]  # a JSON object, as `json.loads` gives it; it never leaves the storage layer
_TEXT_CODECS = ("json", "text")
_BLOB = re.compile(r"b3:[0-9a-f]{64}")


@lru_cache(maxsize=65536)
def read_key(text: str) -> AssetKey:
    return AssetKey(text)


@lru_cache(maxsize=65536)
def read_target(asset: str, partition: str | None = None) -> Target:
    """Return what a fact is about: an asset, or its partition where the fact names one."""
    return Target(read_key(asset), None if partition is None else PartitionKey(partition))


def without_defaults(**fields: Any) -> Json:
    """Omit fields that are None, empty or False: the readers below put exactly those back."""
    return {name: value for name, value in fields.items() if value not in (None, (), [], {}, "", False)}


def read_numbers(numbers: Json) -> dict[str, float]:
    return {name: float(value) for name, value in numbers.items()}


def read_blob(text: Any) -> BlobDigest:
    """Return a blob's digest.

    Raises:
        ValueError: it is not a digest; used as a file name, it could lead anywhere.
    """
    if not isinstance(text, str) or not _BLOB.fullmatch(text):
        raise ValueError(f"{str(text)[:80]!r} is no digest")
    return BlobDigest(text)


def value_to_json(value: ValueIdentity) -> Json:
    out: Json = {"version": value.version, "kind": value.kind}
    if value.n_rows is not None:
        out["n_rows"] = value.n_rows
    if value.columns:
        out["columns"] = [[column.name, column.type, column.digest] for column in value.columns]
    if value.basis != "content":
        out["basis"] = value.basis
    if value.unordered:
        out["unordered"] = True
    if value.classes:
        out["classes"] = list(value.classes)
    return out


def read_value(fields: Json) -> ValueIdentity:
    n_rows = fields.get("n_rows")
    return ValueIdentity(
        DataVersion(fields["version"]),
        fields["kind"],
        None if n_rows is None else int(n_rows),
        tuple([ColumnDigest(name, type_, Digest(digest)) for name, type_, digest in fields.get("columns", ())]),
        fields.get("basis", "content"),
        bool(fields.get("unordered", False)),
        tuple(fields.get("classes", ())),
    )


def _input_to_json(given: Input) -> Json:
    return {
        "name": given.name,
        "upstream": given.upstream,
        "version": given.version,
        "data_version": given.data_version,
        **without_defaults(
            is_source=given.is_source,
            columns=list(given.columns),
            classes=[list(pair) for pair in given.classes],
            partition=given.partition,
            fan_in=None if given.fan_in is None else [given.fan_in.n, given.fan_in.digest],
        ),
    }


def _input(fields: Json) -> Input:
    partition, fan_in = fields.get("partition"), fields.get("fan_in")
    return Input(
        fields["name"],
        read_key(fields["upstream"]),
        fields["version"],
        fields["data_version"],
        bool(fields.get("is_source", False)),
        tuple(fields.get("columns", ())),
        tuple([(name, Digest(digest)) for name, digest in fields.get("classes", ())]),
        partition=None if partition is None else PartitionKey(partition),
        fan_in=None if fan_in is None else _fan_in(*fan_in),
    )


def _fan_in(n: int, digest: str) -> FanIn:
    return FanIn(n, Digest(digest))


def provenance_to_json(provenance: Provenance) -> Json:
    definition = provenance.definition
    return {
        "digest": provenance.digest,
        "definition": {
            "digest": definition.digest,
            "code": definition.code,
            "spec": dict(definition.spec),
            "config": dict(definition.config),
            "environment": dict(definition.environment),
        },
        "inputs": [_input_to_json(given) for given in provenance.inputs],
    }


def read_provenance(fields: Json, partition: PartitionKey | None) -> Provenance:
    made = fields["definition"]
    definition = Definition(
        Digest(made["digest"]), CodeVersion(made["code"]), made["spec"], made["config"], made["environment"]
    )
    return Provenance(
        ProvenanceDigest(fields["digest"]), definition, tuple([_input(given) for given in fields["inputs"]]), partition
    )


def output_to_json(output: Output) -> Json:
    out: Json = {
        "asset": output.target.asset,
        "value": value_to_json(output.value),
        "codec": output.codec,
        "blob": output.blob,
        "size_bytes": output.size_bytes,
    }
    if output.inline is not None:
        out.update(_bytes_to_json(output.inline, is_text=output.codec.startswith(_TEXT_CODECS)))
    return out


def _bytes_to_json(data: bytes, *, is_text: bool) -> Json:
    if is_text:
        try:
            return {"text": data.decode("utf-8")}
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(data).decode("ascii")}
    return {"base64": base64.b64encode(data).decode("ascii")}


def read_output(fields: Json, partition: str | None = None) -> Output:
    """Return an output; all outputs of one step are of one partition, which the fact names."""
    inline: bytes | None = None
    if "text" in fields:
        inline = fields["text"].encode("utf-8")
    elif "base64" in fields:
        inline = base64.b64decode(fields["base64"], validate=True)
    blob = fields["blob"]
    return Output(
        read_target(fields["asset"], partition),
        read_value(fields["value"]),
        fields["codec"],
        None if blob is None else read_blob(blob),
        int(fields["size_bytes"]),
        inline,
    )
