"""What a running asset may ask of the tool: its run, a log, metrics and figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


@runtime_checkable
class Context(Protocol):
    """Injected into a parameter annotated `Context`; never part of identity.

    Metrics and figures are kept with the materialization and shown by `assetctl show`;
    `materialization_id` names that record, for links from other tools.
    """

    @property
    def asset(self) -> str:
        """Key of the asset being built (of the first output, where there are several)."""
        ...

    @property
    def run_id(self) -> str: ...

    @property
    def materialization_id(self) -> str: ...

    @property
    def upstream_metrics(self) -> Mapping[str, Mapping[str, float]]:
        """Metrics recorded with each upstream's current materialization, by upstream key."""
        ...

    @property
    def state_folder(self) -> str:
        """Absolute path of the project's `.assetctl` folder."""
        ...

    def log(self, message: str) -> None:
        """Write a line to the step's log."""
        ...

    def metric(self, name: str, value: float) -> None:
        """Record a finite number under a name; the last value of a name wins."""
        ...

    def figure(self, name: str, figure: object) -> None:
        """Record a picture: a matplotlib figure, or SVG text or PNG bytes."""
        ...

    def link(self, name: str, target: str) -> None:
        """Record where an outside effect can be found (a run id, a model version, an address)."""
        ...
