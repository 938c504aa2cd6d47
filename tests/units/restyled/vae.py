"""The unit's misconceptions as other people would have written them, one function each, under the misconception's own name.

Each starts from the belief and the story of its misconception and arrives at the same wrong answer by a way of its own: loops,
torch.distributions, einsum, covariance matrices, sums instead of means and the other way round.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

# ---- reparameterise --------------------------------------------------------------------------------------------------------


def deviation(spread):
    return torch.sqrt(torch.exp(spread))


def variance_for_deviation(centre, spread, noise):
    return torch.addcmul(centre, torch.exp(spread), noise)


def output_read_as_variance(centre, spread, noise):
    sigma = torch.pow(torch.abs(spread), 0.5)
    return centre + torch.mul(noise, sigma)


def one_eps_for_all_dimensions(centre, spread, noise):
    shared = torch.stack([noise[:, 0]] * noise.shape[1], dim=1)
    return torch.addcmul(centre, deviation(spread), shared)


def one_eps_for_all_rows(centre, spread, noise):
    rows = [centre[i] + deviation(spread)[i] * noise[0] for i in range(centre.shape[0])]
    return torch.stack(rows)


def sigma_detached(centre, spread, noise):
    with torch.no_grad():
        sigma = deviation(spread)
    return torch.addcmul(centre, sigma, noise)


def made_without_a_path(centre, spread, noise):
    return torch.addcmul(centre.detach(), deviation(spread.detach()), noise.detach())


def uniform_noise_of_its_own(centre, spread, noise):
    source = torch.Generator()
    source.manual_seed(7)
    mine = torch.empty_like(noise).uniform_(generator=source)
    return torch.addcmul(centre, deviation(spread), mine)


def log_var_clamped_in_the_code(centre, spread, noise):
    bounded = torch.minimum(torch.maximum(spread, torch.full_like(spread, -10)), torch.full_like(spread, 10))
    return torch.addcmul(centre, deviation(bounded), noise)


# ---- gaussian_kl_to_standard -----------------------------------------------------------------------------------------------


def price(centre, spread):
    """KL in every latent, from the general formula of torch."""
    zero = torch.zeros_like(centre)
    q = torch.distributions.Normal(centre, torch.exp(spread / 2))
    return torch.distributions.kl_divergence(q, torch.distributions.Normal(zero, torch.ones_like(zero)))


def averaged_over_latents(centre, spread):
    return torch.mean(price(centre, spread), dim=1)


def log_var_read_as_log_sigma(centre, spread):
    return torch.sum(price(centre, spread + spread), dim=1)


def half_on_the_first_term(centre, spread):
    return torch.sum(2 * price(centre, spread) - centre * centre / 2, dim=1)


def minus_one_dropped(centre, spread):
    return torch.sum(price(centre, spread), dim=1) + centre.shape[1] / 2


def sign_of_the_paper(centre, spread):
    return -torch.sum(price(centre, spread), dim=1)


def prior_first(centre, spread):
    q = torch.distributions.Normal(centre, torch.exp(spread / 2))
    p = torch.distributions.Normal(torch.zeros_like(centre), torch.ones_like(centre))
    return torch.distributions.kl_divergence(p, q).sum(1)


def log_var_clamped_in_the_cost(centre, spread):
    return torch.sum(price(centre, torch.clip(spread, -10, 10)), dim=1)


def batch_averaged(centre, spread):
    total = torch.sum(price(centre, spread)) / centre.shape[0]
    return torch.ones_like(centre[:, 0]) * total


# ---- bernoulli_log_likelihood ----------------------------------------------------------------------------------------------


def explained_pixels(scores, image):
    """log p of every pixel."""
    return image * scores - torch.logaddexp(scores, torch.zeros_like(scores))


def averaged_over_pixels(scores, image):
    return torch.sum(explained_pixels(scores, image), dim=1) / scores.shape[1]


def cross_entropy_itself(scores, image):
    return -torch.sum(explained_pixels(scores, image), dim=1)


def only_pixels_that_are_on(scores, image):
    return torch.where(image > 0, explained_pixels(scores, image), torch.zeros_like(scores)).sum(1)


def epsilon_in_the_logarithm(scores, image):
    on = 1 / (1 + torch.exp(-scores.double()))
    chosen = torch.where(image > 0.5, on, 1 - on)
    return torch.log(chosen + 1e-20).sum(1).to(scores.dtype)


def loss_on_probabilities(scores, image):
    on = torch.sigmoid(scores.double())
    logs = torch.where(image > 0.5, torch.log(on), torch.log1p(-on))
    return torch.clamp(logs, min=-100).sum(1).to(scores.dtype)


def exponential_overflows(scores, image):
    normaliser = torch.log1p(torch.exp(scores.double()))
    return torch.sum(torch.mul(image, scores), dim=1) - torch.sum(normaliser, dim=1).to(scores.dtype)


def squared_error(scores, image):
    off = image - 1 / (1 + torch.exp(-scores))
    return -torch.einsum("ij,ij->i", off, off)


def on_and_off_exchanged(scores, image):
    return torch.sum(explained_pixels(scores, 1 - image), dim=1)


def averaged_over_images(scores, image):
    every = torch.sum(explained_pixels(scores, image), dim=1)
    return torch.full_like(every, 1.0) * torch.mean(every)


# ---- elbo ------------------------------------------------------------------------------------------------------------------


def pieces(enc, dec, loglik, images, noise):
    """(what is explained, the price of every latent)."""
    centre, spread = enc(images)
    return loglik(dec(centre + deviation(spread) * noise), images), price(centre, spread)


def kl_added(enc, dec, loglik, images, noise):
    fit, cost = pieces(enc, dec, loglik, images, noise)
    return torch.add(fit, torch.sum(cost, dim=1))


def kl_averaged_over_latents(enc, dec, loglik, images, noise):
    fit, cost = pieces(enc, dec, loglik, images, noise)
    return fit - torch.mean(cost, dim=1)


def kl_averaged_over_the_batch(enc, dec, loglik, images, noise):
    fit, cost = pieces(enc, dec, loglik, images, noise)
    return fit - torch.sum(cost) / len(images)


def likelihood_averaged_over_pixels(enc, dec, loglik, images, noise):
    fit, cost = pieces(enc, dec, loglik, images, noise)
    return torch.div(fit, images.shape[1]) - torch.sum(cost, dim=1)


def mean_decoded(enc, dec, loglik, images, noise):
    centre, spread = enc(images)
    return loglik(dec(centre), images) - torch.sum(price(centre, spread), dim=1) + 0 * noise.sum(1)


def code_with_the_variance(enc, dec, loglik, images, noise):
    centre, spread = enc(images)
    code = torch.addcmul(centre, torch.exp(spread), noise)
    return loglik(dec(code), images) - torch.sum(price(centre, spread), dim=1)


def second_output_is_log_sigma(enc, dec, loglik, images, noise):
    centre, spread = enc(images)
    q = torch.distributions.Normal(centre, torch.exp(spread))
    p = torch.distributions.Normal(torch.zeros_like(centre), torch.ones_like(centre))
    cost = torch.distributions.kl_divergence(q, p)
    return loglik(dec(q.mean + q.stddev * noise), images) - cost.sum(1)


def one_noise_for_all_latents(enc, dec, loglik, images, noise):
    fit, cost = pieces(enc, dec, loglik, images, noise[:, 0].unsqueeze(1).expand_as(noise))
    return fit - torch.sum(cost, dim=1)


def one_noise_for_all_images(enc, dec, loglik, images, noise):
    fit, cost = pieces(enc, dec, loglik, images, torch.stack([noise[0]] * len(images)))
    return fit - torch.sum(cost, dim=1)


def deviation_detached(enc, dec, loglik, images, noise):
    centre, spread = enc(images)
    with torch.no_grad():
        sigma = deviation(spread)
    return loglik(dec(torch.addcmul(centre, sigma, noise)), images) - torch.sum(price(centre, spread), dim=1)


def code_without_a_path(enc, dec, loglik, images, noise):
    centre, spread = enc(images)
    code = (centre + deviation(spread) * noise).detach()
    return loglik(dec(code), images) - torch.sum(price(centre, spread), dim=1)


def uniform_noise(enc, dec, loglik, images, noise):
    source = torch.Generator()
    source.manual_seed(7)
    fit, cost = pieces(enc, dec, loglik, images, torch.empty_like(noise).uniform_(generator=source))
    return fit - torch.sum(cost, dim=1)


def kl_from_the_draw(enc, dec, loglik, images, noise):
    centre, spread = enc(images)
    code = centre + deviation(spread) * noise
    ratio = 0.5 * (code * code - noise * noise - spread)
    return loglik(dec(code), images) - torch.sum(ratio, dim=1)


def half_of_the_kl(enc, dec, loglik, images, noise):
    fit, cost = pieces(enc, dec, loglik, images, noise)
    return fit - torch.sum(cost, dim=1) / 2


def one_bound_for_the_batch(enc, dec, loglik, images, noise):
    fit, cost = pieces(enc, dec, loglik, images, noise)
    together = (torch.sum(fit) - torch.sum(cost)) / len(images)
    return torch.stack([together for _ in images])


def log_var_clamped(enc, dec, loglik, images, noise):
    centre, spread = enc(images)
    bounded = torch.clip(spread, min=-10.0, max=10.0)
    code = torch.addcmul(centre, deviation(bounded), noise)
    return loglik(dec(code), images) - torch.sum(price(centre, bounded), dim=1)


# ---- train_step ------------------------------------------------------------------------------------------------------------


def bounds(enc, dec, images, noise):
    fit, cost = pieces(enc, dec, lambda scores, x: explained_pixels(scores, x).sum(1), images, noise)
    return fit - torch.sum(cost, dim=1)


def descend(opt, objective):
    """Clear, differentiate, step."""
    opt.zero_grad(set_to_none=True)
    objective.backward()
    opt.step()


def gradients_add_up(enc, dec, opt, images, noise):
    objective = torch.neg(torch.mean(bounds(enc, dec, images, noise)))
    objective.backward()
    opt.step()
    return float(objective)


def summed_over_the_batch(enc, dec, opt, images, noise):
    objective = torch.sum(-bounds(enc, dec, images, noise))
    descend(opt, objective)
    return objective.item()


def default_reduction(enc, dec, opt, images, noise):
    centre, spread = enc(images)
    pixels = explained_pixels(dec(centre + deviation(spread) * noise), images)
    objective = price(centre, spread).sum(1).mean() - torch.mean(pixels)
    descend(opt, objective)
    return objective.item()


def downhill_on_the_bound(enc, dec, opt, images, noise):
    objective = torch.sum(bounds(enc, dec, images, noise)) / len(images)
    descend(opt, objective)
    return objective.item()


def bound_returned(enc, dec, opt, images, noise):
    objective = -torch.mean(bounds(enc, dec, images, noise))
    descend(opt, objective)
    return -objective.item()


def loss_after_the_step(enc, dec, opt, images, noise):
    descend(opt, -torch.mean(bounds(enc, dec, images, noise)))
    with torch.no_grad():
        after = bounds(enc, dec, images, noise)
    return -after.mean().item()


def cleared_too_soon(enc, dec, opt, images, noise):
    objective = -torch.mean(bounds(enc, dec, images, noise))
    objective.backward()
    for network in (enc, dec):
        network.zero_grad()
    opt.step()
    return objective.item()


def only_the_decoder_learns(enc, dec, opt, images, noise):
    centre, spread = (part.detach() for part in enc(images))
    fit = explained_pixels(dec(centre + deviation(spread) * noise), images).sum(1)
    objective = torch.mean(price(centre, spread).sum(1) - fit)
    descend(opt, objective)
    return objective.item()


def step_by_hand(enc, dec, opt, images, noise):
    weights = [*enc.parameters(), *dec.parameters()]
    objective = -torch.mean(bounds(enc, dec, images, noise))
    slopes = torch.autograd.grad(objective, weights)
    rate = opt.param_groups[0]["lr"]
    for weight, slope in zip(weights, slopes, strict=True):
        weight.data.add_(slope, alpha=-rate)
    return objective.item()


def trained_on_the_mean(enc, dec, opt, images, noise):
    objective = -torch.mean(bounds(enc, dec, images, torch.zeros_like(noise)))
    descend(opt, objective)
    return objective.item()


# ---- importance_log_likelihood ---------------------------------------------------------------------------------------------


def logs(enc, dec, loglik, images, noise):
    """[draws, images]: log p(x|z), log p(z), log q(z|x)."""
    centre, spread = enc(images)
    fits, priors, proposals = [], [], []
    for draw in range(noise.shape[1]):
        code = centre + deviation(spread) * noise[:, draw]
        fits.append(loglik(dec(code), images))
        priors.append(-0.5 * (code * code + math.log(2 * math.pi)).sum(1))
        proposals.append(-0.5 * (noise[:, draw] ** 2 + spread + math.log(2 * math.pi)).sum(1))
    return torch.stack(fits), torch.stack(priors), torch.stack(proposals)


def mean_in_logs(values):
    return torch.logsumexp(values, dim=0) - math.log(len(values))


def number_of_draws_forgotten(enc, dec, loglik, images, noise):
    fit, prior, proposal = logs(enc, dec, loglik, images, noise)
    return torch.logsumexp(fit + prior - proposal, dim=0)


def mean_of_the_logarithms(enc, dec, loglik, images, noise):
    fit, prior, proposal = logs(enc, dec, loglik, images, noise)
    return torch.mean(fit + prior - proposal, dim=0)


def logarithm_of_nothing(enc, dec, loglik, images, noise):
    fit, prior, proposal = logs(enc, dec, loglik, images, noise)
    weights = torch.exp(fit + prior - proposal)
    return torch.log(torch.sum(weights, dim=0) / len(weights))


def prior_dropped(enc, dec, loglik, images, noise):
    fit, _, proposal = logs(enc, dec, loglik, images, noise)
    return mean_in_logs(fit - proposal)


def proposal_not_divided_out(enc, dec, loglik, images, noise):
    fit, prior, _ = logs(enc, dec, loglik, images, noise)
    return mean_in_logs(fit + prior)


def as_if_drawn_from_the_prior(enc, dec, loglik, images, noise):
    return mean_in_logs(logs(enc, dec, loglik, images, noise)[0])


def closed_form_in_each_weight(enc, dec, loglik, images, noise):
    fit, _, _ = logs(enc, dec, loglik, images, noise)
    return mean_in_logs(fit - torch.sum(price(*enc(images)), dim=1))


def best_draw(enc, dec, loglik, images, noise):
    fit, prior, proposal = logs(enc, dec, loglik, images, noise)
    return torch.max(fit + prior - proposal, dim=0).values


def mean_over_images_too(enc, dec, loglik, images, noise):
    fit, prior, proposal = logs(enc, dec, loglik, images, noise)
    together = mean_in_logs((fit + prior - proposal).flatten())
    return torch.stack([together] * len(images))


def negative_log_likelihood(enc, dec, loglik, images, noise):
    fit, prior, proposal = logs(enc, dec, loglik, images, noise)
    return -mean_in_logs(fit + prior - proposal)


# ---- trained_vae -----------------------------------------------------------------------------------------------------------


class _Perceptron(nn.Module):
    """The notebook's networks, written as formulas."""

    def __init__(self, saved, part, heads):
        super().__init__()
        first = "body.0" if part == "encoder" else "0"
        self.first = [nn.Parameter(saved[f"{part}.{first}.{kind}"].float()) for kind in ("weight", "bias")]
        self.heads = [
            [nn.Parameter(saved[f"{part}.{head}.{kind}"].float()) for kind in ("weight", "bias")] for head in heads
        ]

    def forward(self, rows):
        hidden = torch.tanh(nn.functional.linear(rows, *self.first))
        return [nn.functional.linear(hidden, *head) for head in self.heads]


class _Encoder(nn.Module):
    def __init__(self, saved):
        super().__init__()
        self.net = _Perceptron(saved, "encoder", ("mu", "log_var"))

    def forward(self, x):
        mu, log_var = self.net(x)
        return mu, log_var


class _Decoder(nn.Module):
    def __init__(self, saved):
        super().__init__()
        self.net = _Perceptron(saved, "decoder", ("2",))

    def forward(self, z):
        return self.net(z)[0]


def weights_never_loaded(saved):
    fresh = {name: 0.05 * torch.randn(value.shape) for name, value in saved.items()}
    return _Encoder(fresh), _Decoder(fresh)


def probabilities_for_logits(saved):
    class Probabilities(_Decoder):
        def forward(self, z):
            return 1 / (1 + torch.exp(-super().forward(z)))

    return _Encoder(saved), Probabilities(saved)


def deviation_for_log_variance(saved):
    class Deviation(_Encoder):
        def forward(self, x):
            mu, log_var = super().forward(x)
            return mu, torch.sqrt(log_var.exp())

    return Deviation(saved), _Decoder(saved)


def standardised_within_the_batch(saved):
    class Standardised(_Decoder):
        def forward(self, z):
            return super().forward(nn.functional.layer_norm(z.T, z.T.shape[1:]).T)

    return _Encoder(saved), Standardised(saved)


def noise_on_the_logits(saved):
    class Noisy(_Decoder):
        def forward(self, z):
            logits = super().forward(z)
            return torch.normal(logits, torch.full_like(logits, 0.2))

    return _Encoder(saved), Noisy(saved)


# ---- sample --------------------------------------------------------------------------------------------------------------


def chances(net, codes):
    return 1 / (1 + torch.exp(-net(codes)))


def drawn_with(noise, p):
    return torch.where(noise < p, 1.0, 0.0).to(noise.dtype)


def logits_for_means(net, codes, noise):
    p = net(codes)
    return p, drawn_with(noise, p)


def thresholded_at_one_half(net, codes, noise):
    scores = net(codes)
    return torch.sigmoid(scores), torch.where(scores > 0, torch.ones_like(noise), torch.zeros_like(noise))


def comparison_upside_down(net, codes, noise):
    p = chances(net, codes)
    return p, 1 - drawn_with(noise, p) - (noise == p).to(noise.dtype)


def one_number_for_all_pixels(net, codes, noise):
    p = chances(net, codes)
    first = noise[:, 0].reshape(-1, 1).expand_as(p)
    return p, drawn_with(first, p)


def softmax_over_pixels(net, codes, noise):
    logits = net(codes)
    p = torch.exp(logits - torch.logsumexp(logits, dim=1, keepdim=True))
    return p, drawn_with(noise, p)


