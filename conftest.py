"""Keep pytest from importing the code folders under bare names.

`tests` and `assetctl` are collected; the folders that `assetctl/` links to are not, since
`lineage.deciding.plan` beside `assetctl.lineage.deciding.plan` would be a second copy of the module.
"""

from __future__ import annotations

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
]
