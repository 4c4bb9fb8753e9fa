"""Secrets: not part of what an asset is, and in nothing that is left behind."""

from __future__ import annotations

import base64
import html
import json
import os
from collections import UserDict
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from assetctl.engine.project import Project
from assetctl.engine.secrets.masking import Mask
from assetctl.engine.secrets.secret_values import EnvironmentValues, mark_of, raw_items
from assetctl.engine.steps.capture import LogWriter, captured_descriptors

SECRET = "pa55 wörd/&x"
RAW = SECRET.encode()
ASSETS = """
import os

from assetctl import asset

@asset(secret=["token"])
def loads(token=os.environ["AT_TOKEN"]):
    print(token)
    if os.environ.get("AT_FAIL"):
        raise ValueError(f"refused: {token}")
    return len(token)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "assets.py").write_text(ASSETS)
    monkeypatch.setenv("AT_TOKEN", SECRET)
    return Project.open(tmp_path)


def left_behind(project: Project) -> bytes:
    return b"".join(p.read_bytes() for p in project.workspace.layout.state.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(RAW, safe=""),
        quote(RAW),
        quote_plus(RAW),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        repr(RAW)[2:-1],
        html.escape(SECRET),
        RAW.hex(),
        RAW.hex().upper(),
        base64.b64encode(RAW).decode().rstrip("="),
        base64.urlsafe_b64encode(RAW).decode().rstrip("="),
    ],
)
def test_a_secret_is_found_in_every_form_that_programs_write_it_in(form):
    assert Mask([SECRET]).text(f"<{form}>") == "<***>"


@pytest.mark.parametrize("user", ["u", "us", "use", "user:"])
def test_a_secret_is_found_at_any_place_within_base64(user):
    encoded = base64.b64encode(f"{user}{SECRET}!".encode()).decode()
    shown = Mask([SECRET]).text(encoded)
    assert "***" in shown
    n_left = len(shown) - len("***")
    n_around = (len(user) + 1) * 8 // 6
    assert n_left <= n_around + 6  # digits that hold bits of what stands beside it, and padding


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("123", "pin 123, not 12345", "pin ***, not 12345"),
        ("postgres://u:hunter22@h/db", "password hunter22 refused", "password *** refused"),
        ("first line\nsecond line", "only second line\n", "only ***\n"),
        ("", "nothing", "nothing"),
    ],
)
def test_short_secrets_passwords_in_addresses_and_single_lines_are_found(secret, text, shown):
    assert Mask([secret]).text(text) == shown


def test_a_secret_written_in_pieces_is_never_in_the_log(tmp_path):
    for cut in range(1, len(RAW)):
        log = tmp_path / f"{cut}.log"
        writer = LogWriter(log, Mask([SECRET]))
        writer.write(b"a " + RAW[:cut])
        assert RAW[:cut] not in (log.read_bytes() if log.exists() else b"")
        writer.write(RAW[cut:] + b" b")
        writer.close()
        assert log.read_bytes() == b"a *** b"


def test_a_secret_that_ends_as_another_form_begins_is_masked(tmp_path):
    writer = LogWriter(tmp_path / "log", Mask(["config-31d9e6"]))  # its hexadecimal form begins with 6
    writer.write(b"config-31d9e6")
    writer.close()
    assert (tmp_path / "log").read_bytes() == b"***"


def test_output_that_only_begins_like_a_secret_is_kept(tmp_path):
    writer = LogWriter(tmp_path / "log", Mask([SECRET]))
    writer.write(RAW[:5])
    writer.close()
    assert (tmp_path / "log").read_bytes() == RAW[:5]


def test_what_child_processes_print_is_masked_before_it_is_on_the_disk(tmp_path, capfd):
    log = tmp_path / "log"
    with captured_descriptors(log, Mask([SECRET])):
        os.system(f"echo '{SECRET}' >&2")
    assert log.read_text() == "***\n"
    assert capfd.readouterr() == ("", "")


def test_an_environment_is_compared_undecoded_where_the_interpreter_shows_it_so(monkeypatch):
    monkeypatch.setenv("ODD_\udce9", "v\udce9")
    assert (os.fsencode("ODD_\udce9"), b"v\xe9") in raw_items(os.environ)
    before = raw_items(os.environ)
    monkeypatch.setenv("ODD_\udce9", "other")
    assert raw_items(os.environ) != before


def test_an_environment_of_another_interpreter_is_compared_as_text():
    class Environ(UserDict):
        """An environment that keeps its values under another name than CPython's."""

        def __init__(self, values):
            self._values = values

        data = property(lambda self: self._values)

    class Strange(Environ):
        _data = "not what CPython keeps there"

    for kind in (Environ, Strange):
        assert raw_items(kind({"A": "1"})) == (("A", "1"),)
        assert raw_items(kind({"A": "2"})) != raw_items(kind({"A": "1"}))
    assert raw_items({"A": "1"}) == (("A", "1"),)


