"""A browser's tab has a picture: one that is not there is an error in its console."""

from xml.etree import ElementTree


def test_a_browser_that_asks_gets_a_picture(client):
    answer = client.get("/favicon.ico")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert ElementTree.fromstring(answer.content).tag.endswith("svg")  # noqa: S314 - our own
