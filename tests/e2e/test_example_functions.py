"""The example's assets are plain functions: called with small tables, without the tool."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "flights"


@pytest.fixture(autouse=True, scope="module")
def on_path() -> Iterator[None]:
    """Import the example as its project does, from its own folder."""
    sys.path.insert(0, str(EXAMPLE))
    yield
    sys.path.remove(str(EXAMPLE))
    for name in [name for name in sys.modules if name.split(".")[0] == "delays"]:
        del sys.modules[name]


def one_flight(**changes) -> dict:
    flight = {
        "year": 2013, "month": 1, "day": 1, "hour": 5, "carrier": "UA", "origin": "EWR", "dest": "IAH", "tailnum": "N1",
        "distance": 1400, "dep_delay": 2.0, "arr_delay": 11.0, "time_hour": "2013-01-01T10:00:00Z",
    }  # fmt: skip
    return flight | changes


WEATHER = pd.DataFrame(
    {
        "origin": ["EWR", "EWR"],
        "time_hour": ["2013-01-01T10:00:00Z", "2013-01-01T10:00:00Z"],
        "temp": [39.0, 40.0],
        **{name: [1.0, 1.0] for name in ("humid", "wind_speed", "precip", "pressure", "visib")},
        "wind_gust": [None, None],
    }
)
PLANES = pd.DataFrame({"tailnum": ["N1", "N2"], "year": [1999, 0], "seats": [149, 55]})


def test_departures_keep_each_landed_flight_once_with_its_weather_and_plane():
    from delays.departures import departures

    flights = pd.DataFrame(
        [one_flight(), one_flight(arr_delay=None), one_flight(tailnum="N2", time_hour="2013-01-01T11:00:00Z")]
    )
    table = departures(flights, WEATHER, PLANES)
    assert len(table) == 2, "a flight that never arrived is dropped; two readings of one hour do not double a flight"
    assert table["temp"].tolist()[0] == 40.0
    assert table["wind_gust"].tolist()[0] == 0.0
    assert table["temp"].isna().tolist() == [False, True]
    assert table["plane_age"].tolist()[0] == 14
    assert table["plane_age"].isna().tolist() == [False, True], "a plane built in the year 0 has no known age"


@pytest.mark.parametrize("as_timestamp", [False, True])
def test_hours_from_text_and_from_timestamps_are_equal(as_timestamp):
    from delays.cleaning import utc_hour

    times = pd.Series(["2013-01-01T10:07:00Z"])
    given = pd.to_datetime(times) if as_timestamp else times
    assert utc_hour(given).tolist() == [pd.Timestamp("2013-01-01T10:00", tz="UTC")]


def test_recent_late_share_looks_only_at_days_that_are_over():
    from delays.features import recent_late_share

    days = pd.to_datetime(["2013-01-01", "2013-01-02", "2013-01-03", "2013-01-04"])
    flights = pd.DataFrame({"date": days, "origin": "EWR", "carrier": "UA", "late": [True, False, True, True]})
    share = recent_late_share(flights, window_days=2).set_index("date")["recent_late_share"].dropna()
    assert share.to_dict() == {days[2]: 1.0, days[3]: 0.5}


@pytest.mark.parametrize(("hour", "part"), [(0, "morning"), (9, "morning"), (10, "midday"), (17, "evening")])
def test_part_of_day(hour, part):
    from delays.calendar import part_of_day

    assert part_of_day(pd.Series([hour])).tolist() == [part]


def test_late_means_more_than_the_minutes_asked_for_and_nothing_of_the_arrival_is_a_feature():
    from delays.departures import departures
    from delays.features import features
    from delays.models import INPUTS

    table = departures(pd.DataFrame([one_flight(), one_flight(arr_delay=30.0)]), WEATHER, PLANES)
    assert features(table, late_minutes=11)["late"].tolist() == [False, True]
    assert not {"arr_delay", "late", "date"} & set(INPUTS)


def test_the_test_months_come_after_the_training_months():
    from delays.features import split

    table = pd.DataFrame({"date": pd.to_datetime(["2013-09-30", "2013-10-01"]), "x": [1, 2], "late": [True, False]})
    train, test = split(table)
    assert (train["x"].tolist(), test["x"].tolist()) == ([1], [2])


def test_the_better_model_wins_and_a_tie_goes_to_the_simpler():
    from delays.models import better

    scores = {"logistic": {"auc": 0.8, "f1": 0.5}, "boosted": {"auc": 0.9, "f1": 0.5}}
    assert (better(scores, "auc"), better(scores, "f1")) == ("boosted", "logistic")


def test_checks_answer_with_the_number_that_is_wrong():
    from delays.departures import joins_keep_every_flight_once, weather_is_known

    few = pd.DataFrame({"arr_delay": [1.0, None], "temp": [None, 1.0]})
    assert joins_keep_every_flight_once(few).metrics == {"n_rows": 2, "n_missing": 1}
    assert not joins_keep_every_flight_once(few).passed
    assert not weather_is_known(few).passed


def test_the_raw_files_lie_in_the_installed_package():
    from delays.raw import DATA

    assert {"flights.csv.zip", "weather.csv", "planes.csv", "airlines.csv", "airports.csv"} <= {
        path.name for path in DATA.iterdir()
    }
