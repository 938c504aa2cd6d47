"""Wrong answers to this week's exercises, each with the belief behind it, and right answers written another way.

Never released. `caught_by` names the laws that catch a misconception whatever the seed, `may_break` those that may.
"""

import math

import torch
from torch.distributions import Bernoulli
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits, logsigmoid, softplus

from autograder.misconceptions import equivalent, misconception, variation
from reference import autoencoders

# ---- reconstruction_losses: right ----------------------------------------------------------------------------------------


@variation("reconstruction_losses", "a loop over rows and pixels")
def loop_over_pixels(logits, x):
    rows = []
    for line, target in zip(logits, x, strict=True):
        squared, nats = 0.0, 0.0
        for logit, pixel in zip(line, target, strict=True):
            squared = squared + (torch.sigmoid(logit) - pixel) ** 2
            nats = nats + pixel * softplus(-logit) + (1 - pixel) * softplus(logit)
        rows.append((squared, nats))
    return tuple(torch.stack(column) for column in zip(*rows, strict=True))


@variation("reconstruction_losses", "the reference implementation")
def the_reference(logits, x):
    return autoencoders.squared_error(logits.sigmoid(), x), autoencoders.cross_entropy(logits, x)


@variation("reconstruction_losses", "the square multiplied out, and two log-sigmoids")
def multiplied_out(logits, x):
    p = logits.sigmoid()
    squared = (p * p).sum(-1) - 2 * (p * x).sum(-1) + (x * x).sum(-1)
    return squared, -(x * logsigmoid(logits) + (1 - x) * logsigmoid(-logits)).sum(-1)


# ---- reconstruction_losses: wrong ----------------------------------------------------------------------------------------


def cost_of_pixels(logits, x):
    """(squared error, cross-entropy) of every pixel, to be added up wrongly."""
    return (logits.sigmoid() - x) ** 2, binary_cross_entropy_with_logits(logits, x, reduction="none")


DECISIVE_1 = "losses_agree_with_distributions"
FAR_1 = "right_for_logits_far_out"
FLOOR_1 = "cross_entropy_ends_at_the_entropy"
HAND_1 = "two_pixels_by_hand"


@misconception(
    "reconstruction_losses",
    belief="a loss is a mean over pixels",
    story=(
        "The pixels are averaged, so that both losses are too small by the factor d. −log p(x) of a picture is a sum over its "
        "pixels: with a mean, whatever is added to it later weighs d times too much."
    ),
    caught_by=(DECISIVE_1, FAR_1, FLOOR_1, HAND_1),
)
def mean_over_pixels(logits, x):
    squared, nats = cost_of_pixels(logits, x)
    return squared.mean(-1), nats.mean(-1)


@misconception(
    "reconstruction_losses",
    belief="one loss for the whole batch",
    story=(
        "Every row got the sum over all rows. What is asked is one number for each picture; the batch is averaged when it is "
        "trained on, not before."
    ),
    caught_by=(DECISIVE_1, FAR_1, FLOOR_1, HAND_1),
)
def sum_over_the_batch(logits, x):
    squared, nats = cost_of_pixels(logits, x)
    return squared.sum().expand(len(x)), nats.sum().expand(len(x))


@misconception(
    "reconstruction_losses",
    belief="the squared error compares logits with pixels",
    story=(
        "The squared error was taken of the logits themselves. A logit can be any number; the sigmoid makes a pixel of it, and "
        "that is what is compared with x."
    ),
    caught_by=(DECISIVE_1, FAR_1, HAND_1),
)
def sigmoid_forgotten(logits, x):
    _, nats = cost_of_pixels(logits, x)
    return ((logits - x) ** 2).sum(-1), nats.sum(-1)


@misconception(
    "reconstruction_losses",
    belief="binary_cross_entropy takes whatever the network gives",
    story=(
        "The sigmoid was applied twice: once to the logits, and once more inside a function that takes logits. Of the two "
        "functions, the one `with_logits` applies it itself."
    ),
    caught_by=(DECISIVE_1, FAR_1, HAND_1),
    may_break=(FLOOR_1,),
)
def sigmoid_twice(logits, x):
    squared, _ = cost_of_pixels(logits, x)
    return squared.sum(-1), binary_cross_entropy_with_logits(logits.sigmoid(), x, reduction="none").sum(-1)


@misconception(
    "reconstruction_losses",
    belief="the logarithm may be taken after the sigmoid",
    story=(
        "log(sigmoid(logit)) is −∞ as soon as the sigmoid rounds to 0, which it does for a logit of −1000, and 1 − sigmoid does "
        "for 40. Work with the logit itself: log sigmoid(l) = −log(1 + e^(−l))."
    ),
    caught_by=(FAR_1,),
)
def log_of_the_sigmoid(logits, x):
    squared, _ = cost_of_pixels(logits, x)
    p = logits.sigmoid()
    return squared.sum(-1), -(torch.xlogy(x, p) + torch.xlogy(1 - x, 1 - p)).sum(-1)


@misconception(
    "reconstruction_losses",
    belief="binary_cross_entropy of the sigmoid is exact",
    story=(
        "torch's binary_cross_entropy cuts logarithms off at −100, and has no slope beyond: a pixel that is wrong by 200 nats "
        "costs 100 and is never mended. The function `with_logits` has no such limit."
    ),
    caught_by=(FAR_1,),
)
def logs_cut_off_at_100(logits, x):
    squared, _ = cost_of_pixels(logits, x)
    return squared.sum(-1), binary_cross_entropy(logits.sigmoid(), x, reduction="none").sum(-1)


@misconception(
    "reconstruction_losses",
    belief="a small number inside the logarithm does no harm",
    story=(
        "1e-5 is added inside the logarithms. Then no pixel can cost more than 12 nats, and confident mistakes get no slope; the "
        "logit itself needs no such rescue."
    ),
    caught_by=(DECISIVE_1, FAR_1),
    may_break=(FLOOR_1, HAND_1),
)
def epsilon_in_the_logs(logits, x):
    squared, _ = cost_of_pixels(logits, x)
    p = logits.sigmoid()
    return squared.sum(-1), -(x * (p + 1e-5).log() + (1 - x) * (1 - p + 1e-5).log()).sum(-1)


