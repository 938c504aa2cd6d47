"""Damage that a notebook can take: its cells, ids, metadata, format, outputs, encoding, JSON, and the code in its cells.

    mutation = mutated(honest, 7)
    mutation.data           the bytes to hand in
    mutation.sentence       what was done to them
    mutation.harmless       whether all answers are still there, so that no point may be lost

`mutated` is the same for the same seed. Seed by seed the first mutator goes through the whole catalogue, and up to three others
are drawn. Each draws from a generator of its own, so that leaving one out does not change what the others do. How a mutator is
written is in `damage.py`; those of the JSON and the file are in `broken_files.py`, and those of code in `odd_code.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

import autograder.attacks.broken_files  # noqa: F401 (adds its mutators to those below)
from autograder.attacks.damage import (
    GONE,
    MUTATORS,
    STAGES,
    Cell,
    Mutator,
    Unfit,
    all_of,
    any_of,
    become_old,
    called,
    code,
    insert,
    is_answer,
    is_any,
    is_code,
    is_locked,
    is_marked,
    is_text,
    is_written,
    marks,
    metadata,
    mutator,
    odd,
    old_cells,
    one,
    short,
    source_of,
    text,
)
from autograder.attacks.odd_code import CELLS


@dataclass(frozen=True)
class Mutation:
    """A notebook to hand in, and what was done to it."""

    seed: int
    data: bytes
    mutators: tuple[str, ...]
    """Their names, in the order in which they were applied."""
    sentence: str
    harmless: bool


def mutated(honest: bytes, seed: int, only: Sequence[str] | None = None) -> Mutation:
    """The honest notebook with one to four kinds of damage; with `only`, those of them that are named."""
    names = list(MUTATORS)
    dice = Random(f"which {seed}")
    others = [name for name in names if not MUTATORS[name].alone]
    first = MUTATORS[names[seed % len(names)]]
    more = 0 if first.alone else dice.choice((0, 0, 1, 1, 2, 3))
    drawn = [first.name, *dice.sample(others, more)]
    wanted = [name for name in dict.fromkeys(drawn) if only is None or name in only]
    what: Any = json.loads(honest)
    applied: list[str] = []
    sentences: list[str] = []
    for stage in STAGES:
        if stage == "text":
            what = json.dumps(what, indent=1)
        elif stage == "bytes":
            what = what.encode("utf-8", "surrogatepass")
        for name in (name for name in wanted if MUTATORS[name].stage == stage):
            try:
                what, sentence = MUTATORS[name].change(what, Random(f"{name} {seed}"))
            except Unfit:
                continue
            applied.append(name)
            sentences.append(sentence[0].upper() + sentence[1:])
    harmless = all(MUTATORS[name].harmless for name in applied)
    return Mutation(seed, what, tuple(applied), " ".join(sentences), harmless)


# ---- cells -----------------------------------------------------------------------------------------------------------------


@mutator("notebook")
def a_cell_deleted(notebook: Any, dice: Random) -> str:
    """{words} is deleted."""
    place = dice.randrange(len(notebook["cells"]))
    gone = notebook["cells"].pop(place)
    return called(gone) if isinstance(gone, dict) else f"what stands at {place}"


@mutator("notebook", harmless=True)
def locked_cells_deleted(notebook: Any, dice: Random) -> int:
    """{words} locked cells are deleted."""
    locked = all_of(notebook, is_locked)
    gone = dice.sample(locked, dice.randint(1, len(locked)))
    notebook["cells"] = [cell for cell in notebook["cells"] if not any(cell is other for other in gone)]
    return len(gone)


@mutator("notebook", harmless=True)
def a_cell_doubled(notebook: Any, dice: Random) -> str:
    """{words} is there twice."""
    cell = one(notebook, dice, is_any)
    insert(notebook, dice, deepcopy(cell))
    return called(cell)


@mutator("notebook", harmless=True)
def cells_shuffled(notebook: Any, dice: Random) -> None:
    """The cells are shuffled."""
    before = list(notebook["cells"])
    dice.shuffle(notebook["cells"])
    if notebook["cells"] == before:
        notebook["cells"].reverse()


@mutator("notebook")
def all_cells_emptied(notebook: Any, dice: Random) -> None:
    """All cells are empty."""
    for cell in all_of(notebook, is_any):
        cell["source"] = ""


@mutator("notebook", is_any)
def a_cell_of_another_type(cell: Cell, dice: Random) -> str:
    """{cell} is of type {words}."""
    others = [kind for kind in ("code", "markdown", "raw") if kind != cell.get("cell_type")]
    return any_of(cell, "cell_type", dice, *others)


@mutator("notebook")
def a_cell_that_is_none(notebook: Any, dice: Random) -> Any:
    """Among the cells is {it}."""
    what = dice.choice((3, None, "code", [], True, [[code("x = 1")]]))
    insert(notebook, dice, what)
    return what


@mutator("notebook")
def cells_within_cells(notebook: Any, dice: Random) -> None:
    """The cells are inside of another list."""
    any_of(notebook, "cells", dice, [notebook["cells"]], [{"cell_type": "code", "cells": notebook["cells"]}])


@mutator("notebook")
def no_cells(notebook: Any, dice: Random) -> str:
    """There {words}."""
    if dice.random() < 0.5:
        del notebook["cells"]
        return "is no list of cells"
    notebook["cells"] = []
    return "are no cells in the list"


@mutator("notebook")
def too_many_cells(notebook: Any, dice: Random) -> None:
    """There are 2,500 more cells."""
    notebook["cells"] += [code("") for _ in range(2_500)]


@mutator("notebook", harmless=True)
def many_cells(notebook: Any, dice: Random) -> None:
    """There are 500 more cells."""
    notebook["cells"] += [code(f"name_{number} = {number}") for number in range(500)]


@mutator("notebook", lambda cell: is_written(cell) and isinstance(cell["source"], list), harmless=True)
def source_in_one_piece(cell: Cell, dice: Random) -> None:
    """The source of {cell} is one text."""
    cell["source"] = source_of(cell)


@mutator("notebook", is_written, harmless=True)
def source_in_characters(cell: Cell, dice: Random) -> None:
    """The source of {cell} is a list of characters."""
    cell["source"] = list(source_of(cell) or "")


@mutator("notebook", is_written)
def source_as_bytes(cell: Cell, dice: Random) -> None:
    """The source of {cell} is the name of its bytes."""
    cell["source"] = repr((source_of(cell) or "").encode("utf-8", "surrogatepass"))


@mutator("notebook", is_answer, harmless=True)
def a_very_long_line(cell: Cell, dice: Random) -> None:
    """{cell} ends with a comment of 100,000 characters."""
    cell["source"] = f"{source_of(cell)}\n# {'x' * 100_000}"


@mutator("notebook")
def too_much_code(notebook: Any, dice: Random) -> None:
    """A cell holds a million characters."""
    insert(notebook, dice, code(["# much\n"] * 150_000))


@mutator("notebook", harmless=True)
def line_ends_of_windows(notebook: Any, dice: Random) -> str:
    """The lines of all cells end with {it}."""
    ends = dice.choice(("\r\n", "\r"))
    for cell in all_of(notebook, is_written):
        cell["source"] = (source_of(cell) or "").replace("\r\n", "\n").replace("\n", ends)
    return ends


@mutator("notebook", is_any, harmless=True)
def keys_that_no_cell_has(cell: Cell, dice: Random) -> None:
    """{cell} has keys that no cell has."""
    keys = {"__class__": "x", "__proto__": {}, "": [], "\ud800": 1, "items": 3, "__deepcopy__": {}, "k" * 10_000: None}
    cell.update(keys)


@mutator("notebook", is_answer)
def junk_in_an_answer(cell: Cell, dice: Random) -> str:
    """{cell} {words}."""
    name, own = dice.choice(list(CELLS)), source_of(cell) or ""
    junk = CELLS[name].source
    how = {"begins with": f"{junk}\n{own}", "ends with": f"{own}\n{junk}", "is nothing but": junk}
    words = dice.choice(list(how))
    cell["source"] = how[words]
    return f"{words} {name}"


@mutator("notebook", is_answer, harmless=True)
def half_a_character(cell: Cell, dice: Random) -> str:
    """{cell} holds {it}, half a character, escaped as JSON allows."""
    half = dice.choice(("\ud800", "\udfff", "\ud83d", "\udc00\ud800"))
    cell["source"] = f"{source_of(cell)}\n# {half}\n"
    return half


odd("a cell emptied", "{cell} is empty.", "source", "", [], [""], of=is_written)
odd("a cell of no type", "{cell} is of type {it}.", "cell_type", "heading", "CODE", "", None, 3, ["code"], {}, "\ud800")
odd("source missing", "{cell} has no source.", "source", GONE)
odd("source of no text", "The source of {cell} is {it}.", "source",
    None, 3, {}, [1, 2], [["x = 1"]], True, ["x = 1\n", None], {"text": "x"}, 1e300, [[[]]])  # fmt: skip
odd("cells that are no list", "The cells are {it}.", "cells", {}, None, "cells", 7, {"0": code("x = 1")}, True, of=None)


# ---- ids -------------------------------------------------------------------------------------------------------------------


@mutator("notebook", harmless=True)
def ids_missing(notebook: Any, dice: Random) -> None:
    """No cell has an id."""
    for cell in all_of(notebook, lambda cell: "id" in cell):
        del cell["id"]


@mutator("notebook", harmless=True)
def ids_doubled(notebook: Any, dice: Random) -> Any:
    """All cells have the id {it}."""
    same = one(notebook, dice, is_any).get("id", "same")
    for cell in all_of(notebook, is_any):
        cell["id"] = same
    return same


odd(
    "an id of ours",
    "A cell has the id {it}.",
    "id",
    "about-this-submission-0",
    "check-noise",
    "title",
    "setup",
    harmless=True,
)
odd("an odd id", "A cell has the id {it}.", "id",
    "", "x" * 4096, 7, None, [], {}, "squаre-sum", "../../etc/passwd", "\ud800", "a\n", True, "a b", harmless=True)  # fmt: skip


# ---- metadata --------------------------------------------------------------------------------------------------------------

ODD = (None, 3, -1, [], "x", {}, True, [[]], {"": {}}, 1e308, float("nan"))
"""What nobody expects where something else belongs."""

odd("odd metadata", "The metadata of {cell} is {it}.", "metadata", *ODD, harmless=True)
odd(
    "odd marks",
    "The metadata of nbgrader of {cell} is {it}.",
    "nbgrader",
    *ODD,
    of=is_marked,
    within=metadata,
    harmless=True,
)
odd(
    "marks missing",
    "{cell} has no metadata of nbgrader.",
    "nbgrader",
    GONE,
    of=is_marked,
    within=metadata,
    harmless=True,
)
odd("an odd grade id", "The grade_id of {cell} is {it}.", "grade_id",
    3, "", None, "x" * 4096, "ѕquare_sum", "\ud800", "__class__", [], {}, "a\nb", "check_check", "../..", " Codec",
    of=is_marked, within=marks, harmless=True)  # fmt: skip
odd("an odd schema", "The schema_version of {cell} is {it}.", "schema_version",
    0, 1, 2, 99, "3", None, -1, 3.5, [], float("inf"), of=is_marked, within=marks, harmless=True)  # fmt: skip
odd("odd points", "{cell} claims {it} points.", "points",
    "ten", "100", float("nan"), -5, 1_000, None, 10**30, [], float("inf"), "-1e9", True,
    of=is_marked, within=marks, harmless=True)  # fmt: skip
odd("odd metadata of all", "The notebook's metadata is {it}.", "metadata", *ODD, of=None, harmless=True)
odd("no metadata of all", "The notebook has no metadata.", "metadata", GONE, of=None, harmless=True)
odd("an odd kernel", "The kernel is {it}.", "kernelspec",
    None, 3, [], {}, {"name": 3}, {"name": "../../bin/sh"}, {"name": "no-such-kernel"}, {"display_name": "R", "name": "ir"},
    {"name": "python3", "language": ["python"]}, {"name": "\ud800" * 100}, of=None, within=metadata, harmless=True)  # fmt: skip


@mutator("notebook", harmless=True)
def all_marks_missing(notebook: Any, dice: Random) -> None:
    """No cell that had a mark has any metadata."""
    for cell in all_of(notebook, is_marked):
        cell["metadata"] = {}


@mutator("notebook")
def grade_ids_swapped(notebook: Any, dice: Random) -> tuple[str, str]:
    """{words[0]} and {words[1]} have each other's grade_id."""
    first = one(notebook, dice, is_marked)
    other = one(notebook, dice, lambda cell: is_marked(cell) and cell is not first)
    names = called(first), called(other)
    marks(first)["grade_id"], marks(other)["grade_id"] = marks(other).get("grade_id"), marks(first).get("grade_id")
    return names


@mutator("notebook")
def two_cells_of_one_grade_id(notebook: Any, dice: Random) -> tuple[str, str]:
    """{words[0]} claims to be {words[1]}."""
    first = one(notebook, dice, is_marked)
    other = one(notebook, dice, lambda cell: is_marked(cell) and cell is not first)
    name, marks(other)["grade_id"] = called(other), marks(first).get("grade_id")
    return name, called(first)


@mutator("notebook", is_marked, harmless=True)
def marks_flipped(cell: Cell, dice: Random) -> tuple[str, str]:
    """{cell} has {words[0]}: {words[1]}."""
    key = dice.choice(("locked", "solution", "grade", "task"))
    flipped = marks(cell).get(key) is not True
    return key, short(any_of(marks(cell), key, dice, flipped, "yes", 1, 0, None, [], "false"))


@mutator("notebook", harmless=True)
def a_check_of_ones_own(notebook: Any, dice: Random) -> str:
    """Another cell claims to be {it}, to be worth 100 points and to have earned them."""
    name = dice.choice(("check_square_sum", "check_Codec", "check_noise"))
    all_of(notebook, lambda cell: marks(cell).get("grade_id") == name)
    claims = {"schema_version": 3, "grade_id": name, "grade": True, "solution": True, "locked": False, "points": 100}
    result = {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {"text/plain": "100"}}
    insert(notebook, dice, code("100", metadata={"nbgrader": claims}, outputs=[result]))
    return name


