"""What the services share and no business has a word for: HTTP, configuration, MongoDB, events, migrations."""
