# Each verb sets up what it needs by itself. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
# What `make logs` shows: an instance or a service.
S ?=
# The drills that `make drill` runs, by the names of their alerts; all of them where it is empty.
D ?=
# The shape of the load that `make load` makes.
L ?= steady
# With 1, `make dashboards` draws the panels as well.
PREVIEW ?=
# What `make test` runs in place of the unit and contract tests: folders, files, pytest's options.
T ?=
# The parts that `make verify` runs anew; all that have not passed on this commit where it is empty.
PART ?=

RUN := requirements/services.txt requirements/alertdrill.txt
RUN_READY = $(PYTHON) -m alertdrill.bootstrap --venv $(VENV) --project . --requirements $(RUN)
DEV_READY = $(RUN_READY) requirements/dev.txt
ALERTDRILL = $(VENV)/bin/alertdrill

.PHONY: help up down status logs drill load images dashboards docs lint test verify bench
.DEFAULT_GOAL := help

help:    ## Print this list
	@sed -n 's/^\([a-z]*\): *## /  make \1\t/p' Makefile | expand -t 20
up:      ## Set up what is missing, start the stack, print where everything is
	@$(RUN_READY) && $(ALERTDRILL) up
down:    ## End every process of the stack, also after a crash
	@$(RUN_READY) && $(ALERTDRILL) down
status:  ## Show every instance and whether it serves
	@$(RUN_READY) && $(ALERTDRILL) status
logs:    ## Follow the log lines of everything, or of S=web
	@$(RUN_READY) && $(ALERTDRILL) logs $(S) --follow
drill:   ## Break everything in turn and see every alert fire and clear, or D=InstanceHung
	@$(RUN_READY) && $(ALERTDRILL) drill run $(D)
load:    ## Make load for a minute as normal clients do, or of the shape L=steady
	@$(RUN_READY) && $(ALERTDRILL) load $(L)
images:  ## Build the images of the stack on a host without a registry
	@$(RUN_READY) && $(ALERTDRILL) images build
dashboards: ## Write Grafana's dashboards, with PREVIEW=1 pictures of them too
	@$(DEV_READY) && $(VENV)/bin/python -m grafana.build $(if $(PREVIEW),&& $(VENV)/bin/python -m grafana.preview)
docs:    ## Write the reference pages from the code
	@$(DEV_READY) && $(VENV)/bin/python -m docs.generate
lint:    ## Check the code, the configurations and the rules
	@$(DEV_READY) && $(VENV)/bin/ruff check && $(VENV)/bin/ruff format --check && $(VENV)/bin/mypy && $(VENV)/bin/yamllint --strict . && $(VENV)/bin/hadolint apps/Dockerfile deploy/airgap/*/Dockerfile && $(ALERTDRILL) check && $(VENV)/bin/python -m grafana.build --check && $(VENV)/bin/python -m docs.generate --check && $(VENV)/bin/python -m docs.style
test:    ## Run the unit and contract tests, or those of T=tests/e2e
	@$(DEV_READY) && $(VENV)/bin/pytest $(T)
verify:  ## Run every check, as long as it takes, or only PART=drills; PART=list lists the parts
	@$(DEV_READY) && .ci/verify $(PART)
bench:   ## Measure what the instrumentation and the stack cost
	@$(DEV_READY) && $(VENV)/bin/python -m tests.bench
