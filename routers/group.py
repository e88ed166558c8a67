"""What a member of Group Replication says of its group."""

from dataclasses import dataclass
from typing import Self

PRESENT = {"ONLINE", "RECOVERING"}


@dataclass(frozen=True)
class Group:
    """The group as one of its members sees it.

    `name` is the UUID under which the group's transactions are known; `state` and `role` are the member's
    own, as `performance_schema.replication_group_members` has them; `primary` is the server_uuid of the one
    that it takes for the primary. A member that is cut off from the majority still calls itself ONLINE and
    PRIMARY: `majority` says whether it sees more than half of them. One that stood still does so for seconds
    after it goes on, and sees all of them: only the others know better (routers.primary).
    """

    name: str
    state: str
    role: str
    majority: bool
    primary: str = ""

    @classmethod
    def parse(cls, name: str | None, members: str | None) -> Self | None:
        """Of "STATE ROLE SELF ID,…"; None for a server that is in no group."""
        rows = [row.split(" ") for row in members.split(",")] if members else []
        own = next((row for row in rows if row[2] == "1"), None)
        if own is None or own[0] == "OFFLINE":
            return None
        present = sum(row[0] in PRESENT for row in rows)
        primary = next((row[3] for row in rows if row[:2] == ["ONLINE", "PRIMARY"]), "")
        return cls((name or "").lower(), own[0], own[1], 2 * present > len(rows), primary)

    @property
    def elected(self) -> bool:
        """Whether this member is the one that takes writes."""
        return self.state == "ONLINE" and self.role == "PRIMARY" and self.majority
