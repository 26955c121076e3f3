# The fuzz targets: they keep to the style, and each runs briefly from its seeds. Sourced by .ci/run.

fuzz_seconds=10
fuzz_version=0.13.2

# libFuzzer is C++; cargo-fuzz puts the compiler's coverage flags together.
fuzz_tools() {
    command -v c++ >/dev/null || printf 'g++\n'
}

install_cargo_fuzz() {
    cargo fuzz --version 2>/dev/null || {
        at_most 300 cargo install --locked --version "$fuzz_version" cargo-fuzz
        cargo fuzz --version
    }
}

# An input that breaks a target stays in fuzz/artifacts, for whoever reads the output.
test_fuzz() {
    local target targets log inputs
    install_cargo_fuzz
    cargo fmt --manifest-path fuzz/Cargo.toml --check
    cargo metadata --manifest-path fuzz/Cargo.toml --locked --format-version 1 >"$work/fuzz.json"
    at_most 600 cargo fuzz build --sanitizer none
    targets=$(cargo fuzz list)
    [ -n "$targets" ] || fail 'cargo fuzz knows no target'
    for target in $targets; do
        log=$work/fuzz-$target.log
        FUZZ_CORPUS=$work/corpus at_most $((fuzz_seconds + 60)) \
            fuzz/run "$fuzz_seconds" "$target" >"$log" 2>&1 || {
            show "$log"
            fail "$target broke on $(failing_input "$log")"
        }
        inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        [ "${inputs:-0}" -gt 0 ] || fail "$target was given no input"
        printf '%s: %s inputs\n' "$target" "$inputs"
    done
}

failing_input() {
    local found
    found=$(sed -n 's/.*Test unit written to //p' "$1" | tail -n 1)
    printf '%s\n' "${found:-"an input that was not kept"}"
}
