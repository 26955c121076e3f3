/* Names that a test moves: a name that ends in ".test" has the address in the file $NAMES. An empty
   file means that no name server answers. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    lookup *next = (lookup *)dlsym(RTLD_NEXT, "getaddrinfo");
    size_t length = name ? strlen(name) : 0;
    const char *path = getenv("NAMES");
    if (!path || length < 5 || strcmp(name + length - 5, ".test"))
        return next(name, service, hints, found);
    char address[64] = "";
    FILE *file = fopen(path, "re");
    if (!file)
        return EAI_AGAIN;
    int is_empty = fscanf(file, "%63s", address) != 1;
    fclose(file);
    return is_empty ? EAI_AGAIN : next(address, service, hints, found);
}
