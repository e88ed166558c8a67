# shellcheck shell=bash
# Where the nodes of the private cluster listen: all on the loopback, or each in a
# network namespace of its own, whose connection to the other nodes can be cut.
# Sourced after common.sh, with CLUSTER_DIR set and, later, NODES.
#
#   $CLUSTER_DIR/network   the first three numbers of the namespaces' addresses;
#                          without this file the nodes are on the loopback

# --- addresses --------------------------------------------------------------

has_namespaces() {
    [[ -e $CLUSTER_DIR/network ]]
}

subnet() {
    cat -- "$CLUSTER_DIR/network"
}

# 1 for the first of NODES
number_of() {
    local number
    for number in "${!NODES[@]}"; do
        if [[ ${NODES[number]} == "$1" ]]; then
            printf '%d' $((number + 1))
        fi
    done
}

host_of() {
    if has_namespaces; then
        printf '%s.%d' "$(subnet)" "$(number_of "$1")"
    else
        printf 127.0.0.1
    fi
}

# From where accounts may connect, as a pattern of MySQL's
account_host() {
    if has_namespaces; then
        printf '%s.%%' "$(subnet)"
    else
        printf 127.0.0.1
    fi
}

# --- namespaces -------------------------------------------------------------

# namespace_of NODE, or of "switch"
namespace_of() {
    local address
    address=$(subnet)
    printf 'oms%s-%s' "${address##*.}" "$1"
}

namespace_exists() {
    ip netns list | grep -qE "^$(namespace_of "$1")( |$)"
}

require_namespaces() {
    require_command ip iproute2
    ((EUID == 0)) || die "network namespaces are root's to make; act as root, or within" \
        "\`unshare --map-root-user --net --mount\`, or leave --namespaces away."
}

# One that no interface uses yet, of the networks that are private to a site
choose_subnet() {
    local candidate
    for _ in {1..200}; do
        candidate=10.213.$((RANDOM % 256))
        if [[ -z $(ip -brief address show to "$candidate.0/24") ]]; then
            printf '%s' "$candidate" | write_private_file "$CLUSTER_DIR/network"
            return
        fi
    done
    die "no network of 10.213.0.0/16 is free."
}

# plug NAMESPACE-OR-NOTHING INTERFACE ADDRESS: a cable into the switch
plug() {
    local namespace=$1 interface=$2 address=$3 within=() socket="to-$2"
    [[ -z $namespace ]] || within=(-netns "$namespace") socket="to-$namespace"
    ip "${within[@]}" link add "$interface" type veth peer name "${socket:0:15}" netns "$(namespace_of switch)"
    ip "${within[@]}" address add "$address/24" dev "$interface"
    ip "${within[@]}" link set "$interface" up
    ip -netns "$(namespace_of switch)" link set "${socket:0:15}" master switch up
}

# The switch has a namespace of its own, lest the firewall of the machine filter
# what passes it.
ensure_namespaces() {
    local node namespace
    has_namespaces || return 0
    require_namespaces
    if ! namespace_exists switch; then
        ip netns add "$(namespace_of switch)"
        ip -netns "$(namespace_of switch)" link add switch type bridge
        ip -netns "$(namespace_of switch)" link set switch up
        plug '' "$(namespace_of host)" "$(subnet).254"
    fi
    for node in "${NODES[@]}"; do
        namespace=$(namespace_of "$node")
        if ! namespace_exists "$node"; then
            ip netns add "$namespace"
            ip -netns "$namespace" link set lo up
            plug "$namespace" eth0 "$(host_of "$node")"
        fi
    done
}

# A cable goes with either of its ends.
remove_namespaces() {
    local name
    has_namespaces || return 0
    for name in "${NODES[@]}" switch; do
        if namespace_exists "$name"; then
            ip netns delete "$(namespace_of "$name")"
        fi
    done
}

# The words before a command that is to run where the node does, a line each
within_namespace_of() {
    if has_namespaces; then
        printf '%s\n' nsenter "--net=/run/netns/$(namespace_of "$1")"
    fi
}

# --- cutting ----------------------------------------------------------------

# Frames go to an address that no interface has: they are lost without a word,
# as on a broken line.
lose_frames() {
    ip -netns "$(namespace_of "$1")" neighbour replace "$(host_of "$2")" dev eth0 \
        lladdr 02:00:00:00:00:00 nud permanent
}

find_frames_again() {
    ip -netns "$(namespace_of "$1")" neighbour delete "$(host_of "$2")" dev eth0 2>/dev/null || true
}

# with_each_other_node ACTION NODE: in both directions
with_each_other_node() {
    local action=$1 node=$2 other
    for other in "${NODES[@]}"; do
        if [[ $other != "$node" ]]; then
            "$action" "$node" "$other"
            "$action" "$other" "$node"
        fi
    done
}
