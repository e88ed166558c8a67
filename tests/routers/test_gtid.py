"""The GTID set as a value: against Python's own sets; the real server is asked in tests/replication."""

import contextlib
import copy
import dataclasses
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routers.gtid import LARGEST, GTIDSet, InvalidGTIDSet
from tests.routers.gtid_strategies import UUIDS, Written, damaged_texts, set_texts, written_sets

U, V, W = UUIDS
unhurried = settings(deadline=None)
parse = GTIDSet.parse
sets = st.builds(parse, set_texts())


# --- reading ------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", " ", "\n", ",", " , ,\t", ",,"])
def test_nothing_is_the_empty_set(text):
    assert parse(text) == GTIDSet()
    assert not parse(text)
    assert str(parse(text)) == ""


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (f"{U}:1", f"{U}:1"),
        (f"{U}:1-1", f"{U}:1"),
        (f"{U}:1-3:4:6-8:7-9:20:19", f"{U}:1-4:6-9:19-20"),
        (f"{V}:1,{W}:1,{U}:5", f"{U}:5,{V}:1,{W}:1"),
        (f"{U}:1,{U}:2", f"{U}:1-2"),
        (f" {U} : 1 - 3\n:\v5\f,\r\n", f"{U}:1-3:5"),
        (U.upper() + ":1", f"{U}:1"),
        (f" {{{U}}} :1", f"{U}:1"),
        (U.replace("-", "") + ":1", f"{U}:1"),
        (f"{U}:007", f"{U}:7"),
        (f"{U}:{'0' * 6000}1", f"{U}:1"),
        (f"{U}:1-{LARGEST}", f"{U}:1-{LARGEST}"),
        (f"{U}:1-14:tag:1-2:other_tag:5", f"{U}:1-14:other_tag:5:tag:1-2"),
        (f"{U}:b:1:a:3:B:2:4", f"{U}:a:3:b:1-2:4"),
        (f"{U}:tag:1,{U}:2", f"{U}:2:tag:1"),
        (f"{U}:ab:1:a9:1:a_:1:a:1:_:1", f"{U}:_:1:a:1:a9:1:a_:1:ab:1"),
        (f"{U}:{'t' * 32}:1", f"{U}:{'t' * 32}:1"),
    ],
)
def test_a_set_has_one_normal_form(text, normal):
    assert str(parse(text)) == normal


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x", "a UUID, not 'x'"),
        (f"{U[:-1]}:1", "a UUID"),
        (f"{{{U}:1", "a UUID"),
        (f"{{ {U}}}:1", "a UUID"),
        (f"{{{U.replace('-', '')}}}:1", "a UUID"),
        (f"{U},:1", "not the end"),
        (f"{U}:1,\0", "a UUID"),
        (f"{U}0:1", "not '0:1'"),
        (f"{U}:", "not ':'"),
        (f"{U}:0", "not ':0'"),
        (f"{U}:0-3", "not ':0-3'"),
        (f"{U}:1-0", "not '-0'"),
        (f"{U}:1-", "not '-'"),
        (f"{U}:-1", "not ':-1'"),
        (f"{U}:1::2", "not '::2'"),
        (f"{U}:1 2", "not '2'"),
        (f"{U}:1 {V}:2", "not '3e11"),
        (f"{U}:1-2-3", "not '-3'"),
        (f"{U}:1_0", "not '_0'"),
        (f"{U}:٣", "not ':٣'"),
        (f"{U}:1\xa0", r"not '\\xa0'"),
        (f"{U}:1\x1c", r"not '\\x1c'"),
        (f"{U}:9a:1", "not 'a:1'"),
        (f"{U}:a-b:1", "not ':a-b:1'"),
        (f"{U}:\u212a:1", "not ':\u212a:1'"),
        (f"{U}:{'t' * 33}:1", "not ':ttt"),
        (f"{U}:tag:", "not ':tag:'"),
        (f"{U}:{LARGEST + 1}", f"{LARGEST + 1} is above"),
        (f"{U}:1-{LARGEST + 1}", f"{LARGEST + 1} is above"),
        (f"{U}:{'1' * 20}", "not '1'"),
        (f"{U}:{'9' * 6000}", "is above"),
    ],
)
def test_what_is_no_set_is_refused_with_the_reason(text, complaint):
    with pytest.raises(InvalidGTIDSet, match=complaint):
        parse(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (U, "not the end"),
        (f"{U},{V}:1", "not the end"),
        (f"{U}:tag", "not ':tag'"),
        (f"{U}:1:tag", "not ':tag'"),
        (f"{U}:tag:tag2:1", "not ':tag:tag2:1'"),
        (f"{U}:5-3", "5-3 ends before it starts"),
    ],
)
def test_what_the_server_reads_as_no_transaction_is_refused(text, complaint):
    """Every replica has the empty set: such a position would let a stale read through."""
    with pytest.raises(InvalidGTIDSet, match=complaint):
        parse(text)


def test_a_complaint_quotes_only_a_little():
    with pytest.raises(InvalidGTIDSet) as complaint:
        parse("x" * 100_000)
    assert len(str(complaint.value)) < 200


@unhurried
@given(st.one_of(damaged_texts(), st.text()))
def test_any_other_text_is_refused_in_the_same_way(text):
    with contextlib.suppress(InvalidGTIDSet):
        parse(text)


@unhurried
@given(written_sets())
def test_a_text_means_what_was_written(written: Written):
    found = parse(written.text)
    assert found.count() == len(written.gtids)
    assert all(found.contains(gtid_set({gtid})) for gtid in written.gtids)


@unhurried
@given(sets)
def test_the_normal_form_reads_as_the_same_set(one):
    assert parse(str(one)) == one
    assert str(parse(str(one))) == str(one)


# --- comparing and combining ------------------------------------------------------------


@unhurried
@given(written_sets(), written_sets())
def test_contains_union_and_difference_are_those_of_sets(one, other):
    left, right = parse(one.text), parse(other.text)
    assert left.contains(right) == (one.gtids >= other.gtids)
    assert left | right == gtid_set(one.gtids | other.gtids)
    assert left - right == gtid_set(one.gtids - other.gtids)
    assert (left == right) == (one.gtids == other.gtids)


@unhurried
@given(sets, sets, sets)
def test_the_laws_of_sets_hold_up_to_the_largest_number(a, b, c):
    assert (a | b).contains(a)
    assert a.contains(a - b)
    assert a.contains(b) == (a | b == a) == (not b - a)
    assert (a - b) | b == a | b == b | a
    assert (a | b) | c == a | (b | c)
    assert (a - b) - c == a - (b | c)
    assert (a | b).count() == (a - b).count() + b.count()


@unhurried
@given(sets)
def test_every_set_contains_the_empty_one_and_itself(one):
    assert one.contains(GTIDSet())
    assert one.contains(one)
    assert GTIDSet().contains(one) == (not one)
    assert one - one == GTIDSet()
    assert one | GTIDSet() == one - GTIDSet() == one


@pytest.mark.parametrize(
    ("has", "wanted", "answer"),
    [
        ("1-5", "5", True),
        ("1-5", "6", False),
        ("1-5:7-9", "6", False),
        ("1-5:7-9", "7", True),
        ("1-5:7-9", "4-8", False),
        ("1-5:7-9", "2-3:9", True),
        ("2-5", "1", False),
        ("1-5", "tag:1", False),
        ("tag:1-5", "1", False),
        ("tag:1-5", "TAG:3", True),
    ],
)
def test_a_gap_an_end_and_a_tag_count(has, wanted, answer):
    assert parse(f"{U}:{has}").contains(parse(f"{U}:{wanted}")) is answer
    assert not parse(f"{V}:{has}").contains(parse(f"{U}:{wanted}"))


def test_a_position_is_found_among_very_many_intervals():
    evens = parse(f"{U}:" + ":".join(str(number) for number in range(2, 20_000, 2)))
    assert evens.contains(parse(f"{U}:19998"))
    assert not evens.contains(parse(f"{U}:9999"))


def test_two_full_series_are_counted():
    assert parse(f"{U}:1-{LARGEST}:tag:1-{LARGEST}").count() == 2 * LARGEST


# --- a value --------------------------------------------------------------------------


@unhurried
@given(sets)
def test_equal_sets_are_interchangeable(one):
    twin = parse(str(one))
    assert hash(twin) == hash(one)
    assert {one: "found"}[twin] == "found"
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one  # noqa: S301 made here
    assert one != str(one)


def test_a_set_does_not_change():
    one = parse(f"{U}:1")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one._series = {}
    assert one | parse(f"{U}:2") != one


def test_the_representation_makes_the_set_again():
    assert repr(parse(f"{U}:1-3")) == f"GTIDSet.parse('{U}:1-3')"
    assert repr(GTIDSet()) == "GTIDSet()"


def gtid_set(gtids):
    """The plainest writing: each GTID on its own."""
    return parse(",".join(f"{uuid}:{tag}:{n}" if tag else f"{uuid}:{n}" for uuid, tag, n in gtids))


def test_rounding_up_keeps_all_and_closes_the_gaps():
    one, other = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
    gappy = GTIDSet.parse(f"{one}:1-3:7:9-12,{other}:5")

    assert gappy.rounded_up() == GTIDSet.parse(f"{one}:1-12,{other}:5")
    assert gappy.rounded_up().contains(gappy)
    assert (gappy.intervals(), gappy.rounded_up().intervals()) == (4, 2)
    assert not GTIDSet().rounded_up()


def test_those_of_one_server():
    assert parse(f"{U}:1-5:tag:7,{V}:3").of_server(U) == parse(f"{U}:1-5:tag:7")
    assert not parse(f"{U}:1-5").of_server(V)
