"""What students wrote, made safe to show: feedback pages and formgrader render Markdown with any HTML that is in it.

Formgrader is open in an instructor's browser, with the right to change grades. A `<script>` in a proof, an `onerror` on an
image or a link to `javascript:` would run there and could give its author full marks. So before a notebook is written to
autograded/, whatever could run is made to be read instead. Mathematics and ordinary Markdown look as they did.

What is dangerous is broken by a space, wherever it stands: only a Markdown parser knows which brackets and backslashes count,
and there are several of those, each with gaps of its own.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any

TAGS = "b|i|em|strong|sub|sup|br|hr|p|u|code|pre|details|summary"
"""Tags that are let through, as long as they have no attributes."""

LONGEST_CELL, LONGEST_LINE = 20_000, 1_000
"""Characters that are shown. What renders Markdown and colours code may need the square of that in steps: without a bound,
one cell keeps the feedback of a class waiting for hours. Proofs and programs are shorter."""

_TAG = re.compile(rf"<(?!/?(?:{TAGS})\s*/?>|https?://[^\s<>\"'&]+>)(?=[A-Za-z/!?])", re.IGNORECASE)
_ANY_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"\](?=[(:]\s*(?P<to>[^\s)]{0,500}))")
_SAFE_TARGET = re.compile(r"<?(?:https?://|mailto:|attachment:)[^\s<>\"']*>?|#?[\w./-]*", re.IGNORECASE)
_IMAGE = re.compile(r"!(?=\[(?:[^\[\]]{0,500}\]\(attachment:(?P<name>[A-Za-z0-9._-]{1,255})\))?)")
_SPELLED = re.compile(r"&(?=#|bsol;)", re.IGNORECASE)
_MATH_LINK = re.compile(r"\\(?=(?:href|url|require|html|style|class|cssId|data|mmlToken|bbox)\b)", re.IGNORECASE)


def harmless(markdown: str, pictures: Container[str] = ()) -> str:
    """The same text, with HTML that could run shown as text and links that could run no longer links.

    An image is shown if it is one of the `pictures` pasted into the cell: any other is fetched from somewhere in the name of
    whoever looks at the page, or is missing, and then there is no page at all.
    """

    def unlink(match: re.Match[str]) -> str:
        return match[0] if _SAFE_TARGET.fullmatch(match["to"]) else "] "

    def hide(match: re.Match[str]) -> str:
        return match[0] if match["name"] in pictures else "! "

    text = _SPELLED.sub("& ", markdown)  # a backslash or a letter in other words
    text = _TAG.sub("< ", text)  # a space: in mathematics it is not seen, and no tag starts with one
    text = _LINK.sub(unlink, text)
    text = _IMAGE.sub(hide, text)
    return _MATH_LINK.sub(r"\\ ", text)


def plain(text: str) -> str:
    """One of our sentences, which may quote a student's code or exception, as Markdown that shows what is written.

    It becomes one line: what starts a block (a fence, a heading, a list) does so at the start of a line.
    """
    text = _SPELLED.sub("& ", " ".join(text.split()))
    text = _ANY_TAG.sub("< ", text)
    text = re.sub(r"\](?=[(:\[])", r"]\\", text)
    return _MATH_LINK.sub(r"\\ ", text)


def harmless_cell(cell: Any) -> Any:
    """A student's own cell as it may be shown. Raw cells, which pages include as they are, become quoted text."""
    source, more = cell["source"][:LONGEST_CELL], len(cell["source"]) - LONGEST_CELL
    note = f"… and {more:,} more characters, which are in the notebook as it was handed in" if more > 0 else ""
    if cell["cell_type"] == "code":
        lines = [*source.split("\n"), *([f"# {note}"] if note else [])]
        cell["source"] = "\n".join(line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in lines)
        return cell
    if cell["cell_type"] == "raw":
        cell["cell_type"] = "markdown"
        cell.pop("attachments", None)
        source = "\n".join(f"    {line}" for line in source.splitlines())
    cell["source"] = harmless(source, cell.get("attachments", {})) + (f"\n\n*{note}.*" if note else "")
    return cell
