"""Kernels in the hostile compute: started through the agent, spoken to over ipc, watched by the gate."""
