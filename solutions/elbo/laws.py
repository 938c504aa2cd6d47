"""The evidence lower bound: what this week asks, and what every right answer satisfies.

Each exercise is the signature that your function must have; each law below it is a property that is tried on many inputs.
Points lie on the laws that an answer can fail separately. A law without points follows from those that have them: it is
there to tell a wrong answer *what* is wrong with it.

Everything is in nats. All models are finite or Gaussian, so log p(x) is known exactly, and bounds are compared with it. Where
a law speaks of an average over draws, the average is exact: all draws that there can be are listed, each with its chance.
Tolerances are the rounding of the terms that an answer adds up: 64·eps·Σ|terms|, where eps is that of the dtype you were given.
"""
# pyright: reportUndefinedVariable=false, reportReturnType=false

import itertools
import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.distributions import Categorical, MultivariateNormal, Normal, kl_divergence

from autograder.derivation.check import Flawed, Task
from autograder.derivation.exercise import derivation, flaw
from autograder.derivation.expression import Density
from autograder.derivation.meaning import Setting
from autograder.domains import Integers, Listed, Positive, Reals, Simplex
from autograder.evidence import at_least, at_most, close, rounding, true
from autograder.exercise import Unit

unit = Unit("elbo", "The evidence lower bound", minutes=290)

PRIOR = [1 / 2, 1 / 3, 1 / 6]
GIVEN_ONE = [1 / 4, 1 / 2, 3 / 4]
AFTER_ONE = [3 / 10, 4 / 10, 3 / 10]
"""The course's small model: p(z), p(x=1|z) and p(z|x=1)."""
EVIDENCE = math.log(5 / 12)
"""log p(x=1) in the small model."""


def average(weights: Tensor, values: Tensor) -> Tensor:
    """Σᵢ wᵢ · valueᵢ along the last axis, in float64; what has no weight adds nothing, even if it is infinite."""
    weights, values = torch.broadcast_tensors(weights.double(), values.double())
    return torch.where(weights > 0, weights * values, 0.0).sum(-1)


def log_of(p: Tensor) -> Tensor:
    """log p in float64; −∞ at zero."""
    return p.double().log()


def log_size(p: Tensor) -> Tensor:
    """|log p|, and 0 where p is zero: what a logarithm adds to the terms of a sum."""
    return torch.where(p > 0, log_of(p).abs(), 0.0)


def posterior_of(prior: Tensor, likelihood: Tensor) -> Categorical:
    """p(z|x) of a finite model, in float64."""
    return Categorical(logits=log_of(prior) + log_of(likelihood), validate_args=False)


def log_evidence(prior: Tensor, likelihood: Tensor) -> Tensor:
    """log p(x) of a finite model, in float64."""
    return torch.logsumexp(log_of(prior) + log_of(likelihood), -1)


def not_quite_zero(p: Tensor) -> Tensor:
    """The same numbers with 64·eps in the place of every zero: 1e-14, and 8e-6 in float32."""
    return p.clamp_min(64 * torch.finfo(p.dtype).eps)


def probabilities(p: Tensor) -> Tensor:
    """Along the last axis they add up to one again."""
    return p / p.sum(-1, keepdim=True)


# ---- 1. the bound, taken apart in two ways -------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="nats, four numbers a row", sizes=dict(k=(2, 7)), rows=300)
def elbo_terms(
    q: Float[Tensor, "n k"], prior: Float[Tensor, "n k"], likelihood: Float[Tensor, "n k"]
) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"], Float[Tensor, "n"], Float[Tensor, "n"]]:
    """(energy, entropy, reconstruction, KL) of the evidence lower bound, row by row, in nats.

    energy = E_q[log p(x, z)], entropy = H(q), reconstruction = E_q[log p(x|z)], KL = KL[q‖prior]: the bound is
    energy + entropy, and it is reconstruction − KL. A state with q = 0 adds nothing to any of them; where q > 0 and the joint is
    0 the energy is −∞.
    """


def elbo_sizes(q: Tensor, prior: Tensor, likelihood: Tensor) -> Tensor:
    """Σ q(|log q| + |log p(z)| + |log p(x|z)|), and 1 for probabilities that add up to one only up to rounding."""
    return 1 + average(q, log_size(q) + log_size(prior) + log_size(likelihood))


ANY_MODEL = dict(q=Simplex(), prior=Simplex(smallest=1e-3), likelihood=Positive(1e-3, 1))
WITH_ZEROS = dict(q=Simplex(zeros=True), prior=Simplex(zeros=True), likelihood=Simplex(zeros=True))
"""Numbers between 0 and 1 for the likelihoods, some of them 0. That they add up to one is no matter."""


@elbo_terms.law(points=2, decisive=True, sizes=dict(k=(2, 3, 50)), where=ANY_MODEL)
def terms_agree_with_enumeration(terms, q, prior, likelihood):
    """All four terms are averages over the states z, weighted by q: of log p(x, z), of −log q(z), of log p(x|z), and of the
    log-ratio of q and the prior."""
    energy, entropy, reconstruction, kl = terms(q, prior, likelihood)
    size = elbo_sizes(q, prior, likelihood)
    joint = prior.double() * likelihood.double()
    weights = q.double()
    return [
        close(energy, average(weights, joint.log()), terms=size, what="the energy, E_q[log p(x, z)]"),
        close(entropy, average(weights, -log_of(q)), terms=size, what="the entropy, H(q)"),
        close(reconstruction, average(weights, log_of(likelihood)), terms=size, what="the reconstruction, E_q[log p(x|z)]"),
        close(kl, average(weights, log_of(q) - log_of(prior)), terms=size, what="KL[q‖prior]"),
    ]  # fmt: skip


@elbo_terms.law(points=2, where=WITH_ZEROS)
def terms_where_probabilities_are_zero(terms, q, prior, likelihood):
    """A state with q = 0 adds nothing; one with q > 0 that the model rules out makes the energy −∞, and with it the
    reconstruction (where p(x|z) = 0) or the KL +∞ (where p(z) = 0). And 1e-14 is not 0 (nor 8e-6 in float32)."""
    pieces = []
    small = probabilities(not_quite_zero(q)), probabilities(not_quite_zero(prior)), not_quite_zero(likelihood)
    for (a, b, c), how in (((q, prior, likelihood), ""), (small, ", with a little for every 0")):
        energy, entropy, reconstruction, kl = terms(a, b, c)
        size = elbo_sizes(a, b, c)
        pieces += [
            close(energy, average(a, log_of(b) + log_of(c)), terms=size, what=f"the energy{how}"),
            close(entropy, average(a, -log_of(a)), terms=size, what=f"the entropy{how}"),
            close(reconstruction, average(a, log_of(c)), terms=size, what=f"the reconstruction{how}"),
            close(kl, average(a, log_of(a) - log_of(b)), terms=size, what=f"KL[q‖prior]{how}"),
        ]
    return pieces


@elbo_terms.law(points=0, where=ANY_MODEL)
def two_ways_one_bound(terms, q, prior, likelihood):
    """energy + entropy = reconstruction − KL: the same bound, taken apart in two ways."""
    energy, entropy, reconstruction, kl = (term.double() for term in terms(q, prior, likelihood))
    size = elbo_sizes(q, prior, likelihood)
    got = (energy + entropy).to(q)
    return close(got, reconstruction - kl, terms=2 * size, what="energy + entropy against reconstruction − KL")


@elbo_terms.law(points=0, where=ANY_MODEL)
def never_above_log_evidence(terms, q, prior, likelihood):
    """Whatever q is, neither sum exceeds log p(x)."""
    energy, entropy, reconstruction, kl = (term.double() for term in terms(q, prior, likelihood))
    exact, size = log_evidence(prior, likelihood), elbo_sizes(q, prior, likelihood)
    slack = rounding(2 * size, q)
    return [
        at_most(energy + entropy, exact, slack=slack, what="energy + entropy against log p(x)"),
        at_most(reconstruction - kl, exact, slack=slack, what="reconstruction − KL against log p(x)"),
    ]


