"""What is sent arrives unchanged; what is not exactly a frame is refused with a sentence, and nothing else happens."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pickle
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.answer import Fault, Handle
from autograder.sandbox import wire


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    dtype = draw(st.sampled_from(list(wire.DTYPES.values())))
    shape = draw(st.lists(st.integers(0, 4), max_size=3))
    count = math.prod(shape) * dtype.itemsize
    raw = draw(st.binary(min_size=count, max_size=count))
    if dtype is torch.bool:
        raw = bytes(byte & 1 for byte in raw)
    return torch.tensor(list(raw), dtype=torch.uint8).view(dtype).reshape(shape)


LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**999), 2**999) | st.floats() | st.text(st.characters(codec="utf-8"))
    | tensors() | st.integers(0, 2**31 - 1).map(Handle)
)  # fmt: skip
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def same(one: Any, other: Any) -> bool:
    """Equal to the last bit, NaN and the sign of zero included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        bits = [value.contiguous().reshape(-1).view(torch.uint8).tolist() for value in (one, other)]
        return one.dtype == other.dtype and one.shape == other.shape and bits[0] == bits[1]
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return one == other


def frame(value: Any) -> bytes:
    return b"".join(wire.encode(value))


@given(VALUES)
def test_what_is_sent_arrives_unchanged(value: Any) -> None:
    assert same(wire.decode(frame(value)), value)


def test_tensors_arrive_in_memory_of_their_own() -> None:
    frame_bytes = bytearray(frame([torch.zeros(3), torch.zeros(3)]))
    one, other = wire.decode(frame_bytes)
    frame_bytes[-24:] = b"\xff" * 24
    one += 1
    assert one.tolist() == [1, 1, 1]
    assert other.tolist() == [0, 0, 0]


def test_a_single_number_is_sent_whatever_its_stride() -> None:
    """It counts as contiguous, although its bytes cannot be seen as they lie: a batch of one, expanded or cut from a row."""
    numbers = torch.arange(6.0)
    for value in (numbers[3].expand(1), numbers.reshape(1, 6)[:, 4], numbers.as_strided((1, 1), (5, 3)), numbers[:0]):
        assert torch.equal(wire.decode(frame(value)), value)


def test_views_and_parameters_are_sent_by_their_values() -> None:
    base = torch.arange(6.0).reshape(2, 3)
    sent = [base.T, base[:, 1], torch.nn.Parameter(base), torch.tensor(5), (1, 2)]
    columns, middle, parameter, scalar, pair = wire.decode(frame(sent))
    assert torch.equal(columns, base.T)
    assert torch.equal(middle, base[:, 1])
    assert torch.equal(parameter, base)
    assert type(parameter) is torch.Tensor
    assert not parameter.requires_grad
    assert scalar.shape == ()
    assert pair == [1, 2]


NOT_SENT: dict[str, Any] = {
    "an object": object(),
    "a set": {1},
    "bytes": b"x",
    "a key that is no string": {1: 2},
    "a complex tensor": torch.zeros(2, dtype=torch.complex64),
    "a sparse tensor": torch.eye(3).to_sparse(),
    "a huge integer": 2**1000,
    "a long text": "x" * (wire.MAX_TEXT + 1),
    "a long list": [0] * (wire.MAX_NODES + 1),
    "many commas": "," * (wire.MAX_MARKS + 1),
    "many tensors": [torch.zeros(())] * (wire.MAX_TENSORS + 1),
    "many axes": torch.zeros([1] * (wire.MAX_AXES + 1)),
}


@pytest.mark.parametrize("value", NOT_SENT.values(), ids=NOT_SENT.keys())
def test_what_cannot_be_sent_is_refused_with_a_sentence(value: Any) -> None:
    with pytest.raises(Fault, match=r"^[A-Z].*\.$") as caught:
        wire.encode(value)
    assert caught.value.kind == "refused"


def test_nesting_without_end_is_refused_and_not_followed() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(Fault, match="nested"):
        wire.encode(endless)