def test_values_of_variables_become_marks_that_differ_as_the_values_do():
    here = EnvironmentValues({"REGION": "eu-central-9", "OTHER": "us-west-1", "HOME": "/home/me", "N": "1"})
    assert here.hidden("in eu-central-9, 1, /home/me") == f"in {mark_of('eu-central-9')}, 1, /home/me"
    assert here.hidden_in({"a": ("us-west-1", 1)}) == {"a": (mark_of("us-west-1"), 1)}
    assert mark_of("us-west-1") != mark_of("eu-central-9")


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("GITHUB_TOKEN", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("DB_PASSWORD", True),
        ("OPENAI_API_KEY", True),
        ("SENTRY_DSN", True),
        ("DATABASE_URL", True),
        ("GIT_AUTHOR_NAME", False),
        ("KEYBOARD", False),
        ("STAGE", False),
    ],
)
def test_names_of_variables_say_that_their_values_are_secret(name, is_secret):
    assert bool(EnvironmentValues({name: "something"}).of_secret_names()) == is_secret


def test_a_secret_that_rotates_keeps_the_asset(project, monkeypatch):
    project.materialize(jobs=1)
    assert project.load("loads") == len(SECRET)
    monkeypatch.setenv("AT_TOKEN", "another one")
    assert Project.open(project.root).plan().is_fresh


def test_a_secret_in_an_error_is_masked(project, monkeypatch):
    monkeypatch.setenv("AT_FAIL", "1")
    events = project.materialize(jobs=1).events
    assert SECRET not in str(events)
    assert any(getattr(e, "message", "") == "refused: ***" for e in events)
    assert RAW not in left_behind(project)


def test_a_secret_set_on_the_command_line_is_not_recorded(project):
    from assetctl.engine.planning.options import PlanOptions

    project.materialize(options=PlanOptions(set=('loads.token="from the command line"',)), jobs=1)
    assert project.load("loads") == len("from the command line")
    assert b"from the command" not in left_behind(project)


def test_config_that_comes_from_a_variable_is_recorded_as_a_mark_and_still_counts(tmp_path, monkeypatch):
    (tmp_path / "assets.py").write_text(
        "import os\nfrom assetctl import asset\n@asset\ndef a(region=os.environ['AT_REGION']):\n    return len(region)\n"
    )
    monkeypatch.setenv("AT_REGION", "eu-central-9")
    Project.open(tmp_path).materialize(jobs=1)
    project = Project.open(tmp_path)
    assert project.plan().is_fresh
    assert b"eu-central-9" not in left_behind(project)
    monkeypatch.setenv("AT_REGION", "eu-central-8")
    again = Project.open(Path(tmp_path)).plan()
    assert [type(reason).__name__ for reason in again["a"].reasons] == ["ConfigChanged"]


def test_the_signing_key_of_the_environment_is_in_no_log_however_a_step_came_by_it(tmp_path, monkeypatch):
    from assetctl.storage.remote import keys

    private = "ed25519-private:" + base64.b64encode(b"k" * 32).decode()
    monkeypatch.setenv(keys.VARIABLE, private)
    (tmp_path / "assets.py").write_text(
        "from pathlib import Path\nfrom assetctl import asset\n\n@asset\ndef a():\n"
        "    print((Path(__file__).parent / 'key.txt').read_text())\n    return 1\n"
    )
    (tmp_path / "key.txt").write_text(private)
    try:
        project = Project.open(tmp_path)
        assert keys.VARIABLE not in os.environ
        project.materialize(jobs=1)
    finally:
        keys._taken.clear()
    assert private.partition(":")[2].encode() not in left_behind(project)
    assert b"***" in left_behind(project)


# --- parts of a secret, and every way out ------------------------------------------------

ACCOUNT = json.dumps({"type": "x", "key": {"private_key": "-----BEGIN KEY-----\nMIIE9x+/=\n"}, "ids": ["client-0815"]})


@pytest.mark.parametrize(
    ("secret", "part"),
    [
        ("postgresql://u:s3cr%40t%2Fx@h/db", "s3cr%40t%2Fx"),
        ("postgresql://u:s3cr%40t%2Fx@h/db", "s3cr@t/x"),
        ("redis://:p@ssw0rd@h:6379/0", "p@ssw0rd"),
        ("https://h/x?user=me&api_key=0123abc%2B", "0123abc+"),
        ("https://h/x?sv=2020&sig=aGVsbG8%3D", "aGVsbG8="),
        ("Server=h;Uid=me;Password=hunter22;", "hunter22"),
        ("host=h password='hun ter22' dbname=x", "hun ter22"),
        ("AccountName=a;AccountKey=Zm9vYmFy/x+==;Suffix=b", "Zm9vYmFy/x+=="),
        (ACCOUNT, "client-0815"),
        (ACCOUNT, "-----BEGIN KEY-----\nMIIE9x+/=\n"),
        (ACCOUNT, "MIIE9x+/="),
        (base64.b64encode(ACCOUNT.encode()).decode(), "client-0815"),
        (base64.b64encode(b"me:hunter22").decode(), "hunter22"),
        ("Bearer abc.def.ghi", "abc.def.ghi"),
        ('{"url": "mysql://u:h%75nter22@h"}', "hunter22"),
    ],
)
def test_a_part_of_a_secret_that_programs_take_out_of_it_is_masked_in_every_form(secret, part):
    mask = Mask([secret])
    for form in (part, quote(part, safe=""), base64.b64encode(part.encode()).decode().rstrip("="), part.encode().hex()):
        assert mask.text(f"<{form}>") == "<***>"


@pytest.mark.parametrize(
    "value", ["redis://:hunter22@h", "a\n-----BEGIN PRIVATE KEY-----\nx", "https://u:hunter22@h/x"]
)
def test_a_value_that_is_an_address_with_a_password_is_secret_whatever_it_is_called(value):
    assert EnvironmentValues({"WAREHOUSE": value}).of_secret_names() == {value}
    assert EnvironmentValues({"WAREHOUSE": "https://h:80/x@y"}).of_secret_names() == set()


WAYS_OUT = """
import json, os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from assetctl import CheckResult, Context, asset, check

PASSWORD = unquote(urlsplit(os.environ["AT_URL"]).password)

@asset
def a(context: Context):
    secret = PASSWORD
    context.metric(f"m {secret}", 1)
    context.metric("m " + json.loads(os.environ["AT_CREDENTIALS"])["id"], 2)
    context.link(f"l {secret}", f"https://h/{secret}")
    context.figure(f"f {secret}", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    (Path(__file__).parent / f"{secret}.txt").read_text()
    print(f"log {secret}")
    os.environ.pop("AT_URL")
    return 1

@check(asset=a)
def c(a):
    return CheckResult(False, {f"c {PASSWORD}": 1.0}, f"message {PASSWORD}")

@asset
def fails():
    raise type(PASSWORD, (ValueError,), {})(f"message {PASSWORD}")
"""


@pytest.mark.parametrize("key", ["a", "fails"])
def test_a_secret_has_no_way_out_under_any_name(tmp_path, monkeypatch, key):
    secret = "hunter+22"
    (tmp_path / "assets.py").write_text(WAYS_OUT)
    (tmp_path / f"{secret}.txt").write_text("words")
    monkeypatch.setattr("assetctl.storage.blobs.file_digests._RACY_NS", -(10**12))  # as if it had lain there for long
    monkeypatch.setenv("AT_URL", f"postgresql://me:{quote(secret)}@h/db")
    monkeypatch.setenv("AT_CREDENTIALS", json.dumps({"id": "client-0815"}))
    project = Project.open(tmp_path)
    outcome = project.materialize(key, jobs=1)
    left = left_behind(project)
    assert secret.encode() not in left
    assert b"client-0815" not in left
    assert secret not in str(outcome.events)
    if key == "a":
        table = project.sql("select name from lineage.metrics order by value")
        assert table["name"].to_pylist()[-1] == "m *** 2"
        assert b"log ***" in left
    else:
        assert [event.error_type for event in outcome.events if hasattr(event, "error_type")] == ["***"]
