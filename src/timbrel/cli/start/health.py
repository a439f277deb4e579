"""What `doctor` looks at: each part is really tried, on a small piece of work.

A part that is needed and fails makes the doctor's exit code 1. An optional part that is missing
comes with what it would add and how to get it.
"""

from __future__ import annotations

import importlib
import math
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch

from timbrel.audio import read_audio, write_audio
from timbrel.errors import TimbrelError

_SAMPLE_RATE = 16000


@dataclass(frozen=True)
class Finding:
    """What came of trying one part.

    Attributes:
        part: its name.
        works: whether it did what it is for.
        needed: whether timbrel is broken without it.
        detail: what was found, or what went wrong.
        adds: what it is for.
        get: how to get it, where it is missing.
    """

    part: str
    works: bool
    needed: bool
    detail: str
    adds: str
    get: str = ""


@dataclass(frozen=True)
class Probe:
    """A part, a way to try it that returns what was found, and what it is for."""

    part: str
    attempt: Callable[[], str]
    adds: str
    get: str = ""
    needed: bool = False

    def run(self) -> Finding:
        """Try it; whatever goes wrong, native libraries that do not load included, is a finding."""
        try:
            detail, works = self.attempt(), True
        except ImportError as error:
            detail, works = f"not installed ({error.name or error})", False
        except TimbrelError as error:
            detail, works = str(error), False
        except Exception as error:
            detail, works = f"{type(error).__name__}: {error}".splitlines()[0], False
        get = "" if works else self.get
        return Finding(self.part, works, self.needed, detail, self.adds, get)


def examine() -> Iterator[Finding]:
    """Every part, tried one after the other."""
    return (probe.run() for probe in PROBES)


def _tone() -> torch.Tensor:
    times_s = torch.arange(_SAMPLE_RATE) / _SAMPLE_RATE
    return 0.5 * (2 * math.pi * 440.0 * times_s).sin()


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _audio_files() -> str:
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("wav", "flac"):
            path = Path(folder) / f"tone.{suffix}"
            write_audio(path, _tone(), _SAMPLE_RATE)
            error = float((read_audio(path, _SAMPLE_RATE) - _tone()).abs().max())
            if error > 1e-3:
                raise TimbrelError(f"{suffix} comes back with an error of {error:.2g}")
    also = [kind for kind in ("OGG", "MP3", "AIFF") if kind in soundfile.available_formats()]
    return f"wav and flac written and read; reads {', '.join(also).lower()} too"


