"""Why an asset is stale: a closed set of reasons as data, their sentences, and their JSON.

A reason is data; `describe` gives its sentence, so that terminal, notebook and page say
the same words. A new variant fails type checking wherever it is not handled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, assert_never

from assetctl.assets.ids import AssetKey
from assetctl.lineage.deciding.inside import Change as Change  # noqa: PLC0414  a part of several reasons
from assetctl.lineage.deciding.inside import inside, shown
from assetctl.lineage.facts.kinds import LOST_LOOK, UndeclaredKind


@dataclass(frozen=True, slots=True)
class NeverMaterialized:
    pass


@dataclass(frozen=True, slots=True)
class CodeChanged:
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class BuildSpecChanged:
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class ConfigChanged:
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class EnvironmentChanged:
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class UpstreamAdded:
    upstream: AssetKey
    name: str


@dataclass(frozen=True, slots=True)
class UpstreamRemoved:
    upstream: AssetKey
    name: str


@dataclass(frozen=True, slots=True)
class UpstreamChanged:
    """`columns` names the columns that differ, where both versions' columns are known.

    `classes` names the first-party classes within the value whose code differs.
    """

    upstream: AssetKey
    old: str
    new: str
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceChanged:
    """Like `UpstreamChanged`, for a source the asset reads directly."""

    source: AssetKey
    old: str
    new: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputMissing:
    pass


@dataclass(frozen=True, slots=True)
class OutputCorrupt:
    pass


@dataclass(frozen=True, slots=True)
class InputChangedDuringRun:
    """`in_code`: not an input, but a value that its code captures, which another step of its process had changed.

    `what`: the names of what changed, where they are known.
    """

    in_code: bool = False
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LastAttemptFailed:
    error_type: str
    message: str
    failed_at: str


@dataclass(frozen=True, slots=True)
class CheckFailed:
    check: str
    message: str


@dataclass(frozen=True, slots=True)
class Forced:
    pass


@dataclass(frozen=True, slots=True)
class Undecidable:
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObservedChanged:
    """What the last run was seen to use, though nothing declares it; `kinds` says of each what it is, where known."""

    what: tuple[str, ...]
    kinds: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class PinNotPublished:
    """The asset is pinned to one version, and another was published since (by a machine that did not know)."""

    pinned: str
    published: str


Reason = (
    NeverMaterialized
    | CodeChanged
    | BuildSpecChanged
    | ConfigChanged
    | EnvironmentChanged
    | UpstreamAdded
    | UpstreamRemoved
    | UpstreamChanged
    | SourceChanged
    | OutputMissing
    | OutputCorrupt
    | InputChangedDuringRun
    | LastAttemptFailed
    | CheckFailed
    | Forced
    | Undecidable
    | ObservedChanged
    | PinNotPublished
)

UNSET = "(unset)"  # in place of the hash of a variable's value

KINDS: dict[type, str] = {
    NeverMaterialized: "never_materialized",
    CodeChanged: "code_changed",
    BuildSpecChanged: "build_spec_changed",
    ConfigChanged: "config_changed",
    EnvironmentChanged: "environment_changed",
    UpstreamAdded: "upstream_added",
    UpstreamRemoved: "upstream_removed",
    UpstreamChanged: "upstream_changed",
    SourceChanged: "source_changed",
    OutputMissing: "output_missing",
    OutputCorrupt: "output_corrupt",
    InputChangedDuringRun: "input_changed_during_run",
    LastAttemptFailed: "last_attempt_failed",
    CheckFailed: "check_failed",
    Forced: "forced",
    Undecidable: "undecidable",
    ObservedChanged: "observed_changed",
    PinNotPublished: "pin_not_published",
}


def describe(reason: Reason) -> str:
    """Return the reason as one clause, to be read after "stale: "."""
    match reason:
        case NeverMaterialized():
            return "never materialized"
        case CodeChanged():
            return "code changed"
        case BuildSpecChanged(changes):
            return f"build spec changed: {_list(changes)}"
        case ConfigChanged(changes):
            return f"config changed: {_list(tuple(part for change in changes for part in inside(change)))}"
        case EnvironmentChanged(changes):
            return f"environment changed: {_list(changes, _in_environment)}"
        case UpstreamAdded(upstream):
            return f"upstream `{upstream}` added"
        case UpstreamRemoved(upstream):
            return f"upstream `{upstream}` removed"
        case UpstreamChanged(upstream, columns=columns, classes=classes):
            return f"upstream `{upstream}` changed{_columns(columns)}{_classes(classes)}"
        case SourceChanged(source, columns=columns):
            return f"source `{source}` changed{_columns(columns)}"
        case OutputMissing():
            return "its stored output is missing"
        case OutputCorrupt():
            return "its stored output is corrupt"
        case InputChangedDuringRun(in_code, names):
            named = ", ".join(f"`{name}`" for name in names)
            if in_code:
                return f"another step had changed values that its code captures{f' ({named})' if names else ''}"
            return f"{named or 'an input'} changed while it ran"
        case LastAttemptFailed(error_type):
            return f"the last attempt failed ({error_type})"
        case CheckFailed(check, message):
            return f"check `{check}` failed" + (f": {message}" if message else "")
        case Forced():
            return "forced"
        case Undecidable(what):
            return f"cannot be identified, so built every time: {'; '.join(what)}"
        case ObservedChanged(what, kinds):
            return _describe_observed(what, kinds)
        case PinNotPublished(pinned, published):
            return f"it is pinned to {_short(pinned)}, but {_short(published)} was published since"
        case _:
            assert_never(reason)


def _describe_observed(what: tuple[str, ...], kinds: tuple[str, ...]) -> str:
    named = list(zip(what, kinds or ("",) * len(what), strict=True))
    clauses = [f"the last run had {name}" for name, _ in named if name.startswith(LOST_LOOK)]
    changed = [_observed(name, kind) for name, kind in named if not name.startswith(LOST_LOOK)]
    if changed:
        clauses.append(f"{', '.join(changed)} changed, which it was seen to use without declaring it")
    return ", and ".join(clauses)


def to_json(reason: Reason) -> dict[str, Any]:
    """Return the reason as JSON: its kind and its fields; the contract of `plan --json`."""
    document: dict[str, Any] = {"kind": KINDS[type(reason)]}
    for part in fields(reason):
        value = getattr(reason, part.name)
        if part.name == "changes":
            value = [{"name": c.name, "old": c.old, "new": c.new} for c in value]
        document[part.name] = list(value) if isinstance(value, tuple) else value
    if isinstance(reason, ConfigChanged):
        inner = [change for whole in reason.changes for change in inside(whole)]
        document["inside"] = [{"name": c.name, "old": c.old, "new": c.new} for c in inner]
    return document


def _short(version: str) -> str:
    return version if version == "nothing" else f"b3:{version.removeprefix('b3:')[:8]}"


def _list(changes: tuple[Change, ...], says: Callable[[Change], str] = shown) -> str:
    more = [f"and {len(changes) - 4} more"] if len(changes) > 4 else []
    return ", ".join([*map(says, changes[:4]), *more])


def _in_environment(change: Change) -> str:
    """Say how a part of the environment changed; of a variable's value only a hash is known, which tells nobody anything."""
    name = change.name.removeprefix("env:")
    if name == change.name:
        return shown(change)
    was, now = (text not in (None, UNSET) for text in (change.old, change.new))
    if was and now:
        return f"variable `{name}` has another value"
    if was == now:
        return f"variable `{name}` is read now" if change.old is None else f"variable `{name}` is read no more"
    return f"variable `{name}` is set now" if now else f"variable `{name}` is not set any more"


def _observed(name: str, kind: str) -> str:
    match kind:
        case UndeclaredKind.LISTING:
            return f"the names in `{name}`"
        case UndeclaredKind.ENTRIES:
            return f"the names, sizes or times in `{name}`"
        case UndeclaredKind.PLACE:
            return f"whether `{name}` is there"
        case UndeclaredKind.SIZE | UndeclaredKind.TIME:
            return f"the {kind} of `{name}`"
        case UndeclaredKind.MODE:
            return f"the access rights of `{name}`"
        case UndeclaredKind.LINK:
            return f"where `{name}` points"
        case UndeclaredKind.VARIABLE if name.endswith("*"):
            return "one of the environment variables" + ("" if name == "*" else f" `{name}`")
        case UndeclaredKind.VARIABLE:
            return f"the environment variable `{name}`"
        case UndeclaredKind.SYMBOL | UndeclaredKind.MODULE:
            return f"the code of `{name}`"
        case UndeclaredKind.CODEC:
            return f"the codec `{name}`"
        case _:
            return f"`{name}`"


def _classes(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    return f" (it uses {', '.join(f'`{name}`' for name in names)}, whose code changed)"


def _columns(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f" (column{'s' if len(names) > 1 else ''} {shown})"
