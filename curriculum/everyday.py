"""everyday.py - what people tell of their day: what they did, plan, like, feel and own.

Nothing here needs knowledge: the reply takes up the user's own words ("I baked bread today" - "Oh, you
baked bread! How did it turn out?"), so that a small model learns to copy and stays on topic with
words it never met. Every topic is a row: a source of values, ways to tell, the reply, and the value
that a fitting reply must hold.
"""

import re

from phrases import an, say
from words import Values, made_up, pick

_TURNED = {"i": "you", "my": "your", "me": "you", "am": "are", "mine": "yours", "myself": "yourself",
           "we": "you", "our": "your", "us": "you", "was": "were"}


def turned(text):
    """The words of the user in the mouth of AEON: "my dog" becomes "your dog"."""
    return re.sub(r"\b(I|my|me|am|mine|myself|we|our|us)\b", lambda m: _TURNED[m.group().lower()], text)


# Activities: base, past and -ing form, what is acted upon, and what AEON asks back.
_VERBS = [row.split() for row in """
    bake baked baking dish turn; cook cooked cooking dish turn; make made making dish turn; eat ate eating dish like;
    try tried trying dish like; taste tasted tasting dish like; prepare prepared preparing dish turn;
    order ordered ordering dish like; have had having dish like; drink drank drinking drink like;
    buy bought buying thing like; sell sold selling thing was; find found finding thing where; get got getting thing like;
    repair repaired repairing thing well; fix fixed fixing thing well; paint painted painting thing turn;
    clean cleaned cleaning room well; tidy tidied tidying room well; sweep swept sweeping room well;
    wash washed washing thing well; build built building thing turn; decorate decorated decorating room turn;
    draw drew drawing thing turn; order ordered ordering thing like; choose chose choosing thing like;
    visit visited visiting person was; meet met meeting person was; call called calling person was;
    help helped helping person well; see saw seeing person was; invite invited inviting person was;
    visit visited visiting place was; explore explored exploring place was; leave left leaving place was;
    watch watched watching show like; see saw seeing show like; record recorded recording show like;
    read read reading text like; write wrote writing text turn; finish finished finishing text like;
    start started starting text like; borrow borrowed borrowing text like; study studied studying subject was;
    learn learned learning subject was; teach taught teaching subject was; practise practised practising subject was;
    play played playing game was; win won winning match well; play played playing match was;
    plant planted planting plant turn; pick picked picking plant turn; grow grew growing plant turn;
    water watered watering plant well; feed fed feeding pet was; walk walked walking pet was; brush brushed brushing pet was;
    ride rode riding ride was; drive drove driving ride was; photograph photographed photographing sight turn;
    see saw seeing sight like; watch watched watching sight like; hear heard hearing sound like;
    listen_to listened_to listening_to sound like; sing sang singing sound was; celebrate celebrated celebrating feast was;
    organise organised organising feast was; plan planned planning feast was; knit knitted knitting cloth turn;
    sew sewed sewing cloth turn; wash washed washing cloth well; iron ironed ironing cloth well; wear wore wearing cloth like;
    buy bought buying cloth like; go_to went_to going_to place was; go_to went_to going_to feast was;
    walk_to walked_to walking_to place was; run_to ran_to running_to place was; drive_to drove_to driving_to place was;
    travel_to travelled_to travelling_to town was; fly_to flew_to flying_to town was; go_to went_to going_to town was;
    go went going sport was; go went going sport was""".replace("\n", " ").split(";")]

_ASK_BACK = {"turn": "How did it turn out?", "like": "Did you like it?", "was": "How was it?",
             "well": "Did it go well?", "where": "Where was it?"}

_BAD_VERBS = [row.split() for row in """
    break broke thing; lose lost thing; drop dropped thing; forget forgot thing; miss missed ride; burn burnt dish;
    spill spilled drink; ruin ruined thing; miss missed feast; fail failed exam; hurt hurt body; cut cut body;
    break broke body; burn burnt body; tear tore cloth; crash crashed thing; miss missed show; lose lost match;
    quarrel_with quarrelled_with person; argue_with argued_with person; fight_with fought_with person""".replace("\n", " ").split(";")]

