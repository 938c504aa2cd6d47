"""The warm process: has everything imported, and forks once a submission. Runs inside bubblewrap, as its first process.

It listens on one socket to the process that decides, which asks in JSON:

    {"op": "fork", "limits": {…}} and, along with it, one end of a connection    → {"pid": 12}
    {"op": "busy", "pid": 12}    → {"seconds": 3.2, "cpu_seconds": 1.5}: how long it has run or waited for a processor, and run
    {"op": "end", "pid": 12}     → {"signal": 9, "code": 0, "cpu_seconds": 1.5, "reason": ""}, once it is gone

Student code runs only in the forks. Each is the first process of a pid namespace, so that its end is the end of all it
started, and this process is out of its sight and reach. When the socket closes this process ends, and all forks with it.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from autograder.sandbox import kernel
from autograder.sandbox.limits import Limits, impose

WATCH_SECONDS = 0.2
"""How often the forks' memory and processor time, all their processes together, are looked at."""

TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Fork:
    """One submission's first process."""

    pid: int
    limits: Limits
    reason: str = ""
    """Why it was ended from here, if it was: "memory" or "cpu"."""


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    configuration = json.loads(sys.argv[2])
    settle(configuration["uid"])
    warm_up(configuration["preload"])
    Warm(control, configuration["given"], frozenset(configuration["without"])).run()


def settle(uid: int | None) -> None:
    """Become an ordinary user before anything else, and close to the eyes of others."""
    if uid is not None:  # started by root, whom no limit on processes binds
        os.chmod("/tmp", 0o1777)  # as every /tmp is; it is this process's own
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.leave_session_keyring()


def warm_up(preload: list[str]) -> None:
    """Import what answers use, and use it once: torch imports hundreds of modules only then.

    No backward pass (its engine would not survive the fork) and no second thread (whose locks would not).
    """
    import matplotlib.pyplot
    import torch

    from autograder.sandbox.worker import seed_all

    one = torch.distributions.Normal(torch.zeros(2), torch.ones(2))
    torch.distributions.kl_divergence(one, one)
    one.rsample()
    torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2)).log_prob(torch.zeros(2))
    torch.linalg.eigh(torch.linalg.cholesky(torch.eye(2, dtype=torch.float64)))
    layer = torch.nn.Linear(2, 2)
    torch.nn.functional.softplus(layer(torch.ones(1, 2)))
    torch.optim.Adam(layer.parameters())
    torch.func.vmap(torch.sin)(torch.ones(2))
    matplotlib.pyplot.close(matplotlib.pyplot.figure())
    for name in ["torch.autograd.functional", "torch.utils.data", "torch.utils.checkpoint", *preload]:
        importlib.import_module(name)
    seed_all()
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise RuntimeError(
            f"importing {', '.join(preload) or 'torch'} started {threads - 1} threads, which no fork survives"
        )
    gc.collect()
    gc.freeze()  # what is here now stays: collecting it in every fork would only copy pages


class Warm:
    """Forks, watches and ends."""

    def __init__(self, control: socket.socket, given: str | None, without: frozenset[str] = frozenset()) -> None:
        self.control, self.given = control, given
        self.without = without
        """The layers (limits.LAYERS) that are left out, to see what they are good for."""
        self.forks: dict[int, Fork] = {}
        self.passing: list[int] = []
        """The processes in between, until they are gone."""
        self.base = anonymous_bytes(os.getpid())  # what every process shares with this one, and does not use up itself

    def run(self) -> None:
        self.control.send(json.dumps({"ready": True}).encode())
        listening = select.poll()
        listening.register(self.control, select.POLLIN)
        watched = time.monotonic()
        while True:
            asked = listening.poll(WATCH_SECONDS * 1000 if self.forks else None)
            if time.monotonic() - watched >= WATCH_SECONDS:
                self.watch()
                self.reap()
                watched = time.monotonic()
            if not asked:
                continue
            message, descriptors, _, _ = socket.recv_fds(self.control, 1 << 16, 1)
            if not message:
                return
            request = json.loads(message)
            try:
                reply = getattr(self, request.pop("op"))(*descriptors, **request)
            except OSError as problem:  # no more processes or memory on this machine
                reply = {"error": str(problem)}
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
            self.control.send(json.dumps(reply).encode())
            self.reap()

    def fork(self, connection: int, limits: dict[str, Any]) -> dict[str, Any]:
        """Start a submission's first process, and learn its number from the one in between.

        Only a child of the process that makes a pid namespace is in it, so there are two forks. The one in between is gone
        at once; its child becomes ours, being orphaned, because this is the first process of bubblewrap's own namespace.
        """
        reader, writer = os.pipe()
        between = os.fork()
        if not between:
            uid, gid = os.getuid(), os.getgid()  # the new user namespace will not know them until it is told
            try:
                shared = kernel.CLONE_NEWNET * ("network" in self.without) | kernel.CLONE_NEWIPC * (
                    "messages" in self.without
                )
                kernel.unshare(kernel.NAMESPACES & ~shared)
                pid = os.fork()
                if not pid:
                    inhabit(connection, Limits(**limits), self.given, uid, gid, self.without)
                os.write(writer, str(pid).encode())
            except BaseException:  # neither process may come back into the loop above
                traceback.print_exc()
            os._exit(0)
        os.close(writer)
        number = os.read(reader, 32)  # comes before the one in between has taken itself down, which takes longer
        os.close(reader)
        self.passing.append(between)
        if not number:
            return {"error": "this system does not let an ordinary user make namespaces"}
        self.forks[int(number)] = Fork(int(number), Limits(**limits))
        return {"pid": int(number)}

    def reap(self, wait: bool = False) -> None:
        options = 0 if wait else os.WNOHANG
        self.passing = [process for process in self.passing if not os.waitpid(process, options)[0]]

    def busy(self, pid: int) -> dict[str, Any]:
        processes = family(pid)
        return {"seconds": sum(map(waited_or_ran, processes)), "cpu_seconds": sum(map(cpu_seconds, processes))}

    def end(self, pid: int) -> dict[str, Any]:
        self.reap(wait=True)  # until then its child is not ours to wait for
        fork = self.forks.pop(pid)
        os.kill(pid, signal.SIGKILL)  # changes nothing if it has ended: it is not reaped yet
        _, status, usage = os.wait4(pid, 0)
        return {
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "reason": fork.reason,
        }

    def watch(self) -> None:
        """End the forks whose processes use, together, more than one is allowed: the kernel's limits are per process."""
        for fork in self.forks.values() if "watch" not in self.without else ():
            processes = family(fork.pid)
            if sum(max(anonymous_bytes(process) - self.base, 0) for process in processes) > fork.limits.data_bytes:
                fork.reason = "memory"
            elif sum(cpu_seconds(process) for process in processes) > fork.limits.cpu_seconds + 1:
                fork.reason = "cpu"
            if fork.reason:
                os.kill(fork.pid, signal.SIGKILL)


