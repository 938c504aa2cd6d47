"""What Adam remembers: no average becomes a denormal number, no weight feels that, and a training cut in two stays the same."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from lab.adam import FORGET_EVERY, TRACE, forget_traces, memory_of, steps_taken
from lab.data import Rows
from lab.fit import fit, made, one_by_one


class OneDies(nn.Module):
    """Two weights: one is trained all the time, the other has a gradient where x is not 0."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.ones(2))


def terms(model: OneDies, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    del generator
    explained = -((model.weights - torch.stack([torch.ones(len(x)) * 3, 2 * x[:, 0]], 1)) ** 2)
    return explained[:, 0] + explained[:, 1] * (x[:, 0] != 0), torch.zeros(len(x))


def trained(steps: int) -> tuple[OneDies, torch.optim.Optimizer]:
    """The second weight sees a gradient once."""
    model = OneDies()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    step = one_by_one(model, terms, optimiser, torch.Generator(), half=False)
    for number in range(steps):
        step(torch.ones(1, 1) if number == 0 else torch.zeros(1, 1), 1.0)
    return model, optimiser


def test_the_average_of_a_gradient_that_is_gone_never_becomes_a_denormal_number() -> None:
    for steps in range(100, 1200, 50):
        model, optimiser = trained(steps)
        alive, gone = memory_of(optimiser, model.weights)["exp_avg"].abs().tolist()
        assert alive > TRACE
        assert gone == 0 or gone > torch.finfo(torch.float32).tiny, steps
    assert gone == 0


def test_without_it_it_would() -> None:
    weight = nn.Parameter(torch.ones(1))
    optimiser = torch.optim.Adam([weight], lr=1e-3)
    for number in range(900):
        weight.grad = torch.ones(1) if number == 0 else torch.zeros(1)
        optimiser.step()
    assert 0 < float(optimiser.state[weight]["exp_avg"]) < torch.finfo(torch.float32).tiny


def test_no_weight_feels_it() -> None:
    model, _ = trained(1200)
    plain = OneDies()
    optimiser = torch.optim.Adam(plain.parameters(), lr=1e-3)
    for number in range(1200):
        x = torch.ones(1, 1) if number == 0 else torch.zeros(1, 1)
        explained, cost = terms(plain, x, torch.Generator())
        optimiser.zero_grad()
        (cost - explained).mean().backward()
        optimiser.step()
    assert torch.equal(model.weights, plain.weights)


def test_what_is_larger_stays() -> None:
    model, optimiser = trained(1)
    kept = memory_of(optimiser, model.weights)["exp_avg"]
    before = kept.clone()
    forget_traces(optimiser)
    assert torch.equal(kept, before)


def test_steps_are_counted_where_a_training_goes_on() -> None:
    assert steps_taken(torch.optim.Adam(OneDies().parameters())) == 0
    assert steps_taken(trained(7)[1]) == 7


def test_a_training_that_was_cut_in_two_forgets_at_the_same_steps(tmp_path: Path) -> None:
    """A checkpoint in the middle of a hundred: the averages on file are the same bit for bit, not only the weights."""
    data = Rows(torch.cat([torch.ones(1, 1), torch.zeros(FORGET_EVERY * 3 // 2 - 1, 1)]))
    for name, parts in (("whole", [2]), ("cut", [1, 2])):
        for epochs in parts:
            model = made(OneDies, 0)
            fit(model, terms, data, epochs=epochs, batch=1, quiet=True, checkpoint=tmp_path / f"{name}.safetensors")
    assert (tmp_path / "whole.safetensors").exists()
    from safetensors.torch import load_file

    whole, cut = load_file(tmp_path / "whole.safetensors"), load_file(tmp_path / "cut.safetensors")
    assert whole.keys() == cut.keys()
    assert all(torch.equal(value, cut[name]) for name, value in whole.items())
