#!/usr/bin/env node
// peer.mjs - AEON and llama.cpp (node-llama-cpp) on the same file, in turns.
//
//     node bench/peer.mjs PATH/TO/aeon FILE.gguf [-p 256] [-n 32] [--depth 0,1024] [-r 5] [-t N]
//         [--json]
//
// Every test runs in rounds: AEON, the peer, AEON, the peer; what disturbs the machine for a while
// tells on both. How each side is measured: sides.mjs.
import {existsSync} from "node:fs";
import {readOptions} from "./options.mjs";
import {fail, hasPeer, median, openAeon, openPeer} from "./sides.mjs";

const USAGE = "peer.mjs PATH/TO/aeon FILE.gguf [-p 256] [-n 32] [--depth 0,1024] [-r 5] [-t N] "
    + "[--json]";

// ---- what to do ------------------------------------------------------------------------------

function chooseWork() {
    const {values, positionals, refuse, wholeNumber} = readOptions(USAGE, {
        prefill: {type: "string", short: "p", default: "256"},
        decode: {type: "string", short: "n", default: "32"},
        depth: {type: "string", default: "0"},
        runs: {type: "string", short: "r", default: "5"},
        threads: {type: "string", short: "t", default: "0"},
        json: {type: "boolean", default: false}});
    if (positionals.length !== 2) refuse("a program and a file are needed");
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

// ---- in turns --------------------------------------------------------------------------------

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

const options = chooseWork();
if (!hasPeer()) // told before a large file is loaded
    fail("node-llama-cpp is not installed: `make bench-peer` does it, or `npm ci` in tests/parity");
const aeon = await openAeon(options.aeon, options.model, options, options.threads);
const peer = await openPeer(options.model, options, aeon.about.threads);
const results = await compare(listTests(options), {aeon, peer}, options.runs);
if (options.json) console.log(JSON.stringify({...aeon.about, peer: peer.about, results}));
else printTable(aeon.about, peer.about, results);
await aeon.close();
process.exit(0);
