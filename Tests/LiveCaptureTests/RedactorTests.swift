import RuleGraph
import Testing

@testable import LiveCapture

@Suite struct RedactorTests {
  private func redact(_ text: String, after learned: String? = nil) -> String {
    String(decoding: Redactor(for: Array((learned ?? text).utf8)).redact(Array(text.utf8)), as: UTF8.self)
  }

  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  @Test(arguments: [
    "10.1.2.3", "172.17.0.2", "192.168.0.140", "127.0.0.1", "0.0.0.0/0", "255.255.255.0", "224.0.0.1", "fe80::1",
    "fd00::5", "::1", "::/0",
    "203.0.113.9", "2001:db8::7",
  ])
  func whatIsNotPublicStays(_ text: String) {
    #expect(redact("a \(text) b") == "a \(text) b")
  }

  @Test(arguments: ["93.184.216.34", "8.8.8.8", "2a01:4f8:1:2::5", "2606:4700::1111"])
  func aPublicAddressIsReplacedByAPublicOne(_ text: String) throws {
    let other = try address(redact(text))
    #expect(other != (try address(text)))
    #expect(!AddressMapping.isSpecial(other))
  }

  @Test func twoAddressesShareAsManyBitsAsBefore() throws {
    let mapping = AddressMapping()
    var numbers = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let length = Int.random(in: 0..<32, using: &numbers)
      let first = IPAddress(ipv4: .random(in: 0...UInt32.max, using: &numbers))
      let second = IPAddress(bits: first.bits ^ UInt128(UInt32(1) << UInt32(31 - length)))
      let (a, b) = (mapping(first), mapping(second))
      #expect((a.bits ^ b.bits).leadingZeroBitCount == 96 + length, "\(first) \(second)")
    }
  }

  @Test func prefixesAndRangesHoldWhatTheyHeld() throws {
    var mapping = AddressMapping()
    let low = try address("81.2.69.142")
    let high = try address("81.2.69.160")
    mapping.keep(low, high)
    let prefix = try #require(Prefix("93.184.216.0/22"))
    mapping.keep(prefix.address, prefix.last)
    for number in UInt32(0)..<256 {
      let one = IPAddress(bits: (low.bits >> 8) << 8 | UInt128(number))
      #expect((mapping(low)...mapping(high)).contains(mapping(one)) == (low...high).contains(one))
    }
    let mapped = try #require(Prefix(mapping(prefix.address), length: 22))
    #expect(mapped.address == mapping(prefix.address))
    #expect(mapped.last == mapping(prefix.last))
  }

  @Test func theSameIsReplacedByTheSame() {
    let text = redact("to:93.184.216.34:80 and 93.184.216.34/32 and [2a01:4f8::9]:443, 2a01:4f8::9.")
    let words = text.split(separator: " ").map(String.init)
    #expect(!text.contains("93.184.216.34"))
    #expect(words[0].dropFirst(3).prefix { $0 != ":" } == words[2].prefix { $0 != "/" })
    #expect(words[0].hasSuffix(":80") && words[2].hasSuffix("/32") && words[4].hasSuffix("]:443,"))
    #expect(words[4].dropFirst().prefix { $0 != "]" } == words[5].dropLast())
  }

  @Test func hardwareAddressesAreReplacedAlsoInsideAddressesMadeOfThem() throws {
    let text = redact("link/ether 14:2c:be:04:b5:bb brd ff:ff:ff:ff:ff:ff inet6 fe80::162c:beff:fe04:b5bb/64")
    #expect(text == "link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff inet6 fe80::ff:fe00:1/64")
  }

  @Test(arguments: [
    "12:34:56", "1.8.9", "[0:0]", "date=2026-11-21T06:28:53Z", "20.10.24", "0x1:2", "deadbeef", "dead:beef",
  ])
  func whatOnlyLooksAlikeStays(_ text: String) {
    #expect(redact(text) == text)
  }

  @Test(arguments: [
    "bridge forward_delay 1500 bridge_id 8000.14:2c:be:4:b5:bb designated_root 8000.14:2c:be:4:b5:bb root_port 0",
    "2: enx142cbe04b5bb: <UP> mtu 1500", "    altname wlx142cbe04b5bb", "inet6 fe80::162c:beff:fe04:b5bb/64",
    "link/infiniband 80:00:02:08:fe:80:00:00:00:00:00:00:14:2c:be:04:b5:bb:00:01 brd x",
  ])
  func hardwareAddressesAreFoundInEveryForm(_ line: String) {
    let text = redact("#### fwtrace capture 1\nlink/ether 14:2c:be:04:b5:bb\n\(line)\n").lowercased()
    for form in ["2c:be", "162c", "142cbe", "4:b5", "04b5bb", "b5:bb"] { #expect(!text.contains(form), "\(text)") }
  }

  @Test(arguments: [
    "2002:5db8:d822::1", "2001:0:4136:e378:8000:63bf:a247:27dd", "64:ff9b::93.184.216.34", "64:ff9b::5db8:d822",
    "fe80::5efe:5db8:d822", "fe80::200:5efe:5db8:d822",
  ])
  func publicAddressesInsideOthersAreReplaced(_ text: String) throws {
    let before = try address(text)
    let after = try address(redact(text))
    #expect(after != before)
    #expect(after.bits >> 112 == before.bits >> 112)
    for form in ["5db8:d822", "a247:27dd", "4136:e378", "93.184"] { #expect(!redact(text).contains(form)) }
  }

  @Test(arguments: [
    "-j LOG --log-prefix \"Alice: \" --log-level 4", "-j LOG --log-prefix Alice", "log prefix \"Alice\" drop",
    "{\"log\": {\"prefix\": \"Alice\"}}", "-m string --string \"Alice\" --algo bm", "-j NFLOG --nflog-prefix \"Alice\"",
    "2: eth0: <UP>\n    alias for Alice only\n", "5: veth1@if2: <UP> link-netns Alice\n",
  ])
  func textsOfOnesOwnAreReplaced(_ text: String) { #expect(!redact(text).contains("Alice")) }

  @Test func commentsAreReplacedInEveryForm() {
    let text = redact(
      "-m comment --comment \"for Alice\" -j DROP\n-m comment --comment Alice -j DROP\ndrop comment \"for Alice\"\n\"comment\": \"for Alice\"\n"
    )
    #expect(
      text
        == "-m comment --comment \"comment1\" -j DROP\n-m comment --comment comment2 -j DROP\ndrop comment \"comment1\"\n"
        + "\"comment\": \"comment1\"\n")
  }

  @Test func namesAreReplacedWhereDockerTellsThem() {
    let text = """
      #### fwtrace capture 1 date=2026 host=web1.example kernel=6
      #### fwtrace: docker inspect 58e0c4df6c48
      [{"Id":"58e0c4df6c48aa","Name":"/shop","HostConfig":{"NetworkMode":"customers","Links":["/db:/shop/db"]},\
      "NetworkSettings":{"Networks":{"customers":{"Aliases":["shop","till"]},"bridge":{}}}}]
      #### fwtrace: docker network inspect 1
      [{"Name":"customers","Driver":"bridge"}]
      #### fwtrace: iptables-nft-save
      -A customers -j DROP
      """
    let shown = redact(text)
    #expect(shown.contains("host=host1 "))
    #expect(!shown.contains("shop\"") && !shown.contains("till") && !shown.contains("\"customers\""))
    #expect(shown.contains("\"Name\":\"/name1\"") && shown.contains("\"bridge\":{}"))
    #expect(shown.contains("-A customers -j DROP"), "the names of chains are part of the answer")
  }

  @Test(arguments: ["", "#### fwtrace: docker x\n[\"", "comment \"", "--comment ", "host=", "1.2.3.", ":::::", "\u{0}"])
  func noTextIsTooOdd(_ text: String) {
    #expect(redact(text).utf8.count <= text.utf8.count + 64)
  }
}
