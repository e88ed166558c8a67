#!/usr/bin/env bash
# Checks the project: linters, types, then the tests. See --help.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/setup.sh
. "$PROJECT_ROOT/scripts/lib/setup.sh"
# shellcheck source=scripts/lib/tools.sh
. "$PROJECT_ROOT/scripts/lib/tools.sh"

usage() {
    cat <<END
Usage: test.sh [--only-tests] [PYTEST ARGUMENT...]
       test.sh --compose | --compose-cluster

Checks the project on a MySQL cluster of its own (var/test-cluster): ruff,
mypy, lint-imports, missing migrations and, where it is installed, shellcheck;
then pytest with the arguments. It prepares .venv and the cluster as
scripts/run.sh does.

  --only-tests      skip what comes before pytest
  --compose         instead, bring docker/compose.yml up and make its claims;
                    needs a Docker engine, and some minutes
  --compose-cluster likewise docker/compose.cluster.yml

Environment:
  KEEP_CLUSTER=1    leave the cluster up, for a quicker next time
  CLUSTER_DIR       the cluster's directory (var/test-cluster)
  PYTHON            the interpreter for .venv ($PYTHON_OLDEST or newer)
  MYSQLD, MYSQL     the server and client of the cluster

Exit status: 0 all is well; 1 a check or a test failed; 128 + the signal when
it was interrupted.
END
}

FAILED=()
CHILD_SIGNAL=TERM # what ends the command that runs at the moment

# --- the end ----------------------------------------------------------------

on_signal() {
    trap '' HUP INT TERM # one is enough; the clean-up is not to be cut short
    # Ctrl-C has reached pytest too, and a second one would cut its fixtures'
    # own clean-up short.
    if (($1 == 2)) && [[ -n $CHILD ]]; then
        wait_until 15 process_has_ended "$CHILD" || true
    fi
    exit $((128 + $1))
}

clean_up() {
    trap '' HUP INT TERM
    if [[ -n $CHILD ]]; then
        stop_process "$CHILD" "$CHILD_SIGNAL" 60
    fi
    # Quietly: the last line is pytest's.
    if [[ ${KEEP_CLUSTER:-} != 1 ]]; then
        cluster_down_if_ours
    fi
}

# --- the checks -------------------------------------------------------------

report_check() {
    printf '  %-28s %-8s %s\n' "$1" "$2" "$3"
}

check_log() {
    printf '%s/check-%s.log' "$LOGS" "${1// /-}"
}

# check NAME COMMAND...: a line of the table. What a failed one has said comes
# after the table, so that the table stays in one piece.
check() {
    local name=$1 started result=ok
    shift
    started=$(microseconds_now)
    if ! run_child_into "$(check_log "$name")" "$@"; then
        result=failed
        FAILED+=("$name")
    fi
    report_check "$name" "$result" "$(duration_since "$started")"
}

check_shell_scripts() {
    if have shellcheck; then
        check shellcheck shellcheck -x .ci/run scripts/*.sh scripts/lib/*.sh tests/*.sh docker/*.sh docker/mysql/*.sh
    else
        report_check shellcheck skipped 'not installed'
    fi
}

show_failed_checks() {
    local name
    for name in "${FAILED[@]}"; do
        printf '\n--- %s\n' "$name"
        cat -- "$(check_log "$name")"
    done
}

run_checks() {
    local python=$VENV/bin/python
    mkdir -p -- "$LOGS"
    check 'ruff check' "$python" -m ruff check
    check 'ruff format' "$python" -m ruff format --check
    check mypy "$python" -m mypy
    check lint-imports "$VENV/bin/lint-imports"
    check makemigrations "$python" manage.py makemigrations --check --dry-run
    check_shell_scripts
    show_failed_checks
}

# --- the tests --------------------------------------------------------------

# One test stops a position store of its own. Where there is none and none can
# be installed, it is skipped.
ensure_redis() {
    if ! have redis-server && ! have valkey-server && can_install_packages; then
        require_packages redis-server
    fi
}

# Tests drive it over the pages for staff; it shows Korean with these fonts.
# Where it is not and cannot be installed, they are skipped.
ensure_chromium() {
    if ! have chromium && ! have google-chrome && can_install_packages && apt_knows chromium; then
        require_packages chromium fonts-noto-cjk
    fi
}

# Ubuntu has it as a snap alone.
apt_knows() {
    apt-cache show "$1" >/dev/null 2>&1 || { apt-get update && apt-cache show "$1"; } >/dev/null 2>&1
}

# A run that was killed may have left a replica delayed.
end_delays() {
    local replica
    for replica in replica1 replica2; do
        "$CLUSTER" delay "$replica" 0
    done
}

# As the account for migrations, for pytest makes a database of its own. A
# service that a test starts uses the service's account, as it does for real.
load_settings() {
    load_cluster_settings
    export SERVICE_DATABASE_URL=$DATABASE_URL
    export DATABASE_URL=$MIGRATION_DATABASE_URL
    SECRET_KEY=$(random_key)
    export SECRET_KEY DEBUG=false ALLOWED_HOSTS=testserver,127.0.0.1,localhost
}

# A background process of a script ignores SIGINT unless told otherwise.
run_pytest() {
    exec env --default-signal=INT "$VENV/bin/python" -m pytest "$@"
}

main() {
    local only_tests=false
    case ${1:-} in
        -h | --help) usage && exit 0 ;;
        --only-tests) only_tests=true && shift ;;
        --compose | --compose-cluster)
            local claims=${1#--}
            shift
            cd -- "$PROJECT_ROOT"
            STEP_TOTAL=1
            step 'Python environment'
            ensure_python_environment requirements-dev.txt
            step_done
            exec "$PROJECT_ROOT/tests/$claims.sh" "$@"
            ;;
    esac
    cd -- "$PROJECT_ROOT"
    CLUSTER_DIR=$(realpath -m -- "${CLUSTER_DIR:-var/test-cluster}")
    export CLUSTER_DIR
    require_command flock util-linux
    require_command setsid util-linux

    clean_up_at_the_end
    STEP_TOTAL=2

    step 'Python environment'
    ensure_python_environment requirements-dev.txt
    # shellcheck disable=SC2046 # a list of package names
    require_packages $(missing_tools)
    ensure_redis
    ensure_tool promtool prometheus
    ensure_tool nginx nginx
    ensure_chromium
    step_done

    step_with_output 'MySQL cluster'
    cluster_up
    end_delays
    load_settings

    if [[ $only_tests == false ]]; then
        printf '\n'
        run_checks
    fi
    printf '\n'
    CHILD_SIGNAL=INT # at which pytest lets the fixtures stop what they started
    run_child run_pytest "$@" || FAILED+=(pytest)

    if ((${#FAILED[@]} > 0)); then
        printf '\n%s: failed: %s\n' "$PROGRAM" "$(IFS=, && printf '%s' "${FAILED[*]}")" >&2
        exit 1
    fi
}

main "$@"
