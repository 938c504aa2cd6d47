"""Code that people hand in by accident: every cell here is one that a reader, a parser or a loader may stumble over.

    CELLS["a syntax error"].source      a cell to put into an honest notebook
    CELLS["a syntax error"].harmless    whether the answers beside it must still get all their points

None of them tries to achieve anything. What does is in the folders beside this file.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """The source of a code cell."""

    source: str
    harmless: bool = True


def nested_blocks(depth: int) -> str:
    return "".join(f"{' ' * level}if True:\n" for level in range(depth)) + f"{' ' * depth}nested = 1\n"


def elifs(count: int) -> str:
    return "which = 0\nif which == 1:\n    found = 1\n" + "".join(
        f"elif which == {number}:\n    found = {number}\n" for number in range(2, count)
    )


CELLS = {
    # ---- what Python cannot read
    "a syntax error": Cell("def broken(:\n    return 1\n"),
    "an open bracket": Cell("values = [1, 2, (3\n"),
    "a bracket too many": Cell("values = (1, 2))\n"),
    "an open string": Cell('text = """never closed\n'),
    "tabs and blanks mixed": Cell("def mixed():\n\tone = 1\n        return one\n"),
    "an indent out of nowhere": Cell("        shifted = 1\n    less = 2\n"),
    "a decorator of nothing": Cell("@property\n"),
    "a return outside": Cell("value = 1\nreturn value\nyield value\nbreak\n"),
    "names of no scope": Cell("nonlocal value\nglobal other\n"),
    "smart quotes": Cell("text = “quoted”\nname = ‘it’\n"),
    "a conflict of versions": Cell("<<<<<<< HEAD\nvalue = 1\n=======\nvalue = 2\n>>>>>>> mine\n"),
    "the prompt of a console": Cell(">>> value = 1\n>>> value\n1\n"),
    "print without brackets": Cell("print 'hello'\nexec 'value = 1'\n"),
    "an encoding cookie": Cell("# -*- coding: utf-7 -*-\nvalue = '+AGE-'\n"),
    "an encoding that nobody has": Cell("# coding: no-such-encoding\nvalue = 1\n"),
    "a null character": Cell("text = 'a\0b'\n\0\n"),
    "half a character": Cell("text = '\ud800 \udfff'\n\udc00 = 1\n"),
    "invisible characters": Cell("x\u200b = 1\n\ufeffy = 2\n\u00a0z = 3\n"),
    "text that turns around": Cell("name = 'a\u202eb'  # \u2066 } \u2069\n"),
    "line ends of other ages": Cell("one = 1\x0ctwo = 2\x0b\n\x85\u2028three = 3\n\x1c\x1d\x1e"),
    "carriage returns alone": Cell("one = 1\rtwo = 2\r"),
    "nothing but blanks": Cell(" \t \n\n   \n\t"),
    "a backslash at the end": Cell("value = 1 + \\"),
    "commands of a shell": Cell("pip install torch\ncd ..\nls -la\n"),
    # ---- what is IPython's
    "line magics": Cell("%matplotlib inline\n%load_ext autoreload\n%\n%%\nvalue = %time 1 + 1\n"),
    "shell escapes": Cell("!ls -la\n!!pwd\nfiles = !ls\n!\n"),
    "a cell for bash": Cell("%%bash\necho ${HOME} $((1 + 1)\n"),
    "a cell magic with junk": Cell('%%no_such_magic --x="\n(((\n'),
    "a timed cell": Cell("%%time\nvalue = 1\n%timeit value\n"),
    "questions": Cell("torch?\ntorch.nn??\n?\n?torch\n"),
    "await at the top": Cell(
        "import asyncio\nvalue = await asyncio.sleep(0)\n\nasync def later():\n    await later()\n\nawait later()\n"
    ),
    # ---- what Python can read and a loader may not expect
    "identifiers of many alphabets": Cell("α_β = 1\nﬁ = 2\n𝐱 = 3\nª = 4\n変数 = 5\nх = 6\n"),
    "a look-alike of an answer": Cell("def square_ѕum(x):\n    return 0\n\nсlass = 1\n"),
    "an invalid escape": Cell("path = '\\d\\w\\q'\nother = b'\\400'\n"),
    "bytes that are no text": Cell("text = b'\\xff\\xfe'.decode('utf-8')\n"),
    "a future import in the middle": Cell(
        "one = 1\nfrom __future__ import annotations\nfrom __future__ import braces\n"
    ),
    "a walrus": Cell("value = (n := 10)\nif (m := 3) > 2:\n    k = m\n"),
    "a match statement": Cell("match 1:\n    case int(found):\n        value = found\n    case _:\n        value = None\n"),
    "an alias of a type": Cell("type Pair = tuple[int, int]\n"),
    "a group of exceptions": Cell("try:\n    value = 1\nexcept* ValueError:\n    value = 2\n"),
    "is with a number": Cell("value = 1 is 1\nother = (1, 2)[1, 0] if value else [3](4)\n"),
    "stars from everywhere": Cell("from math import *\nfrom torch import *\nfrom no_such_module import *\n"),
    "stars of the unit's own": Cell("from laws import *\nfrom target import *\nfrom given import *\n"),
    "an annotation that fails": Cell("value: undefined_name = 3\nnot_there: int\n"),
    "a class that fails": Cell("class Broken:\n    value = 1 / 0\n"),
    "an error": Cell("value = 1 / 0\nother = undefined\nraise ValueError('never')\n"),
    "an exception that speaks to terminals": Cell("value = (_ for _ in ()).throw(ValueError('\\x1b[31m\\r\\u202e\\x07'))\n"),
    "an exception with half a character": Cell("value = (_ for _ in ()).throw(ValueError('\\ud800'))\n"),
    "an exception of many lines": Cell("value = (_ for _ in ()).throw(ValueError('line\\n' * 10_000))\n"),
    "an exception of its own kind": Cell(
        "class Odd(BaseException):\n    def __str__(self):\n        raise self\n\n\nvalue = (_ for _ in ()).throw(Odd())\n"
    ),
    "an end": Cell("value = exit()\nother = quit(3)\n"),
    "a Ctrl-C of its own": Cell("value = (_ for _ in ()).throw(KeyboardInterrupt())\n"),
    "recursion without end": Cell("def again(n):\n    return again(n + 1)\n\n\nvalue = again(0)\n"),
    "builtins by other names": Cell("len = None\nprint = range = 3\nException = int\n__name__ = 'other'\n__file__ = 7\n"),
    "no builtins": Cell("__builtins__ = {}\n", harmless=False),
    "no torch": Cell("torch = 'not a module'\n", harmless=False),
    "answers that are no functions": Cell("square_sum = 3\nCodec = noise = None\n", harmless=False),
    "answers imported away": Cell("import math as square_sum\nfrom math import pi as Codec\n", harmless=False),
    "answers deleted": Cell("if True:\n    value = globals().clear()\n", harmless=False),
    # ---- what is too much
    "a function of 10,000 lines": Cell("def long(x):\n" + "    x = x + 1\n" * 10_000 + "    return x\n"),
    "a line of 100,000 characters": Cell(f"text = '{'x' * 100_000}'\n"),
    "a line of 100,000 blanks": Cell(f"{' ' * 100_000}\nvalue = {' ' * 100_000}1\n"),
    "3,000 statements": Cell("".join(f"name_{n} = {n}\n" for n in range(3_000))),
    "brackets nested 5,000 deep": Cell(f"deep = {'(' * 5_000}1{')' * 5_000}\n"),
    "lists nested 150 deep": Cell(f"deep = {'[' * 150}{']' * 150}\n"),
    "20,000 minus signs": Cell(f"deep = {'-' * 20_000}1\n"),
    "a sum of 20,000 terms": Cell(f"deep = {'+'.join(['1'] * 20_000)}\n"),
    "a sum of 1,500 terms": Cell(f"deep = {'+'.join(['1'] * 1_500)}\n"),
    "20,000 attributes": Cell(f"deep = str{'.lower' * 20_000}\n"),
    "20,000 calls": Cell(f"deep = int{'()' * 20_000}\n"),
    "2,000 lambdas": Cell(f"deep = {'lambda: ' * 2_000}1\n"),
    "99 blocks": Cell(nested_blocks(99)),
    "200 blocks": Cell(nested_blocks(200)),
    "400 branches": Cell(elifs(400)),
    "700 branches": Cell(elifs(700)),
    "5,000 branches": Cell(elifs(5_000)),
    "a number of 5,000 digits": Cell(f"big = {'9' * 5_000}\n"),
    "a number of 4,000 digits": Cell(f"big = {'9' * 4_000}\ntext = 1 << 20_000\n"),
    "a number of 50,000 hexadecimal digits": Cell(f"big = 0x{'f' * 50_000}\nshown = str(big)\n"),
    "a number beyond all": Cell("big = 1e400\nless = -1e-400\nnone = big - big\n"),
}  # fmt: skip
"""By what they hold, in words."""
