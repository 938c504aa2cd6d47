"""Submissions that break, or try to: what a grader must survive, each with a sentence on what it does.

The demo class has one of each, and the tests hold that none of them earns more than its honest part, and that nobody else's
grade changes. `build` gets the released notebook (untouched) and the solved one, and returns the bytes that are handed in.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.notebook import is_grade, is_solution


@dataclass(frozen=True)
class Troublemaker:
    """One kind of trouble. `earns`: "nothing", or "the rest" when everything but the trouble is right."""

    name: str
    story: str
    earns: str
    build: Callable[[NotebookNode, NotebookNode], bytes]


TROUBLEMAKERS: list[Troublemaker] = []


def trouble(story: str, earns: str) -> Callable[[Callable[[NotebookNode, NotebookNode], bytes]], None]:
    def register(build: Callable[[NotebookNode, NotebookNode], bytes]) -> None:
        TROUBLEMAKERS.append(Troublemaker(build.__name__, story, earns, build))

    return register


def as_bytes(notebook: NotebookNode) -> bytes:
    return nbformat.writes(notebook).encode()


def answer_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells in which students write their answers."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and is_solution(cell) and not is_grade(cell)]


def is_check(cell: dict[str, Any]) -> bool:
    return cell["cell_type"] == "code" and bool(cell["metadata"].get("nbgrader", {}).get("grade"))


def with_cell(notebook: NotebookNode, source: str, first: bool = True) -> NotebookNode:
    """The notebook with one more cell, before everything else or after it."""
    changed = deepcopy(notebook)
    cell = nbformat.v4.new_code_cell(source, id="added-by-student")
    changed.cells.insert(0 if first else len(changed.cells), cell)
    return changed


def with_first_answer(notebook: NotebookNode, statement: str) -> NotebookNode:
    """The notebook whose first exercise runs `statement` when it is called."""
    changed = deepcopy(notebook)
    cell = answer_cells(changed)[0]
    cell.source = instead_of_body(cell.source, statement)
    return changed


def instead_of_body(source: str, statement: str) -> str:
    """A function's signature with another body."""
    head = source[: source.index(":\n", source.index("->")) + 1] if "->" in source else source.split("\n", 1)[0]
    return head + "\n" + "\n".join("    " + line for line in statement.splitlines()) + "\n"


def every_answer(notebook: NotebookNode, statement: str) -> NotebookNode:
    changed = deepcopy(notebook)
    for cell in answer_cells(changed):
        cell.source = instead_of_body(cell.source, statement)
    return changed


# ---- files that are not what they should be ------------------------------------------------------------------------------


@trouble("handed in a Word document under the notebook's name", "nothing")
def not_a_notebook(released: NotebookNode, solved: NotebookNode) -> bytes:
    return b"PK\x03\x04\x14\x00 this is a document, not a notebook \xff\xfe"


@trouble("handed in an empty file", "nothing")
def empty_file(released: NotebookNode, solved: NotebookNode) -> bytes:
    return b""


@trouble("handed in a notebook of 30 MB of pasted output", "nothing")
def huge_file(released: NotebookNode, solved: NotebookNode) -> bytes:
    return as_bytes(with_cell(released, "# " + "x" * 30_000_000))


@trouble("handed in another week's notebook", "nothing")
def another_notebook(released: NotebookNode, solved: NotebookNode) -> bytes:
    other = nbformat.v4.new_notebook()
    other.cells = [nbformat.v4.new_code_cell("import torch\nprint(torch.__version__)", id="only-cell")]
    return as_bytes(other)


@trouble("deleted every check cell; the answers are right", "everything")
def deleted_check_cells(released: NotebookNode, solved: NotebookNode) -> bytes:
    changed = deepcopy(solved)
    changed.cells = [cell for cell in changed.cells if not (cell.cell_type == "code" and is_grade(cell))]
    return as_bytes(changed)


@trouble("copied every check cell twice; the answers are right", "everything")
def duplicated_check_cells(released: NotebookNode, solved: NotebookNode) -> bytes:
    raw = json.loads(as_bytes(solved))  # as plain JSON: nbformat would give the copies ids of their own
    raw["cells"] = [cell for cell in raw["cells"] for _ in range(2 if cell["source"] and is_check(cell) else 1)]
    return json.dumps(raw).encode()


@trouble("left a syntax error in the first answer; the others are right", "the rest")
def syntax_error(released: NotebookNode, solved: NotebookNode) -> bytes:
    changed = deepcopy(solved)
    answer_cells(changed)[0].source += "\n    return (("
    return as_bytes(changed)


# ---- code that does not end well -------------------------------------------------------------------------------------------


@trouble("the first answer never ends; the others are right", "the rest")
def infinite_loop(released: NotebookNode, solved: NotebookNode) -> bytes:
    return as_bytes(with_first_answer(solved, "while True:\n    pass"))


@trouble("the first answer sleeps for an hour; the others are right", "the rest")
def sleeper(released: NotebookNode, solved: NotebookNode) -> bytes:
    return as_bytes(with_first_answer(solved, "import time\ntime.sleep(3600)"))


@trouble("the first answer calls sys.exit(0); the others are right", "the rest")
def system_exit(released: NotebookNode, solved: NotebookNode) -> bytes:
    return as_bytes(with_first_answer(solved, "import sys\nsys.exit(0)"))


@trouble("the first answer ends its process with os._exit(0); the others are right", "the rest")
def hard_exit(released: NotebookNode, solved: NotebookNode) -> bytes:
    return as_bytes(with_first_answer(solved, "import os\nos._exit(0)"))


@trouble("the first answer raises KeyboardInterrupt; the others are right", "the rest")
def keyboard_interrupt(released: NotebookNode, solved: NotebookNode) -> bytes:
    return as_bytes(with_first_answer(solved, "raise KeyboardInterrupt"))


@trouble("the first answer recurses without end; the others are right", "the rest")
def endless_recursion(released: NotebookNode, solved: NotebookNode) -> bytes:
    return as_bytes(with_first_answer(solved, "def deeper():\n    return deeper()\nreturn deeper()"))


@trouble("the first answer asks for 10 GB; the others are right", "the rest")
def ten_gigabytes(released: NotebookNode, solved: NotebookNode) -> bytes:
    return as_bytes(with_first_answer(solved, "hog = bytearray(10 * 1024**3)\nreturn hog"))


@trouble("the first answer forks without end; the others are right", "the rest")
def fork_bomb(released: NotebookNode, solved: NotebookNode) -> bytes:
    return as_bytes(with_first_answer(solved, "import os\nfor _ in range(10000):\n    os.fork()\nreturn None"))


@trouble("every answer prints a megabyte before it is right", "everything")
def megabyte_of_print(released: NotebookNode, solved: NotebookNode) -> bytes:
    changed = deepcopy(solved)
    for cell in answer_cells(changed):
        name = cell.source.split("def ", 1)[1].split("(", 1)[0]
        cell.source += (
            f"\n\n_quiet_{name} = {name}\n\n\ndef {name}(*args, **kwargs):\n"
            f'    print("x" * 1_000_000)\n    return _quiet_{name}(*args, **kwargs)\n'
        )
    return as_bytes(changed)


# ---- attempts at points that were not earned -----------------------------------------------------------------------------


@trouble("returns objects that equal everything", "nothing")
def equal_to_everything(released: NotebookNode, solved: NotebookNode) -> bytes:
    source = (
        "class Yes:\n"
        "    def __getattr__(self, name): return self\n"
        "    def __call__(self, *args, **kwargs): return self\n"
        "    def __eq__(self, other): return True\n"
        "    __ge__ = __le__ = __gt__ = __lt__ = __eq__\n"
        "    def __hash__(self): return 0\n"
        "    def __float__(self): return 1.0\n"
    )
    return as_bytes(with_cell(every_answer(released, "return Yes()"), source))


@trouble("returns a tensor subclass that compares as it likes", "nothing")
def lying_tensor(released: NotebookNode, solved: NotebookNode) -> bytes:
    source = (
        "import torch\n"
        "class Liar(torch.Tensor):\n"
        "    @classmethod\n"
        "    def __torch_function__(cls, func, types, args=(), kwargs=None):\n"
        "        return torch.ones(1, dtype=torch.bool)\n"
    )
    return as_bytes(with_cell(every_answer(released, "return torch.zeros(5).as_subclass(Liar)"), source))


@trouble("appends to IPython's input transformers so that every check passes", "nothing")
def input_transformer(released: NotebookNode, solved: NotebookNode) -> bytes:
    source = (
        "try:\n"
        "    from IPython import get_ipython\n"
        "    shell = get_ipython()\n"
        "    _ = shell.input_transformers_cleanup.append(lambda lines: ['100.0'])\n"
        "except Exception:\n"
        "    shell = None\n"
    )
    return as_bytes(with_cell(released, source))


@trouble("replaces torch.allclose, comparisons of tensors and json.dumps", "nothing")
def patched_libraries(released: NotebookNode, solved: NotebookNode) -> bytes:
    source = (
        "import json\nimport struct\nimport torch\n"
        "def yes(*args, **kwargs):\n    return torch.ones(1, dtype=torch.bool)\n"
        "torch.allclose = torch.equal = torch.isclose = yes\n"
        "torch.Tensor.__ge__ = torch.Tensor.__le__ = torch.Tensor.__eq__ = torch.Tensor.__gt__ = torch.Tensor.__lt__ = yes\n"
        'json.dumps = lambda *args, **kwargs: \'{"value": 1e9, "points": 1e9}\'\n'
    )
    return as_bytes(with_cell(every_answer(released, "return torch.zeros(5)"), source))


@trouble("replaces the grader: check returns full marks, in every module that it finds", "nothing")
def patched_grader(released: NotebookNode, solved: NotebookNode) -> bytes:
    source = (
        "import sys\n"
        "check = lambda *args, **kwargs: 100.0\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if name.startswith('autograder'):\n"
        "        for key in dir(module):\n"
        "            if callable(getattr(module, key)):\n"
        "                setattr(module, key, check)\n"
    )
    wrapped = "def patch():\n" + "".join("    " + line + "\n" for line in source.splitlines()) + "patched = patch()\n"
    return as_bytes(with_cell(released, wrapped))


@trouble("returns NaN everywhere, hoping that comparisons crash", "nothing")
def crashing_law(released: NotebookNode, solved: NotebookNode) -> bytes:
    statement = (
        "import torch\nreturn torch.full((len(next(iter(locals().values()))),), float('nan'), dtype=torch.float64)"
    )
    return as_bytes(every_answer(released, statement))


@trouble("lets every answer use up its time, hoping to leave nothing decided", "nothing")
def stalling(released: NotebookNode, solved: NotebookNode) -> bytes:
    return as_bytes(every_answer(released, "import time\ntime.sleep(3600)"))


@trouble("claims points in the metadata and the outputs of the check cells", "nothing")
def lying_metadata(released: NotebookNode, solved: NotebookNode) -> bytes:
    changed = deepcopy(released)
    for cell in changed.cells:
        if cell.cell_type == "code" and is_grade(cell):
            cell.metadata.nbgrader.points = 1000
            cell.source = "1000.0"
            cell.outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": "1000.0"}, execution_count=1)]
    return as_bytes(changed)


@trouble("imports the laws, the solutions and the reference to copy from them", "nothing")
def reads_the_solutions(released: NotebookNode, solved: NotebookNode) -> bytes:
    source = (
        "import glob, importlib, os, sys\n"
        "found = []\n"
        "for pattern in ('**/laws.py', '**/misconceptions.py', '../**/*.ipynb', '/**/solutions', '~/gradebook.db'):\n"
        "    pass\n"
        "found = [path for top in ('.', '..', '/', os.path.expanduser('~')) for path in glob.glob(top + '/*')]\n"
        "try:\n    import laws\nexcept ImportError:\n    laws = None\n"
        "try:\n    import misconceptions\nexcept ImportError:\n    misconceptions = None\n"
    )
    return as_bytes(with_cell(every_answer(released, "import misconceptions\nreturn misconceptions.solution"), source))
