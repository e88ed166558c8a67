"""State that nests, and that threads and tasks never share."""

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from routers import consistency, scope, testing


def test_nested_blocks_restore_what_was():
    with testing.request():
        with consistency.use_primary():
            assert not consistency.may_read_replica()
            with consistency.use_replica():
                assert consistency.may_read_replica()
            assert not consistency.may_read_replica()
        assert consistency.may_read_replica()
    assert scope.current() is None


def test_an_exception_restores_too():
    with testing.request():
        with pytest.raises(ZeroDivisionError), consistency.use_primary():
            1 / 0  # noqa: B018
        assert consistency.may_read_replica()


def test_a_write_in_a_nested_block_is_known_outside_it():
    with testing.request() as story:
        with consistency.use_replica():
            consistency.note_write()
        assert story.wrote
        assert not consistency.may_read_replica()


def test_use_replica_does_not_undo_a_need_for_the_primary():
    with testing.request():
        consistency.require_primary("test")
        with consistency.use_replica():
            assert not consistency.may_read_replica()


def test_use_replica_works_outside_a_request():
    with consistency.use_replica():
        assert consistency.may_read_replica()
    assert scope.current() is None


def test_a_new_thread_starts_without_a_scope():
    seen = []
    with testing.request():
        thread = threading.Thread(target=lambda: seen.append(scope.current()))
        thread.start()
        thread.join()

    assert seen == [None]


def test_1000_concurrent_tasks_never_share_state():
    async def request(number: int) -> bool:
        writes = number % 2 == 0
        with testing.request(affinity=str(number)) as story:
            for _ in range(3):
                await asyncio.sleep(random.random() / 100)
                if writes:
                    consistency.note_write()
                consistency.touches(number)
            return story.wrote == writes and story.members == {number} and scope.current().story is story

    async def all_of_them() -> list[bool]:
        return await asyncio.gather(*(request(number) for number in range(1000)))

    assert all(asyncio.run(all_of_them()))
    assert scope.current() is None


def test_nested_blocks_in_concurrent_tasks_restore_each_their_own():
    async def request(number: int) -> bool:
        kept = []
        with testing.request(affinity=str(number)):
            for _ in range(3):
                with consistency.use_primary():
                    await asyncio.sleep(random.random() / 100)
                    kept.append(not consistency.may_read_replica())
                    with consistency.use_replica():
                        await asyncio.sleep(0)
                        kept.append(consistency.may_read_replica())
                kept.append(consistency.may_read_replica())
        return all(kept) and scope.current() is None

    async def all_of_them() -> list[bool]:
        return await asyncio.gather(*(request(number) for number in range(200)))

    assert all(asyncio.run(all_of_them()))


def test_a_thread_pool_leaks_nothing():
    def request(number: int) -> bool:
        clean_before = scope.current() is None
        with testing.request(affinity=str(number)) as story:
            if number % 2:
                consistency.note_write()
            consistency.touches(number)
            own_only = story.members == {number} and story.wrote == bool(number % 2)
        return clean_before and own_only and scope.current() is None

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(request, range(1000)))
        assert not any(pool.map(lambda _: scope.current(), range(100)))
