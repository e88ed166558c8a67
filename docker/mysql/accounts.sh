#!/usr/bin/env bash
# Makes the service's database and accounts on the primary; run again, it sets their passwords again.
# Wants MYSQL_HOSTS, of which one takes writes, MYSQL_ROOT_PASSWORD, OMS_APP_PASSWORD, OMS_READ_PASSWORD and
# OMS_MIGRATE_PASSWORD.
set -euo pipefail

# A file, for arguments and the environment of a process can be read by others.
options=$(umask 077 && mktemp)
trap 'rm -f -- "$options"' EXIT
printf '[client]\nuser=root\npassword="%s"\n' "$MYSQL_ROOT_PASSWORD" >"$options"

account() {
    printf "CREATE USER IF NOT EXISTS '%s'@'%%';\n" "$1"
    printf "ALTER USER '%s'@'%%' IDENTIFIED WITH caching_sha2_password BY '%s' REQUIRE SSL;\n" "$1" "$2"
}

statements() {
    echo 'CREATE DATABASE IF NOT EXISTS oms CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci;'

    # The service: rows on the primary, nothing but reading on the replicas. Both ask a server about its
    # replication.
    account oms_app "$OMS_APP_PASSWORD"
    account oms_read "$OMS_READ_PASSWORD"
    cat <<'END'
GRANT SELECT, INSERT, UPDATE, DELETE ON oms.* TO 'oms_app'@'%';
GRANT SELECT ON oms.* TO 'oms_read'@'%';
GRANT REPLICATION CLIENT ON *.* TO 'oms_app'@'%', 'oms_read'@'%';
GRANT SELECT ON performance_schema.* TO 'oms_app'@'%', 'oms_read'@'%';
END

    # Migrations
    account oms_migrate "$OMS_MIGRATE_PASSWORD"
    cat <<'END'
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, TRIGGER, CREATE VIEW, SHOW VIEW,
    CREATE TEMPORARY TABLES, LOCK TABLES ON oms.* TO 'oms_migrate'@'%';
END
}

ask() {
    mysql --defaults-extra-file="$options" --host="$1" --connect-timeout=5 --batch --skip-column-names
}

primary() {
    local host
    for host in $MYSQL_HOSTS; do
        if [[ $(ask "$host" <<<'SELECT @@GLOBAL.super_read_only') == 0 ]]; then
            printf '%s' "$host"
            return
        fi
    done
    echo "accounts.sh: none of $MYSQL_HOSTS takes writes." >&2
    return 1
}

# Statements on standard input, for the same reason.
host=$(primary)
statements | ask "$host"
echo "database oms; accounts oms_app, oms_read and oms_migrate"