@elbo_terms.law(points=0, where=ANY_MODEL)
def what_is_lacking_is_the_divergence_from_the_posterior(terms, q, prior, likelihood):
    """log p(x) − ELBO = KL[q‖p(z|x)], for your q, for the posterior itself (where it is 0), and for one half-way between
    them."""
    exact, posterior = log_evidence(prior, likelihood), posterior_of(prior, likelihood)
    pieces = []
    for share, which in ((0.0, "q"), (0.5, "a q half-way to the posterior"), (1.0, "q = the posterior")):
        mixed = torch.lerp(q.double(), posterior.probs, share).to(q)  # pyright: ignore[reportArgumentType]
        energy, entropy, reconstruction, kl = (term.double() for term in terms(mixed, prior, likelihood))
        gap = average(mixed, log_of(mixed) - posterior.logits)  # pyright: ignore[reportArgumentType]
        size = 2 * elbo_sizes(mixed, prior, likelihood) + exact.abs()
        pieces += [
            close((exact - energy - entropy).to(q), gap, terms=size, what=f"log p(x) − energy − entropy for {which}"),
            close((exact - reconstruction + kl).to(q), gap, terms=size, what=f"log p(x) − reconstruction + KL for {which}"),
        ]  # fmt: skip
    return pieces


@elbo_terms.law(points=0, where=dict(**ANY_MODEL, factor=Positive(1e-3, 1, shape="")))
def each_term_sees_its_own(terms, q, prior, likelihood, factor):
    """With every p(x|z) multiplied by c, energy and reconstruction move by log c. Entropy and KL do not look at x: they stay."""
    scaled = likelihood * factor[:, None]
    before, after = terms(q, prior, likelihood), terms(q, prior, scaled)
    size = elbo_sizes(q, prior, likelihood) + elbo_sizes(q, prior, scaled)
    names = ("the energy", "the entropy", "the reconstruction", "KL[q‖prior]")
    return [
        close(new, old.double() + moves * log_of(factor), terms=size, what=f"{name} with c·p(x|z)")
        for name, old, new, moves in zip(names, before, after, (1, 0, 1, 0), strict=True)
    ]


@elbo_terms.law(
    points=0, sizes={},
    where=dict(
        q=Listed([PRIOR, AFTER_ONE, [0.0, 1.0, 0.0]], shape="k"), prior=Listed([PRIOR] * 3, shape="k"),
        likelihood=Listed([GIVEN_ONE] * 3, shape="k"),
        nats=Listed([math.log(3) / 6 - 5 / 3 * math.log(2), EVIDENCE, -math.log(6)]),
    ),
)  # fmt: skip
def by_hand_in_the_small_model(terms, q, prior, likelihood, nats):
    """In the small model with x = 1 the bound is −0.9721 for q = p(z), log 5/12 = −0.8755 for q = p(z|x=1), and log ⅙ =
    −1.7918 for a q that is sure of z = 1."""
    energy, entropy, reconstruction, kl = terms(q, prior, likelihood)
    size = elbo_sizes(q, prior, likelihood)
    return [
        close(energy + entropy, nats, terms=2 * size, what="energy + entropy"),
        close(reconstruction - kl, nats, terms=2 * size, what="reconstruction − KL"),
    ]


@elbo_terms.draw
def bound_as_q_moves(terms):
    """The small model with x = 1: the bound for q = (1 − t)·p(z) + t·p(z|x=1), yours dashed, and log p(x)."""
    from matplotlib.figure import Figure

    t = torch.linspace(-0.3, 1.8, 106, dtype=torch.float64)[:, None]
    start, end = torch.tensor(PRIOR, dtype=torch.float64), torch.tensor(AFTER_ONE, dtype=torch.float64)
    q = probabilities((start + t * (end - start)).clamp_min(0))
    prior, likelihood = start.expand_as(q), torch.tensor(GIVEN_ONE, dtype=torch.float64).expand_as(q)
    energy, entropy, reconstruction, kl = (term.cpu() for term in terms(q, prior, likelihood))
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.axhline(EVIDENCE, color="C7", label="log p(x=1)")
    axes.plot(t, energy + entropy, color="C0", linewidth=5, alpha=0.4, label="energy + entropy")
    axes.plot(t, reconstruction - kl, color="C1", linestyle="--", label="reconstruction − KL")
    axes.set(xlabel="t: q goes from p(z) at 0 to p(z|x) at 1, and on", ylabel="nats")
    axes.legend()
    return figure


# ---- 2. what the bound lacks ---------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="nats, one number a row", sizes=dict(k=(2, 7)), rows=300)
def bound_gap(
    q: Float[Tensor, "n k"], prior: Float[Tensor, "n k"], likelihood: Float[Tensor, "n k"]
) -> Float[Tensor, "n"]:
    """log p(x) − ELBO(q), row by row, in nats: never negative, and 0 only for the posterior.

    A state with q = 0 adds nothing. Where q > 0 and the model rules the state out, the gap is +∞. p(x) > 0.
    """


def gap_sizes(q: Tensor, prior: Tensor, likelihood: Tensor) -> Tensor:
    """The terms of the bound and log p(x): for whoever subtracts the one from the other, too."""
    return elbo_sizes(q, prior, likelihood) + log_evidence(prior, likelihood).abs()


def nearly_posterior(q: Tensor, prior: Tensor, likelihood: Tensor) -> Tensor:
    """A thousandth of the way from the posterior to q."""
    return torch.lerp(posterior_of(prior, likelihood).probs, q.double(), 1e-3).to(q)  # pyright: ignore[reportArgumentType]


@bound_gap.law(points=2, decisive=True, sizes=dict(k=(2, 3, 50)), where=ANY_MODEL)
def gap_is_log_evidence_less_the_bound(gap, q, prior, likelihood):
    """The gap is log p(x) less the average of log p(x, z) − log q(z) under q; also where q is nearly the posterior."""
    pieces = []
    for x, what in ((q, ""), (nearly_posterior(q, prior, likelihood), "the gap of a q near the posterior")):
        bound = average(x, log_of(prior) + log_of(likelihood) - log_of(x))
        exact = log_evidence(prior, likelihood) - bound
        pieces.append(close(gap(x, prior, likelihood), exact, terms=gap_sizes(x, prior, likelihood), what=what))
    return pieces


@bound_gap.law(
    points=2,
    where=dict(q=Simplex(zeros=True), prior=Simplex(smallest=0.05), likelihood=Simplex(zeros=True, smallest=0.01)),
)
def gap_where_probabilities_are_zero(gap, q, prior, likelihood):
    """A state with q = 0 adds nothing to the gap; one with q > 0 that the model rules out makes it +∞. And 1e-14 is not 0
    (nor 8e-6 in float32)."""
    pieces = []
    small = probabilities(not_quite_zero(q)), prior, not_quite_zero(likelihood)
    for (a, b, c), how in (((q, prior, likelihood), ""), (small, "the gap with a little for every 0")):
        exact = log_evidence(b, c) - average(a, log_of(b) + log_of(c) - log_of(a))
        pieces.append(close(gap(a, b, c), exact, terms=gap_sizes(a, b, c), what=how))
    return pieces


@bound_gap.law(points=0, where=ANY_MODEL)
def gap_is_never_negative(gap, q, prior, likelihood):
    """The gap is ≥ 0: a divergence never is negative, and so the ELBO is a lower bound."""
    got = gap(q, prior, likelihood)
    return at_least(got, 0.0, slack=rounding(gap_sizes(q, prior, likelihood), got))


@bound_gap.law(points=0, where=ANY_MODEL)
def gap_closes_only_at_the_posterior(gap, q, prior, likelihood):
    """The gap is 0 for q = p(z|x), and otherwise at least ½(Σ|q(z) − p(z|x)|)² > 0 (Pinsker's inequality)."""
    posterior = posterior_of(prior, likelihood).probs.to(q)
    here, got = gap(posterior, prior, likelihood), gap(q, prior, likelihood)
    distance = (q.double() - posterior.double()).abs().sum(-1)
    return [
        close(here, 0.0, terms=gap_sizes(posterior, prior, likelihood), what="the gap of the posterior"),
        at_least(got, distance**2 / 2, slack=rounding(gap_sizes(q, prior, likelihood), got)),
    ]


