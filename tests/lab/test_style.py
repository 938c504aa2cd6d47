"""The house style stays in the house, and matplotlib loads when the first figure is drawn."""

from __future__ import annotations

import subprocess
import sys

import matplotlib

from lab.kl_figures import two_modes


def test_drawing_changes_nobodys_matplotlib_settings() -> None:
    before = dict(matplotlib.rcParams)
    two_modes()
    assert dict(matplotlib.rcParams) == before


def test_importing_the_helpers_of_a_notebook_does_not_load_matplotlib() -> None:
    code = "import sys; from lab import kl_figures, show; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_lab_stands_on_no_other_room_of_ours() -> None:
    code = (
        "import sys; from lab import kl_figures, show, small_model; kl_figures.two_modes();"
        "sys.exit(bool({'autograder', 'reference'} & {name.split('.')[0] for name in sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
