"""Bounds on log p(x), and log p(x) itself by importance sampling, with an error bar and in bounded memory.

All are made of the importance weights w(z) = p(x, z)/q(z | x), of which the average is p(x):

    ELBO       E[log w]                     Kingma & Welling (2014)
    IWAE_K     E[log (1/K) Σ w_k]           Burda et al. (2016), eq. 8; between the ELBO and log p(x)
    log p(x)   the same with thousands of draws, which is what papers report as the test NLL
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from reference.vae import VAE, moved

DRAWS_AT_ONCE = 20_000
"""Rows that go through the decoder together: 63 MB for each layer of 784 numbers in float32."""


def log_joint(model: VAE, x: Float[Tensor, "n d"], z: Float[Tensor, "k n l"]) -> Float[Tensor, "k n"]:
    """log p(x | z) + log p(z), for K codes of every example."""
    likelihood = model.decoder(z.flatten(0, 1)).log_prob(x.expand(len(z), *x.shape).flatten(0, 1))
    return likelihood.unflatten(0, z.shape[:2]) + model.prior().log_prob(z)


def log_weights(model: VAE, x: Float[Tensor, "n d"], eps: Float[Tensor, "k n l"]) -> Float[Tensor, "k n"]:
    """log p(x, z) − log q(z | x), for K draws of every example."""
    q = model.encoder(x)
    z = moved(q, eps)
    return log_joint(model, x, z) - q.log_prob(z)


def elbo(log_w: Float[Tensor, "k n"]) -> Float[Tensor, "n"]:
    """The mean of the logarithms."""
    return log_w.mean(0)


def iwae(log_w: Float[Tensor, "k n"]) -> Float[Tensor, "n"]:
    """The logarithm of the mean."""
    return log_w.logsumexp(0) - math.log(len(log_w))


@dataclass(frozen=True)
class Likelihood:
    """The negative log-likelihood of a set of images, in nats an image."""

    nll: float
    """The mean over images of −log p̂(x): as an average of K draws p̂ is unbiased, −log p̂ lies above −log p(x)."""
    standard_error: float
    """Of the mean, as images would have been drawn anew."""
    simulation_error: float
    """The part of it that more draws would remove (delta method)."""
    draws: int
    images: int
    data: str
    """The set and its binarisation: numbers of different ones do not compare."""

    def __str__(self) -> str:
        return (
            f"{self.nll:.2f} ± {self.standard_error:.2f} nats ({self.data}, {self.images:,} images, {self.draws:,} draws each, "
            f"simulation error {self.simulation_error:.3f})"
        )


@torch.no_grad()
def likelihood(
    model: VAE, batches: Iterator[Float[Tensor, "b d"]], *, draws: int = 5000, generator: torch.Generator, data: str
) -> Likelihood:  # fmt: skip
    """−log p(x) by importance sampling with q(z | x). Memory does not grow with the number of draws or of images."""
    nll: list[Tensor] = []
    spread: list[Tensor] = []
    for batch in batches:
        for x in batch.split(100):
            at_once = max(1, min(draws, DRAWS_AT_ONCE // len(x)))
            total = torch.full((len(x),), -math.inf, dtype=torch.float64, device=x.device)
            squares = total.clone()
            for begin in range(0, draws, at_once):
                count = min(at_once, draws - begin)
                eps = torch.randn(count, len(x), model.prior.latents, generator=generator, device=x.device)  # type: ignore[arg-type]
                log_w = log_weights(model, x, eps).double()
                total = torch.logaddexp(total, log_w.logsumexp(0))
                squares = torch.logaddexp(squares, (2 * log_w).logsumexp(0))
            nll.append(math.log(draws) - total)
            # Var(log p̂) ≈ Var(w)/(K·E[w]²) = (K Σw²/(Σw)² − 1)/K
            spread.append(((squares - 2 * total).exp() - 1 / draws).clamp_min(0))
    values, variances = torch.cat(nll), torch.cat(spread)
    return Likelihood(
        nll=float(values.mean()),
        standard_error=float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else math.inf,
        simulation_error=float(variances.sum().sqrt()) / len(values),
        draws=draws,
        images=len(values),
        data=data,
    )
