"""Routes to the bound, right and wrong. Wrong ones are right ones with one thing changed."""
# ruff: noqa: E501

from tests.units.changes import but, without

TASK = {"evidence_splits": "SPLIT", "elbo_by_jensen": "BY_JENSEN", "two_level_elbo": "TWO_LEVEL_BOUND"}

SPLIT = """
    log(p(x))
    = E(q(z | x), log(p(x)))                                                       # normalisation
    = E(q(z | x), log(p(x, z)/p(z | x)))                                           # product rule
    = E(q(z | x), log(p(x, z)/q(z | x) * q(z | x)/p(z | x)))                       # arithmetic
    = E(q(z | x), log(p(x, z)/q(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))     # linearity
    = E(q(z | x), log(p(x, z)/q(z | x))) + KL(q(z | x), p(z | x))                  # definition of KL
"""
JENSEN = """
    log(p(x))
    =  log(sum(z, p(x, z)))                                # marginal
    =  log(sum(z, q(z | x)*p(x, z)/q(z | x)))              # arithmetic
    =  log(E(q(z | x), p(x, z)/q(z | x)))                  # expectation
    >= E(q(z | x), log(p(x, z)/q(z | x)))                  # Jensen
"""
TWO = """
    log(p(x))
    =  log(sum((z1, z2), p(x, z1, z2)))                                              # marginal
    =  log(E(q(z1, z2 | x), p(x, z1, z2)/q(z1, z2 | x)))                             # expectation
    >= E(q(z1, z2 | x), log(p(x, z1, z2)/q(z1, z2 | x)))                             # Jensen
    =  E(q(z1, z2 | x), log(p(x | z1)*p(z1 | z2)*p(z2)/(q(z1 | x)*q(z2 | z1))))      # the model
    =  E(q(z1, z2 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x))) - E(q(z1, z2 | x), log(q(z2 | z1)/p(z2)))  # linearity
    =  E(q(z1 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x))) - E(q(z1, z2 | x), log(q(z2 | z1)/p(z2)))  # marginal
    =  E(q(z1 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x))) - E(q(z1 | x), E(q(z2 | z1), log(q(z2 | z1)/p(z2))))  # iterated expectation
    =  E(q(z1 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x))) - E(q(z1 | x), KL(q(z2 | z1), p(z2)))  # definition of KL
"""


