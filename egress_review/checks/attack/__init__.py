"""The attacker's view: what the published cells of linked tables say about the cells that they hide."""
