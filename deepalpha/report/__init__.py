"""The report room: what was it worth? Nothing here trades or writes but the kept result."""
