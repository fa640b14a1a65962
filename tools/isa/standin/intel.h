// What both of Intel's kernel drivers tell of a chip.
#ifndef INTEL_H
#define INTEL_H

#include "standin.h"

#define TIMESTAMP_HZ 19200000
#define ADDRESS_BITS 48
#define SYSTEM_BYTES (16 * GIB)
#define LARGE_PAGE 65536

struct chip {
    unsigned long id;
    unsigned slices, subslices, units;
    uint64_t local_bytes;  // Memory of its own, 0 for integrated ones.
    bool flat;             // Since Xe-HP the kernel tells of one slice with all subslices.
    unsigned revision;
    unsigned minor;        // Of the graphics IP, version 20.
};

// STANDIN_ID's, or the oldest one's shape for one that is not in the table.
struct chip intel_chip(void);

#endif
