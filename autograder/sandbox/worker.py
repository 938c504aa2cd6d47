"""The loop at the other end of a channel: requests in, replies of a `Session` out. And the plain process that runs it."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

from autograder.answer import Fault
from autograder.sandbox.limits import Limits, impose
from autograder.sandbox.wire import Channel, PipeChannel
from autograder.session import Session


def serve(channel: Channel, session: Session) -> None:
    """Answer requests until the other side hangs up."""
    channel.send({"ready": True})
    while True:
        try:
            request = channel.receive()
        except Fault:
            return
        try:
            reply = session.handle(request)
        except BaseException as problem:  # whatever a student's code did to us, there is a reply
            reply = failed("raised", f"{type(problem).__name__} while answering.")
        try:
            channel.send(reply)
        except Fault as fault:
            if fault.kind == "died":
                return
            channel.send(failed(fault.kind, fault.message))
        except MemoryError:
            channel.send(failed("memory_limit", "The reply needs more memory than is allowed."))
        except BaseException as problem:  # an object whose methods raise; nothing was sent yet
            channel.send(failed("refused", f"The reply cannot be sent: {type(problem).__name__} while encoding it."))


def failed(kind: str, message: str) -> dict[str, Any]:
    return {"fault": {"kind": kind, "message": message, "where": ""}}


def seed_all() -> None:
    """Every session starts from the same random state, so that grading twice gives the same."""
    import numpy
    import torch

    random.seed(0)
    numpy.random.seed(0)  # noqa: NPY002 (the old global generator is what a student's code may use)
    torch.manual_seed(0)


def main() -> None:
    """A plain process: requests on standard input, replies on standard output."""
    configuration = json.loads(sys.argv[1])
    # Whatever a student's code prints, at whatever level, must not get between the frames.
    reader, writer = (os.fdopen(os.dup(number), mode, buffering=0) for number, mode in ((0, "rb"), (1, "wb")))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    if os.name == "nt":  # text mode would turn \n into \r\n
        import msvcrt

        for pipe in (reader, writer):
            msvcrt.setmode(pipe.fileno(), os.O_BINARY)  # type: ignore[attr-defined]
    limits = Limits(**configuration["limits"])
    given = configuration["given"]
    impose(limits, address_space=False)
    seed_all()
    serve(
        PipeChannel(reader, writer, limits.reply_bytes),
        Session(Path(given) if given else None, call_seconds=limits.call_seconds),
    )


if __name__ == "__main__":
    main()
