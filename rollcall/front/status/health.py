"""Whether the front is well: what its container's health check and /healthz say."""

from dataclasses import dataclass

from rollcall.contract.status_document import Document


@dataclass(frozen=True)
class Verdict:
    """Well or not, and why, one sentence a line."""

    well: bool
    text: str


def verdict(document: Document) -> Verdict:
    """Judge a status document.

    What hinders the next configuration is no illness, since the last good one serves; it is said all the same.
    """
    problems = [str(problem["text"]) for problem in document["problems"]]
    if not document["consul_template"]["running"]:
        return Verdict(False, "\n".join(["consul-template does not run", *problems]))
    number = document["generation"]["number"]
    if number < 1:
        return Verdict(False, "\n".join(["nginx serves nothing yet", *problems]))
    return Verdict(True, "\n".join([f"serves generation {number}", *problems]))
