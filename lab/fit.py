"""A training loop for every model of the course.

    history = fit(model, terms, images.train, images.valid, epochs=50, patience=5, seed=0)

`terms(model, x, generator)` gives two numbers for each example, in nats: what is explained, and what it costs. Their
difference is the bound; for a variational autoencoder they are E_q[log p(x | z)] and KL[q(z | x)‖p(z)]. The loop climbs
explained − β·cost, where β may grow from 0 to 1 while training begins. **What is reported is the bound, always with β = 1.**
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lab.adam import FORGET_EVERY, forget_traces, steps_taken
from lab.checkpoint import Checkpoint
from lab.history import Epoch, History
from lab.one_graph import one_graph, shared_generator
from lab.progress import Watch

# The model is whatever class the terms know; they are written for it.
Terms = Callable[[Any, Float[Tensor, "n d"], torch.Generator], tuple[Float[Tensor, "n"], Float[Tensor, "n"]]]


class Examples(Protocol):
    """What can be trained on: `lab.data.Split`, or `lab.data.Rows` around a tensor."""

    def __len__(self) -> int: ...

    def batches(self, size: int, generator: torch.Generator) -> Iterator[Float[Tensor, "b d"]]: ...


class Diverged(ArithmeticError):
    """The bound is no number any more."""


def fit(
    model: nn.Module, terms: Terms, train: Examples, valid: Examples | None = None, *, epochs: int = 100, batch: int = 128,
    rate: float = 1e-3, beta: Callable[[int], float] = lambda epoch: 1.0, patience: int | None = None, seed: int = 0,
    checkpoint: Path | str | None = None, half: bool | None = None, compiled: bool = False, quiet: bool = False,
) -> History:  # fmt: skip
    """Train the model where it lies (CPU, CUDA or MPS), and leave the best weights in it.

    beta         the weight of the cost in each epoch, from 0 on: `warm_up(10)` grows to 1 over ten epochs
    patience     stop after so many epochs without a better bound on `valid`, counted once β is 1
    seed         of order, noise and random pixels: the same seed, the same weights on the same machine
    checkpoint   a safetensors file, written after each epoch; if it is there already, training goes on from it, bit for bit
    half         compute in bfloat16 where that is safe; None: on CUDA, where it pays. It does on processors with AMX, too
    compiled     the whole step as one graph, by torch.compile: half a minute first, then faster steps, on CPU and CUDA
    quiet        no progress bar

    Ctrl-C ends it early and keeps the best weights. Without `valid` the last weights are the best.
    """
    device = next(model.parameters()).device
    mixed = device.type == "cuda" if half is None else half
    optimiser = torch.optim.Adam(model.parameters(), lr=rate, fused=device.type in ("cpu", "cuda"))
    history = History(settings=dict(batch=batch, rate=rate, seed=seed))
    best = Checkpoint.weights(model)
    own = nullcontext(torch.Generator(device))
    with (
        shared_generator(device) if compiled else own as generator,
        Watch(len(train), epochs, enabled=not quiet) as watch,
    ):
        generator.manual_seed(seed)
        file = Checkpoint(checkpoint, model, optimiser, generator) if checkpoint is not None else None
        if file is not None and file.exists():
            history, best = file.load(history)
        if compiled:
            step = one_graph(model, terms, optimiser, half=mixed)
        else:
            step = one_by_one(model, terms, optimiser, generator, half=mixed)
        try:
            for number in range(len(history.epochs), epochs):
                if patience is not None and history.waited() >= patience:
                    history = replace(history, ended=f"no better bound for {patience} epochs")
                    break
                started = time.perf_counter()
                weight = beta(number)
                total = torch.zeros((), device=device)
                watch.epoch(number, history)
                for x in train.batches(batch, generator):
                    loss, bound = step(x, weight)
                    total += bound
                    watch.step(len(x), loss)
                on_train = float(total) / len(train)
                on_valid = on_train if valid is None else mean_bound(model, terms, valid, batch=batch, seed=seed)
                if not math.isfinite(on_train + on_valid):
                    raise Diverged(
                        f"After epoch {number + 1} the bound is {on_train:g} on what it trains on and {on_valid:g} on what it "
                        f"does not. Take a smaller rate than {rate:g}, and look for a logarithm of 0 or an exponential."
                    )
                seconds = time.perf_counter() - started
                history.epochs.append(
                    Epoch(number + 1, on_train, on_valid if valid is not None else None, weight, seconds)
                )
                if valid is None or history.best_epoch() == number + 1:
                    best = Checkpoint.weights(model)
                if file is not None:
                    file.save(history, best)
        except KeyboardInterrupt:
            history = replace(history, ended="interrupted")
        model.load_state_dict(best)
        watch.done(history)
    return history


def one_by_one(
    model: nn.Module, terms: Terms, optimiser: torch.optim.Optimizer, generator: torch.Generator, *, half: bool
) -> Callable[[Float[Tensor, "b d"], float], tuple[Float[Tensor, ""], Float[Tensor, ""]]]:  # fmt: skip
    """A training step, operation after operation: (batch, weight of the cost) ↦ (loss, sum of bounds)."""
    device = next(model.parameters()).device
    taken = steps_taken(optimiser)

    def step(x: Float[Tensor, "b d"], weight: float) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        nonlocal taken
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            explained, cost = terms(model, x, generator)
        explained, cost = explained.float(), cost.float()
        loss = -(explained - weight * cost).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        taken += 1
        if device.type == "cpu" and taken % FORGET_EVERY == 0:
            forget_traces(optimiser)
        return loss.detach(), (explained - cost).detach().sum()

    return step


@torch.no_grad()
def mean_bound(model: nn.Module, terms: Terms, examples: Examples, *, batch: int = 1000, seed: int = 0) -> float:
    """The bound with β = 1, averaged over the examples, in nats, in full precision, always with the same noise."""
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    was_training = model.training
    model.eval()
    total = torch.zeros((), dtype=torch.float32, device=device)
    for x in examples.batches(batch, generator):
        explained, cost = terms(model, x, generator)
        total += (explained - cost).sum()
    model.train(was_training)
    return float(total) / len(examples)


def warm_up(epochs: int) -> Callable[[int], float]:
    """β from 1/epochs to 1 over so many epochs, then 1."""
    return lambda epoch: min(1.0, (epoch + 1) / epochs)


def made(make: Callable[[], nn.Module], seed: int, device: torch.device | str = "cpu") -> nn.Module:
    """A model with initial weights that depend on this seed alone, made without touching anybody's random numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make().to(device)


def best_device() -> torch.device:
    """CUDA if there is a GPU, else MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