@bound_gap.law(points=0, where=dict(**ANY_MODEL, factor=Positive(1e-14, 1, shape="")))
def gap_does_not_feel_a_factor(gap, q, prior, likelihood, factor):
    """With every p(x|z) multiplied by the same c, however small, the posterior is the same and so is the gap."""
    scaled = likelihood * factor[:, None]
    terms = gap_sizes(q, prior, likelihood) + gap_sizes(q, prior, scaled)
    return close(gap(q, prior, scaled), gap(q, prior, likelihood).double(), terms=terms, what="the gap with c·p(x|z)")


@bound_gap.law(
    points=0, sizes={},
    where=dict(
        q=Listed([PRIOR, [1 / 3] * 3, [0.0, 1.0, 0.0]], shape="k"), prior=Listed([PRIOR] * 3, shape="k"),
        likelihood=Listed([GIVEN_ONE] * 3, shape="k"),
        nats=Listed([
            math.log(5 / 3) / 2 + math.log(5 / 6) / 3 + math.log(5 / 9) / 6,
            2 / 3 * math.log(10 / 9) + math.log(10 / 12) / 3,
            math.log(10 / 4),
        ]),
    ),
)  # fmt: skip
def gaps_by_hand_in_the_small_model(gap, q, prior, likelihood, nats):
    """In the small model with x = 1 the gap is 0.0967 for q = p(z), 0.0095 for q = (⅓, ⅓, ⅓), and log 5/2 = 0.9163 for a q
    that is sure of z = 1."""
    return close(gap(q, prior, likelihood), nats, terms=gap_sizes(q, prior, likelihood))


# ---- a derivation --------------------------------------------------------------------------------------------------------

LATENT = Setting(
    sizes=(("x", 2), ("z", 3)), p=(Density("p", ("z",)), Density("p", ("x",), ("z",))), q=(Density("q", ("z",), ("x",)),)
)  # fmt: skip
"""One hidden z, and an encoder q(z | x)."""
SPLIT = Task(
    start="log(p(x))", relation="=", end="E(q(z | x), log(p(x, z)/q(z | x))) + KL(q(z | x), p(z | x))", setting=LATENT,
    rules=("product rule", "normalisation", "linearity", "expectation", "definition of KL"),
)  # fmt: skip


@derivation(unit, SPLIT, points=4)
def evidence_splits() -> str:
    """log p(x) as the ELBO and what it lacks, line by line, each with the rule by which it follows."""


# ---- 3. the best diagonal Gaussian ---------------------------------------------------------------------------------------


@unit.exercise(
    measure="means in units of z, variances in their squares, the gap in nats", sizes=dict(n=(3, 1), D=(4, 3), d=(3, 2)), rows=16
)  # fmt: skip
def optimal_q(
    x: Float[Tensor, "n D"], W: Float[Tensor, "D d"], b: Float[Tensor, "D"], sigma2: Float[Tensor, ""]
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "d"], Float[Tensor, ""]]:
    """The best q = N(mean, diag(variances)) for z ~ N(0, I), x|z ~ N(Wz + b, σ²I), and the gap that it leaves.

    Returns a mean for each of the n observations, variances that all of them share, and log p(x) − ELBO in nats, the same
    for all x.
    """


ANY_GAUSSIAN = dict(x=Reals(-5, 5), W=Reals(-2, 2), b=Reals(-3, 3), sigma2=Positive(0.01, 5))


def exact_posterior(x: Tensor, W: Tensor, b: Tensor, sigma2: Tensor) -> MultivariateNormal:
    """p(z|x) in float64, by conditioning the joint Gaussian of z and x on x: batches [rows, n]."""
    x, W, b, sigma2 = x.double(), W.double(), b.double(), sigma2.double()
    cov_x = evidence_covariance(W, sigma2)
    gain = torch.linalg.solve(cov_x, W).mT
    cov = torch.eye(W.shape[2], dtype=torch.float64, device=W.device) - gain @ W
    mean = (x - b[:, None]) @ gain.mT
    return MultivariateNormal(mean, ((cov + cov.mT) / 2)[:, None], validate_args=False)


def evidence_covariance(W: Tensor, sigma2: Tensor) -> Tensor:
    """The covariance of x, in float64."""
    W = W.double()
    return W @ W.mT + sigma2.double()[:, None, None] * torch.eye(W.shape[1], dtype=torch.float64, device=W.device)


def conditioning(W: Tensor, sigma2: Tensor) -> Tensor:
    """1 + |W|²/σ²: by so much solving with the posterior's precision, or the covariance of x, amplifies rounding, at most."""
    return 1 + W.double().square().sum((1, 2)) / sigma2.double()


def diagonal_gaussian(mean: Tensor, variances: Tensor) -> MultivariateNormal:
    """N(mean, diag(variances)); a variance that is not positive is taken for a very small one."""
    scale = variances.clamp_min(1e-30).sqrt().nan_to_num(1e-15)
    factor = torch.diag_embed(scale)[:, None].expand(*mean.shape, mean.shape[2])
    return MultivariateNormal(mean.nan_to_num(), scale_tril=factor, validate_args=False)


@optimal_q.law(points=3, decisive=True, where=ANY_GAUSSIAN)
def no_slope_is_left(best, x, W, b, sigma2):
    """At the best q nothing is left to gain: KL[q‖p(z|x)] has slope 0 in every mean and in the logarithm of every variance.
    It is convex in them, so there is one such q."""
    mean, variances, _ = (value.double() for value in best(x, W, b, sigma2))
    with torch.enable_grad():
        m, log_v = mean.detach().requires_grad_(), variances.detach().clamp_min(1e-30).log().requires_grad_()
        kl = kl_divergence(diagonal_gaussian(m, log_v.exp()), exact_posterior(x, W, b, sigma2))
        of_m, of_v = torch.autograd.grad(kl.sum(), [m, log_v])
    rows = x.shape[1]
    # One row's variances are shared by its n observations, and so is the slope. The mean solves Λm = Wᵀ(x − b)/σ²: what
    # rounding does to the right side comes back in the slope, amplified by the condition number.
    worse, w = conditioning(W, sigma2), W.double().abs()
    pull = (x.double().abs() + b.double().abs()[:, None]) @ w / sigma2.double()[:, None, None]
    held = mean.abs() @ (w.mT @ w / sigma2.double()[:, None, None]) + mean.abs()
    return [
        close(of_m.to(x), 0.0, terms=worse[:, None, None] * (1 + pull + held), what="the slope of KL in the mean"),
        close((of_v / rows).to(x), 0.0, terms=2 * worse[:, None].expand_as(of_v), what="the slope of KL in log variance"),
        true((variances > 0).all(-1), what="variances are positive"),
    ]  # fmt: skip


def gap_terms(W: Tensor, sigma2: Tensor) -> Tensor:
    """The terms of a Gaussian divergence: dimensions, logarithms, and a trace, amplified as solving amplifies them."""
    worse = conditioning(W, sigma2)
    return W.shape[2] * worse * (1 + worse.log())


@optimal_q.law(points=2, where=ANY_GAUSSIAN)
def the_gap_is_what_correlation_costs(best, x, W, b, sigma2):
    """The third result is KL[q‖p(z|x)] at the best q. It is 0 where the columns of W are orthogonal (then the posterior is
    diagonal itself), and otherwise at least −½ log(1 − c²), c being the largest correlation that the posterior's precision
    shows."""
    exact = exact_posterior(x, W, b, sigma2)
    mean, variances, gap = (value.double() for value in best(x, W, b, sigma2))
    q = diagonal_gaussian(mean, variances)
    pieces = [
        close(gap.to(x), kl_divergence(q, exact).mean(-1), terms=gap_terms(W, sigma2) * (1 + mean_terms(x, W, b, sigma2)),
              what="the gap, against KL of your q from the posterior"),
    ]  # fmt: skip
    straight = torch.linalg.qr(W.double())[0] * W.double().norm(dim=1, keepdim=True)
    _, _, none = best(x, straight.to(W), b, sigma2)
    # Columns that are orthogonal up to rounding: the gap is quadratic in what is left of their correlation.
    pieces.append(
        close(none.to(x), 0.0, terms=gap_terms(straight, sigma2), what="the gap where the columns of W are orthogonal")
    )
    precision = torch.linalg.inv(exact.covariance_matrix[:, 0])
    scale = precision.diagonal(dim1=1, dim2=2).rsqrt()
    correlation = (precision * scale[:, :, None] * scale[:, None]).tril(-1).abs().flatten(1).amax(1)
    least = -torch.log1p(-correlation.square().clamp_max(1 - 1e-12)) / 2
    pieces.append(at_least(gap.to(x), least, slack=rounding(gap_terms(W, sigma2), x), what="the gap"))
    return pieces


