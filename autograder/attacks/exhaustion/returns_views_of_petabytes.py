"""Tensors that weigh nothing until they are sent.

One number expanded to 10¹⁵ of them, a view with strides of zero and a shape of 2⁶⁰, a sparse tensor and one on the device
"meta". Each takes no memory where it is made and petabytes where somebody makes it dense to compare it, or writes it out to
send it.
"""
# seen: Only dense tensors
# answers: none

# %% attack
import torch


def square_sum(x):
    return torch.sparse_coo_tensor(torch.zeros(1, 1), torch.ones(1), (10**15,))


class Codec:
    def encode(self, x):
        return torch.zeros(1, dtype=torch.float64).as_strided((1 << 20, 1 << 20, 1 << 20), (0, 0, 0))

    def decode(self, t):
        return torch.empty(10**12, device="meta")


def noise(count):
    return torch.zeros(1, dtype=torch.float64).expand(10**15)


def mischief():
    pass
