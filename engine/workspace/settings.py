"""Find the project and read its settings; the only reader of `[tool.assetctl]`."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from assetctl.assets.durations import HOW_TO_WRITE, parse_duration
from assetctl.assets.errors import Problem, ProjectError
from assetctl.engine.sharing.settings import RemoteSettings
from assetctl.engine.workspace.settings_table import Table, is_count, is_flag, is_names, is_text, quoted
from assetctl.lineage.identity.environment import LEVELS, EnvironmentPolicy, normal_name

_KNOWN = (
    "assets",
    "jobs",
    "executor",
    "dynamic",
    "versions",
    "packages",
    "python",
    "platform",
    "variables",
    "store",
    "keep",
    "remote",
    "remote_mode",
    "trusted_keys",
    "name",
    "lineage",
)
DYNAMIC = ("warn", "strict", "always")
EXECUTORS = ("inprocess", "pool")
_KEEP = ("last", "for", "branches")
_KEEP_HINT = 'keep = { last = 3, for = "30d", branches = true }'
_STORE_HINT = 'write a folder: store = "~/.cache/assetctl"'
MODE_VARIABLE = "ASSETCTL_REMOTE_MODE"
_MODES = ("off", "read-only", "read-write")  # from the least to the most
_NO_PATH = (
    "name the files or folders of a `src/` layout, and imports look there: "
    '`assets = ["src/shop/pipeline.py"]` or `assets = ["src/shop/"]`'
)
_KEYS_HINT = "`assetctl keys show` prints the line to put there"


@dataclass(frozen=True, slots=True)
class Keep:
    """Which versions `gc` keeps besides those it always keeps; with none of these, all."""

    last: int | None = None
    for_s: float | None = None
    branches: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What a project says about itself. `where` is the file that says it; `jobs` None means one per core,
    `executor` None the one that suits the plan.

    `dynamic` says what to do about code whose control flow cannot be resolved: "warn",
    "strict" (a declaration error), or "always" (built every time). `store` is the folder
    where bytes are kept, None for the state folder. `name` is what a team's store knows
    the project by, `lineage` the address of that store.
    """

    root: Path
    assets: tuple[str, ...]
    where: Path
    jobs: int | None = None
    dynamic: str = "warn"
    executor: str | None = None
    environment: EnvironmentPolicy = field(default_factory=EnvironmentPolicy)
    store: Path | None = None
    keep: Keep = Keep()
    remote: RemoteSettings | None = None  # the shared cache, if there is one
    name: str = ""
    lineage: str | None = field(default=None, repr=False)  # it may hold a password


def find_settings(start: Path, file: Path | None = None) -> Settings:
    """Return the settings of `file` alone, or of the project that `start` lies in.

    Walks up to the first `pyproject.toml` with a `[tool.assetctl]` table; without one, an
    `assets.py` in `start` is the project. A file further up that is not TOML counts only if it
    names assetctl: others' mistakes are not this project's.

    Raises:
        ProjectError: there is no project, or its settings are wrong; it names every mistake.
    """
    if file is not None:
        path = file if file.is_absolute() else start / file
        if not path.is_file():
            raise ProjectError.of("no-project", f"there is no file `{file}`", ("looked in", str(start)))
        root = folder = path.parent.resolve()
        while (root / "__init__.py").is_file():  # a module of a package is imported as such, as the code around it does
            root = root.parent
        return Settings(root, ((folder / path.name).relative_to(root).as_posix(),), path.resolve())
    start = start.resolve()
    if not start.is_dir():
        raise ProjectError.of(
            "no-project", f"there is no folder `{start}`", hint="name an existing folder with `-p DIR`"
        )
    for folder in (start, *start.parents):
        settings = _read(folder / "pyproject.toml", is_here=folder == start)
        if settings is not None:
            return settings
    if (start / "assets.py").is_file():
        return Settings(start, ("assets.py",), start / "assets.py")
    raise ProjectError.of(
        "no-project",
        "there is no assetctl project here",
        ("looked for", "[tool.assetctl] in pyproject.toml, here and above; assets.py here"),
        ("started in", str(start)),
        hint="run `assetctl init`, or name a file with `-f FILE.py`",
    )


