# The targets that check: included by the Makefile. Each closes with "N passed, N failed, N skipped".
#
#   check    unit, golden, corpora, wrong, layers, style, line, rules, ratios, abi: what every change must pass, in a
#            few minutes, without an engine
#   e2e      the program against a real engine        bench    figures beside their floors
#   faults   the program against an engine that misbehaves, and against whoever kills it (FAULTS: parts and options)
#   client-tsan, client-valgrind  the client library's unit tests under ThreadSanitizer, and under valgrind: a quarter
#            of an hour each, and no part of check; before a release, and after work on its threads
#   fuzz     libFuzzer, FUZZ_SECONDS for each target   analyse, tidy  gcc's analyser and cppcheck, clang-tidy: over src/
FUZZ_SECONDS ?= 30
JOBS         ?= $(shell nproc)
CLANG        ?= $(shell command -v clang-14 || command -v clang || echo clang)
CLANG_TIDY   ?= $(shell command -v clang-tidy-14 || command -v clang-tidy || echo clang-tidy)
CLANG_FORMAT ?= $(shell command -v clang-format-14 || command -v clang-format || echo clang-format)

.PHONY: abi client-tsan client-tsan-run client-valgrind client-valgrind-run
.PHONY: analyse style-kept style-page figures clang wrong line rules ratios style unit-run corpora-run fuzz-run

check:
	$(Q)scripts/tally unit golden corpora wrong layers style line rules ratios abi

# Everything of one kind is built before any of it runs, so that a warning is seen before a test is.
unit:
	$(Q)$(MAKE) -j$(JOBS) --no-print-directory VARIANT=asan BUILD=$(ASAN_BUILD) unit-run
unit-run: $(unit_bins)
	$(Q)scripts/run-unit $^

# The client library, whose callers bring threads, under what sees their races; and under what sees each use of memory
# that is not set, which ASan does not.
client_bins := $(filter $(BUILD)/unit/client%,$(unit_bins))
VALGRIND := valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --fair-sched=yes
client-tsan:
	$(Q)$(MAKE) -j$(JOBS) --no-print-directory VARIANT=tsan client-tsan-run
client-tsan-run: $(client_bins)
	$(Q)TSAN_OPTIONS='exitcode=66 second_deadlock_stack=1' scripts/run-unit $^
client-valgrind:
	$(Q)$(MAKE) -j$(JOBS) --no-print-directory VARIANT=plain client-valgrind-run
client-valgrind-run: $(client_bins)
	$(Q)RUNNER='$(VALGRIND)' UNIT_TIMEOUT=1200 scripts/run-unit $^

golden: all
	$(Q)scripts/run-golden

# By what is included, by what is linked, by the order inside of a room, and by what the texts name.
layers:
	$(Q)scripts/tally layers-included layers-linked layers-ordered layers-named
layers-included:
	$(Q)scripts/check-layers
layers-linked: all
	$(Q)scripts/check-circles $(BUILD)
layers-ordered:
	$(Q)scripts/check-order
layers-named:
	$(Q)scripts/check-names

style:
	$(Q)scripts/tally style-kept style-page
style-kept:
	$(Q)scripts/check-style
# The dashboard's page has rules of its own: size, and what a browser's policy would refuse.
style-page:
	$(Q)scripts/check-page
line:
	$(Q)scripts/check-line

# The rules' own tests: a fixture a rule, in tests/style. And how much of a test each room has.
rules:
	$(Q)scripts/check-rules
ratios:
	$(Q)scripts/figures --ratios

# What programs that use the client library were built against: src/client/interface.txt.
abi:
	$(Q)scripts/check-abi

# What must not compile: tables whose rows do not fit what they are about.
wrong:
	$(Q)CFLAGS='$(filter-out -MMD -MP -g,$(BASEFLAGS))' scripts/check-wrong '$(CC)' $(CLANG)

# What the source looks like, in numbers; `make figures BUILD_TOO=1` also measures the build.
figures: all
	$(Q)scripts/figures $(if $(BUILD_TOO),--build)

format:
	$(Q)$(CLANG_FORMAT) -i $(shell find src include tests -name '*.[ch]')

# Fuzz targets: tests/fuzz/fuzz_X.c links with the room of its first #include "room/…" and the rooms below that.
# A first line "/* room: NAME */" names another room.
ASAN_BUILD ?= build/asan
fuzz_srcs := $(wildcard tests/fuzz/fuzz_*.c)
fuzz_bins := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(fuzz_srcs))
fuzz_room = $(shell sed -n -e '1s/.*room: *\([a-z_]*\).*/\1/p' -e 's/^.include "\([a-z_]*\)\/.*/\1/p' $(1) | head -n 1)
fuzz_driver := $(if $(filter fuzz,$(VARIANT)),,tests/fuzz/driver.c)
fuzz_link := $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer)
define fuzz_rule
$(BUILD)/fuzz/$(basename $(notdir $(1))): $(1) $(fuzz_driver) \
    $(patsubst %,$(BUILD)/lib/%.a,$(call below,$(call fuzz_room,$(1))))
	@mkdir -p $$(@D)
	@echo "  FUZZ  $$<"
	$(Q)$(CC) $(filter-out -MMD -MP,$(ALLCFLAGS)) -o $$@ $$(filter %.c,$$^) \
	  -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(LDOPT) $(fuzz_link) $(PKG_LIBS) -lpthread $(LDFLAGS)
endef
$(foreach f,$(fuzz_srcs),$(eval $(call fuzz_rule,$(f))))

corpora:
	$(Q)$(MAKE) -j$(JOBS) --no-print-directory VARIANT=asan BUILD=$(ASAN_BUILD) corpora-run
corpora-run: $(fuzz_bins)
	$(Q)scripts/run-corpora $^

# New inputs are kept beside the build, not in the corpus: what is worth keeping is copied by hand.
fuzz:
	$(Q)$(MAKE) -j$(JOBS) --no-print-directory VARIANT=fuzz BUILD=build/fuzz CC=$(CLANG) fuzz-run
fuzz-run: $(fuzz_bins)
	$(Q)scripts/run-fuzz $(FUZZ_SECONDS) $^

# The second compiler: it must build without a warning as well.
clang:
	$(Q)if command -v $(CLANG) >/dev/null; then \
	  $(MAKE) -j$(JOBS) --no-print-directory CC=$(CLANG) BUILD=build/clang build/clang/apphost lib-shared && \
	  echo "1 passed, 0 failed, 0 skipped"; \
	else echo "clang is not installed" && echo "0 passed, 0 failed, 1 skipped"; fi

# Analysers over src/; the second time only what has changed. clang-tidy takes an hour, and says some things too much.
analysed = CLANG_TIDY='$(CLANG_TIDY)' JOBS=$(JOBS) scripts/analyse \
  $(filter-out -MMD -MP -g $(WERROR),$(BASEFLAGS)) -- $(wildcard src/*/*.c src/*.c)
analyse:
	$(Q)ANALYSERS='gcc cppcheck' $(analysed)
tidy:
	$(Q)ANALYSERS=tidy $(analysed)

e2e: all
	$(Q)scripts/run-e2e

# The same on other engines and over other ways to one (tests/ENGINES.md); the smoke variant, a newer Docker and Podman,
# takes about two minutes.
e2e-others: all
	$(Q)scripts/other-engines
e2e-others-smoke: all
	$(Q)scripts/other-engines --smoke

# The long form: every fault at every request, every signal at every moment. The suite has a sample of it.
FAULTS ?=
faults: all
	$(Q)tests/faults/harness $(FAULTS)

bench: all
	$(Q)tests/bench/run
