"""The gradient of a bound, estimated in several ways: each function gives something whose gradient is the estimate.

    surrogate(model, x, eps).sum().backward()

All are unbiased for the gradient of the same bound; they differ in noise.
"""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Independent, Normal

from reference.bounds import log_joint, log_weights
from reference.vae import VAE, moved


def detached(q: Independent) -> Independent:
    """The same distribution with parameters that no gradient reaches."""
    normal = Normal(q.base_dist.loc.detach(), q.base_dist.scale.detach(), validate_args=False)
    return Independent(normal, 1, validate_args=False)


def pathwise(model: VAE, x: Float[Tensor, "n d"], eps: Float[Tensor, "k n l"]) -> Float[Tensor, "n"]:
    """Through z = mu + sigma·eps (Kingma & Welling, 2014)."""
    return log_weights(model, x, eps).mean(0)


def sticking_the_landing(model: VAE, x: Float[Tensor, "n d"], eps: Float[Tensor, "k n l"]) -> Float[Tensor, "n"]:
    """Along the path alone: the score of q, whose mean is zero, is left out (Roeder et al., 2017). Exact where q is the
    posterior."""
    q = model.encoder(x)
    z = moved(q, eps)
    return (log_joint(model, x, z) - detached(q).log_prob(z)).mean(0)


def score_function(model: VAE, x: Float[Tensor, "n d"], eps: Float[Tensor, "k n l"]) -> Float[Tensor, "n"]:
    """Without a path: log-weights times the score, against the mean of the other draws (VIMCO's idea; Kool et al., 2019)."""
    if len(eps) < 2:
        raise ValueError(f"the baseline is the mean of the other draws: expected K ≥ 2, got {len(eps)}")
    q = model.encoder(x)
    z = moved(q, eps).detach()
    joint, log_q = log_joint(model, x, z), q.log_prob(z)
    log_w = (joint - log_q).detach()
    others = (log_w.sum(0) - log_w) / (len(eps) - 1)
    return ((log_w - others) * log_q + joint).mean(0)


def doubly_reparameterised(model: VAE, x: Float[Tensor, "n d"], eps: Float[Tensor, "k n l"]) -> Float[Tensor, "n"]:
    """For the importance-weighted bound: its encoder's gradient keeps its direction as K grows (Tucker et al., 2019, eq. 10).

    The decoder sees the usual weights w̃; the encoder, along the path, their squares.
    """
    q = model.encoder(x)
    z = moved(q, eps)
    log_w = log_joint(model, x, z) - detached(q).log_prob(z)
    weights = log_w.softmax(0).detach()
    if z.requires_grad:  # what comes back to z on its way to the encoder is multiplied by w̃ once more
        z.register_hook(lambda gradient: gradient * weights.unsqueeze(-1))
    bound = (log_w.logsumexp(0) - math.log(len(eps))).detach()
    surrogate = (weights * log_w).sum(0)
    return bound + surrogate - surrogate.detach()
