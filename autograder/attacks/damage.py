"""How damage is described: what a mutator is, how one is made of a few lines, and what a notebook has to damage.

    @mutator("notebook", is_answer)                 a function that damages a cell, with a sentence as its docstring
    odd("an odd id", "A cell has the id {it}.", "id", "", 7, None)      the same where nothing but one value changes

In the sentence `{cell}` names the cell that the function was given, and what it returns stands for `{it}`, as Python would
write it, and for `{words}`, as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

STAGES = ("notebook", "text", "bytes")
"""What a mutator works on, in this order: the notebook as data, its JSON, the file."""


class Unfit(Exception):
    """What the mutator would change is not there: others were before it."""


@dataclass(frozen=True)
class Mutator:
    """One kind of damage. `change` gets what its stage says and a generator; it returns the new one and a sentence."""

    name: str
    stage: str
    change: Callable[[Any, Random], tuple[Any, str]]
    harmless: bool
    """Whether no answer is touched, so that no point may be lost."""
    alone: bool = False
    """Whether it comes alone, being slow, or as large as a file may be."""


MUTATORS: dict[str, Mutator] = {}

Cell = dict[str, Any]


def mutator(
    stage: str, of: Callable[[Cell], bool] | None = None, *, harmless: bool = False, alone: bool = False
) -> Callable[[Any], Any]:
    """Register a function under its name, to be called with what its stage says and a generator.

    A notebook is changed in place; with `of`, it gets one of the notebook's cells that are of this kind. The others return
    the new text or bytes besides.
    """

    def register(function: Callable[[Any, Random], Any]) -> Any:
        def change(what: Any, dice: Random) -> tuple[Any, str]:
            found = one(what, dice, of) if of is not None else what
            cell = called(found) if of is not None else ""
            if stage == "notebook":
                cells_of(what)  # or there is no notebook any more
                changed, words = what, function(found, dice)
            else:
                changed, words = function(found, dice)
            return changed, (function.__doc__ or "").format(cell=cell, it=short(words), words=words)

        name = function.__name__.replace("_", " ")
        assert name not in MUTATORS
        MUTATORS[name] = Mutator(name, stage, change, harmless, alone)
        return function

    return register


class GONE:
    """What `odd` takes for a value: none at all."""


def odd(
    name: str, sentence: str, key: str, *values: Any, of: Callable[[Cell], bool] | None = lambda cell: True,
    within: Callable[[Any], dict[str, Any]] = lambda found: found, harmless: bool = False,
) -> None:  # fmt: skip
    """Register what puts one of the values at this key of a cell, or (`of` None) of the notebook, or of a part of it."""

    def change(found: Any, dice: Random) -> Any:
        return any_of(within(found), key, dice, *values)

    change.__name__, change.__doc__ = name, sentence
    mutator("notebook", of, harmless=harmless)(change)


def stray(name: str, sentence: str, *pieces: bytes) -> None:
    """Register what puts one of the pieces anywhere into the file."""

    def change(data: bytes, dice: Random) -> tuple[bytes, int]:
        where = dice.randrange(len(data))
        return data[:where] + dice.choice(pieces) + data[where:], where

    change.__name__, change.__doc__ = name, sentence
    mutator("bytes")(change)


def cells_of(notebook: Any) -> list[Any]:
    """The notebook's list of cells, wherever others have left it."""
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not cells:
        raise Unfit
    return cells


def all_of(notebook: Any, kind: Callable[[Cell], bool]) -> list[Cell]:
    """The cells that are still cells, and of this kind; at least one."""
    found = [cell for cell in cells_of(notebook) if isinstance(cell, dict) and kind(cell)]
    if not found:
        raise Unfit
    return found


def one(notebook: Any, dice: Random, kind: Callable[[Cell], bool]) -> Cell:
    return dice.choice(all_of(notebook, kind))


def metadata(of: dict[str, Any]) -> dict[str, Any]:
    """The metadata of a cell or the notebook, if they are still what they ought to be."""
    found = of.get("metadata")
    if not isinstance(found, dict):
        raise Unfit
    return found


def marks(cell: Cell) -> dict[str, Any]:
    """What a cell says to nbgrader."""
    found = cell.get("metadata")
    found = found.get("nbgrader") if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def source_of(cell: Cell) -> str | None:
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    return source if isinstance(source, str) else None


def is_any(cell: Cell) -> bool:
    return True


def is_code(cell: Cell) -> bool:
    return cell.get("cell_type") == "code"


def is_text(cell: Cell) -> bool:
    return not is_code(cell)


def is_marked(cell: Cell) -> bool:
    return bool(marks(cell))


def is_locked(cell: Cell) -> bool:
    return marks(cell).get("locked") is True


def is_written(cell: Cell) -> bool:
    return bool(source_of(cell))


def is_answer(cell: Cell) -> bool:
    return is_code(cell) and marks(cell).get("solution") is True and source_of(cell) is not None


def called(cell: Cell) -> str:
    """How a sentence names the cell."""
    return f"the cell {str(marks(cell).get('grade_id', cell.get('id')))[:40]!a}"


def short(value: Any) -> str:
    said = ascii(value)
    return said if len(said) <= 60 else f"{said[:50]}... ({len(said):,} characters)"


def any_of(where: dict[str, Any], key: str, dice: Random, *values: Any) -> Any:
    """Put one of the values there (a copy: what others do to it must not reach the next notebook); or take away what is."""
    value = dice.choice(values)
    if value is GONE:
        if where.pop(key, GONE) is GONE:
            raise Unfit
        return None
    where[key] = deepcopy(value)
    return where[key]


def insert(notebook: Any, dice: Random, cell: Any) -> None:
    cells = cells_of(notebook)
    cells.insert(dice.randrange(len(cells) + 1), cell)


def code(source: Any, **more: Any) -> Cell:
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": source, **more}


def text(source: Any, **more: Any) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": source, **more}


def become_old(notebook: Any, worksheets: Any) -> None:
    notebook.clear()
    notebook.update({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": worksheets})


def old_cells(notebook: Any) -> list[Cell]:
    """The notebook's cells as format 3 has them."""
    if len(all_of(notebook, lambda cell: source_of(cell) is not None)) < len(notebook["cells"]):
        raise Unfit
    old = []
    for cell in notebook["cells"]:
        extra = {"language": "python", "prompt_number": 1, "outputs": [], "collapsed": False, "input": cell["source"]}
        same = {key: cell[key] for key in ("cell_type", "metadata") if key in cell}
        old.append(same | (extra if is_code(cell) else {"source": cell["source"]}))
    return old
