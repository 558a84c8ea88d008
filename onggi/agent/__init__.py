"""The agent: the first process of a compute, which starts and ends kernels when its session server asks.

It runs on the hostile side. It is ours when it starts, but a kernel may have taken it over a moment later,
so the session server believes none of its answers. Standard library only.
"""
