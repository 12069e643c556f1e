import Glibc

/// A system call that failed, with the number that it left in `errno`.
public struct SystemCallError: Error, CustomStringConvertible {
  /// The call and what it was about.
  public let call: String
  /// The error number (`errno(3)`).
  public let number: Int32

  init(_ call: String) {
    self.call = call
    number = errno
  }

  /// The call and the message of `strerror(3)`.
  public var description: String { "\(call): errno \(number)" }
}

/// A socket of a kind that Glibc's overlay has no type for: AF_PACKET, AF_NETLINK and raw IP sockets.
///
/// A socket stays in the network namespace in which it was made, whatever namespace the thread enters later.
final class LinuxSocket {
  let descriptor: Int32

  init(family: Int32, type: __socket_type, protocolNumber: Int32) throws {
    let flags = Int32(bitPattern: type.rawValue | UInt32(SOCK_CLOEXEC.rawValue))
    descriptor = socket(family, flags, protocolNumber)
    guard descriptor >= 0 else { throw SystemCallError("socket(\(family), \(type.rawValue), \(protocolNumber))") }
  }

  deinit { close(descriptor) }

  func bind(to address: [UInt8]) throws {
    let result = unsafe address.withUnsafeBytes { bytes in
      unsafe Glibc.bind(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
    }
    guard result == 0 else { throw SystemCallError("bind") }
  }

  func set(level: Int32, option: Int32, to value: Int32) throws {
    var value = value
    let result = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    guard result == 0 else { throw SystemCallError("setsockopt(\(level), \(option))") }
  }

  /// Sends a datagram; the result is zero or an `errno`, since a refused packet is an observation, not a failure.
  func send(_ bytes: [UInt8], to address: [UInt8]) -> Int32 {
    let result = unsafe bytes.withUnsafeBytes { content in
      unsafe address.withUnsafeBytes { target in
        unsafe sendto(
          descriptor, content.baseAddress, content.count, 0, target.assumingMemoryBound(to: sockaddr.self).baseAddress,
          socklen_t(target.count))
      }
    }
    return result < 0 ? errno : 0
  }

  /// The next datagram and its sender's address, or nil when none waits.
  func receive() -> (bytes: [UInt8], sender: [UInt8])? {
    var sender = [UInt8](repeating: 0, count: 128)
    var senderLength = socklen_t(sender.count)
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = unsafe bytes.withUnsafeMutableBytes { content in
      unsafe sender.withUnsafeMutableBytes { from in
        unsafe recvfrom(
          descriptor, content.baseAddress, content.count, Int32(MSG_DONTWAIT),
          from.assumingMemoryBound(to: sockaddr.self).baseAddress, &senderLength)
      }
    }
    guard count >= 0 else { return nil }
    return (Array(bytes[..<min(count, bytes.count)]), Array(sender[..<Int(min(senderLength, 128))]))
  }

  /// Waits until a datagram can be read, at most so many milliseconds.
  func waitForInput(milliseconds: Int32) {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = unsafe poll(&entry, 1, milliseconds)
  }
}

// MARK: - Numbers in packets

extension [UInt8] {
  mutating func append16(_ value: UInt16) { append(contentsOf: [UInt8(value >> 8), UInt8(value & 255)]) }
  mutating func append32(_ value: UInt32) {
    append16(UInt16(value >> 16))
    append16(UInt16(value & 0xffff))
  }
  mutating func appendNative16(_ value: UInt16) { append(contentsOf: [UInt8(value & 255), UInt8(value >> 8)]) }
  mutating func appendNative32(_ value: UInt32) {
    appendNative16(UInt16(value & 0xffff))
    appendNative16(UInt16(value >> 16))
  }
  /// A number in network order, or zero behind the end.
  func number16(at index: Int) -> UInt16 {
    index >= 0 && index + 1 < count ? UInt16(self[index]) << 8 | UInt16(self[index + 1]) : 0
  }
  func number32(at index: Int) -> UInt32 { UInt32(number16(at: index)) << 16 | UInt32(number16(at: index + 2)) }
  func native16(at index: Int) -> UInt16 { number16(at: index).byteSwapped }
  func native32(at index: Int) -> UInt32 { number32(at: index).byteSwapped }
}
