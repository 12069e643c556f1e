import ArgumentParser

/// Runs a command and turns every outcome into the promised exit status.
@main enum Main {
  static func main() {
    Output.reserveDescriptors()
    // Scripts ask for the version, and for that the options of every command need not be put together.
    if CommandLine.arguments.count == 2, CommandLine.arguments[1] == "--version" {
      Output.write(Fwtrace.configuration.version + "\n")
      Output.exit(.accepted)
    }
    let arguments = Array(CommandLine.arguments.dropFirst())
    if arguments.isEmpty, Output.isTerminal, !StandardInput.isPiped {
      Output.write(Introduction.text)
      Output.exit(.accepted)
    }
    do {
      try TypedOptions.refuseRepeated(arguments)
      var command = try Fwtrace.parseAsRoot()
      try command.run()
      Output.exit(.accepted)
    } catch let failure as Failure {
      Output.error("fwtrace: \(failure.message)\n")
      Output.exit(.badInput)
    } catch let status as ExitStatus {
      Output.exit(status)
    } catch {
      // Help and version are asked for: they are no errors. All else is a usage error.
      if Fwtrace.exitCode(for: error).isSuccess {
        Output.write(Fwtrace.fullMessage(for: error) + "\n")
        Output.exit(.accepted)
      }
      let advice = TypedOptions.advice(arguments).map { "fwtrace: \($0)" }
      Output.error((advice ?? TypedOptions.voiced(Fwtrace.fullMessage(for: error))) + "\n")
      Output.exit(.badInput)
    }
  }
}
