"""What the assets of a project are, in words that two processes can compare, and by three ways.

As stored (`values`), by a clean build in a folder without a state (`clean`), and by calling the functions in this
process, without plan, store or codec (`plain`).
"""

from __future__ import annotations

import copy
import enum
import hashlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assetctl.engine.project import Project

_CALLED_WITH = 3


def values() -> dict[str, str]:
    """Return each asset as it is stored."""
    from assetctl.engine.project import Project

    return _stored(Project.open())


def _stored(project: Project) -> dict[str, str]:
    """Return the values of all assets; asking for each by itself would open the database as often."""
    from assetctl.assets.ids import whole
    from assetctl.lineage.facts.ports import Wanted

    stores = project.workspace.stores
    keys = sorted(project.graph().steps)
    stores.refresh()
    latest = stores.lineage.snapshot([whole(key) for key in keys]).latest
    return {key: described(stores.data.load(latest[whole(key)].output, Wanted())) for key in keys}


def clean() -> dict[str, str]:
    """Build everything, and return it as it is stored."""
    from assetctl.engine.project import Project

    project = Project.open()
    outcome = project.materialize(jobs=1)
    assert outcome.status == "succeeded", outcome.events
    return _stored(project)


def upstream() -> dict[str, list[str]]:
    """Return what each asset reads, all outputs of a step alike."""
    from assetctl.engine.project import Project

    graph = Project.open().graph()
    return {key: list(step.upstream) for key, step in graph.steps.items()}


def plain() -> dict[str, str]:
    """Call each function with what the others returned; what reads a source, or a value in another form, is left out."""
    from assetctl.engine.project import Project

    graph = Project.open().graph()
    given: dict[str, Any] = {}
    for key in graph.order:
        step = graph.steps.get(key)
        if step is None or key in given:
            continue
        reads = {b.name: given.get(b.upstream, _Missing) for b in step.bindings if b.is_read}
        forms = {b.wanted.form.value for b in step.bindings if b.is_read}
        if forms - {"stored"} or any(value is _Missing for value in reads.values()) or step.gathered or step.context:
            continue
        returned = step.declaration.compute.fn(**step.config, **copy.deepcopy(reads))
        if inspect.isgenerator(returned):  # it is the parts of a table
            continue
        given.update(zip(step.outputs, returned, strict=True) if len(step.outputs) > 1 else {key: returned})
    return {key: described(value) for key, value in given.items()}


class _Missing:
    """Of an upstream that is not known."""


def described(value: object) -> str:
    """Return a text that is equal exactly for equal values, in every process."""
    return repr(_described(value, {}))


def _described(value: object, seen: dict[int, int]) -> Any:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if value is None or (
        isinstance(value, bool | int | float | complex | str | bytes) and not isinstance(value, enum.Enum)
    ):
        return (kind, repr(value))
    if isinstance(value, Path):
        return ("path", hashlib.sha256(value.read_bytes()).hexdigest() if value.is_file() else value.name)
    if isinstance(value, list | set | dict | bytearray):
        if id(value) in seen:
            return ("same", seen[id(value)])
        seen[id(value)] = len(seen)
    if isinstance(value, list | tuple):
        return (kind, [_described(part, seen) for part in value])
    if isinstance(value, Mapping):
        return (kind, [(_described(name, seen), _described(part, seen)) for name, part in value.items()])
    if isinstance(value, set | frozenset):
        return (kind, sorted(repr(_described(part, {})) for part in value))
    table = _table(value, seen)
    if table is not None:
        return (kind, table)
    if callable(value):
        return ("calls", _described(value(_CALLED_WITH), seen))
    if isinstance(value, enum.Enum):
        return (kind, value.name, _described(value.value, seen))
    if hasattr(value, "__dict__"):
        return (kind, [(name, _described(part, seen)) for name, part in sorted(vars(value).items())])
    return (kind, repr(value))


def _table(value: Any, seen: dict[int, int]) -> Any:
    library = type(value).__module__.partition(".")[0]
    if library == "numpy":
        return (str(value.dtype), getattr(value, "shape", ()), repr(value.tolist()))
    if library == "pandas" and hasattr(value, "index"):
        columns = value.to_dict("list") if hasattr(value, "columns") else value.tolist()
        return (repr(columns), repr(value.dtypes), repr(list(value.index)), _described(value.attrs, seen))
    if library == "pyarrow" and hasattr(value, "to_pydict"):
        return (str(value.schema), repr(value.schema.metadata), repr(value.to_pydict()))
    if library == "polars":
        return (repr(value.schema), repr(value.to_dicts()))
    return None