def mean_terms(x: Tensor, W: Tensor, b: Tensor, sigma2: Tensor) -> Tensor:
    """By how much the rounding of the mean could move KL: less than its own square in posterior widths."""
    pull = (x.double().abs() + b.double().abs()[:, None]) @ W.double().abs() / sigma2.double()[:, None, None]
    return torch.finfo(x.dtype).eps * conditioning(W, sigma2) * pull.square().sum(-1).amax(-1)


@optimal_q.law(points=1, where=ANY_GAUSSIAN)
def bound_and_gap_make_up_log_evidence(best, x, W, b, sigma2):
    """For every observation ELBO + gap = log p(x), with log p(x) from x ~ N(b, WWᵀ + σ²I) and the ELBO as the expected
    log-likelihood under q less KL[q‖N(0, I)]."""
    mean, variances, gap = (value.double() for value in best(x, W, b, sigma2))
    x64, W64, b64, s2 = x.double(), W.double(), b.double()[:, None], sigma2.double()
    exact = MultivariateNormal(b64, evidence_covariance(W, sigma2)[:, None], validate_args=False).log_prob(x64)
    noise = Normal(mean @ W64.mT + b64, s2.sqrt()[:, None, None], validate_args=False)
    blur = (W64.square() @ variances.unsqueeze(-1)).squeeze(-1).sum(-1) / (2 * s2)
    standard = MultivariateNormal(torch.zeros_like(mean), torch.eye(W.shape[2], dtype=torch.float64, device=W.device))
    kl = kl_divergence(diagonal_gaussian(mean, variances), standard)
    bound = noise.log_prob(x64).sum(-1) - blur[:, None] - kl
    # The square (x − Wm − b)² feels an error in m, and m is off by the condition number times eps of itself.
    reach = (x64.abs() + b64.abs() + mean.abs() @ W64.mT.abs()).square().sum(-1) / s2[:, None] + mean.square().sum(-1)
    terms = (conditioning(W, sigma2) * (1 + conditioning(W, sigma2).log()))[:, None] * (x.shape[2] + W.shape[2] + reach)
    return close((bound + gap[:, None]).to(x), exact, terms=terms + exact.abs(), what="ELBO + gap against log p(x)")


@optimal_q.law(
    points=0, sizes=dict(n=(1,), D=(2,), d=(2,)),
    where=dict(
        x=Listed([[[0.0, 0.0]], [[3.0, 1.0]]]), W=Listed([[[1.0, 1.0], [1.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]]),
        b=Listed([[0.0, 0.0], [0.0, 1.0]]), sigma2=Listed([1.0, 1.0]),
    ),
)  # fmt: skip
def two_hidden_causes_by_hand(best, x, W, b, sigma2):
    """With x₁ = z₁ + z₂ + noise, x₂ = b₂ + z₁ + noise, and σ² = 1, the precision is (3 1; 1 2): variances ⅓ and ½, though the
    posterior's own are ⅖ and ⅗; gap ½ log 6/5; and x − b = (3, 0) has the mean (3/5, 6/5)."""
    mean, variances, gap = best(x, W, b, sigma2)
    ones = torch.ones(len(x), dtype=torch.float64, device=x.device)
    means = (x.double() - b.double()[:, None])[:, :, :1] * torch.tensor(
        [1 / 5, 2 / 5], dtype=torch.float64, device=x.device
    )
    return [
        close(variances, torch.tensor([1 / 3, 1 / 2], dtype=torch.float64, device=x.device), terms=4 * ones, what="variances"),
        close(gap.to(x), ones * math.log(6 / 5) / 2, terms=4 * ones, what="the gap"),
        close(mean, means, terms=20 * ones, what="the mean"),
    ]  # fmt: skip


# ---- 4. variational EM ---------------------------------------------------------------------------------------------------


@unit.exercise(
    measure="a prior, a table of probabilities, and nats for one observation", sizes=dict(n=(9, 1, 4), D=(2, 3, 1), k=(3, 2, 2)),
    rows=16,
)  # fmt: skip
def variational_em(
    x: Int[Tensor, "n D"], prior: Float[Tensor, "k"], probs: Float[Tensor, "k D"]
) -> tuple[Float[Tensor, "k"], Float[Tensor, "k D"], Float[Tensor, ""]]:
    """One step of variational EM for z ~ prior and D independent zeros and ones, p(x_d = 1|z) = probs[z, d].

    First the best q(z|x) of every observation under the old parameters, then the parameters that maximise the bound with
    these q held fixed. Returns (prior, probs, bound), with the bound at the new parameters and the same q, in nats, a mean
    over observations.
    """


ANY_MIXTURE = dict(x=Integers(0, 1), prior=Simplex(smallest=0.02), probs=Reals(0.05, 0.95))


def log_joint(x: Tensor, prior: Tensor, probs: Tensor) -> Tensor:
    """log p(x, z) of the mixture in float64: [rows, n, k]. Certain outcomes (a probability of exactly 0 or 1) are allowed."""
    x, prior, probs = x.double()[:, :, None], prior.double(), probs.double()[:, None]
    parts = torch.where(x > 0, probs.clamp(0, 1), (1 - probs).clamp(0, 1)).log()
    return prior.clamp_min(0).log()[:, None] + parts.sum(-1)


def mean_log_evidence(x: Tensor, prior: Tensor, probs: Tensor) -> Tensor:
    """The mean of log p(x) over the observations, one number a row."""
    return torch.logsumexp(log_joint(x, prior, probs), -1).mean(-1)


def bound_terms(x: Tensor, prior: Tensor, probs: Tensor) -> Tensor:
    """What the bound adds up for one observation: logarithms of D + 2 probabilities, none below these parameters' smallest."""
    smallest = torch.minimum(probs.double(), 1 - probs.double()).flatten(1).amin(1)
    return (x.shape[2] + 1) * (1 + smallest.log().abs()) * 4 + 2 * log_size(prior).amax(-1)


@variational_em.law(points=2, decisive=True, where=ANY_MIXTURE)
def steps_along_the_slope_of_the_evidence(em, x, prior, probs):
    """The new parameters are the old ones, each multiplied by the slope of log p(data) in it, and normalised again: a fact
    about EM (Baum and Eagon) that needs no q. The slopes come from autograd."""
    new_prior, new_probs, _ = em(x, prior, probs)
    with torch.enable_grad():
        weights = prior.double().clone().requires_grad_()
        sides = torch.stack([1 - probs.double(), probs.double()], -1).requires_grad_()  # of zero and of one
        ones = x.double()[:, :, None, :, None]
        parts = torch.cat([1 - ones, ones], -1) * sides.log()[:, None]
        evidence = torch.logsumexp(weights.log()[:, None] + parts.sum((-1, -2)), -1).mean(-1)
        of_weights, of_sides = torch.autograd.grad(evidence.sum(), [weights, sides])
    moved, turned = probabilities((weights * of_weights).detach()), probabilities((sides * of_sides).detach())[..., 1]
    # A responsibility is the exponential of a sum of logarithms, each as large as these, or a product of so many factors.
    sums = bound_terms(x, prior, probs)
    return [
        close(new_prior, moved, terms=sums[:, None] * moved, what="the new prior"),
        close(new_probs, turned, terms=2 * sums[:, None, None] * turned.clamp_min(1e-12), what="the new probabilities"),
    ]


PIXELS, BORDER = 1500, 100
"""So many factors of 0.4 are 10⁻⁵⁹⁷: in a computer, 0. The first hundred entries are a border, 0 in all images."""


def striped(one_where: bool) -> list[list[int]]:
    """Five images of ones (or zeros) within the border, each with every fifth entry turned over, at another place in each."""
    return [[0] * BORDER + [int((d % 5 != row) == one_where) for d in range(PIXELS - BORDER)] for row in range(5)]


IMAGES, HALVES, TABLE = [striped(True) + striped(False)], [[0.7, 0.3]], [[[0.4] * PIXELS, [0.6] * PIXELS]]
"""Ten images of two kinds, and parameters that lean towards them."""
BOUND_ON_IMAGES = math.log(0.5) + (PIXELS - BORDER) * (0.8 * math.log(0.8) + 0.2 * math.log(0.2))
"""The bound after one step: then both kinds have half of the prior, and each pixel its frequency in its kind."""


@variational_em.law(points=3, where=ANY_MIXTURE)
def bound_is_short_of_the_new_evidence_by_the_change_of_belief(em, x, prior, probs):
    """The bound is the new log p(data) less KL[old posterior‖new posterior]: q is still the old posterior. Mean over
    observations. Certain outcomes, a new probability of exactly 0 or 1, are no exception, nor are images of 1,500
    pixels."""
    new_prior, new_probs, bound = em(x, prior, probs)
    before, after = log_joint(x, prior, probs), log_joint(x, new_prior, new_probs)
    q = before.softmax(-1)
    kl = average(q, before.log_softmax(-1) - after.log_softmax(-1)).mean(-1)
    exact = torch.logsumexp(after, -1).mean(-1) - kl
    # New probabilities are as small as the old posterior at their smallest: their logarithms count as its logarithm.
    least = before.log_softmax(-1).abs().flatten(1).amax(1) + math.log(x.shape[1]) + 1
    terms = bound_terms(x, prior, probs) + average(q, (x.shape[2] + 2) * least[:, None, None]).mean(-1)
    images = torch.tensor(IMAGES, device=x.device)
    on_images = em(images, *(torch.tensor(given, dtype=prior.dtype, device=x.device) for given in (HALVES, TABLE)))[2]
    return [
        close(bound.to(prior), exact, terms=terms, what="the bound"),
        # Whoever adds up entry by entry adds thousands of equal numbers, and rounds in the same direction every time.
        close(
            on_images.to(prior),
            BOUND_ON_IMAGES,
            terms=torch.tensor([-PIXELS * BOUND_ON_IMAGES]),
            what="the bound on images",
        ),
    ]


@variational_em.law(points=0, rows=8, where=ANY_MIXTURE)
def up_the_stairs(em, x, prior, probs):
    """old log p(data) ≤ bound ≤ new log p(data): the E-step lifts the bound up to the evidence, the M-step lifts both."""
    new_prior, new_probs, bound = em(x, prior, probs)
    slack = rounding(bound_terms(x, prior, probs) + 10 * x.shape[2], prior)
    return [
        at_least(bound.to(prior), mean_log_evidence(x, prior, probs), slack=slack, what="the bound, above the old log p(data)"),
        at_most(bound.to(prior), mean_log_evidence(x, new_prior, new_probs), slack=slack, what="the bound, below the new log p"),
    ]  # fmt: skip


@variational_em.law(
    points=0, rows=8, where=dict(x=Integers(0, 1), prior=Simplex(smallest=0.02), same=Reals(0.05, 0.95, shape="D"))
)
def equal_components_stay_equal(em, x, prior, same):
    """If all rows of the table are equal, x says nothing about z: the prior stays as it is and every row becomes the data's
    mean. A step later nothing moves any more: EM has stopped at a point that is no maximum."""
    probs = same[:, None].expand(-1, prior.shape[1], -1).contiguous()
    new_prior, new_probs, _ = em(x, prior, probs)
    mean = x.double().mean(1)
    terms = bound_terms(x, prior, probs)
    return [
        close(new_prior, prior.double(), terms=terms[:, None] * prior.double(), what="the new prior"),
        close(new_probs, mean[:, None].expand_as(new_probs), terms=terms[:, None, None], what="the new probabilities"),
    ]


@variational_em.law(
    points=1, sizes={}, where=dict(images=Listed(IMAGES), prior=Listed(HALVES), probs=Listed(TABLE))
)  # fmt: skip
def images_of_many_pixels(em, images, prior, probs):
    """With 1,500 zeros and ones, where p(x|z) is 10⁻⁵⁰⁰ and a computer says 0, five images of each kind come out as two
    halves with probabilities 0.2 and 0.8; at the border, which is 0 in all of them, with probability 0."""
    new_prior, new_probs, _ = em(images.long(), prior, probs)
    inside = torch.tensor([0.2, 0.8], dtype=torch.float64, device=prior.device)[:, None].expand(2, PIXELS - BORDER)
    table = torch.cat([torch.zeros_like(inside[:, :BORDER]), inside], 1)
    ones = torch.ones(len(prior), dtype=torch.float64, device=prior.device)
    return [
        close(new_prior, ones[:, None].expand_as(new_prior) / 2, terms=2 * ones, what="the new prior"),
        close(new_probs, table.expand_as(new_probs), terms=2 * ones, what="the new probabilities"),
    ]


@variational_em.probe()
def three_data_sets(em):
    """One step on a few tosses, on tosses of which one column is all ones, and on images: parameters and bounds."""
    tosses = [[0, 0], [0, 1], [1, 1], [1, 0], [1, 1], [0, 1], [1, 1]]
    prior, probs = [[0.5, 0.3, 0.2]], [[[0.2, 0.35], [0.55, 0.6], [0.8, 0.45]]]
    data = [([tosses], prior, probs), ([[[one, 1] for one, _ in tosses]], prior, probs), (IMAGES, HALVES, TABLE)]
    results = []
    for x, *old in data:
        new_prior, new_probs, bound = em(torch.tensor(x), *(torch.tensor(given, dtype=torch.float64) for given in old))
        results += [new_prior, new_probs[..., -2:], bound]
    return tuple(results)


# ---- 5. several draws ----------------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="nats, one number a row", sizes=dict(K=(1, 4, 6), k=(3, 4, 3)), rows=300)
def iwae_bound(
    z: Int[Tensor, "n K"], q: Float[Tensor, "n k"], prior: Float[Tensor, "n k"], log_likelihood: Float[Tensor, "n k"]
) -> Float[Tensor, "n"]:
    """The importance-weighted bound from K draws z ~ q: log (1/K) Σⱼ p(x, zⱼ)/q(zⱼ), one number a row, in nats.

    z holds the states that were drawn, whole numbers from 0 to k − 1. log_likelihood[:, z] is log p(x|z), as a decoder gives it.
    """


def weight_sizes(q: Tensor, prior: Tensor, log_likelihood: Tensor) -> Tensor:
    """The largest log-weight, by its terms: [n]."""
    return 1 + (log_size(q) + log_size(prior) + log_likelihood.double().abs()).amax(-1)


DRAWS = dict(z=Integers(0, 2), q=Simplex(smallest=1e-3), prior=Simplex(smallest=1e-3), log_likelihood=Reals(-8, 0))


@iwae_bound.law(points=2, decisive=True, where=DRAWS)
def true_on_every_draw(iwae, z, q, prior, log_likelihood):
    """On every set of draws the bound is log p(x) + log of the mean of p(zⱼ|x)/q(zⱼ): it is off by how much the posterior
    prefers, or dislikes, what was drawn."""
    joint = log_of(prior) + log_likelihood.double()
    liked = (joint.log_softmax(-1) - log_of(q)).gather(1, z).exp().mean(-1).log()
    exact = joint.logsumexp(-1) + liked
    return close(iwae(z, q, prior, log_likelihood), exact, terms=weight_sizes(q, prior, log_likelihood))


def over_all_draws(iwae, q: Tensor, prior: Tensor, log_likelihood: Tensor, draws: int) -> tuple[Tensor, Tensor]:
    """The answer on every tuple of states that there is, and the chance with which q draws that tuple: [n, tuples] each."""
    n, k = q.shape
    tuples = torch.tensor(list(itertools.product(range(k), repeat=draws)), device=q.device)
    z = tuples.repeat(n, 1)
    wide = [value.repeat_interleave(len(tuples), 0) for value in (q, prior, log_likelihood)]
    chance = q.double()[:, tuples].prod(-1)
    return iwae(z, *wide).double().reshape(n, len(tuples)), chance


FEW = dict(q=Simplex(smallest=1e-2), prior=Simplex(smallest=1e-2), log_likelihood=Reals(-5, 0))


@iwae_bound.law(points=0, rows=20, sizes=dict(k=(3, 4)), where=FEW)
def its_exponential_is_right_on_average(iwae, q, prior, log_likelihood):
    """Averaged over all pairs of draws, exp(bound) is exactly p(x): the mean weight is an unbiased estimate. Its logarithm
    is not."""
    bound, chance = over_all_draws(iwae, q, prior, log_likelihood, 2)
    exact = (log_of(prior) + log_likelihood.double()).logsumexp(-1).exp()
    size = weight_sizes(q, prior, log_likelihood)
    mean = (chance * bound.exp()).sum(-1)
    return close(mean.to(q), exact, terms=exact * (1 + size), what="E[exp(bound)] against p(x)")


@iwae_bound.law(points=0, rows=10, sizes=dict(k=(3, 3)), where=FEW)
def more_draws_tighten_it_on_average(iwae, q, prior, log_likelihood):
    """Averaged over all draws the bound is the ELBO for K = 1, larger for K = 2, larger still for K = 3, and never above
    log p(x)."""
    steps = []
    for draws in (1, 2, 3):
        bound, chance = over_all_draws(iwae, q, prior, log_likelihood, draws)
        steps.append((chance * bound).sum(-1))
    joint = log_of(prior) + log_likelihood.double()
    size = weight_sizes(q, prior, log_likelihood)
    slack = rounding(2 * size, q)
    return [
        close(steps[0].to(q), average(q, joint - log_of(q)), terms=size, what="E[bound] for K = 1, the ELBO"),
        at_least(steps[1], steps[0], slack=slack, what="E[bound] for K = 2, against K = 1"),
        at_least(steps[2], steps[1], slack=slack, what="E[bound] for K = 3, against K = 2"),
        at_most(steps[2], joint.logsumexp(-1), slack=slack, what="E[bound] for K = 3, against log p(x)"),
    ]


@iwae_bound.law(points=0, sizes=dict(K=(2, 4, 6), k=(3, 4, 3)), where=DRAWS)
def leaving_one_out_lowers_it(iwae, z, q, prior, log_likelihood):
    """For any K draws, the bound from K − 1 of them, averaged over which one is left out, is at most the bound from all K:
    why it grows with K."""
    K = z.shape[1]
    whole = iwae(z, q, prior, log_likelihood)
    others = [torch.cat([z[:, :j], z[:, j + 1 :]], 1) for j in range(K)]
    parts = torch.stack([iwae(rest, q, prior, log_likelihood).double() for rest in others]).mean(0)
    return at_least(
        whole, parts, slack=rounding(2 * weight_sizes(q, prior, log_likelihood), whole), what="the bound from all K"
    )


@iwae_bound.law(points=2, sizes=dict(K=(2, 5), k=(3, 3)), where=dict(DRAWS, log_likelihood=Reals(-100_000, 0)))
def log_likelihoods_of_images(iwae, z, q, prior, log_likelihood):
    """log p(x|z) = −100,000 is nothing unusual for an image; its exponential is 0 in a computer, and the bound is not log
    0. It lies between the best of the K bounds from one draw each and log K less; with c added to every log p(x|z) it grows
    by c."""
    got = iwae(z, q, prior, log_likelihood)
    alone = torch.stack([iwae(one, q, prior, log_likelihood).double() for one in z.split(1, 1)]).amax(0)
    terms = weight_sizes(q, prior, log_likelihood)
    near, away = log_likelihood / 12_500, -50_000.0
    moved = iwae(z, q, prior, near + away)
    back = (near + away).double() - away  # as it was rounded
    return [
        at_most(got, alone, slack=rounding(terms, got), what="the bound, against the best of one draw"),
        at_least(got, alone - math.log(z.shape[1]), slack=rounding(terms, got), what="the bound, against the best less log K"),
        close(moved, iwae(z, q, prior, back.to(q)).double() + away, terms=2 * weight_sizes(q, prior, near + away),
              what="the bound with 50,000 taken from every log p(x|z)"),
    ]  # fmt: skip


@iwae_bound.law(
    points=0, sizes={},
    where=dict(
        draws=Listed([[0, 1], [2, 2], [1, 2]]), q=Listed([PRIOR] * 3, shape="k"), prior=Listed([PRIOR] * 3, shape="k"),
        log_likelihood=Listed([[math.log(p) for p in GIVEN_ONE]] * 3, shape="k"),
        nats=Listed([math.log(3 / 8), math.log(3 / 4), math.log(5 / 8)]),
    ),
)  # fmt: skip
def single_draws_may_exceed_log_evidence(iwae, draws, q, prior, log_likelihood, nats):
    """In the small model with x = 1 and draws from the prior, the draws (0, 1) give log ⅜, below log p(x) = log 5/12; the
    draws (2, 2) give log ¾ and (1, 2) log ⅝, both above it. Neither is a mistake."""
    return close(iwae(draws.long(), q, prior, log_likelihood), nats, terms=weight_sizes(q, prior, log_likelihood))


# ---- 6. all of the data at once ------------------------------------------------------------------------------------------


@unit.exercise(measure="nats, three numbers", sizes=dict(m=(2, 5), k=(3, 2)), rows=48)
def aggregate_posterior_decomposition(
    q: Float[Tensor, "m k"], p_data: Float[Tensor, "m"], prior: Float[Tensor, "k"]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""], Float[Tensor, ""]]:
    """(average KL, mutual information, aggregate KL) of an encoder over a data set, in nats.

    Row i of q is q(z|x_i), and p_data[i] is the share of x_i in the data. The first is the mean of KL[q(z|x)‖prior] over
    the data, the second I(x; z) under p_data(x)·q(z|x), the third KL[q(z)‖prior] with q(z) the mean of q(z|x) over the
    data.
    """


