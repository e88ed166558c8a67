"""What the people who run the service ask about replication, and do to it: `manage.py replication`."""
