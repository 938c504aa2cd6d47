"""A submission becomes cells: a submitted notebook read as data, and set right against what was released.

Nothing here runs or parses a student's code, and nothing a student's file claims about itself is believed: which cells are
locked, graded or worth points comes from the release alone.

    submitted = read(path)                      a notebook, or `Unreadable` with a sentence for the student
    whole = reconcile(submitted, release)       the student's cells, with locked and grade cells as released
    cells = cells_to_load(whole, release)       the code, in order, for a Session to run
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.feedback.harmless import LONGEST_CELL


class Unreadable(Exception):
    """The file is not a notebook that can be read; `sentence` says why and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class Bounds:
    """How much a submission may hold. A real one, with its figures, is far below all of them."""

    file_bytes: int = 20_000_000
    cells: int = 2_000
    code_characters: int = 1_000_000
    text_characters: int = 300_000
    """A cell counts with as much of it as pages show."""


# ------------------------------------------------------------------ reading


def read(path: Path | str, bounds: Bounds = Bounds()) -> NotebookNode:
    """The notebook in `path`: version 4.5, every cell with a unique id, no outputs. Raises `Unreadable`, and nothing else."""
    path = Path(path)
    try:
        status = path.lstat()
    except OSError:
        raise Unreadable(f"There is no file {path.name}: hand in the notebook under this name.") from None
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable(f"{path.name} is not a plain file (a folder or a link): hand in the notebook itself.")
    if status.st_size > bounds.file_bytes:
        raise Unreadable(_too_large(path.name, status.st_size, bounds))
    try:
        with path.open("rb") as file:
            data = file.read(bounds.file_bytes + 1)
    except OSError as error:
        raise Unreadable(f"{path.name} could not be read: {error.strerror}.") from None
    return reads(data, path.name, bounds)


def reads(data: bytes, name: str = "the notebook", bounds: Bounds = Bounds()) -> NotebookNode:
    """The same from bytes; `name` is what messages call them."""
    if len(data) > bounds.file_bytes:
        raise Unreadable(_too_large(name, len(data), bounds))
    text = _decoded(data, name)
    if not text.strip():
        raise Unreadable(f"{name} is empty: save the notebook again and check that it opens in Jupyter.")
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError, MemoryError):
        raise Unreadable(
            f"{name} is not a notebook (its text is not JSON): save it with Jupyter as .ipynb and hand that in."
        ) from None
    if not isinstance(raw, dict) or type(raw.get("nbformat")) is not int:
        raise Unreadable(f"{name} is not a notebook: it is JSON, but without `nbformat`. Save it with Jupyter again.")
    if raw["nbformat"] == 3:
        raw = _upgraded(raw, name)
    if raw["nbformat"] != 4:
        raise Unreadable(
            f"{name} says that it is a notebook of format {str(raw['nbformat'])[:10]}; formats 3 and 4 can be read. "
            "Open it in Jupyter and save it again."
        )
    cells = raw.get("cells")
    if not isinstance(cells, list):
        raise Unreadable(f"{name} has no list of cells: open it in Jupyter, check that it shows, and save it again.")
    if len(cells) > bounds.cells:
        raise Unreadable(f"{name} has {len(cells)} cells; at most {bounds.cells} are read.")
    clean = [_clean_cell(cell, index, name) for index, cell in enumerate(cells)]
    for what, kinds, most, longest in (
        ("code", ["code"], bounds.code_characters, bounds.file_bytes),
        ("text", ["markdown", "raw"], bounds.text_characters, LONGEST_CELL),
    ):
        count = sum(min(len(cell["source"]), longest) for cell in clean if cell["cell_type"] in kinds)
        if count > most:
            raise Unreadable(
                f"{name} has {count:,} characters of {what}; at most {most:,} are read. Take out what was pasted in, save, and "
                "hand it in again."
            )
    return _notebook(clean, {})


def _too_large(name: str, size: int, bounds: Bounds) -> str:
    return (
        f"{name} is {size / 1e6:.0f} MB large; at most {bounds.file_bytes / 1e6:.0f} MB are read. "
        "Clear the outputs (Kernel → Restart and clear all outputs), save, and hand it in again."
    )


