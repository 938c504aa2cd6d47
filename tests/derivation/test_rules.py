"""A rule licenses what it says, in either direction, as often as one likes; and nothing else."""

from __future__ import annotations

import pytest

from autograder.derivation.expression import Density, Unknown, read
from autograder.derivation.gaussian import GaussianSetting
from autograder.derivation.meaning import Setting, counterexample
from autograder.derivation.rules import RULES, follows, rule_named

LATENT = Setting(
    (("x", 2), ("z", 3)), (Density("p", ("z",)), Density("p", ("x",), ("z",))), (Density("q", ("z",), ("x",)),)
)
SUPPORTS = Setting((("z", 3),), (Density("p", ("z",)),), (Density("q", ("z",)),), zeros=True)
CHAIN = Setting(
    (("x", 2), ("z1", 2), ("z2", 2)),
    (Density("p", ("z2",)), Density("p", ("z1",), ("z2",)), Density("p", ("x",), ("z1",))),
    (Density("q", ("z1",), ("x",)), Density("q", ("z2",), ("z1",))),
)

MOVES = Setting(
    (("z", 3),), (Density("p", ("z",)),), (Density("q", ("z",)),), functions=(Unknown("f", ("z",)),), moves=True
)
NORMAL = GaussianSetting(
    (("x", 40), ("z", 40)), (Density("p", ("z",)), Density("p", ("x",), ("z",))), (Density("q", ("z",)),),
    normals=(
        (Density("p", ("z",)), "0", "1"), (Density("p", ("x",), ("z",)), "w*z + b", "sigma2"), (Density("q", ("z",)), "m", "v"),
    ),
    reals=("w", "b", "m"), positives=("sigma2", "v"),
)  # fmt: skip

