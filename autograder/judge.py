"""The judge: for each law, sweep thousands of rows; where one breaks, shrink it to the smallest witness.

A verdict depends on the submission, the laws and the course seed alone. Every law draws from a generator of its own, so the
order of the laws does not matter; calls are counted, never timed.
"""

from __future__ import annotations

import hashlib
import itertools
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, Verbosity, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from torch import Tensor

from autograder.answer import Answer, Fault, Submission
from autograder.domains import Listed
from autograder.evidence import MADE, Evidence, RandomTest, combine
from autograder.exercise import Exercise, Law, Unit
from autograder.fingerprints import diagnose
from autograder.verdict import UNGRADED, ExerciseVerdict, LawVerdict, Verdict, Witness, nothing

BOTH_PRECISIONS = (torch.float64, torch.float32)
"""Configurations alternate between them, so that every answer meets both."""

SHRINK_CALLS = 150
"""How often a broken law may be tried again to find a smaller witness; past it the best row so far is shown."""


def judge_submission(
    unit: Unit, transport: Submission, *, seed: int = 0, device: str = "cpu", student: str = "", only: str | None = None
) -> Verdict:  # fmt: skip
    """Every exercise of a unit, judged against a session that has loaded the submission.

    An error of the grader's own leaves the exercise at hand pending, and the others as they are.
    """

    def judged(exercise: Exercise) -> ExerciseVerdict:
        try:
            return check_exercise(exercise, transport, seed=seed, device=device)
        except Exception:
            return replace(nothing(exercise, "pending", UNGRADED), report=traceback.format_exc())

    chosen = [exercise for exercise in unit.exercises.values() if only in (None, exercise.name)]
    return Verdict(unit.slug, student, tuple(judged(exercise) for exercise in chosen))


def check_exercise(
    exercise: Exercise, transport: Submission, *, seed: int = 0, device: str = "cpu"
) -> ExerciseVerdict:  # fmt: skip
    """The laws of one exercise against one answer."""
    answer = Answer(exercise, transport, device)
    found = {law.name: sweep(law, answer, seed) for law in exercise.laws}
    decisive = exercise.decisive
    if exercise.deterministic and found[decisive.name].evidence == "holds":
        found[decisive.name] = repeat(decisive, answer, seed, found[decisive.name])
    whole = common_fault(found)
    if whole is not None and whole.fault is not None and whole.fault.kind in ("not_defined", "not_yet"):
        status = "missing" if whole.fault.kind == "not_defined" else "not_yet"
        return nothing(
            exercise, status, whole.fault.message, whole.fault.where if status == "missing" else "", answer.printed
        )
    shrink_most_telling(exercise, found, answer, seed)
    verdicts = tuple(score(law, found, decisive) for law in exercise.laws)
    points = sum(verdict.points for verdict in verdicts)
    status = status_of(verdicts)
    return ExerciseVerdict(
        exercise.name, status, points, exercise.points, verdicts,
        diagnosis=diagnose(exercise, transport, device) if status in ("wrong", "partial") else None,
        message=whole.fault.message if whole and whole.fault else "",
        where=whole.fault.where if whole and whole.fault else "",
        printed=answer.printed, measure=exercise.measure,
    )  # fmt: skip


class Found:
    """What sweeping one law found, before points are given."""

    def __init__(self, evidence: str, margin: float = 0.0, message: str = "") -> None:
        self.evidence, self.margin, self.message = evidence, margin, message
        self.fault: Fault | None = None
        self.comparison: Evidence | None = None
        self.inputs: dict[str, Tensor] | None = None
        self.row = 0
        self.witness: Witness | None = None
        self.tests: list[list[RandomTest]] = []
        """The tests on random numbers that were run, one list a configuration."""


# ---- sweeping ------------------------------------------------------------------------------------------------------------


