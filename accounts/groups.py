"""The groups that staff are put into, and what each may do."""

from typing import Any

from django.apps import apps as current_apps

ADMINISTRATOR = "administrator"

# (model, codename, what Django calls it)
VIEWER = {
    ("orders.order", "view_order", "Can view order"),
    ("accounts.member", "view_member", "Can view member"),
}
ORDER_DESK = VIEWER | {
    ("orders.order", "add_order", "Can add order"),
    ("orders.order", "change_order", "Can change order"),
}
REFUNDS = VIEWER | {("orders.order", "refund_order", "Can refund orders")}
OPERATIONS = {
    ("routers.canary", "view_replication", "Can view replication"),
    ("routers.canary", "drain_replica", "Can drain and enable replicas"),
}
ADMINISTRATION = {
    ("orders.order", "import_order", "Can import orders"),
    ("accounts.member", "change_member", "Can change member"),
    ("accounts.member", "erase_member", "Can erase members"),
}
GROUPS = {
    "viewer": VIEWER,
    "order desk": ORDER_DESK,
    "refunds": REFUNDS,
    "operations": OPERATIONS,
    ADMINISTRATOR: ORDER_DESK | REFUNDS | OPERATIONS | ADMINISTRATION,
}


def make_missing_groups(apps: Any = current_apps, using: str = "default") -> None:
    """Make the groups that are not there; one that is there stays as its administrators have it.

    Also for migrations (`apps` is then theirs). Permissions are made where need be: Django makes them
    only after all migrations.
    """
    groups = apps.get_model("auth", "Group").objects.using(using)
    for name, permissions in GROUPS.items():
        group, is_new = groups.get_or_create(name=name)
        if is_new:
            group.permissions.set([_permission(apps, using, *permission) for permission in permissions])


def give(apps: Any, using: str, group: str, permissions: set[tuple[str, str, str]]) -> None:
    """Add permissions to a group, if it is still there: for migrations that bring new ones."""
    known = apps.get_model("auth", "Group").objects.using(using).filter(name=group).first()
    if known is not None:
        known.permissions.add(*[_permission(apps, using, *permission) for permission in permissions])


def _permission(apps: Any, using: str, label: str, codename: str, name: str) -> Any:
    app_label, model = label.split(".")
    types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    content_type, _ = types.get_or_create(app_label=app_label, model=model)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    same = {"content_type": content_type, "codename": codename}
    return permissions.get_or_create(**same, defaults={"name": name})[0]
