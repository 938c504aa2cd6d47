"""What goes to a session and what comes back: claims are checked, text is cleaned, tensors go where they can."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from autograder.answer import Answer, Fault, Handle, Remote, clean, tensor_claimed
from autograder.exercise import Exercise, Unit


class Replies:
    """A transport that answers every request with the same reply and keeps what it was asked."""

    folder = None

    def __init__(self, reply: Any) -> None:
        self.reply, self.asked = reply, []

    def fresh(self) -> Replies:
        return Replies(self.reply)

    def request(self, request: dict[str, Any]) -> Any:
        self.asked.append(request)
        return self.reply

    def close(self) -> None: ...


def double() -> Exercise:
    @Unit("test", "Test", minutes=1).exercise(batch="n", measure="a number")
    def double(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        """2x."""
        raise NotImplementedError

    return double


X = torch.ones(3)

ODD: dict[str, Any] = {
    "no dict": 7,
    "no value": {},
    "a fault of no known kind": {"fault": {"kind": "victory", "message": "full marks"}},
    "a fault whose words are no words": {"fault": {"kind": "raised", "message": 5}},
    "a fault that is no dict": {"fault": "raised"},
    "a fault whose kind is no word": {"fault": {"kind": ["raised"]}},
    "points": {"value": X, "mutated": "x"},
    "changed inputs that are a tensor": {"value": X, "mutated": torch.ones(2)},
    "changed inputs that are none": {"value": X, "mutated": []},
    "changed inputs that are no places": {"value": X, "mutated": [{}]},
    "a string": {"value": "1.0"},
    "an object": {"value": Handle(1)},
    "a longer tensor": {"value": torch.ones(4)},
    "whole numbers": {"value": torch.ones(3, dtype=torch.int64)},
    "half precision, whose rounding would hide mistakes": {"value": torch.ones(3, dtype=torch.float16)},
    "complex numbers": {"value": torch.ones(3, dtype=torch.complex64)},
}


@pytest.mark.parametrize("reply", ODD.values(), ids=ODD)
def test_a_reply_that_is_not_the_declared_claim_is_the_answers_fault(reply: Any) -> None:
    with pytest.raises(Fault):
        Answer(double(), Replies(reply))(X)


def test_a_claim_as_declared_is_passed_on() -> None:
    assert torch.equal(Answer(double(), Replies({"value": 2 * X}))(X), 2 * X)


def test_escapes_and_marks_that_reorder_text_are_taken_out() -> None:
    assert clean("a\x1b[31mb\u202ec\x07\nd") == "a[31mbc\nd"
    answer = Answer(double(), Replies({"value": X, "printed": "\x1b[2Jgone"}))
    answer(X)
    assert answer.printed == "[2Jgone"


LOUD = "\x1b]0;graded\x07\u202ered"


@pytest.mark.parametrize(
    "reply",
    [
        {"fault": {"kind": "raised", "message": LOUD, "where": LOUD}},
        {"value": X, "mutated": [LOUD]},
        {"value": LOUD},
        {"value": {LOUD: LOUD}},
    ],
)
def test_no_words_of_a_fault_are_obeyed_by_a_terminal(reply: Any) -> None:
    with pytest.raises(Fault) as met:
        Answer(double(), Replies(reply))(X)
    assert met.value.message.isprintable()
    assert met.value.where.isprintable()


def test_a_fault_is_harmless_wherever_it_is_made() -> None:
    """A session that is given up repeats the words of the reply that it was given up for."""
    fault = Fault("cpu_limit", LOUD + "x" * 5000, LOUD)
    assert fault.message.startswith("]0;gradedred")
    assert str(fault) == fault.message
    assert len(fault.message) <= 2000
    assert fault.where == "]0;gradedred"


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), [1.0, float("inf")]])
def test_a_number_that_is_none_is_noted_also_outside_of_tensors(value: Any) -> None:
    """A law that it crashes is broken by it; otherwise the crash would be the grader's, and the points pending."""
    answer = Answer(double(), Replies({"value": value}))
    Remote(answer, Handle(1)).mean()
    assert answer.not_finite


def test_what_a_seeded_answer_does_is_noted_like_any_other() -> None:
    answer = Answer(double(), Replies({"value": X * torch.nan, "printed": "seeded"}))
    answer.seeded(3)(X)
    assert answer.not_finite
    assert answer.printed == "seeded"
    assert answer.calls == 1
    assert answer.transport.asked[0]["seed"] == 3  # type: ignore[attr-defined]


def test_no_more_is_cleaned_of_what_was_printed_than_is_kept() -> None:
    """Cleaning takes its time with every character, and millions may come that leave nothing behind."""
    answer = Answer(double(), Replies({"value": X, "printed": "\x1b" * 5000 + "late"}))
    answer(X)
    assert answer.printed == ""


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_a_gradient_comes_in_the_dtype_of_its_input(dtype: torch.dtype) -> None:
    """What is allowed for rounding is read off a claim's dtype: half of the gradient itself, for bfloat16."""
    with pytest.raises(Fault, match="shape and dtype of `x`"):
        Answer(double(), Replies({"value": torch.full((3,), 2, dtype=dtype)})).gradient(X.double(), wrt="x")
    right = torch.full((3,), 2, dtype=torch.float64)
    assert Answer(double(), Replies({"value": right})).gradient(X.double(), wrt="x").equal(right)


def test_what_a_method_returns_is_a_claim_too() -> None:
    thing = Remote(Answer(double(), Replies({"value": "much"})), Handle(1))
    with pytest.raises(Fault, match="a str came back"):
        tensor_claimed(thing.log_prob(X))
    assert tensor_claimed(1.5).item() == 1.5


def test_what_a_method_returns_may_not_be_coarser_than_asked() -> None:
    """Its rounding would be allowed for: in float32 an error of a millionth."""
    with pytest.raises(Fault, match=r"as the inputs are; torch\.float32 came back"):
        tensor_claimed(X.float(), 3, precision=torch.float64)
    for dtype in (torch.float32, torch.float64):
        assert tensor_claimed(X.double(), 3, precision=dtype).dtype == torch.float64


def test_on_apples_gpu_float64_goes_to_the_cpu_and_float32_does_not() -> None:
    replies = Replies({"value": X})
    answer = Answer(double(), replies, "mps")
    answer(X)
    with pytest.raises(Fault):  # float32 for float64 is coarser than asked; what counts here is where it was sent
        answer(X.double())
    assert [request["device"] for request in replies.asked] == ["mps", "cpu"]
    assert answer.device.type == "cpu"


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (torch.ones(3).to_sparse(), "a sparse_coo tensor of dtype float32"),
        (torch.ones(3, device="meta"), "a meta tensor of dtype float32"),
        (torch.ones(3).to(torch.float8_e4m3fn), "a tensor of dtype float8_e4m3fn"),
    ],
)
def test_a_tensor_that_no_law_can_compare_is_the_answers_own_fault(value: torch.Tensor, what: str) -> None:
    """It would make a law fail, and leave points pending that nobody earned."""
    with pytest.raises(Fault, match=what) as met:
        Answer(double(), Replies({"value": value}))(X)
    assert met.value.kind == "refused"


@pytest.mark.parametrize(
    "claim",
    [
        "a string", {"weight": torch.ones(2, dtype=torch.int64)}, {"weight": torch.ones(2, dtype=torch.bfloat16)},
        {"weight": 1.0}, None,
    ],
)  # fmt: skip
def test_parameters_that_are_no_tensors_are_the_answers_own_fault(claim: Any) -> None:
    model = Remote(Answer(double(), Replies({"value": claim})), Handle(1))
    with pytest.raises(Fault, match="no longer tensors of real numbers"):
        model.named_parameters()


def test_a_parameter_that_is_gone_is_the_answers_own_fault() -> None:
    model = Remote(Answer(double(), Replies({"value": {}})), Handle(1))
    with pytest.raises(Fault, match="no parameter called 'weight' any more"):
        model.named_parameters()["weight"]
