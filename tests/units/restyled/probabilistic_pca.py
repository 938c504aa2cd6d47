"""Every misconception of the unit on probabilistic PCA once more, as another person would write it: einsum and loops for matrix
products, distributions for formulas, precisions for M, singular values for eigenvalues, other names."""

import math

import sympy
import torch
from torch.distributions import Independent, Normal

# ---- marginal ------------------------------------------------------------------------------------------------------------


def noise_forgotten(A, c, v):
    return c.clone(), torch.einsum("ik,jk->ij", A, A)


def std_on_the_diagonal(A, c, v):
    sigma = torch.sqrt(v)
    return c.clone(), torch.mm(A, A.T) + torch.diag(torch.ones_like(c) * sigma)


def variance_squared(A, c, v):
    cov = torch.mm(A, A.T)
    return c.clone(), cov + torch.diag_embed((v * v).expand(c.shape[0]))


def noise_in_every_entry(A, c, v):
    total = torch.stack([torch.outer(column, column) for column in A.T]).sum(0)
    return c.clone(), total + torch.ones_like(total) * v


def dimensions_independent(A, c, v):
    variances = torch.einsum("ik,ik->i", A, A) + v
    return c.clone(), torch.diag_embed(variances)


def mean_of_zero(A, c, v):
    cov = torch.einsum("ik,jk->ij", A, A) + torch.diag_embed(v.expand(c.shape[0]))
    return c - c, cov


# ---- exam_marginal -------------------------------------------------------------------------------------------------------


def exam_without_noise():
    answer = "A"
    return answer


def exam_inner_for_outer():
    answer = "B"
    return answer


def exam_std_for_variance():
    answer = "D"
    return answer


# ---- posterior -----------------------------------------------------------------------------------------------------------


def precision(A, v):
    return torch.diag_embed(torch.ones(A.shape[1], dtype=A.dtype)) + torch.mm(A.T, A) / v


def mean_as_projection(data, A, c, v):
    u, s, vt = torch.linalg.svd(A, full_matrices=False)
    keep = s > 1e-12 * s.max()
    reciprocal = torch.where(keep, 1 / torch.where(keep, s, 1), 0)
    coordinates = torch.einsum("nd,dk,k,kj->nj", data - c, u, reciprocal, vt)
    return coordinates, torch.linalg.inv(precision(A, v))


def covariance_without_sigma2(data, A, c, v):
    cov = torch.linalg.inv(precision(A, v))
    return torch.mm(torch.mm(data - c, A) / v, cov), cov / v


def offset_not_subtracted(data, A, c, v):
    cov = torch.linalg.inv(precision(A, v))
    return torch.stack([cov @ (A.T @ row) / v for row in data]), cov


def identity_for_sigma2(data, A, c, v):
    inverse = torch.linalg.inv(precision(A, torch.ones_like(v)))
    return torch.stack([inverse @ (A.T @ (row - c)) for row in data]), inverse * v


def sigma2_squared_again(data, A, c, v):
    cov = torch.linalg.inv(precision(A, v * v))
    return torch.einsum("nd,dk,kj->nj", (data - c) / (v * v), A, cov), cov


def divided_by_sigma2_again(data, A, c, v):
    cov = torch.linalg.inv(precision(A, v))
    return torch.einsum("nd,dk,kj->nj", (data - c) / (v * v), A, cov), cov


# ---- marginal_from_the_joint ---------------------------------------------------------------------------------------------


def derived_without_noise():
    return """
        p(x)
        = integral(z, p(z, x))                                                       # sum rule
        = integral(z, N(z, 0, 1)*N(x, b + w*z, sigma2))                              # the model
        = integral(z, N(z, (w*x - w*b)/(w*w), sigma2/(w*w + sigma2))*N(x, b, w*w))   # Gaussian algebra
        = N(x, b, w*w)                                                               # normalisation
    """


def derived_with_w_for_its_square():
    lines = [
        "p(x)",
        "= integral(z, p(x, z))  # marginal",
        "= integral(z, N(x, w*z + b, sigma2)*N(z, 0, 1))  # model",
        "= N(x, b, sigma2 + w)*integral(z, N(z, w*(x - b)/(sigma2 + w), sigma2/(sigma2 + w)))  # completing the square",
        "= N(x, b, sigma2 + w)  # normalisation",
    ]
    return "\n".join(lines)


