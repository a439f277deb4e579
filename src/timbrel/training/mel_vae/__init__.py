"""What the `mel_vae` family is trained for, and on."""
