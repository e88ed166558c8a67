# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the scripts that source it
# Which MySQL the private cluster runs on. Sourced after common.sh.
#
# The result is a pair of commands, as arrays, because an unpacked server is
# started through its own dynamic loader:
#   MYSQLD_COMMAND  the server        MYSQL_COMMAND  the client
#   MYSQLD_PATHS    options that tell an unpacked server where its files are
#   MYSQL_VERSION   such as 8.4.6     MYSQL_ORIGIN   where it was found

# The first release whose semi-synchronous replication speaks of source and replica.
MYSQL_OLDEST=8.0.26

MYSQLD_COMMAND=()
MYSQLD_PATHS=()
MYSQL_COMMAND=()
MYSQL_VERSION=
MYSQL_ORIGIN=

# --- judging a server -------------------------------------------------------

version_at_least() {
    [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$2" ]]
}

# Ubuntu's server package lets /usr/sbin/mysqld read only the system's own
# data directory, whoever starts it. The same program elsewhere is free.
confined_by_apparmor() {
    local profile=usr.sbin.mysqld
    [[ $(realpath -- "$1") == /usr/sbin/mysqld ]] &&
        [[ -e /etc/apparmor.d/$profile && ! -e /etc/apparmor.d/disable/$profile ]] &&
        [[ $(cat /sys/module/apparmor/parameters/enabled 2>/dev/null) == Y ]]
}

# Judges the server in MYSQLD_COMMAND. Sets MYSQL_VERSION; when the server
# will not do, sets REFUSAL to the reason and fails.
server_is_suitable() {
    local program=${MYSQLD_COMMAND[-1]} text
    if ! have "$program"; then
        REFUSAL="$program is not a program"
    elif ! text=$("${MYSQLD_COMMAND[@]}" --no-defaults --version 2>&1); then
        REFUSAL="$program does not run: $text"
    elif [[ $text == *MariaDB* ]]; then
        REFUSAL="$program is MariaDB, whose replication this project does not speak"
    elif ! [[ $text =~ Ver\ ([0-9]+\.[0-9]+\.[0-9]+) ]]; then
        REFUSAL="$program does not tell a MySQL version: $text"
    elif ! version_at_least "${BASH_REMATCH[1]}" "$MYSQL_OLDEST"; then
        REFUSAL="$program is MySQL ${BASH_REMATCH[1]}, older than $MYSQL_OLDEST"
    elif confined_by_apparmor "$program"; then
        REFUSAL="$program is confined by AppArmor to the system's own data directory"
    else
        MYSQL_VERSION=${BASH_REMATCH[1]}
        return 0
    fi
    return 1
}

is_mysql_client() {
    local text
    text=$("$1" --no-defaults --version 2>/dev/null) &&
        [[ $text =~ Ver\ [0-9] && $text != *MariaDB* ]]
}

# The one that the caller names, else beside the server, else on PATH.
find_client_of() {
    local directory candidate
    directory=$(dirname -- "$1")
    for candidate in ${MYSQL:+"$MYSQL"} "$directory/mysql" "$directory/../bin/mysql" mysql; do
        if is_mysql_client "$candidate"; then
            MYSQL_COMMAND=("$candidate")
            return
        fi
        [[ $candidate != "${MYSQL:-}" ]] || die "MYSQL: $MYSQL is not MySQL's client."
    done
    REFUSAL="no MySQL client was found for $1 (MYSQL may name one)"
    return 1
}

# --- the places to look -----------------------------------------------------

use_installed_server() {
    MYSQLD_COMMAND=("$1")
    MYSQLD_PATHS=()
    MYSQL_ORIGIN=$1
    server_is_suitable && find_client_of "$1"
}

mysql_cache() {
    printf '%s/drf-oms/mysql' "${XDG_CACHE_HOME:-${HOME:?is not set}/.cache}"
}

distribution() {
    # shellcheck source=/dev/null
    (ID='' && . /etc/os-release 2>/dev/null && printf '%s' "$ID") || true
}

# The number is that of the tree's form: one of another form is left to the checkouts that know it.
unpacked_tree() {
    printf '%s/%s-%s-2' "$(mysql_cache)" "$(distribution)" "$(uname -m)"
}

use_unpacked_server() {
    local tree=$1 libc libraries loader
    # Found rather than spelled out: both carry the architecture in their name.
    libc=$(find "$tree" -name libc.so.6 -print -quit 2>/dev/null) || return 1
    [[ -n $libc ]] || return 1
    libraries=$(basename -- "$(dirname -- "$libc")")
    libraries=$tree/usr/lib/$libraries:$tree/lib/$libraries
    loader=$(find "$(dirname -- "$libc")" -name 'ld-linux*.so.*' -print -quit)
    [[ -n $loader ]] || return 1

    MYSQLD_COMMAND=("$loader" --library-path "$libraries" "$tree/usr/sbin/mysqld")
    MYSQL_COMMAND=("$loader" --library-path "$libraries" "$tree/usr/bin/mysql")
    MYSQLD_PATHS=(
        --basedir="$tree/usr"
        --plugin-dir="$tree/usr/lib/mysql/plugin"
        --lc-messages-dir="$tree/usr/share/mysql"
        --character-sets-dir="$tree/usr/share/mysql/charsets"
    )
    MYSQL_ORIGIN=$tree
    server_is_suitable
}

# Without the network. Fails, with REFUSAL saying why where there is a why.
find_mysql() {
    REFUSAL=
    if [[ -n ${MYSQLD:-} ]]; then
        use_installed_server "$(command -v -- "$MYSQLD" || printf '%s' "$MYSQLD")" ||
            die "MYSQLD: $REFUSAL."
        return
    fi
    local on_path
    # An ordinary user's PATH often lacks the directory servers live in.
    if on_path=$(PATH=$PATH:/usr/local/sbin:/usr/sbin command -v mysqld); then
        use_installed_server "$on_path" && return
    fi
    use_unpacked_server "$(unpacked_tree)"
}

# With the network where nothing is there yet.
provide_mysql() {
    find_mysql && return
    if ! have apt-get || ! have dpkg || [[ ! $(distribution) =~ ^(debian|ubuntu)$ ]]; then
        die_without_mysql
    fi
    step_remark "unpacking the distribution's packages (a download of 70 MB, once)"
    unpack_distribution_packages "$(unpacked_tree)" || die_without_mysql
    use_unpacked_server "$(unpacked_tree)" || die "$(unpacked_tree) is damaged${REFUSAL:+ ($REFUSAL)}: remove it and try again."
}

die_without_mysql() {
    note "no usable MySQL server${REFUSAL:+: $REFUSAL}."
    cat >&2 <<END
Any one of these gives it one:
  - install MySQL $MYSQL_OLDEST or newer, so that mysqld and mysql are on PATH
    (its packages: https://dev.mysql.com/downloads/mysql/);
  - unpack MySQL's binary archive anywhere and name its programs:
    MYSQLD=/opt/mysql/bin/mysqld MYSQL=/opt/mysql/bin/mysql
  - run this on Debian or Ubuntu with a network, where the distribution's own
    packages are unpacked into $(mysql_cache) without being installed.
END
    exit 1
}

# --- unpacking the distribution's packages ----------------------------------

# Under a lock, because two clones of the project share this cache; with a
# rename at the end, so that a tree that exists is a whole one.
unpack_distribution_packages() (
    tree=$1 cache=$(mysql_cache)
    log=$cache/download.log
    mkdir -p -- "$cache"
    exec 8>"$cache/lock"
    flock 8
    [[ ! -d $tree ]] || return 0

    rm -rf -- "$cache"/.new.* # left by a run that was killed
    work=$(mktemp -d "$cache/.new.XXXXXX")
    trap 'rm -rf -- "$work"' EXIT

    if ! download_packages "$work" >"$log" 2>&1 || ! unpack_packages "$work" >>"$log" 2>&1; then
        note "the packages could not be had."
        last_lines_of "$log"
        return 1
    fi
    mv -T -- "$work/tree" "$tree"
)

# The private apt knows nothing of the machine but how to reach the network:
# no hooks that run as root, no pinning, none of the installed packages.
private_apt_settings() {
    local work=$1
    apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries|ForceIP)' || true
    cat <<END
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$work";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Dir::Log "$work/log";
APT::Architectures "$(dpkg --print-architecture)";
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::PDiffs "false";
END
}

# The mirror that the machine itself uses, whichever way that is written down:
# apt reads its own configuration better than any pattern would.
machine_mirror() {
    # shellcheck disable=SC2016 # apt expands these
    apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)' 'Created-By: Packages' |
        awk -F '|' -v id="$(distribution)" '
            $2 ~ /^[a-z]+$/ && $3 == "main" &&
            (tolower($4) == id || $1 ~ ("/" id "(-ports)?/$")) { print $1, $2; exit }'
}

