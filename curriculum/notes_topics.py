"""notes_topics.py - what the notes of notes.py are about: topics, their subjects and
attributes, and the ways to ask for each.
"""

from notes_rows import (LANGUAGE, MATTER, SPOT, TEAM, Topic, name, named, number, password, people,
                        person, row, things, who)

_HOUSEHOLD = [
    row("place", "(is|is kept|can be found) in the {v}", "where {s} is", "Is {s} in the {v}?",
        "Where (is|do we keep|do I find|can I find|did we put|did we leave|would I find) {s}( "
        "now|)?",
        "(I need|I am looking for|I can't find|Who has seen) {s}(, where is it?|. Where is it?)",
        "(In which|In what) place (is|do we keep|can I find) {s}?",
        "~Where should I look for {s}?"),
    row(person, "belongs to {v}", "who owns {s}", "Does {s} belong to {v}?",
        "Who (owns|is the owner of) {s}?", "Whose is {s}?", "To whom does {s} belong?",
        "(Who|Whom) does {s} belong to?",
        "Whose (property|thing) is {s}?", "Who can call {s} (his or her|their) own?",
        "(Do you know|Can you see) who the owner of {s} is?"),
    row(person, "(was|is) lent to {v}", "who has borrowed {s}", "Did we lend {s} to {v}?",
        "Who (has borrowed|borrowed) {s}( from us|)?", "(Who|Whom) did (we|I) lend {s} to?",
        "To whom (did (we|I) lend|was it that we lent) {s}?", "Who (was|is) {s} lent to?",
        "~Who is using {s} now?"),
    row("month", "was bought in {v}", "when {s} was bought", "Did we buy {s} in {v}?",
        "When (did we buy|did I buy|was it that we bought|have we bought) {s}?",
        "When was {s} bought?",
        "(In which|In what|Which|What) month (did we buy {s}|was {s} bought)?"),
    row("colour", "is {v}", "what colour {s} is", "Is {s} {v}?",
        "(What|Which) colour is {s}?", "(What|Which) colour does {s} have?",
        "What is the colour of {s}?", "Of (what|which) colour is {s}?", "What does {s} look like?"),
    row(number(3, 400), "cost {v} euros", "how much {s} cost", "Did {s} cost {v} euros?",
        "How much (did {s} cost|did we pay for {s}|was {s}|money did we spend on {s}|did I pay "
        "for {s})?", "What (did {s} cost|was the price of {s}|did we pay for {s})?",
        "How many euros did (we pay for {s}|{s} cost)?", "~What did we give for {s}?"),
    row(person, "(was|is) a present from {v}", "who gave us {s}", "Did we get {s} from {v}?",
        "Who (gave|has given) (us|me) {s}( as a present|)?", "(Who|Whom) did we get {s} from?",
        "(Who|Whom) (was|is) {s} a present from?", "From whom (did we get|was|is) {s}?"),
]

_MACHINES = [
    who("was repaired by", "who repaired {s}", "Who (repaired|fixed|mended|has repaired) {s}?",
        "By whom was {s} (repaired|fixed|mended)?", "Who was it that (repaired|fixed|mended) {s}?"),
    row("month", "was serviced in {v}", "when {s} was serviced", "Was {s} serviced in {v}?",
        "When (was|did they have|did we get) {s} serviced?",
        "When was (the service|the last service) of {s}?",
        "(In which|In what|Which|What) month was {s} serviced?", "When did {s} get its service?"),
    row(number(10, 240), "runs at {v} degrees", "at what temperature {s} runs",
        "Does {s} run at {v} degrees?",
        "(At (what|which) temperature|At how many degrees|How hot) does {s} run?",
        "(What|Which) temperature (does {s} run at|does {s} need|is {s} set to|is right for {s})?",
        "How (hot|many degrees) is {s} set?", "~How many degrees does {s} need?"),
    row(number(2, 90), "needs {v} minutes for a run", "how long {s} needs for a run",
        "Does {s} need {v} minutes for a run?",
        "How (long|many minutes) does {s} (need|take|run)( for a run| each time|)?",
        "How (long|many minutes) does (a run|one run) of {s} take?",
        "(After how many minutes|When) is {s} done( with a run|)?"),
    row(number(5, 900), "weighs {v} kilos", "how heavy {s} is", "Does {s} weigh {v} kilos?",
        "How (heavy is {s}|much does {s} weigh|many kilos does {s} weigh|many kilos has {s})?",
        "What (is the weight of {s}|does {s} weigh|weight has {s})?"),
    row("code", "has the serial number {v}", "which serial number {s} has",
        "Does {s} have the serial number {v}?",
        "(What|Which) (is the serial number of {s}|serial number does {s} have)?",
        "(Tell|Give|Show) me the serial number of {s}(.|, please.)",
        "I need the serial number of {s}(.|, please.)", "~What was the serial number of {s}?"),
    row("room", "stands in room {v}", "in which room {s} stands", "Is {s} in room {v}?",
        "In (which|what) room (is {s}|does {s} stand)?",
        "(Which|What) room (is {s}|does {s} stand) in?",
        "Where (is|stands|do I find|can I find|did they put) {s}?", "Where does {s} stand?"),
    who("is operated by", "who operates {s}",
        "Who (operates|works with|runs|works at|looks after) {s}?",
        "By whom is {s} operated?", "Who is it that (operates|runs) {s}?",
        "Who is (at|in charge of) {s}?", "~Who stands at {s}?"),
    row(number(1, 60), "must run on program {v}", "on which program {s} must run",
        "Must {s} run on program {v}?", "(What|Which) program (must {s} run on|must I choose on "
        "{s}|do I choose on {s}|is right for {s}|does {s} need)?",
        "(On|To) (which|what) program (do I set|must I set|should I set) {s}?"),
]

_COLLEAGUES = [
    row("code", "has the phone number {v}", "which phone number {s} has",
        "Is {v} the phone number of {s}?",
        "(What|Which) is the (phone|) number of {s}?", "(What|Which) phone number does {s} have?",
        "How (can|do|could) I (reach {s} by phone|call {s}|phone {s})?",
        "(Give me|I need|Tell me) the (phone|telephone) number of {s}(.|, please.)",
        "(At|On|Under) (which|what) number (can I call|do I reach|can I reach) {s}?"),
    row("room", "(sits|works) in room {v}", "in which room {s} sits", "Does {s} sit in room {v}?",
        "In (which|what) (room|office) does {s} (sit|work)?",
        "(Which|What) (room|office) does {s} (sit|work) in?", "Where (does {s} sit|is the office "
        "of {s}|is the desk of {s}|do I find {s}|can I find {s})?",
        "(What|Which) is the room of {s}?"),
    row("job", "works as {av}", "what {s} works as", "Does {s} work as {av}?",
        "What (does {s} work as|is the job of {s}|job does {s} have|is the profession of "
        "{s}|kind of work does {s} do)?",
        "What does {s} do( for a living|)?", "As what does {s} work?"),
    row(TEAM, "(belongs to|is in) the {v} team", "which team {s} belongs to",
        "Is {s} in the {v} team?",
        "(What|Which) team (is {s} in|does {s} belong to|has {s} joined|does {s} work in|does "
        "{s} work for)?", "In (which|what) team is {s}?", "What is the team of {s}?"),
    row("time", "starts work at {v}", "when {s} starts work", "Does {s} start work at {v}?",
        "(When|At what time|What time) does {s} (start work|begin work|start to work|come to "
        "work|start|begin)?", "From when on does {s} work?"),
    row("date", "is (on holiday|away) until {v}", "until when {s} is away",
        "Is {s} away until {v}?",
        "(Until when|How long|Till when) is {s} (away|on holiday|not here|off)?",
        "When (does {s} come back|is {s} back|will {s} be back|does the holiday of {s} end)( "
        "from the holiday|)?"),
    row(LANGUAGE, "speaks {v}", "which language {s} speaks", "Does {s} speak {v}?",
        "(What|Which) (language|foreign language) (does {s} speak|can {s} speak|does {s} "
        "know|has {s} learned)?", "In (which|what) language can I talk (to|with) {s}?"),
    row(person, "reports to {v}", "whom {s} reports to", "Does {s} report to {v}?",
        "(Who|Whom) does {s} report to?", "Who is the (boss|manager|head) of {s}?",
        "To whom does {s} report?", "Who (leads|manages|is above) {s}?"),
    row("city", "lives in {v}", "where {s} lives", "Does {s} live in {v}?",
        "Where (does {s} live|is the home of {s}|is {s} living|does {s} have a home)?",
        "In (which|what) (city|town|place) does {s} live?",
        "(Which|What) (city|town|place) does {s} live in?"),
    row("date", "was born on {v}", "when {s} was born", "Was {s} born on {v}?",
        "When (was {s} born|is the birthday of {s}|does {s} have a birthday|do we celebrate the "
        "birthday of {s})?", "On (which|what) day was {s} born?",
        "(Which|What) day was {s} born on?", "~What is the birthday of {s}?"),
    row("drink", "drinks {v}", "what {s} drinks", "Does {s} drink {v}?",
        "What (does {s} drink|do I offer {s} to drink|drink do I get for {s}|would {s} like to "
        "drink)?", "(Which|What) drink (does {s} take|do I bring {s}|is for {s})?"),
    row("instrument", "plays the {v}", "which instrument {s} plays", "Does {s} play the {v}?",
        "(Which|What) instrument (does {s} play|can {s} play|has {s} learned)?",
        "What does {s} play?", "~What can {s} play?"),
    row("food", "is allergic to {v}", "what {s} is allergic to", "Is {s} allergic to {v}?",
        "What (is {s} allergic to|can {s} not eat|must {s} not eat|may {s} not eat)?",
        "(Which|What) (food|kind of food) is {s} allergic to?",
        "(Which|What) allergy does {s} have?"),
    row("pet_name", "has a dog called {v}", "what the dog of {s} is called",
        "Is the dog of {s} called {v}?",
        "What (is the dog of {s} called|is the name of the dog of {s}|does {s} call the dog)?",
        "(What|Which) name does the dog of {s} have?"),
]

