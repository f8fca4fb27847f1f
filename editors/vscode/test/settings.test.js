'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { commandFor, pathIn, titleFault } = require('../src/settings');

const manifest = JSON.parse(readFileSync(path.join(__dirname, '..', 'package.json'), 'utf8'));

test('the program of the settings is started with the verb behind its own arguments', () => {
  assert.deepEqual(commandFor(['uvx', 'kb'], 'lsp'), { command: 'uvx', args: ['kb', 'lsp'] });
});

test('a setting without a program is an error that says what to set', () => {
  for (const nothing of [[], undefined, 'kb', [''], [7]]) {
    assert.throws(() => commandFor(nothing, 'lsp'), /set it to \["kb"\]/);
  }
});

test('a workspace that is not trusted cannot name the program', () => {
  const limited = manifest.capabilities.untrustedWorkspaces;
  assert.equal(limited.supported, 'limited');
  assert.deepEqual(limited.restrictedConfigurations, ['postmortemKb.command']);
});

test('the path is the last line that kb new printed', () => {
  assert.equal(pathIn('postmortems/2026-04-12-x.md\n'), 'postmortems/2026-04-12-x.md');
  assert.equal(pathIn('note\r\npostmortems/2026-04-12-x.md\r\n'), 'postmortems/2026-04-12-x.md');
  assert.equal(pathIn('nothing was written\n'), '');
});

test('a title says what happened and is no option', () => {
  assert.equal(titleFault('Refund agent paid twice'), undefined);
  assert.match(titleFault('   '), /what the agent did/);
  assert.match(titleFault('--from-run'), /begins with a word/);
});

test('the matcher of the tasks reads a line of kb check', () => {
  const matcher = manifest.contributes.problemMatchers[0].pattern;
  const line = 'postmortems/2026-04-12-x.md:6:7: KB113 unknown-word: unknown word "incidnt"';
  const found = new RegExp(matcher.regexp).exec(line);
  assert.deepEqual(
    [found[matcher.file], found[matcher.line], found[matcher.column], found[matcher.code]],
    ['postmortems/2026-04-12-x.md', '6', '7', 'KB113 unknown-word'],
  );
  assert.equal(found[matcher.message], 'unknown word "incidnt"');
});

test('every command that is offered is registered', () => {
  const source = readFileSync(path.join(__dirname, '..', 'src', 'extension.js'), 'utf8');
  for (const { command } of manifest.contributes.commands) assert.ok(source.includes(`'${command}'`), command);
});