def by_hand(header: Any, body: bytes = b"", *, lengths: tuple[int, int] | None = None, magic: bytes = b"DLVM") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return wire.PREFIX.pack(magic, *(lengths or (len(text), len(body)))) + text + body


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "a part of the lengths": by_hand([1, []])[:10],
    "a pickle": pickle.dumps(os.getcwd),
    "another magic": by_hand([1, []], magic=b"PICK"),
    "a header of 4 GiB": by_hand([1, []], lengths=(2**32 - 1, 0)),
    "a body of 2⁶⁴ bytes": by_hand([1, []], lengths=(7, 2**64 - 1)),
    "less than it says": by_hand([1, []], lengths=(8, 0)),
    "more than it says": by_hand([1, []]) + b"x",
    "no JSON": by_hand(b"[1,"),
    "no text": by_hand(b'["\xff", []]'),
    "UTF-16": by_hand('["a", []]'.encode("utf-16")),
    "no table": by_hand([1]),
    "a table that is none": by_hand([1, {"d": []}]),
    "nesting of JSON": by_hand(b"[" * 100_000 + b"]" * 100_000),
    "nesting of values": by_hand([json.loads("[" * 40 + "]" * 40), []]),
    "many entries": by_hand([[0] * (wire.MAX_NODES + 1), []]),
    "more entries than anybody reads": by_hand(b"[[" + b"0," * 4_000_000 + b"0],[]]"),
    "a bare NaN": by_hand(b"[NaN,[]]"),
    "a bare -Infinity": by_hand(b"[-Infinity,[]]"),
    "a number beyond floats": by_hand(b"[1e999,[]]"),
    "an integer of a million digits": by_hand(b"[" + b"9" * 1_000_000 + b",[]]"),
    "an integer of 1001 bits": by_hand([2**1000, []]),
    "an object with two keys": by_hand(b'[{"t":0,"h":1},[]]'),
    "an object with one key twice": by_hand(b'[{"h":0,"h":1},[]]'),
    "an object with no key": by_hand(b"[{},[]]"),
    "an unknown tag": by_hand([{"pickle": "gASV"}, []]),
    "a dict with one key twice": by_hand([{"d": ["a", 1, "a", 2]}, []]),
    "a dict with keys that become one": by_hand([{"d": ["\ud800", 1, "\udfff", 2]}, []]),
    "a dict with a key and no value": by_hand([{"d": ["a"]}, []]),
    "a dict with a number for a key": by_hand([{"d": [1, 1]}, []]),
    "a special float that is none": by_hand([{"f": "1"}, []]),
    "a handle that is none": by_hand([{"h": "1"}, []]),
    "a handle that is true": by_hand([{"h": True}, []]),
    "a negative handle": by_hand([{"h": -1}, []]),
    "a huge handle": by_hand([{"h": 2**31}, []]),
    "a tensor that is not there": by_hand([{"t": 0}, []]),
    "a tensor twice": by_hand([[{"t": 0}, {"t": 0}], [["uint8", [1]]]], b"x"),
    "a negative tensor": by_hand([{"t": -1}, [["uint8", [1]]]], b"x"),
    "an unknown dtype": by_hand([{"t": 0}, [["object", [1]]]], b"x" * 8),
    "a complex dtype": by_hand([{"t": 0}, [["complex64", [1]]]], b"x" * 8),
    "too few bytes": by_hand([{"t": 0}, [["float32", [2]]]], b"x" * 7),
    "too many bytes": by_hand([{"t": 0}, [["float32", [2]]]], b"x" * 9),
    "bytes without a tensor": by_hand([0, []], b"x"),
    "a negative axis": by_hand([{"t": 0}, [["uint8", [-1]]]]),
    "two negative axes": by_hand([{"t": 0}, [["uint8", [-1, -4]]]], b"xxxx"),
    "an axis of true": by_hand([{"t": 0}, [["uint8", [True]]]], b"x"),
    "an axis of 1.0": by_hand([{"t": 0}, [["uint8", [1.0]]]], b"x"),
    "a huge axis": by_hand([{"t": 0}, [["uint8", [2**62, 4]]]]),
    "huge axes and an empty one": by_hand([{"t": 0}, [["uint8", [2**39, 2**39, 2**39, 0]]]]),
    "many axes": by_hand([{"t": 0}, [["uint8", [1] * 17]]], b"x"),
    "an entry that is no list": by_hand([0, [1]]),
    "many tensors": by_hand([0, [["uint8", [0]]] * 5000]),
    "a truth value of 2": by_hand([{"t": 0}, [["bool", [1]]]], b"\x02"),
}