_EVENTS = [
    row("day", "is on {v}", "on which day {s} is", "Is {s} on {v}?",
        "(On which day|On what day|Which day|What day) (is {s}|does {s} take place|do we have "
        "{s}|will {s} be)?",
        "(Which|What) is the day of {s}?", "(Tell|Give) me the day of {s}(.|, please.)"),
    row("time", "(starts|begins) at {v}", "at what time {s} starts", "Does {s} start at {v}?",
        "(At what time|What time|When|At which hour) does {s} (start|begin)?",
        "When is the (start|beginning) of {s}?", "From when on do I have to be at {s}?"),
    row("time", "ends at {v}", "at what time {s} ends", "Does {s} end at {v}?",
        "(At what time|What time|When|At which hour) does {s} (end|finish|close|stop)?",
        "When (is the end of {s}|is {s} over|will {s} be over|is {s} finished)?"),
    row("room", "(is held|takes place) in room {v}", "in which room {s} is held",
        "Is {s} held in room {v}?", "In (which|what) room is {s}( held|)?",
        "(Which|What) room is {s}( held|) in?", "Where (is {s}|is {s} held|does {s} take "
        "place|do we meet for {s}|do I have to go for {s})?"),
    who("is led by", "who leads {s}",
        "Who (leads|holds|is in charge of|runs|is leading|is the leader of) {s}?",
        "By whom is {s} led?", "Who will (lead|hold|run) {s}?"),
    row(number(10, 240), "lasts {v} minutes", "how long {s} lasts", "Does {s} last {v} minutes?",
        "How (long|many minutes) (does {s} last|will {s} last|does {s} take|will {s} take|does "
        "{s} go on)?", "What is the length of {s}?"),
    row(number(3, 300), "is planned for {v} people", "how many people {s} is planned for",
        "Is {s} planned for {v} people?",
        "(For how many|How many) (people|guests|persons) is {s} planned( for|)?",
        "How many (people|guests|persons) (will come|are coming) to {s}?",
        "How many (people|guests|persons) (will be|are expected) at {s}?"),
    row(number(2, 150), "costs {v} euros", "how much {s} costs", "Does {s} cost {v} euros?",
        "How (much|many euros) (does {s} cost|do I pay for {s}|do we pay for {s}|is the fee for "
        "{s})?", "What (does {s} cost|is the price of {s}|do I pay for {s}|is the fee for {s})?",
        "~How high is the price of {s}?"),
    row("food", "needs everybody to bring {v}", "what to bring to {s}", "Do we bring {v} to {s}?",
        "What (do I|should I|do we|should we|must I|must we|does everybody) (bring|take) to {s}?",
        "(Which|What) food (do I|do we|should I) bring to {s}?"),
]

_GOODS = [
    row(number(2, 900), "costs {v} euros", "how much {s} costs", "Does {s} cost {v} euros?",
        "How (much|many euros) (does {s} cost|is {s}|do I pay for {s}|do you want for {s})?",
        "~How high is the price of {s}?",
        "What (does {s} cost|is the price of {s}|do I pay for {s})?"),
    row(number(2, 99), "has {v} pieces left", "how many pieces of {s} are left",
        "Are {v} pieces of {s} left?",
        "How many pieces (of {s} are left|of {s} are there|of {s} do we have|are left of {s}|are "
        "there of {s}|do we have of {s})?",
        "How many of {s} (are left|are there|do we have|have we got)?",
        "~What number of {s} is left?"),
    row(number(1, 80), "stands on shelf {v}", "on which shelf {s} stands", "Is {s} on shelf {v}?",
        "On (which|what) shelf (is {s}|does {s} stand|do I find {s})?",
        "(Which|What) shelf (is {s}|does {s} stand|do I find {s}) on?",
        "Where (is|do I find|can I find|do you have|stands) {s}?"),
    row(number(5, 70), "is reduced by {v} percent", "by how many percent {s} is reduced",
        "Is {s} reduced by {v} percent?",
        "(By how much|By how many percent|How much) is {s} reduced?",
        "How (big|large|high) is the (discount|reduction) on {s}?",
        "(What|Which) (discount|reduction) (is there on|do I get on|do you give on) {s}?"),
    row("country", "comes from {v}", "where {s} comes from", "Does {s} come from {v}?",
        "Where (does {s} come from|is {s} from|was {s} made)?",
        "From (which|what) country (does {s} come|is {s})?",
        "(Which|What) country (does {s} come|is {s}) from?", "What is the origin of {s}?"),
    who("is delivered by", "who delivers {s}", "Who (delivers|supplies|brings|sells us) {s}?",
        "By whom is {s} delivered?", "Who is it that delivers {s}?",
        "(From whom|Who) do we get {s}( from|)?"),
    row(number(50, 990), "weighs {v} grams", "how heavy {s} is", "Does {s} weigh {v} grams?",
        "How (heavy is {s}|much does {s} weigh|many grams does {s} weigh|many grams has {s})?",
        "~How many grams is {s}?", "What (is the weight of {s}|does {s} weigh|weight has {s})?"),
    row(number(2, 60), "comes in size {v}", "in which size {s} comes",
        "Does {s} come in size {v}?", "In (which|what) size does {s} come?",
        "(Which|What) size does {s} come in?",
        "(What|Which) (is the size of {s}|size do you have {s} in|size is {s})?"),
    row("day", "will be back on {v}", "when {s} will be back", "Will {s} be back on {v}?",
        "(When|On which day|On what day) (will {s} be back|do you get {s} again|will there be "
        "{s} again|does {s} come back|can I buy {s} again)?", "~When can I have {s} again?"),
]

