"""The Kullback–Leibler divergence: what this week asks, and what every right answer satisfies.

Each exercise is the signature that your function must have; each law below it is a property that is tried on thousands of
rows. Points lie on the laws that an answer can fail separately. A law without points follows from those that have them: it
is there to tell a wrong answer *what* is wrong with it.

Everything is in nats. Tolerances are the rounding of the terms that an answer adds up: 64·eps·Σ|terms|, where eps is that
of the dtype you were given. "Terms" below are those sums of absolute values.
"""
# pyright: reportUndefinedVariable=false, reportReturnType=false

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from autograder.chance import mean_is
from autograder.derivation.check import Flawed, Task
from autograder.derivation.exercise import derivation, flaw
from autograder.derivation.expression import Density
from autograder.derivation.gaussian import GaussianSetting
from autograder.derivation.meaning import Setting
from autograder.domains import Covariances, Integers, Listed, Normals, Positive, Reals, Simplex
from autograder.evidence import ROUNDING_FACTOR, Evidence, at_least, at_most, close, differs, rounding, true
from autograder.exercise import Unit

unit = Unit("kl_divergence", "The Kullback–Leibler divergence", minutes=240)


H = 1e-4
"""The step of finite differences."""

ALPHABETS = (2, 3, 50)
"""Sizes at which the exact value is asked for: what looks at the first few outcomes alone is right on small ones."""


# ---- 1. finite alphabets -------------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="nats, one number a row", sizes=dict(k=(2, 7)), rows=300)
def kl_discrete(p: Float[Tensor, "n k"], q: Float[Tensor, "n k"]) -> Float[Tensor, "n"]:
    """KL[p‖q] = Σᵢ pᵢ log(pᵢ/qᵢ), row by row, in nats.

    An outcome with pᵢ = 0 adds nothing (0·log 0 = 0, whatever qᵢ is). Where qᵢ = 0 < pᵢ the divergence is +∞.
    """


def discrete_terms(p: Tensor, q: Tensor) -> Tensor:
    """Σ p|log p| + p|log q|, and 1 for probabilities that add up to one only up to rounding."""
    p, q = p.double(), q.double()
    return 1 + (torch.xlogy(p, p).abs() + torch.xlogy(p, q).abs()).sum(-1)


@kl_discrete.law(points=2, decisive=True, sizes=dict(k=ALPHABETS), where=dict(p=Simplex(), q=Simplex()))
def agrees_with_enumeration(kl, p, q):
    """KL[p‖q] is Σᵢ pᵢ (log pᵢ − log qᵢ): the average of the log-ratio over the outcomes, weighted by p."""
    nearly = torch.lerp(p, q, 1e-3)
    return [
        close(kl(p, x), average(p, p.double().log() - x.double().log()), terms=discrete_terms(p, x), what=what)
        for x, what in ((q, ""), (nearly, "KL[p‖0.999·p + 0.001·q]"))
    ]


def average(p: Tensor, values: Tensor) -> Tensor:
    """Σᵢ pᵢ · valueᵢ, row by row, in float64."""
    return torch.einsum("nk,nk->n", p.double(), values.double())


def not_quite_zero(p: Tensor) -> Tensor:
    """The same probabilities with 8·eps in the place of every zero: 2e-15, and 1e-6 in float32."""
    small = p.clamp_min(8 * torch.finfo(p.dtype).eps)
    return small / small.sum(-1, keepdim=True)


@kl_discrete.law(points=2, where=dict(p=Simplex(zeros=True), q=Simplex(zeros=True)))
def right_where_probabilities_are_zero(kl, p, q):
    """An outcome with p = 0 adds nothing to KL[p‖q]; one with q = 0 < p makes it +∞. And 2e-15 is not 0 (nor 1e-6 in float32)."""
    impossible = ((q == 0) & (p > 0)).any(-1)
    log_ratio = (p.double().clamp_min(1e-300) / q.double().clamp_min(1e-300)).log()
    exact = torch.where(impossible, math.inf, average(p, log_ratio))
    small = not_quite_zero(p), not_quite_zero(q)
    return [
        close(kl(p, q), exact, terms=discrete_terms(p, q)),
        close(
            kl(*small),
            average(small[0], small[0].double().log() - small[1].double().log()),
            terms=discrete_terms(*small),
            what="KL[p‖q] with a little for every 0",
        ),
    ]


@kl_discrete.law(points=0, where=dict(p=Simplex(), q=Simplex()))
def never_negative(kl, p, q):
    """KL[p‖q] ≥ 0, also where p and q are nearly equal."""
    nearly = torch.lerp(p, q, 1e-3)
    terms = discrete_terms(p, q)
    got, got_nearly = kl(p, q), kl(p, nearly)
    return [
        at_least(got, 0.0, slack=rounding(terms, got)),
        at_least(got_nearly, 0.0, slack=rounding(terms, got_nearly), what="KL[p‖0.999·p + 0.001·q]"),
    ]


@kl_discrete.law(points=0, where=dict(p=Simplex(zeros=True), q=Simplex(zeros=True)))
def zero_only_when_equal(kl, p, q):
    """KL[p‖p] = 0, and otherwise KL[p‖q] ≥ ½(Σ|pᵢ − qᵢ|)² > 0 (Pinsker's inequality)."""
    same, got = kl(p, p), kl(p, q)
    distance = (p.double() - q.double()).abs().sum(-1)
    return [
        close(same, 0.0, terms=discrete_terms(p, p), what="KL[p‖p]"),
        at_least(got, distance**2 / 2, slack=rounding(torch.nan_to_num(discrete_terms(p, q), posinf=1.0), got)),
    ]


@kl_discrete.law(
    points=0, sizes={},
    where=dict(
        p=Listed([[0.9, 0.1], [0.5, 0.5], [0.99, 0.01]], shape="k"), q=Listed([[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]], shape="k")
    ),
)  # fmt: skip
def order_matters(kl, p, q):
    """KL[p‖q] and KL[q‖p] are two different numbers: on these pairs by more than 0.025 nats."""
    return differs(kl(p, q), kl(q, p), by=0.025, what="|KL[p‖q] − KL[q‖p]|")


@kl_discrete.law(
    points=0, rows=300,
    where=dict(
        p=Simplex(smallest=1e-3), q=Simplex(smallest=1e-3),
        r=Simplex(smallest=1e-3, shape="k"), s=Simplex(smallest=1e-3, shape="k"),
    ),
)  # fmt: skip
def adds_up_over_independent_parts(kl, p, q, r, s):
    """For independent parts the divergences add: KL[p⊗r‖q⊗s] = KL[p‖q] + KL[r‖s]."""
    joint_p, joint_q = torch.einsum("ni,nj->nij", p, r).flatten(1), torch.einsum("ni,nj->nij", q, s).flatten(1)
    terms = discrete_terms(joint_p, joint_q)
    return close(kl(joint_p, joint_q), kl(p, q).double() + kl(r, s).double(), terms=terms, what="KL[p⊗r‖q⊗s]")


@kl_discrete.law(
    points=0, sizes={},
    where=dict(
        p=Listed([[9 / 14, 4 / 14, 1 / 14], [3 / 10, 4 / 10, 3 / 10]], shape="k"),
        q=Listed([[1 / 2, 1 / 3, 1 / 6], [1 / 2, 1 / 3, 1 / 6]], shape="k"),
        nats=Listed([
            9 / 14 * math.log(9 / 7) + 4 / 14 * math.log(6 / 7) + 1 / 14 * math.log(3 / 7),
            3 / 10 * math.log(3 / 5) + 4 / 10 * math.log(6 / 5) + 3 / 10 * math.log(9 / 5),
        ]),
    ),
)  # fmt: skip
def what_x_teaches_about_z(kl, p, q, nats):
    """In the course's small model, p(z) = (1/2, 1/3, 1/6) and p(x=1|z) = (1/4, 1/2, 3/4), seeing x moves the posterior away
    from the prior by KL[p(z|x)‖p(z)]: 0.0570 nats for x = 0, 0.0960 for x = 1; averaged over x, the mutual information."""
    prior, likelihood = torch.tensor([[1 / 2, 1 / 3, 1 / 6], [1 / 4, 1 / 2, 3 / 4]], dtype=torch.float64)
    joint = torch.stack([prior * (1 - likelihood), prior * likelihood])  # x in rows, z in columns
    marginal = joint.sum(1)
    information = (joint * (joint / (marginal[:, None] * prior)).log()).sum()
    got, terms = kl(p, q), discrete_terms(p, q)
    pieces = [close(got, nats, terms=terms)]
    if len(got) == len(marginal):  # both posteriors: their average over x
        average = (marginal.to(got) * got).sum().expand(len(got))
        pieces.append(close(average, information.to(got.device), terms=terms, what="Σ p(x) KL[p(z|x)‖p(z)]"))
    return pieces


# ---- 2. entropies --------------------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="nats, two numbers a row", sizes=dict(k=(2, 7)), rows=300)
def entropy_and_cross_entropy(
    p: Float[Tensor, "n k"], q: Float[Tensor, "n k"]
) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"]]:
    """The entropy H(p) = −Σᵢ pᵢ log pᵢ and the cross-entropy H(p, q) = −Σᵢ pᵢ log qᵢ, row by row, in nats.

    The same conventions: an outcome with pᵢ = 0 adds nothing to either, and H(p, q) = +∞ where qᵢ = 0 < pᵢ.
    """


@entropy_and_cross_entropy.law(points=2, decisive=True, sizes=dict(k=ALPHABETS), where=dict(p=Simplex(), q=Simplex()))
def agree_with_enumeration(answer, p, q):
    """H(p) is the average of −log p and H(p, q) that of −log q, both weighted by p."""
    entropy, cross_entropy = answer(p, q)
    terms = discrete_terms(p, q)
    return [
        close(entropy, -average(p, p.double().log()), terms=terms, what="H(p)"),
        close(cross_entropy, -average(p, q.double().log()), terms=terms, what="H(p, q)"),
    ]


