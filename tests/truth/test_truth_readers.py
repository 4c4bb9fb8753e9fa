"""Readers by access modes: whatever a step or an import looked at, an edit of it is never called fresh.

The one way out is to say so: what cannot be seen is recorded as unseen. `./dev soak truth` runs all of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.truth.readers_access import Case, by_form, by_look, by_place
from tests.truth.readers_run import ROOT, Outcome, Server, run, write_project

# What documentation names as not seen, and nothing can flag: private state of a class, and what SQLite is told.
NOT_SEEN = re.compile(r"^(environ_data|sqlite_attach|sqlite_uri_attach|proc_environ)_")
OF_ALL_VARIABLES = re.compile(r"^environ_(keys|items|values|dict|copy|or|repr|len|eq|data)_|^format_map|^template")
SHORT = re.compile(
    r"^(open_r_dir_fd|np_memmap_path|pd_read_csv_uri|pl_scan_csv_(glob|matched)|pq_read_table_(folder|added)|json_chdir"
    r"|fs_subtree_relative|duckdb_attach_relative|zipfile_linked|read_text_(thread|fork|cached|check|late_import|bound)"
    r"|fwalk_direct|listdir_fd_thread|named_stat_helper|scandir_size_generator|environ_get_lambda|readlink_direct"
    r"|shell_ls_direct|glob_deep_direct|access_right_direct)$"
)
GROUP = 120


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.close()


def cases() -> list[Case]:
    return [*by_form(), *by_place(), *by_look()]


def assert_true(outcome: Outcome, *, may_fail: bool = False) -> None:
    assert [name for name in outcome.fresh if not NOT_SEEN.match(name)] == []
    assert [name for name in outcome.wrong if not NOT_SEEN.match(name)] == []
    assert [name for name in outcome.needless if not OF_ALL_VARIABLES.match(name)] == []
    assert may_fail or outcome.failed == {}


def test_what_is_looked_at_counts_or_is_said_not_to(server, tmp_path):
    chosen = [case for case in cases() if SHORT.match(case.name)]
    outcome = run(server, tmp_path, chosen)
    assert_true(outcome)
    assert outcome.n == 28
    assert outcome.flagged == ["shell_ls_direct"]
    assert outcome.unchanged == []


@pytest.mark.soak
def test_all_readers_from_all_places_truth(server, tmp_path):
    """Cases that a library refuses (a folder for a reader of files, a path of another form) fail, and are none."""
    every = cases()
    totals = Outcome()
    for start in range(0, len(every), GROUP):
        outcome = run(server, tmp_path / str(start), every[start : start + GROUP])
        for name in ("needless", "unchanged", "fresh", "flagged", "wrong"):
            getattr(totals, name).extend(getattr(outcome, name))
        totals.failed.update(outcome.failed)
        totals.n += outcome.n
    sizes = {name: len(getattr(totals, name)) for name in ("failed", "unchanged", "flagged", "fresh", "needless")}
    print(f"{totals.n} assets: {sizes}")
    assert_true(totals, may_fail=True)


@pytest.mark.soak
def test_forked_processes_answer_as_real_ones_do_truth(server, tmp_path):
    chosen = [
        case for case in by_form() if re.match(r"^(json|pl_scan_csv|np_load)_(relative|glob|absolute)$", case.name)
    ]
    root = tmp_path / "project"
    write_project(root, chosen)
    server.ask("build", root)
    assert _stale_in_a_process(root) == _stale(server, root) == []
    for case in chosen:
        case.edit(root)
    assert _stale_in_a_process(root) == _stale(server, root) == sorted(case.name for case in chosen)


def _stale(server: Server, root: Path) -> Sequence[str]:
    return sorted(name for name, reasons in server.ask("plan", root).items() if reasons)


def _stale_in_a_process(root: Path) -> Sequence[str]:
    code = (
        "from pathlib import Path; from assetctl.engine.project import Project\n"
        "print(*sorted(s.target for s in Project.open(Path.cwd()).plan().steps if s.reasons))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "AT_V": "1"}
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env=environment,
    )
    return said.stdout.split()
