"""Make an agent leave its cluster for good, so that Docker does not start it again."""

from rollcall.consul.agent_client import Request

# A leaving server waits until the others have removed its vote, then for requests under way.
LEAVE_TIMEOUT_SECONDS = 60.0
# Otherwise Docker restarts the container as soon as the agent has left.
DISABLE_RESTART = "docker update --restart=no consul >/dev/null"
IS_RUNNING = "docker inspect --format '{{.State.Running}}' consul"
LEAVE = Request("PUT", "/v1/agent/leave")
