import Glibc
import PolicyCheck
import PolicyYAML

// Reads YAML from standard input and writes its nodes to standard output, for `fwtrace test`.
var input: [UInt8] = []
var buffer = [UInt8](repeating: 0, count: 1 << 16)
while true {
  let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(STDIN_FILENO, $0.baseAddress, $0.count) }
  if count < 0, errno == EINTR { continue }
  guard count > 0 else { break }
  input += buffer[..<count]
}
// Editors of Windows begin a text with a byte order mark.
if input.starts(with: [0xef, 0xbb, 0xbf]) { input.removeFirst(3) }
let output = NodeStream.bytes(of: PolicyYAML.read(input))
var done = 0
while done < output.count {
  let count = unsafe output.withUnsafeBytes { bytes in
    unsafe write(STDOUT_FILENO, bytes.baseAddress?.advanced(by: done), bytes.count - done)
  }
  if count < 0, errno == EINTR { continue }
  guard count > 0 else { exit(1) }
  done += count
}
