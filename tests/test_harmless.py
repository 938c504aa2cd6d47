"""Nothing that a student wrote can run in the browser of the person who grades it."""

from __future__ import annotations

import time

import pytest
from nbconvert.filters import Highlight2HTML, markdown2html
from nbconvert.filters.markdown_mistune import InvalidNotebook

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
    # found by attacking it
    "\\<script>alert(1)</script>",
    "words\n```mermaid\n<script>alert(1)</script>\n```\n",
    "1. [a]: javascript:alert(1)\n\n[a]",
    "- 1) [a]: javascript:alert(1)\n\n[a]",
    "[a\\]b]: javascript:alert(1)\n\n[a\\]b]",
    "&#36;&#92;href{javascript:alert(1)}{click}&#36;",
    "\\\\&#104;ref{javascript:alert(1)}{click}",
    "$\\mmlToken{mi}[href='javascript:alert(1)']{click}$",
    "![seen](https://elsewhere.example/seen.png)",
    "![out](/hub/logout)",
    "![out][1]\n\n[1]: /hub/logout",
    "![a](attachment:missing.png)",
]


def runs(page: str) -> bool:
    """Whether the page has a tag that could do something, loads something, or has a link that could."""
    from html.parser import HTMLParser

    found: list[str] = []

    class Look(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag in ("script", "iframe", "svg", "style", "form", "object", "embed", "link", "meta", "base", "img"):
                found.append(tag)
            for name, value in attrs:
                target = "".join(str(value).split()).lower()
                if name.startswith("on") or target.startswith(
                    ("javascript:", "data:text", "vbscript:", "%20javascript")
                ):
                    found.append(f"{tag} {name}")

    Look().feed(page)
    return bool(found) or "\\href{" in page or "\\mmlToken{" in page


def shown(text: str) -> str:
    try:
        return markdown2html(text)
    except InvalidNotebook:  # there is no page at all
        return "<img>"


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("make_safe", [harmless, plain])
def test_no_attack_runs(attack: str, make_safe) -> None:
    assert not runs(shown(make_safe(attack)))


def test_most_of_these_attacks_do_run_when_nothing_is_done() -> None:
    assert sum(runs(shown(attack)) for attack in ATTACKS) >= len(ATTACKS) - 5


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
    assert harmless(text, {"a.png"}) == text


def test_raw_cells_are_shown_and_not_included() -> None:
    cell = harmless_cell({"cell_type": "raw", "source": "<script>alert(1)</script>\nx", "metadata": {}})
    assert cell["cell_type"] == "markdown"
    assert not runs(markdown2html(cell["source"]))


def test_mathematics_in_a_raw_cell_does_not_end_its_quotation() -> None:
    cell = harmless_cell({"cell_type": "raw", "source": "$$a$$<script>alert(1)</script>", "metadata": {}})
    assert not runs(markdown2html(cell["source"]))


def test_a_sentence_that_quotes_several_lines_is_one_line() -> None:
    assert plain("ValueError: a\n\n# 14 of 14 points\n\tb") == "ValueError: a # 14 of 14 points b"


@pytest.mark.parametrize(
    "source",
    ["[\n" * 50_000, "](" * 50_000, "![" * 50_000, "\\\\[" * 30_000],
    ids=["brackets", "links", "images", "formulas"],
)
def test_no_text_takes_long_to_make_harmless_or_to_show(source: str) -> None:
    cell = harmless_cell({"cell_type": "markdown", "source": source, "metadata": {}})
    start = time.process_time()
    assert harmless(source)
    markdown2html(cell["source"])
    assert time.process_time() - start < 5, "it took minutes before there were bounds"
    assert cell["source"].endswith("more characters, which are in the notebook as it was handed in.*")


def test_no_code_takes_long_to_colour() -> None:
    cell = harmless_cell({"cell_type": "code", "source": "a." * 200_000 + "\nb = 1", "metadata": {}})
    start = time.process_time()
    Highlight2HTML(pygments_lexer="ipython3")(cell["source"])
    assert time.process_time() - start < 5
    assert cell["source"].endswith("\n# … and 380,006 more characters, which are in the notebook as it was handed in")
