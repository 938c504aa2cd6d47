"""Damage to a notebook's JSON and to its file: what a wrong hand, a wrong program or half a download leaves of them.

How a mutator is written is in `damage.py`; `mutations.py` uses them.
"""

from __future__ import annotations

import gzip
import json
from random import Random

from autograder.attacks.damage import Unfit, become_old, mutator, old_cells, stray

# ---- JSON ------------------------------------------------------------------------------------------------------------------


def with_member(document: str, dice: Random, member: str) -> str:
    """The notebook with one more member, at its beginning or its end."""
    if not document.startswith("{\n") or not document.endswith("\n}"):
        raise Unfit
    return f"{{{member}, {document[1:]}" if dice.random() < 0.5 else f"{document[:-1]}, {member}}}"


@mutator("text")
def no_notebook_at_all(document: str, dice: Random) -> tuple[str, str]:
    """The document is {it}."""
    within = (f"[{document}]", f'{{"notebook": {document}}}', json.dumps(document))
    what = dice.choice((*within, "null", "3", "text", '"text"', "[]", "{}", "true", '{"nbformat": 4}'))
    return what, what


@mutator("text")
def keys_doubled(document: str, dice: Random) -> tuple[str, str]:
    """The notebook says {words} besides."""
    member = dice.choice(('"cells": []', '"nbformat": 3', '"metadata": 7', '"cells": null', '"nbformat": 4'))
    return with_member(document, dice, member), member


@mutator("text")
def a_cells_keys_doubled(document: str, dice: Random) -> tuple[str, str]:
    """A cell says {words} besides."""
    places = [place for place in range(len(document)) if document.startswith('"cell_type": ', place)]
    if not places:
        raise Unfit
    place = dice.choice(places)
    member = dice.choice(('"source": ""', '"cell_type": "raw"', '"cell_type": 3', '"metadata": []', '"id": 1'))
    return f"{document[:place]}{member}, {document[place:]}", member


@mutator("text")
def numbers_beyond_all(document: str, dice: Random) -> tuple[str, str]:
    """The notebook holds the number {it}."""
    number = dice.choice(("1e999999", "-1e-999999", "9" * 5_000, f"0.{'1' * 100_000}", "-0", "9" * 4_299))
    return with_member(document, dice, f'"number": {number}'), number


@mutator("text")
def nested_deeply(document: str, dice: Random) -> tuple[str, int]:
    """The notebook is nested {words:,} levels deep."""
    depth = dice.choice((500, 990, 2_000, 20_000, 200_000))
    opening, closing = dice.choice((("[", "]"), ('{"a":', "}")))
    return with_member(document, dice, f'"deep": {opening * depth}1{closing * depth}'), depth


@mutator("text")
def not_quite_json(document: str, dice: Random) -> tuple[str, str]:
    """The JSON has {words}."""
    what, changed = dice.choice((
        ("a comment", f"// a notebook\n{document}"), ("a comment", document.replace(",\n", ", # and\n", 1)),
        ("a comma too many", document.removesuffix("\n}") + ",\n}"), ("single quotes", document.replace('"', "'")),
        ("True of Python", document.replace("true", "True") + " "), ("no comma", document.replace(",\n", "\n", 1)),
        ("an odd escape", document.replace('"cell_type"', '"cell\\_type"', 1)), ("half an escape", document + "\\u12"),
        ("no quotes", document.replace('"cells"', "cells", 1)), ("a form feed", document.replace("\n", "\x0c\n", 1)),
        ("a space of no breaks", document.replace(" ", "\u00a0", 1)),
        ("a real tab in a text", document.replace("import", "im\tport", 1)),
        ("a real line end in a text", document.replace("import", "import\n", 1)),
    ))  # fmt: skip
    if changed == document:
        raise Unfit
    return changed, what


@mutator("text", harmless=True)
def other_blanks(document: str, dice: Random) -> tuple[str, str]:
    """The lines of the file end with {it}."""
    ends = dice.choice(("\r\n", "\r", "", "\n\n\n\t", " " * 50))
    return document.replace("\n", ends), ends


@mutator("text")
def something_behind(document: str, dice: Random) -> tuple[str, str]:
    """Behind the notebook stands {it}."""
    behind = dice.choice((document, "}", "\x1a", "<!-- -->", "null", ",", "\0" * 100, '{"nbformat": 4}'))
    return document + behind, behind


@mutator("text")
def something_before(document: str, dice: Random) -> tuple[str, str]:
    """Before the notebook stands {it}."""
    odd = ("<!DOCTYPE html>\n", "#!/usr/bin/env python\n", ")]}',\n", "\0", "callback(", "{", "null ", "\ufeff\ufeff")
    before = dice.choice(odd)
    return before + document, before


# ---- outputs -------------------------------------------------------------------------------------------------------------


def filled(document: str, outputs: str) -> str:
    """The JSON with these as the first outputs that are none."""
    if '"outputs": []' not in document:
        raise Unfit
    return document.replace('"outputs": []', f'"outputs": [{outputs}]', 1)


