/// A script for a POSIX shell (dash, busybox) that writes a capture bundle on a host without fwtrace.
///
/// It asks the same programs in the same order as ``HostCapture``, and `nft` where that asks the library.
public enum CaptureScript {
  /// The script's text. `version` is the program's own, for the bundle's first line.
  public static func text(version: String) -> String {
    head
      + "global_settings='\(words(Sysctls.global.map(path)))'\n"
      + "ipv4_settings='\(words(Sysctls.ofInterfaceIPv4))'\n"
      + "ipv6_settings='\(words(Sysctls.ofInterfaceIPv6))'\n"
      + "network_format='\(DockerObject.networkFormat)'\n"
      + "container_format='\(DockerObject.containerFormat)'\n"
      + "version='\(version)'\n" + body
  }

  private static func path(_ name: String) -> String { String(name.map { $0 == "." ? "/" : $0 }) }

  private static func words(_ words: [String]) -> String { words.joined(separator: " ") }

  private static let head = """
    #!/bin/sh
    # Writes everything that fwtrace needs to answer about this host on standard output:
    #
    #     sudo sh capture.sh > host.txt
    #
    # It changes nothing. The output holds the rules, addresses, routes, settings of the kernel, listening sockets and containers.
    set -u
    umask 077
    LC_ALL=C
    PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
    export LC_ALL PATH

    if [ "$(id -u)" -ne 0 ]; then
      echo "capture: reading this host's rules needs root: sudo sh $0 > host.txt" >&2
      exit 2
    fi


    """

  private static let body = #"""

    have() { command -v "$1" >/dev/null 2>&1; }

    limited() { if have timeout; then timeout 20 "$@"; else "$@"; fi; }

    # A line that looks like one between two parts is moved by one blank, so that no output passes for another's.
    shield() { sed -e 's/^[#=*-]\{3\}./ &/'; }

    # try LINE COMMAND...: the output of a command under its line; fails when the command does.
    try() {
      line=$1
      shift
      have "$1" || return 0
      output=$(limited "$@" 2>/dev/null) || return 1
      printf '#### fwtrace: %s\n' "$line"
      [ -z "$output" ] || printf '%s\n' "$output" | shield
    }

    unread() { printf '#### fwtrace could not read: %s: it failed\n' "$1"; }

    part() { try "$*" "$@" || unread "$*"; }

    saves() {
      for family in ip ip6; do
        if have "${family}tables-nft-save" || have "${family}tables-legacy-save"; then
          part "${family}tables-nft-save"
          # Without tables, iptables-legacy-save would load kernel modules.
          if [ -n "$(cat "/proc/net/${family}_tables_names" 2>/dev/null)" ]; then part "${family}tables-legacy-save"; fi
        else
          part "${family}tables-save"
        fi
      done
    }

    # The files of all settings are read by one program, or as many as a long list needs; a dot in the name of an
    # interface is a slash.
    settings() {
      echo "#### fwtrace: sysctl -ar '^net[.]'"
      {
        for name in $global_settings; do echo "/proc/sys/$name"; done
        for interface in /proc/sys/net/ipv4/conf/*; do
          for key in $ipv4_settings; do printf '%s/%s\n' "$interface" "$key"; done
        done
        for interface in /proc/sys/net/ipv6/conf/*; do
          for key in $ipv6_settings; do printf '%s/%s\n' "$interface" "$key"; done
        done
      } | sed -e 's/[^A-Za-z0-9_/-]/\\&/g' | xargs grep -sH '' | sed -e 's,^/proc/sys/,,' | tr './' '/.' | sed -e 's/:/ = /'
    }

    containers() {
      have docker || return 0
      [ -n "${DOCKER_HOST-}" ] || [ -S /var/run/docker.sock ] || return 0
      part docker version
      for id in $(limited docker network ls --quiet 2>/dev/null | sort); do
        line="docker network inspect --format '$network_format' $id"
        try "$line" docker network inspect --format "$network_format" "$id" || unread "$line"
      done
      for id in $(limited docker ps --quiet 2>/dev/null | sort); do
        line="docker inspect --format '$container_format' $id"
        try "$line" docker inspect --format "$container_format" "$id" || unread "$line"
      done
    }

    printf '#### fwtrace capture 1 date=%s host=%s kernel=%s fwtrace=%s\n' \
      "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(uname -n)" "$(uname -r)" "$version"
    rules=$(saves)
    [ -z "$rules" ] || printf '%s\n' "$rules"
    case $rules in *"-set "* | *"-j SET "*) part ipset save ;; esac
    part nft -j list ruleset
    part nft -a list ruleset
    settings
    # The ip of busybox knows no -d.
    try "ip -d address" ip -d address || part ip address
    part ip -4 route show table all
    part ip -4 rule
    part ip -6 route show table all
    part ip -6 rule
    part ip neighbour
    part bridge -d link
    if have ss; then part ss -tulnp; else part netstat -tulnp; fi
    if have pgrep; then
      output=$(pgrep -a docker-proxy) && printf '#### fwtrace: pgrep -a docker-proxy\n%s\n' "$output"
    fi
    containers
    echo '#### fwtrace capture ends'
    exit 0

    """#
}
