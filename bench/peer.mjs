#!/usr/bin/env node
// peer.mjs - AEON and llama.cpp (node-llama-cpp) on the same file, in turns.
//
//     node bench/peer.mjs PATH/TO/aeon FILE.gguf [-p 256] [-n 32] [--depth 0,1024] [-r 5] [-t N]
//         [--json]
//
// Both load the model once, before anything is measured. Then every test runs in rounds: AEON, the
// peer, AEON, the peer; what disturbs the machine for a while tells on both. llama.cpp runs inside
// this program, and `aeon bench --lines` beside it answers a line for each test; of the two only one
// computes at a time. AEON itself never runs another program, so this one is in charge.
//
// The peer has as many threads, keys and values in f16 and flash attention, which is its fastest. Both
// compute one row of logits after a prompt and one for every token that is written; the peer also
// picks the likeliest token, the only way to get at its logits, which takes less than a millisecond.
import {spawn} from "node:child_process";
import {existsSync} from "node:fs";
import path from "node:path";
import {createInterface} from "node:readline";
import {fileURLToPath, pathToFileURL} from "node:url";
import {parseArgs} from "node:util";

const here = path.dirname(fileURLToPath(import.meta.url));
const LLAMA = path.join(here, "../tests/parity/node_modules/node-llama-cpp/dist/index.js");
const USAGE = "usage: peer.mjs PATH/TO/aeon FILE.gguf [-p 256] [-n 32] [--depth 0,1024] [-r 5] [-t N] "
    + "[--json]";

function fail(text, code = 1) {
    console.error(`peer: error: ${text}`);
    process.exit(code);
}

// ---- what to do ------------------------------------------------------------------------------

function wholeNumber(name, text, least) {
    if (!/^\d{1,6}$/.test(text) || Number(text) < least)
        fail(`${name} ${text}: must be a whole number from ${least} to 999999\n${USAGE}`, 2);
    return Number(text);
}

function readOptions() {
    let given;
    try {
        given = parseArgs({allowPositionals: true, options: {
            prefill: {type: "string", short: "p", default: "256"},
            decode: {type: "string", short: "n", default: "32"},
            depth: {type: "string", default: "0"},
            runs: {type: "string", short: "r", default: "5"},
            threads: {type: "string", short: "t", default: "0"},
            json: {type: "boolean", default: false}}});
    } catch (error) {
        fail(`${error.message}\n${USAGE}`, 2);
    }
    const {values, positionals} = given;
    if (positionals.length !== 2) fail(`a program and a file are needed\n${USAGE}`, 2);
    const [aeon, model] = positionals;
    const options = {aeon, model, json: values.json,
        prefill: wholeNumber("-p", values.prefill, 0), decode: wholeNumber("-n", values.decode, 0),
        runs: wholeNumber("-r", values.runs, 1), threads: wholeNumber("-t", values.threads, 0),
        depths: values.depth.split(",").map((depth) => wholeNumber("--depth", depth, 0))};
    if (!options.prefill && !options.decode) fail("-p 0 -n 0: nothing to measure", 2);
    if (!existsSync(model))
        fail(`${model}: no such file; llama.cpp needs a GGUF file, and aeon synth writes one`);
    return options;
}

function listTests({prefill, decode, depths}) {
    return depths.flatMap((depth) => [
        {test: "prefill", tokens: prefill, depth},
        {test: "decode", tokens: decode, depth}]).filter(({tokens}) => tokens > 0);
}

// ---- the two sides: each has .run(test), tokens per second -------------------------------------

async function openAeon({aeon, model, prefill, decode, depths, threads}) {
    const child = spawn(aeon, ["bench", "-m", model, "--lines", "-p", prefill, "-n", decode,
        "--depth", depths.join(","), "-t", threads].map(String), {stdio: ["pipe", "pipe", "inherit"]});
    child.on("error", (error) => fail(`${aeon}: ${error.message}`));
    child.stdin.on("error", () => {}); // its end is told by the missing answer
    const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
    const answer = async () => {
        const {value, done} = await lines.next();
        if (done) fail(`${aeon} ended before it answered`);
        return JSON.parse(value);
    };
    return {about: await answer(), close: () => child.stdin.end(),
        run: async (test) => {
            child.stdin.write(`${JSON.stringify(test)}\n`);
            return (await answer()).tps;
        }};
}

async function importLlama() {
    if (!existsSync(LLAMA))
        fail("node-llama-cpp is not installed: `make bench-peer` does it, or `npm ci` in tests/parity");
    return import(pathToFileURL(LLAMA));
}

async function openPeer({model: modelPath, prefill, decode, depths}, threads) {
    const {getLlama} = await importLlama();
    const llama = await getLlama({gpu: false, build: "never", progressLogs: false, logLevel: "error",
        maxThreads: threads});
    const model = await llama.loadModel({modelPath});
    const longest = Math.max(...depths) + Math.max(prefill, decode);
    const context = await model.createContext({contextSize: longest + 32,
        threads: {ideal: threads, min: threads}, flashAttention: true,
        experimentalKvCacheKeyType: "F16", experimentalKvCacheValueType: "F16"});
    const sequence = context.getSequence();
    const nVocab = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
    const ids = Array.from({length: longest}, (_, i) => (i * 7919 + 11) % nVocab);

    const withLogits = (id) => [id, {generateNext: {token: true, options: {temperature: 0}}}];
    async function setDepth(depth) {
        const held = sequence.nextTokenIndex;
        if (held > depth) await sequence.eraseContextTokenRanges([{start: depth, end: held}]);
        if (held < depth) await sequence.evaluateWithoutGeneratingNewTokens(ids.slice(held, depth));
        if (sequence.nextTokenIndex !== depth) fail(`the peer cannot go back to ${depth} tokens`);
    }
    async function run({test, tokens, depth}) {
        await setDepth(depth);
        const next = ids.slice(depth, depth + tokens);
        const start = performance.now();
        if (test === "prefill")
            await sequence.controlledEvaluate([...next.slice(0, -1), withLogits(next.at(-1))]);
        else
            for (const id of next) await sequence.controlledEvaluate([withLogits(id)]);
        return 1000 * tokens / (performance.now() - start);
    }
    return {about: {name: "llama.cpp", release: llama.llamaCppRelease.release,
        threads: context.currentThreads}, run};
}

// ---- in turns --------------------------------------------------------------------------------

const median = (numbers) => {
    const sorted = [...numbers].sort((a, b) => a - b), middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

async function compare(tests, sides, nRuns) {
    const results = tests.map((test) => ({...test, aeon: [], peer: []}));
    for (let round = -1; round < nRuns; round++) // the first warms both up
        for (const result of results)
            for (const side of ["aeon", "peer"]) {
                const {test, tokens, depth} = result;
                const tps = await sides[side].run({test, tokens, depth});
                if (round >= 0) result[side].push(tps);
            }
    return results.map(({aeon, peer, ...test}) => ({...test,
        aeon_median_tps: median(aeon), peer_median_tps: median(peer),
        ratio: median(aeon) / median(peer), aeon_tps: aeon, peer_tps: peer}));
}

function printTable(about, peer, results) {
    console.log(`model    ${about.model}, ${about.type}; ${about.isa}, ${about.threads} threads`);
    console.log(`peer     ${peer.name} ${peer.release}, ${peer.threads} threads\n`);
    console.log("test      tokens  depth        AEON  llama.cpp   ratio   tokens/s, medians of "
        + `${results[0].aeon_tps.length}`);
    for (const r of results)
        console.log(r.test.padEnd(8) + [[r.tokens, 8], [r.depth, 7], [r.aeon_median_tps.toFixed(2), 12],
            [r.peer_median_tps.toFixed(2), 11], [r.ratio.toFixed(2), 8]]
            .map(([value, width]) => String(value).padStart(width)).join(""));
}

const options = readOptions();
await importLlama(); // a missing one is told before a large file is loaded
const aeon = await openAeon(options);
const peer = await openPeer(options, aeon.about.threads);
const results = await compare(listTests(options), {aeon, peer}, options.runs);
if (options.json) console.log(JSON.stringify({...aeon.about, peer: peer.about, results}));
else printTable(aeon.about, peer.about, results);
aeon.close();
process.exit(0);
