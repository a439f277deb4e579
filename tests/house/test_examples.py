"""Each example runs from an empty folder, offline, and leaves the files that it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    written = [tmp_path / line.strip() for line in done.stdout.splitlines() if line.strip()]
    assert written, "an example prints the files that it wrote"
    assert [p for p in written if not (p.is_file() and p.stat().st_size)] == []
    for sound in (p for p in written if p.suffix == ".wav"):
        audio, sample_rate = soundfile.read(sound)
        level = np.sqrt(np.square(audio[:sample_rate]).mean())
        assert level > 0.02, f"an example ends with something to hear, not with {level:.3f}"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_short(path: Path) -> None:
    if path.stem != "compose_song":
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 48


def test_there_are_examples() -> None:
    wanted = {"encode_and_play", "morph", "blend", "render_song", "train_tiny"}
    assert wanted <= {path.stem for path in EXAMPLES}
