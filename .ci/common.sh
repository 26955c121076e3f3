# Steps with headings and times, one scratch directory, and a trap that clears up whatever happens.
# Sourced by .ci/run; sets $work, and marks every process below with CI_RUN_MARK=$work.

times=()
left_out=()

fail() {
    printf 'ci: %s\n' "$*" >&2
    exit 1
}

# Shows the end of a file, for whoever reads the output of a failed run.
show() {
    printf -- '--- %s\n' "$1" >&2
    tail -n 60 "$1" >&2 || true
    printf -- '---\n' >&2
}

# Makes the scratch directory and an environment in which nothing of this machine decides.
begin() {
    local name
    for name in $(compgen -e); do
        case $name in HOOKSHELF__* | HOOKSHELF_CONFIG | DATABASE_URL | PG*) unset "$name" ;; esac
    done
    work=$(mktemp -d "${TMPDIR:-/tmp}/hookshelf-ci.XXXXXX")
    scratch=$work/tmp
    trap clear_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    # Postgres may run as another user, who has to pass through here.
    chmod 755 "$work"
    # Tests create and delete a hundred thousand files of databases, which keeps a disk busy.
    ! memory_has_room || scratch=/dev/shm/${work##*/}
    mkdir -m 1777 "$scratch"
    export TMPDIR=$scratch XDG_DATA_HOME=$work/xdg CI_RUN_MARK=$work
}

# Succeeds if 6 GiB of files fit into memory. At most a quarter of that was used.
memory_has_room() {
    local kib mount=/dev/shm
    [ -w "$mount" ] && ! findmnt -no OPTIONS "$mount" 2>/dev/null | grep -qw noexec || return 1
    for kib in "$(df --output=avail "$mount" | tail -1)" \
        "$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)"; do
        [ "${kib:-0}" -ge $((6 << 20)) ] || return 1
    done
}

# What must be the same after every step; asked for once git is there.
remember_state() {
    checkout_before=$(checkout_state)
    outside_before=$(outside_state)
}

# Runs one step under its heading and keeps its time.
step() {
    local name=$1 start=$SECONDS
    running=$1
    shift
    printf '\n=== %s\n' "$name"
    "$@"
    times+=("$(printf '%5d s  %s' $((SECONDS - start)) "$name")")
    printf '=== %s: %d s\n' "$name" $((SECONDS - start))
}

# Notes why the running step does nothing here, also for the summary.
not_run() {
    printf 'NOT RUN: %s\n' "$1"
    left_out+=("$running: $1")
}

summary() {
    printf '\n=== Passed\n'
    [ ${#left_out[@]} -eq 0 ] || printf 'NOT RUN: %s\n' "${left_out[@]}"
    printf '%s\n' "${times[@]}"
    printf '%5d s  in all\n' "$SECONDS"
}

# Runs a command for at most so many seconds; its whole process group ends with it. It is waited
# for in the background, so that a signal to this script is heard at once and not at its end.
at_most() {
    local seconds=$1 code=0
    shift
    timeout --kill-after=30 "$seconds" "$@" &
    wait $! || code=$?
    [ "$code" -ne 124 ] && [ "$code" -ne 137 ] || fail "not done after $seconds s: $*"
    return "$code"
}

# A port of 127.0.0.1 below the range that the kernel hands out, on which nobody answers.
free_port() {
    local port
    for _ in {1..50}; do
        port=$((20000 + RANDOM % 12000))
        if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%d\n' "$port"
            return
        fi
    done
    fail 'no free port found'
}

# The processes of this run that are still there, by the mark, the directories or the command line.
leftovers() {
    local entry pid
    for entry in /proc/[0-9]*; do
        pid=${entry#/proc/}
        [ "$pid" != $$ ] && [ "$pid" != "$BASHPID" ] || continue
        if grep -qzxF "CI_RUN_MARK=$work" "$entry/environ" 2>/dev/null ||
            grep -qF "${work##*/}" "$entry/cmdline" 2>/dev/null ||
            [[ $(readlink "$entry/cwd" 2>/dev/null) == */"${work##*/}"* ]]; then
            # Ended in the meantime, or ended and waiting for its parent: not there any more.
            ! grep -q '^State:.*[ZX]' "$entry/status" 2>/dev/null || continue
            [ -d "$entry" ] && printf '%s\n' "$pid"
        fi
    done
    return 0
}

# Waits until no process of this run is left; what ends, ends soon.
no_process() {
    local deadline=$((SECONDS + 15)) pids
    while pids=$(leftovers) && [ -n "$pids" ]; do
        if ((SECONDS >= deadline)); then
            ps -o pid,ppid,user,args -p "$(paste -sd, <<<"$pids")" >&2 || true
            fail "$1 left processes behind"
        fi
        sleep 0.2
    done
}

# What the checkout looks like, the ignored target directory aside.
checkout_state() {
    git -c safe.directory='*' status --porcelain
}

# Places where a careless start would leave something, and what is in them.
outside_state() {
    ls -d /var/lib/hookshelf "${HOME:-/root}/.local/share/hookshelf" /tmp/.s.PGSQL.* 2>/dev/null || true
}

# Waits for nothing: what was written outside of the data directory is there or it is not.
no_file() {
    local left checkout
    checkout=$(checkout_state)
    left=$(find "$TMPDIR" "$XDG_DATA_HOME" -mindepth 1 2>/dev/null || true)
    [ -z "$left" ] || fail "$1 left files behind:"$'\n'"$left"
    [ "$(outside_state)" = "$outside_before" ] || fail "$1 wrote outside of its directory"
    [ "$checkout" = "$checkout_before" ] || fail "$1 changed the checkout: $checkout"
}

nothing_left() {
    no_process 'this run'
    no_file 'this run'
}

# Ends what is left, gently and then firmly, and removes the scratch directory.
clear_up() {
    local code=$? pids pid signal
    trap - EXIT INT TERM
    for signal in TERM KILL; do
        pids=$(leftovers)
        for pid in $pids; do kill "-$signal" "$pid" 2>/dev/null || true; done
        for _ in {1..50}; do
            [ -n "$(leftovers)" ] || break
            sleep 0.2
        done
    done
    rm -rf "$work" "$scratch"
    [ "$code" -eq 0 ] || printf '\nci: failed after %d s\n' "$SECONDS" >&2
    exit "$code"
}
