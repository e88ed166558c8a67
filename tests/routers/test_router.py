"""Which alias a statement goes to. (How fresh it is there: tests/replication.)"""

import pytest
from django.db import router, transaction

from accounts.models import Member
from orders.models import Order
from routers import testing
from tests.factories import MemberFactory, OrderFactory

REPLICAS = {"replica1", "replica2"}


@pytest.fixture
def reading():
    """Inside a safe request."""
    with testing.request(affinity="someone") as story:
        yield story


def test_outside_a_request_all_goes_to_the_primary():
    assert router.db_for_read(Member) == "default"
    assert router.db_for_write(Member) == "default"


def test_a_safe_request_reads_one_replica(reading):
    assert {router.db_for_read(Member), router.db_for_read(Order)} in ({"replica1"}, {"replica2"})


def test_an_unsafe_request_reads_the_primary():
    with testing.request(method="POST"):
        assert router.db_for_read(Member) == "default"


def test_after_a_write_the_request_reads_the_primary(reading):
    router.db_for_write(Member)

    assert router.db_for_read(Order) == "default"


def test_the_next_request_starts_afresh():
    with testing.request():
        router.db_for_write(Member)
    with testing.request():
        assert router.db_for_read(Member) in REPLICAS


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_an_atomic_block_reads_the_primary(reading):
    with transaction.atomic():
        assert router.db_for_read(Member) == "default"
    assert router.db_for_read(Member) in REPLICAS


@pytest.mark.django_db(transaction=True, databases="__all__")
class TestWithRows:
    @pytest.fixture
    def order(self):
        return OrderFactory(customer=MemberFactory())

    @pytest.fixture
    def read_order(self, order, reading):
        return Order.objects.get(pk=order.pk)

    def test_a_read_comes_from_a_replica(self, read_order):
        assert read_order._state.db in REPLICAS

    def test_related_rows_of_a_replica_row_come_from_the_same_replica(self, read_order):
        assert read_order.customer._state.db == read_order._state.db
        assert read_order.customer.orders.get()._state.db == read_order._state.db

    def test_related_rows_of_a_primary_row_come_from_the_primary(self, order, reading):
        assert order.customer.orders.get()._state.db == "default"

    def test_select_for_update_reads_the_primary(self, order, reading):
        with transaction.atomic():
            assert Order.objects.select_for_update().get(pk=order.pk)._state.db == "default"

    def test_get_or_create_reads_the_primary(self, order, reading):
        found, made = Order.objects.get_or_create(pk=order.pk)

        assert not made
        assert found._state.db == "default"

    def test_refresh_from_db_after_a_write_reads_the_primary(self, read_order):
        read_order.save()
        read_order.refresh_from_db()

        assert read_order._state.db == "default"

    def test_a_write_while_reading_works_and_turns_to_the_primary(self, read_order):
        read_order.product_name = "Bowl"
        read_order.save()

        assert Order.objects.get(pk=read_order.pk)._state.db == "default"
        assert Order.objects.get(pk=read_order.pk).product_name == "Bowl"

    def test_rows_of_two_nodes_may_be_related(self, read_order, order):
        read_order.customer = Member.objects.using("default").get(pk=order.customer_id)
        read_order.save()

    def test_the_story_names_who_answered_in_order(self, read_order, reading):
        read_order.save()

        assert reading.answered == [reading.replica, "default"]


def test_tables_are_made_on_the_primary_only():
    assert router.allow_migrate("default", "orders") is True
    assert router.allow_migrate("replica1", "orders") is False


def test_without_replicas_all_goes_to_the_primary(settings):
    settings.ROUTERS = {"REPLICAS": []}

    with testing.request():
        assert router.db_for_read(Member) == "default"
