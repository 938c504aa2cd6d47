"""The same VAE as a probabilistic program in Pyro (the optional extra `pyro`): the model draws, the guide proposes.

Networks, prior and head are those of `reference.vae`, so both have the same weights, and for the same noise the same bound:

    model      z ~ p(z),  x ~ p(x | z)
    guide      z ~ q(z | x)

`Trace_ELBO` is log p(x, z) − log q(z | x) at one draw; `TraceMeanField_ELBO` has the KL in closed form, as `VAE.elbo` does.
"""

from __future__ import annotations

import copy
from functools import cache

import pyro
import torch
from jaxtyping import Float
from pyro.distributions.torch_distribution import TorchDistributionMixin
from pyro.infer import SVI, TraceMeanField_ELBO
from pyro.optim import PyroOptim
from torch import Tensor
from torch.distributions import Distribution

from reference.vae import VAE


class Program:
    """Model and guide of a VAE, as Pyro wants them: functions of a batch of images."""

    def __init__(self, vae: VAE) -> None:
        self.vae = vae

    def model(self, x: Float[Tensor, "n d"]) -> None:
        pyro.module("decoder", self.vae.decoder)
        with pyro.plate("images", len(x)):
            z = pyro.sample("z", theirs(self.vae.prior().expand((len(x),))))
            pyro.sample("x", theirs(self.vae.decoder(z)), obs=x)

    def guide(self, x: Float[Tensor, "n d"]) -> None:
        pyro.module("encoder", self.vae.encoder)
        with pyro.plate("images", len(x)):
            pyro.sample("z", theirs(self.vae.encoder(x)))


def theirs(distribution: Distribution) -> TorchDistributionMixin:
    """A distribution of torch with what Pyro's own versions have besides: to draw from one, Pyro calls it."""
    found = copy.copy(distribution)
    found.__class__ = callable_kind(type(distribution))
    return found  # type: ignore[return-value]


@cache
def callable_kind(kind: type[Distribution]) -> type[Distribution]:
    return type(kind.__name__, (kind, TorchDistributionMixin), {})


def trainer(vae: VAE, rate: float = 1e-3) -> SVI:
    """Pyro's own training: `trainer(vae).step(x)` is one step of Adam on a batch; it gives −Σ of the bound, in nats."""
    pyro.clear_param_store()  # Pyro keeps parameters by name, for the whole process
    program = Program(vae)
    return SVI(program.model, program.guide, PyroOptim(torch.optim.Adam, {"lr": rate}), loss=TraceMeanField_ELBO())
