"""How far an answer may be trusted: temperature, sets with a guarantee, «I don't know», intervals, paired tests."""
