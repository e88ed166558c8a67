"""What a member says of its group."""

import pytest

from routers.group import Group

GROUP = "AAAAAAAA-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("members", "elected", "state"),
    [
        ("ONLINE PRIMARY 1 a,ONLINE SECONDARY 0 b,ONLINE SECONDARY 0 c", True, "ONLINE"),
        ("ONLINE SECONDARY 1 b,ONLINE PRIMARY 0 a", False, "ONLINE"),
        ("ONLINE PRIMARY 1 a,UNREACHABLE SECONDARY 0 b,ONLINE SECONDARY 0 c", True, "ONLINE"),
        ("ONLINE PRIMARY 1 a,UNREACHABLE SECONDARY 0 b,UNREACHABLE SECONDARY 0 c", False, "ONLINE"),
        ("ONLINE PRIMARY 1 a,RECOVERING SECONDARY 0 b,UNREACHABLE SECONDARY 0 c", True, "ONLINE"),
        ("ONLINE PRIMARY 1 a", True, "ONLINE"),
        ("RECOVERING PRIMARY 1 a", False, "RECOVERING"),
        ("ERROR  1 a,ONLINE PRIMARY 0 b", False, "ERROR"),
    ],
)
def test_a_member_is_elected_that_a_majority_can_reach(members, elected, state):
    group = Group.parse(GROUP, members)

    assert group is not None
    assert (group.elected, group.state) == (elected, state)
    assert group.name == GROUP.lower()


@pytest.mark.parametrize("members", [None, "", "OFFLINE  1 a", "OFFLINE  0 "])
def test_a_server_that_has_joined_none_is_in_none(members):
    assert Group.parse(None, members) is None


def test_it_names_whom_it_takes_for_the_primary():
    assert Group.parse(GROUP, "ONLINE SECONDARY 1 b,ONLINE PRIMARY 0 a").primary == "a"
    assert Group.parse(GROUP, "ONLINE SECONDARY 1 b,UNREACHABLE PRIMARY 0 a").primary == ""