def sweep(
    law: Law, answer: Answer, seed: int, *, dtypes: Sequence[torch.dtype] = BOTH_PRECISIONS, thorough: bool = False
) -> Found:  # fmt: skip
    """Try a law on every configuration of sizes, all rows of one in one call, until one breaks it.

    The audit is `thorough`: it goes on where there are random numbers, to see what each configuration shows.
    """
    worst, said = 0.0, ""
    broken: Found | None = None
    undecided: Evidence | None = None
    tests: list[list[RandomTest]] = []
    for inputs, generator in configurations(law, answer.exercise, seed, answer.device, dtypes):
        answer.not_finite = False
        evidence = outcome_of(law, answer, inputs, generator)
        if isinstance(evidence, Found):  # it could not be compared, and would not be elsewhere
            broken = broken or evidence
            break
        tests.append(list(evidence.tests))
        if evidence.outcome == "broken" and broken is None:
            broken = Found("broken", float(evidence.margin.max()), evidence.note)
            broken.comparison, broken.inputs, broken.row = evidence, inputs, telling_row(evidence, inputs)
        if broken is not None and not (thorough and evidence.tests):
            break
        if evidence.outcome == "undecided":
            undecided = evidence
        worst, said = max(worst, float(evidence.margin.max()) if evidence.margin.numel() else 0.0), evidence.says
    found = broken or (
        Found("undecided", worst, undecided.note) if undecided is not None else Found("holds", worst, said)
    )
    found.tests = tests
    return found


def outcome_of(law: Law, answer: Answer, inputs: dict[str, Tensor], generator: torch.Generator) -> Evidence | Found:
    """The law's evidence on some inputs; or, where there is none, whose fault that is."""
    try:
        return apply(law, answer, inputs, generator)
    except Fault as fault:
        found = Found("broken", float("inf"), fault.message)
        found.fault = fault
        return found
    except Exception as problem:
        if not answer.not_finite:
            return Found("error", float("nan"), f"The grader's own check failed ({type(problem).__name__}: {problem}).")
        # A law may well crash on NaN: then the answer brought it about.
        found = Found("broken", float("inf"), "NaN or infinity came back.")
        found.fault = Fault("not_finite", "NaN or infinity came back.")
        return found


def apply(law: Law, answer: Answer, inputs: Mapping[str, Tensor], generator: torch.Generator) -> Evidence:
    extra = {"generator": generator} if law.takes_generator else {}
    before = MADE.set(made := [])
    try:
        evidence = law.check(answer, **inputs, **extra)
    finally:
        MADE.reset(before)
    evidence = evidence if isinstance(evidence, Evidence) else combine(evidence)
    return replace(evidence, tests=tuple(made))


def generator_for(exercise: Exercise, law: Law, seed: int, configuration: int) -> torch.Generator:
    """A law's own stream of random numbers: the same whatever else is checked, and in whichever order."""
    text = f"{seed}/{exercise.unit.slug}/{exercise.name}/{law.name}/{configuration}"
    return torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1)


def configurations(
    law: Law, exercise: Exercise, seed: int, device: torch.device, dtypes: Sequence[torch.dtype] = BOTH_PRECISIONS
) -> Iterator[tuple[dict[str, Tensor], torch.Generator]]:  # fmt: skip
    """Inputs at every listed size of the axes; dtypes alternate, so that float32 and float64 are both met.

    The decisive law also meets a row by itself, where the exercise takes batches.
    """
    if not law.where:
        yield {}, generator_for(exercise, law, seed, 0)
        return
    sizes = dict(law.sizes if law.sizes is not None else exercise.sizes)
    both = 1 if exercise.slow and not law.decisive else 2  # dtypes, where no sizes are listed
    count = max((len(values) for values in sizes.values()), default=both)
    rows = law.rows if law.rows is not None else exercise.rows
    for index in range(count):
        bound = {axis: values[index % len(values)] for axis, values in sizes.items()}
        generator = generator_for(exercise, law, seed, index)
        key = (law.name, seed, index)
        if key not in exercise.drawn:
            inputs = draw_inputs(law, exercise, bound, rows, generator)
            exercise.remember(key, (inputs, generator.get_state()))
        drawn, state = exercise.drawn[key]
        dtype = dtypes[index % len(dtypes)]
        yield {name: copied(value, dtype, device) for name, value in drawn.items()}, generator.set_state(state)
        if index == 0 and law.decisive and exercise.batch:  # a batch may be one row, too
            alone = {name: copied(value[:1], dtype, device) for name, value in drawn.items()}
            yield alone, generator_for(exercise, law, seed, count)


