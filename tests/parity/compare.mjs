// compare.mjs - what the parity tests of models share: both programs, and how far they are apart.
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
import {existsSync, mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {fileURLToPath} from "node:url";
import {getLlama} from "node-llama-cpp";

export const here = path.dirname(fileURLToPath(import.meta.url));
const aeonPath = process.argv[2];
export const work = mkdtempSync(path.join(tmpdir(), "aeon-parity-"));
const llama = await getLlama({gpu: false, build: "never", progressLogs: false, logLevel: "error"});

const TOP = 40, COMPARED = 20;
const N_VOCAB = 1000, N_NORMAL = 673; // of every small shape; the tokens from N_NORMAL on are unused

// How far the worst and the mean log-probability may be off: from the peer, by type of the weights,
// and from the exact answer for 16-bit weights. The peer rounds activations to bf16, a coarse type,
// where weights are bf16; so do we on a processor that multiplies them, for f16 too.
export const LIMITS = {f32: [0.001, 0.001], f16: [0.01, 0.005], bf16: [0.05, 0.01]};
const ROUNDED = [0.08, 0.012];
const QUANTIZED = [Infinity, 0.05];
const EXACT = [0.001, 0.001];
const MORE_THAN_PEER = 1.25; // times the peer's mean distance from exact; a sample varies a little

export const aeon = (...words) =>
    execFileSync(aeonPath, words.map(String), {maxBuffer: 1 << 30, encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"]});
export const python = (script, ...words) =>
    execFileSync("python3", [path.join(here, script), ...words.map(String)], {stdio: "inherit"});

let nPassed = 0, nFailed = 0;
export async function test(name, run) {
    try {
        console.log(`ok     ${name}: ${await run()}`);
        nPassed++;
    } catch (error) {
        console.log(`FAILED ${name}: ${error.stderr || error.message}`);
        nFailed++;
    }
}

// n tokens, the same ones for the same seed.
export function randomIds(n, seed) {
    const ids = [];
    for (let state = BigInt(seed) + 1n; ids.length < n;) {
        state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
        ids.push(Number(state >> 33n) % N_NORMAL);
    }
    return ids;
}

// A talk that the built-in model knows how to follow.
export function idsOfTalk() {
    const talk = "<|user|>My name is Julia and I live in Lisbon.<|end|><|assistant|>Nice to meet you, "
        + "Julia!<|end|><|user|>Where do I live?<|end|><|assistant|>You live in Lisbon.<|end|>";
    return JSON.parse(aeon("tokenize", "--special", "--json", "-p", talk)).ids;
}

export function synth(shape, type, seed = 1) {
    const file = path.join(work, `${shape}-${type}-${seed}.gguf`);
    if (!existsSync(file)) aeon("synth", "--shape", shape, "--type", type, "--seed", seed, file);
    return file;
}

// The f32 model, quantized by llama.cpp.
export function quantizedByPeer(shape, type, seed = 1) {
    const file = path.join(work, `${shape}-${type}-${seed}-peer.gguf`);
    python("quantize.py", synth(shape, "f32", seed), file, type);
    return file;
}

// One list of [id, log-probability] per position, best first.
export function ourScores(model, ids, ...options) {
    const text = aeon("score", "-m", model, "--ids", ids.join(","), "--top", TOP, "--kv", "f32",
        "--threads", 1, ...options, "--json");
    return JSON.parse(text).positions.map((position) => position.top);
}

// The same from the peer, at positions from first on. A context above 4096 tokens makes llama.cpp
// use the long factors of LongRoPE at every position.
export async function peerScores(modelPath, ids, {contextSize = 512, first = 0, batchSize = 512} = {}) {
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
export function distance(ours, peers, first = 0) {
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

export function within(found, [worst, mean], from) {
    if (!(found.worst <= worst && found.mean <= mean))
        throw new Error(`from ${from}: ${show(found)}; limits ${worst}, ${mean}`);
    return show(found);
}

function multipliesBf16(type) {
    const {isa} = JSON.parse(aeon("doctor", "--json")).machine;
    return isa.endsWith("bf16") && (type === "f16" || type === "bf16");
}

export async function compareModel(model, type, ids, {ours = [], peers = {}, limits} = {}) {
    const mine = ourScores(model, ids, ...ours), theirs = await peerScores(model, ids, peers);
    const rounded = multipliesBf16(type);
    limits ??= rounded ? ROUNDED : LIMITS[type] ?? QUANTIZED;
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

// The model as a Hugging Face folder.
export function checkpoint(model, nShards) {
    const folder = `${model}-${nShards}.hf`;
    python("gguf_to_hf.py", model, folder, nShards);
    return folder;
}

// The last words of a test program.
export function finish() {
    rmSync(work, {recursive: true});
    console.log(`${nPassed} passed, ${nFailed} failed`);
    process.exit(nFailed === 0 ? 0 : 1);
}
