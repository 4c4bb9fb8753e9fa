"""The project that `assetctl init` writes: small, real, and working without any extra package.

Files are all written or none: what is there already is never touched.
"""

from __future__ import annotations

import re
from pathlib import Path

from assetctl.assets.errors import Problem, ProjectError

_PYPROJECT = """\
[project]
name = "{name}"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["assetctl"]

[tool.assetctl]
assets = ["pipeline.py"]
"""

_TABLE = """\
[tool.assetctl]
assets = ["pipeline.py"]
"""

_PIPELINE = '''\
"""Which trips are worth taking? A small pipeline: raw file, clean table, features, model, report."""

from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc

from assetctl import Context, asset, check, columns, source

# A source is observed, not computed: edit the file, and what reads it is stale.
trips = source.file("data/trips.csv", group="raw")


@asset(group="prepare")
def clean_trips(trips: pa.Table, min_minutes: int = 1) -> pa.Table:
    """Trips that took place, with their speed in km/h."""
    kept = trips.filter(pc.greater_equal(trips["minutes"], min_minutes))
    speed = pc.divide(pc.multiply(kept["km"], 60.0), kept["minutes"])
    return kept.append_column("speed", speed)


@check(asset=clean_trips)
def speeds_are_possible(clean_trips: pa.Table) -> bool:
    """A blocking check: if it fails, the table is kept but not published."""
    return pc.max(clean_trips["speed"]).as_py() < 300


# Only these two columns are read: a change in any other leaves the model as it is.
@asset(group="model")
def model(clean_trips: Annotated[pa.Table, columns("km", "minutes")], context: Context) -> dict:
    """Minutes as a straight line over kilometres, by least squares."""
    km, minutes = clean_trips["km"].to_pylist(), clean_trips["minutes"].to_pylist()
    mean_km, mean_minutes = sum(km) / len(km), sum(minutes) / len(minutes)
    slope = sum((x - mean_km) * (y - mean_minutes) for x, y in zip(km, minutes)) / sum((x - mean_km) ** 2 for x in km)
    intercept = mean_minutes - slope * mean_km
    error = sum(abs(intercept + slope * x - y) for x, y in zip(km, minutes)) / len(km)
    context.metric("mean_absolute_error", error)
    return {"minutes_per_km": round(slope, 4), "minutes_at_start": round(intercept, 4)}


@asset(group="model")
def report(model: dict, clean_trips: pa.Table) -> str:
    """What to tell others."""
    return f"{clean_trips.num_rows} trips; one kilometre more takes {model['minutes_per_km']:.1f} minutes more.\\n"
'''

_TRIPS = """\
trip,city,km,minutes
1,Bern,2.1,11
2,Bern,4.8,19
3,Basel,1.2,8
4,Basel,7.5,27
5,Geneva,3.3,16
6,Geneva,0.0,0
7,Zurich,5.9,24
8,Zurich,2.7,12
9,Zurich,9.4,33
10,Lugano,6.2,22
11,Lugano,3.9,17
12,Bern,8.1,29
"""

_IGNORED = """\
.assetctl/
__pycache__/
"""


def write_project(folder: Path) -> list[Path]:
    """Write the project into a folder, making it if needed, and return the files written.

    A `pyproject.toml` without `[tool.assetctl]` and a `.gitignore` are added to.

    Raises:
        ProjectError: a file is in the way; nothing was written.
    """
    texts = {
        folder / "pyproject.toml": _pyproject(folder),
        folder / "pipeline.py": _PIPELINE,
        folder / "data" / "trips.csv": _TRIPS,
        folder / ".gitignore": _gitignore(folder),
    }
    in_the_way = [path for path in (folder / "pipeline.py", folder / "data" / "trips.csv") if path.exists()]
    if in_the_way:
        raise ProjectError(
            *(
                Problem(
                    "file-exists",
                    f"`{path}` is there already; nothing was written",
                    hint="choose another folder: assetctl init DIR",
                )
                for path in in_the_way
            )
        )
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _pyproject(folder: Path) -> str:
    path = folder / "pyproject.toml"
    if not path.exists():
        name = re.sub(r"[^a-z0-9]+", "-", folder.absolute().name.lower()).strip("-") or "project"
        return _PYPROJECT.format(name=name)
    there = path.read_text(encoding="utf-8")
    if re.search(r"^\s*\[\s*tool\s*\.\s*assetctl\s*\]", there, re.MULTILINE):
        raise ProjectError(
            Problem(
                "file-exists", f"`{path}` has [tool.assetctl] already; nothing was written", hint="see `assetctl ls`"
            )
        )
    return there.rstrip("\n") + "\n\n" + _TABLE


def _gitignore(folder: Path) -> str:
    path = folder / ".gitignore"
    there = path.read_text(encoding="utf-8") if path.exists() else ""
    missing = [line for line in _IGNORED.splitlines() if line not in there.splitlines()]
    return there + ("\n" if there and not there.endswith("\n") else "") + "".join(f"{line}\n" for line in missing)
