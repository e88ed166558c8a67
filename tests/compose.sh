#!/usr/bin/env bash
# The Compose set-up, from nothing to its end. See --help.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/lib/common.sh"
# shellcheck source=scripts/lib/setup.sh
. "$PROJECT_ROOT/scripts/lib/setup.sh"
# shellcheck source=tests/compose-project.sh
. "$PROJECT_ROOT/tests/compose-project.sh"

usage() {
    cat <<END
Usage: tests/compose.sh          (or scripts/test.sh --compose)

Brings docker/compose.yml up as a project of its own (drf-oms-test), with
secrets and volumes of its own, makes its claims, and removes it. It needs a
Docker engine with Compose, curl, jq and the .venv that scripts/test.sh makes.

Environment:
  KEEP=1            leave the project up, to look at it
  MYSQL_VERSION     9.7 or 8.4

Exit status: 0 all claims hold, 1 one does not.
END
}

# --- asking -----------------------------------------------------------------

log_in() {
    curl --silent --fail "$URL/auth/login" --header 'Content-Type: application/json' \
        --data '{"email": "ada@poc.example", "password": "Correct-horse-7"}' | jq --raw-output .token
}

# read_until_gone FILE: one read after the other while FILE exists; a line for each that failed
read_until_gone() {
    local header
    header="Authorization: Token $(log_in)"
    while [[ -e $1 ]]; do
        [[ $(status_of "$URL/orders/" --header @- <<<"$header") == 200 ]] || echo failed
        echo read >>"$WORK/reads"
    done
}

# --- claims -----------------------------------------------------------------

without_secrets_it_says_what_to_do() {
    local said
    : >"$WORK/none"
    said=$(not docker compose --env-file "$WORK/none" -f "$PROJECT_ROOT/docker/compose.yml" config 2>&1)
    [[ $said == *'Run docker/make-env.sh once'* ]]
}

it_comes_up() {
    compose up --build --wait --quiet-pull
}

only_nginx_is_published() {
    [[ $(compose ps --format json | jq --raw-output --slurp \
        'flatten | map(select(.Publishers | any(.PublishedPort > 0)) | .Service) | unique | join(" ")') == nginx ]]
}

the_image_can_do_little() {
    [[ $(compose exec -T app id -u) != 0 ]]
    not compose exec -T app sh -c 'echo > /app/written'
    not compose exec -T app sh -c 'command -v gcc cc'
}

nodes_have_their_roles() {
    local replica
    [[ $(sql mysql-primary "SHOW STATUS LIKE 'Rpl_semi_sync_source_status'") == *ON ]]
    [[ $(sql mysql-primary 'SELECT @@rpl_semi_sync_source_wait_point') == AFTER_SYNC ]]
    for replica in mysql-replica-1 mysql-replica-2; do
        [[ $(sql "$replica" 'SELECT @@super_read_only, @@replica_preserve_commit_order') == 1?1 ]]
        [[ $(sql "$replica" 'SELECT SSL_ALLOWED, AUTO_POSITION FROM
            performance_schema.replication_connection_configuration') == YES?1 ]]
    done
    compose exec -T app python manage.py check --tag routers \
        --database default --database replica1 --database replica2 --database replica3
}

accounts_may_only_what_they_need() {
    local account
    for account in oms_app oms_read oms_migrate oms_repl; do
        sql mysql-replica-1 "SHOW GRANTS FOR $account"
        [[ $(sql mysql-replica-1 "SELECT ssl_type FROM mysql.user WHERE User = '$account'") == ANY ]]
    done
    not grep -E 'INSERT|UPDATE|DELETE|CREATE|ALL PRIV|SUPER' < <(sql mysql-replica-1 'SHOW GRANTS FOR oms_read')
    not grep -E 'CREATE|DROP|ALTER|ALL PRIV|SUPER' < <(sql mysql-replica-1 'SHOW GRANTS FOR oms_app')
}

setting_up_again_changes_nothing() {
    local before
    before=$(sql mysql-primary 'SELECT @@GLOBAL.gtid_executed')
    compose run --rm -T setup-replication | tee "$WORK/summary"
    [[ $(grep -c ' unchanged$' "$WORK/summary") == 3 ]]
    [[ $(sql mysql-primary 'SELECT @@GLOBAL.gtid_executed') == "$before" ]]
}

large_requests_are_for_imports_alone() {
    head -c 2097152 /dev/zero >"$WORK/large"
    [[ $(status_of "$URL/orders/" --data-binary "@$WORK/large") == 413 ]]
    [[ $(status_of "$URL/orders/import" --data-binary "@$WORK/large") == 401 ]]
}

static_files_come_from_nginx() {
    [[ $(status_of "$URL/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css") == 200 ]]
}

a_killed_replica_costs_no_request() {
    local reader
    : >"$WORK/reading"
    : >"$WORK/reads"
    read_until_gone "$WORK/reading" >"$WORK/failed" &
    reader=$!
    wait_until 60 test -s "$WORK/reads"
    compose kill mysql-replica-1
    poc
    compose up --wait --no-deps mysql-replica-1
    wait_until 120 all_nodes_serve
    rm "$WORK/reading"
    wait "$reader"
    wc -l "$WORK/reads" "$WORK/failed"
    [[ ! -s $WORK/failed ]]
}

a_lost_replica_is_cloned_and_serves() {
    compose rm --stop --force --volumes mysql-replica-2
    docker volume rm drf-oms-test_mysql-replica-2
    compose up --wait --no-deps mysql-replica-2
    compose run --rm -T --no-deps setup-replication --clone-above 0 mysql-primary mysql-replica-1 mysql-replica-2 |
        tee "$WORK/summary"
    grep -E '^mysql-replica-2 .* cloned, attached to mysql-primary$' "$WORK/summary"
    grep -E '^mysql-replica-1 .* unchanged$' "$WORK/summary"
    [[ $(sql mysql-primary "SELECT COUNT(*) FROM mysql.user WHERE User = 'oms_clone'") == 0 ]]
    [[ $(sql mysql-replica-2 'SELECT @@super_read_only') == 1 ]]
    wait_until 120 all_nodes_serve
}

two_containers_share_the_work() {
    compose up --wait --scale app=2
    poc
    for _ in {1..40}; do
        status_of "$URL/schema/" >/dev/null
    done
    [[ $(compose logs --no-log-prefix nginx | grep -F ' GET /schema/ ' | grep -oE '[0-9.]+:8000$' | sort -u | wc -l) == 2 ]]
}

# delay_replicas SECONDS
delay_replicas() {
    local replica
    for replica in mysql-replica-1 mysql-replica-2; do
        sql "$replica" "STOP REPLICA SQL_THREAD; CHANGE REPLICATION SOURCE TO SOURCE_DELAY = $1; START REPLICA SQL_THREAD"
    done
}

# The crowd of tests/replication/, with nobody of the staff: in step, and with both replicas a second late.
three_containers_keep_every_guarantee() {
    local status=0
    compose up --wait --scale app=3
    wait_until 120 all_nodes_serve
    "$VENV/bin/python" -m tests.replication.checker "$URL" --operations 1500 || status=$?
    delay_replicas 1
    "$VENV/bin/python" -m tests.replication.checker "$URL" --operations 1500 --seed 2 || status=$?
    delay_replicas 0
    if ((status != 0)); then
        compose logs --no-log-prefix app | grep -E ' routers .* (position|node_)' || true
    fi
    return "$status"
}

primary_is() {
    [[ $(sql "$1" 'SELECT @@super_read_only') == 0 ]]
}

roles_are_swapped_by_hand() {
    compose run --rm -T replication promote replica1
    primary_is mysql-replica-1
    not primary_is mysql-primary
    wait_until 60 all_nodes_serve
    poc
}

data_and_roles_outlive_the_containers() {
    local orders
    orders=$(sql mysql-replica-1 'SELECT COUNT(*) FROM oms.orders_order')
    compose down
    compose up --wait
    primary_is mysql-replica-1
    not primary_is mysql-primary
    [[ $(sql mysql-replica-1 'SELECT COUNT(*) FROM oms.orders_order') == "$orders" ]]
    poc | tee "$WORK/walk"
    [[ $(grep -c 'was registered by an earlier run' "$WORK/walk") == 4 ]]
    compose run --rm -T setup-replication | tee "$WORK/summary"
    grep -E '^mysql-replica-1 +primary .* unchanged$' "$WORK/summary"
    [[ $(grep -c ' unchanged$' "$WORK/summary") == 3 ]]
}

a_dead_primary_is_replaced_and_comes_back_as_a_replica() {
    compose kill mysql-replica-1
    compose run --rm -T replication promote replica3 --dead
    not primary_is mysql-primary
    compose run --rm -T replication promote replica3 --dead --execute
    primary_is mysql-primary
    wait_until 5 writes_are_taken
    poc
    compose -f "$PROJECT_ROOT/docker/compose.fenced.yml" up --wait --no-deps mysql-replica-1
    not primary_is mysql-replica-1
    compose run --rm -T replication rejoin replica1
    compose up --wait
    not primary_is mysql-replica-1
    wait_until 60 all_nodes_serve
    poc
}

# Of the two, nobody but their operator knows which is right.
two_that_take_writes_are_left_alone() {
    sql mysql-replica-2 'STOP REPLICA; RESET REPLICA ALL; SET GLOBAL super_read_only = OFF, GLOBAL read_only = OFF;
        CREATE DATABASE elsewhere'
    not compose run --rm -T --no-deps setup-replication 2>"$WORK/said"
    cat "$WORK/said"
    grep -F 'mysql-primary and mysql-replica-2 take writes' "$WORK/said"
    [[ -z $(sql mysql-replica-2 'SELECT HOST FROM performance_schema.replication_connection_configuration') ]]
}

a_diverged_replica_is_named() {
    local uuid
    uuid=$(sql mysql-replica-1 'SELECT @@server_uuid')
    sql mysql-replica-1 'SET GLOBAL super_read_only = OFF; CREATE DATABASE stray'
    not compose run --rm -T --no-deps setup-replication 2>"$WORK/said"
    cat "$WORK/said"
    grep -F 'mysql-replica-1 has diverged' "$WORK/said"
    grep -E "^ *$uuid:[0-9]+$" "$WORK/said"
}

# --- the run ----------------------------------------------------------------

main() {
    case ${1:-} in
        -h | --help) usage && exit 0 ;;
    esac
    begin_project drf-oms-test docker/compose.yml

    claim 'without secrets it says what to do' without_secrets_it_says_what_to_do
    claim 'it comes up' it_comes_up
    claim 'poc.sh passes' poc
    claim 'only nginx is published' only_nginx_is_published
    claim 'the image can do little' the_image_can_do_little
    claim 'nodes have their roles' nodes_have_their_roles
    claim 'accounts may only what they need' accounts_may_only_what_they_need
    claim 'setting up again changes nothing' setting_up_again_changes_nothing
    claim 'large requests are for imports alone' large_requests_are_for_imports_alone
    claim 'static files come from nginx' static_files_come_from_nginx
    claim 'a killed replica costs no request' a_killed_replica_costs_no_request
    claim 'a lost replica is cloned, and serves' a_lost_replica_is_cloned_and_serves
    claim 'two containers share the work' two_containers_share_the_work
    claim 'three containers keep every guarantee' three_containers_keep_every_guarantee
    claim 'roles are swapped by hand' roles_are_swapped_by_hand
    claim 'data and roles outlive the containers' data_and_roles_outlive_the_containers
    claim 'a dead primary is replaced, and comes back as a replica' a_dead_primary_is_replaced_and_comes_back_as_a_replica
    claim 'a diverged replica is named' a_diverged_replica_is_named
    claim 'two that take writes are left alone' two_that_take_writes_are_left_alone
}

main "$@"
