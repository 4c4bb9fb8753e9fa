"""Look for damage in the state folder, and make the lineage database anew from the journal."""

from __future__ import annotations

from dataclasses import dataclass

from assetctl.engine.workspace.workspace import Workspace
from assetctl.storage.care.findings import ERROR, Finding
from assetctl.storage.care.inspect import examine
from assetctl.storage.state.in_use import in_use


@dataclass(frozen=True, slots=True)
class Examined:
    """Everything that is wrong with a state folder, the worst first."""

    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Say whether all recorded facts and bytes are intact; warnings and notes do not count."""
        return all(finding.severity != ERROR for finding in self.findings)


def examine_state(workspace: Workspace, *, deep: bool = False) -> Examined:
    """Return what is wrong; with `deep` every stored byte is hashed, otherwise sizes are compared.

    Raises:
        EnvironmentFault: files of the state folder may not be read; it names each.
        WaitTimeout: another process is deleting, and does not end.
    """
    with in_use(workspace.layout):  # what is deleted meanwhile would look lost
        if not workspace.layout.state.is_dir():
            return Examined(())
        return Examined(tuple(examine(workspace.layout, full=deep)))


def rebuild_database(workspace: Workspace) -> bool:
    """Fold the lineage database anew from the journal; nothing is lost by it. False if nothing was ever recorded.

    Raises:
        EnvironmentFault: the database cannot be written.
    """
    if not workspace.layout.state.is_dir():
        return False
    workspace.stores.lineage.rebuild()
    return True
