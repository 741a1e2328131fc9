#!/usr/bin/env node
// targets.mjs - every target of speed, row by row, on random weights of Phi-4-mini's shape.
//
//     node bench/targets.mjs PATH/TO/aeon [--types q4_0,q8_0,..] [-r 5] [-t N] [--folder build/bench]
//         [--keep] [--json]
//
// One type of weights after the other: its file is made, both sides load it, and all tests run in
// rounds, AEON, llama.cpp, AEON, llama.cpp. Each round begins with a probe of what memory and
// multipliers do just then, and fractions of a limit are of that; medians over the rounds are told.
// Without node-llama-cpp the rows that need it are left out. Files are removed unless --keep is given.
import {spawnSync} from "node:child_process";
import {existsSync, mkdirSync, rmSync} from "node:fs";
import path from "node:path";
import {readOptions} from "./options.mjs";
import {fail, hasPeer, median, openAeon, openPeer} from "./sides.mjs";

const USAGE = "targets.mjs PATH/TO/aeon [--types q4_0,q8_0,..] [-r 5] [-t N] [--folder FOLDER] "
    + "[--keep] [--json]";
const SHAPE = "phi-4-mini", DEPTH = 4096, TURN = 16;

// What a type must reach: fractions of a limit, tokens/s, ratios to the peer, times. steps: how long
// a step of so many talks may take, in steps of one.
const INT = {prefillTps: 90, prefillOfPeak: 0.65, prefillRatio: 2.3};
const HALF = {prefillOfPeak: 0.85, prefillRatio: 4.5};
const TYPES = {
    q4_0: {...INT, steps: {4: 1.3, 8: 1.7, 16: 2.6}, turnMs: 200, startMs: 1000, deep: true},
    q8_0: {...INT, steps: {4: 1.1, 8: 1.25, 16: 1.7}, turnMs: 260},
    q4_k_m: INT,
    bf16: HALF,
    f16: HALF,
};

// ---- what to do ------------------------------------------------------------------------------

function chooseWork() {
    const {values, positionals, refuse, wholeNumber} = readOptions(USAGE, {
        types: {type: "string", default: Object.keys(TYPES).join(",")},
        runs: {type: "string", short: "r", default: "5"},
        threads: {type: "string", short: "t", default: "0"},
        folder: {type: "string", default: "build/bench"},
        keep: {type: "boolean", default: false}, json: {type: "boolean", default: false}});
    const types = values.types.split(","), unknown = types.find((type) => !TYPES[type]);
    if (positionals.length !== 1) refuse("a program is needed");
    if (unknown !== undefined)
        fail(`--types ${unknown}: there are targets for ${Object.keys(TYPES).join(", ")}`, 2);
    return {...values, types, aeon: positionals[0], runs: wholeNumber("--runs", values.runs, 1),
        threads: wholeNumber("--threads", values.threads, 0)};
}

const say = (text) => process.stderr.write(`${text}\n`);

// ---- files -----------------------------------------------------------------------------------

function runAeon(aeon, ...args) {
    const {status, error} = spawnSync(aeon, args, {stdio: ["ignore", "ignore", "inherit"]});
    if (error || status) fail(`${aeon} ${args.join(" ")}: ${error?.message ?? `status ${status}`}`);
}

// The file of a type; those with searched scales are made from halves. Returns its path.
function makeFile({aeon, folder}, type) {
    const file = path.join(folder, `${SHAPE}-${type}.gguf`);
    if (existsSync(file)) return file;
    mkdirSync(folder, {recursive: true});
    if (!type.endsWith("_m")) {
        runAeon(aeon, "synth", "--shape", SHAPE, "--type", type, file);
        return file;
    }
    const source = path.join(folder, `${SHAPE}-f16.gguf`), isNew = !existsSync(source);
    if (isNew) runAeon(aeon, "synth", "--shape", SHAPE, "--type", "f16", source);
    runAeon(aeon, "quantize", source, file, "--type", type);
    if (isNew) rmSync(source);
    return file;
}

// ---- measuring -------------------------------------------------------------------------------

function listTests({steps = {}, turnMs, deep}) {
    const tests = [{name: "prefill", test: "prefill", tokens: 256, depth: 0, withPeer: true},
        {name: "decode", test: "decode", tokens: 16, depth: 0, withPeer: true}];
    for (const batch of Object.keys(steps).map(Number))
        tests.push({name: `step ${batch}`, test: "decode", tokens: 8, depth: 0, batch});
    if (turnMs) tests.push({name: "turn", test: "prefill", tokens: TURN, depth: 0});
    if (deep) // last: to go there takes a while
        tests.push({name: "deep prefill", test: "prefill", tokens: 256, depth: DEPTH},
            {name: "deep decode", test: "decode", tokens: 16, depth: DEPTH});
    return tests;
}

async function measureTest({name, withPeer, ...test}, {aeon, peer}, found) {
    const {tps, limit_fraction: ofLimit} = await aeon.ask(test);
    const peerTps = withPeer && peer ? await peer.run(test) : undefined;
    (found[name] ??= []).push({tps, ofLimit, peerTps, ratio: peerTps && tps / peerTps});
}

