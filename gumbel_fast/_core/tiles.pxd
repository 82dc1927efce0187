# Blocks of rows, copied between an array's memory and a tile's. Elements are moved as they are, aligned or not; to convert
# them is the business of request.pyx.
from libc.string cimport memcpy

cdef enum:
    COLUMNS_AT_ONCE = 16  # where a row's elements lie farther apart than rows: few enough lines for the cache to keep

cdef struct Block:
    # Rows by columns in memory: the first element, and the bytes from a row or a column to the next.
    char *data
    Py_ssize_t row
    Py_ssize_t column


cdef inline Py_ssize_t distance(Py_ssize_t stride) noexcept nogil:
    return stride if stride >= 0 else -stride


cdef inline void copy_columns(Block to, Block source, Py_ssize_t rows, Py_ssize_t start, Py_ssize_t stop,
                              size_t size) noexcept nogil:
    # memcpy of a size that the compiler knows is one move.
    cdef Py_ssize_t i, j
    cdef char *a
    cdef const char *b
    for i in range(rows):
        a = to.data + i * to.row + start * to.column
        b = source.data + i * source.row + start * source.column
        for j in range(start, stop):
            memcpy(a, b, size)
            a += to.column
            b += source.column


cdef inline void copy_block(Block to, Block source, Py_ssize_t rows, Py_ssize_t columns, size_t size) noexcept nogil:
    # Elements of `size` bytes; the blocks share no memory.
    cdef Py_ssize_t i, start = 0, stop, step = columns
    if to.column == <Py_ssize_t> size and source.column == <Py_ssize_t> size:
        for i in range(rows):
            memcpy(to.data + i * to.row, source.data + i * source.row, columns * size)
        return
    if distance(source.row) < distance(source.column) or distance(to.row) < distance(to.column):
        step = COLUMNS_AT_ONCE
    while start < columns:
        stop = min(start + step, columns)
        if size == 4:
            copy_columns(to, source, rows, start, stop, 4)
        elif size == 8:
            copy_columns(to, source, rows, start, stop, 8)
        elif size == 2:
            copy_columns(to, source, rows, start, stop, 2)
        elif size == 1:
            copy_columns(to, source, rows, start, stop, 1)
        else:
            copy_columns(to, source, rows, start, stop, size)
        start = stop
