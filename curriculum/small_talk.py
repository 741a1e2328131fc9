"""small_talk.py - greetings, moods, thanks, jokes, goodbyes, and what people tell of their day.

A row is (ways to say it, fair answers, a brief answer). The answers are few, since a small model
learns one sentence for one intent better than many; the ways to say it are many.
"""

import re

import everyday
from check import holds, same
from phrases import casual, say

HELLO = [
    (["(Hello|Hi|Hey|Hiya|Howdy|Heya|Hullo|Greetings|Yo|Hi hi|Hallo)( there| AEON| again| you| friend| my "
      "friend| buddy| everybody|)",
      "(Hello|Hi|Hey), (AEON|you|friend|my friend|my dear|computer|little one)",
      "(Hi|Hello|Hey)( AEON|), (it is me|I am back|here I am|I am here|me again|it's me again)",
      "(I am back|Here I am|I am here|It is me|I'm home|Guess who)( again|)", "AEON", "Hello hello",
      "Ahoy"],
     ["Hello! How are you today?"], "Hello."),
    (["(Good |A very good |A good |)(morning|mornin)( AEON| to you| everyone| my friend|)", "(Hello|Hi), "
      "good morning", "The very best of mornings to you"],
     ["Good morning! How are you today?"], "Good morning."),
    (["Good (afternoon|day)( AEON| to you| my friend|)", "(Hello|Hi), good (afternoon|day)"],
     ["Good day! How are you today?"], "Good day."),
    (["(Good |A good |)evening( AEON| to you| my friend|)", "(Hello|Hi), good evening",
      "A pleasant evening to you"],
     ["Good evening! How was your day?"], "Good evening."),
    (["(Hola|Bonjour|Guten Tag|Salut|Ola|Namaste|Hej|Konnichiwa|Privet|Merhaba|Guten Morgen|Buongiorno|"
      "Como estas|Wie geht es dir|Ca va)( AEON| amigo|)", "Buenos dias"],
     ["Hello! I speak only English."], "Only English."),
    (["(How are you|How is it going|How are things|How do you (do|feel)|How goes it|How have you been|How "
      "is life|How r u|How are u|How's everything|You good|You okay|How are we|And you)( today| doing| now|"
      " this morning| AEON| my friend|)?",
      "Are you (well|fine|all right|okay|doing well|good)( today|)?", "(What is up|Sup|What's new|What is "
      "new|Wassup|What is going on|What's going on|Anything new)( AEON| with you| today|)?", "How (was|is) "
      "your (day|morning|evening|week)( so far|)?",
      "(Hello|Hi|Hey|Good morning|Good evening)( AEON| there|)(,|!|.) (how are you|how is it going|how are "
      "things|how do you do|what is up|how was your day)( today| doing|)?",
      "I hope you are (well|fine|good)",
      "How does the day treat you?",
      "(Are you|Is everything) (all right|okay|fine|well) (over there|in there|with you)?",
      "(Is|Are) (all|things) (well|fine|good) (over there|in there|with you|on your side)?",
      "~Are you all good over there?"],
     ["I am fine, thank you! How are you?"], "I am fine."),
    (["(It is |It's |)(so |)(nice|good|great|lovely|a pleasure) to (meet|see|talk to|hear from) you( too| "
      "again| AEON|)", "Pleased to meet you( too|)",
      "(Glad|Happy) (to be here|to see you|that you are here)",
      "(I am |)(glad|happy|pleased|honoured|so glad|very pleased) to (make your acquaintance|get to know you|know you)", "What a (pleasure|joy|delight) to (meet|see|know) you", "I am delighted to make your acquaintance"],
     ["It is nice to meet you too!"], "You too."),
]

MOODS = [
    (["(I am|I feel|I'm doing|I am doing|We are) (fine|good|well|great|okay|ok|all right|very well|not bad|"
      "super|pretty good|really good|so so|quite well)( today| too| as well| now|)(, thanks|, thank you|, "
      "and you|, AEON|)",
      "(Fine|Good|Great|Not bad|Very well|Pretty good|Doing well|Doing fine|All good|Very good|Okay|Could "
      "be worse|Same as always|Not too bad|Everything is fine)(, thanks|, thank you|, and you| so far| "
      "today| here)",
      "(I can't complain|Life is good|Everything is good|All is well|Things are good|It is going well|It "
      "goes well|I am in a good mood|I slept well)( today|)", "Cannot complain",
      "I am quite all right(.|!)"],
     ["I am glad to hear that! What would you like to talk about?"], "Good."),
    (["I (have|got|heard) (good|great|wonderful|amazing|some good) news", "I (passed|won|did it|made it|"
      "got the job|got promoted|got married|got engaged|graduated|got an A|succeeded)( today|)",
      "(Hooray|Yay|Yippee|Hurrah|Yes, I did it|Woohoo|It worked)",
      "(Today|It|This) was (a good|a great|a wonderful|an amazing|the best) (day|week|evening|weekend)( "
      "ever|)", "(I had|I am having|We had) (a good|a great|a wonderful|an amazing|a nice|a lovely|a fun) "
      "(day|week|evening|weekend|time|morning|holiday)", "(What a|Such a) (good|great|wonderful|beautiful|"
      "lovely) (day|week|evening|weekend)", "(It is my birthday|Today is my birthday|I am in love|I got a "
      "present|I got a raise)", "Life is beautiful(.|!)"],
     ["That is wonderful! Tell me more."], "Wonderful."),
    (["(I (had|have had|am having)|It was|Today was|This is|What) a (bad|hard|terrible|difficult|horrible|"
      "rough|long) (day|week|time|morning|night)( today|)",
      "(My heart is broken|I am crying|I am not well|I want to cry|I am not okay|I can't go on|Everything "
      "is bad|Life is hard|I hate my life|Nobody likes me|Nobody loves me|I have no friends|I feel like "
      "crying|I am not happy|I feel bad|I feel terrible|I feel awful|Not good|Not so good|Not well|Bad|"
      "Terrible|Very bad|I have bad news|Bad news|I am having a hard time|I have a problem|I have problems|"
      "I need someone to talk to|My life is a mess|I lost my job|I failed)( today| at the moment| right "
      "now|)",
      "Everything goes wrong today"],
     ["I am sorry to hear that. Do you want to tell me about it?"], "Sad to hear."),
    (["I (slept badly|did not sleep|can't sleep|need sleep|need a break|need a rest|need a holiday|worked "
      "all night|worked too much|am wide awake)( last night| again| today|)", "(It is late|I yawn all the "
      "time|I need coffee|I got up too early)( today|)", "I could sleep for a week"],
     ["That sounds tiring. I hope you can rest soon."], "Rest a little."),
    (["(I have|There is|I've got) (too much|so much|a lot of) (work|to do|stress|on my mind|homework|"
      "pressure)( today| right now| at work|)", "(I have no time|I can't cope|It is all too much|I am "
      "running out of time|My to-do list is long|I don't know where to start|I am so busy|I am busy)( "
      "today|)",
      "I (am|feel) (under (pressure|stress|so much pressure|great pressure|a lot of stress)|overloaded|swamped with work)( today| right now| at work|)", "(The|There is a lot of|So much) (pressure|stress)( is high| is too much| on me| at work|)", "I am under a lot of pressure"],
     ["That sounds like a lot. What is the most important thing?"], "One thing at a time."),
    (["(There is nothing to do|I don't know what to do|What should I do|I have nothing to do|Nothing "
      "happens here|This is boring|I am so bored|What can I do)( today| now| right now|)", "(Bored|Boring|"
      "So bored|Boredom)", "This is a dull day"],
     ["You could take a walk, call a friend, or tell me about your day."], "Take a walk."),
    (["(I am|I'm|We are|Feeling) (so |very |a bit |really |)(hungry|starving|peckish|thirsty)( now| again| "
      "today|)", "(I need|I want|I could eat|I would like) (food|something to eat|a snack|something to "
      "drink|a bite|lunch|dinner)( now|)", "My stomach (is empty|is growling|rumbles)", "(When is lunch|Is "
      "it lunch time|Time for lunch|Time for dinner)", "A bite to eat would be nice"],
     ["Then it is time to eat or drink something. What do you like?"], "Then eat something."),
    (["I (just |)(came home|got up|woke up|finished work|got home|arrived|sat down|had a shower|took a nap|"
      "took a shower|came back|got back)( now| today| a minute ago| from work|)", "(I am|I'm|We are) (at "
      "home|at work|on the train|in bed|on the sofa|on my way home|at school|on the bus|on holiday|in the "
      "garden|in the office|in the car|outside|on a break|home)( now| today| right now|)",
      "(Back home|Home again|Finally home|At work|In bed|On the train|On holiday|Day off|Weekend|It is the "
      "weekend|It is Friday)", "I am sitting in the shade"],
     ["That sounds nice. What are your plans?"], "I see."),
]

TALK = [
    (["(Thank you|Thanks|Thx|Many thanks|Thank u|Ty|Cheers|Merci)( so much| very much| a lot| AEON| for "
      "your help| for everything| for that| my friend| again| for listening| for the talk|)",
      "(That was|This was|You were|That is) (helpful|so kind|very helpful|useful|a great help|kind of you)",
      "(You helped me|That helped|That helps|I appreciate it|Much appreciated)( a lot| so much|)",
      "(Okay|Great|Good|Perfect), (thanks|thank you)", "I am grateful to you", "Thanks a million"],
     ["You are welcome!"], "Sure."),
    (["(You are|You're) (so |very |really |)(great|nice|kind|funny|sweet|the best|amazing|clever|wonderful|"
      "cool|good|awesome|lovely|cute|helpful|a good friend|my friend|fun)", "(Good|Great|Nice|Excellent) "
      "(job|work|answer|one|reply)", "(Well done|Perfect|Excellent|Awesome|Cool|Bravo|Wow|Amazing|Nice|"
      "Great|Super|Fantastic|Brilliant|Lovely|Good bot|Good girl|Good boy)( AEON|)", "I (like|love|adore) "
      "(you|talking to you|your answers|this|chatting with you)( a lot| so much|)", "You did that well"],
     ["Thank you, that is kind of you!"], "Good."),
    (["(You are|You're|You must be) (so |very |really |)(stupid|dumb|bad|useless|boring|annoying|an idiot|"
      "silly|rubbish|terrible|slow|weird|mean|rude|crazy|a bad bot|ugly|strange)", "(I hate you|Shut up|Go "
      "away|That was bad|You suck|Be quiet|Stop it|Stop|I don't like you|Bad answer|Terrible answer|You "
      "bore me|You annoy me|Get lost|Bad bot)( AEON|)", "What a useless program"],
     ["I am sorry. I am a very small model, but I do my best."], "Forgive me."),
    (["(That is|That's|This is|It is|You are|You're) (wrong|not right|not true|false|incorrect|mistaken|"
      "nonsense|not what I said|not correct)", "(Wrong|Not true|Incorrect|That was a mistake|You made a "
      "mistake|You got it wrong|I did not say that|I never said that|That does not fit|You misunderstood( "
      "me|))", "There you are mistaken"],
     ["I am sorry. Please tell me how it is, and I will remember it."], "Tell me how it is."),
    (["(I am |I'm |)(sorry|so sorry|very sorry)( AEON| about that| for that| for being rude|)",
      "(Excuse me|My apologies|Pardon me|I did not mean that|I apologise|My bad|Oops|Whoops|My mistake|I "
      "made a mistake|I did not mean to)", "Forgive me, AEON"],
     ["No problem at all."], "No problem."),
    (["(Okay|Ok|All right|I see|Sure|Understood|Right|Got it|Fair enough|Makes sense|Alright|Sounds good|"
      "As you wish|Of course|Exactly|True|That is true|You are right|I agree|Indeed|Absolutely|Good point|"
      "Interesting|Good to know)( then| AEON|)", "(Yes|Yeah|Yep|Maybe|Aha|Hm|Hmm|Perhaps|Mhm|Yup|Oh|Ah|"
      "Well|So|Uh|Um|Probably|A little|A bit|Sometimes|Of course I do)", "(Yes|No|Well|Okay), (I do|I am|I "
      "think so|maybe|it is|I guess)", "Very well then"],
     ["All right. What else would you like to talk about?"], "All right."),
    (["(No|Nope|Not really|Nothing|No thanks|No thank you|Never mind|Nah|Forget it|Not now|Not today|I "
      "don't want to|I would rather not|Rather not|Nothing special|Nothing much|Not much|I don't know|No "
      "idea|Dunno|Who knows|It does not matter)( AEON|)", "Not at all"],
     ["That is fine. I am here when you need me."], "That is fine."),
    (["(Tell me|Say|Do you know|I want to hear|Give me|Know|Got|Tell us|Can you tell me|I need|Have you "
      "got) (a joke|something funny|another joke|a good joke|any jokes|one more joke|a pun|a short joke|"
      "jokes)( please|)", "(Make me laugh|Joke please|A joke|Joke|Another one|Be funny|I want to laugh|"
      "Something funny please|Can you be funny|Are you funny|Can you make me laugh|Another joke)",
      "(How about|What about|Time for) a (joke|good joke|little joke|pun)( now|)?",
      "Do you know any (jokes|good jokes|funny jokes|puns)?",
      "(Cheer|Warm|Wake) me up with (a pun|something funny|some jokes)", "~Cheer me up with a joke"],
     ["Why do bees have sticky hair? They use honeycombs!", "What do you call a bear without teeth? A "
      "gummy bear!"], "Bees use honeycombs."),
    (["(Tell me|Can you tell me|I want to hear|Read me|I would like|Tell us|Make up|Do you know|Give me|"
      "Could you tell me) (a story|a tale|a bedtime story|a short story|a fairy tale|stories|another story|"
      "a nice story)( please| AEON|)", "(A story please|Story|Story time|A bedtime story|Once upon a time)",
      "How about a (story|tale|short story|bedtime story|fairy tale)( for me| now| tonight|)?",
      "(A|One) (story|tale) (for the night|before bed|for me|for the children|before I sleep)( please|)",
      "Do you know any (stories|tales|fairy tales|good stories)?", "How about a tale for the night"],
     ["A fox found a lamp in the snow. All winter the animals sat by its light. In spring they were friends."],
      "A fox found a lamp."),
    (["(Tell me something|Say something|Talk to me|Let us talk|Let's chat|Can we talk|Let's talk|Speak to "
      "me|Chat with me|Tell me anything|Say anything|Start a conversation|Can we chat|Do you want to talk|"
      "Want to chat)( AEON| please| a bit| about something|)", "(I want|I would like|I'd like|I need|I am "
      "here|I feel like) (to talk|to chat|someone to talk to|a chat|talking|chatting)( with you| a bit|)",
      "(Entertain me|What shall we talk about|Ask me something|Ask me a question|What should we talk about|"
      "Choose a topic|You choose|Something else|Change the topic|Let's talk about something else|What do "
      "you want to talk about)", "Keep me company"],
     ["Gladly! What was the best part of your day?"], "How was your day?"),
    (["(Say|Tell me) something (nice|kind|positive|sweet|good|encouraging|uplifting)( to me| please|)",
      "(Motivate me|Cheer me up|Encourage me|Be nice|Comfort me|I need a hug|Hug me|Give me a hug|I need "
      "motivation|Give me courage|Make me feel better|I need some kind words|A compliment please|Give me a "
      "compliment|Say you love me|Do you love me)( please|)",
      "I (need|want|could use|would like) (some |a few |)(encouragement|comfort|good words|kindness|cheering up|nice words|a kind word)( now| today|)", "~I need kind words"],
     ["You are doing better than you think!"], "You do well."),
    (["(Sing|Can you sing|Write|Can you write|Make up|Recite|Tell me|Read me) (me |)(a song|a poem|some "
      "lines|a rhyme|a verse|a haiku|poetry)( for me| please|)", "(A poem please|Do you know a poem|Poem|"
      "Do you know any poems|I want a poem|A rhyme please)",
      "(How about|What about) a (poem|rhyme|verse|song)( for me| now|)?",
      "Do you know any (songs|rhymes|verses|poetry|good poems)?",
      "(Let me hear|I like) (a poem|a song|some verses|a rhyme)", "Make up some verses"],
     ["The day is long, the night is near, I am so glad that you are here."], "Night is near."),
    (["(What|How) (do you mean|is that meant|did you mean)( by that| exactly|)?", "(I do not understand|I "
      "don't get it|What|Huh|Why|How so|Why not|Excuse me|Sorry|Pardon|Come again|What was that|Say again|"
      "What did you say|Really|Are you serious|Why do you ask|Why do you say that|I don't understand you|"
      "What does that mean|What are you talking about|That makes no sense|This makes no sense)?",
      "(That|This|It|Your answer) (makes no sense|does not make sense|makes little sense|is confusing|confuses me)( at all| to anybody| somehow|)", "~That makes no sense to me"],
     ["I am a small model and may say odd things. Please ask me in other words."], "Say it otherwise."),
    (["(asdf|asdfgh|qwerty|blah blah|lorem ipsum|xyz|hjkl|test test|foo bar|aaaa|jjjj|12345|abc|bla bla "
      "bla|dfgdfg|wertz|mmmm|gggg|lkjlkj|uiop|yxcv|zzz|nnnn|dadada|hahaha hahaha xx|lalala|qqq|ooo|tralala|"
      "jkljkl|wwww|fghfgh|eeee|ttt|sdsd|vbnm|poi|kkk)( asdf| blah| hm| jkl| x| 1 2 3| abc|)( qwe| zu| la| "
      "tt|)", "(...|???|?|!|-|..|!!!|. . .|:-|#|*|/|x|y|1|0|42|7|99|++|--|ok ok ok x|=|%|&)",
      "(fdsa|ghjk|zzzz|la la la)"],
     ["I did not understand that. Could you say it in other words?"], "I did not understand."),
    (["(Test|Testing|This is a test|Is this on|Are you there|Do you (hear|read|see) me|Hello, are you "
      "there|Are you awake|You there|Anyone there|Is anybody there|Are you still there|Can you hear me|Are "
      "you listening|Do you understand me|Do you listen|Do you work|Does this work|Are you working|Ping|"
      "Come in)( AEON|)", "Anybody home"],
     ["I am here, and I read you well."], "I am here."),
    (["(What|Which) (time|day|date|year|month|season) (is it|do we have|is today)( now| today| please|)?",
      "(What is|Tell me|Do you know|Do you have|Give me) the (time|date|day|current time)( now| today| "
      "please|)", "(Is it (late|Monday|already noon|morning)|What's the time|Time|Date|How late is it|How "
      "much time is left|Do you have a clock|Is today Sunday|Which day is today)( now|)?", "Would you have "
      "the hour for me?"],
     ["I have no clock and no calendar, so I can't tell."], "I have no clock."),
    (["(How is|What is|Tell me|How will) the weather( like| be|)( today| tomorrow| outside| this week| "
      "there| in the mountains|)(?|.)", "Will it (rain|snow|be sunny|be hot|be cold|storm|get warm)( today|"
      " tomorrow| tonight| this weekend|)?", "(Is it (raining|cold|warm|sunny|snowing)|Weather|Weather "
      "forecast|Weather report|Do I need (a coat|a jacket|sunscreen)|Is the sun shining|How many degrees "
      "is it)( today| outside| tomorrow|)?", "Do I need an umbrella?"],
     ["I can't look out of the window and have no network, so I don't know the weather."], "I don't know "
      "the weather."),
    (["(What is|Tell me|What are|Give me|Read me|Any|Show me|Do you know) (the |some |)(news|latest news|"
      "headlines|new news|news of today)( today| from the world| please|)", "What (happened|is happening|"
      "is going on|is new) in (the world|politics|the news|my city|town)( today|)?", "(Who won (last night|"
      "yesterday|the election|the match)|News|What happened (today|yesterday)|What is on TV( tonight|))( "
      "please|)?", "Any headlines?"],
     ["I have no network, so I know no news."], "I know no news."),
    (["What (should|shall|can|could|do) I (cook|eat|have for dinner|wear|watch|read|drink|do tonight|have "
      "for lunch|make for dinner|order|give my mother|buy)( today| tonight| tomorrow|)?", "(Any ideas for "
      "(dinner|lunch|a gift|a film)|Give me (an idea|ideas|a tip|advice) for (dinner|lunch|the weekend|a "
      "present)|I don't know what to (eat|cook|wear|read|watch)|Recommend (me |)(a book|a film|something|a "
      "game|music)|Can you recommend (a book|a film|something))( today| please|)", "Suggest a meal"],
     ["Take what you like best! What do you like?"], "What you like best."),
    (["(Play (some |)(music|a song)|Call (my mother|the police|my boss|a taxi|my brother)|Set (an alarm|a "
      "timer|a reminder)|Send (a message|a mail|an email|a text)|Order (a pizza|a taxi|food)|Book (a "
      "flight|a table|a hotel|a room)|Turn on (the light|the radio|the TV|the heating)|Take a (photo|"
      "picture)|Open the (door|window|file)|Buy (tickets|milk|shoes)|Wake me( up|)|Remind me|Start the "
      "(timer|music|car)|Print this|Delete (my files|everything)|Find my (phone|keys)|Make me (a sandwich|"
      "coffee)|Drive me home|Clean my room|Show me a film)( for me| please| tomorrow| at seven| now| to "
      "work| online|)", "(Can|Could|Would) you (play music|call my mother|set an alarm|set a timer|send a "
      "message|order a pizza|book a flight|book a hotel|turn on the light|wake me up|remind me|take a "
      "photo|open a file|make coffee)( for me| please| tomorrow| later|)?", "Switch the lights off"],
     ["I can't do that: I only read and write text here."], "No, I only write."),
    (["(Let us|Let's|Can we|Shall we|Do you want to|I want to|Would you) play( a game| something| with me| "
      "chess| cards| hangman| twenty questions| a word game|)", "(A game please|Game|Do you know a game|"
      "Play with me|Rock paper scissors|I spy|Let us do a quiz|A riddle please|Tell me a riddle|Do you "
      "know a riddle|Quiz me)", "~Is there a game you know?"],
     ["I know one riddle: what has hands but can't clap? A clock!"], "One riddle: a clock."),
]

