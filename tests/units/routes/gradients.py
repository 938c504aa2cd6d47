"""Routes to the score, right and wrong. Wrong ones are right ones with one thing changed."""
# ruff: noqa: E501

from tests.units.changes import but, without

TASK = {"score_function_identity": "SCORE", "baseline_is_free": "BASELINE"}

SCORE = """
    grad(E(q(z), f(z)))
    = grad(sum(z, q(z)*f(z)))                 # expectation
    = sum(z, grad(q(z)*f(z)))                 # derivative of a sum
    = sum(z, f(z)*grad(q(z)))                 # derivative of a product
    = sum(z, f(z)*q(z)*grad(log(q(z))))       # derivative of a logarithm
    = E(q(z), f(z)*grad(log(q(z))))           # expectation
"""
BASELINE = """
    E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))
    = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*E(q(z | x), grad(log(q(z | x))))          # linearity
    = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*sum(z, q(z | x)*grad(log(q(z | x))))      # expectation
    = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*sum(z, grad(q(z | x)))                    # derivative of a logarithm
    = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*grad(sum(z, q(z | x)))                    # derivative of a sum
    = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*grad(1)                                   # normalisation
    = E(q(z | x), f(z)*grad(log(q(z | x))))                                                  # derivative of a sum
"""


RIGHT = {
    "score_function_identity": [
        SCORE,
        without(SCORE, 3).replace("derivative of a product", "derivative of a sum"),
        """
        E(q(z), f(z)*grad(log(q(z))))
        = E(q(z), f(z)*grad(q(z))/q(z))                                     # log derivative trick
        = sum(z, f(z)*grad(q(z)))                                           # expectation
        = grad(sum(z, f(z)*q(z)))                                           # linearity of the derivative
        = grad(E(q(z), f(z)))                                               # expectation
        """,
        """
        grad(E(q(z), f(z)))
        = grad(sum(z, q(z)*f(z)))                                           # expectation
        = sum(z, grad(q(z)*f(z)))                                           # derivative of a sum
        = sum(z, q(z)*grad(f(z)) + f(z)*grad(q(z)))                         # Leibniz' rule
        = sum(z, q(z)*grad(f(z))) + sum(z, f(z)*grad(q(z)))                 # linearity
        = E(q(z), grad(f(z))) + sum(z, f(z)*grad(q(z)))                     # expectation
        = sum(z, f(z)*grad(q(z)))                                           # derivative of a constant
        = E(q(z), f(z)*(grad(q(z))/q(z)))                                   # expectation
        = E(q(z), f(z)*grad(log(q(z))))                                     # derivative of a logarithm
        """,
        """
        grad(E(q(z), f(z)))
        = grad(sum(z, f(z)*q(z)*q(z)/q(z)))                                 # expectation
        = sum(z, grad(q(z))*f(z))                                           # derivative of a sum
        = sum(z, q(z)*(grad(q(z))/q(z))*f(z))                               # arithmetic
        = sum(z, q(z)*grad(log(q(z)))*f(z))                                 # derivative of a logarithm
        = E(q(z), f(z)*grad(log(q(z))))                                     # definition of an average
        """,
        """
        grad(E(q(z), f(z)))
        = grad(sum(z, q(z)*f(z)))                                           # expectation
        = sum(z, f(z)*grad(q(z)))                                           # derivative of a sum
        = E(q(z), f(z)*grad(q(z))/q(z))                                     # expectation
        = E(q(z), 1/q(z)*f(z)*grad(q(z)))                                   # arithmetic
        = E(q(z), f(z)*grad(log(q(z))))                                     # derivative of a logarithm
        """,
        """
        grad(E(q(z), f(z)))
        = grad(E(q(z), f(z))*sum(z, q(z)))                                  # normalisation
        = grad(E(q(z), f(z)))                                               # normalisation
        = grad(sum(z, q(z)*f(z)))                                           # expectation
        = sum(z, grad(q(z)*f(z)))                                           # derivative of a sum
        = sum(z, grad(q(z)*f(z))/q(z)*q(z))                                 # arithmetic
        = E(q(z), grad(q(z)*f(z))/q(z))                                     # expectation
        = E(q(z), f(z)*grad(q(z))/q(z))                                     # derivative of a product
        = E(q(z), f(z)*grad(log(q(z))))                                     # derivative of a logarithm
        """,
    ],
    "baseline_is_free": [
        BASELINE,
        without(BASELINE, 6).replace("# derivative of a sum\n", "# linearity of the derivative\n", 1).replace(
            "f(z)*grad(log(q(z | x))))                                                  # derivative of a sum",
            "f(z)*grad(log(q(z | x))))                                                  # normalisation"),
        """
        E(q(z | x), f(z)*grad(log(q(z | x))))
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*grad(1)                                   # derivative of a constant
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*grad(sum(z, q(z | x)))                    # normalisation
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*sum(z, grad(q(z | x)))                    # derivative of a sum
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*sum(z, q(z | x)*grad(log(q(z | x))))      # derivative of a logarithm
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*E(q(z | x), grad(log(q(z | x))))          # expectation
        = E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))                                         # linearity
        """,
        """
        E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))
        = E(q(z | x), (f(z) - f(x))*grad(q(z | x))/q(z | x))                                     # derivative of a logarithm
        = sum(z, (f(z) - f(x))*grad(q(z | x)))                                                   # expectation
        = sum(z, f(z)*grad(q(z | x))) - sum(z, f(x)*grad(q(z | x)))                              # linearity
        = sum(z, f(z)*grad(q(z | x))) - sum(z, grad(f(x)*q(z | x)))                              # derivative of a product
        = sum(z, f(z)*grad(q(z | x))) - grad(sum(z, f(x)*q(z | x)))                              # derivative of a sum
        = sum(z, f(z)*grad(q(z | x))) - grad(f(x)*sum(z, q(z | x)))                              # linearity
        = sum(z, f(z)*grad(q(z | x))) - grad(f(x))                                               # normalisation
        = sum(z, f(z)*grad(q(z | x)))                                                            # derivative of a constant
        = E(q(z | x), f(z)*grad(q(z | x))/q(z | x))                                              # expectation
        = E(q(z | x), f(z)*grad(log(q(z | x))))                                                  # derivative of a logarithm
        """,
        """
        E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))
        = sum(z, q(z | x)*(f(z) - f(x))*grad(log(q(z | x))))                                     # expectation
        = sum(z, (f(z) - f(x))*grad(q(z | x)))                                                   # derivative of a logarithm
        = grad(sum(z, (f(z) - f(x))*q(z | x)))                                                   # derivative of a sum
        = grad(sum(z, f(z)*q(z | x)) - f(x)*sum(z, q(z | x)))                                    # linearity
        = grad(sum(z, f(z)*q(z | x)) - f(x))                                                     # normalisation
        = sum(z, f(z)*grad(q(z | x)))                                                            # derivative of a sum
        = sum(z, f(z)*q(z | x)*grad(log(q(z | x))))                                              # derivative of a logarithm
        = E(q(z | x), f(z)*grad(log(q(z | x))))                                                  # expectation
        """,
        """
        E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - E(q(z | x), f(x)*grad(log(q(z | x))))          # linearity
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - E(q(z | x), f(x)*grad(q(z | x))/q(z | x))      # derivative of a logarithm
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - sum(z, f(x)*grad(q(z | x)))                    # expectation
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - grad(sum(z, f(x)*q(z | x)))                    # derivative of a sum
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - grad(E(q(z | x), f(x)))                        # expectation
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - grad(f(x))                                     # average of a constant
        = E(q(z | x), f(z)*grad(log(q(z | x))))                                                  # derivative of a constant
        """,
    ],
}  # fmt: skip

