/// What kube-proxy writes: six rules and three chains a service.
enum Kube {
  /// The cluster address of a service.
  static func address(of service: Int) -> String {
    "10.\(96 + service / 65536).\(service / 256 % 256).\(service % 256)"
  }

  static func text(rules: Int) -> String {
    let services = max(1, (rules - 2) / 6)
    var heads = ""
    var portals = ""
    var bodies = ""
    for service in 0..<services {
      let name = String.digits(service, width: 16, radix: 36)
      let comment = "--comment \"shop/web-\(service):http"
      heads += ":KUBE-SVC-\(name) - [0:0]\n"
      portals +=
        "-A KUBE-SERVICES -d \(address(of: service))/32 -p tcp -m comment \(comment) cluster IP\" -m tcp --dport 80 -j KUBE-SVC-\(name)\n"
      bodies +=
        "-A KUBE-SVC-\(name) ! -s 10.244.0.0/16 -d \(address(of: service))/32 -p tcp -m comment \(comment) cluster IP\" -m tcp --dport 80 -j KUBE-MARK-MASQ\n"
      for endpoint in 0..<2 {
        let end = String.digits(service * 2 + endpoint, width: 16, radix: 36)
        let pod = "10.244.\(service / 125 % 250).\(service % 125 * 2 + endpoint)"
        let chance = endpoint == 0 ? " -m statistic --mode random --probability 0.50000000000" : ""
        heads += ":KUBE-SEP-\(end) - [0:0]\n"
        bodies += "-A KUBE-SVC-\(name) -m comment \(comment) -> \(pod):8080\"\(chance) -j KUBE-SEP-\(end)\n"
        bodies += "-A KUBE-SEP-\(end) -s \(pod)/32 -m comment \(comment)\" -j KUBE-MARK-MASQ\n"
        bodies +=
          "-A KUBE-SEP-\(end) -p tcp -m comment \(comment)\" -m tcp -j DNAT --to-destination \(pod):8080\n"
      }
    }
    return """
      *nat
      :PREROUTING ACCEPT [0:0]
      :INPUT ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :POSTROUTING ACCEPT [0:0]
      :KUBE-MARK-MASQ - [0:0]
      :KUBE-SERVICES - [0:0]
      \(heads)-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
      -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
      \(portals)\(bodies)COMMIT

      """
  }
}

/// One chain in which every rule tests a source and a port.
enum Flat {
  /// The source that a rule is for.
  static func source(of rule: Int) -> String { "11.\(rule / 65536).\(rule / 256 % 256).\(rule % 256)" }
  /// The port that a rule is for.
  static func port(of rule: Int) -> Int { 1024 + rule % 7 }

  static func text(rules: Int) -> String {
    var lines = ""
    for rule in 0..<rules {
      lines +=
        "-A FORWARD -s \(source(of: rule))/32 -p tcp -m tcp --dport \(port(of: rule)) -j \(rule % 3 == 0 ? "DROP" : "ACCEPT")\n"
    }
    return "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n\(lines)COMMIT\n"
  }
}

/// What Docker 28 writes for published ports: three rules a port.
enum Docker {
  static func text(rules: Int) -> String {
    let ports = max(1, (rules - 12) / 3)
    var translations = ""
    var hairpins = ""
    var accepts = ""
    for port in 0..<ports {
      let container = "172.17.\(port / 250).\(2 + port % 250)"
      translations +=
        "-A DOCKER ! -i docker0 -p tcp -m tcp --dport \(10000 + port) -j DNAT --to-destination \(container):8080\n"
      hairpins += "-A POSTROUTING -s \(container)/32 -d \(container)/32 -p tcp -m tcp --dport 8080 -j MASQUERADE\n"
      accepts += "-A DOCKER -d \(container)/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 8080 -j ACCEPT\n"
    }
    return """
      *nat
      :PREROUTING ACCEPT [0:0]
      :INPUT ACCEPT [0:0]
      :OUTPUT ACCEPT [0:0]
      :POSTROUTING ACCEPT [0:0]
      :DOCKER - [0:0]
      -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
      -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
      -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
      \(hairpins)\(translations)COMMIT
      *filter
      :INPUT ACCEPT [0:0]
      :FORWARD DROP [0:0]
      :OUTPUT ACCEPT [0:0]
      :DOCKER - [0:0]
      :DOCKER-BRIDGE - [0:0]
      :DOCKER-CT - [0:0]
      :DOCKER-FORWARD - [0:0]
      :DOCKER-USER - [0:0]
      -A FORWARD -j DOCKER-USER
      -A FORWARD -j DOCKER-FORWARD
      \(accepts)-A DOCKER ! -i docker0 -o docker0 -j DROP
      -A DOCKER-BRIDGE -o docker0 -j DOCKER
      -A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      -A DOCKER-FORWARD -j DOCKER-CT
      -A DOCKER-FORWARD -j DOCKER-BRIDGE
      -A DOCKER-FORWARD -i docker0 -j ACCEPT
      COMMIT

      """
  }
}
