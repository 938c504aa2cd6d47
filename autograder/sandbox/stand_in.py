"""What `from autograder import check, formula` finds inside the sandbox, where there is nothing to check against.

The notebook's own first cell imports it. Checks are bare expressions, which are not run when a submission is graded.
"""


def check(answer: object, /) -> float:
    """No points: they are given elsewhere."""
    del answer
    return 0.0


def formula(derivation: object, /) -> None:
    """Formulas are for people."""
    del derivation
