"""Whether the tables are the same on two nodes: their columns, indexes and constraints."""

from collections.abc import Iterator
from typing import Any

# What a table is; not how it has come to be (AUTO_INCREMENT, statistics, the order of creation).
PARTS = {
    "table": """
        SELECT TABLE_NAME, '', ENGINE, TABLE_COLLATION, ROW_FORMAT, CREATE_OPTIONS
        FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'
    """,
    "column": """
        SELECT TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT,
            CHARACTER_SET_NAME, COLLATION_NAME, EXTRA, GENERATION_EXPRESSION
        FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()
    """,
    "index": """
        SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, INDEX_TYPE, IS_VISIBLE,
            GROUP_CONCAT(CONCAT_WS(' ', COLUMN_NAME, EXPRESSION, SUB_PART, COLLATION) ORDER BY SEQ_IN_INDEX)
        FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()
        GROUP BY TABLE_NAME, INDEX_NAME, NON_UNIQUE, INDEX_TYPE, IS_VISIBLE
    """,
    "constraint": """
        SELECT TABLE_NAME, CONSTRAINT_NAME, CONSTRAINT_TYPE, ENFORCED
        FROM information_schema.TABLE_CONSTRAINTS WHERE TABLE_SCHEMA = DATABASE()
    """,
    "check": """
        SELECT TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE
        FROM information_schema.CHECK_CONSTRAINTS JOIN information_schema.TABLE_CONSTRAINTS
            USING (CONSTRAINT_SCHEMA, CONSTRAINT_NAME)
        WHERE CONSTRAINT_SCHEMA = DATABASE()
    """,
    "foreign key": """
        SELECT TABLE_NAME, CONSTRAINT_NAME, REFERENCED_TABLE_NAME, UPDATE_RULE, DELETE_RULE
        FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()
    """,
}

Schema = dict[tuple[str, str, str], tuple[Any, ...]]


def read(connection: Any) -> Schema:
    """(kind, table, name) → what it is, as far as the account may see it."""
    found: Schema = {}
    with connection.cursor() as cursor:
        for kind, query in PARTS.items():
            cursor.execute(query)
            found |= {(kind, row[0], row[1]): tuple(row[2:]) for row in cursor.fetchall()}
    return found


def differences(primary: Schema, replica: Schema) -> Iterator[str]:
    """A sentence for each; of a table that one side lacks, only that."""
    lacking = {table for kind, table, _ in primary.keys() ^ replica.keys() if kind == "table"}
    for key in sorted(primary.keys() | replica.keys()):
        kind, table, name = key
        if (kind == "table") != (table in lacking) and table in lacking:
            continue
        what = f"{kind} {table}" + (f".{name}" if name else "")
        if key not in replica:
            yield f"{what} is missing"
        elif key not in primary:
            yield f"{what} is extra"
        elif primary[key] != replica[key]:
            yield f"{what} is {_shown(replica[key])}, on the primary {_shown(primary[key])}"


def _shown(definition: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in definition if part not in (None, ""))
