"""`dlvm`, the command line. Every command imports what it needs when it runs, so that `dlvm --help` comes at once.

What a command finds goes to stdout; progress and notices go to stderr, and progress only to a terminal. A mistake of the
user's is answered by one sentence and an exit code, never by a traceback.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from autograder.cohort import Grade
    from autograder.exercise import Unit
    from autograder.verdict import Verdict

FOUND_SOMETHING, USAGE, NOT_DONE, INTERRUPTED = 1, 2, 3, 130

EXIT_CODES = """
Exit codes of every command:

- 0: done, and all is well.
- 1: done, and something wants attention: a law is broken or an exercise not written yet, points are pending, a replayed
  grade came out otherwise, the release or an audit's record is stale, a file could not be placed, the audit or the doctor
  found something.
- 2: the command line was not understood, or a folder is not what it should be.
- 3: it could not be done: no sandbox, an unreadable notebook, an error of the grader's own.
- 130: interrupted by Ctrl-C.
"""

app = typer.Typer(
    name="dlvm",
    help="Deep latent-variable models: check an exercise, and run a course.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

CourseFolder = Annotated[
    Path,
    typer.Option("--course", metavar="DIR", help="The course: the folder with nbgrader_config.py.", file_okay=False),
]
Units = Annotated[
    list[str] | None, typer.Argument(metavar="UNIT", help="Slugs such as kl_divergence; all if none is named.")
]
OneUnit = Annotated[str, typer.Argument(metavar="UNIT", help="The unit's slug, such as kl_divergence.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Trust = Annotated[bool, typer.Option("--trust", help="Your word that these submissions may run without a sandbox.")]


class Refused(Exception):
    """Why a command was not carried out, in a sentence that says what to do."""

    def __init__(self, sentence: str, code: int = USAGE) -> None:
        super().__init__(sentence)
        self.code = code


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):  # marks and formulas are Unicode, whatever a Windows console thinks
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")  # pyright: ignore[reportAttributeAccessIssue]
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def command(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a command whose failures are one sentence on stderr and an exit code."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def answering(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except (typer.Exit, typer.Abort, typer.BadParameter):
                raise
            except KeyboardInterrupt:
                leave("Interrupted.", INTERRUPTED)
            except BrokenPipeError:  # `dlvm list | head` has read enough
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise typer.Exit(0) from None
            except Exception as problem:
                code = code_of(problem)
                if code is None:
                    import traceback

                    traceback.print_exc()
                    leave(
                        "That is a mistake in dlvm itself, not yours: please report it with the lines above.", NOT_DONE
                    )
                leave(str(problem), code)

        return app.command(name)(answering)

    return register


def code_of(problem: Exception) -> int | None:
    """The exit code for a failure whose message is meant for people; None for any other exception."""
    if isinstance(problem, Refused):
        return problem.code
    meant_for_people = {
        ("autograder.course", "NotACourse"): USAGE,
        ("autograder.collect", "NotAnArchive"): USAGE,
        ("autograder.audit.forks", "TaskFailed"): NOT_DONE,
        ("autograder.bundle", "BundleFailed"): NOT_DONE,
        ("autograder.demo", "DemoProblem"): NOT_DONE,
        ("autograder.new", "NotMade"): USAGE,
        ("autograder.release", "ReleaseFailed"): NOT_DONE,
        ("autograder.replay", "NothingToReplay"): USAGE,
        ("autograder.gradebook", "GradebookProblem"): NOT_DONE,
        ("autograder.notebook", "Unreadable"): NOT_DONE,
        ("autograder.sandbox", "SandboxUnavailable"): NOT_DONE,
    }
    for (module, name), code in meant_for_people.items():
        kind = getattr(sys.modules.get(module), name, None)  # not imported: then it was not raised either
        if kind is not None and isinstance(problem, kind):
            return code
    return None


def leave(sentence: str, code: int) -> NoReturn:
    print(f"dlvm: {sentence}", file=sys.stderr)
    raise typer.Exit(code)


# ---- for students --------------------------------------------------------------------------------------------------------


@command("check")
def check(
    notebook: Annotated[
        Path,
        typer.Argument(metavar="NOTEBOOK", help="The notebook, in its unit's folder.", exists=True, dir_okay=False),
    ],
    exercise: Annotated[str, typer.Option("--exercise", metavar="NAME", help="Check this exercise alone.")] = "",
    as_json: AsJson = False,
    device: Annotated[str, typer.Option("--device", envvar="DLVM_DEVICE", help="cpu, cuda or mps.")] = "cpu",
) -> None:
    """Check a notebook from a clean start: what is only in a running kernel does not count.

    Exit code 0: all laws hold; 1: some are broken, or an exercise is not written yet; 3: it could not be checked.
    """
    unit = load_unit(notebook.resolve().parent, expecting=notebook.name)
    if exercise and exercise not in unit.exercises:
        raise Refused(f"{unit.slug} has no exercise {exercise!r}{nearest(exercise, unit.exercises)}")
    verdict = judge_alone(notebook, unit, exercise or None, usable(device))
    if as_json:
        print_json(verdict.to_json())
    else:
        show_verdict(verdict)
    raise typer.Exit(code_of_verdict(verdict, unit))


def judge_alone(notebook: Path, unit: Unit, exercise: str | None, device: str) -> Verdict:
    """One's own notebook, in the sandbox where there is one, else in a plain process."""
    from autograder.cohort import grade_notebook
    from autograder.sandbox import SandboxUnavailable, open_sandbox

    def judge(plain: bool) -> Verdict:
        with open_sandbox(given=unit.given, plain=plain) as sandbox:
            return grade_notebook(notebook.resolve(), unit, sandbox, only=exercise, device=device)

    with working(f"Checking {notebook.name}"):
        if device != "cpu":  # the sandbox has no accelerator in it
            return judge(plain=True)
        try:
            return judge(plain=False)
        except SandboxUnavailable:
            notice(
                "There is no sandbox here, so your notebook ran in a plain process of its own (`dlvm doctor` says more)."
            )
            return judge(plain=True)


