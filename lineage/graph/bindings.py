"""Bind what computes an asset: which of its parameters are upstreams, config, context or code.

Pure: it looks at the declaration and the set of known keys. Every flaw of one
declaration is returned as a `Problem`; nothing is raised, so that all are reported at once.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, assert_never

from assetctl.assets.columns import Columns
from assetctl.assets.compute import Compute, PythonFunction
from assetctl.assets.context import Context
from assetctl.assets.definition import AssetOptions
from assetctl.assets.errors import DeclarationError, Problem
from assetctl.assets.hints import did_you_mean
from assetctl.assets.ids import AssetKey
from assetctl.lineage.facts.ports import Form, Wanted

_FORMS = {
    ("pyarrow", "Table"): Form.ARROW,
    ("pyarrow", "RecordBatchReader"): Form.READER,
    ("pandas", "DataFrame"): Form.PANDAS,
    ("polars", "DataFrame"): Form.POLARS,
    ("numpy", "ndarray"): Form.NUMPY,
    ("pathlib", "Path"): Form.PATH,
}
_OPEN_ENDED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Read:
    """One parameter that reads an upstream, before the graph says what the upstream is."""

    parameter: str
    upstream: AssetKey
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Gathered:
    """Upstreams that arrive together: for one parameter, or as the names of `**tables`.

    `reads` names them in their order; where there are `keys`, one for each, they arrive by key.
    """

    reads: tuple[str, ...]
    keys: tuple[str, ...] | None = None

    def put_together(self, values: Mapping[str, Any]) -> list[Any] | dict[str, Any]:
        """Return the values of the reads as the function gets them."""
        given = [values[name] for name in self.reads]
        return given if self.keys is None else dict(zip(self.keys, given, strict=True))

    @property
    def text(self) -> str:
        """What it is, and in which order: a function may see both."""
        return f"list of {len(self.reads)}" if self.keys is None else f"dict of {json.dumps(self.keys)}"


@dataclass(frozen=True, slots=True)
class Signature:
    """What the parameters mean. `config` holds the values that calls will use.

    `gathered` is by parameter, with "**" before the name of one that takes all other names.
    """

    reads: tuple[Read, ...] = ()
    gathered: Mapping[str, Gathered] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    context: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def parameters_of(compute: Compute) -> Mapping[str, inspect.Parameter]:
    """Return what a way of computing can be given, by name; annotations are evaluated where they can be.

    Raises:
        TypeError, ValueError: its parameters cannot be determined.
    """
    match compute:
        case PythonFunction(fn):
            parameters = inspect.signature(fn).parameters
            return {name: _evaluated(fn, parameter) for name, parameter in parameters.items()}
        case _:
            assert_never(compute)


def read_signature(compute: Compute, options: AssetOptions, known: Collection[AssetKey]) -> Signature:
    """Return what each parameter means, given the keys that are declared."""
    try:
        parameters = parameters_of(compute)
    except (TypeError, ValueError):
        return Signature(
            problems=(Problem("bad-signature", "has a signature that cannot be read", hint="wrap it in a `def`"),)
        )
    is_python = hasattr(inspect.unwrap(compute.fn), "__code__")
    reader = _SignatureReader(options, known, list(parameters), _HOW_TO_NAME if is_python else _HOW_TO_CALL)
    reader.problems.extend(_unknown_options(options, parameters))
    for parameter in parameters.values():
        if parameter.kind not in _OPEN_ENDED:
            reader.read(parameter)
    for parameter in parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            reader.read_others(parameter)
    return Signature(tuple(reader.reads), reader.gathered, reader.config, tuple(reader.context), tuple(reader.problems))


_HOW_TO_NAME = "remove the `/` from its parameters; a function that is not yours is called from one of your own"
_HOW_TO_CALL = "call it in a function of your own, whose parameters have names"


@dataclass(slots=True)
class _SignatureReader:
    """Takes one parameter after another and decides what it means."""

    options: AssetOptions
    known: Collection[AssetKey]
    names: list[str]
    how_to_name: str  # what is positional-only
    reads: list[Read] = field(default_factory=list)
    gathered: dict[str, Gathered] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    context: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def read(self, parameter: inspect.Parameter) -> None:
        name, default, annotation = parameter.name, parameter.default, parameter.annotation
        if parameter.kind is parameter.POSITIONAL_ONLY and default is parameter.empty:
            self.problems.append(
                Problem("bad-signature", f"has a positional-only parameter `{name}`", hint=self.how_to_name)
            )
        elif annotation is Context:
            self.context.append(name)
        elif name in self.options.config:
            self._configure(name, self.options.config[name])
        elif name in self.options.ins:
            self._bind_named(name, self.options.ins[name], annotation)
        elif default is parameter.empty:
            self._bind(name, _key(name), annotation)
        elif _key(name) in self.known:
            self.problems.append(_ambiguous_default(name))
        elif is_config(default):
            self.config[name] = default

    def read_others(self, parameter: inspect.Parameter) -> None:
        """Take what `ins` and `config` name beyond the parameters: `**tables` gets it by name, in that order."""
        for name, value in sorted(self.options.config.items()):
            if name not in self.names:
                self._configure(name, value)
        others = tuple(name for name in self.options.ins if name not in (*self.names, *self.options.config))
        for name in others:
            if name.isidentifier() or _key(name) is not None:
                self._bind_named(name, self.options.ins[name], parameter.annotation)
            else:
                self.problems.append(_no_name(name))
        if others:
            self.gathered[f"**{parameter.name}"] = Gathered(others, others)

    def _bind_named(self, name: str, named: object, annotation: object) -> None:
        """Bind a parameter to what `ins` names: an upstream, a list of them, or a dict of them by any key."""
        if isinstance(named, list | tuple):
            reads = {f"{name}[{place}]": key for place, key in enumerate(named)}
            self.gathered[name] = Gathered(tuple(reads))
        elif isinstance(named, Mapping) and all(isinstance(key, str) for key in named):
            reads = {f"{name}[{json.dumps(key)}]": upstream for key, upstream in named.items()}
            self.gathered[name] = Gathered(tuple(reads), tuple(map(str, named)))
        else:
            self._bind(name, self._named_key(name, named), annotation, named)
            return
        for read, upstream in reads.items():
            self._bind(read, self._named_key(name, upstream), _element(annotation), upstream)

    def _named_key(self, name: str, named: object) -> AssetKey | None:
        try:
            return AssetKey(named) if isinstance(named, str) else None
        except DeclarationError:
            return None

    def _configure(self, name: str, value: object) -> None:
        self.config[name] = value
        if not is_config(value):
            hint = "config is None, bools, numbers, text, and lists, tuples and dicts of them"
            self.problems.append(Problem("bad-config", f"has a `{type(value).__name__}` as config `{name}`", hint=hint))

    def _bind(self, name: str, key: AssetKey | None, annotation: object, named: object = None) -> None:
        if key is not None and key in self.known:
            self.reads.append(Read(name, key, _wanted(annotation)))
        elif isinstance(named, str) and _key(named) is None:
            self.problems.append(Problem("bad-asset-key", f"names {named!r} in `ins`, which is not an asset key"))
        elif named is None or isinstance(named, str):
            self.problems.append(_unknown_upstream(key or str(named or name), self.known, self.names))
        else:
            self.problems.append(_not_a_key(name, named))


def is_config(value: object) -> bool:
    """Say whether a default is config: None, a bool, number or text, or lists, tuples and dicts of them."""
    if value is None or type(value) in (bool, int, float, str):
        return True
    if type(value) in (list, tuple):
        return all(is_config(item) for item in typing.cast("list[object]", value))
    if type(value) is dict:
        return all(type(k) is str and is_config(v) for k, v in value.items())
    return False


def config_text(value: object) -> str:
    """Return a config value as canonical text; values of different type or content differ in it."""
    if type(value) is tuple:
        return f"({', '.join(map(config_text, value))})"
    if type(value) is list:
        return f"[{', '.join(map(config_text, value))}]"
    if type(value) is dict:
        return "{" + ", ".join(f"{json.dumps(k)}: {config_text(v)}" for k, v in value.items()) + "}"
    if type(value) in (bool, int, str) or value is None:
        return json.dumps(value)
    return repr(value)


def wanted_form(annotation: object) -> Form:
    """Return the input form that an annotation asks for; `STORED` where it asks for none."""
    if isinstance(annotation, str):
        # A name that cannot be resolved (imported under TYPE_CHECKING) is taken at its word.
        last = annotation.rpartition(".")[2]
        module = {"pa": "pyarrow", "pd": "pandas", "pl": "polars", "np": "numpy"}.get(annotation.partition(".")[0])
        return _FORMS.get((module or annotation.partition(".")[0], last), Form.STORED)
    if isinstance(annotation, type):
        if annotation is Path:
            return Form.PATH
        return _FORMS.get((annotation.__module__.partition(".")[0], annotation.__name__), Form.STORED)
    return Form.STORED


def _wanted(annotation: object) -> Wanted:
    names: tuple[str, ...] = ()
    if typing.get_origin(annotation) is typing.Annotated:
        annotation, *extras = typing.get_args(annotation)
        for extra in extras:
            if isinstance(extra, Columns):
                names = extra.names
    return Wanted(wanted_form(annotation), names)


def _evaluated(fn: Callable[..., Any], parameter: inspect.Parameter) -> inspect.Parameter:
    if not isinstance(parameter.annotation, str) or parameter.kind is parameter.VAR_POSITIONAL:
        return parameter
    scope = getattr(inspect.unwrap(fn), "__globals__", {})
    try:
        # The person's own annotation, as typing.get_type_hints evaluates it.
        return parameter.replace(annotation=eval(parameter.annotation, scope))
    except Exception:  # noqa: BLE001  an annotation may name anything; what cannot be evaluated converts nothing
        return parameter


def _element(annotation: object) -> object:
    """Return what the annotation of a list or dict says of the values in it; other annotations are of each value."""
    if typing.get_origin(annotation) is typing.Annotated:
        container, *extras = typing.get_args(annotation)
        return typing.Annotated[(_element(container), *extras)]
    if isinstance(annotation, str) and annotation.endswith("]") and "Annotated[" not in annotation.partition("[")[0]:
        return annotation[annotation.index("[") + 1 : -1].rpartition(", ")[2]
    inner = [argument for argument in typing.get_args(annotation) if argument is not ...]
    return inner[-1] if inner else annotation


def _no_name(name: str) -> Problem:
    message = f"names {name!r} in `ins`, which is no name"
    return Problem("unknown-parameter", message, hint="write a Python name, or an asset key")


def _not_a_key(name: str, named: object) -> Problem:
    return Problem(
        "unknown-upstream",
        f"names a `{type(named).__name__}` in `ins` as upstream of `{name}`",
        hint='name upstreams by their keys: `"orders"`, a list `["orders", "prices"]`, or a dict `{"any name": "orders"}`',
    )


def _key(name: str) -> AssetKey | None:
    try:
        return AssetKey.from_name(name)
    except DeclarationError:
        return None


def _unknown_options(options: AssetOptions, parameters: Mapping[str, inspect.Parameter]) -> list[Problem]:
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    named = {"ins": options.ins, "config": options.config, "secret": options.secret}
    collecting = [
        _collecting(option, parameters[name])
        for option, names in named.items()
        for name in names
        if name in parameters and parameters[name].kind in _OPEN_ENDED
    ]
    return collecting + [
        Problem(
            "unknown-parameter",
            f"names `{name}` in `{option}`, which is not one of its parameters",
            (("parameters", ", ".join(parameters) or "(none)"),),
            did_you_mean(name, parameters) or f"name one of its parameters in `{option}`, or remove it",
        )
        for option, names in named.items()
        for name in names
        if name not in parameters and not (open_ended and (option != "secret" or name in options.config))
    ]


def _collecting(option: str, parameter: inspect.Parameter) -> Problem:
    """Refuse to give a value to `*args` or `**kwargs` as a whole: they take what has no parameter of its own."""
    stars = "**" if parameter.kind is parameter.VAR_KEYWORD else "*"
    names_them = f"name in `{option}` what it is to get, by the names it is to have"
    return Problem(
        "unknown-parameter",
        f"names `{parameter.name}` in `{option}`, which is `{stars}{parameter.name}`",
        hint=names_them if stars == "**" else f"write `{parameter.name}` without the `*` to get a list",
    )


def _ambiguous_default(name: str) -> Problem:
    return Problem(
        "ambiguous-default",
        f"has a default for `{name}`, and an asset of that name exists",
        hint=f'remove the default to read the asset, or say `ins={{"{name}": ...}}` or `config={{"{name}": ...}}`',
    )


def _unknown_upstream(name: str, known: Collection[AssetKey], parameters: Collection[str]) -> Problem:
    return Problem(
        "unknown-upstream",
        f"reads `{name.replace('__', '/')}`, which is not declared",
        (("parameters", ", ".join(parameters)),),
        did_you_mean(name.replace("__", "/"), known) or "declare it, or give the parameter a default to make it config",
    )
