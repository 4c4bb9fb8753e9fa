"""The transport over a real S3 server, and over one whose network misbehaves."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.remote.objects import ObjectTransport
from assetctl.storage.remote.patience import LOOKUP
from assetctl.storage.remote.store import RemoteStore, WrongBytes
from assetctl.storage.remote.transport import Absent, Denied, Unreachable
from tests.storage.s3_server import Bucket, Fault, FaultyProxy, MotoServer, environment

DATA = bytes(range(256)) * 400
DIGEST = digest_bytes(DATA)


@dataclass
class World:
    """One server, proxy, bucket and transport for all tests: opening them takes longer than using them."""

    bucket: Bucket
    proxy: FaultyProxy
    transport: ObjectTransport


@pytest.fixture(scope="module")
def world(s3_server: MotoServer):
    with pytest.MonkeyPatch.context() as patch:
        proxy, bucket = FaultyProxy(s3_server.port), s3_server.bucket()
        for name, value in environment(proxy.port).items():
            patch.setenv(name, value)
        yield World(bucket, proxy, ObjectTransport(bucket.address))
        proxy.close()


@pytest.fixture
def proxy(world):
    world.proxy.faults.clear()
    world.proxy.seen.clear()
    return world.proxy


@pytest.fixture
def bucket(world):
    for name in world.bucket.names():
        world.bucket.delete(name)
    return world.bucket


@pytest.fixture
def store(world, bucket, proxy):
    return RemoteStore(world.transport)


@pytest.fixture
def stored(store, tmp_path):
    (tmp_path / "blob").write_bytes(DATA)
    store.put_blob(DIGEST, tmp_path / "blob", anew=False)
    return store


def fetched(store, tmp_path) -> bytes:
    store.fetch(DIGEST, len(DATA), tmp_path / "fetched")
    return (tmp_path / "fetched").read_bytes()


def test_what_is_put_is_there_and_comes_back(stored, bucket, tmp_path):
    digits = DIGEST.removeprefix("b3:")
    assert bucket.names() == [f"cache/blobs-v1/{digits[:2]}/{digits[2:]}"]
    assert stored.size(DIGEST) == len(DATA)
    assert fetched(stored, tmp_path) == DATA


def test_what_is_there_is_not_put_again(stored, proxy, tmp_path):
    assert stored.put_blob(DIGEST, tmp_path / "blob", anew=False) == 0
    assert stored.put_blob(DIGEST, tmp_path / "blob", anew=True) == len(DATA)
    assert proxy.count("PUT", "blobs-v1") == 2


def test_what_is_not_there_is_absent_and_asked_for_once(store, proxy, tmp_path):
    assert store.size(DIGEST) is None
    assert store.entries("a", digest_bytes(b"")) == []
    with pytest.raises(Absent):
        store.fetch(DIGEST, 10, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()
    assert proxy.count("GET", DIGEST[5:]) == 1
    assert proxy.count("HEAD", DIGEST[5:]) == 1


@pytest.mark.parametrize("kind", ["500", "503", "429", "refuse", "drop"])
def test_a_passing_fault_costs_a_retry(stored, proxy, tmp_path, kind):
    proxy.faults.append(Fault(kind, "GET", "blobs-v1", times=2))
    assert fetched(stored, tmp_path) == DATA
    assert proxy.count("GET", "blobs-v1") == 3


@pytest.mark.parametrize("kind", ["flip", "short"])
def test_bytes_that_arrive_wrong_are_asked_for_once_again(stored, proxy, tmp_path, kind):
    proxy.faults.append(Fault(kind, "GET", "blobs-v1", times=1))
    assert fetched(stored, tmp_path) == DATA


@pytest.mark.parametrize("kind", ["flip", "short"])
def test_bytes_that_stay_wrong_are_given_to_nobody(stored, bucket, proxy, tmp_path, kind):
    bucket.write(bucket.names()[0], DATA)  # by a client that adds checksums of its own
    proxy.faults.append(Fault(kind, "GET", "blobs-v1"))
    with pytest.raises(WrongBytes):
        fetched(stored, tmp_path)
    assert not (tmp_path / "fetched").exists()
    assert proxy.count("GET", "blobs-v1") == 2
    assert stored.reading.down is None  # one bad object says nothing about the others


def test_a_refusal_is_not_tried_again_and_nothing_else_is_asked(stored, proxy):
    proxy.faults.append(Fault("403"))
    n_before = len(proxy.seen)
    for _ in range(3):
        with pytest.raises(Denied):
            stored.size(DIGEST)
    assert len(proxy.seen) == n_before + 1


@pytest.mark.parametrize("kind", ["503", "refuse"])
def test_a_server_that_fails_for_good_is_given_up(stored, proxy, kind):
    proxy.faults.append(Fault(kind))
    for _ in range(3):
        with pytest.raises(Unreachable):
            stored.size(DIGEST)
    assert (
        proxy.count("HEAD", "blobs-v1") <= 1 + 2 * LOOKUP.n_attempts
    )  # one by the upload; the HTTP library itself tries twice


def test_a_server_that_says_nothing_is_waited_for_as_long_as_asked(stored, world, proxy):
    proxy.faults.append(Fault("silent"))
    with pytest.raises(Unreachable):
        world.transport.size("blobs-v1/x", 0.2)


def test_an_upload_that_is_cut_off_leaves_nothing_and_is_tried_again(store, bucket, proxy, tmp_path):
    (tmp_path / "blob").write_bytes(DATA)
    proxy.faults.append(Fault("refuse", "PUT", "blobs-v1", times=1))
    assert store.put_blob(DIGEST, tmp_path / "blob", anew=False) == len(DATA)
    assert bucket.read(bucket.names()[0]) == DATA


def test_a_bucket_that_does_not_exist_takes_nothing(proxy, tmp_path):
    store = RemoteStore(ObjectTransport("s3://there-is-no-such-bucket/cache"))
    (tmp_path / "blob").write_bytes(DATA)
    assert store.size(DIGEST) is None
    with pytest.raises(Denied, match="does not exist"):
        store.put_blob(DIGEST, tmp_path / "blob", anew=False)


def test_more_than_the_recorded_size_is_never_read(stored, bucket, tmp_path):
    name = bucket.names()[0]
    bucket.write(name, DATA + b"more")
    assert fetched(stored, tmp_path) == DATA
