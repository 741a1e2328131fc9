// sides.mjs - two engines that measure the same work: AEON, and llama.cpp (node-llama-cpp).
//
// Each side has `.about`, and `.run({test, tokens, depth})` in tokens per second, with its model
// loaded before: llama.cpp runs inside this program, and `aeon bench --lines` beside it answers a
// line for each test; of the two only one computes at a time. AEON itself never runs another program.
//
// The peer has as many threads, keys and values in f16 and flash attention, which is its fastest. Both
// compute one row of logits after a prompt and one for every token that is written; the peer also
// picks the likeliest token, the only way to get at its logits, which takes less than a millisecond.
import {spawn} from "node:child_process";
import {existsSync} from "node:fs";
import path from "node:path";
import {createInterface} from "node:readline";
import {fileURLToPath, pathToFileURL} from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const LLAMA = path.join(here, "../tests/parity/node_modules/node-llama-cpp/dist/index.js");

export function fail(text, code = 1) {
    console.error(`${path.basename(process.argv[1], ".mjs")}: error: ${text}`);
    process.exit(code);
}

export const median = (numbers) => {
    const sorted = [...numbers].sort((a, b) => a - b), middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

// most: the largest tests that will be asked for, {prefill, decode, depths, batches}.
export async function openAeon(aeon, model, {prefill, decode, depths, batches = [1]}, threads) {
    const child = spawn(aeon, ["bench", "-m", model, "--lines", "-p", prefill, "-n", decode,
        "--depth", depths.join(","), "--batch", batches.join(","), "-t", threads].map(String),
    {stdio: ["pipe", "pipe", "inherit"]});
    child.on("error", (error) => fail(`${aeon}: ${error.message}`));
    child.stdin.on("error", () => {}); // its end is told by the missing answer
    const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
    const answer = async () => {
        const {value, done} = await lines.next();
        if (done) fail(`${aeon} ended before it answered`);
        return JSON.parse(value);
    };
    const ask = async (test) => {
        child.stdin.write(`${JSON.stringify(test)}\n`);
        return answer();
    };
    return {about: await answer(), ask, run: async (test) => (await ask(test)).tps,
        close: () => new Promise((ended) => child.on("close", ended) && child.stdin.end())};
}

export const hasPeer = () => existsSync(LLAMA);

export async function openPeer(modelPath, {prefill, decode, depths}, threads) {
    const {getLlama} = await import(pathToFileURL(LLAMA));
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
        threads: context.currentThreads}, run, close: () => llama.dispose()};
}
