/* Many draws from each row by a kernel that reads a row into scratch and one that then draws from it. */
#ifndef GF_REPEATED_H
#define GF_REPEATED_H

#include "request.h"
#include "simd/common.h"

GF_INLINE gf_status repeated_draws(gf_run read, gf_run draw, const gf_request *q, size_t start, size_t stop,
                                   void *scratch) {
    for (size_t r = start; r < stop; r++) {
        gf_status status = read(q, r, r + 1, scratch);
        if (status.row < 0)
            status = draw(q, r, r + 1, scratch);
        if (status.row >= 0)
            return status;
    }
    return gf_done();
}

#endif
