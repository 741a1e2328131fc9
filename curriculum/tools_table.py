"""tools_table.py - the tools that talks of tools.py offer: how a schema may name them, how people
ask for them, what they give back and how that is told.

A request gives the parameters whose {slots} it has; all others stay away from the call. Names are
separated by spaces: which of them a talk uses is decided by the schema in its system message.
"""

import collections

from words import Values, made_up, number, pick

Tool = collections.namedtuple("Tool", "group names about parameters asks result says")
Parameter = collections.namedtuple("Parameter", "names type about value")


def _words(names, about, kind):
    """A text parameter with values of a list."""
    return Parameter(names, "str", about, lambda rng, held_out: pick(rng, kind, held_out))


def _own(names, about, list_name, text, made_up_part=0.15):
    """A text parameter with values of its own."""
    return Parameter(names, "str", about, Values("tools " + list_name, text, made_up_part).pick)


def _int(names, about, low, high):
    return Parameter(names, "int", about, lambda rng, held_out: number(rng, low, high, held_out))


def _one_of(names, about, *values):
    return Parameter(names, "str", about, lambda rng, held_out: rng.choice(values))


def _drawn(names, about, draw):
    return Parameter(names, "str", about, draw)


def _file(rng, held_out):
    stem = rng.choice((made_up(rng).lower(), pick(rng, "animal", held_out), pick(rng, "fruit",
        held_out)))
    return stem + rng.choice((".txt", ".pdf", ".md", ".csv", ".jpg"))


def _sum(rng, held_out):
    return f"{number(rng, 2, 999, held_out)} {rng.choice('+-*')} {number(rng, 2, 99, held_out)}"


def _worked_out(values):
    """What the calculator gives back: a tool's result may depend on what it was given."""
    a, sign, b = values["expression"].split()
    a, b = int(a), int(b)
    return {"result": {"+": a + b, "-": a - b, "*": a * b}[sign]}


_MESSAGE = """I am late|dinner is ready|the train is full|call me back|happy birthday|
    see you soon|I am on my way|the meeting is moved|please bring bread|the door is open|
    good luck|I found the key|we need milk|the dog is fine|I will be home soon|
    the parcel is here|bring a warm coat|I miss you|thanks for the cake|the car is ready|
    lunch is at noon|the show was great|we are at the lake|the heating is off|
    do not wait for me|the tickets are booked|it is snowing here|send me the photos"""
_NOTE = """buy new shoes|ask about the rent|water the plants|the code has changed|fix the bike|
    pay the gas bill|read the contract|clean the oven|call the bank|plan the summer trip|
    mend the fence|book the ferry|return the drill|sort the photos|feed the cat|
    order firewood|print the tickets|wash the curtains|measure the shelf|renew the passport|
    thank the neighbours|empty the mailbox|sharpen the knives|check the tyres|
    write to the landlord|oil the gate|bake a cake|charge the camera"""
_ROOM = """kitchen|bedroom|hall|garage|office|bathroom|cellar|attic|nursery|studio|dining room|
    living room|guest room|workshop|porch|library"""
_THING = """milk|butter|rice|flour|soap|candles|batteries|eggs|salt|honey|oats|paper towels|
    olive oil|tea bags|pepper|yeast|matches|light bulbs|dog food|potatoes|onions|noodles|
    toothpaste|vinegar|mustard|sugar|cat litter|sponges|apple juice|raisins|nuts|cocoa"""
_EVENT = """lunch|dentist|team meeting|yoga|haircut|choir|chess club|piano lesson|eye test|
    book club|swimming|dinner|car service|parents evening|dance class|interview|concert|
    football|garden party|vet"""
_TOPIC = """tax|rent|holiday|boiler|budget|insurance|recipe|school|contract|garden|concert|
    passport|wedding|invoice|bicycle|train|salary|heating|piano|choir|roof|dentist"""
