"""Our GTID sets say what the server's own functions say about the same texts."""

import os
import re

import MySQLdb
import pytest
from hypothesis import Phase, assume, example, given, settings
from hypothesis import strategies as st

from routers.gtid import LARGEST, GTIDSet, InvalidGTIDSet
from tests.replication.test_nodes import connect
from tests.routers.gtid_strategies import TAGS, UUIDS, damaged_texts, set_texts

U = UUIDS[0]
MALFORMED = 1772  # ER_MALFORMED_GTID_SET_SPECIFICATION
many = settings(deadline=None, max_examples=300)
a_fault_is_found = settings(many, database=None, phases=[Phase.explicit, Phase.generate])


class Server:
    """What the primary makes of GTID sets, as texts; tags since MySQL 8.3."""

    def __init__(self, connection):
        self.cursor = connection.cursor()
        self.knows_tags = self._ask("VERSION() REGEXP '^(8[.][3-9]|9|[1-9][0-9])'") == (1,)
        self.texts = set_texts(tags=TAGS if self.knows_tags else ())

    def compare(self, a, b, corner_texts):
        """Whether a contains b and each of the corners; a without b; both together."""
        subsets = ", ".join(["GTID_SUBSET(b, a)", *["GTID_SUBSET(%s, a)"] * len(corner_texts)])
        texts = f"GTID_SUBTRACT(a, b), GTID_SUBTRACT(CONCAT(a, ',', b), ''), {subsets}"
        answers = self._ask(f"{texts} FROM (SELECT %s AS a, %s AS b) AS given", *corner_texts, a, b)
        without, both, *contains = answers
        return [bool(one) for one in contains], without.replace("\n", ""), both.replace("\n", "")

    def normal(self, text):
        """None for what it refuses."""
        try:
            return self._ask("GTID_SUBTRACT(%s, '')", text)[0].replace("\n", "")
        except MySQLdb.Error as refusal:
            if refusal.args[0] != MALFORMED:
                raise
            return None

    def _ask(self, expressions, *arguments):
        self.cursor.execute(f"SELECT {expressions}", arguments)
        return self.cursor.fetchone()


@pytest.fixture(scope="module")
def server():
    connection = connect(os.environ["SERVICE_DATABASE_URL"])
    connection.set_character_set("utf8mb4")
    with connection:
        yield Server(connection)


def ours(text):
    """None for what we refuse."""
    try:
        return str(GTIDSet.parse(text))
    except InvalidGTIDSet:
        return None


def agrees(server, run, *, contains=GTIDSet.contains):
    """Compares generated pairs, where the second may be a part of the first, and the corners."""

    @run
    @given(a=server.texts, b=server.texts, part=st.booleans())
    def compare(a, b, part):
        whole = f"{a},{b}" if part else a
        left, right = GTIDSet.parse(whole), GTIDSet.parse(b)
        corner_texts = corners(left)
        contained = [contains(left, one) for one in (right, *map(GTIDSet.parse, corner_texts))]
        assert (contained, str(left - right), str(left | right)) == server.compare(whole, b, corner_texts)

    compare()


def test_contains_difference_union_and_normal_form_are_those_of_the_server(server):
    agrees(server, many)


def corners(one):
    """Where a mistake shows: single GTIDs at and beside each end, and all from the first to the last."""
    texts = []
    for series, bounds in one._series.items():
        texts += [f"{series}:{bounds[0]}-{bounds[-1] - 1}"]  # not contained if there is a gap
        texts += [f"{series}:{n}" for end in bounds for n in (end - 1, end) if 1 <= n <= LARGEST]
    return texts[:24]


def newest_only(mine, other):
    """Wrong: as if no server ever had a gap."""
    newest = {series: bounds[-1] for series, bounds in mine._series.items()}
    return all(bounds[-1] <= newest.get(series, 0) for series, bounds in other._series.items())


def any_tag(mine, other):
    """Wrong: as if a tag did not make another series."""
    without_tags = [GTIDSet.parse(re.sub(r":[a-z_]\w*", "", str(one))) for one in (mine, other)]
    return without_tags[0].contains(without_tags[1])


def one_ahead(mine, other):
    """Wrong: the last interval ends one too late."""
    return GTIDSet(
        {series: (*bounds[:-1], bounds[-1] + 1) for series, bounds in mine._series.items()}
    ).contains(other)


@pytest.mark.parametrize("wrong", [newest_only, any_tag, one_ahead], ids=lambda wrong: wrong.__name__)
def test_a_wrong_contains_is_found_out(server, wrong):
    if wrong is any_tag and not server.knows_tags:
        pytest.skip("tags are known since MySQL 8.3")
    with pytest.raises(AssertionError):
        agrees(server, a_fault_is_found, contains=wrong)


def never_laxer(server, run, read):
    """What we accept the server accepts and reads the same; what it refuses we refuse."""

    @run
    @given(st.one_of(damaged_texts(), st.text(max_size=5)))
    @example(f"{U}:1\x85")
    def compare(text):
        if (accepted := read(text)) is not None:
            assume(server.knows_tags or not re.search(r":[a-z_]", accepted))
            assert accepted == server.normal(text)

    compare()


def test_no_damaged_text_is_read_otherwise_than_by_the_server(server):
    never_laxer(server, settings(many, max_examples=500), ours)


def test_a_laxer_reader_is_found_out(server):
    """Python's idea of space has more than the server's."""
    with pytest.raises(AssertionError):
        never_laxer(server, a_fault_is_found, lambda text: ours(re.sub(r"\s", " ", text)))


@pytest.mark.parametrize(
    ("text", "server_reads"),
    [
        (U, ""),
        (f"{{{U}}}", ""),
        (f"{U}:5-3", ""),
        (f"{U}:5-0", ""),
        (f"{U}:5-3:7", f"{U}:7"),
        (f"{U}:tag", ""),
        (f"{U}:1:tag", f"{U}:1"),
        (f"{U}:tag:tag2:1", f"{U}:tag2:1"),
    ],
)
def test_we_are_stricter_where_a_name_or_an_interval_is_of_no_transaction(server, text, server_reads):
    if ":tag" in text and not server.knows_tags:
        pytest.skip("tags are known since MySQL 8.3")
    assert server.normal(text) == server_reads
    assert ours(text) is None


def test_what_the_server_accepts_and_we_refuse_is_only_that(server):
    """In ASCII: tags of other letters it accepts, and makes of them text that is not UTF-8 (9.7.4)."""
    nothing_named = re.compile(r"(?:[0-9a-f}]{12}|:\s*[a-z_]\w*)\s*(,|$|:\s*[a-z_])", re.ASCII | re.I)

    @settings(many, max_examples=500)
    @given(damaged_texts().filter(str.isascii))
    def compare(text):
        if ours(text) is None and server.normal(text) is not None:
            backwards = any(
                int(last) < int(first) for first, last in re.findall(r"([0-9]+)\s*-\s*([0-9]+)", text)
            )
            assert backwards or nothing_named.search(text)

    compare()


def test_the_server_s_own_position_is_read_and_written_alike(server):
    executed = server._ask("@@GLOBAL.gtid_executed")[0]
    assert str(GTIDSet.parse(executed)) == executed.replace("\n", "")
    assert GTIDSet.parse(executed)