@misconception(
    "reconstruction_losses",
    belief="a pixel is black or white",
    story=(
        "The pixels of x were rounded to 0 and 1 for the cross-entropy. A grey pixel of ¾ is a coin that falls on 1 three times "
        "in four, and its cross-entropy weighs both logarithms."
    ),
    caught_by=(DECISIVE_1, FAR_1, FLOOR_1, HAND_1),
)
def grey_made_black_and_white(logits, x):
    squared, _ = cost_of_pixels(logits, x)
    return squared.sum(-1), binary_cross_entropy_with_logits(logits, (x > 0.5).to(x), reduction="none").sum(-1)


@misconception(
    "reconstruction_losses",
    belief="only pixels that are on count",
    story=(
        "−x log p alone came back. A pixel that is 0 and was made 1 then costs nothing: the other half, −(1 − x) log(1 − p), is "
        "missing."
    ),
    caught_by=(DECISIVE_1, FAR_1, FLOOR_1, HAND_1),
)
def half_of_the_cross_entropy(logits, x):
    squared, _ = cost_of_pixels(logits, x)
    return squared.sum(-1), (x * softplus(-logits)).sum(-1)


@misconception(
    "reconstruction_losses",
    belief="a perfect reconstruction costs nothing",
    story=(
        "The entropy of x was subtracted, so that p = x costs 0: that is the KL divergence, not the cross-entropy. For black and "
        "white pixels there is no difference, for grey ones there is."
    ),
    caught_by=(DECISIVE_1, FAR_1, FLOOR_1, HAND_1),
)
def divergence_for_cross_entropy(logits, x):
    squared, nats = cost_of_pixels(logits, x)
    entropy = torch.special.entr(x) + torch.special.entr(1 - x)
    return squared.sum(-1), (nats - entropy).sum(-1)


@misconception(
    "reconstruction_losses",
    belief="bits are as good as nats",
    story="Logarithms to the base 2 give bits. Everything in this course is in nats, with the natural logarithm.",
    caught_by=(DECISIVE_1, FAR_1, FLOOR_1, HAND_1),
)
def in_bits(logits, x):
    squared, nats = cost_of_pixels(logits, x)
    return squared.sum(-1), nats.sum(-1) / math.log(2)


@misconception(
    "reconstruction_losses",
    belief="the squared error has a root",
    story=(
        "The root of the sum came back: the distance. −log of a Gaussian is the squared distance, without a root, and has a "
        "slope that vanishes as the reconstruction gets better."
    ),
    caught_by=(DECISIVE_1, FAR_1, HAND_1),
)
def distance_for_square(logits, x):
    squared, nats = cost_of_pixels(logits, x)
    return squared.sum(-1).sqrt(), nats.sum(-1)


@misconception(
    "reconstruction_losses",
    belief="the exponential in log(1 + e^l) is harmless",
    story=(
        "e^10000 is infinite, and the cross-entropy with it. log(1 + e^l) is l + log(1 + e^(−l)) for large l: `softplus` and "
        "`logsigmoid` know that."
    ),
    caught_by=(FAR_1,),
    may_break=(DECISIVE_1,),
)
def softplus_overflows(logits, x):
    squared, _ = cost_of_pixels(logits, x)
    return squared.sum(-1), (torch.log1p(logits.exp()) - x * logits).sum(-1)


@misconception(
    "reconstruction_losses",
    belief="1/(1 + e^−l) is as good as torch.sigmoid",
    story=(
        "The values are right, and the slope of the squared error is NaN where e^−l overflows: ∞/∞². One such pixel and all "
        "weights are NaN; torch.sigmoid has a slope everywhere."
    ),
    caught_by=(FAR_1,),
)
def sigmoid_by_hand(logits, x):
    _, nats = cost_of_pixels(logits, x)
    return ((1 / (1 + torch.exp(-logits)) - x) ** 2).sum(-1), nats.sum(-1)


@misconception(
    "reconstruction_losses",
    belief="large logits are best clamped",
    story=(
        "The logits were clamped to ±30. A pixel beyond costs no more than 30 nats and gets no slope, so that the worst mistakes "
        "are the ones that training cannot mend."
    ),
    caught_by=(FAR_1,),
)
def logits_clamped(logits, x):
    squared, nats = cost_of_pixels(logits.clamp(-30, 30), x)
    return squared.sum(-1), nats.sum(-1)


# ---- linear_autoencoder: right -------------------------------------------------------------------------------------------


@variation("linear_autoencoder", "singular vectors of the centred data, all of them")
def by_svd(x, k):
    mean = x.mean(0)
    directions = torch.linalg.svd(x - mean, full_matrices=True).Vh[:k]
    return mean, directions, directions.mT


@variation("linear_autoencoder", "the covariance in a loop over points, and a code that is turned and stretched")
def loop_and_mixed_code(x, k):
    mean = sum(row for row in x) / len(x)
    cov = torch.zeros(x.shape[1], x.shape[1], dtype=x.dtype)
    for row in x:
        cov = cov + torch.outer(row - mean, row - mean)
    top = torch.linalg.eigh(cov).eigenvectors[:, -k:]
    mix = torch.eye(k, dtype=x.dtype) * 2 + torch.ones(k, k, dtype=x.dtype).triu(1) / k
    return mean, mix @ top.mT, top @ torch.linalg.inv(mix)


@variation("linear_autoencoder", "a mean elsewhere in the plane, and signs turned round")
def another_origin(x, k):
    mean = x.mean(0)
    top = -torch.linalg.eigh((x - mean).mT @ (x - mean)).eigenvectors.flip(-1)[:, :k]
    return mean + top.sum(1), top.mT.contiguous(), top


# ---- linear_autoencoder: wrong -------------------------------------------------------------------------------------------


def directions_of(x, mean):
    """All d principal directions as columns, the one with the most variance first."""
    return torch.linalg.eigh((x - mean).mT @ (x - mean)).eigenvectors.flip(-1)


LEAST, WIDE, PLANE = "loses_as_little_as_pca", "loses_nothing_where_the_code_is_wide", "new_points_land_on_the_plane"


