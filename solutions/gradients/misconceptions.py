"""Wrong answers that people really give, with the belief behind each, and right ones written another way.

From issues filed against training code, from lecture notes, and from what students hand in. `caught_by` names the laws that
always catch it, `may_break` those that may.
"""

import math

import torch
import torch.nn.functional as F
from torch.distributions import Categorical, Gamma, Gumbel, Normal, Weibull

from autograder.misconceptions import equivalent, misconception, variation

# ---- discrete_gradient: right --------------------------------------------------------------------------------------------


@variation("discrete_gradient", "a loop over rows and logits in plain Python")
def loop_over_logits(logits, values):
    rows = []
    for row, f in zip(logits.tolist(), values.tolist(), strict=True):
        weights = [math.exp(x - max(row)) for x in row]
        q = [w / sum(weights) for w in weights]
        mean = sum(p * v for p, v in zip(q, f, strict=True))
        rows.append([p * (v - mean) for p, v in zip(q, f, strict=True)])
    return torch.tensor(rows, dtype=logits.dtype)


@variation("discrete_gradient", "autograd through softmax")
def autograd_of_the_mean(logits, values):
    leaf = logits.detach().clone().requires_grad_()
    mean = (torch.softmax(leaf, -1) * values).sum()
    return torch.autograd.grad(mean, leaf)[0]


@variation("discrete_gradient", "the Jacobian of softmax as a matrix")
def jacobian_of_softmax(logits, values):
    q = Categorical(logits=logits).probs
    jacobian = torch.diag_embed(q) - q.unsqueeze(-1) * q.unsqueeze(-2)
    return torch.einsum("nij,nj->ni", jacobian, values)


# ---- discrete_gradient: wrong --------------------------------------------------------------------------------------------


@misconception(
    "discrete_gradient",
    belief="raising a logit changes the probability of its own outcome only",
    story=(
        "q·f comes back, without the average being subtracted. Softmax shares one unit of probability: what one outcome gains "
        "the others lose."
    ),
    caught_by=("agrees_with_autograd", "right_for_extreme_logits", "slopes_add_up_to_zero", "a_constant_has_no_slope",
               "climbs_the_elbo_of_the_small_model"),
)  # fmt: skip
def average_not_subtracted(logits, values):
    return torch.softmax(logits, -1) * values


@misconception(
    "discrete_gradient",
    belief="the Jacobian of softmax is diagonal",
    story="Only ∂qᵢ/∂logitᵢ = qᵢ(1 − qᵢ) is used. Each logit changes all probabilities: ∂qⱼ/∂logitᵢ = −qᵢqⱼ belongs to the sum.",
    caught_by=("agrees_with_autograd", "right_for_extreme_logits", "slopes_add_up_to_zero", "a_constant_has_no_slope",
               "climbs_the_elbo_of_the_small_model"),
)  # fmt: skip
def diagonal_of_the_jacobian(logits, values):
    q = torch.softmax(logits, -1)
    return q * (1 - q) * values


@misconception(
    "discrete_gradient",
    belief="the mean of f to compare with is its plain mean",
    story=(
        "The unweighted mean of f over the outcomes is subtracted. It is E_q[f] that belongs there: what q expects, each "
        "outcome weighted by its probability."
    ),
    caught_by=("agrees_with_autograd", "right_for_extreme_logits", "slopes_add_up_to_zero", "climbs_the_elbo_of_the_small_model"),
)  # fmt: skip
def unweighted_mean(logits, values):
    return torch.softmax(logits, -1) * (values - values.mean(-1, keepdim=True))


@misconception(
    "discrete_gradient",
    belief="how much better than average an outcome is, is the slope",
    story=(
        "f − E_q[f] comes back without the factor q. An outcome that hardly happens hardly matters, so that its logit has "
        "hardly a slope."
    ),
    caught_by=("agrees_with_autograd", "right_for_extreme_logits", "slopes_add_up_to_zero", "climbs_the_elbo_of_the_small_model"),
)  # fmt: skip
def advantage_without_probability(logits, values):
    return values - (torch.softmax(logits, -1) * values).sum(-1, keepdim=True)


@misconception(
    "discrete_gradient",
    belief="gradients point downhill",
    story=(
        "The sign is reversed: this is the gradient of −E_q[f]. Optimisers subtract the gradient by themselves; the gradient "
        "points uphill."
    ),
    caught_by=("agrees_with_autograd", "right_for_extreme_logits", "climbs_the_elbo_of_the_small_model"),
)
def downhill(logits, values):
    q = torch.softmax(logits, -1)
    return q * ((q * values).sum(-1, keepdim=True) - values)


@misconception(
    "discrete_gradient",
    belief="an expectation over k outcomes is divided by k",
    story=(
        "The result is divided by the number of outcomes, as if they were samples. The probabilities are the weights already, "
        "and they add up to one."
    ),
    caught_by=("agrees_with_autograd", "right_for_extreme_logits", "climbs_the_elbo_of_the_small_model"),
)
def divided_by_outcomes(logits, values):
    q = torch.softmax(logits, -1)
    return q * (values - (q * values).sum(-1, keepdim=True)) / logits.shape[-1]


@misconception(
    "discrete_gradient",
    belief="softmax is exp divided by the sum of exp",
    story=(
        "exp of a logit of 1000 is ∞, and ∞/∞ is NaN. torch.softmax subtracts the largest logit first, which changes nothing "
        "but that."
    ),
    caught_by=("right_for_extreme_logits",),
)
def softmax_overflows(logits, values):
    q = logits.exp() / logits.exp().sum(-1, keepdim=True)
    return q * (values - (q * values).sum(-1, keepdim=True))


# ---- reparameterise: right -----------------------------------------------------------------------------------------------


@variation("reparameterise", "a loop over entries")
def loop_over_entries(mu, log_var, eps):
    rows = []
    for i in range(mu.shape[0]):
        rows.append(torch.stack([mu[i, j] + (0.5 * log_var[i, j]).exp() * eps[i, j] for j in range(mu.shape[1])]))
    return torch.stack(rows)


@variation("reparameterise", "an affine transform from torch.distributions")
def affine_transform(mu, log_var, eps):
    sigma = Normal(mu, torch.exp(0.5 * log_var)).stddev
    return torch.distributions.AffineTransform(mu, sigma)(eps)


@variation("reparameterise", "the root of the variance, by addcmul")
def root_of_the_variance(mu, log_var, eps):
    return torch.addcmul(mu, log_var.exp().sqrt(), eps)


# ---- reparameterise: wrong -----------------------------------------------------------------------------------------------


@misconception(
    "reparameterise",
    belief="the encoder gives log σ",
    story=(
        "exp(log_var) is used as σ: it is σ². A sample is scaled by the standard deviation, the root of the variance, "
        "exp(½·log_var)."
    ),
    caught_by=(
        "standardises_to_eps",
        "differentiable_in_both_parameters",
        "right_at_the_limits",
        "has_the_right_moments",
    ),
)
def log_var_as_log_sigma(mu, log_var, eps):
    return mu + log_var.exp() * eps


@misconception(
    "reparameterise",
    belief="log_var is the standard deviation itself",
    story=(
        "The noise is multiplied by log σ², which may well be negative or zero. Take the exponential first; a network gives "
        "the logarithm so that any number will do."
    ),
    caught_by=(
        "standardises_to_eps",
        "differentiable_in_both_parameters",
        "right_at_the_limits",
        "has_the_right_moments",
    ),
    may_break=("each_entry_has_its_own_noise",),
)
def exponential_forgotten(mu, log_var, eps):
    return mu + log_var * eps


@misconception(
    "reparameterise",
    belief="softplus and exp are the same to a network",
    story="σ is made by softplus. That is a fine way to make something positive, but here log_var was promised to be log σ².",
    caught_by=(
        "standardises_to_eps",
        "differentiable_in_both_parameters",
        "right_at_the_limits",
        "has_the_right_moments",
    ),
)
def softplus_for_exp(mu, log_var, eps):
    return mu + F.softplus(log_var) * eps


@misconception(
    "reparameterise",
    belief="one draw of noise serves all dimensions",
    story=(
        "All dimensions of a row use the noise of the first. Each is distributed as it should be, and together they lie on a "
        "line."
    ),
    caught_by=("standardises_to_eps", "right_at_the_limits", "each_entry_has_its_own_noise"),
)  # fmt: skip
def one_eps_for_all_dimensions(mu, log_var, eps):
    return mu + (log_var / 2).exp() * eps[:, :1]


@misconception(
    "reparameterise",
    belief="one draw of noise serves the whole batch",
    story=(
        "All rows use the noise of the first. Their errors then agree instead of averaging out, and a batch is worth no more "
        "than one row."
    ),
    caught_by=("standardises_to_eps", "right_at_the_limits", "each_entry_has_its_own_noise",
               "has_the_right_moments"),
)  # fmt: skip
def one_eps_for_all_rows(mu, log_var, eps):
    return mu + (log_var / 2).exp() * eps[:1]


@misconception(
    "reparameterise",
    belief="only the mean has to be learned through the sample",
    story=(
        "σ is detached, so that its gradient is zero. The samples look right and the training error falls, while the variance "
        "learns nothing from them."
    ),
    caught_by=("differentiable_in_both_parameters",),
)
def detached_sigma(mu, log_var, eps):
    sigma = (log_var / 2).exp().detach()
    return mu + sigma * eps


@misconception(
    "reparameterise",
    belief="a sample is a number like any other",
    story=(
        "The sample is computed outside autograd, by .data, .item() or NumPy. The numbers are right, and no gradient comes "
        "back to either parameter."
    ),
    caught_by=("differentiable_in_both_parameters",),
)
def sample_without_gradient(mu, log_var, eps):
    with torch.no_grad():
        return mu + (log_var / 2).exp() * eps


@misconception(
    "reparameterise",
    belief="noise belongs inside the function, with a fixed seed",
    story=(
        "Noise is drawn inside, from a fixed seed, and the eps that was handed in is ignored. Then every call meets the same "
        "noise, and nobody outside can change it or check it."
    ),
    caught_by=(
        "standardises_to_eps", "right_at_the_limits", "each_entry_has_its_own_noise", "has_the_right_moments",
    ),
)  # fmt: skip
def draws_its_own_noise(mu, log_var, eps):
    noise = torch.randn(eps.shape, generator=torch.Generator().manual_seed(0), dtype=eps.dtype)
    return mu + (log_var / 2).exp() * noise.to(mu.device)


@misconception(
    "reparameterise",
    belief="a small constant makes σ safe",
    story=(
        "A constant is added to σ, which is then never smaller than it. exp is positive by itself; and a very certain encoder "
        "is not as certain any more."
    ),
    caught_by=("standardises_to_eps", "right_at_the_limits", "differentiable_in_both_parameters"),
    may_break=("has_the_right_moments",),
)
def constant_added_to_sigma(mu, log_var, eps):
    return mu + ((log_var / 2).exp() + 1e-3) * eps


@misconception(
    "reparameterise",
    belief="log-variances beyond ±20 are mistakes",
    story=(
        "log_var is clamped, and beyond the limits its gradient is zero: what got there can never come back. Nothing here "
        "needs a limit."
    ),
    caught_by=("differentiable_in_both_parameters", "right_at_the_limits"),
)
def log_var_clamped(mu, log_var, eps):
    return mu + (log_var.clamp(-20, 20) / 2).exp() * eps


@misconception(
    "reparameterise",
    belief="σ scales the mean as well",
    story=(
        "σ·(μ + ε) has the mean σμ. Scale the noise first, then shift it: the last thing that happens to a sample is that μ "
        "is added."
    ),
    caught_by=(
        "standardises_to_eps",
        "differentiable_in_both_parameters",
        "right_at_the_limits",
        "has_the_right_moments",
    ),
)
def mean_scaled_too(mu, log_var, eps):
    return (log_var / 2).exp() * (mu + eps)


# ---- pathwise_gradient: right --------------------------------------------------------------------------------------------


@variation("pathwise_gradient", "a loop over rows, samples and powers in plain Python")
def loop_over_powers(mu, log_var, eps, coefficients):
    along_mu, along_log_var = torch.zeros_like(eps), torch.zeros_like(eps)
    for i in range(eps.shape[0]):
        sigma = math.exp(float(log_var[i]) / 2)
        for j in range(eps.shape[1]):
            z = float(mu[i]) + sigma * float(eps[i, j])
            slope = sum(k * float(coefficients[i, k]) * z ** (k - 1) for k in range(1, coefficients.shape[1]))
            along_mu[i, j] = slope
            along_log_var[i, j] = slope * sigma * float(eps[i, j]) / 2
    return along_mu, along_log_var


@variation("pathwise_gradient", "autograd through the sample, one leaf a sample")
def autograd_through_the_sample(mu, log_var, eps, coefficients):
    mu = mu.unsqueeze(-1).repeat(1, eps.shape[1]).requires_grad_()
    log_var = log_var.unsqueeze(-1).repeat(1, eps.shape[1]).requires_grad_()
    z = mu + (log_var / 2).exp() * eps
    total = coefficients[:, -1:] * torch.ones_like(z)
    for k in reversed(range(coefficients.shape[1] - 1)):  # Horner's scheme
        total = total * z + coefficients[:, k : k + 1]
    return torch.autograd.grad(total.sum(), (mu, log_var))


@variation("pathwise_gradient", "autograd for f alone, the chain rule by hand")
def chain_rule_by_hand(mu, log_var, eps, coefficients):
    shift = torch.exp(log_var[:, None] / 2) * eps
    z = (mu[:, None] + shift).detach().requires_grad_()
    f = torch.stack([coefficients[:, k, None] * z**k for k in range(coefficients.shape[1])])
    slope = torch.autograd.grad(f.sum(), z)[0]
    return slope, slope * shift / 2


# ---- pathwise_gradient: wrong --------------------------------------------------------------------------------------------

ALL_OF_PATHWISE = (
    "slope_along_mu", "slope_along_log_var", "averages_to_the_slope_of_the_mean", "varies_by_four",
)  # fmt: skip


def path(mu, log_var, eps):
    """σ and z = μ + σ·ε."""
    sigma = (log_var / 2).exp().unsqueeze(-1)
    return sigma, mu.unsqueeze(-1) + sigma * eps


def value_at(coefficients, z):
    return torch.stack([coefficients[:, k, None] * z**k for k in range(coefficients.shape[1])]).sum(0)


def slope_at(coefficients, z):
    return torch.stack([k * coefficients[:, k, None] * z ** (k - 1) for k in range(1, coefficients.shape[1])]).sum(0)


@misconception(
    "pathwise_gradient",
    belief="a good sample is pulled by its value",
    story=(
        "f(z) stands where its slope f′(z) belongs. Along the path it matters how f changes as the sample moves, not how "
        "large it is there."
    ),
    caught_by=ALL_OF_PATHWISE,
)
def value_for_slope(mu, log_var, eps, coefficients):
    sigma, z = path(mu, log_var, eps)
    f = value_at(coefficients, z)
    return f, f * sigma * eps / 2


@misconception(
    "pathwise_gradient",
    belief="the parameter is log σ",
    story=(
        "The second slope is that along log σ, f′(z)·σε. log σ² is twice as large as log σ, so that moving it by one moves σ "
        "by half as much."
    ),
    caught_by=("slope_along_log_var", "averages_to_the_slope_of_the_mean"),
)
def slope_along_log_sigma(mu, log_var, eps, coefficients):
    sigma, z = path(mu, log_var, eps)
    slope = slope_at(coefficients, z)
    return slope, slope * sigma * eps


@misconception(
    "pathwise_gradient",
    belief="the parameter is σ",
    story="The second slope is that along σ, f′(z)·ε. The chain has one more link: σ = exp(½ log σ²) and so ∂σ/∂log σ² = σ/2.",
    caught_by=("slope_along_log_var", "averages_to_the_slope_of_the_mean"),
)
def slope_along_sigma(mu, log_var, eps, coefficients):
    _, z = path(mu, log_var, eps)
    slope = slope_at(coefficients, z)
    return slope, slope * eps


@misconception(
    "pathwise_gradient",
    belief="∂z/∂log σ² does not depend on the noise",
    story="The factor ε is missing in the second slope. Samples on the two sides of μ move in opposite directions when σ grows.",
    caught_by=("slope_along_log_var", "averages_to_the_slope_of_the_mean"),
)
def noise_missing_in_the_chain(mu, log_var, eps, coefficients):
    sigma, z = path(mu, log_var, eps)
    slope = slope_at(coefficients, z)
    return slope, slope * sigma / 2


