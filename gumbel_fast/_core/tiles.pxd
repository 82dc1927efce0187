# Blocks of rows, copied between an array's memory and a tile's. Elements are moved as they are, aligned or not;
# request.pyx converts them.
from libc.string cimport memcpy

cdef enum:
    # Of a block that is transposed: what is fetched for one row serves the next ones from the cache.
    COLUMNS_AT_ONCE = 16
    ROWS_AT_ONCE = 256

cdef struct Block:
    # Rows by columns in memory: the first element, and the bytes from a row or a column to the next.
    char *data
    Py_ssize_t row
    Py_ssize_t column


cdef inline Py_ssize_t distance(Py_ssize_t stride) noexcept nogil:
    return stride if stride >= 0 else -stride


cdef inline Block part(Block block, Py_ssize_t row, Py_ssize_t column, bint turned) noexcept nogil:
    # From this row and column on; turned: its columns as rows.
    cdef Block result
    result.data = block.data + row * block.row + column * block.column
    result.row, result.column = block.column if turned else block.row, block.row if turned else block.column
    return result


cdef inline void copy_elements(Block to, Block source, Py_ssize_t rows, Py_ssize_t columns, size_t size) noexcept nogil:
    cdef Py_ssize_t i, _
    cdef char *a
    cdef const char *b
    for i in range(rows):
        a, b = to.data + i * to.row, source.data + i * source.row
        for _ in range(columns):
            memcpy(a, b, size)  # of a size that the compiler knows: one move
            a += to.column
            b += source.column


cdef inline void copy_sized(Block to, Block source, Py_ssize_t rows, Py_ssize_t columns, size_t size) noexcept nogil:
    if size == 4:
        copy_elements(to, source, rows, columns, 4)
    elif size == 8:
        copy_elements(to, source, rows, columns, 8)
    elif size == 2:
        copy_elements(to, source, rows, columns, 2)
    elif size == 1:
        copy_elements(to, source, rows, columns, 1)
    else:
        copy_elements(to, source, rows, columns, size)


cdef inline void copy_block(Block to, Block source, Py_ssize_t rows, Py_ssize_t columns, size_t size) noexcept nogil:
    # Elements of `size` bytes; the blocks share no memory.
    cdef Py_ssize_t i = 0, j = 0
    if to.column == <Py_ssize_t> size and source.column == <Py_ssize_t> size:
        for i in range(rows):
            memcpy(to.data + i * to.row, source.data + i * source.row, columns * size)
    elif distance(source.row) >= distance(source.column) and distance(to.row) >= distance(to.column):
        copy_sized(to, source, rows, columns, size)
    elif columns < COLUMNS_AT_ONCE:
        while i < rows:
            copy_sized(part(to, i, 0, True), part(source, i, 0, True), columns, min(rows - i, ROWS_AT_ONCE), size)
            i += ROWS_AT_ONCE
    else:
        while j < columns:
            copy_sized(part(to, 0, j, False), part(source, 0, j, False), rows, min(columns - j, COLUMNS_AT_ONCE), size)
            j += COLUMNS_AT_ONCE
