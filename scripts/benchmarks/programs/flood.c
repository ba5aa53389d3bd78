/* Writes numbered lines of 120 bytes to standard output as fast as they are taken: flood LINES GO READY. Begins
   once the file GO is there, and makes the file READY when all are out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 120, BLOCK = 512 };

int main(int count, char **words) {
    static char block[BLOCK * LINE];
    if (count < 4) return 2;
    long lines = atol(words[1]), number = 0;
    memset(block, 'x', sizeof block);
    for (int line = 0; line < BLOCK; line++) block[(line + 1) * LINE - 1] = '\n';
    while (access(words[2], F_OK)) usleep(1000);
    while (number < lines) {
        int batch = lines - number < BLOCK ? lines - number : BLOCK;
        for (int line = 0; line < batch; line++, number++) {
            long rest = number;
            for (int place = 9; place >= 0; place--, rest /= 10) block[line * LINE + place] = '0' + rest % 10;
        }
        for (char *from = block, *end = block + batch * LINE; from < end;) {
            ssize_t written = write(1, from, end - from);
            if (written < 0) return 1;
            from += written;
        }
    }
    FILE *ready = fopen(words[3], "w");
    if (!ready) return 1;
    fclose(ready);
    for (;;) pause();
}
