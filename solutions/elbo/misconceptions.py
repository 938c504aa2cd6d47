"""Wrong answers to this week's exercises, each with the belief behind it, and right answers written another way.

Never released. `caught_by` names the laws that catch a misconception whatever the seed, `may_break` those that may.
"""

import math

import torch
from torch.distributions import Bernoulli, Categorical, Independent, MultivariateNormal, kl_divergence

from autograder.misconceptions import equivalent, misconception, variation

# ---- elbo_terms: right ---------------------------------------------------------------------------------------------------


@variation("elbo_terms", "a loop over rows and states in plain Python")
def loop_over_states(q, prior, likelihood):
    rows = []
    for qs, priors, likelihoods in zip(q.tolist(), prior.tolist(), likelihood.tolist(), strict=True):
        energy = entropy = reconstruction = kl = 0.0
        for a, b, c in zip(qs, priors, likelihoods, strict=True):
            if a == 0:
                continue
            log_b, log_c = (math.log(value) if value > 0 else -math.inf for value in (b, c))
            energy += a * (log_b + log_c)
            entropy -= a * math.log(a)
            reconstruction += a * log_c
            kl += a * (math.log(a) - log_b)
        rows.append((energy, entropy, reconstruction, kl))
    return tuple(q.new_tensor(column) for column in zip(*rows, strict=True))


@variation("elbo_terms", "torch.distributions for entropy and KL, the energy as the sum of two logs")
def with_categorical(q, prior, likelihood):
    inside = q > 0
    log_prior, log_likelihood = (torch.where(inside, p, 1.0).log() for p in (prior, likelihood))
    entropy = torch.special.entr(q).sum(-1)
    kl = kl_divergence(Categorical(probs=q), Categorical(probs=prior))
    return (q * (log_prior + log_likelihood)).sum(-1), entropy, (q * log_likelihood).sum(-1), kl


@variation("elbo_terms", "three building blocks; energy and KL are sums of them")
def from_three_blocks(q, prior, likelihood):
    entropy = -torch.xlogy(q, q).sum(-1)
    cross_entropy = -torch.xlogy(q, prior).sum(-1)
    reconstruction = torch.xlogy(q, likelihood).sum(-1)
    return reconstruction - cross_entropy, entropy, reconstruction, cross_entropy - entropy


# ---- elbo_terms: wrong ---------------------------------------------------------------------------------------------------


def right_terms(q, prior, likelihood):
    """(energy, entropy, reconstruction, KL), to be spoilt one at a time."""
    entropy = -torch.xlogy(q, q).sum(-1)
    reconstruction = torch.xlogy(q, likelihood).sum(-1)
    cross_entropy = -torch.xlogy(q, prior).sum(-1)
    return reconstruction - cross_entropy, entropy, reconstruction, cross_entropy - entropy


@misconception(
    "elbo_terms",
    belief="the bound averages the likelihood, without its log",
    story=(
        "The reconstruction is E_q[p(x|z)], and the energy E_q[p(x, z)]: the log is missing, as on some slides. Every "
        "term of the bound is the average of a logarithm."
    ),
    caught_by=(
        "terms_agree_with_enumeration",
        "terms_where_probabilities_are_zero",
        "two_ways_one_bound",
        "never_above_log_evidence",
        "what_is_lacking_is_the_divergence_from_the_posterior",
        "each_term_sees_its_own",
        "by_hand_in_the_small_model",
    ),
)
def without_the_log(q, prior, likelihood):
    _, entropy, _, kl = right_terms(q, prior, likelihood)
    return (q * prior * likelihood).sum(-1), entropy, (q * likelihood).sum(-1), kl


@misconception(
    "elbo_terms",
    belief="the log of the average is the average of the log",
    story=(
        "The log is taken after averaging: log E_q[p(x|z)] and log E_q[p(x, z)] come back, which are too large. That "
        "is Jensen's inequality the wrong way round: the bound averages logarithms."
    ),
    caught_by=(
        "terms_agree_with_enumeration",
        "terms_where_probabilities_are_zero",
        "two_ways_one_bound",
        "never_above_log_evidence",
        "what_is_lacking_is_the_divergence_from_the_posterior",
        "by_hand_in_the_small_model",
    ),
)
def log_outside_the_average(q, prior, likelihood):
    _, entropy, _, kl = right_terms(q, prior, likelihood)
    return (q * prior * likelihood).sum(-1).log(), entropy, (q * likelihood).sum(-1).log(), kl


@misconception(
    "elbo_terms",
    belief="the divergence from the prior is KL[prior‖q]",
    story=(
        "The arguments of the divergence are exchanged: it is averaged over the prior. In the bound everything is "
        "averaged over q, so q comes first."
    ),
    caught_by=(
        "terms_agree_with_enumeration",
        "terms_where_probabilities_are_zero",
        "two_ways_one_bound",
        "never_above_log_evidence",
        "what_is_lacking_is_the_divergence_from_the_posterior",
        "by_hand_in_the_small_model",
    ),
)
def kl_arguments_swapped(q, prior, likelihood):
    energy, entropy, reconstruction, _ = right_terms(q, prior, likelihood)
    return energy, entropy, reconstruction, (torch.xlogy(prior, prior) - torch.xlogy(prior, q)).sum(-1)


@misconception(
    "elbo_terms",
    belief="the KL in the bound is the one to the posterior",
    story=(
        "KL[q‖p(z|x)] came back in the place of KL[q‖p(z)]. The first is what the bound lacks, the second is a part "
        "of it: taking both for one counts the likelihood twice."
    ),
    caught_by=(
        "terms_agree_with_enumeration",
        "terms_where_probabilities_are_zero",
        "two_ways_one_bound",
        "never_above_log_evidence",
        "what_is_lacking_is_the_divergence_from_the_posterior",
        "by_hand_in_the_small_model",
    ),
)
def kl_to_the_posterior(q, prior, likelihood):
    energy, entropy, reconstruction, _ = right_terms(q, prior, likelihood)
    joint = prior * likelihood
    posterior = joint / joint.sum(-1, keepdim=True)
    return energy, entropy, reconstruction, (torch.xlogy(q, q) - torch.xlogy(q, posterior)).sum(-1)


@misconception(
    "elbo_terms",
    belief="an average over states divides by their number",
    story=(
        "The terms are averaged over the k states with .mean(). The weights q(z) already make them averages: they "
        "must be added."
    ),
    caught_by=(
        "terms_agree_with_enumeration",
        "terms_where_probabilities_are_zero",
        "never_above_log_evidence",
        "what_is_lacking_is_the_divergence_from_the_posterior",
        "each_term_sees_its_own",
        "by_hand_in_the_small_model",
    ),
)
def mean_over_states(q, prior, likelihood):
    return tuple(term / q.shape[-1] for term in right_terms(q, prior, likelihood))


@misconception(
    "elbo_terms",
    belief="the entropy is Σ q log q",
    story=(
        "The entropy has the wrong sign, so it is never positive and a spread-out q is punished. H(q) is the average "
        "of −log q: the bound rewards a q that keeps its options open."
    ),
    caught_by=(
        "terms_agree_with_enumeration",
        "terms_where_probabilities_are_zero",
        "two_ways_one_bound",
        "what_is_lacking_is_the_divergence_from_the_posterior",
        "by_hand_in_the_small_model",
    ),
)
def entropy_with_the_wrong_sign(q, prior, likelihood):
    energy, entropy, reconstruction, kl = right_terms(q, prior, likelihood)
    return energy, -entropy, reconstruction, kl


@misconception(
    "elbo_terms",
    belief="the KL comes with its minus sign",
    story=(
        "The last term is −KL[q‖prior], so reconstruction − KL adds the divergence instead of taking it away, as some "
        "lecture notes do. A divergence is never negative; the minus stands outside."
    ),
    caught_by=(
        "terms_agree_with_enumeration",
        "terms_where_probabilities_are_zero",
        "two_ways_one_bound",
        "never_above_log_evidence",
        "what_is_lacking_is_the_divergence_from_the_posterior",
        "by_hand_in_the_small_model",
    ),
)
def kl_is_added(q, prior, likelihood):
    energy, entropy, reconstruction, kl = right_terms(q, prior, likelihood)
    return energy, entropy, reconstruction, -kl


@misconception(
    "elbo_terms",
    belief="the energy is about the likelihood only",
    story=(
        "log p(z) is left out of the energy, which comes out equal to the reconstruction. The joint is prior times "
        "likelihood: log p(x, z) = log p(z) + log p(x|z)."
    ),
    caught_by=(
        "terms_agree_with_enumeration",
        "terms_where_probabilities_are_zero",
        "two_ways_one_bound",
        "never_above_log_evidence",
        "what_is_lacking_is_the_divergence_from_the_posterior",
        "by_hand_in_the_small_model",
    ),
)
def prior_left_out_of_the_energy(q, prior, likelihood):
    _, entropy, reconstruction, kl = right_terms(q, prior, likelihood)
    return reconstruction, entropy, reconstruction, kl


@misconception(
    "elbo_terms",
    belief="latent states are drawn from the prior",
    story=(
        "The reconstruction is averaged over p(z) instead of q(z). Every average in the bound is over q: that is why "
        "q must be easy to draw from."
    ),
    caught_by=(
        "terms_agree_with_enumeration",
        "terms_where_probabilities_are_zero",
        "two_ways_one_bound",
        "what_is_lacking_is_the_divergence_from_the_posterior",
        "by_hand_in_the_small_model",
    ),
)
def reconstruction_under_the_prior(q, prior, likelihood):
    energy, entropy, _, kl = right_terms(q, prior, likelihood)
    return energy, entropy, torch.xlogy(prior, likelihood).sum(-1), kl


@misconception(
    "elbo_terms",
    belief="the formula takes care of zeros by itself",
    story=(
        "0·log 0 is computed as 0·(−∞), which is NaN. A state without weight adds nothing: say so, with torch.xlogy "
        "or a mask."
    ),
    caught_by=("terms_where_probabilities_are_zero", "by_hand_in_the_small_model"),
)
def zeros_become_nan(q, prior, likelihood):
    energy = (q * (prior * likelihood).log()).sum(-1)
    kl = (q * (q / prior).log()).sum(-1)
    return energy, -(q * q.log()).sum(-1), (q * likelihood.log()).sum(-1), kl


@misconception(
    "elbo_terms",
    belief="a small epsilon makes logarithms safe",
    story=(
        "Adding 1e-4 inside the logarithms avoids NaN and turns −∞ into about −9. A q that believes in what the model "
        "rules out is infinitely bad, not nine nats bad."
    ),
    caught_by=(
        "terms_agree_with_enumeration",
        "terms_where_probabilities_are_zero",
        "never_above_log_evidence",
        "what_is_lacking_is_the_divergence_from_the_posterior",
        "each_term_sees_its_own",
        "by_hand_in_the_small_model",
    ),
)
def epsilon_in_the_logs(q, prior, likelihood):
    eps = 1e-4
    energy = (q * ((prior + eps).log() + (likelihood + eps).log())).sum(-1)
    entropy = -(q * (q + eps).log()).sum(-1)
    kl = (q * ((q + eps).log() - (prior + eps).log())).sum(-1)
    return energy, entropy, (q * (likelihood + eps).log()).sum(-1), kl


# ---- bound_gap: right ----------------------------------------------------------------------------------------------------


@variation("bound_gap", "a loop over rows and states in plain Python, log p(x) less the bound")
def loop_and_subtract(q, prior, likelihood):
    gaps = []
    for qs, priors, likelihoods in zip(q.tolist(), prior.tolist(), likelihood.tolist(), strict=True):
        joint = [b * c for b, c in zip(priors, likelihoods, strict=True)]
        bound = 0.0
        for a, both in zip(qs, joint, strict=True):
            if a > 0:
                bound += a * (math.log(both) - math.log(a)) if both > 0 else -math.inf
        gaps.append(math.log(sum(joint)) - bound)
    return q.new_tensor(gaps)


@variation("bound_gap", "torch.distributions, the posterior from logits")
def with_posterior_logits(q, prior, likelihood):
    return kl_divergence(Categorical(probs=q), Categorical(probs=prior * likelihood))


@variation("bound_gap", "the evidence times a normalised log-ratio")
def ratio_to_the_joint(q, prior, likelihood):
    joint = prior * likelihood
    return (torch.xlogy(q, q) - torch.xlogy(q, joint)).sum(-1) + joint.sum(-1).log()


# ---- bound_gap: wrong ----------------------------------------------------------------------------------------------------


def posterior_table(prior, likelihood):
    joint = prior * likelihood
    return joint / joint.sum(-1, keepdim=True)


def finite_kl(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)


@misconception(
    "bound_gap",
    belief="the gap is the divergence from the prior",
    story=(
        "KL[q‖p(z)] came back. That one is part of the bound; what the bound lacks is KL[q‖p(z|x)], the divergence "
        "from the posterior."
    ),
    caught_by=(
        "gap_is_log_evidence_less_the_bound",
        "gap_where_probabilities_are_zero",
        "gap_closes_only_at_the_posterior",
        "gaps_by_hand_in_the_small_model",
    ),
    read_on="2 · What the bound lacks",
)
def gap_to_the_prior(q, prior, likelihood):
    return finite_kl(q, prior) + 0 * likelihood.sum(-1)


@misconception(
    "bound_gap",
    belief="the gap is averaged over the posterior",
    story=("The arguments are exchanged: KL[p(z|x)‖q]. The bound is an average over q, and so is what it lacks."),
    caught_by=(
        "gap_is_log_evidence_less_the_bound",
        "gap_where_probabilities_are_zero",
        "gaps_by_hand_in_the_small_model",
    ),
)
def gap_arguments_swapped(q, prior, likelihood):
    return finite_kl(posterior_table(prior, likelihood), q)


@misconception(
    "bound_gap",
    belief="the joint needs no normalising",
    story=(
        "q is compared with p(x, z) instead of p(z|x), so −ELBO came back. The joint adds up to p(x), not to 1: the "
        "gap is log p(x) more."
    ),
    caught_by=(
        "gap_is_log_evidence_less_the_bound",
        "gap_where_probabilities_are_zero",
        "gap_closes_only_at_the_posterior",
        "gap_does_not_feel_a_factor",
        "gaps_by_hand_in_the_small_model",
    ),
)
def evidence_forgotten(q, prior, likelihood):
    return (torch.xlogy(q, q) - torch.xlogy(q, prior) - torch.xlogy(q, likelihood)).sum(-1)


@misconception(
    "bound_gap",
    belief="the bound lies above the evidence",
    story=("ELBO − log p(x) came back, which is never positive. A lower bound lies below: the gap is log p(x) − ELBO."),
    caught_by=(
        "gap_is_log_evidence_less_the_bound",
        "gap_where_probabilities_are_zero",
        "gap_is_never_negative",
        "gap_closes_only_at_the_posterior",
        "gaps_by_hand_in_the_small_model",
    ),
)
def gap_upside_down(q, prior, likelihood):
    return -finite_kl(q, posterior_table(prior, likelihood))


@misconception(
    "bound_gap",
    belief="the posterior is the normalised likelihood",
    story=(
        "The likelihood is normalised over z without the prior. Bayes' rule multiplies by p(z) first: a state that is "
        "rare beforehand stays rarer afterwards."
    ),
    caught_by=(
        "gap_is_log_evidence_less_the_bound",
        "gap_where_probabilities_are_zero",
        "gap_closes_only_at_the_posterior",
        "gaps_by_hand_in_the_small_model",
    ),
)
def prior_forgotten(q, prior, likelihood):
    return finite_kl(q, likelihood / likelihood.sum(-1, keepdim=True)) + 0 * prior.sum(-1)


@misconception(
    "bound_gap",
    belief="log p(x) is the log of the likelihood averaged over q",
    story=(
        "log E_q[p(x|z)] is taken for log p(x). The evidence averages the likelihood over the prior, whatever q is."
    ),
    caught_by=(
        "gap_is_log_evidence_less_the_bound",
        "gap_where_probabilities_are_zero",
        "gap_closes_only_at_the_posterior",
        "gaps_by_hand_in_the_small_model",
    ),
)
def evidence_under_q(q, prior, likelihood):
    bound = (torch.xlogy(q, prior) + torch.xlogy(q, likelihood) - torch.xlogy(q, q)).sum(-1)
    return (q * likelihood).sum(-1).log() - bound


@misconception(
    "bound_gap",
    belief="a divergence is a mean over states",
    story=("The k terms are averaged instead of added. The weights q(z) already make it an average over states."),
    caught_by=(
        "gap_is_log_evidence_less_the_bound",
        "gap_where_probabilities_are_zero",
        "gap_closes_only_at_the_posterior",
        "gaps_by_hand_in_the_small_model",
    ),
)
def gap_averaged_over_states(q, prior, likelihood):
    return finite_kl(q, posterior_table(prior, likelihood)) / q.shape[-1]


@misconception(
    "bound_gap",
    belief="zeros take care of themselves",
    story=(
        "0·log 0 is computed as 0·(−∞), which is NaN. A state without weight adds nothing to the gap: write that down."
    ),
    caught_by=("gap_where_probabilities_are_zero", "gaps_by_hand_in_the_small_model"),
)
def gap_with_nan(q, prior, likelihood):
    posterior = posterior_table(prior, likelihood)
    return (q * (q.log() - posterior.log())).sum(-1)


@misconception(
    "bound_gap",
    belief="a little more in the denominator makes a division safe",
    story=(
        "p(x) + 1e-4 stands in the denominator of Bayes' rule. For an improbable x, and every image is one, that is "
        "no small change: the posterior no longer adds up to 1."
    ),
    caught_by=(
        "gap_is_log_evidence_less_the_bound",
        "gap_where_probabilities_are_zero",
        "gap_closes_only_at_the_posterior",
        "gap_does_not_feel_a_factor",
        "gaps_by_hand_in_the_small_model",
    ),
)
def epsilon_in_the_evidence(q, prior, likelihood):
    joint = prior * likelihood
    return finite_kl(q, joint / (joint.sum(-1, keepdim=True) + 1e-4))


# ---- optimal_q: right ----------------------------------------------------------------------------------------------------


@variation("optimal_q", "a loop over observations, and the posterior's covariance inverted back")
def loop_over_observations(x, W, b, sigma2):
    covariance = torch.linalg.inv(torch.eye(W.shape[1], dtype=W.dtype) + W.T @ W / sigma2)
    means = torch.stack([covariance @ (W.T @ (row - b)) / sigma2 for row in x])
    precision = torch.linalg.inv(covariance)
    gap = 0.5 * (torch.log(torch.diagonal(precision)).sum() + torch.linalg.slogdet(covariance).logabsdet)
    return means, 1 / torch.diagonal(precision), gap


@variation("optimal_q", "column norms for the variances, torch.distributions for the gap")
def with_distributions(x, W, b, sigma2):
    D, d = W.shape
    gain = torch.linalg.solve(W @ W.T + sigma2 * torch.eye(D, dtype=W.dtype), W).T
    mean = (x - b) @ gain.T
    precision = torch.eye(d, dtype=W.dtype) + W.T @ W / sigma2
    variances = sigma2 / (sigma2 + (W * W).sum(0))
    q = MultivariateNormal(mean[0], scale_tril=torch.diag(variances.sqrt()))
    return mean, variances, kl_divergence(q, MultivariateNormal(mean[0], precision_matrix=precision))


# ---- optimal_q: wrong ----------------------------------------------------------------------------------------------------


def posterior_pieces(x, W, b, sigma2):
    """The posterior's precision and mean."""
    precision = torch.eye(W.shape[1], dtype=W.dtype) + W.T @ W / sigma2
    return precision, torch.linalg.solve(precision, W.T @ (x - b).T / sigma2).T


def correlation_cost(precision):
    return (precision.diagonal().log().sum() - torch.logdet(precision)) / 2


@misconception(
    "optimal_q",
    belief="the best diagonal Gaussian has the posterior's own variances",
    story=(
        "The diagonal of the posterior's covariance is returned. Those variances let q reach where the posterior has "
        "next to nothing; KL with q first prefers the narrower 1/Λ_ii, the variance of one z with the others held "
        "fixed."
    ),
    caught_by=("no_slope_is_left", "two_hidden_causes_by_hand"),
    may_break=("the_gap_is_what_correlation_costs",),
    read_on="3 · When q cannot be the posterior",
)
def marginal_variances(x, W, b, sigma2):
    precision, mean = posterior_pieces(x, W, b, sigma2)
    covariance = torch.linalg.inv(precision)
    variances = covariance.diagonal()
    q = MultivariateNormal(torch.zeros_like(variances), torch.diag(variances))
    return mean, variances, kl_divergence(q, MultivariateNormal(torch.zeros_like(variances), covariance))


@misconception(
    "optimal_q",
    belief="with the right means and variances nothing is missing",
    story=(
        "The posterior's own variances are returned with a gap of 0. A diagonal Gaussian with the right variances "
        "still lacks the correlations, and pays for every nat of them."
    ),
    caught_by=(
        "no_slope_is_left",
        "the_gap_is_what_correlation_costs",
        "bound_and_gap_make_up_log_evidence",
        "two_hidden_causes_by_hand",
    ),
)
def marginals_without_a_gap(x, W, b, sigma2):
    precision, mean = posterior_pieces(x, W, b, sigma2)
    variances = torch.linalg.inv(precision).diagonal()
    return mean, variances, 0 * variances.sum()


@misconception(
    "optimal_q",
    belief="the diagonal of the precision is the variance",
    story=(
        "Λ_ii came back where 1/Λ_ii belongs. A precision is large where the posterior is narrow: the variance is its "
        "inverse."
    ),
    caught_by=(
        "no_slope_is_left",
        "the_gap_is_what_correlation_costs",
        "bound_and_gap_make_up_log_evidence",
        "two_hidden_causes_by_hand",
    ),
)
def precision_for_variance(x, W, b, sigma2):
    precision, mean = posterior_pieces(x, W, b, sigma2)
    return mean, precision.diagonal(), correlation_cost(precision)


@misconception(
    "optimal_q",
    belief="a Gaussian is given by its standard deviation",
    story=(
        "Standard deviations, 1/√Λ_ii, came back in the place of variances. The second result is asked in the squares "
        "of z's units."
    ),
    caught_by=(
        "no_slope_is_left",
        "the_gap_is_what_correlation_costs",
        "bound_and_gap_make_up_log_evidence",
        "two_hidden_causes_by_hand",
    ),
)
def standard_deviations(x, W, b, sigma2):
    precision, mean = posterior_pieces(x, W, b, sigma2)
    return mean, precision.diagonal().rsqrt(), correlation_cost(precision)


@misconception(
    "optimal_q",
    belief="the posterior mean is the least-squares fit",
    story=(
        "The mean is the projection of x − b onto the columns of W, without the prior. The prior N(0, I) adds the "
        "identity to Λ and pulls the mean towards 0, the more the larger σ² is."
    ),
    caught_by=(
        "no_slope_is_left",
        "the_gap_is_what_correlation_costs",
        "bound_and_gap_make_up_log_evidence",
        "two_hidden_causes_by_hand",
    ),
)
def least_squares(x, W, b, sigma2):
    precision, _ = posterior_pieces(x, W, b, sigma2)
    return (x - b) @ torch.linalg.pinv(W).T, 1 / precision.diagonal(), correlation_cost(precision)


@misconception(
    "optimal_q",
    belief="sigma2 is a standard deviation",
    story=("sigma2 is squared once more, as if it were σ. It is σ² already: the 2 in the name says so."),
    caught_by=("no_slope_is_left", "the_gap_is_what_correlation_costs", "bound_and_gap_make_up_log_evidence"),
)
def sigma_squared_twice(x, W, b, sigma2):
    precision, mean = posterior_pieces(x, W, b, sigma2**2)
    return mean, 1 / precision.diagonal(), correlation_cost(precision)


@misconception(
    "optimal_q",
    belief="x has mean zero",
    story=("b is not subtracted from x. What tells about z is how far x is from b, where the model puts it for z = 0."),
    caught_by=(
        "no_slope_is_left",
        "the_gap_is_what_correlation_costs",
        "bound_and_gap_make_up_log_evidence",
        "two_hidden_causes_by_hand",
    ),
)
def offset_forgotten(x, W, b, sigma2):
    precision, mean = posterior_pieces(x, W, 0 * b, sigma2)
    return mean, 1 / precision.diagonal(), correlation_cost(precision)


@misconception(
    "optimal_q",
    belief="a log-determinant comes without a half",
    story=(
        "The gap is twice what it should be. A Gaussian's log-density has −½ log det Σ, and so has every divergence "
        "between Gaussians."
    ),
    caught_by=("the_gap_is_what_correlation_costs", "bound_and_gap_make_up_log_evidence", "two_hidden_causes_by_hand"),
)
def gap_without_half(x, W, b, sigma2):
    precision, mean = posterior_pieces(x, W, b, sigma2)
    return mean, 1 / precision.diagonal(), 2 * correlation_cost(precision)


@misconception(
    "optimal_q",
    belief="the best q closes the gap",
    story=(
        "The gap is given as 0. The best q of a family is the posterior only if the family contains it, and a "
        "diagonal q has no correlations."
    ),
    caught_by=("the_gap_is_what_correlation_costs", "bound_and_gap_make_up_log_evidence", "two_hidden_causes_by_hand"),
)
def best_means_no_gap(x, W, b, sigma2):
    precision, mean = posterior_pieces(x, W, b, sigma2)
    return mean, 1 / precision.diagonal(), 0 * precision.sum()


# ---- variational_em: right -----------------------------------------------------------------------------------------------


@variation("variational_em", "a loop over observations, components and pixels in plain Python")
def loop_over_observations_and_components(x, prior, probs):
    rows, weights, table = x.tolist(), prior.tolist(), probs.tolist()
    n, k, size = len(rows), len(weights), len(table[0])
    beliefs = []
    for row in rows:
        logs = []
        for weight, chances in zip(weights, table, strict=True):
            parts = [math.log(p if seen else 1 - p) for seen, p in zip(row, chances, strict=True)]
            logs.append(math.log(weight) + sum(parts))
        top = max(logs)
        shares = [math.exp(value - top) for value in logs]
        beliefs.append([share / sum(shares) for share in shares])
    totals = [sum(belief[j] for belief in beliefs) for j in range(k)]
    new_prior = [total / n for total in totals]
    new_table = [
        [sum(belief[j] * row[i] for belief, row in zip(beliefs, rows, strict=True)) / totals[j] for i in range(size)]
        for j in range(k)
    ]
    bound = 0.0
    for row, belief in zip(rows, beliefs, strict=True):
        for j in range(k):
            if belief[j] > 0:
                bound += belief[j] * (math.log(new_prior[j]) - math.log(belief[j]))
                for i in range(size):
                    chance = new_table[j][i] if row[i] else 1 - new_table[j][i]
                    bound += belief[j] * math.log(chance)
    kind = prior.dtype
    return torch.tensor(new_prior, dtype=kind), torch.tensor(new_table, dtype=kind), torch.tensor(bound / n, dtype=kind)


@variation("variational_em", "torch.distributions for the likelihood, the bound as evidence less divergence")
def with_bernoulli(x, prior, probs):
    data = x.to(probs.dtype)

    def log_joint(weights, table):
        inside = Independent(Bernoulli(probs=table), 1)
        return weights.log() + inside.log_prob(data.unsqueeze(1))

    before = log_joint(prior, probs)
    q = torch.softmax(before, -1)
    new_prior = q.mean(0)
    sure = torch.einsum("nk,nd->kd", q, data) / q.sum(0)[:, None]
    # Bernoulli keeps away from 0 and 1 by an eps: write the certain outcomes out.
    ones, zeros = sure.clamp(1e-300 if sure.dtype == torch.float64 else 1e-37, 1), 1 - sure
    zeros = zeros.clamp(1e-300 if sure.dtype == torch.float64 else 1e-37, 1)
    after = new_prior.log() + data @ ones.log().T + (1 - data) @ zeros.log().T
    return new_prior, sure, (q * (after - q.clamp_min(1e-37).log())).sum(-1).mean()


# ---- variational_em: wrong -----------------------------------------------------------------------------------------------


def belief_about(ones, prior, probs):
    """q(z|x) for every row."""
    return torch.softmax(prior.log() + ones @ probs.log().T + (1 - ones) @ (1 - probs).log().T, -1)


def best_parameters(q, ones):
    return q.mean(0), q.T @ ones / q.sum(0)[:, None]


def mean_bound(q, ones, prior, probs):
    heads, tails = q.T @ ones, q.T @ (1 - ones)
    inside = torch.xlogy(heads, probs).sum() + torch.xlogy(tails, 1 - probs).sum()
    return (inside + torch.xlogy(q, prior).sum() - torch.xlogy(q, q).sum()) / len(ones)


