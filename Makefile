# Each verb installs what it needs. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
# The instance or service that `make logs` shows.
S ?=
# The alerts whose drills `make drill` runs; empty runs all.
D ?=
# The load that `make load` runs.
L ?= steady
# With 1, `make dashboards` draws the panels as well.
PREVIEW ?=
# The folders, files or options of pytest that `make test` runs instead of the unit and contract tests.
T ?=
# The parts that `make verify` runs again; empty runs all that have not passed on this commit.
# `make bench` has parts too.
PART ?=

RUN := requirements/services.txt requirements/alertdrill.txt
RUN_READY = $(PYTHON) -m alertdrill.bootstrap --venv $(VENV) --projects . telemetry --requirements $(RUN)
DEV_READY = $(RUN_READY) requirements/dev.txt
ALERTDRILL = $(VENV)/bin/alertdrill

.PHONY: help up down status logs drill load images dashboards docs lint test verify bench
.DEFAULT_GOAL := help

help:    ## Print this list
	@sed -n 's/^\([a-z]*\): *## /  make \1\t/p' Makefile | expand -t 20
up:      ## Install what is missing, start the stack and print its addresses
	@$(RUN_READY) && $(ALERTDRILL) up
down:    ## Stop every process of the stack, also after a crash
	@$(RUN_READY) && $(ALERTDRILL) down
status:  ## Show every instance and its state
	@$(RUN_READY) && $(ALERTDRILL) status
logs:    ## Follow the logs of all services, or of one: S=web
	@$(RUN_READY) && $(ALERTDRILL) logs $(S) --follow
drill:   ## Run every drill, or one: D=InstanceHung
	@$(RUN_READY) && $(ALERTDRILL) drill run $(D)
load:    ## Run the load `steady` for a minute, or another load: L=spike
	@$(RUN_READY) && $(ALERTDRILL) load $(L)
images:  ## Build the third-party images on a host without a registry
	@$(RUN_READY) && $(VENV)/bin/python -m deploy.airgap build
dashboards: ## Write Grafana's dashboards; PREVIEW=1 also draws the running stack's
	@$(DEV_READY) && $(VENV)/bin/python -m grafana.build $(if $(PREVIEW),&& $(VENV)/bin/python -m grafana.preview)
docs:    ## Write the reference pages from the code
	@$(DEV_READY) && $(VENV)/bin/python -m docs.generate
lint:    ## Check the code, the configurations and the rules
	@$(DEV_READY) && $(VENV)/bin/ruff check && $(VENV)/bin/ruff format --check && $(VENV)/bin/mypy && $(VENV)/bin/yamllint --strict . && $(VENV)/bin/hadolint apps/Dockerfile deploy/airgap/*/Dockerfile && $(ALERTDRILL) check && $(VENV)/bin/python -m grafana.build --check && $(VENV)/bin/python -m docs.generate --check && $(VENV)/bin/python -m docs.style
test:    ## Run the unit and contract tests, or others: T=tests/e2e
	@$(DEV_READY) && $(VENV)/bin/pytest $(T)
verify:  ## Run every check, or one part: PART=drills. PART=list lists the parts
	@$(DEV_READY) && .ci/verify $(PART)
bench:   ## Measure the cost of the instrumentation and of the stack, or PART=telemetry
	@$(DEV_READY) && $(VENV)/bin/python -m tests.bench $(PART)
