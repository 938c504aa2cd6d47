"""The unit's misconceptions as other people would have written them, one function each, under the misconception's own name.

Each starts from the belief and the story of its misconception and arrives at the same wrong answer by a way of its own: loops,
torch.distributions, covariances instead of precisions, plain Python, one-hot matrices.
"""

import math

import torch

# ---- elbo_terms ----------------------------------------------------------------------------------------------------------


def masked(weight, value):
    """Σ weight·value, skipping what has no weight."""
    return torch.where(weight > 0, weight * value, torch.zeros_like(weight)).sum(dim=1)


def all_four(belief, before, given):
    """The four terms as they should be."""
    log_q, log_p, log_l = torch.log(belief), torch.log(before), torch.log(given)
    return [
        masked(belief, log_p + log_l),
        -masked(belief, log_q),
        masked(belief, log_l),
        masked(belief, log_q - log_p),
    ]


def without_the_log(belief, before, given):
    terms = all_four(belief, before, given)
    terms[0] = torch.einsum("ij,ij,ij->i", belief, before, given)
    terms[2] = torch.einsum("ij,ij->i", belief, given)
    return terms


def log_outside_the_average(belief, before, given):
    terms = all_four(belief, before, given)
    joint = before * given
    terms[0] = torch.log((belief[:, None, :] @ joint[:, :, None])[:, 0, 0])
    terms[2] = torch.log((belief[:, None, :] @ given[:, :, None])[:, 0, 0])
    return terms


def kl_arguments_swapped(belief, before, given):
    terms = all_four(belief, before, given)
    terms[3] = masked(before, torch.log(before) - torch.log(belief))
    return terms


def kl_to_the_posterior(belief, before, given):
    energy, entropy, reconstruction, _ = all_four(belief, before, given)
    log_evidence = torch.log(torch.sum(before * given, dim=1))
    return energy, entropy, reconstruction, log_evidence - energy - entropy


def mean_over_states(belief, before, given):
    logs = [torch.log(table) for table in (belief, before, given)]
    summands = [logs[1] + logs[2], -logs[0], logs[2], logs[0] - logs[1]]
    return [torch.mean(torch.where(belief > 0, belief * term, torch.zeros_like(term)), dim=1) for term in summands]


def entropy_with_the_wrong_sign(belief, before, given):
    terms = all_four(belief, before, given)
    terms[1] = torch.stack([torch.sum(row[row > 0] * torch.log(row[row > 0])) for row in belief])
    return terms


def kl_is_added(belief, before, given):
    terms = all_four(belief, before, given)
    terms[3] = masked(belief, torch.log(before) - torch.log(belief))
    return terms


def prior_left_out_of_the_energy(belief, before, given):
    entropy, kl = all_four(belief, before, given)[1::2]
    fit = masked(belief, torch.log(given))
    return fit, entropy, fit.clone(), kl


def reconstruction_under_the_prior(belief, before, given):
    terms = all_four(belief, before, given)
    terms[2] = masked(before, torch.log(given))
    return terms


def zeros_become_nan(belief, before, given):
    log_q, log_p, log_l = torch.log(belief), torch.log(before), torch.log(given)
    energy = torch.sum(belief * (log_p + log_l), dim=1)
    return (
        energy,
        torch.sum(-belief * log_q, dim=1),
        torch.sum(belief * log_l, dim=1),
        torch.sum(belief * (log_q - log_p), 1),
    )


def epsilon_in_the_logs(belief, before, given):
    log_q, log_p, log_l = (torch.log(1e-4 + table) for table in (belief, before, given))

    def under_q(values):
        return torch.einsum("ij,ij->i", belief, values)

    return under_q(log_p) + under_q(log_l), -under_q(log_q), under_q(log_l), under_q(log_q) - under_q(log_p)


# ---- bound_gap -----------------------------------------------------------------------------------------------------------


def after_seeing(before, given):
    return torch.softmax(torch.log(before) + torch.log(given), dim=1)


def gap_to_the_prior(belief, before, given):
    assert given.shape == before.shape
    return masked(belief, torch.log(belief) - torch.log(before))


def gap_arguments_swapped(belief, before, given):
    after = after_seeing(before, given)
    return masked(after, torch.log(after) - torch.log(belief))


def evidence_forgotten(belief, before, given):
    energy, entropy, _, _ = all_four(belief, before, given)
    return -(energy + entropy)


def gap_upside_down(belief, before, given):
    _, _, reconstruction, kl = all_four(belief, before, given)
    return reconstruction - kl - torch.log(torch.sum(before * given, dim=1))


def prior_forgotten(belief, before, given):
    after = after_seeing(torch.ones_like(before), given)
    return masked(belief, torch.log(belief) - torch.log(after))


def evidence_under_q(belief, before, given):
    energy, entropy, _, _ = all_four(belief, before, given)
    return torch.log(torch.einsum("ij,ij->i", belief, given)) - energy - entropy


def gap_averaged_over_states(belief, before, given):
    after = after_seeing(before, given)
    summands = torch.where(belief > 0, belief * (torch.log(belief) - torch.log(after)), torch.zeros_like(belief))
    return torch.mean(summands, dim=1)


def gap_with_nan(belief, before, given):
    joint = torch.mul(before, given)
    ratio = belief * torch.sum(joint, dim=1, keepdim=True) / joint
    return torch.sum(belief * torch.log(ratio), dim=1)


def epsilon_in_the_evidence(belief, before, given):
    energy, entropy, _, _ = all_four(belief, before, given)
    return torch.log(1e-4 + torch.sum(before * given, dim=1)) - energy - entropy


# ---- optimal_q -----------------------------------------------------------------------------------------------------------


def covariance_of(loadings, noise):
    """The posterior's covariance, by Woodbury's identity."""
    D, d = loadings.shape
    of_x = loadings @ loadings.T + noise * torch.eye(D, dtype=loadings.dtype)
    return torch.eye(d, dtype=loadings.dtype) - loadings.T @ torch.linalg.solve(of_x, loadings)


def centre_of(data, loadings, offset, noise):
    cov = covariance_of(loadings, noise)
    return torch.stack([cov @ loadings.T @ (row - offset) / noise for row in data])


def lost_by_cutting(cov):
    """½ (Σ log Λ_ii − log det Λ)."""
    inverse = torch.linalg.inv(cov)
    return 0.5 * (torch.log(torch.diagonal(inverse)).sum() + torch.log(torch.linalg.det(cov)))


def marginal_variances(data, loadings, offset, noise):
    cov = covariance_of(loadings, noise)
    own = torch.diagonal(cov)
    precision = torch.linalg.inv(cov)
    gap = 0.5 * (torch.sum(own * torch.diagonal(precision)) - len(own) - torch.log(own).sum() + torch.logdet(cov))
    return centre_of(data, loadings, offset, noise), own, gap


def marginals_without_a_gap(data, loadings, offset, noise):
    cov = covariance_of(loadings, noise)
    means = centre_of(data, loadings, offset, noise)
    return means, torch.diagonal(cov), torch.zeros((), dtype=means.dtype)


def precision_for_variance(data, loadings, offset, noise):
    cov = covariance_of(loadings, noise)
    return centre_of(data, loadings, offset, noise), 1 + (loadings**2).sum(dim=0) / noise, lost_by_cutting(cov)


def standard_deviations(data, loadings, offset, noise):
    cov = covariance_of(loadings, noise)
    variances = noise / (noise + torch.sum(loadings * loadings, dim=0))
    return centre_of(data, loadings, offset, noise), torch.sqrt(variances), lost_by_cutting(cov)


def least_squares(data, loadings, offset, noise):
    cov = covariance_of(loadings, noise)
    fit = torch.linalg.lstsq(loadings, (data - offset).T, driver="gelsd").solution
    return fit.T, noise / (noise + torch.sum(loadings**2, dim=0)), lost_by_cutting(cov)


def sigma_squared_twice(data, loadings, offset, noise):
    variance = torch.square(noise)
    cov = covariance_of(loadings, variance)
    means = centre_of(data, loadings, offset, variance)
    return means, 1 / torch.diagonal(torch.linalg.inv(cov)), lost_by_cutting(cov)


def offset_forgotten(data, loadings, offset, noise):
    cov = covariance_of(loadings, noise)
    means = centre_of(data, loadings, torch.zeros_like(offset), noise)
    return means, noise / (noise + torch.sum(loadings**2, dim=0)), lost_by_cutting(cov)


def gap_without_half(data, loadings, offset, noise):
    cov = covariance_of(loadings, noise)
    inverse = torch.linalg.inv(cov)
    gap = torch.sum(torch.log(torch.diagonal(inverse))) - torch.linalg.slogdet(inverse)[1]
    return centre_of(data, loadings, offset, noise), 1 / torch.diagonal(inverse), gap


def best_means_no_gap(data, loadings, offset, noise):
    variances = 1 / (1 + torch.einsum("ij,ij->j", loadings, loadings) / noise)
    return centre_of(data, loadings, offset, noise), variances, torch.zeros((), dtype=data.dtype)


# ---- variational_em ------------------------------------------------------------------------------------------------------


def log_likelihoods(pixels, table):
    """[n, k], with certain outcomes allowed."""
    seen = (pixels == 1)[:, None, :]
    return torch.where(seen, torch.log(table), torch.log(1 - table)).sum(dim=2)


def responsibilities(pixels, weights, table):
    log_joint = torch.log(weights) + log_likelihoods(pixels, table)
    return torch.exp(log_joint - torch.logsumexp(log_joint, dim=1, keepdim=True))


def refit(belief, pixels):
    data = pixels.to(belief.dtype)
    totals = torch.sum(belief, dim=0)
    return totals / len(data), torch.einsum("ij,id->jd", belief, data) / totals[:, None]


def expected_log_joint(belief, pixels, weights, table):
    data = pixels.to(belief.dtype)
    total = 0.0
    for j in range(len(weights)):
        share = belief[:, j, None]
        total = total + masked(share * data, torch.log(table[j]).expand_as(data)).sum()
        total = total + masked(share * (1 - data), torch.log(1 - table[j]).expand_as(data)).sum()
        total = total + masked(share, torch.log(weights[j]).expand_as(share)).sum()
    return total / len(data)


def uncertainty(belief):
    return torch.special.entr(belief).sum() / len(belief)


def bound_of(belief, pixels, weights, table):
    return expected_log_joint(belief, pixels, weights, table) + uncertainty(belief)


def hard_assignments(pixels, weights, table):
    soft = responsibilities(pixels, weights, table)
    least = 1e-6 / (1 + 1e-6 * len(weights))
    belief = torch.full_like(soft, least)
    belief[torch.arange(len(soft)), torch.argmax(soft, dim=1)] += 1 / (1 + 1e-6 * len(weights))
    fitted = refit(belief, pixels)
    return *fitted, bound_of(belief, pixels, *fitted)


def prior_left_out_of_the_e_step(pixels, weights, table):
    belief = torch.softmax(log_likelihoods(pixels, table) + 0 * weights, dim=1)
    fitted = refit(belief, pixels)
    return *fitted, bound_of(belief, pixels, *fitted)


def zeros_say_nothing(pixels, weights, table):
    scores = torch.log(weights) + torch.where((pixels == 1)[:, None], torch.log(table), torch.zeros_like(table)).sum(
        dim=2
    )
    belief = torch.softmax(scores, dim=1)
    fitted = refit(belief, pixels)
    return *fitted, bound_of(belief, pixels, *fitted)


def prior_not_updated(pixels, weights, table):
    belief = responsibilities(pixels, weights, table)
    fitted = refit(belief, pixels)[1]
    return weights.clone(), fitted, bound_of(belief, pixels, weights, fitted)


def table_divided_by_n(pixels, weights, table):
    belief = responsibilities(pixels, weights, table)
    share, right = refit(belief, pixels)
    fitted = torch.stack([s * row for s, row in zip(share, right, strict=True)])
    return share, fitted, bound_of(belief, pixels, share, fitted)


def bound_before_the_m_step(pixels, weights, table):
    log_joint = torch.log(weights) + log_likelihoods(pixels, table)
    evidence = torch.logsumexp(log_joint, dim=1)
    share, fitted = refit(torch.exp(log_joint - evidence[:, None]), pixels)
    return share, fitted, torch.mean(evidence)


def new_evidence_for_the_bound(pixels, weights, table):
    share, fitted = refit(responsibilities(pixels, weights, table), pixels)
    log_joint = torch.log(share) + log_likelihoods(pixels, fitted)
    return share, fitted, torch.mean(torch.logsumexp(log_joint, dim=1))


def entropy_left_out(pixels, weights, table):
    belief = responsibilities(pixels, weights, table)
    fitted = refit(belief, pixels)
    return *fitted, expected_log_joint(belief, pixels, *fitted)


def bound_summed_over_the_data(pixels, weights, table):
    belief = responsibilities(pixels, weights, table)
    fitted = refit(belief, pixels)
    return *fitted, pixels.shape[0] * bound_of(belief, pixels, *fitted)


def product_of_probabilities(pixels, weights, table):
    data = pixels.to(table.dtype)[:, None, :]
    likelihoods = torch.prod(table * data + (1 - table) * (1 - data), dim=2)
    joint = torch.einsum("j,ij->ij", weights, likelihoods)
    belief = joint / torch.sum(joint, dim=1, keepdim=True)
    fitted = refit(belief, pixels)
    bound = bound_of(belief, pixels, *fitted)
    return *fitted, bound + 0 * torch.sum(belief)  # where all is NaN, so is the bound


def certain_outcomes_become_nan(pixels, weights, table):
    belief = responsibilities(pixels, weights, table)
    share, fitted = refit(belief, pixels)
    data = pixels.to(table.dtype)[:, None, :]
    logs = torch.sum(data * torch.log(fitted) + (1 - data) * torch.log(1 - fitted), dim=2)
    return share, fitted, torch.mean(torch.sum(belief * (logs + torch.log(share)), dim=1)) + uncertainty(belief)


# ---- iwae_bound ----------------------------------------------------------------------------------------------------------


def picked(states, table):
    """table[i, states[i, j]]."""
    rows = torch.arange(len(states))[:, None]
    return table[rows, states]


def log_ratios(states, proposal, before, log_given):
    return picked(states, log_given) + torch.log(picked(states, before) / picked(states, proposal))


def log_mean_exp(values):
    top = torch.amax(values, dim=1, keepdim=True)
    return top[:, 0] + torch.log(torch.mean(torch.exp(values - top), dim=1))


def mean_of_logs(states, proposal, before, log_given):
    log_w = log_ratios(states, proposal, before, log_given)
    return torch.einsum("ij->i", log_w) / states.shape[1]


def divided_by_nothing(states, proposal, before, log_given):
    return log_mean_exp(log_ratios(states, proposal, before, log_given)) + math.log(states.shape[1])


def likelihoods_only(states, proposal, before, log_given):
    assert proposal.shape == before.shape
    return log_mean_exp(picked(states, log_given))


def joint_not_divided_by_q(states, proposal, before, log_given):
    assert proposal.shape == before.shape
    return log_mean_exp(picked(states, torch.log(before) + log_given))


def ratio_upside_down(states, proposal, before, log_given):
    return log_mean_exp(log_ratios(states, before, proposal, log_given))


def clamped_at_the_evidence(states, proposal, before, log_given):
    bound = log_mean_exp(log_ratios(states, proposal, before, log_given))
    evidence = torch.logsumexp(torch.log(before) + log_given, dim=1)
    return torch.where(bound > evidence, evidence, bound)


def weights_underflow(states, proposal, before, log_given):
    ratio = torch.exp(
        torch.log(picked(states, before)) + picked(states, log_given) - torch.log(picked(states, proposal))
    )
    return torch.log(torch.sum(ratio, dim=1) / ratio.shape[1])


def weighted_by_themselves(states, proposal, before, log_given):
    log_w = log_ratios(states, proposal, before, log_given)
    share = torch.exp(log_w - torch.logsumexp(log_w, dim=1, keepdim=True))
    return torch.einsum("ij,ij->i", share, log_w)


def weighted_by_q_again(states, proposal, before, log_given):
    chance = picked(states, proposal)
    log_joint = torch.log(picked(states, before)) + picked(states, log_given)  # q·p(x, z)/q
    return torch.logsumexp(log_joint, dim=1) - torch.log(torch.sum(chance, dim=1))


# ---- aggregate_posterior_decomposition -----------------------------------------------------------------------------------


def divergence(first, second):
    """KL[first‖second] of two vectors, zeros allowed."""
    inside = first > 0
    return torch.sum(first[inside] * (torch.log(first[inside]) - torch.log(second[inside])))


def apart(encoder, shares, before):
    """The three parts as they should be, row by row."""
    occurs = [(share, row) for share, row in zip(shares, encoder, strict=True) if share > 0]
    whole = torch.stack([share * row for share, row in occurs]).sum(dim=0)
    average_kl = torch.stack([share * divergence(row, before) for share, row in occurs]).sum()
    information = torch.stack([share * divergence(row, whole) for share, row in occurs]).sum()
    return [average_kl, information, divergence(whole, before)]


def shares_ignored(encoder, shares, before):
    whole = torch.mean(encoder, dim=0)
    rows = [(divergence(row, before), divergence(row, whole)) for row in encoder]
    count = shares.shape[0]
    return sum(row[0] for row in rows) / count, sum(row[1] for row in rows) / count, divergence(whole, before)


def summed_over_the_data(encoder, shares, before):
    parts = apart(encoder, shares, before)
    parts[0] = torch.stack([divergence(row, before) for row in encoder]).sum()
    return parts


def aggregate_swapped(encoder, shares, before):
    parts = apart(encoder, shares, before)
    parts[2] = divergence(before, torch.einsum("i,ij->j", shares, encoder))
    return parts


def information_with_the_wrong_sign(encoder, shares, before):
    inside = torch.dot(shares, torch.special.entr(encoder).sum(dim=1))
    outside = torch.special.entr(torch.einsum("i,ij->j", shares, encoder)).sum()
    average_kl, _, aggregate_kl = apart(encoder, shares, before)
    return average_kl, inside - outside, aggregate_kl


def prior_for_the_aggregate(encoder, shares, before):
    average_kl, _, aggregate_kl = apart(encoder, shares, before)
    return average_kl, average_kl.clone(), aggregate_kl


def entropy_for_information(encoder, shares, before):
    parts = apart(encoder, shares, before)
    parts[1] = torch.special.entr(torch.einsum("i,ij->j", shares, encoder)).sum()
    return parts


def information_in_bits(encoder, shares, before):
    parts = apart(encoder, shares, before)
    parts[1] = parts[1] * math.log2(math.e)
    return parts


def nan_from_what_never_occurs(encoder, shares, before):
    whole = torch.einsum("i,ij->j", shares, encoder)
    to_prior = torch.stack([divergence(row, before) for row in encoder])
    to_whole = torch.stack([divergence(row, whole) for row in encoder])
    aggregate_kl = torch.sum(whole * (torch.log(whole) - torch.log(before)))
    return torch.sum(shares * to_prior), torch.sum(shares * to_whole), aggregate_kl


def geometric_mean_of_the_rows(encoder, shares, before):
    logs = torch.einsum("i,ij->j", shares, torch.log(encoder))
    whole = torch.exp(logs - torch.logsumexp(logs, dim=0))
    table = torch.einsum("i,ij->ij", shares, encoder)
    average_kl = torch.xlogy(table, encoder).sum() - torch.xlogy(table, before).sum()
    information = torch.xlogy(table, encoder).sum() - torch.xlogy(table, whole).sum()
    return average_kl, information, -torch.special.entr(whole).sum() - torch.xlogy(whole, before).sum()


# ---- amortisation_gap ----------------------------------------------------------------------------------------------------


def shared_belief(shares, beliefs):
    logs = torch.stack([share * torch.log(row) for share, row in zip(shares, beliefs, strict=True)]).sum(dim=0)
    return torch.exp(logs - torch.logsumexp(logs, dim=0))


def aggregate_for_the_best(shares, beliefs):
    whole = torch.einsum("i,ij->j", shares, beliefs)
    return whole, torch.dot(shares, torch.stack([divergence(whole, row) for row in beliefs]))


