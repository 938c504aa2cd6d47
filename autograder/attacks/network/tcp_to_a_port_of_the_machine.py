"""A connection over TCP.

A grader in a container usually shares the machine's network: databases, notebooks and the cloud's own address for credentials
listen there without a password. The attack connects to a port of this machine and says a word; a solution could be fetched,
or the graded inputs sent away, by the same road.
"""
# seen: nobody at tcp
# layer: network

# %% attack
import socket


def mischief():
    if "tcp" in place["doors"]:
        try:
            with socket.create_connection(("127.0.0.1", place["doors"]["tcp"]), timeout=1) as door:
                door.sendall(b"the first inputs were ...")
            escaped("a server on this machine answered over TCP")
        except OSError as problem:
            print("nobody at tcp:", problem)
