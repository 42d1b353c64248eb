#!/bin/bash
# PORT CONSUL [IDLE_CLOSE_ON_RESPONSE [TEMPLATE]]: HAProxy as master and workers, told to reload by consul-template. The listening socket goes
# from the old worker to the new one.
set -eu
export PORT=$1 IDLE_CLOSE_ON_RESPONSE=${3:-}
template=/etc/bench/${4:-haproxy.cfg.ctmpl}:/etc/haproxy/haproxy.cfg
consul-template -consul-addr "$2" -once -template "$template"
haproxy -W -f /etc/haproxy/haproxy.cfg &
exec consul-template -consul-addr "$2" -template "$template:kill -USR2 $!"
