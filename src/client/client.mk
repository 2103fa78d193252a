# libapphost: shared and static, its pkg-config file and CMake package, its installation, its bench. Included by the top
# Makefile, or alone:
#     make -f src/client/client.mk BUILD=build/client lib-shared
#
# Only apphost_* leaves the library: the linker's version script sees to it in the shared one, objcopy in the static
# one, which is a single object made of all.
PREFIX  ?= /usr/local
CC      ?= gcc
VERSION ?= 0.1.0
BUILD   ?= build/release
Q       ?= @
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
CLIENT_SOVERSION := $(firstword $(subst ., ,$(VERSION)))

CLIENT_PKGS   := openssl libcjson libzstd
CLIENT_CFLAGS ?= -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
CLIENT_FLAGS  := -std=c11 -Wall -Wextra -Wpedantic -Wshadow $(WERROR) \
                 -D_GNU_SOURCE -DAPPHOST_VERSION='"$(VERSION)"' -Isrc -Iinclude \
                 -fPIC -fno-semantic-interposition -MMD -MP $(shell pkg-config --cflags $(CLIENT_PKGS))
CLIENT_LIBS   := $(shell pkg-config --libs $(CLIENT_PKGS)) -lpthread
CLIENT_CMAKE_LIBS := $(shell printf '%s;' $(patsubst -l%,%,$(filter -l%,$(CLIENT_LIBS))))
CLIENT_DIR    := $(BUILD)/libapphost
CLIENT_OBJS   := $(patsubst src/%.c,$(CLIENT_DIR)/%.o,$(wildcard src/resp/*.c src/client*/*.c))
CLIENT_SO     := libapphost.so.$(VERSION)
CLIENT_SONAME := libapphost.so.$(CLIENT_SOVERSION)

.PHONY: lib-static lib-shared install-client uninstall-client bench-client client-symbols
lib-static: $(CLIENT_DIR)/libapphost.a
lib-shared: $(CLIENT_DIR)/$(CLIENT_SO) $(CLIENT_DIR)/apphost.pc

$(CLIENT_DIR)/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  CC    $< (library)"
	$(Q)$(CC) $(CLIENT_FLAGS) $(CLIENT_CFLAGS) -c -o $@ $<

$(CLIENT_DIR)/apphost.map:
	@mkdir -p $(@D)
	$(Q)printf 'APPHOST_%s {\n  global: apphost_*;\n  local: *;\n};\n' $(CLIENT_SOVERSION) > $@

$(CLIENT_DIR)/$(CLIENT_SO): $(CLIENT_OBJS) $(CLIENT_DIR)/apphost.map
	@echo "  LINK  $@"
	$(Q)$(CC) -shared -Wl,-soname,$(CLIENT_SONAME) -Wl,--version-script=$(CLIENT_DIR)/apphost.map -Wl,-z,defs \
	    -Wl,-z,relro,-z,now -Wl,-Bsymbolic-functions -Wl,--as-needed -o $@ $(CLIENT_OBJS) $(CLIENT_LIBS) $(LDFLAGS)
	$(Q)ln -sf $(CLIENT_SO) $(CLIENT_DIR)/$(CLIENT_SONAME)
	$(Q)ln -sf $(CLIENT_SONAME) $(CLIENT_DIR)/libapphost.so

$(CLIENT_DIR)/libapphost.a: $(CLIENT_OBJS)
	@echo "  AR    $@"
	$(Q)ld -r -o $(CLIENT_DIR)/all.o $(CLIENT_OBJS)
	$(Q)objcopy --wildcard --keep-global-symbol='apphost_*' $(CLIENT_DIR)/all.o
	$(Q)rm -f $@ && ar rcs $@ $(CLIENT_DIR)/all.o

$(CLIENT_DIR)/apphost.pc: src/client/apphost.pc.in
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
	    -e 's|@VERSION@|$(VERSION)|' -e 's|@PKGS@|$(CLIENT_PKGS)|' $< > $@

# What the libraries export, checked: nothing but apphost_*, and just what the headers declare.
client-symbols: lib-shared lib-static
	$(Q)! nm -D --defined-only $(CLIENT_DIR)/$(CLIENT_SO) | awk '$$2 != "A" {print $$3}' | grep -v '^apphost_'
	$(Q)! nm -g --defined-only $(CLIENT_DIR)/libapphost.a | awk 'NF == 3 {print $$3}' | grep -v '^apphost_'
	$(Q)grep -Ev '^(typedef|struct [a-z_]+:)' src/client/interface.txt | \
	    sed -n 's/^[^ ].*\b\(apphost_[a-z0-9_]*\)(.*/\1/p' | sort > $(CLIENT_DIR)/declared
	$(Q)nm -D --defined-only $(CLIENT_DIR)/$(CLIENT_SO) | awk '$$2 == "T" {sub(/@.*/, "", $$3); print $$3}' | sort | \
	    diff $(CLIENT_DIR)/declared -

install-client: lib-shared lib-static
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)/apphost $(DESTDIR)$(PREFIX)/share/man/man3 \
	    $(DESTDIR)$(PREFIX)/share/apphost
	install -m 755 $(CLIENT_DIR)/$(CLIENT_SO) $(DESTDIR)$(LIBDIR)/$(CLIENT_SO)
	ln -sf $(CLIENT_SO) $(DESTDIR)$(LIBDIR)/$(CLIENT_SONAME)
	ln -sf $(CLIENT_SONAME) $(DESTDIR)$(LIBDIR)/libapphost.so
	install -m 644 $(CLIENT_DIR)/libapphost.a $(DESTDIR)$(LIBDIR)/libapphost.a
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
	    -e 's|@VERSION@|$(VERSION)|' -e 's|@PKGS@|$(CLIENT_PKGS)|' src/client/apphost.pc.in \
	    > $(DESTDIR)$(LIBDIR)/pkgconfig/apphost.pc
	install -d $(DESTDIR)$(LIBDIR)/cmake/apphost
	for file in apphost-config apphost-config-version; do \
	  sed -e 's|@INCLUDE@|$(shell realpath -m --relative-to=$(LIBDIR) $(INCLUDEDIR))|' -e 's|@VERSION@|$(VERSION)|' \
	      -e 's|@MAJOR@|$(CLIENT_SOVERSION)|' -e 's|@SONAME@|$(CLIENT_SONAME)|' \
	      -e 's|@LIBS@|$(CLIENT_CMAKE_LIBS)|' \
	      src/client/$$file.cmake.in > $(DESTDIR)$(LIBDIR)/cmake/apphost/$$file.cmake; done
	install -m 644 include/apphost/*.h $(DESTDIR)$(INCLUDEDIR)/apphost/
	install -m 644 man/*.3 $(DESTDIR)$(PREFIX)/share/man/man3/
	install -Dm 644 man/libapphost.7 $(DESTDIR)$(PREFIX)/share/man/man7/libapphost.7
	install -m 644 src/client/ConfigurationSchema.json $(DESTDIR)$(PREFIX)/share/apphost/ConfigurationSchema.json

uninstall-client:
	rm -f $(DESTDIR)$(LIBDIR)/libapphost.a $(DESTDIR)$(LIBDIR)/libapphost.so* $(DESTDIR)$(LIBDIR)/pkgconfig/apphost.pc
	rm -rf $(DESTDIR)$(LIBDIR)/cmake/apphost
	rm -rf $(DESTDIR)$(INCLUDEDIR)/apphost $(DESTDIR)$(PREFIX)/share/apphost/ConfigurationSchema.json
	rm -f $(DESTDIR)$(PREFIX)/share/man/man7/libapphost.7
	cd man && for page in *.3; do rm -f $(DESTDIR)$(PREFIX)/share/man/man3/$$page; done

# The bench compares with hiredis by hand, and with redis-benchmark as the limit; the second is about a slow link, the
# third about hits in the process, idleness and failover; the last does the same work as a .NET program beside it, where
# there is an SDK. Each starts redis-servers of its own.
$(CLIENT_DIR)/bench_client: tests/bench/client/bench_client.c $(CLIENT_DIR)/libapphost.a
	@echo "  LINK  $@"
	$(Q)$(CC) -std=c11 -O2 -g -Wall -Wextra -D_GNU_SOURCE -Iinclude -o $@ $< $(CLIENT_DIR)/libapphost.a \
	    $(CLIENT_LIBS) $(shell pkg-config --cflags --libs hiredis)

$(CLIENT_DIR)/bench_link: tests/bench/client/bench_link.c $(CLIENT_DIR)/libapphost.a
	@echo "  LINK  $@"
	$(Q)$(CC) -std=c11 -O2 -g -Wall -Wextra -D_GNU_SOURCE -Iinclude -o $@ $< $(CLIENT_DIR)/libapphost.a $(CLIENT_LIBS)

$(CLIENT_DIR)/bench_quiet: tests/bench/client/bench_quiet.c $(CLIENT_DIR)/libapphost.a
	@echo "  LINK  $@"
	$(Q)$(CC) -std=c11 -O2 -g -Wall -Wextra -D_GNU_SOURCE -Iinclude -o $@ $< $(CLIENT_DIR)/libapphost.a \
	    $(CLIENT_LIBS) $(shell pkg-config --cflags --libs hiredis)

$(CLIENT_DIR)/bench_beside: tests/bench/client/bench_beside.c $(CLIENT_DIR)/libapphost.a
	@echo "  LINK  $@"
	$(Q)$(CC) -std=c11 -O2 -g -Wall -Wextra -D_GNU_SOURCE -Iinclude -o $@ $< $(CLIENT_DIR)/libapphost.a $(CLIENT_LIBS)

bench-client: $(addprefix $(CLIENT_DIR)/bench_,client link quiet beside)
	$(Q)$(CLIENT_DIR)/bench_client
	$(Q)$(CLIENT_DIR)/bench_link
	$(Q)$(CLIENT_DIR)/bench_quiet
	$(Q)tests/bench/client/beside $(CLIENT_DIR)/bench_beside

# The C side of the tests with .NET (tests/dotnet).
.PHONY: dotnet-peer
dotnet-peer: build/dotnet/peer
build/dotnet/peer: tests/dotnet/peer.c $(CLIENT_DIR)/libapphost.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	$(Q)$(CC) -std=c11 -O2 -g -Wall -Wextra -D_GNU_SOURCE -Iinclude -o $@ $< $(CLIENT_DIR)/libapphost.a $(CLIENT_LIBS)

-include $(CLIENT_OBJS:.o=.d)
