"""What keeps latent dimensions alive: free bits. (β's warm-up is `lab.fit.warm_up`.)

Early in training the KL is cheaper to lower than the reconstruction is to improve, and dimensions close for good. Neither device
changes the bound that is reported.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def free_bits(kl: Float[Tensor, "n k"], nats: float) -> Float[Tensor, ""]:
    """Σ over dimensions of max(nats, mean KL over the batch): up to so many nats a dimension cost nothing (Kingma et al., 2016,
    eq. 15)."""
    if nats < 0:
        raise ValueError(f"nats={nats:g}; expected a number ≥ 0")
    return kl.mean(0).clamp_min(nats).sum()


def active_units(means: Float[Tensor, "n k"], threshold: float = 0.01) -> Float[Tensor, ""]:
    """How many latent dimensions say anything about x: the variance over x of the posterior mean is above the threshold
    (Burda et al., 2016, section 5.2)."""
    return (means.var(0) > threshold).sum().to(torch.int64)
