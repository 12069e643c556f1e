import RuleGraph

/// Who made a bridge, as far as its name tells: what is on it are containers, virtual machines, or the machines of a
/// network.
public enum BridgeOwner: Hashable, Sendable {
  case docker, podman, cni, lxc, lxd, incus, libvirt, proxmox, openwrt

  /// The owner of an interface by its name; nil where the name is nobody's.
  ///
  /// `br-` alone is no name of Docker's: that is `br-` with the first twelve digits of a network's id
  /// (`bridgeNetworkDriver` in moby's `libnetwork/drivers/bridge`), and OpenWrt calls its bridges `br-lan`, `br-guest`.
  public static func named(_ name: String) -> BridgeOwner? {
    let bytes = Array(name.utf8)
    func has(_ prefix: StaticString, digits: Bool = true) -> Bool {
      let prefix = Array("\(prefix)".utf8)
      return bytes.starts(with: prefix) && (!digits || bytes[prefix.count...].allSatisfy(\.isDigit))
    }
    if name == "docker0" || name == "docker_gwbridge" { return .docker }
    if has("br-", digits: false) {
      let rest = bytes[3...]
      let isShortID = rest.allSatisfy { $0.isDigit || $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "f") }
      if rest.count == 12, isShortID { return .docker }
      return name == "br-lan" || name == "br-wan" || name == "br-guest" ? .openwrt : nil
    }
    if has("podman") { return .podman }
    if has("cni") || has("cni-podman") { return has("cni-podman") ? .podman : .cni }
    if has("lxcbr") { return .lxc }
    if has("lxdbr") { return .lxd }
    if has("incusbr") { return .incus }
    if has("virbr") { return .libvirt }
    if has("vmbr") { return .proxmox }
    return nil
  }

  /// Whether containers are on the bridge.
  public var hasContainers: Bool {
    switch self {
    case .docker, .podman, .cni, .lxc, .lxd, .incus: true
    case .libvirt, .proxmox, .openwrt: false
    }
  }
}
