"""English words that can stand for each other, both ways: curated by hand, one pair a line.

`a = b`; behind a semicolon `L:` says what must not stand before the word, `R:` what must not follow it (regular
expressions), where it means something else. A pair is here only if a reader would take either wording in
nearly every sentence that has the other. Inflections are lines of their own.
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
_THAT = r"R:(?! (?:he|she|we|they|I)\b)"
# As plain verbs, not after an article or an adjective.
_NOUN = (
    r"L:(?:\b(?:a|an|the|his|her|its|their|our|my|your|this|that|no|any|some|every|each|first|second|last|new|good|great|"
    r"early|fresh|better|another|one|\w+ous|\w+ful)) "
)

PAIRS = rf"""
do not ; R: (?:only|just)\b = don't ; {_ASKED}
does not ; R: (?:only|just)\b = doesn't ; {_ASKED}
did not ; R: (?:only|just)\b = didn't ; {_ASKED}
is not ; R: (?:only|just)\b|[,.;:!?] = isn't ; {_ASKED}|[,.;:!?]
are not ; R: (?:only|just)\b|[,.;:!?] = aren't ; {_ASKED}|[,.;:!?]
was not ; R: (?:only|just)\b|[,.;:!?] = wasn't ; {_ASKED}|[,.;:!?]
were not ; R: (?:only|just)\b|[,.;:!?] = weren't ; {_ASKED}|[,.;:!?]
has not ; R:[,.;:!?] = hasn't ; {_ASKED}|[,.;:!?]
have not ; R:[,.;:!?] = haven't ; {_ASKED}|[,.;:!?]
had not ; R:[,.;:!?] = hadn't ; {_ASKED}|[,.;:!?]
could not ; R: (?:only|just)\b = couldn't ; {_ASKED}
would not ; R: (?:only|just)\b = wouldn't ; {_ASKED}
should not ; R: (?:only|just)\b = shouldn't ; {_ASKED}
will not ; R: (?:only|just)\b = won't ; {_ASKED}
cannot ; R: (?:only|but|help)\b = can't ; {_ASKED}| (?:only|but|help)\b
it is ; L:\b(?:what|how|where|who|as|than|that) ; {_HAS} = it's ; L:\b(?:what|how|where|who|as|than|that) ; {_HAS}
there is ; L:\b(?:what|how|where|who|as|than|that|all) ; R:[,.;:!?] = there's ; L:\b(?:what|how|where|who|as|than|that|all) ; R: been\b|[,.;:!?]
I am ; L:\b(?:what|how|where|who|as|than|and|that) ; R:[,.;:!?] = I'm ; L:\b(?:what|how|where|who|as|than|that) ; R:[,.;:!?]
you are ; L:\b(?:what|how|where|who|as|than|and) ; R:[,.;:!?] = you're ; L:\b(?:what|how|where|who|as|than) ; R:[,.;:!?]
we are ; L:\b(?:what|how|where|who|as|than|and) ; R:[,.;:!?] = we're ; L:\b(?:what|how|where|who|as|than) ; R:[,.;:!?]
they are ; L:\b(?:what|how|where|who|as|than|and) ; R:[,.;:!?] = they're ; L:\b(?:what|how|where|who|as|than) ; R:[,.;:!?]
I have been = I've been
we have been = we've been
you have been = you've been
they have been = they've been
I will ; L:\b(?:as|than|what|free) ; R:[,.;:!?] = I'll ; R:[,.;:!?]
we will ; L:\b(?:as|than|what) ; R:[,.;:!?] = we'll ; R:[,.;:!?]
you will ; L:\b(?:as|than|what) ; R:[,.;:!?] = you'll ; R:[,.;:!?]
they will ; L:\b(?:as|than|what) ; R:[,.;:!?] = they'll ; R:[,.;:!?]
she will ; L:\b(?:as|than|what) ; R:[,.;:!?] = she'll ; R:[,.;:!?]
he will ; L:\b(?:as|than|what) ; R:[,.;:!?] = he'll ; R:[,.;:!?]
it will ; L:\b(?:as|than|what) ; R:[,.;:!?] = it'll ; R:[,.;:!?]
nevertheless = nonetheless
moreover = furthermore
for example = for instance
although = though ; L:\b(?:even|as) ; R:[,.;:!?]
quickly = rapidly
completely = entirely
totally = utterly
nearly ; R: (?:as|every|any|enough|so) = almost ; R: (?:as|every|any|no|none|never|nothing|anything|certainly|everyone|everything|too|nobody|like)\b
rarely = seldom
sometimes = occasionally
immediately ; R: (?:after|before|following|adjacent|above|below|recogni|clear|obvious|apparent) = instantly ; R: (?:recogni|clear|obvious|apparent)
approximately = roughly ; R: (?:handled|treated|the same|equal|translated|hewn|cut|made)\b|[,.;:!?]
mainly = primarily
particularly ; R: (?:since|when|if|as|in|because|after) = especially ; R: (?:since|when|if|as|in|because|after|for)
easily ; R: (?:the|one of) = readily
extremely = exceedingly
significantly ; L:\b(?:statistically|not) = substantially
currently = presently
eventually = ultimately
fortunately = luckily
similarly, = likewise,
accordingly, ; L:[^.!?\s] = consequently, ; L:[^.!?\s]
therefore, = thus,
afterward = afterwards
toward = towards
anyone ; L:\b(?:for) ; R:'s = anybody ; R:'s
everyone ; R:'s = everybody ; R:'s
someone ; R:'s| else = somebody ; R:'s| else
no one ; R:'s| (?:can match) = nobody ; L:\b(?:a|mere) ; R:'s
despite = in spite of
instead of = in place of ; R: (?:the \w+\.)
with regard to = with respect to
several ; L:\b(?:the|these|those|its|his|her|their|our|my|your|joint|and) ; R: (?:of|times|hundred|thousand|million|dozen|billion)\b = a number of ; R: (?:the|these|those|times)
a variety of = a range of ; L:\b(?:in|over|at|within|has|have)
a great deal of = a good deal of
a lot of ; R: (?:the|this|that|it|them|us|these|those)\b = lots of ; L:\b(?:the|several|two|three|in) ; R: (?:the|this|that|it|them|us|these|those|land)\b
at first ; R: (?:glance|sight|light|hand|base|and|in)\b = initially ; L:\b(?:the|a|an|its|their|this|that|was|were|been|be|are|is|had|have|has|and)
as a result = as a consequence
as if = as though
as long as ; L:\b(?:twice|times|for|just|nearly|almost|last|lasted|is|was|are|were|about) ; R: (?:the|a|an|\d)\b = so long as ; L:\b(?:not|last) ; R: (?:the|a|an)\b
so far ; L:\b(?:and) ; R: (?:as|away|from|off|that|apart|back|out|in|into|behind|beyond|ahead|above|below)\b = thus far ; R: (?:from|and)\b
in contrast, = by contrast,
in conclusion, = to conclude,
in short, = in brief,
first of all, = to begin with,
in other words, = put differently,
all over the world = around the world
over and over again = again and again
little by little = bit by bit
each other ; R:'s| (?:in turn) = one another ; R:'s
bought = purchased
buying = purchasing
to buy = to purchase
huge = enormous
famous = well-known
the whole ; R: (?:of|is|was|number)\b|[,.;:!?] = the entire ; R: (?:of)\b
the beginning of ; L:\b(?:from|in|at|is only|just) = the start of ; L:\b(?:from|in|at|is only|just)
photograph ; L:\b(?:to|not|can|could|will|would|I|we|you|they|and) ; R: (?:the|a|an|it|them|him|her)\b = photo ; R: (?:shoot|op|finish|essay|opportunity|booth|album|editor|gallery|credit)\b
photographs ; L:\b(?:he|she|who|it) = photos
bicycle ; L:\b(?:to) ; R: (?:kick|shop|lane|race)\b = bike ; L:\b(?:to|motor|dirt|mountain) ; R: (?:shop|lane|race|trail|ride)\b
bicycles = bikes ; L:\b(?:motor|dirt|mountain|he|she)
refrigerator = fridge
television ; R: (?:series|show|network|station|set|channel|program|production|studio)\b = TV ; R: (?:series|show|network|station|set|channel|program|production|studio)\b
advertisements = ads
seems to ; R: (?:me|us|him|her|them|you|be that)\b = appears to ; L:\b(?:it) ; R: (?:me|us|him|her|them|you|be that)\b
seemed to ; R: (?:me|us|him|her|them|you)\b = appeared to ; R: (?:me|us|him|her|them|you|the|a|an)\b
seem to ; R: (?:me|us|him|her|them|you)\b = appear to ; R: (?:me|us|him|her|them|you|the|a|an)\b
happened ; L:\b(?:has|what|had|what's|have|what has) ; R: (?:to|upon|on|by|that|next)\b|[,.;:!?] = occurred ; R: (?:to|by|that|next)\b|[,.;:!?]
happens ; L:\b(?:what|it so|so|as|whatever) ; R: (?:to|upon|on|by|that|next|if|when|after)\b|[,.;:!?] = occurs ; R: (?:to|by|that|next|if)\b|[,.;:!?]
began to = started to
begins to = starts to
try to ; {_NOUN}|\b(?:and|nice|good) ; R: (?:get|no)\b = attempt to ; {_NOUN}|\b(?:in|failed|an|nice|any|rare|bold|vain|desperate|\w+al|\w+ive|\w+less|\w+t|\w+ed)
tried to = attempted to
trying to ; R: (?:get)\b = attempting to
decided to = chose to
wanted to ; R: (?:be)\b = wished to
located in = situated in
located on = situated on
located near = situated near
shows that ; L:\b(?:TV|the|these|those|television|such|of|many|all) = demonstrates that
showed that = demonstrated that
show that ; L:\b(?:TV|the|a|this|of|television|talk|game|first|new) = demonstrate that
believes that = thinks that
pointed out that = noted that
aims to = seeks to
have to ; L:\b(?:all you|all we|all they|what they|what we|what I|what you|things|lot|still|more|nothing|something) ; R: (?:do with|say|offer|be|the|a|an|me|us|him)\b = need to ; L:\b(?:no|the|a|any|his|her|their|our|my|your|in|great|real|urgent|this|all you|all we|what we|what you|still|more) ; R: (?:be|know)\b
has to ; L:\b(?:it all|what he|what she|what it|that|which|still|one) ; R: (?:do with|say|offer|be|the|a|an)\b = needs to ; L:\b(?:the|his|her|their|our|my|your|special|what he|what she|still|one) ; R: (?:be|know)\b
every day ; L:\b(?:almost|nearly|of) = each day ; L:\b(?:of|for)
every year ; L:\b(?:almost|nearly|of) = each year ; L:\b(?:of|for)
every month ; L:\b(?:almost|nearly|of) = each month ; L:\b(?:of|for)
every week ; L:\b(?:almost|nearly|of) = each week ; L:\b(?:of|for)
every morning ; L:\b(?:almost|nearly|of) = each morning ; L:\b(?:of|for)
every night ; L:\b(?:almost|nearly|of) = each night ; L:\b(?:of|for)
every time ; L:\b(?:almost|nearly) = each time
these days ; L:\b(?:in|of|during|on|after|since|all|for|one of) = nowadays
all of the ; R: (?:above|following)\b = all the ; L:\b(?:for|not|after|with|and|of|at) ; R: (?:more|better|same|way|time|while|best|above|following|rage|world|year|night|day|others|other|less|worse|easier|greater)\b
half of the ; L:\b(?:first|second|other|latter|top|bottom|later|last|a|northern|southern|eastern|western|early|lower|upper|larger|better|left|right|one) = half the ; L:\b(?:one|about and a) ; R: (?:battle|fun|size|price|time|speed|length|cost|height|number|width|weight|age|distance)\b
said that ; L:(?:[,\"”'] )|\b(?:is|was|be|been|it|being|having) ; {_THAT} = said ; L:(?:[,\"”'] )|\b(?:is|was|be|been|it|being) ; {_THAT}
think that ; {_THAT} = think ; L:\b(?:you) ; {_THAT}
thought that ; L:\b(?:the|a|his|her|my|this) ; {_THAT} = thought ; L:\b(?:the|a|his|her|my|this) ; {_THAT}
believe that ; {_THAT} = believe ; {_THAT}
believed that ; {_THAT} = believed ; {_THAT}
knew that ; {_THAT} = knew ; {_THAT}
know that ; {_THAT} = know ; {_THAT}
hoped that ; {_THAT} = hoped ; {_THAT}
hope that ; L:\b(?:the|a|no|any|in|his|her) ; {_THAT} = hope ; L:\b(?:the|a|no|any|all|his|her) ; {_THAT}
felt that ; {_THAT} = felt ; {_THAT}
realized that ; {_THAT} = realized ; {_THAT}
noticed that ; {_THAT} = noticed ; {_THAT}
claimed that ; {_THAT} = claimed ; {_THAT}
learned that ; {_THAT} = learned ; {_THAT}
discovered that ; {_THAT} = discovered ; {_THAT}
in addition, = additionally,
often ; L:\b(?:how|more|less|most|as|so|too|very|quite|not|all too|every so) ; R: (?:than|enough|as|overlooked)\b|[,.;:!?] = frequently ; L:\b(?:more|less|most|as|so|too|how|very) ; R: (?:asked|used as)\b|[,.;:!?]
usually = typically
many ; L:\b(?:how|so|too|as|not|very|a great|a good|the|these|those|his|her|its|their|our|my|your|and|of|for|that|in|to|one of|great|good) ; R: (?:of|a|an|more|times|other|others|who|have|are|were|believe|think|say|people|had|will|would|can|could|different|such|thanks)\b|[,.;:!?-] = numerous ; L:\b(?:too|so|very|more|most|the|these|those|his|her|its|their|as|and|are|were|is|be|less) ; R: (?:and|than|enough|other|different|as|in|people|times)\b|[,.;:!?]
due to ; L:\b(?:is|are|was|were|be|been|being|largely|partly|mainly|mostly|not|partially|only|credit|amount|tax|simply|part|primarily|may|probably|likely|payment|respect) ; R: (?:the fact|be|arrive|start|begin|expire|open|have|take|go)\b = because of ; L:\b(?:is|are|was|were|be|been|it's|just|simply|not|largely|partly|mainly|mostly|only|precisely) ; R: (?:the fact|it|him|her|them|you|me|us|this|that)\b|[,.;:!?]
along with ; L:\b(?:get|gets|getting|got|went|go|goes|going|come|came|play|played|sing|went|moved|move|help|deal|put|all|follow|rub|bring|carry) = together with ; L:\b(?:work|working|worked|get|live|lived|play|come|stay|dance|bring|brought|travel|went|back|go|put|putting|taken|join|joined|closely|stuck|held|tied)
apart from ; L:\b(?:tell|far|miles|set|sets|setting|stand|stands|torn|tear|days|live|living|lived|feet|inches|kept|keep|years|world|worlds|him|her|them|us|it) ; R:[,.;:!?] = aside from ; L:\b(?:set|step|stepped|put|turn|turned|turning|stood|stand|moved|standing)
keep in mind = bear in mind
keeping in mind = bearing in mind
looking for ; R: (?:ward)\b = searching for
look for ; L:\b(?:the|a|new|his|her|this|that) ; R: (?:ward)\b = search for ; L:\b(?:the|a|in|his|her|this|an|any|job|their|our|desperate|long|Google|web|endless)
deal with ; L:\b(?:a|the|new|great|good|big|this|no|any|trade|real|plea|better) ; R: (?:it|this|that|them|him|her|you|me|us|your|the fact)\b|[,.;:!?] = handle ; L:\b(?:a|the|its|his|her|door|to|love|file|can|by|its|or|could|object|and|broom|long|device|that|pot|axe|sword|knife|wooden)
make sure that = ensure that
types of ; L:\b(?:all) = kinds of ; L:\b(?:all)
this type of = this kind of ; R:[,.;:!?]
allows you to = lets you ; R: (?:know|in|go|down|out|off|be|have)\b
allow you to = let you ; L:\b(?:will not|won't|I|not) ; R: (?:know|in|go|down|out|off|be|have|that)\b
allows users to = lets users
allow users to = let users
provides a ; R: (?:\w+ for)\b = offers a
provide a = offer a
consists of ; R: (?:\w+ing|what|how)\b = is made up of
consist of ; L:\b(?:to|will|would|may|must|can|could|should|might|not|usually|often|typically|they|also|mainly) = are made up of ; L:\b(?:they|also|mainly|usually|often)
the main reason ; L:\b(?:for) = the primary reason ; L:\b(?:for)
the main goal = the primary goal
the main purpose = the primary purpose
the main cause = the primary cause
the main source = the primary source
the main difference = the primary difference
the main advantage = the primary advantage
the rest of ; R: (?:us|you|them|it|my|his|her|their|the world)\b = the remainder of
a large number of = a great number of
a wide range of = a broad range of
a wide variety of = a broad variety of
is part of ; R: (?:the|a|it|me|him|you|us|them|my|his|her)? ?(?:reason|problem|fun|speech|charm)\b = is a part of
was part of = was a part of
are part of = are a part of
become part of = become a part of
became part of = became a part of
over the past = during the past
in recent years = over recent years
over the years = through the years
over the course of = during the course of
may be ; L:\b(?:that|as|it|as the case) ; R: (?:the case|that|able)\b|[,.;:!?] = might be ; L:\b(?:that|as|it) ; R: (?:the case|that)\b|[,.;:!?]
but ; L:[^,]|\bnot [^.!?;]*,|^ ; R: (?:also|not|rather|for|only|even|instead|if|to|that|of|in|by|with|from|on|at|because|as|when|it's|nothing|no|one|the|a|an)\b|[,.;:!?] = yet ; L:[^,]|^ ; R: (?:again|another|more|to|also|not|for|only|even|if|that|of|in|by|with|from|on|at|because|as|when|no|one|the|a|an)\b|[,.;:!?]
an important role in = a key role in
in many ways = in several respects ; L:\b(?:different)
take into account = take into consideration
takes into account = takes into consideration
taking into account = taking into consideration
taken into account = taken into consideration
with the help of = with the aid of
the purpose of ; L:\b(?:for) = the aim of ; L:\b(?:with)
as a matter of fact, = in point of fact,
for the first time in = for the very first time in ; R: (?:a|my|his|her|their|years|history|ages|decades)\b
come to an end = draw to a close
came to an end = drew to a close
take part in ; L:\b(?:to not) = participate in
took part in = participated in
takes part in = participates in
taking part in = participating in
get rid of ; L:\b(?:can't|couldn't) = dispose of ; L:\b(?:to be)
carried out ; L:\b(?:be|is|are|was|were|being|been) ; R: (?:by|in|on|with|at|to|of|under)\b|[,.;:!?] = conducted ; L:\b(?:be|is|are|was|were|being|been|and|an|he|she|the|self|orchestra|who) ; R: (?:by|in|on|with|at|to|the|himself|herself)\b|[,.;:!?]
passed away = died ; L:\b(?:he|she|they|had|all|it) ; R: (?:of|from|down|out|away|for|by|with|to|hard|off|young|laughing|that|as|at|because|when)\b|[,.;:!?]
""".strip()
