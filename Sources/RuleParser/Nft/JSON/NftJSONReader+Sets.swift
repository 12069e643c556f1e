import RuleGraph
import RuleText

/// Sets, maps and their elements in nft's JSON (libnftables-json(5), "SET", "MAP", "ELEMENT").
extension NftJSONReader {
  mutating func readSet(_ object: JSONValue, isMap: Bool) {
    guard let index = table(of: object) else { return }
    guard let name = object["name"]?.string else {
      warn("unreadable-object", "this set has no name", object)
      return
    }
    let key = NftJSONTypes.parts(object["type"], builder.lowerings[index])
    var set = NamedSet(name, keyTypes: key.map(\.type.rawValue))
    var data: [NftPart]?
    if isMap {
      let types = NftJSONTypes.parts(object["map"], builder.lowerings[index])
      data = types
      set.dataTypes = types.map(\.type.rawValue)
      if let kind = object["map"]?.string, NftType.objectKinds.contains(kind) {
        set.dataTypes = [kind]
        data = [NftPart(.object)]
      }
    }
    set.handle = object["handle"]?.unsigned
    set.comment = object["comment"]?.string
    set.span = object.span(in: text)
    set.flags = NftArguments.flags(Self.strings(object["flags"]))
    for name: StaticString in ["timeout", "gc-interval", "size"] {
      if let value = object[name]?.unsigned { set.arguments.append(Argument("\(name)", String(value))) }
    }
    if let policy = object["policy"]?.string { set.arguments.append(Argument("policy", policy)) }
    if object["auto-merge"]?.bool == true { set.arguments.append(Argument("auto-merge")) }
    builder.lowerings[index].sets[name] = NftSetTypes(key: key, data: data)
    // What a reference to the set means is known only from here on.
    statementCache = NftJSONCache(count: 4096)
    for statement in object["stmt"]?.elements.map({ $0 }) ?? [] {
      set.arguments.append(contentsOf: NftJSONStatements.elementArguments(statement))
    }
    if let elements = object["elem"] {
      set.elements = self.elements(elements, key, data, index)
    }
    builder.add(set, to: index)
  }

  mutating func readElements(_ object: JSONValue) {
    guard let index = table(of: object), let name = object["name"]?.string,
      let types = builder.lowerings[index].sets[name], let list = object["elem"],
      let set = builder.tables[index].sets.firstIndex(where: { $0.name == name })
    else { return }
    builder.tables[index].sets[set].elements.append(contentsOf: elements(list, types.key, types.data, index))
  }

  private mutating func elements(
    _ list: JSONValue, _ key: [NftPart], _ data: [NftPart]?, _ index: Int
  ) -> [SetElement] {
    var elements: [SetElement] = []
    guard list.kind == .array else {
      warn("unreadable-element", "the elements of this set are not a list", list)
      return [.elided("...")]
    }
    for item in list.elements {
      do {
        let written = try NftJSONExpressions(lowering: builder.lowerings[index]).element(item, isMap: data != nil)
        let element = try builder.lowerings[index].element(written, key: key, data: data)
        if !element.masks.isEmpty || element.data != nil { report(masked: element.maskedValues, item) }
        elements.append(element)
      } catch {
        elements.append(.elided("..."))
        warn("unreadable-element", "this element is not understood: \(error.message)", item)
      }
    }
    return elements
  }
}
