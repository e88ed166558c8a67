"""What a session may do to the primary, and how many transactions that is.

Through the ORM's alias ALIAS, on a table that holds nothing of the project's.
"""

from typing import Any

import pytest
from django.db import IntegrityError, connections, models, transaction
from django.test.utils import isolate_apps

ALIAS = "capture"

with isolate_apps():

    class Row(models.Model):
        id = models.BigAutoField(primary_key=True)
        word = models.CharField(max_length=40, unique=True, null=True)  # noqa: DJ001 - many rows without one

        class Meta:
            app_label = ALIAS
            db_table = "test_capture_row"

        def __str__(self) -> str:
            return str(self.pk)


rows = Row.objects.using(ALIAS)


def sql(query: str, *args: Any, many: list[Any] | None = None) -> None:
    with connections[ALIAS].cursor() as cursor:
        if many is None:
            cursor.execute(query, args or None)
        else:
            cursor.executemany(query, many)


def atomically() -> transaction.Atomic:
    return transaction.atomic(using=ALIAS)


def an_autocommitted_insert():
    rows.create()


def an_atomic_block():
    with atomically():
        rows.create()
        rows.create()


def several_atomic_blocks():
    for _ in range(3):
        with atomically():
            rows.create()


def nested_savepoints():
    with atomically():
        rows.create()
        with atomically():
            rows.create()
            with atomically():
                rows.create()


def a_savepoint_rolled_back():
    with atomically():
        rows.create(word="kept")
        with pytest.raises(IntegrityError), atomically():
            rows.create(word="kept")
        rows.filter(word="kept").delete()
        rows.create()


def a_transaction_rolled_back():
    with atomically():
        rows.create()
        transaction.set_rollback(True, using=ALIAS)


def selects_only():
    rows.count()
    list(rows.all()[:3])


def selects_in_an_atomic_block():
    with atomically():
        list(rows.select_for_update()[:3])


def a_write_and_then_selects():
    rows.create()
    rows.count()
    rows.count()


def get_or_create_creates_and_gets():
    assert rows.get_or_create(word="once")[1]
    assert not rows.get_or_create(word="once")[1]
    rows.filter(word="once").delete()


def bulk_create_in_batches():
    rows.bulk_create([Row() for _ in range(5)], batch_size=2)


def an_update_of_no_row():
    assert rows.filter(word="nobody").update(word="somebody") == 0


def an_update_to_the_same_value():
    assert rows.filter(pk__gte=0).update(word=None) > 0


def a_failed_insert():
    rows.create(word="taken")
    with pytest.raises(IntegrityError):
        rows.create(word="taken")
    rows.filter(word="taken").delete()


def a_raw_cursor():
    sql("INSERT INTO test_capture_row (word) VALUES (NULL)")
    sql("REPLACE INTO test_capture_row (id, word) VALUES (%s, %s)", 1, None)


def executemany_of_inserts():
    sql("INSERT INTO test_capture_row (word) VALUES (%s)", many=[[None], [None]])


def executemany_of_updates():
    sql("UPDATE test_capture_row SET id = id + 100000 ORDER BY id DESC LIMIT %s", many=[[1], [1], [1]])


def several_statements_in_one():
    sql("INSERT INTO test_capture_row () VALUES (); SELECT 1; INSERT INTO test_capture_row () VALUES ()")


def several_statements_of_which_the_second_fails():
    insert = "INSERT INTO test_capture_row () VALUES ()"
    sql(f"{insert}; SELECT nonsense; {insert}")


def an_insert_that_a_failing_statement_commits():
    """CREATE TABLE commits the INSERT and then fails: no answer ever carries its GTID."""
    with atomically():
        rows.create()
        sql("CREATE TABLE test_capture_row (i INT)")


def a_transaction_in_sql():
    for statement in ("BEGIN", "INSERT INTO test_capture_row () VALUES ()", "COMMIT"):
        sql(statement)


def autocommit_turned_on_again():
    connections[ALIAS].set_autocommit(False)
    rows.create()
    connections[ALIAS].set_autocommit(True)


def commit_by_hand():
    connections[ALIAS].set_autocommit(False)
    rows.create()
    connections[ALIAS].commit()
    rows.create()
    connections[ALIAS].rollback()
    connections[ALIAS].set_autocommit(True)


def a_table_made_and_dropped():
    with isolate_apps():

        class Made(models.Model):
            id = models.BigAutoField(primary_key=True)

            class Meta:
                app_label = ALIAS

            def __str__(self) -> str:
                return str(self.pk)

    with connections[ALIAS].schema_editor() as editor:
        editor.create_model(Made)
        editor.delete_model(Made)


def a_table_made_amid_a_transaction():
    with atomically():
        rows.create()
        sql("CREATE TABLE amid (i INT)")
        rows.create()
    sql("DROP TABLE amid")


DATA = {
    an_autocommitted_insert: 1,
    an_atomic_block: 1,
    several_atomic_blocks: 3,
    nested_savepoints: 1,
    a_savepoint_rolled_back: 1,
    a_transaction_rolled_back: 0,
    selects_only: 0,
    selects_in_an_atomic_block: 0,
    a_write_and_then_selects: 1,
    get_or_create_creates_and_gets: 2,
    bulk_create_in_batches: 1,
    an_update_of_no_row: 0,
    an_update_to_the_same_value: 0,
    a_failed_insert: 2,
    a_raw_cursor: 2,
    executemany_of_inserts: 1,
    executemany_of_updates: 3,
    several_statements_in_one: 2,
    a_transaction_in_sql: 1,
    autocommit_turned_on_again: 1,
    commit_by_hand: 1,
}
SCHEMA = {a_table_made_and_dropped: 2, a_table_made_amid_a_transaction: 4}
