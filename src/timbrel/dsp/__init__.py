"""Pure functions on tensors: spectra, envelopes, loudness, pitch; and their realtime kernels."""
