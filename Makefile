# The targets a developer needs. What takes more than a line is in .ci/.
FUZZTIME ?= 10s
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
Q        ?= 海关对AEO企业有何激励?

.DEFAULT_GOAL := help
.PHONY: help run ask build tools test check notices breaks mutate chaos fuzz bench load eval

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

run: ## run the bot with the channels that the environment configures
	go run ./cmd/aeobot serve

ask: ## ask one question: make ask Q=优先通关如何实现?
	go run ./cmd/aeobot ask '$(Q)'

build: ## build the static binary into dist/, with its notices and a list of what is in it (SPDX)
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o dist/aeobot ./cmd/aeobot
	go run ./.ci/notices -sbom dist/aeobot.spdx.json -version $(VERSION) dist/aeobot
	cp LICENSE THIRD_PARTY_NOTICES dist/

notices: ## write THIRD_PARTY_NOTICES, the licences of what is linked
	go run ./.ci/notices

tools: ## install what the tests need and is missing (Debian)
	.ci/tools

# One package after the other: on two cores each is slower beside another. The limit ends a
# test that hangs; no machine is so slow that it takes this long. Four at once within a
# package: most of them wait for processes, and two leave the machine idle.
test: tools ## run all tests; nothing may be skipped
	.ci/test -p 1 -parallel 4 -timeout 3h ./... ./.ci/notices

check: ## format, licences, vet, lint, test
	@test -z "$$(gofmt -l .)" || { echo "gofmt these:"; gofmt -l .; exit 1; }
	go run ./.ci/notices -check
	go vet ./... ./.ci/notices ./.ci/breaks ./.ci/mutate
	go tool staticcheck ./... ./.ci/notices ./.ci/breaks ./.ci/mutate
	$(MAKE) test

breaks: tools ## break each promise on purpose; fails when a test does not notice (RUN=expression)
	go run ./.ci/breaks -run '$(RUN)'

mutate: ## change a package's code in small ways; lists what its tests do not notice (PKG=./bot/desk)
	go run ./.ci/mutate $(PKG)

load: tools ## callbacks and long connection for 60 s each beside a bare server (SECONDS=…)
	AEOBOT_TEST_REQUIRE=1 AEOBOT_LOAD_SECONDS=$(or $(SECONDS),60) go test ./cmd/aeobot -run '^$$' -bench Serve -benchtime 1x -timeout 1h

MESSAGES ?= 10000
SEED     ?= 1

chaos: tools ## the chaos runs with 10,000 messages each: some 40 minutes (MESSAGES=…, SEED=…)
	AEOBOT_TEST_REQUIRE=1 AEOBOT_CHAOS_MESSAGES=$(MESSAGES) AEOBOT_CHAOS_SEED=$(SEED) go test ./cmd/aeobot -run '^TestChaos' -count=1 -v -timeout 3h

eval: ## judge the answers; writes index/eval/REPORT.md (COLLECTION=folder: plain retrieval too)
	COLLECTION='$(if $(COLLECTION),$(abspath $(COLLECTION)))' .ci/eval

fuzz: ## fuzz every target for FUZZTIME each
	FUZZTIME=$(FUZZTIME) .ci/fuzz

bench: tools ## benchmarks: whole path, stores, index, codec; size, start and memory of the program
	AEOBOT_TEST_REQUIRE=1 go test -run '^$$' -bench . -benchmem ./...
	.ci/size
