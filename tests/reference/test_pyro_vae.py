"""Pyro's bound on the same VAE, with the same weights and the same noise, is ours."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lab.fit import made
from reference.bounds import log_weights
from reference.heads import BernoulliHead, ContinuousBernoulliHead, GaussianHead, Head
from reference.vae import VAE, mlp_vae

pytest.importorskip("pyro", reason="Pyro is not installed (the extra `pyro`)")

HEADS = [BernoulliHead(), ContinuousBernoulliHead(), GaussianHead(0.3), GaussianHead("shared"), GaussianHead("each")]


def vae_of(head: Head) -> VAE:
    return made(lambda: mlp_vae(12, [16], 3, head).double(), 0)  # type: ignore[return-value]


def images() -> Tensor:
    return (torch.rand(7, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64) < 0.4).double()


def noise() -> Tensor:
    """What the guide draws after `torch.manual_seed(0)`: Pyro's normal distribution is torch's."""
    torch.manual_seed(0)
    return torch.normal(torch.zeros(7, 3, dtype=torch.float64), torch.ones(7, 3, dtype=torch.float64))


@pytest.fixture(autouse=True)
def leaves_no_trace() -> None:
    import pyro

    pyro.clear_param_store()


@pytest.mark.parametrize("head", HEADS, ids=lambda head: f"{type(head).__name__} {getattr(head, 'sigma', '')}")
def test_the_bound_is_the_same_with_the_kl_in_closed_form_and_without(head: Head) -> None:
    from pyro.infer import Trace_ELBO, TraceMeanField_ELBO

    from reference.pyro_vae import Program

    vae, x = vae_of(head), images()
    program, eps = Program(vae), noise()
    for theirs, ours in ((TraceMeanField_ELBO(), vae.elbo(x, eps)), (Trace_ELBO(), log_weights(vae, x, eps[None])[0])):
        torch.manual_seed(0)
        assert -theirs.loss(program.model, program.guide, x) == pytest.approx(ours.sum().item(), rel=1e-12)


def test_a_step_of_theirs_is_a_step_of_ours() -> None:
    from reference.pyro_vae import trainer

    x, eps = images(), noise()
    ours, theirs = vae_of(BernoulliHead()), vae_of(BernoulliHead())
    optimiser = torch.optim.Adam(ours.parameters(), lr=1e-3)
    (-ours.elbo(x, eps).sum()).backward()
    optimiser.step()
    steps = trainer(theirs)
    torch.manual_seed(0)
    steps.step(x)
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a, b, rtol=0, atol=1e-9), name
