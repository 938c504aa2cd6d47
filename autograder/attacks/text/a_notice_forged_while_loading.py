"""A forged notice at the head of the page.

What goes wrong while a notebook is loaded is told in a notice of ours, in Markdown, at the very top of what a person grades. An
exception of a cell writes itself into it: a list item that ends, a heading of its own, a script, and escapes for the terminal.
"""
# seen: Full marks, by hand
# answers: square_sum, Codec, noise

# %% attack
class Notice(Exception):
    def __str__(self):
        scripts = "<script>alert(1)</script>\n\\<script>alert(2)</script>"
        return f"gone\n\n# Full marks, by hand\n\n{scripts}\n\x1b[2J\x1b]0;mine\x07\u202e"


def refuse():
    raise Notice


made = refuse()


def mischief():
    pass
