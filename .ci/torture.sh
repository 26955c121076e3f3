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
    test_bad_disks
    torment --short --rate 100
    torment --control lossy-commits
    torment --control spool-without-fsync
}

# The spool on a disk that cannot read or sync, which is mounted for it.
test_bad_disks() {
    local log=$work/disks.log
    at_most 600 cargo test --locked --example hookshelf-torture -- --ignored >"$log" 2>&1 || {
        show "$log"
        fail 'the tests of the spool on a bad disk'
    }
    grep -q '^test result: ok\. [1-9]' "$log" || fail 'no test of a bad disk was run'
    no_process 'the tests of bad disks'
    no_file 'the tests of bad disks'
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
