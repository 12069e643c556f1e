import FlowTrace

extension MeaningRow {
  /// The matches that a packet or what is known of the host decides: iptables-extensions(8), "MATCH EXTENSIONS".
  static let matches: [MeaningRow] = [
    MeaningRow("-p tcp -m tcp --dport 80:90", fits: ["dport=90"], fails: ["dport=91", "proto=udp dport=80"]),
    MeaningRow(
      "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN", fits: ["tcp_flags=syn", "tcp_flags=syn,psh"],
      fails: ["tcp_flags=syn,ack"]),
    MeaningRow("-p tcp -m tcp ! --tcp-option 8", fits: ["self=0"], fails: ["self=1"], open: [""]),
    MeaningRow("-p udp -m udp ! --sport 53", fits: ["proto=udp sport=54"], fails: ["proto=udp sport=53", "sport=54"]),
    MeaningRow("-p udplite -m udplite --dport 7", fits: ["proto=udplite dport=7"], fails: ["proto=udp dport=7"]),
    MeaningRow("-p sctp -m sctp --dport 7", fits: ["proto=sctp dport=7"], fails: ["proto=udp dport=7"]),
    MeaningRow("-p dccp -m dccp --dport 7", fits: ["proto=dccp dport=7"], fails: ["proto=udp dport=7"]),
    MeaningRow(
      "-p tcp -m multiport --ports 80,1000:1005", fits: ["dport=80", "dport=81 sport=1005"], fails: ["dport=81"]),
    MeaningRow("-p tcp -m multiport ! --dports 80,443", fits: ["dport=81"], fails: ["dport=443"]),
    MeaningRow(
      "-p icmp -m icmp --icmp-type 3/1", of: "proto=icmp", fits: ["icmp_type=3 icmp_code=1"],
      fails: ["icmp_type=3 icmp_code=2"]),
    MeaningRow(
      "-p ipv6-icmp -m icmp6 --icmpv6-type 128", of: "proto=icmpv6", fits: ["icmp_type=128"], fails: ["icmp_type=129"]),
    MeaningRow("-p esp -m esp --espspi 5:9", of: "proto=esp", value: "9", not: "10"),
    MeaningRow("-p ah -m ah --ahspi 5", of: "proto=ah", value: "5", not: "6"),
    MeaningRow("-p 108 -m ipcomp --ipcompspi 5", of: "proto=108", value: "5", not: "6"),
    MeaningRow(
      "-m iprange --src-range 10.0.0.5-10.0.0.9", fits: ["src=10.0.0.5", "src=10.0.0.9"], fails: ["src=10.0.0.10"]),
    MeaningRow("-m mac --mac-source 00:11:22:33:44:55", value: "73588229205", not: "1"),
    MeaningRow("-m ttl --ttl-lt 64", fits: ["ttl=64"], fails: ["ttl=65"], open: [""]),
    MeaningRow("-m hl --hl-gt 62", of: "family=ipv6", fits: ["ttl=64"], fails: ["ttl=63"]),
    MeaningRow("-m length --length 100:200", fits: ["length=200"], fails: ["length=201"]),
    MeaningRow("-m dscp --dscp 0x12", fits: ["dscp=18"], fails: ["dscp=17"]),
    MeaningRow("-p tcp -m ecn --ecn-ip-ect 3", open: [""]),
    MeaningRow("-p tcp -m tcpmss --mss 500:1400", value: "1400", not: "1401"),
    MeaningRow("-m frag --fragid 5", of: "family=ipv6", open: [""]),
    MeaningRow("-m hbh --hbh-len 8", of: "family=ipv6", open: [""]),
    MeaningRow("-m dst --dst-len 8", of: "family=ipv6", open: [""]),
    MeaningRow("-m rt --rt-type 0", of: "family=ipv6", open: [""]),
    MeaningRow("-m srh --srh-next-hdr 17", of: "family=ipv6", open: [""]),
    MeaningRow("-p 135 -m mh --mh-type 1", of: "family=ipv6 proto=135", open: [""]),
    MeaningRow(
      "-m conntrack --ctorigdstport 80 --ctdir ORIGINAL", fits: ["dport=80"], fails: ["dport=81", "tcp_flags=fin,ack"]),
    MeaningRow("-m conntrack ! --ctstate NEW", fits: ["state=established"], fails: [""]),
    MeaningRow("-m state --state NEW", fits: [""], fails: ["state=related"]),
    MeaningRow("-m mark --mark 0x10/0xf0", fits: ["mark=0x1f"], fails: ["mark=0x2f", ""]),
    MeaningRow("-m connmark ! --mark 0x10", fits: [""], fails: ["tcp_flags=fin,ack"]),
    MeaningRow("-m addrtype --dst-type LOCAL", in: "INPUT", fits: ["dst=10.1.0.1"], fails: ["dst=10.0.0.255"]),
    MeaningRow("-m addrtype ! --src-type LOCAL", fits: [""]),
    MeaningRow("-m pkttype --pkt-type unicast", fits: ["self=0"], fails: ["self=1"]),
    // The dump has no such set: whether it holds the packet is not known.
    MeaningRow("-m set --match-set nobody src", verdict: .undetermined, fits: [""]),
    MeaningRow("-m comment --comment \"words\" -p tcp", fits: [""], fails: ["proto=udp"]),
    MeaningRow("-m owner --uid-owner 1000", in: "OUTPUT", of: "from=host", fits: ["uid=1000"], fails: ["uid=1"]),
    MeaningRow("-m realm --realm 5", value: "5", not: "6"),
    MeaningRow("-m cpu --cpu 2", value: "2", not: "3"),
    MeaningRow("-m devgroup --src-group 5", value: "5", not: "6"),
    // rpfilter matches what has a way back through the interface that it came in on.
    MeaningRow("-m rpfilter", in: "PREROUTING", table: "raw", fits: ["src=10.0.0.9"], fails: ["src=10.1.0.8"]),
    MeaningRow("-m rpfilter --invert", in: "PREROUTING", table: "raw", fits: ["src=10.1.0.8"], fails: ["src=10.0.0.9"]),
    MeaningRow("-m policy --dir in --pol none", fits: [""], fails: ["self=1"]),
    MeaningRow("-m cgroup --cgroup 5", in: "OUTPUT", of: "from=host", fits: ["self=5"], fails: ["self=6"], open: [""]),
  ]

  /// The matches whose truth a dump can't hold: iptables-extensions(8), "MATCH EXTENSIONS".
  static let conditions: [MeaningRow] =
    [
      "-m limit --limit 3/min", "-m hashlimit --hashlimit-upto 5/min --hashlimit-mode srcip --hashlimit-name a",
      "-m connbytes --connbytes 100 --connbytes-mode bytes --connbytes-dir both", "-m connlimit --connlimit-above 5",
      "-m connlabel --label 5", "-m helper --helper ftp", "-m ipvs --ipvs", "-m nfacct --nfacct-name a",
      "-m statistic --mode random --probability 0.5", "-m quota --quota 1000", "-m recent --rcheck --name a",
      "-m rateest --rateest a --rateest-lt --rateest-bps 1000bit", "-m time --timestart 01:00 --timestop 02:00",
      "-m string --string abc --algo bm", "-m u32 --u32 0x0=0x1", "-m bpf --bytecode \"1,6 0 0 1\"",
      "-p tcp -m osf --genre Linux", "-m socket --transparent",
      "-m cluster --cluster-total-nodes 4 --cluster-local-node 2",
      "-m geoip --source-country DE", "-m condition --condition a",
    ].map { MeaningRow($0, open: [""]) } + [
      MeaningRow("-m ipv6header --header frag --soft", of: "family=ipv6", open: [""]),
      MeaningRow("-m eui64", of: "family=ipv6", open: [""]),
    ]

  /// The targets: iptables-extensions(8), "TARGET EXTENSIONS".
  static let targets: [MeaningRow] =
    [
      MeaningRow("-p tcp -j REJECT --reject-with tcp-reset", verdict: .reject, fits: [""], fails: ["proto=udp"]),
      // A reset is not answered.
      MeaningRow("-p tcp -j REJECT --reject-with tcp-reset", fits: ["tcp_flags=rst"]),
      MeaningRow(
        "@nat PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.1.0.7:8080\n-p tcp -d 10.1.0.7 --dport 8080",
        fits: [""],
        fails: ["dport=81", "proto=udp"]),
      MeaningRow(
        "@nat POSTROUTING -p tcp -j SNAT --to-source x.x.x.62\n-p tcp -d 10.1.0.9 --dport 8080", fits: ["dport=8080"],
        fails: ["dport=80"]),
      MeaningRow(
        "@nat POSTROUTING -p tcp -j SNAT --to-source 10.1.0.50\n-m conntrack --ctrepldst 10.1.0.50",
        fits: ["state=established"],
        fails: ["state=established proto=udp"]),
      MeaningRow(
        "@nat POSTROUTING -p tcp -j SNAT --to-source 10.1.0.50-10.1.0.60\n-m conntrack --ctrepldst 10.1.0.48/28",
        fits: ["state=established"], fails: ["state=established proto=udp"]),
      MeaningRow(
        "@nat POSTROUTING -p tcp -j MASQUERADE\n-m conntrack --ctrepldst 10.1.0.1", fits: ["state=established"],
        fails: ["state=established proto=udp"]),
      MeaningRow(
        "@nat PREROUTING -p tcp -j REDIRECT --to-ports 8080\n-p tcp --dport 8080", in: "INPUT", fits: [""],
        fails: ["dst=10.0.0.1 proto=udp"]),
      MeaningRow(
        "@nat PREROUTING -d 10.1.0.0/24 -j NETMAP --to 10.2.0.0/24\n-d 10.2.0.9", fits: [""], fails: ["dst=10.1.0.8"]),
      MeaningRow(
        "@mangle PREROUTING -d 2001:db8:1::/48 -j DNPT --src-pfx 2001:db8:1::/48 --dst-pfx 2001:db8:2::/48\n-d 2001:db8:2::/48",
        of: "family=ipv6", fits: [""], fails: ["dst=2001:db8:5::9"]),
      MeaningRow(
        "@mangle POSTROUTING -s 2001:db8:0::/48 -j SNPT --src-pfx 2001:db8:0::/48 --dst-pfx 2001:db8:2::/48\n-s 2001:db8:2::/48",
        of: "family=ipv6", fails: [""]),
      MeaningRow(
        "@mangle PREROUTING -p tcp -j TPROXY --on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1\n-m mark --mark 1",
        fails: ["proto=udp"]),
      MeaningRow("-j MARK --set-xmark 0x5/0xf\n-m mark --mark 0x15", fits: ["mark=0x1a"], fails: ["mark=0x2a"]),
      MeaningRow("@mangle FORWARD -j CONNMARK --save-mark\n-m connmark --mark 7", fits: ["mark=7"], fails: ["mark=8"]),
      MeaningRow(
        "@raw PREROUTING -p udp -j CT --notrack\n-m conntrack --ctstate UNTRACKED", fits: ["proto=udp"], fails: [""]),
      MeaningRow(
        "@raw PREROUTING -p udp -j NOTRACK\n-m conntrack --ctstate UNTRACKED", fits: ["proto=udp"], fails: [""]),
      MeaningRow("@mangle PREROUTING -j TOS --set-tos 0x10/0x3f\n-m tos --tos 0x10/0x3f", fits: ["", "dscp=63"]),
      MeaningRow("@mangle PREROUTING -j DSCP --set-dscp 0x12\n-m dscp --dscp 0x12", fits: ["", "dscp=1"]),
      MeaningRow("@mangle PREROUTING -j TTL --ttl-set 10\n-m ttl --ttl-eq 9", fits: ["", "ttl=64"]),
      MeaningRow("@mangle PREROUTING -j TTL --ttl-inc 2\n-m ttl --ttl-eq 65", fits: ["ttl=64"], fails: ["ttl=65"]),
      MeaningRow(
        "@mangle PREROUTING -j HL --hl-dec 2\n-m hl --hl-eq 61", of: "family=ipv6", fits: ["ttl=64"], fails: ["ttl=65"]),
      MeaningRow(
        "@mangle FORWARD -j HMARK --hmark-tuple src,dst --hmark-mod 4 --hmark-rnd 1\n-m mark --mark 1", open: [""]),
      // Another node of the cluster may have to answer.
      MeaningRow(
        "-p udp -j CLUSTERIP --new --hashmode sourceip --clustermac 01:02:03:04:05:06 --total-nodes 4 --local-node 2",
        fails: [""], open: ["proto=udp"]),
      // The program at the queue decides.
      MeaningRow("-p udp -j NFQUEUE --queue-num 1", fails: [""], open: ["proto=udp"]),
      MeaningRow(
        "-p tcp -j SYNPROXY --sack-perm --timestamp --mss 1460", verdict: .undetermined, fits: [""],
        fails: ["proto=udp"]),
    ]
    + [
      // What these do decides nothing about the packet: the next rule does.
      "-j LOG --log-prefix a", "-j NFLOG --nflog-group 5", "-j SET --add-set s src", "-j CLASSIFY --set-class 1:10",
      "-j AUDIT --type drop",
      "-j CHECKSUM --checksum-fill", "-j CONNSECMARK --save", "-j SECMARK --selctx a",
      "-j IDLETIMER --timeout 5 --label a",
      "-j LED --led-trigger-id a", "-j RATEEST --rateest-name a --rateest-interval 250ms --rateest-ewmalog 500ms",
      "-p tcp -j TCPMSS --set-mss 1400", "-p tcp -j TCPOPTSTRIP --strip-options timestamp", "-j TEE --gateway 10.0.0.1",
      "-p tcp -j ECN --ecn-tcp-remove", "-j TRACE", "-j CT --zone 5",
    ].map { MeaningRow($0 + "\n-p tcp", fits: [""], fails: ["proto=udp"]) }
}
