# A generation is a directory with all that one configuration of nginx consists of:
#   nginx.conf, tls  copies of the mounted ones
#   upstream.conf    as consul-template rendered it
#   generation.conf  answers with the generation's number, which tells whether its workers serve
# nginx is always started and checked on a generation's own nginx.conf, which names its neighbours by relative paths: what was
# checked is exactly what is loaded. $state/current is a link to the last generation that nginx accepted.

configuration=/etc/rollcall/front
state=/var/lib/rollcall/front
# In memory: nothing in it is of an earlier life of the container.
run=/run/rollcall/front
socket=$run/nginx.sock

# Nothing of the front runs as root: whichever of its programs Docker starts becomes nginx, with the one right to listen on ports
# below 1024. Docker itself gives that right to root only.
if [ "$EUID" = 0 ]; then
    exec setpriv --reuid=nginx --regid=nginx --clear-groups \
        --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service -- "$0" "$@"
fi

say() {
    printf 'front: %s\n' "$*" >&2
}

# Keeps the reason where `rollcall status` and the health check find it.
refuse() {
    printf '%s\n' "$*" >"$run/failure"
    say "$*"
    return 1
}

current_number() {
    link=$(readlink "$state/current") || link=generation.0
    printf '%s\n' "${link##*.}"
}

# build_generation NUMBER UPSTREAM: writes it from the mounted files and the file UPSTREAM.
build_generation() {
    directory=$state/generation.$1
    rm -rf "$directory" &&
        mkdir "$directory" &&
        cp -R "$configuration/nginx.conf" "$configuration/tls" "$directory" &&
        cp "$2" "$directory/upstream.conf" &&
        printf 'return 200 "%s\\n";\n' "$1" >"$directory/generation.conf"
}

# check_generation NUMBER: prints nginx's complaint, if it has one.
check_generation() {
    timeout 10 nginx -t -q -c "$state/generation.$1/nginx.conf" 2>&1
}

# says_the_same NUMBER NUMBER: whether two generations differ in nothing but their numbers.
says_the_same() {
    diff -rq --exclude=generation.conf "$state/generation.$1" "$state/generation.$2" >/dev/null 2>&1
}

# One rename: there is no moment without a current generation.
make_current() {
    ln -sfn "generation.$1" "$state/next" && mv -T "$state/next" "$state/current"
}

forget_other_generations() {
    for directory in "$state"/generation.*; do
        [ "$directory" = "$state/generation.$1" ] || rm -rf "$directory"
    done
}

# serves NUMBER: whether nginx's workers answer with that generation.
serves() {
    [ "$(curl -s --max-time 1 --unix-socket "$socket" http://front/generation)" = "$1" ]
}
