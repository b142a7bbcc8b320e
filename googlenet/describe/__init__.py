"""What a GoogLeNet is made of, computed from its spec: tables, the paper's printed numbers beside them, drawings."""
