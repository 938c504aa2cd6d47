"""What a learning platform gives becomes `submitted/<student>/<unit>/<unit>.ipynb`.

    collected = collect(Path("submissions.zip"), course, "kl_divergence")
    collected.placed      who handed in what, and when
    collected.left        everything else in the archive, with the reason why it was not placed

Known layouts (one archive may mix them; a folder above them does not matter):
    Moodle        Jane Doe_123456_assignsubmission_file_/kl_divergence.ipynb, also without the folder
    Brightspace   12345-67890 - Jane Doe - 12 November, 2026 1131 AM/kl_divergence.ipynb
    Canvas        doejane_late_12345_678901_kl_divergence-1.ipynb
    Blackboard, nbgrader zip_collect   kl_divergence_jdoe_attempt_2026-11-12-11-31-00_kl_divergence.ipynb
    nbgrader      submitted/jdoe/kl_divergence/kl_divergence.ipynb, with its timestamp.txt

A student's id is what the platform tells apart students by: the name and the platform's number (`Jane-Doe_123456`), since
names repeat; an nbgrader or Blackboard user name as it is. Ids are plain ASCII, so that two that look alike never are one.
Moodle's number belongs to one assignment: the same student has another one for the next unit.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
import unicodedata
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path, PurePosixPath

from autograder.course import Course


class NotAnArchive(Exception):
    """The file is not a zip archive that can be read; the message says what to do."""


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold before it is taken for an attack on the disk."""

    entries: int = 50_000
    file_bytes: int = 100_000_000
    total_bytes: int = 5_000_000_000
    ratio: int = 200
    """Unpacked over packed size, for files that unpack to more than 10 MB; a real notebook stays below 20."""


@dataclass(frozen=True)
class Placed:
    """A submission that now lies in submitted/. `note` says what a person may want to know about it."""

    student: str
    path: Path
    entry: str
    submitted: datetime | None = None
    note: str = ""


@dataclass
class Collected:
    """What became of an archive: nothing in it is passed over in silence."""

    placed: list[Placed] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Entry:
    """One file of the archive: its name with forward slashes, when it was packed, and how to read it."""

    name: str
    packed: tuple[int, ...]
    read: Callable[[], bytes]


@dataclass(frozen=True)
class _Found:
    """An entry that belongs to a student: whose, which attempt, under which file name."""

    entry: _Entry
    student: str
    identity: str
    file: str
    submitted: datetime | None = None
    number: int = 0
    note: str = ""

    @property
    def attempt(self) -> tuple[float, int, tuple[int, ...]]:
        """Later attempts compare greater: by the platform's time, else its running number, else the archive's."""
        return (self.submitted.timestamp() if self.submitted else 0.0, self.number, self.entry.packed)


def collect(
    archive: Path | str, course: Course, unit: str, *, zone: tzinfo | None = None, limits: Limits = Limits()
) -> Collected:
    """Place every student's newest notebook of `unit`. Platforms give local times: `zone`, by default this machine's.

    A submission that is already there is replaced only by one that is as new or newer.
    """
    collected = Collected()
    found: dict[str, list[_Found]] = defaultdict(list)
    beside: dict[str, list[_Found]] = defaultdict(list)
    wanted = _handed_in_beside(course, unit)
    times: dict[str, datetime | None] = {}
    with ExitStack() as opened:
        entries = [entry for entry in _entries(Path(archive), limits, collected, opened) if not _is_junk(entry.name)]
        wrapper = _wrapper(entries)
        for entry in entries:
            recognised = _recognise(entry, unit, zone) or _recognise(entry, unit, zone, wrapper)
            if recognised is None:
                collected.left.append((entry.name, "its name does not say whose it is in a way that is known"))
            elif isinstance(recognised, str):
                collected.left.append((entry.name, recognised))
            elif recognised.file == "timestamp.txt":
                times[str(PurePosixPath(entry.name).parent)] = _timestamp(entry.read)
            elif named := next((name for name in wanted if _is_named(recognised.file, name)), ""):
                beside[recognised.student].append(replace(recognised, file=named))
            elif not recognised.file.lower().endswith(".ipynb"):
                others = f", nor {' or '.join(wanted)}" if wanted else ""
                collected.left.append((entry.name, f"not a notebook (.ipynb){others}"))
            else:
                found[recognised.student].append(recognised)
        for student in sorted(found):
            attempts = [_dated(item, times) for item in found[student]]
            placed = _place(student, attempts, course, unit, collected)
            files = [_dated(item, times) for item in beside.pop(student, [])]
            _place_beside(student, files, placed, course, unit, collected)
        for items in beside.values():
            collected.left += [
                (item.entry.name, f"there is no {unit}.ipynb of this student beside it") for item in items
            ]
    collected.left.sort()
    return collected


