"""The texts of the project that `assetctl init` writes: one pipeline, in pandas and in Arrow, and its data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Starter:
    """A pipeline, and the requirement that installs what it imports."""

    requirement: str
    pipeline: str


IN_PANDAS = Starter(
    "assetctl[pandas]",
    '''\
"""Which trips are worth taking? A small pipeline: raw file, clean table, model, report."""

from typing import Annotated

import numpy as np
import pandas as pd

from assetctl import Context, asset, check, columns, source

# A source is observed, not computed: edit the file, and what reads it becomes stale.
trips = source.file("data/trips.csv", group="raw")


@asset(group="prepare")
def clean_trips(trips: pd.DataFrame, min_minutes: int = 1) -> pd.DataFrame:
    """Trips that took place, with their speed in km/h."""
    kept = trips[trips["minutes"] >= min_minutes].reset_index(drop=True)
    return kept.assign(speed=kept["km"] * 60.0 / kept["minutes"])


@check(asset=clean_trips)
def speeds_are_possible(clean_trips: pd.DataFrame) -> bool:
    """A blocking check: if it fails, the table is kept but not published."""
    return bool(clean_trips["speed"].max() < 300)


# Only these two columns are read: a change in any other leaves the model as it is.
@asset(group="model")
def model(clean_trips: Annotated[pd.DataFrame, columns("km", "minutes")], context: Context) -> dict:
    """Minutes as a straight line over kilometres, by least squares."""
    slope, intercept = np.polyfit(clean_trips["km"], clean_trips["minutes"], deg=1).tolist()
    error = (intercept + slope * clean_trips["km"] - clean_trips["minutes"]).abs().mean()
    context.metric("mean_absolute_error", float(error))
    return {"minutes_per_km": round(slope, 4), "minutes_at_start": round(intercept, 4)}


@asset(group="model")
def report(model: dict, clean_trips: pd.DataFrame) -> str:
    """What to tell others."""
    return f"{len(clean_trips)} trips; one kilometre more takes {model['minutes_per_km']:.1f} minutes more.\\n"
''',
)

IN_ARROW = Starter(
    "assetctl",
    '''\
"""Which trips are worth taking? A small pipeline: raw file, clean table, model, report."""

from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc

from assetctl import Context, asset, check, columns, source

# A source is observed, not computed: edit the file, and what reads it becomes stale.
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
''',
)

TRIPS = """\
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
