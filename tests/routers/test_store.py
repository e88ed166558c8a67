"""When what is stored counts: epochs, failures, and the lock for caches that need one."""

import threading
from types import SimpleNamespace

import pytest
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache

from routers import store as module
from routers.store import EPOCH, LOCK_PATIENCE, LOCK_SECONDS, Store, StoreLost

KEY = "routers:member:7"


class Clock:
    """In place of the module's `time`: sleeping moves it on."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def cache() -> BaseCache:
    return caches["default"]


@pytest.fixture
def failing(monkeypatch, cache) -> SimpleNamespace:
    """The cache counts the calls, and fails while `on`."""
    failing = SimpleNamespace(on=True, calls=0)

    def unless_on(real):
        def call(*args, **kwargs):
            failing.calls += 1
            if failing.on:
                raise OSError("no cache")
            return real(*args, **kwargs)

        return call

    for name in ("get", "get_many", "set", "add", "update"):
        monkeypatch.setattr(cache, name, unless_on(getattr(cache, name)))
    return failing


def noted(old: list[str] | None, epoch: str) -> list[str]:
    """A change as positions make one: it writes down under which epoch."""
    return [*(old or []), epoch]


class TestAProcessThatStarts:
    def test_takes_the_epoch_it_finds_and_a_floor_is_due(self, cache, clock):
        """It cannot know what the store had lost before."""
        cache.set(EPOCH, "earlier", timeout=None)
        store = Store()

        assert store.current_epoch() == "earlier"
        assert store.floor_due_at == clock.now

    def test_gives_an_empty_store_an_epoch_and_a_floor_is_due(self, cache, clock):
        store = Store()
        store.read(KEY)

        assert store.epoch == cache.get(EPOCH)
        assert store.floor_due_at == clock.now

    def test_owes_a_floor_when_another_one_was_quicker_to_fill_the_empty_store(self, cache, monkeypatch):
        add = cache.add

        def second(key, value, **kwargs):
            add(key, "quicker", **kwargs)
            return add(key, value, **kwargs)

        monkeypatch.setattr(cache, "add", second)
        store = Store()

        assert store.current_epoch() == "quicker"
        assert store.floor_due_at is not None


class TestAnEpoch:
    @pytest.fixture
    def stores(self) -> tuple[Store, Store]:
        """Two processes that agree, and need no floor."""
        stores = Store(), Store()
        for store in stores:
            store.current_epoch()
            store.floor_due_at = None
        return stores

    def test_stays(self, stores):
        for _ in range(3):
            assert stores[0].current_epoch() == stores[1].current_epoch()
        stores[0].update(KEY, noted)
        stores[1].read(KEY)

        assert [store.floor_due_at for store in stores] == [None, None]

    @pytest.mark.parametrize("look", [lambda store: store.read(KEY), lambda store: store.update(KEY, noted)])
    def test_that_is_new_makes_a_floor_due_in_every_process(self, stores, clock, look):
        stores[0].forget_all()
        stores[0].current_epoch()
        clock.now += 5
        look(stores[1])

        assert stores[0].epoch == stores[1].epoch
        assert [store.floor_due_at for store in stores] == [clock.now - 5, clock.now]

    def test_is_made_anew_once_for_each_need(self, stores):
        stores[0].forget_all()

        assert stores[0].current_epoch() == stores[0].current_epoch() == stores[1].current_epoch()

    @pytest.mark.parametrize("lose", ["clear", "evict"])
    def test_that_is_lost_is_replaced_and_makes_a_floor_due_in_every_process(self, stores, cache, lose):
        before = stores[0].epoch
        if lose == "clear":
            cache.clear()
        else:
            cache.delete(EPOCH)
        stores[0].read(KEY)
        stores[1].read(KEY)

        assert stores[0].epoch == stores[1].epoch != before
        assert None not in [store.floor_due_at for store in stores]

    def test_that_changes_during_an_update_has_it_done_again_under_the_new_one(self, stores, cache):
        seen = []

        def change(old, epoch):
            if not seen:
                cache.set(EPOCH, "newer", timeout=None)
            seen.append(epoch)
            return epoch

        stores[0].update(KEY, change)

        assert seen[1:] == ["newer"]
        assert cache.get(KEY) == "newer"

    def test_that_changes_all_the_time_loses_the_update(self, stores, cache):
        numbers = iter(range(100))

        def change(old, epoch):
            cache.set(EPOCH, f"newer-{next(numbers)}", timeout=None)
            return epoch

        with pytest.raises(StoreLost):
            stores[0].update(KEY, change)


class TestAFailedWrite:
    def test_owes_a_new_epoch_that_another_process_notices(self, cache, clock, failing):
        failing.on = False
        one, other = Store(), Store()
        before = one.current_epoch()
        other.current_epoch()
        other.floor_due_at = None
        failing.on = True
        with pytest.raises(StoreLost):
            one.update(KEY, noted)
        failing.on = False
        clock.now += 10

        one.read(KEY)
        other.read(KEY)
        assert one.epoch == other.epoch != before
        assert other.floor_due_at == clock.now

    def test_of_what_is_the_same_whoever_writes_it_owes_nothing(self, clock, failing):
        failing.on = False
        store = Store()
        before = store.current_epoch()
        failing.on = True
        with pytest.raises(StoreLost):
            store.write("routers:token:x", 7)
        failing.on = False
        clock.now += 10

        assert store.current_epoch() == before

    def test_is_still_owed_when_the_new_epoch_cannot_be_written_either(self, clock, failing):
        failing.on = False
        store = Store()
        before = store.current_epoch()
        failing.on = True
        for _ in range(3):
            with pytest.raises(StoreLost):
                store.update(KEY, noted)
            clock.now += 10
        failing.on = False

        assert store.current_epoch() != before


class TestAFailingCache:
    def test_costs_no_call_until_it_is_time_to_try_again(self, clock, failing, settings):
        store = Store()
        with pytest.raises(StoreLost):
            store.read(KEY)
        assert failing.calls == 1

        clock.now += settings.ROUTERS.get("STORE_RETRY_SECONDS", 0.5) - 0.01
        for call in (store.current_epoch, lambda: store.read(KEY), lambda: store.update(KEY, noted)):
            with pytest.raises(StoreLost):
                call()
        assert failing.calls == 1

        clock.now += 0.02
        with pytest.raises(StoreLost):
            store.read(KEY)
        assert failing.calls == 2

    def test_that_works_again_makes_a_floor_due(self, cache, clock, failing):
        failing.on = False
        store = Store()
        store.current_epoch()
        store.floor_due_at = None
        failing.on = True
        with pytest.raises(StoreLost):
            store.read(KEY)
        failing.on = False
        clock.now += 10
        store.read(KEY)

        assert store.floor_due_at == clock.now

    def test_is_told_once_each_time(self, caplog, clock, failing):
        store = Store()
        for _ in range(3):
            with pytest.raises(StoreLost):
                store.read(KEY)
            clock.now += 10
        failing.on = False
        store.read(KEY)
        store.read(KEY)

        assert [message.split()[0] for message in caplog.messages] == [
            "position_store_lost",
            "position_store_found",
        ]

    def test_that_cannot_be_had_at_all_is_a_lost_one(self, settings):
        settings.ROUTERS = {**settings.ROUTERS, "CACHE": "nowhere"}

        with pytest.raises(StoreLost):
            Store().read(KEY)


class TestTheLockOfACacheWithoutUpdate:
    @pytest.fixture(autouse=True)
    def settings_with_locmem(self, settings):
        settings.CACHES = {
            **settings.CACHES,
            "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "test_store"},
        }
        caches["default"].clear()

    @pytest.fixture
    def store(self) -> Store:
        store = Store()
        store.current_epoch()
        return store

    def test_makes_an_update_one_step_across_threads(self, monkeypatch):
        import time

        monkeypatch.setattr(module, "time", time)
        monkeypatch.setattr(module, "LOCK_PATIENCE", 20.0)
        assert isinstance(caches["default"], LocMemCache)
        at_once = threading.Barrier(8)

        def add(first: int) -> None:
            at_once.wait()
            for number in range(first, first + 20):
                module._update(caches["default"], key=KEY, change=lambda old, n=number: [*(old or []), n])

        threads = [threading.Thread(target=add, args=(100 * n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        expected = [number for n in range(8) for number in range(100 * n, 100 * n + 20)]
        assert sorted(caches["default"].get(KEY)) == expected

    def test_is_free_afterwards(self, store):
        store.update(KEY, noted)
        store.update(KEY, noted)

        assert caches["default"].get(KEY) == [store.epoch] * 2
        assert caches["default"].get(f"{KEY}:lock") is None

    def test_held_by_another_one_is_waited_for(self, store, clock, monkeypatch):
        cache, sleep = caches["default"], clock.sleep
        cache.add(f"{KEY}:lock", "another")

        def release(seconds):
            sleep(seconds)
            cache.delete(f"{KEY}:lock")

        monkeypatch.setattr(clock, "sleep", release)
        store.update(KEY, noted)

        assert cache.get(KEY) == [store.epoch]

    def test_held_too_long_by_another_one_is_a_lost_store(self, store, clock):
        started = clock.now
        caches["default"].add(f"{KEY}:lock", "another", timeout=LOCK_SECONDS)

        with pytest.raises(StoreLost) as lost:
            store.update(KEY, noted)
        assert isinstance(lost.value.__cause__, TimeoutError)
        assert clock.now - started == pytest.approx(LOCK_PATIENCE, abs=0.01)
        assert caches["default"].get(f"{KEY}:lock") == "another"
        assert caches["default"].get(KEY) is None

    def test_lost_during_the_change_is_noticed(self, store):
        cache = caches["default"]

        def change(old, epoch):
            cache.set(f"{KEY}:lock", "another")  # ours ran out, and somebody has taken it
            return epoch

        before = store.epoch
        with pytest.raises(StoreLost):
            store.update(KEY, change)
        assert cache.get(f"{KEY}:lock") == "another"
        store._retry_at = 0.0
        assert store.current_epoch() != before
