"""What docs/security.md says of layers and families is what the code says."""

from __future__ import annotations

from pathlib import Path

from autograder.attacks import FAMILIES
from autograder.sandbox.limits import LAYERS

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_layer_and_every_family_is_explained() -> None:
    for name in (*LAYERS, *FAMILIES):
        assert f"| {name} |" in PAGE
