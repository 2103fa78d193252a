build/fuzz/resp/reply.o: src/resp/reply.c src/resp/resp.h src/resp/tree.h

src/resp/resp.h:

src/resp/tree.h:
