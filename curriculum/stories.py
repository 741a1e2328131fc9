"""stories.py - the word problems of sums.py: what is told, and the steps that solve it.

A story is a text in the notation of phrases.py and its program, the steps in the order of the
story: "a * b, p - c". Letters from a to e are numbers given in the text, p q r s are the results of
the first, second, third and fourth step, digits stand for words like "twice". A story that begins
with ~ is held out.

Slots besides numbers: {A} {B} {C} {D} people, {she} {She} {her} what A is called after that, {things}
{thing} what is counted, {boxes} {box} what holds it, {children} people to share with, {item} {item2}
what is bought, {X} {Y} {Z} towns, {vehicle} what people ride in.
"""

# Ages, temperatures and the like stay below a hundred in these.
SMALL = "small"

STORIES = {
    1: [
        ("{A} has {a} {things}( in a {box}|). {She} (buys|finds|gets|is given) {b} more. (How many {things} does {she} have (now|in all|altogether)|How many are there now|What does that make)?", "a + b"),
        ("{A} has {a} {things} and {B} has {b}( {things}|). How many ({things} |)do they have (together|in all|altogether)?", "a + b"),
        ("{a} people (sit in|are in|are on) a {vehicle}. (At the next stop|Then|At the station) {b} (more|more people|others) get on. How many (people |)are in the {vehicle} (now|then)?", "a + b"),
        ("(On Monday|Yesterday|In the morning) {A} (walks|runs|cycles|drives) {a} km and (on Tuesday|today|in the evening) {b} km. How (many km|far) is that (in all|together|altogether)?", "a + b"),
        ("{A} pays {a} (dollars|euros|coins) for a {item} and {b} for a {item2}. (How much (does {she} pay|is that)|What does {she} spend) (in all|altogether|together)?", "a + b"),
        ("{A} is {a} years old. How old will {she} be in {b} years?", "a + b", SMALL),
        ("{A} is {a}( years old|). {B} is {b} years older( than {A}|). How old is {B}?", "a + b", SMALL),
        ("A {item} costs {a} (euros|dollars|coins). A {item2} costs {b} more. (What does the {item2} cost|How much is the {item2})?", "a + b"),
        ("{A} reads {a} pages (in the morning|on Sunday|before lunch) and {b} (in the evening|on Monday|after lunch). How many pages (did {she} read|has {she} read|are that)?", "a + b"),
        ("It is {a} km from {X} to {Y} and {b} km from {Y} to {Z}. How (far|many km) is it from {X} to {Z} (by way of|through|via) {Y}?", "a + b"),
        ("A (tree|plant|sunflower) is {a} cm (tall|high). It grows {b} cm( in a year|). How (tall|high) is it (now|then)?", "a + b"),
        ("{A} (cooks|bakes) for {a} minutes and (cleans|rests) for {b} minutes. How many minutes (is that|does that make)?", "a + b"),
        ("~There are {a} {things} on the table and {b} on the chair. How many {things} are there in all?", "a + b"),
        ("~{A} had {a} {things} and bought {b} more. How many does {she} have now?", "a + b"),

        ("{A} has {a} {things}. {She} (gives {b}( of them|) to {B}|loses {b}( of them|)|sells {b}( of them|)|gives away {b}). How many ({things} |)(are left|does {she} have left|does {she} still have|remain)?", "a - b"),
        ("{a} (birds|crows|ducks) sit on a (roof|fence|wall). {b} (of them |)fly away. How many (stay|are left|are still there|remain)?", "a - b"),
        ("{A} has {a} (euros|dollars|coins). {She} buys a {item} for {b}. How much (money |)(is left|does {she} have left|remains)?", "a - b"),
        ("{A} pays for a {item} of {b} (euros|dollars) with {a}. How much (change |)does {she} get back?", "a - b"),
        ("A book has {a} pages. {A} has read {b}( of them|). How many (pages |)(are left|remain|does {she} still have to read)?", "a - b"),
        ("{A} has {a} {things} and {B} has {b}. How many more does {A} have( than {B}|)?", "a - b"),
        ("{A} has {a} {things}. {B} has {b} (fewer|less)( than {A}|). How many does {B} have?", "a - b"),
        ("{A} is {a}( years old|). {B} is {b} years younger( than {A}|). How old is {B}?", "a - b", SMALL),
        ("{A} is {a} years old( now|). How old was {she} {b} years ago?", "a - b", SMALL),
        ("{A} is {a} and {B} is {b}. (How many years older is {A}|What is the difference between their ages)?", "a - b", SMALL),
        ("(There are|We have) {a} (children|pupils) in the (room|club|class), and {b} of them are girls. How many are boys?", "a - b"),
        ("A {vehicle} has {a} seats. {b} (of them |)are (taken|in use). How many (seats |)are (free|empty)?", "a - b"),
        ("{A} wants to (save|collect|earn) {a} (euros|dollars). {She} has {b}( already| so far|). How much is (missing|still missing)?", "a - b"),
        ("(The|A) way from {X} to {Y} is {a} km( long|). {A} has (walked|done|covered) {b} km( of it|). How (many km are left|far is it still)?", "a - b"),
        ("A film lasts {a} minutes. {b} minutes are over. How many minutes are left?", "a - b"),
        ("~A rope is {a} m long. {A} cuts off {b} m. How long is the rest?", "a - b"),
        ("~{A} had {a} {things} and gave {b} to {B}. How many does {she} have left?", "a - b"),

        ("{A} has {a} {boxes} with {b} {things} (each|in each|in each of them|in every {box}). How many {things} (does {she} have|are there|is that)( in all| altogether|)?", "a * b"),
        ("(A|One) {item} costs {a} (euros|dollars|coins). (What|How much) do {b} (of them |of these |)cost?", "a * b"),
        ("{A} buys {a} {things} (at|for) {b} (coins|euros|dollars) each. (What does {she} pay|How much does {she} pay|What is the price)?", "a * b"),
        ("{A} (runs|walks|cycles|swims) {a} km (every|each|a) day. How (far|many km) is that in {b} days?", "a * b"),
        ("There are {a} rows (of|with) {b} (chairs|trees|seats|desks)( each|). How many (are there|are that|are there in all)?", "a * b"),
        ("{A} works {a} hours a day. How many hours (does {she} work|is that|are that) in {b} days?", "a * b"),
        ("A (car|train|bus) (goes|drives|does) {a} km (an|per|in one|every) hour. How far (does it get|does it go|is that) in {b} hours?", "a * b"),
        ("(One|A|Each) (cake|loaf|pie|soup) needs {a} (eggs|apples|spoons of sugar|cups of flour). How many (are needed|does one need|do we need) for {b}( of them|)?", "a * b"),
        ("{A} has {a} {things}. {B} has (twice|two times) as many( as {A}|). How many does {B} have?", "a * 2"),
        ("{A} has {a} {things}. {B} has three times as many( as {A}|). How many does {B} have?", "a * 3"),
        ("~Each of {a} {children} has {b} {things}. How many {things} do they have in all?", "a * b"),
        ("~{A} reads {a} pages every day. How many pages is that in {b} days?", "a * b"),

        ("{A} (shares|divides) {a} {things} (equally among|fairly among|equally between) {b} {children}. How many does each (one |of them |)get?", "a / b"),
        ("{A} (packs|puts) {a} {things} into {b} {boxes}, (the same number|as many|equally many) in each. How many (are|lie|go) in each( {box}|)?", "a / b"),
        ("{A} (packs|puts) {a} {things} into {boxes} of {b}( each|). How many {boxes} (does {she} need|are that|does {she} fill)?", "a / b"),
        ("{b} (tickets|{things}) cost {a} (euros|dollars|coins)( together| in all|). What does one( of them|) cost?", "a / b"),
        ("{A} has {a} {things}. {B} has half as many( as {A}|). How many does {B} have?", "a / 2"),
        ("{A} has {a} {things} and (gives away|loses|sells) half( of them|). How many (are left|does {she} have left|remain)?", "a / 2"),
        ("A (ribbon|rope|board|stick) of {a} cm is cut into {b} equal (parts|pieces). How long is each( part| piece|)?", "a / b"),
        ("{A} (drives|cycles|walks) {a} km in {b} (hours|days), (the same|equally far) every (hour|day). How far is that in one?", "a / b"),
        ("~{a} {children} form {b} equal teams. How many are in each team?", "a / b"),
        ("~A book of {a} pages is read in {b} days, the same each day. How many pages is that a day?", "a / b"),
    ],
    2: [
        ("{A} has {a} {boxes} with {b} {things} (each|in each|in every {box}). {She} (gives {c} {things} away|gives {c} {things} to {B}|loses {c} {things}|sells {c} {things}). How many {things} (are left|does {she} have left|remain|does {she} still have)?", "a * b, p - c"),
        ("{A} has {a} {boxes} with {b} {things} (each|in each|in every {box}) and {c} (loose|more|single) {things}. How many {things} (is that|does {she} have)( in all| altogether|)?", "a * b, p + c"),
        ("{A} has {a} {things}. {She} (buys|finds|gets) {b} more and (then |)(gives {c} to {B}|loses {c}|sells {c}). How many (does {she} have (now|then|left)|are left)?", "a + b, p - c"),
        ("{A} has {a} {things}. {She} (gives {b} to {B}|loses {b}|sells {b}) and (then |later |)(buys|finds|gets) {c}( new ones|). How many does {she} have (now|then|in the end)?", "a - b, p + c"),
        ("{A} has {a} {things}. {She} (gives|sells) {b} to {B} and {c} to {C}. How many (are left|does {she} keep|does {she} still have)?", "a - b, p - c"),
        ("{A} buys {a} {things} (at|for) {b} (coins|euros|dollars) each and pays with {c}. How much (change does {she} get( back|)|does {she} get back)?", "a * b, c - p"),
        ("{A} buys a {item} for {a} and a {item2} for {b} (euros|dollars|coins). {She} pays with {c}. How much (change does {she} get( back|)|does {she} get back)?", "a + b, c - p"),
        ("{A} has {a} {things}. {B} has (twice|two times) as many( as {A}|). How many do they have (together|in all|altogether)?", "a * 2, a + p"),
        ("{A} has {a} {things}. {B} has three times as many( as {A}|). How many do they have (together|in all|altogether)?", "a * 3, a + p"),
        ("{A} has {a} {things}. {B} has {b} more( than {A}|). How many do they have (together|in all|altogether)?", "a + b, a + p"),
        ("{A} has {a} {things}. {B} has {b} (fewer|less)( than {A}|). How many do they have (together|in all|altogether)?", "a - b, a + p"),
        ("{A} has {a} {things}. {B} has half as many( as {A}|). How many do they have (together|in all|altogether)?", "a / 2, a + p"),
        ("{A} has {a} {things} and {B} has {b}. They share them (all |)equally among {c} {children}. How many does each (one |of them |)get?", "a + b, p / c"),
        ("{A} has {a} {things}, keeps {b} and shares the rest equally among {c} {children}. How many does each (one |of them |)get?", "a - b, p / c"),
        ("{A} has {a} {boxes} with {b} {things} (each|in each). {She} shares (them all|all {things}|the {things}) equally among {c} {children}. How many does each (one |of them |)get?", "a * b, p / c"),
        ("A book has {c} pages. {A} reads {a} pages a day for {b} days. How many pages (are left|remain|does {she} still have to read)?", "a * b, c - p"),
        ("{b} (tickets|{things}) cost {a} (euros|dollars|coins). (What|How much) do {c} (of them |)cost?", "a / b, p * c"),
        ("{A} has {a} {things}. {She} gives (half of them|half) to {B} and (loses|sells|gives away) {b}( more|). How many does {she} have left?", "a / 2, p - b"),
        ("{A} has {a} {things} and gives (half of them|half) to {B}. Then {she} (buys|finds|gets) {b} more. How many does {she} have (now|then)?", "a / 2, p + b"),
        ("{A} is {a}( years old|). {B} is {b} years older. How old will {B} be in {c} years?", "a + b, p + c", SMALL),
        ("{A} is {a}( years old|). {B} is {b} years younger. (How old are they together|How many years are they together)?", "a - b, a + p", SMALL),
        ("{A} is {a}( years old|). {B} is (twice|two times) as old. How old was {B} {b} years ago?", "a * 2, p - b", SMALL),
        ("{A} (practises|exercises|reads|paints) {a} minutes a day for {b} days and {c} minutes on Sunday. How many minutes is that( in all| altogether|)?", "a * b, p + c"),
        ("{A} (walks|cycles|drives) {a} km (to|as far as) {X} and then (twice|two times) as far. How (far|many km) is that( in all| altogether| together)?", "a * 2, a + p"),
        ("{a} people (sit in|are in|are on) a {vehicle}. At the (next|first) stop {b} get (off|out) and {c} get (on|in). How many are (on it|in it) (now|then)?", "a - b, p + c"),
        ("The way from {X} to {Y} is {a} km. {A} (walks|does|goes) {b} km on (Monday|Friday) and {c} km (the next day|a day later). How (far is it still|many km are left)?", "a - b, p - c"),
        ("{A} earns {a} (euros|dollars) an hour and works {b} hours. {She} spends {c}. How much (is left|does {she} have left|remains)?", "a * b, p - c"),
        ("A (hall|theatre|cinema) has {a} rows of {b} seats. {c} (seats |)are (taken|in use). How many (seats |)are (free|empty)?", "a * b, p - c"),
        ("~{A} bakes {a} trays of {b} cakes and eats {c}. How many cakes are left?", "a * b, p - c"),
        ("~{A} had {a} {things}, bought {b} and gave {c} away. How many are left?", "a + b, p - c"),
        ("~{A} needs {a} (euros|dollars). {She} has {b} and gets {c} from {B}. How much is still missing?", "a - b, p - c"),
        ("~{A} has {a} {things} and {B} has half as many. How many is that together?", "a / 2, a + p"),
    ],
    3: [
        ("{A} buys {a} {things} at {b} (coins|euros|dollars) each and {c} (cups|pens|hats) at {d}( each|). (How much|What) does {she} pay( in all| altogether| together|)?", "a * b, c * d, p + q"),
        ("{A} has {a} {boxes} with {b} {things} (each|in each). {She} keeps {c} {things} and shares the rest equally among {d} {children}. How many does each (one |of them |)get?", "a * b, p - c, q / d"),
        ("{A} has {a} {boxes} with {b} {things} (each|in each) and {c} loose ones. {She} (gives {d} away|gives {d} to {B}|sells {d}|loses {d}). How many (are left|does {she} have left|remain)?", "a * b, p + c, q - d"),
        ("{A} has {a} {boxes} with {b} {things} (each|in each), and {B} has {c} {boxes} with {d}( each|). How many {things} (is that|do they have) (together|in all|altogether)?", "a * b, c * d, p + q"),
        ("{A} has {a} {boxes} with {b} {things} (each|in each), and {B} has {c} {boxes} with {d}( each|). How many more {things} does {A} have?", "a * b, c * d, p - q"),
        ("{A} has {a} {things} and {B} has {b}. They (give away|sell|lose) {c} and share the rest equally among {d} {children}. How many does each (one |of them |)get?", "a + b, p - c, q / d"),
        ("{A} has {a} {things}. {B} has (twice|two times) as many. Together they (give away|sell|lose) {b}. How many (are left|do they have left|remain)?", "a * 2, a + p, q - b"),
        ("{A} has {a} {things}. {B} has {b} more( than {A}|). Together they (give away|sell|lose) {c}. How many (are left|do they have left|remain)?", "a + b, a + p, q - c"),
        ("{A} has {a} {things}. {B} has {b} (fewer|less)( than {A}|). They put them together and (buy|find|get) {c} more. How many (is that|do they have)?", "a - b, a + p, q + c"),
        ("{A} buys {a} {things} at {b} (coins|euros|dollars) each and a {item} for {c}. {She} pays with {d}. How much (change does {she} get( back|)|does {she} get back)?", "a * b, p + c, d - q"),
        ("{A} has {a} {things} and (loses|sells|gives away) {b}. {She} gives half of the rest to {B}. Then {she} (buys|finds|gets) {c} more. How many does {she} have (now|then)?", "a - b, p / 2, q + c"),
        ("{A} has {a} {things} and (buys|finds|gets) {b} more. {B} has (twice|two times) as many as {A} (now|then), but (loses|sells|gives away) {c}. How many does {B} have left?", "a + b, p * 2, q - c"),
        ("{b} (tickets|{things}) cost {a} (euros|dollars|coins). {A} buys {c} of them and pays with {d}. How much (change does {she} get( back|)|does {she} get back)?", "a / b, p * c, d - q"),
        ("{a} people (sit in|are in|are on) a {vehicle}. At the first stop {b} get (off|out) and {c} get (on|in). At the (next|second) stop {d} get (off|out). How many are left( in it| on it|)?", "a - b, p + c, q - d"),
        ("{A} saves {a} (euros|dollars) a week for {b} weeks and gets {c} from {B}. How much is missing for a {item} of {d}?", "a * b, p + c, d - q"),
        ("~{A} has {a} {boxes} with {b} {things} each. {She} eats {c}, loses {d}. How many are left?", "a * b, p - c, q - d"),
        ("~{A} buys a {item} for {a}, a {item2} for {b} and a hat for {c} euros. {She} pays with {d}. How much does {she} get back?", "a + b, p + c, d - q"),
    ],
    4: [
        ("{A} buys {a} {things} at {b} (coins|euros|dollars) each and {c} (cups|pens|hats) at {d}( each|). {She} pays with {e}. How much (change does {she} get( back|)|does {she} get back)?", "a * b, c * d, p + q, e - r"),
        ("{A} has {a} {boxes} with {b} {things} (each|in each) and {c} loose ones. {She} (gives away|sells|loses) {d} and shares the rest equally among {e} {children}. How many does each (one |of them |)get?", "a * b, p + c, q - d, r / e"),
        ("{A} has {a} {boxes} with {b} {things} (each|in each), and {B} has {c} {boxes} with {d}( each|). Together they (give away|sell|lose) {e} {things}. How many {things} (are left|remain|do they have left)?", "a * b, c * d, p + q, r - e"),
        ("{A} has {a} {things}. {B} has {b} more( than {A}|). {C} has (twice|two times) as many as {B}. How many do (they|the three) have (together|in all|altogether)?", "a + b, p * 2, a + p, r + q"),
        ("{A} has {a} {things}. {B} has (twice|two times) as many. They (give away|sell|lose) {b} and share the rest equally among {c} {children}. How many does each (one |of them |)get?", "a * 2, a + p, q - b, r / c"),
        ("{a} people (sit in|are in|are on) a {vehicle}. At the first stop {b} get (off|out) and {c} get (on|in), at the (next|second) stop {d} get (off|out) and {e} get (on|in). How many are in it (now|then)?", "a - b, p + c, q - d, r + e"),
        ("~{A} saves {a} (euros|dollars) a week for {b} weeks, spends {c}, gets {d} from {B} and spends {e}. How much is left?", "a * b, p - c, q + d, r - e"),
    ],
}

