// score.mjs - AEON's log-probabilities against llama.cpp's (node-llama-cpp).
//
//     node score.mjs PATH/TO/aeon
//
// compare.mjs says what is compared, and what the limits mean.
import {copyFileSync} from "node:fs";
import path from "node:path";
import {aeon, checkpoint, compareModel, distance, finish, here, idsOfTalk, LIMITS, ourScores,
    peerScores, python, quantizedByPeer, randomIds, synth, test, within, work} from "./compare.mjs";

const SHAPES = ["phi3-nano", "llama-nano", "qwen2-nano", "qwen3-nano"];
const ids = randomIds(96, 7);

for (const shape of SHAPES)
    for (const type of ["f32", "f16", "bf16", "q8_0", "q4_0"])
        await test(`${shape} ${type}`, () => compareModel(synth(shape, type), type, ids));

for (const type of ["f32", "q8_0"])
    for (const seed of [2, 3])
        await test(`phi3-micro ${type}, seed ${seed}`, () =>
            compareModel(synth("phi3-micro", type, seed), type, randomIds(64, seed)));

// The built-in model is a file like any other: weights that learned something, over a real talk.
await test("the built-in model", () => {
    const model = path.join(work, "builtin.gguf");
    copyFileSync(path.join(here, "../../models/aeon-tiny.gguf"), model);
    return compareModel(model, "q8_0", idsOfTalk());
});

for (const type of ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k",
    "iq4_nl", "iq4_xs"])
    await test(`phi3-nano ${type}, quantized by the peer`, () =>
        compareModel(quantizedByPeer("phi3-nano", type), type, ids));

// Every instruction set of this machine, not just the best one.
for (const isa of ["scalar", "avx2", "avxvnni", "avx512", "avx512bf16", "neon"]) {
    process.env.AEON_ISA = isa;
    try {
        aeon("version");
    } catch {
        continue;
    }
    for (const type of ["f16", "bf16", "q8_0", "q4_1", "q4_k", "q5_k", "q6_k"])
        await test(`phi3-nano ${type} with ${isa}`, () =>
            compareModel(quantizedByPeer("phi3-nano", type), type, ids));
}
delete process.env.AEON_ISA;

for (const type of ["q4_k", "q6_k"])
    await test(`llama-nano ${type}, quantized by the peer`, () =>
        compareModel(quantizedByPeer("llama-nano", type), type, ids));

// LongRoPE: the long factors from the first position on, and as a sequence crosses 4096.
for (const type of ["f32", "f16", "q8_0"])
    await test(`phi3-nano ${type}, long factors`, () =>
        compareModel(synth("phi3-nano", type), type, ids,
            {ours: ["--rope", "long"], peers: {contextSize: 8192}}));
await test("phi3-nano f32, 4200 tokens", () =>
    compareModel(synth("phi3-nano", "f32"), "f32", randomIds(4200, 11),
        {ours: ["--ctx", 4352], peers: {contextSize: 4352, first: 4090}}));
await test("phi3-nano f32, short factors are not the long ones", async () => {
    const model = synth("phi3-nano", "f32");
    const peers = await peerScores(model, ids, {contextSize: 8192});
    try {
        within(distance(ourScores(model, ids, "--rope", "short"), peers), LIMITS.f32, "peer");
    } catch (error) {
        return `they differ: ${error.message}`;
    }
    throw new Error("the long factors make no difference, so nothing above was tested");
});

// The same weights as a Hugging Face folder give the same numbers, to the last bit.
function sameScores(model, folder) {
    const scores = [model, folder].map((m) => JSON.stringify(ourScores(m, ids)));
    if (scores[0] !== scores[1]) throw new Error("the logits differ");
    return `${ids.length} positions are equal`;
}
function sameTokens(model, folder, text) {
    const lists = [model, folder].map((m) => aeon("tokenize", "-m", m, "-p", text, "--json"));
    if (lists[0] !== lists[1]) throw new Error(`${lists[0]} and ${lists[1]}`);
}
for (const [shape, type, nShards] of [["phi3-nano", "f32", 1], ["phi3-nano", "bf16", 3],
    ["qwen2-nano", "f16", 2], ["qwen3-nano", "f32", 1]])
    await test(`${shape} ${type} as a checkpoint folder of ${nShards}`, () => {
        const model = synth(shape, type), folder = checkpoint(model, nShards);
        for (const text of ["Hello, world! I'm HERE", "  1234567\n\n\tthe end ", "naïve 東京 🙂"])
            sameTokens(model, folder, text);
        return sameScores(model, folder);
    });
// llama files keep the rotated pairs in another order than checkpoints, so sums round differently.
await test("llama-nano f32 with llama3 rotary scaling, file, peer and folder", async () => {
    const model = path.join(work, "llama3.gguf");
    python("llama3_rope.py", synth("llama-nano", "f32"), model);
    const folder = checkpoint(model, 2);
    const report = await compareModel(model, "f32", ids);
    within(distance(ourScores(folder, ids), ourScores(model, ids)), [0.0001, 0.0001], "file");
    return report;
});

finish();
