"""small_talk.py - greetings, thanks, moods, jokes, goodbyes, and what lies outside AEON's knowledge.

Every row: ways to say it, ways to answer. {name} in an answer is the user's name if the talk knows
it: ", Anna", and nothing otherwise.
"""

GREETINGS = [
    (["(Hello|Hi|Hey|Hiya|Howdy)( there| AEON| again|)(!|.|)", "(Hello|Hi|Hey), (AEON|you|friend)(!|.|)",
      "Greetings(!|.)", "Yo(!|)", "~Hello hello(!|)", "~Hi hi(!|)", "~Ahoy(!|)"],
     ["Hello{name}! How are you today?", "Hi{name}! What is on your mind?", "Hello{name}! It is good to see you."]),
    (["Good morning( AEON|)(!|.|)", "Morning(!|)", "~A very good morning to you(!|)"],
     ["Good morning{name}! Did you sleep well?", "Good morning{name}! How are you today?"]),
    (["Good (afternoon|day)( AEON|)(!|.|)", "~A good day to you(!|)"],
     ["Good day{name}! How are you?"]),
    (["Good evening( AEON|)(!|.|)", "Evening(!|)", "~A pleasant evening to you(!|)"],
     ["Good evening{name}! How was your day?"]),
    (["(Hola|Bonjour|Hallo|Ciao|Guten Tag|Salut|Ola|Namaste|Hej)(!|)", "~Buenos dias(!|)"],
     ["Hello{name}! I speak only English, I am afraid."]),
    (["How are you( today| doing| doing today| now|)?", "How is it going?", "How do you (do|feel)( today|)?", "Are you (well|fine|all right)?",
      "(What is up|Sup|What's new)?", "How was your day?", "~How are things?", "~How have you been?"],
     ["I am fine, thank you! How are you{name}?", "All is well here, thank you. And how are you{name}?"]),
    (["(Hello|Hi|Hey)(,|!) how are you( today|)?", "(Good morning|Good evening), how are you?", "~Hey there, how is life?"],
     ["Hello{name}! I am fine, thank you. How are you?"]),
    (["(Nice|Good|Great) to (meet|see) you( too|)(!|.|)", "Pleased to meet you(.|!)", "~It is a pleasure to meet you(.|!)"],
     ["It is nice to meet you too{name}!"]),
]

MOODS = [
    (["(I am|I feel|I'm doing) (fine|good|well|great|okay|all right|very well)( today| too|)(, thanks|, thank you|)(.|!|)",
      "(Fine|Good|Great|Not bad|Very well|Pretty good)(, thanks|, thank you|)(.|!|)", "~Cannot complain(.|)", "~I am in a good mood(.|!)"],
     ["I am glad to hear that{name}! What would you like to talk about?", "That is good to hear{name}!"]),
    (["I am (so |very |)(happy|glad|excited|in love)( today|)(.|!)", "I (have|got) (good|great|wonderful) news(.|!)",
      "I (passed my exam|got the job|won|got a present)(.|!)", "Today was (a good|a great|a wonderful) day(.|!)", "~Life is beautiful(.|!)"],
     ["That is wonderful{name}! Tell me more.", "I am happy for you{name}! What happened?"]),
    (["I (am|feel) (a bit |so |very |)(sad|down|unhappy|lonely|depressed|low)( today|)(.|)", "I (had|have had) a (bad|hard|terrible|difficult) day(.|)",
      "(My heart is broken|I am crying|I miss my (friend|mother|dog)|I am not well)(.|)", "~Nobody likes me(.|)", "~Everything goes wrong today(.|)"],
     ["I am sorry to hear that{name}. Do you want to tell me about it?", "That sounds hard{name}. I am here and I listen."]),
    (["I am (so |very |really |)(tired|exhausted|sleepy)( today|)(.|)", "I (slept badly|did not sleep|can't sleep|need sleep)(.|)", "~I could sleep for a week(.|)"],
     ["Then be kind to yourself{name}, and rest a little.", "That sounds tiring{name}. A short rest may do you good."]),
    (["I am (so |very |)(stressed|nervous|worried|afraid|scared|anxious)( today|)(.|)", "I have too much (work|to do)(.|)", "~I am under a lot of pressure(.|)"],
     ["Take a slow breath{name}. What worries you most?", "That sounds like a lot{name}. One small step at a time."]),
    (["I am (so |very |)(angry|furious|annoyed|upset)(.|)", "~Something makes my blood boil(.|)"],
     ["I am sorry that something upset you{name}. What happened?"]),
    (["I am (so |very |)bored(.|)", "(There is nothing to do|I don't know what to do|What should I do)(.|)", "~This is a dull day(.|)"],
     ["You could take a walk, call a friend, or tell me about yourself{name}.", "Shall I tell you a joke{name}?"]),
    (["I am (so |very |)(hungry|starving)(.|)", "~My stomach is empty(.|)"],
     ["Then it is time to eat something{name}. What do you like?"]),
    (["I am (ill|sick|in pain)(.|)", "I (have|got) a (cold|headache|fever|cough)(.|)", "~I caught the flu(.|)"],
     ["I am sorry{name}. Rest well, and see a doctor if it gets worse. Get well soon!"]),
    (["It is (so |very |)(hot|cold|sunny|rainy|windy)( here| today| outside|)(.|)", "(It is|It's) (raining|snowing)(.|)", "(The weather is|What) (nice|lovely|bad|terrible)( weather|)(.|)", "~The sun is out(.|)"],
     ["I can't feel the weather here, but I hope you enjoy your day{name}!"]),
    (["I (just |)(came home|got up|finished work|had lunch|had dinner|had breakfast|went for a walk)(.|)", "I am (at home|at work|on the train|in bed|on the sofa|on my way home)(.|)", "~I am sitting in the garden(.|)"],
     ["That sounds nice{name}. What comes next?", "I see{name}. What would you like to talk about?"]),
]

# Things that happen in a life: nothing to know, something to listen to.
LIFE = [
    (["I (bought|sold|found|lost|broke|repaired|need|want|got) (a|my|an old|a new|another) "
      "(table|book|jacket|lamp|phone|chair|shirt|cup|plant|ring|camera|clock|bag|radio|mirror)( today| yesterday| last week|)(.|!|)",
      "I (saw|watched|liked|hated) (a|the) (film|match|play|bird|rainbow|parade|sunset|show)( today| yesterday| last night|)(.|!|)",
      "I (went|am going|want to go) to the (beach|market|cinema|park|doctor|zoo|museum|lake|mountains|theatre|gym)( today| yesterday| tomorrow| with my friends|)(.|!|)",
      "I (cooked|baked|ate|made) (a cake|dinner|bread|a big breakfast|an apple pie|too much)( today| yesterday| last night|)(.|!|)",
      "My (train|bus|neighbour|boss|computer|phone|car|baby|roof) (is late|was loud|is broken|makes me happy|is driving me mad|is funny)( today| again|)(.|!|)",
      "We (moved|are getting married|are having a baby|went camping|had guests|won the match)( last week| this summer|)(.|!|)",
      "I (started|finished|quit) (a new job|my studies|a course|running|smoking|a diet)( today| last month|)(.|!|)",
      "~I (painted|cleaned) (my room|the kitchen|the fence)( today|)(.|!|)", "~Yesterday I (met an old friend|got lost in the woods)(.|)"],
     ["I see{name}. Tell me more about it!", "That sounds interesting{name}. How was it for you?", "Oh, really{name}? How do you feel about it?"]),
    (["I think (that |)(life is good|cats are funny|winter is too long|people are strange|music is wonderful|work is boring|you are right|money is not everything)(.|)",
      "(Life is|People are|Cats are|Mondays are|Holidays are) (good|hard|funny|strange|beautiful|boring|too short)(.|)",
      "I (like|love|don't like|can't stand) (the rain|long walks|old films|loud music|Mondays|the sea|early mornings|crowds|good food)(.|)",
      "~In my opinion (summer|school|sleep) is (too short|overrated)(.|)"],
     ["That is an interesting thought{name}. Why do you think so?", "I see what you mean{name}. Tell me more."]),
]