# ---- in the fork -----------------------------------------------------------------------------------------------------


def inhabit(connection: int, limits: Limits, given: str | None, uid: int, gid: int, without: frozenset[str]) -> None:
    """Close every door from the inside, then answer requests. Never returns."""
    from autograder.sandbox.wire import SocketChannel
    from autograder.sandbox.worker import serve
    from autograder.session import Session

    try:
        os.setsid()  # a signal to one's process group would reach the warm process, namespace or not
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # else /proc/self would be root's, and the next line fails
        kernel.map_user(uid, gid)
        Path("/proc/self/oom_score_adj").write_text("1000")
        kernel.leave_session_keyring()
        if "limits" not in without:
            impose(limits, address_space=True)
        if "folders" not in without:
            fresh_folders(limits.tmp_bytes)
        if "descriptors" not in without:
            connection = keep_only(connection)
        if "privileges" not in without:
            kernel.drop_privileges()
        if "system calls" not in without:
            kernel.forbid_system_calls()
        os.chdir("/tmp")
        random.seed(0)  # which Python seeds anew in every fork; torch's and NumPy's generators came along as they were
        channel = SocketChannel(socket.socket(fileno=connection), limits.reply_bytes)
        session = Session(None if given is None else Path(given), call_seconds=limits.call_seconds)
    except BaseException:  # nothing may be left half closed
        traceback.print_exc()
        os._exit(1)
    try:
        serve(channel, session)
    finally:
        os._exit(0)


def fresh_folders(tmp_bytes: int) -> None:
    """A /tmp that nobody has seen before and nobody will see again; no /proc, so no other process to look at."""
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    harmless = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("tmpfs", "/tmp", "tmpfs", harmless, f"size={tmp_bytes},nr_inodes=4096,mode=1777")
    kernel.mount("/tmp", "/dev/shm", None, kernel.MS_BIND)  # one folder, one bound
    kernel.mount("tmpfs", "/proc", "tmpfs", harmless | kernel.MS_RDONLY, "size=4k,nr_inodes=2,mode=555")


def keep_only(connection: int) -> int:
    """Descriptor 3 for the connection, nothing behind 0, 1 and 2, and no other: the control socket above all."""
    os.dup2(connection, 3)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.closerange(4, 1 << 16)
    return 3


# ---- what the kernel says about processes ----------------------------------------------------------------------------


def family(pid: int) -> list[int]:
    """The process and all that descend from it: in a pid namespace, orphans become its first process's children."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        fields = stat_fields(entry) if entry.isdigit() else None
        if fields is not None:
            children.setdefault(int(fields[1]), []).append(int(entry))
    found = [pid]
    for process in found:  # grows as it goes
        found += children.get(process, [])
    return found


def stat_fields(pid: int | str) -> list[str] | None:
    """/proc/pid/stat from the state on (a name may hold anything, a bracket too), or None when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def cpu_seconds(pid: int) -> float:
    """Its own processor time and that of its children that have ended."""
    fields = stat_fields(pid)
    return 0.0 if fields is None else sum(int(ticks) for ticks in fields[11:15]) * TICK


def waited_or_ran(pid: int) -> float:
    """Seconds in which its threads ran or could have: all but sleeping."""
    seconds = 0.0
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            ran, waited = Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[:2]
            seconds += (int(ran) + int(waited)) * 1e-9
    except OSError:  # gone, or a kernel that does not count waiting
        pass
    return max(seconds, cpu_seconds(pid))


def anonymous_bytes(pid: int) -> int:
    """Memory that is in no file, wherever it is now: its own and what it shares with its ancestors."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return 0
    kinds = ("RssAnon:", "RssShmem:", "VmSwap:")
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(kinds))


if __name__ == "__main__":
    main()
