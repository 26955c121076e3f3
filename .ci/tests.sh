# The tests: as on a fresh clone, with the optional features, and over the corpus.
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
