/// A kind of service that strangers have no business with.
public enum SensitiveService: Hashable, Sendable, CaseIterable {
  case database
  /// An interface that hands over the host: Docker's, the kubelet's.
  case control

  /// The kind of service that usually has a TCP port (the programs' documentation); nil where strangers are welcome, or
  /// nobody knows.
  init?(port: UInt16) {
    switch port {
    // SQL Server, Oracle, MySQL, PostgreSQL, Redis, CouchDB, Elasticsearch, Memcached, MongoDB, InfluxDB, Cassandra,
    // etcd.
    case 1433, 1521, 3306, 5432, 6379, 5984, 9200, 9300, 11211, 27017...27019, 8086, 9042, 2379, 2380: self = .database
    // The Docker daemon without TLS and with it, the kubelet.
    case 2375, 2376, 10250: self = .control
    default: return nil
    }
  }
}
