"""What staff may do beyond what every member may: Django's own permissions, through groups."""

from typing import Any

VIEW = "orders.view_order"
ADD = "orders.add_order"
CHANGE = "orders.change_order"
REFUND = "orders.refund_order"
IMPORT = "orders.import_order"


def staff_may(member: Any, permission: str) -> bool:
    """Whether the member acts as staff here. Without the permission, staff are members like others.

    Asks the database (twice, once a request) only about staff.
    """
    return bool(member.is_staff and member.has_perm(permission))
