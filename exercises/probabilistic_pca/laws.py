"""Probabilistic PCA: what this week asks, and what every right answer satisfies.

Each exercise is the signature that your function must have; each law below it is a property that is tried on many models.
Points lie on the laws that an answer can fail separately. A law without points follows from those that have them: it is
there to tell a wrong answer *what* is wrong with it.

Log-densities are in nats, σ² is a variance. Tolerances are the rounding of the terms that an answer adds up, 64·eps·Σ|terms|,
where eps is that of the dtype you were given; solving with a matrix amplifies it by the matrix's condition number.
"""
# pyright: reportUndefinedVariable=false, reportReturnType=false

import math
from collections.abc import Callable

import sympy
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.distributions import (
    Categorical,
    Independent,
    LowRankMultivariateNormal,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
)

from autograder.derivation.check import Task
from autograder.derivation.exercise import derivation
from autograder.derivation.expression import Density
from autograder.derivation.gaussian import GaussianSetting
from autograder.domains import Integers, Normals, Positive, Reals
from autograder.evidence import at_least, at_most, close, rounding, true
from autograder.exercise import Unit
from autograder.symbolic import first_difference, from_tree

unit = Unit("probabilistic_pca", "Probabilistic PCA", minutes=300)

PIXELS = 100_000
"""Dimensions in which nobody can store a covariance matrix: in float32 it would take 40 gigabytes, in float64 80."""

MODELS = dict(W=Reals(-2, 2), b=Reals(-5, 5), sigma2=Positive(0.05, 20))
"""Where the laws' models come from, unless one says otherwise."""


# ---- tools that several laws share ---------------------------------------------------------------------------------------


def sigma_points(d: int) -> Tensor:
    """±√d along each of d axes, a row each: their mean is 0 and their covariance I, exactly as those of N(0, I).

    So averages over these 2d points are exact for every polynomial of degree two (and three): a quadrature rule.
    """
    axes = math.sqrt(d) * torch.eye(d, dtype=torch.float64)
    return torch.cat([axes, -axes])


def log_joint(z: Tensor, x: Tensor, W: Tensor, b: Tensor, sigma2: Tensor) -> Tensor:
    """log p(x, z) = log p(z) + log p(x|z), for z [model, n, q] beside x [model, n, D]."""
    likelihood = Normal(z @ W.mT + b.unsqueeze(1), sigma2.sqrt()[:, None, None])
    return likelihood.log_prob(x).sum(-1) + Normal(0.0, 1.0).log_prob(z).sum(-1)


def peak_and_width(log_density: Callable[[Tensor], Tensor], start: Tensor) -> tuple[Tensor, Tensor]:
    """Where a log-density peaks that is quadratic in its last axis, and minus the inverse of its second derivatives there.

    One Newton step by autograd, which on a quadratic function is exact. A Gaussian's are its mean and its covariance.
    """
    at = start.clone().requires_grad_()
    (slope,) = torch.autograd.grad(log_density(at).sum(), at, create_graph=True)
    rows = [torch.autograd.grad(slope[..., i].sum(), at, retain_graph=True)[0] for i in range(at.shape[-1])]
    curvature = -torch.stack(rows, -2)
    return start + torch.linalg.solve(curvature, slope.detach()), torch.linalg.inv(curvature)


def library(W: Tensor, b: Tensor, sigma2: Tensor) -> LowRankMultivariateNormal:
    """p(x) of each model, as torch has it, in float64."""
    noise = sigma2.double().unsqueeze(-1).expand_as(b)
    return LowRankMultivariateNormal(b.double(), W.double(), noise, validate_args=False)


def mean_log_likelihood(X: Tensor, W: Tensor, b: Tensor, sigma2: Tensor) -> Tensor:
    """The mean of log p(x) over the rows of each X, in float64, of models that an answer claims: very low for what is none, such
    as a W that is so long beside its σ² that no covariance can be made of them."""
    unit = torch.eye(W.shape[-2], dtype=torch.float64, device=W.device)
    root, failed = torch.linalg.cholesky_ex(W @ W.mT + sigma2[:, None, None] * unit)
    root = torch.where((failed == 0)[:, None, None], root, unit)
    model = MultivariateNormal(b.unsqueeze(1), scale_tril=root.unsqueeze(1), validate_args=False)
    value = model.log_prob(X.double()).mean(-1)
    return torch.where((failed == 0) & value.isfinite(), value, -1e30)


def condition(W: Tensor, sigma2: Tensor) -> Tensor:
    """(‖W‖² + σ²)/σ², one number a model: no matrix that one might solve with has a larger condition number."""
    return 1 + W.double().square().sum((-2, -1)) / sigma2.double()


def doubles(*tensors: Tensor) -> tuple[Tensor, ...]:
    return tuple(tensor.double() for tensor in tensors)


# ---- 1. the marginal -----------------------------------------------------------------------------------------------------


@unit.exercise(measure="the mean and the covariance of x", sizes=dict(D=(1, 3, 5, 2), q=(1, 2, 3, 2)), rows=12)
def marginal(
    W: Float[Tensor, "D q"], b: Float[Tensor, "D"], sigma2: Float[Tensor, ""]
) -> tuple[Float[Tensor, "D"], Float[Tensor, "D D"]]:
    """The mean and the covariance matrix of p(x), when z ~ N(0, I) and x | z ~ N(Wz + b, σ²I). sigma2 is σ², a variance."""


def marginal_terms(W: Tensor, b: Tensor, sigma2: Tensor) -> Tensor:
    """The largest absolute value of what a covariance's entry adds up, with that of what the averages below add up."""
    W, b, sigma2 = doubles(W, b, sigma2)
    return W.square().sum((-2, -1)) + sigma2


@marginal.law(points=3, decisive=True, where=dict(W=Reals(-2, 2), b=Reals(-5, 5), sigma2=Positive(1e-3, 20)))
def has_the_moments_of_its_draws(marginal, W, b, sigma2):
    """Mean and covariance are those of x = Wz + b + σε, averaged over z and ε by a rule that is exact for both."""
    mean, cov = marginal(W, b, sigma2)
    W64, b64, s64 = doubles(W, b, sigma2)
    noise = sigma_points(W.shape[-1] + W.shape[-2]).to(W64)
    z, eps = noise.split([W.shape[-1], W.shape[-2]], -1)
    x = z @ W64.mT + s64.sqrt()[:, None, None] * eps  # b is left out: it moves all draws alike
    return [
        close(
            mean,
            b64 + x.mean(1),
            terms=b64.abs() + marginal_terms(W, b, sigma2).sqrt().unsqueeze(1),
            what="the mean of x",
        ),
        close(cov, x.mT @ x / len(noise), terms=marginal_terms(W, b, sigma2), what="the covariance of x"),
    ]


@marginal.law(points=0, where=dict(W=Reals(-2, 2), b=Reals(-5, 5), sigma2=Positive(0.05, 20)))
def no_direction_is_without_noise(marginal, W, b, sigma2):
    """Along every direction x varies by σ² at least, whatever W is."""
    _, cov = marginal(W, b, sigma2)
    least = torch.linalg.eigvalsh(cov.nan_to_num(0.0, 0.0, 0.0).double().clamp(-1e30, 1e30))[:, 0].to(cov.dtype)
    return at_least(
        least,
        sigma2.double(),
        slack=rounding(W.shape[-2] * marginal_terms(W, b, sigma2), cov),
        what="the least variance",
    )


@marginal.law(points=0, where=dict(**MODELS, scale=Positive(0.2, 5, shape="")))
def follows_the_units(marginal, W, b, sigma2, scale):
    """Measured in another unit, x → a·x, the model has aW, ab and a²σ², and its covariance is a² times as large."""
    _, cov = marginal(W, b, sigma2)
    _, scaled = marginal(scale[:, None, None] * W, scale[:, None] * b, scale**2 * sigma2)
    terms = scale.double() ** 2 * marginal_terms(W, b, sigma2)
    return close(scaled, scale.double()[:, None, None] ** 2 * cov.double(), terms=terms, what="the covariance of a·x")


# ---- a question of an exam -----------------------------------------------------------------------------------------------

EXAM = dict(
    W=torch.tensor([[1.0], [2.0]]).double(), b=torch.tensor([1.0, -1.0]).double(), sigma2=torch.tensor(2.0).double()
)
EXAM_OPTIONS = {
    "A": ([1.0, -1.0], [[1.0, 2.0], [2.0, 4.0]]),
    "B": ([1.0, -1.0], [[7.0, 0.0], [0.0, 7.0]]),
    "C": ([1.0, -1.0], [[3.0, 2.0], [2.0, 6.0]]),
    "D": ([1.0, -1.0], [[2.4142135623730951, 2.0], [2.0, 5.4142135623730951]]),
}
"""By letter: the mean and the covariance that it claims."""


@unit.exercise(measure="a letter")
def exam_marginal() -> str:
    """Which is the distribution of x for W = (1, 2)ᵀ, b = (1, −1)ᵀ and σ² = 2? "A", "B", "C" or "D"."""


@exam_marginal.law(points=1, decisive=True)
def has_the_moments_of_the_draws(exam_marginal):
    """Of the four options it is the one with the mean and the covariance of x = Wz + b + σε."""
    letter = exam_marginal().strip().upper()
    z, eps = sigma_points(3).split([1, 2], -1)
    x = z @ EXAM["W"].mT + EXAM["b"] + EXAM["sigma2"].sqrt() * eps
    away = {}
    for option, (mean, cov) in EXAM_OPTIONS.items():
        off = x - torch.tensor(mean).double()
        away[option] = float((off.mT @ off / len(x) - torch.tensor(cov).double()).abs().max() + off.mean(0).abs().max())
    what = "moments that agree with those of the draws" if letter in away else "one of the letters A, B, C, D"
    return true(torch.tensor([away.get(letter, math.inf) < 1e-9]), what=what)


@exam_marginal.probe(tolerance=0.25)  # letters are whole numbers apart
def the_letter(exam_marginal):
    """Its place in the alphabet."""
    return torch.tensor([float(ord(letter)) for letter in exam_marginal().strip().upper()[:1]] or [0.0])


# ---- 2. the posterior ----------------------------------------------------------------------------------------------------


@unit.exercise(
    measure="in the units of z", sizes=dict(n=(1, 4, 3, 2), D=(1, 3, 5, 2), q=(1, 2, 3, 2)), rows=8
)  # fmt: skip
def posterior(
    x: Float[Tensor, "n D"], W: Float[Tensor, "D q"], b: Float[Tensor, "D"], sigma2: Float[Tensor, ""]
) -> tuple[Float[Tensor, "n q"], Float[Tensor, "q q"]]:
    """The mean of p(z|x) for each row of x, and its covariance, which is the same for all x. sigma2 is σ², a variance.

    Through the q×q matrix M = WᵀW + σ²I: D may be 100,000, and a D×D matrix would not fit into memory.
    """


def posterior_terms(cov: Tensor, x: Tensor, W: Tensor, b: Tensor, sigma2: Tensor) -> tuple[Tensor, Tensor]:
    """Σ|terms| of the posterior's mean and covariance, times the condition number by which solving amplifies rounding."""
    x, W, b, sigma2 = doubles(x, W, b, sigma2)
    amplified = condition(W, sigma2)[:, None, None]
    projected = (x.abs() + b.abs().unsqueeze(1)) @ W.abs() / sigma2[:, None, None]
    size = cov.flatten(1).norm(dim=1)[:, None, None]
    return amplified * size * projected.norm(dim=-1, keepdim=True), amplified * size


FEW = dict(x=Reals(-5, 5), **MODELS)


@posterior.law(points=2, decisive=True, where=dict(**{**FEW, "x": Reals(-100, 100)}))
def peaks_where_the_joint_does(posterior, x, W, b, sigma2):
    """p(z|x) is proportional to p(z)·p(x|z): it peaks where that does, and is as wide as its curvature says."""
    mean, cov = posterior(x, W, b, sigma2)
    x64, *model = doubles(x, W, b, sigma2)
    peak, width = peak_and_width(lambda z: log_joint(z, x64, *model), x64.new_zeros(*x.shape[:2], W.shape[-1]))
    of_mean, of_cov = posterior_terms(width[:, 0], x, W, b, sigma2)
    return [
        close(mean, peak, terms=of_mean, what="the posterior mean"),
        close(cov, width[:, 0], terms=of_cov, what="the posterior covariance"),
    ]


STEP = 0.4
"""Between points of a grid of z. For integrands whose width is half or more, sums over it are exact to 13 digits."""


def grid_of_latents(W: Tensor) -> Tensor:
    """From −9 to 9 in each of the q dimensions, a row for each point."""
    axis = STEP * torch.arange(-22, 23, dtype=torch.float64, device=W.device)
    return torch.cartesian_prod(*[axis] * W.shape[-1]).reshape(-1, W.shape[-1])


@posterior.law(
    points=0, rows=3, sizes=dict(n=(2, 2), D=(3, 2), q=(1, 2)),
    where=dict(x=Reals(-3, 3), W=Reals(-1, 1), b=Reals(-1, 1), sigma2=Positive(2, 10)),
)  # fmt: skip
def is_bayes_on_a_grid(posterior, x, W, b, sigma2):
    """With z on a fine grid it is Bayes' rule as for a finite z: weigh each z by p(z)·p(x|z), divide by the sum, average."""
    mean, cov = posterior(x, W, b, sigma2)
    x64, *model = doubles(x, W, b, sigma2)
    grid = grid_of_latents(W)
    rows, n = x.shape[:2]
    log_weights = log_joint(
        grid.expand(rows, n, *grid.shape).flatten(1, 2), x64.repeat_interleave(len(grid), 1), *model
    ).reshape(rows, n, -1)
    weights = torch.softmax(log_weights, -1)
    exact = weights @ grid
    centred = grid - exact.unsqueeze(2)
    spread = torch.einsum("rng,rngi,rngj->rnij", weights, centred, centred)
    # A weight exp(ℓ) is off by eps·|ℓ|, and the terms of ℓ are largest at the corners of the grid, where weights are smallest;
    # half of the digits are left by far, and the slips that this law is for are wrong in the first.
    half = torch.finfo(mean.dtype).eps ** 0.5
    return [
        close(mean, exact, tolerance=10 * half * (1 + condition(W, sigma2)), what="the posterior mean"),
        close(cov, spread[:, 0], tolerance=10 * half * (1 + condition(W, sigma2)), what="the posterior covariance"),
    ]


@posterior.law(points=0, where=dict(**MODELS), sizes=dict(D=(3, 5), q=(2, 3)))
def variance_adds_up_to_that_of_the_prior(posterior, W, b, sigma2):
    """Averaged over x, the posterior's covariance plus the covariance of its mean is I, as in the prior: the law of total
    variance."""
    W64, b64, s64 = doubles(W, b, sigma2)
    noise = sigma_points(W.shape[-1] + W.shape[-2]).to(W64)
    z, eps = noise.split([W.shape[-1], W.shape[-2]], -1)
    x = (z @ W64.mT + b64.unsqueeze(1) + s64.sqrt()[:, None, None] * eps).to(W.dtype)
    mean, cov = posterior(x, W, b, sigma2)
    spread = mean.double().mT @ mean.double() / len(noise)
    # |mean| ≤ κ^½·|noise|, and its own rounding, the posterior's terms, comes in twice.
    of_mean, of_cov = posterior_terms(torch.eye(W.shape[-1]).to(W64).expand(len(W), -1, -1), x, W, b, sigma2)
    terms = (of_mean.amax((1, 2)) * (1 + mean.double().abs().amax((1, 2))) + of_cov[:, 0, 0]).nan_to_num(1.0)
    exact = torch.eye(W.shape[-1]).to(W64).expand_as(cov)
    return close((cov.double() + spread).to(cov), exact, terms=terms, what="E[Cov(z|x)] + Cov(E[z|x])")


@posterior.law(points=0, sizes=dict(n=(4, 3), D=(3, 5), q=(2, 3)), where=FEW)
def the_mean_is_pulled_towards_zero(posterior, x, W, b, sigma2):
    """W·E[z|x] is shorter than the projection of x − b onto the columns of W: by λ/(λ + σ²) or more, λ being the largest
    eigenvalue of WᵀW."""
    mean, _ = posterior(x, W, b, sigma2)
    x64, W64, b64, s64 = doubles(x, W, b, sigma2)
    basis, stretch, _ = torch.linalg.svd(W64, full_matrices=False)
    length = ((x64 - b64.unsqueeze(1)) @ basis).norm(dim=-1)
    most = stretch[:, 0].square() / (stretch[:, 0].square() + s64)
    got = (mean.double() @ W64.mT).norm(dim=-1).to(mean.dtype)
    of_mean, _ = posterior_terms(torch.eye(W.shape[-1]).to(W64).expand(len(W), -1, -1), x, W, b, sigma2)
    slack = rounding(of_mean[..., 0] * (1 + W64.norm(dim=(1, 2)))[:, None], mean)
    return at_most(got, most[:, None] * length, slack=slack, what="the length of W·E[z|x]")


def tall(noise: Tensor, low: float, high: float) -> Tensor:
    """Matrices with orthogonal columns of lengths from `low` to `high`, from any of that shape."""
    basis = torch.linalg.qr(noise.double())[0]
    return (basis * torch.linspace(low, high, noise.shape[-1], dtype=torch.float64, device=noise.device)).to(
        noise.dtype
    )


@posterior.law(
    points=1, rows=16, sizes=dict(n=(1, 4), D=(3, 5), q=(2, 3)),
    where=dict(x=Reals(-5, 5), noise=Normals("D q"), b=Reals(-5, 5), sigma2=Positive(1e-7, 1e-6)),
)  # fmt: skip
def becomes_the_projection_without_noise(posterior, x, noise, b, sigma2):
    """As σ² → 0 the mean tends to the least-squares coordinates of x − b in the columns of W, as in PCA, and the covariance to
    zero like σ² (tried at σ² from 10⁻⁷ to 10⁻⁶)."""
    W = tall(noise, 2.0, 1.0)
    mean, cov = posterior(x, W, b, sigma2)
    x64, W64, b64, s64 = doubles(x, W, b, sigma2)
    exact = torch.linalg.lstsq(W64, (x64 - b64.unsqueeze(1)).mT).solution.mT
    width = torch.linalg.inv(
        torch.einsum("rdi,rdj->rij", W64 / s64.sqrt()[:, None, None], W64 / s64.sqrt()[:, None, None])
    )
    # No eigenvalue of WᵀW is below 1: the limit is off by σ² of itself. Twenty times that, and rounding.
    reach = (x64.abs() + b64.abs().unsqueeze(1)).sum((1, 2))
    limit = 20 * s64
    return [
        close(mean, exact, tolerance=limit * reach + rounding(16 * reach, mean), what="the posterior mean"),
        close(cov, width, tolerance=limit * s64 + rounding(16 * s64, cov), what="the posterior covariance"),
    ]


def pictures(generator: torch.Generator, like: Tensor, n: int, q: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """(x, W, b) in very many dimensions: n rows around b, which W's columns, of length about 2, explain a little."""
    W = torch.randn(PIXELS, q, generator=generator, dtype=torch.float32) * (2 / math.sqrt(PIXELS))
    b = 0.1 * torch.rand(PIXELS, generator=generator, dtype=torch.float32)
    z = torch.linspace(-1, 2, n * q).reshape(n, q)
    x = b + z @ W.mT + 0.1 * torch.randn(n, PIXELS, generator=generator, dtype=torch.float32)
    return x.to(like), W.to(like), b.to(like)


def turned(x: Tensor, W: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(x, W, b) seen from another side, so that all of their coordinates but a few are zero and left out, and the turn, D×few.

    Noise is alike in all directions, and there is none in what is left out: so nothing that is said about z changes. In float64,
    with a row axis, and b at the origin.
    """
    W, off = W.double(), x.double() - b.double()
    turn = torch.linalg.qr(torch.cat([W, off.mT], 1))[0]
    return (off @ turn).unsqueeze(0), (turn.mT @ W).unsqueeze(0), turn.new_zeros(1, turn.shape[1]), turn


@posterior.law(points=2, rows=1, sizes=dict(q=(2,)), where=dict(sigma2=Positive(0.1, 1)))
def needs_no_large_matrix(posterior, sigma2, generator):
    """In 100,000 dimensions, the pixels of a small photograph, the posterior is as right and takes a blink."""
    x, W, b = pictures(generator, sigma2, n=2)
    mean, cov = posterior(x, W, b, sigma2[0])
    small_x, small_W, origin, _ = turned(x, W, b)
    peak, width = peak_and_width(
        lambda z: log_joint(z, small_x, small_W, origin, sigma2[:1].double()), small_x.new_zeros(1, 2, 2)
    )
    # Wᵀ(x − b) adds up many small terms of both signs: Cauchy and Schwarz bound their sum by |W|·(|x| + |b|).
    size = W.double().norm() * (x.double().norm(dim=1).amax() + b.double().norm()) / sigma2[0].double()
    kappa = condition(W, sigma2[0])
    return [
        close(mean, peak[0], terms=kappa * width.norm() * size, what="the posterior mean"),
        close(cov, width[0, 0], terms=kappa * width.norm(), what="the posterior covariance"),
    ]


# ---- a derivation: the marginal as an integral ---------------------------------------------------------------------------

ONE_DIMENSION = GaussianSetting(
    sizes=(("x", 40), ("z", 40)), p=(Density("p", ("z",)), Density("p", ("x",), ("z",))), q=(),
    normals=((Density("p", ("z",)), "0", "1"), (Density("p", ("x",), ("z",)), "w*z + b", "sigma2")),
    reals=("w", "b"), positives=("sigma2",),
)  # fmt: skip
"""The model with one latent and one visible dimension: z is N(0, 1), and x given z is N(w·z + b, σ²)."""
MARGINAL = Task(
    start="p(x)", relation="=", end="N(x, b, w**2 + sigma2)", setting=ONE_DIMENSION,
    rules=("marginal", "product rule", "the model", "completing the square", "linearity", "normalisation"),
)  # fmt: skip


@derivation(unit, MARGINAL, points=4)
def marginal_from_the_joint() -> str:
    """p(x) in one dimension, z being integrated out of p(x, z), each line with its rule."""


# ---- 3. the log-marginal likelihood --------------------------------------------------------------------------------------


@unit.exercise(
    measure="nats, summed over the D dimensions, one number a row",
    sizes=dict(n=(1, 4, 3, 2), D=(1, 3, 5, 2), q=(1, 2, 3, 2)), rows=8,
)  # fmt: skip
def log_marginal(
    x: Float[Tensor, "n D"], W: Float[Tensor, "D q"], b: Float[Tensor, "D"], sigma2: Float[Tensor, ""]
) -> Float[Tensor, "n"]:
    """log p(x), row by row, in nats: the density of all D dimensions together. sigma2 is σ², a variance.

    With the q×q matrix M = WᵀW + σ²I alone: D may be 100,000. It is what training maximises: keep it differentiable, also where
    columns of W are alike.
    """


def density_terms(exact: Tensor, x: Tensor, W: Tensor, b: Tensor, sigma2: Tensor) -> Tensor:
    """Σ|terms| of log p(x): constants, the log-determinant, and the quadratic form, by whatever way it is computed.

    Through M it is |x − b|²/σ² less what W explains, whose rounding M's condition number amplifies, as does C's its own.
    """
    x, W, b, sigma2 = doubles(x, W, b, sigma2)
    constants = W.shape[-2] * (2 + sigma2.log().abs())
    kappa = condition(W, sigma2).unsqueeze(1)
    reach = (x.abs() + b.abs().unsqueeze(1)).square().sum(-1) / sigma2.unsqueeze(1)
    return constants.unsqueeze(1) + kappa * (W.shape[-1] + exact.abs() + reach)


@log_marginal.law(
    points=1, decisive=True, where=dict(x=Reals(-50, 50), W=Reals(-3, 3), b=Reals(-5, 5), sigma2=Positive(1e-5, 1e4))
)
def agrees_with_torch(log_marginal, x, W, b, sigma2):
    """It is the log-density of x that torch.distributions computes for this model."""
    exact = library(
        *(value.unsqueeze(1) if value.dim() > 1 else value.unsqueeze(-1) for value in (W, b, sigma2))
    ).log_prob(x.double())
    return close(log_marginal(x, W, b, sigma2), exact, terms=density_terms(exact, x, W, b, sigma2))


@log_marginal.law(
    points=0, rows=4, sizes=dict(n=(2, 2), D=(3, 2), q=(1, 2)),
    where=dict(x=Reals(-3, 3), W=Reals(-1, 1), b=Reals(-1, 1), sigma2=Positive(2, 10)),
)  # fmt: skip
def is_the_sum_over_all_z(log_marginal, x, W, b, sigma2):
    """p(x) is p(z)·p(x|z) summed over z, here over a fine grid, as in the model where z is 0, 1 or 2."""
    x64, *model = doubles(x, W, b, sigma2)
    grid = grid_of_latents(W)
    rows, n = x.shape[:2]
    parts = log_joint(grid.expand(rows, n, *grid.shape).flatten(1, 2), x64.repeat_interleave(len(grid), 1), *model)
    exact = torch.logsumexp(parts.reshape(rows, n, -1), -1) + W.shape[-1] * math.log(STEP)
    return close(log_marginal(x, W, b, sigma2), exact, terms=density_terms(exact, x, W, b, sigma2), what="log p(x)")


@log_marginal.law(
    points=0,
    sizes=dict(n=(3, 2), D=(3, 2), q=(2, 1)),
    where=dict(**FEW, more_x=Reals(-5, 5, shape="n 1"), more_b=Reals(-5, 5, shape="1")),
)
def a_pixel_of_pure_noise_adds_its_own(log_marginal, x, W, b, sigma2, more_x, more_b):
    """One more dimension that z does not reach, with a row of zeros in W, adds log N(x; b, σ²): log-densities are sums."""
    before = log_marginal(x, W, b, sigma2)
    larger = torch.cat([x, more_x], 2), torch.cat([W, torch.zeros_like(W[:, :1])], 1), torch.cat([b, more_b], 1), sigma2
    alone = Normal(more_b.double(), sigma2.double().sqrt().unsqueeze(1)).log_prob(more_x.double()[..., 0])
    terms = density_terms(before.nan_to_num(0.0, 0.0, 0.0).double(), *larger)
    return close(log_marginal(*larger), before.double() + alone, terms=terms, what="log p(x) with one more dimension")


@log_marginal.law(points=0, sizes=dict(n=(4, 2), D=(3, 5), q=(2, 3)), where=dict(**FEW, noise=Normals("q q")))
def rotating_z_changes_nothing(log_marginal, x, W, b, sigma2, noise):
    """W and WR, for any rotation or reflection R of the latent space, give the same log p(x)."""
    rotation = torch.linalg.qr(noise.double() + torch.eye(W.shape[-1]).to(noise) / 3)[0]
    rotated = (W.double() @ rotation).to(W.dtype)
    got, before = log_marginal(x, rotated, b, sigma2), log_marginal(x, W, b, sigma2)
    reach = (x.double() - b.double().unsqueeze(1)).square().sum(-1) / sigma2.double().unsqueeze(1)
    # W's own rounding moves the quadratic form by so much of what W explains.
    moved = 4 * condition(W, sigma2).unsqueeze(1) * (1 + reach)
    terms = density_terms(before.nan_to_num(0.0, 0.0, 0.0).double(), x, W, b, sigma2) + moved
    return close(got, before.double(), terms=terms, what="log p(x) with WR for W")


@log_marginal.law(
    points=0, rows=8, sizes=dict(D=(1, 1), q=(1, 1)),
    where=dict(W=Reals(-2, 2), b=Reals(-1, 1), sigma2=Positive(0.3, 3)),
)  # fmt: skip
def density_integrates_to_one(log_marginal, W, b, sigma2):
    """In one dimension, summed over a fine grid of x, p(x) is 1."""
    x = torch.linspace(-40, 40, 641, dtype=W.dtype, device=W.device).reshape(1, -1, 1).expand(len(W), -1, -1)
    got = log_marginal(x.contiguous(), W, b, sigma2)
    total = got.double().clamp(max=50.0).exp().sum(-1) * 0.125
    # Each p(x) is off by its log's rounding, as large as that of a point where p(x) is not yet negligible.
    terms = (4 + 20 * condition(W, sigma2)) * (1 + sigma2.double().log().abs())
    return close(total.to(got.dtype), 1.0, terms=terms, what="Σ p(x)·Δx")


@log_marginal.law(
    points=3, rows=4, sizes=dict(n=(3, 1), D=(3, 5), q=(1, 3)),
    where=dict(x=Normals(), W=Normals(), b=Normals(), sigma2=Positive(0.1, 10)),
)  # fmt: skip
def gradient_is_that_of_the_exact_value(log_marginal, x, W, b, sigma2):
    """The gradients with respect to W, b, σ² and x, which training needs, are those of the exact value."""
    inputs = dict(x=x, W=W, b=b, sigma2=sigma2)
    leaves = [value.double().clone().requires_grad_() for value in inputs.values()]
    model = library(*(v.unsqueeze(1) if v.dim() > 1 else v.unsqueeze(-1) for v in leaves[1:]))
    exact = torch.autograd.grad(model.log_prob(leaves[0]).sum(), leaves)
    # Slopes are sums of products of C⁻¹(x − b), C⁻¹ and W, or of 1/σ² times what is left of M⁻¹: κ amplifies once, or twice
    # where two solves follow each other.
    kappa, s64 = condition(W, sigma2), sigma2.double()
    reach = 1 + ((x.abs() + b.abs().unsqueeze(1)).double().square().sum((1, 2)) / s64)
    size = kappa**2 * x.shape[1] * x.shape[2] * reach / s64.clamp(max=1.0)
    return [
        close(
            log_marginal.gradient(*inputs.values(), wrt=name), slope, terms=size,
            what=f"the gradient with respect to {name}",
        )
        for name, slope in zip(inputs, exact, strict=True)
    ]  # fmt: skip


@log_marginal.law(points=2, rows=1, sizes=dict(q=(2,)), where=dict(sigma2=Positive(0.05, 0.5)))
def needs_no_covariance_matrix(log_marginal, sigma2, generator):
    """In 100,000 dimensions, the pixels of a small photograph, it is as right and takes a blink."""
    x, W, b = pictures(generator, sigma2, n=2)
    exact = library(W, b, sigma2[0]).log_prob(x.double())
    terms = density_terms(exact.unsqueeze(0), *(value.unsqueeze(0) for value in (x, W, b, sigma2[0])))
    return close(log_marginal(x, W, b, sigma2[0]), exact, terms=terms[0])


# ---- 4. the log-marginal likelihood, by brute force ----------------------------------------------------------------------


@unit.exercise(
    measure="nats, one number a row",
    sizes=dict(n=(1, 4, 3, 2), D=(1, 3, 5, 2), q=(1, 2, 3, 2), s=(1, 6, 50, 3)), rows=8,
)  # fmt: skip
def log_marginal_monte_carlo(
    x: Float[Tensor, "n D"], z: Float[Tensor, "s q"],
    W: Float[Tensor, "D q"], b: Float[Tensor, "D"], sigma2: Float[Tensor, ""],
) -> Float[Tensor, "n"]:  # fmt: skip
    """An estimate of log p(x), row by row, in nats: the log of the average of p(x|z) over s given draws z of the prior.

    All rows use the same draws. sigma2 is σ², a variance.
    """


def mixture(z: Tensor, W: Tensor, b: Tensor, sigma2: Tensor) -> MixtureSameFamily:
    """The mixture, with equal weights, of the Gaussians of x that the draws z stand for, in float64."""
    z, W, b, sigma2 = doubles(z, W, b, sigma2)
    means = z @ W.mT + b.unsqueeze(1)
    parts = Independent(Normal(means, sigma2.sqrt()[:, None, None], validate_args=False), 1)
    return MixtureSameFamily(Categorical(torch.ones_like(means[..., 0])), parts, validate_args=False)


def conditional_terms(x: Tensor, z: Tensor, W: Tensor, b: Tensor, sigma2: Tensor) -> Tensor:
    """Σ|terms| of the largest log p(x|z_j), and log s: an error in one of them is one of the logarithm of their average."""
    x, z, W, b, sigma2 = doubles(x, z, W, b, sigma2)
    size = z.abs() @ W.abs().mT + b.abs().unsqueeze(1)
    reach = (x.abs().unsqueeze(2) + size.unsqueeze(1)).square().sum(-1).amax(-1) / sigma2.unsqueeze(1)
    return reach + (W.shape[-2] * (2 + sigma2.log().abs()) + math.log(z.shape[1]) + 1).unsqueeze(1)


DRAWS = dict(x=Reals(-5, 5), z=Normals(), **MODELS)


@log_marginal_monte_carlo.law(points=2, decisive=True, where=DRAWS)
def is_the_mixture_of_its_draws(estimate, x, z, W, b, sigma2):
    """It is the log-density of a mixture: one Gaussian N(Wz_j + b, σ²I) for each draw, all with the weight 1/s."""
    exact = mixture(z, W, b, sigma2).log_prob(x.double().mT.permute(2, 0, 1)).mT
    return close(estimate(x, z, W, b, sigma2), exact, terms=conditional_terms(x, z, W, b, sigma2))


@log_marginal_monte_carlo.law(points=2, where=dict(**{**DRAWS, "x": Reals(-5000, 5000), "sigma2": Positive(0.01, 1)}))
def holds_where_densities_underflow(estimate, x, z, W, b, sigma2):
    """Far from every draw, where p(x|z) is too small for a computer and its logarithm is not, it is right as well."""
    exact = mixture(z, W, b, sigma2).log_prob(x.double().mT.permute(2, 0, 1)).mT
    return close(estimate(x, z, W, b, sigma2), exact, terms=conditional_terms(x, z, W, b, sigma2))


@log_marginal_monte_carlo.law(points=0, sizes=dict(n=(3, 2), D=(3, 2), q=(2, 1), s=(6, 3)), where=DRAWS)
def drawing_everything_twice_changes_nothing(estimate, x, z, W, b, sigma2):
    """With every draw taken twice it is the same: an average, and no sum."""
    twice = estimate(x, torch.cat([z, z], 1), W, b, sigma2)
    once = estimate(x, z, W, b, sigma2)
    return close(twice, once.double(), terms=conditional_terms(x, z, W, b, sigma2), what="with every draw twice")


def hermite(count: int) -> tuple[Tensor, Tensor]:
    """Nodes and weights for averages over N(0, 1): exact for polynomials of degree 2·count − 1 (Golub and Welsch)."""
    off = torch.arange(1, count, dtype=torch.float64).sqrt()
    nodes, vectors = torch.linalg.eigh(torch.diag(off, 1) + torch.diag(off, -1))
    return nodes, vectors[0].square()


@log_marginal_monte_carlo.law(
    points=0, rows=2, sizes=dict(D=(2,), q=(1,)),
    where=dict(x=Reals(-1, 1, shape="1 D"), W=Reals(-0.7, 0.7), b=Reals(-1, 1), sigma2=Positive(1, 5)),
)  # fmt: skip
def right_on_average_and_low_in_the_log(estimate, x, W, b, sigma2):
    """Averaged over all pairs of draws, exp of the estimate is p(x) exactly; the estimate itself is then lower than log p(x)."""
    x, W, b, sigma2 = (value[:2] for value in (x, W, b, sigma2))
    nodes, weights = hermite(12)
    nodes, weights = nodes.to(x), weights.to(x.device)
    pairs = torch.cartesian_prod(nodes, nodes)
    chance = torch.outer(weights, weights).flatten()
    rows, count = len(x), len(pairs)
    every = [value.repeat_interleave(count, 0) for value in (x, W, b, sigma2)]
    got = estimate(every[0], pairs.repeat(rows, 1).unsqueeze(-1), *every[1:]).reshape(rows, count)
    exact = library(W, b, sigma2).log_prob(x[:, 0].double())
    average = (chance * (got.double() - exact.unsqueeze(1)).clamp(max=50.0).exp()).sum(-1)
    # 12 nodes leave less than 10⁻⁶ of an integrand as smooth as these.
    terms = conditional_terms(x, x.new_full((rows, 1, 1), 3.0), W, b, sigma2)[:, 0]
    low = (chance * got.double()).sum(-1)
    return [
        close(average.to(got.dtype), 1.0, tolerance=1e-5 + rounding(terms, got), what="E[exp(estimate)]/p(x)"),
        at_most(low.to(got.dtype), exact, slack=1e-5 + rounding(terms, got), what="E[estimate], beside log p(x)"),
    ]


# ---- 5. maximum likelihood -----------------------------------------------------------------------------------------------


@unit.exercise(measure="in the units of x; σ² in their square", rows=10, slow=True)
def maximum_likelihood(
    X: Float[Tensor, "N D"], q: int
) -> tuple[Float[Tensor, "D q"], Float[Tensor, "D"], Float[Tensor, ""]]:  # fmt: skip
    """(W, b, σ²) of the model with q < D latent dimensions under which the rows of X are likeliest. σ² is a variance.

    Any W will do that is as likely as another: rotations and reflections of the latent space are free.
    """


DATA = dict(
    z=Normals("N q"),
    eps=Normals("N D"),
    noise=Normals("D q"),
    offset=Reals(-5, 5, shape="D"),
    spread=Positive(0.1, 1, shape=""),
)
"""What the data of these laws are made of: N draws of a model whose W has columns of length 3 to 5, and σ² = spread."""
PLACES = dict(N=(12, 20, 30, 8, 4, 4), D=(3, 5, 4, 2, 6, 5), q=(1, 2, 3, 1, 2, 1))


def truth_and_data(z: Tensor, eps: Tensor, noise: Tensor, offset: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
    """(the W that the data were drawn with, the data)."""
    W = tall(noise, 5.0, 3.0)
    return W, z @ W.mT + offset.unsqueeze(1) + spread.sqrt()[:, None, None] * eps


def spectrum(X: Tensor, q: int) -> tuple[Tensor, Tensor]:
    """(the condition number of what is estimated, the largest eigenvalue of the data's covariance), in float64.

    Rounding of the data turns the directions that are kept by eps times λ₁ over the gap below the last of them.
    """
    X = X.double()
    centred = X - X.mean(1, keepdim=True)
    values = torch.linalg.eigvalsh(centred.mT @ centred / X.shape[1]).flip(-1)
    first, last, next_one = values[:, 0], values[:, q - 1], values[:, q].clamp_min(1e-12)
    return first / (last - next_one).clamp_min(1e-12) + X.shape[2] * first / next_one, first


@maximum_likelihood.law(points=2, decisive=True, sizes=PLACES, where=DATA)
def nothing_is_likelier(maximum_likelihood, z, eps, noise, offset, spread, generator):
    """At the maximum the gradient of the likelihood is zero; neither the model that the data came from nor any neighbour is
    likelier."""
    truth, X = truth_and_data(z, eps, noise, offset, spread)
    W, b, sigma2 = maximum_likelihood(X, truth.shape[-1])
    leaves = [W.double(), b.double(), sigma2.double().abs().clamp(1e-9, 1e9).log()]
    leaves = [leaf.nan_to_num(0.0, 0.0, 0.0).requires_grad_() for leaf in leaves]

    def likelihood(W: Tensor, b: Tensor, log_sigma2: Tensor) -> Tensor:
        return mean_log_likelihood(X, W, b, log_sigma2.exp())

    here = likelihood(*leaves)
    slopes = torch.autograd.grad(here.sum(), leaves)
    kappa, largest = spectrum(X, truth.shape[-1])
    kappa = kappa * (1 + (X.double().abs().amax((1, 2)).square() / largest))
    finite = torch.isfinite(W).all(-1).all(-1) & torch.isfinite(b).all(-1) & torch.isfinite(sigma2) & (sigma2 > 0)
    pieces = [true(finite, what="W, b and σ² are numbers, and σ² > 0")]
    # A slope changes with W, or b, by at most 1/σ² each, or in log σ² by D: that is what rounding does to zero.
    stiff = 1 / leaves[2].detach().exp()
    units = {"W": largest.sqrt() * stiff, "b": largest.sqrt() * stiff, "log σ²": stiff * 0 + X.shape[-1]}
    for (name, unit_of), slope in zip(units.items(), slopes, strict=True):
        pieces.append(
            close(
                slope.to(W.dtype),
                torch.zeros_like(slope),
                terms=kappa * unit_of,
                what=f"the slope of the likelihood in {name}",
            )
        )
    at = [leaf.detach() for leaf in leaves]
    others = [
        (
            truth.double(),
            offset.double(),
            spread.double().log(),
            "the likelihood, beside that of where the data came from",
        )
    ]
    for _ in range(2):
        moves = [torch.randn(leaf.shape, generator=generator, dtype=torch.float64).to(leaf) for leaf in at]
        moved = [leaf + 0.1 * size[(...,) + (None,) * (leaf.dim() - 1)] * move for leaf, move, size in zip(
            at, moves, (largest.sqrt(), largest.sqrt(), torch.ones_like(largest)), strict=True
        )]  # fmt: skip
        others.append((*moved, "the likelihood, beside that of a neighbour"))
    slack = rounding(kappa * X.shape[-1] * (1 + here.detach().abs()), W)
    for *other, what in others:
        pieces.append(at_least(here.detach().to(W.dtype), likelihood(*other), slack=slack, what=what))
    return pieces


@maximum_likelihood.law(points=0, sizes=dict(N=(12, 20, 8), D=(3, 5, 2), q=(1, 2, 1)), where=DATA)
def explains_all_of_the_variance(maximum_likelihood, z, eps, noise, offset, spread):
    """The total variance of the model, the trace of its covariance, is that of the data, with 1/N; and b is their mean."""
    truth, X = truth_and_data(z, eps, noise, offset, spread)
    W, b, sigma2 = maximum_likelihood(X, truth.shape[-1])
    total = W.double().square().sum((1, 2)) + X.shape[-1] * sigma2.double()
    centred = X.double() - X.double().mean(1, keepdim=True)
    kappa, _ = spectrum(X, truth.shape[-1])
    size = kappa * X.double().square().sum((1, 2)) / X.shape[1] * X.shape[2]
    return [
        close(b, X.double().mean(1), terms=X.double().abs().mean(1) * X.shape[1], what="b"),
        close(total.to(W.dtype), centred.square().sum((1, 2)) / X.shape[1], terms=size, what="the total variance"),
    ]


@maximum_likelihood.law(
    points=0, sizes=dict(D=(3, 5), q=(1, 2)), where={name: DATA[name] for name in ("noise", "offset", "spread")}
)  # fmt: skip
def finds_the_model_that_fits_exactly(maximum_likelihood, noise, offset, spread):
    """Data whose covariance is exactly what some model says give back that model: its WWᵀ, its b and its σ²."""
    W, b, sigma2 = tall(noise, 5.0, 3.0).double(), offset.double(), spread.double()
    z, eps = sigma_points(W.shape[-1] + W.shape[-2]).to(W).split([W.shape[-1], W.shape[-2]], -1)
    X = (z @ W.mT + b.unsqueeze(1) + sigma2.sqrt()[:, None, None] * eps).to(noise.dtype)
    got_W, got_b, got_sigma2 = maximum_likelihood(X, W.shape[-1])
    # λ₁ ≤ 26, and no gap is smaller than that of a column to the next, 8, or to the noise, 9.
    size = 26 * (4 + X.double().square().sum((1, 2)) / len(z))
    return [
        close(got_W @ got_W.mT, W @ W.mT, terms=size, what="WWᵀ"),
        close(got_b, b, terms=X.double().abs().sum(1), what="b"),
        close(got_sigma2.to(X.dtype), sigma2, terms=size, what="σ²"),
    ]


@maximum_likelihood.law(points=2, sizes=PLACES, where=DATA)
def does_not_care_where_the_origin_is(maximum_likelihood, z, eps, noise, offset, spread):
    """Data far away from zero have the same W and σ², and b moves with them: variances are averages of squared distances from
    the mean."""
    truth, X = truth_and_data(z, eps, noise, offset, spread)
    shift = 2.0 ** round(math.log2(8 * torch.finfo(X.dtype).eps ** -0.5))
    far = X + shift
    near = far - shift  # what is left of the digits: exactly the same data as `far`
    W, b, sigma2 = maximum_likelihood(near, truth.shape[-1])
    far_W, far_b, far_sigma2 = maximum_likelihood(far, truth.shape[-1])
    kappa, largest = spectrum(near, truth.shape[-1])
    # b is rounded at the size of the shift, and with it every distance to it.
    size = kappa * (largest.sqrt() * shift * 2 + near.double().square().sum((1, 2)))
    covs = (far_W @ far_W.mT, W @ W.mT)
    return [
        close(covs[0], covs[1].double(), terms=size, what="WWᵀ of the data far away"),
        close(far_sigma2.to(X.dtype), sigma2.double(), terms=size, what="σ² of the data far away"),
        close(far_b, b.double() + shift, terms=shift * 4 + near.double().abs().sum(1), what="b of the data far away"),
    ]


@maximum_likelihood.probe()
def what_it_makes_of_some_data(maximum_likelihood):
    """The covariance, b and σ² for two sets of data that are written out here (W itself may be turned), and whether the first
    set, moved far away, has the same covariance to three digits."""
    row, column = torch.arange(9.0).double().unsqueeze(1), torch.arange(4.0).double()
    wave = torch.sin(1.7 * row + 0.9 * column * row + column) * (4 - column) + column
    told = []
    for X, q in ((wave, 2), (wave[:, :3] * 2 - 1, 1)):
        W, b, sigma2 = maximum_likelihood(X, q)
        told += [W @ W.mT, b, sigma2.reshape(1).double()]
    far, _, _ = maximum_likelihood(wave + 2.0**28, 2)
    return *told, ((far @ far.mT - told[0]).norm() < 1e-3 * told[0].norm()).double().reshape(1)


# ---- 6. expectation maximisation -----------------------------------------------------------------------------------------


@unit.exercise(
    measure="W in the units of x, σ² in their square", sizes=dict(N=(1, 6, 10, 4), D=(2, 3, 5, 2), q=(1, 2, 3, 2)), rows=8
)  # fmt: skip
def em_step(
    X: Float[Tensor, "N D"], W: Float[Tensor, "D q"], b: Float[Tensor, "D"], sigma2: Float[Tensor, ""]
) -> tuple[Float[Tensor, "D q"], Float[Tensor, ""]]:
    """One step of EM, with b kept as it is: the W and σ² that maximise the expected log p(x, z) under the posteriors of the old
    W and σ². σ² is a variance, and D may be 100,000."""


def regression(X: Tensor, mean: Tensor, cov: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Complete each row of X by 2q values of z that have its posterior's mean and covariance, then regress x − b on z.

    The expected log p(x, z) is quadratic in z, so these few values stand exactly for all. Back come the coefficients, the mean
    square of the residuals, the condition number of the regression, and the size of its terms.
    """
    q = mean.shape[-1]
    root = torch.linalg.cholesky(cov)
    z = mean.unsqueeze(2) + (sigma_points(q).to(mean) @ root.mT.unsqueeze(-3).flatten(0, -3).reshape(-1, 1, q, q))
    y = (X - b.unsqueeze(1)).unsqueeze(2).expand(-1, -1, 2 * q, -1)
    z, y = z.flatten(1, 2), y.flatten(1, 2)
    coefficients = torch.linalg.pinv(z) @ y
    residual = y - z @ coefficients
    stretch = torch.linalg.svdvals(z)
    reach = (X.abs() + b.abs().unsqueeze(1)).square().sum(-1).mean(-1)
    return coefficients.mT, residual.square().mean((1, 2)), (stretch[:, 0] / stretch[:, -1]).square(), reach


@em_step.law(
    points=2, decisive=True, where=dict(X=Reals(-5, 5), W=Reals(-2, 2), b=Reals(-3, 3), sigma2=Positive(0.1, 10))
)
def is_a_regression_on_completed_data(em_step, X, W, b, sigma2):
    """Complete each x by values of z that have its posterior's mean and covariance. W is then the regression of x − b on z, and
    σ² its mean squared residual, over rows and dimensions."""
    new_W, new_sigma2 = em_step(X, W, b, sigma2)
    X64, W64, b64, s64 = doubles(X, W, b, sigma2)
    mean, cov = peak_and_width(lambda z: log_joint(z, X64, W64, b64, s64), X64.new_zeros(*X.shape[:2], W.shape[-1]))
    exact_W, exact_sigma2, steep, reach = regression(X64, mean, cov[:, 0], b64)
    kappa = condition(W, sigma2) * steep
    return [
        close(
            new_W, exact_W, terms=kappa * (1 + exact_W.flatten(1).norm(dim=1)) + kappa * reach.sqrt(), what="the new W"
        ),
        close(new_sigma2.to(X.dtype), exact_sigma2, terms=kappa * reach, what="the new σ²"),
    ]


@em_step.law(
    points=0,
    sizes=dict(N=(6, 10), D=(3, 5), q=(2, 3)),
    where=dict(X=Reals(-5, 5), W=Reals(-2, 2), b=Reals(-3, 3), sigma2=Positive(0.1, 10)),
)
def the_likelihood_never_falls(em_step, X, W, b, sigma2):
    """One step never makes the data less likely."""
    new_W, new_sigma2 = em_step(X, W, b, sigma2)

    safe = new_sigma2.double().nan_to_num(0.0, 0.0, 0.0).clamp_min(1e-12)
    before = mean_log_likelihood(X, W.double(), b.double(), sigma2.double())
    after = mean_log_likelihood(X, new_W.double().nan_to_num(0.0, 0.0, 0.0), b.double(), safe)
    reach = (X.abs() + b.abs().unsqueeze(1)).double().square().sum(-1).mean(-1)
    # Where the new σ² is small, its rounding and that of W are felt most.
    slack = rounding(condition(W, sigma2) * (before.abs() + X.shape[-1]) * (1 + reach / safe.clamp_min(1e-6)), new_W)
    return at_least(after.to(new_W.dtype), before, slack=slack, what="the mean log-likelihood after the step")


@em_step.law(
    points=0, rows=8, sizes=dict(D=(3, 5), q=(1, 2)),
    where=dict(noise=Normals("D q"), b=Reals(-3, 3), sigma2=Positive(0.5, 2)),
)  # fmt: skip
def stays_at_the_maximum(em_step, noise, b, sigma2):
    """For data whose covariance is exactly what the model says, nothing is likelier than the model, and a step changes
    nothing."""
    W = tall(noise, 2.0, 1.0)
    z, eps = sigma_points(sum(W.shape[1:])).to(W.device).split([W.shape[-1], W.shape[-2]], -1)
    W64, b64, s64 = doubles(W, b, sigma2)
    X = (z @ W64.mT + b64.unsqueeze(1) + s64.sqrt()[:, None, None] * eps).to(W.dtype)
    new_W, new_sigma2 = em_step(X, W, b, sigma2)
    reach = (X.abs() + b.abs().unsqueeze(1)).double().square().sum(-1).mean(-1)
    terms = condition(W, sigma2) ** 2 * (1 + reach)
    return [
        close(new_W, W64, terms=terms, what="the new W"),
        close(new_sigma2.to(W.dtype), s64, terms=terms, what="the new σ²"),
    ]


@em_step.law(points=2, rows=1, sizes=dict(q=(2,)), where=dict(sigma2=Positive(0.05, 0.5)))
def needs_no_covariance_of_the_data(em_step, sigma2, generator):
    """In 100,000 dimensions, with two rows of data, a step is as right and takes a blink."""
    X, W, b = pictures(generator, sigma2, n=2)
    new_W, new_sigma2 = em_step(X, W, b, sigma2[0])
    small_X, small_W, origin, turn = turned(X, W, b)
    mean, cov = peak_and_width(
        lambda z: log_joint(z, small_X, small_W, origin, sigma2[:1].double()), small_X.new_zeros(1, 2, 2)
    )
    small_exact, mean_square, steep, _ = regression(small_X, mean, cov[:, 0], origin)
    exact_W, exact_sigma2 = turn @ small_exact[0], mean_square * turn.shape[1] / PIXELS
    kappa = condition(W, sigma2[0]) * steep
    reach = (X.double().abs() + b.double().abs()).square().sum(-1).mean(-1)
    size = kappa * (exact_W.abs().amax() + X.double().abs().amax() + b.double().abs().amax())
    return [
        close(new_W, exact_W, terms=size * (1 + W.double().norm() * reach.sqrt()), what="the new W"),
        close(new_sigma2.reshape(1).to(W.dtype), exact_sigma2, terms=kappa * reach / PIXELS * 16, what="the new σ²"),
    ]


# ---- optional: the marginal, with letters --------------------------------------------------------------------------------

LETTERS = {name: sympy.Symbol(name, real=True) for name in ("w1", "w2", "b1", "b2")}
LETTERS["sigma2"] = sympy.Symbol("sigma2", positive=True)
"""What the expressions of `marginal_symbolic` may be made of: all real, and σ² positive."""


@unit.exercise(measure="expressions in w1, w2, b1, b2 and sigma2", optional=True)
def marginal_symbolic() -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
    """(mean of x1, variance of x1, covariance of x1 and x2), for W = (w1, w2)ᵀ and b = (b1, b2)ᵀ. sigma2 is σ², a variance."""


def averaged(expression: sympy.Expr, *standard: sympy.Symbol) -> sympy.Expr:
    """The average over independent standard normal letters, of a polynomial that is at most quadratic in them."""
    total = sympy.Integer(0)
    for powers, factor in sympy.Poly(expression, *standard).terms():
        total += factor if all(power in (0, 2) for power in powers) else 0
    return total


@marginal_symbolic.law(points=0, decisive=True)
def letters_have_the_moments_of_the_draws(marginal_symbolic):
    """Mean, variance and covariance are those of x = Wz + b + σε, multiplied out and averaged over z and ε."""
    w1, w2, b1, sigma2 = (LETTERS[name] for name in ("w1", "w2", "b1", "sigma2"))
    z, eps1, eps2 = noise = sympy.symbols("z eps1 eps2")
    off1, off2 = w1 * z + sympy.sqrt(sigma2) * eps1, w2 * z + sympy.sqrt(sigma2) * eps2
    exact = (averaged(off1, *noise) + b1, averaged(off1 * off1, *noise), averaged(off1 * off2, *noise))
    pieces = []
    for got, value, what in zip(
        marginal_symbolic(), exact, ("the mean of x1", "the variance of x1", "the covariance of x1 and x2"), strict=True
    ):
        point = first_difference(from_tree(got, LETTERS), value)
        at = "" if point is None else f", tried at {', '.join(f'{name} = {number}' for name, number in point.items())}"
        pieces.append(true(torch.tensor([point is None]), what=f"{what} is that of the draws{at}"))
    return pieces


@marginal_symbolic.probe()
def values_at_two_points(marginal_symbolic):
    """The three expressions where the letters are certain numbers."""
    points = ((2, -3, 5, 7, sympy.Rational(5, 2)), (sympy.Rational(-1, 2), 3, -4, 1, 9))
    found = []
    for got in marginal_symbolic():
        expression = from_tree(got, LETTERS)
        values = [sympy.N(expression.subs(dict(zip(LETTERS.values(), point, strict=True)))) for point in points]
        found += [float(value) if value.is_real else math.nan for value in values]
    return torch.tensor(found, dtype=torch.float64)


# ---- optional: a derivation of the best offset and the best variance -----------------------------------------------------

FITTED = GaussianSetting(
    sizes=(("x", 40),), p=(Density("p", ("x",)),), q=(Density("q", ("x",)),),
    normals=((Density("q", ("x",)), "m", "s2"), (Density("p", ("x",)), "b", "v")),
    reals=("m", "b"), positives=("s2", "v"),
)  # fmt: skip
"""Data q, with the mean m and the variance s2, and a model p, with the mean b and the variance v."""
BEST = Task(
    start="E(q(x), log(p(x)))", relation="<=", end="-(log(2*pi*s2) + 1)/2", setting=FITTED,
    rules=("the model", "density of a normal", "moments", "linearity", "a square is never negative", "log t ≤ t − 1"),
)  # fmt: skip


@derivation(unit, BEST, optional=True)
def best_offset_and_noise() -> str:
    """That no b and no v make the data likelier than -(log(2*pi*s2) + 1)/2, line by line."""


# ---- optional: drawing from the model ------------------------------------------------------------------------------------


@unit.exercise(
    measure="in the units of x", sizes=dict(n=(1, 4, 3, 2), D=(1, 3, 5, 2), q=(1, 2, 3, 2)), rows=8, optional=True
)  # fmt: skip
def sample(
    eps_z: Float[Tensor, "n q"], eps_x: Float[Tensor, "n D"],
    W: Float[Tensor, "D q"], b: Float[Tensor, "D"], sigma2: Float[Tensor, ""],
) -> Float[Tensor, "n D"]:  # fmt: skip
    """n draws of x, made from standard normal noise: eps_z for z, eps_x for what z does not explain. sigma2 is a variance."""


@sample.law(points=0, decisive=True, where=dict(eps_z=Normals(), eps_x=Normals(), **MODELS))
def noise_is_put_through_the_model(sample, eps_z, eps_x, W, b, sigma2):
    """Whoever knows a draw x and the noise of its z finds the noise of x again: the distance from the mean of p(x|z), measured in
    standard deviations."""
    x = sample(eps_z, eps_x, W, b, sigma2)
    z, eps, W64, b64, s64 = doubles(eps_z, eps_x, W, b, sigma2)
    given = Normal(z @ W64.mT + b64.unsqueeze(1), s64.sqrt()[:, None, None], validate_args=False)
    size = (z.abs() @ W64.abs().mT + b64.abs().unsqueeze(1)) / given.stddev + eps.abs()
    found = (x.double() - given.mean) / given.stddev
    return close(found.to(x.dtype), eps, terms=size, what="the noise, found again")


@sample.law(points=0, where=dict(**MODELS), sizes=dict(D=(1, 3, 5), q=(1, 2, 3)))
def draws_have_the_moments_of_the_model(sample, W, b, sigma2):
    """Averaged over the noise, draws have the mean and the covariance of torch's own distribution for this model."""
    noise = sigma_points(sum(W.shape[1:])).to(W)
    z, eps = noise.expand(len(W), -1, -1).split([W.shape[-1], W.shape[-2]], -1)
    x = sample(z.contiguous(), eps.contiguous(), W, b, sigma2).double() - b.double().unsqueeze(1)
    terms = (noise.abs().double().max() ** 2 + 1) * (
        (W.double().square().sum((1, 2)) + sigma2.double()) + b.double().square().sum(1)
    )
    exact = library(W, b, sigma2).covariance_matrix
    return [
        close(x.mean(1).to(W.dtype), 0.0, terms=terms.sqrt() + terms, what="the mean of the draws, less b"),
        close((x.mT @ x / x.shape[1]).to(W.dtype), exact, terms=terms, what="the covariance of the draws"),
    ]


# ---- optional: filling in what is missing --------------------------------------------------------------------------------


@unit.exercise(
    measure="in the units of x; variances in their square", sizes=dict(D=(2, 3, 5, 6), q=(1, 2, 3, 2)), rows=8, optional=True
)  # fmt: skip
def missing_values(
    x: Float[Tensor, "D"], observed: Int[Tensor, "D"],
    W: Float[Tensor, "D q"], b: Float[Tensor, "D"], sigma2: Float[Tensor, ""],
) -> tuple[Float[Tensor, "D"], Float[Tensor, "D"]]:  # fmt: skip
    """The mean and the variance of every entry of x, given those that were observed. sigma2 is σ², a variance.

    observed is 1 or 0. An observed entry has itself for its mean, and the variance 0; whatever stands in an entry that was not
    observed is to be ignored, NaN included.
    """


@missing_values.law(points=0, decisive=True, where=dict(x=Reals(-5, 5), observed=Integers(0, 1), **MODELS))
def fills_in_what_is_likeliest(missing_values, x, observed, W, b, sigma2):
    """Given the rest, the missing entries are Gaussian: their mean is where log p(x) peaks, their variance what its curvature
    says. Observed entries stay, with the variance 0."""
    mean, variance = missing_values(x, observed, W, b, sigma2)
    seen = observed.bool()
    model = library(*(value.unsqueeze(1) if value.dim() > 1 else value.unsqueeze(-1) for value in (W, b, sigma2)))
    x64, known = x.double().unsqueeze(1), seen.unsqueeze(1)

    def log_density(filled: Tensor) -> Tensor:
        """log p(x) with these values in the missing entries; in the observed ones a parabola of its own, which keeps them."""
        held = torch.where(known, x64, filled)
        return model.log_prob(held) - (torch.where(known, filled - x64, 0.0) ** 2).sum(-1) / 2

    peak, cov = peak_and_width(log_density, b.double().unsqueeze(1))
    spread = torch.where(seen, 0.0, cov[:, 0].diagonal(dim1=-2, dim2=-1))
    kappa = condition(W, sigma2)
    reach = x.double().abs().amax(1) + b.double().abs().amax(1)
    return [
        close(mean, peak[:, 0], terms=kappa**2 * reach, what="the mean"),
        close(variance, spread, terms=kappa**2 * (kappa * sigma2.double()), what="the variance"),
    ]


@missing_values.law(
    points=0, sizes=dict(D=(3, 5), q=(2, 3)), where=dict(x=Reals(-5, 5), observed=Integers(0, 1), **MODELS)
)
def ignores_what_stands_in_the_gaps(missing_values, x, observed, W, b, sigma2):
    """Whatever stands in the entries that were not observed, NaN (not a number) included, changes nothing."""
    seen = observed.bool()
    with_nan = torch.where(seen, x, torch.full_like(x, math.nan))
    first, second = missing_values(x, observed, W, b, sigma2), missing_values(with_nan, observed, W, b, sigma2)
    kappa = condition(W, sigma2)
    reach = x.double().abs().amax(1) + b.double().abs().amax(1)
    return [
        close(second[0], first[0].double(), terms=kappa**2 * reach, what="the mean with NaN in the gaps"),
        close(second[1], first[1].double(), terms=kappa**3 * sigma2.double(), what="the variance with NaN in the gaps"),
    ]


@missing_values.law(points=0, where=dict(x=Reals(-5, 5), **MODELS), sizes=dict(D=(3, 5), q=(1, 2)))
def nothing_seen_is_the_marginal(missing_values, x, W, b, sigma2):
    """With nothing observed the mean is b, and the variances are those of p(x)."""
    mean, variance = missing_values(x, torch.zeros(x.shape, dtype=torch.int64, device=x.device), W, b, sigma2)
    kappa = condition(W, sigma2)
    exact = library(W, b, sigma2).variance
    return [
        close(mean, b.double(), terms=b.double().abs() * kappa.unsqueeze(1), what="the mean"),
        close(variance, exact, terms=kappa**2 * sigma2.double() + exact.amax(1), what="the variance"),
    ]
