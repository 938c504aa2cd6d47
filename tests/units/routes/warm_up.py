"""Routes to Bayes' rule, right and wrong."""

TASK = {"posterior_by_bayes": "BAYES"}

RIGHT = {
    "posterior_by_bayes": [
        """
        log(p(z | x))
        = log(p(x, z)/p(x))                                          # product rule
        = log(p(x | z)*p(z)/p(x))                                    # product rule
        = log(p(x | z)) + log(p(z)) - log(p(x))                      # arithmetic
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x, z)))           # marginal
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # product rule
        """,
        """
        log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))
        = log(p(x | z)*p(z)) - log(sum(z, p(x | z)*p(z)))            # arithmetic
        = log(p(x, z)) - log(sum(z, p(x, z)))                        # product rule
        = log(p(x, z)) - log(p(x))                                   # marginal
        = log(p(z | x)*p(x)) - log(p(x))                             # product rule
        = log(p(z | x))                                              # arithmetic
        """,
        """
        log(p(z | x))
        = log(p(x | z)) + log(p(z)) - log(p(x))                      # by Bayes' rule
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(z, x)))           # sum rule
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # chain rule
        """,
        """
        log(p(z | x))
        = log(p(x, z)) - log(p(x))                                   # product rule
        = log(p(x, z)) - log(sum(z, p(x, z)))                        # marginal
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # product rule
        """,
        """
        log(p(z | x))
        = log(p(z | x)*p(x)/p(x))                                    # arithmetic
        = log(p(z | x)*p(x)/sum(z, p(x, z)))                         # marginal
        = log(p(x, z)/sum(z, p(x, z)))                               # product rule
        = log(p(z)*p(x | z)/sum(z, p(z)*p(x | z)))                   # product rule
        = log(p(z)) + log(p(x | z)) - log(sum(z, p(z)*p(x | z)))     # log rules
        """,
        """
        log(p(z | x))
        = log(p(x, z)) - log(p(x))                                   # product rule
        = log(p(x, z)) - log(p(z)) + log(p(z)) - log(p(x))           # arithmetic
        = log(p(x, z)/p(z)) + log(p(z)) - log(p(x))                  # arithmetic
        = log(p(x | z)) + log(p(z)) - log(p(x))                      # conditional probability
        = log(p(x | z)) + log(p(z))
          - log(sum(z, p(x, z)))                                     # marginalise
        = log(p(x | z)) + log(p(z))
          - log(sum(z, p(x | z)*p(z)))                               # product rule
        """,
        """
        log(p(z | x))
        = -log(p(x)/p(x, z))                                         # product rule
        = -log(sum(z, p(x, z))/p(x, z))                              # marginal
        = -log(sum(z, p(z)*p(x | z))/(p(z)*p(x | z)))                # product rule
        = log(p(z)) + log(p(x | z)) - log(sum(z, p(z)*p(x | z)))     # arithmetic
        """,
    ],
}

