# Which transactions of binary logs are wanted; reads what mysqlbinlog prints.
# The first ones in the order of the log, until one that is not wanted:
#   -v after=GTID     the last that is wanted
#   -v before=GTID    the first that is not
#   -v time=NUMBER    none that the primary committed later; microseconds since 1970
# mysqlbinlog's own --stop-datetime goes by when an event began, in whole seconds, and may cut a transaction in two.
#
# Prints lines "NAME VALUE": gtids, count and last (its time) of those that are wanted; next and next_time of the
# one that is not; previous, what was logged before the file at which the reading ended; failed.

/^#[0-9]+ .*\tPrevious-GTIDs/ && !stopped { previous = ""; in_previous = 1; next }
in_previous && /^# / && !/^# at / { if (!/^# \[empty\]/) previous = previous substr($0, 3); next }
{ in_previous = 0 }

# A statement may hold the text of the second line, but not of both.
/^#[0-9]+ .*original_committed_timestamp=[0-9]+/ {
    match($0, /original_committed_timestamp=[0-9]+/)
    committed = substr($0, RSTART + 29, RLENGTH - 29)
    begins = 1
}
begins && /^SET @@SESSION.GTID_NEXT= '/ {
    begins = 0
    split($0, parts, "'")
    if (!stopped) judge(tolower(parts[2]))
}

/^#FAILED$/ && !stopped { failed = 1 }

END {
    for (source in last) close_range(source)
    print "gtids " gtids
    print "count " count + 0
    if (count) print "last " committed_last
    if (not_wanted != "") print "next " not_wanted "\nnext_time " not_wanted_at
    if (found) print "found yes"
    print "previous " previous
    if (failed) print "failed yes"
}

function judge(gtid) {
    if (gtid == before || (time && committed + 0 > time + 0)) {
        stopped = 1
        found = gtid == before
        not_wanted = gtid
        not_wanted_at = committed
        return
    }
    take(gtid)
    if (gtid == after) stopped = found = 1
}

function take(gtid,    source, number) {
    source = gtid
    sub(/:[0-9]+$/, "", source)
    number = substr(gtid, length(source) + 2) + 0
    if (!(source in last) || number != last[source] + 1) {
        close_range(source)
        first[source] = number
    }
    last[source] = number
    committed_last = committed
    count++
}

function close_range(source) {
    if (source in last) gtids = gtids (gtids == "" ? "" : ",") source ":" first[source] "-" last[source]
}
