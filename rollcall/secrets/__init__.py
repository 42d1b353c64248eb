"""What is secret in a fleet: made, kept, and rotated on the control machine."""
