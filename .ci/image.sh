#!/usr/bin/env bash
# Carries out the stage `runtime` of the Dockerfile in a root directory, and runs what comes of it
# as an engine would: read-only, as its user, first process of its own. Called by .ci/packages.sh
# in namespaces that take every mount and process with them.
#
# An instruction, option or form that is not known here is refused, so that this and the Dockerfile
# stay the same.
set -euo pipefail

archive=$1 program=$2 secrets=$3 port=$4 admin=$5
declare -a environment=() volumes=() entrypoint=() command=() health=()
user='' workdir=/ stop='' build=''

fail() {
    printf 'ci: image: %s\n' "$*" >&2
    exit 1
}

# One instruction a line: comments are gone, continued lines joined.
instructions() {
    sed '/^[[:space:]]*#/d; /^[[:space:]]*$/d' Dockerfile |
        sed ':a; /\\$/{N; s/\\\n[[:space:]]*//; ta}'
}

# The words of a JSON array, one a line.
words() {
    jq -er 'if type == "array" then .[] else error("no array") end' <<<"$1" ||
        fail "not in the form [\"a\", \"b\"]: $1"
}

in_root() {
    local path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    chroot "$root" /usr/bin/env -i PATH="$path" "$@"
}

carry_out() {
    local instruction=$1 rest=$2 from to
    case $instruction in
    LABEL | EXPOSE) ;;
    RUN)
        [ -z "$user" ] || fail 'RUN after USER'
        in_root "${environment[@]}" sh -c "cd $workdir && $rest" >"$log" 2>&1 || {
            cat "$log" >&2
            fail "RUN $rest"
        }
        ;;
    COPY)
        read -r from to <<<"${rest#--from=build }"
        [ "$rest" = "--from=build $from $to" ] || fail "COPY $rest"
        [[ $build == *" $from"* ]] || fail "the stage build does not make $from"
        install -D --mode=0755 "$program" "$root$to"
        ;;
    ENV)
        [[ $rest != *[\"\'\$]* ]] || fail "quotes in ENV $rest"
        read -ra words <<<"$rest"
        environment+=("${words[@]}")
        ;;
    WORKDIR) workdir=$rest && mkdir -p "$root$workdir" ;;
    USER) user=$rest ;;
    VOLUME) mapfile -t volumes < <(words "$rest") ;;
    STOPSIGNAL) stop=$rest ;;
    HEALTHCHECK)
        [[ $rest =~ ^(--(interval|timeout|start-period|retries)=[0-9]+s?\ )*CMD\ (.+)$ ]] ||
            fail "HEALTHCHECK $rest"
        mapfile -t health < <(words "${BASH_REMATCH[3]}")
        ;;
    ENTRYPOINT) mapfile -t entrypoint < <(words "$rest") ;;
    CMD) mapfile -t command < <(words "$rest") ;;
    *) fail "the instruction $instruction is not known here" ;;
    esac
}

read_dockerfile() {
    local line instruction rest stage=''
    while IFS= read -r line; do
        read -r instruction rest <<<"$line"
        case $instruction:$stage in
        ARG:) ;;
        FROM:*) [[ $rest =~ \ AS\ ([a-z]+)$ ]] && stage=${BASH_REMATCH[1]} || fail "FROM $rest" ;;
        *:build) build+=" $rest" ;;
        *:runtime) carry_out "$instruction" "$rest" ;;
        *) fail "$instruction in the stage '$stage'" ;;
        esac
    done < <(instructions)
    [ "$stage" = runtime ] || fail 'the last stage is not runtime'
}

give_devices() {
    local device
    mkdir -p "$root/dev"
    for device in null zero full random urandom; do
        touch "$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
    done
}

# What an engine gives to a container: the volumes, the secrets, and a root that nothing is written
# to.
close_root() {
    local volume owner
    for volume in "${volumes[@]}"; do
        owner=$(stat -c 'mode=%a,uid=%u,gid=%g' "$root$volume")
        mount -t tmpfs -o "$owner" volume "$root$volume"
    done
    mkdir -p "$root/run/secrets"
    mount --bind "$secrets" "$root/run/secrets"
    mount -o remount,bind,ro "$root"
}

