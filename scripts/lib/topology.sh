# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the scripts that source it
# What it takes to make several servers one topology: whom to be, waiting for them, the table of what was
# changed. Sourced after server.sh, with TIMEOUT set.

# --- credentials ------------------------------------------------------------

# Leaves ADMIN_OPTIONS, REPLICATION_USER and REPLICATION_PASSWORD, and WORK, a directory until the end.
prepare_client() {
    local password
    have "${MYSQL:-mysql}" || die 'the client mysql is not installed; name another by MYSQL.'
    password=$(secret ADMIN_PASSWORD)
    REPLICATION_PASSWORD=$(secret REPLICATION_PASSWORD)
    REPLICATION_USER=${REPLICATION_USER:-oms_repl}
    [[ -n $password ]] || usage_error 'set ADMIN_PASSWORD or ADMIN_PASSWORD_FILE'
    [[ -n $REPLICATION_PASSWORD ]] || usage_error 'set REPLICATION_PASSWORD or REPLICATION_PASSWORD_FILE'
    WORK=$(umask 077 && mktemp -d)
    trap clean_up EXIT
    ADMIN_OPTIONS=$WORK/admin.cnf
    write_client_options "$ADMIN_OPTIONS" "${ADMIN_USER:-root}" "$password"
}

clean_up() {
    rm -rf -- "$WORK"
}

# --- reaching it ------------------------------------------------------------

answers() {
    sql "$1" <<<'SELECT 1' >/dev/null 2>"$WORK/refusal"
}

# A server that starts refuses the connection (2002, 2003, 2005, 2013); waiting cures nothing else.
answers_or_never_will() {
    answers "$1" || ! grep -qE 'ERROR 20(02|03|05|13)' "$WORK/refusal"
}

require_server() {
    wait_until "$TIMEOUT" answers_or_never_will "$1" || true
    answers "$1" || die "$1 does not answer: $(<"$WORK/refusal")"
    [[ $(fact "$1" '@@GLOBAL.gtid_mode') == ON ]] || die "gtid_mode of $1 is not ON: set it on every server first."
    [[ $(fact "$1" '@@GLOBAL.log_bin') == 1 ]] || die "$1 writes no binary log: set log_bin."
}

# --- what was changed -------------------------------------------------------

declare -A CHANGES # of each server

# changed SERVER WHAT
changed() {
    CHANGES[$1]+="${CHANGES[$1]:+, }$2"
}

print_line() {
    printf '%-24s %-9s %-12s %-10s %-9s %s\n' "$@"
}

# print_server NAME ROLE STATE STATE: with what was changed there
print_server() {
    print_line "$1" "$2" "$(fact "$1" 'VERSION()')" "$3" "$4" "${CHANGES[$1]:-unchanged}"
}

# --- arguments --------------------------------------------------------------

number() {
    [[ $1 =~ ^[0-9]{1,7}$ ]] || usage_error "'$1' is not a number"
    printf '%d' "$1"
}