# A chain of events: how it begins, what happens with {n} of the {things}, and how it ends.
CHAIN_STARTS = [
    "{A} has {a} {things}.", "(In the morning|At first|On Monday) {A} has {a} {things}.",
    "{A} (starts|begins) with {a} {things}.", "{A} (collects|buys|gets) {a} {things}.",
    "~{A} owns {a} {things}.",
]
CHAIN_EVENTS = [
    ("+ n", "{She} (buys|finds|gets|is given|wins) {n} more.", "{B} gives {her} {n}( more|).",
     "Then {she} (buys|finds|gets|is given) {n}( more| new ones|).", "(Later|After that) {B} brings {n} more."),
    ("- n", "{She} (loses|sells|gives away|drops) {n}( of them|).", "{She} gives {n}( of them|) to {B}.",
     "Then {she} (loses|sells|gives away) {n}( of them|).", "(Later|After that) {B} takes {n}( of them|)."),
    ("* 2", "Then the number doubles.", "{B} gives {her} as many again.", "{She} doubles (the number|what {she} has)."),
    ("/ 2", "{She} gives half( of them| of what {she} has|) to {C}.", "Then {she} (loses|sells) half( of them|)."),
]
CHAIN_ENDS = [
    ("", "How many {things} does {she} have (now|then|in the end)?", "How many (does {she} have (now|then|in the end)|are there now)?",
     "How many {things} (are there in the end|are there now)?"),
    ("/ n", "{She} shares (them|the {things}|all that {she} has) equally among {n} {children}. How many does each (one |of them |)get?",
     "{She} packs them into {n} {boxes}, the same number in each. How many are in each( {box}|)?"),
    ("* 2", "{D} has (twice|two times) as many. How many does {D} have?"),
    ("* n", "{D} has {n} times as many. How many does {D} have?"),
]