@misconception(
    "linear_autoencoder",
    belief="principal directions need no centring",
    story=(
        "The mean is left at zero and the second moments are used. Then the first direction points at the mean, and is wasted "
        "on what is the same for all rows."
    ),
    caught_by=(LEAST,),
    may_break=(WIDE, PLANE),
)
def not_centred(x, k):
    mean = torch.zeros_like(x[0])
    top = directions_of(x, mean)[:, :k]
    return mean, top.mT, top


@misconception(
    "linear_autoencoder",
    belief="the mean is only needed to find the directions",
    story=(
        "The directions are right and the mean that comes back is zero. The plane then passes through the origin instead of "
        "through the data."
    ),
    caught_by=(LEAST, WIDE),
)
def mean_left_out(x, k):
    top = directions_of(x, x.mean(0))[:, :k]
    return torch.zeros_like(x[0]), top.mT, top


@misconception(
    "linear_autoencoder",
    belief="eigh lists the largest eigenvalue first",
    story=(
        "The directions with the least variance were kept. `torch.linalg.eigh` sorts eigenvalues upwards, so the last columns "
        "are the ones to keep."
    ),
    caught_by=(LEAST,),
    may_break=(WIDE, PLANE),
)
def smallest_eigenvalues(x, k):
    mean = x.mean(0)
    top = directions_of(x, mean).flip(-1)[:, :k]
    return mean, top.mT, top


@misconception(
    "linear_autoencoder",
    belief="each column of the eigenvectors is an entry",
    story=(
        "Rows of the matrix of eigenvectors were taken for eigenvectors. `eigh` returns them as columns (and `svd` returns Vh, "
        "whose rows are the directions)."
    ),
    caught_by=(LEAST,),
    may_break=(WIDE, PLANE),
)
def rows_for_columns(x, k):
    mean = x.mean(0)
    top = directions_of(x, mean).mT[:, :k]
    return mean, top.mT, top


@misconception(
    "linear_autoencoder",
    belief="features are standardised first",
    story=(
        "Each input was divided by its standard deviation before the directions were found. That minimises another error: the "
        "squared error counts every input in its own units."
    ),
    caught_by=(LEAST,),
    may_break=(WIDE, PLANE),
)
def standardised_first(x, k):
    mean, width = x.mean(0), x.std(0)
    top = directions_of((x - mean) / width, torch.zeros_like(mean))[:, :k]
    return mean, top.mT / width, width.unsqueeze(1) * top


@misconception(
    "linear_autoencoder",
    belief="the code is whitened, and the decoder needs not know",
    story=(
        "The encoder divides by the standard deviations along the directions and the decoder does not multiply by them. Any "
        "stretched code is fine as long as the decoder undoes the stretching."
    ),
    caught_by=(LEAST, WIDE),
    may_break=(PLANE,),
)
def whitened_and_not_undone(x, k):
    mean = x.mean(0)
    values, vectors = torch.linalg.eigh((x - mean).mT @ (x - mean) / len(x))
    top, width = vectors.flip(-1)[:, :k], values.flip(-1)[:k].clamp_min(1e-4).sqrt()
    return mean, top.mT / width.unsqueeze(1), top


@misconception(
    "linear_autoencoder",
    belief="the reconstruction is the posterior mean of probabilistic PCA",
    story=(
        "The codes are shrunk towards zero, as the posterior mean of week 3 is. The least squared error has no prior on the "
        "code: it is the projection itself."
    ),
    caught_by=(LEAST,),
    may_break=(WIDE, PLANE),
)
def shrunk_like_ppca(x, k):
    mean = x.mean(0)
    values, vectors = torch.linalg.eigh((x - mean).mT @ (x - mean) / len(x))
    top, kept = vectors.flip(-1)[:, :k], values.flip(-1)[:k]
    noise = values[: x.shape[1] - k].mean() if k < x.shape[1] else values[0]
    return mean, top.mT * ((kept - noise) / kept.clamp_min(1e-6)).unsqueeze(1), top


@misconception(
    "linear_autoencoder",
    belief="the reduced SVD has all directions",
    story=(
        "With fewer rows than k the reduced SVD has only as many directions as there are rows, and the code is too short. Ask "
        "for full_matrices=True, or use the d by d covariance."
    ),
    caught_by=(WIDE,),
)
def reduced_svd(x, k):
    mean = x.mean(0)
    directions = torch.linalg.svd(x - mean, full_matrices=False).Vh[:k]
    return mean, directions, directions.mT


@misconception(
    "linear_autoencoder",
    belief="the decoder is the encoder transposed, whatever the encoder is",
    story=(
        "Random directions were taken, with their transpose as decoder. That projects only if the directions are orthonormal, "
        "and even then on some plane, not on the best one."
    ),
    caught_by=(LEAST, WIDE),
    may_break=(PLANE,),
)
def any_directions(x, k):
    mean = x.mean(0)
    d = x.shape[1]
    some = torch.sin(torch.arange(1.0, k * d + 1, dtype=x.dtype)).reshape(k, d) / math.sqrt(d)
    return mean, some, some.mT.contiguous()


@misconception(
    "linear_autoencoder",
    belief="the inputs with the largest variance are the best code",
    story=(
        "k of the inputs were kept as they are. The best directions are mixtures of all inputs: the eigenvectors of the "
        "covariance, not the largest entries of its diagonal."
    ),
    caught_by=(LEAST,),
    may_break=(WIDE,),
)
def keeps_some_inputs(x, k):
    chosen = x.var(0).argsort(descending=True)[:k]
    pick = torch.eye(x.shape[1], dtype=x.dtype)[chosen]
    return x.mean(0), pick, pick.mT


# ---- denoising_loss: right -----------------------------------------------------------------------------------------------


@variation("denoising_loss", "a loop over rows and pixels")
def loop_over_rows(encoder, decoder, x, u, share):
    losses = []
    for row, noise in zip(x, u, strict=True):
        seen = torch.stack([pixel * 0 if level < share else pixel for pixel, level in zip(row, noise, strict=True)])
        logits = decoder(encoder(seen.unsqueeze(0))).squeeze(0)
        losses.append(sum(softplus(logit) - pixel * logit for logit, pixel in zip(logits, row, strict=True)))
    return torch.stack(losses)


