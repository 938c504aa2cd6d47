"""Damaged submissions by the thousand: whatever a file became on its way, it is graded, or refused with a sentence.

    report = run(2_000, seed=1)
    report.failures         what fell over: a seed, what was done to the notebook, and what went wrong

    python -m autograder.attacks.fuzz --count 2000 --seed 1
    python -m autograder.attacks.fuzz --only 1000037 --keep /tmp     one of them again, and its notebook to look at

Each is handed in, graded and written into the gradebook as any submission is, in one course, by one grader. Nothing of ours may
show in what a student reads; no point may be gained, nor lost where no answer was touched; the graded notebook must be valid and
have the points of the verdict, as must the gradebook; and an honest student in between must get the verdict of before.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sqlite3
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbgrader import utils

from autograder.attacks import ANSWERS, PEACE
from autograder.attacks.mutations import MUTATORS, Mutation, mutated
from autograder.attacks.place import BYSTANDERS, UNIT, UNPRINTABLE, Endless, Place, Reported, at_most
from autograder.audit.report import counted
from autograder.record import Unusable, read_record

LONGEST = 30.0
"""Seconds after which a submission counts as without end."""
NEIGHBOUR_EVERY = 50
SEEDS_APART = 1_000_000
"""The submissions of `run(count, seed)` have the seeds from seed × this on: one number is enough to repeat one of them."""
LONGEST_SENTENCE = 1_000
"""Characters of a refusal that somebody still reads."""
OURS = re.compile(r"Traceback|autograder[/.\\]\w|\b(?:Unreadable|Fault|CpuLimit|NotDefined|Endless|GradebookProblem)\b")
"""What gives away that an error of our own is shown."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Failure:
    """A submission that was neither graded nor refused as it should be."""

    seed: int
    mutators: tuple[str, ...]
    sentence: str
    """What was done to the notebook."""
    wrong: tuple[str, ...]
    """What went wrong, a sentence each."""
    smallest: tuple[str, ...] = ()
    """The mutators that are enough for it."""

    def as_text(self) -> str:
        enough = f" ({' + '.join(self.smallest)} would do)" if len(self.smallest) < len(self.mutators) else ""
        lines = [f"{self.seed}: {' + '.join(self.mutators)}{enough}", f"    {self.sentence}"]
        return "\n".join([*lines, *(f"    → {sentence}" for sentence in self.wrong)])

    def to_json(self) -> dict[str, Any]:
        return {
            "seed": self.seed, "mutators": list(self.mutators), "sentence": self.sentence, "wrong": list(self.wrong),
            "smallest": list(self.smallest),
        }  # fmt: skip


@dataclass
class Report:
    """What became of all of them."""

    seed: int
    graded: int = 0
    refused: int = 0
    harmless: int = 0
    """How many of those graded had all their answers, and had to get the same points."""
    neighbours: int = 0
    """How often an honest student was graded in between."""
    by_mutator: dict[str, Counter[str]] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    """What was said to those who were refused, with N for any number."""
    failures: list[Failure] = field(default_factory=list)
    slowest: float = 0.0
    slowest_seed: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def count(self) -> int:
        return self.graded + self.refused + sum(failure.seed >= 0 for failure in self.failures)

    @property
    def ok(self) -> bool:
        return not self.failures

    def note(self, mutation: Mutation, what: str, seconds: float) -> None:
        for name in mutation.mutators or ("nothing at all",):
            self.by_mutator.setdefault(name, Counter())[what] += 1
        if seconds > self.slowest:
            self.slowest, self.slowest_seed = seconds, mutation.seed

    def to_json(self) -> dict[str, Any]:
        from autograder import __version__

        return {
            "schema": "dlvm-fuzz/1", "engine": __version__, "seed": self.seed, "count": self.count, "graded": self.graded,
            "refused": self.refused, "harmless": self.harmless, "neighbours": self.neighbours, "seconds": round(self.seconds, 1),
            "slowest": {"seed": self.slowest_seed, "seconds": round(self.slowest, 3)}, "interrupted": self.interrupted,
            "mutators": {name: dict(counts) for name, counts in sorted(self.by_mutator.items())},
            "refusals": dict(self.refusals.most_common()),
            "failures": [failure.to_json() for failure in self.failures],
        }  # fmt: skip

    def as_text(self) -> str:
        width = max(map(len, self.by_mutator), default=0)
        whats = ("graded", "refused", "failed")
        lines = [f"{'kind of damage':<{width}}  " + "  ".join(f"{what:>7}" for what in whats)]
        for name, counts in sorted(self.by_mutator.items()):
            lines.append(f"{name:<{width}}  " + "  ".join(f"{counts[what] or '':>7}" for what in whats))
        lines += ["", *(f"{count:>6} times: {sentence}" for sentence, count in self.refusals.most_common())]
        lines += ["", *(failure.as_text() for failure in self.failures)]
        found = "nothing fell over" if self.ok else f"{len(self.failures)} fell over"
        return "\n".join([
            *lines,
            f"{counted(self.count, 'damaged submission')} (seed {self.seed}, {len(self.by_mutator)} kinds of damage) "
            f"in {self.seconds:.0f} s: {self.graded:,} graded, {self.refused:,} refused with a sentence; {found}.",
            f"Of those graded {self.harmless:,} had all their answers, and got all their points. Honest neighbours were graded "
            f"{self.neighbours} times in between. The slowest took {self.slowest:.1f} s ({self.slowest_seed}).",
        ])  # fmt: skip


