"""How much a submission may use, and how the kernel is told.

Processor time decides, wall clock only ends sleepers: a verdict must not depend on how busy the machine is. So there are
three clocks. `call_seconds` is the friendly one, processor time of a single cell or call; the session raises inside the
student's own code and the student reads which line it was. `cpu_seconds` is the firm one, processor time of the whole
submission, kept by the kernel for whoever ignores the first. `wall_seconds` counts only while the submission neither runs
nor waits for a processor: asleep, or stuck reading something that never comes.
"""

from __future__ import annotations

import dataclasses
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20
GIB = 1 << 30
SIGNALS = 256
"""How many signals may wait to be delivered, and timers be set."""


LAYERS = {
    "network": "a network of its own, in which there is nobody",
    "messages": "message queues and shared memory of its own",
    "folders": "a /tmp that nobody has seen before, and no /proc",
    "descriptors": "no open file but its own connection",
    "privileges": "no capability, even in its own namespaces",
    "system calls": "a filter in front of the kernel",
    "limits": "the kernel's limits on one process",
    "watch": "an eye on all its processes together",
}
"""What stands between a submission and the rest, besides the namespaces for processes and users and the folders that are
shown at all. Each has an attack that succeeds without it."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Memory is what it may add to the interpreter with torch loaded."""

    call_seconds: float | None = 10.0
    """Processor seconds of one cell or one request; ended with a message that names the line."""
    cpu_seconds: int = 120
    """Processor seconds of the whole submission and all it starts; ended by the kernel."""
    wall_seconds: float = 5.0
    """Seconds asleep within one request."""
    naps_seconds: float = 10.0
    """Seconds asleep in all requests together, naps shorter than a quarter of a second not counted."""
    data_bytes: int = 2 * GIB
    processes: int = 16
    """Processes and threads alive at once."""
    file_size: int = 64 * MIB
    open_files: int = 64
    tmp_bytes: int = 64 * MIB
    reply_bytes: int = 64 * MIB

    def to_json(self) -> dict[str, float | int | None]:
        return dataclasses.asdict(self)


def impose(limits: Limits, *, address_space: bool) -> None:
    """Put this process, and all it starts, under the kernel's limits as far as this system has them.

    `address_space` also bounds mappings that are nobody's data (shared memory), which RLIMIT_DATA does not count. It must
    be off where CUDA may be used: that maps far more addresses than it uses memory.
    """
    try:
        import resource
    except ImportError:  # Windows has none of this: what is left are the session's own limits and the wall clock
        return

    def limit(name: str, soft: int, hard: int | None = None) -> None:
        which = getattr(resource, name, None)
        if which is None:
            return
        ceiling = resource.getrlimit(which)[1]
        hard = soft if hard is None else hard
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        try:
            resource.setrlimit(which, (soft, hard))
        except (ValueError, OSError):  # macOS names limits that it does not let anyone set
            if not sys.platform.startswith("darwin"):
                raise

    limit("RLIMIT_CORE", 0)
    limit("RLIMIT_FSIZE", limits.file_size)
    limit("RLIMIT_NOFILE", limits.open_files)
    # The soft limit's signal is ignored by the first process of a pid namespace; the hard limit's is not.
    spent = math.ceil(time.process_time())  # on importing torch, in a plain process
    limit("RLIMIT_CPU", spent + limits.cpu_seconds, spent + limits.cpu_seconds + 1)
    if sys.platform.startswith("linux"):
        size, data = used_bytes()
        limit("RLIMIT_DATA", data + limits.data_bytes)
        if address_space:
            limit("RLIMIT_AS", size + limits.data_bytes)
            # Counted per user *namespace* (Linux 5.14 and later), so a submission in one of its own is counted alone;
            # it would never bind root itself. Without a namespace it would count everything that the user runs.
            limit("RLIMIT_NPROC", limits.processes)
            limit("RLIMIT_SIGPENDING", SIGNALS)  # counted along with all others of the user who grades


def used_bytes() -> tuple[int, int]:
    """(addresses, data) that this process has mapped."""
    pages = [int(number) for number in Path("/proc/self/statm").read_text().split()]
    page = os.sysconf("SC_PAGE_SIZE")
    return pages[0] * page, pages[5] * page
