"""Nine steps from one named sound to another, in a row: a straight line between two vectors."""

import torch

import timbrel

instrument = timbrel.load("harmonic")
corners = [instrument.bank["piano"], instrument.bank["violin"]]
steps = timbrel.morph(instrument.timbre_space, corners, steps=9)
notes = instrument.render(timbrel.Notes.of([57] * 9, duration_s=0.6), steps)
print(timbrel.write_audio("morph.wav", torch.cat(list(notes)), instrument.sample_rate))
