"""What every bench shares: its arguments, the threads it may use, and where its figures go.

    from _bench import Bench, run

    def measure(bench: Bench) -> dict[str, float]:
        pairs = 4 if bench.quick else 20
        bench.note(f"{pairs} pairs")
        return morph_figures(bench.instrument(), bench.data, pairs=pairs)

    if __name__ == "__main__":
        run("morph", measure, model="mel_vae", takes_data=True)

`--quick` measures the same keys on a smaller sample. `--json` ends with one flat JSON object as
the last line of stdout, and nothing else is printed there; without it the figures are printed as
a table. A full run writes `bench/results/NAME.json`; with another `--model` than the default, the
file is called `NAME.MODEL.json`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from timbrel import Instrument
    from timbrel.data.soundfonts.soundfont import SoundFontReport

RESULTS = Path(__file__).parent / "results"

Figure = float | int | bool | str | None


@dataclass(frozen=True)
class Bench:
    """What a measurement is told.

    Attributes:
        name: of the bench, and of its results file.
        quick: whether to take the small sample.
        model: value of `--model`, None in a bench that takes none.
        data: value of `--data`, the note set to judge by; None takes FluidR3Mono's.
        threads: how many the measurement may use.
        arguments: values of the arguments that the bench added itself.
    """

    name: str
    quick: bool
    model: str | None
    threads: int
    data: Path | None = None
    arguments: argparse.Namespace = field(default_factory=argparse.Namespace)

    def instrument(self) -> Instrument:
        """The instrument that `--model` names."""
        from timbrel.instruments import load

        if self.model is None:
            raise ValueError(f"{self.name} takes no --model")
        return load(self.model)

    def note(self, text: str) -> None:
        """Says on stderr what is going on."""
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)


def run(
    name: str,
    measure: Callable[[Bench], Mapping[str, Figure]],
    *,
    model: str | None = None,
    threads: int = 1,
    takes_data: bool = False,
    add_arguments: Callable[[argparse.ArgumentParser], None] | None = None,
) -> None:
    """Parses the command line, measures, and reports the figures.

    Args:
        name: of the bench.
        measure: returns the figures, flat: one number or word a key.
        model: default of `--model`; None for a bench that takes none.
        threads: default of `--threads`.
        takes_data: whether `--data` names the note set to judge by.
        add_arguments: adds the bench's own arguments to the parser.
    """
    parser = _parser(name, model, threads, takes_data)
    if add_arguments is not None:
        add_arguments(parser)
    arguments = parser.parse_args()
    chosen, data = getattr(arguments, "model", None), getattr(arguments, "data", None)
    bench = Bench(name, arguments.quick, chosen, arguments.threads, data, arguments)

    _limit_threads(bench.threads)
    started = time.perf_counter()
    figures = {key: _plain(value) for key, value in measure(bench).items()}
    bench.note(f"took {time.perf_counter() - started:.1f} s")
    if not bench.quick:
        stem = name if chosen == model else f"{name}.{Path(str(chosen)).name}"
        bench.note(f"wrote {_write(stem, figures, bench)}")
    if arguments.json:
        print(json.dumps(figures))
    else:
        for key, value in figures.items():
            print(f"{key:40s} {value}")


def _parser(
    name: str, model: str | None, threads: int, takes_data: bool
) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"bench/{name}.py")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--quick", action="store_true", help="a smaller sample, about a minute")
    parser.add_argument("--threads", type=int, default=threads, help="threads it may use")
    if model is not None:
        parser.add_argument("--model", default=model, help="name or folder of the model")
    if takes_data:
        parser.add_argument(
            "--data", type=Path, help="note set to judge by; default: FluidR3Mono's"
        )
    return parser


def fluid_r3() -> Path:
    """FluidR3Mono, where `timbrel evaluate` finds it too.

    Raises:
        SystemExit: it is not installed.
    """
    from timbrel.evaluate import find_soundfont

    font = find_soundfont()
    if font is None:
        sys.exit("no FluidR3Mono_GM.sf3: install fluidr3mono-gm-soundfont or set TIMBREL_SOUNDFONT")
    return font


def render_font(folder: Path | str, tables: dict[str, Any], bench: Bench) -> SoundFontReport:
    """Notes of FluidR3Mono as a note set in a folder, on as many processes as threads are given."""
    from timbrel.config import make_settings
    from timbrel.data.soundfonts.soundfont import SoundFontSettings, render_soundfont

    font = fluid_r3()
    bench.note(f"rendering {font} on {bench.threads} processes")
    settings = make_settings(SoundFontSettings, tables)
    return render_soundfont(font, folder, settings, processes=bench.threads)


def _limit_threads(count: int) -> None:
    """Before anything heavy is imported: OpenMP and numba read these once."""
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = str(count)
    import torch

    torch.set_num_threads(count)


def _plain(value: Figure) -> Figure:
    """A figure that JSON can hold: tensors' and numpy's scalars unwrapped, NaN as null."""
    if value is not None and hasattr(value, "item"):
        value = value.item()  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _write(stem: str, figures: Mapping[str, Figure], bench: Bench) -> Path:
    result = {
        "figures": figures,
        "command": shlex.join(["python", f"bench/{bench.name}.py", *sys.argv[1:]]),
        "commit": _commit(),
        "machine": _machine(),
        "threads": bench.threads,
        "date": datetime.now(UTC).date().isoformat(),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{stem}.json"
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return unfinished.replace(path)


def _commit() -> str:
    """The commit that was measured, marked where the sources differ from it."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        commit = subprocess.run(
            [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            [*git, "diff", "--quiet", "HEAD", "--", "../src", ".", ":!results"], check=False
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}+changes" if changed.returncode else commit


def _machine() -> str:
    """Processor, cores and system, such as `AMD EPYC, 2 cores, Linux x86_64, Python 3.11.2`."""
    processor = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    system = f"{platform.system()} {platform.machine()}"
    return f"{processor}, {os.cpu_count()} cores, {system}, Python {platform.python_version()}"
