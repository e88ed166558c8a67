# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the scripts that source it
# A backup on disk, and the programs that it takes. Sourced after common.sh, server.sh and mysql.sh.
#
#   manifest     lines "NAME VALUE": what was backed up, when, and at which GTIDs
#   SHA256SUMS   of all files beside it, as sha256sum writes and checks it
#   accounts.sql, and dump.sql.zst or dump.sql.gz

FORMAT=1
SYSTEM_DATABASES="('mysql', 'sys', 'information_schema', 'performance_schema')" # as SQL has a list

# --- programs and servers ---------------------------------------------------

# MariaDB's, which Debian calls by the same names, does not know MySQL's GTIDs.
is_mysql_program() {
    local text
    have "$1" && text=$("$1" --no-defaults --version 2>/dev/null) && [[ $text != *MariaDB* ]]
}

# find_program NAME: the one that the variable of that name tells, else beside the client, else on PATH, else of
# scripts/cluster.sh
find_program() {
    local name=$1 variable=${1^^} candidate
    for candidate in ${!variable:+"${!variable}"} ${MYSQL:+"$(dirname -- "$MYSQL")/$name"} "$name" \
        "$(unpacked_tree)/bin/$name"; do
        if is_mysql_program "$candidate"; then
            export "$variable=$candidate"
            return
        fi
        [[ $candidate != "${!variable:-}" ]] || die "$variable: $candidate is not MySQL's $name."
    done
    die "MySQL's $name was not found: install MySQL's client programs, or name it by $variable."
}

require_answer() {
    sql "$1" <<<'SELECT 1' >/dev/null 2>"$WORK/refusal" || die "$1 does not answer: $(<"$WORK/refusal")"
}

# --- compression ------------------------------------------------------------

# The extension of what `compress` writes
compression() {
    if have zstd; then printf zst; else printf gz; fi
}

compress() {
    case $1 in
        *.zst) zstd -q -c >"$1" ;;
        *.gz) gzip -c >"$1" ;;
    esac
}

# decompress NAME, of which the content is standard input
decompress() {
    case $1 in
        *.zst) require_command zstd zstd && zstd -q -dc ;;
        *.gz) gzip -dc ;;
        *) die "'$1' is not compressed in a way that is known here." ;;
    esac
}

# --- progress ---------------------------------------------------------------

megabytes() {
    printf '%d.%d MB' $(($1 / 1000000)) $(($1 / 100000 % 10))
}

# On a terminal one line that changes, elsewhere a line every ten seconds.
PROGRESS_AT=$SECONDS
progress() {
    if [[ -t 2 ]]; then
        printf '\r\033[K  %s' "$*" >&2
    elif ((SECONDS - PROGRESS_AT >= 10)); then
        PROGRESS_AT=$SECONDS
        printf '  %s\n' "$*" >&2
    fi
}

end_progress() {
    [[ ! -t 2 ]] || printf '\r\033[K' >&2
}

# --- reading a backup -------------------------------------------------------

# manifest_of BACKUP NAME
manifest_of() {
    sed -n "s/^$2 //p" "$1/manifest"
}

# Before anything else is read of it: a damaged backup is to say so, not to fail half-way.
verify_backup() {
    local backup=$1 said
    [[ -f $backup/manifest && -f $backup/SHA256SUMS ]] ||
        die "$backup is no backup: it has no manifest and SHA256SUMS. An unfinished one ends in .partial."
    if ! said=$(cd -- "$backup" && sha256sum --strict --quiet --check SHA256SUMS 2>&1); then
        note "$backup is damaged; take another one:"
        printf '%s\n' "${said//$'\n'/$'\n  '}" | sed 's/^/  /' >&2
        exit 1
    fi
    require_every_file_summed "$backup"
    [[ $(manifest_of "$backup" format) == "$FORMAT" ]] ||
        die "$backup has format '$(manifest_of "$backup" format)'; this program reads $FORMAT."
}

# A list of sums that was cut short is a valid one.
require_every_file_summed() {
    local file
    for file in manifest accounts.sql "$(manifest_of "$1" dump)"; do
        grep -qsxE "[0-9a-f]{64}  $file" "$1/SHA256SUMS" || die "$1 is damaged: SHA256SUMS does not know $file."
    done
}
