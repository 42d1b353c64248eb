"""Replace the public images in Dockerfiles with the lab's stand-ins, which have their own names on the engine."""

from collections.abc import Collection

from rollcall.lab.layout import PREFIX


def local_name(image: str) -> str:
    """Return the name of a lab image on the machine's engine, where it must not shadow the real image."""
    return f"{PREFIX}/{image}"


def parents(dockerfile: str, known: Collection[str]) -> list[str]:
    """Return the lab's images that a Dockerfile starts from or copies from, in order."""
    return [word for line in dockerfile.splitlines() for word in _references(line) if word in known]


def localised(dockerfile: str, known: Collection[str]) -> str:
    """Return the Dockerfile with every image of the lab under its name on the machine's engine."""
    return "\n".join(_localised_line(line, known) for line in dockerfile.splitlines()) + "\n"


def _localised_line(line: str, known: Collection[str]) -> str:
    for word in _references(line):
        if word in known:
            line = line.replace(word, local_name(word), 1)
    return line


def _references(line: str) -> list[str]:
    words = line.split()
    match [word.upper() for word in words[:1]]:
        case ["FROM"]:
            return [word for word in words[1:] if not word.startswith("--")][:1]
        case ["COPY"]:
            return [word.removeprefix("--from=") for word in words if word.startswith("--from=")]
        case ["ARG"]:
            return [word.partition("=")[2] for word in words[1:]]
    return []