distribution_keyring() {
    local file
    for file in "/usr/share/keyrings/$(distribution)-archive-keyring".{gpg,pgp}; do
        [[ -e $file ]] && printf '%s' "$file" && return
    done
    printf '%s\n' "no keyring of the distribution under /usr/share/keyrings" >&2
    return 1
}

write_sources() {
    local mirror suite keyring options
    if ! read -r mirror suite < <(machine_mirror); then
        printf '%s\n' "apt is not configured with a mirror of $(distribution)" >&2
        return 1
    fi
    keyring=$(distribution_keyring) || return
    options="[signed-by=$keyring]"
    case $(distribution) in
        # A stable Debian has no MySQL server, its development suite has.
        debian) printf '%s\n' "deb $options $mirror sid main" ;;
        ubuntu) printf '%s\n' "deb $options $mirror $suite main universe" \
            "deb $options $mirror $suite-updates main universe" ;;
    esac
}

newest_packages() {
    local version
    for version in '' -8.4 -8.0; do
        if apt-cache show "mysql-server-core$version" >/dev/null 2>&1; then
            printf '%s\n' "mysql-server-core$version" "mysql-client-core$version"
            return
        fi
    done
    printf '%s\n' "apt knows no package mysql-server-core" >&2
    return 1
}

download_packages() {
    local work=$1 packages
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/log"
    : >"$work/status" # nothing is installed, so every library comes along
    write_sources >"$work/sources.list" || return
    private_apt_settings "$work" >"$work/apt.conf"

    export APT_CONFIG=$work/apt.conf DEBIAN_FRONTEND=noninteractive
    apt-get update || return
    packages=$(newest_packages) || return
    # shellcheck disable=SC2086 # a list of package names
    apt-get install --yes --download-only $packages
}

