"""The record of a grade: the verdict, and under which circumstances it was reached, so that it can be shown again.

It lies beside the graded notebook, as `autograded/<student>/<unit>/verdict.json`: the verdict's own JSON, and a key `graded`
with when, with which seed, by which versions, and the SHA-256 of everything that the verdict depends on. It is the
instructor's: it holds the course's seed, so nbgrader is told to copy it nowhere (`autograder.course.configure`).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import stat
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from autograder.course import RECORD, Course
from autograder.notebook import Bounds
from autograder.verdict import SCHEMA, Diagnosis, ExerciseVerdict, LawVerdict, Verdict, Witness
from autograder.weights import MOST_BYTES

UNIT_FILES = ("laws.py", "given.py", "fingerprints.json")
"""The files of a unit that have a part in its verdicts."""


class Unusable(Exception):
    """A record is there and cannot be read; the message says which and why."""


# ---- circumstances -------------------------------------------------------------------------------------------------------


def circumstances(folder: Path, release: str, seed: int, device: str) -> dict[str, Any]:
    """What a unit's verdicts depend on besides the submission. `folder` is its source, `release` the released notebook's text."""
    import torch

    from autograder import __version__

    hashes = {name: found for name in UNIT_FILES if (found := digest_of(folder / name)) is not None}
    return {
        "seed": seed, "device": device, "engine": __version__, "torch": str(torch.__version__),
        "python": platform.python_version(),
        "sha256": {**hashes, "release": hashlib.sha256(release.encode()).hexdigest(), "engine": engine_digest()},
    }  # fmt: skip


def of_this(graded: Mapping[str, Any], submission: Path, beside: Iterable[str] = ()) -> dict[str, Any]:
    """The circumstances of one submission's grade: when it was reached, and of which files as handed in."""
    files = {name: digest_of(submission.with_name(name), MOST_BYTES) for name in beside}
    hashes = {**graded["sha256"], "submission": digest_of(submission), **files}
    return {"date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **graded, "sha256": hashes}


def digest_of(path: Path, most: int = Bounds.file_bytes) -> str | None:
    """SHA-256 of a plain file; None where there is none, or one larger than what is read of a submission."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            return None
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


@cache
def engine_digest() -> str:
    """SHA-256 over the engine's own source files: a version number changes more seldom than they do."""
    here = Path(__file__).parent
    whole = hashlib.sha256()
    for path in sorted(here.rglob("*.py"), key=lambda path: path.relative_to(here).as_posix()):
        whole.update(f"{path.relative_to(here).as_posix()}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


# ---- writing -------------------------------------------------------------------------------------------------------------


def record_of(verdict: Verdict, graded: Mapping[str, Any], failed: str = "") -> dict[str, Any]:
    """The record as data. `failed` is the report of an error of the grader's own."""
    return {**verdict.to_json(), "graded": {**graded, **({"failed": failed} if failed else {})}}


def write_record(course: Course, verdict: Verdict, graded: Mapping[str, Any], failed: str = "") -> Path:
    """Put the record beside the graded notebook, whose folder is there."""
    path = course.folder("autograded", verdict.student, verdict.unit) / RECORD
    text = json.dumps(record_of(verdict, graded, failed), ensure_ascii=False, allow_nan=False, indent=1)
    # A student's text may hold half a character (a lone surrogate), which no file can.
    write_file(path, f"{text}\n".encode(errors="replace"))
    return path


def write_file(path: Path, data: bytes) -> None:
    """All of it or none, over whatever read-only file is there; read-only, as nbgrader leaves what is graded."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    os.chmod(temporary, 0o444)
    os.replace(temporary, path)


# ---- reading -------------------------------------------------------------------------------------------------------------


def read_record(course: Course, student: str, unit: str) -> dict[str, Any] | None:
    """The record of a student's grade; None where there is none (nobody graded it, or an older version did)."""
    path = course.folder("autograded", student, unit) / RECORD
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise Unusable(f"The record of the grade, {path.name}, cannot be read ({type(problem).__name__}).") from None
    try:
        assert found["schema"] == SCHEMA
        verdict_of(found)
        assert isinstance(found.get("graded", {}), dict)
        assert (found["student"], found["unit"]) == (student, unit)
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError):
        raise Unusable(f"What lies there as {path.name} is not the record of {student}'s {unit} ({SCHEMA}).") from None
    return found


def verdict_of(data: Mapping[str, Any]) -> Verdict:
    """The verdict that `Verdict.to_json` made this of."""
    return Verdict(
        data["unit"],
        data["student"],
        tuple(exercise_of(exercise) for exercise in data["exercises"]),
        data.get("problem", ""),
        tuple(data.get("notes", ())),
    )


def exercise_of(data: Mapping[str, Any]) -> ExerciseVerdict:
    return ExerciseVerdict(
        data["name"], data["status"], data["points"], data["max_points"], tuple(law_of(law) for law in data["laws"]),
        message=data.get("message", ""), where=data.get("where", ""), printed=data.get("printed", ""),
        diagnosis=part_of(Diagnosis, data.get("diagnosis")),
    )  # fmt: skip


def law_of(data: Mapping[str, Any]) -> LawVerdict:
    return LawVerdict(
        data["name"], data["sentence"], data["evidence"], data["points"], data["max_points"], data.get("decisive", False),
        data.get("message", ""), part_of(Witness, data.get("witness")), float(data.get("margin", math.nan)),
        float(data.get("false_alarm", 0.0)),
    )  # fmt: skip


def part_of(kind: Any, data: Mapping[str, Any] | None) -> Any:
    """A witness or a diagnosis from its JSON; what a later version may have added to it is passed over."""
    known = {field.name for field in fields(kind)}
    return kind(**{key: value for key, value in data.items() if key in known}) if data else None
