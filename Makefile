# The recipes that people and CI use. `make` alone lists them.
.POSIX:
SHELL = /bin/sh
CARGO = cargo
SECONDS = 60

.PHONY: help demo test long story build page lint check doc unit worker-test python-test wheel-test shell-test page-test firefox-test review bench fuzz advisories install clean tools wheels wheel deb

help: ## list the recipes
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1 - /'

demo: tools page ## build everything and show the main story on a demo project (KEEP=1 leaves the daemon running)
	$(CARGO) build --release --locked
	@KEEP="$(KEEP)" examples/demo/demo.sh

test: tools page wheels lint check doc unit worker-test python-test wheel-test shell-test page-test ## install what the tests need and run every check, as CI does

story: ## record the demo as docs/story.svg, which the READMEs show
	$(CARGO) build --release --locked
	python3 examples/demo/record.py docs/story.svg

build: page ## build all programs for daily use
	$(CARGO) build --release --locked

wheel: page ## build the wheel of this machine into target/wheels, for every Linux of the last ten years
	@.ci/package wheel

deb: page ## build the Debian package of this machine into target/debian
	@.ci/package deb

page: ## build the page into web/page/dist, which the daemon is built with (needs Node)
	@.ci/page

lint: ## formatting, clippy with and without the daemon
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --lib --bins --no-default-features -- -D warnings

check: ## spelling, crates that nothing uses, licences and sources of crates, the oldest Rust, macOS
	@.ci/check

doc: ## rustdoc without warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --document-private-items

unit: ## unit and integration tests, real pip and a real daemon among them, and the unit tests without the daemon
	$(CARGO) test --locked
	$(CARGO) test --locked --lib --no-default-features

long: ## tests that take minutes, such as 500 projects on 1,024 descriptors
	$(CARGO) test --locked --lib --test suite -- --ignored

worker-test: ## the Python worker alone, on each Python that is there
	tests/worker/run

python-test: ## what Python programs and kernels import of us, with real pip and real kernels
	$(CARGO) build --locked
	tests/python/run

wheel-test: page ## the wheel: build it of what is built already, install it as people do, and run the main story from it
	tests/wheel/run

shell-test: ## shellcheck on every shell script
	shellcheck -x -s bash shims/shell/start.bash shims/shell/guide.bash
	shellcheck -x -s sh shims/shell/start.sh shims/shell/activate.sh
	shellcheck -x examples/demo/demo.sh tests/pythons tests/worker/run tests/python/run tests/wheel/run shims/editors/marimo.sh .ci/run .ci/tools .ci/fetch .ci/check .ci/page .ci/package

page-test: page ## the page: generated types, lint, unit tests, and a real browser against a real daemon
	@if command -v npm >/dev/null; then cd web && npm run check && npm run test:browser; \
	else echo 'skipped: npm is not here'; fi

firefox-test: page ## the page in Firefox, with real composition of Hangul (needs firefox-esr; page-test runs Chromium)
	$(CARGO) build --locked
	cd web && npm run test:firefox

fuzz: ## feed the classifier, the log's cleaner and the messages of language servers with chance (needs cargo-fuzz; SECONDS=60 each)
	@for target in classifier log_text language_server; do \
		RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run --fuzz-dir fuzz $$target -- -max_total_time=$(SECONDS) || exit 1; \
	done

review: ## remake what tests compare: completions, man pages, docs/environment.md, settings.md, codes.md, messages.md, api.md, openapi.json
	AIM_UPDATE=1 $(CARGO) test --locked --test suite -- generated manual screens shapes

bench: ## measure the speeds that docs/benchmarks.md notes, as ratios in one run
	$(CARGO) bench --locked --bench ratios

advisories: tools ## what is known of faults in the crates (asks the network)
	PATH="$$PWD/target/tools/bin:$$PATH" cargo-deny check advisories

install: page ## put the programs into ~/.cargo/bin
	$(CARGO) install --locked --path .

clean: ## remove everything that was built
	$(CARGO) clean

tools: ## what the recipes need beyond Rust, Python 3 and Node
	@.ci/tools

wheels: ## download the released pips, uv and tools that tests compare with (once, into target/test-wheels)
	@.ci/fetch
