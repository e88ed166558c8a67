#!/usr/bin/env bash
# Starts the service and all that it needs on this machine. See --help.
# shellcheck disable=SC2317,SC2329 # functions are called by name, by what waits for them
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/setup.sh
. "$PROJECT_ROOT/scripts/lib/setup.sh"

usage() {
    cat <<END
Usage: run.sh

Starts the service on this machine, with all that it needs: a virtual
environment in .venv, a private MySQL cluster (scripts/cluster.sh), migrations,
static files, a staff member, gunicorn. It stays in the foreground.

Ctrl-C or SIGTERM stops what this run has started; a cluster that was up
before stays up. The second start takes seconds and needs no network.

Environment, also read from .env (the environment wins):
  PORT              where the service listens on 127.0.0.1 (8080)
  STAFF_EMAIL       the staff member (staff@example.com)
  STAFF_PASSWORD    its password (made once, kept in var/staff-password)
  SECRET_KEY        of Django (made once, kept in var/secret-key)
  WEB_CONCURRENCY   worker processes (2)
  DEBUG, ALLOWED_HOSTS, EXPOSE_DATABASE_HEADER and the other settings of the
                    service (false; 127.0.0.1,localhost,[::1]; true)
  CLUSTER_DIR       the cluster's directory (var/cluster)
  PYTHON            the interpreter for .venv ($PYTHON_OLDEST or newer)
  MYSQLD, MYSQL     the server and client of the cluster
DATABASE_URL, REPLICA_URLS and MIGRATION_DATABASE_URL come from the cluster.

Exit status: 0 stopped by a signal while serving, as asked; 1 failed, or the
service ended by itself; 2 the command was wrong; 128 + the signal when it
was interrupted before the service was ready.
END
}

GUNICORN=
READY=false

# --- the end ----------------------------------------------------------------

# on_signal NUMBER: to be stopped is what a server that is ready waits for.
on_signal() {
    trap '' HUP INT TERM # one is enough; the clean-up is not to be cut short
    end_open_line
    if [[ $READY == true ]]; then
        exit 0
    fi
    exit $((128 + $1))
}

# The service first, so that no request meets a stopped cluster.
clean_up() {
    trap '' HUP INT TERM
    if [[ -n $CHILD ]]; then
        stop_process "$CHILD" TERM 10
    fi
    if [[ -n $GUNICORN ]]; then
        printf '%s\n' 'stopping the service ...'
        stop_process "$GUNICORN" TERM 30
    fi
    if [[ $CLUSTER_IS_OURS == true ]]; then
        printf '%s\n' 'stopping the cluster ...'
        cluster_down_if_ours
    fi
}

# --- the steps --------------------------------------------------------------

check_port() {
    if ! [[ $PORT =~ ^[1-9][0-9]{0,4}$ ]] || ((PORT > 65535)); then
        usage_error "PORT: '$PORT' is not a port"
    fi
    ! port_answers "$PORT" ||
        die "port $PORT is taken by another program; stop that, or choose another: PORT=$((PORT % 65535 + 1)) scripts/run.sh"
}

# A password needs a character of each class, which chance does not promise.
random_password() {
    local password=
    until [[ $password == *[[:upper:]]* && $password == *[[:lower:]]* &&
        $password == *[[:digit:]]* && $password == *[-.@]* ]]; do
        password=$(head -c 512 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9.@-' | cut -c 1-16)
    done
    printf '%s' "$password"
}

# One that the caller has chosen is not for the terminal, nor for a file.
choose_staff_password() {
    if [[ -n ${STAFF_PASSWORD:-} ]]; then
        STAFF_PASSWORD_REMARK='the one in STAFF_PASSWORD'
    else
        STAFF_PASSWORD=$(secret_file staff-password random_password)
        STAFF_PASSWORD_REMARK=$STAFF_PASSWORD
    fi
}

load_settings() {
    load_cluster_settings
    set_default SECRET_KEY "$(secret_file secret-key random_key)"
    set_default DEBUG false
    set_default ALLOWED_HOSTS '127.0.0.1,localhost,[::1]'
    set_default EXPOSE_DATABASE_HEADER true
    set_default WEB_CONCURRENCY 2
}

# The functions that `exec` run in a child, whose pid is then the program's.

migrate() {
    DATABASE_URL=$MIGRATION_DATABASE_URL exec "$VENV/bin/python" manage.py migrate --noinput
}

collect_static_files() {
    exec "$VENV/bin/python" manage.py collectstatic --noinput
}

# By way of a pipe: arguments are there for every user of the machine to see.
create_staff_member() {
    exec "$VENV/bin/python" manage.py ensure_staff --email "$STAFF_EMAIL" < <(printf '%s' "$STAFF_PASSWORD")
}

# In a session of its own: Ctrl-C in the terminal then reaches this script
# alone, which asks gunicorn to finish the requests it has.
serve() {
    exec setsid "$VENV/bin/python" -m gunicorn -c drf_oms/gunicorn.py --bind "127.0.0.1:$PORT" \
        </dev/null >"$LOGS/gunicorn.log" 2>&1
}

is_ready() {
    local status
    exec 3<>"/dev/tcp/127.0.0.1/$PORT" || return 1
    printf 'GET /readyz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
    read -r -t 5 _ status _ <&3
    [[ $status == 200 ]]
}

is_ready_or_has_ended() {
    (is_ready) 2>/dev/null || process_has_ended "$GUNICORN"
}

service_has_ended() {
    local status=0
    wait "$GUNICORN" 2>/dev/null || status=$?
    GUNICORN=
    end_open_line
    last_lines_of "$LOGS/gunicorn.log"
    die "the service ended with status $status; the lines above are its log."
}

start_service() {
    mkdir -p -- "$LOGS"
    serve &
    GUNICORN=$!
    if ! wait_until 60 is_ready_or_has_ended; then
        end_open_line
        last_lines_of "$LOGS/gunicorn.log"
        die "the service has not answered /readyz with 200 within 60 s."
    fi
    ! process_has_ended "$GUNICORN" || service_has_ended
}


jq_remark() {
    [[ -z $(missing_tools) ]] ||
        printf '%s' " (needs $(missing_tools | xargs): sudo apt-get install $(missing_tools | xargs))"
}

say_ready() {
    cat <<END

ready: http://127.0.0.1:$PORT

  the interface        http://127.0.0.1:$PORT/docs/
  a walk through it    scripts/poc.sh$(jq_remark)
  the cluster          scripts/cluster.sh status
  the log              var/log/gunicorn.log
  staff member         $STAFF_EMAIL, password: $STAFF_PASSWORD_REMARK

Ctrl-C stops it.
END
}

main() {
    case ${1:-} in
        '') ;;
        -h | --help) usage && exit 0 ;;
        *) usage_error "no argument is known, such as '$1'" ;;
    esac
    cd -- "$PROJECT_ROOT"
    load_dotenv
    set_default PORT 8080
    set_default STAFF_EMAIL staff@example.com
    check_port
    require_command flock util-linux
    require_command setsid util-linux

    clean_up_at_the_end
    STEP_TOTAL=6

    step 'Python environment'
    ensure_python_environment requirements.txt
    if [[ -n $(missing_tools) ]] && can_install_packages; then
        # shellcheck disable=SC2046 # a list of package names
        require_packages $(missing_tools)
    fi
    step_done

    step_with_output 'MySQL cluster'
    cluster_up
    load_settings
    choose_staff_password

    step 'migrations'
    logged migrate migrate || die "the migrations failed; the lines above say why."
    step_done

    step 'static files'
    logged collectstatic collect_static_files || die "the static files could not be collected."
    step_done

    step 'staff member'
    logged staff create_staff_member || die "the staff member could not be made; the lines above say why."
    step_done

    step 'service'
    start_service
    step_done
    READY=true
    say_ready

    service_has_ended # waits for that; a signal ends the wait
}

main "$@"
