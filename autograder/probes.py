"""Choosing the inputs on which a unit's misconceptions are told apart, and writing down what each returns there.

    refresh(folder)     make `fingerprints.json` anew where it is stale; `dlvm release` does it
    stale(folder)       in a word, what is wrong with the file; "" where it is up to date
    differences(folder) a sentence for every misconception that does something else than the file says

Inputs come from the laws' own domains: random rows and corner cases, at every size, the decisive law's first. Of these just so
many rows are kept that every misconception differs on several of them from every other, from every right answer (the
notebook's solution and the variations) and from every trivial one. Where values cannot do that, slopes must. Where slopes
cannot either, the author is told which two answers are alike.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autograder.answer import Answer, Fault, LocalTransport, map_leaves
from autograder.audit.trying import notebook_session, trivial_answers
from autograder.exercise import ArraySpec, Exercise, Unit
from autograder.fingerprints import (
    FILE,
    RESTLESS,
    SCHEMA,
    Outcome,
    Probe,
    Watching,
    apart,
    ask,
    from_json,
    is_same,
    on,
    outcome_to_json,
    scales_of,
    slope,
    tensor_from_json,
    tensor_to_json,
)
from autograder.judge import draw_inputs, generator_for
from autograder.misconceptions import Entry, load
from autograder.session import Session
from autograder.verdict import Diagnosis

POOL_ROWS = 32
"""So many random rows of each law and size are looked through, and all of its corner cases."""
BASE_ROWS = 3
"""So many rows of the decisive law are kept at every size, whether they are needed to tell answers apart or not."""
TELLING_ROWS = 3
"""On so many rows any two answers should differ, as far as there are such rows: one row may coincide by accident."""
DISTINCT = 10.0
"""So many times what counts as the same must two answers differ, for probes that are compared up to rounding."""
DISTINCT_AT_STATED = 2.0
"""The same where the author states a tolerance: no answer can then be within it of two misconceptions."""


class Indistinct(Exception):
    """Misconceptions that nothing could recognise; the message has a sentence for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


# ---- the file ------------------------------------------------------------------------------------------------------------


def refresh(folder: Path) -> bool:
    """Make the unit's fingerprints anew if they are stale; whether anything changed. Raises `Indistinct`."""
    if not stale(folder):
        return False
    path, text = folder / FILE, generated(folder)
    if text is None:
        path.unlink()
        return True
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8", newline="\n")
    return True


def stale(folder: Path) -> str:
    """In a word, what is wrong with the unit's fingerprints: that of its sources they were not made. "" where nothing is."""
    path, misconceptions = folder / FILE, folder / "misconceptions.py"
    made = damaged = False
    if path.is_file():
        try:
            made = json.loads(path.read_text(encoding="utf-8"))["made_from"] == made_from(folder)
        except (ValueError, LookupError, TypeError):
            damaged = True
    if made and misconceptions.is_file():
        return ""
    if not misconceptions.is_file() or all(entry.right for entry in load(folder)):
        return "there are no misconceptions that it could be made from" if path.is_file() else ""
    return "damaged" if damaged else "out of date" if path.is_file() else "missing"


def made_from(folder: Path) -> str:
    """A hash of all that fingerprints depend on: laws, misconceptions, what is given, and the notebook's code and headings."""
    pieces = [SCHEMA]
    for name in ("laws.py", "given.py", "misconceptions.py"):
        path = folder / name
        pieces.append(path.read_text(encoding="utf-8") if path.is_file() else "")
    notebook = folder / f"{folder.name}.ipynb"
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if notebook.is_file() else []:
        source = "".join(cell["source"])
        pieces.append(source if cell["cell_type"] == "code" else "\n".join(headings_in(source)))
    return hashlib.sha256("\0".join(pieces).encode()).hexdigest()


def generated(folder: Path) -> str | None:
    """The text of the unit's fingerprints.json, the same every time; None where there are no misconceptions."""
    unit, entries = Unit.load(folder), load(folder)
    if all(entry.right for entry in entries):
        return None
    (solutions, _), headings = notebook_session(unit), headings_above(folder)
    exercises: dict[str, Any] = {}
    problems: list[str] = []
    for exercise in unit.exercises.values():
        mine = [entry for entry in entries if entry.exercise == exercise.name]
        if all(entry.right for entry in mine):
            continue
        try:
            exercises[exercise.name] = taken(exercise, mine, solutions, headings)
        except Indistinct as found:
            problems += [f"{exercise.name}: {problem}" for problem in found.problems]
    if problems:
        raise Indistinct(problems)
    return (
        laid_out({"schema": SCHEMA, "unit": unit.slug, "made_from": made_from(folder), "exercises": exercises}) + "\n"
    )


