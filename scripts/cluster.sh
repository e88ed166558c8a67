#!/usr/bin/env bash
# The private MySQL cluster: a primary and two replicas, or a group of three. See --help.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/mysql.sh
. "$PROJECT_ROOT/scripts/lib/mysql.sh"

usage() {
    cat <<END
Usage: cluster.sh COMMAND [ARGUMENT...] [--group]

Runs a private MySQL cluster, one primary and two replicas, as the user who
calls it, under var/cluster of the repository. It touches nothing outside.

With --group it is one under var/group, of three nodes of Group Replication
that elect their primary. The option goes with each command, unless
CLUSTER_DIR names the directory.

  up                    create what is missing, start what is stopped, wait
                        until the replicas have all that the primary has; a
                        group that has ended is formed anew, from the node
                        that has all transactions
  down                  stop the servers; the data stays
  destroy               stop the servers and remove the data
  status                a line for each node
  running               print the nodes that run; exit 1 when none does
  env                   print the settings that point the service at the
                        cluster, as lines for \`eval\` or a file to source
  mysql NODE [ARG...]   the mysql client, as administrator
  add                   one more server, replica3 and so on: empty, and a replica
                        of nobody until scripts/setup-replication.sh or you
                        make it one; prints its name, host and port
  start NODE            start one server; a replica resumes replication, a
                        member of a group joins it again
  stop NODE             stop one server in good order
  kill NODE             end one server at once (SIGKILL)
  freeze NODE           it stands still, connections and all (SIGSTOP)
  thaw NODE             it goes on (SIGCONT)
  delay NODE SECONDS    a replica applies each transaction that much later;
                        0 ends it
  pause NODE            a replica receives transactions, but applies none
  resume NODE           it applies them again
  cut NODE              the other nodes and this one lose each other, clients
                        reach all; for a group with --namespaces
  mend NODE             they find each other again

NODE is primary, replica1 or replica2; in a group node1, node2 or node3.

\`up --group --namespaces\`, for root, makes a group of which each node has a
network namespace of its own, so that it can be cut off.

Environment:
  CLUSTER_DIR     where the cluster lives, relative to the repository
                  (var/cluster, with --group var/group)
  SEMISYNC_TIMEOUT_MS
                  how long a commit waits for a replica that has it, before
                  the primary goes on without (1000); read at a node's start
  MYSQLD, MYSQL   the server and the client to use. Without them: the ones on
                  PATH (MySQL $MYSQL_OLDEST or newer), else, on Debian and Ubuntu,
                  the distribution's packages, unpacked once into the cache
                  directory of the user without being installed.

Exit status: 0 done, 1 failed, 2 the command was wrong.
END
}

umask 077

# --- which cluster ----------------------------------------------------------

# Options may stand anywhere, except among those that are for the mysql client.
read_options() {
    ARGUMENTS=() WANTED_TOPOLOGY='' WITH_NAMESPACES=false
    while (($# > 0)); do
        case $1 in
            --group) WANTED_TOPOLOGY=group ;;
            --namespaces) WITH_NAMESPACES=true ;;
            mysql)
                ARGUMENTS+=("$@")
                break
                ;;
            *) ARGUMENTS+=("$1") ;;
        esac
        shift
    done
}

# Absolute, because it is part of the command line that a running server is
# known by.
absolute_cluster_directory() {
    local default=var/cluster
    [[ -z $WANTED_TOPOLOGY ]] || default=var/group
    cd -- "$PROJECT_ROOT"
    realpath -m -- "${CLUSTER_DIR:-$default}"
}

choose_cluster() {
    CLUSTER_DIR=$(absolute_cluster_directory)
    MARKER=$CLUSTER_DIR/.private-mysql-cluster # says that this directory is ours, and its topology
    COMPLETE=$CLUSTER_DIR/.complete            # the accounts are made, the data is good
    TOPOLOGY=$WANTED_TOPOLOGY
    [[ ! -e $MARKER ]] || TOPOLOGY=$(cat -- "$MARKER")
    TOPOLOGY=${TOPOLOGY:-replicas} # before there were groups the marker was empty
    # shellcheck source=scripts/lib/network.sh
    . "$PROJECT_ROOT/scripts/lib/network.sh"
    # shellcheck source=scripts/lib/node.sh
    . "$PROJECT_ROOT/scripts/lib/node.sh"
    # shellcheck source=scripts/lib/replicas.sh
    . "$PROJECT_ROOT/scripts/lib/$TOPOLOGY.sh"
}

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
    [[ -e $COMPLETE ]] || die "there is no cluster in $CLUSTER_DIR; \`cluster.sh up${WANTED_TOPOLOGY:+ --group}\` makes one."
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
    [[ " ${NODES[*]} " == *" $1 "* ]] || usage_error "no node is called '$1', of: ${NODES[*]}"
}

check_applier() {
    check_node "$1"
    ((${#APPLIERS[@]} > 0)) || usage_error "MySQL neither pauses nor delays a member of a group"
    [[ " ${APPLIERS[*]} " == *" $1 "* ]] || usage_error "the $1 applies nothing; choose of: ${APPLIERS[*]}"
}

# Data of one topology is none of the other's.
require_topology() {
    local asked=${WANTED_TOPOLOGY:-replicas}
    [[ $TOPOLOGY == "$asked" ]] && return
    case $TOPOLOGY in
        group) die "$CLUSTER_DIR holds a group: \`up --group\` starts it. Else set CLUSTER_DIR to another directory." ;;
        replicas) die "$CLUSTER_DIR holds a primary and replicas: \`up\` starts them. Else set CLUSTER_DIR to another directory." ;;
    esac
}

require_group_of_namespaces() {
    require_running "$1"
    has_namespaces || die "the nodes share the loopback, where none can be cut off: \`up --group --namespaces\` makes" \
        "a group that can, in another directory or after \`destroy\`."
    require_namespaces
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
        printf '%s\n' "$TOPOLOGY" >"$MARKER"
    fi
    if [[ $WITH_NAMESPACES == true ]] && ! has_namespaces; then
        [[ ! -e $COMPLETE ]] || die "the cluster in $CLUSTER_DIR was made without namespaces; \`destroy\` it first."
        require_namespaces
        choose_subnet
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

# What every node has from its beginning: an administrator, and the account by
# which the nodes reach each other.
first_statements() {
    local host
    host=$(account_host)
    cat <<END
CREATE USER 'root'@'$host' IDENTIFIED BY '$(password_of root)';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'$host' WITH GRANT OPTION;
CREATE USER 'oms_repl'@'$host'
    IDENTIFIED WITH caching_sha2_password BY '$(password_of oms_repl)' REQUIRE SSL;
GRANT $REPLICATION_PRIVILEGES ON *.* TO 'oms_repl'@'$host';
DROP USER 'root'@'localhost';
END
}

# One directory is initialised and copied: that takes a third of the work.
# Nothing is logged meanwhile, so all three start with an empty GTID set.
create_data_directories() {
    local node first=$CLUSTER_DIR/${NODES[0]}
    mkdir -p -- "${NODES[@]/#/$CLUSTER_DIR/}"
    initialize_data_directory "${NODES[0]}"
    for node in "${NODES[@]:1}"; do
        cp -a -- "$first/data" "$CLUSTER_DIR/$node/data"
    done
}

initialize_data_directory() {
    local first=$CLUSTER_DIR/$1
    shared_configuration "$1" >"$first/my.cnf"
    first_statements >"$first/init.sql"
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
}

# add_node NODE: a server of its own making, read only, that runs
add_node() {
    local node=$1 directory=$CLUSTER_DIR/$1
    NODES+=("$node")
    mkdir -- "$directory"
    initialize_data_directory "$node"
    ensure_port "$node"
    launch_node "$node"
    await_node "$node"
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
    ensure_namespaces
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

# Each account may do what its task needs and comes from this machine only. The
# accounts are made on the primary, from which the others have them.
account_statements() {
    local host
    host=$(account_host)
    cat <<END
CREATE DATABASE oms CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci;

-- the service on the primary
CREATE USER 'oms_app'@'$host'
    IDENTIFIED WITH caching_sha2_password BY '$(password_of oms_app)';
GRANT SELECT, INSERT, UPDATE, DELETE ON oms.* TO 'oms_app'@'$host';

-- the service on the replicas
CREATE USER 'oms_read'@'$host'
    IDENTIFIED WITH caching_sha2_password BY '$(password_of oms_read)';
GRANT SELECT ON oms.* TO 'oms_read'@'$host';

-- the service asks each server about its replication: SHOW REPLICA STATUS,
-- and the tables replication_* of the performance schema
GRANT REPLICATION CLIENT ON *.* TO 'oms_app'@'$host', 'oms_read'@'$host';
GRANT SELECT ON performance_schema.* TO 'oms_app'@'$host', 'oms_read'@'$host';

-- migrations, and the database that the tests create
CREATE USER 'oms_migrate'@'$host'
    IDENTIFIED WITH caching_sha2_password BY '$(password_of oms_migrate)';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES,
    TRIGGER, CREATE VIEW, SHOW VIEW, CREATE TEMPORARY TABLES, LOCK TABLES
    ON oms.* TO 'oms_migrate'@'$host';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES,
    TRIGGER, CREATE VIEW, SHOW VIEW, CREATE TEMPORARY TABLES, LOCK TABLES
    ON \`test\_oms%\`.* TO 'oms_migrate'@'$host';
END
}

ensure_accounts() {
    if [[ -e $COMPLETE ]]; then
        return
    fi
    account_statements | sql "$1"
    : >"$COMPLETE"
}

# --- the commands -----------------------------------------------------------

command_up() {
    take_lock
    require_topology
    claim_directory
    STEP_TOTAL=$((3 + CONNECTING_STEPS))

    step 'MySQL'
    provide_mysql
    step_remark "$MYSQL_VERSION"
    step_done

    step 'data directories'
    ensure_data_directories
    step_done

    step "servers ${NODES[*]}"
    start_stopped_nodes
    step_done

    connect_nodes
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
    remove_namespaces
}

# The data goes anyway, so the servers need not put it in order first.
command_destroy() {
    take_lock
    [[ -e $CLUSTER_DIR ]] || return 0
    require_owner
    [[ -e $MARKER ]] || die "$CLUSTER_DIR is not a cluster of this script; remove it by hand."
    stop_nodes KILL
    remove_namespaces
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

# account_url ACCOUNT NODE...: one URL, of several hosts where several may answer
account_url() {
    local account=$1 node hosts=()
    for node in "${@:2}"; do
        hosts+=("$(host_of "$node"):$(port_of "$node")")
    done
    printf 'mysql://%s:%s@%s/oms' "$account" "$(password_of "$account")" "$(IFS=, && printf '%s' "${hosts[*]}")"
}

command_env() {
    require_cluster
    service_settings
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

command_add() {
    local number=3
    take_lock
    require_cluster
    require_mysql
    [[ $TOPOLOGY == replicas ]] || die "a group has three nodes here."
    while [[ -e $CLUSTER_DIR/replica$number ]]; do
        number=$((number + 1))
    done
    ((number < 10)) || die "nine replicas are enough."
    add_node "replica$number"
    printf 'replica%d %s %s\n' "$number" "$(host_of "replica$number")" "$(port_of "replica$number")"
}

command_start() {
    local node=$1
    take_lock
    require_cluster
    require_mysql
    ! is_connected "$node" || return 0
    if is_stopped "$node"; then
        ensure_namespaces
        ensure_port "$node"
        launch_node "$node"
        await_node "$node"
    fi
    connect_node "$node"
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

command_freeze() {
    require_running "$1"
    signal_node STOP "$1"
}

command_thaw() {
    require_cluster
    signal_node CONT "$1"
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

command_cut() {
    require_group_of_namespaces "$1"
    with_each_other_node lose_frames "$1"
}

command_mend() {
    require_group_of_namespaces "$1"
    with_each_other_node find_frames_again "$1"
}

main() {
    local command
    read_options "$@"
    set -- "${ARGUMENTS[@]}"
    command=${1:-}
    case $command in
        '') usage >&2 && exit 2 ;;
        -h | --help | help) usage && exit 0 ;;
    esac
    shift
    require_command flock util-linux
    require_command setsid util-linux
    choose_cluster
    [[ $WITH_NAMESPACES == false || "$command $TOPOLOGY" == 'up group' ]] ||
        usage_error "--namespaces goes with \`up --group\`"
    case $command in
        up | down | destroy | status | running | env | add)
            expect_arguments "$command" '' $#
            ;;
        start | stop | kill | freeze | thaw | cut | mend)
            expect_arguments "$command" NODE $#
            check_node "$1"
            ;;
        pause | resume)
            expect_arguments "$command" NODE $#
            check_applier "$1"
            ;;
        delay)
            expect_arguments "$command" 'NODE SECONDS' $#
            check_applier "$1"
            [[ $2 =~ ^[0-9]{1,9}$ ]] || usage_error "'$2' is not a number of seconds"
            ;;
        mysql) ;;
        *) usage_error "no command is called '$command'" ;;
    esac
    "command_$command" "$@"
}

main "$@"
