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

import numpy
import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Categorical, MultivariateNormal, Normal, kl_divergence
from torch.distributions.transforms import AffineTransform
from torch.nn import Module
from torch.optim import Optimizer

from autograder.answer import Answer, Fault, Remote
from autograder.domains import Domain, Listed, Normals, Reals
from autograder.evidence import at_least, at_most, close, rounding, true
from autograder.exercise import Unit

unit = Unit("vae", "The variational autoencoder", minutes=270)


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
    slopes = slope_or_nothing(elbo, *inside, x, eps, wrt="x"), slope_or_nothing(elbo, *inside, x, eps, wrt="eps")
    return (
        elbo(*pixels.inside(elbo), x, eps), elbo(*inside, x, eps), elbo(*inside, x[:1], eps[:1]),
        elbo(*shifted(real, -14.0).inside(elbo), x, eps), *slopes,
    )  # fmt: skip


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
