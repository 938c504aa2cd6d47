"""A submitted notebook is data: whatever is in the file, it is read or refused with a sentence, and never believed."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.notebook import Bounds, Unreadable, cells_to_load, has_cells_of, read, reads, reconcile


def cell(source: Any, grade_id: Any = None, kind: str = "code", **flags: Any) -> dict[str, Any]:
    metadata = {"nbgrader": {"grade_id": grade_id, **flags}} if grade_id is not None else {}
    made = {"cell_type": kind, "source": source, "metadata": metadata}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def as_bytes(cells: list[Any], **more: Any) -> bytes:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more}).encode()


def notebook(*cells: dict[str, Any]) -> Any:
    return nbformat.from_dict(
        {"cells": [*cells], "metadata": {"kernelspec": {"name": "python3", "display_name": "Python"}}, "nbformat": 4}
    )


RELEASE = notebook(
    cell("import torch", "setup", locked=True, grade=False, solution=False),
    cell("def f(x):\n    raise NotImplementedError()", "f", solution=True, grade=False, locked=False),
    cell('check("f")', "check_f", grade=True, solution=False, locked=True, points=3),
    cell("def g(x):\n    raise NotImplementedError()", "g", solution=True, grade=False, locked=False),
    cell('check("g")', "check_g", grade=True, solution=False, locked=True, points=2),
    cell("YOUR ANSWER HERE", "proof", kind="markdown", grade=True, solution=True, locked=False, points=5),
)


def ids(of: Any) -> list[str | None]:
    return [c.metadata.get("nbgrader", {}).get("grade_id") for c in of.cells]


def sources(of: Any) -> list[str]:
    return [c.source for c in of.cells]


# ---- reading


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"{", "is not a notebook"),
        (b"[1, 2]", "is not a notebook"),
        (b'"text"', "is not a notebook"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "UTF-8"),
        (b"\xff\xfe{", "UTF-8|not a notebook"),
        (b"[" * 100_000, "is not a notebook"),
        (b'{"a":' * 50_000, "is not a notebook"),
        (b'{"nbformat": ' + b"9" * 5000 + b"}", "is not a notebook"),
        (b'{"nbformat": "4", "cells": []}', "without `nbformat`"),
        (b'{"nbformat": 2, "cells": []}', "format 2"),
        (b'{"nbformat": 5, "cells": []}', "format 5"),
        (b'{"nbformat": true, "cells": []}', "without `nbformat`"),
        (b'{"nbformat": 1' + b"0" * 4000 + b"}", "format 1000000000;"),
        (b'{"nbformat": 3, "worksheets": 7}', "format 3"),
        (b'{"nbformat": 3, "worksheets": [{}]}', "format 3"),
        (b'{"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "heading", "source": 3}]}]}', "format 3"),
        (b'{"nbformat": 3, "worksheets": [{"cells": [3]}]}', "Cell 1 .* damaged"),
        (b'{"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": null}]}]}', "Cell 1 .* damaged"),
        (b'{"nbformat": 4}', "no list of cells"),
        (b'{"nbformat": 4, "cells": {}}', "no list of cells"),
        (as_bytes([7]), "Cell 1 .* damaged"),
        (as_bytes([cell("x"), cell(7)]), "Cell 2 .* damaged"),
        (as_bytes([cell(["x", None])]), "Cell 1 .* damaged"),
        (as_bytes([cell("x", kind="program")]), "Cell 1 .* damaged"),
        (as_bytes([cell("x")] * 3000), "3000 cells"),
        (as_bytes([cell("x" * 2_000_000)]), "characters of code"),
    ],
)
def test_what_is_no_notebook_is_refused_with_a_sentence(data: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=says) as refusal:
        reads(data, "toy.ipynb")
    assert refusal.value.sentence.endswith(".")
    assert "Traceback" not in refusal.value.sentence


def test_a_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "huge.ipynb"
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(Unreadable, match="MB large"):
        read(path)


def test_only_plain_files_are_opened(tmp_path: Path) -> None:
    secret = tmp_path / "somebody-else.ipynb"
    secret.write_bytes(as_bytes([cell("x = 1")]))
    link = tmp_path / "link.ipynb"
    link.symlink_to(secret)
    folder = tmp_path / "folder.ipynb"
    folder.mkdir()
    pipe = tmp_path / "pipe.ipynb"
    os.mkfifo(pipe)  # reading it would wait for ever
    for path in (link, folder, pipe):
        with pytest.raises(Unreadable, match="not a plain file"):
            read(path)
    with pytest.raises(Unreadable, match="There is no file"):
        read(tmp_path / "nothing.ipynb")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_marks_that_editors_put_before_a_text_do_no_harm(encoding: str) -> None:
    assert sources(reads(as_bytes([cell("x = 'σ'")]).decode().encode(encoding))) == ["x = 'σ'"]


def test_half_characters_can_be_written_to_a_file_again() -> None:
    text = reads(as_bytes([cell("x = '\ud800'")])).cells[0].source
    assert text.encode() == "x = '\N{REPLACEMENT CHARACTER}'".encode()


def test_an_old_notebook_is_upgraded() -> None:
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"metadata": {}, "cells": [
            {"cell_type": "heading", "level": 1, "metadata": {}, "source": "Title"},
            {"cell_type": "heading", "level": 3, "metadata": {}, "source": ["Of\n", "three"]},
            {"cell_type": "heading", "level": 10**9, "metadata": {}, "source": ["One"]},
            {"cell_type": "html", "metadata": {}, "source": ["<b>bold</b>"]},
            {"cell_type": "code", "collapsed": False, "input": ["x = 1\n", "y = 2"], "language": "python", "outputs": [],
             "metadata": {"nbgrader": {"grade_id": "f", "solution": True}}},
        ]}, {"cells": [{"cell_type": "raw", "source": "raw"}]}],
    }  # fmt: skip
    read_back = reads(json.dumps(old).encode())
    assert sources(read_back) == ["# Title", "### Of three", "# One", "<b>bold</b>", "x = 1\ny = 2", "raw"]
    assert ids(read_back)[4] == "f"
    assert read_back == reads(json.dumps(old).encode())
    nbformat.validate(read_back)


def test_an_old_notebook_is_upgraded_without_a_look_at_its_outputs() -> None:
    """nbformat's own conversion takes minutes for what fits into the bounds."""
    outputs = "{}," * 500_000 + "{}"
    old = f'{{"nbformat": 3, "worksheets": [{{"cells": [{{"cell_type": "code", "input": "x", "outputs": [{outputs}]}}]}}]}}'
    start = time.process_time()
    assert sources(reads(old.encode())) == ["x"]
    assert time.process_time() - start < 2


def test_what_is_read_is_a_valid_notebook_whatever_ids_it_had() -> None:
    odd = [
        cell("a") | {"id": "same"},
        cell("b") | {"id": "same"},
        cell("c") | {"id": "not valid!"},
        cell("d") | {"id": 7},
    ]
    first, second = reads(as_bytes(odd)), reads(as_bytes(odd))
    nbformat.validate(first)
    assert first == second


def test_outputs_tags_and_scripts_in_attachments_are_dropped() -> None:
    exploit = cell("f") | {"metadata": {"tags": ["raises-exception"]}, "outputs": [{"output_type": "stream"}]}
    pictures = {
        "a.png": {"image/png": "iVBO"},
        "b.svg": {"image/svg+xml": "<svg onload=x>"},
        "c.png": {"image/png": '"><b'},
    }
    read_back = reads(as_bytes([exploit, cell("![](attachment:a.png)", kind="markdown") | {"attachments": pictures}]))
    assert read_back.cells[0].outputs == []
    assert read_back.cells[0].metadata == {}
    assert read_back.cells[1].attachments == {"a.png": {"image/png": "iVBO"}}


# ---- setting right


def test_an_honest_submission_keeps_its_answers_and_its_own_cells() -> None:
    submitted: Any = nbformat.from_dict(json.loads(json.dumps(RELEASE)))
    submitted.cells[1].source = "def f(x): return x"
    submitted.cells.insert(2, nbformat.from_dict(cell("mine = 1")))
    whole = reconcile(reads(as_bytes(submitted.cells)), RELEASE)
    assert sources(whole)[1:3] == ["def f(x): return x", "mine = 1"]
    assert ids(whole) == ["setup", "f", None, "check_f", "g", "check_g", "proof"]


def test_locked_cells_are_as_released_and_points_are_the_releases() -> None:
    forged = [
        cell("import os; os._exit(0)", "setup", locked=False, solution=True),
        cell("1000", "check_f", grade=True, points=1000, solution=True),
    ]
    whole = reconcile(reads(as_bytes(forged)), RELEASE)
    by_id = dict(zip(ids(whole), whole.cells, strict=True))
    assert by_id["setup"].source == "import torch"
    assert by_id["check_f"].source == 'check("f")'
    assert by_id["check_f"].metadata.nbgrader.points == 3


