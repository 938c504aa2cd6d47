"""A small variational autoencoder, trained on the spot, for figures that need one. Its bound comes from torch.distributions."""

from __future__ import annotations

from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from lab.data import load
from lab.data.images import Images
from lab.fit import fit, made


class Encoder(nn.Module):
    """x ↦ (mu, log_var) of q(z | x)."""

    def __init__(self, pixels: int, hidden: int, latents: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU())
        self.mu, self.log_var = nn.Linear(hidden, latents), nn.Linear(hidden, latents)

    def forward(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
        hidden = self.body(x)
        return self.mu(hidden), self.log_var(hidden)


class VAE(nn.Module):
    """`encoder(x)` gives (mu, log_var), `decoder(z)` the logits of Bernoulli pixels."""

    def __init__(self, pixels: int, hidden: int, latents: int) -> None:
        super().__init__()
        self.encoder = Encoder(pixels, hidden, latents)
        self.decoder = nn.Sequential(nn.Linear(latents, hidden), nn.ReLU(), nn.Linear(hidden, pixels))


def divergences(mu: Float[Tensor, "n k"], log_var: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
    """KL[q(z | x)‖N(0, I)] of each image in each latent dimension, in nats."""
    q = Normal(mu, (log_var / 2).exp(), validate_args=False)
    return kl_divergence(q, Normal(torch.zeros_like(mu), torch.ones_like(mu)))


def terms(model: nn.Module, x: Float[Tensor, "n d"], generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """(log p(x | z) at one draw, KL) for each image, in nats: what `lab.fit` trains with."""
    assert isinstance(model, VAE)
    mu, log_var = model.encoder(x)
    eps = torch.randn(mu.shape, generator=generator, device=mu.device)
    logits = model.decoder(torch.addcmul(mu, (log_var / 2).exp(), eps))
    return Bernoulli(logits=logits, validate_args=False).log_prob(x).sum(-1), divergences(mu, log_var).sum(-1)


def small_vae(
    images: Images, latents: int = 10, hidden: int = 100, epochs: int = 40, rate: float = 5e-3, seed: int = 0
) -> VAE:  # fmt: skip
    """A VAE with one hidden layer on each side, trained on the images."""
    if min(latents, hidden, epochs) < 1:
        raise ValueError(f"expected at least one latent, hidden unit and epoch; got {latents}, {hidden} and {epochs}")
    pixels = next(images.train.batches(1, torch.Generator())).shape[1]
    model = made(lambda: VAE(pixels, hidden, latents), seed)
    fit(model, terms, images.train, images.valid, epochs=epochs, rate=rate, seed=seed, quiet=True)
    assert isinstance(model, VAE)
    return model


@cache
def thresholded() -> Images:
    """The digits, on where they are darker than one half: on such images means and draws can be told apart."""
    return load("digits", "threshold")


@cache
def ready() -> VAE:
    """A small VAE of these digits, trained when it is first asked for: nothing has to wait for anybody's own."""
    return small_vae(thresholded())
