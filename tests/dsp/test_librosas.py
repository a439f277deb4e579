"""librosa's compiled functions: not needed where nobody asks, prepared by one process at a time."""

import subprocess
import sys
import threading
from pathlib import Path

from filelock import FileLock
from numba.core import config

from timbrel.dsp.librosas import compiling_alone

PROGRAM = """
import sys, torch
from timbrel.dsp.pitch import note_pitch, track_pitch
tone = torch.sin(torch.arange(8000) * 0.1727876)
note_pitch(tone, 16000), track_pitch(tone, 16000, minimum_hz=25.0, maximum_hz=4000.0)
print(sorted(name for name in sys.modules if name.startswith("librosa.")))
"""


def test_the_default_trackers_compile_nothing_of_librosas():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_cache_is_ours_for_as_long_as_it_lasts(tmp_path):
    before = config.CACHE_DIR
    with compiling_alone(tmp_path / "new") as place:
        assert place == tmp_path / "new"
        assert str(place) == config.CACHE_DIR
    assert before == config.CACHE_DIR


def test_one_waits_for_the_other(tmp_path):
    entered = threading.Event()

    def second():
        with compiling_alone(tmp_path):
            entered.set()

    thread = threading.Thread(target=second)
    with FileLock(tmp_path / "lock"):
        thread.start()
        assert not entered.wait(0.3)
    assert entered.wait(10)
    thread.join()


def test_a_folder_that_cannot_be_written_is_replaced_by_another(tmp_path):
    (tmp_path / "file").write_text("")
    with compiling_alone(tmp_path / "file" / "inside") as place:
        assert place.is_dir()
        assert Path(tmp_path) not in place.parents
