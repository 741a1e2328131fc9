// eval.mjs - aeon eval -f against llama.cpp (node-llama-cpp): perplexity, divergence, agreement.
//
//     node eval.mjs PATH/TO/aeon
//
// The peer reads the same windows of the same tokens and gives the probabilities of the whole
// vocabulary; what follows from them is reckoned here, from the definitions.
import {execFileSync} from "node:child_process";
import {copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {fileURLToPath} from "node:url";
import {getLlama} from "node-llama-cpp";

const here = path.dirname(fileURLToPath(import.meta.url));
const aeonPath = process.argv[2];
const work = mkdtempSync(path.join(tmpdir(), "aeon-parity-"));
const llama = await getLlama({gpu: false, build: "never", progressLogs: false, logLevel: "error"});
const CTX = 128;

const aeon = (...words) => execFileSync(aeonPath, words.map(String),
    {maxBuffer: 1 << 30, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"]});

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

function synth(shape, type, seed) {
    const file = path.join(work, `${shape}-${type}-${seed}.gguf`);
    aeon("synth", "--shape", shape, "--type", type, "--seed", seed, "--force", file);
    return file;
}

// Of each scored place of a window, what the peer expects: a Map of probabilities.
async function readWindow(context, ids) {
    const options = {temperature: 1, topK: 0, topP: 1, minP: 0}; // all of the vocabulary
    const sequence = context.getSequence();
    const output = await sequence.controlledEvaluate(ids.map((id, pos) =>
        pos < CTX / 2 || pos === CTX - 1 ? id
            : [id, {generateNext: {probabilities: true, options}}]));
    await sequence.dispose();
    return output.filter((o) => o).map((o) => o.next.probabilities);
}

async function peerPlaces(modelPath, ids) {
    const model = await llama.loadModel({modelPath});
    const context = await model.createContext({contextSize: CTX, batchSize: CTX, threads: 1,
        flashAttention: false,
        experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32"});
    const places = [];
    for (let begin = 0; begin + CTX <= ids.length; begin += CTX)
        for (const [i, probabilities] of
            (await readWindow(context, ids.slice(begin, begin + CTX))).entries())
            places.push({probabilities, next: ids[begin + CTX / 2 + i + 1]});
    await context.dispose();
    await model.dispose();
    return places;
}

const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
const perplexity = (places) =>
    Math.exp(mean(places.map(({probabilities, next}) => -Math.log(probabilities.get(next)))));
const best = (probabilities) => [...probabilities].reduce((a, b) => b[1] > a[1] ? b : a)[0];

function divergence(p, q) {
    let sum = 0;
    for (const [id, probability] of p) sum += probability * Math.log(probability / q.get(id));
    return sum;
}

function near(name, ours, peers, relative) {
    if (!(Math.abs(ours - peers) <= relative * Math.abs(peers)))
        throw new Error(`${name}: ${ours}, the peer ${peers}`);
    return `${name} ${ours.toPrecision(6)}, the peer ${peers.toPrecision(6)}`;
}

async function compare(model, reference, limits) {
    const file = path.join(work, "text.txt");
    writeFileSync(file, readFileSync(path.join(here, "../../README.md"), "utf8").slice(0, 2500));
    const {ids} = JSON.parse(aeon("tokenize", "-m", model, "-f", file, "--json"));
    const ours = JSON.parse(aeon("eval", "-m", model, "--against", reference, "-f", file,
        "--ctx", CTX, "--kv", "f32", "--json"));
    const q = await peerPlaces(model, ids), p = await peerPlaces(reference, ids);
    if (ours.tokens !== q.length) throw new Error(`${ours.tokens} tokens, the peer ${q.length}`);
    const kl = p.map((place, i) => divergence(place.probabilities, q[i].probabilities));
    const same = p.map((place, i) => best(place.probabilities) === best(q[i].probabilities));
    return [near("perplexity", ours.perplexity, perplexity(q), limits.perplexity),
        near("its reference", ours.reference_perplexity, perplexity(p), limits.perplexity),
        near("KL", ours.kl_mean, mean(kl), limits.kl),
        near("its maximum", ours.kl_max, Math.max(...kl), limits.most),
        near("agreement", ours.top1_agreement, mean(same), limits.same)].join("; ");
}

// Both engines are within 0.001 of a logit in f32 (score.mjs), and mostly much closer; probabilities
// come from the peer as floats. One place among hundreds may have two tokens so close that they
// change order.
for (const shape of ["phi3-nano", "qwen3-nano"])
    await test(`${shape} f32, two seeds`, () =>
        compare(synth(shape, "f32", 1), synth(shape, "f32", 2),
            {perplexity: 1e-4, kl: 1e-4, most: 1e-3, same: 0.02}));

// The peer rounds activations in its own way where weights are quantized, which is about as large as
// what is measured.
await test("phi3-nano q8_0 against f32", () =>
    compare(synth("phi3-nano", "q8_0", 1), synth("phi3-nano", "f32", 1),
        {perplexity: 1e-3, kl: 0.1, most: 0.3, same: 0.05}));
await test("phi3-nano q4_0 against f32", () =>
    compare(synth("phi3-nano", "q4_0", 1), synth("phi3-nano", "f32", 1),
        {perplexity: 1e-2, kl: 0.02, most: 0.1, same: 0.02}));

// A model that learned something: its file against the values that the file stands for.
await test("the built-in model against itself in f32", () => {
    const model = path.join(work, "builtin.gguf"), widened = path.join(work, "builtin-f32.gguf");
    copyFileSync(path.join(here, "../../models/aeon-tiny.gguf"), model);
    execFileSync("python3", [path.join(here, "quantize.py"), model, widened, "f32"]);
    return compare(model, widened, {perplexity: 0.02, kl: 0.3, most: 0.7, same: 0.05});
});

rmSync(work, {recursive: true});
console.log(`${nPassed} passed, ${nFailed} failed`);
process.exit(nFailed === 0 ? 0 : 1);