_OBJECTS = {
    "dish": Values("dishes",
    """bread|a cake|soup|an apple pie|pancakes|a pizza|pasta|dinner|lunch|breakfast|cookies|
        a big salad|rice with vegetables|fish|chicken|biscuits|waffles|muffins|jam|potato soup|a stew|scones|noodles|
        a cheese cake|a lemon tart|porridge|an omelette|fried eggs|sandwiches|dumplings|a curry|chocolate cake|ice cream|
        toast|mashed potatoes|meatballs|roast beef|bean soup|a plum cake|carrot cake|cinnamon rolls|pretzels|gingerbread"""),
    "drink": Values("drinks",
    """tea|coffee|a glass of milk|lemonade|cold water|hot chocolate|apple juice|a beer|red wine|
        green tea|a smoothie|orange juice|a cup of coffee|mint tea|a milkshake"""),
    "noun": Values("nouns",
    """table book jacket lamp phone chair shirt cup ring camera clock bag radio mirror bike guitar
        bed shelf ladder fence kettle boat car tent sofa blanket pillow laptop printer vase pot pan knife spoon umbrella
        bench basket bucket candle carpet curtain desk door drum fridge hammer hat helmet iron jar kite map mug oven piano
        puzzle rope scooter stool suitcase toaster toy violin wallet watch window wheel tractor toolbox headset keyboard
        notebook poster rucksack saw doll drawer wardrobe hammock grill birdhouse""", 0.2),
    "room": Values("rooms",
    """the kitchen|my room|the garage|the bathroom|the garden|the cellar|the attic|my desk|the house|
        the balcony|my office|the stairs|the living room|my car|the fridge|the windows|the yard|the hall|my wardrobe|
        the shed|the oven|the terrace|the whole flat"""),
    "who": Values("persons",
    """sister brother mother father wife husband son daughter aunt uncle cousin friend neighbour
        boss teacher grandmother grandfather nephew niece girlfriend boyfriend roommate colleague doctor parents friends
        grandparents family team children classmates""", 0.02),
    "spot": Values("spots",
    """the beach|the market|the cinema|the park|the zoo|the museum|the lake|the mountains|the theatre|
        the gym|the library|the forest|the river|the swimming pool|the bakery|the supermarket|the airport|the castle|
        the harbour|the circus|the dentist|the doctor|the hairdresser|the sea|the countryside|the mall|a restaurant|a cafe|
        a concert hall|a farm|the island|the playground|the stadium|church|school|work|an exhibition|the bank|the hospital|
        the desert|the old town|the botanical garden|the flea market|the planetarium|the waterfall"""),
    "show": Values("shows",
    """a film|the match|a play|a show|a cartoon|the parade|a sad film|a funny film|the news|
        an old film|a series|the football game|a documentary|a musical|an opera|a concert|a quiz show|a thriller|a comedy|
        a cooking show|a puppet show|a ballet"""),
    "text": Values("texts",
    """a book|a letter|a poem|a novel|my diary|a story|the newspaper|a long book|a postcard|a report|
        an article|a song|an essay|my thesis|a comic|a fairy tale|a magazine|a crime novel|a birthday card|a blog post|
        a love letter|a book about whales"""),
    "subject": Values("studies",
    """French|Spanish|maths|the guitar|history|German|Italian|chess|drawing|biology|the piano|
        chemistry|yoga|Japanese|law|medicine|music|dancing|swimming|sign language|physics|juggling|the violin|programming|
        cooking|geography|Latin|pottery|English grammar|first aid|the drums|Portuguese|Dutch|knitting""", 0.05),
    "game": Values("games",
    """football|chess|tennis|cards|basketball|a board game|hide and seek|golf|volleyball|badminton|
        a video game|table tennis|the guitar|the piano|hockey|dominoes|darts|bowling|checkers|rugby|the flute|cricket|
        bingo|poker|minigolf|handball|squash|a duet""", 0.05),
    "match": Values("matches", "the match|the game|the race|a game of chess|the final|a bet|the quiz|a "
    "tennis match|the cup|the contest"),
    "plant": Values("plants",
    """roses|tomatoes|a tree|tulips|herbs|apples|potatoes|strawberries|flowers|a lemon tree|beans|
        carrots|sunflowers|mushrooms|cherries|pumpkins|lavender|basil|grapes|daisies|blackberries|onions|lettuce|a rose bush""", 0.05),
    "animal": Values("pets",
    """dog cat rabbit horse parrot hamster turtle goldfish pony guinea-pig canary puppy kitten
        chicken goat sheep cow donkey duck mouse""", 0.03),
    "ride": Values("rides",
    """my bike|a horse|the bus|the train|my new car|a scooter|a tractor|a motorbike|a camel|the tram|
        a rented car|an old truck|a sledge|a pony|my skateboard"""),
    "sight": Values("sights",
    """a rainbow|the sunset|a fox|the full moon|an owl|a shooting star|a deer|the sunrise|a whale|
        wild horses|an eagle|a hedgehog|the stars|fireworks|a squirrel|a butterfly|the northern lights|dolphins|a storm|
        two swans|a red kite|an old castle|a hot air balloon|the first snow|a woodpecker"""),
    "sound": Values("sounds",
    """a song|music|the birds|jazz|the radio|a lullaby|an old record|the rain|an opera|a podcast|
        church bells|my favourite song|a love song|rock music|a violin|the waves|an audio book|a strange noise|folk songs|
        the wind|a Christmas carol"""),
    "feast": Values("feasts",
    """a party|a wedding|my birthday|a concert|a festival|a picnic|the school play|a dinner|a funeral|
        a barbecue|an exhibition|a lecture|my graduation|a yoga class|a meeting|the fair|a housewarming|our anniversary|
        a reunion|a workshop|a dance class|a garden party|a book club|a baby shower"""),
    "cloth": Values("clothes",
    """a scarf|socks|a dress|a sweater|new shoes|a hat|my jeans|gloves|a red coat|a skirt|a suit|
        my shirts|a blanket|boots|mittens|a blue tie|a costume|pyjamas|a woolly hat|sandals|a raincoat|an apron"""),
    "exam": Values("exams", "my exam|the test|my driving test|maths|the interview|my course|the exam|"
    "French|an audition|my finals|a quiz"),
    "body": Values("body",
    """back knee head foot arm tooth hand shoulder leg finger stomach neck ankle toe ear throat
        wrist elbow hip nose eye thumb"""),
    "sport": Values("outings",
    """swimming|hiking|running|shopping|camping|fishing|skiing|dancing|climbing|sailing|cycling|
        jogging|skating|bowling|surfing|sledging|rowing|for a walk|for a run|birdwatching|kayaking|diving|for a swim|
        for a bike ride|riding|geocaching|mushroom picking|snowboarding""", 0.05),
}


