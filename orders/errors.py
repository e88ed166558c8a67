"""What can go wrong with an order, in words that a client may read.

`drf_oms.errors` says which HTTP status each becomes. `facts` are further members of the answer;
`retry_after` is in seconds.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from orders.lifecycle import Action


class OrderError(Exception):
    """`sentence` may name `facts` in percent format."""

    sentence: Any
    retry_after: int | None = None

    def __init__(self, **facts: Any) -> None:
        super().__init__(facts)
        self.facts = facts

    def __str__(self) -> str:
        return str(self.sentence % self.facts if self.facts else self.sentence)


class OrderNumberTaken(OrderError):
    """Somebody's order has this number, or the caller's own with other content."""

    sentence = _("Another order already has this number; leave it out to have one generated.")


class ExternalReferenceTaken(OrderError):
    """External references are unique over all orders."""

    sentence = _("Another order already has this external reference.")


class NotYours(OrderError):
    """Looking at it is allowed, this is not."""

    sentence = _("Your account has no permission for this.")


class OnlyStaff(OrderError):
    """No status allows this to an owner."""

    sentence = _("Only staff may do this to an order.")


class TransitionRefused(OrderError):
    """The lifecycle's table has no such way."""

    sentence = _("This order is %(status)s: %(action)s is not possible now. Possible: %(possible)s.")

    def __init__(self, *, status: str, action: Action, allowed: list[Action]) -> None:
        possible = ", ".join(allowed) or _("nothing")
        super().__init__(status=str(status), action=action.value, possible=possible)
        self.facts["allowed"] = [allowed_action.value for allowed_action in allowed]


class FieldSettled(OrderError):
    """A PATCH names what may not change in this status."""

    sentence = _("This cannot be changed any more: the order is %(status)s.")

    def __init__(self, *, field: str, status: str) -> None:
        super().__init__(status=str(status))
        self.field = field


class NoSuchLine(OrderError):
    """A position that the order does not have."""

    sentence = _("The order has no line at position %(position)s.")


class NotThatMany(OrderError):
    """More than is left of the line."""

    sentence = ngettext_lazy(
        "Of the line at position %(position)s only %(left)s is left.",
        "Of the line at position %(position)s only %(left)s are left.",
        "left",
    )


class NotPaid(OrderError):
    """Nothing was paid that could be given back."""

    sentence = _("This order has not been paid; there is nothing to refund.")


class RefundTooLarge(OrderError):
    """More than what was paid and not yet given back."""

    sentence = _("At most %(refundable)s %(currency)s can be refunded.")


class WrongPlaces(OrderError):
    """An amount that the currency cannot express."""

    sentence = _("%(currency)s amounts are multiples of %(smallest)s.")


class AmountTooLarge(OrderError):
    """A sum beyond the columns' digits."""

    sentence = _("The order's total must be below %(limit)s.")


class OrderChanged(OrderError):
    """`If-Match` names another version."""

    sentence = _("The order has changed since you read it; read it again. Its ETag is %(etag)s now.")


class KeyReused(OrderError):
    """An Idempotency-Key that came with another request before."""

    sentence = _("This key was used for another request; take a new one.")


class StillRunning(OrderError):
    """The first request with this key has not ended."""

    sentence = _("A request with this key is still running; try again.")
    retry_after = 1


class TooBusy(OrderError):
    """Others held the locks, again and again."""

    sentence = _("Too many changes at once; nothing was changed. Try again.")
    retry_after = 1


class ImportTooLarge(OrderError):
    """More bytes than the service takes at once."""

    sentence = _("The file is larger than %(limit)s bytes; send it in parts.")