# The variables of the image, and over them those of whoever runs it.
variables() {
    printf '%s\n' "${environment[@]}" HOOKSHELF__HTTP__LISTEN="0.0.0.0:$port" \
        HOOKSHELF__ADMIN__LISTEN="127.0.0.1:$admin" \
        HOOKSHELF__DATABASE__URL_FILE=/run/secrets/database_url \
        HOOKSHELF__APPS__DEFAULT__APP_SECRET_FILE=/run/secrets/app_secret \
        HOOKSHELF__APPS__DEFAULT__VERIFY_TOKEN_FILE=/run/secrets/verify_token
}

as_user() {
    printf '%s\n' setpriv --reuid="${user%:*}" --regid="${user#*:}" --clear-groups \
        --no-new-privs --bounding-set=-all --inh-caps=-all
}

start() {
    mapfile -t settings < <(variables)
    mapfile -t drop < <(as_user)
    in_namespaces=(unshare --pid --fork --kill-child --mount-proc --root="$root" --wd="$workdir")
    "${in_namespaces[@]}" env -i PATH=/usr/local/bin:/usr/bin:/bin "${settings[@]}" "${drop[@]}" \
        "${entrypoint[@]}" "${command[@]}" >"$log" 2>&1 &
    runner=$!
    until grep -q 'events list' "$log"; do
        kill -0 "$runner" 2>/dev/null || { cat "$log" >&2; fail 'it does not start'; }
        sleep 0.1
    done
    main=$(ps -o pid= --ppid "$runner" | tr -d ' ')
}

# As `docker exec` does.
inside() {
    nsenter --target "$main" --mount --pid --root --wd="$root$workdir" \
        env -i PATH=/usr/local/bin:/usr/bin:/bin "${settings[@]}" "${drop[@]}" "$@"
}

check_process() {
    local status=/proc/$main/status
    [ "$(awk '/^Uid:/ {print $2, $3, $4, $5}' "$status" | xargs -n 1 | sort -u)" = "${user%:*}" ] ||
        fail "it does not run as $user"
    [ "${user%:*}" -gt 0 ] || fail 'it runs as root'
    [ "$(awk '/^Cap(Prm|Eff|Bnd):/ {print $2}' "$status" | sort -u)" = 0000000000000000 ] ||
        fail 'it has capabilities'
    [ "$(awk '/^NSpid:/ {print $NF}' "$status")" = 1 ] || fail 'it is not the first process'
}

stop_and_check() {
    local code=0
    kill "-${stop#SIG}" "$main"
    timeout 60 tail --pid="$runner" -f /dev/null || fail "it does not stop after $stop"
    wait "$runner" || code=$?
    [ "$code" -eq 0 ] || { cat "$log" >&2; fail "it ended with $code after $stop"; }
}

mount --make-rprivate /
scratch=$(mktemp -d)
mount -t tmpfs scratch "$scratch"
root=$scratch/root log=$scratch/log
mkdir "$root"
mount --bind "$root" "$root"
tar -C "$root" -xf "$archive"
mkdir -p "$root/proc"
give_devices
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
base=$(du -sm "$root" | cut -f 1)
read_dockerfile
size=$(du -sm "$root" | cut -f 1)
close_root
start
check_process
inside "${health[@]}" || fail 'it is not well'
inside hookshelf simulate | tail -n 1
inside hookshelf events list --json --limit 1 | jq -e '.source == "simulated"' >/dev/null ||
    fail 'no event is there'
if inside touch /usr/local/written 2>/dev/null; then fail 'its root can be written to'; fi
stop_and_check
printf 'runtime stage: %d MB, %d MB of it the base; the program of this build %d MB\n' \
    "$size" "$base" "$(($(stat -c %s "$program") >> 20))"
umount -R "$root"
umount "$scratch"
rmdir "$scratch"
