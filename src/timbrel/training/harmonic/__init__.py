"""What the `harmonic` family is trained for, and on."""
