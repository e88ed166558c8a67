"""With both replicas seconds behind, a token that was revoked in any way is refused at once, everywhere."""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.replication.cluster import Client, Cluster, Service

DELAY = 3
CALLS = 6  # each by a connection of its own, so that both worker processes are asked


@pytest.fixture(scope="module", autouse=True)
def replicas_are_behind(cluster) -> Iterator[None]:
    with cluster.delayed(DELAY):
        yield


def end_the_session(actor: Client, victim: Client) -> int:
    listed = victim.call("GET", "/auth/sessions").json()["results"]
    [session] = [shown["id"] for shown in listed if shown["current"]]
    return actor.call("DELETE", f"/auth/sessions/{session}").status_code


def change_the_password(actor: Client, victim: Client) -> int:
    body = {"current_password": Client.password, "password": "Another-horse-8"}
    return actor.call("POST", "/auth/password", **body).status_code


def erase_the_member(actor: Client, victim: Client) -> int:
    return actor.call("DELETE", f"/accounts/users/{victim.member}").status_code


def two_devices(cluster: Cluster, service: Service, email: str) -> tuple[Client, Client]:
    """Of one member. The replicas know both tokens, and could answer too early."""
    phone, laptop = Client(service), Client(service)
    assert phone.register(email).status_code == 201
    assert laptop.log_in(email).status_code == 200
    cluster.wait_for_replicas()
    return phone, laptop


def answers(client: Client) -> set[int]:
    return {client.call("GET", "/orders/").status_code for _ in range(CALLS)}


@pytest.mark.parametrize("revoke", [end_the_session, change_the_password, erase_the_member])
def test_a_revoked_token_is_refused_at_once(cluster, service, new_email, revoke: Callable[..., int]):
    phone, laptop = two_devices(cluster, service, new_email())
    assert answers(laptop) == {200}

    assert revoke(phone, laptop) == 204

    assert answers(laptop) == {401}
    assert answers(phone) == ({401} if revoke is erase_the_member else {200})


def test_a_member_whom_staff_erased_is_refused_at_once(cluster, service, staff, new_email):
    phone, laptop = two_devices(cluster, service, new_email())
    administrator = Client(service)
    assert administrator.log_in(staff[0]).status_code == 200

    assert erase_the_member(administrator, laptop) == 204

    assert answers(phone) == answers(laptop) == {401}
    seen = administrator.call("GET", f"/accounts/users/{laptop.member}").json()
    assert seen["erased_at"] is not None


def test_a_session_is_listed_at_once_and_gone_at_once(cluster, service, new_email):
    email = new_email()
    phone, laptop = two_devices(cluster, service, email)
    assert Client(service).log_in(email).status_code == 200

    for device in (phone, laptop):
        assert device.call("GET", "/auth/sessions").json()["count"] == 3
    assert end_the_session(phone, laptop) == 204
    assert phone.call("GET", "/auth/sessions").json()["count"] == 2


def test_a_reset_password_ends_all_sessions_and_the_link_at_once(cluster, service, new_email):
    email = new_email()
    phone, laptop = two_devices(cluster, service, email)
    anonymous = Client(service)
    assert anonymous.call("POST", "/auth/password/reset", email=email).status_code == 202
    uid, token = re.findall(r"#uid=(\S+)&token=(\S+)", service.mail_with(email, "/password/reset/"))[0]
    new = {"uid": uid, "token": token, "password": "Another-horse-8"}

    assert anonymous.call("POST", "/auth/password/reset/confirm", **new).status_code == 204

    assert answers(phone) == answers(laptop) == {401}
    again = {anonymous.call("POST", "/auth/password/reset/confirm", **new).status_code for _ in range(CALLS)}
    assert again == {400}


def test_this_notices_a_service_that_does_not_gate(cluster, tmp_path, new_email):
    """The planted fault: reads go to the replicas right after a write."""
    with Service(tmp_path, GATE_READS="false") as careless:
        phone, laptop = two_devices(cluster, careless, new_email())
        assert end_the_session(phone, laptop) == 204
        assert 200 in answers(laptop)
