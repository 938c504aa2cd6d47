"""What happened in each epoch of a training, and which one was the best."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """The bound is a mean over examples, in nats, with β = 1 whatever was trained with."""

    number: int
    """From 1."""
    train: float
    """Over the batches as they were trained on, so with weights from the whole epoch."""
    valid: float | None
    beta: float
    seconds: float


@dataclass
class History:
    """All epochs, in their order."""

    settings: dict[str, Any] = field(default_factory=dict)
    epochs: list[Epoch] = field(default_factory=list)
    ended: str = ""
    """Why it ended before the last epoch, if it did."""

    def best_epoch(self) -> int:
        """The number of the one with the largest bound on the validation set; the last, where there was none."""
        if not self.epochs or self.epochs[-1].valid is None:
            return len(self.epochs)
        return max(self.epochs, key=lambda epoch: (epoch.valid or 0.0, -epoch.number)).number

    def best(self) -> float:
        """The bound in that epoch."""
        epoch = self.epochs[self.best_epoch() - 1]
        return epoch.train if epoch.valid is None else epoch.valid

    def waited(self) -> int:
        """So many epochs have passed since the best one, counted from when β had come to 1."""
        full = next((epoch.number for epoch in self.epochs if epoch.beta >= 1), len(self.epochs))
        return len(self.epochs) - max(self.best_epoch(), full)

    def summary(self) -> str:
        """One sentence."""
        if not self.epochs:
            return f"No epoch was finished{f': {self.ended}' if self.ended else ''}."
        where = "trained on" if self.epochs[-1].valid is None else "validation"
        seconds = sum(epoch.seconds for epoch in self.epochs)
        end = f", ended: {self.ended}" if self.ended else ""
        return (
            f"{len(self.epochs)} epochs in {seconds:.0f} s{end}. Kept: epoch {self.best_epoch()}, bound {self.best():.2f} nats "
            f"({where})."
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> History:
        return cls(stored["settings"], [Epoch(**epoch) for epoch in stored["epochs"]], stored["ended"])
