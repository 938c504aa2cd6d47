"""One exercise of every kind that a unit may ask for: the engine's own test unit."""
# pyright: reportReturnType=false, reportUndefinedVariable=false

import sympy
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.distributions import Distribution
from torch.nn import Module
from torch.optim import Optimizer

from autograder.answer import Answer, tensor_claimed
from autograder.domains import Covariances, Normals, Positive, Reals
from autograder.evidence import Evidence, at_least, close, combine, differs, mean_is, true
from autograder.exercise import Unit
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


# A sampler that owns its randomness.


@unit.exercise(measure="samples", deterministic=False)
def sample_normal(mean: Float[Tensor, ""], std: Float[Tensor, ""], count: int) -> Float[Tensor, "count"]:
    """`count` independent draws of N(mean, std²)."""


@sample_normal.law(points=1, decisive=True)
def has_its_mean(sample_normal: Answer, generator: torch.Generator) -> Evidence:
    """The draws average the mean."""
    return combine([moment(sample_normal, generator, power=1), moment(sample_normal, generator, power=2)])


@sample_normal.law(points=1)
def is_random(sample_normal: Answer, generator: torch.Generator) -> Evidence:
    """Two calls give different draws, and the draws differ among themselves."""
    mean, std = torch.tensor(0.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64)
    first, second = sample_normal.seeded(1)(mean, std, 50), sample_normal.seeded(2)(mean, std, 50)
    return combine([differs(first, second, by=1e-12), differs(first[1:], first[:-1], by=1e-12)])


def moment(sample_normal: Answer, generator: torch.Generator, power: int) -> Evidence:
    mean, std = torch.tensor(1.0, dtype=torch.float64), torch.tensor(2.0, dtype=torch.float64)

    def draws(count: int, generator: torch.Generator) -> Tensor:
        seed = int(torch.randint(2**31, (), generator=generator))
        return ((sample_normal.seeded(seed)(mean, std, count) - 1.0) / 2.0) ** power

    claimed, sigma = {1: (0.0, 1.0), 2: (1.0, 2.0**0.5)}[power]
    return mean_is(
        draws, claimed, sigma=sigma, delta=0.1, alpha=1e-11, beta=1e-6, cap=1 << 17, generator=generator,
        what=f"the mean of standardised draws to the power {power}",
    )  # fmt: skip


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
