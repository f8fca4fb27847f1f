"""What a heading is about by its words, where it is none of the names of a section.

## Phase 1: Facts (timeline)     ->  timeline
## Por que não foi detectado     ->  detection
## As 4 causas raiz              ->  root_cause

A heading of a few words that holds the stem of one section is that section's; of two joined by
`and` the first counts, else action items before all others. Names given by a form or by `kb.toml`
hold before these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.lazy_regex import regex

#: Longer headings tell something of their own: `Why the timeline service lost its root cause tag`.
_MOST_WORDS, _MOST_CHARACTERS, _MOST_OF_CJK = 6, 70, 16
#: A question may be longer: `Why detection took as long as it did`.
_MOST_OF_QUESTION = 10
#: So short is a heading that stands for itself below one that says nothing.
_FEW_WORDS, _FEW_CHARACTERS, _FEW_OF_CJK = 3, 32, 8
_CJK = regex(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
#: A heading with one of these is about something else than the incident it stands in.
_OTHER = regex(
    r"\b(?:non action|not (?:done|planned|implemented)"
    r"|templates?|how to|runbooks?|polic(?:y|ies)|tests?|scripts?|schema|commands?"
    r"|example|tools?|"
    r"api|queries|query|logs?|log excerpts?|commits?|links?|references?|appendix|annexes?|anexos?"
    r"|"
    r"changelog|glossary|glossário|glossaire|checklist|related|relacionados|guide"
    r"|review process)\b"
)
_BRACKETS = regex(r"[(（\[【]")
_QUESTION = regex(
    r"(?:why|how|what|where|por ?qu[eé]|c[oó]mo|onde|d[oó]nde|qu[eé]|o que|pourquoi|comment|ce qui"
    r"|o[uù]|warum|wie|was|wo|perch[eé]|come|cosa|waarom|hoe|wat|varför|hur|vad|почему|как|что|где)\b"
)
_NUMBER = regex(
    r"^(?:(?:phase|part|section|step|fase|§) )?\d{1,2} (?!por ?qu|whys?|pour|warum|поч)"
)
_AND = regex(r"(?: (?:and|und|et|y|e|и|en|och|og|ja|i|ve|và|dan) | ?[+&/＋・、和与與及] ?)")

_STEMS: dict[str, str] = {
    "actions": (
        r"\baction (?:items?|plan|points?)|\b(?:follow ?ups?|next steps?|todos?|to dos?)\b"
        r"|\bpreventi(?:on|ve|ng)\b(?! controls?)|\bpreventative|\bremediat"
        r"|\b(?:proposed|planned|permanent|suggested|required|remaining|surgical) fix(?:es)?\b"
        r"|\bfixes (?:required|needed|proposed|planned)\b"
        r"|\bcorrective(?: actions?| measures?| steps| work| tasks|$)|\bimprovements?\b"
        r"|\b(?:mitigation|improvement|recovery and prevention) plan|\bchange register"
        r"|\brecommend(?:ed (?:actions?|changes|fixes|improvements)|ations?$)"
        r"|\b(?:remaining|planned|open|further|pending|outstanding|proposed)"
        r" (?:actions?|work|items?)"
        r"|\bactions?$|\bactions? (?:we|to|required|needed|planned)\b"
        r"|\bpreven[çc][ãa]o|\bprevenci[óo]n|\bpr[ée]vention|\bprevenzione|\bpreventie\b"
        r"|\bpreventivas?"
        r"|\bcorr?[ei]c?tiv[aoe]s?\b|\bcorrectrices|\ba[çc][õo]es\b|\bacciones\b|\bazioni\b"
        r"|\bpr[óo]xim[oa]s? (?:pas+os?|etapas?)|\bsiguientes? pasos?|\bprochaines? [ée]tapes?"
        r"|\bn[äa]chster? schritte?"
        r"|\bprossimi passi|\bvolgende stappen|\bn[äa]sta steg|\bneste steg|\bn[æa]ste skridt"
        r"|\bnast[ęe]pne kroki|\bkolejne kroki|\bdal[šs][íi] kroky|\bsonraki ad[ıi]mlar"
        r"|\bmelhorias?\b|\bmejoras?\b|\bam[ée]liorations?|\bmiglioramenti?|\bverbesserung"
        r"|\bma(?:ß|ss)nahmen?|\bvermeidung|\bvorbeugung|\bmesures\b|\bmedidas\b|\bmisure\b"
        r"|\bpend[êe]ncias?|\bpendientes?\b|\brecomenda[çc][õo]es|\brecomendaciones"
        r"|\braccomandazioni"
        r"|\bencaminhamentos|\bplano de a[çc][ãa]o|\bplan de acci[óo]n"
        r"|\bplan d (?:actions?|am[ée]lioration)"
        r"|\bwhat (?:we |has |have )?changed (?:after|since|as a result)"
        r"|\bpiano d azione"
        r"|\baanbevelingen|\bverbeter|\bmaatregelen|\båtgärder|\btiltak|\btiltag|\btoimenpiteet"
        r"|\bdzia[łl]ania|\bzalecenia|\bopat[řr]en[íi]|\baksiyon|\beylem|\btindakan"
        r"|\bh[àa]nh [đd][ộo]ng"
        r"|\bkh[ắa]c ph[ụu]c|\bbi[ệe]n ph[áa]p"
        r"|меры|план действий|следующие шаги|дальнейшие|предотвращ|профилакти|доработк"
        r"|рекомендаци"
        r"|что делаем|план работ|задачи|заходи|подальші"
        r"|再発防止|今後|対策|アクション|改善(?:策|案|項目|アクション)|恒久対応"
        r"|改进|改善|措施|对策|行动|行動|后续|後續|待办|预防|預防|整改|防止再发|下一步"
        r"|재발|개선|후속|액션|할 ?일|향후|조치 ?(?:사항|계획)|방지"
    ),
    "timeline": (
        r"\btimeline|\bchronolog|\bcronolog|\bkronolog|\blinha do tempo"
        r"|\bl[íi]nea (?:de|del|temporal)"
        r"|\bzeitleiste|\bzeitlich|\bzeitverlauf|\bzeitstrahl|\bablauf|\btijdlijn|\btidslinj"
        r"|\baikajana"
        r"|\bo[śs] czasu|\bprzebieg|\b[čc]asov[áa] osa|\bzaman [çc]izelgesi"
        r"|\bd[òo]ng th[ờo]i gian"
        r"|\blinea temporale|\bsequence of events|\bs[ée]quence des|\blinimasa"
        r"|хронолог|таймлайн|временная|ход событий|последовательность событий"
        r"|タイムライン|時系列|経緯|经过|經過|时间线|时间轴|時間線|時間軸"
        r"|타임라인|연대기|시간(?:순|대별| ?흐름)|경과"
    ),
    "root_cause": (
        r"\broot causes?|\b(?:5|five) whys?|\bcontributing|\bcauses? (?:analysis|of)"
        r"|\banalysis of (?:the )?causes?|^(?:the )?causes?$"
        r""
        r"|\bcausas? ra[íi]z|\bcausas? (?:do|da|del|de la|principal|contribu)"
        r"|\bcauses? (?:racines?|profondes?|de l)"
        r"|\bcaus[ae] (?:principale?|radice|scatenante)|\bursachen?|\bgrundursach|\bhauptursache"
        r"|\bfatores contribu|\bfactores contribu|\bfacteurs contribu|\bfattori"
        r"|\b(?:5|cinco|cinq|fünf|cinque) (?:por ?qu|pourquoi|warum|perch)|\boorzaa?k"
        r"|\bgrundorsak"
        r"|\bgrunn?årsak|\bårsag|\bkök neden|\bprzyczyn|\bp[řr][íi][čc]in|\bnguy[êe]n nh[âa]n"
        r"|\bpenyebab"
        r"|\bakar masalah|\bjuurisyy"
        r"|первопричин|причин|5 почему|根本原因|根因|原因|なぜなぜ|근본|원인"
    ),
    "detection": (
        r"\bdetect(?:ed|ion|ing|able)?\b|\bdetec[çc][ãa]o|\bdetecci[óo]n|\bdetect(?:ou|ó|amos|ad[oa]s?)\b|\bd[ée]tect[ié]"
        r"|\bdiscover(?:y|ed)|\bentdeck|\berkennung|\brilevament|\bscopert"
        r"|\bdescubr|\bdescobert|\bupptäck|\boppdag|\bopdag|\bwykry|\btespit|\bph[áa]t hi[ệe]n"
        r"|\bdeteksi"
        r"|\bhavaitse|\bontdek"
        r"|обнаруж|как узнали|検知|検出|发现|發現|检测|감지|탐지|인지"
    ),
    "went_wrong": (
        r"\b(?:went|go|gone) (?:wrong|badly|poorly)|\bnot (?:go|work|gone)|n t (?:go|work)"
        r"|\bcould (?:have|be|improve)"
        r"|\bgot unlucky|\bn[ãa]o (?:funcion(?:ou|a)\b|deu|correu|saiu|foi bem)"
        r"|\bno (?:funcion|sali|fue bien|estuvo)"
        r"|\b(?:deu|correu|saiu) (?:errado|mal)|\bsali[óo] mal"
        r"|\bfall(?:[óo]|aron)\b|\bfalh(?:ou|aram)\b|\ba [ée]chou[ée]|\b(?:a|ont) mal "
        r"|\bn a pas (?:bien )?(?:fonctionn|march)"
        r"|\bschlecht|\bschief|\bnicht gut|\bstorto|\bnon ha funzionato"
        r"|\b(?:fout|mis|slecht) ging|\bging (?:fout|mis|slecht)"
        r"|\bgick (?:dåligt|fel|snett)|\bgikk (?:dårlig|galt)|\bgik (?:dårlig|galt)"
        r"|\bposz[łl]o [źz]le|\bk[öo]t[üu] git"
        r"|не сработало|пошло не так|плохо|не получилось"
        r"|うまくいかな|悪かった|改善点|做得不好|不足|没做好|哪里出错|잘못|못한|아쉬|문제점|잘되지"
    ),
    "went_well": (
        r"\b(?:went|go|gone|worked|works) (?:well|right)|\bthings that worked|\bgot lucky"
        r"|\blucky\b|\bluck\b"
        r"|\bfuncion(?:ou|ó|aron)\b|\b(?:deu|correu|foi|saiu) (?:certo|bem)|\bsali[óo] bien"
        r"|\bfue bien|\bsorte\b|\bsuerte\b"
        r"|\bbien (?:fonctionn|march|pass)|\ba fonctionn|\bde la chance|\b(?:gut|glück) |\bgut$"
        r"|\bglück"
        r"|\bha funzionato|\bandat[oa] bene|\bfortuna|\bgoed ging|\bging goed"
        r"|\bgick bra|\bgikk bra|\bgik godt"
        r"|\bposz[łl]o dobrze|\biyi git"
        r"|хорошо|сработало|получилось|повезло|удалось"
        r"|うまくいった|良かった|よかった|幸運|做得好|做对|幸运|잘(?:된|한|됐| ?된)|운이"
    ),
    "lessons": (
        r"\blessons?\b|\blearn(?:ed|t|ings?)\b|\btakeaways?\b|\breflections?\b|\blecci[óo]n"
        r"|\blecciones|\baprend"
        r"|\bli[çc](?:[ãa]o|[õo]es)|\ble[çc]ons?\b|\benseignements?|\bapprentissages?"
        r"|\bretour d exp|\blehren\b"
        r"|\berkenntnis|\bgelernt|\blezioni|\bimparat|\blessen\b|\bgeleerd|\blärdom|\blærdom"
        r"|\bwnioski|\blekcj"
        r"|\bdersler|\bb[àa]i h[ọo]c|\bpelajaran|\bpou[čc]en|\bopp?et"
        r"|урок|вывод|教訓|学び|学んだ|教训|经验|反思|교훈|배운|시사점"
    ),
    "customer_truth": (
        r"\bimpacts?\b|\bimpacto|\bimpatto|\bauswirkung|\bafectad|\bafetad|\bbetroffen|\bgevolg"
        r"|\bpåverkan"
        r"|\bkonsekven|\bwp[łl]yw|\betki|\bdampak|\b[ảa]nh h[ưu][ởo]ng|\bvaikutu|\bdopad"
        r"|\baffected (?:users?|customers?|services?|systems?|tenants?|clients?|accounts?)"
        r"|\bwho was affected|\bblast radius"
        r"|влияни|последстви|影響|影响|영향|피해"
    ),
}  # fmt: skip
#: Sections whose words are common: `The impact of retries on ledgers` tells something else.
_BRIEF = frozenset({"customer_truth"})
_BY_SECTION = tuple((key, regex(stems)) for key, stems in _STEMS.items())
#: A summary is one only where no other word stands beside these.
_SUMMARY = regex(
    r"summary|overview|synopsis|resumo|resumen|r[ée]sum[ée]|zusammenfassung|[üu]berblick"
    r"|kurzfassung|sintesi"
    r"|riepilogo|riassunto|samenvatting|sammanfattning|sammendrag|[öo]zet|podsumowanie"
    r"|t[óo]m t[ắa]t|ringkasan"
    r"|tiivistelm[äa]|shrnut[íi]|problema|probl[èe]me|проблема|問題|问题|문제"
    r"|резюме|сводка|кратк\w*|описание|概要|概述|摘要|要約|总结概述"
    r"|(?:问题|事件|事故|故障)描述|现象|現象|요약|개요|현상"
)
_BESIDE = regex(
    r"\b(?:the|a|an|of|in|executiv[eo]|ejecutivo|ex[ée]cutif|management|incidents?"
    r"|incidente|vorfalls?|outages?"
    r"|events?|short|brief|general|geral|do|da|del|de|des|du|der|dell?"
    r"|one|line|sentence|uma|linha|una|frase|phrase|инцидента|краткое|general|high"
    r"|level|descri[çc][ãa]o|descripci[óo]n|beschreibung|descrizione"
    r"|postmortem|post|mortem|problem)\b|事件|事故|故障|障害|장애|インシデント|の"
    r"|한 ?줄|한 ?문장|一行|一言|一句话"
)
_HAPPENED = regex(
    r"^(?:(?:o )?que (?:aconteceu|ocorreu|houve)|qu[ée] (?:pas[óo]|ocurri[óo]|sucedi[óo])"
    r"|ce qui s est pass[ée]"
    r"|que s est il pass[ée]|cosa [èe] (?:successo|accaduto)|wat is er gebeurd|wat gebeurde"
    r"|vad hände|hva skjedde"
    r"|hvad skete|co si[ęe] (?:sta[łl]o|wydarzy[łl]o)|ne oldu|apa yang terjadi"
    r"|chuy[ệe]n g[ìi] [đd][ãa]"
    r"|что (?:произошло|случилось)|що сталося|何が(?:起き|起こっ|あっ)た"
    r"|发生了什么|發生了什麼|무슨 ?일)"
)


def section_by_stem(heading: str) -> str:
    """The key of the section whose words a heading holds, empty where it holds none or too many."""
    for part in dict.fromkeys((_BRACKETS.split(heading, maxsplit=1)[0], heading)):
        if key := _section_of(_words(part)):
            return key
    return ""


def _section_of(text: str) -> str:
    most = _MOST_OF_QUESTION if _QUESTION.match(text) else _MOST_WORDS
    if not text or not _is_within(text, most, _MOST_CHARACTERS, _MOST_OF_CJK):
        return ""
    if _OTHER.search(text):
        return ""
    if _HAPPENED.match(text) or (_SUMMARY.search(text) and not _without_remarks(text).strip()):
        return "summary"
    first = next(_AND.finditer(text), None)
    for part in (text[: first.start()], text) if first else (text,):
        found = next(_keys(part), "")
        if found:
            return found
    return ""


def is_brief(heading: str) -> bool:
    """Whether a heading has so few words that they name what stands below it."""
    return _is_within(_words(heading), _FEW_WORDS, _FEW_CHARACTERS, _FEW_OF_CJK)


def _is_within(text: str, words: int, characters: int, of_cjk: int) -> bool:
    most = of_cjk if _CJK.search(text) else characters
    return len(text) <= most and text.count(" ") < words


def _words(heading: str) -> str:
    """A heading in lower case without marks and its number; what joins two, as `&`, is kept."""
    text = re.sub(r"[^\w\s&+/＋・、]|_", " ", heading.lower().replace("’", "'"))
    return _NUMBER.sub("", " ".join(text.split()))


def _without_remarks(text: str) -> str:
    return _BESIDE.sub("", _SUMMARY.sub("", text))


def _keys(text: str) -> Iterator[str]:
    brief = _is_within(text, _FEW_WORDS, _FEW_CHARACTERS, _FEW_OF_CJK)
    return (
        key for key, stems in _BY_SECTION if (brief or key not in _BRIEF) and stems.search(text)
    )
