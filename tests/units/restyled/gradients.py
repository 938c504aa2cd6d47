"""The unit's misconceptions as other people would have written them, one function each, under the misconception's own name.

Each starts from the belief and the story of its misconception and arrives at the same wrong answer by a way of its own: with
torch.distributions, autograd, matrix products, loops, plain Python.
"""

import math

import torch
import torch.nn.functional as F
from torch.distributions import Categorical, Gamma, Gumbel, Normal

# ---- discrete_gradient ---------------------------------------------------------------------------------------------------


def average_not_subtracted(scores, rewards):
    return torch.mul(rewards, F.softmax(scores, dim=1))


def diagonal_of_the_jacobian(scores, rewards):
    probs = Categorical(logits=scores).probs
    jacobian = torch.diag_embed(probs) * (1 - probs).unsqueeze(1)
    return (jacobian @ rewards.unsqueeze(-1)).squeeze(-1)


def unweighted_mean(scores, rewards):
    k = rewards.shape[1]
    centred = rewards - rewards.sum(dim=1, keepdim=True) / k
    return centred * torch.exp(F.log_softmax(scores, dim=1))


def advantage_without_probability(scores, rewards):
    rows = []
    for row, f in zip(scores, rewards, strict=True):
        rows.append(f - torch.dot(torch.softmax(row, dim=0), f))
    return torch.stack(rows)


def downhill(scores, rewards):
    leaf = scores.detach().clone().requires_grad_()
    with torch.enable_grad():
        loss = -(F.softmax(leaf, dim=1) * rewards).sum()
    loss.backward()
    return leaf.grad


def divided_by_outcomes(scores, rewards):
    leaf = scores.detach().clone().requires_grad_()
    with torch.enable_grad():
        objective = (F.softmax(leaf, dim=1) * rewards).mean(dim=1).sum()
    return torch.autograd.grad(objective, leaf)[0]


def softmax_overflows(scores, rewards):
    weights = torch.exp(scores)
    total = weights.sum(dim=1, keepdim=True)
    probs = weights / total
    expected = torch.einsum("ij,ij->i", probs, rewards)
    return probs * rewards - probs * expected[:, None]


# ---- reparameterise ------------------------------------------------------------------------------------------------------


def log_var_as_log_sigma(mean, spread, noise):
    std = torch.exp(spread)
    return torch.addcmul(mean, std, noise)


def exponential_forgotten(mean, spread, noise):
    shift = torch.mul(noise, spread)
    return torch.add(mean, shift)


def softplus_for_exp(mean, spread, noise):
    std = torch.logaddexp(spread, torch.zeros_like(spread))
    return mean + std * noise


def one_eps_for_all_dimensions(mean, spread, noise):
    std = torch.sqrt(torch.exp(spread))
    return torch.stack([mean[:, j] + std[:, j] * noise[:, 0] for j in range(mean.shape[1])], dim=1)


def one_eps_for_all_rows(mean, spread, noise):
    std = torch.exp(0.5 * spread)
    return torch.stack([m + s * noise[0] for m, s in zip(mean, std, strict=True)])


def detached_sigma(mean, spread, noise):
    with torch.no_grad():
        std = torch.exp(0.5 * spread)
    return torch.addcmul(mean, std, noise)


def sample_without_gradient(mean, spread, noise):
    sample = torch.addcmul(mean, torch.exp(0.5 * spread), noise)
    return sample.detach()


def draws_its_own_noise(mean, spread, noise):
    torch.manual_seed(0)
    mine = torch.randn_like(noise)
    return torch.addcmul(mean, torch.exp(0.5 * spread), mine)


def constant_added_to_sigma(mean, spread, noise):
    std = torch.exp(0.5 * spread)
    return mean + std * noise + 1e-3 * noise


def log_var_clamped(mean, spread, noise):
    limited = F.hardtanh(spread, -20.0, 20.0)
    return mean + torch.exp(0.5 * limited) * noise


def mean_scaled_too(mean, spread, noise):
    std = torch.exp(0.5 * spread)
    return std * mean + std * noise


# ---- pathwise_gradient ---------------------------------------------------------------------------------------------------


def horner(weights, x):
    """The polynomial, by Horner's scheme."""
    total = torch.zeros_like(x)
    for j in range(weights.shape[1] - 1, -1, -1):
        total = total * x + weights[:, j].unsqueeze(1)
    return total


def derivative(weights, x):
    """Its derivative, by autograd."""
    leaf = x.detach().clone().requires_grad_()
    with torch.enable_grad():
        total = horner(weights, leaf).sum()
    return torch.autograd.grad(total, leaf)[0]


def deviation(spread):
    return torch.sqrt(torch.exp(spread)).unsqueeze(1)


def value_for_slope(mean, spread, noise, weights):
    shift = deviation(spread) * noise
    f = horner(weights, mean.unsqueeze(1) + shift)
    return f, 0.5 * shift * f


def slope_along_log_sigma(mean, spread, noise, weights):
    m = mean.unsqueeze(1).repeat(1, noise.shape[1]).requires_grad_()
    log_std = (spread / 2).unsqueeze(1).repeat(1, noise.shape[1]).detach().requires_grad_()
    with torch.enable_grad():
        total = horner(weights, m + torch.exp(log_std) * noise).sum()
    return torch.autograd.grad(total, (m, log_std))


def slope_along_sigma(mean, spread, noise, weights):
    m = mean.unsqueeze(1).repeat(1, noise.shape[1]).requires_grad_()
    std = torch.exp(spread / 2).unsqueeze(1).repeat(1, noise.shape[1]).detach().requires_grad_()
    with torch.enable_grad():
        total = horner(weights, m + std * noise).sum()
    return torch.autograd.grad(total, (m, std))


def noise_missing_in_the_chain(mean, spread, noise, weights):
    std = deviation(spread)
    d = derivative(weights, mean.unsqueeze(1) + std * noise)
    return d, 0.5 * d * std


def slope_at_the_mean(mean, spread, noise, weights):
    d = derivative(weights, mean.unsqueeze(1))
    return d.repeat(1, noise.shape[1]), 0.5 * d * deviation(spread) * noise


def sigma_is_exp_log_var(mean, spread, noise, weights):
    m = mean.unsqueeze(1).repeat(1, noise.shape[1]).requires_grad_()
    log_std = spread.unsqueeze(1).repeat(1, noise.shape[1]).requires_grad_()
    with torch.enable_grad():
        total = horner(weights, m + torch.exp(log_std) * noise).sum()
    return torch.autograd.grad(total, (m, log_std))


def averaged_at_once(mean, spread, noise, weights):
    shift = deviation(spread) * noise
    d = derivative(weights, mean.unsqueeze(1) + shift)
    s = noise.shape[1]
    first, second = d.sum(1) / s, (d * shift).sum(1) / (2 * s)
    return torch.stack([first] * s, dim=1), torch.stack([second] * s, dim=1)


def divided_by_samples(mean, spread, noise, weights):
    m = mean.unsqueeze(1).repeat(1, noise.shape[1]).requires_grad_()
    lv = spread.unsqueeze(1).repeat(1, noise.shape[1]).requires_grad_()
    with torch.enable_grad():
        loss = horner(weights, m + torch.exp(lv / 2) * noise).mean(1).sum()
    return torch.autograd.grad(loss, (m, lv))


def factor_of_the_power_forgotten(mean, spread, noise, weights):
    shift = deviation(spread) * noise
    d = horner(weights[:, 1:], mean.unsqueeze(1) + shift)
    return d, 0.5 * shift * d


def highest_power_first(mean, spread, noise, weights):
    shift = deviation(spread) * noise
    x = (mean.unsqueeze(1) + shift).detach().requires_grad_()
    with torch.enable_grad():
        total = torch.zeros_like(x)
        for j in range(weights.shape[1]):
            total = total * x + weights[:, j].unsqueeze(1)
    d = torch.autograd.grad(total.sum(), x)[0]
    return d, 0.5 * shift * d


def score_for_path(mean, spread, noise, weights):
    m = mean.unsqueeze(1).repeat(1, noise.shape[1]).requires_grad_()
    lv = spread.unsqueeze(1).repeat(1, noise.shape[1]).requires_grad_()
    with torch.enable_grad():
        x = (m + torch.exp(lv / 2) * noise).detach()
        log_q = Normal(m, torch.exp(lv / 2)).log_prob(x)
    return torch.autograd.grad(log_q, (m, lv), grad_outputs=horner(weights, x))


def slope_at_the_noise(mean, spread, noise, weights):
    d = derivative(weights, noise)
    return d + 0 * mean.unsqueeze(1), 0.5 * d * deviation(spread) * noise


# ---- score_function_gradient ---------------------------------------------------------------------------------------------


def log_prob_slopes(x, mean, spread, factor):
    """factor·∇log q(x) for every sample, by autograd."""
    m = mean.unsqueeze(1).repeat(1, x.shape[1]).requires_grad_()
    lv = spread.unsqueeze(1).repeat(1, x.shape[1]).requires_grad_()
    with torch.enable_grad():
        log_q = Normal(m, torch.exp(lv / 2)).log_prob(x)
    return torch.autograd.grad(log_q, (m, lv), grad_outputs=factor)


def sample_not_held_fixed(x, f, mean, spread, constant):
    m = mean.unsqueeze(1).repeat(1, x.shape[1]).requires_grad_()
    lv = spread.unsqueeze(1).repeat(1, x.shape[1]).requires_grad_()
    noise = (x - m.detach()) / torch.exp(lv.detach() / 2)
    with torch.enable_grad():
        moving = m + torch.exp(lv / 2) * noise
        eps_again = (moving - m) / torch.exp(lv / 2)
        log_q = -0.5 * lv - 0.5 * eps_again.detach() ** 2 + 0 * m  # what is left of the slopes when they cancel exactly
    return torch.autograd.grad(log_q, (m, lv), grad_outputs=f - constant.unsqueeze(1))


def baseline_ignored(x, f, mean, spread, constant):
    assert constant.shape == mean.shape
    return log_prob_slopes(x, mean, spread, f)


def baseline_added(x, f, mean, spread, constant):
    return log_prob_slopes(x, mean, spread, f + constant.unsqueeze(1))


def baseline_subtracted_at_the_end(x, f, mean, spread, constant):
    first, second = log_prob_slopes(x, mean, spread, f)
    return first - constant.unsqueeze(1), second - constant.unsqueeze(1)


def score_of_log_sigma(x, f, mean, spread, constant):
    m = mean.unsqueeze(1).repeat(1, x.shape[1]).requires_grad_()
    log_std = (spread / 2).unsqueeze(1).repeat(1, x.shape[1]).detach().requires_grad_()
    with torch.enable_grad():
        log_q = Normal(m, torch.exp(log_std)).log_prob(x)
    return torch.autograd.grad(log_q, (m, log_std), grad_outputs=f - constant.unsqueeze(1))


def score_of_sigma(x, f, mean, spread, constant):
    m = mean.unsqueeze(1).repeat(1, x.shape[1]).requires_grad_()
    std = torch.exp(spread / 2).unsqueeze(1).repeat(1, x.shape[1]).detach().requires_grad_()
    with torch.enable_grad():
        log_q = Normal(m, std).log_prob(x)
    return torch.autograd.grad(log_q, (m, std), grad_outputs=f - constant.unsqueeze(1))


def normaliser_dropped(x, f, mean, spread, constant):
    m = mean.unsqueeze(1).repeat(1, x.shape[1]).requires_grad_()
    lv = spread.unsqueeze(1).repeat(1, x.shape[1]).requires_grad_()
    with torch.enable_grad():
        exponent = -0.5 * torch.square(x - m) * torch.exp(-lv)
    return torch.autograd.grad(exponent, (m, lv), grad_outputs=f - constant.unsqueeze(1))


def scores_with_log_sigma(x, f, mean, spread, constant):
    m = mean.unsqueeze(1).repeat(1, x.shape[1]).requires_grad_()
    log_std = spread.unsqueeze(1).repeat(1, x.shape[1]).requires_grad_()
    with torch.enable_grad():
        log_q = Normal(m, torch.exp(log_std)).log_prob(x)
    return torch.autograd.grad(log_q, (m, log_std), grad_outputs=f - constant.unsqueeze(1))


def divided_by_sigma_only(x, f, mean, spread, constant):
    advantage = f - constant.unsqueeze(1)
    noise = (x - mean.unsqueeze(1)) / torch.exp(0.5 * spread).unsqueeze(1)
    _, second = log_prob_slopes(x, mean, spread, advantage)
    return advantage * noise, second


def density_for_log_density(x, f, mean, spread, constant):
    m = mean.unsqueeze(1).repeat(1, x.shape[1]).requires_grad_()
    lv = spread.unsqueeze(1).repeat(1, x.shape[1]).requires_grad_()
    with torch.enable_grad():
        density = torch.exp(Normal(m, torch.exp(lv / 2)).log_prob(x))
    return torch.autograd.grad(density, (m, lv), grad_outputs=f - constant.unsqueeze(1))


def sign_of_a_loss(x, f, mean, spread, constant):
    m = mean.unsqueeze(1).repeat(1, x.shape[1]).requires_grad_()
    lv = spread.unsqueeze(1).repeat(1, x.shape[1]).requires_grad_()
    with torch.enable_grad():
        loss = -((f - constant.unsqueeze(1)) * Normal(m, torch.exp(lv / 2)).log_prob(x)).sum()
    return torch.autograd.grad(loss, (m, lv))


# ---- leave_one_out -------------------------------------------------------------------------------------------------------


def weighted(advantage, g):
    """Σᵢ advantageᵢ·gᵢ in every row."""
    return torch.einsum("ni,nid->nd", advantage, g)


def own_sample_in_the_baseline(f, g):
    off = f - torch.mean(f, dim=1).unsqueeze(1)
    return weighted(off, g) / f.shape[1]


def no_baseline(f, g):
    return weighted(f, g) / f.size(1)


def summed_over_samples(f, g):
    s = f.shape[1]
    off = f - torch.mean(f, dim=1, keepdim=True)
    return weighted(off, g) * s / (s - 1)


def others_divided_by_s(f, g):
    s = f.shape[1]
    total = torch.zeros_like(g[:, 0])
    for i in range(s):
        others = torch.cat([f[:, :i], f[:, i + 1 :]], dim=1).sum(1) / s
        total = total + (f[:, i] - others).unsqueeze(1) * g[:, i]
    return total / s


def corrected_twice(f, g):
    s = f.shape[1]
    total = torch.zeros_like(g[:, 0])
    for i in range(s):
        others = torch.cat([f[:, :i], f[:, i + 1 :]], dim=1).mean(1)
        total = total + (f[:, i] - others).unsqueeze(1) * g[:, i]
    return total / (s - 1)


def standardised(f, g):
    rows = []
    for row, score in zip(f, g, strict=True):
        advantage = (row - torch.mean(row)) / (torch.std(row) + 1e-8)
        rows.append(advantage @ score / len(row))
    return torch.stack(rows)


def others_added(f, g):
    s = f.shape[1]
    mask = (torch.ones(s, s) - torch.eye(s)).to(f) / (s - 1)
    return weighted(f + f @ mask, g) / s


def mean_over_rows(f, g):
    column = torch.mean(f, dim=0)
    return weighted(f - column, g) / f.shape[1]


def neighbour_as_baseline(f, g):
    before = torch.cat([f[:, -1:], f[:, :-1]], dim=1)
    return weighted(f - before, g) / f.shape[1]


def best_of_the_others(f, g):
    s = f.shape[1]
    total = torch.zeros_like(g[:, 0])
    for i in range(s):
        best = torch.cat([f[:, :i], f[:, i + 1 :]], dim=1).max(dim=1).values
        total = total + (f[:, i] - best).unsqueeze(1) * g[:, i]
    return total / s


# ---- gumbel_softmax ------------------------------------------------------------------------------------------------------


def gumbels(uniform):
    """Gumbel noise as torch.distributions has it."""
    zero = torch.zeros_like(uniform)
    return torch.as_tensor(Gumbel(zero, torch.ones_like(uniform), validate_args=False).icdf(uniform))


def exponential_noise(scores, uniform, heat):
    waiting = torch.log(1 / uniform)
    return F.softmax((scores + waiting) / heat.view(-1, 1), dim=1)


def gumbel_upside_down(scores, uniform, heat):
    return F.softmax((scores - gumbels(uniform)) / heat.view(-1, 1), dim=1)


def noise_not_divided(scores, uniform, heat):
    heights = scores / heat.view(-1, 1) + gumbels(uniform)
    return torch.exp(F.log_softmax(heights, dim=1))


def temperature_multiplied(scores, uniform, heat):
    heights = torch.einsum("ij,i->ij", scores + gumbels(uniform), heat)
    return F.softmax(heights, dim=1)


def hard_choice(scores, uniform, heat):
    heights = scores + gumbels(uniform) + 0 * heat.view(-1, 1)
    winner = torch.argmax(heights, dim=1, keepdim=True)
    return torch.zeros_like(scores).scatter(1, winner, 1.0)


def straight_through(scores, uniform, heat):
    soft = F.softmax((scores + gumbels(uniform)) / heat.view(-1, 1), dim=1)
    winner = torch.argmax(soft, dim=1, keepdim=True)
    hard = torch.zeros_like(soft).scatter(1, winner, 1.0)
    return soft + (hard - soft).detach()


def detached_sample(scores, uniform, heat):
    with torch.no_grad():
        return F.softmax((scores + gumbels(uniform)) / heat.view(-1, 1), dim=1)


def noise_left_out(scores, uniform, heat):
    assert uniform.shape == scores.shape
    return Categorical(logits=scores / heat.view(-1, 1)).probs


def noise_on_probabilities(scores, uniform, heat):
    probs = Categorical(logits=scores).probs
    return F.softmax((probs + gumbels(uniform)) / heat.view(-1, 1), dim=1)


def relaxed_softmax_overflows(scores, uniform, heat):
    heights = torch.exp((scores + gumbels(uniform)) / heat.view(-1, 1))
    return heights / torch.einsum("ij->i", heights).unsqueeze(1)


def uniform_noise(scores, uniform, heat):
    heights = torch.add(scores, uniform)
    return torch.exp(F.log_softmax(heights / heat.view(-1, 1), dim=1))


# ---- measure_valued_gradient -----------------------------------------------------------------------------------------------


def rayleigh(uniform):
    return torch.sqrt(2 * torch.log(1 / uniform))


def constant_missing(mean, spread, uniform, weights):
    shift = deviation(spread) * rayleigh(uniform)
    centre = mean.unsqueeze(1)
    return horner(weights, centre + shift) - horner(weights, centre - shift)


def sigma_missing_in_the_constant(mean, spread, uniform, weights):
    shift = deviation(spread) * rayleigh(uniform)
    sides = [horner(weights, mean.unsqueeze(1) + sign * shift) for sign in (-1, 1)]
    return torch.sub(sides[1], sides[0]) / (2 * math.pi) ** 0.5


def two_forgotten_in_w(mean, spread, uniform, weights):
    std = deviation(spread)
    shift = std * torch.sqrt(torch.log(1 / uniform))
    sides = [horner(weights, mean.unsqueeze(1) + sign * shift) for sign in (-1, 1)]
    return torch.sub(sides[1], sides[0]) / (std * (2 * math.pi) ** 0.5)


def sides_added(mean, spread, uniform, weights):
    std = deviation(spread)
    total = sum(horner(weights, mean.unsqueeze(1) + sign * std * rayleigh(uniform)) for sign in (-1, 1))
    return total / (std * (2 * math.pi) ** 0.5)


def right_side_alone(mean, spread, uniform, weights):
    std = deviation(spread)
    gain = horner(weights, mean.unsqueeze(1) + std * rayleigh(uniform)) - horner(weights, mean.unsqueeze(1))
    return gain / (std * (2 * math.pi) ** 0.5)


# ---- score_function_identity ---------------------------------------------------------------------------------------------


def gradient_past_the_average():
    return """
        grad(E(q(z), f(z)))
        = E(q(z), grad(f(z)))                                 # linearity
        = sum(z, q(z)*grad(f(z)))                             # expectation
        = sum(z, f(z)*grad(q(z)))                             # derivative of a product
        = E(q(z), f(z)*grad(log(q(z))))                       # expectation
    """


def factor_q_forgotten():
    return """
        grad(E(q(z), f(z)))
        = grad(sum(z, f(z)*q(z)))                             # definition of the average
        = sum(z, grad(f(z)*q(z)))                             # derivative of a sum
        = sum(z, grad(q(z))*f(z))                             # leibniz
        = sum(z, grad(log(q(z)))*f(z))                        # log derivative trick
        = E(q(z), grad(log(q(z)))*f(z))                       # definition of the average
    """


def sum_called_an_average():
    return """
        grad(E(q(z), f(z)))
        = grad(sum(z, f(z)*q(z)))                             # definition of the average
        = sum(z, grad(f(z)*q(z)))                             # derivative of a sum
        = sum(z, grad(q(z))*f(z))                             # derivative of a product
        = E(q(z), grad(q(z))*f(z))                            # definition of the average
        = E(q(z), grad(log(q(z)))*f(z))                       # log derivative
    """


def score_at_once():
    return """
        grad(E(q(z), f(z)))
        = E(q(z), grad(log(q(z)))*f(z))                       # log derivative trick
    """


def score_with_a_minus():
    return """
        grad(E(q(z), f(z)))
        = grad(sum(z, f(z)*q(z)))                             # definition of the average
        = sum(z, grad(f(z)*q(z)))                             # derivative of a sum
        = sum(z, grad(q(z))*f(z))                             # leibniz
        = sum(z, -q(z)*grad(log(q(z)))*f(z))                  # derivative of a logarithm
        = E(q(z), -grad(log(q(z)))*f(z))                      # expectation
    """


# ---- baseline_is_free ----------------------------------------------------------------------------------------------------


def baseline_dropped():
    return """
        E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))
        = E(q(z | x), f(z)*grad(log(q(z | x))) - f(x)*grad(log(q(z | x))))                            # arithmetic
        = -f(x)*E(q(z | x), grad(log(q(z | x)))) + E(q(z | x), f(z)*grad(log(q(z | x))))              # linearity
        = E(q(z | x), grad(log(q(z | x)))*f(z))                                                       # derivative of a sum
    """


def score_taken_for_zero():
    return """
        E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))
        = E(q(z | x), f(z)*grad(log(q(z | x))) - f(x)*grad(log(q(z | x))))                            # arithmetic
        = -f(x)*grad(log(q(z | x))) + E(q(z | x), f(z)*grad(log(q(z | x))))                           # normalisation
        = E(q(z | x), f(z)*grad(log(q(z | x))))                                                       # derivative of a sum
    """


def score_without_its_weight():
    return """
        E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - E(q(z | x), f(x)*grad(log(q(z | x))))               # linearity
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - sum(z, f(x)*grad(log(q(z | x))))                    # expectation
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)*grad(sum(z, q(z | x)))                         # derivative of a sum
        = E(q(z | x), f(z)*grad(log(q(z | x))))                                                       # normalisation
    """


def baseline_without_the_score():
    return """
        E(q(z | x), (f(z) - f(x))*grad(log(q(z | x))))
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - E(q(z | x), f(x))                                   # linearity
        = E(q(z | x), f(z)*grad(log(q(z | x)))) - f(x)                                                # normalisation
        = E(q(z | x), f(z)*grad(log(q(z | x))))                                                       # arithmetic
    """


# ---- find_the_flaw -------------------------------------------------------------------------------------------------------


def blames_the_sum():
    return 3, "= sum(z, grad(log(p(x, z)/q(z | x)))*q(z | x))  # linearity of the derivative"


def counts_from_zero():
    return 3, "= sum(z, q(z | x)*grad(log(p(x, z)/q(z | x))) + grad(q(z | x))*log(p(x, z)/q(z | x)))  # leibniz"


def product_of_the_derivatives():
    return 4, "= sum(z, grad(log(p(x, z)/q(z | x)))*grad(q(z | x)))  # leibniz rule"


def terms_subtracted():
    return 4, "= sum(z, grad(q(z | x))*log(p(x, z)/q(z | x)) - grad(log(p(x, z)/q(z | x)))*q(z | x))  # leibniz"


# ---- implicit_reparameterisation -----------------------------------------------------------------------------------------


def gamma_below(x, shape):
    """F of Gamma(shape, 1), by its power series."""
    power = shape.unsqueeze(-1) + torch.arange(160, dtype=torch.float64)
    return (power * x.unsqueeze(-1).log() - x.unsqueeze(-1) - torch.lgamma(power + 1)).exp().sum(-1)


def slope_of(function, shape):
    """By autograd along the shape."""
    leaf = shape.double().detach().clone().requires_grad_()
    with torch.enable_grad():
        total = function(leaf).sum()
    return torch.autograd.grad(total, leaf)[0]


def sign_of_the_distribution_function(x, shape):
    wide = x.double()
    density = Gamma(shape.double(), torch.ones_like(wide)).log_prob(wide).exp()
    return (slope_of(lambda a: gamma_below(wide, a), shape) / density).to(x.dtype)


def density_forgotten(x, shape):
    wide = x.double()
    return slope_of(lambda a: 1 - gamma_below(wide, a), shape).to(x.dtype)


def density_differentiated(x, shape):
    wide = x.double()
    return slope_of(lambda a: -Gamma(a, torch.ones_like(wide)).log_prob(wide), shape).to(x.dtype)


def shape_for_scale(x, shape):
    scale = shape.detach().clone().requires_grad_()
    with torch.enable_grad():
        moved = scale * (x / shape).detach()
    return torch.autograd.grad(moved.sum(), scale)[0]


def divided_by_the_distribution_function(x, shape):
    wide = x.double()
    return slope_of(lambda a: -gamma_below(wide, a).log(), shape).to(x.dtype)