def derived_without_the_offset():
    return """
        p(x)
        = integral(z, p(x, z))                                                                 # marginal
        = integral(z, p(z)*p(x | z))                                                           # Bayes
        = integral(z, N(z, 0, 1)*N(x, b + w*z, sigma2))                                        # the model
        = N(x, 0, sigma2 + w*w)*integral(z, N(z, w*x/(sigma2 + w*w), sigma2/(sigma2 + w*w)))   # completing the square
        = N(x, 0, sigma2 + w*w)                                                                # normalisation
    """


def derived_with_z_outside():
    return """
        p(x)
        = integral(z, p(x, z))                            # marginal
        = integral(z, N(z, 0, 1)*N(x, b + w*z, sigma2))   # the model
        = integral(z, N(z, 0, 1))*N(x, b + w*z, sigma2)   # linearity
        = N(x, b + w*z, sigma2)                           # normalisation
    """


def derived_with_a_factor_swallowed():
    return """
        p(x)
        = integral(z, p(x, z))                                                                         # marginal
        = integral(z, N(z, 0, 1)*N(x, b + w*z, sigma2))                                                # the model
        = integral(z, N(x, b, w*w + sigma2)*N(z, (w*x - w*b)/(w*w + sigma2), sigma2/(w*w + sigma2)))   # product of normals
        = N(x, b, w*w + sigma2)*integral(z, N(z, (w*x - w*b)/(w*w + sigma2), sigma2/(w*w + sigma2)))   # linearity
        = 1                                                                                            # normalisation
    """


def derived_without_the_prior():
    return """
        p(x)
        = integral(z, p(x | z))                # product rule
        = integral(z, N(x, b + z*w, sigma2))   # the model
        = 1                                    # normalisation
    """


# ---- log_marginal --------------------------------------------------------------------------------------------------------


def small(A, v):
    return torch.mm(A.T, A) + torch.diag_embed(v.expand(A.shape[1]))


def distances(data, A, c, v):
    """(x − b)ᵀC⁻¹(x − b), by the inversion lemma."""
    off = data - c
    inside = torch.mm(off, A)
    return (torch.sum(off * off, dim=1) - torch.sum(torch.linalg.solve(small(A, v), inside.T).T * inside, dim=1)) / v


def log_determinant(A, v):
    return torch.logdet(small(A, v)) + (A.shape[0] - A.shape[1]) * torch.log(v)


def mean_over_dimensions(data, A, c, v):
    d = A.shape[0]
    return -(math.log(2 * math.pi) + (log_determinant(A, v) + distances(data, A, c, v)) / d) / 2


def constant_dropped(data, A, c, v):
    return -(log_determinant(A, v) + distances(data, A, c, v)) / 2


def determinant_of_inner(data, A, c, v):
    constant = A.shape[0] * math.log(2 * math.pi)
    return -(constant + torch.logdet(small(A, v)) + distances(data, A, c, v)) / 2


def likelihood_of_the_best_z(data, A, c, v):
    cov = torch.linalg.inv(precision(A, v))
    code = torch.mm(torch.mm(data - c, A) / v, cov)
    residual = data - c - torch.mm(code, A.T)
    return -(torch.sum(residual * residual, dim=1) / v + A.shape[0] * torch.log(2 * math.pi * v)) / 2


def diagonal_covariance(data, A, c, v):
    variances = torch.einsum("ik,ik->i", A, A) + v
    squares = torch.sum((data - c) ** 2 / variances, dim=1)
    return -(squares + torch.sum(torch.log(2 * math.pi * variances))) / 2


def columns_taken_as_orthogonal(data, A, c, v):
    off = data - c
    squares = torch.sum(off * off, dim=1)
    logs = (A.shape[0] - A.shape[1]) * torch.log(v) + A.shape[0] * math.log(2 * math.pi)
    for column in A.T:
        length = torch.dot(column, column) + v
        squares = squares - torch.mv(off, column) ** 2 / length
        logs = logs + torch.log(length)
    return -(squares / v + logs) / 2


def sigma2_converted_to_a_float(data, A, c, v):
    noise = torch.tensor(v.item(), dtype=A.dtype)
    d = A.shape[0]
    return -(d * math.log(2 * math.pi) + log_determinant(A, noise) + distances(data, A, c, noise)) / 2


# ---- log_marginal_monte_carlo --------------------------------------------------------------------------------------------


