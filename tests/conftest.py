"""What tests of several folders share: the width that text is written in, and one real PostgreSQL for a test session."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest

from tests.storage.postgres_server import any_server

for _name in ("COLUMNS", "LINES"):  # workers of pytest-xdist have them; what is printed is compared
    os.environ.pop(_name, None)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL; without one the tests that need it fail, and say what was tried."""
    with any_server() as url:
        yield url


@pytest.fixture
def team_url(postgres_server: str) -> Iterator[str]:
    """The URL of a schema that nobody else uses; it is not created yet, and gone afterwards."""
    import psycopg

    schema = f"t_{secrets.token_hex(6)}"
    yield f"{postgres_server}{'&' if '?' in postgres_server else '?'}schema={schema}"
    with psycopg.connect(postgres_server, autocommit=True) as con:
        con.execute("SET lock_timeout = '10s'")
        con.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
