# What every service's Makefile is made of: `include ../chassis/service.mk`.
.DEFAULT_GOAL := help
REPOSITORY := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/..)
include $(REPOSITORY)/chassis/devkit/python.mk
DEVKIT := PYTHONPATH="$(REPOSITORY)/chassis" "$(PYTHON)" -m devkit
SERVICE := $(notdir $(CURDIR))

.PHONY: help test can-deploy logs restart
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1  /p' "$(REPOSITORY)/chassis/service.mk"

test: ## run this service's tests alone (ARGS="-k booking" is handed to pytest)
	@$(DEVKIT) test $(SERVICE) --arguments="$(ARGS)"

can-deploy: ## say in seconds whether it may go out, as it is here, beside the released others
	@$(DEVKIT) can-deploy $(SERVICE)

logs: ## show the log of one of its processes (P=auth-web, FOLLOW=1)
	@$(DEVKIT) logs $(P) $(if $(FOLLOW),--follow)

restart: ## restart processes of the running suite (P="auth-web auth-consumer")
	@$(DEVKIT) restart $(P)