def _thing(rng, held_out):
    noun = _OBJECTS["noun"].pick(rng, held_out)
    which = rng.choice(["a", "a", "my", "my", "the", "a new", "an old", "my old", "my new", "a small",
    "a red", "a blue",
                        "the big", "a big", "an expensive", "a cheap", "a beautiful", "a wooden",
                        "another"])
    return an(noun) if which == "a" else which + " " + noun


def _person(rng, held_out):
    if rng.random() < 0.2:
        return pick(rng, "first_name", held_out)
    return rng.choice(("my ", "my ", "my ", "my old ")) + _OBJECTS["who"].pick(rng, held_out)


_MADE = {"thing": _thing, "person": _person, "town": lambda rng, held_out: pick(rng, "city", held_out),
         "pet": lambda rng, held_out: "my " + _OBJECTS["animal"].pick(rng, held_out),
         "body": lambda rng, held_out: "my " + _OBJECTS["body"].pick(rng, held_out),
         "place": lambda rng, held_out: _OBJECTS["spot"].pick(rng, held_out)}


def _object(rng, kind, held_out):
    return _MADE[kind](rng, held_out) if kind in _MADE else _OBJECTS[kind].pick(rng, held_out)


def _company(rng, held_out):
    """With whom, for whom or where; mostly nothing."""
    if rng.random() < 0.65:
        return ""
    if rng.random() < 0.7:
        return rng.choice((" with ", " with ", " for ")) + _person(rng, held_out)
    return rng.choice((" in the garden", " at home", " at school", " in the kitchen", " in the park",
    " at work",
                       " after work", " before breakfast", " all by myself", " all day", " for hours",
                       " in the evening"))


_NEW_VERBS = 0.08  # so many verbs are words that nobody knows: how to answer must not hang on the verb


def _deed(rng, held_out):
    """Something done: {did} {do} {doing}, about {x}, and what AEON asks back."""
    base, past, ing, kind, ask = rng.choice(_VERBS)
    if rng.random() < _NEW_VERBS:
        base = made_up(rng).lower()
        past, ing, ask = base + "ed", base + "ing", "was"
    x = _object(rng, kind, held_out)
    rest = " " + x + _company(rng, held_out)
    slots = {name: verb.replace("_", " ") + rest for name, verb in (("did", past), ("do", base), ("doing",
    ing))}
    return {**slots, "x": x, "ask": _ASK_BACK[ask]}