# Sentences with a number that doesn't matter.
IRRELEVANT = [
    "{She} (also |)has {z} ({pets}|{pets} at home|{pets} too).", "{She} is {z} years old.", "{B} is {z} years old.",
    "{She} lives in house number {z}.", "It is {z} degrees( outside| today|).", "The shop opens at {z} minutes past nine.",
    "{Her} (bag|coat|bike) cost {z} (euros|dollars).", "{She} (woke up|got up) {z} minutes ago.",
    "{B} has {z} {pets}.", "There are {z} (cars|trees|shops) in the street.", "~{She} wears shoes of size {z}.",
]

# Sums without a story. {x} is the whole expression, such as "12 plus 30 minus 7".
PLAIN = [
    "What is {x}?", "(How much is {x}|What does {x} make)?", "(Calculate|Compute|Work out|Solve)(:|) {x}(.|)", "{x} = ?", "{x}?", "{x}",
    "(Can you|Please|Could you) (tell me|calculate|work out) {x}(.|?|)", "What do (I|you|we) get for {x}?", "(Tell me|I need|Give me) {x}(, please|)(.|)",
    "(Hey|So|And|Now)(,|) what is {x}?", "What is the result of {x}?", "~How much does {x} come to?", "~Find {x}.",
]
SIGNS = {"+": "(+|+|plus)", "-": "(-|-|minus)", "*": "(*|x|times)", "/": "(/|divided by)"}
TAKE = ["(Take|Start with|Begin with) {a}.", "~I think of the number {a}."]
TAKE_STEPS = {"+": "(Add|Then add|And add) {n}.", "-": "(Subtract|Take away|Then subtract|Then take away) {n}.",
              "*": "(Multiply|Then multiply) by {n}.", "/": "(Divide|Then divide) by {n}."}
TAKE_ENDS = ["What (is it|do you get|is the result)( now| then|)?", "~Which number comes out?"]
