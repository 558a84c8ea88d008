"""What can be done in egress review: each action asks the lifecycle, then writes with its event."""
