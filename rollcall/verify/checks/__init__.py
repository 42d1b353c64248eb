"""The checks of `rollcall verify`: a product command, run by pytest with the plugin in report.py."""
