"""Apply config assignments ("asset.param=value") to a graph. Pure: returns a new graph.

A value is read as JSON. Text that is not JSON is taken as it is where the default is
text or None, and refused elsewhere, so that a typo does not become a new config.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from assetctl.assets.errors import Problem, SelectionError
from assetctl.assets.hints import did_you_mean
from assetctl.assets.ids import AssetKey
from assetctl.lineage.graph.asset_graph import AssetGraph, Step


def configure(graph: AssetGraph, assignments: Sequence[str]) -> AssetGraph:
    """Return the graph with these config values in place of the declared ones.

    Raises:
        SelectionError: with every assignment that names no config parameter or does not fit it.
    """
    if not assignments:
        return graph
    problems: list[Problem] = []
    changed: dict[AssetKey, dict[str, Any]] = {}
    for assignment in assignments:
        parsed = _parse(graph, assignment)
        if isinstance(parsed, Problem):
            problems.append(parsed)
        else:
            step, parameter, value = parsed
            changed.setdefault(step.key, dict(step.config))[parameter] = value
    if problems:
        raise SelectionError(*problems)
    steps: Mapping[AssetKey, Step] = {
        key: dataclasses.replace(step, config=changed[step.key]) if step.key in changed else step
        for key, step in graph.steps.items()
    }
    return dataclasses.replace(graph, steps=steps)


def _parse(graph: AssetGraph, assignment: str) -> tuple[Step, str, Any] | Problem:
    target, equals, text = assignment.partition("=")
    name, dot, parameter = target.strip().rpartition(".")
    given = f"`--set {target.strip()}=...`"  # the value may be a secret: it is never said back
    if not equals or not dot or not name or not parameter:
        return Problem(
            "bad-assignment",
            "what `--set` was given is not of the form asset.param=value",
            hint="write `--set model.depth=5`",
        )
    step = _step(graph, name)
    if step is None:
        names = sorted({*graph.steps, *(s.name for s in graph.steps.values())})
        hint = did_you_mean(name, names) or "see `assetctl ls`"
        return Problem("unknown-asset", f"{given}: there is no asset `{name}`", hint=hint)
    if parameter not in step.config:
        return Problem(
            "unknown-config",
            f"{given}: asset `{name}` has no config parameter `{parameter}`",
            (("declared in", step.where), ("config", ", ".join(sorted(step.config)) or "(none)")),
            did_you_mean(parameter, step.config) or "config parameters are those with a plain default",
        )
    return _fit(step, parameter, text, given)


def _step(graph: AssetGraph, name: str) -> Step | None:
    for key, step in graph.steps.items():
        if name in (key, step.name):
            return step
    return None


def _fit(step: Step, parameter: str, text: str, given: str) -> tuple[Step, str, Any] | Problem:
    declared = step.config[parameter]
    value, is_json = _json(text)
    if isinstance(declared, str):
        return step, parameter, value if isinstance(value, str) else text
    if not is_json and declared is not None:
        is_secret = parameter in step.declaration.options.secret
        value_text, default = ("...", "") if is_secret else (text, f" {declared!r}")
        return Problem(
            "bad-assignment",
            f"{given}: {'this' if is_secret else repr(text)} is not {_kind(declared)}, as its default{default} is",
            (("declared in", step.where),),
            f"""for text write `--set '{step.name}.{parameter}="{value_text}"'`""",
        )
    if isinstance(declared, tuple) and isinstance(value, list):
        return step, parameter, tuple(value)
    if isinstance(declared, float) and type(value) is int:
        return step, parameter, float(value)
    return step, parameter, value


def _json(text: str) -> tuple[Any, bool]:
    """Return the value and whether the text was JSON (Python's True, False and None count)."""
    try:
        return json.loads(text), True
    except ValueError:
        python = {"True": True, "False": False, "None": None}
        return python.get(text, text), text in python


def _kind(value: object) -> str:
    kinds = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        tuple: "a list",
        dict: "an object",
    }
    return kinds[type(value)]
