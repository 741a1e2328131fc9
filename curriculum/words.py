"""words.py - the values that talks are filled with, each list cut into a learned and a held-out part.

A value that is held out never occurs in a training talk as that kind of value: a model that
repeats it has copied it from the talk and not from memory.
"""

import random

from phrases import is_kept

_LISTS = {
    "first_name": """Anna Ben Clara David Emma Felix Grace Henry Iris Jack Kate Leo Maria Noah
        Olivia Paul Quinn Rosa Sam Tina Ursula Victor Wendy Xavier Yara Zoe Alice Bruno Carmen
        Diego Elena Frank Gina Hugo Ines Jonas Karin Lucas Mila Nina Oscar Petra Ravi Sofia Tom
        Uma Vera Will Amir Bella Carl Dora Erik Fatima George Hanna Ivan Julia Kenji Laura Marco
        Nora Omar Priya Rita Simon Tara Viktor Alma Boris Chloe Dario Esther Finn Greta Hassan
        Ida Jonah Kira Liam Mona Nils Otto Paula Remy Sara Theo Vince Aisha Bjorn Celia Derek
        Edith Fabio Gwen Harold Ingrid Jade Klaus Lena Martin Nadia Owen Pilar Ralph Selma Tariq
        Violet Walter Yusuf Zara Adele Bernard Colin Daphne Elliot Flora Gordon Hazel Isaac
        Joanna Kevin Lydia Miriam Nathan Ophelia Patrick Rachel Stefan Teresa Wanda Abel Beth
        Cyrus Delia Ernest Freya Gavin Helga Jorge Keiko Lorenzo Margot Nestor Olga Piotr Rufus
        Sanjay Thelma Vivian Wolf Yvonne Zeke Arthur Bianca Cedric Denise Emil Fiona""",
    "pet_name": """Rex Luna Bella Max Charlie Milo Coco Rocky Daisy Simba Nala Oreo Ginger Shadow
        Whiskers Biscuit Pepper Ziggy Muffin Buster Socks Tiger Snowball Pixie Cookie Bruno Lucky
        Marble Pickles Smokey Waffles Nugget Pebbles Hazel Mocha Peanut Bubbles Caramel Domino
        Felix Gizmo Honey Jasper Kiwi Loki Maple Nemo Olive Poppy Rusty Sunny Toffee Velvet Willow
        Yoshi Zorro Bandit Clover Dash Ember Fudge Goose Hopper Juno Misty Noodle Patches Raven
        Scout Teddy""",
    "city": """Lisbon Paris Berlin Madrid Rome Vienna Oslo Dublin Prague Warsaw Athens Cairo Tokyo
        Kyoto Sydney Toronto Boston Chicago Seattle Denver Austin Lima Bogota Santiago Nairobi
        Lagos Accra Tunis Mumbai Delhi Hanoi Seoul Manila Jakarta Perth Auckland Geneva Zurich
        Munich Hamburg Bremen Leipzig Porto Seville Valencia Naples Milan Turin Bologna Ghent
        Antwerp Bruges Utrecht Rotterdam Malmo Bergen Turku Tampere Riga Vilnius Tallinn Krakow
        Gdansk Brno Zagreb Split Sofia Varna Izmir Ankara Haifa Amman Doha Muscat Leeds York
        Bristol Glasgow Cardiff Belfast Cork Galway Nice Lyon Nantes Lille Dijon Quito Havana
        Montreal Ottawa Calgary Portland Dallas Houston Miami Atlanta Memphis Phoenix Tucson""",
    "country": """France Spain Italy Portugal Germany Austria Norway Sweden Finland Denmark Poland
        Greece Turkey Egypt Morocco Kenya Ghana Nigeria India China Japan Vietnam Thailand
        Indonesia Australia Canada Mexico Brazil Argentina Chile Peru Colombia Cuba Ireland
        Scotland Wales Iceland Hungary Romania Bulgaria Croatia Serbia Estonia Latvia Lithuania
        Belgium Holland Switzerland Malta Cyprus Jordan Oman Nepal Mongolia Korea""",
    "colour": """red blue green yellow orange purple pink black white grey brown turquoise violet
        silver gold teal navy beige maroon lavender crimson indigo coral olive ivory magenta mint
        scarlet amber cream burgundy lilac peach bronze""",
    "food": """pizza pasta sushi curry soup salad rice bread cheese pancakes dumplings tacos
        noodles lasagna risotto paella goulash chili falafel hummus burgers steak salmon omelette
        ramen stew couscous gnocchi potatoes mushrooms spaghetti tofu waffles porridge ravioli
        lentils beans shrimp kebab burritos meatballs quiche crepes tortellini""",
    "fruit": """apples bananas cherries grapes oranges pears plums peaches mangoes strawberries
        raspberries blueberries melons figs kiwis lemons apricots pineapples papayas dates
        blackberries tangerines""",
    "drink": """tea coffee water milk lemonade cocoa juice cider soda espresso cappuccino
        buttermilk kefir mate smoothies ginger-ale""",
    "animal": """cat dog horse rabbit elephant tiger lion bear wolf fox owl eagle dolphin whale
        penguin panda koala turtle otter squirrel hedgehog deer zebra giraffe monkey parrot swan
        duck frog butterfly octopus seal raccoon badger beaver crow flamingo gecko hamster kangaroo
        lynx moose ostrich peacock raven shark sparrow camel donkey falcon""",
    "sport": """football tennis swimming running cycling rowing basketball volleyball golf skiing
        hockey rugby boxing judo climbing surfing sailing badminton cricket fencing handball karate
        skating squash baseball archery""",
    "hobby": """painting reading gardening cooking knitting hiking fishing dancing chess singing
        photography baking drawing pottery yoga sewing woodwork birdwatching astronomy juggling
        writing origami camping weaving calligraphy""",
    "instrument": """piano guitar violin flute drums cello trumpet harp clarinet saxophone accordion
        ukulele banjo oboe trombone mandolin organ bassoon""",
    "job": """teacher nurse doctor baker farmer lawyer painter plumber driver cook waiter gardener
        carpenter engineer dentist librarian journalist pilot musician photographer tailor
        programmer accountant architect butcher electrician firefighter florist hairdresser
        mechanic optician pharmacist potter sailor secretary surgeon translator translator vet
        welder writer actor biologist chemist barber fisherman judge midwife postman shepherd""",
    "season": "spring summer autumn winter",
    "month": """January February March April May June July August September October November
        December""",
    "weekday": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "flower": """roses tulips daisies lilies orchids sunflowers violets daffodils poppies irises
        peonies dahlias carnations lavender marigolds""",
    "subject": """maths history geography biology physics chemistry music art English Latin
        sports drama French economics philosophy""",
    "place": """kitchen|bedroom|garage|hallway|cellar|attic|bathroom|office|garden shed|living room|
        blue drawer|top drawer|red box|black bag|old suitcase|coat pocket|glove box|fridge|
        bookshelf|laundry basket|green cupboard|wooden chest|desk drawer|rucksack|tool box|
        piano stool|bread bin|shoe cabinet""",
    "title": """The Silver River|A Winter Song|The Last Lighthouse|Seven Doors|The Glass Garden|
        Night Train North|The Clockmaker|Blue Mountain|The Paper Ship|Under the Oak|Stone Bridges|
        The Quiet Harbour|A House of Salt|The Lost Map|Red Lanterns|The Snow Fox|Two Small Islands|
        Dust and Honey|The Green Door|Midnight Bakery|The Hollow Hill|Letters from Home|Iron Bells|
        The Seventh Wave|A Field of Stars""",
}

_HELD_OUT_PART = 0.12
_CLOSED = {"season", "month", "weekday", "subject"}  # too few to hold any back
_PROPER = {"first_name", "pet_name", "city"}


def _split():
    learned, held_out = {}, {}
    for kind, text in _LISTS.items():
        words = text.split("|") if "|" in text else text.split()
        words = sorted({" ".join(w.split()) for w in words})
        random.Random(kind).shuffle(words)
        n = 0 if kind in _CLOSED else max(2, int(len(words) * _HELD_OUT_PART))
        held_out[kind], learned[kind] = words[:n] or words, words[n:]
    return learned, held_out


LEARNED, HELD_OUT = _split()

_ONSETS = "b br c ch d dr f fl g gr h j k kl l m n p pr r s sh st t tr v w y z".split()
_VOWELS = "a a e e i i o o u ai ea ia io oa".split()
_CODAS = ["", "", "", "n", "r", "l", "s", "m", "th", "nd", "x", "ck", "rt"]


_WHOLE = sorted({word.lower() for words in LEARNED.values() for text in words for word in text.split()
                 if word.isalpha() and len(word) > 3})


def _crossed(rng):
    """The head of one word and the tail of another: pieces of every kind follow each other, so that
    copying them can't hang on what usually comes next."""
    head, tail = rng.choice(_WHOLE), rng.choice(_WHOLE)
    return head[:rng.randint(2, len(head) - 1)] + tail[rng.randint(1, len(tail) - 2):]


