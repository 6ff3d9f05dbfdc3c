"""What every answer tells a browser, so that an answer shown where it does not belong does no harm (OWASP REST)."""

STRICT_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""For what is no page: nothing of it is run, loaded or framed."""

EVERYWHERE = (
    ("Content-Security-Policy", STRICT_POLICY),
    ("Referrer-Policy", "no-referrer"),
    # browsers heed it over TLS alone, which ends before the gateway
    ("Strict-Transport-Security", "max-age=31536000"),
    ("X-Content-Type-Options", "nosniff"),
)

PRIVATE = ("Cache-Control", "no-store")
"""Whatever somebody signed in for, tokens above all."""

PUBLIC = ("Cache-Control", "no-cache")
"""May be kept, and is asked for anew with its ETag."""
