"""The remote side without a network: patience, keys, entries, whom to believe, and the folder transport."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from assetctl.assets.errors import EnvironmentFault, SelectionError
from assetctl.assets.ids import Target
from assetctl.lineage.deciding.provenance import provenance_of
from assetctl.lineage.facts.records import (
    BlobDigest,
    CodeVersion,
    Definition,
    Digest,
    Input,
    Inputs,
    Materialized,
    Output,
    Trace,
    Undeclared,
    ValueIdentity,
)
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.remote import keys
from assetctl.storage.remote.entries import (
    MOST_BYTES,
    BadEntry,
    Entry,
    entry_folder,
    entry_name,
    message_of,
    read_entry,
    write_entry,
)
from assetctl.storage.remote.folder import FolderTransport
from assetctl.storage.remote.open import open_transport
from assetctl.storage.remote.patience import LOOKUP, Patience, Persistent, delay_before, transfer
from assetctl.storage.remote.store import RemoteStore
from assetctl.storage.remote.transport import Absent, Denied, Unreachable
from assetctl.storage.remote.trust import Question, Trust, flaw_as_answer, flaw_of_origin

ID = "0" * 25 + "1"


def digest(text: str) -> Digest:
    return digest_bytes(text.encode())


DEFINITION = Definition(digest("definition"), CodeVersion(digest("code")), {}, {}, {})
INPUTS = Inputs(DEFINITION, (Input("up", "up", digest("up"), digest("up")),))
BLOB = BlobDigest(digest("blob"))
MADE_FROM = provenance_of(INPUTS)
assert MADE_FROM is not None
OUTPUT = Output(Target.parse("a"), ValueIdentity(digest("value"), "json"), "json/1", BLOB, 5000)
QUESTION = Question("a", ("a",), MADE_FROM.digest, INPUTS)


def fact(**changes: object) -> Materialized:
    made = Materialized(ID, ID, Target.parse("a"), MADE_FROM, (OUTPUT,), "2026-01-01T00:00:00.000000+00:00", 1.0)
    return replace(made, **changes)


def entry(**changes: object) -> Entry:
    return read_entry(write_entry(fact(**changes), {BLOB: 5000}, None))


# --- patience ----------------------------------------------------------------------------------


class Waits:
    """A clock that goes on only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def persistent(self) -> Persistent:
        return Persistent(sleep=self.wait, monotonic=lambda: self.now, chance=lambda: 0.0)

    def wait(self, seconds: float) -> None:
        self.now += seconds


def failing(n_times: int, fault: Exception):
    calls: list[float] = []

    def action(within_s: float) -> str:
        calls.append(within_s)
        if len(calls) <= n_times:
            raise fault
        return "done"

    return action, calls


def test_delays_double_up_to_a_bound_and_chance_takes_up_to_half_off():
    patience = Patience(10, 100.0, 0.2)
    assert [delay_before(n, patience, 0.0) for n in (2, 3, 4, 10)] == [0.2, 0.4, 0.8, 4.0]
    assert delay_before(3, patience, 1.0) == 0.2


def test_what_passes_is_tried_again():
    action, calls = failing(2, Unreachable("busy"))
    assert Waits().persistent().call(LOOKUP, action) == "done"
    assert len(calls) == 3


@pytest.mark.parametrize(("fault", "n_calls"), [(Unreachable("busy"), 3), (Denied("no"), 1)])
def test_what_does_not_pass_is_given_up_for_good(fault, n_calls):
    action, calls = failing(100, fault)
    persistent = Waits().persistent()
    for _ in range(3):
        with pytest.raises(type(fault)):
            persistent.call(LOOKUP, action)
    assert len(calls) == n_calls


def test_what_is_not_there_says_nothing_against_the_remote():
    action, _ = failing(1, Absent("nothing"))
    persistent = Waits().persistent()
    with pytest.raises(Absent):
        persistent.call(LOOKUP, action)
    assert persistent.call(LOOKUP, action) == "done"


def test_all_attempts_together_are_bounded():
    waits = Waits()
    seen: list[float] = []

    def hangs(within_s: float) -> str:
        seen.append(within_s)
        waits.now += 2.0
        raise Unreachable("no answer")

    with pytest.raises(Unreachable):
        waits.persistent().call(Patience(100, 5.0, 0.1), hangs)
    assert waits.now < 7
    assert seen == sorted(seen, reverse=True)
    assert transfer(10**9).whole_s > 1000 > transfer(1).whole_s


# --- keys --------------------------------------------------------------------------------------


