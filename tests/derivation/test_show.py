"""What a student sees while typing: formulas for what can be read, a sentence for what cannot, and no command of theirs."""

from __future__ import annotations

from autograder.derivation.show import formula

TEXT = """
    log(p(x))
    =  log(sum(z, p(x, z)))       # marginal
    >= 0                          # Jensen
"""


def test_each_line_is_a_formula_with_its_rule_beside_it() -> None:
    shown = formula(TEXT)._repr_markdown_()
    assert shown.startswith("$$\\begin{aligned}")
    assert r"=\; & \log\!\left(\sum_{z} p(x, z)\right) && \text{marginal}" in shown
    assert r"\ge\; & 0 && \text{Jensen}" in shown
    assert shown.count(r"\\[.6em]") == 2


def test_a_line_that_cannot_be_read_is_a_question_mark_and_a_sentence() -> None:
    shown = formula(TEXT.replace("p(x, z)", "p(x, z"))._repr_markdown_()
    assert r"=\; & \text{?}" in shown
    assert "Line 2 cannot be read. This is not written in Python" in shown
    assert r"\log p(x)" in shown


def test_an_unwritten_derivation_is_waited_for() -> None:
    def proof() -> str:
        raise NotImplementedError

    assert formula(proof)._repr_markdown_() == "These formulas wait for proof."
    assert formula(lambda: TEXT)._repr_markdown_() == formula(TEXT)._repr_markdown_()


def test_no_command_of_a_students_gets_into_the_page() -> None:
    shown = formula(
        "log(p(x))\n= 0  # \\href{javascript:alert(1)}{x} <script>\n= <img onerror=alert(1)>  # a"
    )._repr_markdown_()
    assert "\\href" not in shown
    assert "<" not in shown.replace("&lt;", "")


def test_the_notebooks_own_name_for_it_is_the_same() -> None:
    from autograder import formula as in_notebook

    assert repr(in_notebook(TEXT)) == repr(formula(TEXT))
    assert "marginal" in repr(formula(TEXT))
