# Every target runs on the pinned Node: npm puts it into node_modules/.bin.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
SHELL := /bin/bash
.DEFAULT_GOAL := help
NPM_CI := npm ci --loglevel=error
ALL_DEPS := node_modules/.stamp-all
RUN_DEPS := node_modules/.stamp-run

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 16

$(ALL_DEPS): package.json package-lock.json .npmrc
	$(NPM_CI)
	@touch $(ALL_DEPS) $(RUN_DEPS)

# What the demo needs and no more; a full installation serves as well.
$(RUN_DEPS): package.json package-lock.json .npmrc
	$(NPM_CI) --omit=dev
	@touch $(RUN_DEPS)

.PHONY: setup
setup: $(ALL_DEPS) ## Install everything from the lock file

.PHONY: generate
generate: setup ## Regenerate pkg/gen from proto
	buf generate

.PHONY: check
check: setup ## Types, lint, layers and import cycles
	tsc
	biome check --error-on-warnings .
	buf lint
	node hack/layers.ts

.PHONY: test
test: check ## check, then unit, component and behaviour tests on the embedded server
	npm exec -- vitest run

.PHONY: clean
clean: ## Remove what was built and installed
	rm -rf bin coverage node_modules
