# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is for the scripts that source it
# What the service and its tests both need: programs, a virtual environment,
# a cluster, settings, and an orderly end. Sourced after common.sh.

VENV=$PROJECT_ROOT/.venv
STATE=$PROJECT_ROOT/var
LOGS=$STATE/log
CLUSTER=$PROJECT_ROOT/scripts/cluster.sh

PYTHON_OLDEST=3.11

# --- children and signals ---------------------------------------------------

CHILD=

# A shell in the middle of a foreground command hears a signal only once that
# has ended; while it waits for a background one, it hears it at once.
await_child() {
    local status=0
    CHILD=$1
    wait "$CHILD" || status=$?
    CHILD=
    return "$status"
}

run_child() {
    "$@" <&0 &
    await_child "$!"
}

# The redirection is the child's alone: what a trap says is for the terminal.
run_child_into() {
    local log=$1
    shift
    "$@" <&0 >"$log" 2>&1 &
    await_child "$!"
}

# logged NAME COMMAND...: what it prints matters only when it fails.
logged() {
    local log=$LOGS/$1.log
    shift
    mkdir -p -- "$LOGS"
    run_child_into "$log" "$@" && return
    end_open_line
    last_lines_of "$log" 30
    return 1
}

# The script says what its own `clean_up` and `on_signal NUMBER` do.
clean_up_at_the_end() {
    trap clean_up EXIT
    trap 'on_signal 1' HUP
    trap 'on_signal 2' INT
    trap 'on_signal 15' TERM
}

# stop_process PID SIGNAL SECONDS: asks first; past the deadline it insists.
stop_process() {
    local pid=$1 signal=$2 seconds=$3
    kill "-$signal" "$pid" 2>/dev/null || return 0
    if ! wait_until "$seconds" process_has_ended "$pid"; then
        kill -KILL "$pid" 2>/dev/null || true
    fi
    wait "$pid" 2>/dev/null || true
}

process_has_ended() {
    ! kill -0 "$1" 2>/dev/null
}

# --- programs of the system -------------------------------------------------

can_install_packages() {
    ((EUID == 0)) && have apt-get
}

apt_install() {
    # shellcheck disable=SC2016 # a program for the inner shell
    DEBIAN_FRONTEND=noninteractive logged apt sh -c \
        'apt-get update && exec apt-get install --yes --no-install-recommends "$@"' apt "$@" ||
        die "apt-get could not install: $*"
}

