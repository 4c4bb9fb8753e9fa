"""Plain functions about dirty columns. They know nothing of assets, so any notebook can use them."""

import pandas as pd

CALM_GUST_MPH = 0.0  # no gust is reported in calm air
OLDEST_PLANE_YEAR = 1950


def utc_hour(times: pd.Series) -> pd.Series:
    """Return whole hours in UTC, from text or timestamps."""
    return pd.to_datetime(times, utc=True).dt.floor("h").dt.as_unit("s")


def landed(flights: pd.DataFrame) -> pd.DataFrame:
    """Keep flights that left and arrived as planned: cancelled and diverted ones have no arrival delay."""
    return flights.dropna(subset=["dep_delay", "arr_delay", "tailnum"])


def weather_by_hour(weather: pd.DataFrame) -> pd.DataFrame:
    """Return one row per airport and hour: `origin`, `hour_utc` and the readings."""
    readings = ["temp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
    tidy = weather[["origin", *readings]].assign(hour_utc=utc_hour(weather["time_hour"]))
    tidy["wind_gust"] = tidy["wind_gust"].fillna(CALM_GUST_MPH)
    return tidy.drop_duplicates(["origin", "hour_utc"], keep="last")


def plane_facts(planes: pd.DataFrame) -> pd.DataFrame:
    """Return one row per tail number: `tailnum`, `built` (year, missing if impossible), `seats`."""
    built = planes["year"].where(planes["year"] >= OLDEST_PLANE_YEAR)
    return planes[["tailnum", "seats"]].assign(built=built).drop_duplicates("tailnum")
