"""Naps, each a little shorter than what is allowed.

A limit on one call does not bound their sum: laws call an answer dozens of times, and three seconds and a half each time are
minutes for each exercise, without any processor time.
"""
# seen: all calls together
# answers: square_sum

# %% attack
import time


def mischief():
    time.sleep(3.5)
