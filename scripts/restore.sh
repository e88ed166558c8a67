#!/usr/bin/env bash
# Makes a working topology of a backup. See --help.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/server.sh
. "$PROJECT_ROOT/scripts/lib/server.sh"
# shellcheck source=scripts/lib/mysql.sh
. "$PROJECT_ROOT/scripts/lib/mysql.sh"
# shellcheck source=scripts/lib/backup.sh
. "$PROJECT_ROOT/scripts/lib/backup.sh"
# shellcheck source=scripts/lib/binlogs.sh
. "$PROJECT_ROOT/scripts/lib/binlogs.sh"

usage() {
    cat <<END
Usage: restore.sh [OPTION...] BACKUP PRIMARY [REPLICA...]

Restores BACKUP, made by scripts/backup.sh, into PRIMARY, a server that is
empty; with binary logs, the transactions after the backup too. Then it makes
each REPLICA, empty too, follow PRIMARY, by scripts/setup-replication.sh, which
clones it. A server is HOST or HOST:PORT, of the backup's version of MySQL or a
newer one, with GTIDs.

Transactions keep their GTIDs. Accounts come with the backup, and keep their
passwords; one that PRIMARY has already keeps its own.

  --binlogs DIRECTORY   go on from the backup by the binary logs in DIRECTORY
  --binlogs-from SERVER go on by the binary logs that SERVER has: the old
                        primary, or one of its replicas
  --until-time TIME     nothing that was committed later than that, such as
                        '2026-03-01 09:30:00.25' (UTC) or with '+09:00'
  --until-gtid GTID     GTID, such as UUID:4711, is the last transaction
  --before-gtid GTID    GTID is the first one that is left out
  --dry-run             check all that can be checked, and tell which
                        transactions would be applied after the backup
  --source HOST[:PORT]  how the replicas reach PRIMARY, if not by that name

Environment; each password instead from a file, by the name with _FILE:
  ADMIN_PASSWORD        of the administrator, on all servers to be made
  ADMIN_USER            the administrator (root)
  REPLICATION_PASSWORD  of the account for replication, for replicas
  REPLICATION_USER      that account (oms_repl)
  BACKUP_PASSWORD       of the account for backups, for --binlogs-from
  BACKUP_USER           that account (oms_backup)
  MYSQL, MYSQLBINLOG    the programs to use; without them those on PATH, or
                        those that scripts/cluster.sh has unpacked

Exit status: 0 done, 1 failed, 2 the command was wrong.
END
}

BINLOGS='' BINLOGS_FROM='' AFTER='' BEFORE='' UNTIL='' DRY_RUN=false SOURCE=''
TIME='' # UNTIL in microseconds since 1970

# --- preconditions ----------------------------------------------------------

# What is there would be mixed with the backup, or lost.
require_empty() {
    local server=$1 databases executed
    require_answer "$server"
    [[ $(fact "$server" '@@GLOBAL.gtid_mode') == ON ]] || die "gtid_mode of $server is not ON: set it first."
    databases=$(databases_of "$server")
    [[ -z $databases ]] || die "$server is not empty: it has databases ($databases). Restore into a server that is."
    executed=$(executed_gtids "$server")
    [[ -z $executed ]] ||
        die "$server is not empty: it has transactions of its own ($executed). If they matter to nobody, as on a server" \
            "that was only set up: RESET BINARY LOGS AND GTIDS there."
}

require_primary() {
    local wanted
    require_empty "$PRIMARY"
    [[ $(fact "$PRIMARY" '@@GLOBAL.super_read_only') == 0 ]] || die "$PRIMARY is read only, and so no primary."
    [[ -z $(receiver_of "$PRIMARY") ]] || die "$PRIMARY replicates from another server: RESET REPLICA ALL there first."
    wanted=$(manifest_of "$BACKUP" server_version | grep -oE '^[0-9]+\.[0-9]+')
    version_at_least "$(fact "$PRIMARY" 'VERSION()')" "$wanted" ||
        die "$PRIMARY is older than MySQL $wanted, of which the backup is."
}

# --- which transactions after the backup ------------------------------------

wants_binlogs() {
    [[ -n $BINLOGS$BINLOGS_FROM ]]
}

# contains GTIDS GTIDS: the first has all of the second
contains() {
    [[ $(fact "$PRIMARY" "GTID_SUBSET('$2', '$1')") == 1 ]]
}

time_of() {
    date -u -d "@$(($1 / 1000000))" "+%Y-%m-%d %H:%M:%S.$(printf %06d $(($1 % 1000000))) UTC"
}