def code_of_verdict(verdict: Verdict, unit: Unit) -> int:
    """What `dlvm check` exits with; an optional exercise may be left unwritten."""
    if verdict.problem or verdict.pending:
        return NOT_DONE
    unwritten = ("not_yet", "missing")
    asked = [e for e in verdict.exercises if not (e.status in unwritten and unit.exercises[e.name].optional)]
    return 0 if all(e.status == "correct" for e in asked) else FOUND_SOMETHING


def show_verdict(verdict: Verdict) -> None:
    from autograder.feedback.terminal import exercise_text, printable, summary

    if verdict.problem:
        write(printable(verdict.problem))
    else:
        for exercise in verdict.exercises:
            write(exercise_text(exercise))
    for note in verdict.notes:
        write(f"note: {printable(note)}")
    write(summary(verdict))


@command("list")
def list_units(
    course: Annotated[
        Path, typer.Option("--course", metavar="DIR", help="Where to look for units.", file_okay=False)
    ] = Path(),
    as_json: AsJson = False,
) -> None:
    """What there is to do: units and exercises with signatures, shapes, units of measure, points and laws."""
    from autograder.feedback.terminal import unit_json, unit_text

    folders = unit_folders(course)
    if not folders:
        raise Refused(
            f"There is no unit in {course.resolve()}: expected a laws.py there, or in a folder of solutions/ or exercises/."
        )
    units = [load_unit(folder) for folder in folders]
    if as_json:
        print_json({"schema": "dlvm-list/1", "units": [unit_json(unit) for unit in units]})
    for unit in [] if as_json else units:
        write(unit_text(unit, console().width if console().is_terminal else 0))


def unit_folders(place: Path) -> list[Path]:
    """The units at a place: itself, or those of its solutions/, else of its exercises/, else of its folders."""
    if (place / "laws.py").is_file():
        return [place]
    for pattern in ("solutions/*/laws.py", "exercises/*/laws.py", "*/laws.py"):
        if found := sorted(laws.parent for laws in place.glob(pattern)):
            return found
    return []


@command("doctor")
def doctor(as_json: AsJson = False) -> None:
    """What this machine can do: sandbox (tried, not believed), torch and device, data. Each finding says what to do."""
    from autograder.doctor import diagnose

    with working("Trying the sandbox"):
        findings = diagnose()
    if as_json:
        print_json({"schema": "dlvm-doctor/1", "findings": [finding.to_json() for finding in findings]})
    else:
        for finding in findings:
            write(finding.as_text())
    raise typer.Exit(FOUND_SOMETHING if any(finding.essential and finding.ok is False for finding in findings) else 0)


