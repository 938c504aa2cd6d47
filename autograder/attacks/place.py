"""A course to attack: one unit, two honest students, secrets, tripwires, and ears that hear whoever gets out.

    with Place() as place:
        outcome = place.attempt(attack)

Each attack is handed in, graded and written into the gradebook as any submission is; so is its benign twin, which does the same
honest work; so is an honest bystander, again. Then the place is looked over. Whatever is not as it was is a breach.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import autograder
from autograder.attacks import ANSWERS, PEACE, Attack
from autograder.attacks.pages import active
from autograder.cohort import Grade, Grader
from autograder.course import Course

UNIT = "target"
BYSTANDERS = ("ada", "bob")
"""An honest student with every point, and one with some."""
LONGEST = 120.0
"""Seconds after which grading one submission counts as without end."""
MARK = "dlvm-secret-"
"""What every secret starts with: an attacker knows what to look for."""
ESCAPED = "ESCAPED: "

CONFIG = """
from autograder.course import configure

configure(get_config(), __file__)
"""


@dataclass(frozen=True)
class Outcome:
    """What became of one attack."""

    attack: Attack
    points: float
    twin: float
    """What its benign twin gets."""
    seconds: float
    breaches: tuple[str, ...]
    """What it achieved, a sentence each."""
    seen: str
    """The line of the report in which an instructor sees what was there; empty if no line says it."""

    @property
    def held(self) -> bool:
        return not self.breaches and (bool(self.seen) or not self.attack.seen)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.attack.name, "family": self.attack.family, "title": self.attack.title, "held": self.held,
            "points": self.points, "twin": self.twin, "seconds": round(self.seconds, 3), "breaches": list(self.breaches),
            "seen": self.seen,
        }  # fmt: skip


@dataclass
class Reported:
    """What grading one submission said: its points, and every text that a person will read."""

    points: float
    texts: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    """Those that a browser shows."""
    printed: list[str] = field(default_factory=list)
    """What the answers printed, in full: pages fold it up, and a terminal shows its beginning."""
    failed: str = ""
    verdict: str = ""
    """Everything that was decided, to compare with."""


class Endless(Exception):
    """Grading a submission took longer than `LONGEST`."""


class Place:
    """The course under attack. `trust` and `without` take walls away: the tests show that attacks then succeed."""

    def __init__(self, *, trust: bool = False, without: tuple[str, ...] = ()) -> None:
        self.trust, self.without = trust, without
        self.laws = Path(__file__).parent / "target" / "laws.py"
        self.hits: list[str] = []
        self.honest: dict[str, str] = {}
        """What the bystanders get, to the last digit."""
        self.numbers: dict[str, int] = {}
        self.twins: dict[tuple[tuple[str, ...], tuple[str, ...]], Reported] = {}
        self._open = ExitStack()

    # ---- building it -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> Place:
        with ExitStack() as opening:
            roomy = "/var/tmp" if os.access("/var/tmp", os.W_OK) else None  # a submission's own /tmp would hide it
            self.base = Path(opening.enter_context(tempfile.TemporaryDirectory(prefix="dlvm-attack-", dir=roomy)))
            self.secrets = {name: f"{MARK}{secrets.token_hex(12)}" for name in SECRETS}
            self.course = self._course()
            self._hide(opening)
            self._listen(opening)
            self.victim = self._victim(opening)
            self.grading = opening.enter_context(self._grading())
            self._open = opening.pop_all()
        try:
            self.solved = self._solved()
            self.honest = {student: self._graded(student).verdict for student in BYSTANDERS}
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _course(self) -> Course:
        from autograder.gradebook import record_unit
        from autograder.release import released_notebook

        root = self.base / "course"
        source = root / "solutions" / UNIT
        source.mkdir(parents=True)
        (root / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
        laws = self.laws.read_text(encoding="utf-8")
        (source / "laws.py").write_text(f"{laws}\n# {self.secrets['the graded laws']}\n", encoding="utf-8")
        for name in ("misconceptions", "questions"):
            (source / f"{name}.py").write_text(f"SECRET = {self.secrets[name]!r}\n", encoding="utf-8")
        (root / "course_seed").write_text(str(secrets.randbits(62)), encoding="utf-8")
        nbformat.write(self.source(), source / f"{UNIT}.ipynb")
        course = Course(root)
        self.released = released_notebook(course, UNIT)
        record_unit(course, UNIT, self.released)
        for student, answers in zip(BYSTANDERS, (ANSWERS, {"noise": ANSWERS["noise"]}), strict=True):
            work = {name: f"# {self.secrets['another submission']}\n{text}" for name, text in answers.items()}
            self._write(course, student, self._notebook(work, [PEACE], []))
        self._grade_book_secret(course)
        return course

    def source(self) -> NotebookNode:
        """The unit's notebook as its author has it."""
        return source_notebook(self.secrets["the solutions"])

    def _grade_book_secret(self, course: Course) -> None:
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{course.root}/gradebook.db") as book:
            book.update_or_create_student("cyd", **{"first_name": self.secrets["the gradebook"]})  # pyright: ignore

    def _solved(self) -> bytes:
        return nbformat.writes(self._notebook(ANSWERS, [PEACE], [])).encode()

    def _hide(self, opening: ExitStack) -> None:
        """Secrets outside the course: a home, temporary files, shared memory, the environment."""
        self.home = self.base / "home"
        (self.home / ".ssh").mkdir(parents=True)
        (self.home / ".ssh" / "id_ed25519").write_text(self.secrets["a private key"], encoding="utf-8")
        (self.base / "outbox").mkdir()
        self.left: list[Path] = []
        for folder, name in ((Path(tempfile.gettempdir()), "a temporary file"), (Path("/dev/shm"), "shared memory")):
            if os.access(folder, os.W_OK):
                path = folder / f"dlvm-attack-{secrets.token_hex(6)}"
                path.write_text(self.secrets[name], encoding="utf-8")
                path.chmod(0o644)
                opening.callback(path.unlink, missing_ok=True)
                self.left.append(path)
        os.environ["DLVM_ATTACK_SECRET"] = self.secrets["the environment"]
        opening.callback(os.environ.pop, "DLVM_ATTACK_SECRET", None)

    def _listen(self, opening: ExitStack) -> None:
        """Servers of every kind that a submission could reach: each notes who comes."""
        self.doors: dict[str, Any] = {}
        ears: list[tuple[str, socket.socket]] = []

        def ear(name: str, family: socket.AddressFamily, kind: socket.SocketKind, address: Any) -> None:
            try:
                listener = socket.socket(family, kind)
                listener.bind(address)
                if kind == socket.SOCK_STREAM:
                    listener.listen()
            except OSError:  # a machine without IPv6, say
                return
            opening.callback(listener.close)
            ears.append((name, listener))
            self.doors[name] = listener.getsockname()[1] if family != socket.AF_UNIX else address

        ear("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        ear("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
        ear("tcp6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0))
        ear("unix", socket.AF_UNIX, socket.SOCK_STREAM, str(self.base / "door"))
        ear("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0dlvm-attack-{secrets.token_hex(6)}")
        over = threading.Event()

        def wait() -> None:
            import select

            while not over.is_set():
                ready, _, _ = select.select([listener for _, listener in ears], [], [], 0.1)
                for name, listener in ears:
                    if listener in ready:
                        with contextlib.suppress(OSError):
                            if listener.type == socket.SOCK_STREAM:
                                listener.accept()[0].close()
                            else:
                                listener.recv(100)
                            self.hits.append(name)

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        opening.callback(thread.join, 2.0)
        opening.callback(over.set)

    def _victim(self, opening: ExitStack) -> subprocess.Popen[bytes]:
        """A process of the instructor's, which does nothing but live."""
        victim = subprocess.Popen(
            [sys.executable, "-S", "-c", "import time\ntime.sleep(1e6)"], start_new_session=True, cwd="/",
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

        def end() -> None:
            victim.kill()
            victim.wait()

        opening.callback(end)
        return victim

    @contextmanager
    def _grading(self) -> Iterator[Callable[[str], Reported]]:
        """Our own way to grade: from a submitted folder to the gradebook."""
        from autograder.gradebook import GradebookWriter

        with Grader(self.course, UNIT, trust=self.trust, without=self.without) as grader:
            self.grader = grader
            with GradebookWriter(self.course, UNIT, grader.release) as writer:

                def grade(student: str) -> Reported:
                    graded = grader.grade(student)
                    writer.write(graded)
                    writer.flush()
                    return self._reported(graded)

                yield grade

    def _reported(self, grade: Grade) -> Reported:
        from autograder.feedback.terminal import why

        folder = self.course.folder("autograded", grade.student, UNIT)
        pages = [exercise.as_html() for exercise in grade.verdict.exercises]
        notebook = (folder / f"{UNIT}.ipynb").read_text(encoding="utf-8")
        texts = [exercise.as_text() for exercise in grade.verdict.exercises]
        texts += [why(grade.verdict), *grade.verdict.notes, grade.verdict.problem]
        decided = json.dumps(grade.verdict.to_json(), ensure_ascii=False)
        printed = [exercise.printed for exercise in grade.verdict.exercises]
        return Reported(grade.verdict.points, [*texts, decided, notebook], pages, printed, grade.failed, decided)

    # ---- handing in ------------------------------------------------------------------------------------------------------

    def _notebook(self, answers: dict[str, str], first: list[str], last: list[str]) -> NotebookNode:
        """The release with some answers written into it, and a student's own cells before and after them."""
        notebook: Any = nbformat.from_dict(json.loads(nbformat.writes(self.released)))
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if name in ANSWERS:
                cell.source = answers.get(name, cell.source)
        cells = [new_code_cell(source, id=f"mine-{number}") for number, source in enumerate([*first, *last])]
        notebook.cells[1:1] = cells[: len(first)]
        notebook.cells += cells[len(first) :]
        return notebook

    def _write(self, course: Course, student: str, notebook: NotebookNode) -> None:
        folder = course.folder("submitted", student, UNIT)
        folder.mkdir(parents=True)
        (folder / f"{UNIT}.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")

    def known(self) -> dict[str, Any]:
        """What an attacker knows of the place: everything but the secrets themselves."""
        return {
            "base": str(self.base), "course": str(self.course.root), "home": str(self.home), "doors": self.doors,
            "left": [str(path) for path in self.left], "pid": os.getpid(), "victim": self.victim.pid, "mark": MARK,
            "bystanders": list(BYSTANDERS), "unit": UNIT, "package": str(Path(autograder.__file__).parent),
        }  # fmt: skip

    def prelude(self) -> str:
        """The cell that comes before an attack's own."""
        return f"place = {self.known()!r}\n\ndef escaped(what):\n    print('ESC' + 'APED: ' + str(what))\n"

    def hand_in(self, attack: Attack) -> tuple[str, str]:
        """Hand in an attack and its benign twin; returns the two students."""
        self.numbers[attack.name] = self.numbers.get(attack.name, 0) + 1
        own = f"{attack.name}-{self.numbers[attack.name]}"
        student, twin = attack.student or own, f"{own}-twin"
        prelude = self.prelude()
        answers = {name: ANSWERS[name] for name in attack.answers}
        # An attack that answers itself does so in a cell of its own: an empty stub would come after it.
        stubs = {name: "" for name in ANSWERS if name not in attack.answers}
        calm = [PEACE] if not any("def mischief(" in source for source in attack.first) else []
        if attack.hand_in is not None:
            folder = self.course.folder("submitted", student, UNIT)
            folder.mkdir(parents=True)
            attack.hand_in(folder, self.solved, self.known())
        else:
            cells = [prelude, *calm, *attack.first]
            own_answers = any(
                f"def {n}(" in s or f"class {n}" in s for n in stubs for s in (*attack.first, *attack.last)
            )
            self._write(
                self.course, student, self._notebook(answers | (stubs if own_answers else {}), cells, list(attack.last))
            )
        self._write(self.course, twin, self._notebook(answers, [prelude, PEACE], list(attack.twin)))
        return student, twin

    # ---- trying it -------------------------------------------------------------------------------------------------------

    @contextmanager
    def behind(self, *, trust: bool = False, without: tuple[str, ...] = ()) -> Iterator[None]:
        """For a while, the same place behind other walls: a course takes longer to make than a sandbox."""
        from autograder.sandbox import open_sandbox

        before = self.grader.sandbox
        with open_sandbox(self.grader.unit.given, trust=trust, without=without) as self.grader.sandbox:
            try:
                yield
            finally:
                self.grader.sandbox = before

    def attempt(self, attack: Attack, *, alone: bool = False) -> Outcome:
        """Hand it in, grade it, its twin and a bystander, and look the place over. `alone`: neither twin nor bystander."""
        student, twin = self.hand_in(attack)
        before = self.look()
        self.hits.clear()
        start = time.perf_counter()
        breaches: list[str] = []
        try:
            told = self._graded(student)
        except Endless as endless:
            told = Reported(0.0, [str(endless)])
            breaches.append(str(endless))
        seconds = time.perf_counter() - start
        gentle = told if alone else self._gentle(attack, twin)
        breaches += self.achieved(told, gentle)
        for bystander in () if alone else BYSTANDERS:
            if self._graded(bystander).verdict != self.honest[bystander]:
                breaches.append(f"The grade of {bystander}, who did nothing, is another one now.")
        breaches += self.changed(before, student)
        return Outcome(attack, told.points, gentle.points, seconds, tuple(breaches), seen_in(told, attack.seen))

    def _gentle(self, attack: Attack, twin: str) -> Reported:
        """What the twin gets; most have the very same one."""
        kind = attack.answers, attack.twin
        if kind not in self.twins:
            self.twins[kind] = self._graded(twin)
        return self.twins[kind]

    def _graded(self, student: str) -> Reported:
        with at_most(LONGEST):
            return self.grading(student)

    def achieved(self, told: Reported, gentle: Reported) -> Iterator[str]:
        """What the report alone shows."""
        if told.points > gentle.points:
            yield f"It got {told.points:g} points, and its benign twin {gentle.points:g}."
        everything = "\n".join([*told.texts, *told.pages])
        for name, token in self.secrets.items():
            if token in everything:
                yield f"It read {name}."
        for line in dict.fromkeys(re.findall(rf'{ESCAPED}([^\n\\<"]*)', everything)):
            yield f"It got out: {line}"
        for page in told.pages:
            for element in active(page):
                yield f"A browser would run something of its own: {element}"
        for text in told.texts[:-2]:  # the last two are JSON, which escapes what it must
            if found := UNPRINTABLE.search(text):
                yield f"A terminal would obey a character of its own, {found[0]!r}."
        if told.failed:
            yield f"It made the grader fail: {told.failed.strip().splitlines()[-1]}"

    def look(self) -> dict[str, Any]:
        """Everything that must stay as it is."""
        seen: dict[str, Any] = {}
        package = Path(autograder.__file__).parent
        for root in (self.base, package):
            for folder, _, files in os.walk(root):
                for name in files:
                    path = Path(folder) / name
                    if "__pycache__" not in path.parts:
                        seen[str(path)] = fingerprint(path)
        for path in self.left:
            seen[str(path)] = fingerprint(path)
        for student, scores in self._recorded().items():
            seen[f"The gradebook's line on {student}"] = scores
        return seen

    def _recorded(self) -> dict[str, Any]:
        """What the gradebook says of those who hand nothing hostile in. (It is written to all the time, so its bytes differ.)"""
        query = (
            "SELECT student.id, first_name, auto_score, manual_score, extra_credit FROM student "
            "LEFT JOIN submitted_assignment ON student_id = student.id "
            "LEFT JOIN submitted_notebook ON submitted_notebook.assignment_id = submitted_assignment.id "
            "LEFT JOIN grade ON grade.notebook_id = submitted_notebook.id"
        )
        recorded: dict[str, Any] = {student: [] for student in (*BYSTANDERS, "cyd")}
        with contextlib.closing(sqlite3.connect(f"file:{self.course.root}/gradebook.db?mode=ro", uri=True)) as book:
            for student, *scores in book.execute(query):
                if student in recorded:
                    recorded[student].append(tuple(scores))
        return {student: sorted(map(repr, lines)) for student, lines in recorded.items()}

    def changed(self, before: dict[str, Any], student: str) -> Iterator[str]:
        """What is not as it was, but for the marks that grading leaves."""
        now = self.look()
        for name in sorted(before.keys() | now.keys()):
            if before.get(name) != now.get(name) and not self._grading_writes(Path(name)):
                how = "was made" if name not in before else "is gone" if name not in now else "was changed"
                yield f"{name} {how}."
        state = alive(self.victim.pid)
        if self.victim.poll() is not None or state in ("T", "Z", ""):
            yield "A process of the instructor's was stopped or killed."
            self.victim.kill()
            self.victim.wait()
            self.victim = self._victim(self._open)
        for door in dict.fromkeys(self.hits):
            yield f"It reached a server outside ({door})."

    def _grading_writes(self, path: Path) -> bool:
        root = self.course.root
        if path.name.startswith("gradebook.db"):
            return True
        graded = root / "autograded"
        return path.is_relative_to(graded) and path.name in (f"{UNIT}.ipynb", "verdict.json", "timestamp.txt")


SECRETS = (
    "the graded laws", "misconceptions", "questions", "the solutions", "another submission", "the gradebook",
    "a private key", "a temporary file", "shared memory", "the environment",
)  # fmt: skip

UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that move a cursor, colour a line or turn text around; not a tab or a new line."""


def fingerprint(path: Path) -> tuple[Any, ...]:
    """What a file is: its kind and rights, and its bytes."""
    try:
        info = path.lstat()
        if not stat.S_ISREG(info.st_mode):
            return (info.st_mode, os.readlink(path) if stat.S_ISLNK(info.st_mode) else "")
        return (info.st_mode, info.st_nlink, hashlib.sha256(path.read_bytes()).hexdigest())
    except OSError as problem:
        return (problem.errno,)


def alive(pid: int) -> str:
    """The state of a process, as /proc has it; "?" where there is no /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "?" if not Path("/proc/self").exists() else ""


def seen_in(told: Reported, words: str) -> str:
    """The line of the report that holds the words, wherever it was wrapped."""
    wanted = re.compile(r"\s+".join(map(re.escape, words.split())))
    for text in [*told.texts[:-2], *told.printed]:  # the last two hold the source as well: that is no proof of anything
        if words and (found := wanted.search(text)):
            start, end = text.rfind("\n", 0, found.start()) + 1, text.find("\n", found.end())
            return " ".join(text[start : end if end >= 0 else len(text)].split())[:300]
    return ""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raises Endless in the middle of whatever takes longer (in the main thread, which alone can be interrupted)."""

    def over(number: int, frame: FrameType | None) -> None:
        raise Endless(f"Grading it did not end within {seconds:g} s.")

    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# ---- the notebook of the unit ----------------------------------------------------------------------------------------------


def source_notebook(secret: str) -> NotebookNode:
    """The unit's notebook as its author writes it, with a secret in every solution."""
    cells = [
        marked(new_markdown_cell("# A target"), "title", locked=True),
        marked(new_code_cell("import torch\n\nfrom autograder import check"), "setup", locked=True),
    ]
    for name, points in (("square_sum", 6), ("Codec", 4), ("noise", 4)):
        answer = ANSWERS[name].replace("    mischief()\n", "").replace("\n", f"  # {secret}\n", 1)
        head, body = answer.split("\n", 1)
        solution = f"{head.split('  #')[0]}\n    ### BEGIN SOLUTION\n    # {secret}\n{body}    ### END SOLUTION"
        cells.append(marked(new_code_cell(solution), name, solution=True))
        cells.append(marked(new_code_cell(f'check("{name}")'), f"check_{name}", grade=True, locked=True, points=points))
    text = new_markdown_cell("### BEGIN SOLUTION\nBecause.\n### END SOLUTION")
    cells.append(marked(text, "why", grade=True, solution=True, points=2))
    return new_notebook(
        cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )


def marked(
    cell: NotebookNode, grade_id: str, *, grade: bool = False, solution: bool = False, locked: bool = False,
    points: int | None = None,
) -> NotebookNode:  # fmt: skip
    cell.metadata["nbgrader"] = {
        "schema_version": 3, "grade_id": grade_id, "grade": grade, "solution": solution, "locked": locked, "task": False,
    }  # fmt: skip
    if points is not None:
        cell.metadata["nbgrader"]["points"] = points
    cell["id"] = grade_id.replace("_", "-")
    return cell
