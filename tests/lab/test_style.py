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


def test_importing_the_helpers_of_a_notebook_loads_neither_matplotlib_nor_another_room_of_ours() -> None:
    code = (
        "import sys; from lab import kl_figures, show, small_model; "
        "print(*sorted({'matplotlib', 'autograder', 'reference'} & {name.split('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert loaded.stdout.split() == []
