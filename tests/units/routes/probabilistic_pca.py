"""Routes to the marginal and to the best fit, right and wrong. Wrong ones are right ones with one thing changed."""
# ruff: noqa: E501

from tests.units.changes import but, without

TASK = {"marginal_from_the_joint": "MARGINAL", "best_offset_and_noise": "BEST"}

JOINT = """
    p(x)
    = integral(z, p(x, z))                                                                           # marginal
    = integral(z, p(x | z)*p(z))                                                                     # product rule
    = integral(z, N(x, w*z + b, sigma2)*N(z, 0, 1))                                                  # the model
    = integral(z, N(x, b, w**2 + sigma2)*N(z, w*(x - b)/(w**2 + sigma2), sigma2/(w**2 + sigma2)))    # completing the square
    = N(x, b, w**2 + sigma2)*integral(z, N(z, w*(x - b)/(w**2 + sigma2), sigma2/(w**2 + sigma2)))    # linearity
    = N(x, b, w**2 + sigma2)                                                                         # normalisation
"""
FIT = """
    E(q(x), log(p(x)))
    =  E(q(x), log(N(x, b, v)))                          # the model
    =  E(q(x), -(log(2*pi*v) + (x - b)**2/v)/2)          # density of a normal
    =  -(log(2*pi*v) + (s2 + (m - b)**2)/v)/2            # moments
    <= -(log(2*pi*v) + s2/v)/2                           # a square is never negative
    <= -(log(2*pi*v) + log(s2/v) + 1)/2                  # log t ≤ t − 1
    =  -(log(2*pi*s2) + 1)/2                             # arithmetic
"""


RIGHT = {
    "marginal_from_the_joint": [
        JOINT,
        without(JOINT, 3),
        without(JOINT, 6),
        """
        N(x, b, w**2 + sigma2)
        = N(x, b, w**2 + sigma2)*integral(z, N(z, w*(x - b)/(w**2 + sigma2), sigma2/(w**2 + sigma2)))    # normalisation
        = integral(z, N(x, b, w**2 + sigma2)*N(z, w*(x - b)/(w**2 + sigma2), sigma2/(w**2 + sigma2)))    # linearity
        = integral(z, N(z, 0, 1)*N(x, w*z + b, sigma2))                                                  # completing the square
        = integral(z, p(z)*p(x | z))                                                                     # the model
        = integral(z, p(x, z))                                                                           # product rule
        = p(x)                                                                                           # marginal
        """,
        """
        p(x)
        = integral(z, p(x, z))                                                                           # sum rule
        = integral(z, p(z | x)*p(x))                                                                     # Bayes' rule
        = integral(z, p(z)*p(x | z))                                                                     # Bayes' rule
        = integral(z, N(z, 0, 1)*N(x, b + w*z, sigma2))                                                  # by the model
        = integral(z, N(z, (w*x - w*b)/(sigma2 + w*w), 1 - w**2/(sigma2 + w**2))*N(x, b, sigma2 + w*w))  # Gaussian algebra
        = integral(z, N(z, (w*x - w*b)/(sigma2 + w*w), 1 - w**2/(sigma2 + w**2)))*N(x, b, sigma2 + w*w)  # linearity
        = N(x, b, sigma2 + w*w)                                                                          # normalisation
        """,
        """
        p(x)
        = integral(z, p(z, x))                                                                           # marginalisation
        = integral(z, N(z, 0, 1)*N(x, w*z + b, sigma2))                                                  # the model
        = integral(z, N(x - b, w*z, sigma2)*N(z, 0, 1))                                                  # completing the square
        = integral(z, N(x - b, 0, w**2 + sigma2)*N(z, w*(x - b)/sigma2/(w**2/sigma2 + 1), 1/(w**2/sigma2 + 1)))  # completing the square
        = N(x - b, 0, w**2 + sigma2)                                                                     # normalisation
        = N(x, b, w**2 + sigma2)                                                                         # completing the square
        """,
    ],
    "best_offset_and_noise": [
        FIT,
        """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                                      # the model
        =  E(q(x), -log(2*pi*v)/2 - x**2/(2*v) + x*b/v - b**2/(2*v))     # normal density
        =  -log(2*pi*v)/2 - E(q(x), x**2)/(2*v) + E(q(x), x)*b/v - b**2/(2*v)   # linearity
        =  -log(2*pi*v)/2 - (m**2 + s2)/(2*v) + m*b/v - b**2/(2*v)       # moments
        =  -log(2*pi*v)/2 - s2/(2*v) - (m - b)**2/(2*v)                  # arithmetic
        <= -log(2*pi*v)/2 - s2/(2*v)                                     # squares
        <= -log(2*pi*v)/2 - (log(s2/v) + 1)/2                            # tangent
        =  -(log(2*pi*s2) + 1)/2                                         # algebra
        """,
        """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                              # the model
        =  E(q(x), -(log(2*pi*v) + (x - b)**2/v)/2)              # density of a normal
        =  -(log(2*pi*v) + s2/v + (m - b)**2/v)/2                # moments
        <= -(log(2*pi*v) + log(s2/v) + 1 + (m - b)**2/v)/2       # log t <= t - 1
        =  -(log(2*pi*s2) + 1 + (b - m)**2/v)/2                  # arithmetic
        <= -(log(2*pi*s2) + 1)/2                                 # a square is never negative
        """,
        """
        -(log(2*pi*s2) + 1)/2
        =  -(log(2*pi*v) + log(s2/v) + 1)/2                      # arithmetic
        >= -(log(2*pi*v) + s2/v)/2                               # log t ≤ t − 1
        >= -(log(2*pi*v) + (s2 + (m - b)**2)/v)/2                # a square is never negative
        =  E(q(x), -(log(2*pi*v) + (x - b)**2/v)/2)              # moments
        =  E(q(x), log(N(x, b, v)))                              # density of a normal
        =  E(q(x), log(p(x)))                                    # the model
        """,
        """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                                          # the model
        =  E(q(x), -log(2*pi*v)/2 - (x - b)**2/(2*v))                        # Gaussian density
        =  -log(2*pi*v)/2 - E(q(x), (x - b)**2)/(2*v)                        # linearity of expectation
        =  -log(2*pi*v)/2 - (s2 + (m - b)**2)/(2*v)                          # Gaussian moments
        =  -log(2*pi*s2)/2 + log(s2/v)/2 - s2/(2*v) - (m - b)**2/(2*v)       # arithmetic
        <= -log(2*pi*s2)/2 + (s2/v - 1)/2 - s2/(2*v) - (m - b)**2/(2*v)      # log t ≤ t − 1
        =  -(log(2*pi*s2) + 1)/2 - (m - b)**2/(2*v)                          # arithmetic
        <= -(log(2*pi*s2) + 1)/2                                             # a square is never negative
        """,
        """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                                          # the model
        =  E(q(x), -log(2*pi*v)/2 - ((x - m) + (m - b))**2/(2*v))            # density of a normal
        =  E(q(x), -log(2*pi*v)/2 - (x - m)**2/(2*v) - (x - m)*(m - b)/v - (m - b)**2/(2*v))   # arithmetic
        <= E(q(x), -log(2*pi*v)/2 - (x - m)**2/(2*v) - (x - m)*(m - b)/v)    # a square is never negative
        =  -log(2*pi*v)/2 - s2/(2*v)                                         # moments
        <= -log(2*pi*v)/2 - (log(s2/v) + 1)/2                                # log t ≤ t − 1
        =  -(log(2*pi*s2) + 1)/2                                             # arithmetic
        """,
    ],
}  # fmt: skip

