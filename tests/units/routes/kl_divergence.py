"""Routes from KL[p‖q] to zero, and to the closed form for two normal densities, right and wrong."""
# ruff: noqa: E501

from tests.units.changes import but

TASK = {"kl_is_never_negative": "NEVER_NEGATIVE", "kl_gaussian_from_its_integral": "KL_OF_NORMALS"}

NORMALS = """
    KL(q(x), p(x))
    = E(q(x), log(q(x)/p(x)))                                                                # definition of KL
    = E(q(x), log(N(x, m, sigma2)/N(x, mu, tau2)))                                           # the model
    = E(q(x), (log(tau2/sigma2) - (x - m)**2/sigma2 + (x - mu)**2/tau2)/2)                   # density of a normal
    = (log(tau2/sigma2) - E(q(x), (x - m)**2)/sigma2 + E(q(x), (x - mu)**2)/tau2)/2          # linearity
    = (log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2                                 # moments
"""


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
    "kl_gaussian_from_its_integral": [
        NORMALS,
        """
        KL(q(x), p(x))
        = E(q(x), log(q(x)/p(x)))                                                            # definition of KL
        = E(q(x), log(q(x))) - E(q(x), log(p(x)))                                            # linearity
        = E(q(x), log(N(x, m, sigma2))) - E(q(x), log(N(x, mu, tau2)))                       # model
        = E(q(x), -log(2*pi*sigma2)/2 - (x - m)**2/(2*sigma2))
          - E(q(x), -log(2*pi*tau2)/2 - (x - mu)**2/(2*tau2))                                # gaussian density
        = -log(2*pi*sigma2)/2 - 1/2 + log(2*pi*tau2)/2 + (sigma2 + (m - mu)**2)/(2*tau2)     # gaussian moments
        = (log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2                             # arithmetic
        """,
        """
        (log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2
        = E(q(x), log(tau2/sigma2)/2 - (x - m)**2/(2*sigma2) + (x - mu)**2/(2*tau2))         # moments
        = E(q(x), log(N(x, m, sigma2)/N(x, mu, tau2)))                                       # density of a normal
        = E(q(x), log(q(x)/p(x)))                                                            # the model
        = KL(q(x), p(x))                                                                     # definition of KL
        """,
        """
        KL(q(x), p(x))
        = E(q(x), log(q(x)/p(x)))                                                            # definition of KL
        = integral(x, q(x)*log(q(x)/p(x)))                                                   # expectation
        = integral(x, q(x)*log(N(x, m, sigma2)/N(x, mu, tau2)))                              # the model
        = integral(x, q(x)*(log(tau2/sigma2)/2 - (x - m)**2/(2*sigma2) + (x - mu)**2/(2*tau2)))    # density of a normal
        = log(tau2/sigma2)/2*integral(x, q(x)) - integral(x, q(x)*(x - m)**2)/(2*sigma2)
          + integral(x, q(x)*(x - mu)**2)/(2*tau2)                                           # linearity
        = log(tau2/sigma2)/2 - integral(x, q(x)*(x - m)**2)/(2*sigma2)
          + integral(x, q(x)*(x - mu)**2)/(2*tau2)                                           # normalisation
        = log(tau2/sigma2)/2 - E(q(x), (x - m)**2)/(2*sigma2) + E(q(x), (x - mu)**2)/(2*tau2)    # expectation
        = (log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2                             # moments
        """,
        """
        KL(q(x), p(x))
        = E(q(x), log(q(x)) - log(p(x)))                                                     # kl
        = E(q(x), log(q(x)) - log(N(x, mu, tau2)))                                           # the model
        = E(q(x), log(q(x)) + log(2*pi*tau2)/2 + (x**2 - 2*mu*x + mu**2)/(2*tau2))           # normal density
        = E(q(x), log(N(x, m, sigma2)) + log(2*pi*tau2)/2 + (x**2 - 2*mu*x + mu**2)/(2*tau2))    # the model
        = E(q(x), log(2*pi*tau2)/2 - log(2*pi*sigma2)/2 - (x - m)**2/(2*sigma2) + (x - mu)**2/(2*tau2))    # density
        = log(tau2)/2 - log(sigma2)/2 - E(q(x), (x - m)**2)/(2*sigma2)
          + E(q(x), x**2)/(2*tau2) - mu*E(q(x), x)/tau2 + mu**2/(2*tau2)                     # linearity of expectation
        = log(tau2)/2 - log(sigma2)/2 - 1/2 + (m**2 + sigma2 - 2*mu*m + mu**2)/(2*tau2)      # moments of a normal
        = (log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2                             # algebra
        """,
        """
        KL(q(x), p(x))
        = E(q(x), log(q(x)/p(x)))                                                            # definition of KL
        = E(q(x), log(N(x, m, sigma2)/N(x, mu, tau2)))                                       # the model
        = E(q(x), (log(tau2/sigma2) - (x - m)**2/sigma2 + ((x - m) + (m - mu))**2/tau2)/2)   # density of a normal
        = E(q(x), log(tau2/sigma2))/2 - E(q(x), (x - m)**2)/(2*sigma2) + E(q(x), (x - m)**2)/(2*tau2)
          + E(q(x), x - m)*(m - mu)/tau2 + (m - mu)**2/(2*tau2)                              # linearity
        = log(tau2/sigma2)/2 - E(q(x), (x - m)**2)/(2*sigma2) + E(q(x), (x - m)**2)/(2*tau2)
          + E(q(x), x - m)*(m - mu)/tau2 + (m - mu)**2/(2*tau2)                              # average of a constant
        = log(tau2/sigma2)/2 - sigma2/(2*sigma2) + sigma2/(2*tau2) + (m - mu)**2/(2*tau2)    # moments
        = (log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2                             # arithmetic
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
    "kl_gaussian_from_its_integral": [
        ("the ½ on the first term only", 4, "false", """
        KL(q(x), p(x))
        = E(q(x), log(q(x)/p(x)))                                                            # definition of KL
        = E(q(x), log(N(x, m, sigma2)/N(x, mu, tau2)))                                       # the model
        = E(q(x), log(tau2/sigma2)/2 - (x - m)**2/sigma2 + (x - mu)**2/tau2)                 # density of a normal
        = log(tau2/sigma2)/2 - 1 + (sigma2 + (m - mu)**2)/tau2                               # moments
        """),
        ("the ½ lost at the end", 6, "false", but(NORMALS, ("= (log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2", "= log(tau2/sigma2)/2 - 1 + (sigma2 + (m - mu)**2)/tau2"))),
        ("a sign", 2, "false", but(NORMALS, ("log(q(x)/p(x))", "log(p(x)/q(x))"))),
        ("a sign in the exponent", 4, "false", but(NORMALS, ("- (x - m)**2/sigma2 +", "+ (x - m)**2/sigma2 +"))),
        ("swapped arguments", 1, "start", but(NORMALS, ("KL(q(x), p(x))", "KL(p(x), q(x))"))),
        ("swapped on the way", 2, "false", but(NORMALS, ("= E(q(x), log(q(x)/p(x)))", "= KL(p(x), q(x))"))),
        ("the wrong measure", 2, "false", but(NORMALS, ("E(q(x), log(q(x)/p(x)))", "E(p(x), log(q(x)/p(x)))"))),
        ("the wrong measure further down", 5, "false", but(NORMALS, ("+ E(q(x), (x - mu)**2)", "+ E(p(x), (x - mu)**2)"))),
        ("a dropped term: the variance", 6, "false", but(NORMALS, ("(sigma2 + (m - mu)**2)", "(m - mu)**2"))),
        ("a dropped term: the distance of the means", 6, "false", but(NORMALS, ("(sigma2 + (m - mu)**2)", "sigma2"))),
        ("a dropped term: the constant", 6, "false", but(NORMALS, ("- 1 + (sigma2", "+ (sigma2"))),
        ("a variance read as a standard deviation", 4, "false", but(NORMALS, ("(x - m)**2/sigma2", "(x - m)**2/sigma2**2"))),
        ("the densities exchanged", 3, "false", but(NORMALS, ("N(x, m, sigma2)/N(x, mu, tau2)", "N(x, mu, tau2)/N(x, m, sigma2)"))),
        ("mean and variance exchanged", 3, "false", but(NORMALS, ("N(x, m, sigma2)/", "N(x, m, tau2)/"))),
        ("a circle from the middle", 1, "start", """
        E(q(x), log(N(x, m, sigma2)/N(x, mu, tau2)))
        = KL(q(x), p(x))                                                                     # definition of KL
        """),
        ("it goes nowhere", 3, "end", """
        KL(q(x), p(x))
        = E(q(x), log(q(x)/p(x)))                                                            # definition of KL
        = KL(q(x), p(x))                                                                     # definition of KL
        """),
        ("at once", 2, "step", """
        KL(q(x), p(x))
        = (log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2                             # definition of KL
        """),
        ("too big a step: density and moments", 4, "step", but(NORMALS, ("    = E(q(x), (log(tau2/sigma2) - (x - m)**2/sigma2 + (x - mu)**2/tau2)/2)                   # density of a normal\n", ""))),
        ("the model is not said", 3, "step", but(NORMALS, ("    = E(q(x), log(N(x, m, sigma2)/N(x, mu, tau2)))                                           # the model\n", ""))),
        ("the wrong rule", 4, "step", but(NORMALS, ("# density of a normal", "# the model"))),
        ("a rule that is not allowed", 6, "rule", but(NORMALS, ("# moments", "# completing the square"))),
        ("an inequality that is true", 6, "direction", but(NORMALS, ("= (log(tau2/sigma2) - 1 +", ">= (log(tau2/sigma2) - 1 +"))),
        ("it stops too early", 5, "end", but(NORMALS, ("    = (log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2                                 # moments\n", ""))),
        ("a name that is not there", 3, "unreadable", but(NORMALS, ("N(x, m, sigma2)", "N(x, m, sigma)"))),
        ("the moment of another distribution", 6, "false", but(NORMALS, ("(sigma2 + (m - mu)**2)/tau2)/2                                 # moments", "(tau2 + (m - mu)**2)/tau2)/2   # moments"))),
    ],
}  # fmt: skip