_RECIPES = [
    row(number(100, 900), "needs {v} grams of flour", "how much flour {s} needs",
        "Does {s} need {v} grams of flour?",
        "How (much|many grams of) flour (does {s} need|do I need for {s}|is in {s}|goes into "
        "{s}|do I take for {s}|must I weigh for {s})?"),
    row(number(1, 14), "needs {v} eggs", "how many eggs {s} needs", "Does {s} need {v} eggs?",
        "How many eggs (does {s} need|do I need for {s}|are in {s}|go into {s}|do I take for "
        "{s}|must I buy for {s}|are there in {s})?", "~What number of eggs does {s} need?"),
    row(number(2, 30), "needs {v} spoons of sugar", "how much sugar {s} needs",
        "Does {s} need {v} spoons of sugar?",
        "How (much|many spoons of) sugar (does {s} need|do I need for {s}|is in {s}|goes into "
        "{s}|do I take for {s})?", "~What amount of sugar is in {s}?"),
    row(number(2, 20), "needs {v} cups of milk", "how much milk {s} needs",
        "Does {s} need {v} cups of milk?",
        "How (much|many cups of) milk (does {s} need|do I need for {s}|is in {s}|goes into "
        "{s}|do I take for {s})?"),
    row(number(5, 180), "(cooks|bakes) for {v} minutes", "how long {s} must cook",
        "Does {s} cook for {v} minutes?",
        "How (long|many minutes) (must|does|should|do I let) {s} (cook|bake|stay in the oven)?",
        "How many minutes of cooking does {s} need?", "What is the (cooking|baking) time of {s}?"),
    row(number(80, 280), "needs a heat of {v} degrees", "how hot {s} must be cooked",
        "Does {s} need a heat of {v} degrees?",
        "(At what temperature|At how many degrees|How hot) (must I|do I|should I) (cook|bake) "
        "{s}?", "(What|Which) (heat|temperature) does {s} need?"),
    row(number(2, 40), "is enough for {v} people", "how many people {s} is enough for",
        "Is {s} enough for {v} people?",
        "(For how many|How many) people is {s}( enough| meant|)( for|)?",
        "How many (people|guests|persons) (can eat|does {s} feed with|can I feed with) {s}?"),
    row(person, "is a recipe of {v}", "whose recipe {s} is", "Is {s} a recipe of {v}?",
        "Whose recipe is {s}?",
        "(From whom|Who) (is|do we have|did I get|did we get) the recipe (of|for) {s}( from|)?",
        "Who (invented|wrote down|gave us) the recipe (of|for) {s}?"),
    row("food", "is served with {v}", "what {s} is served with", "Is {s} served with {v}?",
        "What (is {s} served with|goes with {s}|do I serve with {s}|do we eat with {s}|do I put "
        "beside {s})?", "With what (is {s} served|do I serve {s})?"),
    row(number(2, 48), "must rest for {v} hours", "how long {s} must rest",
        "Must {s} rest for {v} hours?",
        "How (long|many hours) (must|does|should|do I let) {s} rest?",
        "(For how many hours|How many hours long) must {s} rest?"),
]

_TRIPS = [
    row("time", "leaves at {v}", "when {s} leaves", "Does {s} leave at {v}?",
        "(When|At what time|What time) does {s} (leave|depart|start|go)?",
        "When is the departure of {s}?"),
    row("time", "arrives at {v}", "when {s} arrives", "Does {s} arrive at {v}?",
        "(When|At what time|What time) does {s} (arrive|get there|get in|reach its goal)?",
        "When is the arrival of {s}?", "When will {s} be there?"),
    row(number(1, 60), "(leaves|goes) from gate {v}", "from which gate {s} leaves",
        "Does {s} leave from gate {v}?", "From (which|what) gate does {s} (leave|go|start)?",
        "(Which|What) gate does {s} (leave|go|start) from?", "(What|Which) is the gate of {s}?",
        "(To|At) (which|what) gate (do I go|must I be) for {s}?", "~Where does {s} leave?"),
    row(number(1, 99), "has seat {v} for us", "which seat we have in {s}",
        "Do we have seat {v} in {s}?",
        "(Which|What) (is our seat|seat do we have|is my seat|seat do I have|seat is ours|seat "
        "did we get|seat did I get) (in|on) {s}?", "Where do we sit (in|on) {s}?"),
    row(number(8, 600), "costs {v} euros", "how much {s} costs", "Does {s} cost {v} euros?",
        "How (much|many euros) (does {s} cost|is {s}|do I pay for {s}|is a ticket for {s})?",
        "What (does {s} cost|is the price of {s}|do I pay for {s})?"),
    row(number(20, 600), "takes {v} minutes", "how long {s} takes", "Does {s} take {v} minutes?",
        "How (long|many minutes) (does {s} take|will {s} take|is {s} on the way|do we spend on "
        "{s}|do I sit in {s})?"),
    row("day", "is booked for {v}", "for which day {s} is booked", "Is {s} booked for {v}?",
        "(On which|On what|For which|For what|What|Which) day (is {s}( booked|)|do we take "
        "{s}|do I take {s}|did we book {s})?"),
    row("code", "has the booking code {v}", "which booking code {s} has",
        "Is {v} the booking code of {s}?",
        "(What|Which) (is the booking code of|booking code has|booking code do I need for) {s}?",
        "(Give me|I need|Tell me|Show me) the booking code of {s}(.|, please.)"),
    who("was booked by", "who booked {s}", "Who (booked|has booked|got us|ordered|reserved) {s}?",
        "By whom was {s} booked?", "Who was it that booked {s}?"),
    row("city", "stops in {v}", "where {s} stops", "Does {s} stop in {v}?",
        "Where (does {s} stop|is the stop of {s}|does {s} make a stop|is there a stop of {s})?",
        "In (which|what) (city|town) does {s} stop?", "(Which|What) (city|town) does {s} stop in?"),
]

