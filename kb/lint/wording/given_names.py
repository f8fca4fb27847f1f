"""Given names that are people wherever they are the subject of a verb: "sarah did not check".

In lower case. Names that are as often a product, a language, a model or a word of other meaning
(bert, claude, devin, grace, hugo, julia, mark, ray, travis, will) are left out: what is not sure to
be a person judges nobody.
"""

from __future__ import annotations


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


GIVEN_NAMES = _names(
    "aaron abdul abigail adam adrian agnes ahmed aisha akira alan alejandro alexander "
    "alexandra alexey alfred ali alice alicia alison amanda amir amy ana andrea andreas "
    "andrei andrew angela anil anita anja anna anne annie anthony antonio anya arjun arthur "
    "ashley astrid barbara beatrice ben benjamin bernard beth betty bob bogdan brandon brenda "
    "brian bruce camille carl carla carlos carmen carol caroline catherine cathy charles "
    "charlie charlotte chen cheryl chloe chris christian christina christine christopher "
    "cindy claire colin craig cynthia dan daniel daniela danielle dave david debbie deborah "
    "denise dennis diana diane dieter dmitri dmitry dominik donald donna dorothy doug douglas "
    "edward eileen elaine elena elizabeth ellen emily emma eric erik esther ethan evelyn "
    "fatima felix fernando fiona florian francesca francesco francis francisco franz frederik "
    "gabriel gabriela gary geoff george gerald giovanni giulia gloria gordon greg gregory "
    "guillaume gunther hannah hans harold harry hassan heather heidi heinz helen helga henrik "
    "henry hiroshi holger ibrahim igor ines ingrid irene isabel isabella ivan jacob "
    "jacqueline jakob james jamie jan jane janet janice javier jean jeff jeffrey jennifer "
    "jenny jeremy jerry jessica jill jim jimmy joan joanna joe joel johan johannes john "
    "johnny jonas jonathan jorge jose joseph joshua juan judith judy jun justin kai karen "
    "karin karl katherine kathleen kathy katie katrin keith kelly ken kenneth kevin khalid "
    "kim klaus kristen kumar kyle lars laura lauren laurent lawrence lena leo leonard leslie "
    "liam linda lindsay lisa lorenzo louise lucas lucia lucy luis luke lynn manuel marc marco "
    "margaret maria marie marina mario marion marisa markus marta martha martin martina mary "
    "mateo matt matthew matthias maureen megan mehmet mei melanie melissa michael michelle "
    "miguel mike mikhail mohamed mohammed monica monika muhammad nancy naomi natalia natalie "
    "natasha nathan neha neil nicholas nick nicole nigel nikhil nikolai nina noah olga oliver "
    "olivia omar oscar oskar otto owen pablo pamela patricia patrick paul paula pavel pedro "
    "peter petra phil philip philipp philippe pierre piotr priya rachel rafael rahul raj "
    "rajesh ralf raphael ravi rebecca renate ricardo richard robert roberto roger rohan "
    "roland ronald rosa rosemary roy russell ruth ryan sabine samantha samuel sandra sanjay "
    "sara sarah scott sean sebastian sergei sergey sharon sheila shirley simon simone sofia "
    "sophia sophie stefan stefanie stephanie stephen steve steven stuart sunil suresh susan "
    "susanne sven svetlana takashi tamara tanya tatiana ted teresa theresa thomas tim timothy "
    "tina todd tom tomasz tony tracy ulrich uwe valerie vanessa veronica vijay vincent "
    "vladimir walter wei wendy werner wolfgang xavier yan yuki yuri yusuf yvonne zhang"
)