_LANGUAGE = """French German Spanish Italian Polish Dutch Greek Turkish Danish Czech Swedish
    Finnish Latin Welsh Irish Hindi"""
_MONEY = """euros dollars pounds kronor francs yen rupees pesos liras zlotys rands reals yuan
    won forints dinars"""
_BAND = """The Red Lanterns|Silver Fox|Nightbus|The Harbour Four|Blue Monday Club|Stonewater|
    Paper Kites|The Owls|Green Radio|Salt and Sand|The Millers|Moonrise|Iron Daisies|
    The Late Train|Velvet Road|North Wind"""

TOOLS = [
    Tool("remember", "set_timer start_timer timer run_timer", "Start a timer.", {
        "minutes": _int("minutes duration mins", "Minutes until it rings.", 2, 180),
        "label": _own("label title purpose", "What it is for.", "timed",
            """eggs|tea|bread|pasta|rice|laundry|pizza|cake|nap|yoga|soup|potatoes|dough|break|
            homework|oven|sauna|walk""")},
        ["(Set|Start|Run|Begin|Give me) a timer (for|of|over) {minutes} minutes.",
         "(Set|Start|Run) a {minutes} minute timer( please| now|).",
         "(Count down|Time|Tell me when it has been|Let me know after) {minutes} minutes( for me| "
         "please|).", "(Set|Start) a timer (for|of) {minutes} minutes for the {label}.",
         "(The {label} needs|The {label} takes) {minutes} minutes, (set|start) a timer.",
         "Ring in {minutes} minutes."],
        {}, "The timer is set for {minutes} minutes."),
    Tool("remember", "set_alarm wake_up alarm add_alarm", "Set an alarm clock.", {
        "time": _words("time at clock_time when", "When it rings, like 7:30.", "time"),
        "day": _words("day weekday on_day", "The day, if it is not today.", "day")},
        ["(Wake me|Wake me up|Get me up|Get me out of bed) at {time}( please|).",
         "(Set|Put) (an alarm|the alarm|my alarm)( clock|) (for|to|at) {time}( please|).",
         "I (have to|need to|must|want to) (get up|wake up) at {time}.",
         "(Wake me|Wake me up) at {time} on {day}.", "(Set|Make) an alarm for {day} at {time}.",
         "~Let the alarm ring at {time}."],
        {}, "The alarm is set for {time}."),
    Tool("weather", "get_weather weather weather_forecast check_weather", "Weather in a city.", {
        "city": _words("city place location town", "Name of the city.", "city"),
        "day": _words("day date weekday", "The day, if it is not today.", "day")},
        ["(What is the weather|What is the weather like|How is the weather) in {city}( today| "
         "now|)?",
         "(Is it|Will it be) (cold|warm|sunny|raining|snowing|windy) in {city}( today|)?",
         "(Tell|Give|Show) me the weather (in|for|of) {city}.",
         "Do I need (an umbrella|a coat|sunglasses|a warm hat) in {city}?",
         "(How will the weather be|What will the weather be like) in {city} on {day}?",
         "(Will it|Is it going to) (rain|snow) in {city} on {day}?",
         "What does the sky over {city} look like?"],
        {"degrees": _int("", "", 1, 38), "sky": _one_of("", "", "sunny", "cloudy", "rainy", "foggy",
            "windy", "snowy", "clear")},
        "It is {degrees} degrees and {sky} in {city}."),
    Tool("remember", "add_note write_note save_note create_note note_down", "Write down a note.", {
        "text": _own("text content note body", "The words of the note.", "note", _NOTE, 0)},
        ["(Note|Note down|Write down|Jot down|Take a note): {text}.",
         "(Make|Save|Add|Create|Write) a note( that says| saying| with the words|): {text}.",
         "(Please |)(put|write) (this|it|that) (down|in my notes): {text}.",
         "I (must|want to|have to) (keep in mind|note)( this|): {text}.", "~New note: {text}."],
        {}, "I noted: {text}."),
    Tool("message", "send_message message_to text_person send_text write_message",
        "Send a message to a person.", {
        "to": _words("to person recipient name", "Who gets it.", "first_name"),
        "text": _own("text message content body", "What to say.", "message", _MESSAGE, 0)},
        ["(Tell|Text|Message) {to}: {text}.",
         "(Send|Write) {to} (a message|a text)( that says|): {text}.",
         "(Send|Write) (a message|a text|this) to {to}: {text}.",
         "(Let {to} know|Please tell {to}): {text}.", "~A message for {to}: {text}."],
        {}, "The message to {to} is sent."),
    Tool("light", "switch_light set_light light control_light", "Switch a light on or off.", {
        "room": _own("room where place", "The room.", "room", _ROOM),
        "state": _one_of("state mode set_to", "on or off.", "on", "off")},
        ["(Switch|Turn) {state} the (light|lamp|lights) in the {room}( please|).",
         "(Switch|Turn) the {room} (light|lights|lamp) {state}( please|).",
         "(Switch|Turn) the (light|lamp|lights) in the {room} {state}.",
         "(I want|I would like) the {room} (light|lights) {state}.",
         "{room} (light|lights) {state}, please.", "~The light in the {room} should be {state}."],
        {}, "The light in the {room} is {state}."),
    Tool("music", "play_music music start_music play", "Play music.", {
        "artist": _own("artist band by singer", "Who plays it.", "band", _BAND)},
        ["(Play|Put on|Start) (something|some music|music|a song|some songs) by {artist}( "
         "please|).", "I (want|would like) to (hear|listen to) {artist}.",
         "(Play|Put on) {artist}( for me| please|).", "(Let me|Let us) hear {artist}( now|).",
         "How about some {artist} now?"],
        {}, "Now you hear {artist}."),
    Tool("files", "search_files find_files file_search look_for_files", "Search files by a word.", {
        "query": _own("query word keyword search_text", "What to look for.", "topic", _TOPIC)},
        ["(Find|Search|Look for|Get|Show me) (my |the |all |)(files|documents|papers) "
         "(about|on|with|that mention) {query}.",
         "(Search|Look through|Go through) my (files|documents|papers) for {query}.",
         "(Which|What) (files|documents|papers) (do I have|are there|have I got) (about|on) "
         "{query}?", "Where (is|are) my (file|files|document|papers) (about|on) {query}?",
         "Any document with the word {query}?"],
        {"file": _drawn("", "", _file)}, "I found {file}."),
    Tool("calendar", "add_event create_event calendar_add new_event plan_event",
        "Put an event into the calendar.", {
        "title": _own("title event name what", "What it is.", "event", _EVENT), "day":
        _words("day date on weekday", "The day.", "day"),
        "time": _words("time at start hour", "When it starts.", "time")},
        ["(Put|Add|Enter|Write) {title} (in|into|to) (my|the) calendar (for|on) {day}.",
         "(Plan|Enter|Schedule|Add|Book) {title} (for|on) {day} at {time}.",
         "I have {title} on {day} at {time}, (put it in|add it to|write it into) my calendar.",
         "(Schedule|Plan|Enter) {title} (on|for) {day}( please|).",
         "My calendar should have {title} on {day}."],
        {}, "I added {title} on {day}."),
    Tool("calendar", "list_events show_calendar get_events read_calendar",
        "Read the calendar of a day.", {
        "day": _words("day date on weekday", "The day.", "day")},
        ["What (do I have|have I planned|is planned|is on my calendar|is in my calendar|is going "
         "on) (on|for) {day}?",
         "(Show|Read|Tell) me my (calendar|plans|events) (for|of|on) {day}.",
         "(Am I|Will I be) (free|busy) on {day}?",
         "(Do I have|Is there) (anything|something) (planned |)on {day}?",
         "How does my {day} look?"],
        {"event": _own("", "", "event", _EVENT), "time": _words("", "", "time")},
            "On {day} you have {event} at {time}."),
    Tool("convert", "convert_money convert exchange change_money",
        "Convert money to another currency.", {
        "amount": _int("amount value number", "How much.", 2, 900), "from_money":
        _own("from_currency source currency from", "The currency it has.", "money", _MONEY),
        "to_money": _own("to_currency target goal_currency to", "The currency it gets.", "money",
        _MONEY)},
        ["(Convert|Change|Turn) {amount} {from_money} (to|into) {to_money}.",
         "How many {to_money} (are|do I get for) {amount} {from_money}?",
         "What (is|are) {amount} {from_money} in {to_money}?",
         "(Give|Tell) me {amount} {from_money} in {to_money}.",
         "I have {amount} {from_money} and need {to_money}."],
        {"result": _int("", "", 2, 9000)}, "{amount} {from_money} are {result} {to_money}."),
    Tool("shopping", "add_to_shopping_list shopping_list add_item buy_item",
        "Put something on the shopping list.", {
        "item": _own("item product thing what", "What to buy.", "item", _THING), "count":
        _int("count amount how_many pieces", "How many packs.", 2, 30)},
        ["(Put|Add|Write) {item} (on|onto|to) (my|the|our) shopping list.",
         "(We need|I need|We are out of|I am out of|We have no more) {item}, (put it|write it) "
         "on the (shopping |)list.",
         "(Put|Add|Write) {count} packs of {item} (on|to) (my|the|our) (shopping |)list.",
         "(I must|I have to|We must) buy {item}.",
         "~{count} packs of {item} for the shopping list, please."],
        {}, "I put {item} on the list."),
    Tool("call", "call_person phone_call make_call dial", "Call a person by phone.", {
        "name": _words("name person who contact", "Who to call.", "first_name")},
        ["(Call|Phone|Ring|Dial) {name}( please| for me| now|).",
         "(Give {name} a call|Get {name} on the phone|Put me through to {name})( please|).",
         "I (want|need|would like|have) to (talk to|speak to|speak with) {name} on the phone.",
         "Make the phone of {name} ring."],
        {}, "I am calling {name}."),
    Tool("remember", "add_reminder set_reminder remind remind_me", "Remind the user of something.",
        {
        "text": _own("text what task about", "What to do.", "note", _NOTE, 0), "time":
        _words("time when at hour", "When.", "time")},
        ["Remind me at {time} to {text}.", "At {time} I (have to|must|should|want to) {text}, "
         "(please |)(remind me|don't let me forget).",
         "(Set|Add|Make) a reminder (for|at) {time}: {text}.",
         "(Don't let me forget|I must not forget) to {text} at {time}.",
         "~I want a reminder at {time} to {text}."],
        {}, "I will remind you at {time}."),
    Tool("heating", "set_heating heating set_temperature thermostat", "Set the heating of a room.",
        {
        "room": _own("room where place", "The room.", "room", _ROOM), "degrees":
        _int("degrees temperature target", "Degrees Celsius.", 12, 28)},
        ["(Heat|Warm|Bring) the {room} (to|up to) {degrees} degrees.",
         "(Set|Put|Turn) the heating in the {room} to {degrees}( degrees|).",
         "(Make it|I want it|I want) {degrees} degrees in the {room}.",
         "The {room} (should be|needs|should have) {degrees} degrees.",
         "~{degrees} degrees in the {room}, please."],
        {}, "The {room} is set to {degrees} degrees."),
    Tool("translate", "translate translate_word translator translate_text", "Translate a word.", {
        "word": _own("word text phrase", "What to translate.", "translated",
            """bread|house|friend|window|spoon|river|garden|winter|bridge|candle|apple|forest|shoe|
            cloud|bird|letter|kitchen|street|water|mountain|island|horse|sugar|thunder"""),
        "language": _own("language to target_language", "The language it gets.", "language",
        _LANGUAGE)},
        ["Translate {word} (to|into) {language}.",
         "(What is|What does one call) {word} in {language}?",
         "How do (you|I|they) say {word} in {language}?",
         "(What is|Tell me|Give me) the {language} (word|name|term) for {word}( please|).",
         "I need {word} in {language}."],
        {"translation": _drawn("", "", lambda rng, held_out: made_up(rng).lower())},
            "In {language} {word} is {translation}."),
    Tool("sum", "calculate calculator compute eval_expression", "Work out an expression.", {
        "expression": _drawn("expression term formula input", "Like 2 + 3.", _sum)},
        ["(What is|How much is|What makes|What do I get for) {expression}?",
         "(Calculate|Compute|Work out|Solve|Reckon) {expression}( for me| please|).",
         "(Tell|Give) me (the result of |){expression}.", "{expression} makes how much?"],
        _worked_out, "{expression} is {result}."),
    Tool("app", "open_app start_app launch app_open", "Open an app.", {
        "app": _own("app name program", "Name of the app.", "app",
            """Notes|Maps|Camera|Photos|Mail|Chess|Radio|Diary|Paint|Clock|Files|Books|Wallet|
            Browser|Recorder|Gallery|Scanner|Contacts""",
        0.3)},
        ["(Open|Start|Launch|Run|Bring up) {app}( please| for me| now|).",
         "(Open|Start|Launch|Run) the {app} app( please|).",
         "I (want|need|would like) to (use|open|start) {app}.", "Get {app} onto the screen."],
        {}, "{app} is open."),
    Tool("volume", "set_volume volume change_volume sound_level", "Set the loudness.", {
        "percent": _int("percent level value", "From 0 to 100.", 0, 100)},
        ["(Set|Turn|Put|Bring) the (volume|sound|loudness) to {percent}( percent|).",
         "(Volume|Sound|Loudness) (to|at) {percent}( percent|)( please|).",
         "(I want|Make|Give me) the (volume|sound) at {percent} percent.",
         "A volume of {percent}, please."],
        {}, "The volume is at {percent} percent."),
    Tool("screen", "set_brightness brightness screen_brightness", "Set how bright the screen is.", {
        "percent": _int("percent level value", "From 0 to 100.", 0, 100)},
        ["(Set|Turn|Put|Bring) the (brightness|screen brightness) to {percent}( percent|).",
         "(Brightness|Screen brightness) (to|at) {percent}( percent|)( please|).",
         "Make the screen {percent} percent bright.",
         "~The screen should be at {percent} percent."],
        {}, "The brightness is at {percent} percent."),
    Tool("table", "book_table reserve_table table_reservation", "Book a table in a restaurant.", {
        "restaurant": _own("restaurant place where", "Name of the restaurant.", "restaurant",
        "Rosetta|Harbour House|Golden Spoon|La Piazza|Old Mill|Green Olive|Blue "
        "Door|Lotus|Tandoor|Pearl|Brasserie Nord|Vineyard|Saffron|Fig Tree|Oyster Bar|Stonehouse",
        0.35),
        "people": _int("people guests persons seats", "How many people.", 2, 14), "time":
        _words("time at hour when", "When.", "time")},
        ["(Book|Reserve|Get|Get me) a table for {people} (at|in) {restaurant}.",
         "(Book|Reserve|Get me) a table for {people} (at|in) {restaurant} for {time}.",
         "We are {people} (people|persons) and want to eat (at|in) {restaurant}.",
         "{people} of us want (dinner|lunch|to eat) (at|in) {restaurant} at {time}, "
         "(book|reserve) a table.", "~A table for {people} in {restaurant}, please."],
        {}, "A table for {people} at {restaurant} is booked."),
    Tool("way", "find_train next_train train_times train_search", "Find the next train.", {
        "start": _words("start from origin departure", "Where it leaves.", "city"), "goal":
        _words("goal to destination arrival", "Where it goes.", "city")},
        ["(When is|Which is|What is) the next train from {start} to {goal}?",
         "(Find|Show me|Find me|Get me|Look up) (a train|the next train|trains) from {start} "
         "to {goal}.", "How do I get from {start} to {goal} by train?",
         "I (want|need|have) to (go|travel|get) from {start} to {goal} by train.",
         "I am in {start} and must take a train to {goal}."],
        {"time": _words("", "", "time")},
            "The next train from {start} to {goal} leaves at {time}."),
    Tool("price", "get_price price_lookup find_price check_price",
        "Look up the price of a product.", {
        "product": _own("product item article name", "What it is.", "item", _THING)},
        ["(Tell me|Look up|Find|Check) the price of {product}( today| now|).",
         "What is the price of {product}( today| now|)?",
         "How (much|expensive) is {product}( today| now| at the moment|)?",
         "What (does|would) {product} cost( today| now|)?",
         "How much do they want for {product}?"],
        {"euros": _int("", "", 1, 60)}, "The price of {product} is {euros} euros."),
    Tool("define", "define_word dictionary word_meaning look_up_word", "Look up what a word means.",
        {
        "word": _drawn("word term entry", "The word.", lambda rng, held_out: made_up(rng).lower())},
        ["What (does {word} mean|is the meaning of {word}|is meant by {word}|could {word} mean)?",
         "(Define|Explain|Look up) (the word |){word}( for me| please|).",
         "(What is the meaning of|Tell me the meaning of|What do people mean by) {word}(.|?)",
         "I don't know the word {word}, look it up."],
        {"meaning": _own("", "", "meaning", "a small boat|an old coin|a kind of bread|a narrow "
            "street|a winter coat|a wild goose|a wooden spoon|a folk dance|a stone bridge|a warm "
            "wind|a round table|a field of rye|a brass bell|a short letter|a salt lake|a silk "
            "ribbon", 0)},
        "The word {word} means {meaning}."),
    Tool("message", "send_email email write_email send_mail", "Send an email.", {
        "to": _words("to recipient receiver address", "Who gets it.", "first_name"), "subject":
        _own("subject title about", "What it is about.", "topic", _TOPIC)},
        ["(Send|Write) an email to {to} about {subject}.",
         "(Send|Write) {to} an email (about|on|with the subject) {subject}.",
         "(Email|Mail) {to} about {subject}( please|).",
         "An email about {subject} (should go|has to go|must go) to {to}.",
         "~{to} should get an email on {subject}."],
        {}, "The email to {to} is sent."),
    Tool("files", "delete_file remove_file erase_file trash", "Delete a file.", {"file":
        _drawn("file path filename name", "Name of the file.", _file)},
        ["(Delete|Remove|Erase|Throw away|Get rid of) (the file |){file}( please| for me|).",
         "I (don't need|no longer need|don't want|am done with) {file}, (delete|remove|erase) "
         "it.", "{file} can go into the bin."],
        {}, "{file} is deleted."),
    Tool("files", "rename_file move_file change_filename", "Give a file another name.", {
        "old": _drawn("old source from_name old_name", "The name it has.", _file), "new":
        _drawn("new target to_name new_name", "The name it gets.", _file)},
        ["(Rename|Change|Move) (the file |){old} (to|into) {new}.",
         "(Give|Find) {old} the (new |)name {new}.",
         "(The file |){old} (should|must|has to) be (called|named|renamed) {new}.",
         "Call {old} {new}( from now on| please|).", "{old} gets the name {new}."],
        {}, "{old} is now called {new}."),
    Tool("contact", "find_contact get_phone_number contact_lookup address_book",
        "Look up a phone number.", {
        "name": _words("name person who contact", "Whose number.", "first_name")},
        ["(What is|Tell me|Give me|Look up|Find|I need) the (phone number|number|telephone "
         "number) of {name}(.|?)", "(What|Which) (phone number|number) does {name} have?",
         "Do (I|we|you) have the (phone number|number) of {name}?",
         "Under which number do I reach {name}?"],
        {"number": _int("", "", 1000, 9999)}, "The number of {name} is {number}."),
    Tool("clock", "get_time world_clock city_time current_time", "Time of day in a city.", {"city":
        _words("city place location where", "Name of the city.", "city")},
        ["(What time is it|How late is it|What is the time) in {city}( now| right now|)?",
         "(Tell|Give|Show) me the time in {city}.",
         "(Is it|Is it still) (night|morning|early|late) in {city}( now|)?",
         "What do the clocks in {city} show?"],
        {"time": _words("", "", "time")}, "It is {time} in {city}."),
    Tool("way", "navigate find_route directions route_to", "Find the way to a place.", {
        "goal": _words("goal to destination place", "Where to go.", "city")},
        ["(How do I get|What is the way|What is the best way|Show me the way) to {goal}(.|?)",
         "(Navigate|Guide me|Lead me|Take me|Bring me) to {goal}.",
         "(How far is it|How long does it take|How many kilometres is it) to {goal}?",
         "I (want|have|need) to (drive|go|get) to {goal}, (show|find) me the way.",
         "Which road leads to {goal}?"],
        {"km": _int("", "", 2, 900)}, "It is {km} kilometres to {goal}."),
    Tool("vacuum", "start_vacuum clean_room vacuum robot_clean", "Send the robot to clean a room.",
        {"room": _own("room where place", "The room.", "room", _ROOM)},
        ["(Clean|Vacuum|Hoover) the {room}( please| now|).",
         "(Send the robot|Send the vacuum) (to|into) the {room}.",
         "The {room} is (dirty|dusty|full of crumbs|a mess), (clean|vacuum) it.",
         "The {room} (needs|could use) (a clean|cleaning|vacuuming).",
         "The floor of the {room} should be clean."],
        {}, "The robot cleans the {room}."),
    Tool("door", "lock_door door_lock lock secure_door", "Lock a door.", {"door":
        _own("door which name", "Which door.", "door",
            """front|back|garage|cellar|garden|side|kitchen|balcony|office|shed|stable|attic|
            studio|workshop|north|yard""")},
        ["(Lock|Close and lock|Bolt|Secure) the {door} door( please| now|).",
         "(Make sure|See to it) that the {door} door is locked.",
         "(Is|Did I leave) the {door} door open? (Lock it|Please lock it).",
         "The {door} door must be locked."],
        {}, "The {door} door is locked."),
    Tool("blinds", "set_blinds move_blinds blinds window_blinds", "Move the blinds of a room.", {
        "room": _own("room where place", "The room.", "room", _ROOM), "position":
        _one_of("position state to", "up or down.", "up", "down")},
        ["(Move|Bring|Pull|Let) the blinds in the {room} {position}.",
         "(Put|Bring|Pull|Move) {position} the blinds in the {room}.",
         "{room} blinds {position}, please.",
         "(I want|I would like) the {room} blinds {position}.",
         "~The blinds in the {room} should be {position}."],
        {}, "The blinds in the {room} are {position}."),
    Tool("coffee", "make_drink brew coffee_machine prepare_drink", "Make hot drinks.", {
        "drink": _own("drink what kind", "Which drink.", "drink",
        "coffee|tea|cocoa|espresso|latte|mocha|chai|cappuccino|mint tea|green tea|black "
        "tea|macchiato|milk coffee|ginger tea|rooibos|hot milk"), "cups": _int("cups count amount",
        "How many cups.", 2, 12)},
        ["(Make|Brew|Prepare|Get) (me |us |){cups} cups of {drink}.",
         "(Make|Brew|Prepare|Get) (me |us |)(some |a cup of |){drink}( please|).",
         "(I want|I would like|We want|We would like) {cups} cups of {drink}.",
         "(I would love|I could use|I need) (some |a cup of |){drink}.",
         "~{cups} cups of {drink}, please."],
        {}, "Your {drink} is on its way."),
    Tool("way", "order_taxi call_taxi taxi book_ride", "Order a taxi.", {
        "goal": _words("goal to destination address", "Where to go.", "city"), "time":
        _words("time at pickup when", "When it comes, if not now.", "time")},
        ["(Order|Call|Get|Book) (me |)a (taxi|cab) to {goal}( please| now|).",
         "I (need|want|would like) a (taxi|cab|ride) to {goal}.",
         "(Order|Call|Get|Book) (me |)a (taxi|cab) to {goal} (for|at) {time}.",
         "At {time} I (need|want) a (taxi|cab) to {goal}.", "A taxi should take me to {goal}."],
        {}, "A taxi to {goal} is ordered."),
    Tool("music", "play_radio radio tune_radio radio_station", "Play a radio station.", {
        "station": _drawn("station name channel", "Name of the station.", lambda rng, held_out:
        f"Radio {made_up(rng)}")},
        ["(Play|Put on|Turn on|Switch on|Tune in to|Start) {station}( please| for me|).",
         "I (want|would like) to (hear|listen to) {station}.",
         "(Let me|Let us) (hear|listen to) {station}.", "How about {station} now?"],
        {}, "{station} is playing."),
    Tool("parcel", "track_parcel parcel_status where_is_parcel track",
        "Find out where a parcel is.", {"number": _int("number code tracking_number id",
        "Number of the parcel.", 10000, 99999)},
        ["(Where is|Track|Find|Look for|What about|What happened to) (my |the |)parcel( number|) "
         "{number}(.|?)", "When (will|does) (my |the |)parcel( number|) {number} (come|arrive)?",
         "My parcel has the number {number}, where is it?",
         "Has {number}, my parcel, left already?"],
        {"city": _words("", "", "city")}, "Parcel {number} is in {city}."),
    Tool("book", "find_book search_library book_search library", "Find books by an author.",
        {"author": _drawn("author writer by name", "Who wrote it.", lambda rng, held_out:
        f"{pick(rng, 'first_name', held_out)} {made_up(rng)}")},
        ["(Find|Search for|Look for|Show me|Get me) (books|a book|something to read) (by|from) "
         "{author}.", "(Which|What) (books|novels) did {author} write?",
         "What (has {author} written|books are there by {author}|is there by {author})?",
         "I like to read {author}, what is there?"],
        {"title": _words("", "", "title")}, "{author} wrote {title}."),
    Tool("dice", "roll_dice dice throw_dice random_number", "Roll a die.", {"sides":
        _int("sides faces max", "How many sides it has.", 4, 100)},
        ["(Roll|Throw) a (die|dice) with {sides} sides( please| for me|).",
         "(Roll|Throw) a {sides} sided (die|dice).",
         "(Draw|Pick|Choose|Give me) a (random |)number from 1 to {sides}.",
         "A die of {sides} sides, let it roll."],
        {"rolled": _int("", "", 1, 4)}, "It is {rolled}."),
    Tool("plants", "water_plants watering irrigate water_bed", "Water plants.", {
        "plant": _words("plant what bed", "Which plants.", "flower"), "litres":
        _int("litres amount water", "How much water.", 1, 40)},
        ["(Water|Sprinkle) the {plant}( please| now| today|).",
         "(Water|Sprinkle) the {plant} with {litres} litres.",
         "(Give|Bring) the {plant} {litres} litres of water.",
         "The {plant} (are dry|look dry|need water), (water them|give them something to drink).",
         "~{litres} litres for the {plant}, please."],
        {}, "The {plant} get their water."),
]
