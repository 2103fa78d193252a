build/fuzz/resp/buffer.o: src/resp/buffer.c src/resp/resp.h

src/resp/resp.h:
