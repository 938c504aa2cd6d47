"""The walls stand whoever started the grading: root, whom limits on processes do not bind, or an ordinary user."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

from autograder.sandbox import find_bwrap

ROOT = Path(__file__).parents[2]
SOMEBODY = 1234
CHECKED = (
    "cannot_read or leaves_no_process or stop_or_signal or no_other_process or ordinary_user or no_file or environment "
    "or no_network or writes_nowhere or two_submissions or walls or privilege or fork_bomb or nobodys_data"
)


def opened_up() -> list[str]:
    """bubblewrap's arguments for a view of this machine in which Python and the repository are not under a closed folder.

    An environment in root's home, say, is nothing that an ordinary user could run.
    """
    arguments = ["--dev-bind", "/", "/"]
    needed = [Path(sys.base_prefix), Path(sys.prefix), Path(sysconfig.get_path("purelib")), ROOT]
    closed: dict[Path, list[Path]] = {}
    for path in needed:
        for parent in reversed(path.resolve().parents):
            if not parent.stat().st_mode & stat.S_IXOTH:
                closed.setdefault(parent, []).append(path.resolve())
                break
    for folder, inside in closed.items():
        arguments += ["--tmpfs", str(folder)]
        for path in inside:
            between = [
                parent for parent in reversed(path.parents) if parent.is_relative_to(folder) and parent != folder
            ]
            for parent in between:
                arguments += ["--dir", str(parent)]
            arguments += ["--ro-bind", str(path), str(path)]
    return arguments


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox needs Linux")
@pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() != 0, reason="an ordinary user runs all of these tests already"
)
def test_the_walls_stand_for_an_ordinary_user() -> None:
    bwrap = find_bwrap()
    assert bwrap is not None
    become = (
        f"import os, sys; os.setgroups([]); os.setresgid({SOMEBODY}, {SOMEBODY}, {SOMEBODY}); "
        f"os.setresuid({SOMEBODY}, {SOMEBODY}, {SOMEBODY}); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    )
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o777)
        tests = ["-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--basetemp", f"{home}/tests", "-k", CHECKED,
                 str(here / "test_isolation.py"), str(here / "test_limits.py")]  # fmt: skip
        done = subprocess.run(
            [bwrap, *opened_up(), "--chdir", str(ROOT), "--", sys.executable, "-c", become, *tests],
            env={"HOME": home, "PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1", "USER": "somebody"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