_HOTELS = [
    row("room", "has booked room {v} for us", "which room we have in {s}",
        "Do we have room {v} in {s}?",
        "(Which|What) (is our room|room do we have|is my room|room do I have|room is ours|room "
        "did they give us|room number do we have) (in|at) {s}?"),
    row("time", "serves breakfast from {v}", "when breakfast starts in {s}",
        "Does {s} serve breakfast from {v}?",
        "(When|From when on|At what time|What time) (is breakfast|does breakfast start|do they "
        "serve breakfast|can we have breakfast|can I eat breakfast) (in|at) {s}?"),
    row(number(30, 400), "costs {v} euros a night", "how much {s} costs a night",
        "Does {s} cost {v} euros a night?",
        "How (much|many euros) (does {s} cost|is {s}|do we pay in {s}|is a room in {s})( a "
        "night| for a night|)?", "What (does a night in {s} cost|is the price of a night in "
        "{s}|do I pay for a night in {s})?"),
    row(number(5, 300), "has {v} beds", "how many beds {s} has", "Does {s} have {v} beds?",
        "How many beds (does {s} have|are there in {s}|has {s} got|are in {s}|can we count in "
        "{s}|does {s} offer)?", "What is the number of beds in {s}?"),
    row(password, "has the wifi password {v}", "which wifi password {s} has",
        "Is {v} the wifi password of {s}?",
        "(What|Which) (is the wifi password of|wifi password has) {s}?",
        "(Give me|I need|Tell me|Show me) the (wifi password|password for the wifi) of {s}(.|, "
        "please.)"),
    who("is run by", "who runs {s}",
        "Who (runs|manages|is in charge of|leads|is the manager of|is the head of) {s}?",
        "By whom is {s} run?"),
    row("city", "is in {v}", "in which city {s} is", "Is {s} in {v}?",
        "Where (is|do I find|lies|can I find) {s}?",
        "In (which|what) (city|town) (is|do I find) {s}?",
        "(Which|What) (city|town) (is|do I find) {s} in?"),
    row(number(2, 60), "is {v} minutes from the station", "how far from the station {s} is",
        "Is {s} {v} minutes from the station?", "How (far|many minutes) is {s} from the station?",
        "How (long|many minutes) is the (way|walk) from the station to {s}?",
        "How (far|long) do we walk (from the station |)to {s}?"),
    row("animal", "has the {v} on its sign", "which animal is on the sign of {s}",
        "Is the {v} on the sign of {s}?",
        "(Which|What) animal (is on the sign of {s}|is on the sign at {s}|does {s} have on its "
        "sign|does the sign of {s} show)?", "What does the sign of {s} show?"),
]

_LETTERS = [
    row("day", "(came|arrived) on {v}", "when {s} came", "Did {s} come on {v}?",
        "(When|On which day|On what day) (did {s} come|did {s} arrive|did we get {s}|was {s} "
        "delivered|did I get {s}|did {s} reach us)?"),
    row("place", "(is|lies) in the {v}", "where {s} is", "Is {s} in the {v}?",
        "Where (is|did we put|do I find|can I find|did I put|do we keep|did I leave) {s}( now|)?",
        "(I need|I am looking for|I can't find) {s}(, where is it?|. Where is it?)"),
    row(MATTER, "is about {v}", "what {s} is about", "Is {s} about {v}?",
        "What (is {s} about|is written in {s}|does {s} say|is the matter of {s}|is the subject "
        "of {s}|does {s} deal with)?", "(About|Of) what is {s}?"),
    row("date", "must be answered by {v}", "by when {s} must be answered",
        "Must {s} be answered by {v}?",
        "(By when|Until when|When) (must|do|should) (we|I) answer {s}?",
        "(By when|Until when|When) must {s} be answered?", "What is the last day to answer {s}?"),
    row(number(2, 40), "has {v} pages", "how many pages {s} has", "Does {s} have {v} pages?",
        "How many pages (does {s} have|has {s}|are there in {s}|are in {s}|long is {s}|do I have "
        "to read in {s})?", "How long is {s}?"),
    row("city", "was sent from {v}", "where {s} was sent from", "Was {s} sent from {v}?",
        "(Where|From where) (was {s} sent|did {s} come|was {s} mailed)( from|)?",
        "From (which|what) (city|town) was {s} sent?",
        "(Which|What) (city|town) was {s} sent from?"),
    who("was opened by", "who opened {s}", "Who (opened|has opened|tore open) {s}?",
        "By whom was {s} opened?", "Who was it that opened {s}?", "~Who did open {s}?"),
    row(LANGUAGE, "is written in {v}", "in which language {s} is written",
        "Is {s} written in {v}?", "In (which|what) language is {s}( written|)?",
        "(Which|What) language is {s}( written|) in?", "What is the language of {s}?"),
]

