"""The warm-up: what this week asks, and what every right answer satisfies.

Each exercise is the signature that your function must have; each law below it is a property that is tried on many inputs.
Points lie on the laws that an answer can fail separately. A law without points follows from those that have them: it is
there to tell a wrong answer *what* is wrong with it.

Everything is in nats. Tolerances are the rounding of the terms that an answer adds up: 64·eps·Σ|terms|, where eps is that
of the dtype you were given. "Terms" below are those sums of absolute values.
"""
# pyright: reportUndefinedVariable=false, reportReturnType=false

import math
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Normal

from autograder.answer import Fault
from autograder.derivation.check import Flawed, Task
from autograder.derivation.exercise import derivation, flaw
from autograder.derivation.expression import Density, Unknown
from autograder.derivation.meaning import Setting
from autograder.domains import Covariances, Integers, Listed, Positive, Reals, Simplex
from autograder.evidence import at_least, at_most, close, rounding
from autograder.exercise import Unit

unit = Unit("warm_up", "Warm-up", minutes=120)


# ---- 1. a model small enough to enumerate --------------------------------------------------------------------------------


@unit.exercise(measure="probabilities, and f's own unit", sizes=dict(k=(3, 2, 5, 1), m=(2, 4, 5, 3)), rows=12)
def enumerate_model(
    prior: Float[Tensor, "k"], likelihood: Float[Tensor, "k m"], f: Float[Tensor, "k"]
) -> tuple[Float[Tensor, "m"], Float[Tensor, "m k"], Float[Tensor, "m"]]:
    """p(x), p(z | x) and E[f(z) | x] for every one of the m values of x, from p(z), p(x | z) and f(z).

    Probabilities may be zero; every x has p(x) > 0.
    """


def with_every_x_possible(prior: Tensor, likelihood: Tensor) -> Tensor:
    """The same tables, but the likeliest z gives every x a chance of at least 1/2m."""
    rows = torch.arange(len(prior), device=prior.device)
    likelihood = likelihood.clone()
    likeliest = prior.argmax(-1)
    likelihood[rows, likeliest] = likelihood[rows, likeliest] / 2 + 0.5 / likelihood.shape[-1]
    return likelihood


def with_a_rare_x(likelihood: Tensor) -> Tensor:
    """The same tables, but nearly all of the chance of x = 0 goes to x = 1: 2⁻⁶⁰ of it is left."""
    table = likelihood.clone()
    table[..., 0] = likelihood[..., 0] * 2.0**-60
    table[..., 1] = likelihood[..., 1] + likelihood[..., 0]
    return table


def log_sizes(probabilities: Tensor) -> Tensor:
    """1 + 2|log p(x, z)|, and 1 where that is 0: whoever works with logarithms rounds log p(x, z), and the smaller log p(x)."""
    return 1 - 2 * torch.where(probabilities > 0, probabilities, 1.0).log()


@enumerate_model.law(points=2, decisive=True, where=dict(prior=Simplex(zeros=True), likelihood=Simplex(), f=Reals()))
def factorises_the_other_way_round(model, prior, likelihood, f):
    """p(x) p(z | x) = p(z) p(x | z) for every pair (x, z), and for every x the numbers p(z | x) add up to one; also where
    some p(x | z) are zero."""
    sparse = torch.where(likelihood < 0.1, 0.0, likelihood)
    sparse = with_every_x_possible(prior, sparse / sparse.sum(-1, keepdim=True))
    pieces = []
    for table, where in ((likelihood, ""), (sparse, ", zeros in the table")):
        marginal, posterior, _ = model(prior, table, f)
        there = torch.einsum("rk,rkm->rmk", prior.double(), table.double())
        back, sizes = posterior.double() * marginal.double().unsqueeze(-1), log_sizes(there)
        total = posterior.double().sum(-1).to(prior.dtype)
        pieces += [
            close(back.to(prior.dtype), there, tolerance=rounding(there * sizes, prior), what=f"p(x) p(z | x){where}"),
            close(total, 1.0, terms=sizes.flatten(1).amax(1), what=f"the sum of p(z | x) over z{where}"),
        ]
    return pieces


@enumerate_model.law(points=2, where=dict(prior=Simplex(zeros=True), likelihood=Simplex(zeros=True), f=Reals()))
def averages_under_the_posterior(model, prior, likelihood, f):
    """E[f(z) | x] weighs f(z) by how probable z has become: times p(x), it is the sum of p(z) p(x | z) f(z) over z; also for
    an x that is hardly ever seen."""
    likelihood = with_every_x_possible(prior, likelihood)
    pieces = []
    for table, where in ((likelihood, ""), (with_a_rare_x(likelihood), ", x = 0 as good as never")):
        marginal, _, expectation = model(prior, table, f)
        joint = torch.einsum("rk,rkm->rmk", prior.double(), table.double())
        terms = (joint * log_sizes(joint) * f.double().abs().unsqueeze(1)).sum(-1)
        got = (expectation.double() * marginal.double()).to(prior.dtype)
        exact = (joint @ f.double().unsqueeze(-1)).squeeze(-1)
        pieces.append(close(got, exact, tolerance=rounding(terms, prior), what=f"p(x) E[f(z) | x]{where}"))
    return pieces


