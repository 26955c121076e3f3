/* A system clock that a test moves: it differs by the seconds in the file $CLOCK. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long long *seconds;

__attribute__((constructor)) static void find(void) {
    const char *path = getenv("CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *place = mmap(NULL, sizeof *seconds, PROT_READ, MAP_SHARED, file, 0);
    if (place != MAP_FAILED)
        seconds = place;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    long failed = syscall(SYS_clock_gettime, clock, time);
    if (!failed && clock == CLOCK_REALTIME && seconds)
        time->tv_sec += *seconds;
    return (int)failed;
}

int gettimeofday(struct timeval *time, void *zone) {
    long failed = syscall(SYS_gettimeofday, time, zone);
    if (!failed && seconds)
        time->tv_sec += *seconds;
    return (int)failed;
}
