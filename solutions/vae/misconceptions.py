"""What learners believe about variational autoencoders, and right answers written in other ways."""

import math

import torch
from torch import nn
from torch.distributions import Bernoulli, Independent, MultivariateNormal, Normal, kl_divergence
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits, logsigmoid, softplus

from autograder.misconceptions import equivalent, misconception, variation

# ---- reparameterise: right -------------------------------------------------------------------------------------------------


@variation("reparameterise", "a loop over rows and latents")
def loop_of_codes(mu, log_var, eps):
    rows = []
    for m, lv, e in zip(mu, log_var, eps, strict=True):
        rows.append(torch.stack([m[i] + torch.exp(0.5 * lv[i]) * e[i] for i in range(len(m))]))
    return torch.stack(rows)


@variation("reparameterise", "the root of the variance, in one multiply-add")
def root_of_the_variance(mu, log_var, eps):
    return torch.addcmul(mu, log_var.exp().sqrt(), eps)


# ---- reparameterise: wrong -------------------------------------------------------------------------------------------------

ALL_OF_REPARAMETERISE = ("standardises_to_eps", "a_path_to_both_parameters")


@misconception(
    "reparameterise",
    belief="the noise is multiplied by the variance",
    story="The noise was multiplied by σ², not by σ. A standard normal number times σ has the variance σ².",
    caught_by=ALL_OF_REPARAMETERISE,
)
def variance_for_deviation(mu, log_var, eps):
    return mu + log_var.exp() * eps


@misconception(
    "reparameterise",
    belief="the encoder's second output is σ²",
    story="The root of log σ² was taken for σ, and is no number where log σ² is negative. The output is a logarithm: exp first.",
    caught_by=ALL_OF_REPARAMETERISE,
    may_break=("each_entry_has_its_own_noise",),
)
def output_read_as_variance(mu, log_var, eps):
    return mu + log_var.abs().sqrt() * eps


@misconception(
    "reparameterise",
    belief="one random number moves the whole code",
    story="Every latent of a row got the same noise. Each dimension alone looks right, and together they lie on one line.",
    caught_by=("standardises_to_eps", "a_path_to_both_parameters", "each_entry_has_its_own_noise"),
)
def one_eps_for_all_dimensions(mu, log_var, eps):
    return mu + (log_var / 2).exp() * eps[:, :1]


@misconception(
    "reparameterise",
    belief="one draw serves the whole batch",
    story="All rows got the noise of the first one. Their errors then no longer average out over the batch.",
    caught_by=("standardises_to_eps", "a_path_to_both_parameters", "each_entry_has_its_own_noise"),
)
def one_eps_for_all_rows(mu, log_var, eps):
    return mu + (log_var / 2).exp() * eps[:1]


@misconception(
    "reparameterise",
    belief="σ is a number, and needs no gradient",
    story="The values are right, and σ was detached: the encoder never learns how sure to be. Both parameters need the path.",
    caught_by=("a_path_to_both_parameters",),
)
def sigma_detached(mu, log_var, eps):
    return mu + (log_var / 2).exp().detach() * eps


@misconception(
    "reparameterise",
    belief="drawing needs no gradient",
    story="The code was made without a gradient, as .sample() does it. No slope reaches the encoder through z then.",
    caught_by=("a_path_to_both_parameters",),
)
def made_without_a_path(mu, log_var, eps):
    with torch.no_grad():
        return mu + (log_var / 2).exp() * eps


@misconception(
    "reparameterise",
    belief="any noise will do, and the function may draw it",
    story="It drew uniform noise of its own. The noise is an argument, and it is normal: else z is not a draw from q.",
    caught_by=("standardises_to_eps", "a_path_to_both_parameters", "each_entry_has_its_own_noise"),
)
def uniform_noise_of_its_own(mu, log_var, eps):
    return mu + (log_var / 2).exp() * torch.rand(eps.shape, generator=torch.Generator().manual_seed(7), dtype=eps.dtype)


@misconception(
    "reparameterise",
    belief="log-variances must be kept in bounds",
    story="log σ² was clamped to ±10. Beyond that the slope is zero: an encoder that got there by mistake never comes back.",
    caught_by=ALL_OF_REPARAMETERISE,
)
def log_var_clamped_in_the_code(mu, log_var, eps):
    return mu + (log_var.clamp(-10, 10) / 2).exp() * eps


# ---- gaussian_kl_to_standard: right ----------------------------------------------------------------------------------------


@variation("gaussian_kl_to_standard", "a loop over rows and latents, one nat after another")
def loop_of_costs(mu, log_var):
    rows = []
    for m, lv in zip(mu, log_var, strict=True):
        total = torch.zeros((), dtype=mu.dtype)
        for i in range(len(m)):
            total = total + (m[i] ** 2 + torch.exp(lv[i]) - 1 - lv[i]) / 2
        rows.append(total)
    return torch.stack(rows)


@variation("gaussian_kl_to_standard", "torch.distributions, with the whole vector as one event")
def from_distributions(mu, log_var):
    q = Independent(Normal(mu, (log_var / 2).exp()), 1)
    p = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    return kl_divergence(q, p)


# ---- gaussian_kl_to_standard: wrong ----------------------------------------------------------------------------------------

KL_VALUES = ("agrees_with_torch", "right_far_out_with_its_slopes")


@misconception(
    "gaussian_kl_to_standard",
    belief="a loss is a mean over dimensions",
    story="The latents were averaged. KL is a sum: k latents that each cost one nat cost k nats.",
    caught_by=(*KL_VALUES, "each_latent_adds_its_own"),
)
def averaged_over_latents(mu, log_var):
    return (mu**2 + log_var.exp() - 1 - log_var).mean(-1) / 2


@misconception(
    "gaussian_kl_to_standard",
    belief="log_var is log σ",
    story="It was squared once more: exp(2 log σ²) is σ⁴. The encoder's output is the logarithm of the variance.",
    caught_by=KL_VALUES,
)
def log_var_read_as_log_sigma(mu, log_var):
    return (mu**2 + (2 * log_var).exp() - 1 - 2 * log_var).sum(-1) / 2


@misconception(
    "gaussian_kl_to_standard",
    belief="the half belongs to the first term",
    story="The ½ stands before the bracket in the formula. Here it was applied to μ² alone.",
    caught_by=KL_VALUES,
)
def half_on_the_first_term(mu, log_var):
    return (mu**2 / 2 + log_var.exp() - 1 - log_var).sum(-1)


@misconception(
    "gaussian_kl_to_standard",
    belief="constants do not matter",
    story="The −1 was dropped: for the gradient it is no matter. As a number of nats it is, and KL[p‖p] is no longer 0.",
    caught_by=("agrees_with_torch", "each_latent_adds_its_own", "never_negative"),
    may_break=("right_far_out_with_its_slopes",),
)
def minus_one_dropped(mu, log_var):
    return (mu**2 + log_var.exp() - log_var).sum(-1) / 2


@misconception(
    "gaussian_kl_to_standard",
    belief="the formula in the paper is the KL",
    story="Minus the KL came back. In the paper's appendix the formula is that of −KL, as it stands in the bound.",
    caught_by=(*KL_VALUES, "never_negative"),
)
def sign_of_the_paper(mu, log_var):
    return (1 + log_var - mu**2 - log_var.exp()).sum(-1) / 2


@misconception(
    "gaussian_kl_to_standard",
    belief="a divergence is symmetric",
    story="KL[N(0, I)‖q] came back. The average is over the encoder's codes, so q comes first.",
    caught_by=KL_VALUES,
)
def prior_first(mu, log_var):
    return ((mu**2 + 1) * (-log_var).exp() - 1 + log_var).sum(-1) / 2


@misconception(
    "gaussian_kl_to_standard",
    belief="log-variances must be kept in bounds",
    story="log σ² was clamped to ±10. Far out the cost is then wrong and its slope zero, where it is needed most.",
    caught_by=("right_far_out_with_its_slopes",),
)
def log_var_clamped_in_the_cost(mu, log_var):
    log_var = log_var.clamp(-10, 10)
    return (mu**2 + log_var.exp() - 1 - log_var).sum(-1) / 2


@misconception(
    "gaussian_kl_to_standard",
    belief="the code pays one price for the whole batch",
    story="All rows were added up too. The cost is one number for each image.",
    caught_by=KL_VALUES,
)
def batch_averaged(mu, log_var):
    return (mu**2 + log_var.exp() - 1 - log_var).sum(-1).mean().repeat(len(mu)) / 2


# ---- bernoulli_log_likelihood: right ---------------------------------------------------------------------------------------


@variation("bernoulli_log_likelihood", "a loop over rows and pixels, each with the logarithm of its own probability")
def loop_of_pixels(logits, x):
    rows = []
    for image_logits, image in zip(logits, x, strict=True):
        total = torch.zeros((), dtype=logits.dtype)
        for one_logit, pixel in zip(image_logits, image, strict=True):
            total = total + (logsigmoid(one_logit) if pixel > 0.5 else logsigmoid(-one_logit))
        rows.append(total)
    return torch.stack(rows)


@variation("bernoulli_log_likelihood", "torch.distributions, with the whole image as one event")
def bernoulli_from_distributions(logits, x):
    return Independent(Bernoulli(logits=logits), 1).log_prob(x)


@variation("bernoulli_log_likelihood", "x·ℓ less softplus, which torch takes to be ℓ itself beyond 20")
def normaliser_by_softplus(logits, x):
    return torch.einsum("nd,nd->n", x, logits) - softplus(logits).sum(-1)


@variation("bernoulli_log_likelihood", "x·ℓ less the logarithm of the normaliser, 1 + exp ℓ, by logaddexp")
def normaliser_by_logaddexp(logits, x):
    return (x * logits - torch.logaddexp(logits, torch.zeros_like(logits))).sum(-1)


# ---- bernoulli_log_likelihood: wrong ---------------------------------------------------------------------------------------

PIXEL_VALUES = ("agrees_with_two_categories", "right_far_out_and_its_slopes_too")


@misconception(
    "bernoulli_log_likelihood",
    belief="a loss is a mean over pixels",
    story="The pixels were averaged. Then the KL, which is a sum, weighs as much as all pixels together, d times too much.",
    caught_by=(*PIXEL_VALUES, "all_images_add_up_to_one", "pixels_add_up"),
)
def averaged_over_pixels(logits, x):
    return -binary_cross_entropy_with_logits(logits, x, reduction="none").mean(-1)


@misconception(
    "bernoulli_log_likelihood",
    belief="the cross-entropy is the log-likelihood",
    story="The loss came back, with its sign. A log-probability is never positive: the likelihood is minus the cross-entropy.",
    caught_by=(*PIXEL_VALUES, "all_images_add_up_to_one"),
)
def cross_entropy_itself(logits, x):
    return binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


@misconception(
    "bernoulli_log_likelihood",
    belief="an image is the pixels that are on",
    story="Only the pixels that are on were counted. A pixel that is off was predicted too, with probability 1 − p.",
    caught_by=(*PIXEL_VALUES, "all_images_add_up_to_one"),
)
def only_pixels_that_are_on(logits, x):
    return (x * logsigmoid(logits)).sum(-1)


@misconception(
    "bernoulli_log_likelihood",
    belief="log(p + ε) makes a logarithm safe",
    story="The sigmoid was taken first and 1e-20 added to mend it. Far out every wrong pixel costs 46 nats, without a slope.",
    caught_by=("right_far_out_and_its_slopes_too",),
)
def epsilon_in_the_logarithm(logits, x):
    p = torch.sigmoid(logits.double())
    return (x * (p + 1e-20).log() + (1 - x) * (1 - p + 1e-20).log()).sum(-1).to(logits.dtype)


@misconception(
    "bernoulli_log_likelihood",
    belief="torch's loss on probabilities is the same, one step later",
    story="Probabilities went into binary_cross_entropy, which clamps its logarithms at −100. Beyond logits of ±100 the value "
    "is wrong, and so is the slope even earlier: stay with the logits.",
    caught_by=("right_far_out_and_its_slopes_too",),
)
def loss_on_probabilities(logits, x):
    p = torch.sigmoid(logits.double())
    return -binary_cross_entropy(p, x.double(), reduction="none").sum(-1).to(logits.dtype)


@misconception(
    "bernoulli_log_likelihood",
    belief="the formula can be typed as it stands",
    story="log(1 + exp ℓ) overflows for ℓ above 700, and above 88 in float32. The infinity eats the image.",
    caught_by=("right_far_out_and_its_slopes_too",),
)
def exponential_overflows(logits, x):
    return (x * logits - torch.log(1 + torch.exp(logits.double())).to(logits.dtype)).sum(-1)


@misconception(
    "bernoulli_log_likelihood",
    belief="reconstruction is a squared error",
    story="Minus the squared distance of pixel and probability came back. It is no log-probability: summed over all images its "
    "exponential is not 1.",
    caught_by=(*PIXEL_VALUES, "all_images_add_up_to_one"),
)
def squared_error(logits, x):
    return -((x - torch.sigmoid(logits)) ** 2).sum(-1)


@misconception(
    "bernoulli_log_likelihood",
    belief="a logit speaks for the pixel being off",
    story="The roles of 0 and 1 are exchanged. A large logit says that the pixel is on.",
    caught_by=PIXEL_VALUES,
)
def on_and_off_exchanged(logits, x):
    return -binary_cross_entropy_with_logits(-logits, x, reduction="none").sum(-1)


@misconception(
    "bernoulli_log_likelihood",
    belief="the batch has one likelihood",
    story="The mean over all images stands in every row. Each image has a log-likelihood of its own.",
    caught_by=(*PIXEL_VALUES, "all_images_add_up_to_one"),
)
def averaged_over_images(logits, x):
    return -binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1).mean().repeat(len(x))


# ---- elbo: right -----------------------------------------------------------------------------------------------------------


def code_from(mu, log_var, eps):
    return mu + (log_var / 2).exp() * eps


def cost_of(mu, log_var):
    return (mu**2 + log_var.exp() - 1 - log_var).sum(-1) / 2


@variation("elbo", "a loop, one image at a time")
def loop_of_images(encoder, decoder, log_likelihood, x, eps):
    bounds = []
    for i in range(len(x)):
        image = x[i : i + 1]
        mu, log_var = encoder(image)
        z = code_from(mu, log_var, eps[i : i + 1])
        bounds.append(log_likelihood(decoder(z), image)[0] - cost_of(mu, log_var)[0])
    return torch.stack(bounds)


