# Hookshelf behind Debian's Caddy with packaging/Caddyfile itself, end to end over TLS with a CA of
# Caddy's own. Sourced by .ci/run.

caddy=''
host=hooks.test

test_caddy() {
    local port tls place=$work/caddy
    mkdir -p "$place"
    port=$(free_port) tls=$(free_port)
    export HOOKSHELF__DATA_DIR=$work/data-caddy HOOKSHELF__HTTP__LISTEN=127.0.0.1:$port
    HOOKSHELF__ADMIN__LISTEN=127.0.0.1:$(free_port)
    export HOOKSHELF__ADMIN__LISTEN HOOKSHELF__HTTP__TRUSTED_PROXIES=127.0.0.1
    export HOOKSHELF__APPS__DEFAULT__APP_SECRET=ci-app-secret
    export HOOKSHELF__APPS__DEFAULT__VERIFY_TOKEN=ci-verify-token
    start_server caddy
    start_caddy "$port" "$tls"
    challenged
    delivered
    bounded
    closed_otherwise
    stop_server
    keeps_quiet
    stop_caddy
    unset HOOKSHELF__DATA_DIR HOOKSHELF__HTTP__LISTEN HOOKSHELF__ADMIN__LISTEN \
        HOOKSHELF__HTTP__TRUSTED_PROXIES HOOKSHELF__APPS__DEFAULT__APP_SECRET \
        HOOKSHELF__APPS__DEFAULT__VERIFY_TOKEN
    rm -r "$place" "$work/data-caddy"
    no_process 'Caddy'
    no_file 'Caddy'
}

start_caddy() {
    local deadline=$((SECONDS + 60))
    env HOME="$place" XDG_DATA_HOME="$place/data" XDG_CONFIG_HOME="$place/config" \
        CADDY_ADMIN="unix/$place/admin" HOOKSHELF_HTTP_PORT="$(free_port)" \
        HOOKSHELF_HTTPS_PORT="$2" HOOKSHELF_HOST="$host" HOOKSHELF_TLS=internal HOOKSHELF_UPSTREAM="127.0.0.1:$1" \
        caddy run --config packaging/Caddyfile --adapter caddyfile >"$place/log" 2>&1 &
    caddy=$!
    until [ "$(through /healthz)" = 200 ]; do
        if ! kill -0 "$caddy" 2>/dev/null || ((SECONDS >= deadline)); then
            show "$place/log"
            fail 'Caddy does not come up'
        fi
        sleep 0.2
    done
}

# Asks for a path over TLS, as Meta does: the chain is checked. The client has an address of its
# own, so that it can be told from Caddy's, and makes up a third. Prints the status.
through() {
    local path=$1
    shift
    curl --silent --max-time 20 --noproxy '*' --interface 127.0.0.2 \
        --resolve "$host:$tls:127.0.0.1" \
        --cacert "$place/data/caddy/pki/authorities/local/root.crt" \
        --header 'X-Forwarded-For: 203.0.113.9' \
        --output "$place/answer" --write-out '%{http_code}' "$@" "https://$host:$tls$path" || true
}

challenge='/webhook?hub.mode=subscribe&hub.verify_token=ci-verify-token&hub.challenge=1158201444'

challenged() {
    [ "$(through "$challenge")" = 200 ] && [ "$(cat "$place/answer")" = 1158201444 ] ||
        fail 'the challenge is not answered through Caddy'
}

# Every sample and fixture: signed over its bytes, stored as those bytes, from that client.
delivered() {
    local body count=0 bodies=("$place/samples" tests/fixtures)
    mkdir "$place/samples"
    samples/fill "$place/samples"
    while read -r body; do
        deliver "$body" 200
        count=$((count + 1))
    done < <(find "${bodies[@]}" -name '*.json' | sort)
    [ "$count" -gt 100 ] || fail "only $count bodies went through Caddy"
    find "${bodies[@]}" -name '*.json' -exec sha256sum {} + | cut -d ' ' -f 1 | sort >"$place/sent"
    ask "SELECT encode(sha256(body), 'hex') FROM deliveries" | sort >"$place/stored"
    cmp "$place/sent" "$place/stored" || fail 'bodies changed on their way through Caddy'
    [ "$(ask 'SELECT DISTINCT remote_addr FROM deliveries')" = 127.0.0.2 ] ||
        fail "deliveries are recorded from $(ask 'SELECT DISTINCT remote_addr FROM deliveries')"
    printf '%d bodies through Caddy, byte for byte\n' "$count"
}

deliver() {
    local signature answer
    signature=$("$program" signature sign "$1")
    answer=$(through /webhook --header "X-Hub-Signature-256: $signature" \
        --header 'Content-Type: application/json' --data-binary "@$1")
    [ "$answer" = "$2" ] || fail "$1 got '$answer' through Caddy, $2 is right"
}

ask() {
    "$program" psql -- --no-psqlrc --tuples-only --no-align --command "$1"
}

# The largest body passes, and one byte more is Hookshelf's to refuse.
bounded() {
    sized 4194304 >"$place/body"
    deliver "$place/body" 200
    sized 4194305 >"$place/body"
    deliver "$place/body" 413
}

sized() {
    local start='{"object":"instagram","entry":[' end=']}'
    printf '%s%*s%s' "$start" $(($1 - ${#start} - ${#end})) '' "$end"
}

closed_otherwise() {
    local path answer
    for path in / /metrics /readyz /v1/events /openapi.json /webhook/nobody/else; do
        answer=$(through "$path")
        [ "$answer" = 404 ] || fail "$path answers $answer through Caddy, 404 is right"
    done
}

# With nobody behind it Caddy says 502, logs that, and keeps what is secret to itself.
keeps_quiet() {
    local answer
    answer=$(through "$challenge" --header 'X-Hub-Signature-256: sha256=5ec7e7')
    [ "$answer" = 502 ] || fail "without Hookshelf Caddy answers $answer, 502 is right"
    grep -q '"status":502' "$place/log" || fail 'Caddy does not log what failed'
    ! grep -qe ci-verify-token -e 5ec7e7 "$place/log" ||
        fail "Caddy's log holds a token or a signature"
}

stop_caddy() {
    kill -TERM "$caddy"
    at_most 30 tail --pid="$caddy" -f /dev/null
    wait "$caddy" || fail 'Caddy did not stop in order'
}
