"""Make the course's private environment, `.venv`, or say plainly why that cannot be done.

`make env` runs this with whatever `python3` is there, so it uses the standard library alone and no syntax newer than
Python 3.0: an old interpreter must get as far as finding a newer one, or saying what is missing. The way, top to bottom:
is it made already? → find a Python → is there room? → make .venv → let pip fill it → prove that torch imports → stamp it.
It is safe to run twice, and after being interrupted: the stamp is written last.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST = (3, 11)
NAMES = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"]
GIGABYTE = 10**9
ROOM = 8 * GIGABYTE  # torch with its GPU libraries is most of it
ROOM_FOR_DOWNLOADS = 4 * GIGABYTE  # pip keeps what it downloads in the temporary folder until it is installed
STAMP = "made-from.json"
UNFINISHED = "unfinished"


class Trouble(Exception):
    """Why the environment cannot be made, in a sentence or two that say what to do."""


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Make the course's private environment.")
    parser.add_argument("--into", default=os.path.join(ROOT, ".venv"), help="the folder to make (default: .venv)")
    parser.add_argument("--extras", default="dev", help="which extras of pyproject.toml to install (default: dev)")
    options = parser.parse_args(arguments)
    folder = os.path.abspath(options.into)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end pip too, rather than leave it at work alone
    try:
        with open(__file__) as lock:
            make(folder, options.extras, lock)
    except Trouble as trouble:
        sys.stderr.write("The environment was not made. {}\n".format(trouble))
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. Run `make env` again to finish.\n")
        return 130
    return 0


def make(folder, extras, lock):
    wanted = {"folder": folder, "extras": extras, "inputs": hash_of_inputs()}
    if is_made(folder, wanted):
        return
    wait_for(lock)
    if is_made(folder, wanted):
        return
    started = time.time()
    made_elsewhere = (
        read_stamp(folder).get("folder", folder) != folder
    )  # its scripts name the folder it was copied from
    if os.path.exists(os.path.join(folder, UNFINISHED)) or made_elsewhere or not works(folder):
        python = find_python(folder)
        check_room(folder)
        create(python, folder)
        say("Filling {} (torch and its libraries are large: minutes, not seconds)".format(shown(folder)))
    else:
        say("Bringing {} up to date".format(shown(folder)))
    fill(folder, extras)
    prove(folder)
    write_atomically(os.path.join(folder, STAMP), json.dumps(wanted))
    say("Ready in {:.0f} s: {}".format(time.time() - started, shown(folder)))


# Is it made already?


def hash_of_inputs():
    """Changes exactly when what would be installed may have changed."""
    digest = hashlib.sha256()
    for name in ["pyproject.toml", "constraints.txt"]:
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read() + b"\0")
    return digest.hexdigest()


def read_stamp(folder):
    try:
        with open(os.path.join(folder, STAMP)) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def is_made(folder, wanted):
    unfinished = os.path.exists(os.path.join(folder, UNFINISHED))
    return not unfinished and read_stamp(folder) == wanted and os.path.exists(python_in(folder))


def python_in(folder):
    return os.path.join(folder, "Scripts", "python.exe") if os.name == "nt" else os.path.join(folder, "bin", "python")


def wait_for(lock):
    """One at a time: two that fill the same folder spoil it. The lock ends with this process, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say("Another `make env` is at work here; waiting for it.")
        fcntl.flock(lock, fcntl.LOCK_EX)


def works(folder):
    """Whether the folder is an environment with a Python that is new enough, and with pip."""
    python = python_in(folder)
    return version_of(python) >= OLDEST and succeeds([python, "-m", "pip", "--version"])


# Find a Python


def find_python(folder):
    """The interpreter that runs this if it will do, else the first on the PATH that does; not one in `folder`, which goes."""
    found = []
    named = [shutil.which(name) for name in NAMES]
    for candidate in [sys.executable, getattr(sys, "_base_executable", "")] + named:  # noqa: RUF005 (Python 3.0 has no *)
        if candidate and is_inside(candidate, folder):
            continue
        version = version_of(candidate)
        if version >= OLDEST:
            return candidate
        if version:
            found.append("{} is {}.{}".format(candidate, *version))
    raise Trouble(
        "It needs Python {}.{} or newer; here, {}. Install one (for instance `sudo apt install python3.12 python3.12-venv`"
        " or `uv python install 3.12`), then run `make env PYTHON=/path/to/python3.12`.".format(
            OLDEST[0], OLDEST[1], ", ".join(sorted(set(found))) or "there is none"
        )
    )