def shared_without_shares(shares, beliefs):
    same = torch.full_like(shares, 1 / shares.numel())
    belief = shared_belief(same, beliefs)
    return belief, torch.dot(shares, torch.stack([divergence(belief, row) for row in beliefs]))


def geometric_mean_not_normalised(shares, beliefs):
    means = torch.prod(beliefs ** shares[:, None], dim=0)
    return means, -torch.log(torch.sum(means))


def shared_gap_swapped(shares, beliefs):
    belief = shared_belief(shares, beliefs)
    return belief, torch.dot(shares, torch.stack([divergence(row, belief) for row in beliefs]))


# ---- importance_log_likelihood -------------------------------------------------------------------------------------------


def error_of_the_logs(logs):
    centred = logs - torch.mean(logs, dim=1, keepdim=True)
    K = logs.shape[1]
    return log_mean_exp(logs), torch.sqrt(torch.sum(centred**2, dim=1) / (K * (K - 1)))


def spread_for_error(logs):
    shares = torch.softmax(logs, dim=1) * logs.shape[1]
    return log_mean_exp(logs), torch.std(shares, dim=1)


def delta_forgotten(logs):
    weights = torch.exp(logs)
    return torch.log(torch.mean(weights, dim=1)), torch.sqrt(torch.var(weights, dim=1) / weights.shape[1])


def elbo_for_the_evidence(logs):
    K = logs.shape[1]
    shares = torch.softmax(logs, dim=1)
    return torch.sum(logs, dim=1) / K, torch.std(shares, dim=1) * K**0.5


# ---- derivations ---------------------------------------------------------------------------------------------------------


def split_with_the_prior():
    return """
        log(p(x))
        = sum(z, q(z | x)*log(p(x)))                                   # normalisation
        = sum(z, q(z | x)*log(p(x, z)/p(z)))                           # product rule
        = E(q(z | x), log(p(x, z)/q(z | x))) + KL(q(z | x), p(z))      # definition of KL
    """


def split_with_swapped_arguments():
    return """
        log(p(x))
        = E(q(z | x), log(p(x)))                                                           # average of a constant
        = E(q(z | x), log(p(x, z)) - log(p(z | x)))                                        # Bayes
        = E(q(z | x), log(p(x, z)) - log(q(z | x)) + log(q(z | x)) - log(p(z | x)))        # algebra
        = E(q(z | x), log(p(x, z)/q(z | x))) + E(q(z | x), log(q(z | x)/p(z | x)))         # linearity
        = KL(p(z | x), q(z | x)) + E(q(z | x), log(p(x, z)/q(z | x)))                      # KL
    """


def split_with_a_minus():
    return """
        log(p(x))
        = E(q(z | x), log(p(x)))                                                           # normalisation
        = E(q(z | x), log(p(x, z)/q(z | x) * q(z | x)/p(z | x)))                           # product rule
        = E(q(z | x), log(p(x, z)/q(z | x)) - log(p(z | x)/q(z | x)))                      # arithmetic
        = E(q(z | x), log(p(x, z)/q(z | x))) - KL(q(z | x), p(z | x))                      # linearity
    """


def split_at_once():
    return """
        log(p(x))
        = KL(q(z | x), p(z | x)) + E(q(z | x), log(p(x, z)) - log(q(z | x)))               # linearity
    """


def bound_from_above():
    return """
        log(p(x))
        =  log(sum(z, p(x, z)))                                # sum rule
        =  log(sum(z, p(z)*p(x | z)))                          # product rule
        =  log(sum(z, p(x, z)))                                # product rule
        =  log(E(q(z | x), p(x, z)/q(z | x)))                  # expectation
        <= E(q(z | x), log(p(x, z)/q(z | x)))                  # Jensen
    """


def prior_left_out():
    return """
        log(p(x))
        = log(sum(z, p(x | z)))                                # sum rule
        >= E(q(z | x), log(p(x | z)/q(z | x)))                 # Jensen
    """


def never_divided_by_q():
    return """
        log(p(x))
        =  log(sum(z, p(z, x)))                                # marginalise
        =  log(sum(z, q(z | x)*p(z, x)))                       # expectation
        >= E(q(z | x), log(p(x, z)))                           # Jensen
    """


