"""Every command in the pages is run as it stands there, in a copy of the course, in the order of the page.

What cannot be run within a test (`make demo`, `make test`) is held against the Makefile. A command that no rule here knows
makes the test fail, and so does a link to a file that is not there.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from nbgrader.apps import NbGraderApp
from typer.testing import CliRunner

from autograder import cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    "README.md",
    "syllabus.md",
    "CHANGELOG.md",
    *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")),
]
SHELL = {"sh", "shell", "bash", "console"}
OTHER = {"text", "python", "json", "toml"}
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^(?: {4}|\t)(.*)$", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
UNIT = "kl_divergence"
NBGRADER = {str(name) for name in NbGraderApp.subcommands}  # pyright: ignore

# 1 is what an honest `check` of an untouched notebook says, and `collect` where an archive holds more than submissions.
EXPECTED = {("dlvm", "check"): {0, 1}}

# An edit of the engine makes every record stale until the next audit over 200 seeds, which takes an hour: it ends with 1 then.
ENGINE_ALONE = "dlvm audit --check docs/audit"

# tests/attacks/ tries every attack; here it is enough that the command works as it is shown.
SHORTENED = {"dlvm attack": "dlvm attack network"}


@dataclass(frozen=True)
class Block:
    language: str
    lines: tuple[str, ...]


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    return [Block(language, tuple(body.splitlines())) for language, body in FENCE.findall(text)]


def sections(page: str) -> list[tuple[str, str]]:
    """(page, heading) of every part that has commands: each is tried from a fresh copy of the course."""
    headings = ["", *re.findall(r"^## (.*)$", text_of(page), re.MULTILINE)]
    return [(page, heading) for heading in headings if commands(page, heading)]


def section(page: str, heading: str | None) -> str:
    parts = re.split(r"^## (.*)$", text_of(page), flags=re.MULTILINE)
    named = {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}
    return text_of(page) if heading is None else named[heading]


def commands(page: str, heading: str | None = None) -> list[str]:
    """The commands of a page, or of one of its sections, in order; continued lines joined, without prompts and comments."""
    found = []
    for block in blocks(section(page, heading)):
        if block.language in SHELL:
            joined = "\n".join(block.lines).replace("\\\n", " ")
            found += [line.strip().removeprefix("$ ") for line in joined.splitlines() if line.strip()]
    return [line for line in found if not line.startswith("#")]


# ---- how a command is tried ----------------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of the course, with an archive of submissions as a learning platform gives it."""
    copy = tmp_path / "course"
    copy.mkdir()
    for name in ("solutions", "exercises"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "docs" / "audit", copy / "docs" / "audit")
    for name in ("nbgrader_config.py", "Makefile", "pyproject.toml", "LICENSE", "LICENSE-text"):
        shutil.copy(ROOT / name, copy)
    with zipfile.ZipFile(copy / "submissions.zip", "w") as archive:
        for name in (
            f"{UNIT}_student-01_attempt_2026-11-12-11-31-00_{UNIT}.ipynb",
            f"Student Two_102_assignsubmission_file_/{UNIT}.ipynb",
        ):
            archive.write(ROOT / f"exercises/{UNIT}/{UNIT}.ipynb", name)
    return copy


def run(arguments: list[str], folder: Path) -> tuple[int, str]:
    """The exit code and all that was printed. `dlvm` runs in this process, which has torch loaded already."""
    if arguments[0] == "dlvm":
        with contextlib.chdir(folder):
            ran = CliRunner().invoke(cli.app, arguments[1:])
        return ran.exit_code, ran.output
    binaries = Path(sys.executable).parent
    path = f"{binaries}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))


def try_command(line: str, folder: Path) -> None:
    arguments = shlex.split(SHORTENED.get(line, line), comments=True)
    program = arguments[0]
    if program == "make":
        assert set(arguments[1:]) <= targets(), f"{line}: the Makefile has {sorted(targets())}"
        expected, (code, said) = {0}, run(["make", "--dry-run", *arguments[1:]], ROOT)
    elif program == "python":  # minutes of work, so its help must do
        script = 3 if arguments[1] == "-m" else 2
        expected, (code, said) = {0}, run([sys.executable, *arguments[1:script], "--help"], ROOT)
        assert {word for word in arguments[script:] if word.startswith("--")} <= set(re.findall(r"--[a-z-]+", said)), (
            line
        )
    elif program in ("dlvm", "nbgrader"):
        assert program == "dlvm" or arguments[1] in NBGRADER, f"nbgrader has no command {arguments[1]}"
        expected, (code, said) = EXPECTED.get((program, arguments[1]), {0}), run(arguments, folder)
    else:
        pytest.fail(f"no rule here knows how to try `{line}`: give it one, or show the command in prose")
    if line == ENGINE_ALONE:
        stale = [told for told in said.splitlines() if "Run `make audit`" in told]
        # A unit that the syllabus calls written has no record yet, which a test below holds against the syllabus.
        assert all("the engine has changed" in told or "has no record" in told for told in stale), said
        expected = {1} if stale else {0}
    assert code in expected, f"`{line}` ended with {code}:\n{said[-3000:]}"
    assert "Traceback" not in said, f"`{line}` said:\n{said[-3000:]}"


@pytest.mark.parametrize(("page", "heading"), [part for page in PAGES for part in sections(page)])
def test_every_command_of_the_page_runs(page: str, heading: str, course: Path) -> None:
    for line in commands(page, heading):
        try_command(line, course)


