"""Autoencoders: what this week asks, and what every right answer satisfies.

Each exercise is the signature that your function must have; each law below it is a property that is tried on many inputs.
Points lie on the laws that an answer can fail separately. A law without points follows from those that have them: it is
there to tell a wrong answer *what* is wrong with it.

Encoders and decoders are handed to your functions as `torch.nn.Module`s, with one or two layers and weights that the laws have
drawn (`given.py` makes them). Tolerances are the rounding of the terms that an answer adds up: 64·eps·Σ|terms|, where eps is
that of the dtype you were given.
"""
# pyright: reportUndefinedVariable=false, reportReturnType=false

import itertools
import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Independent, MixtureSameFamily, Normal, kl_divergence
from torch.nn import Module

from autograder.answer import Fault
from autograder.domains import Integers, Listed, Normals, Positive, Reals
from autograder.evidence import at_least, at_most, close, rounding, true
from autograder.exercise import Unit

unit = Unit("autoencoders", "Autoencoders", minutes=295)


# ---- networks whose weights are known ------------------------------------------------------------------------------------


@dataclass
class Layers:
    """Weights, biases and what the last layer does: of a network that an answer is given, seen from outside."""

    weights: list[Tensor]
    biases: list[Tensor]
    last: str

    def inside(self, answer) -> Module:
        """The network itself, where the answer is."""
        return answer.given("network", self.weights, self.biases, self.last)

    def after(self, x: Tensor) -> Tensor:
        """What it makes of x, in float64; of a complex x too."""
        x = x if x.is_complex() else x.double()
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True), start=1):
            x = x @ weight.to(x.dtype).mT + bias.to(x.dtype)
            if number < len(self.weights) or self.last == "tanh":
                x = torch.tanh(x)
        return x

    def reach(self, x: Tensor) -> Tensor:
        """Σ|terms| of all that is added up on the way from x, a number a row: no layer's rounding is larger than this."""
        x, total = x.double().abs(), 1.0
        for weight, bias in zip(self.weights, self.biases, strict=True):
            x = x @ weight.double().abs().mT + bias.double().abs()
            total = total + x.amax(-1)
        return torch.as_tensor(total)

    def gain(self) -> Tensor:
        """Σ over inputs and outputs of the square of the steepest that an output can depend on an input."""
        product = self.weights[0].double().abs()
        for weight in self.weights[1:]:
            product = weight.double().abs() @ product
        return product.square().sum()


def learning(*networks) -> Tensor:
    """1 for every network (inside) that was called in such a way that its weights can learn, and 0 for the others."""
    return torch.tensor([float(network.attribute("could_learn")) for network in networks], dtype=torch.float64)


def layers(generator: torch.Generator, like: Tensor, *sizes: int, last: str) -> Layers:
    """A network with so many units in each layer, weights of order one, in the dtype of `like`."""
    weights, biases = [], []
    for before, after in itertools.pairwise(sizes):
        weight = torch.randn(after, before, generator=generator, dtype=torch.float64) * (1.2 / math.sqrt(before))
        weights.append(weight.to(like))
        biases.append((0.5 * torch.randn(after, generator=generator, dtype=torch.float64)).to(like))
    return Layers(weights, biases, last)


# ---- 1. how far a reconstruction is off ----------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="squared error, and nats, summed over pixels", sizes=dict(d=(1, 5)), rows=300)
def reconstruction_losses(
    logits: Float[Tensor, "n d"], x: Float[Tensor, "n d"]
) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"]]:
    """(squared error, cross-entropy) of a reconstruction that is given by its logits, each summed over the pixels of a row.

    A pixel's reconstruction is p = sigmoid(logit); x lies between 0 and 1, both included. The squared error is that of p, the
    cross-entropy −x log p − (1 − x) log(1 − p), in nats. Differentiable in the logits, however large they are.
    """


def pixel_sizes(logits: Tensor) -> Tensor:
    """Σ (1 + |logit|) over pixels."""
    return (1 + logits.double().abs()).sum(-1)


PIXELS = dict(logits=Reals(-5, 5), x=Reals(0, 1))


@reconstruction_losses.law(points=2, decisive=True, sizes=dict(d=(1, 2, 30)), where=PIXELS)
def losses_agree_with_distributions(losses, logits, x):
    """The squared error is −log of the density of x under N(p, ½) but for its constant; the cross-entropy is −log of what the
    reconstruction gives a coin that shows 1 with probability x, on average. Both are sums over pixels, one number a row."""
    squared, nats = losses(logits, x)
    made = Bernoulli(logits=logits.double())
    density = Normal(made.mean, math.sqrt(0.5)).log_prob(x.double()).sum(-1)
    constant = x.shape[-1] * math.log(math.pi) / 2
    ones = torch.full_like(squared, 3.0 * x.shape[-1])
    shows_0, shows_1 = (made.log_prob(torch.full_like(x.double(), side)) for side in (0.0, 1.0))
    exact = -((1 - x.double()) * shows_0 + x.double() * shows_1).sum(-1)
    return [
        close(squared, -density - constant, terms=ones, what="the squared error"),
        close(nats, exact, terms=pixel_sizes(logits), what="the cross-entropy"),
    ]


FAR_OUT = dict(
    logits=Listed([[1e4, -1e4, 1e4], [1e4, -1e4, 0.0], [200.0, -200.0, 40.0], [-50.0, 50.0, 120.0]], shape="3"),
    x=Listed([[1.0, 0.0, 1.0], [0.0, 1.0, 0.5], [0.0, 1.0, 0.0], [0.25, 0.75, 0.5]], shape="3"),
    squares=Listed([0.0, 2.0, 3.0, 0.375]),
    cost=Listed([0.0, 20000 + math.log(2), 440.0, 85.0]),
    slope=Listed([[0.0, 0.0, 0.0], [1.0, -1.0, 0.0], [1.0, -1.0, 1.0], [-0.25, 0.25, 0.5]], shape="3"),
)


@reconstruction_losses.law(points=2, sizes={}, where=FAR_OUT)
def right_for_logits_far_out(losses, logits, x, squares, cost, slope):
    """A white pixel with the logit 200 costs 200 nats, one with 10,000 costs 10,000, and the slope is still 1; there the squared
    error is 1 and flat. Nothing overflows, nothing is cut off."""
    squared, nats = losses(logits, x)
    size = pixel_sizes(logits)
    return [
        close(squared, squares, terms=3 + 0 * size, what="the squared error"),
        close(nats, cost, terms=size, what="the cross-entropy"),
        close(losses.gradient(logits, x, wrt="logits", output=1), slope, terms=3 + 0 * slope,
              what="the slope of the cross-entropy along each logit"),
        close(losses.gradient(logits, x, wrt="logits"), 0.0, terms=3 + 0 * slope,
              what="the slope of the squared error along each logit"),
    ]  # fmt: skip


@reconstruction_losses.law(points=0, where=dict(x=Reals(0, 1), other=Reals(-8, 8, shape="d")))
def cross_entropy_ends_at_the_entropy(losses, x, other):
    """No reconstruction has a smaller cross-entropy than p = x, and that one still has the entropy of x: 0 only where every pixel
    is black or white."""
    inside = (x.double() * 0.98 + 0.01).to(x)
    best = torch.logit(inside.double()).to(x)
    entropy = Bernoulli(inside.double()).entropy().sum(-1)
    at_best, elsewhere = losses(best, inside)[1], losses(other, inside)[1]
    return [
        close(at_best, entropy, terms=pixel_sizes(best), what="the cross-entropy of p = x"),
        at_least(elsewhere, entropy, slack=rounding(pixel_sizes(other), elsewhere), what="that of another p"),
    ]


@reconstruction_losses.law(
    points=0, sizes={},
    where=dict(
        logits=Listed([[0.0, math.log(3)], [math.log(3), -math.log(3)]], shape="d"),
        x=Listed([[1.0, 0.0], [0.5, 0.0]], shape="d"), squares=Listed([13 / 16, 1 / 8]),
        cost=Listed([3 * math.log(2), 3 * math.log(2) - math.log(3) * 3 / 2 + math.log(2)]),
    ),
)  # fmt: skip
def two_pixels_by_hand(losses, logits, x, squares, cost):
    """For p = (½, ¾) and x = (1, 0) it is ¼ + 9/16 = 13/16, and log 2 + log 4 nats; for p = (¾, ¼) and x = (½, 0) it is ⅛, and
    log 4 − ½ log 3 + log 4/3 nats."""
    squared, nats = losses(logits, x)
    return [
        close(squared, squares, terms=6 + 0 * squares, what="the squared error"),
        close(nats, cost, terms=6 + 0 * cost, what="the cross-entropy"),
    ]


# ---- 2. linear encoder, linear decoder -----------------------------------------------------------------------------------


@unit.exercise(measure="in the units of x", rows=8, slow=True)
def linear_autoencoder(
    x: Float[Tensor, "m d"], k: int
) -> tuple[Float[Tensor, "d"], Float[Tensor, "k d"], Float[Tensor, "d k"]]:
    """(mean, encode, decode) of the linear autoencoder with k numbers of code whose squared error on the rows of x is least.

    The code of x is encode @ (x − mean), and its reconstruction mean + decode @ code. 1 ≤ k ≤ d; k may be larger than the number
    of rows. Any code that is an invertible mixture of another one is as right: only what comes out counts.
    """


CLOUD = dict(
    noise=Normals("m d"), turn=Normals("d d"), spread=Positive(0.3, 3, shape="d"), offset=Reals(-5, 5, shape="d"),
    code=Normals("k"),
)  # fmt: skip
"""A cloud of m points in d dimensions, turned, stretched and away from the origin. `code` only says how large k is."""


def cloud(noise: Tensor, turn: Tensor, spread: Tensor, offset: Tensor) -> Tensor:
    """[rows m d]."""
    basis = torch.linalg.qr(turn.double())[0].to(noise)
    return (noise * spread.unsqueeze(1)) @ basis + offset.unsqueeze(1)


def out_and_back(parts: tuple[Tensor, Tensor, Tensor], points: Tensor) -> Tensor:
    """Points through code and decoder, in float64."""
    mean, encode, decode = (part.double() for part in parts)
    centred = points.double() - mean.unsqueeze(1)
    return mean.unsqueeze(1) + centred @ encode.mT @ decode.mT


def off_by(parts: tuple[Tensor, Tensor, Tensor], points: Tensor) -> Tensor:
    """The squared length of what is lost, averaged over the points, one number a row."""
    return (points.double() - out_and_back(parts, points)).square().sum(-1).mean(-1)


def linear_terms(parts: tuple[Tensor, Tensor, Tensor], points: Tensor) -> Tensor:
    """Mean square of the points, times what a lopsided code may add to the rounding (up to a hundredfold)."""
    _, encode, decode = (part.double().nan_to_num(0.0, 0.0, 0.0) for part in parts)
    lopsided = (encode.norm(dim=(1, 2)) * decode.norm(dim=(1, 2))).clamp(max=100.0)
    return (1 + lopsided) * points.double().square().sum(-1).mean(-1) * points.shape[-1]


def lost_variance(points: Tensor, k: int) -> Tensor:
    """What no plane of k dimensions can hold: the smaller eigenvalues of the covariance (1/m) of the points, added up."""
    points = points.double()
    centred = points - points.mean(1, keepdim=True)
    values = torch.linalg.eigvalsh(centred.mT @ centred / points.shape[1])
    return values[:, : points.shape[2] - k].clamp_min(0).sum(-1)


@linear_autoencoder.law(
    points=2, decisive=True, sizes=dict(m=(12, 20, 30, 8, 40, 25), d=(3, 5, 4, 2, 7, 4), k=(1, 2, 3, 1, 4, 2)), where=CLOUD
)  # fmt: skip
def loses_as_little_as_pca(linear, noise, turn, spread, offset, code):
    """The mean squared error is the sum of the d − k smallest eigenvalues of the covariance. Nothing linear loses less (Baldi and
    Hornik 1989)."""
    x, k = cloud(noise, turn, spread, offset), code.shape[-1]
    parts = linear(x, k)
    got = off_by(parts, x).to(x)
    return close(got, lost_variance(x, k), terms=linear_terms(parts, x), what="the mean squared error")


@linear_autoencoder.law(points=2, sizes=dict(m=(12, 3, 4, 6), d=(3, 5, 6, 6), k=(3, 2, 5, 6)), where=CLOUD)
def loses_nothing_where_the_code_is_wide(linear, noise, turn, spread, offset, code):
    """With k = d, and wherever k numbers are enough for so few points (3 points lie in a plane), nothing is lost: without a
    bottleneck the best autoencoder of the data copies them."""
    x = cloud(noise, turn, spread, offset)
    parts = linear(x, code.shape[-1])
    got = off_by(parts, x).to(x)
    return close(got, 0.0, terms=linear_terms(parts, x), what="the mean squared error")


@linear_autoencoder.law(
    points=0, sizes=dict(m=(12, 20, 30), d=(3, 5, 4), k=(1, 2, 2)), where=dict(**CLOUD, fresh=Reals(-10, 10, shape="4 d"))
)  # fmt: skip
def new_points_land_on_the_plane(linear, noise, turn, spread, offset, code, fresh):
    """A point that it has never seen goes to the plane, where it stays when it goes through once more; and what was lost stands
    at right angles to the plane."""
    x = cloud(noise, turn, spread, offset)
    parts = linear(x, code.shape[-1])
    once = out_and_back(parts, fresh)
    twice = out_and_back(parts, once)
    # How far rounding turns the plane is eps times the largest eigenvalue over the gap below the last one that is kept.
    centred = x.double() - x.double().mean(1, keepdim=True)
    values = torch.linalg.eigvalsh(centred.mT @ centred / x.shape[1]).flip(-1)
    gap = (values[:, code.shape[-1] - 1] - values[:, code.shape[-1]]).clamp_min(1e-9)
    kappa = 1 + values[:, 0] / gap + x.double().square().sum(-1).mean(-1) / gap
    size = (linear_terms(parts, torch.cat([x, fresh], 1)) * kappa)[:, None]
    across = ((fresh.double() - once) * (once - parts[0].double().unsqueeze(1))).sum(-1)
    return [
        close(twice.to(x), once, terms=size.expand(twice.shape[:2]).unsqueeze(-1), what="through it once more"),
        close(across.to(x), 0.0, terms=size.expand(across.shape), what="what was lost, times what is left"),
    ]


@linear_autoencoder.probe()
def three_clouds(linear):
    """What comes out for three clouds in three dimensions: seven points by one number and by two, three and two by three.

    It is what comes out that is compared: the code may be mixed as one likes.
    """
    seven = torch.tensor(
        [[2.0, 1.0, 0.5], [-1.0, 3.0, 0.2], [4.0, -2.0, 1.5], [0.5, 0.3, 2.0], [3.0, 3.5, -1.0], [1.0, -1.0, 0.0],
         [2.5, 0.6, 3.0]],
        dtype=torch.float64,
    )  # fmt: skip
    outcomes = []
    for points, k in ((seven, 1), (seven, 2), (seven[:3], 3), (seven[:2], 3)):
        mean, encode, decode = linear(points, k)
        outcomes.append(mean + (points - mean) @ encode.mT @ decode.mT)
    return tuple(outcomes)


# ---- 3. what is hidden must be guessed -----------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="nats, summed over pixels", sizes=dict(d=(3, 6)), rows=60)
def denoising_loss(
    encoder: Module, decoder: Module, x: Float[Tensor, "n d"], u: Float[Tensor, "n d"], share: float
) -> Float[Tensor, "n"]:  # fmt: skip
    """The cross-entropy, summed over all pixels, of the whole x and what is made of it after a share of its pixels was hidden.

    u is uniform noise from 0 to 1, 1 excluded. A pixel with u < share is set to 0 before the encoder sees it. The decoder gives
    logits.
    """


def spoilt_and_noise(x: Tensor, coin: Tensor, level: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """(what the encoder should see, noise that brings it about): a pixel is hidden where the coin is below ½."""
    hidden = coin < 0.5
    u = torch.where(hidden, share * level, share + (1 - share) * level)
    return x.masked_fill(hidden, 0.0), u


def told_apart(logits: Tensor, x: Tensor) -> Tensor:
    """The cross-entropy of x and what the logits say, in float64, by way of KL and entropy."""
    seen, made = Bernoulli(x.double()), Bernoulli(logits=logits.double())
    return (kl_divergence(seen, made) + seen.entropy()).sum(-1)


def coder(generator: torch.Generator, x: Tensor) -> tuple[Layers, Layers]:
    """An encoder with two layers, and a decoder with two."""
    d = x.shape[-1]
    return layers(generator, x, d, 5, 2, last="tanh"), layers(generator, x, 2, 4, d, last="linear")


def coder_terms(encoder: Layers, decoder: Layers, x: Tensor) -> Tensor:
    """How much rounding on the way through both networks can move a logit, times the number of logits, and their own size."""
    code = encoder.after(x)
    steep = 1 + decoder.gain().sqrt()
    return x.shape[-1] * (2 + steep * encoder.reach(x) + 2 * decoder.reach(code))


SHARES = (0.25, 0.5, 0.75)
IN_PARTS = dict(x=Reals(0, 1), coin=Reals(0.01, 0.99, shape="d"), level=Reals(0.01, 0.99, shape="d"))


@denoising_loss.law(points=2, decisive=True, sizes=dict(d=(3, 6, 10)), where=IN_PARTS)
def hides_and_asks_for_everything(loss, x, coin, level, generator):
    """The encoder sees x with the pixels of u < share set to 0, each row with its own; what comes out is compared with the whole
    x, hidden pixels and others, and a gradient can reach the weights of both networks."""
    encoder, decoder = coder(generator, x)
    inside = encoder.inside(loss), decoder.inside(loss)
    pieces = []
    for share in SHARES:
        seen, u = spoilt_and_noise(x, coin, level, share)
        exact = told_apart(decoder.after(encoder.after(seen)), x)
        size = coder_terms(encoder, decoder, seen)
        pieces.append(close(loss(*inside, x, u, share), exact, terms=size, what=f"the loss for share = {share}"))
    return [
        *pieces,
        true(learning(*inside) == 1, what="the networks are called so that their weights can learn (no torch.no_grad)"),
    ]


@denoising_loss.law(points=2, where=dict(x=Reals(0, 1), level=Reals(0, 0.99, shape="d")))
def nothing_and_everything_hidden(loss, x, level, generator):
    """With share = 0 nothing is hidden, even where u = 0, and the loss is that of a plain autoencoder; with share = 1 the encoder
    sees an empty picture; and a pixel with u = share is kept."""
    encoder, decoder = coder(generator, x)
    inside = encoder.inside(loss), decoder.inside(loss)
    pieces = []
    empty, half = torch.zeros_like(x), torch.full_like(x, 0.5)
    for share, u, seen, what in (
        (0.0, level, x, "the loss for share = 0"), (0.0, empty, x, "the loss for share = 0 and u = 0"),
        (1.0, level, empty, "the loss for share = 1"), (0.5, half, x, "the loss for share = ½ and u = ½"),
    ):  # fmt: skip
        exact = told_apart(decoder.after(encoder.after(seen)), x)
        pieces.append(close(loss(*inside, x, u, share), exact, terms=coder_terms(encoder, decoder, x), what=what))
    return pieces


@denoising_loss.law(
    points=0, rows=1, sizes=dict(d=(3, 4)), where=dict(x=Reals(0, 1), share=Positive(0.2, 0.8, shape=""))
)
def average_over_everything_that_can_be_hidden(loss, x, share, generator):
    """For one picture, averaged over all 2^d ways to hide some of its pixels, each with its chance: share for a hidden pixel,
    1 − share for one that is kept."""
    encoder, decoder = coder(generator, x)
    inside = encoder.inside(loss), decoder.inside(loss)
    one, hide = x[:1], round(float(share[0]) * 64) / 64
    d = x.shape[-1]
    ways = torch.tensor([[way >> place & 1 for place in range(d)] for way in range(2**d)], device=x.device).bool()
    chance = torch.where(ways, hide, 1 - hide).double().prod(-1)
    whole = one.expand(len(ways), -1).contiguous()
    u = torch.where(ways, hide / 2, (1 + hide) / 2).to(x)
    got = (loss(*inside, whole, u, hide).double() * chance).sum().reshape(1)
    seen = whole.masked_fill(ways, 0.0)
    exact = (told_apart(decoder.after(encoder.after(seen)), whole) * chance).sum().reshape(1)
    size = coder_terms(encoder, decoder, whole).amax().reshape(1)
    return close(got.to(x), exact, terms=size, what="the average loss")


@denoising_loss.probe()
def three_pictures(loss):
    """Three pictures with four pixels, and noise that hides some; and whether the networks were called so that they can learn."""
    first = torch.tensor([[0.5, -1.0, 0.3, 0.8], [1.0, 0.4, -0.6, 0.2], [-0.7, 0.9, 0.5, -0.2]], dtype=torch.float64)
    second = torch.tensor([[1.0, -0.5, 0.8], [0.3, 1.2, -0.9], [-1.1, 0.4, 0.6], [0.7, -0.8, 1.3]], dtype=torch.float64)
    encoder = loss.given("network", [first], [first[:, 0]], "tanh")
    decoder = loss.given("network", [second], [second[:, 1]], "linear")
    x = torch.tensor([[0.0, 1.0, 0.75, 0.25], [1.0, 1.0, 0.0, 0.5], [0.3, 0.6, 0.9, 0.1]], dtype=torch.float64)
    u = torch.tensor([[0.1, 0.9, 0.2, 0.6], [0.4, 0.05, 0.7, 0.95], [0.25, 0.15, 0.5, 0.8]], dtype=torch.float64)
    losses = tuple(loss(encoder, decoder, x, u, share) for share in (0.25, 0.5, 0.75, 0.0))
    return *losses, learning(encoder, decoder)


# ---- 4. the best denoiser there is ---------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="in the units of the points", sizes=dict(d=(1, 3), m=(2, 6)), rows=200)
def best_denoiser(noisy: Float[Tensor, "n d"], points: Float[Tensor, "m d"], sigma: float) -> Float[Tensor, "n d"]:
    """E[x | noisy], row by row: x is one of the m points, each as probable as any other, and noisy is x plus N(0, σ²I).

    A point that is listed twice is twice as probable. sigma > 0 is the noise's standard deviation.
    """


def around(points: Tensor, sigma: float) -> MixtureSameFamily:
    """The distribution of noisy points: Gaussians of equal weight around the points, in float64."""
    parts = Independent(Normal(points.double(), sigma), 1)
    return MixtureSameFamily(
        Categorical(logits=torch.zeros(len(points), dtype=torch.float64, device=points.device)), parts
    )


def denoiser_terms(noisy: Tensor, points: Tensor, sigma: float) -> Tensor:
    """The largest point, times how large the exponents get: their rounding moves the weights."""
    longest = points.double().norm(dim=-1).amax()
    exponent = (noisy.double().norm(dim=-1) + longest) ** 2 / (2 * sigma**2)
    return (points.double().abs().amax() * (4 + 2 * exponent)).unsqueeze(-1)


SCATTERED = dict(noisy=Reals(-4, 4), places=Normals("m d"))


def scatter(places: Tensor) -> Tensor:
    """The points of one row, the same for all noisy ones; the first of them is listed twice."""
    return 1.5 * torch.cat([places[0], places[0][:1]])


@best_denoiser.law(points=2, decisive=True, sizes=dict(d=(1, 2, 5), m=(2, 3, 9)), where=SCATTERED)
def follows_tweedies_formula(denoise, noisy, places):
    """E[x | noisy] = noisy + σ²∇log p(noisy), where p is the density of noisy points (Tweedie's formula, Robbins 1956): it walks
    uphill to where points are. A point that is listed twice counts twice."""
    points = scatter(places)
    pieces = []
    for sigma in (0.75, 1.5):
        at = noisy.double().clone().requires_grad_()
        (slope,) = torch.autograd.grad(around(points, sigma).log_prob(at).sum(), at)
        exact = noisy.double() + sigma**2 * slope
        size = denoiser_terms(noisy, points, sigma) + noisy.double().abs()
        pieces.append(close(denoise(noisy, points, sigma), exact, terms=size, what=f"E[x | noisy] for σ = {sigma}"))
    return pieces


FAR = [[1000.0, 0.0], [-1000.0, 3.0], [0.0, 1000.0], [0.0, 0.0], [500.0, -1000.0], [8.0, -8.0], [1.0, 0.0]]
NEAREST = [[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]


@best_denoiser.law(
    points=2, sizes={}, where=dict(noisy=Listed(FAR, shape="2"), nearest=Listed(NEAREST, shape="2"))
)  # fmt: skip
def right_far_from_every_point(denoise, noisy, nearest):
    """A thousand σ away from all points, or with σ = ⅛, nothing becomes 0/0: the nearest point wins, and two that are equally
    near share."""
    points = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).to(noisy)
    return [
        close(denoise(noisy, points, sigma), nearest, terms=torch.ones_like(nearest), what=f"E[x | noisy] for σ = {sigma}")
        for sigma in (0.125, 0.03125)
    ]  # fmt: skip


@best_denoiser.law(points=0, where=SCATTERED)
def between_the_points(denoise, noisy, places):
    """It is an average of the points: in no direction beyond all of them. With σ = 1000 it is the plain average, to one per
    cent."""
    points = scatter(places)
    got, blurred = denoise(noisy, points, 0.75), denoise(noisy, points, 1000.0)
    slack = rounding(denoiser_terms(noisy, points, 0.75), got)
    centre = points.double().mean(0)
    reach = (points.double() - centre).abs().amax(0)
    return [
        at_most(got, points.double().amax(0).expand_as(got), slack=slack, what="E[x | noisy], beside the largest coordinate"),
        at_least(got, points.double().amin(0).expand_as(got), slack=slack, what="E[x | noisy], beside the smallest coordinate"),
        # Exponents differ by less than 10⁻³: so do the weights.
        close(blurred, centre.expand_as(blurred), tolerance=(0.01 * reach + 1e-5).expand_as(blurred), what="for σ = 1000"),
    ]  # fmt: skip


@best_denoiser.law(
    points=0, sizes={},
    where=dict(
        noisy=Listed([[1.0], [0.0], [0.5]], shape="1"),
        average=Listed(
            [
                [(1 + math.exp(-1 / 2)) / (1 + 2 * math.exp(-1 / 2))],
                [(math.exp(-1 / 2) + math.exp(-2)) / (3 / 2 + math.exp(-1 / 2) + math.exp(-2) / 2)],
                [(1 + math.exp(-1)) / (5 / 2 + math.exp(-1) / 2)],
            ],
            shape="1",
        ),
    ),
)  # fmt: skip
def by_hand_in_the_small_model(denoise, noisy, average):
    """The small model's z, as the points 0, 0, 0, 1, 1, 2: seen as 1 with σ = 1, it averages (1 + e^−½)/(1 + 2e^−½) = 0.726."""
    points = torch.tensor([[0.0], [0.0], [0.0], [1.0], [1.0], [2.0]]).to(noisy)
    return close(denoise(noisy, points, 1.0), average, terms=torch.full_like(average, 10.0))


@best_denoiser.probe()
def four_points_in_the_plane(denoise):
    """Five noisy points around four, and one far away, at two noise levels."""
    points = torch.tensor([[0.0, 0.0], [1.0, 0.5], [-1.0, 1.0], [1.0, 0.5]], dtype=torch.float64)
    noisy = torch.tensor(
        [[0.2, 0.1], [1.5, -0.5], [-0.6, 0.4], [3.0, 2.0], [0.0, -1.0], [60.0, 80.0]], dtype=torch.float64
    )
    return tuple(denoise(noisy, points, sigma) for sigma in (0.4, 1.5))


# ---- 5. codes that hardly move -------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="squared units of code per unit of x", sizes=dict(d=(3, 5)), rows=40)
def contractive_penalty(encoder: Module, x: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    """‖∂h/∂x‖²_F of every row, h = encoder(x): the squares of all entries of its Jacobian, added up (Rifai et al. 2011).

    The encoder codes each row by itself, whatever stands beside it. A gradient flows through the penalty: training lowers it.
    """


WIDTHS = {1: (4, 2), 3: (4, 2), 4: (6, 1), 5: (6, 8)}
"""For so many inputs, so many units in the two layers of the encoder: wider than the input, narrower, and a single one."""
STEP = 1e-30
"""A complex step: tanh is analytic, so that h(x + iδ) = h(x) + iδ·∂h/∂x, and nothing is subtracted."""


def stretched(encoder: Layers, x: Tensor) -> Tensor:
    """How much the code moves when one input does, squared, and added up over all inputs: by a step along each of them."""
    total = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    for place in range(x.shape[-1]):
        step = torch.zeros(x.shape[-1], dtype=torch.float64, device=x.device)
        step[place] = STEP
        moved = encoder.after(torch.complex(x.double(), step.expand_as(x).contiguous()))
        total = total + (moved.imag / STEP).square().sum(-1)
    return total


@contractive_penalty.law(points=2, decisive=True, sizes=dict(d=(3, 5, 1, 4)), where=dict(x=Reals(-2, 2)))
def adds_up_how_the_code_moves(penalty, x, generator):
    """Move one input after the other by a tiny step: how far each number of the code moves, per step, squared, and added up over
    inputs and code. The encoder has two layers of tanh."""
    encoder = layers(generator, x, x.shape[-1], *WIDTHS[x.shape[-1]], last="tanh")
    got = penalty(encoder.inside(penalty), x)
    return close(got, stretched(encoder, x), terms=encoder.gain() * (4 + encoder.reach(x)))


@contractive_penalty.law(points=2, rows=10, where=dict(x=Reals(-2, 2)))
def training_can_lower_it(penalty, x, generator):
    """The penalty's own slope along x is right, so it was not detached on the way; and the encoder is called with its own
    weights, not with copies that no gradient reaches."""
    encoder = layers(generator, x, x.shape[-1], *WIDTHS[x.shape[-1]], last="tanh")
    inside = encoder.inside(penalty)
    got = penalty.gradient(inside, x, wrt="x")
    # Differences over ±h and ±2h, whose error is of the order of h⁴ = 10⁻¹².
    h, slopes = 1e-3, torch.zeros_like(x, dtype=torch.float64)
    for place in range(x.shape[-1]):
        step = torch.zeros(x.shape[-1], dtype=torch.float64, device=x.device)
        step[place] = h
        near, far = (
            (stretched(encoder, x.double() + t * step) - stretched(encoder, x.double() - t * step)) for t in (1, 2)
        )
        slopes[:, place] = (8 * near - far) / (12 * h)
    size = (encoder.gain() * (1 + encoder.gain().sqrt()) * (4 + encoder.reach(x)))[:, None]
    return [
        close(got, slopes, tolerance=rounding(4 * size, got) + 1e-9 * size, what="the slope of the penalty along x"),
        true(learning(inside) == 1, what="the encoder is called with weights that a gradient reaches"),
    ]


@contractive_penalty.law(points=0, where=dict(x=Reals(-5, 5)))
def a_linear_encoder_stretches_everywhere_alike(penalty, x, generator):
    """For h = Wx + b it is the sum of the squared weights, whatever x is; with tanh on top it is less."""
    linear = layers(generator, x, x.shape[-1], 4, last="linear")
    bent = Layers(linear.weights, linear.biases, "tanh")
    size = linear.gain() * (4 + linear.reach(x))
    got, less = penalty(linear.inside(penalty), x), penalty(bent.inside(penalty), x)
    exact = linear.weights[0].double().square().sum()
    return [
        close(got, exact.expand(len(x)), terms=size, what="the penalty of Wx + b"),
        at_most(less, exact.expand(len(x)), slack=rounding(size, less), what="the penalty of tanh(Wx + b)"),
    ]


@contractive_penalty.law(points=0, rows=6, where=dict(x=Reals(-2, 2)))
def a_row_has_its_own(penalty, x, generator):
    """A row has the same penalty alone as among others."""
    encoder = layers(generator, x, x.shape[-1], *WIDTHS[x.shape[-1]], last="tanh")
    inside = encoder.inside(penalty)
    alone = torch.cat([penalty(inside, x[row : row + 1]) for row in range(len(x))])
    return close(penalty(inside, x), alone.double(), terms=encoder.gain() * (4 + encoder.reach(x)), what="among others")


@contractive_penalty.probe()
def three_rows_and_an_encoder(penalty):
    """Two encoders, one with a layer and one with two, at three places; the slope of the second's penalty; who can learn."""
    first = torch.tensor([[0.5, -1.0], [1.0, 0.4], [-0.7, 0.9]], dtype=torch.float64)
    second = torch.tensor([[1.0, -0.5, 0.8], [0.3, 1.2, -0.9]], dtype=torch.float64)
    x = torch.tensor([[0.0, 1.0], [1.0, -0.5], [-0.3, 0.6]], dtype=torch.float64)
    one = penalty.given("network", [first], [first[:, 0]], "tanh")
    two = penalty.given("network", [first, second], [first[:, 1], second[:, 2]], "tanh")
    values = penalty(one, x), penalty(two, x)
    try:
        slope = penalty.gradient(two, x, wrt="x")
    except Fault as fault:
        if fault.kind != "undifferentiable":
            raise
        slope = torch.zeros_like(x)
    return *values, slope, learning(one, two)


# ---- 6. from one code to another -----------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="pixels between 0 and 1", sizes=dict(d=(3, 5)), rows=40)
def interpolate(
    encoder: Module, decoder: Module, a: Float[Tensor, "n d"], b: Float[Tensor, "n d"], steps: int
) -> Float[Tensor, "n steps d"]:
    """For each pair (a, b), what the decoder makes of `steps` evenly spaced codes from that of a to that of b, both included.

    The decoder gives logits; what comes back are pixels, sigmoid(logit). steps ≥ 2.
    """


PAIRS = dict(a=Reals(0, 1), b=Reals(0, 1))


def walk_terms(encoder: Layers, decoder: Layers, a: Tensor, b: Tensor) -> Tensor:
    size = torch.maximum(coder_terms(encoder, decoder, a), coder_terms(encoder, decoder, b)) / a.shape[-1]
    return size[:, None, None]


@interpolate.law(points=3, decisive=True, sizes=dict(d=(3, 5, 8, 3)), where=PAIRS)
def walks_evenly_between_the_codes(walk, a, b, generator):
    """The codes lie on the straight line between those of a and b, evenly, in that order, with both ends; each is decoded, and
    the sigmoid comes last."""
    encoder, decoder = coder(generator, a)
    inside = encoder.inside(walk), decoder.inside(walk)
    start, end = encoder.after(a), encoder.after(b)
    pieces = []
    for steps in (5, 2, 4):
        share = torch.arange(steps, dtype=torch.float64, device=a.device) / (steps - 1)
        codes = torch.lerp(start.unsqueeze(1), end.unsqueeze(1), share[:, None])
        exact = Bernoulli(logits=decoder.after(codes)).mean
        size = walk_terms(encoder, decoder, a, b)
        pieces.append(close(walk(*inside, a, b, steps), exact, terms=size, what=f"the pixels for {steps} steps"))
    return pieces


@interpolate.law(points=0, where=PAIRS)
def ends_are_reconstructions(walk, a, b, generator):
    """The first picture is the reconstruction of a, the last that of b: not a and b themselves."""
    encoder, decoder = coder(generator, a)
    got = walk(encoder.inside(walk), decoder.inside(walk), a, b, 6)
    size = walk_terms(encoder, decoder, a, b)[:, 0]
    return [
        close(got[:, place], Bernoulli(logits=decoder.after(encoder.after(end))).mean, terms=size, what=what)
        for place, end, what in ((0, a, "the first picture"), (-1, b, "the last picture"))
    ]


@interpolate.law(points=0, where=PAIRS)
def the_way_back_is_the_same(walk, a, b, generator):
    """From b to a one sees the same pictures in the opposite order, and from a to a always the same one."""
    encoder, decoder = coder(generator, a)
    inside = encoder.inside(walk), decoder.inside(walk)
    size = walk_terms(encoder, decoder, a, b)
    there, back, nowhere = walk(*inside, a, b, 4), walk(*inside, b, a, 4), walk(*inside, a, a, 3)
    return [
        close(there, back.flip(1).double(), terms=size, what="the way from a to b"),
        close(nowhere, nowhere[:, :1].double().expand_as(nowhere), terms=size, what="the way from a to a"),
    ]


@interpolate.probe()
def two_walks(walk):
    """From each of two pictures to another."""
    first = torch.tensor([[0.5, -1.0, 0.3], [1.0, 0.4, -0.6]], dtype=torch.float64)
    second = torch.tensor([[1.0, -0.5], [0.3, 1.2], [-1.1, 0.4]], dtype=torch.float64)
    third = torch.tensor([[1.5, -0.5, 0.4], [0.3, -1.2, 0.9], [-1.1, 0.4, 2.0]], dtype=torch.float64)
    encoder = walk.given("network", [first], [first[:, 0]], "tanh")
    decoder = walk.given("network", [second, third], [second[:, 1], third[:, 0]], "linear")
    a = torch.tensor([[0.0, 1.0, 0.75], [1.0, 0.2, 0.0]], dtype=torch.float64)
    b = torch.tensor([[0.9, 0.1, 0.25], [0.3, 0.6, 0.9]], dtype=torch.float64)
    return tuple(walk(encoder, decoder, a, b, steps) for steps in (5, 2))


# ---- beyond the week -----------------------------------------------------------------------------------------------------


@unit.exercise(measure="a probability", sizes=dict(m=(4, 9, 1), k=(3, 7, 5)), rows=30, optional=True)
def anomaly_auc(normal: Float[Tensor, "m"], odd: Float[Tensor, "k"]) -> Float[Tensor, ""]:
    """How probable it is that an odd example has a larger error than a normal one, both drawn at random; a tie counts one half.

    normal and odd are reconstruction errors. It is the area under the ROC curve.
    """


def area_under_the_curve(normal: Tensor, odd: Tensor) -> Tensor:
    """Lower the threshold through all errors: the share of odd examples that are found, against that of false alarms, and the
    area under the line through these places."""
    areas = []
    for calm, strange in zip(normal.double(), odd.double(), strict=True):
        thresholds = torch.cat([calm, strange]).unique().flip(0)
        false_alarms = torch.stack([(calm >= threshold).double().mean() for threshold in thresholds])
        found = torch.stack([(strange >= threshold).double().mean() for threshold in thresholds])
        start = false_alarms.new_zeros(1)
        areas.append(torch.trapezoid(torch.cat([start, found]), torch.cat([start, false_alarms])))
    return torch.stack(areas)


@anomaly_auc.law(
    points=0, decisive=True, sizes=dict(m=(4, 9, 1), k=(3, 7, 5)),
    where=dict(normal=Reals(-3, 3), odd=Reals(-3, 3), tens=Integers(0, 1, shape="")),
)  # fmt: skip
def is_the_area_under_the_curve(auc, normal, odd, tens):
    """Alarm above a threshold, and lower it: the share of odd ones that are found, against the share of false alarms, is a curve.
    It is the area below; half of the rows have errors that are whole numbers, with many ties."""
    whole = tens.bool()[:, None]
    normal, odd = torch.where(whole, normal.round(), normal), torch.where(whole, odd.round(), odd + 0.5)
    got = auc(normal, odd).to(normal)
    return close(got, area_under_the_curve(normal, odd), terms=torch.full_like(got, 2.0))


@anomaly_auc.law(points=0, where=dict(normal=Reals(-3, 3), odd=Reals(-3, 3)))
def only_the_order_counts(auc, normal, odd):
    """It stays the same if every error e becomes e³ + e, and the two groups exchanged give 1 minus it."""
    bent = (one.double() ** 3 + one.double() for one in (normal.round(), odd.round()))
    there, back = auc(normal.round(), odd.round()).to(normal), auc(odd.round(), normal.round()).to(normal)
    two = torch.full_like(there, 2.0)
    return [
        close(auc(*(one.to(normal) for one in bent)).to(normal), there.double(), terms=two, what="after e → e³ + e"),
        close(back, 1 - there.double(), terms=two, what="with the groups exchanged"),
    ]


@anomaly_auc.law(
    points=0, sizes={},
    where=dict(
        normal=Listed([[0.0, 1.0, 2.0], [1.0, 1.0, 1.0], [0.0, 1.0, 2.0]], shape="m"),
        odd=Listed([[3.0, 4.0], [1.0, 1.0], [1.0, 3.0]], shape="k"), area=Listed([1.0, 0.5, 0.75]),
    ),
)  # fmt: skip
def told_apart_or_not(auc, normal, odd, area):
    """1 where every odd one is above every normal one, ½ where all are alike, and ¾ for (1, 3) among (0, 1, 2)."""
    return close(auc(normal, odd).to(normal), area, terms=torch.full_like(area, 2.0))
