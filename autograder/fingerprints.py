"""What misconceptions return on a few fixed inputs, so that a wrong answer can be recognised without any code being shipped.

`solutions/<unit>/fingerprints.json` holds, for every exercise, a handful of inputs (the *probes*) and what each misconception
returns on them, with its belief and its story. `autograder.probes` chooses the inputs and writes the file; students get it
with the laws. An answer whose exercise is broken is asked the same probes:

    diagnose(exercise, transport)   the one misconception that it answers like, as a Diagnosis; None: no guess

What counts is everything that comes back: values with their infinities and NaNs, shapes (a sum forgotten), the number of
results, an input that was changed, outputs that change from call to call, and, for those whose values are right, slopes. An
exception or a limit is no fingerprint: it says itself what is wrong.

**When two outputs are the same.** Another order of operations changes an output by c·eps·Σ|terms|, and of a misconception's
terms nothing is known. So outputs are the same if they agree in half of the dtype's digits: |a − b| ≤ √eps·scale, where scale
is the larger of the recorded row's and the right answer's magnitude. That leaves room for terms √eps/(64·eps) ≈ 10⁶ times as
large as what they add up to. Probes are chosen so that this is enough and not too much: on them every misconception agrees
with itself in float32 to half of *its* digits, and differs from every other and from all right answers by ten times the
tolerance or more. Where the author's own probe states a tolerance, that one holds, and any two differ by more than twice it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from autograder.answer import Answer, Fault, Submission
from autograder.exercise import Exercise
from autograder.verdict import Diagnosis, number

SCHEMA = "dlvm-fingerprints/1"
FILE = "fingerprints.json"

TELLING = ("wrong_shape", "wrong_type", "wrong_dtype", "mutated", "not_deterministic", "undifferentiable")
"""Faults that say something about how an answer was thought out. What came back with them is compared too."""
FINAL = ("not_defined", "not_yet", "cpu_limit", "wall_limit", "memory_limit", "died", "refused")
"""Faults after which it is no use to ask on."""


# ---- what an answer does on a probe --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What came back from one question."""

    values: tuple[Tensor, ...] = ()
    fault: str = ""
    """One of TELLING, or empty where nothing was wrong."""
    changed: tuple[str, ...] = ()
    """The places of the arguments that were changed."""


class Watching:
    """A transport that keeps the last reply: of a claim that is refused for its shape, the shape is what tells."""

    def __init__(self, inner: Submission) -> None:
        self.inner = inner
        self.folder = inner.folder
        self.reply: Any = {}

    def fresh(self) -> Watching:
        return Watching(self.inner.fresh())

    def request(self, request: dict[str, Any]) -> dict[str, Any]:
        self.reply = {}
        self.reply = self.inner.request(request)
        return self.reply

    def close(self) -> None:
        self.inner.close()


Question = Callable[[Answer], Any]


def ask(answer: Answer, question: Question) -> Outcome | None:
    """What the answer does; None where that is nothing to compare (an exception, an object). A fault of FINAL is raised."""
    watching = answer.transport
    assert isinstance(watching, Watching)
    try:
        values = tensors_in(question(answer))
        return None if values is None else Outcome(values)
    except Fault as fault:
        if fault.kind in FINAL:
            raise
        if fault.kind not in TELLING:
            return None
        reply = watching.reply if isinstance(watching.reply, dict) else {}
        values = tensors_in(reply["value"]) if "value" in reply else ()
        changed = reply.get("mutated") if fault.kind == "mutated" else ()
        places = tuple(str(place)[:80] for place in changed) if isinstance(changed, list | tuple) else ()
        return None if values is None else Outcome(values, fault.kind, places)


def tensors_in(value: Any) -> tuple[Tensor, ...] | None:
    """The tensors and numbers of a claim, flattened; None if there is anything else in it."""
    if isinstance(value, Tensor):
        return (value.detach().cpu(),)
    if isinstance(value, bool | int):
        return (torch.tensor(value),)
    if isinstance(value, float):
        return (torch.tensor(value, dtype=torch.float64),)
    if isinstance(value, list | tuple):
        inner = [tensors_in(item) for item in value]
        return None if any(item is None for item in inner) else tuple(leaf for item in inner for leaf in item or ())
    return None


def on(inputs: Mapping[str, Tensor]) -> Question:
    """The question: what do you return for these inputs?"""
    return lambda answer: answer(*(value.to(answer.device) for value in inputs.values()))


def slope(inputs: Mapping[str, Tensor], wrt: str) -> Question:
    """The question: how steep are you in one argument, from each row towards the next?

    Domains are convex, so that direction keeps covariances symmetric and probabilities adding up to one: along any other,
    right answers may differ in what autograd gives.
    """

    def question(answer: Answer) -> Tensor:
        here = {name: value.to(answer.device) for name, value in inputs.items()}
        gradient = answer.gradient(*here.values(), wrt=wrt).double()
        towards = here[wrt].roll(-1, 0) - here[wrt]
        return (gradient * towards).flatten(1).sum(1) if gradient.dim() > 1 else gradient * towards

    return question


# ---- how far two outcomes are apart --------------------------------------------------------------------------------------

