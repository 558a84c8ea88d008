"""The project folder as the browser may see it: notebooks and small text files, never data."""