def test_a_key_signs_what_its_public_half_recognises(tmp_path):
    key = keys.generate_key(tmp_path)
    signature = key.sign(b"message")
    assert keys.is_public_key(key.public)
    assert keys.is_signed(key.public, signature, b"message")
    assert not keys.is_signed(key.public, signature, b"massage")
    assert not keys.is_signed(keys.generate_key(tmp_path / "other").public, signature, b"message")
    assert not keys.is_signed("ed25519:nonsense", signature, b"message")
    assert not keys.is_signed(key.public, b"short", b"message")


def test_a_key_is_only_its_owners_and_never_overwritten(tmp_path):
    key = keys.generate_key(tmp_path / "keys")
    path = tmp_path / "keys" / keys.SIGNING_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    with pytest.raises(SelectionError, match="there is a signing key already"):
        keys.generate_key(tmp_path / "keys")
    assert path.read_bytes() == before
    assert keys.signing_key(tmp_path / "keys").public == key.public
    path.chmod(0o640)
    with pytest.raises(EnvironmentFault, match="can be read by others"):
        keys.signing_key(tmp_path / "keys")
    assert before.decode().strip().partition(":")[2] not in repr(key)


def test_a_key_of_the_environment_is_in_no_memory_that_the_system_shows_as_such():
    program = (
        "import os, posix\n"
        "from assetctl.storage.remote import keys\n"
        "keys.hide_signing_key()\n"
        "shown = open('/proc/self/environ', 'rb').read() if os.path.exists('/proc/self/environ') else b''\n"
        "assert b'THE-KEY' not in shown and b'KEPT' in shown or not shown\n"
        "assert 'THE-KEY' not in repr((dict(os.environ), posix.environ)), posix.environ\n"
        "assert os.environ['OTHER'] == 'KEPT' and keys.VARIABLE not in os.environ\n"
        "assert keys.hidden_texts() == ('THE-KEY',)"
    )
    variables = {**os.environ, keys.VARIABLE: " THE-KEY", "OTHER": "KEPT"}
    child = subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=False)
    assert (child.returncode, child.stderr) == (0, "")


@pytest.mark.parametrize("text", ["", "ed25519:AAAA", "ed25519-private:AAAA", "x" * 60])
def test_a_file_that_holds_no_key_is_refused_without_showing_it(tmp_path, text):
    path = tmp_path / keys.SIGNING_FILE
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(EnvironmentFault) as refused:
        keys.signing_key(tmp_path)
    assert not text or text not in str(refused.value.problems)


# --- entries -----------------------------------------------------------------------------------


def test_an_entry_comes_back_as_it_was_written():
    entry = read_entry(write_entry(fact(), {BLOB: 5000}, lambda message: ("key", message[:8])))
    assert (entry.fact, entry.sizes, entry.key) == (fact(), {BLOB: 5000}, "key")
    assert entry.signature == message_of(entry.body)[:8]


def test_the_signed_bytes_are_framed_with_the_format():
    assert message_of(b"ab") != message_of(b"a") + b"b"
    assert b"assetctl.entry/1" in message_of(b"")


def test_folders_differ_where_case_does_not_count_and_stay_short():
    names = {entry_folder(key, digest("p")) for key in ("a/b", "a+b", "A/b", "x" * 300)}
    assert len({name.lower() for name in names}) == 4
    assert all(len(part) < 255 for name in names for part in name.split("/"))


def body_with(change) -> bytes:
    """Return an entry's file after changing what its body says."""
    document = json.loads(write_entry(fact(), {BLOB: 5000}, None))
    content = json.loads(document["body"])
    change(content)
    return json.dumps({**document, "body": json.dumps(content)}).encode()


def output_with(name: str, value: object):
    return lambda c: c["fact"]["outputs"][0].update({name: value})


BAD_BODIES = {
    "no materialization": lambda c: c["fact"].update(k="step_failed"),
    "unknown kind": lambda c: c["fact"].update(k="other"),
    "newer fact": lambda c: c["fact"].update(v=99),
    "no blobs": lambda c: c.update(blobs={}),
    "sizes that are none": lambda c: c.update(blobs={BLOB: "many"}),
    "negative size": lambda c: c.update(blobs={BLOB: -5000}),
    "another size": lambda c: c.update(blobs={BLOB: 4}),
    "a path as a digest": lambda c: c.update(blobs={BLOB: 5000, "b3:../../../etc/passwd": 1}),
    "a blob that is a path": output_with("blob", "b3:../../x"),
    "no blob": output_with("blob", None),
    "a codec that is a path": output_with("codec", "file/1:/../../x"),
    "a codec that is none": output_with("codec", "json"),
    "inline bytes of another hash": output_with("text", "1"),
    "a value without version": output_with("value", {"version": "1", "kind": "json"}),
    "a kind that is none": output_with("value", {"version": digest("v"), "kind": ["json"]}),
    "an asset key that is a path": output_with("asset", "../x"),
    "an id that is none": lambda c: c["fact"].update(id="../x"),
    "a figure that is a path": lambda c: c["fact"].update(figures={"f": "b3:../x"}),
    "a link that is none": lambda c: c["fact"].update(links={"l": {}}),
    "a file outside the project": lambda c: c["fact"].update(undeclared=[["file", "../x", digest("x")]]),
    "an absolute file": lambda c: c["fact"].update(undeclared=[["file", "/etc/passwd", digest("x")]]),
    "no provenance": lambda c: c["fact"].pop("provenance"),
}


