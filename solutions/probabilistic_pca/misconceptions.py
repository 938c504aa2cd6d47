"""Wrong answers to this week's exercises, each with the belief behind it, and right answers written another way.

Never released. `caught_by` names the laws that catch a misconception whatever the seed, `may_break` those that may.
"""

import math

import sympy
import torch
from torch.distributions import (
    Categorical,
    Independent,
    LowRankMultivariateNormal,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
)

from autograder.misconceptions import misconception, variation


def identity(size, like):
    return torch.eye(size, dtype=like.dtype, device=like.device)


def inner(W, sigma2):
    """M, q×q."""
    return W.mT @ W + sigma2 * identity(W.shape[1], W)


def model(W, b, sigma2):
    """p(x) with its D×D covariance: for a few dimensions."""
    return MultivariateNormal(b, W @ W.mT + sigma2 * identity(len(b), W))


# ---- marginal: right -----------------------------------------------------------------------------------------------------


@variation("marginal", "a loop over the entries")
def loop_over_entries(W, b, sigma2):
    cov = torch.zeros(len(b), len(b), dtype=W.dtype)
    for i in range(len(b)):
        for j in range(len(b)):
            cov[i, j] = sum(W[i, k] * W[j, k] for k in range(W.shape[1])) + (sigma2 if i == j else 0)
    return b.clone(), cov


@variation("marginal", "torch.distributions, from the low-rank form")
def from_the_low_rank_form(W, b, sigma2):
    distribution = LowRankMultivariateNormal(b, W, sigma2.expand(len(b)))
    return distribution.mean, distribution.covariance_matrix


@variation("marginal", "z and the noise stacked to one standard normal vector")
def one_stacked_matrix(W, b, sigma2):
    both = torch.cat([W, sigma2.sqrt() * identity(len(b), W)], 1)
    return b, both @ both.mT


# ---- marginal: wrong -----------------------------------------------------------------------------------------------------


@misconception(
    "marginal",
    belief="x varies because z varies",
    story=(
        "The covariance is WWᵀ alone, which has rank q: x would lie on a plane exactly. The noise of p(x|z) is added to "
        "every dimension, and adds σ²I to the covariance."
    ),
    caught_by=("has_the_moments_of_its_draws", "no_direction_is_without_noise"),
)
def noise_forgotten(W, b, sigma2):
    return b, W @ W.mT


@misconception(
    "marginal",
    belief="σ stands on the diagonal",
    story=(
        "The standard deviation σ is added where the variance σ² belongs. Covariances have the unit of x squared, and so "
        "has everything that is added to them."
    ),
    caught_by=("has_the_moments_of_its_draws", "no_direction_is_without_noise", "follows_the_units"),
)
def std_on_the_diagonal(W, b, sigma2):
    return b, W @ W.mT + sigma2.sqrt() * identity(len(b), W)


@misconception(
    "marginal",
    belief="the argument is σ, and must be squared",
    story=(
        "What is handed in is squared again, so σ⁴ stands on the diagonal. sigma2 is the variance already: read the "
        "name and the unit of an argument before using it."
    ),
    caught_by=("has_the_moments_of_its_draws", "no_direction_is_without_noise", "follows_the_units"),
)
def variance_squared(W, b, sigma2):
    return b, W @ W.mT + sigma2**2 * identity(len(b), W)


@misconception(
    "marginal",
    belief="adding σ² to a matrix adds σ²I",
    story=(
        "A number added to a matrix is added to all of its entries, so one common noise shakes all dimensions together. "
        "Noise that is independent in every dimension stands on the diagonal alone."
    ),
    caught_by=("has_the_moments_of_its_draws", "no_direction_is_without_noise"),
)
def noise_in_every_entry(W, b, sigma2):
    return b, W @ W.mT + sigma2


@misconception(
    "marginal",
    belief="the dimensions of x are independent, since the noise is",
    story=(
        "Only the variances are returned, with zeros beside them. Given z the dimensions are independent; without it they "
        "share it, and that is what correlates them."
    ),
    caught_by=("has_the_moments_of_its_draws",),
    read_on="1 · What does x look like?",
)
def dimensions_independent(W, b, sigma2):
    return b, torch.diag(W.square().sum(1) + sigma2)


@misconception(
    "marginal",
    belief="data are centred",
    story=(
        "The mean that comes back is zero. The model has an offset b for data that are not centred, and z, whose mean is "
        "zero, moves nothing on average."
    ),
    caught_by=("has_the_moments_of_its_draws",),
)
def mean_of_zero(W, b, sigma2):
    return torch.zeros_like(b), W @ W.mT + sigma2 * identity(len(b), W)


# ---- exam_marginal: right ------------------------------------------------------------------------------------------------


@variation("exam_marginal", "a loop over the options that compares their variances with Var[x₂] = 4 + 2")
def loop_over_options():
    variances = {"A": 4.0, "B": 7.0, "C": 6.0, "D": 4 + math.sqrt(2)}
    for letter, variance in variances.items():
        if variance == 4.0 + 2.0:
            return letter
    return ""


@variation("exam_marginal", "the letter, in small")
def in_small():
    return "c"


# ---- exam_marginal: wrong ------------------------------------------------------------------------------------------------


@misconception(
    "exam_marginal",
    belief="the covariance of x is WWᵀ",
    story=(
        "Option A has the covariance WWᵀ, without the noise: x would lie on a line. Independent noise adds σ² = 2 to "
        "both variances."
    ),
    caught_by=("has_the_moments_of_the_draws",),
)
def exam_without_noise():
    return "A"


@misconception(
    "exam_marginal",
    belief="the covariance of x is WᵀW + σ²",
    story=(
        "Option B has WᵀW + σ² = 7 on its diagonal. That is the q×q matrix of the posterior, here one number; the "
        "covariance of x is D×D and correlates what shares a z."
    ),
    caught_by=("has_the_moments_of_the_draws",),
)
def exam_inner_for_outer():
    return "B"


@misconception(
    "exam_marginal",
    belief="the noise adds σ",
    story=(
        "Option D adds σ = √2 to the variances. Variances of independent parts add, so it is σ² = 2 that comes on top."
    ),
    caught_by=("has_the_moments_of_the_draws",),
)
def exam_std_for_variance():
    return "D"


# ---- posterior: right ----------------------------------------------------------------------------------------------------


@variation("posterior", "a loop over rows, each solved by itself")
def loop_over_rows(x, W, b, sigma2):
    M = inner(W, sigma2)
    means = [torch.linalg.solve(M, W.mT @ (row - b)) for row in x]
    return torch.stack(means), sigma2 * torch.linalg.inv(M)


@variation("posterior", "precisions: I + WᵀW/σ²")
def from_precisions(x, W, b, sigma2):
    cov = torch.linalg.inv(identity(W.shape[1], W) + W.mT @ W / sigma2)
    return ((x - b) / sigma2) @ W @ cov, cov


@variation("posterior", "a Cholesky factor of M")
def by_cholesky_of_inner(x, W, b, sigma2):
    root = torch.linalg.cholesky(inner(W, sigma2))
    return torch.cholesky_solve(W.mT @ (x - b).mT, root).mT, sigma2 * torch.cholesky_inverse(root)


# ---- posterior: wrong ----------------------------------------------------------------------------------------------------


@misconception(
    "posterior",
    belief="the posterior mean is the projection of x onto the plane",
    story=(
        "The mean is the least-squares solution, where PCA would put x. The prior pulls it towards zero, the more the "
        "larger σ² is: the projection is only its limit as σ² → 0."
    ),
    caught_by=(
        "peaks_where_the_joint_does",
        "is_bayes_on_a_grid",
        "variance_adds_up_to_that_of_the_prior",
        "the_mean_is_pulled_towards_zero",
        "needs_no_large_matrix",
    ),
)
def mean_as_projection(x, W, b, sigma2):
    return (x - b) @ torch.linalg.pinv(W).mT, sigma2 * torch.linalg.inv(inner(W, sigma2))


@misconception(
    "posterior",
    belief="the covariance is M⁻¹",
    story=(
        "The factor σ² before M⁻¹ is missing. Without it the width has the unit of 1/x², and as the noise vanishes the "
        "posterior would stay as wide as ever."
    ),
    caught_by=(
        "peaks_where_the_joint_does",
        "is_bayes_on_a_grid",
        "variance_adds_up_to_that_of_the_prior",
        "becomes_the_projection_without_noise",
        "needs_no_large_matrix",
    ),
)
def covariance_without_sigma2(x, W, b, sigma2):
    M = inner(W, sigma2)
    return torch.linalg.solve(M, W.mT @ (x - b).mT).mT, torch.linalg.inv(M)


@misconception(
    "posterior",
    belief="x can be used as it comes",
    story=(
        "b is not subtracted, so every z explains the offset, too. The model says x − b = Wz + noise: what z has to "
        "explain is the distance from b."
    ),
    caught_by=(
        "peaks_where_the_joint_does",
        "is_bayes_on_a_grid",
        "variance_adds_up_to_that_of_the_prior",
        "the_mean_is_pulled_towards_zero",
        "becomes_the_projection_without_noise",
        "needs_no_large_matrix",
    ),
)
def offset_not_subtracted(x, W, b, sigma2):
    M = inner(W, sigma2)
    return torch.linalg.solve(M, W.mT @ x.mT).mT, sigma2 * torch.linalg.inv(M)


@misconception(
    "posterior",
    belief="M is WᵀW + I, since the prior has the covariance I",
    story=(
        "I is added to WᵀW where σ²I belongs: W is measured against the noise. With precisions it is I + WᵀW/σ²; mixing "
        "both forms is right for σ² = 1 alone."
    ),
    caught_by=(
        "peaks_where_the_joint_does",
        "is_bayes_on_a_grid",
        "variance_adds_up_to_that_of_the_prior",
        "becomes_the_projection_without_noise",
        "needs_no_large_matrix",
        "the_mean_is_pulled_towards_zero",
    ),
)
def identity_for_sigma2(x, W, b, sigma2):
    M = W.mT @ W + identity(W.shape[1], W)
    return torch.linalg.solve(M, W.mT @ (x - b).mT).mT, sigma2 * torch.linalg.inv(M)


@misconception(
    "posterior",
    belief="sigma2 is a standard deviation",
    story=("sigma2 is squared before it is used, so that σ⁴ stands where σ² belongs. It is the variance already."),
    caught_by=(
        "peaks_where_the_joint_does",
        "is_bayes_on_a_grid",
        "variance_adds_up_to_that_of_the_prior",
        "becomes_the_projection_without_noise",
        "needs_no_large_matrix",
        "the_mean_is_pulled_towards_zero",
    ),
)
def sigma2_squared_again(x, W, b, sigma2):
    M = inner(W, sigma2**2)
    return torch.linalg.solve(M, W.mT @ (x - b).mT).mT, sigma2**2 * torch.linalg.inv(M)


@misconception(
    "posterior",
    belief="the mean is M⁻¹Wᵀ(x − b)/σ²",
    story=(
        "Two forms are mixed: (I + WᵀW/σ²)⁻¹Wᵀ(x − b)/σ² and (σ²I + WᵀW)⁻¹Wᵀ(x − b). In the second σ² has been "
        "multiplied through, and dividing by it once more is one time too many."
    ),
    caught_by=(
        "peaks_where_the_joint_does",
        "is_bayes_on_a_grid",
        "variance_adds_up_to_that_of_the_prior",
        "the_mean_is_pulled_towards_zero",
        "becomes_the_projection_without_noise",
        "needs_no_large_matrix",
    ),
)
def divided_by_sigma2_again(x, W, b, sigma2):
    M = inner(W, sigma2)
    return torch.linalg.solve(M, W.mT @ (x - b).mT).mT / sigma2, sigma2 * torch.linalg.inv(M)


# ---- marginal_from_the_joint ---------------------------------------------------------------------------------------------


@variation("marginal_from_the_joint", "from the marginal back to the integral")
def from_the_marginal_to_the_integral():
    return """
        N(x, b, w**2 + sigma2)
        = N(x, b, w**2 + sigma2)*integral(z, N(z, w*(x - b)/(w**2 + sigma2), sigma2/(w**2 + sigma2)))   # normalisation
        = integral(z, N(x, b, w**2 + sigma2)*N(z, w*(x - b)/(w**2 + sigma2), sigma2/(w**2 + sigma2)))   # linearity
        = integral(z, N(x, w*z + b, sigma2)*N(z, 0, 1))                                                 # completing the square
        = integral(z, p(x, z))                                                                          # the model
        = p(x)                                                                                          # marginal
    """


@variation("marginal_from_the_joint", "the posterior by its precision, the model in one step")
def with_a_precision():
    return """
        p(x)
        = integral(z, p(x, z))                                                                                # marginal
        = integral(z, N(z, 0, 1)*N(x, b + w*z, sigma2))                                                       # the model
        = integral(z, N(z, w*(x - b)/sigma2/(1 + w**2/sigma2), 1/(1 + w**2/sigma2))*N(x, b, sigma2 + w**2))   # Gaussian algebra
        = N(x, b, sigma2 + w**2)                                                                              # normalisation
    """


@misconception(
    "marginal_from_the_joint",
    belief="x varies because z varies",
    story=(
        "The marginal's variance is w² alone. The noise of p(x | z) is still there after z has been integrated out, and its "
        "variance adds to that of wz."
    ),
    caught_by=("every_line_is_true", "every_line_follows"),
)
def derived_without_noise():
    return """
        p(x)
        = integral(z, p(x, z))                                                                 # marginal
        = integral(z, p(x | z)*p(z))                                                           # product rule
        = integral(z, N(x, w*z + b, sigma2)*N(z, 0, 1))                                        # the model
        = integral(z, N(x, b, w**2)*N(z, w*(x - b)/(w**2 + sigma2), sigma2/(w**2 + sigma2)))   # completing the square
        = N(x, b, w**2)                                                                        # normalisation
    """


@misconception(
    "marginal_from_the_joint",
    belief="the variance of wz is w",
    story=(
        "The variance of wz is written as w. Variances are squares of distances: that of wz is w², "
        "and w may be negative."
    ),
    caught_by=("every_line_is_true", "every_line_follows"),
)
def derived_with_w_for_its_square():
    return """
        p(x)
        = integral(z, p(x, z))                                                                 # marginal
        = integral(z, p(x | z)*p(z))                                                           # product rule
        = integral(z, N(x, w*z + b, sigma2)*N(z, 0, 1))                                        # the model
        = integral(z, N(x, b, w + sigma2)*N(z, w*(x - b)/(w + sigma2), sigma2/(w + sigma2)))   # completing the square
        = N(x, b, w + sigma2)                                                                  # normalisation
    """


@misconception(
    "marginal_from_the_joint",
    belief="data are centred",
    story=(
        "The offset b has vanished from both factors. z has the mean zero, so wz + b has the mean b, "
        "and it is x − b that says something about z."
    ),
    caught_by=("every_line_is_true", "every_line_follows"),
)
def derived_without_the_offset():
    return """
        p(x)
        = integral(z, p(x, z))                                                                    # marginal
        = integral(z, p(x | z)*p(z))                                                              # product rule
        = integral(z, N(x, w*z + b, sigma2)*N(z, 0, 1))                                           # the model
        = integral(z, N(x, 0, w**2 + sigma2)*N(z, w*x/(w**2 + sigma2), sigma2/(w**2 + sigma2)))   # completing the square
        = N(x, 0, w**2 + sigma2)                                                                  # normalisation
    """


@misconception(
    "marginal_from_the_joint",
    belief="every factor may leave an integral",
    story=(
        "The factor N(x; wz + b, σ²) leaves the integral over z, and takes a z with it. Only what does not "
        "depend on z may leave; there would be no z for it to mean outside."
    ),
    caught_by=("every_line_is_true", "every_line_follows"),
)
def derived_with_z_outside():
    return """
        p(x)
        = integral(z, p(x, z))                            # marginal
        = integral(z, p(x | z)*p(z))                      # product rule
        = integral(z, N(x, w*z + b, sigma2)*N(z, 0, 1))   # the model
        = N(x, w*z + b, sigma2)*integral(z, N(z, 0, 1))   # linearity
        = N(x, w*z + b, sigma2)                           # normalisation
    """


@misconception(
    "marginal_from_the_joint",
    belief="integrals of densities are 1",
    story=(
        "The whole integral is taken for 1. Only the density of z integrates to one over z: the factor "
        "that depends on x is the same for all z, and stays."
    ),
    caught_by=("every_line_is_true", "every_line_follows"),
)
def derived_with_a_factor_swallowed():
    return """
        p(x)
        = integral(z, p(x, z))                                                                          # marginal
        = integral(z, p(x | z)*p(z))                                                                    # product rule
        = integral(z, N(x, w*z + b, sigma2)*N(z, 0, 1))                                                 # the model
        = integral(z, N(x, b, w**2 + sigma2)*N(z, w*(x - b)/(w**2 + sigma2), sigma2/(w**2 + sigma2)))   # completing the square
        = 1                                                                                             # normalisation
    """


@misconception(
    "marginal_from_the_joint",
    belief="p(x) is p(x | z), summed over z",
    story=(
        "p(x | z) is integrated over z where the joint belongs. Each z counts as much as p(z) says: without it the result is "
        "no density of x."
    ),
    caught_by=("every_line_is_true", "every_line_follows"),
)
def derived_without_the_prior():
    return """
        p(x)
        = integral(z, p(x | z))                # marginal
        = integral(z, N(x, w*z + b, sigma2))   # the model
    """


# ---- log_marginal: right -------------------------------------------------------------------------------------------------


@variation("log_marginal", "torch.distributions, the low-rank form")
def low_rank_density(x, W, b, sigma2):
    return LowRankMultivariateNormal(b, W, sigma2.expand(len(b)), validate_args=False).log_prob(x)


@variation(
    "log_marginal",
    "Bayes turned around: log p(x|z) + log p(z) − log p(z|x) at the posterior mean, with loops over rows",
)
def bayes_turned_around(x, W, b, sigma2):
    M = inner(W, sigma2)
    cov = sigma2 * torch.linalg.inv(M)
    found = []
    for row in x:
        z = torch.linalg.solve(M, W.mT @ (row - b))
        joint = Normal(W @ z + b, sigma2.sqrt()).log_prob(row).sum() + Normal(0.0, 1.0).log_prob(z).sum()
        found.append(joint + 0.5 * (len(z) * math.log(2 * math.pi) + torch.logdet(cov)))
    return torch.stack(found)


@variation("log_marginal", "an explicit inverse of M and torch.logdet")
def with_an_explicit_inverse(x, W, b, sigma2):
    M = inner(W, sigma2)
    inside = (x - b) @ W
    distance = ((x - b).square().sum(1) - (inside @ torch.linalg.inv(M) * inside).sum(1)) / sigma2
    log_det = torch.logdet(M) + (W.shape[0] - W.shape[1]) * sigma2.log()
    return -(W.shape[0] * math.log(2 * math.pi) + log_det + distance) / 2


# ---- log_marginal: wrong -------------------------------------------------------------------------------------------------


@misconception(
    "log_marginal",
    belief="a log-likelihood is a mean over the dimensions",
    story=(
        "The log-density is divided by D. The density of all dimensions together is what Bayes' rule needs; per dimension "
        "it would weigh D times too little against the prior."
    ),
    caught_by=(
        "agrees_with_torch",
        "is_the_sum_over_all_z",
        "a_pixel_of_pure_noise_adds_its_own",
        "gradient_is_that_of_the_exact_value",
        "needs_no_covariance_matrix",
    ),
)
def mean_over_dimensions(x, W, b, sigma2):
    return low_rank(x, W, b, sigma2) / len(b)


def low_rank(x, W, b, sigma2):
    return LowRankMultivariateNormal(b, W, sigma2.expand(len(b)), validate_args=False).log_prob(x)


@misconception(
    "log_marginal",
    belief="constants do not matter",
    story=(
        "−½D log 2π is left out. It does not depend on the parameters, yet without it this is no density: it does not "
        "integrate to 1, and cannot be compared between models of other kinds."
    ),
    caught_by=(
        "agrees_with_torch",
        "is_the_sum_over_all_z",
        "a_pixel_of_pure_noise_adds_its_own",
        "density_integrates_to_one",
        "needs_no_covariance_matrix",
    ),
)
def constant_dropped(x, W, b, sigma2):
    return low_rank(x, W, b, sigma2) + len(b) / 2 * math.log(2 * math.pi)


@misconception(
    "log_marginal",
    belief="det C is det M",
    story=(
        "The determinant of the small matrix M takes the place of that of C. M knows the q directions that W reaches; each "
        "of the D − q others adds a factor σ²."
    ),
    caught_by=(
        "agrees_with_torch",
        "is_the_sum_over_all_z",
        "a_pixel_of_pure_noise_adds_its_own",
        "gradient_is_that_of_the_exact_value",
        "needs_no_covariance_matrix",
    ),
)
def determinant_of_inner(x, W, b, sigma2):
    return low_rank(x, W, b, sigma2) + (len(b) - W.shape[1]) * sigma2.log() / 2


@misconception(
    "log_marginal",
    belief="p(x) is p(x|z) at the best z",
    story=(
        "The likelihood of the posterior mean comes back. p(x) averages p(x|z) over the whole prior, and most z explain x "
        "worse than the best one does."
    ),
    caught_by=(
        "agrees_with_torch",
        "is_the_sum_over_all_z",
        "density_integrates_to_one",
        "gradient_is_that_of_the_exact_value",
        "needs_no_covariance_matrix",
    ),
)
def likelihood_of_the_best_z(x, W, b, sigma2):
    z = torch.linalg.solve(inner(W, sigma2), W.mT @ (x - b).mT).mT
    return Normal(z @ W.mT + b, sigma2.sqrt()).log_prob(x).sum(-1)


@misconception(
    "log_marginal",
    belief="the dimensions of x are independent",
    story=(
        "Each dimension gets its own variance and the log-densities are added. That is right given z; without it the "
        "dimensions are correlated, which is the point of the model."
    ),
    caught_by=(
        "agrees_with_torch",
        "is_the_sum_over_all_z",
        "gradient_is_that_of_the_exact_value",
        "needs_no_covariance_matrix",
    ),
    read_on="1 · What does x look like?",
)
def diagonal_covariance(x, W, b, sigma2):
    return Normal(b, (W.square().sum(1) + sigma2).sqrt()).log_prob(x).sum(-1)


@misconception(
    "log_marginal",
    belief="W's columns do not influence each other",
    story=(
        "Each column of W is dealt with alone, as if the others were not there. That is right only where the columns are "
        "orthogonal; in general M has entries beside its diagonal."
    ),
    caught_by=(
        "agrees_with_torch",
        "is_the_sum_over_all_z",
        "rotating_z_changes_nothing",
        "gradient_is_that_of_the_exact_value",
        "needs_no_covariance_matrix",
    ),
)
def columns_taken_as_orthogonal(x, W, b, sigma2):
    D, q = W.shape
    M = W.square().sum(0) + sigma2
    y = x - b
    distance = (y.square().sum(1) - ((y @ W).square() / M).sum(1)) / sigma2
    return -0.5 * (D * math.log(2 * math.pi) + M.log().sum() + (D - q) * sigma2.log() + distance)


@misconception(
    "log_marginal",
    belief="σ² is a number like any other, and may be converted",
    story=(
        "float(sigma2) gives the right values, and cuts σ² out of the graph: no gradient comes back to it. Training would "
        "never learn how much noise there is."
    ),
    caught_by=("gradient_is_that_of_the_exact_value",),
)
def sigma2_converted_to_a_float(x, W, b, sigma2):
    noise = torch.full_like(b, sigma2.item())
    return LowRankMultivariateNormal(b, W, noise, validate_args=False).log_prob(x)


# ---- log_marginal_monte_carlo: right -------------------------------------------------------------------------------------


@variation("log_marginal_monte_carlo", "torch.distributions: a mixture of Gaussians")
def as_a_mixture(x, z, W, b, sigma2):
    means = z @ W.mT + b
    parts = Independent(Normal(means, sigma2.sqrt().expand_as(means)), 1)
    return MixtureSameFamily(Categorical(torch.ones_like(means[:, 0])), parts).log_prob(x)


@variation("log_marginal_monte_carlo", "a loop over rows and draws in plain Python")
def loop_over_draws(x, z, W, b, sigma2):
    found = []
    for row in x:
        logs = [float(Normal(W @ draw + b, sigma2.sqrt()).log_prob(row).sum()) for draw in z]
        largest = max(logs)
        found.append(largest + math.log(sum(math.exp(value - largest) for value in logs) / len(logs)))
    return torch.tensor(found, dtype=x.dtype)


@variation("log_marginal_monte_carlo", "the largest log taken out before exp")
def largest_taken_out(x, z, W, b, sigma2):
    logs = Normal((z @ W.mT + b).unsqueeze(0), sigma2.sqrt()).log_prob(x.unsqueeze(1)).sum(-1)
    largest = logs.amax(1, keepdim=True)
    return largest[:, 0] + (logs - largest).exp().mean(1).log()


# ---- log_marginal_monte_carlo: wrong -------------------------------------------------------------------------------------


def log_likelihoods(x, z, W, b, scale):
    """log p(x|z), for each row of x and each draw of z, were `scale` the standard deviation of the noise."""
    return Normal((z @ W.mT + b).unsqueeze(0), scale).log_prob(x.unsqueeze(1)).sum(-1)


@misconception(
    "log_marginal_monte_carlo",
    belief="the average may be taken after the logarithm",
    story=(
        "The logs of p(x|z) are averaged, not p(x|z) itself. By Jensen's inequality that is too low, and more draws do not "
        "mend it: the order of log and mean matters."
    ),
    caught_by=("is_the_mixture_of_its_draws", "holds_where_densities_underflow", "right_on_average_and_low_in_the_log"),
)
def mean_of_the_logs(x, z, W, b, sigma2):
    return log_likelihoods(x, z, W, b, sigma2.sqrt()).mean(1)


@misconception(
    "log_marginal_monte_carlo",
    belief="logsumexp is the log of the average",
    story=(
        "The densities are added and not divided by their number s, so log s nats are too many. The more draws, the "
        "likelier everything seems."
    ),
    caught_by=(
        "is_the_mixture_of_its_draws",
        "drawing_everything_twice_changes_nothing",
        "right_on_average_and_low_in_the_log",
        "holds_where_densities_underflow",
    ),
)
def not_divided_by_s(x, z, W, b, sigma2):
    return log_likelihoods(x, z, W, b, sigma2.sqrt()).logsumexp(1)


@misconception(
    "log_marginal_monte_carlo",
    belief="log(mean(exp(·))) is what the formula says",
    story=(
        "Densities are computed before they are averaged, and far from every draw all of them are 0 to a computer. The "
        "logarithm of 0 is −∞, where the true one is, say, −800: stay with logarithms, and take logsumexp."
    ),
    caught_by=(
        "holds_where_densities_underflow",
        "is_the_mixture_of_its_draws",
    ),
)
def densities_averaged(x, z, W, b, sigma2):
    return log_likelihoods(x, z, W, b, sigma2.sqrt()).exp().mean(1).log()


@misconception(
    "log_marginal_monte_carlo",
    belief="dimensions are averaged",
    story=(
        "log p(x|z) is the mean over the D dimensions, not their sum. Which draw explains x best is then decided as if "
        "there were one dimension."
    ),
    caught_by=("is_the_mixture_of_its_draws", "holds_where_densities_underflow", "right_on_average_and_low_in_the_log"),
)
def dimensions_averaged(x, z, W, b, sigma2):
    logs = Normal((z @ W.mT + b).unsqueeze(0), sigma2.sqrt()).log_prob(x.unsqueeze(1)).mean(-1)
    return logs.logsumexp(1) - math.log(len(z))


@misconception(
    "log_marginal_monte_carlo",
    belief="the second argument of Normal is the variance",
    story=(
        "sigma2 is handed to Normal, which wants a standard deviation. The noise is then σ⁴, and every distance is "
        "measured with a wrong ruler."
    ),
    caught_by=("is_the_mixture_of_its_draws", "holds_where_densities_underflow", "right_on_average_and_low_in_the_log"),
)
def variance_as_scale(x, z, W, b, sigma2):
    return log_likelihoods(x, z, W, b, sigma2).logsumexp(1) - math.log(len(z))


