# The tests: as on a fresh clone, with the optional features, over the corpus, and the comparison.
# Sourced by .ci/run.

# No environment variable, no service, no earlier command; afterwards no process and no file.
test_fresh_clone() {
    at_most 1500 env -u HOOKSHELF_CORPUS cargo test --locked
    no_process 'cargo test'
    no_file 'cargo test'
}

# The features add code and its tests; what does not depend on them has run already.
test_features() {
    at_most 600 cargo test --locked --all-features --lib --bins --test tidy
}

# Bodies that others recorded are not ours to publish, so they lie beside the checkout, or where
# HOOKSHELF_CORPUS says. Without them this run proves less: a machine that decides must have them.
test_corpus() {
    local corpus=${HOOKSHELF_CORPUS:-$root/../shared/corpus} log=$work/corpus.log bodies
    if [ ! -f "$corpus/INDEX.tsv" ]; then
        [ "${CI:-}" != true ] || fail "no corpus at $corpus: set HOOKSHELF_CORPUS"
        printf 'NOT RUN: no corpus at %s\n' "$corpus"
        return
    fi
    bodies=$(($(grep -c . "$corpus/INDEX.tsv") - 1))
    HOOKSHELF_CORPUS=$corpus at_most 600 \
        cargo test --locked --test it corpus -- --nocapture >"$log" 2>&1 || {
        show "$log"
        fail 'the corpus does not come out as its INDEX.tsv says'
    }
    cat "$log"
    grep -qw "corpus: $bodies bodies" "$log" || fail "not all $bodies bodies of the corpus were run"
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
