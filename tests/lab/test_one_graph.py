"""A step compiled as one graph: the same weights as without the compiler, the same noise, the same checkpoints."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lab.data import Rows
from lab.fit import fit, made, warm_up
from lab.history import History
from lab.one_graph import NotCompiled, one_graph, shared_generator
from reference.heads import BernoulliHead
from reference.vae import VAE, mlp_vae, terms

pytestmark = pytest.mark.skipif(
    not any(shutil.which(compiler) for compiler in ("c++", "g++", "clang++")),
    reason="torch.compile needs a C++ compiler",
)

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def images(device: str) -> Rows:
    """More than a batch, and a last one with what is left."""
    grey = torch.rand(40, 12, generator=torch.Generator().manual_seed(1))
    return Rows((grey > 0.5).float().to(device))


def trained(device: str = "cpu", epochs: int = 3, **how: Any) -> tuple[nn.Module, History]:
    model = made(lambda: mlp_vae(12, [8], 3, BernoulliHead()), 0, device)
    history = fit(
        model, terms, images(device), epochs=epochs, batch=16, rate=1e-2, beta=warm_up(3), quiet=True, half=False, **how
    )
    return model, history


def distance(a: nn.Module, b: nn.Module) -> float:
    return max(float((x - y).detach().abs().max()) for x, y in zip(a.parameters(), b.parameters(), strict=True))


@pytest.mark.parametrize("device", DEVICES)
def test_it_gives_the_weights_that_torch_s_own_adam_and_backward_give(device: str) -> None:
    (ours, told), (torchs, expected) = trained(device, compiled=True), trained(device)
    untrained = made(lambda: mlp_vae(12, [8], 3, BernoulliHead()), 0, device)
    assert distance(ours, torchs) < 1e-5 < 1e-2 < distance(ours, untrained)
    assert [e.train for e in told.epochs] == pytest.approx([e.train for e in expected.epochs], abs=1e-4)


def test_in_bfloat16_it_is_near_and_not_the_same() -> None:
    model = made(lambda: mlp_vae(12, [8], 3, BernoulliHead()), 0)
    fit(
        model,
        terms,
        images("cpu"),
        epochs=3,
        batch=16,
        rate=1e-2,
        beta=warm_up(3),
        quiet=True,
        half=True,
        compiled=True,
    )
    assert 0 < distance(model, trained()[0]) < 0.1
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_a_training_that_was_cut_in_two_is_the_same_bit_for_bit(tmp_path: Path) -> None:
    trained(epochs=1, compiled=True, checkpoint=tmp_path / "cut.safetensors")
    model, _ = trained(compiled=True, checkpoint=tmp_path / "cut.safetensors")
    assert distance(model, trained(compiled=True)[0]) == 0


def test_it_goes_on_from_a_checkpoint_that_was_made_without_the_compiler(tmp_path: Path) -> None:
    trained(epochs=1, checkpoint=tmp_path / "cut.safetensors")
    model, _ = trained(compiled=True, checkpoint=tmp_path / "cut.safetensors")
    assert distance(model, trained()[0]) < 1e-5


def test_random_numbers_of_others_are_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trained(epochs=1, compiled=True)
    assert torch.equal(torch.rand(3), expected)


def test_a_model_with_the_same_shapes_gets_a_graph_of_its_own() -> None:
    """Guards look at tensors alone: kept with the same code, the graph of the first would do for the second."""
    trained(epochs=1, compiled=True)

    def with_tanh(**how: Any) -> nn.Module:
        model = made(lambda: mlp_vae(12, [8], 3, BernoulliHead(), nn.Tanh), 0)
        fit(model, terms, images("cpu"), epochs=2, batch=16, rate=1e-2, quiet=True, half=False, **how)
        return model

    assert distance(with_tanh(compiled=True), with_tanh()) < 1e-5


def test_what_cannot_be_compiled_is_said_with_what_to_do() -> None:
    def its_own(model: VAE, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return terms(model, x, torch.Generator().manual_seed(0))

    model = made(lambda: mlp_vae(12, [8], 3, BernoulliHead()), 0)
    with pytest.raises(NotCompiled, match="Leave compiled=True away"):
        fit(model, its_own, images("cpu"), epochs=1, compiled=True, quiet=True)


def test_a_mistake_in_the_terms_is_said_as_it_is() -> None:
    def wrong(model: VAE, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return terms(model, x[:, 1:], generator)

    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        fit(
            made(lambda: mlp_vae(12, [8], 3, BernoulliHead()), 0),
            wrong,
            images("cpu"),
            epochs=1,
            compiled=True,
            quiet=True,
        )


def test_a_device_without_a_compiler_is_named() -> None:
    with pytest.raises(ValueError, match="this model lies on mps"), shared_generator(torch.device("mps")):
        pass


def test_parameters_that_are_not_trained_stay_as_they_are() -> None:
    model = made(lambda: mlp_vae(12, [8], 3, BernoulliHead()), 0)
    frozen = next(model.get_submodule("decoder").parameters()).requires_grad_(False)
    before = frozen.clone()
    optimiser = torch.optim.Adam(model.parameters())
    with shared_generator(torch.device("cpu")) as generator:
        generator.manual_seed(0)
        step = one_graph(model, terms, optimiser, half=False)
        step(images("cpu").values[:16], 1.0)
    assert torch.equal(frozen, before)
    assert distance(model, made(lambda: mlp_vae(12, [8], 3, BernoulliHead()), 0)) > 1e-4
