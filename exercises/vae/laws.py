"""The variational autoencoder: what this week asks, and what every right answer satisfies.

Each exercise is the signature that your function must have; each law below it is a property that is tried on many inputs.
Points lie on the laws that an answer can fail separately. A law without points follows from those that have them: it is there
to tell a wrong answer *what* is wrong with it.

Everything is in nats, and noise is always an argument. The networks that your functions are handed are small and have weights
that a law draws (see given.py), so that everything about them can be computed outside, too: expectations over eps by
Gauss–Hermite quadrature, log p(x) of a linear-Gaussian model from its formula, and of a small tanh decoder by quadrature.
Tolerances are the rounding of the terms that an answer adds up: 64·eps·Σ|terms|, where eps is that of the dtype you were given.
"""
# pyright: reportUndefinedVariable=false, reportReturnType=false

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, MultivariateNormal, Normal, kl_divergence
from torch.distributions.transforms import AffineTransform
from torch.nn import Module
from torch.optim import Optimizer

from autograder.answer import Answer, Fault, Remote
from autograder.chance import mean_is_at_most
from autograder.domains import Domain, Integers, Listed, Normals, Positive, Reals
from autograder.evidence import Evidence, at_least, at_most, close, rounding, true
from autograder.exercise import Unit
from autograder.likelihood import negative_log_likelihoods
from autograder.weights import weights_handed_in
from lab.data import load

unit = Unit("vae", "The variational autoencoder", minutes=290)


@dataclass(frozen=True)
class Pixels(Domain):
    """Black and white: zeros and ones, as real numbers."""

    def sample(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        return torch.randint(0, 2, tuple(shape), generator=generator).double()

    def corners(self, shape: Sequence[int]) -> list[Tensor]:
        return [torch.zeros(tuple(shape), dtype=torch.float64), torch.ones(tuple(shape), dtype=torch.float64)]

    def simpler(self, value: float) -> list[float]:
        return [0.0, 1.0]


def gaussian(mu: Tensor, log_var: Tensor) -> Normal:
    """N(μ, σ²) in float64."""
    return Normal(mu.double(), (log_var.double() / 2).exp(), validate_args=False)


# ---- 1. noise becomes a code ---------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="units of z", sizes=dict(k=(2, 20)), rows=300)
def reparameterise(
    mu: Float[Tensor, "n k"], log_var: Float[Tensor, "n k"], eps: Float[Tensor, "n k"]
) -> Float[Tensor, "n k"]:
    """One code z ~ N(μ, diag σ²) for each row, made of the standard normal eps, differentiable with respect to μ and log σ².

    log_var is log σ², and every entry has its own noise.
    """


@reparameterise.law(
    points=1, decisive=True, sizes=dict(k=(2, 1, 20)), where=dict(mu=Reals(), log_var=Reals(-20, 20), eps=Normals())
)
def standardises_to_eps(z_of, mu, log_var, eps):
    """(z − μ)/σ is eps in every entry, where log_var is the logarithm of σ²."""
    z = z_of(mu, log_var, eps)
    sigma = gaussian(mu, log_var).stddev
    got = ((z.double() - mu.double()) / sigma).to(z.dtype)
    terms = (2 * mu.abs().double() + z.abs().double()) / sigma + eps.abs().double() * (2 + log_var.abs().double())
    return close(got, eps.double(), terms=terms, what="(z − μ)/σ")


@reparameterise.law(points=1, sizes=dict(k=(2, 3)), where=dict(mu=Reals(), log_var=Reals(-60, 60), eps=Normals()))
def a_path_to_both_parameters(z_of, mu, log_var, eps, generator):
    """∂z/∂μ = 1, and ∂z/∂log σ² is half the distance of z from μ, for σ² from e⁻⁶⁰ to e⁶⁰."""
    u = (torch.randint(0, 2, mu.shape, generator=generator).double() * 2 - 1).to(mu)
    half_way = gaussian(mu, log_var).stddev * eps.double() / 2
    size = half_way.abs() * (2 + log_var.abs().double())
    return [
        close(z_of.gradient(mu, log_var, eps, wrt="mu", cotangent=u), u.double(), terms=u.abs(), what="the slope along μ"),
        close(
            z_of.gradient(mu, log_var, eps, wrt="log_var", cotangent=u), u.double() * half_way, terms=size,
            what="the slope along log σ²",
        ),
    ]  # fmt: skip


@reparameterise.law(points=0, where=dict(mu=Reals(-3, 3), log_var=Reals(-4, 4), eps=Normals()))
def each_entry_has_its_own_noise(z_of, mu, log_var, eps):
    """Changing the noise of one entry changes the code in that entry, and in no other of its row or column."""
    n, k = eps.shape
    here = (torch.arange(n, device=eps.device)[:, None] + torch.arange(k, device=eps.device)) % 2 == 0
    moved = torch.where(here, eps + 1 + eps.abs(), eps)
    before, after = z_of(mu, log_var, eps), z_of(mu, log_var, moved)
    return [
        true(((after != before) | ~here).all(-1), what="codes change where their noise does"),
        true(((after == before) | here).all(-1), what="codes stay where their noise does"),
    ]


# ---- 2. what a code costs ------------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="nats, summed over the k latents, one number a row", sizes=dict(k=(2, 20)), rows=300)
def gaussian_kl_to_standard(mu: Float[Tensor, "n k"], log_var: Float[Tensor, "n k"]) -> Float[Tensor, "n"]:
    """KL[N(μ, diag σ²)‖N(0, I)] in closed form, summed over the latents, row by row, in nats. log_var is log σ²."""


def cost_terms(mu: Tensor, log_var: Tensor) -> Tensor:
    """½ Σ μ² + σ²(1 + |log σ²|) + 1 + |log σ²|: what is added up, with what rounding log σ² does to σ²."""
    size = 1 + log_var.double().abs()
    return (mu.double().square() + size * log_var.double().exp() + size).sum(-1) / 2


@gaussian_kl_to_standard.law(
    points=1, decisive=True, sizes=dict(k=(2, 1, 20)), where=dict(mu=Reals(), log_var=Reals(-8, 8))
)
def agrees_with_torch(kl, mu, log_var):
    """It is what torch.distributions finds for the two Gaussians, summed over the latents."""
    prior = Normal(torch.zeros_like(mu, dtype=torch.float64), 1.0, validate_args=False)
    exact = kl_divergence(gaussian(mu, log_var), prior).sum(-1)
    return close(kl(mu, log_var), exact, terms=cost_terms(mu, log_var))


@gaussian_kl_to_standard.law(points=1, where=dict(mu=Reals(-100, 100), log_var=Reals(-20, 20)))
def right_far_out_with_its_slopes(kl, mu, log_var):
    """For σ² from e⁻²⁰ to e²⁰ the value is right, and so are its slopes along μ and log σ²: nothing is clamped or detached."""
    leaves = mu.double().clone().requires_grad_(), log_var.double().clone().requires_grad_()
    exact = kl_divergence(gaussian(*leaves), Normal(torch.zeros_like(leaves[0]), 1.0, validate_args=False)).sum(-1)
    along_mu, along_log_var = torch.autograd.grad(exact.sum(), leaves)
    grows = (1 + log_var.double().abs()) * log_var.double().exp() + 1
    return [
        close(kl(mu, log_var), exact.detach(), terms=cost_terms(mu, log_var), what="the KL far out"),
        close(kl.gradient(mu, log_var, wrt="mu"), along_mu, terms=mu.abs(), what="the slope along μ"),
        close(kl.gradient(mu, log_var, wrt="log_var"), along_log_var, terms=grows, what="the slope along log σ²"),
    ]


@gaussian_kl_to_standard.law(points=0, where=dict(mu=Reals(-3, 3), log_var=Reals(-4, 4)))
def each_latent_adds_its_own(kl, mu, log_var):
    """Twice the same latents cost twice as much; a latent with μ = 0 and σ = 1 costs nothing."""
    nothing = torch.zeros_like(mu)
    before, terms = kl(mu, log_var).double(), cost_terms(mu, log_var)
    return [
        close(kl(torch.cat([mu, mu], -1), torch.cat([log_var] * 2, -1)), 2 * before, terms=2 * terms, what="KL of both"),
        close(kl(torch.cat([mu, nothing], -1), torch.cat([log_var, nothing], -1)), before,
              terms=terms + mu.shape[-1], what="KL with latents that say nothing"),
    ]  # fmt: skip


@gaussian_kl_to_standard.law(points=0, where=dict(mu=Reals(-3, 3), log_var=Reals(-4, 4)))
def never_negative(kl, mu, log_var):
    """KL ≥ 0, and it is 0 for q = p, also where q is nearly p."""
    near_mu, near = 1e-3 * mu, 1e-3 * log_var
    got, close_by = kl(mu, log_var), kl(near_mu, near)
    none = torch.zeros_like(mu)
    return [
        at_least(got, 0.0, slack=rounding(cost_terms(mu, log_var), got)),
        at_least(close_by, 0.0, slack=rounding(cost_terms(near_mu, near), got), what="KL of a q near the prior"),
        close(kl(none, none), 0.0, terms=cost_terms(none, none), what="KL of the prior itself"),
    ]


# ---- 3. how well an image is explained -----------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="nats, summed over the d pixels, one number a row", sizes=dict(d=(3, 40)), rows=300)
def bernoulli_log_likelihood(logits: Float[Tensor, "n d"], x: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    """log p(x|z) of black and white images, summed over their pixels, row by row, in nats.

    Pixels are 0 or 1 and independent given z; logits is what the decoder returns, log p/(1 − p) for each pixel, of any size.
    """


def two_categories(logits: Tensor) -> Categorical:
    """A pixel as one of two categories, with the logits 0 and `logits`, in float64."""
    return Categorical(logits=torch.stack([torch.zeros_like(logits), logits], -1).double(), validate_args=False)


def pixel_terms(logits: Tensor) -> Tensor:
    """Σ 1 + 2|logit|: it is multiplied with x, and the logarithm of the normaliser is as large. Whoever adds one pixel after the
    other rounds at each."""
    return (1 + 2 * logits.double().abs()).sum(-1) * (1 + logits.shape[-1] / 16)


def pixel_slack(logits: Tensor) -> Tensor:
    """What rounding does; and 20·e⁻²⁰ a pixel, since torch's softplus(ℓ) is taken to be ℓ itself beyond 20."""
    return rounding(pixel_terms(logits), logits) + 20 * math.exp(-20) * logits.shape[-1]


@bernoulli_log_likelihood.law(
    points=2, decisive=True, sizes=dict(d=(3, 1, 40)), where=dict(logits=Reals(-4, 4), x=Pixels())
)
def agrees_with_two_categories(log_p, logits, x):
    """Each pixel is one of two categories, off and on, with the logits 0 and ℓ; the image's log-probability is their sum."""
    exact = two_categories(logits).log_prob(x.double()).sum(-1)
    return close(log_p(logits, x), exact, terms=pixel_terms(logits))


@bernoulli_log_likelihood.law(points=2, where=dict(logits=Reals(-1e4, 1e4), x=Pixels()))
def right_far_out_and_its_slopes_too(log_p, logits, x):
    """With logits up to ±10,000 a wrong pixel costs up to 10,000 nats and a right one nothing, with the slopes that training
    needs."""
    leaf = logits.double().clone().requires_grad_()
    exact = two_categories(leaf).log_prob(x.double()).sum(-1)
    (slope,) = torch.autograd.grad(exact.sum(), leaf)
    return [
        close(log_p(logits, x), exact.detach(), tolerance=pixel_slack(logits), what="log p far out"),
        close(
            log_p.gradient(logits, x, wrt="logits"), slope, what="the slope along a logit",
            tolerance=20 * math.exp(-20) + 64 * torch.finfo(logits.dtype).eps,
        ),
    ]  # fmt: skip


@bernoulli_log_likelihood.law(points=0, rows=30, sizes=dict(d=(3, 1, 6)), where=dict(logits=Reals(-5, 5)))
def all_images_add_up_to_one(log_p, logits):
    """Over all 2^d images that there are, the probabilities add up to 1."""
    n, d = logits.shape
    images = torch.tensor(list(itertools.product([0.0, 1.0], repeat=d))).to(logits)
    m = len(images)
    got = log_p(logits.repeat_interleave(m, 0), images.repeat(n, 1)).double().reshape(n, m)
    return close(got.exp().sum(-1).to(logits), 1.0, terms=pixel_terms(logits), what="Σ p(x) over all images")


@bernoulli_log_likelihood.law(points=0, where=dict(logits=Reals(-5, 5), x=Pixels()))
def pixels_add_up(log_p, logits, x):
    """An image twice as large, with every pixel twice, has twice the log-probability: it is a sum, not a mean."""
    twice = log_p(torch.cat([logits, logits], -1), torch.cat([x, x], -1))
    return close(twice, 2 * log_p(logits, x).double(), terms=2 * pixel_terms(logits), what="log p of the image twice")


# ---- networks: drawn here, built inside, computed outside ----------------------------------------------------------------


@dataclass(frozen=True)
class Sized:
    """Numbers in float64, and in units of eps how far off they may be for whoever computes them."""

    value: Tensor
    size: Tensor

    def affine(self, weight: Tensor, bias: Tensor) -> "Sized":
        w, b = weight.double(), bias.double()
        return Sized(self.value @ w.mT + b, (self.value.abs() + self.size) @ w.abs().mT + b.abs())

    def bent(self) -> "Sized":
        return Sized(self.value.tanh(), self.size + 1)


def exactly(x: Tensor) -> Sized:
    return Sized(x.double(), torch.zeros_like(x, dtype=torch.float64))


def packed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies whose numbers lie in memory one after the other, as they are sent."""
    return {name: weight.clone(memory_format=torch.contiguous_format) for name, weight in weights.items()}


@dataclass(frozen=True)
class Model:
    """An encoder, a decoder and a likelihood, by their weights."""

    encoder: dict[str, Tensor]
    decoder: dict[str, Tensor]
    likelihood: str

    def inside(self, answer: Answer) -> tuple[Remote, Remote, Remote]:
        """The three, built where the answer runs."""
        networks = answer.given("Encoder", packed(self.encoder)), answer.given("Decoder", packed(self.decoder))
        return *networks, answer.given(self.likelihood)

    def encoded(self, x: Tensor) -> tuple[Sized, Sized]:
        """μ and log σ²."""
        weights, inside = self.encoder, exactly(x)
        if "hidden.weight" in weights:
            inside = inside.affine(weights["hidden.weight"], weights["hidden.bias"]).bent()
        return (
            inside.affine(weights["mu.weight"], weights["mu.bias"]),
            inside.affine(weights["log_var.weight"], weights["log_var.bias"]),
        )

    def codes(self, x: Tensor, eps: Tensor) -> Sized:
        """A code for each row of x; or several, where eps is [n s k]."""
        mu, log_var = self.encoded(x)
        if eps.dim() == 3:
            mu, log_var = (Sized(one.value.unsqueeze(1), one.size.unsqueeze(1)) for one in (mu, log_var))
        sigma = (log_var.value / 2).exp()
        z = torch.as_tensor(AffineTransform(mu.value, sigma)(eps.double()))
        return Sized(z, mu.size + z.abs() + sigma * (1 + log_var.size) * eps.double().abs())

    def explained(self, z: Sized, x: Tensor) -> Sized:
        """log p(x|z), summed over the dimensions of x."""
        weights = self.decoder
        if "hidden.weight" in weights:
            z = z.affine(weights["hidden.weight"], weights["hidden.bias"]).bent()
        out = z.affine(weights["out.weight"], weights["out.bias"])
        if self.likelihood == "BinaryPixels":
            return Sized(
                two_categories(out.value).log_prob(x.double()).sum(-1), (out.size + 1 + out.value.abs()).sum(-1)
            )
        off = (x.double() - out.value).abs()
        log_p = Normal(out.value, torch.ones_like(out.value), validate_args=False).log_prob(x.double())
        return Sized(log_p.sum(-1), (log_p.abs() + off * (out.size + x.abs() + out.value.abs())).sum(-1))

    def cost(self, x: Tensor) -> Sized:
        """KL[q(z|x)‖p(z)]."""
        mu, log_var = self.encoded(x)
        q = gaussian(mu.value, log_var.value)
        kl = kl_divergence(q, Normal(torch.zeros_like(q.mean), 1.0, validate_args=False)).sum(-1)
        size = (
            mu.value.square() + mu.value.abs() * mu.size + (q.variance + 1) * (1 + log_var.value.abs() + log_var.size)
        )
        return Sized(kl, size.sum(-1))

    def where_it_falls(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        """log p(x|z) − KL with this noise, and its terms."""
        explained, cost = self.explained(self.codes(x, eps), x), self.cost(x)
        return explained.value - cost.value, explained.size + cost.size


def drawn(
    like: Tensor, generator: torch.Generator, d: int, k: int, likelihood: str = "BinaryPixels", hidden: int = 3,
    shift: Sequence[float] = (0.0,),
) -> Model:  # fmt: skip
    """A model with weights between −1 and 1; `shift` is added to the log-variances, one after the other. hidden=0: linear."""

    def layer(name: str, outputs: int, inputs: int) -> dict[str, Tensor]:
        values = torch.rand(outputs, inputs + 1, generator=generator, dtype=torch.float64) * 2 - 1
        return {
            f"{name}.weight": values[:, 1:].contiguous().to(like),
            f"{name}.bias": values[:, 0].contiguous().to(like),
        }

    encoder = {**layer("mu", k, hidden or d), **layer("log_var", k, hidden or d)}
    encoder["log_var.bias"] = encoder["log_var.bias"] + torch.tensor([shift[i % len(shift)] for i in range(k)]).to(like)
    decoder = layer("out", d, hidden or k)
    if hidden:
        encoder |= layer("hidden", hidden, d)
        decoder |= layer("hidden", hidden, k)
    return Model(encoder, decoder, likelihood)


def some_models(x: Tensor, k: int, generator: torch.Generator) -> list[Model]:
    """Pixels behind a tanh network, real numbers behind a linear one, and a q that is sharp in one latent, broad in the next."""
    d = x.shape[-1]
    return [
        drawn(x, generator, d, k),
        drawn(x, generator, d, k, "UnitGaussian", hidden=0),
        drawn(x, generator, d, k, "UnitGaussian", hidden=2, shift=(-14.0, 5.0)),
    ]


def hermite(like: Tensor, count: int, k: int) -> tuple[Tensor, Tensor]:
    """[countᵏ, k] nodes and their weights such that Σ w·g(ε) is E[g(ε)], ε ~ N(0, I), for polynomials of degree < 2·count in each
    coordinate; nodes in the dtype of `like`."""
    nodes, weights = (torch.tensor(v) for v in numpy.polynomial.hermite_e.hermegauss(count))
    points = torch.cartesian_prod(*[nodes] * k).reshape(-1, k)
    products = torch.cartesian_prod(*[weights / weights.sum()] * k).reshape(-1, k).prod(-1)
    return points.to(like), products.to(like.device)


def with_each(x: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Every row with every point: [n·m, …] twice."""
    return x.repeat_interleave(len(points), 0), points.repeat(len(x), 1)


# ---- 4. the bound --------------------------------------------------------------------------------------------------------

SOME_IMAGES = dict(x=Pixels(), eps=Normals())
SHAPES = dict(d=(4, 1, 5), k=(2, 1, 3))


@unit.exercise(batch="n", measure="nats, one number an image", sizes=dict(d=(4, 3), k=(2, 3)), rows=16)
def elbo(
    encoder: Module, decoder: Module, log_likelihood: Callable, x: Float[Tensor, "n d"], eps: Float[Tensor, "n k"]
) -> Float[Tensor, "n"]:  # fmt: skip
    """The evidence lower bound of every image, estimated with one code each: log p(x|z) − KL[q(z|x)‖p(z)], in nats.

    encoder(x) gives (μ, log σ²) of q(z|x), decoder(z) the outputs, and log_likelihood(outputs, x) is log p(x|z), one number an
    image. The KL is in closed form, p(z) = N(0, I), and z is made of eps.
    """


@elbo.law(points=3, decisive=True, sizes=SHAPES, where=SOME_IMAGES)
def agrees_with_its_two_terms(elbo, x, eps, generator):
    """For given noise it is log p(x|z) at z = μ + σ·ε, less the KL that torch.distributions finds, image by image; pixels or
    real numbers, networks linear or not, σ² from e⁻¹⁵ to e⁶."""
    pieces = []
    for model in some_models(x, eps.shape[-1], generator):
        exact, terms = model.where_it_falls(x, eps)
        pieces.append(close(elbo(*model.inside(elbo), x, eps), exact, terms=terms, what="the bound"))
    return pieces


@elbo.law(points=3, where=SOME_IMAGES)
def gradients_flow_through_the_code(elbo, x, eps, generator):
    """Its slopes along x (through encoder, code and decoder) and along eps are those of the formula: nothing is detached on the
    way."""
    d, k = x.shape[-1], eps.shape[-1]
    model = drawn(x, generator, d, k, "UnitGaussian")
    u = (1 + torch.rand(len(x), generator=generator)).to(x)
    leaves = x.double().clone().requires_grad_(), eps.double().clone().requires_grad_()
    exact, terms = model.where_it_falls(*leaves)
    slopes = torch.autograd.grad((u.double() * exact).sum(), leaves)
    inside = model.inside(elbo)
    # Each slope is a sum over paths, of weights below 1 and of what the bound itself adds up.
    size = 4 * (d + k) * terms.detach()
    return [
        close(elbo.gradient(*inside, x, eps, wrt=wrt, cotangent=u), slope, terms=size, what=f"the slope along {wrt}")
        for wrt, slope in zip(("x", "eps"), slopes, strict=True)
    ]


@elbo.law(points=0, where=SOME_IMAGES)
def a_code_that_says_nothing_costs_nothing(elbo, x, eps, generator):
    """With q(z|x) = p(z) the KL is 0 and z = eps: what is left is log p(x|z = ε), summed over pixels."""
    model = drawn(x, generator, x.shape[-1], eps.shape[-1])
    model = replace(model, encoder={name: torch.zeros_like(weight) for name, weight in model.encoder.items()})
    exact = model.explained(exactly(eps), x)
    _, terms = model.where_it_falls(x, eps)
    return close(elbo(*model.inside(elbo), x, eps), exact.value, terms=terms, what="the bound where q = p")


@elbo.law(points=0, where=SOME_IMAGES)
def a_decoder_that_ignores_z_leaves_the_cost(elbo, x, eps, generator):
    """With a decoder that ignores z, log p(x|z) is known, and what is missing from it is KL[q(z|x)‖p(z)], summed over latents."""
    model = drawn(x, generator, x.shape[-1], eps.shape[-1])
    deaf = {name: torch.zeros_like(w) if name.endswith("weight") else w for name, w in model.decoder.items()}
    model = replace(model, decoder=deaf)
    exact, terms = model.where_it_falls(x, eps)
    explained = model.explained(exactly(torch.zeros_like(eps)), x).value
    got = (explained - elbo(*model.inside(elbo), x, eps).double()).to(x)
    return close(got, explained - exact, terms=terms, what="log p(x) less the bound")


@elbo.law(points=0, where=SOME_IMAGES)
def each_image_has_its_own_noise_and_its_own_bound(elbo, x, eps, generator):
    """In another order or one half at a time the images have the same bounds; and other noise for every second image leaves those
    between as they were."""
    model = drawn(x, generator, x.shape[-1], eps.shape[-1])
    inside, (_, terms) = model.inside(elbo), model.where_it_falls(x, eps)
    whole, half = elbo(*inside, x, eps).double(), (len(x) + 1) // 2
    order = torch.randperm(len(x), generator=generator).to(x.device)
    second = (torch.arange(len(x), device=x.device) % 2 == 1).unsqueeze(-1)
    moved = torch.where(second, -2 * eps - 1, eps)
    _, more = model.where_it_falls(x, moved)
    shuffled = elbo(*inside, x[order], eps[order])
    after = elbo(*inside, x, moved)
    stays = torch.where(second.squeeze(-1), after.double(), whole)
    return [
        close(shuffled, whole[order], terms=terms[order], what="the bounds in another order"),
        close(
            elbo(*inside, x[:half], eps[:half]), whole[:half], terms=terms[:half], what="the bounds of the first half"
        ),
        close(after, stays, terms=terms + more, what="the bounds whose noise is the same"),
    ]


def posterior_of(model: Model, x: Tensor) -> tuple[MultivariateNormal, Tensor]:
    """p(z|x) and log p(x) of a linear decoder with unit variance."""
    w, b = model.decoder["out.weight"].double(), model.decoder["out.bias"].double()
    (d, k), x = w.shape, x.double()
    precision = torch.eye(k, dtype=w.dtype, device=w.device) + w.mT @ w
    mean = torch.linalg.solve(precision, w.mT @ (x - b).mT).mT
    evidence = MultivariateNormal(b, torch.eye(d, dtype=w.dtype, device=w.device) + w @ w.mT, validate_args=False)
    return MultivariateNormal(mean, precision_matrix=precision, validate_args=False), evidence.log_prob(x)


def best_encoder(model: Model) -> Model:
    """The same decoder with the best diagonal q: the posterior's mean, and the variances that week 4 found."""
    w, b = model.decoder["out.weight"].double(), model.decoder["out.bias"].double()
    precision = torch.eye(w.shape[1], dtype=w.dtype, device=w.device) + w.mT @ w
    gain = torch.linalg.solve(precision, w.mT)
    encoder = {
        "mu.weight": gain, "mu.bias": -gain @ b, "log_var.weight": torch.zeros_like(gain),
        "log_var.bias": -precision.diagonal().log(),
    }  # fmt: skip
    like = model.decoder["out.weight"]
    return replace(model, encoder={name: weight.contiguous().to(like) for name, weight in encoder.items()})


def straightened(model: Model) -> Model:
    """The same model with orthogonal columns in its decoder: the posterior is diagonal."""
    w = model.decoder["out.weight"]
    q, r = torch.linalg.qr(w.double())
    return replace(model, decoder={**model.decoder, "out.weight": (q * r.diagonal().sign()).contiguous().to(w)})


@elbo.law(points=0, rows=8, sizes=dict(d=(3, 2, 4), k=(2, 1, 3)), where=dict(x=Reals(-3, 3), eps=Normals()))
def on_average_it_lacks_the_gap(elbo, x, eps, generator):
    """In a linear-Gaussian model the bound, averaged over eps, is log p(x) − KL[q(z|x)‖p(z|x)]: less than log p(x), and equal to
    it where q is the posterior. A single draw may well exceed log p(x)."""
    k = eps.shape[-1]
    signs, weights = hermite(x, 2, k)
    any_q = drawn(x, generator, x.shape[-1], k, "UnitGaussian", hidden=0)
    cases = [
        (any_q, "any q"),
        (best_encoder(any_q), "the best diagonal q"),
        (best_encoder(straightened(any_q)), "q = p(z|x)"),
    ]
    pieces = []
    for model, which in cases:
        posterior, log_p = posterior_of(model, x)
        mu, log_var = model.encoded(x)
        q = MultivariateNormal(mu.value, torch.diag_embed(log_var.value.exp()), validate_args=False)
        gap = kl_divergence(q, posterior)
        many, noise = with_each(x, signs)
        _, terms = model.where_it_falls(many, noise)
        average = (elbo(*model.inside(elbo), many, noise).double().reshape(len(x), -1) @ weights).to(x)
        terms = terms.reshape(len(x), -1).amax(-1) + log_p.abs()
        pieces.append(close(average, log_p - gap, terms=terms, what=f"the average bound for {which}"))
    return pieces


def evidence_by_quadrature(model: Model, x: Tensor, count: int = 40) -> Tensor:
    """log p(x) = log E[p(x|z)], z ~ N(0, I), by Gauss–Hermite quadrature over the plane."""
    points, weights = hermite(x.double(), count, 2)
    many, z = with_each(x, points)
    log_p = model.explained(exactly(z), many).value.reshape(len(x), -1)
    return torch.logsumexp(log_p + weights.log(), -1)


@elbo.law(points=0, rows=4, sizes=dict(d=(4, 6), k=(2, 2)), where=SOME_IMAGES)
def on_average_it_stays_below_log_p(elbo, x, eps, generator):
    """For pixels behind a tanh decoder with two latents the bound, averaged over eps, stays below log p(x)."""
    model = drawn(x, generator, x.shape[-1], 2)
    log_p = evidence_by_quadrature(model, x)
    points, weights = hermite(x, 12, 2)
    many, noise = with_each(x, points)
    average = elbo(*model.inside(elbo), many, noise).double().reshape(len(x), -1) @ weights
    _, terms = model.where_it_falls(x, 3 * torch.ones_like(eps))
    return at_most(average.to(x), log_p, slack=rounding(terms, x), what="the average bound")


def fixed(device: torch.device, k: int = 3, likelihood: str = "BinaryPixels") -> tuple[Model, Tensor, Tensor]:
    """A model, images and noise that are written out: the same in every version of torch."""

    def wave(rows: int, columns: int, start: float) -> Tensor:
        at = torch.arange(rows * columns, dtype=torch.float64, device=device).reshape(rows, columns)
        return torch.sin(1.3 * at + start)

    sizes = {"hidden": (3, 4), "mu": (k, 3), "log_var": (k, 3)}
    encoder = {f"{name}.weight": wave(a, b, place) for place, (name, (a, b)) in enumerate(sizes.items())}
    encoder |= {f"{name}.bias": wave(1, a, place + 0.5)[0] for place, (name, (a, _)) in enumerate(sizes.items())}
    decoder = {"hidden.weight": wave(3, k, 0.2), "hidden.bias": wave(1, 3, 0.7)[0],
               "out.weight": wave(4, 3, 1.1), "out.bias": wave(1, 4, 1.9)[0]}  # fmt: skip
    x = torch.tensor([[0, 1, 1, 0], [1, 1, 0, 1], [0, 0, 0, 1.0]], dtype=torch.float64, device=device)
    return Model(encoder, decoder, likelihood), x, 1.5 * wave(3, k, 2.3)


def shifted(model: Model, by: float) -> Model:
    """With other log-variances."""
    return replace(model, encoder={**model.encoder, "log_var.bias": model.encoder["log_var.bias"] + by})


@elbo.probe()
def what_it_makes_of_three_images(elbo):
    """Bounds of three images, of one alone, and with a sharp q; slopes along the images."""
    pixels, x, eps = fixed(elbo.device)
    real = replace(pixels, likelihood="UnitGaussian")
    inside = real.inside(elbo)
    values = (
        elbo(*pixels.inside(elbo), x, eps), elbo(*inside, x, eps), elbo(*inside, x[:1], eps[:1]),
        elbo(*shifted(real, -14.0).inside(elbo), x, eps),
    )  # fmt: skip
    # Slopes come last: after a fault the grader may begin a new session, which has no networks of the old one.
    return *values, slope_or_nothing(elbo, *inside, x, eps, wrt="x"), slope_or_nothing(elbo, *inside, x, eps, wrt="eps")


def slope_or_nothing(answer, *inputs, wrt: str) -> Tensor:
    """The gradient; zeros where autograd cannot go through."""
    try:
        return answer.gradient(*inputs, wrt=wrt)
    except Fault as fault:
        if fault.kind != "undifferentiable":
            raise
        return torch.zeros_like(inputs[-1] if wrt == "eps" else inputs[-2])


# ---- 5. a step upwards ---------------------------------------------------------------------------------------------------


@unit.exercise(measure="nats an image: minus the mean bound, before the step", deterministic=False)
def train_step(
    encoder: Module, decoder: Module, optimiser: Optimizer, x: Float[Tensor, "n d"], eps: Float[Tensor, "n k"]
) -> Float[Tensor, ""]:  # fmt: skip
    """One step of the optimiser on minus the mean bound of a batch of black and white images; returns that loss, before the step.

    Both networks belong to the optimiser. Gradients of earlier steps do not count.
    """


class Steps:
    """Gradient descent with momentum outside, on the same weights."""

    def __init__(self, model: Model, rate: float, momentum: float) -> None:
        self.likelihood = model.likelihood
        self.networks = [
            {name: weight.double().clone().requires_grad_() for name, weight in network.items()}
            for network in (model.encoder, model.decoder)
        ]
        leaves = [leaf for network in self.networks for leaf in network.values()]
        self.optimiser = torch.optim.SGD(leaves, lr=rate, momentum=momentum)

    def step(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        """The loss before it, and its terms."""
        encoder, decoder = self.networks
        value, terms = Model(dict(encoder), dict(decoder), self.likelihood).where_it_falls(x, eps)
        loss = -value.mean()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.detach(), terms.detach().mean()


def descent(train_step, generator: torch.Generator, dtype: torch.dtype, steps: int, n: int = 6) -> list[dict]:
    """What the answer and the replica have after each of these steps, with new images and noise in each."""
    like = torch.zeros((), dtype=dtype, device=train_step.device)
    model = drawn(like, generator, 4, 2)
    outside = Steps(model, rate=0.1, momentum=0.5)
    encoder, decoder, _ = model.inside(train_step)
    optimiser = train_step.given("sgd", encoder, decoder, 0.1, 0.5)
    seen = []
    for _ in range(steps):
        x = torch.randint(0, 2, (n, 4), generator=generator).to(like)
        eps = torch.randn(n, 2, generator=generator).to(like)
        loss = train_step(encoder, decoder, optimiser, x, eps)
        exact, terms = outside.step(x, eps)
        seen.append(dict(
            loss=loss.to(dtype).reshape(1), exact=exact.reshape(1), terms=terms.reshape(1),
            networks=[({name: claim[name] for name in replica}, {name: w.detach().clone() for name, w in replica.items()})
                      for claim, replica in zip((encoder.named_parameters(), decoder.named_parameters()), outside.networks,
                                                strict=True)],
        ))  # fmt: skip
    return seen


def weights_agree(seen: dict, what: str) -> list:
    """All weights, after a step: of order one, and moved by a tenth of slopes that are of order ten at most."""
    pieces = []
    for (claim, replica), network in zip(seen["networks"], ("encoder", "decoder"), strict=True):
        for name, weight in replica.items():
            got = claim[name]
            if got.shape != weight.shape:
                pieces.append(true(torch.tensor([False]), what=f"the shape of the {network}'s {name}"))
                continue
            got, weight = got.reshape(1, -1), weight.reshape(1, -1)
            pieces.append(close(got, weight, terms=torch.tensor([10.0]), what=f"the {network}'s {name} {what}"))
    return pieces


@train_step.law(points=2, decisive=True)
def one_step_down_the_mean_loss(train_step, generator):
    """It returns −ELBO, summed over pixels and averaged over the batch, as it was before the step; and all weights of both
    networks move by −rate times its gradient."""
    pieces = []
    for dtype in (torch.float64, torch.float32):
        (seen,) = descent(train_step, generator, dtype, 1)
        pieces.append(close(seen["loss"], seen["exact"], terms=seen["terms"], what="the loss before the step"))
        pieces += weights_agree(seen, "after the step")
    return pieces


@train_step.law(points=2)
def and_again_from_there(train_step, generator):
    """After a second and a third step, with other images, it is where the optimiser's own rule leads: earlier gradients are
    forgotten, its momentum is not."""
    pieces = []
    for dtype in (torch.float64, torch.float32):
        for seen, which in zip(descent(train_step, generator, dtype, 3)[1:], ("second", "third"), strict=True):
            pieces.append(
                close(seen["loss"], seen["exact"], terms=2 * seen["terms"], what=f"the loss before the {which} step")
            )
            pieces += weights_agree(seen, f"after the {which} step")
    return pieces


@train_step.law(points=0)
def both_networks_learn(train_step, generator):
    """After one step the weights of both networks have moved: of the encoder's μ, of its log σ², and of the decoder."""
    model, x, eps = fixed(train_step.device)
    encoder, decoder, _ = model.inside(train_step)
    optimiser = train_step.given("sgd", encoder, decoder, 0.1, 0.0)
    train_step(encoder, decoder, optimiser, x, eps)
    names = ("mu.weight", "log_var.weight", "hidden.weight"), ("hidden.weight", "out.weight")
    pieces = []
    for network, before, wanted, which in zip(
        (encoder, decoder), (model.encoder, model.decoder), names, ("encoder", "decoder"), strict=True
    ):
        after = network.named_parameters()
        for name in wanted:
            moved = torch.tensor(
                [after[name].shape != before[name].shape or not torch.equal(after[name], before[name])]
            )
            pieces.append(true(moved, what=f"the {which}'s {name} moves"))
    return pieces


@train_step.law(points=0)
def the_loss_is_per_image(train_step, generator):
    """The same images and noise twice in one batch have the same loss: it is a mean over images."""
    model, x, eps = fixed(train_step.device)
    losses = []
    for copies in (1, 2):
        encoder, decoder, _ = model.inside(train_step)
        optimiser = train_step.given("sgd", encoder, decoder, 0.0, 0.0)
        losses.append(
            train_step(encoder, decoder, optimiser, x.repeat(copies, 1), eps.repeat(copies, 1)).reshape(1).to(x)
        )
    _, terms = model.where_it_falls(x, eps)
    return close(losses[1], losses[0], terms=terms.mean().reshape(1), what="the loss of the batch twice")


@train_step.probe()
def where_two_steps_lead(train_step):
    """Losses of two steps, and what became of some weights."""
    model, x, eps = fixed(train_step.device)
    encoder, decoder, _ = model.inside(train_step)
    optimiser = train_step.given("sgd", encoder, decoder, 0.1, 0.5)
    told = []
    for images, noise in ((x, eps), (1 - x[:2], -eps[:2])):
        told.append(train_step(encoder, decoder, optimiser, images, noise).double().reshape(1))
        inner, outer = encoder.named_parameters(), decoder.named_parameters()
        told += [inner["mu.weight"], inner["log_var.bias"], outer["out.bias"], outer["hidden.weight"]]
    return tuple(told)


# ---- 6. log p(x), nearly -------------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="nats, one number an image", sizes=dict(d=(4, 3), k=(2, 3), s=(4, 3)), rows=16)
def importance_log_likelihood(
    encoder: Module, decoder: Module, log_likelihood: Callable, x: Float[Tensor, "n d"], eps: Float[Tensor, "n s k"]
) -> Float[Tensor, "n"]:  # fmt: skip
    """log (1/S) Σ p(x, z)/q(z|x) over S codes z ~ q(z|x) of every image, made of eps, in nats.

    encoder, decoder and log_likelihood are as for elbo; p(z) = N(0, I). Log-weights may be −10,000 nats.
    """


def weights_of(model: Model, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
    """log p(x|z) + log p(z) − log q(z|x) [n s], from the three densities, and the terms of one row."""
    z, (mu, log_var) = model.codes(x, eps), model.encoded(x)
    sigma = (log_var.value / 2).exp().unsqueeze(1)
    explained = model.explained(z, x.unsqueeze(1))
    prior = Normal(torch.zeros_like(z.value), 1.0, validate_args=False).log_prob(z.value)
    log_q = Normal(mu.value.unsqueeze(1), sigma, validate_args=False).log_prob(z.value)
    # Whoever forms (z − μ)/σ again from a rounded z loses |z|/σ on the way.
    noise = eps.double().abs()
    off = noise * (noise + (z.value.abs() + z.size + mu.value.abs().unsqueeze(1) + mu.size.unsqueeze(1)) / sigma)
    size = (
        prior.abs() + log_q.abs() + z.value.abs() * z.size + off + (1 + log_var.value.abs() + log_var.size).unsqueeze(1)
    )
    terms = (explained.size + size.sum(-1)).amax(-1) + math.log(eps.shape[1]) + 1
    return explained.value + prior.sum(-1) - log_q.sum(-1), terms


@importance_log_likelihood.law(
    points=2, decisive=True, sizes=dict(d=(4, 1, 5), k=(2, 1, 3), s=(5, 1, 8)), where=dict(x=Pixels(), eps=Normals())
)
def agrees_with_the_three_densities(estimate, x, eps, generator):
    """With log-weights from the densities p(x|z), p(z) and q(z|x) that torch.distributions gives, it is the logarithm of the mean
    weight, image by image; with one draw it is the log-weight itself."""
    pieces = []
    k, s = eps.shape[-1], eps.shape[1]
    for model in some_models(x, k, generator)[:2]:
        log_w, terms = weights_of(model, x, eps)
        exact = torch.logsumexp(log_w, 1) - math.log(s)
        inside = model.inside(estimate)
        pieces += [
            close(estimate(*inside, x, eps), exact, terms=terms, what="the estimate"),
            close(
                estimate(*inside, x, eps[:, :1].contiguous()),
                log_w[:, 0],
                terms=terms,
                what="the estimate from one draw",
            ),
        ]
    return pieces


@importance_log_likelihood.law(points=2, where=dict(x=Pixels(), eps=Normals()))
def right_for_tiny_weights(estimate, x, eps, generator):
    """With log-weights around −10,000 nats, whose exponentials no float holds, it is still exact."""
    model = drawn(x, generator, x.shape[-1], eps.shape[-1], "UnitGaussian")
    far = model.decoder["out.bias"] + 150.0
    model = replace(model, decoder={**model.decoder, "out.bias": far})
    log_w, terms = weights_of(model, x, eps)
    exact = torch.logsumexp(log_w, 1) - math.log(eps.shape[1])
    return close(estimate(*model.inside(estimate), x, eps), exact, terms=terms)


@importance_log_likelihood.law(
    points=0, rows=8, sizes=dict(d=(3, 2, 4), k=(2, 1, 3), s=(3, 1, 5)), where=dict(x=Reals(-3, 3), eps=Normals())
)
def exact_where_q_is_the_posterior(estimate, x, eps, generator):
    """Where q(z|x) is the posterior, every weight is p(x): the estimate is log p(x), whatever the noise and however few the
    draws."""
    start = drawn(x, generator, x.shape[-1], eps.shape[-1], "UnitGaussian", hidden=0)
    model = best_encoder(straightened(start))
    _, log_p = posterior_of(model, x)
    _, terms = weights_of(model, x, eps)
    # The encoder's weights are rounded, too: they are the posterior's only to within an eps.
    terms = 2 * terms + (eps.double().square().sum(-1).amax(-1) + x.double().square().sum(-1)) * 4
    return close(estimate(*model.inside(estimate), x, eps), log_p, terms=terms, what="the estimate at the posterior")


@importance_log_likelihood.law(points=0, where=dict(x=Pixels(), eps=Normals()))
def more_draws_only_help(estimate, x, eps, generator):
    """From all draws it is at least the average of what each draw gives alone (Jensen), and exactly the logarithm of the mean of
    their exponentials: draws may be taken in portions."""
    model = drawn(x, generator, x.shape[-1], eps.shape[-1])
    inside, (_, terms) = model.inside(estimate), weights_of(model, x, eps)
    whole = estimate(*inside, x, eps)
    single = torch.stack([estimate(*inside, x, one.unsqueeze(1).contiguous()).double() for one in eps.unbind(1)], 1)
    slack = rounding(2 * terms, whole)
    return [
        at_least(whole, single.mean(1), slack=slack, what="the estimate from all draws"),
        close(
            whole,
            torch.logsumexp(single, 1) - math.log(eps.shape[1]),
            terms=2 * terms,
            what="the estimate from all draws",
        ),
    ]


@importance_log_likelihood.law(points=0, where=dict(x=Pixels(), eps=Normals()))
def images_do_not_feel_each_other(estimate, x, eps, generator):
    """In another order or one half at a time the images have the same estimates, and those of a set add up."""
    model = drawn(x, generator, x.shape[-1], eps.shape[-1])
    inside, (_, terms) = model.inside(estimate), weights_of(model, x, eps)
    whole, half = estimate(*inside, x, eps).double(), (len(x) + 1) // 2
    order = torch.randperm(len(x), generator=generator).to(x.device)
    return [
        close(estimate(*inside, x[order], eps[order]), whole[order], terms=terms[order], what="in another order"),
        close(estimate(*inside, x[:half], eps[:half]), whole[:half], terms=terms[:half], what="the first half alone"),
    ]


@importance_log_likelihood.law(
    points=0, sizes={},
    where=dict(
        x=Listed([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]]), eps=Listed([[[0.0, 0.0]]] * 3),
    ),
)  # fmt: skip
def its_exponential_averages_to_p(estimate, x, eps, generator):
    """From one draw, averaged over eps before the logarithm is taken, it is p(x) itself: found here by quadrature over z, for
    pixels behind a tanh decoder."""
    model = drawn(x, generator, 3, 2)
    # A gently bent decoder, and a q as wide as the prior nearly: all is smooth enough for 40 nodes in each direction.
    gentle = {name: w / 3 if name == "hidden.weight" else w for name, w in model.decoder.items()}
    flat = {name: torch.zeros_like(w) for name, w in model.encoder.items()}
    flat["mu.bias"], flat["log_var.bias"] = flat["mu.bias"] + 0.3, flat["log_var.bias"] + 0.2
    model = replace(model, encoder=flat, decoder=gentle)
    points, weights = hermite(x, 40, 2)
    many, noise = with_each(x, points)
    got = estimate(*model.inside(estimate), many, noise.unsqueeze(1)).double().exp().reshape(len(x), -1) @ weights
    exact = evidence_by_quadrature(model, x).exp()
    _, terms = weights_of(model, x, 3 * torch.ones_like(eps))
    return close(got.to(x), exact, terms=terms, what="the average of exp(estimate)")


@importance_log_likelihood.probe()
def what_it_makes_of_a_few_draws(estimate):
    """Of three images, for one draw and several, and with weights that no float holds."""
    model, x, eps = fixed(estimate.device)
    noise = torch.stack([eps, -eps / 2, eps.flip(0) + 0.3], 1)
    far = replace(
        model, likelihood="UnitGaussian", decoder={**model.decoder, "out.bias": model.decoder["out.bias"] + 150.0}
    )
    inside = model.inside(estimate)
    return (
        estimate(*inside, x, noise), estimate(*inside, x[:1], noise[:1]), estimate(*inside, x, noise[:, :1].contiguous()),
        estimate(*far.inside(estimate), x, noise),
    )  # fmt: skip


# ---- 7. trained, and handed in ---------------------------------------------------------------------------------------------


@unit.exercise(measure="an encoder and a decoder", deterministic=False, slow=True, hands_in="vae.safetensors")
def trained_vae(weights: dict[str, Tensor]) -> tuple[Module, Module]:
    """Your trained encoder and decoder: the networks made anew, with these weights in them.

    weights are what you saved in vae.safetensors, by name. encoder(x) gives (mu, log_var) for rows of 784 pixels, decoder(z) the
    784 logits for rows of codes.
    """


COPIES = 4
"""Each digit is made black and white so often, by chance: more images, and a sharper answer."""


def unseen(generator: torch.Generator) -> Tensor:
    """256 digits that are not among those to train with, each made black and white anew several times: 784 zeros and ones a row.

    An instructor's own grey levels take their place, if the file is there: it is given to nobody.
    """
    own = Path(__file__).with_name("held_out.npy")
    grey = torch.from_numpy(numpy.load(own, allow_pickle=False)) if own.exists() else load("digits", "none").test.pixels
    return torch.bernoulli(grey.double().repeat(COPIES, 1) / 255, generator=generator).float()


def costs_at_most(trained_vae: Answer, nats: float, generator: torch.Generator) -> Evidence:
    """The average over images of −log p(x), recomputed outside with 8 codes for each image, is not above so many nats."""
    x = unseen(generator)
    costs = negative_log_likelihoods(trained_vae, weights_handed_in(trained_vae), x, draws=8, generator=generator)
    # No probability of an image is above 1. The estimate of one may be, by chance.
    return mean_is_at_most(
        costs.clamp_min(0), nats, alpha=1e-9, delta=10, what="−log p(x) in nats an image, on average"
    )


@trained_vae.law(points=2, decisive=True)
def explains_digits_it_was_not_trained_on(trained_vae, generator):
    """The networks explain 256 digits that they were not trained on, at 225 nats an image or less. Pixels by themselves cost
    252, and 150 are pure chance. The images are public: this shows that these are explained, not that others would be."""
    return costs_at_most(trained_vae, 225, generator)


@trained_vae.law(points=2)
def explains_them_with_more_than_two_numbers(trained_vae, generator):
    """And at 190 nats an image or less, which takes more than two latents."""
    return costs_at_most(trained_vae, 190, generator)


@trained_vae.probe()
def habits(trained_vae):
    """What networks do whatever their sizes are: are logits between 0 and 1, is every log-variance positive, is anything left
    where all weights are 0, do two calls and other rows change a code's image, does it run at all?"""
    weights = weights_handed_in(trained_vae)
    x = unseen(torch.Generator().manual_seed(0))[:8]
    try:
        encoder, decoder = trained_vae(weights)
        mean, log_var = encoder(x)
        logits = decoder(mean)
        without, _ = trained_vae({name: torch.zeros_like(value) for name, value in weights.items()})
        return [
            bool(((logits >= 0) & (logits <= 1)).all()), bool((log_var > 0).all()), bool((without(x)[0] != 0).any()),
            not torch.allclose(decoder(mean), logits), not torch.allclose(decoder(mean[:3]), logits[:3], atol=1e-3),
        ]  # fmt: skip
    except Fault as fault:
        if fault.kind in ("not_yet", "not_defined"):
            raise
        return [True] * 5


# ---- further: networks that laws hand in -----------------------------------------------------------------------------------

Weights = tuple[Tensor, Tensor, Tensor, Tensor]
"""Of a network with two layers: weight, bias, weight, bias."""


def two_layers(inputs: int, outputs: int, like: Tensor, generator: torch.Generator, hidden: int = 5) -> Weights:
    """Random weights of a network with a hidden layer of tanh units, in the dtype of `like`."""

    def normals(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(like)

    return normals(hidden, inputs), normals(hidden), normals(outputs, hidden), normals(outputs)


def through(weights: Weights, x: Tensor) -> Tensor:
    """What the network makes of x, in float64."""
    first, first_bias, second, second_bias = (weight.double() for weight in weights)
    return torch.tanh(x.double() @ first.mT + first_bias) @ second.mT + second_bias


def size_through(weights: Weights, x_size: Tensor) -> Tensor:
    """Σ|terms| of what comes out, for inputs made of terms of this size: tanh never makes an error larger."""
    first, first_bias, second, second_bias = (weight.double().abs() for weight in weights)
    return (1 + x_size.double() @ first.mT + first_bias) @ second.mT + second_bias


def crossings(weights: Weights) -> Tensor:
    """By how much, at most, every output [outputs, inputs] moves with every input."""
    return weights[2].double().abs() @ weights[0].double().abs()


def lengthening(weights: Weights) -> Tensor:
    """By how much, at most, the network lengthens an error: one number for each output."""
    return crossings(weights).sum(-1)


# ---- drawing -------------------------------------------------------------------------------------------------------------


@unit.exercise(
    optional=True,
    batch="n",
    measure="probabilities, and pixels that are 0 or 1",
    sizes=dict(k=(2, 3), d=(4, 6)),
    rows=200,
)
def sample(
    decoder: Module, z: Float[Tensor, "n k"], u: Float[Tensor, "n d"]
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    """(means, images) of p(x | z) with Bernoulli pixels: their probabilities of being on, and one draw of each row.

    decoder(z) gives logits. A pixel of the draw is 1 where u < mean, else 0; u is uniform on [0, 1), one for every pixel.
    """


CODES = dict(z=Reals(-3, 3), u=Reals(0, 1))


@sample.law(points=0, decisive=True, where=CODES)
def odds_and_comparisons(sample, z, u, generator):
    """The odds of a pixel, mean/(1 − mean), are the exponential of its logit; and it is on where the log-odds of u lie below the
    logit."""
    weights = two_layers(z.shape[1], u.shape[1], z, generator)
    means, images = sample(sample.given("two_layers", *weights), z, u)
    logits, size = through(weights, z), 2 + size_through(weights, z.abs())
    log_odds = u.double().log() - (-u.double()).log1p()
    clear = (u.double() - logits.sigmoid()).abs() > rounding(size, means)
    on = (log_odds < logits).double()
    return [
        close((means.double() * (1 + (-logits).exp())).to(z), 1.0, terms=size, what="mean·(1 + exp(−logit))"),
        true(((images == 0) | (images == 1)).all(-1), what="every pixel of a draw is 0 or 1"),
        true((~clear | (images.double() == on)).all(-1), what="a pixel is on where u < mean, and only there"),
    ]


@sample.law(points=0, rows=40, where=dict(z=Reals(-3, 3), u=Reals(0, 1)))
def on_as_often_as_the_mean_says(sample, z, u, generator):
    """With u at 32 even places between 0 and 1, in another order for each pixel, a pixel is on at those below its mean."""
    weights = two_layers(z.shape[1], u.shape[1], z, generator)
    count, d = 32, u.shape[1]
    order = (torch.arange(count)[:, None] + 5 * torch.arange(d)) % count
    levels = ((order.double() + 0.5) / count).to(z)
    decoder = sample.given("two_layers", *weights)
    _, images = sample(decoder, z.repeat_interleave(count, 0), levels.repeat(len(z), 1))
    found = images.double().unflatten(0, (-1, count)).sum(1)
    exact = through(weights, z).sigmoid()[:, None]
    slack = rounding(2 + size_through(weights, z.abs()), z)[:, None]
    fewest, most = (levels.double() < exact - slack).sum(1), (levels.double() < exact + slack).sum(1)
    return true(((found >= fewest) & (found <= most)).all(-1), what="how many of 32 draws have the pixel on")


@sample.law(points=0, rows=40, where=CODES)
def certain_pixels(sample, z, u, generator):
    """A logit of 1000 makes the mean 1 and the pixel always on; one of −1000 makes the mean 0 and the pixel never on, not even
    where u = 0."""
    first, first_bias, second, _ = two_layers(z.shape[1], u.shape[1], z, generator)
    sign = torch.where(torch.arange(u.shape[1], device=z.device) % 2 == 0, 1.0, -1.0).to(z)
    decoder = sample.given("two_layers", first, first_bias, 0 * second, 1000 * sign)
    below_one = u.clamp_max(1 - 2.0**-20)
    means, images = sample(decoder, z, below_one)
    on = (sign > 0).double().expand(u.shape)
    return [
        close(means, on, tolerance=1e-30, what="the means"),
        close(images, on, tolerance=1e-30, what="the images"),
    ]


@sample.probe()
def three_pixels(sample):
    z = torch.tensor([[0.5, -1.0], [2.0, 0.3], [-0.7, 0.9]], dtype=torch.float64)
    u = torch.tensor([[0.1, 0.6, 0.9], [0.7, 0.2, 0.4], [0.55, 0.95, 0.05]], dtype=torch.float64)
    weight = torch.tensor([[0.5, -1.0], [0.7, 0.4], [-0.3, 0.8]], dtype=torch.float64)
    bias = torch.tensor([0.1, -0.4, 1.2], dtype=torch.float64)
    certain = torch.tensor([1000.0, -1000.0, 0.0], dtype=torch.float64)
    return sample(sample.given("linear", weight, bias), z, u), sample(sample.given("linear", 0 * weight, certain), z, u)


# ---- along the great circle ----------------------------------------------------------------------------------------------


@unit.exercise(optional=True, batch="n", measure="probabilities", sizes=dict(k=(2, 4), d=(5, 3)), rows=100)
def interpolate(
    encoder: Module, decoder: Module, a: Float[Tensor, "n d"], b: Float[Tensor, "n d"], steps: int
) -> Float[Tensor, "n steps d"]:
    """Bernoulli means of p(x | z) for `steps` codes z from the posterior mean of a to that of b, both included; steps ≥ 2.

    At t = 0, 1/(steps − 1), …, 1 the direction has turned by t·θ on the great circle, where θ < π is the angle between the two
    means, and the length is (1 − t)·‖first‖ + t·‖second‖. Equal directions stay; nearly equal ones must be right to six digits.
    """


def bisected(first: Tensor, second: Tensor, times: int) -> Tensor:
    """Codes [n, 2^times + 1, k]: half way between two directions lies their sum, made as long as a direction is; and again."""
    lengths = [first.norm(dim=-1, keepdim=True), second.norm(dim=-1, keepdim=True)]
    directions = [first / lengths[0], second / lengths[1]]
    for _ in range(times):
        between = [torch.nn.functional.normalize(p + q, dim=-1) for p, q in pairwise(directions)]
        middle = [(p + q) / 2 for p, q in pairwise(lengths)]
        directions = [x for pair in zip(directions, between, strict=False) for x in pair] + directions[-1:]
        lengths = [x for pair in zip(lengths, middle, strict=False) for x in pair] + lengths[-1:]
    return torch.stack([length * direction for length, direction in zip(lengths, directions, strict=True)], 1)


def code_size(first: Tensor, second: Tensor, first_size: Tensor, second_size: Tensor) -> Tensor:
    """Σ|terms| of a code on the way [n]: an error turns a short code further than a long one, and the great circle between nearly
    opposite codes most of all."""
    lengths = first.norm(dim=-1), second.norm(dim=-1)
    apart = (first / lengths[0][:, None] + second / lengths[1][:, None]).norm(dim=-1)
    turned = 1 + first_size.amax(-1) / lengths[0] + second_size.amax(-1) / lengths[1]
    return (lengths[0] + lengths[1]) * turned * (1 + 4 / apart**2)


def angle(first: Tensor, second: Tensor) -> Tensor:
    p, q = torch.nn.functional.normalize(first, dim=-1), torch.nn.functional.normalize(second, dim=-1)
    return 2 * torch.atan2((p - q).norm(dim=-1), (p + q).norm(dim=-1))


def encoder_from(answer, weights: Weights, spread: Weights):
    """The handle of an encoder whose mean is one network and whose log-variance another."""
    return answer.given("two_heads", answer.given("two_layers", *weights), answer.given("two_layers", *spread))


PAIRS = dict(a=Reals(-2, 2), b=Reals(-2, 2))
NEARLY = 0.01
"""Below so many radians six digits are enough."""


def networks(answer, a: Tensor, k: int, generator: torch.Generator):
    """(weights of the mean, weights of the decoder, encoder, decoder)."""
    mean, spread = two_layers(a.shape[1], k, a, generator), two_layers(a.shape[1], k, a, generator)
    back = two_layers(k, a.shape[1], a, generator)
    return mean, back, encoder_from(answer, mean, spread), answer.given("two_layers", *back)


@interpolate.law(points=0, decisive=True, where=dict(**PAIRS, noise=Normals(shape="k")))
def halves_of_halves(interpolate, a, b, noise, generator):
    """Half way, the direction is the sum of the two directions, made to have length 1, and the code is as long as the two are on
    average; and so on for halves of halves. What comes back are the decoder's means there."""
    mean, back, encoder, decoder = networks(interpolate, a, noise.shape[1], generator)
    first, second = through(mean, a), through(mean, b)
    size = code_size(first, second, size_through(mean, a.abs()), size_through(mean, b.abs()))
    pieces = []
    for times in (1, 2, 3):
        codes = bisected(first, second, times)
        got = interpolate(encoder, decoder, a, b, 2**times + 1)
        terms = 1 + (size[:, None, None] * lengthening(back) + size_through(back, codes.abs())) / 4
        few = torch.where(angle(first, second) < NEARLY, 1e-6, 0.0)[:, None, None]
        slack = rounding(terms, got) + few
        pieces.append(
            close(got, through(back, codes).sigmoid(), tolerance=slack, what=f"the means at {2**times + 1} places")
        )
    return pieces


@interpolate.law(points=0, where=dict(**PAIRS, noise=Normals(shape="k")))
def ends_are_the_reconstructions(interpolate, a, b, noise, generator):
    """The first image is decoded from the posterior mean of a and the last from that of b, whatever the number of steps."""
    mean, back, encoder, decoder = networks(interpolate, a, noise.shape[1], generator)
    size = size_through(mean, a.abs()) + size_through(mean, b.abs())
    terms = 1 + (size.amax(-1, keepdim=True) * lengthening(back) + size_through(back, size)) / 4
    pieces = []
    for steps in (2, 4):
        got = interpolate(encoder, decoder, a, b, steps)
        for place, x, what in ((0, a, "the first"), (-1, b, "the last")):
            exact = through(back, through(mean, x)).sigmoid()
            pieces.append(close(got[:, place], exact, terms=terms, what=f"{what} of {steps} images"))
    return pieces


def identity(answer, d: int, like: Tensor):
    """The handle of a layer that gives back what it is given."""
    return answer.given("linear", torch.eye(d).to(like), torch.zeros(d).to(like))


@interpolate.law(points=0, sizes=dict(d=(3, 2)), where=dict(a=Reals(-1.5, 1.5), b=Reals(-1.5, 1.5)))
def every_step_turns_alike(interpolate, a, b):
    """With codes that are the images themselves and logits that are the codes: all steps turn the code by the same angle and
    lengthen it by the same amount, also when there are four places or six."""
    same = identity(interpolate, a.shape[1], a)
    encoder = interpolate.given("two_heads", same, same)
    lengths = torch.minimum(a.double().norm(dim=-1), b.double().norm(dim=-1))
    turn = angle(a.double(), b.double())
    usable = (lengths > 0.2) & (turn < 3) & (turn > 0.05)
    first, second = torch.where(usable[:, None], a, 1.0), torch.where(usable[:, None], b, 1.0)
    second = torch.where(usable[:, None], second, -torch.arange(b.shape[1]).to(b))
    turn, pieces = angle(first.double(), second.double()), []
    for steps in (4, 6):
        codes = interpolate(encoder, same, first, second, steps).double().logit()
        # A mean near 1 is rounded there: its logit is off by 1/(mean·(1 − mean)) times as much.
        size = code_size(first.double(), second.double(), first.double().abs(), second.double().abs())
        size = size * (2 + 2 * codes.abs().amax((1, 2)).exp())
        length = codes.norm(dim=-1)
        turned = angle(codes[:, :-1], codes[:, 1:])
        even = turn[:, None].expand(turned.shape) / (steps - 1)
        longer = ((length[:, -1:] - length[:, :1]) / (steps - 1)).expand(turned.shape)
        pieces += [
            close(turned.to(a), even, terms=100 * size, what=f"the angle of every step, of {steps - 1}"),
            close(length.diff(dim=-1).to(a), longer, terms=20 * size, what=f"by how much every step lengthens, of {steps - 1}"),
        ]  # fmt: skip
    return pieces


@interpolate.law(points=0, sizes=dict(d=(3, 4)), where=dict(a=Normals(), b=Normals()))
def nearly_parallel_codes(interpolate, a, b, generator):
    """Codes in the same direction, or nearly so (0.03 radians apart and less), are no exception: sin θ/sin θ has a limit."""
    same = identity(interpolate, a.shape[1], a)
    encoder = interpolate.given("two_heads", same, same)
    back = two_layers(a.shape[1], a.shape[1], a, generator)
    decoder = interpolate.given("two_layers", *back)
    first = a.double() + torch.where(a.double() < 0, -0.5, 0.5)
    across = b.double() - (b.double() * first).sum(-1, keepdim=True) / (first**2).sum(-1, keepdim=True) * first
    across = torch.nn.functional.normalize(across, dim=-1) * first.norm(dim=-1, keepdim=True)
    pieces = []
    for turn in (0.0, 1e-9, 1e-5, 0.03):
        start = first.to(a)
        end = (1.5 * (math.cos(turn) * first + math.sin(turn) * across)).to(a) if turn else start
        got = interpolate(encoder, decoder, start, end, 5)
        codes = bisected(start.double(), end.double(), 2)
        size = code_size(start.double(), end.double(), start.double().abs(), end.double().abs())
        terms = 1 + (size[:, None, None] * lengthening(back) + size_through(back, codes.abs())) / 4
        slack = rounding(terms, got) + (1e-6 if turn < NEARLY else 0.0)
        what = f"the means between codes {turn:g} radians apart" if turn else "the means between equal codes"
        pieces.append(close(got, through(back, codes).sigmoid(), tolerance=slack, what=what))
    return pieces


@interpolate.probe()
def four_walks(interpolate):
    a = torch.tensor([[1.0, 0.2, -0.4], [0.3, -1.1, 0.8]], dtype=torch.float64)
    b = torch.tensor([[-0.5, 0.9, 0.7], [1.5, 0.4, -0.2]], dtype=torch.float64)
    weight = torch.tensor([[0.8, -0.3, 0.5], [0.4, 1.1, -0.6], [-0.2, 0.9, 0.3]], dtype=torch.float64)
    bias = torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64)
    mean, back = interpolate.given("linear", weight, bias), interpolate.given("linear", 2 * weight.mT, bias)
    encoder = interpolate.given("two_heads", mean, interpolate.given("linear", -weight, bias))
    walk, few = interpolate(encoder, back, a, b, 5), interpolate(encoder, back, a, b, 2)
    nearby = interpolate(encoder, back, a, a + 0.01 * b, 3)
    return walk, few, nearby, interpolate(encoder, back, a, a, 3)


# ---- units that say something --------------------------------------------------------------------------------------------


@unit.exercise(
    optional=True, measure="true or false, one a latent dimension", sizes=dict(n=(6, 9, 5), k=(4, 3, 7)), rows=64
)
def active_units(mu: Float[Tensor, "n k"], threshold: Float[Tensor, ""]) -> Bool[Tensor, "k"]:
    """Which latent dimensions are active: the variance over the n images of the posterior mean is above the threshold.

    Burda, Grosse and Salakhutdinov (2016), section 5.2, with the threshold 0.01. Divide by n or by n − 1, as you like.
    """


def judged(mu: Tensor, threshold: Tensor) -> tuple[Tensor, Tensor]:
    """(active, clear) [rows, k]: half the mean square of all differences is the variance; near the threshold either will do."""
    values, n = mu.double(), mu.shape[1]
    between = (values[:, :, None] - values[:, None]).square().sum((1, 2)) / 2
    low, high = between / n**2, between / (n * (n - 1))
    slack = rounding(1 + values.square().amax(1), mu)
    level = threshold.double()[:, None]
    return low > level, (low > level + slack) | (high < level - slack)


@active_units.law(points=0, decisive=True, where=dict(mu=Reals(-1, 1), threshold=Positive(0.02, 2)))
def differences_between_images(active, mu, threshold):
    """A unit is active if half the mean squared difference between two images is above the threshold. The result is a mask: its
    dtype is torch.bool."""
    found = active(mu, threshold)
    exact, clear = judged(mu, threshold)
    return [
        true(torch.full((len(mu),), found.dtype is torch.bool), what="a tensor of torch.bool came back"),
        true(
            (~clear | (found.double() == exact.double())).all(-1),
            what="active where the variance is above the threshold",
        ),
    ]


@active_units.law(points=0, where=dict(mu=Reals(-1, 1), threshold=Positive(0.02, 2), centre=Reals(-20, 20, shape="k")))
def where_a_unit_is_centred_does_not_matter(active, mu, threshold, centre):
    """A unit that is always 7 says as little as one that is always 0: with a number added to a unit nothing changes."""
    moved = mu + centre[:, None]
    exact, clear = judged(moved, threshold)
    slack = rounding(centre.double().square() + 1, mu)  # what is rounded away when the number is added
    low, safe = judged(moved, threshold + slack.amax(-1).to(threshold))
    found = active(moved, threshold)
    clear = clear & safe & (low == exact)
    return true((~clear | (found.double() == exact.double())).all(-1), what="active, with a number added to every unit")


@active_units.law(points=0, where=dict(mu=Reals(-1, 1), factor=Positive(0.05, 20, shape="k")))
def scales_as_a_variance(active, mu, factor):
    """At the threshold 0.01, a unit that is stretched has a variance that grows with the square; no unit sees another."""
    stretched = mu * factor[:, None]
    threshold = torch.full_like(mu[:, 0, 0], 0.01)
    exact, clear = judged(stretched, threshold)
    found = active(stretched, threshold)
    return true((~clear | (found.double() == exact.double())).all(-1), what="active, with every unit stretched")


@active_units.law(points=0, where=dict(mu=Reals(-1, 1), height=Integers(-9, 9, shape="k")))
def still_units_say_nothing(active, mu, height):
    """A unit that gives the same number for every image is not active, even if the threshold is 0. One that does not, is."""
    even = torch.arange(mu.shape[2], device=mu.device) % 2 == 0
    moving = mu + 3 * (torch.arange(mu.shape[1], device=mu.device) == 0).to(mu)[:, None]
    units = torch.where(even, height.to(mu)[:, None].expand(mu.shape), moving)
    found = active(units, torch.zeros_like(mu[:, 0, 0]))
    return true((found.bool() == ~even).all(-1), what="active at the threshold 0")


@active_units.probe()
def six_sets_of_means(active):
    """A threshold between the variances of units with other means, other ranges and other scales."""
    ramp = torch.linspace(-1, 1, 7, dtype=torch.float64)
    odd = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    mu = torch.stack(
        [0.05 * ramp, 0.4 * ramp, 2 + 0.05 * ramp, 5 + ramp, 0.4 * odd, 0 * ramp, -3 + 0 * ramp, 0.12 * ramp], 1
    )
    pairs = [(mu, level) for level in (0.01, 0.04, 0.2, 0.0)] + [(mu[:, :3] * 3, 0.01), (mu[:4, :4] + 0, 0.01)]
    masks = [active(values[None], torch.tensor([level], dtype=torch.float64)) for values, level in pairs]
    # Numbers in the place of truths are told from them by 0.3.
    return [mask.double() + (0.0 if mask.dtype is torch.bool else 0.3) for mask in masks]


# ---- warm-up -------------------------------------------------------------------------------------------------------------


@unit.exercise(optional=True, batch="n", measure="nats, two numbers a row", rows=100)
def warm_up(
    explained: Float[Tensor, "n"], kl: Float[Tensor, "n"], step: int, steps: int
) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"]]:
    """(objective, bound): what is climbed at this step, with the KL weighted by β = min(1, step/steps), and what is reported.

    The bound that is reported is the ELBO, with β = 1 whatever the step. step counts from 0; steps ≥ 1.
    """


SCHEDULE = ((0, 10), (1, 10), (3, 7), (9, 10), (10, 10), (25, 10), (1, 1), (0, 1), (7, 2000), (10**6, 2000))
TERMS = dict(explained=Reals(-700, 50), kl=Reals(0, 80))


@warm_up.law(points=0, decisive=True, where=TERMS)
def objective_and_bound(warm_up, explained, kl):
    """The bound and the KL make up what is explained. With s steps of warm-up, s·(objective − bound) is the KL times the number
    of steps that are left of them."""
    pieces = []
    for step, steps in SCHEDULE:
        objective, bound = warm_up(explained, kl, step, steps)
        size = explained.double().abs() + 2 * kl.double()
        left = steps - step if step < steps else 0
        what = f"at step {step} of {steps}"
        pieces += [
            close((bound.double() + kl.double()).to(kl), explained.double(), terms=size, what=f"bound + KL {what}"),
            close(((objective.double() - bound.double()) * steps).to(kl), left * kl.double(), terms=2 * steps * size,
                  what=f"(objective − bound)·steps {what}"),
        ]  # fmt: skip
    return pieces


@warm_up.law(points=0, where=TERMS)
def afterwards_it_is_the_bound(warm_up, explained, kl):
    """From the last step of the warm-up on, the objective is the bound."""
    pieces = []
    for step, steps in ((10, 10), (11, 10), (5000, 10), (1, 1)):
        objective, bound = warm_up(explained, kl, step, steps)
        size = explained.double().abs() + 2 * kl.double()
        pieces.append(close(objective, bound.double(), terms=size, what=f"the objective at step {step} of {steps}"))
    return pieces


@warm_up.law(points=0, where=TERMS)
def what_is_reported_knows_no_schedule(warm_up, explained, kl):
    """The bound is the same number at every step of every schedule."""
    _, last = warm_up(explained, kl, 10, 10)
    pieces = []
    for step, steps in ((0, 10), (4, 10), (40, 10), (4, 50)):
        _, bound = warm_up(explained, kl, step, steps)
        size = explained.double().abs() + 2 * kl.double()
        pieces.append(close(bound, last.double(), terms=size, what=f"the bound at step {step} of {steps}"))
    return pieces


@warm_up.law(points=0, rows=20, where=TERMS)
def both_terms_are_learned_from(warm_up, explained, kl):
    """The objective moves one to one with what is explained; with the KL it falls, by step/steps of what the KL grows."""
    pieces = []
    for step, steps in ((1, 4), (3, 4), (9, 4)):
        along_explained = warm_up.gradient(explained, kl, step, steps, wrt="explained")
        along_kl = warm_up.gradient(explained, kl, step, steps, wrt="kl")
        one = torch.ones_like(kl, dtype=torch.float64)
        share = -min(step, steps) / steps
        pieces += [
            close(along_explained, one, terms=one, what=f"the slope along explained at step {step} of {steps}"),
            close(along_kl, share * one, terms=one, what=f"the slope along kl at step {step} of {steps}"),
        ]
    return pieces


@warm_up.probe()
def at_five_steps(warm_up):
    explained = torch.tensor([-80.0, -95.5, -120.25, 3.0], dtype=torch.float64)
    kl = torch.tensor([25.0, 12.5, 0.75, 40.0], dtype=torch.float64)
    calls = [warm_up(explained, kl, step, steps) for step, steps in ((0, 8), (3, 8), (7, 8), (8, 8), (20, 8))]
    return [tensor for call in calls for tensor in call], warm_up.gradient(explained, kl, 3, 8, wrt="kl")


# ---- Gaussian pixels -----------------------------------------------------------------------------------------------------


@unit.exercise(optional=True, measure="a variance, and nats a row", sizes=dict(n=(3, 5, 2), d=(4, 2, 9)), rows=48)
def gaussian_decoder(
    mean: Float[Tensor, "n d"], x: Float[Tensor, "n d"], smallest: Float[Tensor, ""]
) -> tuple[Float[Tensor, ""], Float[Tensor, "n"]]:
    """(variance, log-likelihoods): the σ² that makes the data most probable, one number for all rows and dimensions, and
    log N(x; mean, σ²I) of each row, in nats, with every constant.

    Where that σ² would be below `smallest`, it is `smallest` (Rybkin, Daniilidis and Levine, 2021).
    """


GREY = dict(mean=Reals(-3, 3), x=Reals(-3, 3), smallest=Positive(0.01, 30))


def log_densities(mean: Tensor, x: Tensor, variance: Tensor) -> Tensor:
    """log N(x; mean, variance·I) for every row, in float64, from torch."""
    scale = variance.double()[:, None, None].sqrt().expand(x.shape)
    return Normal(mean.double(), scale, validate_args=False).log_prob(x.double()).sum(-1)


def slope_in_log_variance(mean: Tensor, x: Tensor, variance: Tensor) -> Tensor:
    """Of the mean log-density of a number, by autograd."""
    with torch.enable_grad():
        log_variance = variance.double().log().requires_grad_()
        total = log_densities(mean, x, log_variance.exp()).mean(-1).sum() / x.shape[-1]
        (slope,) = torch.autograd.grad(total, log_variance)
    return slope


def usable(variance: Tensor) -> Tensor:
    """What is claimed to be a variance, made positive, so that nothing fails but a comparison."""
    return variance.double().nan_to_num(1e-300, 1e300, 1e-300).clamp(1e-300, 1e300)


def density_size(mean: Tensor, x: Tensor, variance: Tensor) -> Tensor:
    """Σ|terms| of every row's log-density [rows, n]: the squares are rounded as (|mean| + |x|)·|mean − x|, and σ² as their
    average is."""
    gap, level, d = (mean.double() - x.double()).abs(), variance.double()[:, None], x.shape[-1]
    squares = (mean.double().abs() + x.double().abs()) * gap
    relative = 1 + squares.mean((1, 2))[:, None] / level
    return (squares + gap**2 * relative[..., None]).sum(-1) / level + d * (2 + relative + level.log().abs())


@gaussian_decoder.law(points=0, decisive=True, where=GREY)
def nothing_is_left_to_gain(gaussian, mean, x, smallest):
    """At your σ² the slope of the log-likelihood along log σ² is 0; or σ² is the smallest, and the slope there points below it.
    The likelihoods are those of torch.distributions.Normal at that σ²."""
    variance, logs = gaussian(mean, x, smallest)
    at_smallest = slope_in_log_variance(mean, x, smallest)
    free = at_smallest > 0
    at_yours = slope_in_log_variance(mean, x, usable(variance))
    squares = ((mean.double().abs() + x.double().abs()) * (mean.double() - x.double()).abs()).mean((1, 2))
    relative = 1 + squares / usable(variance)
    ratio = variance.double() / smallest.double()
    exact = log_densities(mean, x, torch.where(free, usable(variance), smallest.double()))
    size = density_size(mean, x, torch.where(free, usable(variance), smallest.double()))
    positive = true(variance > 0, what="the variance is positive")
    return [
        positive,
        close(
            torch.where(free, at_yours, 0.0).to(x), 0.0, terms=relative, what="the slope along log σ² at your variance"
        ),
        close(
            torch.where(free, 1.0, ratio).to(x),
            1.0,
            terms=1 + squares / smallest.double(),
            what="your variance, over smallest",
        ),
        close(logs, exact, terms=size, what="the log-likelihoods at your variance"),
    ]


@gaussian_decoder.law(points=0, where=dict(x=Reals(-3, 3), smallest=Positive(1e-6, 10)))
def perfect_reconstructions_are_no_better_than_smallest(gaussian, x, smallest):
    """Where mean = x the variance is the smallest, and every row has the density of N(0, smallest·I) at its peak."""
    variance, logs = gaussian(x, x, smallest)
    peak = log_densities(torch.zeros_like(x), torch.zeros_like(x), smallest)
    size = x.shape[-1] * (2 + smallest.double().log().abs())
    return [
        close(variance, smallest.double(), terms=smallest.double(), what="the variance"),
        close(logs, peak, terms=size[:, None].expand(logs.shape), what="the log-likelihoods"),
    ]


@gaussian_decoder.law(points=0, where=dict(**GREY, factor=Positive(0.1, 10, shape="")))
def in_other_units(gaussian, mean, x, smallest, factor):
    """Measured in units c times smaller, all numbers grow by c, the variances by c², and the log-density falls by log c for every
    dimension."""
    c = factor[:, None, None]
    _, before = gaussian(mean, x, smallest)
    scaled_mean, scaled_x, level = mean * c, x * c, smallest * factor**2
    variance, after = gaussian(scaled_mean, scaled_x, level)
    shift = x.shape[-1] * factor.double().log()[:, None]
    least = torch.maximum(usable(variance), level.double()) / factor.double() ** 2
    # Scaled numbers are rounded once more before they are subtracted.
    size = 4 * density_size(mean, x, least) + shift.abs()
    return close((after.double() + shift).to(x), before.double(), terms=size, what="the log-likelihoods + d·log c")


@gaussian_decoder.law(points=0, where=GREY)
def pulls_the_mean_towards_x(gaussian, mean, x, smallest):
    """Summed over rows, the slope of the log-likelihood along each mean is (x − mean)/σ²: whether or not σ² is held fixed
    meanwhile, since at its best, or at the smallest, it makes no difference."""
    variance, _ = gaussian(mean, x, smallest)
    slope = gaussian.gradient(mean, x, smallest, wrt="mean", output=1)
    level = torch.maximum(usable(variance), smallest.double())[:, None, None]
    with torch.enable_grad():
        moving = mean.double().clone().requires_grad_()
        total = log_densities(moving, x, torch.maximum(usable(variance), smallest.double())).sum()
        (exact,) = torch.autograd.grad(total, moving)
    sizes = mean.double().abs() + x.double().abs()
    relative = 1 + (sizes**2).mean((1, 2), keepdim=True) / level
    # Through σ² there are two more terms in every slope that cancel.
    return close(slope, exact, terms=4 * sizes / level * relative, what="the slope along the means")


# ---- an encoder without variances ----------------------------------------------------------------------------------------


@unit.exercise(optional=True, batch="n", measure="nats, one number a row", sizes=dict(d=(6, 4), k=(2, 3)), rows=100)
def mean_only_encoder(
    encoder: Module, decoder: Module, x: Float[Tensor, "n d"], eps: Float[Tensor, "n k"], sigma: Float[Tensor, ""]
) -> Float[Tensor, "n"]:
    """The bound log p(x | z) − KL[q‖N(0, I)] at one draw of q = N(encoder(x), σ²I), in nats, with every constant.

    encoder(x) is the mean alone, [n k]; the draw is mean + sigma·eps. decoder(z) gives the logits of Bernoulli pixels, x is 0 or
    1. sigma is a standard deviation, the same for all.
    """


BINARY = dict(x=Reals(-1, 1), eps=Normals(), noise=Positive(0.05, 3, shape=""))


def binary(x: Tensor) -> Tensor:
    """Pixels that are on or off."""
    return (x > 0).to(x)


def penalty(mean: Tensor, sigma: Tensor) -> Tensor:
    """The divergence of N(mean, σ²I) from N(0, I), from torch, in float64."""
    unit_matrix = torch.eye(mean.shape[-1], dtype=torch.float64, device=mean.device)
    q = MultivariateNormal(mean.double(), sigma.double() ** 2 * unit_matrix, validate_args=False)
    return kl_divergence(q, MultivariateNormal(torch.zeros_like(mean, dtype=torch.float64), unit_matrix))


def bound_size(there: Weights, back: Weights, x: Tensor, eps: Tensor, sigma: Tensor) -> Tensor:
    """Σ|terms|: of the logits (a pixel's log-probability moves no faster than its logit), and of the divergence."""
    mean_size = size_through(there, x.abs())
    z_size = mean_size + sigma.double() * eps.double().abs()
    logits_size = size_through(back, z_size)
    k, s = eps.shape[1], sigma.double()
    return (2 * logits_size + 2).sum(-1) + (mean_size**2).sum(-1) + k * (s**2 + 2 * s.log().abs() + 2)


@mean_only_encoder.law(points=0, decisive=True, where=BINARY)
def bound_of_torch_distributions(bound, x, eps, noise, generator):
    """It is the log-probability of the pixels at the draw, less the divergence of N(mean, σ²I) from N(0, I), both as
    torch.distributions has them."""
    x, pieces = binary(x), []
    there = two_layers(x.shape[1], eps.shape[1], x, generator)
    back = two_layers(eps.shape[1], x.shape[1], x, generator)
    encoder, decoder = bound.given("two_layers", *there), bound.given("two_layers", *back)
    for sigma in noise[:3]:
        mean = through(there, x)
        place = torch.addcmul(mean, eps.double(), sigma.double())
        exact = Bernoulli(logits=through(back, place)).log_prob(x.double()).sum(-1) - penalty(mean, sigma)
        size = bound_size(there, back, x, eps, sigma)
        what = f"the bound for σ = {float(sigma):.3g}"
        pieces.append(close(bound(encoder, decoder, x, eps, sigma), exact, terms=size, what=what))
    return pieces


@mean_only_encoder.law(points=0, where=BINARY)
def nothing_said_costs_nothing(bound, x, eps, noise):
    """With an encoder and a decoder that give 0 whatever they see, every pixel costs log 2. At σ = 1 that is all; at another σ
    there is the price of k Gaussians of a wrong width."""
    x, k, d = binary(x), eps.shape[1], x.shape[1]
    encoder = bound.given("linear", torch.zeros(k, d).to(x), torch.zeros(k).to(x))
    decoder = bound.given("linear", torch.zeros(d, k).to(x), torch.zeros(d).to(x))
    pieces = []
    for sigma in (torch.ones_like(noise[0]), noise[0]):
        mean = torch.zeros_like(eps)
        exact = -d * math.log(2) - penalty(mean, sigma)
        size = d + k * (2 + sigma.double() ** 2 + 2 * sigma.double().log().abs()) + torch.zeros_like(exact)
        pieces.append(
            close(
                bound(encoder, decoder, x, eps, sigma), exact, terms=size, what=f"the bound at σ = {float(sigma):.3g}"
            )
        )
    return pieces  # fmt: skip


@mean_only_encoder.law(points=0, rows=30, where=BINARY)
def a_surprise_has_its_price(bound, x, eps, noise):
    """A decoder that is sure (logits of ±300) pays 300 nats for every pixel that is otherwise, and nothing for the others."""
    x, k, d = binary(x), eps.shape[1], x.shape[1]
    sure = 300 * (1 - 2 * (torch.arange(d) % 2)).to(x)
    encoder = bound.given("linear", torch.zeros(k, d).to(x), torch.zeros(k).to(x))
    decoder = bound.given("linear", torch.zeros(d, k).to(x), sure)
    exact = -300.0 * ((sure > 0) != (x > 0)).sum(-1).double()
    one = torch.ones_like(noise[0])
    return close(bound(encoder, decoder, x, eps, one), exact, terms=d * 300 + 0 * exact, what="the bound at σ = 1")


@mean_only_encoder.law(points=0, rows=30, where=BINARY)
def learns_through_the_draw(bound, x, eps, noise, generator):
    """The bound's slope along x is that of the pixels, of the divergence, and of what the draw changes in the decoder. A draw
    that is detached loses the last."""
    x, sigma = binary(x), noise[0]
    there = two_layers(x.shape[1], eps.shape[1], x, generator)
    back = two_layers(eps.shape[1], x.shape[1], x, generator)
    encoder, decoder = bound.given("two_layers", *there), bound.given("two_layers", *back)
    slope = bound.gradient(encoder, decoder, x, eps, sigma, wrt="x")
    with torch.enable_grad():
        moving = x.double().clone().requires_grad_()
        mean = through(there, moving)
        pixels = Bernoulli(logits=through(back, torch.addcmul(mean, eps.double(), sigma.double())), validate_args=False)
        total = (pixels.log_prob(moving).sum(-1) - penalty(mean, sigma)).sum()
        (exact,) = torch.autograd.grad(total, moving)
    # Σ|terms| along all paths back; an error inside a tanh changes its slope by no more than itself.
    z_size = size_through(there, x.abs()) + sigma.double() * eps.double().abs()
    paths = (size_through(there, x.abs()) + crossings(back).sum(0)) @ crossings(there) + size_through(back, z_size)
    inside = 1 + (x.double() @ there[0].double().abs().mT).amax(-1) + (z_size @ back[0].double().abs().mT).amax(-1)
    return close(slope, exact, terms=paths * inside[:, None], what="the slope along x, through mean and draw")


@mean_only_encoder.probe()
def two_images(bound):
    x = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    eps = torch.tensor([[0.4, -1.3], [1.1, 0.6]], dtype=torch.float64)
    weight = torch.tensor([[0.8, -0.3, 0.5], [0.4, 1.1, -0.6]], dtype=torch.float64)
    encoder = bound.given("linear", weight, torch.tensor([0.3, -0.2], dtype=torch.float64))
    decoder = bound.given("linear", 2 * weight.mT.contiguous(), torch.tensor([0.1, 0.5, -0.4], dtype=torch.float64))
    sigmas = [torch.tensor(value, dtype=torch.float64) for value in (0.5, 1.0, 1.7)]
    values = [bound(encoder, decoder, x, eps, sigma) for sigma in sigmas]
    sure = bound.given("linear", 0 * weight.mT, torch.tensor([40.0, 40.0, -40.0], dtype=torch.float64))
    values.append(bound(encoder, sure, x, eps, sigmas[0]))
    return values, bound.gradient(encoder, decoder, x, eps, sigmas[0], wrt="x")


# ---- a decoder by itself -------------------------------------------------------------------------------------------------


@unit.exercise(
    optional=True,
    measure="weights, an offset, and one variance",
    sizes=dict(m=(12, 9, 20), k=(2, 1, 3), d=(3, 2, 3)),
    rows=24,
    slow=True,
)
def decoder_alone(
    z: Float[Tensor, "m k"], x: Float[Tensor, "m d"]
) -> tuple[Float[Tensor, "d k"], Float[Tensor, "d"], Float[Tensor, ""]]:
    """(W, b, variance): maximum likelihood of p(x | z) = N(Wz + b, variance·I) for m given pairs (z, x), m > k + 1.

    The codes are given, so nothing is averaged over. They need not have the mean 0 or the covariance I.
    """


EXAMPLES = dict(z=Reals(-3, 3), x=Reals(-5, 5))


def fitted(z: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Predictions [rows, m, d], in float64."""
    return z.double() @ W.double().mT + b.double()[:, None]


def fit_size(z: Tensor, x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """The largest of the terms that a residual is made of [rows], with some for a solution through ZᵀZ or an inverse."""
    spread = torch.linalg.svdvals(torch.cat([z.double(), torch.ones_like(z[..., :1]).double()], -1))
    condition = spread[:, 0] / spread[:, -1]
    return (z.double().abs() @ W.double().abs().mT + b.double().abs()[:, None] + x.double().abs()).amax(
        (1, 2)
    ) * condition**2


@decoder_alone.law(points=0, decisive=True, where=EXAMPLES)
def no_slope_is_left(decoder, z, x):
    """At your W, b and variance the log-likelihood of the pairs has no slope: in any entry of W, in b, or in log variance."""
    W, b, variance = decoder(z, x)
    with torch.enable_grad():
        weights, offset = W.double().clone().requires_grad_(), b.double().clone().requires_grad_()
        log_variance = variance.double().nan_to_num(1e-300, 1e300, 1e-300).clamp(1e-300, 1e300).log().requires_grad_()
        scale = (log_variance / 2).exp()[:, None, None].expand(x.shape)
        logs = Normal(fitted(z, weights, offset), scale, validate_args=False).log_prob(x.double())
        slopes = torch.autograd.grad(logs.mean((1, 2)).sum(), (weights, offset, log_variance))
    along_w, along_b, along_v = slopes
    level = log_variance.detach().exp()
    size, reach = fit_size(z, x, W, b), 1 + z.double().abs().amax((1, 2))
    return [
        close(
            (along_w * level[:, None, None]).to(x),
            0.0,
            terms=(size * reach)[:, None, None].expand(along_w.shape),
            what="the slope in W, times the variance",
        ),
        close(
            (along_b * level[:, None]).to(x),
            0.0,
            terms=size[:, None].expand(along_b.shape),
            what="the slope in b, times the variance",
        ),
        close(along_v.to(x), 0.0, terms=1 + size**2 / level, what="the slope in log variance"),
    ]


@decoder_alone.law(points=0, where=dict(**EXAMPLES, W=Reals(-2, 2, shape="d k"), b=Reals(-3, 3, shape="d")))
def finds_what_made_the_data(decoder, z, x, W, b):
    """Where x = Wz + b without noise, W and b come back, and the variance is 0."""
    del x
    made = z @ W.mT + b[:, None]
    found, offset, variance = decoder(z, made)
    size = z.shape[1] * fit_size(z, made, W, b)  # W and b are sums over the pairs
    slack = rounding(size, z)
    return [
        close(found, W.double(), tolerance=slack[:, None, None].expand(W.shape), what="W"),
        close(offset, b.double(), tolerance=(slack * (1 + z.double().abs().amax((1, 2))))[:, None].expand(b.shape), what="b"),
        close(variance, 0.0, tolerance=slack**2 + slack * torch.finfo(z.dtype).eps * size, what="the variance"),
    ]  # fmt: skip


@decoder_alone.law(points=0, where=EXAMPLES)
def the_same_pairs_twice_say_the_same(decoder, z, x):
    """With every pair given twice, W, b and the variance stay: maximum likelihood averages over pairs, and knows no degrees of
    freedom."""
    once, twice = decoder(z, x), decoder(torch.cat([z, z], 1), torch.cat([x, x], 1))
    size = fit_size(z, x, once[0], once[1])
    reach = 1 + z.double().abs().amax((1, 2))
    return [
        close(twice[0], once[0].double(), terms=4 * (size * reach)[:, None, None].expand(once[0].shape), what="W"),
        close(twice[1], once[1].double(), terms=4 * (size * reach)[:, None].expand(once[1].shape), what="b"),
        close(twice[2], once[2].double(), terms=4 * size**2, what="the variance"),
    ]


@decoder_alone.law(points=0, where=dict(**EXAMPLES, c=Reals(-5, 5, shape="k"), e=Reals(-5, 5, shape="d")))
def other_origins(decoder, z, x, c, e):
    """With c added to every code and e to every x, W and the variance stay and b becomes b + e − Wc."""
    W, b, variance = decoder(z, x)
    far_z, far_x = z + c[:, None], x + e[:, None]
    moved_W, moved_b, moved_variance = decoder(far_z, far_x)
    size = 2 * fit_size(far_z, far_x, W, b.abs() + e.abs() + (W.abs() @ c.abs()[..., None])[..., 0])
    reach = 1 + far_z.double().abs().amax((1, 2)) + z.double().abs().amax((1, 2))
    expected = b.double() + e.double() - (W.double() @ c.double()[..., None])[..., 0]
    return [
        close(moved_W, W.double(), terms=4 * (size * reach)[:, None, None].expand(W.shape), what="W"),
        close(moved_b, expected, terms=4 * (size * reach**2)[:, None].expand(b.shape), what="b"),
        close(moved_variance, variance.double(), terms=4 * size**2, what="the variance"),
    ]
