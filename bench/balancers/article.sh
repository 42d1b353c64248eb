#!/bin/bash
# PORT CONSUL [SERVICE]: nginx and consul-template side by side, as the article has them.
set -eu
export PORT=$1 SERVICE=${3:-bench}
template=/etc/bench/article.conf.ctmpl:/etc/nginx/conf.d/default.conf
consul-template -consul-addr "$2" -once -template "$template"
nginx -c /etc/bench/nginx.conf -g "daemon off;" &
exec consul-template -consul-addr "$2" -template "$template:nginx -c /etc/bench/nginx.conf -s reload"