# ---- a run ---------------------------------------------------------------------------------------------------------------


def run(
    count: int, seed: int = 0, progress: Progress | None = None, *, place: Place | None = None, only: int | None = None,
    keep: Path | None = None,
) -> Report:  # fmt: skip
    """Hand in `count` damaged notebooks (with `only`, the one of that seed), in a place of its own or in the one given.

    Ctrl-C ends it with what was found so far. Notebooks that fall over are kept in the folder `keep`.
    """
    report = Report(seed)
    seeds = [only] if only is not None else range(seed * SEEDS_APART, seed * SEEDS_APART + count)
    start = time.perf_counter()
    try:
        with quick_place() if place is None else nullcontext(place) as opened:
            fuzzing = Fuzzing(opened)
            for done, number in enumerate(seeds, start=1):
                failure = fuzzing.attempt(number, report)
                if failure is not None:
                    report.failures.append(failure)
                if keep is not None and (failure is not None or only is not None):
                    (keep / f"{number}.ipynb").write_bytes(fuzzing.mutation(number).data)
                if done % NEIGHBOUR_EVERY == 0 or done == len(seeds):
                    report.failures += fuzzing.neighbour(number, report)
                if progress is not None:
                    progress(str(number), done, len(seeds))
    except KeyboardInterrupt:
        report.interrupted = True
    report.seconds = time.perf_counter() - start
    return report


def quick_place() -> Place:
    """A course whose laws take no time: what is damaged are notebooks, not answers."""
    place = Place()
    place.laws = place.laws.with_name("quick.py")
    return place