@pytest.mark.parametrize("change", BAD_BODIES.values(), ids=BAD_BODIES)
def test_an_entry_that_no_run_would_write_is_refused(change):
    with pytest.raises(BadEntry):
        read_entry(body_with(change))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b'{"format":"assetctl.entry/2","body":"{}"}',
        b'{"format":"assetctl.entry/1"}',
        b'{"format":"assetctl.entry/1","body":3}',
        b'{"format":"assetctl.entry/1","body":"[]"}',
        b'{"format":"assetctl.entry/1","body":"' + b"[" * 100_000 + b'"}',
        b"[" * 1_000_000,
        b'{"format":"assetctl.entry/1","body":"{}","signature":"*"}',
    ],
)
def test_bytes_that_are_no_entry_are_refused(data):
    with pytest.raises(BadEntry):
        read_entry(data)


# --- whom to believe ---------------------------------------------------------------------------


def verify(public: str, signature: bytes, message: bytes) -> bool:
    return signature == public.encode() + message


def signed(key: str, *, well: bool = True, **changes: object) -> Entry:
    made = entry(**changes)
    return replace(made, key=key, signature=key.encode() + made.message if well else b"forged")


PICKLE = replace(OUTPUT, codec="pickle/1")
TRUSTS = {"nobody": Trust(), "friend": Trust(frozenset({"friend"})), "me": Trust(own=frozenset({"me"}))}


@pytest.mark.parametrize(
    ("outputs", "key", "trust", "is_used"),
    [
        (OUTPUT, "", "nobody", True),
        (OUTPUT, "stranger", "nobody", True),
        (OUTPUT, "", "friend", False),
        (OUTPUT, "stranger", "friend", False),
        (OUTPUT, "friend", "friend", True),
        (OUTPUT, "me", "me", True),
        (OUTPUT, "", "me", True),
        (PICKLE, "", "nobody", False),
        (PICKLE, "stranger", "nobody", False),
        (PICKLE, "friend", "friend", True),
        (PICKLE, "me", "me", True),
        (PICKLE, "", "me", False),
        (replace(OUTPUT, codec="mine/1"), "", "nobody", False),
        (replace(OUTPUT, codec="file/1:.csv"), "", "nobody", True),
        (replace(OUTPUT, codec="file/1:.PKL"), "", "nobody", False),
        (replace(OUTPUT, codec="file/1:.joblib"), "friend", "friend", True),
        (replace(OUTPUT, value=replace(OUTPUT.value, classes=("os:system",))), "", "nobody", False),
    ],
)
def test_who_signed_decides_what_may_be_used(outputs, key, trust, is_used):
    made = signed(key, outputs=(outputs,)) if key else entry(outputs=(outputs,))
    assert (flaw_of_origin(made, TRUSTS[trust], verify, lambda module: False) is None) is is_used


@pytest.mark.parametrize("trust", TRUSTS.values(), ids=TRUSTS)
@pytest.mark.parametrize("key", ["friend", "me", "stranger"])
def test_a_forged_signature_is_worse_than_none(key, trust):
    assert flaw_of_origin(signed(key, well=False), trust, verify, lambda module: False) is not None


@pytest.mark.parametrize(
    ("kind", "name", "is_used"),
    [
        ("file", "x.txt", True),
        ("listing", "data", True),
        ("variable", "HOME", True),
        ("symbol", "antigravity:fly", False),
        ("codec", "antigravity:fly", False),
        ("of a later release", "antigravity:fly", False),
        ("module", "os:", True),
    ],
)
def test_nothing_unsigned_makes_this_process_import_anything(kind, name, is_used):
    made = entry(undeclared=(Undeclared(kind, name, digest("x")),))
    assert (flaw_of_origin(made, Trust(), verify, {"os"}.__contains__) is None) is is_used


