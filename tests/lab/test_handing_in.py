"""What is saved to be handed in is what the model has; without a trained model nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from autograder.weights import read
from lab.handing_in import hand_in


def test_the_grader_reads_the_weights_that_were_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    said = hand_in(model, "model.safetensors", trained=True)
    found, state = read(tmp_path / "model.safetensors"), model.state_dict()
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)
    assert "17 weights in model.safetensors" in repr(said)


def test_nothing_is_written_before_something_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "waits" in repr(hand_in(nn.Linear(1, 1), "model.safetensors", trained=False))
    assert not list(tmp_path.iterdir())
