"""assetctl: keep data and models up to date, rebuild only what is stale, and say why.

This module is the whole public API. Every name is imported from its home on first
use, so that `import assetctl` costs nothing and declaring assets never loads the
libraries that store or draw them.
"""

import sys

TYPE_CHECKING = False  # type checkers take it for true by its name; importing `typing` would cost every start 14 ms
if TYPE_CHECKING:
    from assetctl.assets.checks import CheckResult, check
    from assetctl.assets.codec import Codec
    from assetctl.assets.columns import columns
    from assetctl.assets.context import Context
    from assetctl.assets.decorator import asset
    from assetctl.assets.definition import AssetDef
    from assetctl.assets.errors import AssetctlError
    from assetctl.assets.ids import AssetKey
    from assetctl.assets.sources import source
    from assetctl.engine.project import Project

__all__ = [
    "AssetDef",
    "AssetKey",
    "AssetctlError",
    "CheckResult",
    "Codec",
    "Context",
    "Project",
    "__version__",
    "asset",
    "check",
    "columns",
    "source",
]

__version__ = "0.2.0"

_HOMES = {
    "AssetDef": "assetctl.assets.definition",
    "AssetKey": "assetctl.assets.ids",
    "AssetctlError": "assetctl.assets.errors",
    "CheckResult": "assetctl.assets.checks",
    "Codec": "assetctl.assets.codec",
    "Context": "assetctl.assets.context",
    "Project": "assetctl.engine.project",
    "asset": "assetctl.assets.decorator",
    "check": "assetctl.assets.checks",
    "columns": "assetctl.assets.columns",
    "source": "assetctl.assets.sources",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'assetctl' has no attribute {name!r}")
    __import__(home)
    value = getattr(sys.modules[home], name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: object) -> None:
    """Entry point of `%load_ext assetctl`."""
    from assetctl.notebook import load_ipython_extension as load

    load(shell)
