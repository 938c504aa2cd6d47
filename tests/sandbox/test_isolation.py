"""What a submission cannot do: see, reach, change or outlive anything that is not its own."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest
import torch

from autograder.answer import Fault
from autograder.sandbox import Limits, bubblewrap
from autograder.sandbox.bubblewrap import BubblewrapSandbox
from autograder.sandbox.warm import family, stat_fields
from tests.sandbox.conftest import Opener

REPOSITORY = Path(__file__).parents[2]


def alive(sandbox: BubblewrapSandbox) -> list[int]:
    """bubblewrap, the warm process, and all that runs in it."""
    processes = family(sandbox.warm().process.pid)
    return [pid for pid in processes if (fields := stat_fields(pid)) is not None and fields[0] != "Z"]


# ---- other submissions, and the warm process ---------------------------------------------------------------------------


def test_it_cannot_read_what_another_left_in_tmp(inside: Opener) -> None:
    source = """
        import os
        def write(path): open(path, "w").write("an answer")
        def see(): return sorted(os.listdir("/tmp")) + sorted(os.listdir("/dev/shm"))
    """
    with inside(source) as one, inside(source) as other:
        one.call("write", "/tmp/a")
        one.call("write", "/dev/shm/b")
        assert other.call("see") == []
        assert one.call("see") == ["a", "b", "a", "b"]  # one folder under two names, so that one limit bounds both
    with inside(source) as later:
        assert later.call("see") == []


def test_it_leaves_no_process_behind(inside: Opener, sandbox: BubblewrapSandbox) -> None:
    before = alive(sandbox)
    with inside("""
        import ctypes, os, signal, time
        def leave():
            for _ in range(3):
                if os.fork() == 0:
                    os.setsid()
                    ctypes.CDLL(None).prctl(1, 0)  # no signal when the parent dies
                    for number in range(1, 65):
                        try: signal.signal(number, signal.SIG_IGN)
                        except (OSError, ValueError): pass
                    os.close(3)
                    if os.fork() == 0:
                        time.sleep(1e6)
                    os._exit(0)
            return os.getpid()
    """) as session:
        assert session.call("leave") == 1
        assert len(alive(sandbox)) > len(before) + 1
    assert alive(sandbox) == before


def test_its_end_is_the_end_of_what_it_started(inside: Opener, sandbox: BubblewrapSandbox) -> None:
    before = alive(sandbox)
    with inside("""
        import os, time
        def leave():
            if os.fork() == 0:
                time.sleep(1e6)
            os._exit(0)
    """) as session:
        assert session.fault("leave") == "died"
        assert alive(sandbox) == before


@pytest.mark.parametrize("attack", [
    "os.kill(0, signal.SIGKILL)", "os.kill(0, signal.SIGSTOP)", "os.kill(-1, signal.SIGKILL)",
    "os.killpg(os.getpgrp(), signal.SIGSTOP)", "os.kill(os.getppid(), signal.SIGKILL)",
    "[attempt(os.kill, n, signal.SIGSTOP) for n in range(0, 400)]",
    "[attempt(os.kill, -n, signal.SIGKILL) for n in range(0, 400)]",
    "[attempt(os.setpriority, which, n, 19) for which in range(3) for n in range(0, 50)]",
    "[attempt(os.sched_setaffinity, n, {0}) for n in range(2, 400)]",
    "[attempt(resource.prlimit, n, resource.RLIMIT_CPU, (1, 1)) for n in range(2, 400)]",
])  # fmt: skip
def test_it_cannot_stop_or_signal_the_warm_process_or_another(
    inside: Opener, sandbox: BubblewrapSandbox, attack: str
) -> None:
    warm = sandbox.warm()
    one = "def one(): return 1"
    attacker = f"""
        import os, resource, signal
        def attempt(function, *arguments):
            try: function(*arguments)
            except OSError: pass
        def attack():
            {attack}
    """
    with inside(one) as before, inside(attacker) as session, inside(one) as after:
        with contextlib.suppress(Fault):  # what it does to itself does not matter here
            session.call("attack")
        assert before.call("one") == after.call("one") == 1
    with inside(one) as session:
        assert session.call("one") == 1
    assert sandbox.warm() is warm


def test_it_sees_no_other_process(inside: Opener) -> None:
    with inside("""
        import os
        def see():
            seen = [n for n in range(2, 2000) if exists(n)]
            return [os.getpid(), os.getppid(), os.listdir("/proc"), seen]
        def exists(n):
            try: os.kill(n, 0)
            except ProcessLookupError: return False
            except PermissionError: pass
            return True
    """) as session:
        assert session.call("see") == [1, 0, [], []]


def test_it_holds_no_descriptor_but_its_connection(inside: Opener) -> None:
    with inside("""
        import os, stat
        def see():
            kinds = {}
            for n in range(1024):
                try: kinds[str(n)] = stat.S_IFMT(os.fstat(n).st_mode)
                except OSError: pass
            return [sorted(kinds, key=int), kinds["3"] == stat.S_IFSOCK, os.fstat(0).st_rdev == os.stat("/dev/null").st_rdev]
    """) as session:
        assert session.call("see") == [["0", "1", "2", "3"], True, True]


def test_the_warm_process_is_an_ordinary_user_with_one_thread_and_closed_to_others(sandbox: BubblewrapSandbox) -> None:
    warm = alive(sandbox)[1]
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{warm}/status").read_text().splitlines())
    uid = int(status["Uid"].split()[0])
    assert uid != 0
    assert len(set(status["Uid"].split())) == 1
    assert status["Threads"] == "1"
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    # What a process keeps to itself belongs to root in /proc, whoever runs it.
    assert os.stat(f"/proc/{warm}/environ").st_uid != uid


def test_two_submissions_find_no_way_to_each_other(inside: Opener) -> None:
    source = """
        import ctypes, os, socket
        libc = ctypes.CDLL(None)
        kept = []
        def queue(flags): return libc.mq_open(b"/meeting", os.O_RDWR | flags, ctypes.c_int(0o600), None)
        def wait():
            here = socket.socket(socket.AF_UNIX)
            here.bind("\\0meeting")
            here.listen()
            kept.append(here)
            return queue(os.O_CREAT)
        def meet_by_socket(): socket.socket(socket.AF_UNIX).connect("\\0meeting")
        def meet_by_queue(): return queue(0)
    """
    with inside(source) as one, inside(source) as other:
        assert one.call("wait") >= 0
        assert one.call("meet_by_socket") is None
        assert one.call("meet_by_queue") >= 0
        assert other.fault("meet_by_socket") == "raised"
        assert other.call("meet_by_queue") == -1


# ---- files, secrets, network -------------------------------------------------------------------------------------------


def test_it_sees_no_file_of_the_course_or_the_user(inside: Opener, tmp_path: Path) -> None:
    secret = tmp_path / "gradebook.db"
    secret.write_text("points")
    hidden = [secret, Path(__file__), REPOSITORY / "pyproject.toml", REPOSITORY / "solutions", REPOSITORY / ".git",
              REPOSITORY / "autograder" / "judge.py", Path.home() / ".ssh", Path("/etc/passwd"), Path("/etc/shadow"),
              Path("/etc/hostname"), Path("/var"), Path("/run"), Path("/sys/class"), Path("/bin"), Path("/usr/bin")]  # fmt: skip
    with inside("""
        import os
        def seen(paths): return [path for path in paths if os.path.lexists(path)]
    """) as session:
        assert session.call("seen", [str(path) for path in hidden]) == []


def test_nothing_that_decides_lies_anywhere(inside: Opener) -> None:
    names = ["laws.py", "misconceptions.py", "judge.py", "verdict.py", "gradebook.py", "cohort.py", "course_seed",
             "nbgrader_config.py", "kl_divergence.ipynb"]  # fmt: skip
    with inside("""
        import os
        def find(names):
            found = []
            for folder, folders, files in os.walk("/"):
                folders[:] = [f for f in folders if f not in ("site-packages", "dist-packages") and folder != "/usr"]
                found += [os.path.join(folder, name) for name in files if name in names or "gradebook.db" in name]
            return found
        def imported(names):
            import importlib.util, sys
            return [name for name in names if name in sys.modules or importlib.util.find_spec(name) is not None]
    """) as session:
        assert session.call("find", names) == []
        parts = ["autograder.judge", "autograder.verdict", "autograder.cohort", "autograder.gradebook", "solutions"]
        assert session.call("imported", parts) == []
        assert session.call("imported", ["autograder.session"]) == ["autograder.session"]


def test_its_environment_is_the_short_list(inside: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLVM_SECRET", "seed")
    with inside("import os\ndef see(): return dict(os.environ)") as session:
        seen = session.call("see")
    seen.pop("PWD", None)  # bubblewrap's own
    seen.pop("LC_CTYPE", None)
    assert seen == bubblewrap.environment()
    assert "DLVM_SECRET" not in seen


def test_it_writes_nowhere_but_in_tmp(inside: Opener) -> None:
    with inside("""
        import os
        def written():
            found = []
            for folder, folders, files in os.walk("/"):
                folders[:] = [f for f in folders if folder.count("/") < 6]
                try:
                    open(os.path.join(folder, "new"), "w").close()
                    found.append(folder)
                except OSError:
                    pass
            return found
        def change():
            open("/course/autograder/answer.py", "a").write("x")
    """) as session:
        assert sorted(session.call("written")) == ["/dev/shm", "/tmp"]
        assert session.fault("change") == "raised"


def test_it_reaches_no_network(inside: Opener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as unix:
        unix.bind("\0dlvm-test")
        unix.listen()
        with inside("""
            import socket
            def reach(kind, address):
                with socket.socket(*kind) as s:
                    s.settimeout(2)
                    s.connect(tuple(address) if isinstance(address, list) else address)
                    s.send(b"x")
            def interfaces(): return [name for number in range(1, 20) if (name := interface(number))]
            def interface(number):
                try: return socket.if_indextoname(number)
                except OSError: return ""
        """) as session:
            tcp, udp = [int(socket.AF_INET), int(socket.SOCK_STREAM)], [int(socket.AF_INET), int(socket.SOCK_DGRAM)]
            assert session.fault("reach", tcp, ["127.0.0.1", server.getsockname()[1]]) == "raised"
            # Kept for documentation: with any way out a datagram leaves at once, and nobody gets it.
            assert session.fault("reach", udp, ["192.0.2.1", 53]) == "raised"
            assert session.fault("reach", [int(socket.AF_UNIX), int(socket.SOCK_STREAM)], "\0dlvm-test") == "raised"
            assert session.call("interfaces") == ["lo"]


@pytest.mark.parametrize("call", [
    "libc.unshare(0x10000000)", "libc.unshare(0x00020000)", "libc.setns(3, 0)", "libc.memfd_create(b'x', 0)",
    "libc.mount(None, b'/tmp', b'tmpfs', 0, None)", "libc.umount(b'/proc')", "libc.umount(b'/tmp')", "libc.chroot(b'/tmp')",
    "libc.syscall(SYS['clone'], 0x10000011, None, None, None, 0)", "libc.syscall(SYS['keyctl'], 0, -3, 0)",
    "libc.ptrace(0, 0, 0, 0)", "libc.syscall(425, 1, None)", "libc.setuid(0)", "libc.sethostname(b'x', 1)",
    "libc.shmget(0, 1 << 30, 0o1600)", "libc.msgget(0, 0o1600)", "libc.semget(0, 1, 0o1600)", "libc.flock(1, 2)",
    "libc.syscall(444, None, 0, 1)", "libc.klogctl(3, None, 0)", "libc.socket(16, 3, 0)", "libc.socket(40, 1, 0)",
    "libc.mmap(None, 4096, 3, 0x21, -1, 0)", "libc.fcntl(1, 6, None)", "libc.fcntl(1, 1024, 0)",
])  # fmt: skip
def test_it_cannot_open_the_walls_from_inside(inside: Opener, call: str) -> None:
    with inside(f"""
        import ctypes, platform
        libc = ctypes.CDLL(None, use_errno=True)
        SYS = {{"x86_64": dict(clone=56, keyctl=250), "aarch64": dict(clone=220, keyctl=219)}}[platform.machine()]
        def attempt():
            result = {call}
            return [result, ctypes.get_errno()]
    """) as session:
        result, error = session.call("attempt")
        assert result == -1
        assert error in (1, 22)  # not permitted; or, for setuid, a user that does not exist here


def test_it_has_no_privilege_and_never_will(inside: Opener) -> None:
    with inside("""
        import ctypes, os
        def see():
            prctl = ctypes.CDLL(None).prctl
            bounding = sum(prctl(23, n, 0, 0, 0) == 1 for n in range(64))
            header, data = (ctypes.c_uint * 2)(0x20080522, 0), (ctypes.c_uint * 6)()
            ctypes.CDLL(None).capget(header, data)
            return [os.getuid() != 0, os.getuid() == os.geteuid(), bounding, sum(data), prctl(39, 0, 0, 0, 0)]
    """) as session:
        assert session.call("see") == [True, True, 0, 0, 1]


# ---- what it sends back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("junk", [
    "b'x' * 100", "pickle.dumps(os.getcwd)", "b'DLVM' + b'\\xff' * 12", "b'DLVM' + struct.pack('>IQ', 4, 0) + b'[1,2'",
    "b'DLVM' + struct.pack('>IQ', 6, 0) + b'[1,[]]'",
], ids=["bytes", "a pickle", "huge lengths", "half a frame's JSON", "a frame that is no reply"])  # fmt: skip
def test_what_it_writes_past_us_is_refused_and_nobody_else_is_touched(inside: Opener, junk: str) -> None:
    with inside(f"""
        import os, pickle, struct
        def forge():
            os.write(3, {junk})
            return 1
    """) as session:
        assert session.fault("forge") == "refused"
        assert session.fault("forge") == "refused"  # it is over, and stays over
    with inside("def one(): return 1") as session:
        assert session.call("one") == 1


def test_what_cannot_be_sent_is_refused_and_the_session_goes_on(inside: Opener) -> None:
    with inside("""
        import torch
        def huge(): return torch.zeros(2 << 20)
        def complex_(): return torch.zeros(2, dtype=torch.complex64)
        def many(): return [1.0] * 300_000
        def fine(x): return x + 1
    """, Limits(reply_bytes=1 << 20)) as session:  # fmt: skip
        for name in ("huge", "complex_", "many"):
            assert session.fault(name) == "refused"
        assert torch.equal(session.call("fine", torch.zeros(2)), torch.ones(2))


def test_every_session_starts_from_the_same_random_state(inside: Opener) -> None:
    source = """
        import random, numpy, torch
        def draw(): return [random.random(), float(numpy.random.rand()), torch.rand(2), hash("text")]
    """
    drawn = []
    for _ in range(2):
        with inside(source) as session:
            drawn.append([str(value) for value in session.call("draw")])
    assert drawn[0] == drawn[1]


def test_torch_inside_uses_the_processor_as_outside(inside: Opener) -> None:
    with inside("""
        import torch
        def see(): return [torch.backends.cpu.get_cpu_capability(), torch.get_num_threads(), torch.cuda.is_available()]
    """) as session:
        assert session.call("see") == [torch.backends.cpu.get_cpu_capability(), 1, False]
