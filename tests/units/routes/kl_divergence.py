"""Routes from KL[p‖q] to zero, right and wrong."""

TASK = {"kl_is_never_negative": "NEVER_NEGATIVE"}

RIGHT = {
    "kl_is_never_negative": [
        """
        KL(p(x), q(x))
        = -E(p(x), log(q(x)/p(x)))              # definition of KL
        >= -log(E(p(x), q(x)/p(x)))             # Jensen
        = -log(sum(x, q(x), p(x) > 0))          # expectation
        >= -log(sum(x, q(x)))                   # part of a sum
        = -log(1)                               # normalisation
        = 0                                     # arithmetic
        """,
        """
        KL(p(x), q(x))
        = E(p(x), log(p(x)/q(x)))               # by definition of KL
        = E(p(x), log(p(x)) - log(q(x)))        # log rules
        = E(p(x), log(p(x))) - E(p(x), log(q(x)))     # linearity of expectation
        = -E(p(x), log(q(x)) - log(p(x)))       # linearity
        = -E(p(x), log(q(x)/p(x)))              # arithmetic
        >= -log(E(p(x), q(x)/p(x)))             # Jensen's inequality
        = -log(sum(x, q(x), p(x) > 0))          # definition of expectation
        >= -log(sum(x, q(x)))                   # support
        = 0                                     # sums to one
        """,
        """
        KL(p(x), q(x))
        = -E(p(x), log(q(x)/p(x)))              # definition of KL
        >= -E(p(x), q(x)/p(x) - 1)              # log t <= t - 1
        = 1 - E(p(x), q(x)/p(x))                # linearity
        = 1 - sum(x, q(x), p(x) > 0)            # expectation
        >= 1 - sum(x, q(x))                     # part of a sum
        = 0                                     # normalisation
        """,
        """
        KL(p(x), q(x))
        = E(p(x), log(p(x)/q(x)))                                   # definition of KL
        = -E(p(x), log(q(x)/p(x)))                                  # arithmetic
        >= -E(p(x), q(x)/p(x) - 1)                                  # log t <= t - 1
        = -sum(x, q(x) - p(x), p(x) > 0)                            # expectation
        = sum(x, p(x), p(x) > 0) - sum(x, q(x), p(x) > 0)           # linearity
        >= sum(x, p(x)) - sum(x, q(x))                              # part of a sum
        = 1 - 1                                                     # normalisation
        = 0                                                         # arithmetic
        """,
        """
        0
        = -log(1)                               # arithmetic
        = -log(sum(x, q(x)))                    # normalisation
        <= -log(sum(x, q(x), p(x) > 0))         # part of a sum
        = -log(E(p(x), q(x)/p(x)))              # expectation
        <= -E(p(x), log(q(x)/p(x)))             # Jensen
        = KL(p(x), q(x))                        # definition of KL
        """,
        """
        KL(p(x), q(x))
        = E(p(x), log(p(x)/q(x)))                        # definition of KL
        = sum(x, p(x)*log(p(x)/q(x)), p(x) > 0)          # expectation
        = -sum(x, p(x)*log(q(x)/p(x)), p(x) > 0)         # arithmetic
        >= -log(sum(x, p(x)*(q(x)/p(x)), p(x) > 0))      # Jensen
        = -log(sum(x, q(x), p(x) > 0))                   # arithmetic
        >= -log(sum(x, q(x)))                            # part of a sum
        = -log(1)                                        # normalisation
        = 0                                              # arithmetic
        """,
    ],
}

WRONG = {
    "kl_is_never_negative": [
        ("the support is forgotten", 4, "false", """
        KL(p(x), q(x))
        = -E(p(x), log(q(x)/p(x)))              # definition of KL
        >= -log(E(p(x), q(x)/p(x)))             # Jensen
        = -log(sum(x, q(x)))                    # expectation
        = 0                                     # normalisation
        """),
        ("the support is forgotten: with >= it is true, and two steps", 4, "step", """
        KL(p(x), q(x))
        = -E(p(x), log(q(x)/p(x)))              # definition of KL
        >= -log(E(p(x), q(x)/p(x)))             # Jensen
        >= -log(sum(x, q(x)))                   # part of a sum
        = 0                                     # normalisation
        """),
        ("Jensen's direction", 3, "false", """
        KL(p(x), q(x))
        = -E(p(x), log(q(x)/p(x)))              # definition of KL
        <= -log(E(p(x), q(x)/p(x)))             # Jensen
        = -log(sum(x, q(x), p(x) > 0))          # expectation
        >= -log(sum(x, q(x)))                   # part of a sum
        = 0                                     # normalisation
        """),
        ("Jensen as an equality", 3, "false", """
        KL(p(x), q(x))
        = -E(p(x), log(q(x)/p(x)))              # definition of KL
        = -log(E(p(x), q(x)/p(x)))              # Jensen
        = -log(sum(x, q(x), p(x) > 0))          # expectation
        >= -log(sum(x, q(x)))                   # part of a sum
        = 0                                     # normalisation
        """),
        ("swapped arguments", 2, "false", """
        KL(p(x), q(x))
        = KL(q(x), p(x))                        # definition of KL
        = -E(q(x), log(p(x)/q(x)))              # definition of KL
        >= -log(E(q(x), p(x)/q(x)))             # Jensen
        = -log(sum(x, p(x), q(x) > 0))          # expectation
        >= -log(sum(x, p(x)))                   # part of a sum
        = 0                                     # normalisation
        """),
        ("the wrong measure", 2, "false", """
        KL(p(x), q(x))
        = -E(q(x), log(q(x)/p(x)))              # definition of KL
        >= 0                                    # Jensen
        """),
        ("a sign", 2, "false", """
        KL(p(x), q(x))
        = E(p(x), log(q(x)/p(x)))               # definition of KL
        >= 0                                    # Jensen
        """),
        ("a dropped term", 4, "false", """
        KL(p(x), q(x))
        = -E(p(x), log(q(x)/p(x)))              # definition of KL
        >= -E(p(x), q(x)/p(x) - 1)              # log t <= t - 1
        = -E(p(x), q(x)/p(x))                   # linearity
        >= 0                                    # part of a sum
        """),
        ("a circle", 3, "rule", """
        KL(p(x), q(x))
        = E(p(x), log(p(x)/q(x)))               # definition of KL
        >= 0                                    # KL is never negative
        """),
        ("a leap", 3, "step", """
        KL(p(x), q(x))
        = -E(p(x), log(q(x)/p(x)))              # definition of KL
        >= -log(1)                              # Jensen
        = 0                                     # arithmetic
        """),
        ("another rule's name", 3, "step", """
        KL(p(x), q(x))
        = -E(p(x), log(q(x)/p(x)))              # definition of KL
        >= -log(E(p(x), q(x)/p(x)))             # linearity
        = -log(sum(x, q(x), p(x) > 0))          # expectation
        >= -log(sum(x, q(x)))                   # part of a sum
        = 0                                     # normalisation
        """),
        ("no rule", 2, "rule", """
        KL(p(x), q(x))
        = -E(p(x), log(q(x)/p(x)))
        >= 0   # Jensen
        """),
        ("it starts elsewhere", 1, "start", """
        KL(q(x), p(x))
        = -E(q(x), log(p(x)/q(x)))              # definition of KL
        >= -log(E(q(x), p(x)/q(x)))             # Jensen
        = -log(sum(x, p(x), q(x) > 0))          # expectation
        >= -log(sum(x, p(x)))                   # part of a sum
        = 0                                     # normalisation
        """),
        ("it stops too early", 4, "end", """
        KL(p(x), q(x))
        = -E(p(x), log(q(x)/p(x)))              # definition of KL
        >= -log(E(p(x), q(x)/p(x)))             # Jensen
        = -log(sum(x, q(x), p(x) > 0))          # expectation
        """),
        ("the inequality turns round", 5, "direction", """
        KL(p(x), q(x))
        = -E(p(x), log(q(x)/p(x)))              # definition of KL
        >= -log(E(p(x), q(x)/p(x)))             # Jensen
        = -log(sum(x, q(x), p(x) > 0))          # expectation
        <= -log(sum(x, q(x), p(x) > 0)) + 1     # arithmetic
        >= 0                                    # arithmetic
        """),
    ],
}  # fmt: skip
