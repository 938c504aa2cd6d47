"""What a submission's cells do when they are loaded, and what a student reads when something in them goes wrong."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from autograder.answer import Handle
from autograder.session import PRINTED_CHARACTERS, Session


def loaded(*sources: str, seconds: float | None = None) -> tuple[Session, dict[str, Any]]:
    session = Session(call_seconds=seconds)
    cells = [{"index": index, "source": source, "locked": False} for index, source in enumerate(sources)]
    return session, session.handle({"op": "load", "cells": cells})


def call(session: Session, name: str, *args: Any, **extra: Any) -> dict[str, Any]:
    return session.handle({"op": "call", "target": name, "args": list(args), "kwargs": {}, **extra})


def test_definitions_and_assignments_run_and_loops_and_expressions_do_not() -> None:
    session, reply = loaded(
        "import math\nvalue = math.pi\nclass A:\n    pass\ndef f(x):\n    return x\nprint('no')",
        "for i in range(3):\n    value = 0\nwhile True:\n    pass",
    )
    assert {"math", "value", "A", "f"} <= set(reply["value"])
    assert session.names["value"] == pytest.approx(3.14159, abs=1e-4)
    assert "i" not in session.names
    assert "printed" not in reply


def test_guarded_imports_run() -> None:
    session, _ = loaded("try:\n    import no_such_module\nexcept ImportError:\n    no_such_module = None")
    assert session.names["no_such_module"] is None


def test_magics_are_left_out_and_line_numbers_stay() -> None:
    session, reply = loaded("%matplotlib inline\n!pip install x\ndef f():\n    raise ValueError('seen')", "%%bash\nls")
    assert reply["problems"] == []
    assert "line 4" in call(session, "f")["fault"]["where"]


def test_a_percent_sign_that_python_can_read_is_no_magic() -> None:
    session, _ = loaded("a = (17\n% 5)")
    assert session.names["a"] == 2


def test_an_error_in_one_cell_does_not_take_the_others_down() -> None:
    session, reply = loaded("a = 1 / 0\nb = 2", "def broken(:\n  pass", "c = 3")
    assert session.names["b"] == 2
    assert session.names["c"] == 3
    assert [problem["cell"] for problem in reply["problems"]] == [0, 1]


def test_a_name_that_only_a_skipped_line_makes_is_reported_with_that_line() -> None:
    session, _ = loaded("for k in [1, 2]:\n    scale = k", "def f(x):\n    return x * scale")
    message = call(session, "f", torch.ones(1))["fault"]["message"]
    assert "`scale` is missing" in message
    assert "cell 0, line 1" in message


def test_a_function_in_an_unreadable_cell_is_reported_with_that_cell() -> None:
    session, _ = loaded("def f(x):\n    return (x")
    fault = call(session, "f", torch.ones(1))["fault"]
    assert fault["kind"] == "not_defined"
    assert "cell 0" in fault["message"]
    assert "SyntaxError" in fault["message"]


def test_a_missing_name_is_not_defined() -> None:
    session, _ = loaded("x = 1")
    assert call(session, "f")["fault"]["kind"] == "not_defined"


@pytest.mark.parametrize(
    "stub", ["raise NotImplementedError()", "raise NotImplementedError", "raise NotImplementedError('later')"]
)
def test_the_stub_is_not_yet_and_no_traceback(stub: str) -> None:
    session, _ = loaded(f"def f(x):\n    # YOUR CODE HERE\n    {stub}")
    fault = call(session, "f", torch.ones(1))["fault"]
    assert fault["kind"] == "not_yet"
    assert "Traceback" not in fault["message"]


def test_a_stub_that_another_function_calls_is_named() -> None:
    session, _ = loaded("def helper(x):\n    raise NotImplementedError()", "def f(x):\n    return helper(x)")
    assert "`helper`" in call(session, "f", torch.ones(1))["fault"]["message"]


def test_a_not_implemented_operation_of_torch_is_an_error_and_not_a_stub() -> None:
    session, _ = loaded("import torch\ndef f(x):\n    return torch.linalg.cholesky(x.half())")
    fault = call(session, "f", torch.eye(2))["fault"]
    assert fault["kind"] == "raised"


def test_an_exception_points_at_the_students_own_line() -> None:
    session, _ = loaded("import torch", "def f(x):\n    y = x + 1\n    return torch.linalg.cholesky(-y)")
    fault = call(session, "f", torch.eye(2))["fault"]
    assert fault["kind"] == "raised"
    assert fault["where"] == "cell 1, line 3: return torch.linalg.cholesky(-y)"


@pytest.mark.parametrize("statement", ["raise KeyboardInterrupt", "raise SystemExit(0)", "import sys; sys.exit()"])
def test_leaving_is_an_ordinary_fault_inside_the_sandbox(statement: str) -> None:
    session, _ = loaded(f"def f(x):\n    {statement}", seconds=5)
    assert call(session, "f", torch.ones(1))["fault"]["kind"] == "raised"


def test_a_real_ctrl_c_passes_through_in_the_students_own_kernel() -> None:
    session, _ = loaded("def f(x):\n    raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        call(session, "f", torch.ones(1))


def test_endless_recursion_is_a_fault() -> None:
    session, _ = loaded("def f(x):\n    return f(x)")
    assert "RecursionError" in call(session, "f", torch.ones(1))["fault"]["message"]


def test_an_endless_loop_ends_at_the_limit_even_if_it_swallows_exceptions() -> None:
    source = "def f(x):\n    while True:\n        try:\n            while True: pass\n        except Exception: pass"
    session, _ = loaded(source, seconds=0.2)
    assert call(session, "f", torch.ones(1))["fault"]["kind"] == "cpu_limit"


def test_an_answer_that_swallows_the_time_out_and_goes_on_has_still_run_into_it() -> None:
    source = "def f(x):\n    try:\n        while True: pass\n    except BaseException:\n        return x"
    session, _ = loaded(source, seconds=0.2)
    assert call(session, "f", torch.ones(1))["fault"]["kind"] == "cpu_limit"


def test_a_chain_of_elif_is_no_recursion_and_the_cells_after_it_run() -> None:
    """Each `elif` is nested in the one before."""
    chain = "if a == 0:\n    b = 0\n" + "".join(f"elif a == {n}:\n    b = {n}\n" for n in range(1, 600))
    session, reply = loaded("a = 300", chain, f"{chain}else:\n    print('no')", "c = 1")
    assert "fault" not in reply
    assert session.names["c"] == 1
    assert [problem["cell"] for problem in reply["problems"] if "RecursionError" not in problem["message"]] == []


def test_an_endless_cell_ends_and_the_next_one_runs() -> None:
    session, reply = loaded("a = [None for _ in iter(int, 1)]", "b = 1", seconds=0.2)
    assert reply["problems"][0]["kind"] == "cpu_limit"
    assert session.names["b"] == 1


def test_thousands_of_printed_lines_are_cut() -> None:
    session, _ = loaded("def f(x):\n    for i in range(5000): print('line', i)\n    return x")
    reply = call(session, "f", torch.ones(1))
    assert len(reply["printed"]) < PRINTED_CHARACTERS + 100
    assert "more characters" in reply["printed"]


def test_an_exception_that_cannot_be_printed_is_still_a_fault() -> None:
    session, _ = loaded("class E(Exception):\n    def __str__(self): raise RuntimeError\ndef f(x):\n    raise E()")
    assert call(session, "f", torch.ones(1))["fault"]["kind"] == "raised"


def test_a_changed_input_is_reported_and_harms_nobody() -> None:
    session, _ = loaded("def f(x, y):\n    y += 1\n    return x")
    x, y = torch.zeros(2), torch.zeros(2)
    assert call(session, "f", x, y)["mutated"] == [1]
    assert y.tolist() == [0.0, 0.0]


def test_mapping_calls_once_a_row_and_stacks() -> None:
    session, _ = loaded("def f(x, k):\n    assert x.shape == (3,)\n    return x.sum() * k, x")
    reply = call(session, "f", {"rows": torch.ones(4, 3)}, 2.0, map=True, rows=4)
    total, same = reply["value"]
    assert total.tolist() == [6.0] * 4
    assert same.shape == (4, 3)


def test_objects_stay_inside_and_handles_go_out() -> None:
    session, _ = loaded("import torch\ndef f(x):\n    return torch.distributions.Normal(x, 1.0)")
    handle = call(session, "f", torch.zeros(2))["value"]
    assert isinstance(handle, Handle)
    reply = session.handle(
        {"op": "call", "target": handle, "method": "log_prob", "args": [torch.zeros(2)], "kwargs": {}}
    )
    assert torch.allclose(reply["value"], torch.full((2,), -0.9189385))


def test_a_product_with_the_jacobian_comes_from_autograd() -> None:
    session, _ = loaded("def f(x, y):\n    return x * x * y")
    x = torch.tensor([1.0, 2.0])
    reply = session.handle({"op": "vjp", "target": "f", "args": [x, x], "kwargs": {}, "wrt": 0})
    assert reply["value"].tolist() == [2.0, 8.0]


def test_of_several_outputs_the_one_asked_for_is_differentiated() -> None:
    session, _ = loaded("def f(x):\n    return x**2, 3 * x, (2 * x).detach()")
    ask = {"op": "vjp", "target": "f", "args": [torch.tensor([1.0, 4.0])], "kwargs": {}, "wrt": 0}
    slopes = [session.handle({**ask, "output": place})["value"].tolist() for place in (0, 1)]
    assert slopes == [session.handle(ask)["value"].tolist(), [3.0, 3.0]]
    assert session.handle({**ask, "output": 2})["fault"]["kind"] == "undifferentiable"
    assert session.handle({**ask, "output": 3})["fault"]["kind"] == "raised"


@pytest.mark.parametrize("body", ["x.detach() * 2", "torch.tensor(x.tolist())", "torch.zeros(2)"])
def test_an_answer_without_gradient_is_undifferentiable(body: str) -> None:
    session, _ = loaded(f"import torch\ndef f(x):\n    return {body}")
    reply = session.handle({"op": "vjp", "target": "f", "args": [torch.ones(2)], "kwargs": {}, "wrt": 0})
    assert reply["fault"]["kind"] == "undifferentiable"


def test_seeded_calls_repeat() -> None:
    session, _ = loaded("import torch, random\ndef f():\n    return torch.rand(3) + random.random()")
    first, second = (call(session, "f", seed=5)["value"] for _ in range(2))
    assert torch.equal(first, second)
