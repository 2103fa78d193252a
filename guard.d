guard.o: src/guard/guard.c src/guard/guard.h src/guard/internal.h
src/guard/guard.h:
src/guard/internal.h:
