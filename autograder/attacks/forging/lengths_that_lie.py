"""Lengths that lie.

Every message begins with two lengths, made by `struct`. The attack replaces its packer: the first message says that exabytes
follow, the next that fewer bytes follow than do. A reader that believes it asks for the memory, or takes the rest of one message
for the beginning of the next.
"""
# seen: is too large: at most
# answers: none

# %% attack
import struct
import sys


class Liar:
    size = 16

    def __init__(self, change):
        self.change = change

    def pack(self, magic, header, body):
        return struct.pack(">4sIQ", magic, *self.change(header, body))

    def unpack(self, data):
        return struct.unpack(">4sIQ", data)


def lie(change):
    wire = sys.modules.get("autograder.sandbox.wire")
    if wire is not None:
        wire.PREFIX = Liar(change)


def square_sum(x):
    lie(lambda header, body: (header, 1 << 63))
    return x.sum(-1) * 0


class Codec:
    def __init__(self):
        lie(lambda header, body: (0xFFFFFFFF, body))


def noise(count):
    lie(lambda header, body: (header, body - 8))
    return [0.0] * count


def mischief():
    pass
