r"""`mel_vae`: a convolutional (variational) autoencoder on log-mels that plays every pitch.

At its base: log-mels of 80 bands, strided convolutions down to a latent of 128 and
transposed ones back up, L1 on normalised log-mels, and with a KL weight above 0 the
reparameterization trick. How ours differs:

- The decoder is told pitch, velocity and duration so one encoded sound
  plays at every pitch.
- It does not draw the harmonics. It says how strong a harmonic would be in each band and frame,
  and how strong the noise is; the comb of the note's own harmonics is known exactly
  (`dsp.mel_lines`) and is laid over it:

      mel = comb(pitch) * 10^(harmonic / 10) + 10^(noise / 10)

  What is learned is then a smooth envelope, which transposes well, and the pitch is exact.
- A level beside the log-mel (which is relative to its own maximum) keeps what velocity does.
"""

from timbrel.instruments.mel_vae.decoded import Decoded
from timbrel.instruments.mel_vae.instrument import MelVAE
from timbrel.instruments.mel_vae.network import MelVAENetwork, MelVAESettings

__all__ = ["Decoded", "MelVAE", "MelVAENetwork", "MelVAESettings"]
