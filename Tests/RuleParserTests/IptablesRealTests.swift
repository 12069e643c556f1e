import RuleGraph
import Testing

@testable import RuleParser

/// The project's own table of rules, printed by the iptables of this machine in every form.
@Suite struct IptablesRealTests {
  /// Table, chain and options, as the shell reads them. What this machine's kernel or iptables refuses is passed over.
  private static let ipv4 = #"""
    filter INPUT -m set --match-set s src -j DROP
    filter INPUT -m set ! --match-set s dst -j DROP
    filter INPUT -m set --match-set p src,dst -j DROP
    filter INPUT -m set --match-set c src --packets-gt 5 ! --bytes-eq 7
    filter INPUT -m set --match-set s src ! --update-counters
    filter INPUT -m set --match-set n src --return-nomatch -j DROP
    filter INPUT -m set ! --match-set n src --return-nomatch
    mangle PREROUTING -j SET --map-set k src --map-mark
    mangle PREROUTING -j SET --map-set k src --map-prio
    mangle PREROUTING -j SET --map-set k src,dst --map-mark --map-prio --map-queue
    mangle PREROUTING -j SET --map-set k src --map-queue
    mangle PREROUTING -j SET --map-set k src
    filter INPUT -j SET --add-set s src --exist --timeout 10
    filter INPUT -j SET --del-set s dst
    filter INPUT -m statistic --mode random --probability 0.5
    filter INPUT -m statistic --mode random ! --probability 0.25
    filter INPUT -m statistic --mode nth --every 10 --packet 3
    filter INPUT -m u32 --u32 '0x0&0xff=0x1:0x5&&0x4=0x2'
    filter INPUT -m u32 ! --u32 0=1
    filter INPUT -m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"
    filter INPUT -m devgroup --src-group 5
    filter INPUT -m devgroup ! --src-group 0x5/0xff
    filter INPUT -m helper ! --helper sip
    filter INPUT -m mac --mac-source 00:11:22:aa:bb:cc -j ACCEPT
    filter INPUT -m mac ! --mac-source 00:11:22:aa:bb:cc -j ACCEPT
    filter INPUT -m pkttype ! --pkt-type broadcast
    filter OUTPUT -m owner --socket-exists
    filter OUTPUT -m owner ! --socket-exists
    filter INPUT -m conntrack ! --ctstate NEW,DNAT --ctproto 6 ! --ctorigdst 10.0.0.0/8 --ctorigdstport 80:90 ! --ctstatus ASSURED,CONFIRMED --ctexpire 5:60 --ctdir ORIGINAL
    filter INPUT -m conntrack ! --ctreplsrc 10.0.0.1 --ctrepldstport 7
    filter INPUT -m state ! --state NEW
    filter INPUT -p icmp -m icmp ! --icmp-type echo-request
    filter INPUT -p icmp -m icmp --icmp-type 3/1
    filter INPUT -p icmp -m icmp ! --icmp-type 3/1
    filter INPUT -p tcp -m tcp --syn
    filter INPUT -p tcp -m tcp ! --syn -m tcp --tcp-option 8
    filter INPUT -p tcp -m tcp ! --tcp-option 2
    filter INPUT -p tcp -m multiport ! --ports 1,2:3 -j REJECT --reject-with tcp-reset
    filter INPUT -p tcp -m multiport ! --dports 80
    filter INPUT -m addrtype ! --src-type LOCAL,UNICAST --dst-type BROADCAST
    filter INPUT -m iprange ! --src-range 10.0.0.1-10.0.0.9 --dst-range 10.1.0.0-10.1.0.255
    filter INPUT -s 10.0.0.1/255.0.255.0
    filter INPUT ! -s 10.0.0.0/8 ! -d 10.0.0.1 ! -i eth+ ! -p tcp -f
    filter INPUT ! -f
    filter INPUT -i + -g C
    filter FORWARD -i br-+ ! -o docker0 -j C
    filter INPUT -m comment --comment "it's a \"test\" or not" -j ACCEPT
    filter INPUT -m comment --comment simple
    filter INPUT -p sctp -m sctp ! --chunk-types any DATA:Be,INIT,SHUTDOWN
    filter INPUT -p sctp -m sctp --chunk-types only DATA,INIT
    filter INPUT -p sctp -m sctp ! --chunk-types all ABORT:T
    filter INPUT -p sctp -m sctp --chunk-types any ALL
    filter INPUT -p tcp -m tcpmss --mss 1:100
    filter INPUT -p tcp -m tcp --tcp-flags SYN,RST SYN -m tcpmss ! --mss 1400
    filter INPUT -m time --weekdays Sat,Sun --monthdays 1,2,3,11,22,31 --kerneltz
    filter INPUT -m time --timestart 22:00 --timestop 06:00 --contiguous
    filter INPUT -m recent --set --name x --rdest
    filter INPUT -m recent ! --update --seconds 60 --reap --hitcount 4 --rttl --name x
    filter INPUT -m recent --remove --name x
    filter INPUT -m string --string "a b\"c" --algo bm --from 3 --to 100 --icase
    filter INPUT -m string ! --hex-string '|00ff|abc' --algo kmp
    filter INPUT -m hashlimit --hashlimit-upto 5/min --hashlimit-burst 7 --hashlimit-mode srcip,dstport --hashlimit-name a --hashlimit-srcmask 24
    filter INPUT -m limit --limit 3/minute --limit-burst 7
    filter INPUT -m connlimit --connlimit-upto 5 --connlimit-mask 24
    filter INPUT -m connbytes ! --connbytes 100:200 --connbytes-mode bytes --connbytes-dir both
    filter INPUT -m connbytes --connbytes 100 --connbytes-mode bytes --connbytes-dir both
    filter INPUT -m quota --quota 1000
    filter INPUT -m physdev ! --physdev-is-bridged
    filter FORWARD -m physdev ! --physdev-in eth0 --physdev-out eth+
    filter INPUT -m cgroup --cgroup 5
    filter INPUT -m cluster --cluster-total-nodes 4 ! --cluster-local-node 2 --cluster-hash-seed 7
    filter INPUT -m policy --dir in --pol none
    filter INPUT -m policy --dir in --pol ipsec
    filter FORWARD -m policy --dir out --pol ipsec
    filter FORWARD -m policy --dir out --pol ipsec --proto esp ! --reqid 5
    filter INPUT -m tos --tos 0x10
    filter INPUT -m tos ! --tos Normal-Service
    filter INPUT -m dscp ! --dscp 0x2e
    filter INPUT -m dscp --dscp-class AF21
    filter INPUT -m ttl --ttl-lt 64
    filter INPUT -m length --length 100:200
    filter INPUT -m realm ! --realm 1/3
    filter INPUT -p esp -m esp ! --espspi 5:9
    filter INPUT -p ah -m ah --ahspi 5
    filter INPUT -m mark ! --mark 0x10/0xff
    filter INPUT -m connmark ! --mark 0x10/0xff
    filter INPUT -m socket
    filter INPUT -m socket --transparent
    filter INPUT -j REJECT
    filter INPUT -j LOG
    filter INPUT -j LOG --log-prefix "a\"b" --log-level debug --log-uid --log-tcp-sequence --log-macdecode
    filter INPUT -j NFLOG --nflog-group 5 --nflog-prefix "my log: " --nflog-threshold 3
    filter INPUT -j ACCEPT
    mangle PREROUTING -j MARK --set-mark 5
    mangle PREROUTING -j MARK --and-mark 0xff
    mangle PREROUTING -j MARK --or-mark 0x10
    mangle PREROUTING -j MARK --xor-mark 0x11
    mangle PREROUTING -j MARK --set-xmark 0x1/0x3
    mangle PREROUTING -j CONNMARK --set-mark 0x5/0x7
    mangle PREROUTING -j CONNMARK --set-xmark 0x1/0x3
    mangle PREROUTING -j CONNMARK --and-mark 0xf
    mangle PREROUTING -j CONNMARK --or-mark 0xf
    mangle PREROUTING -j CONNMARK --xor-mark 0xf
    mangle PREROUTING -j CONNMARK --save-mark --mask 0xff
    mangle PREROUTING -j CONNMARK --restore-mark
    mangle PREROUTING -j TOS --and-tos 0xf0
    mangle PREROUTING -j TOS --or-tos 0x08
    mangle PREROUTING -j DSCP --set-dscp-class EF
    mangle PREROUTING -j TTL --ttl-set 64
    mangle PREROUTING -j TEE --gateway 10.0.0.1
    mangle PREROUTING -j TEE --gateway 10.0.0.1 --oif eth0
    mangle FORWARD -p tcp -m tcp --syn -j TCPMSS --set-mss 1400
    mangle FORWARD -p tcp -j TCPOPTSTRIP --strip-options timestamp,sack
    mangle PREROUTING -p tcp -j ECN --ecn-tcp-remove
    mangle PREROUTING -p tcp -j TPROXY --on-port 80
    raw PREROUTING -j CT --zone 5
    raw PREROUTING -j CT --zone-orig 5
    raw PREROUTING -j CT --zone-reply mark
    raw PREROUTING -p tcp -j CT --helper ftp
    raw PREROUTING -j CT --ctevents new,destroy --expevents new
    raw PREROUTING -j NOTRACK
    raw PREROUTING -j CT --notrack
    raw PREROUTING -m rpfilter --validmark --invert -j DROP
    raw PREROUTING -m rpfilter --loose
    nat PREROUTING -p tcp -j DNAT --to-destination :8080
    nat PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90 --persistent
    nat POSTROUTING -j SNAT --to-source 1.2.3.4
    nat POSTROUTING -j MASQUERADE --random-fully
    nat POSTROUTING -p udp -j MASQUERADE --to-ports 1000-2000 --random
    nat PREROUTING -j REDIRECT
    nat PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080
    nat PREROUTING -j NETMAP --to 10.0.0.0/24
    filter OUTPUT -m owner --uid-owner root ! --gid-owner 0-7
    filter INPUT -m statistic --mode nth --every 10 --packet 0
    mangle POSTROUTING -j CLASSIFY --set-class 1:10
    filter INPUT -p udplite -m multiport --dports 7,9
    filter INPUT -p tcp -m tcp --dport 22 -m comment --comment "with -j DROP inside"
    """#

  private static let ipv6 = #"""
    filter INPUT -p icmpv6 -m icmp6 ! --icmpv6-type echo-request
    filter INPUT -p icmpv6 -m icmp6 --icmpv6-type 1/4
    filter INPUT -p icmpv6 -m icmp6 --icmpv6-type neighbour-solicitation
    filter INPUT -s 2001:db8::/32 ! -d fe80::1 -i eth0 -p udp -m udp --dport 53
    filter INPUT -s ::1/ffff::ffff
    filter INPUT -m hbh --hbh-opts 5:2,194
    filter INPUT -m dst ! --dst-len 8 --dst-opts 1
    filter INPUT -m ipv6header ! --header frag,ah --soft
    filter INPUT -m rt --rt-type 0 --rt-0-addrs ::1,::2 --rt-0-not-strict
    filter INPUT -m frag --fragres
    filter INPUT -m frag
    filter INPUT -m ah ! --ahlen 24 --ahres
    filter INPUT -m srh --srh-psid 2001:db8::/32 --srh-nsid ::1
    filter INPUT -p mobility-header -m mh --mh-type brr:hot
    filter INPUT -m iprange --src-range 2001:db8::1-2001:db8::ff
    filter INPUT -m conntrack --ctorigdst 2001:db8::/64
    filter INPUT -m connlimit --connlimit-above 3 --connlimit-mask 64
    filter INPUT -m policy --dir in --pol ipsec --mode tunnel --tunnel-src 2001:db8::/32
    filter INPUT -j REJECT
    filter INPUT -j REJECT --reject-with tcp-reset -p tcp
    filter INPUT -m hl --hl-lt 5
    filter INPUT -m recent --update --name q --seconds 5
    mangle PREROUTING -j HL --hl-dec 2
    mangle PREROUTING -j TEE --gateway 2001:db8::1
    mangle PREROUTING -p tcp -j TPROXY --on-port 80 --on-ip ::1 --tproxy-mark 1
    nat PREROUTING -p tcp -j DNAT --to-destination [2001:db8::1]:80
    nat PREROUTING -j DNAT --to-destination 2001:db8::1-2001:db8::9
    nat POSTROUTING -j NETMAP --to 2001:db8::/64
    nat POSTROUTING -j MASQUERADE --random
    """#

  /// Prints each rule as `-S`, `-vnL`, `-L -v` and `-nL`, behind a line with its number.
  private static let script = #"""
    ipset create s hash:ip timeout 0; ipset create p hash:ip,port; ipset create c hash:ip counters
    ipset create n hash:net; ipset create k hash:ip skbinfo
    $tool -N C
    number=0
    while read -r table chain options; do
      number=$((number + 1))
      $tool -t $table -F
      eval "$tool -t $table -A $chain $options" || continue
      echo "@ $number $table $chain"
      $tool -t $table -S $chain | grep '^-A'
      $tool -t $table -vnL $chain | tail -1
      $tool -t $table -L $chain -v | tail -1
      $tool -t $table -nL $chain | tail -1
    done 2>/dev/null
    true
    """#

  @Test(
    .enabled(if: RealIptables.isThere, "iptables can't be run in a network namespace here"),
    arguments: ["iptables", "ip6tables", "iptables-legacy"])
  func everyFormOfARuleMeansTheSame(tool: String) throws {
    let family: AddressFamily = tool == "ip6tables" ? .ipv6 : .ipv4
    let tableFamily: TableFamily = family == .ipv4 ? .ip : .ip6
    let rules = (family == .ipv4 ? Self.ipv4 : Self.ipv6).split(separator: "\n")
    let printed = try RealIptables.run("tool=\(tool); \(Self.script)", input: rules.joined(separator: "\n") + "\n")
    var lines = printed.output.split(separator: "\n", omittingEmptySubsequences: false)[...]
    var compared = 0
    while let head = lines.popFirst() {
      let words = head.split(separator: " ")
      guard words.count == 4, words[0] == "@", let number = Int(words[1]), lines.count >= 4 else { continue }
      let forms = Array(lines.prefix(4))
      lines = lines.dropFirst(4)
      let rule = rules[number - 1]
      let save = IptablesDump.save("*\(words[2])\n\(forms[0])\nCOMMIT\n", family)
      #expect(save.notUnderstood == [] && save.diagnostics == [], "\(rule)")
      let meaning = save.rules.map { cut($0.canonicalStatements(in: tableFamily)) }
      #expect(meaning.count == 1, "\(rule)")
      for (form, text) in zip(["-vnL", "-L -v"], forms[1...2]) {
        let listing = IptablesDump.listing(
          "Chain \(words[3]) (policy ACCEPT)\n\(text)\n", family, table: String(words[2]))
        #expect(listing.notUnderstood == [], "\(rule) \(form)")
        #expect(
          listing.rules.map { cut($0.canonicalStatements(in: tableFamily)) } == meaning, "\(rule) \(form)\n\(text)")
      }
      let plain = IptablesDump.listing(
        "Chain \(words[3]) (policy ACCEPT)\n\(forms[3])\n", family, table: String(words[2]))
      #expect(plain.notUnderstood == [], "\(rule) -nL")
      let text = IptablesSavePrinter.print(Ruleset(tables: save.tables))
      #expect(
        IptablesDump.save(text, family).rules.map { cut($0.canonicalStatements(in: tableFamily)) } == meaning,
        "\(rule)\n\(text)")
      compared += 1
    }
    print("\(tool): \(rules.count) rules, \(compared) compared")
    #expect(compared > rules.count / 2)
  }

  /// Without what no listing prints: the name of a hash list, its rate, and the negation of a quota.
  private func cut(_ statements: [Statement]) -> [Statement] {
    statements.map { statement in
      guard case .environment(var condition) = statement else { return statement }
      condition.arguments.removeAll { $0.name == "hashlimit-name" }
      if condition.kind == .quota { condition.negated = false }
      return .environment(condition)
    }
  }
}
