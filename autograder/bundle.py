"""What an instructor hands to students, and all that students install: exercises, `autograder` and `lab`.

The bundle is a folder of its own: it needs neither this repository nor nbgrader, and works on Linux, macOS and Windows.
What goes in is named, so that solutions, misconceptions, the seed and the gradebook cannot slip in.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path

from autograder.course import IGNORED, NEVER_RELEASED, Course
from autograder.exercise import Unit
from autograder.release import generated

PACKAGES = ("autograder", "lab")
LEFT_OUT = ("attacks",)
"""Parts of these that only an instructor has a use for."""


class BundleFailed(Exception):
    """The bundle was not made; the message says why, and nothing was changed."""


def bundle(course: Course, out: Path | str) -> Path:
    """Make the bundle of all units in the folder `out`, replacing an earlier bundle there. Returns the folder."""
    out = Path(out).absolute()
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not _is_bundle(out))):
        raise BundleFailed(f"{out} is not an empty folder nor an earlier bundle: name a new one with --out.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=out.parent) as temporary:
        fresh = Path(temporary) / "bundle"
        fresh.mkdir()
        _fill(fresh, course)
        if found := sorted(leaks(fresh, course)):
            raise BundleFailed("These must not reach students:\n" + "\n".join(found))
        if out.exists():
            shutil.rmtree(out)
        fresh.rename(out)
    return out


def _fill(fresh: Path, course: Course) -> None:
    leave_out = shutil.ignore_patterns(*IGNORED)
    for package in PACKAGES:
        shutil.copytree(_package(package), fresh / package, ignore=shutil.ignore_patterns(*IGNORED, *LEFT_OUT))
    rows = []
    for slug in course.units():
        with generated(course, slug) as released:
            shutil.copytree(released, fresh / "exercises" / slug, ignore=leave_out)
        unit = Unit.load(course.source(slug))
        rows.append(
            f"| {unit.title} | `exercises/{slug}/{slug}.ipynb` | {unit.minutes / 60:.1f} hours | {unit.points:g} |"
        )
    for licence in ("LICENSE", "LICENSE-text"):
        for place in (course.root, _package("autograder").parent):
            if (place / licence).is_file():
                shutil.copyfile(place / licence, fresh / licence)
                break
    project = _project()
    (fresh / "pyproject.toml").write_text(_pyproject(project), encoding="utf-8")
    (fresh / "README.md").write_text(
        README.format(rows="\n".join(rows), python=_in_words(str(project["python"]))), encoding="utf-8"
    )


def leaks(folder: Path, course: Course) -> Iterator[str]:
    """Everything in a bundle that would give answers or grades away, a sentence each."""
    forbidden = {*NEVER_RELEASED, "solutions", "reference", "submitted", "autograded", "feedback.html", "tests"}
    seed = course.seed_file.read_bytes().strip() if course.seed_file.is_file() else None
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.name in forbidden or path.name.startswith(("course_seed", "gradebook.db")):
            if not name.startswith("autograder/"):  # the engine's own modules have names of their own
                yield f"{name}: a file of this name holds answers or grades"
        if path.is_file():
            data = path.read_bytes()
            if seed and seed in data:
                yield f"{name}: has the course's seed in it"
            if name.startswith("exercises/") and re.search(rb"(BEGIN|END) (SOLUTION|HIDDEN TESTS)", data):
                yield f"{name}: has a solution's marks in it"


def _is_bundle(folder: Path) -> bool:
    project = folder / "pyproject.toml"
    return project.is_file() and MARK in project.read_text(encoding="utf-8", errors="replace")


def _package(name: str) -> Path:
    """The folder of one of our packages, wherever it is installed."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise BundleFailed(f"The package {name} is not installed here: run this from the course's own environment.")
    return Path(next(iter(spec.submodule_search_locations)))


def _project() -> dict[str, str | list[str]]:
    """Version, Python range and what students need: from the repository's pyproject.toml, or the installed package."""
    file = _package("autograder").parent / "pyproject.toml"
    if file.is_file() and (project := tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})):
        if project.get("name") == "dlvm-course":
            found = {"version": project["version"], "python": project["requires-python"]}
            return {**found, "dependencies": project["dependencies"]}
    try:
        installed = metadata("dlvm-course")
    except PackageNotFoundError:
        raise BundleFailed("dlvm-course is not installed here, so what students need is not known.") from None
    needed = [need for need in requires("dlvm-course") or [] if "extra ==" not in need]
    return {"version": installed["Version"], "python": installed["Requires-Python"], "dependencies": needed}


def _pyproject(project: dict[str, str | list[str]]) -> str:
    needed = "\n".join(f"    {_quoted(str(need))}," for need in project["dependencies"])
    return PYPROJECT.format(mark=MARK, version=project["version"], python=project["python"], needed=needed)


def _in_words(versions: str) -> str:
    """>=3.11 → 3.11 or newer; any other range as it is written."""
    return f"{versions[2:]} or newer" if re.fullmatch(r">=[\d.]+", versions) else versions


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'


MARK = "# Made by `dlvm bundle`: changes are lost when it is made again."

PYPROJECT = """\
{mark}
[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "dlvm-course"
version = "{version}"
description = "Deep latent-variable models: exercises that check themselves"
readme = "README.md"
requires-python = "{python}"
license = "MIT"
dependencies = [
{needed}
]

[project.scripts]
dlvm = "autograder.cli:main"

[tool.hatch.build.targets.wheel]
packages = ["autograder", "lab"]
"""

README = """\
# Deep latent-variable models: exercises

| unit | notebook | takes about | points |
| --- | --- | --- | --- |
{rows}

## Once: install

You need Python {python}. In this folder, in a terminal:

Linux and macOS

    python3 -m venv .venv
    .venv/bin/python -m pip install .
    .venv/bin/jupyter lab exercises

Windows

    py -m venv .venv
    .venv\\Scripts\\python -m pip install .
    .venv\\Scripts\\jupyter lab exercises

This downloads PyTorch (several hundred megabytes; on Linux the build for NVIDIA cards is larger). If you have it in an
environment already, use that one: `python -m pip install .`

## Every week

Open the unit's notebook and fill in the functions. The cell below each one checks it:

    check("kl_gaussian")

It says which laws your function obeys. For one that it breaks you get the smallest input on which it does, as code to
paste into a cell. Check as often as you like.

Before you hand in, check the notebook from a clean start (what is only in a running kernel does not count):

    dlvm check exercises/kl_divergence/kl_divergence.ipynb

and `dlvm list` says what there is to do. (Commands are in `.venv/bin`, on Windows in `.venv\\Scripts`.)

## Hand in

Hand in the notebook alone, under the name it has. Keep its cells: you may add as many as you like, but the marked ones
are where your answers are looked for. Your answers must come from definitions, imports and assignments; loops and plots
at the top level of a cell are not run when you are graded.
"""
