"""A socket that has a path.

Containers, desktops, key agents and databases listen on sockets in the file system, and no rule about networks concerns them.
The attack connects to one whose path it knows, and to whatever else it finds in the usual places.
"""
# seen: no such door
# layer: walls

# %% attack
import glob
import os
import socket


def mischief():
    usual = ["/var/run/docker.sock", "/run/dbus/system_bus_socket", "/run/systemd/notify", *glob.glob("/tmp/*sock*")]
    usual *= os.getpid() == 1  # elsewhere one is enough: nobody's own doors are to be knocked at
    for path in [place["doors"].get("unix", "/door"), *usual]:
        with socket.socket(socket.AF_UNIX) as door:
            try:
                door.settimeout(1)
                door.connect(path)
                escaped(f"a socket behind {path} answered")
            except OSError as problem:
                print("no such door:", path, problem)
