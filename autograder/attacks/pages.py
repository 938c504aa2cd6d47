"""What a browser would run of a page: scripts, handlers, embedded documents, links that are programs."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

RUNS = {
    "script",
    "iframe",
    "object",
    "embed",
    "applet",
    "base",
    "form",
    "meta",
    "link",
    "svg",
    "math",
    "frame",
    "portal",
}
"""Elements that run something, load something or send something elsewhere."""
GOES = {"href", "src", "action", "formaction", "xlink:href", "data", "poster", "srcdoc", "background", "style"}


def active(page: str) -> Counter[str]:
    """Every active element of a page, with how often it is there; pages are compared by them."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: Counter[str] = Counter()
        self._script = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        for name, value in values.items():
            said = "".join(value.split()).lower()
            if name.startswith("on"):
                self.found[f"<{tag} {name}={value[:60]!r}>"] += 1
            elif name in GOES and said.startswith(("javascript:", "vbscript:", "data:text/html", "data:image/svg")):
                self.found[f"<{tag} {name}={value[:60]!r}>"] += 1
            elif name == "style" and ("url(" in said or "expression(" in said):
                self.found[f"<{tag} style={value[:60]!r}>"] += 1
        if tag in RUNS:
            target = values.get("src") or values.get("href") or values.get("content", "")
            self.found[f"<{tag} {target[:60]}>"] += 1
        self._script = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._script = ""

    def handle_data(self, data: str) -> None:
        if self._script == "script":
            self.found[f"a script: {data.strip()[:80]!r}"] += 1
