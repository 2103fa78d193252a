# Packages, made from what git has of the tree: included by the Makefile. packaging/README.md says where each was tried.
#
#   deb       build/deb/*.deb: apphost, libapphost0, libapphost-dev, looked over by lintian
#   rpm       build/rpm/*.rpm: apphost, libapphost0, libapphost-devel
#   tarball   build/dist/apphost-VERSION-linux-ARCH.tar.gz: a static program that runs anywhere; scripts/install
#   image     build/dist/apphost-VERSION-linux-ARCH.oci.tar: the same program alone, for `docker load`
#
# What a target needs is installed by scripts/deps where we are root, and named otherwise.
DEB  := build/deb
RPM  := build/rpm
DIST := build/dist
ARCH ?= $(shell dpkg --print-architecture 2>/dev/null || uname -m)

.PHONY: deb rpm tarball image static-libraries
deb:
	$(Q)scripts/deps build package
	$(Q)packaging/deb $(DEB) $(VERSION)

rpm:
	$(Q)scripts/deps build rpm
	$(Q)packaging/rpm $(RPM) $(VERSION)

# ---- the static program, by another make with the compiler and the libraries of packaging/static ----

STATIC := build/static-$(ARCH)
TREES  := build/trees-$(ARCH)
within := $(CURDIR)/$(STATIC)/libraries
STATIC_CC ?= $(within)/cc
# make variables of a build with what is within; LIBRARY_WITHIN fills the tables of src/library with addresses.
static_build = BUILD=$(STATIC) CC="$(STATIC_CC)" WERROR= PKG_INC=-I$(within)/include \
  CFLAGS='-DLIBRARY_WITHIN -DNCURSES_STATIC -include $(CURDIR)/packaging/static/musl.h -ffile-prefix-map=$(CURDIR)=.' \
  PKG_LIBS='-L$(within)/lib -lmd -lcurl -lmicrohttpd -luv -lyaml -lcjson -lssl -lcrypto -ledit -ltinfo -lmore' \
  LDOPT='-Wl,-z,relro,-z,now -Wl,--gc-sections' PROGRAM_LDOPT= \
  INSTALL_STRIP=-s SELF=$(CURDIR)/$(BUILD)/apphost
dist_name = apphost-$(VERSION)-linux-$(ARCH)

static-libraries:
	$(Q)scripts/deps build static-$(ARCH)
	$(Q)packaging/static/libraries $(within) $(ARCH)

# $(call installed_as,tarball or image): the program, said to be installed so, in its tree $(TREES)/…, by PREFIX
# (One after the other: the two differ in one object.)
installed_as = exec 9>$(STATIC)/lock && flock 9 && rm -rf $(TREES)/$(1) && \
  $(MAKE) --no-print-directory $(static_build) INSTALLED=$(1) DESTDIR=$(CURDIR)/$(TREES)/$(1) PREFIX=$(2) \
    install-program && \
  packaging/docs $(TREES)/$(1)$(2)/share/doc/apphost && \
  rm -rf $(TREES)/$(1)$(2)/share/man/man3 $(TREES)/$(1)$(2)/share/man/man7/libapphost.7 && \
  cp -r $(within)/licenses $(TREES)/$(1)$(2)/share/doc/apphost/ && \
  packaging/sbom $(VERSION) $(ARCH) $(TREES)/$(1)$(2)/bin/apphost $(within)/components.tsv \
    >$(TREES)/$(1)$(2)/share/doc/apphost/sbom.cdx.json

tarball: static-libraries $(BUILD)/apphost
	$(Q)$(call installed_as,tarball,)
	$(Q)packaging/tarball $(TREES)/tarball $(DIST) $(dist_name)
	$(Q)cp $(TREES)/tarball/share/doc/apphost/sbom.cdx.json $(DIST)/$(dist_name).cdx.json
	$(Q)cp scripts/install $(DIST)/
	$(Q)packaging/sums $(DIST) $(dist_name).cdx.json install

image: static-libraries $(BUILD)/apphost
	$(Q)$(call installed_as,image,/usr)
	$(Q)rm -rf $(TREES)/image/usr/share/man $(TREES)/image/usr/share/*-completion* \
	  $(TREES)/image/usr/share/zsh $(TREES)/image/usr/share/fish
	$(Q)packaging/image $(TREES)/image $(DIST)/$(dist_name).oci.tar apphost:$(VERSION) $(ARCH)
	$(Q)packaging/sums $(DIST) $(dist_name).oci.tar
