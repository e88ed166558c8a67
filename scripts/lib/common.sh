# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the scripts that source it
# Pieces that every script here uses: messages, steps with their duration,
# waiting with a deadline, secrets. Sourced, never run.

unset CDPATH # with it set, `cd` prints, and may go somewhere else

PROJECT_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
PROGRAM=${0##*/}

# --- messages ---------------------------------------------------------------

STEP_IS_OPEN=false # a step's line still waits for its duration

end_open_line() {
    if [[ $STEP_IS_OPEN == true ]]; then
        STEP_IS_OPEN=false
        printf '\n'
    fi
}

note() {
    end_open_line >&2
    printf '%s: %s\n' "$PROGRAM" "$*" >&2
}

die() {
    note "$@"
    exit 1
}

# Exit status 2 tells a caller that the command was wrong, not that it failed.
usage_error() {
    note "$* (see $PROGRAM --help)"
    exit 2
}

last_lines_of() {
    local file=$1 count=${2:-15}
    [[ -s $file ]] || return 0
    printf '%s\n' "--- last lines of $file" >&2
    tail -n "$count" -- "$file" >&2
    printf '%s\n' '---' >&2
}

# --- steps ------------------------------------------------------------------

STEP_NUMBER=0
STEP_TOTAL=0
STEP_INDENT=${STEP_INDENT:-} # set by a script of whose step this is a part

microseconds_now() {
    printf '%s' "${EPOCHREALTIME/[.,]/}" # the separator depends on the locale
}

step() {
    STEP_NUMBER=$((STEP_NUMBER + 1))
    STEP_STARTED=$(microseconds_now)
    STEP_IS_OPEN=true
    printf '%s[%d/%d] %s ... ' "$STEP_INDENT" "$STEP_NUMBER" "$STEP_TOTAL" "$*"
}

# For a step whose work prints lines of its own.
step_with_output() {
    step "$@"
    end_open_line
}

duration_since() {
    local tenths=$((($(microseconds_now) - $1) / 100000))
    printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

step_remark() {
    printf '%s, ' "$*"
}

step_done() {
    STEP_IS_OPEN=false
    printf '%s\n' "$(duration_since "$STEP_STARTED")"
}

# --- waiting ----------------------------------------------------------------

# wait_until SECONDS COMMAND...: polls, so that a quick answer is a quick end.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

# --- small things -----------------------------------------------------------

have() {
    command -v "$1" >/dev/null 2>&1
}

require_command() {
    have "$1" || die "$1 is not installed; it comes with the package $2."
}

# Letters and digits only: safe in a URL, in SQL and in an option file.
random_secret() {
    od -An -N 16 -t x1 /dev/urandom | tr -d ' \n'
}

# Through a temporary file and a rename, so that a reader never sees half a
# file and an interrupted writer leaves the old one.
write_private_file() {
    local file=$1 partial
    partial=$(umask 077 && mktemp "$file.XXXXXX")
    cat >"$partial"
    mv -f -- "$partial" "$file"
}

port_answers() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

sha256_of_input() {
    sha256sum | cut -d ' ' -f 1
}