WRONG = {
    "posterior_by_bayes": [
        ("the evidence is left out", 2, "false", """
        log(p(z | x))
        = log(p(x | z)*p(z))                                         # product rule
        = log(p(x | z)) + log(p(z))                                  # arithmetic
        """),
        ("a conditional for a joint", 4, "false", """
        log(p(z | x))
        = log(p(x, z)/p(x))                                          # product rule
        = log(p(x | z)) + log(p(z)) - log(p(x))                      # product rule
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)))          # marginal
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # product rule
        """),
        ("a joint for a conditional", 3, "false", """
        log(p(z | x))
        = log(p(x, z)/p(x))                                          # product rule
        = log(p(x, z)*p(z)/p(x))                                     # product rule
        = log(p(x, z)) + log(p(z)) - log(sum(z, p(x, z)))            # marginal
        """),
        ("the likelihood for the posterior", 2, "false", """
        log(p(z | x))
        = log(p(x | z))                                              # product rule
        """),
        ("divided by the prior", 2, "false", """
        log(p(z | x))
        = log(p(x, z)/p(z))                                          # product rule
        = log(p(x | z))                                              # product rule
        """),
        ("the prior leaves the sum", 5, "false", """
        log(p(z | x))
        = log(p(x, z)/p(x))                                          # product rule
        = log(p(x, z)/sum(z, p(x, z)))                               # marginal
        = log(p(x | z)*p(z)/sum(z, p(x | z)*p(z)))                   # product rule
        = log(p(x | z)*p(z)/(p(z)*sum(z, p(x | z))))                 # arithmetic
        """),
        ("the logarithm enters the sum", 4, "false", """
        log(p(z | x))
        = log(p(x | z)) + log(p(z)) - log(p(x))                      # product rule
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x, z)))           # marginal
        = log(p(x | z)) + log(p(z)) - sum(z, log(p(x | z)) + log(p(z)))   # product rule
        """),
        ("a sign", 3, "false", """
        log(p(z | x))
        = log(p(x | z)*p(z)/p(x))                                    # product rule
        = log(p(x | z)) + log(p(z)) + log(p(x))                      # arithmetic
        """),
        ("summed over what is seen", 4, "false", """
        log(p(z | x))
        = log(p(x, z)) - log(p(x))                                   # product rule
        = log(p(x | z)) + log(p(z)) - log(p(x))                      # product rule
        = log(p(x | z)) + log(p(z)) - log(sum(x, p(x, z)))           # marginal
        """),
        ("summed over both", 3, "false", """
        log(p(z | x))
        = log(p(x, z)) - log(p(x))                                   # product rule
        = log(p(x, z)) - log(sum((x, z), p(x, z)))                   # marginal
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # product rule
        """),
        ("all at once", 2, "step", """
        log(p(z | x))
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # product rule
        """),
        ("all at once, by arithmetic", 2, "step", """
        log(p(z | x))
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # arithmetic
        """),
        ("marginal and product rule in one line", 4, "step", """
        log(p(z | x))
        = log(p(x, z)/p(x))                                          # product rule
        = log(p(x | z)) + log(p(z)) - log(p(x))                      # product rule
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # marginal
        """),
        ("product rule and marginal in one line", 2, "step", """
        log(p(z | x))
        = log(p(x, z)/sum(z, p(x, z)))                               # product rule
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # product rule
        """),
        ("another rule's name", 4, "step", """
        log(p(z | x))
        = log(p(x, z)/p(x))                                          # product rule
        = log(p(x, z)) - log(p(x))                                   # arithmetic
        = log(p(x, z)) - log(sum(z, p(x, z)))                        # product rule
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # product rule
        """),
        ("a rule that is not for here", 3, "rule", """
        log(p(z | x))
        = log(p(x | z)) + log(p(z)) - log(p(x))                      # product rule
        = log(p(x | z)) + log(p(z)) - log(E(p(z), p(x | z)))         # expectation
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # expectation
        """),
        ("no rule", 3, "rule", """
        log(p(z | x))
        = log(p(x | z)) + log(p(z)) - log(p(x))                      # product rule
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x, z)))
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # product rule
        """),
        ("a circle", 4, "end", """
        log(p(z | x))
        = log(p(x, z)) - log(p(x))                                   # product rule
        = log(p(x | z)*p(z)) - log(p(x))                             # product rule
        = log(p(z | x))                                              # product rule
        """),
        ("it stops too early", 3, "end", """
        log(p(z | x))
        = log(p(x, z)) - log(p(x))                                   # product rule
        = log(p(x | z)) + log(p(z)) - log(p(x))                      # product rule
        """),
        ("it starts elsewhere", 1, "start", """
        p(z | x)
        = p(x, z)/p(x)                                               # product rule
        = p(x | z)*p(z)/sum(z, p(x, z))                              # marginal
        """),
        ("a relation that says too little", 3, "direction", """
        log(p(z | x))
        = log(p(x | z)) + log(p(z)) - log(p(x))                      # product rule
        >= log(p(x | z)) + log(p(z)) - log(sum(z, p(x, z)))          # marginal
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))     # product rule
        """),
        ("another name for the z of the sum", 3, "unreadable", """
        log(p(z | x))
        = log(p(x | z)) + log(p(z)) - log(p(x))                      # product rule
        = log(p(x | z)) + log(p(z)) - log(sum(z2, p(x, z2)))         # marginal
        """),
    ],
}  # fmt: skip
