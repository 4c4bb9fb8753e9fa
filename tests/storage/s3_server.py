"""A real S3 server in a process of its own, and a proxy before it that does what networks do.

`moto_server` starts moto's server on a free port of the loopback interface and ends it
for certain. `FaultyProxy` passes requests on; a `Fault` says which requests meet what,
and how often, so that a test reads like the accident that it is about.
"""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

ALWAYS = 1_000_000
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def environment(port: int) -> dict[str, str]:
    """Return the variables that lead an S3 client to a port of this machine."""
    return {**_CREDENTIALS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}


class Bucket:
    """One bucket of a server, and its objects as a person with the console sees them."""

    def __init__(self, port: int, name: str) -> None:
        import boto3

        self.name = name
        self._client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        self._client.create_bucket(Bucket=name)

    @property
    def address(self) -> str:
        return f"s3://{self.name}/cache"

    def names(self, part: str = "") -> list[str]:
        entries: list[dict[str, Any]] = self._client.list_objects_v2(Bucket=self.name).get("Contents", [])
        return [entry["Key"] for entry in entries if part in entry["Key"]]

    def read(self, name: str) -> bytes:
        data: bytes = self._client.get_object(Bucket=self.name, Key=name)["Body"].read()
        return data

    def write(self, name: str, data: bytes) -> None:
        self._client.put_object(Bucket=self.name, Key=name, Body=data)

    def delete(self, name: str) -> None:
        self._client.delete_object(Bucket=self.name, Key=name)

    def close(self) -> None:
        self._client.close()


@dataclass
class MotoServer:
    port: int
    _n_buckets: int = 0
    _opened: list[Bucket] = field(default_factory=list)

    def bucket(self) -> Bucket:
        """Return a new, empty bucket."""
        self._n_buckets += 1
        bucket = Bucket(self.port, f"bucket-{self._n_buckets}")
        self._opened.append(bucket)
        return bucket

    def close(self) -> None:
        for bucket in self._opened:
            bucket.close()


@contextmanager
def moto_server() -> Iterator[MotoServer]:
    """Start a server and yield it; its process ends with the block, whatever happens."""
    with tempfile.TemporaryDirectory(prefix="s3-") as folder:
        log = Path(folder, "log")
        with log.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
                stdout=said,
                stderr=said,
                env={**os.environ, "NO_COLOR": "1"},
            )
        try:
            server = MotoServer(_port_of(process, log))
            yield server
            server.close()
        finally:
            process.kill()
            process.wait()


def _port_of(process: subprocess.Popen[bytes], log: Path) -> int:
    """Return the port that a server listens on, once it says so."""
    ready = re.compile(r"Running on \S+:(\d+)")
    wait_until(
        lambda: process.poll() is not None or ready.search(log.read_text()), "moto's S3 server says where it listens"
    )
    where = ready.search(log.read_text())
    assert where is not None, f"moto's S3 server ended with {process.returncode}: {log.read_text()}"
    return int(where[1])


@dataclass
class Fault:
    """What happens to the next `times` requests of a method whose path holds `part`.

    `kind`: a status ("503"), "refuse" (the connection closes), "drop" (half of the body,
    then the connection closes), "flip" (one bit of the body is wrong), "short" (a shorter
    body that claims to be whole), "slow" (nothing is answered for `seconds`), "silent"
    (nothing is answered until the proxy closes).
    """

    kind: str
    method: str = ""
    part: str = ""
    times: int = ALWAYS
    seconds: float = 0.0

    def meets(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method in ("", method) and self.part in path


class FaultyProxy:
    """Between a client and a server on this machine; `seen` lists the requests, `faults` is the script."""

    def __init__(self, server_port: int) -> None:
        self.faults: list[Fault] = []
        self.seen: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self.closed = threading.Event()
        handler = type("Handler", (_Handler,), {"proxy": self, "server_port": server_port})
        self._server = _QuietServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def fault_for(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self.seen.append((method, path))
            for fault in self.faults:
                if fault.meets(method, path):
                    fault.times -= 1
                    return fault
        return None

    def count(self, method: str, part: str) -> int:
        return sum(m == method and part in path for m, path in self.seen)

    def close(self) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()


class _QuietServer(ThreadingHTTPServer):
    """Says nothing of connections that one side gave up: that is what its faults do."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    proxy: FaultyProxy
    server_port: int
    protocol_version = "HTTP/1.1"

    def pass_on(self) -> None:
        body = self._body()
        fault = self.proxy.fault_for(self.command, self.path)
        kind = fault.kind if fault is not None else ""
        self.close_connection = True
        if kind == "silent":
            self.proxy.closed.wait()
        if kind in {"refuse", "silent"}:
            return
        if fault is not None and kind == "slow":
            time.sleep(fault.seconds)
        if kind.isdigit():
            self._answer(int(kind), [], b"<Error><Code>Fault</Code><Message>scripted</Message></Error>", kind)
            return
        status, headers, data = self._ask(body)
        self._answer(status, headers, data, kind)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = pass_on

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while n_bytes := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(n_bytes))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server_port, timeout=30)
        skipped = ("transfer-encoding", "content-length", "expect", "connection")
        headers = {name: value for name, value in self.headers.items() if name.lower() not in skipped}
        try:
            connection.request(self.command, self.path, body, {**headers, "Content-Length": str(len(body))})
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes, kind: str) -> None:
        if kind == "flip" and data:
            data = bytes([data[0] ^ 1]) + data[1:]
        if kind == "short":
            data = data[: len(data) // 2]
        self.send_response(status)
        names = {name.lower() for name, _ in headers}
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                is_length = name.lower() == "content-length" and self.command != "HEAD"
                self.send_header(name, str(len(data)) if is_length else value)
        if "content-length" not in names:
            self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if kind == "drop" else data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
