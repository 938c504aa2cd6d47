"""Files with data in them: where they may lie, and what to say when one is not what it should be."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


class DataProblem(Exception):
    """A file that is missing, cut off or another one: which, what was expected, and what to do."""


def folders() -> list[Path]:
    """Where to look: DLVM_DATA if it is set, and the cache, in this order. Both in torchvision's layout (MNIST/raw/…)."""
    named = os.environ.get("DLVM_DATA")
    return [*([Path(named).expanduser()] if named else []), cache()]


def cache() -> Path:
    """The folder for what is downloaded, where this machine keeps such things."""
    from platformdirs import user_cache_path

    return user_cache_path("dlvm-course", appauthor=False)


def must_be(path: Path, content: bytes, md5: str, remedy: str) -> None:
    """Raise unless the content is the one with this hash."""
    got = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if got != md5:
        raise DataProblem(
            f"{path} is not the file it should be: {len(content):,} bytes with md5 {got}, where {md5} was expected. {remedy}"
        )