@enumerate_model.law(points=0, where=dict(prior=Simplex(zeros=True), likelihood=Simplex(zeros=True), f=Reals()))
def what_x_teaches_averages_out(model, prior, likelihood, f):
    """The p(x) add up to one, and the average of p(z | x) over x, weighted by p(x), is p(z) again."""
    likelihood = with_every_x_possible(prior, likelihood)
    marginal, posterior, _ = model(prior, likelihood, f)
    back = torch.einsum("rm,rmk->rk", marginal.double(), posterior.double())
    terms = log_sizes(torch.einsum("rk,rkm->rkm", prior.double(), likelihood.double())).flatten(1).amax(1)
    return [
        close(marginal.double().sum(-1).to(prior.dtype), 1.0, terms=terms, what="the sum of p(x)"),
        close(back.to(prior.dtype), prior.double(), terms=terms, what="the average of p(z | x)"),
    ]


@enumerate_model.law(
    points=0, sizes={},
    where=dict(
        prior=Listed([[1 / 2, 1 / 3, 1 / 6]], shape="k"),
        likelihood=Listed([[[3 / 4, 1 / 4], [1 / 2, 1 / 2], [1 / 4, 3 / 4]]], shape="k m"),
        f=Listed([[0.0, 1.0, 2.0]], shape="k"),
        p_x=Listed([[7 / 12, 5 / 12]]),
        p_z_given_x=Listed([[[9 / 14, 4 / 14, 1 / 14], [3 / 10, 4 / 10, 3 / 10]]]),
        mean_z=Listed([[3 / 7, 1.0]]),
    ),
)  # fmt: skip
def small_model_by_hand(model, prior, likelihood, f, p_x, p_z_given_x, mean_z):
    """In the course's small model p(x) = (7/12, 5/12), p(z | x=0) = (9, 4, 1)/14, p(z | x=1) = (3, 4, 3)/10, and the mean of z
    is 3/7 after x = 0 and 1 after x = 1."""
    marginal, posterior, expectation = model(prior, likelihood, f)
    four = torch.full((1,), 4.0, dtype=torch.float64, device=prior.device)
    return [
        close(marginal, p_x.double(), terms=four, what="p(x)"),
        close(posterior, p_z_given_x.double(), terms=four, what="p(z | x)"),
        close(expectation, mean_z.double(), terms=four, what="E[z | x]"),
    ]


@enumerate_model.law(
    points=0, sizes={},
    where=dict(
        prior=Listed([[1 / 2, 1 / 3, 1 / 6]], shape="k"),
        likelihood=Listed([[[1e-18, 1.0], [2e-18, 1.0], [3e-18, 1.0]]], shape="k m"),
        f=Listed([[0.0, 1.0, 2.0]], shape="k"),
        p_z_given_x=Listed([[[3 / 10, 4 / 10, 3 / 10], [1 / 2, 1 / 3, 1 / 6]]]),
        mean_z=Listed([[1.0, 2 / 3]]),
    ),
)  # fmt: skip
def rare_teaches_as_much(model, prior, likelihood, f, p_z_given_x, mean_z):
    """How rare x is does not matter to what it teaches: with p(x=0 | z) = (1, 2, 3)·10⁻¹⁸ and the small model's prior,
    p(z | x=0) = (3, 4, 3)/10, and the mean of z is 1. After x = 1 nothing has changed."""
    _, posterior, expectation = model(prior, likelihood, f)
    hundred = torch.full(
        (1,), 100.0, dtype=torch.float64, device=prior.device
    )  # whoever takes logarithms adds up −41 and the like
    return [
        close(posterior, p_z_given_x.double(), terms=hundred, what="p(z | x)"),
        close(expectation, mean_z.double(), terms=hundred, what="E[z | x]"),
    ]


SMALL = Setting(sizes=(("x", 2), ("z", 3)), p=(Density("p", ("z",)), Density("p", ("x",), ("z",))))
"""x and z as in the small model, with any probabilities but zero."""
BAYES = Task(
    start="log(p(z | x))", relation="=", end="log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))", setting=SMALL,
    rules=("product rule", "marginal"),
)  # fmt: skip


@derivation(unit, BAYES, points=4)
def posterior_by_bayes() -> str:
    """log p(z | x) from the prior and the likelihood, line by line, each with the rule by which it follows."""


# ---- 2. sums of exponentials ---------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="nats, two numbers a row", sizes=dict(k=(2, 3, 50, 1)), rows=200)
def log_sum_and_mean_exp(a: Float[Tensor, "n k"]) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"]]:
    """(log Σⱼ exp aⱼ, log of the mean of exp aⱼ) over the k entries of every row, in nats.

    However large or small the entries are, −∞ and +∞ among them: a row of −∞ alone gives −∞, a row with +∞ in it gives +∞.
    Differentiable, also where some entries are −∞.
    """


INF = math.inf
LOG_SUM_PROBE = (
    [[0.0, 1.0, 2.0], [-3.0, 0.5, 0.25], [30.0, 29.0, -30.0]],
    [[1e4, 1e4 - 1, 1e4 - 3], [-1e4, -1e4 - 2, -1e4 + 1], [3.0, 1.0, 2.0]],
    [[-INF, -INF, -INF], [-INF, -INF, 2.0], [1.0, -INF, 2.0]],
    [[INF, 0.0, -INF], [INF, INF, 1.0], [0.5, 1.0, 1.5]],
)


@log_sum_and_mean_exp.probe()
def what_comes_back_and_its_slope(answer):
    """Values near zero, far out and at infinity; slopes near zero, far out and beside −∞."""
    tables = [torch.tensor(rows, dtype=torch.float64, device=answer.device) for rows in LOG_SUM_PROBE]
    values = [answer(table) for table in tables]
    beside_infinity = tables[2][1:]
    return values, [slope_or_nothing(answer, table) for table in (tables[0], tables[1], beside_infinity)]


