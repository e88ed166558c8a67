"""What the lists of the back office share: unfold's looks where it is installed, and pages by keyset."""

from typing import Any

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest

from orders.keyset import BadCursor, Cursor, Ordering

CURSOR = "cursor"

ModelAdmin: Any = admin.ModelAdmin
if apps.is_installed("unfold"):
    from unfold.admin import ModelAdmin as StyledModelAdmin

    ModelAdmin = StyledModelAdmin


class Page:
    """So many rows of a sorted queryset, and the cursors of its neighbours. Nothing is counted.

    Raises `BadCursor`.
    """

    def __init__(self, queryset: QuerySet[Any], cursor: str | None, size: int) -> None:
        ordering = Ordering(queryset)
        at = ordering.read(cursor) if cursor else None
        rows = list(ordering.page(queryset, at)[: size + 1])
        more, self.rows = len(rows) > size, rows[:size]
        back = at is not None and at.backwards
        if back:
            self.rows.reverse()
        self.newer: Cursor | None = None
        self.older: Cursor | None = None
        if self.rows and (more if back else at is not None):
            self.newer = ordering.cursor_at(self.rows[0], backwards=True)
        if self.rows and (more or back):
            self.older = ordering.cursor_at(self.rows[-1])


class KeysetChangeList(ChangeList):
    """A list whose pages cost the same wherever they are; it has no number of pages, and counts no rows."""

    newer: str | None = None
    older: str | None = None

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self.cursor = request.GET.get(CURSOR)
        narrowed = request.GET.copy()
        narrowed.pop(CURSOR, None)  # a filter's link begins anew
        request.GET = narrowed  # type: ignore[assignment]  # Django reads it again and again
        super().__init__(request, *args)

    def get_results(self, request: HttpRequest) -> None:
        try:
            page = Page(self.queryset, self.cursor, self.list_per_page)
        except BadCursor as error:
            messages.error(request, str(error))
            page = Page(self.queryset, None, self.list_per_page)
        self.result_list = page.rows
        self.newer = self.get_query_string({CURSOR: str(page.newer)}) if page.newer else None
        self.older = self.get_query_string({CURSOR: str(page.older)}) if page.older else None
        self.result_count = self.full_result_count = len(page.rows)
        self.show_admin_actions = bool(page.rows)
        self.can_show_all = self.multi_page = False
        rows: Any = page.rows
        self.paginator = self.model_admin.get_paginator(request, rows, self.list_per_page)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """As the model says: `Ordering` adds the key by which no two rows tie."""
        return list(self.model_admin.get_ordering(request) or self.model._meta.ordering or ())


class BackOfficeAdmin(ModelAdmin):
    """Rows that are looked at, and changed by services alone: none is added, edited or deleted here."""

    list_per_page = 30
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    change_list_template = "orders/admin/list.html"

    class Media:
        css = {"all": ("orders/admin.css",)}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeysetChangeList

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
