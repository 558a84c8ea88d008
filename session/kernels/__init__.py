"""Kernels in the hostile compute: started through the agent, spoken to over ipc sockets, watched by the gate."""
