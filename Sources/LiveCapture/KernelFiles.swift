import Glibc

/// Reads files of `/proc`, as the thread's own network namespace shows them.
protocol KernelFiles: Sendable {
  /// The content of a file, or nil when it can't be read.
  func content(_ path: String) -> [UInt8]?
  /// The names in a folder in the order of their bytes; empty when it can't be read.
  func names(in path: String) -> [String]
  /// Where a symbolic link points to.
  func target(ofLink path: String) -> String?
  /// The value of an environment variable; nil when it is not set or empty.
  func environment(_ name: String) -> String?
}

/// The files of this machine.
struct ProcFiles: KernelFiles {
  func content(_ path: String) -> [UInt8]? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { _ = close(descriptor) }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      guard count > 0 else { return content }
      content += buffer[..<count]
    }
  }

  func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    let text = unsafe String(cString: value)
    return text.isEmpty ? nil : text
  }

  func names(in path: String) -> [String] {
    guard let folder = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  func target(ofLink path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = unsafe buffer.withUnsafeMutableBytes { buffer in
      unsafe buffer.withMemoryRebound(to: CChar.self) { name in
        unsafe name.baseAddress.map { unsafe readlink(path, $0, name.count) } ?? -1
      }
    }
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }
}

extension KernelFiles {
  /// Whether the thread may read the kernel's rules: the effective capabilities hold `CAP_NET_ADMIN`, bit 12
  /// (capabilities(7)).
  var hasNetAdmin: Bool {
    guard let status = content("/proc/thread-self/status") else { return false }
    for line in status.split(separator: UInt8(ascii: "\n")) where line.starts(with: "CapEff:".utf8) {
      let digits = String(
        decoding: line.dropFirst(7).filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }, as: UTF8.self)
      return UInt64(digits, radix: 16).map { $0 & (1 << 12) != 0 } ?? false
    }
    return false
  }

  /// Whether the namespace holds tables of iptables-legacy for a family. Asked first because iptables-legacy-save
  /// itself would load kernel modules on a host that never had any.
  func hasLegacyTables(_ isIPv6: Bool) -> Bool {
    content("/proc/thread-self/net/\(isIPv6 ? "ip6" : "ip")_tables_names").map { !$0.isEmpty } ?? false
  }

  /// The settings that can decide a packet's fate, as sysctl(8) prints them: a dot in an interface's name is a slash.
  func sysctls() -> [UInt8] {
    var text: [UInt8] = []
    func add(_ path: String, _ name: String) {
      guard let value = content("/proc/sys/" + path) else { return }
      text += Array("\(name) = ".utf8) + value.prefix { $0 != UInt8(ascii: "\n") } + [UInt8(ascii: "\n")]
    }
    func addFolder(_ folder: String, _ keys: [String]) {
      for interface in names(in: "/proc/sys/net/\(folder)/conf") {
        for key in keys {
          add(
            "net/\(folder)/conf/\(interface)/\(key)",
            "net.\(folder).conf.\(String(interface.map { $0 == "." ? "/" : $0 })).\(key)")
        }
      }
    }
    for name in Sysctls.global { add(String(name.map { $0 == "." ? "/" : $0 }), name) }
    addFolder("ipv4", Sysctls.ofInterfaceIPv4)
    addFolder("ipv6", Sysctls.ofInterfaceIPv6)
    return text
  }

  /// Whether root, or in a user namespace its root, runs a process: anybody can call a program docker-proxy. The four
  /// numbers are the real, effective, saved and file system's user (proc_pid_status(5)).
  private func isOfRoot(_ process: Int) -> Bool {
    guard let status = content("/proc/\(process)/status") else { return false }
    for line in status.split(separator: UInt8(ascii: "\n")) where line.starts(with: "Uid:".utf8) {
      return line.dropFirst(4).split { $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: " ") }.allSatisfy {
        $0 == [UInt8(ascii: "0")]
      }
    }
    return false
  }

  /// The command lines of docker's userland proxies in the thread's own network namespace, one a line with the process
  /// id before it.
  func dockerProxies() -> [UInt8] {
    let here = target(ofLink: "/proc/thread-self/ns/net")
    var text: [UInt8] = []
    let processes = names(in: "/proc").compactMap { Int($0) }.sorted()
    for process in processes
    where content("/proc/\(process)/comm").map({ $0 == Array("docker-proxy\n".utf8) }) == true && isOfRoot(process) {
      guard target(ofLink: "/proc/\(process)/ns/net") == here, let words = content("/proc/\(process)/cmdline") else {
        continue
      }
      let line = words.split(separator: 0).map { word in word.map { $0 < 0x20 ? UInt8(ascii: "?") : $0 } }.joined(
        separator: [UInt8(ascii: " ")])
      text += Array("\(process) ".utf8) + line + [UInt8(ascii: "\n")]
    }
    return text
  }
}

/// The kernel settings that are read.
enum Sysctls {
  /// Of the whole namespace.
  static let global = [
    "net.ipv4.ip_forward", "net.ipv4.ip_nonlocal_bind", "net.ipv4.fwmark_reflect", "net.ipv4.icmp_echo_ignore_all",
    "net.ipv4.icmp_echo_ignore_broadcasts", "net.ipv4.tcp_l3mdev_accept", "net.ipv4.udp_l3mdev_accept",
    "net.ipv6.bindv6only", "net.ipv6.ip_nonlocal_bind", "net.bridge.bridge-nf-call-arptables",
    "net.bridge.bridge-nf-call-ip6tables", "net.bridge.bridge-nf-call-iptables",
    "net.bridge.bridge-nf-filter-vlan-tagged", "net.bridge.bridge-nf-pass-vlan-input-dev",
    "net.netfilter.nf_conntrack_tcp_be_liberal", "net.netfilter.nf_conntrack_tcp_loose",
  ]
  /// Of each interface, and of `all` and `default`.
  static let ofInterfaceIPv4 = [
    "accept_local", "arp_filter", "arp_ignore", "forwarding", "proxy_arp", "route_localnet", "rp_filter",
    "src_valid_mark",
  ]
  /// Of each interface, and of `all` and `default`.
  static let ofInterfaceIPv6 = ["disable_ipv6", "forwarding", "proxy_ndp"]
}
