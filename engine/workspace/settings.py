"""Find the project and read its settings; the only reader of `[tool.assetctl]`."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from assetctl.assets.durations import HOW_TO_WRITE, not_a_duration, parse_duration
from assetctl.assets.errors import ProjectError
from assetctl.assets.hints import did_you_mean
from assetctl.engine.sharing.settings import MODE_VARIABLE, RemoteSettings, remote_settings
from assetctl.lineage.identity.environment import LEVELS, EnvironmentPolicy, normal_name

_KNOWN = (
    "assets",
    "jobs",
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


_KEEP = ("last", "for", "branches")


@dataclass(frozen=True, slots=True)
class Keep:
    """Which versions `gc` keeps besides those it always keeps; with none of these, all."""

    last: int | None = None
    for_s: float | None = None
    branches: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What a project says about itself. `where` is the file that says it; `jobs` None means one per core.

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
    environment: EnvironmentPolicy = field(default_factory=EnvironmentPolicy)
    store: Path | None = None
    keep: Keep = Keep()
    remote: RemoteSettings | None = None  # the shared cache, if there is one
    name: str = ""
    lineage: str | None = field(default=None, repr=False)  # it may hold a password


def find_settings(start: Path, file: Path | None = None) -> Settings:
    """Return the settings of `file` alone, or of the project that `start` lies in.

    Walks up to the first `pyproject.toml` with a `[tool.assetctl]` table; without one, an
    `assets.py` in `start` is the project.

    Raises:
        ProjectError: there is no project, or its settings cannot be read.
    """
    if file is not None:
        path = file if file.is_absolute() else start / file
        if not path.is_file():
            raise ProjectError.of("no-project", f"there is no file `{file}`", ("looked in", str(start)))
        return Settings(path.parent.resolve(), (path.name,), path.resolve())
    start = start.resolve()
    if not start.is_dir():
        raise ProjectError.of(
            "no-project", f"there is no folder `{start}`", hint="name an existing folder with `-p DIR`"
        )
    for folder in (start, *start.parents):
        found = _read(folder / "pyproject.toml")
        if found is not None:
            return found
    if (start / "assets.py").is_file():
        return Settings(start, ("assets.py",), start / "assets.py")
    raise ProjectError.of(
        "no-project",
        "there is no assetctl project here",
        ("looked for", "[tool.assetctl] in pyproject.toml, here and above; assets.py here"),
        ("started in", str(start)),
        hint="run `assetctl init`, or name a file with `-f FILE.py`",
    )


def _read(path: Path) -> Settings | None:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ProjectError.of(
            "settings-unreadable", f"`{path}` cannot be read: {error}", hint="fix the file, then try again"
        ) from error
    table = document.get("tool", {}).get("assetctl")
    if table is None:
        return None
    settings = _settings(table, path)
    return replace(settings, name=settings.name or _declared_name(document) or path.parent.name)


def _declared_name(document: dict[str, Any]) -> str:
    project = document.get("project")
    name = project.get("name") if isinstance(project, dict) else None
    return name if isinstance(name, str) else ""


def _settings(table: Any, path: Path) -> Settings:
    if not isinstance(table, dict):
        raise ProjectError.of(
            "bad-setting", f"`tool.assetctl` in `{path}` is not a table", hint="write `[tool.assetctl]`"
        )
    for name in table:
        if name not in _KNOWN:
            raise ProjectError.of(
                "unknown-setting",
                f"`[tool.assetctl]` has no setting `{name}`",
                ("in", str(path)),
                ("settings", ", ".join(_KNOWN)),
                hint=did_you_mean(name, _KNOWN) or "remove it",
            )
    assets = table.get("assets", ["assets.py"])
    if isinstance(assets, str):
        assets = [assets]
    if not isinstance(assets, list) or not all(isinstance(entry, str) and entry for entry in assets):
        raise ProjectError.of("bad-setting", "`assets` is not a list of files, folders or modules", ("in", str(path)))
    jobs = table.get("jobs")
    if jobs is not None and (type(jobs) is not int or jobs < 1):
        raise ProjectError.of("bad-setting", f"`jobs = {jobs!r}` is not a positive number", ("in", str(path)))
    dynamic = _one_of("dynamic", table.get("dynamic", "warn"), DYNAMIC, path)
    return Settings(
        path.parent,
        tuple(assets),
        path,
        jobs,
        dynamic,
        _environment(table, path),
        _store(table, path),
        _keep(table, path),
        remote_settings(table, path, os.environ.get(MODE_VARIABLE)),
        name=_text("name", table, path) or "",
        lineage=_text("lineage", table, path),
    )


def _text(name: str, table: dict[str, Any], path: Path) -> str | None:
    value = table.get(name)
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise ProjectError.of(
        "bad-setting", f"`{name}` is not a text", ("in", str(path))
    )  # what it is instead may be a secret


def _environment(table: dict[str, Any], path: Path) -> EnvironmentPolicy:
    packages, variables = table.get("packages", {}), table.get("variables", [])
    if not isinstance(packages, dict):
        raise ProjectError.of(
            "bad-setting",
            "`packages` is not a table of package names",
            ("in", str(path)),
            hint='packages.numpy = "minor"',
        )
    if not isinstance(variables, list) or not all(isinstance(name, str) for name in variables):
        raise ProjectError.of(
            "bad-setting", "`variables` is not a list of names", ("in", str(path)), hint='variables = ["TZ"]'
        )
    platform = table.get("platform", False)
    if not isinstance(platform, bool):
        raise ProjectError.of("bad-setting", f"`platform = {platform!r}` is not true or false", ("in", str(path)))
    return EnvironmentPolicy(
        default=_one_of("versions", table.get("versions", "exact"), LEVELS, path),
        packages={normal_name(n): _one_of(f"packages.{n}", v, LEVELS, path) for n, v in packages.items()},
        python=_one_of("python", table.get("python", "ignore"), LEVELS, path),
        platform=platform,
        variables=tuple(variables),
    )


def _store(table: dict[str, Any], path: Path) -> Path | None:
    """Return the folder that `store` names: links resolved, `~` is the home folder, else relative to the project."""
    given = table.get("store")
    if given is None:
        return None
    hint = 'write a folder: store = "~/.cache/assetctl"'
    if not isinstance(given, str) or not given.strip() or "\0" in given:
        raise ProjectError.of("bad-setting", f"`store = {given!r}` is not a folder", ("in", str(path)), hint=hint)
    if given.startswith("$"):
        raise ProjectError.of(
            "bad-setting", f"`store = {given!r}`: variables are not expanded", ("in", str(path)), hint=hint
        )
    if "://" in given:
        raise ProjectError.of(
            "bad-setting", f"`store = {given!r}` is an address, not a folder", ("in", str(path)), hint=hint
        )
    try:
        store = Path(os.path.realpath(path.parent / Path(given).expanduser()))
    except RuntimeError as cause:
        raise ProjectError.of(
            "bad-setting", f"`store = {given!r}`: there is no such home folder", ("in", str(path)), hint=hint
        ) from cause
    root = Path(os.path.realpath(path.parent))
    if store == root or store in root.parents:
        raise ProjectError.of(
            "bad-setting", f"`store = {given!r}` holds the project itself", ("in", str(path)), hint=hint
        )
    return None if store == Path(os.path.realpath(root / ".assetctl")) else store


def _keep(table: dict[str, Any], path: Path) -> Keep:
    found = table.get("keep", {})
    hint = 'keep = { last = 3, for = "30d", branches = true }'
    if not isinstance(found, dict):
        raise ProjectError.of(
            "bad-setting", "`keep` is not a table of `last`, `for` and `branches`", ("in", str(path)), hint=hint
        )
    for name in found:
        if name not in _KEEP:
            raise ProjectError.of("unknown-setting", f"`keep` has no setting `{name}`", ("in", str(path)), hint=hint)
    last, given, branches = found.get("last"), found.get("for"), found.get("branches", False)
    if last is not None and (type(last) is not int or last < 1):
        raise ProjectError.of(
            "bad-setting", f"`keep.last = {last!r}` is not a positive number", ("in", str(path)), hint=hint
        )
    if type(branches) is not bool:
        raise ProjectError.of(
            "bad-setting", f"`keep.branches = {branches!r}` is not true or false", ("in", str(path)), hint=hint
        )
    time = None if given is None else parse_duration(str(given))
    if given is not None and time is None:
        raise ProjectError.of(
            "bad-setting", not_a_duration(f"`keep.for = {given!r}`"), ("in", str(path)), hint=HOW_TO_WRITE
        )
    return Keep(last, time, branches)


def _one_of(name: str, value: object, allowed: tuple[str, ...], path: Path) -> str:
    if isinstance(value, str) and value in allowed:
        return value
    choices = ", ".join(f'"{choice}"' for choice in allowed)
    raise ProjectError.of("bad-setting", f"`{name} = {value!r}` is none of {choices}", ("in", str(path)))
