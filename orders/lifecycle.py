"""Which way an order may go, and who may send it there: one table, no database.

`python -m orders.lifecycle` prints the table as the diagram of docs/orders.md.
"""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    PREPARING = "preparing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELED = "canceled"
    RETURNED = "returned"


class PaymentStatus(StrEnum):
    UNPAID = "unpaid"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class Action(StrEnum):
    PAY = "pay"
    PREPARE = "prepare"
    SHIP = "ship"
    DELIVER = "deliver"
    CANCEL = "cancel"
    RETURN = "return"


class Role(StrEnum):
    """In what capacity somebody acts on an order."""

    OWNER = "owner"
    STAFF = "staff"
    EXPIRY = "expiry"  # the command that cancels what was never paid
    SYSTEM = "system"  # any other command


@dataclass(frozen=True)
class Move:
    """One row of the table."""

    source: Status
    action: Action
    target: Status
    roles: frozenset[Role]


def _move(source: Status, action: Action, target: Status, *others: Role) -> Move:
    return Move(source, action, target, frozenset({Role.STAFF, *others}))


TABLE = (
    _move(Status.PENDING, Action.PAY, Status.PAID),
    _move(Status.PENDING, Action.CANCEL, Status.CANCELED, Role.OWNER, Role.EXPIRY),
    _move(Status.PAID, Action.PREPARE, Status.PREPARING),
    _move(Status.PAID, Action.SHIP, Status.SHIPPED),
    _move(Status.PAID, Action.CANCEL, Status.CANCELED, Role.OWNER),
    _move(Status.PREPARING, Action.SHIP, Status.SHIPPED),
    _move(Status.PREPARING, Action.CANCEL, Status.CANCELED),
    _move(Status.SHIPPED, Action.DELIVER, Status.DELIVERED),
    _move(Status.SHIPPED, Action.RETURN, Status.RETURNED),
    _move(Status.DELIVERED, Action.RETURN, Status.RETURNED),
)

# What a PATCH may change, by status. Once goods are on their way, their description stands.
CHANGEABLE: dict[Status, frozenset[str]] = {
    Status.PENDING: frozenset({"product_name", "external_reference"}),
    Status.PAID: frozenset({"product_name", "external_reference"}),
    Status.PREPARING: frozenset({"product_name", "external_reference"}),
    Status.SHIPPED: frozenset({"external_reference"}),
    Status.DELIVERED: frozenset({"external_reference"}),
    Status.CANCELED: frozenset(),
    Status.RETURNED: frozenset(),
}


def allowed(status: str, role: Role) -> list[Action]:
    """What somebody in this role may do to an order in this status, in the table's order."""
    return [move.action for move in TABLE if move.source == status and role in move.roles]


def may_ever(action: Action, role: Role) -> bool:
    """Whether the role may do this in any status at all."""
    return any(move.action == action and role in move.roles for move in TABLE)


def target_of(status: str, action: Action, role: Role) -> Status | None:
    """Where the action leads from here; None when it is not allowed now."""
    for move in TABLE:
        if (move.source, move.action) == (status, action) and role in move.roles:
            return move.target
    return None


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> pending", "    [*] --> paid"]
    for move in TABLE:
        roles = ", ".join(role for role in Role if role in move.roles)
        lines.append(f"    {move.source} --> {move.target}: {move.action} ({roles})")
    ends = [status for status in Status if not any(move.source == status for move in TABLE)]
    return "\n".join([*lines, *(f"    {status} --> [*]" for status in ends)])


if __name__ == "__main__":
    print(diagram())  # noqa: T201 - this is what it is run for
