"""The training loop: it climbs, reports the bound and nothing else, resumes bit for bit, and keeps the best model."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from lab import fit as loop
from lab.data import Rows
from lab.fit import Diverged, fit, made, mean_bound, warm_up
from lab.history import Epoch, History


class LinearVAE(nn.Module):
    """Two latents, four visible dimensions, everything linear: small, and every part of a real one is there."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode = nn.Linear(4, 4), nn.Linear(2, 4)
        self.counted = nn.Parameter(torch.zeros(()), requires_grad=False)


def terms(model: nn.Module, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    mu, log_var = model.encode(x).chunk(2, dim=1)  # type: ignore[operator]
    z = mu + (log_var / 2).exp() * torch.randn(mu.shape, generator=generator)
    explained = -0.5 * ((x - model.decode(z)) ** 2 + math.log(2 * math.pi)).sum(1)  # type: ignore[operator]
    return explained, 0.5 * (mu**2 + log_var.exp() - log_var - 1).sum(1)


def examples(count: int = 300, seed: int = 0) -> Rows:
    stream = torch.Generator().manual_seed(seed)
    return Rows(torch.randn(count, 2, generator=stream) @ torch.tensor([[2.0, 1, 0, 1], [0, 1, 2, -1]]) + 1)


def trained(epochs: int, **settings: object) -> tuple[nn.Module, History]:
    model = made(LinearVAE, seed=1)
    return model, fit(model, terms, examples(), examples(100, 1), epochs=epochs, batch=32, quiet=True, **settings)  # type: ignore[arg-type]


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_it_climbs_and_reports_what_the_model_has() -> None:
    model, history = trained(20, rate=1e-2)
    bounds = [epoch.valid for epoch in history.epochs]
    assert bounds[:10] == sorted(bounds[:10])  # type: ignore[type-var]
    assert history.best() > mean_bound(made(LinearVAE, seed=1), terms, examples(100, 1)) + 5
    assert history.best() == pytest.approx(mean_bound(model, terms, examples(100, 1), batch=32), abs=1e-6)
    assert model.training  # as it was handed in
    assert all(epoch.seconds > 0 for epoch in history.epochs)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    first, again, other = trained(2, seed=3)[0], trained(2, seed=3)[0], trained(2, seed=4)[0]
    assert same(first, again)
    assert not same(first, other)


def test_random_numbers_of_others_are_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trained(1)
    assert torch.equal(torch.rand(3), expected)


# ---- β --------------------------------------------------------------------------------------------------------------------


def test_the_warm_up_grows_to_one_and_stays() -> None:
    assert [warm_up(4)(epoch) for epoch in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]


def test_the_weight_of_the_cost_is_trained_with_and_never_reported() -> None:
    """With β = 0 the encoder runs away to a large KL; what is reported has all of it."""
    costs = []
    for beta in (0.0, 1.0):
        model = made(LinearVAE, seed=1)
        history = fit(model, terms, examples(), epochs=60, rate=1e-2, beta=lambda epoch, beta=beta: beta, quiet=True)
        assert [epoch.beta for epoch in history.epochs] == [beta] * 60
        with torch.no_grad():
            explained, cost = terms(model, examples().values, torch.Generator().manual_seed(0))
        assert history.best() == pytest.approx(float((explained - cost).mean()), abs=0.3)  # other noise, later weights
        costs.append(float(cost.mean()))
    assert costs[0] > costs[1] + 1


# ---- stopping ----------------------------------------------------------------------------------------------------------------


def worse_from(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The validation bound rises until this epoch, and falls from then on."""
    calls = iter(range(1, 100))

    def scripted(*args: object, **kwargs: object) -> float:
        epoch = next(calls)
        return -float(abs(epoch - number))

    monkeypatch.setattr(loop, "mean_bound", scripted)


def test_it_stops_when_nothing_gets_better_and_keeps_the_best_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    worse_from(3, monkeypatch)
    model, history = trained(50, patience=4)
    assert (len(history.epochs), history.best_epoch()) == (7, 3)
    assert history.ended == "no better bound for 4 epochs"
    monkeypatch.undo()
    assert same(model, trained(3)[0])


def test_patience_begins_when_the_warm_up_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    worse_from(1, monkeypatch)
    _, history = trained(50, patience=2, beta=warm_up(6))
    assert len(history.epochs) == 8


def test_ctrl_c_keeps_the_best_model_and_says_where_it_was() -> None:
    seen = 0

    def interrupted(model: nn.Module, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        nonlocal seen
        seen += 1
        if seen == 3 * 14 + 5:  # ten batches to train and four to validate in each epoch: in the middle of the fourth
            raise KeyboardInterrupt
        return terms(model, x, generator)

    model = made(LinearVAE, seed=1)
    history = fit(model, interrupted, examples(), examples(100, 1), epochs=9, batch=32, quiet=True)
    assert (len(history.epochs), history.ended) == (3, "interrupted")
    assert same(model, trained(3)[0])
    assert "3 epochs" in history.summary()
    assert "interrupted" in history.summary()


def test_a_bound_that_is_no_number_ends_it_with_a_sentence() -> None:
    def broken(model: nn.Module, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        explained, cost = terms(model, x, generator)
        return explained * math.inf, cost

    with pytest.raises(Diverged, match=r"After epoch 1 the bound is .* Take a smaller rate than 0\.001"):
        fit(made(LinearVAE, seed=1), broken, examples(), epochs=2, quiet=True)


# ---- checkpoints -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [1, 3])
def test_a_training_that_was_cut_in_two_is_the_same_bit_for_bit(tmp_path: Path, first: int) -> None:
    file = tmp_path / "deep" / "vae.safetensors"
    whole, expected = trained(5)
    trained(first, checkpoint=file)
    resumed, history = trained(5, checkpoint=file)
    assert same(whole, resumed)
    assert [replace(epoch, seconds=0.0) for epoch in history.epochs] == [
        replace(e, seconds=0.0) for e in expected.epochs
    ]
    assert [path.name for path in file.parent.iterdir()] == ["vae.safetensors"]


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    file = tmp_path / "vae.safetensors"
    model, history = trained(3, checkpoint=file)
    before = file.read_bytes()
    again, told = trained(3, checkpoint=file)
    assert same(model, again)
    assert told.epochs == history.epochs
    assert file.read_bytes() == before


def test_one_that_stopped_early_stays_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worse_from(2, monkeypatch)
    file = tmp_path / "vae.safetensors"
    trained(50, patience=2, checkpoint=file)
    model, history = trained(50, patience=2, checkpoint=file)
    assert len(history.epochs) == 4
    monkeypatch.undo()
    assert same(model, trained(2)[0])


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "vae.safetensors"
    trained(1, checkpoint=file)
    with pytest.raises(ValueError, match=r"was trained with batch 32, rate 0\.001, seed 0, and now .*seed 7"):
        trained(2, checkpoint=file, seed=7)
    with pytest.raises(ValueError, match="holds another model"):
        fit(nn.Linear(4, 4), terms, examples(), epochs=1, batch=32, checkpoint=file, quiet=True)
    file.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="is no checkpoint of a training"):
        trained(2, checkpoint=file)


def test_what_is_stored_is_arrays_and_text(tmp_path: Path) -> None:
    file = tmp_path / "vae.safetensors"
    trained(2, checkpoint=file)
    with safe_open(file, "pt") as stored:
        assert {name.split("/")[0] for name in stored.keys()} == {"model", "best", "optimiser", "generator"}
        assert len(json.loads(stored.metadata()["history"])["epochs"]) == 2


# ---- what a person sees --------------------------------------------------------------------------------------------------------


def test_into_a_pipe_it_prints_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    fit(made(LinearVAE, seed=1), terms, examples(), examples(100, 1), epochs=2, batch=32)
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("2 epochs in ")
    assert len(out.splitlines()) == 1
    assert "(validation)" in out


def test_quiet_it_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    trained(1)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("bounds", "best"), [([-3.0, -2.0, -2.0], 2), ([-1.0], 1), ([-2.0, -3.0], 1)]
)  # fmt: skip
def test_the_best_epoch_is_the_first_with_the_largest_bound(bounds: list[float], best: int) -> None:
    epochs = [Epoch(number, bound - 1, bound, 1.0, 0.1) for number, bound in enumerate(bounds, 1)]
    assert History(epochs=epochs).best_epoch() == best


def test_without_a_validation_set_the_last_weights_are_kept() -> None:
    model = made(LinearVAE, seed=1)
    history = fit(model, terms, examples(), epochs=3, batch=32, quiet=True)
    assert history.best_epoch() == 3
    assert "(trained on)" in history.summary()


def test_a_made_model_depends_on_its_seed_alone() -> None:
    make: Callable[[], nn.Module] = LinearVAE
    assert same(made(make, 1), made(make, 1))
    assert not same(made(make, 1), made(make, 2))
