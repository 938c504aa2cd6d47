"""Weights that a student hands in: read as data, in the process that decides, and refused with a sentence if anything is odd.

A safetensors file is a JSON header and raw numbers. Nothing in it is ever run, which is why nothing else is read: a pickle,
as `torch.save` writes it, is a program. Size is looked at before a byte is read.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.answer import Answer, Fault, clean

if TYPE_CHECKING:
    from torch import Tensor

MOST_BYTES = 32 << 20
"""Eight million numbers in float32. A VAE of the course has 650,000."""
MOST_TENSORS = 1000

SAVE = "Save with `save_file(…)` from safetensors.torch, as the notebook does."
MAGIC = {
    b"PK\x03\x04": "a file that torch.save wrote (a zip archive with a pickle in it)",
    b"\x80": "a pickle",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a compressed file",
    b"\x93NUMPY": "a NumPy file",
}
"""How other files begin that weights are kept in."""


def weights_handed_in(answer: Answer) -> dict[str, Tensor]:
    """The weights handed in with this answer, by name, all finite. A `Fault` says what is wrong with them."""
    path = answer.handed_in
    if not os.path.lexists(path):
        raise Fault("not_yet", f"There is no {path.name} beside the notebook yet: train, save, and hand in both files.")
    try:
        return read(path)
    except Refused as reason:
        raise Fault("refused", str(reason)) from None


class Refused(Exception):
    """Why a file is not taken: what was expected, what came, and what to do."""


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, by name. Raises `Refused`."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    data = content(path)
    try:
        found = load(data)
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as problem:
        kind = next(
            (kind for start, kind in MAGIC.items() if data.startswith(start)), ""
        )  # only now: by chance it may fit
        if kind:
            raise Refused(f"{path.name} is {kind}, not a safetensors file. Such a file is not opened. {SAVE}") from None
        said = clean(str(problem))[:200]
        raise Refused(f"{path.name} is no safetensors file, or was cut off ({said}). {SAVE}") from None
    if not 0 < len(found) <= MOST_TENSORS:
        raise Refused(f"{path.name} holds {len(found):,} tensors; expected 1 to {MOST_TENSORS:,}.")
    for name, tensor in found.items():
        if tensor.is_complex() or not (tensor.is_floating_point() or tensor.dtype in (torch.int64, torch.bool)):
            raise Refused(f"{shown(name)} in {path.name} is of type {tensor.dtype}; expected real numbers.")
        if tensor.dim() > 8:
            raise Refused(f"{shown(name)} in {path.name} has {tensor.dim()} axes; expected at most 8.")
        if not bool(torch.isfinite(tensor).all()):
            raise Refused(
                f"{shown(name)} in {path.name} holds NaN or infinity: training has diverged. Train with a smaller rate, and "
                "save the best weights, not the last."
            )
    return found


def content(path: Path) -> bytes:
    """The bytes of a plain file of bounded size; a link is not followed, since what it leads to may be another's."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise Refused(f"{path.name} is a link, a folder or a device, not a file. Hand in the file itself.")
        if status.st_size > MOST_BYTES:
            raise Refused(
                f"{path.name} has {status.st_size:,} bytes; at most {MOST_BYTES:,} are read. Take a smaller network: a VAE "
                "with 400 hidden units has 2.6 million bytes."
            )
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
            return file.read(MOST_BYTES)
    except OSError as problem:
        raise Refused(f"{path.name} cannot be read ({problem.strerror}).") from None


def shown(name: str) -> str:
    """A tensor's name, which a student may have chosen to be anything."""
    return repr(clean(name)[:80])
