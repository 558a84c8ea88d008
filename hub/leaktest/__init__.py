"""The leak test: an installation's own red team, which really tries every channel that is known."""
