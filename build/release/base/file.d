build/release/base/file.o: src/base/file.c src/base/file.h \
 src/base/error.h src/base/mem.h src/base/str.h
src/base/file.h:
src/base/error.h:
src/base/mem.h:
src/base/str.h:
