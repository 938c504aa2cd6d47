"""The demo class, end to end: everyone gets what their work is worth, whatever the others hand in."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder.course import Course
from autograder.demo import MARKER, Demo, DemoProblem, run
from autograder.demo.roster import Pupil, pupils
from autograder.demo.troublemakers import TROUBLEMAKERS
from autograder.release import released_notebook
from autograder.sandbox import find_bwrap
from autograder.verdict import Verdict

ROOT = Path(__file__).resolve().parent.parent
UNIT = "autoencoders"  # of few exercises: whoever loops in all of them is ended in each

pytestmark = pytest.mark.skipif(find_bwrap() is None, reason="needs a sandbox")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return run(ROOT, tmp_path_factory.mktemp("demo") / "course", units=[UNIT])[0]


def pairs(demo: Demo) -> list[tuple[Pupil, Verdict]]:
    return list(zip(demo.pupils, demo.grades.verdicts, strict=True))


def test_every_kind_of_trouble_and_sixteen_students_or_more_are_in_the_class(demo: Demo) -> None:
    stories = {pupil.story for pupil in demo.pupils}
    assert len(demo.pupils) >= 16
    assert {trouble.story for trouble in TROUBLEMAKERS} <= stories


@pytest.mark.parametrize("unit", Course(ROOT).units())
def test_nobody_hands_in_what_students_do_not_have(unit: str) -> None:
    best = [
        pupil
        for pupil in pupils(Course(ROOT).source(unit), released_notebook(Course(ROOT), unit), 8)
        if pupil.earns == "everything"
    ]
    assert len(best) == 3
    for pupil in best:
        sources = ["".join(cell["source"]) for cell in json.loads(pupil.notebook)["cells"]]
        assert not [source for source in sources if re.search(r"^(from|import) reference", source, re.MULTILINE)]


def test_nobody_is_lost_and_nothing_failed_on_our_side(demo: Demo) -> None:
    assert [verdict.student for verdict in demo.grades.verdicts] == [pupil.student for pupil in demo.pupils]
    assert [grade.failed for grade in demo.grades if grade.failed] == []
    assert [verdict.student for verdict in demo.grades.verdicts if verdict.pending] == []


def test_right_work_gets_every_point_next_to_whatever_others_hand_in(demo: Demo) -> None:
    for pupil, verdict in pairs(demo):
        if pupil.earns == "everything":
            assert verdict.points == verdict.max_points, f"{pupil.story}: {verdict.to_json()}"


def test_nothing_is_earned_by_what_deserves_nothing(demo: Demo) -> None:
    for pupil, verdict in pairs(demo):
        if pupil.earns == "nothing":
            assert verdict.points == 0, f"{pupil.story}: {verdict.to_json()}"


def test_one_bad_answer_costs_its_own_points_and_no_others(demo: Demo) -> None:
    for pupil, verdict in pairs(demo):
        if pupil.earns == "the rest":
            first, *rest = verdict.exercises
            assert first.points == 0, pupil.story
            assert all(exercise.points == exercise.max_points for exercise in rest), (
                f"{pupil.story}: {verdict.to_json()}"
            )


def test_everyone_who_lost_points_is_told_why(demo: Demo) -> None:
    for pupil, verdict in pairs(demo):
        for exercise in verdict.exercises:
            if exercise.points < exercise.max_points:
                reasons = [exercise.message, *(law.message for law in exercise.laws)]
                witnesses = [law.witness for law in exercise.laws if law.witness]
                assert any(reasons) or witnesses or exercise.status == "not_yet", f"{pupil.story}: {exercise.as_text()}"


def test_the_gradebook_holds_the_same_points(demo: Demo) -> None:
    with Gradebook(f"sqlite:///{demo.course}/gradebook.db") as gradebook:
        for verdict in demo.grades.verdicts:
            submission = gradebook.find_submission(UNIT, verdict.student)
            assert submission.code_score == pytest.approx(verdict.points)


def test_everyone_whose_work_could_be_read_has_a_feedback_page(demo: Demo) -> None:
    pages = {path.parent.parent.name for path in demo.feedback}
    assert {verdict.student for verdict in demo.grades.verdicts if not verdict.problem} <= pages
    assert all(path.stat().st_size > 10_000 for path in demo.feedback)


def test_no_script_of_a_student_runs_in_the_pages(demo: Demo) -> None:
    for path in demo.feedback:
        assert "<script>alert" not in path.read_text()


def test_a_folder_that_is_not_the_demos_own_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(DemoProblem, match="not empty"):
        run(ROOT, tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "precious"
    assert not (tmp_path / MARKER).exists()
