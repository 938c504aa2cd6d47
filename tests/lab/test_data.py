"""Images come whole, binarised as their name says, from files that are what they should be; and what is missing is said."""

from __future__ import annotations

import gzip
import hashlib
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from lab.data import BINARISATIONS, DataProblem, Images, Rows, Split, load, mnist, static
from lab.data.images import overlaps

HAS_MNIST = os.environ.get("DLVM_DATA") is not None and mnist.is_in(Path(os.environ["DLVM_DATA"]))
HAS_STATIC = os.environ.get("DLVM_DATA") is not None and static.is_in(Path(os.environ["DLVM_DATA"]))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Neither DLVM_DATA nor a cache has anything."""
    monkeypatch.delenv("DLVM_DATA", raising=False)
    monkeypatch.setattr("lab.data.files.cache", lambda: tmp_path)
    monkeypatch.setattr("lab.data.mnist.cache", lambda: tmp_path)
    return tmp_path


# ---- the digits inside scikit-learn --------------------------------------------------------------------------------------


@pytest.mark.parametrize("binarisation", BINARISATIONS)
def test_the_digits_need_no_file_and_carry_the_name_of_their_binarisation(nowhere: Path, binarisation: str) -> None:
    said: list[str] = []
    images = load("digits", binarisation, say=said.append)
    assert said == []
    assert images.name == f"digits (8×8, enlarged), {binarisation} binarisation".replace(
        "none binarisation", "grey levels"
    )
    assert (len(images.train), len(images.valid), len(images.test)) == (1285, 256, 256)
    x = images.test.images(generator=generator())
    assert x.shape == (256, 784)
    values = set(x.unique().tolist())
    assert values == {0.0, 1.0} if binarisation != "none" else len(values) > 100


def test_the_digits_are_upright_and_in_the_middle() -> None:
    grey = load("digits", "none").train.images().reshape(-1, 28, 28)
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    for place in (rows, columns):
        assert abs(float((grey * place).sum() / grey.sum()) - 13.5) < 1
    ones = grey[load("digits", "none").train.labels == 1].mean(0)
    assert ones.sum(0).argmax() in range(11, 17)  # a one is a stroke from the top to the bottom


def test_static_is_the_same_each_time_and_dynamic_is_not() -> None:
    static_set, dynamic = load("digits", "static").train, load("digits", "dynamic").train
    assert torch.equal(static_set.images(generator=generator(1)), static_set.images(generator=generator(2)))
    assert not torch.equal(dynamic.images(generator=generator(1)), dynamic.images(generator=generator(2)))
    assert torch.equal(dynamic.images(generator=generator(1)), dynamic.images(generator=generator(1)))
    assert torch.equal(static_set.pixels, load("digits", "static").train.pixels)


def test_pixels_are_on_as_often_as_they_are_bright() -> None:
    """Static and dynamic alike: for each level the count is binomial; six deviations are one in a thousand million."""
    grey = load("digits", "none").train.pixels
    for binarisation in ("static", "dynamic"):
        on = load("digits", binarisation).train.images(generator=generator())
        for level in (1, 40, 128, 200, 254):
            at = (grey - level).abs() <= 1 if level not in (1, 254) else grey == level
            share = grey[at].double() / 255
            deviation = (share * (1 - share)).sum().sqrt()
            assert abs(float(on[at].sum() - share.sum())) < 6 * float(deviation) + 1e-9, (binarisation, level)
        assert bool((on[grey == 0] == 0).all())
        assert bool((on[grey == 255] == 1).all())


# ---- batches -------------------------------------------------------------------------------------------------------------


def numbered(count: int) -> Split:
    """Images whose first pixels spell their number."""
    bits = (torch.arange(count).unsqueeze(1) >> torch.arange(8)) & 1
    return Split("train", (bits * 255).to(torch.uint8), None, "static")


def number(x: Tensor) -> list[int]:
    return (x.long() << torch.arange(8)).sum(1).tolist()


def test_an_epoch_has_every_image_once_in_a_new_order_and_nothing_is_dropped() -> None:
    split, stream = numbered(200), generator()
    epochs = [[number(x) for x in split.batches(64, stream)] for _ in range(2)]
    for epoch in epochs:
        assert [len(batch) for batch in epoch] == [64, 64, 64, 8]
        assert sorted(n for batch in epoch for n in batch) == list(range(200))
    assert epochs[0] != epochs[1]
    again = [number(x) for x in split.batches(64, generator())]
    assert again == epochs[0]


def test_any_tensor_comes_in_batches_too() -> None:
    rows = Rows(torch.arange(10.0).unsqueeze(1))
    got = torch.cat(list(rows.batches(4, generator())))
    assert sorted(got.flatten().tolist()) == list(range(10))


# ---- parts ---------------------------------------------------------------------------------------------------------------


def test_no_image_is_in_two_parts() -> None:
    assert set(overlaps(load("digits")).values()) == {0}


def test_parts_that_share_an_image_are_refused_and_told(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = numbered(20), numbered(10)
    far = Split("valid", torch.full((1, 8), 255, dtype=torch.uint8), None, "static")
    monkeypatch.setattr("lab.data.digits.read", lambda _: Images("made up", "static", one, far, other))
    with pytest.raises(DataProblem, match=r"made up, static binarisation: 10 are in both train and test\."):
        load("digits", "static")


# ---- MNIST's files -------------------------------------------------------------------------------------------------------


def idx(values: np.ndarray) -> bytes:
    sizes = b"".join(int(size).to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes()


@pytest.fixture
def small_mnist(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A made-up MNIST of 40 + 10 images in the cache folder, packed; the last 10 of the 40 validate."""
    rng = np.random.default_rng(0)
    files = {
        "train-images-idx3-ubyte": idx(rng.integers(0, 256, (40, 28, 28))),
        "train-labels-idx1-ubyte": idx(np.arange(40) % 10),
        "t10k-images-idx3-ubyte": idx(rng.integers(0, 256, (10, 28, 28))),
        "t10k-labels-idx1-ubyte": idx(np.arange(10)),
    }
    monkeypatch.setattr(mnist, "MD5", {name: hashlib.md5(data).hexdigest() for name, data in files.items()})
    monkeypatch.setattr(mnist, "VALID", 10)
    raw = nowhere / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, data in files.items():
        (raw / f"{name}.gz").write_bytes(gzip.compress(data))
    return files


