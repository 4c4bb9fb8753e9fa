"""Machines that share results, through the real command line: over a folder, and over a real S3 server.

A machine is a checkout of one project with a state folder and keys of its own. What its
functions log is the oracle: what another machine built is restored, so nothing runs.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from assetctl.engine.noop.answer import surroundings
from assetctl.engine.noop.remember import Beginning, remember_noop
from assetctl.engine.planning.options import PlanOptions
from assetctl.lineage.deciding.events import ResultsShared, Warned
from assetctl.storage.remote.entries import entry_name
from tests.e2e.projects import DiskProject
from tests.storage.s3_server import Fault, FaultyProxy, environment
from tests.waiting import PATIENCE_S

BIG = "list(range(2000))"  # encoded larger than what fits into a record


class Machine(DiskProject):
    """A checkout that shares through `remote`; `variables` is what differs in its environment."""

    def __init__(
        self, root: Path, remote: object, *, variables: Mapping[str, str] | None = None, jobs: int = 1
    ) -> None:
        self.remote = remote
        self.variables = {"XDG_CONFIG_HOME": str(root.with_name(f"{root.name}-home")), **(variables or {})}
        super().__init__(root, jobs=jobs)
        self.share()

    def share(self, **settings: object) -> Machine:
        """Write the settings of the shared cache."""
        given = {"assets": ["pipeline.py"], "jobs": self.jobs, "remote": str(self.remote), **settings}
        self.file(
            "pyproject.toml", "\n".join(["[tool.assetctl]", *(f"{k} = {json.dumps(v)}" for k, v in given.items())])
        )
        return self

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**super().environment(), **self.variables, **(extra or {})}

    def clone(self, name: str, *, variables: Mapping[str, str] | None = None) -> Machine:
        """Return another machine with the same files and nothing built."""
        other = Machine(self.root.with_name(name), self.remote, variables=variables or {}, jobs=self.jobs)
        ignored = shutil.ignore_patterns(".assetctl", "ran.log", "__pycache__")
        shutil.copytree(self.root, other.root, dirs_exist_ok=True, ignore=ignored)
        other.head, other.assets = list(self.head), dict(self.assets)
        return other

    def build(self, *selection: str, force: bool = False, status: str = "succeeded") -> list[str]:
        """Materialize in this process and return what ran; `said` keeps the warnings."""
        before = len(self.ran)
        with self.open() as project:
            result = project.materialize(*selection, options=PlanOptions(force=force), jobs=1)
        self.said = [event.message for event in result.events if isinstance(event, Warned)]
        self.shared = [event for event in result.events if isinstance(event, ResultsShared) and not event.n_waiting]
        self.restored = list(result.finished.restored)
        assert result.status == status, result.events
        return self.ran[before:]

    def actions(self) -> dict[str, str]:
        with self.open() as project:
            return {planned.target: planned.action.value for planned in project.plan().steps}

    def public_key(self) -> str:
        """Make a key of this machine's own and return its public half."""
        answer = self.run("keys", "generate")
        assert answer.code == 0, answer.err
        return answer.out.strip()


def chain(machine: Machine) -> Machine:
    machine.asset("a", f"return {BIG}").asset("b", "return [x + 1 for x in a]", reads="a")
    machine.asset("c", "return sum(b)", reads="b")
    return machine


def entries(folder: Path, key: str = "") -> list[Path]:
    return sorted(path for path in (folder / "entries-v1").rglob("*.json") if f"/{key}" in str(path))


def blobs(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "blobs-v1").rglob("*") if path.is_file())


