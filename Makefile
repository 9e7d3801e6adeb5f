# The one test command. Installs what the tests need beyond Go, then checks and tests everything.
.PHONY: test
test:
	./test

# Long: 200 random kills, half in each arrangement of processes, or KILLS=n. The figures are printed at the end.
KILLS ?= 200
.PHONY: torture
torture:
	AB2D_TORTURE=$(KILLS) AB2D_TEST_SERVERS=require go test ./cmd/ab2d -run TestRandomKills -v -count=1 -timeout 4h
