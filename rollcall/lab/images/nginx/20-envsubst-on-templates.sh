#!/bin/sh
# As the public image's: /etc/nginx/templates/X.template becomes /etc/nginx/conf.d/X, with the variables
# of the environment (and only those: nginx's own $variables stay) filled in.
set -e

templates=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}
output=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
filter=${NGINX_ENVSUBST_FILTER:-}

[ -d "$templates" ] || exit 0
defined=$(printf '${%s} ' $(awk -v filter="$filter" 'BEGIN { for (name in ENVIRON) if (name ~ filter) print name }'))
find "$templates" -follow -type f -name "*$suffix" | while read -r template; do
    name=${template#"$templates"/}
    target=$output/${name%"$suffix"}
    mkdir -p "$(dirname "$target")"
    envsubst "$defined" < "$template" > "$target"
done
