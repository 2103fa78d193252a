build/release/base/log.o: src/base/log.c src/base/log.h src/base/mem.h
src/base/log.h:
src/base/mem.h:
