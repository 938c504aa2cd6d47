"""docs/authors.md is followed word for word: its blocks are put where it says, its commands run, and print what it prints."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from autograder import cli
from autograder.answer import LocalTransport
from autograder.audit import audit
from autograder.exercise import Unit
from autograder.judge import check_exercise
from autograder.misconceptions import load
from autograder.session import Session
from tests.test_new import run_tests_of_the_units

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs/authors.md").read_text(encoding="utf-8")
UNIT = "counts"
STEP = re.compile(
    r"^```(?P<language>\w+)\n(?P<body>.*?)^```$|replace\s+`(?P<old>[^`]+)`\s+by\s+`(?P<new>[^`]+)`",
    re.MULTILINE | re.DOTALL,
)
PLACE = re.compile(r"# (?P<file>\w+\.\w+), (?P<where>[^\n]+)\n")
"""The first line of a block: into which file it goes, and where."""


@dataclass
class Author:
    """Somebody who does what the guide says, in a course of their own."""

    course: Path
    said: str = ""
    """What the last command printed."""
    codes: list[int] = field(default_factory=list)
    """The exit code of every command."""

    @property
    def folder(self) -> Path:
        return self.course / "solutions" / UNIT

    def follow(self, guide: str) -> None:
        for step in STEP.finditer(guide):
            if step["old"]:
                self.replace(step["old"], step["new"], file_named_near(guide, step.start()))
            elif step["language"] == "sh":
                for line in step["body"].splitlines():
                    self.run(line)
            elif step["language"] == "python":
                self.put(step["body"])
            else:
                assert step["language"] == "text"
                assert_printed(step["body"], self.said)

    def run(self, line: str) -> None:
        program, *arguments = shlex.split(line)
        assert program == "dlvm"
        with contextlib.chdir(self.course):
            done = CliRunner().invoke(cli.app, arguments)
        self.said = done.output
        self.codes.append(done.exit_code)
        assert "Traceback" not in done.output, done.output

    def put(self, block: str) -> None:
        place = PLACE.match(block)
        assert place is not None, f"no rule says where this goes:\n{block}"
        path, source = self.folder / place["file"], block[place.end() :]
        if path.suffix == ".ipynb":
            name = place["where"].removeprefix("in the cell ")
            notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
            (cell,) = [cell for cell in notebook.cells if cell.id == name]
            cell.source = source.strip("\n")
            nbformat.write(notebook, path)
        elif place["where"] == "at the end":
            path.write_text(path.read_text(encoding="utf-8") + "\n\n" + source, encoding="utf-8")
        else:
            assert place["where"] == "in the place of everything below the first docstring"
            docstring = path.read_text(encoding="utf-8").split('"""')[1]
            path.write_text(f'"""{docstring}"""\n{source}', encoding="utf-8")

    def replace(self, old: str, new: str, file: str) -> None:
        """Everywhere in a notebook; in code at the first place, the only one that is meant."""
        text = (self.folder / file).read_text(encoding="utf-8")
        assert old in text, f"{file} has no `{old}`"
        (self.folder / file).write_text(text.replace(old, new, -1 if file.endswith(".ipynb") else 1), encoding="utf-8")


def file_named_near(guide: str, position: int) -> str:
    """The file that the sentence around a position names."""
    start = max(0, *(guide.rfind(mark, 0, position) for mark in (". ", ": ", "\n\n")))
    stop = min(found for mark in (". ", ".\n") if (found := guide.find(mark, position)) > 0)
    (file,) = set(re.findall(r"`(\w+\.(?:py|ipynb))`", guide[start:stop]))
    return file


def assert_printed(shown: str, said: str) -> None:
    """All of it stands in what was printed, in this order; … stands for what is left out. Times and margins may differ in
    their digits from machine to machine, and lines are broken elsewhere."""
    place = 0
    printed = plain(said)
    for part in re.split(r"\n(?=problem: )|\n…\n", shown):
        found = printed.find(plain(part), place)
        assert found >= 0, f"the guide shows\n{plain(part)}\nand this was printed:\n{printed}"
        place = found


def plain(text: str) -> str:
    return " ".join(re.sub(r"\d+\.\d+|\d+(?= s:)", "#", text).split())


@pytest.fixture(scope="module")
def author(tmp_path_factory: pytest.TempPathFactory) -> Author:
    """One who has followed the guide to its end."""
    course = tmp_path_factory.mktemp("afternoon")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    made = Author(course)
    made.follow(GUIDE)
    return made


