"""Why a key of Compose has no counterpart in a declaration."""

_DNS = "services reach each other as NAME.service.consul, at the ports that Consul has"
_ENGINE = "the host's engine decides it for all of its containers"
_OWN = "put what it names into this service itself"

SERVICE_KEYS = {
    "build": "Rollcall runs images and builds none; build it, and push it to a registry",
    "annotations": "declarations have labels only",
    "attach": "`docker compose up` alone uses it",
    "blkio_config": "declarations limit memory, processors and processes only",
    "cgroup": _ENGINE,
    "cgroup_parent": _ENGINE,
    "container_name": "containers are called NAME-1, NAME-2, since a release starts the new one beside the old",
    "cpu_count": "cpus limits processors",
    "cpu_percent": "cpus limits processors",
    "cpu_period": "cpus limits processors",
    "cpu_quota": "cpus limits processors",
    "cpu_shares": "cpus limits processors",
    "cpuset": "cpus limits processors",
    "credential_spec": "it is for Windows",
    "depends_on": "services start in no order, on several hosts; a program retries until what it needs is there",
    "develop": "it is for development",
    "device_cgroup_rules": "devices names each device",
    "dns": "the hosts' own DNS, which knows Consul's names, serves the containers",
    "dns_opt": "the hosts' own DNS serves the containers",
    "dns_search": "the hosts' own DNS serves the containers",
    "domainname": "options.hostname names the host",
    "env_file": "declarations read no such file; write its variables into environment, and its secrets into secrets",
    "extends": _OWN,
    "external_links": _DNS,
    "gpus": "declarations give no GPUs",
    "ipc": "each container has its own",
    "isolation": "it is for Windows",
    "links": _DNS,
    "logging": "each container keeps 30 MB of logs, which `docker logs` shows",
    "mac_address": "the engine chooses it",
    "mem_reservation": "memory limits memory",
    "mem_swappiness": "memory limits memory",
    "memswap_limit": "memory limits memory",
    "network_mode": "containers have the network that the registrator's mode needs",
    "networks": _DNS,
    "oom_kill_disable": "a program that reaches its memory limit ends, and starts again",
    "pid": "each container has its own",
    "platform": "the host's architecture decides",
    "post_start": "declarations run no commands beside the program",
    "pre_stop": "declarations run no commands beside the program; the program gets stop_signal",
    "profiles": "the group in whose data a service stands decides where it runs",
    "provider": "declarations run containers only",
    "pull_policy": "image_source decides where an image comes from",
    "runtime": _ENGINE,
    "stdin_open": "nobody is at the keyboard",
    "storage_opt": _ENGINE,
    "tty": "nobody is at the terminal",
    "userns_mode": _ENGINE,
    "uts": "each container has its own",
    "volumes_from": _OWN,
}
DEPLOY_KEYS = {
    "endpoint_mode": "the fronts divide requests",
    "placement": "the group in whose data a service stands decides where it runs",
    "restart_policy": "a container that exits starts again, always",
    "rollback_config": "a version that does not come up never replaces the old one",
}
TOP_KEYS = {
    "include": "import each file by itself",
    "networks": SERVICE_KEYS["networks"],
}
UNKNOWN = "Compose has no such key that Rollcall knows"
# Keys that change nothing here, and need no word.
SILENT_TOP_KEYS = frozenset({"name", "services", "version"})
