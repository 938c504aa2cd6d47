"""What an audit finds wrong, in sentences that say which law or misconception it is and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from autograder.audit import mutation
from autograder.audit.trying import Tried
from autograder.exercise import Exercise, Law, Unit
from autograder.misconceptions import Entry, Equivalent

if TYPE_CHECKING:
    from autograder.audit.report import ExerciseAudit

HOLDS_BELOW = 0.1
"""The margin (error over tolerance) that a right answer may reach: beyond it the tolerance is too tight."""
BREAKS_ABOVE = 10.0
"""The margin that a misconception must reach on a law that always catches it: below it the law might miss a milder one."""
FALSE_ALARM_BUDGET = 1e-7
"""The most that a unit's laws may leave to chance: so probable is it, at most, that a right submission loses points."""
LEAST_MISCONCEPTIONS, LEAST_VARIATIONS = 3, 2
ENOUGH_SEEDS = 20
"""From so many seeds on, "always" and "never" in may_break are worth a remark."""


def strangers(unit: Unit, entries: Sequence[Entry], equivalents: Sequence[Equivalent]) -> Iterator[str]:
    """Entries for exercises, and names of laws, that the unit does not have."""
    if unit.folder is not None and unit.folder.name != unit.slug:
        yield f"laws.py calls the unit {unit.slug!r}, and its folder is {unit.folder.name!r}. Give both one name."
    for entry in entries:
        if entry.exercise not in unit.exercises:
            yield f"{unit.slug}: {entry.name} answers {entry.exercise}, which the unit does not have. Check the name."
            continue
        laws = {law.name for law in unit.exercises[entry.exercise].laws}
        for law in (*entry.caught_by, *entry.may_break):
            if law not in laws:
                yield f"{entry.exercise}: {entry.name} names the law {law}, which does not exist. Check the name."
    for equivalent in equivalents:
        if equivalent.exercise not in unit.exercises:
            yield (
                f"{unit.slug}: a mutant is marked equivalent for {equivalent.exercise}, which the unit does not have. "
                "Check the name."
            )


def problems_of(audited: ExerciseAudit) -> list[str]:
    """Everything that falls short in one exercise: what is wrong with right answers and laws first, and alone, since all the
    rest follows from it."""
    exercise = audited.exercise
    problems = [*points_of(exercise), *laws_that_fail(audited), *laws_that_draw(audited)]
    for tried in audited.of("solution", "variation"):
        problems += raises(tried) or [*undecided(tried), *false_alarms(tried)]
    if any(tried.alarms for tried in audited.of("solution", "variation")):
        return [f"{exercise.name}: {problem}" for problem in problems]
    for tried in audited.of("misconception", "trivial"):
        if tried.kind == "trivial":
            problems += undecided(tried)
            if exercise.optional and tried.broken(exercise.decisive.name) != "always":
                problems.append(f"{tried.name} passes the decisive law. Make it see it.")
            if tried.points:
                problems.append(
                    f"{tried.name} earns {tried.points:g} of {exercise.points:g} points. Make the decisive law see it."
                )
        elif tried.entry is not None:
            problems += raises(tried) or [*undecided(tried), *wrong_claims(tried, tried.entry, exercise)]
    for law in exercise.laws:
        problems += [*idle(audited, law), *blind(audited, law)]
    problems += surviving(audited)
    few = [
        (LEAST_MISCONCEPTIONS, "misconceptions", len(audited.of("misconception"))),
        (LEAST_VARIATIONS, "variations", len(audited.of("variation"))),
    ]
    problems += [f"There are {count} {what}; write at least {least}." for least, what, count in few if count < least]
    return [f"{exercise.name}: {problem}" for problem in problems]


def points_of(exercise: Exercise) -> Iterator[str]:
    for law in exercise.laws:
        if law.points != int(law.points):
            yield f"{law.name} has {law.points:g} points. Points are whole numbers: give it {round(law.points)}, or multiply all."
    if exercise.optional and exercise.points:
        yield f"it is optional and worth {exercise.points:g} points. What goes beyond the week earns none: give its laws 0."
    if not exercise.optional and not exercise.points:
        yield "no law has any points. Give the decisive law some."


def laws_that_fail(audited: ExerciseAudit) -> Iterator[str]:
    """Laws that raise: once each, whatever number of answers shows it."""
    for law in audited.exercise.laws:
        failed = [tried for tried in audited.tried if "error" in tried.outcomes.get(law.name, ())]
        if failed:
            yield (
                f"{law.name} ended with an error on {len(failed)} of {len(audited.tried)} answers, such as {failed[0].name}: "
                f"{failed[0].messages[law.name]} A law must not raise, whatever an answer returns: points would stay pending."
            )


def laws_that_draw(audited: ExerciseAudit) -> Iterator[str]:
    """Laws whose verdict depends on what was drawn before them."""
    for law in audited.exercise.laws:
        if any(law.name in tried.drew for tried in audited.tried):
            yield (
                f"{law.name} draws from torch's own generator, so that the same answer may get another verdict. Take `generator` "
                "as an argument, and give it to whatever draws."
            )


def raises(tried: Tried) -> list[str]:
    """An answer of the unit's own that returns nothing at all."""
    if not tried.raises:
        return []
    if tried.right:
        return [f"{tried.name}, a right answer, returns nothing wherever it is asked: {ended(tried.raises)} Mend it."]
    return [
        f"{tried.name} returns nothing wherever it is asked: {ended(tried.raises)} A misconception returns a wrong value: mend "
        "it, or leave it out, since an exception says itself what is wrong."
    ]


def ended(sentence: str) -> str:
    if not sentence:
        return "Its value is wrong there."
    return sentence if sentence.rstrip().endswith((".", "?", "!")) else f"{sentence.rstrip()}."


def over_budget(slug: str, false_alarm: float) -> Iterator[str]:
    if false_alarm > FALSE_ALARM_BUDGET:
        yield (
            f"{slug}: the laws leave {false_alarm:.1e} of a right submission to chance, more than {FALSE_ALARM_BUDGET:g}. "
            "Give the tests on random numbers a smaller alpha, or make fewer of them."
        )


def undecided(tried: Tried) -> Iterator[str]:
    """Laws that came to no decision: points would stay pending."""
    for law, outcomes in tried.outcomes.items():
        if "undecided" not in outcomes:
            continue
        if tried.right:
            yield (
                f"{law} ended undecided on a right answer, {tried.name}: {tried.messages[law]} Raise its cap, or its delta: "
                "points would stay pending."
            )
        else:
            errors = tried.errors.get(law, {})
            largest = max(errors.values(), default=0.0)
            yield (
                f"{law} ended undecided on {tried.name}, whose error is {largest:.2g} of the law's delta at most. "
                "Choose a delta well below the error, or inputs where it is larger."
            )


def false_alarms(tried: Tried) -> Iterator[str]:
    """Laws that a right answer breaks, or comes too near to breaking."""
    for law in tried.outcomes:
        worst = max(tried.margins[law])
        if tried.broken(law) != "never":
            yield (
                f"{law} is broken by a right answer, {tried.name} ({tried.broken(law)}; margin {worst:.3g}). "
                f"{ended(tried.messages[law])} Derive the law's tolerance again, or the answer is not right."
            )
        elif worst > HOLDS_BELOW:
            yield (
                f"{law} holds for the right answer {tried.name}, but at {worst:.2g} of its tolerance, above {HOLDS_BELOW:g}. "
                "A term of its rounding is missing in the law's tolerance."
            )