ANY_ENCODER = dict(q=Simplex(), p_data=Simplex(), prior=Simplex())


def encoder_sizes(q: Tensor, p_data: Tensor, prior: Tensor) -> Tensor:
    """1 + the mean over the data of Σ q(|log q| + |log q(z)| + |log p(z)|), and |log| of the shares."""
    whole = (p_data.double()[..., None] * q.double()).sum(-2)
    inner = average(q, log_size(q) + (log_size(whole) + log_size(prior))[:, None])
    return 1 + average(p_data, inner + log_size(p_data))


def entropy(p: Tensor) -> Tensor:
    return average(p, -log_of(p))


@aggregate_posterior_decomposition.law(points=2, decisive=True, where=ANY_ENCODER)
def parts_agree_with_enumeration(parts, q, p_data, prior):
    """The mutual information is H(x) + H(z) − H(x, z) of the joint table p_data(x)·q(z|x), and both divergences are
    averages of a log-ratio to the prior: one over the joint table, one over its column sums."""
    average_kl, information, aggregate_kl = (part.to(q) for part in parts(q, p_data, prior))
    table = p_data.double()[..., None] * q.double()
    columns = table.sum(-2)
    size = encoder_sizes(q, p_data, prior)
    ratios = (log_of(q) - log_of(prior)[:, None]).flatten(1)
    exact = entropy(p_data) + entropy(columns) - entropy(table.flatten(1))
    return [
        close(average_kl, average(table.flatten(1), ratios), terms=size, what="the average KL"),
        close(information, exact, terms=size, what="the mutual information"),
        close(aggregate_kl, average(columns, columns.log() - log_of(prior)), terms=size, what="the aggregate KL"),
    ]