def bound_by_its_name():
    return """
        log(p(x))
        =  E(q(z | x), log(p(x)))                              # normalisation
        >= E(q(z | x), log(p(x, z)/q(z | x)))                  # Gibbs' inequality
    """


def skips_a_level():
    return """
        log(p(x))
        =  log(sum((z1, z2), p(x, z1, z2)))                                                        # marginal
        =  log(sum((z1, z2), q(z1, z2 | x)*(p(x, z1, z2)/q(z1, z2 | x))))                          # arithmetic
        =  log(E(q(z1, z2 | x), p(x, z1, z2)/q(z1, z2 | x)))                                       # expectation
        >= E(q(z1, z2 | x), log(p(x, z1, z2)/q(z1, z2 | x)))                                       # Jensen
        =  E(q(z1, z2 | x), log(p(x | z2)*p(z1, z2)/q(z1, z2 | x)))                                # product rule
    """


def two_separate_priors():
    return """
        log(p(x))
        =  log(sum((z1, z2), p(x, z1, z2)))                                                        # marginal
        =  log(E(q(z1, z2 | x), p(x, z1, z2)/q(z1, z2 | x)))                                       # expectation
        >= E(q(z1, z2 | x), log(p(x, z1, z2)/q(z1, z2 | x)))                                       # Jensen
        =  E(q(z1, z2 | x), log(p(x | z1)*p(z1)*p(z2)/q(z1, z2 | x)))                              # model
    """


def plus_at_the_top():
    return """
        log(p(x))
        =  log(sum((z1, z2), p(x, z1, z2)))                                                        # marginal
        =  log(E(q(z1, z2 | x), p(x, z1, z2)/q(z1, z2 | x)))                                       # expectation
        >= E(q(z1, z2 | x), log(p(x, z1, z2)/q(z1, z2 | x)))                                       # Jensen
        =  E(q(z1, z2 | x), log(p(x | z1)*p(z1 | z2)*p(z2)/(q(z1 | x)*q(z2 | z1))))                # the model
        =  E(q(z1, z2 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x)))
           + E(q(z1, z2 | x), log(p(z2)/q(z2 | z1)))                                               # linearity
        =  E(q(z1 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x)))
           + E(q(z1, z2 | x), log(p(z2)/q(z2 | z1)))                                               # marginal
        =  E(q(z1 | x), log(p(x | z1))) + E(q(z1, z2 | x), log(p(z1 | z2)/q(z1 | x)))
           + E(q(z1 | x), KL(q(z2 | z1), p(z2)))                                                   # definition of KL
    """


def blames_jensen():
    return 5, "<= E(q(z | x), log(p(x, z)) - log(q(z | x)))    # Jensen's inequality"


def counts_from_zero():
    return 7, "= -KL(q(z | x), p(z)) + E(q(z | x), log(p(x | z)))   # definition of KL"


def swaps_the_arguments():
    return 8, "= -KL(p(z), q(z | x)) + E(q(z | x), log(p(x | z)))   # KL"


def blames_the_entropy():
    return 2, "= E(q(z | x), log(p(x, z)) + log(q(z | x)))   # entropy"


def subtracts_both():
    return 5, "= E(q(z | x), log(p(x | z))) - E(q(z | x), log(q(z | x)*p(z)))   # linearity of expectation"


def adds_the_divergence():
    return 5, "= KL(q(z | x), p(z)) + E(q(z | x), log(p(x | z)))   # linearity"


def split_counted_from_zero():
    return 4, "= E(q(z | x), log(p(x | z))) + E(q(z | x), log(p(z)/q(z | x)))   # linearity"


def blames_the_divergence():
    return 2, "= E(q(z | x), log(q(z | x)/p(z))) + E(q(z | x), log(p(x | z)))   # KL"


def blames_the_last_line():
    return 7, "<= log(p(x))   # sum rule"


def jensen_as_an_equality():
    return 4, "= log(E(q(z | x), p(z)*p(x | z)/q(z | x)))   # Jensen's inequality"


def direction_counted_from_zero():
    return 3, "<= log(E(q(z | x), p(z)/q(z | x)*p(x | z)))   # by Jensen's inequality"
