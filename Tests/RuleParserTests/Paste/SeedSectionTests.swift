import Foundation
import Testing

@testable import RuleParser

@Suite(.enabled(if: SharedCorpus.isPresent, "the corpus isn't here")) struct SeedSectionTests {
  @Test func theFirstSeed() throws {
    #expect(
      try SectionTests.sections(SharedCorpus.bytes("seeds/000_4e3d03c482c44d9d.txt")) == [
        "15-19 docker network ls <docker network list>", "27-35 json <docker inspect network bd45b573efca>",
        "40-45 ip addr", "59-60 brctl show <brctl show>", "84-85 docker network ls <docker network ls>",
      ])
  }

  @Test(arguments: ["002_0747d66036c729ab.txt", "003_ba0499e81c4a8c82.txt", "004_f98fce68731bd3aa.txt"])
  func proseAlone(_ seed: String) throws {
    #expect(try SectionTests.sections(SharedCorpus.bytes("seeds/" + seed)).isEmpty)
  }

  @Test func theSeedOfManyPosts() throws {
    #expect(
      try SectionTests.sections(SharedCorpus.bytes("seeds/001_6622d48401cb28f9.txt")) == [
        "17-21 docker network ls <docker network ls>",
        "52-72 ip addr <ip addr>",
        "91-121 iptables -L table=filter <iptables -nL>",
        "142-149 ip addr container= <ip a>",
        "161-185 ip addr <ip a>",
        "203-210 ip addr container=alpine2 <ip a>",
        "217-245 ip addr <ip a>",
        "303-333 iptables -L table=filter <iptables -nL>",
        "358-358 commands",
        "361-362 docker ps <docker ps>",
        "374-381 ip addr container=tomcat1 <ip a>",
        "392-423 iptables -L table=filter <iptables -vnL>",
        "435-435 commands",
        "438-440 docker ps <docker ps>",
        "450-678 json <docker inspect redisserver>",
        "684-700 json",
        "713-773 netstat <netstat -nl>",
        "779-780 netstat <netstat -nl>",
        "791-812 iptables -L table=nat <iptables -t nat -vnL>",
        "818-822 iptables -L table=nat <iptables -t nat -vnL>",
        "977-984 ip addr container=redis01 <ip a>",
        "994-1012 json <docker inspect redis01>",
        "1064-1075 ip addr container=tomcat02 <ip addr>",
        "1133-1133 commands",
        "1169-1173 docker network ls <docker network ls>",
        "1175-1184 json <docker inspect 4d3e75606593>",
        "1185-1200 json <docker inspect 4d3e75606593>",
        "1297-1300 docker network ls <docker network ls>",
        "1333-1333 commands",
        "1336-1340 docker network ls <docker network ls>",
        "1350-1379 json <docker network inspect mynet>",
        "1385-1385 commands",
        "1387-1387 commands",
        "1390-1392 docker ps <docker ps>",
        "1404-1448 json <docker inspect mynet>",
        "1494-1494 commands",
        "1499-1550 json <docker network inspect mynet>",
        "1707-1710 docker network ls <docker network ls>",
        "1720-1756 json <docker network inspect bridge>",
        "1794-1808 ifconfig container=b1 <ifconfig>",
        "1821-1835 ifconfig container=b2 <ifconfig>",
        "1877-1891 ifconfig container=b1 <ifconfig>",
        "1902-1916 ifconfig container=b2 <ifconfig>",
        "1931-1945 ifconfig container=b1 <ifconfig>",
        "1970-1972 netstat container=b1 <netstat -antl>",
        "2008-2066 ifconfig <ifconfig>",
        "2094-2097 ip addr container=b1 <ip a>",
        "2199-2200 ip addr namespace=es0 <ip netns exec es0  ip  addr>",
        "2218-2223 ip addr namespace=es0 <ip netns exec es0 ip a>",
        "2264-2285 ip addr <ip a>",
        "2299-2324 ip addr <ip a>",
        "2373-2384 ip addr namespace=es0 <ip netns exec es0 ip a>",
        "2392-2399 ip addr namespace=es1 <ip netns exec es1 ip a>",
        "2443-2452 ip addr namespace=es0 <ip netns exec es0 ip a>",
        "2460-2465 ip addr namespace=es1 <ip netns exec es1 ip a>",
        "2580-2581 docker ps <docker ps>",
        "2591-2591 docker port <docker port renweiwei>",
        "2611-2628 iptables -L table=nat <iptables -t nat -nvL>",
        "2642-2646 json <cat /etc/docker/daemon.json>",
        "2703-2707 docker network ls <docker network ls>",
        "2726-2731 docker network ls <docker network ls>",
        "2749-2754 docker network ls <docker network ls>",
        "2762-2785 ip addr <ip a>",
      ])
  }
}
