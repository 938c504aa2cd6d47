"""The unit's misconceptions as other people would have written them, one function each, under the misconception's own name.

A diagnosis that knows only the code it was made from is worth nothing: students write loops, other formulas, other names. Each
function here starts from the belief and the story of its misconception and arrives at the same wrong answer by a way of its
own: with torch.distributions, einsum, determinants, plain Python, loops.
"""

import math

import torch
import torch.nn.functional as F
from torch.distributions import Independent, Normal

# ---- enumerate_model -----------------------------------------------------------------------------------------------------


def prior_forgotten(p, table, g):
    beliefs = F.normalize(table.transpose(0, 1), p=1, dim=1)
    evidence = torch.einsum("z,zx->x", p, table)
    return evidence, beliefs, torch.einsum("xz,z->x", beliefs, g)


def every_z_alike(p, table, g):
    evidence = torch.mean(table, dim=0)
    beliefs = torch.stack([row / torch.sum(row) for row in table.t()])
    return evidence, beliefs, torch.mv(beliefs, g)


def likelihood_for_posterior(p, table, g):
    beliefs = torch.stack(list(torch.unbind(table, dim=1)))
    return torch.mv(beliefs, p), beliefs, torch.mv(beliefs, g)


def joint_for_posterior(p, table, g):
    evidence = table.t() @ p
    both = torch.einsum("z,zx->xz", p, table)
    return evidence, both, torch.sum(both * g, dim=1)


def softmax_of_probabilities(p, table, g):
    evidence, beliefs, means = [], [], []
    for x in range(table.shape[1]):
        both = p * table[:, x]
        weights = F.softmax(both, dim=0)
        evidence.append(torch.sum(both))
        beliefs.append(weights)
        means.append(torch.dot(weights, g))
    return torch.stack(evidence), torch.stack(beliefs), torch.stack(means)


def epsilon_in_the_denominator(p, table, g):
    both = torch.einsum("z,zx->xz", p, table)
    evidence = torch.sum(both, dim=1)
    beliefs = torch.div(both, evidence.unsqueeze(1) + 1e-8)
    return evidence, beliefs, torch.sum(beliefs * g, dim=1)


def evidence_clamped(p, table, g):
    evidence = torch.mv(table.t(), p)
    safe = torch.maximum(evidence, torch.full_like(evidence, 1e-6))
    beliefs = torch.einsum("z,zx,x->xz", p, table, 1 / safe)
    return evidence, beliefs, torch.mv(beliefs, g)


def expectation_under_the_prior(p, table, g):
    evidence = torch.matmul(p, table)
    beliefs = torch.einsum("z,zx->xz", p, table) / evidence.unsqueeze(1)
    return evidence, beliefs, torch.ones_like(evidence) * torch.dot(p, g)


def value_at_the_most_probable(p, table, g):
    evidence = torch.matmul(p, table)
    beliefs, means = [], []
    for x in range(len(evidence)):
        row = p * table[:, x] / evidence[x]
        beliefs.append(row)
        means.append(g[int(torch.argmax(row))])
    return evidence, torch.stack(beliefs), torch.stack(means)


def expectation_not_normalised(p, table, g):
    evidence = torch.matmul(p, table)
    beliefs = torch.einsum("z,zx->xz", p, table) / evidence.unsqueeze(1)
    return evidence, beliefs, torch.einsum("z,z,zx->x", g, p, table)


def mean_for_expectation(p, table, g):
    evidence = torch.matmul(p, table)
    beliefs = torch.einsum("z,zx->xz", p, table) / evidence.unsqueeze(1)
    return evidence, beliefs, torch.mv(beliefs, g) / len(g)


# ---- log_sum_and_mean_exp ------------------------------------------------------------------------------------------------


def nothing_subtracted(values):
    total = torch.sum(torch.exp(values), dim=1)
    return torch.log(total), torch.log(total / values.size(1))


def mean_of_the_logs(values):
    return torch.logsumexp(values, dim=1), torch.sum(values, dim=1) / values.size(1)


def log_k_forgotten(values):
    top = torch.max(values, dim=1).values
    top = torch.where(torch.isinf(top), torch.zeros_like(top), top).detach()
    result = top + torch.log(torch.sum(torch.exp(values - top.unsqueeze(1)), dim=1))
    return result, result


