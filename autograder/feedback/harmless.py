"""What students wrote, made safe to show: feedback pages and formgrader render Markdown with any HTML that is in it.

Formgrader is open in an instructor's browser, with the right to change grades. A `<script>` in a proof, an `onerror` on an
image or a link to `javascript:` would run there and could give its author full marks. So before a notebook is written to
autograded/, whatever could run is made to be read instead. Mathematics and ordinary Markdown look as they did.
"""

from __future__ import annotations

import re
from typing import Any

TAGS = "b|i|em|strong|sub|sup|br|hr|p|u|code|pre|details|summary"
"""Tags that are let through, as long as they have no attributes."""

_TAG = re.compile(rf"<(?!/?(?:{TAGS})\s*/?>|https?://[^\s<>\"'&]+>)(?=[A-Za-z/!?])", re.IGNORECASE)
_LINK = re.compile(r"\]\((?=\s*(?P<to>[^\s)]*))")
_DEFINITION = re.compile(r"^(?P<indent>[ >*+-]*)\[(?=[^\]]*\]:\s*(?P<to>\S*))", re.MULTILINE)
_MATH_LINK = re.compile(r"\\(?=(?:href|url|require|html|style|class|cssId|data)\b)", re.IGNORECASE)
_SAFE_TARGET = re.compile(r"(?:https?://|mailto:|attachment:)[^\s<>\"']*|#?[\w./-]*", re.IGNORECASE)


def harmless(markdown: str) -> str:
    """The same text, with HTML that could run shown as text and links that could run no longer links."""

    def unlink(match: re.Match[str], instead: str) -> str:
        return match[0] if _SAFE_TARGET.fullmatch(match["to"].strip("<>")) else instead

    text = _TAG.sub("< ", markdown)  # a space: in mathematics it is not seen, and no tag starts with one
    text = _LINK.sub(lambda match: unlink(match, "] ("), text)
    text = _DEFINITION.sub(lambda match: unlink(match, f"{match['indent']}\\["), text)
    return _MATH_LINK.sub(r"\\ ", text)


def plain(text: str) -> str:
    """One of our sentences, which may quote a student's code or exception, so that Markdown shows it as it is written."""
    text = re.sub(r"<(?=[A-Za-z/!?])", r"\\<", text)
    text = re.sub(r"\](?=[(:\[])", r"]\\", text)
    return _MATH_LINK.sub(r"\\ ", text)


def harmless_cell(cell: Any) -> Any:
    """A student's own cell as it may be shown. Raw cells, which pages include as they are, become quoted text."""
    if cell["cell_type"] == "markdown":
        cell["source"] = harmless(cell["source"])
    elif cell["cell_type"] == "raw":
        cell["cell_type"] = "markdown"
        cell["source"] = "\n".join(f"    {line}" for line in cell["source"].splitlines())
        cell.pop("attachments", None)
    return cell
