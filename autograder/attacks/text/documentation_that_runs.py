"""Scripts in docstrings, annotations, comments and lines of code.

A report that shows where an answer failed shows the line, which is text of the student's choosing; others show the
documentation or the signature. Each of them holds a script, and the failing line ends the element that it would stand in.
"""
# seen: raise ValueError(None)  # </code><script>alert(5)</script>
# answers: noise

# %% attack
def square_sum(x: "<script>alert(1)</script>") -> "<img src=x onerror=alert(2)>":
    """<script>alert(3)</script>"""
    # <script>alert(4)</script>
    raise ValueError(None)  # </code><script>alert(5)</script>


class Codec:
    """<style>*{display:none}</style>"""

    encode = decode = eval("lambda self, x: [][0]  # <svg onload=alert(6)>")


square_sum.__doc__ = "<iframe src=javascript:alert(7)>"


def mischief():
    pass