@entropy_and_cross_entropy.law(points=2, where=dict(p=Simplex(zeros=True), q=Simplex(zeros=True)))
def entropies_where_probabilities_are_zero(answer, p, q):
    """An outcome with p = 0 adds nothing to H(p) or H(p, q); one with q = 0 < p makes H(p, q) = +∞ and leaves H(p) finite. And
    2e-15 is not 0 (nor 1e-6 in float32)."""
    entropy, cross_entropy = answer(p, q)
    impossible = ((q == 0) & (p > 0)).any(-1)
    terms_p, terms = discrete_terms(p, p), discrete_terms(p, q)
    exact = -average(p, q.double().clamp_min(1e-300).log())
    small_p, small_q = not_quite_zero(p), not_quite_zero(q)
    exact_small = -average(small_p, small_q.double().log())
    return [
        close(entropy, torch.special.entr(p.double()).sum(-1), terms=terms_p, what="H(p)"),
        close(cross_entropy, torch.where(impossible, math.inf, exact), terms=terms, what="H(p, q)"),
        close(
            answer(small_p, small_q)[1], exact_small, terms=discrete_terms(small_p, small_q),
            what="H(p, q) with a little for every 0",
        ),
    ]  # fmt: skip


@entropy_and_cross_entropy.law(points=0, where=dict(p=Simplex(zeros=True), q=Simplex(zeros=True)))
def between_nothing_and_a_fair_die(answer, p, q):
    """0 ≤ H(p) ≤ log k, and H(p) = log k for k equally likely outcomes."""
    entropy, _ = answer(p, q)
    fair = torch.full_like(p, 1 / p.shape[1])
    most, _ = answer(fair, q)
    slack = rounding(discrete_terms(p, p), entropy)
    log_k = math.log(p.shape[1])
    return [
        at_least(entropy, 0.0, slack=slack, what="H(p)"),
        at_most(entropy, log_k, slack=slack, what="H(p)"),
        close(most, log_k, terms=discrete_terms(fair, fair), what="H(1/k, …, 1/k)"),
    ]


@entropy_and_cross_entropy.law(points=0, rows=300, where=dict(p=Simplex(), q=Simplex()))
def cross_entropy_is_entropy_plus_kl(answer, p, q):
    """H(p, q) = H(p) + KL[p‖q]: coding with the wrong q costs exactly KL[p‖q] nats more than the entropy."""
    entropy, cross_entropy = answer(p, q)
    kl = average(p, p.double().log() - q.double().log())
    return close(cross_entropy, entropy.double() + kl, terms=discrete_terms(p, q), what="H(p, q)")


@entropy_and_cross_entropy.law(
    points=0, rows=300, where=dict(counts=Integers(1, 20, shape="k"), q=Simplex(), other=Simplex(shape="k"))
)  # fmt: skip
def maximum_likelihood_is_kl_from_the_data(answer, counts, q, other):
    """For data with frequencies p̂ the mean negative log-likelihood of a model q is H(p̂, q) = KL[p̂‖q] + H(p̂), and H(p̂) is the
    same for every model: the likeliest model is the one nearest to the data in KL."""
    total = counts.sum(-1, keepdim=True)
    data = (counts.double() / total).to(q.dtype)
    entropy, nll = answer(data, q)
    entropy_again, other_nll = answer(data, other)
    terms = discrete_terms(data, q) + discrete_terms(data, other)

    def mean_nll(model: Tensor) -> Tensor:
        return -average(counts, model.double().log()) / total[:, 0]

    def kl_from_data(model: Tensor) -> Tensor:
        return average(data, data.double().log() - model.double().log())

    constant = nll.double() - kl_from_data(q)
    return [
        close(nll, mean_nll(q), terms=terms, what="H(p̂, q)"),
        close(constant.to(nll), other_nll.double() - kl_from_data(other), terms=terms, what="H(p̂, q) − KL[p̂‖q]"),
        close(entropy, constant, terms=terms, what="H(p̂)"),
        close(entropy_again, entropy.double(), terms=terms, what="H(p̂), asked with another q"),
    ]


# ---- 3. Jensen -----------------------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="nats, one number a row", sizes=dict(k=(2, 7)), rows=300)
def jensen_gap(weights: Float[Tensor, "n k"], values: Float[Tensor, "n k"]) -> Float[Tensor, "n"]:
    """Jensen's gap log(Σᵢ wᵢ vᵢ) − Σᵢ wᵢ log vᵢ: by how much the log of a mean exceeds the mean of the logs.

    Weights add up to one and may be zero; values are positive.
    """


def jensen_terms(weights: Tensor, values: Tensor) -> Tensor:
    """|log Σ w v| + Σ w|log v|, and 1 for the relative rounding inside the logarithm."""
    weights, values = weights.double(), values.double()
    return 1 + (weights * values).sum(-1).log().abs() + (weights * values.log().abs()).sum(-1)


@jensen_gap.law(
    points=3, decisive=True, sizes=dict(k=ALPHABETS), where=dict(weights=Simplex(zeros=True), values=Positive(1e-12, 1e12)),
)  # fmt: skip
def is_log_of_mean_minus_mean_of_log(gap, weights, values):
    """The gap is log(Σᵢ wᵢ vᵢ) − Σᵢ wᵢ log vᵢ."""
    w, v = weights.double(), values.double()
    log_of_mean = torch.logsumexp(w.log() + v.log(), -1)
    mean_of_log = average(w, v.log())
    return close(gap(weights, values), log_of_mean - mean_of_log, terms=jensen_terms(weights, values))


@jensen_gap.law(points=0, where=dict(weights=Simplex(zeros=True), values=Positive()))
def gap_is_never_negative(gap, weights, values):
    """The log of a mean is at least the mean of the logs: the gap is ≥ 0, because log is concave."""
    got = gap(weights, values)
    return at_least(got, 0.0, slack=rounding(jensen_terms(weights, values), got))


@jensen_gap.law(points=0, where=dict(weights=Simplex(zeros=True), values=Positive(), constant=Positive(shape="")))
def gap_closes_only_for_a_constant(gap, weights, values, constant):
    """The gap is 0 when all values are equal, and otherwise at least log(Σ w v) − 2 log(Σ w √v) > 0."""
    same = constant[:, None].expand_as(values)
    got, root = gap(weights, values), values.double().sqrt()
    w = weights.double()
    bound = (w * values.double()).sum(-1).log() - 2 * (w * root).sum(-1).log()
    return [
        close(gap(weights, same), 0.0, terms=jensen_terms(weights, same), what="the gap of equal values"),
        at_least(got, bound, slack=rounding(jensen_terms(weights, values), got)),
    ]


@jensen_gap.law(points=0, where=dict(weights=Simplex(zeros=True), values=Positive(), factor=Positive(shape="")))
def gap_has_no_units(gap, weights, values, factor):
    """Multiplying every value by the same factor does not change the gap."""
    scaled = values * factor[:, None]
    terms = jensen_terms(weights, values) + jensen_terms(weights, scaled)
    return close(gap(weights, scaled), gap(weights, values).double(), terms=terms, what="the gap of c·v")


@jensen_gap.law(points=0, where=dict(weights=Simplex(), values=Positive(), unused=Positive(shape="")))
def gap_ignores_what_has_no_weight(gap, weights, values, unused):
    """A value with weight 0 does not change the gap."""
    more_weights = torch.cat([weights, torch.zeros_like(weights[:, :1])], 1)
    more_values = torch.cat([values, unused[:, None]], 1)
    terms = jensen_terms(weights, values)
    return close(
        gap(more_weights, more_values), gap(weights, values).double(), terms=terms, what="the gap with one more value"
    )


@jensen_gap.law(points=0, where=dict(p=Simplex(shape="k"), q=Simplex(shape="k")))
def gap_of_a_ratio_is_kl(gap, p, q):
    """With weights q and values p/q the gap is KL[q‖p]: this is why KL is never negative."""
    exact = average(q, q.double().log() - p.double().log())
    terms = discrete_terms(q, p) + jensen_terms(q, p / q)
    return close(gap(q, p / q), exact, terms=terms, what="gap(q, p/q)")


# ---- the proof, line by line ---------------------------------------------------------------------------------------------

TWO_WITH_ZEROS = Setting(sizes=(("x", 3),), p=(Density("p", ("x",)),), q=(Density("q", ("x",)),), zeros=True)
"""p and q on three outcomes, some of them impossible under one or the other."""

NEVER_NEGATIVE = Task(
    start="KL(p(x), q(x))", relation=">=", end="0", setting=TWO_WITH_ZEROS,
    rules=(
        "definition of KL", "expectation", "linearity", "normalisation", "Jensen", "part of a sum", "log t ≤ t − 1",
    ),
)  # fmt: skip
FLAWED_JENSEN = Flawed(
    Task(
        start="H(p(x)) + E(p(x), log(q(x)))", relation="<=", end="0", setting=TWO_WITH_ZEROS,
        rules=("definition of entropy", "expectation", "linearity", "normalisation", "Jensen", "part of a sum"),
    ),
    """
    H(p(x)) + E(p(x), log(q(x)))
    =  E(p(x), log(q(x))) - E(p(x), log(p(x)))      # definition of entropy
    =  E(p(x), log(q(x)/p(x)))                      # linearity
    <= log(E(p(x), q(x)/p(x)))                      # Jensen
    =  log(sum(x, q(x), p(x) > 0))                  # expectation
    =  log(sum(x, q(x)))                            # arithmetic
    =  log(1)                                       # normalisation
    =  0                                            # arithmetic
    """,
    line=6,
)  # fmt: skip
"""That the entropy is at most the cross-entropy, as many printed proofs have it."""


@derivation(unit, NEVER_NEGATIVE, points=4)
def kl_is_never_negative() -> str:
    """From KL(p(x), q(x)) to >= 0, line by line, each with the rule by which it follows.

    p and q may be zero, at the same places or at different ones.
    """


