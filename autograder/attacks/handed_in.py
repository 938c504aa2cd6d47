"""Attacks that are files rather than cells: links, encodings, sizes, names."""

from __future__ import annotations

import base64
import inspect
import json
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autograder.attacks import PEACE, Attack, HandIn
from autograder.collect import collect
from autograder.course import Course

HANDED_IN: list[Attack] = []


def handed_in(
    family: str, *, seen: str, student: str = "", not_against_nbgrader: str = ""
) -> Callable[[HandIn], HandIn]:
    """Register an attack: its docstring has a title and a paragraph, and the function writes the submission."""

    def register(write: HandIn) -> HandIn:
        title, story = (inspect.getdoc(write) or "").split("\n\n", 1)
        HANDED_IN.append(
            Attack(
                write.__name__, family, title.strip().rstrip("."), " ".join(story.split()), seen, hand_in=write, student=student,
                not_against_nbgrader=not_against_nbgrader,
            )
        )  # fmt: skip
        return write

    return register


def new_cell(kind: str, source: str) -> dict[str, Any]:
    """A cell of a student's own."""
    cell: dict[str, Any] = {"cell_type": kind, "source": source, "metadata": {}}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


@handed_in("reading", seen="is not a plain file")
def a_link_to_anothers_notebook(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """A symbolic link in the place of the notebook.

    An archive may hold links. This one points at the notebook of an honest student: whoever follows it grades that student's
    work under this name, and shows it on this student's page.
    """
    os.symlink(Path(place["course"]) / "submitted" / place["bystanders"][0] / place["unit"] / f"{place['unit']}.ipynb",
               folder / f"{place['unit']}.ipynb")  # fmt: skip


@handed_in("exhaustion", seen="not a notebook")
def nested_without_end(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """A notebook nested a hundred thousand levels deep.

    A parser that follows brackets by recursion runs out of stack, and takes the process that grades, and with it the whole
    class, along.
    """
    (folder / f"{place['unit']}.ipynb").write_text('{"cells": ' + "[" * 100_000 + "]" * 100_000 + "}", encoding="utf-8")


@handed_in("text", seen="every law holds")
def a_script_in_markdown(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """Scripts in the written answer.

    The cell that a person grades holds a script, an image with a handler and a link that is a program. Feedback pages and
    formgrader show it as HTML, in the browser of somebody who may change grades.
    """
    notebook = json.loads(honest)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = (
                "<script>alert(1)</script>\n\n<img src=x onerror=alert(2)>\n\n[here](javascript:alert(3))\n\n"
                "<svg onload=alert(4)></svg><iframe src='javascript:alert(5)'></iframe>\n\n"
                "1. [there]: javascript:alert(6)\n\n[there] [a\\]b]\n\n[a\\]b]: javascript:alert(7)\n\n"
                "![seen](https://elsewhere.example/seen.png) ![out](/hub/logout) &#36;&#92;href{javascript:alert(8)}{x}&#36;\n"
            )
    (folder / f"{place['unit']}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


@handed_in("reading", seen="is a link to another")
def a_folder_that_is_anothers(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """A symbolic link in the place of the folder.

    The notebook in it is a plain file, and so is everything else that is looked at. Only the folder is a link, to that of an
    honest student, whose work then earns points under two names; or to the instructor's own, whose files come back as feedback.
    """
    folder.rmdir()
    folder.symlink_to(Path(place["course"]) / "submitted" / place["bystanders"][0] / place["unit"])


@handed_in("writing", seen="every law holds")
def a_second_name_for_a_file_elsewhere(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """A hard link to a file elsewhere.

    It is a plain file by every test there is, and has a second name in a folder that grading has no business in. Whoever cleans,
    stamps or locks what was handed in where it lies does so to both.
    """
    elsewhere = Path(place["base"]) / "outbox" / f"{folder.parent.name}.ipynb"
    elsewhere.write_bytes(honest)
    os.link(elsewhere, folder / f"{place['unit']}.ipynb")


@handed_in("exhaustion", seen="every law holds")
def a_pipe_in_the_place_of_the_time(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """A named pipe called timestamp.txt.

    The time of a submission lies beside the notebook, in a file of a line. This one is a pipe that nobody writes to: opening it
    waits for ever, without any processor time, and the class with it.
    """
    (folder / f"{place['unit']}.ipynb").write_bytes(honest)
    os.mkfifo(folder / "timestamp.txt")


@handed_in("exhaustion", seen="1000002 cells")
def a_million_cells(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """A notebook of a million cells.

    Each is empty, and the file is no larger than one with figures. Validating, copying and rendering them one by one takes hours,
    and so does a page with as many panels.
    """
    cells = ["{}"] * 1_000_001 + [json.dumps(new_cell("markdown", "the last"))]
    text = '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [' + ",".join(cells) + "]}"
    (folder / f"{place['unit']}.ipynb").write_text(text, encoding="utf-8")


@handed_in("exhaustion", seen="every law holds")
def outputs_that_unpack_to_gigabytes(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """Outputs that are small in the file and gigabytes where they are shown.

    A picture of sixty thousand by sixty thousand points, which packs to kilobytes; a drawing whose entities double thirty times;
    a widget's state nested a thousand deep; and the same as attachments. What renders outputs unpacks them.
    """
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(1 << 20)) for _ in range(64)) + rows.flush()
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)),
        (b"IDAT", packed),
        (b"IEND", b""),
    ]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    entities = "".join(f'<!ENTITY e{n + 1} "&e{n};&e{n};">' for n in range(30))
    svg = f'<!DOCTYPE svg [<!ENTITY e0 "x">{entities}]><svg xmlns="http://www.w3.org/2000/svg"><text>&e30;</text></svg>'
    nested: Any = {}
    for _ in range(900):
        nested = {"state": nested}
    data = {
        "image/png": base64.b64encode(png).decode(), "image/svg+xml": svg, "text/html": "<b>" * 100_000,
        "application/vnd.jupyter.widget-state+json": nested,
    }  # fmt: skip
    notebook = json.loads(honest)
    notebook["metadata"]["widgets"] = nested
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": data}]
        else:
            cell["attachments"] = {"drawing.svg": {"image/svg+xml": svg}}
    (folder / f"{place['unit']}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


@handed_in("confusion", seen="square_sum: 6 of 6 points")
def cells_twice_and_worth_a_thousand(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """Every cell twice, worth a thousand points, and with the output of full marks.

    The copies of the tests ask for nothing, claim a thousand points each and have the output that a right answer has; some are
    called after cells that there are not. Whoever takes a cell's own word for its points, or the first of a name, adds them up.
    """
    notebook = json.loads(honest)
    copies = []
    for cell in notebook["cells"]:
        copy = json.loads(json.dumps(cell))
        copy["id"] = f"{cell['id']}-2"
        claims = copy["metadata"].setdefault("nbgrader", {})
        if claims.get("grade"):
            claims["points"] = 1000
            copy["source"] = "1000.0"
            if copy["cell_type"] == "code":
                copy["outputs"] = [
                    {
                        "output_type": "execute_result",
                        "execution_count": 1,
                        "metadata": {},
                        "data": {"text/plain": "1000.0"},
                    }
                ]
            copies.append(json.loads(json.dumps(copy)) | {"id": f"{cell['id']}-3"})
            copies[-1]["metadata"]["nbgrader"]["grade_id"] = f"bonus-{cell['id']}"
        copies.append(copy)
    notebook["cells"] = copies + notebook["cells"] + copies
    (folder / f"{place['unit']}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


@handed_in("confusion", seen="every law holds")
def locked_cells_deleted_and_retyped(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """Tests deleted, retyped and claimed to be answers; answers claimed to be locked.

    A test that is gone cannot fail; one that says it is an answer is the student's to write; what is locked is not looked at; and
    a cell of another kind is not run. Each kind of cell claims to be another.
    """
    notebook = json.loads(honest)
    kept = []
    for cell in notebook["cells"]:
        claims = cell["metadata"].get("nbgrader", {})
        name = claims.get("grade_id", "")
        if name == "check_Codec":
            continue
        if name == "check_square_sum":
            cell = {**cell, "cell_type": "markdown", "source": "6.0"}
        if name == "check_noise":
            claims.update(solution=True, locked=False, grade=True, points=4)
            cell["source"] = "check = lambda name: 4.0\n4.0"
        if name == "setup":
            cell["source"] = "def check(name):\n    return 1000.0"
            claims.update(locked=False, solution=True)
        if name in ("square_sum", "Codec", "noise"):
            claims.update(locked=True, solution=False, grade=True, points=1000, schema_version=0, task=True)
        for unwanted in ("outputs", "execution_count") if cell["cell_type"] != "code" else ():
            cell.pop(unwanted, None)
        kept.append(cell)
    notebook["cells"] = kept
    (folder / f"{place['unit']}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


@handed_in("text", seen="every law holds")
def a_page_in_a_raw_cell(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """Pages in raw cells, attachments and metadata.

    Raw cells are put into a page as they are; a drawing pasted into a cell may hold a script, and its name ends the attribute
    that it stands in; a formula ends the quotation of what follows; titles and languages of the notebook stand in its head.
    """
    notebook = json.loads(honest)
    script = "<script>alert(1)</script>"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(2)">{script}</svg>'
    raw = new_cell("raw", f"{script}\n$$a$${script}\n{svg}")
    raw["metadata"] = {"raw_mimetype": "text/html", "format": "text/html"}
    pasted = new_cell(
        "markdown", '![x](attachment:drawing.svg) ![y](attachment:a"onerror=alert(3)) ![z](attachment:none.png)'
    )
    pasted["attachments"] = {
        "drawing.svg": {"image/svg+xml": svg, "text/html": svg},
        'a"onerror=alert(3)': {"image/png": '"onerror="alert(4)'},
    }
    diagram = new_cell("markdown", f"```mermaid\n{script}\n```\n\n~~~<script>\n{script}\n~~~\n")
    notebook["cells"] += [raw, pasted, diagram]
    notebook["metadata"] |= {"title": script, "authors": [{"name": script}], "language_info": {"name": f'"{script}'}}
    notebook["metadata"]["kernelspec"] = {"name": script, "display_name": script, "language": script}
    (folder / f"{place['unit']}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


@handed_in("text", seen="every law holds")
def text_that_takes_hours_to_show(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """Text and code that take hours to show.

    What renders Markdown looks for the end of every formula that begins, and what colours code for the end of a name with dots.
    A cell of a hundred thousand such beginnings has no end, and making the pages of a class stops at it.
    """
    notebook = json.loads(honest)
    beginnings = ["\\\\[" * 20_000, "\\begin{a}" * 5_000, "](" * 20_000, "[\n" * 20_000]
    notebook["cells"] += [new_cell("markdown", text) for text in beginnings] + [new_cell("code", "a." * 100_000)]
    (folder / f"{place['unit']}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


@handed_in("text", seen="There is:")
def files_with_names_that_run(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """Files whose names are scripts, terminal escapes and no text at all.

    Where the notebook is missing, what else was handed in is named. A file's name holds any bytes but two: it renames the window
    of a terminal, turns text around, is a tag, or is not even UTF-8, which fails only when the sentence is written down.
    """
    names = [b"\x1b]0;mine\x07\x1b[2J.ipynb", "\u202eecin\u2066.ipynb".encode(), b"\xff\xfe.ipynb"]
    names += [
        b"<img src=x onerror=alert(1)>.ipynb",
        b"a\n\n# 14 of 14 points\n.ipynb",
        b"=1+1.ipynb",
        b"x" * 240 + b".ipynb",
    ]
    for name in names:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(honest)


@handed_in("text", student='=HYPERLINK("http:x","14")', seen="every law holds")
def an_id_that_is_a_formula(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """A student whose id is a spreadsheet formula.

    Some platforms let students choose their user name, and it stands in every table of grades. A spreadsheet runs a field that
    begins with "=", and this one sends what is beside it elsewhere.
    """
    (folder / f"{place['unit']}.ipynb").write_bytes(honest)


@handed_in("text", student="<img src=x onerror=alert(1)>", seen="every law holds")
def an_id_that_is_a_tag(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """A student whose id is a tag with a handler.

    The id is the name of a folder, a key in the gradebook, and a word on pages and in tables, each of which has its own rules for
    what is a letter and what an order.
    """
    (folder / f"{place['unit']}.ipynb").write_bytes(honest)


@handed_in("text", student="аda", seen="every law holds")
def an_id_that_looks_like_anothers(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """A student whose id looks like another's.

    Its first letter is Cyrillic. Whatever folds alphabets together, in the file system, the gradebook or a page, gives one of the
    two the points of the other.
    """
    (folder / f"{place['unit']}.ipynb").write_bytes(honest)


@handed_in("writing", seen="entries were left where they are", not_against_nbgrader="it aims at `dlvm collect`")
def an_archive_that_leads_out(folder: Path, honest: bytes, place: Mapping[str, Any]) -> None:
    """Names in an archive that lead out of the folder, or into another's.

    A learning platform packs what students uploaded under the names that they gave: with `../`, absolute, as links, four thousand
    letters long, and in letters that look like those of an honest student's id. It is collected as an instructor would.
    """
    course, unit = Course(Path(place["course"])), place["unit"]
    archive = Path(place["base"]) / "outbox" / "submissions.zip"
    theirs = course.folder("submitted", place["bystanders"][0], unit) / f"{unit}.ipynb"
    link = zipfile.ZipInfo(f"linked/{unit}/{unit}.ipynb")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    names = [
        f"../../../{place['bystanders'][0]}/{unit}/{unit}.ipynb", f"x/../{place['bystanders'][0]}/{unit}/{unit}.ipynb",
        f"{place['course']}/nbgrader_config.py", "..\\..\\course_seed", f"C:\\{unit}.ipynb", f"../{unit}/{unit}.ipynb",
        f"a/{unit}/../../../{unit}.ipynb", f"{'x' * 4000}/{unit}/{unit}.ipynb", f"./{unit}/{unit}.ipynb",
        f"-rf/{unit}/{unit}.ipynb", f"nul/{unit}/{unit}.ipynb", f"\x1b[2J/{unit}/{unit}.ipynb", f"аda/{unit}/{unit}.ipynb",
        f"Ada/{unit}/{unit}.ipynb",
    ]  # fmt: skip
    with zipfile.ZipFile(archive, "w") as packed:
        for name in names:
            packed.writestr(name, b"{}")
        packed.writestr(link, str(theirs))
    everything = (path for path in Path(place["base"]).rglob("*") if path.is_file() and not path.is_symlink())
    before = {path: path.read_bytes() for path in everything}
    collected = collect(archive, course, unit)
    archive.unlink()
    changed = [
        path for path, data in before.items() if path != archive and (not path.is_file() or path.read_bytes() != data)
    ]
    outside = [placed.path for placed in collected.placed if not placed.path.is_relative_to(course.root / "submitted")]
    for placed in collected.placed:
        shutil.rmtree(placed.path.parent.parent)
    told = [f"ESCAPED: {path} was written" for path in (*changed, *outside)]
    told = told or [f"{len(collected.left)} entries were left where they are"]
    notebook = json.loads(honest)
    for cell in notebook["cells"]:
        if cell["source"] == PEACE or "".join(cell["source"]) == PEACE:
            cell["source"] = f"def mischief():\n    print({told[0]!r})\n"
    (folder / f"{place['unit']}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
