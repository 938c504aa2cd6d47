"""What a submission may use ends somewhere, whoever started the grading; and the reason is told."""

from __future__ import annotations

import time

import pytest

from autograder.sandbox import Limits, wire
from autograder.sandbox.bubblewrap import BubblewrapSandbox
from tests.sandbox.conftest import Opener
from tests.sandbox.test_isolation import alive


@pytest.mark.parametrize("way", [
    "bytearray(10_000_000_000)", "torch.ones(1_250_000_000, dtype=torch.float64)", "'x' * 10_000_000_000",
])  # fmt: skip
def test_ten_gigabytes_are_too_much_and_the_session_goes_on(inside: Opener, way: str) -> None:
    with inside(f"""
        import torch
        def take(): return len({way})
        def one(): return 1
    """) as session:
        assert session.fault("take") == "memory_limit"
        assert session.call("one") == 1


def test_a_little_at_a_time_is_too_much_as_well(inside: Opener) -> None:
    source = "def take(): return [bytearray(10_000_000) for _ in range(1000)]"
    with inside(source, Limits(data_bytes=200 << 20)) as session:
        assert session.fault("take") == "memory_limit"


def test_memory_that_is_nobodys_data_counts_too(inside: Opener) -> None:
    with inside("""
        import mmap, os
        def shared():
            return len(mmap.mmap(-1, 10_000_000_000))
        def in_tmp():
            with open("/tmp/x", "wb") as file:
                for _ in range(100): file.write(bytes(1_000_000))
        def in_many_files():
            for n in range(100): open(f"/dev/shm/{n}", "wb").write(bytes(1_000_000))
    """) as session:
        for name in ("shared", "in_tmp", "in_many_files"):
            assert session.fault(name) == "raised"  # OSError: refused by the kernel


def test_many_processes_share_one_bound_on_memory(inside: Opener) -> None:
    with inside("""
        import os, time
        def take():
            for _ in range(8):
                if os.fork() == 0:
                    kept = bytearray(50_000_000)
                    time.sleep(1e6)
            time.sleep(1e6)
    """, Limits(data_bytes=200 << 20)) as session:  # fmt: skip
        assert session.fault("take") == "memory_limit"


def test_a_fork_bomb_stays_small_and_harms_nobody(inside: Opener, sandbox: BubblewrapSandbox) -> None:
    before = alive(sandbox)
    with inside("""
        import os, threading, time
        def count():
            children = 0
            while True:
                try:
                    if os.fork() == 0: time.sleep(1e6)
                except OSError:
                    return children
                children += 1
        def bomb():
            while True:
                try: os.fork()
                except OSError: pass
    """, Limits(processes=8, cpu_seconds=1, call_seconds=None)) as session:  # fmt: skip
        children = session.call("count")
        assert 5 <= children <= 7  # the process that made the namespaces may count for a moment
        assert len(alive(sandbox)) == len(before) + children + 1
        assert session.fault("bomb") == "cpu_limit"
        with inside("def one(): return 1") as other:
            assert other.call("one") == 1
    assert alive(sandbox) == before


def test_threads_count_as_processes(inside: Opener) -> None:
    with inside("""
        import threading, time
        def count():
            for n in range(1000):
                try: threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()
                except RuntimeError: return n
    """, Limits(processes=8)) as session:  # fmt: skip
        assert 5 <= session.call("count") <= 7


def test_an_endless_loop_ends_with_the_line_it_is_in(inside: Opener) -> None:
    with inside("""
        def loop():
            while True: pass
        def one(): return 1
    """, Limits(call_seconds=0.2)) as session:  # fmt: skip
        assert session.fault("loop") == "cpu_limit"
        assert session.call("one") == 1


STUBBORN = """
    import os, signal, time
    def stubborn():
        signal.setitimer(signal.ITIMER_PROF, 0)
        for number in range(1, 65):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        while True:
            try:
                while True: pass
            except BaseException: pass
    def forking():
        for _ in range(8):
            if os.fork() == 0:
                while time.process_time() < 0.5: pass
                os._exit(0)
            os.wait()
        return "it was never ended"
"""


@pytest.mark.parametrize("way", ["stubborn", "forking"])
def test_whoever_ignores_the_friendly_limit_meets_the_firm_one(inside: Opener, way: str) -> None:
    with inside(STUBBORN, Limits(call_seconds=0.2, cpu_seconds=1)) as session:
        assert session.fault(way) == "cpu_limit"
        assert session.fault(way) == "cpu_limit"


