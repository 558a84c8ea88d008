"""Who is who and who may what: registry, actions, desk, identity, and the one-machine composition."""
