"""Settings of libraries, only of those that are loaded: matplotlib, pandas, scikit-learn, decimal."""

from __future__ import annotations

import sys
from typing import Any

from assetctl.engine.isolation.kept import Kept, setting

_FIELDS = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
_OF_BACKEND = frozenset({"backend", "backend_fallback"})  # matplotlib settles these when it first draws
_rc: list[dict[str, Any]] = []  # the last settings seen, with lists of their own
_pandas: list[dict[str, Any]] = []


# --- decimal: contexts are changed in place, so the objects stay and their fields are put back


def _decimal() -> list[tuple[Any, Any, str]]:
    decimal = sys.modules["decimal"]
    contexts = (decimal.getcontext(), decimal.DefaultContext)
    return [(context, context.copy(), repr(context)) for context in contexts]


def _put_back_decimal(was: list[tuple[Any, Any, str]]) -> None:
    decimal = sys.modules["decimal"]
    for context, copy, shown in was:
        if repr(context) != shown:
            for name in _FIELDS:
                setattr(context, name, getattr(copy, name))
            context.flags, context.traps = copy.flags, copy.traps
    if decimal.getcontext() is not was[0][0]:
        decimal.setcontext(was[0][0])


# --- matplotlib


def _hide_figures() -> list[tuple[Any, Any]]:
    """Return pyplot's open figures, and hide them: a step starts without any."""
    figures = sys.modules["matplotlib._pylab_helpers"].Gcf.figs
    shown = list(figures.items())
    figures.clear()
    return shown


def _show_figures(was: list[tuple[Any, Any]]) -> None:
    """Close the figures that the step left open, and show those that were hidden."""
    manager = sys.modules["matplotlib._pylab_helpers"].Gcf
    if manager.figs:
        manager.destroy_all()
    manager.figs.update(was)


def _rc_params() -> dict[str, Any]:
    params = sys.modules["matplotlib"].rcParams
    if not _rc or not dict.__eq__(params, _rc[0]):
        _rc[:] = [{name: list(v) if type(v) is list else v for name, v in dict.items(params)}]
    return _rc[0]


def _put_back_rc_params(was: dict[str, Any]) -> None:
    params = sys.modules["matplotlib"].rcParams
    if dict.__eq__(params, was):
        return
    for name, value in was.items():
        if name not in _OF_BACKEND:
            dict.__setitem__(params, name, list(value) if type(value) is list else value)


def _rc_after_import() -> dict[str, Any]:
    return dict(dict.items(sys.modules["matplotlib"].rcParamsOrig))


# --- pandas


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat.update(_flat(value, f"{prefix}{name}.") if type(value) is dict else {prefix + name: value})
    return flat


def _copied(tree: dict[str, Any]) -> dict[str, Any]:
    return {name: _copied(value) if type(value) is dict else value for name, value in tree.items()}


def _pandas_options() -> dict[str, Any]:
    options = sys.modules["pandas._config.config"]._global_config
    if not _pandas or options != _pandas[0]:
        _pandas[:] = [_copied(options)]
    return _pandas[0]


def _put_back_pandas(was: dict[str, Any]) -> None:
    config = sys.modules["pandas._config.config"]
    if config._global_config == was:
        return
    before, now = _flat(was), _flat(config._global_config)
    for name, value in before.items():
        if name not in now or now[name] != value:
            config.set_option(name, value)


def _pandas_after_import() -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, registered in sys.modules["pandas._config.config"]._registered_options.items():
        *path, last = name.split(".")
        inner = options
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = registered.defval
    return options


def _sklearn() -> dict[str, Any]:
    config: dict[str, Any] = sys.modules["sklearn._config"].get_config()
    return config


LIBRARIES: tuple[Kept, ...] = (
    Kept("decimal context", _decimal, _put_back_decimal, "decimal"),
    Kept(
        "open figures",
        _hide_figures,
        _show_figures,
        "matplotlib._pylab_helpers",
        after_import=list,
    ),
    Kept(
        "rcParams",
        _rc_params,
        _put_back_rc_params,
        "matplotlib",
        after_import=_rc_after_import,
    ),
    Kept(
        "pandas options",
        _pandas_options,
        _put_back_pandas,
        "pandas._config.config",
        after_import=_pandas_after_import,
    ),
    setting(
        "scikit-learn configuration",
        _sklearn,
        lambda was: sys.modules["sklearn._config"].set_config(**was),
        "sklearn._config",
        after_import=lambda: dict(sys.modules["sklearn._config"]._global_config),
    ),
)
