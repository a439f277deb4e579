"""Writes docs/images/demo.png and docs/sounds/*.ogg: what `timbrel demo` makes with these weights.

Run it when the shipped weights change; `make docs` uses what it left.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile

DOCS = Path(__file__).resolve().parent
SOUNDS = ("morph", "blend", "song")


def main() -> None:
    """Run the demo and take its picture and its sounds."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        command = [sys.executable, "-c", "from timbrel.cli import main; main()", "demo"]
        subprocess.run([*command, "--out", str(made)], check=True)
        shutil.copy(made / "demo.png", DOCS / "images" / "demo.png")
        (DOCS / "sounds").mkdir(exist_ok=True)
        for name in SOUNDS:
            audio, sample_rate = soundfile.read(made / f"{name}.wav")
            soundfile.write(DOCS / "sounds" / f"{name}.ogg", audio, sample_rate)


if __name__ == "__main__":
    main()