Scales = Sequence[Tensor]
"""For every value that a right answer returns: its magnitude, one a row (or a single one, where it has no axes)."""


def apart(
    known: Outcome | None, other: Outcome | None, scales: Scales, tolerance: float | None, rows: int
) -> Tensor:  # fmt: skip
    """The distance of two outcomes in every row, in units of what counts as the same. Infinite where they differ in kind."""
    far, worst = torch.full((rows,), math.inf, dtype=torch.float64), torch.zeros(rows, dtype=torch.float64)
    if known is None or other is None:
        return worst if known is other else far
    if (known.fault, known.changed, len(known.values)) != (other.fault, other.changed, len(other.values)):
        return far
    for place, (value, claim) in enumerate(zip(known.values, other.values, strict=True)):
        if value.shape != claim.shape or value.is_floating_point() != claim.is_floating_point():
            return far
        scale = scales[place] if place < len(scales) else torch.zeros(())
        distance = value_apart(value, claim, scale, tolerance)
        by_row = distance.flatten(1).amax(1) if distance.dim() > 1 else distance
        worst = torch.maximum(worst, by_row if len(by_row) == rows else by_row.amax().expand(rows))
    return worst


def value_apart(value: Tensor, claim: Tensor, scale: Tensor, tolerance: float | None) -> Tensor:
    """Error over what counts as the same, entry by entry: at least one axis."""
    if not value.is_floating_point():
        return torch.where(value == claim, 0.0, math.inf).double().reshape(value.shape or (1,))
    a, b = (item.double().reshape(item.shape or (1,)) for item in (value, claim))
    same = (a == b) | (a.isnan() & b.isnan())
    error = torch.where(same, 0.0, (a - b).abs()).nan_to_num(nan=math.inf, posinf=math.inf)
    if tolerance is not None:
        return error / tolerance
    if torch.finfo(claim.dtype).bits < torch.finfo(value.dtype).bits:
        return torch.full_like(error, math.inf)  # coarser than what it should equal
    size = magnitude(a)
    if scale.numel() == len(size):
        size = torch.maximum(size, scale.double().reshape(-1))
    allowed = math.sqrt(torch.finfo(value.dtype).eps) * size.reshape(-1, *[1] * (a.dim() - 1))
    return torch.where(error == 0, 0.0, error / allowed)


def magnitude(value: Tensor) -> Tensor:
    """The largest finite entry of every row, 0 where there is none."""
    finite = torch.where(value.isfinite(), value.abs(), 0.0).double()
    return finite.flatten(1).amax(1) if finite.dim() > 1 else finite.reshape(-1)


def scales_of(right: Outcome | None) -> list[Tensor]:
    """The magnitude that a right answer's values have, in every row; where that is none (0 or ∞), as in its other rows."""
    scales = []
    for value in right.values if right is not None else ():
        size = magnitude(value) if value.is_floating_point() else torch.zeros(value.shape[:1], dtype=torch.float64)
        usual = size[size > 0].median() if bool((size > 0).any()) else torch.zeros((), dtype=torch.float64)
        scales.append(torch.where(size > 0, size, usual))
    return scales