# What the backup has cannot be taken out of it.
require_target_after_backup() {
    local target=$AFTER$BEFORE snapshot
    if [[ -n $target ]] && contains "$GTIDS" "$target"; then
        [[ -n $BEFORE ]] || die "the backup has more than up to $target already: take an older one."
        die "the backup has $target already: take an older one."
    fi
    snapshot=$(manifest_of "$BACKUP" snapshot)
    if [[ -n $TIME ]] && ((TIME < $(microseconds_at "$snapshot"))); then
        die "the backup was taken at $snapshot, and may have what was committed after $UNTIL: take an older one."
    fi
}

require_target_found() {
    [[ -z $AFTER$BEFORE || -n $(planned found) ]] || die "the binary logs do not have $AFTER$BEFORE."
    [[ -n $(planned next) || -z $TIME ]] ||
        note "the logs end before $UNTIL, with what was committed at $(time_of "$(planned last || echo 0)")."
}

# A file that is missing, of the beginning or of the middle
require_no_gap() {
    local missing
    missing=$(fact "$PRIMARY" "GTID_SUBTRACT('$(planned previous)', '$GTIDS,$(planned gtids)')")
    [[ -z $missing ]] || die "these transactions are neither in the backup nor in the binary logs: $missing."
}

plan() {
    require_target_after_backup
    if [[ -n $BINLOGS_FROM ]]; then
        BINLOGS=$WORK/binlogs
        mkdir -- "$BINLOGS"
        fetch_binlogs_since "$BINLOGS_FROM" "$GTIDS" "$BINLOGS"
    fi
    plan_replay "$BINLOGS" "$GTIDS" "after=$AFTER" "before=$BEFORE" "time=$TIME"
    require_target_found
    require_no_gap
}

show_plan() {
    echo "the backup: $GTIDS, $(manifest_of "$BACKUP" snapshot)"
    wants_binlogs || return 0
    echo "then $(planned count) transactions: $(planned gtids)"
    [[ -z $(planned last) ]] || echo "the last was committed at $(time_of "$(planned last)")"
    [[ -z $(planned next) ]] || echo "left out, first: $(planned next), committed at $(time_of "$(planned next_time)")"
}

# --- restoring --------------------------------------------------------------

# run_with_progress SIZE FD COMMAND...: how far the command has read the file that FD is open at
run_with_progress() {
    local size=$1 descriptor=$2 position
    shift 2
    "$@" &
    LOADER=$!
    while kill -0 "$LOADER" 2>/dev/null; do
        position=$(awk '$1 == "pos:" { print $2 }' "/proc/$$/fdinfo/$descriptor")
        progress "$((position * 100 / size)) % of $(megabytes "$size")"
        sleep 0.2
    done
    end_progress
    wait "$LOADER"
}

# Nothing of it is logged: these are transactions that have a place already.
load_dump() {
    { echo 'SET SESSION sql_log_bin = OFF;' && decompress "$DUMP" <&"$INPUT"; } |
        sql "$PRIMARY" --max-allowed-packet=1G 2>"$WORK/refusal"
}

load_accounts() {
    { echo 'SET SESSION sql_log_bin = OFF;' && cat -- "$BACKUP/accounts.sql"; } | sql "$PRIMARY" 2>"$WORK/refusal"
}

# The position comes last: a server that was left half-way has none, and nobody takes it for a whole one.
load() {
    exec {INPUT}<"$DUMP"
    if ! { run_with_progress "$(manifest_of "$BACKUP" dump_bytes)" "$INPUT" load_dump && load_accounts; }; then
        die "$PRIMARY has a part of the backup only: drop its databases ($(databases_of "$PRIMARY")) before another try." \
            "It said: $(<"$WORK/refusal")"
    fi
    exec {INPUT}<&-
    sql "$PRIMARY" <<<"SET GLOBAL gtid_purged = '$GTIDS'"
}

# mysqlbinlog's status does not count here: a log may break off after what is wanted, and what is wanted is counted.
replay() {
    local logs
    (($(planned count) > 0)) || return 0 # to include no GTID would mean all
    mapfile -t logs < <(logs_in "$BINLOGS")
    { "$MYSQLBINLOG" --no-defaults --include-gtids="$(planned gtids)" "${logs[@]}" 2>/dev/null || true; } |
        sql "$PRIMARY" --binary-mode --max-allowed-packet=1G 2>"$WORK/refusal" ||
        die "a transaction after the backup failed: $(<"$WORK/refusal"). $PRIMARY is at $(executed_gtids "$PRIMARY")."
}

require_exactly() {
    local wanted=$1 executed
    executed=$(executed_gtids "$PRIMARY")
    [[ $(fact "$PRIMARY" "GTID_SUBSET('$executed', '$wanted') AND GTID_SUBSET('$wanted', '$executed')") == 1 ]] ||
        die "$PRIMARY was to be at $wanted, and is at $executed."
}

# --- the command ------------------------------------------------------------

clean_up() {
    rm -rf -- "$WORK"
}

microseconds_at() {
    date -u -d "$1" +%s%6N 2>/dev/null
}

