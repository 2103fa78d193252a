# Packages, made from what git has of the tree: included by the Makefile.
#
#   deb       build/deb/*.deb: apphost, libapphost0, libapphost-dev, looked over by lintian
#
# What a target needs is installed by scripts/deps where we are root, and named otherwise.
DEB := build/deb

.PHONY: deb
deb:
	$(Q)scripts/deps build package
	$(Q)packaging/deb $(DEB) $(VERSION)
