"""What a unit asks: exercises, and the laws that every right answer satisfies.

A unit's `laws.py` reads like the week's statement. An exercise is declared by the signature that the student's function must
have; a law is a function that gets the answer and thousands of rows of inputs, and whose docstring is the sentence a student
reads:

    unit = Unit("kl_divergence", "The Kullback–Leibler divergence", minutes=240)

    @unit.exercise(batch="n", measure="nats, one number a row", sizes=dict(d=(1, 2, 5)))
    def kl_gaussian(mu_q: Float[Tensor, "n d"], …) -> Float[Tensor, "n"]:
        \"\"\"KL[q‖p] between diagonal Gaussians.\"\"\"

    @kl_gaussian.law(points=1, where=dict(mu_q=Reals(), log_var_q=Reals(-8, 8), …))
    def never_negative(kl, mu_q, log_var_q, mu_p, log_var_p):
        \"\"\"KL[q‖p] is never negative.\"\"\"
        return at_least(kl(mu_q, log_var_q, mu_p, log_var_p), 0.0, slack=…)
"""

from __future__ import annotations

import inspect
import math
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from autograder.answer import Fault, Remote
from autograder.session import import_file

if typing.TYPE_CHECKING:
    from autograder.domains import Domain
    from autograder.evidence import Evidence

Where = Mapping[str, "Domain"]


# ---- shapes, read off the declared signature ---------------------------------------------------------------------------


@dataclass(frozen=True)
class ArraySpec:
    """A tensor by the names of its axes, as jaxtyping writes them: Float[Tensor, "n d"]."""

    kind: str
    axes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}[{' '.join(self.axes)}]"


@dataclass(frozen=True)
class TupleSpec:
    items: tuple[Any, ...]

    def __str__(self) -> str:
        return f"({', '.join(str(item) for item in self.items)})"


@dataclass(frozen=True)
class ObjectSpec:
    """Something that stays inside the session (a model, a distribution), or a plain Python value."""

    name: str

    def __str__(self) -> str:
        return self.name


def spec_of(annotation: Any) -> Any:
    """The spec that an annotation stands for."""
    if hasattr(annotation, "dim_str") and hasattr(annotation, "array_type"):
        return ArraySpec(annotation.__name__.split("[")[0].lower(), tuple(annotation.dim_str.split()))
    if typing.get_origin(annotation) is tuple:
        return TupleSpec(tuple(spec_of(item) for item in typing.get_args(annotation)))
    return ObjectSpec(getattr(annotation, "__name__", str(annotation)))


@dataclass
class Sent:
    """A call as it goes over the wire, and what its inputs say about the sizes of the axes."""

    args: list[Any]
    kwargs: dict[str, Any]
    names: list[str]
    mapped: bool
    rows: int | None
    sizes: dict[str, int]
    precision: torch.dtype = torch.float64
    """The coarsest of the inputs' dtypes: no answer can be asked for more, whatever dtype it comes back in."""

    def place(self, name: str) -> int | str:
        """Where the argument `name` went: its position, or its own name if it was passed by keyword."""
        return name if name in self.kwargs else self.names.index(name)


# ---- laws and exercises ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Law:
    """One property of every right answer. Its docstring is the sentence that a student reads."""

    name: str
    sentence: str
    points: float
    check: Callable[..., Evidence | Sequence[Evidence]]
    where: Where
    decisive: bool = False
    standalone: str = ""
    """Why it earns its points even where the decisive law does not hold (empty: it does not)."""
    rows: int | None = None
    sizes: Mapping[str, Sequence[int]] | None = None

    @property
    def takes_generator(self) -> bool:
        return "generator" in inspect.signature(self.check).parameters


@dataclass(frozen=True)
class Probe:
    """How an author has misconceptions recognised, where calling the answer on tensors and comparing digits would not do."""

    ask: Callable[..., Any]
    tolerance: float | None = None
    """So far apart may two answers be that count as the same; None: equal up to rounding."""


@dataclass
class Exercise:
    """One function or class that a student writes."""

    unit: Unit
    name: str
    declaration: Any
    batch: str | None
    measure: str
    sizes: Mapping[str, Sequence[int]]
    rows: int
    deterministic: bool = True
    optional: bool = False
    slow: bool = False
    hands_in: str = ""
    """A file that is handed in beside the notebook, such as trained weights; its laws read it as data (`Answer.handed_in`)."""
    laws: list[Law] = field(default_factory=list)
    picture: Callable[..., Any] | None = None
    own_probe: Probe | None = None
    drawn: dict[Any, Any] = field(default_factory=dict, repr=False)
    """The inputs last drawn for each law. A class is graded with one seed: its inputs are drawn once, not for everyone."""

    def remember(self, key: Any, inputs: Any) -> None:
        """Keep the inputs of one law at one configuration; those of another seed are dropped."""
        law, seed, *_ = key
        for old in [old for old in self.drawn if old[0] == law and old[1] != seed]:
            del self.drawn[old]
        self.drawn[key] = inputs

    @property
    def points(self) -> float:
        return sum(law.points for law in self.laws)

    @property
    def doc(self) -> str:
        return inspect.getdoc(self.declaration) or ""

    @property
    def is_class(self) -> bool:
        return inspect.isclass(self.declaration)

    @property
    def is_text(self) -> bool:
        """Whether the answer is a text, such as a derivation: no operator or number of its code can be changed."""
        return isinstance(self.returns, ObjectSpec) and self.returns.name == "str"

    @property
    def decisive(self) -> Law:
        return next(law for law in self.laws if law.decisive)

    @property
    def signature(self) -> str:
        """What `dlvm list` prints and what the notebook's stub starts with."""
        parameters = ", ".join(f"{name}: {spec}" for name, spec in self.parameters.items())
        return f"{self.name}({parameters})" + ("" if self.is_class else f" -> {self.returns}")

    @cached_property
    def parameters(self) -> dict[str, Any]:
        called = self.declaration.__init__ if self.is_class else self.declaration
        parameters = inspect.signature(called, eval_str=True).parameters
        return {name: spec_of(item.annotation) for name, item in parameters.items() if name != "self"}

    @cached_property
    def returns(self) -> Any:
        return (
            ObjectSpec(self.name)
            if self.is_class
            else spec_of(inspect.signature(self.declaration, eval_str=True).return_annotation)
        )

    def law(
        self, *, points: float, where: Where | None = None, decisive: bool = False, standalone: str = "",
        rows: int | None = None, sizes: Mapping[str, Sequence[int]] | None = None,
    ) -> Callable[[Callable[..., Any]], Law]:  # fmt: skip
        """Declare a law. `where` says from which domain each input comes; `rows` and `sizes` override the exercise's.

        `standalone` is the written reason for which its points are earned although the decisive law does not hold.
        """

        def declare(check: Callable[..., Any]) -> Law:
            sentence = " ".join((inspect.getdoc(check) or "").split())
            if not sentence:
                raise ValueError(f"the law {check.__name__} needs a docstring: it is the sentence that a student reads")
            if points < 0 or not math.isfinite(points):
                raise ValueError(f"the law {check.__name__} has {points} points; expected a number ≥ 0")
            if any(law.name == check.__name__ for law in self.laws):
                raise ValueError(f"{self.name} has two laws named {check.__name__}")
            if decisive and any(law.decisive for law in self.laws):
                raise ValueError(
                    f"{self.name} has two decisive laws; make one of them, or let one earn points after the other"
                )
            law = Law(check.__name__, sentence, points, check, dict(where or {}), decisive, standalone, rows, sizes)
            self.laws.insert(0, law) if decisive else self.laws.append(law)
            return law

        return declare

    def draw(self, picture: Callable[..., Any]) -> Callable[..., Any]:
        """Declare the picture that `check(…).plot()` shows: a function of the answer that returns a matplotlib figure."""
        self.picture = picture
        return picture

    def probe(self, tolerance: float | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare how misconceptions are recognised: a function of the answer that returns a tensor or several.

        Needed for a class, a function that takes or returns objects, and a sampler. It asks the same of every answer: its
        inputs are written out in it, since random ones differ from one version of torch to the next. `tolerance` is for
        answers that agree only so far, such as searches and averages over draws: how far apart (absolutely) two may be that
        count as the same. Say in the function where it comes from.
        """
        if callable(tolerance):
            raise TypeError(f"write @{self.name}.probe(), with brackets")
        if tolerance is not None and not (tolerance > 0 and math.isfinite(tolerance)):
            raise ValueError(f"the probe of {self.name} has the tolerance {tolerance}; expected a number > 0")

        def declare(ask: Callable[..., Any]) -> Callable[..., Any]:
            self.own_probe = Probe(ask, tolerance)
            return ask

        return declare

    # ---- calls ----------------------------------------------------------------------------------------------------------

    def argument_name(self, place: Any) -> str:
        names = list(self.parameters)
        return names[place] if isinstance(place, int) and 0 <= place < len(names) else str(place)[:80]

    def axes(self, name: str) -> tuple[str, ...] | None:
        spec = self.parameters.get(name)
        return spec.axes if isinstance(spec, ArraySpec) else None

    def arrange(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Sent:
        """Bind the axes' names to sizes; where the exercise has no batch axis, mark what has an extra leading one as rows."""
        names = list(self.parameters)
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        sizes: dict[str, int] = {}
        by_row: set[str] = set()
        for name, value in given.items():
            axes = self.axes(name)
            if axes is None or not isinstance(value, torch.Tensor):
                continue
            shape = tuple(value.shape)
            if self.batch is None and len(shape) == len(axes) + 1:
                by_row.add(name)
                axes = ("rows", *axes)
            if len(axes) == len(shape):
                sizes.update({axis: size for axis, size in zip(axes, shape, strict=True) if not axis.isdigit()})

        # A whole number among the arguments may name an axis of what comes back: `count` draws are asked for, and checked.
        sizes.update({name: value for name, value in given.items() if type(value) is int and name not in sizes})

        def wrap(name: str, value: Any) -> Any:
            return {"rows": value} if name in by_row else value

        return Sent(
            args=[wrap(name, value) for name, value in zip(names, args, strict=False)] + list(args[len(names) :]),
            kwargs={name: wrap(name, value) for name, value in kwargs.items()},
            names=names,
            mapped=bool(by_row),
            precision=min(
                (v.dtype for v in given.values() if isinstance(v, torch.Tensor) and v.is_floating_point()),
                key=lambda dtype: torch.finfo(dtype).bits,
                default=torch.float64,
            ),
            rows=sizes.get("rows") if by_row else sizes.get(self.batch or ""),
            sizes=sizes,
        )

    def admit(self, value: Any, sent: Sent) -> Any:
        """The claim, if it has the declared type, shape and dtype; a Fault that says what was expected otherwise."""
        if self.is_class:
            if not isinstance(value, Remote):
                raise Fault(
                    "wrong_type", f"{self.name} must be a class; calling it gave {describe(value)}, not an object."
                )
            return value
        return admit(value, self.returns, sent.sizes, sent.rows if sent.mapped else None, sent.precision, "")


PLAIN: dict[str, Any] = {"int": int, "float": int | float, "str": str, "bool": bool}
"""Declared results that are no tensors, and what may come for them. Python takes True for a number; a student did not mean it."""


def admit(
    value: Any, spec: Any, sizes: Mapping[str, int], rows: int | None, precision: torch.dtype, place: str
) -> Any:  # fmt: skip
    what = f"Your function's {place}result" if place else "Your function"
    if isinstance(spec, TupleSpec):
        if not isinstance(value, list | tuple) or len(value) != len(spec.items):
            raise Fault(
                "wrong_type", f"{what} must return {len(spec.items)} things, {spec}; {describe(value)} came back."
            )
        ordinals = ["first ", "second ", "third ", "fourth "]
        return tuple(
            admit(item, inner, sizes, rows, precision, ordinals[i] if i < 4 else f"{i + 1}th ")
            for i, (item, inner) in enumerate(zip(value, spec.items, strict=True))
        )
    if not isinstance(spec, ArraySpec):
        if spec.name == "None":
            return value
        if spec.name in PLAIN:
            return plain(value, spec, rows, what)
        if value is None:
            raise Fault("wrong_type", f"{what} returned None; expected {spec}. Is a `return` missing?")
        if not isinstance(value, Remote if spec.name != "Expr" else list):
            raise Fault("wrong_type", f"{what} must return a {spec}; {describe(value)} came back.")
        return value
    if isinstance(value, bool | int | float) and not spec.axes:
        value = torch.tensor(float(value), dtype=torch.float64)
    if not isinstance(value, torch.Tensor):
        missing = " Is a `return` missing?" if value is None else ""
        raise Fault("wrong_type", f"{what} must return a tensor {spec}; {describe(value)} came back.{missing}")
    expected = tuple(sizes.get(axis, -1) if not axis.isdigit() else int(axis) for axis in spec.axes)
    if rows is not None:
        expected = (rows, *expected)
    shape = tuple(value.shape)
    if len(shape) != len(expected) or any(e not in (-1, s) for e, s in zip(expected, shape, strict=True)):
        axes = ("rows", *spec.axes) if rows is not None else spec.axes
        wanted = f"[{', '.join(axes)}] = {list(expected)}"
        raise Fault("wrong_shape", f"{what} must return a tensor of shape {wanted}; {list(shape)} came back.")
    if spec.kind == "float" and value.dtype not in (torch.float32, torch.float64):
        raise Fault(
            "wrong_dtype", f"{what} must return real numbers (float32 or float64); {short(value.dtype)} came back."
        )
    if spec.kind == "int" and (value.is_floating_point() or value.is_complex()):
        raise Fault("wrong_dtype", f"{what} must return whole numbers (int64); {short(value.dtype)} came back.")
    return at_precision(value, precision, what) if spec.kind == "float" and spec.axes else value


def plain(value: Any, spec: Any, rows: int | None, what: str) -> Any:
    """A number, a truth or a word; where the function was mapped over rows, numbers and truths come as one tensor of reals."""
    if rows is None:
        found = value.item() if isinstance(value, torch.Tensor) and value.dim() == 0 else value
        fits = isinstance(found, PLAIN[spec.name]) and isinstance(found, bool) == (spec.name == "bool")
    elif spec.name == "str":
        found = value
        fits = isinstance(value, list) and len(value) == rows and all(isinstance(one, str) for one in value)
    else:
        found = value
        fits = isinstance(value, torch.Tensor) and tuple(value.shape) == (rows,)
        fits = fits and not (spec.name == "int" and bool((value != value.round()).any()))
        fits = fits and not (spec.name == "bool" and bool(((value != 0) & (value != 1)).any()))
    if not fits:
        raise Fault("wrong_type", f"{what} must return a {spec}; {describe(value)} came back.")
    return found


def at_precision(value: torch.Tensor, precision: torch.dtype, what: str) -> torch.Tensor:
    """Real numbers as precise as the inputs: finer ones are rounded (made of float32 steps they are no better), coarser refused.

    A single number (no axes) may come in any precision: a Python float is one.
    """
    bits, needed = torch.finfo(value.dtype).bits, torch.finfo(precision).bits
    if bits < needed:
        raise Fault(
            "wrong_dtype",
            f"{what} must return {short(precision)} where its inputs are {short(precision)}; {short(value.dtype)} came back. "
            "Is a tensor made without dtype=, or converted by .float()?",
        )
    return value.to(precision) if bits > needed else value


def short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def describe(value: Any) -> str:
    """What came, in words that fit into a sentence."""
    if value is None:
        return "None"
    if isinstance(value, torch.Tensor):
        return f"one tensor of shape {list(value.shape)}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, Remote):
        return "an object"
    return f"the {type(value).__name__} {str(value)[:40]!r}"


# ---- units -------------------------------------------------------------------------------------------------------------


class Unit:
    """One week: its exercises in the order in which the notebook asks them."""

    def __init__(self, slug: str, title: str, *, minutes: int) -> None:
        self.slug, self.title, self.minutes = slug, title, minutes
        self.exercises: dict[str, Exercise] = {}
        self.folder: Path | None = None

    @property
    def points(self) -> float:
        return sum(exercise.points for exercise in self.exercises.values())

    @property
    def hands_in(self) -> list[str]:
        """The files that are handed in beside the notebook, by name."""
        return sorted({exercise.hands_in for exercise in self.exercises.values() if exercise.hands_in})

    @property
    def given(self) -> Path | None:
        """The unit's `given.py`, where it has one."""
        path = self.folder / "given.py" if self.folder else None
        return path if path and path.exists() else None

    def exercise(
        self, *, batch: str | None = None, measure: str, sizes: Mapping[str, Sequence[int]] | None = None,
        rows: int | None = None, deterministic: bool = True, optional: bool = False, slow: bool = False, hands_in: str = "",
    ) -> Callable[[Any], Exercise]:  # fmt: skip
        """Declare an exercise by the signature that an answer must have.

        `batch` names the leading axis of every input over which rows are independent; without it an answer gets one row at a
        time and is mapped over at most 64. `sizes` lists the sizes at which the other axes are tried, `measure` is the
        unit of what comes back. `slow` is for answers that search or train: no corner rows are added to `rows`, and a
        broken row is shown as it was met instead of being tried again in simpler forms. `hands_in` names a file that
        belongs to the answer and is handed in beside the notebook.
        """

        def declare(declaration: Any) -> Exercise:
            exercise = Exercise(
                self, declaration.__name__, declaration, batch, measure, dict(sizes or {}),
                rows if rows is not None else (1000 if batch else 64), deterministic, optional, slow, hands_in,
            )  # fmt: skip
            if batch is None and exercise.rows > 64:
                raise ValueError(
                    f"{exercise.name} has no batch axis: at most 64 rows are mapped, {exercise.rows} were asked"
                )
            self.exercises[exercise.name] = exercise
            return exercise

        return declare

    @staticmethod
    def load(folder: str | Path) -> Unit:
        """The unit declared in `folder/laws.py`."""
        path = Path(folder) / "laws.py"
        if not path.exists():
            raise FileNotFoundError(
                f"No laws.py in {Path(folder)}: expected a unit's folder, such as exercises/kl_divergence."
            )
        unit = next((value for value in vars(import_file(path)).values() if isinstance(value, Unit)), None)
        if unit is None:
            raise ValueError(f"{path} declares no Unit.")
        unit.folder = path.parent.resolve()
        for exercise in unit.exercises.values():
            if not any(law.decisive for law in exercise.laws):
                raise ValueError(
                    f"{exercise.name} has no decisive law: one must compare the answer with the exact value."
                )
            for law in exercise.laws:
                for name, domain in law.where.items():
                    if name not in exercise.parameters and domain.shape is None and not hasattr(domain, "values"):
                        raise ValueError(
                            f"{law.name} draws {name!r}, which is no argument of {exercise.name} "
                            f"({', '.join(exercise.parameters)}). Correct the name, or say its axes with shape=."
                        )
        return unit
