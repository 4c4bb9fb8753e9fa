"""Whose entries may be used: pure rules for well-formed entries.

| entry                              | `trusted_keys` given | none given |
|------------------------------------|----------------------|------------|
| signed by a trusted or an own key  | used                 | used |
| signed by another key, or by none  | refused              | used, if it is proven that reading it runs nothing |
| its signature is not its key's     | refused              | refused |

What is proven is a list: of codecs here, of files and bytes in `inert.py`. Everything else,
a pickle, a codec or an ending that is not known, needs a signature. A first-party class or
function that an entry names would be imported, and so does too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from assetctl.assets.ids import Target
from assetctl.lineage.deciding.provenance import provenance_of
from assetctl.lineage.facts.kinds import UndeclaredKind
from assetctl.lineage.facts.records import Inputs, Materialized, ProvenanceDigest, Trace
from assetctl.storage.remote.entries import Entry
from assetctl.storage.remote.inert import may_be_inert

_RUN_NO_CODE = frozenset(
    (
        "parquet/1",
        "arrow-ipc/1",
        "csv/1",
        "json/1",
        "json-numpy/1",
        "node-link/1",
        "numpy-scalar/1",
        "plotly/1",
        "png/1",
        "safetensors/1",
        "vega-lite/1",
        "text/1",
        "bytes/1",
        "svg/1",
        "numpy/1",
        "figure-svg/1",
        "figure-png/1",
        "none/1",
        "file/1",
        "folder/1",
        "skops/1",
    )
)
"""Codecs that read data and nothing else, once `contents.py` has seen the bytes. A page runs scripts: no `html/1`."""
_COMPARED_UNRUN = frozenset(kind for kind in UndeclaredKind if not kind.runs_code)

Verify = Callable[[str, bytes, bytes], bool]
"""(public key, signature, message) -> whether the one made the other."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Which public keys are believed: those of the settings, and the person's own."""

    trusted: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()

    @property
    def keys(self) -> frozenset[str]:
        return self.trusted | self.own


@dataclass(frozen=True, slots=True)
class Question:
    """What an entry has to answer: which step, of which outputs, made from what."""

    step: Target
    outputs: Collection[Target]
    provenance: ProvenanceDigest
    inputs: Inputs


def flaw_of_origin(entry: Entry, trust: Trust, verify: Verify, is_imported: Callable[[str], bool]) -> str | None:
    """Return why an entry is not used because of who wrote it, or None.

    `is_imported` says whether a module is loaded in this process already.
    """
    if entry.key in trust.keys:
        return None if verify(entry.key, entry.signature, entry.message) else "its signature is not that of its key"
    if trust.trusted:
        return "it is signed by a key that is not trusted" if entry.key else "it is not signed"
    if entry.key and not verify(entry.key, entry.signature, entry.message):
        return "its signature is not that of its key"
    for output in entry.fact.outputs:
        codec, _, suffix = output.codec.partition(":")
        is_known = codec in _RUN_NO_CODE and (codec != "file/1" or may_be_inert(suffix))
        if not is_known or output.value.classes:
            return f"no trusted key signed it, and loading `{output.target}` ({output.codec}) could run code"
    for used in entry.fact.undeclared:
        if used.kind not in _COMPARED_UNRUN and not is_imported(used.name.partition(":")[0]):
            return f"no trusted key signed it, and checking it would import `{used.name.rstrip(':')}`"
    return None


def flaw_as_answer(entry: Entry, question: Question) -> str | None:
    """Return why an entry does not answer the question, or None."""
    fact = entry.fact
    if fact.step != question.step or sorted(o.target for o in fact.outputs) != sorted(question.outputs):
        return "it is about another asset"
    if fact.provenance.digest != question.provenance or _digest_of(fact, question) != question.provenance:
        return "it was made from something else"
    if fact.trace is not Trace.SOUND or not fact.published:
        return "what it tells of was never published"
    return None


def _digest_of(fact: Materialized, question: Question) -> ProvenanceDigest | None:
    """Return the provenance digest that an entry's own definition and inputs give.

    A record does not keep the earlier names of upstreams, which are part of the digest: they are the asked step's.
    """
    aliases = {given.name: given.aliases for given in question.inputs.inputs}
    inputs = tuple(replace(given, aliases=aliases.get(given.name, ())) for given in fact.provenance.inputs)
    try:
        provenance = provenance_of(Inputs(fact.provenance.definition, inputs))
    except (TypeError, ValueError, AttributeError):  # of a type that no input has
        return None
    return provenance.digest if provenance is not None else None
