"""What platforms give is sorted into submitted/, and nothing an archive says leads anywhere else."""

from __future__ import annotations

import stat
import zipfile
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autograder.collect import Collected, Limits, NotAnArchive, collect
from autograder.course import Course

Files = dict[str, bytes | str]


@pytest.fixture
def archive(tmp_path: Path):
    def pack(files: Files, name: str = "submissions.zip") -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for entry, content in files.items():
                packed.writestr(entry, content)
        return path

    return pack


def placed(collected: Collected, course: Course) -> dict[str, str]:
    """What lies in submitted/ now, by student; what the report says must be there is there."""
    assert all(item.path.is_file() for item in collected.placed)
    found = {path.parts[-3]: path.read_text() for path in course.root.glob("submitted/*/toy/toy.ipynb")}
    assert sorted(found) == sorted(item.student for item in collected.placed)
    return found


LAYOUTS: dict[str, tuple[Files, dict[str, str]]] = {
    "moodle": (
        {
            "Jane Doe_123456_assignsubmission_file_/toy.ipynb": "jane",
            "Zoë Müller_7_assignsubmission_file_/toy (1).ipynb": "zoe",
            "Jane Doe_99_assignsubmission_file_toy.ipynb": "another jane",
            "王小明_5_assignsubmission_file/toy.ipynb": "wang",
            "Participant 31_assignsubmission_file_/toy.ipynb": "blind",
        },
        {"Jane-Doe_123456": "jane", "Zoe-Muller_7": "zoe", "Jane-Doe_99": "another jane", "student_5": "wang",
         "Participant_31": "blind"},
    ),
    "brightspace": (
        {
            "index.html": "<html>",
            "12345-67890 - Jane Doe - 12 November, 2026 1131 AM/toy.ipynb": "old",
            "12345-67890 - Jane Doe - 12 November, 2026 131 PM/toy.ipynb": "new",
            "12346-67890 - Ann Lee - Nov 2, 2026 1159 PM/toy.ipynb": "ann",
        },
        {"Jane-Doe_12345": "new", "Ann-Lee_12346": "ann"},
    ),
    "canvas": (
        {
            "doejane_late_12345_678901_toy-1.ipynb": "new",
            "doejane_12345_678900_toy.ipynb": "old",
            "leeann_777_5_toy.ipynb": "ann",
        },
        {"doejane_12345": "new", "leeann_777": "ann"},
    ),
    "blackboard": (
        {
            "toy_jdoe_attempt_2026-11-12-11-31-00_toy.ipynb": "new",
            "toy_jdoe_attempt_2026-11-11-11-31-00_toy.ipynb": "old",
        },
        {"jdoe": "new"},
    ),
    "nbgrader": (
        {
            "submitted/jdoe/toy/toy.ipynb": "jdoe",
            "submitted/jdoe/toy/timestamp.txt": "2026-11-12 11:31:00.000000 UTC",
            "submitted/ann.lee/toy/toy.ipynb": "ann",
        },
        {"jdoe": "jdoe", "ann.lee": "ann"},
    ),
    "wrapped": ({"week 1/jdoe/toy/toy.ipynb": "jdoe", "__MACOSX/._x": "junk", ".DS_Store": "junk"}, {"jdoe": "jdoe"}),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_platforms_layout_is_understood(layout: str, archive, course: Course) -> None:
    files, expected = LAYOUTS[layout]
    assert placed(collect(archive(files), course, "toy", zone=UTC), course) == expected


def test_collecting_twice_gives_the_same(archive, course: Course) -> None:
    path = archive(LAYOUTS["canvas"][0])
    assert placed(collect(path, course, "toy"), course) == placed(collect(path, course, "toy"), course)


def test_a_platforms_time_becomes_nbgraders_timestamp(archive, course: Course) -> None:
    path = archive({"1-2 - Jane Doe - 12 November, 2026 1131 AM/toy.ipynb": "x"})
    collect(path, course, "toy", zone=ZoneInfo("America/New_York"))
    from autograder.gradebook import submitted_at

    assert str(submitted_at(course.root / "submitted" / "Jane-Doe_1" / "toy")) == "2026-11-12 16:31:00"


def test_a_newer_submission_that_is_there_already_stays(archive, course: Course) -> None:
    new, old = (f"toy_jdoe_attempt_2026-11-{day}-11-31-00_toy.ipynb" for day in (12, 11))
    collect(archive({new: "new"}), course, "toy")
    again = collect(archive({old: "old"}), course, "toy")
    assert (course.root / "submitted/jdoe/toy/toy.ipynb").read_text() == "new"
    assert "newer submission" in again.left[0][1]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("../../evil_1_assignsubmission_file_/toy.ipynb", "leads out"),
        ("/etc/evil_1_assignsubmission_file_/toy.ipynb", "leads out"),
        ("C:\\evil_1_assignsubmission_file_\\toy.ipynb", "leads out"),
        ("a\\..\\..\\toy\\toy.ipynb", "leads out"),
        ("evil_1_assignsubmission_file_/" + "x" * 300 + ".ipynb", "too long"),
        ("evil_1_assignsubmission_file_/to\x07y.ipynb", "no file name has"),
        ("evil_1_assignsubmission_file_/essay.pdf", "not a notebook"),
        ("evil_1_assignsubmission_onlinetext_/onlinetext.html", "text typed into Moodle"),
        ("notes/toy.ipynb", "does not say whose"),
        ("con/toy/toy.ipynb", "cannot be a folder"),
        (".ssh/toy/toy.ipynb", "cannot be a folder"),
    ],
)
def test_what_is_not_placed_is_listed_with_its_reason(entry: str, reason: str, archive, course: Course) -> None:
    path = archive({entry: "x", "ok_1_assignsubmission_file_/toy.ipynb": "ok"})
    collected = collect(path, course, "toy")
    assert placed(collected, course) == {"ok_1": "ok"}
    assert len(collected.left) == 1
    assert reason in collected.left[0][1]
    assert not list(course.root.parent.glob("*.ipynb"))


