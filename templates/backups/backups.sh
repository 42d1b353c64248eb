#!/bin/sh
# Save Consul's state every EVERY seconds, on whichever server leads; keep the newest KEEP files. Its output is its log.
# A deploy writes beside it, in settings:
#
# EVERY, POLL     seconds between two backups, and between two looks
# KEEP            number of files to keep
# NODE, RPC       this server's name, and its address and port, in Consul
# API             its agent's URL
# DIRECTORY       where the files are
# KEY             the key with the record of the fleet's newest backup
# TIMEOUT         seconds that a snapshot may take
set -u
umask 077
# shellcheck source=/dev/null
. /etc/rollcall/backups/settings
token=/etc/rollcall/backups/token
pattern='^consul-[0-9TZ-]*\.snapshot$'
last=

# say TEXT: log what is new.
say() {
    [ "$1" = "$last" ] || echo "$1"
    last=$1
}

# ask CURL-ARGUMENTS: printf is a builtin, so the token is in no argument list.
ask() {
    printf 'X-Consul-Token: %s\n' "$(cat $token)" | curl --silent --show-error --max-time "$TIMEOUT" --header @- "$@" 2>&1
}

leads() {
    [ "$(curl --silent --max-time 5 "$API/status/leader")" = "\"$RPC\"" ]
}

# Sets newest to the time of the fleet's newest backup, 0 without one; fails if Consul does not respond.
read_newest() {
    found=$(ask --write-out '\n%{http_code}' "$API/kv/$KEY?raw")
    case "${found##*
}" in
        200) newest=$(echo "$found" | sed -n 's/.*"time": *\([0-9][0-9]*\).*/\1/p') ;;
        404) newest=0 ;;
        *) return 1 ;;
    esac
    newest=${newest:-0}
}

save() {
    now=$(date +%s)
    name=consul-$(date -u -d "@$now" +%Y-%m-%dT%H%M%SZ).snapshot
    part=$DIRECTORY/$name.part
    # Not that of a deploy, which saves a snapshot before an upgrade.
    rm -f "$DIRECTORY"/consul-*.part
    if ! why=$(ask --fail --output "$part" "$API/snapshot"); then
        say "no backup: Consul gives no snapshot, or $DIRECTORY takes none: $why"
    # Reads the file again and compares its digests.
    elif ! read=$(consul snapshot inspect -format=json "$part" 2>&1); then
        say "no backup: the snapshot is damaged: $read"
    elif ! { sync "$part" && mv "$part" "$DIRECTORY/$name"; }; then
        say "no backup: $DIRECTORY does not take it"
    else
        index=$(echo "$read" | tr ',' '\n' | sed -n 's/.*"Index": *\([0-9][0-9]*\).*/\1/p' | head -n 1)
        bytes=$(wc -c < "$DIRECTORY/$name" | tr -d ' ')
        record="{\"time\": $now, \"node\": \"$NODE\", \"file\": \"$DIRECTORY/$name\", \"bytes\": $bytes, \"index\": ${index:-0}}"
        if why=$(ask --fail --output /dev/null --request PUT --data-raw "$record" "$API/kv/$KEY"); then
            newest=$now
            say "$DIRECTORY/$name: $bytes bytes, Consul's index ${index:-0}"
        else
            say "$DIRECTORY/$name is whole, but Consul does not take its record: $why"
        fi
        return 0
    fi
    rm -f "$part"
    return 1
}

# Names sort by time. Age counts from the newest backup, so that none goes while no new ones are made.
prune() {
    # shellcheck disable=SC2010 # a file of another name is none of ours
    files=$(ls "$DIRECTORY" | grep "$pattern" | sort -r)
    oldest=consul-$(date -u -d "@$((newest - KEEP * EVERY))" +%Y-%m-%dT%H%M%SZ).snapshot
    count=0
    for file in $files; do
        count=$((count + 1))
        if [ "$count" -gt "$KEEP" ] || { [ "$newest" -gt 0 ] && [ "$file" \< "$oldest" ]; }; then
            rm -f "$DIRECTORY/$file"
        fi
    done
}

while :; do
    if ! read_newest; then
        say "Consul does not respond: $found"
    else
        now=$(date +%s)
        # A time in the future is that of a wrong clock.
        if leads && { [ $((now - newest)) -ge "$EVERY" ] || [ "$newest" -gt $((now + EVERY)) ]; }; then
            save
        fi
        prune
    fi
    sleep "$POLL" &
    wait $!
done
