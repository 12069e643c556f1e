import Randomness
import RuleGraph
import Testing

@testable import FlowTrace

@Suite struct PacketSearchTests {
  /// Whether packets are left of a flow is what looking at each packet tells, be the boxes that were taken out few or many, narrow or wide.
  @Test(arguments: [3, 40, 400], 1...12)
  func aSearchFindsWhatLookingAtEveryPacketFinds(_ count: Int, _ seed: Int) {
    var random = RandomNumbers(seed: UInt64(seed))
    let size = 40
    func side(_ longest: Int) -> ValueSet {
      let low = random.number(0...size - 1)
      return ValueSet(UInt128(low)...UInt128(min(size - 1, low + random.number(0...longest))))
    }
    var flow = Flow(family: .ipv4, isSentByHost: false, phase: .first)
    let x = flow.makeVariable(ValueSet(0...UInt128(size - 1)))
    let y = flow.makeVariable(ValueSet(0...UInt128(size - 1)))
    let boxes: [Flow.Box] = (0..<count).map { _ in
      let longest = random.pick([1, 2, 4, size])
      return random.happens(10) ? [(x, side(2))] : [(x, side(longest)), (y, side(longest))]
    }
    let kept: [Flow.Box] = (0..<random.number(1...6)).map { _ in [(x, side(12)), (y, side(12))] }
    flow.exceptions = BoxList(boxes)
    if random.happens(50) {
      flow.unions = [BoxUnion(kept.map { BoxUnion.Piece(box: $0, earlierCount: 0) }, earlier: BoxList())]
    }
    func isLeft(_ point: [UInt128]) -> Bool {
      !boxes.contains { BoxList.box($0, holds: point) }
        && (flow.unions.isEmpty || kept.contains { BoxList.box($0, holds: point) })
    }
    for _ in 0..<40 {
      let asked: Flow.Box = [(x, side(3)), (y, side(3))]
      let points = (0..<size * size).map { [UInt128($0 / size), UInt128($0 % size)] }
      let hasPacket = points.contains { BoxList.box(asked, holds: $0) && isLeft($0) }
      #expect(flow.occupancy(within: asked) == (hasPacket ? .inhabited : .empty))
    }
  }
}
