# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the scripts that source it
# One server of the private cluster: its files, its process, its SQL.
# Sourced after common.sh, mysql.sh and network.sh, with CLUSTER_DIR set.
#
#   $CLUSTER_DIR/ports          the port of each node, a line each
#   $CLUSTER_DIR/passwords      the password of each account, a line each
#   $CLUSTER_DIR/client.cnf     what the client needs to be administrator
#   $CLUSTER_DIR/NODE/data      the data directory
#   $CLUSTER_DIR/NODE/my.cnf, pid, error.log

START_DEADLINE=90
STOP_DEADLINE=90

# --- names, ports, passwords ------------------------------------------------

# value_of NAME FILE, of lines "NAME VALUE"; nothing where there is none
value_of() {
    if [[ -e $2 ]]; then
        awk -v name="$1" '$1 == name { print $2 }' "$2"
    fi
}

port_of() {
    if has_namespaces; then
        printf 3306
    else
        value_of "$1" "$CLUSTER_DIR/ports"
    fi
}

password_of() {
    value_of "$1" "$CLUSTER_DIR/passwords"
}

# Below the range that the kernel hands out to outgoing connections, so that
# a stopped node's port is likely to be free when it comes back.
choose_free_port() {
    local port
    for _ in {1..200}; do
        port=$((20000 + RANDOM % 10000))
        if ! grep -qs " $port$" "$CLUSTER_DIR/ports" && ! port_answers "$port"; then
            printf '%d' "$port"
            return
        fi
    done
    die "no free port was found between 20000 and 30000."
}

# Keeps a stopped node's port while it is free, so that what was configured
# with it goes on working.
ensure_port() {
    local node=$1 port
    ! has_namespaces || return 0
    port=$(port_of "$node")
    if [[ -n $port ]] && ! port_answers "$port"; then
        return
    fi
    [[ -z $port ]] || note "$node: port $port is taken by another program; choosing another."
    port=$(choose_free_port)
    {
        grep -sv "^$node " "$CLUSTER_DIR/ports" || true
        printf '%s %s\n' "$node" "$port"
    } | write_private_file "$CLUSTER_DIR/ports"
}

# --- configuration ----------------------------------------------------------

# The paths are given on the command line instead: an option file would need
# them quoted.
shared_configuration() {
    cat <<END
[mysqld]
server_id = $(number_of "$1")

# Reached over TCP from this machine only. No socket: its path has a limit of
# 107 bytes, which a repository deep in a home directory exceeds.
bind_address = $(host_of "$1")
socket =
mysqlx = OFF
skip_name_resolve = ON
secure_file_priv = NULL

# Not used, and a server that has it needs ten seconds to shut down.
event_scheduler = OFF

character_set_server = utf8mb4
collation_server = utf8mb4_0900_ai_ci
default_time_zone = +00:00

# Replication finds its place by transaction identifiers, not by file and
# offset. The row format is every supported version's default.
gtid_mode = ON
enforce_gtid_consistency = ON
log_bin = binlog
relay_log = relay
max_binlog_size = 64M

# Sized for three servers on a laptop, under 300 MB each. Much of a stock
# server's memory is what the performance schema counts per thread, account and
# statement; its tables on replication, which probers read, stay as they are.
max_connections = 80
table_open_cache = 400
table_definition_cache = 600
innodb_buffer_pool_size = 24M
innodb_log_buffer_size = 4M
loose_innodb_redo_log_capacity = 32M
key_buffer_size = 1M
performance_schema = ON
performance_schema_max_thread_instances = 160
performance_schema_max_memory_classes = 0
performance_schema_digests_size = 200
performance_schema_error_size = 100
performance_schema_events_statements_history_long_size = 100
performance_schema_max_sql_text_length = 256
performance_schema_accounts_size = 20
performance_schema_hosts_size = 10
performance_schema_users_size = 20
END
}

# --- the process ------------------------------------------------------------

# The pid of the node's server; fails when it does not run. The kernel gives
# a dead process's number to another one, so the data directory must match.
pid_of() {
    local directory=$CLUSTER_DIR/$1 pid
    pid=$(cat "$directory/pid" 2>/dev/null) && [[ -n $pid ]] || return 1
    grep -qzxF -e "--datadir=$directory/data" "/proc/$pid/cmdline" 2>/dev/null || return 1
    printf '%s' "$pid"
}

is_running() {
    pid_of "$1" >/dev/null
}

is_stopped() {
    ! is_running "$1"
}

# MySQL refuses to run as root unless told that this is meant.
user_option() {
    if ((EUID == 0)); then
        printf '%s' --user=root
    fi
}

# A server must not keep the caller's pipes open (its reader would wait for
# ever), nor this script's lock.
close_inherited_descriptors() {
    local descriptor
    for descriptor in /proc/self/fd/*; do
        descriptor=${descriptor##*/}
        if ((descriptor > 2)); then
            exec {descriptor}>&-
        fi
    done
}

# In a session of its own it outlives the terminal and hears no Ctrl-C.
launch_node() {
    local node=$1 directory=$CLUSTER_DIR/$1 place
    mapfile -t place < <(within_namespace_of "$node")
    { shared_configuration "$node" && role_configuration "$node"; } >"$directory/my.cnf"
    (
        close_inherited_descriptors
        # shellcheck disable=SC2046 # one word or none
        exec setsid "${place[@]}" "${MYSQLD_COMMAND[@]}" --defaults-file="$directory/my.cnf" \
            "${MYSQLD_PATHS[@]}" $(user_option) --datadir="$directory/data" \
            --port="$(port_of "$node")" --pid-file="$directory/pid"
    ) </dev/null >>"$directory/error.log" 2>&1 &
    printf '%s\n' "$!" >"$directory/pid"
    # Until it has become the server, it looks like one that is stopped.
    wait_until 10 has_begun_or_ended "$node" "$!" || true
}

has_begun_or_ended() {
    is_running "$1" || ! kill -0 "$2" 2>/dev/null
}

answers_or_is_stopped() {
    sql "$1" <<<'SELECT 1' >/dev/null 2>&1 || is_stopped "$1"
}

await_node() {
    local node=$1
    if wait_until "$START_DEADLINE" answers_or_is_stopped "$node" && is_running "$node"; then
        return
    fi
    end_open_line
    last_lines_of "$CLUSTER_DIR/$node/error.log"
    if is_running "$node"; then
        die "$node has not answered within $START_DEADLINE s."
    fi
    die "$node did not start; the lines above are its log. \`cluster.sh destroy\` gives up its data."
}

signal_node() {
    local pid
    pid=$(pid_of "$2") || return 0
    kill "-$1" "$pid" 2>/dev/null || true # it may have ended since
}

await_stop() {
    wait_until "$STOP_DEADLINE" is_stopped "$1" ||
        die "$1 has not stopped within $STOP_DEADLINE s; \`cluster.sh kill $1\` ends it at once."
}

# --- its SQL ----------------------------------------------------------------

# mysql_client NODE [ARGUMENT...], as administrator. Only its own option file
# is read, lest one in the user's home change what it does.
mysql_client() {
    local node=$1
    shift
    MYSQL_TEST_LOGIN_FILE=/dev/null "${MYSQL_COMMAND[@]}" \
        --defaults-file="$CLUSTER_DIR/client.cnf" --protocol=TCP --host="$(host_of "$node")" \
        --port="$(port_of "$node")" --connect-timeout=20 --default-character-set=utf8mb4 "$@"
}

# Statements come on standard input: an argument, which may hold a password,
# is there for every user of the machine to see.
sql() {
    mysql_client "$1" --batch --skip-column-names
}

executed_gtids() {
    sql "$1" <<<"SELECT REPLACE(@@GLOBAL.gtid_executed, '\n', '')"
}