# As root it installs the Debian packages; others are told how.
require_packages() {
    (($# > 0)) || return 0
    if can_install_packages; then
        step_remark "installing $*"
        apt_install "$@"
    else
        die "these are missing: $*; on Debian and Ubuntu: sudo apt-get install $*"
    fi
}

# What scripts/poc.sh and the tests call.
missing_tools() {
    local tool
    for tool in curl jq; do
        have "$tool" || printf '%s\n' "$tool"
    done
}

# --- Python -----------------------------------------------------------------

python_is_suitable() {
    "$1" -c "import sys; sys.exit(sys.version_info < (${PYTHON_OLDEST/./, }))" 2>/dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.1{4,3,2,1}; do
        if python_is_suitable "$candidate"; then
            PYTHON=$candidate
            return
        fi
        [[ $candidate != "${PYTHON:-}" ]] ||
            die "PYTHON: $PYTHON is not Python $PYTHON_OLDEST or newer."
    done
    return 1
}

require_python() {
    find_python && return
    if can_install_packages; then
        require_packages python3 python3-venv
        find_python && return
    fi
    die "Python $PYTHON_OLDEST or newer was not found; install it, or name it: PYTHON=/usr/bin/python3.12"
}

venv_package() {
    "$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
}

python_version() {
    "$1" -c 'import platform; print(platform.python_version())'
}

is_the_wanted_python() {
    [[ -z ${PYTHON:-} || $(python_version "$1") == "$(python_version "$PYTHON")" ]]
}

# One that was copied from elsewhere has the old place in its programs.
venv_is_sound() {
    python_is_suitable "$VENV/bin/python" && is_the_wanted_python "$VENV/bin/python" &&
        grep -qsF -e "$VENV" "$VENV/bin/activate" &&
        "$VENV/bin/python" -m pip --version >/dev/null 2>&1
}

ensure_venv() {
    venv_is_sound && return
    require_python
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || require_packages "$(venv_package)"
    logged venv "$PYTHON" -m venv --clear "$VENV" || die "no virtual environment could be made."
}

has_python_headers() {
    "$VENV/bin/python" -c '
import pathlib, sys, sysconfig
sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())'
}

has_mysql_headers() {
    local name
    for name in mysqlclient mariadb libmariadb; do
        pkg-config --exists "$name" 2>/dev/null && return
    done
    return 1
}

missing_build_packages() {
    have cc || printf '%s\n' build-essential
    have pkg-config || printf '%s\n' pkg-config
    has_python_headers || printf '%s\n' python3-dev
    has_mysql_headers || printf '%s\n' default-libmysqlclient-dev
}

# mysqlclient is the one requirement that comes as source.
mysqlclient_is_built() {
    local installed
    installed=$("$VENV/bin/python" -c 'import importlib.metadata as m; print(m.version("mysqlclient"))' 2>/dev/null) &&
        grep -qxF -e "mysqlclient==$installed" "$PROJECT_ROOT/requirements.txt"
}

ensure_build_packages() {
    local missing
    mysqlclient_is_built && return
    mapfile -t missing < <(missing_build_packages)
    require_packages "${missing[@]}"
}

requirements_stamp() {
    printf '%s/.installed-%s' "$VENV" "$1"
}

# A change in any of the files counts, for they include each other.
requirements_hash() {
    cat -- "$PROJECT_ROOT"/requirements*.txt | sha256_of_input
}

requirements_are_installed() {
    [[ $(cat -- "$(requirements_stamp "$1")" 2>/dev/null) == "$(requirements_hash)" ]]
}

# ensure_requirements FILE, of the repository's root. Without a change nothing
# is looked up, so that a second start needs no network.
ensure_requirements() {
    local file=$1
    requirements_are_installed "$file" && return
    ensure_build_packages
    logged pip "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input \
        -r "$PROJECT_ROOT/$file" || die "the requirements in $file could not be installed."
    requirements_hash >"$(requirements_stamp "$file")"
}

# Under a lock: run.sh and test.sh share the environment.
ensure_python_environment() {
    mkdir -p -- "$STATE"
    exec 7>"$STATE/setup.lock"
    flock 7
    ensure_venv
    ensure_requirements "$1"
    exec 7>&-
}

# --- the cluster ------------------------------------------------------------

CLUSTER_IS_OURS=false # this run started it, so this run stops it

cluster_up() {
    "$CLUSTER" running >/dev/null || CLUSTER_IS_OURS=true
    STEP_INDENT='      ' run_child "$CLUSTER" up || die "the cluster did not come up."
}

cluster_down_if_ours() {
    if [[ $CLUSTER_IS_OURS == true ]]; then
        "$CLUSTER" down
    fi
}

# --- settings ---------------------------------------------------------------

# set_default NAME VALUE: what the caller has set stays.
set_default() {
    export "$1=${!1:-$2}"
}

# Read, not sourced: a value is text, whatever characters it has. The caller's
# environment wins.
load_dotenv() {
    local file=$PROJECT_ROOT/.env line name value
    [[ -f $file ]] || return 0
    while IFS= read -r line || [[ -n $line ]]; do
        [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] || continue
        name=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]}
        if [[ $value =~ ^\"(.*)\"[[:space:]]*$ || $value =~ ^\'(.*)\'[[:space:]]*$ ]]; then
            value=${BASH_REMATCH[1]}
        fi
        [[ -v $name ]] || export "$name=$value"
    done <"$file"
}

load_cluster_settings() {
    local settings
    settings=$("$CLUSTER" env)
    eval "$settings"
}

random_key() {
    printf '%s%s' "$(random_secret)" "$(random_secret)"
}

# secret_file NAME COMMAND...: the secret under var/, made by the command the
# first time.
secret_file() {
    local file=$STATE/$1
    shift
    if [[ ! -s $file ]]; then
        "$@" | write_private_file "$file"
    fi
    cat -- "$file"
}