def is_inside(path, folder):
    return os.path.abspath(path).startswith(os.path.join(folder, ""))


def version_of(python):
    """(major, minor), or () when it is not there or does not run (pyenv's shims exist for versions that are not active)."""
    if not python or not os.path.exists(python):
        return ()
    ask = "import sys; print(sys.version_info[0], sys.version_info[1])"
    try:
        answer = subprocess.check_output([python, "-c", ask], stderr=subprocess.DEVNULL, env=clean_environment())
        return tuple(int(part) for part in answer.split())
    except (OSError, ValueError, subprocess.CalledProcessError):
        return ()


def succeeds(command):
    try:
        return (
            subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment()) == 0
        )
    except OSError:
        return False


def clean_environment():
    """Ours, without the settings that would send packages elsewhere than into the environment."""
    elsewhere = ["PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONPATH", "PYTHONHOME"]
    return {name: value for name, value in os.environ.items() if name not in elsewhere}


# Is there room?


def check_room(folder):
    for place, needed, what in [
        (os.path.dirname(folder), ROOM, "the environment"),
        (tempfile.gettempdir(), ROOM_FOR_DOWNLOADS, "what pip downloads (set TMPDIR to use another folder)"),
    ]:
        free = shutil.disk_usage(place).free
        if free < needed:
            raise Trouble(
                "It needs about {:.0f} GB in {} for {}; {:.1f} GB are free. Make room and run it again.".format(
                    needed / GIGABYTE, place, what, free / GIGABYTE
                )
            )


# Make .venv


def create(python, folder):
    version = "{}.{}".format(*version_of(python))
    if not succeeds([python, "-c", "import venv, ensurepip"]):
        raise Trouble(
            "{} cannot make virtual environments: its modules venv or ensurepip are missing. On Debian and Ubuntu:"
            " `sudo apt install python{}-venv`; then run it again.".format(python, version)
        )
    if os.path.isdir(folder) and os.listdir(folder) and not os.path.exists(os.path.join(folder, "pyvenv.cfg")):
        raise Trouble("{} is there and is no virtual environment. Move it away and run it again.".format(folder))
    say("Making {} with Python {} ({})".format(shown(folder), version, python))
    shutil.rmtree(folder, ignore_errors=True)
    try:
        command = [python, "-m", "venv", folder]
        subprocess.check_output(command, stderr=subprocess.STDOUT, env=clean_environment())
    except subprocess.CalledProcessError as error:
        last = error.output.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise Trouble("`{}` failed: {}".format(" ".join(command), " ".join(last) or "it says nothing")) from error


# Let pip fill it


def fill(folder, extras):
    project = "{}[{}]".format(ROOT, extras) if extras else ROOT
    command = [python_in(folder), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", "--constraint", os.path.join(ROOT, "constraints.txt"), "--editable", project]
    log_path = os.path.join(folder, "install.log")
    with open(log_path, "wb") as log:
        pip = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=clean_environment()
        )
        output = pip.stdout
        follower = Progress()
        try:
            for line in iter(output.readline, b""):  # pyright: ignore[reportOptionalMemberAccess]
                log.write(line)
                text = line.decode("utf-8", "replace").strip()
                if text.startswith("Installing collected packages"):
                    # from here on, stopping half-way leaves packages that look installed and are not
                    open(os.path.join(folder, UNFINISHED), "w").close()
                follower.now(text)
            code = pip.wait()
        except BaseException:
            pip.kill()
            pip.wait()
            raise
        finally:
            output.close()  # pyright: ignore[reportOptionalMemberAccess]
            follower.end()
    if code:
        with open(log_path, "rb") as log:
            raise Trouble(explain(log.read().decode("utf-8", "replace"), version_of(python_in(folder)), log_path))
    if os.path.exists(os.path.join(folder, UNFINISHED)):
        os.remove(os.path.join(folder, UNFINISHED))


