"""The shared cache of a project: results that other machines made, and the upload of ours.

Implements `sharing.Sharing`. It believes by the rules of `storage/remote/trust.py` and
decides nothing. The remote is opened when it is first needed, so a command with nothing
to do never touches it; what goes wrong there is a warning, and the run goes on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator

from assetctl.assets.errors import AssetctlError, CorruptionError
from assetctl.assets.ids import Target, whole
from assetctl.engine.sharing.background import Background
from assetctl.engine.sharing.downloads import Incoming
from assetctl.engine.sharing.remote_link import RemoteLink
from assetctl.engine.sharing.settings import RemoteSettings
from assetctl.engine.sharing.uploads import Sign, Uploads
from assetctl.lineage.deciding.decide import StepDecision
from assetctl.lineage.deciding.events import Event, Warned
from assetctl.lineage.deciding.traces import renamed
from assetctl.lineage.facts.records import BlobDigest, MaterializationId, Materialized, Output, ProvenanceDigest
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.blobs.folders import read_manifest
from assetctl.storage.codecs.registry import FOLDER
from assetctl.storage.remote import keys
from assetctl.storage.remote.contents import flaw_of_contents, sizes_of
from assetctl.storage.remote.entries import BadEntry, Entry, entry_name, read_entry
from assetctl.storage.remote.transport import Denied, RemoteFault
from assetctl.storage.remote.trust import Question, Trust, flaw_as_answer, flaw_of_origin
from assetctl.storage.state.layout import Layout

_N_QUESTIONS = 8  # at once
_ASKED_AGAIN_AFTER_S = 30.0  # in a notebook, which lives long

_Asked = tuple[Target, ProvenanceDigest]


class SharedCache:
    """One remote, as one process knows it."""

    def __init__(self, settings: RemoteSettings, layout: Layout, blobs: Blobs) -> None:
        self.link = RemoteLink(settings.remote, layout.root)
        self.is_read_only = settings.is_read_only
        self.incoming = Incoming(self.link, blobs)
        self.uploads = Uploads(self.link, layout, blobs, self._signer, self.incoming.wrong)
        self.from_elsewhere: set[MaterializationId] = set()
        self._blobs = blobs
        self._trusted_keys = settings.trusted_keys
        self._believed: Trust | None = None
        self._answers: dict[_Asked, list[tuple[str, Entry]]] = {}
        self._given: dict[MaterializationId, tuple[str, Entry]] = {}
        self._began = time.monotonic()
        blobs.elsewhere = self.incoming

    @property
    def warnings(self) -> list[str]:
        return self.link.warnings

    def begin(self) -> None:
        """Begin a command: answers from long ago are forgotten, so that the remote is asked again."""
        if time.monotonic() - self._began > _ASKED_AGAIN_AFTER_S:
            self._began = time.monotonic()
            self._answers.clear()
            self.incoming.forget()
            self.link.forget()

    # --- what others made ------------------------------------------------------------------

    def find(self, decisions: Collection[StepDecision]) -> list[Materialized]:
        """Return what others made of these provenances: the newest that may be used and was not given before."""
        questions = [q for decision in decisions for q in _questions(decision)]
        new = [q for q in questions if (q.step, q.provenance) not in self._answers]
        if len(new) > 1:
            pool = Background(_N_QUESTIONS, "assetctl-ask")
            answers = [answer.result() for answer in [pool.submit(self._ask, question) for question in new]]
            pool.close()
        else:
            answers = [self._ask(question) for question in new]
        self._answers.update({(q.step, q.provenance): a for q, a in zip(new, answers, strict=True)})
        return [made for d in decisions if (made := self._next_answer(d)) is not None]

    def _next_answer(self, decision: StepDecision) -> Materialized | None:
        for question in _questions(decision):
            answers = self._answers[question.step, question.provenance]
            if answers:
                path, entry = answers.pop(0)
                self._given[entry.fact.id] = (path, entry)
                self.from_elsewhere.add(entry.fact.id)
                return renamed(entry.fact, decision.step)
        return None

    def is_answered(self, decision: StepDecision) -> bool:
        """Say whether others could restore what a decision keeps."""
        assert decision.provenance is not None
        question = _questions(decision)[0]
        return bool(self._ask(question))

    def _ask(self, question: Question) -> list[tuple[str, Entry]]:
        """Return the entries that may be used, newest first."""
        nothing: list[tuple[str, bytes]] = []
        files = self.link.ask(lambda store: store.entries(question.step, question.provenance), nothing)
        usable: list[tuple[str, Entry]] = []
        for path, data in files:
            try:
                usable.append((path, self._believable(path, data, question)))
            except BadEntry as flaw:
                self.link.warn(f"entry `{path}` in {self.link.remote} was not used: {flaw}")
        return sorted(usable, key=lambda placed: placed[1].fact.id, reverse=True)

    def _believable(self, path: str, data: bytes, question: Question) -> Entry:
        if entry_name(data) != path.rpartition("/")[2]:
            raise BadEntry("its bytes have another hash than its name says")
        entry = read_entry(data)
        flaw = flaw_as_answer(entry, question) or flaw_of_origin(
            entry, self._trust, self._verify, sys.modules.__contains__
        )
        if flaw is not None:
            raise BadEntry(flaw)
        return entry

    @property
    def _trust(self) -> Trust:
        if self._believed is None:
            own: frozenset[str] = frozenset()
            try:
                own = frozenset(key.public for key in keys.own_keys(keys.keys_folder()))
            except (AssetctlError, Denied) as flaw:
                self._warn_of_key(flaw)
            self._believed = Trust(frozenset(self._trusted_keys), own)
        return self._believed

    def _verify(self, public: str, signature: bytes, message: bytes) -> bool:
        try:
            return keys.is_signed(public, signature, message)
        except Denied as fault:
            self.link.warn(f"signatures in {self.link.remote} cannot be checked: {fault}")
            return False

    def _signer(self) -> Sign | None:
        try:
            key = keys.signing_key(keys.keys_folder())
        except (AssetctlError, Denied) as flaw:
            self._warn_of_key(flaw)
            return None
        return None if key is None else lambda message: (key.public, key.sign(message))

    def _warn_of_key(self, flaw: AssetctlError | RemoteFault) -> None:
        text = f"your signing key is not used: {flaw}"
        if text not in self.warnings:
            self.warnings.append(text)

    # --- their bytes -----------------------------------------------------------------------

    def start(self, wanted: Iterable[Materialized]) -> None:
        """Start fetching what these materializations need, so that it is here by the time it is read."""
        for made in wanted:
            entry = self._given.get(made.id)
            self.incoming.start(_sizes(made.outputs) if entry is None else sizes_of(entry[1]))

    def bring(self, made: Materialized) -> bool:
        """Fetch all bytes of a materialization; return False if some cannot be fetched or may not be used."""
        given = self._given.get(made.id)
        if given is None:
            return not self.lacking(made.outputs)
        path, entry = given
        if not self.incoming.have(sizes_of(entry)):
            self.link.warn(f"`{made.step}` is not restored from {self.link.remote}: not all of its bytes can be had")
            return False
        flaw = flaw_of_contents(entry, self._blobs, is_believed=entry.key in self._trust.keys)
        if flaw is not None:
            self.link.warn(f"entry `{path}` in {self.link.remote} was not used: {flaw}")
        return flaw is None

    def lacking(self, outputs: Iterable[Output]) -> list[Output]:
        """Fetch the bytes of recorded outputs that are not here; return the outputs that cannot be fetched."""
        return [output for output in outputs if not self._is_here(output)]

    def _is_here(self, output: Output) -> bool:
        if output.codec != FOLDER or output.blob is None:
            return self.incoming.have(_sizes([output]))
        try:
            files = read_manifest(output.blob, self._blobs.read_bytes(output.blob))
        except CorruptionError:
            return False
        return self.incoming.have({file.digest: file.size_bytes for file in files})

    # --- ours ------------------------------------------------------------------------------

    def resume(self) -> None:
        """Upload what earlier runs could not."""
        if not self.is_read_only:
            self.uploads.resume()

    def share(self, fact: Materialized) -> None:
        """Upload a result in the background."""
        if not self.is_read_only:
            self.uploads.add(fact)

    def settle(self, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
        """Wait for uploads and report how they went, together with the warnings so far."""
        yield from self.uploads.settle(is_cancelled)
        yield from (Warned(text) for text in self.link.take_warnings())

    def close(self) -> None:
        """Let go of all threads; whatever they have not started is abandoned."""
        self.uploads.close()
        self.incoming.close()


def _questions(decision: StepDecision) -> list[Question]:
    """Return what to ask for a step: what was made under its key, then under its earlier names."""
    assert decision.provenance is not None
    step, digest = decision.step, decision.provenance.digest
    questions = [Question(decision.target, decision.targets, digest, decision.inputs)]
    if len(step.outputs) == 1:
        questions += [
            Question(whole(name), (whole(name),), digest, decision.inputs) for name in step.former.get(step.key, ())
        ]
    return questions


def _sizes(outputs: Iterable[Output]) -> dict[BlobDigest, int]:
    """Return the blobs of recorded outputs with their sizes; a folder's manifest says which those are."""
    return {o.blob: o.size_bytes for o in outputs if o.blob is not None and o.inline is None and o.codec != FOLDER}