def _decoded(data: bytes, name: str) -> str:
    """UTF-8 as notebooks are, with or without a byte order mark; UTF-16 as some Windows editors save it."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable(f"{name} is not text in UTF-8, as notebooks are: save it with Jupyter again.") from None


def _upgraded(raw: dict[str, Any], name: str) -> dict[str, Any]:
    """A version-3 notebook as version 4. nbformat's own conversion would look at all outputs, for minutes if they are many."""
    worksheets = raw.get("worksheets")
    try:
        cells = [_upgraded_cell(cell) for sheet in worksheets for cell in sheet["cells"]]  # type: ignore[union-attr]
    except (TypeError, KeyError):
        raise Unreadable(f"{name} is an old notebook (format 3) and damaged: open it in Jupyter and save it.") from None
    return {"nbformat": 4, "cells": cells}


def _upgraded_cell(cell: Any) -> Any:
    """What is used of a version-3 cell, by the names that version 4 has for it."""
    if not isinstance(cell, dict):
        return cell
    kind = cell.get("cell_type")
    source = cell.get("input" if kind == "code" else "source", "")
    if kind == "heading":
        level = cell.get("level")
        hashes = "#" * level if isinstance(level, int) and 1 <= level <= 6 else "#"
        source = f"{hashes} {' '.join(''.join(source).split())}"
    return {
        "cell_type": "markdown" if kind in ("heading", "html") else kind,
        "source": source,
        "metadata": cell.get("metadata"),
    }


def _clean_cell(cell: Any, index: int, name: str) -> dict[str, Any]:
    """A cell with what is used of it and nothing else: type, source, id, pasted pictures, what it claims to be."""
    where = f"Cell {index + 1} of {name}"
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        raise Unreadable(f"{where} is damaged (no known cell type): open the notebook in Jupyter and save it again.")
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise Unreadable(
            f"{where} is damaged (its source is not text): open the notebook in Jupyter and save it again."
        )
    clean: dict[str, Any] = {"cell_type": cell["cell_type"], "source": _whole_characters(source), "metadata": {}}
    if isinstance(cell.get("id"), str):
        clean["id"] = cell["id"]
    if cell["cell_type"] != "code" and (attachments := _attachments(cell.get("attachments"))):
        clean["attachments"] = attachments
    if (grade_id := _grade_id(cell)) is not None:
        claims = {key: nbgrader_metadata(cell).get(key) is True for key in ("grade", "solution", "locked")}
        clean["metadata"] = {"nbgrader": {"grade_id": _whole_characters(grade_id), **claims}}
    return clean


def _whole_characters(text: str) -> str:
    """JSON can spell half a character (a lone surrogate), which no file can hold: it becomes the replacement character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text


def _attachments(value: Any) -> dict[str, dict[str, str]]:
    """Pictures pasted into a text cell; only pictures, and only where they are text as they must be."""
    if not isinstance(value, dict):
        return {}
    kept: dict[str, dict[str, str]] = {}
    for file, bundle in value.items():
        pictures: dict[str, str] = {}
        for kind, data in bundle.items() if isinstance(bundle, dict) else ():
            if isinstance(data, list) and all(isinstance(part, str) for part in data):
                data = "".join(data)
            if kind in PICTURES and isinstance(data, str) and re.fullmatch(r"[A-Za-z0-9+/=\s]*", data):
                pictures[kind] = data
        if pictures:
            kept[_whole_characters(file)] = pictures
    return kept


PICTURES = ("image/png", "image/jpeg", "image/gif")
"""Kinds of pictures that cannot hold a script (SVG can)."""


def _notebook(cells: Iterable[dict[str, Any]], metadata: dict[str, Any]) -> NotebookNode:
    """A valid version-4.5 notebook of these cells, each with an id of its own that depends on nothing but the notebook."""
    taken: set[str] = set()
    whole = []
    for index, cell in enumerate(cells):
        cell_id = cell.get("id", "")
        attempt = 0
        while not re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", cell_id) or cell_id in taken:
            cell_id = hashlib.sha256(f"{index}:{attempt}:{cell['source']}".encode()).hexdigest()[:16]
            attempt += 1
        taken.add(cell_id)
        whole.append({**cell, "id": cell_id})
        if cell["cell_type"] == "code":
            whole[-1].update(execution_count=None, outputs=[])
    notebook: Any = nbformat.from_dict({"cells": whole, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    return notebook


# ------------------------------------------------------------------ setting right


def reconcile(submitted: NotebookNode, release: NotebookNode) -> NotebookNode:
    """The notebook that is graded and shown: the student's cells, with everything that was locked as it was released.

    The student's own cells keep their order and their text. A grade or locked cell that was changed has its released text
    again; one that was deleted is back behind the cell it used to follow; where a grade_id occurs twice, the last cell
    keeps it (as in nbgrader) and the others are ordinary cells. Doing it twice changes nothing.
    """
    known = {grade_id: cell for cell in release.cells if (grade_id := _grade_id(cell)) is not None}
    last = {_grade_id(cell): index for index, cell in enumerate(submitted.cells)}
    cells: list[dict[str, Any]] = []
    places: dict[str, int] = {}
    for index, cell in enumerate(submitted.cells):
        grade_id = _grade_id(cell)
        if grade_id not in known or last[grade_id] != index:
            cells.append(_own_cell(cell))
            continue
        places[grade_id] = len(cells)
        cells.append(_released(known[grade_id], cell if is_solution(known[grade_id]) else None))
    previous = None
    for grade_id, cell in known.items():
        # A deleted answer is not put back: its stub would undo what the student may have defined elsewhere.
        if grade_id not in places and (is_grade(cell) or not is_solution(cell)):
            position = 0 if previous is None else places[previous] + 1
            places = {name: place + (place >= position) for name, place in places.items()}
            places[grade_id] = position
            cells.insert(position, _released(cell, None))
        if grade_id in places:
            previous = grade_id
    return _notebook(cells, {key: deepcopy(release.metadata[key]) for key in sorted(release.metadata)})


def _own_cell(cell: NotebookNode) -> dict[str, Any]:
    """A cell of the student's own: text and pictures, no metadata at all (a tag can change what a cell does)."""
    return {key: cell[key] for key in ("cell_type", "source", "id", "attachments") if key in cell} | {"metadata": {}}


