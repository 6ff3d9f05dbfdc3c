# Finds a Python that runs and is new enough; 3.11 first, for that is what the images have.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { command -v "$$p"; exit; }; done; echo python3)
