"""How long an epoch of a VAE takes, and where the time goes: part of `make bench`.

The VAE is 784-400-20-400-784 with Bernoulli pixels, binarised anew each time, in batches of 128, on 60,000 images (MNIST where it
is, else random grey levels: times are the same). All ways are timed in turn, round after round, with the steps of `lab.fit`:

    loading       the batches alone
    computing     the steps on batches that were made before
    the floor     the eleven matrix products of such a step alone, forwards and backwards, in float32, into memory that is there
    Pyro          SVI with the same networks, fed from the same tensor; its checks of arguments are off, as ours are
    DataLoader    torchvision's MNIST with transforms, one image at a time, and the steps that are not compiled
"""

from __future__ import annotations

import json
import os
import struct
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import MNIST

from lab.data import load
from lab.data.images import Split
from lab.fit import Examples, made, one_by_one
from lab.one_graph import one_graph, shared_generator
from reference.heads import BernoulliHead
from reference.vae import VAE, mlp_vae, terms

IMAGES, BATCH, SIZES = 60_000, 128, [(784, 400), (400, 40), (20, 400), (400, 784)]
ROUNDS = 5
FAST = ", compiled, bfloat16"


@dataclass
class Made:
    """Batches that lie ready: what is left is computing."""

    ready: list[Tensor]

    def __len__(self) -> int:
        return sum(len(x) for x in self.ready)

    def batches(self, size: int, generator: torch.Generator) -> Iterator[Tensor]:
        del size, generator
        yield from self.ready


@dataclass
class FromLoader:
    """The usual way: a data set of images, transforms, a DataLoader."""

    images: MNIST
    device: torch.device
    workers: int

    def __len__(self) -> int:
        return len(self.images)

    def batches(self, size: int, generator: torch.Generator) -> Iterator[Tensor]:
        del generator
        for x, _ in DataLoader(self.images, batch_size=size, shuffle=True, num_workers=self.workers):
            yield x.to(self.device)


def flat_bernoulli(image: Tensor) -> Tensor:
    return torch.bernoulli(image).flatten()


def images(device: torch.device, folder: Path) -> tuple[Split, MNIST, str]:
    """The same grey levels as one tensor on the device, and as torchvision's data set on the disk."""
    found = load("mnist", "dynamic", say=lambda sentence: None)
    named = found.source
    if named == "MNIST":
        pixels = torch.cat([found.train.pixels, found.valid.pixels])
    else:
        named = "random grey levels"
        pixels = torch.randint(0, 256, (IMAGES, 784), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):  # torchvision wants both to be there
        (raw / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">4i", 2051, len(pixels), 28, 28) + pixels.numpy().tobytes()
        )
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, len(pixels)) + bytes(len(pixels)))
    usual = transforms.Compose([transforms.ToTensor(), transforms.Lambda(flat_bernoulli)])
    split = replace(found.train, pixels=pixels, labels=None).to(device)
    return split, MNIST(folder, train=True, transform=usual), named


def floor(device: torch.device) -> Callable[[], None]:
    """The matrix products of a step: Y = X Wᵀ forwards; Gᵀ X and, but for the first layer, G W backwards."""
    products: list[tuple[Tensor, Tensor, Tensor]] = []
    backwards: list[tuple[Tensor, Tensor, Tensor]] = []
    for place, (a, b) in enumerate(SIZES):
        x, w, g = (torch.randn(*shape, device=device) for shape in ((BATCH, a), (b, a), (BATCH, b)))
        products.append((x, w.T, torch.empty_like(g)))
        backwards.append((g.T, x, torch.empty_like(w)))
        if place:
            backwards.append((g, w, torch.empty_like(x)))
    products += reversed(backwards)

    def multiply() -> None:
        for left, right, out in products:
            torch.mm(left, right, out=out)

    return multiply


