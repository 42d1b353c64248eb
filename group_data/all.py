"""Settings of every host. Defaults stand in rollcall/config/settings.py; unknown keys are refused."""

# The agent on every host. `domain` is the last part of service names in DNS: nginx-80.service.consul.
consul = {
    "datacenter": "dc1",
    "domain": "consul",
    # Consul's own configuration keys, merged over ours, e.g. {"log_level": "INFO"}.
    "extra": {},
}

# Every minute the registrator compares all containers with its agent, and mends what an event did not.
registrator = {"resync": 60, "cleanup": True}

# "templates": files of services of your own that follow the catalog, such as HAProxy's: docs/own-templates.md.

# Where images come from: "pull" by the host's engine, or "push" from this machine over SSH.
image_source = "pull"
