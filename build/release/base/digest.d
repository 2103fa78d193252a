build/release/base/digest.o: src/base/digest.c src/base/digest.h \
 src/base/mem.h
src/base/digest.h:
src/base/mem.h:
