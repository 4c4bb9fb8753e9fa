"""Perform one task in this very process: load inputs, call the function, store what it returns, ask the checks.

The same code runs in this process and in a worker. It publishes nothing: what is stored
counts only once the run loop has recorded it. The function and each check start from the
same state of the process, whatever ran in it before.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import os
import shutil
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import Any, assert_never

from assetctl.assets.checks import CheckResult
from assetctl.assets.compute import Compute, PythonFunction
from assetctl.assets.errors import AssetctlError, AssetFailed, CorruptionError, EnvironmentFault
from assetctl.assets.ids import Target
from assetctl.engine.isolation.forked import forks_end_here
from assetctl.engine.isolation.starting_state import StartingState
from assetctl.engine.steps.context import StepContext
from assetctl.engine.steps.loading import Loader
from assetctl.engine.steps.returned import refuse_forgotten_return
from assetctl.engine.steps.tasks import CheckAnswer, CheckTask, Failure, StepResult, StepTask
from assetctl.lineage.facts.ports import DataStore, Stored
from assetctl.lineage.facts.records import Output
from assetctl.lineage.graph.asset_graph import AssetGraph, Check, Step
from assetctl.storage.state.crash_points import CrashPoint, reached
from assetctl.storage.state.layout import Layout

_TOOL = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep


def perform(task: StepTask, graph: AssetGraph, loader: Loader, layout: Layout) -> StepResult:
    """Run a task and return what it gave; a person's exception becomes a `Failure`.

    Raises:
        EnvironmentFault: the disk refused; the run has to stop.
        KeyboardInterrupt: somebody pressed Ctrl-C, or the function raised it.
    """
    step = graph.steps[task.step.asset]
    data = loader.data
    context = StepContext(task, str(layout.state))
    are_as_planned = loader.are_as_planned(task.inputs)
    started = time.perf_counter()
    stored: tuple[Stored, ...] = ()
    figures: Mapping[str, str] = {}
    try:
        if task.stored:
            outputs = task.stored
        else:
            arguments = _arguments(step, task, context, loader)
            reached(CrashPoint.INPUTS_HASHED)
            try:
                with StartingState() as start:
                    with forks_end_here():
                        value = compute(step.declaration.compute, arguments)
                    reached(CrashPoint.FUNCTION_RETURNED)
                    refuse_forgotten_return(step, value)
                    start.before_storing()
                    stored = _store(step, task, value, data)
                    figures = context.store_figures(data)
            finally:
                _discard_copies(arguments.values(), layout)
            outputs = tuple(outputs_of(task.step, step, stored).values())
        answers = tuple(_ask(check, graph, outputs, data) for check in task.checks)
    except (EnvironmentFault, KeyboardInterrupt):  # whoever performs knows whether a person pressed Ctrl-C
        raise
    except BaseException as error:  # noqa: BLE001  whatever a person's function raises is a result
        return StepResult(task.step, duration_s=time.perf_counter() - started, failure=failure_of(error))
    return StepResult(
        step=task.step,
        outputs=stored,
        checks=answers,
        metrics=context.metrics,
        figures=figures,
        links=context.links,
        inputs_changed=not are_as_planned,
        duration_s=time.perf_counter() - started,
    )


def failure_of(error: BaseException) -> Failure:
    """Return an exception as text: its type, message, and the traceback from the person's code on."""
    if isinstance(error, AssetctlError):
        first = error.problems[0]
        facts = "\n".join(f"{label}  {value}" for label, value in first.facts)
        is_corruption = isinstance(error, CorruptionError)
        details = _own_traceback(error) or facts
        return Failure(type(error).__name__, first.message, details, first.hint, is_corruption)
    if isinstance(error, SystemExit):
        return Failure("SystemExit", f"the function called sys.exit({error.code!r})", _own_traceback(error))
    return Failure(type(error).__name__, _said(error), _own_traceback(error))


def _said(error: BaseException) -> str:
    """Return what an exception says, as plain text even if its class gives another kind, or cannot say it."""
    try:
        return "".join([str(error)])
    except BaseException as cause:  # noqa: BLE001  it is the person's code that is asked
        return f"(what it says cannot be shown: its __str__ raised {type(cause).__name__})"


def _own_traceback(error: BaseException) -> str:
    try:
        return _own_frames(error)
    except BaseException:  # noqa: BLE001  attributes of an exception are the person's code too
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_TOOL)]
        return "".join(traceback.format_list(own))


def _own_frames(error: BaseException) -> str:
    whole = traceback.TracebackException.from_exception(error)
    part: traceback.TracebackException | None = whole
    while part is not None:
        own = [frame for frame in part.stack if not frame.filename.startswith(_TOOL)]
        part.stack = traceback.StackSummary.from_list(own)
        part = part.__cause__ or part.__context__
    if isinstance(error, AssetctlError) and not whole.stack:
        return ""
    return "".join(whole.format())


