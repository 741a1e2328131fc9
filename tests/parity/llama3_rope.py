#!/usr/bin/env python3
"""Give a llama GGUF file the rotary factors of Llama 3.1's published scaling rule.

    llama3_rope.py IN.gguf OUT.gguf
"""

import array
import sys

import gguf
import gguf_to_hf

file = gguf.read(sys.argv[1])
factors = gguf_to_hf.llama3_factors(file.metadata["llama.rope.freq_base"],
                                    file.metadata["llama.rope.dimension_count"])
file.tensors["rope_freqs.weight"].data = array.array("f", factors).tobytes()
gguf.write(sys.argv[2], file)
