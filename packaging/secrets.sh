#!/bin/sh
# Makes ./secrets for compose.yaml. Run it beside compose.yaml; a file that is there already stays.
set -eu
umask 077
mkdir -p secrets
# Nobody else can enter the directory; in a container a file shows up alone, for its user to read.
chmod 0700 secrets

random() {
    od -An -v -tx1 -N"$1" /dev/urandom | tr -d ' \n'
}

keep() {
    [ ! -e "secrets/$1" ] || return 0
    printf '%s\n' "$2" >"secrets/$1"
    chmod 0444 "secrets/$1"
}

# Not shown while it is typed, and not among the arguments of any process.
ask() {
    [ ! -e "secrets/$1" ] || return 0
    printf '%s: ' "$2" >&2
    if [ -t 0 ]; then stty -echo; fi
    IFS= read -r answer || answer=
    if [ -t 0 ]; then
        stty echo
        echo >&2
    fi
    if [ -z "$answer" ]; then
        echo "none given: write secrets/$1, or remove $1 from compose.yaml" >&2
        return 0
    fi
    keep "$1" "$answer"
}

keep postgres_password "$(random 24)"
keep database_url "postgres://hookshelf:$(cat secrets/postgres_password)@postgres:5432/hookshelf"
keep verify_token "$(random 16)"
trap 'if [ -t 0 ]; then stty echo; fi' EXIT
trap 'exit 130' INT TERM
ask app_secret 'App secret (App settings > Basic)'
ask instagram_app_secret 'Instagram app secret (Instagram > API setup with Instagram login)'
echo 'secrets: done. The verify token for the App Dashboard is in secrets/verify_token' >&2
