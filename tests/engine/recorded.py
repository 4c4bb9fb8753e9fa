"""A project on the disk whose history is written down by the test: no function runs, so it costs milliseconds.

Values lie inside their records, so there are no blobs either, unless a test puts one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from assetctl.assets.ids import Target
from assetctl.engine.project import Project
from assetctl.lineage.facts.records import BlobDigest, Fact, Materialized, Output
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.state.format import ensure_state
from tests.storage.facts import made, value


class Recorded:
    """Declare with `declare`, record with `record`; `facts` returns what a use case added."""

    def __init__(self, root: Path, code: str) -> None:
        self.root = root
        self.declare(code)
        self.project = Project.open(root)
        ensure_state(self.project.workspace.layout)
        self._n_seen = 0

    def declare(self, code: str) -> None:
        (self.root / "assets.py").write_text(f"from assetctl import asset, source\n{code}")

    def record(self, *facts: Fact) -> None:
        self.project.workspace.stores.journal.append(facts)
        self._n_seen += len(facts)

    def facts(self) -> list[Fact]:
        """Return the facts that were added besides those that the test recorded, in order."""
        recorded, _ = self.project.workspace.stores.journal.read_since({})
        return [fact for _, fact in recorded][self._n_seen :]

    def served(self, key: str) -> str:
        """Return the version that readers get."""
        return self.project.find(key).output.value.version


def stored(asset: str, text: str, *, lost: bool = False) -> Output:
    """An output whose bytes lie inside its record; they are nowhere if it is `lost`."""
    content = f'"{text}"'.encode()
    blob = BlobDigest(digest_bytes(content))
    return Output(Target.parse(asset), value(text), "json/1", blob, len(content), None if lost else content)


def version_of(step: str, text: str, outputs: Iterable[str] = (), *, published: bool = True) -> Materialized:
    """A materialization whose outputs (of the step's own name, if none are named) all hold `text`."""
    named = tuple(stored(name, f"{name} {text}") for name in outputs) or (stored(step, text),)
    return replace(made(step, text, of=text, outputs=named, published=published), duration_s=1.5)
