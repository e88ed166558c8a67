"""The story of one request: real commits on a real primary, replicas whose state the test says."""

from unittest import mock

import pytest
from django.core.cache import caches
from django.db import connections
from django.utils.connection import ConnectionDoesNotExist

from routers import consistency, positions, probe, testing, tokens
from routers.gtid import GTIDSet
from tests.factories import MemberFactory, OrderFactory

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

REPLICAS = {"replica1", "replica2"}


@pytest.fixture(autouse=True)
def twin():
    with testing.Twin("replica1", "replica2") as twin:
        yield twin


@pytest.fixture
def caught_up(twin):
    """Call it to let replicas (all, when none is named) contain what the primary has."""

    def catch_up(*aliases: str) -> None:
        twin.nodes.primary.executed = REAL_EXECUTED(connections["default"])
        twin.apply(*aliases)

    return catch_up


REAL_EXECUTED = probe.executed


@pytest.fixture
def client(member, client_of, caught_up):
    """A client whose member wrote nothing that the replicas do not have."""
    client = client_of(member)
    caught_up()
    return client


def server_uuid() -> str:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.server_uuid")
        return cursor.fetchone()[0]


def answered_by(answer) -> list[str]:
    assert answer.status_code in (200, 401), answer.content
    return answer.headers["X-Database"].split(", ")


class TestReads:
    def test_are_answered_by_one_replica(self, client):
        for path in ("/orders/", "/accounts/users"):
            (alias,) = answered_by(client.get(path))
            assert alias in REPLICAS

    def test_of_one_member_stay_with_their_replica_on_all_devices(self, member, client, client_of, caught_up):
        devices = [client, client_of(member), client_of(member)]
        caught_up()
        for device in devices:
            device.get("/orders/")  # the first request of a token in a process finds out whose it is

        chosen = {answered_by(device.get("/orders/"))[0] for device in devices for _ in range(3)}

        assert len(chosen) == 1

    def test_wait_for_nothing_when_the_replica_is_known_to_have_it(self, client, twin, caught_up):
        client.post("/orders/", {"product_name": "Mug"})
        caught_up()

        assert answered_by(client.get("/orders/"))[0] in REPLICAS
        assert twin.waits == []


class TestAfterAWrite:
    @pytest.fixture(autouse=True)
    def written(self, client):
        answer = client.post("/orders/", {"product_name": "Mug"})
        assert answer.headers["X-Database"] == "default"

    def test_the_primary_answers_while_no_replica_has_it(self, client):
        assert answered_by(client.get("/orders/"))[-1] == "default"

    def test_a_replica_answers_that_has_it(self, client, caught_up):
        caught_up("replica2")

        assert answered_by(client.get("/orders/")) == ["replica2"]

    def test_a_replica_answers_that_gets_it_within_the_budget(self, client, twin, monkeypatch):
        monkeypatch.setattr(twin, "_contained_at", lambda alias, gtids: twin.now + 0.004)

        assert answered_by(client.get("/orders/"))[0] in REPLICAS
        assert len(twin.waits) == 1
        assert twin.now == pytest.approx(0.004)

    def test_what_a_wait_has_shown_is_remembered(self, client, twin, monkeypatch):
        monkeypatch.setattr(twin, "_contained_at", lambda alias, gtids: twin.now)
        for _ in range(3):
            client.get("/orders/")

        assert len(twin.waits) == 1

    def test_all_waits_of_a_request_fit_its_budget(self, client, twin):
        client.get("/orders/")

        assert 0 < sum(seconds for _, _, seconds in twin.waits) <= 0.020

    def test_a_replica_known_to_be_far_behind_is_not_waited_for(self, client, twin):
        for node in twin.nodes.replicas.values():
            node.lag = 3.0

        assert answered_by(client.get("/orders/"))[-1] == "default"
        assert twin.waits == []

    def test_the_members_other_devices_see_it(self, member, client_of):
        assert answered_by(client_of(member).get("/orders/"))[-1] == "default"

    def test_another_member_is_not_bothered(self, client_of, caught_up, client):
        someone = client_of(MemberFactory())
        caught_up()
        client.post("/orders/", {"product_name": "Mug"})

        assert answered_by(someone.get("/orders/"))[0] in REPLICAS


def test_a_write_of_staff_concerns_the_member_it_touches(member, client, staff_client, caught_up):
    order = OrderFactory(customer=member)
    caught_up()
    staff_client.patch(f"/orders/{order.pk}", {"product_name": "Bowl"})

    assert answered_by(client.get("/orders/"))[-1] == "default"


