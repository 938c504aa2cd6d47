"""Expressions have exact values in concrete models, computed here once more by hand or by torch."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from torch.distributions import Categorical, kl_divergence

from autograder.derivation.expression import Density, read
from autograder.derivation.meaning import (
    Meaningless,
    Model,
    Setting,
    assignments,
    counterexample,
    models,
    number_at,
    shown,
)
from lab import small_model

Z, X_GIVEN_Z, Q = Density("p", ("z",)), Density("p", ("x",), ("z",)), Density("q", ("z",), ("x",))
LATENT = Setting((("x", 2), ("z", 3)), (Z, X_GIVEN_Z), (Q,))
SUPPORTS = Setting((("z", 3),), (Z,), (Density("q", ("z",)),), zeros=True)
CHAIN = Setting(
    (("x", 2), ("z1", 2), ("z2", 2)),
    (Density("p", ("z2",)), Density("p", ("z1",), ("z2",)), Density("p", ("x",), ("z1",))),
    (Density("q", ("z1",), ("x",)), Density("q", ("z2",), ("z1",))),
)


def course_model() -> Model:
    """The small model of the course, with q(z | x) = (3/5, 1/5, 1/5) whatever x is."""
    prior, one = small_model.PRIOR, small_model.ONE_GIVEN_Z
    likelihood = {(x, z): one[z] if x else 1 - one[z] for x in (0, 1) for z in range(3)}
    q = {(z, x): Fraction(3 - 2 * (z > 0), 5) for z in range(3) for x in (0, 1)}
    return Model(LATENT, {Z: {(z,): prior[z] for z in range(3)}, X_GIVEN_Z: likelihood, Q: q})


def test_probabilities_of_the_small_model_are_those_on_paper() -> None:
    model = course_model()
    assert model.value(read("p(x)"), {"x": 1}) == Fraction(5, 12)
    assert [model.value(read("p(z | x)"), {"z": z, "x": 1}) for z in range(3)] == [Fraction(n, 10) for n in (3, 4, 3)]
    assert model.value(read("sum(z, p(x, z))"), {"x": 0}) == Fraction(7, 12)


def test_averages_divergences_and_entropies_are_those_of_torch() -> None:
    model = course_model()
    q = Categorical(torch.tensor([0.6, 0.2, 0.2], dtype=torch.float64))
    prior = Categorical(small_model.prior())
    joint = small_model.prior() * small_model.likelihood()[:, 1]
    elbo = float((q.probs * (joint.log() - q.probs.log())).sum())
    assert number_at(read("KL(q(z | x), p(z))"), model) == pytest.approx(
        [float(kl_divergence(q, prior))] * 2, rel=1e-14
    )
    assert number_at(read("H(q(z | x))"), model) == pytest.approx([float(q.entropy())] * 2, rel=1e-14)
    assert number_at(read("E(q(z | x), log(p(x, z)/q(z | x)))"), model)[1] == pytest.approx(elbo, rel=1e-14)
    assert number_at(read("log(p(x))"), model)[1] == pytest.approx(math.log(5 / 12), rel=1e-15)


def test_conventions_where_probabilities_are_zero() -> None:
    tables = {Z: {(0,): Fraction(1, 2), (1,): Fraction(1, 2), (2,): Fraction(0)},
              Density("q", ("z",)): {(0,): Fraction(0), (1,): Fraction(1, 4), (2,): Fraction(3, 4)}}  # fmt: skip
    model = Model(SUPPORTS, tables)
    assert model.value(read("sum(z, p(z), q(z) > 0)"), {}) == Fraction(1, 2)
    assert model.value(read("sum(z, p(z)*log(p(z)))"), {}) == pytest.approx(-math.log(2))
    assert shown(model.value(read("KL(q(z), p(z))"), {})) == "∞"
    assert shown(model.value(read("log(p(z))"), {"z": 2})) == "−∞"


@pytest.mark.parametrize("setting", [LATENT, SUPPORTS, CHAIN])
def test_every_model_is_made_of_probabilities_that_sum_to_one(setting: Setting) -> None:
    for model in models(setting):
        for factor, table in model.tables.items():
            for given in assignments(factor.given, setting):
                behind = tuple(given[v] for v in factor.given)
                row = [value for places, value in table.items() if places[len(factor.heads) :] == behind]
                assert sum(row) == 1
                assert all(value > 0 for value in row) or setting.zeros


@pytest.mark.parametrize("setting", [LATENT, CHAIN])
def test_no_two_rows_of_a_model_are_made_of_the_same_numbers(setting: Setting) -> None:
    for model in models(setting):
        rows = []
        for factor, table in model.tables.items():
            for given in assignments(factor.given, setting):
                behind = tuple(given[v] for v in factor.given)
                rows.append(sorted(value for at, value in table.items() if at[len(factor.heads) :] == behind))
        assert len({*map(tuple, rows)}) == len(rows)


def test_models_with_zeros_have_them_on_either_side() -> None:
    tables = [model.tables for model in models(SUPPORTS)]
    where = [
        ({z for z in range(3) if t[Z][(z,)] == 0}, {z for z in range(3) if t[Density("q", ("z",))][(z,)] == 0})
        for t in tables
    ]
    assert any(p - q for p, q in where)
    assert any(q - p for p, q in where)
    assert any(not p and not q for p, q in where)


@pytest.mark.parametrize(
    ("left", "relation", "right", "setting", "true"),
    [
        ("log(p(x))", "=", "E(q(z | x), log(p(x, z)/q(z | x))) + KL(q(z | x), p(z | x))", LATENT, True),
        ("log(p(x))", "=", "E(q(z | x), log(p(x, z)/q(z | x))) + KL(q(z | x), p(z))", LATENT, False),
        ("log(p(x))", "≥", "E(q(z | x), log(p(x | z))) - KL(q(z | x), p(z))", LATENT, True),
        ("log(p(x))", "≤", "E(q(z | x), log(p(x | z))) - KL(q(z | x), p(z))", LATENT, False),
        ("log(p(x))", "≥", "E(q(z | x), log(p(x | z))) + KL(q(z | x), p(z))", LATENT, False),
        ("log(p(x))", "≥", "E(q(z | x), p(x, z)/q(z | x))", LATENT, False),
        ("sum(z, p(z), q(z) > 0)", "=", "1", SUPPORTS, False),
        ("sum(z, p(z), q(z) > 0)", "≤", "1", SUPPORTS, True),
        ("p(x, z1, z2)", "=", "p(x | z1)*p(z1 | z2)*p(z2)", CHAIN, True),
        ("p(x, z1, z2)", "=", "p(x | z2)*p(z2 | z1)*p(z1)", CHAIN, False),
        ("p(x | z1, z2)", "=", "p(x | z1)", CHAIN, True),
        ("p(x | z1, z2)", "=", "p(x | z2)", CHAIN, False),
        ("q(z1, z2 | x)", "=", "q(z1 | x)*q(z2 | z1, x)", CHAIN, True),
        ("log(p(x))", "≥", "E(q(z1, z2 | x), log(p(x, z1, z2)/q(z1, z2 | x)))", CHAIN, True),
    ],
)
def test_lines_are_true_or_have_a_counterexample(
    left: str, relation: str, right: str, setting: Setting, true: bool
) -> None:
    found = counterexample(read(left), relation, read(right), models(setting))
    assert (found is None) is true
    if found is not None:
        assert shown(found.left) != shown(found.right)
        assert all(factor.name + "(" in found.told() for factor in setting.p)


@pytest.mark.parametrize(
    ("text", "said"),
    [("p(y)", "no variable `y`"), ("x", "A value of `x` alone"), ("N(x, 0, 1)", "A value|no normal"),
     ("q(x)", r"There is no q\(x\) here: q is made of q\(z \| x\)"), ("q(z)", "There is no q"),
     ("E(q(z | x), log(p(w)))", "no variable `w`"), ("sum(w, p(x))", "no variable `w`"), ("KL(q(z), p(z))", "There is no q")],
)  # fmt: skip
def test_what_does_not_exist_in_a_setting_is_named(text: str, said: str) -> None:
    with pytest.raises(Meaningless, match=said):
        LATENT.check(read(text))