def test_a_sleeper_is_ended_by_the_wall_clock(inside: Opener) -> None:
    started = time.monotonic()
    with inside("import time\ndef sleep(): time.sleep(1e6)", Limits(wall_seconds=0.3)) as session:
        assert session.fault("sleep") == "wall_limit"
    assert time.monotonic() - started < 30


def test_naps_are_added_up(inside: Opener) -> None:
    with inside("import time\ndef nap(): time.sleep(0.4)", Limits(naps_seconds=1.0)) as session:
        session.call("nap")
        session.call("nap")
        assert session.fault("nap") == "wall_limit"
        assert session.fault("nap") == "wall_limit"


def test_a_reply_that_takes_long_to_read_is_no_nap(inside: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = wire.value_of

    def slow(header: bytes, body: bytearray) -> object:
        until = time.monotonic() + 0.4
        while time.monotonic() < until:
            pass
        return quick(header, body)

    with inside("def one(): return 1", Limits(naps_seconds=0.3)) as session:
        monkeypatch.setattr(wire, "value_of", slow)
        for _ in range(3):
            assert session.call("one") == 1


def test_short_delays_and_work_are_no_naps(inside: Opener) -> None:
    with inside("""
        import time
        def blink(): time.sleep(0.01)
        def work():
            until = time.process_time() + 0.4
            while time.process_time() < until: pass
    """, Limits(naps_seconds=0.3)) as session:  # fmt: skip
        for name in ["blink", "work"] * 4:
            session.call(name)


def test_working_is_not_sleeping_however_long_it_takes(inside: Opener) -> None:
    with inside("""
        import time
        def work():
            until = time.process_time() + 1.0
            while time.process_time() < until: pass
            return 1
    """, Limits(wall_seconds=0.2)) as session:  # fmt: skip
        assert session.call("work") == 1


def test_leaving_python_is_a_fault_that_says_so(inside: Opener) -> None:
    with inside("import os\ndef leave(): os._exit(0)") as session:
        assert session.fault("leave") == "died"
    with inside("import ctypes\ndef crash(): ctypes.string_at(0)") as session:
        assert session.fault("crash") == "died"
    with inside("import os\ndef hang_up(): os.close(3)") as session:
        assert session.fault("hang_up") == "died"


def test_sys_exit_interrupts_and_recursion_are_only_exceptions(inside: Opener) -> None:
    with inside("""
        import sys
        def leave(): sys.exit(0)
        def interrupt(): raise KeyboardInterrupt
        def recurse(): return recurse()
        def one(): return 1
    """) as session:
        for name in ("leave", "interrupt", "recurse"):
            assert session.fault(name) == "raised"
        assert session.call("one") == 1


def test_a_megabyte_of_print_arrives_as_a_few_lines(inside: Opener) -> None:
    with inside("""
        import os, sys
        def chatter():
            for _ in range(20_000): print("x" * 50)
            sys.__stdout__.write("y" * 1_000_000)
            os.write(1, b"z" * 1_000_000)
            os.system("echo hello")
            return 1
    """) as session:
        reply = session.transport.request({"op": "call", "target": "chatter", "args": [], "kwargs": {}})
        assert reply["value"] == 1
        assert len(reply["printed"]) < 10_000


def test_files_and_descriptors_are_bounded(inside: Opener) -> None:
    with inside("""
        def open_many(): return len([open("/dev/null") for _ in range(1000)])
        def write_one(): open("/tmp/x", "wb").write(bytes(3_000_000))
    """, Limits(open_files=32, file_size=1 << 20)) as session:  # fmt: skip
        assert session.fault("open_many") == "raised"
        assert session.fault("write_one") == "raised"


def test_one_call_that_hears_no_signal_does_not_get_the_whole_submissions_time(inside: Opener) -> None:
    with inside("""
        import signal
        def deaf():
            signal.signal(signal.SIGPROF, signal.SIG_IGN)
            while True: pass
    """, Limits(call_seconds=1)) as session:  # fmt: skip
        start = time.monotonic()
        assert session.fault("deaf") == "cpu_limit"
        assert time.monotonic() - start < 60


def test_an_exception_that_never_says_what_it_is_is_one_more_call(inside: Opener) -> None:
    with inside("""
        class Endless(Exception):
            def __str__(self):
                while True: pass
        def never(): raise Endless
        def one(): return 1
    """, Limits(call_seconds=1)) as session:  # fmt: skip
        assert session.fault("never") in ("cpu_limit", "raised")
        assert session.call("one") == 1
