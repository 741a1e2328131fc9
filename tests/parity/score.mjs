// score.mjs - AEON's log-probabilities against llama.cpp's (node-llama-cpp).
//
//     node score.mjs PATH/TO/aeon
//
// Both run the same file over the same tokens. The package gives probabilities normalized over its
// own 40 best, so what is compared are differences: after removing the constant between the two
// (the median), the 20 best of the peer must agree at every position. Agreement within half of a
// gap means the same order across that gap, so order needs no test of its own.
//
// With any weights but f32 the peer rounds activations, to 16 or to 8 bits, and with quantized ones
// so does AEON. What is exact then? The peer's answer on the values of the same file written out as
// f32. AEON must not be further from it than the peer is (and a 16-bit file leaves it no excuse).
import {execFileSync} from "node:child_process";
import {copyFileSync, existsSync, mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {fileURLToPath} from "node:url";
import {getLlama} from "node-llama-cpp";

const here = path.dirname(fileURLToPath(import.meta.url));
const aeonPath = process.argv[2];
const work = mkdtempSync(path.join(tmpdir(), "aeon-parity-"));
const llama = await getLlama({gpu: false, build: "never", progressLogs: false, logLevel: "error"});

const TOP = 40, COMPARED = 20;
const N_VOCAB = 1000, N_NORMAL = 673; // of every small shape; the tokens from N_NORMAL on are unused

// How far the worst and the mean log-probability may be off: from the peer, by type of the weights,
// and from the exact answer for 16-bit weights. The peer rounds activations to bf16, a coarse type,
// where weights are bf16; so do we on a processor that multiplies them, for f16 too.
const LIMITS = {f32: [0.001, 0.001], f16: [0.01, 0.005], bf16: [0.05, 0.01]};
const ROUNDED = [0.08, 0.012];
const QUANTIZED = [Infinity, 0.05];
const EXACT = [0.001, 0.001];
const MORE_THAN_PEER = 1.25; // times the peer's mean distance from exact; a sample varies a little

const aeon = (...words) =>
    execFileSync(aeonPath, words.map(String), {maxBuffer: 1 << 30, encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"]});
const python = (script, ...words) =>
    execFileSync("python3", [path.join(here, script), ...words.map(String)], {stdio: "inherit"});

let nPassed = 0, nFailed = 0;
async function test(name, run) {
    try {
        console.log(`ok     ${name}: ${await run()}`);
        nPassed++;
    } catch (error) {
        console.log(`FAILED ${name}: ${error.stderr || error.message}`);
        nFailed++;
    }
}

// n tokens, the same ones for the same seed.
function randomIds(n, seed) {
    const ids = [];
    for (let state = BigInt(seed) + 1n; ids.length < n;) {
        state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
        ids.push(Number(state >> 33n) % N_NORMAL);
    }
    return ids;
}

function synth(shape, type, seed = 1) {
    const file = path.join(work, `${shape}-${type}-${seed}.gguf`);
    if (!existsSync(file)) aeon("synth", "--shape", shape, "--type", type, "--seed", seed, file);
    return file;
}

// The f32 model, quantized by llama.cpp.
function quantizedByPeer(shape, type, seed = 1) {
    const file = path.join(work, `${shape}-${type}-${seed}-peer.gguf`);
    python("quantize.py", synth(shape, "f32", seed), file, type);
    return file;
}

// One list of [id, log-probability] per position, best first.
function ourScores(model, ids, ...options) {
    const text = aeon("score", "-m", model, "--ids", ids.join(","), "--top", TOP, "--kv", "f32",
        "--threads", 1, ...options, "--json");
    return JSON.parse(text).positions.map((position) => position.top);
}

// The same from the peer, at positions from first on. A context above 4096 tokens makes llama.cpp
// use the long factors of LongRoPE at every position.
async function peerScores(modelPath, ids, {contextSize = 512, first = 0, batchSize = 512} = {}) {
    const model = await llama.loadModel({modelPath});
    const context = await model.createContext({contextSize, batchSize, threads: 1,
        flashAttention: false,
        experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32"});
    const options = {temperature: 1, topK: TOP, topP: 1, minP: 0};
    const output = await context.getSequence().controlledEvaluate(ids.map((id, i) =>
        i < first ? id : [id, {generateNext: {probabilities: true, options}}]));
    await context.dispose();
    await model.dispose();
    return output.map((o) => o && [...o.next.probabilities].map(([id, p]) => [id, Math.log(p)]));
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

// How far two lists of scores are from each other: the worst and the mean difference.
function distance(ours, peers, first = 0) {
    if (ours.length !== peers.length) throw new Error(`${ours.length} of ${peers.length} positions`);
    let worst = 0, sum = 0, count = 0;
    for (let pos = first; pos < peers.length; pos++) {
        const mine = new Map(ours[pos]);
        const pairs = peers[pos].slice(0, COMPARED).filter(([id]) => mine.has(id));
        if (pairs.length < COMPARED)
            throw new Error(`position ${pos}: ${COMPARED - pairs.length} of the peer's best `
                + `${COMPARED} are not among our best ${TOP}`);
        const differences = pairs.map(([id, logprob]) => mine.get(id) - logprob);
        const constant = median(differences);
        for (const difference of differences) {
            worst = Math.max(worst, Math.abs(difference - constant));
            sum += Math.abs(difference - constant);
            count++;
        }
    }
    return {worst, mean: sum / count};
}

const show = ({worst, mean}) => `worst ${worst.toFixed(5)}, mean ${mean.toFixed(5)}`;

function within(found, [worst, mean], from) {
    if (!(found.worst <= worst && found.mean <= mean))
        throw new Error(`from ${from}: ${show(found)}; limits ${worst}, ${mean}`);
    return show(found);
}

function multipliesBf16(type) {
    const {isa} = JSON.parse(aeon("doctor", "--json")).machine;
    return isa.endsWith("bf16") && (type === "f16" || type === "bf16");
}

async function compareModel(model, type, ids, {ours = [], peers = {}} = {}) {
    const mine = ourScores(model, ids, ...ours), theirs = await peerScores(model, ids, peers);
    const rounded = multipliesBf16(type), limits = rounded ? ROUNDED : LIMITS[type] ?? QUANTIZED;
    const report = within(distance(mine, theirs, peers.first), limits, "peer");
    if (type === "f32") return report;

    const widened = `${model}.f32`;
    if (!existsSync(widened)) python("quantize.py", model, widened, "f32");
    const exact = await peerScores(widened, ids, peers);
    const our = distance(mine, exact), their = distance(theirs, exact);
    const exactly = rounded ? ROUNDED : EXACT;
    within(our, type in LIMITS ? exactly : [Infinity, their.mean * MORE_THAN_PEER], "exact");
    return `${report}; from exact: ${our.mean.toFixed(5)}, the peer ${their.mean.toFixed(5)}`;
}

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
    const talk = "<|user|>My name is Julia and I live in Lisbon.<|end|><|assistant|>Nice to meet you, "
        + "Julia!<|end|><|user|>Where do I live?<|end|><|assistant|>You live in Lisbon.<|end|>";
    const {ids} = JSON.parse(aeon("tokenize", "-m", model, "--special", "--json", "-p", talk));
    return compareModel(model, "q8_0", ids);
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
function checkpoint(model, nShards) {
    const folder = `${model}-${nShards}.hf`;
    python("gguf_to_hf.py", model, folder, nShards);
    return folder;
}
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

rmSync(work, {recursive: true});
console.log(`${nPassed} passed, ${nFailed} failed`);
process.exit(nFailed === 0 ? 0 : 1);
