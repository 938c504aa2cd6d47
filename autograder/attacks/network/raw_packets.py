"""Packets written by hand.

Who may write packets by hand may lie about where they come from, and read those of others as they pass. The attack asks for
raw and packet sockets, for one that replies to pings, and for those of rarer protocols that a kernel would load on demand.
"""
# seen: no raw socket
# layer: privileges

# %% attack
import socket

KINDS = {
    "raw": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP), "raw IPv6": (socket.AF_INET6, socket.SOCK_RAW, 58),
    "packets": (17, socket.SOCK_RAW, 0x0300), "packet headers": (17, socket.SOCK_DGRAM, 0x0300),
    "xdp": (44, socket.SOCK_RAW, 0), "bluetooth": (31, socket.SOCK_RAW, 1), "can": (29, socket.SOCK_RAW, 1), "tipc": (30, 1, 0),
}  # fmt: skip


def mischief():
    for name, kind in KINDS.items():
        try:
            socket.socket(*kind).close()
            escaped(f"a socket for {name}")
        except OSError as problem:
            print("no raw socket:", name, problem)
