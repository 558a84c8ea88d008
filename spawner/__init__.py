"""What runs where: the broker that launches sessions, and the JupyterHub spawner that asks it to."""