_GARDEN = [
    who("was planted by", "who planted {s}", "Who (planted|has planted|put in|set) {s}?",
        "By whom was {s} planted?", "Who was it that planted {s}?", "~Who did plant {s}?"),
    row(number(1920, 2024), "was planted in {v}", "when {s} was planted",
        "Was {s} planted in {v}?", "When (was {s} planted|did we plant {s}|did they plant {s})?",
        "(In which|In what|Which|What) year (was {s} planted|did we plant {s})?"),
    row(number(2, 40), "is {v} metres high", "how high {s} is", "Is {s} {v} metres high?",
        "How (high|tall|many metres high) is {s}?", "What is the height of {s}?",
        "How (high|tall) (has {s} grown|did {s} grow|does {s} stand)?"),
    row(SPOT, "(stands|is|grows) near the {v}", "where {s} stands",
        "Does {s} stand near the {v}?",
        "Where (does {s} stand|is {s}|do I find {s}|does {s} grow|can I see {s}|did we plant "
        "{s})?", "In which corner (is|do I find) {s}?"),
    row("day", "is watered on {v}", "on which day {s} is watered", "Is {s} watered on {v}?",
        "(When|On which day|On what day|Which day|What day) (is {s} watered|do we water {s}|do I "
        "water {s}|must I water {s}|does {s} get water)?"),
    row("month", "is cut in {v}", "when {s} is cut", "Is {s} cut in {v}?",
        "(When|In which month|In what month) (is {s} cut|do we cut {s}|do I cut {s}|must I cut "
        "{s}|should {s} be cut|do they cut {s})?"),
    row(number(2, 90), "needs {v} litres of water", "how much water {s} needs",
        "Does {s} need {v} litres of water?",
        "How (much|many litres of) water (does {s} need|do I give {s}|must {s} get|does {s} "
        "drink|do we give {s}|should {s} get)?"),
    row(number(2, 200), "gave {v} kilos last year", "how many kilos {s} gave last year",
        "Did {s} give {v} kilos last year?",
        "How (many kilos|much) (did {s} give|did we get from {s}|did {s} bear|did we pick from "
        "{s}|did we harvest from {s})( last year|)?"),
]

_MOUNTAINS = [
    row(number(300, 8000), "is {v} metres high", "how high {s} is", "Is {s} {v} metres high?",
        "How (high|tall|many metres high) is {s}?", "What is the height of {s}?",
        "How many metres (has|does) {s} (rise|reach|stand)?"),
    who("was first climbed by", "who first climbed {s}",
        "Who (first climbed|climbed|was the first on|was first on|conquered) {s}?",
        "~Who stood on {s} first?", "By whom was {s} (first |)climbed?"),
    row(number(1780, 1990), "was first climbed in {v}", "when {s} was first climbed",
        "Was {s} first climbed in {v}?",
        "When (was {s} first climbed|was {s} climbed|did people first climb {s}|did somebody "
        "first climb {s})?", "(In which|In what|Which|What) year was {s} (first |)climbed?",
        "~What is the year when {s} was climbed?"),
    row("country", "(lies|is) in {v}", "in which country {s} lies", "Is {s} in {v}?",
        "Where (is|lies|do I find|can I find) {s}?",
        "In (which|what) country (is|do I find|lies) {s}?", "(Which|What) country is {s} in?"),
    row("month", "has snow until {v}", "until when {s} has snow", "Does {s} have snow until {v}?",
        "(Until when|How long|Till when) (does {s} have snow|is there snow on {s}|is {s} covered "
        "with snow|does the snow lie on {s})?", "When does the snow on {s} melt?"),
    row(number(8, 200), "has a hut for {v} people", "how many people the hut on {s} holds",
        "Does {s} have a hut for {v} people?",
        "How many people (can sleep in the hut on {s}|does the hut on {s} hold|fit into the hut "
        "on {s})?", "(For how many people|How large) is the hut on {s}?"),
]

_RIVERS = [
    row(number(20, 4000), "is {v} kilometres long", "how long {s} is",
        "Is {s} {v} kilometres long?",
        "How (long|many kilometres long) is {s}?", "What is the length of {s}?",
        "(Over|For) how many kilometres does {s} (run|flow)?", "~How many kilometres has {s}?"),
    row(name, "flows into Lake {v}", "into which lake {s} flows", "Does {s} flow into Lake {v}?",
        "Into (which|what) lake does {s} (flow|run|lead)?",
        "(Which|What) lake does {s} (flow into|run into|end in|reach)?",
        "Where does {s} (flow|end|run to)?"),
    row("country", "rises in {v}", "where {s} rises", "Does {s} rise in {v}?",
        "Where (does {s} rise|does {s} begin|is the source of {s}|does {s} come from|does {s} "
        "start)?", "In (which|what) country (does {s} rise|is the source of {s})?",
        "(Which|What) country (does {s} rise|is the source of {s}) in?",
        "~In which country does {s} begin?"),
    row(number(2, 90), "is {v} metres deep", "how deep {s} is", "Is {s} {v} metres deep?",
        "How (deep|many metres deep) is {s}?", "What is the depth of {s}?",
        "How (deep|far down) does {s} go?"),
    row(number(2, 80), "has {v} bridges", "how many bridges {s} has",
        "Does {s} have {v} bridges?",
        "How many bridges (does {s} have|are there over {s}|cross {s}|lead over {s}|has {s})?",
        "What is the number of bridges over {s}?"),
    row("animal", "is home to the {v}", "which animal lives in {s}", "Is {s} home to the {v}?",
        "(Which|What) animal (lives in {s}|is at home in {s}|can be seen in {s}|do we find in "
        "{s}|has its home in {s})?", "What (lives|swims) in {s}?"),
    who("was mapped by", "who mapped {s}",
        "Who (mapped|has mapped|made the first map of|drew the map of|surveyed) {s}?",
        "By whom was {s} mapped?", "~Who drew {s} first?"),
]

_TOWNS = [
    row(number(200, 9000), "has {v} people", "how many people {s} has",
        "Does {s} have {v} people?",
        "How many people (live in {s}|does {s} have|are there in {s}|are at home in {s}|has {s})?",
        "(How large is|What is) the population of {s}?"),
    row(number(800, 1950), "was founded in {v}", "when {s} was founded",
        "Was {s} founded in {v}?",
        "When (was {s} founded|was {s} built|did {s} begin|did people found {s})?",
        "(In which|In what|Which|What) year was {s} founded?", "How old is {s}?",
        "~What is the year when {s} was founded?"),
    who("was founded by", "who founded {s}",
        "Who (founded|has founded|built|was the founder of|is the founder of) {s}?",
        "By whom was {s} founded?"),
    row("food", "is famous for its {v}", "what {s} is famous for", "Is {s} famous for its {v}?",
        "What (is {s} famous for|makes {s} famous|is {s} known for|do people praise in {s})?",
        "For what is {s} (famous|known)?",
        "(Which|What) food (comes from|is typical of|made the name of) {s}?"),
    row(name, "lies on the river {v}", "on which river {s} lies",
        "Does {s} lie on the river {v}?", "On (which|what) river (is|lies|do I find) {s}?",
        "(Which|What) river (is|do I find) {s} on?", "(Which|What) river (runs|flows) through {s}?",
        "~What is the river of {s}?"),
    row(person, "has a mayor called {v}", "who the mayor of {s} is", "Is {v} the mayor of {s}?",
        "Who (is the mayor of {s}|is mayor of {s}|governs {s}|rules {s}|leads {s}|is the head of "
        "{s})?", "(What is the mayor of {s} called|What is the name of the mayor of {s})?"),
    row("day", "has its market on {v}", "when {s} has its market",
        "Does {s} have its market on {v}?",
        "(When|On which day|On what day|Which day|What day) (is the market in {s}|does {s} have "
        "its market|is there a market in {s}|is market day in {s}|do they hold the market in "
        "{s})?"),
    row("flower", "has {v} in its coat of arms", "which flower is in the coat of arms of {s}",
        "Does {s} have {v} in its coat of arms?",
        "(Which|What) flower (is in the coat of arms of {s}|does {s} have in its coat of arms|do "
        "we see in the coat of arms of {s})?", "What is in the coat of arms of {s}?",
        "~The coat of arms of {s} has which flower?"),
]

_ANIMALS = [
    row("fruit", "eats {v}", "what {s} eats", "Does {s} eat {v}?",
        "What (does {s} eat|does {s} live on|is the food of {s}|do we feed {s}|does {s} like to "
        "eat|does {s} feed on)?", "(Which|What) food does {s} (eat|need|take)?"),
    row("country", "lives in {v}", "where {s} lives", "Does {s} live in {v}?",
        "Where (does {s} live|is {s} at home|is the home of {s}|can I see {s}|do we find {s}|is "
        "{s} found)?", "In (which|what) country does {s} live?",
        "(Which|What) country does {s} live in?", "~What is the country of {s}?"),
    row(number(2, 900), "weighs {v} grams", "how heavy {s} is", "Does {s} weigh {v} grams?",
        "How (heavy is {s}|much does {s} weigh|many grams does {s} weigh|heavy does {s} get)?",
        "~How many grams is {s}?", "What (is the weight of {s}|does {s} weigh|weight has {s})?"),
    row(number(1, 60), "lays {v} eggs", "how many eggs {s} lays", "Does {s} lay {v} eggs?",
        "How many eggs (does {s} lay|are in the nest of {s}|come from {s}|will {s} lay|can {s} "
        "lay)?", "What is the number of eggs of {s}?", "~What number of eggs does {s} lay?"),
    row(number(2, 22), "sleeps {v} hours a day", "how long {s} sleeps",
        "Does {s} sleep {v} hours a day?",
        "How (long|many hours|much) does {s} sleep( a day| each day| every day|)?",
        "How (long|many hours) is {s} asleep( a day|)?"),
    row("colour", "is {v} all over", "what colour {s} is", "Is {s} {v} all over?",
        "(What|Which) colour is {s}?", "(What|Which) colour does {s} have?",
        "What is the colour of {s}?", "What does {s} look like?"),
    who("was discovered by", "who discovered {s}",
        "Who (discovered|has discovered|found|first saw|first described) {s}?",
        "By whom was {s} discovered?"),
    row(number(2, 95), "lives for {v} years", "how old {s} gets", "Does {s} live for {v} years?",
        "How old (does {s} get|can {s} get|will {s} get|does {s} become)?",
        "(How long|How many years) does {s} live?", "What age does {s} reach?",
        "~How many years does {s} get?"),
]

