"""Entry point. Kept to syntax that an old Python can read, so that a wrong version gets a sentence, not a traceback."""

import sys

if sys.version_info < (3, 11):
    sys.stderr.write(
        "error: Python 3.11 or newer is needed, and this is %d.%d (%s). "
        "Install python3.11, or name one: make PYTHON=...\n"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
    sys.exit(1)

from devkit.cli import main

sys.exit(main())
