"""The same attacks against plain `nbgrader autograde`, which runs tests in the student's own kernel: how many succeed.

    python tools/attack_nbgrader.py [ATTACK…] [--jobs N] [--record docs/attacks.json]

Every attack gets a course, a machine and a network of its own: bubblewrap with temporary folders, no way out, and an ordinary
user with limits, since most of what is tried here succeeds. The unit, the secrets, the tripwires and the benign twin are those
of `dlvm attack`; the tests are assertions in locked cells, with hidden ones among them, as nbgrader's documentation has them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from autograder.attacks import FAMILIES, Attack, chosen
from autograder.attacks.pages import active
from autograder.attacks.place import LONGEST, UNIT, Outcome, Place, Reported, seen_in
from autograder.sandbox import find_bwrap

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 150
"""How long nbgrader may take for the three submissions of one attack; an ordinary one takes a few."""
STARTED = "started"

CONFIG = """
c = get_config()
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.ignore = ["misconceptions.py", "questions.py", "__pycache__", ".ipynb_checkpoints"]
"""

TESTS = {
    "square_sum": (
        "for d in (1, 3):\n"
        "    x = torch.randn(50, d, dtype=torch.float64, requires_grad=True)\n"
        "    got = square_sum(x)\n"
        "    assert got.shape == (50,)\n"
        "    assert torch.allclose(got, torch.einsum('nd,nd->n', x, x))\n"
        "    (slope,) = torch.autograd.grad(got.sum(), x)\n"
        "    assert torch.allclose(slope, 2 * x)\n"
    ),
    "Codec": (
        "codec = Codec()\n"
        "t, u = torch.randn(2, 20, dtype=torch.float64)\n"
        "x = t[:, None] * torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64)\n"
        "code = codec.encode(x)\n"
        "codec.encode(2 * x)\n"
        "assert torch.allclose(code, t)\n"
        "assert torch.allclose(codec.decode(code), x)\n"
        "assert torch.allclose(Codec().encode(codec.decode(u)), u)\n"
    ),
    "noise": (
        "z, again = noise(20_000), noise(20_000)\n"
        "assert z.shape == (20_000,)\n"
        "assert abs(z.mean()) < 0.05 and abs(z.var() - 1) < 0.1\n"
        "assert abs((z * again).mean()) < 0.05\n"
    ),
}


class Kernel(Place):
    """The place, graded by nbgrader as it comes."""

    @contextmanager
    def _grading(self) -> Iterator[Any]:
        (self.course.root / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
        self.pages: dict[str, Counter[str]] = {}
        yield self._grade_alone

    def source(self) -> Any:
        notebook = super().source()
        for cell in notebook.cells:
            name = cell.metadata.nbgrader.grade_id.removeprefix("check_")
            if cell.metadata.nbgrader.grade and name in TESTS:
                cell.source = TESTS[name]
        return notebook

    def _grade_alone(self, student: str) -> Reported:
        self._nbgrader("autograde", UNIT, "--student", student, "--force")
        return self._told(student)

    def _nbgrader(self, *arguments: str) -> str:
        """Run it; returns why it did not end well."""
        try:
            done = subprocess.run(
                [sys.executable, "-m", "nbgrader", *arguments], cwd=self.course.root, capture_output=True, text=True,
                timeout=SECONDS, errors="replace",
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"Grading it did not end within {SECONDS} s."
        return "" if done.returncode == 0 else done.stderr[-2000:]

    def _told(self, student: str) -> Reported:
        """The points in the gradebook, and everything that the graded notebook shows."""
        from nbgrader.api import Gradebook, MissingEntry

        with Gradebook(f"sqlite:///{self.course.root}/gradebook.db") as book:
            try:
                submission = book.find_submission(UNIT, student)
                points, wants = submission.score, submission.needs_manual_grade
            except MissingEntry:
                points, wants = 0.0, True
        path = self.course.folder("autograded", student, UNIT) / f"{UNIT}.ipynb"
        texts: list[str] = []
        if path.is_file():
            for cell in nbformat.read(path, as_version=4).cells:
                for output in cell.get("outputs", ()):
                    texts.append(str(output.get("text", "")) + "\n".join(output.get("traceback", ())))
                    texts += [str(value) for value in output.get("data", {}).values()]
        return Reported(points or 0.0, [*texts, "", ""], verdict=f"{points} {wants}")

    def attempt(self, attack: Attack, *, alone: bool = False) -> Outcome:
        """As in `Place`, with one run of nbgrader for the attack, its twin and the bystanders."""
        student, twin = self.hand_in(attack)
        before = self.look()
        self.hits.clear()
        start = time.perf_counter()
        problem = self._nbgrader("autograde", UNIT, "--force")
        seconds = time.perf_counter() - start
        breaches = [problem] if problem.startswith("Grading it did not end") else []
        told, gentle = self._told(student), self._told(twin)
        breaches += [line for line in self.achieved(told, gentle) if not line.startswith(("A terminal", "A browser"))]
        for bystander, honest in self.honest.items():
            if self._told(bystander).verdict != honest:
                breaches.append(f"The grade of {bystander}, who did nothing, is another one now.")
        breaches += self.changed(before, student)
        if attack.family == "text" or attack.hand_in is not None:
            breaches += self._runs(student, "ada")
        return Outcome(attack, told.points, gentle.points, seconds, tuple(breaches), seen_in(told, attack.seen))

    def _runs(self, student: str, honest: str) -> Iterator[str]:
        """What a browser would run of the attacker's feedback page, and not of an honest student's."""
        self._nbgrader("generate_feedback", UNIT, "--force")
        pages = [self.course.folder("feedback", who, UNIT) / f"{UNIT}.html" for who in (student, honest)]
        if all(page.is_file() for page in pages):
            theirs, ours = (active(page.read_text(encoding="utf-8", errors="replace")) for page in pages)
            for element in theirs - ours:
                yield f"A browser would run something of its own: {element}"

    def _grading_writes(self, path: Path) -> bool:
        root = self.course.root
        return super()._grading_writes(path) or any(
            path.is_relative_to(root / made) for made in ("autograded", "feedback")
        )


# ---- one attack, in a jail -------------------------------------------------------------------------------------------------


def inside(name: str, out: Path) -> None:
    """In the jail: try one attack, and write down what became of it."""
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    resource.setrlimit(resource.RLIMIT_NPROC, (400, 400))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 30, 2 << 30))
    (attack,) = chosen([name])
    with Kernel() as place:
        out.write_text(STARTED, encoding="utf-8")  # from here on, whoever ends this process has done what it came for
        out.write_text(json.dumps(place.attempt(attack).to_json()), encoding="utf-8")


def jailed(attack: Attack) -> dict[str, Any]:
    """What became of an attack in a jail of its own; that the jail's own process did not survive it counts, too."""
    bwrap = find_bwrap()
    if bwrap is None:
        raise SystemExit("bubblewrap is needed: most of these attacks succeed, and must not reach this machine.")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        out = Path(folder) / "out.json"
        out.touch()
        os.chmod(folder, 0o777)
        os.chmod(out, 0o666)
        command = [
            bwrap, "--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--die-with-parent", "--new-session",
            "--ro-bind", "/", "/", "--proc", "/proc",
            "--dev", "/dev", "--size", str(4 << 30), "--tmpfs", "/tmp", "--size", str(4 << 30), "--tmpfs", "/var/tmp",
            "--dir", "/tmp/home", "--bind", str(out), "/tmp/out.json", "--setenv", "HOME", "/tmp/home", "--chdir", str(ROOT),
            "--setenv", "OMP_NUM_THREADS", "1", "--setenv", "PYTHONDONTWRITEBYTECODE", "1",
            sys.executable, str(Path(__file__).resolve()), "--inside", attack.name, "/tmp/out.json",
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=SECONDS + 3 * LONGEST, errors="replace",
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
            said = done.stderr.strip()[-400:]
        except subprocess.TimeoutExpired:
            said = f"The batch did not end within {SECONDS + 3 * LONGEST:g} s."
        text = out.read_text(encoding="utf-8")
    if not text:
        raise SystemExit(f"The jail for {attack.name} did not start: {said}")
    if text != STARTED:
        return json.loads(text)
    return {
        "name": attack.name, "family": attack.family, "title": attack.title, "points": 0, "twin": 0, "seconds": 0, "seen": "",
        "held": False, "breaches": [f"The process that graded did not survive it: {said.splitlines()[-1] if said else '?'}"],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("attacks", nargs="*")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--inside", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        inside(arguments.inside[0], Path(arguments.inside[1]))
        return
    wanted = chosen(arguments.attacks)
    tried = [attack for attack in wanted if not attack.not_against_nbgrader]
    outcomes = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for outcome in pool.map(jailed, tried):
            outcomes.append(outcome)
            mark = "succeeds" if outcome["breaches"] else "fails"
            print(
                f"{outcome['family']:<11} {mark:<9} {outcome['name']}: {' '.join(outcome['breaches'])[:200]}",
                flush=True,
            )
    succeeded = sum(bool(outcome["breaches"]) for outcome in outcomes)
    print(
        f"\n{succeeded} of {len(outcomes)} attacks succeed against plain nbgrader; {len(wanted) - len(tried)} mean nothing there."
    )
    if arguments.record:
        from nbgrader import __version__

        data = {
            "nbgrader": __version__, "succeeded": succeeded, "tried": len(outcomes),
            "by": {o["name"]: [scrubbed(b) for b in o["breaches"]] for o in outcomes},
            "not tried": {a.name: a.not_against_nbgrader for a in wanted if a.not_against_nbgrader},
        }  # fmt: skip
        arguments.record.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(as_markdown(data))


def as_markdown(data: dict[str, Any]) -> str:
    """The table for docs/security.md."""
    family_of = {attack.name: attack.family for attack in chosen(())}
    lines = ["| family | tried | succeed |", "| --- | ---: | ---: |"]
    for family in FAMILIES:
        by = [bool(breaches) for name, breaches in data["by"].items() if family_of[name] == family]
        lines.append(f"| {family} | {len(by)} | {sum(by)} |")
    lines.append(f"| **all** | **{data['tried']}** | **{data['succeeded']}** |")
    return "\n".join(lines)


def scrubbed(sentence: str) -> str:
    """A sentence without the folders of this machine: of a path only the name, but for what every Linux has."""
    words = [Path(w).name if w.startswith("/") and not w.startswith(KEPT) else w for w in sentence.split()]
    return " ".join(words)[:200]


KEPT = ("/proc", "/etc", "/sys", "/dev")


if __name__ == "__main__":
    main()
