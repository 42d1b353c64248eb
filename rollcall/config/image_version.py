"""Name the version of an image."""


def version(image: str) -> str:
    """Return an image's tag; without one, a short digest."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag or digest.removeprefix("sha256:")[:12] or "latest"
