"""What can be seen inside: Python, its packages, our own worker, `lab`, the unit's given.py. All read-only, nothing else.

The interpreter is run by its real path and told its search path, so that neither a virtual environment's links nor an
editable install's hooks have to be understood. Packages are shown at places of their own: the repository does not become
visible, wherever the environment lies.
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
"""Shared libraries; and what torch asks about the processor on some machines before it takes the fast road."""
DEVICES = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")
"""No /dev/zero: what is mapped from there and shared is memory that no limit counts."""
PACKAGES = Path(__file__).parents[1]


def executable() -> Path:
    return Path(os.path.realpath(sys.executable))


def interpreter() -> list[Path]:
    """What Python itself consists of. It stays at its own place, which is compiled into it."""
    base = {"base": sys.base_prefix, "installed_base": sys.base_prefix, "platbase": sys.base_exec_prefix}
    library = sysconfig.get_config_var("LIBDIR") or "/usr/lib"  # where libpython is, if there is one
    paths = [executable(), *(sysconfig.get_path(name, vars=base) for name in ("stdlib", "platstdlib")), library]
    return list(dict.fromkeys(path for path in map(Path, paths) if path.exists()))


def site_directories() -> dict[Path, Path]:
    """The folders of installed packages that this process uses, and the one that torch came from; and where each is inside.

    They move: what lies under /tmp here, a trial environment say, would vanish behind a submission's own /tmp.
    """
    folders = [Path(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    folders += [location.parent for name in ("torch", "numpy") if (location := package(name)) is not None]
    different = dict.fromkeys(folder for folder in folders if folder.is_dir())
    return {folder: COURSE / str(number) / "site-packages" for number, folder in enumerate(different)}


def search_path() -> list[str]:
    """What Python inside finds its packages by."""
    return [str(COURSE), *map(str, site_directories().values())]


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

    def hide(folder: Path) -> None:
        shown[folder] = ["--tmpfs", str(folder)]

    for name in LIBRARIES:
        path = Path(name)
        if path.is_symlink():
            shown[path] = ["--symlink", os.readlink(path), name]
        elif path.exists():
            show(path)
    for path in interpreter():
        show(path)
    # Should the repository, or an installed copy of it, lie within something shown so far, it is covered up.
    for folder in (PACKAGES, PACKAGES.parent):
        if any(folder.is_relative_to(path) for path in shown if folder not in shown):
            hide(folder)
    for folder, at in site_directories().items():
        show(folder, at)
        if (folder / "autograder").is_dir():
            hide(at / "autograder")
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
