"""What can be seen inside: Python, its packages, our own worker, `lab`, the unit's given.py. All read-only, nothing else.

The interpreter is run by its real path and told its search path, so that neither a virtual environment's links nor an
editable install's hooks have to be understood: the repository never becomes visible, wherever the environment lies.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path

COURSE = Path("/course")
GIVEN = COURSE / "given.py"
WORKER = ("__init__.py", "answer.py", "session.py", "symbolic.py", "sandbox")
"""The parts of `autograder` that live in the sandbox. The judge, the laws' machinery and the gradebook do not."""
LIBRARIES = ("/lib", "/lib32", "/lib64", "/libx32", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32",
             "/etc/ld.so.cache", "/etc/alternatives", "/nix/store", "/gnu/store", "/sys/devices/system/cpu")  # fmt: skip
"""Shared libraries; and what torch asks about the processor (without it, it would take the slow road and round otherwise)."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
PACKAGES = Path(__file__).parents[1]


def executable() -> str:
    return os.path.realpath(sys.executable)


def search_path() -> list[str]:
    """What Python inside finds its packages by."""
    return [str(COURSE), *map(str, site_directories())]


def site_directories() -> list[Path]:
    """The folders of installed packages that this process uses, and the one that torch came from."""
    folders = [Path(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    folders += [location.parent for name in ("torch", "numpy") if (location := package(name)) is not None]
    return list(dict.fromkeys(folder for folder in folders if folder.is_dir()))


def package(name: str) -> Path | None:
    """Where a package's folder is, without importing it."""
    spec = importlib.util.find_spec(name)
    locations = list(spec.submodule_search_locations or []) if spec is not None else []
    return Path(locations[0]) if locations else None


def mounts(given: Path | None) -> list[str]:
    """bubblewrap's arguments for all this. What lies deeper is mounted later, so nothing is covered by accident."""
    shown: dict[Path, list[str]] = {}

    def show(path: Path, at: Path | None = None) -> None:
        shown[at or path] = ["--ro-bind", str(path), str(at or path)]

    for name in LIBRARIES:
        path = Path(name)
        if path.is_symlink():
            shown[path] = ["--symlink", os.readlink(path), name]
        elif path.exists():
            show(path)
    base = {"base": sys.base_prefix, "installed_base": sys.base_prefix, "platbase": sys.base_exec_prefix}
    python = [Path(executable()), *(Path(sysconfig.get_path(name, vars=base)) for name in ("stdlib", "platstdlib"))]
    library = Path(sysconfig.get_config_var("LIBDIR") or "/usr/lib")  # where libpython is, if there is one
    for path in [*python, library, *site_directories()]:
        if path.exists():
            show(path)
    # Our own packages come from /course alone. Should the repository, or an installed copy, lie within something shown
    # above, it is covered up; what is shown of it (an environment in its folder) comes back on top, being deeper.
    for folder in [PACKAGES, PACKAGES.parent, package("lab")]:
        within = folder is not None and any(folder.is_relative_to(path) and folder != path for path in shown)
        if folder is not None and within and folder not in shown:
            shown[folder] = ["--tmpfs", str(folder)]
    for name in WORKER:
        if (PACKAGES / name).exists():
            show(PACKAGES / name, COURSE / "autograder" / name)
    show(PACKAGES / "sandbox" / "stand_in.py", COURSE / "autograder" / "in_notebook.py")
    lab = package("lab")
    if lab is not None:
        show(lab, COURSE / "lab")
    if given is not None:
        show(Path(given).resolve(), GIVEN)
    for name in DEVICES:
        shown[Path(name)] = ["--dev-bind", name, name]
    arguments = ["--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/dev", "--dir", "/dev/shm"]
    made = {Path("/"), Path("/proc"), Path("/tmp"), Path("/dev")}
    for path in sorted(shown, key=lambda path: len(path.parts)):
        for parent in reversed(path.parents):  # named one by one, because those left to bubblewrap open to root alone
            if parent not in made and not any(parent.is_relative_to(other) for other in made & shown.keys()):
                arguments += ["--dir", str(parent)]
                made.add(parent)
        arguments += shown[path]
        made.add(path)
    return [*arguments, "--remount-ro", "/dev", "--remount-ro", "/"]  # only /tmp can be written to
