# shellcheck shell=bash
# Any MySQL server that is reached over the network: credentials, SQL, what it says of itself.
# Sourced after common.sh. A server is named HOST or HOST:PORT.

# --- credentials ------------------------------------------------------------

# secret NAME: the variable, or the content of the file that NAME_FILE names
secret() {
    local file=${1}_FILE
    if [[ -n ${!file:-} ]]; then
        cat -- "${!file}" || die "the file that $file names cannot be read."
    else
        printf '%s' "${!1:-}"
    fi
}

# Options for the client, in a file: other users of the machine can read the
# arguments of a process.
write_client_options() {
    local file=$1 user=$2 password=$3
    write_private_file "$file" <<END
[client]
user = "$user"
password = "${password//\\/\\\\}"
protocol = TCP
ssl-mode = REQUIRED

# mysqldump and mysqlbinlog refuse what they do not know.
[mysql]
connect-timeout = 5
default-character-set = utf8mb4
END
}

# As a string of SQL, quotes included
quoted() {
    local text=${1//\\/\\\\}
    printf "'%s'" "${text//\'/\'\'}"
}

# --- SQL --------------------------------------------------------------------

host_of() {
    printf '%s' "${1%:*}"
}

port_of() {
    if [[ $1 == *:* ]]; then printf '%s' "${1##*:}"; else printf 3306; fi
}

# sql_with OPTION_FILE SERVER [ARGUMENT...]: statements on standard input, rows on standard output
sql_with() {
    local options=$1 server=$2
    shift 2
    MYSQL_TEST_LOGIN_FILE=/dev/null "${MYSQL:-mysql}" --defaults-file="$options" \
        --host="$(host_of "$server")" --port="$(port_of "$server")" --batch --skip-column-names "$@"
}

# As administrator
sql() {
    sql_with "$ADMIN_OPTIONS" "$@"
}

# --- what a server says of itself -------------------------------------------

# fact SERVER EXPRESSION
fact() {
    sql "$1" <<<"SELECT REPLACE($2, '\n', '')"
}

executed_gtids() {
    fact "$1" @@GLOBAL.gtid_executed
}

# Names of databases that are not MySQL's own, comma separated
databases_of() {
    fact "$1" "(SELECT COALESCE(GROUP_CONCAT(SCHEMA_NAME ORDER BY 1 SEPARATOR ', '), '')
        FROM information_schema.SCHEMATA
        WHERE SCHEMA_NAME NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema'))"
}

has_plugin() {
    [[ $(fact "$1" "(SELECT COUNT(*) FROM information_schema.PLUGINS
        WHERE PLUGIN_NAME = '$2' AND PLUGIN_STATUS = 'ACTIVE')") == 1 ]]
}

# receiver_of, applier_of SERVER: ON, CONNECTING, OFF, or nothing without a source
receiver_of() {
    sql "$1" <<<"SELECT SERVICE_STATE FROM performance_schema.replication_connection_status WHERE CHANNEL_NAME = ''"
}

applier_of() {
    sql "$1" <<<"SELECT SERVICE_STATE FROM performance_schema.replication_applier_status
        WHERE CHANNEL_NAME = ''
        AND EXISTS (SELECT 1 FROM performance_schema.replication_connection_configuration WHERE CHANNEL_NAME = '')"
}

# The last errors of both threads, a line each
replication_errors() {
    sql "$1" <<<"SELECT CONCAT('receiver: ', LAST_ERROR_MESSAGE) FROM performance_schema.replication_connection_status
            WHERE LAST_ERROR_NUMBER <> 0
        UNION SELECT CONCAT('applier: ', LAST_ERROR_MESSAGE) FROM performance_schema.replication_applier_status_by_coordinator
            WHERE LAST_ERROR_NUMBER <> 0
        UNION SELECT CONCAT('applier: ', LAST_ERROR_MESSAGE) FROM performance_schema.replication_applier_status_by_worker
            WHERE LAST_ERROR_NUMBER <> 0"
}
