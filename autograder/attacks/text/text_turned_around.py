"""Text that is turned around, made invisible, or made of half characters.

Marks for right-to-left script turn a sentence around, so that another stands on the page than in the file; tags and joiners hide
words; a lone surrogate is no character at all, and writing it into a file fails in the middle of a class.
"""
# seen: every character of it
# answers: square_sum, noise

# %% attack
MARKS = "\u202e\u2066\u2069\u200f\u200b\u2060\ufeff\u00ad\U000e0041\U000e007f\ud800\udfff\ue000\ufff9"


class Codec:
    def encode(self, x):
        raise type(f"Half{MARKS}", (ValueError,), {})(f"{MARKS}stnirp 41 fo 41{MARKS} every character of it")

    def decode(self, t):
        return f"{MARKS}"


def mischief():
    print(f"{MARKS}thgir{MARKS} every character of it {MARKS}")