def test_mnist_is_read_packed_and_unpacked_with_labels_that_stay_beside_their_images(
    small_mnist: dict[str, bytes], nowhere: Path
) -> None:
    packed = load("mnist", "threshold", fall_back=False)
    for name, data in small_mnist.items():
        (nowhere / "MNIST" / "raw" / f"{name}.gz").unlink()
        (nowhere / "MNIST" / "raw" / name).write_bytes(data)
    unpacked = load("mnist", "threshold", fall_back=False)
    pixels = np.frombuffer(small_mnist["train-images-idx3-ubyte"], np.uint8, offset=16).reshape(40, 784)
    for images in (packed, unpacked):
        assert images.name == "MNIST, threshold binarisation"
        assert np.array_equal(images.valid.pixels.numpy(), pixels[30:])
        assert images.valid.labels is not None
        assert images.valid.labels.tolist() == list(range(10))
        assert np.array_equal(images.train.images().numpy(), (pixels[:30] > 127).astype(np.float32))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda data: data[:-20], "cannot be unpacked"),
        (lambda data: b"<html>Not found</html>", "cannot be unpacked"),
        (lambda data: gzip.compress(gzip.decompress(data)[:-784]), "is not the file it should be"),
        (lambda data: gzip.compress(bytes(len(gzip.decompress(data)))), "is not the file it should be"),
    ],
    ids=["cut off", "a page", "an image short", "zeros"],
)
def test_a_damaged_file_is_named_with_what_to_do_and_never_passed_over(
    small_mnist: dict[str, bytes], nowhere: Path, spoil: Callable[[bytes], bytes], told: str
) -> None:
    path = nowhere / "MNIST" / "raw" / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DataProblem) as problem:
        load("mnist")
    assert told in str(problem.value)
    assert f"Delete {path} and get it again" in str(problem.value)