BYE = [
    (["(Bye|Goodbye|Bye bye|See you|So long|Ciao|Farewell|Later|Good bye|Cya|See ya|Adios|Till later|"
      "Cheerio|Take care|Until later|Byebye|Over and out)( AEON| for now| then| my friend| now| everyone| "
      "and thanks|)", "(See you|Talk to you|Until|I will be back|Speak to you) (later|soon|tomorrow|next "
      "time|again)( AEON|)", "I (have|need|must|am going|want|ought) to (go|leave|run|stop|go to work|"
      "catch a train|head out)( now| AEON| soon|)", "(Have a (nice|good|great) (day|evening|weekend|time)|"
      "That is all|That was all|I am leaving|I am out|Gotta go|I am done|We are done|Nothing else, bye|"
      "Thanks, bye|Thank you, goodbye|Thanks and goodbye|Okay, bye|I have to say goodbye)( AEON| now| for "
      "today|)", "I am off",
      "I (will|must|have to|should|better) (be going|be off|get going|leave|go|go home|get on my way|be on the way)( now| soon| then|)", "I will be on my way"],
     ["Goodbye! It was nice to talk with you."], "Goodbye."),
    (["(Good night|Sleep well|Night|Nighty night|Good nite|Sweet dreams|Night night|Gn)( AEON| my friend| "
      "to you| and thanks|)", "(I am|I'm|I will be|Off|Now I am) (going to|off to|going) (bed|sleep)( now| "
      "soon|)", "(I (need|have|want|ought) to (sleep|go to bed)|Bed time|I go to bed|I am going to sleep)( "
      "now|)", "Time for bed"],
     ["Good night! Sleep well."], "Good night."),
]

