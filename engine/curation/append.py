"""Record what a person decides about recorded versions: a few facts, in one write, durable on return.

The facts of one call are ordered so that every prefix of them is a consistent state: a
process killed during the write leaves nothing misleading behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from assetctl.assets.ids import AssetKey, Target, whole
from assetctl.engine.workspace.checkout import checkout_of
from assetctl.engine.workspace.clock import SystemClock
from assetctl.engine.workspace.identifiers import new_identifier
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.kinds import Outcome, RunStatus
from assetctl.lineage.facts.records import Decision, Fact, Materialized, RunFinished, RunId, RunStarted
from assetctl.lineage.facts.snapshot import Recorded
from assetctl.storage.state.format import ensure_state
from assetctl.storage.state.lock import step_lock

_LOCK_WAIT_S = 60.0


@contextmanager
def steps_at_rest(workspace: Workspace, steps: Iterable[Target]) -> Iterator[None]:
    """Hold the locks of these steps, so that none of them is being built meanwhile.

    Raises:
        WaitTimeout: another process builds one of them for longer than a minute.
    """
    ensure_state(workspace.layout)
    with ExitStack() as held:
        for step in sorted(set(steps)):  # always in this order: two commands never wait for each other
            held.enter_context(step_lock(workspace.layout, step, _LOCK_WAIT_S))
        workspace.stores.refresh()
        yield


def step_keys(workspace: Workspace, key: AssetKey, recorded: Recorded | None) -> set[Target]:
    """Return the steps that make an asset: as declared, and as recorded."""
    step = workspace.graph().steps.get(key)
    declared = {step.target} if step is not None else {whole(key)}
    return declared | ({recorded.materialization.step} if recorded is not None else set())


def now() -> str:
    return SystemClock().now()


def append(workspace: Workspace, facts: Sequence[Fact]) -> None:
    """Append facts, make them durable, and fold them."""
    ensure_state(workspace.layout)
    workspace.stores.journal.append(facts)
    workspace.stores.journal.sync()
    workspace.stores.refresh()


def append_run(
    workspace: Workspace, run_id: RunId, command: str, keys: Sequence[AssetKey], facts: Sequence[Fact]
) -> None:
    """Append facts as a run of their own, which says what was asked and what was done."""
    at = checkout_of(workspace.root)
    began = RunStarted(run_id, now(), tuple(keys), command, at.branch, at.commit)
    made = [o.target for f in facts if isinstance(f, Materialized) for o in f.outputs]
    done = tuple(Decision(key, Outcome.RESTORED, ()) for key in made)
    append(workspace, [began, *facts, RunFinished(run_id, now(), RunStatus.SUCCEEDED, 0.0, done)])


def new_run_id() -> RunId:
    return RunId(new_identifier())