def _arguments(step: Step, task: StepTask, context: StepContext, loader: Loader) -> dict[str, Any]:
    arguments: dict[str, Any] = dict(step.config)
    arguments.update(dict.fromkeys(step.context, context))
    given = {needed.parameter: loader.load(needed) for needed in task.inputs}
    together = {n: g for n, g in step.gathered.items() if not n.startswith("**")}
    parts = {part for gathered in together.values() for part in gathered.reads}
    arguments.update({name: value for name, value in given.items() if name not in parts})
    arguments.update({name: gathered.put_together(given) for name, gathered in together.items()})
    others = [name for n, gathered in step.gathered.items() if n.startswith("**") for name in gathered.reads]
    arguments.update({name: arguments.pop(name) for name in others})  # in the order that was declared
    return arguments


def compute(how: Compute, arguments: Mapping[str, Any]) -> Any:
    """Return what a way of computing gives for these arguments."""
    match how:
        case PythonFunction(fn):
            positional, keywords = _arranged(fn, arguments)
            # What it sets in context variables (numpy's error state, for one) ends with the copy of the context.
            return copy_context().run(lambda: _finished(fn(*positional, **keywords)))
        case _:
            assert_never(how)


def _discard_copies(values: Iterable[object], layout: Layout) -> None:
    """Delete the private copies of stored files that the function was handed."""
    for value in _each(values):
        if isinstance(value, Path) and value.is_relative_to(layout.temporary):
            if value.is_dir():
                shutil.rmtree(value, ignore_errors=True)
            else:
                value.unlink(missing_ok=True)


def _each(values: Iterable[object]) -> Iterator[object]:
    """Yield arguments, and the values of those that hold several upstreams."""
    for value in values:
        if type(value) is list:
            yield from value
        elif type(value) is dict:
            yield from value.values()
        else:
            yield value


def _arranged(fn: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Split arguments for the call: positional-only parameters by place, all others by name."""
    parameters = inspect.signature(fn).parameters
    positional = [n for n, p in parameters.items() if p.kind is p.POSITIONAL_ONLY and n in arguments]
    return [arguments[n] for n in positional], {n: v for n, v in arguments.items() if n not in positional}


def _finished(value: Any) -> Any:
    """Run a coroutine to its end; in a notebook, whose loop is running, on a thread of its own."""
    if not inspect.isawaitable(value):
        return value

    async def wait() -> Any:
        return await value

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, wait()).result()


def _store(step: Step, task: StepTask, value: Any, data: DataStore) -> tuple[Stored, ...]:
    options = step.declaration.options
    if not options.outs:
        return (data.put(value, codec=options.codec, unordered=options.unordered, provenance=task.provenance),)
    stored = []
    for name, part in zip(step.outputs, _split(step, value), strict=True):
        try:
            stored.append(data.put(part, codec=options.codec, unordered=options.unordered, provenance=task.provenance))
        except AssetFailed as refused:
            first, *more = refused.problems
            raise AssetFailed(replace(first, message=f"output `{name}`: {first.message}"), *more) from refused
    return tuple(stored)


def _split(step: Step, value: Any) -> list[Any]:
    """Return the values of a multi-output step in the order of its outputs."""
    if isinstance(value, Mapping):
        names = {str(name): name for name in value}
        short = {key: next((n for n in (key, key.name) if n in names), None) for key in step.outputs}
        if len(names) == len(step.outputs) and None not in short.values():
            return [value[names[n]] for n in short.values() if n is not None]
        got = f"a dict with the keys {', '.join(map(repr, value))}"
    elif isinstance(value, tuple | list) and len(value) == len(step.outputs):
        return list(value)
    else:
        got = f"{len(value)} values" if isinstance(value, tuple | list) else f"one {type(value).__name__}"
    raise AssetFailed.of(
        "wrong-outputs",
        f"`{step.name}` declares the outputs {', '.join(step.outputs)} and returned {got}",
        ("declared in", step.where),
        hint="return a tuple in the order of `outs`, or a dict with these keys",
    )


def _ask(task: CheckTask, graph: AssetGraph, outputs: tuple[Output, ...], data: DataStore) -> CheckAnswer:
    check = next(c for c in graph.checks[task.target.asset] if c.name == task.name)
    output = next(o for o in outputs if o.target == task.target)
    try:
        given = {check.parameter: data.load(output, check.wanted)}
        with StartingState(), forks_end_here():
            returned = compute(check.declaration.compute, given)
    except (CorruptionError, EnvironmentFault, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001  a check that raises has answered no
        return CheckAnswer(task, passed=False, message=f"it raised {type(error).__name__}: {_said(error)}", metrics={})
    return _answer(task, returned, check)


def _answer(task: CheckTask, returned: object, check: Check) -> CheckAnswer:
    if isinstance(returned, CheckResult):
        metrics = {str(k): float(v) for k, v in returned.metrics.items() if math.isfinite(float(v))}
        return CheckAnswer(task, bool(returned.passed), str(returned.message), metrics)
    if isinstance(returned, bool) or type(returned).__module__ == "numpy":
        return CheckAnswer(task, bool(returned), "", {})
    message = f"it returned {type(returned).__name__}, not a bool or a `CheckResult` ({check.where})"
    return CheckAnswer(task, passed=False, message=message, metrics={})


def outputs_of(target: Target, step: Step, stored: Sequence[Stored]) -> dict[Target, Output]:
    """Return what a step gave, by target: its outputs, of the partition that was materialized."""
    targets = [Target(key, target.partition_key) for key in step.outputs]
    return {of: value.as_output(of) for of, value in zip(targets, stored, strict=True)}
