"""A socket that has only a name.

Abstract sockets have a name and no file, so that closing the file system does not close them: X servers and several container
managers listen on one. They belong to the network, and to everybody in it.
"""
# seen: nobody of that name
# layer: network

# %% attack
import socket


def mischief():
    for name in (place["doors"].get("abstract", "\0door"), "\0/tmp/.X11-unix/X0", "\0/containerd-shim/shim.sock"):
        with socket.socket(socket.AF_UNIX) as door:
            try:
                door.settimeout(1)
                door.connect(name)
                escaped(f"somebody listens under the name {name[1:]}")
            except OSError as problem:
                print("nobody of that name:", repr(name), problem)