def explain(log, version, log_path):
    """What pip's log means, for the failures that a fresh machine meets; else its last lines."""
    full = "All of pip's output: {}".format(log_path)
    offline = [
        "NewConnectionError",
        "ConnectTimeoutError",
        "NameResolutionError",
        "ReadTimeoutError",
        "Connection refused",
    ]
    offline += ["Temporary failure in name resolution", "Network is unreachable"]
    if any(sign in log for sign in offline):
        return (
            "pip could not reach the package registry. Check the network (and PIP_INDEX_URL, HTTPS_PROXY if you use them),"
            " then run it again: what was downloaded is kept.\n" + full
        )
    if "CERTIFICATE_VERIFY_FAILED" in log or "SSLError" in log:
        return "The package registry's certificate was not accepted; if a proxy stands between, set PIP_CERT.\n" + full
    if "No space left on device" in log or "Disk quota exceeded" in log:
        return (
            "The disk is full. Make room (about 8 GB; downloads go to TMPDIR and pip's cache), then run it again.\n"
            + full
        )
    if "No matching distribution found" in log or "requires a different Python" in log:
        missing = [
            line for line in log.splitlines() if "No matching distribution" in line or "different Python" in line
        ]
        return (
            "{}\nNothing fits Python {}.{} on this machine ({}). The course is tested with Python 3.11 and 3.12 on 64-bit"
            " machines; choose one with `make env PYTHON=python3.12`.\n{}".format(
                missing[-1], version[0], version[1], sys.platform, full
            )
        )
    if "ResolutionImpossible" in log or "conflicting dependencies" in log:
        return "constraints.txt and pyproject.toml contradict each other; pip's log says where.\n" + full
    return "pip failed; the end of its output:\n    {}\n{}".format("\n    ".join(log.strip().splitlines()[-12:]), full)


class Progress:
    """One line that says what pip is doing and for how long: rewritten on a terminal, else a sign of life each minute."""

    def __init__(self):
        self.started, self.said, self.doing = time.time(), time.time(), "asking the registry"
        self.terminal = sys.stdout.isatty()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.tick, daemon=True)
        self.thread.start()

    def now(self, line):
        words = line.split()
        if len(words) > 1 and words[0] in ["Collecting", "Downloading", "Building", "Installing"]:
            name = os.path.basename(words[1]) if words[0] in ["Collecting", "Downloading"] else "packages"
            size = " ".join(words[2:]) if words[0] == "Downloading" else ""
            self.doing = " ".join([words[0].lower(), name, size]).strip()

    def tick(self):
        while not self.over.wait(1.0):
            line = "  {:4.0f} s  {}".format(time.time() - self.started, self.doing)
            if self.terminal:
                sys.stdout.write("\r" + line[:78].ljust(79))
                sys.stdout.flush()
            elif time.time() - self.said >= 60:
                self.said = time.time()
                say(line)

    def end(self):
        self.over.set()
        self.thread.join()
        if self.terminal:
            sys.stdout.write("\r" + " " * 79 + "\r")


# Prove that torch imports


def prove(folder):
    """A torch that does not match its torchvision installs without a word and fails on import: find out now."""
    command = [python_in(folder), "-c", "import numpy, torch, torchvision"]
    proof = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=clean_environment())
    output = proof.communicate()[0].decode("utf-8", "replace").strip()
    if proof.returncode:
        last = output.splitlines()[-1] if output else "it ended with code {}".format(proof.returncode)
        raise Trouble(
            "Everything was installed, but torch does not import: {}. If it was installed by hand, delete {} and run"
            " `make env` again.".format(last, folder)
        )


def shown(folder):
    """.venv where that is clear, else the whole path."""
    return os.path.relpath(folder) if is_inside(folder, os.getcwd()) else folder


def say(text):
    print(text)
    sys.stdout.flush()


def write_atomically(path, text):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


if __name__ == "__main__":
    sys.exit(main())