@misconception(
    "pathwise_gradient",
    belief="the slope at the mean is the mean slope",
    story=(
        "f′ is taken at μ, for all samples alike. The mean of f′(z) is f′(μ) only if f′ is straight; decode the sample, not "
        "its mean."
    ),
    caught_by=("slope_along_mu", "slope_along_log_var", "varies_by_four"),
    may_break=("averages_to_the_slope_of_the_mean",),
)
def slope_at_the_mean(mu, log_var, eps, coefficients):
    sigma, _ = path(mu, log_var, eps)
    slope = slope_at(coefficients, mu.unsqueeze(-1).expand_as(eps))
    return slope, slope * sigma * eps / 2


@misconception(
    "pathwise_gradient",
    belief="log_var is log σ",
    story=(
        "σ = exp(log_var) is used, and its own derivative. log_var is log σ², as everywhere in this course: σ = "
        "exp(½·log_var)."
    ),
    caught_by=("slope_along_mu", "slope_along_log_var", "averages_to_the_slope_of_the_mean"),
)
def sigma_is_exp_log_var(mu, log_var, eps, coefficients):
    shift = log_var.exp().unsqueeze(-1) * eps
    slope = slope_at(coefficients, mu.unsqueeze(-1) + shift)
    return slope, slope * shift


@misconception(
    "pathwise_gradient",
    belief="an estimator returns its average",
    story=(
        "Every sample gets the average over all samples. The average is what training uses; here the single slopes are asked "
        "for, to see how they scatter."
    ),
    caught_by=("slope_along_mu", "slope_along_log_var", "varies_by_four"),
    may_break=("averages_to_the_slope_of_the_mean",),
)
def averaged_at_once(mu, log_var, eps, coefficients):
    sigma, z = path(mu, log_var, eps)
    slope = slope_at(coefficients, z)
    other = slope * sigma * eps / 2
    return slope.mean(-1, keepdim=True).expand_as(slope), other.mean(-1, keepdim=True).expand_as(slope)


@misconception(
    "pathwise_gradient",
    belief="the mean over samples is taken by scaling each",
    story=(
        "Each slope is divided by the number of samples, as .mean().backward() does it. Single slopes are not yet averaged: "
        "their size must not depend on how many there are."
    ),
    caught_by=ALL_OF_PATHWISE,
)
def divided_by_samples(mu, log_var, eps, coefficients):
    sigma, z = path(mu, log_var, eps)
    slope = slope_at(coefficients, z) / eps.shape[1]
    return slope, slope * sigma * eps / 2


@misconception(
    "pathwise_gradient",
    belief="differentiating a power lowers it",
    story="cₖzᵏ became cₖzᵏ⁻¹, without the factor k in front. From the quadratic term on the slopes are too small.",
    caught_by=ALL_OF_PATHWISE,
)
def factor_of_the_power_forgotten(mu, log_var, eps, coefficients):
    sigma, z = path(mu, log_var, eps)
    slope = torch.stack([coefficients[:, k, None] * z ** (k - 1) for k in range(1, coefficients.shape[1])]).sum(0)
    return slope, slope * sigma * eps / 2


@misconception(
    "pathwise_gradient",
    belief="coefficients start with the highest power",
    story="The coefficients are read as numpy.polyval reads them, the highest power first. Here c₀, the constant, comes first.",
    caught_by=ALL_OF_PATHWISE,
)
def highest_power_first(mu, log_var, eps, coefficients):
    sigma, z = path(mu, log_var, eps)
    slope = slope_at(coefficients.flip(-1), z)
    return slope, slope * sigma * eps / 2


@misconception(
    "pathwise_gradient",
    belief="the gradient of an expectation is f times the score",
    story=(
        "This is the score-function estimator, f(z)·∇log q(z). Its average is the same; its single values are others, and "
        "scatter much more."
    ),
    caught_by=("slope_along_mu", "slope_along_log_var", "varies_by_four"),
    may_break=("averages_to_the_slope_of_the_mean",),
)
def score_for_path(mu, log_var, eps, coefficients):
    sigma, z = path(mu, log_var, eps)
    f = value_at(coefficients, z)
    return f * eps / sigma, f * (eps**2 - 1) / 2


@misconception(
    "pathwise_gradient",
    belief="the noise is the sample",
    story="f′ is taken at ε, as if it were a sample of q. A sample of q is μ + σ·ε: the noise knows nothing of the parameters.",
    caught_by=("slope_along_mu", "slope_along_log_var", "averages_to_the_slope_of_the_mean"),
    may_break=("varies_by_four",),
)
def slope_at_the_noise(mu, log_var, eps, coefficients):
    sigma, _ = path(mu, log_var, eps)
    slope = slope_at(coefficients, eps)
    return slope, slope * sigma * eps / 2


# ---- score_function_gradient: right ----------------------------------------------------------------------------------------


@variation("score_function_gradient", "a loop over rows and samples in plain Python")
def loop_over_scores(z, values, mu, log_var, baseline):
    along_mu, along_log_var = torch.zeros_like(z), torch.zeros_like(z)
    for i in range(z.shape[0]):
        variance = math.exp(float(log_var[i]))
        for j in range(z.shape[1]):
            off, better = float(z[i, j] - mu[i]), float(values[i, j] - baseline[i])
            along_mu[i, j] = better * off / variance
            along_log_var[i, j] = better * (off * off / variance - 1) / 2
    return along_mu, along_log_var


@variation("score_function_gradient", "autograd of torch.distributions' log_prob, the sample held fixed")
def autograd_of_log_prob(z, values, mu, log_var, baseline):
    mu = mu.unsqueeze(-1).repeat(1, z.shape[1]).requires_grad_()
    log_var = log_var.unsqueeze(-1).repeat(1, z.shape[1]).requires_grad_()
    log_q = Normal(mu, (log_var / 2).exp()).log_prob(z.detach())
    return torch.autograd.grad(log_q, (mu, log_var), grad_outputs=(values - baseline.unsqueeze(-1)).detach())


@variation("score_function_gradient", "by way of eps")
def by_way_of_eps(z, values, mu, log_var, baseline):
    sigma = torch.exp(log_var / 2)[:, None]
    eps = (z - mu[:, None]) / sigma
    better = values - baseline[:, None]
    return better * eps / sigma, better * (eps * eps - 1) / 2


# ---- score_function_gradient: wrong ----------------------------------------------------------------------------------------


def scores_of(z, mu, log_var):
    """∂ log q(z)/∂μ and ∂ log q(z)/∂log σ²."""
    step, precision = z - mu.unsqueeze(-1), (-log_var).exp().unsqueeze(-1)
    return step * precision, (step**2 * precision - 1) / 2


@misconception(
    "score_function_gradient",
    belief="a sample moves along when log q(z) is differentiated",
    story=(
        "z was still connected to μ and σ when log q(z) was differentiated. Then (z − μ)/σ does not change at all and only "
        "−log σ is left: hold z fixed, by .detach()."
    ),
    caught_by=("reweighting_along_mu", "reweighting_along_log_var", "score_averages_to_zero", "averages_to_the_same_slope",
               "varies_by_thirty_or_fourteen"),
)  # fmt: skip
def sample_not_held_fixed(z, values, mu, log_var, baseline):
    better = values - baseline.unsqueeze(-1)
    return 0 * better, -better / 2 + 0 * z


@misconception(
    "score_function_gradient",
    belief="the baseline drops out, so it may be left out",
    story=(
        "f(z)·∇log q(z) comes back and the baseline is ignored. It changes no expectation, but the variance: that is what it "
        "is for."
    ),
    caught_by=("reweighting_along_mu", "reweighting_along_log_var", "varies_by_thirty_or_fourteen"),
)
def baseline_ignored(z, values, mu, log_var, baseline):
    of_mu, of_log_var = scores_of(z, mu, log_var)
    return values * of_mu + 0 * baseline[:, None], values * of_log_var


@misconception(
    "score_function_gradient",
    belief="the baseline is added",
    story=(
        "f(z) + b takes the place of f(z) − b. The expectation stays right, whichever sign, and the variance grows where it "
        "should fall."
    ),
    caught_by=("reweighting_along_mu", "reweighting_along_log_var", "varies_by_thirty_or_fourteen"),
)
def baseline_added(z, values, mu, log_var, baseline):
    of_mu, of_log_var = scores_of(z, mu, log_var)
    return (values + baseline[:, None]) * of_mu, (values + baseline[:, None]) * of_log_var