def wrong_claims(tried: Tried, entry: Entry, exercise: Exercise) -> Iterator[str]:
    """Where `caught_by` and `may_break` are not what happens, and points that a misconception should not get."""
    if all(tried.broken(law.name) == "never" for law in exercise.laws):
        yield (
            f"no law ever catches {tried.name}. Either it is as right as the solution, then make it a variation; or no law tries "
            "what shows it, then write that law, or widen a domain."
        )
        return
    for law in exercise.laws:
        often = tried.broken(law.name)
        if law.name in entry.caught_by:
            least = min(tried.margins[law.name])
            if often != "always":
                yield (
                    f"{tried.name} names {law.name} in caught_by, which caught it {often}. "
                    "Move it to may_break, or make the law try what shows it."
                )
            elif least < BREAKS_ABOVE:
                yield (
                    f"{law.name} catches {tried.name} by a margin of {least:.2g} only, below {BREAKS_ABOVE:g}. "
                    "Move it to may_break, or give the law inputs that tell more."
                )
        elif often != "never" and law.name not in entry.may_break:
            yield (
                f"{tried.name} is caught by {law.name} ({often}), which neither its caught_by nor its may_break names. "
                "Add it there, or find out why."
            )
    if tried.points > exercise.points / 2:
        yield (
            f"{tried.name} earns {tried.points:g} of {exercise.points:g} points, more than half. "
            "Give the laws that catch it more of the points."
        )


def idle(audited: ExerciseAudit, law: Law) -> Iterator[str]:
    if not audited.catches(law):
        yield f"{law.name} catches no misconception. Write the one that it is there for, or leave the law out."


def blind(audited: ExerciseAudit, law: Law) -> Iterator[str]:
    """Tests on random numbers at which everything the law is said to catch is too small to be seen."""
    said = [tried for tried in audited.of("misconception") if tried.entry and law.name in tried.entry.caught_by]
    for place in audited.tests_of(law):
        errors = {tried.name: tried.errors.get(law.name, {}).get(place) for tried in said}
        seen = {name: error for name, error in errors.items() if error is not None and math.isfinite(error)}
        if seen and max(seen.values()) < 1:
            name, largest = max(seen.items(), key=lambda item: item[1])
            yield (
                f"{law.name} is blind at {place}: of the misconceptions that it always catches none is off by its delta there "
                f"(the largest error, of {name}, is {largest:.2g} of it). Move away from where wrong and right agree, or take "
                "this configuration out."
            )


def surviving(audited: ExerciseAudit) -> Iterator[str]:
    name = audited.exercise.name
    exempt = (
        audited.exercise.is_text or audited.exercise.hands_in
    )  # a text, or a few names: there may be nothing to change
    if audited.mutants_wanted and not audited.fates and not exempt:
        yield (
            "no mutant of its solution could be made. Define it by `def` or `class`, at the top of a solution cell of the "
            "notebook that Python can read without magics."
        )
    alive = [fate for fate in audited.fates if fate.outcome == "survived"]
    if alive:
        count = "1 mutant of the solution breaks" if len(alive) == 1 else f"{len(alive)} mutants of the solution break"
        shown = "".join(
            f"\n    line {m.line}: {m.was}\n          → {m.becomes}" for m in (fate.mutant for fate in alive)
        )
        yield (
            f"{count} no law. Write the law that "
            f"sees it; one that is as right as the solution gets equivalent({name!r}, was=…, becomes=…, why=…) in the list "
            f"EQUIVALENT of misconceptions.py:{shown}"
        )
    for fate in audited.fates:
        if fate.outcome == "sometimes":
            yield (
                f"a mutant of the solution is caught for some seeds only, by {fate.by}: {fate.mutant}. "
                "Make the law always try what shows it: a corner, a listed input."
            )
        elif fate.outcome == "undecided":
            yield (
                f"a mutant of the solution breaks no law, and brings {fate.by} to no decision: {fate.mutant}. "
                "Mend the law: no answer may have that effect, and points would stay pending."
            )
    if audited.fates:
        yield from mutation.forgotten([entry for entry in audited.equivalents if entry.exercise == name], audited.fates)


def advice_on(audited: ExerciseAudit, seeds: int) -> Iterable[str]:
    """What is worth a look, and no error."""
    for tried in audited.of("misconception") if seeds >= ENOUGH_SEEDS else []:
        assert tried.entry is not None
        for law in tried.entry.may_break:
            often = tried.broken(law) if law in tried.outcomes else "sometimes"
            remark = f"{audited.exercise.name}: {tried.name} was {often} caught by {law} in {seeds} seeds: "
            if often == "never":
                yield remark + "it may leave may_break."
            elif often == "always" and min(tried.margins[law]) >= BREAKS_ABOVE:
                yield remark + "it may move to caught_by."