def test_a_link_in_an_archive_is_never_followed(tmp_path: Path, course: Course) -> None:
    path = tmp_path / "links.zip"
    with zipfile.ZipFile(path, "w") as packed:
        link = zipfile.ZipInfo("evil_1_assignsubmission_file_/toy.ipynb")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, "/etc/passwd")
    collected = collect(path, course, "toy")
    assert (collected.placed, collected.left[0][1]) == ([], "a link or a device, not a file")


def test_bombs_are_not_unpacked(archive, course: Course) -> None:
    bomb = archive(
        {"evil_1_assignsubmission_file_/toy.ipynb": b"\0" * 30_000_000, "b_2_assignsubmission_file_/toy.ipynb": "ok"}
    )
    collected = collect(bomb, course, "toy")
    assert placed(collected, course) == {"b_2": "ok"}
    assert "attack" in collected.left[0][1]
    with pytest.raises(NotAnArchive, match="2 entries"):
        collect(bomb, course, "toy", limits=Limits(entries=1))
    assert "unpacks to more" in collect(bomb, course, "toy", limits=Limits(total_bytes=1)).left[0][1]


def test_a_damaged_archive_or_entry_is_a_sentence(tmp_path: Path, archive, course: Course) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(NotAnArchive, match="not a zip archive"):
        collect(broken, course, "toy")
    path = archive({"a_1_assignsubmission_file_/toy.ipynb": bytes(range(256)) * 20})
    data = bytearray(path.read_bytes())
    data[80:90] = b"\xff" * 10
    path.write_bytes(data)
    assert "damaged" in collect(path, course, "toy").left[0][1]


def test_a_students_own_file_name_makes_it_nobody_elses(archive, course: Course) -> None:
    files: Files = {
        "jane/toy/toy.ipynb": "jane's",
        "jane/toy/bob_9_8_toy.ipynb": "posing as bob (Canvas)",
        "jane/toy/toy_bob_attempt_2026-11-12-11-31-00_toy.ipynb": "posing as bob (Blackboard)",
        "ann_1_assignsubmission_file_/bob/toy/toy.ipynb": "posing as bob (nbgrader)",
    }
    found = placed(collect(archive(files), course, "toy"), course)
    assert not any("bob" in student for student in found)
    assert found["jane"] == "jane's"


def test_look_alikes_are_different_students(archive, course: Course) -> None:
    cyrillic = "j\N{CYRILLIC SMALL LETTER A}ne"
    found = placed(
        collect(archive({"jane/toy/toy.ipynb": "jane", f"{cyrillic}/toy/toy.ipynb": "not jane"}), course, "toy"), course
    )
    assert found == {"jane": "jane", "ju0430ne": "not jane"}