RIGHT = {
    "evidence_splits": [
        SPLIT,
        """
        E(q(z | x), log(p(x, z)/q(z | x))) + KL(q(z | x), p(z | x))
        = E(q(z | x), log(p(x, z)/q(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))     # definition of KL
        = E(q(z | x), log(p(x, z)/q(z | x)) + log(q(z | x)/p(z | x)))                  # linearity
        = E(q(z | x), log(p(x, z)/p(z | x)))                                           # arithmetic
        = E(q(z | x), log(p(x)))                                                       # product rule
        = log(p(x))                                                                    # normalisation
        """,
        """
        log(p(x))
        = E(q(z | x), log(p(x)))                                                                       # average of a constant
        = E(q(z | x), log(p(x, z)) - log(p(z | x)))                                                    # Bayes' rule
        = E(q(z | x), log(p(x, z))) - E(q(z | x), log(p(z | x)))                                       # linearity
        = E(q(z | x), log(p(x, z))) - E(q(z | x), log(q(z | x)))
          + E(q(z | x), log(q(z | x))) - E(q(z | x), log(p(z | x)))                                    # arithmetic
        = E(q(z | x), log(p(x, z)/q(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))                     # linearity
        = E(q(z | x), log(p(x, z)/q(z | x))) + KL(q(z | x), p(z | x))                                  # KL
        """,
        """
        log(p(x))
        = sum(z, q(z | x))*log(p(x))                                                                   # normalisation
        = sum(z, q(z | x)*log(p(x)))                                                                   # linearity
        = sum(z, q(z | x)*log(p(x, z)/p(z | x)))                                                       # product rule
        = sum(z, q(z | x)*log(p(x, z)/q(z | x)) + q(z | x)*log(q(z | x)/p(z | x)))                     # arithmetic
        = sum(z, q(z | x)*log(p(x, z)/q(z | x))) + sum(z, q(z | x)*log(q(z | x)/p(z | x)))             # linearity
        = E(q(z | x), log(p(x, z)/q(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))                     # expectation
        = E(q(z | x), log(p(x, z)/q(z | x))) + KL(q(z | x), p(z | x))                                  # definition of KL
        """,
        """
        log(p(x))
        = log(p(x)) - KL(q(z | x), p(z | x)) + KL(q(z | x), p(z | x))                                  # arithmetic
        = log(p(x)) - E(q(z | x), log(q(z | x)/p(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))        # definition of KL
        = E(q(z | x), log(p(x)) - log(q(z | x)/p(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))        # linearity
        = E(q(z | x), log(p(x)*p(z | x)/q(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))               # arithmetic
        = E(q(z | x), log(p(x, z)/q(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))                     # product rule
        = E(q(z | x), log(p(x, z)/q(z | x))) + KL(q(z | x), p(z | x))                                  # definition of KL
        """,
    ],
    "elbo_by_jensen": [
        JENSEN,
        without(JENSEN, 3),
        """
        log(p(x))
        =  log(sum(z, p(x, z)))                                # marginal
        =  log(sum(z, q(z | x)*(p(x, z)/q(z | x))))            # arithmetic
        >= sum(z, q(z | x)*log(p(x, z)/q(z | x)))              # Jensen
        =  E(q(z | x), log(p(x, z)/q(z | x)))                  # expectation
        """,
        """
        E(q(z | x), log(p(x, z)/q(z | x)))
        <= log(E(q(z | x), p(x, z)/q(z | x)))                  # Jensen
        =  log(sum(z, p(x, z)))                                # expectation
        =  log(p(x))                                           # marginal
        """,
        """
        log(p(x))
        =  log(sum(z, p(x, z)))                                # sum rule
        =  log(sum(z, p(x | z)*p(z)))                          # product rule
        =  log(E(q(z | x), p(x | z)*p(z)/q(z | x)))            # expectation
        >= E(q(z | x), log(p(x | z)) + log(p(z)) - log(q(z | x)))     # Jensen
        =  E(q(z | x), log(p(x, z)/q(z | x)))                  # product rule
        """,
    ],
    "two_level_elbo": [
        TWO,
        but(TWO, ("=  log(E(q(z1, z2 | x)", "=  log(sum((z1, z2), q(z1, z2 | x)*p(x, z1, z2)/q(z1, z2 | x)))  # arithmetic\n    =  log(E(q(z1, z2 | x)")),
        but(TWO, ("p(x | z1)*p(z1 | z2)*p(z2)/(q(z1 | x)*q(z2 | z1))", "p(x, z1, z2)/(q(z1 | x)*q(z2 | z1, x))"),
            ("# the model", "# product rule\n    =  E(q(z1, z2 | x), log(p(x | z1)*p(z1 | z2)*p(z2)/(q(z1 | x)*q(z2 | z1))))  # the model")),
        but(TWO, ("log(p(x))\n    =  log(sum((z1, z2), p(x, z1, z2)))  ", "log(p(x))\n    =  log(sum(z1, p(x, z1)))  # marginal\n    =  log(sum(z1, sum(z2, p(x, z1, z2))))  ")),
        but(TWO, ("=  log(E(q(z1, z2 | x), p(x, z1, z2)/q(z1, z2 | x)))                             # expectation\n    >= E(q(z1, z2 | x), log(p(x, z1, z2)/q(z1, z2 | x)))                             # Jensen",
                  "=  log(sum((z1, z2), q(z1, z2 | x)*(p(x, z1, z2)/q(z1, z2 | x))))  # arithmetic\n    >= sum((z1, z2), q(z1, z2 | x)*log(p(x, z1, z2)/q(z1, z2 | x)))  # Jensen\n    =  E(q(z1, z2 | x), log(p(x, z1, z2)/q(z1, z2 | x)))  # expectation")),
    ],
}  # fmt: skip