@misconception(
    "variational_em",
    belief="every observation belongs to its most probable component",
    story=(
        "q is made hard: all weight goes to the component with the largest posterior, as k-means does. The best q of "
        "the E-step is the posterior itself, doubts included."
    ),
    caught_by=(
        "steps_along_the_slope_of_the_evidence",
        "bound_is_short_of_the_new_evidence_by_the_change_of_belief",
        "equal_components_stay_equal",
        "images_of_many_pixels",
    ),
    may_break=("up_the_stairs",),
    read_on="4 · Two steps, both upwards",
)
def hard_assignments(x, prior, probs):
    ones = x.to(probs.dtype)
    soft = belief_about(ones, prior, probs)
    q = torch.nn.functional.one_hot(soft.argmax(-1), len(prior)).to(soft)
    q = (q + 1e-6) / (1 + 1e-6 * len(prior))
    new_prior, new_probs = best_parameters(q, ones)
    return new_prior, new_probs, mean_bound(q, ones, new_prior, new_probs)


@misconception(
    "variational_em",
    belief="the best q comes from the likelihood alone",
    story=(
        "The prior is left out of the E-step, so rare components get as much as common ones. q(z|x) is the posterior: "
        "prior times likelihood, normalised."
    ),
    caught_by=(
        "steps_along_the_slope_of_the_evidence",
        "bound_is_short_of_the_new_evidence_by_the_change_of_belief",
        "equal_components_stay_equal",
    ),
)
def prior_left_out_of_the_e_step(x, prior, probs):
    ones = x.to(probs.dtype)
    q = belief_about(ones, torch.ones_like(prior), probs)
    new_prior, new_probs = best_parameters(q, ones)
    return new_prior, new_probs, mean_bound(q, ones, new_prior, new_probs)


@misconception(
    "variational_em",
    belief="only ones count in a likelihood",
    story=(
        "The E-step multiplies probs where x is 1 and forgets 1 − probs where x is 0. A zero tells as much about z as "
        "a one does."
    ),
    caught_by=(
        "steps_along_the_slope_of_the_evidence",
        "bound_is_short_of_the_new_evidence_by_the_change_of_belief",
        "images_of_many_pixels",
    ),
    may_break=("up_the_stairs",),
)
def zeros_say_nothing(x, prior, probs):
    ones = x.to(probs.dtype)
    q = torch.softmax(prior.log() + ones @ probs.log().T, -1)
    new_prior, new_probs = best_parameters(q, ones)
    return new_prior, new_probs, mean_bound(q, ones, new_prior, new_probs)


@misconception(
    "variational_em",
    belief="the prior is given and stays",
    story=(
        "The prior comes back as it went in. It is a parameter like the table: the M-step sets it to the mean of q "
        "over the data."
    ),
    caught_by=(
        "steps_along_the_slope_of_the_evidence",
        "bound_is_short_of_the_new_evidence_by_the_change_of_belief",
        "images_of_many_pixels",
    ),
)
def prior_not_updated(x, prior, probs):
    ones = x.to(probs.dtype)
    q = belief_about(ones, prior, probs)
    _, new_probs = best_parameters(q, ones)
    return prior + 0 * new_probs.sum(), new_probs, mean_bound(q, ones, prior, new_probs)


@misconception(
    "variational_em",
    belief="every row of the table divides by the number of observations",
    story=(
        "The sum of q·x is divided by n instead of by the sum of q. A component with half of the data would get half "
        "of its probabilities: divide by what it has been given."
    ),
    caught_by=(
        "steps_along_the_slope_of_the_evidence",
        "bound_is_short_of_the_new_evidence_by_the_change_of_belief",
        "up_the_stairs",
        "equal_components_stay_equal",
        "images_of_many_pixels",
    ),
)
def table_divided_by_n(x, prior, probs):
    ones = x.to(probs.dtype)
    q = belief_about(ones, prior, probs)
    new_prior, new_probs = q.mean(0), q.T @ ones / len(ones)
    return new_prior, new_probs, mean_bound(q, ones, new_prior, new_probs)


@misconception(
    "variational_em",
    belief="the bound is asked at the old parameters",
    story=(
        "The bound is taken before the M-step, where it touches the old log p(data). Asked is the bound that the "
        "M-step has just maximised: the same q, and the new parameters."
    ),
    caught_by=("bound_is_short_of_the_new_evidence_by_the_change_of_belief",),
)
def bound_before_the_m_step(x, prior, probs):
    ones = x.to(probs.dtype)
    q = belief_about(ones, prior, probs)
    return *best_parameters(q, ones), mean_bound(q, ones, prior, probs)


@misconception(
    "variational_em",
    belief="the bound after the M-step is the new log-likelihood",
    story=(
        "The new log p(data) came back for the bound. After the M-step q is no longer the posterior, so the bound "
        "lies below: only the next E-step brings them together again."
    ),
    caught_by=("bound_is_short_of_the_new_evidence_by_the_change_of_belief",),
)
def new_evidence_for_the_bound(x, prior, probs):
    ones = x.to(probs.dtype)
    new_prior, new_probs = best_parameters(belief_about(ones, prior, probs), ones)
    q = belief_again(ones, new_prior, new_probs)
    return new_prior, new_probs, mean_bound(q, ones, new_prior, new_probs)


def belief_again(ones, prior, probs):
    """q(z|x), also where some probabilities are 0 or 1."""
    least = torch.finfo(probs.dtype).tiny
    ones_log, zeros_log = probs.clamp_min(least).log(), (1 - probs).clamp_min(least).log()
    return torch.softmax(prior.log() + ones @ ones_log.T + (1 - ones) @ zeros_log.T, -1)


@misconception(
    "variational_em",
    belief="the bound is the expected log-joint",
    story=(
        "The entropy of q is missing from the bound. The M-step may leave it out, since it does not depend on the "
        "parameters; the bound may not."
    ),
    caught_by=("bound_is_short_of_the_new_evidence_by_the_change_of_belief", "up_the_stairs"),
)
def entropy_left_out(x, prior, probs):
    ones = x.to(probs.dtype)
    q = belief_about(ones, prior, probs)
    new_prior, new_probs = best_parameters(q, ones)
    return new_prior, new_probs, mean_bound(q, ones, new_prior, new_probs) + torch.xlogy(q, q).sum() / len(ones)


@misconception(
    "variational_em",
    belief="the bound is a sum over the data",
    story=(
        "The bound is added up over the n observations. It is asked for one observation, as a mean: otherwise it "
        "could not be compared between data sets of different sizes."
    ),
    caught_by=("bound_is_short_of_the_new_evidence_by_the_change_of_belief", "up_the_stairs"),
)
def bound_summed_over_the_data(x, prior, probs):
    ones = x.to(probs.dtype)
    q = belief_about(ones, prior, probs)
    new_prior, new_probs = best_parameters(q, ones)
    return new_prior, new_probs, mean_bound(q, ones, new_prior, new_probs) * len(ones)


@misconception(
    "variational_em",
    belief="probabilities may be multiplied",
    story=(
        "The likelihood is a product over all entries of x, which is 0 in a computer once there are some hundred of "
        "them, and 0/0 is NaN. Add logarithms, and let softmax normalise."
    ),
    caught_by=("bound_is_short_of_the_new_evidence_by_the_change_of_belief", "images_of_many_pixels"),
)
def product_of_probabilities(x, prior, probs):
    ones = x.to(probs.dtype)
    seen = x.unsqueeze(1) == 1
    joint = prior * torch.where(seen, probs, 1 - probs).prod(-1)
    q = joint / joint.sum(-1, keepdim=True)
    new_prior, new_probs = best_parameters(q, ones)
    return new_prior, new_probs, mean_bound(q, ones, new_prior, new_probs)


@misconception(
    "variational_em",
    belief="no probability is ever exactly 0 or 1",
    story=(
        "Where all rows of a component agree, its new probability is 0 or 1, and 0·log 0 in the bound becomes NaN. "
        "What never happens adds nothing: torch.xlogy knows."
    ),
    caught_by=("bound_is_short_of_the_new_evidence_by_the_change_of_belief", "up_the_stairs"),
)
def certain_outcomes_become_nan(x, prior, probs):
    ones = x.to(probs.dtype)
    q = belief_about(ones, prior, probs)
    new_prior, new_probs = best_parameters(q, ones)
    after = new_prior.log() + ones @ new_probs.log().T + (1 - ones) @ (1 - new_probs).log().T
    return new_prior, new_probs, (q * (after - torch.where(q > 0, q, 1.0).log())).sum(-1).mean()


# ---- iwae_bound: right ---------------------------------------------------------------------------------------------------


@variation("iwae_bound", "a loop over rows and draws in plain Python")
def loop_over_draws(z, q, prior, log_likelihood):
    bounds = []
    for states, qs, priors, logs in zip(z.tolist(), q.tolist(), prior.tolist(), log_likelihood.tolist(), strict=True):
        weights = [math.log(priors[s]) + logs[s] - math.log(qs[s]) for s in states]
        top = max(weights)
        bounds.append(top + math.log(sum(math.exp(w - top) for w in weights) / len(weights)))
    return q.new_tensor(bounds)


@variation("iwae_bound", "torch.distributions, and a softmax that is never left")
def with_log_prob(z, q, prior, log_likelihood):
    draws = z.T
    log_w = Categorical(probs=prior).log_prob(draws) - Categorical(probs=q).log_prob(draws)
    log_w = log_w + torch.take_along_dim(log_likelihood, z, 1).T
    return torch.logsumexp(log_w - math.log(len(draws)), 0)


@variation("iwae_bound", "one-hot draws and a largest weight taken out")
def with_one_hot(z, q, prior, log_likelihood):
    chosen = torch.nn.functional.one_hot(z, q.shape[-1]).to(q.dtype)
    log_w = torch.einsum("njk,nk->nj", chosen, prior.log() - q.log() + log_likelihood)
    top = log_w.max(-1, keepdim=True).values
    return top[:, 0] + (log_w - top).exp().mean(-1).log()


