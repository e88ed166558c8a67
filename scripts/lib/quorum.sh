# shellcheck shell=bash
# From which servers a group (MySQL Group Replication) may be formed, and whether
# one goes on. Sourced by what has
#
#   sql SERVER          runs the statements on its standard input
#   is_online SERVER    whether it calls itself a member that is online
#   note, die           scripts/lib/common.sh

APPLIER_CHANNEL=group_replication_applier

# members_seen_by SERVER, or only those that it can reach: members_seen_by SERVER reachable
members_seen_by() {
    sql "$1" <<<"SELECT COUNT(*) FROM performance_schema.replication_group_members
                 WHERE '${2:-}' = '' OR MEMBER_STATE <> 'UNREACHABLE'"
}

# a_group_exists SERVER...: more than half of the members of some group are there to decide. One that calls itself
# online may be mistaken, for some seconds after the others have lost it or it has lost them.
a_group_exists() {
    local server online=()
    for server in "$@"; do
        if is_online "$server"; then
            online+=("$server")
        fi
    done
    for server in "${online[@]}"; do
        if ((${#online[@]} * 2 > $(members_seen_by "$server"))); then
            return
        fi
    done
    return 1
}

# Also what it has received and not yet applied, which it has acknowledged to the group: "Restarting a Group" in
# MySQL's manual.
transactions_of() {
    sql "$1" <<<"SELECT REPLACE(CONCAT_WS(',', NULLIF(@@GLOBAL.gtid_executed, ''),
        (SELECT NULLIF(RECEIVED_TRANSACTION_SET, '') FROM performance_schema.replication_connection_status
         WHERE CHANNEL_NAME = '$APPLIER_CHANNEL')), '\n', '')"
}

# has_all_transactions SERVER: that any has whose TRANSACTIONS are known
has_all_transactions() {
    local other
    for other in "${!TRANSACTIONS[@]}"; do
        [[ $(sql "$1" <<<"SELECT GTID_SUBSET('${TRANSACTIONS[$other]}', '${TRANSACTIONS[$1]}')") == 1 ]] || return 1
    done
}

# most_advanced_of SERVER...: the one that may form the group. One that does not answer may have more than all others.
most_advanced_of() {
    local server
    local -A TRANSACTIONS=()
    for server in "$@"; do
        TRANSACTIONS[$server]=$(transactions_of "$server") ||
            die "$server does not answer, so that nobody knows what it has: no group was formed."
    done
    for server in "$@"; do
        if has_all_transactions "$server"; then
            printf '%s' "$server"
            return
        fi
    done
    for server in "$@"; do
        note "$server has ${TRANSACTIONS[$server]}"
    done
    die "they have diverged: none has all of the transactions above. No group was formed."
}
