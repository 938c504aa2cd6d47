"""The side where a student's code lives: runs a notebook's definitions, then answers requests about them.

The very same class serves the notebook's own process and the sandbox. It knows no law, no seed of the course and no score:
it is told to call a name with some tensors and says what came back. Objects (models, distributions, class instances) stay
here; the other side holds handles.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib.util
import io
import linecache
import random
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import Any

import torch

from autograder.answer import Handle

PRINTED_CHARACTERS = 2000
"""How much of what an answer prints is kept; the rest is counted, not stored."""

KEPT_STATEMENTS = (
    ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.AugAssign,
    ast.TypeAlias if sys.version_info >= (3, 12) else ast.Pass,
)  # fmt: skip
"""What runs when a notebook is loaded. Bare expressions and loops (training, plots) are skipped."""


class CpuLimit(BaseException):
    """The time for one cell or one call is over. Not an Exception, so that `except Exception` does not swallow it."""


class Session:
    """One submission's names, and the objects made for it.

    `given` is the unit's `given.py`; `call_seconds` limits the processor time of one cell or request (None: no limit, as in a
    student's own kernel, where Ctrl-C must keep working).
    """

    def __init__(self, given: Path | None = None, call_seconds: float | None = None) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
        self.made_by_skipped: dict[str, str] = {}
        self.objects: dict[int, Any] = {}
        self.given_path, self._given = given, None
        self.call_seconds = call_seconds

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request. Whatever the student's code does becomes a reply; only a real Ctrl-C passes through."""
        operations: dict[str, Callable[..., dict[str, Any]]] = {
            "load": self.load, "call": self.call, "vjp": self.vjp, "new": self.new,
            "attribute": self.attribute, "parameters": self.parameters, "gradients": self.gradients,
        }  # fmt: skip
        request = dict(request)
        operation = operations[request.pop("op")]
        printed = Printed()
        reply: dict[str, Any]
        try:
            # Loading limits each statement by itself; every other request is one call.
            with printed.captured(), cpu_limit(None if operation == self.load else self.call_seconds):
                reply = operation(**request)
        except KeyboardInterrupt as interrupt:
            if self.call_seconds is None:  # the student's own kernel: it is the student who pressed the keys
                raise
            reply = {"fault": self.explain(interrupt)}
        except BaseException as problem:
            reply = {"fault": self.explained(problem)}
        if printed.text:
            reply["printed"] = printed.text
        return reply

    # ---- loading a notebook -------------------------------------------------------------------------------------------

    def load(self, cells: list[dict[str, Any]], unit: str = "", device: str = "cpu") -> dict[str, Any]:
        """Run imports, definitions, classes and assignments of `cells` in order, each under the CPU limit."""
        del unit, device
        problems: list[dict[str, Any]] = []
        for cell in cells:
            problems += self._load_cell(int(cell["index"]), str(cell["source"]))
        return {"value": sorted(name for name in self.names if not name.startswith("__")), "problems": problems}

    def _load_cell(self, index: int, source: str) -> Iterator[dict[str, Any]]:
        filename = f"<cell {index}>"
        try:
            tree, source = parse_cell(source, filename)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
            line = getattr(problem, "lineno", None) or 0
            where = f"cell {index}, line {line}"
            for name in defined_names(source):
                self.made_by_skipped[name] = (
                    f"{where}, which Python cannot read ({type(problem).__name__}: {say(problem)})"
                )
            yield {
                "cell": index,
                "line": line,
                "kind": "syntax",
                "message": f"{type(problem).__name__}: {say(problem)}",
            }
            return
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        for statement in tree.body:
            where = f"cell {index}, line {statement.lineno}"
            if not keeps(statement):
                self._skipped(statement, f"{where}, which is a bare expression or a loop and is not run when grading")
                continue
            try:
                code: CodeType = compile(ast.Module([statement], []), filename, "exec")
                with cpu_limit(self.call_seconds):
                    exec(code, self.names)
            except BaseException as problem:
                if isinstance(problem, KeyboardInterrupt) and self.call_seconds is None:
                    raise
                fault = self.explain(problem)
                self._skipped(statement, f"{where}, which failed ({fault['message']})")
                yield {"cell": index, "line": statement.lineno, "kind": fault["kind"], "message": fault["message"]}

    def _skipped(self, statement: ast.stmt, why: str) -> None:
        for name in names_made_by(statement):
            self.made_by_skipped.setdefault(name, why)

    # ---- requests about what was loaded -------------------------------------------------------------------------------

    def call(
        self, target: str | Handle, args: list[Any], kwargs: dict[str, Any], method: str | None = None, device: str = "cpu",
        map: bool = False, rows: int | None = None, seed: int | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Call a name, an object or its method; with `map`, once for every row of the inputs."""
        function = self._resolve(target)
        if method is not None:
            function = getattr(function, method)
        args, kwargs = self._inside((args, kwargs), device)
        before = fingerprints(args, kwargs) if isinstance(target, str) else {}
        if seed is not None:
            seed_everything(seed)
        value = map_over_rows(function, args, kwargs, rows) if map and rows is not None else function(*args, **kwargs)
        reply = {"value": self._outside(value)}
        changed = [place for place, tensor in tensors_of(args, kwargs).items() if before.get(place) != as_bytes(tensor)]
        if before and changed:
            reply["mutated"] = changed
        return reply

    def vjp(
        self, target: str | Handle, args: list[Any], kwargs: dict[str, Any], wrt: int | str, device: str = "cpu",
        map: bool = False, rows: int | None = None, cotangent: torch.Tensor | None = None, output: int = 0,
        seed: int | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """The product of `cotangent` with the Jacobian of an output (the first of several) with respect to the argument `wrt`."""
        function = self._resolve(target)
        args, kwargs = self._inside((args, kwargs), device)
        holder: Any = kwargs if isinstance(wrt, str) else args
        by_row = isinstance(holder[wrt], dict)
        variable = (holder[wrt]["rows"] if by_row else holder[wrt]).detach().clone().requires_grad_(True)
        holder[wrt] = {"rows": variable} if by_row else variable
        if seed is not None:
            seed_everything(seed)
        value = map_over_rows(function, args, kwargs, rows) if map and rows is not None else function(*args, **kwargs)
        result = value[output] if isinstance(value, list | tuple) else value
        if not isinstance(result, torch.Tensor):
            return {
                "fault": fault(
                    "wrong_type", f"Expected a tensor to differentiate; a {type(result).__name__} came back."
                )
            }
        if not result.requires_grad:
            return {"fault": fault("undifferentiable", UNDIFFERENTIABLE)}
        weights = torch.ones_like(result) if cotangent is None else cotangent.to(result)
        (gradient,) = torch.autograd.grad(result, variable, weights, allow_unused=True)
        if gradient is None:
            return {"fault": fault("undifferentiable", UNDIFFERENTIABLE)}
        return {"value": gradient.detach()}

    def new(self, given: str, args: list[Any], kwargs: dict[str, Any], device: str = "cpu") -> dict[str, Any]:
        """Build one of the unit's own models by the name of its constructor in `given.py`."""
        args, kwargs = self._inside((args, kwargs), device)
        return {"value": self._keep(getattr(self.given, given)(*args, **kwargs))}

    def attribute(self, target: Handle, name: str, device: str = "cpu") -> dict[str, Any]:
        del device
        return {"value": self._outside(getattr(self._resolve(target), name))}

    def parameters(self, target: Handle, device: str = "cpu") -> dict[str, Any]:
        del device
        return {"value": {name: tensor.detach().clone() for name, tensor in self._resolve(target).named_parameters()}}

    def gradients(self, target: Handle, device: str = "cpu") -> dict[str, Any]:
        del device
        named = self._resolve(target).named_parameters()
        return {"value": {name: tensor.grad.detach().clone() for name, tensor in named if tensor.grad is not None}}

    # ---- values in and out --------------------------------------------------------------------------------------------

    @property
    def given(self) -> ModuleType:
        if self._given is None:
            if self.given_path is None:
                raise LookupError("this unit has no given.py")
            self._given = import_file(self.given_path)
        return self._given

    def _resolve(self, target: str | Handle) -> Any:
        if isinstance(target, Handle):
            return self.objects[target.id]
        if target not in self.names:
            raise NotDefined(target, self.made_by_skipped.get(target, ""))
        return self.names[target]

    def _inside(self, value: Any, device: str) -> Any:
        """Fresh copies of what was sent, so that an answer that writes into its inputs harms nobody else."""
        if isinstance(value, torch.Tensor):
            return value.detach().to(device, copy=True)
        if isinstance(value, Handle):
            return self.objects[value.id]
        if isinstance(value, dict):
            return {key: self._inside(item, device) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return [self._inside(item, device) for item in value]
        return value

    def _outside(self, value: Any, depth: int = 0) -> Any:
        """Plain values travel; every other object stays and a handle goes in its place."""
        if depth > 20:
            raise TypeError("the returned value is nested more than 20 deep")
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, torch.nn.Module | torch.distributions.Distribution):
            return self._keep(value)
        if isinstance(value, torch.Tensor):
            return value.detach()
        # A list or a named tuple travels; an object of a student's own class that happens to be a list is an object.
        if type(value) in (list, tuple, torch.Size) or (isinstance(value, tuple) and hasattr(value, "_fields")):
            return [self._outside(item, depth + 1) for item in value]
        if type(value) is dict and all(isinstance(key, str) for key in value):
            return {key: self._outside(item, depth + 1) for key, item in value.items()}
        if type(value).__module__ == "numpy" and hasattr(value, "dtype"):
            return torch.as_tensor(value)
        if "sympy" in sys.modules and isinstance(value, sys.modules["sympy"].Basic):
            from autograder.symbolic import to_tree

            return to_tree(value)
        return self._keep(value)

    def _keep(self, value: Any) -> Handle:
        handle = Handle(len(self.objects) + 1)
        self.objects[handle.id] = value
        return handle

    # ---- what went wrong, in the student's words ----------------------------------------------------------------------

    def explained(self, problem: BaseException) -> dict[str, str]:
        """A fault, in bounded time: asking an exception what it says calls the student's code again."""
        try:
            with cpu_limit(self.call_seconds):
                return self.explain(problem)
        except CpuLimit as limit:
            return self.explain(limit)

    def explain(self, problem: BaseException) -> dict[str, str]:
        """A fault for any exception, pointing at the student's own line."""
        where, frame_name, line = student_line(problem.__traceback__)
        if isinstance(problem, NotDefined):
            return fault("not_defined", str(problem))
        if isinstance(problem, NotImplementedError) and (
            not problem.args or line.startswith("raise NotImplementedError")
        ):
            return fault("not_yet", f"`{frame_name}` is not written yet." if frame_name else "Not written yet.", where)
        if isinstance(problem, CpuLimit):
            limit = f"{self.call_seconds:g} s" if self.call_seconds else "the limit"
            return fault(
                "cpu_limit", f"This used more than {limit} of processor time. Is there a loop that never ends?", where
            )
        if isinstance(problem, MemoryError) or "can't allocate memory" in say(problem):
            return fault("memory_limit", "This asked for more memory than is allowed.", where)
        if isinstance(problem, NameError) and problem.name in self.made_by_skipped:
            reason = self.made_by_skipped[problem.name]
            message = (
                f"`{problem.name}` is missing: the line that makes it is {reason}. Define it by a plain assignment."
            )
            return fault("raised", message, where)
        return fault("raised", f"{type(problem).__name__}: {say(problem)}", where)


UNDIFFERENTIABLE = (
    "No gradient flows from the output back to this input: somewhere it is detached, converted to a Python number, or rebuilt "
    "with torch.tensor(…). Keep every step a torch operation."
)


class NotDefined(LookupError):
    """A name that the laws ask for and the submission does not have."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"`{name}` is not defined: the line that makes it is {why}."
            if why
            else f"`{name}` is not defined anywhere."
        )


def fault(kind: str, message: str, where: str = "") -> dict[str, str]:
    return {"kind": kind, "message": message, "where": where}


def say(problem: BaseException) -> str:
    """`str(problem)`, although a hostile exception may refuse to be printed."""
    try:
        return str(problem)[:500]
    except BaseException:
        return "(an exception that cannot be printed)"


def student_line(trace: TracebackType | None) -> tuple[str, str, str]:
    """(where, function, source line) of the innermost frame that is the student's own, not a library's or ours."""
    found = ("", "", "")
    for frame in traceback.extract_tb(trace, limit=200):
        ours = frame.filename == __file__ or "site-packages" in frame.filename or frame.filename.startswith("<frozen")
        library = frame.filename.startswith((sys.base_prefix, sys.prefix)) and "ipykernel" not in frame.filename
        if ours or library:
            continue
        cell = frame.filename.strip("<>") if frame.filename.startswith("<cell") else "your cell"
        line = (frame.line or "").strip()
        name = frame.name if frame.name != "<module>" else ""
        found = (f"{cell}, line {frame.lineno}: {line}", name, line)
    return found


# ---- reading a cell ---------------------------------------------------------------------------------------------------


def parse_cell(source: str, filename: str) -> tuple[ast.Module, str]:
    """The cell's syntax tree, with IPython's magics taken out where plain Python cannot read them."""
    try:
        return ast.parse(source, filename), source
    except SyntaxError:
        plain = without_magics(source)
        return ast.parse(plain, filename), plain


def without_magics(source: str) -> str:
    """The same lines, with `%magic`, `!command` and `name?` replaced by `pass` so that line numbers stay."""
    lines = source.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and not re.match(r"%%(time|timeit|capture|prun)\b", first):
        return "\n" * (len(lines) - 1)  # %%bash, %%html …: not Python at all
    magic = re.compile(r"^(\s*)(%|!|\?).*$|^(\s*)[\w.]+\?{1,2}\s*$")
    return "\n".join(magic.sub(lambda match: f"{match.group(1) or match.group(3) or ''}pass", line) for line in lines)


def keeps(statement: ast.stmt) -> bool:
    """Imports, definitions, classes and assignments run; `if`, `try` and `with` do when all they hold is such."""
    pending = [statement]  # and no recursion: a chain of 500 `elif` is nested as deep
    while pending:
        inner = pending.pop()
        if isinstance(inner, ast.If):
            pending += [*inner.body, *inner.orelse]
        elif isinstance(inner, ast.Try):
            handlers = [statement for handler in inner.handlers for statement in handler.body]
            pending += [*inner.body, *handlers, *inner.orelse, *inner.finalbody]
        elif not isinstance(inner, (*KEPT_STATEMENTS, ast.Pass)):
            return False
    return True


def names_made_by(statement: ast.stmt) -> set[str]:
    """Every name that a statement would bind at the top level."""
    names: set[str] = set()
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue  # what is inside has a scope of its own
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        if isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        pending.extend(ast.iter_child_nodes(node))
    return names


def defined_names(source: str) -> list[str]:
    """The names that an unreadable cell looks as if it defines, so that the student hears of the cell and not of a mystery."""
    return re.findall(r"^(?:def|class)\s+(\w+)", source, flags=re.MULTILINE)


def import_file(path: Path) -> ModuleType:
    """A module from a unit's file, under a name of its own: every unit has a laws.py."""
    name = f"{path.stem}_of_{path.resolve().parent.name}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


# ---- mapping, copying, watching ---------------------------------------------------------------------------------------


def map_over_rows(function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any], rows: int) -> Any:
    """Call once a row and stack what comes back. Arguments whose first axis is the rows are marked as {"rows": tensor}."""

    def row_of(value: Any, row: int) -> Any:
        if isinstance(value, dict) and set(value) == {"rows"}:
            entry = value["rows"][row]
            return entry
        return value

    outputs = [
        function(*(row_of(arg, row) for arg in args), **{key: row_of(arg, row) for key, arg in kwargs.items()})
        for row in range(rows)
    ]
    return stack(outputs)


def stack(outputs: list[Any]) -> Any:
    """[row, …] of equal values → one value with a leading axis; tuples are stacked entry by entry."""
    first = outputs[0]
    if isinstance(first, list | tuple) and all(isinstance(o, list | tuple) and len(o) == len(first) for o in outputs):
        return [stack([output[place] for output in outputs]) for place in range(len(first))]
    if all(isinstance(output, bool | int | float) for output in outputs):
        return torch.tensor(outputs, dtype=torch.float64)
    if all(isinstance(output, torch.Tensor | int | float) for output in outputs):
        tensors = [torch.as_tensor(output) for output in outputs]
        if len({tensor.shape for tensor in tensors}) == 1:
            return torch.stack([tensor.to(tensors[0].dtype) for tensor in tensors])
    return outputs


def tensors_of(args: list[Any], kwargs: dict[str, Any]) -> dict[int | str, torch.Tensor]:
    """The tensor arguments by place: the ones an answer must leave as they are."""
    places = {**dict(enumerate(args)), **kwargs}
    plain = {place: value["rows"] if isinstance(value, dict) and set(value) == {"rows"} else value
             for place, value in places.items()}  # fmt: skip
    return {place: value for place, value in plain.items() if isinstance(value, torch.Tensor)}


def as_bytes(tensor: torch.Tensor) -> bytes:
    """A tensor's memory, read without torch's own comparison, which the student's code might have replaced."""
    return tensor.detach().cpu().contiguous().numpy().tobytes()


def fingerprints(args: list[Any], kwargs: dict[str, Any]) -> dict[int | str, bytes]:
    return {place: as_bytes(tensor) for place, tensor in tensors_of(args, kwargs).items()}


def seed_everything(seed: int) -> None:
    """The generators that a sampler may own: Python's, torch's, and NumPy's where it is loaded."""
    random.seed(seed)
    torch.manual_seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)


# ---- bounds -----------------------------------------------------------------------------------------------------------


class Printed(io.TextIOBase):
    """Keeps the first characters of what is printed and counts the rest, so that a chatty answer floods nobody."""

    def __init__(self) -> None:
        self.kept, self.total = "", 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.total += len(text)
        if len(self.kept) < PRINTED_CHARACTERS:
            self.kept += text[: PRINTED_CHARACTERS - len(self.kept)]
        return len(text)

    @property
    def text(self) -> str:
        hidden = self.total - len(self.kept)
        return self.kept + (f"\n… and {hidden:,} more characters" if hidden else "")

    @contextlib.contextmanager
    def captured(self) -> Iterator[None]:
        with contextlib.redirect_stdout(self), contextlib.redirect_stderr(self):  # type: ignore[type-var]
            yield


@contextlib.contextmanager
def cpu_limit(seconds: float | None) -> Iterator[None]:
    """Raise CpuLimit inside the block after so much processor time, and after it if the block swallowed that.

    A friendly limit: the firm one is the sandbox's.
    """
    timed = (
        seconds is not None and hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    )
    if not timed or seconds is None:
        yield
        return

    over = False

    def stop(signum: int, frame: FrameType | None) -> None:
        nonlocal over
        over = True
        raise CpuLimit

    before = signal.signal(signal.SIGPROF, stop)
    outer = signal.setitimer(signal.ITIMER_PROF, seconds, 1.0)  # and again every second, for code that swallows it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, *outer)  # an enclosing limit goes on where it was
        signal.signal(signal.SIGPROF, before)
    if over:
        raise CpuLimit
