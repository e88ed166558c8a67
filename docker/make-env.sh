#!/bin/sh
# Writes the secrets of the Compose set-up. See --help.
set -eu

usage() {
    cat <<END
Usage: docker/make-env.sh [FILE]

Writes FILE (docker/.env) with a random secret for each that docker/compose.yml
needs, readable by its owner only. A file that exists stays as it is: the
databases were made with the passwords in it.
END
}

case ${1:-} in
    -h | --help) usage && exit 0 ;;
esac
directory=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
file=${1:-$directory/.env}

# Letters and digits only: safe in a URL, in SQL and in an option file.
random() {
    od -An -N "$1" -t x1 /dev/urandom | tr -d ' \n'
}

umask 077
set -C # the redirection below fails where the file exists
if ! {
    cat <<END
# Secrets of docker/compose.yml, made by docker/make-env.sh. docker/.env.example describes further settings.
SECRET_KEY=$(random 40)
MYSQL_ROOT_PASSWORD=$(random 16)
REPLICATION_PASSWORD=$(random 16)
OMS_APP_PASSWORD=$(random 16)
OMS_READ_PASSWORD=$(random 16)
OMS_MIGRATE_PASSWORD=$(random 16)
GRAFANA_PASSWORD=$(random 16)
END
} >"$file"; then
    echo "make-env.sh: $file was not written; one that exists is never overwritten." >&2
    exit 1
fi
echo "$file holds new secrets; further settings are described in docker/.env.example."