def _read(path: Path, *, is_here: bool) -> Settings | None:
    content = b""
    try:
        content = path.read_bytes()
        document = tomllib.loads(content.decode("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
        if content and not is_here and b"assetctl" not in content:
            return None
        raise ProjectError.of(
            "settings-unreadable", f"`{path}` cannot be read: {error}", hint="fix the file, then try again"
        ) from error
    tool = document.get("tool")
    values = tool.get("assetctl") if isinstance(tool, dict) else None
    if values is None:
        return None
    if not isinstance(values, dict):
        raise ProjectError.of(
            "bad-setting", f"`tool.assetctl` in `{path}` is not a table", hint="write `[tool.assetctl]`"
        )
    table = Table(values, path)
    settings = _settings(table, _declared_name(document) or path.parent.name)
    if table.problems:
        raise ProjectError(*table.problems)
    return settings


def _declared_name(document: dict[str, Any]) -> str:
    project = document.get("project")
    name = project.get("name") if isinstance(project, dict) else None
    return name if isinstance(name, str) else ""


def _settings(table: Table, default_name: str) -> Settings:
    if table.values.pop("path", None) is not None:
        table.wrong("`[tool.assetctl]` has no setting `path`", _NO_PATH, code="unknown-setting")
    table.refuse_others("`[tool.assetctl]`", _KNOWN, "remove it")
    return Settings(
        root=table.file.parent,
        assets=_assets(table),
        where=table.file,
        jobs=table.take("jobs", "a positive number", is_count),
        executor=table.choose("executor", EXECUTORS, "") or None if "executor" in table.values else None,
        dynamic=table.choose("dynamic", DYNAMIC, "warn"),
        environment=_environment(table),
        store=_store(table),
        keep=_keep(table),
        remote=_remote(table, os.environ.get(MODE_VARIABLE)),
        name=table.take("name", "a text", is_text, default_name),
        lineage=table.take("lineage", "a text", is_text),
    )


def _assets(table: Table) -> tuple[str, ...]:
    def is_right(value: object) -> bool:
        return is_text(value) or (is_names(value) and all(cast("list[str]", value)))

    given = table.take("assets", "a list of files, folders or modules", is_right, ["assets.py"])
    return (given,) if isinstance(given, str) else tuple(given)


def _environment(table: Table) -> EnvironmentPolicy:
    packages = table.inner("packages", "a table of package names", 'packages.numpy = "minor"')
    return EnvironmentPolicy(
        default=table.choose("versions", LEVELS, "exact"),
        packages={normal_name(name): packages.choose(name, LEVELS, "exact") for name in packages.values},
        python=table.choose("python", LEVELS, "ignore"),
        platform=table.take("platform", "true or false", is_flag, False),
        variables=tuple(table.take("variables", "a list of names", is_names, (), 'variables = ["TZ"]')),
    )


def _store(table: Table) -> Path | None:
    """Return the folder that `store` names: links resolved, `~` is the home folder, else relative to the project."""
    given = table.take("store", "a folder", lambda value: is_text(value) and "\0" not in value, None, _STORE_HINT)
    if given is None:
        return None
    root = Path(os.path.realpath(table.file.parent))
    store = root
    flaw = ""
    if given.startswith("$"):
        flaw = ": variables are not expanded"
    elif "://" in given:
        flaw = " is an address, not a folder"
    else:
        try:
            store = Path(os.path.realpath(root / Path(given).expanduser()))
        except RuntimeError:
            flaw = ": there is no such home folder"
    if not flaw and (store == root or store in root.parents):
        flaw = " contains the project itself"
    if flaw:
        table.wrong(f"`store = {given!r}`{flaw}", _STORE_HINT)
    return None if flaw or store == Path(os.path.realpath(root / ".assetctl")) else store


def _keep(table: Table) -> Keep:
    keep = table.inner("keep", "a table of `last`, `for` and `branches`", _KEEP_HINT)
    keep.refuse_others("`keep`", _KEEP, _KEEP_HINT)
    for_ = keep.take("for", "a duration", lambda value: parse_duration(str(value)) is not None, None, HOW_TO_WRITE)
    return Keep(
        last=keep.take("last", "a positive number", is_count, None, _KEEP_HINT),
        for_s=None if for_ is None else parse_duration(str(for_)),
        branches=keep.take("branches", "true or false", is_flag, False, _KEEP_HINT),
    )


def _remote(table: Table, lowered_to: str | None) -> RemoteSettings | None:
    """Return what a project says about its shared cache; None if it has none or does not use it.

    `lowered_to` is what the environment asks for. It can only restrict: make the cache
    read-only, or turn it off.
    """
    address = table.take("remote", "an address", is_text, None, 'remote = "s3://bucket/prefix" or a folder')
    mode = _MODES.index(table.choose("remote_mode", _MODES, "read-write"))
    if lowered_to in _MODES:
        mode = min(mode, _MODES.index(lowered_to))
    elif lowered_to:
        message = f"`{MODE_VARIABLE} = {lowered_to!r}` in the environment is not one of {quoted(_MODES)}"
        table.problems.append(Problem("bad-setting", message))
    trusted = _trusted_keys(table)
    if address is None or mode == 0:
        return None
    return RemoteSettings(address.strip().rstrip("/") or "/", mode == 1, trusted)


def _trusted_keys(table: Table) -> tuple[str, ...]:
    given = table.take("trusted_keys", "a list of public keys", is_names, [], _KEYS_HINT)
    if given:
        from assetctl.storage.remote.keys import is_public_key

        for key in given:
            if not is_public_key(key):
                shown = "a private key" if "private" in key else f"`{key}`"
                table.wrong(f"{shown} in `trusted_keys` is not a public key", _KEYS_HINT)
    return tuple(given)
