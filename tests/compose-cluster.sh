#!/usr/bin/env bash
# The Compose set-up that elects its primary, from nothing to its end. See --help.
set -euo pipefail

# shellcheck source=scripts/lib/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/lib/common.sh"
# shellcheck source=scripts/lib/setup.sh
. "$PROJECT_ROOT/scripts/lib/setup.sh"
# shellcheck source=tests/compose-project.sh
. "$PROJECT_ROOT/tests/compose-project.sh"

usage() {
    cat <<END
Usage: tests/compose-cluster.sh          (or scripts/test.sh --compose-cluster)

Brings docker/compose.cluster.yml up as a project of its own
(drf-oms-cluster-test), with secrets and volumes of its own, makes its claims,
and removes it. It needs what tests/compose.sh needs.

Environment:
  KEEP=1            leave the project up, to look at it
  MYSQL_VERSION     9.7 or 8.4

Exit status: 0 all claims hold, 1 one does not.
END
}

NODES=(mysql-1 mysql-2 mysql-3)

# --- asking -----------------------------------------------------------------

# on_members NODE EXPRESSION [CONDITION]: of the members that the node sees
on_members() {
    sql "$1" "SELECT $2 FROM performance_schema.replication_group_members WHERE ${3:-TRUE}"
}

is_online() {
    [[ $(on_members "$1" MEMBER_STATE 'MEMBER_ID = @@server_uuid') == ONLINE ]]
}

primary_seen_by() {
    on_members "$1" MEMBER_HOST "MEMBER_ROLE = 'PRIMARY' AND MEMBER_STATE = 'ONLINE'"
}

# what_setup_says: the table, which is kept
what_setup_says() {
    compose run --rm -T setup-group | tee "$WORK/summary"
}

orders_of() {
    sql "$1" 'SELECT COUNT(*) FROM oms.orders_order'
}

# --- claims -----------------------------------------------------------------

it_comes_up() {
    compose up --build --wait --quiet-pull
}

a_group_of_three_with_one_writer() {
    local node writers=0
    for node in "${NODES[@]}"; do
        [[ $(on_members "$node" "COUNT(*), SUM(MEMBER_STATE = 'ONLINE')") == 3?3 ]]
        [[ $(sql "$node" 'SELECT @@group_replication_consistency') == BEFORE_ON_PRIMARY_FAILOVER ]]
        writers=$((writers + 1 - $(sql "$node" 'SELECT @@super_read_only')))
    done
    [[ $writers == 1 ]]
    compose exec -T app python manage.py check --tag routers \
        --database default --database replica1 --database replica2 --database replica3
}

setting_up_again_changes_nothing() {
    local before
    before=$(sql mysql-1 'SELECT @@GLOBAL.gtid_executed')
    what_setup_says
    [[ $(grep -c ' unchanged$' "$WORK/summary") == 3 ]]
    [[ $(sql mysql-1 'SELECT @@GLOBAL.gtid_executed') == "$before" ]]
}

# While it is away the two others are a group, and what is left to do is the engine's: to start it.
the_service_follows_an_election_by_itself() {
    local old new=mysql-1
    old=$(primary_seen_by mysql-1)
    [[ $old != "$new" ]] || new=mysql-2
    compose kill "$old"
    wait_until 60 another_is_elected "$new" "$old"
    wait_until 5 writes_are_taken
    poc
    compose up --wait --no-deps "$old"
    wait_until 180 is_online "$old"
    [[ $(primary_seen_by "$old") != "$old" ]]
    wait_until 60 all_nodes_serve
    poc
}

# another_is_elected SEEN_BY OLD
another_is_elected() {
    local named
    named=$(primary_seen_by "$1")
    [[ -n $named && $named != "$2" ]]
}

a_promotion_is_an_election() {
    local old number=1
    old=$(primary_seen_by mysql-1)
    [[ $old != mysql-1 ]] || number=2
    compose run --rm -T replication promote "replica$number"
    [[ $(primary_seen_by "$old") == "mysql-$number" ]]
    wait_until 60 all_nodes_serve
    poc
}

a_lost_node_is_made_anew() {
    local lost=mysql-3 orders
    orders=$(orders_of "$(primary_seen_by mysql-1)")
    compose rm --stop --force --volumes "$lost"
    docker volume rm "${PROJECT}_$lost"
    compose up --wait --no-deps "$lost"
    what_setup_says
    grep -E "^$lost .* joined$" "$WORK/summary"
    [[ $(orders_of "$lost") == "$orders" ]]
    wait_until 60 all_nodes_serve
}

after_all_have_ended_it_is_formed_anew() {
    local orders
    orders=$(orders_of mysql-1)
    compose down
    compose up --wait
    [[ $(on_members mysql-1 "SUM(MEMBER_STATE = 'ONLINE')") == 3 ]]
    [[ $(orders_of mysql-1) == "$orders" ]]
    poc | tee "$WORK/walk"
    [[ $(grep -c 'was registered by an earlier run' "$WORK/walk") == 4 ]]
}

# --- the run ----------------------------------------------------------------

main() {
    case ${1:-} in
        -h | --help) usage && exit 0 ;;
    esac
    begin_project drf-oms-cluster-test docker/compose.cluster.yml

    claim 'it comes up' it_comes_up
    claim 'poc.sh passes' poc
    claim 'a group of three with one writer' a_group_of_three_with_one_writer
    claim 'setting up again changes nothing' setting_up_again_changes_nothing
    claim 'the service follows an election by itself' the_service_follows_an_election_by_itself
    claim 'a promotion is an election' a_promotion_is_an_election
    claim 'a lost node is made anew' a_lost_node_is_made_anew
    claim 'after all have ended it is formed anew' after_all_have_ended_it_is_formed_anew
}

main "$@"