class TestWhileAWriteIsInFlight:
    """Nobody knows yet which transaction it is: what any node shows already must be in the answer."""

    @pytest.fixture(autouse=True)
    def announced(self, member, client):
        positions.announce([member.pk])

    def test_a_replica_answers_that_has_all_that_the_primary_has(self, client):
        assert answered_by(client.get("/orders/"))[0] in REPLICAS

    def test_the_primary_answers_when_it_alone_has_the_newest(self, client, twin):
        twin.nodes.primary.executed |= GTIDSet.parse(f"{testing.UUID}:7")

        assert answered_by(client.get("/orders/"))[-1] == "default"

    def test_a_replica_that_is_ahead_of_the_primary_answers_itself(self, client, twin):
        """As under semisync with AFTER_SYNC."""
        twin.nodes["replica2"].executed |= GTIDSet.parse(f"{testing.UUID}:7")

        assert answered_by(client.get("/orders/"))[-1] == "replica2"

    def test_nobody_answers_when_no_node_has_it_all(self, client, twin):
        twin.nodes["replica2"].executed |= GTIDSet.parse(f"{testing.UUID}:7")
        twin.nodes["replica1"].executed |= GTIDSet.parse(f"{testing.UUID}:8")

        assert client.get("/orders/").status_code == 503


def test_a_write_that_was_rolled_back_concerns_nobody(client, monkeypatch):
    def fail(**kwargs):
        from django.db import transaction

        with transaction.atomic():
            OrderFactory(customer=kwargs["customer"])
            raise RuntimeError

    monkeypatch.setattr("orders.views.place_order", fail)
    client.raise_request_exception = False
    assert client.post("/orders/", {"product_name": "Mug"}).status_code == 500

    assert answered_by(client.get("/orders/"))[0] in REPLICAS


class TestAPrimaryThatCountsAnew:
    """Its commit got a number that it had given before the request began."""

    @pytest.fixture(autouse=True)
    def old_numbers(self, client, twin):
        client.get("/orders/")
        twin.nodes.primary.executed |= GTIDSet.parse(f"{server_uuid()}:1-999999999")
        twin.nodes.primary.probed_at = 1.0

    @pytest.fixture
    def real_primary(self, twin):
        """Is asked itself, not its twin."""
        with mock.patch("routers.probe.executed", REAL_EXECUTED):
            yield

    def test_is_betrayed_by_a_commit(self, client, twin, real_primary):
        client.post("/orders/", {"product_name": "Mug"})

        assert {node.out_because for node in twin.nodes.replicas.values()} == {"the primary counts anew"}

    def test_is_not_suspected_for_a_request_that_commits_nothing(self, client, twin, real_primary):
        client.post("/orders/", {})

        assert {node.out_because for node in twin.nodes.replicas.values()} == {None}

    def test_is_acquitted_when_it_has_all_that_it_had(self, client, twin):
        client.post("/orders/", {"product_name": "Mug"})

        assert {node.out_because for node in twin.nodes.replicas.values()} == {None}


def test_a_refused_write_leaves_reads_on_the_replica(client):
    client.post("/orders/", {})

    assert answered_by(client.get("/orders/"))[0] in REPLICAS


class TestCredentials:
    def test_a_revoked_token_is_refused_while_replicas_still_know_it(self, client):
        client.get("/orders/")
        client.post("/auth/logout")

        answer = client.get("/orders/")
        assert answer.status_code == 401
        assert answered_by(answer)[-1] == "default"

    def test_a_token_unknown_to_the_replica_is_asked_for_on_the_primary(self, anonymous):
        answer = anonymous.get("/orders/", headers={"Authorization": "Token unknown"})

        assert answer.status_code == 401
        replica, primary = answered_by(answer)
        assert replica in REPLICAS
        assert primary == "default"


class TestLevels:
    def test_strong_reads_the_primary(self, client):
        answer = client.get("/orders/", headers={"X-Consistency": "strong"})

        assert answered_by(answer)[-1] == "default"

    @pytest.mark.parametrize("level", ["eventual", "bounded=5"])
    def test_a_client_cannot_ask_for_less(self, client, level):
        client.post("/orders/", {"product_name": "Mug"})

        answer = client.get("/orders/", headers={"X-Consistency": level})

        assert answered_by(answer)[-1] == "default"

    def test_staff_can_and_are_told(self, staff_client, caught_up):
        staff_client.get("/orders/")
        caught_up()
        staff_client.post("/orders/", {"product_name": "Mug"})

        answer = staff_client.get("/orders/", headers={"X-Consistency": "eventual"})

        assert answered_by(answer)[-1] in REPLICAS
        assert answer.headers["X-Consistency"] == "eventual"

    def test_a_level_that_is_none_is_a_400_that_names_the_header(self, client):
        answer = client.get("/orders/", headers={"X-Consistency": "maximal"})

        assert answer.status_code == 400
        assert "X-Consistency" in answer.json()["detail"]