def made_up(rng):
    """A word that nobody knows: what it is can only be copied."""
    if rng.random() < 0.5:
        return _crossed(rng).capitalize()
    n = rng.choice((2, 2, 2, 3))
    word = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(n)) + rng.choice(_CODAS)
    return word.capitalize()


def _made_up_for(rng, kind):
    """A made-up value that has the form of its kind."""
    if kind in _PROPER:
        return made_up(rng)
    if kind == "title":
        return f"The {made_up(rng)} {made_up(rng)}" if rng.random() < 0.5 else made_up(rng)
    return made_up(rng).lower()


def pick(rng, kind, held_out=False):
    """A value of a kind. Names are made up half of the time and other words now and then, so that
    no kind can be learned as a list to choose from; numbers are drawn by their kind."""
    if kind in _NUMBERS:
        return _NUMBERS[kind](rng)
    if kind == "any":  # whatever it may be: often a word nobody knows
        other = rng.choice(("colour", "food", "animal", "city", "title", "first_name", "flower"))
        word = made_up(rng)
        return rng.choice((word, word.lower(), pick(rng, other, held_out)))
    if kind not in _CLOSED and not held_out:
        if rng.random() < (0.5 if kind in _PROPER else 0.3):
            return _made_up_for(rng, kind)
    if held_out and kind in _PROPER and rng.random() < 0.5:
        return made_up(rng)
    return rng.choice((HELD_OUT if held_out else LEARNED)[kind])


def _time(rng):
    if rng.random() < 0.5:
        return f"{rng.randint(1, 12)} {rng.choice(('am', 'pm'))}"
    return f"{rng.randint(7, 22)}:{rng.choice(('00', '10', '15', '20', '30', '40', '45', '50'))}"


_NUMBERS = {
    "age": lambda rng: str(rng.randint(6, 97)),
    "number": lambda rng: str(rng.randint(1, 99)),
    "room": lambda rng: str(rng.randint(100, 999)),
    "code": lambda rng: str(rng.randint(1000, 9999)),
    "time": _time,
    "date": lambda rng: f"{rng.randint(1, 28)} {rng.choice(LEARNED['month'])}",
    "day": lambda rng: rng.choice(LEARNED["weekday"]),
}


class Values:
    """A family's own list of values, "a|b|c" or "a b c"; one in eight is held out.

    made_up: the share of values that are made-up words instead, so that what stands there can only
    be copied."""

    def __init__(self, name, text, made_up=0.0):
        parts = sorted({" ".join(w.split()) for w in (text.split("|") if "|" in text else text.split())})
        random.Random(name).shuffle(parts)
        n = max(1, len(parts) // 8)
        self.made_up, self.held_out, self.learned = made_up, parts[:n], parts[n:]

    def pick(self, rng, held_out=False):
        if self.made_up and rng.random() < self.made_up:
            return made_up(rng).lower()
        return rng.choice(self.held_out if held_out else self.learned)


def number(rng, low, high, held_out=False):
    """A number from low to high; one in eight of those above twenty is held out."""
    while True:
        n = rng.randint(low, high)
        if high - low < 20 or n <= 20 or is_kept(str(n)) == held_out:
            return n
