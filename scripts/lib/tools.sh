# shellcheck shell=bash
# Programs that some tests start, out of packages of the distribution that are unpacked and not installed:
# those of Prometheus and nginx would each start a server that everybody can reach. Sourced after setup.sh.

tool_cache() {
    printf '%s/drf-oms/tools' "${XDG_CACHE_HOME:-${HOME:?is not set}/.cache}"
}

# An ordinary user may download too, where apt knows the packages of today.
download_package() {
    local as_self=(-o "APT::Sandbox::User=$(id -un)")
    apt-get "${as_self[@]}" download "$1" && return
    can_install_packages && apt-get update && apt-get "${as_self[@]}" download "$1"
}

# With a rename at the end, so that a tree that exists is a whole one.
unpack_tool() (
    cache=$(tool_cache)
    mkdir -p -- "$cache" && work=$(mktemp -d "$cache/.new.XXXXXX") || return
    trap 'rm -rf -- "$work"' EXIT
    cd -- "$work" && download_package "$1" && dpkg-deb --extract ./*.deb tree || return
    [[ -d $cache/$1 ]] || mv -T -- tree "$cache/$1"
)

# ensure_tool PROGRAM PACKAGE: on PATH afterwards. Where that cannot be, the tests that want it are skipped.
ensure_tool() {
    local program=$1 package=$2 tree
    tree=$(tool_cache)/$package
    PATH=$PATH:/usr/local/sbin:/usr/sbin:$tree/usr/bin:$tree/usr/sbin
    ! have "$program" || return 0
    have apt-get && have dpkg-deb || return 0
    step_remark "unpacking $package"
    mkdir -p -- "$LOGS"
    run_child_into "$LOGS/tool-$package.log" unpack_tool "$package" || step_remark "which failed"
}
