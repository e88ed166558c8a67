#!/usr/bin/env bash
# Backs up a MySQL server while it serves. See --help.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/server.sh
. "$PROJECT_ROOT/scripts/lib/server.sh"
# shellcheck source=scripts/lib/mysql.sh
. "$PROJECT_ROOT/scripts/lib/mysql.sh"
# shellcheck source=scripts/lib/backup.sh
. "$PROJECT_ROOT/scripts/lib/backup.sh"
# shellcheck source=scripts/lib/dump.sh
. "$PROJECT_ROOT/scripts/lib/dump.sh"
# shellcheck source=scripts/lib/binlogs.sh
. "$PROJECT_ROOT/scripts/lib/binlogs.sh"

usage() {
    cat <<END
Usage: backup.sh [OPTION...] SERVER DIRECTORY
       backup.sh --binlogs SERVER DIRECTORY
       backup.sh --verify BACKUP
       backup.sh --make-account PRIMARY

Makes a backup of SERVER, best a replica, while it serves: a new directory in
DIRECTORY, named by the time (UTC), whose path is printed. It holds all
databases and accounts as they were at one moment, and the GTIDs that had been
executed then. It appears under its name when it is whole, and is readable by
its owner only. A server is HOST or HOST:PORT; MySQL 8.0.26 or newer, with
GTIDs. scripts/restore.sh makes a working primary of it.

No read and no write waits for it: a replica applies nothing for the moment in
which the backup begins. A migration, and a change of accounts, is applied when
it has ended. On a primary, commits wait for that moment; and where a query
runs long, so do those that come after it: try a replica first.

  --binlogs             instead, copy to DIRECTORY the binary logs of SERVER
                        that it does not have yet: with a backup, they restore
                        any later moment. DIRECTORY belongs to one server
  --verify              instead, check that BACKUP is whole and unchanged
  --make-account        instead, make the account for backups on PRIMARY, with
                        the rights that it needs (REQUIRE SSL), or set its
                        password again
  --lock-timeout SECONDS
                        how long a primary may take to come to that moment (30)

Environment; each password instead from a file, by the name with _FILE:
  BACKUP_PASSWORD       of the account for backups
  BACKUP_USER           that account (oms_backup)
  ADMIN_PASSWORD        of the administrator, for --make-account only
  ADMIN_USER            the administrator (root)
  MYSQL, MYSQLDUMP, MYSQLBINLOG
                        the programs to use; without them those on PATH, or
                        those that scripts/cluster.sh has unpacked

Exit status: 0 done, 1 failed, 2 the command was wrong.
END
}

LOCK_TIMEOUT=30

# --- the account ------------------------------------------------------------

# SELECT to SHOW_ROUTINE: to read all. REPLICATION SLAVE and CLIENT: the binary logs. BACKUP_ADMIN: to hold the tables'
# definitions. To stop commits for a moment: REPLICATION_SLAVE_ADMIN on a replica, FLUSH_TABLES on a primary.
make_account() {
    local account
    account="$(quoted "$BACKUP_USER")@'%'"
    sql "$1" <<END
CREATE USER IF NOT EXISTS $account;
ALTER USER $account IDENTIFIED WITH caching_sha2_password BY $(quoted "$BACKUP_PASSWORD") REQUIRE SSL;
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO $account;
GRANT SHOW_ROUTINE, BACKUP_ADMIN, REPLICATION_SLAVE_ADMIN, FLUSH_TABLES ON *.* TO $account;
END
    echo "The account $BACKUP_USER may back up $1 and its replicas."
}

# --- preconditions ----------------------------------------------------------

# A snapshot at one moment is one of InnoDB's tables only.
require_suitable_server() {
    local others
    [[ -n $(executed_gtids "$SERVER") ]] || die "$SERVER has executed no transaction: its position has no name."
    [[ $(fact "$SERVER" '@@GLOBAL.gtid_mode') == ON ]] || die "gtid_mode of $SERVER is not ON: its position has no name."
    others=$(fact "$SERVER" "(SELECT GROUP_CONCAT(TABLE_SCHEMA, '.', TABLE_NAME SEPARATOR ', ')
        FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE <> 'InnoDB'
        AND TABLE_SCHEMA NOT IN $SYSTEM_DATABASES)")
    [[ $others == NULL ]] || die "$others cannot be read at one moment: make them ENGINE = InnoDB."
}

# --- a backup ---------------------------------------------------------------