def test_the_guide_can_be_followed_and_prints_what_it_says(author: Author) -> None:
    """new and its audit are content; the audit with the slips is not; without them it is, and so are release and check."""
    assert author.codes == [0, 0, 1, 0, 0, 0]


def test_the_unit_at_its_end_has_no_problem_and_the_slips_are_the_only_ones(author: Author, tmp_path: Path) -> None:
    assert audit(author.folder, seeds=2).problems == []
    again = tmp_path / UNIT
    shutil.copytree(author.folder, again)
    undone = Author(tmp_path)
    (tmp_path / "solutions").mkdir()
    again.rename(undone.folder)
    undone.replace("Positive(0.05, 5)", "Positive(0.05, 20)", "laws.py")
    undone.replace('"never_negative", "agrees_with_sampling"', '"never_negative"', "misconceptions.py")
    problems = audit(undone.folder, seeds=2, mutants=False).problems
    assert len(problems) == 4  # "It ends with four problems"
    assert "It ends with four problems, of two kinds" in GUIDE


RESTYLED = """
import torch


def normalisers_forgotten(expected):
    return torch.sum(-torch.special.entr(expected), dim=1)


def arguments_swapped(expected):
    total = 0
    for one in expected.unbind(1):
        total = total - torch.log(one) + one - 1
    return total


def zeros_become_nan(expected):
    return torch.sum(expected * torch.log(expected) - expected + 1, dim=-1)
"""


def test_the_unit_at_its_end_passes_every_test_of_the_units(author: Author, tmp_path: Path) -> None:
    shutil.copytree(author.course, tmp_path / "course")
    assert run_tests_of_the_units(tmp_path / "course", {UNIT: RESTYLED}) > 30


def test_a_student_who_makes_one_of_its_mistakes_is_told_which(author: Author) -> None:
    unit = Unit.load(author.folder)
    exercise = unit.exercises["kl_poisson"]
    for entry in load(author.folder):
        session = Session(given=None)
        session.names[exercise.name] = entry.function
        verdict = check_exercise(exercise, LocalTransport(session), seed=3)
        told = verdict.diagnosis.name if verdict.diagnosis else None
        assert told == (None if entry.right else entry.name)


def test_nothing_of_the_template_is_left_in_what_students_get(author: Author) -> None:
    for name in ("laws.py", f"{UNIT}.ipynb"):
        assert "bernoulli_entropy" not in (author.course / "exercises" / UNIT / name).read_text(encoding="utf-8")


def test_every_kind_of_problem_has_a_row_in_the_guide() -> None:
    """The sentences of the audit, by words of theirs that stand in the guide's table."""
    source = (ROOT / "autograder/audit/findings.py").read_text(encoding="utf-8")
    rows = GUIDE.split("| the audit says that |")[1].split("\n\n")[0]
    known = {
        "is broken by a right answer": "broken by a right answer",
        "of its tolerance, above": "holds at above 0.1",
        "by a margin of": "by a margin below 10 only",
        "in caught_by, which caught it": "in `caught_by` caught it never, or sometimes",
        "catches no misconception": "catches no misconception",
        "more than half": "earns more than half",
        "Make the decisive law see it": "a trivial answer earns points",
        "ended undecided": "ended undecided",
        "is blind at": "is blind at",
        "of the solution break": "mutants break no law",
        "draws from torch's own generator": "draws from torch's own generator",
    }
    for sentence, row in known.items():
        assert sentence in source
        assert row in rows


# ---- following it is no matter of course ---------------------------------------------------------------------------------


def test_a_block_without_a_place_and_a_replacement_of_nothing_would_be_noticed(author: Author) -> None:
    for wrong in ("```python\nx = 1\n```\n", "```python\n# laws.py, somewhere\nx = 1\n```\n",
                  "In `laws.py` replace `nobody wrote this` by `that`. "):  # fmt: skip
        with pytest.raises(AssertionError):
            author.follow(wrong)


def test_a_print_that_did_not_happen_would_be_noticed() -> None:
    said = "a table\nproblem: f: it is at 0.17 of\nits limit.\nproblem: f: g is idle.\n"
    assert_printed("problem: f: it is at 0.3 of its limit.\nproblem: f: g is idle.\n", said)
    for wrong in (
        "problem: f: h is idle.",
        "problem: f: g is idle.\nproblem: f: it is at 0.17 of its limit.",
        "a  tables",
    ):
        with pytest.raises(AssertionError, match="the guide shows"):
            assert_printed(wrong, said)
