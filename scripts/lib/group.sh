# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the scripts that source it
# The private cluster as a group (MySQL Group Replication): three nodes, of which
# the group elects one as primary. Sourced after node.sh; scripts/lib/replicas.sh
# has the same functions for a primary and replicas.
#
#   $CLUSTER_DIR/group-name   the group's UUID

# shellcheck source=scripts/lib/quorum.sh
. "$PROJECT_ROOT/scripts/lib/quorum.sh"

NODES=(node1 node2 node3)
APPLIERS=() # those that can be paused and delayed: MySQL does so with no member of a group

# For its members to recognise each other, and to go on while one is in offline mode.
REPLICATION_PRIVILEGES='REPLICATION SLAVE, CONNECTION_ADMIN, GROUP_REPLICATION_STREAM'

GROUP_OLDEST=8.0.27 # the first whose members speak MySQL's protocol with each other
JOIN_DEADLINE=120

# --- configuration ----------------------------------------------------------

members_addresses() {
    local node addresses=()
    for node in "${NODES[@]}"; do
        addresses+=("$(host_of "$node"):$(port_of "$node")")
    done
    (IFS=, && printf '%s' "${addresses[*]}")
}

ensure_group_name() {
    [[ -e $CLUSTER_DIR/group-name ]] ||
        write_private_file "$CLUSTER_DIR/group-name" </proc/sys/kernel/random/uuid
}

# docker/mysql/group.cnf gives the same choices, with their reasons at length.
role_configuration() {
    ensure_group_name
    cat <<END

# Until the group says otherwise: a node that is in no group takes no writes.
super_read_only = ON

# Any node may become the primary: a commit that was acknowledged survives a
# crash of the machine.
sync_binlog = 1
innodb_flush_log_at_trx_commit = 1

log_replica_updates = ON
replica_parallel_workers = 2
replica_preserve_commit_order = ON

plugin_load_add = group_replication.so
group_replication_group_name = $(cat -- "$CLUSTER_DIR/group-name")
group_replication_local_address = $(host_of "$1"):$(port_of "$1")
group_replication_group_seeds = $(members_addresses)
report_host = $(host_of "$1")

# Joined by cluster.sh, which knows whether there is a group to join.
group_replication_start_on_boot = OFF

# Members speak MySQL's own protocol with each other, over TLS, as an account
# with a password; the older stack asks for an address only.
group_replication_communication_stack = MYSQL
group_replication_ssl_mode = REQUIRED
group_replication_recovery_use_ssl = ON

# A new primary answers when it has applied all that it had received: until then
# it would show, and change, what is older than what the old one acknowledged.
group_replication_consistency = BEFORE_ON_PRIMARY_FAILOVER

# Five silent seconds raise the suspicion; nothing is added to them.
group_replication_member_expel_timeout = 0

# A node that has lost the others ends the commits that wait in it, and takes no
# further ones.
group_replication_unreachable_majority_timeout = 5

# It comes back by itself, trying every five minutes for a week; and answers
# reads meanwhile: how old they may be is for the service to judge.
group_replication_autorejoin_tries = 2016
group_replication_exit_state_action = READ_ONLY

# The smallest that there is, of a gigabyte
group_replication_message_cache_size = 134217728
END
}

# --- what a node says of the group ------------------------------------------

member_state() {
    local state
    state=$(mysql_client "$1" --batch --skip-column-names --connect-timeout=5 2>/dev/null <<'END'
SELECT MEMBER_STATE FROM performance_schema.replication_group_members WHERE MEMBER_ID = @@GLOBAL.server_uuid
END
    ) || state='NO ANSWER'
    printf '%s' "${state:-OFFLINE}"
}

is_online() {
    is_running "$1" && [[ $(member_state "$1") == ONLINE ]]
}

node_at() {
    local node
    for node in "${NODES[@]}"; do
        if [[ $(host_of "$node"):$(port_of "$node") == "$1" ]]; then
            printf '%s' "$node"
        fi
    done
}

