# The one test command. Installs what the tests need beyond Go, then checks and tests everything.
.PHONY: test
test:
	./test

# The public suites and clients in a directory of clones, against a sandbox: make conformance SUITES=directory
.PHONY: conformance
conformance:
	tools/conformance $(SUITES)

# The program, with its version from the build information.
.PHONY: build
build:
	CGO_ENABLED=0 go build -buildvcs=auto -trimpath -o ab2d ./cmd/ab2d

# What a release consists of, written to dist/: static programs, lists of their components, .deb, .rpm, an image for containers, completions,
# manual pages and SHA256SUMS. TARGETS=linux/amd64,... builds fewer. The first run takes minutes for each platform.
TARGETS ?= linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64
.PHONY: release
release:
	go -C tools/release run . -source $(CURDIR) -out $(CURDIR)/dist -targets $(TARGETS)

# Long: builds a release twice, compares the bytes, and runs what is in the image and in the packages.
.PHONY: release-check
release-check:
	cd tools/release && go vet . && AB2D_RELEASE_TARGETS=$(TARGETS) go test . -v -count=1 -timeout 2h

# What a change should pass before it is committed: format, vet, lint and the short tests. Under a minute once the caches are warm.
.PHONY: check
check: lint
	@unformatted=$$(gofmt -l client cmd deploy docs internal interop validate); if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go test -short ./...

# golangci-lint, in the version that tools/lint.mod pins. The first run builds it, which takes minutes.
.PHONY: lint
lint:
	go tool -modfile=tools/lint.mod golangci-lint run ./...

# Alerts, the dashboard and the Kubernetes manifests, by the libraries of Prometheus and Kubernetes: a module of its own. The first run compiles for a minute.
.PHONY: check-deploy
check-deploy:
	cd deploy/check && go vet ./... && go test ./...

# Known vulnerabilities of what the program uses, by govulncheck. Where its database at vuln.go.dev cannot be reached, this says so and checks nothing.
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.1.4
.PHONY: vulnerabilities
vulnerabilities:
	@if curl -fsS --max-time 10 -o /dev/null https://vuln.go.dev/index/db.json; then go run $(GOVULNCHECK) ./...; \
	else echo "govulncheck was not run: its database at https://vuln.go.dev cannot be reached from here."; fi

# The short tests of packages with goroutines under the race detector. Continuous integration runs this after make test.
.PHONY: race-short
race-short:
	tools/race

# Long: all tests under the race detector.
.PHONY: race
race:
	AB2D_TEST_SERVERS=require go test -race -vet=off -timeout 2h ./...

# Long: 200 random kills, half in each arrangement of processes, or KILLS=n. The figures are printed at the end.
# First, a server under attack for ATTACK.
# Then ab2d export, killed up to 60 times in each of EXPORTS exports.
# Then the tests that AB2D_TEST_LONG makes longer: everything of all sponsors, crashes during exports of everything, a claims file cut at every byte.
KILLS ?= 200
EXPORTS ?= 10
ATTACK ?= 90s
.PHONY: torture
torture:
	AB2D_TORTURE_ATTACK=$(ATTACK) AB2D_TEST_SERVERS=require go test ./cmd/ab2d -run TestUnderAttack -v -count=1 -timeout 1h
	AB2D_TORTURE=$(KILLS) AB2D_TEST_SERVERS=require go test ./cmd/ab2d -run TestRandomKills -v -count=1 -timeout 4h
	AB2D_TORTURE_EXPORT=$(EXPORTS) go test ./cmd/ab2d -run TestExportKill9 -v -count=1 -timeout 4h
	AB2D_TEST_LONG=1 AB2D_TEST_SERVERS=require go test ./cmd/ab2d ./internal/feed -run 'TestScript/sponsors|TestCrash|TestCutAnywhere' -v -count=1 -timeout 4h

# Long: the drills of docs/operating.md, which print what they did. The release before this one runs beside it while exports run; a backup is restored;
# a server lives a simulated year on SQLite and on PostgreSQL.
.PHONY: drill
drill:
	AB2D_TEST_LONG=1 AB2D_TEST_SERVERS=require go test ./cmd/ab2d -run 'TestUpgradeUnderLoad|TestOlderDataDirectories|TestRestoreDrill' -v -count=1 -timeout 1h
	AB2D_TEST_LONG=1 AB2D_TEST_SERVERS=require go test ./internal/store -run TestAYear -v -count=1 -timeout 1h

# Long: N histories of faults in virtual time, from seed SEED on, and as many of imports and mirrors; the count, the rate, what was covered, and the seed of
# what failed, with the faults that are enough to make it fail (docs/reliability.md).
# Then each mutant within 1,000 histories, and POSTGRES histories in real time on a real PostgreSQL.
N ?= 10000
SEED ?= 1
POSTGRES ?= 20
.PHONY: simulate
simulate:
	AB2D_SIMULATE=$(N) AB2D_SIMULATE_SEED=$(SEED) go test ./internal/simulation -run 'TestSimulation|TestImports' -v -count=1 -timeout 24h
	go test ./internal/simulation -run TestMutants -v -count=1 -timeout 24h
	AB2D_SIMULATE_POSTGRES=$(POSTGRES) AB2D_SIMULATE_SEED=$(SEED) AB2D_TEST_SERVERS=require go test ./internal/simulation -run TestPostgres -v -count=1 -timeout 24h

# Long: time and memory of a large export on 1, 2 and 4 worker processes, on PostgreSQL, files thrown away (ENROLLEES=n, SINCE=instant or empty for all);
# and how long requests take while an export runs in the same process.
ENROLLEES ?= 1000000
SINCE ?= 2026-05-24T00:00:00Z
.PHONY: scale
scale:
	AB2D_SCALE=$(ENROLLEES) AB2D_SCALE_SINCE=$(SINCE) AB2D_TEST_SERVERS=require go test ./cmd/ab2d -run 'TestScale|TestLatency' -v -count=1 -timeout 4h

# The table of docs/performance.md: what was measured against what must be reached, with the machine's limits in the same run. PROFILES=dir for profiles.
# bench.md is the table in Markdown. Each run adds a line to bench/history.jsonl. Commit the line only if the machine was quiet.
.PHONY: bench
bench:
	go run ./cmd/bench -json bench.json -markdown bench.md -history bench/history.jsonl $(if $(PROFILES),-profiles $(PROFILES))

# A few ratios of processor time, which hardly depend on the machine. Fails if one got worse by more than a third since the last run in
# bench/history.jsonl that has it. Continuous integration runs this.
.PHONY: bench-ratios
bench-ratios:
	go run ./cmd/bench -only '^ratios$$' -compare bench/history.jsonl