def test_deleted_cells_come_back_where_they_were_but_no_stub_undoes_an_answer() -> None:
    whole = reconcile(reads(as_bytes([cell("def f(x): return x"), cell("def g(x): return x", "g")])), RELEASE)
    assert ids(whole) == ["setup", "check_f", None, "g", "check_g", "proof"]
    assert not any("NotImplementedError" in entry["source"] for entry in cells_to_load(whole, RELEASE))


def test_of_cells_with_the_same_id_the_last_is_the_answer_and_the_others_still_run() -> None:
    twice = [cell("def f(x): return 1", "f"), cell("def f(x): return 2", "f"), cell('check("f")', "check_f")]
    whole = reconcile(reads(as_bytes([*twice, *twice])), RELEASE)
    assert sorted(filter(None, ids(whole))) == sorted({*filter(None, ids(RELEASE))} - {"g"})
    loaded = [entry["source"] for entry in cells_to_load(whole, RELEASE)]
    assert [source for source in loaded if source.startswith("def f")] == [
        f"def f(x): return {i}" for i in (1, 2, 1, 2)
    ]


@pytest.mark.parametrize(
    "metadata", [7, [], {"nbgrader": 7}, {"nbgrader": {"grade_id": ["f"]}}, {"nbgrader": {"grade_id": ""}}]
)
def test_metadata_of_any_shape_is_survived(metadata: Any) -> None:
    odd = cell("def f(x): return x") | {"metadata": metadata}
    whole = reconcile(reads(as_bytes([odd])), RELEASE)
    assert "def f(x): return x" in sources(whole)


def test_an_unknown_id_and_a_changed_cell_type_are_put_right() -> None:
    whole = reconcile(
        reads(as_bytes([cell("x", "invented"), cell("def f(x): return x", "f", kind="markdown")])), RELEASE
    )
    by_id = dict(zip(ids(whole), whole.cells, strict=True))
    assert "invented" not in by_id
    assert by_id["f"].cell_type == "code"
    nbformat.validate(whole)


def test_reconciling_twice_changes_nothing() -> None:
    mess = [
        cell("x"),
        cell("y", "f"),
        cell("z", "f"),
        cell("w", "check_g"),
        cell("v", "invented"),
        cell("u", kind="raw"),
    ]
    once = reconcile(reads(as_bytes(mess)), RELEASE)
    assert reconcile(once, RELEASE) == once
    assert reconcile(reads(json.dumps(once).encode()), RELEASE) == once


# ---- loading


def test_cells_are_loaded_in_order_without_the_ones_that_ask_for_points() -> None:
    submitted = reads(as_bytes([cell("text", kind="markdown"), cell("a = 1"), *RELEASE.cells[:3], cell("b = 2")]))
    entries = cells_to_load(submitted, RELEASE)
    assert [e["source"] for e in entries] == ["a = 1", "import torch", RELEASE.cells[1].source, "b = 2"]
    assert [e["locked"] for e in entries] == [False, True, False, False]
    assert [reconcile(submitted, RELEASE).cells[e["index"] - 1].source for e in entries] == [
        e["source"] for e in entries
    ]


def test_without_a_release_a_notebook_is_taken_at_its_word() -> None:
    entries = cells_to_load(reads(as_bytes(list(RELEASE.cells))))
    assert [e["locked"] for e in entries] == [True, False, False]


def test_another_notebook_is_recognised_as_such() -> None:
    assert not has_cells_of(reads(as_bytes([cell("x = 1"), cell("y", "another_unit")])), RELEASE)
    assert has_cells_of(reads(as_bytes([cell("y", "g")])), RELEASE)


@pytest.mark.parametrize(("kind", "what"), [("code", "code"), ("markdown", "text"), ("raw", "text")])
def test_more_code_or_text_than_anybody_reads_is_refused(kind: str, what: str) -> None:
    long = [{"cell_type": kind, "source": "x" * 60, "metadata": {}}] * 2
    with pytest.raises(Unreadable, match=f"120 characters of {what}; at most 100 are read"):
        reads(as_bytes(long), bounds=Bounds(code_characters=100, text_characters=100))
    assert len(reads(as_bytes(long[:1]), bounds=Bounds(code_characters=100, text_characters=100)).cells) == 1


def test_bounds_can_be_set() -> None:
    with pytest.raises(Unreadable, match="2 cells"):
        reads(as_bytes([cell("a"), cell("b")]), bounds=Bounds(cells=1))
