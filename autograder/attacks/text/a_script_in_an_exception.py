r"""A script in an exception, behind a backslash.

What an answer raised is quoted in the comment beside it, which formgrader and feedback pages render as Markdown. Escaping `<` by
a backslash is undone by a backslash that is there already: two of them are one, and then a tag begins.
"""
# seen: ValueError: <script>alert(1)</script>
# answers: square_sum

# %% attack
TAG = "<script>alert(1)</script>"


def mischief():
    raise ValueError(f"{TAG} \\{TAG} \\\\{TAG} \\\\\\{TAG} `{TAG} ``{TAG}")
