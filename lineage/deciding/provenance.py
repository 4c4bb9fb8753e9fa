"""Provenance: what a materialization was, or would be, made from, as one digest.

The digest covers the definition and, per input, its name, upstream key and version.
Inputs are sorted by name, so the order in which they were declared does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from assetctl.assets.ids import AssetKey, PartitionKey, Target
from assetctl.lineage.facts.ports import Form
from assetctl.lineage.facts.records import (
    DataVersion,
    Digest,
    FanIn,
    Input,
    Inputs,
    Provenance,
    ProvenanceDigest,
    ValueIdentity,
)
from assetctl.lineage.graph.asset_graph import Binding
from assetctl.lineage.identity.encode import Framed

FORMAT = "pv/1"

ClassCode = Callable[[str], Digest]
"""("module:qualname") -> the digest of the class's code as it is now."""


def provenance_of(current: Inputs) -> Provenance | None:
    """Return the provenance of these inputs, or None while an upstream's version is unknown."""
    out = Framed(FORMAT).child(current.definition.digest).length(len(current.inputs))
    for given in sorted(current.inputs, key=lambda i: i.name):
        if given.version is None:
            return None
        upstream = given.aliases[0] if given.aliases else given.upstream
        out.text(_canonical(given.name, given.upstream, upstream)).text(upstream).child(given.version)
        if given.partition is not None:
            out.tag("partition").text(given.partition)
        elif given.fan_in is not None:
            out.tag("partitions").integer(given.fan_in.n)
    if current.partition is not None:
        out.tag("of partition").text(current.partition)
    return Provenance(ProvenanceDigest(out.hexdigest()), current.definition, current.inputs, current.partition)


def fan_in_of(versions: Mapping[PartitionKey, Digest]) -> FanIn:
    """Return many partitions of one upstream as one input: the digest covers each key and version, in key order."""
    out = Framed(FORMAT).tag("fan-in").length(len(versions))
    for key in sorted(versions):
        out.text(key).child(versions[key])
    return FanIn(len(versions), out.hexdigest())


def _canonical(name: str, upstream: AssetKey, first_name: AssetKey) -> str:
    return f"deps:{first_name}" if name == f"deps:{upstream}" else name


def resolve_input(
    binding: Binding, value: ValueIdentity | None, parsed: Mapping[Form, ValueIdentity], class_code: ClassCode
) -> Input:
    """Return what a binding reads of its upstream's value.

    `parsed` holds the identities of a file source's table, for bindings that ask for one, by family.
    Instances of first-party classes bring their classes' code with them: it runs in the
    reader, so it is part of the version that is read.
    """
    read = parsed.get(binding.family) if binding.reads_table and binding.is_source else value
    version = None if read is None else _version_read(binding, read)
    classes: tuple[tuple[str, Digest], ...] = ()
    if read is not None and version is not None and read.classes and binding.is_read:
        classes = tuple((name, class_code(name)) for name in read.classes)
        out = Framed("av/1").tag("with classes").child(version).length(len(classes))
        for name, digest in classes:
            out.text(name).child(digest)
        version = out.hexdigest()
    data_version: DataVersion | None = None if read is None else read.version
    return Input(
        name=binding.name,
        upstream=binding.upstream,
        version=version,
        data_version=data_version,
        is_source=binding.is_source,
        columns=binding.wanted.columns,
        classes=classes,
        aliases=binding.aliases,
    )


def _version_read(binding: Binding, value: ValueIdentity) -> Digest:
    if value.kind == "file" and binding.reads_table and binding.family is not Form.ARROW:
        # The library's own reader parses the file that an asset returned; before, Arrow's did for all.
        return Framed("av/1").tag("read as").text(binding.family).child(value.version).hexdigest()
    digests = {column.name: column.digest for column in value.columns}
    wanted = binding.wanted.columns
    index = [name for name in digests if name.startswith("index:")]
    # A row order that does not count cannot be told column by column, nor can columns of one name, and a
    # column that is not there makes the step fail: all of them depend on the whole.
    names = [column.name for column in value.columns] if wanted else []
    if not wanted or value.unordered or any(names.count(name) != 1 for name in (*index, *wanted)):
        return Digest(value.version)
    out = Framed("av/1").tag("columns").integer(value.n_rows or 0).length(len(index) + len(wanted))
    for name in (*index, *wanted):
        out.text(name).child(digests[name])
    return out.hexdigest()


def resolve_inputs(
    bindings: Iterable[Binding],
    values: Mapping[Target, ValueIdentity | None],
    parsed: Mapping[Target, Mapping[Form, ValueIdentity]],
    class_code: ClassCode,
) -> tuple[Input, ...]:
    """Return the inputs of a step's bindings, sorted by name."""
    inputs = (resolve_input(b, values.get(b.target), parsed.get(b.target, {}), class_code) for b in bindings)
    return tuple(sorted(inputs, key=lambda i: i.name))