@variation("denoising_loss", "the reference's cross-entropy, and a picture that is spoilt without a gradient")
def spoilt_without_gradient(encoder, decoder, x, u, share):
    with torch.no_grad():
        seen = x * (u >= share)
    return autoencoders.cross_entropy(decoder(encoder(seen)), x)


@variation("denoising_loss", "torch.where and vmap over rows")
def with_vmap(encoder, decoder, x, u, share):
    def one(row, noise):
        logits = decoder(encoder(torch.where(noise < share, torch.zeros_like(row), row)))
        return -(row * logsigmoid(logits) + (1 - row) * logsigmoid(-logits)).sum()

    return torch.vmap(one)(x, u)


# ---- denoising_loss: wrong -----------------------------------------------------------------------------------------------


def total_cross_entropy(logits, target):
    return binary_cross_entropy_with_logits(logits, target, reduction="none").sum(-1)


HIDES, ENDS, AVERAGE = (
    "hides_and_asks_for_everything", "nothing_and_everything_hidden", "average_over_everything_that_can_be_hidden",
)  # fmt: skip


@misconception(
    "denoising_loss",
    belief="the network is asked for what it was shown",
    story=(
        "The output was compared with the spoilt picture. That is a plain autoencoder of spoilt pictures: nothing asks it to "
        "guess what was hidden."
    ),
    caught_by=(HIDES, ENDS),
    may_break=(AVERAGE,),
)
def compared_with_the_spoilt(encoder, decoder, x, u, share):
    seen = x * (u >= share)
    return total_cross_entropy(decoder(encoder(seen)), seen)


@misconception(
    "denoising_loss",
    belief="share is how much is kept",
    story=(
        "Pixels with u < share were kept and the others hidden. `share` is the chance to be hidden: at 0 nothing is, at 1 "
        "everything."
    ),
    caught_by=(HIDES, ENDS),
    may_break=(AVERAGE,),
)
def keeps_the_share(encoder, decoder, x, u, share):
    return total_cross_entropy(decoder(encoder(x * (u < share))), x)


@misconception(
    "denoising_loss",
    belief="what is left is scaled up, as dropout does",
    story=(
        "The pixels that were kept are divided by 1 − share, as dropout does to its units. Masking noise leaves them as they "
        "are; a digit whose pixels are twice as bright is another spoilt picture."
    ),
    caught_by=(HIDES, ENDS),
    may_break=(AVERAGE,),
)
def rescaled_like_dropout(encoder, decoder, x, u, share):
    return total_cross_entropy(decoder(encoder(x * (u >= share) / (1 - share))), x)


@misconception(
    "denoising_loss",
    belief="one mask serves for the batch",
    story=(
        "All rows are hidden by the noise of the first one. Each picture has a row of u for itself; with one mask for all, the "
        "gradient of a batch is noisier than it need be."
    ),
    caught_by=(HIDES,),
    may_break=(ENDS, AVERAGE),
)
def one_mask_for_all(encoder, decoder, x, u, share):
    return total_cross_entropy(decoder(encoder(x * (u[:1] >= share))), x)


@misconception(
    "denoising_loss",
    belief="a picture is hidden as a whole",
    story=(
        "The noise of a row's first pixel decides for the whole row. Every pixel has noise of its own: only then can what is "
        "seen tell about what is not."
    ),
    caught_by=(HIDES,),
    may_break=(ENDS, AVERAGE),
)
def whole_rows_hidden(encoder, decoder, x, u, share):
    return total_cross_entropy(decoder(encoder(x * (u[:, :1] >= share))), x)


@misconception(
    "denoising_loss",
    belief="only what was hidden must be guessed",
    story=(
        "The loss is summed over the hidden pixels alone. What is asked is the whole picture: the pixels that were shown must "
        "come back, too."
    ),
    caught_by=(HIDES, ENDS, AVERAGE),
)
def hidden_pixels_alone(encoder, decoder, x, u, share):
    logits = decoder(encoder(x * (u >= share)))
    return (binary_cross_entropy_with_logits(logits, x, reduction="none") * (u < share)).sum(-1)


