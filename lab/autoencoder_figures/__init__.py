"""The figures of the unit on autoencoders, one file for each idea. Most train a small network first, on the digits or, after
`use("mnist")`, on MNIST."""

from lab.autoencoder_figures.contraction import stretching
from lab.autoencoder_figures.denoising import filters, guesses
from lab.autoencoder_figures.linear import widths
from lab.autoencoder_figures.losses import price_of_a_pixel, reconstructions
from lab.autoencoder_figures.manifold import projection, spoilt_points
from lab.autoencoder_figures.sampling import code_plane, not_digits
from lab.autoencoder_figures.training import use
from lab.autoencoder_figures.using import anomalies, classification
from lab.autoencoder_figures.walks import corners, walks

__all__ = [
    "anomalies",
    "classification",
    "code_plane",
    "corners",
    "filters",
    "guesses",
    "not_digits",
    "price_of_a_pixel",
    "projection",
    "reconstructions",
    "spoilt_points",
    "stretching",
    "use",
    "walks",
    "widths",
]