def divided_outside_the_log(values):
    result = values.logsumexp(1)
    return result, torch.div(result, values.size(1))


def entries_clamped(values):
    safe = F.hardtanh(values, -80.0, 80.0)
    result = torch.logsumexp(safe, dim=1)
    return result, result - math.log(values.size(1))


def epsilon_in_the_log(values):
    total, k = torch.sum(torch.exp(values), dim=1), values.size(1)
    return torch.log(1e-8 + total), torch.log(1e-8 + total / k)


def maximum_of_the_batch(values):
    shift = torch.amax(values)
    scaled = torch.sum(torch.exp(values - shift), dim=1)
    return shift + torch.log(scaled), shift + torch.log(scaled / values.size(1))


def mean_subtracted(values):
    shift = torch.sum(values, dim=1) / values.size(1)
    scaled = torch.sum(torch.exp(values - shift.unsqueeze(1)), dim=1)
    return shift + torch.log(scaled), shift + torch.log(scaled / values.size(1))


def infinite_maximum_subtracted(values):
    sums, means = [], []
    for row in values:
        top = row.amax().detach()
        scaled = torch.exp(row - top)
        sums.append(top + torch.log(scaled.sum()))
        means.append(top + torch.log(scaled.mean()))
    return torch.stack(sums), torch.stack(means)


def without_a_slope(values):
    with torch.no_grad():
        result = values.logsumexp(dim=1)
        return result, result - math.log(values.size(1))


def two_at_a_time(values):
    first, *others = torch.unbind(values, dim=1)
    total = first
    for column in others:
        total = torch.logaddexp(column, total)
    return total, total - math.log(values.size(1))


def mean_over_the_batch(values):
    rows = torch.logsumexp(values, dim=1)
    loss = torch.sum(rows) / len(rows)
    both = loss.repeat(len(rows))
    return both, both - math.log(values.size(1))


# ---- log_density_of_all --------------------------------------------------------------------------------------------------


def gaussians(means, logs):
    return Independent(Normal(means, torch.exp(logs / 2)), 1)


def two_pi_forgotten(points, means, logs):
    d = points.size(1)
    return gaussians(means, logs).log_prob(points.unsqueeze(1)) + d / 2 * math.log(2 * math.pi)


def two_pi_once(points, means, logs):
    d = points.size(1)
    return gaussians(means, logs).log_prob(points.unsqueeze(1)) + (d - 1) / 2 * math.log(2 * math.pi)


def log_variance_as_log_sigma(points, means, logs):
    components = Normal(means, torch.exp(logs))
    return torch.sum(components.log_prob(points.unsqueeze(1)), dim=2)


def divided_by_sigma(points, means, logs):
    columns = []
    for m, log in zip(means, logs, strict=True):
        sigma = torch.exp(log / 2)
        terms = torch.log(2 * math.pi * sigma**2) + torch.square(points - m) / sigma
        columns.append(-0.5 * torch.sum(terms, dim=1))
    return torch.stack(columns, dim=1)


def half_on_the_square_only(points, means, logs):
    full = gaussians(means, logs).log_prob(points.unsqueeze(1))
    return full - torch.sum(logs, dim=1) / 2


def mean_over_dimensions(points, means, logs):
    components = Normal(means, torch.exp(logs / 2))
    return torch.mean(components.log_prob(points.unsqueeze(1)), dim=2)


def reshaped_for_transposed(points, means, logs):
    rows = []
    for m, log in zip(means, logs, strict=True):
        rows.append(torch.sum(Normal(m, torch.exp(log / 2)).log_prob(points), dim=1))
    return torch.cat(rows).view(len(points), len(means))


def density_without_log(points, means, logs):
    return torch.exp(gaussians(means, logs).log_prob(points.unsqueeze(1)))


def log_variances_clamped(points, means, logs):
    return gaussians(means, F.hardtanh(logs, -20.0, 20.0)).log_prob(points.unsqueeze(1))


def variance_detached(points, means, logs):
    with torch.no_grad():
        sigma = torch.exp(logs / 2)
    return torch.sum(Normal(means, sigma).log_prob(points.unsqueeze(1)), dim=2)


# ---- condition_gaussian --------------------------------------------------------------------------------------------------


def gains(cross, own):
    """Σ_ab Σ_bb⁻¹."""
    return torch.bmm(cross, torch.inverse(own))


def covariance_of_the_marginal(m1, m2, s11, s12, s22, seen):
    shift = torch.einsum("nij,nj->ni", gains(s12, s22), seen - m2)
    return m1 + shift, 1.0 * s11


def observation_not_centred(m1, m2, s11, s12, s22, seen):
    gain = gains(s12, s22)
    left = s11 - torch.einsum("nij,nkj->nik", gain, s12)
    return torch.einsum("nij,nj->ni", gain, seen) + m1, left


def wrong_block_inverted(m1, m2, s11, s12, s22, seen):
    means, lefts = [], []
    for i in range(len(m1)):
        gain = torch.inverse(s11[i]) @ s12[i]
        means.append(m1[i] + gain @ (seen[i] - m2[i]))
        lefts.append(s11[i] - gain @ s12[i].T)
    return torch.stack(means), torch.stack(lefts)


def inverse_forgotten(m1, m2, s11, s12, s22, seen):
    gain = torch.einsum("nij,njk->nik", s12, s22)
    left = s11 - torch.einsum("nij,nkj->nik", gain, s12)
    return torch.einsum("nij,nj->ni", gain, seen - m2) + m1, left


def correlations_in_b_ignored(m1, m2, s11, s12, s22, seen):
    own = torch.diag_embed(torch.diagonal(s22, dim1=1, dim2=2))
    gain = gains(s12, own)
    left = s11 - torch.einsum("nij,nkj->nik", gain, s12)
    return m1 + torch.einsum("nij,nj->ni", gain, seen - m2), left


def explained_part_added(m1, m2, s11, s12, s22, seen):
    gain = gains(s12, s22)
    total = s11 + gain @ s22 @ gain.transpose(1, 2)
    return m1 + torch.einsum("nij,nj->ni", gain, seen - m2), total


def shift_with_the_wrong_sign(m1, m2, s11, s12, s22, seen):
    gain = gains(s12, s22)
    left = s11 - gain @ s22 @ gain.transpose(1, 2)
    return m1 + torch.einsum("nij,nj->ni", gain, m2 - seen), left


def surprise_adds_uncertainty(m1, m2, s11, s12, s22, seen):
    gain = gains(s12, s22)
    shift = torch.einsum("nij,nj->ni", gain, seen - m2)
    spread = torch.einsum("ni,nj->nij", shift, shift)
    return m1 + shift, s11 - torch.einsum("nij,nkj->nik", gain, s12) + spread


def jitter_on_the_diagonal(m1, m2, s11, s12, s22, seen):
    tiny = torch.full_like(s22[0, 0], 1e-6)
    gain = gains(s12, s22 + torch.diag(tiny))
    left = s11 - torch.einsum("nij,nkj->nik", gain, s12)
    return m1 + torch.einsum("nij,nj->ni", gain, seen - m2), left


def precision_for_covariance(m1, m2, s11, s12, s22, seen):
    top, bottom = torch.cat([s11, s12], 2), torch.cat([s12.transpose(1, 2), s22], 2)
    whole = torch.cat([top, bottom], 1)
    size = m1.size(1)
    shift = torch.einsum("nij,nj->ni", gains(s12, s22), seen - m2)
    return m1 + shift, torch.inverse(whole)[:, :size, :size]


# ---- gaussian_product ----------------------------------------------------------------------------------------------------


def by_precisions(m, s, k, t):
    precision = 1 / s + 1 / t
    return (m / s + k / t) / precision, 1 / precision


def agreement(m, s, k, t):
    """log Z as the density of the difference."""
    difference = Independent(Normal(m - k, torch.sqrt(s + t)), 1)
    return difference.log_prob(torch.zeros_like(m))


def z_forgotten(m, s, k, t):
    mean, variance = by_precisions(m, s, k, t)
    return mean, variance, m.new_zeros(len(m))


def variances_added(m, s, k, t):
    return by_precisions(m, s, k, t)[0], torch.add(s, t), agreement(m, s, k, t)


