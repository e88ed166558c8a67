"""Past orders out of a file, in the back office: what the API imports, and how far it is."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django import forms
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from orders.actors import placing_actor
from orders.errors import OrderError
from orders.imports.importing import import_orders
from orders.imports.report import FAILED, Report
from orders.models import Order
from orders.permissions import IMPORT, staff_may

EVERY, KEPT = 0.5, 600  # seconds: between two notes of how far it is, and for how long they count
ERRORS_SHOWN = 50
LINES = (".jsonl", ".ndjson", ".json")  # how names of JSON lines end; others are CSV
MODES = [("all", _("write nothing")), ("best", _("write the good ones"))]


class ImportForm(forms.Form):
    progress = forms.SlugField(widget=forms.HiddenInput, max_length=32)
    file = forms.FileField(label=_("File (CSV or JSON lines)"))
    mode = forms.ChoiceField(label=_("If a row is bad"), choices=MODES)
    dry_run = forms.BooleanField(label=_("Only check, write nothing"), required=False)


def import_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The form; after a POST, what became of the rows. `context` is the admin site's."""
    if not staff_may(request.user, IMPORT):
        raise PermissionDenied
    form = ImportForm(
        request.POST or None, request.FILES or None, initial={"progress": get_random_string(16)}
    )
    report, refusal = None, None
    if request.method == "POST" and form.is_valid():
        try:
            report = imported(request, **form.cleaned_data)
        except OrderError as error:
            refusal = error
    failed = [outcome for outcome in report.outcomes if outcome.result == FAILED] if report else []
    shown = {
        **context,
        "title": _("Import orders"),
        "form": form,
        "report": report,
        "counts": report.counts() if report else {},
        "failed": failed[:ERRORS_SHOWN],
        "refusal": refusal,
    }
    bad = refusal or (report and report.refused) or (request.method == "POST" and report is None)
    return TemplateResponse(request, "orders/admin/import.html", shown, status=400 if bad else 200)


def imported(request: HttpRequest, *, file: Any, mode: Any, dry_run: bool, progress: str) -> Report:
    report = import_orders(
        file,
        file_format="jsonl" if file.name.lower().endswith(LINES) else "csv",
        mode=mode,
        actor=placing_actor(request, IMPORT),
        dry_run=dry_run,
        on_check=note_of(request, progress, "checked"),
        on_write=note_of(request, progress, "written"),
    )
    if not dry_run and not report.refused:
        LogEntry.objects.create(
            user_id=request.user.pk,  # type: ignore[misc]  # somebody, as was checked
            content_type=ContentType.objects.get_for_model(Order),
            object_repr="import",
            action_flag=ADDITION,
            change_message=f"import {report.counts()}",
        )
    return report


def note_of(request: HttpRequest, progress: str, what: str) -> Callable[[int], None]:
    """Counts rows, and now and then leaves the count where `progress_of` finds it."""
    rows, noted = 0, 0.0

    def note(more: int) -> None:
        nonlocal rows, noted
        rows += more
        if time.monotonic() - noted >= EVERY:
            noted = time.monotonic()
            with suppress(Exception):  # each cache backend has errors of its own; the import goes on
                cache.set(key_of(request, progress), (what, rows), timeout=KEPT)

    return note


def progress_of(request: HttpRequest) -> HttpResponse:
    """`{what, rows}` of an import of the same member of staff; nulls, where nothing is known."""
    what, rows = cache.get(key_of(request, request.GET.get("of", "")[:32])) or (None, None)
    return JsonResponse({"what": what, "rows": rows})


def key_of(request: HttpRequest, progress: str) -> str:
    return f"orders:import:{request.user.pk}:{progress}"
