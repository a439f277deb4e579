"""`timbrel VERB`: the table of verbs, and how every run of one ends.

Result paths and figures go to stdout, progress and errors to stderr. What a user can cause ends
with one line and the code 2, Ctrl-C with 130, a reader that has gone away with 141 and no word.
SIGTERM and SIGHUP end it like Ctrl-C, so that nothing unfinished is left, with 143 and 129.
Anything else is a bug of ours and shows its traceback. Verbs are imported when they are called,
and import torch only inside, so that `timbrel --help` is quick.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

from cyclopts import App, CycloptsError, Group, Parameter

from timbrel.cli.output import printable, say_note
from timbrel.errors import BadInput, TimbrelError

OK, BAD_INPUT, INTERRUPTED, READER_GONE = 0, 2, 130, 141

_LONGEST_LINE = 1000

_START = Group("Start here", sort_key=0)
_PLAY = Group("Sounds and songs", sort_key=1)
_MAKE = Group("Models and data", sort_key=2)

_MATCH = (
    "The synthesizer patch behind a sound.\n\n"
    "Writes to out/ the patches, nearest first (.toml; .fxp for plug-ins; .vital), the sound of "
    "the best, and a picture of them beside the recording. Says which key plays them, how far each "
    "is (multi-scale spectral distance in dB), and who found it.\n\n"
    "One note or stroke is wanted: of several the first is taken, and four seconds of it. What was "
    "found is played like any timbre: timbrel live --model preset-subtractive --timbre out/X.toml"
)
_RECOMMEND = (
    'A patch, but "brighter" or "softer".\n\n'
    "Writes to out/ the patches, best first, a sound of the patch and of each suggestion after it, "
    "and a picture of them. Says how far each moved when it was heard, in standard deviations over "
    "patches.\n\n"
    "Words: brighter darker fuller thinner richer plainer noisier purer slower quicker pluckier "
    "steadier livelier calmer longer shorter drier softer harder warmer mellower punchier rougher "
    'airier. "a bit" halves, "much" doubles, "less" turns round; commas, "and" and "but" join. '
    "Loudness is no part of it."
)

VERBS = {
    "demo": ("start.verbs:demo", _START, "A morph, a blend and a song, to hear in out/demo."),
    "doctor": ("start.verbs:doctor", _START, "What is installed, what works, what is missing."),
    "models": ("start.verbs:models", _START, "The instruments there are, and what each can do."),
    "inspect": ("play.sound_verbs:inspect", _PLAY, "A sound as a picture and as numbers."),
    "encode": ("play.sound_verbs:encode", _PLAY, "A recording as a timbre, to use by name."),
    "morph": ("play.sound_verbs:morph", _PLAY, "A sound on the way from one to another."),
    "blend": ("play.sound_verbs:blend", _PLAY, 'Timbre arithmetic: "violin + 0.5*bright - dark".'),
    "generate": ("play.sound_verbs:generate", _PLAY, "New sounds that nobody recorded."),
    "render": ("play.song_verbs:render", _PLAY, "A MIDI file played with any timbre."),
    "transfer": ("play.song_verbs:transfer", _PLAY, "A recorded melody, played by an instrument."),
    "match": ("patches.verbs:match", _PLAY, _MATCH),
    "recommend": ("patches.verbs:recommend", _PLAY, _RECOMMEND),
    "live": ("live.verbs:live", _PLAY, "Play on a MIDI keyboard, and hear it at once."),
    "data": ("sets.verbs:data", _MAKE, "Make or fetch notes, phrases and patches to train on."),
    "train": ("learning.verbs:train", _MAKE, "Train an instrument."),
    "evaluate": ("learning.verbs:evaluate", _MAKE, "How good an instrument is, in figures."),
}  # fmt: skip

# What the rooms log, verbs say in their own words and at their own time; and where matplotlib keeps
# its fonts is not what anybody asked for.
for _logger in ("timbrel", "matplotlib"):
    logging.getLogger(_logger).addHandler(logging.NullHandler())


class _ToWhoeverWaits(logging.Handler):
    """Says at once, on a terminal, why nothing happens."""

    def emit(self, record: logging.LogRecord) -> None:
        if sys.stderr.isatty():
            print(f"timbrel: {record.getMessage()}", file=sys.stderr)


class _ToAll(logging.Handler):
    """Says what went amiss and ends no verb."""

    def emit(self, record: logging.LogRecord) -> None:
        say_note(record.getMessage())


_compiling = logging.getLogger("timbrel.dsp.compiling")
_compiling.addHandler(_ToWhoeverWaits())
_compiling.setLevel(logging.INFO)
logging.getLogger("timbrel.instruments.preset.heard_banks").addHandler(_ToAll(logging.WARNING))

app = App(
    name="timbrel",
    help="Neural instruments to morph, blend and play.",
    help_format="plaintext",
    default_parameter=Parameter(negative=""),
    suppress_keyboard_interrupt=False,
)
app["--help"].group = app["--version"].group = Group("Also", sort_key=3)
for _rank, (_name, (_place, _group, _help)) in enumerate(VERBS.items()):
    app.command(f"timbrel.cli.{_place}", name=_name, group=_group, help=_help, sort_key=_rank)


def run(tokens: Sequence[str]) -> int:
    """Run one command line in this process; the exit code."""
    try:
        _require_words(tokens)
        code = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except CycloptsError as error:
        error.verbose = False
        return _failed(" ".join(str(error).split()))
    except TimbrelError as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        return _failed("interrupted", INTERRUPTED)
    except BrokenPipeError:
        return _without_reader()
    except OSError as error:
        return _failed(_refused(error))
    return code or OK


def _require_words(tokens: Sequence[str]) -> None:
    """That no word is empty: as a path it would be the current folder, which nobody means by it.

    Raises:
        BadInput: one is, such as a variable of the shell that is not set.
    """
    for before, token in pairwise(("", *tokens)):
        if not token.strip() or (token.startswith("--") and token.endswith("=")):
            option = token.strip().rstrip("=") or (before if before.startswith("-") else "")
            what = f"{option}: an empty word" if option else "an empty word"
            raise BadInput(f"{what} (a variable that is not set?): give one, or leave it out")


def main() -> None:
    """The `timbrel` command."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name the terminal cannot show
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows knows no hang-up
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)
    sys.exit(run(sys.argv[1:]))


def _open_what_is_closed() -> None:
    """Have a standard stream that was closed (`2>&-`) lead nowhere.

    Python has None in its place, and `print` takes that for stdout. Each file opened gets the
    lowest free number, which is the stream's own.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def _end(number: int, _: object) -> NoReturn:
    """End as by an exception: what is unfinished is tidied away, and sound cards are let go."""
    raise SystemExit(128 + number)


def _failed(line: str, code: int = BAD_INPUT) -> int:
    line = printable(line)
    if len(line) > _LONGEST_LINE:  # what was given may be endless; what to do stands last
        line = f"{line[: _LONGEST_LINE // 2]} ... {line[-_LONGEST_LINE // 2 :]}"
    with suppress(OSError):  # where stderr takes nothing, the code must do
        print(f"timbrel: {line}", file=sys.stderr)
    return code


def _refused(error: OSError) -> str:
    """The line for what the system refused; the error itself where nobody knows of what."""
    if error.filename is not None:
        reason = f"{error.filename} cannot be used ({error.strerror})"
        return f"{reason}: check the path and its permissions"
    try:
        print(flush=True)
    except OSError as still:
        _lose_output()
        return f"standard output cannot be written ({still.strerror}): send it elsewhere"
    raise error


def _without_reader() -> int:
    """The end where nobody reads any more (`timbrel models | head -1`)."""
    _lose_output()
    return READER_GONE


def _lose_output() -> None:
    """Close an output that takes nothing, so that exit is quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