class TestTokens:
    def test_a_write_answers_a_token_that_another_clients_read_heeds(self, client, client_of, caught_up):
        someone = client_of(MemberFactory())
        caught_up()
        written = client.post("/orders/", {"product_name": "Mug"})

        token = written.headers["X-Consistency-Token"]
        assert answered_by(someone.get("/orders/"))[0] in REPLICAS
        assert answered_by(someone.get("/orders/", headers={"X-Consistency-Token": token}))[-1] == "default"
        assert written.cookies["consistency"].value == token
        assert written.cookies["consistency"]["httponly"]

    def test_a_read_answers_none(self, client):
        assert "X-Consistency-Token" not in client.get("/orders/").headers

    @pytest.mark.parametrize("token", ["forged", "a:b:c", "x" * 5000])
    def test_a_bad_one_is_a_400_and_waits_for_nothing(self, client, twin, token):
        answer = client.get("/orders/", headers={"X-Consistency-Token": token})

        assert answer.status_code == 400
        assert twin.waits == []

    def test_one_of_another_epoch_is_ignored(self, client):
        token = tokens.make(GTIDSet.parse(f"{testing.UUID}:1-999999"))
        positions.store.forget_all()

        assert client.get("/orders/", headers={"X-Consistency-Token": token}).status_code == 200

    def test_an_expired_one_is_ignored(self, client, settings, twin):
        token = tokens.make(GTIDSet.parse(f"{testing.UUID}:1-999999"))
        settings.ROUTERS = {**settings.ROUTERS, "POSITION_SECONDS": -1}

        assert client.get("/orders/", headers={"X-Consistency-Token": token}).status_code == 200

    def test_a_bad_cookie_is_ignored(self, client):
        client.cookies["consistency"] = "forged"

        assert client.get("/orders/").status_code == 200


class TestWithoutWhatIsNeeded:
    def test_a_store_that_fails_sends_reads_to_the_primary(self, client, monkeypatch):
        def fail(*args):
            raise OSError("no cache")

        monkeypatch.setattr(type(caches["default"]), "get_many", fail)

        answer = client.get("/orders/")
        assert answer.status_code == 200
        assert answered_by(answer)[-1] == "default"

    def test_with_the_primary_down_a_member_with_nothing_pending_is_answered(self, client, twin):
        client.get("/orders/")
        twin.nodes.primary.take_out("test")

        assert answered_by(client.get("/orders/"))[0] in REPLICAS

    def test_with_the_primary_down_nobody_is_answered_with_less_than_they_wrote(self, client, twin):
        client.post("/orders/", {"product_name": "Mug"})
        twin.nodes.primary.take_out("test")

        answer = client.get("/orders/")
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == 503

    def test_with_the_primary_down_a_write_is_a_503_at_once(self, client, twin):
        twin.nodes.primary.take_out("test")

        answer = client.post("/orders/", {"product_name": "Mug"})
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers

    def test_without_a_replica_the_primary_answers(self, client, twin):
        for node in twin.nodes.replicas.values():
            node.take_out("test")

        assert answered_by(client.get("/orders/")) == ["default"]

    def test_reads_that_fall_back_are_limited(self, client, twin, settings):
        settings.ROUTERS = {**settings.ROUTERS, "FALL_BACK_READS_PER_SECOND": 2}
        for node in twin.nodes.replicas.values():
            node.take_out("test")

        statuses = [client.get("/orders/").status_code for _ in range(5)]
        assert 503 in statuses
        assert statuses[:2] == [200, 200]


class TestOutsideRequests:
    def test_a_position_is_handed_on(self, member, twin, caught_up):
        OrderFactory(customer=member)
        twin.nodes.primary.executed = REAL_EXECUTED(connections["default"])
        token = consistency.position_token()

        with consistency.resume(token), testing.assert_routed_to("default"):
            member.orders.model.objects.count()
        caught_up()
        with consistency.resume(token):
            assert consistency.may_read_replica()

    def test_a_token_that_is_not_ours_is_an_error(self):
        with pytest.raises(tokens.BadToken), consistency.resume("forged"):
            pass


def test_the_header_is_off_unless_asked_for(client, settings):
    settings.ROUTERS = {**settings.ROUTERS, "EXPOSE_DATABASE_HEADER": False}

    answer = client.get("/orders/")
    assert "X-Database" not in answer.headers
    assert "Server-Timing" not in answer.headers


def test_there_is_no_alias_but_those_of_the_settings():
    with pytest.raises(ConnectionDoesNotExist):
        connections["replica3"]
