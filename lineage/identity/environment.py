"""The environment slice of a definition: which versions and variables count, by the project's policy.

Only what the code reaches counts, unless the project asks for more (Python's version, the
platform, variables that it names). Pure: versions and values are handed in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from assetctl.lineage.facts.records import CodeIdentity

LEVELS = ("exact", "minor", "major", "ignore")
_RELEASE = re.compile(r"v?(?:\d+!)?(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class EnvironmentPolicy:
    """How much of a version counts: all of it, major and minor, major alone, or nothing.

    `packages` overrides `default` by distribution name. `python` is the level for
    Python's own version. `variables` are counted for every asset.
    """

    default: str = "exact"
    packages: Mapping[str, str] = field(default_factory=dict)
    python: str = "ignore"
    platform: bool = False
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surrounding:
    """What the machine is: Python's version, the platform, and keyed hashes of the policy's variables.

    `modes` are those of the interpreter that are not the usual ones and change what code does; they always count.
    """

    python: str = ""
    platform: str = ""
    variables: Mapping[str, str | None] = field(default_factory=dict)
    modes: Mapping[str, str] = field(default_factory=dict)


def environment_slice(code: CodeIdentity, policy: EnvironmentPolicy, around: Surrounding) -> dict[str, str]:
    """Return the parts of the environment that count for some code, by the names that reasons show."""
    environment: dict[str, str] = {}
    for name, version in code.distributions.items():
        counted = counted_version(version, policy.packages.get(normal_name(name), policy.default))
        if counted is not None:
            environment[name] = counted
    python = counted_version(around.python, policy.python)
    if python is not None:
        environment["python"] = python
    if policy.platform:
        environment["platform"] = around.platform
    environment.update(around.modes)
    variables = {**{n: around.variables.get(n) for n in policy.variables}, **code.variables}
    environment.update({f"env:{name}": "(unset)" if value is None else value for name, value in variables.items()})
    return environment


def counted_version(version: str, level: str) -> str | None:
    """Return the part of a version that counts at a level; None if nothing does.

    A version that is no release number counts as a whole.
    """
    if level == "ignore":
        return None
    release = _RELEASE.match(version)
    if level == "exact" or release is None:
        return version
    major, minor = release[1], release[2] or "0"
    return major if level == "major" else f"{major}.{minor}"


def normal_name(name: str) -> str:
    """Return a distribution's name as packaging tools compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
