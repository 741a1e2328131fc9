#!/bin/sh
# bootstrap.sh - install what a goal needs and this machine lacks.
#
#   tools/bootstrap.sh build | test | check | fuzz | arm64
#
# On Debian and Ubuntu missing packages are installed (sudo if not root); on another system they are
# named, and the script fails. Says nothing and ends at once if nothing is missing.
set -eu

missing=   # Debian packages to install
unmet=     # the same for people on other systems: commands and libraries

need() { # a test that succeeds if the thing is there; what to call it; its Debian package
    if ! eval "$1" >/dev/null 2>&1; then
        missing="$missing $3"
        unmet="$unmet $2,"
    fi
}
command_()   { need "command -v $1" "$1" "${2:-$1}"; }
library()    { need "pkg-config --exists $1" "$1" "$2"; }
arm_library() { need "test -e /usr/lib/aarch64-linux-gnu/pkgconfig/$1.pc" "$1 (arm64)" "$2:arm64"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

need_build() {
    command_ gcc
    need "echo '#include <stdio.h>' | cc -E -" "the C library's headers" libc6-dev
    command_ cmake
    command_ ninja ninja-build
    command_ pkg-config
    command_ python3
    library jansson libjansson-dev
    library libpcre2-8 libpcre2-dev
    library libsodium libsodium-dev
    library libedit libedit-dev
    library openblas libopenblas-dev
}

need_test() {
    need_build
    library cmocka libcmocka-dev
    command_ node nodejs
    command_ npm
}

need_check() {
    need_test
    command_ clang
    need "command -v clang-format-14 || command -v clang-format" clang-format clang-format
}

need_fuzz() {
    need_build
    command_ clang
    if [ "$1" = runtime ]; then
        need "echo 'int LLVMFuzzerTestOneInput(void) {return 0;}' | clang -fsanitize=fuzzer -xc - -o /dev/null" \
             "clang's fuzzer library" "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
    fi
}

need_arm64() {
    command_ aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
    command_ qemu-aarch64 qemu-user
    arm_library jansson libjansson-dev
    arm_library libpcre2-8 libpcre2-dev
    arm_library libsodium libsodium-dev
    arm_library libedit libedit-dev
    arm_library openblas libopenblas-dev
    arm_library cmocka libcmocka-dev
}

install_missing() { # what it is for
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "aeon: to $1, please install:${unmet%,}" >&2
        exit 1
    fi
    case $missing in *:arm64*)
        echo "==> adding the arm64 architecture to this system's packages"
        as_root dpkg --add-architecture arm64 ;;
    esac
    echo "==> updating the list of packages"
    as_root apt-get update -qq
    echo "==> installing:$missing"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $missing >/dev/null
    missing=
    unmet=
}

case ${1:-} in
build) need_build; install_missing "build AEON" ;;
test)  need_test;  install_missing "test AEON" ;;
check) need_check; install_missing "check AEON" ;;
fuzz)  need_fuzz compiler; install_missing "fuzz AEON"
       need_fuzz runtime;  install_missing "fuzz AEON" ;;
arm64) need_arm64; install_missing "test AEON for arm64" ;;
*)     echo "usage: tools/bootstrap.sh build | test | check | fuzz | arm64" >&2; exit 2 ;;
esac