@misconception(
    "score_function_gradient",
    belief="the baseline is subtracted at the end",
    story=(
        "b is subtracted from f(z)·score, which moves the estimate by b. It must be subtracted from f alone: then it is b "
        "times the score, and that averages to zero."
    ),
    caught_by=("reweighting_along_mu", "reweighting_along_log_var", "score_averages_to_zero", "averages_to_the_same_slope",
               "varies_by_thirty_or_fourteen"),
)  # fmt: skip
def baseline_subtracted_at_the_end(z, values, mu, log_var, baseline):
    of_mu, of_log_var = scores_of(z, mu, log_var)
    return values * of_mu - baseline[:, None], values * of_log_var - baseline[:, None]


@misconception(
    "score_function_gradient",
    belief="the parameter is log σ",
    story="(z − μ)²/σ² − 1 is the score with respect to log σ. For log σ² it is half of that, since log σ² = 2 log σ.",
    caught_by=("reweighting_along_log_var", "averages_to_the_same_slope"),
)
def score_of_log_sigma(z, values, mu, log_var, baseline):
    of_mu, of_log_var = scores_of(z, mu, log_var)
    better = values - baseline[:, None]
    return better * of_mu, better * 2 * of_log_var


@misconception(
    "score_function_gradient",
    belief="the parameter is σ",
    story=(
        "The second score is that with respect to σ, ((z − μ)²/σ² − 1)/σ. The parameter is log σ²: multiply by ∂σ/∂log σ² = "
        "σ/2."
    ),
    caught_by=("reweighting_along_log_var", "averages_to_the_same_slope"),
)
def score_of_sigma(z, values, mu, log_var, baseline):
    of_mu, of_log_var = scores_of(z, mu, log_var)
    better = values - baseline[:, None]
    return better * of_mu, better * 2 * of_log_var * (-log_var / 2).exp()[:, None]


@misconception(
    "score_function_gradient",
    belief="a density's constant factor has no slope",
    story=(
        "The normaliser 1/σ was dropped from q before differentiating. It is constant in z and not in σ: it gives the −½ that "
        "lets the score average to zero."
    ),
    caught_by=("reweighting_along_log_var", "averages_to_the_same_slope", "score_averages_to_zero"),
)
def normaliser_dropped(z, values, mu, log_var, baseline):
    of_mu, of_log_var = scores_of(z, mu, log_var)
    better = values - baseline[:, None]
    return better * of_mu, better * (of_log_var + 0.5)


@misconception(
    "score_function_gradient",
    belief="log_var is log σ",
    story="exp(log_var) was taken for σ, in both scores. It is σ²: the precision in the exponent of q is exp(−log_var).",
    caught_by=("reweighting_along_mu", "reweighting_along_log_var", "averages_to_the_same_slope"),
    may_break=("score_averages_to_zero",),
)
def scores_with_log_sigma(z, values, mu, log_var, baseline):
    eps = (z - mu[:, None]) / log_var.exp()[:, None]
    better = values - baseline[:, None]
    return better * eps / log_var.exp()[:, None], better * (eps**2 - 1)


@misconception(
    "score_function_gradient",
    belief="it is σ that divides the distance",
    story=(
        "The first score is (z − μ)/σ here: that is ε. The exponent of q has σ² under the square, and σ² stays there when it "
        "is differentiated."
    ),
    caught_by=("reweighting_along_mu", "averages_to_the_same_slope"),
)
def divided_by_sigma_only(z, values, mu, log_var, baseline):
    _, of_log_var = scores_of(z, mu, log_var)
    better = values - baseline[:, None]
    return better * (z - mu[:, None]) / (log_var / 2).exp()[:, None], better * of_log_var


@misconception(
    "score_function_gradient",
    belief="the gradient of q weighs the values",
    story=(
        "∇q(z) was used where ∇log q(z) belongs. The samples come from q already; whoever multiplies by q again counts it "
        "twice."
    ),
    caught_by=("reweighting_along_mu", "reweighting_along_log_var", "averages_to_the_same_slope", "varies_by_thirty_or_fourteen"),
    may_break=("score_averages_to_zero",),
)  # fmt: skip
def density_for_log_density(z, values, mu, log_var, baseline):
    of_mu, of_log_var = scores_of(z, mu, log_var)
    weight = (values - baseline[:, None]) * Normal(mu[:, None], (log_var[:, None] / 2).exp()).log_prob(z).exp()
    return weight * of_mu, weight * of_log_var


@misconception(
    "score_function_gradient",
    belief="it is a loss, so it has a minus",
    story=(
        "The sign is reversed, as in −f·log q of a training loop that minimises. Asked was the gradient of E[f], which points "
        "uphill."
    ),
    caught_by=("reweighting_along_mu", "reweighting_along_log_var", "averages_to_the_same_slope", "varies_by_thirty_or_fourteen"),
)  # fmt: skip
def sign_of_a_loss(z, values, mu, log_var, baseline):
    of_mu, of_log_var = scores_of(z, mu, log_var)
    better = baseline[:, None] - values
    return better * of_mu, better * of_log_var


# ---- leave_one_out: right --------------------------------------------------------------------------------------------------


@variation("leave_one_out", "a loop over rows and samples that really leaves one out")
def loop_that_leaves_one_out(values, scores):
    rows = []
    for f, g in zip(values, scores, strict=True):
        total = torch.zeros_like(g[0])
        for i in range(len(f)):
            others = torch.cat([f[:i], f[i + 1 :]])
            total = total + (f[i] - others.mean()) * g[i]
        rows.append(total / len(f))
    return torch.stack(rows)


@variation("leave_one_out", "the sample covariance of f and the score")
def sample_covariance(values, scores):
    off = values - values.mean(1, keepdim=True)
    return torch.einsum("ns,nsd->nd", off, scores) / (values.shape[1] - 1)


@variation("leave_one_out", "a mask that is zero on the diagonal")
def with_a_mask(values, scores):
    s = values.shape[1]
    mask = (1 - torch.eye(s, dtype=values.dtype, device=values.device)) / (s - 1)
    return ((values - values @ mask).unsqueeze(1) @ scores).squeeze(1) / s


# ---- leave_one_out: wrong --------------------------------------------------------------------------------------------------


@misconception(
    "leave_one_out",
    belief="the mean of all samples is a baseline like any other",
    story=(
        "The baseline of a sample contains its own value, and so depends on its score. The estimate is too small by the "
        "factor (s − 1)/s, on average and always."
    ),
    caught_by=("is_an_average_over_pairs", "unbiased_over_all_draws", "two_draws_in_the_small_model"),
)
def own_sample_in_the_baseline(values, scores):
    return ((values - values.mean(1, keepdim=True)).unsqueeze(-1) * scores).mean(1)


@misconception(
    "leave_one_out",
    belief="the baseline changes nothing",
    story=(
        "f·score is averaged without any baseline. The expectation is right; but add 100 to f and the estimate scatters "
        "wildly, though nothing has changed."
    ),
    caught_by=("is_an_average_over_pairs", "a_constant_changes_nothing", "two_draws_in_the_small_model"),
)
def no_baseline(values, scores):
    return (values.unsqueeze(-1) * scores).mean(1)


@misconception(
    "leave_one_out",
    belief="gradients of samples are added up",
    story=(
        "The sum over samples is returned, without the 1/s of an average. The step then grows with the number of samples, as "
        "if the learning rate had been raised."
    ),
    caught_by=("is_an_average_over_pairs", "unbiased_over_all_draws", "two_draws_in_the_small_model"),
)
def summed_over_samples(values, scores):
    s = values.shape[1]
    others = (values.sum(1, keepdim=True) - values) / (s - 1)
    return ((values - others).unsqueeze(-1) * scores).sum(1)


@misconception(
    "leave_one_out",
    belief="a mean over samples divides by s",
    story=(
        "The other samples are added up and divided by s. There are s − 1 of them; with s the baseline is too near to zero "
        "and a constant in f no longer drops out."
    ),
    caught_by=("is_an_average_over_pairs", "a_constant_changes_nothing", "two_draws_in_the_small_model"),
)
def others_divided_by_s(values, scores):
    others = (values.sum(1, keepdim=True) - values) / values.shape[1]
    return ((values - others).unsqueeze(-1) * scores).mean(1)


