"""A fleet's secrets: created, stored, and rotated on the control machine."""
