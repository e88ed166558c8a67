"""A Django database engine for MySQL that knows which GTIDs its own commits got."""
