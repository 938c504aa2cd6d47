"""Right when asked alone.

Whoever finds a wrong row tries it again by itself, to show the student the smallest input on which the answer fails. Alone every
row is right, and so is each pair: the wrong answer cannot be shown, and with it goes the proof.
"""
# seen: Given alone, this row comes out right
# answers: Codec, noise

# %% attack
def square_sum(x):
    right = (x * x).sum(-1)
    return right if len(x) < 3 else right * 1.5


def mischief():
    pass
