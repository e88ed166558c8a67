"""The cache that worker processes share."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from routers.sqlitecache import SQLiteCache


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "deep" / "cache.sqlite3"


@pytest.fixture
def cache(path) -> SQLiteCache:
    return SQLiteCache(str(path), {})


def in_another_process(path: Path, code: str) -> str:
    program = (
        "from django.conf import settings; settings.configure()\n"
        "from routers.sqlitecache import SQLiteCache\n"
        f"cache = SQLiteCache({str(path)!r}, {{}})\n{code}"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def test_another_process_sees_what_was_set(cache, path):
    cache.set("key", {"a": [1, "하나"]})

    assert in_another_process(path, "print(cache.get('key'))") == "{'a': [1, '하나']}"


def test_what_another_process_sets_is_seen_at_once(cache, path):
    assert cache.get("key") is None
    in_another_process(path, "cache.set('key', 7)")

    assert cache.get("key") == 7


def test_many_are_set_as_one(cache, path):
    assert cache.set_many({"a": 1, "b": 2}, timeout=60) == []
    assert in_another_process(path, "print(cache.get_many(['a', 'b', 'c']))") == "{'a': 1, 'b': 2}"

    with pytest.raises(TypeError):
        cache.set_many({"a": 3, "b": threading.Lock()})  # which cannot be pickled
    assert cache.get("a") == 1


def test_entries_expire(cache):
    cache.set("short", 1, timeout=0.05)
    cache.set("long", 1, timeout=60)
    cache.set("forever", 1, timeout=None)
    cache.set("never", 1, timeout=0)
    deadline = time.monotonic() + 5
    while cache.get("short") is not None and time.monotonic() < deadline:
        pass

    found = cache.get_many(["short", "long", "forever", "never"])
    assert found == {"long": 1, "forever": 1}


def test_add_stores_only_what_is_not_there(cache):
    assert cache.add("key", 1)
    assert not cache.add("key", 2)
    assert cache.get("key") == 1
    cache.set("key", 3, timeout=-1)
    assert cache.add("key", 4)
    assert cache.get("key") == 4


def test_touch_delete_clear(cache):
    cache.set("key", 1, timeout=60)
    assert cache.touch("key", timeout=None)
    assert not cache.touch("nothing")
    assert cache.delete("key")
    assert not cache.delete("key")
    cache.set("key", 1)
    cache.clear()
    assert "key" not in cache


def test_incr_is_atomic_across_threads_and_processes(cache, path):
    cache.set("count", 0, timeout=None)

    def count() -> None:
        for _ in range(100):
            cache.incr("count")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    in_another_process(path, "for _ in range(100): cache.incr('count')")
    for thread in threads:
        thread.join()

    assert cache.get("count") == 500
    with pytest.raises(ValueError, match="not found"):
        cache.incr("nothing")


def test_only_the_owner_may_read_the_file(cache, path):
    cache.set("key", 1)

    assert path.stat().st_mode & 0o077 == 0


def test_expired_entries_are_swept(cache, path, monkeypatch):
    monkeypatch.setattr("routers.sqlitecache.SWEEP_EVERY", 1)
    cache.set("old", 1, timeout=-1)
    cache.set("new", 1)

    (count,) = cache._execute("SELECT COUNT(*) FROM entry").fetchone()
    assert count == 1


def test_processes_that_open_a_new_file_at_once_all_can(path):
    program = (
        "from django.conf import settings; settings.configure()\n"
        "from routers.sqlitecache import SQLiteCache\n"
        "import sys; sys.stdin.read(1)\n"
        f"SQLiteCache({str(path)!r}, {{}}).set('key', 1)"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) for _ in range(8)]
    for process in processes:
        process.stdin.close()

    assert [process.wait(30) for process in processes] == [0] * 8


def test_update_is_atomic_across_threads_and_processes(cache, path):
    def add(numbers: range) -> None:
        for number in numbers:
            cache.update("numbers", lambda old, number=number: (old or frozenset()) | {number})

    threads = [threading.Thread(target=add, args=(range(100 * n, 100 * n + 50),)) for n in range(4)]
    for thread in threads:
        thread.start()
    in_another_process(
        path,
        "for n in range(900, 950): cache.update('numbers', lambda old: (old or frozenset()) | {n})",
    )
    for thread in threads:
        thread.join()

    assert len(cache.get("numbers")) == 250


def test_an_update_that_fails_changes_nothing(cache):
    cache.set("key", 1)
    with pytest.raises(ZeroDivisionError):
        cache.update("key", lambda old: old / 0)
    cache.set("other", 2)

    assert cache.get_many(["key", "other"]) == {"key": 1, "other": 2}


def test_what_is_remembered_is_forgotten_when_anybody_writes(cache, path):
    cache.set("key", 1)
    assert cache.get("key") == 1
    queries = []
    cache._connection().set_trace_callback(queries.append)
    assert (cache.get("key"), cache.get("key")) == (1, 1)
    assert [query for query in queries if "SELECT" in query] == []

    in_another_process(path, "cache.set('key', 2)")
    assert cache.get("key") == 2
    cache.set("key", 3)
    assert cache.get("key") == 3
    cache.delete("key")
    assert cache.get("key") is None


def test_what_is_remembered_expires(cache, monkeypatch):
    cache.set("key", 1, timeout=60)
    assert cache.get("key") == 1

    monkeypatch.setattr("routers.sqlitecache.time.time", lambda: time.monotonic() + 10**10)

    assert cache.get("key") is None
