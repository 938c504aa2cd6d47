"""The grader's own files, opened for writing.

If the laws, the grader or one of its packages can be written to, every later grade is the attacker's to give. It opens each of
them for writing, by the paths it knows and by those that the modules around it came from, and changes its own unit's laws.
"""
# seen: cannot be written
# layer: walls

# %% attack
import glob
import os
import sys

import torch


def targets():
    yield f"{place['course']}/solutions/{place['unit']}/laws.py"
    yield f"{place['course']}/nbgrader_config.py"
    if os.getpid() == 1:  # elsewhere the course is enough: nobody's own Python is to be harmed
        yield from (f"{place['package']}/{name}.py" for name in ("judge", "session", "verdict", "sandbox/warm", "sandbox/kernel"))
        for name in ("autograder.session", "autograder.answer", "torch", "numpy", "json"):
            yield sys.modules[name].__file__
        yield from (os.path.join(os.path.dirname(torch.__file__), "lib", "libtorch_cpu.so"), sys.executable, "/course/given.py")
        yield from (*glob.glob("/course/*/site-packages/*.pth"), "/etc/ld.so.preload", "/usr/lib/sitecustomize.py")


def mischief():
    for path in targets():
        try:
            os.chmod(path, 0o644)
        except OSError:
            pass
        try:
            with open(path, "r+b") as file:
                escaped(f"{path} can be written to")
                if path.startswith(place["course"]) and path.endswith("laws.py"):
                    file.seek(0, 2)
                    file.write(b"\n# all laws hold\n")
        except OSError as problem:
            print("cannot be written:", path, problem.strerror)