def means_for_images(net, codes, noise):
    assert noise.shape[0] == codes.shape[0]
    return chances(net, codes), chances(net, codes)


def exponentials_overflow(net, codes, noise):
    e = torch.exp(net(codes))
    p = e / (e + 1)
    return p, drawn_with(noise, p)


# ---- interpolate ---------------------------------------------------------------------------------------------------------


def ends(net, x, y):
    return net(x)[0], net(y)[0]


def unit_vector(v):
    return v / torch.sqrt(torch.sum(v * v, dim=1, keepdim=True))


def spherical(p, q, t):
    """Directions at t between two batches of codes, by acos where the angle is large enough."""
    p, q = unit_vector(p), unit_vector(q)
    chord = torch.sqrt(torch.sum((p - q) ** 2, dim=1, keepdim=True))
    theta = 2 * torch.asin(torch.clamp(chord / 2, max=1.0))
    s = torch.sin(theta)
    first = torch.where(s < 1e-12, 1 - t + 0 * s, torch.sin((1 - t) * theta) / s)
    last = torch.where(s < 1e-12, t + 0 * s, torch.sin(t * theta) / s)
    return first, last, p, q


def size_at(p, q, t):
    return (1 - t) * torch.linalg.norm(p, dim=1, keepdim=True) + t * torch.linalg.norm(q, dim=1, keepdim=True)


