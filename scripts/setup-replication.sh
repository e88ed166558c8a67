#!/usr/bin/env bash
# Makes servers replicas of a primary. See --help.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/server.sh
. "$PROJECT_ROOT/scripts/lib/server.sh"
# shellcheck source=scripts/lib/topology.sh
. "$PROJECT_ROOT/scripts/lib/topology.sh"

usage() {
    cat <<END
Usage: setup-replication.sh [OPTION...] PRIMARY REPLICA...

Makes each REPLICA follow PRIMARY, a live one too, and waits until it has all
that the primary has. Run again, it changes nothing. A server is HOST or
HOST:PORT; MySQL 8.0.26 or newer, with GTIDs.

Where PRIMARY is read only, and one of the others takes writes, that one is the
primary: roles were swapped (manage.py replication promote), and stay so. Where
another one takes writes besides, and has made some, nothing is changed.

On the primary it makes the account for replication (REQUIRE SSL, nothing but
REPLICATION SLAVE). On a replica:
  - empty: it is cloned from the primary, if the primary's binary logs no
    longer reach back, or are long, or do not tell of all its databases;
    otherwise it applies these logs;
  - with transactions that the primary has not: it stops, and lists them;
  - otherwise the replica goes on from where it is, as super_read_only.

  --source HOST[:PORT]  how the replicas reach the primary, if not as PRIMARY
  --clone-above MB      how long the primary's binary logs may be to be applied
                        by an empty replica rather than cloned (64)
  --timeout SECONDS     how long to wait for a server, and for a replica to
                        catch up (600)

Environment; each password instead from a file, by the name with _FILE:
  ADMIN_PASSWORD        of the administrator, on all servers
  ADMIN_USER            the administrator (root)
  REPLICATION_PASSWORD  of the account for replication
  REPLICATION_USER      that account (oms_repl)
  MYSQL                 the client to use (mysql)

Cloning needs on both sides \`plugin_load_add = mysql_clone.so\`, and the same
version of MySQL; it restarts the replica. Where nothing starts it again (no
systemd, no restart policy), do so when the script says that it waits.

Exit status: 0 done, 1 failed, 2 the command was wrong.
END
}

CLONE_ABOVE=64
TIMEOUT=600
CLONE_USER=oms_clone # exists while a replica is cloned

# --- preconditions ----------------------------------------------------------

takes_writes() {
    answers "$1" && [[ $(fact "$1" '@@GLOBAL.super_read_only') == 0 ]]
}

# writers_besides SERVER: the others that take writes, follow nobody, and are not empty
writers_besides() {
    local server
    for server in "${SERVERS[@]}"; do
        if [[ $server != "$1" ]] && takes_writes "$server" && [[ -z $(receiver_of "$server") ]] &&
            [[ -n $(executed_gtids "$server") ]]; then
            printf '%s\n' "$server"
        fi
    done
}

# has_of_its_own SERVER: transactions that the primary has not
has_of_its_own() {
    [[ $(fact "$1" "GTID_SUBSET(@@GLOBAL.gtid_executed, '$(executed_gtids "$PRIMARY")')") == 0 ]]
}

# One that takes writes beside the primary, and has made some, is not made its replica: it may be the one that is
# right.
require_no_rival() {
    local rival
    for rival in "$@"; do
        ! has_of_its_own "$rival" || die "$PRIMARY and $rival take writes, and $rival has transactions that $PRIMARY" \
            "has not: nothing was changed. On the one that is not the primary, run SET PERSIST super_read_only = ON;" \
            "if it was, manage.py replication rejoin. If it is new: RESET BINARY LOGS AND GTIDS there."
    done
}

# Roles may have been swapped since somebody wrote the arguments (manage.py replication promote).
find_primary() {
    local named=$PRIMARY writers
    mapfile -t writers < <(writers_besides "$named")
    if takes_writes "$named"; then
        require_no_rival "${writers[@]}"
        return
    fi
    ((${#writers[@]} == 1)) || die "$named is read only; of the others ${writers[*]:-none} may be the primary: nothing" \
        "was changed. On the one that is, run SET PERSIST super_read_only = OFF; SET PERSIST read_only = OFF."
    [[ $SOURCE == "$named" ]] || die "$named is read only, and ${writers[*]} takes writes: name that one first, and" \
        "with --source how it is reached."
    PRIMARY=${writers[0]} SOURCE=${writers[0]}
    note "$PRIMARY takes writes, $named does not: $PRIMARY is the primary now."
}

require_primary() {
    require_server "$PRIMARY"
    find_primary
}

require_other_server() {
    local name
    for name in server_id server_uuid; do
        [[ $(fact "$1" "@@GLOBAL.$name") != "$(fact "$PRIMARY" "@@GLOBAL.$name")" ]] ||
            die "$1 has the $name of $PRIMARY: give each server its own."
    done
}

# The replica's set was read first: what the primary commits meanwhile is no difference.
require_no_errant_transactions() {
    local replica=$1 executed=$2 errant
    errant=$(fact "$PRIMARY" "GTID_SUBTRACT('$executed', @@GLOBAL.gtid_executed)")
    [[ -n $errant ]] || return 0
    note "$replica has diverged. It has transactions that $PRIMARY has not:"
    printf '  %s\n' "${errant//,/$'\n '}" >&2
    die "look at them with mysqlbinlog --include-gtids; then make its data directory anew, and it is seeded. If they" \
        "matter to nobody, as on a server that was only set up: RESET BINARY LOGS AND GTIDS there."
}

# --- the account for replication --------------------------------------------

replication_account_works() {
    write_client_options "$WORK/replication.cnf" "$REPLICATION_USER" "$REPLICATION_PASSWORD"
    sql_with "$WORK/replication.cnf" "$PRIMARY" <<<'SELECT 1' >/dev/null 2>&1 &&
        [[ $(fact "$PRIMARY" "(SELECT COUNT(*) FROM mysql.user WHERE User = $(quoted "$REPLICATION_USER")
            AND Host = '%' AND ssl_type <> '' AND Repl_slave_priv = 'Y')") == 1 ]]
}

ensure_replication_account() {
    local account
    account="$(quoted "$REPLICATION_USER")@'%'"
    replication_account_works && return
    sql "$PRIMARY" <<END
CREATE USER IF NOT EXISTS $account;
ALTER USER $account IDENTIFIED WITH caching_sha2_password BY $(quoted "$REPLICATION_PASSWORD") REQUIRE SSL;
GRANT REPLICATION SLAVE ON *.* TO $account;
END
    changed "$PRIMARY" "account $REPLICATION_USER made"
}

# --- seeding ----------------------------------------------------------------

logs_are_long() {
    local size total=0
    while read -r _ size _; do
        total=$((total + size))
    done < <(sql "$PRIMARY" <<<'SHOW BINARY LOGS')
    ((total > CLONE_ABOVE * 1048576))
}

# logs_reach_back_to GTIDS
logs_reach_back_to() {
    [[ $(fact "$PRIMARY" "GTID_SUBSET(@@GLOBAL.gtid_purged, '$1')") == 1 ]]
}

# needs_clone REPLICA GTIDS, which it has executed
needs_clone() {
    local replica=$1 executed=$2
    if [[ -n $executed ]]; then
        logs_reach_back_to "$executed" ||
            die "$replica lacks transactions that the binary logs of $PRIMARY no longer have: make its data directory" \
                "anew and run this again."
        return 1
    fi
    if ! logs_reach_back_to '' || logs_are_long; then
        return
    fi
    [[ -z $(executed_gtids "$PRIMARY") && -n $(databases_of "$PRIMARY") ]] # which are in no log
}

require_clonable() {
    local replica=$1 server databases
    databases=$(databases_of "$replica")
    [[ -z $databases ]] || die "$replica has no transactions, but databases ($databases): cloning would remove them."
    for server in "$PRIMARY" "$replica"; do
        has_plugin "$server" clone ||
            die "$server lacks the plugin clone: put 'plugin_load_add = mysql_clone.so' into its settings."
    done
}

make_clone_account() {
    CLONE_PASSWORD=$(random_secret)
    trap 'drop_clone_account; clean_up' EXIT
    sql "$PRIMARY" <<END
CREATE USER IF NOT EXISTS '$CLONE_USER'@'%';
ALTER USER '$CLONE_USER'@'%' IDENTIFIED WITH caching_sha2_password BY '$CLONE_PASSWORD' REQUIRE SSL;
GRANT BACKUP_ADMIN ON *.* TO '$CLONE_USER'@'%';
END
}

drop_clone_account() {
    trap clean_up EXIT
    sql "$PRIMARY" <<<"DROP USER IF EXISTS '$CLONE_USER'@'%'"
}

clone_has_ended() {
    [[ $(fact "$1" '(SELECT STATE FROM performance_schema.clone_status)' 2>/dev/null) == @(Completed|Failed) ]]
}

# A server without a supervisor ends instead of restarting (3707); others lose the connection (2013).
clone_replica() {
    local replica=$1 host port
    host=$(host_of "$SOURCE") port=$(port_of "$SOURCE")
    require_clonable "$replica"
    note "$replica: cloning $SOURCE"
    make_clone_account
    if ! sql "$replica" 2>"$WORK/refusal" <<END; then
SET GLOBAL clone_valid_donor_list = $(quoted "$host:$port");
CLONE INSTANCE FROM '$CLONE_USER'@$(quoted "$host"):$port IDENTIFIED BY '$CLONE_PASSWORD' REQUIRE SSL;
END
        grep -qE 'ERROR (3707|2013|2006)' "$WORK/refusal" || die "$replica was not cloned: $(<"$WORK/refusal")"
    fi
    note "$replica: cloned; waiting for it to be started again"
    wait_until "$TIMEOUT" clone_has_ended "$replica" || die "$replica has not come back within $TIMEOUT s."
    [[ $(fact "$replica" '(SELECT STATE FROM performance_schema.clone_status)') == Completed ]] ||
        die "cloning to $replica failed: $(fact "$replica" '(SELECT ERROR_MESSAGE FROM performance_schema.clone_status)')"
    drop_clone_account
    changed "$replica" cloned
}

# --- following --------------------------------------------------------------

ensure_read_only() {
    [[ $(fact "$1" '@@GLOBAL.super_read_only') == 0 ]] || return 0
    sql "$1" <<<'SET PERSIST super_read_only = ON'
    changed "$1" 'made super_read_only'
}

follows_source() {
    [[ $(fact "$1" "(SELECT COUNT(*) FROM mysql.slave_master_info WHERE Channel_name = ''
        AND Host = $(quoted "$(host_of "$SOURCE")") AND Port = $(port_of "$SOURCE")
        AND User_name = $(quoted "$REPLICATION_USER") AND User_password = $(quoted "$REPLICATION_PASSWORD")
        AND Enabled_ssl AND Enabled_auto_position)") == 1 ]]
}

# Tries every second for a fortnight: a primary that returns is found at once.
follow_source() {
    sql "$1" <<END
STOP REPLICA;
CHANGE REPLICATION SOURCE TO
    SOURCE_HOST = $(quoted "$(host_of "$SOURCE")"), SOURCE_PORT = $(port_of "$SOURCE"),
    SOURCE_USER = $(quoted "$REPLICATION_USER"), SOURCE_PASSWORD = $(quoted "$REPLICATION_PASSWORD"),
    SOURCE_SSL = 1, SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 1000000;
START REPLICA;
END
    changed "$1" "attached to $SOURCE"
}

ensure_following() {
    if ! follows_source "$1"; then
        follow_source "$1"
    elif [[ $(receiver_of "$1") == OFF || $(applier_of "$1") == OFF ]]; then
        sql "$1" <<<'START REPLICA'
        changed "$1" 'started again'
    fi
}

# Access denied: another account of this name, for the replica's address only, goes before the one made here.
receiver_is_refused() {
    [[ $(fact "$1" "(SELECT LAST_ERROR_NUMBER FROM performance_schema.replication_connection_status
        WHERE CHANNEL_NAME = '' AND SERVICE_STATE <> 'ON')") == 1045 ]]
}

# has_or_is_stopped SERVER GTIDS: there is nothing more to wait for
has_or_is_stopped() {
    [[ $(fact "$1" "GTID_SUBSET('$2', @@GLOBAL.gtid_executed)") == 1 || $(receiver_of "$1") == OFF ||
        $(applier_of "$1") == OFF ]] || receiver_is_refused "$1"
}

await_caught_up() {
    local replica=$1 gtids
    gtids=$(executed_gtids "$PRIMARY")
    wait_until "$TIMEOUT" has_or_is_stopped "$replica" "$gtids" || true
    [[ $(fact "$replica" "GTID_SUBSET('$gtids', @@GLOBAL.gtid_executed)") == 1 ]] && return
    replication_errors "$replica" | sed 's/^/  /' >&2
    die "$replica has not caught up with $PRIMARY, for which it had $TIMEOUT s; receiver $(receiver_of "$replica")," \
        "applier $(applier_of "$replica"). What it said stands above."
}

set_up_replica() {
    local replica=$1 executed
    require_server "$replica"
    require_other_server "$replica"
    executed=$(executed_gtids "$replica")
    require_no_errant_transactions "$replica" "$executed"
    if needs_clone "$replica" "$executed"; then
        clone_replica "$replica"
    fi
    ensure_read_only "$replica"
    ensure_following "$replica"
    await_caught_up "$replica"
}

# --- the command ------------------------------------------------------------

read_arguments() {
    SERVERS=() SOURCE=''
    while (($# > 0)); do
        case $1 in
            -h | --help) usage && exit 0 ;;
            --source | --clone-above | --timeout) (($# > 1)) || usage_error "$1 wants a value" ;;&
            --source) SOURCE=$2 && shift ;;
            --clone-above) CLONE_ABOVE=$(number "$2") && shift ;;
            --timeout) TIMEOUT=$(number "$2") && shift ;;
            -*) usage_error "no option is called '$1'" ;;
            *) SERVERS+=("$1") ;;
        esac
        shift
    done
    ((${#SERVERS[@]} > 1)) || usage_error 'name the primary and at least one replica'
    PRIMARY=${SERVERS[0]}
    SOURCE=${SOURCE:-$PRIMARY}
}

main() {
    local replica
    read_arguments "$@"
    prepare_client
    require_primary
    ensure_replication_account
    print_line SERVER ROLE VERSION RECEIVER APPLIER 'WHAT WAS DONE'
    print_server "$PRIMARY" primary - -
    for replica in "${SERVERS[@]}"; do
        [[ $replica != "$PRIMARY" ]] || continue
        set_up_replica "$replica"
        print_server "$replica" replica "$(receiver_of "$replica")" "$(applier_of "$replica")"
    done
    echo "Each replica has what $PRIMARY had when it was asked."
}

main "$@"