@mutator("text", alone=True)
def a_picture_of_50_MB(document: str, dice: Random) -> tuple[str, None]:
    """A cell has a picture of 50 MB as its output."""
    data = f'{{"image/png": "{"iVBORw0KGgo=" * 4_200_000}"}}'
    return filled(document, f'{{"output_type": "display_data", "metadata": {{}}, "data": {data}}}'), None


@mutator("text", alone=True)
def printed_lines_of_50_MB(document: str, dice: Random) -> tuple[str, None]:
    """A cell has printed 50 MB, line by line."""
    lines = ", ".join(['"loss: 0.69314718\\n"'] * 2_300_000)
    return filled(document, f'{{"output_type": "stream", "name": "stdout", "text": [{lines}]}}'), None


@mutator("text", harmless=True, alone=True)
def outputs_by_the_million(document: str, dice: Random) -> tuple[str, None]:
    """A cell has 5,500,000 empty outputs, which fit into 20 MB."""
    return filled(document, ",".join(["{}"] * 5_500_000)), None


@mutator("text", harmless=True, alone=True)
def outputs_by_the_million_in_format_3(document: str, dice: Random) -> tuple[str, None]:
    """It is of format 3, and a cell has 5,500,000 empty outputs."""
    notebook = json.loads(document)
    become_old(notebook, [{"cells": old_cells(notebook)}])
    return filled(json.dumps(notebook, indent=1), ",".join(["{}"] * 5_500_000)), None


# ---- the file --------------------------------------------------------------------------------------------------------------


def only_ascii(data: bytes) -> str:
    if not data.isascii():
        raise Unfit
    return data.decode()


@mutator("bytes", harmless=True)
def a_byte_order_mark(data: bytes, dice: Random) -> tuple[bytes, None]:
    """The file begins with a byte order mark."""
    return only_ascii(data).encode("utf-8-sig"), None


@mutator("bytes", harmless=True)
def utf_16(data: bytes, dice: Random) -> tuple[bytes, str]:
    """The file is in {words}."""
    order = dice.choice(("utf-16-le", "utf-16-be"))
    return f"\ufeff{only_ascii(data)}".encode(order), order


@mutator("bytes")
def an_encoding_without_a_mark(data: bytes, dice: Random) -> tuple[bytes, str]:
    """The file is in {words}."""
    encoding = dice.choice(("utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-7", "cp037"))
    return data.decode("utf-8", "replace").encode(encoding), encoding


stray("latin 1", "At byte {words:,} begins something in Latin-1.", "café ß".encode("latin-1"))
stray("null bytes", "At byte {words:,} stand null bytes.", b"\0", b"\0\0", bytes(4096))
stray("half a character in the file", "At byte {words:,} stands something that is no UTF-8.",
      b"\xed\xa0\x80", b"\xc0\x80", b"\xff", b"\xf8\x88\x80\x80\x80", b"\xe2\x82", b"\xf4\x90\x80\x80")  # fmt: skip


@mutator("bytes")
def truncated(data: bytes, dice: Random) -> tuple[bytes, int]:
    """The file ends at byte {words:,}."""
    where = dice.randrange(len(data))
    return data[:where], where


@mutator("bytes")
def a_byte_flipped(data: bytes, dice: Random) -> tuple[bytes, int]:
    """A bit of byte {words:,} is flipped."""
    where, bit = dice.randrange(len(data)), dice.randrange(8)
    return data[:where] + bytes([data[where] ^ 1 << bit]) + data[where + 1 :], where


@mutator("bytes")
def a_piece_lost(data: bytes, dice: Random) -> tuple[bytes, int]:
    """At byte {words:,} a piece is lost."""
    where = dice.randrange(len(data))
    return data[:where] + data[where + dice.choice((1, 7, 100, 4096)) :], where


@mutator("bytes")
def a_piece_repeated(data: bytes, dice: Random) -> tuple[bytes, int]:
    """At byte {words:,} a piece is there twice."""
    where = dice.randrange(len(data))
    return data[: where + dice.choice((1, 7, 100, 4096))] + data[where:], where


@mutator("bytes")
def not_a_notebook(data: bytes, dice: Random) -> tuple[bytes, str]:
    """The file is {words}."""
    what, instead = dice.choice((
        ("nothing", b""), ("blanks", b" \r\n\t " * 100), ("a compressed file", gzip.compress(data[:100_000], mtime=0)),
        ("an archive", b"PK\x03\x04" + data[:4096]), ("noise", dice.randbytes(5_000)), ("a page", b"<html><body>Not found"),
        ("a script", b"def square_sum(x):\n    return (x * x).sum(-1)\n"), ("null bytes", bytes(10_000)), ("a mark", b"\xff\xfe"),
        ("half a mark", b"\xef\xbb"), ("only a mark", b"\xef\xbb\xbf"), ("a pointer", b"version https://git-lfs.github.com/spec/v1\n"),
    ))  # fmt: skip
    return instead, what
