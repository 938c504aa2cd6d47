"""A million warnings, each from another place.

Python remembers every warning that it has shown, by its text and line, and by default prints each with its source. A million of
different ones fill the memory of whoever keeps them and the page of whoever shows them.
"""
# seen: warning 3 of a million
# answers: square_sum

# %% attack
import sys
import warnings

DONE = []


def mischief():
    if DONE:
        return
    DONE.append(1)
    warnings.simplefilter("always")
    for number in range(20_000):
        warnings.warn_explicit(f"warning {number} of a million", UserWarning, f"place {number}", number + 1)
    for number in range(1_000_000):
        sys.stderr.write(f"place:{number}: UserWarning: warning {number} of a million\n")