WRONG = {
    "score_function_identity": [
        ("the gradient goes past q", 2, "false", but(SCORE, ("grad(sum(z, q(z)*f(z)))                 # expectation", "E(q(z), grad(f(z)))  # derivative of a sum"))),
        ("it goes past q in the sum", 3, "false", but(SCORE, ("sum(z, grad(q(z)*f(z)))", "sum(z, q(z)*grad(f(z)))"))),
        ("the wrong term of the product", 4, "false", but(SCORE, ("sum(z, f(z)*grad(q(z)))", "sum(z, q(z)*grad(f(z)))"))),
        ("a product of derivatives", 4, "false", but(SCORE, ("sum(z, f(z)*grad(q(z)))", "sum(z, grad(f(z))*grad(q(z)))"))),
        ("the factor q is lost", 5, "false", but(SCORE, ("f(z)*q(z)*grad(log(q(z)))", "f(z)*grad(log(q(z)))"))),
        ("q on the wrong side", 5, "false", but(SCORE, ("f(z)*q(z)*grad(log(q(z)))", "f(z)/q(z)*grad(log(q(z)))"))),
        ("a minus sign", 5, "false", but(SCORE, ("= sum(z, f(z)*q(z)*", "= -sum(z, f(z)*q(z)*"))),
        ("a sum is called an average", 5, "false", but(SCORE, ("= sum(z, f(z)*q(z)*grad(log(q(z))))       # derivative of a logarithm", "= E(q(z), f(z)*grad(q(z)))  # expectation"))),
        ("the wrong measure", 5, "unreadable", but(SCORE, ("= sum(z, f(z)*q(z)*grad(log(q(z))))       # derivative of a logarithm", "= E(p(z), f(z)*grad(log(q(z))))  # expectation"))),
        ("the derivative of f after all", 6, "false", but(SCORE, ("E(q(z), f(z)*grad(log(q(z))))", "E(q(z), grad(f(z)*log(q(z))*q(z)))"))),
        ("the score with f inside", 6, "false", but(SCORE, ("E(q(z), f(z)*grad(log(q(z))))", "E(q(z), f(z))*E(q(z), grad(log(q(z))))"))),
        ("the gradient of f log q", 6, "step", but(SCORE, ("E(q(z), f(z)*grad(log(q(z))))", "E(q(z), grad(f(z)*log(q(z))))"))),
        ("an inequality", 2, "direction", but(SCORE, ("= grad(sum", ">= grad(sum"))),
        ("two steps at once", 2, "step", without(without(SCORE, 2), 2)),
        ("all steps at once", 2, "step", without(without(without(without(SCORE, 2), 2), 2), 2)),
        ("no expectation at the end", 5, "step", without(SCORE, 5)),
        ("another rule's name", 3, "step", but(SCORE, ("derivative of a sum", "linearity"))),
        ("a rule that is none", 5, "rule", but(SCORE, ("derivative of a logarithm", "REINFORCE"))),
        ("no rule", 6, "rule", SCORE.rstrip().removesuffix("# expectation")),
        ("it stops too early", 5, "end", without(SCORE, 6)),
        ("it starts in the middle", 1, "start", but(without(SCORE, 1), ("= ", "")).replace("# expectation", "", 1)),
        ("it goes round in a circle", 6, "end", but(SCORE, ("E(q(z), f(z)*grad(log(q(z))))           # expectation", "sum(z, f(z)*grad(q(z)))  # derivative of a logarithm"))),
        ("another function", 2, "unreadable", but(SCORE, ("q(z)*f(z)))", "q(z)*f(x)))"))),
        ("a derivative of a derivative", 3, "unreadable", but(SCORE, ("grad(q(z)*f(z))", "grad(grad(q(z)*f(z)))"))),
        ("divided by nothing", 3, "false", but(SCORE, ("grad(q(z)*f(z))", "grad(q(z)*f(z))*(1 - 1)/(1 - 1)"))),
    ],
    "baseline_is_free": [
        ("the term is dropped at once", 3, "step", without(without(without(without(BASELINE, 3), 3), 3), 3)),
        ("the score is zero everywhere", 2, "false", but(BASELINE, ("f(x)*E(q(z | x), grad(log(q(z | x))))", "f(x)*grad(log(q(z | x)))"))),
        ("the score is lost", 2, "false", but(BASELINE, ("f(x)*E(q(z | x), grad(log(q(z | x))))", "f(x)"))),
        ("a sum without its weight", 3, "false", but(BASELINE, ("sum(z, q(z | x)*grad(log(q(z | x))))", "sum(z, grad(log(q(z | x))))"))),
        ("q is left where it was", 4, "false", but(BASELINE, ("f(x)*sum(z, grad(q(z | x)))", "f(x)*sum(z, q(z | x)*grad(q(z | x)))"))),
        ("a plus sign", 2, "step", but(BASELINE, ("- f(x)*E", "+ f(x)*E"))),
        ("f(z) for f(x)", 3, "false", but(BASELINE, ("f(x)*sum(z, q(z | x)*", "sum(z, f(z)*q(z | x)*"))),
        ("the baseline depends on z", 2, "false", but(BASELINE, ("f(x)*E(q(z | x), grad(log(q(z | x))))", "E(q(z | x), f(z)*grad(log(q(z | x))))"))),
        ("the gradient of one is one", 7, "false", but(BASELINE, ("f(z)*grad(log(q(z | x))))                                                  # derivative", "f(z)*grad(log(q(z | x)))) - f(x)   # derivative"))),
        ("the wrong measure", 3, "false", but(BASELINE, ("f(x)*sum(z, q(z | x)*grad(log(q(z | x))))", "f(x)*sum(z, p(z)*grad(log(q(z | x))))"))),
        ("a derivative that is a step too far", 4, "step", without(BASELINE, 4)),
        ("two steps at once", 4, "step", without(without(BASELINE, 4), 4)),
        ("another rule's name", 5, "step", but(BASELINE, ("derivative of a sum", "linearity"))),
        ("a rule that is none", 6, "rule", but(BASELINE, ("normalisation", "the score averages to zero"))),
        ("no rule", 3, "rule", but(BASELINE, ("# expectation", ""))),
        ("a variable that is not there", 2, "unreadable", but(BASELINE, ("f(x)*E", "f(y)*E"))),
        ("a constant without a name", 2, "unreadable", but(BASELINE, ("f(x)*E", "b*E"))),
        ("it starts without the baseline", 1, "start", but(BASELINE, ("(f(z) - f(x))*grad", "(f(z) + 2*f(x))*f(x)*grad"))),
        ("it stops too early", 4, "end", without(without(without(BASELINE, 5), 5), 5)),
        ("an inequality", 2, "direction", but(BASELINE, ("= E", "<= E"))),
    ],
}  # fmt: skip
