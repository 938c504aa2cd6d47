"""What crosses the wall: plain values and tensors, as JSON and raw bytes. Never pickle.

A frame is `DLVM`, the header's length, the body's length, then the header and the body. The header is ASCII JSON: a value
and a table of (dtype, shape), one entry a tensor; the body is the tensors' bytes one after the other. In the value,
null, true, numbers, strings and arrays mean themselves; everything else is an object with exactly one key:

    {"d": [key, value, key, value, …]}   a dict        {"f": "nan"}   nan, inf or -inf
    {"t": 3}                             tensor no. 3  {"h": 7}       a handle on an object that stays inside

The process that decides reads frames from a process that may be hostile, so nothing is believed: lengths are checked before
memory is asked for, the number of nodes before the JSON is parsed, every shape against the bytes that came. Whatever is
not exactly a frame is a `Fault("refused", …)` whose sentence says why.
"""

from __future__ import annotations

import json
import math
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

import torch

from autograder.answer import Fault, Handle

MAGIC = b"DLVM"
PREFIX = struct.Struct(">4sIQ")
MAX_BYTES = 64 << 20
"""Tensor bytes of one frame, unless a channel says otherwise."""
MAX_HEADER = 8 << 20
MAX_NODES = 250_000
MAX_MARKS = 3 * MAX_NODES
MAX_MARKS_IN_ALL = 1_000_000
MAX_BYTES_IN_ALL = 2 << 30
"""What all frames of one channel may hold together: each is read within a second, but by somebody who has hundreds to read."""
MAX_TEXT = 4 << 20
MAX_DEPTH = 32
MAX_TENSORS = 4096
MAX_AXES = 16
MAX_INTEGER = 1 << 1000
"""Larger integers do not become a float, and laws compare as floats."""
MAX_HANDLE = 1 << 31

DTYPES: dict[str, torch.dtype] = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.float64, torch.float32, torch.float16, torch.bfloat16,
        torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool,
    )
}  # fmt: skip
NAMES = {dtype: name for name, dtype in DTYPES.items()}
SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}

Buffer = bytes | bytearray | memoryview


def refuse(sentence: str) -> NoReturn:
    raise Fault("refused", sentence)


# ---- from a value to a frame -----------------------------------------------------------------------------------------


def encode(value: Any, max_bytes: int = MAX_BYTES) -> list[Buffer]:
    """The frame of `value`, in pieces to be sent one after the other."""
    writer = _Writer()
    plain = writer.plain(value, 0)
    header = json.dumps([plain, writer.table], separators=(",", ":"), allow_nan=False).encode("ascii")
    size = sum(len(piece) for piece in writer.body)
    if len(header) > MAX_HEADER or size > max_bytes or marks(header) > MAX_MARKS:
        refuse(f"A value of {len(header) + size:,} bytes is too large to send: at most {max_bytes:,} can be.")
    return [PREFIX.pack(MAGIC, len(header), size) + header, *writer.body]


