# A thin front for the CMake presets; `make` alone lists what there is. On Debian and Ubuntu it needs
# git and make, and installs the rest by itself (tools/bootstrap.sh).
.DEFAULT_GOAL := help
.PHONY: help run test test-big check bench bench-peer asan tsan arm64 fuzz install format clean

MODEL ?= builtin
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60

SAY := @printf '==> %s\n'
NEED := @tools/bootstrap.sh
HOST := $(shell . /etc/os-release 2>/dev/null; echo $$ID-$$(uname -m))
NO_TESTS = $(if $(wildcard build/release/build.ninja),,-DAEON_TESTS=OFF)
PEERS := tests/parity/node_modules/.package-lock.json

# $(call build,PRESET,CMAKE OPTIONS,TARGETS): build in build/PRESET; configure with the options, or
# where that was not done yet.
define build
	$(SAY) 'building in build/$(1)'
	@$(if $(2),,test -f build/$(1)/build.ninja ||) cmake --preset $(1) $(2) >/dev/null
	@cmake --build --preset $(1) $(if $(3),--target $(3))
endef

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

run: ## talk with the built-in model, or with another: make run MODEL=file.gguf
	$(NEED) build
	$(call build,release,$(NO_TESTS),aeon)
	@build/release/bin/aeon chat "$(MODEL)"

test: $(if $(filter debian-x86_64,$(HOST)),arm64,no-arm64) ## run every test
	$(NEED) test
	@$(MAKE) --no-print-directory $(if $(filter %-x86_64,$(HOST)),$(PEERS),no-peers)
	$(call build,release,-DAEON_TESTS=ON)
	$(SAY) 'running the tests'
	@ctest --preset release

test-big: ## run the tests that take minutes (8 GB of disk, 9 GB of memory)
	$(NEED) test
	$(call build,release,-DAEON_TESTS=ON)
	@ctest --preset big

check: ## hold the rules: layers, sizes, exports, banned functions, format, warnings
	$(NEED) check
	$(call build,release,-DAEON_TESTS=ON)
	$(call build,clang)
	$(SAY) 'checking the rules'
	@tools/check.py --library build/release

bench: $(if $(filter file,$(origin MODEL)),bench-targets,bench-model) ## measure speed beside its targets (15 minutes), or a model: make bench MODEL=builtin

bench-targets:
	$(NEED) test
	@$(MAKE) --no-print-directory $(if $(filter %-x86_64,$(HOST)),$(PEERS),no-peers)
	$(call build,release,$(NO_TESTS),aeon)
	@node bench/targets.mjs build/release/bin/aeon

bench-model:
	$(NEED) build
	$(call build,release,$(NO_TESTS),aeon bench_pages)
	@build/release/bin/aeon bench -m "$(MODEL)"
	$(SAY) 'forks, branches, resumed talks, company, known beginnings (build/release/bench/pages)'
	@build/release/bench/pages "$(MODEL)"

bench-peer: ## beside llama.cpp, in turns: make bench-peer MODEL=file.gguf
	$(NEED) test
	@$(MAKE) --no-print-directory $(PEERS)
	$(call build,release,$(NO_TESTS),aeon)
	@node bench/peer.mjs build/release/bin/aeon "$(MODEL)"

asan: ## run the unit tests under the address and undefined-behaviour sanitizers
	$(NEED) test
	$(call build,asan)
	@ctest --preset asan

tsan: ## run the unit tests under the thread sanitizer
	$(NEED) test
	$(call build,tsan)
	@ctest --preset tsan

arm64: ## cross-compile for 64-bit Arm and run the unit tests under qemu
	$(NEED) test
	$(NEED) arm64
	$(call build,arm64)
	$(SAY) 'running the unit tests for arm64 under qemu'
	@ctest --preset arm64

fuzz: ## run each fuzz program for FUZZ_SECONDS (60), from its corpus in build/fuzz/corpus
	$(NEED) fuzz
	$(call build,fuzz)
	@cd build/fuzz && for program in bin/fuzz_*; do \
	    name=$${program#bin/fuzz_}; mkdir -p corpus/$$name; \
	    echo "==> fuzzing $$name for $(FUZZ_SECONDS) seconds (build/fuzz/$$name.log)"; \
	    $$program -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 \
	        -print_final_stats=1 corpus/$$name >$$name.log 2>&1 || { tail -50 $$name.log; exit 1; }; \
	    grep number_of_executed_units $$name.log; done

install: ## install program, libraries and headers under PREFIX (/usr/local)
	$(NEED) build
	$(call build,release,$(NO_TESTS),aeon aeon_shared aeon_static)
	@DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)"
	@test -n "$(DESTDIR)" || ldconfig 2>/dev/null || true # so that programs find the library at once

format: ## format the C code
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean: ## remove everything that was built
	rm -rf build tests/parity/node_modules

$(PEERS): tests/parity/package-lock.json
	$(SAY) 'installing the peers of the parity tests (npm)'
	@cd tests/parity && npm ci --ignore-scripts --omit=optional --loglevel=error
	@touch $@

.PHONY: no-arm64 no-peers bench-targets bench-model
no-arm64:
	$(SAY) 'skipping the arm64 tests: they need Debian on x86-64'
no-peers:
	$(SAY) 'skipping the parity tests: their peers are built for x86-64'
