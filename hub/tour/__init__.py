"""The tour: the whole path, driven over HTTP and the kernel websocket as a browser would."""
