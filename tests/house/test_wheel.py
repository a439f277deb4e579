"""A wheel carries what an editable install takes from the working tree: weights and tables."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "timbrel"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("timbrel-*.whl"))


def test_nothing_is_left_behind(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    files = [p for p in SOURCE.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    assert [p for p in files if str(Path("timbrel") / p.relative_to(SOURCE)) not in inside] == []


def test_the_shipped_instrument_is_small_and_complete(wheel: Path) -> None:
    sizes = {info.filename: info.file_size for info in zipfile.ZipFile(wheel).infolist()}
    model = "timbrel/shipped/mel_vae/"
    parts = {name.removeprefix(model) for name in sizes if name.startswith(model)}
    assert parts >= {"config.toml", "weights.safetensors", "README.md", "bank.safetensors"}
    assert sizes[model + "weights.safetensors"] <= 4_000_000


def test_it_plays_from_a_clean_folder(wheel: Path, tmp_path: Path) -> None:
    """Unpacked alone, away from the sources; what it depends on comes from this environment."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    program = (
        "import timbrel; from timbrel.sound import Notes; violin = timbrel.load('mel_vae');"
        "space = violin.timbre_space; audio = violin.render(Notes.of(60), space.sample(1)).audio;"
        "print(timbrel.__file__); print(bool(audio.abs().max() > 1e-3))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path), "PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    place, sounds = done.stdout.split()
    assert Path(place).is_relative_to(tmp_path)
    assert sounds == "True"
