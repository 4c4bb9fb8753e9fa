"""What a model may know when the plane leaves the gate."""

from typing import Annotated

import pandas as pd

from assetctl import asset, columns
from delays.calendar import part_of_day

NUMBERS = [
    "dep_delay", "hour", "distance", "temp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib",
    "seats", "plane_age", "recent_late_share",
]  # fmt: skip
CATEGORIES = ["carrier", "origin", "dest", "weekday", "part_of_day"]
TARGET = "late"


def recent_late_share(flights: pd.DataFrame, window_days: int) -> pd.DataFrame:
    """Return for each (date, origin, carrier) the share of late arrivals on the days before.

    The window ends two days before the date: by then every flight counted has landed, so nothing of the
    future leaks in. Missing for the first two days.
    """
    by_day = flights.pivot_table(index="date", columns=["origin", "carrier"], values="late", aggfunc=["sum", "count"])
    by_day = by_day.asfreq("D").fillna(0).rolling(window_days, min_periods=1).sum().shift(2)
    share = by_day["sum"] / by_day["count"]
    return share.stack(["origin", "carrier"]).rename("recent_late_share").reset_index()


@asset(group="prepared", tags={"tier": "gold"}, owners=["team:flights"], kinds=["pandas"])
def features(
    departures: Annotated[
        pd.DataFrame,
        columns(
            "carrier", "origin", "dest", "date", "hour", "distance", "dep_delay", "arr_delay",
            "temp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib", "seats", "plane_age",
        ),
    ],
    late_minutes: int = 15,
    window_days: int = 7,
) -> pd.DataFrame:  # fmt: skip
    """One row per flight: the inputs of the models, `date`, and `late` (arrived over `late_minutes` late)."""
    table = departures.assign(
        late=departures["arr_delay"] > late_minutes,
        weekday=departures["date"].dt.day_name(),
        part_of_day=part_of_day(departures["hour"]),
    )
    table = table.merge(recent_late_share(table, window_days), on=["date", "origin", "carrier"], how="left")
    return table[["date", *NUMBERS, *CATEGORIES, TARGET]]


@asset(outs=["train", "test"], group="prepared", kinds=["pandas"])
def split(features: pd.DataFrame, test_from: str = "2013-10-01") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train on the past, test on the future: a random split would know tomorrow's storms."""
    is_test = features["date"] >= test_from
    return (
        features[~is_test].drop(columns="date").reset_index(drop=True),
        features[is_test].drop(columns="date").reset_index(drop=True),
    )
