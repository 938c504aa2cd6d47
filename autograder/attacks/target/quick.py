"""The same exercises with laws that take no time, for submissions by the thousand (`fuzz.py`): none of them tries to cheat."""
# pyright: reportUndefinedVariable=false, reportReturnType=false

import torch
from jaxtyping import Float
from torch import Tensor

from autograder.answer import tensor_claimed
from autograder.domains import Reals
from autograder.evidence import at_most, close
from autograder.exercise import Unit
from autograder.samplers import drawn

unit = Unit("target", "A target", minutes=5)


@unit.exercise(batch="n", measure="squared length", sizes=dict(d=(1, 3)), rows=50)
def square_sum(x: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    """The sum of squares of every row."""


@square_sum.law(points=6, decisive=True, where=dict(x=Reals(-3, 3)))
def is_the_sum_of_squares(square_sum, x):
    """It is x₁² + … + x_d²."""
    exact = torch.einsum("nd,nd->n", x.double(), x.double())
    return close(square_sum(x), exact, terms=exact)


@unit.exercise(measure="a code and what it stands for", rows=8)
class Codec:
    """encode(x) gives the number t for which x = t·(1, 2, −1)."""

    def __init__(self) -> None: ...


@Codec.law(points=4, decisive=True, where=dict(a=Reals(-3, 3, shape="")))
def encodes(Codec, a):
    """encode(t·(1, 2, −1)) is t."""
    code = tensor_claimed(Codec().encode(a[:, None] * torch.tensor([1.0, 2.0, -1.0], dtype=a.dtype)), len(a))
    return close(code, a.double(), terms=4 * a.double().abs(), what="encode(x)")


@unit.exercise(measure="noise", deterministic=False)
def noise(count: int) -> Float[Tensor, "count"]:
    """`count` independent draws of N(0, 1)."""


@noise.law(points=4, decisive=True)
def is_centred(noise, generator):
    """The mean of 400 draws is not far from 0."""
    seed = int(torch.randint(2**31, (), generator=generator))
    return at_most(drawn(noise.seeded(seed)(400), 400).mean().abs()[None], 0.5, slack=0.0, what="the mean")