@aggregate_posterior_decomposition.law(
    points=2, where=dict(q=Simplex(zeros=True), p_data=Simplex(zeros=True), prior=Simplex(zeros=True))
)  # fmt: skip
def parts_where_probabilities_are_zero(parts, q, p_data, prior):
    """An x that never occurs counts for nothing, whatever its q; a state without q adds nothing. A state that the prior
    rules out and an x that occurs uses makes the average KL and the aggregate KL +∞, while the mutual information stays
    finite."""
    average_kl, information, aggregate_kl = (part.to(q) for part in parts(q, p_data, prior))
    table = p_data.double()[..., None] * q.double()
    columns = table.sum(-2)
    size = encoder_sizes(q, p_data, prior)
    ratios = (log_of(q) - log_of(prior)[:, None]).flatten(1)
    exact = entropy(p_data) + entropy(columns) - entropy(table.flatten(1))
    return [
        close(average_kl, average(table.flatten(1), ratios), terms=size, what="the average KL"),
        close(information, exact, terms=size, what="the mutual information"),
        close(aggregate_kl, average(columns, columns.log() - log_of(prior)), terms=size, what="the aggregate KL"),
    ]


@aggregate_posterior_decomposition.law(points=0, where=ANY_ENCODER)
def the_parts_add_up(parts, q, p_data, prior):
    """Average KL = mutual information + aggregate KL: what an encoder pays for telling x apart, and for missing the prior
    on the whole."""
    average_kl, information, aggregate_kl = (part.double() for part in parts(q, p_data, prior))
    size = encoder_sizes(q, p_data, prior)
    return close(average_kl.to(q), information + aggregate_kl, terms=2 * size, what="the average KL")


@aggregate_posterior_decomposition.law(points=0, where=ANY_ENCODER)
def information_has_its_limits(parts, q, p_data, prior):
    """0 ≤ I(x; z) ≤ min(H(x), H(z)): z cannot tell more about x than there is to tell, nor than fits into z. And no part is
    negative."""
    average_kl, information, aggregate_kl = (part.to(q) for part in parts(q, p_data, prior))
    columns = (p_data.double()[..., None] * q.double()).sum(-2)
    slack = rounding(encoder_sizes(q, p_data, prior), information)
    return [
        at_least(average_kl, 0.0, slack=slack, what="the average KL"),
        at_least(information, 0.0, slack=slack, what="the mutual information"),
        at_least(aggregate_kl, 0.0, slack=slack, what="the aggregate KL"),
        at_most(
            information, torch.minimum(entropy(p_data), entropy(columns)), slack=slack, what="the mutual information"
        ),
    ]


@aggregate_posterior_decomposition.law(points=0, where=dict(**ANY_ENCODER, collapsed=Simplex(shape="k")))
def an_encoder_that_ignores_x(parts, q, p_data, prior, collapsed):
    """If q(z|x) is the same for all x, z knows nothing of x: I(x; z) = 0, and the two divergences are one."""
    same = collapsed[:, None].expand_as(q).contiguous()
    average_kl, information, aggregate_kl = (part.to(q) for part in parts(same, p_data, prior))
    size = encoder_sizes(same, p_data, prior)
    exact = average(collapsed, log_of(collapsed) - log_of(prior))
    return [
        close(information, 0.0, terms=size, what="the mutual information"),
        close(average_kl, exact, terms=size, what="the average KL"),
        close(aggregate_kl, exact, terms=size, what="the aggregate KL"),
    ]


@aggregate_posterior_decomposition.law(
    points=0, sizes=dict(m=(2,), k=(3,)),
    where=dict(
        q=Listed([[[9 / 14, 4 / 14, 1 / 14], AFTER_ONE]]), p_data=Listed([[7 / 12, 5 / 12]]), prior=Listed([PRIOR]),
    ),
)  # fmt: skip
def true_posteriors_average_to_the_prior(parts, q, p_data, prior):
    """In the small model, with q(z|x) = p(z|x) and data as the model gives them, q(z) is p(z): the aggregate KL is 0 and
    the average KL is all mutual information, 0.0732 nats."""
    average_kl, information, aggregate_kl = (part.to(q) for part in parts(q, p_data, prior))
    exact = 7 / 12 * (9 / 14 * math.log(9 / 7) + 4 / 14 * math.log(6 / 7) + 1 / 14 * math.log(3 / 7))
    exact += 5 / 12 * (3 / 10 * math.log(3 / 5) + 4 / 10 * math.log(6 / 5) + 3 / 10 * math.log(9 / 5))
    size = encoder_sizes(q, p_data, prior)
    return [
        close(average_kl, exact, terms=size, what="the average KL"),
        close(information, exact, terms=size, what="the mutual information"),
        close(aggregate_kl, 0.0, terms=size, what="the aggregate KL"),
    ]


# ---- optional: one belief for all, and a likelihood with an error bar ----------------------------------------------------


@unit.exercise(optional=True, measure="a distribution, and nats", sizes=dict(m=(2, 5), k=(3, 2)), rows=32)
def amortisation_gap(
    p_data: Float[Tensor, "m"], posterior: Float[Tensor, "m k"]
) -> tuple[Float[Tensor, "k"], Float[Tensor, ""]]:
    """The q that minimises the average over the data of KL[q‖p(z|x)], one q for all x; and that average, in nats.

    Row i of posterior is p(z|x_i), positive; p_data[i] is the share of x_i, which may be 0.
    """


SHARED = dict(p_data=Simplex(zeros=True), posterior=Simplex(smallest=1e-3))


def mean_surprise(p_data: Tensor, posterior: Tensor) -> Tensor:
    """The average over the data of −log p(z|x), for each z."""
    return -average(p_data[:, None], log_of(posterior).mT)


@amortisation_gap.law(points=0, decisive=True, where=SHARED)
def no_state_deserves_more(shared, p_data, posterior):
    """At the best q no state would gain by getting more: log q(z) plus the average of −log p(z|x) is the same for all z (the
    objective is convex, so there is one such q), and q adds up to 1."""
    q, _ = shared(p_data, posterior)
    surprise = mean_surprise(p_data, posterior)
    balance = log_of(q.clamp_min(0)) + surprise
    size = 1 + 2 * surprise.amax(-1)
    return [
        close(
            balance.to(q),
            balance[:, :1].expand_as(q),
            terms=2 * size,
            what="log q(z) + E[−log p(z|x)], against that of z = 0",
        ),
        close(q.sum(-1), 1.0, terms=size, what="the sum of q"),
    ]


@amortisation_gap.law(points=0, where=SHARED)
def gap_is_the_mean_divergence(shared, p_data, posterior):
    """The second result is the average over the data of KL[q‖p(z|x)] at your q."""
    q, gap = shared(p_data, posterior)
    kl = average(q.clamp_min(0)[:, None], log_of(q.clamp_min(0))[:, None] - log_of(posterior))
    size = 1 + 2 * mean_surprise(p_data, posterior).amax(-1)
    return close(gap.to(q), average(p_data, kl), terms=size, what="the gap")


@amortisation_gap.law(points=0, where=dict(**SHARED, common=Simplex(smallest=1e-3, shape="k")))
def nothing_is_lost_where_all_agree(shared, p_data, posterior, common):
    """If all posteriors are equal, they are the best q, and the gap is 0; otherwise the gap is at least −2 log of the
    average overlap of q with them, Σ √(q(z)·p(z|x))."""
    q, gap = shared(p_data, common[:, None].expand_as(posterior).contiguous())
    size = 1 + 2 * log_size(common).amax(-1)
    other, left = shared(p_data, posterior)
    overlap = (other.double().clamp_min(0)[:, None] * posterior.double()).sqrt().sum(-1).log()
    slack = rounding(2 + 2 * mean_surprise(p_data, posterior).amax(-1), q)
    return [
        close(q, common.double(), terms=size[:, None] * common.double(), what="q"),
        close(gap.to(q), 0.0, terms=size, what="the gap"),
        at_least(left.to(q), -2 * average(p_data, overlap), slack=slack, what="the gap of different posteriors"),
    ]


@unit.exercise(
    optional=True, batch="n", measure="nats, an estimate and its standard error a row", sizes=dict(K=(2, 7)), rows=200
)
def importance_log_likelihood(log_w: Float[Tensor, "n K"]) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"]]:
    """The log of the mean of K importance weights, from their logs, and its standard error by the delta method, in nats. K ≥ 2.

    The standard error is that of the mean weight (with K − 1), divided by the mean weight. It is 0 where all weights are equal.
    """


