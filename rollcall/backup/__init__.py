"""Keep what a fleet cannot get back otherwise in one encrypted file, and bring it back."""