@pytest.mark.parametrize(
    "line", [
        "dlvm frobnicate", "make coffee", "curl example.invalid", "dlvm list --frob", "nbgrader brew",
        "python tools/no_such.py", "python -m autograder.attacks.fuzz --frob",
    ],
)  # fmt: skip
def test_an_unknown_command_would_be_noticed(line: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        try_command(line, tmp_path)


@pytest.mark.parametrize("page", PAGES)
def test_no_command_hides_where_it_would_not_be_run(page: str) -> None:
    for block in blocks(text_of(page)):
        assert block.language in SHELL | OTHER, (
            f"{page}: say what ```{block.language} is: one of {sorted(SHELL | OTHER)}"
        )
    hidden = [line for block in blocks(text_of(page)) if block.language in OTHER for line in block.lines]
    hidden += INDENTED.findall(FENCE.sub("", text_of(page)))
    programs = ("dlvm ", "make ", "nbgrader ", "pip ", "python ", "$ ")
    assert not [line for line in hidden if line.strip().startswith(programs)]


# ---- what prose says -----------------------------------------------------------------------------------------------------


def mentions(page: str) -> Iterator[str]:
    """Commands named within a sentence, in backticks."""
    for code in INLINE.findall(FENCE.sub("", text_of(page))):
        if code.split()[0] in ("dlvm", "make") and len(code.split()) > 1:
            yield code


@pytest.mark.parametrize("page", PAGES)
def test_commands_named_in_prose_exist_with_their_options(page: str) -> None:
    for mention in mentions(page):
        program, name, *rest = shlex.split(mention)
        if program == "make":
            assert name in targets(), f"{page} names `{mention}`; the Makefile has {sorted(targets())}"
            continue
        shown = CliRunner().invoke(cli.app, [name, "--help"], env={"COLUMNS": "200"})
        assert shown.exit_code == 0, f"{page} names `{mention}`; there is no such command"
        for option in (word.split("=")[0] for word in rest if word.startswith("--")):
            assert re.search(rf"{option}\b", shown.stdout), f"{page} names `{mention}`; {name} has no {option}"


@pytest.mark.parametrize("page", PAGES)
def test_links_within_the_repository_lead_somewhere(page: str) -> None:
    for target in LINK.findall(FENCE.sub("", text_of(page))):
        if "://" not in target:
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}"


def test_the_readme_and_the_help_name_the_same_exit_codes() -> None:
    table = set(re.findall(r"^\| (\d+) \|", text_of("README.md"), re.MULTILINE))
    assert table == set(re.findall(r"^- (\d+):", cli.EXIT_CODES, re.MULTILINE))


def test_the_syllabus_calls_written_what_there_is_and_complete_what_was_audited() -> None:
    rows = re.findall(r"^\| \d+ \| `(\w+)` \|.*\| (.+?) \|$", text_of("syllabus.md"), re.MULTILINE)
    complete = {slug for slug, state in rows if state == "**complete**"}
    written = {slug for slug, state in rows if state == "written"}
    assert complete | written == {folder.parent.name for folder in (ROOT / "solutions").glob("*/laws.py")}
    assert complete == {record.stem for record in (ROOT / "docs" / "audit").glob("*.json")}


HOURS = {2: "two", 3: "three", 3.5: "three and a half", 4: "four", 4.5: "four and a half", 5: "five"}


@pytest.mark.parametrize("slug", sorted(folder.parent.name for folder in (ROOT / "solutions").glob("*/laws.py")))
def test_the_syllabus_lists_the_exercises_of_each_complete_unit(slug: str) -> None:
    from autograder.exercise import Unit

    unit = Unit.load(ROOT / "solutions" / slug)
    _, _, section = text_of("syllabus.md").partition(f": `{slug}`\n")
    section = section.partition("\n## ")[0]
    assert re.findall(r"^\| (?:\d+|\*)? ?\| `(\w+)` \| [^|]+ \|$", section, re.MULTILINE) == list(unit.exercises)
    assert f"About {HOURS[round(unit.minutes / 30) / 2]} hours." in section
    assert unit.minutes <= 300


def test_the_readmes_example_is_what_a_student_reads() -> None:
    from autograder.answer import LocalTransport
    from autograder.exercise import Unit
    from autograder.judge import check_exercise
    from autograder.session import Session

    shown = {block.language: "\n".join(block.lines) for block in reversed(blocks(text_of("README.md")))}
    answer, verdict = shown["python"], shown["text"]
    session = Session(given=None)
    session.handle({"op": "load", "unit": UNIT, "cells": [{"index": 1, "source": answer, "locked": False}]})
    exercise = Unit.load(ROOT / "solutions" / UNIT).exercises["fit_forward"]
    assert check_exercise(exercise, LocalTransport(session)).as_text() == verdict


def test_the_readme_states_what_the_audits_on_record_found() -> None:
    from autograder.audit.record import as_markdown

    folders = sorted(path.parent for path in (ROOT / "solutions").glob("*/laws.py"))
    assert as_markdown(folders, ROOT / "docs" / "audit") in text_of("README.md")


def test_the_readme_names_every_make_target_that_people_use() -> None:
    named = {word for line in commands("README.md") if line.startswith("make ") for word in line.split()[1:]}
    assert targets() - named <= {"clean", "notebook"}
