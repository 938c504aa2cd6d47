"""Measure what the README states, as ratios of one run: `make bench`, or `python tools/bench.py [NAME…]`.

    checks   all right answers of a unit against one `import torch`; a broken law against its limit of 2 s
    grading  30 right submissions, by `dlvm grade` and by `nbgrader autograde` with its own kernel
    walls    what isolation adds to one submission: the same notebook judged in this process, in another, behind the walls
    training an epoch of a VAE, loading and computing apart, against the bare matrix products, Pyro, and a DataLoader

Times on a shared machine vary; two things timed in the same run vary together, so their ratio is what is quoted.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
UNIT = "kl_divergence"
CLASS = 30
PAIRS = 30


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def checks() -> dict[str, float]:
    """Judge the unit's solution in this process, and time `import torch` in fresh ones around it."""
    import_torch = [
        seconds(lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True)) for _ in range(3)
    ]

    import torch

    torch.set_num_threads(1)
    import nbformat

    from autograder.answer import LocalTransport
    from autograder.demo.roster import by_exercise, solved_from
    from autograder.exercise import Unit
    from autograder.judge import check_exercise, judge_submission
    from autograder.misconceptions import load
    from autograder.notebook import cells_to_load
    from autograder.session import Session

    folder = ROOT / "solutions" / UNIT
    unit = Unit.load(folder)
    session = Session(given=unit.given)
    solved = solved_from(nbformat.read(folder / f"{UNIT}.ipynb", as_version=4))
    session.handle({"op": "load", "cells": cells_to_load(solved)})
    all_right = [seconds(lambda: judge_submission(unit, LocalTransport(session))) for _ in range(3)]
    broken = {}
    for name, entries in by_exercise(entry for entry in load(folder) if not entry.right).items():
        for entry in entries:
            wrong = Session(given=unit.given)
            wrong.names[name] = entry.function
            broken[entry.name] = seconds(lambda n=name, s=wrong: check_exercise(unit.exercises[n], LocalTransport(s)))
    import_torch += [
        seconds(lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True)) for _ in range(3)
    ]
    slowest = max(broken, key=lambda name: broken[name])
    result = {
        "import torch, s": median(import_torch),
        "all right answers, s": median(all_right),
        "all right answers / import torch": median(all_right) / median(import_torch),
        "broken laws timed": len(broken),
        "median broken exercise with shrinking, s": median(broken.values()),
        "slowest broken exercise with shrinking, s": broken[slowest],
    }
    print(
        f"All right answers of {UNIT}: {result['all right answers / import torch']:.2f} of the time of `import torch`"
    )
    print(f"  ({result['all right answers, s']:.2f} s, {result['import torch, s']:.2f} s)")
    print(f"A broken exercise, shrinking included: median {result['median broken exercise with shrinking, s']:.2f} s,")
    print(f"  slowest of {len(broken)} misconceptions {broken[slowest]:.2f} s ({slowest}); limit 2 s")
    return result


def grading() -> dict[str, float]:
    """A class of right submissions twice, nothing cached: a fresh process each, gradebook and autograded/ included."""
    import nbformat

    from autograder.demo import make_course
    from autograder.demo.roster import solved_from
    from autograder.demo.troublemakers import as_bytes

    with tempfile.TemporaryDirectory() as scratch:
        times = {}
        for grader in ("dlvm", "nbgrader"):
            course = Path(scratch) / grader
            make_course(ROOT, course)
            solved = as_bytes(solved_from(nbformat.read(course / "solutions" / UNIT / f"{UNIT}.ipynb", as_version=4)))
            for number in range(1, CLASS + 1):
                folder = course / "submitted" / f"student-{number:02d}" / UNIT
                folder.mkdir(parents=True)
                (folder / f"{UNIT}.ipynb").write_bytes(solved)
            run([sys.executable, "-m", "autograder.cli", "release", "--course", str(course)], ROOT)
            if grader == "dlvm":
                command = [sys.executable, "-m", "autograder.cli", "grade", UNIT, "--course", str(course)]
                times[grader] = seconds(lambda c=command: run(c, ROOT))
            else:
                plain = course / "nbgrader_config.py"
                plain.write_text(PLAIN_NBGRADER)
                command = [sys.executable, "-m", "nbgrader", "autograde", UNIT]
                times[grader] = seconds(lambda c=command, d=course: run(c, d))
            full_marks(course)
            shutil.rmtree(course)
    ratio = times["nbgrader"] / times["dlvm"]
    print(
        f"{CLASS} right submissions of {UNIT}: dlvm grade {times['dlvm']:.1f} s, nbgrader autograde {times['nbgrader']:.1f} s"
    )
    print(f"  nbgrader / dlvm = {ratio:.1f} (target: at least 10)")
    return {"dlvm grade, s": times["dlvm"], "nbgrader autograde, s": times["nbgrader"], "nbgrader / dlvm": ratio}