@flaw(unit, FLAWED_JENSEN, optional=True)
def find_the_flaw_in_jensen() -> tuple[int, str]:
    """The number of the line that is wrong (the first line has number 1), and the line as it should be, with its rule."""


# ---- 4. diagonal Gaussians -----------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="nats, summed over dimensions, one number a row", sizes=dict(d=(1, 5)), rows=300)
def kl_gaussian(
    mu_q: Float[Tensor, "n d"], log_var_q: Float[Tensor, "n d"], mu_p: Float[Tensor, "n d"], log_var_p: Float[Tensor, "n d"]
) -> Float[Tensor, "n"]:  # fmt: skip
    """KL[q‖p] of q = N(μ_q, diag σ_q²) and p = N(μ_p, diag σ_p²), from means and log-variances log σ², in nats.

    Summed over the d dimensions, one number a row. It will be part of a training loss: keep it differentiable.
    """


def gaussian_terms(mu_q: Tensor, log_var_q: Tensor, mu_p: Tensor, log_var_p: Tensor) -> Tensor:
    """Σ over dimensions of the closed form's absolute terms, for whoever expands the square of the distance too.

    exp(x) of a rounded x is off by |x|·eps of itself, so each exponential counts once more for every unit of its exponent.
    """
    mu_q, log_var_q, mu_p, log_var_p = mu_q.double(), log_var_q.double(), mu_p.double(), log_var_p.double()
    exponents = 1 + log_var_q.abs() + log_var_p.abs()
    grown = (log_var_q - log_var_p).exp() + (mu_q.abs() + mu_p.abs()) ** 2 * (-log_var_p).exp()
    return (exponents * (1 + grown)).sum(-1) / 2


def either_way(terms, mu_q: Tensor, shape_q: Tensor, mu_p: Tensor, shape_p: Tensor) -> Tensor:
    """The terms of KL[q‖p] and of KL[p‖q]: for laws that the swapped answer satisfies too, up to its own rounding."""
    return terms(mu_q, shape_q, mu_p, shape_p) + terms(mu_p, shape_p, mu_q, shape_q)


def diagonal(mu: Tensor, log_var: Tensor) -> Normal:
    """The Gaussians of one side, in float64."""
    return Normal(mu.double(), (log_var.double() / 2).exp())


# At e^±12 the product of three variances over that of three others still fits into float32, for whoever multiplies first.
@kl_gaussian.law(
    points=2, decisive=True, sizes=dict(d=(1, 2, 3)),
    where=dict(mu_q=Reals(), log_var_q=Reals(-12, 12), mu_p=Reals(), log_var_p=Reals(-12, 12)),
)  # fmt: skip
def agrees_with_torch(kl, mu_q, log_var_q, mu_p, log_var_p):
    """KL[q‖p] is ½ Σ (log σ_p² − log σ_q² − 1 + σ_q²/σ_p² + (μ_q − μ_p)²/σ_p²), what torch.distributions computes."""
    near = torch.lerp(mu_q, mu_p, 1e-3), torch.lerp(log_var_q, log_var_p, 1e-3)
    return [
        close(
            kl(mu_q, log_var_q, mu, log_var), kl_divergence(diagonal(mu_q, log_var_q), diagonal(mu, log_var)).sum(-1),
            terms=gaussian_terms(mu_q, log_var_q, mu, log_var), what=what,
        )
        for mu, log_var, what in (
            (mu_p, log_var_p, ""), (*near, "KL[q‖p′] with p′ a thousandth of the way from q to p")
        )
    ]  # fmt: skip


@kl_gaussian.law(
    points=1, rows=200, sizes=dict(d=(1, 2, 3)),
    where=dict(mu_q=Reals(), log_var_q=Reals(-12, 12), mu_p=Reals(), log_var_p=Reals(-12, 12)),
)  # fmt: skip
def gradient_stays_right_far_out(kl, mu_q, log_var_q, mu_p, log_var_p):
    """The gradient is that of the exact value, also for variances from e⁻¹² to e¹²: nothing is detached, clamped or lost."""
    inputs = dict(mu_q=mu_q, log_var_q=log_var_q, mu_p=mu_p, log_var_p=log_var_p)
    leaves = [x.double().clone().requires_grad_() for x in inputs.values()]
    value = kl_divergence(diagonal(leaves[0], leaves[1]), diagonal(leaves[2], leaves[3])).sum()
    exact = torch.autograd.grad(value, leaves)
    # Entry by entry the terms of the slopes: 2·reach/σ_p² for the means, ½(1 + σ_q²/σ_p² + reach²/σ_p²) for the log-variances.
    exponents = 1 + log_var_q.double().abs() + log_var_p.double().abs()
    reach, narrow = (mu_q.abs() + mu_p.abs()).double(), (-log_var_p.double()).exp()
    of_means = 2 * exponents * reach * narrow
    of_variances = exponents * (1 + (log_var_q.double() - log_var_p.double()).exp() + reach**2 * narrow) / 2
    return [
        close(
            kl.gradient(*inputs.values(), wrt=name), slope, terms=of_means if name.startswith("mu") else of_variances,
            what=f"the gradient with respect to {name}",
        )
        for name, slope in zip(inputs, exact, strict=True)
    ]  # fmt: skip


@kl_gaussian.law(
    points=2, rows=200, where=dict(mu_q=Reals(-3, 3), log_var_q=Reals(-4, 4), mu_p=Reals(-3, 3), log_var_p=Reals(-4, 4))
)  # fmt: skip
def autograd_agrees_with_differences(kl, mu_q, log_var_q, mu_p, log_var_p, generator):
    """The gradient that autograd computes through your function is the slope of its values, (f(x + hu) − f(x − hu)) / 2h."""
    inputs = dict(mu_q=mu_q, log_var_q=log_var_q, mu_p=mu_p, log_var_p=log_var_p)
    along = {name: torch.randint(0, 2, x.shape, generator=generator).double() * 2 - 1 for name, x in inputs.items()}
    slope, difference, inputs = slopes(kl, inputs, along)

    # The central difference errs by h²/6·|f‴|. Along u = ±1 in every entry σ_q²/σ_p² grows like e^{2t} at most and the means
    # part by 2t at most, so |f‴| ≤ ½ Σ 8σ_q²/σ_p² + (Δ² + 12|Δ| + 24)/σ_p². Twenty times that, and the rounding of both values.
    def third(mu_q: Tensor, log_var_q: Tensor, mu_p: Tensor, log_var_p: Tensor) -> Tensor:
        gap, spread = (mu_q - mu_p).abs(), (log_var_q - log_var_p).exp()
        return (8 * spread + (gap**2 + 12 * gap + 24) * (-log_var_p).exp()).sum(-1) / 2

    x = tuple(inputs.values())
    truncated, rounded = H**2 / 6 * either_way(third, *x), rounding(either_way(gaussian_terms, *x), slope) / H
    return close(slope, difference, tolerance=20 * truncated + rounded)


def slopes(answer, inputs: dict[str, Tensor], along: dict[str, Tensor]) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """The slope along a direction by autograd and by central differences, in float64, with the inputs they were taken at."""
    inputs = {name: x.double() for name, x in inputs.items()}
    along = {name: u.to(inputs[name]) for name, u in along.items()}
    parts = [(answer.gradient(*inputs.values(), wrt=name) * along[name]).flatten(1).sum(1) for name in inputs]
    ahead = answer(*(x + H * along[name] for name, x in inputs.items()))
    behind = answer(*(x - H * along[name] for name, x in inputs.items()))
    return torch.stack(parts).sum(0), (ahead - behind) / (2 * H), inputs


@kl_gaussian.law(
    points=0, rows=300, where=dict(mu_q=Reals(), log_var_q=Reals(-8, 8), mu_p=Reals(), log_var_p=Reals(-8, 8))
)
def never_negative_for_gaussians(kl, mu_q, log_var_q, mu_p, log_var_p):
    """KL[q‖p] ≥ 0, also where q and p are nearly equal."""
    got = kl(mu_q, log_var_q, mu_p, log_var_p)
    near = torch.lerp(mu_q, mu_p, 1e-3), torch.lerp(log_var_q, log_var_p, 1e-3)
    got_near = kl(mu_q, log_var_q, *near)
    return [
        at_least(got, 0.0, slack=rounding(gaussian_terms(mu_q, log_var_q, mu_p, log_var_p), got)),
        at_least(
            got_near, 0.0, slack=rounding(gaussian_terms(mu_q, log_var_q, *near), got),
            what="KL[q‖p′] with p′ a thousandth of the way from q to p",
        ),
    ]  # fmt: skip


@kl_gaussian.law(
    points=0, rows=300, where=dict(mu_q=Reals(), log_var_q=Reals(-8, 8), mu_p=Reals(), log_var_p=Reals(-8, 8))
)
def zero_only_for_equal_gaussians(kl, mu_q, log_var_q, mu_p, log_var_p):
    """KL[q‖q] = 0, and otherwise KL[q‖p] ≥ −2 log ∫√(q(z)p(z))dz > 0."""
    same, got = kl(mu_q, log_var_q, mu_q, log_var_q), kl(mu_q, log_var_q, mu_p, log_var_p)
    half = (log_var_q.double() - log_var_p.double()) / 2
    middle = (log_var_q.double().exp() + log_var_p.double().exp()) / 2
    overlap = half.cosh().log() + (mu_q.double() - mu_p.double()) ** 2 / middle / 4
    return [
        close(same, 0.0, terms=gaussian_terms(mu_q, log_var_q, mu_q, log_var_q), what="KL[q‖q]"),
        at_least(got, overlap.sum(-1), slack=rounding(gaussian_terms(mu_q, log_var_q, mu_p, log_var_p), got)),
    ]