class _Writer:
    """Turns a value into plain JSON, setting its tensors aside."""

    def __init__(self) -> None:
        self.table: list[list[Any]] = []
        self.body: list[Buffer] = []
        self.nodes = 0

    def plain(self, value: Any, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            refuse(f"A value of more than {MAX_NODES:,} entries is too large to send; return a tensor instead.")
        if depth > MAX_DEPTH:
            refuse(f"A value nested more than {MAX_DEPTH} deep cannot be sent.")
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            if abs(value) >= MAX_INTEGER:
                refuse("An integer of more than 1000 bits cannot be sent.")
            return int(value)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else {"f": str(float(value))}
        if isinstance(value, str):
            if len(value) > MAX_TEXT:
                refuse(f"A text of {len(value):,} characters cannot be sent: at most {MAX_TEXT:,} can.")
            return str(value)
        if isinstance(value, list | tuple):
            return [self.plain(item, depth + 1) for item in value]
        if isinstance(value, dict):
            pairs: list[Any] = []
            for key, item in value.items():
                if not isinstance(key, str):
                    refuse(f"A dict's keys must be strings to be sent, not {type(key).__name__}.")
                pairs += [self.plain(key, depth + 1), self.plain(item, depth + 1)]
            return {"d": pairs}
        if isinstance(value, torch.Tensor):
            return {"t": self.tensor(value)}
        if isinstance(value, Handle):
            return {"h": value.id}
        refuse(f"A {type(value).__name__} cannot be sent: only tensors, numbers, strings, lists and dicts can.")

    def tensor(self, value: torch.Tensor) -> int:
        if value.dtype not in NAMES:
            refuse(f"A tensor of dtype {value.dtype} cannot be sent: its dtype must be one of {', '.join(DTYPES)}.")
        if value.layout != torch.strided or value.dim() > MAX_AXES or len(self.table) >= MAX_TENSORS:
            refuse(f"Only dense tensors of at most {MAX_AXES} axes can be sent, and at most {MAX_TENSORS} at once.")
        value = value.detach().cpu().contiguous()
        self.table.append([NAMES[value.dtype], list(value.shape)])
        flat = value.reshape(-1)
        if (
            flat.stride(0) != 1
        ):  # a single number counts as contiguous whatever its stride, and cannot be seen as bytes then
            flat = flat.clone(memory_format=torch.contiguous_format)
        self.body.append(flat.view(torch.uint8).numpy().data)
        return len(self.table) - 1


# ---- from a frame to a value -----------------------------------------------------------------------------------------


def decode(frame: Buffer, max_bytes: int = MAX_BYTES) -> Any:
    """The value of one whole frame."""
    if len(frame) < PREFIX.size:
        refuse("The frame ends before its lengths.")
    header_size, body_size = lengths(bytes(frame[: PREFIX.size]), max_bytes)
    if len(frame) != PREFIX.size + header_size + body_size:
        refuse("The frame is not as long as it says.")
    start = PREFIX.size + header_size
    return value_of(bytes(frame[PREFIX.size : start]), bytearray(frame[start:]))


def lengths(prefix: bytes, max_bytes: int = MAX_BYTES) -> tuple[int, int]:
    """(header, body) of the frame that begins so; refused before anybody asks for that much memory."""
    magic, header, body = PREFIX.unpack(prefix)
    if magic != MAGIC:
        refuse("What came is not a frame.")
    if header > MAX_HEADER or body > max_bytes:
        refuse(f"A reply of {header + body:,} bytes is too large: at most {max_bytes:,} are read.")
    return header, body


def value_of(header: bytes, body: bytearray) -> Any:
    """The value that a header and a body stand for."""
    if marks(header) > MAX_MARKS:
        refuse(f"The reply has more than {MAX_NODES:,} entries.")
    try:
        parsed = json.loads(
            header.decode("ascii"),
            object_pairs_hook=_tagged, parse_int=_integer, parse_float=_float, parse_constant=_constant,
        )  # fmt: skip
    except RecursionError:
        refuse("The reply is nested too deeply.")
    except ValueError as problem:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        refuse(f"The reply's header is not JSON ({type(problem).__name__}).")
    if not (isinstance(parsed, list) and len(parsed) == 2 and isinstance(parsed[1], list)):
        refuse("The reply's header is not a value and a table of tensors.")
    reader = _Reader(_tensors(parsed[1], body))
    return reader.value(parsed[0], 0)


def marks(header: bytes) -> int:
    """At least the number of nodes of a JSON text, known before it is parsed: each but the first follows one of these."""
    return header.count(b",") + header.count(b"[") + header.count(b"{")


class _Tagged:
    """A JSON object, of which there is only one form: one known key."""

    __slots__ = ("content", "tag")

    def __init__(self, tag: str, content: Any) -> None:
        self.tag, self.content = tag, content


def _tagged(pairs: list[tuple[str, Any]]) -> _Tagged:
    if len(pairs) != 1 or pairs[0][0] not in ("d", "f", "t", "h"):
        refuse("The reply's header holds an object of a form that is not known.")
    return _Tagged(*pairs[0])


def _integer(digits: str) -> int:
    number = int(digits) if len(digits) <= 310 else MAX_INTEGER
    if abs(number) >= MAX_INTEGER:
        refuse("The reply holds an integer of more than 1000 bits.")
    return number


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        refuse("The reply holds a number that is too large for a float.")
    return number


def _constant(name: str) -> NoReturn:
    refuse(f"The reply's header holds a bare {name}.")


def _tensors(table: list[Any], body: bytearray) -> list[torch.Tensor]:
    """The tensors of the table, each in memory of its own; together they use up the body exactly."""
    if len(table) > MAX_TENSORS:
        refuse(f"The reply holds more than {MAX_TENSORS} tensors.")
    tensors, start = [], 0
    for entry in table:
        if not (
            isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str) and isinstance(entry[1], list)
        ):
            refuse("The reply's table of tensors has an entry that is not a dtype and a shape.")
        name, shape = entry
        if name not in DTYPES:
            refuse(f"The reply holds a tensor of an unknown dtype; known are {', '.join(DTYPES)}.")
        if len(shape) > MAX_AXES or not all(type(size) is int and 0 <= size < 1 << 40 for size in shape):
            refuse("The reply holds a tensor whose shape is not one.")
        if math.prod(max(size, 1) for size in shape) >= 1 << 40:  # an empty tensor's strides must fit as well
            refuse("The reply holds a tensor whose shape is too large.")
        dtype = DTYPES[name]
        count = math.prod(shape)
        size = count * dtype.itemsize
        if start + size > len(body):
            refuse("The reply holds fewer tensor bytes than its shapes need.")
        if count == 0:
            tensors.append(torch.empty(shape, dtype=dtype))
        else:
            raw = torch.frombuffer(body, dtype=torch.uint8, count=size, offset=start).clone()
            if dtype is torch.bool and int(raw.max()) > 1:
                refuse("The reply holds a truth value that is neither 0 nor 1.")
            tensors.append(raw.view(dtype).reshape(shape))
        start += size
    if start != len(body):
        refuse("The reply holds more tensor bytes than its shapes need.")
    return tensors


