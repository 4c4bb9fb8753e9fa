"""Run a command in a child of this process, so that it cannot end without a word whatever code of the project does.

A function that is performed in the process of its run, and a file of the project that is
imported, can end that process in ways that Python never hears of: `exit` of a C library, a
segmentation fault, another program in its place. An exit code of success would then say that
all is built. So the child says how it ends before it does, and an end that it has not said is
an error here. It is forked before anything else is imported, and dies with this process.

Nothing heavy is imported at the top: every command loads this.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

from assetctl.cli.exit_codes import INTERRUPTED, TERMINATED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_FAILED = 1
_SAID = 0  # before the exit code; no signal has that number
_GRACE_S = 0.05  # a signal that both processes were sent has arrived in the child by then
_LINGER_S = 10  # for how long what the project's code left running may hold up the end
_SAY_AFTER_S = 2
_PASSED_ON = (signal.SIGINT, signal.SIGTERM)


def watched(command: Callable[[], int], report: Callable[[str, str, int], object]) -> int:
    """Return the exit code of a command that runs in a child.

    An end without an answer is reported: how, the line that the project's code was at where that is
    known, and the exit code. That is the code of a failure; a signal ends this process too. In the child this returns as well: the
    caller has to end with what it gets. Where a child would outlive this process there is none.
    """
    if sys.platform != "linux":
        return _to_its_end(command)
    import mmap

    from assetctl.engine.isolation.under_way import Told

    Told.memory = mmap.mmap(-1, mmap.PAGESIZE)
    hears, tells = os.pipe()
    crash = os.memfd_create("crash")
    run = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)  # a child that has no answer to them yet gets none
    child = os.fork()
    if child == 0:
        os.close(hears)
        return _answered(command, run, tells, crash, before)
    os.close(tells)
    watch = _Watch(child, hears)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    status = watch.status()
    if watch.answer is not None:
        return watch.answer
    code = 128 - status if status < 0 else _FAILED
    if code not in (INTERRUPTED, TERMINATED):  # else it could not answer to them yet
        report(_how(status, Told.read()), _place(os.pread(crash, 1 << 20, 0).decode(errors="replace")), code)
        _end_by(-status)
    return code


class _Watch:
    """Waits for the child, and passes on what is sent to this process alone."""

    def __init__(self, child: int, hears: int) -> None:
        self.answer: int | None = None
        self._child = child
        self._hears = hears
        self._sent = dict.fromkeys(_PASSED_ON, 0)
        self._heard = dict.fromkeys(_PASSED_ON, 0)
        os.set_blocking(hears, False)
        for number in _PASSED_ON:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def status(self) -> int:
        """Return how the child ended, as `waitstatus_to_exitcode` has it."""
        status = os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])
        _ignore_signals()
        self._hear()
        return status

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Pass a signal on, unless the child has got it as well: from the terminal, or as a member of the group."""
        signal_ = signal.Signals(number)
        self._sent[signal_] += 1
        time.sleep(_GRACE_S)
        self._hear()
        if self._heard[signal_] < self._sent[signal_]:
            os.kill(self._child, number)

    def _hear(self) -> None:
        try:
            said = os.read(self._hears, 4096)
        except BlockingIOError:
            return
        if _SAID in said:
            said, _, code = said.partition(bytes([_SAID]))
            self.answer = code[0]
        for number in _PASSED_ON:
            self._heard[number] += said.count(number)


def _answered(command: Callable[[], int], run: int, tells: int, crash: int, before: set[int | signal.Signals]) -> int:
    """In the child: return the command's exit code, which the other process knows by then."""
    import faulthandler

    from assetctl.engine.executors.leash import die_with

    die_with(run)
    os.set_blocking(tells, False)
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
    signal.set_wakeup_fd(tells, warn_on_full_buffer=False)  # tells which signals have arrived
    faulthandler.enable(crash, all_threads=False)

    def unmasked() -> int:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)  # one that waits arrives here
        return command()

    code = _to_its_end(unmasked)
    os.write(tells, bytes((_SAID, code)))
    signal.setitimer(signal.ITIMER_REAL, _LINGER_S + 1)  # ends even a library that never finishes tidying up
    return code


def _to_its_end(command: Callable[[], int]) -> int:
    """Return the command's exit code; from now on nothing that the project's code left running keeps this process."""
    code = None
    try:
        code = command()
        _ignore_signals()  # there is nothing to interrupt any more
    except KeyboardInterrupt:  # before the command could answer to it, or after its answer
        _ignore_signals()
        if code is None:
            sys.stderr.write("interrupted\n")
            code = INTERRUPTED
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    import threading

    threading.Thread(target=_leave, args=(code,), daemon=True).start()
    return code


def _ignore_signals() -> None:
    for number in _PASSED_ON:
        signal.signal(number, signal.SIG_IGN)


def _leave(code: int) -> None:
    import threading

    time.sleep(_SAY_AFTER_S)
    others = [f"`{t.name}`" for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()]
    left = f"threads of the project's code: {', '.join(others)}" if others else "what the project's code does at exit"
    with suppress(OSError):
        os.write(2, f"waiting up to {_LINGER_S - _SAY_AFTER_S:.0f} s for {left}\n".encode())
    time.sleep(_LINGER_S - _SAY_AFTER_S)
    os._exit(code)


def _how(status: int, doing: str) -> str:
    """Return how the child ended, in words."""
    during = f" while {doing}" if doing else ""
    if status >= 0:
        return f"the process of this command ended by itself{during}, with exit code {status}"
    name = signal.Signals(-status).name if -status in signal.valid_signals() else f"signal {-status}"
    hint = " (the machine may have run out of memory)" if name == "SIGKILL" else ""
    return f"the process of this command was killed by {name}{during}{hint}"


def _place(trace: str) -> str:
    """Return the innermost line of the project's code in what `faulthandler` wrote, "" if there is none."""
    import sysconfig

    libraries = (os.path.dirname(os.path.dirname(os.path.abspath(__file__))), *sysconfig.get_paths().values(), "<")
    for line in trace.splitlines():
        before, quote, rest = line.partition('File "')
        file, _, where = rest.partition('", line ')
        if quote and not before.strip() and not file.startswith(libraries):
            return f"{_shown(file)}:{where.partition(' ')[0]}"
    return ""


def _shown(file: str) -> str:
    with suppress(OSError):
        return file.removeprefix(f"{os.getcwd()}{os.sep}")  # noqa: PTH109  pathlib is not loaded yet
    return file


def _end_by(number: int) -> None:
    """End this process by the signal that ended the child, if one did; one core file is enough."""
    if number <= 0:
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with suppress(OSError):  # SIGKILL needs no reset
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
