"""JupyterLab as a session shows it: its page, its state, submitting for release, and our small extension."""
