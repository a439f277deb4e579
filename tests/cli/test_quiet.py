"""Nobody but timbrel speaks on stderr, also where there is no home to keep anything in."""

import os
import subprocess
import sys
from pathlib import Path

HOMELESS = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "ORT_DISABLE_TELEMETRY")


def test_other_packages_are_silent_without_a_home(sounds: Path, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in HOMELESS}
    (tmp_path / "file").touch()
    done = subprocess.run(
        [sys.executable, "-m", "timbrel", "inspect", sounds / "a.wav", "--out", tmp_path / "a.png"],
        capture_output=True, text=True, env=environment | {"HOME": str(tmp_path / "file")},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
