"""A service made for the chassis' tests: real processes, nothing but the chassis in them."""

import os

SOURCE = os.environ["THING_SOURCE"]
NAME = os.environ["THING_NAME"]
