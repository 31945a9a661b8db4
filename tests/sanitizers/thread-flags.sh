#!/bin/sh
# Compiles std.c into a folder in the one given, for the standard library of this compiler, and prints the flags to build with.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# Other flags for another std.c: that is how cargo knows that everything has to be linked again.
folder=$1/$(cksum <"$here/std.c" | cut -d ' ' -f 1)
mkdir -p "$folder"
symbols=$(nm -D --defined-only "$(rustc --print target-libdir)"/libstd-*.so | awk '{ print $3 }' | sed 's/@.*//')
flags="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer"
flags="$flags -Clink-arg=$folder/std.o -Clink-arg=-Wl,--wrap=__tsan_atomic64_fetch_sub"
defines=
# Where a name is not found, neither is it in the programs: the compiler has inlined it.
find_symbol() {
    symbol=$(printf '%s\n' "$symbols" | grep -E "^_R.*$2\$" | head -n 1)
    if [ -z "$symbol" ]; then
        if [ "$3" = needed ]; then echo "no $1 in the standard library: see $here/std.c" >&2; exit 1; fi
        return
    fi
    defines="$defines -D$1=$symbol"
    flags="$flags -Clink-arg=-Wl,--wrap=$symbol"
}
find_symbol LOCK_CONTENDED 'sync5mutex5futex.*14lock_contended' needed
find_symbol WRITE_CONTENDED 'sync6rwlock5futex.*15write_contended' needed
find_symbol READ_CONTENDED 'sync6rwlock5futex.*14read_contended' optional
find_symbol CONDVAR_WAIT 'sync7condvar5futex.*Condvar4wait' needed
find_symbol CONDVAR_WAIT_TIMEOUT 'sync7condvar5futex.*Condvar12wait_timeout' needed
find_symbol ONCE_CALL 'sync4once5futex.*Once4call' needed
# shellcheck disable=SC2086
cc -O1 -fexceptions -c $defines -o "$folder/std.o" "$here/std.c"
echo "$flags"
