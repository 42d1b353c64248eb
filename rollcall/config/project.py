"""Where this checkout stands: its deploy.py, templates, and images."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
