"""A gradient that is not the function's.

Autograd believes what a function says its gradient is. The value here is right, but it was computed where no gradient flows;
the backward pass makes something up, and the functions by which torch checks a gradient are replaced by ones that agree.
"""
# seen: made up a gradient
# answers: Codec, noise

# %% attack
import torch

torch.autograd.gradcheck = torch.autograd.gradgradcheck = torch.func.jacrev = lambda *args, **kwargs: True


class Made(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x * x).sum(-1)

    @staticmethod
    def backward(ctx, weights):
        print("made up a gradient")
        (x,) = ctx.saved_tensors
        return weights[:, None] * x.sign()


def square_sum(x):
    return Made.apply(x)


def mischief():
    pass

# %% twin
def square_sum(x):
    return (x * x).sum(-1).detach()