def _released(cell: NotebookNode, answered: NotebookNode | None) -> dict[str, Any]:
    """A cell as released, with the student's answer in it if it is one to be answered."""
    whole = {
        key: deepcopy(cell[key]) for key in ("cell_type", "source", "id", "metadata", "attachments") if key in cell
    }
    if answered is not None:
        whole["source"] = answered["source"]
        whole.pop("attachments", None)
        if cell["cell_type"] != "code" and "attachments" in answered:
            whole["attachments"] = answered["attachments"]
    return whole


def cells_to_load(submitted: NotebookNode, release: NotebookNode | None = None) -> list[dict[str, Any]]:
    """The code of a submission for a Session to load: `[{"index", "source", "locked"}]`, in order.

    `index` counts all cells of the reconciled notebook from 1, as a person does. The cells that ask for points are left
    out. Without a release (a student checking their own notebook) the notebook's own word on what is locked is taken.
    """
    whole = submitted if release is None else reconcile(submitted, release)
    return [
        {"index": index, "source": cell["source"], "locked": is_locked(cell)}
        for index, cell in enumerate(whole.cells, start=1)
        if cell["cell_type"] == "code" and not (is_grade(cell) and not is_solution(cell))
    ]


def has_cells_of(submitted: NotebookNode, release: NotebookNode) -> bool:
    """Whether at least one of the release's marked cells is in the submission: if not, it is some other notebook."""
    return bool({_grade_id(cell) for cell in submitted.cells} & {_grade_id(cell) for cell in release.cells} - {None})


# ------------------------------------------------------------------ what nbgrader's metadata says


def nbgrader_metadata(cell: Any) -> dict[str, Any]:
    """The cell's nbgrader metadata, or an empty dict where there is none in a shape that can be."""
    metadata = cell.get("metadata")
    found = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _grade_id(cell: Any) -> str | None:
    grade_id = nbgrader_metadata(cell).get("grade_id")
    return grade_id if isinstance(grade_id, str) and grade_id else None


def is_grade(cell: Any) -> bool:
    """Whether the cell is worth points."""
    return bool(nbgrader_metadata(cell).get("grade"))


def is_solution(cell: Any) -> bool:
    """Whether the cell holds an answer."""
    return bool(nbgrader_metadata(cell).get("solution"))


def is_locked(cell: Any) -> bool:
    """Whether the cell is the release's: a grade cell without an answer, or one marked read-only (nbgrader's own rule)."""
    return not is_solution(cell) and (is_grade(cell) or bool(nbgrader_metadata(cell).get("locked")))
