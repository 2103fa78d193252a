# apphost: see README.md. `make` builds the program, `make check` the fast tests, `make e2e` the tests on a real engine.
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= gcc
V       ?= 0
VERSION := 0.1.0
# How the program will have come to its place: source, package, tarball or image (base/installed.h).
INSTALLED ?= source

# A variant is a build folder of its own, so that sanitized and release objects never mix.
VARIANT ?= release
BUILD   ?= build/$(VARIANT)
Q       := $(if $(filter 1,$(V)),,@)

PKGS     := libmd libcurl libuv yaml-0.1 libcjson openssl hiredis libmicrohttpd libzstd
PKG_INC  := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings -Wformat=2 \
  -fno-common
WERROR ?= -Werror
BASEFLAGS := -std=c11 $(WARN) $(WERROR) -D_GNU_SOURCE -DAPPHOST_VERSION='"$(VERSION)"' -Isrc -Iinclude $(PKG_INC) \
  -MMD -MP -g
ifeq ($(VARIANT),release)
  OPT := -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -ffunction-sections -fdata-sections
  LDOPT := -pie -Wl,-z,relro,-z,now -Wl,--as-needed -Wl,--gc-sections
  # The tables are full of pointers: packed, their relocations take a tenth of a tenth.
  PROGRAM_LDOPT := -Wl,-z,pack-relative-relocs
  # Nothing unwinds the program's stack; what a debugger needs stands in .debug_frame.
  PROGRAM_OPT = -fno-asynchronous-unwind-tables -fno-unwind-tables $(if $(is_small),-Os)
  # What is done for each byte or line is made fast; what is done once a command or an event is made small.
  FAST_ROOMS := logs resp
  is_small = $(filter-out $(FAST_ROOMS),$(*D))
else ifeq ($(VARIANT),asan)
  OPT := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
  LDOPT := -fsanitize=address,undefined
else ifeq ($(VARIANT),tsan)
  OPT := -O1 -fsanitize=thread -fno-omit-frame-pointer
  LDOPT := -fsanitize=thread
else ifeq ($(VARIANT),fuzz)
  OPT := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer
  LDOPT := -fsanitize=address,undefined
endif
ALLCFLAGS = $(BASEFLAGS) $(OPT) $(OF_THIS_FILE) $(CFLAGS)

ROOMS := $(shell sed -n 's/^\([a-z_]*\)\**:.*/\1/p' scripts/layers.txt)
room_objs = $(patsubst src/%.c,$(BUILD)/%.o,$(wildcard src/$(1)/*.c))
PROGRAM_ROOMS := $(filter-out client%,$(ROOMS))
# The dashboard's page is packed into its room.
page_files := $(wildcard src/dashboard/page/*)
page_objs := $(BUILD)/page/page_table.o $(BUILD)/page/page_data.o
more_objs = $(if $(filter dashboard,$(1)),$(page_objs))
MAIN_OBJ := $(BUILD)/main.o

.PHONY: ALWAYS all check e2e fuzz bench tidy install install-program uninstall clean unit golden style layers \
  corpora format
all: $(BUILD)/apphost lib-static lib-shared
	$(Q)ln -sf $(abspath $(BUILD)/apphost) build/apphost

$(BUILD)/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(ALLCFLAGS) $(PROGRAM_OPT) -c -o $@ $<

# Compiled anew when it is another than the last time.
$(BUILD)/installed: ALWAYS
	@mkdir -p $(@D)
	$(Q)echo $(INSTALLED) | cmp -s - $@ || echo $(INSTALLED) >$@
$(BUILD)/base/installed.o: $(BUILD)/installed
$(BUILD)/base/installed.o: private OF_THIS_FILE := -DAPPHOST_INSTALLED='"$(INSTALLED)"'
ALWAYS:

# A folder beside page.c: no rule of make's own makes a program of it.
src/dashboard/page: ;
$(BUILD)/page/page_table.c: scripts/embed-page $(page_files) src/dashboard/page
	$(Q)scripts/embed-page $(BUILD)/page $(page_files)
$(BUILD)/page/page_table.o: $(BUILD)/page/page_table.c
	$(Q)$(CC) $(ALLCFLAGS) -c -o $@ $<
$(BUILD)/page/page_data.o: $(BUILD)/page/page_table.c
	$(Q)$(CC) -c -o $@ $(BUILD)/page/page_data.S

# One archive a room: a unit test links its room and the rooms below it, nothing else.
define room_rule
$(BUILD)/lib/$(1).a: $(call room_objs,$(1)) $(call more_objs,$(1))
	@mkdir -p $$(@D)
	$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

$(BUILD)/apphost: $(MAIN_OBJ) $(patsubst %,$(BUILD)/lib/%.a,$(PROGRAM_ROOMS))
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDOPT) $(PROGRAM_LDOPT) -o $@ $(MAIN_OBJ) \
	  -Wl,--start-group $(patsubst %,$(BUILD)/lib/%.a,$(PROGRAM_ROOMS)) -Wl,--end-group $(PKG_LIBS) $(LDFLAGS)

# Unit tests: tests/unit/ROOM/test_*.c, each a program of its own; helpers shared by a room's tests are the other .c
# files there.
unit_srcs := $(wildcard tests/unit/*/test_*.c)
unit_bins := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(unit_srcs))
below = $(shell awk -v r=$(1) -F '[*]?:' '/^[a-z]/ { d[$$1] = $$2 } \
  function go(x,    a, n, i) { if (x ~ "/" || s[x]++) return; n = split(d[x], a, " "); while (++i <= n) go(a[i]) } \
  END { go(r); for (x in s) printf "%s ", x }' scripts/layers.txt)
unit_helpers = $(filter-out $(wildcard tests/unit/$(1)/test_*.c),$(wildcard tests/unit/$(1)/*.c))
define unit_rule
$(BUILD)/unit/$(1)/%: tests/unit/$(1)/%.c $(call unit_helpers,$(1)) $(patsubst %,$(BUILD)/lib/%.a,$(call below,$(1)))
	@mkdir -p $$(@D)
	@echo "  TEST  $$<"
	$(Q)$(CC) $(filter-out -MMD -MP,$(ALLCFLAGS)) -Itests/unit/$(1) -o $$@ $$(filter %.c,$$^) \
	  -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(LDOPT) $(PKG_LIBS) -lcmocka -lpthread $(LDFLAGS)
endef
$(foreach r,$(sort $(patsubst tests/unit/%/,%,$(dir $(unit_srcs)))),$(eval $(call unit_rule,$(r))))

unit-build: $(unit_bins)
unit-%: ; $(Q)$(MAKE) --no-print-directory VARIANT=asan unit-room ROOM=$*
unit-room: $(filter $(BUILD)/unit/$(ROOM)/%,$(unit_bins))
	$(Q)scripts/run-unit $^

include tests/checks.mk

# The binary is stripped, unless a packager does it and says so with an empty INSTALL_STRIP; man pages and the shells'
# completions go where Debian's and most others' tools look.
INSTALL_STRIP ?= -s
bindir ?= $(PREFIX)/bin
mandir ?= $(PREFIX)/share/man
compdir ?= $(PREFIX)/share
man_pages := $(wildcard man/*.[1-8])
completions := bash:bash-completion/completions/apphost zsh:zsh/site-functions/_apphost \
  fish:fish/vendor_completions.d/apphost.fish
# What the program prints of itself, from its tables: hidden command, file.
generated := __man:$(mandir)/man1/apphost.1 __manifest-man:$(mandir)/man5/apphost.yaml.5 \
  __publish-man:$(mandir)/man7/apphost-publish.7 \
  __schema:$(compdir)/apphost/apphost.schema.json

# SELF is the program that prints them: another one where what is installed does not run on this machine.
SELF ?= $(BUILD)/apphost

install: all install-client install-program
install-program: $(BUILD)/apphost
	install -D $(INSTALL_STRIP) -m 755 $(BUILD)/apphost $(DESTDIR)$(bindir)/apphost
	$(Q)set -e; for page in $(man_pages); do \
	  echo "install $$page"; \
	  install -D -m 644 $$page $(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/}; \
	done
	install -D -m 644 docs/apphost-report.schema.json $(DESTDIR)$(compdir)/apphost/apphost-report.schema.json
	$(Q)set -e; for pair in $(completions); do \
	  echo "install $${pair#*:}"; \
	  mkdir -p $(DESTDIR)$(compdir)/$$(dirname $${pair#*:}); \
	  $(SELF) completion $${pair%%:*} >$(DESTDIR)$(compdir)/$${pair#*:}; \
	done
	$(Q)set -e; for pair in $(generated); do \
	  echo "install $${pair#*:}"; \
	  mkdir -p $(DESTDIR)$$(dirname $${pair#*:}); \
	  $(SELF) $${pair%%:*} >$(DESTDIR)$${pair#*:}; \
	done

uninstall: uninstall-client
	rm -f $(DESTDIR)$(bindir)/apphost
	rm -f $(foreach page,$(man_pages),$(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
	rm -f $(DESTDIR)$(compdir)/apphost/apphost-report.schema.json
	rm -f $(foreach pair,$(completions),$(DESTDIR)$(compdir)/$(word 2,$(subst :, ,$(pair))))
	rm -f $(foreach pair,$(generated),$(DESTDIR)$(word 2,$(subst :, ,$(pair))))

include src/client/client.mk
include packaging/packaging.mk

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

clean:
	rm -rf build
