"""A trained model, looked at: its plane, what it decodes, what becomes of images. Before training they say that they wait."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from lab import figures
from lab.data import Images
from lab.history import History
from lab.style import GREEN, GREY, PURPLE, Picture, beside, canvas, picture
from lab.waiting import Notice


class Trained(Protocol):
    """What the notebook's models have."""

    encoder: Callable[[Tensor], tuple[Tensor, Tensor]]
    decoder: Callable[[Tensor], Tensor]
    latents: int
    history: History


def once_trained(draw: Callable[..., Picture]) -> Callable[..., Picture | Notice]:
    """The figure of a model that has been trained; of one that has not, the sentence that it waits."""

    @functools.wraps(draw)
    def drawn(vae: Trained | Mapping[str, Trained], *args: Any, **settings: Any) -> Picture | Notice:
        models = vae.values() if isinstance(vae, Mapping) else [vae]
        if not all(model.history.epochs for model in models):
            return Notice("This figure waits for train_step.")
        with torch.no_grad():
            return draw(vae, *args, **settings)

    return drawn


@once_trained
def plane(vae: Trained, images: Images) -> Picture:
    """Where the encoder puts the training images: means of q(z|x), by class, over the prior's circles."""
    mu, _ = vae.encoder(images.train.images(generator=torch.Generator().manual_seed(0)))
    if images.train.labels is None:
        raise ValueError(f"expected images with labels; got {images.name} without")
    return figures.latent_plane(mu, images.train.labels)


@once_trained
def manifold(vae: Trained, side: int = 16) -> Picture:
    """What the decoder makes of the plane, as probabilities of the pixels."""
    return figures.manifold(lambda z: torch.sigmoid(vae.decoder(z)), side=side)


@once_trained
def reconstructions(vaes: Mapping[str, Trained], images: Images, count: int = 12) -> Picture:
    """Test images, and what each model makes of one code of theirs: probabilities, not pixels."""
    generator = torch.Generator().manual_seed(1)
    x = images.test.images(slice(count), generator)
    found = {"image": x}
    for name, vae in vaes.items():
        mu, log_var = vae.encoder(x)
        z = mu + (log_var / 2).exp() * torch.randn(mu.shape, generator=generator)
        found[name] = torch.sigmoid(vae.decoder(z))
    return figures.rows(found)


@once_trained
def samples(vae: Trained, count: int = 48, seed: int = 0) -> Picture:
    """Codes from the prior, decoded: probabilities of the pixels."""
    z = torch.randn(count, vae.latents, generator=torch.Generator().manual_seed(seed))
    return figures.samples(torch.sigmoid(vae.decoder(z)), f"decoder(z) for z ~ p(z), {vae.latents} latents", columns=16)


Bound = Callable[..., Float[Tensor, "n"]]


def nll_by_draws(
    elbo: Bound, importance_log_likelihood: Bound, bernoulli_log_likelihood: Bound, vae: Trained, images: Images,
    counts: tuple[int, ...],
) -> list[float]:  # fmt: skip
    """−ELBO, then −log p(x) estimated from so many draws; means over the test images, always with the same noise."""
    generator = torch.Generator().manual_seed(0)
    x = images.test.images(generator=generator)
    eps = torch.randn(len(x), max(counts), vae.latents, generator=generator)
    networks = vae.encoder, vae.decoder, bernoulli_log_likelihood
    found = [-float(torch.stack([elbo(*networks, x, eps[:, j]).mean() for j in range(min(20, max(counts)))]).mean())]
    for count in counts:
        parts = [
            importance_log_likelihood(*networks, some, noise)
            for some, noise in zip(x.split(32), eps[:, :count].split(32), strict=True)
        ]
        found.append(-float(torch.cat(parts).mean()))
    return found


@picture
def draw_tightening(found: Mapping[str, list[float]], counts: tuple[int, ...], about: str) -> tuple[Any, str]:
    figure, (ax,) = canvas(height=3.8)
    said = []
    for (name, (bound, *estimates)), colour in zip(found.items(), (GREEN, PURPLE), strict=False):
        ax.plot(counts, estimates, "o-", color=colour, ms=4)
        ax.axhline(bound, color=colour, lw=1.2, ls="--")
        beside(ax, f"{name}: −ELBO {bound:.1f}", (counts[-1], bound), (0, 4), color=colour, ha="right")
        beside(ax, f"{estimates[-1]:.1f}", (counts[-1], estimates[-1]), (0, -14), color=colour, ha="center")
        said.append(f"{name}: −ELBO {bound:.1f}, and {estimates[-1]:.1f} from {counts[-1]} draws")
    ax.set(
        xscale="log",
        xlabel="draws S for each image",
        ylabel="nats an image",
        title=f"−log p(x), lower is better; {about}",
    )
    ax.set_xticks(list(counts), [str(count) for count in counts])
    ax.minorticks_off()
    ax.margins(y=0.14)
    ax.spines["bottom"].set_color(GREY)
    return figure, f"−log p(x) by the number of draws, on {about}. {'; '.join(said)}."


def tightening(
    elbo: Bound, importance_log_likelihood: Bound, bernoulli_log_likelihood: Bound, *, vaes: Mapping[str, Trained],
    images: Images, counts: tuple[int, ...] = (1, 5, 20, 100),
) -> Picture | Notice:  # fmt: skip
    """The estimate of −log p(x) falls as draws are added; the bound stays where it is."""
    if min(counts, default=0) < 1:
        raise ValueError(f"expected numbers of draws from 1 on; got {counts}")
    if not all(vae.history.epochs for vae in vaes.values()):
        return Notice("This figure waits for train_step.")
    with torch.no_grad():
        found = {
            name: nll_by_draws(elbo, importance_log_likelihood, bernoulli_log_likelihood, vae, images, counts)
            for name, vae in vaes.items()
        }
    return draw_tightening(found, counts, f"{images.name}, {len(images.test)} test images")