print_manifest() {
    cat <<END
format $FORMAT
server $SERVER
server_version $(fact "$SERVER" 'VERSION()')
server_uuid $(fact "$SERVER" @@GLOBAL.server_uuid)
started $STARTED
snapshot $SNAPSHOT
finished $(date -u +%Y-%m-%dT%H:%M:%SZ)
gtid_executed $GTIDS
tables $TABLES
dump ${DUMP##*/}
dump_bytes $(stat -c %s -- "$DUMP")
accounts_bytes $(stat -c %s -- "$PARTIAL/accounts.sql")
END
}

# Under its name only when all of it is on the disk
seal() {
    print_manifest >"$PARTIAL/manifest"
    (cd -- "$PARTIAL" && sha256sum -- accounts.sql "${DUMP##*/}" manifest >SHA256SUMS)
    sync -- "$PARTIAL"/* "$PARTIAL"
    mv -T -- "$PARTIAL" "$BACKUP"
    sync -- "$DIRECTORY"
}

back_up() {
    require_suitable_server
    mkdir -p -- "$DIRECTORY"
    BEGAN=$(microseconds_now) STARTED=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    BACKUP=$DIRECTORY/$(date -u +%Y%m%dT%H%M%SZ)
    [[ ! -e $BACKUP ]] || die "$BACKUP is there already."
    PARTIAL=$BACKUP.partial
    mkdir -- "$PARTIAL" || die "another backup is being written there."
    DUMP=$PARTIAL/dump.sql.$(compression)

    open_holder
    stop_commits
    hold_definitions
    begin_dump
    resume_commits
    SNAPSHOT=$(fact "$SERVER" "DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ')") # or a moment earlier
    TABLES=$(fact "$SERVER" "(SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN $SYSTEM_DATABASES)")
    dump_accounts >"$PARTIAL/accounts.sql"
    await_dump
    ask_holder '' # to the end, or what it held back may have been changed
    seal
    note "$TABLES tables, $(megabytes "$(manifest_of "$BACKUP" dump_bytes)") in $(duration_since "$BEGAN"), at $GTIDS"
    printf '%s\n' "$BACKUP"
}

# --- an archive of binary logs ----------------------------------------------

# From the last one that is there, which may have grown
archive_binlogs() {
    local uuid first
    uuid=$(fact "$SERVER" @@GLOBAL.server_uuid)
    mkdir -p -- "$DIRECTORY"
    [[ -e $DIRECTORY/server_uuid ]] || write_private_file "$DIRECTORY/server_uuid" <<<"$uuid"
    [[ $(<"$DIRECTORY/server_uuid") == "$uuid" ]] ||
        die "$DIRECTORY holds the binary logs of another server, $(<"$DIRECTORY/server_uuid"): give each its own."
    first=$(logs_in "$DIRECTORY" | tail -n 1)
    if [[ -z $first ]]; then
        first=$(binlogs_of "$SERVER" | head -n 1)
    elif ! binlogs_of "$SERVER" | grep -qxF -e "${first##*/}"; then
        note "$SERVER has removed ${first##*/}, the last one that is here: some transactions may lack now; take a backup."
        first=$(binlogs_of "$SERVER" | head -n 1)
    fi
    fetch_binlogs "$SERVER" "${first##*/}" "$DIRECTORY"
    note "$(logs_in "$DIRECTORY" | wc -l) binary logs, up to $(logs_in "$DIRECTORY" | tail -n 1)"
}

# --- the command ------------------------------------------------------------

clean_up() {
    if [[ $APPLIER_IS_STOPPED == true ]]; then
        sql "$SERVER" <<<'START REPLICA SQL_THREAD' || note "START REPLICA SQL_THREAD on $SERVER: it applies nothing."
    fi
    if [[ -s $WORK/dump.pid ]]; then
        kill "$(<"$WORK/dump.pid")" 2>/dev/null || true
    fi
    rm -rf -- "$WORK" ${PARTIAL:+"$PARTIAL"}
}

read_arguments() {
    ACTION=back_up
    local words=()
    while (($# > 0)); do
        case $1 in
            -h | --help) usage && exit 0 ;;
            --binlogs) ACTION=archive_binlogs ;;
            --verify) ACTION=verify ;;
            --make-account) ACTION=make_account ;;
            --lock-timeout)
                [[ ${2:-} =~ ^[1-9][0-9]{0,5}$ ]] || usage_error '--lock-timeout wants a number of seconds'
                LOCK_TIMEOUT=$2 && shift
                ;;
            -*) usage_error "no option is called '$1'" ;;
            *) words+=("$1") ;;
        esac
        shift
    done
    case $ACTION in
        verify) ((${#words[@]} == 1)) || usage_error 'name one backup' ;;
        make_account) ((${#words[@]} == 1)) || usage_error 'name the primary' ;;
        *) ((${#words[@]} == 2)) || usage_error 'name a server and a directory' ;;
    esac
    SERVER=${words[0]} DIRECTORY=${words[1]:-}
    DIRECTORY=${DIRECTORY%/}
}

# ADMIN_OPTIONS: whoever asks the server; that is the account for backups, except to make it.
read_credentials() {
    BACKUP_USER=${BACKUP_USER:-oms_backup}
    BACKUP_PASSWORD=$(secret BACKUP_PASSWORD)
    [[ -n $BACKUP_PASSWORD ]] || usage_error 'set BACKUP_PASSWORD or BACKUP_PASSWORD_FILE'
    BACKUP_OPTIONS=$WORK/backup.cnf ADMIN_OPTIONS=$WORK/backup.cnf
    write_client_options "$BACKUP_OPTIONS" "$BACKUP_USER" "$BACKUP_PASSWORD"
    if [[ $ACTION == make_account ]]; then
        local password
        password=$(secret ADMIN_PASSWORD)
        [[ -n $password ]] || usage_error 'set ADMIN_PASSWORD or ADMIN_PASSWORD_FILE'
        ADMIN_OPTIONS=$WORK/admin.cnf
        write_client_options "$ADMIN_OPTIONS" "${ADMIN_USER:-root}" "$password"
    fi
}

main() {
    umask 077
    read_arguments "$@"
    if [[ $ACTION == verify ]]; then
        verify_backup "${SERVER%/}"
        echo "$SERVER is whole: $(manifest_of "$SERVER" tables) tables at $(manifest_of "$SERVER" gtid_executed)"
        return
    fi
    WORK=$(mktemp -d)
    trap clean_up EXIT
    read_credentials
    find_program mysql
    find_program mysqldump
    find_program mysqlbinlog
    require_answer "$SERVER"
    "$ACTION" "$SERVER"
}

main "$@"
