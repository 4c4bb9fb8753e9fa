"""Answer a no-op `materialize` from a remembered verdict, before anything else is imported.

`engine/noop/remember.py` writes a verdict as text, with the size, mtime, ctime and inode of
everything it depended on. If none of that has changed, there is nothing to do. In any doubt
this returns None, and the full comparison is made. Only `os`, `sys` and one hash are used
here: importing `typing`, `re` or `json` would cost more than the answer.
"""

import os
import sys

import assetctl

FORMAT = "assetctl-noop 1"
FOLDER = os.path.join(".assetctl", "cache-v1", "noop")
# What differs between two terminals, or two commands, and no pipeline depends on by accident. Anything else counts.
VOLATILE = frozenset(
    [
        "_",
        "COLUMNS",
        "LINES",
        "OLDPWD",
        "PWD",
        "SHLVL",
        "SSH_AUTH_SOCK",
        "SSH_CLIENT",
        "SSH_CONNECTION",
        "SSH_TTY",
        "STY",
        "TERM",
        "TERM_PROGRAM",
        "TERM_SESSION_ID",
        "TMUX",
        "TMUX_PANE",
        "WINDOWID",
        "XDG_SESSION_ID",
        "GPG_TTY",
    ]
)


def answer(words: "list[str]") -> "str | None":
    """Return what to print if this command, given here, has nothing to do; None if that is not known."""
    selection = plain_selection(words)
    if selection is None:
        return None
    folder = os.getcwd()
    while True:
        try:
            path = os.path.join(folder, FOLDER, file_name(selection))
            with open(path, encoding="utf-8", opener=_without_waiting) as file:
                return _checked(file.read().split("\n"), selection)
        except (OSError, ValueError):
            parent = os.path.dirname(folder)
            if parent == folder or os.path.isdir(os.path.join(folder, ".assetctl")):
                return None
            folder = parent


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe in its place is empty rather than waited for."""
    return os.open(path, flags | os.O_NONBLOCK)


def plain_selection(words: "list[str]") -> "list[str] | None":
    """Return the selection of a `materialize` that has no option but `-j`; None for anything else."""
    if not words or words[0] not in ("materialize", "build"):
        return None
    selection, rest = [], iter(words[1:])
    for word in rest:
        if word in ("-j", "--jobs"):
            if not next(rest, "").isdigit():
                return None
        elif word.startswith("-"):
            return None
        else:
            selection.append(word)
    return selection


def file_name(selection: "list[str]") -> str:
    """Return the file a selection's verdict is remembered in; the file itself says for which."""
    return digest("\0".join(selection)) + ".txt"


def surroundings() -> str:
    """Return one line for the interpreter, the release, the folder, the environment and what can be imported.

    An installed distribution is known by the name of its folder, which holds its version.
    """
    kept = sorted(f"{name}={value}" for name, value in os.environ.items() if name not in VOLATILE)
    names = [f"{folder}: {_names(folder)}" for folder in sys.path]
    parts = (assetctl.__version__, sys.version, repr(sys.flags), sys.executable, sys.prefix, os.getcwd(), *names, *kept)
    return digest("\0".join(parts))


def _names(folder: str) -> str:
    """Return the names in a folder of the import path, without hidden ones."""
    try:
        return " ".join(sorted(name for name in os.listdir(folder or ".") if not name.startswith(".")))
    except OSError:  # not there, or an archive
        return signature(folder)


def digest(text: str) -> str:
    """Return a keyed hash; values of the environment are kept in no other form."""
    from _blake2 import blake2b

    data = text.encode("utf-8", "surrogateescape")
    return blake2b(data, key=b"assetctl no-op", digest_size=16).hexdigest()


def signature(path: str) -> str:
    """Return the parts of a file's status that show it is unchanged; "-" if there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return "-"
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


def journal_line(folder: str) -> str:
    """Return the names and sizes of all journal segments, as one line."""
    try:
        with os.scandir(folder) as entries:
            return " ".join(sorted(f"{entry.name}:{entry.stat().st_size}" for entry in entries))
    except OSError:
        return "-"


def _checked(lines: "list[str]", selection: "list[str]") -> "str | None":
    """Return the remembered answer if every line still holds.

    Lines: format, surroundings, selection, journal folder, its segments, the answer, then
    a signature, a tab and a path each, and "end".
    """
    if lines[0] != FORMAT or lines[-1] != "end" or lines[2] != " ".join(selection):
        return None
    if lines[1] != surroundings() or lines[4] != journal_line(lines[3]):
        return None
    for line in lines[6:-1]:
        known, _, path = line.partition("\t")
        if signature(path) != known:
            return None
    return lines[5]
