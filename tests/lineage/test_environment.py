"""The environment slice: what is reached counts, as much of its version as the project says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from assetctl.lineage.facts.records import CodeIdentity, CodeVersion
from assetctl.lineage.identity.environment import (
    EnvironmentPolicy,
    Surrounding,
    counted_version,
    environment_slice,
)

CODE = CodeIdentity(
    CodeVersion("c"), distributions={"numpy": "2.4.6", "Scikit_Learn": "1.9.1"}, variables={"MODE": "h1", "GONE": None}
)
AROUND = Surrounding("3.11.7", "linux-x86_64", {"TZ": "h2"})


@pytest.mark.parametrize(
    ("version", "level", "expected"),
    [
        ("2.4.6", "exact", "2.4.6"),
        ("2.4.6", "minor", "2.4"),
        ("2.4.6", "major", "2"),
        ("2.4.6", "ignore", None),
        ("2", "minor", "2.0"),
        ("1!2.3", "minor", "2.3"),
        ("2.4.6rc1", "minor", "2.4"),
        ("unknown", "major", "unknown"),
    ],
)
def test_how_much_of_a_version_counts(version, level, expected):
    assert counted_version(version, level) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (EnvironmentPolicy(), {"numpy": "2.4.6", "Scikit_Learn": "1.9.1", "env:MODE": "h1", "env:GONE": "(unset)"}),
        (
            EnvironmentPolicy("ignore", {"scikit-learn": "minor"}),
            {"Scikit_Learn": "1.9", "env:MODE": "h1", "env:GONE": "(unset)"},
        ),
        (
            EnvironmentPolicy("ignore", python="minor", platform=True, variables=("TZ", "LANG")),
            {
                "python": "3.11", "platform": "linux-x86_64", "env:TZ": "h2", "env:LANG": "(unset)",
                "env:MODE": "h1", "env:GONE": "(unset)",
            },
        ),
    ],
    ids=["what is reached, exactly", "by package", "more, where the project asks"],
)  # fmt: skip
def test_the_slice(policy, expected):
    assert environment_slice(CODE, policy, AROUND) == expected


def test_unusual_modes_of_the_interpreter_always_count():
    around = Surrounding("3.11.7", modes={"python -O": "1"})
    assert environment_slice(CodeIdentity(CodeVersion("c")), EnvironmentPolicy("ignore"), around) == {"python -O": "1"}


@pytest.mark.parametrize(
    ("options", "expected"), [([], "{}"), (["-O"], "{'python -O': '1'}"), (["-OO"], "{'python -O': '2'}")]
)
def test_the_modes_of_an_interpreter(options, expected):
    code = "from assetctl.engine.workspace.identification import unusual_modes; print(unusual_modes())"
    done = subprocess.run([sys.executable, *options, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout.strip() == expected
