"""What people read: the diagnosis and the witness first, together, in at most a screenful; what the class did not understand."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from autograder.feedback.show import SCREENFUL, as_html, as_text
from autograder.feedback.terminal import exercise_text, misunderstood, reason_for
from autograder.verdict import Diagnosis, ExerciseVerdict, LawVerdict, Verdict, Witness

SWAPPED = Diagnosis("swapped", "the order is a detail", "It is not. It decides.", "“1 · Order”, in this notebook")
WITNESS = Witness("import torch\nx = torch.tensor([1.0])\nf(x)", "2", "1", shrunk=True)
LONG = "This law takes a good part of a line to say, so that a card with many of its kind is longer than a screen."


def law(name: str, evidence: str, **more: object) -> LawVerdict:
    return replace(LawVerdict(name, f"{name} holds. {LONG}", evidence, 0, 0), **more)


def verdict(laws: int, diagnosis: Diagnosis | None = SWAPPED, witness: Witness | None = WITNESS) -> ExerciseVerdict:
    """A broken decisive law, and others of which every third is broken."""
    decisive = law("The decisive law", "broken", decisive=True, witness=witness, max_points=2)
    others = [law(f"Law {number}", "holds" if number % 3 else "broken") for number in range(1, laws)]
    return ExerciseVerdict("f", "wrong", 0, 2, (decisive, *others), diagnosis=diagnosis)


def test_belief_story_and_where_to_read_on_come_before_the_witness() -> None:
    text = as_text(verdict(3))
    order = ["Not right yet", "This is consistent with: the order is a detail.", "It is not. It decides.",
             "Read on: “1 · Order”, in this notebook.", "✗ The decisive law", "x = torch.tensor([1.0])", "expected: 1",
             "✓ Law 1"]  # fmt: skip
    places = [text.index(piece) for piece in order]
    assert places == sorted(places)


@pytest.mark.parametrize("laws", [1, 3, 9, 20, 60])
def test_with_a_diagnosis_and_a_witness_all_of_it_is_a_screenful(laws: int) -> None:
    text = as_text(verdict(laws))
    assert len(text.splitlines()) <= SCREENFUL
    assert "the order is a detail" in text
    assert "x = torch.tensor([1.0])" in text


def test_what_would_be_too_long_is_counted_and_what_is_not_is_shown() -> None:
    assert "more law" not in as_text(verdict(9))
    assert "Law 8 holds" in as_text(verdict(9))
    assert as_text(verdict(21)).splitlines()[-1] == "  … and 20 more laws: 14 hold, 6 broken"
    assert "Law 1 holds" not in as_text(verdict(21))
    alone = replace(verdict(60), laws=(*verdict(1).laws, law("The other", "holds", message="\n".join([LONG] * 60))))
    assert as_text(alone).splitlines()[-1] == "  … and 1 more law: 1 holds"


def test_where_nothing_explains_every_law_is_shown_however_many() -> None:
    text = as_text(verdict(60, diagnosis=None, witness=None))
    assert "Law 59 holds" in text
    assert "more law" not in text


def test_without_a_witness_the_first_broken_law_stands_for_it() -> None:
    """Right values with a wrong gradient: the decisive law holds, and no input is shown for the one that is broken."""
    laws = (
        law("Decisive", "holds", decisive=True),
        *(law(f"Law {n}", "holds") for n in range(30)),
        law("Slope", "broken"),
    )
    text = as_text(replace(verdict(1), status="partial", laws=laws))
    assert [line[:9] for line in text.splitlines() if line[2:3] in "✓✗"] == ["  ✓ Decis", "  ✗ Slope"]
    assert text.splitlines()[-1] == "  … and 30 more laws: 30 hold"


def test_a_card_folds_the_laws_that_say_least() -> None:
    card = as_html(verdict(9))
    shown, folded = card.split("<details", 1)
    assert "8 more laws: 6 hold, 2 broken</summary>" in folded
    assert "Law 8 holds" in folded
    assert "Law 8 holds" not in shown
    assert shown.index("the order is a detail") < shown.index("The decisive law") < shown.index("torch.tensor([1.0])")


def test_a_card_with_few_laws_or_no_explanation_folds_nothing() -> None:
    assert "<details" not in as_html(verdict(3))
    assert "<details" not in as_html(verdict(9, diagnosis=None, witness=None))
    assert "<details" not in as_html(
        ExerciseVerdict("f", "correct", 1, 1, tuple(law(str(n), "holds") for n in range(9)))
    )


def test_every_law_is_on_the_card_once_and_its_tags_are_closed() -> None:
    card = as_html(verdict(9))
    for number in range(1, 9):
        assert card.count(f"Law {number} holds") == 1
    for tag in ("div", "details", "summary", "table", "pre", "span"):
        assert len(re.findall(rf"<{tag}[ >]", card)) == card.count(f"</{tag}>"), tag


def test_what_an_author_writes_is_text_on_a_card() -> None:
    card = as_html(replace(verdict(2), diagnosis=Diagnosis("n", "σ < 1 & <b>", "<script>", "<i>")))
    assert "<script>" not in card
    assert "<b>" not in card
    assert "σ < 1 & <b>" in html.unescape(card)


def test_a_diagnosis_stands_out_in_a_terminal() -> None:
    text = exercise_text(verdict(3))
    (styled,) = [span for span in text.spans if "consistent" in text.plain[span.start : span.end]]
    assert "bold" in str(styled.style)


def test_the_class_table_says_what_it_looks_like() -> None:
    assert reason_for(verdict(3)) == "looks like: the order is a detail"


def test_what_the_class_did_not_understand_is_listed_by_how_many() -> None:
    def student(*beliefs: str) -> Verdict:
        exercises = [
            replace(verdict(1), diagnosis=Diagnosis(belief, belief, "S.") if belief else None) for belief in beliefs
        ]
        return Verdict("unit", "", tuple(exercises))

    everyone = [student("rare", ""), *[student("common", "")] * 12, student("", "")]
    assert misunderstood(everyone) == "What the class did not understand:\n  12 × f: common\n   1 × f: rare"
    assert misunderstood([student("", "")]) == ""
    many = misunderstood([student(*(f"belief {n}" for n in range(13)))])
    assert many.splitlines()[-1] == "  … and 3 more beliefs, each at most as frequent"
