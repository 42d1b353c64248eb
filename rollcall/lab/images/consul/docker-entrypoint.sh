#!/usr/bin/dumb-init /bin/sh
# What the public image's entrypoint does, for a POSIX shell: see the README of hashicorp/consul.
set -e

# address INTERFACE: its first IPv4 address.
address() {
    found=$(ip -o -4 addr list "$1" | awk '{ sub("/.*", "", $4); print $4; exit }')
    if [ -z "$found" ]; then
        echo "Interface '$1' has no IPv4 address" >&2
        exit 1
    fi
    echo "$found"
}

bind=${CONSUL_BIND:-}
if [ -z "$bind" ] && [ -n "${CONSUL_BIND_INTERFACE:-}" ]; then
    bind="-bind=$(address "$CONSUL_BIND_INTERFACE")"
fi
client=${CONSUL_CLIENT:-}
if [ -z "$client" ] && [ -n "${CONSUL_CLIENT_INTERFACE:-}" ]; then
    client="-client=$(address "$CONSUL_CLIENT_INTERFACE")"
fi
data=${CONSUL_DATA_DIR:-/consul/data}
config=${CONSUL_CONFIG_DIR:-/consul/config}
if [ -n "${CONSUL_LOCAL_CONFIG:-}" ]; then
    echo "$CONSUL_LOCAL_CONFIG" > "$config/local.json"
fi

case "${1:-}" in
    -*) set -- consul "$@" ;;
    agent)
        shift
        # $bind and $client are one argument or none, so they stay unquoted.
        set -- consul agent "-data-dir=$data" "-config-dir=$config" $bind $client "$@"
        ;;
    version) set -- consul "$@" ;;
    *)
        # The exit code of `help` does not tell a subcommand from a typing error; its text does.
        if consul --help "${1:-}" 2>&1 | grep -q "consul ${1:-}"; then
            set -- consul "$@"
        fi
        ;;
esac

if [ "${1:-}" = consul ] && [ "$(id -u)" = 0 ] && [ -z "${CONSUL_DISABLE_PERM_MGMT+set}" ]; then
    uid=${CONSUL_UID:-$(id -u consul)}
    gid=${CONSUL_GID:-$(id -g consul)}
    for directory in "$data" "$config"; do
        if [ "$(stat -c %u "$directory")" != "$uid" ]; then
            chown "$uid:$gid" "$directory"
        fi
    done
    if [ -n "${CONSUL_ALLOW_PRIVILEGED_PORTS+set}" ]; then
        setcap cap_net_bind_service=+ep /bin/consul
    fi
    set -- setpriv --reuid "$uid" --regid "$gid" --clear-groups "$@"
fi
exec "$@"
