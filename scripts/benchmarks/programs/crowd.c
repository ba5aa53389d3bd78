/* Starts children and waits: crowd CHILDREN EVERY READY. Each EVERYth child has a session of its own and is deaf to
   TERM (0: none is; 1: all are, and the parent too). Makes the file READY once all are there. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void be_deaf(void) {
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* which pm2 sends instead */
}

int main(int count, char **words) {
    if (count < 4) return 2;
    int children = atoi(words[1]), every = atoi(words[2]), told[2];
    if (pipe(told)) return 1;
    if (every == 1) be_deaf();
    for (int child = 0; child < children; child++) {
        pid_t pid = fork();
        if (pid < 0) return 1;
        if (pid) continue;
        if (every && child % every == 0) {
            setsid();
            be_deaf();
        }
        close(told[0]);
        close(told[1]);
        for (;;) pause();
    }
    close(told[1]);
    char scratch;
    if (read(told[0], &scratch, 1) != 0) return 1; /* the end: every child has closed its end */
    FILE *ready = fopen(words[3], "w");
    if (!ready) return 1;
    fclose(ready);
    for (;;) pause();
}
