"""A check that gives every point.

The notebook asks for its points by `check("square_sum")`, and whatever that returns is what a kernel would show. The attack puts
its own `check` in the place of ours, under every name by which it can be imported, and in the builtins.
"""
# seen: check says 6.0
# answers: Codec, noise

# %% attack
import builtins
import sys
import types


def check(answer, *args, **kwargs):
    return 6.0


class Everything(types.ModuleType):
    check, __version__, __path__ = staticmethod(check), "0", []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return check


def replaced():
    builtins.check = check
    for name in ("autograder", "autograder.in_notebook", "autograder.judge", "nbgrader", "nbgrader.utils"):
        sys.modules[name] = Everything(name)
    from autograder import check as found

    return found("square_sum")


def square_sum(x):
    print("check says", replaced())
    return x.sum(-1) * 0


def mischief():
    pass
