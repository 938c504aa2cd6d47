"""`dlvm new`: a unit in the right shape, small and complete, which its author then replaces piece by piece.

    make(course, "counts", title="Counting")     # solutions/counts/: counts.ipynb, laws.py, misconceptions.py

The template is a unit like any other, kept as files in `template/`: it is released, audited and tested as it is. Only its
slug and its title are placeholders.
"""

from __future__ import annotations

import json
import keyword
import re
import tempfile
from importlib.resources import files
from pathlib import Path

from autograder.course import Course

SLUG, TITLE = "a_new_unit", "A new unit"
"""What stands in the template where a unit's own slug and title go."""

EXERCISE = "bernoulli_entropy"
"""The one that the template asks, until its author asks another."""

LONGEST = 40
"""Characters of a slug: it is part of every path, and Windows has short ones."""

TAKEN_BY_WINDOWS = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
"""Names that no folder can have there, and students have Windows."""


class NotMade(Exception):
    """The unit was not made; the message says why, and nothing was written."""


def make(course: Course, slug: str, title: str = "") -> Path:
    """Make `solutions/<slug>/` from the template, all of it or nothing; returns the folder."""
    title = title.strip() or slug.replace("_", " ").capitalize()
    if faults := [*faults_of_slug(slug), *faults_of_title(title)]:
        raise NotMade(faults[0])
    folder = course.folder("source", ".", slug)
    if folder.exists():
        raise NotMade(f"{folder} is there already: choose another slug, or remove it first if nobody needs it.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as temporary:
            made = Path(temporary) / slug
            made.mkdir()
            for name, text in unit_files(slug, title).items():
                (made / name).write_text(text, encoding="utf-8", newline="\n")
            made.rename(folder)
    except OSError as problem:
        raise NotMade(f"{folder} cannot be written ({problem.strerror}).") from None
    return folder


def unit_files(slug: str, title: str) -> dict[str, str]:
    """The unit's files by name."""
    template = files("autograder.new") / "template"
    written = {}
    for file in sorted(template.iterdir(), key=lambda file: file.name):
        if file.name.endswith((".ipynb", ".py")):
            # In a notebook's JSON and in Python a title is written within double quotes, by the same rules.
            text = file.read_text(encoding="utf-8").replace(TITLE, json.dumps(title, ensure_ascii=False)[1:-1])
            written[file.name.replace(SLUG, slug)] = text.replace(SLUG, slug)
    return written


def is_snake_case(slug: str) -> bool:
    return re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", slug) is not None


def faults_of_slug(slug: str) -> list[str]:
    """Why a slug cannot be one, a sentence each."""
    shape = "expected lower-case words joined by single underscores, such as latent_codes"
    if not is_snake_case(slug):
        return [f"{slug!r} is no slug: {shape} (a to z, digits after the first letter)."]
    if len(slug) > LONGEST:
        return [f"{slug!r} has {len(slug)} characters, at most {LONGEST} are allowed: it is part of every path."]
    if keyword.iskeyword(slug) or keyword.issoftkeyword(slug):
        return [f"{slug!r} is a word of Python's own, which no module can be called: {shape}."]
    if slug in TAKEN_BY_WINDOWS:
        return [f"{slug!r} is a name that Windows keeps for itself, and students have Windows: choose another."]
    return []


def faults_of_title(title: str) -> list[str]:
    if not title.isprintable():
        return ["The title has a line break or another character that does not print: expected one line of text."]
    return [f"The title has {len(title)} characters; at most 80 fit a heading."] if len(title) > 80 else []