@misconception(
    "denoising_loss",
    belief="noise belongs on the code",
    story=(
        "The code was masked instead of the picture. Then the encoder sees everything, and never learns which pixels go "
        "together."
    ),
    caught_by=(HIDES, ENDS, AVERAGE),
)
def code_is_masked(encoder, decoder, x, u, share):
    code = encoder(x)
    keep = (u >= share).to(x).repeat(1, -(-code.shape[1] // x.shape[1]))[:, : code.shape[1]]
    return total_cross_entropy(decoder(code * keep), x)


@misconception(
    "denoising_loss",
    belief="hidden pixels are grey",
    story=(
        "Hidden pixels were set to ½. Masking noise sets them to 0, the paper, so that the encoder cannot see which ones are "
        "missing."
    ),
    caught_by=(HIDES, ENDS, AVERAGE),
)
def hidden_means_grey(encoder, decoder, x, u, share):
    return total_cross_entropy(decoder(encoder(torch.where(u < share, 0.5, x))), x)


@misconception(
    "denoising_loss",
    belief="the loss is a mean over pixels",
    story=(
        "The cross-entropy was averaged over the pixels. It is the sum, as in exercise 1: −log p of the whole picture."
    ),
    caught_by=(HIDES, ENDS, AVERAGE),
)
def averaged_over_pixels(encoder, decoder, x, u, share):
    logits = decoder(encoder(x * (u >= share)))
    return binary_cross_entropy_with_logits(logits, x, reduction="none").mean(-1)


@misconception(
    "denoising_loss",
    belief="the squared error will do",
    story=(
        "The squared error of the sigmoid came back. What is asked for here is the cross-entropy, in nats, which goes on growing "
        "while a pixel gets more wrong."
    ),
    caught_by=(HIDES, ENDS, AVERAGE),
)
def squared_for_cross_entropy(encoder, decoder, x, u, share):
    return (decoder(encoder(x * (u >= share))).sigmoid() - x).square().sum(-1)


@misconception(
    "denoising_loss",
    belief="u is added to the picture",
    story=(
        "share·u was added to the pixels, as Gaussian noise would be. Masking noise does not add: it replaces the pixel by 0 "
        "where u < share."
    ),
    caught_by=(HIDES, ENDS, AVERAGE),
)
def noise_is_added(encoder, decoder, x, u, share):
    return total_cross_entropy(decoder(encoder(x + share * u)), x)


@misconception(
    "denoising_loss",
    belief="pixels that are kept stand where u > share",
    story=(
        "A pixel with u = share was hidden. It is u < share that hides: then share = 0 hides nothing, even where u is 0, which "
        "torch.rand does return."
    ),
    caught_by=(ENDS,),
)
def hides_at_equality(encoder, decoder, x, u, share):
    return total_cross_entropy(decoder(encoder(x * (u > share))), x)


@misconception(
    "denoising_loss",
    belief="the encoder is only asked, not trained",
    story=(
        "The code was computed under torch.no_grad(), so that only the decoder learns. The encoder is the part that must learn "
        "to see through the noise."
    ),
    caught_by=(HIDES,),
)
def encoder_not_trained(encoder, decoder, x, u, share):
    with torch.no_grad():
        code = encoder(x * (u >= share))
    return total_cross_entropy(decoder(code), x)


# ---- best_denoiser: right ------------------------------------------------------------------------------------------------


@variation("best_denoiser", "a loop over noisy points")
def loop_over_noisy(noisy, points, sigma):
    found = []
    for one in noisy:
        logs = torch.stack([-((one - point) ** 2).sum() / (2 * sigma**2) for point in points])
        weights = (logs - logs.max()).exp()
        found.append(sum(w * point for w, point in zip(weights, points, strict=True)) / weights.sum())
    return torch.stack(found)


@variation("best_denoiser", "squares multiplied out: what is the same for all points falls out of the softmax")
def from_inner_products(noisy, points, sigma):
    logits = (noisy @ points.mT - points.square().sum(-1) / 2) / sigma**2
    return torch.softmax(logits, -1) @ points


@variation("best_denoiser", "log-densities, normalised by logsumexp")
def by_bayes(noisy, points, sigma):
    log_density = torch.distributions.Normal(points, sigma).log_prob(noisy.unsqueeze(1)).sum(-1)
    posterior = (log_density - log_density.logsumexp(-1, keepdim=True)).exp()
    return torch.einsum("nm,md->nd", posterior, points)


# ---- best_denoiser: wrong ------------------------------------------------------------------------------------------------


def squared_distances(noisy, points):
    return (noisy.unsqueeze(1) - points).square().sum(-1)


TWEEDIE, FAR_4, HULL, HAND_4 = (
    "follows_tweedies_formula", "right_far_from_every_point", "between_the_points", "by_hand_in_the_small_model",
)  # fmt: skip


@misconception(
    "best_denoiser",
    belief="the best guess is the nearest point",
    story=(
        "The nearest point came back. It is the most probable one; the least squared error has the average of all points, each "
        "with its posterior probability."
    ),
    caught_by=(TWEEDIE, FAR_4, HULL, HAND_4),
)
def nearest_point(noisy, points, sigma):
    return points[squared_distances(noisy, points).argmin(-1)] + 0 * noisy


@misconception(
    "best_denoiser",
    belief="the exponent has σ where it should have σ²",
    story=(
        "Squared distances are divided by 2σ. In the exponent of a Gaussian stands the variance: 2σ², and for σ = 1 one does not "
        "see the difference."
    ),
    caught_by=(TWEEDIE,),
    may_break=(FAR_4, HULL, HAND_4),
)
def sigma_for_its_square(noisy, points, sigma):
    return torch.softmax(-squared_distances(noisy, points) / (2 * sigma), -1) @ points


@misconception(
    "best_denoiser",
    belief="the exponent is distance² / σ²",
    story=(
        "The ½ is missing in the exponent: N(x, σ²) has exp(−distance²/2σ²). Without it the points are told apart as if the "
        "noise were smaller by √2."
    ),
    caught_by=(TWEEDIE, HAND_4),
    may_break=(HULL,),
)
def half_missing(noisy, points, sigma):
    return torch.softmax(-squared_distances(noisy, points) / sigma**2, -1) @ points


@misconception(
    "best_denoiser",
    belief="what counts is the distance",
    story="The distance stands in the exponent, and not its square. A Gaussian falls with the squared distance.",
    caught_by=(TWEEDIE, HAND_4),
    may_break=(FAR_4, HULL),
)
def distance_not_squared(noisy, points, sigma):
    return torch.softmax(-squared_distances(noisy, points).sqrt() / (2 * sigma**2), -1) @ points


@misconception(
    "best_denoiser",
    belief="exponentials may be divided as they are",
    story=(
        "Far from all points every exponential rounds to 0, and 0/0 comes out. Subtract the largest exponent first, as softmax "
        "does: the ratio stays the same (week 1)."
    ),
    caught_by=(FAR_4,),
    may_break=(TWEEDIE, HULL),
)
def exponentials_underflow(noisy, points, sigma):
    weights = (-squared_distances(noisy, points) / (2 * sigma**2)).exp()
    return weights @ points / weights.sum(-1, keepdim=True)


@misconception(
    "best_denoiser",
    belief="a small number in the denominator saves it",
    story=(
        "1e-8 is added to the sum of the weights. Far from all points the weights are smaller than that, and the guess is drawn "
        "to the origin, where no point need be."
    ),
    caught_by=(FAR_4,),
    may_break=(TWEEDIE, HULL, HAND_4),
)
def epsilon_in_the_denominator(noisy, points, sigma):
    weights = (-squared_distances(noisy, points) / (2 * sigma**2)).exp()
    return weights @ points / (weights.sum(-1, keepdim=True) + 1e-8)


@misconception(
    "best_denoiser",
    belief="the weights of the noisy points add up to one",
    story=(
        "The softmax runs over the noisy points instead of over the clean ones. For each noisy point the probabilities of the m "
        "points must add up to 1."
    ),
    caught_by=(TWEEDIE, FAR_4, HAND_4),
    may_break=(HULL,),
)
def softmax_over_the_batch(noisy, points, sigma):
    return torch.softmax(-squared_distances(noisy, points) / (2 * sigma**2), 0) @ points


@misconception(
    "best_denoiser",
    belief="every dimension is denoised by itself",
    story=(
        "Each coordinate has got weights of its own. The posterior is over whole points: what one coordinate says about which "
        "point it was helps all the others."
    ),
    caught_by=(TWEEDIE,),
    may_break=(FAR_4, HULL, HAND_4),
)
def each_dimension_by_itself(noisy, points, sigma):
    logits = -(noisy.unsqueeze(1) - points).square() / (2 * sigma**2)
    return (torch.softmax(logits, 1) * points).sum(1)


@misconception(
    "best_denoiser",
    belief="squared distances are averaged over dimensions",
    story=(
        "The squared distance was averaged over the d dimensions. The exponent is a sum: with a mean the noise seems √d times "
        "larger than it is."
    ),
    caught_by=(TWEEDIE,),
    may_break=(FAR_4, HULL, HAND_4),
)
def distance_averaged(noisy, points, sigma):
    distance = (noisy.unsqueeze(1) - points).square().mean(-1)
    return torch.softmax(-distance / (2 * sigma**2), -1) @ points


@misconception(
    "best_denoiser",
    belief="denoising is shrinking",
    story=(
        "The noisy point was pulled towards the mean of the points, by variance over variance plus σ². That is right for "
        "Gaussian data (week 3); here the data are m points."
    ),
    caught_by=(TWEEDIE, FAR_4, HULL, HAND_4),
)
def shrunk_to_the_mean(noisy, points, sigma):
    mean = points.mean(0)
    variance = (points - mean).square().mean()
    return mean + variance / (variance + sigma**2) * (noisy - mean)


@misconception(
    "best_denoiser",
    belief="far points weigh more",
    story="The minus sign is missing in the exponent, so that the farthest point wins. Densities fall with the distance.",
    caught_by=(TWEEDIE, FAR_4, HAND_4),
    may_break=(HULL,),
)
def sign_turned_round(noisy, points, sigma):
    return torch.softmax(squared_distances(noisy, points) / (2 * sigma**2), -1) @ points


@misconception(
    "best_denoiser",
    belief="points that are listed twice are one point",
    story=(
        "Equal points were merged before they were averaged. A point that is listed twice is twice as probable: the list is the "
        "prior."
    ),
    caught_by=(TWEEDIE, HULL, HAND_4),
)
def duplicates_merged(noisy, points, sigma):
    different = torch.unique(points, dim=0)
    return torch.softmax(-squared_distances(noisy, different) / (2 * sigma**2), -1) @ different


# ---- contractive_penalty: right ------------------------------------------------------------------------------------------


@variation("contractive_penalty", "the reference: vmap of jacrev")
def the_reference_penalty(encoder, x):
    return autoencoders.contraction(encoder, x)


@variation("contractive_penalty", "a loop over rows, each with the Jacobian of torch.autograd.functional")
def loop_over_jacobians(encoder, x):
    return torch.stack(
        [torch.autograd.functional.jacobian(encoder, row, create_graph=True).square().sum() for row in x.unsqueeze(1)]
    )


@variation("contractive_penalty", "one backward pass for each number of the code")
def backwards_from_each_code(encoder, x):
    x = x if x.requires_grad else x.clone().requires_grad_()
    codes = encoder(x)
    slopes = [torch.autograd.grad(codes[:, place].sum(), x, create_graph=True)[0] for place in range(codes.shape[1])]
    return sum(slope.square().sum(-1) for slope in slopes)


# ---- contractive_penalty: wrong ------------------------------------------------------------------------------------------


def jacobian_of(encoder, x):
    """[n k d], differentiable."""
    return torch.vmap(torch.func.jacrev(encoder))(x)


MOVES, TRAINS, LINEAR_5, ALONE = (
    "adds_up_how_the_code_moves", "training_can_lower_it", "a_linear_encoder_stretches_everywhere_alike",
    "a_row_has_its_own",
)  # fmt: skip


@misconception(
    "contractive_penalty",
    belief="the penalty is the norm",
    story=(
        "The Frobenius norm came back without its square. The penalty is the sum of the squared entries: no root is taken, and "
        "its slope vanishes where the Jacobian does."
    ),
    caught_by=(MOVES, TRAINS, LINEAR_5),
)
def norm_not_squared(encoder, x):
    return jacobian_of(encoder, x).square().sum((1, 2)).sqrt()


@misconception(
    "contractive_penalty",
    belief="the slope of the summed code is enough",
    story=(
        "The code was summed before it was differentiated: slopes of different numbers of the code cancel. Square first, and add "
        "up afterwards."
    ),
    caught_by=(MOVES, TRAINS, LINEAR_5),
)
def code_summed_first(encoder, x):
    x = x.requires_grad_() if not x.requires_grad else x
    (slope,) = torch.autograd.grad(encoder(x).sum(), x, create_graph=True)
    return slope.square().sum(-1)


@misconception(
    "contractive_penalty",
    belief="a penalty is one number for the batch",
    story=(
        "All rows have got the mean over the batch. Each row has a Jacobian of its own, and training can average afterwards."
    ),
    caught_by=(MOVES, ALONE),
    may_break=(LINEAR_5,),
)
def mean_over_the_batch(encoder, x):
    return jacobian_of(encoder, x).square().sum((1, 2)).mean().expand(len(x))


@misconception(
    "contractive_penalty",
    belief="entries are averaged",
    story=(
        "The squared entries were averaged. The Frobenius norm adds them up; a mean makes the penalty depend on how many pixels "
        "there are."
    ),
    caught_by=(MOVES, TRAINS, LINEAR_5),
)
def entries_averaged(encoder, x):
    return jacobian_of(encoder, x).square().mean((1, 2))


@misconception(
    "contractive_penalty",
    belief="a Jacobian once computed is a number",
    story=(
        "The values are right, and no gradient flows through them: the Jacobian was computed without create_graph=True, or "
        "detached. Training would never lower the penalty."
    ),
    caught_by=(TRAINS,),
)
def detached(encoder, x):
    return jacobian_of(encoder, x).detach().square().sum((1, 2))


@misconception(
    "contractive_penalty",
    belief="functional calls take detached parameters",
    story=(
        "The encoder was called with detached copies of its weights, as in tutorials on torch.func. The penalty is right and "
        "no gradient of it reaches the encoder, which is what it is for."
    ),
    caught_by=(TRAINS,),
)
def weights_detached(encoder, x):
    weights = {name: value.detach() for name, value in encoder.named_parameters()}

    def code(one):
        return torch.func.functional_call(encoder, weights, (one.unsqueeze(0),)).squeeze(0)

    return torch.vmap(torch.func.jacrev(code))(x).square().sum((1, 2))


@misconception(
    "contractive_penalty",
    belief="what is small is the code",
    story=(
        "The squared length of the code came back. A code may be as large as it likes: the penalty is on how much it changes "
        "when x does."
    ),
    caught_by=(MOVES, TRAINS, LINEAR_5),
)
def length_of_the_code(encoder, x):
    return encoder(x).square().sum(-1)


@misconception(
    "contractive_penalty",
    belief="the penalty is the sum of the squared weights",
    story=(
        "The weights of the layers were squared and added up: weight decay. That is the penalty only of a linear encoder; where "
        "tanh is flat, the code hardly moves whatever the weights are."
    ),
    caught_by=(MOVES, TRAINS),
    may_break=(LINEAR_5,),
)
def weight_decay(encoder, x):
    total = torch.stack([weight.square().sum() for weight in encoder.parameters() if weight.dim() == 2]).sum()
    return total.expand(len(x)) + 0 * encoder(x).sum(-1)


@misconception(
    "contractive_penalty",
    belief="absolute values measure as well as squares",
    story="The absolute values of the entries were added up. The Frobenius norm is made of squares.",
    caught_by=(MOVES, TRAINS, LINEAR_5),
)
def absolute_values(encoder, x):
    return jacobian_of(encoder, x).abs().sum((1, 2))


@misconception(
    "contractive_penalty",
    belief="the largest stretch is the norm of the Jacobian",
    story=(
        "The largest singular value was squared: the spectral norm, the stretch in one direction. Frobenius' norm adds up the "
        "squares of all singular values."
    ),
    caught_by=(MOVES, TRAINS, LINEAR_5),
)
def spectral_norm(encoder, x):
    return torch.linalg.matrix_norm(jacobian_of(encoder, x), 2).square()


@misconception(
    "contractive_penalty",
    belief="every encoder is a sigmoid layer",
    story=(
        "The closed form for one layer of sigmoids, Σ (h(1 − h))²‖w‖², was used for an encoder that has other layers. For any "
        "encoder at all, differentiate it."
    ),
    caught_by=(MOVES, TRAINS, LINEAR_5),
)
def formula_for_a_sigmoid_layer(encoder, x):
    h = encoder(x)
    weight = [value for value in encoder.parameters() if value.dim() == 2][-1]
    return ((h * (1 - h)).square() * weight.square().sum(-1)).sum(-1)


# ---- interpolate: right --------------------------------------------------------------------------------------------------


@variation("interpolate", "a loop over pairs and steps")
def loop_over_steps(encoder, decoder, a, b, steps):
    walks = []
    for start, end in zip(a, b, strict=True):
        first, last = encoder(start.unsqueeze(0)), encoder(end.unsqueeze(0))
        walks.append(
            torch.cat([decoder(first + (last - first) * step / (steps - 1)) for step in range(steps)]).sigmoid()
        )
    return torch.stack(walks)


@variation("interpolate", "all codes decoded as one batch")
def as_one_batch(encoder, decoder, a, b, steps):
    share = torch.linspace(0, 1, steps, dtype=a.dtype, device=a.device)
    codes = torch.einsum("s,nk->nsk", 1 - share, encoder(a)) + torch.einsum("s,nk->nsk", share, encoder(b))
    return decoder(codes.flatten(0, 1)).sigmoid().reshape(len(a), steps, -1)


@variation("interpolate", "torch.lerp and distributions")
def with_lerp(encoder, decoder, a, b, steps):
    pictures = [
        Bernoulli(logits=decoder(torch.lerp(encoder(a), encoder(b), step / (steps - 1)))).probs for step in range(steps)
    ]
    return torch.stack(pictures, 1)


# ---- interpolate: wrong --------------------------------------------------------------------------------------------------


def shares(steps, like):
    return torch.linspace(0, 1, steps, dtype=like.dtype, device=like.device)[None, :, None]


EVENLY, REACHES, BACK = "walks_evenly_between_the_codes", "ends_are_reconstructions", "the_way_back_is_the_same"


@misconception(
    "interpolate",
    belief="pictures are mixed",
    story=(
        "The pictures themselves were mixed and sent through the network. Halfway between a 3 and an 8 in pixels is a double "
        "exposure; the walk is to be taken among the codes."
    ),
    caught_by=(EVENLY,),
)
def pixels_mixed(encoder, decoder, a, b, steps):
    share = shares(steps, a)
    return decoder(encoder((1 - share) * a.unsqueeze(1) + share * b.unsqueeze(1))).sigmoid()


@misconception(
    "interpolate",
    belief="reconstructions are mixed",
    story=(
        "a and b were decoded and their pictures mixed: one fades into the other. Decode the codes in between; every one of them "
        "is a picture of its own."
    ),
    caught_by=(EVENLY,),
)
def reconstructions_mixed(encoder, decoder, a, b, steps):
    share = shares(steps, a)
    start, end = (decoder(encoder(one)).sigmoid().unsqueeze(1) for one in (a, b))
    return (1 - share) * start + share * end


@misconception(
    "interpolate",
    belief="the last step may be left out",
    story=(
        "The steps are 0, 1/steps, …: the end is never reached. With both ends included the distance between two steps is "
        "1/(steps − 1)."
    ),
    caught_by=(EVENLY, REACHES, BACK),
)
def end_left_out(encoder, decoder, a, b, steps):
    share = torch.arange(steps, dtype=a.dtype, device=a.device)[None, :, None] / steps
    return decoder((1 - share) * encoder(a).unsqueeze(1) + share * encoder(b).unsqueeze(1)).sigmoid()


@misconception(
    "interpolate",
    belief="the decoder gives pixels",
    story=(
        "The logits came back as they are. The decoder's numbers are any reals; sigmoid makes pixels between 0 and 1 of them."
    ),
    caught_by=(EVENLY, REACHES),
)
def logits_for_pixels(encoder, decoder, a, b, steps):
    share = shares(steps, a)
    return decoder((1 - share) * encoder(a).unsqueeze(1) + share * encoder(b).unsqueeze(1))


@misconception(
    "interpolate",
    belief="the walk begins at b",
    story="The codes run from b to a: the weights of the two are exchanged. The first picture belongs to a.",
    caught_by=(EVENLY, REACHES),
)
def from_b_to_a(encoder, decoder, a, b, steps):
    share = shares(steps, a)
    return decoder(share * encoder(a).unsqueeze(1) + (1 - share) * encoder(b).unsqueeze(1)).sigmoid()


@misconception(
    "interpolate",
    belief="the ends are the pictures themselves",
    story=(
        "The first and the last picture were replaced by a and b. Both ends are decoded like all others: what the code has lost "
        "is lost there, too."
    ),
    caught_by=(EVENLY, REACHES),
    may_break=(BACK,),
)
def ends_replaced(encoder, decoder, a, b, steps):
    share = shares(steps, a)
    walk = decoder((1 - share) * encoder(a).unsqueeze(1) + share * encoder(b).unsqueeze(1)).sigmoid()
    return torch.cat([a.unsqueeze(1), walk[:, 1:-1], b.unsqueeze(1)], 1)


@misconception(
    "interpolate",
    belief="the way between codes is an arc",
    story=(
        "The weights are cosine and sine, as on a sphere. Asked for is the straight line: weights 1 − t and t, which add up to "
        "one."
    ),
    caught_by=(EVENLY, BACK),
)
def along_an_arc(encoder, decoder, a, b, steps):
    angle = shares(steps, a) * (math.pi / 2)
    return decoder(angle.cos() * encoder(a).unsqueeze(1) + angle.sin() * encoder(b).unsqueeze(1)).sigmoid()


@misconception(
    "interpolate",
    belief="logits are mixed",
    story=(
        "a and b were decoded, and their logits mixed. The decoder is not linear: what it makes of the code halfway is not "
        "halfway between what it makes of the ends."
    ),
    caught_by=(EVENLY,),
)
def logits_mixed(encoder, decoder, a, b, steps):
    share = shares(steps, a)
    start, end = (decoder(encoder(one)).unsqueeze(1) for one in (a, b))
    return ((1 - share) * start + share * end).sigmoid()


# ---- anomaly_auc: right --------------------------------------------------------------------------------------------------


@variation("anomaly_auc", "a loop over all pairs")
def loop_over_pairs(normal, odd):
    won = sum(
        1.0 if strange > calm else 0.5 if strange == calm else 0.0
        for strange in odd.tolist()
        for calm in normal.tolist()
    )
    return won / (len(normal) * len(odd))


@variation("anomaly_auc", "ranks, after Mann and Whitney")
def by_ranks(normal, odd):
    together = torch.cat([normal, odd])
    below = torch.searchsorted(together.sort().values, odd.contiguous()).to(normal)
    upto = torch.searchsorted(together.sort().values, odd.contiguous(), right=True).to(normal)
    ranks = (below + upto + 1) / 2
    k = len(odd)
    return (ranks.sum() - k * (k + 1) / 2) / (len(normal) * k)


# ---- anomaly_auc: wrong --------------------------------------------------------------------------------------------------

AREA, ORDER, TOLD = "is_the_area_under_the_curve", "only_the_order_counts", "told_apart_or_not"


@misconception(
    "anomaly_auc",
    belief="ties are lost",
    story="A tie counts 0. Where all errors are alike one would then get 0 and not ½, which is what guessing gets.",
    caught_by=(AREA, ORDER, TOLD),
)
def ties_count_nothing(normal, odd):
    return (odd[:, None] > normal).to(normal).mean()


@misconception(
    "anomaly_auc",
    belief="ties are won",
    story="A tie counts 1. Where all errors are alike one would then get 1, as if odd ones were told apart perfectly.",
    caught_by=(AREA, ORDER, TOLD),
)
def ties_count_whole(normal, odd):
    return (odd[:, None] >= normal).to(normal).mean()


@misconception(
    "anomaly_auc",
    belief="normal examples have the larger error",
    story="The two groups are exchanged. An autoencoder is worse at what it has not seen: odd ones should have the larger error.",
    caught_by=(AREA, TOLD),
)
def groups_exchanged(normal, odd):
    return (normal[:, None] > odd).to(odd).mean() + (normal[:, None] == odd).to(odd).mean() / 2


@misconception(
    "anomaly_auc",
    belief="one threshold tells how well it works",
    story=(
        "The share of odd examples above the median of the normal ones came back. That is one point of the curve; the area "
        "averages over all thresholds."
    ),
    caught_by=(AREA,),
    may_break=(ORDER,),
)
def one_threshold(normal, odd):
    middle = normal.quantile(0.5)
    return (odd > middle).to(odd).mean() + (odd == middle).to(odd).mean() / 2


@misconception(
    "anomaly_auc",
    belief="the k-th odd one is compared with the k-th normal one",
    story="The examples were compared pair by pair in the order in which they are listed. Every odd one meets every normal one.",
    caught_by=(AREA, TOLD),
    may_break=(ORDER,),
)
def pair_by_pair(normal, odd):
    count = min(len(normal), len(odd))
    a, b = normal[:count], odd[:count]
    return ((b > a).to(a) + (b == a).to(a) / 2).mean()


EQUIVALENT = [
    equivalent(
        "reconstruction_losses",
        was="return squared.sum(-1), cross_entropy.sum(-1)",
        becomes=(
            "return squared.sum(+1), cross_entropy.sum(-1)",
            "return squared.sum(-1), cross_entropy.sum(+1)",
        ),
        why="there are two axes, so the last is also the one with number 1",
    ),
    equivalent(
        "denoising_loss",
        was='return binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)',
        becomes='return binary_cross_entropy_with_logits(logits, x, reduction="none").sum(+1)',
        why="there are two axes, so the last is also the one with number 1",
    ),
    equivalent(
        "best_denoiser",
        was="posterior = torch.softmax(-squared / (2 * sigma**2), -1)",
        becomes="posterior = torch.softmax(-squared / (2 * sigma**2), +1)",
        why="there are two axes, so the last is also the one with number 1",
    ),
]