def slope_or_nothing(answer, a: Tensor) -> Tensor:
    """The gradient of log Σ exp a; zeros where autograd cannot go through."""
    try:
        return answer.gradient(a, wrt="a")
    except Fault as fault:
        if fault.kind != "undifferentiable":
            raise
        return torch.zeros_like(a)


def one_after_the_other(a: Tensor) -> Tensor:
    """log Σ exp by adding one entry at a time to what there is, in float64."""
    total = torch.full_like(a[:, 0], -INF, dtype=torch.float64)
    for column in a.double().unbind(1):
        total = torch.logaddexp(total, column)
    return total


def exponents(a: Tensor) -> Tensor:
    """1 + log k + max|aⱼ| over the finite entries: exp of a rounded a is off by |a|·eps of itself."""
    return 1 + math.log(a.shape[1]) + torch.where(a.isfinite(), a, 0.0).double().abs().amax(1)


def both_logs(answer, a: Tensor, what: str = "") -> list:
    """log sum and log mean against the sum that grows by one entry at a time."""
    log_sum, log_mean = answer(a)
    exact, terms = one_after_the_other(a), exponents(a)
    return [
        close(log_sum, exact, terms=terms, what=f"log Σ exp a{what}"),
        close(log_mean, exact - math.log(a.shape[1]), terms=terms, what=f"log of the mean of exp a{what}"),
    ]


def weights_of_entries(answer, a: Tensor, what: str = ""):
    """The gradient of either logarithm: entry j's share of the sum."""
    shares, terms = torch.softmax(a.double(), 1), exponents(a)
    return [
        close(answer.gradient(a, wrt="a"), shares, terms=terms, what=f"the gradient of log Σ exp a{what}"),
        close(
            answer.gradient(a, wrt="a", output=1),
            shares,
            terms=terms,
            what=f"the gradient of the log of the mean{what}",
        ),
    ]


@log_sum_and_mean_exp.law(points=2, decisive=True, where=dict(a=Reals(-30, 30)))
def agrees_with_adding_one_by_one(answer, a):
    """Both are logarithms of what adding up exp a₁, exp a₂, … gives, and the slope in aⱼ is exp aⱼ's share of the sum (tried
    for entries from −30 to 30)."""
    return [*both_logs(answer, a), *weights_of_entries(answer, a)]


@log_sum_and_mean_exp.law(
    points=2, sizes=dict(k=(3, 6)), rows=100,
    where=dict(
        a=Reals(-1e4, 1e4), near=Reals(-3, 3, shape="k"), centre=Reals(-1e6, 1e6, shape=""), kind=Integers(0, 4, shape="k")
    ),
)  # fmt: skip
def right_far_out_and_at_infinity(answer, a, near, centre, kind):
    """Values and slopes stay right for entries of ±10,000 and beyond; an entry −∞ adds nothing and has slope 0, a row of −∞
    alone gives −∞, and a row with an entry +∞ gives +∞."""
    crowded = near + centre[:, None]
    some_out = torch.where(kind < 2, -INF, a)
    one_left = torch.where(torch.arange(a.shape[1], device=a.device) == a.shape[1] - 1, a, some_out)
    some_huge = torch.where(kind == 2, INF, some_out)
    return [
        *both_logs(answer, a), *both_logs(answer, crowded, ", all entries close together far out"),
        *both_logs(answer, a * 1e25, ", entries of 1e29"),
        *both_logs(answer, some_out, ", −∞ among the entries"),
        *both_logs(answer, torch.full_like(a, -INF), ", all entries −∞"),
        *both_logs(answer, some_huge, ", −∞ and +∞ among the entries"),
        *weights_of_entries(answer, a), *weights_of_entries(answer, one_left, ", −∞ among the entries"),
    ]  # fmt: skip


@log_sum_and_mean_exp.law(points=0, where=dict(a=Reals(-30, 30)))
def between_the_largest_and_its_k_fold(answer, a):
    """The log-mean lies between the plain mean of a (Jensen) and the largest entry, the log-sum between that and log k more."""
    log_sum, log_mean = answer(a)
    largest, slack = a.double().amax(1), rounding(exponents(a), log_sum)
    return [
        at_least(log_mean, a.double().mean(1), slack=slack, what="log of the mean of exp a"),
        at_most(log_mean, largest, slack=slack, what="log of the mean of exp a"),
        at_least(log_sum, largest, slack=slack, what="log Σ exp a"),
        at_most(log_sum, largest + math.log(a.shape[1]), slack=slack, what="log Σ exp a"),
    ]


@log_sum_and_mean_exp.law(
    points=0, sizes={},
    where=dict(
        a=Listed([[math.log(3 / 8), math.log(1 / 6), math.log(1 / 24)], [math.log(1 / 8), math.log(1 / 6), math.log(1 / 8)]]),
        log_p_x=Listed([math.log(7 / 12), math.log(5 / 12)]),
    ),
)  # fmt: skip
def evidence_of_the_small_model(answer, a, log_p_x):
    """With aⱼ = log p(z = j) + log p(x | z = j) of the small model, log Σ exp a is log p(x): log 7/12 for x = 0, log 5/12 for
    x = 1."""
    log_sum, _ = answer(a)
    return close(log_sum, log_p_x.double(), terms=exponents(a), what="log p(x)")


# ---- 3. densities by broadcasting ----------------------------------------------------------------------------------------


@unit.exercise(
    measure="nats, summed over d", sizes=dict(n=(4, 3, 1), k=(2, 3, 5), d=(5, 2, 1)), rows=12
)  # fmt: skip
def log_density_of_all(
    x: Float[Tensor, "n d"], mu: Float[Tensor, "k d"], log_var: Float[Tensor, "k d"]
) -> Float[Tensor, "n k"]:
    """log N(xᵢ; μⱼ, diag σⱼ²) for every point i and every Gaussian j, in nats, from log-variances log σ².

    Summed over the d dimensions. It will be part of a training loss: keep it differentiable.
    """


