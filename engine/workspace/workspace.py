"""An opened project: its settings, its declarations and its stores, as every use case needs them.

Below the front door: services take a `Workspace`, never `Project`. Nothing of the person's
code is imported until a question needs it, and no lock or database stays open between two calls.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from assetctl.assets.errors import CorruptionError, Problem, ProjectError, SelectionError
from assetctl.assets.ids import AssetKey
from assetctl.engine.workspace.declarations import Declarations, notebook_namespace
from assetctl.engine.workspace.settings import Settings, find_settings
from assetctl.lineage.facts.snapshot import OutputState, Recorded
from assetctl.lineage.graph.asset_graph import AssetGraph
from assetctl.storage.remote.keys import hide_signing_key
from assetctl.storage.state.format import check_state
from assetctl.storage.state.roots import locate

if TYPE_CHECKING:
    from assetctl.engine.workspace.seen import Seen
    from assetctl.engine.workspace.stores import Stores


class Workspace:
    """One project on this machine; made by `Workspace.open`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.root = settings.root
        self.layout = locate(settings.root, settings.store)
        self.declarations = Declarations(settings)
        self._stores: Stores | None = None
        self._warnings: list[str] = []

    @classmethod
    def open(cls, path: str | Path = ".", *, file: str | Path | None = None) -> Workspace:
        """Find the project that a folder lies in, or take one file as the project.

        From here on this process's environment no longer holds the signing key: the
        person's code is imported later, and has no use for it.

        Raises:
            ProjectError: there is no project, or its settings cannot be read.
            EnvironmentFault: its state folder was written by a newer release.
        """
        start = Path(path).absolute()
        try:
            settings = find_settings(start, Path(file) if file is not None else None)
        except ProjectError:
            if file is not None or notebook_namespace() is None or not start.is_dir():
                raise
            settings = Settings(start.resolve(), (), start)  # a notebook's cells may be all there is
        hide_signing_key()
        workspace = cls(settings)
        check_state(workspace.layout)
        return workspace

    def __repr__(self) -> str:
        return f"<assetctl workspace {self.root}>"

    def graph(self) -> AssetGraph:
        """Return the graph of what is declared now, importing the project's code if that is needed.

        Raises:
            DeclarationError: with every problem of every declaration.
        """
        return self.declarations.graph()

    def known_keys(self) -> Collection[AssetKey]:
        """Return every declared key, in topological order; imports like `graph`."""
        return self.graph().order

    @property
    def stores(self) -> Stores:
        """The journal, the lineage store and the data store of this project."""
        if self._stores is None:
            from assetctl.engine.workspace.stores import Stores

            self._stores = Stores(self.layout, self.declarations.codecs, self.settings.remote)
        return self._stores

    def seen(self, environment: Mapping[str, str] | None = None) -> Seen:
        """Return what gives the digests of what steps were seen to look at; with the variables of now, or of then."""
        from assetctl.engine.workspace.seen import Seen

        identification = self.declarations.identification()
        return Seen(self.root, self.stores.digests, lambda name: identification.variable(name, environment))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong without stopping anything, in plain words."""
        return (*(self._stores.warnings if self._stores is not None else ()), *self._warnings)

    def warn(self, *texts: str) -> None:
        """Add to the warnings that whoever opened the project will show."""
        self._warnings.extend(texts)

    def require_bytes(self, recorded: Recorded) -> None:
        """Refuse to go on without the stored bytes of an output.

        Raises:
            CorruptionError: they are not what was recorded.
            SelectionError: they are gone.
            EnvironmentFault: they may be in a shared cache that did not answer.
        """
        state = self.stores.data.state(recorded.output)
        if state is OutputState.PRESENT:
            return
        if self.stores.cache is not None and self.stores.cache.link.fault is not None:
            raise self.stores.cache.link.as_error()
        key = recorded.output.target
        kind = CorruptionError if state is OutputState.CORRUPT else SelectionError
        raise kind(
            Problem(
                "output-corrupt" if state is OutputState.CORRUPT else "output-missing",
                f"the stored output of `{key}` is {state.value}",
                (("data version", recorded.output.value.version),),
                f"build it again with `assetctl materialize {key}`",
            )
        )