def copied(value: Tensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    return value.to(device, dtype if value.is_floating_point() else value.dtype, copy=True)


def shape_of(name: str, law: Law, exercise: Exercise, bound: Mapping[str, int]) -> tuple[int, ...]:
    """The shape of one row of an input."""
    declared = law.where[name].shape
    axes = tuple(declared.split()) if declared is not None else exercise.axes(name)
    if axes is None:
        raise ValueError(f"{law.name}: `{name}` is not in the signature of {exercise.name}; give its domain a shape=")
    inner = axes[1:] if exercise.batch and axes[:1] == (exercise.batch,) else axes
    return tuple(int(axis) if axis.isdigit() else bound[axis] for axis in inner)


def draw_inputs(
    law: Law, exercise: Exercise, bound: Mapping[str, int], rows: int, generator: torch.Generator
) -> dict[str, Tensor]:  # fmt: skip
    """Random rows, then the corner cases: each input at a corner with the others random, and all of them at one at once."""
    if any(isinstance(domain, Listed) for domain in law.where.values()):
        listed = next(domain for domain in law.where.values() if isinstance(domain, Listed))
        rows = len(listed.values)
        return {
            name: domain.sample(
                () if isinstance(domain, Listed) else (rows, *shape_of(name, law, exercise, bound)), generator
            )
            for name, domain in law.where.items()
        }
    shapes = {name: shape_of(name, law, exercise, bound) for name in law.where}
    corners = {name: [] if exercise.slow else domain.corners(shapes[name]) for name, domain in law.where.items()}
    placed: list[dict[str, Tensor]] = [{name: corner} for name in corners for corner in corners[name]]
    together = max(len(values) for values in corners.values())
    placed += [
        {name: values[index % len(values)] for name, values in corners.items() if values} for index in range(together)
    ]
    inputs = {name: domain.sample((rows + len(placed), *shapes[name]), generator) for name, domain in law.where.items()}
    for row, fixed in enumerate(placed, start=rows):
        for name, value in fixed.items():
            inputs[name][row] = value
    return inputs


def telling_row(evidence: Evidence, inputs: Mapping[str, Tensor]) -> int:
    """Of the broken rows the one with the plainest numbers; rows that are not rows of the inputs count as the first."""
    broken = torch.nonzero(evidence.margin.cpu() > 1).flatten()
    if not inputs or len(evidence.margin) != len(next(iter(inputs.values()))):
        return 0
    size = sum(value.detach().cpu().double().flatten(1).abs().sum(1) if value.dim() > 1 else value.detach().cpu().double().abs()
               for value in inputs.values())  # fmt: skip
    assert isinstance(size, Tensor)
    return int(broken[size[broken].argmin()])


def repeat(law: Law, answer: Answer, seed: int, before: Found) -> Found:
    """Ask the same question again, when all others have been asked: an answer without randomness of its own must give the same
    output, twice, and one that was right must still be."""
    inputs, generator = next(configurations(law, answer.exercise, seed, answer.device))
    names = [name for name in answer.exercise.parameters if name in inputs]
    arguments = [inputs[name][:2] if answer.exercise.slow else inputs[name] for name in names]
    answer.not_finite = False

    def asked() -> list[Any]:
        return leaves(answer(*arguments)) if len(names) == len(answer.exercise.parameters) else []

    try:
        first = asked()
        again = outcome_of(law, answer, inputs, generator)  # in between: whoever is wrong by now is wrong here
        if isinstance(again, Found):
            return again
        second = asked()
        if (
            again.outcome != "broken"
            and len(first) == len(second)
            and all(same(a, b) for a, b in zip(first, second, strict=True))
        ):
            return before
        raise Fault(
            "not_deterministic",
            "The same inputs gave different outputs in two calls. This function has no randomness of its own: it depends on its "
            "arguments alone, and keeps nothing from one call to the next.",
        )
    except Fault as fault:
        found = Found("broken", float("inf"), fault.message)
        found.fault = fault
        return found


def leaves(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list | tuple) else [value]


def same(a: Any, b: Any) -> bool:
    """Equal up to the rounding of another order of summation, which parallel hardware may take."""
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        return type(a) is type(b)
    return a.shape == b.shape and bool(
        torch.allclose(a.double(), b.double(), rtol=1e-4 if a.dtype == torch.float32 else 1e-9, equal_nan=True)
    )


# ---- shrinking -----------------------------------------------------------------------------------------------------------


def shrink_most_telling(exercise: Exercise, found: Mapping[str, Found], answer: Answer, seed: int) -> None:
    """Find the smallest witness for one law: the decisive one if it broke, else the first that did."""
    del seed
    for law in exercise.laws:  # the decisive law comes first
        result = found[law.name]
        if result.evidence == "broken" and result.comparison is not None:
            result.witness = witness_for(law, answer, result)
            return


def witness_for(law: Law, answer: Answer, found: Found) -> Witness:
    """The broken row, made as small as it can be within the budget of calls, as something to paste into a cell."""
    comparison, inputs = found.comparison, found.inputs
    assert comparison is not None
    assert inputs is not None
    if not inputs or len(comparison.margin) != len(next(iter(inputs.values()))):
        return show_witness(answer, {}, comparison, found.row, shrunk=False)
    row = {name: value[found.row : found.row + 1] for name, value in inputs.items()}
    if comparison.tests:  # drawing again would be another test, with a chance of its own
        return show_witness(answer, row, comparison, found.row, shrunk=False)
    note = (
        "Given alone, this row comes out right; together with other rows it does not. Rows must not influence each other: "
        "is something summed or averaged over the batch?"
    )
    try:
        alone = apply(law, answer, row, torch.Generator().manual_seed(0))
    except Fault as fault:
        alone, note = None, f"Given alone, this row does not come out at all. {fault.message}"
    except Exception:
        alone, note = None, ""
    if alone is None or alone.outcome != "broken":
        return replace(show_witness(answer, row, comparison, found.row, shrunk=False), note=note)
    smallest, evidence = shrink(law, answer, row, alone)
    return show_witness(answer, smallest, evidence, 0, shrunk=True)


def broken_at(law: Law, answer: Answer, row: Mapping[str, Tensor]) -> Evidence | None:
    """The evidence, if the law breaks on this one row."""
    try:
        evidence = apply(law, answer, row, torch.Generator().manual_seed(0))
    except Exception:
        return None
    return evidence if evidence.outcome == "broken" else None


def shrink(law: Law, answer: Answer, row: dict[str, Tensor], alone: Evidence) -> tuple[dict[str, Tensor], Evidence]:
    """Let Hypothesis look for the simplest row that still breaks the law; past the budget, the best one so far."""
    entries = sum(value.numel() for value in row.values())
    if answer.exercise.slow or any(isinstance(law.where[name], Listed) for name in row) or entries > 200:
        return row, alone
    best = (row, alone)
    tried: dict[bytes, bool] = {key_of(row): True}

    def still_broken(values: tuple[Tensor, ...]) -> bool:
        nonlocal best
        candidate = dict(zip(row, values, strict=True))
        key = key_of(candidate)
        if key not in tried and len(tried) <= SHRINK_CALLS:
            evidence = broken_at(law, answer, candidate)
            tried[key] = evidence is not None
            if evidence is not None and complexity(candidate) < complexity(best[0]):
                best = (candidate, evidence)
        return tried.get(key, False)

    examples = st.tuples(*(law.where[name].around(value, entries) for name, value in row.items()))
    quiet = settings(
        max_examples=SHRINK_CALLS, derandomize=True, database=None, deadline=None, verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink), suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
    )  # fmt: skip
    try:
        find(examples, still_broken, settings=quiet)
    except NoSuchExample:  # the budget ended before Hypothesis met a broken row: the row itself is reported
        pass
    return best


def key_of(row: Mapping[str, Tensor]) -> bytes:
    return b"|".join(value.detach().cpu().contiguous().numpy().tobytes() for value in row.values())


def complexity(row: Mapping[str, Tensor]) -> float:
    """How much a person has to read: digits of every entry, then their size."""
    total = 0.0
    for value in itertools.chain.from_iterable(
        tensor.detach().cpu().double().flatten().tolist() for tensor in row.values()
    ):
        total += len(f"{value:.6g}") + min(abs(value), 1e3) * 1e-3
    return total


def show_witness(answer: Answer, row: Mapping[str, Tensor], evidence: Evidence, index: int, *, shrunk: bool) -> Witness:
    exercise = answer.exercise

    def entry(value: Tensor | None, exact: bool = False) -> str:
        return (
            ""
            if value is None or not value.dim() or index >= len(value)
            else literal(value[index].detach().cpu(), exact)
        )

    got, expected = entry(evidence.got), entry(evidence.expected)
    if got == expected:  # they differ in later digits: show them
        got, expected = entry(evidence.got, True), entry(evidence.expected, True)

    names = [name for name in exercise.parameters if name in row]
    lines = ["import torch"] if row else []
    for name, value in row.items():
        shown = value if exercise.batch else value[0]
        lines.append(f"{name} = {tensor_literal(shown)}")
    if row and len(names) == len(exercise.parameters):
        lines.append(f"{exercise.name}({', '.join(names)})")
    return Witness("\n".join(lines), got, expected, evidence.relation, evidence.what, evidence.note, shrunk)


