#!/usr/bin/env bash
# Measures what things cost. See --help.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/setup.sh
. "$PROJECT_ROOT/scripts/lib/setup.sh"

usage() {
    cat <<END
Usage: bench.sh [speed] [OPTION...]
       bench.sh COMMAND [OPTION...]

Measures on a MySQL cluster of its own (var/bench-cluster), which it stops at
the end, and prints tables. It prepares .venv and the cluster as
scripts/run.sh does. What the figures mean: docs/benchmarks.md.

  speed             requests of every kind beside a floor: a bare function that
                    runs the same statements and no more (about ten minutes,
                    the first time one more). It needs wrk.
                      --large         1,000,000 orders, one member with a fifth
                                      (ten minutes more, once)
                      --check         fail where a ratio is under its bound
                      --only PATTERN  targets whose names match
                      --rounds N, --seconds N, --seed N, --picture FILE
  shapes            gunicorn with more and fewer workers and threads (about
                    three minutes); it needs wrk
  memory            what the workers keep after 360,000 requests of every kind,
                    as many as an hour has at a hundred a second (about twenty
                    minutes; --requests N for fewer); it needs wrk
  profile [PATTERN] where the time of a request goes, by package and function
  router            what the router costs: a decision, a request, statements
                    on each node; and how soon a replica has a commit (about
                    two minutes)
  export [ROWS]     a file of 1,000,000 orders (or ROWS) out of the service,
                    and one of 100,000 into it: rows a second, and the memory
                    that the worker takes (about ten minutes)
  history           pages of very long lists, wherever they are: 1,000,000
                    orders, of which one member has a fifth (ten to twenty
                    minutes, nearly all of it to make the orders, and 3 GB
                    of disk); with --orders N, so many
  pages             the pages of the back office, among as many orders, and
                    how many statements each takes; with --orders 0, among
                    those that another run has left

Environment:
  KEEP_CLUSTER=1    leave the cluster up, for a quicker next time
  CLUSTER_DIR       the cluster's directory (var/bench-cluster)
  PYTHON            the interpreter for .venv ($PYTHON_OLDEST or newer)
  MYSQLD, MYSQL     the server and client of the cluster

Exit status: 0 measured, whatever came out; 1 failed; 2 the command was wrong;
128 + the signal when it was interrupted.
END
}

# --- the end ----------------------------------------------------------------

on_signal() {
    trap '' HUP INT TERM # one is enough; the clean-up is not to be cut short
    exit $((128 + $1))
}

# Python stops the service that it has started before it ends.
clean_up() {
    trap '' HUP INT TERM
    if [[ -n $CHILD ]]; then
        stop_process "$CHILD" TERM 40
    fi
    if [[ ${KEEP_CLUSTER:-} != 1 ]]; then
        cluster_down_if_ours
    fi
}

# --- the steps --------------------------------------------------------------

# Those of production, whatever .env says; the cluster's accounts.
load_settings() {
    load_cluster_settings
    SECRET_KEY=$(random_key)
    export SECRET_KEY DEBUG=false ALLOWED_HOSTS=testserver,127.0.0.1
    export CACHE_URL='' EXPOSE_DATABASE_HEADER=false GATE_READS=true WAIT_BUDGET_MS=20
    export FALL_BACK_READS_PER_SECOND=0 LOG_LEVEL=ERROR EMAIL_URL=dummymail://
    export THROTTLE_LOGIN=1000000/min THROTTLE_REGISTER=1000000/min
}

migrate() {
    DATABASE_URL=$MIGRATION_DATABASE_URL REPLICA_URLS='' exec "$VENV/bin/python" manage.py migrate --noinput
}

# A run that was killed may have left a replica delayed.
end_delays() {
    local replica
    for replica in replica1 replica2; do
        "$CLUSTER" delay "$replica" 0
    done
}

measure() {
    exec "$VENV/bin/python" -m "scripts.bench.$1" "${@:2}"
}

main() {
    [[ ${1:-} =~ ^(--[a-z]+)?$ && ${1:-} != --help ]] && set -- speed "$@"
    local command=${1:-} module=${1:-}
    case $command in
        -h | --help) usage && exit 0 ;;
        speed | history | pages | memory) ;;
        profile) module=profile_requests ;;
        shapes | router) (($# == 1)) || usage_error "$command takes no arguments" ;;
        export)
            module=files
            [[ ${2:-1} =~ ^[1-9][0-9]*$ ]] || usage_error "ROWS is a whole number, not '$2'"
            (($# <= 2)) || usage_error "$command takes no such arguments"
            ;;
        *) usage_error "no command is called '$command'" ;;
    esac
    shift
    cd -- "$PROJECT_ROOT"
    CLUSTER_DIR=$(realpath -m -- "${CLUSTER_DIR:-var/bench-cluster}")
    export CLUSTER_DIR
    require_command flock util-linux
    require_command setsid util-linux

    clean_up_at_the_end
    STEP_TOTAL=3

    step 'Python environment'
    ensure_python_environment requirements.txt
    [[ ! $command =~ ^(speed|shapes|memory)$ ]] || have wrk || require_packages wrk
    step_done

    step_with_output 'MySQL cluster'
    cluster_up
    end_delays
    load_settings

    step 'migrations'
    logged migrate migrate || die "the migrations failed; the lines above say why."
    step_done

    run_child measure "$module" "$@" || die "the benchmark failed; the lines above say why."
}

main "$@"