def ended(device: torch.device) -> float:
    """Now, with nothing left to do on the device."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    warnings.filterwarnings("ignore")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")  # where steps can be compiled
    with tempfile.TemporaryDirectory() as folder, shared_generator(device) as generator:
        generator.manual_seed(0)
        times, named = measured(device, generator, Path(folder))
    report(times, named, device)


def measured(device: torch.device, generator: torch.Generator, folder: Path) -> tuple[dict[str, list[float]], str]:
    """Seconds of every way in every round, and what the images are."""
    tensor, one_by_one_images, named = images(device, folder)
    ready = Made(list(tensor.batches(BATCH, generator)))
    multiply = floor(device)

    def model() -> VAE:
        return made(lambda: mlp_vae(784, [400], 20, BernoulliHead()), 0, device)  # type: ignore[return-value]

    def epoch(batches: Examples, *, fast: bool) -> Callable[[], None]:
        vae = model()
        adam = torch.optim.Adam(vae.parameters(), lr=1e-3, fused=True)
        step = one_graph(vae, terms, adam, half=True) if fast else one_by_one(vae, terms, adam, generator, half=False)

        def go() -> None:
            total = torch.zeros((), device=device)
            for x in batches.batches(BATCH, generator):
                total += step(x, 1.0)[1]

        return go

    def floors() -> None:
        for _ in range(-(-IMAGES // BATCH)):
            multiply()

    ways: dict[str, Callable[[], object]] = {
        "loading": lambda: [None for _ in tensor.batches(BATCH, generator)],
        "floor": floors,
        "computing": epoch(ready, fast=False),
        "whole": epoch(tensor, fast=False),
        "computing" + FAST: epoch(ready, fast=True),
        "whole" + FAST: epoch(tensor, fast=True),
        "DataLoader": epoch(FromLoader(one_by_one_images, device, 0), fast=False),
        "DataLoader, workers": epoch(FromLoader(one_by_one_images, device, os.cpu_count() or 1), fast=False),
    }
    try:
        import pyro

        from reference.pyro_vae import trainer
    except ImportError:
        print("Pyro is not installed (the extra `pyro`): not compared.", file=sys.stderr)
    else:
        pyro.enable_validation(False)
        program = trainer(model())

        def with_pyro() -> None:
            for x in tensor.batches(BATCH, generator):
                program.step(x)

        ways["Pyro"] = with_pyro
    times: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(ROUNDS + 1):  # the first is not counted: things are compiled, and memory is got
        for name, way in ways.items():
            start = ended(device)
            way()
            if round_:
                times[name].append(ended(device) - start)
    return times, named


def report(times: dict[str, list[float]], named: str, device: torch.device) -> None:
    seconds = {name: median(column) for name, column in times.items()}

    def over(a: str, b: str) -> float:
        """How many times as long a took, round by round."""
        return median(x / y for x, y in zip(times[a], times[b], strict=True)) if times.get(a) else float("nan")

    where = torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} cores"

    def both(other: str, target: str) -> str:
        """A way against our whole epoch: as it is by default, and at its fastest."""
        return f"  {other} / whole {over(other, 'whole'):.2f}, compiled and in bfloat16 {over(other, 'whole' + FAST):.2f}{target}"

    print(f"An epoch of the VAE 784-400-20-400-784, batch {BATCH}, {IMAGES:,} images ({named}),")
    print(f"  on {where}, medians of {ROUNDS} rounds:")
    print(
        f"  loading {seconds['loading']:.2f} s; computing {seconds['computing']:.2f} s, compiled and in bfloat16",
        end=" ",
    )
    print(f"{seconds['computing' + FAST]:.2f} s;")
    print(f"  the matrix products alone, in float32, {seconds['floor']:.2f} s")
    print(f"  computing / products {over('computing', 'floor'):.2f},", end=" ")
    print(f"compiled and in bfloat16 {over('computing' + FAST, 'floor'):.2f} (target: at most 1.25)")
    print(both("Pyro", " (target: at least 1.5)"))
    print(both("DataLoader", " (target: at least 4)"))
    print(both("DataLoader, workers", ""))
    ratios = {
        "computing / floor": over("computing", "floor"),
        f"computing{FAST} / floor": over("computing" + FAST, "floor"),
    }
    ratios |= {
        f"{other} / whole{how}": over(other, "whole" + how)
        for other in ("Pyro", "DataLoader", "DataLoader, workers")
        for how in ("", FAST)
    }
    print(json.dumps({**{f"{name}, s": value for name, value in seconds.items()}, **ratios}))


if __name__ == "__main__":
    main()
