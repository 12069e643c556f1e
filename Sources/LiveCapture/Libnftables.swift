import CNFTables
import Glibc

/// libnftables in this process. All contact with its C functions is in this file.
///
/// The library is opened when it is first needed, so the program starts where it is absent. The one command ever given
/// to it is `list ruleset`. (Not in its dry-run mode: that sends the kernel the beginning of a transaction, where a
/// plain list sends none.)
struct Libnftables: NftablesReading {
  /// The library's name; the number is that of its binary interface, the same since nftables 0.9.
  private let libraryName: String

  init(libraryName: String = "libnftables.so.1") { self.libraryName = libraryName }

  func ruleset(_ form: NftablesForm) throws(NftablesFailure) -> [UInt8] {
    guard let library = unsafe dlopen(libraryName, RTLD_NOW | RTLD_LOCAL) else {
      throw .libraryMissing(Self.linkerError)
    }
    // It stays open until the program ends: a second reading needs it again, and it registers exit handlers of its own.
    let functions = unsafe try Functions(library)
    guard let context = unsafe functions.new(0) else { throw .refused("it gave no context") }
    defer { unsafe functions.free(context) }
    // The same as the options of nft(8): `-j`, `-a`.
    unsafe functions.setOutputFlags(context, form == .json ? 1 << 4 : 1 << 3)
    guard unsafe functions.bufferOutput(context) == 0, unsafe functions.bufferError(context) == 0 else {
      throw .refused("it can't keep its output")
    }
    guard unsafe functions.run(context, "list ruleset") == 0 else {
      throw .refused(unsafe Self.text(functions.errorBuffer(context)))
    }
    guard let output = unsafe functions.outputBuffer(context) else { throw .refused("it kept no output") }
    return unsafe Array(UnsafeRawBufferPointer(start: output, count: strlen(output)))
  }

  private static var linkerError: String {
    guard let text = unsafe dlerror() else { return "no reason given" }
    return unsafe String(cString: text)
  }

  private static func text(_ pointer: UnsafePointer<CChar>?) -> String {
    guard let pointer = unsafe pointer else { return "no reason given" }
    let text = unsafe String(cString: pointer)
    return text.split(separator: "\n").first.map(String.init) ?? "no reason given"
  }

  /// The functions that are used, looked up by name.
  @unsafe private struct Functions {
    let new: fwtrace_nft_ctx_new
    let free: fwtrace_nft_ctx_free
    let setOutputFlags: fwtrace_nft_ctx_output_set_flags
    let bufferOutput: fwtrace_nft_ctx_buffer_output
    let outputBuffer: fwtrace_nft_ctx_get_output_buffer
    let bufferError: fwtrace_nft_ctx_buffer_error
    let errorBuffer: fwtrace_nft_ctx_get_error_buffer
    let run: fwtrace_nft_run_cmd_from_buffer

    init(_ library: UnsafeMutableRawPointer) throws(NftablesFailure) {
      func find<Function>(_ name: String, _: Function.Type) throws(NftablesFailure) -> Function {
        guard let symbol = unsafe dlsym(library, name) else { throw .libraryMissing("it has no \(name)") }
        return unsafe unsafeBitCast(symbol, to: Function.self)
      }
      unsafe new = try find("nft_ctx_new", fwtrace_nft_ctx_new.self)
      unsafe free = try find("nft_ctx_free", fwtrace_nft_ctx_free.self)
      unsafe setOutputFlags = try find("nft_ctx_output_set_flags", fwtrace_nft_ctx_output_set_flags.self)
      unsafe bufferOutput = try find("nft_ctx_buffer_output", fwtrace_nft_ctx_buffer_output.self)
      unsafe outputBuffer = try find("nft_ctx_get_output_buffer", fwtrace_nft_ctx_get_output_buffer.self)
      unsafe bufferError = try find("nft_ctx_buffer_error", fwtrace_nft_ctx_buffer_error.self)
      unsafe errorBuffer = try find("nft_ctx_get_error_buffer", fwtrace_nft_ctx_get_error_buffer.self)
      unsafe run = try find("nft_run_cmd_from_buffer", fwtrace_nft_run_cmd_from_buffer.self)
    }
  }
}
