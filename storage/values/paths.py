"""Store a returned `Path`: a file or a folder, by its bytes.

The name and the times of what was returned do not count; a file's suffix is kept with
its codec ("file/1:.csv"), so that consumers and people get a file they can open.
"""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

from assetctl.assets.errors import AssetFailed, Problem
from assetctl.lineage.facts.ports import Stored
from assetctl.lineage.facts.records import Digest
from assetctl.lineage.identity.encode import Framed
from assetctl.storage.blobs.blobs import Blobs
from assetctl.storage.blobs.file_digests import write_empty
from assetctl.storage.blobs.folders import FolderFile, put_folder, read_empty
from assetctl.storage.codecs.pickled_names import names_in_file
from assetctl.storage.codecs.registry import FILE, FOLDER
from assetctl.storage.sources.observing import directory_identity, file_identity
from assetctl.storage.state.copying import clone_or_copy
from assetctl.storage.state.format import environment_fault

_COMPRESSIONS = frozenset((".gz", ".zst", ".bz2", ".xz", ".lz4", ".zip"))


def put_path(blobs: Blobs, path: Path) -> Stored:
    """Keep the file or folder at a path; the original stays where it is.

    Raises:
        AssetFailed: nothing is there, or it is neither file nor folder.
        EnvironmentFault: it cannot be read, or the store cannot be written.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as cause:
        raise AssetFailed(
            Problem(
                "returned-path-missing",
                f"the returned path `{path}` does not exist",
                hint="return the path of a file or folder that the asset has written",
            )
        ) from cause
    except OSError as cause:
        raise environment_fault(cause, path, "a returned path cannot be read") from cause
    if stat.S_ISDIR(mode):
        blob, files, manifest = put_folder(blobs, path)
        names = sorted({name for file in files for name in names_in_file(path / file.name)})
        identity = directory_identity(_folder_digest(files, read_empty(blob, manifest)))
        return Stored(replace(identity, classes=tuple(names)), FOLDER, blob, sum(file.size_bytes for file in files))
    if not stat.S_ISREG(mode):
        raise AssetFailed(
            Problem("returned-path-missing", f"the returned path `{path}` is neither a file nor a folder")
        )
    temporary = blobs.temporary()
    try:
        clone_or_copy(path, temporary)
        size = temporary.stat().st_size
    except OSError as cause:
        raise environment_fault(cause, path, "a returned file cannot be stored") from cause
    names_of_code = names_in_file(temporary)
    blob = blobs.put_file(temporary)
    return Stored(replace(file_identity(Digest(blob)), classes=names_of_code), FILE + _suffix(path), blob, size)


def _folder_digest(files: list[FolderFile], empty: list[str]) -> Digest:
    """Return what `digest_directory` gives for the folder."""
    out = Framed("av/1").tag("directory").length(len(files))
    for file in files:
        out.text(file.name).child(file.digest)
    write_empty(out, empty)
    return out.hexdigest()


def _suffix(path: Path) -> str:
    suffixes = path.suffixes[-2:] if path.suffix in _COMPRESSIONS else path.suffixes[-1:]
    return ":" + "".join(suffixes) if suffixes else ""
