"""The variational autoencoder (Kingma & Welling, 2014; Rezende et al., 2014): prior, encoder and decoder give distributions.

So the bound reads like the formula:

    log p(x) ≥ E_q(z | x)[log p(x | z)] − KL[q(z | x)‖p(z)]
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal, kl_divergence

from reference.heads import Head


def layers(
    sizes: Sequence[int], activation: Callable[[], nn.Module] = nn.ReLU, *, last: bool = False
) -> nn.Sequential:  # fmt: skip
    """Linear layers of these sizes with an activation between them, and behind the last one if asked for."""
    parts: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        parts += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*(parts if last else parts[:-1]))


class GaussianEncoder(nn.Module):
    """q(z | x) = N(mu(x), diag exp(log_var(x)))."""

    def __init__(self, body: nn.Module, width: int, latents: int) -> None:
        super().__init__()
        self.body, self.out = body, nn.Linear(width, 2 * latents)

    def forward(self, x: Float[Tensor, "n d"]) -> Independent:
        mu, log_var = self.out(self.body(x)).chunk(2, dim=-1)
        return Independent(Normal(mu, (log_var / 2).exp(), validate_args=False), 1, validate_args=False)


class Decoder(nn.Module):
    """p(x | z): a network, and a head that says what its outputs mean."""

    def __init__(self, body: nn.Module, width: int, dimensions: int, head: Head) -> None:
        super().__init__()
        self.body, self.out, self.head = body, nn.Linear(width, head.width(dimensions)), head

    def forward(self, z: Float[Tensor, "n k"]) -> Distribution:
        return self.head(self.out(self.body(z)))


class StandardNormal(nn.Module):
    """p(z) = N(0, I)."""

    def __init__(self, latents: int) -> None:
        super().__init__()
        self.latents = latents
        self.register_buffer("zero", torch.zeros(latents), persistent=False)

    def forward(self) -> Independent:
        zero = self.get_buffer("zero")
        return Independent(Normal(zero, torch.ones_like(zero), validate_args=False), 1, validate_args=False)


class VAE(nn.Module):
    """p(z) p(x | z) with the amortised posterior q(z | x)."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module, prior: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder, self.prior = encoder, decoder, prior

    def terms(
        self, x: Float[Tensor, "n d"], eps: Float[Tensor, "n k"]
    ) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"]]:  # fmt: skip
        """(log p(x | z) at z = mu + sigma·eps, KL[q(z | x)‖p(z)]), in nats, one number an example."""
        q = self.encoder(x)
        return self.decoder(moved(q, eps)).log_prob(x), kl_divergence(q, self.prior())

    def elbo(self, x: Float[Tensor, "n d"], eps: Float[Tensor, "n k"]) -> Float[Tensor, "n"]:
        """The bound, estimated with one draw an example."""
        explained, cost = self.terms(x, eps)
        return explained - cost


def moved(q: Independent, eps: Float[Tensor, "*s n k"]) -> Float[Tensor, "*s n k"]:
    """Standard normal noise as a sample of q, differentiable in its parameters."""
    return q.base_dist.loc + q.base_dist.scale * eps


def terms(model: VAE, x: Float[Tensor, "n d"], generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """What `lab.fit` trains with: fresh noise for each example and dimension."""
    eps = torch.randn(len(x), model.prior.latents, generator=generator, device=x.device)  # type: ignore[arg-type]
    return model.terms(x, eps)


def mlp_vae(
    dimensions: int, hidden: Sequence[int], latents: int, head: Head, activation: Callable[[], nn.Module] = nn.ReLU
) -> VAE:  # fmt: skip
    """The usual one: 784-400-20-400-784 is `mlp_vae(784, [400], 20, BernoulliHead())`."""
    return VAE(
        GaussianEncoder(layers([dimensions, *hidden], activation, last=True), hidden[-1], latents),
        Decoder(layers([latents, *reversed(hidden)], activation, last=True), hidden[0], dimensions, head),
        StandardNormal(latents),
    )
