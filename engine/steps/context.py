"""The `Context` a running asset is given; it only gathers, the run loop records."""

from __future__ import annotations

import math
from collections.abc import Mapping

from assetctl.assets.errors import AssetFailed
from assetctl.engine.steps.tasks import StepTask
from assetctl.lineage.facts.ports import DataStore


class StepContext:
    """Implements `assetctl.Context` for one step."""

    def __init__(self, task: StepTask, state_folder: str) -> None:
        self._task = task
        self._state_folder = state_folder
        self._figures: dict[str, object] = {}
        self.metrics: dict[str, float] = {}
        self.links: dict[str, str] = {}

    @property
    def asset(self) -> str:
        return self._task.step

    @property
    def run_id(self) -> str:
        return self._task.run_id

    @property
    def materialization_id(self) -> str:
        return self._task.materialization_id

    @property
    def upstream_metrics(self) -> Mapping[str, Mapping[str, float]]:
        return self._task.upstream_metrics

    @property
    def state_folder(self) -> str:
        return self._state_folder

    def log(self, message: str) -> None:
        print(message, flush=True)  # noqa: T201  the step's log is what it prints

    def metric(self, name: str, value: float) -> None:
        number = float(value)
        if not math.isfinite(number):
            raise AssetFailed.of("bad-metric", f"metric `{name}` is {number}", hint="record finite numbers only")
        self.metrics[str(name)] = number

    def figure(self, name: str, figure: object) -> None:
        self._figures[str(name)] = figure

    def link(self, name: str, target: str) -> None:
        self.links[str(name)] = str(target)

    def store_figures(self, data: DataStore) -> dict[str, str]:
        """Keep the figures and return their blob digests by name."""
        return {name: data.put_figure(figure) for name, figure in self._figures.items()}
