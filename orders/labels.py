"""What people read for the words of an order; programs and the API keep the words."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from orders import history
from orders.lifecycle import Action, PaymentStatus, Role, Status

STATUS = {
    Status.PENDING: _("pending"),
    Status.PAID: _("paid"),
    Status.PREPARING: _("preparing"),
    Status.SHIPPED: _("shipped"),
    Status.DELIVERED: _("delivered"),
    Status.CANCELED: _("canceled"),
    Status.RETURNED: _("returned"),
}
PAYMENT = {
    PaymentStatus.UNPAID: _("unpaid"),
    PaymentStatus.PAID: _("paid"),
    PaymentStatus.PARTIALLY_REFUNDED: _("partially refunded"),
    PaymentStatus.REFUNDED: _("refunded"),
}
ACTION = {
    Action.PAY: _("Record payment"),
    Action.PREPARE: _("Prepare"),
    Action.SHIP: _("Ship"),
    Action.DELIVER: _("Mark as delivered"),
    Action.CANCEL: _("Cancel order"),
    Action.RETURN: _("Take back"),
}
EVENT: dict[str, Any] = {
    history.PLACED: _("placed"),
    history.CHANGED: _("changed"),
    history.REFUNDED: _("refund"),
    history.NOTED: _("note"),
    Action.PAY: _("paid"),
    Action.PREPARE: _("preparing"),
    Action.SHIP: _("shipped"),
    Action.DELIVER: _("delivered"),
    Action.CANCEL: _("canceled"),
    Action.RETURN: _("returned"),
}
ROLE = {
    Role.OWNER: _("customer"),
    Role.STAFF: _("staff"),
    Role.EXPIRY: _("expiry"),
    Role.SYSTEM: _("system"),
}
DETAIL = {
    "reason": _("reason"),
    "note": _("note"),
    "carrier": _("carrier"),
    "tracking_number": _("tracking number"),
    "amount": _("amount"),
    "text": _("text"),
    "audience": _("for"),
    "lines": _("lines"),
    "product_name": _("product"),
    "external_reference": _("external reference"),
}
AUDIENCE = {"internal": _("staff alone"), "customer": _("the customer")}
