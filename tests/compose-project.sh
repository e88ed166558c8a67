# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the scripts that source it
# A Compose set-up as a project of its own: brought up with secrets and volumes of its own, asked, and removed.
# Sourced after common.sh and setup.sh.

compose() {
    docker compose --project-name "$PROJECT" --env-file "$SECRETS" -f "$COMPOSE_FILE" "$@"
}

# claim SENTENCE COMMAND...: what the command says is shown if it fails. In the background, for in a
# condition the shell would go on after each line of it that fails.
claim() {
    local started
    started=$(microseconds_now)
    printf '%s ... ' "$1"
    shift
    "$@" >"$LOG" 2>&1 &
    if ! wait $!; then
        printf 'NOT SO\n'
        last_lines_of "$LOG" 40
        exit 1
    fi
    printf '%s\n' "$(duration_since "$started")"
}

# A line that begins with "!" would not end the script.
not() {
    ! "$@"
}

# --- asking -----------------------------------------------------------------

# sql NODE STATEMENT
sql() {
    # shellcheck disable=SC2016 # expanded in the container
    compose exec -T "$1" sh -c 'MYSQL_PWD=$MYSQL_ROOT_PASSWORD exec mysql --user=root -Ne "$1"' - "$2"
}

poc() {
    "$PROJECT_ROOT/scripts/poc.sh" "$URL"
}

status_of() {
    curl --silent --output /dev/null --max-time 30 --write-out '%{http_code}' "$@" || true
}

# Each worker process looks by itself, so several answers.
writes_are_taken() {
    for _ in {1..10}; do
        curl --silent "$URL/readyz" | jq --exit-status '.nodes.default.status == "ok"' >/dev/null || return 1
    done
}

all_nodes_serve() {
    [[ $(curl --silent "$URL/readyz" | jq --raw-output .status) == ok ]]
}

# --- the project ------------------------------------------------------------

clean_up() {
    if [[ ${KEEP:-} == 1 ]]; then
        note "left up at $URL; remove it with: docker compose -p $PROJECT down -v"
        return
    fi
    compose down --volumes --remove-orphans >/dev/null 2>&1 || true
    rm -rf -- "$WORK"
}

require_docker() {
    require_command docker docker.io
    docker compose version >/dev/null 2>&1 || die 'docker compose is not installed; it comes as the package docker-compose.'
    docker info >/dev/null 2>&1 || die "the Docker engine does not answer $(id -un): is it started, and may you use it?"
    require_command curl curl
    require_command jq jq
    [[ -x $VENV/bin/python ]] || die "$VENV is missing; scripts/test.sh --compose makes it."
}

# The caller's settings would win over the file of secrets.
forget_settings() {
    unset SECRET_KEY MYSQL_ROOT_PASSWORD REPLICATION_PASSWORD OMS_APP_PASSWORD OMS_READ_PASSWORD OMS_MIGRATE_PASSWORD \
        ALLOWED_HOSTS CORS_ALLOWED_ORIGINS EMAIL_URL WEB_CONCURRENCY TRUSTED_PROXIES HTTP_ADDRESS HTTP_PORT
}

free_port() {
    local port
    for _ in {1..100}; do
        port=$((20000 + RANDOM % 10000))
        port_answers "$port" || { printf '%d' "$port" && return; }
    done
    die 'no free port was found between 20000 and 30000.'
}

# begin_project NAME FILE: with all that `compose` needs; removed at the script's end
begin_project() {
    PROJECT=$1 COMPOSE_FILE=$PROJECT_ROOT/$2
    require_docker
    forget_settings
    WORK=$(mktemp -d)
    LOG=$WORK/log
    SECRETS=$WORK/env
    "$PROJECT_ROOT/docker/make-env.sh" "$SECRETS" >/dev/null
    HTTP_PORT=$(free_port)
    export HTTP_PORT HTTP_ADDRESS=127.0.0.1 OMS_VERSION=test MYSQL_BUFFER_POOL=64M EXPOSE_DATABASE_HEADER=true
    URL=http://127.0.0.1:$HTTP_PORT
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}
