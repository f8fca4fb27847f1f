// Starts `kb lsp`, and offers what a language server cannot: a new record, tasks, the preview.
'use strict';

const { execFile } = require('node:child_process');
const path = require('node:path');
const vscode = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');
const { commandFor, pathIn, titleFault } = require('./settings');

/** @type {LanguageClient | undefined} */
let client;

function setting() {
  return vscode.workspace.getConfiguration('postmortemKb').get('command');
}

async function start() {
  const { command, args } = commandFor(setting(), 'lsp');
  client = new LanguageClient(
    'postmortemKb',
    'Postmortem KB',
    { command, args },
    {
      documentSelector: [{ scheme: 'file', language: 'markdown' }],
      synchronize: {
        fileEvents: [
          vscode.workspace.createFileSystemWatcher('**/kb.toml'),
          vscode.workspace.createFileSystemWatcher('**/[0-9][0-9][0-9][0-9]-*.md'),
        ],
      },
    },
  );
  await client.start();
}

async function startOrSay() {
  try {
    await start();
  } catch (error) {
    const chosen = await vscode.window.showErrorMessage(
      `Postmortem KB did not start: ${error.message}. It needs kb with its extra editor.`,
      'Open Settings',
    );
    if (chosen) await vscode.commands.executeCommand('workbench.action.openSettings', 'postmortemKb');
  }
}

async function newRecord() {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  if (!folder) {
    await vscode.window.showErrorMessage('Open the folder of a knowledge base first.');
    return;
  }
  const title = await vscode.window.showInputBox({
    prompt: 'What did the agent do?',
    validateInput: titleFault,
  });
  if (!title) return;
  const { command, args } = commandFor(setting(), 'new', '--no-edit', '--', title);
  execFile(command, args, { cwd: folder }, async (error, stdout, stderr) => {
    const file = pathIn(stdout);
    if (error || !file) {
      await vscode.window.showErrorMessage(`kb new: ${(stderr || error?.message || '').trim()}`);
      return;
    }
    await vscode.window.showTextDocument(vscode.Uri.file(path.resolve(folder, file)));
  });
}

function task(name, folder) {
  const { command, args } = commandFor(setting(), name);
  const run = new vscode.ProcessExecution(command, args, { cwd: folder.uri.fsPath });
  return new vscode.Task({ type: 'kb', task: name }, folder, name, 'kb', run, '$kb-check');
}

const tasks = {
  provideTasks: () =>
    (vscode.workspace.workspaceFolders ?? []).flatMap((folder) => ['check', 'build'].map((name) => task(name, folder))),
  resolveTask: () => undefined,
};

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand('postmortemKb.new', newRecord),
    vscode.commands.registerCommand('postmortemKb.preview', () =>
      vscode.commands.executeCommand('markdown.showPreviewToSide'),
    ),
    vscode.commands.registerCommand('postmortemKb.restart', async () => {
      await client?.stop().catch(() => undefined);
      await startOrSay();
    }),
    vscode.tasks.registerTaskProvider('kb', tasks),
  );
  await startOrSay();
}

async function deactivate() {
  await client?.stop();
}

module.exports = { activate, deactivate };