# The one that most nodes name: an old primary that was frozen names itself.
group_primary() {
    local node named
    named=$(for node in "${NODES[@]}"; do
        if is_online "$node"; then
            sql "$node" <<<"SELECT CONCAT(MEMBER_HOST, ':', MEMBER_PORT)
                FROM performance_schema.replication_group_members WHERE MEMBER_ROLE = 'PRIMARY'"
        fi
    done | sort | uniq -c | sort -nr | awk 'NR == 1 { print $2 }')
    [[ -n $named ]] && node_at "$named"
}

# --- forming the group ------------------------------------------------------

# A member in ERROR is busy with rejoining, a minute at a time when there is no
# way to the others, and heeds nothing meanwhile. Begun anew it is ready at once.
leave_group() {
    case $(member_state "$1") in
        OFFLINE) ;;
        ERROR)
            signal_node KILL "$1"
            await_stop "$1"
            launch_node "$1"
            await_node "$1"
            ;;
        *) sql "$1" <<<'STOP GROUP_REPLICATION' ;;
    esac
}

prepare_member() {
    cat <<END
SET GLOBAL group_replication_group_seeds = '$(members_addresses)';
CHANGE REPLICATION SOURCE TO SOURCE_USER = 'oms_repl', SOURCE_PASSWORD = '$(password_of oms_repl)'
    FOR CHANNEL 'group_replication_recovery';
END
}

# All nodes run, and none is in a group that could go on. One that still waits
# for a majority would give the old group up only later.
#
# Each step says by itself that it failed: within a condition, as here, the shell
# would go on.
bootstrap_group() {
    local node first
    for node in "${NODES[@]}"; do
        leave_group "$node" || die "$node did not leave the group that has ended: no other was formed."
    done
    first=$(most_advanced_of "${NODES[@]}") || exit 1
    {
        prepare_member
        echo 'SET GLOBAL group_replication_bootstrap_group = ON;'
        echo 'START GROUP_REPLICATION;'
    } | sql "$first" || die_without_joining "$first"
    sql "$first" <<<'SET GLOBAL group_replication_bootstrap_group = OFF' ||
        die "$first would form a second group at its next start; \`cluster.sh kill $first\` prevents it."
}

# The group may hold on to the node's earlier life until it has expelled that;
# the start fails, and is tried again.
is_member() {
    case $(member_state "$1") in
        ONLINE) return 0 ;;
        RECOVERING) return 1 ;;
    esac
    leave_group "$1"
    {
        prepare_member
        echo 'START GROUP_REPLICATION;'
    } | sql "$1" 2>"$CLUSTER_DIR/$1/refusal" || return 1
    [[ $(member_state "$1") == ONLINE ]]
}

# Judged anew each time: the last members may have ended meanwhile.
all_are_members() {
    local node
    a_group_exists "${NODES[@]}" || bootstrap_group
    for node in "${NODES[@]}"; do
        is_member "$node" || return 1
    done
}

die_without_joining() {
    local node
    for node in "$@"; do
        [[ $(member_state "$node") == ONLINE ]] || last_lines_of "$CLUSTER_DIR/$node/error.log"
    done
    die "$*: not joined in a group within $JOIN_DEADLINE s; the lines above are what was logged."
}

form_group() {
    version_at_least "$MYSQL_VERSION" "$GROUP_OLDEST" ||
        die "MySQL $MYSQL_VERSION is too old for a group; $GROUP_OLDEST is the oldest that will do."
    wait_until "$JOIN_DEADLINE" all_are_members || die_without_joining "${NODES[@]}"
}

has_primary() {
    group_primary >/dev/null
}

await_members() {
    local gtids node
    gtids=$(executed_gtids "$(group_primary)")
    for node in "${NODES[@]}"; do
        [[ $(sql "$node" <<<"SELECT WAIT_FOR_EXECUTED_GTID_SET('$gtids', 60)") == 0 ]] ||
            die "$node has not applied all of the primary's transactions within 60 s."
    done
}

CONNECTING_STEPS=2

connect_nodes() {
    step 'group'
    form_group
    wait_until "$JOIN_DEADLINE" has_primary || die "the group has elected no primary within $JOIN_DEADLINE s."
    step_remark "$(group_primary) is the primary"
    step_done

    step 'database and accounts'
    ensure_accounts "$(group_primary)"
    await_members
    step_done
}

# Online, and in touch with more than half of the members
is_connected() {
    is_online "$1" && (($(members_seen_by "$1" reachable) * 2 > $(members_seen_by "$1")))
}

connect_node() {
    if a_group_exists "${NODES[@]}"; then
        wait_until "$JOIN_DEADLINE" is_member "$1" || die_without_joining "$1"
    else
        note "$1 runs; there is no group for it to join. \`cluster.sh up --group\` starts all nodes, and forms it."
    fi
}

# --- status -----------------------------------------------------------------

STATUS_FORMAT='%-6s %-10s %-19s %7s %-9s %-12s %5s %9s %6s  %s\n'

# One row. "Sees" is how many members answer it; what it says may be out of date
# when these are less than half of them.
node_facts() {
    mysql_client "$1" --batch --skip-column-names --connect-timeout=5 2>/dev/null <<'END'
SELECT COALESCE(NULLIF(LOWER(MAX(IF(own, MEMBER_ROLE, ''))), ''), '-'), VERSION(),
    COALESCE(MAX(IF(own, MEMBER_STATE, NULL)), 'OFFLINE'),
    CONCAT(SUM(MEMBER_STATE NOT IN ('UNREACHABLE', 'OFFLINE')), '/', COUNT(*)),
    IF(@@GLOBAL.super_read_only, 'no', 'yes'),
    COALESCE((SELECT COUNT_TRANSACTIONS_REMOTE_IN_APPLIER_QUEUE
        FROM performance_schema.replication_group_member_stats WHERE MEMBER_ID = @@GLOBAL.server_uuid), '-'),
    COALESCE(NULLIF(REPLACE(@@GLOBAL.gtid_executed, '\n', ''), ''), '-')
FROM (SELECT *, MEMBER_ID = @@GLOBAL.server_uuid AS own FROM performance_schema.replication_group_members) AS members
END
}

print_node_status() {
    local node=$1 pid role version state sees writable queue gtids
    if ! pid=$(pid_of "$node"); then
        set -- - - stopped - - - -
    elif ! read -r role version state sees writable queue gtids < <(node_facts "$node"); then
        set -- - - 'no answer' - - - -
    else
        set -- "$role" "$version" "$state" "$sees" "$writable" "$queue" "$gtids"
    fi
    # shellcheck disable=SC2059 # the format is the constant above
    printf "$STATUS_FORMAT" "$node" "$1" "$(host_of "$node"):$(port_of "$node")" "${pid:--}" "${@:2}"
}

print_status() {
    local node
    # shellcheck disable=SC2059 # the format is the constant above
    printf "$STATUS_FORMAT" NODE ROLE ADDRESS PID VERSION STATE SEES WRITABLE QUEUE 'GTID SET'
    for node in "${NODES[@]}"; do
        print_node_status "$node"
    done
}

# --- settings of the service ------------------------------------------------

service_settings() {
    local node replicas=()
    for node in "${NODES[@]}"; do
        replicas+=("$(account_url oms_read "$node")")
    done
    cat <<END
export DATABASE_URL='$(account_url oms_app "${NODES[@]}")'
export REPLICA_URLS='$(IFS=, && printf '%s' "${replicas[*]}")'
export MIGRATION_DATABASE_URL='$(account_url oms_migrate "${NODES[@]}")'
END
}