def test_without_files_and_without_a_network_the_digits_take_their_place_and_that_is_said(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*args: object, **kwargs: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("torchvision.datasets.mnist.MNIST.download", no_network)
    said: list[str] = []
    images = load("mnist", say=said.append)
    assert images.name == "digits (8×8, enlarged), dynamic binarisation"
    assert len(said) == 1
    assert "could not be downloaded" in said[0]
    assert "do not compare" in said[0]
    with pytest.raises(DataProblem, match="Is there a network"):
        load("mnist", fall_back=False)
    assert not (nowhere / "MNIST").exists()
    assert list(nowhere.glob("MNIST-unfinished-*")) == []


def downloads(cache: Path, log: Path) -> None:
    """In a process of its own: load from an empty cache, with a mirror that takes its time and writes down each visit."""
    from torchvision.datasets import MNIST

    from lab.data import files, mnist

    def slowly(self: MNIST) -> None:
        raw = Path(self.raw_folder)
        raw.mkdir(parents=True)
        for name in mnist.MD5:
            with log.open("a") as visits:
                visits.write("x")
            (raw / f"{name}.gz").write_bytes(b"")
            (raw / name).write_bytes(name.encode() * 100_000)

    mnist.cache = files.cache = lambda: cache
    MNIST.download = slowly  # type: ignore[method-assign]
    MNIST._load_data = lambda self: ([], [])  # type: ignore[assignment, method-assign]
    folder = mnist.download()
    assert all(mnist.file_in(folder, name) == folder / "MNIST" / "raw" / name for name in mnist.MD5)


def test_two_processes_that_download_at_once_fetch_every_file_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    log = tmp_path / "visits"
    both = [context.Process(target=downloads, args=(tmp_path / "cache", log)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert log.read_text() == "xxxx"
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["MNIST", "MNIST.lock"]


@pytest.mark.skipif(not HAS_MNIST, reason="DLVM_DATA has no MNIST")
def test_the_real_mnist_is_whole() -> None:
    images = load("mnist", "dynamic", fall_back=False)
    assert (len(images.train), len(images.valid), len(images.test)) == (50_000, 10_000, 10_000)
    assert images.test.labels is not None
    assert images.test.labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


# ---- the static binarisation ---------------------------------------------------------------------------------------------


@pytest.fixture
def small_static(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """A made-up static binarisation: 30, 10 and 10 images."""
    rows = {"train": 30, "valid": 10, "test": 10}
    bits = {
        part: torch.rand(n, 784, generator=generator(n + len(part))).gt(0.5).to(torch.uint8) for part, n in rows.items()
    }
    monkeypatch.setattr(static, "ROWS", rows)
    digests = {part: hashlib.sha256(static.as_text(one.numpy())).hexdigest() for part, one in bits.items()}
    monkeypatch.setattr(static, "SHA256", digests)
    (nowhere / "binarized_mnist").mkdir()
    return bits


def test_both_forms_of_the_static_binarisation_give_the_same_images(
    small_static: dict[str, Tensor], nowhere: Path
) -> None:
    place = nowhere / "binarized_mnist"
    for part, bits in small_static.items():
        lines = (" ".join(str(bit) for bit in row) for row in bits.tolist())
        (place / f"binarized_mnist_{part}.amat").write_text("\n".join(lines) + "\n")
    from_text = load("mnist", "static", fall_back=False)
    np.savez_compressed(place / static.PACKED, allow_pickle=False, **static.packed(small_static))
    from_packed = load("mnist", "static", fall_back=False)
    for images in (from_text, from_packed):
        assert images.name == "MNIST, static binarisation"
        assert images.test.labels is None
        for part, bits in small_static.items():
            assert torch.equal(getattr(images, part).images(), bits.float())


def test_a_damaged_static_file_is_named(small_static: dict[str, Tensor], nowhere: Path) -> None:
    path = nowhere / "binarized_mnist" / static.PACKED
    np.savez_compressed(path, allow_pickle=False, **static.packed(small_static))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataProblem, match="damaged or cut off"):
        load("mnist", "static")
    changed = {**small_static, "test": 1 - small_static["test"]}
    np.savez_compressed(path, allow_pickle=False, **static.packed(changed))
    with pytest.raises(DataProblem, match="the sha256 of test is"):
        load("mnist", "static")
    np.savez_compressed(
        path, allow_pickle=False, train=np.zeros((3, 98)), valid=np.zeros((3, 98)), test=np.zeros((3, 98))
    )
    with pytest.raises(DataProblem, match=r"train is float64 of shape \(3, 98\)"):
        load("mnist", "static")


def test_where_the_static_binarisation_is_nowhere_that_is_said(nowhere: Path) -> None:
    said: list[str] = []
    images = load("mnist", "static", say=said.append)
    assert images.name == "digits (8×8, enlarged), static binarisation"
    assert "put binarized_mnist_packed.npz or the three .amat files there" in said[0]


@pytest.mark.skipif(not HAS_STATIC, reason="DLVM_DATA has no static binarisation")
def test_the_real_static_binarisation_is_the_published_one() -> None:
    images = load("mnist", "static", fall_back=False)
    shares = [float(split.images().mean()) for split in (images.train, images.valid, images.test)]
    assert shares == pytest.approx([0.130562, 0.131127, 0.132512], abs=1e-6)


def test_a_misspelt_name_is_told_what_there_is() -> None:
    with pytest.raises(ValueError, match="expected one of static, dynamic, threshold, none"):
        load("digits", "binary")
    with pytest.raises(ValueError, match="expected one of digits, mnist"):
        load("cifar")
