"""A project with a team's lineage store: told after a run, asked with `--team`, and never in the way."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import psycopg
import pytest

import assetctl
from tests.waiting import PATIENCE_S

PIPELINE = """
from assetctl import asset

@asset
def numbers(): return [1, 2, {more}]

@asset
def total(numbers): return sum(numbers)
"""
SCHEMAS = Path(assetctl.__file__).parent / "cli" / "schemas"


@dataclass(frozen=True)
class Team:
    """One machine's checkout of a project whose settings name a store."""

    folder: Path
    url: str

    def write(self, more: int = 3, name: str = "shop") -> Team:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "pipeline.py").write_text(PIPELINE.format(more=more))
        settings = f'[tool.assetctl]\nassets = ["pipeline.py"]\nname = "{name}"\nlineage = "{self.url}"\n'
        (self.folder / "pyproject.toml").write_text(settings)
        return self

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "assetctl", *words],
            cwd=self.folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )


@pytest.fixture
def team(team_url: str, tmp_path: Path) -> Team:
    return Team(tmp_path / "shop", team_url).write()


def test_a_run_tells_the_store_and_anybody_can_ask_it(team: Team, tmp_path: Path) -> None:
    done = team.run("materialize", "-j", "1")
    assert done.returncode == 0
    assert "warning" not in done.stderr
    other = Team(tmp_path / "laptop", team.url).write(more=4)
    assert other.run("materialize", "-j", "1").returncode == 0
    query = "SELECT asset, n_records FROM assets ORDER BY asset"
    said = team.run("sql", "--team", query, "--json")
    assert json.loads(said.stdout) == [{"asset": "numbers", "n_records": 2}, {"asset": "total", "n_records": 2}]
    assert team.run("sql", "--team", query).stdout.split()[:2] == ["asset", "n_records"]
    assert team.run("sql", "--team", "DROP TABLE facts").returncode == 2


def test_sync_sends_what_is_lacking_and_says_how_much(team: Team) -> None:
    elsewhere = Team(team.folder, "postgresql://nobody:s3cret-word@127.0.0.1:1/x").write()
    assert elsewhere.run("materialize", "-j", "1").returncode == 0
    team.write()
    said = team.run("sync", "--json")
    document = json.loads(said.stdout)
    jsonschema.Draft202012Validator(json.loads((SCHEMAS / "sync.json").read_text())).validate(document)
    assert document["facts_sent"] > 3
    assert document["project"] == "shop"
    assert "s3cret" not in said.stdout + said.stderr
    assert json.loads(team.run("sync", "--json").stdout)["facts_sent"] == 0
    assert "0 facts sent" in team.run("sync").stderr


def test_a_store_that_cannot_be_reached_costs_one_warning_and_is_told_later(team: Team) -> None:
    lost = Team(team.folder, "postgresql://u:s3cret-word@127.0.0.1:1/x").write()
    done = lost.run("materialize", "-j", "1")
    assert done.returncode == 0
    assert done.stderr.count("warning:") == 1
    assert "does not answer" in done.stderr
    for _ in range(2):  # a run with nothing to do has this left to do, and is not remembered as a no-op
        again = lost.run("materialize", "-j", "1")
        assert (again.returncode, again.stderr.count("warning:")) == (0, 1)
    assert lost.run("plan", "--json").stderr == ""
    team.write()
    assert "warning" not in team.run("materialize", "-j", "1").stderr
    assert json.loads(team.run("sql", "--team", "SELECT count(*) AS n FROM assets", "--json").stdout) == [{"n": 2}]


def test_a_store_that_is_silent_is_not_waited_for(tmp_path: Path) -> None:
    """It takes the connection and never says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        team = Team(tmp_path / "shop", f"postgresql://u:s3cret-word@127.0.0.1:{silent.getsockname()[1]}/x").write()
        done = team.run("materialize", "-j", "1")
    assert done.returncode == 0
    assert done.stderr.count("warning:") == 1


def test_a_failed_run_is_told_too_and_keeps_its_exit_code(team: Team) -> None:
    (team.folder / "pipeline.py").write_text("from assetctl import asset\n@asset\ndef bad(): raise ValueError('no')\n")
    assert team.run("materialize", "-j", "1").returncode == 1
    said = team.run("sql", "--team", "SELECT step, outcome FROM steps", "--json")
    assert json.loads(said.stdout) == [{"step": "bad", "outcome": "failed"}]


@pytest.mark.slow
def test_a_store_that_may_only_be_read_costs_one_warning(team: Team, postgres_server: str) -> None:
    assert team.run("materialize", "-j", "1").returncode == 0
    schema = team.url.rpartition("=")[2]
    with psycopg.connect(postgres_server, autocommit=True) as con:
        con.execute(f"CREATE ROLE {schema}_reader LOGIN PASSWORD 's3cret-word'")
        con.execute(f"GRANT USAGE ON SCHEMA {schema} TO {schema}_reader")
        con.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {schema}_reader")
    try:
        person, _, rest = team.url.partition("@")
        reader = Team(team.folder, f"postgresql://{schema}_reader:s3cret-word@{rest}").write(more=9)
        assert person
        done = reader.run("materialize", "-j", "1")
        assert done.returncode == 0
        assert done.stderr.count("warning:") == 1
        assert "permission denied" in done.stderr
        assert json.loads(reader.run("sql", "--team", "SELECT count(*) AS n FROM runs", "--json").stdout) == [{"n": 1}]
    finally:
        with psycopg.connect(postgres_server, autocommit=True) as con:
            con.execute(f"DROP OWNED BY {schema}_reader; DROP ROLE {schema}_reader")


@pytest.mark.slow
def test_another_project_in_the_same_schema_is_refused(team: Team, tmp_path: Path) -> None:
    assert team.run("materialize", "-j", "1").returncode == 0
    other = Team(tmp_path / "bank", team.url).write(name="bank")
    done = other.run("materialize", "-j", "1")
    assert done.returncode == 0
    assert "belongs to project `shop`" in done.stderr
    assert other.run("sync").returncode == 6


@pytest.mark.slow
def test_the_password_is_nowhere(team: Team) -> None:
    lost = Team(team.folder, "postgresql://u:s3cret-word@127.0.0.1:1/x").write()
    said = [lost.run(*words) for words in (["-v", "materialize"], ["sync"], ["sync", "--json"], ["sql", "--team", "x"])]
    said += [team.write().run(*words) for words in (["-v", "materialize"], ["sync", "--json"], ["doctor", "--json"])]
    assert [answer.returncode for answer in said] == [0, 6, 6, 6, 0, 0, 0]
    assert all("s3cret" not in answer.stdout + answer.stderr for answer in said)
    for path in (team.folder / ".assetctl").rglob("*"):
        assert not path.is_file() or b"s3cret" not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("", "has no team store"),
        ('lineage = "mysql://u:s3cret@h/d"', "is not the address"),
        ("lineage = 5", "`lineage` is not a text"),
        ('lineage = ["postgresql://u:s3cret@h/d"]', "`lineage` is not a text"),
    ],
)
def test_settings_that_name_no_store_are_refused(tmp_path: Path, setting: str, said: str) -> None:
    team = Team(tmp_path / "shop", "").write()
    (team.folder / "pyproject.toml").write_text(f'[tool.assetctl]\nassets = ["pipeline.py"]\n{setting}\n')
    done = team.run("sync")
    assert done.returncode == 2
    assert said in done.stderr
    assert "s3cret" not in done.stderr


def test_a_missing_library_is_named_with_what_to_install(team: Team, tmp_path: Path) -> None:
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "psycopg.py").write_text("raise ImportError('blocked')")
    done = team.run("sync", PYTHONPATH=os.pathsep.join([str(tmp_path / "blocked"), os.environ.get("PYTHONPATH", "")]))
    assert done.returncode == 6
    assert "assetctl[postgres]" in done.stderr
