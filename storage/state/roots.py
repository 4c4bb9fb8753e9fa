"""Which projects keep bytes in a store: each is a root, and `gc` keeps what its journal refers to.

A root is one small file in the store, named by the identity that a project's state folder
carries (a path may be another project's tomorrow, or in another container). It says where
that folder was seen (machine, disk, inode), so that a deleted folder can be told from one that
cannot be seen now: on a disk that is not mounted, or on another machine. What is found at
that place under another identity is another project, and the one that is meant is not known
to be gone. The state folder in
turn remembers every store it kept bytes in: those in an earlier store are still found, and
still kept.

Both are written before the first byte that needs them. Nothing here decides what is deleted.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from assetctl.assets.errors import EnvironmentFault, Problem
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.state.format import check_folder, ensure_folder, environment_fault, make_durably, read_format
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.lock import hold
from assetctl.storage.state.malformed import MALFORMED
from assetctl.storage.state.regular import read_regular
from assetctl.storage.state.whole import fsync_folder, write_whole

_FORMAT = "assetctl.root/1"
_IDENTITY_LENGTH = 32
_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Root:
    """A registered project. `trouble` says why its records cannot be read now; `is_gone`: its folder was deleted or moved.

    `is_replaced`: at its place is another project, so that only its file names it.
    """

    file: Path
    state: Path
    is_gone: bool = False
    trouble: str = ""
    is_replaced: bool = False

    @property
    def layout(self) -> Layout:
        """Where the root's own state lies, with every store it ever used."""
        return _with_stores(Layout(self.state.parent, self.state))


def locate(root: Path, store: Path | None) -> Layout:
    """Return the layout of a project, with the stores it used before."""
    return _with_stores(Layout.of(root, store))


def _with_stores(layout: Layout) -> Layout:
    stores = dict.fromkeys([*layout.earlier, *(store for store, _ in _known_stores(layout))])
    stores.pop(layout.store, None)
    return replace(layout, earlier=tuple(stores)) if stores else layout


def register(layout: Layout) -> None:
    """Make the store, and the project a root of it, where that is not so already.

    Raises:
        EnvironmentFault: the store cannot be written, a newer release wrote it, or the disk
            that it lies on is not mounted.
    """
    if layout.shared is None:
        return
    _require_in_sight(layout)
    ensure_folder(layout.store)
    try:
        file, text = _root_file(layout, _registered_identity(layout)), _described(layout)
        device = layout.store.stat().st_dev
        if (layout.store, device) not in _known_stores(layout):
            kept = [f"{d} {s}" for s, d in _known_stores(layout) if s != layout.store]
            lines = "".join(f"{line}\n" for line in [*kept, f"{device} {layout.store}"])
            write_whole(layout.stores_file, lines.encode("utf-8", "surrogateescape"), durable=True)
        if not file.is_file() or file.read_text("utf-8") != text:
            make_durably(file.parent)
            write_whole(file, text.encode("utf-8", "surrogateescape"), durable=True)
            fsync_folder(file.parent)
        _drop_earlier(layout)
    except OSError as cause:
        raise environment_fault(cause, layout.roots, "this project cannot be registered in the store") from cause


def roots_of(store: Path) -> list[Root]:
    """Return the projects that keep bytes in a store, whether or not they can be read; sorted by folder.

    A store that is itself a state folder has that project as a root.

    Raises:
        EnvironmentFault: the list itself cannot be read.
    """
    folder = Layout(store.parent, store).roots
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix == ".json")
    except (FileNotFoundError, NotADirectoryError):
        files = []
    except OSError as cause:
        raise environment_fault(cause, folder, "the projects of this store cannot be listed") from cause
    roots = [_read(file) for file in files]
    own = Layout(store.parent, store)
    if own.journal.is_dir():
        roots.append(Root(own.format_file, store, trouble=_trouble(store)))
    return sorted(roots, key=lambda root: (root.state, root.file))


def is_own(root: Root, layout: Layout) -> bool:
    """Say whether a root is the project itself: the folder at its place is this one, and the one that was registered."""
    if root.file.parent == root.state == layout.state:
        return True  # a store that is this state folder itself
    if root.trouble or root.is_gone:
        return False
    try:
        return root.state.samefile(layout.state)
    except OSError:
        return False


def forget(store: Path, path: Path) -> int:
    """Remove the roots that a path names (a project, its state folder, or the root's own file); return how many.

    Where a path names several, those that are sound stay if others are in doubt.

    Raises:
        EnvironmentFault: a file cannot be removed.
    """
    named = {Path(os.path.abspath(path)), Path(os.path.realpath(path))}
    folder = Layout(store.parent, store).roots
    roots = [r for r in roots_of(store) if r.file.parent == folder and named & {r.file, r.state, r.state.parent}]
    doubtful = [root for root in roots if root.trouble or root.is_gone]
    for root in doubtful or roots:
        drop(root)
    return len(doubtful or roots)


def drop(root: Root) -> None:
    """Remove a root's file; the project's own records are not touched."""
    try:
        root.file.unlink(missing_ok=True)
    except OSError as cause:
        raise environment_fault(cause, root.file, "a root cannot be removed") from cause


def _root_file(layout: Layout, identity: str) -> Path:
    return layout.roots / f"{identity}.json"


def _earlier_root_file(layout: Layout) -> Path:
    """Return the name that earlier releases gave to the root of this folder: made of host and path."""
    name = digest_bytes(f"{os.uname().nodename}\0{_state_path(layout)}".encode("utf-8", "surrogateescape"))
    return layout.roots / f"{name.removeprefix('b3:')[:32]}.json"


def _state_path(layout: Layout) -> Path:
    """Return the state folder under its project's real path; where the folder itself is a link, the link."""
    return Path(os.path.realpath(layout.state.parent)) / layout.state.name


