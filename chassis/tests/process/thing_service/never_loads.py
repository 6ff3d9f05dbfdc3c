"""An app that waits for ever for something as it is loaded."""

import time

time.sleep(600)