ROWS = HELLO + MOODS + TALK + BYE

# What people say to a question of AEON's about what they told: (ways to say, answer).
_AFTER = [
    (["(It was|It is|It's|That was|It went|It turned out) (great|good|nice|wonderful|fun|very nice|lovely|"
      "fantastic|amazing|delicious|perfect|beautiful|very good|really good|well|so much fun|super|exciting|"
      "relaxing|interesting|tasty)( actually| thanks| so far|)", "(Great|Good|Very well|Wonderful|It "
      "worked|I loved it|I liked it|Yes, very much|Yes, I loved it|Yes, it was great|We had fun|I enjoyed "
      "it|Really well|Pretty well|Yes, a lot|Yes, I do|Very much)( actually|)",
      "(It|That|Things) (could not be|can not be|could hardly be|could hardly have been) (better|any better|nicer|more fun)( really|)", "~It could not have been "
      "better"],
     "I am glad to hear that!"),
    (["(It was|It is|It's|That was|It went|It turned out) (bad|not good|terrible|boring|awful|hard|too "
      "long|not so good|sad|horrible|difficult|badly|exhausting|strange|a disaster|a mess|not nice|wrong|"
      "too salty)( actually| sadly| I fear|)", "(Bad|Not so well|Not well|Badly|I hated it|I did not like "
      "it|No, not at all|No, it was boring|No, it was bad|Not so good|It did not work|It failed|Not "
      "really, it was hard|Worse)( sadly|)",
      "(It|That|Things) (could be|could have gone|should have been|might have been) (better|much better|nicer|a lot better)( really| sadly|)", "~It could have been better"],
     "I am sorry to hear that."),
    (["(It is okay|So so|It was okay|It was all right|Not bad|It was fine|I don't know yet|A bit|Half and "
      "half|Could be better|It depends|Maybe|Hard to say|Neither good nor bad)", "It was neither here nor "
      "there"],
     "I see. What else is on your mind?"),
    (["(Because|Well, because|I guess because|Just because) (it is fun|it makes me happy|I like it|it is "
      "beautiful|it is new|I had time|it is hard|I learned it as a child|everyone does it|I was told so|it "
      "is quiet|it helps me|I am curious|of my family|it is how I feel)", "(Everything|All of it|I just "
      "like it|I just do|Just so|No reason|It is just a feeling|I can't say)", "For no special reason"],
     "I see. Thank you for telling me!"),
]


_IS_QUESTION = re.compile(r"(Can|Could|Do|Does|Did|Is|Are|What(?! a\b| joy| awaits)|Why|How(?! sweet)|Who|"
r"Which|Would|Will|Have|Any|Shall|May)\b")


def dress(rng, text):
    """What people put before and after what they have to say, and how carelessly they type it."""
    if text[-1] not in ".!?":
        text += rng.choice(("?", "?", "") if _IS_QUESTION.match(text) else ("", ".", ".", "!"))
    if rng.random() < 0.13:
        before = rng.choice(("AEON, ", "Hey AEON, ", "So, ", "Well, ", "Okay, ", "Hi! ", "Hello! ",
        "Hi AEON! ", "By the way, ", "And ",
                             "Hey, ", "Hello AEON. ", "Now ", "Oh, ", "Good morning! ", "Listen, ",
                             "Thanks. ", "Okay. ", "Hmm, "))
        first = text.split(" ")[0]
        keep = before[-2] in "!." or first == "I" or first.startswith("I'") or first in ("AEON",
        "Phi-4-mini")
        text = before + (text if keep else text[:1].lower() + text[1:])
    return casual(rng, text)


def row(talk, rows):
    """An exchange from one of the rows, its answer in the plain manner."""
    says, answers, _ = talk.rng.choice(rows)
    ask_row(talk, says, answers)


def ask_row(talk, says, answers):
    talk.user(dress(talk.rng, say(talk.rng, says, None, talk.held_out)))
    talk.answer(talk.rng.choice(answers), same(*answers))


def tell(talk):
    """The user tells something of the day, and now and then answers what AEON asks back."""
    rng = talk.rng
    user, reply, topic = everyday.topic(rng, talk.held_out)
    talk.user(dress(rng, user))
    talk.answer(reply, holds(topic))
    if rng.random() < 0.15 and reply.endswith("?"):
        says, answer = rng.choice(_AFTER)
        talk.user(dress(rng, say(rng, says, None, talk.held_out)))
        talk.answer(answer)


def exchange(talk):
    """One exchange of small talk, as filler in any talk."""
    if talk.rng.random() < 0.5:
        tell(talk)
    else:
        row(talk, ROWS)


def opening(rng, held_out=True):
    """A first thing that a user may say."""
    roll = rng.random()
    if roll < 0.6:
        return dress(rng, everyday.topic(rng, held_out)[0])
    says = rng.choice(HELLO + MOODS + TALK)[0]
    return dress(rng, say(rng, says, None, held_out))
