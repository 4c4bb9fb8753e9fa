"""`@asset`: turn a function into a declaration, without touching anything else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, overload

from assetctl.assets.codec import Codec
from assetctl.assets.compute import PythonFunction
from assetctl.assets.definition import AssetDef, AssetOptions
from assetctl.assets.durations import HOW_TO_WRITE, not_a_duration, parse_duration
from assetctl.assets.errors import DeclarationError, Problem
from assetctl.assets.hints import did_you_mean


@overload
def asset(fn: Callable[..., Any], /) -> AssetDef: ...
@overload
def asset(fn: Callable[..., Any], /, **options: Any) -> AssetDef: ...
@overload
def asset(**options: Any) -> Callable[[Callable[..., Any]], AssetDef]: ...


def asset(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    key: str | None = None,
    ins: Mapping[str, str | Sequence[str] | Mapping[str, str]] | None = None,
    deps: Sequence[Any] = (),
    config: Mapping[str, Any] | None = None,
    outs: Sequence[str] = (),
    group: str | None = None,
    tags: Mapping[str, str] | None = None,
    owners: Sequence[str] = (),
    kinds: Sequence[str] = (),
    description: str | None = None,
    codec: str | type[Codec] | None = None,
    unordered: bool = False,
    version: str | None = None,
    code_deps: Sequence[Any] = (),
    secret: Sequence[str] = (),
    aliases: Sequence[str] = (),
    retries: int = 0,
    timeout: str | float | None = None,
    isolate: bool = False,
    exists: Callable[[], bool] | None = None,
    **unknown: object,
) -> AssetDef | Callable[[Callable[..., Any]], AssetDef]:
    """Declare an asset: `@asset`, `@asset(group="features")` or `asset(fn, key="x", ins={...})`.

    A parameter without a default names an upstream asset (`__` means `/`); one with a
    JSON-able default is config. `timeout` is seconds or text such as `"10m"`.

    Raises:
        DeclarationError: an option cannot work, whatever the project looks like.
    """
    if unknown:
        raise _unknown_options(unknown)
    options = AssetOptions(
        key=key,
        ins=dict(ins or {}),
        deps=tuple(_names("deps", deps)),
        config=dict(config or {}),
        outs=tuple(_names("outs", outs)),
        group=group,
        tags=dict(tags or {}),
        owners=tuple(_names("owners", owners)),
        kinds=tuple(_names("kinds", kinds)),
        description=description,
        codec=codec if codec is None or isinstance(codec, str) else codec.name,
        unordered=unordered,
        version=version,
        code_deps=tuple(_names("code_deps", code_deps)),
        secret=tuple(_names("secret", secret)),
        aliases=tuple(_names("aliases", aliases)),
        retries=retries,
        timeout_s=_seconds(timeout),
        isolate=isolate,
        exists=exists,
    )
    if fn is None:
        return lambda function: _declare(function, options)
    return _declare(fn, options)


def _unknown_options(names: Iterable[str]) -> DeclarationError:
    known = [name for name in inspect.signature(asset).parameters if name not in {"fn", "unknown"}]
    hint = f"the options are {', '.join(f'`{name}`' for name in known)}"
    return DeclarationError(
        *(
            Problem("unknown-option", f"`@asset` has no option `{name}`", hint=did_you_mean(name, known) or hint)
            for name in names
        )
    )


def _declare(fn: Callable[..., Any], options: AssetOptions) -> AssetDef:
    if not callable(fn):
        raise DeclarationError(
            Problem(
                "not-a-function",
                f"`@asset` was given {fn!r}, which is not a function",
                hint="put `@asset` above a function",
            )
        )
    return AssetDef(fn.compute if isinstance(fn, AssetDef) else PythonFunction(fn), options)


def _names(option: str, values: Sequence[Any]) -> Sequence[Any]:
    if isinstance(values, str):
        raise DeclarationError(
            Problem(
                "not-a-list", f"`{option}` is the text {values!r}, not a list", hint=f'write `{option}=["{values}"]`'
            )
        )
    return values


def _seconds(timeout: str | float | None) -> float | None:
    if timeout is None or isinstance(timeout, int | float):
        return timeout
    seconds = parse_duration(timeout)
    if seconds is None:
        raise DeclarationError(Problem("bad-duration", not_a_duration(f"timeout {timeout!r}"), hint=HOW_TO_WRITE))
    return seconds
