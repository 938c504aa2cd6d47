"""Two uses of an autoencoder, with the numbers that say how good they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from lab.autoencoder_figures.training import deep, part, trained
from lab.style import BLUE, GREEN, GREY, ORANGE, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Losses = Callable[..., Any]


@picture
def anomalies(reconstruction_losses: Losses, digit: int = 9, code: int = 10, epochs: int = 30) -> tuple[Figure, str]:
    """The squared errors of an autoencoder that has never met one of the digits, and of pictures that are no digits at all."""
    from sklearn.metrics import roc_auc_score

    if not 0 <= digit <= 9:
        raise ValueError(f"expected a digit from 0 to 9; got {digit}")
    model = trained(deep, code, "cross-entropy", reconstruction_losses, without=digit, epochs=epochs)
    pictures, labels = part("test")

    def errors(x: Tensor) -> Tensor:
        with torch.no_grad():
            return reconstruction_losses(model(x), x)[0]

    known, odd = pictures[labels != digit], pictures[labels == digit]
    turned = known.reshape(-1, 28, 28).rot90(1, (1, 2)).flatten(1)
    codes = model.codes(part("train", digit)[0])
    low, high = codes.amin(0), codes.amax(0)
    made = model.pictures(low + (high - low) * torch.rand(256, code, generator=torch.Generator().manual_seed(0)))
    groups = {
        "digits like those it has seen": (known, BLUE), f"{digit}, never seen": (odd, ORANGE),
        "turned by 90°": (turned, GREEN), "no digits: made from\nrandom codes": (made, GREY),
    }  # fmt: skip
    figure, axes = canvas(height=4.0)
    ax, usual, told = axes[0], errors(known), []
    for place, (name, (x, color)) in enumerate(groups.items()):
        found = errors(x)
        jitter = torch.rand(len(found), generator=torch.Generator().manual_seed(place)) * 0.6 - 0.3
        ax.scatter(found, -place + jitter, s=7, color=color, alpha=0.55, lw=0)
        ax.plot([float(found.median())] * 2, [-place - 0.38, -place + 0.38], color=color, lw=2.5)
        if place:
            labels_of = torch.cat([torch.zeros(len(usual)), torch.ones(len(found))])
            area = float(roc_auc_score(labels_of.numpy(), torch.cat([usual, found]).numpy()))
            beside(
                ax,
                f"AUC {area:.2f}",
                (1.0, -place),
                (4, 0),
                xycoords=("axes fraction", "data"),
                va="center",
                annotation_clip=False,
            )
            told.append(f"{name}: median {float(found.median()):.1f}, AUC {area:.2f}")
    ax.set_yticks([0, -1, -2, -3], list(groups))
    ax.set(xlabel="squared error, an image", xlim=(0, None))
    return (
        figure,
        f"Squared errors in four groups; known digits have the median {float(usual.median()):.1f}. {'; '.join(told)}.".replace(
            "\n", " "
        ),
    )


def nearest_mean(
    known: Float[Tensor, "m k"], labels: Int64[Tensor, "m"], fresh: Float[Tensor, "n k"]
) -> Int64[Tensor, "n"]:
    """The class whose mean is nearest."""
    means = torch.stack([known[labels == digit].mean(0) for digit in range(10)])
    return torch.cdist(fresh, means).argmin(1)


def logistic(
    known: Float[Tensor, "m k"], labels: Int64[Tensor, "m"], fresh: Float[Tensor, "n k"]
) -> Int64[Tensor, "n"]:
    """The class that logistic regression on standardised features finds most probable."""
    from sklearn.linear_model import LogisticRegression

    centre, width = known.mean(0), known.std(0).clamp_min(1e-3)
    model = LogisticRegression(max_iter=500).fit(((known - centre) / width).numpy(), labels.numpy())
    return torch.from_numpy(model.predict(((fresh - centre) / width).numpy()))


@picture
def classification(reconstruction_losses: Losses, few: int = 5, epochs: int = 30) -> tuple[Figure, str]:
    """How many test digits are classified rightly, from pixels and from codes, with few labels and with all of them."""
    if not 1 <= few <= 50:
        raise ValueError(f"expected 1 to 50 labels of each digit; got {few}")
    pictures, labels = part("train")
    fresh, truth = part("test")
    features = {"784 pixels": (pictures, fresh)}
    for code in (10, 2):
        model = trained(deep, code, "cross-entropy", reconstruction_losses, epochs=epochs)
        features[f"{code} numbers of code"] = (model.codes(pictures), model.codes(fresh))
    some = torch.cat([(labels == digit).nonzero()[:few, 0] for digit in range(10)])
    figure, axes = canvas(2, height=3.6)
    told = []
    for ax, rows, title in zip(
        axes, (some, torch.arange(len(labels))), (f"{few} labels of each digit", "all labels"), strict=True
    ):
        for place, (name, (known, asked)) in enumerate(features.items()):
            for offset, method, color in ((0.2, nearest_mean, BLUE), (-0.2, logistic, ORANGE)):
                right = float((method(known[rows], labels[rows], asked) == truth).float().mean())
                label = {"nearest_mean": "nearest class mean", "logistic": "logistic regression"}[method.__name__]
                ax.barh(-place + offset, right, 0.36, color=color, label=label if place == 0 else None)
                beside(ax, f"{right:.0%}", (right, -place + offset), (3, 0), va="center", fontsize=9)
                told.append(f"{title}, {name}, {label}: {right:.0%}")
        ax.set_yticks([0, -1, -2], list(features) if ax is axes[0] else ["", "", ""])
        ax.set(xlim=(0, 1.12), title=title, xlabel="right on test digits")
        ax.set_xticks([0, 0.5, 1], ["0", "50%", "100%"])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure, f"Accuracies on {len(truth)} test digits. {'; '.join(told)}."