def mean_of_the_means(m, s, k, t):
    return torch.stack([m, k]).mean(0), by_precisions(m, s, k, t)[1], agreement(m, s, k, t)


def weights_exchanged(m, s, k, t):
    share = s / (s + t)
    return share * m + (1 - share) * k, by_precisions(m, s, k, t)[1], agreement(m, s, k, t)


def variances_squared(m, s, k, t):
    square_s, square_t = torch.square(s), torch.square(t)
    mean, variance = by_precisions(m, square_s, k, square_t)
    return mean, variance, agreement(m, square_s, k, square_t)


def std_returned(m, s, k, t):
    mean, variance = by_precisions(m, s, k, t)
    return mean, torch.pow(variance, 0.5), agreement(m, s, k, t)


def precisions_averaged(m, s, k, t):
    precision = torch.stack([1 / s, 1 / t]).mean(0)
    return by_precisions(m, s, k, t)[0], 1 / precision, agreement(m, s, k, t)


def log_z_averaged(m, s, k, t):
    mean, variance = by_precisions(m, s, k, t)
    return mean, variance, agreement(m, s, k, t) / m.size(1)


def two_pi_missing_in_z(m, s, k, t):
    mean, variance = by_precisions(m, s, k, t)
    return mean, variance, agreement(m, s, k, t) + m.size(1) * math.log(2 * math.pi) / 2


def z_with_the_products_variance(m, s, k, t):
    mean, variance = by_precisions(m, s, k, t)
    log_z = torch.log(2 * math.pi * variance) + torch.square(k - m) / variance
    return mean, variance, torch.sum(log_z, dim=1) * -0.5


def z_without_log(m, s, k, t):
    mean, variance = by_precisions(m, s, k, t)
    return mean, variance, torch.exp(agreement(m, s, k, t))


# ---- planar --------------------------------------------------------------------------------------------------------------


def image(points, push, normal, offset):
    return points + torch.outer(torch.tanh(points @ normal + offset), push)


def slopes(points, push, normal, offset):
    """Every Jacobian, point by point."""
    matrices = []
    for point in points:
        steep = 1 - torch.tanh(torch.dot(normal, point) + offset) ** 2
        matrices.append(torch.eye(len(push), dtype=points.dtype) + steep * torch.outer(push, normal))
    return torch.stack(matrices)


def determinant_without_its_absolute_value(points, push, normal, offset):
    matrices = slopes(points, push, normal, offset)
    return image(points, push, normal, offset), matrices, torch.log(torch.det(matrices))


def determinant_clamped(points, push, normal, offset):
    matrices = slopes(points, push, normal, offset)
    floor = torch.full_like(points[:, 0], 1e-6)
    return image(points, push, normal, offset), matrices, torch.log(torch.maximum(torch.det(matrices), floor))


def trace_for_determinant(points, push, normal, offset):
    matrices = slopes(points, push, normal, offset)
    traces = torch.einsum("nii->n", matrices)
    return image(points, push, normal, offset), matrices, torch.log(torch.abs(traces))


def first_order_only(points, push, normal, offset):
    matrices = slopes(points, push, normal, offset)
    traces = torch.einsum("nii->n", matrices)
    return image(points, push, normal, offset), matrices, traces - len(push)


def jacobian_transposed(points, push, normal, offset):
    matrices = slopes(points, push, normal, offset)
    logs = torch.log(torch.abs(torch.det(matrices)))
    return image(points, push, normal, offset), torch.transpose(matrices, 1, 2), logs


def identity_forgotten(points, push, normal, offset):
    matrices = slopes(points, push, normal, offset)
    logs = torch.log(torch.abs(torch.det(matrices)))
    return image(points, push, normal, offset), matrices - torch.eye(len(push), dtype=points.dtype), logs


def slope_not_squared(points, push, normal, offset):
    matrices = []
    for point in points:
        steep = 1 - torch.tanh(torch.dot(normal, point) + offset)
        matrices.append(torch.eye(len(push), dtype=points.dtype) + steep * torch.outer(push, normal))
    whole = torch.stack(matrices)
    return image(points, push, normal, offset), whole, torch.log(torch.abs(torch.det(whole)))


