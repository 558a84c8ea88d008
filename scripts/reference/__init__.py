"""Reference pages that belong to no one room."""
