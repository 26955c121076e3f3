# What is shipped beside the program: the image, compose.yaml, the Caddyfile, the systemd units.
# No container engine is asked for. Sourced by .ci/run.

# Tools that only these steps need.
packaging_tools() {
    command -v caddy >/dev/null || printf 'caddy\n'
    command -v docker-compose >/dev/null || printf 'docker-compose\n'
    command -v mmdebstrap >/dev/null || printf 'mmdebstrap\n'
    command -v strip >/dev/null || printf 'binutils\n'
    command -v systemd-analyze >/dev/null || printf 'systemd\n'
    command -v psql >/dev/null || printf 'postgresql-client\n'
    python3 -c 'import yaml' 2>/dev/null || printf 'python3-yaml\n'
    [ "$(id -u)" -eq 0 ] || command -v newuidmap >/dev/null || printf 'uidmap\n'
}

program=$root/target/debug/hookshelf

# The files that the image is built from, and no others, are enough for cargo.
test_build_context() {
    local context=$work/context path
    mkdir "$context"
    while read -r path; do
        cp --parents -r "${path#!}" "$context"
    done < <(grep '^!' .dockerignore)
    grep -qx 'COPY \. \.' Dockerfile || fail 'the stage build no longer copies its context'
    (cd "$context" && CARGO_TARGET_DIR=$root/target at_most 300 \
        cargo check --locked --quiet --bin hookshelf)
    rm -r "$context"
}

# The stage `runtime`, carried out and run, with a Postgres outside of it.
test_image() {
    local release archive=$work/base.tar
    local spaces=(--mount --pid --ipc --uts --fork --kill-child --mount-proc)
    release=$(sed -n 's/^ARG DEBIAN=//p' Dockerfile)
    [ "$(id -u)" -eq 0 ] || spaces=(--user --map-root-user --map-auto "${spaces[@]}")
    at_most 60 unshare "${spaces[@]}" true ||
        fail 'no namespaces for the image: run as root, or allow user namespaces (and /etc/subuid)'
    # As the slim images are made: without documents.
    at_most 240 mmdebstrap --quiet --variant=minbase --skip=output/dev \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' "$release" "$archive"
    strip -o "$work/hookshelf" "$program"
    start_postgres
    at_most 180 unshare "${spaces[@]}" "$root/.ci/image.sh" "$archive" "$work/hookshelf" \
        "$work/secrets" "$(free_port)" "$(free_port)"
    stop_postgres
    rm -r "$archive" "$work/hookshelf" "$work/secrets"
    no_process 'the image'
    no_file 'the image'
}