def point_by_point(x: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    """torch.distributions, asked for one Gaussian after the other."""
    gaussians = [
        Normal(centre.unsqueeze(1), half.exp().unsqueeze(1))
        for centre, half in zip(mu.unbind(1), (log_var / 2).unbind(1), strict=True)
    ]
    return torch.stack([gaussian.log_prob(x).sum(-1) for gaussian in gaussians], -1)


def density_terms(x: Tensor, mu: Tensor, log_var: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For every point, Gaussian and dimension: |x| + |μ|, 1/σ², and 1 + |log σ²|, since exp(t) of a rounded t is off by |t|·eps
    of itself."""
    reach = x.double().abs().unsqueeze(2) + mu.double().abs().unsqueeze(1)
    log_var = log_var.double().unsqueeze(1)
    return reach, (-log_var).exp(), 1 + log_var.abs()


@log_density_of_all.law(points=2, decisive=True, where=dict(x=Reals(), mu=Reals(), log_var=Reals(-30, 30)))
def agrees_with_one_at_a_time(log_density, x, mu, log_var):
    """Row i, column j is the log-density of point i under Gaussian j, as torch.distributions has it (σ² from e⁻³⁰ to e³⁰)."""
    reach, narrow, more = density_terms(x, mu, log_var)
    terms = (2 + more + more * reach**2 * narrow).sum(-1)
    exact = point_by_point(x.double(), mu.double(), log_var.double())
    return close(log_density(x, mu, log_var), exact, tolerance=rounding(terms, x))


@log_density_of_all.law(
    points=2,
    rows=6,
    sizes=dict(n=(4, 1), k=(3, 2), d=(2, 3)),
    where=dict(x=Reals(), mu=Reals(), log_var=Reals(-30, 30)),
)
def slopes_are_those_of_the_log_density(log_density, x, mu, log_var):
    """Autograd through your function gives the slopes of the log-densities in x, μ and log σ²: nothing is detached or clamped."""
    inputs = dict(x=x, mu=mu, log_var=log_var)
    leaves = [value.double().clone().requires_grad_() for value in inputs.values()]
    exact = torch.autograd.grad(point_by_point(*leaves).sum(), leaves)
    reach, narrow, more = density_terms(x, mu, log_var)
    of_means, of_variances = more * reach * narrow, more * (1 + reach**2 * narrow)
    terms = of_means.sum(2), of_means.sum(1), of_variances.sum(1)
    return [
        close(
            log_density.gradient(*inputs.values(), wrt=name), slope, tolerance=rounding(term, x),
            what=f"the gradient with respect to {name}",
        )
        for name, slope, term in zip(inputs, exact, terms, strict=True)
    ]  # fmt: skip


@log_density_of_all.law(
    points=0, sizes=dict(k=(3, 1), d=(1, 1)), rows=8, where=dict(mu=Reals(-3, 3), log_var=Reals(-1.5, 1.5))
)
def every_density_has_area_one(log_density, mu, log_var):
    """In one dimension the area under each exp(log-density) is 1."""
    # Means within ±3 and σ between 0.47 and 2.1, or 0.22 and 4.5 for whoever reads log σ² as log σ: the grid reaches ten σ
    # beyond every mean, in steps of less than half a σ. Where there is density, exponents come from terms below 300.
    grid = torch.linspace(-48, 48, 961, dtype=mu.dtype, device=mu.device)
    got = log_density(grid[None, :, None].expand(len(mu), -1, 1).contiguous(), mu, log_var)
    area = got.double().exp().sum(1) * 0.1
    return close(area.to(mu.dtype), 1.0, terms=torch.full_like(area[:, 0], 300.0), what="the area under a density")


# ---- 4. conditioning -----------------------------------------------------------------------------------------------------


@unit.exercise(
    batch="n", measure="units of a, and their squares", sizes=dict(a=(2, 1, 3, 2), b=(2, 1, 1, 3)), rows=100
)  # fmt: skip
def condition_gaussian(
    mu_a: Float[Tensor, "n a"], mu_b: Float[Tensor, "n b"], cov_aa: Float[Tensor, "n a a"], cov_ab: Float[Tensor, "n a b"],
    cov_bb: Float[Tensor, "n b b"], x_b: Float[Tensor, "n b"],
) -> tuple[Float[Tensor, "n a"], Float[Tensor, "n a a"]]:  # fmt: skip
    """Mean and covariance of p(a | b = x_b), row by row, where (a, b) is jointly Gaussian with these means and blocks.

    The joint covariance is positive definite; cov_ab has a row for every entry of a and a column for every entry of b.
    """


def norm(matrix: Tensor) -> Tensor:
    return torch.linalg.matrix_norm(matrix)


def from_b(gain: Tensor, left: Tensor, cov_bb: Tensor) -> tuple[Tensor, Tensor]:
    """The blocks cov_aa and cov_ab of a = gain·b + noise of covariance `left`, in the dtype of the inputs."""
    gain64, cov64 = gain.double(), cov_bb.double()
    cov_ab = gain64 @ cov64
    cov_aa = left.double() + cov_ab @ gain64.mT
    return ((cov_aa + cov_aa.mT) / 2).to(gain.dtype), cov_ab.to(gain.dtype)


@condition_gaussian.law(
    points=4, decisive=True,
    where=dict(
        mu_a=Reals(), mu_b=Reals(), cov_bb=Covariances(), x_b=Reals(), gain=Reals(-3, 3, shape="a b"),
        left=Covariances(shape="a a"), scale=Positive(1e-4, 1e4, shape=""),
        ridge=Positive(1e-3, 1, shape=""),
    ),
)  # fmt: skip
def undoes_how_a_was_made(condition, mu_a, mu_b, cov_bb, x_b, gain, left, scale, ridge):
    """If a = μ_a + G (b − μ_b) + noise, then p(a | b = x) has the mean μ_a + G (x − μ_b) and the noise's covariance, whatever
    the units of a and b."""
    eye_a, eye_b = (torch.eye(m.shape[-1], dtype=m.dtype, device=m.device) for m in (left, cov_bb))
    power = scale.log2().round().exp2()  # changing units by a power of two rounds nothing
    mu_a, mu_b, x_b = (power[:, None] * value for value in (mu_a, mu_b, x_b))
    squared, nugget = power[:, None, None] ** 2, ridge[:, None, None]
    # In every other row the entries of b are nearly alike, and vary together.
    alike = (torch.arange(len(scale), device=scale.device) % 2 == 1)[:, None, None]
    nugget = (
        torch.where(alike, nugget**3, nugget) if nugget.dtype == torch.float64 else nugget
    )  # float64 holds closer ones
    cov_bb = torch.where(alike, 1 + nugget * cov_bb, cov_bb)
    left, cov_bb = squared * (left + nugget * eye_a), squared * (cov_bb + nugget * eye_b)
    cov_aa, cov_ab = from_b(gain, left, cov_bb)
    mean, cov = condition(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b)
    exact = mu_a.double() + (gain.double() @ (x_b.double() - mu_b.double()).unsqueeze(-1)).squeeze(-1)
    # G is found by solving with a rounded cov_bb, or with the whole joint covariance: κ of it multiplies eps.
    top = torch.cat([cov_aa, cov_ab], 2)
    joint = torch.cat([top, torch.cat([cov_ab.mT, cov_bb], 2)], 1).double()
    kappa = torch.linalg.cond(joint)
    steps = norm(gain.double())
    way = x_b.double().norm(dim=1) + mu_b.double().norm(dim=1)
    return [
        close(mean, exact, terms=mu_a.double().norm(dim=1) + kappa * (1 + steps) * way, what="the mean"),
        close(
            cov,
            left.double(),
            terms=kappa * (norm(cov_aa.double()) + steps * norm(cov_ab.double())),
            what="the covariance",
        ),
    ]


def block(*rows: tuple[float, ...]) -> list[list[float]]:
    return [list(row) for row in rows]


WITH_TWO_EACH = dict(
    mu_a=Listed([[1.0, -1.0], [0.0, 2.0], [3.0, 0.5], [-2.0, 1.0]]),
    mu_b=Listed([[2.0, 0.5], [-1.0, 1.0], [0.25, -2.0], [1.0, 3.0]]),
    cov_aa=Listed([block((3, 2.5), (2.5, 10)), block((14, 4), (4, 5)), block((9, 4), (4, 12)), block((5, 1), (1, 4))]),
    cov_ab=Listed([block((1, -1), (4, 2)), block((5, 3), (1, 2)), block((2, 3), (3, -2)), block((0, 2), (3, 0))]),
    cov_bb=Listed([block((2, 1), (1, 2)), block((3, 1), (1, 2)), block((2, 1), (1, 4)), block((4, -1), (-1, 2))]),
    x_b=Listed([[1.0, 2.0], [-3.0, 0.5], [2.0, 1.0], [0.0, -1.0]]),
)
"""Two entries of a and two of b, in whole numbers."""


@condition_gaussian.probe()
def what_comes_back_in_two_units(condition):
    """The rows above, as they are and with a and b measured in units 1024 times as large."""
    inputs = {name: listed.tensor().to(condition.device) for name, listed in WITH_TWO_EACH.items()}
    large = {name: value / (1024.0**2 if name.startswith("cov") else 1024.0) for name, value in inputs.items()}
    mean, cov = condition(*large.values())
    return condition(*inputs.values()), mean * 1024, cov * 1024**2


@condition_gaussian.law(points=0, sizes={}, where=WITH_TWO_EACH)
def what_b_explains_and_what_is_left(condition, mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b):
    """The mean follows x_b on a straight line, which goes through μ_a at x_b = μ_b; its covariance over x_b = b, plus the
    covariance that is left, is cov_aa: what b explains and what it does not make up the whole."""
    at_rest, left = condition(mu_a, mu_b, cov_aa, cov_ab, cov_bb, mu_b)
    steps = torch.eye(mu_b.shape[1], dtype=mu_b.dtype, device=mu_b.device)
    columns = [(condition(mu_a, mu_b, cov_aa, cov_ab, cov_bb, mu_b + s)[0] - at_rest).double() for s in steps]
    _, left_at_x = condition(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b)
    line = torch.stack(columns, -1)
    explained = line @ cov_bb.double() @ line.mT
    hundred = torch.full((len(mu_a),), 100.0, dtype=torch.float64, device=mu_a.device)
    return [
        close(at_rest, mu_a.double(), terms=hundred, what="the mean at x_b = μ_b"),
        close(left_at_x, left.double(), terms=hundred, what="the covariance, at another x_b"),
        close(
            (explained + left.double()).to(mu_a.dtype), cov_aa.double(), terms=3 * hundred, what="explained + left over"
        ),
    ]  # fmt: skip


@condition_gaussian.law(
    points=0, sizes={},
    where=dict(
        mu_a=Listed([[0.0], [1.0], [0.0]]), mu_b=Listed([[0.0], [-1.0], [2.0]]), cov_aa=Listed([[[1.0]], [[4.0]], [[9.0]]]),
        cov_ab=Listed([[[0.5]], [[-1.5]], [[3.0]]]), cov_bb=Listed([[[1.0]], [[1.0]], [[4.0]]]),
        x_b=Listed([[2.0], [1.0], [0.0]]), mean=Listed([[1.0], [-2.0], [-1.5]]), cov=Listed([[[0.75]], [[1.75]], [[6.75]]]),
    ),
)  # fmt: skip
def two_numbers_by_hand(condition, mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b, mean, cov):
    """For two numbers the mean is μ_a + c (x_b − μ_b)/σ_b² with c their covariance, and the variance (1 − ρ²) σ_a²."""
    got_mean, got_cov = condition(mu_a, mu_b, cov_aa, cov_ab, cov_bb, x_b)
    thirty = torch.full((len(mu_a),), 30.0, dtype=torch.float64, device=mu_a.device)
    return [
        close(got_mean, mean.double(), terms=thirty, what="the mean"),
        close(got_cov, cov.double(), terms=thirty, what="the variance"),
    ]


# ---- 5. the product of two Gaussians -------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="units of x, their squares, nats summed over d", sizes=dict(d=(1, 2, 5)), rows=200)
def gaussian_product(
    mu_1: Float[Tensor, "n d"], var_1: Float[Tensor, "n d"], mu_2: Float[Tensor, "n d"], var_2: Float[Tensor, "n d"]
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"], Float[Tensor, "n"]]:
    """(μ, σ², log Z) with N(x; μ₁, σ₁²)·N(x; μ₂, σ₂²) = Z·N(x; μ, σ²), for diagonal Gaussians given by means and variances.

    log Z in nats, summed over the d dimensions, one number a row.
    """


def log_product(x: Tensor, mu_1: Tensor, var_1: Tensor, mu_2: Tensor, var_2: Tensor) -> Tensor:
    """log N(x; μ₁, σ₁²) + log N(x; μ₂, σ₂²), dimension by dimension, in float64."""
    one, two = (Normal(mu.double(), var.double().sqrt()) for mu, var in ((mu_1, var_1), (mu_2, var_2)))
    return one.log_prob(x.double()) + two.log_prob(x.double())


@gaussian_product.law(
    points=2, decisive=True, where=dict(mu_1=Reals(), var_1=Positive(1e-6, 1e6), mu_2=Reals(), var_2=Positive(1e-6, 1e6))
)  # fmt: skip
def peak_and_curvature_of_the_product(product, mu_1, var_1, mu_2, var_2):
    """The product of the densities is highest at μ, and its logarithm curves down there by 1/σ²."""
    mu, var, _ = product(mu_1, var_1, mu_2, var_2)
    x = mu_1.double().clone().requires_grad_()
    (slope,) = torch.autograd.grad(log_product(x, mu_1, var_1, mu_2, var_2).sum(), x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), x)
    peak = (x - slope / curvature).detach()  # log-densities of Gaussians are parabolas: Newton's method needs one step
    sizes = 1 + mu_1.double().abs() + mu_2.double().abs()
    return [
        close(mu, peak, tolerance=rounding(sizes, mu), what="μ"),
        # A Kalman filter writes σ² as σ₁² minus what was learnt, and rounds at σ₁².
        close(var, -1 / curvature, tolerance=rounding(var_1 + var_2, var), what="σ²"),
    ]


def constant_terms(mu_1: Tensor, var_1: Tensor, mu_2: Tensor, var_2: Tensor) -> Tensor:
    """Terms of log Z for whoever reads it off at any point between the means, and at zero."""
    mu_1, var_1, mu_2, var_2 = mu_1.double(), var_1.double(), mu_2.double(), var_2.double()
    squares = (mu_1.abs() + mu_2.abs()) ** 2 * (1 / var_1 + 1 / var_2)
    return (3 + var_1.log().abs() + var_2.log().abs() + squares).sum(-1)


@gaussian_product.law(
    points=2, rows=60, sizes=dict(d=(1, 2, 3)),
    where=dict(
        mu_1=Reals(-3, 3), var_1=Positive(0.05, 20), mu_2=Reals(-3, 3), var_2=Positive(0.05, 20),
        scale=Positive(0.01, 200, shape=""),
    ),
)  # fmt: skip
def z_is_the_area_under_the_product(product, mu_1, var_1, mu_2, var_2, scale):
    """Z is the integral of the product of the two densities over all x; over several dimensions the log Z add up. With x in
    units s times as small, Z is divided by s in every dimension."""
    _, _, log_z = product(mu_1, var_1, mu_2, var_2)
    power = scale.log2().round().exp2()[:, None]  # a power of two: nothing is rounded
    _, _, log_z_scaled = product(power * mu_1, power**2 * var_1, power * mu_2, power**2 * var_2)
    far = mu_1 + 40 * (var_1 + var_2).sqrt()
    _, _, log_z_far = product(mu_1, var_1, far, var_2)
    # The product is no wider than the narrower factor, of σ ≥ 0.22, and not narrower than 0.7 of it. Its mean is at most
    # 6/(2·0.22) < 14 of those σ away, or 40 where the means are 40 √(σ₁² + σ₂²) apart. So a grid over ±50 σ in steps of half
    # a σ gives the area to rounding.
    narrower = var_1 <= var_2
    std = torch.where(narrower, var_1, var_2).double().sqrt()
    steps = torch.arange(-100, 101, dtype=torch.float64, device=mu_1.device)[:, None, None] / 2

    def log_area(mean: Tensor) -> Tensor:
        centre = torch.where(narrower, mu_1, mean).double()
        heights = log_product(centre + std * steps, mu_1, var_1, mean, var_2)
        return (torch.logsumexp(heights, 0) + (std / 2).log()).sum(-1)

    exact = log_area(mu_2)
    terms, moved = constant_terms(mu_1, var_1, mu_2, var_2), mu_1.shape[1] * power[:, 0].double().log()
    return [
        close(log_z, exact, terms=terms, what="log Z"),
        close(log_z_far, log_area(far), terms=constant_terms(mu_1, var_1, far, var_2), what="log Z, means far apart"),
        close(log_z_scaled, exact - moved, terms=terms + 4 * moved.abs(), what="log Z in other units"),
    ]


@gaussian_product.law(
    points=0, rows=100, where=dict(mu_1=Reals(), var_1=Positive(1e-2, 1e2), mu_2=Reals(), var_2=Positive(1e-2, 1e2))
)
def surer_than_either(product, mu_1, var_1, mu_2, var_2):
    """σ² is smaller than both variances, at least half of the smaller one, and μ lies between the means."""
    mu, var, _ = product(mu_1, var_1, mu_2, var_2)
    least = torch.minimum(var_1, var_2).double()
    slack = rounding(var_1 + var_2, var)
    aside = rounding(1 + mu_1.double().abs() + mu_2.double().abs(), mu)
    return [
        at_most(var, least, slack=slack, what="σ²"),
        at_least(var, least / 2, slack=slack, what="σ²"),
        at_most(mu, torch.maximum(mu_1, mu_2).double(), slack=aside, what="μ"),
        at_least(mu, torch.minimum(mu_1, mu_2).double(), slack=aside, what="μ"),
    ]


@gaussian_product.law(
    points=0, rows=100,
    where=dict(
        mu_1=Reals(), var_1=Positive(1e-2, 1e2), mu_2=Reals(), var_2=Positive(1e-2, 1e2),
        x=Reals(-10, 10, shape="d"),
    ),
)  # fmt: skip
def equal_at_every_x(product, mu_1, var_1, mu_2, var_2, x):
    """At any x whatever, log N(x; μ₁, σ₁²) + log N(x; μ₂, σ₂²) = log Z + log N(x; μ, σ²), summed over dimensions."""
    mu, var, log_z = product(mu_1, var_1, mu_2, var_2)
    one = -((x.double() - mu.double()) ** 2) / (2 * var.double()) - (2 * math.pi * var.double()).log() / 2
    left = log_product(x, mu_1, var_1, mu_2, var_2).sum(-1)
    far = x.double().abs() + mu_1.double().abs() + mu_2.double().abs()
    precision = 1 / var_1.double() + 1 / var_2.double()
    worst = (1 + far) ** 2 * precision * (1 + torch.maximum(var_1, var_2) / torch.minimum(var_1, var_2)).double()
    terms = constant_terms(mu_1, var_1, mu_2, var_2) + worst.sum(-1)
    return close((log_z.double() + one.sum(-1)).to(mu.dtype), left, terms=terms, what="log Z + log N(x; μ, σ²)")


# ---- 6. a map that bends space -------------------------------------------------------------------------------------------


@unit.exercise(measure="units of z, a matrix, nats", sizes=dict(n=(1, 4, 2), d=(2, 1, 4)), rows=12)
def planar(
    z: Float[Tensor, "n d"], u: Float[Tensor, "d"], w: Float[Tensor, "d"], b: Float[Tensor, ""]
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d d"], Float[Tensor, "n"]]:
    """x = z + u·tanh(wᵀz + b) for every row of z, with its Jacobian ∂xᵢ/∂zⱼ (row i, column j) and log|det ∂x/∂z| in nats."""


def bent(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """The map itself, for many maps at once, in float64."""
    along = torch.einsum("rnd,rd->rn", z.double(), w.double()) + b.double().unsqueeze(-1)
    return z.double() + u.double().unsqueeze(1) * along.tanh().unsqueeze(-1)


def by_autograd(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """Row i of every Jacobian is the gradient of xᵢ."""
    leaf = z.double().clone().requires_grad_()
    x = bent(leaf, u, w, b)
    rows = [torch.autograd.grad(x[..., i].sum(), leaf, retain_graph=True)[0] for i in range(z.shape[-1])]
    return torch.stack(rows, -2)


def bends_like_its_gradient(planar, z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> list:
    """The three results against autograd, with tolerances that know how near to zero the determinant is."""
    x, jacobian, log_abs_det = planar(z, u, w, b)
    exact = by_autograd(z, u, w, b)
    sign_and_log = torch.linalg.slogdet(exact)
    size_u, size_w = u.double().norm(dim=-1)[:, None], w.double().norm(dim=-1)[:, None]
    along = 1 + torch.einsum("rnd,rd->rn", z.double().abs(), w.double().abs()) + b.double().abs()[:, None]
    bend = size_u * size_w * along
    spread = (1 + size_u * size_w) * (1 + bend) / sign_and_log.logabsdet.exp()  # 1/|det| multiplies whatever is rounded
    return [
        close(x, bent(z, u, w, b), tolerance=rounding(z.double().abs() + (size_u * along)[..., None], z), what="x"),
        close(
            jacobian, exact, tolerance=rounding((1 + bend)[..., None, None].expand_as(exact), z), what="the Jacobian"
        ),
        close(log_abs_det, sign_and_log.logabsdet, tolerance=rounding(z.shape[-1] * spread, z), what="log|det|"),
    ]


@planar.law(points=2, decisive=True, where=dict(z=Reals(-1e3, 1e3), u=Reals(-2, 2), w=Reals(-2, 2), b=Reals(-3, 3)))
def agrees_with_autograd(planar, z, u, w, b):
    """x is the map, the Jacobian is what autograd finds through it, and log|det| is the logarithm of its determinant (u and w
    at an angle of at most 90°: nothing folds)."""
    falling = (u * w).sum(-1) < 0
    return bends_like_its_gradient(planar, z, torch.where(falling[:, None], -u, u), w, b)


@planar.law(points=2, where=dict(z=Reals(-3, 3), u=Reals(-2, 2), w=Reals(-2, 2), b=Reals(-3, 3)))
def a_fold_has_a_volume_too(planar, z, u, w, b):
    """Where u points against w the map may fold space, and its determinant is negative: the volume is its absolute value, so
    log|det| is a real number there too."""
    rising = (u * w).sum(-1) > 0
    u = torch.where(rising[:, None], -u, u)
    # Between folded and unfolded the determinant is zero. Points that come near it are moved on to where little is bent.
    near = torch.linalg.det(by_autograd(z, u, w, b)).abs() < 0.1
    along = torch.einsum("rnd,rd->rn", z, w) + b[:, None]
    length = (w * w).sum(-1)[:, None].clamp_min(0.01)
    away = torch.where(near, torch.where(along < 0, -5.0, 5.0) / length, 0.0).to(z.dtype)
    return bends_like_its_gradient(planar, z + away[..., None] * w[:, None], u, w, b)


@planar.law(
    points=0, sizes={},
    where=dict(
        z=Listed([[[0.0, 1.0]], [[1.0, 0.0]], [[2.0, -1.0]]]), u=Listed([[1.0, 0.0], [-3.0, 1.0], [0.0, 2.0]]),
        w=Listed([[2.0, 0.0], [1.0, 0.0], [1.0, 1.0]]), b=Listed([0.0, -1.0, -1.0]),
        matrix=Listed([[[[3.0, 0.0], [0.0, 1.0]]], [[[-2.0, 0.0], [1.0, 1.0]]], [[[1.0, 0.0], [2.0, 3.0]]]]),
        log_abs_det=Listed([[math.log(3)], [math.log(2)], [math.log(3)]]),
    ),
)  # fmt: skip
def by_hand_where_tanh_is_steepest(planar, z, u, w, b, matrix, log_abs_det):
    """Where wᵀz + b = 0, tanh has slope 1: the Jacobian is the identity with uᵢwⱼ added, and no point moves."""
    x, jacobian, got = planar(z, u, w, b)
    ten = torch.full((len(z),), 10.0, dtype=torch.float64, device=z.device)
    return [
        close(x, z.double(), terms=ten, what="x"),
        close(jacobian, matrix.double(), terms=ten, what="the Jacobian"),
        close(got, log_abs_det.double(), terms=ten, what="log|det|"),
    ]


@planar.law(
    points=0,
    where=dict(z=Reals(-2, 2), u=Reals(-2, 2), w=Reals(-2, 2), b=Reals(-2, 2)),
    rows=4,
    sizes=dict(n=(2,), d=(2,)),
)
def jacobian_is_the_slope_of_x(planar, z, u, w, b):
    """Moving z by ±h along one axis moves your own x by 2h times that column of your Jacobian."""
    z, u, w, b, h = z.double(), u.double(), w.double(), b.double(), 1e-4
    _, jacobian, _ = planar(z, u, w, b)
    # Central differences err by h²/6·|u|·|w|³·2; twenty times that, and the rounding of x over h.
    size_u, size_w = u.norm(dim=-1), w.norm(dim=-1)
    size_z = 1 + z.abs().flatten(1).amax(1) * (1 + size_w) * (1 + size_u) + size_u
    tolerance = 20 * h**2 / 3 * size_u * size_w**3 + rounding(size_z, z) / h
    pieces = []
    for axis in range(z.shape[-1]):
        step = torch.zeros_like(z)
        step[..., axis] = h
        slope = (planar(z + step, u, w, b)[0] - planar(z - step, u, w, b)[0]) / (2 * h)
        pieces.append(close(jacobian[..., axis], slope, tolerance=tolerance, what=f"column {axis + 1} of the Jacobian"))
    return pieces


# ---- optional ------------------------------------------------------------------------------------------------------------

FLAWED = Flawed(
    Task(
        start="E(p(z | x), f(z))", relation="=", end="E(p(z), p(x | z)*f(z))/E(p(z), p(x | z))",
        setting=replace(SMALL, functions=(Unknown("f", ("z",)),)),
        rules=("product rule", "marginal", "linearity", "expectation"),
    ),
    """
    E(p(z | x), f(z))
    = sum(z, p(z | x)*f(z))                                       # expectation
    = sum(z, p(x, z)*f(z)/p(x))                                   # product rule
    = sum(z, p(x, z)*f(z))/p(x)                                   # linearity
    = sum(z, p(x, z)*f(z))/sum(z, p(x, z))                        # marginal
    = sum(z, p(z)*p(x | z)*f(z))/sum(z, p(z)*p(x | z))            # product rule
    = E(p(z | x), p(x | z)*f(z))/E(p(z | x), p(x | z))            # expectation
    """,
    line=7,
)  # fmt: skip
"""Averages under the posterior from averages under the prior, as importance sampling has them."""


@flaw(unit, FLAWED, optional=True)
def find_the_flaw() -> tuple[int, str]:
    """The number of the line that is wrong (the first line has number 1), and the line as it should be, with its rule."""
