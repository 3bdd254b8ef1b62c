/*
** replay.c
** Runs a fuzzer on inputs that are there: the files that its arguments name.
** In the place of libFuzzer's 'main'. An input that takes too long ends it.
*/

#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE  /* alarm */
#endif

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define SECONDS 5

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);


int main (int argc, char **argv) {
  static uint8_t data[1 << 16];
  int i;
  for (i = 1; i < argc; i++) {
    FILE *f = fopen(argv[i], "rb");
    size_t size;
    if (f == NULL) {
      perror(argv[i]);
      return 1;
    }
    size = fread(data, 1, sizeof(data), f);
    fclose(f);
    fprintf(stderr, "%s\n", argv[i]);
    alarm(SECONDS);
    LLVMFuzzerTestOneInput(data, size);
  }
  printf("%d inputs\n", argc - 1);
  return 0;
}
