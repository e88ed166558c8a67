"""The one table of the router: rows that are written to see them arrive."""

from django.db import models


class Canary(models.Model):
    """A row that `manage.py replication verify` writes on the primary and awaits on each replica."""

    written_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "canaries"
        permissions = [  # of routers.page; the table has no part in them
            ("view_replication", "Can view replication"),
            ("drain_replica", "Can drain and enable replicas"),
        ]

    def __str__(self) -> str:
        return f"canary {self.pk}"
