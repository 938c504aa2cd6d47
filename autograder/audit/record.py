"""What an audit found, kept: `docs/audit/<unit>.json`, with the hash of what it audited, so that a stale one is noticed.

The hash is of meaning: laws, misconceptions, given models and solutions without their comments and docstrings. Whoever mends a
sentence need not audit again. The engine has a hash of its own: when it changes, every record is out of date, which
`dlvm audit --check` says; the quick audit of `make test` still guards what the records claim.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import autograder
from autograder.audit import mutation
from autograder.audit.report import Report, unit_json
from autograder.notebook import read as read_notebook

SCHEMA = "dlvm-audit-record/1"

ENGINE = (
    "answer.py", "audit/__init__.py", "audit/findings.py", "audit/forks.py", "audit/mutation.py", "audit/trying.py", "chance.py",
    "derivation/check.py", "derivation/derivatives.py", "derivation/exercise.py", "derivation/expression.py",
    "derivation/form.py", "derivation/gaussian.py", "derivation/inequalities.py", "derivation/meaning.py",
    "derivation/normals.py", "derivation/rules.py",
    "domains.py", "evidence.py", "exercise.py", "judge.py", "likelihood.py", "misconceptions.py", "notebook.py",
    "samplers.py", "session.py", "symbolic.py", "weights.py",
)  # fmt: skip
"""The files that decide what an audit finds."""


def audited_unit(folder: Path) -> str:
    """The hash of what a unit's audit depends on."""
    parts = [meaning_of(folder / name) for name in ("laws.py", "given.py", "misconceptions.py")]
    notebook = folder / f"{folder.name}.ipynb"
    cells = read_notebook(notebook).cells if notebook.exists() else []
    parts += [mutation.meaning(cell.source) for cell in cells if cell.cell_type == "code"]
    made = {"laws.py", "given.py", "misconceptions.py", "fingerprints.json", "questions.py", notebook.name}
    others = sorted(path for path in folder.iterdir() if path.is_file() and path.name not in made)
    others += sorted((folder / "handed_in").glob("*"))
    parts += [f"{path.name}: {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in others]
    return digest(parts)


def audited_engine() -> str:
    """The hash of the engine that audited."""
    here = Path(autograder.__file__).parent
    return digest([meaning_of(here / name) for name in ENGINE])


def meaning_of(path: Path) -> str:
    return mutation.meaning(path.read_text(encoding="utf-8"), annotations=True) if path.exists() else ""


def digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


# ---- writing and reading ---------------------------------------------------------------------------------------------------


def write(report: Report, folders: list[Path], into: Path) -> list[Path]:
    """One file a unit; returns them. Times are left out: they say nothing about the laws, and change with every run."""
    into.mkdir(parents=True, exist_ok=True)
    written = []
    for folder in folders:
        found = unit_json(folder.name, report.units[folder.name])
        for exercise in found["exercises"]:
            for law in exercise["laws"]:
                del law["milliseconds"]
        data = {
            "schema": SCHEMA, "audited": {"unit": audited_unit(folder), "engine": audited_engine()}, "seeds": report.seeds,
            "problems": report.problems_of[folder.name], **found,
        }  # fmt: skip
        path = into / f"{folder.name}.json"
        path.write_text(json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1) + "\n", encoding="utf-8")
        written.append(path)
    return written


def read(folder: Path, records: Path) -> dict[str, Any] | None:
    """A unit's record, if there is one that can be read."""
    try:
        data = json.loads((records / f"{folder.name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) and data.get("schema") == SCHEMA else None


def stale(folder: Path, records: Path, engine: bool = True) -> Iterator[str]:
    """Why a unit's record is not what an audit would find now, a sentence each; `engine=False`: as far as the unit goes."""
    record = read(folder, records)
    again = f"Run `make audit`, or `dlvm audit {folder.name} --seeds 200 --record {records}`."
    if record is None:
        yield f"{folder.name} has no record in {records}. {again}"
        return
    if record["audited"]["unit"] != audited_unit(folder):
        yield f"{folder.name}: its laws, misconceptions or solutions have changed since they were audited. {again}"
    if engine and record["audited"]["engine"] != audited_engine():
        yield f"{folder.name}: the engine has changed since it audited this unit. {again}"
    if record["problems"]:
        yield f"{folder.name}: the audit on record has problems. Mend them and audit again."


def as_markdown(folders: Iterable[Path], records: Path) -> str:
    """The records in a table, a line a unit: what the README states. Empty if there are none."""
    lines = [
        "| unit | checks of right answers | false alarms | worst error over tolerance | left to chance | misconceptions "
        "| mutants killed | explained |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for folder in folders:
        record = read(folder, records)
        if record is None:
            continue
        right, exercises = record["right_answers"], record["exercises"]
        killed = sum(exercise["mutants"]["killed"] for exercise in exercises)
        explained = sum(len(exercise["mutants"]["alive"]) for exercise in exercises)
        misconceptions = sum(len(exercise["misconceptions"]) for exercise in exercises)
        lines.append(
            f"| `{record['unit']}` | {right['checks']:,} | {right['false_alarms']} | {right['worst_margin']:.2g} "
            f"| {right['left_to_chance']:.0e} | {misconceptions} | {killed} | {explained} |"
        )
    return "\n".join(lines) if len(lines) > 2 else ""
