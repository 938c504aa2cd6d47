"""Tables of absurd sizes.

A message says which tensors it holds, by dtype and shape. These say 2⁷⁸ numbers and one axis of none, so that no byte needs
to follow; an axis of 2⁶², an axis that is negative; a dtype of Python objects, whose bytes would be addresses; the same tensor
twice. A reader that makes the tensor first and looks at it later is lost.
"""
# seen: The reply holds a tensor whose shape is too large
# answers: none

# %% attack
import json
import os
import struct


def send(table, body=b"", value='{"t":0}'):
    header = ('[{"d":["value",' + value + "]}," + json.dumps(table) + "]").encode()
    try:
        os.write(3, struct.pack(">4sIQ", b"DLVM", len(header), len(body)) + header + body)
    except OSError as problem:
        print(problem)


def square_sum(x):
    send([["float64", [1 << 39, 1 << 39, 0]]])
    return x.sum(-1) * 0


class Codec:
    def __init__(self):
        send([["float64", [1 << 62, -1]]])


def noise(count):
    send([["object", [1]]], bytes(8), '[{"t":0},{"t":0}]')
    return [0.0] * count


def mischief():
    pass
