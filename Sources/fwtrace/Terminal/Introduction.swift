/// What the bare command says on a terminal: what it is for, and the first things to type.
enum Introduction {
  static let text = """
    fwtrace says why a packet is accepted, dropped or NATed: it reads what iptables, nft, ip and docker print and follows the packet
    through the rules as the kernel would. It never touches the firewall.

    Ask about a dump (a file, a folder, or a pipe):
      fwtrace dump.txt                                     what is open to the outside
      fwtrace --dst 192.0.2.10:443 dump.txt                who can reach this port, and by which rule
      fwtrace --from outside --dst web:80 dump.txt         from one place; containers by name
      iptables-save | fwtrace --dst 192.0.2.10:443

    Ask about this host:
      sudo fwtrace --dst 192.0.2.10:443
      sudo fwtrace exposure                                everything that can be reached, and from where
      sudo fwtrace capture -o host.txt                     everything fwtrace needs, to take away

    All options for the packet: fwtrace trace --help. All commands: fwtrace --help.

    """
}
