# Every habit of the project has one name here; `make help` lists them.
# Needed: make, python3 (3.11 or newer) with venv, and the package registries.

PYTHON ?= python3
# Twice as many as there are cores: half of the tests wait for something most of the time.
JOBS ?= $(shell echo $$((2 * $$(nproc))))
KILLS ?= 200
CYCLES ?= 1000
COMMANDS ?= 10000

# Container images like to set this; every start of the server would compile all of it anew.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TOOLS := .cache/bin/.ready
GENERATE_PYTHON := $(BIN)/uv run --quiet --no-project --python $(BIN)/python clients/python/generate.py

# Of every client: the commands that it NEEDS (Python and Go come with .venv), where its GENERATED code lies (Maven generates
# Java's in its build, which is not in git), what has to be there first (PLUGINS), and its copy of the SERVICE_CONFIG. One
# whose commands are missing is left out, and said to be.
GENERATED_python := clients/python/src/greenroom/v1
SERVICE_CONFIG_python := clients/python/src/greenroom/service_config.json

GENERATED_go := clients/go/greenroomv1
PLUGINS_go := .cache/bin/protoc-gen-go
SERVICE_CONFIG_go := clients/go/service_config.json

NEEDS_typescript := npm
GENERATED_typescript := clients/typescript/src/gen
PLUGINS_typescript := clients/typescript/node_modules/.ready
SERVICE_CONFIG_typescript := clients/typescript/src/service_config.json

NEEDS_java := mvn javac
SERVICE_CONFIG_java := clients/java/src/main/resources/io/github/greenroomdev/service_config.json

# cc links, and compiles a library for TLS.
unexport CARGO_TARGET_DIR
NEEDS_rust := cargo cargo-clippy cargo-fmt cc
GENERATED_rust := clients/rust/src/generated
PLUGINS_rust := build/cargo/debug/protoc-gen-greenroom-rust
SERVICE_CONFIG_rust := clients/rust/src/service_config.json

ALL_CLIENTS := python go typescript java rust
missing = $(strip $(foreach command,$(NEEDS_$(1)),$(if $(shell command -v $(command)),,$(command))))
LEFT_OUT := $(strip $(foreach client,$(ALL_CLIENTS),$(if $(call missing,$(client)),$(client))))
CLIENTS := $(filter-out $(LEFT_OUT),$(ALL_CLIENTS))
of_clients = $(foreach client,$(2),$($(1)_$(client)))
GENERATED := $(call of_clients,GENERATED,$(CLIENTS))
PLUGINS := $(call of_clients,PLUGINS,$(CLIENTS))
SERVICE_CONFIGS := $(call of_clients,SERVICE_CONFIG,$(ALL_CLIENTS))
say_left_out = $(foreach client,$(LEFT_OUT),echo "Left out: the $(client) client, for want of $(call missing,$(client))" >&2;)

MVN := mvn --batch-mode --no-transfer-progress -Dstyle.color=never -Dorg.slf4j.simpleLogger.defaultLogLevel=warn
CLI_OF_VERSION = $(CURDIR)/build/cli/$(VERSION)/claude_agent_sdk/_bundled/claude
# In alphabetical order: xdist would put files with few tests last, and they are the slow ones.
PYTEST := $(BIN)/coverage run -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder
UNIT_COVERAGE := 90

.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:

## —— Set-up ————————————————————————————————————————————————————————————————————————————————————

.PHONY: setup
setup: $(READY)  ## Install everything into .venv from requirements.lock (once)

# uv comes from the lock as well: its entry, hashes included, is the block that starts with its name.
$(READY): requirements.lock pyproject.toml clients/python/pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r $(VENV)/uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e clients/python -e .
	touch $@

.PHONY: tools
tools: $(TOOLS)  ## Build grpcurl and grpc-health-probe into .cache/bin (once)

$(TOOLS): tests/tools/go.mod tests/tools/go.sum | $(READY)
	GOTOOLCHAIN=local GOBIN=$(CURDIR)/.cache/bin $(BIN)/go install -C tests/tools tool
	touch $@

.PHONY: lock
lock:  ## Renew requirements.lock with the newest versions that pyproject.toml allows
	test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv; }
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --upgrade \
	    --generate-hashes --no-emit-package greenroom --no-emit-index-url --no-annotate --no-header \
	    --quiet --output-file requirements.lock

## —— Run ———————————————————————————————————————————————————————————————————————————————————————

.PHONY: demo
demo: $(READY)  ## Show a session at work: server, turn, tool use, events, interrupt, close
	$(BIN)/python examples/demo.py

.PHONY: run
run: $(READY)  ## Start the server with its default settings, and print what to try next
	@cat examples/grpcurl.txt
	$(BIN)/greenroomd serve

## —— Test ——————————————————————————————————————————————————————————————————————————————————————

.PHONY: test
test: $(READY) $(TOOLS)  ## Run every test, and demand the coverage named in pyproject.toml
	@status=0; \
	$(MAKE) --no-print-directory test-unit || status=1; \
	$(PYTEST) tests --ignore tests/unit || status=1; \
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report || status=1; \
	exit $$status

.PHONY: test-fast
test-fast: $(READY)  ## Run what needs neither a server process nor the real CLI, in less than three minutes
	$(BIN)/pytest -n $(JOBS) --dist loadfile tests/unit tests/contract

# By themselves: what only a test of the whole server covers is hard to break in a way that a test sees.
.PHONY: test-unit
test-unit: $(READY)  ## Run the tests of single parts, and demand the coverage that they reach without any other
	mkdir -p build/coverage && rm -f build/coverage/*
	$(PYTEST) tests/unit
	$(BIN)/coverage combine --keep --quiet --data-file=build/coverage/of_units build/coverage/data.*
	@printf 'covered by units alone, in percent: '
	@$(BIN)/coverage report --data-file=build/coverage/of_units --format=total --fail-under=$(UNIT_COVERAGE)

.PHONY: test-service
test-service: $(READY) $(TOOLS)  ## Run the tests over a real socket with the real CLI
	$(BIN)/pytest tests/service

# A folder for each version: what was tried once is there the next time. VERSION is one of claude-agent-sdk.
.PHONY: test-cli
test-cli: $(READY) $(TOOLS)  ## Run the tests of the real CLI with that of claude-agent-sdk VERSION; ONLY names some
	@test -n "$(VERSION)" || { echo "Which version of claude-agent-sdk? make test-cli VERSION=0.2.189" >&2; exit 1; }
	test -x $(CLI_OF_VERSION) || $(BIN)/uv pip install --quiet --no-deps --python $(BIN)/python \
	    --target build/cli/$(VERSION) claude-agent-sdk==$(VERSION)
	GREENROOM_TEST_CLI=$(CLI_OF_VERSION) $(BIN)/pytest -m real_cli $(or $(ONLY),tests)

.PHONY: test-crash
test-crash: $(READY)  ## Kill the server KILLS times under load, and CLIs in CYCLES sessions, and give it COMMANDS at random
	CRASH_KILLS=$(KILLS) CRASH_CYCLES=$(CYCLES) WALK_COMMANDS=$(COMMANDS) \
	    $(BIN)/pytest -s tests/crash tests/service/test_random_walk.py

.PHONY: bench
bench: $(READY)  ## Measure against a bare server (needs Debian's nghttp2-client), into build/bench.json
	PYTHONPATH=.:tests $(BIN)/python -m benchmarks

.PHONY: bench-against
bench-against: $(READY)  ## Compare the benchmarks with those of another checkout, at BASE; ONLY names one part
	@test -n "$(BASE)" || { echo "Which checkout? make bench-against BASE=PATH" >&2; exit 1; }
	PYTHONPATH=.:tests $(BIN)/python -m benchmarks.against $(ONLY:%=--only %) $(BASE)

# Each package is checked, built, documented (into build/docs/clients) and packed by its language's own tools; then one
# scenario judges all of them.
.PHONY: test-clients
test-clients: $(CLIENTS:%=test-client-%)  ## Check, test and pack every client, and compare what they see
	GREENROOM_TEST_CLIENTS="$(CLIENTS)" $(BIN)/pytest tests/clients
	@$(if $(LEFT_OUT),$(say_left_out) test "$$CI" != true)

# The typed asynchronous stubs exist for type checkers only; that pdoc does not find them is no fault.
PDOC := python -W error -W 'ignore:Failed to run TYPE_CHECKING' -W 'ignore:Error parsing type annotation' -m pdoc

.PHONY: test-client-python
test-client-python: $(READY)
	$(BIN)/ruff check --quiet clients/python && $(BIN)/ruff format --check --quiet clients/python
	cd clients/python && $(CURDIR)/$(BIN)/mypy
	rm -rf build/clients/python && $(BIN)/uv build --quiet --out-dir build/clients/python clients/python
	$(BIN)/uv run --quiet --no-project --with twine==6.2.0 twine check --strict build/clients/python/*
	$(BIN)/uv run --quiet --no-project --isolated --resolution lowest --with build/clients/python/*.whl \
	    python -c 'from greenroom import Client, SyncClient; SyncClient()'
	$(BIN)/uv run --quiet --no-project --isolated --with pdoc==16.0.0 --with build/clients/python/*.whl \
	    $(PDOC) --output-directory build/docs/clients/python greenroom

.PHONY: test-client-go
test-client-go: export GOTOOLCHAIN := local
test-client-go: $(READY)
	test -z "$$($$($(BIN)/go env GOROOT)/bin/gofmt -l clients/go | tee /dev/stderr)"
	mkdir -p build/clients
	$(BIN)/go vet -C clients/go ./...
	$(BIN)/go mod tidy -C clients/go -diff
	$(BIN)/go test -C clients/go ./...
	$(BIN)/go build -C clients/go -o $(CURDIR)/build/clients/go-runner ./internal/scenario
	$(BIN)/go build -C clients/go -o $(CURDIR)/build/clients/go-quickstart ./examples/quickstart
	mkdir -p build/docs/clients && $(BIN)/go doc -C clients/go -all . > build/docs/clients/go.txt

.PHONY: test-client-typescript
test-client-typescript: $(PLUGINS_typescript)
	rm -rf clients/typescript/dist clients/typescript/dist-test
	npm run --prefix clients/typescript --silent lint
	npm run --prefix clients/typescript --silent build:test
	npm test --prefix clients/typescript --silent
	cd clients/typescript && npm publish --dry-run --silent
	npm run --prefix clients/typescript --silent docs

.PHONY: test-client-java
test-client-java:
	rm -rf clients/java/target/dependency build/docs/clients/java && mkdir -p build/docs/clients
	$(MVN) --file clients/java verify
	cp -r clients/java/target/reports/apidocs build/docs/clients/java

# In the folder of the crate, where its .cargo/config.toml holds. What is packed is the tree as it is, committed or not.
.PHONY: test-client-rust
test-client-rust: export RUSTDOCFLAGS := --deny warnings
test-client-rust:
	cd clients/rust && cargo fmt --all --check
	cd clients/rust && cargo clippy --locked --quiet --workspace --all-targets -- --deny warnings
	cd clients/rust && cargo test --locked --quiet --workspace
	cd clients/rust && cargo doc --locked --quiet --no-deps
	rm -rf build/docs/clients/rust && mkdir -p build/docs/clients && cp -r build/cargo/doc build/docs/clients/rust
	cd clients/rust && cargo publish --dry-run --allow-dirty --locked --quiet

## —— Verify and fix ————————————————————————————————————————————————————————————————————————————

.PHONY: verify
verify: verify-format verify-lint verify-types verify-imports verify-protos verify-generated verify-migrations verify-docs
verify:  ## Run every check that needs no running server

.PHONY: verify-format
verify-format: $(READY)
	$(BIN)/ruff format --check --quiet || { echo "Formatting differs: make fix" >&2; exit 1; }

.PHONY: verify-lint
verify-lint: $(READY)
	$(BIN)/ruff check --quiet

.PHONY: verify-types
verify-types: $(READY)
	$(BIN)/mypy

.PHONY: verify-imports
verify-imports: $(READY)
	$(BIN)/lint-imports --no-logo

.PHONY: verify-migrations
verify-migrations: $(READY)
	$(BIN)/python -m greenroomd.store.migrations

.PHONY: verify-docs
verify-docs: $(READY)
	$(BIN)/python docs/generated.py --check

.PHONY: verify-protos
verify-protos: $(READY)
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code
	$(BIN)/buf breaking --against protos/released.txtpb

# Into a directory of its own: a check does not touch the tree.
.PHONY: verify-generated
verify-generated: $(READY) $(PLUGINS)
	rm -rf build/generated && mkdir -p build/generated/clients/python/src
	$(call generate_clients,build/generated)
	for each in $(GENERATED); do \
	    diff --recursive --brief --exclude=__init__.py --exclude=__pycache__ $$each build/generated/$$each || exit 1; \
	done
	for each in $(SERVICE_CONFIGS); do cmp protos/service_config.json $$each || exit 1; done
	@$(say_left_out)

.PHONY: generate
generate: $(READY) $(PLUGINS)  ## Write what is generated: the clients' code and the marked parts of docs
	rm -rf clients/python/src/greenroom/v1/*_pb2* $(filter-out $(GENERATED_python),$(GENERATED))
	$(call generate_clients,.)
	for each in $(SERVICE_CONFIGS); do cp protos/service_config.json $$each || exit 1; done
	$(BIN)/python docs/generated.py

# One template for each language but Python and Java; its plugins are pinned beside it.
define generate_clients
$(GENERATE_PYTHON) $(1)/clients/python/src
for each in $(wildcard $(CLIENTS:%=clients/%/buf.gen.yaml)); do \
    $(BIN)/buf generate --template $$each --output $(1) || exit 1; \
done
endef

$(PLUGINS_go): clients/go/tools/go.mod clients/go/tools/go.sum | $(READY)
	GOTOOLCHAIN=local GOBIN=$(CURDIR)/.cache/bin $(BIN)/go install -C clients/go/tools tool
	touch $@

$(PLUGINS_typescript): clients/typescript/package.json clients/typescript/package-lock.json
	npm ci --prefix clients/typescript --ignore-scripts --silent
	touch $@

$(PLUGINS_rust): clients/rust/Cargo.lock $(wildcard clients/rust/generate/Cargo.toml clients/rust/generate/src/*.rs)
	cd clients/rust && cargo build --locked --quiet --package protoc-gen-greenroom-rust
	touch $@

.PHONY: fix
fix: $(READY)  ## Mend what can be mended by machine: format, lint, generated parts of docs
	$(BIN)/ruff check --fix --quiet
	$(BIN)/ruff format --quiet
	$(BIN)/buf format --write
	$(BIN)/python docs/generated.py

## —— Help ——————————————————————————————————————————————————————————————————————————————————————

.PHONY: help
help:  ## List the targets
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / {printf "  %-16s %s\n", $$1, $$2}' Makefile
