"""Reads on replicas, writes on the primary, and no member ever reads something older than their own write."""
