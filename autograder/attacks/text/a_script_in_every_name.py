"""Scripts in the names of classes, exceptions and attributes.

`type(name, …)` takes any text for a name, and a report names the class of what came back and of what was raised. A page that
builds its sentences without escaping runs the first such name, in the browser of whoever may change grades.
"""
# seen: <img src=x onerror=alert(1)>
# answers: noise

# %% attack
NAME = "<img src=x onerror=alert(1)>"
Raised = type(f"{NAME}</code><script>alert(2)</script>", (Exception,), {"__module__": NAME})


def square_sum(x):
    return type(NAME, (), {})()


class Codec:
    def encode(self, x):
        return {f"</pre>{NAME}": x}

    def decode(self, t):
        return getattr(torch, NAME)


def noise_or(what):
    raise Raised(what)


Codec.encode.__name__ = Codec.__name__ = Codec.__qualname__ = NAME


def mischief():
    noise_or("<svg onload=alert(3)>")
