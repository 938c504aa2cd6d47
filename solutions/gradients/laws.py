"""Gradients of expectations: what this week asks, and what every right answer satisfies.

Each exercise is the signature that your function must have; each law below it is a property that is tried on many rows. Points
lie on the laws that an answer can fail separately. A law without points follows from those that have them: it is there to tell
a wrong answer *what* is wrong with it.

No law draws samples and hopes. Expectations are exact: sums over all outcomes of a finite q, or Gauss–Hermite quadrature over
eps, which averages polynomials without an error. Slopes are taken by a complex step: Im f(x + ih)/h for a tiny h, which has no
truncation error either. What is left is rounding: 64·eps·Σ|terms|, where eps is that of the dtype you were given.
"""
# pyright: reportUndefinedVariable=false, reportReturnType=false

import math

import numpy
import scipy.special
import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Normal
from torch.distributions.transforms import AffineTransform

from autograder.derivation.check import Flawed, Task
from autograder.derivation.exercise import derivation, flaw
from autograder.derivation.expression import Density, Unknown
from autograder.derivation.meaning import Setting
from autograder.domains import Listed, Normals, Positive, Reals
from autograder.evidence import close, rounding, true
from autograder.exercise import Unit

unit = Unit("gradients", "Gradients of expectations", minutes=295)

H = 1e-30
"""The complex step: its square is lost in every sum, so that the imaginary part is a slope to all digits."""


def gaussian(mu: Tensor, log_var: Tensor) -> Normal:
    """N(μ, σ²) in float64; with one more axis at the end, which broadcasts over samples."""
    return Normal(mu.double().unsqueeze(-1), (log_var.double() / 2).exp().unsqueeze(-1))


def hermite(like: Tensor, count: int = 12) -> tuple[Tensor, Tensor]:
    """Nodes and weights such that Σ w·g(ε) is E[g(ε)], ε ~ N(0, 1), for every polynomial g of degree below 2·count.

    Nodes are rounded to the dtype of `like`, since answers get them in it.
    """
    nodes, weights = numpy.polynomial.hermite_e.hermegauss(count)
    weights = torch.tensor(weights / weights.sum(), device=like.device)
    return torch.tensor(nodes, device=like.device).to(like.dtype), weights


def horner(coefficients: Tensor, z: Tensor) -> Tensor:
    """Σ cₖ zᵏ: coefficients [n p], z [n s]."""
    total = torch.zeros_like(z)
    for coefficient in reversed(coefficients.to(z.dtype).unbind(-1)):
        total = total * z + coefficient.unsqueeze(-1)
    return total


def average_slopes(coefficients: Tensor, mu: Tensor, log_var: Tensor) -> tuple[Tensor, Tensor]:
    """The slopes of E[Σ cₖ zᵏ] along μ and log σ², from E[zᵏ] = μ E[zᵏ⁻¹] + (k − 1) σ² E[zᵏ⁻²] and autograd."""
    mean, log_variance = mu.double().clone().requires_grad_(), log_var.double().clone().requires_grad_()
    moments = [torch.ones_like(mean), mean]
    for k in range(2, coefficients.shape[-1]):
        moments.append(mean * moments[-1] + (k - 1) * log_variance.exp() * moments[-2])
    total = sum(c * m for c, m in zip(coefficients.double().unbind(-1), moments, strict=False))
    # A sum that has no σ² in it still has a slope along it: zero.
    slopes = torch.autograd.grad((total + 0 * log_variance).sum(), (mean, log_variance))
    return slopes[0], slopes[1]


# ---- 1. a finite set -----------------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="units of f per nat of logit, k numbers a row", sizes=dict(k=(2, 5)), rows=300)
def discrete_gradient(logits: Float[Tensor, "n k"], values: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
    """The exact gradient of E_q[f(z)] with respect to the logits of q = softmax(logits), row by row.

    z is one of k outcomes, and values holds f(z) for each of them. f itself does not depend on the logits.
    """


def discrete_terms(logits: Tensor, values: Tensor) -> Tensor:
    """q(|f| + Σ q|f|), entry by entry, times what rounding the logits does to q."""
    q, size = torch.softmax(logits.double(), -1), values.double().abs()
    spread = 1 + logits.double().abs().amax(-1, keepdim=True)
    return spread * q * (size + (q * size).sum(-1, keepdim=True))


def through_softmax(logits: Tensor, values: Tensor, scale: float) -> Tensor:
    """scale times the exact gradient, by autograd."""
    leaf = logits.double().clone().requires_grad_()
    (slope,) = torch.autograd.grad((torch.softmax(leaf, -1) * values.double()).sum(), leaf)
    return scale * slope


@discrete_gradient.law(
    points=2, decisive=True, sizes=dict(k=(2, 3, 20)), where=dict(logits=Reals(-8, 8), values=Normals())
)  # fmt: skip
def agrees_with_autograd(gradient, logits, values):
    """It is the slope of Σ softmax(logits)·f along each logit, as autograd finds it."""
    exact = through_softmax(logits, values, scale=1.0)
    return close(gradient(logits, values), exact, terms=discrete_terms(logits, values))


@discrete_gradient.law(
    points=2, sizes={},
    where=dict(
        logits=Listed([[1000.0, 1000.0, 0.0, -1000.0], [-1000.0, -1000.0, -1000.0, -1001.0], [999.0, -1000.0, 1000.0, 998.0],
                       [120.0, -300.0, 121.0, 119.0], [-120.0, -121.0, -300.0, -1000.0]]),
        values=Listed([[1.0, 3.0, -2.0, 5.0], [2.0, -1.0, 0.5, -4.0], [-3.0, 10.0, 2.0, 1.0], [1.0, 2.0, -1.0, 4.0],
                       [-2.0, 1.0, 10.0, 3.0]]),
    ),
)  # fmt: skip
def right_for_extreme_logits(gradient, logits, values):
    """With logits from −1000 to 1000 nothing overflows, and an outcome that never happens has the slope 0."""
    exact = through_softmax(logits, values, scale=1.0)
    return close(gradient(logits, values), exact, terms=discrete_terms(logits, values))


@discrete_gradient.law(points=0, where=dict(logits=Reals(-8, 8), values=Normals()))
def slopes_add_up_to_zero(gradient, logits, values):
    """Raising all logits together does not change q, so that the k slopes add up to 0."""
    return close(
        gradient(logits, values).sum(-1), 0.0, terms=discrete_terms(logits, values).sum(-1), what="Σ of the slopes"
    )


@discrete_gradient.law(
    points=0, where=dict(logits=Reals(-8, 8), values=Normals(), constant=Reals(-5, 5, shape=""))
)  # fmt: skip
def a_constant_has_no_slope(gradient, logits, values, constant):
    """Adding a constant to f changes E_q[f] and none of its slopes."""
    more = values + constant.unsqueeze(-1)
    terms = (discrete_terms(logits, values) + discrete_terms(logits, more)).sum(-1)
    return close(gradient(logits, more), gradient(logits, values).double(), terms=terms, what="the gradient for f + c")


@discrete_gradient.law(
    points=0, sizes={},
    where=dict(
        logits=Listed([[math.log(w) for w in row] for row in ([1 / 3] * 3, [0.5, 1 / 3, 1 / 6], [0.2, 0.2, 0.6])]),
        values=Listed([
            [math.log(joint / w) for joint, w in zip([1 / 8, 1 / 6, 1 / 8], row, strict=True)]
            for row in ([1 / 3] * 3, [0.5, 1 / 3, 1 / 6], [0.2, 0.2, 0.6])
        ]),
    ),
)  # fmt: skip
def climbs_the_elbo_of_the_small_model(gradient, logits, values):
    """In the small model, with f(z) = log p(x=1, z) − log q(z), it is the slope of −KL[q‖p(z|x=1)], though f moves with q too."""
    posterior = torch.tensor([0.3, 0.4, 0.3], dtype=torch.float64, device=logits.device)
    leaf = logits.double().clone().requires_grad_()
    log_q = torch.log_softmax(leaf, -1)
    (slope,) = torch.autograd.grad(-(log_q.exp() * (log_q - posterior.log())).sum(), leaf)
    return close(gradient(logits, values), slope, terms=discrete_terms(logits, values) + 1)


# ---- 2. noise as an argument ---------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="units of z", sizes=dict(d=(1, 4)), rows=300)
def reparameterise(
    mu: Float[Tensor, "n d"], log_var: Float[Tensor, "n d"], eps: Float[Tensor, "n d"]
) -> Float[Tensor, "n d"]:
    """One sample of N(μ, σ²) in each entry: z = μ + σ·ε, differentiable with respect to μ and log σ².

    log_var is log σ², and eps is standard normal noise, its own for every entry.
    """


@reparameterise.law(
    points=1, decisive=True, sizes=dict(d=(1, 2, 5)), where=dict(mu=Reals(), log_var=Reals(-12, 12), eps=Normals())
)
def standardises_to_eps(z_of, mu, log_var, eps):
    """(z − μ)/σ is eps in every entry, where log_var is the logarithm of σ²."""
    z = z_of(mu, log_var, eps)
    sigma = (log_var.double() / 2).exp()
    got = ((z.double() - mu.double()) / sigma).to(z.dtype)
    terms = (2 * mu.abs().double() + z.abs().double()) / sigma + eps.abs().double() * (2 + log_var.abs().double())
    return close(got, eps.double(), terms=terms, what="(z − μ)/σ")


@reparameterise.law(points=2, sizes=dict(d=(1, 3)), where=dict(mu=Reals(), log_var=Reals(-60, 60), eps=Normals()))
def differentiable_in_both_parameters(z_of, mu, log_var, eps, generator):
    """∂z/∂μ = 1, and ∂z/∂log σ² is half the distance of z from μ: nothing is detached or clamped."""
    u = (torch.randint(0, 2, mu.shape, generator=generator).double() * 2 - 1).to(mu)
    half_way = z_of(torch.zeros_like(mu), log_var, eps).double() / 2  # at μ = 0, where nothing is lost in a sum
    size = half_way.abs() * (2 + log_var.abs().double())
    return [
        close(z_of.gradient(mu, log_var, eps, wrt="mu", cotangent=u), u.double(), terms=u.abs(), what="the slope along μ"),
        close(
            z_of.gradient(mu, log_var, eps, wrt="log_var", cotangent=u), u.double() * half_way, terms=size,
            what="the slope along log σ²",
        ),
    ]  # fmt: skip


@reparameterise.law(
    points=1, sizes={},
    where=dict(
        mu=Listed([[0.0, 3.0], [0.0, 0.0], [-2.0, 0.0], [0.0, 0.0]]),
        log_var=Listed([[-60.0, -60.0], [60.0, -60.0], [0.0, 60.0], [-60.0, 0.0]]),
        eps=Listed([[1.0, -1.0], [-2.0, 0.5], [0.0, 0.25], [-3.0, 30.0]]),
        z=Listed([[math.exp(-30), 3.0 - math.exp(-30)], [-2 * math.exp(30), 0.5 * math.exp(-30)], [-2.0, 0.25 * math.exp(30)],
                  [-3 * math.exp(-30), 30.0]]),
    ),
)  # fmt: skip
def right_at_the_limits(z_of, mu, log_var, eps, z):
    """Tiny and huge variances are taken as they are: tried at σ² = e^±60. Nothing is added to σ, nothing is clipped."""
    return close(z_of(mu, log_var, eps), z.double(), terms=mu.abs().double() + 32 * (z - mu).abs().double())


@reparameterise.law(points=0, where=dict(mu=Reals(-3, 3), log_var=Reals(-4, 4), eps=Normals()))
def each_entry_has_its_own_noise(z_of, mu, log_var, eps):
    """Changing the noise of one entry changes the sample of that entry, and of no other in its row or column."""
    n, d = eps.shape
    here = (torch.arange(n, device=eps.device)[:, None] + torch.arange(d, device=eps.device)) % 2 == 0
    moved = torch.where(here, eps + 1 + eps.abs(), eps)
    before, after = z_of(mu, log_var, eps), z_of(mu, log_var, moved)
    return [
        true(((after != before) | ~here).all(-1), what="samples change where their noise does"),
        true(((after == before) | here).all(-1), what="samples stay where their noise does"),
    ]


@reparameterise.law(points=0, rows=50, where=dict(mu=Reals(-3, 3), log_var=Reals(-4, 4)))
def has_the_right_moments(z_of, mu, log_var):
    """Averaged over eps, z has the mean μ and the mean square deviation σ² from it, not σ or σ⁴."""
    eps, weights = hermite(mu)
    (n, d), m = mu.shape, len(eps)
    z = z_of(
        *(x.repeat_interleave(m, 0) for x in (mu, log_var)), eps.repeat(n).unsqueeze(-1).expand(-1, d).contiguous()
    )
    z = z.double().reshape(n, m, d)
    mean = torch.einsum("m,nmd->nd", weights, z)
    square = torch.einsum("m,nmd->nd", weights, (z - mu.double().unsqueeze(1)) ** 2)
    variance = log_var.double().exp()
    terms = mu.abs().double() + variance.sqrt() * (2 + log_var.abs().double())
    return [
        close(mean.to(mu), mu.double(), terms=terms, what="E[z]"),
        close(square.to(mu), variance, terms=terms**2 + variance * (2 + log_var.abs()), what="E[(z − μ)²]"),
    ]


# ---- 3. along the path ---------------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="units of f, per unit of μ and of log σ²", sizes=dict(s=(1, 6), p=(2, 4)), rows=200)
def pathwise_gradient(
    mu: Float[Tensor, "n"], log_var: Float[Tensor, "n"], eps: Float[Tensor, "n s"], coefficients: Float[Tensor, "n p"]
) -> tuple[Float[Tensor, "n s"], Float[Tensor, "n s"]]:  # fmt: skip
    """The slopes of f(μ + σ·ε) with respect to μ and to log σ², one of each for every sample: do not average them.

    f is the polynomial f(z) = Σₖ cₖ zᵏ, with c₀ first in coefficients and p ≥ 2.
    """


def path_terms(mu: Tensor, log_var: Tensor, eps: Tensor, coefficients: Tensor) -> tuple[Tensor, Tensor]:
    """Σ k²|cₖ|rᵏ⁻¹ with r = |μ| + σ|ε|·(2 + |log σ²|), what rounding z makes of it; and that times σ|ε|·(1 + |log σ²|)."""
    sigma = gaussian(mu, log_var).stddev
    exponent = 2 + log_var.double().abs().unsqueeze(-1)
    reach = mu.double().abs().unsqueeze(-1) + sigma * eps.double().abs() * exponent
    k = torch.arange(1, coefficients.shape[-1], dtype=torch.float64, device=mu.device)
    size = (k**2 * coefficients[:, 1:].double().abs()).unsqueeze(1) * reach.unsqueeze(-1) ** (k - 1)
    return size.sum(-1), size.sum(-1) * sigma * eps.double().abs() * exponent


@pathwise_gradient.law(
    points=2, decisive=True, sizes=dict(s=(5, 1, 3), p=(3, 2, 5)),
    where=dict(mu=Reals(-3, 3), log_var=Reals(-6, 4), eps=Normals(), coefficients=Reals(-3, 3)),
)  # fmt: skip
def slope_along_mu(answer, mu, log_var, eps, coefficients):
    """The first result is the slope of f(z) at every sample z = μ + σ·ε, as μ moves and its eps stays."""
    q = gaussian(mu, log_var)
    z = AffineTransform(torch.complex(q.mean, torch.full_like(q.mean, H)), q.stddev)(eps.double())
    got, _ = answer(mu, log_var, eps, coefficients)
    terms, _ = path_terms(mu, log_var, eps, coefficients)
    return close(got, horner(coefficients, torch.as_tensor(z)).imag / H, terms=terms, what="the slopes along μ")


@pathwise_gradient.law(
    points=2, sizes=dict(s=(5, 1, 3), p=(3, 2, 5)),
    where=dict(mu=Reals(-3, 3), log_var=Reals(-30, 4), eps=Normals(), coefficients=Reals(-3, 3)),
)  # fmt: skip
def slope_along_log_var(answer, mu, log_var, eps, coefficients):
    """The second result is the slope of f(z) at every sample z = μ + σ·ε, as log σ² moves and its eps stays."""
    sigma = torch.complex(log_var.double() / 2, torch.full_like(log_var, H / 2, dtype=torch.float64)).exp()
    z = AffineTransform(mu.double().unsqueeze(-1), sigma.unsqueeze(-1))(eps.double())
    _, got = answer(mu, log_var, eps, coefficients)
    _, terms = path_terms(mu, log_var, eps, coefficients)
    return close(got, horner(coefficients, torch.as_tensor(z)).imag / H, terms=terms, what="the slopes along log σ²")


@pathwise_gradient.law(
    points=0, rows=50, sizes=dict(p=(2, 5)),
    where=dict(mu=Reals(-3, 3), log_var=Reals(-4, 2), coefficients=Reals(-3, 3)),
)  # fmt: skip
def averages_to_the_slope_of_the_mean(answer, mu, log_var, coefficients):
    """Averaged over eps (exactly), the slopes are those of E[f(z)], which has a closed form."""
    nodes, weights = hermite(mu)
    eps = nodes.expand(len(mu), -1).contiguous()
    exact = average_slopes(coefficients, mu, log_var)
    terms = path_terms(mu, log_var, eps, coefficients)
    return [
        close((got.double() @ weights).to(mu), slope, terms=2 * (size @ weights), what=f"the average slope along {name}")
        for got, slope, size, name in zip(
            answer(mu, log_var, eps, coefficients), exact, terms, ("μ", "log σ²"), strict=True
        )
    ]  # fmt: skip


@pathwise_gradient.law(
    points=0, sizes={}, where=dict(mu=Listed([1.0]), log_var=Listed([0.0]), coefficients=Listed([[0.0, 0.0, 1.0]]))
)  # fmt: skip
def varies_by_four(answer, mu, log_var, coefficients):
    """For f(z) = z² at μ = σ = 1 the slopes along μ have the mean 2 and the variance 4, over all eps."""
    nodes, weights = hermite(mu)
    slopes = answer(mu, log_var, nodes.expand(len(mu), -1).contiguous(), coefficients)[0].double()
    mean, variance = slopes @ weights, ((slopes - 2) ** 2) @ weights
    terms = torch.full_like(mean, 64.0)
    return [
        close(mean.to(mu), 2.0, terms=terms, what="the mean slope along μ"),
        close(variance.to(mu), 4.0, terms=terms, what="the variance of the slopes along μ"),
    ]


# ---- a derivation: the score --------------------------------------------------------------------------------------------

MOVES = Setting(
    sizes=(("z", 3),), p=(), q=(Density("q", ("z",)),), functions=(Unknown("f", ("z",)),), moves=True,
)  # fmt: skip
"""A q(z) that depends on the parameter θ, and any f(z) that does not."""
SCORE = Task(
    start="grad(E(q(z), f(z)))", relation="=", end="E(q(z), f(z)*grad(log(q(z))))", setting=MOVES,
    rules=(
        "expectation", "derivative of a sum", "derivative of a product", "derivative of a logarithm", "linearity",
        "normalisation",
    ),
)  # fmt: skip


@derivation(unit, SCORE, points=4)
def score_function_identity() -> str:
    """From the gradient of E[f] to the average of f times the score, line by line, each with its rule."""


# ---- 4. by the score -----------------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="units of f, per unit of μ and of log σ²", sizes=dict(s=(1, 6)), rows=200)
def score_function_gradient(
    z: Float[Tensor, "n s"], values: Float[Tensor, "n s"], mu: Float[Tensor, "n"], log_var: Float[Tensor, "n"],
    baseline: Float[Tensor, "n"],
) -> tuple[Float[Tensor, "n s"], Float[Tensor, "n s"]]:  # fmt: skip
    """(f(z) − b)·∇ log q(z) with respect to μ and to log σ², q = N(μ, σ²), for every sample: do not average them.

    z are samples of q, values their f(z), and b one baseline a row.
    """


def score_terms(z: Tensor, values: Tensor, mu: Tensor, log_var: Tensor, baseline: Tensor) -> tuple[Tensor, Tensor]:
    """(|f| + |b|)·(|z| + |μ|)/σ² and (|f| + |b|)·(1 + (|z| + |μ|)²/σ²)/2, times what rounding the exponent does."""
    weight = values.double().abs() + baseline.double().abs().unsqueeze(-1)
    reach = z.double().abs() + mu.double().abs().unsqueeze(-1)
    exponent, precision = 1 + log_var.double().abs().unsqueeze(-1), (-log_var.double()).exp().unsqueeze(-1)
    return exponent * weight * reach * precision, exponent * weight * (1 + reach**2 * precision) / 2


def reweighted(z: Tensor, mu: Tensor, log_var: Tensor, d_mu: float, d_log_var: float) -> Tensor:
    """The slope of the importance weight q′(z)/q(z) as q′ moves away from q = N(μ, σ²) in the direction (d_mu, d_log_var)."""

    def log_density(mu: Tensor, log_var: Tensor) -> Tensor:
        mu, log_var = mu.unsqueeze(-1), log_var.unsqueeze(-1)
        return -(log_var + (z.double() - mu) ** 2 * (-log_var).exp()) / 2

    centre, width = mu.double() + 0j, log_var.double() + 0j
    moved = log_density(centre + 1j * H * d_mu, width + 1j * H * d_log_var)
    return (moved - log_density(centre, width)).exp().imag / H


SCORED = dict(z=Reals(-6, 6), values=Reals(-10, 10), mu=Reals(-3, 3), log_var=Reals(-8, 8), baseline=Reals(-5, 5))


@score_function_gradient.law(points=2, decisive=True, sizes=dict(s=(5, 1, 3)), where=SCORED)
def reweighting_along_mu(answer, z, values, mu, log_var, baseline):
    """The first result is f(z) − b times the slope of q′(z)/q(z), as the mean of q′ moves away from μ and z stays where it is."""
    got, _ = answer(z, values, mu, log_var, baseline)
    exact = (values.double() - baseline.double().unsqueeze(-1)) * reweighted(z, mu, log_var, 1.0, 0.0)
    return close(got, exact, terms=score_terms(z, values, mu, log_var, baseline)[0], what="the slopes along μ")


@score_function_gradient.law(points=2, sizes=dict(s=(5, 1, 3)), where=SCORED)
def reweighting_along_log_var(answer, z, values, mu, log_var, baseline):
    """The second result is f(z) − b times the slope of q′(z)/q(z), as log σ² of q′ moves and z stays where it is."""
    _, got = answer(z, values, mu, log_var, baseline)
    exact = (values.double() - baseline.double().unsqueeze(-1)) * reweighted(z, mu, log_var, 0.0, 1.0)
    return close(got, exact, terms=score_terms(z, values, mu, log_var, baseline)[1], what="the slopes along log σ²")


@score_function_gradient.law(
    points=0, rows=50, sizes={}, where=dict(mu=Reals(-3, 3), log_var=Reals(-4, 4), baseline=Reals(-5, 5))
)
def score_averages_to_zero(answer, mu, log_var, baseline):
    """If f(z) = 1 everywhere, nothing can be gained by moving q: over all z the slopes average to 0, whatever the baseline."""
    nodes, weights = hermite(mu)
    q = gaussian(mu, log_var)
    z = (q.mean + q.stddev * nodes.double()).to(mu)
    inputs = z, torch.ones_like(z), mu, log_var, baseline
    return [
        close((got.double() @ weights).to(mu), 0.0, terms=2 * (size @ weights), what=f"the average slope along {name}")
        for got, size, name in zip(answer(*inputs), score_terms(*inputs), ("μ", "log σ²"), strict=True)
    ]


@score_function_gradient.law(
    points=0, rows=50, sizes=dict(p=(2, 5)),
    where=dict(
        mu=Reals(-3, 3), log_var=Reals(-4, 2), baseline=Reals(-5, 5), coefficients=Reals(-3, 3, shape="p")
    ),
)  # fmt: skip
def averages_to_the_same_slope(answer, mu, log_var, baseline, coefficients):
    """For a polynomial f the slopes average (exactly) to those of E[f(z)], which has a closed form, whatever the baseline."""
    nodes, weights = hermite(mu)
    q = gaussian(mu, log_var)
    z = (q.mean + q.stddev * nodes.double()).to(mu)
    inputs = z, horner(coefficients, z), mu, log_var, baseline
    exact = average_slopes(coefficients, mu, log_var)
    # z, and with it f(z), is rounded on its way here: Σ k|cₖ||z|ᵏ eps of it.
    k = torch.arange(coefficients.shape[-1], dtype=torch.float64, device=mu.device)
    reach = mu.double().abs().unsqueeze(-1) + q.stddev * nodes.double().abs()
    felt = ((1 + k) * coefficients.double().abs()).unsqueeze(1) * reach.unsqueeze(-1) ** k
    terms = score_terms(z, felt.sum(-1), mu, log_var, baseline)
    return [
        close(
            (got.double() @ weights).to(mu), slope, terms=2 * (size @ weights), what=f"the average slope along {name}"
        )
        for got, slope, size, name in zip(answer(*inputs), exact, terms, ("μ", "log σ²"), strict=True)
    ]


@score_function_gradient.law(
    points=0, sizes={},
    where=dict(
        mu=Listed([1.0, 1.0]), log_var=Listed([0.0, 0.0]), baseline=Listed([0.0, 4.0]), variance=Listed([30.0, 14.0])
    ),
)  # fmt: skip
def varies_by_thirty_or_fourteen(answer, mu, log_var, baseline, variance):
    """For f(z) = z² at μ = σ = 1 the slopes along μ have the mean 2 and the variance 30; with the baseline 4 it is 14."""
    nodes, weights = hermite(mu)
    z = (1 + nodes).expand(len(mu), -1).contiguous()
    slopes = answer(z, z**2, mu, log_var, baseline)[0].double()
    mean, square = slopes @ weights, ((slopes - 2) ** 2) @ weights
    terms = torch.full_like(mean, 256.0)
    return [
        close(mean.to(mu), 2.0, terms=terms, what="the mean slope along μ"),
        close(square.to(mu), variance.double(), terms=terms, what="the variance of the slopes along μ"),
    ]


# ---- 5. a baseline from the other samples ----------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="units of f, d numbers a row", sizes=dict(s=(2, 5), d=(1, 3)), rows=200)
def leave_one_out(values: Float[Tensor, "n s"], scores: Float[Tensor, "n s d"]) -> Float[Tensor, "n d"]:
    """The score-function estimate from s ≥ 2 samples a row: the average over samples of (fᵢ − bᵢ)·scoreᵢ.

    values holds f at the samples and scores ∇ log q. The baseline bᵢ of a sample is the mean of f at the others.
    """


def left_out_terms(values: Tensor, scores: Tensor) -> Tensor:
    """The average over samples of (|fᵢ| + 2·mean|f|)·|scoreᵢ|."""
    size = values.double().abs()
    return ((size + 2 * size.mean(1, keepdim=True)).unsqueeze(-1) * scores.double().abs()).mean(1)


@leave_one_out.law(
    points=3, decisive=True, sizes=dict(s=(3, 2, 8), d=(2, 1, 3)), where=dict(values=Reals(), scores=Reals(-5, 5))
)
def is_an_average_over_pairs(estimate, values, scores):
    """Leaving one out comes to the same as averaging ½(fᵢ − fⱼ)(scoreᵢ − scoreⱼ) over all pairs i ≠ j of the row's samples."""
    f, g = values.double(), scores.double()
    pairs = (f.unsqueeze(2) - f.unsqueeze(1)).unsqueeze(-1) * (g.unsqueeze(2) - g.unsqueeze(1)) / 2
    exact = pairs.sum((1, 2)) / (f.shape[1] * (f.shape[1] - 1))
    return close(estimate(values, scores), exact, terms=left_out_terms(values, scores))


@leave_one_out.law(
    points=0, rows=25, sizes=dict(k=(2, 3)), where=dict(logits=Reals(-2, 2, shape="k"), f=Reals(-5, 5, shape="k"))
)
def unbiased_over_all_draws(estimate, logits, f, generator):
    """Averaged over all that two, or three, draws from a q on k outcomes can be, it is exactly the gradient of E_q[f]."""
    n, k = logits.shape
    s = 2 + int(torch.randint(0, 2, (), generator=generator))
    draws = torch.cartesian_prod(*[torch.arange(k, device=f.device)] * s)  # every s-tuple of outcomes
    leaf = logits.double().clone().requires_grad_()
    log_q = torch.log_softmax(leaf, -1)
    (slope,) = torch.autograd.grad((log_q.exp() * f.double()).sum(), leaf)
    q = log_q.detach().exp()
    chance = q[:, draws].prod(-1)
    score = (torch.eye(k, dtype=torch.float64, device=f.device) - q.unsqueeze(1)).to(f)
    inputs = f[:, draws].reshape(-1, s), score[:, draws].reshape(-1, s, k)
    got = estimate(*inputs).double().reshape(n, len(draws), k)
    terms = left_out_terms(*inputs).reshape(n, len(draws), k)
    mean, size = (torch.einsum("nt,ntk->nk", chance, x) for x in (got, terms))
    # Scores are differences 1 − q and 0 − q, rounded as numbers of order one.
    return close(
        mean.to(f), slope, terms=2 * size + 4 * f.double().abs().sum(-1, keepdim=True), what="the average estimate"
    )


@leave_one_out.law(points=0, where=dict(values=Reals(), scores=Reals(-5, 5), constant=Reals(-10, 10, shape="")))
def a_constant_changes_nothing(estimate, values, scores, constant):
    """Adding a constant to all values adds it to every baseline too: the estimate stays the same, not only its average."""
    more = values + constant.unsqueeze(-1)
    terms = left_out_terms(values, scores) + left_out_terms(more, scores)
    return close(estimate(more, scores), estimate(values, scores).double(), terms=terms, what="the estimate for f + c")


@leave_one_out.law(
    points=0, sizes={},
    where=dict(
        values=Listed([[math.log(3 / 8), math.log(1 / 2)], [math.log(3 / 8), math.log(3 / 8)]]),
        scores=Listed([[[2 / 3, -1 / 3, -1 / 3], [-1 / 3, 2 / 3, -1 / 3]], [[2 / 3, -1 / 3, -1 / 3], [-1 / 3, -1 / 3, 2 / 3]]]),
        estimated=Listed([[-math.log(4 / 3) / 2, math.log(4 / 3) / 2, 0.0], [0.0, 0.0, 0.0]]),
    ),
)  # fmt: skip
def two_draws_in_the_small_model(estimate, values, scores, estimated):
    """In the small model, from a uniform q, the draws z = 0 and 1 give (−½, ½, 0)·log 4/3, and z = 0 and 2, where f is the same,
    give nothing: two samples learn from how they differ."""
    return close(estimate(values, scores), estimated.double(), terms=left_out_terms(values, scores))


# ---- 6. a softer choice ----------------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="probabilities, k a row", sizes=dict(k=(2, 5)), rows=300)
def gumbel_softmax(
    logits: Float[Tensor, "n k"], u: Float[Tensor, "n k"], tau: Float[Tensor, "n"]
) -> Float[Tensor, "n k"]:
    """A relaxed draw from softmax(logits) in every row: softmax((logits + g)/τ), with the Gumbel noise g = −log(−log u).

    u is uniform noise, strictly between 0 and 1, and tau > 0 the temperature, one a row. Differentiable in the logits.
    """


UNIFORM = Reals(0.002, 0.99)


def race(logits: Tensor, u: Tensor) -> Tensor:
    """Minus the log of the time at which each outcome's clock rings: outcome i waits Eᵢ/e^{logitᵢ}, Eᵢ = −log uᵢ."""
    waiting = -torch.log(u.double())
    return logits.double() - torch.log(waiting)


@gumbel_softmax.law(
    points=1, decisive=True, sizes=dict(k=(2, 3, 8)), where=dict(logits=Reals(-5, 5), u=UNIFORM, tau=Positive(0.5, 5))
)
def odds_are_those_of_a_race(relaxed, logits, u, tau):
    """Each row adds up to 1, and its odds to the power τ are (yᵢ/y₁)^τ = (e^{logitᵢ}/Eᵢ)/(e^{logit₁}/E₁), where E = −log u."""
    y = relaxed(logits, u, tau)
    times, logs = race(logits, u), y.double().log()
    odds = tau.double().unsqueeze(-1) * (logs - logs[:, :1])
    size = 2 + logits.double().abs() + (times - logits.double()).abs() + tau.double().unsqueeze(-1)
    size = size - u.double() / u.double().log()  # whoever rounds u anew moves log E by eps·u/E
    return [
        close(y.sum(-1), 1.0, terms=torch.full_like(tau, 2.0), what="Σ yᵢ"),
        close(odds.to(y), times - times[:, :1], terms=size + size[:, :1], what="τ·log(yᵢ/y₁)"),
    ]


@gumbel_softmax.law(
    points=1, sizes={},
    where=dict(
        logits=Listed([[1000.0, 0.0, -1000.0], [-1000.0, -1000.0, -3000.0], [500.0, 500.0, 499.0], [0.0, 0.0, 0.0]]),
        u=Listed([[0.5, 0.5, 0.5], [0.3, 0.3, 0.7], [0.5, 0.5, 0.5], [0.9, 0.5, 0.1]]),
        tau=Listed([0.01, 1.0, 1.0, 0.001]),
        y=Listed([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [math.e / (2 * math.e + 1)] * 2 + [1 / (2 * math.e + 1)], [1.0, 0.0, 0.0]]),
    ),
)  # fmt: skip
def right_for_extreme_logits_and_low_temperatures(relaxed, logits, u, tau, y):
    """With logits of ±1000 or τ = 0.001 nothing overflows: the winner takes all, and equals share."""
    return close(relaxed(logits, u, tau), y.double(), terms=y.double() * 500)


@gumbel_softmax.law(points=2, where=dict(logits=Reals(-10, 10), u=UNIFORM, tau=Positive(0.005, 5)))
def differentiable_in_the_logits(relaxed, logits, u, tau, generator):
    """The slopes along the logits are those of a softmax at temperature τ, ∂yᵢ/∂logitⱼ = yᵢ(1[i=j] − yⱼ)/τ, also at τ = 0.005."""
    weight = (torch.randint(0, 2, logits.shape, generator=generator).double() * 2 - 1).to(logits)
    y, c = relaxed(logits, u, tau).double(), weight.double()
    hot = tau.double().unsqueeze(-1)
    exact = y * (c - (y * c).sum(-1, keepdim=True)) / hot
    got = relaxed.gradient(logits, u, tau, wrt="logits", cotangent=weight)
    return close(got, exact, terms=y * (1 + y.sum(-1, keepdim=True)) / hot, what="the slopes along the logits")


@gumbel_softmax.law(points=0, where=dict(logits=Reals(-5, 5), u=UNIFORM, tau=Positive(0.1, 5)))
def the_winner_is_a_draw_from_softmax(relaxed, logits, u, tau):
    """The largest y belongs to the outcome whose clock Eᵢ/e^{logitᵢ} rings first: exactly a draw from softmax(logits)."""
    y, times = relaxed(logits, u, tau), race(logits, u)
    first, second = times.topk(2, -1).values.unbind(-1)
    # Where two ring within rounding of each other, either may win.
    clear = first - second > rounding(100 + logits.double().abs().amax(-1) + tau.double(), y)
    return true((y.argmax(-1) == times.argmax(-1)) | ~clear, what="the largest y is the first to ring")


@gumbel_softmax.law(points=0, where=dict(logits=Reals(-5, 5), u=UNIFORM, tau=Positive(0.1, 5)))
def heat_makes_all_alike(relaxed, logits, u, tau):
    """At τ = 10⁶ all outcomes get nearly 1/k, however the noise fell."""
    y = relaxed(logits, u, torch.full_like(tau, 1e6))
    # Exponents are below 20/10⁶ apart.
    return close(y, 1 / y.shape[-1], tolerance=1e-4, what="y at τ = 10⁶")


# ---- beyond the week -------------------------------------------------------------------------------------------------------


@unit.exercise(
    batch="n", measure="units of f per unit of μ", sizes=dict(s=(1, 6), p=(2, 4)), rows=200, optional=True
)  # fmt: skip
def measure_valued_gradient(
    mu: Float[Tensor, "n"], log_var: Float[Tensor, "n"], u: Float[Tensor, "n s"], coefficients: Float[Tensor, "n p"]
) -> Float[Tensor, "n s"]:  # fmt: skip
    """The measure-valued estimate of ∂E[f(z)]/∂μ, z ~ N(μ, σ²), for every sample (Mohamed et al. 2020, section 6).

    (f(μ + σw) − f(μ − σw))/(σ√(2π)) with w = √(−2 log u), the same on both sides; f(z) = Σₖ cₖ zᵏ, c₀ first, p ≥ 2.
    """


def two_sided_terms(mu: Tensor, log_var: Tensor, w: Tensor, coefficients: Tensor) -> Tensor:
    """2 Σ (1 + k)|cₖ|rᵏ/(σ√(2π)) with r = |μ| + σw·(2 + |log σ²|)."""
    sigma, exponent = gaussian(mu, log_var).stddev, 2 + log_var.double().abs().unsqueeze(-1)
    reach = mu.double().abs().unsqueeze(-1) + sigma * w * exponent
    k = torch.arange(coefficients.shape[-1], dtype=torch.float64, device=mu.device)
    size = ((1 + k) * coefficients.double().abs()).unsqueeze(1) * reach.unsqueeze(-1) ** k
    return exponent * size.sum(-1) / sigma


@measure_valued_gradient.law(
    points=0, decisive=True, sizes=dict(s=(5, 1, 3), p=(3, 2, 5)),
    where=dict(mu=Reals(-3, 3), log_var=Reals(-4, 4), u=UNIFORM, coefficients=Reals(-3, 3)),
)  # fmt: skip
def is_the_slope_between_two_sides(answer, mu, log_var, u, coefficients):
    """It is the mean slope of f between μ − σw and μ + σw, times w√(2/π)."""
    w = (-2 * u.double().log()).sqrt()
    centre, reach = mu.double().unsqueeze(-1), gaussian(mu, log_var).stddev * w
    # The mean slope of f over the interval: Gauss–Legendre quadrature of f′, itself taken by a complex step.
    nodes, weights = (torch.tensor(x, device=mu.device) for x in numpy.polynomial.legendre.leggauss(4))
    slopes = [
        weight / 2 * horner(coefficients, torch.complex(centre + node * reach, torch.full_like(reach, H))).imag / H
        for node, weight in zip(nodes, weights, strict=True)
    ]
    exact = torch.stack(slopes).sum(0) * w * math.sqrt(2 / math.pi)
    return close(answer(mu, log_var, u, coefficients), exact, terms=two_sided_terms(mu, log_var, w, coefficients))


@measure_valued_gradient.law(
    points=0, rows=50, sizes=dict(p=(2, 5)), where=dict(mu=Reals(-3, 3), log_var=Reals(-4, 2), coefficients=Reals(-3, 3))
)  # fmt: skip
def averages_to_the_slope_along_mu(answer, mu, log_var, coefficients):
    """Averaged over u (exactly), it is the slope of E[f(z)] along μ, which has a closed form."""
    t, weights = laguerre(mu)
    u = (-t).exp().to(mu).expand(len(mu), -1).contiguous()
    got = answer(mu, log_var, u, coefficients).double()
    size = two_sided_terms(mu, log_var, (2 * t).sqrt(), coefficients) * (1 + 1 / t)  # u is rounded near 1
    exact, _ = average_slopes(coefficients, mu, log_var)
    return close((got @ weights).to(mu), exact, terms=size @ weights, what="the average over u")


def laguerre(like: Tensor, count: int = 8) -> tuple[Tensor, Tensor]:
    """Nodes t = −log u and weights that average √t times a polynomial of degree below 2·count over uniform u.

    Golub and Welsch (1969): the nodes of the weight √t·e^{−t} are the eigenvalues of its Jacobi matrix.
    """
    k = torch.arange(count, dtype=torch.float64)
    off = (k[1:] * (k[1:] + 0.5)).sqrt()
    t, vectors = torch.linalg.eigh(torch.diag(2 * k + 1.5) + torch.diag(off, 1) + torch.diag(off, -1))
    weights = math.gamma(1.5) * vectors[0] ** 2 / t.sqrt()
    return t.to(like.device), weights.to(like.device)


@measure_valued_gradient.law(
    points=0, sizes={}, where=dict(mu=Listed([1.0]), log_var=Listed([0.0]), coefficients=Listed([[0.0, 0.0, 1.0]]))
)  # fmt: skip
def varies_less_than_the_others(answer, mu, log_var, coefficients):
    """For f(z) = z² at μ = σ = 1 each is 4w/√(2π), with the mean 2 and the variance 16/π − 4 = 1.09: less than the pathwise 4."""
    w = torch.linspace(0.5, 3.5, 7, dtype=torch.float64, device=mu.device)
    u = (-(w**2) / 2).exp().to(mu).expand(len(mu), -1).contiguous()
    terms = (w + 1 / w + 2).expand(len(mu), -1) * 8  # u is rounded, and w with it
    return close(
        answer(mu, log_var, u, coefficients), (w * 4 / math.sqrt(2 * math.pi)).expand(len(mu), -1), terms=terms
    )


@unit.exercise(batch="n", measure="units of z per unit of α", rows=200, optional=True)
def implicit_reparameterisation(z: Float[Tensor, "n"], alpha: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """dz/dα of a sample z > 0 of Gamma(α, 1), as α moves and the quantile at which z lies stays: to one per cent.

    That is −(∂F/∂α)/p at z, where F is the distribution function and p the density (Figurnov, Mohamed and Mnih 2018).
    """


def moving_quantile(u: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """The z below which Gamma(α, 1) has the probability u, and its slope along α, from five shapes.

    Against fifty digits the slope is right to 10⁻¹⁰ of its value, and rounding z to float32 changes it by less than 10⁻⁶.
    """
    level, shape = u.double().cpu().numpy(), alpha.double().cpu().numpy()
    z, *logs = (scipy.special.gammaincinv(shape * (1 + 1e-3 * step), level) for step in (0, -2, -1, 1, 2))
    before, shortly_before, shortly_after, after = map(numpy.log, logs)
    slope = z * (8 * (shortly_after - shortly_before) - (after - before)) / (12e-3 * shape)
    return torch.tensor(z, device=u.device).to(alpha.dtype), torch.tensor(slope, device=u.device)


@implicit_reparameterisation.law(
    points=0, decisive=True, where=dict(u=Reals(0.01, 0.99, shape=""), alpha=Positive(0.2, 30))
)  # fmt: skip
def follows_the_quantile(answer, u, alpha):
    """It is how fast the quantile moves at which z lies, to one per cent: F⁻¹(u; α) for other α and the same u."""
    z, exact = moving_quantile(u, alpha)
    return close(answer(z, alpha), exact, tolerance=exact / 100, what="dz/dα")


@implicit_reparameterisation.law(points=0, rows=25, where=dict(alpha=Positive(0.5, 20)))
def averages_to_one(answer, alpha):
    """The mean of Gamma(α, 1) is α, so that dz/dα averages to 1 over all z."""
    nodes, weights = (torch.tensor(x, device=alpha.device) for x in numpy.polynomial.legendre.leggauss(64))
    u, shape = ((1 + nodes) / 2).repeat(len(alpha)), alpha.repeat_interleave(len(nodes))
    z, _ = moving_quantile(u, shape)
    slopes = answer(z, shape).double().reshape(len(alpha), -1)
    # One per cent of what is averaged, which is positive everywhere; the 64 nodes are right to 2·10⁻⁵.
    return close((slopes @ weights / 2).to(alpha), 1.0, tolerance=0.0101, what="the average of dz/dα")


@implicit_reparameterisation.probe(tolerance=0.01)
def slopes_at_six_places(answer):
    """At six z from the middle of their distributions, where dz/dα is of order one: one per cent of that is asked for."""
    z = torch.tensor([0.3, 0.6, 1.5, 2.0, 4.0, 12.0], dtype=torch.float64)
    alpha = torch.tensor([0.5, 1.0, 1.0, 2.5, 5.0, 10.0], dtype=torch.float64)
    return answer(z, alpha)


# ---- more derivations ------------------------------------------------------------------------------------------------------

GIVEN_X = Setting(
    sizes=(("x", 2), ("z", 3)), p=(Density("p", ("z",)), Density("p", ("x",), ("z",))), q=(Density("q", ("z",), ("x",)),),
    functions=(Unknown("f", ("z",)), Unknown("f", ("x",))), moves=True,
)  # fmt: skip
"""The small model with an encoder q(z | x) that depends on the parameter θ, and any functions f(z) and f(x) that do not."""
BASELINE = Task(
    start="E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))", relation="=", end="E(q(z | x), f(z)*grad(log(q(z | x))))",
    setting=GIVEN_X, rules=SCORE.rules,
)  # fmt: skip
FLAWED = Flawed(
    Task(
        start="grad(E(q(z | x), log(p(x, z)/q(z | x))))", relation="=",
        end="sum(z, log(p(x, z)/q(z | x))*grad(q(z | x)) + q(z | x)*grad(log(p(x, z)/q(z | x))))",
        setting=GIVEN_X, rules=SCORE.rules,
    ),
    """
    grad(E(q(z | x), log(p(x, z)/q(z | x))))
    = grad(sum(z, q(z | x)*log(p(x, z)/q(z | x))))     # expectation
    = sum(z, grad(q(z | x)*log(p(x, z)/q(z | x))))     # derivative of a sum
    = sum(z, q(z | x)*grad(log(p(x, z)/q(z | x))))     # derivative of a product
    """,
    line=4,
)  # fmt: skip
"""The gradient is taken inside the average, past a q that depends on the parameter too."""


@derivation(unit, BASELINE, optional=True)
def baseline_is_free() -> str:
    """What does not depend on z may be subtracted from f without changing the average, line by line."""


@flaw(unit, FLAWED, optional=True)
def find_the_flaw() -> tuple[int, str]:
    """The number of the line that is wrong (the first line has number 1), and the line as it should be, with its rule."""
