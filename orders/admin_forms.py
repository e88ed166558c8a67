"""What staff fill in to change an order: one form for each thing that the service does."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from orders import labels, lifecycle, money
from orders.actors import Actor
from orders.etags import IfMatch
from orders.lifecycle import Action, Status
from orders.models import Order, OrderLine
from orders.permissions import CHANGE, REFUND
from orders.services import add_note, change_order, move_order, refund_order


def area(rows: int, **options: Any) -> forms.CharField:
    return forms.CharField(widget=forms.Textarea(attrs={"rows": rows}), **options)


class Task(forms.Form):
    """Something to be done to an order in the state in which it was shown (`version`).

    `event` is the type of the event that it leaves; `permission` who may do it.
    """

    permission = CHANGE
    event: str
    title: Any
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    def __init__(self, order: Order, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {})["version"] = order.version
        kwargs["auto_id"] = f"{self.event}_%s"  # there are several forms on the page
        super().__init__(*args, **kwargs)
        self.order = order

    @property
    def destructive(self) -> bool:
        return self.event in (Action.CANCEL, Action.RETURN, "refund")

    def perform(self, actor: Actor) -> Order:
        """Raises `OrderError`."""
        sent = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        seen = IfMatch((f'"{self.order.pk}-{self.cleaned_data["version"]}"',))
        return self.send(order=self.order, actor=actor, if_match=seen, **sent)

    def send(self, **sent: Any) -> Order:
        """Each form's own: the service that does it."""
        raise NotImplementedError  # a form without one is no form


class MoveTask(Task):
    """One action of the lifecycle."""

    action: Action
    reason = forms.CharField(label=_("Reason (the customer reads it)"), max_length=500, required=False)
    note = area(2, label=_("Note (for staff alone)"), max_length=2000, required=False)

    def __init__(self, order: Order, *args: Any, **kwargs: Any) -> None:
        super().__init__(order, *args, **kwargs)
        self.order_fields(["version", "carrier", "tracking_number", "reason", "note"])

    def send(self, **sent: Any) -> Order:
        facts = {name: sent.pop(name, None) for name in ("order", "actor", "if_match", "quantities")}
        return move_order(action=self.action, details=sent, **facts)


class ShipTask(MoveTask):
    carrier = forms.CharField(label=_("Carrier"), max_length=100, required=False)
    tracking_number = forms.CharField(label=_("Tracking number"), max_length=100, required=False)


class TakeTask(MoveTask):
    """Cancel or return: all that is left, or some of it. Why, is asked."""

    reason = forms.CharField(label=_("Reason (the customer reads it)"), max_length=500)

    def __init__(self, order: Order, *args: Any, **kwargs: Any) -> None:
        super().__init__(order, *args, **kwargs)
        for line in self.open_lines():
            self.fields[f"line_{line.position}"] = forms.IntegerField(
                label=_("How many of “%(name)s” (%(left)s left)")
                % {"name": line.name, "left": line.open_quantity},
                min_value=0,
                max_value=line.open_quantity,
                required=False,
                initial=line.open_quantity,
            )

    def open_lines(self) -> list[OrderLine]:
        return [line for line in self.order.lines.all() if line.open_quantity]

    def clean(self) -> dict[str, Any]:
        """`quantities` by position; None, where all that is left is meant."""
        cleaned: dict[str, Any] = self.cleaned_data
        wanted = {line.position: cleaned.pop(f"line_{line.position}", None) for line in self.open_lines()}
        quantities = {position: quantity for position, quantity in wanted.items() if quantity}
        if not quantities and any(quantity == 0 for quantity in wanted.values()):
            raise forms.ValidationError(_("Say how many of at least one line."))
        return {**cleaned, "quantities": quantities or None}


class RefundTask(Task):
    permission = REFUND
    event = "refund"
    title = _("Refund")
    amount = forms.DecimalField(
        label=_("Amount"), max_digits=money.MAX_DIGITS, decimal_places=money.MAX_PLACES, min_value=0
    )
    reason = forms.CharField(label=_("Reason (the customer reads it)"), max_length=500)

    def __init__(self, order: Order, *args: Any, **kwargs: Any) -> None:
        left = money.text(order.total - order.refunded_total, order.currency)
        kwargs.setdefault("initial", {})["amount"] = left
        super().__init__(order, *args, **kwargs)

    def send(self, **sent: Any) -> Order:
        return refund_order(**sent)


class NoteTask(Task):
    event = "note"
    title = _("Write a note")
    text = area(3, label=_("Note"), max_length=2000)
    audience = forms.ChoiceField(label=_("Who reads it"), choices=list(labels.AUDIENCE.items()))

    def send(self, **sent: Any) -> Order:
        return add_note(**sent)


class ChangeTask(Task):
    """What the order's status allows to be changed."""

    event = "change"
    title = _("Change details")
    product_name = forms.CharField(label=_("Product"), max_length=200)
    external_reference = forms.CharField(
        label=_("External reference"), max_length=64, required=False, empty_value=None
    )

    def __init__(self, order: Order, *args: Any, **kwargs: Any) -> None:
        shown = {name: getattr(order, name) for name in ("product_name", "external_reference")}
        kwargs.setdefault("initial", {}).update(shown)
        super().__init__(order, *args, **kwargs)
        for name in shown.keys() - lifecycle.CHANGEABLE[Status(order.status)]:
            del self.fields[name]

    def send(self, **sent: Any) -> Order:
        return change_order(**sent)


def _move(action: Action, base: type[MoveTask]) -> type[Task]:
    facts = {"action": action, "event": action.value, "title": labels.ACTION[action]}
    return type(f"{action.name.title()}Task", (base,), facts)


MOVES: dict[Action, type[Task]] = {
    Action.PAY: _move(Action.PAY, MoveTask),
    Action.PREPARE: _move(Action.PREPARE, MoveTask),
    Action.SHIP: _move(Action.SHIP, ShipTask),
    Action.DELIVER: _move(Action.DELIVER, MoveTask),
    Action.CANCEL: _move(Action.CANCEL, TakeTask),
    Action.RETURN: _move(Action.RETURN, TakeTask),
}
TASKS: dict[str, type[Task]] = {
    **{str(action): task for action, task in MOVES.items()},
    **{task.event: task for task in (RefundTask, NoteTask, ChangeTask)},
}