@misconception(
    "log_marginal_monte_carlo",
    belief="every draw is weighted by p(z)",
    story=(
        "log p(z) is added to log p(x|z), and so the prior counts twice. The draws come from it: likely z are there more "
        "often, and that is their weight."
    ),
    caught_by=("is_the_mixture_of_its_draws", "holds_where_densities_underflow", "right_on_average_and_low_in_the_log"),
)
def weighted_by_the_prior_again(x, z, W, b, sigma2):
    joint = log_likelihoods(x, z, W, b, sigma2.sqrt()) + Normal(0.0, 1.0).log_prob(z).sum(-1)
    return joint.logsumexp(1) - math.log(len(z))


# ---- maximum_likelihood: right -------------------------------------------------------------------------------------------


@variation("maximum_likelihood", "an SVD of the centred data")
def svd_of_the_data(X, q):
    b = X.mean(0)
    _, stretch, directions = torch.linalg.svd(X - b, full_matrices=False)
    variances = stretch**2 / len(X)
    sigma2 = (variances.sum() - variances[:q].sum()) / (X.shape[1] - q)
    return directions[:q].mT * (variances[:q] - sigma2).sqrt(), b, sigma2


@variation("maximum_likelihood", "torch.cov, and a loop over the directions that are kept")
def loop_over_directions(X, q):
    variances, directions = torch.linalg.eigh(torch.cov(X.mT, correction=0))
    lost = X.shape[1] - q
    sigma2 = variances[:lost].sum() / lost
    columns = []
    for k in range(q):
        columns.append(-directions[:, lost + k] * torch.sqrt(variances[lost + k] - sigma2))
    return torch.stack(columns, 1), X.sum(0) / len(X), sigma2


# ---- maximum_likelihood: wrong -------------------------------------------------------------------------------------------


def fitted(X, q, covariance, sigma2_of=torch.mean, subtract=True):
    """W and σ² from a covariance matrix; `sigma2_of` says what becomes of the eigenvalues that are lost."""
    variances, directions = torch.linalg.eigh(covariance)
    sigma2 = sigma2_of(variances[:-q])
    kept = variances[-q:] - sigma2 if subtract else variances[-q:]
    return directions[:, -q:] * kept.clamp_min(0).sqrt(), sigma2


@misconception(
    "maximum_likelihood",
    belief="a covariance is divided by N − 1",
    story=(
        "The covariance with N − 1 is unbiased, and it is not what maximises the likelihood. There the average over the "
        "data appears, with 1/N."
    ),
    caught_by=("nothing_is_likelier", "explains_all_of_the_variance", "finds_the_model_that_fits_exactly"),
)
def divided_by_n_minus_one(X, q):
    W, sigma2 = fitted(X, q, torch.cov(X.mT))
    return W, X.mean(0), sigma2


@misconception(
    "maximum_likelihood",
    belief="σ² is all of the variance that is lost",
    story=(
        "The lost eigenvalues are added. Their sum is the noise of D − q directions together; σ² is that of each, so it "
        "is their mean."
    ),
    caught_by=("nothing_is_likelier", "explains_all_of_the_variance", "finds_the_model_that_fits_exactly"),
)
def lost_variance_added(X, q):
    W, sigma2 = fitted(X, q, torch.cov(X.mT, correction=0), torch.sum)
    return W, X.mean(0), sigma2


@misconception(
    "maximum_likelihood",
    belief="σ² is the smallest eigenvalue",
    story=(
        "The noise is taken from the quietest direction alone. All D − q directions that W leaves out share one σ², and "
        "the likeliest is their mean."
    ),
    caught_by=("nothing_is_likelier", "explains_all_of_the_variance"),
)
def smallest_eigenvalue(X, q):
    W, sigma2 = fitted(X, q, torch.cov(X.mT, correction=0), torch.min)
    return W, X.mean(0), sigma2


@misconception(
    "maximum_likelihood",
    belief="the lost variance is spread over all D dimensions",
    story=(
        "The lost eigenvalues are added and divided by D. There are D − q of them: along the q kept directions the noise "
        "is hidden in what W explains, and is not lost."
    ),
    caught_by=("nothing_is_likelier", "explains_all_of_the_variance", "finds_the_model_that_fits_exactly"),
)
def lost_variance_over_all(X, q):
    W, sigma2 = fitted(X, q, torch.cov(X.mT, correction=0), lambda lost: lost.sum() / X.shape[1])
    return W, X.mean(0), sigma2


@misconception(
    "maximum_likelihood",
    belief="W has the lengths that PCA gives it",
    story=(
        "W = UΛ^½ explains all of the variance along the kept directions. The noise is there as well, with σ², so W must "
        "leave that much out: Λ − σ²I."
    ),
    caught_by=("nothing_is_likelier", "explains_all_of_the_variance", "finds_the_model_that_fits_exactly"),
)
def noise_counted_twice(X, q):
    W, sigma2 = fitted(X, q, torch.cov(X.mT, correction=0), torch.mean, False)
    return W, X.mean(0), sigma2


@misconception(
    "maximum_likelihood",
    belief="eigh gives the largest eigenvalues first",
    story=(
        "The q smallest eigenvalues are kept, and the largest are taken for noise. torch.linalg.eigh sorts upwards: what "
        "you want stands at the end."
    ),
    caught_by=(
        "nothing_is_likelier",
        "explains_all_of_the_variance",
        "finds_the_model_that_fits_exactly",
        "does_not_care_where_the_origin_is",
    ),
)
def smallest_kept(X, q):
    variances, directions = torch.linalg.eigh(torch.cov(X.mT, correction=0))
    sigma2 = variances[q:].mean()
    return directions[:, :q] * (variances[:q] - sigma2).abs().sqrt(), X.mean(0), sigma2


@misconception(
    "maximum_likelihood",
    belief="W's columns are as long as the variances",
    story=(
        "The square root of Λ − σ²I is missing. A column of W is a distance, in the units of x; its square is a variance."
    ),
    caught_by=("nothing_is_likelier", "explains_all_of_the_variance", "finds_the_model_that_fits_exactly"),
)
def root_forgotten(X, q):
    variances, directions = torch.linalg.eigh(torch.cov(X.mT, correction=0))
    sigma2 = variances[:-q].mean()
    return directions[:, -q:] * (variances[-q:] - sigma2), X.mean(0), sigma2


@misconception(
    "maximum_likelihood",
    belief="the covariance is the mean of the squares less the square of the mean",
    story=(
        "On paper that is so; in a computer two huge numbers are subtracted, and far from the origin nothing is left of "
        "the difference. Subtract the mean first, then square."
    ),
    caught_by=("does_not_care_where_the_origin_is",),
)
def mean_square_less_squared_mean(X, q):
    b = X.mean(0)
    W, sigma2 = fitted(X, q, X.mT @ X / len(X) - torch.outer(b, b))
    return W, b, sigma2


# ---- em_step: right ------------------------------------------------------------------------------------------------------


