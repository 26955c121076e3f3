# Installs and starts the program as the README and docs/setup.md tell. Sourced by .ci/run.

server=''

# Installs the program as docs/setup.md says, but as a debug build and into the scratch directory.
install_program() {
    local told
    told=$(sed -n 's/^\$ \(cargo install .*\)$/\1/p' docs/setup.md)
    [ -n "$told" ] || fail 'docs/setup.md lacks the command that installs the program'
    # Words, as a shell splits them.
    # shellcheck disable=SC2086
    at_most 1200 $told --debug --root "$work/installed"
    export PATH=$work/installed/bin:$PATH
    [ "$(command -v hookshelf)" = "$work/installed/bin/hookshelf" ] ||
        fail 'the installed program is not found by its name'
}

first_start() {
    local port
    port=$(free_port)
    export HOOKSHELF__DATA_DIR=$work/data HOOKSHELF__HTTP__LISTEN=127.0.0.1:$port
    HOOKSHELF__ADMIN__LISTEN=127.0.0.1:$(free_port)
    export HOOKSHELF__ADMIN__LISTEN
    start_server first
    keeps_secrets "$work/first.log"
    refuses_unsigned "http://127.0.0.1:$port/webhook"
    at_most 120 hookshelf simulate
    at_most 60 hookshelf events list
    list_events "$work/first.jsonl"
    check_events "$work/first.jsonl"
    stop_server
    no_process 'the first start'
    no_file 'the first start'
}

later_starts() {
    start_server second
    list_events "$work/second.jsonl"
    cmp "$work/first.jsonl" "$work/second.jsonl" || fail 'events changed over a restart'
    refuses_second_server
    kill -KILL "$server"
    wait "$server" 2>/dev/null || true
    start_server third
    list_events "$work/third.jsonl"
    cmp "$work/first.jsonl" "$work/third.jsonl" || fail 'events changed over kill -9'
    stop_server
    no_process 'the later starts'
    no_file 'the later starts'
    unset HOOKSHELF__DATA_DIR HOOKSHELF__HTTP__LISTEN HOOKSHELF__ADMIN__LISTEN
}

# Starts `serve`, and waits until it says itself that it is well.
start_server() {
    local log=$work/$1.log deadline=$((SECONDS + 120))
    hookshelf >"$log" 2>&1 &
    server=$!
    until at_most 20 hookshelf healthcheck >"$work/health.log" 2>&1; do
        if ! kill -0 "$server" 2>/dev/null; then
            show "$log"
            fail "the $1 start ended"
        fi
        if ((SECONDS >= deadline)); then
            show "$log"
            show "$work/health.log"
            fail "the $1 start is not well after 120 s"
        fi
        sleep 0.2
    done
    cat "$log"
}

# SIGTERM is an orderly stop: everything ends, and the code says that it was meant.
stop_server() {
    local code=0
    kill -TERM "$server"
    at_most 60 tail --pid="$server" -f /dev/null
    wait "$server" || code=$?
    server=''
    [ "$code" -eq 0 ] || fail "serve ended with $code after SIGTERM"
}

# A second server on the same directory says so and harms nothing.
refuses_second_server() {
    local code=0
    HOOKSHELF__HTTP__LISTEN=127.0.0.1:$(free_port) \
        HOOKSHELF__ADMIN__LISTEN=127.0.0.1:$(free_port) \
        at_most 60 hookshelf >"$work/refused.log" 2>&1 || code=$?
    if [ "$code" -ne 1 ]; then
        show "$work/refused.log"
        fail "a second serve on the same directory ended with $code, 1 is right"
    fi
    at_most 20 hookshelf healthcheck || fail 'a second serve harmed the first'
}

# What was made up for the operator is printed on a terminal only, and this is none.
keeps_secrets() {
    local secret found=0
    [ "$(stat -c %a "$HOOKSHELF__DATA_DIR/credentials.toml")" = 600 ] ||
        fail 'credentials.toml is readable by others'
    while read -r secret; do
        found=$((found + 1))
        ! grep -qF -- "$secret" "$1" || fail "a generated secret is in the output of serve"
    done < <(grep -oE '"[^"]{16,}"' "$HOOKSHELF__DATA_DIR/credentials.toml" | tr -d '"')
    [ "$found" -ge 2 ] || fail "credentials.toml holds $found secrets, a secret and a token are right"
}

refuses_unsigned() {
    local answer
    answer=$(curl -sS --max-time 10 -w '%{http_code}' --data '{"object":"instagram"}' "$1")
    [ "$answer" = 401 ] || fail "an unsigned delivery got '$answer', 401 without a body is right"
}

list_events() {
    at_most 60 hookshelf events list --json --limit 1000 >"$1"
}

# Every kind has arrived once at least, each event has its own position, and all say that they
# were simulated.
check_events() {
    local wanted
    # A directory of samples for each kind, and one for samples of several.
    wanted=$(printf '%s\n' samples/*/ | jq -cRn '[inputs | split("/")[1]] - ["containers"] | sort')
    jq -se --argjson wanted "$wanted" '
        ([.[].kind] | unique) as $kinds
        | if $kinds != $wanted then error("kinds are \($kinds), \($wanted) are right")
          elif ([.[].position] | unique | length) != length then error("positions repeat")
          elif any(.[]; .source != "simulated") then error("an event is not simulated")
          else "\(length) events of \($kinds | length) kinds" end' "$1" || fail 'events are not right'
}