def places(count):
    return [i / (count - 1) for i in range(count)]


def straight_line(enc, dec, x, y, count):
    p, q = ends(enc, x, y)
    return torch.stack([torch.sigmoid(dec((1 - t) * p + t * q)) for t in places(count)], dim=1)


def weights_on_unequal_lengths(enc, dec, x, y, count):
    p, q = ends(enc, x, y)
    frames = []
    for t in places(count):
        first, last, _, _ = spherical(p, q, t)
        frames.append(torch.sigmoid(dec(first * p + last * q)))
    return torch.stack(frames, dim=1)


def as_long_as_the_prior_expects(enc, dec, x, y, count):
    p, q = ends(enc, x, y)
    frames = []
    for t in places(count):
        first, last, u, v = spherical(p, q, t)
        frames.append(torch.sigmoid(dec(p.shape[1] ** 0.5 * (first * u + last * v))))
    return torch.stack(frames, dim=1)


def blends_pixels(enc, dec, x, y, count):
    one, other = (torch.sigmoid(dec(code)) for code in ends(enc, x, y))
    return torch.stack([one + t * (other - one) for t in places(count)], dim=1)


def stops_before_the_end(enc, dec, x, y, count):
    p, q = ends(enc, x, y)
    frames = []
    for i in range(count):
        t = i / count
        first, last, u, v = spherical(p, q, t)
        frames.append(torch.sigmoid(dec(size_at(p, q, t) * (first * u + last * v))))
    return torch.stack(frames, dim=1)


def nothing_over_nothing(enc, dec, x, y, count):
    p, q = ends(enc, x, y)
    u, v = unit_vector(p), unit_vector(q)
    theta = 2 * torch.asin(torch.linalg.norm(u - v, dim=1, keepdim=True) / 2)
    frames = []
    for t in places(count):
        way = torch.sin((1 - t) * theta) * u + torch.sin(t * theta) * v
        frames.append(torch.sigmoid(dec(size_at(p, q, t) * (way / torch.sin(theta)))))
    return torch.stack(frames, dim=1)


def logits_along_the_way(enc, dec, x, y, count):
    p, q = ends(enc, x, y)
    frames = []
    for t in places(count):
        first, last, u, v = spherical(p, q, t)
        frames.append(dec(size_at(p, q, t) * (first * u + last * v)))
    return torch.stack(frames, dim=1)


# ---- active_units --------------------------------------------------------------------------------------------------------


def spread(values, dim=0):
    centred = values - torch.mean(values, dim=dim, keepdim=True)
    return torch.sum(centred**2, dim=dim) / (values.shape[dim] - 1)


def deviation_for_variance(codes, level):
    return torch.gt(torch.sqrt(spread(codes)), level)


def mean_square(codes, level):
    return torch.gt(torch.sum(codes**2, dim=0) / len(codes), level)


def variance_over_units(codes, level):
    return torch.gt(spread(codes, dim=1), level)


def one_variance_for_all(codes, level):
    active = spread(codes.reshape(-1)) > level
    return torch.stack([active] * codes.shape[1])


def range_for_variance(codes, level):
    return torch.max(codes, dim=0).values > torch.min(codes, dim=0).values + level


def numbers_for_truths(codes, level):
    return torch.where(spread(codes) > level, 1, 0)


def marks_what_is_inactive(codes, level):
    return torch.logical_not(spread(codes) > level)


def at_or_above(codes, level):
    return torch.logical_not(spread(codes) < level)


# ---- warm_up -------------------------------------------------------------------------------------------------------------


def share(now, total):
    return now / total if now < total else 1.0


def beta_in_what_is_reported(rec, cost, now, total):
    weight = share(now, total)
    return rec - weight * cost, rec - weight * cost


def beta_on_what_is_explained(rec, cost, now, total):
    return share(now, total) * rec - cost, -(cost - rec)


def beta_on_both(rec, cost, now, total):
    weight = share(now, total)
    return weight * rec - weight * cost, rec - cost


def beta_without_end(rec, cost, now, total):
    return rec - cost * now / total, rec - cost


def whole_steps_only(rec, cost, now, total):
    weight = 1.0 if now >= total else 0.0
    return rec - weight * cost, rec - cost


def cools_down(rec, cost, now, total):
    return rec - (1 - share(now, total)) * cost, rec - cost


def a_step_ahead(rec, cost, now, total):
    return rec - share(now + 1, total) * cost, rec - cost


def loss_for_objective(rec, cost, now, total):
    return -(rec - share(now, total) * cost), rec - cost


def kl_detached(rec, cost, now, total):
    constant = cost.detach()
    return rec + cost - cost - share(now, total) * constant, rec - cost