gtid() {
    [[ ${1,,} =~ ^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(:[a-z_][a-z0-9_]{0,31})?:[1-9][0-9]*$ ]] ||
        usage_error "'$1' is not a GTID, such as 3e11fa47-71ca-11e1-9e33-c80aa9429562:23"
    printf '%s' "${1,,}"
}

read_option() {
    case $1 in
        --binlogs) BINLOGS=${2%/} ;;
        --binlogs-from) BINLOGS_FROM=$2 ;;
        --until-time) UNTIL=$2 TIME=$(microseconds_at "$2") || usage_error "'$2' is not a time" ;;
        --until-gtid) AFTER=$(gtid "$2") ;;
        --before-gtid) BEFORE=$(gtid "$2") ;;
        --source) SOURCE=$2 ;;
        *) usage_error "no option is called '$1'" ;;
    esac
}

read_arguments() {
    local words=()
    while (($# > 0)); do
        case $1 in
            -h | --help) usage && exit 0 ;;
            --dry-run) DRY_RUN=true ;;
            -*)
                (($# > 1)) || usage_error "$1 is no option, or wants a value"
                read_option "$1" "$2"
                shift
                ;;
            *) words+=("$1") ;;
        esac
        shift
    done
    ((${#words[@]} > 1)) || usage_error 'name a backup and a primary'
    BACKUP=${words[0]%/} PRIMARY=${words[1]} REPLICAS=("${words[@]:2}")
    require_sense
}

require_sense() {
    local targets=("${AFTER:+x}" "${BEFORE:+x}" "${UNTIL:+x}")
    [[ $(IFS= && printf '%s' "${targets[*]}") != xx* ]] || usage_error 'one of --until-time, --until-gtid, --before-gtid'
    [[ -z $BINLOGS || -z $BINLOGS_FROM ]] || usage_error 'either --binlogs or --binlogs-from'
    [[ -z $AFTER$BEFORE$UNTIL ]] || wants_binlogs || usage_error 'until where also takes --binlogs or --binlogs-from'
    [[ -z $BINLOGS || -d $BINLOGS ]] || usage_error "$BINLOGS is no directory"
}

# The old servers know the account for backups, the new ones their administrator.
read_credentials() {
    local password
    password=$(secret ADMIN_PASSWORD)
    [[ -n $password ]] || usage_error 'set ADMIN_PASSWORD or ADMIN_PASSWORD_FILE'
    ADMIN_OPTIONS=$WORK/admin.cnf BACKUP_OPTIONS=$WORK/backup.cnf
    write_client_options "$ADMIN_OPTIONS" "${ADMIN_USER:-root}" "$password"
    password=$(secret BACKUP_PASSWORD)
    [[ -z $BINLOGS_FROM || -n $password ]] || usage_error 'set BACKUP_PASSWORD or BACKUP_PASSWORD_FILE'
    write_client_options "$BACKUP_OPTIONS" "${BACKUP_USER:-oms_backup}" "$password"
    ((${#REPLICAS[@]} == 0)) || [[ -n $(secret REPLICATION_PASSWORD) ]] ||
        usage_error 'set REPLICATION_PASSWORD or REPLICATION_PASSWORD_FILE'
}

check() {
    local server
    verify_backup "$BACKUP"
    GTIDS=$(manifest_of "$BACKUP" gtid_executed)
    DUMP=$BACKUP/$(manifest_of "$BACKUP" dump)
    require_primary
    for server in "${REPLICAS[@]}"; do
        require_empty "$server"
    done
}

main() {
    umask 077
    read_arguments "$@"
    WORK=$(mktemp -d)
    trap clean_up EXIT
    read_credentials
    find_program mysql
    find_program mysqlbinlog

    STEP_TOTAL=2
    ! wants_binlogs || STEP_TOTAL=4
    ((${#REPLICAS[@]} == 0)) || STEP_TOTAL=$((STEP_TOTAL + 1))

    step 'the backup and the servers'
    check
    step_done
    if wants_binlogs; then
        step 'the binary logs'
        plan
        step_done
    fi
    show_plan
    [[ $DRY_RUN == false ]] || return 0

    step_with_output "loading into $PRIMARY"
    load
    require_exactly "$GTIDS"
    printf '      ' && step_done
    if wants_binlogs; then
        step "applying $(planned count) transactions"
        replay
        require_exactly "$GTIDS,$(planned gtids)"
        step_done
    fi
    if ((${#REPLICAS[@]} > 0)); then
        step_with_output 'the replicas'
        "$PROJECT_ROOT/scripts/setup-replication.sh" ${SOURCE:+--source "$SOURCE"} "$PRIMARY" "${REPLICAS[@]}"
    fi
    echo "$PRIMARY is at $(executed_gtids "$PRIMARY"). Now: python manage.py replication verify"
}

main "$@"
