# Threads that share the pieces of a call: who takes which piece, what is raised, and when the caller may return.
#
# What a piece is, and how many there are, is _threads.py's business. The pool is of the whole process, made when it is
# imported, without threads, and anew in a forked child; a thread is started when a call first wants it, and kept. The
# interpreter ends without waiting for them.
#
# This is compiled because of interrupts. A signal's handler may raise in the calling thread between any two bytecodes,
# in the midst of an `except` or `finally` too, so that no function in Python can promise to wait. Between statements of
# Cython nothing is raised: in the calling thread an interrupt can come out of `work` and of PyErr_CheckSignals alone
# (and out of an audit hook, when a thread is started). It is noted there like any error, and the call returns when no
# piece runs and none can begin. One that comes during the wait, which lasts a piece at most, is raised after it.
#
# All that threads share is guarded by the pool's lock. It is held for a few loads and stores, within which no Python
# code runs and no object is freed.
"""Threads that share the pieces of a call."""

import os
from _thread import start_new_thread  # Thread.start waits for the thread at a lock, which an interrupt can leave held

from cpython.exc cimport PyErr_CheckSignals
from cpython.pythread cimport (
    NOWAIT_LOCK,
    WAIT_LOCK,
    PyThread_acquire_lock,
    PyThread_allocate_lock,
    PyThread_free_lock,
    PyThread_release_lock,
    PyThread_type_lock,
)

MOST_THREADS = max(32, os.cpu_count() or 1)  # of the pool; threads beyond the processors gain nothing


cdef void acquire(PyThread_type_lock lock) noexcept:
    # Without the GIL where it must wait: the thread that holds the lock may need it to go on.
    if not PyThread_acquire_lock(lock, NOWAIT_LOCK):
        with nogil:
            PyThread_acquire_lock(lock, WAIT_LOCK)


cdef PyThread_type_lock new_lock(bint held) except NULL:
    cdef PyThread_type_lock lock = PyThread_allocate_lock()
    if lock is NULL:
        raise MemoryError
    if held:
        PyThread_acquire_lock(lock, NOWAIT_LOCK)
    return lock


cdef class Call:
    """A call whose pieces are shared: what is left to do, how many threads help, and what went wrong."""

    cdef object work
    cdef Py_ssize_t total, step
    cdef Py_ssize_t start  # of the next piece
    cdef Py_ssize_t wanted  # threads of the pool that may still join
    cdef Py_ssize_t helping  # threads of the pool that have joined and not yet left
    cdef bint over  # no piece may begin any more
    cdef bint waiting  # the caller is, for the last of them
    cdef bint lost  # an error could not be noted
    cdef object error
    cdef Py_ssize_t failed  # the start of the piece that raised it; -1, before all, for interrupts
    cdef PyThread_type_lock ended  # released when the caller need no longer wait
    cdef Call next  # after it among those that want helpers

    def __cinit__(self, work, Py_ssize_t total, Py_ssize_t step):
        self.work, self.total, self.step = work, total, step
        self.ended = new_lock(held=True)

    def __dealloc__(self):
        if self.ended is not NULL:
            PyThread_free_lock(self.ended)

    cdef Py_ssize_t take(self, PyThread_type_lock lock) noexcept:
        # The start of a piece to do, or -1.
        cdef Py_ssize_t start = -1
        acquire(lock)
        if not self.over and self.start < self.total:
            start = self.start
            self.start += min(self.step, self.total - start)
        PyThread_release_lock(lock)
        return start

    cdef void note(self, PyThread_type_lock lock, Py_ssize_t start, error) noexcept:
        acquire(lock)
        self.over = True
        if self.error is None or start < self.failed:
            self.failed = start
            self.error, error = error, self.error  # what this replaces is freed below
        PyThread_release_lock(lock)

    cdef bint do_pieces(self, Pool pool, Py_ssize_t helpers) noexcept:
        # Ask for so many helpers, and do pieces until none is left or one has failed. False (which is what Cython
        # returns if something is raised amid the handler) where an error could not be noted.
        cdef Py_ssize_t start = -1
        try:
            if helpers > 0:
                pool.ask(self, helpers)
            start = self.take(pool.lock)
            while start >= 0:
                self.work(start, start + min(self.step, self.total - start))
                PyErr_CheckSignals()  # `work` may be compiled
                start = self.take(pool.lock)
        except Exception as error:
            self.note(pool.lock, start, error)
        except BaseException as error:
            self.note(pool.lock, -1, error)
        return True


cdef class Helper:
    """A thread of the pool."""

    cdef PyThread_type_lock wake
    cdef Helper next  # after it among the idle

    def __cinit__(self):
        self.wake = new_lock(held=True)

    def __dealloc__(self):
        if self.wake is not NULL:
            PyThread_free_lock(self.wake)


cdef class Pool:
    """Threads that help with calls, each with one at a time, and the calls that want help.

    A thread that was woken or started for a call which ends before it comes is there for the next.
    """

    cdef PyThread_type_lock lock
    cdef Py_ssize_t most  # threads
    cdef Py_ssize_t threads
    cdef Py_ssize_t coming  # of them, woken or started and not yet there
    cdef Py_ssize_t wanted  # by all calls
    cdef Call calls  # that want helpers, the last first
    cdef Helper idle  # the last first

    def __cinit__(self, Py_ssize_t most):
        self.most = most
        self.lock = new_lock(held=False)

    def __dealloc__(self):
        if self.lock is not NULL:
            PyThread_free_lock(self.lock)

    cdef int ask(self, Call call, Py_ssize_t count) except -1:
        # Have up to `count` threads join: those that are coming, idle ones, and new ones.
        cdef Helper helper
        cdef bint new = False
        acquire(self.lock)
        call.wanted = count
        self.wanted += count
        call.next, self.calls = self.calls, call
        PyThread_release_lock(self.lock)
        while True:
            acquire(self.lock)
            helper, new = None, False
            if self.coming < self.wanted:
                helper = self.idle
                if helper is not None:
                    self.idle, helper.next = helper.next, None
                    self.coming += 1
                elif self.threads < self.most:
                    new = True
                    self.threads += 1
                    self.coming += 1
            PyThread_release_lock(self.lock)
            if helper is not None:
                PyThread_release_lock(helper.wake)
            elif not new or not self.start():
                return 0

    cdef bint start(self) except -1:
        # Start a thread that is counted already; False where no more are to be had.
        cdef bint started = False
        try:
            start_new_thread(_serve, (self, Helper()))
            started = True
        except RuntimeError:  # the system's limit, or the interpreter is ending
            pass
        finally:
            if not started:
                acquire(self.lock)
                self.threads -= 1
                self.coming -= 1
                PyThread_release_lock(self.lock)
        return started

    cdef Call join(self):
        # A call to help with, or None. With the lock held.
        cdef Call call
        while self.calls is not None:
            call = self.calls
            if not call.over and call.start < call.total:
                call.helping += 1
                call.wanted -= 1
                self.wanted -= 1
                if call.wanted == 0:
                    self.withdraw(call)
                return call
            self.withdraw(call)
        return None

    cdef void withdraw(self, Call call) noexcept:
        # Take a call from those that want helpers. With the lock held.
        cdef Call before
        self.wanted -= call.wanted
        call.wanted = 0
        if self.calls is call:
            self.calls, call.next = call.next, None
            return
        before = self.calls
        while before.next is not call:
            before = before.next
        before.next, call.next = call.next, None


def _serve(Pool pool not None, Helper helper not None):
    """Help with one call after another: what a thread of the pool runs."""
    cdef Call call = None, following
    cdef bint noted = True, last = False
    while True:
        acquire(pool.lock)
        if call is None:
            pool.coming -= 1
        else:
            call.helping -= 1
            if not noted:
                call.over = call.lost = True
            last = call.waiting and call.helping == 0
        following = pool.join()
        if following is None:  # idle before the caller is woken, whose next call then starts no other thread
            helper.next, pool.idle = pool.idle, helper
        PyThread_release_lock(pool.lock)
        if last:
            PyThread_release_lock(call.ended)
            last = False
        call = following
        if call is None:
            with nogil:
                PyThread_acquire_lock(helper.wake, WAIT_LOCK)
        else:
            noted = call.do_pieces(pool, 0)


def share(work, Py_ssize_t total, Py_ssize_t step, Py_ssize_t workers):
    """Call ``work(start, stop)`` on pieces of `step`, the last perhaps smaller, by this thread and up to workers - 1.

    An error stops what has not begun; of several, that of the lowest piece is raised, and before it an interrupt. When
    this returns, or raises, no piece runs and none will.
    """
    cdef Pool pool = _pool
    cdef Call call = Call(work, total, step)
    cdef bint noted = call.do_pieces(pool, workers - 1)
    acquire(pool.lock)
    if call.wanted > 0:
        pool.withdraw(call)
    call.over = True
    call.lost = call.lost or not noted
    call.waiting = call.helping > 0
    PyThread_release_lock(pool.lock)
    if call.waiting:
        with nogil:
            PyThread_acquire_lock(call.ended, WAIT_LOCK)
    call.work = None  # helpers may hold the call a moment longer, and must not keep arrays alive
    error, call.error = call.error, None
    if error is not None:
        raise error
    if call.lost:
        raise MemoryError


# ------------------------------------------------------------------------------------------------------------- the pool

cdef Pool _pool = Pool(MOST_THREADS)


def _make_pool():
    """Have later calls use a pool of their own: a forked child has none of its parent's threads."""
    global _pool
    _pool = Pool(MOST_THREADS)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_make_pool)