@variation("elbo", "torch.distributions, with the covariance as a matrix")
def with_a_covariance(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    scale = torch.diag_embed((log_var / 2).exp())
    q = MultivariateNormal(mu, scale_tril=scale)
    p = MultivariateNormal(torch.zeros_like(mu), scale_tril=torch.eye(mu.shape[-1], dtype=mu.dtype).expand_as(scale))
    z = mu + torch.einsum("nij,nj->ni", scale, eps)
    return log_likelihood(decoder(z), x) - kl_divergence(q, p)


# ---- elbo: wrong -----------------------------------------------------------------------------------------------------------

BOUND = ("agrees_with_its_two_terms", "gradients_flow_through_the_code")
ON_AVERAGE = ("on_average_it_lacks_the_gap",)
SILENT, DEAF = "a_code_that_says_nothing_costs_nothing", "a_decoder_that_ignores_z_leaves_the_cost"
BELOW, ROWS = "on_average_it_stays_below_log_p", "each_image_has_its_own_noise_and_its_own_bound"


@misconception(
    "elbo",
    belief="both terms are added",
    story="The KL was added. It is what the code costs, so it is subtracted; with the plus sign the sum may lie above log p(x).",
    caught_by=(*BOUND, DEAF, *ON_AVERAGE),
    may_break=(BELOW,),
)
def kl_added(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    return log_likelihood(decoder(code_from(mu, log_var, eps)), x) + cost_of(mu, log_var)


@misconception(
    "elbo",
    belief="the KL is a mean over latents",
    story="The latents' costs were averaged, while the pixels are summed. With k latents the code is k times too cheap.",
    caught_by=(*BOUND, DEAF, *ON_AVERAGE),
    may_break=(BELOW,),
)
def kl_averaged_over_latents(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    return log_likelihood(decoder(code_from(mu, log_var, eps)), x) - cost_of(mu, log_var) / mu.shape[-1]


@misconception(
    "elbo",
    belief="the KL belongs to the batch",
    story="Every image pays the average cost of the batch. As a mean over images that is the same; image by image it is wrong.",
    caught_by=("agrees_with_its_two_terms", "gradients_flow_through_the_code", DEAF, ROWS, *ON_AVERAGE),
    may_break=(BELOW,),
)
def kl_averaged_over_the_batch(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    return log_likelihood(decoder(code_from(mu, log_var, eps)), x) - cost_of(mu, log_var).mean()


@misconception(
    "elbo",
    belief="reconstruction is a mean over pixels",
    story="log p(x|z) was divided by the number of pixels. The KL is then d times too heavy against it, and codes collapse.",
    caught_by=(*BOUND, SILENT, *ON_AVERAGE),
    may_break=(BELOW, DEAF),
)
def likelihood_averaged_over_pixels(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    return log_likelihood(decoder(code_from(mu, log_var, eps)), x) / x.shape[-1] - cost_of(mu, log_var)


@misconception(
    "elbo",
    belief="the decoder gets the encoder's best guess",
    story="μ was decoded, as in an autoencoder. The bound averages log p(x|z) over q: without the noise σ costs nothing and does "
    "nothing.",
    caught_by=(*BOUND, SILENT, *ON_AVERAGE),
    may_break=(BELOW,),
)
def mean_decoded(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    return log_likelihood(decoder(mu + 0 * eps), x) - cost_of(mu, log_var)


@misconception(
    "elbo",
    belief="the noise is multiplied by the variance",
    story="The code was made with σ² in the place of σ. Then it is not a draw from the q whose KL is subtracted.",
    caught_by=(*BOUND, *ON_AVERAGE),
    may_break=(BELOW,),
)
def code_with_the_variance(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    return log_likelihood(decoder(mu + log_var.exp() * eps), x) - cost_of(mu, log_var)


@misconception(
    "elbo",
    belief="the encoder's second output is log σ",
    story="Code and cost both take the output for log σ. Trained like that it would even work, but here the encoder says log σ².",
    caught_by=(*BOUND, DEAF, *ON_AVERAGE),
    may_break=(BELOW,),
)
def second_output_is_log_sigma(encoder, decoder, log_likelihood, x, eps):
    mu, log_sigma = encoder(x)
    return log_likelihood(decoder(mu + log_sigma.exp() * eps), x) - cost_of(mu, 2 * log_sigma)


@misconception(
    "elbo",
    belief="one random number moves the whole code",
    story="All latents of an image got the same noise. The codes then lie on a line, and the average bound is another one.",
    caught_by=("agrees_with_its_two_terms", "gradients_flow_through_the_code", SILENT),
    may_break=(*ON_AVERAGE, BELOW),
)
def one_noise_for_all_latents(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    return log_likelihood(decoder(code_from(mu, log_var, eps[:, :1])), x) - cost_of(mu, log_var)


@misconception(
    "elbo",
    belief="one draw serves the whole batch",
    story="All images got the noise of the first one. On average every bound is right, but their errors go together.",
    caught_by=(*BOUND, SILENT, ROWS, *ON_AVERAGE),
    may_break=(BELOW,),
)
def one_noise_for_all_images(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    return log_likelihood(decoder(code_from(mu, log_var, eps[:1])), x) - cost_of(mu, log_var)


@misconception(
    "elbo",
    belief="σ is a number, and needs no gradient",
    story="The values are right, and σ was detached in the code. The encoder then feels only the KL's wish for σ = 1.",
    caught_by=("gradients_flow_through_the_code",),
)
def deviation_detached(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    z = mu + (log_var / 2).exp().detach() * eps
    return log_likelihood(decoder(z), x) - cost_of(mu, log_var)


@misconception(
    "elbo",
    belief="drawing needs no gradient",
    story="The code was made without a gradient, as .sample() does it. The decoder learns, and the encoder never hears of it.",
    caught_by=("gradients_flow_through_the_code",),
)
def code_without_a_path(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    with torch.no_grad():
        z = code_from(mu, log_var, eps)
    return log_likelihood(decoder(z), x) - cost_of(mu, log_var)


@misconception(
    "elbo",
    belief="any noise will do, and the function may draw it",
    story="It drew uniform noise of its own and never looked at eps. With it z is no draw from q, and nothing can be checked.",
    caught_by=(*BOUND, SILENT, *ON_AVERAGE),
    may_break=(BELOW, ROWS),
)
def uniform_noise(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    noise = torch.rand(eps.shape, generator=torch.Generator().manual_seed(7), dtype=eps.dtype)
    return log_likelihood(decoder(code_from(mu, log_var, noise)), x) - cost_of(mu, log_var)


@misconception(
    "elbo",
    belief="the KL is estimated from the same draw",
    story="log q(z|x) − log p(z) at the drawn code stands for the KL. On average that is right, and noisier: asked is the closed "
    "form.",
    caught_by=("agrees_with_its_two_terms", "gradients_flow_through_the_code", DEAF),
)
def kl_from_the_draw(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    sigma = (log_var / 2).exp()
    z = mu + sigma * eps
    log_ratio = Normal(mu, sigma).log_prob(z) - Normal(torch.zeros_like(mu), torch.ones_like(mu)).log_prob(z)
    return log_likelihood(decoder(z), x) - log_ratio.sum(-1)


@misconception(
    "elbo",
    belief="the weight of the warm-up belongs to the bound",
    story="The KL is weighted with ½, as in a β-VAE or halfway through a warm-up. What is reported as the bound has β = 1.",
    caught_by=(*BOUND, DEAF, *ON_AVERAGE),
    may_break=(BELOW,),
)
def half_of_the_kl(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    return log_likelihood(decoder(code_from(mu, log_var, eps)), x) - 0.5 * cost_of(mu, log_var)


@misconception(
    "elbo",
    belief="the batch has one bound",
    story="The mean over the batch stands in every row. Images have bounds of their own; the mean is the training's business.",
    caught_by=(*BOUND, SILENT, DEAF, ROWS, *ON_AVERAGE),
    may_break=(BELOW,),
)
def one_bound_for_the_batch(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    return (log_likelihood(decoder(code_from(mu, log_var, eps)), x) - cost_of(mu, log_var)).mean().repeat(len(x))


@misconception(
    "elbo",
    belief="log-variances must be kept in bounds",
    story="log σ² was clamped to ±10. The bound of an encoder that is surer than that is then another one, and has no slope.",
    caught_by=("agrees_with_its_two_terms",),
    may_break=("on_average_it_lacks_the_gap",),
)
def log_var_clamped(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    log_var = log_var.clamp(-10, 10)
    return log_likelihood(decoder(code_from(mu, log_var, eps)), x) - cost_of(mu, log_var)


# ---- train_step: right -----------------------------------------------------------------------------------------------------


def bounds_of(encoder, decoder, x, eps):
    mu, log_var = encoder(x)
    logits = decoder(code_from(mu, log_var, eps))
    return -binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1) - cost_of(mu, log_var)


@variation("train_step", "a loop over images that adds their gradients up")
def gradients_of_one_image_after_the_other(encoder, decoder, optimiser, x, eps):
    optimiser.zero_grad()
    total = 0.0
    for i in range(len(x)):
        share = -bounds_of(encoder, decoder, x[i : i + 1], eps[i : i + 1])[0] / len(x)
        share.backward()
        total += share.item()
    optimiser.step()
    return torch.tensor(total, dtype=x.dtype)


@variation("train_step", "torch.autograd.grad, with the gradients handed over by hand")
def gradients_by_hand(encoder, decoder, optimiser, x, eps):
    loss = -bounds_of(encoder, decoder, x, eps).mean()
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = gradient
    optimiser.step()
    return loss.detach()


# ---- train_step: wrong -----------------------------------------------------------------------------------------------------

STEPS = ("one_step_down_the_mean_loss", "and_again_from_there")


@misconception(
    "train_step",
    belief="the optimiser forgets by itself",
    story="zero_grad is missing: .backward() adds to what is there. The second step goes along both gradients.",
    caught_by=("and_again_from_there",),
)
def gradients_add_up(encoder, decoder, optimiser, x, eps):
    loss = -bounds_of(encoder, decoder, x, eps).mean()
    loss.backward()
    optimiser.step()
    return loss.detach()


@misconception(
    "train_step",
    belief="the loss of a batch is a sum",
    story="The bounds were summed over the batch. The rate then depends on the batch size, and the loss on nothing one knows.",
    caught_by=(*STEPS, "the_loss_is_per_image"),
)
def summed_over_the_batch(encoder, decoder, optimiser, x, eps):
    loss = -bounds_of(encoder, decoder, x, eps).sum()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.detach()


@misconception(
    "train_step",
    belief="torch's default reduction is the right one",
    story="binary_cross_entropy_with_logits averages over pixels unless told otherwise, and the KL is summed. This trains a "
    "β-VAE with β equal to the number of pixels.",
    caught_by=STEPS,
)
def default_reduction(encoder, decoder, optimiser, x, eps):
    mu, log_var = encoder(x)
    logits = decoder(code_from(mu, log_var, eps))
    loss = binary_cross_entropy_with_logits(logits, x) + cost_of(mu, log_var).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.detach()


@misconception(
    "train_step",
    belief="the bound is to be maximised, so it is the loss",
    story="The bound itself was minimised. An optimiser goes down: give it minus the bound.",
    caught_by=STEPS,
)
def downhill_on_the_bound(encoder, decoder, optimiser, x, eps):
    loss = bounds_of(encoder, decoder, x, eps).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.detach()


@misconception(
    "train_step",
    belief="the bound is what one reports",
    story="The step is right, and the mean bound came back where its negative, the loss, was asked for. Mind what a curve shows.",
    caught_by=STEPS,
)
def bound_returned(encoder, decoder, optimiser, x, eps):
    bound = bounds_of(encoder, decoder, x, eps).mean()
    optimiser.zero_grad()
    (-bound).backward()
    optimiser.step()
    return bound.detach()


@misconception(
    "train_step",
    belief="the loss is what it is now",
    story="The loss was computed again after the step. Asked is the one that the step was taken on; the other costs a pass more.",
    caught_by=STEPS,
)
def loss_after_the_step(encoder, decoder, optimiser, x, eps):
    optimiser.zero_grad()
    (-bounds_of(encoder, decoder, x, eps).mean()).backward()
    optimiser.step()
    return -bounds_of(encoder, decoder, x, eps).mean().detach()


@misconception(
    "train_step",
    belief="gradients are cleared as soon as they are known",
    story="zero_grad stands between backward and step: the optimiser finds nothing, and no weight moves.",
    caught_by=(*STEPS, "both_networks_learn"),
)
def cleared_too_soon(encoder, decoder, optimiser, x, eps):
    loss = -bounds_of(encoder, decoder, x, eps).mean()
    loss.backward()
    optimiser.zero_grad()
    optimiser.step()
    return loss.detach()


@misconception(
    "train_step",
    belief="the encoder is for looking only",
    story="The encoder ran under no_grad, so that only the decoder learns. The bound has two networks to climb with.",
    caught_by=(*STEPS, "both_networks_learn"),
)
def only_the_decoder_learns(encoder, decoder, optimiser, x, eps):
    with torch.no_grad():
        mu, log_var = encoder(x)
    logits = decoder(code_from(mu, log_var, eps))
    loss = (binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1) + cost_of(mu, log_var)).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.detach()


@misconception(
    "train_step",
    belief="every optimiser is weight −= rate · gradient",
    story="The step was taken by hand, with the optimiser's rate. Its momentum, or Adam's averages, are left out.",
    caught_by=("and_again_from_there",),
)
def step_by_hand(encoder, decoder, optimiser, x, eps):
    loss = -bounds_of(encoder, decoder, x, eps).mean()
    optimiser.zero_grad()
    loss.backward()
    with torch.no_grad():
        for group in optimiser.param_groups:
            for weight in group["params"]:
                weight -= group["lr"] * weight.grad
    return loss.detach()


@misconception(
    "train_step",
    belief="the decoder gets the encoder's best guess",
    story="The decoder was trained on μ. What it is to explain are draws from q; here σ is trained by the KL alone.",
    caught_by=STEPS,
)
def trained_on_the_mean(encoder, decoder, optimiser, x, eps):
    loss = -bounds_of(encoder, decoder, x, 0 * eps).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.detach()


# ---- importance_log_likelihood: right --------------------------------------------------------------------------------------


def log_weights_of(encoder, decoder, log_likelihood, x, eps):
    """log p(x|z), log p(z) and log q(z|x), each [n s]."""
    n, s, k = eps.shape
    mu, log_var = (part.repeat_interleave(s, 0) for part in encoder(x))
    sigma = (log_var / 2).exp()
    z = mu + sigma * eps.reshape(n * s, k)
    explained = log_likelihood(decoder(z), x.repeat_interleave(s, 0)).reshape(n, s)
    log_prior = Normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z).sum(-1).reshape(n, s)
    log_q = Normal(mu, sigma).log_prob(z).sum(-1).reshape(n, s)
    return explained, log_prior, log_q


@variation("importance_log_likelihood", "a loop over draws that adds one weight after the other, by logaddexp")
def one_draw_after_the_other(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    total = torch.full((len(x),), -math.inf, dtype=x.dtype, device=x.device)
    for e in eps.unbind(1):
        z = code_from(mu, log_var, e)
        total = torch.logaddexp(total, log_likelihood(decoder(z), x) - (z**2 - e**2 - log_var).sum(-1) / 2)
    return total - math.log(eps.shape[1])


@variation("importance_log_likelihood", "torch.distributions, all draws at once, with an axis in front for the draws")
def draws_in_front(encoder, decoder, log_likelihood, x, eps):
    mu, log_var = encoder(x)
    q = Independent(Normal(mu, (log_var / 2).exp()), 1)
    p = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    z = q.base_dist.loc + q.base_dist.scale * eps.transpose(0, 1)
    flat = log_likelihood(decoder(z.flatten(0, 1)), x.repeat(len(z), 1)).reshape(len(z), len(x))
    log_w = flat + p.log_prob(z) - q.log_prob(z)
    return torch.log_softmax(torch.zeros(len(z), dtype=x.dtype), 0)[0] + log_w.logsumexp(0)


# ---- importance_log_likelihood: wrong --------------------------------------------------------------------------------------

WEIGHTS = ("agrees_with_the_three_densities", "right_for_tiny_weights")
AT_THE_POSTERIOR, DRAWS = "exact_where_q_is_the_posterior", "more_draws_only_help"
EACH, UNBIASED = "images_do_not_feel_each_other", "its_exponential_averages_to_p"


@misconception(
    "importance_log_likelihood",
    belief="logsumexp is the mean already",
    story="The weights were summed and not averaged: log S is missing. With more draws the likelihood seems to grow for ever.",
    caught_by=(*WEIGHTS, AT_THE_POSTERIOR, DRAWS),
)
def number_of_draws_forgotten(encoder, decoder, log_likelihood, x, eps):
    explained, log_prior, log_q = log_weights_of(encoder, decoder, log_likelihood, x, eps)
    return (explained + log_prior - log_q).logsumexp(1)


@misconception(
    "importance_log_likelihood",
    belief="the mean of the logarithms is the logarithm of the mean",
    story="The log-weights were averaged. That is the ELBO, the loosest of these bounds, however many draws there are.",
    caught_by=(*WEIGHTS, DRAWS),
)
def mean_of_the_logarithms(encoder, decoder, log_likelihood, x, eps):
    explained, log_prior, log_q = log_weights_of(encoder, decoder, log_likelihood, x, eps)
    return (explained + log_prior - log_q).mean(1)


@misconception(
    "importance_log_likelihood",
    belief="weights are numbers that a float can hold",
    story="The weights themselves were averaged. At −10,000 nats all of them are 0 in any float, and the logarithm is −∞.",
    caught_by=("right_for_tiny_weights",),
)
def logarithm_of_nothing(encoder, decoder, log_likelihood, x, eps):
    explained, log_prior, log_q = log_weights_of(encoder, decoder, log_likelihood, x, eps)
    return (explained + log_prior - log_q).exp().mean(1).log()


@misconception(
    "importance_log_likelihood",
    belief="only q has to be divided out",
    story="The prior is missing from the weight. The numerator is the joint p(x, z) = p(x|z) p(z).",
    caught_by=(*WEIGHTS, AT_THE_POSTERIOR, UNBIASED),
)
def prior_dropped(encoder, decoder, log_likelihood, x, eps):
    explained, _, log_q = log_weights_of(encoder, decoder, log_likelihood, x, eps)
    return (explained - log_q).logsumexp(1) - math.log(eps.shape[1])


@misconception(
    "importance_log_likelihood",
    belief="an average of the joint is the marginal",
    story="p(x, z) was averaged over draws from q and not divided by q(z|x). That is right only if z were drawn evenly.",
    caught_by=(*WEIGHTS, AT_THE_POSTERIOR, UNBIASED),
)
def proposal_not_divided_out(encoder, decoder, log_likelihood, x, eps):
    explained, log_prior, _ = log_weights_of(encoder, decoder, log_likelihood, x, eps)
    return (explained + log_prior).logsumexp(1) - math.log(eps.shape[1])


@misconception(
    "importance_log_likelihood",
    belief="p(x) is the average of p(x|z)",
    story="p(x|z) was averaged as it is. That holds for draws from the prior; these come from q, and count p(z)/q(z|x) each.",
    caught_by=(*WEIGHTS, AT_THE_POSTERIOR, UNBIASED),
)
def as_if_drawn_from_the_prior(encoder, decoder, log_likelihood, x, eps):
    explained, _, _ = log_weights_of(encoder, decoder, log_likelihood, x, eps)
    return explained.logsumexp(1) - math.log(eps.shape[1])


@misconception(
    "importance_log_likelihood",
    belief="the KL may stand in each weight",
    story="Each log-weight is log p(x|z) − KL in closed form. Inside the logarithm the ratio of this very z is needed, not its "
    "average.",
    caught_by=(*WEIGHTS, AT_THE_POSTERIOR, UNBIASED),
)
def closed_form_in_each_weight(encoder, decoder, log_likelihood, x, eps):
    explained, _, _ = log_weights_of(encoder, decoder, log_likelihood, x, eps)
    return explained.logsumexp(1) - math.log(eps.shape[1]) - cost_of(*encoder(x))


@misconception(
    "importance_log_likelihood",
    belief="the best draw decides",
    story="The largest log-weight came back. It is the mean weight that estimates p(x); the largest alone grows with every draw.",
    caught_by=(*WEIGHTS, DRAWS),
)
def best_draw(encoder, decoder, log_likelihood, x, eps):
    explained, log_prior, log_q = log_weights_of(encoder, decoder, log_likelihood, x, eps)
    return (explained + log_prior - log_q).amax(1)


@misconception(
    "importance_log_likelihood",
    belief="a likelihood of the set is the logarithm of a mean over images",
    story="The mean was taken over images too, inside the logarithm. The log-likelihood of a set is the sum of its images' own.",
    caught_by=(*WEIGHTS, AT_THE_POSTERIOR, EACH),
    may_break=(UNBIASED,),
)
def mean_over_images_too(encoder, decoder, log_likelihood, x, eps):
    explained, log_prior, log_q = log_weights_of(encoder, decoder, log_likelihood, x, eps)
    log_w = explained + log_prior - log_q
    return (log_w.logsumexp((0, 1)) - math.log(log_w.numel())).repeat(len(x))


@misconception(
    "importance_log_likelihood",
    belief="what is reported is the negative log-likelihood",
    story="The sign is that of an NLL. Here log p(x) itself is asked for; papers print its negative.",
    caught_by=(*WEIGHTS, AT_THE_POSTERIOR, DRAWS, UNBIASED),
)
def negative_log_likelihood(encoder, decoder, log_likelihood, x, eps):
    explained, log_prior, log_q = log_weights_of(encoder, decoder, log_likelihood, x, eps)
    return math.log(eps.shape[1]) - (explained + log_prior - log_q).logsumexp(1)


# ---- mutants of the solutions that are as right as they are ----------------------------------------------------------------

SAME_AXIS = "the tensor has two axes, so that axis −1 is axis 1"


# ---- trained_vae: right ----------------------------------------------------------------------------------------------------


class Networks(nn.Module):
    """The networks of the notebook, of the size that the weights have."""

    def __init__(self, weights):
        super().__init__()
        latents, hidden = weights["encoder.mu.weight"].shape
        self.encoder = nn.Module()
        self.encoder.body = nn.Sequential(nn.Linear(784, hidden), nn.Tanh())
        self.encoder.mu, self.encoder.log_var = nn.Linear(hidden, latents), nn.Linear(hidden, latents)
        self.decoder = nn.Sequential(nn.Linear(latents, hidden), nn.Tanh(), nn.Linear(hidden, 784))


class Encoding(nn.Module):
    """(μ, log σ²) by an encoder's layers, changed on their way out."""

    def __init__(self, layers, change=lambda log_var: log_var):
        super().__init__()
        self.layers, self.change = layers, change

    def forward(self, x):
        inside = self.layers.body(x)
        return self.layers.mu(inside), self.change(self.layers.log_var(inside))


class Standardised(nn.Module):
    """A decoder of codes that have mean 0 and variance 1 within their batch."""

    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, z):
        return self.decoder((z - z.mean(0)) / (z.std(0) + 1e-3))


class Noisy(nn.Module):
    """A decoder that adds noise of its own."""

    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, z):
        logits = self.decoder(z)
        return logits + 0.3 * torch.randn_like(logits)


def loaded(weights):
    """The notebook's networks with these weights."""
    networks = Networks(weights)
    networks.load_state_dict(weights)
    return networks


@variation("trained_vae", "no modules of the notebook's, matrix products with the weights themselves, in float64")
def by_hand_in_double(weights):
    class Encoder(nn.Module):
        def forward(self, x):
            inside = torch.tanh(x.double() @ w["encoder.body.0.weight"].T + w["encoder.body.0.bias"])
            return tuple(
                inside @ w[f"encoder.{name}.weight"].T + w[f"encoder.{name}.bias"] for name in ("mu", "log_var")
            )

    class Decoder(nn.Module):
        def forward(self, z):
            inside = torch.tanh(z.double() @ w["decoder.0.weight"].T + w["decoder.0.bias"])
            return inside @ w["decoder.2.weight"].T + w["decoder.2.bias"]

    w = {name: value.double() for name, value in weights.items()}
    return Encoder(), Decoder()


@variation("trained_vae", "a loop that copies each weight into its place, and one that decodes row by row")
def copied_one_by_one(weights):
    class RowByRow(nn.Module):
        def forward(self, z):
            return torch.cat([networks.decoder(row[None]) for row in z])

    networks = Networks(weights)
    with torch.no_grad():
        for name, parameter in networks.named_parameters():
            parameter.copy_(weights[name])
    return Encoding(networks.encoder), RowByRow()


# ---- trained_vae: wrong ----------------------------------------------------------------------------------------------------

BOTH_LIKELIHOODS = ("explains_digits_it_was_not_trained_on", "explains_them_with_more_than_two_numbers")


@misconception(
    "trained_vae",
    belief="networks that were trained in the notebook stay trained",
    story="The networks were made, and the weights never loaded. A new network starts from random numbers.",
    caught_by=BOTH_LIKELIHOODS,
)
def weights_never_loaded(weights):
    networks = Networks(weights)
    return Encoding(networks.encoder), networks.decoder


@misconception(
    "trained_vae",
    belief="a decoder returns probabilities",
    story="The decoder ends with a sigmoid, and its output is taken for logits. No pixel is then less probable than one half.",
    caught_by=BOTH_LIKELIHOODS,
)
def probabilities_for_logits(weights):
    networks = loaded(weights)
    return Encoding(networks.encoder), nn.Sequential(networks.decoder, nn.Sigmoid())


@misconception(
    "trained_vae",
    belief="the encoder gives a mean and a standard deviation",
    story="The encoder's second output is σ, where log σ² is expected. It is positive, so each code gets more noise than "
    "the prior has.",
    caught_by=("explains_them_with_more_than_two_numbers",),
)
def deviation_for_log_variance(weights):
    networks = loaded(weights)
    return Encoding(networks.encoder, lambda log_var: (log_var / 2).exp()), networks.decoder


@misconception(
    "trained_vae",
    belief="codes should be standardised before they are decoded",
    story="Codes are brought to mean 0 and variance 1 within their batch. What one code becomes then depends on the "
    "others: that is no p(x | z).",
    caught_by=BOTH_LIKELIHOODS,
)
def standardised_within_the_batch(weights):
    networks = loaded(weights)
    return Encoding(networks.encoder), Standardised(networks.decoder)


@misconception(
    "trained_vae",
    belief="a generative model has to add noise at the end",
    story="The decoder adds noise of its own to the logits. p(x | z) already is a distribution; its parameters are not random.",
    caught_by=BOTH_LIKELIHOODS,
)
def noise_on_the_logits(weights):
    networks = loaded(weights)
    return Encoding(networks.encoder), Noisy(networks.decoder)


# ---- sample: right -------------------------------------------------------------------------------------------------------


@variation("sample", "a loop over rows and pixels in plain Python")
def loop_over_pixels(decoder, z, u):
    means, images = [], []
    for logits, row in zip(decoder(z).tolist(), u.tolist(), strict=True):
        p = [1 / (1 + math.exp(-logit)) if logit > -700 else 0.0 for logit in logits]
        means.append(p)
        images.append([1.0 if value < mean else 0.0 for value, mean in zip(row, p, strict=True)])
    return z.new_tensor(means), z.new_tensor(images)


@variation("sample", "torch.distributions.Bernoulli for the means, and torch.where")
def through_a_distribution(decoder, z, u):
    means = Bernoulli(logits=decoder(z)).mean
    return means, torch.where(u - means < 0, torch.ones_like(u), torch.zeros_like(u))


# ---- sample: wrong -------------------------------------------------------------------------------------------------------


@misconception(
    "sample",
    belief="the decoder gives means",
    story=(
        "The logits come back as the means, and u is compared with them. A sigmoid lies between a logit and a "
        "probability."
    ),
    caught_by=("odds_and_comparisons", "on_as_often_as_the_mean_says", "certain_pixels"),
)
def logits_for_means(decoder, z, u):
    logits = decoder(z)
    return logits, (u < logits).to(u)


@misconception(
    "sample",
    belief="the likeliest image is a sample",
    story=(
        "A pixel is on where its mean is above one half, and u is not used. That is the mode, and every draw "
        "would be the same."
    ),
    caught_by=("odds_and_comparisons", "on_as_often_as_the_mean_says"),
)
def thresholded_at_one_half(decoder, z, u):
    means = torch.sigmoid(decoder(z))
    return means, (means > 0.5).to(u)


@misconception(
    "sample",
    belief="on where u is large",
    story=(
        "A pixel is on where u > mean, which happens with the probability 1 − mean. Dark pixels would come out light."
    ),
    caught_by=("odds_and_comparisons", "on_as_often_as_the_mean_says", "certain_pixels"),
)
def comparison_upside_down(decoder, z, u):
    means = torch.sigmoid(decoder(z))
    return means, (u > means).to(u)


@misconception(
    "sample",
    belief="one number decides about the whole image",
    story=(
        "All pixels of an image are compared with the first u of the row. Given z they are independent, and each "
        "has its own."
    ),
    caught_by=("odds_and_comparisons",),
)
def one_number_for_all_pixels(decoder, z, u):
    means = torch.sigmoid(decoder(z))
    return means, (u[:, :1] < means).to(u)


@misconception(
    "sample",
    belief="pixels share one probability",
    story=(
        "A softmax makes the pixels of an image add up to one, as if exactly one were on. Every pixel has a "
        "probability of its own."
    ),
    caught_by=("odds_and_comparisons", "on_as_often_as_the_mean_says", "certain_pixels"),
)
def softmax_over_pixels(decoder, z, u):
    means = torch.softmax(decoder(z), -1)
    return means, (u < means).to(u)


@misconception(
    "sample",
    belief="the mean is what one draws",
    story=(
        "The means come back in the place of the draw. No pixel of binary data is grey; that every pixel of a "
        "mean is, makes it smooth."
    ),
    caught_by=("odds_and_comparisons", "on_as_often_as_the_mean_says"),
)
def means_for_images(decoder, z, u):
    means = torch.sigmoid(decoder(z))
    return means, means.clone()


@misconception(
    "sample",
    belief="exp(a)/(1 + exp(a)) is the sigmoid on a computer too",
    story=(
        "For a logit of 1000 the exponential is infinite, and infinity over infinity is NaN. torch.sigmoid takes "
        "the other sign there."
    ),
    caught_by=("certain_pixels",),
)
def exponentials_overflow(decoder, z, u):
    odds = decoder(z).exp()
    means = odds / (1 + odds)
    return means, (u < means).to(u)


# ---- interpolate: right --------------------------------------------------------------------------------------------------


@variation("interpolate", "a loop over rows and steps, with acos and a straight line between equal directions")
def loop_over_steps(encoder, decoder, a, b, steps):
    rows = []
    for first, second in zip(encoder(a)[0].detach().double(), encoder(b)[0].detach().double(), strict=True):
        p, q = first / first.norm(), second / second.norm()
        theta = math.acos(min(1.0, max(-1.0, float(p @ q))))
        codes = []
        for i in range(steps):
            t = i / (steps - 1)
            if theta < 1e-6:
                direction = (1 - t) * p + t * q
            else:
                direction = (math.sin((1 - t) * theta) * p + math.sin(t * theta) * q) / math.sin(theta)
            codes.append(((1 - t) * first.norm() + t * second.norm()) * direction)
        rows.append(torch.sigmoid(decoder(torch.stack(codes).to(a))))
    return torch.stack(rows)


@variation("interpolate", "a rotation in the plane of the two codes: cos and sin of a right-angled pair")
def rotation_in_the_plane(encoder, decoder, a, b, steps):
    first, second = encoder(a)[0], encoder(b)[0]
    n, m = first.norm(dim=-1, keepdim=True), second.norm(dim=-1, keepdim=True)
    p, q = first / n, second / m
    off = q - (p * q).sum(-1, keepdim=True) * p
    reach = off.norm(dim=-1, keepdim=True)
    theta = torch.atan2(reach, (p * q).sum(-1, keepdim=True))
    across = off / reach.clamp_min(torch.finfo(a.dtype).tiny)
    images = []
    for t in torch.linspace(0, 1, steps, dtype=a.dtype, device=a.device):
        images.append(decoder((n + t * (m - n)) * ((t * theta).cos() * p + (t * theta).sin() * across)).sigmoid())
    return torch.stack(images, 1)


# ---- interpolate: wrong --------------------------------------------------------------------------------------------------


def on_the_circle(first, second, t):
    """(direction at t, length at t, the angle) for codes [n, 1, k] and t [steps, 1]."""
    n, m = first.norm(dim=-1, keepdim=True), second.norm(dim=-1, keepdim=True)
    p, q = first / n, second / m
    theta = 2 * torch.atan2((p - q).norm(dim=-1, keepdim=True), (p + q).norm(dim=-1, keepdim=True))
    before = (1 - t) * torch.sinc((1 - t) * theta / math.pi) / torch.sinc(theta / math.pi)
    after = t * torch.sinc(t * theta / math.pi) / torch.sinc(theta / math.pi)
    return before * p + after * q, n + t * (m - n), (before, after)


def two_means(encoder, a, b):
    return encoder(a)[0].unsqueeze(1), encoder(b)[0].unsqueeze(1)


def times(steps, like):
    return torch.linspace(0, 1, steps, dtype=like.dtype, device=like.device).unsqueeze(-1)


@misconception(
    "interpolate",
    belief="a straight line is the way between two codes",
    story=(
        "The codes are mixed along the straight line, as last week. Half way it comes nearer to 0 than either "
        "end, where the prior puts almost nothing."
    ),
    caught_by=("halves_of_halves", "every_step_turns_alike", "nearly_parallel_codes"),
)
def straight_line(encoder, decoder, a, b, steps):
    first, second = two_means(encoder, a, b)
    return torch.sigmoid(decoder(torch.lerp(first, second, times(steps, a))))


@misconception(
    "interpolate",
    belief="sin(tθ)/sin θ may weigh the codes themselves",
    story=(
        "The weights of the great circle are put on codes of different lengths. They turn unit vectors at an even"
        " speed, and nothing else."
    ),
    caught_by=("halves_of_halves", "every_step_turns_alike", "nearly_parallel_codes"),
)
def weights_on_unequal_lengths(encoder, decoder, a, b, steps):
    first, second = two_means(encoder, a, b)
    _, _, (before, after) = on_the_circle(first, second, times(steps, a))
    return torch.sigmoid(decoder(before * first + after * second))


@misconception(
    "interpolate",
    belief="all codes of the prior are √k long",
    story=(
        "Every code on the way has the length √k. A typical draw is that long, but then neither end is what its "
        "image was encoded as."
    ),
    caught_by=("halves_of_halves", "ends_are_the_reconstructions", "nearly_parallel_codes"),
)
def as_long_as_the_prior_expects(encoder, decoder, a, b, steps):
    first, second = two_means(encoder, a, b)
    direction, _, _ = on_the_circle(first, second, times(steps, a))
    return torch.sigmoid(decoder(math.sqrt(first.shape[-1]) * direction))


@misconception(
    "interpolate",
    belief="images can be mixed as codes can",
    story=(
        "The two reconstructions are blended pixel by pixel. That is a double exposure; the decoder never saw a "
        "code between them."
    ),
    caught_by=("halves_of_halves", "nearly_parallel_codes"),
    may_break=("every_step_turns_alike",),
)
def blends_pixels(encoder, decoder, a, b, steps):
    first, second = two_means(encoder, a, b)
    return torch.lerp(torch.sigmoid(decoder(first)), torch.sigmoid(decoder(second)), times(steps, a))


@misconception(
    "interpolate",
    belief="steps numbers need steps intervals",
    story=(
        "t goes from 0 in steps of 1/steps and never gets to 1. Both ends are included, so there is one interval "
        "less than images."
    ),
    caught_by=("halves_of_halves", "ends_are_the_reconstructions", "every_step_turns_alike", "nearly_parallel_codes"),
)
def stops_before_the_end(encoder, decoder, a, b, steps):
    first, second = two_means(encoder, a, b)
    direction, length, _ = on_the_circle(first, second, times(steps + 1, a)[:-1])
    return torch.sigmoid(decoder(length * direction))


@misconception(
    "interpolate",
    belief="sin θ is never zero",
    story=(
        "Between two codes in the same direction 0/0 comes back, which is NaN. The weights have a limit there, 1 "
        "− t and t."
    ),
    caught_by=("nearly_parallel_codes", "halves_of_halves", "ends_are_the_reconstructions"),
)
def nothing_over_nothing(encoder, decoder, a, b, steps):
    first, second = two_means(encoder, a, b)
    n, m = first.norm(dim=-1, keepdim=True), second.norm(dim=-1, keepdim=True)
    theta = 2 * torch.atan2(
        (first / n - second / m).norm(dim=-1, keepdim=True), (first / n + second / m).norm(dim=-1, keepdim=True)
    )
    t = times(steps, a)
    direction = (((1 - t) * theta).sin() * first / n + (t * theta).sin() * second / m) / theta.sin()
    return torch.sigmoid(decoder((n + t * (m - n)) * direction))


@misconception(
    "interpolate",
    belief="the decoder's output is the image",
    story="The logits along the way come back. The means of Bernoulli pixels are their sigmoids.",
    caught_by=("halves_of_halves", "ends_are_the_reconstructions", "every_step_turns_alike", "nearly_parallel_codes"),
)
def logits_along_the_way(encoder, decoder, a, b, steps):
    first, second = two_means(encoder, a, b)
    direction, length, _ = on_the_circle(first, second, times(steps, a))
    return decoder(length * direction)


# ---- active_units: right -------------------------------------------------------------------------------------------------


@variation("active_units", "a loop over units in plain Python, divided by n")
def loop_over_units(mu, threshold):
    active = []
    for unit in mu.double().T.tolist():
        centre = sum(unit) / len(unit)
        active.append(sum((value - centre) ** 2 for value in unit) / len(unit) > float(threshold))
    return torch.tensor(active, device=mu.device)


@variation("active_units", "the diagonal of torch.cov")
def diagonal_of_the_covariance(mu, threshold):
    return torch.atleast_2d(torch.cov(mu.T)).diagonal().gt(threshold)


# ---- active_units: wrong -------------------------------------------------------------------------------------------------


@misconception(
    "active_units",
    belief="the spread is the standard deviation",
    story=(
        "The standard deviation is compared with the threshold for the variance. At 0.01 that asks for a "
        "hundredth of the spread."
    ),
    caught_by=("differences_between_images", "scales_as_a_variance"),
    may_break=("where_a_unit_is_centred_does_not_matter",),
)
def deviation_for_variance(mu, threshold):
    return mu.std(0) > threshold


@misconception(
    "active_units",
    belief="active is what is far from 0",
    story=(
        "The mean square is compared, not the variance. A unit that gives 7 for every image says nothing about "
        "any of them."
    ),
    caught_by=(
        "where_a_unit_is_centred_does_not_matter",
        "differences_between_images",
        "still_units_say_nothing",
        "scales_as_a_variance",
    ),
)
def mean_square(mu, threshold):
    return mu.square().mean(0) > threshold


@misconception(
    "active_units",
    belief="the batch is the last axis",
    story=(
        "The variance is taken over the latent dimensions of each image. What matters is how one dimension "
        "differs between images."
    ),
    caught_by=(
        "differences_between_images",
        "where_a_unit_is_centred_does_not_matter",
        "scales_as_a_variance",
        "still_units_say_nothing",
    ),
)
def variance_over_units(mu, threshold):
    return mu.var(1) > threshold


@misconception(
    "active_units",
    belief="there is one variance of all means",
    story=(
        "The variance of all numbers together is compared, and every unit gets the same answer. Each has a "
        "variance of its own."
    ),
    caught_by=(
        "differences_between_images",
        "scales_as_a_variance",
        "where_a_unit_is_centred_does_not_matter",
        "still_units_say_nothing",
    ),
)
def one_variance_for_all(mu, threshold):
    return (mu.var() > threshold).expand(mu.shape[1]).clone()


@misconception(
    "active_units",
    belief="active is what has moved at all",
    story=(
        "The largest difference between two images is compared with the threshold. One odd image makes a unit "
        "active that is otherwise still."
    ),
    caught_by=("differences_between_images", "scales_as_a_variance", "where_a_unit_is_centred_does_not_matter"),
)
def range_for_variance(mu, threshold):
    return mu.amax(0) - mu.amin(0) > threshold


@misconception(
    "active_units",
    belief="0 and 1 serve as a mask",
    story=(
        "Numbers come back in the place of truths. As an index, mu[:, active] would then take the columns 0 and "
        "1, over and over."
    ),
    caught_by=("differences_between_images",),
)
def numbers_for_truths(mu, threshold):
    return (mu.var(0) > threshold).long()


@misconception(
    "active_units",
    belief="a unit with a small variance is the sure one",
    story=(
        "The units below the threshold are marked. A posterior mean that is the same for all images is the "
        "prior's, and has collapsed."
    ),
    caught_by=(
        "differences_between_images",
        "scales_as_a_variance",
        "where_a_unit_is_centred_does_not_matter",
        "still_units_say_nothing",
    ),
)
def marks_what_is_inactive(mu, threshold):
    return mu.var(0) <= threshold


@misconception(
    "active_units",
    belief="from the threshold on is above it",
    story="A unit at the threshold itself counts as active. With the threshold 0, so does one that never moves.",
    caught_by=("still_units_say_nothing",),
)
def at_or_above(mu, threshold):
    return mu.var(0) >= threshold


# ---- warm_up: right ------------------------------------------------------------------------------------------------------


@variation("warm_up", "a loop over rows in plain Python, without a detached number")
def loop_over_rows(explained, kl, step, steps):
    climbed, reported = [], []
    for a, b in zip(explained, kl, strict=True):
        climbed.append(a - b if step >= steps else a - b * step / steps)
        reported.append(a - b)
    return torch.stack(climbed), torch.stack(reported)


@variation("warm_up", "the bound, and what the KL does not yet cost added to it")
def bound_and_a_rebate(explained, kl, step, steps):
    bound = explained - kl
    return torch.add(bound, kl, alpha=max(0.0, 1 - step / steps)), bound


# ---- warm_up: wrong ------------------------------------------------------------------------------------------------------


@misconception(
    "warm_up",
    belief="what is climbed is what is reported",
    story=(
        "The bound that comes back has β in it too. With β = 0 it would be log p(x | z) alone, which no bound on "
        "log p(x) is."
    ),
    caught_by=("objective_and_bound", "what_is_reported_knows_no_schedule"),
)
def beta_in_what_is_reported(explained, kl, step, steps):
    climbed = explained - min(1.0, step / steps) * kl
    return climbed, climbed.clone()


@misconception(
    "warm_up",
    belief="reconstruction is what one warms up",
    story=(
        "β stands before log p(x | z). At the start only the KL is left, and the encoder is told to say nothing at all."
    ),
    caught_by=("objective_and_bound", "both_terms_are_learned_from"),
)
def beta_on_what_is_explained(explained, kl, step, steps):
    return min(1.0, step / steps) * explained - kl, explained - kl


@misconception(
    "warm_up",
    belief="β weighs the bound",
    story=(
        "The whole bound is multiplied by β. That is a smaller step in the same direction, and the KL counts as "
        "much as ever."
    ),
    caught_by=("objective_and_bound", "both_terms_are_learned_from"),
)
def beta_on_both(explained, kl, step, steps):
    bound = explained - kl
    return min(1.0, step / steps) * bound, bound


@misconception(
    "warm_up",
    belief="β keeps growing",
    story="Nothing stops β at 1. After the warm-up the KL would count more and more, and units close that were open.",
    caught_by=("objective_and_bound", "afterwards_it_is_the_bound", "both_terms_are_learned_from"),
)
def beta_without_end(explained, kl, step, steps):
    return explained - step / steps * kl, explained - kl


@misconception(
    "warm_up",
    belief="// divides",
    story="step // steps is 0 until the last step of the warm-up, and then 1. The KL comes all at once.",
    caught_by=("objective_and_bound", "both_terms_are_learned_from"),
)
def whole_steps_only(explained, kl, step, steps):
    return explained - min(1, step // steps) * kl, explained - kl


@misconception(
    "warm_up",
    belief="β cools down",
    story=(
        "β falls from 1 to 0. The price is highest while the units are still to be found, and in the end nothing "
        "is paid at all."
    ),
    caught_by=("objective_and_bound", "afterwards_it_is_the_bound", "both_terms_are_learned_from"),
)
def cools_down(explained, kl, step, steps):
    return explained - max(0.0, 1 - step / steps) * kl, explained - kl


@misconception(
    "warm_up",
    belief="the first step counts as one",
    story="β is (step + 1)/steps, a step ahead. Here step counts from 0, and β is 0 there.",
    caught_by=("objective_and_bound", "both_terms_are_learned_from"),
)
def a_step_ahead(explained, kl, step, steps):
    return explained - min(1.0, (step + 1) / steps) * kl, explained - kl


@misconception(
    "warm_up",
    belief="losses are climbed",
    story=(
        "The negative of the objective comes back, a loss to be minimised. What is climbed gets larger as the "
        "model gets better."
    ),
    caught_by=("objective_and_bound", "afterwards_it_is_the_bound", "both_terms_are_learned_from"),
)
def loss_for_objective(explained, kl, step, steps):
    return min(1.0, step / steps) * kl - explained, explained - kl


@misconception(
    "warm_up",
    belief="the KL is only for the books",
    story="The KL in the objective is detached. Its value is right, and nothing learns from it.",
    caught_by=("both_terms_are_learned_from",),
)
def kl_detached(explained, kl, step, steps):
    return explained - min(1.0, step / steps) * kl.detach() + 0 * kl, explained - kl


# ---- gaussian_decoder: right ---------------------------------------------------------------------------------------------


@variation("gaussian_decoder", "a loop over rows and dimensions in plain Python arithmetic on tensors")
def loop_over_dimensions(mean, x, smallest):
    n, d = x.shape
    total = sum((x[i, j] - mean[i, j]) ** 2 for i in range(n) for j in range(d))
    variance = total / (n * d) if total / (n * d) > smallest else smallest + 0 * total
    logs = []
    for i in range(n):
        log = 0.0
        for j in range(d):
            log = log - (x[i, j] - mean[i, j]) ** 2 / (2 * variance) - torch.log(2 * math.pi * variance) / 2
        logs.append(log)
    return variance, torch.stack(logs)


@variation("gaussian_decoder", "torch.distributions.Normal, with the variance held fixed")
def with_a_distribution(mean, x, smallest):
    variance = torch.nn.functional.mse_loss(mean, x).detach().clamp(min=smallest)
    return variance, Independent(Normal(mean, variance.sqrt()), 1).log_prob(x)


# ---- gaussian_decoder: wrong ---------------------------------------------------------------------------------------------


def best_variance(mean, x, smallest):
    return torch.maximum((x - mean).square().mean(), smallest)


def log_normal(mean, x, variance):
    return -0.5 * ((x - mean).square() / variance + math.log(2 * math.pi) + variance.log()).sum(-1)


EVERYWHERE = ("nothing_is_left_to_gain", "perfect_reconstructions_are_no_better_than_smallest")


@misconception(
    "gaussian_decoder",
    belief="half the squared error is the log-likelihood",
    story=(
        "σ² is found and then not used: the likelihoods are those of σ = 1, and without constants. A mean squared"
        " error alone fixes σ by the way."
    ),
    caught_by=(*EVERYWHERE, "in_other_units", "pulls_the_mean_towards_x"),
)
def squared_error_alone(mean, x, smallest):
    return best_variance(mean, x, smallest), -0.5 * (x - mean).square().sum(-1)


@misconception(
    "gaussian_decoder",
    belief="2π is a constant",
    story=(
        "½ log 2π is missing for every dimension. Constants do not matter for training, but they do for a number "
        "that is compared."
    ),
    caught_by=EVERYWHERE,
)
def two_pi_dropped(mean, x, smallest):
    variance = best_variance(mean, x, smallest)
    return variance, -0.5 * ((x - mean).square() / variance + variance.log()).sum(-1)


@misconception(
    "gaussian_decoder",
    belief="the normaliser belongs to the row",
    story="½ log 2πσ² is subtracted once a row. Every dimension is a density of its own and brings its own.",
    caught_by=(*EVERYWHERE, "in_other_units", "pulls_the_mean_towards_x"),
)
def normaliser_once_a_row(mean, x, smallest):
    variance = best_variance(mean, x, smallest)
    return variance, -0.5 * ((x - mean).square().sum(-1) / variance + (2 * math.pi * variance).log())


@misconception(
    "gaussian_decoder",
    belief="a likelihood is a mean over pixels",
    story="The log-density is averaged over dimensions. That of the whole row is their sum, d times as much.",
    caught_by=(*EVERYWHERE, "in_other_units", "pulls_the_mean_towards_x"),
)
def averaged_over_dimensions(mean, x, smallest):
    variance = best_variance(mean, x, smallest)
    return variance, log_normal(mean, x, variance) / x.shape[-1]


@misconception(
    "gaussian_decoder",
    belief="the squared error of an image is the variance",
    story=(
        "The squares are summed over the dimensions and averaged over rows alone. σ² is the variance of one "
        "dimension, d times less."
    ),
    caught_by=("nothing_is_left_to_gain", "pulls_the_mean_towards_x"),
)
def summed_over_dimensions(mean, x, smallest):
    variance = torch.maximum((x - mean).square().sum(-1).mean(), smallest)
    return variance, log_normal(mean, x, variance)


@misconception(
    "gaussian_decoder",
    belief="σ is asked for",
    story=(
        "The standard deviation comes back, and is used as if it were the variance. The best variance is the mean"
        " squared error itself, without a root."
    ),
    caught_by=(
        "nothing_is_left_to_gain",
        "perfect_reconstructions_are_no_better_than_smallest",
        "in_other_units",
        "pulls_the_mean_towards_x",
    ),
)
def root_for_variance(mean, x, smallest):
    sigma = best_variance(mean, x, smallest).sqrt()
    return sigma, log_normal(mean, x, sigma)


@misconception(
    "gaussian_decoder",
    belief="a small number added keeps σ away from zero",
    story=(
        "smallest is added to the mean squared error. It then distorts σ² where nothing is the matter; a lower "
        "limit acts only below it."
    ),
    caught_by=("nothing_is_left_to_gain", "pulls_the_mean_towards_x"),
)
def added_for_safety(mean, x, smallest):
    variance = (x - mean).square().mean() + smallest
    return variance, log_normal(mean, x, variance)


@misconception(
    "gaussian_decoder",
    belief="the best σ² is always good",
    story=(
        "There is no lower limit. For a perfect reconstruction σ² is 0 and the density is infinite, or no number "
        "at all."
    ),
    caught_by=(*EVERYWHERE, "in_other_units", "pulls_the_mean_towards_x"),
)
def no_lower_limit(mean, x, smallest):
    variance = (x - mean).square().mean() + 0 * smallest
    return variance, log_normal(mean, x, variance)


@misconception(
    "gaussian_decoder",
    belief="every row has its σ",
    story=(
        "Each row is judged with its own mean squared error, and all rows come out nearly alike. One σ for all is"
        " what the model has."
    ),
    caught_by=("nothing_is_left_to_gain", "pulls_the_mean_towards_x"),
)
def a_variance_for_every_row(mean, x, smallest):
    own = torch.maximum((x - mean).square().mean(-1, keepdim=True), smallest)
    return best_variance(mean, x, smallest), log_normal(mean, x, own)


@misconception(
    "gaussian_decoder",
    belief="statistics are numbers, not part of the graph",
    story=(
        "The squares are detached before σ² and the likelihoods are made of them. The values are right, and the "
        "decoder learns nothing."
    ),
    caught_by=("pulls_the_mean_towards_x",),
)
def squares_detached(mean, x, smallest):
    variance, logs = best_variance(mean, x, smallest), 0 * mean.sum(-1)
    return variance.detach(), log_normal(mean, x, variance).detach() + logs


# ---- mean_only_encoder: right --------------------------------------------------------------------------------------------


@variation("mean_only_encoder", "a loop over rows, pixels and latent dimensions")
def loop_over_everything(encoder, decoder, x, eps, sigma):
    means, bounds = encoder(x), []
    for i in range(len(x)):
        logits = decoder((means[i] + eps[i] * sigma)[None])[0]
        bound = 0.0
        for j in range(x.shape[1]):
            bound = bound + x[i, j] * logsigmoid(logits[j]) + (1 - x[i, j]) * logsigmoid(-logits[j])
        for j in range(means.shape[1]):
            bound = bound - means[i, j] ** 2 / 2 - (sigma**2 - 1) / 2 + torch.log(sigma)
        bounds.append(bound)
    return torch.stack(bounds)


@variation("mean_only_encoder", "the distributions of torch, and their divergence")
def with_three_distributions(encoder, decoder, x, eps, sigma):
    mean = encoder(x)
    q = Independent(Normal(mean, sigma.expand_as(mean)), 1)
    prior = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
    pixels = Independent(Bernoulli(logits=decoder(mean + sigma * eps), validate_args=False), 1)
    return pixels.log_prob(x) - kl_divergence(q, prior)


# ---- mean_only_encoder: wrong --------------------------------------------------------------------------------------------


def pixels_explained(decoder, z, x):
    logits = decoder(z)
    return (x * logits - torch.nn.functional.softplus(logits)).sum(-1)


def price(mean, sigma):
    return 0.5 * (mean.square() + sigma**2 - 1 - 2 * sigma.log()).sum(-1)


BOTH = ("bound_of_torch_distributions", "nothing_said_costs_nothing")
SLOPE = ("bound_of_torch_distributions", "learns_through_the_draw")


@misconception(
    "mean_only_encoder",
    belief="half the squared mean is the whole divergence",
    story=(
        "The k/2·(σ² − 1 − log σ²) that σ costs are left out. Training does not feel them, but without them the "
        "number is no bound."
    ),
    caught_by=BOTH,
)
def only_the_squared_mean(encoder, decoder, x, eps, sigma):
    mean = encoder(x)
    return pixels_explained(decoder, mean + sigma * eps, x) - mean.square().sum(-1) / 2


@misconception(
    "mean_only_encoder",
    belief="a mean needs no noise",
    story=(
        "The mean itself is decoded. Without the noise it is an autoencoder with a penalty, and its "
        "reconstruction is not E_q[log p(x | z)]."
    ),
    caught_by=SLOPE,
)
def decodes_the_mean(encoder, decoder, x, eps, sigma):
    mean = encoder(x)
    return pixels_explained(decoder, mean, x) - price(mean, sigma) + 0 * eps.sum()


@misconception(
    "mean_only_encoder",
    belief="sigma is a variance",
    story=(
        "The draw is made with the root of σ, and σ is read as the variance in the divergence. It is a standard "
        "deviation here."
    ),
    caught_by=("bound_of_torch_distributions", "nothing_said_costs_nothing", "learns_through_the_draw"),
)
def deviation_read_as_variance(encoder, decoder, x, eps, sigma):
    mean, root = encoder(x), sigma.sqrt()
    return pixels_explained(decoder, mean + root * eps, x) - price(mean, root)


@misconception(
    "mean_only_encoder",
    belief="σ costs the same however many dimensions there are",
    story=(
        "½(σ² − 1 − log σ²) is counted once. Each of the k dimensions has a Gaussian of that width, and each "
        "costs as much."
    ),
    caught_by=BOTH,
)
def width_counted_once(encoder, decoder, x, eps, sigma):
    mean = encoder(x)
    width = (sigma**2 - 1 - 2 * sigma.log()) / 2
    return pixels_explained(decoder, mean + sigma * eps, x) - mean.square().sum(-1) / 2 - width


@misconception(
    "mean_only_encoder",
    belief="log σ² is log σ",
    story=(
        "−½ log σ stands where −½ log σ² = −log σ belongs. A factor of two is easily lost between a deviation and"
        " a variance."
    ),
    caught_by=BOTH,
)
def half_of_the_logarithm(encoder, decoder, x, eps, sigma):
    mean = encoder(x)
    kl = 0.5 * (mean.square() + sigma**2 - 1 - sigma.log()).sum(-1)
    return pixels_explained(decoder, mean + sigma * eps, x) - kl


@misconception(
    "mean_only_encoder",
    belief="pixels are averaged",
    story="log p(x | z) is the mean over pixels, and the KL is a sum. The penalty then weighs d times too much.",
    caught_by=(
        "bound_of_torch_distributions",
        "nothing_said_costs_nothing",
        "learns_through_the_draw",
        "a_surprise_has_its_price",
    ),
)
def mean_over_pixels(encoder, decoder, x, eps, sigma):
    mean = encoder(x)
    return pixels_explained(decoder, mean + sigma * eps, x) / x.shape[-1] - price(mean, sigma)


@misconception(
    "mean_only_encoder",
    belief="a bound is a loss",
    story=(
        "The penalty is added to log p(x | z), which is to be as large as possible. So a code far from the prior "
        "would be rewarded."
    ),
    caught_by=("bound_of_torch_distributions", "nothing_said_costs_nothing", "learns_through_the_draw"),
)
def penalty_added(encoder, decoder, x, eps, sigma):
    mean = encoder(x)
    return pixels_explained(decoder, mean + sigma * eps, x) + price(mean, sigma)


@misconception(
    "mean_only_encoder",
    belief="‖μ‖² is the penalty",
    story="The squared mean has no factor ½. The logarithm of a Gaussian density has one.",
    caught_by=SLOPE,
)
def squared_mean_without_its_half(encoder, decoder, x, eps, sigma):
    mean = encoder(x)
    return pixels_explained(decoder, mean + sigma * eps, x) - price(mean, sigma) - mean.square().sum(-1) / 2


@misconception(
    "mean_only_encoder",
    belief="one draw of noise will do",
    story="All rows share the noise of the first. Draws of different images are independent.",
    caught_by=SLOPE,
)
def the_same_noise_for_all_rows(encoder, decoder, x, eps, sigma):
    mean = encoder(x)
    return pixels_explained(decoder, mean + sigma * eps[:1], x) - price(mean, sigma)


@misconception(
    "mean_only_encoder",
    belief="probabilities are kept away from 0",
    story=(
        "The probabilities are clamped before the logarithm. No pixel then costs more than 16 nats, however sure "
        "the decoder was."
    ),
    caught_by=("a_surprise_has_its_price",),
)
def probabilities_clamped(encoder, decoder, x, eps, sigma):
    mean = encoder(x)
    p = torch.sigmoid(decoder(mean + sigma * eps)).clamp(1e-7, 1 - 1e-7)
    return (x * p.log() + (1 - x) * (1 - p).log()).sum(-1) - price(mean, sigma)


@misconception(
    "mean_only_encoder",
    belief="a draw is a constant",
    story=(
        "The draw is detached from the mean. The value is right, but the encoder only learns to be short, never "
        "to be useful."
    ),
    caught_by=("learns_through_the_draw",),
)
def draw_detached(encoder, decoder, x, eps, sigma):
    mean = encoder(x)
    return pixels_explained(decoder, (mean + sigma * eps).detach(), x) - price(mean, sigma)


# ---- decoder_alone: right ------------------------------------------------------------------------------------------------


@variation("decoder_alone", "a loop over pairs that adds up sums, and one solve in the end")
def loop_over_pairs(z, x):
    k, d = z.shape[1], x.shape[1]
    products, targets = z.new_zeros(k + 1, k + 1), z.new_zeros(k + 1, d)
    one = z.new_ones(1)
    for code, target in zip(z, x, strict=True):
        row = torch.cat([code, one])
        products = products + row[:, None] * row
        targets = targets + row[:, None] * target
    solution = torch.linalg.solve(products, targets)
    W, b, total = solution[:k].T, solution[k], 0.0
    for code, target in zip(z, x, strict=True):
        total = total + (target - W @ code - b).square().sum()
    return W, b, total / (len(z) * d)


@variation("decoder_alone", "a column of ones and the pseudo-inverse")
def column_of_ones(z, x):
    design = torch.cat([z, torch.ones_like(z[:, :1])], 1)
    solution = torch.linalg.pinv(design) @ x
    return solution[:-1].mT, solution[-1], (design @ solution - x).square().sum() / x.numel()


# ---- decoder_alone: wrong ------------------------------------------------------------------------------------------------


def regression(z, x):
    centred = z - z.mean(0)
    W = torch.linalg.solve(centred.T @ centred, centred.T @ x).T
    return W, x.mean(0) - W @ z.mean(0)


def residuals(z, x, W, b):
    return x - z @ W.T - b


FOUND_AND_MOVED = ("no_slope_is_left", "finds_what_made_the_data", "other_origins")
FOUND = FOUND_AND_MOVED[:2]


@misconception(
    "decoder_alone",
    belief="codes and data are centred",
    story="The line goes through the origin, and b is 0. Where the codes are 0 the data need not be.",
    caught_by=FOUND_AND_MOVED,
)
def no_offset(z, x):
    W = torch.linalg.lstsq(z, x).solution.T
    return W, torch.zeros_like(x[0]), (x - z @ W.T).square().mean()


@misconception(
    "decoder_alone",
    belief="the offset is the mean of the data",
    story=(
        "b is the mean of x, as in week 3, where z had the mean 0. Given codes have a mean of their own, and W "
        "carries it along."
    ),
    caught_by=FOUND_AND_MOVED,
)
def offset_is_the_mean(z, x):
    W, _ = regression(z, x)
    b = x.mean(0)
    return W, b, residuals(z, x, W, b).square().mean()


@misconception(
    "decoder_alone",
    belief="one parameter, one degree of freedom",
    story=(
        "The squares are divided by m − k − 1. That makes the estimate unbiased, but maximum likelihood divides by m."
    ),
    caught_by=("no_slope_is_left", "the_same_pairs_twice_say_the_same"),
)
def degrees_of_freedom(z, x):
    W, b = regression(z, x)
    m, k = z.shape
    return W, b, residuals(z, x, W, b).square().sum() / ((m - k - 1) * x.shape[1])


@misconception(
    "decoder_alone",
    belief="the variance is of a whole row",
    story=(
        "The squares are summed over the dimensions of x. σ²I has the same σ² in each of them, so they are "
        "averaged over."
    ),
    caught_by=("no_slope_is_left",),
)
def variance_of_a_row(z, x):
    W, b = regression(z, x)
    return W, b, residuals(z, x, W, b).square().sum(1).mean()


@misconception(
    "decoder_alone",
    belief="a deviation is a variance",
    story="The root of the mean square comes back. It is σ, and σ² was asked.",
    caught_by=("no_slope_is_left", "finds_what_made_the_data"),
)
def deviation_of_the_residuals(z, x):
    W, b = regression(z, x)
    return W, b, residuals(z, x, W, b).square().mean().sqrt()


@misconception(
    "decoder_alone",
    belief="codes have the covariance I",
    story=(
        "W is the covariance of x and z, not divided by that of z. The prior says I, but these codes are given "
        "and have their own."
    ),
    caught_by=FOUND,
)
def covariance_without_division(z, x):
    centred = z - z.mean(0)
    W = (x - x.mean(0)).T @ centred / len(z)
    b = x.mean(0) - W @ z.mean(0)
    return W, b, residuals(z, x, W, b).square().mean()


@misconception(
    "decoder_alone",
    belief="the decoder undoes the encoder",
    story=(
        "The codes are regressed on the data, and the map is inverted. A regression turned round is another line:"
        " it blames the noise on z."
    ),
    caught_by=("no_slope_is_left",),
    may_break=("finds_what_made_the_data", "the_same_pairs_twice_say_the_same"),
)
def regression_turned_round(z, x):
    back = torch.linalg.pinv(x - x.mean(0)) @ (z - z.mean(0))
    W = torch.linalg.pinv(back).T
    b = x.mean(0) - W @ z.mean(0)
    return W, b, residuals(z, x, W, b).square().mean()


@misconception(
    "decoder_alone",
    belief="the prior on z shrinks W",
    story="I is added to ZᵀZ, as it is to WᵀW/σ² in the posterior of z. Here z is given, and W has no prior.",
    caught_by=(*FOUND, "the_same_pairs_twice_say_the_same"),
)
def shrunk(z, x):
    centred = z - z.mean(0)
    W = torch.linalg.solve(centred.T @ centred + torch.eye(z.shape[1]).to(z), centred.T @ x).T
    b = x.mean(0) - W @ z.mean(0)
    return W, b, residuals(z, x, W, b).square().mean()


@misconception(
    "decoder_alone",
    belief="reshape transposes",
    story=(
        "The solution of Z·A = X is [k, d], and is given the shape [d, k] by reshape. That keeps the order of the"
        " numbers and mixes rows."
    ),
    caught_by=(*FOUND, "other_origins"),
)
def reshaped_for_transposed(z, x):
    W, b = regression(z, x)
    return W.T.reshape(W.shape), b, residuals(z, x, W, b).square().mean()


EQUIVALENT = [
    equivalent(
        "gaussian_kl_to_standard",
        was="return (mu**2 + log_var.exp() - 1 - log_var).sum(-1) / 2",
        becomes="return (mu**2 + log_var.exp() - 1 - log_var).sum(+1) / 2",
        why=SAME_AXIS,
    ),
    equivalent(
        "bernoulli_log_likelihood",
        was='return -binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)',
        becomes='return -binary_cross_entropy_with_logits(logits, x, reduction="none").sum(+1)',
        why=SAME_AXIS,
    ),
    equivalent(
        "importance_log_likelihood",
        was="log_p_over_q = (noise**2 + log_var - z**2).sum(-1) / 2",
        becomes="log_p_over_q = (noise**2 + log_var - z**2).sum(+1) / 2",
        why=SAME_AXIS,
    ),
    equivalent(
        "importance_log_likelihood",
        was="return log_w.reshape(-1, s).logsumexp(-1) - math.log(s)",
        becomes="return log_w.reshape(-1, s).logsumexp(+1) - math.log(s)",
        why=SAME_AXIS,
    ),
    equivalent(
        "interpolate",
        was="t = torch.linspace(0, 1, steps, dtype=a.dtype, device=a.device).unsqueeze(-1)",
        becomes="t = torch.linspace(0, 1, steps, dtype=a.dtype, device=a.device).unsqueeze(+1)",
        why="there is one axis, so a new one at the end has number 1",
    ),
    equivalent(
        "decoder_alone",
        was="W = torch.linalg.lstsq(z - centre, x - middle).solution.T",
        becomes="W = torch.linalg.lstsq(z - centre, x + middle).solution.T",
        why="a constant added to every x is orthogonal to centred codes, and does not change W",
    ),
]
