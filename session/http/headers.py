"""The headers of every answer to a browser.

What they ask of the browser is the second line: the first is that nothing a kernel makes is script.
JupyterLab needs `'unsafe-eval'` (it compiles its settings' schemas); it does not need inline script.
"""

from __future__ import annotations

from collections.abc import Mapping

_SOURCES: Mapping[str, str] = {
    "default-src": "'none'",
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "frame-src": "'none'",
    "object-src": "'none'",
    "form-action": "'self'",
    "base-uri": "'self'",
    "frame-ancestors": "'none'",
}
CONTENT_SECURITY_POLICY = "; ".join(f"{name} {sources}" for name, sources in _SOURCES.items())

# What no notebook needs of a browser. What a person selects and copies by hand is the browser's own affair.
_OFF = """
accelerometer autoplay browsing-topics camera clipboard-read clipboard-write display-capture encrypted-media
gamepad geolocation gyroscope hid identity-credentials-get idle-detection local-fonts magnetometer microphone
midi otp-credentials payment picture-in-picture publickey-credentials-get screen-wake-lock serial
storage-access sync-xhr usb window-management xr-spatial-tracking
""".split()
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in _OFF)


# `noopener-allow-popups`: another page of the same origin that opens this one gets no hold of it, so it
# cannot read the page key out of it.
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "noopener-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
