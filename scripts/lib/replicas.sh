# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the scripts that source it
# The private cluster as one primary and two replicas, semi-synchronous.
# Sourced after node.sh; scripts/lib/group.sh has the same functions for a group.

NODES=(primary replica1 replica2)
for directory in "$CLUSTER_DIR"/replica[3-9]; do # those that `add` has made
    [[ ! -d $directory ]] || NODES+=("${directory##*/}")
done
REPLICAS=("${NODES[@]:1}")
APPLIERS=("${REPLICAS[@]}") # those that can be paused and delayed

REPLICATION_PRIVILEGES='REPLICATION SLAVE'

# --- configuration ----------------------------------------------------------

role_configuration() {
    semisync_configuration
    case $1 in
        primary) primary_configuration ;;
        *) replica_configuration ;;
    esac
    if another_takes_writes "$1"; then
        fenced_configuration
    fi
}

# Roles may have been swapped (manage.py replication promote): what a server
# had persisted as the primary counts no longer once another one is.
fenced_configuration() {
    cat <<'END'

persisted_globals_load = OFF
super_read_only = ON
skip_replica_start = ON
END
}

# Lossless: the primary shows a commit to nobody, itself included, before a
# replica has received it. Loaded everywhere, so that roles can be swapped.
semisync_configuration() {
    cat <<END

plugin_load_add = rpl_semi_sync_source=semisync_source.so
plugin_load_add = rpl_semi_sync_replica=semisync_replica.so
rpl_semi_sync_source_wait_point = AFTER_SYNC
rpl_semi_sync_source_wait_for_replica_count = 1

# Milliseconds, as in docker/mysql/node.cnf. Receiving is enough, so that a
# paused or delayed replica costs nothing; without any, one commit waits.
rpl_semi_sync_source_timeout = ${SEMISYNC_TIMEOUT_MS:-1000}

# Seeds a node anew that has diverged.
plugin_load_add = mysql_clone.so
END
}

primary_configuration() {
    cat <<'END'

rpl_semi_sync_source_enabled = ON

# A commit that was acknowledged survives a crash of the machine.
sync_binlog = 1
innodb_flush_log_at_trx_commit = 1
END
}

replica_configuration() {
    cat <<'END'

rpl_semi_sync_replica_enabled = ON

# Not even an administrator writes here by mistake.
super_read_only = ON

# Started by cluster.sh once it has checked where the primary listens now: a
# stranger may have taken the port that the replica remembers.
skip_replica_start = ON

log_replica_updates = ON
replica_parallel_workers = 2
replica_preserve_commit_order = ON
relay_log_recovery = ON

# A silent primary is noticed after ten seconds rather than a minute.
replica_net_timeout = 10

# Relaxed: what a crash of the machine takes is fetched from the primary
# again. A kill of the process alone takes nothing.
sync_binlog = 0
innodb_flush_log_at_trx_commit = 2
END
}

# --- replication ------------------------------------------------------------

takes_writes() {
    is_running "$1" && [[ $(sql "$1" 2>/dev/null <<<'SELECT @@GLOBAL.super_read_only') == 0 ]]
}

another_takes_writes() {
    local node
    for node in "${NODES[@]}"; do
        if [[ $node != "$1" ]] && takes_writes "$node"; then
            return
        fi
    done
    return 1
}

# The node that is the primary now: the one of that name, unless roles were swapped.
primary_now() {
    local node
    for node in "${NODES[@]}"; do
        if takes_writes "$node"; then
            printf '%s' "$node"
            return
        fi
    done
    printf primary
}

source_port_of() {
    sql "$1" <<<"SELECT PORT FROM performance_schema.replication_connection_configuration
                 WHERE CHANNEL_NAME = ''"
}

# Tries every second for a fortnight: a primary that returns is found at once.
# An option that is not named here, such as the delay, stays as it was.
change_source_statements() {
    cat <<END
STOP REPLICA;
CHANGE REPLICATION SOURCE TO
    SOURCE_HOST = '127.0.0.1', SOURCE_PORT = $(port_of "$PRIMARY_NOW"),
    SOURCE_USER = 'oms_repl', SOURCE_PASSWORD = '$(password_of oms_repl)',
    SOURCE_SSL = 1, SOURCE_AUTO_POSITION = 1,
    SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 1000000;
END
}

knows_primary() {
    [[ $(source_port_of "$1") == "$(port_of "$PRIMARY_NOW")" ]]
}

# Points a replica at the primary, where that has moved, and lets it replicate.
follow_primary() {
    local replica=$1
    knows_primary "$replica" || change_source_statements | sql "$replica"
    sql "$replica" <<<'START REPLICA'
}

# For a primary that has come back. Replicas that know its port find it
# themselves; what was paused stays so.
announce_primary() {
    local replica
    for replica in "${NODES[@]}"; do
        if [[ $replica != "$PRIMARY_NOW" ]] && is_running "$replica" && ! knows_primary "$replica"; then
            follow_primary "$replica"
        fi
    done
}

configured_delay() {
    sql "$1" <<<"SELECT DESIRED_DELAY FROM performance_schema.replication_applier_configuration
                 WHERE CHANNEL_NAME = ''"
}

await_replica() {
    local replica=$1 gtids=$2 seconds=60 missing
    if (($(configured_delay "$replica") > 0)); then
        note "$replica keeps its delay of $(configured_delay "$replica") s; not waiting for it."
        return
    fi
    missing=$(sql "$replica" <<<"SELECT WAIT_FOR_EXECUTED_GTID_SET('$gtids', $seconds)")
    if [[ $missing != 0 ]]; then
        print_status >&2
        die "$replica has not applied all of the primary's transactions within $seconds s."
    fi
}

await_replicas() {
    local gtids replica
    gtids=$(executed_gtids "$PRIMARY_NOW")
    for replica in "${NODES[@]}"; do
        [[ $replica == "$PRIMARY_NOW" ]] || await_replica "$replica" "$gtids"
    done
}

CONNECTING_STEPS=2

connect_nodes() {
    step 'replication'
    require_one_primary
    announce_primary
    start_replicas
    step_done

    step 'database and accounts' # after that: a commit waits for a replica
    ensure_accounts "$PRIMARY_NOW"
    await_replicas
    step_done
}

require_one_primary() {
    PRIMARY_NOW=$(primary_now)
    ! another_takes_writes "$PRIMARY_NOW" || die "two nodes take writes. On the one that is not to, run:" \
        "SET PERSIST super_read_only = ON (cluster.sh mysql NODE); then manage.py replication rejoin."
}

start_replicas() {
    local node
    for node in "${NODES[@]}"; do
        if [[ $node != "$PRIMARY_NOW" ]]; then
            sql "$node" <<<'START REPLICA'
        fi
    done
}

is_connected() {
    is_running "$1"
}

connect_node() {
    PRIMARY_NOW=$(primary_now)
    if [[ $1 == "$PRIMARY_NOW" ]]; then
        announce_primary
    elif [[ -n $(source_port_of "$1") ]]; then
        follow_primary "$1"
    else
        note "$1 was the primary, and runs read only: manage.py replication rejoin makes it a replica of $PRIMARY_NOW."
    fi
}

# --- status -----------------------------------------------------------------

# One round trip a node; NAME: VALUE lines, which print_node_status reads.
node_facts() {
    local statements="SELECT VERSION() AS Version, REPLACE(@@GLOBAL.gtid_executed, '\n', '') AS Gtids;"
    statements+=' SHOW REPLICA STATUS;'
    mysql_client "$1" --vertical --connect-timeout=5 <<<"$statements" 2>/dev/null
}

STATUS_FORMAT='%-9s %-8s %5s %8s %-9s %-10s %-8s %6s %6s  %s\n'

print_node_status() {
    local node=$1 role=replica pid facts
    [[ $node == "$PRIMARY_NOW" ]] && role=primary
    if ! pid=$(pid_of "$node"); then
        # shellcheck disable=SC2059 # the format is the constant above
        printf "$STATUS_FORMAT" "$node" "$role" "$(port_of "$node")" - stopped - - - - -
        return
    fi
    facts=$(node_facts "$node") || facts='Version: no answer'
    awk -v format="$STATUS_FORMAT" -v node="$node" -v role="$role" -v port="$(port_of "$node")" -v pid="$pid" '
        { name = $1; sub(/:$/, "", name); sub(/^ *[A-Za-z_]+: ?/, ""); fact[name] = $0 }
        function known(name) { return fact[name] == "" || fact[name] == "NULL" ? "-" : fact[name] }
        END {
            printf format, node, role, port, pid, known("Version"), known("Replica_IO_Running"),
                known("Replica_SQL_Running"), known("SQL_Delay"), known("Seconds_Behind_Source"), known("Gtids")
            if (fact["Last_IO_Error"] != "") print "          receiver: " fact["Last_IO_Error"]
            if (fact["Last_SQL_Error"] != "") print "          applier: " fact["Last_SQL_Error"]
        }' <<<"$facts"
}

print_status() {
    local node PRIMARY_NOW
    PRIMARY_NOW=$(primary_now)
    # shellcheck disable=SC2059 # the format is the constant above
    printf "$STATUS_FORMAT" NODE ROLE PORT PID VERSION RECEIVER APPLIER DELAY LAG 'GTID SET'
    for node in "${NODES[@]}"; do
        print_node_status "$node"
    done
}

# --- settings of the service ------------------------------------------------

service_settings() {
    cat <<END
export DATABASE_URL='$(account_url oms_app primary)'
export REPLICA_URLS='$(account_url oms_read replica1),$(account_url oms_read replica2)'
export MIGRATION_DATABASE_URL='$(account_url oms_migrate primary)'
END
}
