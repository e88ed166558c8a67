"""django-replicated's API over our state."""

import threading

import pytest
from django.db import router
from django.http import HttpResponse, HttpResponseRedirect
from django_replicated.decorators import use_master, use_slave, use_state
from django_replicated.router import ReplicationRouter
from django_replicated.utils import routers as upstream

from accounts.models import Member
from routers import scope, testing
from routers.router import PrimaryReplicaRouter

REPLICAS = {"replica1", "replica2"}


def read_alias(request, *args):
    return HttpResponse(router.db_for_read(Member))


@pytest.fixture
def reading():
    with testing.request() as story:
        yield story


def ask(view, rf) -> str:
    return view(rf.get("/")).content.decode()


def test_our_router_is_theirs():
    assert issubclass(PrimaryReplicaRouter, ReplicationRouter)
    assert isinstance(upstream.state.__self__, PrimaryReplicaRouter)


def test_use_master_and_use_slave_choose_for_one_view(rf, reading):
    assert ask(use_master(read_alias), rf) == "default"
    assert ask(use_slave(read_alias), rf) in REPLICAS
    assert ask(use_state(forced_state="master")(read_alias), rf) == "default"
    assert router.db_for_read(Member) in REPLICAS


def test_decorators_nest_and_restore(rf, reading):
    @use_master
    def outer(request):
        inner = ask(use_slave(read_alias), rf)
        return HttpResponse(f"{inner} {router.db_for_read(Member)}")

    inner, after = ask(outer, rf).split()
    assert inner in REPLICAS
    assert after == "default"
    assert upstream.state() == "slave"


def test_use_slave_in_an_unsafe_request_reads_a_replica_until_a_write(rf):
    @use_slave
    def view(request):
        before = router.db_for_read(Member)
        router.db_for_write(Member)
        return HttpResponse(f"{before} {router.db_for_read(Member)}")

    with testing.request(method="POST"):
        before, after = ask(view, rf).split()
    assert before in REPLICAS
    assert after == "default"


def test_a_write_in_the_state_slave_is_no_error(reading):
    assert upstream.state() == "slave"
    assert router.db_for_write(Member) == "default"


def test_use_state_and_revert(reading):
    upstream.use_state("master")
    assert (upstream.state(), router.db_for_read(Member)) == ("master", "default")
    upstream.use_state("slave")
    upstream.revert()
    assert upstream.state() == "master"
    upstream.revert()
    assert upstream.state() == "slave"


def test_state_changes_can_be_forbidden(reading):
    upstream.set_state_change(False)
    upstream.use_state("master")
    assert upstream.state() == "slave"
    upstream.revert()
    upstream.set_state_change(True)
    upstream.use_state("master")
    assert upstream.state() == "master"


def test_init_and_reset_pair(reading):
    upstream.init("master")
    upstream.use_state("slave")
    upstream.reset()
    assert upstream.state() == "slave"
    assert scope.current().outer is None


def test_a_redirect_after_use_master_is_harmless(rf, reading):
    assert use_master(lambda request: HttpResponseRedirect("/"))(rf.get("/")).status_code == 302


def test_outside_a_request_the_state_is_master():
    assert upstream.state() == "master"


def test_state_is_not_shared_with_a_thread(reading):
    seen = []
    upstream.use_state("slave")
    thread = threading.Thread(target=lambda: seen.append(upstream.state()))
    thread.start()
    thread.join()

    assert seen == ["master"]
