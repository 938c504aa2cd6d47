"""A trained VAE is handed in: weights beside the notebook, graded behind the walls; what is odd about them is said."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
import torch
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from safetensors.torch import load_file, save_file

from autograder.cohort import Grader, grade_notebook
from autograder.course import Course
from autograder.demo.roster import solved_from
from autograder.exercise import Unit
from autograder.sandbox import Sandbox, SandboxUnavailable, open_sandbox
from autograder.verdict import ExerciseVerdict

ROOT = Path(__file__).parents[2]
VAE = ROOT / "solutions" / "vae"
WEIGHTS = VAE / "handed_in" / "vae.safetensors"


@pytest.fixture(scope="module")
def unit() -> Unit:
    return Unit.load(VAE)


@pytest.fixture(scope="module")
def walls(unit: Unit) -> Iterator[Sandbox]:
    try:
        with open_sandbox(given=unit.given) as sandbox:
            yield sandbox
    except SandboxUnavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def notebook() -> NotebookNode:
    return solved_from(nbformat.read(VAE / "vae.ipynb", as_version=4))


Grade = Callable[[NotebookNode], ExerciseVerdict]


@pytest.fixture
def graded(unit: Unit, walls: Sandbox, tmp_path: Path) -> Grade:
    def grade(notebook: NotebookNode) -> ExerciseVerdict:
        verdict = grade_notebook(notebook, unit, walls, seed=7, only="trained_vae", folder=tmp_path)
        return verdict.exercises[0]

    return grade


def with_change(notebook: NotebookNode, source: str) -> NotebookNode:
    notebook.cells.append(new_code_cell(source))
    return notebook


def test_good_weights_earn_every_point_and_the_page_says_how_good(
    graded: Grade, notebook: NotebookNode, tmp_path: Path
) -> None:
    shutil.copy(WEIGHTS, tmp_path)
    found = graded(notebook)
    assert (found.status, found.points) == ("correct", 4)
    assert all("nats an image" in law.message and "±" in law.message for law in found.laws)
    assert all("public" in law.sentence for law in found.laws if law.decisive)
    assert sum(law.false_alarm for law in found.laws) <= 1e-8


def test_without_weights_it_is_not_yet_done(graded: Grade, notebook: NotebookNode) -> None:
    found = graded(notebook)
    assert (found.status, found.points) == ("not_yet", 0)
    assert "no vae.safetensors beside the notebook" in found.message


def test_a_model_of_two_latents_earns_half(graded: Grade, notebook: NotebookNode, tmp_path: Path) -> None:
    """Twelve latents are there, and all but two get nothing but noise: what two can tell is not enough."""
    weights = load_file(WEIGHTS)
    for name in ("encoder.mu.weight", "encoder.mu.bias", "encoder.log_var.weight", "encoder.log_var.bias"):
        weights[name][2:] = 0
    save_file(weights, tmp_path / "vae.safetensors")
    found = graded(notebook)
    assert found.points <= 2
    assert [law.evidence for law in found.laws][1] == "broken"


def nan(weights: dict[str, torch.Tensor], path: Path) -> None:
    weights["decoder.2.bias"][3] = float("nan")
    save_file(weights, path)


def other_shapes(weights: dict[str, torch.Tensor], path: Path) -> None:
    weights["decoder.2.bias"] = torch.zeros(100)
    save_file(weights, path)


def a_pickle(weights: dict[str, torch.Tensor], path: Path) -> None:
    path.write_bytes(pickle.dumps(weights))


def a_checkpoint(weights: dict[str, torch.Tensor], path: Path) -> None:
    torch.save(weights, path)


def two_gigabytes(weights: dict[str, torch.Tensor], path: Path) -> None:
    del weights
    with path.open("wb") as file:
        file.truncate(2 << 30)


Damage = Callable[[dict[str, torch.Tensor], Path], None]
REFUSED: dict[Damage, str] = {
    nan: "holds NaN or infinity",
    other_shapes: "do not fit your networks",
    a_pickle: "is a pickle",
    a_checkpoint: "torch.save",
    two_gigabytes: "2,147,483,648 bytes",
}


@pytest.mark.parametrize("damage", REFUSED, ids=lambda damage: damage.__name__)
def test_what_cannot_be_taken_is_refused_in_words(
    graded: Grade, notebook: NotebookNode, tmp_path: Path, damage: Damage
) -> None:
    damage(load_file(WEIGHTS), tmp_path / "vae.safetensors")
    found = graded(notebook)
    assert (found.status, found.points) == ("wrong", 0)
    assert REFUSED[damage] in found.message


AVERAGING = """
class Averaging(nn.Module):
    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, z):
        near = torch.softmax(-torch.cdist(z, z).square() * 4, 1)
        return self.decoder(near @ z)


honest = trained_vae


def trained_vae(weights):
    encoder, decoder = honest(weights)
    return encoder, Averaging(decoder)
"""
IMAGES_IN_A_FILE = """
honest = trained_vae


class Telling(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, x):
        torch.save(x, "/tmp/images")
        return self.encoder(x)


class Told(nn.Module):
    def __init__(self, decoder):
        super().__init__()
        self.decoder = decoder

    def forward(self, z):
        x = torch.load("/tmp/images")
        return 50 * (x[torch.arange(len(z)) % len(x)] - 0.5)


def trained_vae(weights):
    encoder, decoder = honest(weights)
    return Telling(encoder), Told(decoder)
"""


@pytest.mark.parametrize("cheat", [AVERAGING, IMAGES_IN_A_FILE], ids=["averaging rows", "images in a file"])
def test_a_cheat_earns_nothing(graded: Grade, notebook: NotebookNode, tmp_path: Path, cheat: str) -> None:
    shutil.copy(WEIGHTS, tmp_path)
    assert graded(with_change(notebook, cheat)).points == 0


def test_a_class_is_graded_with_the_weights_that_each_handed_in_and_the_record_names_them(
    tmp_path: Path, notebook: NotebookNode
) -> None:
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(VAE, tmp_path / "solutions" / "vae", ignore=shutil.ignore_patterns("__pycache__"))
    course = Course(tmp_path)
    for student, weights in (("with", True), ("without", False)):
        folder = course.folder("submitted", student, "vae")
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / "vae.ipynb")
        if weights:
            shutil.copy(WEIGHTS, folder)
    try:
        with Grader(course, "vae", seed=7) as grader:
            grades = {student: grader.grade(student) for student in ("with", "without")}
    except SandboxUnavailable as reason:
        pytest.skip(str(reason))
    assert {student: grade.verdict.points for student, grade in grades.items()} == {"with": 26, "without": 22}
    assert len(grades["with"].graded["sha256"]["vae.safetensors"]) == 64
    assert grades["without"].graded["sha256"]["vae.safetensors"] is None
    assert json.dumps(grades["with"].graded)


def test_no_author_gives_weights_or_images_away(tmp_path: Path) -> None:
    from autograder.release import generated

    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(VAE, tmp_path / "solutions" / "vae", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "solutions" / "vae" / "held_out.npy").touch()
    with generated(Course(tmp_path), "vae") as released:
        names = {path.name for path in released.rglob("*")}
    assert names == {"vae.ipynb", "laws.py", "given.py", "fingerprints.json"}