# ---- iwae_bound: wrong ---------------------------------------------------------------------------------------------------


def log_weights(z, q, prior, log_likelihood):
    return (prior.log() + log_likelihood - q.log()).gather(1, z)


@misconception(
    "iwae_bound",
    belief="several draws are averaged",
    story=(
        "The log-weights are averaged, which estimates the ELBO for any K, more quietly but no more tightly. The "
        "average is taken of the weights, and the logarithm comes after."
    ),
    caught_by=(
        "true_on_every_draw",
        "its_exponential_is_right_on_average",
        "log_likelihoods_of_images",
        "single_draws_may_exceed_log_evidence",
    ),
    read_on="5 · More draws, a tighter bound",
)
def mean_of_logs(z, q, prior, log_likelihood):
    return log_weights(z, q, prior, log_likelihood).mean(-1)


@misconception(
    "iwae_bound",
    belief="logsumexp is the log of a mean",
    story=(
        "The weights are added and not divided by K, so the bound is log K too large. Subtract log K: a mean is wanted."
    ),
    caught_by=(
        "true_on_every_draw",
        "its_exponential_is_right_on_average",
        "more_draws_tighten_it_on_average",
        "log_likelihoods_of_images",
        "single_draws_may_exceed_log_evidence",
    ),
)
def divided_by_nothing(z, q, prior, log_likelihood):
    return log_weights(z, q, prior, log_likelihood).logsumexp(-1)


@misconception(
    "iwae_bound",
    belief="the likelihood is the weight",
    story=(
        "log p(z) − log q(z) is left out: only likelihoods are averaged. Draws from q are not draws from the prior, "
        "and the ratio of the two corrects for it."
    ),
    caught_by=("true_on_every_draw", "its_exponential_is_right_on_average", "more_draws_tighten_it_on_average"),
)
def likelihoods_only(z, q, prior, log_likelihood):
    return log_likelihood.gather(1, z).logsumexp(-1) - math.log(z.shape[1]) + 0 * (q + prior).sum(-1)


@misconception(
    "iwae_bound",
    belief="the weight is the joint",
    story=(
        "q(z) is not divided by. A state that q draws often would count often *and* fully: dividing by q(z) makes "
        "each count once."
    ),
    caught_by=(
        "true_on_every_draw",
        "its_exponential_is_right_on_average",
        "more_draws_tighten_it_on_average",
        "single_draws_may_exceed_log_evidence",
    ),
)
def joint_not_divided_by_q(z, q, prior, log_likelihood):
    return (prior.log() + log_likelihood).gather(1, z).logsumexp(-1) - math.log(z.shape[1]) + 0 * q.sum(-1)


@misconception(
    "iwae_bound",
    belief="the ratio of the two priors stands the other way",
    story=(
        "The weight is p(x|z)·q(z)/p(z). It is the target over the proposal: what you want to average over on top, "
        "what you drew from below."
    ),
    caught_by=("true_on_every_draw", "its_exponential_is_right_on_average", "more_draws_tighten_it_on_average"),
)
def ratio_upside_down(z, q, prior, log_likelihood):
    return (q.log() + log_likelihood - prior.log()).gather(1, z).logsumexp(-1) - math.log(z.shape[1])


@misconception(
    "iwae_bound",
    belief="a lower bound cannot exceed log p(x)",
    story=(
        "Results above log p(x) are cut off there. The bound holds on average; single draws may exceed it, and "
        "cutting them makes the average wrong."
    ),
    caught_by=(
        "true_on_every_draw",
        "its_exponential_is_right_on_average",
        "more_draws_tighten_it_on_average",
        "single_draws_may_exceed_log_evidence",
    ),
)
def clamped_at_the_evidence(z, q, prior, log_likelihood):
    bound = log_weights(z, q, prior, log_likelihood).logsumexp(-1) - math.log(z.shape[1])
    return torch.minimum(bound, (prior.log() + log_likelihood).logsumexp(-1))


@misconception(
    "iwae_bound",
    belief="exponentials of log-weights are ordinary numbers",
    story=(
        "The weights are formed with exp before they are averaged. For an image they are all 0 in a computer, and log "
        "0 is −∞: use logsumexp, which takes the largest out first."
    ),
    caught_by=("log_likelihoods_of_images",),
)
def weights_underflow(z, q, prior, log_likelihood):
    return log_weights(z, q, prior, log_likelihood).exp().mean(-1).log()


@misconception(
    "iwae_bound",
    belief="draws are averaged with their weights",
    story=(
        "The log-weights are averaged with the normalised weights, which favours the largest and overshoots. Every "
        "draw counts 1/K: the weights themselves are what is averaged."
    ),
    caught_by=(
        "true_on_every_draw",
        "its_exponential_is_right_on_average",
        "more_draws_tighten_it_on_average",
        "single_draws_may_exceed_log_evidence",
    ),
)
def weighted_by_themselves(z, q, prior, log_likelihood):
    log_w = log_weights(z, q, prior, log_likelihood)
    return (log_w.softmax(-1) * log_w).sum(-1)


@misconception(
    "iwae_bound",
    belief="q weights the draws",
    story=(
        "Every draw is weighted with q(z) once more: Σ q(z)·w(z). The draws come from q already, as often as q says."
    ),
    caught_by=(
        "true_on_every_draw",
        "its_exponential_is_right_on_average",
        "more_draws_tighten_it_on_average",
        "leaving_one_out_lowers_it",
        "log_likelihoods_of_images",
        "single_draws_may_exceed_log_evidence",
    ),
)
def weighted_by_q_again(z, q, prior, log_likelihood):
    return (log_weights(z, q, prior, log_likelihood) + q.log().gather(1, z).log_softmax(-1)).logsumexp(-1)


# ---- aggregate_posterior_decomposition: right ----------------------------------------------------------------------------


@variation("aggregate_posterior_decomposition", "a loop over observations and states in plain Python")
def loop_over_the_table(q, p_data, prior):
    rows, shares, priors = q.tolist(), p_data.tolist(), prior.tolist()
    whole = [sum(share * row[z] for share, row in zip(shares, rows, strict=True)) for z in range(len(priors))]

    def part(weight, top, bottom):
        if weight == 0:
            return 0.0
        return math.inf if bottom == 0 else weight * (math.log(top) - math.log(bottom))

    average_kl = information = 0.0
    for share, row in zip(shares, rows, strict=True):
        for z, value in enumerate(row):
            average_kl += part(share * value, value, priors[z])
            information += part(share * value, value, whole[z])
    aggregate_kl = sum(part(value, value, priors[z]) for z, value in enumerate(whole))
    return average_kl, information, aggregate_kl


@variation("aggregate_posterior_decomposition", "entropies and cross-entropies, in float64")
def with_entropies(q, p_data, prior):
    q64, share, p = q.double(), p_data.double(), prior.double()
    whole = share @ q64
    cross = -torch.xlogy(whole, p).sum()
    inside = share @ torch.special.entr(q64).sum(-1)
    outside = torch.special.entr(whole).sum()
    return cross - inside, outside - inside, cross - outside


# ---- aggregate_posterior_decomposition: wrong ----------------------------------------------------------------------------


def weighted_kl(weight, p, q):
    return (torch.xlogy(weight, p) - torch.xlogy(weight, q)).sum()


def three_parts(q, p_data, prior):
    whole = p_data @ q
    table = p_data[:, None] * q
    return weighted_kl(table, q, prior), weighted_kl(table, q, whole), weighted_kl(whole, whole, prior)


@misconception(
    "aggregate_posterior_decomposition",
    belief="all observations count the same",
    story=(
        "The rows of q are averaged without their shares p_data. An x that makes up half of the data makes up half of "
        "q(z)."
    ),
    caught_by=(
        "parts_agree_with_enumeration",
        "parts_where_probabilities_are_zero",
        "information_has_its_limits",
        "true_posteriors_average_to_the_prior",
    ),
)
def shares_ignored(q, p_data, prior):
    return three_parts(q, torch.full_like(p_data, 1 / len(p_data)), prior)


@misconception(
    "aggregate_posterior_decomposition",
    belief="the data set is a sum",
    story=(
        "The average KL is a sum over observations, without their shares. It is a mean over the data, like the bound "
        "that it is part of."
    ),
    caught_by=(
        "parts_agree_with_enumeration",
        "parts_where_probabilities_are_zero",
        "the_parts_add_up",
        "an_encoder_that_ignores_x",
        "true_posteriors_average_to_the_prior",
    ),
)
def summed_over_the_data(q, p_data, prior):
    _, information, aggregate_kl = three_parts(q, p_data, prior)
    return weighted_kl(q, q, prior), information, aggregate_kl


@misconception(
    "aggregate_posterior_decomposition",
    belief="the aggregate KL averages KL[prior‖q(z)]",
    story=("The last divergence has its arguments exchanged. All three averages are over q, so q(z) comes first."),
    caught_by=(
        "parts_agree_with_enumeration",
        "parts_where_probabilities_are_zero",
        "the_parts_add_up",
        "an_encoder_that_ignores_x",
    ),
)
def aggregate_swapped(q, p_data, prior):
    average_kl, information, _ = three_parts(q, p_data, prior)
    return average_kl, information, weighted_kl(prior, prior, p_data @ q)


@misconception(
    "aggregate_posterior_decomposition",
    belief="the mutual information is rewarded",
    story=(
        "The mutual information has the wrong sign. It is never negative, and stands inside the average KL that the "
        "bound *takes off*: the ELBO penalises it."
    ),
    caught_by=(
        "parts_agree_with_enumeration",
        "parts_where_probabilities_are_zero",
        "the_parts_add_up",
        "information_has_its_limits",
        "true_posteriors_average_to_the_prior",
    ),
    read_on="6 · All of the data at once",
)
def information_with_the_wrong_sign(q, p_data, prior):
    average_kl, information, aggregate_kl = three_parts(q, p_data, prior)
    return average_kl, -information, aggregate_kl


@misconception(
    "aggregate_posterior_decomposition",
    belief="the mutual information is the KL from the prior",
    story=(
        "The average KL is returned for the mutual information too. They are equal only if the aggregate q(z) is the "
        "prior: I(x; z) compares q(z|x) with q(z), whatever the prior is."
    ),
    caught_by=(
        "parts_agree_with_enumeration",
        "parts_where_probabilities_are_zero",
        "the_parts_add_up",
        "information_has_its_limits",
        "an_encoder_that_ignores_x",
    ),
)
def prior_for_the_aggregate(q, p_data, prior):
    average_kl, _, aggregate_kl = three_parts(q, p_data, prior)
    return average_kl, average_kl + 0, aggregate_kl


@misconception(
    "aggregate_posterior_decomposition",
    belief="the information in z is its entropy",
    story=(
        "H(q(z)) is returned for the mutual information. Noise has entropy too: what is left of it once x is known, "
        "the mean of H(q(z|x)), must be taken off."
    ),
    caught_by=(
        "parts_agree_with_enumeration",
        "parts_where_probabilities_are_zero",
        "the_parts_add_up",
        "information_has_its_limits",
        "an_encoder_that_ignores_x",
        "true_posteriors_average_to_the_prior",
    ),
)
def entropy_for_information(q, p_data, prior):
    average_kl, _, aggregate_kl = three_parts(q, p_data, prior)
    return average_kl, -torch.xlogy(p_data @ q, p_data @ q).sum(), aggregate_kl


@misconception(
    "aggregate_posterior_decomposition",
    belief="information is counted in bits",
    story=(
        "The mutual information is in bits, the divergences in nats, and they do not add up. Everything in this "
        "course is in nats."
    ),
    caught_by=(
        "parts_agree_with_enumeration",
        "parts_where_probabilities_are_zero",
        "the_parts_add_up",
        "information_has_its_limits",
        "true_posteriors_average_to_the_prior",
    ),
)
def information_in_bits(q, p_data, prior):
    average_kl, information, aggregate_kl = three_parts(q, p_data, prior)
    return average_kl, information / math.log(2), aggregate_kl


@misconception(
    "aggregate_posterior_decomposition",
    belief="what never occurs multiplies away",
    story=(
        "The divergence of every row is computed first and weighted afterwards: where it is +∞ and the share is 0, "
        "that is NaN. So is 0·log 0. Weigh first, and let torch.xlogy skip what has no weight."
    ),
    caught_by=("parts_where_probabilities_are_zero",),
)
def nan_from_what_never_occurs(q, p_data, prior):
    whole = p_data @ q
    to_prior = (torch.xlogy(q, q) - torch.xlogy(q, prior)).sum(-1)
    to_whole = (torch.xlogy(q, q) - torch.xlogy(q, whole)).sum(-1)
    return (p_data * to_prior).sum(), (p_data * to_whole).sum(), (whole * (whole / prior).log()).sum()


@misconception(
    "aggregate_posterior_decomposition",
    belief="beliefs are averaged through their logarithms",
    story=(
        "The aggregate is the normalised geometric mean of the rows. q(z) answers: which z will I meet, over all of "
        "the data? That is the plain weighted mean."
    ),
    caught_by=(
        "parts_agree_with_enumeration",
        "parts_where_probabilities_are_zero",
        "the_parts_add_up",
        "information_has_its_limits",
        "true_posteriors_average_to_the_prior",
    ),
)
def geometric_mean_of_the_rows(q, p_data, prior):
    whole = (p_data @ q.log()).softmax(-1)
    table = p_data[:, None] * q
    return weighted_kl(table, q, prior), weighted_kl(table, q, whole), weighted_kl(whole, whole, prior)


# ---- amortisation_gap: right ---------------------------------------------------------------------------------------------


@variation("amortisation_gap", "a loop over states in plain Python, the gap as an average of divergences")
def loop_over_shared_states(p_data, posterior):
    shares, rows = p_data.tolist(), posterior.tolist()
    count = range(len(rows[0]))
    logs = [sum(share * math.log(row[z]) for share, row in zip(shares, rows, strict=True)) for z in count]
    top = max(logs)
    weights = [math.exp(value - top) for value in logs]
    q = [weight / sum(weights) for weight in weights]
    gap = sum(
        share * q[z] * (math.log(q[z]) - math.log(row[z]))
        for share, row in zip(shares, rows, strict=True)
        for z in count
    )
    return posterior.new_tensor(q), gap


@variation("amortisation_gap", "a product of powers, normalised")
def product_of_powers(p_data, posterior):
    weights = posterior.pow(p_data.unsqueeze(-1)).prod(0)
    return weights / weights.sum(), -weights.sum().log()


# ---- amortisation_gap: wrong ---------------------------------------------------------------------------------------------


def mean_divergence(p_data, q, posterior):
    return (p_data * (q * (q.log() - posterior.log())).sum(-1)).sum()


def best_shared(p_data, posterior):
    return (p_data @ posterior.log()).softmax(-1)


@misconception(
    "amortisation_gap",
    belief="the best shared belief is the average belief",
    story=(
        "The aggregate posterior is returned, the mean of all posteriors. It minimises the average of KL[p(z|x)‖q]; "
        "with q first, the best q keeps away from what any posterior nearly rules out."
    ),
    caught_by=("no_state_deserves_more",),
)
def aggregate_for_the_best(p_data, posterior):
    q = p_data @ posterior
    return q, mean_divergence(p_data, q, posterior)


@misconception(
    "amortisation_gap",
    belief="all observations count the same",
    story=(
        "The logarithms are averaged without the shares p_data. An observation that never occurs needs no belief "
        "about it."
    ),
    caught_by=("no_state_deserves_more",),
)
def shared_without_shares(p_data, posterior):
    q = posterior.log().mean(0).softmax(-1)
    return q, mean_divergence(p_data, q, posterior)


@misconception(
    "amortisation_gap",
    belief="a geometric mean of distributions is a distribution",
    story=(
        "The weighted geometric mean is not normalised. It adds up to less than 1 unless all posteriors agree: the "
        "logarithm of that sum is the gap, with its sign changed."
    ),
    caught_by=("no_state_deserves_more", "gap_is_the_mean_divergence", "nothing_is_lost_where_all_agree"),
)
def geometric_mean_not_normalised(p_data, posterior):
    weights = (p_data @ posterior.log()).exp()
    return weights, -weights.sum().log()


@misconception(
    "amortisation_gap",
    belief="the gap is averaged over the posteriors",
    story=("The gap is the mean of KL[p(z|x)‖q]. What a bound lacks is an average over q, so q comes first."),
    caught_by=("gap_is_the_mean_divergence",),
)
def shared_gap_swapped(p_data, posterior):
    q = best_shared(p_data, posterior)
    return q, (p_data * (posterior * (posterior.log() - q.log())).sum(-1)).sum()


# ---- importance_log_likelihood: right ------------------------------------------------------------------------------------


@variation("importance_log_likelihood", "a loop over rows in plain Python")
def loop_over_weights(log_w):
    estimates, errors = [], []
    for row in log_w.tolist():
        top, K = max(row), len(row)
        weights = [math.exp(value - top) for value in row]
        mean = sum(weights) / K
        variance = sum((w - mean) ** 2 for w in weights) / (K - 1)
        estimates.append(top + math.log(mean))
        errors.append(math.sqrt(variance / K) / mean)
    return log_w.new_tensor(estimates), log_w.new_tensor(errors)


@variation("importance_log_likelihood", "torch.var_mean of the weights with the largest taken out")
def with_var_mean(log_w):
    top = log_w.amax(-1, keepdim=True)
    variance, mean = torch.var_mean((log_w - top).exp(), -1)
    return mean.log() + top[:, 0], (variance / log_w.shape[-1]).sqrt() / mean


# ---- importance_log_likelihood: wrong ------------------------------------------------------------------------------------


def log_mean_and_relative(log_w):
    estimate = log_w.logsumexp(-1) - math.log(log_w.shape[-1])
    return estimate, (log_w - estimate.unsqueeze(-1)).exp()


@misconception(
    "importance_log_likelihood",
    belief="the error is that of a mean of logs",
    story=(
        "The standard deviation of the log-weights is divided by √K. The logarithm is taken of the mean, not before "
        "it: a single tiny weight spreads the logs without end and hardly moves the mean."
    ),
    caught_by=("error_is_the_spread_of_the_slopes",),
)
def error_of_the_logs(log_w):
    estimate, _ = log_mean_and_relative(log_w)
    return estimate, log_w.std(-1) / math.sqrt(log_w.shape[-1])


@misconception(
    "importance_log_likelihood",
    belief="the error is the spread",
    story=(
        "The spread of the relative weights is not divided by √K. It says how much one weight varies; the mean of K "
        "of them varies less."
    ),
    caught_by=("error_is_the_spread_of_the_slopes",),
)
def spread_for_error(log_w):
    estimate, relative = log_mean_and_relative(log_w)
    return estimate, relative.std(-1)


@misconception(
    "importance_log_likelihood",
    belief="a logarithm has the error of its argument",
    story=(
        "The error of the mean weight is not divided by the mean weight. The slope of log at w is 1/w: that is the "
        "whole of the delta method."
    ),
    caught_by=("error_is_the_spread_of_the_slopes", "images_make_no_difference"),
)
def delta_forgotten(log_w):
    estimate, _ = log_mean_and_relative(log_w)
    return estimate, log_w.exp().std(-1) / math.sqrt(log_w.shape[-1])


@misconception(
    "importance_log_likelihood",
    belief="log-weights are averaged",
    story=(
        "The mean of the log-weights estimates the ELBO. For log p(x) the weights are averaged first and the "
        "logarithm comes last."
    ),
    caught_by=("relative_weights_average_to_one",),
)
def elbo_for_the_evidence(log_w):
    _, relative = log_mean_and_relative(log_w)
    return log_w.mean(-1), relative.std(-1) / math.sqrt(log_w.shape[-1])


LAST_OF_TWO = "there are two axes, so the last is also the one with number 1"


# ---- derivations ---------------------------------------------------------------------------------------------------------


@variation("evidence_splits", "from the right-hand side to the left")
def from_the_right():
    return """
        E(q(z | x), log(p(x, z)/q(z | x))) + KL(q(z | x), p(z | x))
        = E(q(z | x), log(p(x, z)/q(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))     # definition of KL
        = E(q(z | x), log(p(x, z)/q(z | x)) + log(q(z | x)/p(z | x)))                  # linearity
        = E(q(z | x), log(p(x, z)/p(z | x)))                                           # arithmetic
        = E(q(z | x), log(p(x)))                                                       # product rule
        = log(p(x))                                                                    # normalisation
    """


@variation("evidence_splits", "adding and subtracting the divergence")
def by_adding_zero():
    return """
        log(p(x))
        = log(p(x)) - KL(q(z | x), p(z | x)) + KL(q(z | x), p(z | x))                          # arithmetic
        = log(p(x)) - E(q(z | x), log(q(z | x)/p(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))    # definition of KL
        = E(q(z | x), log(p(x)) - log(q(z | x)/p(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))    # linearity
        = E(q(z | x), log(p(x)*p(z | x)/q(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))       # arithmetic
        = E(q(z | x), log(p(x, z)/q(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))             # product rule
        = E(q(z | x), log(p(x, z)/q(z | x))) + KL(q(z | x), p(z | x))                          # definition of KL
    """


