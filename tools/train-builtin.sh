#!/bin/sh
# train-builtin.sh - train the built-in model and its draft model from nothing, or go on where it
# stopped.
#
#   tools/train-builtin.sh [AEON]      AEON: the program, build/release/bin/aeon if not given
#
# Writes the talks to build/curriculum, checkpoints beside them, and at the end into models/ both
# models, their loss curves, and the scores that the tests expect. About two hours on two cores.
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
for model in aeon-tiny aeon-draft; do
    "$aeon" train --config "models/$model.json" --resume
done
"$aeon" eval -m build/aeon-tiny.gguf -n 100 --json > build/aeon-tiny-scores.json
mv build/aeon-tiny-scores.json models/
for model in aeon-tiny aeon-draft; do
    mv "build/$model.gguf" models/
    cp "build/$model-loss.csv" "build/$model-loss.svg" models/
done
echo "train-builtin: models/ has new models: build again to embed them" >&2