GIVES = [
    ("derivative of a sum", "grad(sum(z, q(z)*f(z)))", "=", "sum(z, grad(q(z)*f(z)))", MOVES),
    ("derivative of a sum", "grad(3*q(z) + f(z) + log(p(z)))", "=", "3*grad(q(z))", MOVES),
    ("derivative of a product", "grad(q(z)*f(z)*log(q(z)))", "=", "f(z)*log(q(z))*grad(q(z)) + q(z)*f(z)*grad(log(q(z)))", MOVES),
    ("derivative of a logarithm", "q(z)*grad(log(q(z)))", "=", "grad(q(z))", MOVES),
    ("derivative of a logarithm", "grad(log(q(z)/p(z)))", "=", "grad(q(z)/p(z))*p(z)/q(z)", MOVES),
    ("density of a normal", "log(N(x, w*z + b, sigma2))", "=", "-(1/2)*log(2*pi*sigma2) - (x - w*z - b)**2/(2*sigma2)", NORMAL),
    ("moments", "E(q(z), (z - b)**2)", "=", "v + (m - b)**2", NORMAL),
    ("moments", "E(q(z), z**4 + z**3 + z)", "=", "m**4 + 6*m**2*v + 3*v**2 + m**3 + 3*m*v + m", NORMAL),
    ("completing the square", "N(x, w*z + b, sigma2)*N(z, 0, 1)", "=",
     "N(x, b, w**2 + sigma2)*N(z, w*(x - b)/(w**2 + sigma2), sigma2/(w**2 + sigma2))", NORMAL),
    ("the model", "p(x, z)", "=", "N(x, w*z + b, sigma2)*N(z, 0, 1)", NORMAL),
    ("normalisation", "integral(x, 2*N(x, m, v)*p(z))", "=", "2*p(z)", NORMAL),
    ("arithmetic", "log(p(x)*p(z)/4)", "=", "log(p(x)) + log(p(z)) - 2*log(2)", LATENT),
    ("arithmetic", "(p(x) + p(z))**2", "=", "p(x)**2 + 2*p(x)*p(z) + p(z)**2", LATENT),
    ("arithmetic", "-E(q(z | x), log(p(z)))", "=", "E(q(z | x), -log(p(z)))", LATENT),
    ("arithmetic", "log(1)", "=", "0", LATENT),
    ("product rule", "p(x, z)", "=", "p(x | z)*p(z)", LATENT),
    ("product rule", "log(p(z | x))", "=", "log(p(x | z)) + log(p(z)) - log(p(x))", LATENT),
    ("product rule", "q(z1, z2 | x)", "=", "q(z2 | z1, x)*q(z1 | x)", CHAIN),
    ("marginal", "p(x)", "=", "sum(z, p(x, z))", LATENT),
    ("marginal", "E(q(z1, z2 | x), log(p(x | z1)))", "=", "E(q(z1 | x), log(p(x | z1)))", CHAIN),
    ("normalisation", "log(p(x))", "=", "E(q(z | x), log(p(x)))", LATENT),
    ("normalisation", "sum(z, q(z | x)*log(p(x)))", "=", "log(p(x))", LATENT),
    ("expectation", "E(q(z | x), log(p(z)))", "=", "sum(z, q(z | x)*log(p(z)))", LATENT),
    ("expectation", "E(q(z), p(z)/q(z))", "=", "sum(z, p(z), q(z) > 0)", SUPPORTS),
    ("linearity", "E(q(z | x), 2*log(p(z)) + log(p(x)))", "=", "2*E(q(z | x), log(p(z))) + log(p(x))", LATENT),
    ("linearity", "sum(z, p(x)*p(z) + p(x, z))", "=", "p(x)*sum(z, p(z)) + sum(z, p(x, z))", LATENT),
    ("definition of KL", "KL(q(z | x), p(z))", "=", "E(q(z | x), log(q(z | x)/p(z)))", LATENT),
    ("definition of KL", "KL(q(z | x), p(z | x))", "=", "-E(q(z | x), log(p(z | x)) - log(q(z | x)))", LATENT),
    ("definition of entropy", "H(q(z | x))", "=", "-E(q(z | x), log(q(z | x)))", LATENT),
    ("iterated expectation", "E(q(z1, z2 | x), log(p(x, z1, z2)))", "=",
     "E(q(z1 | x), E(q(z2 | z1, x), log(p(x, z1, z2))))", CHAIN),
    ("the model", "p(x, z1, z2)", "=", "p(x | z1)*p(z1 | z2)*p(z2)", CHAIN),
    ("the model", "p(x | z1, z2)", "=", "p(x | z1)", CHAIN),
    ("the model", "q(z1, z2 | x)", "=", "q(z1 | x)*q(z2 | z1)", CHAIN),
    ("Jensen", "log(E(q(z | x), p(z)))", "≥", "E(q(z | x), log(p(z)))", LATENT),
    ("Jensen", "1 - E(q(z | x), log(p(z)/p(x)))", "≥", "1 - log(E(q(z | x), p(z)/p(x)))", LATENT),
    ("Jensen", "log(sum(z, q(z | x)*p(z)))", "≥", "sum(z, q(z | x)*log(p(z)))", LATENT),
    ("Jensen", "log(2*E(q(z | x), p(z)))", "≥", "log(2) + E(q(z | x), log(p(z)))", LATENT),
    ("part of a sum", "sum(z, p(z))", "≥", "sum(z, p(z), q(z) > 0)", SUPPORTS),
    ("log t ≤ t − 1", "log(p(x))", "≤", "p(x) - 1", LATENT),
    ("a square is never negative", "w + (m - b)**2/v", "≥", "w", NORMAL),
    ("a square is never negative", "-(m - b)**2 - 3*(x - b)**4", "≤", "-(m - b)**2", NORMAL),
    ("log t ≤ t − 1", "-(log(2*pi*v) + sigma2/v)/2", "≤", "-(log(2*pi*sigma2) + 1)/2", NORMAL),
    ("KL is never negative", "log(p(x)) + KL(q(z | x), p(z))", "≥", "log(p(x))", LATENT),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "before", "relation", "after", "setting"), GIVES)