def _mishap(rng, held_out):
    base, past, kind = rng.choice(_BAD_VERBS)
    x = _object(rng, kind, held_out)
    return {"do": base.replace("_", " ") + " " + x, "did": past.replace("_", " ") + " " + x, "x": x}


_LIKINGS = Values("likings",
"""the rain|long walks|old films|loud music|Mondays|the sea|early mornings|crowds|good food|jazz|
    rock music|the smell of coffee|quiet evenings|snow|thunderstorms|sunsets|my job|my school|cold showers|spicy food|
    fresh bread|the mountains|horror films|birthday parties|rainy days|train rides|winter|summer|my garden|my neighbours|
    the city|the countryside|board games|paperwork|traffic jams|spiders|heights|the dark|my boss|meetings|deadlines|exams|
    homework|dogs|cats|horses|strawberries|poems|puzzles|old churches|my grandmother's cooking|the summer holidays|
    my old house|the weekend|fireworks|big cities|snakes|the dentist|flying|loud neighbours|politics|the news|football|
    computer games|candles|flowers|fairy tales|long books|road trips|card games|long winters|the ocean|bees|needles""", 0.12)


def _liking(rng, held_out):
    roll = rng.random()
    if roll < 0.4:
        return {"x": _LIKINGS.pick(rng, held_out)}
    if roll < 0.55:
        return {"x": _person(rng, held_out)}
    deed = _deed(rng, held_out)
    return {"x": deed["doing"]}


_GOOD = Values("good",
"""happy glad excited proud grateful thankful cheerful relaxed calm hopeful relieved delighted inspired
    amazed confident energetic motivated content curious peaceful optimistic lucky fantastic joyful thrilled playful
    rested brave strong overjoyed""")
_BAD = Values("bad",
"""sad down unhappy lonely depressed low stressed nervous worried afraid scared anxious angry furious
    annoyed upset disappointed jealous ashamed guilty confused overwhelmed frustrated miserable hurt homesick lost helpless
    hopeless embarrassed insecure restless grumpy bored empty heartbroken desperate irritated shy unlucky alone""")
_WEARY = Values("weary",
"tired exhausted sleepy weary worn-out drained sleepless overworked drowsy shattered")
_ILL = Values("ill", "ill sick unwell dizzy feverish poorly weak nauseous hoarse injured")
_PAINS = Values("pains",
"""a headache|a cold|a fever|a cough|the flu|a sore throat|a toothache|a stomach ache|a broken arm|a rash|
    a runny nose|back pain|a migraine|an infection|a sprained ankle|a black eye|an allergy|hay fever|a bruise|insomnia|
    a swollen knee|an earache""")
_SKIES = Values("skies",
"""hot cold sunny rainy windy foggy cloudy warm stormy icy wet dry grey humid dark chilly mild frosty
    snowy misty muggy freezing raining snowing pouring hailing""")
_TRIALS = Values("trials",
"""exam|job interview|test|driving test|meeting|presentation|operation|match|race|
    doctor's appointment|dentist appointment|speech|court hearing|audition|maths test|long flight|competition|
    night shift|first date|tournament|marathon|piano exam|interview|deadline|debate|hearing|chess match|talk""")
_TREATS = Values("treats",
"""party|holiday|concert|day off|date|wedding|picnic|birthday party|long weekend|trip to the sea|
    family dinner|free evening|school trip|barbecue|dance class|week off|film night|hiking trip|reunion|boat trip|
    garden party|city trip|museum visit|dinner with friends|movie night|game night|vacation""")
_NEWS = Values("news",
"""got the job|passed the exam|had a baby|won a prize|got married|found a flat|is getting better|
    started school|got engaged|is coming home|learned to swim|got a new job|is pregnant|won the race|had puppies|
    got a scholarship|can walk now|finished school|is in love|bought a house|is visiting me|made me laugh|sings beautifully|
    made me breakfast|called me|sent me flowers|is learning to read|lost a tooth|moved in with me|turned six""")