def flip(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


@pytest.fixture(autouse=True)
def _no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody"))


@pytest.fixture
def share(tmp_path: Path) -> Path:
    folder = tmp_path / "share"
    folder.mkdir()
    return folder


@pytest.fixture
def first(tmp_path: Path, share: Path) -> Machine:
    """A machine that has built a -> b -> c and shared them through a folder."""
    machine = chain(Machine(tmp_path / "first", share))
    assert machine.build() == ["a", "b", "c"]
    assert len(entries(share)) == 3
    return machine


# --- over a folder -----------------------------------------------------------------------------


def test_what_one_machine_built_another_restores(first):
    second = first.clone("second")
    assert [step["restorable"] for step in second.plan().document["steps"]] == [True, True, True]
    built = second.materialize()
    assert (built.ran, built.outcome("restored")) == ([], ["a", "b", "c"])
    assert second.value("c") == first.value("c") == sum(range(2000)) + 2000
    assert set(second.actions().values()) == {"keep"}
    assert second.run("doctor").code == 0


def test_an_edit_elsewhere_runs_what_it_changes_and_restores_the_rest(first):
    second = first.clone("second")
    second.asset("c", "return sum(b) + 1", reads="b")
    assert (second.build(), second.restored) == (["c"], ["a", "b"])
    assert second.clone("third").build() == []


def test_an_undecided_step_is_asked_for_once_its_upstreams_are_known(first, share):
    second = first.clone("second")
    for path in entries(share, "a."):
        path.unlink()
    assert second.actions() == {"a": "run", "b": "run", "c": "run"}
    assert (second.build(), second.restored) == (["a"], ["b", "c"])  # `a` came out equal


def test_the_code_of_what_was_restored_is_known_when_it_changes(first):
    second = first.clone("second")
    assert second.build() == []
    second.asset("c", "return sum(b) + 1", reads="b")
    with second.open() as project:
        changed = [symbol for symbol in project.why("c").symbols if symbol.change == "changed"]
    assert any("-    return sum(b)" in symbol.diff for symbol in changed)


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_no_op_is_remembered_only_if_it_asked_nobody(first, is_lost):
    for blob in first.blobs() if is_lost else ():
        blob.unlink()
    with first.open() as project:
        result = project.materialize(jobs=1)
        began = Beginning(time.time_ns() + 10**10, surroundings())
        modules = [m for m in list(sys.modules.values()) if str(getattr(m, "__file__", "")).startswith(str(first.root))]
        assert result.is_noop
        known, n_fresh = result.relied_on, len(result.finished.fresh)
        assert remember_noop(project.workspace, known, n_fresh, began, modules) is not is_lost


def test_what_is_forced_runs(first):
    assert first.clone("second").build("c", force=True) == ["c"]


def test_a_command_with_nothing_to_do_asks_nobody(first, share):
    shutil.rmtree(share)
    assert first.build() == []
    assert first.said == []


def test_what_was_built_under_an_earlier_name_is_found(first):
    second = first.clone("second").without("c")
    second.code("total", """
        @asset(aliases=["c"])
        def total(b):
            ran("c")
            return sum(b)
        """)  # fmt: skip
    assert (second.build(), second.restored) == ([], ["a", "b", "total"])
    assert second.value("total") == first.value("c")


def test_a_folder_and_a_picture_travel_whole(tmp_path, share):
    first = Machine(tmp_path / "first", share)
    first.asset(
        "site",
        """
        out = Path(__file__).parent / "made"
        (out / "deep").mkdir(parents=True, exist_ok=True)
        (out / "deep" / "page.txt").write_text("hello")
        context.figure("logo", "<svg xmlns='http://www.w3.org/2000/svg'/>")
        return out
        """,
        reads="context: Context",
    ).top("from pathlib import Path")
    assert first.build() == ["site"]
    second = first.clone("second")
    assert second.build() == []
    assert (second.value("site") / "deep" / "page.txt").read_text() == "hello"
    assert len(second.blobs()) == len(blobs(share)) == 3
    for lost in second.blobs():
        lost.unlink()
    assert (second.value("site") / "deep" / "page.txt").read_text() == "hello"


def test_p28_bytes_that_do_not_match_their_name_are_rejected_and_rebuilt(first, share):
    for blob in blobs(share):
        flip(blob)
    second = first.clone("second")
    assert (second.build(), second.restored) == (["a", "b"], ["c"])
    assert sum("other bytes than its name says" in text for text in second.said) == 2
    assert second.value("b") == first.value("b")
    assert first.clone("third").build() == []  # who noticed has put the right bytes there


def test_what_was_thought_to_be_there_and_arrives_damaged_is_rebuilt(first, share):
    for blob in first.blobs():
        blob.unlink()
    for blob in blobs(share):
        flip(blob)
    first.asset("c", "return sum(b) + 3", reads="b")
    assert first.actions() == {"a": "keep", "b": "keep", "c": "run"}
    assert first.build() == ["a", "b", "c"]


def test_what_is_lost_here_and_damaged_there_is_rebuilt_when_it_is_asked_for(first, share):
    for lost in first.blobs():
        lost.unlink()
    assert first.build("a") == []  # it is fetched
    assert len(first.blobs()) == 1
    for blob in blobs(share):
        flip(blob)
    assert first.build("a", "b") == ["b"]
    assert first.value("b") == [x + 1 for x in range(2000)]


def test_what_a_new_check_has_to_look_at_and_nobody_has_is_rebuilt(first, share):
    for blob in [*first.blobs(), *blobs(share)]:
        blob.unlink()
    first.code("long", "@check(asset=a)\ndef long(a):\n    return len(a) == 2000")
    assert first.build() == ["a"]


def test_a_table_that_is_lost_here_answers_sql(tmp_path, share):
    first = Machine(tmp_path / "first", share)
    first.top("import pyarrow as pa").asset("t", "return pa.table({'x': [1, 2, 3]})").build()
    first.blobs()[0].unlink()
    with first.open() as project:
        assert project.sql("select sum(x) as s from t").to_pylist() == [{"s": 6}]


def test_a_blob_that_is_lost_here_is_fetched_instead_of_rebuilt(first):
    for blob in first.blobs():
        blob.unlink()
    assert set(first.actions().values()) == {"keep"}
    first.asset("c", "return sum(b) + 2", reads="b")
    assert first.build() == ["c"]
    assert first.value("a") == list(range(2000))
    assert len(first.blobs()) == 2


def test_an_earlier_version_whose_bytes_are_gone_here_is_restored_from_there(first):
    first.asset("a", "return list(range(2001))").build()
    for blob in first.blobs():
        blob.unlink()
    first.asset("a", f"return {BIG}")
    assert (first.build("c"), first.restored) == ([], ["a", "b", "c"])
    assert first.value("b") == [x + 1 for x in range(2000)]


def test_a_blob_that_is_damaged_here_is_fetched_instead_of_rebuilt(first):
    for damaged in first.blobs():
        damaged.chmod(0o644)
        flip(damaged)
    first.asset("c", "return sum(b) + sum(a)", reads="a, b")
    assert first.build() == ["c"]


def test_an_entry_that_was_tampered_with_is_refused_by_name(first, share):
    (entry,) = entries(share, "c.")
    entry.write_bytes(entry.read_bytes().replace(b"2001000", b"2001001"))
    second = first.clone("second")
    assert second.build() == ["c"]
    (said,) = second.said
    assert entry.name in said
    assert "its bytes have another hash than its name says" in said


def test_an_entry_under_another_provenance_is_refused(first, share, monkeypatch):
    (entry,) = entries(share, "c.")
    first.asset("c", "return sum(b) + 1", reads="b").build()
    (made,) = set(entries(share, "c.")) - {entry}
    made.unlink()
    shutil.copy(entry, made.parent)
    second = first.clone("second")
    assert second.build() == ["c"]
    assert "it was made from something else" in second.said[0]


def test_an_entry_under_another_asset_is_refused(first, share):
    (of_b,), (of_c,) = entries(share, "b."), entries(share, "c.")
    of_c.unlink()
    shutil.copy(of_b, of_c.parent)
    second = first.clone("second")
    assert second.build() == ["c"]
    assert "it is about another asset" in second.said[0]


def test_a_read_only_machine_uploads_nothing(first, share, monkeypatch):
    before = entries(share)
    second = first.clone("second").share(remote_mode="read-only")
    second.asset("c", "return sum(b) + 1", reads="b")
    monkeypatch.setenv("ASSETCTL_REMOTE_MODE", "read-write")  # the environment may only lower it
    assert second.build() == ["c"]
    monkeypatch.setenv("ASSETCTL_REMOTE_MODE", "read-only")
    first.asset("c", "return sum(b) + 2", reads="b").build()
    assert entries(share) == before
    assert second.run("push").code == 2


def test_a_remote_that_is_not_there_is_a_warning_and_exit_6_where_it_is_needed(first, share):
    shutil.rmtree(share)
    second = first.clone("second")
    assert second.build() == ["a", "b", "c"]
    assert len([text for text in second.said if "cannot be used" in text]) == 1
    assert len([text for text in second.said if "3 results were not uploaded" in text]) == 1
    pushed = second.run("push", "--json")
    assert pushed.code == 6
    assert "cannot be reached" in pushed.problems[0]["message"]
    for blob in second.blobs():
        blob.unlink()
    assert second.run("get", "a", "-o", "-").code == 6


def test_what_could_not_be_uploaded_is_uploaded_by_the_next_run(first, share):
    away = share.rename(share.with_name("away"))
    first.asset("c", "return sum(b) + 5", reads="b").build()
    assert any("1 result was not uploaded" in text for text in first.said)
    away.rename(share)
    first.asset("d", "return 1").build()
    assert first.shared[0].n_results == 2
    assert first.clone("second").build() == []


def test_push_shares_what_was_built_before_there_was_a_shared_cache(tmp_path, share, monkeypatch):
    first = chain(Machine(tmp_path / "first", share))
    monkeypatch.setenv("ASSETCTL_REMOTE_MODE", "off")
    first.build()
    assert not entries(share)
    monkeypatch.delenv("ASSETCTL_REMOTE_MODE")
    pushed = first.run("push", "b", "--json").document
    assert (pushed["shared"], pushed["present"]) == (["a", "b"], [])
    again = first.run("push", "--json").document
    assert (again["shared"], again["present"]) == (["c"], ["a", "b"])
    assert first.clone("second").build() == []


def test_what_another_machine_was_seen_to_use_counts_here_too(tmp_path, share):
    first = Machine(tmp_path / "first", share)
    first.file("words.txt", "hello").top("from pathlib import Path")
    first.asset("words", "return (Path(__file__).parent / 'words.txt').read_text()").build()
    same, other = first.clone("same"), first.clone("other").file("words.txt", "changed")
    assert same.build() == []
    assert other.build() == ["words"]
    assert other.value("words") == "changed"


def test_what_a_blocking_check_refused_is_shared_only_once_it_may_be_published(tmp_path, share):
    first = Machine(tmp_path / "first", share)
    first.asset("a", "return 3").code("small", "@check(asset=a)\ndef small(a):\n    return a < 2")
    assert first.build(status="failed") == ["a"]
    assert entries(share) == []
    first.code("small", "@check(asset=a)\ndef small(a):\n    return a < 9").build()
    second = first.clone("second")
    assert (second.build(), second.restored) == ([], ["a"])


# --- who is believed ---------------------------------------------------------------------------


@pytest.fixture
def pickling(tmp_path: Path, share: Path) -> Machine:
    machine = Machine(tmp_path / "first", share)
    machine.asset("odd", "return complex(1, 2), {1: {2}}", options="codec='pickle'")
    return machine


def test_an_unsigned_pickle_from_elsewhere_is_refused_and_rebuilt(pickling):
    pickling.build()
    second = pickling.clone("second")
    assert second.build() == ["odd"]
    assert "no trusted key signed it, and loading `odd` (pickle/1) could run code" in second.said[0]


def test_a_pickle_that_a_trusted_key_signed_is_restored(pickling, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", pickling.variables["XDG_CONFIG_HOME"])
    public = pickling.public_key()
    pickling.build()
    assert pickling.clone("again").build() == []  # the same person elsewhere: an own key is trusted
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")
    assert pickling.clone("friend").share(trusted_keys=[public]).build() == []
    assert pickling.clone("stranger").share(remote_mode="read-only").build() == ["odd"]


def test_with_trusted_keys_nothing_else_is_used(first):
    second = first.clone("second").share(trusted_keys=[first.public_key()])
    assert second.build() == ["a", "b", "c"]
    assert "it is not signed" in second.said[0]


def test_a_signature_that_does_not_fit_is_refused(first, share, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", first.variables["XDG_CONFIG_HOME"])
    public = first.public_key()
    before = entries(share)
    first.asset("c", "return sum(b) + 7", reads="b").build()
    (entry,) = set(entries(share)) - set(before)
    document = json.loads(entry.read_text())
    document["body"] = document["body"].replace('"published":true', '"published": true')  # the same, written anew
    forged = json.dumps(document).encode()
    entry.unlink()
    entry.with_name(entry_name(forged)).write_bytes(forged)
    monkeypatch.setenv("ASSETCTL_REMOTE_MODE", "read-only")
    for second in (first.clone("second"), first.clone("third").share(trusted_keys=[public])):
        assert "c" in second.build()
        assert any("its signature is not that of its key" in text for text in second.said)


def test_the_signing_key_of_the_environment_signs_and_shows_nowhere(tmp_path, share):
    first = Machine(tmp_path / "first", share, jobs=2)
    first.top("import os, posix, pathlib")
    looked = "[pathlib.Path('/proc', who, 'environ').read_bytes() for who in ('self', str(os.getppid()))]"
    seen = f"repr([dict(os.environ), posix.environ, {looked}]).partition('ed25519-private')[1] or 'none'"
    first.asset("a", f"print(dict(os.environ)); return {seen}")
    first.asset("b", "print(dict(os.environ)); return 1")
    first.public_key()
    file = Path(first.variables["XDG_CONFIG_HOME"]) / "assetctl" / "keys" / "signing.key"
    assert file.stat().st_mode & 0o777 == 0o600
    private = file.read_text().strip()
    file.unlink()
    assert sorted(first.materialize(env={"ASSETCTL_SIGNING_KEY": private}).ran) == ["a", "b"]
    assert first.value("a") == "none"
    assert all(json.loads(entry.read_text())["key"].startswith("ed25519:") for entry in entries(share))
    secret = private.partition(":")[2].encode()
    for path in [*first.root.rglob("*"), *share.rglob("*")]:
        assert not path.is_file() or secret not in path.read_bytes(), path


# --- over S3 -----------------------------------------------------------------------------------


@pytest.fixture
def proxy(s3_server):
    faulty = FaultyProxy(s3_server.port)
    yield faulty
    faulty.close()


@pytest.fixture
def bucket(s3_server):
    return s3_server.bucket()


@pytest.fixture
def cloud(tmp_path, bucket, proxy) -> Machine:
    """A machine that shares through S3 and has built nothing yet."""
    return chain(Machine(tmp_path / "first", bucket.address, variables=environment(proxy.port)))


def other(machine: Machine, name: str = "second") -> Machine:
    kept = {name: value for name, value in machine.variables.items() if name != "XDG_CONFIG_HOME"}
    return machine.clone(name, variables=kept)


def test_s3_what_ci_built_a_laptop_restores_and_builds_only_its_edit(cloud, bucket):
    built = cloud.materialize()
    assert built.events("results_shared")[-1]["n_results"] == 3
    assert len(bucket.names("entries-v1")) == 3
    laptop = other(cloud)
    laptop.asset("c", "return sum(b) + 1", reads="b")
    built = laptop.materialize()
    assert (built.ran, built.outcome("restored")) == (["c"], ["a", "b"])
    assert laptop.value("c") == sum(range(2000)) + 2001


@pytest.fixture
def here(cloud, monkeypatch) -> Machine:
    """The same, for builds in this process."""
    for name, value in cloud.variables.items():
        monkeypatch.setenv(name, value)
    return cloud


def test_s3_p28_a_flipped_bit_in_the_bucket_is_rejected_and_rebuilt(here, bucket):
    here.build()
    for name in bucket.names("blobs-v1"):
        data = bucket.read(name)
        bucket.write(name, data[:-1] + bytes([data[-1] ^ 1]))
    second = other(here)
    assert second.build() == ["a", "b"]
    assert any("other bytes than its name says" in text for text in second.said)


def test_s3_bursts_of_errors_cost_retries_only(here, proxy):
    proxy.faults += [Fault("503", "PUT", times=2), Fault("drop", "GET", "blobs-v1", times=1)]
    here.build()
    assert here.said == []
    second = other(here)
    assert second.build() == []
    assert second.said == []


def test_s3_a_denial_midway_leaves_a_whole_result_here_and_none_there(here, bucket, proxy):
    proxy.faults.append(Fault("403", "PUT", "entries-v1"))
    assert here.build() == ["a", "b", "c"]
    assert any("cannot be used" in text for text in here.said)
    assert bucket.names("entries-v1") == []


def test_s3_a_remote_that_is_down_costs_one_warning_and_seconds(here, proxy):
    proxy.close()
    assert here.build() == ["a", "b", "c"]
    assert len(here.said) == 2
    assert any("cannot be used" in text for text in here.said)
    assert any("3 results were not uploaded" in text for text in here.said)


def read_until_built(lines: Iterable[str], key: str) -> None:
    assert any(f'"{key}"' in line and "step_finished" in line for line in lines)


@pytest.mark.slow
def test_s3_killed_while_uploading_no_entry_is_there_without_its_blobs(cloud, bucket, proxy):
    proxy.faults.append(Fault("silent", "PUT", "blobs-v1"))
    process = cloud.start("materialize", "--json")
    try:
        assert process.stdout is not None
        read_until_built(process.stdout, "c")
        while not proxy.count("PUT", "blobs-v1"):
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
    finally:
        cloud.stop_all()
    assert [name for name in bucket.names("entries-v1") if "/c." not in name] == []
    proxy.faults.clear()
    cloud.asset("d", "return 1")
    assert cloud.materialize().ran == ["d"]
    assert other(cloud).materialize().ran == []


@pytest.mark.slow
def test_s3_ctrl_c_during_a_slow_upload_ends_at_once_and_loses_nothing(cloud, proxy):
    proxy.faults.append(Fault("silent", "PUT"))
    process = cloud.start("materialize", "--json")
    try:
        assert process.stdout is not None
        read_until_built(process.stdout, "c")
        os.killpg(process.pid, signal.SIGINT)
        last = process.stdout.read().splitlines()[-1]
        assert process.wait(timeout=PATIENCE_S) == 0  # all was built; what is not shared yet is shared next time
        assert json.loads(last)["status"] == "succeeded"
    finally:
        cloud.stop_all()
    proxy.faults.clear()
    assert cloud.run("push").code == 0
    assert other(cloud).materialize().ran == []


@pytest.mark.slow
def test_s3_two_machines_upload_the_same_at_once(cloud, bucket):
    second = other(cloud)
    processes = [machine.start("materialize", "--json") for machine in (cloud, second)]
    for process in processes:
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
    assert other(cloud, "third").materialize().ran == []