def test_a_rule_gives_its_step_both_ways_and_the_step_is_true(
    rule: str, before: str, relation: str, after: str, setting: Setting
) -> None:
    first, second = read(before), read(after)
    assert follows(first, second, RULES[rule], setting)
    assert follows(second, first, RULES[rule], setting)
    assert counterexample(first, relation, second, setting.models()) is None


def test_every_rule_is_among_them() -> None:
    assert {rule for rule, *_ in GIVES} == set(RULES)


@pytest.mark.parametrize(("rule", "before", "relation", "after", "setting"), GIVES)
def test_no_other_kind_of_rule_gives_the_same_step(
    rule: str, before: str, relation: str, after: str, setting: Setting
) -> None:
    """But for what two rules both say: linearity, too, knows that the average of a constant is that constant."""
    related = {
        frozenset(pair)
        for pair in [("linearity", "normalisation"), ("marginal", "normalisation"), ("product rule", "the model")]
    }
    for other in RULES.values():
        if other.name == rule or rule == "arithmetic" or frozenset((rule, other.name)) in related:
            continue
        assert not follows(read(before), read(after), other, setting), other.name


@pytest.mark.parametrize(
    ("rule", "before", "after", "setting"),
    [
        ("derivative of a sum", "grad(E(q(z), f(z)))", "E(q(z), grad(f(z)))", MOVES),
        ("derivative of a sum", "grad(q(z)*log(q(z)))", "q(z)*grad(log(q(z)))", MOVES),
        ("derivative of a product", "grad(q(z)*log(q(z)))", "grad(q(z))*grad(log(q(z)))", MOVES),
        ("derivative of a logarithm", "grad(log(q(z)))", "grad(q(z))", MOVES),
        ("derivative of a logarithm", "grad(f(z)*q(z))", "f(z)*grad(q(z))", MOVES),
        ("derivative of a logarithm", "grad(f(z))", "0", MOVES),
        ("density of a normal", "log(N(x, m, v))", "-(1/2)*log(2*pi*v) - (x - m)**2/v", NORMAL),
        ("moments", "E(q(z), z**2)", "m**2", NORMAL),
        ("moments", "E(q(z), log(p(z)))", "log(p(m))", NORMAL),
        ("moments", "E(p(z), z**2)", "m**2 + v", NORMAL),
        ("completing the square", "N(x, w*z + b, sigma2)*N(z, 0, 1)", "N(x, b, w**2 + sigma2)*N(z, 0, 1)", NORMAL),
        (
            "completing the square",
            "N(x, w*z + b, sigma2)*N(z, 0, 1)",
            "N(x, b, w**2 + sigma2)*N(z, w*(x - b)/(w**2 + sigma2), 1/(w**2 + sigma2))",
            NORMAL,
        ),
        ("a square is never negative", "w + m - b", "w", NORMAL),
        (
            "a square is never negative",
            "w + (sigma2/v - log(sigma2/v) - 1)**2/(2*(sigma2/v - log(sigma2/v) - 1))",
            "w",
            NORMAL,
        ),
        ("a square is never negative", "w + b*(m - b)**2", "w", NORMAL),
        ("KL is never negative", "log(p(x)) + log(p(z))*KL(q(z | x), p(z))", "log(p(x))", LATENT),
        ("KL is never negative", "1/(2 + KL(q(z | x), p(z)))", "1/2", LATENT),
        ("Jensen", "grad(log(E(q(z), f(z))))", "grad(E(q(z), log(f(z))))", MOVES),
        ("log t ≤ t − 1", "-(log(2*pi*v) + sigma2/v)/2", "-(log(2*pi*sigma2) + 2)/2", NORMAL),
        ("log t ≤ t − 1", "b*log(v)", "b*(v - 1)", NORMAL),
        ("a square is never negative", "(m - b)**3 + w", "w", NORMAL),
        ("a square is never negative", "1/(m - b)**2 + w", "w", NORMAL),
        ("the model", "p(x)", "N(x, b, sigma2)", NORMAL),
        ("normalisation", "integral(z, N(x, z, v))", "1", NORMAL),
        ("product rule", "p(x, z)", "p(x | z)*p(x)", LATENT),
        ("product rule", "p(z | x)", "p(x | z)*p(z)", LATENT),
        ("marginal", "sum(z, p(x | z))", "p(x)", LATENT),
        ("marginal", "sum(z, q(z | x)*p(x, z))", "p(x)", LATENT),
        ("normalisation", "sum(z, p(x | z))", "1", LATENT),
        ("normalisation", "E(q(z | x), log(p(z)))", "log(p(z))", LATENT),
        ("normalisation", "sum(z, p(z), q(z) > 0)", "1", SUPPORTS),
        ("expectation", "E(q(z), p(z)/q(z))", "sum(z, p(z))", SUPPORTS),
        ("expectation", "E(q(z | x), log(p(z)))", "sum(z, p(z)*log(q(z | x)))", LATENT),
        ("linearity", "E(q(z | x), p(x)*p(z))", "p(x)*p(z)", LATENT),
        ("linearity", "E(q(z | x), p(z)**2)", "E(q(z | x), p(z))**2", LATENT),
        ("linearity", "log(E(q(z | x), p(z) + 1))", "log(E(q(z | x), p(z))) + log(1)", LATENT),
        ("definition of KL", "KL(q(z | x), p(z))", "E(p(z), log(q(z | x)/p(z)))", LATENT),
        ("definition of KL", "KL(q(z | x), p(z))", "E(q(z | x), log(p(z)/q(z | x)))", LATENT),
        ("definition of entropy", "H(q(z | x))", "E(q(z | x), log(q(z | x)))", LATENT),
        ("iterated expectation", "E(q(z1, z2 | x), log(p(x)))", "E(q(z1 | x), log(p(x)))", CHAIN),
        ("the model", "p(x, z1, z2)", "p(x | z2)*p(z1 | z2)*p(z2)", CHAIN),
        ("the model", "p(z1 | x)", "p(z1)", CHAIN),
        ("the model", "p(z2 | x, z1)", "p(z2)", CHAIN),
        ("Jensen", "log(E(q(z | x), p(z)))", "E(p(z), log(q(z | x)))", LATENT),
        ("Jensen", "log(sum(z, p(x, z)/q(z | x)))", "sum(z, log(p(x, z)/q(z | x)))", LATENT),
        ("Jensen", "log(E(q(z | x), p(z)))", "log(p(x))", LATENT),
        ("part of a sum", "sum(z, p(z))", "sum(z, q(z), p(z) > 0)", SUPPORTS),
        ("log t ≤ t − 1", "log(p(x))", "p(x)", LATENT),
        ("KL is never negative", "log(p(x)) + KL(q(z | x), p(z))", "KL(q(z | x), p(z))", LATENT),
        ("arithmetic", "log(p(x) + p(z))", "log(p(x)) + log(p(z))", LATENT),
        ("arithmetic", "log(p(x))*log(p(z))", "log(p(x)*p(z))", LATENT),
    ],
)
def test_what_a_rule_does_not_say_does_not_follow_by_it(rule: str, before: str, after: str, setting: Setting) -> None:
    assert not follows(read(before), read(after), RULES[rule], setting)


@pytest.mark.parametrize(
    ("written", "name"),
    [("jensen", "Jensen"), ("by Jensen's inequality.", "Jensen"), ("Product-Rule", "product rule"),
     ("log t <= t - 1", "log t ≤ t − 1"),
     ("Gibbs’ inequality", "KL is never negative"), ("definition of expectation", "expectation"), ("magic", None), ("", None)],
)  # fmt: skip
def test_a_rule_is_known_by_its_names_however_they_are_spelt(written: str, name: str | None) -> None:
    rule = rule_named(written)
    assert (rule.name if rule else None) == name