@kl_gaussian.law(
    points=0, sizes={},
    where=dict(
        mu_q=Listed([[0.0], [0.0], [1.0]]), log_var_q=Listed([[0.0], [-2.0], [2.0]]),
        mu_p=Listed([[0.0], [2.0], [0.0]]), log_var_p=Listed([[1.0], [1.0], [0.0]]),
    ),
)  # fmt: skip
def order_matters_for_gaussians(kl, mu_q, log_var_q, mu_p, log_var_p):
    """KL[q‖p] and KL[p‖q] are two different numbers: on these pairs by more than 0.15 nats."""
    there, back = kl(mu_q, log_var_q, mu_p, log_var_p), kl(mu_p, log_var_p, mu_q, log_var_q)
    return differs(there, back, by=0.15, what="|KL[q‖p] − KL[p‖q]|")


@kl_gaussian.law(
    points=0, rows=300,
    where=dict(
        mu_q=Reals(), log_var_q=Reals(-8, 8), mu_p=Reals(), log_var_p=Reals(-8, 8),
        scale=Positive(0.1, 10, shape="d"), shift=Reals(-5, 5, shape="d"),
    ),
)  # fmt: skip
def does_not_depend_on_units(kl, mu_q, log_var_q, mu_p, log_var_p, scale, shift):
    """Measuring z in other units, z → b − a·z in every dimension, does not change KL[q‖p]."""
    log_scale = 2 * scale.log()
    moved_q, moved_p = shift - scale * mu_q, shift - scale * mu_p
    wide_q, wide_p = log_var_q + log_scale, log_var_p + log_scale
    # The new means are themselves rounded, by eps·(2|b| + |aμ|): the square of their distance feels that.
    rounded = (2 * shift.abs() + (scale * mu_q).abs() + (scale * mu_p).abs()).double()
    narrow = (-torch.minimum(wide_q, wide_p).double()).exp()
    felt = ((moved_q - moved_p).abs().double() + rounded * 1e-6) * rounded * narrow
    terms = either_way(gaussian_terms, mu_q, log_var_q, mu_p, log_var_p)
    terms = terms + either_way(gaussian_terms, moved_q, wide_q, moved_p, wide_p)
    return close(
        kl(moved_q, wide_q, moved_p, wide_p), kl(mu_q, log_var_q, mu_p, log_var_p).double(), terms=terms + felt.sum(-1),
        what="KL[q‖p] in other units",
    )  # fmt: skip


@kl_gaussian.law(
    points=0, rows=200, where=dict(mu_q=Reals(), log_var_q=Reals(-4, 4), mu_p=Reals(), log_var_p=Reals(-4, 4))
)  # fmt: skip
def adds_up_over_dimensions(kl, mu_q, log_var_q, mu_p, log_var_p):
    """Dimensions are independent, so KL[q‖p] is the sum of the divergences of the single dimensions."""
    alone = kl(*(x.reshape(-1, 1) for x in (mu_q, log_var_q, mu_p, log_var_p)))
    total = alone.double().reshape(mu_q.shape).sum(-1)
    twice = kl(*(torch.cat([x, x], 1) for x in (mu_q, log_var_q, mu_p, log_var_p)))
    terms = either_way(gaussian_terms, mu_q, log_var_q, mu_p, log_var_p)
    return [
        close(
            kl(mu_q, log_var_q, mu_p, log_var_p), total, terms=terms, what="KL[q‖p] against the sum over its dimensions"
        ),
        close(twice, 2 * total, terms=2 * terms, what="KL[q‖p] with every dimension twice"),
    ]


def at(dimension: int, value: float) -> list[float]:
    """Zeros in eight dimensions, but for one."""
    return [value if d == dimension else 0.0 for d in range(8)]


@kl_gaussian.law(
    points=1, sizes={},
    where=dict(
        mu_q=Listed([at(7, 1.0), at(6, 1.0), at(5, 1.0), at(0, 1.0), at(4, 1000.0)]),
        log_var_q=Listed([at(7, -60.0), at(6, 60.0), at(5, 0.0), at(0, 0.0), at(4, 0.0)]),
        mu_p=Listed([at(7, 0.0), at(6, 0.0), at(5, 0.0), at(0, 0.0), at(4, -1000.0)]),
        log_var_p=Listed([at(7, 0.0), at(6, 0.0), at(5, 60.0), at(0, -60.0), at(4, 0.0)]),
        nats=Listed([30.0, (math.exp(60) - 60) / 2, 29.5, math.exp(60) - 30.5, 2e6]),
    ),
)  # fmt: skip
def right_at_the_limits(kl, mu_q, log_var_q, mu_p, log_var_p, nats):
    """As σ_q → 0, KL[q‖p] grows like −log σ_q, and as σ_p → ∞ like log σ_p; as σ_q → ∞ it explodes like ½σ_q², and as σ_p → 0
    like ½/σ_p². Nothing is clipped on the way (tried at σ² = e^±60 and at means 2000 apart, in one of eight dimensions)."""
    return close(kl(mu_q, log_var_q, mu_p, log_var_p), nats, terms=gaussian_terms(mu_q, log_var_q, mu_p, log_var_p))


@kl_gaussian.law(
    points=0, sizes={},
    where=dict(
        mu_q=Listed([[0.25 * i - 2 for i in range(16)]]), log_var_q=Listed([[-1.5 + 0.1 * i for i in range(16)]]),
        mu_p=Listed([[0.5 - 0.1 * i for i in range(16)]]), log_var_p=Listed([[0.2 - 0.05 * i for i in range(16)]]),
    ),
)  # fmt: skip
def agrees_with_monte_carlo(kl, mu_q, log_var_q, mu_p, log_var_p, generator):
    """KL[q‖p] is the mean of log q(z) − log p(z) over draws z ~ q, to within 2 %."""
    claimed = kl(mu_q, log_var_q, mu_p, log_var_p)
    q, p = diagonal(mu_q.cpu(), log_var_q.cpu()), diagonal(mu_p.cpu(), log_var_p.cpu())
    # With z = μ_q + σ_q ε, r = σ_q²/σ_p² and δ = (μ_q − μ_p)/σ_p, a dimension's log-ratio is ½[(r − 1)ε² + 2δ√r ε] and a
    # constant. Var ε² = 2 and Cov(ε², ε) = 0, so its variance is exactly ½(r − 1)² + δ²r, and dimensions are independent.
    r, delta = (q.variance / p.variance), (q.mean - p.mean) / p.stddev
    sigma = ((r - 1) ** 2 / 2 + delta**2 * r).sum(-1).sqrt()
    resolution = 0.02 * kl_divergence(q, p).sum(-1)

    def log_ratio(row: int, draws: int, generator: torch.Generator) -> Tensor:
        eps = torch.randn(draws, q.mean.shape[1], generator=generator, dtype=torch.float64)
        off = (q.mean[row] + q.stddev[row] * eps - p.mean[row]) / p.stddev[row]
        return (p.stddev[row] / q.stddev[row]).log().sum() + (off.square() - eps.square()).sum(-1) / 2

    return [
        mean_is(
            lambda draws, generator, row=row: log_ratio(row, draws, generator), float(claimed[row]),
            sigma=float(sigma[row]), delta=float(resolution[row]), alpha=1e-11, beta=1e-6, cap=2**20, generator=generator,
            what="KL[q‖p], against the average of log q(z) − log p(z)",
        )
        for row in range(len(claimed))
    ]  # fmt: skip


@kl_gaussian.draw
def kl_as_the_mean_moves(kl):
    """KL[N(m, σ²)‖N(0, 1)] over m, the answer dashed over the truth."""
    from matplotlib.figure import Figure

    m = torch.linspace(-4, 4, 161, dtype=torch.float64)[:, None]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for color, sigma in (("C0", 0.3), ("C1", 1.0), ("C2", 2.0)):
        log_var = torch.full_like(m, 2 * math.log(sigma))
        truth = kl_divergence(diagonal(m, log_var), Normal(0.0, 1.0))[:, 0]
        axes.plot(m[:, 0], truth, color=color, linewidth=5, alpha=0.35, label=f"σ = {sigma:g}")
        answer = kl(m, log_var, torch.zeros_like(m), torch.zeros_like(m))
        axes.plot(m[:, 0], answer.cpu(), color=color, linestyle="--", label=f"yours, σ = {sigma:g}")
    axes.set(xlabel="mean m of q", ylabel="nats", title="KL[N(m, σ²)‖N(0, 1)]")
    axes.legend(ncols=3)
    return figure


# ---- the closed form, line by line ---------------------------------------------------------------------------------------

TWO_NORMALS = GaussianSetting(
    sizes=(("x", 40),), p=(Density("p", ("x",)),), q=(Density("q", ("x",)),),
    normals=((Density("q", ("x",)), "m", "sigma2"), (Density("p", ("x",)), "mu", "tau2")),
    reals=("m", "mu"), positives=("sigma2", "tau2"),
)  # fmt: skip
"""q = N(m, sigma2) and p = N(mu, tau2): means and variances."""

KL_OF_NORMALS = Task(
    start="KL(q(x), p(x))", relation="=", end="(log(tau2/sigma2) - 1 + (sigma2 + (m - mu)**2)/tau2)/2", setting=TWO_NORMALS,
    rules=("definition of KL", "expectation", "the model", "density of a normal", "moments", "linearity", "normalisation"),
)  # fmt: skip
FLAWED_NORMALS = Flawed(
    KL_OF_NORMALS,
    """
    KL(q(x), p(x))
    = E(q(x), log(q(x)) - log(p(x)))                                                           # definition of KL
    = E(q(x), log(N(x, m, sigma2)) - log(N(x, mu, tau2)))                                      # the model
    = E(q(x), log(tau2/sigma2)/2 - (x - m)**2/(2*sigma2) + (x - mu)**2/(2*tau2))               # density
    = log(tau2/sigma2)/2 - E(q(x), (x - m)**2)/(2*sigma2) + E(q(x), (x - mu)**2)/(2*tau2)      # linearity
    = log(tau2/sigma2)/2 - 1 + (sigma2 + (m - mu)**2)/tau2                                     # moments
    """,
    line=6,
)  # fmt: skip
"""From a set of lecture notes."""


