"""Options that several verbs share, and what they mean for a plan."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from assetctl.assets.durations import HOW_TO_WRITE, not_a_duration, parse_duration
from assetctl.cli.complete import complete_asset, complete_selection
from assetctl.engine.planning.options import PlanOptions

F = TypeVar("F", bound=Callable[..., Any])


if TYPE_CHECKING:
    _FloatParam = click.ParamType[float]
else:
    _FloatParam = click.ParamType  # generic since click 8.4 only


class _Duration(_FloatParam):
    """A duration such as `90s` or `12h`, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds = parse_duration(str(value))
        if seconds is None:
            self.fail(f"{not_a_duration(repr(value))}; {HOW_TO_WRITE}", param, ctx)
        return seconds


DURATION = _Duration()


def selection_argument(function: F) -> F:
    """Add `[SELECTION]...`; none means every asset."""
    return click.argument("selection", nargs=-1, shell_complete=complete_selection)(function)


def asset_argument(function: F) -> F:
    """Add `ASSET`."""
    return click.argument("asset", shell_complete=complete_asset)(function)


def optional_asset_argument(function: F) -> F:
    """Add `[ASSET]`."""
    return click.argument("asset", required=False, shell_complete=complete_asset)(function)


def version_argument(function: F) -> F:
    """Add `ASSET@VERSION`; it may come without the version."""
    return click.argument("asset", metavar="ASSET[@VERSION]", shell_complete=complete_asset)(function)


def optional_version_argument(function: F) -> F:
    """Add `[ASSET[@VERSION]]`."""
    return click.argument("asset", metavar="[ASSET[@VERSION]]", required=False, shell_complete=complete_asset)(function)


def plan_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options that shape a plan; the command gets them as one `options: PlanOptions`."""

    @functools.wraps(function)
    def call(
        *args: Any, exclude: Sequence[str], force: bool, only: bool, settings: Sequence[str], **kwargs: Any
    ) -> int:
        click.get_current_context().obj.settings = tuple(settings)
        options = PlanOptions(exclude=tuple(exclude), force=force, only=only, set=tuple(settings))
        return function(*args, options=options, **kwargs)

    decorated: Callable[..., int] = call
    for decorate in (
        settings_option,
        click.option("--only", is_flag=True, help="Act on exactly what is selected, not on its upstreams."),
        click.option(
            "--force", is_flag=True, help="Run the selected assets even if they are fresh (not their upstreams)."
        ),
        exclude_option,
    ):
        decorated = decorate(decorated)
    return decorated


def settings_option(function: F) -> F:
    """Add `--set ASSET.PARAM=VALUE`."""
    return click.option(
        "--set", "settings", multiple=True, metavar="ASSET.PARAM=VALUE", help="Give a parameter another value."
    )(function)


def exclude_option(function: F) -> F:
    """Add `--exclude SELECTION`."""
    return click.option(
        "--exclude",
        multiple=True,
        metavar="SELECTION",
        help="Leave these out; same grammar.",
        shell_complete=complete_selection,
    )(function)
