/// nft's own way of many rules: a chain of 99 rules for each network, entered from the base chain.
enum NftRules {
  static func text(rules: Int) -> String {
    let networks = max(1, rules / 100)
    var jumps = ""
    var chains = ""
    for network in 0..<networks {
      jumps += "\t\tip daddr 10.\(network / 250).\(network % 250).0/24 jump net-\(network)\n"
      chains += "\n\tchain net-\(network) {\n"
      for service in 0..<99 {
        chains +=
          "\t\tiifname \"eth0\" ip saddr 192.0.\(service).0/24 tcp dport \(1024 + service) counter packets 0 bytes 0 accept comment \"service \(service) of \(network)\"\n"
      }
      chains += "\t}\n"
    }
    return """
      table inet fw {
      \tchain forward {
      \t\ttype filter hook forward priority filter; policy drop;
      \t\tct state established,related accept
      \(jumps)\t}
      \(chains)}

      """
  }
}

/// nft with a large set, a large map of addresses and a large map of verdicts.
enum NftSets {
  static func text(elements: Int) -> String {
    let each = max(1, elements / 3)
    func list(_ element: (Int) -> String) -> String {
      (0..<each).map(element).joined(separator: ",\n\t\t\t     ")
    }
    func address(_ base: Int, _ index: Int) -> String {
      "\(base + index / 16_777_216).\(index / 65536 % 256).\(index / 256 % 256).\(index % 256)"
    }
    return """
      table inet fw {
      \tset blocked {
      \t\ttype ipv4_addr
      \t\telements = { \(list { address(11, $0) }) }
      \t}

      \tmap backends {
      \t\ttype ipv4_addr . inet_service : ipv4_addr . inet_service
      \t\telements = { \(list { "\(address(12, $0)) . 80 : 10.244.\($0 / 250 % 250).\($0 % 250) . 8080" }) }
      \t}

      \tmap tenants {
      \t\ttype ipv4_addr : verdict
      \t\telements = { \(list { "\(address(13, $0)) : \($0 % 3 == 0 ? "drop" : "accept")" }) }
      \t}

      \tchain prerouting {
      \t\ttype nat hook prerouting priority dstnat; policy accept;
      \t\tdnat ip to ip daddr . tcp dport map @backends
      \t}

      \tchain forward {
      \t\ttype filter hook forward priority filter; policy drop;
      \t\tct state established,related accept
      \t\tip saddr @blocked drop
      \t\tip daddr vmap @tenants
      \t}
      }

      """
  }
}
