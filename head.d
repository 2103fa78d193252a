head.o: src/web/head.c src/web/head.h src/base/mem.h src/base/str.h
src/web/head.h:
src/base/mem.h:
src/base/str.h:
