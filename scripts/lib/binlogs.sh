# shellcheck shell=bash
# Binary logs: fetching them from a server, and telling which of their transactions are wanted.
# Sourced after common.sh, server.sh and backup.sh, with BACKUP_OPTIONS (a client's option file) and WORK set.

# --- fetching ---------------------------------------------------------------

# Oldest first
binlogs_of() {
    sql_with "$BACKUP_OPTIONS" "$1" <<<'SHOW BINARY LOGS' | cut -f 1
}

# What the server had logged when it began the file, as a GTID set
previous_gtids_of() {
    sql_with "$BACKUP_OPTIONS" "$1" --raw <<<"SHOW BINLOG EVENTS IN $(quoted "$2") LIMIT 2" |
        awk -F '\t' '$3 == "Previous_gtids" { reading = 1; $0 = $6 } reading' | tr -d '\n'
}

# fetch_binlogs SERVER FIRST DIRECTORY: that file and all later ones. A copy replaces an older one when all are
# there, for the last may have grown.
fetch_binlogs() {
    local server=$1 first=$2 directory=$3 partial=$3/.partial
    rm -rf -- "$partial"
    mkdir -- "$partial"
    "$MYSQLBINLOG" --defaults-file="$BACKUP_OPTIONS" --host="$(host_of "$server")" --port="$(port_of "$server")" \
        --read-from-remote-server --raw --to-last-log --result-file="$partial/" "$first" 2>"$WORK/refusal" ||
        die "the binary logs of $server were not fetched: $(<"$WORK/refusal")"
    sync -- "$partial"/*
    mv -f -- "$partial"/* "$directory"
    rmdir -- "$partial"
}

# fetch_binlogs_since SERVER GTIDS DIRECTORY: from the last file on that began with no more than these
fetch_binlogs_since() {
    local server=$1 gtids=$2 directory=$3 name previous
    while read -r name; do
        previous=$(previous_gtids_of "$server" "$name")
        if [[ $(fact "$PRIMARY" "GTID_SUBSET('$previous', '$gtids')") == 1 ]]; then
            fetch_binlogs "$server" "$name" "$directory"
            return
        fi
    done < <(binlogs_of "$server" | tac)
    die "the binary logs of $server no longer reach back to the backup: they begin after" \
        "$(fact "$PRIMARY" "GTID_SUBTRACT('$previous', '$gtids')"). Take a newer backup, or archived logs."
}

# --- choosing ---------------------------------------------------------------

# plan_replay DIRECTORY GTIDS [NAME=VALUE...]: writes to $WORK/plan which transactions of the logs in DIRECTORY
# come after these GTIDs and are wanted. A log that breaks off after the last wanted one does no harm.
plan_replay() {
    local directory=$1 gtids=$2 logs value values=()
    shift 2
    for value in "$@"; do
        values+=(-v "$value")
    done
    mapfile -t logs < <(logs_in "$directory")
    ((${#logs[@]} > 0)) || die "$directory holds no binary logs."
    { "$MYSQLBINLOG" --no-defaults --base64-output=decode-rows --exclude-gtids="$gtids" "${logs[@]}" 2>"$WORK/refusal" ||
        printf '\n#FAILED\n'; } | awk "${values[@]}" -f "$PROJECT_ROOT/scripts/lib/replay.awk" >"$WORK/plan"
    [[ -z $(planned failed) ]] || die "the binary logs in $directory cannot be read: $(<"$WORK/refusal")"
}

planned() {
    sed -n "s/^$1 //p" "$WORK/plan"
}

# As the server has named them, with a number at the end; oldest first
logs_in() {
    find "$1" -maxdepth 1 -type f -name '*.[0-9][0-9][0-9][0-9][0-9][0-9]*' | sort -V
}
