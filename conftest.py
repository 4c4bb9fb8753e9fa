"""Keep pytest from importing the code folders under bare names.

`tests` and `assetctl` are collected; the folders that `assetctl/` links to are not, since
`lineage.deciding.plan` beside `assetctl.lineage.deciding.plan` would be a second copy of the module.
"""

from __future__ import annotations

from importlib.util import find_spec

_OF_LIBRARIES = {
    "lineage/identity/values/labelled_arrays.py": "xarray",
    "lineage/identity/values/torch_values.py": "torch",
}
collect_ignore = [
    "assets",
    "lineage",
    "storage",
    "engine",
    "integrations",
    "cli",
    "examples",
    "benchmarks",
    "notebooks",
    *[f"assetctl/{path}" for path, library in _OF_LIBRARIES.items() if find_spec(library) is None],
]
