"""Nothing that a student wrote can run in the browser of the person who grades it."""

from __future__ import annotations

import pytest
from nbconvert.filters import markdown2html

from autograder.feedback.harmless import harmless, harmless_cell, plain

ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT src=//evil></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<b onmouseover=alert(1)>bold</b>",
    "<details open ontoggle=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<!--><script>alert(1)</script>-->",
    "<?php?><script>alert(1)</script>",
    "<form action='/formgrader/api/grade'><input type=submit></form>",
    "<style>*{display:none}</style>",
    "[click](javascript:alert(1))",
    "[click](  JavaScript:alert(1))",
    "[click](&#106;avascript:alert(1))",
    "[click](java&Tab;script:alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    "![x](javascript:alert(1))",
    "[click][1]\n\n[1]: javascript:alert(1)",
    "> [click][1]\n>\n> [1]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "`<script>`alert(1)</script>",
    "$\\href{javascript:alert(1)}{click}$",
]


def runs(page: str) -> bool:
    """Whether the page has a tag that could do something, or a link that could."""
    from html.parser import HTMLParser

    found: list[str] = []

    class Look(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag in ("script", "iframe", "svg", "style", "form", "object", "embed", "link", "meta", "base"):
                found.append(tag)
            for name, value in attrs:
                target = "".join(str(value).split()).lower()
                if name.startswith("on") or target.startswith(
                    ("javascript:", "data:text", "vbscript:", "%20javascript")
                ):
                    found.append(f"{tag} {name}")

    Look().feed(page)
    return bool(found) or "\\href{" in page


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("make_safe", [harmless, plain])
def test_no_attack_runs(attack: str, make_safe) -> None:
    assert not runs(markdown2html(make_safe(attack)))


def test_most_of_these_attacks_do_run_when_nothing_is_done() -> None:
    assert sum(runs(markdown2html(attack)) for attack in ATTACKS) >= len(ATTACKS) - 5


@pytest.mark.parametrize(
    "text",
    [
        "By Jensen, $\\log E[w] \\ge E[\\log w]$ for $x < y$ and $a<1$.",
        "**bold** *it* `code` <b>bold</b> <br/> <details><summary>more</summary>text</details>",
        "[paper](https://arxiv.org/abs/1312.6114?x=1&y=2) ![p](attachment:a.png) [up](#top) [f](figure.png)",
        "<https://arxiv.org>",
        "1 < 2 > 0, [0, 1), f[i](x)",
    ],
)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert harmless(text) == text


def test_raw_cells_are_shown_and_not_included() -> None:
    cell = harmless_cell({"cell_type": "raw", "source": "<script>alert(1)</script>\nx", "metadata": {}})
    assert cell["cell_type"] == "markdown"
    assert not runs(markdown2html(cell["source"]))
