build/release/base/json.o: src/base/json.c src/base/json.h \
 src/base/error.h src/base/str.h src/base/mem.h
src/base/json.h:
src/base/error.h:
src/base/str.h:
src/base/mem.h:
