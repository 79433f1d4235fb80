# Two commands do everything: `make run` serves, `make test` tests. The rest are parts of them, or tools.
PY := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help run test test-quick check format bench fuzz stack lab matrix lock docs boards environment machine programs

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run:  ## serve on 127.0.0.1:8000 with a quick-start configuration; nothing else is needed
	@deploy/environment.sh run
	@exec $(PY) -m service serve $(ARGS)

environment:
	@deploy/environment.sh dev

machine:
	@deploy/test-machine.sh

check: environment  ## format, lint, types, floors, generated pages
	$(PY) -m ruff format --check -q .
	$(PY) -m ruff check -q .
	$(PY) -m mypy --strict service observability alerts grafana deploy docs faults
	.venv/bin/lint-imports --no-logo
	$(PY) -m alerts.objectives --check
	$(PY) -m docs.build --check
	$(PY) -m grafana.build --check
	$(PY) -m observability.happenings --check

format: environment
	$(PY) -m ruff format -q .
	$(PY) -m ruff check --fix -q .

programs: environment  ## build the observability stack's programs (about ten minutes, once)
	$(PY) -m deploy.native.build

test: environment machine check  ## everything; the stack's programs are built once
	$(PY) -m tests

test-quick: environment machine check  ## without the observability stack
	$(PY) -m tests --quick

bench: environment  ## benchmarks: ratios against baselines of the same run
	$(PY) -m bench $(ARGS)

fuzz: environment  ## coverage-guided fuzzing of all that reads a stranger's bytes
	$(PY) -m tests.fuzz --runs 1000000 $(ARGS)

stack: environment  ## the whole stack natively, without Docker; Ctrl-C stops all
	$(PY) -m deploy.native.up $(ARGS)

boards: environment  ## pictures of all boards in docs/pictures, from a stack of its own; eight minutes
	$(PY) -m grafana.picture --stack --minutes 8 --out docs/pictures --trace docs/pictures/trace.png $(ARGS)

lab: environment  ## what can be broken; FAULT=<name> breaks it and tells which alerts find it
	$(PY) -m faults $(FAULT) $(ARGS)

matrix: environment  ## break everything, one after the other, and write docs/failure-matrix.md (half an hour)
	$(PY) -m faults --matrix $(ARGS)

docs: environment  ## write the generated pages and boards anew
	$(PY) -m alerts.objectives
	$(PY) -m docs.build
	$(PY) -m grafana.build
	$(PY) -m observability.happenings

lock:  ## resolve requirements/*.in anew
	python3 -m venv build/lock && build/lock/bin/pip -q install pip-tools
	cd requirements && ../build/lock/bin/pip-compile -q --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras -o run.txt run.in
	cd requirements && ../build/lock/bin/pip-compile -q --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras -c run.txt -o dev.txt dev.in