@pytest.mark.parametrize(
    "changes",
    [
        {"step": Target.parse("b")},
        {"outputs": (replace(OUTPUT, target=Target.parse("b")),)},
        {"outputs": (OUTPUT, OUTPUT)},
        {"provenance": replace(MADE_FROM, digest=digest("other"))},
        {"provenance": replace(MADE_FROM, inputs=())},
        {"provenance": replace(MADE_FROM, definition=replace(DEFINITION, digest=digest("other")))},
        {"trace": Trace.INPUT_CHANGED},
        {"published": False},
    ],
)
def test_what_does_not_answer_the_question_is_refused(changes):
    assert flaw_as_answer(entry(), QUESTION) is None
    assert flaw_as_answer(entry(**changes), QUESTION) is not None


def test_an_upstream_that_was_renamed_meanwhile_is_the_same_input():
    now = Inputs(DEFINITION, (replace(INPUTS.inputs[0], upstream="new", aliases=("up",)),))
    question = replace(QUESTION, inputs=now)
    assert provenance_of(now).digest == QUESTION.provenance
    assert flaw_as_answer(entry(), question) is None
    assert flaw_as_answer(entry(provenance=provenance_of(now)), question) is None


# --- a folder ----------------------------------------------------------------------------------


@pytest.fixture
def share(tmp_path: Path) -> Path:
    folder = tmp_path / "share"
    folder.mkdir()
    return folder


def test_a_folder_keeps_what_is_put_under_its_name(share):
    transport = FolderTransport("share", share)
    transport.put_bytes("a/b/c", b"0123456789", 1.0)
    assert transport.size("a/b/c", 1.0) == 10
    assert transport.read("a/b/c", 2, 3, 1.0) == b"234"
    assert transport.read("a/b/c", 8, 30, 1.0) == b"89"
    assert transport.names("a/b", 1.0) == ["c"]


def test_a_folder_shows_nothing_unfinished(share):
    transport = FolderTransport("share", share)
    transport.put_bytes("a/b", b"x", 1.0)
    (share / "a" / ".unfinished-1").write_bytes(b"half")
    assert transport.names("a", 1.0) == ["b"]
    with pytest.raises(Unreachable):
        transport.put_file("a/c", share, 1.0)  # a folder cannot be read as a file
    assert sorted(path.name for path in (share / "a").iterdir()) == [".unfinished-1", "b"]


@pytest.mark.parametrize("name", ["nothing", "a", "pipe"])
def test_what_is_no_file_in_a_folder_is_absent(share, name):
    (share / "a").mkdir()
    os.mkfifo(share / "pipe")
    transport = FolderTransport("share", share)
    assert transport.size(name, 1.0) is None
    with pytest.raises(Absent):
        transport.read(name, 0, 1, 1.0)


def test_a_share_that_is_not_mounted_is_not_made(tmp_path):
    transport = FolderTransport("share", tmp_path / "mount" / "share")
    for action in (
        lambda: transport.size("a", 1.0),
        lambda: transport.names("a", 1.0),
        lambda: transport.put_bytes("a", b"", 1.0),
    ):
        with pytest.raises(Denied, match="create or mount it"):
            action()
    assert not (tmp_path / "mount").exists()


def test_folders_in_a_share_are_as_open_as_the_share(share):
    share.chmod(0o2775)
    FolderTransport("share", share).put_bytes("a/b/c", b"x", 1.0)
    assert {path.stat().st_mode & 0o7777 for path in (share / "a", share / "a" / "b")} == {0o2775}


def test_an_entry_that_is_too_large_is_not_read_whole(share):
    transport = FolderTransport("share", share)
    transport.put_bytes(f"{entry_folder('a', digest('p'))}/x.json", b" " * (MOST_BYTES + 5000), 1.0)
    ((_, data),) = RemoteStore(transport).entries("a", digest("p"))
    assert len(data) == MOST_BYTES + 1


def test_the_name_of_an_entry_is_the_digest_of_its_file():
    assert entry_name(b"x") == digest("x").removeprefix("b3:") + ".json"


@pytest.mark.parametrize(
    ("remote", "where"),
    [("share", "{root}/share"), ("../share", "{root}/../share"), ("/mnt/share", "/mnt/share"), ("file:///mnt", "/mnt")],
)
def test_a_path_is_the_projects(tmp_path, remote, where):
    transport = open_transport(remote, tmp_path)
    assert isinstance(transport, FolderTransport)
    assert str(transport._root) == where.format(root=tmp_path)


def test_a_kind_of_remote_that_does_not_exist_is_said():
    with pytest.raises(Denied, match="there is no remote of the kind `nonsense://`"):
        open_transport("nonsense://x", Path()).size("a", 1.0)