# ---- for instructors -----------------------------------------------------------------------------------------------------


@command("release")
def release(
    units: Units = None,
    course: CourseFolder = Path(),
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 if exercises/ is stale.")] = False,
) -> None:
    """Generate exercises/ from solutions/, as `nbgrader generate_assignment` does, and the misconceptions' fingerprints."""
    from autograder import release as releasing
    from autograder.audit import record as audit_records

    named = open_course(course, units)
    for unit in units or named.units():
        see_that_it_loads(named.source(unit))
    with working("Generating exercises/"):
        if check:
            found = [f"exercises/{line}" for line in releasing.stale(named, units or ())]
            found += [f"solutions/{line}" for line in releasing.stale_fingerprints(named, units or ())]
        else:
            found = releasing.release(named, units or ())
    for line in found:
        write(f"stale: {line}" if check else f"released {line}")
        if not check and any(audit_records.stale(named.source(line), named.root / "docs" / "audit", engine=False)):
            notice(f"{line} is not audited as it is now. Before it is used: dlvm audit {line} --record docs/audit")
    if check and found:
        leave("exercises/ is not what solutions/ gives: run `dlvm release`.", FOUND_SOMETHING)
    if not found:
        write("exercises/ is up to date.")


@command("bundle")
def bundle(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to put it.", file_okay=False)],
    course: CourseFolder = Path(),
) -> None:
    """Make what students get and install: the exercises, autograder and lab; no solutions."""
    named = open_course(course)
    from autograder.bundle import bundle as make

    with working("Making the bundle"):
        made = make(named, out)
    write(str(made))


@command("collect")
def collect(
    archive: Annotated[
        Path,
        typer.Argument(
            metavar="ZIP", help="The archive from Moodle, Brightspace, Canvas or nbgrader.", exists=True, dir_okay=False
        ),
    ],
    unit: OneUnit,
    course: CourseFolder = Path(),
) -> None:
    """Put a learning platform's archive of submissions into submitted/, safely, the newest attempt of each student."""
    from autograder.collect import collect as place
    from autograder.feedback.terminal import printable

    with working("Placing submissions"):
        collected = place(archive, open_course(course, [unit]), unit)
    for placed in collected.placed:
        if placed.note:
            write(printable(f"{placed.student}: {placed.note}"))
    for name, reason in collected.left:
        write(printable(f"not placed: {name}: {reason}"))
    write(f"{len(collected.placed)} placed in submitted/, {len(collected.left)} files not placed.")
    raise typer.Exit(FOUND_SOMETHING if collected.left else 0)


@command("grade")
def grade(
    unit: OneUnit,
    course: CourseFolder = Path(),
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", min=1, help="Processes; by default as many as pay off.")
    ] = None,
    trust: Trust = False,
    json_file: Annotated[
        str, typer.Option("--json", metavar="FILE", help="Also write every verdict there (- for stdout).")
    ] = "",
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or mps.")] = "cpu",
) -> None:
    """Grade everyone in submitted/, each in a sandbox; write nbgrader's gradebook and autograded/."""
    from autograder.cohort import grade_class

    named = open_course(course, [unit])
    if json_file not in ("", "-") and not Path(json_file).absolute().parent.is_dir():
        raise Refused(f"{json_file} cannot be written: there is no folder {Path(json_file).absolute().parent}.")
    if not named.students(unit):
        raise Refused(f"There is nothing to grade: expected submitted/<student>/{unit}/{unit}.ipynb in {named.root}.")
    with counting(f"Grading {unit}") as advance:
        grades = grade_class(named, unit, jobs=jobs, trust=trust, device=usable(device), progress=advance)
    if json_file == "-":
        print_json(grades.to_json())
    else:
        if json_file:
            Path(json_file).write_text(as_json_text(grades.to_json()), encoding="utf-8")
        show_grades(unit, list(grades))
        write(f"Next: nbgrader generate_feedback {unit}")
    if grades.interrupted:
        leave(f"Interrupted: {len(grades)} graded and kept, {len(grades.waiting)} not graded.", INTERRUPTED)
    raise typer.Exit(code_of_grades(list(grades)))


