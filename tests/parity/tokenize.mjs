// tokenize.mjs - AEON's token ids against OpenAI's tiktoken.
//
//     node tokenize.mjs PATH/TO/aeon
//
// From the ranks in the package come the tokenizer.json files that Hugging Face checkpoints carry;
// the program and the package then encode the same seeded strings. Every vocabulary and split rule
// is one round; the first is that of Phi-4-mini.
import {execFileSync} from "node:child_process";
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import path from "node:path";
import {Tiktoken} from "tiktoken";

const require = createRequire(import.meta.url);
const aeonPath = process.argv[2];
const work = mkdtempSync(path.join(tmpdir(), "aeon-tokenize-"));

// ---- a Hugging Face folder from ranks ----------------------------------------------------------

// Byte-level vocabularies spell bytes as printable characters.
const spelledByte = [];
for (let byte = 0, next = 256; byte < 256; byte++) {
    const isPrintable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    spelledByte.push(String.fromCodePoint(isPrintable ? byte : next++));
}
const spell = (bytes) => [...bytes].map((c) => spelledByte[c.charCodeAt(0)]).join("");

// Lines of "! FIRST_RANK BASE64 BASE64 ..." to token (one character a byte) -> rank.
function readRanks(text) {
    const ranks = new Map();
    for (const line of text.split("\n").filter(Boolean)) {
        const [, first, ...tokens] = line.split(" ");
        tokens.forEach((token, i) =>
            ranks.set(Buffer.from(token, "base64").toString("latin1"), Number(first) + i));
    }
    return ranks;
}

// The two parts that merging with lower ranks alone leaves of a token.
function partsOf(token, ranks) {
    const parts = [...token];
    while (parts.length > 2) {
        let best = ranks.get(token), at = -1;
        for (let i = 0; i + 1 < parts.length; i++) {
            const rank = ranks.get(parts[i] + parts[i + 1]) ?? Infinity;
            if (rank < best) [best, at] = [rank, i];
        }
        parts.splice(at, 2, parts[at] + parts[at + 1]);
    }
    return parts;
}

function writeFolder(name, ranks, specials, pattern) {
    const vocab = {}, merges = [];
    for (const [token, rank] of ranks) {
        vocab[spell(token)] = rank;
        if (token.length > 1) merges.push(partsOf(token, ranks).map(spell));
    }
    const added_tokens = Object.entries(specials).map(
        ([content, id]) => ({id, content, special: true}));
    const pretokenizers = [
        {type: "Split", pattern: {Regex: pattern}, behavior: "Isolated", invert: false},
        {type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false}];
    const tokenizer = {version: "1.0", added_tokens, normalizer: null,
        pre_tokenizer: {type: "Sequence", pretokenizers}, model: {type: "BPE", vocab, merges}};
    const config = {model_type: "phi3", architectures: ["Phi3ForCausalLM"], hidden_size: 64,
        intermediate_size: 128, num_hidden_layers: 1, num_attention_heads: 2,
        num_key_value_heads: 1, max_position_embeddings: 128, rms_norm_eps: 1e-5,
        vocab_size: 1 + Math.max(ranks.size - 1, ...Object.values(specials)),
        rope_theta: 10000, hidden_act: "silu", tie_word_embeddings: true};
    const folder = path.join(work, name);
    mkdirSync(folder);
    writeFileSync(path.join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
    writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));
    return folder;
}

// ---- seeded strings ----------------------------------------------------------------------------

let state = 20250227n;
function below(n) { // uniform enough for tests
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number(state >> 33n) % n;
}
const pick = (list) => list[below(list.length)];
const repeat = (n, make) => Array.from({length: n}, make).join("");
const between = (first, last) => String.fromCodePoint(first + below(last - first + 1));

