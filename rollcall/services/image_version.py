"""Name the version of an image."""


def version(image: str) -> str:
    """Return an image's tag, or a short digest, or its whole name."""
    name, _, digest = image.partition("@")
    if digest:
        return digest.removeprefix("sha256:")[:12]
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag or "latest"
