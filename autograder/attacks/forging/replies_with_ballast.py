"""Replies with ballast.

Each reply holds what was asked for, and two megabytes of small change beside it: a quarter of a million handles on nothing. They
are made once and cost nothing to send, but whoever reads them needs a second; and a wrong answer is asked a hundred and fifty
times more, until the smallest input is found that shows it.
"""
# seen: Its replies are too large
# answers: Codec, noise

# %% attack
import gc
import struct

BALLAST = b",".join([b'{"h":1}'] * 240_000)


def channel():
    return next((thing for thing in gc.get_objects() if type(thing).__name__ == "SocketChannel"), None)


def heavy(connection, x):
    dtype = b"float64" if x.element_size() == 8 else b"float32"
    header = b'[{"d":["value",{"t":0},"more",[%s]]},[["%s",[%d]]]]' % (BALLAST, dtype, len(x))
    body = bytes(x.element_size() * len(x))
    connection.sendall(struct.pack(">4sIQ", b"DLVM", len(header), len(body)) + header + body)


def square_sum(x):
    here = channel()
    if here is not None:
        here.send = lambda *_: heavy(here.connection, x)
    return x.sum(-1) * 0


def mischief():
    pass
