"""What a worker's exit status can say that its answer cannot."""

OUT_OF_MEMORY = 77
"""Python could not get the memory that it needed."""