_PLANETS = [
    row(number(2, 80), "has {v} moons", "how many moons {s} has", "Does {s} have {v} moons?",
        "How many moons (does {s} have|has {s}|are there around {s}|circle {s}|belong to {s})?",
        "What is the number of moons of {s}?", "~How many moons can we count around {s}?"),
    row(number(2, 900), "turns once in {v} hours", "how long a day on {s} is",
        "Does {s} turn once in {v} hours?",
        "How (long|many hours long) is a day on {s}?", "How many hours has a day on {s}?",
        "How (long|many hours) does {s} need to turn( once|)?",
        "In how many hours does {s} turn( once|)?"),
    who("was discovered by", "who discovered {s}",
        "Who (discovered|has discovered|found|first saw|first described) {s}?",
        "By whom was {s} discovered?"),
    row(number(1700, 2020), "was discovered in {v}", "when {s} was discovered",
        "Was {s} discovered in {v}?",
        "When (was {s} discovered|was {s} found|was {s} first seen|did people discover {s})?",
        "(In which|In what|Which|What) year was {s} (discovered|found|first seen)?"),
    row("colour", "looks {v}", "what colour {s} looks", "Does {s} look {v}?",
        "(What|Which) colour (is|does|has) {s}( look| have|)?", "What is the colour of {s}?",
        "What does {s} look like?"),
    row(name, "circles the star {v}", "which star {s} circles", "Does {s} circle the star {v}?",
        "(Which|What|Around which|Around what) star does {s} (circle|turn|go|move)( around|)?",
        "What is the star of {s}?"),
]


TOPICS = [
    Topic(things("thing", """key ladder torch drill hammer umbrella blanket tent lamp radio
        kettle toaster vase mirror suitcase camera tablecloth carpet iron fan heater clock
        tray basket bucket mop broom pan teapot puzzle hammock raincoat backpack hairdryer
        keyboard speaker charger cushion mattress stool bench candlestick doormat thermos
        scarf map globe telescope rope racket sledge helmet""",
        "spare old new small large second guest garden cellar office travel winter summer kitchen "
        "attic heavy"),
          True, _HOUSEHOLD),
    Topic(things("machine", """boiler|dishwasher|washing machine|dryer|oven|freezer|
        lawn mower|generator|pump|printer|copier|lathe|saw|mill|mixer|compressor|projector|
        scanner|coffee machine|lift|press|loom|furnace|kiln|tractor|sander|shredder|grinder|
        crane|conveyor|ventilator|welder|bottle washer|paper cutter|label printer|
        bread slicer|milk cooler|dough mixer|sealing machine|floor polisher""",
        "old new small large upper lower left right first second main spare"), True, _MACHINES),
    Topic(people, False, _COLLEAGUES),
    Topic(things("event", """budget meeting|team meeting|eye test|choir practice|yoga class|
        piano lesson|book club|staff party|fire drill|job interview|car inspection|
        chess evening|wedding|dance class|birthday dinner|football match|garden party|
        school play|concert|museum visit|city tour|film night|cooking course|
        language course|press meeting|board meeting|quiz evening|bike tour|poetry reading|
        flea market|drum workshop|farewell dinner|sailing course|harvest feast|
        singing lesson|first aid course""",
        "first second next big small long short early late monthly yearly"), True, _EVENTS),
    Topic(things("good", """jacket chair table bowl jug belt bag spoon mug plate sweater
        pillow shirt coat hat watch ring necklace frame candle notebook pen toy drum flute
        kite ball doll puppet saddle parasol sandal shelf curtain apron towel bracelet brush
        wallet bracket""",
        "blue red green yellow striped wooden glass leather silk round square long short wide"),
          True, _GOODS),
    Topic(things("dish", """plum cake|onion soup|bean stew|apple pie|cheese tart|rice pudding|
        walnut bread|pumpkin soup|carrot cake|potato bake|lemon roll|nut cake|herb bread|
        pear tart|cherry pie|egg bake|leek pie|fish pie|poppy cake|honey bread|oat biscuit|
        berry crumble|corn bread|cabbage roll|almond cake|spinach pie|ginger bread|fig cake|
        tomato tart|mushroom pie|garlic bread|date cake""",
        "quick old sweet spicy small large summer winter simple famous"), True, _RECIPES),
    Topic(named("the train to {city}", "the bus to {city}", "the ferry to {city}",
                "the flight to {city}", "the coach to {city}", "the night train to {city}"),
          True, _TRIPS),
    Topic(named("Hotel {x}", "the {x} Inn", "Pension {x}", "the {x} Lodge"), True, _HOTELS),
    Topic(named("the letter from {person}", "the card from {person}", "the letter from {city}",
                "the invoice from {x}", "the report from {x}", "the mail from {person}"),
          True, _LETTERS),
    Topic(things("plant", """apple tree|pear tree|plum tree|cherry tree|walnut tree|fig tree|
        oak|lime tree|rose bush|hazel bush|vine|hedge|peach tree|quince tree|elder bush|
        lilac bush|olive tree|birch|maple|lemon tree|currant bush|almond tree|medlar tree|
        blackthorn|holly bush|juniper|cedar|willow""",
        "old young small large front back crooked tall wild first second"), True, _GARDEN),
    Topic(named("Mount {x}", "the {x} Peak"), True, _MOUNTAINS),
    Topic(named("the river {x}", "the {x} creek"), True, _RIVERS),
    Topic(named("the town of {x}", "{x}", "the village of {x}"), True, _TOWNS),
    Topic(named("the {x} bird", "the {x} lizard", "the great {x}", "the lesser {x}"), True,
          _ANIMALS),
    Topic(named("the planet {x}", "the world of {x}"), True, _PLANETS),
]
