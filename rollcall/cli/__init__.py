"""The command line: one module for each verb. It parses, calls, and prints."""
