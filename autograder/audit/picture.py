"""The audit as a page: every kill matrix a picture that one reads at a glance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jinja2

from autograder.audit.findings import FALSE_ALARM_BUDGET, HOLDS_BELOW
from autograder.audit.mutation import Fate
from autograder.audit.report import ExerciseAudit, Report, counted, mutants_in_words, tests_in_words, unit_json
from autograder.audit.trying import Tried
from autograder.exercise import Law

FATES = ("killed", "equivalent", "sometimes", "undecided", "survived")


def as_page(report: Report) -> str:
    """One HTML file that needs nothing else: no script, no font, no network."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("autograder.audit", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    return environment.get_template("audit.html.j2").render(
        report=report, cell=cell, nearness=nearness, shares=shares, tiles=tiles, counted=counted,
        mutants_in_words=mutants_in_words, tests_in_words=tests_in_words,
    )  # fmt: skip


def tiles(slug: str, exercises: Sequence[ExerciseAudit]) -> list[tuple[str, str, bool]]:
    """The quality of a unit's grading in a few numbers: (number, what it counts, whether it is as it should be)."""
    right = unit_json(slug, exercises)["right_answers"]
    fates = [fate for audited in exercises for fate in audited.fates]
    alive = sum(fate.outcome not in ("killed", "equivalent") for fate in fates)
    misconceptions = [tried for audited in exercises for tried in audited.of("misconception")]
    idle = sum(not audited.catches(law) for audited in exercises for law in audited.exercise.laws)
    best = max(
        (audited.best_misconception / audited.exercise.points for audited in exercises if audited.exercise.points),
        default=0.0,
    )
    chance = right["left_to_chance"]
    worst = max((audited.worst_margin for audited in exercises), default=0.0)
    trivial = max((audited.best_trivial for audited in exercises), default=0.0)
    return [
        (f"{right['false_alarms']:,}", f"false alarms in {right['checks']:,} checks of right answers", not right["false_alarms"]),
        (f"{worst:.2g}", "worst error over tolerance of a right answer", worst <= HOLDS_BELOW),
        (f"{chance:.0e}" if chance else "0", "left to chance in a submission, at most", chance <= FALSE_ALARM_BUDGET),
        (str(len(misconceptions)), "misconceptions", True),
        (f"{best:.0%}", "of its exercise, what the best of them earns", best <= 0.5),
        (f"{trivial:g}", "points for the best trivial answer", not trivial),
        (str(idle), "idle laws", not idle),
        (f"{alive}", f"of {counted(len(fates), 'mutant')} alive and unexplained", not alive),
    ]  # fmt: skip


def cell(tried: Tried, law: Law) -> dict[str, str]:
    """How a cell of the matrix looks, and what it says when one points at it."""
    often = tried.broken(law.name)
    outcomes = tried.outcomes[law.name]
    caught = sum(outcome == "broken" for outcome in outcomes)
    least = min(tried.margins[law.name])
    said = tried.entry is not None and law.name in tried.entry.caught_by
    says = f"{law.name}: caught {caught} of {len(outcomes)} times"
    if often == "always" and math.isfinite(least):
        says += f", by {least:.2g} tolerances or more"
    return {"often": often, "says": says, "said": "said" if said else ""}


def nearness(tried: Tried, law: Law) -> dict[str, Any]:
    """How near a right answer came to a law's limit: a bar as high as its error, the cell as high as the tolerance."""
    worst = max(tried.margins[law.name])
    if not worst:
        return {"height": 0, "says": f"{law.name}: no error at all", "over": False}
    height = max(5.0, 100 * min(worst, 1.0)) if math.isfinite(worst) else 100.0
    return {
        "height": round(height),
        "says": f"{law.name}: at most {worst:.2g} of its tolerance",
        "over": worst > HOLDS_BELOW,
    }


def shares(fates: Sequence[Fate]) -> list[tuple[str, float]]:
    """What became of the mutants, in parts of a hundred."""
    return [(kind, 100 * sum(fate.outcome == kind for fate in fates) / len(fates)) for kind in FATES] if fates else []
