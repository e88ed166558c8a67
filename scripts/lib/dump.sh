# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the scripts that source it
# What a server holds at one moment: its databases, accounts and position. Sourced after common.sh, server.sh and
# backup.sh, with SERVER, WORK, DUMP, LOCK_TIMEOUT and BACKUP_OPTIONS (a client's option file) set.

APPLIER_IS_STOPPED=false

# --- one moment -------------------------------------------------------------

# A session that lasts as long as the backup
open_holder() {
    coproc HOLDER { sql "$SERVER" --unbuffered 2>"$WORK/holder.log"; }
    exec {TO_HOLDER}>&"${HOLDER[1]}" {FROM_HOLDER}<&"${HOLDER[0]}"
    ask_holder "SET lock_wait_timeout = $LOCK_TIMEOUT, wait_timeout = 2147483;"
}

# In a subshell, for writing to one that has ended would end this script without a word.
ask_holder() {
    local said=
    (printf '%s\n' "$1 SELECT 'so it is';" >&"$TO_HOLDER") 2>/dev/null || true
    read -r -u "$FROM_HOLDER" said || true
    [[ $said == 'so it is' ]] || die "$SERVER: $(<"$WORK/holder.log")"
}

is_read_only_replica() {
    [[ -n $(applier_of "$SERVER") && $(fact "$SERVER" '@@GLOBAL.super_read_only') == 1 ]]
}

# Nothing is committed until resume_commits. A replica only ceases to apply, for which nobody waits. A primary takes
# a global read lock instead, which waits for all queries to end, and later ones for it.
stop_commits() {
    STOPPED_AT=$(microseconds_now)
    if ! is_read_only_replica; then
        ask_holder 'FLUSH LOCAL TABLES WITH READ LOCK;'
    elif [[ $(applier_of "$SERVER") == ON ]]; then
        APPLIER_IS_STOPPED=true
        ask_holder 'STOP REPLICA SQL_THREAD;'
    fi
}

# Until it ends, the session keeps everything from being created, altered, renamed or dropped, and accounts from being
# changed: rows, definitions and accounts are those of one moment. Taken when nothing commits, or the replica might
# wait here for a migration, and that for this lock.
hold_definitions() {
    ask_holder 'LOCK INSTANCE FOR BACKUP;'
}

resume_commits() {
    if [[ $APPLIER_IS_STOPPED == true ]]; then
        ask_holder 'START REPLICA SQL_THREAD;'
        APPLIER_IS_STOPPED=false
    else
        ask_holder 'UNLOCK TABLES;'
    fi
    note "nothing was committed on $SERVER for $(duration_since "$STOPPED_AT")"
}

# --- the accounts -----------------------------------------------------------

account_names() {
    sql "$SERVER" <<<"SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.user
        WHERE User NOT IN ('mysql.sys', 'mysql.session', 'mysql.infoschema') ORDER BY User, Host"
}

# Rows that are statements, in an order in which they can be executed: all accounts, which roles are too, come
# before what each may do.
ask_for_accounts() {
    local name names=("$@")
    echo 'SET print_identified_with_as_hex = ON;'
    for name in "${names[@]}"; do
        echo "SHOW CREATE USER $name;"
    done
    for name in "${names[@]}"; do
        echo "SHOW GRANTS FOR $name;"
    done
    cat <<'END'
SELECT CONCAT('ALTER USER ', QUOTE(USER), '@', QUOTE(HOST), ' DEFAULT ROLE ',
        GROUP_CONCAT(QUOTE(DEFAULT_ROLE_USER), '@', QUOTE(DEFAULT_ROLE_HOST)))
    FROM mysql.default_roles GROUP BY USER, HOST;
END
}

# An account that is there already, such as the administrator's, keeps its password where this is executed.
dump_accounts() {
    local names
    mapfile -t names < <(account_names)
    ((${#names[@]} > 0)) || die "$BACKUP_USER sees no accounts on $SERVER: the right to SELECT is missing."
    ask_for_accounts "${names[@]}" >"$WORK/accounts.sql"
    # shellcheck disable=SC2016 # MySQL quotes names so
    sql "$SERVER" --raw <"$WORK/accounts.sql" | sed -E \
        -e '/^CREATE USER /s/ DEFAULT ROLE (`[^`]*`@`[^`]*`,?)+//' \
        -e 's/^CREATE USER /CREATE USER IF NOT EXISTS /' -e 's/$/;/'
}

# --- the databases ----------------------------------------------------------

# Without the locks that it would take for a position of its own (https://bugs.mysql.com/bug.php?id=115022).
run_mysqldump() {
    printf '%s' "$BASHPID" >"$WORK/dump.pid"
    exec "$MYSQLDUMP" --defaults-file="$BACKUP_OPTIONS" --host="$(host_of "$SERVER")" --port="$(port_of "$SERVER")" \
        --single-transaction --set-gtid-purged=OFF --no-tablespaces --routines --events --triggers --hex-blob \
        --max-allowed-packet=1G --verbose --databases "$@" 2>"$WORK/dump.log"
}

is_dumping() {
    kill -0 "$DUMP_PID" 2>/dev/null
}

# mysqldump says so when it has begun its transaction
snapshot_is_taken_or_never_will() {
    grep -qsE '^-- (Setting savepoint|Retrieving)' "$WORK/dump.log" || ! is_dumping
}

await_dump() {
    local count table
    while is_dumping; do
        read -r count table < <(awk '/^-- Retrieving table structure/ { n++; name = $NF } END { print n + 0, name }' \
            "$WORK/dump.log")
        progress "table $count of $TABLES (${table%...}), $(megabytes "$(stat -c %s -- "$DUMP")")"
        sleep 0.2
    done
    end_progress
    wait "$DUMP_PID" || die "mysqldump failed: $(grep -v '^--' "$WORK/dump.log")"
}

begin_dump() {
    local databases
    mapfile -t databases < <(sql "$SERVER" <<<"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA
        WHERE SCHEMA_NAME NOT IN $SYSTEM_DATABASES")
    ((${#databases[@]} > 0)) || die "$SERVER has no database to back up."
    : >"$DUMP"
    { run_mysqldump "${databases[@]}" | compress "$DUMP"; } &
    DUMP_PID=$!
    wait_until "$LOCK_TIMEOUT" snapshot_is_taken_or_never_will ||
        die "mysqldump has not begun within $LOCK_TIMEOUT s: $(<"$WORK/dump.log")"
    GTIDS=$(executed_gtids "$SERVER")
}
