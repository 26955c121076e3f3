#!/usr/bin/env bash
# Records the terminal sample and the pictures of README.md from the program.
#
#   docs/record.sh             writes the sample into README.md
#   docs/record.sh --check     records again and compares; digits and ids may differ
#   docs/record.sh --pictures  takes the pictures of the pages, with `chromium`
#
# HOOKSHELF names the program; without it, the one that `cargo build` makes. Needs `script` of
# util-linux, which lends each command a terminal.
set -euo pipefail
export LC_ALL=C.UTF-8

cd "$(dirname "$0")/.."
readme=$PWD/README.md
program=${HOOKSHELF:-target/debug/hookshelf}
start='<!-- Recorded by docs/record.sh. Do not edit. -->'
end='<!-- End of the recording. -->'
width=118

work=$(mktemp -d)
terminal=''
finish() {
    if [ -n "$terminal" ]; then
        kill "$(<"$work/pid")" || true
        wait "$terminal" || true
    fi
    rm -rf "$work"
}
trap finish EXIT

# A machine on which Hookshelf has never run. The user of the private Postgres may enter.
prepare() {
    chmod 711 "$work"
    mkdir "$work/bin"
    ln -s "$(realpath "$program")" "$work/bin/hookshelf"
    touch "$work/empty.toml"
    local name
    for name in "${!HOOKSHELF@}" DATABASE_URL; do unset "$name"; done
    export PATH=$work/bin:$PATH HOOKSHELF_CONFIG=$work/empty.toml NO_COLOR=1 PAGER=cat PSQLRC=/dev/null
    export HOOKSHELF__DATA_DIR=$work/data
    HOOKSHELF__HTTP__LISTEN=127.0.0.1:$(free_port)
    HOOKSHELF__ADMIN__LISTEN=127.0.0.1:$(free_port)
    export HOOKSHELF__HTTP__LISTEN HOOKSHELF__ADMIN__LISTEN
}

# A port on which nothing listens.
free_port() {
    local port
    while port=$((20000 + SRANDOM % 12000)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

# Types a command on a terminal.
type_in() {
    script --quiet --return --flush --command "stty rows 50 cols $width; exec $1" /dev/null </dev/null
}

# Starts the server and waits until it accepts deliveries.
start_server() {
    touch "$work/server"
    type_in "sh -c 'echo \$\$ >$work/pid; exec hookshelf'" >"$work/server" 2>&1 &
    terminal=$!
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        grep -q 'events list' "$work/server" && return
        kill -0 "$terminal" 2>/dev/null || break
        sleep 0.2
    done
    cat "$work/server" >&2
    return 1
}

# The output as README.md shows it: no log lines, no secrets, the default directory and ports,
# lines no longer than the terminal.
shown() {
    tr -d '\r' |
        sed -E -e '/^[0-9-]{10}T[^ ]+ +(INFO|WARN|ERROR) /d' \
            -e 's/^( +(app_secret|verify_token) +=) [0-9a-f]+$/\1 …/' \
            -e "s#$work/data#/var/lib/hookshelf#g" \
            -e '/operators/!s/127\.0\.0\.1:[0-9]+/127.0.0.1:8080/g' \
            -e '/operators/s/127\.0\.0\.1:[0-9]+/127.0.0.1:9090/g' \
            -e 's/cargo run -- /hookshelf /' \
            -e "s/^(.{$((width - 1))}).{2,}$/\1…/" \
            -e 's/ +$//' -e '/^$/d'
}

record() {
    echo '```shellsession'
    echo '$ hookshelf'
    shown <"$work/server"
    local command
    while read -r command; do
        printf '\n$ %s\n' "$command"
        type_in "$command" >"$work/output" || { cat "$work/output" >&2; return 1; }
        # The progress bar is gone at the end.
        sed 's/.*\x1b\[2K//' "$work/output" | shown
    done <<'COMMANDS'
hookshelf simulate --count 100 --connections 1 --seed 7
hookshelf events list --kind comment,message --limit 4
hookshelf psql -- --command "SELECT kind, count(*) FROM events GROUP BY kind ORDER BY count(*) DESC, kind LIMIT 3"
COMMANDS
    echo '```'
}

# Answer of a question to the database.
ask() {
    hookshelf psql -- --no-align --tuples-only --command "$1"
}

# Takes a picture of a page in a color scheme: 0 is dark, 1 is light.
picture() {
    chromium --headless=new --no-sandbox --user-data-dir="$work/browser" --hide-scrollbars \
        --window-size=1280,800 --blink-settings="preferredColorScheme=$3" --timeout=4000 \
        --screenshot="$work/$1.png" "http://$HOOKSHELF__ADMIN__LISTEN$2" 2>"$work/output" ||
        { cat "$work/output" >&2; return 1; }
    mv "$work/$1.png" "docs/pictures/$1.png"
}

take_pictures() {
    hookshelf simulate --count 400 --seed 7 >"$work/output"
    local is_done chat media delivery
    until [ "${is_done:-}" = t ]; do
        is_done=$(ask 'SELECT bool_and(position >= (SELECT max(position) FROM events)) FROM followers')
    done
    # Texts that need no font beside those of the pages.
    chat=$(ask "SELECT account_id || '/' || person_id FROM events
                WHERE kind = 'message' AND text ~ '^[[:ascii:]]+$'
                GROUP BY account_id, person_id ORDER BY count(*) DESC, person_id LIMIT 1")
    media=$(ask "SELECT media_id FROM media_threads ORDER BY comments DESC, media_id LIMIT 1")
    delivery=$(ask "SELECT delivery_id FROM events WHERE kind = 'comment' ORDER BY position LIMIT 1")
    mkdir -p docs/pictures
    picture overview / 1
    picture events '/events?kind=comment' 1
    picture conversation "/conversations/$chat" 0
    picture comments "/comments/$media" 1
    picture delivery "/deliveries/$delivery" 1
    picture health /health 0
}

# The sample that README.md has.
recorded() {
    awk -v start="$start" -v end="$end" '$0 == end { on = 0 } on; $0 == start { on = 1 }' "$readme"
}

# A sample without the parts that differ from run to run.
shape() {
    sed -E -e 's/[0-9][0-9.]* ?(ns|µs|ms|s)\b/0/g' -e 's/[0-9]+(\.[0-9]+)?/0/g' -e 's/-+/-/g' -e 's/ +/ /g'
}

# Puts the new sample in the place of the old one.
write() {
    awk -v start="$start" -v end="$end" -v sample="$work/sample" '
        $0 == end { left_out = 0 }
        !left_out
        $0 == start { left_out = 1; while ((getline line < sample) > 0) print line }
    ' "$readme" >"$work/readme"
    cat "$work/readme" >"$readme"
}

grep -qxF "$start" "$readme" && grep -qxF "$end" "$readme" || {
    echo 'README.md lacks the lines between which the sample stands' >&2
    exit 1
}
prepare
start_server
if [ "${1:-}" = --pictures ]; then
    take_pictures
    exit
fi
record >"$work/sample"
case ${1:-} in
--check) diff <(recorded | shape) <(shape <"$work/sample") ||
    { echo 'README.md differs from the program: run docs/record.sh' >&2; exit 1; } ;;
*) write ;;
esac
