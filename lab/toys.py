"""Toy sets in the plane, each with its exact log-density: what a model should have learned is known at every point.

    mixture        Gaussians on a ring
    chequerboard   eight even squares, nothing between them
    two_moons      two half circles with Gaussian noise
    pinwheel       blades of a wheel, turned the further the longer
    swiss_roll     a spiral with Gaussian noise

    moons = two_moons()
    x = moons.sample(1000, generator)      # [1000, 2]
    moons.log_prob(x)                      # nats, one number a row

Sets around a curve are integrals over the curve, by quadrature that is exact but for rounding.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Points = Float[Tensor, "n 2"]


@dataclass(frozen=True)
class Toy:
    """A distribution in the plane: draws from it, and its log-density in nats."""

    name: str
    sample: Callable[[int, torch.Generator], Points]
    log_prob: Callable[[Points], Float[Tensor, "n"]]
    extent: float
    """Nearly everything lies in the square from −extent to extent."""


def mixture(components: int = 8, radius: float = 2.0, sigma: float = 0.2) -> Toy:
    """Gaussians of equal weight, evenly around a circle."""
    angles = 2 * math.pi * torch.arange(components, dtype=torch.float64) / components
    centres = radius * torch.stack([angles.cos(), angles.sin()], 1)

    def sample(count: int, generator: torch.Generator) -> Points:
        chosen = torch.randint(components, (count,), generator=generator)
        return (centres[chosen] + sigma * normals(count, generator)).float()

    def log_prob(x: Points) -> Float[Tensor, "n"]:
        return blurred(x, centres, torch.full((components,), 1 / components, dtype=torch.float64), sigma)

    return Toy("mixture", sample, log_prob, radius + 4 * sigma)


def chequerboard(side: int = 4) -> Toy:
    """Evenly over every second square of a board from −2 to 2; impossible (−∞) on the others."""
    size = 4 / side
    squares = torch.tensor([(i, j) for i in range(side) for j in range(side) if (i + j) % 2 == 0])

    def sample(count: int, generator: torch.Generator) -> Points:
        chosen = squares[torch.randint(len(squares), (count,), generator=generator)]
        return ((chosen + torch.rand(count, 2, generator=generator, dtype=torch.float64)) * size - 2).float()

    def log_prob(x: Points) -> Float[Tensor, "n"]:
        place = ((x.double() + 2) / size).floor()
        inside = ((place >= 0) & (place < side)).all(1) & (place.sum(1) % 2 == 0)
        return torch.where(inside, -math.log(len(squares) * size**2), -math.inf).to(x.dtype)

    return Toy("chequerboard", sample, log_prob, 2.0)


def two_moons(sigma: float = 0.1) -> Toy:
    """Two half circles that reach into each other, the middle of both at the origin."""

    def curve(t: Float[Tensor, "n"]) -> Points:
        """The upper moon for t from 0 to 1, the lower for t from 1 to 2."""
        angle = math.pi * t
        upper = torch.stack([angle.cos() - 0.5, angle.sin() - 0.25], 1)
        lower = torch.stack([0.5 + angle.cos(), 0.25 + angle.sin()], 1)  # for these t the sine is negative
        return torch.where((t < 1).unsqueeze(1), upper, lower)

    return around("two moons", curve, 2, sigma, extent=2.0, nodes=200)


def swiss_roll(sigma: float = 0.1, turns: float = 1.5) -> Toy:
    """A spiral from near the middle outwards, drawn at even speed in its angle."""

    def curve(t: Float[Tensor, "n"]) -> Points:
        angle = math.pi * turns * (1 + 2 * t)
        radius = 2 * angle / (3 * math.pi * turns)
        return radius.unsqueeze(1) * torch.stack([angle.cos(), angle.sin()], 1)

    return around("swiss roll", curve, 1, sigma, extent=2.0 + 4 * sigma, nodes=1000)


def pinwheel(blades: int = 5, radial: float = 0.4, tangential: float = 0.1, twist: float = 1.2) -> Toy:
    """Gaussian blades along rays, then everything turned by an angle that grows with the distance from the middle.

    Turning by an angle that depends on the distance alone keeps areas, so the density is that before the turn.
    """
    angles = 2 * math.pi * torch.arange(blades, dtype=torch.float64) / blades
    scale = torch.tensor([radial, tangential], dtype=torch.float64)
    middle = torch.tensor([1.2, 0.0], dtype=torch.float64)

    def sample(count: int, generator: torch.Generator) -> Points:
        chosen = torch.randint(blades, (count,), generator=generator)
        blade = middle + scale * normals(count, generator)
        ray = turned(blade, angles[chosen])
        return turned(ray, twist * ray.norm(dim=1)).float()

    def log_prob(x: Points) -> Float[Tensor, "n"]:
        ray = turned(x.double(), -twist * x.double().norm(dim=1))
        gaps = torch.stack([(turned(ray, -angle.expand(len(x))) - middle) / scale for angle in angles])
        logs = -0.5 * gaps.square().sum(-1) - scale.log().sum() - math.log(2 * math.pi)
        return (logs.logsumexp(0) - math.log(blades)).to(x.dtype)

    return Toy("pinwheel", sample, log_prob, 1.2 + 4 * radial)


TOYS = (mixture, chequerboard, two_moons, pinwheel, swiss_roll)


# ---- what they are made of ----------------------------------------------------------------------------------------------


def around(name: str, curve: Callable[[Tensor], Points], pieces: int, sigma: float, extent: float, nodes: int) -> Toy:
    """Even in t along a curve, with Gaussian noise: ∫ N(x; c(t), σ²I) dt / pieces, for t from 0 to the number of pieces.

    By Gauss and Legendre on each piece, which is smooth: exact to rounding once the nodes lie closer than the noise reaches.
    """
    at, weight = quadrature(nodes)
    middles = torch.cat([curve(piece + (at + 1) / 2) for piece in range(pieces)])
    weights = (weight / 2 / pieces).repeat(pieces)

    def sample(count: int, generator: torch.Generator) -> Points:
        t = pieces * torch.rand(count, generator=generator, dtype=torch.float64)
        return (curve(t) + sigma * normals(count, generator)).float()

    return Toy(name, sample, lambda x: blurred(x, middles, weights, sigma), extent)


@functools.cache
def quadrature(nodes: int) -> tuple[Float[Tensor, "k"], Float[Tensor, "k"]]:
    """Nodes and weights between −1 and 1, after Gauss and Legendre."""
    from numpy.polynomial.legendre import leggauss

    at, weight = (torch.from_numpy(one) for one in leggauss(nodes))
    return at, weight


def blurred(x: Points, centres: Points, weights: Float[Tensor, "k"], sigma: float) -> Float[Tensor, "n"]:
    """log Σ_k w_k N(x; c_k, σ²I), a thousand rows at a time: memory stays bounded."""
    centres, log_weights = centres.to(x.device), weights.log().to(x.device)
    logs = [
        (log_weights - (rows.double().unsqueeze(1) - centres).square().sum(-1) / (2 * sigma**2)).logsumexp(1)
        for rows in x.split(1000)
    ]
    return (torch.cat(logs) - math.log(2 * math.pi * sigma**2)).to(x.dtype)


def turned(x: Points, angle: Float[Tensor, "n"]) -> Points:
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos * x[:, 0] - sin * x[:, 1], sin * x[:, 0] + cos * x[:, 1]], 1)


def normals(count: int, generator: torch.Generator) -> Points:
    return torch.randn(count, 2, generator=generator, dtype=torch.float64)
