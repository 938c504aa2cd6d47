"""The pages that nbgrader makes of hostile submissions: nothing runs when somebody opens them, and tables hold no formulas."""

from __future__ import annotations

import csv
import html
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbconvert.filters import markdown2html
from nbformat.v4 import new_markdown_cell, new_notebook
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.plugins import CsvExportPlugin
from traitlets.config import Config

from autograder.attacks import Attack, chosen
from autograder.attacks.pages import active
from autograder.attacks.place import UNIT, Place
from autograder.gradebook import SpreadsheetExport
from autograder.sandbox import find_bwrap

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # nbgrader's, nbconvert's and SQLAlchemy's own
    pytest.mark.skipif(find_bwrap() is None, reason="attacks need walls"),
]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FILES = [attack for attack in chosen(()) if attack.hand_in is not None]
ATTACKS = [*chosen(["text"]), *(attack for attack in FILES if attack.family != "text")]


@dataclass
class Pages:
    """Where the feedback pages of attacks and of the honest lie, and both kinds of exported table."""

    attacks: dict[str, Path]
    honest: Path
    plain: Path
    exported: Path


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """Everything graded by us, then made into pages and tables by nbgrader."""
    out = tmp_path_factory.mktemp("tables")
    with Place() as place, pytest.MonkeyPatch.context() as patch:
        students = {}
        for attack in ATTACKS:
            students[attack.name], _ = place.hand_in(attack)
            place.grading(students[attack.name])
        patch.chdir(place.course.root)
        made = NbGraderAPI(config=place.course.config).generate_feedback(UNIT)
        assert made["success"], made
        for name, exporter in (("plain", CsvExportPlugin), ("exported", SpreadsheetExport)):
            with Gradebook(place.course.db_url) as book:
                exporter(config=Config({"ExportPlugin": {"to": str(out / f"{name}.csv")}})).export(book)
        found = {name: place.course.folder("feedback", who, UNIT) / f"{UNIT}.html" for name, who in students.items()}
        honest = place.course.folder("feedback", "ada", UNIT) / f"{UNIT}.html"
        yield Pages(found, honest, out / "plain.csv", out / "exported.csv")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_a_page_holds_nothing_active_that_an_honest_one_has_not(attack: Attack, pages: Pages) -> None:
    page = pages.attacks[attack.name].read_text(encoding="utf-8")
    assert not active(page) - active(pages.honest.read_text(encoding="utf-8"))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_a_page_loads_no_image_from_anywhere(attack: Attack, pages: Pages) -> None:
    """An image is fetched by whoever looks at the page, with their cookies: also `/hub/logout` is an address."""
    page = pages.attacks[attack.name].read_text(encoding="utf-8")
    assert not [
        source
        for source in re.findall(r"<img[^>]*?src=[\"']?([^\"'\s>]*)", page)
        if not source.startswith("data:image/")
    ]


def test_what_attackers_wrote_is_on_their_pages_all_the_same(pages: Pages) -> None:
    """Else the tests above would hold for empty pages."""
    for name, words in {
        "a_script_in_markdown": "< script>alert(1)", "a_page_in_a_raw_cell": "< script>alert(1)",
        "a_script_in_an_exception": "alert(1)",
        "a_notice_forged_while_loading": "Full marks, by hand", "text_that_takes_hours_to_show": "more characters, which are in",
        "files_with_names_that_run": "There is:", "a_page_in_what_is_printed": "</pre></details>",
    }.items():  # fmt: skip
        assert words in html.unescape(pages.attacks[name].read_text(encoding="utf-8")), name


def test_such_a_page_would_run_if_nothing_were_done(tmp_path: Path) -> None:
    """The same text as nbconvert shows it."""
    (attack,) = chosen(["a_script_in_markdown"])
    assert attack.hand_in is not None
    empty = new_notebook(cells=[new_markdown_cell("Because.")])
    attack.hand_in(tmp_path, nbformat.writes(empty).encode(), {"unit": UNIT})
    found: Counter[str] = Counter()
    for cell in nbformat.read(tmp_path / f"{UNIT}.ipynb", as_version=4).cells:
        found += active(markdown2html(cell.source))
    assert len(found) >= 5


SCRIPTS = {
    "a script": "<script>alert(1)</script>",
    "a handler": "<img src=x onerror=alert(1)>",
    "a drawing": "<svg onload=alert(1)></svg>",
    "a link": "<a href='javascript:alert(1)'>here</a>",
}
"""What is noticed, put into an honest page."""

EARS = """<script>
const tell = what => parent.postMessage(NAME + "=" + what, "*");
for (const name of ["alert", "confirm", "prompt", "open"]) { window[name] = () => tell(name); }
addEventListener("load", () => {
  document.querySelectorAll("summary").forEach(e => e.click());
  document.querySelectorAll("a[href]").forEach(e => { if (!/^(https?|file|mailto|attachment):/.test(e.href)) e.click(); });
  setTimeout(() => tell("loaded"), 300);
});
</script>"""
"""What attacks call tells of itself instead; everything is unfolded, and every link that leads nowhere is clicked."""

LISTENER = """<!DOCTYPE html><script>
addEventListener("message", e => { const p = document.createElement("p"); p.textContent = e.data; document.body.append(p); });
</script><body>"""


@pytest.fixture(scope="module")
def heard(pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What ran in each page when a browser showed them all."""
    folder = tmp_path_factory.mktemp("browser")
    honest = pages.honest.read_text(encoding="utf-8")
    shown = {name: path.read_text(encoding="utf-8") for name, path in pages.attacks.items()}
    shown |= {name: honest.replace("<body>", f"<body>{script}", 1) for name, script in SCRIPTS.items()}
    frames = ""
    for number, (name, text) in enumerate(shown.items()):
        watched = text.replace("<head>", "<head>" + EARS.replace("NAME", repr(name)), 1)
        assert watched != text
        (folder / f"{number}.html").write_text(watched, encoding="utf-8")
        frames += f'<iframe src="{number}.html"></iframe>'
    (folder / "all.html").write_text(LISTENER + frames, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    alone = ["--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [CHROMIUM or "", *flags, *alone, "--virtual-time-budget=20000", "--dump-dom", (folder / "all.html").as_uri()],
        capture_output=True, text=True, timeout=300, errors="replace", check=True,
    )  # fmt: skip
    told: dict[str, list[str]] = {name: [] for name in shown}
    for name, what in re.findall(r"<p>([^<=]+)=(\w+)</p>", done.stdout):
        told[name].append(what)
    return told


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_nothing_runs_when_a_page_is_opened(attack: Attack, heard: dict[str, list[str]]) -> None:
    assert heard[attack.name] == ["loaded"]


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_on_such_a_page_would_be_noticed(name: str, heard: dict[str, list[str]]) -> None:
    assert sorted(heard[name]) == ["alert", "loaded"]


def test_no_field_of_an_exported_table_is_a_formula(pages: Pages) -> None:
    with pages.exported.open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert not [
        value for row in rows for value in row.values() if str(value).startswith(("=", "+", "-", "@", "\t", "\r"))
    ]
    assert {'\'=HYPERLINK("http:x","14")', "ada", "аda"} <= {
        row["student_id"] for row in rows if float(row["score"]) == 14
    }
    assert ",=HYPERLINK(" in pages.plain.read_text(), "nbgrader's own table has one"