@pytest.mark.parametrize("malformed", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_a_frame_is_refused_with_a_sentence(malformed: bytes) -> None:
    with pytest.raises(Fault, match=r"^[A-Z].*\.$") as caught:
        wire.decode(malformed)
    assert caught.value.kind == "refused"


@given(VALUES, st.data())
def test_a_damaged_frame_is_refused_or_is_another_frame(value: Any, data: st.DataObject) -> None:
    damaged = bytearray(frame(value))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Fault):  # and no other exception
        frame(wire.decode(damaged))  # whatever is accepted is a value that can be sent


def test_a_lone_surrogate_becomes_a_character_that_can_be_stored() -> None:
    text = wire.decode(by_hand(["a\ud800b", []]))
    assert text == "a\ufffdb"
    text.encode()


# ---- channels ----------------------------------------------------------------------------------------------------------


def sockets() -> tuple[wire.Channel, wire.Channel, Callable[[bytes], Any]]:
    one, other = socket.socketpair()
    return wire.SocketChannel(one, 1 << 20), wire.SocketChannel(other, 1 << 20), other.sendall


def pipes() -> tuple[wire.Channel, wire.Channel, Callable[[bytes], Any]]:
    there, back = os.pipe(), os.pipe()
    ends = (back[0], "rb"), (there[1], "wb"), (there[0], "rb"), (back[1], "wb")
    here_in, here_out, there_in, there_out = (os.fdopen(number, mode, buffering=0) for number, mode in ends)
    here, other = wire.PipeChannel(here_in, here_out, 1 << 20), wire.PipeChannel(there_in, there_out, 1 << 20)
    return here, other, there_out.write


@pytest.fixture(params=[sockets, pipes])
def channels(request: pytest.FixtureRequest) -> Any:
    here, there, write = request.param()
    yield here, there, write
    here.close()
    there.close()


def test_a_channel_carries_more_than_its_buffer_holds(channels: Any) -> None:
    here, there, _ = channels
    value = {"x": torch.arange(100_000.0), "y": "text" * 1000}
    sender = threading.Thread(target=here.send, args=(value,))
    sender.start()
    assert same(there.receive(), value)
    sender.join()


def test_a_refused_value_leaves_the_channel_as_it_was(channels: Any) -> None:
    here, there, _ = channels
    with pytest.raises(Fault, match="too large"):
        here.send(torch.zeros(1 << 19))
    here.send("next")
    assert there.receive() == "next"


@pytest.mark.parametrize(("limit", "value"), [("MARKS", [{"a": 0}] * 50), ("BYTES", torch.zeros(100))])
def test_all_that_comes_on_one_channel_is_limited_too(
    limit: str, value: Any, channels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One frame is read within a second, but a judge asks hundreds of times."""
    here, there, _ = channels
    monkeypatch.setattr(wire, f"MAX_{limit}_IN_ALL", 1000)
    there.allowance = wire.Allowance()
    for _ in range(2):
        here.send(value)
        assert same(there.receive(), value)
    for _ in range(5):
        here.send(value)
    with pytest.raises(Fault, match="all of them together"):
        list(iter(there.receive, None))


@pytest.mark.parametrize(
    "sent", [b"", b"DLVM", frame([1, "two", torch.zeros(3)])[:-1]], ids=["nothing", "start", "part"]
)
def test_an_end_in_the_middle_of_a_frame_is_a_fault(channels: Any, sent: bytes) -> None:
    here, there, write = channels
    write(sent)
    there.close()
    with pytest.raises(Fault) as caught:
        here.receive()
    assert caught.value.kind == "died"


def test_lengths_beyond_the_bounds_are_refused_before_memory_is_asked_for(channels: Any) -> None:
    here, _, write = channels
    write(wire.PREFIX.pack(b"DLVM", 100, 1 << 62))
    with pytest.raises(Fault, match="too large"):  # and nobody waits for bytes that never come
        here.receive()


def test_sending_to_nobody_is_a_fault(channels: Any) -> None:
    here, there, _ = channels
    there.close()
    with pytest.raises(Fault) as caught:
        here.send("x" * 1_000_000)
    assert caught.value.kind == "died"


def test_patience_ends_the_waiting_for_a_slow_reader_and_for_a_slow_writer() -> None:
    class Over(Exception):
        pass

    asked = []

    def patience() -> float:
        asked.append(1)
        if len(asked) > 3:
            raise Over
        return 0.001

    here, there, write = sockets()
    write(b"DLVM")
    with pytest.raises(Over):
        here.receive(patience)
    asked.clear()
    with pytest.raises(Over):
        here.send(torch.zeros(200_000), patience)
    here.close()
    there.close()