@variation("em_step", "a loop over the rows that gathers their sufficient statistics")
def loop_over_statistics(X, W, b, sigma2):
    D, q = W.shape
    M = inner(W, sigma2)
    cov = sigma2 * torch.linalg.inv(M)
    outer, second, squares = W.new_zeros(D, q), W.new_zeros(q, q), W.new_zeros(())
    for row in X:
        z = torch.linalg.solve(M, W.mT @ (row - b))
        outer = outer + torch.outer(row - b, z)
        second = second + cov + torch.outer(z, z)
        squares = squares + (row - b).square().sum()
    new_W = outer @ torch.linalg.inv(second)
    total = squares - 2 * (new_W * outer).sum() + torch.trace(second @ new_W.mT @ new_W)
    return new_W, total / (len(X) * D)


@variation("em_step", "both halves in one: Tipping and Bishop's W and σ² from the data's covariance times W")
def both_halves_in_one(X, W, b, sigma2):
    y = X - b
    M = inner(W, sigma2)
    SW = y.mT @ (y @ W) / len(X)
    inverse = torch.linalg.inv(M)
    new_W = SW @ torch.linalg.inv(sigma2 * identity(W.shape[1], W) + inverse @ W.mT @ SW)
    explained = torch.trace((SW @ inverse).mT @ new_W)
    return new_W, (y.square().sum() / len(X) - explained) / X.shape[1]


# ---- em_step: wrong ------------------------------------------------------------------------------------------------------


def expected(X, W, b, sigma2):
    """The centred data, the posterior means, and the posterior covariance."""
    M = inner(W, sigma2)
    y = X - b
    return y, torch.linalg.solve(M, W.mT @ y.mT).mT, sigma2 * torch.linalg.inv(M)


@misconception(
    "em_step",
    belief="each z may be replaced by its posterior mean",
    story=(
        "W is a regression on the posterior means alone. They are shrunken, and uncertain: E[zzᵀ] is the covariance plus "
        "the product of means, and without the covariance W comes out too long."
    ),
    caught_by=(
        "is_a_regression_on_completed_data",
        "the_likelihood_never_falls",
        "stays_at_the_maximum",
        "needs_no_covariance_of_the_data",
    ),
)
def means_for_moments(X, W, b, sigma2):
    y, mean, _ = expected(X, W, b, sigma2)
    new_W = (torch.linalg.pinv(mean, rtol=1e-5) @ y).mT
    return new_W, (y - mean @ new_W.mT).square().mean()


@misconception(
    "em_step",
    belief="the posterior's covariance counts once, not for every row",
    story=(
        "The covariance is added once to the sum over all rows. It is part of E[zzᵀ] of every single row, so N rows have N "
        "of them."
    ),
    caught_by=("is_a_regression_on_completed_data", "stays_at_the_maximum", "needs_no_covariance_of_the_data"),
    may_break=("the_likelihood_never_falls",),
)
def covariance_once(X, W, b, sigma2):
    y, mean, cov = expected(X, W, b, sigma2)
    new_W = torch.linalg.solve(cov + mean.mT @ mean, mean.mT @ y).mT
    return new_W, (y * (y - mean @ new_W.mT)).mean()


@misconception(
    "em_step",
    belief="σ² is made with the W that the step began with",
    story=(
        "The residuals are those of the old W. W and σ² are maximised together, so σ² is what the *new* W leaves over."
    ),
    caught_by=("is_a_regression_on_completed_data", "needs_no_covariance_of_the_data"),
    may_break=("the_likelihood_never_falls",),
)
def sigma2_with_the_old_w(X, W, b, sigma2):
    y, mean, cov = expected(X, W, b, sigma2)
    new_W = torch.linalg.solve(len(X) * cov + mean.mT @ mean, mean.mT @ y).mT
    around = (y - mean @ W.mT).square().sum() / len(X) + (W @ cov * W).sum()
    return new_W, around / X.shape[1]


@misconception(
    "em_step",
    belief="σ² is the squared distance of x from its reconstruction",
    story=(
        "Only the residuals from the posterior means are averaged. z is not known exactly, and what W does with its "
        "posterior covariance is missing: σ² comes out too small."
    ),
    caught_by=("is_a_regression_on_completed_data", "stays_at_the_maximum", "needs_no_covariance_of_the_data"),
    may_break=("the_likelihood_never_falls",),
)
def residuals_of_the_means(X, W, b, sigma2):
    y, mean, cov = expected(X, W, b, sigma2)
    new_W = torch.linalg.solve(len(X) * cov + mean.mT @ mean, mean.mT @ y).mT
    return new_W, (y - mean @ new_W.mT).square().mean()


@misconception(
    "em_step",
    belief="σ² is the average over the rows",
    story=(
        "The residuals are averaged over the rows and added over the dimensions. σ² is the variance of *one* dimension, so "
        "it is their mean over both."
    ),
    caught_by=(
        "is_a_regression_on_completed_data",
        "the_likelihood_never_falls",
        "stays_at_the_maximum",
        "needs_no_covariance_of_the_data",
    ),
)
def sigma2_summed_over_dimensions(X, W, b, sigma2):
    y, mean, cov = expected(X, W, b, sigma2)
    new_W = torch.linalg.solve(len(X) * cov + mean.mT @ mean, mean.mT @ y).mT
    return new_W, (y * (y - mean @ new_W.mT)).sum(1).mean()


@misconception(
    "em_step",
    belief="only the posterior needs the offset",
    story=(
        "The posterior is right, and then X itself is regressed on z instead of X − b. W would have to explain the mean of "
        "the data, which b is for."
    ),
    caught_by=(
        "is_a_regression_on_completed_data",
        "the_likelihood_never_falls",
        "stays_at_the_maximum",
        "needs_no_covariance_of_the_data",
    ),
)
def offset_left_in_the_data(X, W, b, sigma2):
    _, mean, cov = expected(X, W, b, sigma2)
    new_W = torch.linalg.solve(len(X) * cov + mean.mT @ mean, mean.mT @ X).mT
    return new_W, (X * (X - mean @ new_W.mT)).mean()


@misconception(
    "em_step",
    belief="b is the mean of the data",
    story=(
        "The mean of X is subtracted in the place of b. At the maximum they agree, but the model at hand is the one with "
        "this b: the posterior is that of this model, and so is the step."
    ),
    caught_by=("is_a_regression_on_completed_data", "needs_no_covariance_of_the_data"),
    may_break=("the_likelihood_never_falls",),
)
def mean_of_the_data_for_b(X, W, b, sigma2):
    y, mean, cov = expected(X, W, X.mean(0), sigma2)
    new_W = torch.linalg.solve(len(X) * cov + mean.mT @ mean, mean.mT @ y).mT
    return new_W, (y * (y - mean @ new_W.mT)).mean() + 0 * b.sum()


# ---- marginal_symbolic ---------------------------------------------------------------------------------------------------


@variation("marginal_symbolic", "the matrix WWᵀ + σ²I, and its entries")
def entries_of_the_matrix():
    w1, w2, b1, b2, sigma2 = sympy.symbols("w1 w2 b1 b2 sigma2")
    W, b = sympy.Matrix([w1, w2]), sympy.Matrix([b1, b2])
    C = W * W.T + sigma2 * sympy.eye(2)
    return b[0], C[0, 0], C[0, 1]


@variation("marginal_symbolic", "from the variance of the sum and of the difference")
def by_polarisation():
    w1, w2, b1, sigma = sympy.symbols("w1 w2 b1 sigma2")
    of_the_sum, of_the_difference = (w1 + w2) ** 2 + 2 * sigma, (w1 - w2) ** 2 + 2 * sigma
    return b1, abs(w1) ** 2 + sigma, (of_the_sum - of_the_difference) / 4