def differences(folder: Path) -> list[str]:
    """A sentence for every misconception that says or does something else than the file has it, up to rounding.

    It asks the probes that are in the file: which ones would be drawn today depends on the version of torch.
    """
    unit, entries, headings = Unit.load(folder), load(folder), headings_above(folder)
    recorded = json.loads((folder / FILE).read_text(encoding="utf-8"))["exercises"]
    wrong = {(entry.exercise, entry.name): entry for entry in entries if not entry.right}
    there = {(exercise, name) for exercise, data in recorded.items() for name in data["misconceptions"]}
    found = [f"{exercise}: {name} is not in it" for exercise, name in wrong if (exercise, name) not in there]
    found += [f"{exercise}: {name} is in it and no misconception" for exercise, name in sorted(there - set(wrong))]
    for name in [name for name in unit.exercises if name in recorded]:
        exercise = unit.exercises[name]
        known = from_json(exercise, recorded[name])
        mine = [wrong[name, item.diagnosis.name] for item in known.prints if (name, item.diagnosis.name) in wrong]
        candidates = {candidate.name: candidate for candidate in misconceptions_of(exercise, mine)}
        if known.probes:
            find_restless(exercise, list(candidates.values()), known.probes[0])
        for item in known.prints:
            candidate = candidates.get(item.diagnosis.name)
            if candidate is None or candidate.entry is None:
                continue
            entry = candidate.entry
            if item.diagnosis != Diagnosis(entry.name, entry.belief, entry.story, read_on(entry, headings)):
                found.append(f"{name}: {entry.name} says something else now")
            asked = [
                *zip(known.probes, item.outcomes, strict=True),
                *((known.steep[w], o) for w, o in item.slopes.items()),
            ]
            if not all(
                is_same(outcome, outcome_on(candidate, probe), probe, known.tolerance) for probe, outcome in asked
            ):
                found.append(f"{name}: {entry.name} returns something else now")
    return found


def laid_out(data: Any, depth: int = 0) -> str:
    """JSON with sorted keys, a line for every probe and every misconception: short, and a change shows where it is."""
    if depth == 4 or not data or not isinstance(data, dict | list):
        return json.dumps(data, ensure_ascii=False, allow_nan=False, sort_keys=True)
    if isinstance(data, dict):
        items = [f"{json.dumps(key)}: {laid_out(data[key], depth + 1)}" for key in sorted(data)]
    else:
        items = [laid_out(item, depth + 1) for item in data]
    opening, closing = "{}" if isinstance(data, dict) else "[]"
    margin = " " * depth
    return f"{opening}\n" + ",\n".join(f"{margin} {item}" for item in items) + f"\n{margin}{closing}"


# ---- where to read on ----------------------------------------------------------------------------------------------------


def headings_in(markdown: str) -> list[str]:
    """The lines of a Markdown cell that are headings."""
    return [line.rstrip() for line in markdown.splitlines() if re.match(r"#{1,6} ", line)]


def headings_above(folder: Path) -> dict[str, Any]:
    """Of the unit's notebook: all headings ("all"), and by exercise the nearest one above its answer that has a subject.

    "Exercise 4: `kl_gaussian`" has none: the section that it stands in does.
    """
    path = folder / f"{folder.name}.ipynb"
    found: dict[str, Any] = {"all": [], "by_exercise": {}}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if path.is_file() else []:
        if cell["cell_type"] == "markdown":
            found["all"] += [line.lstrip("# ") for line in headings_in("".join(cell["source"]))]
        marks = cell.get("metadata", {}).get("nbgrader", {})
        if cell["cell_type"] == "code" and marks.get("solution"):
            name = marks.get("grade_id", "")
            above = [heading for heading in found["all"] if f"`{name}`" not in heading]
            found["by_exercise"][name] = above[-1] if above else ""
    return found