# ---- the file ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Probe:
    """One question for every answer: inputs, or the author's own; and how large right answers are there."""

    question: Question
    rows: int
    scales: tuple[Tensor, ...]
    inputs: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Print:
    """One misconception by what it does: an outcome for every probe, and slopes where its values are not enough."""

    diagnosis: Diagnosis
    outcomes: tuple[Outcome | None, ...]
    slopes: Mapping[str, Outcome | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Fingerprints:
    """What is known of one exercise."""

    probes: tuple[Probe, ...]
    prints: tuple[Print, ...]
    steep: Mapping[str, Probe] = field(default_factory=dict)
    """By argument: the probe that asks for the slope in it."""
    tolerance: float | None = None


def known(exercise: Exercise) -> Fingerprints | None:
    """The exercise's fingerprints, if they lie beside its laws."""
    path = exercise.unit.folder / FILE if exercise.unit.folder else None
    if path is None or not path.is_file():
        return None
    stamp = path.stat()
    exercises = read(path, stamp.st_mtime_ns, stamp.st_size)["exercises"]
    return from_json(exercise, exercises[exercise.name]) if exercise.name in exercises else None


@lru_cache(maxsize=8)
def read(path: Path, changed: int, size: int) -> Any:
    """The file as data, read once for a class."""
    del changed, size
    data = json.loads(path.read_text(encoding="utf-8"))
    if data["schema"] != SCHEMA:
        raise ValueError(f"{path} is of the kind {data['schema']!r}, not {SCHEMA!r}")
    return data


def from_json(exercise: Exercise, data: Mapping[str, Any]) -> Fingerprints:
    """One exercise's fingerprints from the file's data."""
    probes = tuple(probe_from_json(exercise, item) for item in data["probes"])
    steep, own = data.get("slopes", {}), exercise.own_probe
    at = probes[steep["probe"]].inputs if steep else {}
    asked = {
        name: Probe(slope(at, name), len(at[name]), tuple(tensor_from_json(scale) for scale in scales), at)
        for name, scales in steep.get("scales", {}).items()
    }
    prints = tuple(
        Print(
            Diagnosis(name, item["belief"], item["story"], item["read_on"]),
            tuple(outcome_from_json(outcome) for outcome in item["returns"]),
            {wrt: outcome_from_json(outcome) for wrt, outcome in item.get("slopes", {}).items()},
        )
        for name, item in data["misconceptions"].items()
    )
    return Fingerprints(probes, prints, asked, own.tolerance if own else None)


def probe_from_json(exercise: Exercise, data: Mapping[str, Any]) -> Probe:
    scales = tuple(tensor_from_json(scale) for scale in data["scales"])
    if exercise.own_probe is not None:
        return Probe(exercise.own_probe.ask, 1, scales)
    inputs = tensors_from_json(data["inputs"])
    inputs = {name: inputs[name] for name in exercise.parameters}  # in the order in which they are passed
    return Probe(on(inputs), len(next(iter(inputs.values()))), scales, inputs)


DIGITS = 12
"""What is written has so many significant digits: well beyond half of float64's, and short of where machines differ."""


def tensor_to_json(value: Tensor, digits: int = DIGITS) -> Any:
    """Nested lists; other dtypes than float64 say what they are."""

    def plain(item: Any) -> Any:
        if isinstance(item, list):
            return [plain(inner) for inner in item]
        return number(float(f"{item:.{digits}g}") + 0.0) if isinstance(item, float) else item

    nested = plain(value.detach().cpu().tolist())
    return nested if value.dtype == torch.float64 else {str(value.dtype).removeprefix("torch."): nested}


def tensor_from_json(data: Any) -> Tensor:
    dtype = torch.float64
    if isinstance(data, dict):
        ((name, data),) = data.items()
        dtype = {"float32": torch.float32, "int64": torch.int64, "int32": torch.int32, "bool": torch.bool}[name]

    def plain(item: Any) -> Any:
        if isinstance(item, list):
            return [plain(inner) for inner in item]
        return float(item) if isinstance(item, str) else item

    return torch.tensor(plain(data), dtype=dtype)


def tensors_from_json(data: Mapping[str, Any]) -> dict[str, Tensor]:
    return {name: tensor_from_json(value) for name, value in data.items()}


def outcome_to_json(outcome: Outcome | None) -> Any:
    if outcome is None:
        return None
    values = [tensor_to_json(value) for value in outcome.values]
    return {"values": values, "fault": outcome.fault, "changed": list(outcome.changed)} if outcome.fault else values


def outcome_from_json(data: Any) -> Outcome | None:
    if data is None:
        return None
    if isinstance(data, list):
        return Outcome(tuple(tensor_from_json(value) for value in data))
    return Outcome(
        tuple(tensor_from_json(value) for value in data["values"]), str(data["fault"]), tuple(map(str, data["changed"]))
    )


# ---- recognising ---------------------------------------------------------------------------------------------------------


def diagnose(exercise: Exercise, transport: Submission, device: str | torch.device = "cpu") -> Diagnosis | None:
    """The one misconception that the answer behaves like. None where there is none, where there are several, or whatever goes
    wrong, a damaged file included: a diagnosis is help, and no grade hangs on it."""
    try:
        fingerprints = known(exercise)
        if fingerprints is None:
            return None
        found = like(fingerprints, Answer(exercise, Watching(transport), device))
    except Exception:
        return None
    return found[0].diagnosis if len(found) == 1 else None


def like(fingerprints: Fingerprints, answer: Answer) -> list[Print]:
    """The misconceptions that the answer cannot be told from. Asks no more than it takes to leave none."""
    left = list(fingerprints.prints)
    if any(is_restless(item) for item in left) and changes_between_calls(fingerprints, answer):
        return [item for item in left if is_restless(item)]
    for place, probe in enumerate(fingerprints.probes):
        outcome = ask(answer, probe.question)
        left = [item for item in left if is_same(item.outcomes[place], outcome, probe, fingerprints.tolerance)]
        if not left:
            return []
    for wrt, probe in fingerprints.steep.items():
        if any(wrt in item.slopes for item in left):
            outcome = ask(answer, probe.question)
            left = [item for item in left if wrt not in item.slopes or is_same(item.slopes[wrt], outcome, probe, None)]
    return [item for item in left if any(outcome is not None for outcome in item.outcomes)]


def is_same(known: Outcome | None, outcome: Outcome | None, probe: Probe, tolerance: float | None) -> bool:
    return bool((apart(known, outcome, probe.scales, tolerance, probe.rows) <= 1).all())


RESTLESS = Outcome(fault="not_deterministic")
"""Stands for an answer whose outputs are new at every call, where the exercise has no randomness of its own."""


def is_restless(item: Print) -> bool:
    return any(outcome is not None and outcome.fault == RESTLESS.fault for outcome in item.outcomes)


def changes_between_calls(fingerprints: Fingerprints, answer: Answer) -> bool:
    probe = fingerprints.probes[0]
    once, again = ask(answer, probe.question), ask(answer, probe.question)
    return not is_same(once, again, probe, fingerprints.tolerance)
