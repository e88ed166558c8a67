"""With both replicas seconds behind, nobody reads something older than what they wrote."""

import pytest

from tests.replication.cluster import Client, Cluster, Service

DELAY = 5


@pytest.fixture(scope="module", autouse=True)
def replicas_are_behind(cluster):
    with cluster.delayed(DELAY):
        yield


def walk(cluster: Cluster, service: Service, email: str) -> list[str]:
    """What a member does in a row; the steps whose answer was stale or wrong."""
    wrong = []

    def expect(step: str, holds: bool) -> None:
        if not holds:
            wrong.append(step)

    phone, laptop = Client(service), Client(service)
    expect("register", phone.register(email).status_code == 201)
    expect("use the token", phone.call("GET", f"/accounts/users/{phone.member}").status_code == 200)
    expect("log in", laptop.log_in(email).status_code == 200)
    expect("use the second token", laptop.call("GET", "/orders/").status_code == 200)
    cluster.wait_for_replicas()  # from here on they know the tokens, and could answer too early

    order = phone.call("POST", "/orders/", product_name="Mug").json()["id"]
    for device in (phone, laptop):
        listed = device.call("GET", "/orders/").json()["results"]
        expect("list", [shown["id"] for shown in listed] == [order])
    shown = laptop.call("GET", f"/accounts/users/{phone.member}").json()
    expect("newest order", shown["last_order"] is not None and shown["last_order"]["id"] == order)

    phone.call("PATCH", f"/orders/{order}", product_name="Bowl")
    expect("change", laptop.call("GET", f"/orders/{order}").json().get("product_name") == "Bowl")

    expect("log out", phone.call("POST", "/auth/logout").status_code == 204)
    expect("reuse the token", phone.call("GET", "/orders/").status_code == 401)
    expect("the other token", laptop.call("GET", "/orders/").status_code == 200)
    expect("log out everywhere", laptop.call("POST", "/auth/logoutall").status_code == 204)
    expect("reuse the other token", laptop.call("GET", "/orders/").status_code == 401)
    return wrong


def test_no_step_is_stale_or_wrong(cluster, service, new_email):
    for _ in range(2):
        assert walk(cluster, service, new_email()) == []


def test_the_walk_notices_a_service_that_does_not_gate(cluster, tmp_path, new_email):
    """The planted fault: reads go to the replicas right after a write."""
    with Service(tmp_path, GATE_READS="false") as careless:
        wrong = walk(cluster, careless, new_email())
    assert {"list", "newest order", "change"} <= set(wrong)