def code_of_grades(grades: Sequence[Grade]) -> int:
    laws = [law for grade in grades for exercise in grade.verdict.exercises for law in exercise.laws]
    if any(grade.failed for grade in grades) or any(law.evidence == "error" for law in laws):
        return NOT_DONE
    return FOUND_SOMETHING if any(grade.pending for grade in grades) else 0


def show_grades(unit: str, grades: Sequence[Grade], stories: Mapping[str, str] | None = None) -> None:
    from autograder.feedback.terminal import grades_table, misunderstood, printable

    write(grades_table(grades, stories))
    if beliefs := misunderstood(grade.verdict for grade in grades):
        write("\n" + printable(beliefs))
    pending = sum(grade.pending for grade in grades)
    marked = f", {pending} with points pending: look at those first (marked ?)." if pending else "."
    write(f"\n{unit}: {len(grades)} graded{marked} The gradebook and autograded/ are written.")
    write("These are the points that laws give; what is graded by hand comes on top.")
    chance = max((grade.verdict.false_alarm for grade in grades), default=0.0)
    if chance:
        write(f"Left to chance: a right submission loses points with a probability of {chance:.0e} at most.")


@command("replay")
def replay(
    student: Annotated[str, typer.Argument(metavar="STUDENT", help="The student's id, a folder in submitted/.")],
    unit: OneUnit,
    exercise: Annotated[str, typer.Argument(metavar="EXERCISE", help="This exercise alone.", show_default=False)] = "",
    course: CourseFolder = Path(),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with the seed in it: for you, not for the student.")
    ] = False,
    trust: Trust = False,
) -> None:
    """Show again how a grade came about, and grade the same submission once more to see that it comes out the same.

    Nothing is written. Exit code 0: the verdict is the same, law by law; 1: it differs, or cannot be compared.
    """
    named = open_course(course, [unit])
    from autograder.feedback.replay import page
    from autograder.replay import NothingToReplay, no_traces
    from autograder.replay import replay as show_again

    with no_traces():
        known = load_unit(named.source(unit)).exercises
        if exercise and exercise not in known:
            raise Refused(f"{unit} has no exercise {exercise!r}{nearest(exercise, known)}")
        try:
            with working(f"Grading {student}'s {unit} again"):
                found = show_again(named, student, unit, exercise, trust=trust)
        except NothingToReplay as reason:
            students = named.students(unit)
            meant = "" if student in students else nearest(student, students)
            raise Refused(f"{str(reason).rstrip('.')}{meant or '.'}") from None
    if as_json:
        print_json(found.to_json())
    else:
        write(page(found, min(console().width, PAGE) if console().is_terminal else PAGE))
    raise typer.Exit(0 if found.same else FOUND_SOMETHING)


PAGE = 100
"""How wide a page is at most: longer lines are tiring to read."""


@command("demo")
def demo(
    units: Units = None,
    students: Annotated[
        int | None, typer.Option("--students", metavar="N", min=1, help="How many; by default one of every kind.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where to put the made-up course.", file_okay=False)
    ] = Path("demo"),
    course: CourseFolder = Path(),
) -> None:
    """Make a class of right, wrong, broken and hostile submissions, grade it end to end, and say who got what and why."""
    source = open_course(course, units).root
    from autograder.demo import STUDENTS, run

    with counting("Grading") as advance:
        demos = run(source, out, units=units or (), students=students or STUDENTS, step=notice, progress=advance)
    for done in demos:
        show_grades(done.unit, list(done.grades), {pupil.student: pupil.story for pupil in done.pupils})
        write(f"What each of them reads: {len(done.feedback)} pages in {done.course / 'feedback'}")
    raise typer.Exit(max(code_of_grades(list(done.grades)) for done in demos))


