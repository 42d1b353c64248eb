"""Settings of every host. Defaults stand in rollcall/config/settings.py; unknown keys are refused."""

# The agent on every host. `domain` is the last part of service names in DNS: nginx-80.service.consul.
consul = {
    "datacenter": "dc1",
    "domain": "consul",
    # Consul's own configuration keys, merged over ours, e.g. {"log_level": "INFO"}.
    "extra": {},
}

# Every minute the registrator compares all containers with its agent, and corrects what events missed.
registrator = {"resync": 60, "cleanup": True}

# template_sync: files of your own services, such as HAProxy's, that follow the catalog (docs/own-templates.md).

# How hosts get images: "pull" by the host's engine, or "push" from this machine over SSH.
image_source = "pull"
