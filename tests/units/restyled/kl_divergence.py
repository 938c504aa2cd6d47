"""The unit's misconceptions as other people would have written them, one function each, under the misconception's own name.

A diagnosis that knows only the code it was made from is worth nothing: students write loops, other formulas, other names. Each
function here starts from the belief and the story of its misconception and arrives at the same wrong answer by a way of its
own: with torch.distributions, standard deviations, determinants, matrix products, plain Python, another optimiser.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical, Independent, MultivariateNormal, Normal, kl_divergence

# ---- kl_discrete ---------------------------------------------------------------------------------------------------------


def arguments_swapped(first, second):
    rows = []
    for a, b in zip(first, second, strict=True):
        possible = b > 0
        rows.append(torch.sum(b[possible] * torch.log(b[possible] / a[possible])))
    return torch.stack(rows)


def mean_over_outcomes(a, b):
    log_ratio = torch.log(a) - torch.log(b)
    terms = torch.where(a > 0, a * log_ratio, torch.zeros_like(a))
    return torch.mean(terms, dim=1)


def in_bits(truth, model):
    ratio = torch.where(truth > 0, truth / model, torch.ones_like(truth))
    return torch.einsum("ij,ij->i", truth, torch.log2(ratio))


def epsilon_in_the_logs(a, b):
    tiny = 1e-8
    log_ratio = torch.log(torch.div(a + tiny, b + tiny))
    return torch.matmul(a.unsqueeze(1), log_ratio.unsqueeze(2)).flatten()


def missing_support_dropped(a, b):
    totals = []
    for row_a, row_b in zip(a.tolist(), b.tolist(), strict=True):
        totals.append(sum(x * math.log(x / y) for x, y in zip(row_a, row_b, strict=True) if x > 0 and y > 0))
    return torch.tensor(totals, dtype=a.dtype)


def zeros_become_nan(a, b):
    negative_entropy = torch.sum(a * torch.log(a), dim=-1)
    return negative_entropy - torch.sum(a * torch.log(b), dim=-1)


def a_symmetric_distance(a, b):
    # Σ (a − b)(log a − log b) has both directions in it at once
    both = (a - b) * (torch.log(a) - torch.log(b))
    return 0.5 * torch.nansum(both, dim=1)


def only_the_cross_entropy(data, model):
    surprise = torch.neg(torch.log(model))
    return torch.sum((data * surprise).masked_fill(data == 0, 0.0), dim=1)


def ratio_of_logs(a, b):
    numerator, denominator = torch.log(a), torch.log(b)
    inner = torch.log(torch.div(numerator, denominator))
    total = torch.zeros_like(a[:, 0])
    for i in range(a.size(1)):
        total = total + a[:, i] * inner[:, i]
    return total


def mean_over_the_batch(a, b):
    losses = []
    for x, y in zip(a, b, strict=True):
        x, y = x[x > 0], y[x > 0]
        losses.append(torch.dot(x, torch.log(x) - torch.log(y)))
    loss = torch.stack(losses).mean()
    return loss.repeat(a.shape[0])


def ratio_upside_down(a, b):
    log_ratio = torch.log(b / a)
    happens = torch.gt(a, 0)
    return torch.where(happens, torch.mul(a, log_ratio), 0.0).sum(dim=1)


def swapped_in_bits(a, b):
    answers = []
    for old, new in zip(a.tolist(), b.tolist(), strict=True):
        bits = 0.0
        for x, y in zip(old, new, strict=True):
            if y == 0:
                continue
            bits += math.inf if x == 0 else y * (math.log2(y) - math.log2(x))
        answers.append(bits)
    return torch.tensor(answers, dtype=a.dtype)


def swapped_and_averaged(a, b):
    pointwise = F.kl_div(torch.log(a), b, reduction="none")
    pointwise[b == 0] = 0.0
    return pointwise.mean(dim=1)


def swapped_with_nan(a, b):
    columns = [b[:, i] * torch.log(b[:, i]) - b[:, i] * torch.log(a[:, i]) for i in range(b.shape[1])]
    return torch.stack(columns).sum(0)


def bits_with_nan(a, b):
    nats = torch.einsum("ij,ij->i", a, torch.log(a) - torch.log(b))
    return nats / math.log(2)


# ---- entropy_and_cross_entropy -------------------------------------------------------------------------------------------


def cross_entropy_swapped(data, model):
    entropy = Categorical(probs=data).entropy()
    surprise = torch.where(model > 0, model * torch.log(data), torch.zeros_like(model))
    return entropy, -torch.sum(surprise, dim=1)


def kl_for_cross_entropy(a, b):
    entropies, others = [], []
    for x, y in zip(a, b, strict=True):
        seen = x > 0
        x, y = x[seen], y[seen]
        entropies.append(torch.dot(x, torch.log(1 / x)))
        others.append(torch.dot(x, torch.log(x / y)))
    return torch.stack(entropies), torch.stack(others)


def sign_forgotten(a, b):
    nothing = torch.zeros_like(a)
    h = torch.where(a == 0, nothing, a * torch.log(a))
    ce = torch.where(a == 0, nothing, a * torch.log(b))
    return torch.sum(h, dim=1), torch.sum(ce, dim=1)


def entropies_in_bits(a, b):
    def code_length(weights, code):
        bits = -torch.log2(torch.where(weights > 0, code, torch.ones_like(code)))
        return torch.einsum("ij,ij->i", weights, bits)

    return code_length(a, a), code_length(a, b)


def infinite_surprise_masked(a, b):
    h, ce = [], []
    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        h.append(-sum(u * math.log(u) for u in x if u > 0))
        ce.append(-sum(u * math.log(v) for u, v in zip(x, y, strict=True) if u > 0 and v > 0))
    return torch.tensor(h, dtype=a.dtype), torch.tensor(ce, dtype=a.dtype)


def zero_entropies_become_nan(a, b):
    surprise_a, surprise_b = torch.log(1 / a), torch.log(1 / b)
    return torch.sum(a * surprise_a, dim=1), torch.sum(a * surprise_b, dim=1)


def clamped_probabilities(a, b):
    floor = torch.full_like(a, 1e-4)
    log_a, log_b = torch.log(torch.maximum(a, floor)), torch.log(torch.maximum(b, floor))
    return torch.einsum("ij,ij->i", -a, log_a), torch.einsum("ij,ij->i", -a, log_b)


def in_the_other_order(data, model):
    missing = data == 0
    cross = -torch.sum((data * torch.log(model)).masked_fill(missing, 0), dim=1)
    own = -torch.sum((data * torch.log(data)).masked_fill(missing, 0), dim=1)
    return cross, own


def entropies_averaged(data, model):
    k = data.shape[1]
    mask = data > 0
    own = torch.where(mask, -data * torch.log(data), 0.0)
    cross = torch.where(mask, -data * torch.log(model), 0.0)
    return torch.sum(own, 1) / k, torch.sum(cross, 1) / k


def sign_forgotten_in_bits(a, b):
    def log2(x):
        return torch.log2(torch.where(a > 0, x, torch.ones_like(x)))

    return torch.sum(a * log2(a), dim=1), torch.sum(a * log2(b), dim=1)


def sign_forgotten_with_nan(a, b):
    entropy, cross = torch.zeros_like(a[:, 0]), torch.zeros_like(a[:, 0])
    for i in range(a.shape[1]):
        entropy = entropy + torch.log(a[:, i]) * a[:, i]
        cross = cross + torch.log(b[:, i]) * a[:, i]
    return entropy, cross


# ---- jensen_gap ----------------------------------------------------------------------------------------------------------


def jensen_the_wrong_way_round(w, v):
    log_v = torch.log(v)
    log_of_mean = torch.logsumexp(torch.log(w) + log_v, dim=1)
    mean_of_logs = torch.einsum("ij,ij->i", w, log_v)
    return mean_of_logs - log_of_mean


def weights_ignored(w, v):
    k = v.shape[1]
    total, total_of_logs = torch.zeros_like(v[:, 0]), torch.zeros_like(v[:, 0])
    for i in range(k):
        total = total + v[:, i]
        total_of_logs = total_of_logs + torch.log(v[:, i])
    return torch.log(total / k) - total_of_logs / k


def weights_inside_the_log(w, v):
    logs = torch.log(w) + torch.log(v)
    return torch.logsumexp(logs, dim=1) - torch.sum(logs, dim=1)


def means_without_the_log(w, v):
    arithmetic = torch.einsum("ij,ij->i", w, v)
    geometric = torch.prod(torch.pow(v, w), dim=1)
    return arithmetic - geometric


def gap_in_bits(w, v):
    nats = torch.logsumexp(torch.log(w) + torch.log(v), dim=1) - torch.einsum("ij,ij->i", w, torch.log(v))
    return nats / math.log(2)


def epsilon_in_the_weights(w, v):
    safe = w + 1e-8
    log_of_mean = torch.log(torch.sum(safe * v, dim=1))
    mean_of_logs = torch.stack([torch.dot(a, torch.log(b)) for a, b in zip(w, v, strict=True)])
    return log_of_mean - mean_of_logs


def unweighted_the_wrong_way_round(w, v):
    logs = torch.log(v)
    log_of_mean = torch.logsumexp(logs, dim=1) - math.log(v.shape[1])
    return torch.mean(logs, dim=1) - log_of_mean


# ---- kl_is_never_negative ------------------------------------------------------------------------------------------------


def support_forgotten():
    return """
        KL(p(x), q(x))
        =  E(p(x), log(p(x)/q(x)))              # definition of KL
        =  -E(p(x), log(q(x)/p(x)))             # arithmetic
        >= -log(E(p(x), q(x)/p(x)))             # jensen
        =  -log(sum(x, q(x)))                   # definition of an average
        =  0                                    # sums to one
    """


def jensen_upside_down():
    return """
        KL(p(x), q(x))
        =  E(p(x), -log(q(x)/p(x)))             # kl
        <= -log(E(p(x), q(x)/p(x)))             # Jensen's inequality
        =  0                                    # expectation
    """


def by_itself():
    return """
        KL(p(x), q(x))
        = E(p(x), log(p(x)/q(x)))               # definition of KL
        = KL(p(x), q(x))                        # definition of KL
        >= 0                                    # Gibbs' inequality
    """


def averaged_over_q():
    return """
        KL(p(x), q(x))
        = E(q(x), log(p(x)/q(x)))               # definition of KL
        = sum(x, q(x)*log(p(x)/q(x)))           # expectation
        >= 0                                    # Jensen
    """


def sign_lost():
    return """
        KL(p(x), q(x))
        = sum(x, p(x)*log(q(x)/p(x)))           # definition of KL
        <= log(sum(x, p(x)*(q(x)/p(x))))        # Jensen
        <= 0                                    # part of a sum
    """


def in_one_leap():
    return """
        KL(p(x), q(x))
        =  E(p(x), log(p(x)/q(x)))              # definition of KL
        >= 0                                    # Jensen
    """


# ---- find_the_flaw_in_jensen ---------------------------------------------------------------------------------------------


def blames_jensen():
    return 4, ">= log(E(p(x), q(x)*(1/p(x))))    # Jensen's inequality"


def blames_normalisation():
    return 7, "<= 0    # sums to one"


def blames_the_condition():
    return 5, "= -log(1/sum(x, q(x)))    # definition of an average"


def still_an_equality():
    return 6, "= log(sum(x, q(x)))    # support"


def counts_from_zero():
    return 5, "<= -log(1/sum(x, q(x)))    # by part of a sum"


# ---- kl_gaussian ---------------------------------------------------------------------------------------------------------


def half_on_the_first_term(m1, lv1, m2, lv2):
    var1, var2 = torch.exp(lv1), torch.exp(lv2)
    per_dimension = 0.5 * torch.log(var2 / var1) + (var1 + torch.square(m1 - m2)) / var2 - 1.0
    return torch.sum(per_dimension, dim=1)


def log_variance_as_log_sigma(m1, lv1, m2, lv2):
    q, p = Normal(m1, torch.exp(lv1)), Normal(m2, torch.exp(lv2))
    return torch.sum(kl_divergence(q, p), dim=-1)


def sigma_for_variance(m1, lv1, m2, lv2):
    total = 0.0
    for i in range(m1.shape[1]):
        s1, s2 = torch.exp(lv1[:, i] / 2), torch.exp(lv2[:, i] / 2)
        total = total + torch.log(s2 / s1) - 1 + s1 / s2 + torch.pow(m1[:, i] - m2[:, i], 2) / s2
    return total / 2


def gaussians_swapped(m1, lv1, m2, lv2):
    q = Independent(Normal(m1, torch.sqrt(torch.exp(lv1))), 1)
    p = Independent(Normal(m2, torch.sqrt(torch.exp(lv2))), 1)
    return kl_divergence(p, q)


def mean_over_dimensions(m1, lv1, m2, lv2):
    q, p = Normal(m1, torch.exp(lv1 / 2)), Normal(m2, torch.exp(lv2 / 2))
    return torch.mean(kl_divergence(q, p), dim=1)


def minus_d_dropped(m1, lv1, m2, lv2):
    s1, s2 = torch.exp(lv1 / 2), torch.exp(lv2 / 2)
    log_term = torch.log(s2) - torch.log(s1)
    return torch.sum(log_term + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2), dim=1)


def prior_taken_as_standard(m1, lv1, m2, lv2):
    return -0.5 * torch.sum(1 + lv1 - torch.pow(m1, 2) - torch.exp(lv1), dim=1)


def epsilon_in_the_variance(m1, lv1, m2, lv2):
    eps = 1e-6
    s1, s2 = torch.sqrt(torch.exp(lv1) + eps), torch.sqrt(torch.exp(lv2) + eps)
    return torch.sum(kl_divergence(Normal(m1, s1), Normal(m2, s2)), dim=1)


def variance_detached(m1, lv1, m2, lv2):
    with torch.no_grad():
        s1, s2 = torch.exp(lv1 / 2), torch.exp(lv2 / 2)
    rows = []
    for a, s, b, t in zip(m1, s1, m2, s2, strict=True):
        rows.append(torch.sum(torch.log(t / s) + (s * s + (a - b) ** 2) / (2 * t * t) - 0.5))
    return torch.stack(rows)


def a_symmetric_gaussian_distance(m1, lv1, m2, lv2):
    q, p = Normal(m1, torch.exp(lv1 / 2)), Normal(m2, torch.exp(lv2 / 2))
    both = kl_divergence(q, p) + kl_divergence(p, q)
    return torch.sum(both / 2, dim=1)


def log_ratio_upside_down(m1, lv1, m2, lv2):
    s1, s2 = torch.exp(lv1 / 2), torch.exp(lv2 / 2)
    per_dimension = torch.log(s1 / s2) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 1 / 2
    return torch.einsum("ij->i", per_dimension)


def half_forgotten(m1, lv1, m2, lv2):
    var1, var2 = torch.exp(lv1), torch.exp(lv2)
    log_dets = torch.log(var2).sum(dim=1) - torch.log(var1).sum(dim=1)
    trace = torch.einsum("ij,ij->i", var1, 1 / var2)
    distance = torch.einsum("ij,ij,ij->i", m1 - m2, 1 / var2, m1 - m2)
    return log_dets + trace + distance - m1.shape[1]


def distance_not_scaled(m1, lv1, m2, lv2):
    s1, s2 = torch.exp(lv1 / 2), torch.exp(lv2 / 2)
    spread = torch.log(s2 / s1) + (s1 / s2) ** 2 / 2 - 0.5
    return torch.sum(spread, dim=1) + torch.sum(torch.square(m1 - m2), dim=1) / 2


def log_variances_clamped(m1, lv1, m2, lv2):
    lv1, lv2 = F.hardtanh(lv1, -10.0, 10.0), F.hardtanh(lv2, -10.0, 10.0)
    q, p = Normal(m1, torch.exp(lv1 / 2)), Normal(m2, torch.exp(lv2 / 2))
    return kl_divergence(q, p).sum(dim=1)


def swapped_with_half_on_the_first_term(m1, lv1, m2, lv2):
    total = torch.zeros_like(m1[:, 0])
    for i in range(m1.size(1)):
        var1, var2 = torch.exp(lv1[:, i]), torch.exp(lv2[:, i])
        total = total + torch.log(var1 / var2) / 2 + (var2 + (m2[:, i] - m1[:, i]) ** 2) / var1 - 1
    return total


def swapped_without_half(m1, lv1, m2, lv2):
    s1, s2 = torch.exp(lv1 / 2), torch.exp(lv2 / 2)
    per_dimension = 2 * torch.log(s1 / s2) + (s2 / s1) ** 2 + ((m2 - m1) / s1) ** 2 - 1
    return per_dimension.sum(dim=1)


def log_sigma_without_half(m1, lv1, m2, lv2):
    sigma1, sigma2 = torch.exp(lv1), torch.exp(lv2)
    log_term = 2 * torch.log(sigma2) - 2 * torch.log(sigma1)
    ratio = torch.square(sigma1 / sigma2) + torch.square((m1 - m2) / sigma2)
    return torch.sum(log_term + ratio - 1, dim=1)


def swapped_mean_over_dimensions(m1, lv1, m2, lv2):
    s1, s2 = torch.exp(lv1 / 2), torch.exp(lv2 / 2)
    back = kl_divergence(Normal(m2, s2), Normal(m1, s1))
    return torch.sum(back, dim=1) / m1.shape[1]


def standard_prior_averaged(m1, lv1, m2, lv2):
    sigma = torch.exp(0.5 * lv1)
    prior = Normal(torch.zeros_like(m1), torch.ones_like(m1))
    return torch.mean(kl_divergence(Normal(m1, sigma), prior), dim=1)


# ---- kl_gaussian_from_its_integral ---------------------------------------------------------------------------------------


def half_of_the_logarithm_only():
    return """
        KL(q(x), p(x))
        = E(q(x), log(q(x)) - log(p(x)))                                                          # KL
        = E(q(x), log(N(x, m, sigma2)) - log(N(x, mu, tau2)))                                     # model
        = E(q(x), -log(2*pi*sigma2)/2 - (x - m)**2/sigma2 + log(2*pi*tau2)/2 + (x - mu)**2/tau2)  # gaussian density
    """


def root_in_front_forgotten():
    return """
        KL(q(x), p(x))
        = E(q(x), log(q(x)) - log(p(x)))                                                          # definition of KL
        = E(q(x), log(N(x, m, sigma2)) - log(N(x, mu, tau2)))                                     # the model
        = E(q(x), -log(2*pi*sigma2) - (x - m)**2/(2*sigma2) + log(2*pi*tau2) + (x - mu)**2/(2*tau2))    # density
    """


def variance_left_out():
    return """
        KL(q(x), p(x))
        = E(q(x), log(q(x)/p(x)))                                                                 # definition of KL
        = E(q(x), log(N(x, m, sigma2)) - log(N(x, mu, tau2)))                                     # the model
        = E(q(x), log(tau2/sigma2)/2 - (x - m)**2/(2*sigma2) + (x - mu)**2/(2*tau2))              # normal density
        = log(tau2/sigma2)/2 - E(q(x), (x - m)**2)/(2*sigma2) + E(q(x), (x - mu)**2)/(2*tau2)     # linearity
        = log(tau2/sigma2)/2 - 1/2 + (mu - m)**2/(2*tau2)                                         # gaussian moments
    """


def averaged_over_p():
    return """
        KL(q(x), p(x))
        = E(p(x), log(q(x)) - log(p(x)))                                                          # by definition of KL
        = E(p(x), log(q(x))) - E(p(x), log(p(x)))                                                 # linearity
    """


def closed_form_at_once():
    return """
        KL(q(x), p(x))
        = log(tau2/sigma2)/2 - 1/2 + sigma2/(2*tau2) + (m - mu)**2/(2*tau2)                       # moments
    """


# ---- find_the_flaw_in_a_gaussian -----------------------------------------------------------------------------------------


def blames_the_density():
    return 4, "= E(q(x), (log(tau2) - log(sigma2))/2 - (x - m)**2/sigma2 + (x - mu)**2/tau2)   # normal density"


def constant_without_half():
    return 6, "= (log(tau2/sigma2) + (sigma2 + (m - mu)**2)/tau2)/2 - 1   # gaussian moments"


def distance_left_out():
    return 6, "= log(tau2/sigma2)/2 - 1/2 + sigma2/(2*tau2)   # moments of a normal"


def one_line_too_early():
    return 5, "= log(tau2/sigma2)/2 - 1/2 + (sigma2 + (mu - m)**2)/(2*tau2)   # moments"


# ---- kl_gaussian_full ----------------------------------------------------------------------------------------------------


def determinants_without_log(m1, c1, m2, c2):
    inverse, diff = torch.linalg.inv(c2), m1 - m2
    trace = torch.einsum("bij,bji->b", inverse, c1)
    distance = torch.einsum("bi,bij,bj->b", diff, inverse, diff)
    return (torch.linalg.det(c2) - torch.linalg.det(c1) - m1.shape[1] + trace + distance) / 2


def logarithm_of_a_determinant(m1, c1, m2, c2):
    diff = (m1 - m2).unsqueeze(-1)
    quadratic = (diff * torch.linalg.solve(c2, diff)).sum((1, 2))
    ratio = torch.linalg.solve(c2, c1).diagonal(dim1=1, dim2=2).sum(1)
    return (c2.det().log() - c1.det().log() + ratio + quadratic - m1.size(1)) / 2


def log_det_of_the_factor(m1, c1, m2, c2):
    answers = []
    for a, s, b, t in zip(m1, c1, m2, c2, strict=True):
        log_det_s = torch.log(torch.diag(torch.linalg.cholesky(s))).sum()
        log_det_t = torch.log(torch.diag(torch.linalg.cholesky(t))).sum()
        trace = torch.trace(torch.linalg.solve(t, s))
        distance = torch.dot(a - b, torch.linalg.solve(t, a - b))
        answers.append((log_det_t - log_det_s - len(a) + trace + distance) / 2)
    return torch.stack(answers)


def dimension_dropped(m1, c1, m2, c2):
    diff = (m1 - m2).unsqueeze(-1)
    trace = torch.linalg.solve(c2, c1).diagonal(dim1=1, dim2=2).sum(1)
    distance = (diff.mT @ torch.linalg.solve(c2, diff)).flatten()
    return (torch.linalg.slogdet(c2).logabsdet - torch.linalg.slogdet(c1).logabsdet + trace + distance) / 2


def divided_by_dimension(m1, c1, m2, c2):
    q, p = MultivariateNormal(m1, covariance_matrix=c1), MultivariateNormal(m2, covariance_matrix=c2)
    return kl_divergence(q, p) / m1.shape[-1]


def full_gaussians_swapped(m1, c1, m2, c2):
    q, p = MultivariateNormal(m1, c1), MultivariateNormal(m2, c2)
    return kl_divergence(p, q)


def correlations_ignored(m1, c1, m2, c2):
    s1 = torch.sqrt(torch.diagonal(c1, dim1=1, dim2=2))
    s2 = torch.sqrt(torch.diagonal(c2, dim1=1, dim2=2))
    return torch.sum(kl_divergence(Normal(m1, s1), Normal(m2, s2)), dim=1)


def factor_for_covariance(m1, c1, m2, c2):
    l1, l2 = torch.linalg.cholesky(c1), torch.linalg.cholesky(c2)
    trace = torch.einsum("bij,bji->b", torch.linalg.inv(l2), l1)
    white = torch.linalg.solve(l2, m1 - m2)
    log_dets = torch.logdet(c2) - torch.logdet(c1)
    return (log_dets - m1.shape[1] + trace + torch.sum(white**2, dim=1)) / 2


def distance_not_whitened(m1, c1, m2, c2):
    same_mean = kl_divergence(MultivariateNormal(m2, c1), MultivariateNormal(m2, c2))
    return same_mean + torch.linalg.vector_norm(m1 - m2, dim=1) ** 2 / 2


def factors_without_gradient(m1, c1, m2, c2):
    with torch.no_grad():
        l1, l2 = torch.linalg.cholesky(c1), torch.linalg.cholesky(c2)
    return kl_divergence(MultivariateNormal(m1, scale_tril=l1), MultivariateNormal(m2, scale_tril=l2))


def a_symmetric_full_distance(m1, c1, m2, c2):
    q, p = MultivariateNormal(m1, c1), MultivariateNormal(m2, c2)
    return torch.stack([kl_divergence(q, p), kl_divergence(p, q)]).mean(dim=0)


def log_dets_upside_down(m1, c1, m2, c2):
    precision, diff = torch.linalg.inv(c2), (m1 - m2).unsqueeze(2)
    trace = torch.sum(precision * c1, dim=(1, 2))  # both are symmetric
    distance = torch.bmm(torch.bmm(diff.mT, precision), diff).flatten()
    log_ratio = torch.log(torch.linalg.det(c1) / torch.linalg.det(c2))
    return (log_ratio + trace + distance - m1.shape[1]) / 2


def full_without_half(m1, c1, m2, c2):
    l2 = torch.linalg.cholesky(c2)
    diff = (m1 - m2).unsqueeze(-1)
    trace = torch.cholesky_solve(c1, l2).diagonal(dim1=1, dim2=2).sum(1)
    distance = torch.sum(diff * torch.cholesky_solve(diff, l2), dim=(1, 2))
    return trace + distance - m1.shape[1] + torch.logdet(c2) - torch.logdet(c1)


def full_half_on_the_first_term(m1, c1, m2, c2):
    answers = []
    for a, s, b, t in zip(m1, c1, m2, c2, strict=True):
        inverse = torch.inverse(t)
        first = 0.5 * torch.log(torch.det(t) / torch.det(s))
        answers.append(first - a.numel() + torch.trace(inverse @ s) + (a - b) @ inverse @ (a - b))
    return torch.stack(answers)


def full_swapped_without_half(m1, c1, m2, c2):
    inverse, diff = torch.linalg.inv(c1), m2 - m1
    log_dets = torch.linalg.slogdet(c1).logabsdet - torch.linalg.slogdet(c2).logabsdet
    return log_dets + torch.einsum("bij,bij->b", inverse, c2) + ((diff[:, None] @ inverse)[:, 0] * diff - 1).sum(1)


def full_swapped_without_dimension(m1, c1, m2, c2):
    back = kl_divergence(MultivariateNormal(m2, c2), MultivariateNormal(m1, c1))
    return back + m1.shape[1] / 2  # what the formula gives when its −d is not written down


# ---- kl_monte_carlo ------------------------------------------------------------------------------------------------------


def clamped_at_zero(x, m1, lv1, m2, lv2):
    q, p = (
        Normal(m1.unsqueeze(1), torch.exp(lv1 / 2).unsqueeze(1)),
        Normal(m2.unsqueeze(1), torch.exp(lv2 / 2).unsqueeze(1)),
    )
    ratio = torch.sum(q.log_prob(x) - p.log_prob(x), dim=2)
    return F.relu(torch.mean(ratio, dim=1)), torch.sqrt(torch.var(ratio, dim=1) / x.shape[1])


def error_not_divided(x, m1, lv1, m2, lv2):
    def log_density(m, lv):
        m, lv = m.unsqueeze(1), lv.unsqueeze(1)
        return torch.sum(-0.5 * (math.log(2 * math.pi) + lv + (x - m) ** 2 * torch.exp(-lv)), dim=-1)

    ratio = log_density(m1, lv1) - log_density(m2, lv2)
    estimate = torch.sum(ratio, dim=1) / x.shape[1]
    spread = torch.sum((ratio - estimate.unsqueeze(1)) ** 2, dim=1) / (x.shape[1] - 1)
    return estimate, torch.sqrt(spread)


def error_with_s(x, m1, lv1, m2, lv2):
    s = x.shape[1]
    means, errors = [], []
    for row in range(x.shape[0]):
        log_q = Normal(m1[row], torch.exp(lv1[row] / 2)).log_prob(x[row]).sum(1)
        log_p = Normal(m2[row], torch.exp(lv2[row] / 2)).log_prob(x[row]).sum(1)
        ratio = log_q - log_p
        variance = torch.mean((ratio - ratio.mean()) ** 2)
        means.append(ratio.mean())
        errors.append(torch.sqrt(variance / s))
    return torch.stack(means), torch.stack(errors)


def error_over_s(x, m1, lv1, m2, lv2):
    s1, s2 = torch.exp(lv1 / 2)[:, None, :], torch.exp(lv2 / 2)[:, None, :]
    u1, u2 = (x - m1[:, None, :]) / s1, (x - m2[:, None, :]) / s2
    ratio = torch.sum(torch.log(s2 / s1) + (u2**2 - u1**2) / 2, dim=2)
    return torch.mean(ratio, dim=1), torch.std(ratio, dim=1) / len(ratio[0])


def log_of_the_mean_ratio(x, m1, lv1, m2, lv2):
    q = Independent(Normal(m1[:, None], torch.exp(lv1 / 2)[:, None]), 1)
    p = Independent(Normal(m2[:, None], torch.exp(lv2 / 2)[:, None]), 1)
    ratio = q.log_prob(x) - p.log_prob(x)
    largest = torch.amax(ratio, dim=1, keepdim=True)
    estimate = torch.log(torch.mean(torch.exp(ratio - largest), dim=1)) + largest[:, 0]
    return estimate, torch.sqrt(torch.var(ratio, dim=1) / x.shape[1])


def log_p_minus_log_q(x, m1, lv1, m2, lv2):
    log_q = Normal(m1[:, None], torch.exp(lv1[:, None] / 2)).log_prob(x)
    log_p = Normal(m2[:, None], torch.exp(lv2[:, None] / 2)).log_prob(x)
    likelihood_ratio = torch.einsum("nsd->ns", log_p) - torch.einsum("nsd->ns", log_q)
    s = likelihood_ratio.shape[1]
    return likelihood_ratio.mean(dim=1), likelihood_ratio.var(dim=1).div(s).sqrt()


def dimensions_averaged(x, m1, lv1, m2, lv2):
    q = Normal(m1.unsqueeze(1), torch.exp(lv1.unsqueeze(1) / 2))
    p = Normal(m2.unsqueeze(1), torch.exp(lv2.unsqueeze(1) / 2))
    log_q, log_p = torch.mean(q.log_prob(x), dim=2), torch.mean(p.log_prob(x), dim=2)
    ratio = log_q - log_p
    return torch.mean(ratio, dim=1), torch.std(ratio, dim=1) / math.sqrt(ratio.shape[1])


def normalisers_forgotten(x, m1, lv1, m2, lv2):
    total = torch.zeros_like(x[..., 0])
    for i in range(x.shape[2]):
        u1 = (x[..., i] - m1[:, i : i + 1]) / torch.exp(lv1[:, i : i + 1] / 2)
        u2 = (x[..., i] - m2[:, i : i + 1]) / torch.exp(lv2[:, i : i + 1] / 2)
        total = total - u1 * u1 / 2 + u2 * u2 / 2
    return torch.mean(total, 1), torch.std(total, 1) / x.shape[1] ** 0.5


def variance_as_scale(x, m1, lv1, m2, lv2):
    var1, var2 = torch.exp(lv1).unsqueeze(1), torch.exp(lv2).unsqueeze(1)
    q, p = Independent(Normal(m1.unsqueeze(1), var1), 1), Independent(Normal(m2.unsqueeze(1), var2), 1)
    ratio = q.log_prob(x) - p.log_prob(x)
    return torch.mean(ratio, dim=1), torch.sqrt(torch.var(ratio, dim=1) / ratio.shape[1])


def weighted_by_q_again(x, m1, lv1, m2, lv2):
    s1, s2 = torch.exp(lv1 / 2).unsqueeze(1), torch.exp(lv2 / 2).unsqueeze(1)
    log_q = Normal(m1.unsqueeze(1), s1).log_prob(x)
    log_p = Normal(m2.unsqueeze(1), s2).log_prob(x)
    density = torch.prod(torch.exp(log_q), dim=2)
    terms = density * torch.sum(log_q - log_p, dim=2)
    return torch.sum(terms, dim=1) / x.shape[1], torch.sqrt(torch.var(terms, dim=1) / x.shape[1])


def root_forgotten(x, m1, lv1, m2, lv2):
    precision1, precision2 = torch.exp(-lv1)[:, None], torch.exp(-lv2)[:, None]
    squares = (x - m2[:, None]) ** 2 * precision2 - (x - m1[:, None]) ** 2 * precision1
    ratio = torch.sum(squares + (lv2 - lv1)[:, None], dim=2) / 2
    s = ratio.shape[1]
    mean = ratio.mean(dim=1, keepdim=True)
    return mean[:, 0], torch.sum((ratio - mean) ** 2, dim=1) / (s * (s - 1))


def reversed_with_undivided_error(x, m1, lv1, m2, lv2):
    means, spreads = [], []
    for z, a, s, b, t in zip(x, m1, torch.exp(lv1 / 2), m2, torch.exp(lv2 / 2), strict=True):
        ratio = Normal(b, t).log_prob(z).sum(1) - Normal(a, s).log_prob(z).sum(1)
        means.append(torch.mean(ratio))
        spreads.append(torch.sqrt(torch.var(ratio)))
    return torch.stack(means), torch.stack(spreads)


def variance_as_scale_with_undivided_error(x, m1, lv1, m2, lv2):
    def log_density(m, scale):
        u = (x - m[:, None]) / scale[:, None]
        return torch.sum(-u * u / 2 - torch.log(scale)[:, None], dim=2)

    ratio = log_density(m1, torch.exp(lv1)) - log_density(m2, torch.exp(lv2))
    return torch.mean(ratio, dim=1), torch.sqrt(torch.var(ratio, dim=1))


# ---- fit_forward ---------------------------------------------------------------------------------------------------------


def average_of_stds(w, m, s):
    return torch.einsum("ij,ij->i", w, m), torch.einsum("ij,ij->i", w, s)


def between_forgotten(w, m, s):
    centre = w[:, 0] * m[:, 0] + w[:, 1] * m[:, 1]
    variance = w[:, 0] * s[:, 0] ** 2 + w[:, 1] * s[:, 1] ** 2
    return centre, torch.sqrt(variance)


def heavier_component(w, m, s):
    first = w[:, 0] >= w[:, 1]
    return torch.where(first, m[:, 0], m[:, 1]), torch.where(first, s[:, 0], s[:, 1])


def variance_for_std(w, m, s):
    first_moment = torch.sum(w * m, dim=1)
    second_moment = torch.sum(w * (m * m + s * s), dim=1)
    return first_moment, second_moment - torch.square(first_moment)


def components_not_weighted(w, m, s):
    centre = (m[:, 0] + m[:, 1]) / 2
    within = (s[:, 0] ** 2 + s[:, 1] ** 2) / 2
    between = ((m[:, 0] - m[:, 1]) / 2) ** 2
    return centre, torch.sqrt(within + between)


def sum_of_random_variables(w, m, s):
    parts = w * s
    return torch.einsum("ij,ij->i", w, m), torch.hypot(parts[:, 0], parts[:, 1])


def stds_read_as_variances(w, m, s):
    mean = torch.sum(w * m, dim=1)
    second_moment = torch.sum(w * (s + m * m), dim=1)
    return mean, torch.sqrt(second_moment - mean * mean)


def average_variance_for_std(w, m, s):
    means, widths = [], []
    for (w1, w2), (m1, m2), (s1, s2) in zip(w.tolist(), m.tolist(), s.tolist(), strict=True):
        means.append(w1 * m1 + w2 * m2)
        widths.append(w1 * s1**2 + w2 * s2**2)
    return torch.tensor(means, dtype=m.dtype), torch.tensor(widths, dtype=m.dtype)


def plain_averages(w, m, s):
    return (m[:, 0] + m[:, 1]) / 2, (s[:, 0] + s[:, 1]) / 2


# ---- fit_reverse ---------------------------------------------------------------------------------------------------------


def log_mixture(x, w, m, s):
    parts = torch.stack([torch.log(w[k]) + Normal(m[k], s[k]).log_prob(x) for k in range(2)])
    return torch.logsumexp(parts, dim=0)


def objective(mean, log_std, w, m, s):
    eps = torch.linspace(-7, 7, 701, dtype=torch.float64)
    share = torch.softmax(-(eps**2) / 2, dim=0)
    log_p = log_mixture(mean + torch.exp(log_std) * eps, w, m, s)
    return -log_std - torch.dot(share, log_p)


def adam(mean, log_std, loss, steps=400, lr=0.05):
    unknowns = [nn.Parameter(mean.clone()), nn.Parameter(log_std.clone())]
    optimizer = torch.optim.Adam(unknowns, lr=lr)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * (1 - step / steps)
        optimizer.zero_grad()
        loss(*unknowns).backward()
        optimizer.step()
    return unknowns[0].item(), math.exp(unknowns[1].item())


def moment_matching(w, m, s):
    first = torch.dot(w, m)
    second = torch.dot(w, m**2 + s**2)
    return first, torch.sqrt(second - first**2)


def copies_the_heavier_component(w, m, s):
    k = 0 if w[0] >= w[1] else 1
    return m[k].item(), s[k].item()


def laplace_approximation(w, m, s):
    w, m, s = w.double(), m.double(), s.double()
    places = torch.arange(float(m.min()) - 1, float(m.max()) + 1, 5e-5, dtype=torch.float64)
    peak = places[torch.argmax(log_mixture(places, w, m, s))].requires_grad_()
    (first,) = torch.autograd.grad(log_mixture(peak, w, m, s), peak, create_graph=True)
    (second,) = torch.autograd.grad(first, peak)
    return peak.item(), torch.sqrt(-1 / second).item()


def stops_too_early(w, m, s):
    w, m, s = w.double(), m.double(), s.double()
    # half a step to the right: exactly in the middle the two modes may pull equally hard
    mean, std = (m[0] + m[1]) / 2 + 0.5, torch.ones((), dtype=torch.float64)
    for _ in range(10):
        mean, std = mean.detach().requires_grad_(), std.detach().requires_grad_()
        loss = objective(mean, torch.log(std), w, m, s)
        slope_mean, slope_std = torch.autograd.grad(loss, [mean, std])
        mean, std = mean - 0.01 * slope_mean, std - 0.01 * slope_std
    return mean.item(), std.item()


def descends_from_the_middle(w, m, s):
    w, m, s = w.double(), m.double(), s.double()
    middle = torch.dot(w, m)
    width = torch.sqrt(torch.dot(w, s**2 + m**2) - middle**2)
    return adam(middle, torch.log(width), lambda mean, log_std: objective(mean, log_std, w, m, s))


def log_weights_dropped(w, m, s):
    m, s = m.double(), s.double()
    same = torch.full_like(m, 0.5)
    k = int(torch.argmax(w))
    return adam(m[k], torch.log(s[k]), lambda mean, log_std: objective(mean, log_std, same, m, s))


def mean_of_the_logs(w, m, s):
    w, m, s = w.double(), m.double(), s.double()
    eps = torch.linspace(-7, 7, 701, dtype=torch.float64)
    share = torch.softmax(-(eps**2) / 2, dim=0)

    def loss(mean, log_std):
        x = mean + torch.exp(log_std) * eps
        log_p = w[0] * Normal(m[0], s[0]).log_prob(x) + w[1] * Normal(m[1], s[1]).log_prob(x)
        return -log_std - torch.dot(share, log_p)

    return adam(torch.dot(w, m), torch.log(torch.dot(w, s)), loss)