def _scores() -> str:
    from timbrel.midi import Score, ScoreNote, Track, read_score, write_score

    note = ScoreNote(pitch=60.0, velocity=1.0, onset_s=0.5, duration_s=1.0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "note.mid"
        write_score(path, Score((Track("", 0, False, (note,)),)))
        (track,) = read_score(path).tracks
    if [round(n.onset_s, 2) for n in track.notes] != [0.5]:
        raise TimbrelError("a note at 0.5 s came back elsewhere")
    return "written and read"


def _torch() -> str:
    devices = ["cpu"]
    if torch.cuda.is_available():
        devices.append(f"cuda ({torch.cuda.get_device_name()})")
    if torch.backends.mps.is_available():
        devices.append("mps")
    for device in devices:
        x = torch.randn(8, 8, device=device.split()[0])
        if not bool((x @ x).isfinite().all()):
            raise TimbrelError(f"{device} cannot multiply matrices")
    return f"torch {torch.__version__}: {', '.join(devices)}, {torch.get_num_threads()} threads"


def _numba() -> str:
    import numba

    if numba.njit(lambda x: x + 1)(41) != 42:
        raise TimbrelError("compiled code gives wrong results")
    return f"numba {numba.__version__} compiles"


def _pitch() -> str:
    from timbrel.dsp.pitch import note_pitch

    found = note_pitch(_tone(), _SAMPLE_RATE)
    if abs(found - 69) > 0.5:
        raise TimbrelError(f"a tone of MIDI pitch 69 was heard as {found:.2f}")
    return f"swift-f0 {version('swift-f0')}: 440 Hz heard as MIDI {found:.2f}"


def _pictures() -> str:
    import matplotlib as mpl

    from timbrel.picture import sheet

    with (
        tempfile.TemporaryDirectory() as folder,
        sheet(Path(folder) / "picture.png", 1, 1) as figure,
    ):
        figure.add_subplot()
    return f"matplotlib {mpl.__version__}"


def _models() -> str:
    from timbrel.instruments import DEFAULT_MODEL, load, models
    from timbrel.sound import Notes

    if DEFAULT_MODEL not in models():
        raise TimbrelError(f"{DEFAULT_MODEL} is not there: install timbrel again")
    instrument = load(DEFAULT_MODEL)
    timbre = torch.zeros(instrument.timbre_space.size)
    audio = instrument.render(Notes.of(60), instrument.timbre_space.project(timbre)).audio
    if not bool(audio.isfinite().all()) or not float(audio.abs().max()) > 0:
        raise TimbrelError(f"{DEFAULT_MODEL} renders silence or nonsense: install timbrel again")
    return f"{DEFAULT_MODEL} loads and renders; {len(models())} known in all"


def _soundfont() -> str:
    from timbrel.evaluate.held_out import FONT_VARIABLE, find_soundfont

    importlib.import_module("tinysoundfont")
    font = find_soundfont()
    if font is None:
        raise TimbrelError(f"no FluidR3Mono_GM.sf3: install it, or name a copy in {FONT_VARIABLE}")
    return f"tinysoundfont {version('tinysoundfont')}, {font}"


def _live() -> str:
    from timbrel.live import input_devices, input_ports, output_devices

    cards, microphones = len(output_devices()), len(input_devices())
    return f"{cards} sound cards, {microphones} microphones, {len(input_ports())} MIDI ports"


def _synth(name: str) -> Callable[[], str]:
    def attempt() -> str:
        from timbrel.sound import Notes
        from timbrel.synths import load_synth

        synth = load_synth(name)
        sound = synth.render(synth.parameters.defaults, Notes.of(60, duration_s=0.2)).audio
        if not float(sound.abs().max()) > 0:
            raise TimbrelError(f"{name} is silent")
        return f"{len(synth.parameters)} knobs, and a note of it was rendered"

    return attempt


def _imports(package: str, distribution: str = "") -> Callable[[], str]:
    def attempt() -> str:
        importlib.import_module(package)
        return f"{package} {version(distribution or package)}"

    return attempt


PROBES = (
    Probe("python", _python, "everything", needed=True),
    Probe("audio files", _audio_files, "reading and writing sounds",
          "pip install soundfile soxr", needed=True),
    Probe("midi files", _scores, "reading songs", needed=True),
    Probe("torch", _torch, "rendering and training", "pip install torch", needed=True),
    Probe("numba", _numba, "fast mel inversion", "pip install numba", needed=True),
    Probe("pitch tracker", _pitch, "hearing a recording's pitch",
          "pip install swift-f0", needed=True),
    Probe("pictures", _pictures, "inspect and --plot", "pip install matplotlib", needed=True),
    Probe("default model", _models, "playing without training", needed=True),
    Probe(
        "soundfont", _soundfont, "data soundfont: notes to train on and to evaluate with",
        "pip install 'timbrel[soundfont]' and apt-get install fluidr3mono-gm-soundfont",
    ),
    Probe(
        "live", _live, "live: MIDI keyboards, microphones and sound cards",
        "pip install 'timbrel[live]', and on Linux apt-get install libportaudio2",
    ),
    Probe(
        "amsynth", _synth("amsynth"), "match --synth amsynth, and its banks",
        "pip install 'timbrel[amsynth]' and apt-get install amsynth",
    ),
    Probe("vital", _synth("vital"), "match --synth vital", "pip install 'timbrel[vital]'"),
    Probe("crepe", _imports("torchcrepe"), "a third pitch tracker, for Python",
          "pip install 'timbrel[crepe]'"),
    Probe("tensorboard", _imports("tensorboard"), "training curves in TensorBoard",
          "pip install 'timbrel[trackers]'"),
    Probe("mlflow", _imports("mlflow", "mlflow-skinny"), "training curves in MLflow",
          "pip install 'timbrel[trackers]'"),
    Probe("wandb", _imports("wandb"), "training curves in Weights & Biases",
          "pip install 'timbrel[trackers]'"),
)  # fmt: skip


def summary(findings: list[Finding]) -> list[str]:
    """The findings as lines for people; a part that is missing gets one more."""
    lines = []
    for finding in findings:
        state = "ok" if finding.works else "BROKEN" if finding.needed else "missing"
        lines.append(f"{state:<8} {finding.part:<14} {finding.detail}")
        if not finding.works:
            get = f": {finding.get}" if finding.get else ""
            lines.append(f"{'':<23} it is for {finding.adds}{get}")
    return lines
