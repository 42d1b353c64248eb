"""Judge the front's health, for its container's health check and /healthz."""

from dataclasses import dataclass

from rollcall.contract.status_document import Document


@dataclass(frozen=True)
class Verdict:
    """Healthy or not, and why, one sentence per line."""

    well: bool
    text: str


def verdict(document: Document) -> Verdict:
    """Judge a status document.

    A problem with the next configuration leaves the front healthy, since the last good one serves; the text has it.
    """
    problems = [str(problem["text"]) for problem in document["problems"]]
    if not document["consul_template"]["running"]:
        return Verdict(False, "\n".join(["consul-template does not run", *problems]))
    number = document["generation"]["number"]
    if number < 1:
        return Verdict(False, "\n".join(["nginx serves nothing yet", *problems]))
    return Verdict(True, "\n".join([f"serves generation {number}", *problems]))
