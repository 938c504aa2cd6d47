"""The small model is the one in the text."""

from __future__ import annotations

import torch

from lab.small_model import likelihood, posterior, prior


def test_its_tables_are_distributions() -> None:
    one = torch.tensor(1.0, dtype=torch.float64)
    torch.testing.assert_close(prior().sum(), one)
    torch.testing.assert_close(likelihood().sum(-1), one.expand(3))


def test_the_posteriors_are_those_that_one_finds_by_hand() -> None:
    by_hand = torch.tensor([[9, 4, 1], [3, 4, 3]], dtype=torch.float64) / torch.tensor(
        [[14], [10]], dtype=torch.float64
    )
    torch.testing.assert_close(torch.stack([posterior(0), posterior(1)]), by_hand)
