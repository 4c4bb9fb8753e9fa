"""A record that is made once more keeps what was made, and says anew who recorded it, when and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assetctl.lineage.facts.again import Recording, again
from assetctl.lineage.facts.records import MaterializationId, RunId, Trace, Undeclared
from tests.storage.facts import digest, made

FIRST = replace(
    made("a", "1", trace=Trace.INPUT_CHANGED, published=False),
    metrics={"auc": 0.5},
    figures={"roc": digest("svg")},
    links={"mlflow": "http://x"},
    reasons=({"kind": "code_changed"},),
    python="3.11.1",
    platform="linux",
    undeclared=(Undeclared("file", "x.csv", digest("x")),),
)
LATER = "2027-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("record", "origin"),
    [(FIRST, FIRST.id), (replace(FIRST, id=MaterializationId("again"), origin=FIRST.id), FIRST.id)],
)
def test_what_was_made_stands_and_names_the_materialization_whose_function_ran(record, origin):
    anew = again(record, Recording(MaterializationId("m2"), RunId("run2"), LATER), ({"kind": "renamed"},))
    assert (anew.id, anew.run_id, anew.started_at, anew.duration_s) == ("m2", "run2", LATER, 0.0)
    assert (anew.origin, anew.reasons) == (origin, ({"kind": "renamed"},))
    of_the_run = ("id", "run_id", "started_at", "duration_s", "origin", "reasons")
    assert replace(anew, **{name: getattr(record, name) for name in of_the_run}) == record
