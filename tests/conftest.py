"""What tests of several folders share: the width that text is written in, Ctrl-C, and one real server of each kind."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator

import pytest

from tests.storage.postgres_server import any_server
from tests.storage.s3_server import MotoServer, moto_server

for _name in ("COLUMNS", "LINES"):  # workers of pytest-xdist have them; what is printed is compared
    os.environ.pop(_name, None)

# A shell that starts the tests in the background has them ignore Ctrl-C, and what they start would inherit it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL; without one the tests that need it fail, and say what was tried."""
    with any_server() as url:
        yield url


@pytest.fixture(scope="session")
def s3_server() -> Iterator[MotoServer]:
    """A real S3 server; each test takes a bucket of its own."""
    with moto_server() as server:
        yield server


@pytest.fixture
def team_url(postgres_server: str) -> Iterator[str]:
    """The URL of a schema that nobody else uses; it is not created yet, and gone afterwards."""
    import psycopg

    schema = f"t_{secrets.token_hex(6)}"
    yield f"{postgres_server}{'&' if '?' in postgres_server else '?'}schema={schema}"
    with psycopg.connect(postgres_server, autocommit=True) as con:
        con.execute("SET lock_timeout = '10s'")
        con.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
