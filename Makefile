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
generate: setup ## Regenerate code, manifests and reference pages from their sources
	buf generate
	node hack/generate-secret-fields.ts
	node hack/generate-crds.ts
	node hack/generate-rbac.ts
	node hack/generate-docs.ts

.PHONY: check
check: setup ## Types, lint, layers and import cycles, dead code
	tsc
	biome check --error-on-warnings .
	buf lint
	node hack/layers.ts
	knip

.PHONY: test
test: check ## check, then unit, component and behaviour tests on the embedded server
	npm exec -- vitest run

.PHONY: test-real
test-real: setup ## The same suites on a real etcd and kube-apiserver (needs Go, or KUBEBUILDER_ASSETS)
	node hack/control-plane/main.ts run -- npm exec -- vitest run --project integration --project behaviour --project scenarios

.PHONY: demo
demo: $(RUN_DEPS) ## A database on a CSI volume, rebuilt from its changed blocks: the whole path, in a minute
	@node cmd/demo/main.ts

.PHONY: dev
dev: $(RUN_DEPS) ## Embedded server, driver and sidecar, kept running; prints the kubeconfig
	@node cmd/demo/main.ts --serve

.PHONY: bench
bench: setup ## Measure, with the peers found in PEERS_DIR; prints ratios
	node test/bench/main.ts

.PHONY: build
build: setup ## One executable file per program, in bin/
	node hack/build.ts

.PHONY: verify
verify: setup ## Regenerate everything and show that nothing differs
	node hack/verify.ts

.PHONY: clean
clean: ## Remove what was built and installed
	rm -rf bin coverage node_modules
