"""1,797 handwritten digits that come with scikit-learn, 8×8 pixels, enlarged to 28×28: nothing to download.

Small enough to train on in a minute, and close enough to MNIST that the same networks fit. Numbers on them compare with
nothing that is published.
"""

from __future__ import annotations

import torch
from torch.nn.functional import interpolate, pad

from lab.data.images import Images, of_grey

SOURCE = "digits (8×8, enlarged)"


def read(binarisation: str) -> Images:
    """Five in seven to train, one to validate, one to test, all along the list: each writer is in all three."""
    from sklearn.datasets import load_digits

    features, target = load_digits(return_X_y=True)
    grey = torch.tensor(features, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
    larger = pad(interpolate(grey, scale_factor=3, mode="bicubic", align_corners=False), (2, 2, 2, 2))
    pixels = larger.clamp(0, 1).mul(255).round().to(torch.uint8).flatten(1)
    labels = torch.tensor(target, dtype=torch.int64)
    seventh = torch.arange(len(pixels)) % 7
    where = {"train": seventh < 5, "valid": seventh == 5, "test": seventh == 6}
    return of_grey(
        SOURCE, binarisation, {name: pixels[rows] for name, rows in where.items()},
        {name: labels[rows] for name, rows in where.items()},
    )  # fmt: skip
