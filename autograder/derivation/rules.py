"""The rules that a student may name, and which step each of them licenses.

An equality rule gives a step between two lines that have the same normal form under it (`form.py`), together with plain
arithmetic: the field operations, the logarithm of products, quotients and powers, and signs and numbers in front of averages
and sums. An inequality rule replaces some of the places that it fits (`inequalities.py`), and must give the other line by
arithmetic alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from autograder.derivation.expression import Expression
from autograder.derivation.form import Form
from autograder.derivation.inequalities import by_tangent, weaker
from autograder.derivation.meaning import Setting


@dataclass(frozen=True)
class Rule:
    """What a student may name beside a line."""

    name: str
    says: str
    """What it permits, as the table in the notebook shows it."""
    inequality: bool = False
    also: tuple[str, ...] = ()
    """Other names for it."""


RULES = {
    rule.name: rule
    for rule in (
        Rule("arithmetic", "+, −, ·, /, and log ab = log a + log b", also=("algebra", "log rules", "logarithm")),
        Rule(
            "product rule", "p(a, b) = p(a | b) p(b)",
            also=("bayes", "bayes rule", "bayes theorem", "conditional probability", "chain rule"),
        ),
        Rule("marginal", "Σ_b p(a, b) = p(a)", also=("marginalise", "marginalize", "sum rule", "marginalisation")),
        Rule("normalisation", "Σ_a p(a) = 1, and E[c] = c", also=("normalization", "sums to one", "average of a constant")),
        Rule(
            "expectation", "E_q[f] = Σ q·f, over what q makes possible",
            also=("definition of expectation", "definition of an average", "definition of the average"),
        ),
        Rule("linearity", "E[a·f + g] = a·E[f] + E[g], for sums too", also=("linearity of expectation",)),
        Rule("definition of KL", "KL[q‖p] = E_q[log q/p]", also=("kl", "kl divergence")),
        Rule("definition of entropy", "H[q] = −E_q[log q]", also=("entropy",)),
        Rule("iterated expectation", "E_q(a, b)[f] = E_q(a)[E_q(b | a)[f]]", also=("tower rule", "tower")),
        Rule("the model", "p and q as they factorise here", also=("model", "factorisation", "factorization")),
        Rule(
            "derivative of a sum", "∇Σf = Σ∇f, ∇(c·f) = c·∇f, ∇c = 0",
            also=("linearity of the derivative", "derivative of a constant"),
        ),
        Rule("derivative of a product", "∇(f·g) = f·∇g + g·∇f", also=("leibniz", "leibniz rule")),
        Rule("derivative of a logarithm", "∇log f = ∇f / f", also=("log derivative", "log derivative trick")),
        Rule(
            "density of a normal", "log N(x; m, v) = −½ log 2πv − (x − m)²/2v",
            also=("normal density", "gaussian density", "density"),
        ),
        Rule("moments", "E[x] = m and E[x²] = m² + v for x from N(m, v)", also=("gaussian moments", "moments of a normal")),
        Rule(
            "completing the square", "products of normal densities with the same exponents and factors are equal",
            also=("product of gaussians", "product of normals", "gaussian algebra"),
        ),
        Rule("Jensen", "log E[f] ≥ E[log f]", inequality=True, also=("jensen inequality", "jensens inequality")),
        Rule("part of a sum", "fewer terms, none negative: a smaller sum", inequality=True, also=("support",)),
        Rule("log t ≤ t − 1", "the logarithm lies below its tangent", inequality=True, also=("log t <= t - 1", "tangent")),
        Rule("a square is never negative", "t² ≥ 0", inequality=True, also=("squares are never negative", "square", "squares")),
        Rule(
            "KL is never negative", "KL[q‖p] ≥ 0", inequality=True,
            also=("kl >= 0", "kl ≥ 0", "gibbs", "gibbs inequality"),
        ),
    )
}  # fmt: skip


def plainly(name: str) -> str:
    """A rule's name without what does not matter: case, spaces, hyphens, apostrophes, "by" and a full stop."""
    words = name.lower().replace("−", " ").replace("-", " ").replace("'", "").replace("’", "").rstrip(" .").split()
    return " ".join(words[1:] if words[:1] == ["by"] else words)


NAMES = {plainly(name): rule for rule in RULES.values() for name in (rule.name, *rule.also)}


def rule_named(text: str) -> Rule | None:
    """The rule that a student wrote down."""
    return NAMES.get(plainly(text))


def follows(before: Expression, after: Expression, rule: Rule, setting: Setting) -> bool:
    """Whether one of two lines is the other by this rule."""
    if not rule.inequality:
        return Form(rule.name, setting).same(before, after)
    plain = Form("arithmetic", setting)
    if rule.name == "log t ≤ t − 1" and by_tangent(plain.of(after) - plain.of(before), plain.logs):
        return True
    return any(
        plain.same(changed, other)
        for line, other in ((before, after), (after, before))
        for changed in weaker(line, rule.name, setting)
    )