@misconception(
    "marginal_symbolic",
    belief="x varies because z varies",
    story="σ² is missing in the variance of x1. The noise of x1 is independent of z, and its variance is added to that of w1·z.",
    caught_by=("letters_have_the_moments_of_the_draws",),
)
def letters_without_noise():
    w1, w2, b1 = sympy.symbols("w1 w2 b1")
    return b1, w1**2, w1 * w2


@misconception(
    "marginal_symbolic",
    belief="σ stands on the diagonal",
    story="The standard deviation σ is added to a variance. sigma2 is σ² already, and is added as it is.",
    caught_by=("letters_have_the_moments_of_the_draws",),
)
def letters_with_the_std():
    w1, w2, b1, sigma2 = sympy.symbols("w1 w2 b1 sigma2")
    return b1, w1**2 + sympy.sqrt(sigma2), w1 * w2


@misconception(
    "marginal_symbolic",
    belief="adding σ² to a matrix adds σ²I",
    story="σ² stands in the covariance of x1 and x2 as well. Each has noise of its own, so they share w1·w2 alone.",
    caught_by=("letters_have_the_moments_of_the_draws",),
)
def letters_with_one_noise_for_both():
    w1, w2, b1, sigma2 = sympy.symbols("w1 w2 b1 sigma2")
    return b1, w1**2 + sigma2, w1 * w2 + sigma2


@misconception(
    "marginal_symbolic",
    belief="the dimensions of x are independent, since the noise is",
    story="The covariance of x1 and x2 is zero. Given z they are independent; without it they share z, and that correlates them.",
    caught_by=("letters_have_the_moments_of_the_draws",),
)
def letters_without_covariance():
    w1, b1, sigma2 = sympy.symbols("w1 b1 sigma2")
    return b1, w1**2 + sigma2, sympy.Integer(0)


@misconception(
    "marginal_symbolic",
    belief="the variance of w1·z is w1",
    story="The variance of w1·z is w1², a square, as all variances are. With w1 alone it could be negative.",
    caught_by=("letters_have_the_moments_of_the_draws",),
)
def letters_not_squared():
    w1, w2, b1, sigma2 = sympy.symbols("w1 w2 b1 sigma2")
    return b1, w1 + sigma2, w1 * w2


@misconception(
    "marginal_symbolic",
    belief="a variance is the average of the square",
    story="The mean has not been subtracted before squaring. The average of x1² is larger than the variance, by b1².",
    caught_by=("letters_have_the_moments_of_the_draws",),
)
def letters_with_the_second_moment():
    w1, w2, b1, sigma2 = sympy.symbols("w1 w2 b1 sigma2")
    return b1, w1**2 + b1**2 + sigma2, w1 * w2


# ---- best_offset_and_noise -----------------------------------------------------------------------------------------------


@variation("best_offset_and_noise", "the variance first, then the offset")
def tangent_before_the_square():
    return """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                          # the model
        =  E(q(x), -(log(2*pi*v) + (x - b)**2/v)/2)          # density of a normal
        =  -(log(2*pi*v) + s2/v + (m - b)**2/v)/2            # moments
        <= -(log(2*pi*v) + log(s2/v) + 1 + (m - b)**2/v)/2   # log t ≤ t − 1
        =  -(log(2*pi*s2) + 1 + (m - b)**2/v)/2              # arithmetic
        <= -(log(2*pi*s2) + 1)/2                             # a square is never negative
    """


@variation("best_offset_and_noise", "from the bound to the likelihood")
def from_the_bound_up():
    return """
        -(log(2*pi*s2) + 1)/2
        =  -(log(2*pi*v) + log(s2/v) + 1)/2           # arithmetic
        >= -(log(2*pi*v) + s2/v)/2                    # tangent
        >= -(log(2*pi*v) + (s2 + (m - b)**2)/v)/2     # squares
        =  E(q(x), -(log(2*pi*v) + (x - b)**2/v)/2)   # moments
        =  E(q(x), log(N(x, b, v)))                   # density of a normal
        =  E(q(x), log(p(x)))                         # the model
    """


@misconception(
    "best_offset_and_noise",
    belief="the average of a square is the square of the average",
    story=(
        "E[(x − b)²] is taken for (m − b)². The average of a square is larger than the square of the "
        "average, by the variance."
    ),
    caught_by=("every_line_is_true", "every_line_follows"),
)
def data_without_spread():
    return """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                   # the model
        =  E(q(x), -(log(2*pi*v) + (x - b)**2/v)/2)   # density of a normal
        =  -(log(2*pi*v) + (m - b)**2/v)/2            # moments
        <= -log(2*pi*v)/2                             # a square is never negative
    """


@misconception(
    "best_offset_and_noise",
    belief="what is best may be put in at once",
    story=(
        "The square is dropped with an equals sign. It is zero only if b = m: for every other b the line is "
        "smaller, and that is what is to be shown."
    ),
    caught_by=("every_line_is_true", "every_line_follows"),
)
def best_with_an_equals_sign():
    return """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                   # the model
        =  E(q(x), -(log(2*pi*v) + (x - b)**2/v)/2)   # density of a normal
        =  -(log(2*pi*v) + (s2 + (m - b)**2)/v)/2     # moments
        =  -(log(2*pi*v) + s2/v)/2                    # a square is never negative
        <= -(log(2*pi*v) + log(s2/v) + 1)/2           # log t ≤ t − 1
        =  -(log(2*pi*s2) + 1)/2                      # arithmetic
    """


@misconception(
    "best_offset_and_noise",
    belief="something that is not negative may be dropped, and the rest is smaller",
    story=(
        "The inequality stands the wrong way round: a square with a minus sign before it is dropped, and "
        "without it the line is larger."
    ),
    caught_by=("every_line_is_true",),
)
def squares_make_it_larger():
    return """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                   # the model
        =  E(q(x), -(log(2*pi*v) + (x - b)**2/v)/2)   # density of a normal
        =  -(log(2*pi*v) + (s2 + (m - b)**2)/v)/2     # moments
        >= -(log(2*pi*v) + s2/v)/2                    # a square is never negative
        <= -(log(2*pi*v) + log(s2/v) + 1)/2           # log t ≤ t − 1
        =  -(log(2*pi*s2) + 1)/2                      # arithmetic
    """


@misconception(
    "best_offset_and_noise",
    belief="log t ≤ t − 1 may be used for 1/t",
    story=(
        "The logarithm of v/s2 stands where that of s2/v belongs. The inequality is used with t = s2/v, since "
        "that is what stands in the line before."
    ),
    caught_by=("every_line_is_true", "every_line_follows"),
)
def tangent_upside_down():
    return """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                   # the model
        =  E(q(x), -(log(2*pi*v) + (x - b)**2/v)/2)   # density of a normal
        =  -(log(2*pi*v) + (s2 + (m - b)**2)/v)/2     # moments
        <= -(log(2*pi*v) + s2/v)/2                    # a square is never negative
        <= -(log(2*pi*v) + log(v/s2) + 1)/2           # log t ≤ t − 1
    """