WRONG = {
    "marginal_from_the_joint": [
        ("no noise", 5, "false", but(JOINT, ("N(x, b, w**2 + sigma2)", "N(x, b, w**2)"))),
        ("w for its square", 5, "false", but(JOINT, ("N(x, b, w**2 + sigma2)", "N(x, b, w + sigma2)"))),
        ("variances subtracted", 5, "false", but(JOINT, ("N(x, b, w**2 + sigma2)", "N(x, b, w**2 + sigma2 - 2*w**2*sigma2/(w**2 + sigma2))"))),
        ("the posterior is too wide", 5, "step", but(JOINT, ("sigma2/(w**2 + sigma2)))    # completing", "1/(w**2 + sigma2)))    # completing"))),
        ("the posterior mean is the projection", 5, "step", but(JOINT, ("w*(x - b)/(w**2 + sigma2)", "(x - b)/w"))),
        ("a posterior mean without w", 5, "step", but(JOINT, ("w*(x - b)/(w**2 + sigma2)", "(x - b)/(w**2 + sigma2)"))),
        ("the offset is lost", 5, "false", but(JOINT, ("N(x, b, w**2 + sigma2)", "N(x, 0, w**2 + sigma2)"))),
        ("the offset is added in the posterior", 5, "step", but(JOINT, ("w*(x - b)", "w*(x + b)"))),
        ("a swallowed factor", 6, "false", but(JOINT, ("N(x, b, w**2 + sigma2)*integral(z, N(z, w", "integral(z, N(z, w"))),
        ("a factor with z leaves the integral", 5, "false", but(JOINT, ("integral(z, N(x, b, w**2 + sigma2)*N(z, w*(x - b)/(w**2 + sigma2), sigma2/(w**2 + sigma2)))    # completing the square", "N(x, w*z + b, sigma2)*integral(z, N(z, 0, 1))   # linearity"))),
        ("a conditional for a joint", 2, "false", but(JOINT, ("p(x, z)", "p(x | z)"))),
        ("the wrong measure", 3, "false", but(JOINT, ("p(x | z)*p(z)", "p(z | x)*p(z)"))),
        ("Bayes with the wrong factor", 3, "false", but(JOINT, ("p(x | z)*p(z)", "p(x | z)*p(x)"))),
        ("a standard deviation for a variance", 4, "false", but(JOINT, ("N(x, w*z + b, sigma2)", "N(x, w*z + b, sigma2**2)"))),
        ("mean and variance swapped in the prior", 4, "false", but(JOINT, ("N(z, 0, 1)", "N(z, 1, 1)"))),
        ("integrated over the other variable", 2, "false", but(JOINT, ("integral(z, p(x, z))", "integral(x, p(x, z))"))),
        ("the model in a single leap", 2, "step", "p(x)\n= N(x, b, w**2 + sigma2)   # the model"),
        ("the square is not completed", 5, "step", without(without(JOINT, 5), 5)),
        ("completed and pulled out at once", 5, "step", without(JOINT, 5)),
        ("the marginal of a product", 2, "step", without(JOINT, 2)),
        ("circular", 2, "step", """
            p(x)
            = p(x)*integral(z, p(z | x))         # product rule
            = N(x, b, w**2 + sigma2)             # the model
        """),
        ("another rule's name", 5, "step", but(JOINT, ("completing the square", "the model"))),
        ("a rule of another exercise", 5, "rule", but(JOINT, ("completing the square", "moments"))),
        ("no rule", 7, "rule", but(JOINT, ("# normalisation", ""))),
        ("an inequality that is true", 6, "direction", but(JOINT, ("= N(x, b, w**2 + sigma2)*", ">= N(x, b, w**2 + sigma2)*"))),
        ("it stops too early", 6, "end", without(JOINT, 7)),
        ("it starts with the joint", 1, "start", without(JOINT, 1).replace("= ", "", 1).partition("#")[0] + "\n" + without(without(JOINT, 1), 1)),
        ("a sum over a line", 2, "unreadable", but(JOINT, ("integral(z, p(x, z))", "sum(z, p(x, z))"))),
        ("a name that is not there", 4, "unreadable", but(JOINT, ("N(x, w*z + b, sigma2)", "N(x, w*z + b, sigma)"))),
    ],
    "best_offset_and_noise": [
        ("the half on the square alone", 3, "false", but(FIT, ("-(log(2*pi*v) + (x - b)**2/v)/2", "-log(2*pi*v) - (x - b)**2/v/2"))),
        ("a sign in the density", 3, "false", but(FIT, ("(x - b)**2/v", "-(x - b)**2/v"))),
        ("the spread of the data is lost", 4, "false", but(FIT, ("(s2 + (m - b)**2)", "(m - b)**2"))),
        ("the offset is lost", 4, "false", but(FIT, ("(s2 + (m - b)**2)", "(s2 + m**2)"))),
        ("second moment instead of variance", 4, "false", but(FIT, ("(s2 + (m - b)**2)", "(s2 + m**2 + (m - b)**2)"))),
        ("an equals sign for the square", 5, "false", but(FIT, ("<= -(log(2*pi*v) + s2/v)/2", "=  -(log(2*pi*v) + s2/v)/2"))),
        ("the square's inequality turned round", 5, "false", but(FIT, ("<= -(log(2*pi*v) + s2/v)/2", ">= -(log(2*pi*v) + s2/v)/2"))),
        ("an equals sign for the tangent", 6, "false", but(FIT, ("<= -(log(2*pi*v) + log(s2/v)", "=  -(log(2*pi*v) + log(s2/v)"))),
        ("the tangent's inequality turned round", 6, "false", but(FIT, ("<= -(log(2*pi*v) + log(s2/v)", ">= -(log(2*pi*v) + log(s2/v)"))),
        ("the tangent upside down", 6, "false", but(FIT, ("log(s2/v)", "log(v/s2)"))),
        ("a minus in the tangent", 6, "step", but(FIT, ("log(s2/v) + 1", "log(s2/v) - 1"), ("log(2*pi*s2) + 1", "log(2*pi*s2) - 1"))),
        ("the variance of the model is left", 7, "false", but(FIT, ("=  -(log(2*pi*s2) + 1)/2", "=  -(log(2*pi*v) + 1)/2"))),
        ("swapped arguments", 2, "false", but(FIT, ("N(x, b, v)", "N(x, m, s2)"))),
        ("the wrong measure", 3, "false", but(FIT, ("E(q(x), -(log", "E(p(x), -(log"))),
        ("both inequalities at once", 5, "step", without(FIT, 5)),
        ("moments without the density", 3, "step", without(FIT, 3)),
        ("the result at once", 2, "step", "E(q(x), log(p(x)))\n<= -(log(2*pi*s2) + 1)/2   # a square is never negative"),
        ("the tangent for the square", 5, "step", but(FIT, ("# a square is never negative", "# log t ≤ t − 1"))),
        ("the square for the tangent", 6, "step", but(FIT, ("# log t ≤ t − 1", "# a square is never negative"))),
        ("the conclusion as a rule", 2, "rule", "E(q(x), log(p(x)))\n<= -(log(2*pi*s2) + 1)/2   # KL is never negative"),
        ("no rule", 5, "rule", but(FIT, ("# a square is never negative", ""))),
        ("it leads the other way", 7, "direction", but(FIT, ("=  -(log(2*pi*s2)", ">= -(log(2*pi*s2)"))),
        ("it stops too early", 5, "end", without(without(FIT, 7), 6)),
        ("a variable that is not there", 3, "unreadable", but(FIT, ("(x - b)**2/v", "(z - b)**2/v"))),
    ],
}  # fmt: skip