@mutator("notebook", lambda cell: isinstance(cell.get("metadata"), dict), harmless=True)
def metadata_of_tools(cell: Cell, dice: Random) -> None:
    """{cell} has tags and metadata of other tools."""
    any_of(cell["metadata"], "tags", dice, ["raises-exception", "remove-cell"], 3, [None])
    cell["metadata"].update({
        "jupyter": {"source_hidden": "maybe"}, "slideshow": [], "colab": {"base_uri": 1}, "vscode": None, "scrolled": [1],
        "collapsed": "maybe", "deletable": 0,
    })  # fmt: skip


@mutator("notebook", harmless=True)
def numbers_that_are_none(notebook: Any, dice: Random) -> None:
    """The notebook holds NaN, infinities and a number of 4,000 digits."""
    notebook["numbers"] = [float("nan"), float("inf"), -float("inf"), 10**4_000, -0.0, 5e-324]


@mutator("notebook", harmless=True)
def keys_that_no_notebook_has(notebook: Any, dice: Random) -> None:
    """The notebook has keys that no notebook has, one of a million characters."""
    odd = {"__proto__": {"cells": []}, "constructor": {"prototype": {}}, "worksheets": [], "__class__": [], "": None}
    notebook.update({**odd, "k" * 1_000_000: 1})


# ---- format ----------------------------------------------------------------------------------------------------------------


@mutator("notebook", harmless=True)
def format_3(notebook: Any, dice: Random) -> None:
    """It is of format 3."""
    become_old(notebook, [{"cells": old_cells(notebook), "metadata": {}}])


@mutator("notebook", harmless=True)
def format_3_with_many_worksheets(notebook: Any, dice: Random) -> None:
    """It is of format 3, with a worksheet for every cell and a heading in between."""
    level = dice.choice((1, 6, -1, 7, 10**9, "two", None))
    heading = {"cell_type": "heading", "level": level, "source": ["A\n", "heading"]}
    become_old(notebook, [{"cells": [cell, heading]} for cell in old_cells(notebook)])


@mutator("notebook")
def format_3_damaged(notebook: Any, dice: Random) -> Any:
    """It is of format 3, with the worksheets {it}."""
    cells = notebook["cells"]
    worksheets = dice.choice((
        None, 3, [], [3], [{}], [{"cells": None}], [{"cells": [3]}], {"cells": cells}, [{"cells": cells}],
        [{"cells": [{"cell_type": "heading", "source": ["x"], "level": "one"}]}], [{"cells": [{"cell_type": "code"}]}],
        [{"cells": [{"cell_type": "code", "input": [], "outputs": [{"output_type": "pyout"}, 3]}]}] * 3,
    ))  # fmt: skip
    become_old(notebook, worksheets)
    return worksheets


odd("an odd format", "The format is {it}.", "nbformat",
    5, "4", -4, 4.0, 0, 1, 2, None, True, [4], 10**4_000, float("nan"), 1e400, {}, of=None)  # fmt: skip
odd("no format", "There is no format.", "nbformat", GONE, of=None)
odd("an odd minor format", "The minor format is {it}.", "nbformat_minor",
    0, 1, 4, 99, "5", None, -1, 5.5, [], 10**100, of=None, harmless=True)  # fmt: skip


# ---- outputs ---------------------------------------------------------------------------------------------------------------


odd("outputs missing", "{cell} has no outputs.", "outputs", GONE, of=is_code, harmless=True)
odd("no count", "{cell} has no count of how often it was run.", "execution_count", GONE, of=is_code, harmless=True)
odd("an odd count", "{cell} was run {it} times.", "execution_count",
    "*", -1, 1.5, [], {}, True, 10**50, float("nan"), of=is_code, harmless=True)  # fmt: skip
odd("odd outputs", "The outputs of {cell} are {it}.", "outputs",
    None, 3, "text", {}, [3], [None], [{}], [[]], [{"output_type": "no such type"}],
    [{"output_type": "stream", "name": "stdout", "text": 3}], [{"output_type": "stream", "name": 7, "text": [1]}],
    [{"output_type": "execute_result"}], [{"output_type": "execute_result", "data": None, "execution_count": "1"}],
    [{"output_type": "display_data", "data": {"application/x-no-such": {"a": []}, "": "", "text/html": 3}, "metadata": 1}],
    [{"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["Traceback (most recent call last)"]}],
    [{"output_type": "error", "traceback": 3}], [{"output_type": "execute_result", "data": {"text/plain": "1000"}}],
    of=is_code, harmless=True)  # fmt: skip


@mutator("notebook", is_text, harmless=True)
def outputs_of_text(cell: Cell, dice: Random) -> None:
    """{cell}, which is text, has outputs."""
    cell |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}], "execution_count": 3}


@mutator("notebook", is_code, harmless=True)
def a_flood_of_outputs(cell: Cell, dice: Random) -> None:
    """{cell} has 500 outputs of 100 lines."""
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["line\n"] * 100}] * 500


@mutator("notebook", is_code, harmless=True)
def a_picture_of_5_MB(cell: Cell, dice: Random) -> None:
    """{cell} has a picture of 5 MB as its output."""
    data = {"image/png": "iVBORw0KGgo=" * 420_000}
    cell["outputs"] = [{"output_type": "display_data", "data": data, "metadata": {}}]


# ---- text cells ------------------------------------------------------------------------------------------------------------

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@mutator("notebook", harmless=True)
def pictures_of_odd_names(notebook: Any, dice: Random) -> str:
    """A picture that was pasted into a text is called {it}."""
    name = dice.choice((
        "__deepcopy__", "__class__", "__getstate__", "__reduce_ex__", "items", "update", "keys", "", "../x.png", "\ud800", "a\nb",
        "x" * 10_000,
    ))  # fmt: skip
    pasted = {name: {"image/png": PIXEL}, "image.png": {"image/png": [PIXEL[:40], PIXEL[40:]]}}
    if dice.random() < 0.5:
        one(notebook, dice, is_text)["attachments"] = pasted
    else:
        insert(notebook, dice, text("![a picture](attachment:image.png)", attachments=pasted))
    return name


@mutator("notebook", harmless=True)
def odd_pictures(notebook: Any, dice: Random) -> Any:
    """The pictures of a text are {it}."""
    pictures = dice.choice((
        None, 3, [], "x", {"image.png": None}, {"image.png": {"image/png": 3}}, {"image.png": {"image/png": [1]}},
        {"image.png": {"image/svg+xml": "<svg onload='x'/>"}}, {"image.png": {"image/png": "no base64 \ud800"}},
        {"image.png": [[]]}, {"image.png": {"": "x", "image/png": ""}}, {"image.png": {"image/png": "====" * 10_000}},
    ))  # fmt: skip
    insert(notebook, dice, text("![a picture](attachment:image.png)", attachments=pictures))
    return pictures


@mutator("notebook", harmless=True)
def a_text_of_brackets(notebook: Any, dice: Random) -> str:
    """A text is {it}, over and over: a pattern that looks ahead may take the square of its length."""
    piece = dice.choice((
        "](", "[\n", "[", "<", "<!", "<a ", "`", "*", "> ", "![", "[](", "$", "\\(", "_", "|", "- \n", "&#", "[a]:\n", "<https://",
        "<b ", "]:", "\n", "\\href", "[x]: <", ">\n> [", "[a\\\n", "\\[", "](\n",
    ))  # fmt: skip
    insert(notebook, dice, text(piece * (140_000 // len(piece))))
    return piece


@mutator("notebook")
def too_much_text(notebook: Any, dice: Random) -> None:
    """A text holds 3,000,000 characters."""
    insert(notebook, dice, text(["much text\n"] * 300_000))


@mutator("notebook", harmless=True)
def a_text_with_odd_characters(notebook: Any, dice: Random) -> str:
    """A {words} holds characters of every kind."""
    odd = "a\0b \x1b[31m \u202e \ud800 \ufeff \u2028 \x85 \r \x0c é ﷽ 👩‍👩‍👧 \U0010ffff"
    raw = dice.random() < 0.5
    insert(notebook, dice, {"cell_type": "raw", "metadata": {"format": 3}, "source": odd} if raw else text(odd))
    return "raw cell" if raw else "text"


@mutator("notebook", harmless=True)
def a_script_in_a_text(notebook: Any, dice: Random) -> None:
    """A text holds a script."""
    source = "<script>alert(1)</script><img src=x onerror=alert(2)> [here](javascript:alert(3)) <svg/onload=alert(4)>"
    insert(notebook, dice, text(source, cell_type=dice.choice(("markdown", "raw"))))


# ---- code ------------------------------------------------------------------------------------------------------------------


def odd_code(name: str) -> Callable[[Any, Random], tuple[Any, str]]:
    def change(notebook: Any, dice: Random) -> tuple[Any, str]:
        insert(notebook, dice, code(CELLS[name].source))
        return notebook, f"A cell holds {name}."

    return change


for _name, _cell in CELLS.items():
    MUTATORS[f"code: {_name}"] = Mutator(f"code: {_name}", "notebook", odd_code(_name), _cell.harmless)
