"""Known structures that a query's relatives are looked up in: build, search, lay on the query."""
