"""One exercise of every kind that a unit may ask for: the engine's own test unit."""
# pyright: reportReturnType=false, reportUndefinedVariable=false

import math
from typing import Any

import sympy
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.distributions import Distribution
from torch.nn import Module
from torch.optim import Optimizer

from autograder.answer import Answer, tensor_claimed
from autograder.chance import mean_is
from autograder.domains import Covariances, Normals, Positive, Reals
from autograder.evidence import Evidence, at_least, close, combine, true
from autograder.exercise import Unit
from autograder.samplers import (
    as_normals,
    calls_are_independent,
    dimensions_are_independent,
    drawn,
    draws_for_calls,
    draws_for_dimensions,
    draws_for_frequencies,
    draws_for_mean,
    draws_for_rows,
    draws_for_shape,
    draws_for_variance,
    frequencies_are,
    mean_is_zero,
    rows_are_independent,
    shape_is_normal,
    variance_is_one,
)
from autograder.symbolic import first_difference, from_tree

unit = Unit("zoo", "One of every kind", minutes=0)


# A batched function: thousands of rows in one call.


@unit.exercise(batch="n", measure="squared length", sizes=dict(d=(1, 3)))
def squared_norm(x: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    """‖x‖² of every row."""


@squared_norm.law(points=2, where=dict(x=Reals()), decisive=True)
def sums_the_squares(squared_norm: Answer, x: Tensor) -> Evidence:
    """‖x‖² = Σ x_i²."""
    exact = (x.double() ** 2).sum(-1)
    return close(squared_norm(x), exact, terms=exact)


@squared_norm.law(points=1, where=dict(x=Reals()))
def never_negative(squared_norm: Answer, x: Tensor) -> Evidence:
    """‖x‖² is never negative."""
    return at_least(squared_norm(x), 0.0, slack=0.0)


# A function of one example: mapped over rows inside the session.


@unit.exercise(measure="a number and a place", sizes=dict(k=(1, 4)))
def maximum(x: Float[Tensor, "k"]) -> tuple[Float[Tensor, ""], Int[Tensor, ""]]:
    """The largest entry and its index."""


@maximum.law(points=1, where=dict(x=Reals()), decisive=True)
def is_the_largest(maximum: Answer, x: Tensor) -> Evidence:
    """The value is the largest entry, and the index points at it."""
    value, index = maximum(x)
    k = x.shape[-1]
    at_index = x.gather(1, index.clamp(0, k - 1)[:, None])[:, 0]
    return combine([
        close(value, x.double().amax(-1), terms=x.abs().sum(-1)),
        true((index >= 0) & (index < k), what="0 ≤ index < k"),
        close(at_index, x.double().amax(-1), terms=x.abs().sum(-1), what="x[index]"),
    ])  # fmt: skip


# A class with state.


@unit.exercise(measure="the mean of all that was seen")
class RunningMean:
    """update(x) takes a batch of numbers; mean() is the mean of all so far."""

    def __init__(self) -> None: ...


@RunningMean.law(points=1, where=dict(x=Reals(shape="6")), rows=8, decisive=True)
def remembers_every_batch(RunningMean: Answer, x: Tensor) -> Evidence:
    """After batches of different sizes the mean is that of all numbers together."""
    means = []
    for row in x:
        running = RunningMean()
        running.update(row[:1])
        running.update(row[1:])
        means.append(tensor_claimed(running.mean()).to(x.dtype))
    return close(torch.stack(means), x.double().mean(-1), terms=x.abs().sum(-1))


@RunningMean.law(points=1, where=dict(x=Reals(shape="2")), rows=4)
def two_do_not_share(RunningMean: Answer, x: Tensor) -> Evidence:
    """Two instances do not share what they have seen."""
    means = []
    for row in x:
        first, second = RunningMean(), RunningMean()
        first.update(row[:1])
        second.update(row[1:])
        means.append(tensor_claimed(first.mean()).to(x.dtype))
    return close(torch.stack(means), x[:, 0].double(), terms=x.abs().sum(-1))


# A function that takes a model, built inside by its name in given.py.


@unit.exercise(batch="n", measure="nats, summed over dimensions", sizes=dict(k=(1, 2)))
def reconstruction(x: Float[Tensor, "n 3"], z: Float[Tensor, "n k"], decoder: Module) -> Float[Tensor, "n"]:
    """log N(x; decoder(z), I), summed over the three dimensions."""


@reconstruction.law(
    points=1, where=dict(x=Reals(-3, 3), z=Reals(-3, 3), w=Reals(-2, 2, shape="n 3")), rows=50, decisive=True
)
def is_the_log_density(reconstruction: Answer, x: Tensor, z: Tensor, w: Tensor) -> Evidence:
    """log p(x|z) = −½ Σ (x − decoder(z))² − (D/2)·log 2π."""
    weight = w[:1].mT.expand(3, z.shape[1]).contiguous()
    decoder = reconstruction.given("linear_decoder", weight)
    residual = (x.double() - z.double() @ weight.double().mT) ** 2
    exact = -0.5 * residual.sum(-1) - 1.5 * torch.log(torch.tensor(2 * torch.pi, dtype=torch.float64))
    terms = (x.abs() + z.abs() @ weight.abs().mT).double().square().sum(-1) + 3
    return close(reconstruction(x, z, decoder), exact, terms=terms)


# A function that returns a distribution.


@unit.exercise(measure="a distribution", deterministic=False)
def prior(loc: Float[Tensor, "2"], scale: Float[Tensor, "2"]) -> Distribution:
    """N(loc, diag(scale²)) over the whole vector: one log-density, not two."""


@prior.law(points=1, where=dict(loc=Reals(), scale=Positive(0.1, 10), z=Reals(shape="2")), rows=10, decisive=True)
def has_its_density(prior: Answer, loc: Tensor, scale: Tensor, z: Tensor) -> Evidence:
    """log_prob(z) is the log-density of the whole vector."""
    normal = torch.distributions.Normal(loc.double(), scale.double())
    got = [tensor_claimed(prior(loc[row], scale[row]).log_prob(z[row])) for row in range(len(loc))]
    expected = normal.log_prob(z.double()).sum(-1)
    terms = normal.log_prob(z.double()).abs().sum(-1) + scale.log().abs().sum(-1) + 2
    return close(torch.stack(got), expected, terms=terms)


# A gradient through the answer.


@unit.exercise(batch="n", measure="a sample", sizes=dict(d=(1, 2)))
def reparameterise(
    mu: Float[Tensor, "n d"], log_var: Float[Tensor, "n d"], eps: Float[Tensor, "n d"]
) -> Float[Tensor, "n d"]:  # fmt: skip
    """z = μ + σ·ε."""


SAMPLE = dict(mu=Reals(), log_var=Reals(-6, 6), eps=Normals("n d"))


@reparameterise.law(points=1, where=SAMPLE, decisive=True)
def moves_and_scales(reparameterise: Answer, mu: Tensor, log_var: Tensor, eps: Tensor) -> Evidence:
    """z = μ + exp(½ log σ²)·ε."""
    exact = mu.double() + (log_var.double() / 2).exp() * eps.double()
    return close(
        reparameterise(mu, log_var, eps), exact, terms=mu.abs() + (1 + log_var.abs()) * (log_var / 2).exp() * eps.abs()
    )


@reparameterise.law(points=1, where=SAMPLE, rows=100)
def gradient_reaches_sigma(reparameterise: Answer, mu: Tensor, log_var: Tensor, eps: Tensor) -> Evidence:
    """∂z/∂log σ² = ½ σ ε: the gradient flows through the sample."""
    exact = 0.5 * (log_var.double() / 2).exp() * eps.double()
    got = reparameterise.gradient(mu, log_var, eps, wrt="log_var")
    return close(got, exact, terms=(1 + log_var.abs()) * (log_var / 2).exp() * eps.abs())


# A claim that is compared with the grader's own random numbers.

RATES: dict[str, Any] = dict(alpha=1e-11, beta=1e-6)
"""How often chance alone may break a right answer, and let an error pass: stated once for all the zoo's laws."""


@unit.exercise(batch="n", measure="squared length")
def second_moment(mu: Float[Tensor, "n"], log_var: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """E[z²] of z ~ N(μ, σ²)."""


@second_moment.law(points=1, where=dict(mu=Reals(-3, 3), log_var=Reals(-2, 2)), decisive=True)
def is_its_closed_form(second_moment: Answer, mu: Tensor, log_var: Tensor) -> Evidence:
    """E[z²] = μ² + σ²."""
    mu64, var = mu.double(), log_var.double().exp()
    return close(second_moment(mu, log_var), mu64**2 + var, terms=mu64**2 + (1 + log_var.abs()) * var)


@second_moment.law(points=1, where=dict(mu=Reals(-3, 3), log_var=Reals(-2, 2)), rows=2)
def agrees_with_sampling(
    second_moment: Answer, mu: Tensor, log_var: Tensor, generator: torch.Generator
) -> list[Evidence]:  # fmt: skip
    """The squares of many draws of N(μ, σ²) average it."""
    claimed = second_moment(mu, log_var)

    def agrees(claimed: Tensor, mu: float, std: float) -> Evidence:
        spread = math.sqrt(2 * std**4 + 4 * mu**2 * std**2)  # of z² = μ² + 2μσε + σ²ε², exactly
        return mean_is(
            lambda n, g: (mu + std * torch.randn(n, generator=g, dtype=torch.float64)) ** 2, float(claimed),
            sigma=spread, delta=spread / 10, **RATES, cap=1 << 16, generator=generator, what="E[z²], against an average",
        )  # fmt: skip

    return [agrees(claimed[i], float(mu[i]), float((log_var[i] / 2).exp())) for i in range(len(mu))]


# Samplers that own their randomness. Every test says how many draws it needs, so that none is ever undecided.


@unit.exercise(measure="samples", deterministic=False)
def sample_normal(mean: Float[Tensor, ""], std: Float[Tensor, ""], count: int) -> Float[Tensor, "count"]:
    """`count` independent draws of N(mean, std²)."""


def standardised(sample_normal: Answer, count: int, generator: torch.Generator) -> Tensor:
    """One call's draws of N(1, 2²), as draws of N(0, 1) if they are right."""
    mean, std = torch.tensor(1.0, dtype=torch.float64), torch.tensor(2.0, dtype=torch.float64)
    return (drawn(seeded(sample_normal, generator)(mean, std, count), count) - mean) / std


def seeded(sampler: Answer, generator: torch.Generator) -> Answer:
    return sampler.seeded(int(torch.randint(2**31, (), generator=generator)))


@sample_normal.law(points=1, decisive=True)
def has_its_mean_and_variance(sample_normal: Answer, generator: torch.Generator) -> list[Evidence]:
    """The draws have the mean and the variance that were asked for."""
    delta = 0.1
    count = max(draws_for_mean(**RATES, delta=delta), draws_for_variance(**RATES, delta=delta))
    z = standardised(sample_normal, count, generator)
    return [mean_is_zero(z, **RATES, delta=delta), variance_is_one(z, **RATES, delta=delta)]


@sample_normal.law(points=1)
def has_the_normal_shape(sample_normal: Answer, generator: torch.Generator) -> Evidence:
    """The draws follow the normal distribution, not just one of the same mean and variance."""
    z = standardised(sample_normal, draws_for_shape(**RATES, delta=0.05), generator)
    return shape_is_normal(z, **RATES, delta=0.05)


@sample_normal.law(points=1)
def every_draw_is_new(sample_normal: Answer, generator: torch.Generator) -> list[Evidence]:
    """No draw depends on another, of the same call or of another one."""
    count = draws_for_rows(**RATES, delta=0.25)
    first, second = (standardised(sample_normal, count, generator) for _ in range(2))
    return [rows_are_independent(first, **RATES, delta=0.25), calls_are_independent(first, second, **RATES, delta=0.25)]


@unit.exercise(batch="n", measure="a sample a row", deterministic=False)
def sample_gaussian(mu: Float[Tensor, "n d"], log_var: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """z ~ N(μ, diag σ²), one draw a row, with noise of its own."""


def noise_of(sample_gaussian: Answer, rows: int, generator: torch.Generator) -> Tensor:
    """(z − μ)/σ of one call with another μ and σ in every entry."""
    mu, log_var = torch.rand(2, rows, 3, generator=generator, dtype=torch.float64) * 4 - 2
    return (seeded(sample_gaussian, generator)(mu, log_var) - mu) / (log_var / 2).exp()


@sample_gaussian.law(points=1, decisive=True)
def has_means_and_variances(sample_gaussian: Answer, generator: torch.Generator) -> list[Evidence]:
    """(z − μ)/σ has mean 0 and variance 1 in every dimension."""
    rows = draws_for_variance(**RATES, delta=0.1, dimensions=3)
    z = noise_of(sample_gaussian, rows, generator)
    return [mean_is_zero(z, **RATES, delta=0.1), variance_is_one(z, **RATES, delta=0.1)]


@sample_gaussian.law(points=1)
def noise_is_normal(sample_gaussian: Answer, generator: torch.Generator) -> Evidence:
    """(z − μ)/σ follows the standard normal distribution in every dimension."""
    rows = draws_for_shape(**RATES, delta=0.05, dimensions=3)
    return shape_is_normal(noise_of(sample_gaussian, rows, generator), **RATES, delta=0.05)


@sample_gaussian.law(points=1)
def every_row_has_its_noise(sample_gaussian: Answer, generator: torch.Generator) -> Evidence:
    """The noise of one row tells nothing about that of another."""
    rows = draws_for_rows(**RATES, delta=0.25, dimensions=3)
    return rows_are_independent(noise_of(sample_gaussian, rows, generator), **RATES, delta=0.25)


@sample_gaussian.law(points=1)
def every_dimension_has_its_noise(sample_gaussian: Answer, generator: torch.Generator) -> Evidence:
    """The noise of one dimension tells nothing about that of another."""
    rows = draws_for_dimensions(**RATES, delta=0.25, dimensions=3)
    return dimensions_are_independent(noise_of(sample_gaussian, rows, generator), **RATES, delta=0.25)


@sample_gaussian.law(points=1)
def every_call_has_its_noise(sample_gaussian: Answer, generator: torch.Generator) -> Evidence:
    """The noise of one call tells nothing about that of another."""
    rows = draws_for_calls(**RATES, delta=0.25, dimensions=3)
    calls = (noise_of(sample_gaussian, rows, generator) for _ in range(2))
    return calls_are_independent(*calls, **RATES, delta=0.25)


@unit.exercise(measure="categories", deterministic=False)
def sample_category(probabilities: Float[Tensor, "k"], count: int) -> Int[Tensor, "count"]:
    """`count` independent draws of the categories 0 to k − 1, with the given probabilities."""


PROBABILITIES = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)


@sample_category.law(points=1, decisive=True)
def has_its_frequencies(sample_category: Answer, generator: torch.Generator) -> Evidence:
    """Every category comes as often as its probability says."""
    count = draws_for_frequencies(**RATES, delta=0.05, probabilities=PROBABILITIES)
    draws = drawn(seeded(sample_category, generator)(PROBABILITIES, count), count)
    return frequencies_are(draws, PROBABILITIES, **RATES, delta=0.05)


@sample_category.law(points=1)
def every_category_is_drawn_anew(sample_category: Answer, generator: torch.Generator) -> list[Evidence]:
    """No draw depends on another, of the same call or of another one."""
    count = draws_for_rows(**RATES, delta=0.3)
    first, second = (
        as_normals(drawn(seeded(sample_category, generator)(PROBABILITIES, count), count), PROBABILITIES, generator)
        for _ in range(2)
    )
    promise = dict(**RATES, delta=0.3, what="the draws")
    return [rows_are_independent(first, **promise), calls_are_independent(first, second, **promise)]


# A training step with an optimiser.


@unit.exercise(measure="loss before the step", deterministic=False)
def train_step(
    model: Module, optimiser: Optimizer, x: Float[Tensor, "m 2"], y: Float[Tensor, "m 1"]
) -> Float[Tensor, ""]:
    """One gradient step on the mean squared error; returns the loss before it."""


@train_step.law(points=2, decisive=True)
def takes_one_gradient_step(train_step: Answer, generator: torch.Generator) -> Evidence:
    """Twice in a row, the weights move by −lr·∇loss: gradients of an earlier step are not added."""
    weight = torch.randn(1, 2, generator=generator, dtype=torch.float64)
    x = torch.randn(16, 2, generator=generator, dtype=torch.float64)
    y = torch.randn(16, 1, generator=generator, dtype=torch.float64)
    model = train_step.given("linear_model", weight)
    optimiser = train_step.given("sgd", model, 0.1)
    pieces = []
    for _ in range(2):
        loss = train_step(model, optimiser, x, y)
        residual = x @ weight.mT - y
        pieces.append(
            close(loss.reshape(1), residual.square().mean().reshape(1), terms=residual.square().sum().reshape(1))
        )
        weight = weight - 0.1 * 2 * (residual.mT @ x) / residual.numel()
        moved = model.named_parameters()["weight"]
        pieces.append(
            close(moved.reshape(1, -1), weight.reshape(1, -1), terms=torch.tensor([10.0]), what="the weights")
        )
    return combine(pieces)


# A symbolic expression.


@unit.exercise(measure="an expression in x > 0")
def log_sum() -> sympy.Expr:
    """log(1 + x)² expanded to first order differs: give d/dx of log(1 + x)²."""


@log_sum.law(points=1, decisive=True)
def is_the_derivative(log_sum: Answer) -> Evidence:
    """It equals 2·log(1 + x)/(1 + x) everywhere."""
    x = sympy.Symbol("x", positive=True)
    got = from_tree(log_sum(), {"x": x})
    point = first_difference(got, sympy.diff(sympy.log(1 + x) ** 2, x))
    return true(torch.tensor([point is None]), what=f"equality at x = {point['x'] if point else 'every point'}")


# Structured inputs, so that shrinking a covariance is tried too.


@unit.exercise(batch="n", measure="nats", sizes=dict(d=(1, 3)))
def log_det(cov: Float[Tensor, "n d d"]) -> Float[Tensor, "n"]:
    """log det Σ."""


@log_det.law(points=1, where=dict(cov=Covariances()), decisive=True)
def is_log_determinant(log_det: Answer, cov: Tensor) -> Evidence:
    """log det Σ, for every covariance."""
    eigenvalues = torch.linalg.eigvalsh(cov.double()).clamp_min(1e-300)
    condition = eigenvalues[:, -1] / eigenvalues[:, 0]
    return close(
        log_det(cov), eigenvalues.log().sum(-1), terms=eigenvalues.log().abs().sum(-1) + condition * cov.shape[-1]
    )