@misconception(
    "best_offset_and_noise",
    belief="only the square has a half before it",
    story=(
        "The ½ before log 2πv has been lost. The density has the square root of 2πv in it, and the "
        "logarithm of a root is half of the logarithm."
    ),
    caught_by=("every_line_is_true", "every_line_follows"),
)
def half_on_the_square_alone():
    return """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                   # the model
        =  E(q(x), -log(2*pi*v) - (x - b)**2/(2*v))   # density of a normal
        =  -log(2*pi*v) - (s2 + (m - b)**2)/(2*v)     # moments
        <= -log(2*pi*v) - s2/(2*v)                    # a square is never negative
    """


@misconception(
    "best_offset_and_noise",
    belief="what is well known needs no steps",
    story=(
        "The bound stands in the second line. It is true, and none of the rules gives it by itself: two "
        "inequalities are needed, one for b and one for v."
    ),
    caught_by=("every_line_follows",),
)
def best_at_once():
    return """
        E(q(x), log(p(x)))
        <= -(log(2*pi*s2) + 1)/2   # log t ≤ t − 1
    """


# ---- sample: right -------------------------------------------------------------------------------------------------------


@variation("sample", "a loop over the rows")
def loop_over_samples(eps_z, eps_x, W, b, sigma2):
    return torch.stack([W @ z + b + torch.sqrt(sigma2) * eps for z, eps in zip(eps_z, eps_x, strict=True)])


@variation("sample", "torch.nn.functional.linear and addcmul")
def with_linear(eps_z, eps_x, W, b, sigma2):
    return torch.addcmul(torch.nn.functional.linear(eps_z, W, b), eps_x, sigma2.sqrt())


# ---- sample: wrong -------------------------------------------------------------------------------------------------------


@misconception(
    "sample",
    belief="noise is multiplied by the variance",
    story=(
        "eps is multiplied by σ² instead of σ. A multiple of noise has the *square* of the factor for its variance, and "
        "that would be σ⁴."
    ),
    caught_by=("noise_is_put_through_the_model", "draws_have_the_moments_of_the_model"),
)
def noise_times_the_variance(eps_z, eps_x, W, b, sigma2):
    return eps_z @ W.mT + b + sigma2 * eps_x


@misconception(
    "sample",
    belief="a draw is the decoded z",
    story=(
        "The mean of p(x|z) comes back, without its noise. Such pictures are cleaner than the data ever were: a draw of x "
        "has the noise of x."
    ),
    caught_by=("noise_is_put_through_the_model", "draws_have_the_moments_of_the_model"),
)
def noise_left_out(eps_z, eps_x, W, b, sigma2):
    return eps_z @ W.mT + b + 0 * eps_x * sigma2


@misconception(
    "sample",
    belief="one random number for each row is enough",
    story=(
        "All dimensions of a row share the noise of the first one, so they move together. Given z they are independent, "
        "and each has noise of its own."
    ),
    caught_by=("noise_is_put_through_the_model", "draws_have_the_moments_of_the_model"),
)
def one_noise_for_all_dimensions(eps_z, eps_x, W, b, sigma2):
    return eps_z @ W.mT + b + sigma2.sqrt() * eps_x[:, :1]


# ---- missing_values: right -----------------------------------------------------------------------------------------------


@variation("missing_values", "the D×D covariance, conditioned by its blocks, with a loop over the entries")
def by_blocks(x, observed, W, b, sigma2):
    cov = W @ W.mT + sigma2 * identity(len(b), W)
    seen = [i for i in range(len(b)) if observed[i]]
    inverse = torch.linalg.inv(cov[seen][:, seen])
    mean, variance = x.clone(), torch.zeros_like(x)
    for i in range(len(b)):
        if i not in seen:
            weights = inverse @ cov[seen, i]
            mean[i] = b[i] + weights @ (x[seen] - b[seen])
            variance[i] = cov[i, i] - weights @ cov[seen, i]
    return mean, variance


@variation("missing_values", "rows of W set to zero, and torch.where")
def rows_set_to_zero(x, observed, W, b, sigma2):
    seen = observed.bool()
    V = torch.where(seen.unsqueeze(1), W, 0)
    M = inner(V, sigma2)
    z = torch.linalg.solve(M, V.mT @ torch.where(seen, x - b, 0))
    cov = sigma2 * torch.linalg.inv(M)
    variance = torch.einsum("di,ij,dj->d", W, cov, W) + sigma2
    return torch.where(seen, x, b + W @ z), torch.where(seen, torch.zeros_like(b), variance)


# ---- missing_values: wrong -----------------------------------------------------------------------------------------------


def given_seen(x, seen, W, b, sigma2):
    """The posterior of z, from the observed entries."""
    M = inner(W[seen], sigma2)
    return torch.linalg.solve(M, W[seen].mT @ (x - b)[seen]), sigma2 * torch.linalg.inv(M)


@misconception(
    "missing_values",
    belief="what is missing is best replaced by its mean",
    story=(
        "Missing entries get b and the variances of p(x), as if nothing had been seen. What was observed says something "
        "about z, and z about what is missing."
    ),
    caught_by=("fills_in_what_is_likeliest",),
)
def mean_imputation(x, observed, W, b, sigma2):
    seen = observed == 1
    return torch.where(seen, x, b), torch.where(seen, 0, W.square().sum(1) + sigma2)


@misconception(
    "missing_values",
    belief="once z is known, so is x",
    story=(
        "The variance is that of Wz alone. Even if z were known, a missing entry of x would have noise of its own: σ² "
        "comes on top."
    ),
    caught_by=("fills_in_what_is_likeliest", "nothing_seen_is_the_marginal"),
)
def noise_of_the_missing_forgotten(x, observed, W, b, sigma2):
    seen = observed == 1
    z, cov = given_seen(x, seen, W, b, sigma2)
    return torch.where(seen, x, b + W @ z), torch.where(seen, 0, (W @ cov * W).sum(1))


@misconception(
    "missing_values",
    belief="whatever stands in a missing entry may be used",
    story=(
        "The posterior of z is computed from all entries, the missing ones included. What stands there is no observation: "
        "leave these rows of W and x out before you encode."
    ),
    caught_by=("fills_in_what_is_likeliest", "ignores_what_stands_in_the_gaps", "nothing_seen_is_the_marginal"),
)
def missing_taken_as_seen(x, observed, W, b, sigma2):
    seen = observed == 1
    z, cov = given_seen(x, torch.ones_like(seen), W, b, sigma2)
    return torch.where(seen, x, b + W @ z), torch.where(seen, 0, (W @ cov * W).sum(1) + sigma2)


@misconception(
    "missing_values",
    belief="missing entries may be filled with b before x is encoded",
    story=(
        "The gaps are filled with the mean, and then all entries are used: that claims to have observed the mean there. It "
        "pulls z towards zero, and makes it look more certain than it is."
    ),
    caught_by=("fills_in_what_is_likeliest", "nothing_seen_is_the_marginal"),
)
def filled_with_the_mean_first(x, observed, W, b, sigma2):
    seen = observed == 1
    z, cov = given_seen(torch.where(seen, x, b), torch.ones_like(seen), W, b, sigma2)
    return torch.where(seen, x, b + W @ z), torch.where(seen, 0, (W @ cov * W).sum(1) + sigma2)


EQUIVALENT = []