@misconception(
    "leave_one_out",
    belief="an average over independent samples divides by s − 1",
    story=(
        "The terms are averaged with 1/(s − 1), as for a variance. Here nothing was estimated from the same numbers that "
        "would have to be made good for: the average is 1/s."
    ),
    caught_by=("is_an_average_over_pairs", "unbiased_over_all_draws", "two_draws_in_the_small_model"),
)
def corrected_twice(values, scores):
    s = values.shape[1]
    others = (values.sum(1, keepdim=True) - values) / (s - 1)
    return ((values - others).unsqueeze(-1) * scores).sum(1) / (s - 1)


@misconception(
    "leave_one_out",
    belief="advantages should be standardised",
    story=(
        "f was divided by its standard deviation in the row, as reinforcement learning often does. The estimate then no "
        "longer has the units of f, and its average is another."
    ),
    caught_by=("is_an_average_over_pairs", "unbiased_over_all_draws", "two_draws_in_the_small_model"),
    may_break=("a_constant_changes_nothing",),
)
def standardised(values, scores):
    off = values - values.mean(1, keepdim=True)
    return ((off / (values.std(1, keepdim=True) + 1e-8)).unsqueeze(-1) * scores).mean(1)


@misconception(
    "leave_one_out",
    belief="the baseline is added",
    story=(
        "The mean of the others is added to f instead of being subtracted. On average nothing changes, and the variance grows "
        "where it should fall."
    ),
    caught_by=("is_an_average_over_pairs", "a_constant_changes_nothing", "two_draws_in_the_small_model"),
)
def others_added(values, scores):
    others = (values.sum(1, keepdim=True) - values) / (values.shape[1] - 1)
    return ((values + others).unsqueeze(-1) * scores).mean(1)


@misconception(
    "leave_one_out",
    belief="the batch is the sample",
    story=(
        "The baseline is the mean over the rows of the batch, not over the samples of the row. Rows are other problems, with "
        "other values; they know nothing of this one."
    ),
    caught_by=("is_an_average_over_pairs", "a_constant_changes_nothing", "two_draws_in_the_small_model"),
    may_break=("unbiased_over_all_draws",),
)
def mean_over_rows(values, scores):
    return ((values - values.mean(0, keepdim=True)).unsqueeze(-1) * scores).mean(1)


@misconception(
    "leave_one_out",
    belief="the neighbour is baseline enough",
    story=(
        "Each sample is compared with the one before it alone. That is unbiased too, but it throws the other samples away: "
        "the mean of all others scatters less."
    ),
    caught_by=("is_an_average_over_pairs",),
)
def neighbour_as_baseline(values, scores):
    return ((values - values.roll(1, 1)).unsqueeze(-1) * scores).mean(1)


@misconception(
    "leave_one_out",
    belief="the best sample so far is the bar to clear",
    story=(
        "The largest of the other values is taken as the baseline. It leaves the sample out, so that nothing is biased; but "
        "asked was the mean, which lies closer to what f is like."
    ),
    caught_by=("is_an_average_over_pairs",),
)
def best_of_the_others(values, scores):
    s = values.shape[1]
    mine = torch.eye(s, dtype=torch.bool, device=values.device)
    others = values.unsqueeze(1).expand(-1, s, -1).masked_fill(mine, -math.inf).amax(-1)
    return ((values - others).unsqueeze(-1) * scores).mean(1)


# ---- gumbel_softmax: right ---------------------------------------------------------------------------------------------------


@variation("gumbel_softmax", "a loop over rows and outcomes")
def loop_over_outcomes(logits, u, tau):
    rows = []
    for i in range(logits.shape[0]):
        heights = [(logits[i, j] - torch.log(-torch.log(u[i, j]))) / tau[i] for j in range(logits.shape[1])]
        top = torch.stack(heights).detach().max()
        weights = torch.stack([torch.exp(h - top) for h in heights])
        rows.append(weights / weights.sum())
    return torch.stack(rows)


@variation("gumbel_softmax", "the quantiles of torch.distributions.Gumbel, and logsumexp")
def quantiles_of_gumbel(logits, u, tau):
    noise = torch.as_tensor(Gumbel(torch.zeros_like(u.double()), torch.ones_like(u.double())).icdf(u.double()))
    heights = (logits + noise) / tau[:, None]
    return (heights - heights.logsumexp(-1, keepdim=True)).exp()


@variation("gumbel_softmax", "with the 1e-20 inside the logarithms that is often seen")
def tiny_constants(logits, u, tau):
    noise = -torch.log(-torch.log(u + 1e-20) + 1e-20)
    return F.softmax((logits + noise) / tau.view(-1, 1), dim=1)


# ---- gumbel_softmax: wrong ---------------------------------------------------------------------------------------------------


@misconception(
    "gumbel_softmax",
    belief="−log u is Gumbel noise",
    story="Only one logarithm was taken: −log u is an exponential waiting time. Gumbel noise is −log of that, −log(−log u).",
    caught_by=(
        "odds_are_those_of_a_race",
        "the_winner_is_a_draw_from_softmax",
        "right_for_extreme_logits_and_low_temperatures",
    ),
)
def exponential_noise(logits, u, tau):
    return torch.softmax((logits - u.log()) / tau[:, None], -1)


@misconception(
    "gumbel_softmax",
    belief="the sign of the noise does not matter",
    story=(
        "log(−log u) was added, Gumbel noise with the wrong sign. Gumbel noise is not symmetric: only −log(−log u) makes the "
        "winner a draw from softmax."
    ),
    caught_by=(
        "odds_are_those_of_a_race",
        "the_winner_is_a_draw_from_softmax",
        "right_for_extreme_logits_and_low_temperatures",
    ),
)
def gumbel_upside_down(logits, u, tau):
    return torch.softmax((logits + torch.log(-u.log())) / tau[:, None], -1)


@misconception(
    "gumbel_softmax",
    belief="the temperature belongs to the logits",
    story=(
        "Only the logits are divided by τ, the noise is not. Then the winner depends on τ, and at low temperatures it is "
        "always the largest logit: no draw at all."
    ),
    caught_by=("odds_are_those_of_a_race", "the_winner_is_a_draw_from_softmax", "right_for_extreme_logits_and_low_temperatures",
               "heat_makes_all_alike"),
)  # fmt: skip
def noise_not_divided(logits, u, tau):
    return torch.softmax(logits / tau[:, None] - torch.log(-u.log()), -1)


@misconception(
    "gumbel_softmax",
    belief="a low temperature makes it soft",
    story=(
        "The sum is multiplied by τ and not divided by it. Hot is soft: as τ grows all outcomes must become alike, and as it "
        "falls one takes all."
    ),
    caught_by=("odds_are_those_of_a_race", "right_for_extreme_logits_and_low_temperatures", "heat_makes_all_alike",
               "differentiable_in_the_logits"),
)  # fmt: skip
def temperature_multiplied(logits, u, tau):
    return torch.softmax((logits - torch.log(-u.log())) * tau[:, None], -1)


@misconception(
    "gumbel_softmax",
    belief="a sample is one of the outcomes",
    story=(
        "The winner comes back as a one-hot vector. That is an exact draw, and its gradient is zero wherever it has one: the "
        "relaxation was there to mend that."
    ),
    caught_by=("odds_are_those_of_a_race", "differentiable_in_the_logits", "heat_makes_all_alike",
               "right_for_extreme_logits_and_low_temperatures"),
)  # fmt: skip
def hard_choice(logits, u, tau):
    return F.one_hot((logits - torch.log(-u.log())).argmax(-1), logits.shape[1]).to(logits)


@misconception(
    "gumbel_softmax",
    belief="straight-through is the relaxed sample",
    story=(
        "The hard choice comes back, dressed with the gradient of the soft one. That is another estimator; here the soft "
        "vector itself was asked for."
    ),
    caught_by=("odds_are_those_of_a_race", "heat_makes_all_alike", "differentiable_in_the_logits",
               "right_for_extreme_logits_and_low_temperatures"),
)  # fmt: skip
def straight_through(logits, u, tau):
    y = torch.softmax((logits - torch.log(-u.log())) / tau[:, None], -1)
    return F.one_hot(y.argmax(-1), logits.shape[1]).to(logits) + y - y.detach()


@misconception(
    "gumbel_softmax",
    belief="a sample needs no gradient",
    story=(
        "The values are right and detached, so that nothing is learned through them. A relaxed sample is soft for the sake of "
        "its gradient alone."
    ),
    caught_by=("differentiable_in_the_logits",),
)
def detached_sample(logits, u, tau):
    return torch.softmax((logits - torch.log(-u.log())) / tau[:, None], -1).detach()


