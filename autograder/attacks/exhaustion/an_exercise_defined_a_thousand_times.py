"""The same exercise ten thousand times over.

Each definition closes over the one before, so that a call goes through all of them, and each keeps a tensor. A grader that grades
every definition that it finds, or keeps them all, does ten thousand times the work; one that calls the last needs the stack.
"""
# seen: maximum recursion depth
# answers: Codec, noise

# %% attack
import torch


def again(inner, held):
    def square_sum(x, held=held):
        return inner(x)

    return square_sum


def all_of_them():
    answer = lambda x: (x * x).sum(-1)
    for number in range(10_000):
        answer = again(answer, torch.zeros(10))
    return answer


square_sum = all_of_them()


def mischief():
    pass