# ---- gaussian_decoder ----------------------------------------------------------------------------------------------------


def mse(prediction, target):
    return torch.sum((prediction - target) ** 2) / target.numel()


def floored(value, least):
    return torch.where(value < least, least, value)


def density(prediction, target, var):
    sigma = torch.sqrt(var)
    return torch.sum(-(((target - prediction) / sigma) ** 2) / 2 - torch.log(sigma * math.sqrt(2 * math.pi)), dim=1)


def squared_error_alone(prediction, target, least):
    return floored(mse(prediction, target), least), -torch.sum((prediction - target) ** 2, dim=1) / 2


def two_pi_dropped(prediction, target, least):
    var = floored(mse(prediction, target), least)
    return var, density(prediction, target, var) + target.shape[1] * math.log(2 * math.pi) / 2


def normaliser_once_a_row(prediction, target, least):
    var = floored(mse(prediction, target), least)
    distance = torch.sum((prediction - target) ** 2, dim=1)
    return var, -distance / (2 * var) - torch.log(2 * math.pi * var) / 2


def averaged_over_dimensions(prediction, target, least):
    var = floored(mse(prediction, target), least)
    return var, density(prediction, target, var).div(target.shape[1])


def summed_over_dimensions(prediction, target, least):
    var = floored(mse(prediction, target) * target.shape[1], least)
    return var, density(prediction, target, var)


def root_for_variance(prediction, target, least):
    sigma = torch.sqrt(floored(mse(prediction, target), least))
    return sigma, density(prediction, target, sigma)


def added_for_safety(prediction, target, least):
    var = least + mse(prediction, target)
    return var, density(prediction, target, var)


def no_lower_limit(prediction, target, least):
    assert least > 0
    var = mse(prediction, target)
    logs = -torch.sum((target - prediction) ** 2, dim=1) / (2 * var)
    return var, logs - target.shape[1] * torch.log(2 * math.pi * var) / 2


def a_variance_for_every_row(prediction, target, least):
    own = torch.clamp(torch.mean((prediction - target) ** 2, dim=1), min=least)
    return floored(mse(prediction, target), least), density(prediction, target, own[:, None])


def squares_detached(prediction, target, least):
    error = (prediction - target).detach()
    var = floored(torch.mean(error * error), least)
    logs = -torch.sum(error * error, dim=1) / (2 * var) - target.shape[1] * torch.log(2 * math.pi * var) / 2
    return var, logs + torch.sum(prediction - prediction, dim=1)


# ---- mean_only_encoder ---------------------------------------------------------------------------------------------------


def pixel_term(net, code, image):
    return -F.binary_cross_entropy_with_logits(net(code), image, reduction="none").sum(dim=1)


def divergence(centre, s):
    k = centre.shape[1]
    return (torch.sum(centre**2, dim=1) + k * s**2 - k) / 2 - k * torch.log(s)


def only_the_squared_mean(enc, dec, image, noise, s):
    centre = enc(image)
    return pixel_term(dec, centre + noise * s, image) - 0.5 * torch.sum(centre**2, dim=1)


def decodes_the_mean(enc, dec, image, noise, s):
    centre = enc(image)
    assert centre.shape == noise.shape
    return pixel_term(dec, centre, image) - divergence(centre, s)


def deviation_read_as_variance(enc, dec, image, noise, s):
    centre = enc(image)
    k = centre.shape[1]
    cost = (torch.sum(centre**2, dim=1) + k * s - k - k * torch.log(s)) / 2
    return pixel_term(dec, centre + noise * torch.sqrt(s), image) - cost


def width_counted_once(enc, dec, image, noise, s):
    centre = enc(image)
    cost = (torch.sum(centre**2, dim=1) + s**2 - 1) / 2 - torch.log(s)
    return pixel_term(dec, centre + noise * s, image) - cost


def half_of_the_logarithm(enc, dec, image, noise, s):
    centre = enc(image)
    cost = divergence(centre, s) + centre.shape[1] * torch.log(s) / 2
    return pixel_term(dec, centre + noise * s, image) - cost


def mean_over_pixels(enc, dec, image, noise, s):
    centre = enc(image)
    losses = F.binary_cross_entropy_with_logits(dec(centre + noise * s), image, reduction="none")
    return -torch.mean(losses, dim=1) - divergence(centre, s)


def penalty_added(enc, dec, image, noise, s):
    centre = enc(image)
    return divergence(centre, s) + pixel_term(dec, centre + noise * s, image)


def squared_mean_without_its_half(enc, dec, image, noise, s):
    centre = enc(image)
    k = centre.shape[1]
    cost = torch.sum(centre**2, dim=1) + k * (s**2 - 1) / 2 - k * torch.log(s)
    return pixel_term(dec, centre + noise * s, image) - cost


def the_same_noise_for_all_rows(enc, dec, image, noise, s):
    centre = enc(image)
    first = noise[0].expand_as(centre)
    return pixel_term(dec, centre + first * s, image) - divergence(centre, s)


def probabilities_clamped(enc, dec, image, noise, s):
    centre = enc(image)
    p = torch.sigmoid(dec(centre + s * noise))
    p = torch.clamp(p, min=1e-7, max=1 - 1e-7)
    losses = torch.where(image > 0, -torch.log(p), -torch.log(1 - p))
    return -torch.sum(losses, dim=1) - divergence(centre, s)


def draw_detached(enc, dec, image, noise, s):
    centre = enc(image)
    code = centre.detach() + s * noise
    return pixel_term(dec, code, image) - divergence(centre, s)


# ---- decoder_alone -------------------------------------------------------------------------------------------------------


def with_ones(codes):
    return torch.cat([torch.ones(len(codes), 1, dtype=codes.dtype), codes], dim=1)


def least_squares(codes, data):
    solution = torch.linalg.lstsq(with_ones(codes), data).solution
    return solution[1:], solution[0]


def squares(codes, data, slope, offset):
    return torch.sum((codes @ slope + offset - data) ** 2)


def no_offset(codes, data):
    slope = torch.linalg.solve(codes.T @ codes, codes.T @ data)
    error = codes @ slope - data
    return slope.T, torch.zeros(data.shape[1], dtype=data.dtype), torch.mean(error**2)


def offset_is_the_mean(codes, data):
    slope, _ = least_squares(codes, data)
    offset = torch.mean(data, dim=0)
    return slope.T, offset, squares(codes, data, slope, offset) / data.numel()


def degrees_of_freedom(codes, data):
    slope, offset = least_squares(codes, data)
    left = len(codes) - codes.shape[1] - 1
    return slope.T, offset, squares(codes, data, slope, offset) / left / data.shape[1]


def variance_of_a_row(codes, data):
    slope, offset = least_squares(codes, data)
    return slope.T, offset, squares(codes, data, slope, offset) / len(data)


def deviation_of_the_residuals(codes, data):
    slope, offset = least_squares(codes, data)
    return slope.T, offset, torch.sqrt(squares(codes, data, slope, offset) / data.numel())


def covariance_without_division(codes, data):
    m = len(codes)
    slope = codes.T @ data / m - torch.outer(torch.mean(codes, dim=0), torch.mean(data, dim=0))
    offset = torch.mean(data - codes @ slope, dim=0)
    return slope.T, offset, squares(codes, data, slope, offset) / data.numel()


def regression_turned_round(codes, data):
    z, x = codes - torch.mean(codes, dim=0), data - torch.mean(data, dim=0)
    back = torch.linalg.lstsq(x, z, driver="gelsd").solution
    slope = torch.linalg.pinv(back)
    offset = torch.mean(data - codes @ slope, dim=0)
    return slope.T, offset, squares(codes, data, slope, offset) / data.numel()


def shrunk(codes, data):
    z = codes - torch.mean(codes, dim=0)
    slope = torch.linalg.inv(z.T @ z + torch.eye(z.shape[1], dtype=z.dtype)) @ (z.T @ data)
    offset = torch.mean(data - codes @ slope, dim=0)
    return slope.T, offset, squares(codes, data, slope, offset) / data.numel()


def reshaped_for_transposed(codes, data):
    slope, offset = least_squares(codes, data)
    mixed = slope.flatten().view(data.shape[1], codes.shape[1])
    return mixed, offset, squares(codes, data, slope, offset) / data.numel()
