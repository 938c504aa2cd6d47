"""A whole training step as one graph, compiled: forwards, backwards and Adam, for `fit(..., compiled=True)`.

In a small network on a processor the matrix products are half of a step. The other half lies between them: a gradient is
written and read again, converted, handed from Python to C++ and back. In one graph a gradient flows into Adam's averages where
it is made, and there is one way over the border, not a hundred.

Two things follow. Gradients come from `torch.func.grad` (a graph has no `loss.backward()`), and Adam is written out (Kingma &
Ba, 2015, algorithm 1): the one in torch keeps its count of steps in tensors, which a compiler would raise to powers pixel by
pixel. Its memory is torch's own, so that checkpoints are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lab.adam import BETAS, EPS, TRACE, memory_of, steps_taken

LossAndBound = tuple[Float[Tensor, ""], Float[Tensor, ""]]


class NotCompiled(RuntimeError):
    """The compiler did not understand the model or its terms."""


@contextmanager
def shared_generator(device: torch.device) -> Iterator[torch.Generator]:
    """The generator that code without one of its own draws from; afterwards it is as it was.

    A graph cannot hold a `torch.Generator`. What is drawn in it comes from here, in the order in which it would come from one.
    """
    if device.type == "cpu":
        devices, generator = [], torch.default_generator
    elif device.type == "cuda":
        torch.cuda.init()
        devices = [torch.cuda.current_device() if device.index is None else device.index]
        generator = torch.cuda.default_generators[devices[0]]
    else:
        raise ValueError(f"compiled=True is for the CPU and for CUDA; this model lies on {device.type}. Leave it away.")
    with torch.random.fork_rng(devices=devices):
        yield generator


def one_graph(
    model: nn.Module, terms: Callable[..., tuple[Tensor, Tensor]], optimiser: torch.optim.Optimizer, *, half: bool
) -> Callable[[Float[Tensor, "b d"], float], LossAndBound]:  # fmt: skip
    """(batch, weight of the cost) ↦ (loss, sum of bounds), with the parameters and the optimiser's memory changed in place."""
    device = next(model.parameters()).device
    together = Together(model, terms)
    named = {name: parameter for name, parameter in together.named_parameters() if parameter.requires_grad}
    parameters = {name: parameter.detach() for name, parameter in named.items()}
    memory = [memory_of(optimiser, parameter) for parameter in named.values()]
    steps = [kept["step"] for kept in memory]
    first, second = [kept["exp_avg"] for kept in memory], [kept["exp_avg_sq"] for kept in memory]
    rate, number = optimiser.param_groups[0]["lr"], steps_taken(optimiser)

    def loss(parameters: dict[str, Tensor], x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            explained, cost = torch.func.functional_call(together, parameters, (x,))
        explained, cost = explained.float(), cost.float()
        return -(explained - weight * cost).mean(), (explained - cost).detach().sum()

    def step(x: Tensor, weight: Tensor, pace: Tensor, lift: Tensor) -> LossAndBound:
        gradients, made = torch.func.grad_and_value(loss, has_aux=True)(parameters, x, weight)
        for parameter, gradient, m, v in zip(parameters.values(), gradients.values(), first, second, strict=True):
            m.lerp_(gradient, 1 - BETAS[0]).add_(TRACE)  # never a denormal number
            v.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
            parameter.sub_(pace * m / ((lift * v).sqrt() + EPS))
        return made

    # What is compiled is kept with a function's code, and with the guards below another model of the same shapes would get it:
    # a copy of the code for each training.
    fresh = FunctionType(step.__code__.replace(), step.__globals__, "step", None, step.__closure__)
    # With inductor's own random numbers a seed would mean other noise than without the compiler. Of what a graph depends on,
    # only tensors change here, the last batch being smaller: to ask for all the rest takes longer than Adam.
    options: dict[str, Any] = {
        "fallback_random": True, "cpp_wrapper": device.type == "cpu",
        "guard_filter_fn": torch.compiler.keep_tensor_guards_unsafe,
    }  # fmt: skip
    graph = torch.compile(fresh, fullgraph=True, dynamic=False, options=options)
    tried = False

    def go(x: Float[Tensor, "b d"], weight: float) -> LossAndBound:
        nonlocal tried, number
        if not tried:
            # A mistake in the terms is said in plain words; and KLs are looked up, which no compiler understands.
            with torch.no_grad():
                terms(model, x, torch.Generator(device))
        number += 1
        pace, lift = rate / (1 - BETAS[0] ** number), 1 / (1 - BETAS[1] ** number)
        numbers = [torch.tensor(value, device=device) for value in (weight, pace, lift)]
        try:
            made = graph(x, *numbers)
        except Exception as problem:
            if tried:
                raise
            raise NotCompiled(
                "torch.compile could not make one graph of this training step. Leave compiled=True away, or change what it "
                f"stumbled over:\n{problem}"
            ) from problem
        tried = True
        for count in steps:
            count += 1
        return made

    return go


class Together(nn.Module):
    """The terms of a model as a module, so that parameters can be put in from outside."""

    def __init__(self, model: nn.Module, terms: Callable[..., tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self.model, self.terms = model, terms

    def forward(self, x: Float[Tensor, "b d"]) -> tuple[Tensor, Tensor]:
        return self.terms(self.model, x, None)