# A Postgres as compose.yaml has one: over TCP and with a password.
start_postgres() {
    local port bin as=() place=$work/postgres
    port=$(free_port)
    bin=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
    bin=$(dirname "${bin:-$(readlink -f "$(command -v initdb)")}")
    [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
    mkdir -m 0777 "$place"
    make_secrets "$work/secrets"
    cp "$work/secrets/postgres_password" "$place/password"
    chmod 0444 "$place/password"
    (cd / && "${as[@]}" "$bin/initdb" --pgdata="$place/data" --username=hookshelf --no-sync \
        --encoding=UTF8 --locale=C --auth=scram-sha-256 --pwfile="$place/password") \
        >"$work/postgres.log" 2>&1 || { show "$work/postgres.log"; fail 'no Postgres for the image'; }
    (cd / && exec "${as[@]}" "$bin/postgres" -D "$place/data" -p "$port" -h 127.0.0.1 -k '' -F \
        >>"$work/postgres.log" 2>&1) &
    postgres=$!
    printf 'postgres://hookshelf:%s@127.0.0.1:%d/postgres\n' \
        "$(cat "$work/secrets/postgres_password")" "$port" >"$work/secrets/database_url"
    # The user of a container reads them, whoever that is here.
    chmod 0755 "$work/secrets"
    chmod 0444 "$work/secrets"/*
}

stop_postgres() {
    kill -INT "$postgres"
    at_most 30 tail --pid="$postgres" -f /dev/null
    wait "$postgres" || true
    # Its files may be of another user, who owns their directory.
    rm -rf "$work/postgres" "$work/postgres.log"
}

# The secrets that packaging/secrets.sh makes.
make_secrets() {
    local place
    place=$(mktemp -d)
    (cd "$place" && printf 'ci-app-secret\nci-instagram-secret\n' |
        "$root/packaging/secrets.sh" 2>/dev/null)
    [ "$(stat -c %a "$place/secrets")" = 700 ] || fail 'packaging/secrets.sh leaves secrets open'
    mv "$place/secrets" "$1"
    chmod -R u+w "$1"
    rmdir "$place"
}

# compose.yaml: its form, what it keeps closed, and that the program knows all that it sets.
test_compose() {
    local place=$work/compose model=$work/compose.json secret
    mkdir -p "$place"
    cp -r compose.yaml packaging "$place"
    cp packaging/env.example "$place/.env"
    make_secrets "$place/secrets"
    (cd "$place" && at_most 60 docker-compose --project-name ci --file compose.yaml config) |
        python3 -c 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)' >"$model"
    jq -e '
        def must(what; test): if test then . else error("compose.yaml: " + what) end;
        must("only caddy publishes ports";
            [.services | to_entries[] | select(.value.ports) | .key] == ["caddy"])
        | must("each service is hardened and starts again"; all(.services[];
            .read_only and .cap_drop == ["ALL"] and .restart == "unless-stopped"
            and (.security_opt | index("no-new-privileges:true"))))
        | must("postgres shares no network with caddy";
            (.services.postgres.networks | keys) == ["back"] and .networks.back.internal
            and ((.services.caddy.networks | keys) == ["front"]))
        | must("each waits for what it needs";
            .services.hookshelf.depends_on.postgres.condition == "service_healthy"
            and .services.caddy.depends_on.hookshelf.condition == "service_healthy")
        | must("no secret is in the environment"; [.services[].environment // {} | to_entries[]
            | select(.key | test("SECRET$|TOKEN$|PASSWORD$|DATABASE__URL$"))] == [])
        | must("secrets are files"; (.secrets | length) > 0 and all(.secrets[]; .file))
        | must("each named secret is defined";
            [.services[].secrets // [] | .[].source] - (.secrets | keys) == [])
        ' "$model" >/dev/null
    for secret in $(jq -r '.secrets[].file' "$model"); do
        [ -s "$secret" ] || fail "packaging/secrets.sh does not make $(basename "$secret")"
    done
    mapfile -t settings < <(jq -r '.services.hookshelf.environment | to_entries[]
        | "\(.key)=\(.value)"' "$model")
    env "${settings[@]/\/run\/secrets/$place/secrets}" HOOKSHELF__DATA_DIR="$place/data" \
        "$program" config print >"$work/compose.toml"
    grep -qx 'public_url = "https://hooks.example.org"' "$work/compose.toml" ||
        fail 'compose.yaml sets no public_url'
    rm -r "$place" "$model" "$work/compose.toml"
}

# The units as systemd reads them, and how far they close the service, from 0 (all) to 100.
test_units() {
    local place=$work/units said units
    units=$place/etc/systemd/system
    mkdir -p "$units/hookshelf.service.d" "$place/usr/local/bin" "$place/usr/lib/systemd"
    cp -r /lib/systemd/system "$place/usr/lib/systemd/system"
    ln -s usr/lib "$place/lib"
    install "$program" "$place/usr/local/bin/hookshelf"
    cp packaging/hookshelf.service packaging/hookshelf.socket "$units"
    cp packaging/credentials.conf "$units/hookshelf.service.d"
    said=$(systemd-analyze verify --man=no --root="$place" \
        "$units/hookshelf.service" "$units/hookshelf.socket" 2>&1) || fail "$said"
    [ -z "$said" ] || fail "systemd-analyze verify: $said"
    systemd-analyze security --no-pager --offline=true --threshold=20 --root="$place" \
        hookshelf.service | tail -n 1
    rm -r "$place"
}
