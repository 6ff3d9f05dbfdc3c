"""An app that waits for ever for something as it is loaded."""

import time

print("waiting", flush=True)
time.sleep(600)
