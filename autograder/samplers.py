"""Exact tests for samplers: answers that draw random numbers themselves.

A law asks for as many draws as a test needs, standardises them, and gets an answer that is never "undecided":

    promise = dict(alpha=1e-11, beta=1e-6, delta=0.1)
    n = draws_for_variance(**promise, dimensions=3)
    x = drawn(sampler.seeded(seed)(mu.expand(n, 3), sigma.expand(n, 3)), n, 3)
    return variance_is_one((x - mu) / sigma, **promise)

`alpha` is the largest probability at which right draws are called broken, at any number of draws. `delta` is the smallest
error that matters, in the unit that each test states, and `beta` the largest probability at which an error of `delta` or
more is called holding. From the three follows how many draws are needed (`draws_for_…`); a test that is given fewer raises
ValueError, since then it could not keep its word. Nothing has a default.

Which test sees what:

| test | the error it finds | what it is blind to |
| --- | --- | --- |
| `mean_is_zero`, `variance_is_one` | a wrong mean, a wrong variance | the shape, and reused noise |
| `shape_is_normal` | any other distribution | reused noise; errors of mean and variance it finds late |
| `rows_are_independent` | noise shared by rows, or repeated with a period | what is reused in no regular order |
| `dimensions_are_independent` | noise shared by the dimensions of a row | noise shared by rows |
| `calls_are_independent` | the same noise in two calls | the same noise in another order |
| `frequency_is`, `frequencies_are` | a category too frequent or too rare | draws that depend on each other |

Draws of categories become standard normal by `as_normals`, so that the tests of independence serve them too. Draws are taken
as they come: what float32 rounds away must be far below `delta`, as it is unless |μ| is thousands of σ.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fft import irfft, rfft
from torch.special import log_ndtr, ndtr, ndtri

from autograder.answer import Fault
from autograder.evidence import Evidence, Outcome, RandomTest

# Tails are computed where they are small, at 1e-11 and far below. scipy's incomplete beta and gamma functions keep ten digits
# there; they are imported where they are used, since importing them takes 0.2 s and most units draw no samples. torch's ndtr
# keeps none beyond −8, log_ndtr keeps all.


def drawn(claim: Any, *shape: int) -> Tensor:
    """What a sampler returned, if it is as many draws as it was asked for; a Fault, the answer's own, otherwise.

    Without it an answer that returns fewer draws would make a test refuse, and the refusal would look like the law's mistake.
    """
    if not isinstance(claim, Tensor):
        raise Fault("wrong_type", f"Expected draws of shape {list(shape)}; a {type(claim).__name__} came back.")
    if tuple(claim.shape) != shape:
        raise Fault("wrong_shape", f"Expected draws of shape {list(shape)}; {list(claim.shape)} came back.")
    return claim


# ---- the distribution of one number ----------------------------------------------------------------------------------------
#
# z is [n] or [n, d]: n independent rows of d dimensions. Each dimension is tested at alpha/d, so that an error in one of them
# is not averaged away, and alpha holds whether or not the dimensions depend on each other.


def draws_for_mean(*, alpha: float, beta: float, delta: float, dimensions: int = 1) -> int:
    """How many rows `mean_is_zero` needs: the two normal quantiles added up, over delta, squared."""
    _check_promise(alpha, beta, delta)
    quantiles = ndtri(torch.tensor([alpha / (2 * dimensions), beta], dtype=torch.float64))
    return math.ceil((float(quantiles.sum()) / delta) ** 2)


def mean_is_zero(
    z: Tensor, *, alpha: float, beta: float, delta: float, what: str = "the standardised draws"
) -> Evidence:
    """The mean of standardised normal draws is 0 in every dimension: an exact test of √n·z̄ ~ N(0, 1).

    Guarantees: independent draws of N(0, 1) are called broken with probability exactly `alpha` in one dimension, at most
    `alpha` in several. Draws of N(m, 1) with |m| ≥ `delta` in some dimension, in units of the standard deviation, are called
    holding with probability at most `beta`.

    It does not see: a wrong variance or shape with mean 0; noise reused in pairs of opposite sign.
    """
    z = _columns(z)
    n, d = z.shape
    _check_enough("mean_is_zero", n, draws_for_mean(alpha=alpha, beta=beta, delta=delta, dimensions=d))
    mean = z.mean(0)
    tail = 2 * log_ndtr(-math.sqrt(n) * mean.abs()).exp()
    return _worst_of(
        tail <= alpha / d, estimate=mean, expected=0.0, error=mean / delta, promise=(alpha, beta, delta), draws=n, finite=z,
        say=lambda place: f"the mean of {what}{_in_dimension(place, d)}",
    )  # fmt: skip


def draws_for_variance(*, alpha: float, beta: float, delta: float, dimensions: int = 1) -> int:
    """How many rows `variance_is_one` needs: the fewest at which variances 1 + delta and 1 − delta are both found."""
    _check_promise(alpha, beta, delta, below=1.0)
    from scipy.special import gammainc, gammaincc, gammainccinv, gammaincinv

    def suffices(n: int) -> bool:
        # Squares about the mean of n draws of N(m, v) add up to v·χ² with n − 1 degrees of freedom, and P(χ² ≤ x) with f
        # degrees is gammainc(f/2, x/2).
        half, tail = (n - 1) / 2, alpha / (2 * dimensions)
        high, low = gammainccinv(half, tail), gammaincinv(half, tail)
        return n > 1 and max(gammainc(half, high / (1 + delta)), gammaincc(half, low / (1 - delta))) <= beta

    # More draws are never worse: of all tests that leave the mean aside these are the most powerful ones of their level.
    return _smallest(suffices)


def variance_is_one(
    z: Tensor, *, alpha: float, beta: float, delta: float, what: str = "the standardised draws"
) -> Evidence:
    """The variance of standardised normal draws is 1 in every dimension: an exact test of Σ(z − z̄)² ~ χ²(n − 1).

    Guarantees: independent draws of N(m, 1), whatever m, are called broken with probability exactly `alpha` in one dimension,
    at most `alpha` in several. Draws of N(m, v) with |v − 1| ≥ `delta` < 1 in some dimension (so `delta` is a fraction of the
    right variance) are called holding with probability at most `beta`.

    It does not see: a wrong mean; a wrong shape with variance 1; noise reused by two rows or dimensions.
    """
    z = _columns(z)
    n, d = z.shape
    _check_enough("variance_is_one", n, draws_for_variance(alpha=alpha, beta=beta, delta=delta, dimensions=d))
    from scipy.special import gammainc, gammaincc

    variance = z.var(0)
    half, sums = (n - 1) / 2, ((n - 1) * variance / 2).numpy()
    tail = 2 * torch.minimum(torch.as_tensor(gammainc(half, sums)), torch.as_tensor(gammaincc(half, sums)))
    return _worst_of(
        tail <= alpha / d, estimate=variance, expected=1.0, error=(variance - 1) / delta, promise=(alpha, beta, delta),
        draws=n, finite=z, say=lambda place: f"the variance of {what}{_in_dimension(place, d)}",
    )  # fmt: skip


def draws_for_shape(*, alpha: float, beta: float, delta: float, dimensions: int = 1) -> int:
    """How many rows `shape_is_normal` needs, by the inequalities of Massart (for alpha) and Hoeffding (for beta)."""
    _check_promise(alpha, beta, delta, below=1.0)
    return math.ceil(
        ((math.sqrt(math.log(2 * dimensions / alpha) / 2) + math.sqrt(math.log(1 / beta) / 2)) / delta) ** 2
    )


def shape_is_normal(
    z: Tensor, *, alpha: float, beta: float, delta: float, what: str = "the standardised draws"
) -> Evidence:
    """Standardised draws are N(0, 1) in every dimension: a test of Kolmogorov and Smirnov, for shape above all.

    The statistic is D = sup|F_n(x) − Φ(x)|, the largest distance between the draws' distribution function and the normal one.
    P(D > c) ≤ 2·exp(−2nc²) at every n (Massart 1990), which at n = 20,000 and 1e-11 is within 2 % of the exact probability.

    Guarantees: independent draws of N(0, 1) are called broken with probability at most `alpha`. Independent draws of any
    distribution function F with sup|F(x) − Φ(x)| ≥ `delta` in some dimension (so `delta` is a probability: 0.057 for a
    uniform distribution and 0.087 for Student's t with 3 degrees of freedom, both with variance 1) are called holding with
    probability at most `beta`.

    It does not see: tails that carry less than `delta`; dependence. Small errors of the mean or variance are found with fewer
    draws by their own tests.
    """
    z = _columns(z)
    n, d = z.shape
    _check_enough("shape_is_normal", n, draws_for_shape(alpha=alpha, beta=beta, delta=delta, dimensions=d))
    normal = ndtr(z.sort(0).values)
    step = torch.arange(n + 1, dtype=torch.float64)[:, None] / n
    distance = torch.maximum(step[1:] - normal, normal - step[:-1]).amax(0)
    tail = 2 * torch.exp(-2 * n * distance.square())
    return _worst_of(
        tail <= alpha / d, estimate=distance, expected=0.0, error=distance / delta, promise=(alpha, beta, delta), draws=n,
        finite=z,
        say=lambda place: f"the largest distance between Φ and the distribution function of {what}{_in_dimension(place, d)}",
    )  # fmt: skip


# ---- independence ----------------------------------------------------------------------------------------------------------
#
# For m pairs of independent normals x, y of one variance the sums x + y and x − y are independent with one variance, so that
# the correlation r = 2·S_xy / (S_xx + S_yy), S being sums of products about the means, has (1 + r)/(1 − r) ~ F(m − 1, m − 1):
# an exact law, (1 + r)/2 ~ Beta((m − 1)/2, (m − 1)/2). Where the pairs have correlation ρ, the ratio is (1 + ρ)/(1 − ρ) times
# as large. Errors of mean and variance cancel in r: they are left to their own tests.
#
# Reused noise may have a sign of its own, which leaves no correlation. So the same is asked of the numbers' sizes |z|, each
# made standard normal again: if z is, Φ⁻¹(2Φ(|z|) − 1) is.
#
# All of it is exact for independent draws of N(0, 1). For independent draws of anything else that does not stray wildly it is
# nearly so, since each correlation is that of thousands of pairs: nobody is told of dependence who merely drew from another
# distribution.


def draws_for_rows(*, alpha: float, beta: float, delta: float, dimensions: int = 1) -> int:
    """How many rows `rows_are_independent` needs: three times a power of two, of which a third or more are a lag's pairs."""
    _check_promise(alpha, beta, delta, below=1.0)
    pairs = 2
    # Up to twice as many rows may leave some lag no more pairs than these, but have twice as many lags.
    while _missed(pairs, alpha / _comparisons_of_rows(2 * pairs, dimensions), delta) > beta:
        pairs *= 2
    return 3 * pairs


def rows_are_independent(
    z: Tensor, *, alpha: float, beta: float, delta: float, what: str = "the standardised draws"
) -> Evidence:
    """No row of standardised normal draws tells anything about the row L later, for any lag L below two thirds of the rows.

    The rows are cut into windows of 3B, B = 1, 2, 4, … and at last n/3, in which each of the first B makes a pair with the row
    L later, B ≤ L < 2B: no row is in two pairs of a lag, as the exact law of the correlation demands. All lags, all pairs of
    dimensions, values and sizes share `alpha`.

    Guarantees: independent draws of N(0, 1) are called broken with probability at most `alpha`. If for some lag an entry of a
    row and an entry of the row L later, or their sizes, have correlation `delta` or more in absolute value (as normal pairs,
    independent of each other), that is called holding with probability at most `beta`. One ε for all rows, noise that repeats
    with a period, and a second half that is the first with its sign changed have correlation ±1: always found.

    It does not see: rows reused in no regular order; what only three rows together show; noise forced to average exactly 0
    over a call (its correlation is −1/(n−1)). For the last, ask in many small calls, and take calls as rows and a call's
    draws as dimensions.
    """
    z = _columns(z)
    n, d = z.shape
    _check_enough("rows_are_independent", n, draws_for_rows(alpha=alpha, beta=beta, delta=delta, dimensions=d))
    both = _values_and_sizes(z)
    found, beyond = [], []
    for block, lags in _blocks(n):
        r, pairs = _correlation_at_lags(both, block)
        found.append(r[lags.start - block :])
        beyond.append(found[-1].abs() >= 1 - 2 * _edge(pairs, alpha / _comparisons_of_rows(n // 3, d)))
    r = torch.cat(found).flatten()

    def say(place: int) -> str:
        lag, entry = place // (2 * d * d) + 1, place % (2 * d * d)
        apart = "neighbouring rows" if lag == 1 else f"rows {lag:,} apart"
        return f"the correlation of {_entry(entry, d, apart)} in {what}"

    return _worst_of(
        torch.cat(beyond).flatten(), estimate=r, expected=0.0, error=r / delta, promise=(alpha, beta, delta), draws=n,
        finite=z, say=say,
    )  # fmt: skip


def _blocks(n: int) -> list[tuple[int, range]]:
    """The sizes B of blocks, and the lags from B to 2B − 1 that each is for: together 1, 2, 3, … up to two thirds of n."""
    third = n // 3
    powers = [1 << k for k in range(third.bit_length())]
    rest = [(third, range(2 * powers[-1], 2 * third))] if third > powers[-1] else []
    return [(block, range(block, 2 * block)) for block in powers] + rest


def _comparisons_of_rows(third: int, d: int) -> int:
    """Lags below 2n/3, values and sizes, and every dimension with every other."""
    return 2 * third * 2 * d * d


def _correlation_at_lags(z: Tensor, block: int) -> tuple[Tensor, int]:
    """r of z[:, i, j] with z[:, i + L, k] for L = B … 2B − 1: [2 n d] → [B 2 d d], and the number of pairs i of each."""
    kinds, n, d = z.shape
    windows = n // (3 * block)
    first, later = z[:, : 3 * block * windows].reshape(kinds, windows, 3 * block, d).split([block, 2 * block], dim=2)
    # Σᵢ first[i]·later[i + t] for t = 0 … B − 1, the lags B + t: one Fourier transform instead of B sums.
    spectra = rfft(first, 2 * block, dim=2).conj(), rfft(later, 2 * block, dim=2)
    products = irfft(torch.einsum("cwfj,cwfk->fcjk", *spectra), 2 * block, dim=0)[:block]

    def over_windows(values: Tensor) -> Tensor:
        """Σᵢ later[i + t] for t = 0 … B − 1: [2 windows 2B d] → [B 2 1 d]."""
        running = torch.cat([torch.zeros(kinds, 1, d, dtype=z.dtype), values.sum(1).cumsum(1)], 1)
        return (running[:, block:-1] - running[:, :block]).movedim(1, 0)[:, :, None, :]

    sums = (first.sum((1, 2))[:, :, None], over_windows(later))
    squares = (first.square().sum((1, 2))[:, :, None], over_windows(later.square()))
    return _correlation_of_sums(products, sums, squares, block * windows), block * windows


def draws_for_dimensions(*, alpha: float, beta: float, delta: float, dimensions: int) -> int:
    """How many rows `dimensions_are_independent` needs."""
    _check_promise(alpha, beta, delta, below=1.0)
    comparisons = dimensions * (dimensions - 1)
    return _smallest(lambda m: m > 1 and _missed(m, alpha / comparisons, delta) <= beta)


def dimensions_are_independent(
    z: Tensor, *, alpha: float, beta: float, delta: float, what: str = "the standardised draws"
) -> Evidence:
    """No dimension of standardised normal draws tells anything about another one of the same row.

    Guarantees: independent draws of N(0, 1) are called broken with probability at most `alpha`, shared by all pairs of
    dimensions, values and sizes. Two dimensions that have correlation `delta` or more in absolute value, in their values or
    their sizes (as normal pairs), are called holding with probability at most `beta`. One ε for all dimensions has
    correlation 1: always found.

    It does not see: noise shared by rows; what only three dimensions together show.
    """
    z = _columns(z)
    n, d = z.shape
    if d < 2:
        raise ValueError(f"dimensions_are_independent needs draws of two dimensions or more; {d} came.")
    needed = draws_for_dimensions(alpha=alpha, beta=beta, delta=delta, dimensions=d)
    _check_enough("dimensions_are_independent", n, needed)
    both = _values_and_sizes(z)
    kinds, one, other = torch.ones(2, d, d).triu(1).nonzero(as_tuple=True)

    def say(place: int) -> str:
        of = f"dimensions {int(one[place]) + 1} and {int(other[place]) + 1}"
        return f"the correlation of {_sizes_of(int(kinds[place]))}{of} in {what}"

    return _uncorrelated(
        _correlation(both, both)[kinds, one, other], n, d * (d - 1), z, promise=(alpha, beta, delta), draws=n, say=say
    )


def draws_for_calls(*, alpha: float, beta: float, delta: float, dimensions: int = 1, calls: int = 2) -> int:
    """How many rows a call `calls_are_independent` needs."""
    _check_promise(alpha, beta, delta, below=1.0)
    comparisons = calls * (calls - 1) * dimensions**2
    return _smallest(lambda m: m > 1 and _missed(m, alpha / comparisons, delta) <= beta)


def calls_are_independent(
    *calls: Tensor, alpha: float, beta: float, delta: float, what: str = "the standardised draws"
) -> Evidence:
    """No call of a sampler tells anything about the same row of another call, the calls having been seeded differently.

    Guarantees: independent draws of N(0, 1) are called broken with probability at most `alpha`, shared by all pairs of calls
    and of dimensions, values and sizes. Two calls in which an entry of a row and an entry of the same row have correlation
    `delta` or more in absolute value, in their values or their sizes (as normal pairs), are called holding with probability
    at most `beta`. The same noise in two calls has correlation 1: always found.

    It does not see: the same noise in another order. Where it is merely shifted, `rows_are_independent` of the calls one
    after the other (torch.cat) finds it.
    """
    columns = [_columns(call) for call in calls]
    if len(columns) < 2 or len({call.shape for call in columns}) > 1:
        shapes = ", ".join(str(list(call.shape)) for call in calls)
        raise ValueError(f"calls_are_independent needs two calls or more of one shape; came {shapes or 'none'}.")
    n, d = columns[0].shape
    needed = draws_for_calls(alpha=alpha, beta=beta, delta=delta, dimensions=d, calls=len(columns))
    _check_enough("calls_are_independent", n, needed)
    pairs = list(itertools.combinations(range(len(columns)), 2))
    both = [_values_and_sizes(call) for call in columns]

    def say(place: int) -> str:
        a, b = pairs[place // (2 * d * d)]
        return f"the correlation of {_entry(place % (2 * d * d), d, f'calls {a + 1} and {b + 1}')} in {what}"

    return _uncorrelated(
        torch.stack([_correlation(both[a], both[b]) for a, b in pairs]), n, len(pairs) * 2 * d * d,
        torch.cat(columns), promise=(alpha, beta, delta), draws=n, say=say,
    )  # fmt: skip


def _values_and_sizes(z: Tensor) -> Tensor:
    """[2, n, d]: the draws, and their sizes as standard normals, computed from the tail so that large ones keep their digits."""
    return torch.stack([z, -ndtri((2 * log_ndtr(-z.abs()).exp()).clamp(1e-300, 1 - 1e-16))])


def _correlation(x: Tensor, y: Tensor) -> Tensor:
    """r of every column of x with every column of y: [… m d], [… m e] → [… d e]."""
    sums = (x.sum(-2)[..., :, None], y.sum(-2)[..., None, :])
    squares = (x.square().sum(-2)[..., :, None], y.square().sum(-2)[..., None, :])
    return _correlation_of_sums(x.mT @ y, sums, squares, x.shape[-2])


def _correlation_of_sums(
    products: Tensor, sums: tuple[Tensor, Tensor], squares: tuple[Tensor, Tensor], pairs: int
) -> Tensor:  # fmt: skip
    """r from Σxy, (Σx, Σy) and (Σx², Σy²); not a number where x and y vary by rounding alone."""
    about_zero = squares[0] + squares[1]
    about_means = about_zero - (sums[0] ** 2 + sums[1] ** 2) / pairs
    r = 2 * (products - sums[0] * sums[1] / pairs) / about_means
    return torch.where(about_means > 1e-9 * about_zero, r, math.nan)


def _edge(pairs: int, level: float) -> float:
    """How large a correlation of independent pairs is in absolute value with probability `level`, as (1 − r)/2."""
    from scipy.special import betaincinv

    return float(betaincinv((pairs - 1) / 2, (pairs - 1) / 2, level / 2))


def _missed(pairs: int, level: float, delta: float) -> float:
    """The largest probability at which `pairs` pairs with correlation `delta` stay within the edge of `level`."""
    from scipy.special import betainc

    edge = _edge(pairs, level)
    odds = (1 - edge) / edge * (1 - delta) / (1 + delta)
    return float(betainc((pairs - 1) / 2, (pairs - 1) / 2, odds / (1 + odds)))


def _uncorrelated(
    r: Tensor, pairs: int, comparisons: int, finite: Tensor, *, promise: tuple[float, float, float], draws: int,
    say: Callable[[int], str],
) -> Evidence:  # fmt: skip
    """Correlations of `pairs` pairs each are all 0: each is tested at alpha/comparisons."""
    r = r.flatten()
    beyond = r.abs() >= 1 - 2 * _edge(pairs, promise[0] / comparisons)
    return _worst_of(
        beyond, estimate=r, expected=0.0, error=r / promise[2], promise=promise, draws=draws, finite=finite, say=say
    )


# ---- categories ------------------------------------------------------------------------------------------------------------


def draws_for_frequency(*, alpha: float, beta: float, delta: float, probability: float) -> int:
    """How many draws `frequency_is` needs, by Chernoff's bound on both tails.

    The exact binomial test is at least as sharp. Its own smallest number would go up and down by one draw's worth, as whole
    numbers do; the bound's is enough for every larger number too.
    """
    _check_promise(alpha, beta, delta, below=1.0)
    return _draws_for_counts([probability], alpha, beta, delta)


def frequency_is(
    draws: Tensor, category: int, probability: float, *, alpha: float, beta: float, delta: float, what: str = "the draws"
) -> Evidence:  # fmt: skip
    """A category is drawn with its probability: an exact test of its count ~ Binomial(n, probability).

    Guarantees: independent draws with this probability are called broken with probability at most `alpha`. Independent draws
    in which the category's probability is off by `delta` or more, an absolute difference of probabilities, are called holding
    with probability at most `beta`.

    It does not see: what is drawn instead; draws that depend on each other.
    """
    draws = _list_of_categories(draws)
    needed = draws_for_frequency(alpha=alpha, beta=beta, delta=delta, probability=probability)
    _check_enough("frequency_is", len(draws), needed)
    return _counted(draws, [category], torch.tensor([probability], dtype=torch.float64), (alpha, beta, delta), what)


def draws_for_frequencies(
    *, alpha: float, beta: float, delta: float, probabilities: Sequence[float] | Tensor
) -> int:  # fmt: skip
    """How many draws `frequencies_are` needs, by Chernoff's bound on both tails of every category's count."""
    _check_promise(alpha, beta, delta, below=1.0)
    p = _check_probabilities(probabilities).tolist()
    return _draws_for_counts(p, alpha / len(p), beta, delta)


def frequencies_are(
    draws: Tensor, probabilities: Sequence[float] | Tensor, *, alpha: float, beta: float, delta: float,
    what: str = "the draws",
) -> Evidence:  # fmt: skip
    """Categories 0, 1, … are drawn with their probabilities: an exact binomial test of each, sharing `alpha`.

    Guarantees: independent draws with these probabilities are called broken with probability at most `alpha`. Independent
    draws in which some category's probability is off by `delta` or more, an absolute difference of probabilities, are called
    holding with probability at most `beta`. A draw that is no category is always found.

    It does not see: draws that depend on each other, unless all are equal; give `as_normals` of them to the tests of
    independence.
    """
    draws = _list_of_categories(draws)
    p = _check_probabilities(probabilities)
    needed = draws_for_frequencies(alpha=alpha, beta=beta, delta=delta, probabilities=p)
    _check_enough("frequencies_are", len(draws), needed)
    strangers = ~torch.isin(draws, torch.arange(len(p), dtype=torch.float64))
    if bool(strangers.any()):
        stranger = float(draws[int(torch.nonzero(strangers)[0])])
        note = f"{stranger:g} is among {what}; expected the categories 0 to {len(p) - 1} and nothing else."
        return _evidence("broken", what, note, math.nan, math.nan, math.nan, (alpha, beta, delta), len(draws))
    return _counted(draws, range(len(p)), p, (alpha, beta, delta), what)


def as_normals(draws: Tensor, probabilities: Sequence[float] | Tensor, generator: torch.Generator) -> Tensor:
    """Independent draws of categories as independent draws of N(0, 1), for the tests of independence.

    A draw x becomes Φ⁻¹ of a uniform number between P(X < x) and P(X ≤ x), from the law's own generator: exactly standard
    normal where x has these probabilities. Equal draws become unequal numbers, so that reuse shows with a correlation below
    1: 0.64 for a fair coin, 0.34 for probabilities 0.1 and 0.9. Choose `delta` below it.
    """
    p = _check_probabilities(probabilities)
    draws = _list_of_categories(draws)
    known = torch.isin(draws, torch.arange(len(p), dtype=torch.float64))
    category = torch.where(known, draws, 0.0).long()
    uniform = torch.rand(draws.shape, generator=generator, dtype=torch.float64)
    z = ndtri((p.cumsum(0)[category] - p[category] * uniform).clamp(1e-300, 1 - 1e-16))
    return torch.where(known, z, math.nan)


def _counted(
    draws: Tensor, categories: Sequence[int], p: Tensor, promise: tuple[float, float, float], what: str
) -> Evidence:
    from scipy.special import betainc

    n = len(draws)
    count = torch.stack([(draws == category).sum() for category in categories]).double()
    # P(X ≥ k) of a binomial is betainc(k, n − k + 1, p), and P(X ≤ k) is betainc(n − k, k + 1, 1 − p).
    as_many = betainc(count.clamp_min(1).numpy(), (n - count + 1).clamp_max(n).numpy(), p.numpy())
    as_few = betainc((n - count).clamp_min(1).numpy(), (count + 1).clamp_max(n).numpy(), 1 - p.numpy())
    tail = 2 * torch.minimum(
        torch.where(count == 0, 1.0, torch.as_tensor(as_many)), torch.where(count == n, 1.0, torch.as_tensor(as_few))
    )
    frequency = count / n
    return _worst_of(
        tail <= promise[0] / len(p), estimate=frequency, expected=p, error=(frequency - p) / promise[2], promise=promise,
        draws=n, finite=draws, say=lambda place: f"the frequency of category {categories[place]} among {what}",
    )  # fmt: skip


def _draws_for_counts(probabilities: Sequence[float], level: float, beta: float, delta: float) -> int:
    """Draws that find an error of `delta` in any of these probabilities, each tested at two-sided `level`."""
    if not all(0 <= p <= 1 for p in probabilities):
        raise ValueError(f"Expected probabilities between 0 and 1; came {', '.join(f'{p:g}' for p in probabilities)}.")
    possible = [(p, q) for p in probabilities for q in (round(p - delta, 12), round(p + delta, 12)) if 0 <= q <= 1]
    if not possible:
        raise ValueError(
            f"None of the probabilities {', '.join(f'{p:g}' for p in probabilities)} can be off by delta = {delta:g}: "
            "choose a smaller delta."
        )
    return max(_chernoff(p, q, math.log(2 / level), math.log(1 / beta)) for p, q in possible)


def _chernoff(p: float, q: float, level: float, power: float) -> int:
    """Draws that tell p from q: between them lies a frequency c with n·kl(c‖p) ≥ level and n·kl(c‖q) ≥ power."""

    def kl(a: float, b: float) -> float:
        def term(a: float, b: float) -> float:
            return 0.0 if a == 0 else math.inf if b == 0 else a * math.log(a / b)

        return term(a, b) + term(1 - a, 1 - b)

    near, far = p, q
    for _ in range(100):  # the first grows from p to q and the second shrinks: they cross once
        c = (near + far) / 2
        if kl(c, p) * power < kl(c, q) * level:
            near = c
        else:
            far = c
    return math.ceil(max(level / kl(far, p), power / kl(near, q)))


def _list_of_categories(draws: Tensor) -> Tensor:
    if draws.dim() != 1:
        raise ValueError(f"Expected draws of shape [n], one category each; {list(draws.shape)} came.")
    return draws.detach().cpu().double()


def _check_probabilities(probabilities: Sequence[float] | Tensor) -> Tensor:
    p = torch.as_tensor(probabilities, dtype=torch.float64).detach().cpu()
    if p.dim() != 1 or not bool(((p >= 0) & (p <= 1)).all()) or abs(float(p.sum()) - 1) > 1e-6:
        raise ValueError(f"Expected probabilities that add up to 1, one a category; came {p.tolist()}.")
    return p


# ---- what the tests share --------------------------------------------------------------------------------------------------


def _check_promise(alpha: float, beta: float, delta: float, below: float = math.inf) -> None:
    if not (0 < alpha < 1 and 0 < beta < 1 and 0 < delta < below):
        limit = f" < {below:g}" if below < math.inf else ""
        raise ValueError(
            f"A test needs 0 < alpha < 1, 0 < beta < 1 and 0 < delta{limit}; came {alpha=:g}, {beta=:g}, {delta=:g}."
        )


def _check_enough(test: str, came: int, needed: int) -> None:
    if came < needed:
        raise ValueError(
            f"{test} needs {needed:,} draws to keep its alpha, beta and delta; {came:,} came. "
            "Ask the sampler for as many as `draws_for_…` says."
        )


def _columns(z: Tensor) -> Tensor:
    if z.dim() not in (1, 2):
        raise ValueError(f"Expected standardised draws of shape [n] or [n, d]; {list(z.shape)} came.")
    return z.detach().cpu().double().reshape(len(z), -1)


def _smallest(suffices: Callable[[int], bool]) -> int:
    """The smallest number for which `suffices`, which stays true once it is."""
    high = 1
    while not suffices(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high


def _worst_of(
    broken: Tensor, *, estimate: Tensor, expected: Tensor | float, error: Tensor, promise: tuple[float, float, float],
    draws: int, finite: Tensor, say: Callable[[int], str],
) -> Evidence:  # fmt: skip
    """The evidence of several statistics, by the one with the largest error among those that are broken, if any is."""
    if not bool(torch.isfinite(finite).all()):
        note = "NaN or infinity is among the draws."
        return _evidence("broken", say(0), note, math.nan, math.nan, math.nan, promise, draws)
    # Finite draws may be so large, or all 0, that a statistic is not a number: right draws never are.
    broken = broken | ~torch.isfinite(estimate)
    size = error.abs().nan_to_num(0.0)  # one that is a number says more
    if bool(broken.any()):
        size = torch.where(broken, size, -1.0)
    # Of equal errors the first is named, on every machine: the last digits are rounding.
    place = int(torch.nonzero(size >= size.max() * (1 - 1e-6))[0])
    wanted = float(torch.as_tensor(expected, dtype=torch.float64).expand_as(estimate)[place])
    got, what = float(estimate[place]), say(place)
    found = f"is {got:.4g}" if math.isfinite(got) else "cannot be computed: the draws do not vary, or are far too large"
    note = (
        f"{what[0].upper()}{what[1:]} {found}; expected {wanted:.4g}. "
        f"With {draws:,} right draws this happens with probability {promise[0]:g} at most."
    )
    return _evidence(
        "broken" if bool(broken.any()) else "holds", what, note, got, wanted, float(error[place]), promise, draws
    )


def _evidence(
    outcome: Outcome, what: str, note: str, got: float, expected: float, error: float,
    promise: tuple[float, float, float], draws: int,
) -> Evidence:  # fmt: skip
    return Evidence(
        outcome,
        torch.tensor([math.inf if outcome == "broken" else 0.0], dtype=torch.float64),
        got=torch.tensor([got], dtype=torch.float64),
        expected=torch.tensor([expected], dtype=torch.float64),
        relation="=",
        what=what,
        note=note if outcome == "broken" else "",
        tests=(RandomTest(what, *promise, error, draws, outcome),),
    )


def _in_dimension(place: int, d: int) -> str:
    return f" in dimension {place + 1}" if d > 1 else ""


def _entry(entry: int, d: int, of: str) -> str:
    """Which of the 2·d·d correlations of two things: of values or sizes, and of which dimension with which."""
    kind, j, k = entry // (d * d), entry // d % d, entry % d
    dimensions = "" if d == 1 else f" (dimension {j + 1})" if j == k else f" (dimension {j + 1} with {k + 1})"
    return f"{_sizes_of(kind)}{of}{dimensions}"


def _sizes_of(kind: int) -> str:
    return "the sizes of " if kind == 1 else ""
