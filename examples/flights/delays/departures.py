"""One clean table of departures, joined with the hour's weather and the plane."""

import pandas as pd

from assetctl import CheckResult, asset, check
from delays.cleaning import landed, plane_facts, utc_hour, weather_by_hour

COLUMNS = ["carrier", "origin", "dest", "date", "hour", "distance", "dep_delay", "arr_delay"]


@asset(group="prepared", tags={"tier": "gold"}, owners=["team:flights"], kinds=["pandas"])
def departures(flights: pd.DataFrame, weather: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    """Flights that arrived, with weather and plane; one row per flight."""
    known = landed(flights)
    known = known.assign(date=pd.to_datetime(known[["year", "month", "day"]]), hour_utc=utc_hour(known["time_hour"]))
    joined = (
        known[[*COLUMNS, "year", "tailnum", "hour_utc"]]
        .merge(weather_by_hour(weather), on=["origin", "hour_utc"], how="left")
        .merge(plane_facts(planes), on="tailnum", how="left")
    )
    joined["plane_age"] = joined["year"] - joined["built"]
    return joined.drop(columns=["year", "built", "tailnum", "hour_utc"])


@check(asset=departures, blocking=True)
def joins_keep_every_flight_once(departures: pd.DataFrame) -> CheckResult:
    """Hold the table back if a join dropped or multiplied flights, or an arrival delay is missing."""
    n_missing = int(departures["arr_delay"].isna().sum())
    n_rows = len(departures)
    return CheckResult(
        passed=n_missing == 0 and 300_000 <= n_rows <= 336_776,
        metrics={"n_rows": n_rows, "n_missing": n_missing},
        message=f"{n_rows:,} rows, {n_missing:,} of them without an arrival delay",
    )


@check(asset=departures, blocking=False)
def weather_is_known(departures: pd.DataFrame) -> CheckResult:
    """Warn if more than 2 % of flights found no weather for their hour."""
    share = float(departures["temp"].isna().mean())
    return CheckResult(share <= 0.02, {"share_unknown": share}, f"no weather for {share:.1%} of flights")
