"""The service API of egress review, `/internal`: sessions hand in outputs, all processes hand in events."""