def read_on(entry: Entry, headings: Mapping[str, Any]) -> str:
    """Where students are sent: the heading or work that the author names, by default the exercise's own section."""
    if not entry.read_on:
        heading = headings["by_exercise"].get(entry.exercise, "")
        return f"“{heading}”, in this notebook" if heading else ""
    if entry.read_on in headings["all"]:
        return f"“{entry.read_on}”, in this notebook"
    if re.search(r"\(\d{4}\)", entry.read_on):
        return entry.read_on
    raise Indistinct([
        f"{entry.name} sends students to {entry.read_on!r}, which is no heading of the notebook, word for word, nor a work with "
        "its year in parentheses. Correct its read_on."
    ])  # fmt: skip


# ---- the answers to tell apart -------------------------------------------------------------------------------------------


@dataclass
class Candidate:
    """An answer to one exercise."""

    name: str
    answer: Answer
    entry: Entry | None = None
    """The misconception that it is; None for answers that must never be taken for one."""
    restless: bool = False
    outcomes: list[Outcome | None] = field(default_factory=list)
    """On every probe."""


def candidates_for(exercise: Exercise, entries: Sequence[Entry], solutions: Session | None) -> list[Candidate]:
    """Right answers first, then trivial ones, then the misconceptions."""
    found = []
    if solutions is not None and exercise.name in solutions.names:
        found.append(Candidate("the notebook's solution", Answer(exercise, Watching(LocalTransport(solutions)))))
    right = {f"the variation {entry.name}": entry.function for entry in entries if entry.right}
    if not found and not right:
        raise Indistinct(["there is no right answer, in the notebook or as a variation, to compare with. Write one."])
    trivial = {f"the trivial answer “{name}”": function for name, function in trivial_answers(exercise).items()}
    trivial |= {f"{name} without a slope": detached(function) for name, function in trivial.items()}
    found += [Candidate(name, answered_by(exercise, function)) for name, function in (right | trivial).items()]
    return found + misconceptions_of(exercise, entries)


