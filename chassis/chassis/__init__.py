"""What the services share and no business has a word for: HTTP, configuration, MongoDB, events, migrations."""

import zoneinfo

# The locked tzdata package is the one source of time zones: a machine's own files may be older or newer, and two
# services that disagree about when the clocks change would offer and store different times.
zoneinfo.reset_tzpath(())
