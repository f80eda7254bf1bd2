"""English words that can stand for each other, both ways: curated by hand, one pair a line.

The form of a line is that of `pairs`. A pair is here only if a reader would take either wording in nearly every
sentence that has the other; guards say where a word means something else. Inflections are lines of their own.
"""

from __future__ import annotations

__all__ = ["PAIRS"]

# Whoever is asked "isn't it?" is not asked "is not it?".
_ASKED = (
    r"R: (?:it|he|she|they|we|you|I|there|that|this|these|those|the|a|an|my|your|his|her|our|their|[A-Z])\b"
)
# "it's been" is "it has been".
_HAS = (
    r"R: (?:been|got|gotten|had|become|taken|come|gone|made|always been|only been|already been|just been|never been|"
    r"since|long been|done|given|seen|lost|left|grown|begun|changed|started|turned|happened|fallen|risen|\w+ed\b)|[,.;:!?]"
)
# A pronoun that can only be a subject: with or without "that" before it.
_THAT = r"R+: (?:he|she|we|they|I)\b"
# As plain verbs, not after an article or an adjective.
_NOUN = (
    r"L:(?:\b(?:a|an|the|his|her|its|their|our|my|your|this|that|no|any|some|every|each|first|second|last|new|good|great|"
    r"early|fresh|better|another|one|\w+ous|\w+ful)) "
)
# At the start of a sentence.
_START = r"L+:(?:^|[.!?:;\n])"
_MAYBE = (
    r"R+: (?:a|an|the|more|less|too|due|because|difficult|hard|easier|harder|necessary|helpful|useful|beneficial|important|better|"
    r"worth|worse|some|one|several|other|different|similar|true|wrong|unable|interested|surprised|willing|tempted|high|low|higher|"
    r"lower|so|very|quite|simple|good|enough|caused|related|influenced|affected|required|needed|possible|available|challenging|appropriate|suitable|linked|associated|limited|relevant|trying|experiencing|feeling|wondering|present|part)\b"
)
_CAN = r"L+:\b(?:can|could|may|might|will|would|often|frequently|also|must|should|and)"
_VERB = (
    r"R+: (?:reduce|improve|prevent|create|keep|build|make|protect|maintain|increase|ensure|promote|identify|develop|find|open|"
    r"understand|solve|explain|control|manage|measure|accept|predict|imagine|believe|say|tell|learn|use|remember|avoid|define|"
    r"determine|achieve|answer|describe|treat|read|reach|save|support|strengthen|relieve|lower|boost|bring|raise|break|provide|"
    r"establish|shape|guide|stop|fight|address)\b"
)
_ABOUT = (
    r"L:\b(?:think|thinking|thought|talk|talking|talked|worry|worried|learn|information|read|write|wrote|know|knew|ask|asked|"
    r"all|come|bring|go|how|what|story|book|hear|heard|something|care|careful|complain|questions?|excited|sure)"
)
_MUCH = r"L:\b(?:how|so|not|very|too|as|this|that|thus|by|from|and|pretty)"
_PEOPLE = (
    r"L:\b(?:\w+(?:ers|ors|ists|ians|ees|ents|ants)|friends|individuals|kids|adults|experts|clients|fans|boys|girls|citizens|guests|"
    r"this|others|groups|ones|those|yes|is|was|has|does|says|thinks|shows|means|believes|hopes|knows|feels|claims|suggests|so) "
)
_WORD = (
    r"tool|system|process|program|method|device|technology|technique|machine|material|disease|plant|product|book|story|skill|strategy|"
    r"language|platform|software|algorithm|model|approach|activity|event|feature|city|substance|structure|force|function|solution|"
    r"application|environment|website|tradition|food|game|company|song|drug|law|building|bridge|house|service|project|computer|network|"
    r"factor|chemical|molecule|protein|vitamin|plan|policy|treatment|condition|problem|document|term|word"
)
_NESTED = r"\bwhich\b[^.;]{0,40}"
_THINGS = rf"L+:\b[a-z]{{3,}}s ; {_PEOPLE.strip()}|{_NESTED}"
_ONE = rf"L+:\b(?:{_WORD}) ; L:{_NESTED}"
_THING = rf"L+:\b(?:[a-z]{{3,}}s|{_WORD}) ; {_PEOPLE.strip()}|{_NESTED}"
_WHERE = (
    r"L+:\b(?:situations?|cases?|process|systems?|worlds?|society|environments?|countries|areas?|rooms?|contexts?|scenarios?|"
    r"industry|industries|cultures?|conditions?)"
)
_SINCE = r"L+:, ; R+: (?:it|they|you|we|there|this|he|she) (?:is|are|was|were|can|cannot|can't|will|does|do|may|might|need)\b"
_RATHER = r"R+: (?:\w+ing|the|a|an|my|your|his|her|their|our)\b"
_IS = r"L+:\b(?:is|are|was|were|be|commonly|often|frequently|sometimes|occasionally|usually|typically|better)"
_VERBAL = r"L:\b(?:the|a|an|from|his|her|their|good|great|slow|new|head|early|late)"
_OPEN = r"L:\b(?:all|at)"
_CARE = r"R+: (?:services|systems?|workers|costs|providers|professionals|industry|sector|and|in|for)\b"
_NOUNS = r"R+: \w+s\b ; R: (?:is|was|has|does|as|its|this|always|less|across|besides|towards|sometimes|perhaps|others)\b"

_OFFER = (
    r"R+: (?:\w+ ){0,2}(?:overview|variety|range|solution|service|services|framework|platform|"
    r"alternative|view|glimpse|perspective|selection|mix|combination|balance|discount|solid foundation|sense|opportunity|"
    r"analysis)\b"
)
_AIDED = (
    r"(?:understand|learn|find|make|create|improve|reach|achieve|choose|decide|identify|stay|focus|feel|build|develop|save|avoid|prepare|"
    r"manage|track|see|solve|gain|become|relax|plan|connect|keep|remember|succeed|grow|determine|navigate|reduce|sleep|recover|think)"
)
_NOHELP = r"L:\b(?:the|your|no|of|for|some|god|more|his|her|their|to)"

_TO = r"R+: (?:them|us|people|players|students|customers|businesses|companies|individuals|organizations|teams|developers|researchers|readers|employees|him|her|each \w+|the (?:user|users|reader|team|system|company|public|model|body)) to\b"

# "How late they are can matter": nothing is contracted before another verb.
_VERB_NEXT = r"R: (?:can|could|is|are|may|might|will|would|should|must|has|have|had|was|were|do|does|did|depends|matters)\b"
# A past participle is wanted, which is not always the past (has started, not "has began").
_PERFECT = r"L:\b(?:have|has|had|having|was|were|been|be|is|are|get|gets|got|getting|to)(?: \w+)?|(?:'ve|’ve|'d|’d|n't|n’t)(?: \w+)?"

PAIRS = rf"""
do not ; R: (?:only|just)\b = don't ; {_ASKED} ~ The people here do not know him.
does not ; R: (?:only|just)\b = doesn't ; {_ASKED} ~ The old clock does not work.
did not ; R: (?:only|just)\b = didn't ; {_ASKED} ~ The two boys did not reply.
is not ; R: (?:only|just)\b|[,.;:!?] = isn't ; {_ASKED}|[,.;:!?] ~ The water is not clean.
are not ; R: (?:only|just)\b|[,.;:!?] = aren't ; {_ASKED}|[,.;:!?] ~ The results are not final.
was not ; R: (?:only|just)\b|[,.;:!?] = wasn't ; {_ASKED}|[,.;:!?] ~ The road was not open.
were not ; R: (?:only|just)\b|[,.;:!?] = weren't ; {_ASKED}|[,.;:!?] ~ The shops were not open.
has not ; R:[,.;:!?] = hasn't ; {_ASKED}|[,.;:!?] ~ The letter has not arrived.
have not ; R:[,.;:!?] = haven't ; {_ASKED}|[,.;:!?] ~ The parcels have not arrived.
had not ; R:[,.;:!?] = hadn't ; {_ASKED}|[,.;:!?] ~ The team had not eaten.
could not ; R: (?:only|just)\b = couldn't ; {_ASKED} ~ The guide could not swim.
would not ; R: (?:only|just)\b = wouldn't ; {_ASKED} ~ The door would not open.
should not ; R: (?:only|just)\b = shouldn't ; {_ASKED} ~ The soup should not boil.
will not ; R: (?:only|just)\b = won't ; {_ASKED} ~ The weather will not last.
cannot ; R: (?:only|but|help)\b = can't ; {_ASKED}| (?:only|but|help)\b ~ The engine cannot start.
it is ; L:\b(?:from|of|in|on|for|to|with|by|about|at|under|after|before|like|what|how|where|who|as|than|that) ; {_HAS} = it's ; L:\b(?:from|of|in|on|for|to|with|by|about|at|under|after|before|like|what|how|where|who|as|than|that) ; {_HAS} || {_VERB_NEXT} ; R: (?:that|to|by)\b ~ We know that place, and it is near.
there is ; L:\b(?:what|how|where|who|as|than|that|all) ; R:[,.;:!?] = there's ; L:\b(?:what|how|where|who|as|than|that|all) ; R: been\b|[,.;:!?] ~ In the garden there is a well.
I am ; L:\b(?:what|how|where|who|as|than|and|that) ; R:[,.;:!?] = I'm ; L:\b(?:what|how|where|who|as|than|that) ; R:[,.;:!?] || {_VERB_NEXT} ~ People know where we went, since I am sure of it.
you are ; L:\b(?:what|how|where|who|as|than|and) ; R:[,.;:!?] = you're ; L:\b(?:what|how|where|who|as|than) ; R:[,.;:!?] || {_VERB_NEXT} ~ Take a map when you are outside.
we are ; L:\b(?:what|how|where|who|as|than|and) ; R:[,.;:!?] = we're ; L:\b(?:what|how|where|who|as|than) ; R:[,.;:!?] || {_VERB_NEXT} ~ Our friends think we are late.
they are ; L:\b(?:what|how|where|who|as|than|and) ; R:[,.;:!?] = they're ; L:\b(?:what|how|where|who|as|than) ; R:[,.;:!?] || {_VERB_NEXT} ~ The children say they are hungry.
I have been = I've been ~ For years I have been a member.
we have been = we've been ~ For years we have been members.
you have been = you've been ~ For years you have been a member.
they have been = they've been ~ For years they have been members.
I will ; L:\b(?:as|than|what|free) ; R:[,.;:!?]| not\b = I'll ; R:[,.;:!?]| not\b ~ After lunch I will call again.
we will ; L:\b(?:as|than|what) ; R:[,.;:!?]| not\b = we'll ; R:[,.;:!?]| not\b ~ After lunch we will call again.
you will ; L:\b(?:as|than|what) ; R:[,.;:!?]| not\b = you'll ; R:[,.;:!?]| not\b ~ After lunch you will feel better.
they will ; L:\b(?:as|than|what) ; R:[,.;:!?]| not\b = they'll ; R:[,.;:!?]| not\b ~ After lunch they will call again.
she will ; L:\b(?:as|than|what) ; R:[,.;:!?]| not\b = she'll ; R:[,.;:!?]| not\b ~ After lunch she will call again.
he will ; L:\b(?:as|than|what) ; R:[,.;:!?]| not\b = he'll ; R:[,.;:!?]| not\b ~ After lunch he will call again.
it will ; L:\b(?:as|than|what) ; R:[,.;:!?]| not\b = it'll ; R:[,.;:!?]| not\b ~ After lunch it will rain.
nevertheless = nonetheless ~ The storm was strong, and nevertheless they sailed.
moreover = furthermore ~ The house is small, and moreover it is cold.
for example = for instance ~ Some birds, for example owls, hunt at night.
although = though ; L:\b(?:even|as) ; R:[,.;:!?] ~ We went outside, although the wind was cold.
quickly = rapidly || R+: (?:grow|grew|growing|spread|spreading|expand\w*|evolv\w*|increas\w*|develop\w*|chang\w*|becom\w*|became|adapt\w*|declin\w*|advanc\w*|gain\w*)\b ~ The old town quickly grew beyond its walls.
completely ; L:\b(?:cool|cooled|dry|dried|melt|melted|heal|stop) ; R: (?:complete|possible)\b = entirely ; L:\b(?:cool|cooled|dry|dried|melt|melted|heal|stop) ; R: (?:complete|possible)\b ~ The valley was completely dry.
nearly ; R: (?:as|every|any|enough|so) = almost ; R: (?:as|every|any|no|none|never|nothing|anything|certainly|everyone|everything|too|nobody|like)\b ~ The trip took nearly three hours.
rarely = seldom ~ The river rarely freezes.
sometimes = occasionally || R:[,.;:!?] ~ The harbour sometimes freezes.
immediately ; R:[,.;:!?]| (?:after|before|following|adjacent|above|below|recogni|clear|obvious|apparent) = instantly ; L:\b(?:serve|served|almost) ; R:[,.;:!?]| (?:recogni|clear|obvious|apparent) || L+:\b(?:he|she|they|we|it|I|[a-z]{{3,}}) ; R+: (?:called|felt|knew|became|fell|saw|began|lost|recognized|recognised|understood|regretted|realized|realised|stopped|turned|ran|noticed|liked|loved|drew|attracted|captured|transformed)\b ~ The doctor immediately called home.
approximately ; R: (?:estimated|comparable|similar|speaking)\b = roughly ; R: (?:estimated|comparable|similar|speaking|handled|treated|the same|equal|translated|hewn|cut|made)\b|[,.;:!?] ~ The bridge is approximately forty metres long.
mainly = primarily ~ The town lives mainly from fishing.
particularly ; R: (?:since|when|if|as|in|because|after) = especially ; R: (?:since|when|if|as|in|because|after|for) ~ The food was particularly good.
easily = readily || L:\b(?:more|most|very|so|as|too|not) ; R+: (?:be )?(?:available|accessible|understood|seen|identified|recognized|absorbed|adapted|apparent|visible|found|accepted|explained)\b ~ The plan was easily understood.
significantly ; L:\b(?:statistically|not) = substantially ~ The costs have risen significantly this year.
currently = presently || L+:\b(?:is|are|was|were|am|not) ~ The museum is currently closed.
eventually ; R:[,.;:!?] = ultimately ; R:[,.;:!?] || R+: (?:led|became|lead|decided|agreed|failed|succeeded|settled|married|moved|died|fell|returned|grew|lost|won|met|found|gave|came|made|turned)\b ~ The two brothers eventually met.
fortunately = luckily ~ The tent held, and fortunately nobody was hurt.
similarly, = likewise, ~ The days grew colder; similarly, the nights grew longer.
accordingly, ; L:[^.!?\s] = consequently, ; L:[^.!?\s] ~ The rain went on. Accordingly, the match was moved.
therefore, = thus, ~ The rain went on; therefore, the match was moved.
afterward = afterwards ~ We ate and afterward walked home.
toward = towards ~ The ship turned toward the coast.
anyone ; L:\b(?:for) ; R:'s = anybody ; R:'s ~ We did not see anyone on the beach.
everyone ; R:'s = everybody ; R:'s ~ The news made everyone happy.
someone ; L:\b(?:special|certain) ; R:'s| else = somebody ; L:\b(?:special|a) ; R:'s| else ~ The dog heard someone at the gate.
no one ; R:'s| (?:can match) = nobody ; L:\b(?:a|mere) ; R:'s ~ The phone rang and no one came.
despite = in spite of ~ The match went on despite the rain.
several ; L:\b(?:the|these|those|its|his|her|their|our|my|your|joint|and) ; R: (?:of|centuries|decades|hours|days|weeks|months|years|minutes|seconds|kinds|types|forms|steps|times|hundred|thousand|million|dozen|billion)\b = a number of ; R: (?:the|these|those|times) ~ The storm broke several windows.
a variety of = a range of ; L:\b(?:in|over|at|within|has|have) ~ The shop sells a variety of cheese.
a great deal of = a good deal of ~ The work took a great deal of time.
a lot of ; R: (?:the|this|that|it|them|us|these|those)\b = lots of ; L:\b(?:the|several|two|three|in) ; R: (?:the|this|that|it|them|us|these|those|land)\b ~ The work took a lot of time.
at first ; R: (?:glance|sight|light|hand|base|and|in)\b = initially ; L:\b(?:the|a|an|its|their|this|that|was|were|been|be|are|is|had|have|has|and) ~ The work seemed at first too hard.
as a result = as a consequence ~ The bridge closed and as a result traffic grew.
as if = as though ~ The sky looked as if it would rain.
as long as ; L:\b(?:twice|times|for|just|nearly|almost|last|lasted|is|was|are|were|about) ; R: (?:the|a|an|\d)\b = so long as ; L:\b(?:not|last) ; R: (?:the|a|an)\b ~ The plants live as long as they get water.
so far ; L:\b(?:and) ; R: (?:as|away|from|off|that|apart|back|out|in|into|behind|beyond|ahead|above|below)\b = thus far ; R: (?:from|and)\b ~ The weather has so far been kind.
in contrast, = by contrast, ~ The north is wet; in contrast, the south is dry.
in conclusion, = to conclude, ~ The costs are low; in conclusion, the plan is sound.
in short, = in brief, ~ The costs are low; in short, the plan is sound.
first of all, = to begin with, ~ The cook said this: first of all, boil the water.
in other words, = put differently, ~ The shop is shut; in other words, we wait.
all over the world = around the world ~ This song is known all over the world today.
over and over again = again and again ~ The child asked over and over again.
little by little = bit by bit ~ The snow melted little by little.
each other ; R:'s| (?:in turn) = one another ; R:'s ~ The sisters often write to each other.
bought = purchased || R: (?:into|in|it|off|out|time|back|by|for)\b ~ The family bought a farm.
buying = purchasing ~ They talked about buying a farm.
to buy = to purchase ~ The family hopes to buy a farm.
huge = enormous || R: (?:fans?|thanks?|hits?|deal|mistake|plus|success|thank)\b ; L:\b(?:is|was|are|be) ~ We saw the huge trees there.
famous = well-known || R: (?:last|and|or|for)\b ; L:\b(?:and|or|more|most|so|how|very|too|world) ~ They met a famous singer.
the whole ; R: (?:of|is|was|number)\b|[,.;:!?] = the entire ; R: (?:of)\b ~ The guests ate the whole cake.
the beginning of ; L:\b(?:from|in|at|is only|just) = the start of ; L:\b(?:from|in|at|is only|just) ~ We missed the beginning of the film.
photograph ; L:\b(?:to|not|can|could|will|would|I|we|you|they|and) ; R: (?:the|a|an|it|them|him|her)\b = photo ; R+:(?: (?:of|from|in|on|at|with|by|for|was|is|and|or|that|taken|showing|shows)\b|[,.;:!?]) ~ He showed us an old photograph of the house.
photographs ; L:\b(?:he|she|who|it) = photos ~ He showed us old photographs of the house.
bicycle ; L:\b(?:to) ; R: (?:kick|shop|lane|race)\b = bike ; L:\b(?:to|motor|dirt|mountain) ; R: (?:shop|lane|race|trail|ride)\b ~ The girl rode her bicycle home.
bicycles = bikes ; L:\b(?:motor|dirt|mountain|he|she) ~ The shop repairs bicycles cheaply.
refrigerator = fridge ~ The milk is in the refrigerator now.
television ; L:(?:^|[.!?:;*\n-])|\b(?:Apple|Android|Google|Samsung|Fire|smart) ; R: (?:series|show|network|station|set|channel|program|production|studio)\b = TV ; L:(?:^|[.!?:;*\n-])|\b(?:Apple|Android|Google|Samsung|Fire|smart) ; R: (?:series|show|network|station|set|channel|program|production|studio)\b ~ They watched television all evening.
advertisements = ads || L:\b(?:display|banner|pop-up|Google|Facebook|TV|online|search|video|text) ~ The paper is full of advertisements today.
seems to ; R: (?:me|us|him|her|them|you|be that)\b = appears to ; L:\b(?:it) ; R: (?:me|us|him|her|them|you|be that)\b ~ The plan seems to work.
seemed to ; R: (?:me|us|him|her|them|you)\b = appeared to ; R: (?:me|us|him|her|them|you|the|a|an)\b ~ The plan seemed to work.
seem to ; R: (?:me|us|him|her|them|you)\b = appear to ; R: (?:me|us|him|her|them|you|the|a|an)\b ~ The plans seem to work.
happened ; L:\b(?:has|what|had|what's|have|what has) ; R: (?:to|upon|on|by|that|next)\b|[,.;:!?] = occurred ; R: (?:to|by|that|next)\b|[,.;:!?] ~ The accident happened last night.
happens ; L:\b(?:what|it so|so|as|whatever) ; R: (?:to|upon|on|by|that|next|if|when|after|in)\b|[,.;:!?] = occurs ; R: (?:to|by|that|next|if|in|as|at)\b|[,.;:!?] ~ The accident happens every winter.
began to = started to || {_PERFECT} ~ The leaves began to fall.
begins to = starts to ~ The snow begins to melt.
try to ; {_NOUN}|\b(?:and|nice|good)|(?:^|[.!?:;\n*-]) ; R: (?:get|no)\b = attempt to ; {_NOUN}|(?:^|[.!?:;\n*-])|\b(?:in|failed|an|nice|any|rare|bold|vain|desperate|\w+al|\w+ive|\w+less|\w+t|\w+ed) ~ The children try to sleep.
tried to = attempted to ~ The children tried to sleep.
trying to ; R: (?:get)\b = attempting to ~ The children were trying to sleep.
decided to = chose to || {_PERFECT} ~ The family decided to stay.
located in = situated in ~ The hotel is located in Rome.
located on = situated on ~ The hotel is located on a hill.
located near = situated near ~ The hotel is located near a lake.
shows that ; R: (?:are|were|have|is|can|you|I|we|they|feature|appeal)\b ; L:\b(?:TV|prefer|watch|the|these|those|television|such|of|many|all) = demonstrates that ; R: (?:are|were|have|can)\b ~ The study shows that sleep helps.
showed that = demonstrated that ~ The study showed that sleep helps.
show that ; L:\b(?:TV|the|a|this|of|television|talk|game|first|new) = demonstrate that ~ The studies show that sleep helps.
believes that = thinks that ~ The mayor believes that taxes must fall.
pointed out that = noted that ~ The mayor pointed out that taxes fell.
aims to = seeks to ~ The project aims to plant trees.
have to ; L:\b(?:all you|all we|all they|what they|what we|what I|what you|things|lot|still|more|nothing|something) ; R: (?:function|grow|survive|thrive|live|operate|work|succeed|perform|do with|say|offer|be|the|a|an|me|us|him)\b = need to ; R: (?:function|grow|survive|thrive|live|operate|work|succeed|perform)\b ; L:\b(?:no|the|a|any|his|her|their|our|my|your|in|great|real|urgent|this|all you|all we|what we|what you|still|more) ; R: (?:be|know)\b ~ The visitors have to wait outside.
has to ; L:\b(?:it all|what he|what she|what it|that|which|still|one) ; R: (?:do with|say|offer|be|the|a|an)\b = needs to ; L:\b(?:the|his|her|their|our|my|your|special|what he|what she|still|one) ; R: (?:be|know)\b ~ The visitor has to wait outside.
every day ; L:\b(?:almost|nearly|of) = each day ; L:\b(?:of|for) ~ The bakery opens every day at six.
every year ; L:\b(?:almost|nearly|of) = each year ; L:\b(?:of|for) ~ The river floods every year in spring.
every month ; L:\b(?:almost|nearly|of) = each month ; L:\b(?:of|for) ~ The club meets every month in town.
every week ; L:\b(?:almost|nearly|of) = each week ; L:\b(?:of|for) ~ The club meets every week in town.
every morning ; L:\b(?:almost|nearly|of) = each morning ; L:\b(?:of|for) ~ The bakery opens every morning at six.
every night ; L:\b(?:almost|nearly|of) = each night ; L:\b(?:of|for) ~ The owl calls every night at ten.
every time ; L:\b(?:almost|nearly) = each time ~ The dog barks every time it rains.
these days ; L:\b(?:in|of|during|on|after|since|all|for|one of) = nowadays ~ Many people these days work at home.
all of the ; R: (?:above|following)\b = all the ; L:\b(?:for|not|after|with|and|of|at) ; R: (?:difference|more|better|same|way|time|while|best|above|following|rage|world|year|night|day|others|other|less|worse|easier|greater)\b ~ The storm broke all of the windows.
half of the ; L:\b(?:first|second|other|latter|top|bottom|later|last|a|northern|southern|eastern|western|early|lower|upper|larger|better|left|right|one) = half the ; L:\b(?:one|about and a) ; R: (?:battle|fun|size|price|time|speed|length|cost|height|number|width|weight|age|distance)\b ~ The storm broke half of the windows.
said that ; L:(?:[,\"”'] )|\b(?:is|was|be|been|it|being|having) ; {_THAT} = said ; L:(?:[,\"”'] )|\b(?:is|was|be|been|it|being) ; {_THAT} ~ The farmers said that they would come.
think that ; {_THAT} = think ; L:\b(?:you) ; {_THAT} ~ Most experts think that they will win.
thought that ; L:\b(?:the|a|his|her|my|this) ; {_THAT} = thought ; L:\b(?:the|a|his|her|my|this) ; {_THAT} ~ The farmers thought that they would come.
believe that ; {_THAT} = believe ; {_THAT} ~ Most experts believe that they will win.
believed that ; {_THAT} = believed ; {_THAT} ~ The farmers believed that they would come.
knew that ; {_THAT} = knew ; {_THAT} ~ The farmers knew that they would come.
know that ; {_THAT} = know ; {_THAT} ~ Most experts know that they will win.
hoped that ; {_THAT} = hoped ; {_THAT} ~ The farmers hoped that they would come.
hope that ; L:\b(?:the|a|no|any|in|his|her) ; {_THAT} = hope ; L:\b(?:the|a|no|any|all|his|her) ; {_THAT} ~ Most experts hope that they will win.
felt that ; {_THAT} = felt ; {_THAT} ~ The farmers felt that they would come.
realized that ; {_THAT} = realized ; {_THAT} ~ The farmers realized that they would come.
noticed that ; {_THAT} = noticed ; {_THAT} ~ The farmers noticed that they would come.
claimed that ; {_THAT} = claimed ; {_THAT} ~ The farmers claimed that they would come.
learned that ; {_THAT} = learned ; {_THAT} ~ The farmers learned that they would come.
discovered that ; {_THAT} = discovered ; {_THAT} ~ The farmers discovered that they would come.
in addition, = additionally, ~ The room is large; in addition, the view is good.
often ; L:\b(?:how|more|less|most|as|so|too|very|quite|not|all too|every so) ; R: (?:simply|just|than|enough|as|overlooked)\b|[,.;:!?] = frequently ; L:\b(?:more|less|most|as|so|too|how|very) ; R: (?:asked|used as)\b|[,.;:!?] ~ The neighbours often help us.
usually = typically ~ The shop usually opens at nine.
many ; L:many,|\b(?:how|so|too|as|not|very|a great|a good|the|these|those|his|her|its|their|our|my|your|and|of|for|that|in|to|one of|great|good) ; R: (?:include|contain|offer|come|feature|provide|use|also|still|now|do|did|may|might|must|should|even|just|never|consider|feel|find|see|like|want|need|choose|prefer|take|make|get|go|of|a|an|more|times|other|others|who|have|are|were|believe|think|say|people|had|will|would|can|could|different|such|thanks)\b|[,.;:!?-] = numerous ; L:\b(?:too|so|very|more|most|the|these|those|his|her|its|their|as|and|are|were|is|be|less) ; R: (?:and|than|enough|other|different|as|in|people|times)\b|[,.;:!?] || R: (?:years|ways|things|days|hours|months|weeks|decades|minutes)\b ~ The garden has many old trees.
due to ; L:\b(?:often|usually|typically|sometimes|likely|possibly|generally|commonly|is|are|was|were|be|been|being|largely|partly|mainly|mostly|not|partially|only|credit|amount|tax|simply|part|primarily|may|probably|likely|payment|respect) ; R: (?:the fact|be|arrive|start|begin|expire|open|have|take|go)\b = because of ; L:\b(?:often|usually|typically|sometimes|likely|possibly|generally|commonly|is|are|was|were|be|been|it's|just|simply|not|largely|partly|mainly|mostly|only|precisely) ; R: (?:the fact|it|him|her|them|you|me|us|this|that)\b|[,.;:!?] ~ The match was cancelled due to rain.
along with ; L:\b(?:get|gets|getting|got|went|go|goes|going|come|came|play|played|sing|went|moved|move|help|deal|put|all|follow|rub|bring|carry) = together with ; L:\b(?:it|them|everything|all|things|us|tie|ties|work|working|worked|get|live|lived|play|come|stay|dance|bring|brought|travel|went|back|go|put|putting|taken|join|joined|closely|stuck|held|tied) ~ The soup comes along with fresh bread.
apart from ; L:\b(?:tell|far|miles|set|sets|setting|stand|stands|torn|tear|days|live|living|lived|feet|inches|kept|keep|years|world|worlds|him|her|them|us|it)|\b(?:set|sets|setting|tell|keep|kept|stand|stands|stood)(?: [\w\x27-]+){{1,4}} ; R:[,.;:!?] = aside from ; L:\b(?:set|step|stepped|put|turn|turned|turning|stood|stand|moved|standing)|\b(?:set|sets|setting|put|puts|tell|keep|kept|stand|stands|stood)(?: [\w\x27-]+){{1,4}} ~ The street was empty apart from a cat.
keep in mind = bear in mind ~ Please keep in mind that shops close early.
keeping in mind = bearing in mind ~ It is worth keeping in mind that shops close early.
looking for ; R: (?:ward)\b = searching for ~ The boys are looking for shells.
look for ; L:\b(?:the|a|new|his|her|this|that) ; R: (?:ward)\b = search for ; L:\b(?:the|a|in|his|her|this|an|any|job|their|our|desperate|long|Google|web|endless) ~ The boys went to look for shells.
make sure that = ensure that ~ Please make sure that doors are shut.
types of ; L:\b(?:all) = kinds of ; L:\b(?:all) ~ The shop sells three types of cheese.
this type of = this kind of ; R:[,.;:!?] ~ Farmers grow this type of wheat.
allows you to = lets you ; R: (?:know|in|go|down|out|off|be|have)\b ~ The ticket allows you to travel.
allow you to = let you ; L:\b(?:will not|won't|I|not) ; R: (?:know|in|go|down|out|off|be|have|that)\b ~ The tickets allow you to travel.
allows users to = lets users ~ The program allows users to draw.
allow users to = let users ~ The programs allow users to draw.
provides a = offers a || {_OFFER} ~ The hotel provides a range of meals.
provide a = offer a || {_OFFER} ; L:\b(?:an|the) ~ The hotels provide a range of meals.
consists of ; R: (?:\w+ing|what|how)\b = is made up of ~ The team consists of eleven players.
consist of ; L:\b(?:to|will|would|may|must|can|could|should|might|not|usually|often|typically|they|also|mainly) = are made up of ; L:\b(?:they|also|mainly|usually|often) ~ The teams consist of eleven players.
the main reason ; L:\b(?:for) = the primary reason ; L:\b(?:for) ~ The weather was the main reason given.
the main goal = the primary goal ~ Peace was the main goal then.
the main purpose = the primary purpose ~ Trade was the main purpose then.
the main cause = the primary cause ~ The weather was the main cause then.
the main source = the primary source ~ The river is the main source here.
the main difference = the primary difference ~ The price is the main difference here.
the main advantage = the primary advantage ~ The price is the main advantage here.
the rest of ; R: (?:us|you|them|it|my|his|her|their|the world)\b = the remainder of ~ We spent the rest of the day at home.
a large number of = a great number of ~ The fair drew a large number of visitors.
a wide range of = a broad range of ~ The shop sells a wide range of tools.
a wide variety of = a broad variety of ~ The shop sells a wide variety of tools.
is part of ; R: (?:the|a|it|me|him|you|us|them|my|his|her)? ?(?:reason|problem|fun|speech|charm)\b = is a part of ~ The island is part of Greece.
was part of = was a part of ~ The island was part of Greece.
are part of = are a part of ~ The islands are part of Greece.
become part of = become a part of ~ The islands become part of Greece.
became part of = became a part of ~ The islands became part of Greece.
over the past = during the past ~ Prices rose over the past decade.
over the years = through the years ~ The house changed over the years too.
over the course of = during the course of ~ The house changed over the course of a century.
may be ; {_MAYBE} ; L:\b(?:that|as|it|as the case) ; R: (?:the case|that|able)\b|[,.;:!?] = might be ; {_MAYBE} ; L:\b(?:that|as|it) ; R: (?:the case|that)\b|[,.;:!?] ~ The answer may be simple.
an important role in = a key role in ~ Rivers play an important role in trade.
take into account = take into consideration ~ We must take into account the weather.
takes into account = takes into consideration ~ The plan takes into account the weather.
taking into account = taking into consideration ~ We planned it taking into account the weather.
taken into account = taken into consideration ~ The weather was taken into account here.
with the help of = with the aid of ~ We built it with the help of friends.
the purpose of ; L:\b(?:for) = the aim of ; L:\b(?:with) || R+: (?:the|this|our|their|his|her) (?:visit|study|project|report|course|meeting|research|program|policy|campaign|exercise|game|survey|experiment|essay|trip|law|plan)\b ~ They explained the purpose of the visit.
come to an end = draw to a close ~ The talks will come to an end soon.
came to an end = drew to a close ~ The talks came to an end today.
take part in ; L:\b(?:to not) = participate in ~ Many schools take part in the race.
took part in = participated in || {_PERFECT} ~ Many schools took part in the race.
takes part in = participates in ~ Our school takes part in the race.
taking part in = participating in ~ Many schools are taking part in the race.
carried out ; L:\b(?:be|is|are|was|were|being|been) ; R: (?:by|in|on|with|at|to|of|under)\b|[,.;:!?] = conducted ; L:\b(?:be|is|are|was|were|being|been|and|an|he|she|the|self|orchestra|who) ; R: (?:by|in|on|with|at|to|the|himself|herself)\b|[,.;:!?] ~ The students carried out three surveys.
may ; L:(?:^|[.!?\n;:])|\b(?:of|in|since|until|last|early|late|by|next) = might ; L:\b(?:the|his|her|all|its|with|and) || R+: (?:need|have (?:a|an|the|to|some|more|many|no|different|several|their|your|trouble|difficulty)|want|also|help|cause|require|include|lead|find|seem|feel|even|result|vary|experience|occur|become|appear|affect|contain|differ|change|take|make|provide|offer|increase|reduce|improve|contribute|depend|indicate|suggest|involve|encounter|face|struggle|benefit|notice|look|sound|come|lack|suffer|develop|exist|arise|think|believe|prefer|wonder|trigger|produce|prove|pose|limit|damage|prevent|not (?:be|know|work|always|seem|want|need|realize|feel|reflect|provide|require|contain|apply))\b ~ The old bridge may need repairs.
help to ; L:\b(?:the|of|no|your|his|her|their|for|some|any|a|more|with|my|our|great|god|to) = help ; L:\b(?:the|of|no|your|his|her|their|for|some|any|a|more|with|my|our|great|god|to) || {_VERB} ~ These plants help to reduce noise.
helps to = helps || {_VERB} ~ This plant helps to reduce noise.
helped to = helped || {_VERB} ~ These plants helped to reduce noise.
helping to = helping || {_VERB} ~ They were helping to reduce noise.
so that ; L:(?:^|[.!?;:\n]) = so ; L:(?:^|[.!?;:\n])|\b(?:and|or|is|are|was|were|not|do|did|if|think|say|said|hope|even|more|just|doing|ever) || R+: (?:you|they|we|he|she|it) (?:can|could|will|would|do not|don't|does not|doesn't)\b ~ Put up a sign so that they can find us.
means that ; L:\b(?:by|no|the|any|other|these|those|some|all|of|and) = means ; L:\b(?:by|no|the|any|other|these|those|some|all|of|and) || R+: (?:you|they|we|he|she|it|there)\b ~ The new law means that they can vote.
says that ; L:[,\"”'] = says ; L:[,\"”'] || R+: (?:he|she|they|we|there)\b ~ The report says that they were late.
feel that = feel || L+:\b(?:I|we|you|they|people|may|might|must|to) ; R+: (?:he|she|they|we|I|there)\b ~ The parents say we feel that they are safe.
sure that = sure || L+:\b(?:am|is|are|was|were|be|not|quite|'m|'re) ; R+: (?:you|they|we|he|she|it|there|I)\b ~ The guide was sure that they were lost.
glad that = glad || R+: (?:you|they|we|he|she|it|there|I)\b ~ The whole crew is glad that you came.
afraid that = afraid || R+: (?:you|they|we|he|she|it|there|I)\b ~ The keeper was afraid that they would fall.
suggests that = indicates that || L:\b(?:he|she|who|author|writer|teacher|doctor) ~ The new evidence suggests that prices fell.
suggest that = indicate that || L+:\b(?:results|studies|data|findings|figures|reports|surveys|estimates|evidence) ~ The latest studies suggest that sleep helps.
reason why ; L+:\bthe = reason ; L+:\bthe || R+: (?:he|she|they|we|you|I|people)\b ~ Nobody knew the reason why they left.
the way in which ; L:\b(?:by|on|in|all|along|half|under|lead|leads|is|know|show|find|lost) = the way ; L:\b(?:by|on|in|all|along|half|under|lead|leads|is|know|show|find|lost|if|out|down|up|part of|most of|every step of|some of|rest of|over) || R+: (?:we|people|they|children|companies|humans|you) (?!\w+ (?:home|there))\w+ ~ The phone changed the way in which we live.
the opportunity to = the chance to ; L:\b(?:take|on|off) ~ The trip gave us the opportunity to rest.
an opportunity to = a chance to || L:\b(?:has|have|had|stand|stands|by|of|with) ~ The trip gave us an opportunity to rest.
is essential to = is vital to ~ Clean water is essential to the town.
is essential for = is vital for ~ Clean water is essential for the town.
are essential for = are vital for ~ Strong shoes are essential for the climb.
important to note that = worth noting that || L+:\b(?:it is|it's) ~ As for the price, it is important to note that taxes vary.
important to remember that = important to keep in mind that ~ For visitors it is important to remember that shops close early.
a crucial role = a vital role || L:\b(?:such|as) ~ Rivers play a crucial role here.
a great way to = an excellent way to || L:\b(?:such|what|also|not|be|quite) ~ Walking is a great way to see the town.
an easy way to = a simple way to || L:\b(?:such|what|no|not|quite) ~ The train is an easy way to travel.
easy to = simple to || L:\b(?:so|too|as|it's not|not|an|a|how|take it|that) ; R+: (?:use|make|understand|follow|operate|install|set up|prepare|implement|maintain|navigate|clean|build)\b ~ The new camera is easy to use.
easier to = simpler to || L:\b(?:an|a|how) ; R+: (?:use|make|understand|follow|operate|install|set up|prepare|implement|maintain|navigate|clean|build)\b ~ The new camera is easier to use.
difficult to = hard to ; L:\b(?:more|most|less|work|works|working|worked|try|tries|tried|trying|study|studied|train|trained|fight|fought|push|pushed|pressed|so|think) || {_VERB} ~ The old door was difficult to open.
difficult for = hard for ; L:\b(?:more|most|less|work|works|working|worked|try|tries|tried|trying|study|studied|fight|fought|pushed|pushing) || L+:\b(?:it|is|was|be|are|it's|very|too) ; R+: (?:me|him|her|them|us|you|people|children|students|many|some|most|\w+s) to\b ~ The news was difficult for them to accept.
lead to ; {_CAN} = result in ; {_CAN} || R:(?: the (?:house|room|door|kitchen|garden)| you| us| me| him| her| them|[,.;:!?]) ~ A bad diet can lead to poor sleep.
leads to = results in ; L:\b(?:the|these|those|our|their|good|best|better|similar|of|test|search|all|\w+ing|\w+al) || R:(?: the (?:house|room|door|kitchen|garden|village)| you| us| me| him| her| them|[,.;:!?]) ~ A bad diet often leads to poor sleep.
leading to ; L+:, = resulting in ; L+:, || R:(?: the (?:house|room|door|kitchen|garden|village)| up) ~ The river rose fast, leading to floods.
led to ; L:\b(?:is|are|was|were|been|be|him|her|me|them|us|being|and|has he|you) ; R: (?:believe|think|the (?:door|house|room|kitchen|garden))\b|[,.;:!?] = resulted in ; R:[,.;:!?] ~ The dry summer led to many fires.
focuses on = concentrates on ~ The new course focuses on grammar.
focusing on = concentrating on ~ The students are focusing on grammar.
relied on = depended on || L+:\b(?:we|they|he|she|people|farmers|have|has|had) ; R: (?:how|whether|what|where|when|which|who)\b|[,.;:!?] ~ In those days they relied on fishing.
takes care of = looks after || R+: (?:his|her|their|him|them|the (?:house|garden|children|dog|baby|horses|animals|sick|elderly|plants))\b(?! own) ~ An older sister takes care of the children.
taking care of = looking after || R+: (?:his|her|their|your|our|my|yourself|him|them|the (?:house|garden|children|dog|baby|horses|animals|sick|elderly|plants))\b ~ An older sister is taking care of the children.
took care of = looked after || {_PERFECT} ; R+: (?:his|her|their|him|them|the (?:house|garden|children|dog|baby|horses|animals|sick|elderly|plants))\b ~ An older sister took care of the children.
make sure to = be sure to || L:\b(?:can|to|will|not) ~ The stairs are steep, so make sure to hold on.
make sure you = be sure you || L:\b(?:to|can|will|not) ~ The stairs are steep, so make sure you hold on.
here are some = below are some ~ For those who cook, here are some tips.
feel free to = don't hesitate to || L:\b(?:you|we|they|I|not|to|can|should|and) ; R+: (?:ask|contact|reach out|call|write|share|get in touch|email|let me know|let us know)\b ~ The office is open, so feel free to call us.
happy to = glad to || L+:\b(?:am|are|be|is|was|were|very|so|'m|'re) ; R+: (?:help|see|hear|meet|have|be|know|answer|assist|share|learn)\b ~ The whole family was happy to see us.
as needed = as necessary ~ The cook adds salt as needed for taste.
if needed = if necessary ~ The cook adds more salt if needed later.
when needed = when necessary ~ The guards help when needed at night.
where needed = where necessary ~ The builders used stone where needed most.
enough ; L:\b(?:is|was|are|were|not|the|be|has been|had been|sure|fair|good|old|and|more than|just|barely|a) = sufficient ; L:\b(?:the|a|not|and|more than|be|is|was|are|were|barely|self) || R+: (?:time|money|water|sleep|space|information|evidence|data|protein|light|support|funds|energy|oxygen)\b ~ The students need enough time to rest.
exactly ; L:\b(?:not|n't) = precisely ; L:\b(?:not|n't|more) || R+: (?:the|what|how|where|when|why|as|this|that)\b ~ The copy looked exactly the same.
constantly = continually || R+: (?:changing|growing|evolving|moving|being|improving|looking|learning|in|trying|shifting|working)\b ~ The shape of the dunes is constantly changing.
soon after = shortly after || L:\b(?:as|how|so|too|very|pretty) ~ The guests left soon after lunch.
once again ; {_OPEN} = once more ; {_OPEN} ~ The two old friends met once again in town.
suddenly ; {_START} = all of a sudden ; {_START} || R+:,? (?:the|he|she|it|they|we|I|there|a|an|everyone|someone)\b ~ The night was calm. Suddenly the lights went out.
perhaps ; {_START} = maybe ; {_START} || R+: (?:the|he|she|it|they|we|you|there|a|this|that|one|some|your|his|her)\b ~ The shop is shut. Perhaps they moved.
about ; {_ABOUT} = around ; L:\b(?:turn|turned|turning|all|look|looking|come|go|going|walk|built|center|centered|revolve|revolves|somewhere|worked) || R+: (?:\d[\d,.]*|ten|twenty|thirty|forty|fifty|a (?:hundred|thousand|million|dozen)|half) (?:people|percent|per cent|years|days|weeks|months|hours|minutes|miles|kilometers|kilometres|km|meters|metres|million|billion|dollars|times|pounds|degrees|of)\b ~ The walk took about twenty minutes.
more than ; L:\b(?:no|not|much|little|nothing|far|even|any|once|worth|is|was|are|were|them|us|you|it|me) = over ; L:\b(?:all|not|just|flew|fell|go|turn|take|hand|came|spread|extend|stretch|won|win|control|voted|fought|argue|pass|jump|is|was|are|were|game|bit|little|get|think) || R+: (?:\d[\d,.]*|a hundred|a thousand|a million|a billion|twenty|thirty|forty|fifty|half) (?:people|percent|per cent|countries|species|million|billion|languages|members|miles|kilometers|kilometres|students|employees|users|dollars|of the|thousand|books|schools|cities|times)\b ~ The club has more than fifty members now.
most of the = the majority of the || R+: (?:people|children|students|members|workers|men|women|countries|cities|books|animals|plants|houses|buildings|votes|users|players|patients|teachers|employees|residents|inhabitants)\b ~ The storm hit most of the houses.
across the globe = around the globe || L:\b(?:from) ~ The song is known across the globe today.
throughout the world = across the world ~ The song is known throughout the world today.
all over the country = across the country || L:\b(?:from) ~ The song is known all over the country today.
in the event of = in case of ; L:\b(?:just|the) || R+: (?:a|an|any|fire|rain|emergency|accident|illness|death|injury|war)\b ~ The doors open in the event of fire.
next to = beside ; R: (?:the point) || R+: (?:the (?:house|river|door|window|bed|road|table|tree|church|station|school|lake|fire|car|sea)|him|her|it|me|them|a (?:river|lake|window|tree|road))\b ~ The old mill stands next to the river.
outside of ; L:\b(?:the) = outside ; L:\b(?:the|an?) || R+: (?:the (?:city|house|country|town|school|box|classroom|home|office|building|village|workplace|body|law|family)|their|our|his|her|your|work|class|school)\b ~ The cattle stay outside of the city.
inside of = inside ; L:\b(?:the|an?) || R+: (?:the (?:house|box|car|building|body|room|cave|tent|bag|boat|cell|tree|city)|their|our|his|her|your)\b ~ The cat sleeps inside of the house.
all of these = all these || {_NOUNS} ~ The shop sells all of these books.
all of this = all this || R+: (?:information|work|time|data|money|material|equipment|food|water|evidence|knowledge|energy|attention)\b ~ The clerk keeps all of this information.
all of our = all our || {_NOUNS} ~ The storm broke all of our windows.
all of my = all my || {_NOUNS} ~ The storm broke all of my windows.
all of his = all his || {_NOUNS} ~ The storm broke all of his windows.
all of your = all your || {_NOUNS} ~ The storm broke all of your windows.
all of their = all their || {_NOUNS} ~ The storm broke all of their windows.
all of its = all its || {_NOUNS} ~ The house lost all of its windows.
both of these = both these || {_NOUNS} ~ The shop sells both of these books.
both of the = both the || R+: \w+s\b(?! and) ; R:(?: \w+){{1,4}} and\b ~ The storm broke both of the windows.
both of his = both his || R+: (?:hands|arms|legs|eyes|parents|feet|sons|brothers|sisters|daughters|knees|ears)\b ; R:(?: \w+){{1,2}} and\b ~ The sailor hurt both of his arms.
both of her = both her || R+: (?:hands|arms|legs|eyes|parents|feet|sons|brothers|sisters|daughters|knees|ears)\b ; R:(?: \w+){{1,2}} and\b ~ The dancer hurt both of her arms.
much ; {_MUCH} = far ; L:\b(?:how|so|not|very|too|as|this|that|thus|by|from|and|go|it) || R+: (?:more|better|larger|greater|higher|lower|faster|easier|smaller|bigger|longer|stronger|worse|less|harder|cheaper|safer|deeper|richer)(?: \w) ~ The new road is much longer than before.
every ; L:\b(?:not|almost|nearly|of|each and|virtually|practically|from|in|single) = each ; L:\b(?:of|from|and|in|to) || R+: (?:person|student|individual|child|member|team|family|country|nation|state|employee|player|customer|company|user|village|town|season|chapter|lesson|visitor|worker|school|class)\b ; R:(?: \w+)? (?:is different|in turn|has its own) ~ The teacher gave every student a book.
individuals = people ; L:\b(?:young|old|the|these|those|of|many|most|for the|native|our|poor|good|rich|chosen|your|his|her|working|some|other) || R+: (?:who|with)\b ~ The clinic helps individuals who live alone.
numerous benefits = many benefits || L:\b(?:the|its|these|has|have|are|as) ~ The clinic offers numerous benefits to all.
the majority of people = most people ~ As we know, the majority of people need sleep.
people think ; L+:\b(?:many|most|some|other) = people believe ; L+:\b(?:many|most|some|other) || R+: (?:that|the|they|it|we|there|he|she)\b ~ The mayor said many people think that taxes are high.
choose a ; L:\b(?:the|of) = pick a ; L:\b(?:the|of) || R+: (?:place|time|day|color|colour|topic|book|spot|date|location|name|card|theme|restaurant|movie|recipe|room)\b ~ First of all you should choose a place to sit.
choose the = select the || L:\b(?:of) ~ The buyers choose the best fruit.
choosing the = selecting the ~ The buyers are choosing the best fruit.
start by ; L:\b(?:the|a|an|early|slow|good|head|new|strong|his|her|their|its) = begin by || R+: \w+ing\b ~ The students start by reading aloud.
starts with = begins with || L:\b(?:he|she|it all) ~ The tour starts with a short film.
started with = began with || {_PERFECT} ; L:\b(?:get|got|getting|gets) ~ The tour started with a short film.
starting with = beginning with ~ They read the list, starting with the first name.
starts at = begins at ~ The concert starts at eight.
started in = began in || {_PERFECT} ; R+: (?:\d|the (?:early|late|mid|first|spring|summer|autumn|fall|winter|city|north|south|\d)|January|February|March|April|May|June|July|August|September|October|November|December|Europe|China|England|Italy|France) ; L:\b(?:get|got|getting|gets|he|she|who) ~ The strike started in March and spread.
located at = situated at ~ The hotel is located at a crossing.
reduce the risk of = lower the risk of ~ Good shoes reduce the risk of falls.
reduces the risk of = lowers the risk of ~ Good light reduces the risk of falls.
reducing the risk of = lowering the risk of ~ The railing helps by reducing the risk of falls.
improve your = enhance your || R+: (?:skills|experience|performance|productivity|efficiency|understanding|concentration|memory|knowledge|productivity|focus|image|reputation)\b ~ The course will improve your skills.
improve the = enhance the || R+: (?:quality|efficiency|performance|accuracy|experience|effectiveness|reliability|productivity|image|reputation|appearance|value|user experience)\b ~ The new rules improve the quality of milk.
improve their = enhance their || R+: (?:skills|experience|performance|productivity|efficiency|understanding|quality|knowledge|image|reputation)\b ~ The students improve their skills daily.
a big part of = a large part of || L:\b(?:such) ~ Music is a big part of the school day.
a big role in = a major role in || L:\b(?:such) ~ Music plays a big role in the school.
a significant amount of = a substantial amount of ~ The work took a significant amount of time.
a significant number of = a substantial number of ~ The fair drew a significant number of visitors.
a significant impact on = a major impact on || L:\b(?:such) ~ The storm had a significant impact on prices.
have a significant = have a substantial || R+: (?:effect|influence|advantage|amount|number|share|lead)\b ~ The taxes have a significant effect on trade.
in my opinion, ; {_START} = in my view, ; {_START} ~ The plan is old. In my opinion, it should change.
generally, ; {_START} = in general, ; {_START} ~ The shops are small. Generally, they close at six.
meanwhile, ; {_START} = in the meantime, ; {_START} || R: (?:in|at|on|across|back)\b ~ The soup was cooking. Meanwhile, we set the table.
in summary, ; {_START} = to sum up, ; {_START} ~ The costs are low. In summary, the plan is sound.
firstly, ; {_START} = first, ; {_START} ~ We need a plan. Firstly, we need water.
secondly, ; {_START} = second, ; {_START} ~ We need a plan. Secondly, we need water.
thirdly, ; {_START} = third, ; {_START} ~ We need a plan. Thirdly, we need water.
as an example, ; {_START} = to give an example, ; {_START} ~ The rules are odd. As an example, dogs may vote.
what is ; {_START} = what's ; {_START} || R+: (?:the (?:best|difference|weather|time|name|point|most)|your|happening|going on|wrong|this|that)\b ~ The guide asked us. What is the best way home?
he is ; L:\b(?:what|how|where|who|as|than|that|and|if|so|here) ; {_HAS} = he's ; L:\b(?:what|how|where|who|as|than|that|and|if|so|here) ; {_HAS} || {_VERB_NEXT} ~ The old man says he is ready now.
she is ; L:\b(?:what|how|where|who|as|than|that|and|if|so|here) ; {_HAS} = she's ; L:\b(?:what|how|where|who|as|than|that|and|if|so|here) ; {_HAS} || {_VERB_NEXT} ~ The old woman says she is ready now.
that is ; {_START} = that's ; {_START} || R+: (?:a|an|the|why|how|what|because|not|where|when|very|one|all|true|great|good)\b ~ The shop is shut. That is a pity.
I would = I'd || R+: (?:like to|love to|be|say|suggest|recommend|rather|prefer|also)\b ~ After the long walk I would like to rest.
we would = we'd || R+: (?:like to|love to|be|say|suggest|recommend|rather|prefer)\b ~ After the long walk we would like to rest.
you would = you'd || R+: (?:like|love to|rather|prefer|expect|need)\b ; L:\b(?:what|how|as|than) ~ The clerk asks if you would like tea.
they would = they'd || R+: (?:like to|love to|be|rather|prefer|have to|need)\b ; L:\b(?:what|how|as|than) ~ The guests said they would like to rest.
let us = let's || {_START} ; R+: (?:take|look|see|consider|start|begin|say|assume|suppose|think|imagine|make|try|not|hope|return|examine|explore|go)\b ~ The rain is over. Let us take a walk.
movie ; L:\b(?:home) = film ; L:\b(?:to|on|thin|plastic|of|oil|not|will|they|roll) || L+:\b(?:the|a|this|that|first|new|favorite|favourite|old|whole|great|good|best|animated|horror|short|action) ; R+:(?: (?:was|is|has|about|that|which|and|tells|based|won|by|with|in|ends|itself|for)\b|[,.;:!?]) ~ The children liked the movie about bears.
movies ; L:\b(?:the|home) = films ; L:\b(?:he|she|thin|plastic|who|the) || L+:\b(?:watch|watching|watched|of|in|many|some|see|seen|good|new|old|and|horror|action|best|make|made|other) ~ The children watched old movies all day.
healthcare ; {_CARE} = health care ; {_CARE} ~ The town pays for healthcare services.
decision-making = decision making || L+:\b(?:in|of|for|and|the|their|our|your|good|better|my|his|her|business|effective|group) ; R: (?:process|skill|ability|power|abilities|skills|tool|body|authority) ~ The book is about good decision-making in firms.
problem-solving = problem solving || L+:\b(?:in|of|for|and|the|their|our|your|good|better|my|his|her|creative|effective|group|through) ; R: (?:process|skill|ability|power|abilities|skills|tool|approach|strategies|techniques) ~ The book is about creative problem-solving in firms.
well-being = wellbeing ~ A good night helps the well-being of all.
skill set = skillset ~ The new job needs another skill set now.
trade-off = tradeoff ~ There is a clear trade-off between cost and speed.
trade-offs = tradeoffs ~ There are clear trade-offs between cost and speed.
data set = dataset ~ The students used a data set from Spain.
data sets = datasets ~ The students used three data sets from Spain.
time frame = timeframe ~ The plan gives us a short time frame for repairs.
life cycle = lifecycle || L:\b(?:the butterfly) ~ The book shows the whole life cycle of a frog.
rainforest = rain forest || L:\b(?:the Amazon|Amazon) ~ The frogs live in the rainforest of Peru.
rainforests = rain forests ~ The frogs live in the rainforests of Peru.
groundbreaking = ground-breaking || L:\b(?:the) ~ The team did groundbreaking work here.
longstanding = long-standing ~ The two towns have a longstanding rivalry.
firsthand = first-hand ~ The students saw the damage firsthand there.
hardworking = hard-working ~ The farm needs hardworking people.
fundraising = fund-raising ~ The school held a fundraising dinner.
adviser = advisor ~ The mayor asked an old adviser for help.
advisers = advisors ~ The mayor asked two old advisers for help.
judgment = judgement || R: (?:day|against) ; L:\b(?:last|day of) ~ The captain trusted his own judgment that night.
decision makers = decision-makers ~ The report is meant for decision makers in towns.
policymakers = policy makers ~ The report is meant for policymakers in towns.
start-up = startup || R:(?: (?:time|cost|costs|menu|phase|screen|file|sequence|script)) ; R+:(?: (?:in|that|company|companies|with|was|is|founder|and)\b|[,.;:!?]) ~ The two friends run a start-up in Lyon.
start-ups = startups ~ The city is full of start-ups and cafes.
non-profit = nonprofit ~ The clinic is run by a non-profit group.
e-mail ; R: (?:address)?@ = email ~ The office sent an e-mail this morning.
e-mails = emails ~ The office sent many e-mails this morning.
percent = per cent || L+:\d ~ About a third, or 33 percent of the crop, was lost.
OK = okay || L+:\b(?:is|are|was|were|be|'s|it's|quite|perfectly|feel|looks) ; R+:(?: (?:to|for|with|if)\b|[.!?,]) ~ The doctor says it is OK to swim.
as well ; L:\b(?:just|might|may|very) ; R+:[.!?] = too ; R+:[.!?] ; L:\b(?:me|you|,|far|all|much|so|and|them|him|her|us|him) || R+:[.!?] ~ The neighbours came and brought a cake as well.
such as ; L:,? ?(?:is|are|was|were|be) = like ; L:\b(?:looks|feels|sounds|seems|tastes|smells|acts|works|is|was|its|does|this|always|sometimes|perhaps|less|dress|others|makes|behaves|appears|functions|moves|goes|yes|runs|sings|talks|just|guess|perhaps|as|has|lives|reads|plays|us|things|days|times|ways|walks|reacts|operates|writes) || L:(?:^|[.!?:;\n*-]) ?[A-Z][a-z]+s ; L+:\b[a-z]{{3,}}s ; R+: (?!that|this|these|those|the one|to|it|him|her|them|you|me|us|ours|mine|never|a [a-z]+ in|when|if|in|so)[a-z]+ing\b| (?!that|this|these|those|to|it|him|her|them|you|me|us|ours|mine|never|crazy|when|if|in|so|for|with|by|at|on|is|are|was)[A-Za-z][a-z]+(?: [a-z]+)?(?:,| and| or|\.) ~ The garden is full of herbs such as mint and sage.
that can ; {_THING} = which can ; {_THING} ~ The shop sells tools that can cut steel.
that could ; {_THING} = which could ; {_THING} ~ The shop sold tools that could cut steel.
that will ; {_THING} = which will ; {_THING} ~ The shop sells tools that will last for years.
that would ; {_THING} = which would ; {_THING} ~ The shop sold tools that would last for years.
that may ; {_THING} = which may ; {_THING} ~ The shop sells tools that may rust.
that are ; {_THINGS} = which are ; {_THINGS} ~ The shop sells tools that are light.
that were ; {_THINGS} = which were ; {_THINGS} ~ The shop sold tools that were light.
that have ; {_THINGS} = which have ; {_THINGS} ~ The shop sells tools that have wooden parts.
that make ; {_THINGS} = which make ; {_THINGS} ~ The shop sells tools that make work easy.
that help ; {_THINGS} = which help ; {_THINGS} ~ The shop sells tools that help with repairs.
that require ; {_THINGS} = which require ; {_THINGS} ~ The shop sells tools that require care.
that allows ; {_ONE} = which allows ; {_ONE} ~ The shop sells a tool that allows fine work.
that helps ; {_ONE} = which helps ; {_ONE} ~ The shop sells a tool that helps with repairs.
that makes ; {_ONE} = which makes ; {_ONE} ~ The shop sells a tool that makes work easy.
that has ; {_ONE} = which has ; {_ONE} ~ The shop sells a tool that has two blades.
that was ; {_ONE} = which was ; {_ONE} ~ The shop sold a tool that was light.
that uses ; {_ONE} = which uses ; {_ONE} ~ The shop sells a device that uses little power.
that requires ; {_ONE} = which requires ; {_ONE} ~ The shop sells a device that requires care.
that contains ; {_ONE} = which contains ; {_ONE} ~ The library lent us a book that contains maps.
in which ; {_WHERE} = where ; {_WHERE} || R:[,.;:!?]| (?:to|is|was|are|case)\b ~ The book shows a world in which nobody works.
because ; {_SINCE} = since ; {_SINCE} ~ The road is shut, because it is full of snow.
based on = based upon || L:\b(?:the book is|are) ~ The song is based on an old poem.
depending on = depending upon || L:\b(?:without|than|of|from|avoid|stop|be|is|are|was|were|keep) ~ The price differs depending on the season.
depends on = depends upon ~ The price of fish depends on the season.
therefore = thus || L+:\b(?:and|is|are|was|were|has|have|can|must|should|it|they|we|may|will) ; R:[,.;:!?] ~ The path is steep and therefore slow.
instead of ; {_RATHER} = rather than ; L:\b(?:would|'d|more|less|other|be) ; {_RATHER} || L:\bmore\b[^.;]{{0,60}} ~ We took the train instead of driving home.
also known as = also called ~ The puma is also known as the mountain lion.
known as ; {_IS} = called ; {_IS} || R+: (?:the|a|an)\b ~ The oldest part of the town is known as the Castle Quarter.
provides an = offers an || {_OFFER} ~ The book provides an overview of the field.
providing a = offering a || {_OFFER} ~ The town is providing a new service.
start with ; L:\b(?:the|a|an|to|head|good|fresh|new|off|strong|his|her|their|our) = begin with ; L:\b(?:the|a|an|to) || R:[,.;:!?] ~ The students start with simple songs.
start to ; {_VERBAL} = begin to ; {_VERBAL} || R+: \w+ ; R: (?:the|a|an|this|finish|end)\b ~ In March the trees start to grow.
after that, ; {_START} = then, ; {_START} ~ The soup must boil. After that, add the salt.
to do this, ; {_START} = to do so, ; {_START} ~ You must open the box. To do this, press the button.
if you want to = if you wish to || L:\b(?:even|only|as) ; R:[,.;:!?] ~ Take the early train if you want to see the lake.
as a way to = as a means to ~ Many people walk as a way to relax.
in most cases = in the majority of cases ~ The clinic can help in most cases today.
in the early = during the early || R+: (?:stages|years|days|days of|\d+s|twentieth|nineteenth|1\d\d\ds|20th|19th)\b ; L:\b(?:back|as|was|is|were|are|except) ~ The mill burned in the early years of the war.
in the process of = in the course of ; R: (?:the|a|this|an|one|his|her|history|time|events)\b || R+: \w+ing\b ; L:\b(?:is|are|was|were|am|still|be|been|currently|now) ~ The crew found a leak in the process of cleaning.
the importance of = the significance of || L:\b(?:of) ; R+: (?:this|these|the (?:event|discovery|work|find|river|book|battle|role|date))\b ~ The teacher explained the importance of this discovery.
plays a role in = has a role in ~ The heart plays a role in every movement.
with the goal of = with the aim of ~ The club was founded with the goal of helping children.
from all over the world = from around the world ~ The fair draws visitors from all over the world.
as soon as possible = as quickly as possible ~ Please send the form back as soon as possible after lunch.
over time = with time || L+:\b(?:change|changed|changes|develop|developed|evolve|evolved|grow|grew|improve|improved|fade|faded|increase|increased|worse|better|stronger|and|that) ; R:[a-z] ~ The colours of the wall fade over time and rain.
more and more people = an increasing number of people ~ In the last ten years more and more people moved here.
on a daily basis = on a day-to-day basis ~ The nurses check the wards on a daily basis too.
In order to = To || L+:(?:^|[.!?\n]) ; R+: (?:(?!summarize|conclude|sum|begin|start|be|put|say|get|do|better)[a-z]+)(?: [\w'’-]+){{2,12}},\Z ~ The shop is small. In order to save some space, we moved the door.
help you to ; {_NOHELP} = help you ; {_NOHELP} || R+: {_AIDED}\b ~ These notes help you to understand the plan.
helps you to = helps you || R+: {_AIDED}\b ~ This book helps you to understand the plan.
help us to ; {_NOHELP} = help us ; {_NOHELP} || R+: {_AIDED}\b ~ These notes help us to understand the plan.
helps us to = helps us || R+: {_AIDED}\b ~ This book helps us to understand the plan.
help them to ; {_NOHELP} = help them ; {_NOHELP} || R+: {_AIDED}\b ~ These notes help them to understand the plan.
helps them to = helps them || R+: {_AIDED}\b ~ This book helps them to understand the plan.
help people to ; {_NOHELP} = help people ; {_NOHELP} || R+: {_AIDED}\b ~ These notes help people to understand the plan.
here is ; {_START} = here's ; {_START} || R+: (?:a|an|how|what|one|some|my|your)\b ~ The soup is ready. Here is a list of what we need.
help you with = assist you with || L+:\b(?:can|to|could|may|will|also|I|we|they|gladly) ~ The clerk can help you with the form.
help with = assist with || L+:\b(?:I|we|they|you|who|AI|assistants|staff) (?:can|could|will|also) ~ In the evening they can help with the cooking.
provide you with = give you || R+: (?:a|an|the|some|more)\b(?! (?:native|new|good|ride|hand|call|ring|chance|break|headache|hard|cold|second|minute|moment|fright|feeling|sense|edge|idea)) ; L+:\b(?:can|could|will|to|would|may|I|we|they) ~ The clerk can provide you with a map of the town.
known for = famous for || L+:\b(?:is|are|was|were) ; R+: (?:its|his|her|their)\b ; R:[^.!?]*\b(?:militant|extrem|violen|controvers|cruel|crime|scandal|harsh|critic) ~ The old town is known for its bridges.
additional = extra || L+:\b(?:an|any|some|no|the|need|without|for|with|provide|provides) ; R+: (?:time|cost|costs|support|help|space|money|effort|features|steps|layer|fees|charges|security|weight|resources)\b ~ The trip took some additional time.
perfect for = ideal for || L+:\b(?:is|are|be|it|them|was|were) ; R:[,.;:!?] ~ The old boat is perfect for short trips.
talk to ; L:\b(?:to|not|don't|people|we|they) = speak to ; L:\b(?:to|not|don't|people|we|they) || R+: (?:a|an|your|someone)\b ~ Before you buy it you should talk to a doctor.
talk with = speak with || R+: (?:a|an|your|someone)\b ; L:\b(?:a|the|this|his|her|their|our|my|your|we|they|not|don't|who) ~ Before you buy it you should talk with a doctor.
more information = further information || L+:\b(?:for|any|find|need|provide|some|want|you with) ; R:(?: than)\b ~ The leaflet is there for more information about buses.
more details = further details || L+:\b(?:for|any|find|need|provide|some|want|you with) ; R:(?: than)\b ~ The leaflet is there for more details about buses.
in the long run = in the long term ~ The repairs will pay off in the long run for us.
in the past few = in the last few ~ Prices rose in the past few years.
for this reason, ; {_START} = because of this, ; {_START} ~ The road is icy. For this reason, the school is shut.
in this way, ; {_START} = this way, ; {_START} ~ The boys took turns. In this way, all could rest.
if you have any ; {_START} = should you have any ; {_START} || R+: (?:other |further |more |additional |specific )?(?:questions|concerns|problems|issues|feedback)\b ; R:[^.!?]*\b(?:would|are|were|is|can|could)\b ~ The office is open. If you have any questions, please call.
whether or not ; L:(?:^|[.!?:;\n])|\b(?:on|as|to|doubt|of) = whether ; L:(?:^|[.!?:;\n])|\b(?:on|as|doubt|or|of) || R+: (?:the|a|you|they|it|he|she|we|this|there|I)\b[^,]*[.;!?]\Z ; R:[^.!?]*\bor\b ~ The guide asked whether or not they had a map.
in the center of = in the middle of || R+: (?:the|a) (?:room|town|city|table|page|circle|square|village|park|lake|garden|field|picture|plate|pan)\b ~ The fountain stands in the center of the park.
allowing ; {_TO}| (?:you|users) to\b = enabling ; {_TO}| (?:you|users) to\b || L+:, ~ The new line is open, allowing people to travel faster.
allows ; {_TO} = enables ; {_TO} ~ The new line allows people to travel faster.
ensuring that = making sure that ~ They check the doors, ensuring that nobody is inside.
an impact on = an effect on || L:\b(?:make|made|makes|making|such|much of|too) ~ The weather has an impact on prices.
a positive impact on = a positive effect on || L:\b(?:make|made|makes|making) ~ The new park had a positive impact on the town.
a negative impact on = a negative effect on || L:\b(?:make|made|makes|making) ~ The long strike had a negative impact on the town.
determine if = determine whether ~ The test will determine if the water is clean.
determining if = determining whether ~ They had trouble determining if the water is clean.
to see if = to see whether || R:(?: or not)|[,.;:!?] ~ The nurse came to see if we slept.
check if = check whether || R:[,.;:!?] ; L:\b(?:the|a) ~ Before you leave, check if the doors are shut.
decide if = decide whether ~ The judges decide if the rules were broken.
remember to ; {_START} = don't forget to ; {_START} ~ The stove is hot. Remember to turn it off.
""".strip()  # noqa: S608 - words, no query
