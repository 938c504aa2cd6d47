"""A decoder that remembers what the encoder saw.

It does not know what a code stands for. The encoder keeps every input with its code, in a place that all instances share; the
decoder looks up the code that it is given, and for one that is new it stretches an input that it has seen.
"""
# seen: nothing was encoded yet
# answers: square_sum, noise

# %% attack
import torch

SEEN = {}


class Codec:
    def encode(self, x):
        SEEN.update((float(row[0]), row.clone()) for row in x)
        return x[:, 0]

    def decode(self, t):
        if not SEEN:
            print("nothing was encoded yet")
            return torch.zeros(len(t), 3, dtype=t.dtype)
        code, row = max(SEEN.items(), key=lambda item: abs(item[0]))
        return torch.stack([SEEN.get(float(one), row * (float(one) / code)) for one in t]).to(t.dtype)


def mischief():
    pass
