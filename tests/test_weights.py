"""Weights that are handed in are read as data: what is odd about a file is said in a sentence, and nothing in it is run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file

from autograder.weights import MOST_BYTES, Refused, read


def refusal(path: Path) -> str:
    with pytest.raises(Refused) as reason:
        read(path)
    return str(reason.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vae.safetensors"


def test_what_was_saved_is_read(path: Path) -> None:
    saved = {
        "a": torch.randn(3, 2),
        "b": torch.zeros(0),
        "half": torch.ones(2, dtype=torch.float16),
        "n": torch.tensor(7),
    }
    save_file(saved, path)
    found = read(path)
    assert found.keys() == saved.keys()
    assert all(torch.equal(found[name], saved[name]) and found[name].dtype == saved[name].dtype for name in saved)


class Tripwire:
    """What unpickling it does must not happen."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("how", ["torch.save", "pickle", "old torch.save"])
def test_a_pickle_is_refused_and_not_run(path: Path, tmp_path: Path, how: str) -> None:
    trap = {"a": Tripwire(tmp_path / "ran")}
    if how == "pickle":
        path.write_bytes(pickle.dumps(trap))
    else:
        torch.save(trap, path, _use_new_zipfile_serialization=how == "torch.save")
    assert "not a safetensors file" in refusal(path)
    assert "save_file" in refusal(path)
    assert not (tmp_path / "ran").exists()


def test_two_gigabytes_are_refused_before_a_byte_is_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2 << 30)  # a hole in the disk: reading it would take its size in memory
    assert f"{2 << 30:,} bytes" in refusal(path)
    assert f"at most {MOST_BYTES:,}" in refusal(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_is_named_with_its_tensor(path: Path, value: float) -> None:
    save_file({"fine": torch.ones(2), "decoder.0.weight": torch.tensor([1.0, value])}, path)
    assert "'decoder.0.weight' in vae.safetensors holds NaN or infinity" in refusal(path)


def test_a_file_that_was_cut_off_is_refused(path: Path) -> None:
    whole = save({"a": torch.ones(100)})
    for size in (0, 1, 7, 8, 20, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert "cut off" in refusal(path)


def test_a_header_that_lies_about_its_size_is_refused(path: Path) -> None:
    for size in (1 << 62, 1 << 30, 5):
        path.write_bytes(
            size.to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4]}}'
        )
        assert "no safetensors file" in refusal(path)


def test_neither_links_nor_folders_are_followed(path: Path, tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "theirs.safetensors")
    path.symlink_to(tmp_path / "theirs.safetensors")
    assert "is a link" in refusal(path)
    path.unlink()
    path.mkdir()
    assert "a folder" in refusal(path)


def test_a_pipe_does_not_keep_the_grader_waiting(path: Path) -> None:
    os.mkfifo(path)
    assert "not a file" in refusal(path)


def test_too_many_tensors_and_odd_types_are_refused(path: Path) -> None:
    save_file({str(n): torch.zeros(1) for n in range(1001)}, path)
    assert "1,001 tensors" in refusal(path)
    save_file({"c": torch.zeros(2, dtype=torch.complex64)}, path)
    assert "complex64" in refusal(path)
    path.write_bytes(save({}))
    assert "holds 0 tensors" in refusal(path)


def test_a_name_cannot_write_to_the_terminal(path: Path) -> None:
    save_file({"\x1b[31mred\u202e": torch.tensor([float("nan")])}, path)
    assert "\x1b" not in refusal(path)
    assert "\u202e" not in refusal(path)
