"""A socket to the host of a virtual machine.

Graders often run in virtual machines, and these have a road to their host, vsock, that is no network: no namespace and no
firewall concerns it. The attack opens such a socket and asks which address it has; from there `connect((2, port))` reaches
whatever the host listens with.
"""
# seen: no road to a host
# layer: system calls

# %% attack
import socket


def mischief():
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        try:
            with socket.socket(40, kind) as road:
                escaped(f"a socket to the host of this machine: {road}")
        except OSError as problem:
            print("no road to a host:", problem)
