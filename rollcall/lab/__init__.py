"""The lab: six hosts in containers, reached over SSH like rented machines, and what they need."""