class Fuzzing:
    """A place, and the honest notebooks that are damaged in it: one with every answer, and one with some."""

    def __init__(self, place: Place) -> None:
        self.place = place
        some = place._notebook({"noise": ANSWERS["noise"]}, [PEACE], [])
        self.honest = (place.solved, nbformat.writes(some).encode())
        # More points than an honest notebook's would not be seen in one that has them all: every other one has some.
        self.points = tuple(self._points(data) for data in self.honest)

    def _points(self, data: bytes) -> Reported:
        self.hand_in("honest", data)
        return self.place.grading("honest")

    def mutation(self, number: int, only: tuple[str, ...] | None = None) -> Mutation:
        return mutated(self.honest[number // len(MUTATORS) % 2], number, only)

    def attempt(self, number: int, report: Report) -> Failure | None:
        """Hand one in and grade it; if anything is wrong, find out how little damage is enough for that."""
        mutation = self.mutation(number)
        start = time.perf_counter()
        wrong, refusal = self.tried(mutation)
        what = "failed" if wrong else "refused" if refusal else "graded"
        report.note(mutation, what, time.perf_counter() - start)
        if what == "graded":
            report.graded += 1
            report.harmless += mutation.harmless
        elif what == "refused":
            report.refused += 1
            report.refusals[re.sub(r"(?<![\w-])\d+(?:[,.]\d+)*", "N", refusal)] += 1
        else:
            return Failure(number, mutation.mutators, mutation.sentence, tuple(wrong), self.smallest(mutation))
        return None

    def smallest(self, mutation: Mutation) -> tuple[str, ...]:
        """Fewest mutators that still fall over: one after another is left out where it is not needed."""
        needed = mutation.mutators
        for name in mutation.mutators:
            fewer = tuple(other for other in needed if other != name)
            if fewer and self.tried(self.mutation(mutation.seed, fewer))[0]:
                needed = fewer
        return needed

    def tried(self, mutation: Mutation) -> tuple[list[str], str]:
        """(what went wrong, the sentence with which it was refused, if it was)."""
        student = f"fuzz-{mutation.seed}"
        self.hand_in(student, mutation.data)
        honest = self.points[mutation.seed // len(MUTATORS) % 2]
        try:
            with at_most(LONGEST), warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                told = self.place.grading(student)
        except Endless as endless:
            return [str(endless)], ""
        except Exception as problem:  # that of a writer, say: grading itself never raises
            return [f"Grading it raised {type(problem).__name__}: {problem} ({where(problem)})"], ""
        verdict = json.loads(told.verdict)
        refused = all(exercise["status"] == "missing" for exercise in verdict["exercises"])
        wrong = [*self.place.achieved(told, honest), *badly_said(verdict), *self.badly_written(student, told)]
        wrong += [f"The grader warned: {one.category.__name__}: {one.message}" for one in warned]
        if mutation.harmless and told.points < honest.points:
            wrong.append(f"No answer was touched, and it got {told.points:g} instead of {honest.points:g} points.")
        shutil.rmtree(self.place.course.folder("submitted", student, UNIT).parent, ignore_errors=True)
        return wrong, verdict["problem"] if refused else ""

    def hand_in(self, student: str, data: bytes) -> None:
        folder = self.place.course.folder("submitted", student, UNIT)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{UNIT}.ipynb").write_bytes(data)

    def badly_written(self, student: str, told: Reported) -> Iterator[str]:
        """Whether what nbgrader and `dlvm replay` will read is there, valid, and says the same."""
        course = self.place.course
        path = course.folder("autograded", student, UNIT) / f"{UNIT}.ipynb"
        try:
            notebook: Any = nbformat.read(path, as_version=nbformat.NO_CONVERT)
            nbformat.validate(notebook)
            scores = [utils.determine_grade(cell)[0] for cell in notebook.cells if utils.is_grade(cell)]
            if (scored := sum(score or 0.0 for score in scores)) != told.points:
                yield f"The graded notebook says {scored:g} points, and the verdict {told.points:g}."
        except Exception as problem:
            yield f"The graded notebook cannot be read: {type(problem).__name__}: {str(problem)[:300]}"
        try:
            if read_record(course, student, UNIT) is None:
                yield "There is no record of the grade."
        except Unusable as reason:
            yield str(reason)
        with closing(sqlite3.connect(f"file:{course.root}/gradebook.db?mode=ro", uri=True)) as book:
            (recorded,) = book.execute(SCORE, (student,)).fetchone()
        if recorded != told.points:
            yield f"The gradebook has {recorded} points, and the verdict {told.points:g}."

    def neighbour(self, number: int, report: Report) -> Iterator[Failure]:
        """Grade the honest students again: nothing that came before may have changed what they get."""
        for student in BYSTANDERS:
            report.neighbours += 1
            try:
                with at_most(LONGEST):
                    verdict = self.place.grading(student).verdict
                wrong = "" if verdict == self.place.honest[student] else "The verdict is another one now."
            except Exception as problem:
                wrong = f"Grading raised {type(problem).__name__}: {problem} ({where(problem)})"
            if wrong:
                yield Failure(-1, (), f"{student}, an honest neighbour, graded after {number}.", (wrong,))


SCORE = """
select sum(auto_score) from grade
join submitted_notebook on grade.notebook_id = submitted_notebook.id
join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
where submitted_assignment.student_id = ?
"""
"""What nbgrader's database has for a student."""


def badly_said(verdict: dict[str, Any]) -> Iterator[str]:
    """What a student must not read: nothing, half a sentence, or something about us."""
    problem, exercises = verdict["problem"], verdict["exercises"]
    if problem and not (problem.endswith((".", "!", "?")) and len(problem) <= LONGEST_SENTENCE):
        yield f"What it is told is no sentence that one reads: {problem[:200]!r} ({len(problem):,} characters)"
    if found := UNPRINTABLE.search(problem):
        yield f"A terminal would obey a character of the problem, {found[0]!r}."
    said = [problem, *verdict["notes"]]
    for exercise in exercises:
        said += [exercise["message"], exercise["where"], *(law["message"] for law in exercise["laws"])]
        if exercise["status"] == "pending":
            yield f"{exercise['name']} is pending: {exercise['message']}"
        if exercise["status"] != "correct" and not (
            exercise["message"] or any(law["message"] for law in exercise["laws"])
        ):
            yield f"{exercise['name']} is {exercise['status']}, and nothing says why."
    for text in said:
        if found := OURS.search(text):
            yield f"An error of ours shows, {found[0]!r}: {text[:300]!r}"


def where(problem: BaseException) -> str:
    """The innermost line of ours that an exception passed through."""
    import traceback

    frames = [
        frame for frame in traceback.extract_tb(problem.__traceback__) if "autograder" in Path(frame.filename).parts
    ]
    ours = [frame for frame in frames if Path(frame.filename).parent.name != "attacks"] or frames
    return f"{Path(ours[-1].filename).name}, line {ours[-1].lineno}" if ours else "nowhere of ours"


# ---- the command line ----------------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    from autograder.cli import FOUND_SOMETHING, INTERRUPTED, counting, print_json

    parser = argparse.ArgumentParser(
        prog="python -m autograder.attacks.fuzz", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--count", type=int, default=2_000, metavar="N", help="how many (2000)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="others with another seed (0)")
    parser.add_argument(
        "--only", type=int, metavar="SEED", help="the one submission that a report lists under this number"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep the notebooks that fall over there (with --only, that one)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args(arguments)
    if asked.count < 1 or asked.seed < 0 or (asked.only is not None and asked.only < 0):
        parser.error("--count is at least 1, and no seed is negative.")
    if asked.keep is not None and not asked.keep.is_dir():
        parser.error(f"there is no folder {asked.keep}.")
    with counting("Fuzzing", telling=True) as advance:
        report = run(asked.count, asked.seed, advance, only=asked.only, keep=asked.keep)
    if asked.json:
        print_json(report.to_json())
    else:
        print(report.as_text())
    if report.interrupted:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    return 0 if report.ok else FOUND_SOMETHING


if __name__ == "__main__":
    sys.exit(main())
