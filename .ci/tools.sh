# What the README asks for (Rust, a C compiler, a Postgres server package) and what this script
# itself uses, installed only where it is missing; packages.sh, fuzz.sh and torture.sh say what theirs need. Sourced by .ci/run.

install_tools() {
    local missing=()
    command -v cc >/dev/null || missing+=(gcc libc6-dev)
    has_postgres || missing+=(postgresql)
    local tool
    for tool in curl git jq; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    python3 -m pip --version >/dev/null 2>&1 || missing+=(python3 python3-pip)
    command -v chromedriver >/dev/null || missing+=(chromium chromium-driver)
    command -v ps >/dev/null || missing+=(procps)
    command -v script >/dev/null || missing+=(bsdutils)
    [ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
    while read -r tool; do missing+=("$tool"); done < <(packaging_tools && fuzz_tools && torture_tools)
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
    check_rust
    cc --version | head -n 1
    jq --version
}

has_postgres() {
    command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

# Debian starts a cluster of its own when it installs a server; this run wants none, and asks so
# in the place that Debian keeps for it, unless someone has decided there already.
install_packages() {
    command -v apt-get >/dev/null || fail "install these first: $*"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || fail "install these first (no password-less sudo here): $*"
        as_root=(sudo -n)
    fi
    local decided=/etc/postgresql-common/createcluster.d/no-main-cluster.conf
    if [[ " $* " == *' postgresql '* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        "${as_root[@]}" mkdir -p "$(dirname "$decided")"
        echo 'create_main_cluster = false' | "${as_root[@]}" tee "$decided" >/dev/null
    fi
    # Nor is a proxy wanted on port 80 of this machine; `systemctl unmask caddy` makes it one.
    if [[ " $* " == *' caddy '* ]] && [ -d /run/systemd/system ]; then
        "${as_root[@]}" systemctl mask caddy.service
    fi
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "$@"
}

check_rust() {
    local home=${CARGO_HOME:-${HOME:-/root}/.cargo}
    command -v cargo >/dev/null || PATH=$home/bin:$PATH
    command -v cargo >/dev/null || fail 'install Rust first: https://rustup.rs'
    cargo --version
    cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
    cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
}
