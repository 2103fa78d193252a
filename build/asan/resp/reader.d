build/asan/resp/reader.o: src/resp/reader.c src/resp/resp.h \
 src/resp/tree.h
src/resp/resp.h:
src/resp/tree.h:
