"""A connection over IPv6.

Whoever closes the network by rules for IPv4 addresses often forgets that every machine has a second set of them. The attack
goes to ::1, and to the same port by an IPv4 address written in IPv6.
"""
# seen: nobody at tcp6
# layer: network

# %% attack
import socket


def mischief():
    for name, address in (("tcp6", "::1"), ("tcp", "::ffff:127.0.0.1")):
        try:
            with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as door:
                door.settimeout(1)
                door.connect((address, place["doors"][name]))
            escaped(f"a server answered at {address}")
        except (OSError, KeyError) as problem:
            print("nobody at tcp6:", problem)
