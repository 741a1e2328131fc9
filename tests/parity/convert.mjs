// convert.mjs - llama.cpp reads what `aeon quantize` writes, and understands the same.
//
//     node convert.mjs PATH/TO/aeon
//
// Each file runs in both programs, and the limits are those of files that either of them wrote
// before (compare.mjs).
import {existsSync, renameSync} from "node:fs";
import path from "node:path";
import {aeon, checkpoint, compareModel, finish, idsOfTalk, python, randomIds, synth, test, work}
    from "./compare.mjs";

const SHAPES = ["phi3-nano", "llama-nano", "qwen2-nano", "qwen3-nano"];
const TYPES = ["f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_k_s", "q4_k_m", "q4_k_s", "q5_1",
    "q5_0", "q4_1", "q4_0", "iq4_nl"];
const ids = randomIds(96, 7);

function converted(source, type, ...options) {
    const file = path.join(work, `${path.basename(source)}-${type}${options.join("")}.gguf`);
    if (!existsSync(file)) aeon("quantize", source, file, "--type", type, ...options);
    return file;
}

for (const type of TYPES)
    await test(`phi3-nano to ${type}`, () =>
        compareModel(converted(synth("phi3-nano", "f32"), type), type, ids));
for (const shape of SHAPES.slice(1))
    for (const type of ["q8_0", "q4_k_m"])
        await test(`${shape} to ${type}`, () =>
            compareModel(converted(synth(shape, "bf16"), type), type, ids));
await test("llama-nano to q4_0, with a head of q8_0", () =>
    compareModel(converted(synth("llama-nano", "f16"), "q4_0", "--head", "q8_0"), "q4_0", ids));

// By the importance that 96 tokens give the columns.
function weighted(shape, type) {
    const source = synth(shape, "f32"), file = path.join(work, `${shape}-${type}-weighted.gguf`);
    const importance = path.join(work, `${shape}.imatrix`);
    aeon("imatrix", "-m", source, "--ids", ids.join(","), "-o", importance, "--force");
    aeon("quantize", source, file, "--type", type, "--imatrix", importance);
    return file;
}
for (const [shape, type] of [["phi3-nano", "q4_k_m"], ["phi3-nano", "q4_0"], ["qwen2-nano", "q8_0"]])
    await test(`${shape} to ${type} by importance`, () =>
        compareModel(weighted(shape, type), type, ids));

// Rows of 640 are no whole blocks of 256. What was learned has larger logits, whose rounding shows:
// the peer itself is 0.04 from exact.
await test("the built-in model to q4_k_m", () =>
    compareModel(converted("builtin", "q4_k_m", "--requantize"), "q4_k_m", idsOfTalk(),
        {limits: [Infinity, 0.1]}));

// A folder by a name of its own: files whose name says phi3 must have that model's vocabulary.
function folder(shape) {
    const target = path.join(work, `folder of ${SHAPES.indexOf(shape)}`);
    if (existsSync(target)) return target;
    let source = synth(shape, "bf16");
    if (shape === "llama-nano") {
        source = path.join(work, "llama3.gguf");
        python("llama3_rope.py", synth(shape, "bf16"), source);
    }
    renameSync(checkpoint(source, 2), target);
    return target;
}
for (const shape of SHAPES)
    for (const type of ["f32", "bf16", "q4_k_m"])
        await test(`${shape} from a folder to ${type}`, () =>
            compareModel(converted(folder(shape), type), type, ids));
await test("phi3-nano from a folder, long factors", () =>
    compareModel(converted(folder("phi3-nano"), "f32"), "f32", ids,
        {ours: ["--rope", "long"], peers: {contextSize: 8192}}));

finish();
