"""Train what an author hands in: `python tools/handed_in.py` writes solutions/vae/handed_in/vae.safetensors.

It is the solved notebook's own model, trained by its own loop, and small, so that it can be kept here: the audit tries the laws
about trained weights with it. Half precision is enough for that, and half the size.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import torch
from safetensors.torch import save_file

from autograder.demo.roster import solved_from
from autograder.notebook import cells_to_load
from autograder.session import Session

UNIT = Path(__file__).resolve().parent.parent / "solutions" / "vae"
LATENTS, HIDDEN, EPOCHS = 12, 48, 250


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    session = Session(given=UNIT / "given.py")
    session.load(cells_to_load(solved_from(nbformat.read(UNIT / "vae.ipynb", as_version=4))))
    names = session.names
    vae = names["VAE"](LATENTS, HIDDEN)
    names["train"](names["elbo"], names["train_step"], vae, EPOCHS)
    path = UNIT / "handed_in" / "vae.safetensors"
    path.parent.mkdir(exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in vae.state_dict().items()}, path)
    print(f"{path.relative_to(UNIT.parent.parent)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
