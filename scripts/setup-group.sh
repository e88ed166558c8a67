#!/usr/bin/env bash
# Makes servers a group that elects its primary. See --help.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/server.sh
. "$PROJECT_ROOT/scripts/lib/server.sh"
# shellcheck source=scripts/lib/topology.sh
. "$PROJECT_ROOT/scripts/lib/topology.sh"
# shellcheck source=scripts/lib/quorum.sh
. "$PROJECT_ROOT/scripts/lib/quorum.sh"

usage() {
    cat <<END
Usage: setup-group.sh [OPTION...] SERVER SERVER SERVER...

Makes the servers members of one group (MySQL Group Replication, single-primary
mode) and waits until each has all that the primary has. Run again, it changes
nothing; with a further server, that one joins. A server is HOST or HOST:PORT,
as the others reach it; MySQL 8.0.27 or newer with the settings that
docker/mysql/node.cnf and group.cnf have. An odd number of them, of at least
three, is what survives the loss of one.

  - A group that has a majority: who is not in it joins.
  - None, since all have ended: it is formed anew from the server that has all
    transactions, those included that it had received and not yet applied. If
    there is none such, or a server does not answer, nothing is done.
  - None yet: the servers must be empty, but for one that may have the data.

On each server it makes the account by which members reach each other (REQUIRE
SSL, no right to any table), and keeps the group's name and addresses beside
the data (SET PERSIST), so that a server that is started joins by itself.

  --timeout SECONDS     how long to wait for a server, and for it to join (600)

Environment; each password instead from a file, by the name with _FILE:
  ADMIN_PASSWORD        of the administrator, on all servers
  ADMIN_USER            the administrator (root)
  REPLICATION_PASSWORD  of the members' account
  REPLICATION_USER      that account (oms_repl)
  MYSQL                 the client to use (mysql)

Exit status: 0 done, 1 failed, 2 the command was wrong.
END
}

TIMEOUT=600
PRIVILEGES='REPLICATION SLAVE, CONNECTION_ADMIN, BACKUP_ADMIN, GROUP_REPLICATION_STREAM'

# --- what a server says of the group ----------------------------------------

# OFFLINE, RECOVERING, ONLINE, ERROR
member_state() {
    local state
    state=$(sql "$1" <<<'SELECT MEMBER_STATE FROM performance_schema.replication_group_members
        WHERE MEMBER_ID = @@GLOBAL.server_uuid') || return
    printf '%s' "${state:-OFFLINE}"
}

is_online() {
    [[ $(member_state "$1") == ONLINE ]]
}

is_elected() {
    [[ $(sql "$1" <<<"SELECT COUNT(*) FROM performance_schema.replication_group_members
        WHERE MEMBER_ID = @@GLOBAL.server_uuid AND MEMBER_STATE = 'ONLINE' AND MEMBER_ROLE = 'PRIMARY'
            AND NOT @@GLOBAL.super_read_only") == 1 ]]
}

find_primary() {
    local server
    for server in "${SERVERS[@]}"; do
        if is_elected "$server"; then
            PRIMARY=$server
            return
        fi
    done
    return 1
}

# --- preconditions ----------------------------------------------------------

require_member_settings() {
    local server=$1
    require_server "$server"
    has_plugin "$server" group_replication ||
        die "$server lacks the plugin: put 'plugin_load_add = group_replication.so' into its settings."
    [[ $(fact "$server" '@@GLOBAL.group_replication_communication_stack') == MYSQL ]] ||
        die "$server: set group_replication_communication_stack = MYSQL, as docker/mysql/group.cnf does."
}

# The name that servers had before, lest a second group begin beside a first one
choose_group_name() {
    local server names
    names=$(for server in "${SERVERS[@]}"; do
        fact "$server" "COALESCE(@@GLOBAL.group_replication_group_name, '')"
    done | sort -u | grep .) || names=$(</proc/sys/kernel/random/uuid)
    [[ $names != *$'\n'* ]] || die "the servers belong to different groups: ${names//$'\n'/, }."
    GROUP_NAME=$names
}

# One that is not named may be in a group that goes on without these.
require_all_named() {
    local server address
    for server in "${SERVERS[@]}"; do
        for address in $(fact "$server" "COALESCE(REPLACE(@@GLOBAL.group_replication_group_seeds, ',', ' '), '')"); do
            [[ ,$(addresses), == *,"$address",* ]] || die "$server knows a member at $address: name that too. If it is" \
                "gone for good, on $server: SET PERSIST group_replication_group_seeds = '$(addresses)'."
        done
    done
}

# --- preparing a server -----------------------------------------------------

account_is_right() {
    write_client_options "$WORK/member.cnf" "$REPLICATION_USER" "$REPLICATION_PASSWORD"
    sql_with "$WORK/member.cnf" "$1" <<<'SELECT 1' >/dev/null 2>&1 &&
        [[ $(fact "$1" "(SELECT COUNT(*) FROM mysql.global_grants JOIN mysql.user USING (USER, HOST)
            WHERE USER = $(quoted "$REPLICATION_USER") AND HOST = '%' AND ssl_type <> '' AND Repl_slave_priv = 'Y'
                AND PRIV IN ('CONNECTION_ADMIN', 'BACKUP_ADMIN', 'GROUP_REPLICATION_STREAM'))") == 3 ]]
}

# Before there is a group, so on each by itself and in no log
ensure_account() {
    local server=$1 account
    account="$(quoted "$REPLICATION_USER")@'%'"
    account_is_right "$server" && return
    [[ $(member_state "$server") == OFFLINE ]] ||
        die "$server is a member, but $REPLICATION_USER cannot log in to it as members do: set its password on the primary."
    sql "$server" <<END
SET sql_log_bin = OFF;
SET GLOBAL super_read_only = OFF, GLOBAL read_only = OFF;
CREATE USER IF NOT EXISTS $account;
ALTER USER $account IDENTIFIED WITH caching_sha2_password BY $(quoted "$REPLICATION_PASSWORD") REQUIRE SSL;
GRANT $PRIVILEGES ON *.* TO $account;
SET GLOBAL super_read_only = ON;
END
    changed "$server" "account $REPLICATION_USER made"
}

# ensure_setting SERVER NAME VALUE: kept over restarts
ensure_setting() {
    [[ $(fact "$1" "@@GLOBAL.$2") == "$3" ]] && return
    sql "$1" <<<"SET PERSIST $2 = $(quoted "$3")"
    changed "$1" "${2#group_replication_} set"
}

addresses() {
    local server list=()
    for server in "${SERVERS[@]}"; do
        list+=("$(host_of "$server"):$(port_of "$server")")
    done
    (IFS=, && printf '%s' "${list[*]}")
}

prepare_server() {
    local server=$1
    ensure_account "$server"
    ensure_setting "$server" group_replication_group_name "$GROUP_NAME"
    ensure_setting "$server" group_replication_local_address "$(host_of "$server"):$(port_of "$server")"
    ensure_setting "$server" group_replication_group_seeds "$(addresses)"
    ensure_setting "$server" group_replication_start_on_boot 1
}

# --- forming and joining ----------------------------------------------------

# Also from an attempt to join: a server that is started makes one by itself.
leave_group() {
    [[ $(member_state "$1") == OFFLINE ]] || sql "$1" <<<'STOP GROUP_REPLICATION'
}

# start_member SERVER [STATEMENT]: the statement comes first
start_member() {
    sql "$1" 2>"$WORK/refusal-${1//:/-}" <<END
CHANGE REPLICATION SOURCE TO SOURCE_USER = $(quoted "$REPLICATION_USER"),
    SOURCE_PASSWORD = $(quoted "$REPLICATION_PASSWORD") FOR CHANNEL 'group_replication_recovery';
${2:-}
START GROUP_REPLICATION;
END
}

# Each step says by itself that it failed: within a condition, as here, the shell would go on.
bootstrap_group() {
    local server first
    for server in "${SERVERS[@]}"; do
        leave_group "$server" || die "$server did not leave the group that has ended: no other was formed."
    done
    first=$(most_advanced_of "${SERVERS[@]}") || exit 1
    if start_member "$first" 'SET GLOBAL group_replication_bootstrap_group = ON;'; then
        changed "$first" 'formed the group'
    fi
    sql "$first" <<<'SET GLOBAL group_replication_bootstrap_group = OFF' ||
        die "$first would form a second group at its next start: SET GLOBAL group_replication_bootstrap_group = OFF."
}

# The group may hold on to the server's earlier life until it has expelled that; the start fails, and is tried again.
is_member() {
    case $(member_state "$1") in
        ONLINE) return 0 ;;
        RECOVERING) return 1 ;;
    esac
    if leave_group "$1" && start_member "$1"; then
        changed "$1" joined
    fi
    is_online "$1"
}

# Judged anew each time: the last members may have ended meanwhile.
all_are_members() {
    local server
    a_group_exists "${SERVERS[@]}" || bootstrap_group
    for server in "${SERVERS[@]}"; do
        is_member "$server" || return 1
    done
}

form_group() {
    local server
    wait_until "$TIMEOUT" all_are_members && return
    for server in "${SERVERS[@]}"; do
        note "$server is $(member_state "$server"). $(cat "$WORK/refusal-${server//:/-}" 2>/dev/null)"
    done
    die "not all are members within $TIMEOUT s; the error logs of the servers tell more."
}

await_caught_up() {
    local gtids server
    gtids=$(executed_gtids "$PRIMARY")
    for server in "${SERVERS[@]}"; do
        [[ $(sql "$server" <<<"SELECT WAIT_FOR_EXECUTED_GTID_SET('$gtids', $TIMEOUT)") == 0 ]] ||
            die "$server has not applied within $TIMEOUT s what $PRIMARY has."
    done
}

# --- the command ------------------------------------------------------------

read_arguments() {
    SERVERS=()
    while (($# > 0)); do
        case $1 in
            -h | --help) usage && exit 0 ;;
            --timeout) (($# > 1)) || usage_error "$1 wants a value" ;;&
            --timeout) TIMEOUT=$(number "$2") && shift ;;
            -*) usage_error "no option is called '$1'" ;;
            *) SERVERS+=("$1") ;;
        esac
        shift
    done
    ((${#SERVERS[@]} > 2)) || usage_error 'name three servers at least: of two, neither is a majority'
}

prepare_servers() {
    local server
    for server in "${SERVERS[@]}"; do
        require_member_settings "$server"
    done
    choose_group_name
    a_group_exists "${SERVERS[@]}" || require_all_named
    for server in "${SERVERS[@]}"; do
        prepare_server "$server"
    done
}

print_members() {
    local server role
    print_line SERVER ROLE VERSION STATE QUEUE 'WHAT WAS DONE'
    for server in "${SERVERS[@]}"; do
        role=secondary
        [[ $server != "$PRIMARY" ]] || role=primary
        print_server "$server" "$role" "$(member_state "$server")" "$(fact "$server" "(SELECT
            COUNT_TRANSACTIONS_REMOTE_IN_APPLIER_QUEUE FROM performance_schema.replication_group_member_stats
            WHERE MEMBER_ID = @@GLOBAL.server_uuid)")"
    done
}

main() {
    read_arguments "$@"
    prepare_client
    prepare_servers
    form_group
    wait_until "$TIMEOUT" find_primary || die "the group has elected no primary within $TIMEOUT s."
    await_caught_up
    print_members
    echo "Each has what $PRIMARY had when it was asked."
}

main "$@"
