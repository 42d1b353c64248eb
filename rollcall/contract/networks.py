"""Networks as people write them: "10.0.0.0/8", "2001:db8::/32", or one address."""

from ipaddress import ip_network


def network(text: str) -> str:
    """Return a network in its canonical form.

    Raises:
        ValueError: it is invalid, or has bits behind its prefix, since 10.0.0.7/8 may mean two things.
    """
    if "%" in text or text != text.strip():
        raise ValueError(f"got {text!r}; expected an address or a network without a zone")
    return str(ip_network(text))
