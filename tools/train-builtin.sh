#!/bin/sh
# train-builtin.sh - train the built-in model from nothing, or go on where it stopped.
#
#   tools/train-builtin.sh [AEON]      AEON: the program, build/release/bin/aeon if not given
#
# Writes the talks to build/curriculum, checkpoints beside them, and at the end models/aeon-tiny.gguf.
set -eu
cd "$(dirname "$0")/.."
aeon=${1:-build/release/bin/aeon}

[ -x "$aeon" ] || { echo "train-builtin: $aeon: no such program: build AEON first" >&2; exit 1; }
if [ ! -f build/curriculum/tokenizer.json ]; then
    echo "train-builtin: writing the talks to build/curriculum" >&2
    python3 curriculum/generate.py build/curriculum
fi

# OpenBLAS knows only processors older than itself; on a newer one it falls back to slower kernels.
if [ -z "${OPENBLAS_CORETYPE:-}" ] && grep -qs avx512bw /proc/cpuinfo; then
    export OPENBLAS_CORETYPE=SkylakeX
fi
"$aeon" train --config models/aeon-tiny.json --resume
mv build/aeon-tiny.gguf models/aeon-tiny.gguf
echo "train-builtin: models/aeon-tiny.gguf: written; build again to embed it" >&2
