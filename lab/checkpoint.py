"""A training in a file, so that it can go on where it was, bit for bit: weights, the optimiser's memory, random numbers.

The file is safetensors: arrays and text, nothing that runs when it is read. It is written beside and moved into its place, so
that an interruption never leaves half a file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from torch import Tensor, nn

from lab.history import History


class Checkpoint:
    """The place of the file, and what goes into it."""

    def __init__(
        self, path: Path | str, model: nn.Module, optimiser: torch.optim.Optimizer, generator: torch.Generator
    ) -> None:
        self.path = Path(path)
        self.model, self.optimiser, self.generator = model, optimiser, generator

    @staticmethod
    def weights(model: nn.Module) -> dict[str, Tensor]:
        """A copy of all parameters and buffers."""
        return {name: value.detach().clone() for name, value in model.state_dict().items()}

    def exists(self) -> bool:
        return self.path.is_file()

    def save(self, history: History, best: dict[str, Tensor]) -> None:
        from safetensors.torch import save_file

        tensors = {f"model/{name}": value for name, value in self.weights(self.model).items()}
        tensors |= {f"best/{name}": value for name, value in best.items()}
        memory = self.optimiser.state_dict()["state"]
        tensors |= {f"optimiser/{place}/{key}": value for place, kept in memory.items() for key, value in kept.items()}
        tensors["generator"] = self.generator.get_state()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            save_file(
                {name: value.contiguous() for name, value in tensors.items()},
                beside,
                {"history": json.dumps(history.as_dict())},
            )
            os.replace(beside, self.path)
        finally:
            beside.unlink(missing_ok=True)

    def load(self, asked: History) -> tuple[History, dict[str, Tensor]]:
        """Put everything back; what is asked now must be what was asked then."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, "pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}
                stored = json.loads((file.metadata() or {})["history"])
        except (SafetensorError, KeyError, ValueError) as problem:
            raise ValueError(
                f"{self.path} is no checkpoint of a training ({problem}). Delete it to start from the beginning."
            ) from None
        history = History.of(stored)
        if history.settings != asked.settings:
            raise ValueError(
                f"{self.path} was trained with {told(history.settings)}, and now {told(asked.settings)} is asked for. "
                "Ask for the same, or name another file."
            )
        device = next(self.model.parameters()).device

        def part(of: str) -> dict[str, Tensor]:
            return {name.removeprefix(of): value.to(device) for name, value in tensors.items() if name.startswith(of)}

        try:
            self.model.load_state_dict(part("model/"))
        except RuntimeError as problem:
            raise ValueError(f"{self.path} holds another model. {problem}") from None
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in part("optimiser/").items():
            place, _, key = name.partition("/")
            state.setdefault(int(place), {})[key] = value
        self.optimiser.load_state_dict({"state": state, "param_groups": self.optimiser.state_dict()["param_groups"]})
        self.generator.set_state(tensors["generator"])
        return history, part("best/")


def told(settings: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())