def offset_forgotten_in_the_slope(points, push, normal, offset):
    matrices = slopes(points, push, normal, torch.zeros_like(offset))
    return image(points, push, normal, offset), matrices, torch.log(torch.abs(torch.det(matrices)))


def correction_of_the_density(points, push, normal, offset):
    matrices = slopes(points, push, normal, offset)
    return image(points, push, normal, offset), matrices, torch.log(1 / torch.abs(torch.det(matrices)))


def tanh_by_exponentials(points, push, normal, offset):
    matrices, images = [], []
    for point in points:
        a = torch.dot(normal, point) + offset
        height = (torch.exp(a) - torch.exp(-a)) / (torch.exp(a) + torch.exp(-a))
        images.append(point + height * push)
        matrices.append(torch.eye(len(push), dtype=points.dtype) + (1 - height**2) * torch.outer(push, normal))
    whole = torch.stack(matrices)
    return torch.stack(images), whole, torch.log(torch.abs(torch.det(whole)))


def determinant_without_log(points, push, normal, offset):
    matrices = slopes(points, push, normal, offset)
    return image(points, push, normal, offset), matrices, torch.exp(torch.linalg.slogdet(matrices).logabsdet)


# ---- derivations ---------------------------------------------------------------------------------------------------------


def evidence_left_out():
    return """
        log(p(z | x))
        = log(p(x, z)/p(x))                                     # product rule
        = log(p(x, z))                                          # marginal
        = log(p(z)) + log(p(x | z))                             # Bayes
    """


def conditional_in_the_sum():
    return """
        log(p(z | x))
        = log(p(z)*p(x | z)/p(x))                               # product rule
        = log(p(z)) + log(p(x | z)) - log(p(x))                 # log rules
        = log(p(z)) + log(p(x | z)) - log(sum(z, p(x | z)))     # sum rule
    """


def divided_by_the_wrong_one():
    return """
        log(p(z | x))
        = log(p(x | z))                                         # Bayes rule
        = log(p(x, z)) - log(sum(x, p(x, z)))                   # marginal
    """


def prior_taken_out_of_the_sum():
    return """
        log(p(z | x))
        = log(p(x | z)*p(z)/p(x))                               # product rule
        = log(p(x | z)*p(z)/sum(z, p(z, x)))                    # marginal
        = log(p(x | z)*p(z)/sum(z, p(z)*p(x | z)))              # product rule
        = log(p(x | z)*p(z)/(p(z)*sum(z, p(x | z))))            # arithmetic
        = log(p(x | z)/sum(z, p(x | z)))                        # arithmetic
    """


def logarithm_moved_into_the_sum():
    return """
        log(p(z | x))
        = log(p(x | z)) + log(p(z)) - log(p(x))                                   # product rule
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x, z)))                        # marginal
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(x | z)*p(z)))                  # product rule
        = log(p(x | z)) + log(p(z)) - sum(z, log(p(x | z)) + log(p(z)))           # logarithm
    """


def evidence_added():
    return """
        log(p(z | x))
        = log(p(z, x)) + log(p(x))                              # conditional probability
        = log(p(z)) + log(p(x | z)) + log(p(x))                 # product rule
    """


def bayes_at_once():
    return """
        log(p(z | x))
        = log(p(x, z)) - log(p(x))                                         # product rule
        = log(p(x | z)) + log(p(z)) - log(sum(z, p(z)*p(x | z)))           # Bayes
    """


def evidence_taken_as_known():
    return """
        log(p(z | x))
        = log(p(z, x)) - log(p(x))                              # product rule
        = log(p(z, x)) - log(sum(z, p(z, x)))                   # marginalise
    """


def blames_the_marginal():
    return 5, "= sum(z, p(z, x)*f(z)) * sum(z, p(x | z))**-1    # sum rule"


def blames_linearity():
    return 4, "= sum(z, f(z)*p(x, z)) / sum(z, p(x))    # linearity of expectation"


def counts_from_zero():
    return 6, "= E(p(z), f(z)*p(x | z)) / E(p(z), p(x | z))    # definition of the average"


def mended_above_only():
    return 7, "= E(p(z), f(z)*p(x | z)) / sum(z, p(z | x)*p(x | z))    # definition of expectation"


def likelihood_cancelled():
    return 7, "= sum(z, p(z)*f(z))    # arithmetic"
