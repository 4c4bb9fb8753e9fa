"""Secrets through the real command line: in no record, log, error or document, whichever way they got into the code."""

from __future__ import annotations

import base64

import pytest

from tests.e2e.projects import DiskProject

SECRETS = {
    "AT_DECLARED": "declared-5f2c81",
    "AT_CAPTURED": "captured-77aa01",
    "AT_ADDRESS": "postgres://me:address-90b1c4@host/db",
    "AT_CONFIG": "config-31d9e6",
    "AT_READ": "read-42ef08",
    "AT_PASSWORD": "password-c0ffee11",
}
CORES = ["declared-5f2c81", "captured-77aa01", "address-90b1c4", "config-31d9e6", "read-42ef08", "password-c0ffee11"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    project = DiskProject(tmp_path / "project", jobs=2)
    project.top("""
        import os, subprocess, sys, warnings
        CAPTURED = os.environ["AT_CAPTURED"]
        SETTINGS = {"address": os.environ["AT_ADDRESS"], "n": 3}
    """)
    project.asset(
        "prints",
        """
        print(token); sys.stdout.write(token[:7]); sys.stdout.write(token[7:])
        warnings.warn(token)
        if "assetctl.engine.executors.worker" in sys.orig_argv:  # elsewhere child processes write to the person's terminal
            subprocess.run(["echo", token, CAPTURED])
        context.link("page", "https://host/?key=" + token)
        print(SETTINGS, os.environ["AT_READ"], os.getenv("AT_PASSWORD"))
        return 1
        """,
        reads="context: Context, token=os.environ['AT_DECLARED']",
        options="secret=['token']",
    )
    project.asset("configured", "print(name); return len(name)", reads="name=os.environ['AT_CONFIG']")
    project.asset("fails", "raise RuntimeError('no access with ' + CAPTURED + os.environ['AT_READ'])", reads="prints")
    project.code(
        "check", "@check(asset=prints, blocking=False)\ndef short(prints):\n    raise ValueError(SETTINGS['address'])\n"
    )
    yield project
    project.stop_all()


def forms(core: str) -> list[bytes]:
    return [core.encode(), core.encode().hex().encode(), base64.b64encode(core.encode())[:-4]]


def found_in(data: bytes) -> list[str]:
    return [core for core in CORES if any(form in data for form in forms(core))]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_no_secret_is_in_the_state_folder_or_in_what_commands_say(project, jobs):
    built = project.run("materialize", "--json", "-j", jobs)
    assert built.code == 1, built.err
    said = [built, project.run("materialize", "-v", "-j", jobs)]
    verbs = ("plan", "ls", "show prints", "show configured", "why configured", "status", "history", "logs", "doctor")
    said += [project.run(*verb.split(), "--json") for verb in verbs]
    said += [project.run("sql", "SELECT * FROM lineage.symbols", "--format", "json"), project.run("logs", "prints")]
    assert [found_in((answer.out + answer.err).encode()) for answer in said] == [[]] * len(said)
    files = [path for path in project.state.rglob("*") if path.is_file()]
    assert [(path.name, found_in(path.read_bytes())) for path in files if found_in(path.read_bytes())] == []
    assert any("***" in answer.out for answer in said)


def test_what_is_set_on_the_command_line_is_not_said_back(project):
    for words in (["--set", "prints.tokem=declared-5f2c81"], ["--set", "declared-5f2c81"], ["--set=x=declared-5f2c81"]):
        answer = project.run("materialize", *words)
        assert answer.code == 2
        assert found_in((answer.out + answer.err).encode()) == []


def test_an_error_at_import_names_no_secret_variable(project):
    project.top("raise RuntimeError('refused: ' + os.environ['AT_PASSWORD'])")
    answer = project.run("plan", "-v")
    assert answer.code == 2
    assert "refused: ***" in answer.err
    assert found_in(answer.err.encode()) == []
