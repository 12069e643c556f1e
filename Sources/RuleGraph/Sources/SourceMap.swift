/// A text that rules or facts were read from: a file, a piece of standard input, or the output of a command.
public struct Source: Hashable, Sendable {
  /// The name to show: a path as the user gave it, `-`, or the command that printed the text.
  public var name: String
  /// The text's bytes, unchanged.
  public var bytes: SourceBytes

  /// Makes a source.
  public init(name: String, bytes: SourceBytes) {
    self.name = name
    self.bytes = bytes
  }

  /// Makes a source of a copy of bytes.
  public init(name: String, bytes: [UInt8]) { self.init(name: name, bytes: SourceBytes(bytes)) }
}

/// Where a rule, chain or fact stands in its source.
public struct SourceSpan: Hashable, Sendable {
  /// The index of the source in ``SourceMap/sources``.
  public var source: Int32
  /// The line, counted from 1.
  public var line: Int32
  /// The offset of the first byte in the source.
  public var offset: Int
  /// The number of bytes.
  public var length: Int

  /// Makes a span.
  public init(source: Int32, line: Int32, offset: Int, length: Int) {
    self.source = source
    self.line = line
    self.offset = offset
    self.length = length
  }

  /// The span of what stands in no source: rules that are known to be there and were not shown.
  package static let nowhere = SourceSpan(source: -1, line: 0, offset: 0, length: 0)
}

/// The sources of everything in one ruleset or host, so that a span can be shown as `file:line` and as its own text.
public struct SourceMap: Hashable, Sendable {
  /// The sources, in the order in which they were read.
  public private(set) var sources: [Source] = []

  /// Makes an empty map.
  public init() {}

  /// Adds a source and returns its index.
  public mutating func add(_ source: Source) -> Int32 {
    sources.append(source)
    return Int32(sources.count - 1)
  }

  /// The name of the source that a span is of.
  public func name(of span: SourceSpan) -> String {
    sources.indices.contains(Int(span.source)) ? sources[Int(span.source)].name : "?"
  }

  /// The original text of a span, without white space around it; bytes that are no UTF-8 are shown as U+FFFD.
  public func text(of span: SourceSpan) -> String {
    guard sources.indices.contains(Int(span.source)) else { return "" }
    let bytes = sources[Int(span.source)].bytes
    guard span.offset >= 0, span.length >= 0, span.offset <= bytes.count, span.length <= bytes.count - span.offset
    else { return "" }
    var slice = bytes[span.offset..<(span.offset + span.length)]
    while let first = slice.first, first == UInt8(ascii: " ") || first == UInt8(ascii: "\t") { slice.removeFirst() }
    while let last = slice.last,
      last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") || last == UInt8(ascii: "\r")
        || last == UInt8(ascii: "\n")
    { slice.removeLast() }
    return String(decoding: slice, as: UTF8.self)
  }
}