def detached(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same values, and no gradient: what a plain constant has."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        with torch.no_grad():
            value = function(*args, **kwargs)
        return map_leaves(lambda leaf: leaf.detach() if isinstance(leaf, Tensor) else leaf, value)

    return answer


def misconceptions_of(exercise: Exercise, entries: Iterable[Entry]) -> list[Candidate]:
    wrong = [entry for entry in entries if not entry.right]
    return [Candidate(entry.name, answered_by(exercise, entry.function), entry) for entry in wrong]


def answered_by(exercise: Exercise, function: Any) -> Answer:
    session = Session(given=exercise.unit.given)
    session.names[exercise.name] = function
    return Answer(exercise, Watching(LocalTransport(session)))


def outcome_on(candidate: Candidate, probe: Probe) -> Outcome | None:
    if candidate.restless:
        return RESTLESS
    try:
        return ask(candidate.answer, probe.question)
    except Fault:
        return None


# ---- taking the fingerprints of one exercise -----------------------------------------------------------------------------


def taken(
    exercise: Exercise, entries: Sequence[Entry], solutions: Session | None, headings: Mapping[str, Any]
) -> dict[str, Any]:
    """One exercise's part of the file."""
    candidates = candidates_for(exercise, entries, solutions)
    tolerance = exercise.own_probe.tolerance if exercise.own_probe else None
    if exercise.own_probe is not None:
        first = Probe(exercise.own_probe.ask, 1, ())
        probes = [Probe(first.question, 1, tuple(rounded(scales_of(outcome_on(candidates[0], first)))))]
        find_restless(exercise, candidates, probes[0])
    else:
        probes = chosen_probes(exercise, candidates)
    for candidate in candidates:
        candidate.outcomes = [outcome_on(candidate, probe) for probe in probes]
    problems = [
        f"{candidate.name} raises on every probe. The exception says itself what is wrong: leave it out, or let it return."
        for candidate in candidates
        if candidate.entry is not None and all(outcome is None for outcome in candidate.outcomes)
    ]
    alike = [pair for pair in pairs(candidates) if not told_apart(*pair, probes, tolerance)]
    steep: dict[str, Probe] = {}
    slopes: dict[str, dict[str, Outcome | None]] = {}
    if alike and exercise.own_probe is None:
        steep, slopes, alike = by_slopes(exercise, candidates, alike, probes)
    if problems or alike:
        raise Indistinct(problems + [sentence_about(*pair, exercise) for pair in alike])

    data: dict[str, Any] = {
        "probes": [probe_to_json(probe) for probe in probes],
        "misconceptions": {
            candidate.name: {
                "belief": candidate.entry.belief, "story": candidate.entry.story,
                "read_on": read_on(candidate.entry, headings),
                "returns": [outcome_to_json(outcome) for outcome in candidate.outcomes],
            }
            for candidate in candidates if candidate.entry is not None
        },
    }  # fmt: skip
    if steep:
        at = next(index for index, probe in enumerate(probes) if probe.inputs is next(iter(steep.values())).inputs)
        scales = {name: [tensor_to_json(scale, 3) for scale in probe.scales] for name, probe in steep.items()}
        data["slopes"] = {"probe": at, "scales": scales}
        for name, outcomes in slopes.items():
            data["misconceptions"][name]["slopes"] = {
                wrt: outcome_to_json(outcome) for wrt, outcome in outcomes.items()
            }
    return data


def probe_to_json(probe: Probe) -> dict[str, Any]:
    data: dict[str, Any] = {"scales": [tensor_to_json(scale, 3) for scale in probe.scales]}
    if probe.inputs:
        data["inputs"] = {name: tensor_to_json(value) for name, value in probe.inputs.items()}
    return data


def rounded(tensors: Sequence[Tensor], digits: int = 3) -> list[Tensor]:
    """As they will be read back from the file."""
    return [tensor_from_json(json.loads(json.dumps(tensor_to_json(tensor, digits)))) for tensor in tensors]


def find_restless(exercise: Exercise, candidates: Sequence[Candidate], probe: Probe) -> None:
    """Mark the misconceptions that answer anew at every call, where the exercise has no randomness of its own."""
    for candidate in candidates:
        if exercise.deterministic and candidate.entry is not None:
            once, again = outcome_on(candidate, probe), outcome_on(candidate, probe)
            tolerance = exercise.own_probe.tolerance if exercise.own_probe else None
            candidate.restless = bool((apart(once, again, probe.scales, tolerance, probe.rows) > 1).any())


def pairs(candidates: Sequence[Candidate]) -> Iterator[tuple[Candidate, Candidate]]:
    """Every misconception with everything that it must not be taken for."""
    for place, candidate in enumerate(candidates):
        if candidate.entry is not None:
            yield from ((candidate, other) for other in candidates[:place])


def between(a: Outcome | None, b: Outcome | None, probe: Probe, tolerance: float | None) -> Tensor:
    """The distance of two recorded outcomes in every row, seen from the one that is nearer."""
    there = apart(a, b, probe.scales, tolerance, probe.rows)
    return torch.minimum(there, apart(b, a, probe.scales, tolerance, probe.rows))


def told_apart(a: Candidate, b: Candidate, probes: Sequence[Probe], tolerance: float | None) -> bool:
    needed = DISTINCT if tolerance is None else DISTINCT_AT_STATED
    distances = (between(x, y, probe, tolerance) for x, y, probe in zip(a.outcomes, b.outcomes, probes, strict=True))
    return any(bool((distance > needed).any()) for distance in distances)


def sentence_about(misconception: Candidate, other: Candidate, exercise: Exercise) -> str:
    """Who is like whom, and what the author can do about it."""
    own = exercise.own_probe is not None
    where = "the author's probe" if own else "every probe, slopes included"
    if other.entry is None:
        mend = (
            "let the probe ask what shows it, or state a smaller tolerance"
            if own
            else "give the decisive law, or another that draws all of the exercise's arguments, a domain that shows it"
        )
        return f"{misconception.name} returns the same as {other.name} on {where}. If it is wrong, {mend}."
    mend = "let the probe ask what tells them apart" if own else "make a law try inputs on which they differ"
    return (
        f"{misconception.name} and {other.name} return the same on {where}: no student's answer could be told to be the "
        f"one or the other. Leave one out, or {mend}."
    )


# ---- choosing inputs -----------------------------------------------------------------------------------------------------


@dataclass
class Pool:
    """Rows of one law at one size, to choose from, and every candidate's distance to every other on them."""

    inputs: dict[str, Tensor]
    rows: int
    decisive: bool
    random: int
    """How many of the rows, from the first, are no corner cases."""
    scales: list[Tensor]
    """How large the right answer is, one tensor a value, one number a row."""
    finite: Tensor
    """Rows on which the right answer is."""
    fit: Tensor
    """Rows on which every misconception is well-conditioned."""
    telling: Tensor
    """[pairs, rows]: where the two of a pair differ."""


def chosen_probes(exercise: Exercise, candidates: list[Candidate]) -> list[Probe]:
    """The fewest rows that tell every misconception from everything else several times, grouped into calls."""
    if not all(isinstance(spec, ArraySpec) for spec in exercise.parameters.values()) or exercise.is_class:
        raise Indistinct([UNCALLABLE.format(name=exercise.name, why="does not take tensors alone")])
    if not exercise.deterministic:
        raise Indistinct([UNCALLABLE.format(name=exercise.name, why="has randomness of its own")])
    drawn = list(pools(exercise))
    if not drawn:
        raise Indistinct([UNCALLABLE.format(name=exercise.name, why="has no law that draws all of its arguments")])
    find_restless(exercise, candidates, Probe(on(drawn[0][1]), row_count(drawn[0][1]), ()))
    surveyed = [survey(exercise, inputs, decisive, random, candidates) for decisive, inputs, random in drawn]
    return list(grouped(surveyed, chosen_rows(surveyed)))


UNCALLABLE = (
    "it {why}, so nothing is known about what to ask its misconceptions. Declare in laws.py how they are recognised, with "
    "@{name}.probe(): a function of the answer that returns tensors."
)


def pools(exercise: Exercise) -> Iterator[tuple[bool, dict[str, Tensor], int]]:
    """(of the decisive law, inputs, how many are random) for every law that draws all of the exercise's arguments."""
    for law in exercise.laws:
        if not set(exercise.parameters) <= set(law.where):
            continue
        sizes = dict(law.sizes if law.sizes is not None else exercise.sizes)
        rows = min(POOL_ROWS, exercise.rows)
        for index in range(max((len(values) for values in sizes.values()), default=1)):
            bound = {axis: values[index % len(values)] for axis, values in sizes.items()}
            inputs = draw_inputs(law, exercise, bound, rows, generator_for(exercise, law, 0, index))
            inputs = {name: inputs[name] for name in exercise.parameters}
            if exercise.batch is None:
                inputs = {name: value[:64] for name, value in inputs.items()}  # so many are mapped
            inputs = dict(zip(inputs, rounded(list(inputs.values()), 12), strict=True))
            yield law.decisive, inputs, min(rows, row_count(inputs))


def row_count(inputs: Mapping[str, Tensor]) -> int:
    return len(next(iter(inputs.values())))


def survey(
    exercise: Exercise, inputs: dict[str, Tensor], decisive: bool, random: int, candidates: Sequence[Candidate]
) -> Pool:
    rows = row_count(inputs)
    bare = Probe(on(inputs), rows, ())
    outcomes = {candidate.name: outcome_on(candidate, bare) for candidate in candidates}
    right = outcomes[candidates[0].name]
    probe = Probe(on(inputs), rows, tuple(scales_of(right)), inputs)
    finite = torch.ones(rows, dtype=torch.bool)
    for value in right.values if right is not None else ():
        finite &= value.isfinite().reshape(rows, -1).all(1) if value.shape[:1] == (rows,) else True
    telling = [between(outcomes[a.name], outcomes[b.name], probe, None) > DISTINCT for a, b in pairs(candidates)]
    return Pool(
        inputs, rows, decisive, random, list(probe.scales), finite, well_conditioned(inputs, candidates),
        torch.stack(telling) if telling else torch.zeros(0, rows, dtype=torch.bool),
    )  # fmt: skip


def well_conditioned(inputs: Mapping[str, Tensor], candidates: Sequence[Candidate]) -> Tensor:
    """Rows on which every misconception agrees with itself in float32, to half of float32's digits.

    Half of the digits is what counts as the same in float64, too: an answer that loses more than half of them to rounding
    could not be recognised there. What it loses does not depend on how many there are.
    """
    single = {name: value.float() if value.is_floating_point() else value for name, value in inputs.items()}
    double = {name: value.double() if value.is_floating_point() else value for name, value in single.items()}
    rows = row_count(inputs)
    fit = torch.ones(rows, dtype=torch.bool)
    exact = outcome_on(candidates[0], Probe(on(double), rows, ()))
    scales = [scale.float() for scale in scales_of(exact)]
    for candidate in candidates:
        if candidate.entry is None or candidate.restless:
            continue
        fine, coarse = (outcome_on(candidate, Probe(on(x), rows, ())) for x in (double, single))
        if fine is None or coarse is None:
            continue
        values = tuple(v.float() if v.is_floating_point() else v for v in fine.values)
        coarse = Outcome(
            tuple(v.float() if v.is_floating_point() else v for v in coarse.values), coarse.fault, coarse.changed
        )
        fit &= apart(Outcome(values, fine.fault, fine.changed), coarse, scales, None, rows) <= 1
    return fit


def chosen_rows(surveyed: Sequence[Pool]) -> list[list[int]]:
    """By pool, the rows to keep: some of the decisive law's at every size, then greedily the row that tells most that is
    not told often enough yet."""
    fit = torch.cat([pool.fit for pool in surveyed])
    telling = torch.cat([pool.telling for pool in surveyed], 1) & fit
    needed = telling.sum(1).clamp_max(TELLING_ROWS)
    kept: list[int] = []
    start = 0
    for pool in surveyed:
        usable = torch.nonzero(pool.fit[: pool.random] & pool.finite[: pool.random]).flatten()
        kept += [start + int(row) for row in usable[:BASE_ROWS]] if pool.decisive else []
        start += pool.rows
    told = telling[:, kept].sum(1)
    while bool((told < needed).any()):
        gain = telling[told < needed].sum(0)
        gain[kept] = 0
        best = int(gain.argmax())
        kept.append(best)
        told = told + telling[:, best]
    starts = [sum(pool.rows for pool in surveyed[:place]) for place in range(len(surveyed))]
    return [
        sorted(row - start for row in kept if start <= row < start + pool.rows)
        for start, pool in zip(starts, surveyed, strict=True)
    ]


def grouped(surveyed: Sequence[Pool], kept: Sequence[Sequence[int]]) -> Iterator[Probe]:
    """Rows of equal shape in one call, those with infinite right answers by themselves: a mean over the batch would be
    infinite with them everywhere, and look like any other such mean."""
    together: dict[tuple[Any, ...], list[tuple[Pool, int]]] = {}
    for pool, rows in zip(surveyed, kept, strict=True):
        for row in rows:
            key = (bool(pool.finite[row]), *(tuple(value.shape[1:]) for value in pool.inputs.values()))
            together.setdefault(key, []).append((pool, row))
    for rows in together.values():
        names, values = rows[0][0].inputs, range(len(rows[0][0].scales))
        inputs = {name: torch.stack([pool.inputs[name][row] for pool, row in rows]) for name in names}
        scales = [torch.stack([pool.scales[place][row] for pool, row in rows]) for place in values]
        yield Probe(on(inputs), len(rows), tuple(rounded(scales)), inputs)


# ---- slopes --------------------------------------------------------------------------------------------------------------


def by_slopes(
    exercise: Exercise, candidates: Sequence[Candidate], alike: Sequence[tuple[Candidate, Candidate]], probes: Sequence[Probe]
) -> tuple[dict[str, Probe], dict[str, dict[str, Outcome | None]], list[tuple[Candidate, Candidate]]]:  # fmt: skip
    """Slopes at the probe that tells most of what values cannot: what to ask, what came back, and who is alike even so."""
    best: tuple[dict[str, Probe], dict[str, dict[str, Outcome | None]], list[tuple[Candidate, Candidate]]]
    best = {}, {}, list(alike)
    arguments = [name for name, value in probes[0].inputs.items() if value.is_floating_point()]
    concerned = list(dict.fromkeys(candidate.name for pair in alike for candidate in pair if candidate.entry))
    for probe, right in zip(probes, candidates[0].outcomes, strict=True):
        if probe.rows < 2 or right is None or not all(bool(value.isfinite().all()) for value in right.values):
            continue
        steep, slopes = {}, {}
        for wrt in arguments:
            question = slope(probe.inputs, wrt)
            scales = scales_of(outcome_on(candidates[0], Probe(question, probe.rows, ())))
            steep[wrt] = Probe(question, probe.rows, tuple(rounded(scales)), probe.inputs)
            for candidate in {id(c): c for pair in alike for c in pair}.values():
                slopes.setdefault(candidate.name, {})[wrt] = outcome_on(candidate, steep[wrt])
        left = [
            (a, b) for a, b in alike
            if not any(bool((between(slopes[a.name][wrt], slopes[b.name][wrt], steep[wrt], None) > DISTINCT).any())
                       for wrt in arguments)
        ]  # fmt: skip
        if len(left) < len(best[2]):
            best = steep, {name: slopes[name] for name in concerned}, left
    return best
