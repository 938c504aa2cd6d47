"""Weights of a trained model, saved so that they can be handed in."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save_file
from torch import nn

from lab.waiting import Notice


def hand_in(model: nn.Module, file: str, *, trained: bool) -> Notice:
    """Write the weights, by name, into a safetensors file beside the notebook, if there is something to hand in.

    Such a file holds numbers and nothing that could run; `torch.save` writes a program.
    """
    if not trained:
        return Notice(f"{file} waits for a trained model.")
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, file)
    count = sum(value.numel() for value in weights.values())
    size = Path(file).stat().st_size
    return Notice(f"Saved {count:,} weights in {file} ({size / 1e6:.1f} MB). Hand it in together with this notebook.")
