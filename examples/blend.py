"""Arithmetic on timbres: the same note plain, brighter, darker, and as half of another sound."""

import torch

import timbrel

EXPRESSIONS = ["violin", "violin + bright", "violin + dark", "0.5*violin + 0.5*flute"]

instrument = timbrel.load("harmonic")
space = instrument.timbre_space
timbres = torch.stack([timbrel.blend(e, instrument.bank.lookup, space) for e in EXPRESSIONS])
notes = instrument.render(timbrel.Notes.of([62] * len(EXPRESSIONS), duration_s=1.0), timbres)
print(timbrel.write_audio("blend.wav", torch.cat(list(notes)), instrument.sample_rate))
