"""A talk with the kernel about the network.

Netlink sockets tell which addresses, routes and neighbours a machine has, and some kinds of them belong to the machine and not
to its networks. The attack asks for routes and links, listens to the news about devices, and puts up an interface of its own.
"""
# seen: netlink refused
# layer: system calls

# %% attack
import socket
import struct

KINDS = {"routes": 0, "sockets": 4, "audit": 9, "connector": 11, "device news": 15, "crypto": 21}


def mischief():
    for name, kind in KINDS.items():
        try:
            with socket.socket(16, socket.SOCK_RAW, kind) as kernel:
                kernel.settimeout(0.2)
                kernel.bind((0, 1 if name == "device news" else 0))
                if name == "routes":
                    kernel.send(struct.pack("IHHIIB3x", 20, 26, 0x301, 1, 0, 0))
                    print(len(kernel.recv(1 << 16)), "bytes about routes")
            escaped(f"the kernel talks about {name}")
        except OSError as problem:
            print("netlink refused:", name, problem)