# ------------------------------------------------------------------ reading the archive


def _entries(path: Path, limits: Limits, collected: Collected, opened: ExitStack) -> Iterator[_Entry]:
    """The plain files of the archive, or of a folder of archives and files; every other thing is listed as left."""
    if path.is_dir():
        for inner in sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink()):
            if zipfile.is_zipfile(inner):
                yield from _entries(inner, limits, collected, opened)
            elif inner.stat().st_size > limits.file_bytes:
                collected.left.append((inner.name, f"larger than {limits.file_bytes / 1e6:.0f} MB"))
            else:
                yield _Entry(inner.relative_to(path).as_posix(), (), inner.read_bytes)
        return
    try:
        archive = opened.enter_context(zipfile.ZipFile(path))
    except (OSError, zipfile.BadZipFile) as error:
        raise NotAnArchive(f"{path} is not a zip archive that can be read ({error}): download it again.") from None
    if len(archive.infolist()) > limits.entries:
        raise NotAnArchive(f"{path} has {len(archive.infolist()):,} entries; at most {limits.entries:,} are read.")
    budget = limits.total_bytes
    for info in archive.infolist():
        if info.is_dir():
            continue
        name = info.filename.replace("\\", "/")
        reason = _unsafe(name) or _unreadable(info, limits)
        if not reason and info.file_size > budget:
            reason = f"the archive unpacks to more than {limits.total_bytes / 1e9:.0f} GB"
        if reason:
            collected.left.append((_printable(name), reason))
            continue
        budget -= info.file_size
        yield _Entry(name, info.date_time, partial(_unpacked, archive, info))


def _unpacked(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The entry's bytes, never more than it declared."""
    with opened.open(info) as file:
        data = file.read(info.file_size + 1)
    if len(data) > info.file_size:
        raise zipfile.BadZipFile("it unpacks to more than it declares")
    return data


def _unsafe(name: str) -> str:
    """Why an entry of this name is not touched, if there is a reason."""
    parts = name.split("/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in parts:
        return "its path leads out of the archive"
    if any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF for c in name):
        return "its name has characters that no file name has"
    if len(name) > 1000 or any(len(part.encode("utf-8", "replace")) > 255 for part in parts):
        return "its name is too long"
    return ""


def _unreadable(info: zipfile.ZipInfo, limits: Limits) -> str:
    mode = info.external_attr >> 16
    if info.create_system == 3 and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "a link or a device, not a file"
    if info.flag_bits & 1:
        return "it is encrypted"
    if info.file_size > limits.file_bytes:
        return f"larger than {limits.file_bytes / 1e6:.0f} MB"
    if info.file_size > 10_000_000 and info.file_size > limits.ratio * max(info.compress_size, 1):
        return "it unpacks to so much more than its size that it looks like an attack"
    return ""


def _printable(name: str) -> str:
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return shown if len(shown) <= 200 else f"{shown[:120]}…{shown[-60:]}"


# ------------------------------------------------------------------ whose it is

_MOODLE = re.compile(r"(?P<name>[^/]+?)[ _](?P<id>\d+)_assignsubmission_(?P<kind>file|onlinetext)_?/?(?P<file>.+)")
_BRIGHTSPACE = re.compile(r"(?P<id>\d+)-\d+ ?- ?(?P<name>[^/]+?) ?- ?(?P<when>[^/]*\d{4}[^/]*)/(?P<file>.+)")
_BLACKBOARD = re.compile(
    r"[^/]*?_(?P<id>[^/_]+)_attempt_(?P<when>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?:_(?P<file>[^/]+)|\.txt)"
)
_CANVAS = re.compile(
    r"(?P<name>[^_/]+)_(?P<late>late_)?(?P<id>\d+|(?<=anon_)\w{5})_(?P<number>\d+)_(?P<file>[^/]+)", re.IGNORECASE
)


def _is_junk(name: str) -> bool:
    """What computers and platforms add by themselves, and nobody misses."""
    path = PurePosixPath(name)
    added = (
        path.name in (".DS_Store", "Thumbs.db", "desktop.ini") or path.name.startswith("._") or "__MACOSX" in path.parts
    )
    return added or (path.name == "index.html" and len(path.parts) <= 2)  # Brightspace's list of the submissions


def _wrapper(entries: list[_Entry]) -> str:
    """The folder that everything lies in, if there is one: somebody unpacked the archive and packed it again."""
    tops = {entry.name.split("/", 1)[0] for entry in entries}
    nested = all("/" in entry.name for entry in entries)
    return f"{tops.pop()}/" if len(tops) == 1 and nested else ""


def _recognise(entry: _Entry, unit: str, zone: tzinfo | None, wrapper: str = "") -> _Found | str | None:
    """Whose file this is; a reason why it is not taken; None if its name does not tell.

    Only the outermost names count, for those the platform gave: what a student called a file or folder of their own must
    not make it somebody else's.
    """
    name = entry.name.removeprefix(wrapper)
    if match := _MOODLE.fullmatch(name):
        if match["kind"] != "file":
            return "text typed into Moodle, not a file"
        return _found(entry, _numbered(match["name"], match["id"]), f"moodle {match['id']}", match["file"])
    if match := _BRIGHTSPACE.fullmatch(name):
        when = _spelled_out(match["when"], zone)
        return _found(
            entry, _numbered(match["name"], match["id"]), f"brightspace {match['id']}", match["file"], submitted=when
        )
    if match := _BLACKBOARD.fullmatch(name):
        when = _in_zone(match["when"], "%Y-%m-%d-%H-%M-%S", zone)
        return _found(entry, _user_name(match["id"]), match["id"], match["file"] or "note.txt", submitted=when)
    if match := _CANVAS.fullmatch(name):
        note = "late, says Canvas" if match["late"] else ""
        student = _numbered(match["name"], match["id"])
        return _found(
            entry, student, f"canvas {match['id']}", match["file"], number=int(match["number"][:18]), note=note
        )
    parts = name.split("/")
    if len(parts) == 3 and parts[1] == unit:
        return _found(entry, _user_name(parts[0]), parts[0], parts[2])
    return None


def _found(entry: _Entry, student: str, identity: str, file: str, **more: object) -> _Found | str:
    if not student:
        return "its student's name cannot be a folder's name"
    return _Found(entry, student, identity, PurePosixPath(file).name, **more)  # pyright: ignore[reportArgumentType]


def _numbered(name: str, number: str) -> str:
    """Jane Doe, 123456 → Jane-Doe_123456. The number tells namesakes apart, so the name may lose what is not ASCII."""
    decomposed = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', decomposed).strip('-')[:60] or 'student'}_{number[:40]}"


def _user_name(name: str) -> str:
    """A user name as it is, if it can be a folder; other alphabets spelled in code points, so that look-alikes differ."""
    spelled = "".join(c if c.isascii() else f"u{ord(c):04x}" for c in unicodedata.normalize("NFC", name))
    safe = re.sub(r"[^A-Za-z0-9._@+-]", "-", spelled)
    if not safe or safe.startswith((".", "-")) or safe.endswith(".") or len(safe) > 100 or _RESERVED.fullmatch(safe):
        return ""
    return safe


_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""What Windows does not take as a folder's name."""


# ------------------------------------------------------------------ when


def _spelled_out(text: str, zone: tzinfo | None) -> datetime | None:
    """Brightspace's times: `12 November, 2026 1131 AM`, `Nov 12, 2026 1131 AM`, `12 November, 2026 1131`."""
    words = " ".join(text.replace(",", " ").split())
    for day in ("%d %B %Y", "%B %d %Y", "%d %b %Y", "%b %d %Y"):
        for hour in ("%I%M %p", "%H%M", "%I:%M %p", "%H:%M"):
            # a one-digit hour has no leading zero there: 131 AM is 1:31
            padded = re.sub(r"\b(\d)(\d\d)\b(?= [AP]M$|$)", r"0\1\2", words)
            if when := _in_zone(padded, f"{day} {hour}", zone):
                return when
    return None


def _in_zone(text: str, pattern: str, zone: tzinfo | None) -> datetime | None:
    try:
        local = datetime.strptime(text, pattern)
        return (local.replace(tzinfo=zone) if zone else local.astimezone()).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _timestamp(read: Callable[[], bytes]) -> datetime | None:
    """What an nbgrader timestamp.txt says: `2026-11-12 11:31:00.000000 UTC`."""
    try:
        text = read()[:100].decode("ascii").strip()
    except _READ_ERRORS:
        return None
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?) ?(UTC|Z|[+-]\d\d:?\d\d)?", text)
    if not match:
        return None
    try:
        offset = match[2] if match[2] and match[2] not in ("UTC", "Z") else "+00:00"
        return datetime.fromisoformat(match[1] + offset).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# ------------------------------------------------------------------ placing

_READ_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError, ValueError)
"""What reading a damaged entry may raise."""


def _handed_in_beside(course: Course, unit: str) -> list[str]:
    """The files that this unit's exercises want beside the notebook, by name."""
    from autograder.exercise import Unit

    return Unit.load(course.source(unit)).hands_in


def _place_beside(
    student: str, found: list[_Found], notebook: _Found | None, course: Course, unit: str, collected: Collected
) -> None:
    """Place the newest of each other file, such as weights; where its notebook was not placed, nothing of it is.

    A platform that takes files one by one has them in different attempts, so a file need not be of the notebook's.
    """
    folder = course.folder("submitted", student, unit)
    for name in sorted({item.file for item in found}):
        copies = sorted((item for item in found if item.file == name), key=lambda item: item.attempt, reverse=True)
        reason = ""
        if notebook is None:
            reason = f"{unit}.ipynb of {student} was not placed either"
        elif copies[0].identity != notebook.identity:
            reason = f"another student has the id {student}"
        else:
            try:
                _write(folder / name, copies[0].entry.read())
            except _READ_ERRORS as error:
                reason = f"it is damaged and cannot be unpacked ({error})"
        if reason:
            collected.left.append((copies[0].entry.name, reason))
        collected.left += [
            (item.entry.name, f"an earlier attempt; {copies[0].entry.name} was taken") for item in copies[1:]
        ]


def _place(student: str, found: list[_Found], course: Course, unit: str, collected: Collected) -> _Found | None:
    """Place the newest attempt of one student, and list the others. Returns what was placed."""
    identities = sorted({item.identity for item in found})
    if len(identities) > 1:
        own = [item for item in found if item.identity == student]
        for item in found:
            if item not in own:
                collected.left.append(
                    (item.entry.name, f"another student has the id {student}: {', '.join(identities)}")
                )
        found = own
    named = [item for item in found if _is_named(item.file, f"{unit}.ipynb")]
    candidates = named or (found if len({item.file for item in found}) == 1 else [])
    if not candidates:
        for item in found:
            collected.left.append(
                (item.entry.name, f"one of several notebooks of {student}, none of them named {unit}.ipynb")
            )
        return None
    # The file's own name decides between copies in one attempt: kl_divergence.ipynb before kl_divergence (1).ipynb.
    candidates.sort(key=lambda item: (item.attempt, item.file == f"{unit}.ipynb", item.file), reverse=True)
    newest = candidates[0]
    for item in found:
        if item is not newest:
            reason = "an earlier attempt, or a copy" if item in candidates else f"not named {unit}.ipynb"
            collected.left.append((item.entry.name, f"{reason}; {newest.entry.name} was taken"))
    try:
        data = newest.entry.read()
    except _READ_ERRORS as error:
        collected.left.append((newest.entry.name, f"it is damaged and cannot be unpacked ({error})"))
        return None
    folder = course.folder("submitted", student, unit)
    there = _time_there(folder)
    if there is not None and newest.submitted is not None and there > newest.submitted:
        since = f"{there:%Y-%m-%d %H:%M} UTC"
        collected.left.append((newest.entry.name, f"{student} has a newer submission here already, of {since}"))
        return None
    folder.mkdir(parents=True, exist_ok=True)
    for name in _handed_in_beside(course, unit):  # of an earlier attempt, it may be: never another's notebook with it
        (folder / name).unlink(missing_ok=True)
    _write(folder / f"{unit}.ipynb", data)
    if newest.submitted is not None:
        _write(folder / "timestamp.txt", f"{newest.submitted:%Y-%m-%d %H:%M:%S.%f} UTC".encode())
    else:
        (folder / "timestamp.txt").unlink(missing_ok=True)
    renamed = "" if newest.file == f"{unit}.ipynb" else f"was named {newest.file}"
    note = "; ".join(part for part in (newest.note, renamed) if part)
    collected.placed.append(Placed(student, folder / f"{unit}.ipynb", newest.entry.name, newest.submitted, note))
    return newest


def _dated(item: _Found, times: dict[str, datetime | None]) -> _Found:
    """With the time that a timestamp.txt beside it tells, where the platform itself tells none."""
    beside = times.get(str(PurePosixPath(item.entry.name).parent))
    return replace(item, submitted=beside) if item.submitted is None and beside is not None else item


def _is_named(file: str, wanted: str) -> bool:
    """Whether a file is called as it should be, give or take what browsers and platforms add to a second copy."""
    name, suffix = PurePosixPath(wanted).stem, PurePosixPath(wanted).suffix
    if not file.lower().endswith(suffix.lower()):
        return False
    stem = unicodedata.normalize("NFKC", file)[: -len(suffix)].strip().lower()
    stem = re.sub(r"^copy of ", "", stem)
    stem = re.sub(r"[ _-]*(\(\d+\)|copy ?\d*|\d+)$", "", stem)
    return re.sub(r"[ -]+", "_", stem) == name.lower()


def _time_there(folder: Path) -> datetime | None:
    path = folder / "timestamp.txt"
    return _timestamp(path.read_bytes) if path.is_file() else None


def _write(path: Path, data: bytes) -> None:
    """All of it or none."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)
