#!/bin/sh
# As the public image's: the scripts of /docker-entrypoint.d run in order before nginx does.
set -e

say() {
    if [ -z "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ]; then
        echo "docker-entrypoint.sh: $*"
    fi
}

case "${1:-}" in
    nginx | nginx-debug)
        # A glob is sorted, and it keeps the loop in this shell, so that an .envsh can set variables.
        for script in /docker-entrypoint.d/*; do
            if [ ! -e "$script" ]; then
                continue
            elif [ ! -x "$script" ]; then
                say "ignoring $script: not executable"
                continue
            fi
            case "$script" in
                *.envsh)
                    say "reading $script"
                    . "$script"
                    ;;
                *.sh)
                    say "running $script"
                    "$script"
                    ;;
                *) say "ignoring $script: neither .sh nor .envsh" ;;
            esac
        done
        ;;
esac
exec "$@"