@derivation(unit, KL_OF_NORMALS, optional=True)
def kl_gaussian_from_its_integral() -> str:
    """KL(q(x), p(x)) of q = N(m, sigma2) and p = N(mu, tau2) in closed form, line by line, each with its rule."""


@flaw(unit, FLAWED_NORMALS, optional=True)
def find_the_flaw_in_a_gaussian() -> tuple[int, str]:
    """The number of the line that is wrong (the first line has number 1), and the line as it should be, with its rule."""


# ---- 5. full covariances -------------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="nats, one number a row", sizes=dict(d=(1, 5)), rows=100)
def kl_gaussian_full(
    mu_q: Float[Tensor, "n d"], cov_q: Float[Tensor, "n d d"], mu_p: Float[Tensor, "n d"], cov_p: Float[Tensor, "n d d"]
) -> Float[Tensor, "n"]:  # fmt: skip
    """KL[q‖p] of two Gaussians with full covariance matrices Σ_q and Σ_p, in nats, one number a row.

    Covariances are symmetric and positive definite: take their Cholesky factors, not inverses. Keep it differentiable, also at
    Σ = I, where training starts and all eigenvalues are equal.
    """


def full_terms(mu_q: Tensor, cov_q: Tensor, mu_p: Tensor, cov_p: Tensor) -> Tensor:
    """The closed form's absolute terms, those with Σ⁻¹ times the condition number by which solving amplifies rounding."""
    mu_q, cov_q, mu_p, cov_p = mu_q.double(), cov_q.double(), mu_p.double(), cov_p.double()
    inverse = torch.linalg.inv(cov_p)
    norm_p, norm_q = cov_p.norm(dim=(1, 2)), cov_q.norm(dim=(1, 2))
    condition_p = norm_p * inverse.norm(dim=(1, 2))
    condition_q = norm_q * torch.linalg.inv(cov_q).norm(dim=(1, 2))
    gap = mu_q.abs() + mu_p.abs()
    solved = (inverse.abs() * cov_q.abs()).sum((1, 2)) + torch.einsum("ni,nij,nj->n", gap, inverse.abs(), gap)
    logs = torch.linalg.slogdet(cov_p)[1].abs() + torch.linalg.slogdet(cov_q)[1].abs()
    return (logs + mu_q.shape[1] + condition_q + condition_p * (1 + solved)) / 2


def full(mu: Tensor, cov: Tensor) -> MultivariateNormal:
    """The Gaussians of one side, in float64."""
    return MultivariateNormal(mu.double(), cov.double())


@kl_gaussian_full.law(
    points=1, decisive=True,
    where=dict(mu_q=Reals(-5, 5), cov_q=Covariances(0.5, 2), mu_p=Reals(-5, 5), cov_p=Covariances(0.5, 2)),
)  # fmt: skip
def full_agrees_with_torch(kl, mu_q, cov_q, mu_p, cov_p):
    """KL[q‖p] is ½ (log det Σ_p − log det Σ_q − d + tr(Σ_p⁻¹Σ_q) + (μ_q − μ_p)ᵀΣ_p⁻¹(μ_q − μ_p)), what torch.distributions
    computes."""
    exact = kl_divergence(full(mu_q, cov_q), full(mu_p, cov_p))
    near = torch.lerp(mu_q, mu_p, 1e-3), torch.lerp(cov_q, cov_p, 1e-3)
    return [
        close(kl(mu_q, cov_q, mu_p, cov_p), exact, terms=full_terms(mu_q, cov_q, mu_p, cov_p)),
        close(
            kl(mu_q, cov_q, *near), kl_divergence(full(mu_q, cov_q), full(*near)), terms=full_terms(mu_q, cov_q, *near),
            what="KL[q‖p′] with p′ a thousandth of the way from q to p",
        ),
    ]  # fmt: skip


MANY = 24
"""Dimensions in which, at σ = 10⁷, a determinant is 10³³⁶: in a computer, ∞."""


def chain(correlation: float) -> list[list[float]]:
    """The covariance of neighbours that are so correlated: well-conditioned, however long the chain."""
    return [[1e14 * correlation ** abs(i - j) for j in range(MANY)] for i in range(MANY)]


@kl_gaussian_full.law(
    points=3, sizes={},
    where=dict(
        mu_q=Listed([[1e7 * math.sin(i) for i in range(MANY)], [0.0] * MANY]), cov_q=Listed([chain(0.5), chain(-0.3)]),
        mu_p=Listed([[0.0] * MANY, [1e7 * math.cos(i) for i in range(MANY)]]), cov_p=Listed([chain(0.2), chain(0.6)]),
    ),
)  # fmt: skip
def right_in_many_dimensions(kl, mu_q, cov_q, mu_p, cov_p):
    """In 24 dimensions with σ = 10⁷, where det Σ is ∞ to a computer and log det Σ is not, KL and its gradient are right; in other
    units, with σ = 3·10⁻⁴, it is the same."""
    inputs = dict(mu_q=mu_q, cov_q=cov_q, mu_p=mu_p, cov_p=cov_p)
    leaves = [x.double().clone().requires_grad_() for x in inputs.values()]
    exact = kl_divergence(full(leaves[0], leaves[1]), full(leaves[2], leaves[3]))
    slopes = torch.autograd.grad(exact.sum(), leaves)
    pieces = [close(kl(*inputs.values()), exact.detach(), terms=full_terms(*inputs.values()))]
    small = [
        x.detach() * (1e-21 if name.startswith("cov") else 1e-21**0.5) for name, x in zip(inputs, leaves, strict=True)
    ]
    pieces.append(
        close(kl(*small), exact.detach(), terms=full_terms(*small), what="KL[q‖p] in other units, σ = 3·10⁻⁴")
    )
    for name, slope in zip(inputs, slopes, strict=True):
        got = kl.gradient(*(x.detach() for x in leaves), wrt=name)
        if name.startswith("cov"):  # only moves that keep it symmetric mean anything
            got, slope = got + got.mT, slope + slope.mT
        # Solving with Σ amplifies rounding by its condition number, below 20 here, once or twice.
        largest = slope.abs().flatten(1).amax(1).reshape(-1, *[1] * (slope.dim() - 1)).expand_as(slope)
        pieces.append(close(got, slope, terms=20**2 * MANY * largest, what=f"the gradient with respect to {name}"))
    return pieces


@kl_gaussian_full.law(
    points=1, rows=50, where=dict(mu_q=Reals(-3, 3), cov_q=Covariances(0.5, 2), mu_p=Reals(-3, 3), cov_p=Covariances(0.5, 2))
)  # fmt: skip
def full_autograd_agrees_with_differences(kl, mu_q, cov_q, mu_p, cov_p, generator):
    """The gradient that autograd computes through your function is the slope of its values, (f(x + hu) − f(x − hu)) / 2h, for
    every move u that keeps covariances symmetric."""
    # No eigenvalue of Σ is below 1/‖Σ⁻¹‖.
    least_q, least_p = (1 / torch.linalg.inv(cov.double()).norm(dim=(1, 2)) for cov in (cov_q, cov_p))
    least = torch.minimum(least_q, least_p).sqrt()

    def direction(like: Tensor, length: Tensor) -> Tensor:
        u = torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like.device)
        u = u + u.mT if u.dim() == 3 else u
        return u * (length / u.flatten(1).norm(dim=1)).reshape(-1, *[1] * (u.dim() - 1))

    along = dict(
        mu_q=direction(mu_q, least), cov_q=direction(cov_q, least_q),
        mu_p=direction(mu_p, least), cov_p=direction(cov_p, least_p),
    )  # fmt: skip
    slope, difference, inputs = slopes(kl, dict(mu_q=mu_q, cov_q=cov_q, mu_p=mu_p, cov_p=cov_p), along)

    # Moves are scaled so that ‖Σ⁻¹E‖ ≤ 1 for both covariances and δᵀΣ⁻¹δ ≤ 4 for the means. Then the third derivative of
    # each log det is at most 2, of the trace 12‖Σ_p⁻¹‖‖Σ_q‖, of the quadratic form 6(m + 2)², m² = ΔᵀΣ_p⁻¹Δ; and half of each
    # counts. The central difference errs by h²/6 of that; twenty times it, and the rounding of both values.
    def third(mu_q: Tensor, cov_q: Tensor, mu_p: Tensor, cov_p: Tensor) -> Tensor:
        inverse, gap = torch.linalg.inv(cov_p), mu_q - mu_p
        m = torch.einsum("ni,nij,nj->n", gap, inverse, gap).clamp_min(0).sqrt()
        return 2 + 6 * cov_q.norm(dim=(1, 2)) * inverse.norm(dim=(1, 2)) + 3 * (m + 2) ** 2

    x = tuple(inputs.values())
    truncated, rounded = H**2 / 6 * either_way(third, *x), rounding(either_way(full_terms, *x), slope) / H
    return close(slope, difference, tolerance=20 * truncated + rounded)


@kl_gaussian_full.law(
    points=0, where=dict(mu_q=Reals(-5, 5), cov_q=Covariances(0.5, 2), mu_p=Reals(-5, 5), cov_p=Covariances(0.5, 2))
)  # fmt: skip
def full_is_never_negative(kl, mu_q, cov_q, mu_p, cov_p):
    """KL[q‖p] ≥ 0, also where q and p are nearly equal."""
    got = kl(mu_q, cov_q, mu_p, cov_p)
    near = torch.lerp(mu_q, mu_p, 1e-3), torch.lerp(cov_q, cov_p, 1e-3)
    got_near = kl(mu_q, cov_q, *near)
    return [
        at_least(got, 0.0, slack=rounding(full_terms(mu_q, cov_q, mu_p, cov_p), got)),
        at_least(
            got_near, 0.0, slack=rounding(full_terms(mu_q, cov_q, *near), got_near),
            what="KL[q‖p′] with p′ a thousandth of the way from q to p",
        ),
    ]  # fmt: skip


@kl_gaussian_full.law(
    points=0, where=dict(mu_q=Reals(-5, 5), cov_q=Covariances(0.5, 2), mu_p=Reals(-5, 5), cov_p=Covariances(0.5, 2))
)  # fmt: skip
def full_is_zero_only_when_equal(kl, mu_q, cov_q, mu_p, cov_p):
    """KL[q‖q] = 0, and otherwise KL[q‖p] ≥ −2 log ∫√(q(z)p(z))dz > 0."""
    same, got = kl(mu_q, cov_q, mu_q, cov_q), kl(mu_q, cov_q, mu_p, cov_p)
    middle = (cov_q.double() + cov_p.double()) / 2
    gap = mu_q.double() - mu_p.double()
    overlap = torch.logdet(middle) - (torch.logdet(cov_q.double()) + torch.logdet(cov_p.double())) / 2
    overlap = overlap + (gap * torch.linalg.solve(middle, gap)).sum(-1) / 4
    return [
        close(same, 0.0, terms=full_terms(mu_q, cov_q, mu_q, cov_q), what="KL[q‖q]"),
        at_least(got, overlap, slack=rounding(full_terms(mu_q, cov_q, mu_p, cov_p), got)),
    ]


@kl_gaussian_full.law(
    points=0, sizes={},
    where=dict(
        mu_q=Listed([[0.0, 0.0], [1.0, 0.0]]), cov_q=Listed([[[1.0, 0.9], [0.9, 1.0]], [[1.0, 0.5], [0.5, 2.0]]]),
        mu_p=Listed([[0.0, 0.0], [0.0, 1.0]]), cov_p=Listed([[[1.0, 0.0], [0.0, 1.0]], [[0.5, -0.2], [-0.2, 0.5]]]),
    ),
)  # fmt: skip
def order_matters_for_full_gaussians(kl, mu_q, cov_q, mu_p, cov_p):
    """KL[q‖p] and KL[p‖q] are two different numbers: on these pairs by more than 1 nat."""
    there, back = kl(mu_q, cov_q, mu_p, cov_p), kl(mu_p, cov_p, mu_q, cov_q)
    return differs(there, back, by=1.0, what="|KL[q‖p] − KL[p‖q]|")


@kl_gaussian_full.law(
    points=1,
    where=dict(
        mu_q=Reals(-5, 5), cov_q=Covariances(0.5, 2), mu_p=Reals(-5, 5), cov_p=Covariances(0.5, 2),
        stretch=Positive(0.5, 2, shape="d"), mix=Reals(-1, 1, shape="d d"), shift=Reals(-5, 5, shape="d"),
    ),
)  # fmt: skip
def full_does_not_depend_on_coordinates(kl, mu_q, cov_q, mu_p, cov_p, stretch, mix, shift):
    """Any invertible change of coordinates, z → Az + b, leaves KL[q‖p] as it is (tried in float64, with
    A = (identity + `mix` below the diagonal) · diag(−`stretch`))."""
    mu_q, cov_q, mu_p, cov_p = mu_q.double(), cov_q.double(), mu_p.double(), cov_p.double()
    stretch, shift = stretch.double(), shift.double()
    a = mix.double().tril(-1) + torch.eye(mix.shape[1], dtype=torch.float64, device=mix.device)
    a = a * -stretch[:, None, :]

    def moved(mu: Tensor, cov: Tensor) -> tuple[Tensor, Tensor]:
        new = a @ cov @ a.mT
        return (a @ mu.unsqueeze(-1)).squeeze(-1) + shift, (new + new.mT) / 2

    there = (*moved(mu_q, cov_q), *moved(mu_p, cov_p))
    # The new means and covariances are rounded too: relative to A⁻¹ by its condition number.
    condition = a.norm(dim=(1, 2)) * torch.linalg.inv(a).norm(dim=(1, 2))
    size = 1 + shift.abs().sum(-1) + mu_q.abs().sum(-1) + mu_p.abs().sum(-1)
    terms = either_way(full_terms, mu_q, cov_q, mu_p, cov_p) + condition * size * either_way(full_terms, *there)
    return close(kl(*there), kl(mu_q, cov_q, mu_p, cov_p).double(), terms=terms, what="KL[q‖p] in new coordinates")


@kl_gaussian_full.law(
    points=0, rows=100,
    where=dict(mu_q=Reals(-5, 5), cov_q=Covariances(0.5, 2), mu_p=Reals(-5, 5), cov_p=Covariances(0.5, 2)),
)  # fmt: skip
def full_adds_up_over_independent_blocks(kl, mu_q, cov_q, mu_p, cov_p):
    """For independent blocks of dimensions the divergences add: here every problem beside itself with q and p exchanged."""

    def beside(a: Tensor, b: Tensor) -> Tensor:
        empty = torch.zeros_like(a)
        return torch.cat([torch.cat([a, empty], 2), torch.cat([empty, b], 2)], 1)

    there, back = kl(mu_q, cov_q, mu_p, cov_p), kl(mu_p, cov_p, mu_q, cov_q)
    both = (torch.cat([mu_q, mu_p], 1), beside(cov_q, cov_p), torch.cat([mu_p, mu_q], 1), beside(cov_p, cov_q))
    return close(
        kl(*both), there.double() + back.double(), terms=full_terms(*both), what="KL of two independent blocks"
    )


@kl_gaussian_full.law(
    points=0,
    where=dict(mu_q=Reals(-5, 5), log_var_q=Reals(-4, 4, shape="d"), mu_p=Reals(-5, 5), log_var_p=Reals(-4, 4, shape="d")),
)  # fmt: skip
def full_agrees_with_diagonal(kl, mu_q, log_var_q, mu_p, log_var_p):
    """With diagonal covariances it is the sum over dimensions that `kl_gaussian` computes."""
    cov_q, cov_p = torch.diag_embed(log_var_q.exp()), torch.diag_embed(log_var_p.exp())
    q = Normal(mu_q.double(), log_var_q.exp().double().sqrt())  # the variances as they were rounded for the answer
    p = Normal(mu_p.double(), log_var_p.exp().double().sqrt())
    exact = kl_divergence(q, p).sum(-1)
    return close(kl(mu_q, cov_q, mu_p, cov_p), exact, terms=full_terms(mu_q, cov_q, mu_p, cov_p))


# ---- 6. Monte Carlo ------------------------------------------------------------------------------------------------------


@unit.exercise(
    batch="n", measure="nats, the estimate and its standard error, one pair a row",
    sizes=dict(s=(2, 16), d=(1, 3)), rows=300,
)  # fmt: skip
def kl_monte_carlo(
    z: Float[Tensor, "n s d"], mu_q: Float[Tensor, "n d"], log_var_q: Float[Tensor, "n d"],
    mu_p: Float[Tensor, "n d"], log_var_p: Float[Tensor, "n d"],
) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"]]:  # fmt: skip
    """KL[q‖p] estimated from samples z ~ q (s ≥ 2 a row, drawn for you): the mean of log q(z) − log p(z), and its standard error.

    The standard error is the standard deviation of the s log-ratios (with s − 1) over √s: zero where all of them are equal.
    Both Gaussians are diagonal.
    """


def ratio_terms(z: Tensor, mu_q: Tensor, log_var_q: Tensor, mu_p: Tensor, log_var_p: Tensor) -> Tensor:
    """The absolute terms of each sample's two log-densities: [n, s]."""
    total = torch.zeros(z.shape[:2], dtype=torch.float64, device=z.device)
    for mu, log_var in ((mu_q, log_var_q), (mu_p, log_var_p)):
        mu, log_var = mu.double()[:, None], log_var.double()[:, None]
        square = (z.double().abs() + mu.abs()) ** 2 * (-log_var).exp()  # for whoever multiplies the square out
        total = total + (square * (1 + log_var.abs()) + log_var.abs() + math.log(2 * math.pi)).sum(-1) / 2
    return total


def log_ratios(z: Tensor, q: Normal, p: Normal) -> Tensor:
    """log q(z) − log p(z) of every sample, in float64: [n, s]."""
    per_dimension = [Normal(side.mean[:, None], side.stddev[:, None]).log_prob(z.double()) for side in (q, p)]
    return (per_dimension[0] - per_dimension[1]).sum(-1)


def standard_error(ratios: Tensor) -> Tensor:
    """√(Σ(rⱼ − r̄)² / (s − 1)) / √s of the log-ratios: [n, s] → [n]."""
    return ratios.std(-1) / math.sqrt(ratios.shape[-1])


def error_rounding(got: Tensor, z: Tensor, mu_q: Tensor, log_var_q: Tensor, mu_p: Tensor, log_var_p: Tensor) -> Tensor:
    """By how much rounding moves the standard error e of a right answer, in the precision of `got`: [n]."""
    samples = z.shape[1]
    ratios = log_ratios(z, diagonal(mu_q, log_var_q), diagonal(mu_p, log_var_p))
    # Log-ratios off by δ at most move their standard deviation by at most 2δ·√(s/(s − 1)).
    worst = ratio_terms(z, mu_q, log_var_q, mu_p, log_var_p).amax(-1)
    moved = rounding(2 * worst / math.sqrt(samples - 1), got)
    # The textbook's mean of r² less the square of the mean cancels: e² is off by ρ, an eps of 2Σr²/(s(s − 1)), and e itself by
    # ρ/2e, or by √ρ where that is less.
    rho = torch.finfo(got.dtype).eps * 2 * ratios.square().sum(-1) / (samples * (samples - 1))
    return moved + ROUNDING_FACTOR * torch.minimum(rho / (2 * standard_error(ratios)), rho.sqrt())


ANY_SAMPLES = dict(
    z=Normals(), mu_q=Reals(), log_var_q=Reals(-30, 30), mu_p=Reals(), log_var_p=Reals(-30, 30),
)  # fmt: skip


@kl_monte_carlo.law(points=2, decisive=True, sizes=dict(s=(2, 3, 50), d=(1, 3, 2)), where=ANY_SAMPLES)
def is_the_mean_of_log_ratios(estimate, z, mu_q, log_var_q, mu_p, log_var_p):
    """The estimate is exactly the mean over the samples of log q(z) − log p(z), whatever its sign."""
    mean, _ = estimate(z, mu_q, log_var_q, mu_p, log_var_p)
    exact = log_ratios(z, diagonal(mu_q, log_var_q), diagonal(mu_p, log_var_p)).mean(-1)
    return close(mean, exact, terms=ratio_terms(z, mu_q, log_var_q, mu_p, log_var_p).mean(-1), what="the estimate")


@kl_monte_carlo.law(points=2, where=ANY_SAMPLES)
def standard_error_is_honest(estimate, z, mu_q, log_var_q, mu_p, log_var_p):
    """The standard error is √(Σ(rⱼ − r̄)² / (s − 1)) / √s for the s log-ratios rⱼ; it is 0 where they are all equal."""
    _, error = estimate(z, mu_q, log_var_q, mu_p, log_var_p)
    exact = standard_error(log_ratios(z, diagonal(mu_q, log_var_q), diagonal(mu_p, log_var_p)))
    off = error_rounding(error, z, mu_q, log_var_q, mu_p, log_var_p)
    equal = z[:, :1].expand_as(z).clone()
    _, none = estimate(equal, mu_q, log_var_q, mu_p, log_var_p)
    return [
        close(error, exact, tolerance=off, what="the standard error"),
        close(
            none, 0.0, tolerance=error_rounding(none, equal, mu_q, log_var_q, mu_p, log_var_p),
            what="the standard error of one sample given again and again",
        ),
    ]  # fmt: skip


@kl_monte_carlo.law(
    points=0, sizes={},
    where=dict(
        z=Listed([[[1.0], [2.0]], [[0.5], [0.6]]]), mu_q=Listed([[0.0], [0.0]]), log_var_q=Listed([[0.0], [0.0]]),
        mu_p=Listed([[1.0], [0.1]]), log_var_p=Listed([[0.0], [0.0]]),
    ),
)  # fmt: skip
def may_be_negative(estimate, z, mu_q, log_var_q, mu_p, log_var_p):
    """KL is never negative, but an estimate of it from a few draws may be: on these samples it is −1 and −0.05 nats."""
    mean, _ = estimate(z, mu_q, log_var_q, mu_p, log_var_p)
    terms = ratio_terms(z, mu_q, log_var_q, mu_p, log_var_p).mean(-1)
    exact = (mu_p.double() ** 2 / 2 - z.double()[..., 0].mean(-1, keepdim=True) * mu_p.double())[:, 0]
    return [close(mean, exact, terms=terms), true(mean < 0, what="the estimate is negative")]


@kl_monte_carlo.law(
    points=0, where=dict(mu_q=Reals(-3, 3), log_var_q=Reals(-4, 4), mu_p=Reals(-3, 3), log_var_p=Reals(-4, 4))
)  # fmt: skip
def is_right_on_average(estimate, mu_q, log_var_q, mu_p, log_var_p):
    """Over all draws the estimate averages to KL[q‖p]; the two points z = μ_q ± σ_q already give it exactly, because the
    log-ratio is a parabola in z and they have the mean and the variance of q."""
    sigma = (log_var_q / 2).exp()
    z = torch.stack([mu_q - sigma, mu_q + sigma], 1)
    mean, _ = estimate(z, mu_q, log_var_q, mu_p, log_var_p)
    exact = kl_divergence(diagonal(mu_q, log_var_q), diagonal(mu_p, log_var_p)).sum(-1)
    # z is rounded by eps·(|μ| + σ|log σ²|), which (z − μ)²/σ² feels by 2|z − μ|/σ² times as much.
    moved = (mu_q.abs() + sigma * (1 + log_var_q.abs())).double()
    felt = 2 * moved * (sigma.double() * (-log_var_q.double()).exp())
    felt = felt + 2 * moved * ((mu_q - mu_p).abs() + sigma).double() * (-log_var_p.double()).exp()
    terms = ratio_terms(z, mu_q, log_var_q, mu_p, log_var_p).mean(-1) + felt.sum(-1)
    return close(mean, exact, terms=terms, what="the estimate from z = μ_q ± σ_q")


@kl_monte_carlo.law(points=0, where=ANY_SAMPLES)
def more_samples_shrink_the_error(estimate, z, mu_q, log_var_q, mu_p, log_var_p):
    """With every sample given twice the estimate stays, and the standard error shrinks by √((s − 1)/(2s − 1)), nearly √½."""
    mean, error = estimate(z, mu_q, log_var_q, mu_p, log_var_p)
    mean_twice, error_twice = estimate(torch.cat([z, z], 1), mu_q, log_var_q, mu_p, log_var_p)
    samples = z.shape[1]
    terms = ratio_terms(z, mu_q, log_var_q, mu_p, log_var_p)
    shrunk = error.double() * math.sqrt((samples - 1) / (2 * samples - 1))
    off = error_rounding(error, z, mu_q, log_var_q, mu_p, log_var_p)
    return [
        close(mean_twice, mean.double(), terms=terms.mean(-1), what="the estimate, samples given twice"),
        close(error_twice, shrunk, tolerance=2 * off, what="the error, samples given twice"),
    ]


# ---- 7. and 8. one Gaussian for two --------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="a mean and a standard deviation a row", rows=300)
def fit_forward(
    weights: Float[Tensor, "n 2"], means: Float[Tensor, "n 2"], stds: Float[Tensor, "n 2"]
) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"]]:  # fmt: skip
    """The Gaussian q that minimises KL[mixture‖q] for a mixture of two Gaussians: its mean and its standard deviation.

    Row by row, from the components' weights, means and standard deviations.
    """


ANY_MIXTURE = dict(weights=Simplex(zeros=True), means=Reals(), stds=Positive(0.1, 10))


def mixture_moments(weights: Tensor, means: Tensor, stds: Tensor) -> dict[str, Tensor]:
    """Mean and variance of the mixture in float64, with the absolute terms that they are made of."""
    w, m, s = weights.double(), means.double(), stds.double()
    mean = average(w, m)
    within = average(w, s**2)
    between = average(w, (m - mean[:, None]) ** 2)
    # A weight is as good as 1 less the other, or m₁ + w₂(m₂ − m₁): each component counts as if it had the whole weight. The
    # textbook's E[x²] − E[x]² adds up to twice E[x²], and a variance off by e moves its root by e/2σ.
    terms = m.abs().sum(-1)
    std_terms = 2 * (s**2 + m**2).sum(-1) / (within + between).sqrt()
    return dict(mean=mean, variance=within + between, within=within, terms=terms, std_terms=std_terms)


@fit_forward.law(
    points=3, decisive=True, where=dict(weights=Simplex(zeros=True), means=Reals(-50, 50), stds=Positive(0.02, 50))
)  # fmt: skip
def has_the_moments_of_the_mixture(fit, weights, means, stds):
    """The best q has the mixture's own mean and variance: the variance within the components plus that between their means."""
    mean, std = fit(weights, means, stds)
    exact = mixture_moments(weights, means, stds)
    return [
        close(mean, exact["mean"], terms=exact["terms"], what="the mean"),
        close(std, exact["variance"].sqrt(), terms=exact["std_terms"], what="the standard deviation"),
    ]


@fit_forward.law(points=0, where=ANY_MIXTURE)
def no_neighbour_is_better(fit, weights, means, stds):
    """KL[mixture‖q] is least at your q: moving its mean by a tenth of its width, or its width by a tenth, makes it worse."""
    mean, std = (x.double() for x in fit(weights, means, stds))
    exact = mixture_moments(weights, means, stds)

    def cross_entropy(
        m: Tensor, s: Tensor
    ) -> Tensor:  # −E[log q] under the mixture, exactly; KL is this less its entropy
        return s.abs().clamp_min(1e-30).log() + (exact["variance"] + (exact["mean"] - m) ** 2) / (2 * s**2).clamp_min(
            1e-60
        )

    here = cross_entropy(mean, std)
    others = [(mean + std / 10, std), (mean - std / 10, std), (mean, 1.1 * std), (mean, std / 1.1)]
    best = torch.stack([cross_entropy(m, s) for m, s in others]).amin(0)
    eps = torch.finfo(means.dtype).eps
    off = 64 * eps * (exact["terms"] + exact["std_terms"]) / exact["variance"].sqrt()  # relative to the width
    return [
        at_most(
            here, best, slack=off + off**2, what="KL[mixture‖q] against its neighbours' (less the mixture's entropy)"
        ),
        true(std > 0, what="the standard deviation is positive"),
    ]


@fit_forward.law(points=0, where=ANY_MIXTURE)
def at_least_as_wide_as_its_parts(fit, weights, means, stds):
    """The variance of a mixture is at least the average of its components' variances."""
    _, std = fit(weights, means, stds)
    exact = mixture_moments(weights, means, stds)
    return at_least(std, exact["within"].sqrt(), slack=rounding(exact["std_terms"], std), what="the standard deviation")


@fit_forward.law(
    points=0, where=dict(**ANY_MIXTURE, scale=Positive(0.1, 10, shape=""), shift=Reals(-5, 5, shape=""))
)  # fmt: skip
def moves_with_the_units(fit, weights, means, stds, scale, shift):
    """In other units, x → b − a·x, the fit moves along: its mean becomes b − a·m and its standard deviation a·s."""
    a, b = scale[:, None], shift[:, None]
    mean, std = fit(weights, means, stds)
    new_mean, new_std = fit(weights, b - a * means, a * stds)
    before, after = mixture_moments(weights, means, stds), mixture_moments(weights, b - a * means, a * stds)
    rounded = (shift.abs() + scale * means.abs().amax(-1)).double()  # the new means are rounded by eps times this
    return [
        close(
            new_mean, shift.double() - scale.double() * mean.double(),
            terms=after["terms"] + rounded + scale.double() * before["terms"], what="the mean in other units",
        ),
        close(
            new_std, scale.double() * std.double(),
            terms=after["std_terms"] + 2 * rounded + scale.double() * before["std_terms"],
            what="the standard deviation in other units",
        ),
    ]  # fmt: skip


@unit.exercise(measure="a mean and a standard deviation", rows=3, slow=True)
def fit_reverse(
    weights: Float[Tensor, "2"], means: Float[Tensor, "2"], stds: Float[Tensor, "2"]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:  # fmt: skip
    """A Gaussian q at a local minimum of KL[q‖mixture] for a mixture of two Gaussians: its mean and its standard deviation.

    One mixture a call. There is no closed form: compute the integral by quadrature (not from random draws, which are too
    coarse) and descend from one of the two components, until q is within 0.001 nats of the minimum. Either component will
    do as a start, the middle will not: between two distant modes there is a third minimum, wide and worse than both.
    """


NATS = 1e-3
"""How close to the minimum fit_reverse must come."""
FLAT = 0.02
"""Curvatures below this (nats for a move of one width) count as flat: 0.001 nats cannot tell a minimum from a pass there."""


def reverse_kl(mean: Tensor, std: Tensor, weights: Tensor, means: Tensor, stds: Tensor) -> dict[str, Tensor]:
    """KL[q‖mixture] by quadrature, with its slope and curvature when q moves by u of its widths and widens by e^v."""
    z = torch.linspace(-9, 9, 1441, dtype=torch.float64, device=mean.device)
    mass = Normal(0.0, 1.0).log_prob(z).exp() * (
        z[1] - z[0]
    )  # the trapezoid rule: exact to rounding for smooth integrands
    m, s = mean.double(), std.double()
    x = (m[:, None] + s[:, None] * z)[..., None]  # [rows, nodes, component]
    w, mu, sigma = (item.double()[:, None, :] for item in (weights / weights.sum(-1, keepdim=True), means, stds))
    log_parts = w.log() + Normal(mu, sigma, validate_args=False).log_prob(x)
    log_p = torch.logsumexp(log_parts, -1)
    share, pull = (log_parts - log_p[..., None]).exp(), (mu - x) / sigma**2
    first = (share * pull).sum(-1)  # d log p / dx
    second = (share * (pull**2 - sigma**-2)).sum(-1) - first**2
    s = s[:, None]
    return dict(
        value=(mass * (Normal(0.0, 1.0).log_prob(z) - s.log() - log_p)).sum(-1),
        u=-(mass * s * first).sum(-1),
        v=-1 - (mass * s * z * first).sum(-1),
        uu=-(mass * s**2 * second).sum(-1),
        uv=-(mass * (s * first + s**2 * z * second)).sum(-1),
        vv=-(mass * (s * z * first + s**2 * z**2 * second)).sum(-1),
    )


def at_a_minimum(fit, weights: Tensor, means: Tensor, stds: Tensor) -> list[Evidence]:
    """What is left to gain, ½gᵀH⁻¹g (the Newton decrement), is at most NATS, and KL curves upwards in every direction."""
    mean, std = (x.double() for x in fit(weights, means, stds))
    here = reverse_kl(mean, std.clamp_min(1e-30), weights, means, stds)
    uu, vv = here["uu"] + FLAT, here["vv"] + FLAT
    determinant = uu * vv - here["uv"] ** 2
    left = (vv * here["u"] ** 2 - 2 * here["uv"] * here["u"] * here["v"] + uu * here["v"] ** 2) / (2 * determinant)
    return [
        true(std > 0, what="the standard deviation is positive"),
        true((uu > 0) & (determinant > 0), what="KL[q‖mixture] curves upwards at your q, in every direction"),
        close(left, 0.0, tolerance=NATS, what="nats still to be gained by moving q (½ gᵀH⁻¹g)"),
    ]


@fit_reverse.law(
    points=1, decisive=True,
    where=dict(
        weights=Listed([[0.5, 0.5], [0.6, 0.4], [0.3, 0.7]]),
        means=Listed([[-1.0, 1.0], [40.0, 43.0], [0.0, 0.0]]),
        stds=Listed([[1.0, 1.0], [1.0, 0.6], [0.5, 2.0]]),
    ),
)  # fmt: skip
def is_a_local_minimum(fit, weights, means, stds):
    """Your q is a local minimum of KL[q‖mixture], on three mixtures: by quadrature its gradient g is zero (to within 0.001
    nats, as ½gᵀH⁻¹g) and its Hessian H positive definite."""
    return at_a_minimum(fit, weights, means, stds)


@fit_reverse.law(points=1, where=dict(weights=Simplex(smallest=0.2), means=Reals(-1.2, 1.2), stds=Positive(0.7, 1.4)))
def is_a_local_minimum_on_new_mixtures(fit, weights, means, stds):
    """The same holds for mixtures that nobody has seen before."""
    # They overlap, and so have one minimum with good curvature: at separations where a second minimum is about to appear,
    # any descent is slow, and an honest one that stops in time would be called wrong.
    return at_a_minimum(fit, weights, means, stds)


@fit_reverse.law(
    points=2,
    where=dict(
        weights=Listed([[0.5, 0.5], [0.2, 0.8]]), means=Listed([[-3.0, 3.0], [-5.0, 4.0]]),
        stds=Listed([[1.0, 1.0], [1.5, 0.6]]),
    ),
)  # fmt: skip
def takes_one_of_two_distant_modes(fit, weights, means, stds):
    """Where the components are at least 6σ apart q sits on one of them, and KL[q‖mixture] ≤ −log wₖ for that one: it covers
    one mode and pays for nothing but its weight."""
    mean, std = (x.double() for x in fit(weights, means, stds))
    # Component k itself has KL ≤ −log wₖ, because the mixture is nowhere below wₖ times it, and whoever descends from there
    # has less. The wide minimum between the modes, which by symmetry is always there for equal components, has more.
    mode = ((mean[:, None] - means.double()).abs() / stds.double()).argmin(-1, keepdim=True)
    most = -weights.double().gather(-1, mode)[:, 0].log()
    value = reverse_kl(mean, std.clamp_min(1e-30), weights, means, stds)["value"]
    return at_most(value, most, slack=NATS, what="KL[q‖mixture] against −log wₖ")


@fit_reverse.law(
    points=0,
    where=dict(weights=Listed([[0.6, 0.4]]), means=Listed([[-0.5, 1.0]]), stds=Listed([[1.0, 1.0]])),
)  # fmt: skip
def sits_between_overlapping_modes(fit, weights, means, stds):
    """Where the components overlap, the only minimum lies between them."""
    mean, _ = fit(weights, means, stds)
    lowest, highest = means.amin(-1), means.amax(-1)
    room = (highest - lowest).double() / 10
    return [
        at_least(
            mean,
            lowest.double() + room,
            slack=room / 100,
            what="the mean, and a tenth of the way past the left component",
        ),
        at_most(
            mean,
            highest.double() - room,
            slack=room / 100,
            what="the mean, and a tenth of the way before the right one",
        ),
    ]


@fit_reverse.probe(tolerance=math.sqrt(2 * NATS))
def where_the_search_ends(fit):
    """On three mixtures: the mean, counted in standard deviations of the mixture, and the log of the standard deviation.

    A search may end 0.001 nats above its minimum. At one KL[q‖mixture] curves by exactly 1 as q moves by its width (Stein's
    identity), and on these mixtures by more than that as log σ grows: a mean is then off by at most √(2·0.001) widths of q,
    which is no wider than the mixture, and log σ by less.
    """
    weights = torch.tensor([[0.55, 0.45], [0.6, 0.4], [0.7, 0.3]], dtype=torch.float64)
    means = torch.tensor([[-3.0, 3.0], [-0.5, 1.0], [-4.0, 4.0]], dtype=torch.float64)
    stds = torch.tensor([[1.0, 1.0], [1.0, 1.0], [1.0, 0.5]], dtype=torch.float64)
    mean, std = fit(weights, means, stds)
    return mean / mixture_moments(weights, means, stds)["variance"].sqrt().to(mean), std.log()


def draw_fit(fit, title: str, batched: bool):
    """Four mixtures and the Gaussian that the answer fits to each."""
    from matplotlib.figure import Figure

    weights = torch.tensor([[0.5, 0.5], [0.6, 0.4], [0.7, 0.3], [0.5, 0.5]], dtype=torch.float64)
    means = torch.tensor([[-1.0, 1.0], [-1.5, 1.5], [-2.0, 2.0], [-4.0, 4.0]], dtype=torch.float64)
    stds = torch.tensor([[1.0, 1.0], [1.0, 0.7], [0.7, 0.7], [1.0, 1.0]], dtype=torch.float64)
    x = torch.linspace(-8, 8, 400, dtype=torch.float64)
    figure = Figure(figsize=(8, 5), layout="constrained")
    figure.suptitle(title)
    for row, axes in enumerate(figure.subplots(2, 2, sharex=True).flat):
        mean, std = fit(*(item[row : row + 1] if batched else item[row] for item in (weights, means, stds)))
        mean, std = (torch.as_tensor(value).double().cpu().reshape(()) for value in (mean, std))
        mixture = (weights[row] * Normal(means[row], stds[row]).log_prob(x[:, None]).exp()).sum(-1)
        axes.fill_between(x, mixture, color="C0", alpha=0.3, label="mixture")
        axes.plot(x, Normal(mean, std, validate_args=False).log_prob(x).exp(), color="C3", label="your q")
        axes.set(yticks=[], xlabel="x" if row > 1 else "")
    figure.axes[0].legend()
    return figure


@fit_forward.draw
def forward_covers(fit):
    """The forward fit over four mixtures: it covers both modes."""
    return draw_fit(fit, "argmin KL[mixture‖q]: q must cover whatever the mixture covers", batched=True)


@fit_reverse.draw
def reverse_seeks(fit):
    """The reverse fit over four mixtures: it sits between near modes and takes one of two distant ones."""
    return draw_fit(fit, "argmin KL[q‖mixture]: q must stay where the mixture is", batched=False)
