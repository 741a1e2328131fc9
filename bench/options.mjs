// options.mjs - the command line of the programs here: read, or refused with a line and the usage.
import {parseArgs} from "node:util";
import {fail} from "./sides.mjs";

// options: as node's parseArgs takes them. Beside its values and positionals, what checks them:
// refuse(text) ends the program, wholeNumber(name, text, least) is that number or does so.
export function readOptions(usage, options) {
    const refuse = (text) => fail(`${text}\nusage: ${usage}`, 2);
    const wholeNumber = (name, text, least) => {
        if (!/^\d{1,6}$/.test(text) || Number(text) < least)
            refuse(`${name} ${text}: must be a whole number from ${least} to 999999`);
        return Number(text);
    };
    const help = {type: "boolean", short: "h", default: false};
    let given;
    try {
        given = parseArgs({allowPositionals: true, options: {...options, help}});
    } catch (error) {
        refuse(error.message);
    }
    if (given.values.help) {
        console.log(`usage: ${usage}`);
        process.exit(0);
    }
    return {...given, refuse, wholeNumber};
}
