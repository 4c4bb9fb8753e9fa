"""Campaigns against the shared cache: random faults of the network, and kills at random moments.

Each case is given by its seed alone. Whatever happens, a run succeeds with the right
values, and what lies in the bucket is whole: no entry without its blobs, no blob whose
bytes are not its name's.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time

import pytest

from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.remote.entries import read_entry
from tests.e2e.test_shared_cache import Machine, chain, other
from tests.storage.s3_server import Bucket, Fault, FaultyProxy, environment

pytestmark = pytest.mark.soak

KINDS = ("500", "503", "429", "403", "404", "refuse", "drop", "flip", "short", "slow")
VALUES = {"a": list(range(2000)), "b": [x + 1 for x in range(2000)], "c": sum(range(2000)) + 2000}


@pytest.fixture
def proxy(s3_server):
    faulty = FaultyProxy(s3_server.port)
    yield faulty
    faulty.close()


def random_faults(chance: random.Random) -> list[Fault]:
    return [
        Fault(
            chance.choice(KINDS),
            chance.choice(("", "GET", "PUT", "HEAD")),
            chance.choice(("", "blobs-v1", "entries-v1")),
            times=chance.choice((1, 2, 3, 20)),
            seconds=chance.choice((0.1, 1.0)),
        )
        for _ in range(chance.randint(1, 4))
    ]


def require_whole(bucket: Bucket) -> None:
    """Hold every object against its name, and every entry against the blobs that it needs."""
    names = bucket.names()
    there = {"b3:" + "".join(name.split("/")[-2:]) for name in names if "/blobs-v1/" in name}
    for name in names:
        data = bucket.read(name)
        if "/blobs-v1/" in name:
            assert digest_bytes(data) == "b3:" + "".join(name.split("/")[-2:])
        else:
            assert name.endswith(digest_bytes(data).removeprefix("b3:") + ".json")
            assert read_entry(data).sizes.keys() <= there


@pytest.mark.parametrize("seed", range(60))
def test_random_faults_cost_work_at_most(seed, tmp_path, s3_server, proxy, monkeypatch):
    chance = random.Random(seed)
    bucket = s3_server.bucket()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name, value in environment(proxy.port).items():
        monkeypatch.setenv(name, value)
    first = chain(Machine(tmp_path / "first", bucket.address))
    for machine in (first, first.clone("second"), first.clone("third")):
        proxy.faults[:] = random_faults(chance)
        machine.build()
        assert {key: machine.value(key) for key in VALUES} == VALUES
        require_whole(bucket)
    proxy.faults.clear()
    last = first.clone("last")
    last.build()
    assert {key: last.value(key) for key in VALUES} == VALUES
    assert last.said == []


@pytest.mark.parametrize("seed", range(20))
def test_a_kill_at_any_moment_of_an_upload_leaves_nothing_half_done(seed, tmp_path, s3_server, proxy):
    chance = random.Random(seed)
    bucket = s3_server.bucket()
    first = chain(Machine(tmp_path / "first", bucket.address, variables=environment(proxy.port)))
    proxy.faults.append(Fault("slow", "PUT", seconds=0.3))
    process = first.start("materialize", "--json")
    try:
        while not proxy.count("PUT", ""):
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(chance.uniform(0.0, 1.5))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    finally:
        first.stop_all()
    proxy.faults.clear()
    require_whole(bucket)
    second = other(first)
    built = second.materialize()
    assert json.loads(second.run("get", "c", "-o", "-").out) == VALUES["c"]
    assert built.finished["status"] == "succeeded"
    first.asset("d", "return 1").materialize()
    assert other(first, "third").materialize().ran == []
