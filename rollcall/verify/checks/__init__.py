"""The checks of `rollcall verify`, which pytest runs with the plugin in report.py."""