WRONG = {
    "evidence_splits": [
        ("the prior in the place of the posterior", 3, "false", but(SPLIT, ("log(p(x, z)/p(z | x))", "log(p(x, z)/p(z))"))),
        ("swapped arguments", 6, "false", but(SPLIT, ("KL(q(z | x), p(z | x))", "KL(p(z | x), q(z | x))"))),
        ("a divergence from the prior", 6, "false", but(SPLIT, ("KL(q(z | x), p(z | x))", "KL(q(z | x), p(z))"))),
        ("a minus sign", 6, "false", but(SPLIT, ("+ KL", "- KL"))),
        ("a dropped term", 5, "false", but(SPLIT, (" + E(q(z | x), log(q(z | x)/p(z | x)))", ""))),
        ("the wrong measure", 2, "step", but(SPLIT, ("E(q(z | x), log(p(x)))", "E(p(z | x), log(p(x)))"), ("normalisation", "expectation"))),
        ("q in the place of p", 3, "false", but(SPLIT, ("log(p(x, z)/p(z | x))", "log(p(x, z)/q(z | x))"))),
        ("a conditional for a joint", 3, "false", but(SPLIT, ("log(p(x, z)/p(z | x))", "log(p(x | z)/p(z | x))"))),
        ("the logarithm is lost", 5, "false", but(SPLIT, ("E(q(z | x), log(p(x, z)/q(z | x))) + E", "E(q(z | x), p(x, z)/q(z | x)) + E"))),
        ("two steps at once", 2, "step", without(SPLIT, 2)),
        ("three steps at once", 3, "step", without(without(SPLIT, 3), 3)),
        ("another rule's name", 3, "step", but(SPLIT, ("product rule", "linearity"))),
        ("a rule that is none", 4, "rule", but(SPLIT, ("arithmetic", "magic"))),
        ("no rule", 6, "rule", but(SPLIT, ("# definition of KL", ""))),
        ("it stops too early", 5, "end", without(SPLIT, 6)),
        ("it starts elsewhere", 1, "start", without(SPLIT, 1).replace("= ", "", 1).partition("#")[0]
            + "\n" + without(without(SPLIT, 1), 1)),
        ("an inequality that leads nowhere", 2, "direction", but(SPLIT, ("= E", ">= E"))),
        ("a variable that is not there", 2, "unreadable", but(SPLIT, ("E(q(z | x), log(p(x)))", "E(q(y | x), log(p(x)))"))),
    ],
    "elbo_by_jensen": [
        ("the wrong way round", 5, "false", but(JENSEN, (">=", "<="))),
        ("an equality", 5, "false", but(JENSEN, (">=", "= "))),
        ("the logarithm is lost", 5, "false", but(JENSEN, ("E(q(z | x), log(p(x, z)/q(z | x)))", "E(q(z | x), p(x, z)/q(z | x))"))),
        ("a conditional for a joint", 2, "false", but(JENSEN, ("log(sum(z, p(x, z)))", "log(sum(z, p(x | z)))"))),
        ("q is not divided out", 4, "false", but(JENSEN, ("log(E(q(z | x), p(x, z)/q(z | x)))", "log(E(q(z | x), p(x, z)))"))),
        ("q is not multiplied in", 3, "false", but(JENSEN, ("q(z | x)*p(x, z)/q(z | x)", "p(x, z)/q(z | x)"))),
        ("the wrong measure", 4, "false", but(JENSEN, ("log(E(q(z | x),", "log(E(p(z | x),"))),
        ("Jensen without an average", 3, "step", without(without(JENSEN, 3), 3)),
        ("another rule's name", 4, "step", but(JENSEN, ("expectation", "marginal"))),
        ("the conclusion as a rule", 5, "rule", but(JENSEN, ("# Jensen", "# KL is never negative"))),
        ("Jensen too early", 3, "false", but(JENSEN, ("=  log(sum(z, q(z | x)*p(x, z)/q(z | x)))", ">= sum(z, log(p(x, z)) + 3)"), ("arithmetic", "Jensen"))),
        ("it stops too early", 4, "end", without(JENSEN, 5)),
        ("a number with an exponent", 4, "unreadable", but(JENSEN, ("log(E(q(z | x), p(x, z)/q(z | x)))", "log(9**9**9)"))),
    ],
    "two_level_elbo": [
        ("x sees the top", 5, "false", but(TWO, ("p(x | z1)*p(z1 | z2)", "p(x | z2)*p(z1 | z2)"))),
        ("two separate priors", 5, "false", but(TWO, ("p(x | z1)*p(z1 | z2)*p(z2)", "p(x | z1)*p(z1)*p(z2)"))),
        ("the encoder goes the other way", 5, "unreadable", but(TWO, ("(q(z1 | x)*q(z2 | z1))", "(q(z2 | x)*q(z1 | z2))"))),
        ("a plus at the top", 9, "false", but(TWO, ("- E(q(z1 | x), KL(q(z2 | z1), p(z2)))", "+ E(q(z1 | x), KL(q(z2 | z1), p(z2)))"))),
        ("swapped arguments at the top", 9, "false", but(TWO, ("KL(q(z2 | z1), p(z2))", "KL(p(z2), q(z2 | z1))"))),
        ("a sign in the fraction", 6, "false", but(TWO, ("- E(q(z1, z2 | x), log(q(z2 | z1)/p(z2)))", "+ E(q(z1, z2 | x), log(q(z2 | z1)/p(z2)))"))),
        ("Jensen's direction", 4, "false", but(TWO, (">=", "<="))),
        ("a dropped term", 6, "false", but(TWO, (" - E(q(z1, z2 | x), log(q(z2 | z1)/p(z2)))", ""))),
        ("summed over one level", 2, "false", but(TWO, ("sum((z1, z2), p(x, z1, z2))", "sum(z1, p(x, z1, z2))"))),
        ("the model by another name", 5, "step", but(TWO, ("the model", "linearity"))),
        ("the middle average is cut", 7, "false", but(TWO, ("E(q(z1 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x)))", "E(q(z1 | x), log(p(x | z1))) + E(q(z1 | x), log(p(z1)/q(z1 | x)))"))),
        ("two steps at once", 8, "step", without(TWO, 8)),
        ("it stops too early", 8, "end", without(TWO, 9)),
    ],
}  # fmt: skip
