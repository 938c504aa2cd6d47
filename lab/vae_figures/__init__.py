"""The figures of the unit on the variational autoencoder, one file for each thing that is looked at."""

from lab.vae_figures.machine import machine
from lab.vae_figures.optional_collapse import collapse
from lab.vae_figures.optional_images import draws, walks
from lab.vae_figures.optional_model import small_vae
from lab.vae_figures.optional_sigma import mean_only_table, pairs_and_line, runaway
from lab.vae_figures.price import price_of_a_code, price_of_a_pixel
from lab.vae_figures.trained import manifold, plane, reconstructions, samples, tightening

__all__ = [
    "collapse",
    "draws",
    "machine",
    "manifold",
    "mean_only_table",
    "pairs_and_line",
    "plane",
    "price_of_a_code",
    "price_of_a_pixel",
    "reconstructions",
    "runaway",
    "samples",
    "small_vae",
    "tightening",
    "walks",
]
