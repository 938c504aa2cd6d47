"""The reference passes the laws of the units that ask for the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch import Tensor, nn
from torch.distributions import Independent, Normal, kl_divergence

from autograder.answer import LocalTransport
from autograder.exercise import Unit
from autograder.judge import check_exercise
from autograder.session import Session
from reference.autoencoders import contraction, cross_entropy, squared_error
from reference.bounds import iwae, log_weights
from reference.heads import BernoulliHead, GaussianHead
from reference.vae import VAE, StandardNormal, moved

SOLUTIONS = Path(__file__).parents[2] / "solutions"


def gaussian(mu: Tensor, log_var: Tensor) -> Independent:
    return Independent(Normal(mu, (log_var / 2).exp(), validate_args=False), 1, validate_args=False)


def vae_of(encoder: nn.Module, decoder: nn.Module, log_likelihood: Callable[..., Tensor], like: Tensor) -> VAE:
    """The reference's VAE around the networks that a law hands in."""

    class Encoder(nn.Module):
        def forward(self, x: Tensor) -> Independent:
            return gaussian(*encoder(x))

    class Decoder(nn.Module):
        def forward(self, z: Tensor) -> Any:
            outputs = decoder(z)
            return SimpleNamespace(log_prob=lambda x: log_likelihood(outputs, x))

    return VAE(Encoder(), Decoder(), StandardNormal(like.shape[-1]).to(like))


def log_likelihood(logits: Tensor, x: Tensor) -> Tensor:
    return BernoulliHead()(logits).log_prob(x)


def train_step(encoder: nn.Module, decoder: nn.Module, optimiser: Any, x: Tensor, eps: Tensor) -> Tensor:
    loss = -vae_of(encoder, decoder, log_likelihood, eps).elbo(x, eps).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.detach()


def importance(encoder: Any, decoder: Any, likelihood: Any, x: Tensor, eps: Tensor) -> Tensor:
    return iwae(log_weights(vae_of(encoder, decoder, likelihood, eps), x, eps.transpose(0, 1)))


def gaussian_decoder(mean: Tensor, x: Tensor, smallest: Tensor) -> tuple[Tensor, Tensor]:
    head = GaussianHead("optimal", least=float(smallest.sqrt()))
    return (x - mean).square().mean().clamp_min(smallest), head(mean).log_prob(x)


ANSWERS: dict[tuple[str, str], Callable[..., Any]] = {
    ("vae", "reparameterise"): lambda mu, log_var, eps: moved(gaussian(mu, log_var), eps),
    ("vae", "gaussian_kl_to_standard"): lambda mu, log_var: kl_divergence(
        gaussian(mu, log_var), StandardNormal(mu.shape[1]).to(mu)()
    ),
    ("vae", "bernoulli_log_likelihood"): log_likelihood,
    ("vae", "elbo"): lambda encoder, decoder, likelihood, x, eps: vae_of(encoder, decoder, likelihood, eps).elbo(x, eps),
    ("vae", "train_step"): train_step,
    ("vae", "importance_log_likelihood"): importance,
    ("vae", "gaussian_decoder"): gaussian_decoder,
    ("autoencoders", "reconstruction_losses"): lambda logits, x: (
        squared_error(logits.sigmoid(), x), cross_entropy(logits, x)
    ),
    ("autoencoders", "contractive_penalty"): contraction,
}  # fmt: skip


@pytest.mark.parametrize(("slug", "name"), ANSWERS, ids=lambda value: value)
def test_it_passes_every_law(slug: str, name: str) -> None:
    unit = Unit.load(SOLUTIONS / slug)
    session = Session(given=unit.given)
    session.names[name] = ANSWERS[slug, name]
    verdict = check_exercise(unit.exercises[name], LocalTransport(session))
    assert [(law.name, law.message) for law in verdict.laws if law.evidence != "holds"] == []
