"""Orders of a checked file into the database, a batch at a time."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from orders.actors import Actor
from orders.errors import ExternalReferenceTaken, OrderNumberTaken, TooBusy
from orders.imports.checking import Spool
from orders.imports.insertion import insert_drafts
from orders.imports.report import CREATED, EXISTING, Report
from orders.imports.rows import Row
from orders.placing import draft, generated_number, place_order
from orders.transactions import retried
from routers import consistency


class Conflict(Exception):
    """A row cannot be written: somebody else was quicker. Rolls the others back."""


class Writer:
    """Writes batches as the actor and tells the report, as often as MySQL lets a transaction run again."""

    def __init__(self, report: Report, actor: Actor) -> None:
        self.report, self.actor = report, actor

    @retried
    def write_all(self, spool: Spool, progress: Callable[[int], Any]) -> None:
        """All in one transaction. Raises `Conflict` and `TooBusy`, having written nothing."""
        for batch in spool:
            self.write(batch)
            progress(len(batch))
        if self.report.has_failed():
            raise Conflict

    def write_each(self, spool: Spool, progress: Callable[[int], Any]) -> None:
        """Each batch in a transaction of its own; what cannot be written is left out."""
        write = retried(self.write)
        for batch in spool:
            try:
                write(batch)
            except TooBusy as error:
                for row in batch:
                    self.report.outcomes[row.place].fail({"row": [str(error)]})
            progress(len(batch))

    def write(self, batch: list[Row]) -> None:
        """Together; where that collides with what somebody else has just written, one by one."""
        members = {customer: member_of(customer) for customer in {row.customer for row in batch}}
        for customer in members:
            consistency.touches(customer)
        new = [
            draft(**{"order_number": generated_number(), **row.content}, customer=members[row.customer])
            for row in batch
        ]
        try:
            with transaction.atomic():
                insert_drafts(new, self.actor)
        except IntegrityError:
            for row in batch:
                self.write_one(row)
            return
        for row, each in zip(batch, new, strict=True):
            self.report.outcomes[row.place].succeed(CREATED, each.order.order_number)

    def write_one(self, row: Row) -> None:
        outcome = self.report.outcomes[row.place]
        try:
            order, is_new = place_order(actor=self.actor, customer=member_of(row.customer), **row.content)
        except OrderNumberTaken as error:
            outcome.fail({"order_number": [str(error)]})
        except ExternalReferenceTaken as error:
            outcome.fail({"external_reference": [str(error)]})
        except IntegrityError:  # the foreign key: they were there when the file was checked
            outcome.fail({"customer": [_("There is no such member.")]})
        else:
            outcome.succeed(CREATED if is_new else EXISTING, order.order_number)


def member_of(customer: Any) -> Any:
    """Their id is all that is needed of them."""
    return get_user_model()(pk=customer)
