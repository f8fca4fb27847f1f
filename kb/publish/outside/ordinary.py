"""Which words are no names? What owners are called that are no people, and parts of firms' names.

To take `payments` out of every text because a team of that name owns a record would leave none.
"""

from __future__ import annotations

_DESKS = """
a access accounts admin agent agents ai alerts analytics api app apps architecture assistant
audit automation backend billing bot build call casebook chat checkout ci cloud commerce
compliance content core customer customers cx data database dba delivery design desk dev
developer developers devex devops docs duty edge eng engineer engineering evals evaluation
experience finance fraud frontend governance group growth hr identity incident incidents infra
infrastructure integration integrations internal it knowledge lead leads legal logistics mail
maintainer maintainers management manager marketing messaging ml mobile model models
monitoring n network nobody none observability on oncall operations operator operators ops
orders owner owners payments payouts people platform policy pricing privacy product production
prompt prompts qa quality refunds release releases reliability reporting research responder
returns reviewer reviewers risk runtime safety sales search security service services
settlement shipping shop site software squad sre sres staff storage store success support
system systems tbd team teams test testing tooling tools trust unit unknown user users voice
web website
"""
_PARTS = """
bank best blue central city club co coast company corp corporation east eastern europe
european express first foods general global gmbh grace grand great green group health home
hope hotel hotels house inc industries insurance international limited llc local ltd major
mark market markets media miles national new north northern open partner partners red rose
royal shops smart south southern stores target the travel union united west western will world
"""

#: What an owner may be called that is no person: desks, teams, what they build, and no answer.
DESKS = frozenset(_DESKS.split())
#: Parts of names that are ordinary words when they stand alone.
ORDINARY = DESKS | frozenset(_PARTS.split())
