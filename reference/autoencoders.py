"""Autoencoders: a code for x from which x is made again, with something that keeps the code from being a copy.

plain          a bottleneck
denoising      x is spoilt on its way in, and whole on its way out (Vincent et al., 2008, 2010)
contractive    the code may hardly move when x does: ‖∂h/∂x‖² is paid for (Rifai et al., 2011)
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

Spoil = Callable[[Float[Tensor, "n d"], torch.Generator], Float[Tensor, "n d"]]


class Autoencoder(nn.Module):
    """decoder(encoder(x)): logits of pixels between 0 and 1, or real values, as the loss has it."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return self.decoder(self.encoder(x))


def squared_error(output: Float[Tensor, "n d"], x: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    """Σ over dimensions of (output − x)²: but for constants −log of a Gaussian with variance ½."""
    return (output - x).square().sum(-1)


def cross_entropy(logits: Float[Tensor, "n d"], x: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    """Σ over pixels, in nats: −log of a Bernoulli where x is 0 or 1."""
    return binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


def masking(share: float) -> Spoil:
    """Each pixel is set to 0 with this probability."""
    if not 0 <= share < 1:
        raise ValueError(f"share={share:g}; expected 0 ≤ share < 1")

    def spoil(x: Float[Tensor, "n d"], generator: torch.Generator) -> Float[Tensor, "n d"]:
        return x * (torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype) >= share)

    return spoil


def gaussian_noise(sigma: float) -> Spoil:
    """Each pixel gets noise of its own with this standard deviation."""
    if sigma < 0:
        raise ValueError(f"sigma={sigma:g}; expected a number ≥ 0")

    def spoil(x: Float[Tensor, "n d"], generator: torch.Generator) -> Float[Tensor, "n d"]:
        return x + sigma * torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)

    return spoil


def contraction(encoder: nn.Module, x: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    """‖∂h/∂x‖²_F, the squares of all entries of the Jacobian added up, for every row: exact, for any encoder."""
    parameters = {**dict(encoder.named_parameters()), **dict(encoder.named_buffers())}

    def code(one: Float[Tensor, "d"]) -> Float[Tensor, "k"]:
        return torch.func.functional_call(encoder, parameters, (one.unsqueeze(0),)).squeeze(0)

    jacobian = torch.func.vmap(torch.func.jacrev(code))(x)
    return jacobian.square().flatten(1).sum(1)


def terms(
    loss: Callable[[Tensor, Tensor], Float[Tensor, "n"]], spoil: Spoil | None = None, penalty: float = 0.0
) -> Callable[[nn.Module, Tensor, torch.Generator], tuple[Float[Tensor, "n"], Float[Tensor, "n"]]]:
    """What `lab.fit` trains an autoencoder with: (−loss of the whole x from the spoilt one, penalty·‖∂h/∂x‖²)."""

    def of(model: nn.Module, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        shown = x if spoil is None else spoil(x, generator)
        explained = -loss(model(shown), x)
        if not penalty:
            return explained, torch.zeros_like(explained)
        return explained, penalty * contraction(model.encoder, x)  # type: ignore[arg-type]

    return of
