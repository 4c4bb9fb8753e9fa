"""Words for people: safe, short, and in the house's shape."""

from __future__ import annotations

import io

import pytest

from assetctl.assets.errors import Problem
from assetctl.cli.text import speech


@pytest.mark.parametrize(
    ("n_bytes", "said"),
    [(None, ""), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_400_000, "2.4 MB"), (99_960, "100 kB"), (999_600, "1.0 MB"), (5 * 10**15, "5000 TB")],
)  # fmt: skip
def test_sizes_are_said_in_thousands(n_bytes, said):
    assert speech.size(n_bytes) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0004, "0 ms"), (0.0123, "12 ms"), (0.9999, "1.0 s"), (3.14, "3.1 s"), (59.97, "1 m 00 s"), (125, "2 m 05 s"), (3599.6, "1 h 00 m"), (3780, "1 h 03 m")],
)  # fmt: skip
def test_durations_carry_their_units(seconds, said):
    assert speech.duration(seconds) == said


def test_what_could_steer_a_terminal_is_shown_instead():
    assert speech.clean("a\x1b[31mb\x07\u202ec\nd\té") == "a\\x1b[31mb\\x07\\u202ec\nd\té"
    assert speech.one_line("a\n\tb" + "c" * 300, 10) == "a bcccccc…"


def test_names_are_cut_after_a_few():
    assert speech.names(["a", "b"], 3) == "a, b"
    assert speech.names(["a", "b", "c", "d"], 2) == "a, b and 2 more"
    assert [speech.either(["a", "b", "c"][:n]) for n in (1, 2, 3)] == ["a", "a or b", "a, b or c"]
    assert (speech.count(1, "row"), speech.count(41202, "row")) == ("1 row", "41,202 rows")
    assert speech.moment("2026-11-22T18:03:09.5+00:00") == "2026-11-22 18:03"


def test_an_error_has_message_facts_and_hint():
    problem = Problem(
        "unknown-upstream",
        "asset `daily_orders` reads `order`, which is not declared",
        (("declared in", "examples/shop.py:31"), ("upstreams", "order, customers")),
        "did you mean `orders`?",
    )
    assert speech.problems_text([problem]) == (
        "error: asset `daily_orders` reads `order`, which is not declared\n"
        "  declared in  examples/shop.py:31\n"
        "  upstreams    order, customers\n"
        "hint: did you mean `orders`?\n"
    )


def test_several_errors_are_told_apart_and_counted():
    said = speech.problems_text(
        [Problem("bug", "one\x1b"), Problem("bug", "two", (("where", "a\nb"),))], is_nothing_done=True
    )
    assert said == "error: one\\x1b\n\nerror: two\n  where  a\n         b\n\nerror: 2 problems; nothing was run\n"


def test_a_terminal_that_is_not_utf8_gets_ascii(monkeypatch):
    bytes_out = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(bytes_out, encoding="ascii"))
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    speech.adapt_streams()
    import sys

    sys.stdout.write("✓ a → ü\n")
    sys.stdout.flush()
    assert bytes_out.getvalue() == b"+ a -> \\xfc\n"
    assert isinstance(sys.stderr, io.TextIOWrapper), "a UTF-8 stream is left as it is"


def test_padding_of_tables_does_not_reach_a_file():
    out = io.StringIO()
    speech.TrimmedStream(out).write("a  \nb c \t\n")
    assert out.getvalue() == "a\nb c\n"
