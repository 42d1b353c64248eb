"""Rollcall's own images: build them here, and bring them to hosts."""
