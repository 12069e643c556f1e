import Glibc
import ReaderFuzzing

/// The reader that the environment variable `FWTRACE_READER` names; the program ends when it names none.
private let reader: FuzzedReader = {
  let name = unsafe getenv("FWTRACE_READER").map { unsafe String(cString: $0) } ?? ""
  guard let reader = FuzzedReader(rawValue: name) else {
    let names = FuzzedReader.allCases.map(\.rawValue).joined(separator: ", ")
    fatalError("FWTRACE_READER is \"\(name)\", and not one of \(names)")
  }
  return reader
}()

/// What libFuzzer calls with each input, see https://llvm.org/docs/LibFuzzer.html: 0, or -1 for an input that the corpus should not keep.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  return reader.read(bytes) ? 0 : -1
}
