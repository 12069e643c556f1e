/// The printed forms of traces and rule graphs.
public enum Reports {}
