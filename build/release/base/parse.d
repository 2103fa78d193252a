build/release/base/parse.o: src/base/parse.c src/base/mem.h \
 src/base/str.h
src/base/mem.h:
src/base/str.h:
