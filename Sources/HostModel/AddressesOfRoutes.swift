import RuleGraph

/// What routing tables tell of the host's own addresses.
extension HostFacts {
  /// Gives interfaces the addresses that routes show them to have, where no output of addresses told them.
  ///
  /// The kernel makes a route to the subnet of each address, with that address as its source (`192.0.2.0/24 dev eth0
  /// proto kernel scope link src 192.0.2.10`; `fib_add_ifaddr` in `net/ipv4/fib_frontend.c`), and one to the address
  /// itself in the table local (`fib_add_ifaddr`, `local 192.0.2.10 dev eth0 table local`). Secondary addresses of a
  /// subnet show in the table local alone, so the list need not be whole.
  public mutating func placeAddressesOfRoutes() {
    // The subnets first: they tell the length of the prefix.
    for route in routes where route.kind == .unicast {
      guard let address = route.source, address.family == route.destination.family, route.destination.length > 0,
        route.destination.contains(address), let hop = route.nextHops.first, hop.gateway == nil
      else { continue }
      place(address, length: route.destination.length, on: hop.interface, route.span)
    }
    for route in routes where route.kind == .local && route.table == "local" {
      guard route.destination.length == route.destination.family.addressBits else { continue }
      let address = route.destination.address
      place(address, length: address.family.addressBits, on: route.nextHops.first?.interface, route.span)
    }
    // The source of any other route is an address of the host, too (`fib_valid_prefsrc` in `net/ipv4/fib_semantics.c`).
    for route in routes {
      guard let address = route.source, address.family == route.destination.family else { continue }
      if !isPlaced(address), !isAContainers(address), !unplacedAddresses.contains(address) {
        unplacedAddresses.append(address)
      }
    }
  }

  /// Whether a container has an address: then the route was printed inside of it.
  private func isAContainers(_ address: IPAddress) -> Bool {
    containers.contains { $0.endpoints.contains { $0.addresses.contains(address) } }
  }

  private func isPlaced(_ address: IPAddress) -> Bool {
    interfaces.contains { $0.addresses.contains { $0.address == address } }
  }

  private mutating func place(_ address: IPAddress, length: Int, on name: String?, _ span: SourceSpan?) {
    guard let name, !addressesKnown.contains(address.family), !isPlaced(address), !isAContainers(address) else {
      return
    }
    let own = InterfaceAddress(address, prefixLength: length, span: span)
    if let index = interfaces.firstIndex(where: { $0.name == name }) {
      interfaces[index].addresses.append(own)
    } else {
      var interface = Interface(name)
      interface.addresses = [own]
      interface.span = span
      interfaces.append(interface)
    }
  }
}
