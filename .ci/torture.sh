# Faults made on purpose, in their short form, and the two controls that have to report a loss.
# Sourced by .ci/run.

# Tools that only these steps need.
torture_tools() {
    compgen -G '/usr/lib*/*/faketime/libfaketimeMT.so.1' >/dev/null ||
        compgen -G '/usr/lib*/faketime/libfaketimeMT.so.1' >/dev/null || printf 'libfaketime\n'
    command -v unshare >/dev/null || printf 'util-linux\n'
}

# With the debug build, which is there already; cargo builds the program beside it.
test_torture() {
    at_most 600 cargo build --locked --bin hookshelf --example hookshelf-torture
    torment --short --rate 100
    torment --control lossy-commits
    torment --control spool-without-fsync
}

# The same seed each time, so that what fails here fails for what was changed; longer runs, with other
# seeds, are in docs/reliability.md.
torment() {
    local log=$work/torture.log
    at_most 300 target/debug/examples/hookshelf-torture --seed 5 --disk 1024 \
        "$@" >"$log" 2>&1 || {
        show "$log"
        fail "hookshelf-torture $* is not good"
    }
    cat "$log"
    no_process "hookshelf-torture $*"
    no_file "hookshelf-torture $*"
}
