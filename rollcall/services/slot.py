"""Decide the next step of a release for one container of one host, from what the host has now.

A slot is a container's name, such as shop-1. With start-first its replacement runs beside it as shop-1-next and takes
the name at the end; with stop-first the old one waits, stopped, as shop-1-retired until the new one serves. Each step
is decided from the state alone, so an interrupted release goes on where it was.
"""

from dataclasses import dataclass
from typing import Literal

Order = Literal["start-first", "stop-first"]
Place = Literal["current", "next", "retired"]
Action = Literal["run", "start", "await", "undrain", "take out", "retire", "rename", "restore"]
SUFFIXES: dict[Place, str] = {"current": "", "next": "-next", "retired": "-retired"}
FAILED_SUFFIX = "-failed"


@dataclass(frozen=True)
class Found:
    """A container as it is now.

    `new`: made from the declaration as it is now. `serves`: it passes its check, and the fronts that should list it do.
    `draining`: a release took it out of service.
    """

    new: bool
    runs: bool
    serves: bool
    draining: bool = False


@dataclass(frozen=True)
class Slot:
    """The containers of a slot.

    `wanted`: declared. `fresh`: this run has started a container and not yet seen it serve. `held`: a person took the
    current one out of service, so nobody misses it.
    """

    current: Found | None = None
    next: Found | None = None
    retired: Found | None = None
    wanted: bool = True
    fresh: bool = False
    held: bool = False


@dataclass(frozen=True)
class Step:
    """One step: an action on the container in a place."""

    action: Action
    place: Place


def next_step(slot: Slot, order: Order) -> Step | None:
    """Return the next step; None if the slot is as declared."""
    if not slot.wanted:
        return _removal(slot)
    if slot.next:
        return _beside(slot, slot.next)
    if slot.retired:
        return _after(slot, slot.retired)
    if slot.current is None:
        return Step("run", "current")
    if slot.current.new:
        return _settled(slot, slot.current, must_serve=slot.fresh)
    return Step("retire", "current") if order == "stop-first" or slot.held else Step("run", "next")


def _removal(slot: Slot) -> Step | None:
    if slot.next:
        return Step("take out", "next")
    if slot.retired:
        return Step("take out", "retired")
    return Step("take out", "current") if slot.current else None


def _settled(slot: Slot, found: Found, *, must_serve: bool, place: Place = "current") -> Step | None:
    """Return what keeps a container of the present declaration from serving; one that crashes starts only once."""
    if not found.runs:
        return Step("await" if slot.fresh else "start", place)
    if found.draining:
        return Step("undrain", place)
    return Step("await", place) if must_serve and not found.serves else None


def _beside(slot: Slot, beside: Found) -> Step:
    """Go on with two containers, one of which has to go; the other must serve before."""
    current = slot.current
    if current is None:
        return Step("rename", "next")
    if current.new:
        return _settled(slot, current, must_serve=True) or Step("take out", "next")
    if beside.new:
        return _settled(slot, beside, must_serve=True, place="next") or Step("take out", "current")
    # Both are of earlier declarations, after an interruption: keep one that serves.
    if current.draining and current.runs:
        return Step("undrain", "current")
    return Step("take out", "next" if current.serves or not beside.serves else "current")


def _after(slot: Slot, retired: Found) -> Step:
    """Go on with an old container that is stopped and waits."""
    current = slot.current
    if current is None:
        return Step("restore", "retired") if retired.new else Step("run", "current")
    if not current.new:
        return Step("take out", "current")
    return _settled(slot, current, must_serve=True) or Step("take out", "retired")
