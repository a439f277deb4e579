"""Benches have one shape: the same arguments, one line of JSON, figures kept by full runs alone."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
PROGRAMS = sorted(path for path in BENCH.glob("*.py") if not path.name.startswith("_"))


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MKL_NUM_THREADS", "1")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    names = runpy.run_path(str(BENCH / "_bench.py"), run_name="shared_bench")
    names["run"].__globals__["RESULTS"] = tmp_path / "results"
    return SimpleNamespace(**names)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_every_bench_takes_the_same_arguments(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    monkeypatch.syspath_prepend(str(BENCH))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(path), run_name="__main__")
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert f"usage: bench/{path.name}" in said
    assert all(argument in said for argument in ("--json", "--quick", "--threads"))


def measured(shared: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    def measure(bench) -> dict:
        bench.note("measuring")
        assert bench.instrument().family == "sine"
        return {"share": 0.123456789, "broken": float("nan"), "data": str(bench.data)}

    monkeypatch.setattr(sys, "argv", ["bench/fake.py", *arguments])
    shared.run("fake", measure, model="sine", takes_data=True)


def test_the_last_line_is_json_and_a_quick_run_keeps_nothing(
    shared, tmp_path, monkeypatch, capsys
) -> None:
    measured(shared, monkeypatch, "--quick", "--json", "--data", "notes")
    out = capsys.readouterr().out.splitlines()
    assert json.loads(out[-1]) == {"share": 0.123457, "broken": None, "data": "notes"}
    assert len(out) == 1
    assert not (tmp_path / "results").exists()


def test_a_full_run_keeps_its_figures_with_how_they_were_measured(
    shared, tmp_path, monkeypatch
) -> None:
    measured(shared, monkeypatch)
    result = json.loads((tmp_path / "results" / "fake.json").read_text(encoding="utf-8"))
    assert result["figures"]["share"] == 0.123457
    assert result["command"] == "python bench/fake.py"
    assert set(result) == {"figures", "command", "commit", "machine", "threads", "date"}


def test_figures_of_another_model_get_a_file_of_their_own(shared, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "mine"
    from timbrel.instruments.sine import Sine

    Sine().save(folder)
    measured(shared, monkeypatch, "--model", str(folder))
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["fake.mine.json"]


def test_a_bench_without_a_model_has_no_instrument(shared) -> None:
    with pytest.raises(ValueError, match="fake takes no --model"):
        shared.Bench("fake", quick=True, model=None, threads=1).instrument()