def literal(value: Tensor, exact: bool = False) -> str:
    return format_numbers(value.tolist(), exact)


def tensor_literal(value: Tensor) -> str:
    dtype = f", dtype={value.dtype}" if value.dtype not in (torch.int64, torch.bool) else ""
    numbers = format_numbers(value.detach().cpu().tolist(), exact=True)
    return f"torch.tensor({numbers}{dtype})"


def format_numbers(value: Any, exact: bool = False) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(format_numbers(item, exact) for item in value) + "]"
    return format_number(value, exact)


def format_number(value: float | int | bool, exact: bool = False) -> str:
    if isinstance(value, bool | int):
        return str(value)
    if value != value or value in (float("inf"), float("-inf")):
        return f'float("{value}")' if exact else str(value)
    return repr(value) if exact else f"{value:.6g}"


# ---- points --------------------------------------------------------------------------------------------------------------


def common_fault(found: Mapping[str, Found]) -> Found | None:
    """The fault that all laws share, if they do: then it is said once, for the exercise."""
    faults = [result for result in found.values() if result.fault is not None]
    kinds = {(result.fault.kind, result.fault.message) for result in faults if result.fault}
    ran = [result for result in found.values() if result.evidence != "error"]
    return faults[0] if faults and len(faults) == len(ran) and len(kinds) == 1 else None


def score(law: Law, found: Mapping[str, Found], decisive: Law) -> LawVerdict:
    """A law's points are earned where it holds, once the decisive law holds; what nobody could decide stays pending."""
    result, gate = found[law.name], found[decisive.name].evidence
    earned = law.points if result.evidence == "holds" and (gate == "holds" or law.standalone) else 0.0
    message = result.message
    if result.evidence == "holds" and not earned and law.points:
        message = "Holds; its points are earned once the first law holds."
    if result.fault is not None and result.fault.where:
        message = f"{message} ({result.fault.where})"
    return LawVerdict(
        law.name,
        law.sentence,
        result.evidence,
        earned,
        law.points,
        law.decisive,
        message,
        result.witness,
        result.margin,
        sum(test.alpha for configuration in result.tests for test in configuration),
    )


def status_of(laws: tuple[LawVerdict, ...]) -> str:
    """Pending where a question is open, a law's own failure included; past a broken decisive law no answer to it could matter."""
    decisive = next(law for law in laws if law.decisive)
    if decisive.evidence == "broken":
        return "wrong"
    if any(law.evidence in ("undecided", "error") for law in laws):
        return "pending"
    return "correct" if all(law.evidence == "holds" for law in laws) else "partial"
