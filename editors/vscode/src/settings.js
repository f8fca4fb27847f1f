// What the extension decides, apart from the editor: tested under Node alone.
'use strict';

/** The program and its arguments for a verb. Throws where the setting names none. */
function commandFor(setting, ...verb) {
  const words = Array.isArray(setting) ? setting.filter((word) => typeof word === 'string' && word) : [];
  if (words.length === 0) {
    throw new Error('postmortemKb.command names no program; set it to ["kb"] or to the path of yours');
  }
  return { command: words[0], args: [...words.slice(1), ...verb] };
}

/** The path that `kb new` printed: its last line that ends in `.md`. Empty where there is none. */
function pathIn(output) {
  const lines = output.split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line.endsWith('.md')).pop() ?? '';
}

/** What is wrong with a title, in a sentence; undefined where it may stand. */
function titleFault(title) {
  if (!title.trim()) return 'Say what the agent did, in one line a stranger understands.';
  if (title.trim().startsWith('-')) return 'A title begins with a word.';
  return title.length > 200 ? 'At most 200 characters.' : undefined;
}

module.exports = { commandFor, pathIn, titleFault };