@command("attack")
def attack(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="ATTACK", help="Attacks or families of them; all if none is named.")
    ] = None,
    only_list: Annotated[bool, typer.Option("--list", help="Say what each tries, and try nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Attack this machine's sandbox with hostile submissions, so that you see it hold before you trust it.

    Everything happens in a made-up course, which is gone afterwards. Exit code 0: every attack was held; 1: one was not.
    """
    if not (Path(__file__).parent / "attacks").is_dir():
        raise Refused(
            "The attacks are not part of what students install: run this in the course's repository.", NOT_DONE
        )
    need_nbgrader()
    from autograder.attacks import chosen
    from autograder.attacks.report import attacks_json, attacks_table, outcomes_json, outcomes_table

    try:
        wanted = chosen(names or ())
    except LookupError as problem:
        raise Refused(str(problem.args[0])) from None
    if only_list:
        print_json(attacks_json(wanted)) if as_json else write(attacks_table(wanted))
        return
    from autograder.attacks.place import Place

    outcomes = []
    with working("Making a course to attack"), ExitStack() as opened:
        place = opened.enter_context(Place())
        closing = opened.pop_all()
    with closing, counting("Attacking", telling=True) as advance:
        for one in wanted:
            outcomes.append(place.attempt(one))
            if advance is not None:
                advance(one.title, len(outcomes), len(wanted))
    if as_json:
        print_json(outcomes_json(outcomes))
    else:
        write(outcomes_table(outcomes))
    raise typer.Exit(0 if all(outcome.held for outcome in outcomes) else FOUND_SOMETHING)


# ---- for authors ---------------------------------------------------------------------------------------------------------


@command("new")
def new(
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="The unit's name in files and commands: latent_codes.")],
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="The notebook's title.")] = "",
    course: CourseFolder = Path(),
) -> None:
    """Make a unit: a small, complete one in the right shape, whose pieces you then replace by yours."""
    named = open_course(course)
    from autograder.new import EXERCISE, make

    folder = make(named, slug, title)
    write(f"made {folder.relative_to(named.root)}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    write(f"It is complete, with {EXERCISE} as its exercise: replace it piece by piece (docs/authors.md).")
    write(f"Next: dlvm audit {slug}, dlvm release {slug}")


@command("audit")
def audit(
    units: Units = None,
    course: CourseFolder = Path(),
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, help="Over how many seeds.")] = 5,
    as_json: AsJson = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write the matrices there, as a page.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="DIR", help="Also keep what was found there, a file a unit.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="DIR", help="Audit nothing; exit 1 if a record there is stale.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", min=1, help="Processes; by default one a processor.")
    ] = None,
) -> None:
    """Grade the grader: what each law catches, false alarms, idle laws, what trivial answers earn, surviving mutants.

    Exit code 0: nothing falls short; 1: something does, and each problem says what to do.
    """
    named = open_course(course, units)
    folders = [named.source(unit) for unit in units or named.units()]
    if html is not None and not html.absolute().parent.is_dir():
        raise Refused(f"{html} cannot be written: there is no folder {html.absolute().parent}.")
    if html is not None and html.is_dir():
        raise Refused(f"{html} is a folder: name the file that the page shall go into.")
    for folder in folders:
        see_that_it_loads(folder)
    if check is not None:
        from autograder.audit.record import as_markdown, stale

        sentences = [sentence for folder in folders for sentence in stale(folder, check)]
        if table := as_markdown(folders, check):
            write(table + "\n")
        write("\n".join(sentences) or f"What {check} says was found with these laws, misconceptions and engine.")
        raise typer.Exit(FOUND_SOMETHING if sentences else 0)
    from autograder.audit import audit as grade_the_grader

    with counting("Auditing", telling=True) as advance:
        report = grade_the_grader(folders, seeds=seeds, progress=advance, jobs=jobs)
    if html is not None:
        from autograder.audit.picture import as_page

        html.write_text(as_page(report), encoding="utf-8")
    if record is not None:
        from autograder.audit.record import write as keep

        keep(report, folders, record)
    if as_json:
        print_json(report.to_json())
    else:
        write(report.as_table())
    raise typer.Exit(0 if report.ok else FOUND_SOMETHING)


# ---- what commands share -------------------------------------------------------------------------------------------------


def load_unit(folder: Path, expecting: str = "") -> Unit:
    """The unit in a folder, or a sentence about what is wrong with its laws.py."""
    if not (folder / "laws.py").is_file():
        raise Refused(
            f"{expecting} could not be checked: there is no laws.py beside it. Expected the unit's folder as it was handed out; "
            f"put the notebook there, or take a fresh copy of the folder.",
            NOT_DONE,
        )
    from autograder.exercise import Unit

    try:
        return Unit.load(folder)
    except Exception as problem:  # whatever an edited or damaged laws.py raises
        line = problem.lineno if isinstance(problem, SyntaxError) else line_in(problem, folder / "laws.py")
        where = f", line {line}" if line else ""
        raise Refused(
            f"{folder / 'laws.py'}{where} does not load ({type(problem).__name__}: {problem}). If you did not mean to edit it, "
            "take a fresh copy of it.",
            NOT_DONE,
        ) from None


def see_that_it_loads(folder: Path) -> None:
    """An author's own files: what they raise when they are loaded is told with its file and line."""
    from autograder.exercise import Unit
    from autograder.misconceptions import load

    for path, read in ((folder / "laws.py", Unit.load), (folder / "misconceptions.py", load)):
        try:
            read(folder)
        except Exception as problem:
            line = problem.lineno if isinstance(problem, SyntaxError) else line_in(problem, path)
            where = f", line {line}" if line else ""
            raise Refused(
                f"{path}{where} does not load ({type(problem).__name__}: {problem}). Mend it and try again."
            ) from None


def line_in(problem: BaseException, file: Path) -> int | None:
    """The last line of `file` that the exception passed through."""
    import traceback

    lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if Path(frame.filename) == file]
    return lines[-1] if lines else None


def open_course(folder: Path, units: Sequence[str] | None = None) -> Any:
    """The course, once it is sure that it has the units named and that what instructors need is installed."""
    from autograder.course import Course

    course = Course(folder)
    need_nbgrader()
    known = course.units()
    for unit in units or ():
        if unit not in known:
            raise Refused(f"{course.root} has no unit {unit!r}{nearest(unit, known)}")
    return course


def need_nbgrader() -> None:
    import importlib.util

    if importlib.util.find_spec("nbgrader") is None:
        raise Refused("This command needs nbgrader: `pip install 'dlvm-course[grading]'`.", NOT_DONE)


def usable(device: str) -> str:
    """The device, if torch can use it here."""
    from autograder.answer import NoSuchDevice, usable_device

    try:
        return usable_device(device)
    except NoSuchDevice as reason:
        raise Refused(str(reason), NOT_DONE if reason.known else USAGE) from None


def nearest(name: str, known: Any) -> str:
    """What may have been meant, as the end of a sentence."""
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1)
    return f". Did you mean {close[0]}?" if close else f"; there is: {', '.join(known) or 'none'}."


