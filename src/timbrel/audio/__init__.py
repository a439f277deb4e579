"""Audio files: any format, rate and channel count in; WAV and FLAC out, whole or not at all."""

from timbrel.audio.reading import (
    SUFFIXES,
    AudioInfo,
    probe,
    read_audio,
    read_channels,
    require_note,
    require_sound,
)
from timbrel.audio.resampling import resample
from timbrel.audio.streaming import AudioBlocks
from timbrel.audio.writing import AudioWriter, Encoding, check_audio_path, write_audio

__all__ = [
    "SUFFIXES",
    "AudioBlocks",
    "AudioInfo",
    "AudioWriter",
    "Encoding",
    "check_audio_path",
    "probe",
    "read_audio",
    "read_channels",
    "require_note",
    "require_sound",
    "resample",
    "write_audio",
]