@misconception(
    "gumbel_softmax",
    belief="softmax of the logits, with a temperature, is a sample",
    story="The noise was left out. softmax(logits/τ) is the same every time: a sharper q, not a draw from it.",
    caught_by=(
        "odds_are_those_of_a_race",
        "the_winner_is_a_draw_from_softmax",
        "right_for_extreme_logits_and_low_temperatures",
    ),
)
def noise_left_out(logits, u, tau):
    return torch.softmax(logits / tau[:, None] + 0 * u, -1)


@misconception(
    "gumbel_softmax",
    belief="logits are probabilities",
    story=(
        "softmax was applied before the noise was added. Noise belongs to the logits, or to log-probabilities, which differ "
        "from them by a constant; not to the probabilities."
    ),
    caught_by=(
        "odds_are_those_of_a_race",
        "the_winner_is_a_draw_from_softmax",
        "right_for_extreme_logits_and_low_temperatures",
        "differentiable_in_the_logits",
    ),
)
def noise_on_probabilities(logits, u, tau):
    return torch.softmax((torch.softmax(logits, -1) - torch.log(-u.log())) / tau[:, None], -1)


@misconception(
    "gumbel_softmax",
    belief="softmax is exp divided by the sum of exp",
    story=(
        "At τ = 0.01 a height of 10 becomes exp(1000), which is ∞, and ∞/∞ is NaN. torch.softmax subtracts the largest height "
        "first."
    ),
    caught_by=("right_for_extreme_logits_and_low_temperatures", "differentiable_in_the_logits"),
)
def relaxed_softmax_overflows(logits, u, tau):
    weights = ((logits - torch.log(-u.log())) / tau[:, None]).exp()
    return weights / weights.sum(-1, keepdim=True)


@misconception(
    "gumbel_softmax",
    belief="a little noise is enough for all outcomes",
    story=(
        "The uniform numbers themselves were added as noise. They are bounded and have another shape: an outcome more than "
        "one nat behind can then never win."
    ),
    caught_by=(
        "odds_are_those_of_a_race",
        "the_winner_is_a_draw_from_softmax",
        "right_for_extreme_logits_and_low_temperatures",
    ),
)
def uniform_noise(logits, u, tau):
    return torch.softmax((logits + u) / tau[:, None], -1)


# ---- measure_valued_gradient: right ------------------------------------------------------------------------------------------


@variation("measure_valued_gradient", "a loop over samples and powers")
def loop_over_both_sides(mu, log_var, u, coefficients):
    columns = []
    sigma = (0.5 * log_var).exp()
    for j in range(u.shape[1]):
        reach = sigma * torch.sqrt(-2 * torch.log(u[:, j]))
        right = sum(coefficients[:, k] * (mu + reach) ** k for k in range(coefficients.shape[1]))
        left = sum(coefficients[:, k] * (mu - reach) ** k for k in range(coefficients.shape[1]))
        columns.append((right - left) / (sigma * math.sqrt(2 * math.pi)))
    return torch.stack(columns, 1)


@variation("measure_valued_gradient", "the quantiles of torch.distributions.Weibull, in float64")
def quantiles_of_weibull(mu, log_var, u, coefficients):
    mu, sigma, c = mu.double()[:, None], torch.exp(log_var.double() / 2)[:, None], coefficients.double()
    two = torch.tensor(2.0, dtype=torch.float64)
    w = torch.as_tensor(Weibull(two.sqrt(), two).icdf(1 - u.double()))
    powers = torch.arange(c.shape[1])
    sides = [((mu + side * sigma * w)[..., None] ** powers * c[:, None]).sum(-1) for side in (1, -1)]
    return (sides[0] - sides[1]) / sigma / (2 * math.pi) ** 0.5


# ---- measure_valued_gradient: wrong ------------------------------------------------------------------------------------------


def both_sides(mu, log_var, w, coefficients):
    """f(μ + σw) and f(μ − σw)."""
    sigma = (log_var / 2).exp().unsqueeze(-1)
    return value_at(coefficients, mu.unsqueeze(-1) + sigma * w), value_at(coefficients, mu.unsqueeze(-1) - sigma * w)


ALL_OF_MEASURE = ("is_the_slope_between_two_sides", "averages_to_the_slope_along_mu", "varies_less_than_the_others")


@misconception(
    "measure_valued_gradient",
    belief="a difference of two averages needs no factor",
    story=(
        "The factor 1/(σ√(2π)) is missing. It is the mass of the positive part of ∂q/∂μ, by which both halves were divided to "
        "make them densities."
    ),
    caught_by=ALL_OF_MEASURE,
)
def constant_missing(mu, log_var, u, coefficients):
    right, left = both_sides(mu, log_var, (-2 * u.log()).sqrt(), coefficients)
    return right - left


@misconception(
    "measure_valued_gradient",
    belief="the constant is that of the standard normal",
    story=(
        "1/√(2π) stands in front, without the σ. In wide distributions a step of one in μ means less, and the slope is that "
        "much smaller."
    ),
    caught_by=("is_the_slope_between_two_sides", "averages_to_the_slope_along_mu"),
)
def sigma_missing_in_the_constant(mu, log_var, u, coefficients):
    right, left = both_sides(mu, log_var, (-2 * u.log()).sqrt(), coefficients)
    return (right - left) / math.sqrt(2 * math.pi)


@misconception(
    "measure_valued_gradient",
    belief="w is the root of an exponential",
    story="w = √(−log u) is too small by the factor √2. The density of w is w·exp(−w²/2), so that w²/2, not w², is exponential.",
    caught_by=ALL_OF_MEASURE,
)
def two_forgotten_in_w(mu, log_var, u, coefficients):
    right, left = both_sides(mu, log_var, (-u.log()).sqrt(), coefficients)
    return (right - left) / ((log_var / 2).exp().unsqueeze(-1) * math.sqrt(2 * math.pi))


@misconception(
    "measure_valued_gradient",
    belief="both halves count with the same sign",
    story=(
        "The two sides are added. ∂q/∂μ is positive on the right of μ and negative on the left: moving q to the right takes "
        "mass from the left."
    ),
    caught_by=ALL_OF_MEASURE,
)
def sides_added(mu, log_var, u, coefficients):
    right, left = both_sides(mu, log_var, (-2 * u.log()).sqrt(), coefficients)
    return (right + left) / ((log_var / 2).exp().unsqueeze(-1) * math.sqrt(2 * math.pi))


@misconception(
    "measure_valued_gradient",
    belief="a slope compares with the middle",
    story=(
        "f(μ + σw) is compared with f(μ). Both halves of ∂q/∂μ count: what is gained on the right is taken from the left, not "
        "from the middle."
    ),
    caught_by=ALL_OF_MEASURE,
)
def right_side_alone(mu, log_var, u, coefficients):
    right, _ = both_sides(mu, log_var, (-2 * u.log()).sqrt(), coefficients)
    middle = value_at(coefficients, mu.unsqueeze(-1))
    return (right - middle) / ((log_var / 2).exp().unsqueeze(-1) * math.sqrt(2 * math.pi))


# ---- derivations -----------------------------------------------------------------------------------------------------------


@variation("score_function_identity", "from the score to the gradient")
def from_the_score():
    return """
        E(q(z), f(z)*grad(log(q(z))))
        = E(q(z), f(z)*grad(q(z))/q(z))          # log derivative
        = sum(z, f(z)*grad(q(z)))                # expectation
        = grad(sum(z, f(z)*q(z)))                # derivative of a sum
        = grad(E(q(z), f(z)))                    # expectation
    """


@variation("score_function_identity", "both terms of the product, and the one that is zero")
def both_terms_of_the_product():
    return """
        grad(E(q(z), f(z)))
        = grad(sum(z, q(z)*f(z)))                                           # definition of expectation
        = sum(z, grad(q(z)*f(z)))                                           # derivative of a sum
        = sum(z, q(z)*grad(f(z)) + f(z)*grad(q(z)))                         # derivative of a product
        = sum(z, q(z)*grad(f(z))) + sum(z, f(z)*grad(q(z)))                 # linearity
        = sum(z, f(z)*grad(q(z)))                                           # derivative of a constant
        = sum(z, f(z)*q(z)*(grad(q(z))/q(z)))                               # arithmetic
        = sum(z, f(z)*q(z)*grad(log(q(z))))                                 # derivative of a logarithm
        = E(q(z), f(z)*grad(log(q(z))))                                     # expectation
    """