def conditional(data, latents, A, c, variance):
    """log N(x; Wz + b, variance) with a row for each x and a column for each draw."""
    table = []
    for code in latents:
        off = data - c - torch.mv(A, code)
        table.append(-torch.sum(off * off / variance + torch.log(2 * math.pi * variance), dim=1) / 2)
    return torch.stack(table, dim=1)


def mean_of_the_logs(data, latents, A, c, v):
    return torch.sum(conditional(data, latents, A, c, v), dim=1) / latents.shape[0]


def not_divided_by_s(data, latents, A, c, v):
    return torch.logsumexp(conditional(data, latents, A, c, v), dim=1)


def densities_averaged(data, latents, A, c, v):
    densities = torch.exp(conditional(data, latents, A, c, v))
    return torch.log(torch.sum(densities, dim=1) / latents.shape[0])


def dimensions_averaged(data, latents, A, c, v):
    table = conditional(data, latents, A, c, v) / A.shape[0]
    return torch.logsumexp(table, dim=1) - math.log(latents.shape[0])


def variance_as_scale(data, latents, A, c, v):
    table = conditional(data, latents, A, c, v * v)
    return torch.logsumexp(table, dim=1) - math.log(latents.shape[0])


def weighted_by_the_prior_again(data, latents, A, c, v):
    prior = Independent(Normal(torch.zeros_like(latents), torch.ones_like(latents)), 1).log_prob(latents)
    table = conditional(data, latents, A, c, v) + prior
    return torch.logsumexp(table, dim=1) - math.log(latents.shape[0])


# ---- maximum_likelihood --------------------------------------------------------------------------------------------------


def principal(data, divisor):
    """The mean, the variances along the principal directions, the largest first, and these directions as columns."""
    centre = torch.mean(data, dim=0)
    _, s, vt = torch.linalg.svd(data - centre, full_matrices=True)
    variances = torch.zeros(data.shape[1], dtype=data.dtype)
    variances[: s.shape[0]] = s * s / divisor
    return centre, variances, vt.T


def divided_by_n_minus_one(data, k):
    centre, variances, axes = principal(data, data.shape[0] - 1)
    noise = torch.mean(variances[k:])
    return axes[:, :k] @ torch.diag(torch.sqrt(variances[:k] - noise)), centre, noise


def lost_variance_added(data, k):
    centre, variances, axes = principal(data, data.shape[0])
    noise = torch.sum(variances[k:])
    lengths = torch.sqrt(torch.relu(variances[:k] - noise))
    return axes[:, :k] @ torch.diag(lengths), centre, noise


def smallest_eigenvalue(data, k):
    centre, variances, axes = principal(data, data.shape[0])
    noise = variances[-1]
    return axes[:, :k] @ torch.diag(torch.sqrt(variances[:k] - noise)), centre, noise


def lost_variance_over_all(data, k):
    centre, variances, axes = principal(data, data.shape[0])
    noise = torch.sum(variances[k:]) / variances.shape[0]
    return axes[:, :k] @ torch.diag(torch.sqrt(variances[:k] - noise)), centre, noise


def noise_counted_twice(data, k):
    centre, variances, axes = principal(data, data.shape[0])
    return axes[:, :k] @ torch.diag(torch.sqrt(variances[:k])), centre, torch.mean(variances[k:])


def smallest_kept(data, k):
    centre, variances, axes = principal(data, data.shape[0])
    last = data.shape[1] - k
    noise = torch.mean(variances[:last])
    return axes[:, last:] @ torch.diag(torch.sqrt(torch.abs(noise - variances[last:]))), centre, noise


def root_forgotten(data, k):
    centre, variances, axes = principal(data, data.shape[0])
    noise = torch.mean(variances[k:])
    return axes[:, :k] @ torch.diag(variances[:k] - noise), centre, noise


def mean_square_less_squared_mean(data, k):
    n = data.shape[0]
    centre = torch.sum(data, dim=0) / n
    second = torch.einsum("ni,nj->ij", data, data) / n
    variances, axes = torch.linalg.eigh(second - centre[:, None] * centre[None, :])
    lost = data.shape[1] - k
    noise = torch.sum(variances[:lost]) / lost
    return axes[:, lost:] @ torch.diag(torch.sqrt(torch.relu(variances[lost:] - noise))), centre, noise


# ---- em_step -------------------------------------------------------------------------------------------------------------


def beliefs(data, A, c, v):
    """What the old model says about every z: the means, and the covariance."""
    cov = torch.linalg.inv(precision(A, v))
    return torch.einsum("nd,dk,kj->nj", (data - c) / v, A, cov), cov


def moments(data, codes, cov, c):
    """Σ y E[z]ᵀ and Σ E[zzᵀ]."""
    off = data - c
    return torch.einsum("nd,nk->dk", off, codes), torch.einsum("ni,nj->ij", codes, codes) + data.shape[0] * cov


def residual(data, codes, cov, c, A):
    """E‖y − Wz‖², summed over rows and dimensions."""
    outer, second = moments(data, codes, cov, c)
    off = data - c
    return torch.sum(off * off) - 2 * torch.sum(A * outer) + torch.sum(torch.mm(A, second) * A)


def means_for_moments(data, A, c, v):
    codes, _ = beliefs(data, A, c, v)
    off = data - c
    u, s, vt = torch.linalg.svd(codes, full_matrices=False)
    keep = s > 1e-5 * s.max()
    reciprocal = torch.where(keep, 1 / torch.where(keep, s, 1), 0)
    new = torch.einsum("nd,nk,k,kj->dj", off, u, reciprocal, vt)
    left = off - torch.mm(codes, new.T)
    return new, torch.sum(left * left) / left.numel()


def covariance_once(data, A, c, v):
    codes, cov = beliefs(data, A, c, v)
    outer, second = moments(data, codes, cov / data.shape[0], c)
    new = torch.mm(outer, torch.linalg.inv(second))
    off = data - c
    return new, (torch.sum(off * off) - torch.sum(new * outer)) / data.numel()


def sigma2_with_the_old_w(data, A, c, v):
    codes, cov = beliefs(data, A, c, v)
    outer, second = moments(data, codes, cov, c)
    return torch.mm(outer, torch.linalg.inv(second)), residual(data, codes, cov, c, A) / data.numel()


def residuals_of_the_means(data, A, c, v):
    codes, cov = beliefs(data, A, c, v)
    outer, second = moments(data, codes, cov, c)
    new = torch.mm(outer, torch.linalg.inv(second))
    return new, residual(data, codes, torch.zeros_like(cov), c, new) / data.numel()


def sigma2_summed_over_dimensions(data, A, c, v):
    codes, cov = beliefs(data, A, c, v)
    outer, second = moments(data, codes, cov, c)
    new = torch.mm(outer, torch.linalg.inv(second))
    return new, residual(data, codes, cov, c, new) / data.shape[0]


def offset_left_in_the_data(data, A, c, v):
    codes, cov = beliefs(data, A, c, v)
    outer, second = moments(data, codes, cov, torch.zeros_like(c))
    new = torch.mm(outer, torch.linalg.inv(second))
    return new, residual(data, codes, cov, torch.zeros_like(c), new) / data.numel()


def mean_of_the_data_for_b(data, A, c, v):
    centre = torch.sum(data, dim=0) / data.shape[0]
    codes, cov = beliefs(data, A, centre, v)
    outer, second = moments(data, codes, cov, centre)
    new = torch.mm(outer, torch.linalg.inv(second))
    return new, residual(data, codes, cov, centre, new) / data.numel()


# ---- marginal_symbolic ---------------------------------------------------------------------------------------------------

u, v, c, d, s2 = sympy.symbols("w1 w2 b1 b2 sigma2")


def letters_without_noise():
    A = sympy.Matrix([u, v])
    return c, (A * A.T)[0, 0], (A * A.T)[1, 0]


def letters_with_the_std():
    C = sympy.Matrix([u, v]) * sympy.Matrix([[u, v]]) + s2 ** sympy.Rational(1, 2) * sympy.eye(2)
    return c, C[0, 0], C[0, 1]


def letters_with_one_noise_for_both():
    C = sympy.Matrix([u, v]) * sympy.Matrix([[u, v]]) + s2 * sympy.ones(2, 2)
    return c, C[0, 0], C[0, 1]


def letters_without_covariance():
    C = sympy.diag(u * u + s2, v * v + s2)
    return c, C[0, 0], C[0, 1]


def letters_not_squared():
    return c, s2 + u, v * u


def letters_with_the_second_moment():
    return c, (u + c) ** 2 - 2 * u * c + s2, v * u


# ---- best_offset_and_noise -----------------------------------------------------------------------------------------------


def data_without_spread():
    return """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                                    # model
        =  E(q(x), -log(2*pi*v)/2 - x**2/(2*v) + b*x/v - b**2/(2*v))   # normal density
        =  -log(2*pi*v)/2 - m**2/(2*v) + b*m/v - b**2/(2*v)            # moments
        <= -log(2*pi*v)/2                                              # squares
    """


def best_with_an_equals_sign():
    return """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                       # model
        =  E(q(x), -log(2*pi*v)/2 - (x - b)**2/(2*v))     # normal density
        =  -log(2*pi*v)/2 - s2/(2*v) - (m - b)**2/(2*v)   # moments
        =  -log(2*pi*v)/2 - s2/(2*v)                      # arithmetic
        <= -log(2*pi*v)/2 - (1 + log(s2/v))/2             # tangent
    """


def squares_make_it_larger():
    return """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                     # model
        =  E(q(x), -log(2*pi*v)/2 - (x - b)**2/(2*v))   # normal density
        =  -log(2*pi*v)/2 - E(q(x), (x - b)**2)/(2*v)   # linearity
        =  -log(2*pi*v)/2 - (s2 + (m - b)**2)/(2*v)     # moments
        >= -log(2*pi*v)/2 - s2/(2*v)                    # squares
        >= -log(2*pi*v)/2 - (1 + log(s2/v))/2           # tangent
    """


def tangent_upside_down():
    return """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                     # model
        =  E(q(x), -log(2*pi*v)/2 - (x - b)**2/(2*v))   # normal density
        =  -log(2*pi*v)/2 - (s2 + (m - b)**2)/(2*v)     # moments
        <= -log(2*pi*v)/2 - s2/(2*v)                    # squares
        <= -log(2*pi*v)/2 - (1 + log(v) - log(s2))/2    # tangent
        =  -(1 + 2*log(v) + log(2*pi) - log(s2))/2      # arithmetic
    """


def half_on_the_square_alone():
    return """
        E(q(x), log(p(x)))
        =  E(q(x), log(N(x, b, v)))                                  # model
        =  E(q(x), -log(2*pi*v) - x**2/(2*v) + b*x/v - b**2/(2*v))   # normal density
        =  -log(2*pi*v) - (s2 + (m - b)**2)/(2*v)                    # moments
    """


def best_at_once():
    lines = ["E(q(x), log(p(x)))", "<= -log(2*pi*s2)/2 - 1/2  # a square is never negative"]
    return "\n".join(lines)


# ---- sample --------------------------------------------------------------------------------------------------------------


def noise_times_the_variance(first, second, A, c, v):
    return torch.einsum("nk,dk->nd", first, A) + c + second * v


def noise_left_out(first, second, A, c, v):
    return torch.stack([torch.mv(A, code) + c for code in first])


def one_noise_for_all_dimensions(first, second, A, c, v):
    shared = second[:, 0].unsqueeze(1).expand_as(second)
    return torch.einsum("nk,dk->nd", first, A) + c + shared * torch.sqrt(v)


# ---- missing_values ------------------------------------------------------------------------------------------------------


def mean_imputation(row, mask, A, c, v):
    filled, spread = c.clone(), torch.einsum("ik,ik->i", A, A) + v
    for i in range(len(c)):
        if mask[i]:
            filled[i], spread[i] = row[i], 0
    return filled, spread


def decoded(row, mask, A, c, cov, code, v):
    filled, spread = row.clone(), torch.zeros_like(row)
    for i in range(len(c)):
        if not mask[i]:
            filled[i] = c[i] + torch.dot(A[i], code)
            spread[i] = torch.dot(A[i], cov @ A[i]) + v
    return filled, spread


def noise_of_the_missing_forgotten(row, mask, A, c, v):
    seen = [i for i in range(len(c)) if mask[i]]
    cov = torch.linalg.inv(precision(A[seen], v))
    code = cov @ (A[seen].T @ (row[seen] - c[seen])) / v
    return decoded(row, mask, A, c, cov, code, torch.zeros_like(v))


def missing_taken_as_seen(row, mask, A, c, v):
    cov = torch.linalg.inv(precision(A, v))
    code = cov @ (A.T @ (row - c)) / v
    return decoded(row, mask, A, c, cov, code, v)


def filled_with_the_mean_first(row, mask, A, c, v):
    cov = torch.linalg.inv(precision(A, v))
    complete = torch.where(mask.bool(), row - c, torch.zeros_like(c))
    code = cov @ (A.T @ complete) / v
    return decoded(row, mask, A, c, cov, code, v)