@misconception(
    "evidence_splits",
    belief="what the bound lacks is the divergence from the prior",
    story="The derivation ends with the KL to the prior p(z). What is missing from log p(x) is the KL to the posterior p(z | x).",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def split_with_the_prior():
    return """
        log(p(x))
        = E(q(z | x), log(p(x)))                                                       # normalisation
        = E(q(z | x), log(p(x, z)/p(z)))                                               # product rule
        = E(q(z | x), log(p(x, z)/q(z | x) * q(z | x)/p(z)))                           # arithmetic
        = E(q(z | x), log(p(x, z)/q(z | x))) + KL(q(z | x), p(z))                      # definition of KL
    """


@misconception(
    "evidence_splits",
    belief="the order of the arguments of a divergence does not matter",
    story="The average is over q, so q comes first in the KL. With the posterior first it is another number.",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def split_with_swapped_arguments():
    return """
        log(p(x))
        = E(q(z | x), log(p(x)))                                                       # normalisation
        = E(q(z | x), log(p(x, z)/p(z | x)))                                           # product rule
        = E(q(z | x), log(p(x, z)/q(z | x) * q(z | x)/p(z | x)))                       # arithmetic
        = E(q(z | x), log(p(x, z)/q(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))     # linearity
        = E(q(z | x), log(p(x, z)/q(z | x))) + KL(p(z | x), q(z | x))                  # definition of KL
    """


@misconception(
    "evidence_splits",
    belief="the bound and the divergence are subtracted",
    story="A minus sign stands before the KL. The bound lies below log p(x), so the KL is added to it to get there.",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def split_with_a_minus():
    return """
        log(p(x))
        = E(q(z | x), log(p(x)))                                                       # normalisation
        = E(q(z | x), log(p(x, z)/p(z | x)))                                           # product rule
        = E(q(z | x), log(p(x, z)/q(z | x))) - KL(q(z | x), p(z | x))                  # definition of KL
    """


@misconception(
    "evidence_splits",
    belief="what is well known needs no steps",
    story="The result stands in the second line. A derivation shows how one gets there, one rule at a time.",
    caught_by=("every_line_follows",),
)
def split_at_once():
    return """
        log(p(x))
        = E(q(z | x), log(p(x, z)/q(z | x))) + KL(q(z | x), p(z | x))                  # definition of KL
    """


@variation("elbo_by_jensen", "Jensen on the sum itself")
def on_the_sum():
    return """
        log(p(x))
        =  log(sum(z, p(x, z)))                                # marginal
        =  log(sum(z, q(z | x)*(p(x, z)/q(z | x))))            # arithmetic
        >= sum(z, q(z | x)*log(p(x, z)/q(z | x)))              # Jensen
        =  E(q(z | x), log(p(x, z)/q(z | x)))                  # expectation
    """


@variation("elbo_by_jensen", "from the bound upwards")
def from_the_bound():
    return """
        E(q(z | x), log(p(x, z)/q(z | x)))
        <= log(E(q(z | x), p(x, z)/q(z | x)))                  # Jensen
        =  log(sum(z, p(x, z)))                                # expectation
        =  log(p(x))                                           # marginal
    """


@misconception(
    "elbo_by_jensen",
    belief="log p ≤ ELBO",
    story="The inequality stands the wrong way round. The logarithm of an average is at least the average of the logarithms.",
    caught_by=("every_line_is_true",),
)
def bound_from_above():
    return """
        log(p(x))
        =  log(sum(z, p(x, z)))                                # marginal
        =  log(sum(z, q(z | x)*p(x, z)/q(z | x)))              # arithmetic
        =  log(E(q(z | x), p(x, z)/q(z | x)))                  # expectation
        <= E(q(z | x), log(p(x, z)/q(z | x)))                  # Jensen
    """


@misconception(
    "elbo_by_jensen",
    belief="a conditional may be written for a joint",
    story="p(x | z) stands where p(x, z) belongs: summed over z it is not p(x). The prior has been left out.",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def prior_left_out():
    return """
        log(p(x))
        =  log(sum(z, p(x | z)))                               # marginal
        =  log(sum(z, q(z | x)*p(x | z)/q(z | x)))             # arithmetic
        =  log(E(q(z | x), p(x | z)/q(z | x)))                 # expectation
        >= E(q(z | x), log(p(x | z)/q(z | x)))                 # Jensen
    """


@misconception(
    "elbo_by_jensen",
    belief="q can be put in without being divided out",
    story="An average over q appears from nowhere. To write the sum as an average one multiplies and divides by q(z | x).",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def never_divided_by_q():
    return """
        log(p(x))
        =  log(sum(z, p(x, z)))                                # marginal
        =  log(E(q(z | x), p(x, z)))                           # expectation
        >= E(q(z | x), log(p(x, z)))                           # Jensen
    """


@misconception(
    "elbo_by_jensen",
    belief="that the ELBO is a bound may be used",
    story="The last step rests on what is to be shown. The reason is Jensen's inequality, with an average inside the logarithm.",
    caught_by=("every_line_follows",),
)
def bound_by_its_name():
    return """
        log(p(x))
        >= E(q(z | x), log(p(x, z)/q(z | x)))                  # KL is never negative
    """


@variation("two_level_elbo", "the model first, then Jensen")
def model_first():
    return """
        log(p(x))
        =  log(sum((z1, z2), p(x, z1, z2)))                                                             # marginal
        =  log(E(q(z1, z2 | x), p(x, z1, z2)/q(z1, z2 | x)))                                            # expectation
        =  log(E(q(z1, z2 | x), p(x | z1)*p(z1 | z2)*p(z2)/(q(z1 | x)*q(z2 | z1))))                     # the model
        >= E(q(z1, z2 | x), log(p(x | z1)*p(z1 | z2)*p(z2)/(q(z1 | x)*q(z2 | z1))))                     # Jensen
        =  E(q(z1, z2 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x)))
           - E(q(z1, z2 | x), log(q(z2 | z1)/p(z2)))                                                    # linearity
        =  E(q(z1 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x)))
           - E(q(z1, z2 | x), log(q(z2 | z1)/p(z2)))                                                    # marginal
        =  E(q(z1 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x)))
           - E(q(z1 | x), E(q(z2 | z1), log(q(z2 | z1)/p(z2))))                                         # iterated expectation
        =  E(q(z1 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x)))
           - E(q(z1 | x), KL(q(z2 | z1), p(z2)))                                                        # definition of KL
    """


@variation("two_level_elbo", "the top level before the others")
def top_first():
    return """
        log(p(x))
        =  log(sum((z1, z2), p(x, z1, z2)))                                                             # marginal
        =  log(E(q(z1, z2 | x), p(x, z1, z2)/q(z1, z2 | x)))                                            # expectation
        >= E(q(z1, z2 | x), log(p(x, z1, z2)/q(z1, z2 | x)))                                            # Jensen
        =  E(q(z1, z2 | x), log(p(x | z1)*p(z1 | z2)*p(z2)/(q(z1 | x)*q(z2 | z1))))                     # the model
        =  E(q(z1, z2 | x), log(p(x | z1)*p(z1 | z2)/q(z1 | x))) + E(q(z1, z2 | x), log(p(z2)/q(z2 | z1)))    # linearity
        =  E(q(z1, z2 | x), log(p(x | z1)*p(z1 | z2)/q(z1 | x)))
           + E(q(z1 | x), E(q(z2 | z1), log(p(z2)/q(z2 | z1))))                                         # iterated expectation
        =  E(q(z1, z2 | x), log(p(x | z1)*p(z1 | z2)/q(z1 | x))) - E(q(z1 | x), KL(q(z2 | z1), p(z2)))  # definition of KL
        =  E(q(z1, z2 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x)))
           - E(q(z1 | x), KL(q(z2 | z1), p(z2)))                                                        # linearity
        =  E(q(z1 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x)))
           - E(q(z1 | x), KL(q(z2 | z1), p(z2)))                                                        # marginal
    """


@misconception(
    "two_level_elbo",
    belief="x depends on the top level as well",
    story="p(x | z2) stands where the model says p(x | z1). In this hierarchy x sees z2 only through z1.",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def skips_a_level():
    return """
        log(p(x))
        =  log(sum((z1, z2), p(x, z1, z2)))                                                             # marginal
        =  log(E(q(z1, z2 | x), p(x, z1, z2)/q(z1, z2 | x)))                                            # expectation
        >= E(q(z1, z2 | x), log(p(x, z1, z2)/q(z1, z2 | x)))                                            # Jensen
        =  E(q(z1, z2 | x), log(p(x | z2)*p(z1 | z2)*p(z2)/(q(z1 | x)*q(z2 | z1))))                     # the model
    """


@misconception(
    "two_level_elbo",
    belief="the two levels have a prior each",
    story="p(z1) stands where p(z1 | z2) belongs: the lower level is drawn given the upper one, not by itself.",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def two_separate_priors():
    return """
        log(p(x))
        =  log(sum((z1, z2), p(x, z1, z2)))                                                             # marginal
        =  log(E(q(z1, z2 | x), p(x, z1, z2)/q(z1, z2 | x)))                                            # expectation
        >= E(q(z1, z2 | x), log(p(x, z1, z2)/q(z1, z2 | x)))                                            # Jensen
        =  E(q(z1, z2 | x), log(p(x | z1)*p(z1)*p(z2)/(q(z1 | x)*q(z2 | z1))))                          # the model
    """


@misconception(
    "two_level_elbo",
    belief="the divergence at the top is added",
    story="The KL at the top comes with a plus sign. It is the price for straying from the prior, and is subtracted.",
    caught_by=("every_line_is_true", "every_line_follows"),
)
def plus_at_the_top():
    return """
        log(p(x))
        =  log(sum((z1, z2), p(x, z1, z2)))                                                             # marginal
        =  log(E(q(z1, z2 | x), p(x, z1, z2)/q(z1, z2 | x)))                                            # expectation
        >= E(q(z1, z2 | x), log(p(x, z1, z2)/q(z1, z2 | x)))                                            # Jensen
        =  E(q(z1, z2 | x), log(p(x | z1)*p(z1 | z2)*p(z2)/(q(z1 | x)*q(z2 | z1))))                     # the model
        =  E(q(z1, z2 | x), log(p(x | z1)*p(z1 | z2)/q(z1 | x))) + E(q(z1, z2 | x), log(p(z2)/q(z2 | z1)))    # linearity
        =  E(q(z1, z2 | x), log(p(x | z1)*p(z1 | z2)/q(z1 | x)))
           + E(q(z1 | x), E(q(z2 | z1), log(p(z2)/q(z2 | z1))))                                         # iterated expectation
        =  E(q(z1, z2 | x), log(p(x | z1)*p(z1 | z2)/q(z1 | x))) + E(q(z1 | x), KL(q(z2 | z1), p(z2)))  # definition of KL
    """


@variation("find_the_flaw", "the rule by another of its names")
def mended_by_another_name():
    return 8, "= E(q(z | x), log(p(x | z))) - KL(q(z|x), p(z))    # KL divergence"


@variation("find_the_flaw", "the terms in another order")
def mended_the_other_way_round():
    return 8, "= -KL(q(z | x), p(z)) + E(q(z | x), log(p(x | z)))  # kl"


@misconception(
    "find_the_flaw",
    belief="Jensen's inequality has the wrong direction",
    story="The fifth line is right: the logarithm of an average is at least the average of the logarithms.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def blames_jensen():
    return 5, "<= E(q(z | x), log(p(x, z)/q(z | x)))   # Jensen"


@misconception(
    "find_the_flaw",
    belief="lines are counted from zero",
    story="The right line is meant and its number is one too small: the first line, log p(x), has number 1.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def counts_from_zero():
    return 7, "= E(q(z | x), log(p(x | z))) - KL(q(z | x), p(z))    # definition of KL"


@misconception(
    "find_the_flaw",
    belief="the divergence is from q to the prior, with the prior first",
    story="The sign is mended, but the arguments are swapped: the average is over q, so q comes first.",
    caught_by=("mended_it_is_a_derivation",),
)
def swaps_the_arguments():
    return 8, "= E(q(z | x), log(p(x | z))) - KL(p(z), q(z | x))    # definition of KL"


@variation("find_the_flaw_in_the_split", "one logarithm of a quotient")
def mended_with_a_quotient():
    return 5, "= E(q(z | x), log(p(x | z))) + E(q(z | x), log(p(z)/q(z | x)))    # linearity of expectation"


@variation("find_the_flaw_in_the_split", "the minus kept, and what is subtracted turned round")
def mended_with_the_minus():
    return 5, "= E(q(z|x), log(p(x|z))) - E(q(z|x), log(q(z|x)) - log(p(z)))    # linearity"


@misconception(
    "find_the_flaw_in_the_split",
    belief="the entropy is the average of the logarithm",
    story="Line 2 is right: log q is never positive, and the entropy is minus its average. The sign is lost further down.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def blames_the_entropy():
    return 2, "= E(q(z | x), log(p(x, z))) + E(q(z | x), log(q(z | x)))   # definition of entropy"


@misconception(
    "find_the_flaw_in_the_split",
    belief="the prior and q are both subtracted",
    story="Both logarithms are subtracted now. In the line above log p(z) has a plus, and only log q(z | x) a minus.",
    caught_by=("mended_it_is_a_derivation",),
)
def subtracts_both():
    return 5, "= E(q(z | x), log(p(x | z))) - E(q(z | x), log(p(z)) + log(q(z | x)))   # linearity"


@misconception(
    "find_the_flaw_in_the_split",
    belief="one may stop at the divergence from the prior with a plus",
    story="The average of log p(z) − log q(z | x) is minus a divergence. With a plus before the KL the sign is wrong again.",
    caught_by=("mended_it_is_a_derivation",),
)
def adds_the_divergence():
    return 5, "= E(q(z | x), log(p(x | z))) + KL(q(z | x), p(z))   # definition of KL"


@misconception(
    "find_the_flaw_in_the_split",
    belief="lines are counted from zero",
    story="The right line is meant and its number is one too small: the first line, the one without a relation, has number 1.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def split_counted_from_zero():
    return 4, "= E(q(z | x), log(p(x | z))) + E(q(z | x), log(p(z)) - log(q(z | x)))   # linearity"


@variation("find_the_flaw_in_the_direction", "the rule by another of its names")
def mended_by_jensens_inequality():
    return 4, "<= log(E(q(z|x), p(z)*p(x|z)/q(z|x)))    # Jensen's inequality"


@variation("find_the_flaw_in_the_direction", "the average as a sum")
def mended_as_a_sum():
    return 4, "<= log(sum(z, q(z | x)*(p(x | z)*p(z)/q(z | x))))    # by Jensen"


@misconception(
    "find_the_flaw_in_the_direction",
    belief="the divergence comes in with a plus",
    story="Line 2 is right: the bound subtracts the divergence, so the average of log q/p(z) is subtracted, too.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def blames_the_divergence():
    return 2, "= E(q(z | x), log(p(x | z))) + E(q(z | x), log(q(z | x)/p(z)))   # definition of KL"


@misconception(
    "find_the_flaw_in_the_direction",
    belief="the conclusion is wrong, so the last line is",
    story="That log p(x) is the sum of p(x, z) over z is right. A wrong conclusion may come from any line before it.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def blames_the_last_line():
    return 7, "<= log(p(x))   # marginal"


@misconception(
    "find_the_flaw_in_the_direction",
    belief="the logarithm of an average is the average of the logarithm",
    story="The line says = now. The two agree only if what is averaged is the same for every z.",
    caught_by=("mended_it_is_a_derivation",),
)
def jensen_as_an_equality():
    return 4, "= log(E(q(z | x), p(x | z)*p(z)/q(z | x)))   # Jensen"


@misconception(
    "find_the_flaw_in_the_direction",
    belief="lines are counted from zero",
    story="The right line is meant and its number is one too small: the first line, the bound itself, has number 1.",
    caught_by=("the_line_is_the_wrong_one", "mended_it_is_a_derivation"),
)
def direction_counted_from_zero():
    return 3, "<= log(E(q(z | x), p(x | z)*p(z)/q(z | x)))   # Jensen"


EQUIVALENT = [
    equivalent(exercise, was=line, becomes=line.replace("(-1", "(+1"), why=LAST_OF_TWO)
    for exercise, line in (
        ("elbo_terms", "energy = torch.xlogy(q, prior * likelihood).sum(-1)"),
        ("elbo_terms", "entropy = -torch.xlogy(q, q).sum(-1)"),
        ("elbo_terms", "reconstruction = torch.xlogy(q, likelihood).sum(-1)"),
        ("elbo_terms", "kl = (torch.xlogy(q, q) - torch.xlogy(q, prior)).sum(-1)"),
        ("bound_gap", "posterior = joint / joint.sum(-1, keepdim=True)"),
        ("bound_gap", "return (torch.xlogy(q, q) - torch.xlogy(q, posterior)).sum(-1)"),
        ("variational_em", "q = log_joint.softmax(-1)"),
        ("variational_em", "prior = share.sum(-1)"),
        ("variational_em", "probs = heads / prior.unsqueeze(-1)"),
        ("iwae_bound", "return log_w.logsumexp(-1) - math.log(z.shape[1])"),
        ("aggregate_posterior_decomposition", "joint = p_data.unsqueeze(-1) * q"),
    )
] + [
    equivalent(
        "amortisation_gap",
        was="return log_q.softmax(0), -log_q.logsumexp(0)",
        becomes=("return log_q.softmax(-1), -log_q.logsumexp(0)", "return log_q.softmax(0), -log_q.logsumexp(-1)"),
        why="there is one axis, so the first is also the last",
    )
]