BOTH = ("every_line_is_true", "every_line_follows")


@misconception(
    "score_function_identity",
    belief="the gradient may always be taken inside an average",
    story=(
        "grad was moved past the average, whose q depends on θ itself. Inside, f has no θ, so that the line is 0. Write the "
        "average as a sum first."
    ),
    caught_by=BOTH,
)
def gradient_past_the_average():
    return """
        grad(E(q(z), f(z)))
        = E(q(z), grad(f(z)))                     # derivative of a sum
        = E(q(z), f(z)*grad(log(q(z))))           # derivative of a logarithm
    """


@misconception(
    "score_function_identity",
    belief="the derivative of log q is the derivative of q",
    story=(
        "∇q was replaced by ∇log q. They differ by the factor q: ∇log q = ∇q / q, and that factor makes the sum an average "
        "again."
    ),
    caught_by=BOTH,
)
def factor_q_forgotten():
    return """
        grad(E(q(z), f(z)))
        = grad(sum(z, q(z)*f(z)))                 # expectation
        = sum(z, f(z)*grad(q(z)))                 # derivative of a sum
        = sum(z, f(z)*grad(log(q(z))))            # derivative of a logarithm
        = E(q(z), f(z)*grad(log(q(z))))           # expectation
    """


@misconception(
    "score_function_identity",
    belief="an average of a derivative is a sum of it",
    story=(
        "The sum of f ∇q was called an average of f ∇q. An average has the factor q in every term, and here it is missing: "
        "multiply and divide by q first."
    ),
    caught_by=BOTH,
)
def sum_called_an_average():
    return """
        grad(E(q(z), f(z)))
        = grad(sum(z, q(z)*f(z)))                 # expectation
        = sum(z, f(z)*grad(q(z)))                 # derivative of a sum
        = E(q(z), f(z)*grad(q(z)))                # expectation
        = E(q(z), f(z)*grad(log(q(z))))           # derivative of a logarithm
    """


@misconception(
    "score_function_identity",
    belief="what is well known needs no steps",
    story="The result stands in the second line. A derivation shows how one gets there, one rule at a time.",
    caught_by=("every_line_follows",),
)
def score_at_once():
    return """
        grad(E(q(z), f(z)))
        = E(q(z), f(z)*grad(log(q(z))))           # derivative of a logarithm
    """


@misconception(
    "score_function_identity",
    belief="the derivative of a logarithm has the sign of a loss",
    story="A minus sign came in with ∇log q. There is none in ∇log q = ∇q / q; whoever minimises puts one before everything.",
    caught_by=BOTH,
)
def score_with_a_minus():
    return """
        grad(E(q(z), f(z)))
        = grad(sum(z, q(z)*f(z)))                 # expectation
        = sum(z, f(z)*grad(q(z)))                 # derivative of a sum
        = -sum(z, f(z)*q(z)*grad(log(q(z))))      # derivative of a logarithm
        = -E(q(z), f(z)*grad(log(q(z))))          # expectation
    """


@variation("baseline_is_free", "as a gradient all the way")
def baseline_by_a_gradient():
    return """
        E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))
        = sum(z, q(z | x)*(f(z) - f(x))*grad(log(q(z | x))))                  # expectation
        = sum(z, (f(z) - f(x))*grad(q(z | x)))                                # derivative of a logarithm
        = sum(z, f(z)*grad(q(z | x))) - f(x)*sum(z, grad(q(z | x)))           # linearity
        = sum(z, f(z)*grad(q(z | x))) - f(x)*grad(sum(z, q(z | x)))           # derivative of a sum
        = sum(z, f(z)*grad(q(z | x)))                                         # normalisation
        = E(q(z | x), f(z)*grad(q(z | x))/q(z | x))                           # expectation
        = E(q(z | x), f(z)*grad(log(q(z | x))))                               # derivative of a logarithm
    """


@variation("baseline_is_free", "from the end to the start")
def baseline_put_in():
    return """
        E(q(z | x), f(z)*grad(log(q(z | x))))
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*grad(1)                                   # derivative of a constant
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*grad(sum(z, q(z | x)))                    # normalisation
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*sum(z, grad(q(z | x)))                    # derivative of a sum
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*sum(z, q(z | x)*grad(log(q(z | x))))      # derivative of a logarithm
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*E(q(z | x), grad(log(q(z | x))))          # expectation
        = E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))                                         # linearity
    """


@misconception(
    "baseline_is_free",
    belief="a term that is zero on average is zero",
    story=(
        "The term with the baseline is dropped without a reason. It is zero because the score averages to zero, and that is "
        "what was to be shown."
    ),
    caught_by=("every_line_follows",),
)
def baseline_dropped():
    return """
        E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*E(q(z | x), grad(log(q(z | x))))          # linearity
        = E(q(z | x), f(z)*grad(log(q(z | x))))                                                  # normalisation
    """


@misconception(
    "baseline_is_free",
    belief="the score is zero for every z",
    story="It is the average of the score that is zero, over all z. For a single z the score is zero only by accident.",
    caught_by=BOTH,
)
def score_taken_for_zero():
    return """
        E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*grad(log(q(z | x)))                       # linearity
        = E(q(z | x), f(z)*grad(log(q(z | x))))                                                  # normalisation
    """


@misconception(
    "baseline_is_free",
    belief="the scores of all z add up to zero",
    story=(
        "The average of the score became a plain sum of scores. It is weighted by q: the sum of q ∇log q is zero, the sum of "
        "∇log q is not."
    ),
    caught_by=BOTH,
)
def score_without_its_weight():
    return """
        E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*E(q(z | x), grad(log(q(z | x))))          # linearity
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*sum(z, grad(log(q(z | x))))               # expectation
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*grad(sum(z, q(z | x)))                    # derivative of a logarithm
        = E(q(z | x), f(z)*grad(log(q(z | x))))                                                  # normalisation
    """


@misconception(
    "baseline_is_free",
    belief="a baseline shifts the average by itself",
    story=(
        "f(x) is subtracted from the average, as if the score were 1. It multiplies the score, and with it averages to "
        "nothing."
    ),
    caught_by=BOTH,
)
def baseline_without_the_score():
    return """
        E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)                                           # linearity
        = E(q(z | x), f(z)*grad(log(q(z | x))))                                                  # arithmetic
    """


@variation("find_the_flaw", "the logarithm of the quotient as a difference")
def mended_with_a_difference():
    return 4, (
        "= sum(z, (log(p(x, z)) - log(q(z | x)))*grad(q(z | x)) + q(z | x)*grad(log(p(x, z)) - log(q(z | x))))  # leibniz"
    )


@variation("find_the_flaw", "the terms in another order")
def mended_the_other_way_round():
    return 4, (
        "= sum(z, q(z | x)*grad(log(p(x, z)/q(z | x))) + grad(q(z | x))*log(p(x, z)/q(z | x)))   # derivative of a product"
    )