def walls() -> dict[str, float]:
    """Judge one right submission in three ways, in turn: in this very process; in a forked process of its own, where every call
    crosses a socket; and behind the walls, in a session of its own (forked, closed in, loaded, asked, ended). The differences
    within one round are what a process of its own costs, and what the walls around it add to that."""
    import nbformat
    import torch

    from autograder.answer import LocalTransport
    from autograder.cohort import grade_notebook
    from autograder.demo.roster import solved_from
    from autograder.exercise import Unit
    from autograder.sandbox import open_sandbox
    from autograder.sandbox.base import Sandbox
    from autograder.sandbox.limits import Limits
    from autograder.sandbox.wire import SocketChannel
    from autograder.sandbox.worker import serve
    from autograder.session import Session

    torch.set_num_threads(1)
    folder = ROOT / "solutions" / UNIT
    unit = Unit.load(folder)
    solved = solved_from(nbformat.read(folder / f"{UNIT}.ipynb", as_version=4))
    call_seconds = Limits().call_seconds

    def submission() -> Session:
        return Session(given=unit.given, call_seconds=call_seconds)

    class Unprotected(LocalTransport):
        def close(self) -> None: ...

    class SameProcess(Sandbox):
        kind, limits = "none", Limits()

        def session(self, limits: Limits | None = None) -> Unprotected:
            return Unprotected(submission())

        def close(self) -> None: ...

    class Forked:
        """A transport to a process of its own without any wall: what the walls are compared with."""

        def __init__(self) -> None:
            ours, theirs = socket.socketpair()
            self.pid = os.fork()
            if not self.pid:
                ours.close()
                try:
                    serve(SocketChannel(theirs), submission())
                finally:
                    os._exit(0)
            theirs.close()
            self.channel = SocketChannel(ours)
            self.channel.receive()

        def request(self, request: dict[str, object]) -> dict[str, object]:
            self.channel.send(request)
            return self.channel.receive()

        def close(self) -> None:
            self.channel.close()
            os.waitpid(self.pid, 0)

    class OwnProcess(SameProcess):
        def session(self, limits: Limits | None = None) -> Forked:  # type: ignore[override]
            return Forked()

    def judged(sandbox: Sandbox) -> float:
        def grade() -> None:
            verdict = grade_notebook(solved, unit, sandbox, seed=0, student="anyone", release=None)
            if verdict.points != verdict.max_points:
                raise SystemExit(f"expected full marks, got {verdict.points} of {verdict.max_points}")

        return seconds(grade)

    with open_sandbox(unit.given) as walled:
        ways = (SameProcess(), OwnProcess(), walled)
        for way in ways:  # once for all that happens only once
            judged(way)
        rounds = [[judged(way) for way in ways] for _ in range(PAIRS)]
        session = median(seconds(lambda: walled.session().close()) for _ in range(PAIRS))
    same, own, behind = (median(column) for column in zip(*rounds, strict=True))
    process = median(times[1] - times[0] for times in rounds)
    wall = median(times[2] - times[1] for times in rounds)
    print(
        f"One right submission of {UNIT}, medians of {PAIRS} rounds: {1e3 * same:.0f} ms in the process that decides,"
    )
    print(f"  {1e3 * own:.0f} ms in a process of its own (adds {1e3 * process:.0f}: every call crosses a socket),")
    print(
        f"  {1e3 * behind:.0f} ms behind the walls (adds {1e3 * wall:.0f}; a session takes {1e3 * session:.0f} to open and end)"
    )
    return {
        "in the process that decides, s": same,
        "in a process of its own, s": own,
        "behind the walls, s": behind,
        "a process of its own adds, s": process,
        "the walls add, s": wall,
        "a session opened and ended, s": session,
    }


PLAIN_NBGRADER = """
c = get_config()
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.ignore = ["misconceptions.py", "questions.py", "__pycache__", ".ipynb_checkpoints"]
"""


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")


def full_marks(course: Path) -> None:
    """A race counts only if both arrive: every submission must have got every point of the machine-graded cells."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        submissions = gradebook.assignment_submissions(UNIT)
        scores = {(s.notebooks[0].code_score, s.notebooks[0].max_code_score) for s in submissions}
    if len(submissions) != CLASS or any(score != best for score, best in scores):
        raise SystemExit(f"expected {CLASS} submissions with full marks, got {len(submissions)} with {scores}")


def training() -> dict[str, float]:
    """Train a VAE; in a process of its own, since it wants all cores and the others want one."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "bench_training.py")], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    if done.returncode:
        raise SystemExit(done.returncode)
    *text, found = done.stdout.rstrip("\n").split("\n")
    print("\n".join(text))
    return json.loads(found)


BENCHES = {"checks": checks, "grading": grading, "walls": walls, "training": training}


def main() -> None:
    chosen = sys.argv[1:] or list(BENCHES)
    unknown = set(chosen) - set(BENCHES) - {"--json"}
    if unknown:
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; expected {', '.join(BENCHES)}")
    results = {name: BENCHES[name]() for name in chosen if name in BENCHES}
    if "--json" in chosen:
        print(json.dumps(results or {name: bench() for name, bench in BENCHES.items()}))


if __name__ == "__main__":
    main()