@functools.cache
def console(stderr: bool = False) -> Console:
    """Colour and the terminal's width on a terminal; plain long lines into a pipe."""
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self) -> None:  # rich would exit with 1, which here means something else
            raise BrokenPipeError

    made = Ours(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = 160
    return made


def write(what: RenderableType) -> None:
    from rich.text import Text

    plain = isinstance(what, str | Text)
    console().print(what, soft_wrap=plain and not console().is_terminal, end="" if isinstance(what, Text) else "\n")
    if isinstance(what, Text):
        console().print()


def notice(sentence: str) -> None:
    print(f"dlvm: {sentence}", file=sys.stderr)


def as_json_text(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def print_json(data: Any) -> None:
    print(as_json_text(data), end="", flush=True)


@contextmanager
def working(what: str) -> Iterator[None]:
    """A sign of life on a terminal; nothing in a pipe."""
    if not console(stderr=True).is_terminal:
        yield
        return
    with console(stderr=True).status(f"{what} …"):
        yield


@contextmanager
def counting(what: str, telling: bool = False) -> Iterator[Callable[[Any, int, int], None] | None]:
    """A progress bar on a terminal, advanced by (item, how many are done, how many there are); None in a pipe.

    With `telling`, the bar also names the item.
    """
    if not console(stderr=True).is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    last = (TextColumn("{task.fields[item]}", style="dim"),) if telling else ()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), *last)
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, item="")
        yield lambda item, done, total: bar.update(
            task, completed=done, total=total, item=str(item)[:60] if telling else ""
        )


if __name__ == "__main__":
    main()
