# Thin on purpose: what happens is in chassis/devkit. Variables may be given before or after the target.
.DEFAULT_GOAL := help
include chassis/devkit/python.mk
DEVKIT := PYTHONPATH="$(CURDIR)/chassis" "$(PYTHON)" -m devkit

.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*\#\# .*/\1/p' $(firstword $(MAKEFILE_LIST)))
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: ## start everything and walk through a clinic's day; leaves the suite running
	@$(DEVKIT) demo

env: ## make .env, with random secrets, or add what it lacks (for containers: docker compose up --build)
	@$(DEVKIT) env

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

alarms: ## name what is wrong with the running suite's data, each with its runbook
	@$(DEVKIT) alarms

check-alerts: ## see every alert of observability/ fire, and not fire while all is well (promtool)
	@$(DEVKIT) check-alerts

dlq: ## dead letters: list them (DO=show, redrive or discard; SERVICE=review-service, ID=event, ALL=1, FORCE=1)
	@$(DEVKIT) dead-letters $(or $(DO),list) $(if $(SERVICE),--service $(SERVICE)) $(if $(ID),--id $(ID)) \
		$(if $(ALL),--all) $(if $(FORCE),--force)

migrate: ## migrate every database forward (SERVICE=review-service; DOWN=1 for one back, TO=001_name for all after it)
	@$(DEVKIT) migrate $(if $(SERVICE),--service $(SERVICE)) $(if $(DOWN),--back) $(if $(TO),--to $(TO))

migrate-status: ## show which migrations ran, and what is pending
	@$(DEVKIT) migrate-status $(if $(SERVICE),--service $(SERVICE))

rebuild: ## make projections again from their sources (SERVICE=, PROJECTION=); the suite works on meanwhile
	@$(DEVKIT) rebuild $(if $(SERVICE),--service $(SERVICE)) $(if $(PROJECTION),--projection $(PROJECTION))

drift: ## compare every projection with its source
	@$(DEVKIT) drift $(if $(SERVICE),--service $(SERVICE))

backup: ## save every database as it is at one moment, while the suite works (TO=folder, KEEP=7 of the older ones)
	@$(DEVKIT) backup $(TO)

restore: ## put a backup in the place of every database; who was erased since is erased again (FROM=folder)
	@$(DEVKIT) restore $(or $(FROM),$(error say which backup: make restore FROM=folder))

seed: ## fill the running suite with a made-up clinic group (SIZE=small, medium or large, or DOCTORS= PATIENTS= APPOINTMENTS=; SEED=7)
	@$(DEVKIT) seed --arguments="$(if $(SIZE),--size $(SIZE)) $(if $(DOCTORS),--doctors $(DOCTORS)) \
		$(if $(PATIENTS),--patients $(PATIENTS)) $(if $(APPOINTMENTS),--appointments $(APPOINTMENTS)) \
		$(if $(SEED),--seed $(SEED))"

test: ## lint, then every test (SUITES="chassis auth-service e2e" for some, ARGS="-k booking" for pytest)
	@$(DEVKIT) test $(SUITES) --arguments="$(ARGS)"

stress: setup ## mix 100,000 bookings, moves, offers and more, then look for anything wrong (OPERATIONS=20000 SEED=7)
	@PYTHONPATH="$(CURDIR):$(CURDIR)/chassis" .local/venv/tests/bin/python -m tests.stress \
		$(if $(OPERATIONS),--operations $(OPERATIONS)) $(if $(SEED),--seed $(SEED))

chaos: setup ## kill, freeze and restart every part while clients work, then look for anything lost (KILLS=100 SEED=7)
	@PYTHONPATH="$(CURDIR):$(CURDIR)/chassis" .local/venv/tests/bin/python -m tests.chaos \
		$(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED)) $(if $(SABOTAGE),--sabotage $(SABOTAGE)) \
		$(if $(BROKER_AWAY),--broker-away $(BROKER_AWAY)) $(if $(POISON),--poison $(POISON))

fuzz: setup ## try everything that the API's document allows and forbids, then with a server stopped (EXAMPLES=200 SEED=7)
	@PYTHONPATH="$(CURDIR):$(CURDIR)/chassis" .local/venv/tests/bin/python -m tests.fuzz \
		$(if $(EXAMPLES),--examples $(EXAMPLES)) $(if $(SEED),--seed $(SEED))

screenshots: setup ## take the pictures of docs/console.md anew, of the running suite and what is in it
	@PYTHONPATH="$(CURDIR):$(CURDIR)/chassis" .local/venv/tests/bin/python -m tests.screenshots

bench: ## measure every figure beside what it stands beside, write benchmarks/RESULTS.md (PARTS="reads booking", ARGS="--soak 30")
	@$(DEVKIT) bench $(PARTS) --arguments="$(ARGS)"

compose-test: ## the suite in containers: built, walked through, scaled, killed and rolled under load (BASE_IMAGES=script)
	@$(DEVKIT) compose-test --arguments="$(ARGS)"

compose-roll: ## replace a service's containers by ones of its present image, one kind after another (SERVICE=review-service)
	@$(DEVKIT) compose-roll $(or $(SERVICE),$(error say which: make compose-roll SERVICE=review-service))

can-deploy: ## say in seconds whether SERVICE=, as it is here, may go out beside the released others
	@$(DEVKIT) can-deploy $(or $(SERVICE),$(error say which: make can-deploy SERVICE=review-service))

release: ## note this checkout's contracts as released, and say how to tag it (VERSION=1.1.0, SERVICE= for one alone)
	@$(DEVKIT) release $(or $(VERSION),$(error say which: make release VERSION=1.1.0)) $(SERVICE)

mixed: ## walk through the day with the released version of each service in turn beside the present rest (SERVICE= for one)
	@$(DEVKIT) mixed $(SERVICE)

lint: ## ruff, mypy and import-linter
	@$(DEVKIT) lint

format: ## let ruff mend and format every source
	@$(DEVKIT) format

setup: ## install what is missing (implied by the others)
	@$(DEVKIT) setup

lock: ## compile every requirements.lock (UPGRADE=1 for the newest versions)
	@$(DEVKIT) lock $(if $(UPGRADE),--upgrade)
