build/release/base/str.o: src/base/str.c src/base/str.h src/base/mem.h
src/base/str.h:
src/base/mem.h:
