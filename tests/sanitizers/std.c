/* Tells ThreadSanitizer what the standard library does.
 *
 * The library that comes with the compiler is not instrumented. Most of it is: what is generic or inlined is compiled
 * with the crate that uses it. Left over are the slow paths of the locks, in which the sanitizer does not see that a
 * lock was taken or given back; so it is told, for the address that the fast paths use. And `Arc` orders its last drop
 * by a fence, which the sanitizer does not know: so subtractions order as if the fence were part of them.
 *
 * Each function stands in front of the one of the same name (the linker's --wrap); thread-flags.sh says what those are
 * called in this compiler's library. Arguments are passed on as they come, in registers.
 */

typedef unsigned long word;

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define PASTE(a, b) a##b
#define REAL(symbol) PASTE(__real_, symbol)
#define WRAP(symbol) PASTE(__wrap_, symbol)

/* Mutex::lock_contended(&self), RwLock::write_contended(&self), RwLock::read_contended(&self) */
#define LOCKING(symbol)                                                                                                \
    void REAL(symbol)(void *lock);                                                                                     \
    void WRAP(symbol)(void *lock) {                                                                                    \
        REAL(symbol)(lock);                                                                                            \
        __tsan_acquire(lock);                                                                                          \
    }

LOCKING(LOCK_CONTENDED)
LOCKING(WRITE_CONTENDED)
#ifdef READ_CONTENDED
LOCKING(READ_CONTENDED)
#endif

/* Condvar::wait(&self, mutex: &Mutex) */
void REAL(CONDVAR_WAIT)(void *condvar, void *mutex);
void WRAP(CONDVAR_WAIT)(void *condvar, void *mutex) {
    __tsan_release(mutex);
    REAL(CONDVAR_WAIT)(condvar, mutex);
    __tsan_acquire(mutex);
}

/* Condvar::wait_timeout(&self, mutex: &Mutex, timeout: Duration) -> bool */
_Bool REAL(CONDVAR_WAIT_TIMEOUT)(void *condvar, void *mutex, word seconds, word nanoseconds);
_Bool WRAP(CONDVAR_WAIT_TIMEOUT)(void *condvar, void *mutex, word seconds, word nanoseconds) {
    __tsan_release(mutex);
    _Bool notified = REAL(CONDVAR_WAIT_TIMEOUT)(condvar, mutex, seconds, nanoseconds);
    __tsan_acquire(mutex);
    return notified;
}

/* Once::call(&self, ignore_poisoning: bool, f: &mut dyn FnMut(&OnceState)), and perhaps the caller's place.
 *
 * Others may see that it is done before this returns. So `f` is called from a closure of ours, which says what has been
 * done as soon as it is. Of its table, the fifth entry is `call_mut`. */
struct closure {
    void *data;
    const word *table;
    void *once;
};

static void call_mut(void *self, void *state) {
    struct closure *closure = self;
    ((void (*)(void *, void *))closure->table[4])(closure->data, state);
    __tsan_release(closure->once);
}

void REAL(ONCE_CALL)(void *once, word ignore, void *data, const word *table, word place);
void WRAP(ONCE_CALL)(void *once, word ignore, void *data, const word *table, word place) {
    struct closure closure = {data, table, once};
    word ours[5] = {0, sizeof closure, sizeof(word), 0, (word)call_mut};
    REAL(ONCE_CALL)(once, ignore, &closure, ours, place);
    __tsan_acquire(once);
}

/* 4 is the sanitizer's number for acquire and release. */
word __real___tsan_atomic64_fetch_sub(volatile word *address, word value, int order);
word __wrap___tsan_atomic64_fetch_sub(volatile word *address, word value, int order) {
    (void)order;
    return __real___tsan_atomic64_fetch_sub(address, value, 4);
}
