"""Wrong when asked again.

Every input is remembered. The first two times the answer is right, as often as a law asks; whoever comes back with the same
input gets another answer, the same one every time, so that asking twice then shows no difference. To those who use a function,
calls repeat all the time.
"""
# seen: The same inputs gave different outputs in two calls
# answers: Codec, noise

# %% attack
from collections import Counter

SEEN = Counter()


def square_sum(x):
    key = x.detach().numpy().tobytes()
    SEEN[key] += 1
    return (x * x).sum(-1) + (SEEN[key] > 2)


def mischief():
    pass
