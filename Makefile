# Thin on purpose: what happens is in chassis/devkit. Variables may be given before or after the target.
.DEFAULT_GOAL := help
include chassis/devkit/python.mk
DEVKIT := PYTHONPATH="$(CURDIR)/chassis" "$(PYTHON)" -m devkit

.PHONY: help demo up down status logs mail restart test stress lint format setup lock
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | awk -F'|' '{printf "  make %-9s %s\n", $$1, $$2}'

demo: ## start everything and walk through a clinic's day; leaves the suite running
	@$(DEVKIT) demo

up: ## start what is missing; 0 when every part is healthy (GATEWAY_PORT=9090, RATE_LIMITS=off, ...)
	@$(DEVKIT) up

down: ## stop everything, keep the data
	@$(DEVKIT) down

status: ## show each process and whether it is healthy
	@$(DEVKIT) status

logs: ## show the logs (P=auth-web for one process, FOLLOW=1 to go on)
	@$(DEVKIT) logs $(P) $(if $(FOLLOW),--follow)

mail: ## show the mails that the suite sent
	@$(DEVKIT) mail

restart: ## restart processes, so that they run the code as it is now (P="auth-web auth-relay"; all services without)
	@$(DEVKIT) restart $(P)

test: ## lint, then every test (SUITES="chassis auth-service tests" for some, ARGS="-k booking" for pytest)
	@$(DEVKIT) test $(SUITES) --arguments="$(ARGS)"

stress: setup ## mix 100,000 bookings, moves, offers and more, then look for anything wrong (OPERATIONS=20000 SEED=7)
	@PYTHONPATH="$(CURDIR):$(CURDIR)/chassis" .local/venv/tests/bin/python -m tests.stress \
		$(if $(OPERATIONS),--operations $(OPERATIONS)) $(if $(SEED),--seed $(SEED))

lint: ## ruff, mypy and import-linter
	@$(DEVKIT) lint

format: ## let ruff mend and format every source
	@$(DEVKIT) format

setup: ## install what is missing (implied by the others)
	@$(DEVKIT) setup

lock: ## compile every requirements.lock (UPGRADE=1 for the newest versions)
	@$(DEVKIT) lock $(if $(UPGRADE),--upgrade)
