#!/usr/bin/env bash
# The walk of a client that has nothing but curl: register, log in, order, log out, read, search.
set -euo pipefail

usage() {
    cat <<'USAGE'
Usage: scripts/poc.sh [BASE_URL]

Walks through the order service at BASE_URL (default http://127.0.0.1:8080) with curl and jq:
registers four members, logs two in, places two orders each, logs one out, reads a member and
their orders, searches the member list. Checks every answer, says what it proved and which
database answered, and exits with 1 at the first wrong one. It may be run again and again.

PASSWORD  the members' password (default: one that the service accepts)
USAGE
}

[[ ${1:-} != --help && ${1:-} != -h ]] || { usage && exit 0; }
BASE_URL=${1:-http://127.0.0.1:8080}
BASE_URL=${BASE_URL%/}
PASSWORD=${PASSWORD:-Correct-horse-7}

for tool in curl jq; do
    command -v "$tool" >/dev/null || { echo "poc.sh: $tool is not installed." >&2 && exit 1; }
done

ANSWER=$(mktemp -d)
trap 'rm -rf -- "$ANSWER"' EXIT

fail() {
    printf '  WRONG  %s\n' "$1" >&2
    [[ ! -s $ANSWER/body ]] || printf '         answer: %s\n' "$(head -c 500 "$ANSWER/body")" >&2
    exit 1
}

proved() {
    local database
    database=$(sed -n 's/^x-database: *//Ip' "$ANSWER/head" 2>/dev/null | tr -d '\r')
    printf '  ok  %-20s %s\n' "${database:--}" "$1"
}

# call METHOD PATH TOKEN [JSON]: leaves STATUS, and the answer's head and body as files.
call() {
    local method=$1 path=$2 token=$3 data=${4-}
    local arguments=(--silent --show-error --max-time 30 --request "$method"
        --header 'Accept: application/json' --dump-header "$ANSWER/head"
        --output "$ANSWER/body" --write-out '%{http_code}')
    # From a file: a token in the arguments could be read by other users of the machine.
    printf '%s\n' "${token:+Authorization: Token $token}" >"$ANSWER/credentials"
    arguments+=(--header "@$ANSWER/credentials")
    [[ -z $data ]] || arguments+=(--header 'Content-Type: application/json' --data-binary @-)
    : >"$ANSWER/body"
    STATUS=$(printf '%s' "$data" | curl "${arguments[@]}" "$BASE_URL$path") || fail "$BASE_URL does not answer; start it with scripts/run.sh"
}

field() {
    jq --raw-output "$1" "$ANSWER/body"
}

# expect STATUS [JQ_CONDITION] SENTENCE
expect() {
    local status=$1 condition=true sentence=${*: -1}
    (($# < 3)) || condition=$2
    [[ $STATUS == "$status" ]] || fail "$sentence (expected $status, got $STATUS)"
    [[ $condition == true ]] || jq --exit-status "$condition" "$ANSWER/body" >/dev/null 2>&1 ||
        fail "$sentence (not so: $condition)"
    proved "$sentence"
}

credentials() {
    jq --null-input --arg email "$1" --arg password "$PASSWORD" '{$email, $password}'
}

register() {
    local email=$1 name=$2 nickname=$3 phone=$4
    call POST /accounts/users '' "$(credentials "$email" |
        jq --arg name "$name" --arg nickname "$nickname" --arg phone "$phone" '. + {$name, $nickname, $phone}')"
    if [[ $STATUS == 400 ]] && jq --exit-status '.email[0] | test("exists already")' "$ANSWER/body" >/dev/null 2>&1; then
        proved "$name was registered by an earlier run"
    else
        expect 201 ".user.name == \"$name\" and .user.last_order == null and (.token | length) > 20" \
            "$name is registered and has a token"
    fi
}

log_in() {
    call POST /auth/login '' "$(credentials "$1")"
    expect 200 ".user.email == \"$1\"" "$1 is logged in"
    TOKEN=$(field .token)
    MEMBER=$(field .user.id)
}

place_order() {
    call POST /orders/ "$TOKEN" "$(jq --null-input --arg product_name "$1" '{$product_name}')"
    expect 201 ".customer == $MEMBER and .product_name == \"$1\" and (.order_number | test(\"^[0-9A-Z]{12}$\"))" \
        "ordered: $1"
    NUMBER=$(field .order_number)
}

echo "Four members register"
register haneul@poc.example '김하늘' haneul '010-1234-5678'
register ada@poc.example 'Ada Lovelace' ada_l '+44 20 7946 0000'
register yamada@poc.example '山田 太郎' yamada '03-1234-5678'
register eleni@poc.example 'Ελένη' eleni '210 123 4567'

echo "Two of them log in and place two orders each"
log_in haneul@poc.example
place_order '머그컵 🏺'
place_order '접시'
HANEUL=$TOKEN
log_in ada@poc.example
place_order 'Analytical engine'
place_order 'Punched cards'
ADA=$TOKEN

echo "One logs out"
call POST /auth/logout "$HANEUL"
expect 204 "haneul's token is revoked"
call GET /orders/ "$HANEUL"
expect 401 "and is refused at once"

echo "The other reads"
call GET "/accounts/users/$MEMBER" "$ADA"
expect 200 ".id == $MEMBER and .last_order.order_number == \"$NUMBER\"" "Ada sees herself and her newest order"
call GET /orders/ "$ADA"
expect 200 ".count >= 2 and .results[0].order_number == \"$NUMBER\" and all(.results[]; .customer == $MEMBER)" \
    "Ada's orders, newest first, and nobody else's"
call GET "/orders/$NUMBER" "$ADA"
expect 200 ".product_name == \"Punched cards\"" "one order by its number"
call GET '/accounts/users?search=lovelace' "$ADA"
expect 200 '.count == 1 and .results[0].email == "ada@poc.example"' "the member list, searched"
call GET '/accounts/users?search=haneul' "$ADA"
expect 200 '.count == 0' "a member finds nobody but themselves"

echo "All of it is as it should be."
