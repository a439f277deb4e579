"""What the pitch panel shows of a tracker's guesses."""

import torch

from timbrel.picture.panels import believed

RATE = 62.5


def test_short_octave_errors_of_middling_confidence_are_hidden():
    pitch, confidence = torch.full((60,), 76.0), torch.full((60,), 0.97)
    pitch[30:37], confidence[30:37] = 31.3, 0.7
    shown = believed(pitch, confidence, RATE)
    assert not shown[30:37].any()
    assert shown[:30].all()
    assert shown[37:].all()


def test_leaps_that_last_or_are_certain_stay():
    pitch, confidence = torch.full((80,), 60.0), torch.full((80,), 0.7)
    pitch[40:] = 72.0
    assert believed(pitch, confidence, RATE).all()
    pitch[20:23], confidence[20:23] = 84.0, 0.99
    assert believed(pitch, confidence, RATE).all()


def test_what_is_not_sure_is_hidden_and_votes_for_nothing():
    pitch, confidence = torch.full((40,), 60.0), torch.full((40,), 0.2)
    confidence[10:13], pitch[10:13] = 0.6, 48.0
    assert believed(pitch, confidence, RATE).nonzero()[:, 0].tolist() == [10, 11, 12]