_TROUBLES = Values("troubles",
"""is ill|is in hospital|died|lost the job|ran away|is sad|does not talk to me|has a cold|is late|
    is angry with me|had an accident|failed the exam|is moving away|broke a leg|is driving me mad|does not eat|forgot me|
    is very old|shouted at me|left me|lied to me|is leaving|has a fever|is in trouble|does not like me|hurt me|is afraid|
    was rude to me|cries a lot|lost the match|got fired|missed the bus""")
_BROKEN = Values("broken",
"""is broken|does not work|is leaking|was stolen|stopped working|fell down|is lost|is too slow|
    broke down|is making noises|is out of order|got wet|is gone|does not start|is stuck|caught fire""")
_OPINIONS = Values("opinions",
"""funny strange beautiful boring great terrible lovely wonderful useful useless difficult easy
    important dangerous relaxing exciting overrated underrated expensive silly interesting noisy healthy unhealthy fun hard
    scary sweet cute ugly amazing awful tasty lazy clever stupid""")
_PLURALS = Values("plurals",
"""cats people dogs Mondays holidays books films children neighbours trains horses computers
    mornings birds teachers winters flowers exams cities poems spiders parties trees shoes museums bees meetings mountains
    robots clowns trams onions candles maps owls puzzles islands dreams jokes""", 0.1)


_KIN = Values("kin",
"""sister brother mother father wife husband son daughter aunt uncle cousin friend neighbour boss
    teacher grandmother grandfather nephew niece girlfriend boyfriend roommate colleague partner""")
_PET_DOINGS = Values("pet doings",
"""is sleeping on the sofa|ate my shoe|learned a trick|had puppies|is chasing the cat|
    loves the snow|is snoring|wants to play|is hiding under the bed|brought me a stick|ran through the garden|is very funny|
    is watching the birds|jumped on the table|follows me everywhere|is growing fast|found a ball|turned six|likes the sun""")


_FREQUENCIES = Values("frequencies",
"always|often|sometimes|usually|rarely|never|mostly|still|only|seldom|regularly")
_STATES = Values("states",
"""strange weird different ready free lazy silly quiet old young new busy serious late early rich poor
    famous normal special careful careless polite clumsy tidy messy patient single married pregnant healthy fit""", 0.3)
_SETTINGS = Values("settings",
"""bus|film|soup|book|meeting|party|train|flight|lesson|game|concert|lecture|hotel|food|coffee|
    water|bed|room|test|music|street|city|museum|shop|market|play|trip|tour|class|story|cake|bread|ride|house|garden""", 0.1)
_QUALITIES = Values("qualities",
"""crowded late full empty cold long short hot warm loud quiet good bad boring wonderful dirty clean
    cheap expensive fresh old new small big strange funny sad exciting delicious salty sweet slow fast dark bright awful
    lovely closed open noisy beautiful perfect terrible great difficult easy""", 0.05)


def _habit(rng, held_out):
    return {**_deed(rng, held_out), "often": _FREQUENCIES.pick(rng, held_out)}


def _others_deed(rng, held_out):
    return {**_deed(rng, held_out), "who": _kin(rng, held_out)}


def _of(**values):
    """A source that picks a value for each slot."""
    def source(rng, held_out):
        return {slot: (v.pick(rng, held_out) if isinstance(v, Values) else v(rng, held_out))
                for slot, v in values.items()}
    return source


def _kin(rng, held_out):
    if rng.random() < 0.2:
        return pick(rng, "first_name", held_out)
    return "my " + _KIN.pick(rng, held_out)


def _events(values):
    """A source of something that lies ahead: {x} and, with its article, {ax}."""
    def source(rng, held_out):
        x = values.pick(rng, held_out)
        return {"x": x, "ax": an(x)}
    return source


_WHEN = "( today| yesterday| last night| this morning| last week| on Sunday| at the weekend| last weekend| just now||||)"
_SOON = "( tomorrow| tonight| next week| soon| this weekend| later| on Saturday| today|||)"
_SO = "(so |very |really |a bit |a little |quite |pretty |rather ||||)"
_NOW = "( today| now| right now| at the moment| again| lately||||)"

