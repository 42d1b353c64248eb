"""The only package that imports pyinfra: facts, operations, and the steps of deploy.py."""

import atexit
import gc

# As rollcall/__main__.py does, for processes that pyinfra starts: `pyinfra INVENTORY deploy.py`, and the inventory's.
atexit.register(gc.freeze)
