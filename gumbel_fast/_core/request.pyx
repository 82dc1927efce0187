# The request in Cython, and the one loop over rows that serves every kernel.
#
# Arguments arrive checked, by gumbel_fast's Python modules, except where a function says that it looks for itself. No
# arithmetic on elements lives here, and no rule about what a user may pass. A run covers rows start to stop, so that
# _threads.py can cut a call into pieces; rows keep their numbers.
"""What a kernel is asked to do, and the loop that has it done."""

import numpy as np

from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc

cimport numpy as cnp

from gumbel_fast._core.kernels cimport *
from gumbel_fast._core.rows cimport *
from gumbel_fast._core.tiles cimport Block, copy_block

cnp.import_array()

cdef enum:
    FEW_ELEMENTS = 8192  # below about 2 microseconds of work, giving up the GIL costs more than it frees
    SCRATCH_HERE = 512  # doubles of scratch on the stack, which spare short rows a malloc
    # Tiles. Transposed rows of 50,000 took half as long again with a quarter of the memory.
    TILE = 15 << 16  # bytes that the tiles of a piece may have together, unless one row has more
    RAW = 4096  # elements that are converted at a time
    NARROWEST = 64  # columns of these, if rows have so many: the more rows, the more of each cache line is used
    IN_PLACE = 64  # columns above which x's tile takes the results: a shorter row would wait for the stores before it


cdef class Request:
    """Rows to draw from or to relax, and all that is asked of them.

    `rows` and `other` are arrays of real numbers in any layout, the categories along the last axis. A kernel reads
    `rows` as `read_as`, by default their own dtype: float32, float64, float16, or bfloat16 in the guise of uint16.
    `other` is noise in place of the stream's or the gradient of softmax_vjp, and is read in the compute type. Rows that
    are aligned, contiguous and of the dtype wanted are read in place; others are copied to tiles, and so converted.

    `temperature` is a float64 vector of one entry, or of one for each row; so are the four `filters` (their
    temperature, top_k, top_p and min_p), of which the last three may be None, and `floor`. `mask` has the batch's shape
    and a last axis of uint8, one for each column, or of uint32 words. `streams` are the keys and the row numbers of all
    rows, in place of `key` and `row`.

    `weights`: the rows are of weights and not of logits, read as float32 or float64.

    Ragged rows have `offsets`, as read_offsets returns them: row r is then elements offsets[r] to offsets[r + 1] of
    `rows`, `other` and a `mask` of uint8, all of one axis; `columns` is the most that a row has.

    Attributes
    ----------
    inputs : tuple of ndarray
        The arrays as they were passed, which `out` may overlap.
    batch : tuple of ints
        The shape of what has one entry a row.
    columns, count : int
        The categories of a row; the rows.
    compute_type : dtype
        float32 or float64: of noise, gradients and results.
    """

    def __init__(self, tuple inputs not None, cnp.ndarray rows not None, cnp.ndarray temperature not None,
                 uint64_t key=0, uint64_t row=0, uint64_t column=0, cnp.ndarray other=None, cnp.dtype read_as=None,
                 cnp.ndarray mask=None, tuple filters=None, tuple streams=None, bint allow_fewer=False,
                 cnp.ndarray offsets=None, Py_ssize_t longest=0, cnp.ndarray floor=None,
                 bint weights=False):
        cdef int last = cnp.PyArray_NDIM(rows) - (offsets is None)
        cdef Py_ssize_t length
        self.inputs, self.rows, self.temperature, self.other = inputs, rows, temperature, other
        self.mask, self.filters, self.streams = mask, filters, streams
        self.read_as = rows.descr if read_as is None else read_as
        self.dtype, self.weights = dtype_of_type(self.read_as.type_num), weights
        if weights:
            self.dtype = of_weights(self.dtype)
        self.compute_type = cnp.PyArray_DescrFromType(compute_type_of(self.dtype))
        one_draw_each(&self.c)
        self.offsets = offsets
        if offsets is None:
            self.batch, self.columns, self.count = (<object> rows).shape[:last], cnp.PyArray_DIM(rows, last), 1
            for length in cnp.PyArray_DIMS(rows)[:last]:
                self.count *= length
        else:
            self.count, self.columns = cnp.PyArray_DIM(offsets, 0) - 1, longest
            self.batch = (self.count,)
            self.c.offsets = <const int64_t *> cnp.PyArray_DATA(offsets)
        self.c.columns = <size_t> self.columns
        self.c.temperature = vector_of(temperature)
        self.c.allow_fewer = self.allow_fewer = allow_fewer
        self.floor, self.c.floor = floor, vector_of(floor)
        self.c.stream.key, self.c.stream.row, self.c.stream.column = key, row, column
        rows_of(rows, last, &self.walk.x)
        no_rows(&self.walk.other)
        no_rows(&self.walk.index)
        no_rows(&self.walk.out)
        self.x_aside = not is_direct(rows, self.read_as)
        self.other_aside = self.mask_aside = self.out_aside = False
        self.walk.keys = self.walk.numbers = NULL
        no_rows(&self.walk.mask)
        if other is not None:
            rows_of(other, last, &self.walk.other)
            self.other_aside = not is_direct(other, self.compute_type)
        if mask is not None:
            self.c.mask = &self.mask_c
            self.mask_c.kind = GF_MASK_WORDS if mask.descr.itemsize == 4 else GF_MASK_BYTES
            self.mask_c.words = <size_t> cnp.PyArray_DIM(mask, cnp.PyArray_NDIM(mask) - 1)
            rows_of(mask, last, &self.walk.mask)
            self.mask_aside = not is_direct(mask, mask.descr)
        if filters is not None:
            self.c.filter = &self.filter_c
            self.filter_c.temperature = vector_of(filters[0])
            self.filter_c.top_k, self.filter_c.top_p = vector_of(filters[1]), vector_of(filters[2])
            self.filter_c.min_p = vector_of(filters[3])
        if streams is not None:
            self.walk.keys = <const uint64_t *> cnp.PyArray_DATA(streams[0])
            self.walk.numbers = <const uint64_t *> cnp.PyArray_DATA(streams[1])

    def into(self, cnp.ndarray index=None, cnp.ndarray value=None, cnp.ndarray out=None, cnp.ndarray each=None,
             cnp.ndarray entropy=None, int form=GF_SOFT, cnp.ndarray one_hot=None):
        """Say where results go; return the request.

        `index` is int64, of the batch's shape and then C-contiguous, or with a last axis of draws; `value` is float64
        and C-contiguous, of the shape of `index`. `out` takes relaxed rows, in any layout; in its place `each` takes
        the one or more numbers that there are for each row, C-contiguous. `entropy` is one number for each row, too, in
        the compute type and C-contiguous; a gradient is given that of the loss there.

        `form` is what a relaxation gives: SOFT, HARD or LOG. `one_hot` takes, besides, the one-hot of each row's
        choice: C-contiguous, of the shape of `rows` and of the compute type.
        """
        cdef int last = len(self.batch)
        self.results = index, value, out, each, entropy, one_hot
        no_rows(&self.walk.out)
        if index is not None:
            rows_of(index, last, &self.walk.index)
            if cnp.PyArray_NDIM(index) > last:
                self.c.draws.count = <size_t> cnp.PyArray_DIM(index, last)
                self.c.draws.step = cnp.PyArray_STRIDE(index, last)
        if value is not None:
            self.c.draws.value = <double *> cnp.PyArray_DATA(value)
        self.out_aside, self.walk.out_of_rows = False, out is not None
        if out is not None:
            rows_of(out, cnp.PyArray_NDIM(out) - (self.offsets is None), &self.walk.out)
            self.out_aside = not is_direct(out, out.descr)
        elif each is not None:
            rows_of(each, last, &self.walk.out)
        self.c.entropy = NULL if entropy is None else cnp.PyArray_DATA(entropy)
        self.c.form = <gf_form> form
        self.c.one_hot = NULL if one_hot is None else cnp.PyArray_DATA(one_hot)
        return self

    def shard(self, Py_ssize_t row, Py_ssize_t start, Py_ssize_t stop, bint allow_fewer=False,
              double floor=-INFINITY):
        """Return the request for columns start to stop of one row; start is a multiple of 32. It has no filters."""
        cdef Py_ssize_t first = 0
        place = ()
        if self.offsets is None:
            place = np.unravel_index(row, self.batch)
        else:
            first = self.c.offsets[row]
        mask, part = None, slice(first + start, first + stop)
        if self.mask is not None:
            if self.mask_c.kind == GF_MASK_BYTES:
                mask = self.mask[place][part]
            else:
                mask = self.mask[place][start // 32:(stop + 31) // 32]
        return Request(
            self.inputs, self.rows[place][part], self.temperature[row:row + 1] if self.c.temperature.step
            else self.temperature, self.key_of(row), self.number_of(row), self.c.stream.column + <uint64_t> start,
            None if self.other is None else self.other[place][part], self.read_as, mask, allow_fewer=allow_fewer,
            floor=np.array([floor]), weights=self.weights)

    cdef uint64_t key_of(self, Py_ssize_t row) noexcept:
        return self.c.stream.key if self.walk.keys is NULL else self.walk.keys[row]

    cdef uint64_t number_of(self, Py_ssize_t row) noexcept:
        return self.c.stream.row + <uint64_t> row if self.walk.keys is NULL else self.walk.numbers[row]

    cdef Py_ssize_t place_of(self, Py_ssize_t row) noexcept:
        # Where it begins in a walk's arrays.
        return row if self.c.offsets is NULL else <Py_ssize_t> self.c.offsets[row]


def read_offsets(cnp.ndarray indptr not None, Py_ssize_t size):
    """Return offsets of rows in `size` elements, copied to int64, the most that a row has, and the first that falls.

    That is -1 where none does; it is the number of rows where the last one ends beyond the elements, or the first
    begins before them.
    """
    cdef cnp.ndarray copy = np.array(indptr, np.int64)
    cdef const int64_t *offsets = <const int64_t *> cnp.PyArray_DATA(copy)
    cdef Py_ssize_t row, count = cnp.PyArray_DIM(copy, 0) - 1
    cdef int64_t longest = 0
    for row in range(count):
        if offsets[row + 1] < offsets[row]:
            return copy, 0, row
        longest = max(longest, offsets[row + 1] - offsets[row])
    if offsets[0] < 0 or offsets[count] > size:
        return copy, 0, count
    return copy, longest, -1


cdef inline gf_vector vector_of(cnp.ndarray numbers):
    cdef gf_vector v
    v.data, v.step = NULL, 0
    if numbers is not None:
        v.data, v.step = <const double *> cnp.PyArray_DATA(numbers), cnp.PyArray_SIZE(numbers) != 1
    return v


cdef inline bint converts(cnp.ndarray array, cnp.dtype dtype) noexcept:
    return not cnp.PyArray_EquivTypes(array.descr, dtype)


cdef inline bint is_direct(cnp.ndarray array, cnp.dtype dtype) noexcept:
    # Whether a kernel can work on the rows where they lie.
    cdef int last = cnp.PyArray_NDIM(array) - 1
    return (cnp.PyArray_ISALIGNED(array) and not converts(array, dtype)
            and (cnp.PyArray_STRIDE(array, last) == cnp.PyArray_ITEMSIZE(array) or cnp.PyArray_DIM(array, last) <= 1))


cdef inline Py_ssize_t stream_end(const Walk *walk, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    # The first row after this one, below stop, whose stream is not that of the row before it, one further.
    cdef Py_ssize_t end = start + 1
    while end < stop and walk.keys[end] == walk.keys[start] and walk.numbers[end] == walk.numbers[end - 1] + 1:
        end += 1
    return end


cdef gf_status run_rows(const gf_kernel *kernel, const gf_request *request, const Walk *walk, Py_ssize_t start,
                        Py_ssize_t stop, void *scratch) noexcept nogil:
    # In runs of rows of which each array's lie one stride apart, and whose streams follow each other.
    cdef gf_request c = request[0]
    cdef gf_mask mask
    cdef gf_status status
    cdef Py_ssize_t end, place
    if c.mask is not NULL:
        mask = c.mask[0]
        c.mask = &mask
    status.row, status.found = -1, 0
    while start < stop and status.row < 0:
        end = run_end(&walk.index, start, stop)
        place = start
        if c.offsets is not NULL:  # of elements that follow each other
            place = <Py_ssize_t> c.offsets[start]
        else:
            end = run_end(&walk.x, start, end)
            end = run_end(&walk.other, start, end)
            end = run_end(&walk.out, start, end)
            if c.mask is not NULL:
                end = run_end(&walk.mask, start, end)
        if c.mask is not NULL:
            mask.rows.data, mask.rows.stride = row_at(&walk.mask, place), row_stride(&walk.mask)
        if walk.keys is not NULL:
            end = stream_end(walk, start, end)
            c.stream.key, c.stream.row = walk.keys[start], walk.numbers[start] - <uint64_t> start
        c.first = <size_t> start
        c.x.data, c.x.stride = row_at(&walk.x, place), row_stride(&walk.x)
        c.other.data, c.other.stride = row_at(&walk.other, place), row_stride(&walk.other)
        c.draws.index, c.draws.stride = <int64_t *> row_at(&walk.index, start), row_stride(&walk.index)
        c.out, c.out_stride = row_at(&walk.out, place if walk.out_of_rows else start), row_stride(&walk.out)
        status = run_kernel(kernel, &c, <size_t> start, <size_t> end, scratch)
        start = end
    return status


cdef inline gf_status run_with(const gf_kernel *kernel, const gf_request *c, const Walk *walk, Py_ssize_t start,
                               Py_ssize_t stop, void *scratch) noexcept nogil:
    if walk is NULL:
        return run_kernel(kernel, c, <size_t> start, <size_t> stop, scratch)
    return run_rows(kernel, c, walk, start, stop, scratch)


cdef gf_status run(const gf_kernel *kernel, const gf_request *c, const Walk *walk, Py_ssize_t start,
                   Py_ssize_t stop) noexcept:
    # Has a kernel work on rows start to stop, without the GIL where they are many. No walk: c has the pointers.
    # The caller hands the status to raise_for: to look for an exception would cost a small row a twentieth.
    cdef double here[SCRATCH_HERE]
    cdef void *scratch = here
    cdef size_t size = 0
    cdef gf_status status
    if kernel.scratch is not NULL:
        size = kernel.scratch(c)
    if size > sizeof(here):
        scratch = malloc(size)
        if scratch is NULL:
            status.row, status.found = NO_MEMORY, 0
            return status
    if <int64_t> (stop - start) * <int64_t> (c.columns + c.draws.count) < FEW_ELEMENTS:
        status = run_with(kernel, c, walk, start, stop, scratch)
    else:
        with nogil:
            status = run_with(kernel, c, walk, start, stop, scratch)
    if size > sizeof(here):
        free(scratch)
    return status


cdef void copy_rows(Block tile, const Rows *rows, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t column, Py_ssize_t step,
                    Py_ssize_t columns, size_t size, bint back) noexcept nogil:
    # Rows start to stop of an array, from that column on, into a tile, or back; `step` is the bytes between columns.
    cdef Py_ssize_t end
    cdef Block there
    there.column = step
    while start < stop:
        end = run_end(rows, start, stop)
        there.data, there.row = row_at(rows, start) + column * step, row_stride(rows)
        if back:
            copy_block(there, tile, end - start, columns, size)
        else:
            copy_block(tile, there, end - start, columns, size)
        tile.data += (end - start) * tile.row
        start = end


cdef class Tile:
    def __cinit__(self, cnp.ndarray array, cnp.dtype dtype, Py_ssize_t count, cnp.ndarray tile=None):
        cdef int last = cnp.PyArray_NDIM(array) - 1
        cdef Py_ssize_t width
        self.columns, self.step = cnp.PyArray_DIM(array, last), cnp.PyArray_STRIDE(array, last)
        self.tile = np.empty((count, self.columns), dtype) if tile is None else tile
        rows_of(self.tile, 1, &self.rows)
        if converts(array, dtype) and count and self.columns:
            width = min(self.columns, max(RAW // count, NARROWEST))
            self.raw = np.empty((min(count, RAW // width), width), array.descr)

    cdef void copy(self, cnp.ndarray here, const Rows *array, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t column,
                   Py_ssize_t columns, bint back) noexcept:
        # Between the array and the upper left corner of a C-contiguous one.
        cdef Block tile
        cdef size_t size = <size_t> cnp.PyArray_ITEMSIZE(here)
        tile.data, tile.column = cnp.PyArray_BYTES(here), <Py_ssize_t> size
        tile.row = cnp.PyArray_DIM(here, 1) * tile.column
        if (stop - start) * columns < FEW_ELEMENTS:
            copy_rows(tile, array, start, stop, column, self.step, columns, size, back)
        else:
            with nogil:
                copy_rows(tile, array, start, stop, column, self.step, columns, size, back)

    cdef int read(self, const Rows *array, Py_ssize_t start, Py_ssize_t stop) except -1:
        """Take rows start to stop."""
        cdef Py_ssize_t row = start, end, column, right
        self.rows.first = start
        if self.raw is None:
            self.copy(self.tile, array, start, stop, 0, self.columns, False)
            return 0
        while row < stop:
            end = min(row + cnp.PyArray_DIM(self.raw, 0), stop)
            column = 0
            while column < self.columns:
                right = min(column + cnp.PyArray_DIM(self.raw, 1), self.columns)
                self.copy(self.raw, array, row, end, column, right - column, False)
                cnp.PyArray_CopyInto(self.tile[row - start:end - start, column:right],
                                     self.raw[:end - row, :right - column])
                column = right
            row = end
        return 0

    cdef int write(self, const Rows *array, Py_ssize_t start, Py_ssize_t stop) except -1:
        """Give rows start to stop back."""
        self.copy(self.tile, array, start, stop, 0, self.columns, True)
        return 0


cdef cnp.ndarray part_of(cnp.ndarray array, Request q, Py_ssize_t start, Py_ssize_t stop, cnp.dtype dtype):
    # The elements of ragged rows start to stop, as kernels read them: a copy where they are not so.
    return np.require(array[q.place_of(start):q.place_of(stop)], dtype, ["C", "A"])


cdef inline void rows_from(cnp.ndarray part, Py_ssize_t first, Rows *rows) noexcept:
    # Elements from number `first` on of an array of one axis.
    rows_of(part, 1, rows)
    rows.first = first


cdef gf_status run_ragged(const gf_kernel *kernel, Request q, Py_ssize_t start, Py_ssize_t stop) except *:
    # Rows as long as they are: scratch is for the longest of these.
    cdef gf_request c = q.c
    cdef gf_status status
    cdef Walk walk = q.walk
    cdef Py_ssize_t row, end, first
    cdef bint aside = q.x_aside or q.other_aside or q.mask_aside or q.out_aside
    cdef cnp.ndarray x, other, mask, result, out
    status.row, status.found = -1, 0
    while start < stop and status.row < 0:
        first, c.columns, end = q.place_of(start), 0, stop
        for row in range(start, stop):
            if aside and row > start and (q.place_of(row + 1) - first) * 8 > TILE:
                end = row
                break
            c.columns = max(c.columns, gf_columns(&c, <size_t> row))
        if q.x_aside:
            x = part_of(q.rows, q, start, end, q.read_as)
            rows_from(x, first, &walk.x)
        if q.other_aside:
            other = part_of(q.other, q, start, end, q.compute_type)
            rows_from(other, first, &walk.other)
        if q.mask_aside:
            mask = part_of(q.mask, q, start, end, q.mask.descr)
            rows_from(mask, first, &walk.mask)
        if q.out_aside:
            result = q.results[2]
            out = np.empty(q.place_of(end) - first, result.descr)
            rows_from(out, first, &walk.out)
        status = run(kernel, &c, &walk, start, end)
        if q.out_aside:
            result[first:first + cnp.PyArray_DIM(out, 0)] = out
        start = end
    return status


cdef tuple point_at(gf_request *c, gf_mask *mask, Request q, Py_ssize_t row):
    """Points a request, a copy of that of q, at one row; returns what must live as long: tiles with the row in them."""
    cdef Tile x = None, allowed = None
    cdef cnp.ndarray elements, some
    c.first, c.x.data = <size_t> row, row_at(&q.walk.x, q.place_of(row))
    c.stream.key, c.stream.row = q.key_of(row), q.number_of(row) - <uint64_t> row
    if q.offsets is not None:
        c.columns = gf_columns(c, <size_t> row)
        elements, some = part_of(q.rows, q, row, row + 1, q.read_as), None
        c.x.data = cnp.PyArray_DATA(elements)
        if q.mask is not None:
            some = part_of(q.mask, q, row, row + 1, q.mask.descr)
            mask[0] = q.mask_c
            mask.rows.data = cnp.PyArray_DATA(some)
            c.mask = mask
        return elements, some
    if q.x_aside:
        x = Tile(q.rows, q.read_as, 1)
        x.read(&q.walk.x, row, row + 1)
        c.x.data = row_at(&x.rows, row)
    if q.mask is not None:
        mask[0] = q.mask_c
        mask.rows.data = row_at(&q.walk.mask, row)
        c.mask = mask
    if q.mask_aside:
        allowed = Tile(q.mask, q.mask.descr, 1)
        allowed.read(&q.walk.mask, row, row + 1)
        mask.rows.data = row_at(&allowed.rows, row)
    return x, allowed


cdef gf_status run_tiles(const gf_kernel *kernel, Request q, Py_ssize_t start, Py_ssize_t stop) except *:
    # A tile at a time of what has to be copied.
    cdef gf_status status
    cdef Walk walk = q.walk
    cdef Tile x = None, other = None, mask = None, out = None
    cdef cnp.ndarray result = q.results[2] if q.out_aside else None
    cdef bint share = q.x_aside and q.out_aside and q.columns > IN_PLACE and not converts(result, q.read_as)
    cdef Py_ssize_t end, step, size = 0
    if q.x_aside:
        size += q.read_as.itemsize
    if q.other_aside:
        size += q.compute_type.itemsize
    if q.mask_aside:
        size += q.mask.itemsize
    if q.out_aside and not share:
        size += cnp.PyArray_ITEMSIZE(result)
    step = min(max(TILE // max(size * q.columns, 1), 1), stop - start)
    if q.x_aside:
        x = Tile(q.rows, q.read_as, step)
    if q.other_aside:
        other = Tile(q.other, q.compute_type, step)
    if q.mask_aside:
        mask = Tile(q.mask, q.mask.descr, step)
    if q.out_aside:
        out = Tile(result, result.descr, step, x.tile if share else None)
    status.row, status.found = -1, 0
    while start < stop and status.row < 0:
        end = min(start + step, stop)
        if x is not None:
            x.read(&q.walk.x, start, end)
            walk.x = x.rows
        if other is not None:
            other.read(&q.walk.other, start, end)
            walk.other = other.rows
        if mask is not None:
            mask.read(&q.walk.mask, start, end)
            walk.mask = mask.rows
        if out is not None:
            out.rows.first = start
            walk.out = out.rows
        status = run(kernel, &q.c, &walk, start, end)
        if out is not None:
            out.write(&q.walk.out, start, end)
        start = end
    return status


cdef gf_status run_request(const gf_kernel *kernel, Request q, Py_ssize_t start, Py_ssize_t stop) except *:
    # Has a kernel work on rows start to stop of a request.
    if q.offsets is not None:
        return run_ragged(kernel, q, start, stop)
    if q.x_aside or q.other_aside or q.mask_aside or q.out_aside:
        return run_tiles(kernel, q, start, stop)
    return run(kernel, &q.c, &q.walk, start, stop)


cdef str why_refused(const gf_request *c, Py_ssize_t row, int64_t found, size_t wanted, Subject subject):
    which = f"logits: row {row}"
    nothing, less, bad = "nothing but -inf", "that are not -inf", "NaN or +inf"
    if subject == WEIGHTS:
        which, nothing, less = f"weights: row {row}", "nothing but 0", "that are not 0"
        bad = "a weight that is negative, NaN or +inf"
    elif subject == LOGITS_AND_NOISE:
        which = f"row {row} of logits and noise"
    if c.mask is not NULL or c.filter is not NULL:
        nothing, less = "nothing left by the mask", "left by mask and filters"
    if found == GF_NOT_FINITE:
        return f"{which} has {bad}"
    if found == GF_CHANGED:
        return f"{which} was changed while it was drawn from"
    if c.floor.data is not NULL and c.floor.data[0 if c.floor.step == 0 else row] > -INFINITY:
        less = "whose value is above the floor"
    elif found == 0:
        return f"{which} has {nothing if gf_columns(c, <size_t> row) else 'no categories'}"
    return f"{which} has {found} categories {less}, and {wanted} are wanted"


cdef object refusal(const gf_request *c, Py_ssize_t row, int64_t found, size_t wanted, Subject subject):
    # A ValueError that names the row, and carries its number as `row`.
    error = ValueError(why_refused(c, row, found, wanted, subject))
    error.row = row
    return error


def refuse(Request request not None, Py_ssize_t row, int64_t found, size_t wanted=1):
    """ValueError that names a row that cannot be drawn from: `found` as in a status."""
    raise refusal(&request.c, row, found, wanted, subject_of(request))


cdef int raise_for(const gf_request *c, gf_status status, Subject subject) except -1:
    # ValueError that names the row at which a kernel stopped, and says why.
    if status.row == NO_MEMORY:
        raise MemoryError
    if status.row < 0:
        return 0
    raise refusal(c, status.row, status.found, c.draws.count, subject)
