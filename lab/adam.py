"""What Adam remembers of each parameter (Kingma & Ba, 2015): two averages, of gradients and of their squares.

The average of gradients that are 0 for good, behind a unit that is dead, shrinks by β₁ a step. After 800 steps it would be a
denormal number, below 1e-38. With those processors are slow: the update of all weights then takes three times as long. So what
is smaller than any weight could feel is let go before.
"""

from __future__ import annotations

import torch
from torch import Tensor

BETAS, EPS = (0.9, 0.999), 1e-8

TRACE = 1e-30
"""An average of this size moves a weight by 1e-25 at most (at a rate of 1e-3), and a weight of 1e-3 feels no less than 1e-10."""

FORGET_EVERY = 100
"""Steps. From TRACE to a denormal number it takes 170."""


def memory_of(optimiser: torch.optim.Optimizer, parameter: Tensor) -> dict[str, Tensor]:
    """Adam's memory of a parameter as torch keeps it; made if nothing was trained yet."""
    memory = optimiser.state[parameter]
    if not memory:
        memory["step"] = torch.zeros((), device=parameter.device)
        memory |= {name: torch.zeros_like(parameter, requires_grad=False) for name in ("exp_avg", "exp_avg_sq")}
    return memory


def steps_taken(optimiser: torch.optim.Optimizer) -> int:
    """How many steps it remembers; 0 before the first."""
    return max((int(memory["step"]) for memory in optimiser.state.values()), default=0)


def forget_traces(optimiser: torch.optim.Optimizer) -> None:
    """Averages of gradients that are nearly 0 become 0."""
    for memory in optimiser.state.values():
        average = memory["exp_avg"]
        average.masked_fill_(average.abs() < TRACE, 0.0)