def _described(layout: Layout) -> str:
    state = _state_path(layout)
    status = state.stat()
    document = {
        "format": _FORMAT,
        "identity": identity_at(layout.state),
        "state": str(state),
        "host": os.uname().nodename,
        "boot": _boot(),
        "device": status.st_dev,
        "inode": status.st_ino,
        "parent_device": state.parent.stat().st_dev,
    }
    return json.dumps(document, indent=1) + "\n"


def _registered_identity(layout: Layout) -> str:
    """Return what this state folder is registered as; a copy of another one becomes itself here."""
    identity = identity_at(layout.state)
    if identity is None or _is_of_another(_root_file(layout, identity), layout):
        with hold(layout.locks / "identity.lock", _WAIT_S, "another process is registering this project"):
            present = identity_at(layout.state)
            if present is not None and present != identity:
                return present  # the other process has just done so
            identity = secrets.token_hex(16)
            write_whole(layout.identity_file, f"{identity}\n".encode(), durable=True)
            fsync_folder(layout.state)
    return identity


def identity_at(state: Path) -> str | None:
    """Return the identity of a state folder; None if it has none yet, or none that can be read."""
    try:
        text = read_regular(Layout(state.parent, state).identity_file).decode("ascii", "replace").strip()
    except OSError:
        return None
    return text if len(text) == _IDENTITY_LENGTH and set(text) <= set("0123456789abcdef") else None


def _is_of_another(file: Path, layout: Layout) -> bool:
    """Say whether a root was registered by another folder than this one, as far as can be known.

    The number of a disk may change with every start of the machine, but not in between.
    """
    try:
        document = json.loads(read_regular(file))
        status, state = layout.state.stat(), _state_path(layout)
        if document["inode"] != status.st_ino:
            return True
        is_same_place = document["state"] == str(state) and document.get("boot") != _boot()
        return bool(document["device"] != status.st_dev and not is_same_place)
    except FileNotFoundError:
        return False
    except (OSError, *MALFORMED):
        return True


def _drop_earlier(layout: Layout) -> None:
    """Remove the root that an earlier release wrote for this very folder; one that is in doubt stays."""
    file = _earlier_root_file(layout)
    if os.path.lexists(file) and not _is_of_another(file, layout):
        file.unlink(missing_ok=True)


def _boot() -> str:
    """Return what tells this start of the machine from others; "" where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _read(file: Path) -> Root:
    try:
        document = json.loads(read_regular(file))
        if document["format"] != _FORMAT:
            return Root(file, file, trouble=f"its file is of another format: {document['format']!r}")
        state, identity = Path(document["state"]), document.get("identity")
        host, inode, device = str(document["host"]), int(document["inode"]), int(document["parent_device"])
    except (OSError, *MALFORMED) as cause:
        return Root(file, file, trouble=f"its file cannot be read: {cause}")
    is_here = host == os.uname().nodename
    try:
        is_same = state.stat().st_ino == inode
    except (FileNotFoundError, NotADirectoryError):
        if is_here and is_deleted(state, device):
            return Root(file, state, is_gone=True)
        where = "its disk is not mounted" if is_here else f"it was last seen on the machine `{host}`"
        return Root(file, state, trouble=f"its folder cannot be reached: {where}")
    except OSError as cause:
        return Root(file, state, trouble=f"its folder cannot be read: {cause.strerror}")
    present = identity_at(state)
    if identity is not None and present is not None:
        is_same = identity == present
    if not is_same:
        why = (
            "the project was moved, or its state folder was deleted" if is_here else f"it lies on the machine `{host}`"
        )
        return Root(file, state, trouble=f"another state folder is in its place: {why}", is_replaced=True)
    return Root(file, state, trouble=_trouble(state))


def _trouble(state: Path) -> str:
    """Say why what a state folder refers to cannot be known now ("" if it can)."""
    layout = Layout(state.parent, state)
    try:
        check_folder(state)
        if read_format(state) is None:
            return "its folder holds no records (is its disk mounted?)"
        if os.path.lexists(layout.journal):
            os.listdir(layout.journal)  # noqa: PTH208  to be refused here, not while bytes are being deleted
    except EnvironmentFault as fault:
        return fault.problems[0].message
    except OSError as cause:
        return f"its journal cannot be read: {cause.strerror}"
    return ""


def is_deleted(path: Path, device: int) -> bool:
    """Say whether a folder was deleted rather than unmounted: what is left of its path is on the disk it was on."""
    if os.path.lexists(path):
        return False  # a link that leads nowhere: to a disk that is not mounted, perhaps
    for folder in path.parents:
        try:
            return folder.stat().st_dev == device
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return False
    return False


def _known_stores(layout: Layout) -> list[tuple[Path, int]]:
    """Return the stores this project used, and the disks they were on; what cannot be read names none."""
    try:
        lines = read_regular(layout.stores_file).decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
    pairs = [line.partition(" ") for line in lines]
    return [(Path(store), int(device)) for device, _, store in pairs if device.isdigit() and store.startswith("/")]


def _require_in_sight(layout: Layout) -> None:
    for store, device in _known_stores(layout):
        if store == layout.store and read_format(store) is None and not _is_made_here(store, device):
            raise EnvironmentFault(
                Problem(
                    "store-unreachable",
                    "the store of this project cannot be reached",
                    (("store", str(store)), ("known from", str(layout.stores_file))),
                    "mount its disk; or, to begin an empty store there, delete the line in that file",
                )
            )


def _is_made_here(store: Path, device: int) -> bool:
    """Say whether a store without a format was emptied or deleted where it was, so that it can be made again."""
    try:
        return store.stat().st_dev == device
    except OSError:
        return is_deleted(store, device)
