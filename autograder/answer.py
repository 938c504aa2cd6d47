"""An answer, seen from the side that judges: whatever stands in for the student's function.

Laws call an `Answer` like the function itself. Behind it is a transport: the notebook's own process, or a sandbox. Both lead
to the same `Session`, so a law cannot tell them apart, and what comes back is always a *claim*, checked here for type, shape
and dtype before a law sees it.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch

if TYPE_CHECKING:
    from autograder.exercise import Exercise

FAULTS: dict[str, str] = {
    "not_defined": "the submission does not define it",
    "not_yet": "it is still the stub",
    "raised": "it raised an exception",
    "wrong_type": "it returned something else than asked",
    "wrong_shape": "it returned a tensor of the wrong shape",
    "wrong_dtype": "it returned a tensor of the wrong dtype",
    "not_finite": "it returned NaN or infinity",
    "mutated": "it changed its own inputs",
    "not_deterministic": "the same inputs gave different outputs",
    "undifferentiable": "no gradient flows through it",
    "cpu_limit": "it used more processor time than allowed",
    "wall_limit": "it did not answer in time",
    "memory_limit": "it asked for more memory than allowed",
    "died": "its process ended",
    "refused": "what it sent back was refused",
}
"""Every way in which an answer itself can fail a law; all of them make the law *broken*, none undecided."""


REAL = (torch.float32, torch.float64)
"""Dtypes in which real numbers may come. Half precision rounds so coarsely that mistakes would pass for rounding."""


class Fault(Exception):
    """The answer's own failure: `kind` is one of FAULTS, `message` a sentence for the student, `where` their line.

    Words of a student's may be in them, whichever way they came: here, where all ways meet, they are made harmless.
    """

    def __init__(self, kind: str, message: str, where: str = "") -> None:
        if kind not in FAULTS:
            raise ValueError(f"a fault's kind is one of {sorted(FAULTS)}, not {kind!r}")
        self.kind, self.message, self.where = kind, clean(message[:2000]), clean(where[:500])
        super().__init__(self.message)


@dataclass(frozen=True)
class Handle:
    """Stands for an object (a model, a distribution, a student's class instance) that stays inside the session."""

    id: int


class Transport(Protocol):
    """Carries one request to a session and its reply back; raises `Fault` when the other side fails to answer."""

    def request(self, request: dict[str, Any]) -> dict[str, Any]: ...

    def close(self) -> None: ...


class Submission(Transport, Protocol):
    """A transport to one submission: to a session of it, and to further ones."""

    @property
    def folder(self) -> Path | None:
        """Where it lies, with the files that are handed in beside its notebook; None: in the unit's own folder."""
        ...

    def fresh(self) -> Submission:
        """Another session, which knows nothing of what this one was asked."""
        ...


class LocalTransport:
    """A session in this very process: what a student's own notebook uses. There is no other one to be had in it."""

    folder: Path | None = None

    def __init__(self, session: Any) -> None:
        self.session = session

    def fresh(self) -> LocalTransport:
        return self

    def request(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.session.handle(request)

    def close(self) -> None:
        pass


class NoSuchDevice(ValueError):
    """A device that torch does not know, or (`known`) cannot use on this machine."""

    def __init__(self, sentence: str, known: bool) -> None:
        super().__init__(sentence)
        self.known = known


def usable_device(name: str) -> str:
    """The device of that name, if torch can use it here."""
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    kind = name.split(":")[0]
    if kind not in here:
        raise NoSuchDevice(f"There is no device {name!r}: expected cpu, cuda or mps.", known=False)
    if not here[kind]:
        advice = "leave --device (and DLVM_DEVICE) away, or see `dlvm doctor`"
        raise NoSuchDevice(f"torch cannot use {name} on this machine: {advice}.", known=True)
    return name


def map_leaves(function: Callable[[Any], Any], value: Any) -> Any:
    """The same tree of dicts and lists with `function` applied to every leaf."""
    if isinstance(value, Mapping):
        return {key: map_leaves(function, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [map_leaves(function, item) for item in value]
    return function(value)


def has_float64(value: Any) -> bool:
    """Whether some tensor in a tree of dicts and lists is in double precision."""
    if isinstance(value, Mapping):
        return any(has_float64(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(has_float64(item) for item in value)
    return isinstance(value, torch.Tensor) and value.dtype == torch.float64


class Claimed(dict[str, torch.Tensor]):
    """Tensors by name, as the other side claims them: real numbers, and a Fault for a name that is not among them."""

    def __init__(self, claim: Any, what: str) -> None:
        if not isinstance(claim, Mapping) or not all(
            isinstance(value, torch.Tensor) and value.dtype in REAL for value in claim.values()
        ):
            raise Fault(
                "wrong_type", f"The model's {what}s are no longer tensors of real numbers (float32 or float64)."
            )
        super().__init__(claim)
        self.what = what

    def __missing__(self, name: str) -> torch.Tensor:
        raise Fault("wrong_type", f"The model has no {self.what} called {name!r} any more.")


class Remote:
    """An object inside the session. Its attributes are methods: `posterior.log_prob(x)` runs inside and returns the claim."""

    def __init__(self, answer: Answer, handle: Handle) -> None:
        self._answer, self._handle = answer, handle

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)

        def method(*args: Any, **kwargs: Any) -> Any:
            return self._answer._ask(op="call", target=self._handle, method=name, args=list(args), kwargs=kwargs)

        return method

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._answer._ask(op="call", target=self._handle, args=list(args), kwargs=kwargs)

    def attribute(self, name: str) -> Any:
        """The value of `object.name` (for instance a distribution's `mean`)."""
        return self._answer._ask(op="attribute", target=self._handle, name=name)

    def named_parameters(self) -> dict[str, torch.Tensor]:
        """A module's parameters by name, as they are now; a Fault for one that is asked for and not there."""
        return Claimed(self._answer._ask(op="parameters", target=self._handle), "parameter")

    def named_gradients(self) -> dict[str, torch.Tensor]:
        """A module's `.grad`s by name; a parameter without one is left out."""
        return Claimed(self._answer._ask(op="gradients", target=self._handle), "gradient")


class Answer:
    """The student's function or class, called by laws.

    `answer(*inputs)` returns plain tensors that passed the exercise's declared shapes. An exercise without a batch axis is
    mapped over the rows of its inputs, in one request.
    """

    def __init__(self, exercise: Exercise, transport: Submission, device: str | torch.device = "cpu") -> None:
        self.exercise, self.transport = exercise, transport
        self.runs_on = torch.device(device)
        """Where the student's code runs. Apple's mps has no float64: float64 inputs go to the CPU instead."""
        self.device = torch.device("cpu") if self.runs_on.type == "mps" else self.runs_on
        """Where the laws' own tensors live: beside the answer's, unless laws could not be precise there."""
        self.calls = 0
        self.printed = ""
        self.not_finite = False
        """Whether something that came back was NaN or infinite: where a law then crashes, it is not the grader's fault."""
        self.seed: int | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        sent = self.exercise.arrange(args, kwargs)
        value = self._ask(
            op="call", target=self.exercise.name, args=sent.args, kwargs=sent.kwargs, map=sent.mapped, rows=sent.rows,
            seed=self.seed,
        )  # fmt: skip
        return self.exercise.admit(value, sent)

    def seeded(self, seed: int) -> Answer:
        """The same answer, with every random generator inside set to `seed` before each call."""
        other = Answer(self.exercise, self.transport, self.runs_on)
        other.seed = seed
        other._ask = self._ask  # what comes back is noted here: what it printed, and whether it was NaN
        return other

    def given(self, name: str, *args: Any, **kwargs: Any) -> Remote:
        """A model, optimiser or data set built inside the session by `given.py`'s constructor of that name."""
        return self._ask(op="new", given=name, args=list(args), kwargs=kwargs)

    def gradient(
        self, *args: Any, wrt: str, cotangent: torch.Tensor | None = None, output: int = 0, **kwargs: Any
    ) -> torch.Tensor:
        """∂(Σ cotangent·output)/∂`wrt` as autograd inside computes it through the student's code: a claim, like any output.

        Of several outputs the one with this number is differentiated, from 0. `cotangent` defaults to ones.
        """
        sent = self.exercise.arrange(args, kwargs)
        place = sent.place(wrt)
        try:
            value = self._ask(
                op="vjp", target=self.exercise.name, args=sent.args, kwargs=sent.kwargs, map=sent.mapped, rows=sent.rows,
                wrt=place, cotangent=cotangent, output=output or None, seed=self.seed,
            )  # fmt: skip
        except Fault as fault:
            raise Fault(fault.kind, str(fault).replace("this input", f"`{wrt}`"), fault.where) from None
        expected = kwargs[place] if isinstance(place, str) else args[place]
        # Autograd gives a gradient the dtype of its variable. A coarser claim would be granted a coarser rounding.
        if not isinstance(value, torch.Tensor) or (value.shape, value.dtype) != (expected.shape, expected.dtype):
            raise Fault(
                "undifferentiable",
                f"Expected a gradient with the shape and dtype of `{wrt}`; something else came back.",
            )
        return value

    @contextmanager
    def fresh(self) -> Iterator[Answer]:
        """The same answer in a process of its own, which knows nothing of what any other was asked and ends with the block.

        In a notebook's own kernel it is the same process: there nobody has a reason to cheat.
        """
        transport = self.transport.fresh()
        other = Answer(self.exercise, transport, self.runs_on)
        try:
            yield other
        finally:
            self.calls += other.calls
            self.printed = (self.printed + other.printed)[:2000]
            self.not_finite |= other.not_finite
            if transport is not self.transport:
                transport.close()

    @property
    def handed_in(self) -> Path:
        """The file that this exercise wants beside the notebook (`hands_in`), whether it is there or not.

        An author keeps one in the unit's folder `handed_in/`, which is released to nobody: with it the audit tries the laws.
        """
        name, folder = self.exercise.hands_in, self.transport.folder or self.exercise.unit.folder
        if not name or folder is None:
            raise LookupError(f"{self.exercise.name} has no hands_in=, the name of a file, or no folder to look in.")
        kept = folder / "handed_in" / name
        return kept if self.transport.folder is None and kept.is_file() else folder / name

    def _ask(self, **request: Any) -> Any:
        self.calls += 1
        request = {key: value for key, value in request.items() if value is not None}
        request["device"] = str(
            self.runs_on if self.runs_on == self.device or not has_float64(request) else self.device
        )
        request = map_leaves(lambda leaf: leaf._handle if isinstance(leaf, Remote) else leaf, request)
        reply = self.transport.request(request)
        if not isinstance(reply, dict):
            raise Fault("refused", "The answer's process sent something that is not a reply.")
        printed = reply.get("printed", "")
        if isinstance(printed, str) and len(self.printed) < 2000:
            self.printed += clean(printed[:4000])[: 2000 - len(self.printed)]  # the session sends little more than 2000
        fault = reply.get("fault")
        if fault is not None:
            raise _fault_from(fault)
        mutated = reply.get("mutated")
        if mutated is not None:
            if not isinstance(mutated, list) or not mutated or not isinstance(mutated[0], int | str):
                raise Fault("refused", "The answer's process reported changed inputs in words that are not understood.")
            name = self.exercise.argument_name(mutated[0])
            raise Fault(
                "mutated",
                f"Your function changed its argument `{name}` in place. Inputs belong to the caller: "
                f"work on a copy (`{name} = {name}.clone()`) or use operations without a trailing underscore.",
            )
        if "value" not in reply:
            raise Fault("refused", "The answer's process sent a reply without a value.")
        return map_leaves(self._receive, reply["value"])

    def _receive(self, leaf: Any) -> Any:
        if isinstance(leaf, Handle):
            return Remote(self, leaf)
        if isinstance(leaf, float):
            self.not_finite |= not math.isfinite(leaf)
        if isinstance(leaf, torch.Tensor):
            came = describe_tensor(leaf)
            try:
                leaf = leaf.detach().to(self.device)
                self.not_finite |= not bool(torch.isfinite(leaf).all())
            except (
                Exception
            ):  # sparse, nested, quantised, masked, on no device: no law can compare it, and that is no law's fault
                raise Fault(
                    "refused", f"Your function must return plain tensors of numbers; {came} came back."
                ) from None
        return leaf


def describe_tensor(value: torch.Tensor) -> str:
    """What kind of tensor it is, where it is not one that holds its numbers in memory one after the other."""
    kinds = {"nested": value.is_nested, "quantised": value.is_quantized, "meta": value.device.type == "meta"}
    layout = str(value.layout).removeprefix("torch._").removeprefix("torch.")
    kind = next((name for name, is_it in kinds.items() if is_it), "" if layout == "strided" else layout)
    kind = kind or ("" if type(value) is torch.Tensor else type(value).__name__)
    return f"a {kind} tensor".replace("  ", " ") + f" of dtype {str(value.dtype).removeprefix('torch.')}"


def _fault_from(fault: Any) -> Fault:
    """A fault that the other side reports about itself; anything odd in it is itself refused."""
    if not isinstance(fault, dict) or not isinstance(fault.get("kind"), str) or fault["kind"] not in FAULTS:
        return Fault("refused", "The answer's process reported a failure in words that are not understood.")
    message, where = fault.get("message", ""), fault.get("where", "")
    if not isinstance(message, str) or not isinstance(where, str):
        return Fault("refused", "The answer's process reported a failure in words that are not understood.")
    return Fault(fault["kind"], message, where)


def clean(text: str) -> str:
    """Text from a student's side without what a terminal or a page would obey: escapes, other controls, bidirectional marks."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))


def tensor_claimed(value: Any, *shape: int, precision: torch.dtype | None = None) -> torch.Tensor:
    """What an object's method returned, if it is real numbers of this shape; a Fault that says what came otherwise.

    `precision`, the inputs' own, refuses what is coarser: its rounding would be allowed for, and hide mistakes.
    """
    if isinstance(value, bool | int | float):
        value = torch.tensor(float(value), dtype=torch.float64)
    if not isinstance(value, torch.Tensor):
        raise Fault("wrong_type", f"Expected a tensor of shape {list(shape)}; a {type(value).__name__} came back.")
    if tuple(value.shape) != shape:
        raise Fault("wrong_shape", f"Expected a tensor of shape {list(shape)}; {list(value.shape)} came back.")
    if value.dtype not in REAL:
        raise Fault("wrong_dtype", f"Expected real numbers (float32 or float64); {value.dtype} came back.")
    if precision is not None and torch.finfo(value.dtype).bits < torch.finfo(precision).bits:
        raise Fault("wrong_dtype", f"Expected {precision}, as the inputs are; {value.dtype} came back.")
    return value
