"""The address of a team's lineage store; its password is given to the server alone.

Wherever the address is shown (errors, logs, JSON) the password is masked, and it is removed
from what the server or its library says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from assetctl.assets.errors import ProjectError

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,50}")
_SECRET = re.compile(r"(password=)[^&]*", re.IGNORECASE)
_MASK = "***"


@dataclass(frozen=True, slots=True)
class TeamUrl:
    """Where a team's lineage store is: what libpq takes, the schema in it, and what people may see of it."""

    conninfo: str = field(repr=False)
    schema: str
    shown: str
    secrets: tuple[str, ...] = field(repr=False, default=())

    def masked(self, text: str) -> str:
        """Return a text on one line with the password removed, in whatever form it appears."""
        for secret in self.secrets:
            text = text.replace(secret, _MASK)
        return " ".join(text.split())


def read_url(text: str) -> TeamUrl:
    """Return the address that a setting gives.

    Raises:
        ProjectError: it is no PostgreSQL address; the message does not repeat it.
    """
    try:
        parts = urlsplit(text)
        hidden = parts.password or ""
    except ValueError as error:
        raise _no_address("it cannot be parsed") from error
    if parts.scheme not in SCHEMES:
        raise _no_address(f"it does not begin with {' or '.join(scheme + '://' for scheme in SCHEMES)}")
    options = [piece for piece in parts.query.split("&") if piece]
    schema = dict(parse_qsl(parts.query)).get("schema", "lineage")
    if not _SCHEMA.fullmatch(schema) or schema.startswith("pg_"):
        raise _no_address("`schema` is not lower-case letters, digits and `_`")
    rest = "&".join(piece for piece in options if not piece.startswith("schema="))
    conninfo = SplitResult("postgresql", parts.netloc, parts.path, rest, parts.fragment).geturl()
    if not parts.netloc and conninfo.startswith("postgresql:/") and not conninfo.startswith("postgresql://"):
        conninfo = "postgresql://" + conninfo.removeprefix("postgresql:")
    given = [hidden, *(value for name, value in parse_qsl(parts.query) if "password" in name.lower())]
    given += [piece.partition("=")[2] for piece in options if "password" in piece.lower()]
    secrets = {form for secret in given if secret for form in (secret, unquote(secret))}
    return TeamUrl(conninfo, schema, _shown(parts), tuple(sorted(secrets, key=len, reverse=True)))


def _shown(parts: SplitResult) -> str:
    if "@" in parts.path + parts.query + parts.fragment:
        return f"postgresql://{_MASK}"  # a password with an unescaped `/`: nobody can say where it ends
    person, at, host = parts.netloc.rpartition("@")
    user, colon, _ = person.partition(":")
    query = _SECRET.sub(rf"\1{_MASK}", parts.query)
    return f"postgresql://{user}{colon and ':' + _MASK}{at}{host}{parts.path}{query and '?' + query}"


def _no_address(why: str) -> ProjectError:
    error = ProjectError.of(
        "bad-setting",
        f"`lineage` in `[tool.assetctl]` is not the address of a PostgreSQL database: {why}",
        hint='lineage = "postgresql://user@host/database"; the password may be in ~/.pgpass or PGPASSWORD',
    )
    assert isinstance(error, ProjectError)
    return error
