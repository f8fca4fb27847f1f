"""constraints.txt names everything that is installed, and nothing else is."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from importlib.metadata import Distribution, distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conftest import ROOT

LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = [Requirement(line) for line in LINES if not line.startswith("#")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
#: A GPU build of torch brings these, pinned by itself; the lock leaves them out.
_OF_GPU_BUILDS = ("nvidia-", "cuda-", "triton")

is_newest = os.environ.get("KB_TEST_ENVIRONMENT") == "newest"


def pins_here() -> dict[str, Requirement]:
    """Canonical name to the pin that holds for this Python and platform."""
    held = (pin for pin in PINS if pin.marker is None or pin.marker.evaluate())
    return {canonicalize_name(pin.name): pin for pin in held}


def unlocked(installed: list[Distribution]) -> list[str]:
    """What is installed and not named by the lock, or at another version."""
    pins = pins_here() | {"postmortem-kb": Requirement("postmortem-kb")}
    found = sorted((canonicalize_name(each.metadata["Name"]), each.version) for each in installed)
    return [
        f"{name} {its_version}"
        for name, its_version in found
        if not name.startswith(_OF_GPU_BUILDS)
        and not (name in pins and pins[name].specifier.contains(its_version, prereleases=True))
    ]


@pytest.mark.skipif(is_newest, reason="run with --newest: without the lock")
def test_nothing_is_installed_that_the_lock_does_not_name() -> None:
    wrong = unlocked(list(distributions(path=[_packages()])))
    assert not wrong, "remove .venv-test and run 'scripts/setup test', or renew scripts/lock"


def _packages() -> str:
    """Where the packages of this environment lie, whatever else the path holds."""
    return next(p for p in sys.path if Path(p).is_relative_to(sys.prefix) and "site-packages" in p)


def test_what_the_lock_does_not_name_is_found(tmp_path: Path) -> None:
    for name, its_version in (("click", "0.1"), ("left-behind", "1"), ("torch", "2.13.0+cpu")):
        folder = tmp_path / f"{name}-{its_version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Name: {name}\nVersion: {its_version}\n", encoding="utf-8"
        )
    assert unlocked(list(distributions(path=[str(tmp_path)]))) == ["click 0.1", "left-behind 1"]


def wanted() -> list[Requirement]:
    """What pyproject.toml asks for: base, every extra, build backend."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    texts = [
        *PROJECT["build-system"]["requires"],
        *PROJECT["project"]["dependencies"],
        *(text for extra in extras for text in extra),
    ]
    return [Requirement(text) for text in texts if not text.startswith("postmortem-kb[")]


def test_every_extra_is_installed_so_that_no_test_is_skipped_for_want_of_one() -> None:
    for each in wanted():
        assert each.specifier.contains(version(each.name), prereleases=True), each


def test_every_requirement_of_the_project_is_pinned_within_its_range() -> None:
    for each in wanted():
        pins = [pin for pin in PINS if canonicalize_name(pin.name) == canonicalize_name(each.name)]
        assert pins, f"{each} is not in constraints.txt; run scripts/lock"
        for pin in pins:
            (pinned,) = [one.version for one in pin.specifier]
            assert each.specifier.contains(pinned), f"{pin} is not {each}; run scripts/lock"


def test_the_lock_is_versions_and_nothing_else() -> None:
    assert len(PINS) > 100
    for pin in PINS:
        assert re.fullmatch(r"==[^*,]+", str(pin.specifier)), pin
        assert not pin.url
        assert not pin.extras
    assert "://" not in "".join(LINES)


def test_torch_stands_still_and_brings_nothing_of_a_gpu_build() -> None:
    names = {str(canonicalize_name(pin.name)): str(pin.specifier) for pin in PINS}
    assert names["torch"] == "==2.13.0"
    assert not [name for name in names if name.startswith(_OF_GPU_BUILDS)]


def test_installer_and_build_backend_are_pinned() -> None:
    assert {"pip", "setuptools", "wheel", "build"} <= pins_here().keys()
