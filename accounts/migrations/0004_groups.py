"""The groups of staff. Whoever was staff could do everything, and still can: as an administrator."""

from typing import Any

from django.db import migrations

from accounts.groups import ADMINISTRATOR, make_missing_groups


def make_groups(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    make_missing_groups(apps, using=alias)
    administrators = apps.get_model("auth", "Group").objects.using(alias).get(name=ADMINISTRATOR)
    administrators.user_set.add(
        *apps.get_model("accounts", "Member").objects.using(alias).filter(is_staff=True)
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_sessions_of_known_tokens"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
