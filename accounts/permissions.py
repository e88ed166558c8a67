"""What staff may do with other members: Django's permissions, through groups."""

from orders.permissions import staff_may

__all__ = ["CHANGE", "ERASE", "VIEW", "staff_may"]

VIEW = "accounts.view_member"
CHANGE = "accounts.change_member"
ERASE = "accounts.erase_member"