// Median of each figure of each test over the rounds. The first round warms up.
async function measure(tests, sides, nRuns) {
    const found = {}, medians = {};
    for (const depth of new Set(tests.map((test) => test.depth)))
        for (let round = -1; round < nRuns; round++) {
            await sides.aeon.ask({test: "probe"});
            for (const test of tests.filter((test) => test.depth === depth))
                await measureTest(test, sides, round < 0 ? {} : found);
        }
    for (const [name, rounds] of Object.entries(found))
        medians[name] = Object.fromEntries(Object.keys(rounds[0]).map((key) =>
            [key, rounds[0][key] === undefined ? undefined : median(rounds.map((r) => r[key]))]));
    return medians;
}

// From the start of the process to its end, one token later.
function measureStart(aeon, file, nRuns) {
    const ids = Array.from({length: TURN}, (_, i) => i * 7919 + 11).join(",");
    const times = Array.from({length: nRuns}, () => {
        const start = performance.now();
        runAeon(aeon, "run", "-m", file, "--ids", ids, "-n", "1", "--ctx", "1024");
        return performance.now() - start;
    });
    return median(times);
}

// ---- rows ------------------------------------------------------------------------------------

const percent = (x) => `${(100 * x).toFixed(0)} %`, times = (x) => `${x.toFixed(2)} x`;
const rate = (x) => `${x.toFixed(1)} /s`, ms = (x) => `${x.toFixed(0)} ms`;

// target undefined: told, without one. isMost: the figure should be below it.
function row(type, work, value, target, show, isMost = false) {
    const isMet = target === undefined ? undefined : isMost ? value <= target : value >= target;
    return {type, work, value, target, isMost, isMet, show};
}

function listRows(type, medians, startMs) {
    const goal = TYPES[type], {prefill, decode, turn} = medians, rows = [];
    const add = (...args) => rows.push(row(type, ...args));
    add("prefill 256, tokens", prefill.tps, goal.prefillTps, rate);
    add("prefill 256, of the peak of products", prefill.ofLimit, goal.prefillOfPeak, percent);
    if (prefill.ratio) add("prefill 256, beside llama.cpp", prefill.ratio, goal.prefillRatio, times);
    add("decode, tokens", decode.tps, undefined, rate);
    add("decode, of streaming reads", decode.ofLimit, 0.95, percent);
    if (decode.ratio) add("decode, beside llama.cpp", decode.ratio, 1, times);
    for (const [batch, most] of Object.entries(goal.steps ?? {}))
        add(`step of ${batch} talks, of a step of one`,
            batch * decode.tps / medians[`step ${batch}`].tps, most, times, true);
    if (goal.deep) {
        const deep = medians["deep prefill"], deepDecode = medians["deep decode"];
        add(`prefill behind ${DEPTH}, of that behind none`, deep.tps / prefill.tps, 0.65, percent);
        add(`decode behind ${DEPTH}, of streaming reads`, deepDecode.ofLimit, 0.9, percent);
    }
    if (turn) add(`first token after a turn of ${TURN}`, 1e3 * TURN / turn.tps, goal.turnMs, ms, true);
    if (startMs) add("start of the process to the first token", startMs, goal.startMs, ms, true);
    return rows;
}

function printRow({type, work, value, target, isMost, isMet, show}) {
    const goal = target === undefined ? "" : `${isMost ? "<=" : ">="} ${show(target)}`;
    const verdict = isMet === undefined ? "" : isMet ? "met" : "missed";
    console.log(`${type.padEnd(7)} ${work.padEnd(41)} ${show(value).padStart(9)}   `
        + `${goal.padEnd(12)} ${verdict}`.trimEnd());
}

async function runType(options, type) {
    const {aeon: program, runs, threads} = options, goal = TYPES[type];
    const wasThere = existsSync(path.join(options.folder, `${SHAPE}-${type}.gguf`));
    say(`${type}: making the file`);
    const file = makeFile(options, type), tests = listTests(goal);
    const batches = Object.keys(goal.steps ?? {1: 1}), depths = goal.deep ? [0, DEPTH] : [0];
    say(`${type}: measuring`);
    const aeon = await openAeon(program, file, {prefill: 256, decode: 16, depths, batches}, threads);
    const peer = hasPeer()
        ? await openPeer(file, {prefill: 256, decode: 16, depths: [0]}, aeon.about.threads) : undefined;
    const medians = await measure(tests, {aeon, peer}, runs);
    await aeon.close();
    await peer?.close();
    const rows = listRows(type, medians, goal.startMs && measureStart(program, file, runs));
    if (!options.keep && !wasThere) rmSync(file);
    if (!options.json) rows.forEach(printRow);
    return {about: aeon.about, rows: rows.map(({show, ...told}) => told)};
}

const options = chooseWork(), results = [];
say(`random weights of ${SHAPE}, up to 10 GB in ${options.folder}; about 15 minutes on two cores`);
if (!hasPeer()) say("node-llama-cpp is not installed: without rows beside llama.cpp");
for (const type of options.types) results.push(await runType(options, type));
if (options.json) console.log(JSON.stringify(results));
process.exit(0);
