"""Pin versions so that cleaning up spares them, and say which pins are in force."""

from __future__ import annotations

from dataclasses import dataclass

from assetctl.assets.errors import Problem, SelectionError
from assetctl.assets.ids import AssetKey, whole
from assetctl.engine.answers.find import find_recorded, is_named
from assetctl.engine.curation.append import append, now
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.records import Fact, Pinned, Purpose, Unpinned
from assetctl.lineage.facts.snapshot import OutputState, Recorded
from assetctl.storage.lineage_store.history import past_materializations


@dataclass(frozen=True, slots=True)
class Pins:
    """The pins in force, oldest first; `set_` and `lifted` are what this call did."""

    pins: tuple[Pinned, ...]
    set_: Pinned | None = None
    lifted: tuple[Pinned, ...] = ()


def pins_in_force(workspace: Workspace) -> Pins:
    """Return every pin in force."""
    workspace.stores.refresh()
    return Pins(workspace.stores.lineage.pins())


def keep(workspace: Workspace, key: AssetKey, version: str | None, note: str) -> Pins:
    """Pin a version of an asset (the latest, if none is named) so that cleaning up spares its bytes.

    Raises:
        SelectionError: there is no such version, or its bytes are gone.
    """
    recorded = find_recorded(workspace, key, version)
    require_bytes(workspace, recorded)
    pin = Pinned(whole(key), recorded.materialization.id, recorded.output.value.version, Purpose.KEEP, now(), note)
    append(workspace, [pin])
    return Pins(workspace.stores.lineage.pins(), set_=pin)


def stop_keeping(workspace: Workspace, key: AssetKey, version: str | None) -> Pins:
    """Lift the pins of an asset that spare its bytes: all of them, or those of one version.

    Raises:
        SelectionError: there is no such pin.
    """
    workspace.stores.refresh()
    held = [p for p in workspace.stores.lineage.pins() if p.target == whole(key) and p.purpose is Purpose.KEEP]
    lifted = tuple(pin for pin in held if version is None or _is_meant(pin, version))
    if not lifted:
        what = f"`{key}`" if version is None else f"`{key}@{version}`"
        raise SelectionError(
            Problem("not-pinned", f"no pin keeps {what} from being cleaned up", hint="`assetctl pin` lists the pins")
        )
    facts: list[Fact] = [Unpinned(whole(key), Purpose.KEEP, pin.materialization_id, now()) for pin in lifted]
    append(workspace, facts)
    return Pins(workspace.stores.lineage.pins(), lifted=lifted)


def require_bytes(workspace: Workspace, recorded: Recorded) -> None:
    """Refuse a version of which some output cannot be read.

    Raises:
        SelectionError: bytes are missing or corrupt; the message says whose.
    """
    for output in recorded.materialization.outputs:
        state = workspace.stores.data.state(output)
        if state is not OutputState.PRESENT:
            raise SelectionError(
                Problem(
                    "output-corrupt" if state is OutputState.CORRUPT else "output-missing",
                    f"the stored output of `{output.target}` is {state.value} in this version",
                    (("data version", output.value.version),),
                    f"see `assetctl history {output.target}` for other versions",
                )
            )


def published_version(workspace: Workspace, key: AssetKey, version: str) -> Recorded:
    """Return the newest published version that a text names, one whose bytes are there before others.

    Raises:
        SelectionError: there is none; a candidate that a check holds back is none.
    """
    newest = find_recorded(workspace, key, version)
    named = [r for r in past_materializations(workspace.stores.lineage, key) if is_named(r, version)]
    published = [recorded for recorded in named if recorded.materialization.published]
    if not published:
        raise SelectionError(
            Problem(
                "not-published",
                f"`{key}@{version}` was never published: a check holds it back",
                (("data version", newest.output.value.version),),
                f"see `assetctl history {key}` for the versions that were",
            )
        )
    state = workspace.stores.data.state
    whole = (r for r in published if all(state(o) is OutputState.PRESENT for o in r.materialization.outputs))
    return next(whole, published[0])


def _is_meant(pin: Pinned, version: str) -> bool:
    digits = version.removeprefix("b3:").lower()
    return pin.materialization_id == version or (len(digits) >= 6 and pin.data_version.startswith(f"b3:{digits}"))