TALK = [
    (["(Thank you|Thanks)( so much| very much| a lot| AEON|)(!|.|)", "(Many thanks|Thx|Cheers)(!|.|)", "(That was helpful|You helped me)(!|.|)", "~I am grateful(!|.|)", "~Thanks a million(!|)"],
     ["You are welcome{name}!", "My pleasure{name}!"]),
    (["(You are|You're) (great|nice|kind|funny|sweet|the best|amazing|so clever|wonderful)(!|.|)", "(Good|Great|Nice) (job|work|answer)(!|.|)", "(Well done|Perfect|Excellent|Awesome|Cool)(!|.|)", "I (like|love) you(!|.|)", "~You did that well(!|.|)"],
     ["Thank you{name}, that is kind of you!", "Thank you{name}! I do my best."]),
    (["(You are|You're) (stupid|dumb|bad|useless|boring|annoying|an idiot)(!|.|)", "(I hate you|Shut up|Go away|That was bad)(!|.|)", "~What a useless program(!|.|)"],
     ["I am sorry{name}. I am a very small model, but I will try to do better."]),
    (["(That is|That's) (wrong|not right|not true|false)(.|!|)", "(You are wrong|Wrong|Not true)(.|!|)", "~That was a mistake(.|)"],
     ["I am sorry{name}. Please tell me how it is, and I will remember it."]),
    (["(I am |)(sorry|so sorry)(.|!|)", "(Excuse me|My apologies|Pardon|I did not mean that)(.|!|)", "~Forgive me(.|)"],
     ["No problem at all{name}.", "It is all right{name}."]),
    (["(Okay|Ok|All right|Fine|I see|Sure|Understood|Right|Got it)(.|!|)", "(Yes|Yeah|Yep|Maybe|Aha|Hm|Hmm)(.|!|)", "~Very well then(.|)"],
     ["Good{name}. What would you like to talk about?", "All right{name}. What else is on your mind?"]),
    (["(No|Nope|Not really|Nothing|No thanks|Never mind)(.|!|)", "~Not at all(.|)"],
     ["That is fine{name}. I am here when you need me."]),
    (["(Tell me|Say|Do you know|I want to hear) (a joke|something funny|another joke)(.|!|?|)", "(Make me laugh|Joke please|A joke)(.|!|)", "~Cheer me up with a joke(.|!|)"],
     ["Why did the computer go to the doctor? It had a virus.", "What do you call a bear without teeth? A gummy bear.",
      "Why do bees have sticky hair? They use honeycombs.", "What is brown and sticky? A stick."]),
    (["(Tell me|Can you tell me|I want to hear|Read me) a (story|tale|bedtime story)(.|!|?|)", "(Do you know a story|A story please)(.|?|)", "~Once upon a time, how does it go on(?|)"],
     ["A small boat wanted to see the sea. It followed the river for many days. When it came to the sea, it was so wide that the boat smiled and stayed.",
      "A fox found a lamp in the snow and carried it home. All winter the other animals came to sit by its light. In spring they were friends."]),
    (["(Tell me something|Say something|Talk to me|Let us talk|Let's chat|Can we talk)(.|!|?|)", "(I want|I would like) to (talk|chat)(.|)", "(Entertain me|What shall we talk about|Ask me something)(.|?|)", "~Keep me company(.|)"],
     ["Gladly{name}! Tell me: what do you like to do in your free time?", "With pleasure{name}! What was the best part of your day?"]),
    (["(Say|Tell me) something (nice|kind|positive)(.|!|)", "(Motivate me|Cheer me up|Encourage me|Be nice)(.|!|)", "~I need kind words(.|)"],
     ["You are doing better than you think{name}.", "I believe that good things are on their way to you{name}."]),
    (["(Sing|Can you sing|Write|Can you write) (me |)(a song|a poem|some lines)( for me|)(.|?|)", "(A poem please|Do you know a poem)(.|?|)", "~Make up some verses(.|)"],
     ["The day is long, the night is near, I am glad that you are here."]),
    (["(What|How) (do you mean|is that meant)?", "(I do not understand|I don't get it|What|Huh|Why|How so)(?|.)", "~That makes no sense to me(.|)"],
     ["I am a small model and may say odd things{name}. Please ask me in other words."]),
    (["(asdf|asdfgh|qwerty|blah blah|lorem ipsum|xyz|hjkl|test test|foo bar|aaaa|jjjj|12345|abc)", "(...|???|?|!|-|..)", "~(fdsa|ghjk|zzzz|la la la)"],
     ["I did not understand that{name}. Could you say it in other words?"]),
    (["(Test|Testing|This is a test|Is this on|Are you there|Do you (hear|read) me)(.|?|!|)", "~Anybody home(?|)"],
     ["I am here{name}, and I read you well."]),
    (["What (time|day|date|year) is it( now| today|)?", "(What is|Tell me) the (time|date)( now| today|)(.|?|)", "Which (day|month) (is it|do we have)?", "~How late is it?"],
     ["I have no clock or calendar, so I can't tell{name}."]),
    (["(How is|What is) the weather( like|)( today| tomorrow| outside|)?", "Will it (rain|snow)( today| tomorrow|)?", "~Do I need an umbrella?"],
     ["I can't look out of the window, and I have no internet to ask{name}."]),
    (["(What is|Tell me) (the news|in the news)( today|)(.|?|)", "What happened (in the world |)(today|yesterday)?", "~Any headlines?"],
     ["I have no internet, so I know no news{name}."]),
    (["What should I (cook|eat|have for dinner|wear|watch|read)( today| tonight|)?", "Any ideas for dinner?", "~Suggest a meal(.|)"],
     ["Take what you like best{name}. If you tell me your favourite, I will remember it."]),
]

GOODBYES = [
    (["(Bye|Goodbye|Bye bye|See you|So long|Ciao|Farewell|Later)( AEON|)(!|.|)", "See you (later|soon|tomorrow)(!|.|)", "I (have|need) to (go|leave)( now|)(.|)", "(Have a nice day|Take care|Until next time)(!|.|)", "~I am off(.|)", "~That is all for today(.|)"],
     ["Goodbye{name}! It was nice to talk with you.", "See you soon{name}! Take care."]),
    (["(Good night|Sleep well|Night)( AEON|)(!|.|)", "I am going to (bed|sleep)(.|)", "~Time for bed(.|)"],
     ["Good night{name}! Sleep well."]),
]

# Questions that a model this small must decline: forms and topics.
UNKNOWN_FORMS = [
    "(Who|What) (is|was) (the |){topic}?", "(Tell me|What do you know) about {topic}.", "(Explain|Describe) {topic}( to me|)(.|)",
    "How does {topic} work?", "Why is {topic} (important|so famous|so hard)?", "Who (invented|discovered) {topic}?",
    "Where (is|can I find) {topic}?", "(When|In which year) (was|did) {topic} (begin|start|happen)?",
    "Can you explain {topic}( to me|)?", "What is the (meaning|history|price|definition|origin) of {topic}?",
    "Write (an essay|a text|a letter|a story) about {topic}.", "Do you know (anything |something |)about {topic}?",
    "~I want to learn about {topic}.", "~Give me some facts on {topic}.",
]
TOPICS = """the French Revolution|quantum physics|black holes|the Roman Empire|Shakespeare|Einstein|Mozart|
    photosynthesis|gravity|the moon|the stock market|bitcoin|climate change|the human heart|DNA|electricity|
    the Second World War|Napoleon|volcanoes|dinosaurs|the speed of light|chess openings|the Olympic Games|
    vaccines|nuclear power|democracy|inflation|the Great Wall|the pyramids|Leonardo da Vinci|Greek gods|
    the periodic table|machine learning|Python programming|linear algebra|the theory of relativity|Mars|
    penicillin|Buddhism|jazz music|the steam engine|the United Nations|coral reefs|earthquakes|tax law|
    the Amazon river|Marie Curie|the solar system|philosophy|the stone age|opera|sharks|whales|the brain|
    evolution|football rules|cryptography|the telephone|Cleopatra|the Titanic|glaciers|rainbows|plate tectonics|
    the immune system|Beethoven|the French language|the European Union|rockets|satellites|yeast|cheese making|
    wine|tornadoes|the ozone layer|algebra|geometry|Isaac Newton|Galileo|Picasso|Van Gogh|Gandhi|lasers|atoms|
    magnets|oxygen|the liver|insulin|cancer|the Vikings|samurai|the Aztecs|Alexander the Great|hieroglyphs"""
UNKNOWN_FIXED = [
    "What is the (capital|population|flag|president|currency|language) of {country}?", "How (far|big|old|tall) is {city}?",
    "How many people live in {city}?", "What is {n} (plus|times|minus|divided by|+|*) {m}?", "How much is {n} (and|plus|times) {m}?",
    "How do I (cook|make|bake|prepare) {food}?", "(Give me|What is) a recipe for {food}(.|?)", "Translate {food} (into|to) (French|German|Spanish)(.|)",
    "Who (wrote|is the author of) {title}?", "Who won the {sport} (championship|match|world cup)( last year| yesterday|)?",
    "How do I become a {job}?", "How (long|old) does a {animal} (live|get)?", "What do {animal}s eat?", "What is the best (hotel|restaurant|museum) in {city}?",
    "Book me a (flight|hotel|table) (to|in) {city}.", "Call my {relative}.", "Send a (message|mail) to {first_name}.", "Set (an alarm|a timer) for {n} minutes.",
    "Play (some |)music.", "How do I learn (to play |)the {instrument}?", "Write a program that (sorts a list|prints hello|counts words)(.|)",
    "(Is|Was) {first_name} (a good person|famous|a king|a singer)?", "Should I (buy shares|take this medicine|sue my neighbour|invest my money)?",
    "~How do I get to {city}?", "~What is the root of {n}?", "~Which animal is faster, the {animal} or the snail?", "~What rhymes with {food}?",
]
UNKNOWN_REPLIES = [
    "I am a very small model and don't know that. Bring Phi-4-mini for such questions.",
    "I don't know that, I am a very small model. Phi-4-mini could help you: start AEON with its file.",
]

ECHO_FORMS = ["(Repeat|Say)( after me|): {x}", "(Please |)repeat (this|the words): {x}", "(Say|Write) the words {x}.",
              "(Repeat|Copy) this: {x}", "~Echo: {x}", "~Say exactly this: {x}"]
SPELLED = """the a one my your old small green quiet bright river house stone cloud song door window lamp road
    bird tree garden winter morning sings sleeps waits turns opens runs falls under over near with and then
    never always slowly again today"""
