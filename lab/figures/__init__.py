"""Figures that every model of the course is looked at with: images, the latent plane, and how a training went.

from lab import figures, show

show(figures.samples, decode)               # drawn from an answer, and waits for it
figures.training(history)                   # drawn from what is there
"""

from lab.figures.images import compared, rows, samples
from lab.figures.latent import aggregate, latent_plane, manifold
from lab.figures.training import training

__all__ = ["aggregate", "compared", "latent_plane", "manifold", "rows", "samples", "training"]
