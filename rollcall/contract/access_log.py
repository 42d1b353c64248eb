"""Define the file of a front's access log on its host, where log shippers read it, and inside its container."""

# The same path in both.
FOLDER = "/var/log/rollcall/front"
NAME = "access.log"


def kept(number: int) -> str:
    """Return the name of a file that was put away; number 1 is the newest."""
    return f"{NAME}.{number}"