def log_weight_size(log_w: Tensor) -> Tensor:
    return 1 + log_w.double().abs().amax(-1)


@importance_log_likelihood.law(points=0, decisive=True, sizes=dict(K=(2, 3, 50)), where=dict(log_w=Reals(-30, 5)))
def relative_weights_average_to_one(estimate_of, log_w):
    """Divided by the exponential of your estimate, the weights have the mean 1."""
    estimate, _ = estimate_of(log_w)
    relative = (log_w.double() - estimate.double()[:, None]).exp().mean(-1)
    return close(relative.to(log_w), 1.0, terms=log_weight_size(log_w), what="the mean of w/exp(estimate)")


@importance_log_likelihood.law(points=0, where=dict(log_w=Reals(-30, 5)))
def error_is_the_spread_of_the_slopes(estimate_of, log_w):
    """The standard error is √(K/(K − 1)·Σ(sⱼ − 1/K)²), where sⱼ is the slope of the estimate in log wⱼ, from autograd (the
    infinitesimal jackknife). Where all weights are equal it is 0."""
    _, error = estimate_of(log_w)
    K = log_w.shape[1]
    with torch.enable_grad():
        logs = log_w.double().clone().requires_grad_()
        (slopes,) = torch.autograd.grad(torch.logsumexp(logs, -1).sum(), logs)
    exact = math.sqrt(K / (K - 1)) * (slopes - 1 / K).norm(dim=-1)
    equal = log_w[:, :1].expand_as(log_w).contiguous()
    _, none = estimate_of(equal)
    # A relative weight is off by eps times the size of its logarithm: so is, at most, their spread.
    tolerance = rounding(log_weight_size(log_w), error)
    return [
        close(error, exact, tolerance=tolerance, what="the standard error"),
        close(none, 0.0, tolerance=rounding(log_weight_size(equal), none), what="the standard error of equal weights"),
    ]


@importance_log_likelihood.law(points=0, where=dict(log_w=Reals(-5, 5), away=Reals(-100_000, -1000, shape="")))
def images_make_no_difference(estimate_of, log_w, away):
    """With c added to every log-weight the estimate grows by c and the error stays, also for c = −100,000."""
    far = log_w + away[:, None]
    near = (far.double() - away.double()[:, None]).to(log_w)  # as it was rounded
    there, error_there = estimate_of(far)
    here, error_here = estimate_of(near)
    size = log_weight_size(far)
    return [
        close(there, here.double() + away.double(), terms=2 * size, what="the estimate with c added"),
        close(
            error_there, error_here.double(), tolerance=rounding(2 * size, error_there), what="the error with c added"
        ),
    ]


# ---- derivations beyond the week --------------------------------------------------------------------------------------------

TWO_LEVELS = Setting(
    sizes=(("x", 2), ("z1", 2), ("z2", 2)),
    p=(Density("p", ("z2",)), Density("p", ("z1",), ("z2",)), Density("p", ("x",), ("z1",))),
    q=(Density("q", ("z1",), ("x",)), Density("q", ("z2",), ("z1",))),
)  # fmt: skip
"""x comes from z1 and z1 from z2; the encoder goes the other way, from x to z1 to z2."""

BY_JENSEN = Task(
    start="log(p(x))", relation=">=", end="E(q(z | x), log(p(x, z)/q(z | x)))", setting=LATENT,
    rules=("marginal", "product rule", "normalisation", "linearity", "expectation", "Jensen"),
)  # fmt: skip
TWO_LEVEL_BOUND = Task(
    start="log(p(x))", relation=">=", setting=TWO_LEVELS,
    end="E(q(z1 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x))) - E(q(z1 | x), KL(q(z2 | z1), p(z2)))",
    rules=(
        "the model", "marginal", "product rule", "normalisation", "linearity", "expectation", "iterated expectation", "Jensen",
        "definition of KL",
    ),
)  # fmt: skip
FLAWED = Flawed(
    Task(
        start="log(p(x))", relation=">=", end="E(q(z | x), log(p(x | z))) - KL(q(z | x), p(z))", setting=LATENT,
        rules=("marginal", "product rule", "normalisation", "linearity", "expectation", "Jensen", "definition of KL"),
    ),
    """
    log(p(x))
    =  log(sum(z, p(x, z)))                                            # marginal
    =  log(sum(z, q(z | x)*p(x, z)/q(z | x)))                          # arithmetic
    =  log(E(q(z | x), p(x, z)/q(z | x)))                              # expectation
    >= E(q(z | x), log(p(x, z)/q(z | x)))                              # Jensen
    =  E(q(z | x), log(p(x | z)*p(z)/q(z | x)))                        # product rule
    =  E(q(z | x), log(p(x | z))) + E(q(z | x), log(p(z)/q(z | x)))    # linearity
    =  E(q(z | x), log(p(x | z))) + KL(q(z | x), p(z))                 # definition of KL
    """,
    line=8,
)  # fmt: skip
"""From a set of lecture notes, in many variations."""
FLAWED_SPLIT = Flawed(
    Task(
        start="E(q(z | x), log(p(x, z))) + H(q(z | x))", relation="=", setting=LATENT,
        end="E(q(z | x), log(p(x | z))) + E(q(z | x), log(p(z)) - log(q(z | x)))",
        rules=("definition of entropy", "product rule", "normalisation", "linearity", "expectation", "definition of KL"),
    ),
    """
    E(q(z | x), log(p(x, z))) + H(q(z | x))
    = E(q(z | x), log(p(x, z))) - E(q(z | x), log(q(z | x)))                  # definition of entropy
    = E(q(z | x), log(p(x | z)*p(z))) - E(q(z | x), log(q(z | x)))            # product rule
    = E(q(z | x), log(p(x | z)) + log(p(z)) - log(q(z | x)))                  # linearity
    = E(q(z | x), log(p(x | z))) - E(q(z | x), log(p(z)) - log(q(z | x)))     # linearity
    """,
    line=5,
)  # fmt: skip
"""From another set: what belongs to the prior is subtracted, as the divergence is."""
FLAWED_DIRECTION = Flawed(
    Task(
        start="log(p(x))", relation=">=", end="E(q(z | x), log(p(x | z))) - KL(q(z | x), p(z))", setting=LATENT,
        rules=("marginal", "product rule", "normalisation", "linearity", "expectation", "Jensen", "definition of KL"),
    ),
    """
    E(q(z | x), log(p(x | z))) - KL(q(z | x), p(z))
    =  E(q(z | x), log(p(x | z))) - E(q(z | x), log(q(z | x)/p(z)))           # definition of KL
    =  E(q(z | x), log(p(x | z)*p(z)/q(z | x)))                               # linearity
    >= log(E(q(z | x), p(x | z)*p(z)/q(z | x)))                               # Jensen
    =  log(sum(z, p(x | z)*p(z)))                                             # expectation
    =  log(sum(z, p(x, z)))                                                   # product rule
    =  log(p(x))                                                              # marginal
    """,
    line=4,
)  # fmt: skip
"""The conclusion of a third: log p(x) is at most the bound."""


@derivation(unit, BY_JENSEN, optional=True)
def elbo_by_jensen() -> str:
    """From log p(x) down to the ELBO by Jensen's inequality, line by line."""


@derivation(unit, TWO_LEVEL_BOUND, optional=True)
def two_level_elbo() -> str:
    """The bound for a hierarchy, x from z1 from z2: reconstruction, the middle level, and a KL at the top."""


@flaw(unit, FLAWED, optional=True)
def find_the_flaw() -> tuple[int, str]:
    """The number of the line that is wrong (the first line has number 1), and the line as it should be, with its rule."""


@flaw(unit, FLAWED_SPLIT, optional=True)
def find_the_flaw_in_the_split() -> tuple[int, str]:
    """The number of the line that is wrong, and the line as it should be, with its rule."""


@flaw(unit, FLAWED_DIRECTION, optional=True)
def find_the_flaw_in_the_direction() -> tuple[int, str]:
    """The number of the line that is wrong, and the line as it should be, with its rule."""