def test_two_names_that_become_one_id_do_not_overwrite_each_other(archive, course: Course) -> None:
    files: Files = {"a b/toy/toy.ipynb": "spaced", "a-b/toy/toy.ipynb": "dashed"}
    collected = collect(archive(files), course, "toy")
    assert placed(collected, course) == {"a-b": "dashed"}
    assert "another student has the id" in collected.left[0][1]


def test_a_single_notebook_under_another_name_is_taken_and_several_are_not(archive, course: Course) -> None:
    files: Files = {
        "ann_1_assignsubmission_file_/homework.ipynb": "hers",
        "bob_2_assignsubmission_file_/a.ipynb": "which",
        "bob_2_assignsubmission_file_/b.ipynb": "one?",
        "cyd_3_assignsubmission_file_/a.ipynb": "no",
        "cyd_3_assignsubmission_file_/Copy of toy.ipynb": "yes",
    }
    collected = collect(archive(files), course, "toy")
    assert placed(collected, course) == {"ann_1": "hers", "cyd_3": "yes"}
    assert {item.student: item.note for item in collected.placed}["ann_1"] == "was named homework.ipynb"
    assert sorted(reason.split(" of ")[0] for name, reason in collected.left if "bob" in name) == ["one", "one"]


def test_a_folder_of_archives_is_collected_like_one(tmp_path: Path, archive, course: Course) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    archive(LAYOUTS["canvas"][0]).rename(folder / "one.zip")
    (folder / "toy_jdoe_attempt_2026-11-12-11-31-00_toy.ipynb").write_text("loose")
    assert set(placed(collect(folder, course, "toy"), course)) == {"doejane_12345", "leeann_777", "jdoe"}


# ---- files that are handed in beside the notebook ------------------------------------------------------------------------------


@pytest.fixture
def wants_weights(course: Course) -> Course:
    laws = course.root / "solutions" / "toy" / "laws.py"
    laws.write_text(laws.read_text().replace('measure="metres", ', 'measure="metres", hands_in="toy.safetensors", ', 1))
    return course


def weights(course: Course) -> dict[str, str]:
    return {path.parts[-3]: path.read_text() for path in course.root.glob("submitted/*/toy/toy.safetensors")}


WITH_WEIGHTS: dict[str, Files] = {
    "moodle": {
        "Jane Doe_1_assignsubmission_file_/toy.ipynb": "notebook",
        "Jane Doe_1_assignsubmission_file_/toy.safetensors": "weights",
    },
    "canvas": {
        "doejane_12345_678900_toy.ipynb": "notebook",
        "doejane_12345_678901_toy-1.safetensors": "weights",
        "doejane_12345_678899_toy.safetensors": "of the first attempt",
    },
    "nbgrader": {"submitted/jdoe/toy/toy.ipynb": "notebook", "submitted/jdoe/toy/toy.safetensors": "weights"},
}


@pytest.mark.parametrize("layout", WITH_WEIGHTS)
def test_weights_are_placed_beside_their_notebook(layout: str, archive, wants_weights: Course) -> None:
    collected = collect(archive(WITH_WEIGHTS[layout]), wants_weights, "toy")
    assert list(weights(wants_weights).values()) == ["weights"]
    assert weights(wants_weights).keys() == placed(collected, wants_weights).keys()
    assert [reason for _, reason in collected.left] == [
        "an earlier attempt; doejane_12345_678901_toy-1.safetensors was taken"
    ] * (layout == "canvas")


def test_weights_without_a_notebook_are_not_placed(archive, wants_weights: Course) -> None:
    collected = collect(archive({"submitted/jdoe/toy/toy.safetensors": "weights"}), wants_weights, "toy")
    assert not weights(wants_weights)
    assert collected.left == [("submitted/jdoe/toy/toy.safetensors", "there is no toy.ipynb of this student beside it")]


def test_a_new_notebook_does_not_keep_the_weights_of_an_older_one(archive, wants_weights: Course) -> None:
    collect(archive(WITH_WEIGHTS["nbgrader"]), wants_weights, "toy")
    collect(archive({"submitted/jdoe/toy/toy.ipynb": "newer"}), wants_weights, "toy")
    assert not weights(wants_weights)


def test_a_unit_that_wants_none_takes_none(archive, course: Course) -> None:
    collected = collect(archive(WITH_WEIGHTS["nbgrader"]), course, "toy")
    assert not weights(course)
    assert collected.left == [("submitted/jdoe/toy/toy.safetensors", "not a notebook (.ipynb)")]
