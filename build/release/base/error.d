build/release/base/error.o: src/base/error.c src/base/error.h \
 src/base/mem.h
src/base/error.h:
src/base/mem.h:
