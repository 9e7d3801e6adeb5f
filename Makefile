# The one test command. Installs what the tests need beyond Go, then checks and tests everything.
.PHONY: test
test:
	./test
