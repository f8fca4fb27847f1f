-- Opens a draft in a headless Neovim, works on it through `kb lsp`, and writes what it saw as JSON.
-- Arguments by environment: KB_PYTHON, KB_DRAFT, KB_ROOT, KB_OUT. Written for Neovim 0.7.
local seen = {}

local function wait(what, look)
  local found
  local done = vim.wait(120000, function() found = look() return found end, 20)
  if not done then error('nothing came: ' .. what) end
  return found
end

local function find(words)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local column = line:find(words, 1, true)
    if column then return number, column - 1 end
  end
  error('no such words: ' .. words)
end

local function text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
end

local function session()
  vim.cmd('edit ' .. vim.env.KB_DRAFT)
  vim.lsp.handlers['window/showMessageRequest'] = function(_, asked)
    seen.question = asked.message
    return asked.actions[1]
  end
  vim.ui.select = function(items, _, chosen) chosen(items[1], 1) end
  local id = vim.lsp.start_client({
    name = 'kb', cmd = { vim.env.KB_PYTHON, '-m', 'kb', 'lsp' }, root_dir = vim.env.KB_ROOT,
  })
  vim.lsp.buf_attach_client(0, id)
  wait('attached', function() return #vim.lsp.buf_get_clients(0) > 0 end)

  -- Diagnostics, with the right places.
  seen.diagnostics = wait('diagnostics', function()
    local found = vim.diagnostic.get(0)
    return #found > 0 and found
  end)
  for _, each in ipairs(seen.diagnostics) do each.user_data = nil end

  -- Completes a class.
  local line, column = find('classes: []')
  vim.api.nvim_win_set_cursor(0, { line, column + #'classes: [' })
  local asked = vim.lsp.util.make_position_params(0, 'utf-16')
  local answers = vim.lsp.buf_request_sync(0, 'textDocument/completion', asked, 60000)
  for _, item in ipairs(answers[id].result.items) do
    if item.label == 'duplicate-side-effect' then
      vim.lsp.util.apply_text_edits({ item.textEdit }, 0, 'utf-16')
    end
  end
  seen.completed = vim.api.nvim_buf_get_lines(0, line - 1, line, false)[1]

  -- Fixes with a code action.
  line, column = find('kind: incidnt')
  vim.api.nvim_win_set_cursor(0, { line, column + #'kind: ' })
  vim.lsp.buf.code_action()
  wait('the code action', function() return text():find('kind: incident', 1, true) end)

  -- Inserts an earlier incident, with its verdict, by a code lens.
  local heading = find('## Counterfactual')
  local lens = wait('lenses', function()
    vim.lsp.codelens.refresh()
    vim.wait(200)
    for _, each in ipairs(vim.lsp.codelens.get(0)) do
      if each.range.start.line == heading - 1 and each.command then return each end
    end
  end)
  seen.lens = lens.command.title
  vim.api.nvim_win_set_cursor(0, { heading, 0 })
  vim.lsp.codelens.run()
  wait('the verdict', function() return text():find('- [repeat] [', 1, true) end)
  seen.text = text()

  vim.lsp.stop_client(id)
  wait('the end of the server', function() return vim.lsp.client_is_stopped(id) end)
end

local ok, fault = pcall(session)
seen.fault = not ok and fault or nil
local out = io.open(vim.env.KB_OUT, 'w')
out:write(vim.json.encode(seen))
out:close()
vim.cmd('qall!')