unpack_packages() {
    local work=$1 package
    for package in "$work"/cache/archives/*.deb; do
        case ${package##*/} in
            perl* | libperl* | gcc-*-base*) ;; # for helper scripts; not used here
            *) dpkg -x "$package" "$work/tree" || return ;;
        esac
    done
    rm -rf -- "$work/tree"/usr/share/{bash-completion,doc,doc-base,info,lintian,locale,man}
    find "$work/tree/usr/bin" -type f ! -name mysql ! -name mysqldump ! -name mysqlbinlog -delete
    write_wrappers "$work/tree"
    chmod -R u+w -- "$work/tree" # so that its owner can remove it
}

# The client programs as commands of one word, bin/mysql and so on: the unpacked ones run only through
# their own loader. Found by the place of the wrapper, for the tree is moved when it is whole.
write_wrappers() {
    local tree=$1 program
    mkdir -- "$tree/bin"
    use_unpacked_server "$tree" || return
    for program in mysql mysqldump mysqlbinlog; do
        cat >"$tree/bin/$program" <<END
#!/bin/sh
tree=\$(CDPATH='' cd -- "\$(dirname -- "\$0")/.." && pwd)
exec "\$tree${MYSQL_COMMAND[0]#"$tree"}" --library-path \
    "${MYSQL_COMMAND[2]//"$tree"/\$tree}" "\$tree/usr/bin/$program" "\$@"
END
        chmod +x -- "$tree/bin/$program"
    done
}
