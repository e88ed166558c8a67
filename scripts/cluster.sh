#!/usr/bin/env bash
# The private MySQL cluster: one primary, two replicas. See --help.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/mysql.sh
. "$PROJECT_ROOT/scripts/lib/mysql.sh"

usage() {
    cat <<END
Usage: cluster.sh COMMAND [ARGUMENT...]

Runs a private MySQL cluster, one primary and two replicas, as the user who
calls it, under var/cluster of the repository. It touches nothing outside.

  up                    create what is missing, start what is stopped, wait
                        until the replicas have all that the primary has
  down                  stop the servers; the data stays
  destroy               stop the servers and remove the data
  status                a line for each node
  running               print the nodes that run; exit 1 when none does
  env                   print the settings that point the service at the
                        cluster, as lines for \`eval\` or a file to source
  mysql NODE [ARG...]   the mysql client, as administrator
  start NODE            start one server; a replica resumes replication
  stop NODE             stop one server in good order
  kill NODE             end one server at once (SIGKILL)
  delay NODE SECONDS    a replica applies each transaction that much later;
                        0 ends it
  pause NODE            a replica receives transactions, but applies none
  resume NODE           it applies them again

NODE is primary, replica1 or replica2.

Environment:
  CLUSTER_DIR     where the cluster lives, relative to the repository
                  (var/cluster)
  MYSQLD, MYSQL   the server and the client to use. Without them: the ones on
                  PATH (MySQL $MYSQL_OLDEST or newer), else, on Debian and Ubuntu,
                  the distribution's packages, unpacked once into the cache
                  directory of the user without being installed.

Exit status: 0 done, 1 failed, 2 the command was wrong.
END
}

# Absolute, because it is part of the command line that a running server is
# known by.
absolute_cluster_directory() {
    cd -- "$PROJECT_ROOT"
    realpath -m -- "${CLUSTER_DIR:-var/cluster}"
}

CLUSTER_DIR=$(absolute_cluster_directory)
MARKER=$CLUSTER_DIR/.private-mysql-cluster # says that this directory is ours
COMPLETE=$CLUSTER_DIR/.complete            # the accounts are made, the data is good
umask 077

# shellcheck source=scripts/lib/node.sh
. "$PROJECT_ROOT/scripts/lib/node.sh"

# --- guards -----------------------------------------------------------------

# The lock is beside the directory, not in it: `destroy` removes the directory.
take_lock() {
    mkdir -p -- "$(dirname -- "$CLUSTER_DIR")"
    { exec 9>"$CLUSTER_DIR.lock"; } 2>/dev/null ||
        die "$CLUSTER_DIR.lock cannot be written by $(id -un); set CLUSTER_DIR to a place of your own."
    if ! flock -n 9; then
        note "another command is changing this cluster; waiting for it."
        flock -w 300 9 || die "it has not ended within 300 s."
    fi
}

require_cluster() {
    [[ -e $COMPLETE ]] || die "there is no cluster in $CLUSTER_DIR; \`cluster.sh up\` makes one."
    require_owner
}

# As another user the servers could not read their files, and as root they
# would leave files that the owner cannot read.
require_owner() {
    [[ ! -e $CLUSTER_DIR || -O $CLUSTER_DIR ]] ||
        die "$CLUSTER_DIR belongs to $(stat -c %U -- "$CLUSTER_DIR"); act as that user, or set CLUSTER_DIR."
}

require_running() {
    require_cluster
    is_running "$1" || die "$1 is stopped; \`cluster.sh start $1\` starts it."
}

require_mysql() {
    find_mysql || die "the MySQL programs are gone${REFUSAL:+ ($REFUSAL)}; \`cluster.sh up\` fetches them."
}

check_node() {
    local node
    for node in "${NODES[@]}"; do
        [[ $1 == "$node" ]] && return
    done
    usage_error "no node is called '$1': primary, replica1 or replica2"
}

check_replica() {
    check_node "$1"
    [[ $1 != primary ]] || usage_error "the primary applies nothing: replica1 or replica2"
}

expect_arguments() {
    local command=$1 names=$2 given=$3
    set -f
    # shellcheck disable=SC2086 # a list of words
    set -- $names
    set +f
    (($# == given)) || usage_error "usage: cluster.sh $command${names:+ $names}"
}

# --- making the cluster -----------------------------------------------------

running_nodes() {
    local node
    for node in "${NODES[@]}"; do
        if is_running "$node"; then
            printf '%s\n' "$node"
        fi
    done
}

claim_directory() {
    require_owner
    if [[ ! -e $MARKER ]]; then
        [[ ! -d $CLUSTER_DIR || -z $(ls -A -- "$CLUSTER_DIR") ]] ||
            die "$CLUSTER_DIR holds something else; set CLUSTER_DIR to a directory of its own."
        mkdir -p -- "$CLUSTER_DIR"
        : >"$MARKER"
    fi
}

choose_passwords() {
    local account
    for account in root oms_repl oms_app oms_read oms_migrate; do
        printf '%s %s\n' "$account" "$(random_secret)"
    done | write_private_file "$CLUSTER_DIR/passwords"

    write_private_file "$CLUSTER_DIR/client.cnf" <<END
[client]
user = root
password = $(password_of root)
END
}

administrator_statements() {
    cat <<END
CREATE USER 'root'@'127.0.0.1' IDENTIFIED BY '$(password_of root)';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
DROP USER 'root'@'localhost';
END
}

# One directory is initialised and copied: that takes a third of the work.
# Nothing is logged meanwhile, so all three start with an empty GTID set.
create_data_directories() {
    local node first=$CLUSTER_DIR/primary
    mkdir -p -- "${NODES[@]/#/$CLUSTER_DIR/}"
    node_configuration primary >"$first/my.cnf"
    administrator_statements >"$first/init.sql"
    # shellcheck disable=SC2046 # one word or none
    if ! "${MYSQLD_COMMAND[@]}" --defaults-file="$first/my.cnf" "${MYSQLD_PATHS[@]}" \
        $(user_option) --datadir="$first/data" --disable-log-bin --initialize-insecure \
        --init-file="$first/init.sql" </dev/null >>"$first/error.log" 2>&1; then
        end_open_line
        last_lines_of "$first/error.log"
        die "MySQL could not initialise a data directory; the lines above are its log."
    fi
    rm -f -- "$first/init.sql"
    rm -f -- "$first/data/auto.cnf" # the server's identity: each makes its own
    for node in "${REPLICAS[@]}"; do
        cp -a -- "$first/data" "$CLUSTER_DIR/$node/data"
    done
}

# An `up` that was interrupted half-way begins again.
discard_incomplete_data() {
    local node
    for node in "${NODES[@]}"; do
        signal_node KILL "$node"
        await_stop "$node"
        rm -rf -- "${CLUSTER_DIR:?}/$node"
    done
}

ensure_data_directories() {
    if [[ -e $COMPLETE ]]; then
        return
    fi
    discard_incomplete_data
    choose_passwords
    create_data_directories
}

start_stopped_nodes() {
    local node stopped=()
    for node in "${NODES[@]}"; do
        if is_stopped "$node"; then
            ensure_port "$node"
            stopped+=("$node")
        fi
    done
    for node in "${stopped[@]}"; do
        launch_node "$node"
    done
    for node in "${stopped[@]}"; do
        await_node "$node"
    done
}

# Each account may do what its task needs and comes from this machine only.
account_statements() {
    cat <<END
CREATE DATABASE oms CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci;

-- replication itself
CREATE USER 'oms_repl'@'127.0.0.1'
    IDENTIFIED WITH caching_sha2_password BY '$(password_of oms_repl)' REQUIRE SSL;
GRANT REPLICATION SLAVE ON *.* TO 'oms_repl'@'127.0.0.1';

-- the service on the primary
CREATE USER 'oms_app'@'127.0.0.1'
    IDENTIFIED WITH caching_sha2_password BY '$(password_of oms_app)';
GRANT SELECT, INSERT, UPDATE, DELETE ON oms.* TO 'oms_app'@'127.0.0.1';

-- the service on the replicas
CREATE USER 'oms_read'@'127.0.0.1'
    IDENTIFIED WITH caching_sha2_password BY '$(password_of oms_read)';
GRANT SELECT ON oms.* TO 'oms_read'@'127.0.0.1';

-- the service asks each server about its replication: SHOW REPLICA STATUS,
-- and the tables replication_* of the performance schema
GRANT REPLICATION CLIENT ON *.* TO 'oms_app'@'127.0.0.1', 'oms_read'@'127.0.0.1';
GRANT SELECT ON performance_schema.* TO 'oms_app'@'127.0.0.1', 'oms_read'@'127.0.0.1';

-- migrations, and the database that the tests create
CREATE USER 'oms_migrate'@'127.0.0.1'
    IDENTIFIED WITH caching_sha2_password BY '$(password_of oms_migrate)';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES,
    TRIGGER, CREATE VIEW, SHOW VIEW, CREATE TEMPORARY TABLES, LOCK TABLES
    ON oms.* TO 'oms_migrate'@'127.0.0.1';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES,
    TRIGGER, CREATE VIEW, SHOW VIEW, CREATE TEMPORARY TABLES, LOCK TABLES
    ON \`test\_oms%\`.* TO 'oms_migrate'@'127.0.0.1';
END
}

ensure_accounts() {
    if [[ -e $COMPLETE ]]; then
        return
    fi
    account_statements | sql primary
    : >"$COMPLETE"
}

# --- replication ------------------------------------------------------------

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
    SOURCE_HOST = '127.0.0.1', SOURCE_PORT = $(port_of primary),
    SOURCE_USER = 'oms_repl', SOURCE_PASSWORD = '$(password_of oms_repl)',
    SOURCE_SSL = 1, SOURCE_AUTO_POSITION = 1,
    SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 1000000;
END
}

knows_primary() {
    [[ $(source_port_of "$1") == "$(port_of primary)" ]]
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
    for replica in "${REPLICAS[@]}"; do
        if is_running "$replica" && ! knows_primary "$replica"; then
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
    gtids=$(executed_gtids primary)
    for replica in "${REPLICAS[@]}"; do
        await_replica "$replica" "$gtids"
    done
}

# --- status -----------------------------------------------------------------

# One round trip a node; NAME: VALUE lines, which print_node_status reads.
node_facts() {
    local statements="SELECT VERSION() AS Version, REPLACE(@@GLOBAL.gtid_executed, '\n', '') AS Gtids;"
    [[ $1 == primary ]] || statements+=' SHOW REPLICA STATUS;'
    mysql_client "$1" --vertical --connect-timeout=5 <<<"$statements" 2>/dev/null
}

STATUS_FORMAT='%-9s %-8s %5s %8s %-9s %-10s %-8s %6s %6s  %s\n'

print_node_status() {
    local node=$1 role=replica pid facts
    [[ $node == primary ]] && role=primary
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
    local node
    # shellcheck disable=SC2059 # the format is the constant above
    printf "$STATUS_FORMAT" NODE ROLE PORT PID VERSION RECEIVER APPLIER DELAY LAG 'GTID SET'
    for node in "${NODES[@]}"; do
        print_node_status "$node"
    done
}

# --- the commands -----------------------------------------------------------

command_up() {
    take_lock
    claim_directory
    STEP_TOTAL=5

    step 'MySQL'
    provide_mysql
    step_remark "$MYSQL_VERSION"
    step_done

    step 'data directories'
    ensure_data_directories
    step_done

    step 'primary, replica1, replica2'
    start_stopped_nodes
    step_done

    step 'database and accounts'
    ensure_accounts
    step_done

    step 'replication'
    follow_primary replica1
    follow_primary replica2
    await_replicas
    step_done

    print_status | sed "s/^/$STEP_INDENT/"
}

stop_nodes() {
    local signal=$1 node
    for node in "${NODES[@]}"; do
        signal_node "$signal" "$node"
    done
    for node in "${NODES[@]}"; do
        await_stop "$node"
    done
}

command_down() {
    take_lock
    require_owner
    stop_nodes TERM
}

# The data goes anyway, so the servers need not put it in order first.
command_destroy() {
    take_lock
    [[ -e $CLUSTER_DIR ]] || return 0
    require_owner
    [[ -e $MARKER ]] || die "$CLUSTER_DIR is not a cluster of this script; remove it by hand."
    stop_nodes KILL
    rm -rf -- "$CLUSTER_DIR"
}

command_status() {
    require_cluster
    require_mysql
    print_status
}

command_running() {
    local names
    names=$(running_nodes)
    [[ -n $names ]] && printf '%s\n' "$names"
}

account_url() {
    printf 'mysql://%s:%s@127.0.0.1:%s/oms' "$1" "$(password_of "$1")" "$(port_of "$2")"
}

command_env() {
    require_cluster
    cat <<END
export DATABASE_URL='$(account_url oms_app primary)'
export REPLICA_URLS='$(account_url oms_read replica1),$(account_url oms_read replica2)'
export MIGRATION_DATABASE_URL='$(account_url oms_migrate primary)'
END
}

command_mysql() {
    (($# > 0)) || usage_error 'usage: cluster.sh mysql NODE [ARGUMENT...]'
    check_node "$1"
    local node=$1 options=()
    shift
    require_running "$node"
    require_mysql
    # Newer clients obey \G and the like only when told to.
    if [[ $("${MYSQL_COMMAND[@]}" --no-defaults --help) == *' --commands '* ]]; then
        options+=(--commands)
    fi
    mysql_client "$node" "${options[@]}" "$@"
}

command_start() {
    local node=$1
    take_lock
    require_cluster
    require_mysql
    is_stopped "$node" || return 0
    ensure_port "$node"
    launch_node "$node"
    await_node "$node"
    case $node in
        primary) announce_primary ;;
        *) follow_primary "$node" ;;
    esac
}

command_stop() {
    take_lock
    require_cluster
    signal_node TERM "$1"
    await_stop "$1"
}

command_kill() {
    require_cluster
    signal_node KILL "$1"
    await_stop "$1"
}

applier_state() {
    sql "$1" <<<"SELECT SERVICE_STATE FROM performance_schema.replication_applier_status
                 WHERE CHANNEL_NAME = ''"
}

# The delay can only be changed while the applier stands still; one that was
# paused before stays so.
command_delay() {
    local replica=$1 seconds=$2 state
    require_running "$replica"
    require_mysql
    state=$(applier_state "$replica")
    {
        printf '%s\n' 'STOP REPLICA SQL_THREAD;' \
            "CHANGE REPLICATION SOURCE TO SOURCE_DELAY = $seconds;"
        [[ $state != ON ]] || printf '%s\n' 'START REPLICA SQL_THREAD;'
    } | sql "$replica"
}

command_pause() {
    require_running "$1"
    require_mysql
    sql "$1" <<<'STOP REPLICA SQL_THREAD'
}

command_resume() {
    require_running "$1"
    require_mysql
    sql "$1" <<<'START REPLICA SQL_THREAD'
}

main() {
    local command=${1:-}
    case $command in
        '') usage >&2 && exit 2 ;;
        -h | --help | help) usage && exit 0 ;;
    esac
    shift
    require_command flock util-linux
    require_command setsid util-linux
    case $command in
        up | down | destroy | status | running | env)
            expect_arguments "$command" '' $#
            ;;
        start | stop | kill)
            expect_arguments "$command" NODE $#
            check_node "$1"
            ;;
        pause | resume)
            expect_arguments "$command" NODE $#
            check_replica "$1"
            ;;
        delay)
            expect_arguments "$command" 'NODE SECONDS' $#
            check_replica "$1"
            [[ $2 =~ ^[0-9]{1,9}$ ]] || usage_error "'$2' is not a number of seconds"
            ;;
        mysql) ;;
        *) usage_error "no command is called '$command'" ;;
    esac
    "command_$command" "$@"
}

main "$@"