class _Reader:
    """Turns parsed JSON into a value, giving each tensor away once."""

    def __init__(self, tensors: list[torch.Tensor]) -> None:
        self.tensors: dict[int, torch.Tensor] = dict(enumerate(tensors))
        self.nodes = 0

    def value(self, plain: Any, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            refuse(f"The reply has more than {MAX_NODES:,} entries or is nested more than {MAX_DEPTH} deep.")
        if isinstance(plain, str):
            return _text(plain)
        if isinstance(plain, list):
            return [self.value(item, depth + 1) for item in plain]
        if isinstance(plain, _Tagged):
            return self.tagged(plain.tag, plain.content, depth)
        return plain  # None, a bool, an int or a float: JSON has nothing else

    def tagged(self, tag: str, content: Any, depth: int) -> Any:
        if tag == "d" and isinstance(content, list) and len(content) % 2 == 0:
            result: dict[str, Any] = {}
            for key, item in zip(content[::2], content[1::2], strict=True):
                if not isinstance(key, str) or (key := self.value(key, depth + 1)) in result:
                    refuse("The reply holds a dict whose keys are not different strings.")
                result[key] = self.value(item, depth + 1)
            return result
        if tag == "f" and isinstance(content, str) and content in SPECIAL:
            return SPECIAL[content]
        if tag == "t" and type(content) is int and content in self.tensors:
            return self.tensors.pop(content)
        if tag == "h" and type(content) is int and 0 <= content < MAX_HANDLE:
            return Handle(content)
        refuse("The reply's header holds an object of a form that is not known.")


def _text(text: str) -> str:
    """A string that can be printed and stored: lone surrogates, which UTF-8 has no bytes for, become �."""
    if len(text) > MAX_TEXT:
        refuse(f"The reply holds a text of more than {MAX_TEXT:,} characters.")
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# ---- sending and receiving -------------------------------------------------------------------------------------------

Patience = Callable[[], float]
"""How many seconds to wait before asking again; raises a Fault when the waiting is over."""


class Allowance:
    """What may still come on a channel. Reading costs the reader's time, which no limit on the other side counts."""

    def __init__(self) -> None:
        self.bytes, self.marks = MAX_BYTES_IN_ALL, MAX_MARKS_IN_ALL

    def take(self, size: int = 0, entries: int = 0) -> None:
        self.bytes -= size
        self.marks -= entries
        if self.bytes < 0 or self.marks < 0:
            refuse("Its replies are too large, all of them together.")


class Channel(Protocol):
    """Carries values both ways. `send` refuses before the first byte goes out, so a refused value breaks nothing."""

    def send(self, value: Any, patience: Patience | None = None) -> None: ...

    def receive(self, patience: Patience | None = None) -> Any: ...

    def close(self) -> None: ...


class SocketChannel:
    """A channel over a connected stream socket. Without `patience` it waits for ever."""

    def __init__(self, connection: socket.socket, max_bytes: int = MAX_BYTES) -> None:
        self.connection, self.max_bytes, self.allowance = connection, max_bytes, Allowance()
        self.waited = 0.0
        """Seconds spent waiting for the other side, as opposed to reading what it sent."""

    def send(self, value: Any, patience: Patience | None = None) -> None:
        pieces = [memoryview(piece) for piece in encode(value, self.max_bytes)]
        while pieces:
            sent = self._ready(lambda: self.connection.sendmsg(pieces[:64]), patience)
            while pieces and sent >= len(pieces[0]):
                sent -= len(pieces.pop(0))
            if pieces:
                pieces[0] = pieces[0][sent:]

    def receive(self, patience: Patience | None = None) -> Any:
        header_size, body_size = lengths(bytes(self._exactly(PREFIX.size, patience)), self.max_bytes)
        self.allowance.take(size=header_size + body_size)
        header = bytes(self._exactly(header_size, patience))
        self.allowance.take(entries=marks(header))
        return value_of(header, self._exactly(body_size, patience))

    def _exactly(self, size: int, patience: Patience | None) -> bytearray:
        data = bytearray(size)
        rest = memoryview(data)
        while rest:
            count = self._ready(lambda: self.connection.recv_into(rest), patience)  # noqa: B023 (called at once)
            if not count:
                raise Fault("died", "Its process ended before it answered.")
            rest = rest[count:]
        return data

    def _ready(self, action: Callable[[], int], patience: Patience | None) -> int:
        while True:
            self.connection.settimeout(None if patience is None else max(patience(), 1e-3))
            began = time.monotonic()
            try:
                return action()
            except TimeoutError:
                continue
            except OSError as problem:
                raise Fault("died", "Its process ended before it answered.") from problem
            finally:
                self.waited += time.monotonic() - began

    def close(self) -> None:
        self.connection.close()


class PipeChannel:
    """A channel over a pair of blocking pipes, for systems where nobody can wait for a pipe with a time limit.

    `patience` is not asked: whoever limits the time ends the process at the other end, which ends the waiting.
    """

    def __init__(self, reader: Any, writer: Any, max_bytes: int = MAX_BYTES) -> None:
        self.reader, self.writer, self.max_bytes, self.allowance = reader, writer, max_bytes, Allowance()

    def send(self, value: Any, patience: Patience | None = None) -> None:
        del patience
        pieces = encode(value, self.max_bytes)
        try:
            for piece in pieces:
                rest = memoryview(piece)
                while rest:
                    rest = rest[self.writer.write(rest) or 0 :]
            self.writer.flush()
        except (OSError, ValueError) as problem:  # ValueError: the pipe was closed on our side
            raise Fault("died", "Its process ended before it answered.") from problem

    def receive(self, patience: Patience | None = None) -> Any:
        del patience
        header_size, body_size = lengths(bytes(self._exactly(PREFIX.size)), self.max_bytes)
        self.allowance.take(size=header_size + body_size)
        header = bytes(self._exactly(header_size))
        self.allowance.take(entries=marks(header))
        return value_of(header, self._exactly(body_size))

    def _exactly(self, size: int) -> bytearray:
        data = bytearray(size)
        rest = memoryview(data)
        while rest:
            try:
                count = self.reader.readinto(rest)
            except (OSError, ValueError):
                count = 0
            if not count:
                raise Fault("died", "Its process ended before it answered.")
            rest = rest[count:]
        return data

    def close(self) -> None:
        for pipe in (self.writer, self.reader):
            try:
                pipe.close()
            except OSError:  # what was left to write has nowhere to go
                pass
