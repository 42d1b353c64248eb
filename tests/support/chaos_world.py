"""A fleet of six hosts as a plan of faults sees it."""

from hypothesis import strategies as st

from rollcall.chaos.faults import FAULTS
from rollcall.chaos.world import Instance, Place, World

OURS = frozenset({"consul", "registrator", "socket-filter", "dns"})
TOOLS = frozenset({"docker", "setsid", "iptables", "awk"})
WEB = (Instance("web", "web-1"), Instance("web", "web-2"))


def place(name: str, number: int = 1, **more: object) -> Place:
    given: dict[str, object] = {"running": OURS, "tools": TOOLS, "free_mib": 64, **more}
    return Place(name, f"10.0.0.{number}", **given)  # type: ignore[arg-type]


SIX = World(
    (
        *(place(f"consul{number}", number, is_server=True) for number in (1, 2, 3)),
        *(place(f"app{number}", 20 + number, instances=WEB, running=OURS | {"web-1", "web-2"}) for number in (1, 2)),
        place("front1", 31, is_front=True, running=OURS | {"front"}),
    )
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Any fleet of 1 to 8 hosts with at least one server."""
    count = draw(st.integers(1, 8))
    servers = draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=5))
    return World(
        tuple(
            place(
                f"h{number}",
                number + 1,
                is_server=number in servers,
                is_front=draw(st.booleans()),
                running=frozenset(draw(st.sets(st.sampled_from(["consul", "registrator", "dns", "front"])))),
                tools=frozenset(draw(st.sets(st.sampled_from(sorted(TOOLS))))) | {"docker"},
                instances=tuple(
                    draw(
                        st.lists(
                            st.builds(Instance, st.sampled_from(["web", "shop"]), st.sampled_from(["a", "b", "c"])),
                            max_size=3,
                            unique=True,
                        )
                    )
                ),
                free_mib=draw(st.none() | st.integers(0, 5000)),
            )
            for number in range(count)
        )
    )


EVERY = tuple(FAULTS.values())