# (source, ways to tell, reply, the slot that a fitting reply holds)
TOPICS = [
    (_deed, ["(I|I|I|I|I|I just|I finally|We|Guess what, I|You know, I|So I) {did}" + _WHEN,
             "(Today I|Yesterday I|This morning I|Last night I|At the weekend I|Last week we) {did}",
             "(I have|I've) (just |finally |already |)been {doing}" + _WHEN,
             "(Just|Finally|Today I|Well, I) {did}",
             "(My day was good|It was a nice day|I had a good day|My weekend was nice)(,| and|:|.) I {did}",
             "(I had (nothing to do|a free day|the day off|some time)|I was bored|The weather was nice)(,| and|:|.| so) I {did}", "~I had time today, so I {did}"],
     "Oh, you {did}! {ask}", "x"),
    (_deed, ["(I am|I am|I am|I am|I'm|We are) {doing}( now| right now| at the moment|)",
     "(Right now|At the moment|Today) I am (busy |){doing}",
             "(Still |Just |Busy |)({doing}|{doing} here)",
             "I (spend|spent) the (day|evening|morning|afternoon) {doing}",
             "(Here|There|So here) (I sit|we are|I stand), {doing}", "~Here I am, {doing}"],
     "You are {doing}, how nice! Do you enjoy it?", "x"),
    (_deed, ["(I|We) (want to|am going to|plan to|will|would like to|might|hope to|would love to|wanna|"
     "decided to|need to|have to|must|should) {do}" + _SOON,
             "(Tomorrow|Tonight|Next week|Later|At the weekend|On Sunday|Soon) I (will|want to|plan to|"
             "have to|must|can|get to) {do}",
             "(My plan is|The plan is|My dream is|My plan for today is|I am about) to {do}",
             "(I'll|I will) {do}" + _SOON, "(Maybe|Perhaps) I (will|should) {do}" + _SOON,
             "I can hardly wait to {do}"],
     "So you plan to {do}. Are you looking forward to it?", "x"),
    (_habit, ["I {often} {do}",
     "(Well, |You know, |In the evening |At the weekend |On Sundays |In summer |Every week )I {often} {do}"],
     "So you {often} {do}. Why is that?", "x"),
    (_deed, ["I (can't|cannot|could not|am not allowed to|am not able to) {do}( today| any more| now| yet||)",
     "I (forgot|failed|had no time) to {do}( today| again|)"],
     "That is a pity! Maybe you can {do} another time.", "x"),
    (_deed, ["I (can|know how to|learned how to|learned to|am able to) {do}( now| well|)",
     "(Did you know that|Do you know that) I can {do}?"],
     "You can {do}, how nice! Where did you learn it?", "x"),
    (_deed, ["Should I {do}" + _SOON + "?", "(Do you think|Would you say) (that |)I should {do}" + _SOON +
     "?", "(Is it a good idea|Is it good|Is it wise) to {do}" + _SOON + "?",
     "I (don't know|am not sure) (if|whether) I should {do}"],
     "I can't decide that for you. Would you like to {do}?", "x"),
    (_others_deed, ["{who} {did}" + _WHEN, "(Guess what, |You know, |Today |Yesterday ){who} {did}",
     "I saw that {who} {did}"],
     "Oh, {who} {did}! How did it go?", "x"),
    (_others_deed, ["{who} and I {did}" + _WHEN, "(Today |Yesterday |Last week |You know, ){who} and I {did}"],
     "Oh, you and {who} {did}! How was it?", "x"),
    (_of(x=_STATES), ["(I am|I feel|I'm|I am getting) " + _SO + "{x}" + _NOW,
     "(People|They|My friends) (say|think) that I am {x}"],
     "What makes you {x}?", "x"),
    (_of(x=_SETTINGS, y=_QUALITIES), ["(The|The|My|This|Our) {x} (was|is) " + _SO +
     "{y}( today| again| yesterday|)",
     "(It is a pity that|I think that|You know,|I must say) the {x} (was|is) {y}",
     "(What a|Such a) {y} {x}"],
     "So the {x} is {y}. How do you feel about it?", "x"),
    (_mishap, ["(I|I|I|I just|Oh no, I|Today I|Yesterday I|Sadly I|Damn, I|We) {did}" + _WHEN,
     "(I had bad luck|It was a bad day|Bad news|Not so good)(:|,|.) I {did}", "What a day, I {did}"],
     "I am sorry that you {did}. How are you now?", "x"),
    (_liking, ["I (really |just |also |)(love|adore|enjoy|like) {x}( so much| a lot| very much|)",
     "I am (a big fan of|fond of|crazy about|interested in|into) {x}",
               "{x}(, that|: that) (is my passion|makes me happy|is what I love|is the best)",
               "(There is nothing better than|Nothing beats|My passion is|I can't live without) {x}",
               "I (can not|could never|would not want to|could hardly) (do|live|be|go on|get by) without {x}", "~I could not do without {x}"],
     "What do you like most about {x}?", "x"),
    (_liking, [
     "I (really |just |)(hate|dislike|can't stand|do not like|don't like|detest) {x}( at all| so much|)",
     "I am (tired of|fed up with|sick of|afraid of|scared of|worried about|annoyed by|bored of|nervous "
     "about) {x}",
               "{x}(, that|: that) (makes me sad|annoys me|bores me|makes me angry|scares me|is hard for "
               "me|is a pain)", "I have had enough of {x}"],
     "I see. What bothers you most about {x}?", "x"),
    (_liking, ["I (really |)miss {x}( so much| a lot|)",
     "I (was thinking|am thinking|often think|dream) (of|about) {x}" + _NOW, "My thoughts are with {x}"],
     "So you think of {x}. Tell me more!", "x"),
    (_liking, [
     "(Let us|Let's|Can we|I want to|I would like to|Shall we|Could we|May we) (talk|chat) about {x}",
     "(I would like|I want) to tell you about {x}",
     "I (have to|want to|must|would love to|wish to) (talk|speak|tell you) (to you |)about {x}",
     "~I need to talk about {x}"],
     "Gladly! What is it about {x} that interests you?", "x"),
    (_liking, ["I am (so |really |)(looking forward to|excited about|happy about|proud of|grateful for) {x}",
     "I can't wait for {x}", "Soon it is time for {x}"],
     "That sounds good! What do you like most about {x}?", "x"),
    (_of(x=_GOOD), ["(I am|I feel|I'm|I am feeling|We are|I was) " + _SO + "{x}" + _NOW,
     "(Feeling|Today I feel|Today I am|Right now I am|Somehow I am|So) {x}( today|)", "I woke up {x}",
     "My (mood today|general mood|heart|inner state|feeling) is {x}",
     "(In a word|To be honest|Honestly)(,|:) {x}", "~My mood is {x}"],
     "I am glad that you are {x}! What is the reason?", "x"),
    (_of(x=_BAD), ["(I am|I feel|I'm|I am feeling|I was) " + _SO + "{x}" + _NOW,
     "(Feeling|Today I feel|Today I am|Right now I am|Somehow I am|So) {x}( today|)",
     "I (woke up|have been) {x}( all day|)",
     "My (mood today|general mood|heart|inner state|feeling) is {x}",
     "(In a word|To be honest|Honestly)(,|:) {x}", "~My mood is {x}"],
     "I am sorry that you are {x}. Do you want to tell me about it?", "x"),
    (_of(x=_WEARY), ["(I am|I feel|I'm|I am feeling) " + _SO + "{x}" + _NOW,
     "(Feeling|Today I feel|Today I am|So) {x}( today|)",
     "My (mood today|general mood|heart|inner state|feeling) is {x}",
     "(In a word|To be honest|Honestly)(,|:) {x}", "~My mood is {x}"],
     "It is hard to be {x}. I hope you can rest soon.", "x"),
    (_of(x=_ILL), ["(I am|I feel|I'm|I am feeling) " + _SO + "{x}" + _NOW,
     "(Feeling|Today I feel|So) {x}( today|)",
     "Since (last night|this morning|Monday|last week) I (feel|have been|was) {x}",
     "My (child|body|whole family) (is|feels) {x}", "~Since yesterday I am {x}"],
     "I am sorry that you are {x}. Get well soon!", "x"),
    (_of(x=_PAINS), ["(I have|I've got|I got|I am in bed with|I suffer from|I am having) {x}" + _NOW,
     "({x} again|I woke up with {x}|I am home with {x})",
     "(It looks as if|I fear|I think|I guess|It seems) I (have|caught|got) {x}",
     "(Looks|Seems) like I have {x}", "~It seems that I have {x}"],
     "{x} is no fun. Get well soon!", "x"),
    (_of(x=_OBJECTS["body"]), ["My {x} (hurts|is hurting|aches|is sore|is swollen)( so much| a lot| badly|)"
     + _NOW, "I have (pain in|an injury to|a problem with) my {x}",
     "(Something is|There is something|It seems something is) (wrong|the matter|odd) (in|about) my {x}",
     "(What is wrong|What is the matter|Something happened) (with|to) my {x}",
     "~There is something wrong with my {x}"],
     "I am sorry about your {x}. Get well soon!", "x"),
    (_of(x=_SKIES), ["(It is|It's|It was|It is getting) " + _SO +
     "{x}( here| today| outside| out there| again||)", "(So|Very|Rather|Quite) {x}( today| outside| here)",
     "(What a|Such a) {x} (day|morning|evening|night|week)",
                     "The (weather|day|sky) is " + _SO + "{x}( today| again|)",
                     "(Outside|Around here|Where I live|In my town|Up here|Here) it is {x}( today| again|)", "(I look out|Looking outside), (and |)it is {x}", "~(Looking out|Out there) it is {x}"],
     "I can't feel the weather here. Do you like it when it is {x}?", "x"),
    (_events(_TRIALS), ["I (have|have got|face) {ax}" + _SOON,
     "(Tomorrow|Next week|Today|On Saturday) I have {ax}",
     "(Tomorrow is|I am preparing for|I am nervous about|Next week is) my {x}",
     "(Soon I have|I will have|Tomorrow there is) {ax}", "What awaits me is {ax}"],
     "Good luck with your {x}! Are you well prepared?", "x"),
    (_events(_TREATS), ["(I|We) (have|are having|get) {ax}" + _SOON,
     "(Tomorrow|Next week|Tonight|On Saturday) (I|we) have {ax}",
     "(I am getting ready for|I am waiting for|Soon it is time for) my {x}",
     "(Finally|Now|Hooray,) I (have|get) {ax}", "~At last I have {ax}"],
     "That sounds like fun! Enjoy your {x}!", "x"),
    (_of(x=_kin, y=_NEWS), ["(Guess what, |You know, |Great news: |Today |||||){x} {y}" + _WHEN,
     "I am (happy|proud) because {x} {y}",
     "(What a joy|Hooray|How nice|Wonderful|What luck|I am so glad), {x} {y}", "~What joy, {x} {y}"],
     "How nice that {x} {y}! How do you feel about it?", "x"),
    (_of(x=_OBJECTS["animal"], y=_PET_DOINGS), ["(Guess what, |You know, |Today |||||)my {x} {y}" + _NOW,
     "(I have to laugh because|Look,) my {x} {y}", "How sweet, my {x} {y}"],
     "Oh, your {x} {y}! Tell me more about your {x}.", "x"),
    (_of(x=_kin, y=_TROUBLES), [
     "(Bad news: |You know, |Sadly |I am sad because |I worry because |||||){x} {y}" + _NOW,
     "The problem is that {x} {y}",
     "It (makes me sad|worries me|is hard|is a pity|breaks my heart) that {x} {y}",
     "~It hurts that {x} {y}"],
     "I am sorry that {x} {y}. Do you want to tell me about it?", "x"),
    (_of(x=_OBJECTS["noun"], y=_BROKEN), ["(Damn, |Oh no, |You know, |Sadly ||||)my {x} {y}" + _NOW,
     "The problem is that my {x} {y}", "It annoys me that my {x} {y}"],
     "I am sorry that your {x} {y}. What will you do about it?", "x"),
    (_of(x=_PLURALS, y=_OPINIONS), [
     "(I think |I think that |I find that |In my opinion |To me ||||){x} are (so |very |too |really |||){y}",
     "I find {x} {y}", "(Don't you think that|Aren't) {x} (are |){y}?",
     "(Admit it|Believe me|You know|Let me tell you), {x} are {y}",
     "(You have to say|People say|Nobody can deny|Everybody says|I must admit) that {x} are {y}",
     "~You must admit that {x} are {y}"],
     "Why do you think that {x} are {y}?", "x"),
    (_of(x=_person), [
     "I (met|saw|talked to|talked with|ran into|had lunch with|had dinner with|spoke to) {x}" + _WHEN,
     "{x} (came over|visited me|wrote to me|called me|came by|told me a story|gave me a present)" + _WHEN,
     "There was a call from {x}"],
     "How nice to hear about {x}! How did it go?", "x"),
]


def topic(rng, held_out):
    """(what the user tells, the reply, what a fitting reply holds)."""
    source, tells, reply, key = rng.choice(TOPICS)
    slots = source(rng, held_out)
    mine = {name: turned(value) for name, value in slots.items()}
    for name, value in mine.items():
        reply = reply.replace("{" + name + "}", value)
    return say(rng, tells, slots, held_out), reply[:1].upper() + reply[1:], mine[key]