// First and last code point of scripts and symbol blocks.
const BLOCKS = [
    [0x20, 0x7e], [0xa0, 0xff], [0x100, 0x24f], [0x250, 0x2af], [0x300, 0x36f], [0x370, 0x3ff],
    [0x400, 0x52f], [0x531, 0x58a], [0x591, 0x5f4], [0x600, 0x6ff], [0x700, 0x74f], [0x780, 0x7b1],
    [0x900, 0x97f], [0x980, 0x9fe], [0xa01, 0xa76], [0xa81, 0xaff], [0xb01, 0xb77], [0xb82, 0xbfa],
    [0xc00, 0xc7f], [0xc80, 0xcf2], [0xd00, 0xd7f], [0xe01, 0xe5b], [0xe81, 0xedf], [0xf00, 0xfda],
    [0x1000, 0x109f], [0x10a0, 0x10ff], [0x1100, 0x11ff], [0x1200, 0x137c], [0x13a0, 0x13fd],
    [0x1780, 0x17f9], [0x1800, 0x18aa], [0x1e00, 0x1eff], [0x1f00, 0x1ffe], [0x2000, 0x206f],
    [0x2070, 0x209c], [0x20a0, 0x20bf], [0x2100, 0x218b], [0x2190, 0x23ff], [0x2460, 0x24ff],
    [0x2500, 0x27bf], [0x2e80, 0x2fdf], [0x3000, 0x30ff], [0x3105, 0x318e], [0x4e00, 0x9fff],
    [0xa000, 0xa4c6], [0xac00, 0xd7a3], [0xe000, 0xf8ff], [0xf900, 0xfaff], [0xfb00, 0xfdff],
    [0xfe00, 0xfe6f], [0xff00, 0xffef], [0x10000, 0x100fa], [0x10330, 0x1034a], [0x10400, 0x1044f],
    [0x12000, 0x12399], [0x13000, 0x1342e], [0x1d400, 0x1d7ff], [0x1f100, 0x1f1ff],
    [0x1f300, 0x1f64f], [0x1f680, 0x1f6ff], [0x1f900, 0x1f9ff], [0x20000, 0x2a6dd],
    [0xe0020, 0xe007f], [0x100000, 0x10fffd],
];
const WORDS = ("the of and to in is you that it he was for on are as with his they I at be this " +
    "have from or one had by word but not what all were we when your can said there use an each " +
    "which she do how their if will up other about out many then them these so some her would " +
    "make like him into time has look two more write go see number no way could people my than " +
    "first water been call who oil its now find long down day did get come made may part " +
    "Straße naïve café Ελλάδα Москва Київ שלום مرحبا हिन्दी ภาษาไทย 日本語 中文 한국어 " +
    "İstanbul ǅungla ﬁnance").split(" ");
const ENDINGS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "'Re", "'ſ", "’s", "'x",
    "'", "''", ""];
const SPACES = [" ", "  ", "\t", "\n", "\r\n", "\r", "\v", "\f", "\u0085", "\u00a0", "\u1680",
    "\u180e", "\u2003", "\u200b", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff"];
const CODE = ["int main(void)\n{\n\treturn 0;\n}\n", "for (size_t i = 0; i < n; i++) {\n",
    "def f(x):\n    return x**2  # square\n", "<div class=\"a b\">\n  <p>&nbsp;</p>\n</div>",
    "SELECT * FROM t WHERE a >= 10;", "#include <stdio.h>\r\n", "x->y.z[3] += 0x7fULL;",
    "https://example.org/a/b?c=d&e=%20#f", "{\"key\": [1, 2.5e-3, null]}\n", "//////", "/* ** */",
    "\\begin{align} a &= b \\\\ \\end{align}", "$ ls -la | grep '^d' > /dev/null 2>&1"];
const EMOJI = ["😀", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "❤️", "1️⃣", "🫠", "☺", "🧑🏿‍🚀"];

const word = () => {
    const w = pick(WORDS);
    return [w, w.toUpperCase(), w[0].toUpperCase() + w.slice(1), w][below(4)];
};
const MAKERS = [
    () => repeat(1 + below(30), () => word() + pick(ENDINGS) + pick([" ", " ", " ", ", ", ". "])),
    () => repeat(1 + below(6), word) + pick(ENDINGS), // CamelCase
    () => repeat(1 + below(12), () => pick(SPACES).repeat(1 + below(4)) + pick(["", "", word()])),
    () => repeat(1 + below(4), () => pick(CODE)),
    () => repeat(1 + below(8), () => pick(EMOJI) + pick(["", " ", word()])),
    () => repeat(1 + below(6), () => pick(["", "-", "+", " ", "$"]) + below(10 ** below(10)) +
        pick([".", ",", " ", "e", "%", "½", "²", "٣", "Ⅷ"])),
    () => { const block = pick(BLOCKS); return repeat(1 + below(40), () => between(...block)); },
    () => { // words of one script
        const block = pick(BLOCKS);
        return repeat(1 + below(8), () => repeat(1 + below(8), () => between(...block)) + " ");
    },
    () => repeat(1 + below(12), () => word() + between(0x300, 0x36f) + pick(["", " "])),
    () => repeat(1 + below(40), () => between(...pick(BLOCKS))),
    () => repeat(1 + below(60), () => between(0, 0x7f)),
    () => pick(["a", "A", " ", "\n", "1", "!", "é", "中", "\u0301", "/", "'"]).repeat(below(300)),
    () => repeat(1 + below(4), () => pick(MAKERS.slice(0, -1))()),
];

// ---- rounds ------------------------------------------------------------------------------------

let nPassed = 0, nFailed = 0;

function report(round, text, expected, got) {
    if (++nFailed > 20) return;
    console.log(`FAILED ${round}: ${JSON.stringify(text)}\n  tiktoken [${expected}]\n  aeon     ${got}`);
}

function runLines(folder, lines, ...options) {
    const file = path.join(work, "lines");
    writeFileSync(file, lines.join("\n") + "\n");
    const out = execFileSync(aeonPath, ["tokenize", "-m", folder, "-f", file, "--lines", ...options],
        {maxBuffer: 1 << 30, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"]});
    return out.trimEnd().split("\n");
}

function compare(round, encoding, pattern, nStrings) {
    const data = require(`tiktoken/encoders/${encoding}.json`);
    pattern ??= data.pat_str;
    const peer = new Tiktoken(data.bpe_ranks, data.special_tokens, pattern);
    const folder = writeFolder(round, readRanks(data.bpe_ranks), data.special_tokens, pattern);
    const texts = ["<|endoftext|> is plain text here"]
        .concat(Array.from({length: nStrings - 1}, () => pick(MAKERS)()));
    const ids = runLines(folder, texts.map((text) => JSON.stringify(text)));
    const decoded = runLines(folder, ids, "--decode", "-");
    const nFailedBefore = nFailed;
    texts.forEach((text, i) => {
        const expected = peer.encode(text, [], []);
        if (ids[i] !== `[${expected}]`) report(round, text, expected, ids[i]);
        else if (JSON.parse(decoded[i]) !== text) report(`${round}, decoded`, text, expected, decoded[i]);
        else nPassed++;
    });
    peer.free();
    console.log(`${nFailed === nFailedBefore ? "ok    " : "FAILED"} ${round}: ${texts.length} strings`);
}

const AFTER_WORDS = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const QWEN2 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|${AFTER_WORDS}`;

try {
    compare("phi-4-mini", "o200k_base", null, 24000);
    compare("llama-3", "cl100k_base", null, 4000); // the same split rule
    compare("qwen2", "cl100k_base", QWEN2, 4000);
    compare("gpt-2", "r50k_base", null, 4000);
} finally {
    rmSync(work, {recursive: true});
}
console.log(`${nPassed} passed, ${nFailed} failed`);
process.exit(nFailed ? 1 : 0);