@misconception(
    "find_the_flaw",
    belief="a gradient may not be taken inside a sum",
    story=(
        "The third line is right: a sum over z has the same terms whatever θ is, so that its derivative is the sum of theirs. "
        "Only the average hides a factor that moves."
    ),
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def blames_the_sum():
    return 3, "= sum(z, q(z | x)*grad(log(p(x, z)/q(z | x))))   # derivative of a sum"


@misconception(
    "find_the_flaw",
    belief="lines are counted from zero",
    story="The right line is meant and its number is one too small: the first line has number 1.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def counts_from_zero():
    return 3, (
        "= sum(z, log(p(x, z)/q(z | x))*grad(q(z | x)) + q(z | x)*grad(log(p(x, z)/q(z | x))))   # derivative of a product"
    )


@misconception(
    "find_the_flaw",
    belief="the derivative of a product is the product of the derivatives",
    story="Both factors are differentiated at once. The product rule has two terms, and in each of them only one factor moves.",
    caught_by=("mended_it_is_a_derivation",),
)
def product_of_the_derivatives():
    return 4, "= sum(z, grad(q(z | x))*grad(log(p(x, z)/q(z | x))))   # derivative of a product"


@misconception(
    "find_the_flaw",
    belief="the two terms of the product rule are subtracted",
    story="Both terms are there, with a minus sign between them. That is the rule for a quotient; in a product both count alike.",
    caught_by=("mended_it_is_a_derivation",),
)
def terms_subtracted():
    return 4, (
        "= sum(z, log(p(x, z)/q(z | x))*grad(q(z | x)) - q(z | x)*grad(log(p(x, z)/q(z | x))))   # derivative of a product"
    )


# ---- implicit_reparameterisation: right ------------------------------------------------------------------------------------


@variation("implicit_reparameterisation", "what torch's own sampler uses for its gradient")
def as_rsample_does(z, alpha):
    return torch._standard_gamma_grad(alpha, z)  # pyright: ignore[reportPrivateImportUsage]


@variation("implicit_reparameterisation", "the power series of F, and autograd through it")
def series_and_autograd(z, alpha):
    at, shape = z.double().unsqueeze(-1), alpha.double().detach().clone().requires_grad_()
    power = shape.unsqueeze(-1) + torch.arange(150, dtype=torch.float64)
    below = (power * at.log() - at - torch.lgamma(power + 1)).exp().sum(-1)
    (moved,) = torch.autograd.grad(below.sum(), shape)
    return (-moved / Gamma(shape.detach(), 1.0).log_prob(at.squeeze(-1)).exp()).to(z.dtype)


@variation("implicit_reparameterisation", "a loop over rows, with a trapezoidal rule on a logarithmic axis")
def loop_of_integrals(z, alpha):
    slopes = []
    for at, shape in zip(z.double(), alpha.double(), strict=True):
        log_t = torch.linspace(float(at.log()) - 20 / float(shape) - 8, float(at.log()), 8001, dtype=torch.float64)
        mass = (shape * log_t - log_t.exp() - torch.lgamma(shape)).exp()  # p(t)·t, the density along log t
        moved = torch.trapezoid(mass * (log_t - torch.digamma(shape)), log_t)
        slopes.append(-moved / (mass[-1] / at))
    return torch.stack(slopes).to(z.dtype)


# ---- implicit_reparameterisation: wrong ------------------------------------------------------------------------------------

ALL_OF_IMPLICIT = ("follows_the_quantile", "averages_to_one")


def along_alpha(function, alpha):
    """The slope of a function of α, by a central difference in float64."""
    shape = alpha.double()
    return (function(shape + 1e-4) - function(shape - 1e-4)) / 2e-4


def density_of_gamma(z, alpha):
    return ((alpha - 1) * z.log() - z - torch.lgamma(alpha)).exp()


@misconception(
    "implicit_reparameterisation",
    belief="z moves as its distribution function does",
    story=(
        "The minus sign is missing. As α grows, F falls at every place, and a sample has to move to the right to keep its "
        "quantile."
    ),
    caught_by=ALL_OF_IMPLICIT,
)
def sign_of_the_distribution_function(z, alpha):
    at = z.double()
    moved = along_alpha(lambda a: torch.special.gammainc(a, at), alpha)
    return (moved / density_of_gamma(at, alpha.double())).to(z.dtype)


@misconception(
    "implicit_reparameterisation",
    belief="the slope of F is the slope of z",
    story=(
        "It was not divided by the density. ∂F/∂α says by how much the probability below z falls; how far z must go to make up "
        "for it depends on how much probability lies there."
    ),
    caught_by=ALL_OF_IMPLICIT,
)
def density_forgotten(z, alpha):
    at = z.double()
    return (-along_alpha(lambda a: torch.special.gammainc(a, at), alpha)).to(z.dtype)


@misconception(
    "implicit_reparameterisation",
    belief="it is the density that is held fixed",
    story=(
        "The derivative of the density was divided by the density: minus the score along α. It is the distribution function "
        "that stays the same along the path, because it is the noise."
    ),
    caught_by=ALL_OF_IMPLICIT,
)
def density_differentiated(z, alpha):
    at = z.double()
    moved = along_alpha(lambda a: density_of_gamma(at, a), alpha)
    return (-moved / density_of_gamma(at, alpha.double())).to(z.dtype)


@misconception(
    "implicit_reparameterisation",
    belief="a Gamma stretches as its mean grows",
    story=(
        "z/α comes back, as if α were a scale. It has the right average, 1, and is wrong at every single z: with its shape the "
        "whole distribution bends."
    ),
    caught_by=("follows_the_quantile",),
)
def shape_for_scale(z, alpha):
    return z / alpha


@misconception(
    "implicit_reparameterisation",
    belief="it is divided by what is differentiated",
    story=(
        "The slope of F is divided by F, and not by the density: that is the slope of log F. In the chain rule stands ∂F/∂z, "
        "which is the density p."
    ),
    caught_by=ALL_OF_IMPLICIT,
)
def divided_by_the_distribution_function(z, alpha):
    at = z.double()
    below = torch.special.gammainc(alpha.double(), at)
    return (-along_alpha(lambda a: torch.special.gammainc(a, at), alpha) / below).to(z.dtype)


# ---- mutants of the solutions that are as right as they are ------------------------------------------------------------------

SAME_AXIS = "the tensor has two axes, so that axis −1 is axis 1"
NEW_AXIS = "of a vector, the new axis −1 is the new axis 1"

EQUIVALENT = [
    equivalent(
        "discrete_gradient",
        was="q = torch.softmax(logits, -1)",
        becomes="q = torch.softmax(logits, +1)",
        why=SAME_AXIS,
    ),
    equivalent(
        "discrete_gradient",
        was="return q * (values - (q * values).sum(-1, keepdim=True))",
        becomes="return q * (values - (q * values).sum(+1, keepdim=True))",
        why=SAME_AXIS,
    ),
    equivalent(
        "pathwise_gradient",
        was="off = (log_var / 2).exp().unsqueeze(-1) * eps",
        becomes="off = (log_var / 2).exp().unsqueeze(+1) * eps",
        why=NEW_AXIS,
    ),
    equivalent(
        "pathwise_gradient",
        was="z = mu.unsqueeze(-1) + off",
        becomes="z = mu.unsqueeze(+1) + off",
        why=NEW_AXIS,
    ),
    equivalent(
        "pathwise_gradient",
        was="k = torch.arange(1, coefficients.shape[-1], device=eps.device)",
        becomes="k = torch.arange(1, coefficients.shape[+1], device=eps.device)",
        why=SAME_AXIS,
    ),
    equivalent(
        "score_function_gradient",
        was="better = values - baseline.unsqueeze(-1)",
        becomes="better = values - baseline.unsqueeze(+1)",
        why=NEW_AXIS,
    ),
    equivalent(
        "score_function_gradient",
        was="step = z - mu.unsqueeze(-1)",
        becomes="step = z - mu.unsqueeze(+1)",
        why=NEW_AXIS,
    ),
    equivalent(
        "score_function_gradient",
        was="precision = (-log_var).exp().unsqueeze(-1)",
        becomes="precision = (-log_var).exp().unsqueeze(+1)",
        why=NEW_AXIS,
    ),
    equivalent(
        "gumbel_softmax",
        was="return torch.softmax((logits + gumbel) / tau.unsqueeze(-1), -1)",
        becomes=(
            "return torch.softmax((logits + gumbel) / tau.unsqueeze(+1), -1)",
            "return torch.softmax((logits + gumbel) / tau.unsqueeze(-1), +1)",
        ),
        why=SAME_AXIS + "; of a vector, the new axis −1 is the new axis 1",
    ),
    equivalent(
        "measure_valued_gradient",
        was="sigma = (log_var / 2).exp().unsqueeze(-1)",
        becomes="sigma = (log_var / 2).exp().unsqueeze(+1)",
        why=NEW_AXIS,
    ),
    equivalent(
        "measure_valued_gradient",
        was="k = torch.arange(coefficients.shape[-1], device=u.device)",
        becomes="k = torch.arange(coefficients.shape[+1], device=u.device)",
        why=SAME_AXIS,
    ),
    equivalent(
        "measure_valued_gradient",
        was="right = (mu.unsqueeze(-1) + reach).unsqueeze(-1) ** k",
        becomes="right = (mu.unsqueeze(+1) + reach).unsqueeze(-1) ** k",
        why=NEW_AXIS,
    ),
    equivalent(
        "measure_valued_gradient",
        was="left = (mu.unsqueeze(-1) - reach).unsqueeze(-1) ** k",
        becomes="left = (mu.unsqueeze(+1) - reach).unsqueeze(-1) ** k",
        why=NEW_AXIS,
    ),
]
