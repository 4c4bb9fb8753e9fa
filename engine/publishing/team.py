"""The team's lineage store, as the project sees it: fed after a run, asked by a person, needed by nobody.

Nothing is decided from it. A store that does not answer, is slow, or refuses costs one
warning after a few seconds; what it lacks goes with the next run, or with `assetctl sync`.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assetctl.assets.errors import AssetctlError, ProjectError
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.lineage_store.user_sql import Answer
from assetctl.storage.state.holders import waiting_for
from assetctl.storage.state.modes import make_folders
from assetctl.storage.state.regular import read_regular
from assetctl.storage.state.whole import write_whole
from assetctl.storage.team.postgres import hang_up
from assetctl.storage.team.push import Push, Sent
from assetctl.storage.team.query import ask_team
from assetctl.storage.team.url import TeamUrl, read_url

if TYPE_CHECKING:
    from collections.abc import Iterator


PATIENCE_S = 6.0  # what a run that is otherwise done waits for the store
_STATEMENT_S, _LOCK_S = 5.0, 2.0


@dataclass(frozen=True, slots=True)
class Synced:
    """What sending to the team's store did: the store as it may be shown, the project's name, and new facts."""

    store: str
    project: str
    n_facts: int


def address(workspace: Workspace) -> TeamUrl:
    """Return where the team's store is.

    Raises:
        ProjectError: the project has none, or its address makes no sense.
    """
    given = workspace.settings.lineage
    if given is None:
        raise ProjectError.of(
            "no-team-store",
            "this project has no team store",
            ("settings", str(workspace.settings.where)),
            hint='set `lineage = "postgresql://user@host/database"` in [tool.assetctl]',
        )
    return read_url(given)


def is_behind(workspace: Workspace) -> bool:
    """Say whether the journal holds what the team's store may lack; False if there is no such store."""
    if workspace.settings.lineage is None:
        return False
    return _acknowledged(_mark(workspace, address(workspace))) != workspace.stores.journal.sizes()


def sync(workspace: Workspace) -> Synced:
    """Send everything that the team's store lacks, however long it takes.

    Raises:
        ProjectError: the project has no such store.
        EnvironmentFault: the store does not answer or refuses.
    """
    url = address(workspace)
    sent = Push(url, workspace.settings.name, workspace.stores.journal).send()
    _acknowledge(_mark(workspace, url), sent)
    return Synced(url.shown, workspace.settings.name, sent.n_facts)


def share(workspace: Workspace, patience_s: float = PATIENCE_S) -> list[str]:
    """Send what a run recorded, within a few seconds; return a warning if that did not work."""
    try:
        if not is_behind(workspace):
            return []
        attempt = _Attempt(workspace, address(workspace), time.monotonic() + patience_s)
    except AssetctlError as error:
        return [f"the team's lineage store was not told: {error}"]
    with waiting_for("the team's lineage store", patience_s):
        return attempt.outcome(patience_s)


@contextmanager
def asked(workspace: Workspace, sql: str) -> Iterator[Answer]:
    """Give the team store's answer to a query, for as long as its rows are read."""
    answer = ask_team(address(workspace), sql)
    try:
        yield answer
    finally:
        answer.close()


@dataclass(slots=True)
class _Attempt:
    """One push on a thread of its own, since nothing bounds how long a network may be silent."""

    workspace: Workspace
    url: TeamUrl
    deadline: float
    connections: list[Any] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def outcome(self, patience_s: float) -> list[str]:
        """Push, and return what there is to warn of."""
        thread = threading.Thread(target=self._send, name="team store", daemon=True)
        thread.start()
        thread.join(patience_s)
        if thread.is_alive():
            for con in self.connections:
                hang_up(con)
            thread.join(1)
            return [f"the team's lineage store ({self.url.shown}) did not answer within {patience_s:g} s; {_LATER}"]
        return self.warnings

    def _send(self) -> None:
        push = Push(
            self.url,
            self.workspace.settings.name,
            self.workspace.stores.journal,
            statement_s=_STATEMENT_S,
            lock_s=_LOCK_S,
            may_go_on=lambda: time.monotonic() < self.deadline,
            on_open=self.connections.append,
        )
        try:
            sent = push.send()
        except AssetctlError as error:
            problem = error.problems[0]
            facts = ", ".join(f"{name}: {value}" for name, value in problem.facts)
            self.warnings.append(f"{problem.message} ({facts}); {_LATER}")
            return
        if sent.sizes is None:
            self.warnings.append(f"the team's lineage store has only a part of what was recorded; {_LATER}")
        _acknowledge(_mark(self.workspace, self.url), sent)


_LATER = "the next run or `assetctl sync` sends the rest"


def _mark(workspace: Workspace, url: TeamUrl) -> Path:
    """Return the file that says how far the store was told; it saves a connection, and may be lost."""
    which = digest_bytes(f"{url.shown} {url.schema}".encode()).removeprefix("b3:")[:16]
    return workspace.layout.cache / f"team-{which}.json"


def _acknowledged(mark: Path) -> object:
    try:
        return json.loads(read_regular(mark))
    except (OSError, ValueError):
        return None


def _acknowledge(mark: Path, sent: Sent) -> None:
    if sent.sizes is None:
        return
    with suppress(OSError):  # then the next run asks the store itself
        make_folders(mark.parent)
        write_whole(mark, json.dumps(dict(sent.sizes)).encode(), durable=False)
