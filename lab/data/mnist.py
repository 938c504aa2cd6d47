"""MNIST in torchvision's layout: read from four files that are checked, downloaded by torchvision if they are nowhere.

The last 10,000 of the 60,000 training images are kept to validate, as in the papers that the course compares with.
"""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from lab.data.files import DataProblem, cache, must_be
from lab.data.images import Images, of_grey

MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
"""Of the files when they are unpacked; packed (.gz) they may lie there too."""
VALID = 10_000
SILENCE = 20
"""After so many seconds without an answer a mirror is given up."""


def is_in(folder: Path) -> bool:
    """Whether all four files are there, packed or not; what is in them is checked when they are read."""
    return all(file_in(folder, name) is not None for name in MD5)


def file_in(folder: Path, name: str) -> Path | None:
    raw = folder / "MNIST" / "raw"
    return next((path for path in (raw / name, raw / f"{name}.gz") if path.is_file()), None)


def read(folder: Path, binarisation: str) -> Images:
    """All 70,000 images; `DataProblem` names a file that is missing, cut off or another one."""
    pixels, digits = images_of(folder, "train-images-idx3-ubyte"), labels_of(folder, "train-labels-idx1-ubyte")
    return of_grey(
        "MNIST", binarisation,
        {"train": pixels[:-VALID], "valid": pixels[-VALID:], "test": images_of(folder, "t10k-images-idx3-ubyte")},
        {"train": digits[:-VALID], "valid": digits[-VALID:], "test": labels_of(folder, "t10k-labels-idx1-ubyte")},
    )  # fmt: skip


def images_of(folder: Path, name: str) -> Tensor:
    return content(folder, name, header=16).reshape(-1, 28 * 28)


def labels_of(folder: Path, name: str) -> Tensor:
    return content(folder, name, header=8).to(torch.int64)


def content(folder: Path, name: str, header: int) -> Tensor:
    """The bytes behind the header of one file (the IDX format), unpacked and checked."""
    path = file_in(folder, name)
    if path is None:
        raise DataProblem(
            f"There is no {name} or {name}.gz in {folder / 'MNIST' / 'raw'}. Call load('mnist') to download it."
        )
    remedy = f"Delete {path} and get it again: where it is missing, load('mnist') downloads it."
    data = path.read_bytes()
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
            raise DataProblem(f"{path} cannot be unpacked ({problem}): it is damaged or cut off. {remedy}") from None
    must_be(path, data, MD5[name], remedy)
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=header)


def download() -> Path:
    """Into the cache, with a progress bar for each file. Whoever comes second waits, and finds the files there.

    What is not complete never lies where it would be read: files are gathered beside, and moved in one step.
    """
    from filelock import FileLock
    from torchvision.datasets import MNIST

    folder = cache()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "MNIST.lock"):
        if is_in(folder):
            return folder
        with tempfile.TemporaryDirectory(dir=folder, prefix="MNIST-unfinished-") as beside:
            try:
                with patience(SILENCE):
                    MNIST(beside, download=True)
            except (
                OSError,
                RuntimeError,
            ) as problem:  # torchvision raises the one or the other, by mirror and by version
                reason = " ".join(str(problem).split())[:300]
                raise DataProblem(f"MNIST could not be downloaded. Is there a network? ({reason})") from None
            for packed in Path(beside).glob("MNIST/raw/*.gz"):
                packed.unlink()  # torchvision has unpacked them
            shutil.rmtree(folder / "MNIST", ignore_errors=True)  # an earlier one, of which something is missing
            os.replace(Path(beside) / "MNIST", folder / "MNIST")
    return folder


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """No connection made in here waits longer for an answer."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
