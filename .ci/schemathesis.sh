# schemathesis against a filled server: each operation of the OpenAPI document, as each role, with
# examples, edge cases, random values and ids of earlier answers. Sourced by .ci/run.

schemathesis_version=4.32.5
schemathesis_seconds=25
# A name for each token, and its lines. The last ones change labels.
schemathesis_tokens=(
    "metrics|role = 'metrics'"
    "viewer|role = 'viewer'"
    "client|role = 'viewer'; content = false; clients = ['bakery']"
    "operator|role = 'operator'"
    "privacy|role = 'privacy'"
)

test_openapi() {
    local place=$work/schemathesis token
    mkdir -p "$place"
    at_most 300 python3 -m pip install --quiet --no-cache-dir --root-user-action=ignore \
        --target "$place/python" "schemathesis==$schemathesis_version"
    export HOOKSHELF__DATA_DIR=$work/data-openapi HOOKSHELF__HTTP__LISTEN=127.0.0.1:$(free_port)
    HOOKSHELF__ADMIN__LISTEN=127.0.0.1:$(free_port)
    export HOOKSHELF__ADMIN__LISTEN HOOKSHELF_CONFIG=$place/hookshelf.toml
    configure_tokens >"$HOOKSHELF_CONFIG"
    configure_schemathesis >"$place/schemathesis.toml"
    start_server openapi
    fill_server
    hookshelf openapi >"$place/openapi.json"
    explore none
    for token in "${schemathesis_tokens[@]}"; do
        explore "${token%%|*}"
    done
    stop_server
    unset HOOKSHELF__DATA_DIR HOOKSHELF__HTTP__LISTEN HOOKSHELF__ADMIN__LISTEN HOOKSHELF_CONFIG
    rm -r "$place" "$work/data-openapi"
    no_process 'schemathesis'
    no_file 'schemathesis'
}

token_of() {
    printf 'hsk_ci_%s_0123456789abcdef0123456789abcdef' "$1"
}

configure_tokens() {
    local token name
    printf '[apps.default]\napp_secret = "ci-app-secret"\nverify_token = "ci-verify-token"\n'
    for token in "${schemathesis_tokens[@]}"; do
        name=${token%%|*}
        printf '[[admin.tokens]]\nname = "%s"\ntoken = "%s"\n' "$name" "$(token_of "$name")"
        tr ';' '\n' <<<"${token#*|}"
    done
}

# An answer may wait for 30 s. No tokens are made up: wrong ones block the address. A probe without a
# token gets no details, which OpenAPI cannot say.
configure_schemathesis() {
    cat <<'END'
request-timeout = 40
[generation]
with-security-parameters = false
[[operations]]
include-path = "/readyz"
[operations.checks]
content_type_conformance.enabled = false
response_schema_conformance.enabled = false
END
}

# Events of each kind, conversations, a rejection, and an account with a client.
fill_server() {
    local account answer url=http://$HOOKSHELF__ADMIN__LISTEN/v1/accounts
    at_most 120 hookshelf simulate >"$place/simulate.log"
    at_most 120 hookshelf simulate --count 400 >>"$place/simulate.log"
    refuses_unsigned "http://$HOOKSHELF__HTTP__LISTEN/webhook"
    account=$(ask_as operator "$url" | jq -r '.accounts[-1].account_id')
    answer=$(ask_as operator -X PATCH -d '{"client": "bakery"}' "$url/$account")
    jq -e '.accounts[0].client == "bakery"' <<<"$answer" >/dev/null || fail "no account: $answer"
}

ask_as() {
    local name=$1
    shift
    curl -sS --max-time 20 -H "Authorization: Bearer $(token_of "$name")" "$@"
}

# Left out: the endless stream, checks with wrong tokens, and the demand that each mixture of valid
# parameters is accepted, although some exclude each other.
explore() {
    local name=$1 report=$place/$1.json log=$place/$1.log header=()
    [ "$name" = none ] || header=(--header "Authorization: Bearer $(token_of "$name")")
    # It keeps a cache in the directory where it runs.
    PYTHONPATH=$place/python at_most $((schemathesis_seconds + 60)) env --chdir "$place" \
        python3 -m schemathesis.cli --config-file "$place/schemathesis.toml" \
        run "$place/openapi.json" --url "http://$HOOKSHELF__ADMIN__LISTEN" "${header[@]}" \
        --exclude-path /v1/events/stream --max-time "$schemathesis_seconds" --warnings off \
        --exclude-checks ignored_auth,positive_data_acceptance \
        --no-color --report-json-path "$report" >"$log" 2>&1 || {
        sed -n '/= FAILURES =/,$p' "$log" >&2
        show "$log"
        fail "schemathesis as $name"
    }
    jq -er --arg name "$name" '
        .operations as $operations | .test_cases.generated as $cases
        | if $operations.tested < 20 or $operations.tested < $operations.selected
              or $cases < 5 * $operations.tested
          then error("\($cases) cases for \($operations)")
          else "\($name): \($cases) cases for \($operations.tested) operations" end' "$report" ||
        fail "schemathesis as $name ran too little"
}
