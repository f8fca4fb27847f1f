// Which word pieces does the encoder read for a text? As the lower-case BERT tokenizer cuts it.

const LONGEST_WORD = 100;
const WHITE = /\p{White_Space}/u;
const OTHER = /\p{C}/u;
const ASCII_MARK = /[!-/:-@[-`{-~]/;
const PUNCTUATION = /\p{P}/u;
const NON_SPACING = /\p{Mn}/gu;
/** The blocks BERT reads character by character. */
const IDEOGRAPHS = [
  [0x4e00, 0x9fff], [0x3400, 0x4dbf], [0x20000, 0x2a6df], [0x2a700, 0x2b73f],
  [0x2b740, 0x2b81f], [0x2b920, 0x2ceaf], [0xf900, 0xfaff], [0x2f800, 0x2fa1f],
];

function isIdeograph(character) {
  const code = character.codePointAt(0);
  return code >= 0x3400 && IDEOGRAPHS.some(([first, last]) => code >= first && code <= last);
}

/** Control characters out, white space to spaces, ideographs apart, accents off, lower case. */
function normalized(text) {
  let clean = "";
  for (const character of text) {
    if (character === "\t" || character === "\n" || character === "\r") clean += " ";
    else if (character === "\ufffd" || OTHER.test(character)) continue;
    else if (WHITE.test(character)) clean += " ";
    else clean += isIdeograph(character) ? ` ${character} ` : character;
  }
  const bare = clean.normalize("NFD").replace(NON_SPACING, "");
  // One character at a time: a whole string would give a final sigma its other form.
  return Array.from(bare, (character) => character.toLowerCase()).join("");
}

/** The words of a text; each mark of punctuation is a word. */
function words(text) {
  const found = [];
  let word = "";
  const end = () => { if (word) found.push(word); word = ""; };
  for (const character of normalized(text)) {
    if (WHITE.test(character)) end();
    else if (ASCII_MARK.test(character) || PUNCTUATION.test(character)) {
      end();
      found.push(character);
    } else word += character;
  }
  end();
  return found;
}

export class WordPieces {
  /** `vocabulary` holds one piece a line, in the order of their ids. */
  constructor(vocabulary, longest) {
    this.ids = new Map(vocabulary.split("\n").map((piece, id) => [piece, id]));
    this.longest = longest;
  }

  /** The ids of a text between those of its two ends, at most `longest` together. */
  encode(text) {
    const ids = words(text).flatMap((word) => this.pieces(word)).slice(0, this.longest - 2);
    return [this.ids.get("[CLS]"), ...ids, this.ids.get("[SEP]")];
  }

  /** The longest known pieces of a word from its start on; a word with none is unknown. */
  pieces(word) {
    const characters = Array.from(word);
    const unknown = [this.ids.get("[UNK]")];
    if (characters.length > LONGEST_WORD) return unknown;
    const found = [];
    for (let start = 0; start < characters.length;) {
      let end = characters.length;
      let id;
      for (; end > start; end--) {
        id = this.ids.get((start ? "##" : "") + characters.slice(start, end).join(""));
        if (id !== undefined) break;
      }
      if (id === undefined) return unknown;
      found.push(id);
      start = end;
    }
    return found;
  }
}
