"""How well a model that somebody trained explains images, computed by the side that decides: no number is taken on trust.

A model is an encoder, x ↦ (mean, log-variance) of q(z | x), and a decoder, z ↦ logits of the pixels. What comes back is

    −log (1/K) Σₖ p(x | zₖ) p(zₖ) / q(zₖ | x),    zₖ ~ q(z | x),    in nats an image,

which is on average at least −log p(x), whatever encoder and decoder are: an answer cannot look better than it is. That holds
where the decoder is one function of one code. So it must be made to be:

- The encoder sees the images and nothing else, in a process that ends with its answer. The noise is drawn here, afterwards.
- The decoder runs in a process that has never seen an image, and gets codes alone: in an order that tells nothing, no two of
  one image in the same batch. So it cannot average the codes of an image, which would take the noise out of them.
- It is asked for everything a second time in another fresh process, in another order and in batches of another size. Who looks
  at other rows, or remembers earlier ones, gives himself away: what does not agree is refused, and of what agrees up to
  rounding the worse counts.
- Codes are rounded to float32 on their way. The decoder with that rounding in front is the model that is measured, and
  densities are those of the unrounded codes, so that bits hidden in tiny deviations cost what they are worth.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import softplus

from autograder.answer import Answer, Fault, Remote, tensor_claimed

MOST_LATENTS = 1024
ROWS = 1000
"""How many images the encoder is shown at once."""

Weights = dict[str, Tensor]


def negative_log_likelihoods(
    build: Answer, weights: Weights, x: Float[Tensor, "n d"], *, draws: int, generator: torch.Generator
) -> Float[Tensor, "n"]:
    """An estimate of −log p(x) for each image, by importance sampling with the model's own encoder; on average it is too large.

    `build(weights)` gives encoder and decoder. Pixels are 0 or 1. Raises `Fault` where the model does not give what it must.
    """
    mean, log_var = encoded(build, weights, x)
    n, k = mean.shape
    eps = torch.randn(draws, n, k, generator=generator, dtype=torch.float64)
    z = mean + (log_var / 2).exp() * eps
    # log p(z) − log q(z | x): the constants of both densities are the same.
    log_ratio = (eps.square() + log_var - z.square()).sum(-1) / 2
    order, other_order = orders(draws, n, generator)
    log_p, rounding = decoded(build, weights, x, z.float(), order, n)
    again, _ = decoded(build, weights, x, z.float(), other_order, max(1, n // 4))
    apart = torch.where(log_p == again, 0.0, (log_p - again).abs())  # also where both are −∞
    if not bool((apart <= rounding).all()):
        raise Fault(
            "not_deterministic",
            f"The same codes, decoded in two orders and in batches of two sizes, gave log-likelihoods that are up to "
            f"{float(apart.nan_to_num(math.inf).max()):.3g} nats apart. What the decoder makes of a code may depend on that code "
            "alone: on no other row of the batch, on no noise of its own, on nothing from before.",
        )
    log_w = torch.minimum(log_p, again) + log_ratio
    return math.log(draws) - log_w.logsumexp(0)


def networks(build: Answer, weights: Weights) -> tuple[Remote, Remote]:
    """Encoder and decoder, built anew in the answer's session, as they are when nobody trains them."""
    try:
        encoder, decoder = build.seeded(0)(weights)  # the same networks each time, even where weights were not loaded
    except Fault as fault:
        if fault.kind == "raised" and ("size mismatch" in fault.message or "state_dict" in fault.message):
            message = f"These weights do not fit your networks: were they saved from others? {fault.message}"
            raise Fault("refused", message, fault.where) from None
        raise
    for network in (encoder, decoder):
        network.eval()
    return encoder, decoder


def encoded(
    build: Answer, weights: Weights, x: Float[Tensor, "n d"]
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:  # fmt: skip
    """Means and log-variances of q(z | x), in float64."""
    with build.fresh() as session:
        encoder, _ = networks(session, weights)
        claimed = [encoder(part) for part in x.split(ROWS)]
    pairs = [(claim, len(part)) for claim, part in zip(claimed, x.split(ROWS), strict=True)]
    if not all(isinstance(claim, list) and len(claim) == 2 for claim, _ in pairs):
        raise Fault(
            "wrong_type", "encoder(x) must return two tensors, the mean and the logarithm of the variance of q(z | x)."
        )
    latents = pairs[0][0][0].shape[-1] if isinstance(pairs[0][0][0], Tensor) and pairs[0][0][0].dim() else 0
    if not 0 < latents <= MOST_LATENTS:
        raise Fault(
            "wrong_shape", f"encoder(x) must return codes of 1 to {MOST_LATENTS} dimensions, a row for each image."
        )
    mean, log_var = (
        torch.cat([tensor_claimed(claim[place], rows, latents).cpu().double() for claim, rows in pairs])
        for place in (0, 1)
    )
    if not bool(torch.isfinite(mean).all() and torch.isfinite(log_var).all()):
        raise Fault("not_finite", "encoder(x) returned NaN or infinity.")
    return mean, log_var


def orders(draws: int, n: int, generator: torch.Generator) -> list[Int64[Tensor, "draws n"]]:
    """Two orders in which to send the codes, numbered draw·n + image: each row of either holds every image once, at random,
    with one of its draws, and what comes early in the one comes late in the other."""
    draw_of = torch.rand(draws, n, generator=generator).argsort(
        0
    )  # [row, image]: which draw of the image is in the row
    found = []
    for rows in (draw_of, draw_of.flip(0)):
        image = torch.rand(draws, n, generator=generator).argsort(1)
        found.append(rows.gather(1, image) * n + image)
    return found


def decoded(
    build: Answer, weights: Weights, x: Float[Tensor, "n d"], z: Float[Tensor, "draws n k"],
    order: Int64[Tensor, "draws n"], size: int,
) -> tuple[Float[Tensor, "draws n"], Float[Tensor, "draws n"]]:  # fmt: skip
    """log p(x | z) for every code, decoded in a fresh process in this order, so many at once; and by how much rounding may
    move it."""
    draws, n = order.shape
    log_p, rounding = torch.empty(2, draws * n, dtype=torch.float64)
    codes = z.flatten(0, 1)
    with build.fresh() as session:
        _, decoder = networks(session, weights)
        for row in order:
            for numbers in row.split(size):
                logits = tensor_claimed(decoder(codes[numbers]), len(numbers), x.shape[1]).cpu()
                against = torch.where(x[numbers % n] > 0, -logits, logits)  # −log p of a pixel is log(1 + exp of this)
                if bool(torch.isnan(against).any()):
                    raise Fault("not_finite", "decoder(z) returned NaN.")
                log_p[numbers] = -softplus(against).sum(-1, dtype=torch.float64)
                # A logit that is off by δ moves log p by the chance of the other colour, times δ: one that is sure, and right, by
                # nothing. A float32 logit is off by the rounding of its terms, which are taken to be 32 at least.
                moved = against.sigmoid() * (32 + against.clamp(-1e6, 1e6).abs())
                rounding[numbers] = 64 * torch.finfo(torch.float32).eps * moved.sum(-1, dtype=torch.float64)
    return log_p.view(draws, n), rounding.view(draws, n)
